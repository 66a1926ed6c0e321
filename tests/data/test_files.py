"""Files: the format is told by the content, the target is found and named, arrays come in their forms."""

from __future__ import annotations

import builtins
import contextlib
import gzip
import io
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from chainrule.data import load, read_rows, sources
from chainrule.errors import DataError, MissingExtra, UnknownName

Write = Callable[[str, Any], Path]

TABLE = "height,colour,target\n1.5,red,yes\n2.5,blue,no\n?,red,yes\n"


@pytest.fixture
def save(tmp_path: Path) -> Callable[..., Path]:
    """Write arrays: one as NPY, several as NPZ."""

    def write(name: str, *arrays: np.ndarray, **named: np.ndarray) -> Path:
        with (tmp_path / name).open("wb") as file:
            if arrays:
                np.save(file, arrays[0])
            elif named.pop("packed", False):
                np.savez_compressed(file, **named)
            else:
                np.savez(file, **named)
        return tmp_path / name

    return write


# --- tables


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz", "t.gz", "t.txt", "t", "t.data"])
@pytest.mark.parametrize("packed", [False, True])
def test_content_decides_whatever_the_name_says(write: Write, name: str, packed: bool) -> None:
    path = write(name, gzip.compress(TABLE.encode()) if packed else TABLE)
    dataset = load(path)
    assert dataset.name == name
    assert dataset.features == ("height", "colour")
    assert dataset.X.index.tolist() == [2, 3, 4]
    assert dataset.y.tolist() == ["yes", "no", "yes"]
    assert dataset.task is None
    assert list(read_rows(path).columns) == ["height", "colour", "target"]
    assert load(str(path)).X.equals(dataset.X)


@pytest.mark.parametrize(
    ("header", "target", "chosen", "how"),
    [
        ("a,target,b", None, "target", "the column named 'target'"),
        ("a,label,y", None, "label", "the column named 'label'"),
        ("y,class,a", None, "class", "the column named 'class'"),
        ("a,y,b", None, "y", "the column named 'y'"),
        ("a,b,c", None, "c", "the last column"),
        ("a,b,target", "a", "a", "as given"),
        ("a,b,c", 1, "b", "column 1"),
        ("a,b,c", -3, "a", "column -3"),
    ],
)
def test_the_target_is_found_and_named(write: Write, header: str, target: Any, chosen: str, how: str) -> None:
    dataset = load(write("t.csv", f"{header}\n1,2,3\n4,5,6\n"), target=target)
    assert dataset.target == chosen
    assert dataset.target_choice == how
    assert dataset.y.tolist() == [[1, 4], [2, 5], [3, 6]][header.split(",").index(chosen)]
    assert dataset.features == tuple(name for name in header.split(",") if name != chosen)


@pytest.mark.parametrize(
    ("cells", "dtype", "labels"),
    [
        ("0 1 2", np.int64, [0, 1, 2]),
        ("0.5 1 2", np.float64, [0.5, 1.0, 2.0]),
        ("True False True", np.bool_, [True, False, True]),
        ("a b None", object, ["a", "b", "None"]),
        ("1 b 2", object, ["1", "b", "2"]),
    ],
)
def test_labels_keep_their_type(write: Write, cells: str, dtype: Any, labels: list[Any]) -> None:
    y = load(write("t.csv", "a,y\n" + "".join(f"7,{cell}\n" for cell in cells.split()))).y
    assert y.dtype == dtype
    assert y.tolist() == labels


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    class Input:
        buffer = io.BytesIO(TABLE.encode())

    monkeypatch.setattr(sys, "stdin", Input)
    assert read_rows("-")["colour"].tolist() == ["red", "blue", "red"]
    Input.buffer = io.BytesIO(b"a,b\n1\n")
    with pytest.raises(DataError, match="standard input line 2 has 1 cells"):
        read_rows("-")


def test_streams(write: Write) -> None:
    assert read_rows(io.StringIO(TABLE)).shape == (3, 3)
    assert read_rows(io.BytesIO(gzip.compress(TABLE.encode()))).shape == (3, 3)
    with write("t.csv", TABLE).open("rb") as file:
        assert read_rows(file).shape == (3, 3)
    with (
        write("bad.csv", "a,b\n1\n").open("r", encoding="utf-8") as text,
        pytest.raises(DataError, match=r"bad\.csv line 2"),
    ):
        read_rows(text)


