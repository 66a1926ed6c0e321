from __future__ import annotations

import numpy as np
import pytest

from chainrule.errors import ShapeError, UsageError
from chainrule.plots import digits, first_layer_weights
from chainrule.plots.palette import NEGATIVE


def pictures(figure):
    return [axes for axes in figure.axes if axes.images and axes.get_title()]


@pytest.mark.parametrize(("neurons", "shape"), [(1, (8, 8)), (5, (4, 20)), (7, (20, 3)), (30, (28, 28)), (50, (2, 2))])
def test_weights_are_shown_as_images(check_texts, neurons, shape):
    W1 = np.random.default_rng(0).normal(size=(neurons, shape[0] * shape[1]))
    figure = first_layer_weights(W1, shape)
    shown = pictures(figure)
    assert len(shown) == min(neurons, 30)
    limit = np.abs(W1[:30]).max()
    for row, axes in enumerate(shown):
        np.testing.assert_array_equal(axes.images[0].get_array(), W1[row].reshape(shape))
        assert axes.images[0].get_clim() == (-limit, limit)
    assert [axes.get_ylabel() for axes in figure.axes if axes.get_ylabel()] == ["weight"]
    check_texts(figure)


def test_count_limits_and_says_so():
    figure = first_layer_weights(np.ones((10, 4)), (2, 2), count=4)
    assert len(pictures(figure)) == 4
    assert "first 4 of 10 neurons" in figure.get_suptitle()


def test_zero_weights():
    assert pictures(first_layer_weights(np.zeros((2, 4)), (2, 2)))[0].images[0].get_clim() == (-1.0, 1.0)


@pytest.mark.parametrize(
    ("W1", "shape", "count", "error", "message"),
    [
        (np.ones((3, 10)), (3, 3), 30, ShapeError, r"10 columns.*\(3, 3\)"),
        (np.ones((3, 9)), (9,), 30, ShapeError, "height"),
        (np.ones((3, 9)), (-3, -3), 30, ShapeError, "height"),
        (np.ones(9), (3, 3), 30, ShapeError, r"shape \(9,\)"),
        (np.ones((3, 9)), (3, 3), 0, UsageError, "count is 0"),
        (np.full((1, 9), np.inf), (3, 3), 30, UsageError, "inf in row 0"),
        (np.ones((0, 9)), (3, 3), 30, UsageError, "empty"),
    ],
)
def test_wrong_weights(W1, shape, count, error, message):
    with pytest.raises(error, match=message):
        first_layer_weights(W1, shape, count=count)


@pytest.mark.parametrize("m", [1, 3, 23, 60])
@pytest.mark.parametrize("names", [list("0123456789"), ["T-shirt/top", "Ankle boot", "Married-spouse-absent"]])
def test_wrong_predictions_are_marked(check_texts, m, names):
    random = np.random.default_rng(0)
    images = random.random((m, 64))
    truth = np.array(names)[random.integers(0, len(names), m)]
    predicted = np.where(random.random(m) < 0.5, truth, names[-1])
    figure = digits(images, truth, predicted)
    assert len(figure.axes) == min(m, 40)
    for row, axes in enumerate(figure.axes):
        np.testing.assert_array_equal(axes.images[0].get_array(), images[row].reshape(8, 8))
        wrong = truth[row] != predicted[row]
        assert axes.get_title().startswith("✗") == wrong
        assert (axes.spines["left"].get_linewidth() > 2) == wrong
        assert (axes.title.get_color() == NEGATIVE) == wrong
    check_texts(figure)


def test_shapes_of_images():
    wide = np.arange(12.0).reshape(2, 6)
    assert digits(wide, [0, 1], image_shape=(2, 3)).axes[0].images[0].get_array().shape == (2, 3)
    assert digits(wide.reshape(2, 3, 2), [0, 1]).axes[0].images[0].get_array().shape == (3, 2)
    assert "all 2 images" in digits(wide, [0, 1], image_shape=(2, 3)).get_suptitle()
    with pytest.raises(ShapeError, match="6 columns"):
        digits(wide, [0, 1])


@pytest.mark.parametrize(
    ("labels", "predicted", "message"), [([0], None, "labels has the shape"), ([0, 1], [1], "predicted has the shape")]
)
def test_lengths_that_differ(labels, predicted, message):
    with pytest.raises(ShapeError, match=message):
        digits(np.ones((2, 4)), labels, predicted)


def test_pixels_that_are_not_finite():
    with pytest.raises(UsageError, match="images has nan in row 1"):
        digits([[0.0] * 4, [np.nan] * 4], [0, 1])
