"""Curves in panels: whatever is a number over a number, such as an activation over z or a loss over the updates."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.errors import ShapeError, UsageError
from chainrule.language import Message, tr
from chainrule.plots.checks import finite, positive
from chainrule.plots.palette import LINE_STYLES, colour, marker
from chainrule.plots.style import beside, drawing, heading, significant, text_width

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["Curve", "Panel", "line_panels", "mean_curves"]

Floats = NDArray[np.float64]

# Width and height of a panel in inches, by the number of columns; the last holds for more.
_SIZES = ((6.4, 4.2), (4.4, 3.5), (3.3, 2.8))
_LEGEND_POINTS = 9.0


@dataclass(frozen=True, eq=False)
class Curve:
    """One curve, or one set of points.

    Args:
        x: where, shape (m,).
        y: the values there, shape (m,); NaN is a gap.
        label: its name in the legend, none where empty; curves of one name look alike in all panels.
        spread: half the height of a band around the curve, such as a standard deviation: one number for each value, or
            one for all.
        points: whether single points are drawn in place of a line.
    """

    x: ArrayLike
    y: ArrayLike
    label: str = ""
    spread: ArrayLike | None = None
    points: bool = False


@dataclass(frozen=True, eq=False)
class Panel:
    """A pair of axes with curves.

    Args:
        curves: at least one.
        x: the name of the horizontal axis.
        y: the name of the vertical axis.
        title: what stands above the panel.
        log: whether the vertical axis is logarithmic; it stays linear where no value is above 0.
    """

    curves: Sequence[Curve]
    x: str = ""
    y: str = ""
    title: str = ""
    log: bool = False


@dataclass(frozen=True, eq=False)
class _Drawn:
    """A curve whose numbers were checked, with the number of its look: colour, line style and marker."""

    x: Floats
    y: Floats
    spread: Floats | None
    label: str
    points: bool
    look: int


def line_panels(panels: Sequence[Panel], *, title: str = "", detail: str = "", columns: int = 0) -> Figure:
    """Draw curves in one or several panels, each with its legend, or with one legend for all where all agree.

    Args:
        panels: what to draw, row by row.
        title: the heading, none where empty.
        detail: a second line below the heading.
        columns: how many panels stand side by side; 0 chooses.

    Returns:
        The figure, one pair of axes for each panel. Texts that are a `Message` are in the language in use.

    Raises:
        ShapeError: x, y and spread of a curve differ in length.
        UsageError: there is nothing to draw, or a value is infinite.

    >>> z = [-1.0, 0.0, 1.0]
    >>> figure = line_panels([Panel([Curve(z, [0.0, 0.0, 1.0], "relu"), Curve(z, z, "identity")], x="z", y="a")])
    >>> [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    ['relu', 'identity']
    """
    _check_kind("panels", panels, Panel)
    drawn = _checked(panels)
    across = min(len(panels), positive(columns, "columns", least=0) or _columns(len(panels)))
    shared = len(panels) > 1 and len({tuple(sorted({each.label for each in curves})) for curves in drawn}) == 1
    down = -(-len(panels) // across)
    width, height = _SIZES[min(across, len(_SIZES)) - 1]
    room = 0.0 if shared else sum(_legend_room(drawn[column::across]) for column in range(across))
    with drawing(across * width + room, down * height + 0.5) as figure:
        # Only here is it known in which language the picture's words are.
        drawn = [[replace(each, label=_told(each.label)) for each in curves] for curves in drawn]
        grid = list(figure.subplots(down, across, squeeze=False).flat)
        for axes, panel, curves in zip(grid, panels, drawn, strict=False):
            _draw_panel(axes, panel, curves, legend=not shared)
        for axes in grid[len(panels) :]:
            axes.remove()
        if shared:
            _legend_for_all(figure, drawn[0])
        heading(figure, _told(title), _told(detail))
    return figure


def mean_curves(courses: Mapping[str, tuple[ArrayLike, ArrayLike]], *, first: int = 1) -> list[Curve]:
    """Make curves with bands of means with their spreads, such as what `Trials.course` gives of each variant.

    Args:
        courses: by label, a mean and a spread for each place.
        first: the number of the first place: 1 for epochs.

    >>> (curve,) = mean_curves({"adam": ([0.5, 0.8], [0.1, 0.0])})
    >>> curve.label, curve.x.tolist(), curve.spread
    ('adam', [1, 2], [0.1, 0.0])
    """
    return [
        Curve(np.arange(first, first + len(np.asarray(mean))), mean, label, spread)
        for label, (mean, spread) in courses.items()
    ]


def _told(text: str) -> str:
    """Give a text in the language in use; what is no message may hold braces and stays as it is."""
    return tr(text) if isinstance(text, Message) else str(text)


def _check_kind(name: str, given: Any, kind: type) -> None:
    if not isinstance(given, (list, tuple)) or not given or not all(isinstance(each, kind) for each in given):
        raise UsageError(
            "{name} is {given!r}; expected a list of at least one {kind}", name=name, given=given, kind=kind.__name__
        )


def _columns(count: int) -> int:
    return count if count <= 3 else 2 if count == 4 else min(4, math.ceil(math.sqrt(count)))


def _checked(panels: Sequence[Panel]) -> list[list[_Drawn]]:
    """Return the curves of each panel, checked; those of one name share a look, and within a panel no two do."""
    looks: dict[str, int] = {}
    drawn: list[list[_Drawn]] = []
    for number, panel in enumerate(panels, start=1):
        _check_kind(f"curves of panel {number}", panel.curves, Curve)
        taken = {looks[curve.label] for curve in panel.curves if curve.label in looks}
        curves = []
        for place, curve in enumerate(panel.curves, start=1):
            look = looks.get(curve.label)
            if look is None:
                look = next(free for free in range(len(panel.curves) + len(taken)) if free not in taken)
                taken.add(look)
                if curve.label:
                    looks[curve.label] = look
            curves.append(_checked_curve(curve, f"curve {place} of panel {number}", look))
        drawn.append(curves)
    return drawn


def _checked_curve(curve: Curve, name: str, look: int) -> _Drawn:
    x, y = finite(curve.x, f"x of {name}", 1), finite(curve.y, f"y of {name}", 1, gaps=True)
    if len(x) != len(y):
        raise ShapeError("{name} has {x} values of x and {y} of y; they must match", name=name, x=len(x), y=len(y))
    spread = None
    if curve.spread is not None:
        spread = finite(np.atleast_1d(np.asarray(curve.spread)), f"spread of {name}", 1, gaps=True)
        if len(spread) not in (1, len(y)):
            raise ShapeError(
                "{name} has {y} values and a spread of {spread}; give one for each, or one for all",
                name=name,
                y=len(y),
                spread=len(spread),
            )
    return _Drawn(x, y, spread, curve.label, curve.points, look)


def _legend_room(drawn: Sequence[Sequence[_Drawn]]) -> float:
    """Return how many inches the widest legend of a column of panels takes."""
    widest = max(text_width(curve.label, _LEGEND_POINTS) for curves in drawn for curve in curves)
    return widest / 72 + 0.5 if widest else 0.0


def _draw_panel(axes: Axes, panel: Panel, curves: Sequence[_Drawn], *, legend: bool) -> None:
    for curve in curves:
        _draw_curve(axes, curve)
    values = np.concatenate([curve.y for curve in curves])
    if panel.log and (values > 0).any():
        _logarithmic(axes, values[values > 0])
    _whole_ticks(axes, curves)
    axes.set_xlabel(_told(panel.x))
    axes.set_ylabel(_told(panel.y))
    axes.set_title(_told(panel.title))
    axes.grid(alpha=0.3)
    if legend and any(curve.label for curve in curves):
        beside(axes, _handles(curves))


def _draw_curve(axes: Axes, curve: _Drawn) -> None:
    if curve.spread is not None:
        low, high = curve.y - curve.spread, curve.y + curve.spread
        axes.fill_between(curve.x, low, high, color=colour(curve.look), alpha=0.2, linewidth=0)
    axes.plot(curve.x, curve.y, **_look(curve))


def _look(curve: _Drawn) -> dict[str, Any]:
    """Return colour and line style, or marker; a single value has no line and is drawn as a point."""
    look: dict[str, Any] = {"color": colour(curve.look), "label": curve.label or "_"}
    if curve.points or len(curve.x) == 1:
        return look | {"linestyle": "", "marker": marker(curve.look), "markersize": 5}
    return look | {"linestyle": LINE_STYLES[curve.look % len(LINE_STYLES)]}


def _handles(curves: Sequence[_Drawn]) -> list[Any]:
    from matplotlib.lines import Line2D

    named = {curve.label: curve for curve in curves if curve.label}
    return [Line2D([], [], **_look(curve)) for curve in named.values()]


def _legend_for_all(figure: Figure, curves: Sequence[_Drawn]) -> None:
    handles = _handles(curves)
    if handles:
        widest = max(text_width(curve.label, _LEGEND_POINTS) for curve in curves) / 72 + 0.7
        fitting = max(1, int(figure.get_figwidth() / widest))
        figure.legend(handles=handles, loc="outside lower center", ncols=min(len(handles), fitting))


def _logarithmic(axes: Axes, values: Floats) -> None:
    """Scale the vertical axis; the fewer decades it spans, the more ticks each has."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axes.set_yscale("log")
    decades = np.log10(values.max()) - np.log10(values.min())
    ticks = (1.0, 1.5, 2.0, 3.0, 5.0, 7.0) if decades < 1 else (1.0, 2.0, 5.0) if decades < 2 else (1.0,)
    axes.yaxis.set_major_locator(LogLocator(subs=ticks))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _position: significant(value)))
    axes.yaxis.set_minor_formatter(NullFormatter())


def _whole_ticks(axes: Axes, curves: Sequence[_Drawn]) -> None:
    """Count in whole numbers where all x are, such as epochs or layers."""
    from matplotlib.ticker import MaxNLocator

    x = np.concatenate([curve.x for curve in curves])
    if (x == np.round(x)).all() and np.ptp(x) > 0:
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10], min_n_ticks=1))
