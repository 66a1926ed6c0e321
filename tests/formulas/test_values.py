"""Every value is right to the last digits: held against mpmath at 400 digits, where floats overflow, vanish and cancel.

The definitions below are the textbooks', one line each, and share nothing with the package's formulas.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import mpmath
import numpy as np
import pytest

from chainrule.formulas import ACTIVATIONS, LOSSES, Activation, Loss

LOGITS = (0.0, 30.0, -30.0, 88.0, -88.0, 710.0, -710.0, 1e4, -1e4, 1e30, -1e30)
ORDINARY = (-4.7, -1.3, -0.2, 0.6, 1.9, 5.4)
ULPS = 4
# Functions that magnify the rounding of z itself, such as exp(-z^2 / 2), lose digits between the numbers above.
ORDINARY_ULPS = 32
DTYPES = (np.float64, np.float32)
# Beyond this z the true value, or the sum of three of them, is no float32.
HIGHEST = {"exponential": 87.0}

# A context of its own, so that no other test changes its precision: ln(1 + exp(-710)) begins after 308 digits.
mp: Any = mpmath.mp.clone()
mp.dps = 400
Number: Any = mp.mpf
exp = functools.cache(mp.exp)
ln = functools.cache(mp.log)
FAR = 1e5  # beyond, exp(-|z|) is 0 in every float, and slow in mpmath

SELU = {"scale": Number("1.0507009873554804934193349852946"), "alpha": Number("1.6732632423543772848170429916717")}


def logistic(z: Any) -> Any:
    return 1 / (1 + exp(-z))


def ln_1_exp(z: Any) -> Any:
    return ln(1 + exp(z)) if abs(z) < FAR else max(z, Number(0))


def tanh_of(z: Any) -> Any:
    return (1 - exp(-2 * z)) / (1 + exp(-2 * z))


# a = f(z) of one number
SCALAR: dict[str, Callable[..., Any]] = {
    "step": lambda z: Number(z >= 0),
    "identity": lambda z: z,
    "sigmoid": logistic,
    "tanh": tanh_of,
    "relu": lambda z: max(z, Number(0)),
    "leaky_relu": lambda z, alpha: z if z > 0 else alpha * z,
    "elu": lambda z, alpha: z if z > 0 else alpha * (exp(z) - 1),
    "selu": lambda z: SELU["scale"] * (z if z > 0 else SELU["alpha"] * (exp(z) - 1)),
    "softplus": ln_1_exp,
    "exponential": exp,
    "silu": lambda z: z * logistic(z),
    "gelu": lambda z: z * mp.erfc(-z / mp.sqrt(2)) / 2 if abs(z) < FAR else max(z, Number(0)),
    "gelu_tanh": lambda z: z / 2 * (1 + tanh_of(mp.sqrt(2 / mp.pi) * (z + Number("0.044715") * z**3))),
    "mish": lambda z: z * tanh_of(ln_1_exp(z)),
}


def softmax_of(row: Sequence[Any]) -> list[Any]:
    powers = [exp(z - max(row)) for z in row]
    return [power / sum(powers) for power in powers]


def huber_of(e: Any, delta: Any) -> Any:
    return e * e / 2 if abs(e) <= delta else delta * (abs(e) - delta / 2)


def ln_softplus(z: Any) -> Any:
    return z if z < -900 else ln(ln_1_exp(z))


# L of one row: of outputs and targets, or of logits and targets for those that are only defined so
ON_OUTPUTS: dict[str, Callable[..., Any]] = {
    "squared_error": lambda a, y: sum((p - q) ** 2 for p, q in zip(a, y, strict=True)),
    "half_squared_error": lambda a, y: sum((p - q) ** 2 for p, q in zip(a, y, strict=True)) / 2,
    "mean_squared_error": lambda a, y: sum((p - q) ** 2 for p, q in zip(a, y, strict=True)) / len(a),
    "euclidean_distance": lambda a, y: mp.sqrt(sum((p - q) ** 2 for p, q in zip(a, y, strict=True))),
    "absolute_error": lambda a, y: sum(abs(p - q) for p, q in zip(a, y, strict=True)) / len(a),
    "huber": lambda a, y, delta: sum(huber_of(p - q, delta) for p, q in zip(a, y, strict=True)) / len(a),
}
ON_LOGITS: dict[tuple[str, str], Callable[..., Any]] = {
    ("binary_cross_entropy", "sigmoid"): lambda z, y: sum(
        q * ln_1_exp(-p) + (1 - q) * ln_1_exp(p) for p, q in zip(z, y, strict=True)
    ),
    ("categorical_cross_entropy", "softmax"): lambda z, y: sum(
        q * (max(z) - p + ln(sum(exp(other - max(z)) for other in z))) for p, q in zip(z, y, strict=True)
    ),
    ("poisson", "softplus"): lambda z, y: sum(ln_1_exp(p) - q * ln_softplus(p) for p, q in zip(z, y, strict=True)),
    ("poisson", "exponential"): lambda z, y: sum(exp(p) - q * p for p, q in zip(z, y, strict=True)),
}
# Targets that every float holds, and whose rows add up to 1 where they must.
TARGETS = {
    "values": [(0.0, 1.0), (-0.5, 0.25), (1.0, 0.0, 0.75)],
    "probabilities": [(0.0, 1.0), (1.0, 0.75), (1.0, 0.0, 0.25)],
    "distribution": [(1.0, 0.0), (0.25, 0.75), (0.0, 0.0, 1.0), (0.25, 0.5, 0.25)],
    "counts": [(0.0, 1.0), (2.0, 3.0), (1.0, 0.0, 2.0)],
}


def rows_of(numbers: Iterable[float], width: int, dtype: type) -> np.ndarray:
    """Every combination of the numbers, one a row."""
    return np.array(list(itertools.product(numbers, repeat=width)), dtype=dtype)


def held(z: np.ndarray, name: str) -> np.ndarray:
    """Those rows at which this activation has a value that a float holds."""
    return z[(z <= HIGHEST.get(name, np.inf)).reshape(len(z), -1).all(axis=1)]


def quietly(function: Callable[..., Any], *arguments: np.ndarray) -> np.ndarray:
    """Call a formula so that everything but underflow is an error, and every result a finite number of its dtype."""
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        result = np.asarray(function(*arguments))
    assert np.isfinite(result).all()
    assert result.dtype == arguments[0].dtype
    return result


def assert_close(got: np.ndarray, true: Iterable[Any], ulps: float, inputs: np.ndarray) -> None:
    """Hold numbers against mpmath's, in units of the last place of the correctly rounded one."""
    for number, truth, given in zip(got.flat, true, inputs, strict=True):
        unit = np.spacing(abs(got.dtype.type(float(truth))))
        error = abs(Number(float(number)) - truth) / Number(float(unit))
        assert error <= ulps, f"{number!r} for {given}, {mp.nstr(error, 4)} ulp from {mp.nstr(truth, 20)}"