def test_a_given_test_file(write: Write) -> None:
    train = write("train.csv", "code,size,target\n01,1,a\nx,2,b\n")
    test = write("test.csv", "size,target,code\n3,b,01\n4,a,02\n")
    dataset = load(train, test=test)
    X, y = dataset.test
    assert list(X.columns) == ["code", "size"]
    assert X["code"].tolist() == ["01", "02"], "the codes stay text although this part holds numbers only"
    assert y.tolist() == ["b", "a"]
    assert X.index.tolist() == [2, 3]


def test_a_given_test_file_of_other_columns(write: Write) -> None:
    train = write("train.csv", "a,b,target\n1,1,a\n")
    with pytest.raises(
        DataError, match=r"test\.csv must have the columns of train\.csv; missing are 'b', unknown are 'c'"
    ):
        load(train, test=write("test.csv", "a,c,target\n1,1,a\n"))
    with pytest.raises(DataError, match=r"test2\.csv has no column 'target'"):
        load(train, test=write("test2.csv", "a,b,goal\n1,1,a\n"))


def test_a_given_test_file_for_a_built_in_set(write: Write) -> None:
    path = write("t.csv", "x1,x0,class\n1,2,0\n3,4,1\n")
    X, y = load("moons", test=path, seed=3).test
    assert X.tolist() == [[2, 1], [4, 3]]
    assert y.tolist() == [0, 1]


# --- Parquet


