"""From a table's columns to a network's inputs: scaled numbers, filled gaps, categories as zeros and a one.

What becomes of one column, `chainrule.data.encoded` says.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from chainrule.data import schema
from chainrule.data.columns import (
    THE_DATA,
    bad_cell,
    check_all_finite,
    check_not_mostly_numbers,
    kind_of,
    listing,
    numbers_of,
    spot,
)
from chainrule.data.dataset import Array, Rows, feature_names
from chainrule.data.encoded import CategoryColumn, Column, NumberColumn, column_from_dict
from chainrule.errors import DataError, ModelFileError, UnknownName, UsageError
from chainrule.language import Message

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["SCALINGS", "TableEncoder"]

SCALINGS = ("standard", "robust", "range", "none")

_ROWS_AT_ONCE = 2048
_COLUMNS_AT_ONCE = 64


@dataclass(frozen=True)
class TableEncoder:
    """What turns raw rows into a network's inputs; fitted on the training part only.

    Made by `TableEncoder.fit`; equal encoders do the same.

    Args:
        columns: one record for each raw column.
        numbers: how numbers are scaled, one of `SCALINGS`.

    >>> import pandas as pd
    >>> people = pd.DataFrame({"age": [20, 40, None], "pet": ["cat", "dog", "cat"]})
    >>> encoder = TableEncoder.fit(people)
    >>> encoder.outputs
    ('age', 'age=(missing)', 'pet=cat', 'pet=dog')
    >>> encoder.transform(people).tolist()
    [[-1.0, 0.0, 1.0, 0.0], [1.0, 0.0, 0.0, 1.0], [0.0, 1.0, 1.0, 0.0]]
    """

    columns: tuple[Column, ...]
    numbers: str = "standard"

    @classmethod
    def fit(
        cls,
        X: Rows,
        *,
        names: Sequence[str] | None = None,
        numbers: Literal["standard", "robust", "range", "none"] = "standard",
        max_categories: int = 50,
        where: str = THE_DATA,
    ) -> TableEncoder:
        """Learn from the training part what its columns hold.

        Args:
            X: (n, d), a DataFrame or an array. NaN in an array is a missing cell.
            names: the columns' names of an array; None is x0, x1, …
            numbers: "standard": mean 0 and standard deviation 1; "robust": median 0 and distance between the quartiles
                1 (standard deviation where that is 0); "range": the lowest number of all columns 0 and the highest 1,
                for images; "none": as they are.
            max_categories: so many categories of a column have an output of their own, the most frequent ones.
            where: the file's name for messages.

        Raises:
            DataError: where a column holds nothing, or what can be neither number nor category.
        """
        if numbers not in SCALINGS:
            raise UnknownName.among("scaling of numbers", numbers, SCALINGS)
        if isinstance(max_categories, bool) or not isinstance(max_categories, int) or max_categories < 1:
            raise UsageError("max_categories is {value!r}; it must be a whole number from 1 on", value=max_categories)
        rows = _as_rows(X, names, where)
        if len(rows) == 0:
            raise DataError("{path}: there are no rows to learn an encoding from; at least one is needed", path=where)
        if isinstance(rows, np.ndarray):
            columns: list[Column] = list(_fit_matrix(rows, names or feature_names(rows.shape[1]), numbers, where))
        else:
            columns = [_fit_column(rows[name], numbers, max_categories, where) for name in rows.columns]
        return cls(tuple(_with_common_range(columns, rows, where) if numbers == "range" else columns), numbers)

    @cached_property
    def inputs(self) -> tuple[str, ...]:
        """The raw columns' names."""
        return tuple(column.name for column in self.columns)

    @cached_property
    def outputs(self) -> tuple[str, ...]:
        """The encoded columns' names."""
        return tuple(output for column in self.columns for output in column.outputs)

    @cached_property
    def text_columns(self) -> tuple[str, ...]:
        """The raw columns that a reader should keep as text, so that a code 01 stays 01 even where all are numbers.

        Columns of truth values are not among them: readers know those, however they are written.
        """
        categories = (column for column in self.columns if isinstance(column, CategoryColumn))
        return tuple(column.name for column in categories if not {"True", "False"}.issuperset(column.categories))

    def transform(
        self,
        X: Rows,
        *,
        where: str = THE_DATA,
        ignore: Collection[str] = (),
        dtype: npt.DTypeLike = np.float64,
    ) -> npt.NDArray[Any]:
        """Encode rows.

        Args:
            X: (n, d). A DataFrame's columns may stand in any order; an array's as in `fit`.
            where: the file's name for messages.
            ignore: columns that may be there and are not looked at, such as the target.
            dtype: float64 or float32.

        Returns:
            (n, outputs), C-contiguous.

        Raises:
            DataError: for missing or unknown columns, and cells that are no finite numbers where numbers are expected;
                says file, line or row, and column.
        """
        rows = _as_rows(X, self.inputs, where)
        if isinstance(rows, np.ndarray) and not all(isinstance(column, NumberColumn) for column in self.columns):
            rows = _as_frame(rows, self.inputs)
        out = np.zeros((len(rows), len(self.outputs)), dtype=dtype)
        if isinstance(rows, np.ndarray):
            self._write_numbers(rows, out, where, None)
            return out
        self._check_columns(rows, ignore, where)
        numbers = [column.name for column in self.columns if isinstance(column, NumberColumn)]
        if numbers:
            self._write_numbers(_number_matrix(rows, numbers, where), out, where, rows)
        for column, start in zip(self.columns, self._starts, strict=True):
            if isinstance(column, CategoryColumn):
                column.write(rows[column.name], out[:, start : start + len(column.outputs)])
        return out

    def to_dict(self) -> dict[str, Any]:
        """Write the encoder as plain JSON data."""
        return {"numbers": self.numbers, "columns": [column.to_dict() for column in self.columns]}

    @classmethod
    def from_dict(cls, data: object) -> TableEncoder:
        """Read what `to_dict` wrote.

        Raises:
            ModelFileError: for unknown or missing keys, wrong types, and numbers that cannot be.
        """
        what = Message("the table encoder")
        record = schema.record(data, what, numbers=str, columns=list)
        encoder = cls(tuple(column_from_dict(column) for column in record["columns"]), record["numbers"])
        schema.texts(list(encoder.inputs), what, "columns")
        if record["numbers"] not in SCALINGS or not encoder.columns:
            raise ModelFileError("the model file is damaged: {what} has impossible contents", what=what)
        return encoder

    @cached_property
    def _starts(self) -> list[int]:
        """The first output of each column."""
        ends = np.cumsum([len(column.outputs) for column in self.columns])
        return [0, *ends[:-1].tolist()]

    def _check_columns(self, frame: pd.DataFrame, ignore: Collection[str], where: str) -> None:
        """Say which columns are missing and which nobody knows."""
        missing = [name for name in self.inputs if name not in frame.columns]
        extra = [name for name in frame.columns if name not in self.inputs and name not in ignore]
        if missing:
            raise DataError(
                "{path} lacks the columns {missing}, which were there in training; add them (an empty cell is a missing"
                " value). Its columns: {names}",
                path=where,
                missing=listing(missing, 20),
                names=listing(frame.columns, 20),
            )
        if extra:
            raise DataError(
                "{path} has the columns {extra}, which were not there in training; remove them. Expected columns:"
                " {names}",
                path=where,
                extra=listing(extra, 20),
                names=listing(self.inputs, 20),
            )

    def _write_numbers(self, values: Array, out: Array, where: str, frame: pd.DataFrame | None) -> None:
        """Scale numbers and fill their gaps, a block of rows at a time, in float64 whatever ``out`` holds."""
        pairs = [(c, s) for c, s in zip(self.columns, self._starts, strict=True) if isinstance(c, NumberColumn)]
        names = [column.name for column, _ in pairs]
        check_all_finite(values, names, where, frame)
        starts = np.array([start for _, start in pairs])
        places: Any = slice(None) if len(starts) == out.shape[1] else starts
        fill, center, scale = np.array([(c.fill, c.center, c.scale) for c, _ in pairs]).T
        gaps = np.array([column.gaps for column, _ in pairs])
        constant = scale == 0
        divisor = np.where(constant, 1.0, scale)
        for first in range(0, len(values), _ROWS_AT_ONCE):
            block = slice(first, first + _ROWS_AT_ONCE)
            raw = values[block].astype(np.float64)
            missing = np.isnan(raw) if values.dtype.kind == "f" else None
            if missing is not None and missing.any():
                raw = np.where(missing, fill, raw)
                out[block, starts[gaps] + 1] = missing[:, gaps]
            with np.errstate(over="ignore"):
                raw -= center
                raw /= divisor
                raw[:, constant] = 0.0
                out[block, places] = raw
            if not np.isfinite(out[block]).all():
                row, k = (int(i) for i in np.argwhere(~np.isfinite(out[block, starts]))[0])
                raise _too_far(first + row, names[k], float(values[first + row, k]), where, frame)


