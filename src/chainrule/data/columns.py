"""What a table's column is, number or category, and how its cells are read and found again in the file."""

from __future__ import annotations

import numbers
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from chainrule.data.dataset import Array
from chainrule.errors import DataError
from chainrule.language import Message

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "LINE",
    "MISSING",
    "THE_DATA",
    "Kind",
    "bad_cell",
    "categories_of",
    "check_all_finite",
    "check_not_mostly_numbers",
    "floats_of",
    "has_lines",
    "is_number_like",
    "kind_of",
    "listing",
    "numbers_of",
    "spot",
    "text_of",
]

Kind = Literal["number", "category"]

# What an empty cell may look like. "None" and "none" are not here: people write them for "no such thing", a category.
MISSING = ("", "?", "NA", "na", "N/A", "n/a", "#N/A", "<NA>", "NaN", "nan", "NAN", "NULL", "null", "Null")

# The index of a table out of a text file has this name and holds line numbers, so that a cell can be found again.
LINE = "line"

# What messages call a table of which nobody says where it comes from.
THE_DATA = Message("the data")

# A text column with at most this share of cells that are no numbers, and more distinct numbers than codes would have,
# is a column of numbers with a slip in it.
_SLIPS = 0.1
_CODES = 20


def listing(names: Iterable[object], limit: int = 10) -> str:
    """Join names for a message; many of them are cut off.

    >>> listing(["a", "b", "c"], limit=2)
    "'a', 'b', … (3)"
    """
    texts = [repr(name) for name in names]
    return ", ".join(texts) if len(texts) <= limit else ", ".join(texts[:limit]) + f", … ({len(texts)})"


def text_of(value: object) -> str:
    """Write a label or category so that 1, 1.0 and "1" agree, whichever a reader made of it.

    >>> text_of(1.0), text_of("1"), text_of(True), text_of(0.5)
    ('1', '1', 'True', '0.5')
    """
    if isinstance(value, (bool, np.bool_)):
        return str(bool(value))
    if isinstance(value, (float, np.floating)):
        number = float(value)
        return str(int(number)) if number.is_integer() and abs(number) < 2**53 else repr(number)
    return str(value)


def has_lines(table: pd.DataFrame | pd.Series[Any]) -> bool:
    """Say whether a table came out of a text file, so that its index holds line numbers."""
    return bool(table.index.name == LINE and table.index.dtype.kind in "iu")


def spot(table: pd.DataFrame | pd.Series[Any], position: int) -> tuple[str, int]:
    """Say where a row is: the line of the file, if the table came out of a text file, else the row counted from 0."""
    if has_lines(table):
        return "line", int(table.index[position])
    return "row", int(position)


def bad_cell(place: tuple[str, int], by_line: str, by_row: str, **fields: object) -> DataError:
    """Make the error about a cell, by its line or by its row."""
    unit, number = place
    return DataError(by_line, line=number, **fields) if unit == "line" else DataError(by_row, row=number, **fields)


def kind_of(column: pd.Series[Any], where: str) -> Kind:
    """Decide whether a column holds numbers or categories: truth values and texts are categories.

    Raises:
        DataError: for dates, durations and complex numbers.
    """
    import pandas as pd

    dtype = column.dtype
    if pd.api.types.is_bool_dtype(dtype):
        return "category"
    if pd.api.types.is_datetime64_any_dtype(dtype) or pd.api.types.is_timedelta64_dtype(dtype):
        raise DataError(
            "{path}: the column {column!r} holds dates or durations; replace it by numbers (year, month, hour, …)"
            " or leave it out",
            path=where,
            column=column.name,
        )
    if pd.api.types.is_complex_dtype(dtype):
        raise DataError(
            "{path}: the column {column!r} holds complex numbers; replace it by real ones",
            path=where,
            column=column.name,
        )
    if pd.api.types.is_numeric_dtype(dtype):
        return "number"
    if dtype.kind == "O" and pd.api.types.is_object_dtype(dtype):
        values = column[column.notna().to_numpy()]
        if len(values) and all(isinstance(v, numbers.Number) and not isinstance(v, bool) for v in values):
            return "number"
    return "category"


