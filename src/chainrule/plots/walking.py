"""A path of points: what part of it is shown, and its steps as arrows, marks and numbers."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from chainrule.language import Message, tr
from chainrule.plots.palette import COLOURS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from chainrule.descent import Descent

__all__ = ["BEST", "END", "PATH", "START", "View", "choose_views", "explain", "limits", "marked", "walk", "words"]

PATH = COLOURS[1]
START: dict[str, Any] = {"linestyle": "", "marker": "o", "color": COLOURS[6], "markersize": 9}
END: dict[str, Any] = {
    "linestyle": "",
    "marker": "D",
    "color": COLOURS[2],
    "markeredgecolor": "black",
    "markersize": 6,
}
BEST: dict[str, Any] = {
    "linestyle": "",
    "marker": "*",
    "color": COLOURS[7],
    "markeredgecolor": "black",
    "markersize": 15,
}

_MOST_ARROWS, _MOST_NUMBERS, _MOST_MARKS = 12, 8, 100
# Of the picture's width: so far apart two numbers, or two marks, do not touch.
_NUMBERS_APART, _MARKS_APART = 0.05, 0.012
_AWAY = 11.0  # points from a number to what it numbers
# A path that leads away is shown as far as so many times its first step.
_SHOWN = 3.0
_MARGIN = 0.35
_ALIKE = 10.0

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class View:
    """What part of a path is shown, and in which limits.

    Args:
        path: the points that are shown, shape (k, variables).
        values: J at each, shape (k,).
        rest: the points that are not shown, as a path that diverges soon leads out of every picture.
        low: the smallest coordinates of the picture, shape (variables,).
        high: the largest.
        bottom: the smallest value of J that is shown, on a curve.
        top: the largest.
    """

    path: Floats
    values: Floats
    rest: Floats
    low: Floats
    high: Floats
    bottom: float
    top: float


def choose_views(descents: list[Descent]) -> list[View]:
    """Choose what is shown: those that end in common limits, and each that diverges in its own."""
    shown = [_shown(each) for each in descents]
    ended = [k for k, each in enumerate(descents) if not each.diverged]
    views = []
    for k, (each, count) in enumerate(zip(descents, shown, strict=True)):
        group = [k] if each.diverged else ended
        low, high = limits(np.concatenate([descents[j].path[: shown[j]] for j in group]))
        values = np.concatenate([descents[j].values[: shown[j]] for j in group])
        rest, bottom, top = each.path[count:], float(values.min()), float(values.max())
        views.append(View(each.path[:count], each.values[:count], rest, low, high, bottom, top))
    return views


def _shown(descent: Descent) -> int:
    """Give how many points are shown: of a path that diverges those near its start, in any case two."""
    path = descent.path
    if not descent.diverged or len(path) < 3:
        return len(path)
    away = np.abs(path - path[0]).max(axis=1)
    outside = np.flatnonzero(away > _SHOWN * away[1])
    return max(2, int(outside[0])) if len(outside) else len(path)


def limits(points: Floats) -> tuple[Floats, Floats]:
    """Give limits around points, with room on all sides; a square where two coordinates are of like size."""
    low, high = points.min(axis=0), points.max(axis=0)
    middle, span, size = (low + high) / 2, high - low, np.maximum(np.abs(low), np.abs(high))
    span = np.where(span * _ALIKE > span.max(), span.max(), span)
    # Never so narrow that rounding would swallow it.
    span = np.where(span > 1e-6 * size, span, np.where(size > 0, size, 1.0))
    half = (0.5 + _MARGIN) * span
    return middle - half, middle + half


def walk(axes: Axes, points: Floats, rest: Floats, sides: Floats) -> None:
    """Draw a path: its steps, its start, its end if that is in the picture, and numbers on these sides of it."""
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    scale = np.array([right - left, top - bottom])
    scaled = (points - (left, bottom)) / scale
    if len(points) <= _MOST_ARROWS + 1:
        look = {"arrowstyle": "-|>", "color": PATH, "linewidth": 1.3, "shrinkA": 0, "shrinkB": 2}
        for before, after in pairwise(points):
            axes.annotate("", after, before, arrowprops=look, annotation_clip=False, zorder=4)
    else:
        axes.plot(*points.T, "-", color=PATH, linewidth=1.2 if len(points) <= 200 else 0.7, zorder=3)
    if len(rest):
        step = (rest[0] - points[-1]) / scale
        out = points[-1] + scale * step * min(1.0, 3.0 / (float(np.abs(step).max()) or 1.0))
        axes.plot(*np.stack([points[-1], out]).T, "--", color=PATH, linewidth=1.3, zorder=3)
    axes.plot(*points[marked(scaled)].T, "o", color=PATH, markersize=4.0, zorder=4)
    axes.plot(*points[:1].T, zorder=5, **START)
    if not len(rest):
        axes.plot(*points[-1:].T, zorder=5, **END)
    for k in _apart(scaled[: _MOST_NUMBERS + 1], _NUMBERS_APART, _MOST_NUMBERS):
        side = sides[k] / scale
        offset = _AWAY * side / (np.hypot(*side) or 1.0)
        words: dict[str, Any] = {"textcoords": "offset points", "ha": "center", "va": "center", "fontsize": 9}
        axes.annotate(str(k), points[k], offset, annotation_clip=False, zorder=7, **words)


def marked(scaled: Floats) -> list[int]:
    """Choose the points that get a mark: as many as can be told apart. Coordinates are shares of the picture."""
    return _apart(scaled, _MARKS_APART, _MOST_MARKS)


def _apart(scaled: Floats, least: float, most: int) -> list[int]:
    """Choose points, from the first on, that stand apart from those chosen before."""
    chosen: list[int] = []
    for k, place in enumerate(scaled):
        if len(chosen) < most and (np.abs(scaled[chosen] - place).max(axis=-1) > least).all():
            chosen.append(k)
    return chosen


def explain(figure: Figure, *, best: bool = False) -> None:
    """Say below the picture what the marks mean."""
    from matplotlib.lines import Line2D

    marks: list[Any] = [
        Line2D([], [], label=tr("start"), **START),
        Line2D([], [], label=tr("end"), **END),
    ]
    if best:
        marks.append(Line2D([], [], label=tr("lowest cost"), **BEST))
    figure.legend(handles=marks, loc="outside lower center", ncols=len(marks))


def words(text: str) -> str:
    """Give a text in the language in use; what is no message may hold braces and stays as it is."""
    return tr(text) if isinstance(text, Message) else str(text)
