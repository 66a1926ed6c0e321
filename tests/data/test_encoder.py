"""The table encoder: what it makes of numbers, gaps and categories; the training part alone teaches it."""

from __future__ import annotations

import copy
import json
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from chainrule.data import TableEncoder, read_rows
from chainrule.errors import DataError, ModelFileError, UnknownName, UsageError

FINITE = st.floats(-1e12, 1e12, allow_nan=False)


def column(*cells: Any, name: str = "a") -> pd.DataFrame:
    return pd.DataFrame({name: list(cells)})


# --- numbers


def test_standard() -> None:
    X = np.array([[1.0, 10.0], [2.0, 10.5], [6.0, 20.0]])
    Z = TableEncoder.fit(X).transform(X)
    assert np.allclose(Z.mean(axis=0), 0)
    assert np.allclose(Z.std(axis=0), 1)


def test_robust() -> None:
    X = np.array([[1.0], [2.0], [3.0], [4.0], [1e6]])
    assert TableEncoder.fit(X, numbers="robust").transform(X[:4])[:, 0].tolist() == [-1.0, -0.5, 0.0, 0.5]
    mostly_0 = np.array([[0.0]] * 9 + [[10.0]])
    assert TableEncoder.fit(mostly_0, numbers="robust").columns[0].scale == 3.0, "no distance between the quartiles"


def test_range_is_common_to_all_columns() -> None:
    X = np.array([[0, 100], [50, 255]], dtype=np.uint8)
    encoder = TableEncoder.fit(X, numbers="range")
    assert (encoder.transform(X) == X / 255).all()
    frame = pd.DataFrame({"a": [0.0, 1.0], "b": ["x", "y"], "c": [4.0, None]})
    encoded = TableEncoder.fit(frame, numbers="range").transform(frame)
    assert encoded.tolist() == [[0.0, 1, 0, 1.0, 0], [0.25, 0, 1, 1.0, 1]]


def test_none_keeps_numbers_as_they_are() -> None:
    X = np.array([[1.0, -7.5], [2.0, 1e9]])
    assert (TableEncoder.fit(X, numbers="none").transform(X) == X).all()


def test_constant_columns_become_0_whatever_comes_later() -> None:
    X = np.array([[0.1, 5.0], [0.1, 6.0], [0.1, 7.0]])
    for numbers in ("standard", "robust"):
        encoder = TableEncoder.fit(X, numbers=numbers)
        assert encoder.transform(np.array([[0.1, 6.0], [99.0, 6.0]])).tolist() == [[0.0, 0.0], [0.0, 0.0]]


def test_gaps_are_filled_with_the_median_and_said_where_training_had_some() -> None:
    frame = pd.DataFrame({"a": [1.0, 2.0, 9.0, None], "b": [5, 6, 7, 8]})
    encoder = TableEncoder.fit(frame, numbers="none")
    assert encoder.outputs == ("a", "a=(missing)", "b")
    assert encoder.transform(frame)[3].tolist() == [2.0, 1.0, 8.0]
    later = pd.DataFrame({"b": [None, 1.0], "a": [3.0, None]})
    assert encoder.transform(later).tolist() == [[3.0, 0.0, 6.5], [2.0, 1.0, 1.0]]


def test_gaps_in_arrays() -> None:
    X = np.array([[1.0, 1.0], [np.nan, 3.0], [5.0, 8.0]])
    encoder = TableEncoder.fit(X, numbers="none")
    assert encoder.outputs == ("x0", "x0=(missing)", "x1")
    assert encoder.transform(X).tolist() == [[1, 0, 1], [3, 1, 3], [5, 0, 8]]
    assert encoder.transform(np.array([[np.nan, np.nan]])).tolist() == [[3, 1, 3]]


def test_statistics_are_those_of_the_known_cells() -> None:
    frame = column(1.0, None, 3.0, None)
    assert TableEncoder.fit(frame).transform(frame).tolist() == [[-1, 0], [0, 1], [1, 0], [0, 1]]


