"""What a search for a learning rate found: the loss over the rates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import ArrayLike

from chainrule.errors import ShapeError
from chainrule.language import tr
from chainrule.plots.checks import finite
from chainrule.plots.palette import NEUTRAL, TRAINING, VALIDATION
from chainrule.plots.style import beside, drawing, heading, significant

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["rate_search"]

_ROOM = 0.1  # below the curves, and four times that above them, in parts of their height


class _Found(Protocol):
    @property
    def rates(self) -> ArrayLike: ...
    @property
    def losses(self) -> ArrayLike: ...
    @property
    def smoothed(self) -> ArrayLike: ...
    @property
    def suggestion(self) -> float | None: ...


def rate_search(found: _Found, *, title: str | None = None) -> Figure:
    """Draw the loss of each batch over its learning rate, its smoothed course, and the rate that is suggested.

    The vertical axis reaches from the lowest loss to a little above the first smoothed one: what explodes beyond that
    would press all else flat.

    Args:
        found: what `find_rate` gave.
        title: the heading; ``Search for a learning rate`` by default.

    Returns:
        The figure, with a logarithmic horizontal axis.

    Raises:
        ShapeError: rates and losses differ in length.
        UsageError: there is nothing to draw, or a value is infinite.

    >>> from types import SimpleNamespace
    >>> figure = rate_search(SimpleNamespace(rates=[0.1, 1, 10], losses=[3, 1, 9], smoothed=[3, 2, 4], suggestion=0.1))
    >>> figure.axes[0].get_xscale()
    'log'
    """
    rates = finite(found.rates, "rates", 1)
    losses, smoothed = finite(found.losses, "losses", 1, gaps=True), finite(found.smoothed, "smoothed", 1)
    if not len(rates) == len(losses) == len(smoothed):
        raise ShapeError(
            "there are {rates} rates, {losses} losses and {smoothed} smoothed ones; they must match",
            rates=len(rates),
            losses=len(losses),
            smoothed=len(smoothed),
        )
    with drawing(8.0, 4.2) as figure:
        axes = figure.subplots()
        lines = axes.plot(rates, losses, ".", color=NEUTRAL, markersize=5, label=tr("each batch"))
        lines += axes.plot(rates, smoothed, color=TRAINING, label=tr("smoothed"))
        if found.suggestion is not None:
            label = tr("suggested: {rate}", rate=significant(found.suggestion, 2))
            lines.append(axes.axvline(found.suggestion, label=label, color=VALIDATION, linestyle="--", linewidth=1.4))
        _logarithmic(axes)
        _limit(axes, float(np.nanmin([*losses, *smoothed])), float(smoothed[0]))
        axes.set_xlabel(tr("learning rate"))
        axes.set_ylabel(tr("loss"))
        axes.grid(alpha=0.3)
        beside(axes, lines)
        heading(figure, title or tr("Search for a learning rate"))
    return figure


def _logarithmic(axes: Axes) -> None:
    from matplotlib.ticker import FuncFormatter, NullFormatter

    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _position: significant(value)))
    axes.xaxis.set_minor_formatter(NullFormatter())


def _limit(axes: Axes, lowest: float, first: float) -> None:
    height = (first - lowest) or abs(first) or 1.0
    axes.set_ylim(lowest - _ROOM * height, first + 4 * _ROOM * height)
