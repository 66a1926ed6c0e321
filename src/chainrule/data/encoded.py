"""How one column of a table becomes outputs of its own: the records that an encoder is made of.

For a column of numbers, output = (x - center) / scale. A missing cell gets the training part's median; where the
training part had gaps, a second output says which cells were missing (1) and which not (0).

For a column of categories, one output for each category of the training part: 1 for the row's own, else 0. If there are
more than ``max_categories``, the rarest share one output, "(unknown)", to which every category that was never seen
belongs as well. Where the training part had no rare ones, a category that was never seen gives zeros all over: an
output for it would have been 0 in all of the training, and its weights would be what chance made them. Missing cells
are a category, "(missing)", if the training part had some; else they count as unknown.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from chainrule.data import schema
from chainrule.data.columns import categories_of
from chainrule.data.dataset import Array
from chainrule.data.statistics import center_and_scale, median, robust_center_and_scale
from chainrule.errors import DataError, ModelFileError
from chainrule.language import Message

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["CategoryColumn", "Column", "NumberColumn", "column_from_dict"]


@dataclass(frozen=True)
class NumberColumn:
    """How a column of numbers is encoded.

    Args:
        name: the raw column's name.
        fill: what a missing cell gets, the training part's median.
        center: what is subtracted.
        scale: what is divided by; 0 for a column that never changed, whose output is always 0.
        gaps: whether a second output says which cells were missing.
    """

    name: str
    fill: float
    center: float = 0.0
    scale: float = 1.0
    gaps: bool = False

    @classmethod
    def fit(cls, name: str, values: Array, scaling: str, where: str) -> NumberColumn:
        """Learn a column (n,) of numbers, NaN standing for missing cells; for "range" the scale comes later.

        Raises:
            DataError: where all cells are missing.
        """
        missing = np.isnan(values) if values.dtype.kind == "f" else np.zeros(0, dtype=np.bool_)
        gaps = bool(missing.any())
        known = values[~missing] if gaps else values
        if len(known) == 0:
            raise _nothing_known(name, where)
        center, scale = 0.0, 1.0
        if scaling == "standard":
            center, scale = center_and_scale(known)
        elif scaling == "robust":
            center, scale = robust_center_and_scale(known)
        return cls(name, median(known), center, scale, gaps)

    @property
    def outputs(self) -> tuple[str, ...]:
        """The encoded columns' names."""
        return (self.name, f"{self.name}=(missing)") if self.gaps else (self.name,)

    def to_dict(self) -> dict[str, Any]:
        """Write the record as plain JSON data."""
        return {
            "kind": "number",
            "name": self.name,
            "fill": self.fill,
            "center": self.center,
            "scale": self.scale,
            "gaps": self.gaps,
        }


@dataclass(frozen=True)
class CategoryColumn:
    """How a column of categories is encoded.

    Args:
        name: the raw column's name.
        categories: the texts that have an output of their own, sorted.
        rare: whether there is an output for rare and unknown categories.
        gaps: whether there is an output for missing cells.
    """

    name: str
    categories: tuple[str, ...]
    rare: bool = False
    gaps: bool = False

    @classmethod
    def fit(cls, column: pd.Series[Any], max_categories: int, where: str) -> CategoryColumn:
        """Learn a column's categories, the most frequent ones; of equally frequent ones the first in the alphabet.

        Raises:
            DataError: where all cells are missing.
        """
        codes, texts = categories_of(column)
        if not texts:
            raise _nothing_known(str(column.name), where)
        counts = np.bincount(codes[codes >= 0], minlength=len(texts)).tolist()
        frequent = sorted(range(len(texts)), key=lambda k: (-counts[k], texts[k]))[:max_categories]
        return cls(
            str(column.name),
            tuple(sorted(texts[k] for k in frequent)),
            rare=len(frequent) < len(texts),
            gaps=bool((codes < 0).any()),
        )

    @property
    def outputs(self) -> tuple[str, ...]:
        """The encoded columns' names."""
        extra = ("(unknown)",) * self.rare + ("(missing)",) * self.gaps
        return tuple(f"{self.name}={text}" for text in (*self.categories, *extra))

    def write(self, cells: pd.Series[Any], out: Array) -> None:
        """Put the ones into ``out``, (n, outputs), which holds zeros."""
        places = {text: place for place, text in enumerate(self.categories)}
        unknown = len(self.categories) if self.rare else -1
        missing = len(self.categories) + self.rare if self.gaps else unknown
        codes, texts = categories_of(cells)
        # The last entry is met by the code -1, a missing cell.
        place = np.array([places.get(text, unknown) for text in texts] + [missing])[codes]
        rows = np.flatnonzero(place >= 0)
        out[rows, place[rows]] = 1

    def to_dict(self) -> dict[str, Any]:
        """Write the record as plain JSON data."""
        return {
            "kind": "category",
            "name": self.name,
            "categories": list(self.categories),
            "rare": self.rare,
            "gaps": self.gaps,
        }


Column: TypeAlias = NumberColumn | CategoryColumn


def column_from_dict(data: object) -> Column:
    """Read what a record's ``to_dict`` wrote.

    Raises:
        ModelFileError: for unknown or missing keys, wrong types, and contents that cannot be.
    """
    what = Message("a column of the table encoder")
    if isinstance(data, dict) and data.get("kind") == "category":
        record = schema.record(data, what, kind=str, name=str, categories=list, rare=bool, gaps=bool)
        categories = schema.texts(record["categories"], what, "categories")
        if not categories or list(categories) != sorted(categories):
            raise ModelFileError("the model file is damaged: {what} has impossible contents", what=what)
        return CategoryColumn(record["name"], categories, record["rare"], record["gaps"])
    record = schema.record(data, what, kind=str, name=str, fill=float, center=float, scale=float, gaps=bool)
    fill, center, scale = (schema.number(record[key], what, key) for key in ("fill", "center", "scale"))
    if record["kind"] != "number" or scale < 0:
        raise ModelFileError("the model file is damaged: {what} has impossible contents", what=what)
    return NumberColumn(record["name"], fill, center, scale, record["gaps"])


def _nothing_known(name: str, where: str) -> DataError:
    return DataError(
        "{path}: all cells of the column {column!r} are missing in the training part; remove the column",
        path=where,
        column=name,
    )
