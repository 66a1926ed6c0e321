"""How training went: loss and metrics, epoch by epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import ShapeError, UsageError
from chainrule.language import Message, told, tr
from chainrule.plots.checks import finite
from chainrule.plots.palette import NEUTRAL, TRAINING, VALIDATION
from chainrule.plots.style import beside, drawing, heading, significant

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

__all__ = ["learning_curves"]

_PREFIX = "validation_"
_NO_CURVES = ("epoch", "rate", "seconds")
_SHARES = ("accuracy",)
_AXIS_NAMES = {"accuracy": Message("accuracy (%)"), "loss": Message("loss"), "mae": "MAE", "r2": "R²", "rmse": "RMSE"}
_FEW_EPOCHS = 20
_DECADES_FOR_LOG = 2.0

Series = dict[str, NDArray[np.float64]]


class _History(Protocol):
    @property
    def series(self) -> Mapping[str, Sequence[float]]: ...


def learning_curves(history: _History, *, title: str | None = None) -> Figure:
    """Draw the loss and each metric over the epochs, for training and validation, and mark the best validation epoch.

    The best epoch is the one that early stopping kept, else the first with the smallest validation loss. The loss gets
    a logarithmic scale where it spans more than two decades. NaN is a gap in a curve: an epoch in which that series was
    not measured.

    Args:
        history: has ``series``, a dict of one value per epoch: ``loss``, ``validation_loss``, ``penalty`` and any
            metric such as ``accuracy`` and ``validation_accuracy``; ``rate`` and ``seconds`` are not drawn. It may
            have ``best_epoch``, counted from 1.
        title: the heading; ``Learning curves`` by default.

    Returns:
        The figure: the loss above, one panel below for each metric, all over the same epochs.

    Raises:
        UsageError: the history is empty or holds an infinite value.
        ShapeError: the series differ in length.

    >>> from types import SimpleNamespace
    >>> figure = learning_curves(SimpleNamespace(series={"loss": [0.7, 0.4], "accuracy": [0.5, 0.9]}))
    >>> [axes.get_ylabel() for axes in figure.axes]
    ['loss', 'accuracy (%)']
    """
    series = _checked(history)
    panels = _panels(series)
    epochs = len(next(iter(series.values())))
    best = _best_epoch(history, series)
    with drawing(8.0, 1.2 + 2.4 * len(panels)) as figure:
        column = figure.subplots(len(panels), 1, sharex=True, squeeze=False)[:, 0]
        for axes, name in zip(column, panels, strict=True):
            _panel(axes, name, series, best)
        _epoch_axis(column[-1], epochs)
        figure.align_ylabels()
        heading(figure, title or tr("Learning curves"), _detail(series, epochs, best))
    return figure


def _checked(history: _History) -> Series:
    given = getattr(history, "series", None)
    if not isinstance(given, Mapping):
        raise UsageError(
            "learning_curves needs a history with series, a dict of one value per epoch, and was given {kind};"
            " give it that of a trained model, model.history",
            kind=type(history).__name__,
        )
    drawn = {name: values for name, values in given.items() if name not in _NO_CURVES and np.size(values)}
    series = {name: finite(values, _series_name(name), 1, gaps=True) for name, values in drawn.items()}
    if all(np.isnan(values).all() for values in series.values()):
        raise UsageError(
            "the history is empty: it has no loss and no metric of any epoch; train for at least one epoch"
        )
    lengths = {name: len(values) for name, values in series.items()}
    if len(set(lengths.values())) > 1:
        raise ShapeError(
            "the history's series differ in length ({lengths}); each needs one value per epoch",
            lengths=", ".join(f"{name}: {length}" for name, length in lengths.items()),
        )
    return {name: values for name, values in series.items() if not np.isnan(values).all()}


def _series_name(name: str) -> str:
    return Message("the history's series {name!r}", name=name)


def _best_epoch(history: _History, series: Series) -> int | None:
    kept: int | None = getattr(history, "best_epoch", None)
    if kept is None and "validation_loss" in series:
        return int(np.nanargmin(series["validation_loss"])) + 1
    return kept


def _panels(series: Series) -> list[str]:
    """Return what to draw a panel for: the loss first, then each metric in the order of the history."""
    names = [name.removeprefix(_PREFIX) for name in series]
    metrics = dict.fromkeys(name for name in names if name not in ("loss", "penalty"))
    return (["loss"] if {"loss", "penalty"} & set(names) else []) + list(metrics)


def _panel(axes: Axes, name: str, series: Series, best: int | None) -> None:
    curves = {
        tr("training"): (series.get(name), TRAINING, "-", "o"),
        tr("validation"): (series.get(_PREFIX + name), VALIDATION, "--", "s"),
    }
    if name == "loss" and np.nan_to_num(series.get("penalty", 0.0)).any():
        curves[tr("penalty")] = (series["penalty"], NEUTRAL, ":", "^")
    lines = [_curve(axes, label, *curve) for label, curve in curves.items() if curve[0] is not None]
    if best is not None:
        lines.append(_mark_best(axes, best, series.get(_PREFIX + name)))
    drawn = np.concatenate([line.get_ydata() for line in lines[: len(curves)] if line.get_label() in curves])
    if name == "loss" and _spans_decades(drawn):
        _logarithmic(axes)
    if name in _SHARES:
        _percent(axes)
    axes.set_ylabel(told(_AXIS_NAMES.get(name, name.replace("_", " "))))
    axes.grid(alpha=0.3)
    beside(axes, lines)


def _curve(axes: Axes, label: str, values: Any, colour: str, style: str, marker: str) -> Line2D:
    epochs = np.arange(1, len(values) + 1)
    marked = epochs - 1 if len(values) <= _FEW_EPOCHS else _alone(values)
    look: dict[str, Any] = {"marker": marker, "markersize": 5, "markevery": marked.tolist()} if marked.size else {}
    (line,) = axes.plot(epochs, values, style, color=colour, label=label, **look)
    return line


def _alone(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return where a value stands between two gaps: a line from it to nowhere could not be seen."""
    known = np.pad(~np.isnan(values), 1)
    return np.flatnonzero(known[1:-1] & ~known[:-2] & ~known[2:])


