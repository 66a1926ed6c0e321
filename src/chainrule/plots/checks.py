"""What every picture asks of its data before it draws: numbers that are finite, and labels that name a class."""

from __future__ import annotations

import numbers
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.errors import ShapeError, UsageError

__all__ = ["class_list", "class_numbers", "finite", "positive"]


def finite(values: ArrayLike, name: str, *dimensions: int, gaps: bool = False) -> NDArray[np.float64]:
    """Return ``values`` as float64, checked to have one of the given numbers of ``dimensions`` and no NaN or inf.

    With ``gaps`` NaN may pass: it stands for what was not measured.

    >>> finite([1, 2], "truth", 1)
    array([1., 2.])
    """
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise UsageError("{name} must be numbers, but: {reason}", name=name, reason=str(error)) from error
    if array.ndim not in dimensions:
        raise ShapeError(
            "{name} has the shape {shape}; expected an array with {expected} dimension(s)",
            name=name,
            shape=array.shape,
            expected=" or ".join(map(str, dimensions)),
        )
    if array.size == 0:
        raise UsageError("{name} is empty (shape {shape}); there is nothing to draw", name=name, shape=array.shape)
    broken = np.isinf(array) if gaps else ~np.isfinite(array)
    if broken.any():
        place = np.argwhere(broken)[0]
        raise UsageError(
            "{name} has {value} in row {row}, and {count} value(s) that are not finite in all; remove or impute them",
            name=name,
            value=float(array[tuple(place)]),
            row=int(place[0]),
            count=int(broken.sum()),
        )
    return array


def positive(value: int, name: str, least: int = 1) -> int:
    """Return ``value``, checked to be an integer of at least ``least``."""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value < least:
        raise UsageError(
            "{name} is {value!r}; expected an integer of at least {least}", name=name, value=value, least=least
        )
    return int(value)


def class_list(classes: Sequence[Any] | NDArray[Any]) -> list[Any]:
    """Return ``classes`` as a list, checked to be one or more different labels."""
    if isinstance(classes, str):
        raise UsageError("classes is the text {classes!r}; expected a list of labels", classes=classes)
    names: list[Any] = np.asarray(classes, dtype=object).tolist()
    if not names:
        raise UsageError("classes is empty; give at least one class label")
    seen: set[Any] = set()
    for name in names:
        if name in seen:
            raise UsageError("classes has {name!r} twice; each class needs a label of its own", name=name)
        seen.add(name)
    return names


def class_numbers(labels: ArrayLike, classes: Sequence[Any], name: str) -> NDArray[np.int64]:
    """Return for each label the number of its class, counted from 0.

    Integers are taken as class numbers already where the class labels themselves are not numbers.

    Args:
        labels: class labels, or class numbers, shape (m,).
        classes: the different class labels, in order.
        name: what to call ``labels`` in an error.

    Raises:
        ShapeError: ``labels`` is not one-dimensional.
        UsageError: there is no label, or one that is not among ``classes``.

    >>> class_numbers(["b", "a"], ["a", "b"], "truth")
    array([1, 0])
    >>> class_numbers([1, 0], ["a", "b"], "truth")
    array([1, 0])
    """
    array = np.asarray(labels)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        raise ShapeError(
            "{name} has the shape {shape}; expected one label for each example, shape (m,)",
            name=name,
            shape=array.shape,
        )
    if array.size == 0:
        raise UsageError("{name} is empty; there is nothing to draw", name=name)
    numbered = {label: number for number, label in enumerate(classes)}
    if array.dtype.kind in "iu" and not any(isinstance(label, numbers.Number) for label in classes):
        numbered = {number: number for number in range(len(classes))}
    found = [numbered.get(label, -1) for label in array.tolist()]
    if -1 in found:
        row = found.index(-1)
        raise UsageError(
            "row {row} of {name} is {label!r}, which is not among the {count} classes ({classes})",
            row=row,
            name=name,
            label=array.tolist()[row],
            count=len(classes),
            classes=", ".join(map(str, classes[:10])) + (", …" if len(classes) > 10 else ""),
        )
    return np.asarray(found, dtype=np.int64)
