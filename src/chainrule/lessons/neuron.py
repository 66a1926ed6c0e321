"""One sigmoid neuron, three operations: weigh, add, squash."""

from __future__ import annotations

from chainrule.errors import UsageError
from chainrule.language import Message
from chainrule.lessons.lesson import Lesson, Setting
from chainrule.lessons.story import Story
from chainrule.network import Dense, Network
from chainrule.plots.activations import neurons_on_curve
from chainrule.plots.lines import line_panels

__all__ = ["LESSON"]


def tell(story: Story, w: tuple[float, ...], b: float, x: tuple[float, ...]) -> None:
    """One neuron from its inputs to its output."""
    if len(w) != len(x):
        raise UsageError("--w has {w} numbers and --x has {x}; they must be as many", w=len(w), x=len(x))
    story.say(
        "A neuron does three things: it weighs each input, adds up what it weighed together with its bias, and squashes"
        " the sum with an activation function. The sigmoid takes any number to one between 0 and 1."
    )
    story.formula("z = w·x + b,   a = 1 / (1 + exp(−z))", r"z = w \cdot x + b, \qquad a = \frac{1}{1 + e^{-z}}")

    model = Network([Dense(1, "sigmoid")], inputs=len(x)).init()
    model["W1"], model["b1"] = [w], b
    passed = model.forward([x])

    story.table(
        (Message("step"), Message("result")),
        [(Message("weigh and add: z"), passed.Z[1][0, 0]), (Message("squash: a"), passed.A[1][0, 0])],
        digits=10,
    )
    story.value("output", passed.A[1][0, 0], expected=0.9990889488, within=5e-11)
    if story.as_told:
        story.say(
            "The sum z = 7 lies far to the right on the S of the sigmoid, where it is nearly flat: the neuron is almost"
            " certain, and a small change of an input hardly changes its answer."
        )
    panel, title = neurons_on_curve("sigmoid", {"": passed.Z[1][0, 0]}), Message("The neuron on the S of the sigmoid")
    story.picture(lambda: line_panels([panel], title=title))
    story.try_next("A bias of −3 brings the sum back to the middle of the S.", command="neuron --b -3")


LESSON = Lesson(
    name="neuron",
    title=Message("One neuron"),
    summary=Message("one sigmoid neuron, three operations: weigh, add, squash"),
    tell=tell,
    settings=(
        Setting("w", (0.0, 1.0), "the weights", any_size=True),
        Setting("b", 4.0, "the bias"),
        Setting("x", (2.0, 3.0), "the inputs, as many as there are weights", any_size=True),
    ),
)