def _too_far(row: int, name: str, value: float, where: str, frame: pd.DataFrame | None) -> DataError:
    """Make the error about a number whose encoding overflows."""
    return bad_cell(
        ("row", row) if frame is None else spot(frame, row),
        "{path} line {line}, column {column!r}: {value} is too far from what the training part holds; correct it",
        "{path}, row {row}, column {column!r}: {value} is too far from what the training part holds; correct it",
        path=where,
        column=name,
        value=value,
    )


def _as_rows(X: Rows, names: Sequence[str] | None, where: str) -> Rows:
    """Check the shape; an array of objects or texts becomes a DataFrame, and what is neither becomes an array."""
    if isinstance(X, np.ndarray):
        return _check_array(X, names, where)
    import pandas as pd

    if not isinstance(X, pd.DataFrame):
        return _check_array(np.asarray(X), names, where)
    frame = X.set_axis([str(name) for name in X.columns], axis=1)
    if frame.columns.has_duplicates:
        twice = frame.columns[frame.columns.duplicated()]
        raise DataError("{path} has more than one column called {names}", path=where, names=listing(twice))
    if frame.columns.empty:
        raise DataError("{path} has no columns; at least one is needed", path=where)
    return frame


def _check_array(X: Array, names: Sequence[str] | None, where: str) -> Rows:
    if X.ndim != 2 or X.shape[1] == 0:
        raise DataError(
            "{path} has the shape {shape}; rows and columns are expected, (n, d): reshape it",
            path=where,
            shape=X.shape,
        )
    if names is not None and len(names) != X.shape[1]:
        raise DataError(
            "{path} has {got} columns, expected {expected}: {names}",
            path=where,
            got=X.shape[1],
            expected=len(names),
            names=listing(names),
        )
    if X.dtype.kind in "buif":
        return X
    if X.dtype.kind not in "OUS":
        raise DataError("{path} has values of type {dtype}; expected are numbers", path=where, dtype=X.dtype)
    return _as_frame(X, names or feature_names(X.shape[1]))


