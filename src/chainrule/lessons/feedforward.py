"""A 2-2-1 network, forward: every neuron does what one neuron does."""

from __future__ import annotations

from chainrule.language import Message
from chainrule.lessons.lesson import Lesson, Setting
from chainrule.lessons.story import Story
from chainrule.network import Network
from chainrule.plots.activations import neurons_on_curve
from chainrule.plots.lines import line_panels

__all__ = ["LESSON"]


def tell(story: Story, w: tuple[float, ...], b: float, x: tuple[float, ...]) -> None:
    """Two inputs through two hidden neurons to one output."""
    story.say(
        "A network is neurons that take the outputs of others as their inputs. Two inputs go to two hidden neurons, h1"
        " and h2; the output o1 takes h1 and h2 as its inputs. Here all three have the same weights w and bias b, so"
        " that nothing is new but the way they are joined."
    )
    story.formula(
        "h = f(w·x + b),   o = f(w·(h1, h2) + b)", r"h = f(w \cdot x + b), \qquad o = f(w \cdot (h_1, h_2) + b)"
    )

    model = Network.from_sizes([2, 2, 1], hidden="sigmoid", output="sigmoid").init()
    model["W1"], model["W2"] = [w, w], [w]
    model["b1"] = model["b2"] = b
    passed = model.forward([x])
    h1, h2 = passed.A[1][0]

    story.table(
        (Message("neuron"), Message("its inputs"), "z", "a"),
        [
            ("h1", "x1, x2", passed.Z[1][0, 0], h1),
            ("h2", "x1, x2", passed.Z[1][0, 1], h2),
            ("o1", "h1, h2", passed.Z[2][0, 0], passed.A[2][0, 0]),
        ],
        digits=10,
    )
    story.value("hidden", h1, expected=0.9525741268, within=5e-11)
    story.value("output", passed.A[2][0, 0], expected=0.7216325610, within=5e-11)
    story.say(
        "Nothing here depends on the size: a network of any number of layers and neurons is computed layer by layer in"
        " the same way, as one matrix product and one activation each. The weights into a layer are the rows of a"
        " matrix, one row for each neuron."
    )
    story.formula(
        "Z[l] = A[l−1] W[l]ᵀ + b[l],   A[l] = f(Z[l])", r"Z^l = A^{l-1} (W^l)^\top + b^l, \qquad A^l = f(Z^l)"
    )
    story.check("Neurons with the same weights, bias and inputs give the same output", abs(h1 - h2) < 1e-12)
    story.say(
        "That h1 and h2 agree is worth remembering: with the same weights and bias two neurons are one neuron twice."
        " The lesson on initialization comes back to it."
    )
    panel = neurons_on_curve("sigmoid", {"h1, h2": passed.Z[1][0, 0], "o1": passed.Z[2][0, 0]})
    story.picture(lambda: line_panels([panel], title=Message("The neurons on the S of the sigmoid")))
    story.try_next(
        "With all weights 0 the inputs do not matter: each neuron gives f(b).", command="feedforward --w 0,0"
    )
    story.try_next("Large inputs: the hidden neurons are at the end of the S.", command="feedforward --x 20,30")


LESSON = Lesson(
    name="feedforward",
    title=Message("Neurons joined to a network"),
    summary=Message("a 2-2-1 network from its inputs to its output"),
    tell=tell,
    settings=(
        Setting("w", (0.0, 1.0), "the weights of every neuron"),
        Setting("b", 0.0, "the bias of every neuron"),
        Setting("x", (2.0, 3.0), "the inputs"),
    ),
)