@given(
    X=hnp.arrays(np.float64, st.tuples(st.integers(2, 30), st.integers(1, 5)), elements=FINITE),
    numbers=st.sampled_from(["standard", "robust", "range", "none"]),
)
def test_arrays_and_tables_are_encoded_alike(X: np.ndarray, numbers: Any) -> None:
    encoder = TableEncoder.fit(X, numbers=numbers)
    frame = pd.DataFrame(X, columns=encoder.inputs)
    assert TableEncoder.fit(frame, numbers=numbers) == encoder
    Z = encoder.transform(X)
    np.testing.assert_array_equal(Z, encoder.transform(frame))
    np.testing.assert_array_equal(Z, encoder.transform(frame[frame.columns[::-1]]))
    assert np.isfinite(Z).all()
    assert Z.flags.c_contiguous
    assert Z.dtype == np.float64
    for row in range(len(X)):
        np.testing.assert_array_equal(encoder.transform(X[row : row + 1])[0], Z[row])


@given(X=hnp.arrays(np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 70))))
def test_bytes_are_encoded_as_the_same_numbers_are(X: np.ndarray) -> None:
    for numbers in ("standard", "robust", "range"):
        encoder = TableEncoder.fit(X, numbers=numbers)
        assert encoder == TableEncoder.fit(X.astype(np.float64), numbers=numbers)
        np.testing.assert_array_equal(encoder.transform(X), encoder.transform(X.astype(np.float64)))
        narrow = encoder.transform(X, dtype=np.float32)
        assert narrow.dtype == np.float32
        np.testing.assert_array_equal(narrow, encoder.transform(X).astype(np.float32))


def test_large_offsets_lose_nothing_in_float32() -> None:
    X = 1.5e9 + np.arange(10.0)[:, None]
    Z = TableEncoder.fit(X).transform(X, dtype=np.float32)
    assert np.allclose(np.diff(Z[:, 0]), 1 / np.std(np.arange(10)))


@pytest.mark.parametrize("size", [1e-300, 1e-160, 1.0, 1e160, 1e300])
def test_numbers_of_any_size_are_standardized(size: float) -> None:
    X = np.array([[1.0], [2.0], [4.0]]) * size
    Z = TableEncoder.fit(X).transform(X)
    assert np.allclose(Z.mean(), 0)
    assert np.allclose(Z.std(), 1)


def test_more_rows_than_one_block() -> None:
    X = np.random.default_rng(0).normal(size=(5001, 3))
    X[4500, 1] = np.nan
    Z = TableEncoder.fit(X).transform(X)
    known = np.delete(X[:, 1], 4500)
    assert np.allclose(np.delete(Z[:, 1], 4500), (known - known.mean()) / known.std())
    assert Z[:, 2].nonzero()[0].tolist() == [4500]
    with pytest.raises(DataError, match="row 4999, column 'x2': inf"):
        TableEncoder.fit(X).transform(np.where(np.indices(X.shape)[0] * 3 + np.indices(X.shape)[1] == 14999, np.inf, X))


@pytest.mark.parametrize("dtype", ["Int64", "Float64", "boolean", "int8", "uint16", "float32", "bool", "object"])
def test_all_kinds_of_number_columns(dtype: str) -> None:
    cells = [True, False, True] if "bool" in dtype else [1, 0, 1]
    encoder = TableEncoder.fit(column(1, 0, 1), numbers="none")
    assert encoder.transform(pd.DataFrame({"a": pd.array(cells, dtype=dtype)})).tolist() == [[1], [0], [1]]
    if dtype in ("Int64", "Float64"):
        frame = pd.DataFrame({"a": pd.array([1, None, 3], dtype=dtype)})
        assert TableEncoder.fit(frame, numbers="none").transform(frame).tolist() == [[1, 0], [2, 1], [3, 0]]


def test_objects_that_are_numbers_are_numbers() -> None:
    frame = pd.DataFrame({"a": pd.Series([1, 2.5, None], dtype=object)})
    assert TableEncoder.fit(frame, numbers="none").outputs == ("a", "a=(missing)")
    mixed = np.array([[1, "x"], [2, "y"]], dtype=object)
    assert TableEncoder.fit(mixed).outputs == ("x0", "x1=x", "x1=y")
    assert TableEncoder.fit(mixed).transform(mixed).tolist() == [[-1, 1, 0], [1, 0, 1]]


