"""The record that every source of data is turned into."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy.typing as npt

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Array", "Dataset", "Rows", "feature_names"]

Array: TypeAlias = npt.NDArray[Any]
Rows: TypeAlias = "npt.NDArray[Any] | pd.DataFrame"


@dataclass(frozen=True, eq=False)
class Dataset:
    """Rows with what is to be predicted from them.

    Args:
        name: the built-in set's name, or the file's.
        X: (n, d); a DataFrame for tables out of files, an array for everything else. The index of a table out of a text
            file is called "line" and holds each row's 1-based line number in the file.
        y: (n,) labels (str, int or bool), or (n,) or (n, k) float values.
        task: "classification", "regression", or None where the source does not say.
        features: the d columns' names.
        target: the name of the column to predict; several are joined by ", ".
        classes: the classes' names in the order of the sorted labels, or None.
        image_shape: (height, width) where each row is an image, or None.
        description: one or two sentences.
        source: where the data come from.
        test: the test part (X, y) where one is given, or None.
        target_choice: how the target was chosen, such as "the last column"; empty for built-in sets.
        dropped: the columns that the source has besides, and that were left out.

    >>> from chainrule.data import load
    >>> iris = load("iris")
    >>> iris.X.shape, iris.classes
    ((150, 4), ('setosa', 'versicolor', 'virginica'))
    """

    name: str
    X: Rows
    y: Array
    task: str | None
    features: tuple[str, ...]
    target: str
    classes: tuple[str | int, ...] | None = None
    image_shape: tuple[int, int] | None = None
    description: str = ""
    source: str = ""
    test: tuple[Rows, Array] | None = None
    target_choice: str = ""
    dropped: tuple[str, ...] = ()


def feature_names(count: int) -> tuple[str, ...]:
    """Name the columns of an array by their positions.

    >>> feature_names(3)
    ('x0', 'x1', 'x2')
    """
    return tuple(f"x{i}" for i in range(count))
