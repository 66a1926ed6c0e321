"""What becomes of a table's columns, and which of them, or of the targets, make no sense to learn from."""

from __future__ import annotations

import numpy as np

from chainrule.data import Dataset, TableEncoder, TargetEncoder
from chainrule.data.columns import bad_cell, floats_of, kind_of, spot
from chainrule.data.dataset import Array, Rows
from chainrule.data.encoded import CategoryColumn
from chainrule.data.misread import misread
from chainrule.errors import DataError
from chainrule.language import Message, chained, template
from chainrule.recipes.decisions import Decision, where_of

__all__ = ["check_columns", "check_values", "decide_columns"]

_HUGE = 1e100  # its square, summed over any rows, is still a float64
_FAR = 1e15  # deviations from the mean: the square is still a float32

_NO_NUMBER = (
    template(
        "{path} line {line}, column {column!r}: the target is {value!r}, but a regression needs numbers; correct it, or"
        " train a classification (--task classification)"
    ),
    template(
        "{path}, row {row}, column {column!r}: the target is {value!r}, but a regression needs numbers; correct it, or"
        " train a classification (--task classification)"
    ),
)
_TOO_FAR = (
    template(
        "{path} line {line}, column {column!r}: the target is {value}, too far from all others; correct it, or remove"
        " the row"
    ),
    template(
        "{path}, row {row}, column {column!r}: the target is {value}, too far from all others; correct it, or remove"
        " the row"
    ),
)


def check_columns(dataset: Dataset) -> None:
    """Refuse text columns whose cells would each be a category of their own.

    Raises:
        DataError: for dates, numbers with thousands separators, and identifiers; says how to leave the column out.
    """
    if isinstance(dataset.X, np.ndarray):
        return
    where = where_of(dataset)
    for name in dataset.X.columns:
        column = dataset.X[name]
        if kind_of(column, where) == "category" and (found := misread(column)) is not None:
            looks, remedy, count, example = found
            raise DataError(
                "{path}: the column {column!r} looks like {looks} ({example!r}, …; {count} different texts in {rows}"
                " rows), from which nothing can be learnt as categories; {remedy}leave it out (--drop {column})",
                path=where,
                column=str(name),
                looks=looks,
                remedy=remedy,
                count=count,
                rows=len(column),
                example=example,
            )


def decide_columns(dataset: Dataset, encoder: TableEncoder) -> Decision:
    """Say what an encoder makes of the columns, in one line.

    >>> from chainrule.data import load
    >>> iris = load("iris")
    >>> decide_columns(iris, TableEncoder.fit(iris.X)).value
    '4 numbers scaled'
    """
    categories = [column for column in encoder.columns if isinstance(column, CategoryColumn)]
    numbers = len(encoder.columns) - len(categories)
    parts = []
    if numbers:
        parts.append(_numbers(numbers, encoder.numbers == "none"))
    if categories:
        inputs = sum(len(column.outputs) for column in categories)
        several = len(categories) > 1
        parts.append(
            Message(
                "{n} categories as {inputs} inputs" if several else "{n} category as {inputs} inputs",
                n=len(categories),
                inputs=inputs,
            )
        )
    if dataset.dropped:
        parts.append(Message("{n} dropped", n=len(dataset.dropped)))
    gaps = sum(column.gaps for column in encoder.columns if not isinstance(column, CategoryColumn))
    reasons = [Message("{n} with gaps, marked by inputs", n=gaps)] if gaps else []
    if dataset.dropped:
        reasons.append(Message("dropped, as given: {names}", names=", ".join(dataset.dropped)))
    reason = chained(template("{first}; {next}"), reasons) or Message("by what the training rows hold")
    return Decision("columns", chained(template("{first}, {next}"), parts), reason)


def _numbers(n: int, as_is: bool) -> Message:
    if as_is:
        return Message("{n} numbers as is" if n > 1 else "{n} number as is", n=n)
    return Message("{n} numbers scaled" if n > 1 else "{n} number scaled", n=n)


def check_values(y: Array, rows: Rows, name: str, where: str, target: TargetEncoder | None = None) -> None:
    """Refuse targets of a regression that are no numbers, or so large that nothing can be computed with them.

    Args:
        y: (n,) or (n, k).
        rows: their rows, which know the lines of the file.
        name: the target's name.
        where: the file's name.
        target: if it is known already: what the numbers are scaled by.

    Raises:
        DataError: at the first such value; says line or row, and column.
    """
    values = y.astype(np.float64) if y.dtype.kind in "iufb" else floats_of(y.ravel()).reshape(y.shape)
    bad = np.isnan(values)
    by_line, by_row = _NO_NUMBER
    if not bad.any():
        bad = _too_far(values, where, target)
        by_line, by_row = _TOO_FAR
    if bad.any():
        first = tuple(np.argwhere(bad)[0].tolist())
        place = ("row", first[0]) if isinstance(rows, np.ndarray) else spot(rows, first[0])
        raise bad_cell(place, by_line, by_row, path=where, column=name, value=y[[first[0]]].tolist()[0])


def _too_far(values: Array, where: str, target: TargetEncoder | None) -> Array:
    """Say which numbers are too large, or too many deviations from the mean."""
    huge: Array = ~(np.abs(values) <= _HUGE)
    if huge.any() or target is None or target.outputs != values.reshape(len(values), -1).shape[1]:
        return huge
    far: Array = np.abs(target.transform(values, where=where).reshape(values.shape)) > _FAR
    return far