def exactly(numbers: Iterable[float]) -> list[Any]:
    return [Number(float(number)) for number in numbers]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", SCALAR)
def test_activation(name: str, dtype: type) -> None:
    activation = ACTIVATIONS[name]
    parameters = {key: Number(float(dtype(number))) for key, number in activation.parameters.items()}
    for numbers, ulps in ((LOGITS, ULPS), (ORDINARY, ORDINARY_ULPS)):
        z = held(np.array(numbers, dtype=dtype), name)
        assert_close(quietly(activation.f, z), [SCALAR[name](x, **parameters) for x in exactly(z)], ulps, z)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("width", [2, 3])
def test_softmax(width: int, dtype: type) -> None:
    for numbers, ulps in ((LOGITS, ULPS), (ORDINARY, ORDINARY_ULPS)):
        z = rows_of(numbers, width, dtype)
        a = quietly(ACTIVATIONS["softmax"].f, z)
        true = itertools.chain.from_iterable(softmax_of(exactly(row)) for row in z)
        assert_close(a, true, ulps, np.repeat(z, width, axis=0))
        np.testing.assert_allclose(a.sum(axis=1), 1, rtol=4 * np.finfo(dtype).eps)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("name", "output"), ON_LOGITS)
def test_loss_from_logits(name: str, output: str, dtype: type) -> None:
    loss = LOSSES[name]
    for (numbers, ulps), target in itertools.product(
        ((LOGITS, ULPS), (ORDINARY, ORDINARY_ULPS)), TARGETS[loss.targets]
    ):
        z = held(rows_of(numbers, len(target), dtype), output)
        y = np.tile(np.array(target, dtype=dtype), (len(z), 1))
        true = [ON_LOGITS[name, output](exactly(row), exactly(target)) for row in z]
        assert_close(quietly(loss.bound(loss.pairs[output].value), z, y), true, ulps, z)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ON_OUTPUTS)
def test_loss_of_bounded_outputs(name: str, dtype: type) -> None:
    loss = LOSSES[name]
    parameters = {key: Number(float(dtype(number))) for key, number in loss.parameters.items()}
    bounded = [f for f in ACTIVATIONS.values() if np.isfinite(f.range).all()]
    assert {f.name for f in bounded} >= {"step", "sigmoid", "tanh", "softmax"}
    for activation, target in itertools.product(bounded, TARGETS["values"]):
        a = np.unique(activation.f(rows_of(LOGITS, len(target), dtype)), axis=0)
        y = np.tile(np.array(target, dtype=dtype), (len(a), 1))
        true = [ON_OUTPUTS[name](exactly(row), exactly(target), **parameters) for row in a]
        assert_close(quietly(loss.bound(loss.value), a, y), true, ULPS, a)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("activation", [f for f in ACTIVATIONS.values() if f.trainable], ids=str)
def test_slope_of_activation_is_finite_everywhere(activation: Activation, dtype: type) -> None:
    z = held(rows_of(LOGITS, 2, dtype), activation.name)
    quietly(lambda z: activation.back(z, activation.f(z), np.ones_like(z)), z)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("loss", LOSSES.values(), ids=str)
def test_slope_of_loss_is_finite_everywhere(loss: Loss, dtype: type) -> None:
    for target in TARGETS[loss.targets]:
        rows = rows_of(LOGITS, len(target), dtype)
        y = np.tile(np.array(target, dtype=dtype), (len(rows), 1))
        for name, pair in loss.pairs.items():
            z = held(rows, name)
            quietly(loss.bound(pair.slope), z, ACTIVATIONS[name].f(z), y[: len(z)])
        if loss.slope is not None:
            for activation in ACTIVATIONS.values():
                z = held(rows, activation.name)
                quietly(loss.bound(loss.slope), activation.f(z), y[: len(z)])


def test_confident_mistake_costs_its_whole_logit_gap() -> None:
    z, y = np.array([[1000.0, 0.0]]), np.array([[0.0, 1.0]])
    assert LOSSES["categorical_cross_entropy"].value(z, y) == [1000.0]
    assert LOSSES["binary_cross_entropy"].value(np.array([[-1000.0]]), np.array([[1.0]])) == [1000.0]


def test_definitions_are_of_formulas_in_the_catalogue() -> None:
    assert {*SCALAR, "softmax"} <= set(ACTIVATIONS)
    assert {*ON_OUTPUTS, *(name for name, _ in ON_LOGITS)} <= set(LOSSES)
    assert all(output in LOSSES[name].pairs for name, output in ON_LOGITS)