def test_lists_are_arrays() -> None:
    assert TableEncoder.fit([[1.0], [3.0]]).transform([[2.0]]).tolist() == [[0.0]]


def test_names_of_array_columns() -> None:
    encoder = TableEncoder.fit(np.eye(2), names=["height", "width"])
    assert encoder.inputs == ("height", "width")
    assert encoder.transform(pd.DataFrame({"width": [0.5], "height": [0.5]})).tolist() == [[0.0, 0.0]]


# --- categories


def test_one_output_for_each_category() -> None:
    frame = column("red", "blue", "red")
    encoder = TableEncoder.fit(frame)
    assert encoder.outputs == ("a=blue", "a=red")
    assert encoder.transform(frame).tolist() == [[0, 1], [1, 0], [0, 1]]


def test_unknown_categories_have_no_output_where_training_knew_no_rare_ones() -> None:
    encoder = TableEncoder.fit(column("red", "blue"))
    assert encoder.transform(column("green", None)).tolist() == [[0, 0], [0, 0]]


def test_rare_and_unknown_categories_share_an_output() -> None:
    frame = column(*"aaabbbccd")
    encoder = TableEncoder.fit(frame, max_categories=2)
    assert encoder.outputs == ("a=a", "a=b", "a=(unknown)")
    assert encoder.transform(column("a", "b", "c", "d", "never", None)).tolist() == [
        [1, 0, 0],
        [0, 1, 0],
        [0, 0, 1],
        [0, 0, 1],
        [0, 0, 1],
        [0, 0, 1],
    ]


def test_missing_is_a_category_where_training_had_some() -> None:
    encoder = TableEncoder.fit(column("x", None, "y"))
    assert encoder.outputs == ("a=x", "a=y", "a=(missing)")
    assert encoder.transform(column("y", None, "z")).tolist() == [[0, 1, 0], [0, 0, 1], [0, 0, 0]]


def test_a_category_may_be_called_unknown() -> None:
    encoder = TableEncoder.fit(column("unknown", "(x", "x", "x", None), max_categories=2)
    assert encoder.outputs == ("a=(x", "a=x", "a=(unknown)", "a=(missing)")


def test_of_equally_frequent_categories_the_first_in_the_alphabet_stay() -> None:
    assert TableEncoder.fit(column("d", "c", "b", "a"), max_categories=2).columns[0].categories == ("a", "b")


def test_truth_values_are_categories() -> None:
    encoder = TableEncoder.fit(column(True, False))
    assert encoder.outputs == ("a=False", "a=True")
    assert encoder.transform(column("True", "False")).tolist() == [[0, 1], [1, 0]]
    assert encoder.text_columns == ()
    gaps = pd.DataFrame({"a": pd.Series([True, None, False], dtype=object)})
    assert TableEncoder.fit(gaps).outputs == ("a=False", "a=True", "a=(missing)")


def test_a_category_is_the_same_as_text_and_as_number() -> None:
    encoder = TableEncoder.fit(column("1", "2", "x"))
    for cells in (["1", "2"], [1, 2], [1.0, 2.0]):
        assert encoder.transform(column(*cells)).tolist() == [[1, 0, 0], [0, 1, 0]]


def test_codes_stay_texts_when_read_again(tmp_path: Any) -> None:
    (tmp_path / "train.csv").write_text("zip,size\n01,1\n02,2\nAB,3\n", encoding="utf-8")
    (tmp_path / "new.csv").write_text("zip,size\n01,1\n02,2\n", encoding="utf-8")
    encoder = TableEncoder.fit(read_rows(tmp_path / "train.csv"), numbers="none")
    assert encoder.text_columns == ("zip",)
    rows = read_rows(tmp_path / "new.csv", text=encoder.text_columns)
    assert encoder.transform(rows).tolist() == [[1, 0, 0, 1], [0, 1, 0, 2]]


