"""Losses: the loss of each example of a batch, with its slope right below it.

Outputs a and targets y have shape (m, N); a loss has shape (m,), its slope (m, N). The cost of a batch is the weighted
mean of the losses; the factor 1/m is not in here, it enters once, at the output layer (BP1).

Texts differ in what they call the squared error. Here each convention has its own name:

    squared_error        sum over outputs of (a - y)^2
    half_squared_error   half of that sum, so that the slope is a - y
    mean_squared_error   that sum divided by the number of outputs
"""

from __future__ import annotations

import numpy as np

from chainrule.formulas.activations import sigmoid, softplus
from chainrule.formulas.intervals import POSITIVE
from chainrule.formulas.records import Array, Loss, Pair
from chainrule.formulas.special import clip, indicator, log1p, row_sum

__all__ = [
    "RECORDS",
    "absolute_error",
    "absolute_error_slope",
    "binary_cross_entropy",
    "categorical_cross_entropy",
    "cross_entropy_slope",
    "euclidean_distance",
    "euclidean_distance_slope",
    "half_squared_error",
    "half_squared_error_slope",
    "huber",
    "huber_slope",
    "mean_squared_error",
    "mean_squared_error_slope",
    "poisson",
    "poisson_log_link",
    "poisson_slope",
    "squared_error",
    "squared_error_slope",
]


def squared_error(a: Array, y: Array) -> Array:
    """L = sum_k (a_k - y_k)^2."""
    e = a - y
    return row_sum(e * e)


def squared_error_slope(a: Array, y: Array) -> Array:
    """dL/da = 2 (a - y)."""
    return 2 * (a - y)


def half_squared_error(a: Array, y: Array) -> Array:
    """L = 1/2 sum_k (a_k - y_k)^2."""
    e = a - y
    return 0.5 * row_sum(e * e)


def half_squared_error_slope(a: Array, y: Array) -> Array:
    """dL/da = a - y."""
    return a - y


def mean_squared_error(a: Array, y: Array) -> Array:
    """L = 1/N sum_k (a_k - y_k)^2."""
    e = a - y
    return row_sum(e * e) / a.shape[-1]


def mean_squared_error_slope(a: Array, y: Array) -> Array:
    """dL/da = 2 (a - y) / N."""
    return (2 / a.shape[-1]) * (a - y)


def euclidean_distance(a: Array, y: Array) -> Array:
    """L = sqrt(sum_k (a_k - y_k)^2), the length of the error.

    The errors are divided by the largest of them before they are squared, so that no square overflows or vanishes.
    """
    e = a - y
    largest = np.max(np.maximum(e, -e), axis=-1, keepdims=True)
    e = e / np.where(largest > 0, largest, 1)
    return largest[..., 0] * np.sqrt(row_sum(e * e))


def euclidean_distance_slope(a: Array, y: Array) -> Array:
    """dL/da = (a - y) / L; 0 where L = 0, at which no derivative exists."""
    distance = euclidean_distance(a, y)[..., None]
    return (a - y) / np.where(distance > 0, distance, 1)


def absolute_error(a: Array, y: Array) -> Array:
    """L = 1/N sum_k |a_k - y_k|."""
    e = a - y
    return row_sum(np.maximum(e, -e)) / a.shape[-1]


def absolute_error_slope(a: Array, y: Array) -> Array:
    """dL/da = sign(a - y) / N; 0 where a = y, at which no derivative exists."""
    return np.sign(a - y) / a.shape[-1]


def huber(a: Array, y: Array, delta: float = 1.0) -> Array:
    """L = 1/N sum_k h(a_k - y_k), where h(e) = e^2 / 2 for |e| <= delta and delta (|e| - delta / 2) beyond."""
    e = a - y
    held = clip(e, -delta, delta)
    return row_sum(held * (e - 0.5 * held)) / a.shape[-1]


def huber_slope(a: Array, y: Array, delta: float = 1.0) -> Array:
    """dL/da = (a - y) / N held between -delta / N and delta / N."""
    return clip(a - y, -delta, delta) / a.shape[-1]


def binary_cross_entropy(z: Array, y: Array) -> Array:
    """L = -sum_k (y_k ln a_k + (1 - y_k) ln(1 - a_k)) with a = sigmoid(z), from the logits z.

    ln(1 + exp(-|z|)) + y max(-z, 0) + (1 - y) max(z, 0): a sum of terms that are never negative, so nothing cancels.
    """
    return row_sum(log1p(np.exp(np.minimum(z, -z))) + y * np.maximum(-z, 0.0) + (1 - y) * np.maximum(z, 0.0))


def categorical_cross_entropy(z: Array, y: Array) -> Array:
    """L = -sum_k y_k ln a_k with a = softmax(z), from the logits z; each row of y adds up to 1.

    ln(1 + others) + sum_k y_k (z_max - z_k), both of which are never negative, so nothing cancels. Others is the sum of
    exp(z_k - z_max) without one z_max: over the z_k below z_max, and 1 for each further one that reaches it.
    """
    largest = np.max(z, axis=-1, keepdims=True)
    below = indicator(z < largest, z)
    others = row_sum(below * np.exp(z - largest)) + (row_sum(1 - below) - 1)
    return log1p(others) + row_sum(y * (largest - z))


