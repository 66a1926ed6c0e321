"""Metrics against those of scikit-learn, weights included."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as peers

from chainrule.formulas import METRICS

rows = st.integers(2, 12)


def draw(n: int, k: int | None, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Predictions, truth and weights; some weights are 0."""
    random = np.random.default_rng(seed)
    shape = (n,) if k is None else (n, k)
    weights = random.uniform(size=n) * (random.uniform(size=n) > 0.2)
    weights[0] = 1
    return random.normal(size=shape), random.normal(size=shape), weights


def peer_rmse(truth: np.ndarray, predicted: np.ndarray, sample_weight: np.ndarray | None) -> float:
    return peers.mean_squared_error(truth, predicted, sample_weight=sample_weight) ** 0.5


PEERS = {"rmse": peer_rmse, "mae": peers.mean_absolute_error, "r2": peers.r2_score}


@pytest.mark.parametrize("name", PEERS)
@given(n=rows, k=st.sampled_from([None, 1, 3]), seed=st.integers(0, 10**6))
def test_regression(name: str, n: int, k: int | None, seed: int) -> None:
    predicted, truth, weights = draw(n, k, seed)
    for given_weights in (None, weights if name != "r2" or np.count_nonzero(weights) > 1 else None):
        expected = PEERS[name](truth, predicted, sample_weight=given_weights)
        assert METRICS[name].value(predicted, truth, given_weights) == pytest.approx(expected, rel=1e-9, abs=1e-12)


@given(n=rows, seed=st.integers(0, 10**6))
def test_accuracy(n: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    predicted, truth = random.integers(0, 3, size=(2, n))
    weights = draw(n, None, seed)[2]
    for given_weights in (None, weights):
        expected = peers.accuracy_score(truth, predicted, sample_weight=given_weights)
        assert METRICS["accuracy"].value(predicted, truth, given_weights) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("metric", METRICS.values(), ids=str)
def test_gives_a_python_float_and_its_best_for_a_perfect_answer(metric: object) -> None:
    truth = np.array([0, 1, 2, 1])
    value = metric.value(truth, truth)
    assert type(value) is float
    assert value == {"higher": 1.0, "lower": 0.0}[metric.better]


def test_weight_counts_like_repeated_rows() -> None:
    predicted, truth, _ = draw(4, None, 7)
    times = np.array([1, 3, 2, 1])
    for metric in METRICS.values():
        repeated = metric.value(np.repeat(predicted, times), np.repeat(truth, times))
        assert metric.value(predicted, truth, times.astype(float)) == pytest.approx(repeated, rel=1e-12)


@pytest.mark.parametrize("constant", [0.0, 0.1, -7.0])
def test_r2_of_a_constant_truth(constant: float) -> None:
    # The mean of ten times 0.1 is not 0.1 in floats: no spread may come of that.
    truth = np.full(10, constant)
    assert METRICS["r2"].value(truth, truth) == 1
    assert METRICS["r2"].value(truth * 0.5 + 1, truth) == 0


def test_r2_of_the_mean_is_0() -> None:
    truth = np.array([1.0, 2.0, 6.0])
    assert METRICS["r2"].value(np.full(3, 3.0), truth) == 0
