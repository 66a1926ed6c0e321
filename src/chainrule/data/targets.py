"""What a target is in numbers: labels become class numbers, values become standardized ones, and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from chainrule.data import schema
from chainrule.data.columns import THE_DATA, is_number_like, listing, text_of
from chainrule.data.dataset import Array
from chainrule.data.statistics import center_and_scale
from chainrule.errors import DataError, ModelFileError, UsageError
from chainrule.language import Message

__all__ = ["Label", "TargetEncoder"]

Label: TypeAlias = str | int | bool | float


@dataclass(frozen=True)
class TargetEncoder:
    """What a target is in numbers, and what the numbers mean.

    kind "classes": labels become class numbers 0 … c - 1 in the order of the sorted labels.
    kind "values":  y becomes (y - center) / scale, column by column: the mean and standard deviation of the training
    part, or 0 and 1.

    Made by `TargetEncoder.fit`; equal encoders do the same.

    >>> colours = TargetEncoder.fit(["red", "blue", "red"], kind="classes")
    >>> colours.classes, colours.transform(["blue", "red"]).tolist()
    (('blue', 'red'), [0, 1])
    >>> colours.inverse([1, 1, 0]).tolist()
    ['red', 'red', 'blue']
    """

    kind: Literal["classes", "values"]
    name: str = "target"
    classes: tuple[Label, ...] | None = None
    center: tuple[float, ...] | None = None
    scale: tuple[float, ...] | None = None
    flat: bool = True

    @classmethod
    def fit(
        cls,
        y: npt.ArrayLike,
        *,
        kind: Literal["classes", "values"],
        standardize: bool = True,
        name: str = "target",
        where: str = THE_DATA,
    ) -> TargetEncoder:
        """Learn the classes, or each value's mean and standard deviation, from the training part.

        Args:
            y: (n,) labels, or (n,) or (n, k) values.
            kind: "classes" or "values".
            standardize: for values: False keeps them as they are.
            name: the target's name.
            where: the file's name for messages.

        Raises:
            DataError: where there are fewer than two classes, or values that are no finite numbers.
        """
        if kind == "classes":
            return cls("classes", name=name, classes=_find_classes(_as_labels(y), name, where))
        if kind != "values":
            raise UsageError('the kind of target is {kind!r}; it must be "classes" or "values"', kind=kind)
        values, flat = _as_values(y, name, where)
        if len(values) == 0:
            raise DataError("{path}: there are no rows; at least one is needed", path=where)
        fitted = [center_and_scale(column) if standardize else (0.0, 1.0) for column in values.T]
        centers = tuple(center for center, _ in fitted)
        # A target that never changes is predicted by its mean; a scale of 0 would leave nothing to predict.
        return cls("values", name=name, center=centers, scale=tuple(scale or 1.0 for _, scale in fitted), flat=flat)

    @property
    def outputs(self) -> int:
        """How many classes or values there are."""
        return len(self.classes if self.classes is not None else self.center or ())

    def transform(self, y: npt.ArrayLike, *, where: str = THE_DATA) -> npt.NDArray[Any]:
        """Turn targets into numbers.

        Args:
            y: (n,) labels, or (n,) or (n, k) values. Labels are compared by their text, so that 1, 1.0 and "1" agree.
            where: the file's name for messages.

        Returns:
            Class numbers, int64 (n,), or standardized values, float64 (n, k).

        Raises:
            DataError: for a label that is none of the classes, or a value that is no finite number.
        """
        if self.kind == "classes":
            return self._numbers(_as_labels(y), where)
        values, _ = _as_values(y, self.name, where)
        if values.shape[1] != self.outputs:
            raise DataError(
                "{path}: the target {name!r} has {got} columns, expected {expected}",
                path=where,
                name=self.name,
                got=values.shape[1],
                expected=self.outputs,
            )
        if not any(self.center or ()) and set(self.scale or ()) == {1.0}:
            return values
        result: npt.NDArray[np.float64] = (values - np.array(self.center)) / np.array(self.scale)
        return result

    def inverse(self, numbers: npt.ArrayLike) -> npt.NDArray[Any]:
        """Turn class numbers back into labels of their own type, or standardized values into values.

        Returns:
            (n,) labels, or values (n,) or (n, k) as they were given to `fit`.
        """
        if self.classes is not None:
            labels: Array = np.array(self.classes)[np.asarray(numbers, dtype=np.int64)]
            return labels
        values = np.asarray(numbers, dtype=np.float64).reshape(-1, self.outputs)
        matrix: npt.NDArray[np.float64] = values * np.array(self.scale) + np.array(self.center)
        return matrix[:, 0] if self.flat else matrix

    def to_dict(self) -> dict[str, Any]:
        """Write the encoder as plain JSON data."""
        if self.classes is not None:
            return {"kind": "classes", "name": self.name, "classes": list(self.classes)}
        return {
            "kind": "values",
            "name": self.name,
            "center": list(self.center or ()),
            "scale": list(self.scale or ()),
            "flat": self.flat,
        }

    @classmethod
    def from_dict(cls, data: object) -> TargetEncoder:
        """Read what `to_dict` wrote.

        Raises:
            ModelFileError: for unknown or missing keys, wrong types, and numbers that cannot be.
        """
        what = Message("the target encoder")
        kind = data.get("kind") if isinstance(data, dict) else None
        if kind == "classes":
            record = schema.record(data, what, kind=str, name=str, classes=list)
            return cls("classes", name=record["name"], classes=_checked_classes(record["classes"], what))
        record = schema.record(data, what, kind=str, name=str, center=list, scale=list, flat=bool)
        center = tuple(schema.number(value, what, "center") for value in record["center"])
        scale = tuple(schema.number(value, what, "scale") for value in record["scale"])
        fits = len(center) == len(scale) >= 1 and min(scale) > 0 and (len(center) == 1 or not record["flat"])
        if kind != "values" or not fits:
            raise ModelFileError("the model file is damaged: {what} has impossible contents", what=what)
        return cls("values", name=record["name"], center=center, scale=scale, flat=record["flat"])

    def _numbers(self, labels: Array, where: str) -> npt.NDArray[np.int64]:
        known = {text_of(label): number for number, label in enumerate(self.classes or ())}
        values, codes = _unique(labels)
        numbers = [known.get(text_of(value), -1) for value in values]
        if -1 in numbers:
            raise DataError(
                "{path}: the target {name!r} has the label {label!r}, which was not among the classes in training:"
                " {classes}; correct it, or train with rows of this class",
                path=where,
                name=self.name,
                label=values[numbers.index(-1)],
                classes=listing(self.classes or (), 20),
            )
        result: npt.NDArray[np.int64] = np.array(numbers, dtype=np.int64)[codes]
        return result


def _as_labels(y: npt.ArrayLike) -> Array:
    labels = np.asarray(y)
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1:
        raise DataError("labels have the shape {shape}; one label for each row is expected, (n,)", shape=labels.shape)
    return labels


def _unique(labels: Array) -> tuple[list[Any], Array]:
    """Give the distinct labels, in the order in which they come, and each row's number among them."""
    if labels.dtype.kind == "O":
        numbers: dict[Any, int] = {}
        codes = np.array([numbers.setdefault(label, len(numbers)) for label in labels.tolist()], dtype=np.int64)
        return list(numbers), codes
    values, codes = np.unique(labels, return_inverse=True)
    return values.tolist(), codes


