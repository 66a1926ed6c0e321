"""The numerical derivative: it stands beside every derivative, is never further off than it says, and knows kinks."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from chainrule import BatchNorm, Dense, Draw, Dropout, Network
from chainrule.explain import explain, trace
from chainrule.explain.anatomy import Anatomy
from chainrule.explain.asking import find_name
from chainrule.explain.nudging import Nudged, nudge

LAYERS: dict[str, list[Any]] = {
    "normalization last": [Dense(3, "tanh"), Dense(2), BatchNorm("softmax")],
    "normalization last, with activation": [Dense(3, "tanh"), Dense(2, "tanh"), Dropout(0.2), BatchNorm("sigmoid")],
    "normalization first": [BatchNorm("tanh"), Dropout(0.4), Dense(3, "gelu"), Dense(2, "softmax")],
    "dropout before normalization": [Dense(3, "tanh"), Dropout(0.3), BatchNorm("silu"), Dense(2, "softmax")],
    "dropout behind it": [Dense(3), BatchNorm("elu"), Dropout(0.3), Dense(2, "softmax")],
    "softmax within": [Dense(3, "softmax", bias="layer"), BatchNorm("softmax"), Dense(2, "sigmoid")],
}


def value_of(step: Any, name: Any) -> float:
    """What backpropagation says, from the trace's own arrays."""
    body = Anatomy(step)
    if name.symbol in ("W", "b", "gamma", "beta"):
        return float(getattr(step.gradient, name.symbol)[name.layer][name.index])
    return float(body.backward[name.symbol, name.layer][int(name.row or 0), int(name.index[0])])


@pytest.mark.parametrize("drawn", [False, True])
@pytest.mark.parametrize("m", [1, 5])
@pytest.mark.parametrize("layers", LAYERS)
def test_every_derivative_has_one(layers: str, m: int, drawn: bool) -> None:
    rng = np.random.default_rng(0)
    model = Network(LAYERS[layers], inputs=2).init(seed=1)
    model.theta += 0.3 * rng.normal(size=model.theta.shape)
    for l, var in model.statistics.var.items():
        var[:], model.statistics.mean[l][:] = rng.uniform(0.5, 2, var.shape), rng.normal(size=var.shape)
    X, Y, weights = rng.normal(size=(m, 2)), np.eye(2)[rng.integers(2, size=m)], rng.uniform(0.5, 2, m)
    step = trace(model, X, Y, weights, draw=Draw(3, 1) if drawn else None)
    body = Anatomy(step)
    row = "2," if m > 1 else ""
    asked = [f"{symbol}{'' if l is None else l}[{row}1]" for symbol, l in body.backward]
    asked += [f"{e.name}[{','.join('1' * len(e.shape))}]" for e in model.network.entries]
    for text in asked:
        name = find_name(text, step)
        found = nudge(body, name)
        assert found is not None, text
        assert abs(found.slope - value_of(step, name)) <= found.uncertainty, text
        # Normalized, a lone row is always 0: there the cost is rounding.
        assert found.uncertainty <= 1e-8 * max(step.cost, 1.0) or (m == 1 and drawn), text


def test_what_cannot_be_nudged_has_none() -> None:
    step = trace(Network([Dense(2, "softmax")], inputs=2).init(), [[1.0, 2.0]], [[1.0, 0.0]])
    body = Anatomy(step)
    # The loss is a function of the weighted sums: there is none of the outputs.
    assert nudge(body, find_name("a1[0]", step)) is None
    assert nudge(body, find_name("y[0]", step)) is None
    model = Network([Dense(1)], inputs=1).init()
    model["W1"] = [[math.nan]]
    assert explain(model, [[1.0]], [1.0], "dC/dW1[0,0]").check is None


def test_fixed_bias_is_nudged_like_any_other() -> None:
    model = Network([Dense(2, "tanh", bias="fixed"), Dense(1)], inputs=2).init(seed=0)
    found = explain(model, [[1.0, 2.0]], [1.0], "dC/db1[1]")
    delta = explain(model, [[1.0, 2.0]], [1.0], "delta1[1]").value
    assert abs(found.check.slope - delta) < 1e-10 < abs(delta)
    assert found.value == delta
    assert "held fixed" in found.text()