def cross_entropy_slope(z: Array, a: Array, y: Array) -> Array:
    """dL/dz = a - y, for cross-entropies and Poisson with a = exp(z): slopes of loss and output activation cancel."""
    return a - y


def _log_softplus(z: Array) -> Array:
    """Give ln softplus(z), which is z where softplus(z) = exp(z) to the last digit."""
    return np.where(z < -40, z, np.log(softplus(np.maximum(z, -40))))


def poisson(z: Array, y: Array) -> Array:
    """L = sum_k (a_k - y_k ln a_k) with the rate a = softplus(z), from the logits z."""
    return row_sum(softplus(z) - y * _log_softplus(z))


def poisson_slope(z: Array, a: Array, y: Array) -> Array:
    """dL/dz = sigmoid(z) (1 - y / a), where sigmoid(z) / a goes to 1 for very negative z."""
    ratio = np.where(z < -40, 1, sigmoid(z) / softplus(np.maximum(z, -40)))
    return sigmoid(z) - y * ratio


def poisson_log_link(z: Array, y: Array) -> Array:
    """L = sum_k (a_k - y_k ln a_k) with the rate a = exp(z), from the logits z: its logarithm is z itself."""
    return row_sum(np.exp(z) - y * z)


RECORDS = (
    Loss(
        name="half_squared_error",
        value=half_squared_error,
        slope=half_squared_error_slope,
        latex=r"L = \tfrac{1}{2} \sum_k (a_k - y_k)^2",
        slope_latex=r"\partial L / \partial a = a - y",
        use="The convention of most worked examples: the 1/2 cancels the 2 of the slope.",
    ),
    Loss(
        name="squared_error",
        value=squared_error,
        slope=squared_error_slope,
        latex=r"L = \sum_k (a_k - y_k)^2",
        slope_latex=r"\partial L / \partial a = 2 (a - y)",
        use="The plain sum of squares; with one output it is (y - yhat)^2.",
    ),
    Loss(
        name="mean_squared_error",
        value=mean_squared_error,
        slope=mean_squared_error_slope,
        latex=r"L = \frac{1}{N} \sum_k (a_k - y_k)^2",
        slope_latex=r"\partial L / \partial a = 2 (a - y) / N",
        use="Regression, whatever the number of outputs; what most libraries call MSE.",
    ),
    Loss(
        name="euclidean_distance",
        value=euclidean_distance,
        slope=euclidean_distance_slope,
        latex=r"L = \sqrt{\sum_k (a_k - y_k)^2}",
        slope_latex=r"\partial L / \partial a = (a - y) / L",
        use="Points in space, where the length of the error counts and outliers should weigh less than squared.",
    ),
    Loss(
        name="absolute_error",
        value=absolute_error,
        slope=absolute_error_slope,
        latex=r"L = \frac{1}{N} \sum_k |a_k - y_k|",
        slope_latex=r"\partial L / \partial a = \operatorname{sign}(a - y) / N",
        use="Regression towards the median; outliers weigh no more than others.",
    ),
    Loss(
        name="huber",
        value=huber,
        slope=huber_slope,
        parameters={"delta": 1.0},
        limits={"delta": POSITIVE},
        latex=r"L = \frac{1}{N} \sum_k \begin{cases} e_k^2 / 2 & |e_k| \le \delta \\"
        r" \delta (|e_k| - \delta / 2) & |e_k| > \delta \end{cases}, \; e = a - y",
        slope_latex=r"\partial L / \partial a = \max(-\delta, \min(\delta, a - y)) / N",
        use="Regression with outliers: squared near zero, absolute beyond delta.",
        source="P. Huber, 1964.",
    ),
    Loss(
        name="poisson",
        value=poisson,
        pairs={
            "softplus": Pair(value=poisson, slope=poisson_slope),
            "exponential": Pair(value=poisson_log_link, slope=cross_entropy_slope),
        },
        targets="counts",
        latex=r"L = \sum_k (a_k - y_k \ln a_k), \; a = \ln(1 + e^z) \text{ or } e^z",
        slope_latex=r"\partial L / \partial z = \sigma(z) (1 - y / a) \text{ or } a - y",
        use="Counts, such as hourly rentals; needs an output layer with softplus or exponential.",
        source="The negative log-likelihood of the Poisson distribution without the constant ln y!.",
    ),
    Loss(
        name="binary_cross_entropy",
        value=binary_cross_entropy,
        pairs={"sigmoid": Pair(value=binary_cross_entropy, slope=cross_entropy_slope)},
        targets="probabilities",
        latex=r"L = -\sum_k (y_k \ln a_k + (1 - y_k) \ln(1 - a_k)), \; a = \sigma(z)",
        slope_latex=r"\partial L / \partial z = a - y",
        use="Two classes, or several labels that may hold at once; needs an output layer with sigmoid.",
    ),
    Loss(
        name="categorical_cross_entropy",
        value=categorical_cross_entropy,
        pairs={"softmax": Pair(value=categorical_cross_entropy, slope=cross_entropy_slope)},
        targets="distribution",
        latex=r"L = -\sum_k y_k \ln a_k, \; a = \mathrm{softmax}(z)",
        slope_latex=r"\partial L / \partial z = a - y",
        use="One of several classes; needs an output layer with softmax.",
    ),
)
