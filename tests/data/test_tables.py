"""CSV and TSV: what is read is what is written, on which line it stands, and what is no table is said."""

from __future__ import annotations

import csv
import io
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.data.columns import MISSING
from chainrule.data.tables import read_table
from chainrule.errors import DataError, UsageError


def read(content: str | bytes, name: str = "t.csv", **options: object):
    return read_table(content.encode() if isinstance(content, str) else content, name, **options)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("a,b\n1,x\n2,y\n", "t.csv"),
        ("a,b\n1,x\n2,y", "t.csv"),
        ("a,b\r\n1,x\r\n2,y\r\n", "t.csv"),
        ("a,b\r1,x\r2,y\r", "t.csv"),
        ("\ufeffa,b\n1,x\n2,y\n", "t.csv"),
        ("a;b\n1;x\n2;y\n", "t.csv"),
        ("a\tb\n1\tx\n2\ty\n", "t.csv"),
        ("a\tb\n1\tx\n2\ty\n", "t.tsv"),
        ("a\tb\n1\tx\n2\ty\n", "t.TSV.gz"),
        ("a, b\n1, x\n2, y\n", "t.csv"),
        ('"a","b"\n"1","x"\n"2","y"\n', "t.csv"),
        ("\n\na,b\n\n1,x\n   \n2,y\n\n", "t.csv"),
        ("sep=;\na;b\n1;x\n2;y\n", "t.csv"),
    ],
)
def test_the_same_table_in_many_forms(text: str, name: str) -> None:
    table = read(text, name)
    assert list(table.columns) == ["a", "b"]
    assert table["a"].tolist() == [1, 2]
    assert table["a"].dtype == np.int64
    assert table["b"].tolist() == ["x", "y"]


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16", "cp1252", "utf-8", "utf-8-sig"])
def test_other_encodings_are_read_when_named(encoding: str) -> None:
    table = read("städte,höhe\nMünchen,519\nKöln,53\n".encode(encoding), encoding=encoding)
    assert list(table.columns) == ["städte", "höhe"]
    assert table["städte"].tolist() == ["München", "Köln"]


def test_chinese() -> None:
    table = read("身高,颜色\n1.5,红\n".encode("gb18030"), encoding="gb18030")
    assert table["颜色"].tolist() == ["红"]


def test_unknown_encoding() -> None:
    with pytest.raises(UsageError, match="unknown encoding 'klingon'; try utf-8, latin-1"):
        read("a,b\n1,2\n", encoding="klingon")


def test_a_separator_in_quotation_marks_separates_nothing() -> None:
    table = read('name;note\n"Smith; John";"a, b, c"\nMiller;"d, e, f"\n')
    assert table["name"].tolist() == ["Smith; John", "Miller"]


def test_the_line_of_each_row_is_remembered() -> None:
    table = read('\na,b\n1,"x\ny"\n\n2,z\n3,w\n')
    assert table.index.name == "line"
    assert table.index.tolist() == [3, 6, 7]
    assert read("sep=,\na,b\n1,x\n").index.tolist() == [3]


@pytest.mark.parametrize("cell", MISSING)
def test_missing_cells(cell: str) -> None:
    table = read(f"a,b,c\n1,x,5\n{cell},{cell},6\n3,y,{cell}\n")
    assert math.isnan(table["a"].iloc[1])
    assert table["a"].dtype == np.float64
    assert table["b"].isna().tolist() == [False, True, False]
    assert table["c"].isna().tolist() == [False, False, True]


@pytest.mark.parametrize("cell", ["None", "none", "unknown", "-", "??", "NaNa"])
def test_words_that_are_categories(cell: str) -> None:
    assert read(f"a,b\n1,x\n2,{cell}\n")["b"].tolist() == ["x", cell]


def test_truth_values_are_known_however_they_are_written() -> None:
    table = read("a,b\nTrue,1\nFALSE,0\ntrue,1\n")
    assert table["a"].dtype == bool
    assert table["a"].tolist() == [True, False, True]
    assert table["b"].dtype == np.int64


def test_text_stays_text_where_it_is_asked_for() -> None:
    table = read("zip,size\n01234,1\n99999,2\n?,3\n", text=("zip", "not there"))
    assert table["zip"].tolist()[:2] == ["01234", "99999"]
    assert table["zip"].isna().tolist() == [False, False, True]
    assert table["size"].dtype == np.int64


def test_numbers_of_any_length() -> None:
    long = "9" * 400
    table = read(f"a,b,c,d\n99999999999999999999,1e400,-{long},?\n1,-1e400,5,{long}\n")
    assert table["a"].tolist() == [1e20, 1.0]
    assert table["b"].tolist() == [np.inf, -np.inf]
    assert table["c"].tolist() == [-np.inf, 5.0]
    assert table["d"].iloc[1] == np.inf
    assert (table.dtypes == np.float64).all()


