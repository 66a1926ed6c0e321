"""What is in a data set: plain records for people who look before they train."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.data.columns import categories_of, kind_of, numbers_of, text_of
from chainrule.data.dataset import Array, Dataset

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ColumnSummary", "Description", "describe"]


@dataclass(frozen=True)
class ColumnSummary:
    """One column: numbers have minimum, mean and maximum, categories their most frequent one; the others are None.

    Args:
        name: the column's name.
        kind: "number" or "category".
        missing: how many cells are missing.
        minimum: the smallest number.
        mean: the numbers' mean.
        maximum: the largest number.
        distinct: how many categories there are.
        most_frequent: the category that occurs most often.
    """

    name: str
    kind: str
    missing: int
    minimum: float | None = None
    mean: float | None = None
    maximum: float | None = None
    distinct: int | None = None
    most_frequent: str | None = None


@dataclass(frozen=True)
class Description:
    """A data set in numbers; ``dataclasses.asdict`` makes JSON data of it.

    Args:
        name: the set's or file's name.
        task: "classification", "regression" or None where the source does not say.
        rows: how many rows there are.
        test_rows: how many rows the given test part has.
        target: the target column's name.
        target_choice: how it was chosen.
        classes: (label, rows) of each class; None where the target holds too many values to be classes.
        target_columns: the target as numbers, one summary for each of its columns; None for labels that are texts.
        columns: one summary for each column.
        description: one or two sentences.
        source: where the data come from.
    """

    name: str
    task: str | None
    rows: int
    test_rows: int
    target: str
    target_choice: str
    classes: tuple[tuple[str, int], ...] | None
    target_columns: tuple[ColumnSummary, ...] | None
    columns: tuple[ColumnSummary, ...]
    description: str
    source: str


# A target without a task that has more distinct values than this is shown as numbers only.
_MOST_CLASSES = 100


def describe(dataset: Dataset) -> Description:
    """Describe a data set.

    >>> from chainrule.data import load
    >>> iris = describe(load("iris"))
    >>> iris.classes
    (('setosa', 50), ('versicolor', 50), ('virginica', 50))
    >>> iris.columns[0].name, iris.columns[0].minimum, iris.columns[0].maximum
    ('sepal length (cm)', 4.3, 7.9)
    """
    if isinstance(dataset.X, np.ndarray):
        columns = _summaries_of_array(dataset.X, dataset.features)
    else:
        columns = tuple(_summary(dataset.X[name], dataset.name) for name in dataset.X.columns)
    numeric = dataset.task != "classification" and dataset.y.dtype.kind in "iuf"
    return Description(
        name=dataset.name,
        task=dataset.task,
        rows=len(dataset.y),
        test_rows=0 if dataset.test is None else len(dataset.test[1]),
        target=dataset.target,
        target_choice=dataset.target_choice,
        classes=_class_counts(dataset),
        target_columns=_summaries_of_array(dataset.y.reshape(len(dataset.y), -1), _target_names(dataset))
        if numeric
        else None,
        columns=columns,
        description=dataset.description,
        source=dataset.source,
    )


def _target_names(dataset: Dataset) -> list[str]:
    """Name each of the target's columns; names joined by commas are taken apart."""
    count = 1 if dataset.y.ndim == 1 else dataset.y.shape[1]
    parts = dataset.target.split(", ")
    if count == 1 or len(parts) == count:
        return [dataset.target] if count == 1 else parts
    return [f"{dataset.target} {k}" for k in range(count)]


def _class_counts(dataset: Dataset) -> tuple[tuple[str, int], ...] | None:
    """Count the rows of each label; a class that has a name is shown by it."""
    y = dataset.y
    if dataset.task == "regression" or y.ndim != 1:
        return None
    labels = np.array([str(label) for label in y]) if y.dtype.kind == "O" else y
    values, counts = np.unique(labels, return_counts=True)
    if dataset.task is None and len(values) > _MOST_CLASSES:
        return None
    texts = [text_of(value) for value in values.tolist()]
    if dataset.classes is not None and len(dataset.classes) == len(texts):
        texts = [str(name) for name in dataset.classes]
    return tuple(zip(texts, counts.tolist(), strict=True))


def _summaries_of_array(X: Array, names: tuple[str, ...] | list[str]) -> tuple[ColumnSummary, ...]:
    missing = np.isnan(X).sum(axis=0) if X.dtype.kind == "f" else np.zeros(X.shape[1], dtype=np.int64)
    if missing.any():
        return tuple(_number_summary(name, X[:, j].astype(np.float64)) for j, name in enumerate(names))
    low, mean, high = X.min(axis=0), X.mean(axis=0, dtype=np.float64), X.max(axis=0)
    return tuple(
        ColumnSummary(name, "number", 0, float(low[j]), float(mean[j]), float(high[j])) for j, name in enumerate(names)
    )


def _number_summary(name: str, values: Array) -> ColumnSummary:
    known = values[~np.isnan(values)]
    missing = len(values) - len(known)
    if len(known) == 0:
        return ColumnSummary(name, "number", missing)
    return ColumnSummary(name, "number", missing, float(known.min()), float(known.mean()), float(known.max()))


def _summary(column: pd.Series[Any], where: str) -> ColumnSummary:
    name = str(column.name)
    if kind_of(column, where) == "number":
        return _number_summary(name, numbers_of(column, where))
    codes, texts = categories_of(column)
    counts = np.bincount(codes[codes >= 0], minlength=len(texts))
    most = texts[int(counts.argmax())] if texts else None
    return ColumnSummary(name, "category", int((codes < 0).sum()), distinct=len(texts), most_frequent=most)
