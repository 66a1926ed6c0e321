"""Bad input, one by one: each ends in an error of ours that says file, line or column, and what to do."""

from __future__ import annotations

import gzip
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from chainrule.data import TableEncoder, TargetEncoder, load, read_rows
from chainrule.errors import DataError

Write = Callable[[str, Any], Path]
GOOD = "size,colour,target\n1.5,red,yes\n2.5,blue,no\n3.5,red,yes\n"


def says(error: pytest.ExceptionInfo[DataError], *parts: str) -> None:
    """The message names all of this, and fits on a few lines."""
    message = str(error.value)
    for part in parts:
        assert part in message, message
    assert len(message) < 600


@pytest.fixture
def encoder(write: Write) -> TableEncoder:
    return TableEncoder.fit(load(write("train.csv", GOOD)).X)


def test_missing_file(tmp_path: Path) -> None:
    for name in ("nowhere.csv", "no folder/t.csv"):
        with pytest.raises(DataError) as error:
            load(tmp_path / name)
        says(error, "there is no file", str(tmp_path / name), "check its name")
        with pytest.raises(DataError, match="there is no file"):
            read_rows(str(tmp_path / name))


def test_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError) as error:
        load(tmp_path)
    says(error, str(tmp_path), "is a folder; name a file in it", "mnist --data-dir")


@pytest.mark.skipif(
    sys.platform == "win32" or getattr(os, "geteuid", lambda: 1)() == 0, reason="everything is readable"
)
def test_unreadable_file(write: Write) -> None:
    path = write("t.csv", GOOD)
    path.chmod(0)
    with pytest.raises(DataError, match=r"t\.csv cannot be opened: Permission denied"):
        load(path)


@pytest.mark.parametrize("name", ["t.csv", "t.npz", "t.npy", "t.parquet", "t-ubyte", "t.csv.gz"])
def test_empty_file(write: Write, name: str) -> None:
    with pytest.raises(DataError) as error:
        load(write(name, b""))
    says(error, name, "is empty", "a line with the columns' names and rows below")


def test_packed_empty_file(write: Write) -> None:
    with pytest.raises(DataError, match=r"t\.csv\.gz is empty once it is unpacked"):
        load(write("t.csv.gz", gzip.compress(b"")))


def test_header_only(write: Write) -> None:
    with pytest.raises(DataError, match=r"t\.csv has no rows; a table needs a line with the columns' names and rows"):
        load(write("t.csv", "a,b\n"))


def test_wrong_target_column(write: Write) -> None:
    path = write("t.csv", GOOD)
    with pytest.raises(DataError) as error:
        load(path, target="colours")
    says(error, "t.csv has no column 'colours'; did you mean 'colour'? Its columns: 'size', 'colour', 'target'")
    with pytest.raises(DataError) as error:
        load(path, target="xyz")
    says(error, "t.csv has no column 'xyz'. Its columns: 'size', 'colour', 'target'")
    with pytest.raises(DataError) as error:
        load(path, target=3)
    says(error, "t.csv has no column 3; its columns count from 0 to 2")


def test_one_column_only(write: Write) -> None:
    with pytest.raises(DataError, match=r"t\.csv has the column 'a' only; at least one to predict from and one"):
        load(write("t.csv", "a\n1\n2\n"))


def test_target_with_one_class(write: Write) -> None:
    dataset = load(write("t.csv", "a,target\n1,yes\n2,yes\n"))
    with pytest.raises(DataError) as error:
        TargetEncoder.fit(dataset.y, kind="classes", name=dataset.target, where=dataset.name)
    says(error, "t.csv", "'target' has 1 class ('yes')", "at least two", "choose another target")


def test_rows_without_a_target(write: Write) -> None:
    with pytest.raises(DataError) as error:
        load(write("t.csv", "a,target\n1,yes\n2,?\n\n3,no\n4,\n"))
    says(error, "t.csv: the target 'target' is missing in 2 of 4 rows (line 3, 6)", "fill the cells in, or remove")
    many = "a,target\n1,yes\n" + "1,\n" * 100
    with pytest.raises(DataError) as error:
        load(write("t.csv", many))
    says(error, "missing in 100 of 101 rows (line 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, … (100))")


def test_all_missing_column(write: Write) -> None:
    with pytest.raises(DataError) as error:
        load(write("t.csv", "a,b,target\n1,,yes\n2,NA,no\n"))
    says(error, "t.csv: all cells of the column 'b' are missing; remove the column")


def test_column_all_missing_in_the_training_part(write: Write) -> None:
    dataset = load(write("t.csv", "a,b,target\n1,,yes\n2,,no\n3,7,no\n"))
    with pytest.raises(DataError) as error:
        TableEncoder.fit(dataset.X.iloc[:2], where="t.csv")
    says(error, "t.csv: all cells of the column 'b' are missing in the training part; remove the column")


