"""What every formula does with arrays: keeps shape and number type, leaves them alone, takes complex and empty ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from chainrule.formulas import (
    ACTIVATIONS,
    INITIALIZERS,
    LOSSES,
    OPTIMIZERS,
    PENALTIES,
    Activation,
    Initializer,
    Loss,
    Optimizer,
    Penalty,
)

DTYPES = [np.float32, np.float64]
TRAINABLE = [f for f in ACTIVATIONS.values() if f.trainable]
ELEMENTWISE = [f for f in ACTIVATIONS.values() if f.pullback is None]


def locked(numbers: Any, dtype: type) -> np.ndarray:
    """An array that cannot be written to."""
    array = np.array(numbers, dtype=dtype)
    array.flags.writeable = False
    return array


Z = [[-2.5, 0.0, 1.5, 7.0], [0.3, -0.7, 45.0, -45.0]]
Y = [[0.25, 0.25, 0.5, 0.0], [0.0, 1.0, 0.0, 0.0]]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(2, 4), (1, 8), (8,), (2, 1, 4), (0, 4)])
@pytest.mark.parametrize("activation", ACTIVATIONS.values(), ids=str)
def test_activation_keeps_shape_and_type(activation: Activation, shape: tuple[int, ...], dtype: type) -> None:
    z = locked(np.ravel(Z)[: int(np.prod(shape))].reshape(shape), dtype)
    a = activation.f(z)
    assert (a.shape, a.dtype) == (shape, dtype)
    if activation.trainable:
        g = activation.back(z, a, locked(np.ones(shape), dtype))
        assert (g.shape, g.dtype) == (shape, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("activation", ELEMENTWISE, ids=str)
def test_elementwise_activation_takes_a_single_number(activation: Activation, dtype: type) -> None:
    z = np.array(0.7, dtype=dtype)
    a = activation.f(z)
    assert (np.shape(a), a.dtype) == ((), dtype)
    assert a == activation.f(np.array([0.7], dtype=dtype))[0]
    if activation.trainable:
        assert activation.back(z, a, np.ones_like(z)) == activation.back(z[None], a[None], np.ones_like(z[None]))[0]


@pytest.mark.parametrize("activation", TRAINABLE, ids=str)
def test_activation_of_complex_numbers_has_the_real_value(activation: Activation) -> None:
    np.testing.assert_allclose(activation.f(np.array(Z) + 0j), activation.f(np.array(Z)), rtol=1e-12, atol=1e-300)


@pytest.mark.parametrize("activation", ACTIVATIONS.values(), ids=str)
def test_activation_hands_nan_on(activation: Activation) -> None:
    if activation.name != "step":  # a threshold has no third answer
        assert np.isnan(activation.f(np.array([[np.nan, 1.0]]))[0, 0])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("rows", [2, 1, 0])
@pytest.mark.parametrize("loss", LOSSES.values(), ids=str)
def test_loss_keeps_shape_and_type(loss: Loss, rows: int, dtype: type) -> None:
    z, y = locked(Z[:rows], dtype).reshape(rows, 4), locked(Y[:rows], dtype).reshape(rows, 4)
    forms = [(loss.value, lambda z, y: loss.slope(z, y, **loss.parameters))] if loss.slope else []
    for name, pair in loss.pairs.items():
        f, slope = ACTIVATIONS[name].f, loss.bound(pair.slope)
        forms.append((pair.value, lambda z, y, f=f, slope=slope: slope(z, f(z), y)))
    for value, slope in forms:
        L, D = loss.bound(value)(z, y), slope(z, y)
        assert (L.shape, L.dtype) == ((rows,), dtype)
        assert (D.shape, D.dtype) == ((rows, 4), dtype)
        assert np.all(L >= 0)
        np.testing.assert_allclose(loss.bound(value)(z + 0j, y), L, rtol=1e-5)


@pytest.mark.parametrize("name", ["squared_error", "euclidean_distance", "absolute_error", "huber"])
def test_loss_of_a_perfect_answer_is_0_and_so_is_its_slope(name: str) -> None:
    a = np.array([[0.1, -3.0]])
    assert LOSSES[name].value(a, a) == [0]
    assert np.array_equal(LOSSES[name].slope(a, a), [[0, 0]])


def test_squared_errors_are_each_others_multiples() -> None:
    a, y = np.array([[1.0, 2.0, 4.0]]), np.array([[0.0, 0.0, 0.0]])
    values = {name: LOSSES[name].value(a, y)[0] for name in LOSSES if name.endswith("squared_error")}
    assert values == {"half_squared_error": 10.5, "squared_error": 21.0, "mean_squared_error": 7.0}
    assert LOSSES["euclidean_distance"].value(a, y)[0] == pytest.approx(21**0.5, rel=1e-15)


def test_euclidean_distance_neither_overflows_nor_vanishes() -> None:
    for scale in (1e-310, 1e-200, 1e200):
        e = np.array([[3.0, 4.0]]) * scale
        assert LOSSES["euclidean_distance"].value(e, 0 * e)[0] == pytest.approx(5 * scale, rel=1e-12)
        np.testing.assert_allclose(LOSSES["euclidean_distance"].slope(e, 0 * e), [[0.6, 0.8]], rtol=1e-12)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("penalty", PENALTIES.values(), ids=str)
def test_penalty_keeps_shape_and_type(penalty: Penalty, dtype: type) -> None:
    for numbers in (np.array(Z), np.zeros((0, 4)), np.zeros((3, 0))):
        W = locked(numbers, dtype)
        for function in (penalty.value, penalty.slope, penalty.project):
            if function is not None:
                result = penalty.bound(function)(W)
                assert (result.shape, result.dtype) == (W.shape, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=str)
def test_optimizer_keeps_shape_and_type_and_changes_nothing_in_place(optimizer: Optimizer, dtype: type) -> None:
    theta, g = locked([1.0, -2.0, 0.0], dtype), locked([0.5, 0.0, -3.0], dtype)
    state = optimizer.start(theta)
    assert len(state) == len(optimizer.slots)
    for t in (1, 2, 3):
        for vector in (theta, *state):
            vector.flags.writeable = False
        change, state = optimizer.bound(optimizer.value)(theta, g, state, t, optimizer.rate)
        theta = theta + change
        assert [v.dtype for v in (theta, *state)] == [dtype] * (1 + len(optimizer.slots))
        assert [v.shape for v in (theta, *state)] == [(3,)] * (1 + len(optimizer.slots))
        assert np.isfinite(theta).all()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("initializer", INITIALIZERS.values(), ids=str)
def test_initializer_keeps_shape_and_type(initializer: Initializer, dtype: type) -> None:
    for fan_out, fan_in in ((3, 5), (5, 3), (4, 4), (1, 1)):
        draw = locked(np.linspace(0.05, 0.95, fan_in * fan_out).reshape(fan_out, fan_in) ** 2, dtype)
        W = initializer.bound(initializer.value)(draw, fan_in, fan_out)
        assert (W.shape, W.dtype) == ((fan_out, fan_in), dtype)
