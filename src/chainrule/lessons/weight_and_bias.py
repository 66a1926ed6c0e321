"""What weight and bias do to a sigmoid neuron: w sets how steep the S is, b shifts it."""

from __future__ import annotations

import numpy as np

from chainrule.language import Message
from chainrule.lessons.lesson import Lesson, Setting
from chainrule.lessons.story import Story
from chainrule.model import Model
from chainrule.network import Dense, Network
from chainrule.plots.lines import Curve, Panel, line_panels
from chainrule.plots.style import significant

__all__ = ["LESSON", "neuron"]


def neuron(w: float, b: float) -> Model:
    """Give a sigmoid neuron with one input."""
    model = Network([Dense(1, "sigmoid")], inputs=1).init()
    model["w1"], model["b1"] = w, b
    return model


def tell(story: Story, weights: tuple[float, ...], biases: tuple[float, ...], reach: float) -> None:
    """Two families of curves, one for several weights and one for several biases."""
    story.say(
        "A sigmoid neuron with one input draws an S over x. To train it is to move and to bend this S by two numbers:"
        " its weight and its bias."
    )
    story.formula("a = f(w x + b)", r"a = f(w x + b)")
    x = np.linspace(-reach, reach, 401)

    story.heading("The weight sets the steepness")
    story.say(
        "With b = 0 all curves pass through 0.5 at x = 0. How far they have got at x = 1 grows with w: a large weight"
        " makes the S almost a step, w = 0 a flat line, and a negative one turns it over."
    )
    steep = {w: neuron(w, 0.0).outputs([-1.0, 0.0, 1.0])[:, 0] for w in weights}
    story.table(
        ("w", Message("a at x = −1"), Message("at 0"), Message("at 1")), [(w, *a) for w, a in steep.items()], digits=4
    )
    story.check("Every S passes through 0.5 at x = 0", all(a[1] == 0.5 for a in steep.values()))

    story.heading("The bias shifts it")
    story.say(
        "With w = 1 the curves have one shape, and b moves it: the middle of the S, where a = 0.5, lies where"
        " w x + b = 0, that is at x = −b/w. A positive bias moves it to the left, so the neuron says yes more readily;"
        " −b is its threshold."
    )
    middles = {b: neuron(1.0, b).outputs([-b])[0, 0] for b in biases}
    at_zero = [(b, 0.0 - b, middles[b], neuron(1.0, b).outputs([0.0])[0, 0]) for b in biases]
    story.table(("b", Message("middle at x"), Message("a there"), Message("a at x = 0")), at_zero, digits=4)
    story.check("The middle of each S lies at −b", all(a == 0.5 for a in middles.values()))
    story.say(
        "The two are not independent. With w = 5 the same bias moves the S only a fifth as far, since the middle is at"
        " −b/w. And an S that is steep is flat elsewhere, where its slope, and with it the gradient, is nearly 0."
    )
    by_weight = [Curve(x, neuron(w, 0.0).outputs(x)[:, 0], f"w = {significant(w)}") for w in weights]
    by_bias = [Curve(x, neuron(1.0, b).outputs(x)[:, 0], f"b = {significant(b)}") for b in biases]
    story.picture(
        lambda: line_panels(
            [
                Panel(by_weight, x="x", y="a", title=Message("several weights, b = 0")),
                Panel(by_bias, x="x", y="a", title=Message("several biases, w = 1")),
            ],
            title=Message("A sigmoid neuron: a = f(w x + b)"),
        )
    )
    story.try_next("Weights below zero turn the S over.", command="weight-and-bias --weights -5,-1,0,1,5")
    story.try_next(
        "A very large weight: nearly the step of the M-P neuron.", command="weight-and-bias --weights 1,10,100"
    )


LESSON = Lesson(
    name="weight-and-bias",
    title=Message("What weight and bias do"),
    summary=Message("w sets the steepness of a sigmoid neuron's S, b shifts it"),
    tell=tell,
    settings=(
        Setting("weights", (0.5, 1.0, 2.0, 5.0), "several weights", any_size=True),
        Setting("biases", (-4.0, -2.0, 0.0, 2.0, 4.0), "several biases", any_size=True),
        Setting("reach", 8.0, "x goes from minus this to this", above=0.0),
    ),
)
