"""Where the circles of a network diagram go, and how large the picture must be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from chainrule.plots.style import shorten, text_width

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["NAME_POINTS", "NARROWEST", "Layer", "Look", "bottom_of", "frame"]

MOST_NUMBERED_WEIGHTS = 12
NAME_POINTS = 9.0
NARROWEST = 4.8  # inches

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Look:
    """Sizes that depend on how much there is to draw; a row is one neuron's share of the height, the unit of length."""

    row: float  # inches
    column: float  # rows between one layer and the next
    radius: float  # rows
    numbered: bool

    @classmethod
    def of(cls, sizes: Sequence[int], most: int) -> Look:
        """Choose the sizes for layers of so many neurons, of which at most ``most`` are shown."""
        weights = sum(before * after for before, after in pairwise(sizes))
        numbered = weights <= MOST_NUMBERED_WEIGHTS
        highest = min(max(sizes), most)
        row = (1.0 if numbered else 0.7) if highest <= 4 else (0.75 if numbered else 0.5)
        column = 2.8 if numbered else float(np.clip(14.0 / len(sizes), 1.3, 2.4))
        return cls(row, column / row, radius=0.21 / row if numbered else 0.28, numbered=numbered)

    def rows(self, points: float) -> float:
        """Return how many rows long ``points`` of 1/72 inch are."""
        return points / 72 / self.row


@dataclass(frozen=True)
class Layer:
    """One column of circles: the neurons that are shown, and where."""

    size: int
    x: float
    shown: NDArray[np.int64]
    y: Floats
    gap: float | None

    @classmethod
    def of(cls, size: int, x: float, most: int) -> Layer:
        """Place ``size`` neurons at ``x``; of more than ``most`` show the first and the last, and a gap between."""
        rows = min(size, most)
        heights = (rows - 1) / 2 - np.arange(rows, dtype=np.float64)
        if size <= most:
            return cls(size, x, np.arange(size), heights, None)
        first = most // 2
        last = most - first - 1
        shown = np.concatenate([np.arange(first), np.arange(size - last, size)])
        return cls(size, x, shown, np.delete(heights, first), float(heights[first]))


def frame(
    figure: Figure, layers: Sequence[Layer], look: Look, inputs: Sequence[str] | None, outputs: Sequence[str] | None
) -> Axes:
    """Make axes with limits that take in every word, on a figure so large that a row is as high as it should be."""
    left, right = (look.rows(_longest(names)) + look.radius + 0.5 for names in (inputs, outputs))
    bottom, top = bottom_of(layers) - look.rows(45.0), max(float(layer.y.max()) for layer in layers) + 0.6
    width, height = layers[-1].x + left + right, top - bottom
    missing = max(0.0, NARROWEST / look.row - width) / 2
    figure.set_size_inches((width + 2 * missing) * look.row + 0.2, height * look.row + 1.2)
    axes = figure.subplots()
    axes.set_xlim(-left - missing, layers[-1].x + right + missing)
    axes.set_ylim(bottom, top)
    axes.set_aspect("equal")
    axes.axis("off")
    return axes


def _longest(names: Sequence[str] | None) -> float:
    return max((text_width(shorten(name), NAME_POINTS) for name in names or ()), default=10.0)


def bottom_of(layers: Sequence[Layer]) -> float:
    """Return where the captions begin, below the lowest neuron."""
    return min(float(layer.y.min()) for layer in layers) - 0.75
