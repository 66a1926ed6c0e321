"""Centre and spread of a column of numbers, right for every size of number that float64 holds."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from chainrule.data.dataset import Array

__all__ = ["center_and_scale", "median", "robust_center_and_scale"]


def center_and_scale(values: Array) -> tuple[float, float]:
    """Give the mean and the standard deviation (divided by n) of finite numbers; a column without change has scale 0.

    mean = 1/n sum x,  scale = sqrt(1/n sum (x - mean)^2), computed on x / max|x|, so that no square overflows.

    Args:
        values: (n,), n at least 1.

    >>> center_and_scale(np.array([1.0, 3.0]))
    (2.0, 1.0)
    >>> center_and_scale(np.array([0.1, 0.1, 0.1]))
    (0.1, 0.0)
    """
    low, high = float(values.min()), float(values.max())
    if low == high:
        return low, 0.0
    unit = max(abs(low), abs(high))
    scaled: npt.NDArray[np.float64] = values / unit if not 1e-100 < unit < 1e100 else values.astype(np.float64)
    unit = unit if not 1e-100 < unit < 1e100 else 1.0
    mean = float(scaled.mean())
    scaled -= mean
    # Rounding can take the mean of nearly equal numbers past them; it belongs between them.
    return min(max(mean * unit, low), high), float(np.sqrt(np.mean(scaled * scaled))) * unit


def median(values: Array) -> float:
    """Give the median; halfway between two middle numbers, without overflow.

    >>> median(np.array([5, 1, 2, 4]))
    3.0
    """
    half = (len(values) - 1) // 2, len(values) // 2
    middle = np.partition(values, half)
    return float(middle[half[0]]) / 2 + float(middle[half[1]]) / 2


def robust_center_and_scale(values: Array) -> tuple[float, float]:
    """Give the median and the distance between the quartiles; the standard deviation where that distance is 0.

    >>> robust_center_and_scale(np.array([1.0, 2.0, 3.0, 4.0, 1000.0]))
    (3.0, 2.0)
    """
    with np.errstate(over="ignore", invalid="ignore"):
        lower, upper = np.quantile(values.astype(np.float64, copy=False), [0.25, 0.75])
        distance = float(upper - lower)
    return median(values), distance if 0 < distance < np.inf else center_and_scale(values)[1]
