"""XOR: a hidden layer learns what one neuron cannot."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule import SGD, Model, Network, data, train
from chainrule.language import Message
from chainrule.lessons.lesson import Lesson, Setting
from chainrule.lessons.story import Story
from chainrule.plots import decision_regions

__all__ = ["LESSON"]


def tell(story: Story, hidden: int, rate: float, epochs: int, seed: int) -> None:
    """The same training with a hidden layer and without."""
    story.say(
        "XOR answers 1 where exactly one of its two inputs is 1. In the plane the ones stand on one diagonal of a"
        " square and the zeros on the other: no straight line parts them, and one neuron draws just one straight line."
    )
    table = data.load("xor-table")

    def learned(sizes: list[int]) -> Model:
        network = Network.from_sizes(sizes, hidden="sigmoid", output="sigmoid", initializer="normal")
        shown: dict[str, Any] = {"batch_size": 1, "epochs": epochs, "seed": seed, "callbacks": story.callbacks}
        return train(network, table.X, table.y, loss="half_squared_error", optimizer=SGD(rate), metrics=(), **shown)

    story.heading("With a hidden layer")
    story.say(
        "A 2-{hidden}-1 network of sigmoids; weights start from N(0, 1), biases at 0. Each update is made from one"
        " example: an epoch takes the four in an order drawn at random. Seed {seed}, rate {rate}, {epochs:,} epochs,"
        " {updates:,} updates.",
        hidden=hidden,
        seed=seed,
        rate=rate,
        epochs=epochs,
        updates=4 * epochs,
    )
    story.formula("L = ½ (a − y)²", r"L = \tfrac{1}{2} (a - y)^2")
    deep = learned([2, hidden, 1])
    story.heading("Without one")
    story.say("The same, but both inputs lead straight to the output neuron.")
    flat = learned([2, 1])

    a, b = deep.outputs(table.X)[:, 0], flat.outputs(table.X)[:, 0]
    story.table(
        ("x1", "x2", "y", Message("with a hidden layer"), Message("without one")),
        [(*map(int, x), y, *each) for x, y, *each in zip(table.X, table.y, a, b, strict=True)],
        digits=4,
    )
    right = [int(np.sum(np.rint(answers) == table.y)) for answers in (a, b)]
    story.say(
        "Of the four answers, rounded to 0 or 1, {deep} are right with a hidden layer and {flat} without one.",
        deep=right[0],
        flat=right[1],
    )
    story.value("outputs", a)
    assert deep.history is not None
    story.value("updates", deep.history.updates)
    story.value("right", right[0], expected=4)
    story.value("right_without_hidden_layer", right[1])
    story.series("loss", deep.history["loss"])
    story.check("without a hidden layer at least one answer is wrong", right[1] < 4)
    if story.as_told:
        story.say(
            "Each hidden neuron draws a line of its own, softly, and the output neuron weighs them: what lies between"
            " the lines is one class, what lies outside the other. The picture shows how the network answers"
            " everywhere, also between the four points, about which nobody told it anything."
        )
    story.picture(lambda: decision_regions(deep.outputs, table.X, table.y, title=Message("What the network answers")))
    story.try_next(
        "Two hidden neurons are enough from most starts; from this one they get stuck.",
        command="xor --hidden 2 --seed 4",
    )
    story.try_next("With one hidden neuron there is again only one line.", command="xor --hidden 1")
    story.try_next("At a rate of 0.01 as many updates do not get there.", command="xor --rate 0.01")


LESSON = Lesson(
    name="xor",
    title=Message("XOR"),
    summary=Message("a 2-5-1 network learns it from one example at a time"),
    tell=tell,
    settings=(
        Setting("hidden", 5, "the number of hidden neurons", least=1, most=1000),
        Setting("rate", 2.0, "the learning rate", above=0),
        Setting("epochs", 2000, "how often all four examples are shown", least=1, most=100_000),
        Setting("seed", 0, "the seed of start and order", least=0),
    ),
)
