"""A small network while it learns from one example: its weights on its lines, and how they and the error went."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.errors import ShapeError
from chainrule.language import tr
from chainrule.plots.checks import finite
from chainrule.plots.filming import save_animation
from chainrule.plots.layout import Layer
from chainrule.plots.palette import LINE_STYLES, NEGATIVE, NEUTRAL, POSITIVE, colour
from chainrule.plots.style import beside, drawing, significant

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["Watched", "film_learning", "watch_learning"]

_COLUMN, _RADIUS, _MOST = 2.7, 0.36, 12  # rows from layer to layer, rows, neurons of a column
_MOST_NUMBERED, _MOST_VALUED = 12, 5  # weights with their numbers written on, neurons of a column with their values
_THINNEST, _WIDEST = 0.4, 5.0
_LOG_FROM = 100.0  # the largest error by the smallest
_DASHES = (0, (3, 1.5))
_NUMBER_AT, _ROOM = (0.33, 0.66, 0.42, 0.54, 0.25, 0.74), np.array([1.0, 0.25])

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Watched:
    """A figure that can show any moment of a training.

    Args:
        figure: the figure, which shows the first moment.
        show: ``show(k)`` moves it to moment k = 0, 1, …, as `save_animation` asks for.
    """

    figure: Figure
    show: Callable[[int], None]


def watch_learning(models: Sequence[Any], updates: Sequence[int], x: ArrayLike, y: ArrayLike) -> Watched:
    """Draw the network with what the example makes of it, beside the courses of its error and its weights.

    Lines are solid and blue where a weight is positive, dashed and red where it is negative, wide where it is large.
    Networks of at most twelve weights get names and numbers written on.

    Args:
        models: the model at each moment; all are of one network of dense layers.
        updates: how many updates were made by then, rising, one number for each model.
        x: the example, shape (N_0,).
        y: its targets, shape (N_K,).

    Returns:
        The figure and the function that moves it.

    Raises:
        ShapeError: there are not as many numbers of updates as models, or none.

    >>> from chainrule import Network
    >>> network = Network.from_sizes([2, 2, 1], hidden="sigmoid", output="sigmoid")
    >>> watched = watch_learning([network.init(0), network.init(1)], [0, 1], [0.5, 0.1], [1.0])
    >>> watched.show(1)
    >>> watched.figure.axes[0].get_title().split(":")[0]
    'update 1'
    """
    if not len(models) or len(models) != len(updates):
        raise ShapeError(
            "there are {models} models and {updates} numbers of updates; give one number for each model",
            models=len(models),
            updates=len(updates),
        )
    inputs, targets = finite(x, "x", 1)[np.newaxis], finite(y, "y", 1)[np.newaxis]
    errors = [float(model.evaluate(inputs, targets)["loss"]) for model in models]
    depth = int(models[0].network.depth)
    weights = np.array([np.concatenate([np.ravel(model.W[l]) for l in range(1, depth + 1)]) for model in models])
    with drawing(11.0, 5.4) as figure:
        grid = figure.add_gridspec(2, 2, width_ratios=(1.25, 1.0))
        left, above, below = (figure.add_subplot(place) for place in (grid[:, 0], grid[0, 1], grid[1, 1]))
        titles = [
            tr("update {t:,}: error {error}", t=t, error=significant(error, 6))
            for t, error in zip(updates, errors, strict=True)
        ]
        title = left.set_title(titles[0])
        redraw = _diagram(left, models, inputs, targets, float(np.abs(weights).max()))
        marks = [_course(above, updates, [errors], tr("error"), log=_spans_much(errors))]
        marks.append(_course(below, updates, list(weights.T), tr("weights"), named=True))
        below.set_xlabel(tr("updates"))

    def show(k: int) -> None:
        title.set_text(titles[k])
        redraw(k)
        for mark in marks:
            mark.set_xdata([updates[k], updates[k]])

    return Watched(figure, show)


def film_learning(
    path: str | PathLike[str], models: Sequence[Any], updates: Sequence[int], x: ArrayLike, y: ArrayLike
) -> Path:
    """Write what `watch_learning` draws as an animation, one frame for each moment.

    Args:
        path: where to; ends in ``.gif`` or ``.mp4``.
        models: as for `watch_learning`.
        updates: likewise.
        x: likewise.
        y: likewise.

    Returns:
        The path that was written.

    Raises:
        ShapeError, UsageError, SaveError: as `watch_learning` and `save_animation` do.
    """
    watched = watch_learning(models, updates, x, y)
    return save_animation(watched.figure, watched.show, len(models), path)


def _spans_much(values: Sequence[float]) -> bool:
    return min(values) > 0 and max(values) > _LOG_FROM * min(values)


def _course(
    axes: Axes, updates: Sequence[int], curves: list[Any], name: str, *, log: bool = False, named: bool = False
) -> Any:
    """Draw curves over the updates, and return the line that marks a moment."""
    from matplotlib.ticker import FuncFormatter, NullFormatter

    for number, curve in enumerate(curves):
        look: dict[str, Any] = {"color": colour(number), "linestyle": LINE_STYLES[number % len(LINE_STYLES)]}
        axes.plot(updates, curve, label=f"w{number + 1}", **look)
    axes.set_xscale("symlog", linthresh=1)
    if log:
        axes.set_yscale("log")
        axes.yaxis.set_minor_formatter(NullFormatter())
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: significant(value)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.set_ylabel(name)
    axes.grid(alpha=0.3)
    if named and len(curves) <= _MOST_NUMBERED:
        beside(axes, axes.get_lines())
    return axes.axvline(updates[0], color=NEUTRAL, linewidth=1.0, linestyle=(0, (1, 2)))


def _diagram(axes: Axes, models: Sequence[Any], X: Floats, Y: Floats, largest: float) -> Callable[[int], None]:
    """Draw the network, and return what moves it to another moment."""
    sizes = models[0].network.sizes
    layers = [Layer.of(size, l * _COLUMN, _MOST) for l, size in enumerate(sizes)]
    # Few neurons stand far apart, so that lines which cross leave room for their numbers.
    apart = max(1.0, 4.0 / max(len(layer.y) for layer in layers))
    layers = [replace(layer, y=apart * layer.y) for layer in layers]
    heights = np.concatenate([layer.y for layer in layers])
    axes.set_xlim(-0.8, layers[-1].x + 1.5)
    axes.set_ylim(heights.min() - 0.6, heights.max() + 0.6)
    axes.set_aspect("equal")
    axes.axis("off")
    values = _neurons(axes, layers, Y, named=max(sizes) <= _MOST_VALUED)
    lines = [_lines(axes, layers[l - 1], layers[l]) for l in range(1, len(sizes))]
    numbers = _numbers(axes, layers) if _count(sizes) <= _MOST_NUMBERED else []

    def redraw(k: int) -> None:
        shown = []
        for l, collection in enumerate(lines, start=1):
            W = np.asarray(models[k].W[l])[np.ix_(layers[l].shown, layers[l - 1].shown)].ravel()
            collection.set_linewidths(_THINNEST + (_WIDEST - _THINNEST) * np.abs(W) / (largest or 1.0))
            collection.set_colors([NEGATIVE if w < 0 else POSITIVE for w in W])
            collection.set_linestyles([_DASHES if w < 0 else "-" for w in W])
            shown += W.tolist()
        for number, (text, w) in enumerate(zip(numbers, shown, strict=False), start=1):
            text.set_text(f"w{number} {w:.3f}".replace("-", "−"))
        passed = models[k].forward(X)
        activations = np.concatenate([passed.A[l][0] for l in range(len(sizes))])
        for text, a in zip(values, activations, strict=False):
            text.set_text(f"{a:.3f}".replace("-", "−"))

    redraw(0)
    return redraw


def _count(sizes: Sequence[int]) -> int:
    return int(np.dot(sizes[:-1], sizes[1:]))


def _lines(axes: Axes, before: Layer, after: Layer) -> Any:
    from matplotlib.collections import LineCollection

    segments = [[(before.x, start), (after.x, end)] for end in after.y for start in before.y]
    return axes.add_collection(LineCollection(segments, zorder=1))


def _neurons(axes: Axes, layers: Sequence[Layer], Y: Floats, *, named: bool) -> list[Any]:
    """Draw the neurons, and return the texts that will hold their values; name them and write the targets beside."""
    from matplotlib.patches import Circle

    values = []
    for l, layer in enumerate(layers):
        letter = "x" if l == 0 else "o" if l == len(layers) - 1 else "h"
        for neuron, y in zip(layer.shown, layer.y, strict=True):
            axes.add_patch(Circle((layer.x, y), _RADIUS, facecolor="white", edgecolor="black", linewidth=1.0, zorder=3))
            if named:
                words: dict[str, Any] = {"ha": "center", "va": "center", "zorder": 4}
                axes.text(layer.x, y + 0.12, f"{letter}{neuron + 1}", fontsize=9, **words)
                values.append(axes.text(layer.x, y - 0.12, "", fontsize=8, **words))
    for y, target in zip(layers[-1].y, Y[0] if named else (), strict=False):
        axes.text(layers[-1].x + _RADIUS + 0.1, y, tr("target {y}", y=significant(target)), fontsize=8, va="center")
    return values


def _numbers(axes: Axes, layers: Sequence[Layer]) -> list[Any]:
    """Write a number on each line, at the first of several places where it hides no other."""
    paper = {"facecolor": "white", "edgecolor": "none", "pad": 0.8}
    taken: list[Floats] = []
    for before, after in pairwise(layers):
        for start, end in [((before.x, start), (after.x, end)) for end in after.y for start in before.y]:
            places = [np.add(start, share * np.subtract(end, start)) for share in _NUMBER_AT]
            free = [place for place in places if all((np.abs(place - other) >= _ROOM).any() for other in taken)]
            taken.append(free[0] if free else places[0])
    look: dict[str, Any] = {"fontsize": 8, "ha": "center", "va": "center", "bbox": paper, "zorder": 2}
    return [axes.text(float(x), float(y), "", **look) for x, y in taken]
