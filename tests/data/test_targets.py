"""Targets: labels become class numbers and come back as what they were; values are standardized and come back."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from chainrule.data import TargetEncoder
from chainrule.errors import DataError, ModelFileError, UsageError


@pytest.mark.parametrize(
    ("labels", "classes", "kind"),
    [
        ([3, 1, 3, 2], (1, 2, 3), np.int64),
        (["b", "a", "c"], ("a", "b", "c"), np.str_),
        ([True, False, True], (False, True), np.bool_),
        ([0.5, -1.0, 0.5], (-1.0, 0.5), np.float64),
        (np.array(["b", "a"], dtype=object), ("a", "b"), np.str_),
        (np.array([2, 0], dtype=np.uint8), (0, 2), np.int64),
        (np.array([[1], [0]]), (0, 1), np.int64),
        (pd.Series(["b", "a"]), ("a", "b"), np.str_),
        (pd.Series(["b", "a"], dtype="category"), ("a", "b"), np.str_),
        (np.array([1, "a", 2.0], dtype=object), ("1", "2", "a"), np.str_),
    ],
)
def test_labels_are_sorted_and_keep_their_type(labels: Any, classes: tuple[Any, ...], kind: Any) -> None:
    encoder = TargetEncoder.fit(labels, kind="classes")
    assert encoder.classes == classes
    assert [type(label) for label in encoder.classes] == [type(label) for label in classes]
    assert encoder.outputs == len(classes)
    numbers = encoder.transform(labels)
    assert numbers.dtype == np.int64
    back = encoder.inverse(numbers)
    assert np.issubdtype(back.dtype, kind)
    assert [str(label) for label in back] == [str(label) for label in np.asarray(labels).ravel()] or kind is np.str_


@given(labels=st.lists(st.one_of(st.integers(-(2**62), 2**62)), min_size=2).filter(lambda x: len(set(x)) > 1))
def test_integers_come_back(labels: list[int]) -> None:
    encoder = TargetEncoder.fit(labels, kind="classes")
    assert encoder.inverse(encoder.transform(labels)).tolist() == labels
    assert encoder.classes == tuple(sorted(set(labels)))


@given(labels=st.lists(st.text(max_size=4), min_size=2).filter(lambda x: len(set(x)) > 1))
def test_texts_come_back(labels: list[str]) -> None:
    labels = [label.rstrip("\0") + "." for label in labels]
    if len(set(labels)) > 1:
        encoder = TargetEncoder.fit(np.array(labels, dtype=object), kind="classes")
        assert encoder.inverse(encoder.transform(np.array(labels, dtype=object))).tolist() == labels


def test_labels_are_compared_by_their_text() -> None:
    encoder = TargetEncoder.fit([0, 1, 2], kind="classes")
    for labels in ([2, 0], [2.0, 0.0], ["2", "0"], np.array([2, "0"], dtype=object)):
        assert encoder.transform(labels).tolist() == [2, 0]
    texts = TargetEncoder.fit(["1", "x"], kind="classes")
    assert texts.transform([1, 1]).tolist() == [0, 0]


def test_a_label_nobody_knows() -> None:
    encoder = TargetEncoder.fit(["no", "yes"], kind="classes", name="answer")
    with pytest.raises(
        DataError, match=r"new\.csv: the target 'answer' has the label 'maybe', .*: 'no', 'yes'; correct it"
    ):
        encoder.transform(["yes", "maybe"], where="new.csv")


@pytest.mark.parametrize("labels", [["a", "a"], [1], [True, True], []])
def test_one_class_is_too_few(labels: list[Any]) -> None:
    with pytest.raises(DataError, match=r"t\.csv: the target 'y' has \d class .* needs at least two; choose another"):
        TargetEncoder.fit(labels, kind="classes", name="y", where="t.csv")


@pytest.mark.parametrize("labels", [np.array(["a", None, "b"], dtype=object), [1.0, float("nan"), 2.0]])
def test_missing_labels(labels: Any) -> None:
    with pytest.raises(DataError, match="the target 'target' is missing in some rows; fill it in, or remove"):
        TargetEncoder.fit(labels, kind="classes")


def test_labels_in_two_columns() -> None:
    with pytest.raises(DataError, match=r"labels have the shape \(2, 2\); one label for each row"):
        TargetEncoder.fit(np.eye(2), kind="classes")


VALUES = hnp.arrays(
    np.float64,
    hnp.array_shapes(min_dims=1, max_dims=2, min_side=1, max_side=8),
    elements=st.floats(-1e9, 1e9, allow_subnormal=False),
)


@given(y=VALUES, standardize=st.booleans())
def test_values_come_back(y: np.ndarray, standardize: bool) -> None:
    encoder = TargetEncoder.fit(y, kind="values", standardize=standardize)
    numbers = encoder.transform(y)
    assert numbers.shape == (len(y), encoder.outputs)
    assert numbers.dtype == np.float64
    back = encoder.inverse(numbers)
    assert back.shape == y.shape
    np.testing.assert_allclose(back, y, rtol=1e-12, atol=1e-12 * np.abs(y).max())
    if not standardize:
        np.testing.assert_array_equal(back, y)


def test_values_are_standardized_column_by_column() -> None:
    y = np.array([[1.0, 100.0], [2.0, 200.0], [6.0, 600.0]])
    Z = TargetEncoder.fit(y, kind="values").transform(y)
    assert np.allclose(Z.mean(axis=0), 0)
    assert np.allclose(Z.std(axis=0), 1)


def test_a_value_that_never_changes_is_predicted() -> None:
    encoder = TargetEncoder.fit([5.0, 5.0], kind="values")
    assert encoder.transform([5.0, 7.0]).tolist() == [[0.0], [2.0]]
    assert encoder.inverse([[0.0]]).tolist() == [5.0]


def test_integers_and_texts_of_numbers_are_values() -> None:
    assert TargetEncoder.fit([1, 3], kind="values").center == (2.0,)
    assert TargetEncoder.fit(np.array(["1", "3"], dtype=object), kind="values").center == (2.0,)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([1.0, float("nan")], r"the data, row 1: the target 'y' is nan, but a finite number is expected; correct it"),
        ([float("inf"), 1.0], "row 0: the target 'y' is inf"),
        (np.array([1.0, "many"], dtype=object), "row 1: the target 'y' is 'many', but a number is expected"),
        (np.array([1.0, None], dtype=object), "row 1: the target 'y' is (None|nan)"),
        (np.ones((2, 2, 2)), r"the shape \(2, 2, 2\)"),
        ([], "there are no rows"),
    ],
)
def test_values_that_will_not_do(y: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        TargetEncoder.fit(y, kind="values", name="y")


def test_another_number_of_values() -> None:
    encoder = TargetEncoder.fit(np.ones((3, 2)), kind="values", name="a, b")
    with pytest.raises(DataError, match=r"t\.csv: the target 'a, b' has 1 columns, expected 2"):
        encoder.transform([1.0], where="t.csv")


def test_unknown_kind() -> None:
    with pytest.raises(UsageError, match='"classes" or "values"'):
        TargetEncoder.fit([1, 2], kind="labels")


ENCODERS = [
    TargetEncoder.fit([3, 1], kind="classes", name="y"),
    TargetEncoder.fit(["ü", "a"], kind="classes"),
    TargetEncoder.fit([True, False], kind="classes"),
    TargetEncoder.fit([0.1, 2.0], kind="classes"),
    TargetEncoder.fit([0.1, 2.0], kind="values"),
    TargetEncoder.fit(np.eye(3), kind="values", name="a, b, c"),
]


@pytest.mark.parametrize("encoder", ENCODERS, ids=lambda e: f"{e.kind} {e.classes}")
def test_json_round_trip(encoder: TargetEncoder) -> None:
    again = TargetEncoder.from_dict(json.loads(json.dumps(encoder.to_dict())))
    assert again == encoder
    assert [type(label) for label in again.classes or ()] == [type(label) for label in encoder.classes or ()]


CLASSES = {"kind": "classes", "name": "y", "classes": [1, 3]}
NUMBERS = {"kind": "values", "name": "y", "center": [0.0], "scale": [1.0], "flat": True}


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        {},
        {"kind": "classes"},
        CLASSES | {"more": 1},
        CLASSES | {"name": 1},
        CLASSES | {"kind": "values"},
        CLASSES | {"kind": "wild"},
        CLASSES | {"kind": ["classes"]},
        CLASSES | {"classes": []},
        CLASSES | {"classes": [1]},
        CLASSES | {"classes": [3, 3]},
        CLASSES | {"classes": [1, 1]},
        CLASSES | {"classes": [1, "a"]},
        CLASSES | {"classes": [1, 2.0]},
        CLASSES | {"classes": [0, True]},
        CLASSES | {"classes": [None, None]},
        CLASSES | {"classes": [[1], [2]]},
        CLASSES | {"classes": [1.0, float("nan")]},
        CLASSES | {"classes": [1, 2**70]},
        CLASSES | {"classes": "ab"},
        NUMBERS | {"more": 1},
        NUMBERS | {"kind": "classes"},
        NUMBERS | {"center": []},
        NUMBERS | {"center": [], "scale": []},
        NUMBERS | {"center": [0]},
        NUMBERS | {"center": ["0"]},
        NUMBERS | {"center": [float("nan")]},
        NUMBERS | {"scale": [float("inf")]},
        NUMBERS | {"scale": [0.0]},
        NUMBERS | {"scale": [-1.0]},
        NUMBERS | {"scale": [1.0, 1.0]},
        NUMBERS | {"flat": 1},
        NUMBERS | {"center": [0.0, 0.0], "scale": [1.0, 1.0]},
    ],
    ids=str,
)
def test_damaged_json_is_refused(data: Any) -> None:
    with pytest.raises(ModelFileError, match="the model file is damaged"):
        TargetEncoder.from_dict(data)


def test_classes_keep_the_order_of_the_outputs():
    target = TargetEncoder("classes", classes=("red", "blue"))
    assert TargetEncoder.from_dict(target.to_dict()) == target
    assert target.transform(["blue", "red"]).tolist() == [1, 0]
