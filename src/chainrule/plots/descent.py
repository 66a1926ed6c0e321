"""The way down: on a curve, on contours and on the surface."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.errors import ShapeError, UsageError
from chainrule.language import tr
from chainrule.plots.contours import draw_contours, heights_on_grid, walk_on_contours
from chainrule.plots.filming import save_animation
from chainrule.plots.palette import COLOURS
from chainrule.plots.style import drawing, heading
from chainrule.plots.walking import END, PATH, START, View, choose_views, explain, marked, walk, words

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from chainrule.descent import Descent

__all__ = ["descent_on_curve", "descent_on_surface", "film_descent"]

_CURVE_POINTS, _SURFACE, _MOST_FRAMES = 401, 31, 30


def descent_on_curve(
    descents: Descent | Sequence[Descent], *, titles: Sequence[str] = (), title: str | None = None
) -> Figure:
    r"""Draw descents on functions of one variable on their curves, in panels side by side.

    Descents that end share their axes, so that long and short steps can be compared; one that diverges has its own, and
    is drawn as far as its first few steps.

    Args:
        descents: one or several, what `descend` gave.
        titles: what stands above each panel, such as "too large"; the optimizer stands there in any case.
        title: the heading; the function by default.

    Returns:
        The figure, one panel for each descent.

    Raises:
        ShapeError: a function has two variables, or there are not as many titles as descents.

    >>> from chainrule.descent import descend
    >>> figure = descent_on_curve(descend("theta**2", 1, rate=0.4, steps=4))
    >>> figure.axes[0].get_xlabel(), figure.axes[0].get_title().split("\n")
    ('θ', ['sgd, η = 0.4', '4 steps'])
    """
    several = _listed(descents, 1)
    names = _titles(titles, several)
    with drawing(max(5.6, 3.7 * len(several)), 4.4) as figure:
        panels = figure.subplots(1, len(several), squeeze=False)[0]
        for axes, each, view, name in zip(panels, several, choose_views(several), names, strict=True):
            _curve(axes, each, view)
            _walk_on_curve(axes, each, view)
            axes.set_title(_told(each, view, name))
        explain(figure)
        heading(figure, *_headings(several, title))
    return figure


def descent_on_surface(
    descents: Descent | Sequence[Descent], *, titles: Sequence[str] = (), title: str | None = None
) -> Figure:
    """Draw descents on functions of two variables: on contours, and beside them on the surface.

    Args:
        descents: one or several, what `descend` gave; each has a row.
        titles: what stands above each pair of panels; the optimizer stands there in any case.
        title: the heading; the function by default.

    Returns:
        The figure: contours left, surface right, a row for each descent.

    Raises:
        ShapeError: a function has one variable, or there are not as many titles as descents.

    >>> from chainrule.descent import descend
    >>> figure = descent_on_surface(descend("theta1**2 + theta2**2", (2, 3), rate=0.1, steps=99))
    >>> figure.axes[0].get_xlabel(), figure.axes[0].get_ylabel()
    ('θ₁', 'θ₂')
    """
    several = _listed(descents, 2)
    names = _titles(titles, several)
    with drawing(9.6, 0.6 + 4.3 * len(several), margin=0.12) as figure:
        for row, (each, view, name) in enumerate(zip(several, choose_views(several), names, strict=True)):
            flat = figure.add_subplot(len(several), 2, 2 * row + 1)
            deep = figure.add_subplot(len(several), 2, 2 * row + 2, projection="3d")
            draw_contours(flat, each.function.value, view.low, view.high, each.function.symbols)
            walk_on_contours(flat, view.path, view.rest)
            _surface(deep, each, view)
            flat.set_title(_told(each, view, name))
        explain(figure)
        heading(figure, *_headings(several, title))
    return figure


def film_descent(descent: Descent, path: str | os.PathLike[str], *, seconds: float | None = None) -> Path:
    """Film a descent, step by step, as GIF or MP4: on its curve, or on contours and surface.

    Args:
        descent: what `descend` gave.
        path: where to; ends in ``.gif`` or ``.mp4``.
        seconds: how long the film lasts; by default 0.4 s a step, and at most 15 s.

    Returns:
        The path that was written.

    Raises:
        UsageError, SaveError: as `save_animation`.
    """
    (view,) = choose_views([descent])
    shown = np.unique(np.linspace(0, len(view.path) - 1, _MOST_FRAMES).round().astype(int))
    with drawing(9.6 if len(descent.function.variables) == 2 else 5.6, 4.9) as figure:
        draw = _film_on_surface if len(descent.function.variables) == 2 else _film_on_curve
        move, axes = draw(figure, descent, view)
        function, _ = _headings([descent], None)
        heading(figure, function, tr(descent.stopped) if descent.diverged or descent.left else "")

    def update(frame: int) -> None:
        k = int(shown[frame])
        move(k)
        axes.title.set_text(f"{_how(descent)}\n" + tr("step {k}: J = {value:.4g}", k=k, value=descent.values[k]))

    return save_animation(figure, update, len(shown), path, seconds=seconds)


def _film_on_curve(figure: Figure, descent: Descent, view: View) -> tuple[Callable[[int], None], Axes]:
    axes = figure.subplots()
    _curve(axes, descent, view)
    x, y = view.path[:, 0], view.values
    (line,) = axes.plot([], [], "-o", color=PATH, markersize=4, linewidth=1.2)
    (point,) = axes.plot([], [], **START)

    def move(k: int) -> None:
        line.set_data(x[: k + 1], y[: k + 1])
        point.set_data(x[k : k + 1], y[k : k + 1])

    return move, axes


def _film_on_surface(figure: Figure, descent: Descent, view: View) -> tuple[Callable[[int], None], Axes]:
    flat, deep = figure.add_subplot(1, 2, 1), figure.add_subplot(1, 2, 2, projection="3d")
    draw_contours(flat, descent.function.value, view.low, view.high, descent.function.symbols)
    _hang_surface(deep, descent, view)
    lines: list[Any] = [
        (axes.plot(*start, "-o", color=PATH, markersize=3.5, linewidth=1.2, zorder=5)[0])
        for axes, start in ((flat, ([], [])), (deep, ([], [], [])))
    ]
    (point,) = flat.plot([], [], zorder=6, **START)

    def move(k: int) -> None:
        x, y = view.path[: k + 1].T
        lines[0].set_data(x, y)
        lines[1].set_data_3d(x, y, view.values[: k + 1])
        point.set_data(x[-1:], y[-1:])

    return move, flat


def _listed(descents: Descent | Sequence[Descent], variables: int) -> list[Descent]:
    several = list(descents) if isinstance(descents, Sequence) else [descents]
    if not several:
        raise UsageError("descents is empty; give at least one, such as descend('theta**2', 1, rate=0.4, steps=4)")
    for each in several:
        if len(each.function.variables) != variables:
            raise ShapeError(
                "{function} has {given} variable(s); this picture is for functions of {expected}",
                function=str(each.function),
                given=len(each.function.variables),
                expected=variables,
            )
    return several


def _titles(titles: Sequence[str], descents: list[Descent]) -> list[str]:
    names = list(titles) or [""] * len(descents)
    if len(names) != len(descents):
        raise ShapeError(
            "there are {titles} titles for {descents} descents; they must match",
            titles=len(names),
            descents=len(descents),
        )
    return [words(name) for name in names]


def _headings(descents: list[Descent], title: str | None) -> tuple[str, str]:
    functions = {each.function.readable: each.function.symbols for each in descents}
    told = ", ".join(f"J({', '.join(names)}) = {formula}" for formula, names in functions.items())
    if title is not None:
        return words(title), told
    return tr("Gradient descent on {function}", function=told), ""


def _told(descent: Descent, view: View, name: str) -> str:
    """Say above a panel how the descent was made and what became of it."""
    if len(view.rest):
        fate = tr("diverges: {n} of {steps} steps lead out", n=len(view.rest), steps=descent.steps)
    elif descent.diverged:
        fate = tr("{steps} steps: diverges", steps=descent.steps)
    elif descent.left:
        fate = tr("{steps} steps, then out of the domain", steps=descent.steps)
    else:
        fate = tr("{steps} steps", steps=descent.steps)
    return "\n".join([*([name] if name else []), _how(descent), fate])


def _how(descent: Descent) -> str:
    return f"{descent.optimizer.name}, η = {descent.optimizer.rate:g}"


def _curve(axes: Axes, descent: Descent, view: View) -> None:
    """Draw the curve, in limits that take in what is shown of the path."""
    x = np.linspace(view.low[0], view.high[0], _CURVE_POINTS)
    y = descent.function.value(x[:, np.newaxis])
    axes.plot(x, y, color=COLOURS[0])
    seen = y[np.isfinite(y)]
    span = (view.top - view.bottom) or abs(view.top) or 1.0
    # A curve that is steep beside the path is cut off above and below it.
    bottom = min(max(float(seen.min()), view.bottom - span), view.bottom)
    top = max(min(float(seen.max()), view.top + span), view.top)
    margin = 0.1 * ((top - bottom) or 1.0)
    axes.set_ylim(bottom - margin, top + margin)
    axes.set_xlim(view.low[0], view.high[0])
    (name,) = descent.function.symbols
    axes.set_xlabel(name)
    axes.set_ylabel(f"J({name})")
    axes.grid(alpha=0.3)


def _walk_on_curve(axes: Axes, descent: Descent, view: View) -> None:
    points = np.column_stack([view.path[:, 0], view.values])
    rest = np.column_stack([view.rest[:, 0], descent.values[len(points) :]])
    # Below the curve no step is drawn.
    sides = np.column_stack([np.sign(descent.gradients[: len(points), 0]), np.full(len(points), -1.0)])
    walk(axes, points, rest, sides)


def _surface(axes: Any, descent: Descent, view: View) -> None:
    _hang_surface(axes, descent, view)
    points = np.column_stack([view.path, view.values])
    scaled = (view.path - view.low) / (view.high - view.low)
    axes.plot(*points.T, "-o", color=PATH, markersize=3.5, linewidth=1.2, markevery=marked(scaled), zorder=5)
    axes.plot(*points[:1].T, zorder=6, **START)
    if not len(view.rest):
        axes.plot(*points[-1:].T, zorder=6, **END)


def _hang_surface(axes: Any, descent: Descent, view: View) -> None:
    """Draw the surface so pale that a path below it can be seen."""
    from matplotlib.ticker import MaxNLocator

    x, y, heights = heights_on_grid(descent.function.value, view.low, view.high, _SURFACE)
    axes.computed_zorder = False  # the path is drawn over the surface
    axes.plot_surface(*np.meshgrid(x, y), heights, cmap="Blues_r", alpha=0.6, rcount=_SURFACE, ccount=_SURFACE)
    for axis, name in zip((axes.xaxis, axes.yaxis, axes.zaxis), (*descent.function.symbols, "J"), strict=True):
        axis.set_rotate_label(False)
        axis.set_label_text(name)
        axis.set_major_locator(MaxNLocator(4))
    axes.view_init(elev=32, azim=-120)
