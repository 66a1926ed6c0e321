"""Reading records out of a model file's JSON: exactly the keys that belong there, of exactly their types."""

from __future__ import annotations

import math
from typing import Any

from chainrule.errors import ModelFileError

__all__ = ["number", "record", "texts"]


def record(data: object, what: str, **kinds: type) -> dict[str, Any]:
    """Check that ``data`` is an object with exactly these keys, each of its type.

    Raises:
        ModelFileError: says which key is unknown, missing or of another type.

    >>> record({"name": "age"}, "a column", name=str)
    {'name': 'age'}
    """
    if not isinstance(data, dict):
        raise ModelFileError(
            "the model file is damaged: {what} is of type {got}, expected an object", what=what, got=type(data).__name__
        )
    for key in [*(key for key in data if key not in kinds), *(key for key in kinds if key not in data)]:
        raise ModelFileError(
            "the model file is damaged: {what} has the keys {got}, expected {expected}",
            what=what,
            field=key,
            got=", ".join(sorted(map(str, data))),
            expected=", ".join(sorted(kinds)),
        )
    for key, kind in kinds.items():
        if type(data[key]) is not kind:
            raise _wrong_type(what, key, data[key], kind)
    return data


def number(value: object, what: str, key: str) -> float:
    """Check that a value is a finite float.

    Raises:
        ModelFileError: where it is none.
    """
    if type(value) is not float:
        raise _wrong_type(what, key, value, float)
    if not math.isfinite(value):
        raise ModelFileError("the model file is damaged: {what}: {field} is {value}", what=what, field=key, value=value)
    return value


def texts(values: list[Any], what: str, key: str) -> tuple[str, ...]:
    """Check that a list holds distinct texts.

    Raises:
        ModelFileError: where it does not.
    """
    for value in values:
        if type(value) is not str:
            raise _wrong_type(what, key, value, str)
    if len(set(values)) != len(values):
        raise ModelFileError(
            "the model file is damaged: {what}: {field} holds the same text twice", what=what, field=key
        )
    return tuple(values)


def _wrong_type(what: str, key: str, value: object, expected: type) -> ModelFileError:
    return ModelFileError(
        "the model file is damaged: {what}: {field} is of type {got}, expected {expected}",
        what=what,
        field=key,
        got=type(value).__name__,
        expected=expected.__name__,
    )
