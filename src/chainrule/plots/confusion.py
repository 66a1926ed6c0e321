"""Which classes are taken for which."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.errors import ShapeError
from chainrule.language import tr
from chainrule.plots.checks import class_list, class_numbers
from chainrule.plots.style import drawing, heading, shorten, text_width

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["confusion_matrix"]

_CELL = 0.55
_LARGEST_NUMBER = 10.0
_SMALLEST_NUMBER = 4.5
_MOST_NAMES = 60
_MOST_WITH_SHARES = 6


def confusion_matrix(
    truth: ArrayLike, predicted: ArrayLike, classes: Sequence[Any], *, title: str | None = None
) -> Figure:
    r"""Draw how many examples of each class were predicted as each class.

    The numbers are counts; the colour is the share of the row, that is of the examples that truly are of that class.

    Args:
        truth: true class labels, shape (m,); or class numbers where the labels are not numbers.
        predicted: predicted ones, likewise.
        classes: all k labels in the order of the rows and columns.
        title: the heading; ``Confusion matrix`` by default. The accuracy stands below it.

    Returns:
        The figure; its first axes show the k x k matrix.

    Raises:
        ShapeError: ``truth`` and ``predicted`` differ in length.
        UsageError: a label is not among ``classes``, or there is none.

    >>> figure = confusion_matrix(["cat", "dog", "dog"], ["cat", "dog", "cat"], ["cat", "dog"])
    >>> [text.get_text() for text in figure.axes[0].texts]
    ['1\n100 %', '0\n0 %', '1\n50 %', '1\n50 %']
    """
    names = class_list(classes)
    counts = _counts(class_numbers(truth, names, "truth"), class_numbers(predicted, names, "predicted"), len(names))
    totals = counts.sum(axis=1, keepdims=True)
    shares = counts / np.maximum(totals, 1)
    side = max(min(1.05 * len(names), 5.0), min(_CELL * len(names), 9.0))
    cell = 72 * side / len(names)
    labels = _Labels.fitting([shorten(name) for name in names], cell)
    with drawing(side + labels.left + 2.0, side + labels.below + 1.2) as figure:
        axes = figure.subplots()
        image = axes.imshow(shares, cmap="Blues", vmin=0.0, vmax=1.0)
        _write_counts(axes, counts, shares, cell)
        _name_axes(axes, labels)
        bar = figure.colorbar(image, ax=axes, shrink=0.8, ticks=[0, 0.25, 0.5, 0.75, 1], format=_percent)
        bar.set_label(tr("share of the true class (%)"))
        heading(figure, title or tr("Confusion matrix"), _accuracy(counts))
    return figure


def _counts(truth: NDArray[np.int64], predicted: NDArray[np.int64], k: int) -> NDArray[np.int64]:
    if len(truth) != len(predicted):
        raise ShapeError(
            "truth has {truth} labels and predicted has {predicted}; expected one prediction for each example",
            truth=len(truth),
            predicted=len(predicted),
        )
    return np.bincount(truth * k + predicted, minlength=k * k).reshape(k, k).astype(np.int64)


def _accuracy(counts: NDArray[np.int64]) -> str:
    right, total = int(np.trace(counts)), int(counts.sum())
    share = 100 * right / total
    return tr("accuracy {share:.1f} % ({right:,} of {total:,})", share=share, right=right, total=total)


def _percent(share: float, _position: int | None = None) -> str:
    return f"{100 * share:.0f}"


def _write_counts(axes: Axes, counts: NDArray[np.int64], shares: NDArray[np.float64], cell: float) -> None:
    """Write the counts into cells of ``cell`` points, unless they could not be read."""
    k = len(counts)
    widest = text_width(str(counts.max()), 1.0)
    points = min(_LARGEST_NUMBER, 0.9 * cell / widest, 0.6 * cell)
    if points < _SMALLEST_NUMBER:
        return
    for row, column in np.ndindex(k, k):
        count, share = int(counts[row, column]), float(shares[row, column])
        if k > _MOST_WITH_SHARES and count == 0:
            continue
        label = f"{count}\n{_percent(share)} %" if k <= _MOST_WITH_SHARES else str(count)
        ink = "white" if share > 0.55 else "black"
        axes.text(column, row, label, ha="center", va="center", color=ink, fontsize=points)


@dataclass(frozen=True)
class _Labels:
    """The class names along both axes: every ``step``-th, at a size of ``points``, turned where they are long."""

    names: list[str]
    step: int
    points: float
    turned: bool

    @classmethod
    def fitting(cls, names: list[str], cell: float) -> _Labels:
        """Choose so that neighbours do not touch in cells that are ``cell`` points wide."""
        step = -(-len(names) // _MOST_NAMES)
        points = float(np.clip(0.6 * cell * step, 5.0, 10.0))
        widest = max(text_width(name, points) for name in names)
        return cls(names, step, points, turned=widest > 0.95 * cell * step)

    @property
    def left(self) -> float:
        """Return the room that the names take beside the matrix, in inches."""
        return max(text_width(name, self.points) for name in self.names) / 72

    @property
    def below(self) -> float:
        """Return the room that they take below it, in inches."""
        return self.left if self.turned else self.points / 72


def _name_axes(axes: Axes, labels: _Labels) -> None:
    k = len(labels.names)
    ticks = range(0, k, labels.step)
    look: dict[str, Any] = {"labels": labels.names[:: labels.step], "fontsize": labels.points}
    axes.set_xticks(ticks, rotation=90 if labels.turned else 0, **look)
    axes.set_yticks(ticks, **look)
    axes.set_xlabel(tr("predicted class"))
    axes.set_ylabel(tr("true class"))
    axes.spines[:].set_visible(False)
    axes.tick_params(which="both", length=0)
    between = np.arange(1, k) - 0.5
    axes.set_xticks(between, minor=True)
    axes.set_yticks(between, minor=True)
    axes.grid(which="minor", color="white", linewidth=0.5 if k > 10 else 1.5)
