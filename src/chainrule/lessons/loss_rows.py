"""The squared errors of lesson losses: each convention in words, as a formula, and as numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chainrule.formulas import LOSSES
from chainrule.plots.losses import LOSS_NAMES
from chainrule.plots.style import significant

__all__ = ["SQUARED", "row_of", "vector"]

SQUARED = {
    "half_squared_error": "½ Σ (aₖ − yₖ)²",
    "squared_error": "Σ (aₖ − yₖ)²",
    "mean_squared_error": "1/N · Σ (aₖ − yₖ)²",
    "euclidean_distance": "√(Σ (aₖ − yₖ)²)",
}


def row_of(name: str, a: Sequence[float], y: Sequence[float]) -> tuple[str | float, ...]:
    """Give name, formula, loss and slopes of one of `SQUARED`.

    >>> [str(cell) for cell in row_of("squared_error", [1.0, 2.0], [0.0, 0.0])]
    ['squared error', 'Σ (aₖ − yₖ)²', '5.0', '2.0', '4.0']
    """
    A, Y, loss = np.array([a]), np.array([y]), LOSSES[name]
    assert loss.slope is not None
    return LOSS_NAMES[name], SQUARED[name], float(loss.value(A, Y)[0]), *loss.slope(A, Y)[0].tolist()


def vector(numbers: Sequence[float]) -> str:
    """Write numbers as one writes a vector, without the brackets.

    >>> vector([2.0, -0.5])
    '2, −0.5'
    """
    return ", ".join(map(significant, numbers))
