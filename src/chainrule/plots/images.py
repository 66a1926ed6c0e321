"""Pictures of pictures: the images a network sees, and what its first layer looks for in them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.errors import ShapeError
from chainrule.language import template, tr
from chainrule.plots.checks import finite, positive
from chainrule.plots.palette import NEGATIVE
from chainrule.plots.style import drawing, heading, shorten

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["digits", "first_layer_weights"]

_LONGEST_LABEL = 14
_NEURONS = (template("the first {n} of {all:,} neurons"), template("all {all} neurons"), template("1 neuron"))
_IMAGES = (template("the first {n} of {all:,} images"), template("all {all} images"), template("1 image"))
_GAP = 0.05  # inches around an image


def first_layer_weights(
    W1: ArrayLike, image_shape: tuple[int, int], *, count: int = 30, title: str | None = None
) -> Figure:
    """Draw the weights into each neuron of the first layer as an image: blue where positive, red where negative.

    Args:
        W1: the weights of the first layer, shape (N_1, N_0); row i belongs to neuron i.
        image_shape: height and width of an input image; their product is N_0.
        count: the largest number of neurons to show.
        title: the heading.

    Returns:
        The figure; all images share one colour scale, symmetric about zero.

    Raises:
        ShapeError: N_0 is not height x width.
        UsageError: a weight is not finite, ``count`` is below 1.

    >>> figure = first_layer_weights([[0.5, -1.0, 0.0, 0.2]], (2, 2))
    >>> figure.axes[0].images[0].get_clim()
    (-1.0, 1.0)
    """
    weights = finite(W1, "W1", 2)
    height, width = _height_and_width(image_shape, weights.shape[1], "W1")
    images = weights[: positive(count, "count")].reshape(-1, height, width)
    limit = float(np.abs(images).max()) or 1.0
    columns = math.ceil(math.sqrt(1.2 * len(images)))
    rows = math.ceil(len(images) / columns)
    cell = float(np.clip(6.0 / columns, 1.0, 2.5))
    high = (cell * _flatness(height, width) + 0.2) * rows + 0.7
    with drawing(max(cell * columns + 1.3, 5.0), max(high, 2.5), _GAP) as figure:
        grid = figure.subplots(rows, columns, squeeze=False)
        for neuron, (axes, image) in enumerate(_cells(grid, images)):
            shown = axes.imshow(image, cmap="RdBu", vmin=-limit, vmax=limit, interpolation="nearest")
            axes.set_title(tr("neuron {number}", number=neuron), fontsize=8, pad=3)
        bar = figure.colorbar(shown, ax=figure.axes, fraction=0.05, pad=0.02)
        bar.set_label(tr("weight"))
        shown_of = tr(_first_of(_NEURONS, len(images), len(weights)), n=len(images), all=len(weights))
        detail = tr("{neurons}; blue: above 0, red: below", neurons=shown_of)
        heading(figure, title or tr("Weights of the first layer as images"), detail)
    return figure


def digits(
    images: ArrayLike,
    labels: ArrayLike,
    predicted: ArrayLike | None = None,
    image_shape: tuple[int, int] | None = None,
    *,
    count: int = 40,
    title: str | None = None,
) -> Figure:
    r"""Draw images in a grid, each with its label; wrong predictions have a cross, two labels and a thick frame.

    Args:
        images: shape (m, height, width), or (m, height * width) with ``image_shape``.
        labels: the true labels, shape (m,).
        predicted: the predicted ones, shape (m,); None draws the images with their true labels only.
        image_shape: height and width; by default square.
        count: the largest number of images to show.
        title: the heading.

    Returns:
        The figure.

    Raises:
        ShapeError: lengths differ, or the images do not have that shape.
        UsageError: a pixel is not finite, ``count`` is below 1.

    >>> figure = digits([[0, 1, 1, 0], [1, 0, 0, 1]], [7, 4], [7, 9])
    >>> [axes.get_title() for axes in figure.axes]
    ['7', '✗ 9\nis 4']
    """
    pixels = _pixels(images, image_shape)
    truth = _labels(labels, len(pixels), "labels")
    guesses = None if predicted is None else _labels(predicted, len(pixels), "predicted")
    shown = pixels[: positive(count, "count")]
    columns = min(len(shown), 10)
    rows = math.ceil(len(shown) / columns)
    lines = 0.3 if guesses is not None else 0.17
    longest = max(len(str(label)) for label in [*truth, *(guesses or [])])
    cell = float(np.clip(4.5 / columns, 0.75 if longest <= 4 else 1.2, 1.5))
    flat = _flatness(*shown.shape[1:])
    with drawing(max(cell * columns, 4.5), (cell * flat + lines) * rows + 0.8, _GAP) as figure:
        grid = figure.subplots(rows, columns, squeeze=False)
        for row, (axes, image) in enumerate(_cells(grid, shown)):
            axes.imshow(image, cmap="gray_r", interpolation="nearest")
            _label(axes, truth[row], truth[row] if guesses is None else guesses[row])
        default = tr("Images" if guesses is None else "Images and predictions")
        heading(figure, title or default, _score(truth, guesses, len(shown)))
    return figure


def _height_and_width(image_shape: tuple[int, int], pixels: int, name: str) -> tuple[int, int]:
    if len(image_shape) != 2 or math.prod(image_shape) != pixels or min(image_shape) < 1:
        raise ShapeError(
            "{name} has {pixels} columns, which do not make an image of the shape {shape}; expected (height, width)"
            " with height x width = {pixels}",
            name=name,
            pixels=pixels,
            shape=tuple(image_shape),
        )
    return int(image_shape[0]), int(image_shape[1])


def _flatness(height: int, width: int) -> float:
    """Return how high a picture is for its width, kept within what a grid can show."""
    return float(np.clip(height / width, 0.25, 3.0))


def _first_of(texts: tuple[str, str, str], shown: int, all_: int) -> str:
    """Choose among what to say of a part, of all of several, and of a single one."""
    return texts[0] if shown < all_ else texts[1] if all_ > 1 else texts[2]


def _cells(grid: NDArray[Any], images: NDArray[np.float64]) -> list[tuple[Axes, NDArray[np.float64]]]:
    """Pair the grid's axes with the images; axes that are left over are removed, ticks as well."""
    cells = list(grid.flat)
    for axes in cells:
        axes.set_xticks([])
        axes.set_yticks([])
        axes.spines[:].set_visible(True)
    for axes in cells[len(images) :]:
        axes.remove()
    return list(zip(cells, images, strict=False))


