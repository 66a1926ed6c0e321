"""One door to all data: a built-in set by its name, or a file."""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

import numpy as np

from chainrule.data.columns import listing, numbers_of
from chainrule.data.dataset import Dataset, Rows, feature_names
from chainrule.data.download import Progress
from chainrule.data.files import load_file
from chainrule.data.images import IMAGE_SETS, load_images
from chainrule.data.sets import load_built_in, names
from chainrule.errors import DataError, UnknownName

__all__ = ["load", "without_columns"]


def load(
    source: str | Path,
    *,
    target: str | int | None = None,
    data_dir: str | Path | None = None,
    seed: int = 0,
    test: str | Path | None = None,
    progress: Progress | None = None,
    encoding: str | None = None,
    text: Collection[str] = (),
    drop: Collection[str] = (),
) -> Dataset:
    """Load a built-in set or a file, with its target.

    Args:
        source: a set's name (see `names`), a file (CSV, TSV, Parquet, NPZ, NPY, IDX), or "-" for the standard input. A
            file that is called like a set: ./NAME.
        target: for files: the target column's name, or its position from 0 on; see `load_file`.
        data_dir: for mnist and fashion-mnist: the folder with the four files; see `load_images`.
        seed: for the sets made from equations.
        test: a file with the test part, of the same columns.
        progress: called with (file, bytes that have come, bytes in all or None) while something is downloaded.
        encoding: how a text file's characters are written; None is UTF-8.
        text: columns whose cells are kept as text even if they look like numbers: an encoder's ``text_columns``.
        drop: columns of a table to leave out.

    Raises:
        UnknownName: where there is neither a set nor a file of this name.
        DataError: where a file cannot be read or used; says file, line or row, column and remedy.
        NetworkError: where a set could not be downloaded.

    >>> load("linear").X.shape
    (18, 1)
    """
    known = [record.name for record in names()]
    if isinstance(source, str) and source in known:
        if source in IMAGE_SETS:
            dataset = load_images(source, data_dir=data_dir, progress=progress)
        else:
            dataset = load_built_in(source, seed=seed)
        if target is not None and target != dataset.target:
            raise DataError(
                "{name} is a built-in set, whose target is {known!r}; leave the target {target!r} out",
                name=source,
                known=dataset.target,
                target=target,
            )
    elif isinstance(source, str) and _looks_like_a_name(source):
        raise UnknownName.among("data set or file", source, known)
    else:
        dataset = load_file(source, target=target, encoding=encoding, text=text)
    whole = dataset if test is None else _with_test_file(dataset, test, encoding, text)
    return without_columns(whole, drop)


def without_columns(dataset: Dataset, drop: Collection[str]) -> Dataset:
    """Leave columns of a table out.

    Raises:
        DataError: where there is no such column, it is the target, or nothing would be left; and for an array.

    >>> without_columns(load("linear"), []).dropped
    ()
    """
    if not drop:
        return dataset
    if isinstance(dataset.X, np.ndarray):
        raise DataError(
            "{name} is an array; only a table's columns can be dropped ({names})",
            name=dataset.name,
            names=listing(drop),
        )
    if dataset.target in drop:
        raise DataError(
            "{name}: the column {column!r} is the target and cannot be dropped; name another target (--target)",
            name=dataset.name,
            column=dataset.target,
        )
    for column in drop:
        if column not in dataset.features:
            raise DataError(
                "{name} has no column {column!r} to drop. Its columns: {names}",
                name=dataset.name,
                column=column,
                names=listing(dataset.features, 20),
            )
    left = tuple(name for name in dataset.features if name not in drop)
    if not left:
        raise DataError("{name}: no column is left to predict from; drop fewer", name=dataset.name)
    test = dataset.test
    if test is not None and not isinstance(test[0], np.ndarray):
        test = (test[0][list(left)], test[1])
    dropped = tuple(name for name in dataset.features if name in drop)
    return replace(dataset, X=dataset.X[list(left)], features=left, test=test, dropped=dropped)


def _looks_like_a_name(source: str) -> bool:
    """Say whether this is a set's name, mistyped, rather than a file: no suffix, no folder, and nothing so called."""
    is_path = "." in source or os.sep in source or "/" in source or source == "-"
    return not is_path and not Path(source).exists()


def _with_test_file(dataset: Dataset, path: str | Path, encoding: str | None, text: Collection[str]) -> Dataset:
    """Read the test part; its columns must be those of the training part, in any order."""
    import pandas as pd

    # A code such as 01 must not become a number just because the test part holds no other kind.
    table = dataset.X if isinstance(dataset.X, pd.DataFrame) else pd.DataFrame()
    texts = [str(name) for name in table.select_dtypes(exclude=["number", "bool"]).columns]
    named = not isinstance(dataset.X, np.ndarray) or dataset.features != feature_names(len(dataset.features))
    target = dataset.target if named else None
    given = load_file(path, target=target, encoding=encoding, text={*text, *texts})
    if isinstance(given.X, pd.DataFrame):
        _check_same_columns(dataset, given, path)
        rows: Rows = given.X[list(dataset.features)]
        if isinstance(dataset.X, np.ndarray):
            rows = np.column_stack([numbers_of(given.X[name], str(path)) for name in dataset.features])
        return replace(dataset, test=(rows, given.y))
    if not isinstance(dataset.X, np.ndarray) or given.X.shape[1] != dataset.X.shape[1]:
        raise DataError(
            "{path} is an array of {got} columns; {expected} columns are expected, and a table if {train} is one",
            path=path,
            got=given.X.shape[1],
            expected=dataset.X.shape[1],
            train=dataset.name,
        )
    return replace(dataset, test=(given.X, given.y))


def _check_same_columns(dataset: Dataset, given: Dataset, path: str | Path) -> None:
    missing = [name for name in dataset.features if name not in given.features]
    extra = [name for name in given.features if name not in dataset.features]
    if missing or extra:
        raise DataError(
            "{path} must have the columns of {train}; missing are {missing}, unknown are {extra}",
            path=path,
            train=dataset.name,
            missing=listing(missing) or "none",
            extra=listing(extra) or "none",
        )
