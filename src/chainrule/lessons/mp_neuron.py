"""The M-P neuron: a weighted sum against a threshold; what one of them can do, and what takes two layers."""

from __future__ import annotations

from itertools import product

import numpy as np
import numpy.typing as npt

from chainrule.errors import UsageError
from chainrule.language import Message
from chainrule.lessons.lesson import Lesson, Setting
from chainrule.lessons.story import Story
from chainrule.network import Dense, Network
from chainrule.plots import decision_regions
from chainrule.training import train

__all__ = ["LESSON", "outputs"]

INPUTS = [(0, 0), (0, 1), (1, 0), (1, 1)]
TRUTH = {"NOT": [1, 0], "AND": [0, 0, 0, 1], "OR": [0, 1, 1, 1], "NAND": [1, 1, 1, 0], "XOR": [0, 1, 1, 0]}
GATES = {"NOT": ([-1], 0.5), "AND": ([1, 1], -1.5), "OR": ([1, 1], -0.5), "NAND": ([-1, -1], 1.5)}
TRIED = np.array(list(product(np.arange(-2, 2.5, 0.5), repeat=3)))


def outputs(W: npt.ArrayLike, b: npt.ArrayLike, X: npt.ArrayLike = INPUTS) -> list[list[int]]:
    """Give for each row of W the outputs of an M-P neuron with these weights."""
    layer = Network([Dense(np.size(b), "step")], inputs=np.shape(W)[1]).init()
    layer["W1"], layer["b1"] = W, b
    fires: list[list[int]] = layer.outputs(X).T.astype(int).tolist()
    return fires


def tell(story: Story, w: tuple[float, ...], b: float) -> None:
    """Gates set by hand, a search for XOR, XOR by two layers, and what the step forbids."""
    story.say(
        "The first model of a neuron, by McCulloch and Pitts (1943), answers yes or no. It weighs its inputs, adds them"
        " up and fires where the sum reaches a threshold. We write the threshold as −b: it fires where w·x + b ≥ 0."
        " In the network this is a neuron whose activation is the step, and its weights are set by hand."
    )
    story.formula("a = 1 if w·x + b ≥ 0, else 0", r"a = 1 \text{ if } w \cdot x + b \ge 0, \text{ else } 0")
    tables = {gate: outputs([W], [c], INPUTS if len(W) == 2 else [[0], [1]])[0] for gate, (W, c) in GATES.items()}
    rows = [(gate, *map(str, GATES[gate]), str(fires)) for gate, fires in tables.items()]
    title = Message("Outputs for the inputs 00, 01, 10, 11; those of NOT for 0, 1")
    story.table((Message("gate"), "w", "b", Message("outputs")), rows, title=title)

    story.heading("One neuron cannot do XOR")
    story.say(
        "XOR, one or the other but not both, wants {wanted}. The neuron of the settings w and b answers {answers}. Now"
        " {count} others, which are the neurons of one layer: all with weights and bias from −2 to 2 in halves.",
        **{"wanted": TRUTH["XOR"], "answers": outputs([w], [b])[0], "count": len(TRIED)},
    )
    found = {tuple(fires) for fires in outputs(TRIED[:, :2], TRIED[:, 2])}
    story.say("Of the 16 truth tables that there are for two inputs they give {found}.", found=len(found))
    missing = set(product((0, 1), repeat=4)) - found
    story.check("Only XOR and its opposite are missing", missing == {(0, 1, 1, 0), (1, 0, 0, 1)})
    story.say(
        "No finer search would help. XOR needs b < 0, w1 + b ≥ 0, w2 + b ≥ 0 and w1 + w2 + b < 0. The two in the middle"
        " add up to w1 + w2 + 2b ≥ 0, so w1 + w2 + b ≥ −b > 0, against the last. In the plane: w·x + b = 0 is a"
        " straight line, and no straight line has (0, 1) and (1, 0) on one side and (0, 0) and (1, 1) on the other."
    )

    story.heading("Two layers can")
    story.say("XOR is OR and NAND at once: two neurons in a hidden layer, and an AND that takes their outputs.")
    xor = Network([Dense(2, "step"), Dense(1, "step")], inputs=2).init()
    xor["W1"], xor["b1"] = [GATES["OR"][0], GATES["NAND"][0]], [GATES["OR"][1], GATES["NAND"][1]]
    xor["W2"], xor["b2"] = [GATES["AND"][0]], GATES["AND"][1]
    A = xor.forward(INPUTS).A
    tables["XOR"] = A[2][:, 0].astype(int).tolist()
    story.table(("x1", "x2", "OR", "NAND", "XOR"), np.hstack([A[0], A[1], A[2]]).astype(int).tolist())
    story.value("truth_tables", tables)
    story.check("All truth tables are right", tables == TRUTH)

    story.heading("Why it is not trained")
    story.say("Here every weight was set by hand. Asked to train a neuron with the step, the library answers:")
    try:
        train(xor, INPUTS, TRUTH["XOR"])
    except UsageError as error:
        story.line("{error}", error=Message(error.key, **error.fields))
    story.say(
        "Gradient descent asks how the output changes with a weight. With the step the answer is: not at all, or by a"
        " jump. The next lesson puts a smooth S in its place."
    )
    story.picture(lambda: decision_regions(xor.outputs, INPUTS, TRUTH["XOR"], title=Message("XOR by two layers")))
    story.try_next("A neuron of your own for XOR: three of four is the best.", command="mp-neuron --w 1,-1 --b -0.5")


LESSON = Lesson(
    name="mp-neuron",
    title=Message("The M-P neuron"),
    summary=Message("a threshold neuron: AND, OR, NOT; XOR takes two layers"),
    tell=tell,
    settings=(
        Setting("w", (1.0, 1.0), "the weights of the neuron that tries XOR"),
        Setting("b", -1.0, "its bias, minus its threshold"),
    ),
)