@pytest.mark.parametrize("cell", ["inf", "-inf", "Infinity", "1e999", "-1e400"])
@pytest.mark.parametrize("read", [load, read_rows])
def test_infinite_numbers(write: Write, cell: str, read: Callable[[Path], Any]) -> None:
    path = write("t.csv", f"a,b,target\n1,1,yes\n\n2,{cell},no\n3,3,no\n")
    with pytest.raises(DataError) as error:
        read(path)
    says(error, "t.csv line 4, column 'b': ", "is not a finite number; correct the cell, or leave it empty")


def test_infinite_target(write: Write) -> None:
    with pytest.raises(DataError, match=r"t\.csv line 3, column 'y': inf is not a finite number"):
        load(write("t.csv", "a,y\n1,1\n2,inf\n"))


def test_nan_is_a_missing_cell(write: Write, encoder: TableEncoder) -> None:
    rows = read_rows(write("new.csv", "size,colour\nNaN,red\n"))
    assert encoder.transform(rows).tolist() == [[0, 0, 1]]
    assert encoder.transform(np.array([[np.nan, "red"]], dtype=object)).tolist() == [[0, 0, 1]]


def test_infinite_numbers_in_an_array() -> None:
    encoder = TableEncoder.fit(np.eye(3))
    X = np.eye(3)
    X[2, 1] = -np.inf
    with pytest.raises(DataError) as error:
        encoder.transform(X, where="rows.npy")
    says(error, "rows.npy, row 2, column 'x1': -inf is not a finite number; correct it, or make it NaN")


def test_text_in_a_column_of_numbers_at_prediction(write: Write, encoder: TableEncoder) -> None:
    path = write("new.csv", "size,colour\n1,red\n2,blue\n1;5,red\n")
    with pytest.raises(DataError) as error:
        encoder.transform(read_rows(path), where="new.csv")
    says(error, "new.csv line 4, column 'size': '1;5' is not a number, but this column holds numbers; correct the cell")
    frame = pd.DataFrame({"size": ["1", "?"], "colour": ["red", "red"]})
    with pytest.raises(DataError) as error:
        encoder.transform(frame)
    says(error, "the data, row 1, column 'size': '?' is not a number")


def test_a_slip_in_a_column_of_numbers(write: Write) -> None:
    rows = "".join(f"{k},yes\n" for k in range(100))
    with pytest.raises(DataError) as error:
        load(write("t.csv", "a,target\n" + rows.replace("\n57,", "\n5 7,")))
    says(
        error,
        "t.csv line 59, column 'a': '5 7' is not a number, but nearly all",
        "correct these cells, or leave them empty",
    )


def test_unknown_category(encoder: TableEncoder, write: Write) -> None:
    rows = read_rows(write("new.csv", "size,colour\n2.5,green\n2.5,\n"))
    assert encoder.transform(rows, where="new.csv").tolist() == [[0, 0, 0], [0, 0, 0]]


def test_unknown_label(write: Write) -> None:
    labels = TargetEncoder.fit(["yes", "no"], kind="classes")
    with pytest.raises(DataError) as error:
        labels.transform(load(write("new.csv", "a,target\n1,perhaps\n")).y, where="new.csv")
    says(error, "new.csv: the target 'target' has the label 'perhaps'", "'no', 'yes'", "correct it, or train with rows")


def test_missing_and_extra_columns_at_prediction(encoder: TableEncoder, write: Write) -> None:
    with pytest.raises(DataError) as error:
        encoder.transform(read_rows(write("new.csv", "size,color\n1,red\n")), where="new.csv")
    says(error, "new.csv lacks the columns 'colour', which were there in training; add them", "'size', 'color'")
    rows = read_rows(write("new.csv", "id,target,colour,size\n1,yes,red,2.5\n"))
    with pytest.raises(DataError) as error:
        encoder.transform(rows, where="new.csv", ignore=("target",))
    says(error, "new.csv has the columns 'id', which were not there in training; remove them", "'size', 'colour'")
    assert encoder.transform(rows.drop(columns="id"), ignore=("target",)).tolist() == [[0, 0, 1]]


def test_another_number_of_columns_in_an_array() -> None:
    with pytest.raises(DataError) as error:
        TableEncoder.fit(np.eye(3)).transform(np.eye(2), where="rows.npy")
    says(error, "rows.npy has 2 columns, expected 3: 'x0', 'x1', 'x2'")


@pytest.mark.parametrize("keep", [11, 20, 40, -9, -8, -1])
def test_truncated_gzip(write: Write, keep: int) -> None:
    content = gzip.compress((GOOD + "1.5,red,yes\n" * 100).encode())
    with pytest.raises(DataError) as error:
        load(write("t.csv.gz", content[:keep]))
    says(error, "t.csv.gz is gzipped, but ends before its content does: it is cut off, get it again")


