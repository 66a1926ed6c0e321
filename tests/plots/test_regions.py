from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from chainrule.errors import ShapeError, UsageError
from chainrule.plots import decision_regions
from chainrule.plots.palette import COLOURS, MARKERS, colour, marker

X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
XOR = np.array([0, 1, 1, 0])


def xor(points):
    return ((points[:, 0] > 0.5) != (points[:, 1] > 0.5)).astype(int)


def wheel(k):
    """Return probabilities, points and labels of k classes around a circle."""
    angles = 2 * np.pi * np.arange(k) / k
    centres = 3 * np.column_stack([np.cos(angles), np.sin(angles)])

    def predict_proba(points):
        scores = -((points[:, np.newaxis] - centres) ** 2).sum(axis=-1)
        weights = np.exp(scores - scores.max(axis=1, keepdims=True))
        return weights / weights.sum(axis=1, keepdims=True)

    labels = np.repeat(np.arange(k), 10)
    return predict_proba, centres[labels] + np.random.default_rng(0).normal(0, 0.2, (len(labels), 2)), labels


def scatters(figure):
    return [each for each in figure.axes[0].collections if len(each.get_offsets()) > 0 and each.get_label()[0] != "_"]


def shade_at(figure, x, y):
    picture = figure.axes[0].images[0]
    left, right, bottom, top = picture.get_extent()
    rows, columns = picture.get_array().shape[:2]
    return picture.get_array()[int((y - bottom) / (top - bottom) * rows), int((x - left) / (right - left) * columns)]


def test_points_and_shades_belong_to_their_classes():
    figure = decision_regions(xor, X, XOR)
    zero, one = scatters(figure)
    np.testing.assert_array_equal(zero.get_offsets(), X[XOR == 0])
    np.testing.assert_array_equal(one.get_offsets(), X[XOR == 1])
    for (x, y), label in zip(X, XOR, strict=True):
        ink = np.array(to_rgb(colour(label)))
        shade = 1.0 - shade_at(figure, x, y)
        np.testing.assert_allclose(shade / shade.max(), (1 - ink) / (1 - ink).max(), atol=1e-6)


def test_shade_grows_with_probability():
    def predict_proba(points):
        right = 1 / (1 + np.exp(-points[:, 0]))
        return np.column_stack([1 - right, right])

    figure = decision_regions(predict_proba, [[-5.0, 0.0], [5.0, 1.0]], [0, 1])
    inks = [np.sum(1 - shade_at(figure, x, 0.5)) for x in (0.1, 1.0, 4.0)]
    assert inks == sorted(inks)
    assert inks[0] < inks[-1]
    assert "stronger" in figure.get_suptitle()
    assert "stronger" not in decision_regions(xor, X, XOR).get_suptitle()


@pytest.mark.parametrize("k", [2, 3, 10, 26])
def test_texts_do_not_overlap_and_no_class_looks_like_another(check_texts, k):
    figure = decision_regions(*wheel(k), classes=["Married-spouse-absent", *map(str, range(1, k))])
    check_texts(figure)
    assert len(scatters(figure)) == k
    axes = figure.axes[0]
    assert axes.get_legend().get_window_extent().x0 >= axes.get_window_extent().x1


def test_110_classes_differ():
    assert len({(colour(number), marker(number)) for number in range(110)}) == 110
    assert len(set(COLOURS)) == len(COLOURS)
    assert len(set(MARKERS)) == len(MARKERS)


def test_models_functions_and_one_column_agree():
    labels = np.array(["even", "odd"])
    proba = lambda points: np.eye(2)[xor(points)]  # noqa: E731
    y = labels[XOR]
    same = [
        decision_regions(lambda points: labels[xor(points)], X, y),
        decision_regions(xor, X, y, classes=labels),
        decision_regions(proba, X, XOR, classes=labels),
        decision_regions(lambda points: proba(points)[:, 1:], X, y),
        decision_regions(SimpleNamespace(predict=lambda points: labels[xor(points)]), X, y),
        decision_regions(SimpleNamespace(predict_proba=proba, predict=None, classes_=labels), X, y),
        decision_regions(SimpleNamespace(predict_proba=proba, classes=("even", "odd")), X, y),
    ]
    for figure in same[1:]:
        np.testing.assert_array_equal(figure.axes[0].images[0].get_array(), same[0].axes[0].images[0].get_array())


def test_the_model_sees_its_own_number_type():
    seen = []
    decision_regions(lambda points: seen.append(points.dtype) or xor(points), X.astype(np.float32), XOR)
    assert seen == [np.float32]


def test_features_name_the_axes(check_texts):
    figure = decision_regions(xor, X, XOR, features=["weight ($)", "height (inches)"], title="XOR")
    assert figure.axes[0].get_xlabel() == "weight ($)"
    assert figure.axes[0].get_ylabel() == "height (inches)"
    check_texts(figure)


@pytest.mark.parametrize("points", [[[1.0, 2.0]], [[1.0, 2.0], [1.0, 3.0]]])
def test_points_on_a_line_or_alone(points):
    decision_regions(lambda grid: np.zeros(len(grid), dtype=int), points, [0] * len(points)).draw_without_rendering()


def test_three_features_are_refused():
    with pytest.raises(ShapeError, match=r"3 features.*exactly two"):
        decision_regions(xor, np.zeros((4, 3)), XOR)


@pytest.mark.parametrize(
    ("keywords", "error", "message"),
    [
        ({"X": [[0.0, np.nan]], "y": [0]}, UsageError, "X has nan in row 0"),
        ({"X": np.zeros((0, 2)), "y": []}, UsageError, "X is empty"),
        ({"X": [["a", "b"]], "y": [0]}, UsageError, "X must be numbers"),
        ({"y": [0, 1]}, ShapeError, "4 rows and y has 2 labels"),
        ({"y": [0, 1, 1, 5], "classes": [0, 1]}, UsageError, "row 3 of y is 5"),
        ({"features": ["one"]}, ShapeError, "1 names"),
        ({"predict": 3}, UsageError, "predict is int"),
        ({"predict": lambda points: [0]}, ShapeError, r"\(1,\) for"),
        (
            {"predict": lambda points: np.zeros((len(points), 3)), "classes": [0, 1]},
            ShapeError,
            "gave 3 prob.* 2 classes",
        ),
        ({"predict": lambda points: np.full((len(points), 2), np.nan)}, UsageError, "prediction has nan"),
        ({"predict": lambda points: np.full((len(points), 2), 4.0)}, UsageError, "no probabilities"),
        ({"predict": lambda points: np.full((len(points), 2), -0.5)}, UsageError, "no probabilities"),
    ],
)
def test_wrong_arguments(keywords, error, message):
    with pytest.raises(error, match=message):
        decision_regions(**{"predict": xor, "X": X, "y": XOR, **keywords})
