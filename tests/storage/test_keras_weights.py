"""Keras' lists of weights, held against what its layers compute, written out in NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule import BatchNorm, Dense, Dropout, Model, Network, check_parity, from_keras_weights, to_keras_weights
from chainrule.errors import ShapeError, UsageError
from chainrule.language import speaking

NETWORK = Network(
    [Dense(6, bias="none"), BatchNorm("relu", 0.01, 1e-3), Dropout(0.3), Dense(5, "tanh"), Dense(2)], inputs=4
)
RNG = np.random.default_rng(0)
SHAPES = [(4, 6), (6,), (6,), (6,), (6,), (6, 5), (5,), (5, 2), (2,)]
WEIGHTS = [RNG.uniform(0.1, 1, size=shape) for shape in SHAPES]


def dense(X: np.ndarray, kernel: np.ndarray, bias: Any = 0.0) -> np.ndarray:
    return X @ kernel + bias


def batch_normalization(X: np.ndarray, gamma: Any, beta: Any, moving_mean: Any, moving_variance: Any) -> np.ndarray:
    return gamma * (X - moving_mean) / np.sqrt(moving_variance + 1e-3) + beta


def keras_outputs(X: np.ndarray, weights: list[np.ndarray]) -> np.ndarray:
    A = np.maximum(batch_normalization(dense(X, weights[0]), *weights[1:5]), 0)
    return dense(np.tanh(dense(A, *weights[5:7])), *weights[7:])


def test_outputs_are_those_of_the_layers() -> None:
    X = RNG.normal(size=(10, 4))
    model = from_keras_weights(NETWORK, WEIGHTS)
    check_parity(model, X, keras_outputs(X, WEIGHTS))
    assert [array.shape for array in to_keras_weights(model)] == SHAPES


def test_gradients_are_those_of_the_layers() -> None:
    """By central differences of the mean squared error over each of Keras' own arrays."""
    X, Y = RNG.normal(size=(10, 4)), RNG.normal(size=(10, 2))
    found = from_keras_weights(NETWORK, WEIGHTS).gradient(X, Y)
    names = {0: "W1", 1: "gamma1", 2: "beta1", 5: "W2", 6: "b2", 7: "W3", 8: "b3"}
    h = 1e-6
    for k, name in names.items():
        slope = np.zeros(SHAPES[k])
        for place in np.ndindex(*SHAPES[k]):
            costs = []
            for sign in (1, -1):
                moved = [array.copy() for array in WEIGHTS]
                moved[k][place] += sign * h
                costs.append(np.mean((keras_outputs(X, moved) - Y) ** 2))
            slope[place] = (costs[0] - costs[1]) / (2 * h)
        np.testing.assert_allclose(np.asarray(found[name]), slope.T, atol=1e-7)


@given(st.lists(st.integers(1, 4), min_size=1, max_size=4), st.booleans(), st.sampled_from([np.float64, np.float32]))
def test_round_trip(sizes: list[int], norm: bool, dtype: Any) -> None:
    network = Network.from_sizes([3, *sizes], batch_norm=norm, dropout=0.2)
    model: Model = network.init(1, dtype)
    model.theta = np.random.default_rng(1).normal(size=model.theta.shape)
    weights = to_keras_weights(model, epsilon=1e-5)
    back = from_keras_weights(network, weights, epsilon=1e-5)
    assert back.dtype == dtype
    assert np.array_equal(back.theta, model.theta)
    assert np.array_equal(back.state, model.state)
    assert all(array.flags.c_contiguous and not np.shares_memory(array, model.theta) for array in weights)


@pytest.mark.parametrize(
    ("change", "kind", "said"),
    [
        (lambda w: w[:-1], ShapeError, "has 8 arrays; .* needs 9: the kernel of layer 1, the gamma of the BatchNorm"),
        (lambda w: [w[0].T, *w[1:]], ShapeError, r"the kernel of layer 1 has shape \(6, 4\); .* needs \(4, 6\)"),
        (lambda w: [*w[:4], -w[5], *w[5:]], ShapeError, "the moving_variance of the BatchNorm behind layer 1"),
        (lambda w: [*w[:-1], [np.nan, 0]], UsageError, "the bias of layer 3 holds numbers that are not finite"),
        (lambda w: {"kernel": w[0]}, UsageError, r"keras_model.get_weights\(\)"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(change: Any, kind: Any, said: str) -> None:
    with pytest.raises(kind, match=said):
        from_keras_weights(NETWORK, change(WEIGHTS))


def test_the_arrays_that_are_needed_are_named_in_chinese_too() -> None:
    with pytest.raises(ShapeError) as caught:
        from_keras_weights(Network.from_sizes([2, 3, 1]), [])
    assert "the kernel of layer 1, the bias of layer 1, the kernel of layer 2" in str(caught.value)
    with speaking("zh"):
        assert "第 1 层的 kernel，第 1 层的 bias，" in str(caught.value)
        assert " of " not in str(caught.value)


def test_another_epsilon_is_refused() -> None:
    network = Network.from_sizes([2, 3, 1], batch_norm=True)
    with pytest.raises(UsageError, match=r"has epsilon 1e-05, Keras is taken to have 0\.001"):
        to_keras_weights(network.init())
    with pytest.raises(UsageError, match="epsilon"):
        from_keras_weights(network, [])
