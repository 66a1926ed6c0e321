"""The whole step of any network can be told, in every format, and says nothing that is not so."""

from __future__ import annotations

import os
import pickle

import numpy as np
import pytest
from tests.explain import parsing
from tests.explain.cases import random_step

from chainrule import SGD, Draw, Network
from chainrule.errors import UsageError
from chainrule.explain import FORMATS, explain, render, trace
from chainrule.explain.page import Equation
from chainrule.explain.slip import slip_blocks
from chainrule.layers import BatchNorm, Dense, Dropout

CASES = int(os.environ.get("CHAINRULE_CASES", "40"))


@pytest.mark.parametrize("seed", range(CASES))
def test_every_line_of_a_whole_step_multiplies_out(seed: int) -> None:
    step = random_step(np.random.default_rng(30_000 + seed))
    page = explain(step)
    for format, check in (
        ("text", parsing.check_text),
        ("latex", parsing.check_latex),
        ("md", parsing.check_latex),
        ("html", parsing.check_html),
    ):
        assert check(render(page, format), 8, 1e-9) >= 1, format
    render(page, "json")


@pytest.mark.parametrize("draw", [None, Draw(0, 1)])
@pytest.mark.parametrize(
    "layers",
    [
        [Dense(2, "identity", bias="none"), BatchNorm("tanh"), Dropout(0.5), Dense(1)],
        [Dense(2), Dropout(0.5), BatchNorm("tanh"), Dense(1)],
        [BatchNorm(), Dropout(0.3), Dense(2, "tanh"), Dense(1)],
        [Dropout(0.3), BatchNorm(), Dense(1)],
        [Dense(2, "tanh"), Dense(1, "identity", bias="none"), BatchNorm("sigmoid")],
        [Dense(2, "tanh"), Dropout(0.0), Dense(1)],
    ],
)
def test_any_order_of_layers(layers: list[object], draw: Draw | None) -> None:
    model = Network(layers, inputs=2).init(seed=0)  # type: ignore[arg-type]
    X, Y = np.random.default_rng(0).normal(size=(4, 2)), np.ones((4, 1)) / 2
    loss = "binary_cross_entropy" if model.network.output_activation.name == "sigmoid" else "squared_error"
    for rows in (4, 1):
        step = trace(model, X[:rows], Y[:rows] > 0 if loss != "squared_error" else Y[:rows], loss=loss, draw=draw)
        for format in FORMATS:
            render(explain(step), format)
        assert np.array_equal(step.A[0], X[:rows])


def test_the_scene_says_what_is_there() -> None:
    X, Y = np.eye(4)[:, :2], np.ones((4, 1))
    dropping = Network([Dense(3, "relu"), Dropout(0.5), Dense(1)], inputs=2).init()
    normed = Network([Dense(3), BatchNorm("relu"), Dense(1)], inputs=2).init()
    for model, draw, said, never in (
        (dropping, None, "no dropout.", "statistics"),
        (dropping, Draw(0, 1), "with dropout.", "statistics"),
        (normed, None, "with running statistics.", "dropout"),
        (normed, Draw(0, 1), "with the statistics of this batch.", "dropout"),
    ):
        scene = explain(model, X, Y, draw=draw).text(width=500).splitlines()[3]
        assert said in scene
        assert never not in scene
    assert "with relu, identity," in explain(normed, X, Y).text(width=500)


def test_the_input_that_counts_most_is_spelled_out() -> None:
    model = Network.from_sizes([6, 8, 3], "tanh").init(seed=0)
    X = [[1.0, 0.1, -9.0, 0.5, 0.2, 0.3]]
    step = trace(model, X, [[0.0, 1.0, 2.0]])
    chief = int(np.argmax(np.abs(step.dX[0])))
    assert f"∂C/∂x[{chief}] =" in str(explain(step))


def test_a_single_row_has_the_share_of_a_parameter_that_moves() -> None:
    model = Network.from_sizes([20, 10, 3], "tanh").init(seed=0)
    step = trace(model, np.ones((1, 20)), [[0.0, 1.0, 2.0]], optimizer=SGD(0.1))
    place = int(np.argmax(np.abs(step.update.change.theta)))
    assert "after = " in str(explain(step))
    assert step.update.change.theta[place] != 0


def test_a_bias_that_is_held_fixed_has_a_derivative_all_the_same() -> None:
    model = Network.from_sizes([2, 2, 2], "sigmoid", "sigmoid", bias="fixed").init(seed=0)
    step = trace(model, [[0.1, 0.2]], [[0, 1]], loss="half_squared_error")
    found = explain(step, of="dC/db2[0]")
    assert found.value == step.D[2][0, 0] != 0
    assert "held fixed" in str(found)


@pytest.mark.parametrize("bias", ["neuron", "layer", "fixed", "none"])
def test_the_slip_is_made_by_the_steps_own_rule(bias: str) -> None:
    """What is lost with the slip is the error's way back, and nothing else: no penalty, clip or bias."""
    model = Network.from_sizes([2, 2, 2], "sigmoid", "sigmoid", bias=bias).init(seed=0)
    step = trace(model, [[0.1, 0.2]], [[0, 1]], loss="half_squared_error", optimizer=SGD(0.0001), penalties="l2")
    tables = [block for block in slip_blocks(step) if hasattr(block, "rows")]
    for _, _, after, slipped in tables[0].rows:
        assert abs(after - slipped) < 1e-7
    costs = [block for block in slip_blocks(step) if isinstance(block, Equation) and block.left.name.symbol == "C"]
    for cost in costs:
        assert abs(cost.forms[-1].value - cost.result) < 1e-15


def test_the_slip_needs_two_layers() -> None:
    model = Network([Dropout(0.5), Dense(1, "sigmoid")], inputs=2).init()
    with pytest.raises(UsageError, match="two layers"):
        list(slip_blocks(trace(model, [[1.0, 2.0]], [1], loss="squared_error")))


def test_a_trace_can_be_sent_to_other_processes() -> None:
    model = Network.from_sizes([2, 2, 2], "sigmoid", "sigmoid").init(seed=0)
    step = trace(model, [[0.1, 0.2]], [[0, 1]], loss="half_squared_error")
    again = pickle.loads(pickle.dumps(step))
    assert explain(again, of="dC/dW1[0,0]").value == explain(step, of="dC/dW1[0,0]").value
    assert len(repr(step)) < 200
