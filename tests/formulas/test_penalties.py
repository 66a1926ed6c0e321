"""Penalties: their prices, and the projection that holds each neuron's weights to a limit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from chainrule.errors import UsageError
from chainrule.formulas import L1, L2, PENALTIES, MaxNorm, Penalty

matrices = arrays(float, array_shapes(min_dims=2, max_dims=2, max_side=5), elements=st.floats(-100, 100))


def project(W: np.ndarray, limit: float) -> np.ndarray:
    penalty = MaxNorm(limit)
    return penalty.bound(penalty.project)(W)


def test_prices_and_slopes_by_hand() -> None:
    w = np.array([-2.0, 0.0, 3.0])
    l1, l2 = L1(0.1), L2(0.1)
    np.testing.assert_allclose(l1.bound(l1.value)(w), [0.2, 0, 0.3], rtol=1e-15)
    np.testing.assert_allclose(l1.bound(l1.slope)(w), [-0.1, 0, 0.1], rtol=1e-15)
    np.testing.assert_allclose(l2.bound(l2.value)(w), [0.2, 0, 0.45], rtol=1e-15)
    np.testing.assert_allclose(l2.bound(l2.slope)(w), [-0.2, 0, 0.3], rtol=1e-15)


def test_limit_has_no_price() -> None:
    w = np.array([-2.0, 0.0, 300.0])
    assert not MaxNorm().value(w).any()
    assert MaxNorm().slope is None


@given(W=matrices, limit=st.floats(0.01, 50))
def test_projection_holds_lengths_and_keeps_directions(W: np.ndarray, limit: float) -> None:
    held = project(W, limit)
    before, after = np.linalg.norm(W, axis=1), np.linalg.norm(held, axis=1)
    assert np.all(after <= limit * (1 + 1e-14))
    inside = before <= limit * (1 - 1e-14)
    assert np.array_equal(held[inside].view(np.uint64), W[inside].view(np.uint64))  # bit for bit
    outside = before > limit * (1 + 1e-14)
    np.testing.assert_allclose(after[outside], limit, rtol=1e-14)
    np.testing.assert_allclose(held * before[:, None], W * after[:, None], rtol=1e-12, atol=1e-300)


@given(W=matrices, limit=st.floats(0.01, 50))
def test_projection_is_the_nearest_allowed_point(W: np.ndarray, limit: float) -> None:
    held = project(W, limit)
    # Every other allowed point is further away: here the allowed points on the way to W's mirror image and to 0.
    for share in (-1.0, 0.0, 0.5, 0.9):
        assert np.linalg.norm(W - held) <= np.linalg.norm(W - share * held) * (1 + 1e-14)
    np.testing.assert_allclose(project(held, limit), held, rtol=1e-14)


def test_rows_are_neurons() -> None:
    W = np.array([[3.0, 4.0], [0.3, 0.4], [0.0, 0.0]])
    np.testing.assert_allclose(project(W, 1.0), [[0.6, 0.8], [0.3, 0.4], [0.0, 0.0]], rtol=1e-15)


@pytest.mark.parametrize("penalty", PENALTIES.values(), ids=str)
def test_penalty_has_one_number_that_may_not_be_negative(penalty: Penalty) -> None:
    (name,) = penalty.parameters
    with pytest.raises(UsageError, match=f"{penalty.name}: {name} is -1; it must be a finite number with 0 <=? {name}"):
        penalty.with_parameters(**{name: -1})


def test_short_forms_are_those_of_the_catalogue() -> None:
    assert (L1(), L2(), MaxNorm()) == (PENALTIES["l1"], PENALTIES["l2"], PENALTIES["max_norm"])
    assert L2(0).parameters == {"strength": 0.0}
    with pytest.raises(UsageError, match="0 < limit"):
        MaxNorm(0)


def test_max_norm_shortens_weights_whose_squares_overflow() -> None:
    held = PENALTIES["max_norm"].with_parameters(limit=1.0)
    assert held.project is not None
    W = np.array([[3e200, 4e200], [0.0, 0.0], [0.3, 0.4]])
    np.testing.assert_allclose(held.bound(held.project)(W), [[0.6, 0.8], [0, 0], [0.3, 0.4]], rtol=1e-15)


def test_penalty_that_would_do_nothing_is_refused() -> None:
    with pytest.raises(UsageError, match="the penalty 'mine' has neither slope nor project"):
        Penalty(name="mine", value=lambda w: w * w, latex="", use="A test.")
    priced = Penalty(
        name="mine", value=lambda w: w * w, slope=lambda w: 2 * w, project=np.sign, latex="", use="A test."
    )
    assert priced.slope is not None
    assert priced.project is not None