def _pixels(images: ArrayLike, image_shape: tuple[int, int] | None) -> NDArray[np.float64]:
    pixels = finite(images, "images", 2, 3)
    if pixels.ndim == 3 and image_shape is None:
        return pixels
    flat = pixels.reshape(len(pixels), -1)
    side = math.isqrt(flat.shape[1])
    height, width = _height_and_width(image_shape or (side, side), flat.shape[1], "images")
    return flat.reshape(-1, height, width)


def _labels(values: ArrayLike, m: int, name: str) -> list[Any]:
    array = np.asarray(values)
    if array.ndim != 1 or len(array) != m:
        raise ShapeError(
            "{name} has the shape {shape}; expected one label for each of the {m} images, shape ({m},)",
            name=name,
            shape=array.shape,
            m=m,
        )
    labels: list[Any] = array.tolist()
    return labels


def _label(axes: Axes, truth: Any, guess: Any) -> None:
    right = bool(truth == guess)
    text = shorten(truth, _LONGEST_LABEL)
    if not right:
        text = f"✗ {shorten(guess, _LONGEST_LABEL - 2)}\n{tr('is {label}', label=shorten(truth, _LONGEST_LABEL - 3))}"
        axes.spines[:].set(color=NEGATIVE, linewidth=2.5)
    axes.set_title(text, fontsize=8, pad=4, color="black" if right else NEGATIVE)


def _score(truth: list[Any], guesses: list[Any] | None, shown: int) -> str:
    first = tr(_first_of(_IMAGES, shown, len(truth)), n=shown, all=len(truth))
    if guesses is None:
        return first
    wrong = sum(bool(a != b) for a, b in zip(truth[:shown], guesses[:shown], strict=True))
    return tr("{images}; {wrong} wrong, marked ✗", images=first, wrong=wrong)