@given(
    cells=st.lists(st.one_of(st.none(), st.text(max_size=3)), min_size=1, max_size=30).filter(any),
    later=st.lists(st.one_of(st.none(), st.text(max_size=3)), min_size=1, max_size=10),
    most=st.integers(1, 5),
)
def test_every_row_has_at_most_one_1(cells: list[str | None], later: list[str | None], most: int) -> None:
    frame = pd.DataFrame({"a": pd.Series(cells, dtype=object)})
    encoder = TableEncoder.fit(frame, max_categories=most)
    Z = encoder.transform(frame)
    assert (Z.sum(axis=1) == 1).all(), "no row of the training part is without its category"
    assert (Z.sum(axis=0) > 0).all(), "no output is 0 in all of the training part"
    assert (encoder.transform(pd.DataFrame({"a": pd.Series(later, dtype=object)})).sum(axis=1) <= 1).all()
    assert len(encoder.columns[0].categories) <= most


def test_numbers_and_categories_side_by_side() -> None:
    frame = pd.DataFrame({"c": ["x", "y"], "n": [1.0, None], "d": ["u", "u"], "m": [3, 5]})
    encoder = TableEncoder.fit(frame, numbers="none")
    assert encoder.outputs == ("c=x", "c=y", "n", "n=(missing)", "d=u", "m")
    assert encoder.transform(frame).tolist() == [[1, 0, 1, 0, 1, 3], [0, 1, 1, 1, 1, 5]]


def test_no_rows_and_no_warning() -> None:
    frame = pd.DataFrame({"c": ["x", "y"], "n": [1.0, None]})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert TableEncoder.fit(frame).transform(frame.iloc[:0]).shape == (0, 4)


# --- as JSON


def some_encoder() -> TableEncoder:
    frame = pd.DataFrame({"n": [1.0, None, 4.0], "c": ["x", "y", None], "k": [7, 7, 7], "é": ["ü", "b", "c"]})
    return TableEncoder.fit(frame, max_categories=2)


def test_json_round_trip() -> None:
    encoder = some_encoder()
    again = TableEncoder.from_dict(json.loads(json.dumps(encoder.to_dict())))
    assert again == encoder
    assert again.outputs == encoder.outputs
    assert hash(again) == hash(encoder)
    changed = copy.deepcopy(encoder.to_dict())
    changed["columns"][0]["center"] += 1e-9
    assert TableEncoder.from_dict(changed) != encoder


