"""Metrics: the figures that people read. Each takes (predicted, truth, weights) and gives one number.

For classification predicted and truth are class numbers of shape (n,); for regression values of shape (n,) or (n, k).
"""

from __future__ import annotations

import numpy as np

from chainrule.formulas.records import Array, Metric

__all__ = ["RECORDS", "accuracy", "mae", "r2", "rmse"]


def _mean(values: Array, weights: Array | None) -> float:
    rows = values.reshape(len(values), -1).mean(axis=1)
    return float(np.average(rows, weights=weights))


def accuracy(predicted: Array, truth: Array, weights: Array | None = None) -> float:
    """The share of right answers."""
    return _mean((predicted == truth).astype(float), weights)


def rmse(predicted: Array, truth: Array, weights: Array | None = None) -> float:
    """sqrt(mean (predicted - truth)^2), in the target's unit; the mean over several outputs stands under the root."""
    return float(np.sqrt(_mean((predicted - truth) ** 2, weights)))


def mae(predicted: Array, truth: Array, weights: Array | None = None) -> float:
    """mean |predicted - truth|, in the target's unit."""
    return _mean(np.abs(predicted - truth), weights)


def r2(predicted: Array, truth: Array, weights: Array | None = None) -> float:
    """1 - sum of squared errors / sum of squared deviations from the mean; the mean over several outputs.

    Where the truth is constant it is 1 for a perfect prediction and 0 otherwise.
    """
    predicted, truth = predicted.reshape(len(predicted), -1), truth.reshape(len(truth), -1)
    centre = np.average(truth, axis=0, weights=weights)
    residual = np.average((predicted - truth) ** 2, axis=0, weights=weights)
    # The mean of equal numbers may differ from them in the last digit, which must not count as a spread.
    spread = np.where(np.ptp(truth, axis=0) > 0, np.average((truth - centre) ** 2, axis=0, weights=weights), 0)
    explained = np.where(spread > 0, 1 - residual / np.where(spread > 0, spread, 1), residual == 0)
    return float(explained.mean())


RECORDS = (
    Metric(
        name="accuracy",
        value=accuracy,
        task="classification",
        better="higher",
        latex=r"\frac{1}{n} \sum_i [\hat y_i = y_i]",
        use="The share of right answers; compare it with the share of the largest class.",
    ),
    Metric(
        name="rmse",
        value=rmse,
        latex=r"\sqrt{\frac{1}{n} \sum_i (\hat y_i - y_i)^2}",
        use="The typical error in the target's unit, large errors weighing more.",
    ),
    Metric(
        name="mae",
        value=mae,
        latex=r"\frac{1}{n} \sum_i |\hat y_i - y_i|",
        use="The mean error in the target's unit.",
    ),
    Metric(
        name="r2",
        value=r2,
        better="higher",
        latex=r"1 - \frac{\sum_i (\hat y_i - y_i)^2}{\sum_i (y_i - \bar y)^2}",
        use="The share of the target's variance that is explained: 1 is perfect, 0 no better than the mean.",
    ),
)