def test_parquet(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    frame = pd.DataFrame(
        {
            "a": [1, 2, 3],
            "b": ["x", None, "y"],
            "c": [1.5, None, 2.5],
            "d": [True, False, True],
            "target": ["u", "v", "u"],
        }
    )
    frame["b"] = frame["b"].astype("category")
    frame.to_parquet(tmp_path / "t.parquet")
    (tmp_path / "renamed").write_bytes((tmp_path / "t.parquet").read_bytes())
    for path in (tmp_path / "t.parquet", tmp_path / "renamed"):
        dataset = load(path)
        assert dataset.features == ("a", "b", "c", "d")
        assert dataset.y.tolist() == ["u", "v", "u"]
        assert dataset.X["b"].isna().tolist() == [False, True, False]
        assert read_rows(path).shape == (3, 5)


def test_parquet_rows_count_from_0(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    frame = pd.DataFrame({"a": [1.0, np.inf], "target": [0, 1]}, index=pd.Index([7, 8], name="line"))
    frame.to_parquet(tmp_path / "t.parquet", index=False)
    with pytest.raises(DataError, match=r"t\.parquet, row 1, column 'a': inf is not a finite number"):
        load(tmp_path / "t.parquet")


def test_parquet_without_pyarrow(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    original = builtins.__import__

    def without(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.startswith("pyarrow"):
            raise ImportError(name)
        return original(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingExtra, match=r'needs pyarrow, .*pip install "chainrule\[parquet\]"'):
        read_rows(write("t.parquet", b"PAR1 and so on, more than 16 bytes"))


def test_a_damaged_parquet_file(write: Write, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    pd.DataFrame({"a": [1, 2], "target": [0, 1]}).to_parquet(tmp_path / "t.parquet")
    content = (tmp_path / "t.parquet").read_bytes()
    with pytest.raises(DataError, match=r"cut\.parquet is a damaged Parquet file .*get it again"):
        load(write("cut.parquet", content[:-20]))
    with pytest.raises(DataError, match=r"does not begin as a \.parquet file does"):
        load(write("text.parquet", TABLE))


# --- NPZ and NPY


@pytest.mark.parametrize("names", ["X y", "x y", "x_train y_train", "X_train y_train", "data target"])
@pytest.mark.parametrize("packed", [False, True])
def test_npz(save: Callable[..., Path], names: str, packed: bool) -> None:
    x, y = names.split()
    X = np.arange(12.0).reshape(4, 3)
    path = save("t.npz", **{x: X, y: np.array(["a", "b", "a", "b"])}, packed=packed)
    dataset = load(path)
    assert dataset.X.tolist() == X.tolist()
    assert dataset.y.tolist() == ["a", "b", "a", "b"]
    assert dataset.features == ("x0", "x1", "x2")
    assert dataset.target == y
    assert dataset.target_choice == f"the array '{y}'"
    assert dataset.test is None
    assert read_rows(path).tolist() == X.tolist()


def test_npz_with_test_part_and_images(save: Callable[..., Path]) -> None:
    images = np.arange(48, dtype=np.uint8).reshape(4, 3, 4)
    path = save("t.npz", x_train=images, y_train=np.arange(4), x_test=images[:1], y_test=np.array([[3]]))
    dataset = load(path)
    assert dataset.X.shape == (4, 12)
    assert dataset.image_shape == (3, 4)
    assert dataset.test[0].tolist() == images[:1].reshape(1, 12).tolist()
    assert dataset.test[1].tolist() == [3]


def test_npz_with_several_targets_or_another_name(save: Callable[..., Path]) -> None:
    path = save("t.npz", X=np.ones((3, 2)), y=np.ones((3, 2)), z=np.array([5, 6, 7]))
    assert load(path).y.shape == (3, 2)
    assert load(path, target="z").y.tolist() == [5, 6, 7]
    with pytest.raises(DataError, match=r"t\.npz has no array 'w' with the targets; it holds 'X', 'y', 'z'"):
        load(path, target="w")


def test_npz_of_other_names(save: Callable[..., Path]) -> None:
    with pytest.raises(DataError, match=r"t\.npz holds the arrays 'inputs', 'outputs'; expected are X and y"):
        load(save("t.npz", inputs=np.ones((2, 2)), outputs=np.ones(2)))


def test_npy(save: Callable[..., Path]) -> None:
    path = save("t.npy", np.array([[0.5, 1.0, 0.0], [1.5, 2.0, 1.0]]))
    dataset = load(path)
    assert dataset.X.tolist() == [[0.5, 1.0], [1.5, 2.0]]
    assert dataset.y.tolist() == [0, 1]
    assert dataset.y.dtype == np.int64
    assert (dataset.features, dataset.target) == (("x0", "x1"), "x2")
    assert load(path, target=0).y.tolist() == [0.5, 1.5]
    assert load(path, target="x1").features == ("x0", "x2")
    assert read_rows(path).shape == (2, 3)
    packed = path.with_suffix(".npy.gz")
    packed.write_bytes(gzip.compress(path.read_bytes()))
    assert read_rows(packed).shape == (2, 3)


def test_foreign_byte_order(save: Callable[..., Path]) -> None:
    rows = read_rows(save("t.npy", np.ones((2, 2), dtype=">f8")))
    assert rows.dtype == np.float64
    assert rows.dtype.isnative


def test_objects_are_never_unpickled(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> Any:
            return exec, ("raise SystemExit('it ran')",)

    trap = np.array([[Trap(), 1], [2, 3]], dtype=object)
    np.save(tmp_path / "trap.npy", trap, allow_pickle=True)
    np.savez(tmp_path / "trap.npz", X=trap, y=np.ones(2))
    for name in ("trap.npy", "trap.npz"):
        with pytest.raises(DataError, match="holds Python objects, which are not read since that could run code"):
            load(tmp_path / name)


@pytest.mark.parametrize("name", ["t.npy", "t.npz"])
def test_damaged_arrays(save: Callable[..., Path], write: Write, name: str) -> None:
    X = np.arange(40.0).reshape(20, 2)
    path = save(name, X) if name == "t.npy" else save(name, X=X, y=X[:, 0])
    content = path.read_bytes()
    step = max(1, len(content) // 60)
    for cut in range(1, len(content) - 1, step):
        with pytest.raises(DataError, match=r"cut\.np"):
            load(write(f"cut{path.suffix}", content[:cut]))
    for place in range(6, len(content), step):
        flipped = bytearray(content)
        flipped[place] ^= 0x41
        with contextlib.suppress(DataError):
            load(write(f"flipped{path.suffix}", bytes(flipped)))


def test_an_array_header_is_not_believed(write: Write) -> None:
    """Headers that promise 10^15 values, or hold what is no header."""

    def npy(header: str) -> bytes:
        text = header.encode()
        return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text

    shape = npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1000000, 1000000000)}") + bytes(80)
    with pytest.raises(
        DataError, match=r"says that it has the shape \(1000000, 1000000000\), which takes 8000000000000"
    ):
        load(write("bomb.npy", shape))
    for header in ("", "[]", "{}", "{'descr': '<f8'}", "{'descr': 'x', 'shape': (1,)}", "exit()", "((((" * 50):
        with pytest.raises(DataError, match="is not an NPY array or a damaged one"):
            load(write("odd.npy", npy(header) + bytes(80)))


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.ones(5), r"has the shape \(5,\); rows and columns are expected"),
        (np.ones((2, 2, 2, 2)), "rows and columns are expected"),
        (np.ones((3, 0)), "rows and columns are expected"),
        (np.ones((2, 2), dtype=complex), "has values of type complex128; rows must be numbers"),
        (np.array([["a", "b"]]), "rows must be numbers"),
        (np.array([[1.0, 2.0], [np.inf, 1.0]]), r"row 1, column 'x0': inf is not a finite number"),
        (np.ones((0, 3)), "has no rows"),
        (np.ones((3, 1)), r"has the column 'x0' only"),
        (np.array([[1.0, np.nan], [2.0, 1.0]]), r"row 0, column 'x1': the target is nan"),
    ],
)
def test_arrays_that_will_not_do(save: Callable[..., Path], array: np.ndarray, message: str) -> None:
    with pytest.raises(DataError, match=message):
        load(save("t.npy", array))


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (np.ones(3), r"rows have the shape \(2, 2\), the targets \(3,\)"),
        (np.ones((2, 2, 2)), "as many targets as rows"),
        (np.array([1.0, np.nan]), r"row 1 of 'y': the target is not a finite number"),
    ],
)
def test_targets_that_will_not_do(save: Callable[..., Path], y: np.ndarray, message: str) -> None:
    with pytest.raises(DataError, match=message):
        load(save("t.npz", X=np.ones((2, 2)), y=y))


