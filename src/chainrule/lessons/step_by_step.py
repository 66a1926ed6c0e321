"""A 2-2-2 network with every number written out: forward, backward, one update, then ten thousand."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule import SGD, Model, Network
from chainrule.formulas import LOSSES
from chainrule.language import Message
from chainrule.lessons.following import follow
from chainrule.lessons.lesson import Lesson, Setting
from chainrule.lessons.step_by_step_biases import tell_biases
from chainrule.lessons.step_by_step_pass import tell_one_pass
from chainrule.lessons.step_by_step_slip import tell_slip
from chainrule.lessons.story import Story
from chainrule.plots.watching import film_learning, watch_learning

__all__ = ["LESSON"]

FRAMES = 45


def tell(
    story: Story, i: Any, targets: Any, W1: Any, b1: float, W2: Any, b2: float, rate: float, updates: int, bias: str
) -> None:
    """One example all the way."""
    story.say(
        "Inputs, two sigmoid layers, outputs, targets: one example goes forward through the network, its error comes"
        " back, and every weight takes one step. All numbers are shown, so that each can be worked out with a pocket"
        " calculator."
    )
    x, y = np.array([i]), np.array([targets])

    def begin(kind: str) -> Model:
        """Set all weights by hand; the kind of bias says what training may change."""
        network = Network.from_sizes([len(i), len(W1), len(targets)], hidden="sigmoid", output="sigmoid", bias=kind)
        model = network.init()
        model["W1"], model["b1"], model["W2"], model["b2"] = W1, b1, W2, b2
        model.loss = LOSSES["half_squared_error"]
        return model

    start = begin(bias)
    moments = [t for t in sorted({0, 1, 2, 3, *np.geomspace(1, updates, FRAMES).round().astype(int)}) if t <= updates]
    options: dict[str, Any] = {"optimizer": SGD(rate), "metrics": ()}
    models = follow(start, x, y, moments, **options)
    tell_one_pass(story, start, models[1], x, y, rate)

    story.heading("{updates:,} updates", updates=updates)
    errors = [model.evaluate(x, y)["loss"] for model in models]
    weights = [np.concatenate([model.W[1].ravel(), model.W[2].ravel()]) for model in models]
    shown = sorted({k for k, t in enumerate(moments) if t <= 3} | {len(moments) // 2, len(moments) - 1})
    table = np.column_stack([[*weights[k], errors[k]] for k in shown])
    names = [*(f"w{k}" for k in range(1, len(weights[0]) + 1)), "E"]
    story.table(
        (Message("update"), *(f"{moments[k]:,}" for k in shown)),
        [(name, *row) for name, row in zip(names, table, strict=True)],
        digits=6,
    )
    story.say("The error was {first:.6g} at the start and is {last:.6g} now.", first=errors[0], last=errors[-1])
    if story.as_told:
        story.say(
            "At first the output weights move about a hundred times as fast as the hidden ones: the error that comes"
            " back is made smaller by every slope on its way, and the inputs are small. In the end w5 and w6 are"
            " negative and hold the first output down, w7 and w8 lift the second."
        )
    outputs = models[-1].outputs(x)[0]
    story.value(f"error_after_{updates}", errors[-1], expected=3.51018778e-05, within=5e-14)
    story.value(f"output_after_{updates}", outputs, expected=(0.01591362, 0.98406427), within=5e-9)
    for key, course in (("updates", moments), ("error", errors), ("weights", weights)):
        story.series(key, course)

    tell_biases(story, lambda kind, n: follow(begin(kind), x, y, [0, n], **options)[1], x, y, updates)
    tell_slip(story, begin("fixed"), x, y, rate, updates)
    story.picture(lambda: watch_learning(models, moments, i, targets).figure)
    story.animation(lambda path: film_learning(path, models, moments, i, targets))
    story.try_next("Let the biases learn, too.", command="step-by-step --bias neuron")
    story.try_next("Towards the misprinted target 0.09.", command="step-by-step --targets 0.01,0.09")
    story.try_next("Your own inputs and targets.", command="step-by-step --i 1,0.5 --targets 0.2,0.8 --updates 500")


LESSON = Lesson(
    name="step-by-step",
    title=Message("Every number of a 2-2-2 network"),
    summary=Message("a 2-2-2 network with every number, and a famous slip"),
    animated=True,
    tell=tell,
    settings=(
        Setting("i", (0.05, 0.10), "the inputs", any_size=True),
        Setting("targets", (0.01, 0.99), "the targets", any_size=True),
        Setting("W1", ((0.15, 0.20), (0.25, 0.30)), "weights into the hidden layer, a row a neuron", any_size=True),
        Setting("b1", 0.35, "the bias of every hidden neuron"),
        Setting("W2", ((0.40, 0.45), (0.50, 0.55)), "weights into the outputs, a row a neuron", any_size=True),
        Setting("b2", 0.60, "the bias of every output"),
        Setting("rate", 0.5, "the learning rate", above=0),
        Setting("updates", 10_000, "how many updates", least=1, most=100_000),
        Setting("bias", "fixed", "what training does to biases", choices=("fixed", "neuron", "layer")),
    ),
)
