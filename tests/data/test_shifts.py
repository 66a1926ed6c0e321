from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.data.shifts import shifted, shifted_copies
from chainrule.errors import ShapeError, UsageError

SHAPE = (4, 3)
IMAGES = np.arange(1, 25).reshape(2, 12)


@given(st.integers(-6, 6), st.integers(-6, 6))
def test_every_pixel_is_where_it_should_be(dx: int, dy: int) -> None:
    moved = shifted(IMAGES, SHAPE, dx, dy, fill=-1).reshape(-1, *SHAPE)
    images = IMAGES.reshape(-1, *SHAPE)
    for row in range(SHAPE[0]):
        for column in range(SHAPE[1]):
            inside = 0 <= row - dy < SHAPE[0] and 0 <= column - dx < SHAPE[1]
            expected = images[:, row - dy, column - dx] if inside else -1
            assert (moved[:, row, column] == expected).all()


def test_what_is_given_stays_and_the_number_type_too() -> None:
    bytes_ = IMAGES.astype(np.uint8)
    assert shifted(bytes_, SHAPE, 0, 0).dtype == np.uint8
    shifted(bytes_, SHAPE, 1, 1)[:] = 0
    assert (bytes_ == IMAGES).all()


@pytest.mark.parametrize(("least", "most", "places"), [(0, 0, 1), (0, 1, 9), (1, 1, 8), (2, 2, 16), (1, 2, 24)])
def test_copies_at_all_places(least: int, most: int, places: int) -> None:
    X, y = shifted_copies(IMAGES, ["a", "b"], SHAPE, most, least=least)
    assert X.shape == (2 * places, 12)
    assert y.tolist() == ["a", "b"] * places
    assert len({row.tobytes() for row in X}) == len(X)
    assert any((row == IMAGES[0]).all() for row in X) == (least == 0)


@pytest.mark.parametrize(
    ("X", "shape"), [(IMAGES, (4, 4)), (IMAGES[0], (4, 3)), (IMAGES, (-4, -3)), (IMAGES, (12,)), (IMAGES, (1, 4, 3))]
)
def test_rows_that_are_no_images(X: object, shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError, match="height x width"):
        shifted(X, shape, 1, 0)  # type: ignore[arg-type]


@pytest.mark.parametrize("pixels", [0.5, True, "1", None])
def test_steps_that_are_no_whole_numbers(pixels: object) -> None:
    with pytest.raises(UsageError, match="whole pixels"):
        shifted(IMAGES, SHAPE, pixels, 0)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="whole numbers"):
        shifted_copies(IMAGES, [0, 1], SHAPE, pixels)  # type: ignore[arg-type]


@pytest.mark.parametrize(("least", "most"), [(2, 1), (-1, 1)])
def test_distances_that_cannot_be(least: int, most: int) -> None:
    with pytest.raises(UsageError, match="from 0 on"):
        shifted_copies(IMAGES, [0, 1], SHAPE, most, least=least)
