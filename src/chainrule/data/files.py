"""Data files: what kind a file is, decided by its content, and which of its columns is the target."""

from __future__ import annotations

import io
from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from chainrule.data.arrays import as_matrix, read_npy, read_npz
from chainrule.data.columns import check_all_finite, check_not_mostly_numbers, kind_of, listing
from chainrule.data.dataset import Array, Dataset, Rows, feature_names
from chainrule.data.foreign import binary_name_of
from chainrule.data.idx import is_idx, read_idx
from chainrule.data.parquet import read_parquet
from chainrule.data.sources import Opened, Source, open_source, read_all, source_name
from chainrule.data.tables import read_table
from chainrule.data.target_column import choose_target, labels_of
from chainrule.errors import DataError
from chainrule.language import Message

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["load_file", "read_rows"]

Format = Literal["text", "parquet", "npy", "npz", "idx"]

_X_NAMES = (("X", "y"), ("x", "y"), ("x_train", "y_train"), ("X_train", "y_train"), ("data", "target"))


def read_rows(source: Source, *, encoding: str | None = None, text: Collection[str] = ()) -> Rows:
    r"""Read rows to predict from; the target may be among the columns or not.

    Args:
        source: a CSV, TSV, Parquet, NPZ, NPY or IDX file, an open stream, or "-" for the standard input.
        encoding: how a text file's characters are written; None is UTF-8.
        text: columns whose cells are kept as text even if they look like numbers: an encoder's ``text_columns``.

    Returns:
        A DataFrame for tables, its index holding line numbers if it came out of a text file; else an array (n, d).

    Raises:
        DataError: where the source cannot be read; says file, line or row, column and remedy.

    >>> import io
    >>> read_rows(io.StringIO("height,colour\n1.5,red\n")).columns.tolist()
    ['height', 'colour']
    """
    with open_source(source) as opened:
        kind = _format_of(opened)
        if kind == "npz":
            arrays = read_npz(_seekable(opened), opened.name)
            key, _ = _find_arrays(arrays, None, opened.name)
            rows: Rows = as_matrix(arrays[key], opened.name)[0]
        elif kind in ("npy", "idx"):
            rows = as_matrix(_read_array(opened, kind), opened.name)[0]
        else:
            rows = _read_frame(opened, kind, encoding, text)
    _check_finite(rows, source_name(source))
    return rows


def load_file(
    source: Source,
    *,
    target: str | int | None = None,
    encoding: str | None = None,
    text: Collection[str] = (),
) -> Dataset:
    """Read a file with its target.

    Args:
        source: as for `read_rows`.
        target: the target column's name or position (counted from 0; -1 is the last); in an NPZ file the array's name;
            for IDX images the path of the labels. None: the column called target, else label, class or y, else the
            last; for IDX images the file of the labels that lies beside it.
        encoding: as for `read_rows`.
        text: as for `read_rows`.

    Raises:
        DataError: where the file cannot be read, has no such column, or rows without a target.
    """
    with open_source(source) as opened:
        kind = _format_of(opened)
        if kind == "npz":
            return _from_npz(read_npz(_seekable(opened), opened.name), target, opened.name)
        if kind == "npy":
            return _from_matrix(_read_array(opened, kind), target, opened.name)
        if kind == "idx":
            return _from_idx(_read_array(opened, kind), target, opened)
        frame = _read_frame(opened, kind, encoding, text, lambda names: choose_target(names, target, opened.name)[0])
    return _from_frame(frame, target, text, source_name(source))


def _format_of(opened: Opened) -> Format:
    """Tell a file's format by its first bytes; a name that says otherwise is an error."""
    head, name = opened.head, opened.name
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith(b"\x93NUMPY"):
        return "npy"
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return "npz"
    plain = name.lower().removesuffix(".gz")
    if is_idx(head) or plain.endswith((".idx", "-ubyte")):
        return "idx"
    for suffix in (".parquet", ".npz", ".npy"):
        if plain.endswith(suffix):
            raise DataError(
                "{path} does not begin as a {suffix} file does: it is damaged or another kind of file; get it again, or"
                " give it the right name",
                path=name,
                suffix=suffix,
            )
    if (kind := binary_name_of(head)) is not None:
        raise DataError(
            "{path} is {kind}, not a table; name a CSV, TSV, Parquet, NPZ, NPY or IDX file", path=name, kind=kind
        )
    return "text"


def _seekable(opened: Opened) -> Any:
    """Give the bytes as a file in which one can go anywhere; a packed one is unpacked in memory."""
    return opened.file if opened.size is not None else io.BytesIO(read_all(opened))


def _read_array(opened: Opened, kind: Format) -> Array:
    if kind == "npy":
        return read_npy(_seekable(opened), opened.name)
    return read_idx(opened.file, opened.name, size=opened.size)


def _read_frame(
    opened: Opened,
    kind: Format,
    encoding: str | None,
    text: Collection[str],
    target_of: Callable[[list[str]], str] | None = None,
) -> pd.DataFrame:
    if kind == "parquet":
        return read_parquet(_seekable(opened), opened.name)
    return read_table(read_all(opened), opened.name, encoding=encoding, text=text, target_of=target_of)


