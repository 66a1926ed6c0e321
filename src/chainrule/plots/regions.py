"""What a classifier answers everywhere in the plane."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.errors import ShapeError, UsageError
from chainrule.language import Message, tr
from chainrule.plots.checks import class_list, class_numbers, finite
from chainrule.plots.palette import colour, marker
from chainrule.plots.style import beside, drawing, heading, shorten

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["decision_regions"]

_GRID = 250
_NAMES_PER_COLUMN = 15
_PALEST, _STRONGEST = 0.08, 0.55

Floats = NDArray[np.float64]


def decision_regions(
    predict: Callable[[Any], ArrayLike] | Any,
    X: ArrayLike,
    y: ArrayLike,
    *,
    classes: Sequence[Any] | None = None,
    features: Sequence[str] | None = None,
    title: str | None = None,
) -> Figure:
    """Draw which class is predicted at each point of the plane, and the examples on top.

    The background has the colour of the predicted class, stronger where its probability is higher; black lines are the
    borders between classes.

    Args:
        predict: a function from points (n, 2) to labels (n,), to class probabilities (n, k) or to the probability of
            the second class (n, 1); or a model with ``predict_proba`` or ``predict``.
        X: the examples, shape (m, 2).
        y: their class labels, shape (m,); or class numbers where the labels are not numbers.
        classes: the k labels in the order of the probabilities; by default the model's, else those found in ``y``.
        features: the names of the two features; ``x1`` and ``x2`` by default.
        title: the heading; ``Decision regions`` by default.

    Returns:
        The figure.

    Raises:
        ShapeError: there are not exactly two features, or lengths differ.
        UsageError: a value is not finite, a label is unknown.

    >>> X, y = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 0, 0, 1]
    >>> figure = decision_regions(lambda points: (points.sum(axis=1) > 1.5).astype(int), X, y)
    >>> figure.axes[0].get_xlabel(), figure.axes[0].get_ylabel()
    ('x1', 'x2')
    """
    points = _points(X)
    sides = _grid_sides(points)
    grid = np.stack(np.meshgrid(*sides), axis=-1).reshape(-1, 2)
    answers = _answers(predict, grid.astype(_number_type(X)))
    names = _class_names(classes, predict, y, answers)
    truth = class_numbers(y, names, "y")
    if len(truth) != len(points):
        raise ShapeError("X has {m} rows and y has {labels} labels; they must match", m=len(points), labels=len(truth))
    probabilities = _probabilities(answers, names, len(grid)).reshape(_GRID, _GRID, len(names))
    with drawing(7.5, 5.2) as figure:
        axes = figure.subplots()
        axis_names = _two_names(features)
        _shade(axes, sides, probabilities)
        handles = _scatter(axes, points, truth, names)
        axes.set_xlabel(axis_names[0])
        axes.set_ylabel(axis_names[1])
        beside(axes, handles, title=tr("examples by class"), ncols=-(-len(names) // _NAMES_PER_COLUMN))
        detail = tr(
            "background: predicted class, stronger where more probable"
            if answers.ndim == 2
            else "background: predicted class"
        )
        heading(figure, title or tr("Decision regions"), detail)
    return figure


def _points(X: ArrayLike) -> Floats:
    points = finite(X, "X", 2)
    if points.shape[1] != 2:
        raise ShapeError(
            "X has {count} features; decision regions need exactly two: choose two columns, and train on them",
            count=points.shape[1],
        )
    return points


def _two_names(features: Sequence[str] | None) -> list[str]:
    names = ["x1", "x2"] if features is None else [shorten(name, 60) for name in features]
    if len(names) != 2:
        raise ShapeError("features has {count} names; expected two", count=len(names))
    return names


def _number_type(X: ArrayLike) -> np.dtype[Any]:
    """Return the number type that the model is used to: that of ``X`` where it is a float."""
    given = np.asarray(X).dtype
    return given if given.kind == "f" else np.dtype(np.float64)


def _grid_sides(points: Floats) -> tuple[Floats, Floats]:
    low, high = points.min(axis=0), points.max(axis=0)
    span = np.where(high > low, high - low, 1.0)
    low, high = low - 0.1 * span, high + 0.1 * span
    return np.linspace(low[0], high[0], _GRID), np.linspace(low[1], high[1], _GRID)


def _answers(predict: Any, grid: NDArray[Any]) -> NDArray[Any]:
    function = getattr(predict, "predict_proba", None) or getattr(predict, "predict", None) or predict
    if not callable(function):
        raise UsageError(
            "predict is {kind}; expected a function of points or a model with predict_proba or predict",
            kind=type(predict).__name__,
        )
    answers = np.asarray(function(grid))
    if answers.ndim not in (1, 2) or len(answers) != len(grid):
        raise ShapeError(
            "predict gave the shape {shape} for {n} points; expected labels (n,) or class probabilities (n, k)",
            shape=answers.shape,
            n=len(grid),
        )
    if answers.ndim == 2 and answers.shape[1] == 1:
        only = answers[:, 0]
        return np.column_stack([1.0 - only, only]) if answers.dtype.kind == "f" else only
    return answers


def _class_names(classes: Sequence[Any] | None, predict: Any, y: ArrayLike, answers: NDArray[Any]) -> list[Any]:
    if classes is None:
        classes = getattr(predict, "classes_", None)
    if classes is None:
        classes = getattr(predict, "classes", None)
    if classes is None:
        seen = set(np.asarray(y).ravel().tolist())
        if answers.ndim == 1:
            seen |= set(answers.tolist())
        classes = sorted(seen, key=lambda label: (str(type(label)), label))
        if answers.ndim == 2 and len(classes) < answers.shape[1] and np.asarray(y).dtype.kind in "iu":
            classes = range(answers.shape[1])
    return class_list(classes)


def _probabilities(answers: NDArray[Any], names: list[Any], n: int) -> Floats:
    """Return the class probabilities (n, k); a label counts as a probability of 1."""
    k = len(names)
    if answers.ndim == 1:
        return np.eye(k)[class_numbers(answers, names, Message("the prediction"))]
    if answers.shape[1] != k:
        raise ShapeError(
            "predict gave {columns} probabilities for each point, but there are {k} classes ({classes}); give classes="
            " in the order of the probabilities",
            columns=answers.shape[1],
            k=k,
            classes=", ".join(map(str, names[:10])) + (", …" if k > 10 else ""),
        )
    probabilities = finite(answers, Message("the prediction"), 2)
    low, high = float(probabilities.min()), float(probabilities.max())
    if low < -1e-6 or high > 1.0 + 1e-6:
        raise UsageError(
            "predict gave values from {low} to {high}, which are no probabilities; give a function of labels or of"
            " probabilities, such as model.predict_proba",
            low=low,
            high=high,
        )
    return probabilities


def _shade(axes: Axes, sides: tuple[Floats, Floats], probabilities: Floats) -> None:
    from matplotlib.colors import to_rgb

    k = probabilities.shape[-1]
    inks = np.array([to_rgb(colour(number)) for number in range(k)])
    winner = probabilities.argmax(axis=-1)
    certainty = np.clip((probabilities.max(axis=-1) - 1 / k) / (1 - 1 / k) if k > 1 else winner + 1.0, 0.0, 1.0)
    strength = (_PALEST + (_STRONGEST - _PALEST) * certainty)[..., np.newaxis]
    picture = 1.0 - strength * (1.0 - inks[winner])
    extent = (sides[0][0], sides[0][-1], sides[1][0], sides[1][-1])
    axes.imshow(picture, extent=extent, origin="lower", aspect="auto", interpolation="bilinear")
    # Where there are two classes, one border is the other's.
    for number in range(k if k > 2 else k - 1):
        lead = probabilities[..., number] - np.delete(probabilities, number, axis=-1).max(axis=-1)
        if lead.min() < 0.0 < lead.max():
            axes.contour(*sides, lead, levels=[0.0], colors="black", linewidths=0.9)


def _scatter(axes: Axes, points: Floats, truth: NDArray[np.int64], names: list[Any]) -> list[Any]:
    """Draw the examples and return the legend's handles, one for each class."""
    from matplotlib.lines import Line2D

    area = float(np.clip(12000.0 / len(points), 6.0, 40.0))
    handles: list[Any] = []
    for number, name in enumerate(names):
        look: dict[str, Any] = {"marker": marker(number), "label": shorten(name)}
        mine = points[truth == number]
        edge = "white" if colour(number) == "#000000" else "black"
        axes.scatter(mine[:, 0], mine[:, 1], s=area, color=colour(number), edgecolors=edge, linewidths=0.5, **look)
        handles.append(
            Line2D([], [], linestyle="", color=colour(number), markeredgecolor=edge, markeredgewidth=0.5, **look)
        )
    return handles