def test_damaged_gzip(write: Write) -> None:
    content = bytearray(gzip.compress((GOOD * 3).encode()))
    for place in range(10, len(content), 5):
        damaged = content.copy()
        damaged[place] ^= 0x55
        with pytest.raises(DataError, match=r"t\.csv\.gz is gzipped, but (damaged|ends before)"):
            load(write("t.csv.gz", bytes(damaged)))


def test_idx_with_wrong_magic(write: Write) -> None:
    for content in (b"\0\0\x07\x01\0\0\0\x01A", b"\0\1\x08\x01\0\0\0\x01A", b"MNIST images"):
        with pytest.raises(DataError) as error:
            load(write("t-images-idx3-ubyte", content))
        says(error, "t-images-idx3-ubyte begins with the bytes", content[:4].hex(" "), "00 00", "get it again")


@pytest.mark.parametrize("packed", [False, True])
def test_idx_with_wrong_size(write: Write, idx: Callable[[np.ndarray], bytes], packed: bool) -> None:
    good = idx(np.zeros((5, 2, 2), dtype=np.uint8))
    for content, bytes_there in ((good[:-3], "17"), (good + b"more", "24" if not packed else "21 or more")):
        with pytest.raises(DataError) as error:
            load(write("t-idx3-ubyte", gzip.compress(content) if packed else content))
        says(
            error,
            "t-idx3-ubyte says that it holds 5 x 2 x 2 values, which take 20 bytes, but",
            bytes_there,
            "get it again",
        )
    with pytest.raises(DataError, match="ends within its header: it is cut off"):
        load(write("t-idx3-ubyte", gzip.compress(good[:9]) if packed else good[:9]))


def test_ragged_rows(write: Write) -> None:
    with pytest.raises(DataError) as error:
        load(write("t.csv", "a,b,target\n1,2,yes\n3,no\n"))
    says(error, "t.csv line 3 has 2 cells, expected 3 as in the first line: complete it or remove it")
    with pytest.raises(DataError) as error:
        load(write("t.csv", 'a,b,target\n1,"2,000",yes\n\n3,4,5,no\n'))
    says(error, "t.csv line 4 has 4 cells, expected 3", "must stand in quotation marks")


def test_latin_1_bytes(write: Write) -> None:
    path = write("t.csv", "city,target\nKöln,yes\nMünchen,no\n".encode("latin-1"))
    for read in (load, read_rows):
        with pytest.raises(DataError) as error:
            read(path)
        says(error, "t.csv line 2: the byte 0xf6 is not UTF-8", "--encoding latin-1", "save it as UTF-8")
    assert load(path, encoding="latin-1").X["city"].tolist() == ["Köln", "München"]


def test_wrong_encoding_named(write: Write) -> None:
    with pytest.raises(DataError, match=r"t\.csv line 2: the byte 0x81 is not cp1252"):
        load(write("t.csv", b"city,target\n\x81,1\n"), encoding="cp1252")


def test_bom_and_crlf(write: Write) -> None:
    plain = load(write("plain.csv", GOOD))
    for text in ("\ufeff" + GOOD, GOOD.replace("\n", "\r\n"), "\ufeff" + GOOD.replace("\n", "\r\n")):
        other = load(write("other.csv", text))
        assert other.X.equals(plain.X)
        assert other.features == ("size", "colour")
        assert (other.y == plain.y).all()
        assert other.X.index.tolist() == [2, 3, 4]


def test_duplicate_and_missing_names(write: Write) -> None:
    with pytest.raises(DataError, match=r"t\.csv line 1 names two columns 'a' \(columns 1 and 2\): give each its own"):
        load(write("t.csv", "a,a,target\n1,2,3\n"))
    with pytest.raises(DataError, match=r"t\.csv line 1 gives column 2 no name: name it, or remove the column"):
        load(write("t.csv", "a,,target\n1,2,3\n"))


def test_no_header(write: Write) -> None:
    with pytest.raises(DataError) as error:
        load(write("t.csv", "5.1,3.5,0\n4.9,3.0,1\n"))
    says(
        error,
        "t.csv line 1 holds data where the columns' names should stand: add a first line with a name for each column",
    )


def test_dates(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    pd.DataFrame({"when": pd.to_datetime(["2020-01-01", "2021-01-01"]), "target": [0, 1]}).to_parquet(
        tmp_path / "t.parquet"
    )
    with pytest.raises(
        DataError, match=r"t\.parquet: the column 'when' holds dates or durations; replace it by numbers"
    ):
        load(tmp_path / "t.parquet")


@pytest.mark.parametrize(
    "content", [b"%PDF-1.7\n\xe2\xe3", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", b"SQLite format 3\0", bytes(99)]
)
def test_what_is_no_data_file(write: Write, content: bytes) -> None:
    for name in ("t.csv", "t.xyz"):
        with pytest.raises(DataError, match=rf"{name}"):
            load(write(name, content))
