"""Functions of two variables from above: contours, and paths on them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.errors import ShapeError, UsageError
from chainrule.plots.checks import finite
from chainrule.plots.palette import NEUTRAL
from chainrule.plots.style import drawing, heading
from chainrule.plots.walking import BEST, explain, limits, walk, words

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["draw_contours", "heights_on_grid", "paths_on_contours", "walk_on_contours"]

_GRID, _COARSE = 121, 61

Floats = NDArray[np.float64]
Value = Callable[[Floats], Floats]


def paths_on_contours(
    value: Value,
    paths: Mapping[str, ArrayLike],
    *,
    names: Sequence[str] = ("θ₁", "θ₂"),
    best: ArrayLike | None = None,
    title: str = "",
    detail: str = "",
) -> Figure:
    """Draw how parameters moved on the contours of a cost, a panel for each path, all in the same limits.

    Args:
        value: takes points of shape (..., 2) to the cost there, of shape (...).
        paths: by name, the points one after another, each of shape (k, 2).
        names: what the two parameters are called.
        best: where the lowest cost is, if it is known: it is marked.
        title: the heading.
        detail: a second line below it.

    Returns:
        The figure.

    Raises:
        UsageError: there is no path, or one with a number that is not finite.
        ShapeError: a path is not of shape (k, 2).

    >>> import numpy as np
    >>> bowl = lambda points: np.sum(np.square(points), axis=-1)
    >>> figure = paths_on_contours(bowl, {"rate 0.25": [(2.0, 1.0), (1.0, 0.5), (0.5, 0.25)]}, best=(0.0, 0.0))
    >>> len(figure.axes)
    1
    """
    if not paths:
        raise UsageError("paths is empty; give at least one path, by name")
    points = {name: finite(path, f"path {str(name)!r}", 2) for name, path in paths.items()}
    for name, path in points.items():
        if path.shape[1] != 2:
            raise ShapeError("path {name!r} has the shape {shape}; expected (k, 2)", name=str(name), shape=path.shape)
    known = [] if best is None else [finite(best, "best", 1)[np.newaxis]]
    low, high = limits(np.concatenate([*points.values(), *known]))
    with drawing(max(5.6, 3.9 * len(points)), 4.4) as figure:
        for axes, (name, path) in zip(figure.subplots(1, len(points), squeeze=False)[0], points.items(), strict=True):
            draw_contours(axes, value, low, high, names, _COARSE)
            for place in known:
                axes.plot(*place.T, zorder=4.5, **BEST)
            walk_on_contours(axes, path, path[:0])
            axes.set_title(words(name))
        explain(figure, best=best is not None)
        heading(figure, words(title), words(detail))
    return figure


def draw_contours(axes: Axes, value: Value, low: Floats, high: Floats, names: Sequence[str], grid: int = _GRID) -> None:
    """Draw the contours of a function within these limits."""
    x, y, heights = heights_on_grid(value, low, high, grid)
    seen = np.ma.masked_invalid(heights)
    levels = _levels(seen.compressed())
    axes.contourf(x, y, seen, levels=levels, cmap="Blues_r", alpha=0.55, extend="both")
    axes.contour(x, y, seen, levels=levels, colors=NEUTRAL, linewidths=0.5)
    axes.set_xlim(low[0], high[0])
    axes.set_ylim(low[1], high[1])
    axes.set_box_aspect(1)
    axes.set_xlabel(names[0])
    axes.set_ylabel(names[1])


def walk_on_contours(axes: Axes, points: Floats, rest: Floats) -> None:
    """Draw a path on contours that are there already."""
    ahead = np.gradient(points, axis=0) if len(points) > 1 else np.ones_like(points)
    walk(axes, points, rest, np.column_stack([-ahead[:, 1], ahead[:, 0]]))


def heights_on_grid(value: Value, low: Floats, high: Floats, count: int) -> tuple[Floats, Floats, Floats]:
    """Give the sides of a grid within these limits, and the values on it."""
    x, y = (np.linspace(low[k], high[k], count) for k in range(2))
    points = np.stack(np.meshgrid(x, y), axis=-1)
    return x, y, np.asarray(value(points), dtype=np.float64)


def _levels(heights: Floats) -> Floats:
    """Choose levels that lie closer together near the bottom, where descents end."""
    low, high = float(heights.min()), float(heights.max())
    return low + ((high - low) or 1.0) * np.linspace(0.0, 1.0, 14)[1:-1] ** 2
