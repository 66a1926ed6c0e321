from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.image import AxesImage

from chainrule.errors import ShapeError, UsageError
from chainrule.plots import confusion_matrix

MARITAL = ["Divorced", "Married-AF-spouse", "Married-civ-spouse", "Married-spouse-absent", "Never-married", "Separated"]


def shares(figure):
    (image,) = [child for child in figure.axes[0].get_children() if isinstance(child, AxesImage)]
    return np.asarray(image.get_array())


def counts(figure, k):
    table = np.zeros((k, k), dtype=int)
    for text in figure.axes[0].texts:
        column, row = text.get_position()
        table[int(row), int(column)] = int(text.get_text().split("\n")[0])
    return table


def answers(k, m, seed=0):
    random = np.random.default_rng(seed)
    truth = random.integers(0, k, m)
    return truth, np.where(random.random(m) < 0.8, truth, random.integers(0, k, m))


@settings(max_examples=10, deadline=None)
@given(k=st.integers(2, 12), m=st.integers(1, 60), seed=st.integers(0, 1000))
def test_counts_and_shares_equal_those_of_scikit_learn(k, m, seed):
    from sklearn.metrics import confusion_matrix as reference

    truth, predicted = answers(k, m, seed)
    names = np.array([f"c{number}" for number in range(k)])
    figure = confusion_matrix(names[truth], names[predicted], names)
    expected = reference(names[truth], names[predicted], labels=names)
    np.testing.assert_array_equal(counts(figure, k), expected)
    np.testing.assert_allclose(shares(figure), expected / np.maximum(expected.sum(axis=1, keepdims=True), 1))
    assert f"accuracy {100 * np.mean(truth == predicted):.1f} %" in figure.get_suptitle()


@pytest.mark.parametrize(
    ("k", "long"),
    [(2, False), (2, True), (3, True), (6, True), (7, True), (10, False), (10, True), (26, False), (30, True)],
)
def test_texts_do_not_overlap(check_texts, k, long):
    truth, predicted = answers(k, 400 * k)
    names = [f"{MARITAL[3]}-{number}" if long else chr(65 + number) for number in range(k)]
    figure = confusion_matrix(truth, predicted, names)
    assert len(figure.axes[0].texts) >= k
    check_texts(figure)


def test_real_long_names(check_texts):
    truth, predicted = answers(6, 50_000)
    check_texts(confusion_matrix(truth, predicted, MARITAL, title="Marital status of 50,000 people"))


def test_hundred_classes_leave_numbers_out(check_texts):
    figure = confusion_matrix(*answers(100, 20_000), range(100))
    assert not figure.axes[0].texts
    check_texts(figure)


def test_labels_numbers_and_pandas():
    from pandas import Series

    same = [
        confusion_matrix(["a", "b", "b"], ["a", "a", "b"], ["a", "b"]),
        confusion_matrix([0, 1, 1], [0, 0, 1], ["a", "b"]),
        confusion_matrix(Series(["a", "b", "b"]), np.array(["a", "a", "b"]), ("a", "b")),
        confusion_matrix([3, 7, 7], [3, 3, 7], [3, 7]),
        confusion_matrix([[False], [True], [True]], [False, False, True], [False, True]),
    ]
    for figure in same:
        np.testing.assert_array_equal(counts(figure, 2), [[1, 0], [1, 1]])


def test_dollar_signs_are_text(check_texts):
    names = ["<=$50K", "$\\no formula$"]
    figure = confusion_matrix(names, names, names, title="$\\nor here$")
    check_texts(figure)
    assert [label.get_text() for label in figure.axes[0].get_xticklabels()] == names


def test_a_class_without_examples_has_share_zero():
    assert shares(confusion_matrix(["a"], ["a"], ["a", "b"])).tolist() == [[1, 0], [0, 0]]


def test_lengths_that_differ():
    with pytest.raises(ShapeError, match="2 labels and predicted has 1"):
        confusion_matrix([0, 1], [0], [0, 1])


@pytest.mark.parametrize(
    ("truth", "predicted", "classes", "message"),
    [
        (["a", "x"], ["a", "a"], ["a", "b"], "row 1 of truth is 'x'"),
        (["a", "a"], ["a", float("nan")], ["a", "b"], "row 1 of predicted is 'nan'"),
        ([1.0, float("nan")], [1.0, 1.0], [1.0, 2.0], "row 1 of truth is nan"),
        ([0, 2], [0, 1], ["a", "b"], "row 1 of truth is 2"),
        ([0, 1], [0, 1], [3, 7], "row 0 of truth is 0"),
        ([], [], ["a"], "truth is empty"),
        (["a"], ["a"], [], "classes is empty"),
        (["a"], ["a"], ["a", "a"], "'a' twice"),
        (["a"], ["a"], "ab", "the text 'ab'"),
    ],
)
def test_wrong_labels(truth, predicted, classes, message):
    with pytest.raises(UsageError, match=message):
        confusion_matrix(truth, predicted, classes)


def test_one_hot_rows_are_refused():
    with pytest.raises(ShapeError, match=r"\(2, 2\)"):
        confusion_matrix(np.eye(2), [0, 1], [0, 1])
