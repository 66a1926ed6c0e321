"""Predicted values beside the true ones."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.errors import ShapeError
from chainrule.formulas.metrics import r2, rmse
from chainrule.language import tr
from chainrule.plots.checks import finite
from chainrule.plots.palette import COLOURS
from chainrule.plots.style import drawing, heading, shorten, significant

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["predictions_beside_truth"]

_MOST_OUTPUTS = 6
_MOST_POINTS = 5_000

Floats = NDArray[np.float64]


def predictions_beside_truth(
    truth: ArrayLike, predicted: ArrayLike, *, name: str | Sequence[str] = "target", title: str | None = None
) -> Figure:
    """Draw predictions over true values, where the diagonal is perfection, with RMSE and R².

    RMSE is in the target's unit; R² is 1 for perfect predictions and 0 for predicting the mean. For one output the
    residuals, predicted - true, are drawn beside it; more than 5,000 points are drawn as a density.

    Args:
        truth: true values, shape (m,) or (m, outputs).
        predicted: predicted values of the same shape.
        name: what is predicted, with its unit, or one name for each output.
        title: the heading; ``Predictions beside the truth`` by default.

    Returns:
        The figure: two panels for one output, otherwise one for each of the first six outputs.

    Raises:
        ShapeError: the shapes differ, or there is not one name for each output.
        UsageError: a value is not finite.

    >>> figure = predictions_beside_truth([1.0, 2.0, 3.0], [1.1, 1.9, 3.0], name="price (€)")
    >>> figure.axes[0].get_xlabel(), figure.axes[0].get_title()
    ('true price (€)', 'RMSE 0.08165, R² 0.99')
    """
    true, guess = _columns(truth, "truth"), _columns(predicted, "predicted")
    if true.shape != guess.shape:
        raise ShapeError(
            "truth has the shape {truth} and predicted has {predicted}; expected the same",
            truth=np.shape(truth),
            predicted=np.shape(predicted),
        )
    outputs = true.shape[1]
    shown = min(outputs, _MOST_OUTPUTS)
    columns, rows = (2, 1) if outputs == 1 else (min(shown, 3), math.ceil(shown / 3))
    bars = 1 if outputs == 1 else columns
    with drawing(4.4 * columns + 0.4 + (bars if len(true) > _MOST_POINTS else 0), 4.6 * rows + 0.9) as figure:
        panels = list(figure.subplots(rows, columns, squeeze=False).flat)
        names = _names(name, outputs)
        for output in range(shown):
            _compare(figure, panels[output], true[:, output], guess[:, output], names[output])
        if outputs == 1:
            _residuals(panels[1], guess[:, 0] - true[:, 0], names[0])
        for axes in panels[max(shown, 2) :]:
            axes.remove()
        figure.legend(handles=panels[0].lines[:1], loc="outside lower center")
        detail = tr(
            "{n:,} examples, the first {shown} of {outputs} outputs" if shown < outputs else "{n:,} examples",
            n=len(true),
            shown=shown,
            outputs=outputs,
        )
        heading(figure, title or tr("Predictions beside the truth"), detail)
    return figure


def _columns(values: ArrayLike, what: str) -> Floats:
    array = finite(values, what, 1, 2)
    return array.reshape(len(array), -1)


def _names(name: str | Sequence[str], outputs: int) -> list[str]:
    if isinstance(name, str):
        names = [name] if outputs == 1 else [f"{name} {number}" for number in range(outputs)]
    else:
        names = list(name)
    if len(names) != outputs:
        raise ShapeError("name has {count} names for {outputs} outputs", count=len(names), outputs=outputs)
    return [shorten(each, 32) for each in names]


def _compare(figure: Figure, axes: Axes, true: Floats, guess: Floats, name: str) -> None:
    low, high = _limits(np.concatenate([true, guess]))
    axes.plot([low, high], [low, high], "--", color="black", linewidth=1.0, label=tr("perfect prediction"), zorder=3)
    if len(true) > _MOST_POINTS:
        cells = axes.hexbin(
            true, guess, gridsize=50, bins="log", mincnt=1, cmap="viridis_r", extent=(low, high, low, high)
        )
        bar = figure.colorbar(cells, ax=axes, shrink=0.75, format="{x:,.0f}", label=tr("examples in a cell"))
        bar.ax.yaxis.set_minor_formatter("")
    else:
        alpha = float(np.clip(150.0 / len(true), 0.25, 0.8))
        area = float(np.clip(2000.0 / len(true), 14.0, 40.0))
        axes.scatter(true, guess, s=area, color=COLOURS[0], alpha=alpha, linewidths=0)
    axes.set_xlim(low, high)
    axes.set_ylim(low, high)
    axes.set_box_aspect(1)
    axes.set_xlabel(tr("true {name}", name=name))
    axes.set_ylabel(tr("predicted {name}", name=name))
    axes.set_title(f"RMSE {significant(rmse(guess, true))}, R² {significant(r2(guess, true))}")


def _limits(values: Floats) -> tuple[float, float]:
    """Return the range of ``values`` with a margin, never so narrow that rounding would swallow it."""
    low, high = float(values.min()), float(values.max())
    margin = max(0.05 * (high - low), 1e-6 * max(abs(low), abs(high)))
    return low - (margin or 1.0), high + (margin or 1.0)


def _residuals(axes: Axes, residuals: Floats, name: str) -> None:
    bins = int(np.clip(math.sqrt(len(residuals)), 5, 50))
    low, high = _limits(residuals)
    axes.hist(residuals, bins=bins, range=(low, high), color=COLOURS[0], edgecolor="white", linewidth=0.5)
    axes.axvline(0.0, color="black", linestyle="--", linewidth=1.0)
    axes.set_box_aspect(1)
    axes.set_xlabel(tr("predicted − true {name}", name=name))
    axes.set_ylabel(tr("examples"))
    axes.set_title(tr("residuals: mean {mean}", mean=significant(float(residuals.mean()))))
    _count_axis(axes)


def _count_axis(axes: Any) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