def test_missing_numbers_in_arrays_may_pass(save: Callable[..., Path]) -> None:
    assert np.isnan(load(save("t.npz", X=np.array([[np.nan, 1.0]]), y=np.ones(1))).X[0, 0])


def test_other_archives(write: Write) -> None:
    import zipfile

    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
    with pytest.raises(DataError, match=r"is a ZIP archive, but not an NPZ file: it holds 'xl/workbook\.xml'; .*CSV"):
        load(write("t.xlsx", buffer.getvalue()))


# --- limits


def test_what_unpacks_to_too_much_is_refused(
    write: Write, save: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("sources", "arrays", "idx"):
        monkeypatch.setattr(f"chainrule.data.{module}.MAX_UNPACKED", 1000)
    rows = "a,target\n" + "1,2\n" * 1000
    with pytest.raises(DataError, match=r"t\.csv\.gz unpacks to more than 1000 bytes: unpack it first"):
        load(write("t.csv.gz", gzip.compress(rows.encode())))
    assert len(load(write("t.csv", rows)).y) == 1000
    with pytest.raises(DataError, match=r"t\.npz unpacks to \d+ bytes, more than 1000: save it uncompressed"):
        load(save("t.npz", X=np.zeros((1000, 2)), y=np.zeros(1000), packed=True))
    assert len(load(save("t.npz", X=np.zeros((1000, 2)), y=np.zeros(1000))).y) == 1000
    assert sources.MAX_UNPACKED == 1000


def test_a_file_wins_over_a_mistyped_name(write: Write, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    write("people", TABLE)
    monkeypatch.chdir(tmp_path)
    assert load("people").name == "people"
    with pytest.raises(UnknownName, match="unknown data set or file 'peopl'"):
        load("peopl")
    write("iris", TABLE)
    assert load("iris").X.shape == (150, 4), "a built-in set comes before a file of its name"
    assert load("./iris").X.shape == (3, 2)


def test_real_tables(shared: Path) -> None:
    folder = shared / "data" / "tabular"
    if not folder.is_dir():
        pytest.skip(f"no tables in {folder}")
    rows = {"adult": 48842, "german_credit": 1000, "abalone": 4177, "online_shoppers": 12330}
    missing = {"adult": 6465, "german_credit": 0, "abalone": 0, "online_shoppers": 112}
    for name, count in rows.items():
        dataset = load(folder / f"{name}.csv.gz")
        assert dataset.target == "target"
        assert len(dataset.y) == count
        assert int(dataset.X.isna().sum().sum()) == missing[name]
