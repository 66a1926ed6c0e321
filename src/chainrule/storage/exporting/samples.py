"""The rows of a file's self-test, and what the model gives for them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from chainrule.data.encoded import CategoryColumn, Column
from chainrule.errors import UsageError
from chainrule.formulas import Array
from chainrule.storage.exporting.plan import Plan
from chainrule.streams import normals, uniforms

__all__ = ["Sample", "draw_sample"]

ROWS = 4
FEWER_ROWS = 2
MANY = 100  # columns
TRIES = 12


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

    Raises:
        UsageError: where the model gives no finite numbers.

    >>> from chainrule import Network
    >>> from chainrule.storage.exporting.plan import make_plan
    >>> sample = draw_sample(make_plan(Network.from_sizes([2, 3, 1]).init(), "net"))
    >>> len(sample.rows), sample.function, sample.expected.shape
    (4, 'predict', (4, 1))
    """
    count = ROWS if plan.sizes[0] <= MANY else FEWER_ROWS
    raw = raw and plan.encoder is not None
    model = plan.model if raw else replace(plan.model, encoder=None)
    function = "predict" if plan.kind in ("values", "outputs") else "predict_proba" if plan.probabilities else "outputs"
    rows: list[list[Any]] = []
    answers: list[Array] = []
    # Close to the largest number, another order of additions may lead beyond it.
    largest = 1e-6 * float(np.finfo(plan.model.dtype).max)
    # A network may leave the range of its numbers; it does so less and less near the middle of its inputs.
    for nth in range(TRIES):
        drawn = _raw_rows(plan, count, nth) if raw else _rows(plan, count, nth)
        X: Any = np.array([[np.nan if x is None else x for x in row] for row in drawn], dtype=object if raw else float)
        with np.errstate(all="ignore"):
            expected = np.asarray(getattr(model, function)(X))
        good = np.flatnonzero((np.abs(expected.reshape(count, -1)) < largest).all(axis=1))[: count - len(rows)]
        rows += [drawn[i] for i in good]
        answers.append(expected[good])
        if len(rows) == count:
            break
    if not rows:
        raise UsageError(
            "the model gives numbers that are not finite for all rows that were tried, so an exported file could not "
            "test itself; train again with a smaller learning rate"
        )
    expected = np.concatenate(answers)
    within = 1e-5 if plan.single else 1e-10
    return Sample(rows, function, expected.reshape(len(rows), -1), expected.ndim == 1, within)


def _rows(plan: Plan, count: int, nth: int) -> list[list[Any]]:
    """Draw inputs, each time from a quarter of the range."""
    drawn = 0.25**nth * normals(nth, "test", 0, shape=(count, plan.sizes[0]))
    return np.round(drawn, 2 + 2 * nth // 3).tolist()


def _raw_rows(plan: Plan, count: int, nth: int) -> list[list[Any]]:
    """Draw raw rows, the numbers each time from a quarter of the range."""
    columns = plan.encoder.columns if plan.encoder is not None else ()
    cells = [_cells(column, j, count, nth) for j, column in enumerate(columns)]
    return [list(row) for row in zip(*cells, strict=True)]


def _cells(column: Column, j: int, count: int, nth: int) -> list[Any]:
    """Draw cells of a raw column like those of training; a missing one where training had some."""
    if isinstance(column, CategoryColumn):
        known = len(column.categories)
        places = (uniforms(nth, "test", 1, j, shape=count) * known).astype(int)
        cells: list[Any] = [column.categories[k] for k in places]
    else:
        spread = 0.25**nth * (column.scale or 1.0)
        digits = 2 - int(np.floor(np.log10(spread)))
        drawn = column.center + spread * normals(nth, "test", 1, j, shape=count)
        cells = [float(round(x, digits)) for x in drawn.tolist()]
    if column.gaps:
        cells[-1] = None
    return cells
