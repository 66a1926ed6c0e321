"""Lines between neurons: solid or dashed and blue or red by sign, wide by size."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.plots.palette import NEGATIVE, NEUTRAL, POSITIVE

__all__ = ["DASHES", "DOTS", "THINNEST", "WIDEST", "by_sign", "line_look", "widths"]

THINNEST, WIDEST = 0.3, 4.0  # points
DASHES, DOTS = (0, (3, 1.5)), (0, (1, 2))

Floats = NDArray[np.float64]


def by_sign(values: Floats, positive: Any, negative: Any, zero: Any) -> list[Any]:
    """Give for each value what belongs to its sign.

    >>> by_sign(np.array([2.0, -1.0, 0.0]), "+", "-", "0")
    ['+', '-', '0']
    """
    return [positive if value > 0 else negative if value < 0 else zero for value in values]


def widths(values: Floats, largest: float, widest: float = WIDEST) -> Floats:
    """Give the widths of lines in points: the largest value has the widest, a zero a thin one that can be seen."""
    wide = THINNEST + (widest - THINNEST) * np.abs(values) / (largest or 1.0)
    return np.where(values == 0.0, 1.0, wide)


def line_look(values: Floats, largest: float, widest: float = WIDEST) -> dict[str, Any]:
    """Give what a collection of lines needs to show these values: colours, line styles and widths."""
    return {
        "colors": by_sign(values, POSITIVE, NEGATIVE, NEUTRAL),
        "linestyles": by_sign(values, "-", DASHES, DOTS),
        "linewidths": widths(values, largest, widest),
    }
