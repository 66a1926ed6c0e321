"""Rows of small images, one below the other: what went in beside what came out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.errors import ShapeError, UsageError
from chainrule.language import Message, tr
from chainrule.plots.checks import finite, positive
from chainrule.plots.style import drawing, heading, text_width

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["image_rows"]

_GAP = 0.04  # inches around an image
_POINTS = 9.0


def image_rows(
    rows: Sequence[ArrayLike],
    shape: tuple[int, int],
    labels: Sequence[str],
    *,
    names: Sequence[object] = (),
    count: int = 12,
    title: str = "",
    detail: str = "",
) -> Figure:
    """Draw several versions of the same images below one another, such as originals and their reconstructions.

    Args:
        rows: for each row of the picture its images, shape (m, height * width); the m of all rows agree.
        shape: height and width of an image.
        labels: what each row shows.
        names: what stands above each column, such as the digit; none where empty.
        count: the largest number of columns to show.
        title: the heading, none where empty.
        detail: a second line below the heading.

    Returns:
        The figure; all images share the scale of greys of the first row, from its smallest number (white) to its
        largest (black); what lies beyond is white or black, too. Texts that are a `Message` are in the language in use.

    Raises:
        ShapeError: the rows differ in shape, are no such images, or there is not a label for each row.
        UsageError: there is no row, a pixel is not finite, or ``count`` is below 1.

    >>> figure = image_rows([[[0.0, 1.0]], [[0.2, 0.8]]], (1, 2), ["original", "reconstruction"])
    >>> [axes.get_ylabel() for axes in figure.axes]
    ['original', 'reconstruction']
    """
    images = _checked(rows, shape, labels, names)[:, : positive(count, "count")]
    low, high = float(images[0].min()), float(images[0].max())
    told = [_told(label) for label in labels]
    side = max(text_width(label, _POINTS) for label in told) / 72 + 0.2
    cell = float(np.clip(7.0 / images.shape[1], 0.6, 1.3))
    flat = float(np.clip(shape[0] / shape[1], 0.25, 3.0))
    above = 0.2 * (bool(names) + bool(title) + bool(detail)) + 0.1
    with drawing(
        max(cell * images.shape[1] + side, 4.5), (cell * flat + 2 * _GAP) * len(images) + above, _GAP
    ) as figure:
        grid = figure.subplots(len(images), images.shape[1], squeeze=False)
        for row, label in enumerate(told):
            for column, axes in enumerate(grid[row]):
                axes.imshow(images[row, column], cmap="gray_r", vmin=low, vmax=high, interpolation="nearest")
                axes.set_xticks([])
                axes.set_yticks([])
                axes.spines[:].set_visible(True)
                if names and row == 0:
                    axes.set_title(_told(names[column]), fontsize=_POINTS, pad=3)
            grid[row, 0].set_ylabel(label, rotation=0, ha="right", va="center", fontsize=_POINTS)
        heading(figure, _told(title), _told(detail))
    return figure


def _told(text: object) -> str:
    return tr(text) if isinstance(text, Message) else str(text)


def _checked(
    rows: Sequence[ArrayLike], shape: tuple[int, int], labels: Sequence[str], names: Sequence[object]
) -> NDArray[np.float64]:
    """Return the images with the shape (rows, columns, height, width)."""
    if not len(rows):
        raise UsageError("there are no rows of images to draw; give at least one")
    if len(labels) != len(rows):
        raise ShapeError("there are {labels} labels for {rows} rows of images", labels=len(labels), rows=len(rows))
    pixels = [finite(row, f"row {number} of the images", 2) for number, row in enumerate(rows)]
    for number, row in enumerate(pixels):
        if row.shape != pixels[0].shape:
            raise ShapeError(
                "row {number} of the images has the shape {given}; row 0 has {expected}, and all must agree",
                number=number,
                given=row.shape,
                expected=pixels[0].shape,
            )
    if len(shape) != 2 or min(shape) < 1 or math.prod(shape) != pixels[0].shape[1]:
        raise ShapeError(
            "{name} has {pixels} columns, which do not make an image of the shape {shape}; expected (height, width)"
            " with height x width = {pixels}",
            name="row 0 of the images",
            pixels=pixels[0].shape[1],
            shape=tuple(shape),
        )
    if names and len(names) < len(pixels[0]):
        raise ShapeError("there are {names} names for {m} images", names=len(names), m=len(pixels[0]))
    return np.array(pixels).reshape(len(pixels), -1, *shape)
