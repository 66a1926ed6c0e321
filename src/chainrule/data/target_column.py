"""The target column of a table: which one it is, and its labels."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.data.columns import has_lines, listing, text_of
from chainrule.data.dataset import Array
from chainrule.errors import DataError
from chainrule.language import Message

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["choose_target", "labels_of"]

_USUAL_NAMES = ("target", "label", "class", "y")


def choose_target(names: list[str], target: str | int | None, path: str) -> tuple[str, str]:
    """Choose the column to predict.

    Args:
        names: the columns' names.
        target: a name, a position counted from 0 (-1 is the last), or None: the column called target, else label, class
            or y, else the last.
        path: the file's name for messages.

    Returns:
        The column's name, and how it was chosen.

    Raises:
        DataError: where there is no such column, or no other one to predict it from.

    >>> choose_target(["height", "label", "colour"], None, "things.csv")
    ('label', "the column named 'label'")
    """
    if len(names) == 1 and any(separator in names[0] for separator in "| :"):
        raise DataError(
            "{path} has the column {names} only; between cells there must be a comma, semicolon or tab: save it so,"
            " and with at least one column to predict from and one to predict",
            path=path,
            names=listing(names),
        )
    if len(names) < 2:
        raise DataError(
            "{path} has the column {names} only; at least one to predict from and one to predict are needed",
            path=path,
            names=listing(names),
        )
    if isinstance(target, int):
        if not -len(names) <= target < len(names):
            raise DataError(
                "{path} has no column {target}; its columns count from 0 to {last}",
                path=path,
                target=target,
                last=len(names) - 1,
            )
        return names[target], Message("column {number}", number=target)
    if target is None:
        usual = [name for name in _USUAL_NAMES if name in names]
        if usual:
            return usual[0], Message("the column named {name!r}", name=usual[0])
        return names[-1], Message("the last column")
    if target in names:
        return target, Message("as given")
    close = difflib.get_close_matches(target, names, n=1)
    if close:
        raise DataError(
            "{path} has no column {target!r}; did you mean {close!r}? Its columns: {names}",
            path=path,
            target=target,
            close=close[0],
            names=listing(names, 20),
        )
    raise DataError(
        "{path} has no column {target!r}. Its columns: {names}", path=path, target=target, names=listing(names, 20)
    )


def labels_of(column: pd.Series[Any], path: str) -> Array:
    """Read the target column: integers, floats, truth values or texts.

    Raises:
        DataError: where a row has none; names the lines.
    """
    import pandas as pd

    missing = np.flatnonzero(column.isna().to_numpy())
    if len(missing):
        by_line = has_lines(column)
        raise DataError(
            "{path}: the target {column!r} is missing in {count} of {rows} rows (line {places}); fill the cells in, or"
            " remove these rows"
            if by_line
            else "{path}: the target {column!r} is missing in {count} of {rows} rows (row {places}, counted from 0);"
            " fill the cells in, or remove these rows",
            path=path,
            column=column.name,
            count=len(missing),
            rows=len(column),
            places=listing(column.index[missing].tolist() if by_line else missing.tolist()),
        )
    dtype = column.dtype
    if pd.api.types.is_bool_dtype(dtype):
        return column.to_numpy(dtype=np.bool_)
    if pd.api.types.is_integer_dtype(dtype):
        return column.to_numpy(dtype=np.int64)
    if pd.api.types.is_float_dtype(dtype):
        return column.to_numpy(dtype=np.float64)
    return np.array([text_of(value) for value in column], dtype=object)
