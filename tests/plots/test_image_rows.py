from __future__ import annotations

import numpy as np
import pytest

from chainrule.errors import ShapeError, UsageError
from chainrule.plots.image_rows import image_rows


@pytest.mark.parametrize(("m", "shape"), [(1, (8, 8)), (3, (2, 9)), (10, (8, 8)), (30, (28, 28)), (4, (12, 3))])
@pytest.mark.parametrize("rows", [1, 2, 3])
def test_rows_of_images(check_texts, m, shape, rows):
    random = np.random.default_rng(0)
    images = [random.random((m, shape[0] * shape[1])) for _ in range(rows)]
    labels = ["original", "reconstruction", "principal components"][:rows]
    figure = image_rows(images, shape, labels, names=range(m), title="Ten digits", detail="through 16 numbers")
    shown = min(m, 12)
    assert len(figure.axes) == rows * shown
    for number, axes in enumerate(figure.axes):
        row, column = divmod(number, shown)
        np.testing.assert_array_equal(axes.images[0].get_array(), images[row][column].reshape(shape))
        assert axes.get_title() == (str(column) if row == 0 else "")
        assert axes.get_ylabel() == (labels[row] if column == 0 else "")
    check_texts(figure)


def test_all_rows_share_the_greys_of_the_first():
    figure = image_rows([[[0.0, 2.0]], [[-1.0, 5.0]]], (1, 2), ["a", "b"])
    assert {axes.images[0].get_clim() for axes in figure.axes} == {(0.0, 2.0)}


def test_count_and_no_words():
    figure = image_rows([np.ones((5, 4))], (2, 2), ["ones"], count=2)
    assert len(figure.axes) == 2
    assert not figure.get_suptitle()


@pytest.mark.parametrize(
    ("rows", "shape", "labels", "options", "error", "message"),
    [
        ([], (2, 2), [], {}, UsageError, "no rows"),
        ([np.ones((2, 4))], (2, 2), ["a", "b"], {}, ShapeError, "2 labels for 1 rows"),
        ([np.ones((2, 4)), np.ones((3, 4))], (2, 2), ["a", "b"], {}, ShapeError, r"row 1 .*\(3, 4\).*\(2, 4\)"),
        ([np.ones((2, 5))], (2, 2), ["a"], {}, ShapeError, "5 columns"),
        ([np.ones((2, 4))], (-2, -2), ["a"], {}, ShapeError, "height"),
        ([np.ones((2, 4))], (2, 2), ["a"], {"names": ["x"]}, ShapeError, "1 names for 2 images"),
        ([np.ones((2, 4))], (2, 2), ["a"], {"count": 0}, UsageError, "count is 0"),
        ([np.full((2, 4), np.nan)], (2, 2), ["a"], {}, UsageError, "nan in row 0"),
    ],
)
def test_what_cannot_be_drawn(rows, shape, labels, options, error, message):
    with pytest.raises(error, match=message):
        image_rows(rows, shape, labels, **options)
