"""Every slope against the complex step Im f(x + i h) / h, which is exact, at points that Hypothesis draws."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.formulas import ACTIVATIONS, LOSSES, PENALTIES, Activation, Loss, Penalty

H = 1e-30
TOLERANCE = 1e-12
# Kinks lie at 0 and, for Huber's loss, at 1; the targets below are 0 or 1, or add up to 1.
away_from_kinks = st.floats(-30, 30).filter(lambda x: abs(x) > 1e-3 and abs(abs(x) - 1) > 1e-3)
rows = st.lists(away_from_kinks, min_size=3, max_size=3).map(np.array)


def complex_step(value: Callable[[Any], Any], x: np.ndarray) -> np.ndarray:
    """The gradient of a function of the last axis that gives one number."""
    return np.stack([np.imag(value(x + 1j * H * unit)) / H for unit in np.eye(x.shape[-1])], axis=-1)


def assert_same(slope: np.ndarray, found: np.ndarray) -> None:
    assert np.isfinite(found).all()
    assert np.all(np.abs(slope - found) <= TOLERANCE * np.maximum(1, np.abs(found)))


@pytest.mark.parametrize("activation", [f for f in ACTIVATIONS.values() if f.trainable], ids=str)
@given(z=rows, g=rows)
def test_activation(activation: Activation, z: np.ndarray, g: np.ndarray) -> None:
    found = complex_step(lambda z: np.sum(activation.f(z) * g, axis=-1), z)
    scale = max(1.0, np.max(np.abs(g)))
    assert_same(activation.back(z, activation.f(z), g) / scale, found / scale)


@pytest.mark.parametrize("loss", [loss for loss in LOSSES.values() if loss.slope is not None], ids=str)
@given(e=rows, y=st.sampled_from([(0.0, 1.0, 0.0), (1.0, 1.0, 0.0), (0.0, 0.0, 0.0)]))
def test_loss(loss: Loss, e: np.ndarray, y: tuple[float, ...]) -> None:
    a, value = y + e, loss.bound(loss.value)
    assert_same(loss.bound(loss.slope)(a, np.array(y)), complex_step(lambda a: value(a, np.array(y)), a))


PAIRS = [(loss, name) for loss in LOSSES.values() for name in loss.pairs]


@pytest.mark.parametrize(("loss", "output"), PAIRS, ids=[f"{loss}-{name}" for loss, name in PAIRS])
@given(z=rows, y=st.sampled_from([(0.0, 1.0, 0.0), (0.2, 0.5, 0.3), (0.0, 0.5, 0.5)]))
def test_pair(loss: Loss, output: str, z: np.ndarray, y: tuple[float, ...]) -> None:
    pair, f = loss.pairs[output], ACTIVATIONS[output].f
    found = complex_step(lambda z: loss.bound(pair.value)(z, np.array(y)), z)
    assert_same(loss.bound(pair.slope)(z, f(z), np.array(y)), found)


@pytest.mark.parametrize("penalty", [penalty for penalty in PENALTIES.values() if penalty.slope is not None], ids=str)
@settings(max_examples=20)
@given(w=rows)
def test_penalty(penalty: Penalty, w: np.ndarray) -> None:
    found = complex_step(lambda w: np.sum(penalty.bound(penalty.value)(w)), w)
    assert_same(penalty.bound(penalty.slope)(w), found)