def _mark_best(axes: Axes, best: int, values: NDArray[np.float64] | None) -> Line2D:
    """Draw a vertical line at the best epoch and a ring on the validation curve, and return what the legend shows."""
    from matplotlib.lines import Line2D

    line: dict[str, Any] = {"color": NEUTRAL, "linewidth": 1.0, "linestyle": (0, (1, 2))}
    axes.axvline(best, zorder=1, **line)
    ring: dict[str, Any] = {}
    if values is not None and not np.isnan(values[best - 1]):
        ring = {"marker": "o", "markersize": 11, "markerfacecolor": "none", "markeredgecolor": "black"}
        axes.plot([best], [values[best - 1]], linestyle="", zorder=5, label="best epoch", clip_on=False, **ring)
    return Line2D([], [], label=tr("best epoch: {epoch}", epoch=best), **line, **ring)


def _spans_decades(values: NDArray[np.float64]) -> bool:
    smallest = float(np.nanmin(values))
    return smallest > 0.0 and float(np.log10(np.nanmax(values)) - np.log10(smallest)) > _DECADES_FOR_LOG


def _logarithmic(axes: Axes) -> None:
    from matplotlib.ticker import FuncFormatter, NullFormatter

    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(FuncFormatter(_plain_number))
    axes.yaxis.set_minor_formatter(NullFormatter())


def _plain_number(value: float, _position: int | None) -> str:
    return significant(value)


def _percent(axes: Axes) -> None:
    from matplotlib.ticker import FuncFormatter

    axes.yaxis.set_major_formatter(FuncFormatter(_percent_number))


def _percent_number(value: float, _position: int | None) -> str:
    return significant(100.0 * value, 6)


def _epoch_axis(axes: Axes, epochs: int) -> None:
    from matplotlib.ticker import MaxNLocator

    # The first epoch is 1: leave no room for a tick at 0.
    axes.set_xlim(0.5, epochs + max(0.5, 0.02 * epochs))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10], min_n_ticks=1))
    axes.set_xlabel(tr("epoch"))


def _detail(series: Series, epochs: int, best: int | None) -> str:
    """Return the heading's second line: what the best epoch, or else the last, came to."""
    name = "loss" if best is None else "validation_loss"
    when = tr("after epoch {epochs}" if best is None else "best epoch {best} of {epochs}", best=best, epochs=epochs)
    if name not in series or np.isnan(series[name][(best or epochs) - 1]):
        return when
    shown = tr("loss" if best is None else "validation loss")
    value = significant(series[name][(best or epochs) - 1])
    return tr("{when}: {name} {value}", when=when, name=shown, value=value)