def check_of(
    x: float, w: float, y: float, output: str = "identity", b: float = 0.0, **rest: Any
) -> tuple[float, Nudged]:
    """Value and numerical derivative of a 1-1 network."""
    model = Network([Dense(1, output)], inputs=1).init()
    model["W1"], model["b1"] = [[w]], [b]
    found = explain(model, [[x]], [[y]], "dC/dW1[0,0]", **({"loss": "squared_error"} | rest))
    return found.value, found.check


@pytest.mark.parametrize(
    ("x", "w", "y", "output", "b"),
    [
        (1e-6, 3.0, 0.0, "identity", 1e6),
        (1e7, 1e-7, 0.0, "sigmoid", 0.0),
        (1e7, 1e-7, 0.5, "sigmoid", 0.0),
        (1e12, 1e-12, 0.5, "sigmoid", 0.0),
        (1e12, 0.0, 2.0, "softplus", 0.0),
        (1e100, 1.0, 2.0, "identity", 0.0),
        (1.0, 1e150, 2.0, "identity", 0.0),
        (1.0, -40.0, 0.0, "sigmoid", 0.0),
    ],
)
def test_steps_fit_the_cost(x: float, w: float, y: float, output: str, b: float) -> None:
    value, check = check_of(x, w, y, output, b)
    assert not check.kink
    assert abs(check.slope - value) <= check.uncertainty < 1e-3 * abs(value)


def test_a_slope_that_is_lost_is_not_contradicted() -> None:
    value, check = check_of(1e-20, 2.0, 2.0)
    assert value == -4e-20
    assert abs(check.slope - value) <= check.uncertainty
    assert check.uncertainty > abs(value)


def test_no_kink_where_the_cost_is_smooth() -> None:
    assert not check_of(1.0, 2.0, 2.0)[1].kink  # the bottom of a parabola
    assert not check_of(1.0, 0.0, 0.0, "elu")[1].kink
    rng = np.random.default_rng(0)
    x = rng.normal(size=(20, 2))
    y = x @ [1.0, -2.0] + 0.1 * rng.normal(size=20)
    best = np.linalg.lstsq(np.column_stack([x, np.ones(20)]), y, rcond=None)[0]
    model = Network([Dense(1)], inputs=2).init()
    model["W1"], model["b1"] = [best[:2]], best[2:]
    for asked in ("dC/dW1[0,0]", "dC/dW1[0,1]", "dC/db1[0]"):
        found = explain(model, x, y, asked, loss="half_squared_error")
        assert not found.check.kink
        assert "kink" not in found.text()
        assert abs(found.value - found.check.slope) <= found.check.uncertainty


@pytest.mark.parametrize("seed", range(40))
def test_no_kink_in_smooth_networks_saturated_or_trained_to_the_end(seed: int) -> None:
    rng = np.random.default_rng(seed)
    hidden, output = str(rng.choice(["tanh", "sigmoid", "softplus", "gelu"])), str(rng.choice(["sigmoid", "identity"]))
    model = Network.from_sizes([2, 4, 3, 1], hidden, output).init(seed=seed)
    model.theta *= rng.choice([0.1, 1, 10, 100])
    X = rng.normal(size=(int(rng.choice([1, 6])), 2)) * rng.choice([1e-3, 1, 100])
    Y = model.predict(X).reshape(-1, 1) if seed % 3 == 0 else rng.random((len(X), 1))
    for asked in ("dC/dW1[0,1]", "dC/dW2[1,1]", "dC/db3[0]", "dC/dW3[0,2]"):
        found = explain(model, X, Y, asked, depth=1, loss="half_squared_error")
        assert not found.check.kink
        assert abs(found.check.slope - found.value) <= found.check.uncertainty + 1e-16


def test_kinks_are_kinks() -> None:
    for size in (1e-3, 1.0, 2e8):
        value, check = check_of(1.0, size, size, loss="absolute_error")
        assert value == 0
        assert check.kink
        assert np.allclose([check.left, check.right], [-1, 1], rtol=1e-9)
    model = Network([Dense(1, "relu"), Dense(1)], inputs=1).init()
    model["W1"], model["W2"] = [[0.0]], [[2.0]]
    check = explain(model, [[1.0]], [[3.0]], "delta1[0]", loss="squared_error").check
    assert check.kink
    assert np.allclose([check.left, check.right], [0, -12], atol=1e-6)
    model["W1"] = [[1e-9]]  # so near, steps must be smaller yet
    found = explain(model, [[1.0]], [[3.0]], "delta1[0]", loss="squared_error")
    assert not found.check.kink
    assert abs(found.check.slope - found.value) <= found.check.uncertainty < 1e-3
