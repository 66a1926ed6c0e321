"""All activations with their slopes: their ranges, which saturate, which die, and why they must not be linear."""

from __future__ import annotations

import numpy as np

from chainrule.formulas import ACTIVATIONS
from chainrule.language import Message
from chainrule.lessons.lesson import Lesson, Setting
from chainrule.lessons.story import Story
from chainrule.network import Dense, Network
from chainrule.plots.activations import activation_curves, value_and_slope

__all__ = ["LESSON"]

FLAT = (Message("no"), Message("below"), Message("above"), Message("both ends"))


def tell(story: Story, reach: float, seed: int) -> None:
    """The catalogue, flat ends, a dead neuron, and three linear layers that are one."""
    story.say(
        "The activation f decides what a neuron makes of its weighted sum z. Its slope f' decides how much of an error"
        " comes back through it when the network learns: where f' is 0, nothing does."
    )
    rows, z = [], np.linspace(-reach, reach, 601)
    inside = True
    for name, f in ACTIVATIONS.items():
        a, slope = value_and_slope(f, z)
        low, high = np.abs(value_and_slope(f, [-700, 700])[1]) < 1e-12
        limits = "{:.3g} … {:.3g}".format(*f.range).replace("inf", "∞").replace("-", "−")
        rows.append((name, limits, slope.max(), slope[0], slope[-1], FLAT[low + 2 * high]))
        inside = inside and f.range[0] <= a.min() and a.max() <= f.range[1]
    ends = f"f'(−{reach:g})", f"f'({reach:g})"
    largest = Message("largest f' from −{reach:g} to {reach:g}", reach=reach)
    story.table((Message("name"), Message("range"), largest, *ends, Message("flat")), rows, digits=3)
    story.check("Every value lies in its range", inside)
    story.say(
        "The last column says where f saturates: its slope goes to 0 below, above or at both ends. Softmax turns a"
        " whole row of z into probabilities; here it is the first of them for the row (z, 0), which is the sigmoid. The"
        " step has no slope to learn by: 0, and none at the jump. The sigmoid's slope is at most 0.25: the slopes"
        " of ten such layers multiply to less than a millionth; ReLU's is 1 for every positive z."
    )
    story.heading("Dead neurons")
    story.say(
        "The slope of ReLU is exactly 0 for all negative z. A neuron whose z is negative for every example gets no"
        " gradient and stays as it is: it is dead. Leaky ReLU keeps a small slope. Here is dC/dw of one neuron with the"
        " bias −10 and inputs from 0 to 1, all of which should give 1."
    )
    gradients = {}
    for name in ("relu", "leaky_relu"):
        neuron = Network([Dense(1, name)], inputs=1).init()
        neuron["w1"], neuron["b1"] = 1.0, -10.0
        gradients[name] = neuron.gradient([0.0, 0.5, 1.0], [1.0, 1.0, 1.0])["w1"]
    story.table((Message("activation"), "dC/dw"), list(gradients.items()), digits=4)
    story.check("ReLU gets no gradient, leaky ReLU does", gradients["relu"] == 0 != gradients["leaky_relu"])

    story.heading("Why not linear")
    story.say(
        "Without activations layers collapse into one, since a product of matrices is a matrix. Here a network 3-4-4-2"
        " of random weights without activations, and a single layer made from them:"
    )
    story.formula("W = W3 W2 W1,   b = W3 (W2 b1 + b2) + b3", r"W = W^3 W^2 W^1, \qquad b = W^3 (W^2 b^1 + b^2) + b^3")
    deep = Network.from_sizes([3, 4, 4, 2], hidden="identity", bias_initializer="normal").init(seed)
    one, bent = Network([Dense(2)], inputs=3).init(), Network.from_sizes([3, 4, 4, 2], hidden="tanh").init()
    (W1, W2, W3), (b1, b2, b3) = deep.W.values(), deep.b.values()
    one["W1"], one["b1"], bent.theta = W3 @ W2 @ W1, W3 @ (W2 @ b1 + b2) + b3, deep.theta
    apart, with_tanh = (np.abs(model.outputs(np.eye(3)) - one.outputs(np.eye(3))).max() for model in (deep, bent))
    story.say(
        "Their outputs differ by {apart:.0e} at most; with tanh in between by {bent:.2f}.", apart=apart, bent=with_tanh
    )
    story.value("difference", apart)
    story.check("Three linear layers are one", apart < 1e-12 < with_tanh)
    story.picture(lambda: activation_curves(list(ACTIVATIONS), reach=reach, columns=4))
    story.try_next("Closer: between −1 and 1 most of them are almost straight.", command="activations --reach 1")
    story.try_next("Other weights: linear layers collapse all the same.", command="activations --seed 1")


LESSON = Lesson(
    name="activations",
    title=Message("Activations and their slopes"),
    summary=Message("ranges and slopes; why activations must not be linear"),
    tell=tell,
    settings=(
        Setting("reach", 6.0, "z goes from minus this to this", above=0.0, most=100.0),
        Setting("seed", 0, "the seed of the weights of the linear layers", least=0),
    ),
)