def _check_finite(rows: Rows, name: str) -> None:
    """Refuse infinite numbers in a table or an array."""
    if isinstance(rows, np.ndarray):
        check_all_finite(rows, feature_names(rows.shape[1]), name)
        return
    floats = rows.select_dtypes(include=["float"])
    check_all_finite(floats.to_numpy(dtype=np.float64, na_value=np.nan), floats.columns, name, rows)


def _from_frame(frame: pd.DataFrame, target: str | int | None, text: Collection[str], name: str) -> Dataset:
    column, choice = choose_target(list(frame.columns), target, name)
    _check_finite(frame, name)
    for feature in frame.columns:
        if not frame[feature].notna().any():
            raise DataError(
                "{path}: all cells of the column {column!r} are missing; remove the column", path=name, column=feature
            )
        if feature not in text and kind_of(frame[feature], name) == "category":
            check_not_mostly_numbers(frame[feature], name)
    X = frame.drop(columns=column)
    return Dataset(
        name=Path(name).name,
        X=X,
        y=labels_of(frame[column], name),
        task=None,
        features=tuple(X.columns),
        target=column,
        source=name,
        target_choice=choice,
    )


def _from_arrays(X: Array, y: Array, name: str, target: str, choice: str) -> Dataset:
    """Check that rows and targets fit together."""
    X, shape = as_matrix(X, name)
    y = y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y
    if y.ndim not in (1, 2) or len(y) != len(X):
        raise DataError(
            "{path}: the rows have the shape {rows}, the targets {targets}; expected are as many targets as rows",
            path=name,
            rows=X.shape,
            targets=y.shape,
        )
    _check_finite(X, name)
    features = feature_names(X.shape[1])
    return Dataset(Path(name).name, X, y, None, features, target, image_shape=shape, source=name, target_choice=choice)


def _from_matrix(array: Array, target: str | int | None, name: str) -> Dataset:
    """Take the target out of a matrix; whole numbers in it become integers, as they are labels more often than not."""
    matrix, _ = as_matrix(array, name)
    names = list(feature_names(matrix.shape[1]))
    column, choice = choose_target(names, target, name)
    position = names.index(column)
    y = matrix[:, position]
    if y.dtype.kind == "f":
        if not np.isfinite(y).all():
            row = int(np.flatnonzero(~np.isfinite(y))[0])
            raise DataError(
                "{path}, row {row}, column {column!r}: the target is {value}; correct it, or remove the row",
                path=name,
                row=row,
                column=column,
                value=y[row],
            )
        if (y == np.round(y)).all() and (abs(y) < 2**53).all():
            y = y.astype(np.int64)
    dataset = _from_arrays(np.delete(matrix, position, axis=1), y, name, column, choice)
    return replace(dataset, features=tuple(names[:position] + names[position + 1 :]))


def _find_arrays(arrays: dict[str, Array], target: str | int | None, name: str) -> tuple[str, str]:
    """Find the names of the rows and the targets in an NPZ file."""
    for x, y in _X_NAMES:
        if x in arrays:
            return x, y if target is None else str(target)
    raise DataError(
        "{path} holds the arrays {names}; expected are X and y, or x_train and y_train (and x_test and y_test)",
        path=name,
        names=listing(arrays),
    )


def _from_npz(arrays: dict[str, Array], target: str | int | None, name: str) -> Dataset:
    x_name, y_name = _find_arrays(arrays, target, name)
    if y_name not in arrays:
        raise DataError(
            "{path} has no array {target!r} with the targets; it holds {names}: name one (--target)",
            path=name,
            target=y_name,
            names=listing(arrays),
        )
    y = arrays[y_name]
    if y.dtype.kind == "f" and not np.isfinite(y).all():
        row = int(np.argwhere(~np.isfinite(y))[0][0])
        raise DataError(
            "{path}, row {row} of {target!r}: the target is not a finite number; correct it, or remove the row",
            path=name,
            row=row,
            target=y_name,
        )
    dataset = _from_arrays(arrays[x_name], y, name, y_name, Message("the array {name!r}", name=y_name))
    x_test, y_test = x_name.replace("train", "test"), y_name.replace("train", "test")
    if x_test == x_name or x_test not in arrays or y_test not in arrays:
        return dataset
    test = _from_arrays(arrays[x_test], arrays[y_test], name, y_test, "")
    return replace(dataset, test=(test.X, test.y))


def _from_idx(images: Array, target: str | int | None, opened: Opened) -> Dataset:
    """Find the labels of images: the file named as the target, or the one that lies beside the images."""
    if opened.path is None or images.ndim < 2:
        raise DataError(
            "{path} is one IDX array; to train, name the file with the images, such as train-images-idx3-ubyte, whose"
            " labels lie beside it",
            path=opened.name,
        )
    beside = opened.path.name.replace("images", "labels").replace("idx3", "idx1")
    labels_path = opened.path.with_name(beside) if target is None else Path(str(target))
    if labels_path == opened.path or not labels_path.exists():
        raise DataError(
            "{path} holds images, but there is no file {labels} with their labels: name it (--target)",
            path=opened.name,
            labels=labels_path,
        )
    with open_source(labels_path) as labels:
        y = read_idx(labels.file, labels.name, size=labels.size)
    dataset = _from_arrays(images, y, opened.name, "label", Message("the file {name}", name=labels_path.name))
    return replace(dataset, y=dataset.y.astype(np.int64) if y.dtype.kind in "ui" else dataset.y)
