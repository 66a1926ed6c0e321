"""Tables line up, whatever stands in them, and their HTML is well-formed."""

from __future__ import annotations

from html.parser import HTMLParser

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.errors import ShapeError
from chainrule.table import Table, human_bytes

# Characters with the columns that they take on a terminal.
WIDTHS = {"a": 1, "é": 1, "·": 1, "字": 2, "，": 2, "あ": 2, "한": 2, "Ａ": 2, "\u0301": 0}


def columns(text: str) -> int:
    return sum(WIDTHS.get(character, 1) for character in text)


class Checker(HTMLParser):
    """Holds each closing tag to the tag that is open, and keeps texts and cells."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.texts: list[str] = []
        self.cells = 0
        self.feed(html)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open.append(tag)
        self.cells += tag == "td"

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_texts_to_the_left_numbers_to_the_right() -> None:
    table = Table("Sizes", ("layer", "units", "share"), [("1 Dense", 30, 0.5), ("2", 1234567, 1 / 3)], "both")
    assert str(table).split("\n") == [
        "Sizes",
        "layer        units     share",
        "----------------------------",
        "1 Dense         30       0.5",
        "2        1,234,567  0.333333",
        "----------------------------",
        "both",
    ]


def test_names_of_number_columns_stand_above_their_numbers() -> None:
    header = str(Table("T", ("n",), [(1000,)])).split("\n")[1]
    assert header == "    n"


@pytest.mark.parametrize("number", [7, np.int64(7), np.uint8(7), np.float32(7), 7.0])
def test_every_kind_of_number_is_a_number(number: object) -> None:
    assert str(Table("T", ("long name",), [(number,)])).endswith("\n        7")


def test_truth_values_are_no_numbers() -> None:
    assert str(Table("T", ("column",), [(True,)])).endswith("\nTrue")


def test_an_empty_cell_leaves_a_column_of_numbers_as_it_is() -> None:
    assert str(Table("T", ("a", "b"), [("", "x"), (10, "")])).split("\n")[3:] == ["    x", "10"]


def test_a_table_without_rows_is_its_header() -> None:
    assert str(Table("T", ("a", "b"), [])) == "T\na  b\n----"


def test_wide_characters_take_two_columns() -> None:
    text = str(Table("表", ("名称", "n"), [("学习率", 1), ("a", 2)]))
    assert text.split("\n")[1:] == ["名称    n", "---------", "学习率  1", "a       2"]


@given(st.lists(st.tuples(st.text("".join(WIDTHS), max_size=8), st.integers()), max_size=5))
def test_columns_begin_at_the_same_place(rows: list[tuple[str, int]]) -> None:
    header, rule, *lines = str(Table("T", ("name", "n"), [(name + "|", n) for name, n in rows])).split("\n")[1:]
    width = max([4, *(columns(name) + 1 for name, _ in rows)])
    assert {columns(line) for line in lines} <= {len(rule)}
    assert all(columns(line[: line.index("|")]) < width for line in lines)
    assert columns(header) <= len(rule)


def test_a_line_break_does_not_tear_the_table() -> None:
    assert len(str(Table("T", ("a",), [("one\ntwo\r\nthree",)])).split("\n")) == 4


def test_a_row_of_another_length_is_named() -> None:
    with pytest.raises(ShapeError, match="row 1 of the table has 3 cells; expected 2"):
        Table("T", ("a", "b"), [(1, 2), (1, 2, 3)])


@given(st.text(), st.text(), st.one_of(st.text(), st.integers(), st.floats(), st.none(), st.booleans()))
def test_html_is_well_formed_and_escaped(title: str, name: str, cell: object) -> None:
    html = Checker(Table(title, (name, "b"), [(cell, "<b>&amp;</b>")], "a < b")._repr_html_())
    assert html.cells == 2
    assert "<b>&amp;</b>" in html.texts
    assert html.texts[-1] == "a < b"


def test_a_table_shows_itself() -> None:
    table = Table("T", ("a",), [(1,)])
    assert repr(table) == str(table)


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (95440, "93.2 KiB"),
        (2**20 - 1, "1.0 MiB"),
        (2**20, "1.0 MiB"),
        (2**30 - 1, "1.0 GiB"),
        (5 * 2**30, "5.0 GiB"),
        (2**40 - 1, "1.0 TiB"),
        (2**50, "1,024.0 TiB"),
    ],
)
def test_bytes_are_said_as_a_person_would(count: int, text: str) -> None:
    assert human_bytes(count) == text
