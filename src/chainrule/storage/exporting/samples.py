"""The rows of a file's self-test, and what the model gives for them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from chainrule.data.encoded import CategoryColumn, Column
from chainrule.formulas import Array
from chainrule.storage.exporting.plan import Plan
from chainrule.streams import normals, uniforms

__all__ = ["Sample", "draw_sample"]

ROWS = 4
FEWER_ROWS = 2
MANY = 100  # columns


@dataclass(frozen=True)
class Sample:
    """A few rows with what comes of them.

    Args:
        rows: raw rows, where the file takes such, else inputs; cells are numbers, texts or None (missing).
        function: the function of the file that is tested.
        expected: what it gives for each row, (n, k).
        flat: whether a result is one number, not a row of them.
        within: how far a result may be off, relative to the larger of 1 and the expected number.
    """

    rows: list[list[Any]]
    function: str
    expected: Array
    flat: bool
    within: float


def draw_sample(plan: Plan, *, raw: bool = True) -> Sample:
    """Draw rows and ask the model for its answers.

    Args:
        plan: the model.
        raw: whether the file encodes raw rows itself, where the model has an encoder.

    >>> from chainrule import Network
    >>> from chainrule.storage.exporting.plan import make_plan
    >>> sample = draw_sample(make_plan(Network.from_sizes([2, 3, 1]).init(), "net"))
    >>> len(sample.rows), sample.function, sample.expected.shape
    (4, 'predict', (4, 1))
    """
    model, encoder = plan.model, plan.encoder
    count = ROWS if plan.sizes[0] <= MANY else FEWER_ROWS
    raw = raw and encoder is not None
    if raw and encoder is not None:
        columns = [_cells(column, j, count) for j, column in enumerate(encoder.columns)]
        rows = [list(row) for row in zip(*columns, strict=True)]
        X: Any = np.array([[np.nan if cell is None else cell for cell in row] for row in rows], dtype=object)
    else:
        X = np.round(normals(0, "test", 0, shape=(count, plan.sizes[0])), 2)
        rows, model = X.tolist(), replace(model, encoder=None)
    function = "predict" if plan.kind in ("values", "outputs") else "predict_proba" if plan.probabilities else "outputs"
    expected = np.asarray(getattr(model, function)(X))
    return Sample(rows, function, expected.reshape(count, -1), expected.ndim == 1, 1e-5 if plan.single else 1e-10)


def _cells(column: Column, j: int, count: int) -> list[Any]:
    """Draw cells of a raw column like those of training; a missing one where training had some."""
    if isinstance(column, CategoryColumn):
        known = len(column.categories)
        places = (uniforms(0, "test", 1, j, shape=count) * known).astype(int)
        cells: list[Any] = [column.categories[k] for k in places]
    else:
        spread = column.scale or 1.0
        digits = 2 - int(np.floor(np.log10(spread)))
        drawn = column.center + spread * normals(0, "test", 1, j, shape=count)
        cells = [float(round(x, digits)) for x in drawn.tolist()]
    if column.gaps:
        cells[-1] = None
    return cells