@given(values=st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=30))
def test_numbers_come_back_to_the_last_bit(values: list[float]) -> None:
    table = read("a,b\n" + "".join(f"{value!r},x\n" for value in values))
    assert table["a"].astype(float).tolist() == values


CELLS = st.text(st.characters(exclude_characters="\0\r", exclude_categories=["Cs"]), max_size=8)


@given(
    names=st.lists(
        st.text("abcdefgh ;,\"'", min_size=1, max_size=4).map(str.strip), min_size=2, max_size=4, unique=True
    ),
    data=st.data(),
    delimiter=st.sampled_from(",;\t"),
    ending=st.sampled_from(["\n", "\r\n"]),
)
def test_texts_come_back_as_they_were(names: list[str], data: st.DataObject, delimiter: str, ending: str) -> None:
    names = [f"n{name}" for name in names]
    rows = data.draw(st.lists(st.lists(CELLS, min_size=len(names), max_size=len(names)), min_size=1, max_size=5))
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=delimiter, lineterminator=ending, quoting=csv.QUOTE_ALL)
    writer.writerows([names, *rows])
    table = read(buffer.getvalue(), "t.tsv" if delimiter == "\t" else "t.csv", text=names)
    assert list(table.columns) == names
    for got, row in zip(table.itertuples(index=False), rows, strict=True):
        for cell, expected in zip(got, row, strict=True):
            assert (cell != cell and expected in MISSING) or cell == expected


def test_decimal_comma_between_semicolons() -> None:
    table = read("a;b;c\n1,5;x;7\n2,25;y;8\n")
    assert table["a"].tolist() == [1.5, 2.25]
    assert table["c"].tolist() == [7, 8]
    assert read("a;b\n1,5;2.5\n")["a"].tolist() == ["1,5"], "a point as well: then a comma is no decimal point"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2\n3\n5,6\n", "t.csv line 3 has 1 cells, expected 2"),
        ("a,b\n1,2\n3,4,5\n", "t.csv line 3 has 3 cells, expected 2 as in the first line: complete it or remove it"),
        ("a,b\n1,2\n\n\n3,4,\n", "t.csv line 5 has 3 cells, expected 2"),
        ('a,b\n1,2\n3,"x\n5,6\n7,8\n', "t.csv .*quotation mark opened and n"),
        ('a,b\n1,2\n"3,x\n5,6,7\n', "t.csv line 3 has 1 cells.*quotation mark"),
        ('a,b\n1,"' + "x" * 200_000, "t.csv line 2 or below: field larger than field limit.*quotation mark"),
        ("a,b\n", "t.csv has no rows"),
        ("\n\n\n", "t.csv has no rows"),
        ("a,a\n1,2\n", r"line 1 names two columns 'a' \(columns 1 and 2\)"),
        ("a,b, a\n1,2,3\n", r"line 1 names two columns 'a' \(columns 1 and 3\)"),
        (",a\n0,1\n", "line 1 gives column 1 no name.*index=False"),
        ("a,b,\n1,2,3\n", "line 1 gives column 3 no name"),
        ("1,2\n3,4\n", "line 1 holds data where the columns' names should stand: add a first line"),
        ("\n1.5,-2e3\n3,4\n", "line 2 holds data"),
        ("T,2,8,8\nI,5,12,3\nT,1,2,3\n", "line 1 holds data"),
        ("39,Bachelors,United-States\n50,HS-grad,United-States\n38,Bachelors,United-States\n", "line 1 holds data"),
    ],
)
def test_what_is_no_table(text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read(text)


def test_years_may_be_names() -> None:
    table = read("country,2010,2011\nSpain,1,2\nItaly,3,4\n")
    assert list(table.columns) == ["country", "2010", "2011"]


def test_latin_1_bytes_name_the_line_and_the_remedy() -> None:
    with pytest.raises(DataError, match=r"t.csv line 3: the byte 0xfc is not UTF-8; .*--encoding latin-1"):
        read("stadt,höhe\n".encode() + b"Koeln,53\nM\xfcnchen,519\n")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le"])
def test_utf_16_is_told_apart(encoding: str) -> None:
    with pytest.raises(DataError, match=r"UTF-16; say so|it holds zero bytes"):
        read("a,b\n1,2\n".encode(encoding))


def test_a_picture_is_no_table() -> None:
    with pytest.raises(DataError, match=r"is not UTF-8|neither text"):
        read(b"\x89PNG\r\n\x1a\n" + bytes(100))
    with pytest.raises(DataError, match=r"neither text \(CSV, TSV\) nor Parquet, NPZ, NPY or IDX"):
        read(b"PNG\0\0\0,1\n")