def _as_frame(X: Array, names: Sequence[str]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(X, columns=list(names)).infer_objects()


def _fit_matrix(X: Array, names: Sequence[str], numbers: str, where: str) -> Iterator[NumberColumn]:
    """Learn the columns of an array, some of them at a time so that each lies in one piece of memory."""
    check_all_finite(X, names, where)
    for first in range(0, X.shape[1], _COLUMNS_AT_ONCE):
        block = np.ascontiguousarray(X[:, first : first + _COLUMNS_AT_ONCE].T)
        block = block.view(np.uint8) if block.dtype == np.bool_ else block
        for name, values in zip(names[first : first + _COLUMNS_AT_ONCE], block, strict=True):
            yield NumberColumn.fit(name, values, numbers, where)


def _fit_column(column: pd.Series[Any], numbers: str, max_categories: int, where: str) -> Column:
    name = str(column.name)
    if kind_of(column, where) == "number":
        values = numbers_of(column, where)
        check_all_finite(values[:, None], [name], where, column.to_frame())
        return NumberColumn.fit(name, values, numbers, where)
    check_not_mostly_numbers(column, where)
    return CategoryColumn.fit(column, max_categories, where)


def _with_common_range(columns: list[Column], rows: Rows, where: str) -> list[Column]:
    """Give all number columns the lowest and highest number that any of them holds."""
    names = [column.name for column in columns if isinstance(column, NumberColumn)]
    if not names:
        return columns
    values = rows if isinstance(rows, np.ndarray) else _number_matrix(rows, names, where)
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    if not np.isfinite(high - low):
        raise DataError("{path}: the numbers from {low} to {high} are too many", path=where, low=low, high=high)
    return [replace(c, center=low, scale=high - low) if isinstance(c, NumberColumn) else c for c in columns]


def _number_matrix(frame: pd.DataFrame, names: list[str], where: str) -> Array:
    """Read number columns as a matrix (n, k) with NaN for missing cells."""
    import pandas as pd

    if all(pd.api.types.is_numeric_dtype(dtype) for dtype in frame[names].dtypes):
        return frame[names].to_numpy(dtype=np.float64, na_value=np.nan)
    return np.column_stack([numbers_of(frame[name], where) for name in names])
