"""JSON that is written from plain data only, and read without any of the freedom that JSON leaves."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, NoReturn

import numpy as np

from chainrule.errors import ModelFileError, UsageError
from chainrule.language import Message

__all__ = ["memory_of", "plain", "read", "write"]

MAX_DEPTH = 32
MAX_DIGITS = 40  # of a number; Python writes a float with 24 characters at most

# What reading makes of each object or list, each value in it and each key, in bytes, measured and rounded up.
_PER_CONTAINER, _PER_VALUE, _PER_KEY = 200, 64, 140


def plain(value: Any, where: str, depth: int = 1) -> Any:
    """Give ``value`` as JSON has it: NumPy's scalars as Python's, tuples as lists.

    Args:
        value: text, a finite number, a truth value, None, or lists and dictionaries (with text as keys) of such.
        where: what it is called in messages.
        depth: how deep it lies.

    Raises:
        UsageError: for anything else; says where it lies.

    >>> plain({"rates": (np.float32(0.5), 1)}, "settings")
    {'rates': [0.5, 1]}
    """
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | str) or (isinstance(value, int) and abs(value) < 10**MAX_DIGITS):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    if isinstance(value, list | tuple) and depth <= MAX_DEPTH:
        return [plain(each, f"{where}[{i}]", depth + 1) for i, each in enumerate(value)]
    if isinstance(value, Mapping) and depth <= MAX_DEPTH and all(isinstance(key, str) for key in value):
        return {str(key): plain(each, f"{where}[{key!r}]", depth + 1) for key, each in value.items()}
    raise UsageError(
        "{where} is {value!r}, which a model file cannot hold; use text, finite numbers, truth values, None, and lists"
        " and dictionaries (with text as keys) of such, at most {depth} deep",
        where=where,
        value=value,
        depth=MAX_DEPTH,
    )


def write(data: Any, where: str) -> str:
    """Write plain data as JSON in ASCII, without spaces, in the order in which it comes.

    Raises:
        UsageError: for what is no plain data.

    >>> write({"name": "train", "rates": [0.5, 1]}, "settings")
    '{"name":"train","rates":[0.5,1]}'
    """
    return json.dumps(plain(data, where), ensure_ascii=True, allow_nan=False, separators=(",", ":"))


def read(text: str, what: str) -> Any:
    """Read JSON; no NaN or Infinity, no number beyond float64, no key twice, no depth beyond `MAX_DEPTH`.

    Raises:
        ModelFileError: where it is anything else; says what is wrong.

    >>> read('{"rates":[0.5,1]}', "the settings")
    {'rates': [0.5, 1]}
    """

    def refuse(reason: str) -> NoReturn:
        raise ModelFileError("the model file is damaged: {what} cannot be read: {reason}", what=what, reason=reason)

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(items)
        return found if len(found) == len(items) else refuse(Message("a key stands there twice"))

    def number(digits: str) -> float:
        value = float(digits) if len(digits) <= MAX_DIGITS else math.inf
        return value if math.isfinite(value) else refuse(Message("a number is out of range"))

    def whole(digits: str) -> int:
        return int(digits) if len(digits) <= MAX_DIGITS else refuse(Message("a number is out of range"))

    def constant(name: str) -> NoReturn:
        refuse(Message("{name} is no number", name=name))

    try:
        data = json.loads(text, object_pairs_hook=pairs, parse_float=number, parse_int=whole, parse_constant=constant)
    except ValueError as error:
        refuse(str(error))
    except RecursionError:
        refuse(Message("it is nested too deeply"))
    if _is_deep(data, MAX_DEPTH):
        refuse(Message("it is nested too deeply"))
    return data


def memory_of(text: str) -> int:
    """Give an upper bound of the bytes that reading this JSON takes besides its texts, without reading it.

    >>> memory_of("[1,2]")
    328
    """
    containers = text.count("{") + text.count("[")
    values = containers + text.count(",")
    return _PER_CONTAINER * containers + _PER_VALUE * values + _PER_KEY * text.count(":")


def _is_deep(data: Any, allowed: int) -> bool:
    inner = data.values() if isinstance(data, dict) else data if isinstance(data, list) else ()
    return bool(inner) and (
        allowed == 0 or any(_is_deep(each, allowed - 1) for each in inner if isinstance(each, dict | list))
    )
