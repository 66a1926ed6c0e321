"""The figures of the worked examples come out of the compiled engine, too."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule import SGD, Dense, Model, Network
from chainrule.engines import Objective
from chainrule.formulas import LOSSES

compiled = pytest.importorskip("chainrule.engines.compiled")
if not compiled.works():
    pytest.skip("LLVM cannot run here", allow_module_level=True)

X, Y = np.array([[0.05, 0.10]]), np.array([[0.01, 0.99]])
HALF = "half_squared_error"


def outputs(model: Model, rows: Any) -> Any:
    return compiled.predict(model.network, model.theta, model.state, np.array(rows, dtype=float))


def step_by_step(bias: str) -> Model:
    model = Network.from_sizes([2, 2, 2], hidden="sigmoid", output="sigmoid", bias=bias).init()
    model["W1"], model["b1"] = [[0.15, 0.20], [0.25, 0.30]], 0.35
    model["W2"], model["b2"] = [[0.40, 0.45], [0.50, 0.55]], 0.60
    return model


def learn(model: Model, updates: int) -> Model:
    learnt = cr.train(model, X, Y, epochs=updates, loss=HALF, optimizer=SGD(0.5), metrics=(), engine="compiled")
    assert learnt.history is not None
    assert learnt.history.engine == "compiled"
    return learnt


def error_of(model: Model) -> float:
    objective = Objective(model.network, LOSSES[HALF])
    return float(compiled.loss(objective, model.theta, model.state, X, Y))


def test_neuron_and_feedforward() -> None:
    neuron = Network([Dense(1, "sigmoid")], inputs=2).init()
    neuron["W1"], neuron["b1"] = [[0.0, 1.0]], 4.0
    assert outputs(neuron, [[2, 3]])[0, 0] == pytest.approx(0.9990889488, abs=5e-11)
    model = Network.from_sizes([2, 2, 1], hidden="sigmoid", output="sigmoid").init()
    model["W1"], model["b1"], model["W2"], model["b2"] = [[0.0, 1.0], [0.0, 1.0]], 0.0, [[0.0, 1.0]], 0.0
    assert outputs(model, [[2, 3]])[0, 0] == pytest.approx(0.7216325610, abs=5e-11)


def test_one_derivative() -> None:
    model = Network.from_sizes([2, 2, 1], hidden="sigmoid", output="sigmoid").init()
    model["W1"], model["b1"], model["W2"], model["b2"] = 1.0, 0.0, 1.0, 0.0
    objective = Objective(model.network, LOSSES["squared_error"])
    gradient = compiled.gradient(objective, model.theta, model.state, np.array([[-2.0, -1.0]]), np.array([[1.0]]))
    assert gradient["w1"] == pytest.approx(0.0214695353, abs=5e-11)


def test_step_by_step() -> None:
    start = step_by_step("fixed")
    assert error_of(start) == pytest.approx(0.29837111, abs=5e-9)
    np.testing.assert_allclose(outputs(start, X)[0], [0.75136507, 0.77292847], atol=5e-9, rtol=0)
    gradient = compiled.gradient(Objective(start.network, LOSSES[HALF]), start.theta, start.state, X, Y)
    assert gradient["w5"] == pytest.approx(0.08216704, abs=5e-9)
    once = learn(start, 1)
    np.testing.assert_allclose(once.W[2], [[0.35891648, 0.40866619], [0.51130127, 0.56137012]], atol=5e-9, rtol=0)
    np.testing.assert_allclose(once.W[1], [[0.14978072, 0.19956143], [0.24975114, 0.29950229]], atol=5e-9, rtol=0)
    assert error_of(once) == pytest.approx(0.29102777, abs=5e-9)
    often = learn(start, 10_000)
    assert error_of(often) == pytest.approx(3.51018778e-05, abs=5e-14)
    np.testing.assert_allclose(outputs(often, X)[0], [0.01591362, 0.98406427], atol=5e-9, rtol=0)


@pytest.mark.parametrize(("bias", "expected"), [("neuron", 0.28047145), ("layer", 0.28575089)])
def test_step_by_step_with_trained_biases(bias: str, expected: float) -> None:
    assert error_of(learn(step_by_step(bias), 1)) == pytest.approx(expected, abs=5e-9)


def test_linear_regression() -> None:
    x = np.arange(1.0, 19.0)
    y = np.array([2, 3, 3, 5, 8, 10, 10, 13, 15, 15, 16, 19, 19, 20, 22, 22, 25, 28.0])
    line = Network([Dense(1, bias="none")], inputs=2).init()
    line["W1"] = 1.0
    learnt = cr.train(
        line, np.column_stack([np.ones_like(x), x]), y, epochs=4344, optimizer=SGD(0.01), metrics=(), engine="compiled",
        loss=HALF,
    )  # fmt: skip
    np.testing.assert_allclose(learnt.W[1][0], [0.13729871, 1.47677663], atol=5e-9, rtol=0)
