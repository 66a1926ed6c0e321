"""The check of a converted model against the original's outputs and derivatives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from chainrule import Network, check_parity
from chainrule.errors import ParityError, ShapeError, UnknownName, UsageError

X, Y = np.array([[1.0, 2.0], [3.0, 4.0], [0.5, -1.0]]), [0, 1, 1]
MODEL = Network.from_sizes([2, 4, 1], hidden="tanh", output="sigmoid").init(seed=0)
OUTPUTS = MODEL.outputs(X)
GRADIENT = MODEL.gradient(X, Y)


@pytest.mark.parametrize("outputs", [OUTPUTS, OUTPUTS[:, 0], MODEL.predict_proba(X), OUTPUTS.tolist()])
def test_outputs_may_come_in_several_shapes(outputs: Any) -> None:
    assert check_parity(MODEL, X, outputs).outputs == 0


@pytest.mark.parametrize(
    "gradient", [GRADIENT.theta, {"W2": GRADIENT["W2"]}, {"b1": GRADIENT["b1"], "W1": GRADIENT["W1"]}]
)
def test_derivatives_may_be_some_or_all(gradient: Any) -> None:
    assert check_parity(MODEL, X, OUTPUTS, Y, gradient).gradient == 0


def test_differences_are_measured() -> None:
    parity = check_parity(MODEL, X, OUTPUTS + 1e-3, Y, 1.5 * GRADIENT.theta, tolerance=1)
    assert parity.outputs == pytest.approx(1e-3)
    assert parity.gradient == pytest.approx(1 / 3)
    assert parity.tolerance == 1


def test_a_difference_is_refused_where_it_is() -> None:
    other = OUTPUTS.copy()
    other[1, 0] += 0.25
    with pytest.raises(ParityError, match=r"outputs\[1, 0\] is 0\..* by the original: 0.25 apart"):
        check_parity(MODEL, X, other)
    slopes = np.array(GRADIENT["W1"])
    slopes[2, 1] *= 2
    with pytest.raises(ParityError, match=r"W1\[2, 1\]"):
        check_parity(MODEL, X, OUTPUTS, Y, {"W1": slopes})
    with pytest.raises(ParityError):
        check_parity(MODEL, X, OUTPUTS, Y, GRADIENT.theta * (1 + 1e-9))


@pytest.mark.parametrize(
    ("arguments", "settings", "kind", "said"),
    [
        ((OUTPUTS[:2],), {}, ShapeError, r"outputs has shape \(2, 1\); the model's has \(3, 1\)"),
        ((OUTPUTS, None, GRADIENT.theta), {}, UsageError, "without targets"),
        ((OUTPUTS, Y, GRADIENT.theta[:-1]), {}, ShapeError, "gradient has shape"),
        ((OUTPUTS, Y, {"W3": [1.0]}), {}, UnknownName, "W3"),
        ((OUTPUTS * np.nan,), {}, UsageError, "not finite"),
        ((OUTPUTS,), {"tolerance": -1}, UsageError, "tolerance is -1"),
        ((OUTPUTS,), {"tolerance": np.nan}, UsageError, "tolerance is nan"),
    ],
)
def test_what_cannot_be_compared_is_refused(arguments: Any, settings: Any, kind: Any, said: str) -> None:
    with pytest.raises(kind, match=said):
        check_parity(MODEL, X, *arguments, **settings)
