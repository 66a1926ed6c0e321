"""Initializers: variance, bounds, orthogonality, and which side of W is fan-in."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from chainrule import streams
from chainrule.formulas import INITIALIZERS, Initializer

# Variance of the weights, and the bound of the uniform ones, from fan-in n and fan-out m.
VARIANCE = {
    "zeros": lambda n, m: 0.0,
    "constant": lambda n, m: 0.0,
    "normal": lambda n, m: 1.0,
    "uniform": lambda n, m: 1 / 12,
    "glorot_normal": lambda n, m: 2 / (n + m),
    "glorot_uniform": lambda n, m: 2 / (n + m),
    "he_normal": lambda n, m: 2 / n,
    "he_uniform": lambda n, m: 2 / n,
    "lecun_normal": lambda n, m: 1 / n,
    "lecun_uniform": lambda n, m: 1 / n,
    "orthogonal": lambda n, m: 1 / max(n, m),
}
BOUND = {
    "glorot_uniform": lambda n, m: math.sqrt(6 / (n + m)),
    "he_uniform": lambda n, m: math.sqrt(6 / n),
    "lecun_uniform": lambda n, m: math.sqrt(3 / n),
}


def weights(initializer: Initializer, fan_in: int, fan_out: int, seed: int = 0) -> np.ndarray:
    """Weights of a layer, from draws of the kind that the record asks for."""
    shape = (fan_out, fan_in)
    draws = {
        "normal": lambda: streams.normals(seed, "test", shape=shape),
        "uniform": lambda: streams.uniforms(seed, "test", shape=shape),
        "none": lambda: np.zeros(shape),
    }
    return initializer.bound(initializer.value)(draws[initializer.draw](), fan_in, fan_out)


def test_every_initializer_has_its_variance_here() -> None:
    assert VARIANCE.keys() >= set(INITIALIZERS)


@pytest.mark.parametrize("name", VARIANCE)
def test_variance(name: str) -> None:
    W = weights(INITIALIZERS[name], 60, 200)
    assert W.shape == (200, 60)
    assert W.var() == pytest.approx(VARIANCE[name](60, 200), rel=0.03)
    if name not in ("constant", "uniform"):
        assert abs(W.mean()) <= 4 * math.sqrt(VARIANCE[name](60, 200) / W.size)


@pytest.mark.parametrize("name", [name for name in INITIALIZERS if name.endswith("normal")])
def test_normal_ones_are_normal(name: str) -> None:
    W = weights(INITIALIZERS[name], 50, 40)
    assert stats.kstest(W.ravel() / math.sqrt(VARIANCE[name](50, 40)), "norm").pvalue > 0.01


@pytest.mark.parametrize("name", BOUND)
def test_uniform_ones_fill_their_interval(name: str) -> None:
    W, bound = weights(INITIALIZERS[name], 30, 70), BOUND[name](30, 70)
    assert 0.99 * bound < W.max() < bound
    assert -bound <= W.min() < -0.99 * bound
    initializer = INITIALIZERS[name]
    assert initializer.value(np.zeros((1, 1)), 30, 70) == -bound  # the lowest draw is the lowest weight


@given(fan_in=st.integers(1, 12), fan_out=st.integers(1, 12), seed=st.integers(0, 2**64 - 1))
def test_orthogonal_rows_or_columns(fan_in: int, fan_out: int, seed: int) -> None:
    W = weights(INITIALIZERS.find("orthogonal", scale=3.0), fan_in, fan_out, seed)
    gram = W.T @ W if fan_out >= fan_in else W @ W.T
    np.testing.assert_allclose(gram, 9 * np.eye(min(fan_in, fan_out)), atol=1e-12)


def test_orthogonal_is_uniform_over_rotations_and_mirrors() -> None:
    # Without the signs of R, the QR decomposition gives negative diagonals far more often.
    q = np.array([weights(INITIALIZERS["orthogonal"], 2, 2, seed) for seed in range(1000)])
    angles = np.arctan2(q[:, 1, 0], q[:, 0, 0])
    assert stats.kstest((angles + np.pi) / (2 * np.pi), "uniform").pvalue > 0.01
    assert abs(np.mean(np.linalg.det(q) > 0) - 0.5) < 0.05


def test_scales_and_limits() -> None:
    assert np.array_equal(weights(INITIALIZERS["zeros"], 2, 3), np.zeros((3, 2)))
    assert np.array_equal(weights(INITIALIZERS.find("constant", value=0.35), 2, 3), np.full((3, 2), 0.35))
    plain = weights(INITIALIZERS["normal"], 2, 3)
    assert np.array_equal(weights(INITIALIZERS.find("normal", scale=0.01), 2, 3), 0.01 * plain)
    W = weights(INITIALIZERS.find("uniform", low=-2, high=6), 40, 50)
    assert -2 <= W.min() < -1.9
    assert 5.9 < W.max() < 6
    assert np.array_equal(weights(INITIALIZERS["uniform"], 2, 3), streams.uniforms(0, "test", shape=(3, 2)))


def test_orthogonal_goes_by_the_shape_of_the_draws() -> None:
    # Biases are drawn as one column, whatever the fan-in of their layer.
    column = INITIALIZERS["orthogonal"].value(streams.normals(0, "test", shape=(3, 1)), 784, 3)
    assert column.shape == (3, 1)
    assert np.linalg.norm(column) == pytest.approx(1, rel=1e-14)