def places(data: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in JSON data."""
    inner = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    return [path, *(place for key, value in inner for place in places(value, (*path, key)))]


def replaced(data: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    data = copy.deepcopy(data)
    spot = data
    for key in path[:-1]:
        spot = spot[key]
    if value is KeyError:
        del spot[path[-1]]
    else:
        spot[path[-1]] = value
    return data


@pytest.mark.parametrize("place", places(some_encoder().to_dict()), ids=str)
def test_every_other_type_is_refused(place: tuple[Any, ...]) -> None:
    data = some_encoder().to_dict()
    at = data
    for key in place:
        at = at[key]
    for value in (None, 1, 1.5, "text", True, [], {}, ["x"], {"a": 1}, float("nan"), float("inf"), -1.0):
        if type(value) is type(at) and not (isinstance(value, float) and (value != value or abs(value) == np.inf)):
            continue
        with pytest.raises(ModelFileError, match="the model file is damaged"):
            TableEncoder.from_dict(replaced(data, place, value))


@pytest.mark.parametrize("place", [place for place in places(some_encoder().to_dict()) if place], ids=str)
def test_missing_keys_are_refused(place: tuple[Any, ...]) -> None:
    if isinstance(place[-1], str):
        with pytest.raises(ModelFileError, match="has the keys"):
            TableEncoder.from_dict(replaced(some_encoder().to_dict(), place, KeyError))


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("more",), 1),
        (("columns", 0, "more"), 1),
        (("columns", 1, "more"), 1),
        (("columns",), []),
        (("numbers",), "wild"),
        (("columns", 0, "scale"), -1.0),
        (("columns", 0, "kind"), "other"),
        (("columns", 0, "name"), "c"),
        (("columns", 1, "categories"), []),
        (("columns", 1, "categories"), ["y", "x"]),
        (("columns", 1, "categories"), ["x", "x"]),
        (("columns", 0, "fill"), 10**400),
    ],
)
def test_impossible_contents_are_refused(place: tuple[Any, ...], value: Any) -> None:
    with pytest.raises(ModelFileError, match="the model file is damaged"):
        TableEncoder.from_dict(replaced(some_encoder().to_dict(), place, value))


# --- what cannot be


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.ones(3), r"the data has the shape \(3,\); rows and columns are expected"),
        (np.ones((2, 2, 2)), "rows and columns are expected"),
        (np.ones((2, 0)), "rows and columns are expected"),
        (np.ones((0, 2)), "there are no rows to learn an encoding from"),
        (np.ones((2, 2), dtype=complex), "values of type complex128"),
        (np.array([[1.0, 2.0], [-np.inf, 2.0]]), "the data, row 1, column 'x0': -inf is not a finite number"),
        (np.array([[1.0, np.nan], [1.0, np.nan]]), "all cells of the column 'x1' are missing in the training part"),
        (pd.DataFrame({"a": [None, None]}), "all cells of the column 'a' are missing in the training part"),
        (pd.DataFrame({"a": [1.0, np.inf]}), "row 1, column 'a': inf"),
        (pd.DataFrame({"a": pd.to_datetime(["2020-01-01"])}), "the column 'a' holds dates or durations; replace it"),
        (pd.DataFrame({"a": [1j]}), "the column 'a' holds complex numbers"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "more than one column called 'a'"),
        (pd.DataFrame([[1, 2]], columns=[1, "1"]), "more than one column called '1'"),
        (pd.DataFrame(index=[0, 1]), "has no columns"),
    ],
)
def test_what_cannot_be_learnt(X: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        TableEncoder.fit(X)


def test_settings_are_checked() -> None:
    with pytest.raises(UnknownName, match="unknown scaling of numbers 'standart'; did you mean 'standard'"):
        TableEncoder.fit(np.eye(2), numbers="standart")
    for value in (0, -1, 2.0, True):
        with pytest.raises(UsageError, match="max_categories"):
            TableEncoder.fit(np.eye(2), max_categories=value)
    with pytest.raises(DataError, match="has 2 columns, expected 1: 'a'"):
        TableEncoder.fit(np.eye(2), names=["a"])


def test_a_slip_in_a_column_of_numbers_is_no_category() -> None:
    cells: list[Any] = [str(k) for k in range(50)]
    cells[33] = "3O"
    with pytest.raises(
        DataError, match=r"the data, row 33, column 'a': '3O' is not a number, but nearly all .*none: 1"
    ):
        TableEncoder.fit(column(*cells))
    assert len(TableEncoder.fit(column(*["1", "2", "3"] * 20, "x")).outputs) == 4, "a few codes and a letter are codes"
    assert len(TableEncoder.fit(column(*[str(k) for k in range(30)])).outputs) == 30, "texts on purpose stay texts"


def test_numbers_too_far_away() -> None:
    encoder = TableEncoder.fit(np.array([[0.0], [1e-300]]))
    with pytest.raises(
        DataError, match=r"the data, row 1, column 'x0': 1e\+200 is too far from what the training part"
    ):
        encoder.transform(np.array([[0.0], [1e200]]))
    with pytest.raises(DataError, match=r"row 0, column 'x0': 1e\+60 is too far"):
        TableEncoder.fit(np.array([[0.0], [1.0]])).transform(np.array([[1e60]]), dtype=np.float32)
    with pytest.raises(DataError, match="are too many"):
        TableEncoder.fit(np.array([[-1.7e308], [1.7e308]]), numbers="range")


def test_the_training_part_alone_teaches() -> None:
    train, test = column(1.0, 3.0), column(100.0, 300.0)
    encoder = TableEncoder.fit(train)
    before = encoder.to_dict()
    assert encoder.transform(test).tolist() == [[98.0], [298.0]]
    assert encoder.to_dict() == before
