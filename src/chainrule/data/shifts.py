"""Images moved by whole pixels: the same thing to a person, other numbers to a network."""

from __future__ import annotations

import math
import numbers

import numpy as np
import numpy.typing as npt

from chainrule.data.dataset import Array
from chainrule.errors import ShapeError, UsageError

__all__ = ["shifted", "shifted_copies"]


def shifted(X: npt.ArrayLike, shape: tuple[int, int], dx: int, dy: int, *, fill: float = 0.0) -> Array:
    """Move images by whole pixels; what leaves at one edge is lost, and background comes in at the other.

    Args:
        X: images as rows, shape (m, height * width).
        shape: height and width.
        dx: pixels to the right; below 0 to the left.
        dy: pixels down; below 0 up.
        fill: the background.

    Returns:
        A new array of the same shape and number type.

    Raises:
        ShapeError: the rows are no images of this shape.
        UsageError: dx or dy is no whole number.

    >>> shifted([[1, 2, 3, 4]], (2, 2), dx=1, dy=0).tolist()
    [[0, 1, 0, 3]]
    """
    rows = np.asarray(X)
    if len(shape) != 2 or min(shape) < 1 or rows.ndim != 2 or rows.shape[1] != math.prod(shape):
        raise ShapeError(
            "X has the shape {given}, which is not that of images of {shape}; expected rows of height x width pixels",
            given=rows.shape,
            shape=tuple(shape),
        )
    for name, pixels in (("dx", dx), ("dy", dy)):
        if isinstance(pixels, bool) or not isinstance(pixels, numbers.Integral):
            raise UsageError("{name} is {pixels!r}; images move by whole pixels, such as 1", name=name, pixels=pixels)
    height, width = shape
    images = rows.reshape(-1, height, width)
    moved = np.full_like(images, fill)
    rows_to, rows_from = _overlap(int(dy), height)
    columns_to, columns_from = _overlap(int(dx), width)
    moved[:, rows_to, columns_to] = images[:, rows_from, columns_from]
    return moved.reshape(rows.shape)


def shifted_copies(
    X: npt.ArrayLike, y: npt.ArrayLike, shape: tuple[int, int], most: int, *, least: int = 0, fill: float = 0.0
) -> tuple[Array, Array]:
    """Give every image at every place that it can be moved to; the farther of dx and dy is from ``least`` to ``most``.

    Args:
        X: images as rows, shape (m, height * width).
        y: their labels, shape (m,).
        shape: height and width.
        most: the farthest that an image is moved, in pixels.
        least: the least far; 0 has the images as they are among the copies.
        fill: the background.

    Returns:
        The copies and their labels: all images at one place, then all at the next.

    Raises:
        ShapeError: the rows are no images of this shape.
        UsageError: ``least`` and ``most`` are no whole numbers with 0 <= least <= most.

    >>> X, y = shifted_copies([[1, 2, 3, 4]], ["a"], (2, 2), most=1, least=1)
    >>> len(X), X[0].tolist(), y[0].item()
    (8, [4, 0, 0, 0], 'a')
    """
    whole = all(isinstance(each, numbers.Integral) and not isinstance(each, bool) for each in (least, most))
    if not whole or not 0 <= least <= most:
        raise UsageError(
            "images cannot be moved by {least!r} to {most!r} pixels; expected whole numbers, from 0 on",
            least=least,
            most=most,
        )
    steps = range(-most, most + 1)
    places = [(dx, dy) for dx in steps for dy in steps if max(abs(dx), abs(dy)) >= least]
    copies = [shifted(X, shape, dx, dy, fill=fill) for dx, dy in places]
    return np.concatenate(copies), np.concatenate([np.asarray(y)] * len(places))


def _overlap(step: int, length: int) -> tuple[slice, slice]:
    """Give where pixels go, and where they come from, along one direction."""
    kept = max(length - abs(step), 0)
    to, start = (min(step, length), 0) if step > 0 else (0, min(-step, length))
    return slice(to, to + kept), slice(start, start + kept)
