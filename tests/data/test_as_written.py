"""Labels come back as they are written, and files that are no tables are called what they are."""

from __future__ import annotations

import bz2
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from chainrule.data import load
from chainrule.data.misread import misread
from chainrule.errors import DataError

Write = Callable[[str, Any], Path]


@pytest.mark.parametrize(
    ("cells", "labels"),
    [
        (["01234", "20095"], ["01234", "20095"]),
        (["true", "false"], ["true", "false"]),
        (["TRUE", "FALSE"], ["TRUE", "FALSE"]),
        (["True", "False"], [True, False]),
        (["true", "True", "false"], [True, True, False]),
        (["1", "2", "0"], [1, 2, 0]),
        (["-1", "+1"], [-1, 1]),
        (["1.50", "2.00"], [1.5, 2.0]),
    ],
)
def test_labels_are_as_written(write: Write, cells: list[str], labels: list[object]) -> None:
    rows = "".join(f"{row}.5,{cell}\n" for row, cell in enumerate(cells))
    y = load(write("t.csv", "size,zip\n" + rows)).y.tolist()
    assert y == labels
    assert [type(label) for label in y] == [type(label) for label in labels]


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"\x40\x00\x00\x00\x00\x00\x00\x00{" + b"x" * 90, "a chainrule model"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "a PNG picture"),
        (bz2.compress(b"size,target\n1,2\n" * 9), "a bzip2 archive"),
    ],
)
def test_what_is_no_table_is_called_what_it_is(write: Write, content: bytes, kind: str) -> None:
    with pytest.raises(DataError, match=f"is {kind}.*not a table") as error:
        load(write("t.csv", content))
    assert "latin-1" not in str(error.value)


def test_unknown_binary_files_are_not_taken_for_latin_1(write: Write) -> None:
    with pytest.raises(DataError, match="neither text"):
        load(write("t.csv", b"\x91\x92\x00\xff" * 20))


@pytest.mark.parametrize("separator", ["|", " ", ":"])
def test_wrong_separators_name_the_right_ones(write: Write, separator: str) -> None:
    content = "".join(separator.join(row) + "\n" for row in (["id", "age"], ["1", "2"], ["3", "4"]))
    with pytest.raises(DataError, match="there must be a comma, semicolon or tab"):
        load(write("t.csv", content))


def test_columns_are_dropped(write: Write) -> None:
    path = write("t.csv", "id,size,target\na,1.5,x\nb,2.5,y\n")
    dataset = load(path, drop=["id"], test=path)
    assert (dataset.features, dataset.dropped) == (("size",), ("id",))
    assert dataset.X.columns.tolist() == dataset.test[0].columns.tolist() == ["size"]
    for drop, message in ((["it"], "no column 'it' to drop"), (["target"], "is the target"), (["id", "size"], "left")):
        with pytest.raises(DataError, match=message):
            load(path, drop=drop)
    with pytest.raises(DataError, match="only a table's columns"):
        load("iris", drop=["petal width (cm)"])


@pytest.mark.parametrize(
    ("cells", "looks"),
    [
        ([f"2024-{k % 12 + 1:02}-{k % 28 + 1:02}" for k in range(240)], "dates"),
        ([f"{k:,}.5" for k in range(900, 1140)], "numbers with thousands separators"),
        ([f"u{k}" for k in range(240)], "an identifier or free text"),
        ([f"u{k % 60}" for k in range(240)], None),
        ([f"2024-01-{k % 20 + 1:02}" for k in range(240)], None),
        ([f"u{k}" for k in range(50)], None),
    ],
)
def test_columns_that_hold_no_categories(cells: list[str], looks: str | None) -> None:
    found = misread(pd.Series(cells))
    assert (found and found[0]) == looks