def _find_classes(labels: Array, name: str, where: str) -> tuple[Label, ...]:
    values, _ = _unique(labels)
    if any(value is None or value != value for value in values):
        raise DataError(
            "{path}: the target {name!r} is missing in some rows; fill it in, or remove these rows",
            path=where,
            name=name,
        )
    if {type(value) for value in values} not in ({int}, {bool}, {float}, {str}):
        values = sorted({text_of(value) for value in values})
    if len(values) < 2:
        raise DataError(
            "{path}: the target {name!r} has {count} class ({classes}), but telling classes apart needs at least two;"
            " choose another target, or add rows of other classes",
            path=where,
            name=name,
            count=len(values),
            classes=listing(values),
        )
    return tuple(sorted(values))


def _as_values(y: npt.ArrayLike, name: str, where: str) -> tuple[npt.NDArray[np.float64], bool]:
    """Read values as a matrix (n, k); say whether they came as a vector."""
    raw = np.asarray(y)
    try:
        values = raw.astype(np.float64)
    except (ValueError, TypeError):
        rows = (row for row, value in enumerate(raw.tolist()) if not is_number_like(value))
        row = next(rows, 0)
        raise DataError(
            "{path}, row {row}: the target {name!r} is {value!r}, but a number is expected; correct it, or train a"
            " classification",
            path=where,
            row=row,
            name=name,
            value=raw.tolist()[row],
        ) from None
    if values.ndim not in (1, 2):
        raise DataError(
            "{path}: the target has the shape {shape}; (n,) or (n, k) is expected", path=where, shape=values.shape
        )
    matrix = values[:, None] if values.ndim == 1 else values
    if not np.isfinite(matrix).all():
        row = int(np.argwhere(~np.isfinite(matrix))[0][0])
        raise DataError(
            "{path}, row {row}: the target {name!r} is {value}, but a finite number is expected; correct it, or remove"
            " the row",
            path=where,
            row=row,
            name=name,
            value=raw[row],
        )
    return matrix, values.ndim == 1


def _checked_classes(classes: list[Any], what: str) -> tuple[Label, ...]:
    """Check that the classes are at least two, of one type, finite and distinct; their order is that of the outputs."""
    kinds = {type(label) for label in classes}
    ordinary = kinds in ({int}, {bool}, {float}, {str}) and all(label == label for label in classes)
    small = ordinary and all(-(2**63) <= label < 2**63 for label in classes if type(label) is int)
    if not small or len(classes) < 2 or len(set(classes)) != len(classes):
        raise ModelFileError("the model file is damaged: {what} has impossible contents", what=what)
    return tuple(classes)
