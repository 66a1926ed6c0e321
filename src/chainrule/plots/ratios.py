"""How many times as long as one program others take, job by job."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chainrule.errors import UsageError
from chainrule.language import told, tr
from chainrule.plots.checks import finite
from chainrule.plots.palette import NEUTRAL, colour, marker
from chainrule.plots.style import beside, drawing, heading, significant, text_width

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["Ratios", "ratio_chart"]

_POINTS = 9.0
_ROW = 0.62  # inches


@dataclass(frozen=True)
class Ratios:
    """One job.

    Args:
        name: of the job.
        values: by the name of a program: the ratio, the smallest and the largest one that was seen; all above 0.
    """

    name: str
    values: Mapping[str, tuple[float, float, float]]


def ratio_chart(rows: Sequence[Ratios], base: str, *, title: str = "", detail: str = "") -> Figure:
    """Draw ratios on a logarithmic scale: a row for each job, a marker for each program, a line for its spread.

    Args:
        rows: the jobs, from top to bottom.
        base: the program whose time is 1, which is drawn as a line.
        title: the heading, none where empty.
        detail: a second line below the heading.

    Raises:
        UsageError: there is nothing to draw, or a ratio is not above 0.

    >>> figure = ratio_chart([Ratios("784-30-10", {"JAX": (3.1, 2.9, 3.3), "PyTorch": (22, 20, 25)})], "compiled")
    >>> [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    ['JAX', 'PyTorch']
    """
    names = list(dict.fromkeys(name for row in rows for name in row.values))
    if not names:
        raise UsageError("there is no ratio to draw; give at least one job with one program")
    _check(rows)
    room = max(text_width(told(name), _POINTS) for name in names) / 72 + 0.6
    left = max(text_width(told(row.name), 10.0) for row in rows) / 72
    with drawing(5.6 + left + room, 1.3 + _ROW * len(rows) + 0.3 * bool(detail)) as figure:
        axes = figure.subplots()
        for k, row in enumerate(rows):
            _draw_row(axes, k, row, names)
        _scale(axes, rows)
        axes.axvline(1.0, color=NEUTRAL, linewidth=1.2)
        axes.set_xlabel(tr("time, as a multiple of that of {base}", base=base))
        axes.set_yticks(range(len(rows)), [told(row.name) for row in rows])
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.tick_params(axis="y", length=0)
        beside(axes, _handles(names))
        heading(figure, title, detail)
    return figure


def _check(rows: Sequence[Ratios]) -> None:
    for row in rows:
        for name, values in row.values.items():
            if (finite(values, f"{row.name}, {name}", 1) <= 0).any():
                raise UsageError(
                    "{row}, {name}: a ratio of times is above 0, not {values}", row=row.name, name=name, values=values
                )


def _draw_row(axes: Axes, k: int, row: Ratios, names: Sequence[str]) -> None:
    """Draw the programs of a job a little below each other, so that none hides another."""
    if k % 2:
        axes.axhspan(k - 0.5, k + 0.5, color="#f2f2f2", linewidth=0, zorder=0)
    step = 0.8 / max(1, len(row.values))
    for place, (name, (value, low, high)) in enumerate(row.values.items()):
        y = k + step * (place - (len(row.values) - 1) / 2)
        look = names.index(name)
        axes.plot([low, high], [y, y], color=colour(look), linewidth=1.4, zorder=2)
        axes.plot([value], [y], zorder=3, **_look(look))
        text = significant(value, 2 if value < 100 else 3)
        ground = {"facecolor": "white", "alpha": 0.8, "linewidth": 0, "pad": 0.5}
        place_of_text: Any = {"xytext": (6, 0), "textcoords": "offset points", "va": "center", "bbox": ground}
        axes.annotate(text, (max(value, high), y), fontsize=7.5, **place_of_text)


def _scale(axes: Axes, rows: Sequence[Ratios]) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    numbers = [number for row in rows for values in row.values.values() for number in values]
    axes.set_xscale("log")
    axes.set_xlim(min(0.8, *numbers) / 1.3, max(1.25, *numbers) * 2.2)
    narrow = max(numbers) / min(numbers) < 100
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if narrow else (1.0,)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _position: significant(value)))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.grid(alpha=0.3, axis="x")


def _look(look: int) -> dict[str, Any]:
    return {"color": colour(look), "marker": marker(look), "markersize": 6, "linestyle": ""}


def _handles(names: Sequence[str]) -> list[Any]:
    from matplotlib.lines import Line2D

    return [Line2D([], [], label=told(name), **_look(k)) for k, name in enumerate(names)]
