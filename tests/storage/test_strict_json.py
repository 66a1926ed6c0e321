"""JSON is written from plain data only, and read without any freedom."""

from __future__ import annotations

import json
import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.errors import ModelFileError, UsageError
from chainrule.storage.strict_json import MAX_DEPTH, memory_of, plain, read, write

SCALARS = st.none() | st.booleans() | st.integers(-(2**64), 2**64) | st.floats(allow_nan=False, allow_infinity=False)
DATA = st.recursive(
    SCALARS | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def nested(depth: int) -> Any:
    data: Any = 0
    for _ in range(depth):
        data = [data]
    return data


@given(DATA)
def test_everything_comes_back(data: Any) -> None:
    text = write(data, "data")
    assert text.isascii()
    again = read(text, "data")
    assert again == data
    assert write(again, "data") == text  # 1, 1.0 and True, 0.0 and -0.0 are not the same


def test_numbers_of_numpy_become_numbers() -> None:
    given = {"a": np.int64(3), "b": (np.float32(0.5), np.bool_(True)), "c": np.str_("x"), "d": np.float64(0.1)}
    assert plain(given, "data") == {"a": 3, "b": [0.5, True], "c": "x", "d": 0.1}


@pytest.mark.parametrize(
    ("data", "where"),
    [
        ({"a": [1, float("nan")]}, r"settings\['a'\]\[1\] is nan"),
        ({"a": float("inf")}, r"settings\['a'\] is inf"),
        ({"a": {1: 2}}, r"settings\['a'\] is \{1: 2\}"),
        ({"a": np.zeros(2)}, r"settings\['a'\] is array"),
        ({"a": {1, 2}}, r"settings\['a'\]"),
        ({"a": b"x"}, r"settings\['a'\] is b'x'"),
        (nested(MAX_DEPTH + 1), "at most 32 deep"),
    ],
)
def test_what_is_not_plain_is_refused(data: Any, where: str) -> None:
    with pytest.raises(UsageError, match=where):
        write(data, "settings")


def test_depth_that_can_be_written_can_be_read() -> None:
    assert read(write(nested(MAX_DEPTH), "data"), "data") == nested(MAX_DEPTH)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "Expecting value"),
        ("{", "Expecting"),
        ("[1] [2]", "Extra data"),
        ("{'a': 1}", "Expecting"),
        ('{"a":1,"b":2,"a":1}', "a key stands there twice"),
        ('[{"a":{"b":1,"b":1}}]', "a key stands there twice"),
        ("NaN", "NaN is no number"),
        ("[-Infinity]", "-Infinity is no number"),
        ("1e999", "out of range"),
        ("-1e999", "out of range"),
        ("0." + "1" * 50, "out of range"),
        ("1" * 41, "out of range"),
        ("1" * 10_000, "out of range"),
        ('"\t"', "control character"),
        (json.dumps(nested(MAX_DEPTH + 1)), "too deeply"),
        ("[" * 100_000 + "]" * 100_000, "too deeply"),
        ('{"a":' * 100_000 + "0" + "}" * 100_000, "too deeply"),
    ],
)
def test_freedom_of_json_is_refused(text: str, reason: str) -> None:
    with pytest.raises(ModelFileError, match=f"damaged: the data cannot be read: .*{reason}"):
        read(text, "the data")


UNITS = [
    "[],",
    "{},",
    '{"":0},',
    "0,",
    "0.5,",
    '"ab",',
    "[0],",
    "[[[]]],",
    "12345,",
    '{"a":0,"b":[]},',
    "1e5,",
    "[[],0],",
]


@pytest.mark.parametrize("unit", UNITS)
def test_memory_is_bounded_before_reading(unit: str) -> None:
    check_memory("[" + (unit * (100_000 // len(unit)))[:-1] + "]")


@pytest.mark.parametrize("value", ["0", "[]", '"x"', "1.5"])
def test_memory_of_many_keys_is_bounded(value: str) -> None:
    check_memory("{" + ",".join(f'"{i:x}":{value}' for i in range(10_000)) + "}")


def check_memory(text: str) -> None:
    tracemalloc.start()
    read(text, "the data")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak <= 1.1 * memory_of(text) + len(text)