def numbers_of(column: pd.Series[Any], where: str) -> npt.NDArray[np.float64]:
    """Read a column as numbers; missing cells become NaN.

    Raises:
        DataError: at the first cell that is no number; says line or row, column and text.
    """
    import pandas as pd

    missing = column.isna().to_numpy()
    dtype = column.dtype
    if pd.api.types.is_numeric_dtype(dtype) and not pd.api.types.is_complex_dtype(dtype):
        return column.to_numpy(dtype=np.float64, na_value=np.nan)
    result = floats_of(column)
    bad = np.flatnonzero(np.isnan(result) & ~missing)
    if len(bad):
        raise bad_cell(
            spot(column, bad[0]),
            "{path} line {line}, column {column!r}: {text!r} is not a number, but this column holds numbers; correct"
            " the cell, or leave it empty if the value is not known",
            "{path}, row {row}, column {column!r}: {text!r} is not a number, but this column holds numbers; correct"
            " the cell, or make it NaN if the value is not known",
            path=where,
            column=column.name,
            text=str(column.iloc[bad[0]]),
        )
    return result


def floats_of(cells: Iterable[object]) -> npt.NDArray[np.float64]:
    """Read cells as numbers, to the last bit; what is missing or no number becomes NaN.

    >>> floats_of(["1.5", 2, "two", None, "1e999"]).tolist()
    [1.5, 2.0, nan, nan, inf]
    """
    return np.array([_float_of(cell) for cell in cells], dtype=np.float64)


def _float_of(cell: Any) -> float:
    if isinstance(cell, str) and "_" in cell:  # Python's own way of writing numbers, nobody else's
        return np.nan
    try:
        return float(cell)
    except OverflowError:  # an integer beyond float64
        return np.inf if cell > 0 else -np.inf
    except (TypeError, ValueError):
        return np.nan


def check_all_finite(values: Array, names: Iterable[str], where: str, table: pd.DataFrame | None = None) -> None:
    """Refuse infinite numbers; NaN stands for a missing cell and may pass.

    Args:
        values: (n, d) numbers.
        names: the d columns' names.
        where: the file's name for the message.
        table: where the values come from, so that the message can say the line; None for an array.

    Raises:
        DataError: at the first infinite number; says line or row, and column.
    """
    if values.dtype.kind != "f" or np.isfinite(values).all() or not (infinite := np.isinf(values)).any():
        return
    row, column = (int(k) for k in np.argwhere(infinite)[0])
    raise bad_cell(
        ("row", row) if table is None else spot(table, row),
        "{path} line {line}, column {column!r}: {value} is not a finite number; correct the cell, or leave it empty if"
        " the value is not known",
        "{path}, row {row}, column {column!r}: {value} is not a finite number; correct it, or make it NaN if the value"
        " is not known",
        path=where,
        column=list(names)[column],
        value=float(values[row, column]),
    )


def categories_of(column: pd.Series[Any]) -> tuple[npt.NDArray[np.int64], list[str]]:
    """Number a column's categories.

    Returns:
        int64 (n,): each row's number, -1 where the cell is missing; and the numbered categories' texts.
    """
    import pandas as pd

    codes, values = pd.factorize(column)
    texts = [text_of(value) for value in values]
    unique = {text: number for number, text in enumerate(dict.fromkeys(texts))}
    # 1 and "1" in one column are two values with one text. The last entry is met by the code -1.
    merge = np.array([unique[text] for text in texts] + [-1], dtype=np.int64)
    return merge[codes], list(unique)


def check_not_mostly_numbers(column: pd.Series[Any], where: str) -> None:
    """Refuse a text column that is a column of numbers with a few slips: as categories it would make no sense.

    Such a column has more than 20 distinct numbers and at most 10 % of cells that are none.

    Raises:
        DataError: says line or row of the first slip, column, text, and how many slips there are.
    """
    import pandas as pd

    codes, values = pd.factorize(column)
    is_number = ~np.isnan(floats_of(values))
    counts = np.bincount(codes[codes >= 0], minlength=len(values))
    slips = int(counts[~is_number].sum())
    if not 0 < slips <= _SLIPS * counts.sum() or is_number.sum() <= _CODES:
        return
    first = int(np.flatnonzero((codes >= 0) & ~is_number[codes])[0])
    raise bad_cell(
        spot(column, first),
        "{path} line {line}, column {column!r}: {text!r} is not a number, but nearly all cells of this column are"
        " (cells that are none: {slips}); correct these cells, or leave them empty",
        "{path}, row {row}, column {column!r}: {text!r} is not a number, but nearly all cells of this column are"
        " (cells that are none: {slips}); correct these cells, or make them NaN",
        path=where,
        column=column.name,
        text=str(column.iloc[first]),
        slips=slips,
    )


def is_number_like(value: object) -> bool:
    """Say whether ``float`` takes it: a number, or a text that reads like one.

    >>> is_number_like("1e3"), is_number_like("high")
    (True, False)
    """
    try:
        float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return False
    return True
