"""Losses: the squared error and its conventions, distance, cross-entropy, and learning from a confident mistake."""

from __future__ import annotations

import numpy as np

from chainrule.formulas import ACTIVATIONS, LOSSES
from chainrule.language import Message
from chainrule.lessons.lesson import Lesson, Setting
from chainrule.lessons.loss_rows import SQUARED, row_of, vector
from chainrule.lessons.story import Story
from chainrule.network import Dense, Network
from chainrule.plots.lines import Curve, Panel, line_panels
from chainrule.plots.losses import LOSS_NAMES, loss_panels

__all__ = ["LESSON"]

DRAWN = ("half_squared_error", "squared_error", "euclidean_distance")
RIVALS = ("half_squared_error", "binary_cross_entropy")


def tell(story: Story, a: tuple[float, ...], y: tuple[float, ...], z: float, rate: float, updates: int) -> None:
    """Four conventions, cross-entropy, and two neurons that start equally wrong."""
    story.say(
        "A loss says by one number how wrong an answer is. Learning makes it small, so its slope counts as much: how"
        " fast the loss falls as the answer improves."
    )
    story.heading("Squared errors and the distance")
    story.say(
        "Texts call several things the squared error: the sum over the outputs, half of it, or its mean. They differ by"
        " a factor, so do the gradients, and a learning rate means something else with each. The Euclidean distance is"
        " the root of the sum, the length of the error; its slope has the length 1 however small the error is."
    )
    story.say(
        "Here a = ({a}) are the outputs and y = ({y}) the targets, N = {N} of each:", a=vector(a), y=vector(y), N=len(a)
    )
    rows = [row_of(name, a, y) for name in SQUARED]
    header = (Message("loss"), Message("formula"), "L", *(f"∂L/∂a{k}" for k in range(1, len(a) + 1)))
    story.table(header, rows, digits=5)
    story.value("squared_errors", [row[2] for row in rows], expected=[24.5, 49.0, 16.33333333, 7.0], within=5e-9)

    story.heading("Cross-entropy")
    story.say(
        "Where the output a is the probability of a yes, the loss is minus the logarithm of the probability that was"
        " given to the truth: 0 for certainty that is right, without bound for certainty that is wrong. It is computed"
        " from z, which still tells apart what is rounded to 0 or 1 in a."
    )
    story.formula("L = −ln a where y = 1,   L = −ln(1 − a) where y = 0", r"L = -y \ln a - (1 - y) \ln(1 - a)")
    sigmoid, entropy = ACTIVATIONS["sigmoid"].f, LOSSES["binary_cross_entropy"].value
    Z = np.linspace(-6, 6, 7)[:, None]
    table = np.stack([Z[:, 0], sigmoid(Z)[:, 0], entropy(Z, 1.0), entropy(Z, 0.0)], axis=1)
    story.table(("z", "a", Message("L for y = 1"), Message("L for y = 0")), table.tolist(), digits=4)

    story.heading("A confident mistake")
    story.say(
        "A sigmoid neuron should give 1. Its z, here its bias, is {z:g}, so it gives {a:.4f}. In the slope ∂L/∂z of a"
        " squared error stands f'(z) = a (1 − a), which is nearly 0 where the sigmoid is flat: the more certain the"
        " mistake, the slower it is mended. With cross-entropy this factor cancels, and a − y is left."
        " Now both neurons learn.",
        **{"z": z, "a": sigmoid(np.array(z))},
    )
    slopes, paths = {}, {}
    for name in RIVALS:
        neuron = Network([Dense(1, "sigmoid", initializer="zeros")], inputs=1).init()
        neuron["b1"] = z
        slopes[name] = float(neuron.gradient([0.0], [1.0], loss=name)["b1[0]"])
        paths[name] = [neuron.outputs([0.0])[0, 0]]
        for _ in range(updates):
            neuron.theta = neuron.theta - rate * neuron.gradient([0.0], [1.0], loss=name).theta
            paths[name].append(neuron.outputs([0.0])[0, 0])
        story.series(name, paths[name])
    header = (Message("loss"), "∂L/∂z", Message("a before"), Message("after {n} updates", n=updates))
    story.table(
        header, [(LOSS_NAMES[name], slopes[name], paths[name][0], paths[name][-1]) for name in RIVALS], digits=4
    )
    story.value("dL_dz", list(slopes.values()))
    story.check("Cross-entropy has the steeper slope", abs(slopes[RIVALS[1]]) >= abs(slopes[RIVALS[0]]))
    learning = [Curve(range(updates + 1), paths[name], LOSS_NAMES[name]) for name in RIVALS]
    mended = Panel(learning, x=Message("update"), y="a", title=Message("the mistake is mended"))
    story.picture(lambda: line_panels([*loss_panels(DRAWN), mended], title=Message("Losses")))
    story.try_next("More certain, and slower still with the squared error.", command="losses --z -6 --updates 600")
    story.try_next("A small error: the distance keeps its slope.", command="losses --a 0.02,0.03,0.06")


LESSON = Lesson(
    name="losses",
    title=Message("Losses"),
    summary=Message("squared errors, distance, cross-entropy and their slopes"),
    tell=tell,
    settings=(
        Setting("a", (2.0, 3.0, 6.0), "the outputs whose squared errors are shown"),
        Setting("y", (0.0, 0.0, 0.0), "their targets"),
        Setting("z", -4.0, "the weighted sum of the neuron that should give 1", least=-30.0, most=0.0),
        Setting("rate", 1.0, "the learning rate", above=0.0),
        Setting("updates", 100, "the number of updates", least=1, most=10000),
    ),
)
