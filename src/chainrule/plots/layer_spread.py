"""How numbers are spread, layer by layer: what vanishes, what saturates and what works, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.errors import ShapeError, UsageError
from chainrule.language import Message, tr
from chainrule.plots.checks import finite
from chainrule.plots.palette import NEUTRAL, colour
from chainrule.plots.style import drawing, heading, significant

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["Spread", "layer_spread"]

Quantiles = NDArray[np.float64]

_LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)
_FEW = 10  # places that each get a tick and a marker


@dataclass(frozen=True, eq=False)
class Spread:
    """A quantity to compare: one row of panels.

    Args:
        name: what it is; names the vertical axis.
        columns: by variant, the samples at each place (each layer, each epoch): arrays of any shape, in order.
        x: what the places are; names the horizontal axis.
        log: whether sizes count rather than values: |value| on a logarithmic axis. What is 0 has no place there; where
            all of a layer is 0, the panel says so.
    """

    name: str
    columns: Mapping[str, Sequence[ArrayLike]]
    x: str = Message("layer")
    log: bool = False


def layer_spread(rows: Sequence[Spread], *, title: str = "", detail: str = "") -> Figure:
    """Draw how quantities are spread over layers: a row for each quantity, a column for each variant of a network.

    A line joins the medians; a dark band holds the middle half of the numbers, a light one nine tenths of them.

    Args:
        rows: the quantities, all of the same variants; panels of one row share their axes.
        title: the heading, none where empty.
        detail: a second line below the heading.

    Returns:
        The figure, one pair of axes for each quantity and variant, row by row. Texts that are a `Message` are in the
        language in use.

    Raises:
        UsageError: there is nothing to draw, or a number is not finite.
        ShapeError: the rows are of different variants.

    >>> activations = {"small": [[0.1, -0.1], [0.01, -0.01]], "large": [[0.9, -0.9], [1.0, -1.0]]}
    >>> figure = layer_spread([Spread("activation", activations)])
    >>> [axes.get_title() for axes in figure.axes]
    ['small', 'large']
    """
    variants = _variants(rows)
    with drawing(max(0.9 + 1.9 * len(variants), 4.2), 1.0 + 1.9 * len(rows), 0.05) as figure:
        grid = figure.subplots(len(rows), len(variants), squeeze=False, sharey="row")
        for number, (row, cells) in enumerate(zip(rows, grid, strict=True)):
            for axes, variant in zip(cells, variants, strict=True):
                _panel(axes, row, variant, colour(number))
                axes.set_xlabel(_told(row.x))
            cells[0].set_ylabel(_told(row.name))
        for axes, variant in zip(grid[0], variants, strict=True):
            axes.set_title(_told(variant))
        figure.align_ylabels()
        _legend(figure)
        heading(figure, _told(title), _told(detail))
    return figure


def _told(text: str) -> str:
    return tr(text) if isinstance(text, Message) else str(text)


def _variants(rows: Sequence[Spread]) -> list[str]:
    if not rows or not rows[0].columns:
        raise UsageError("there is nothing to draw; give at least one Spread of at least one variant")
    for row in rows:
        if list(row.columns) != list(rows[0].columns):
            raise ShapeError(
                "{name} is of the variants {given}, and {first} of {expected}; all rows need the same",
                name=str(row.name),
                given=", ".join(row.columns),
                first=str(rows[0].name),
                expected=", ".join(rows[0].columns),
            )
        if not all(len(places) for places in row.columns.values()):
            raise UsageError("{name} has no numbers to draw for some variant", name=str(row.name))
    return list(rows[0].columns)


def _panel(axes: Axes, row: Spread, variant: str, shade: str) -> None:
    quantiles = np.array([_quantiles(place, row, variant) for place in row.columns[variant]])
    x = np.arange(1, len(quantiles) + 1)
    few = len(x) <= _FEW
    if row.log:
        _logarithmic(axes)
    known = ~np.isnan(quantiles[:, 2])
    for outer, alpha in ((0, 0.2), (1, 0.35)):
        axes.fill_between(
            x,
            quantiles[:, outer],
            quantiles[:, -1 - outer],
            where=known.tolist(),
            color=shade,
            alpha=alpha,
            linewidth=0,
        )
    axes.plot(x, quantiles[:, 2], color=shade, marker="o" if few else "", markersize=4)
    for place in x[~known]:
        axes.text(place, 0.04, "0", color=NEUTRAL, ha="center", va="bottom", transform=axes.get_xaxis_transform())
    axes.grid(alpha=0.3)
    axes.set_xlim(0.7 if few else 1.0, len(x) + (0.3 if few else 0.0))
    _whole_ticks(axes, len(x))


def _quantiles(place: ArrayLike, row: Spread, variant: str) -> Quantiles:
    """Return the levels' quantiles; of what is above 0 on a logarithmic axis, NaN where nothing is."""
    numbers = np.asarray(place, dtype=np.float64)
    values = finite(numbers.reshape(-1), f"{row.name} of {variant}", 1)
    if row.log:
        sizes = np.abs(values)
        values = sizes[sizes > 0]
    return np.quantile(values, _LEVELS) if values.size else np.full(len(_LEVELS), np.nan)


def _logarithmic(axes: Axes) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(numticks=6))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _position: significant(value)))
    axes.yaxis.set_minor_formatter(NullFormatter())


def _whole_ticks(axes: Axes, places: int) -> None:
    from matplotlib.ticker import FixedLocator, MaxNLocator

    whole = MaxNLocator(nbins=4, integer=True, steps=[1, 2, 5, 10], min_n_ticks=1)
    axes.xaxis.set_major_locator(FixedLocator(list(range(1, places + 1))) if places <= _FEW else whole)


def _legend(figure: Figure) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles = [
        Line2D([], [], color=NEUTRAL, label=tr("median")),
        Patch(color=NEUTRAL, alpha=0.5, linewidth=0, label=tr("middle half")),
        Patch(color=NEUTRAL, alpha=0.25, linewidth=0, label=tr("nine tenths")),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
