"""Activations and their slopes, as curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from chainrule.formulas import ACTIVATIONS, Activation, Array
from chainrule.language import Message
from chainrule.plots.checks import finite
from chainrule.plots.lines import Curve, Panel, line_panels
from chainrule.plots.style import significant

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["activation_curves", "neurons_on_curve", "value_and_slope"]

_POINTS = 601


def value_and_slope(activation: str | Activation, z: npt.ArrayLike) -> tuple[Array, Array]:
    """Give f(z) and f'(z) as numbers over numbers, for every activation.

    Softmax is a function of a row: its first output for the rows (z, 0) stands for it. The step has the slope 0.

    Args:
        activation: by name or record.
        z: shape (m,).

    Returns:
        Value and slope, each of shape (m,).

    Raises:
        UnknownName: there is no such activation.
        UsageError, ShapeError: z is no vector of finite numbers.

    >>> value_and_slope("sigmoid", [0.0])
    (array([0.5]), array([0.25]))
    """
    f, z = ACTIVATIONS.find(activation), finite(z, "z", 1)
    if f.pullback is not None:
        rows = np.stack([z, np.zeros_like(z)], axis=-1)
        a = f.f(rows)
        return a[:, 0], f.back(rows, a, np.broadcast_to([1.0, 0.0], rows.shape))[:, 0]
    a = f.f(z)
    return a, f.back(z, a, np.ones_like(z)) if f.trainable else np.zeros_like(z)


def activation_curves(
    activations: Sequence[str | Activation], *, reach: float = 6.0, columns: int = 0, title: str | None = None
) -> Figure:
    """Draw each activation with its slope, from -reach to reach.

    Args:
        activations: by name or record.
        reach: how far z goes to both sides of 0, above 0.
        columns: how many panels stand side by side; 0 chooses.
        title: the heading; ``Activations and their slopes`` by default.

    Returns:
        The figure, a panel for each activation.

    Raises:
        UnknownName: there is no such activation.
        UsageError: reach is not finite, or there is nothing to draw.

    >>> [axes.get_title() for axes in activation_curves(["relu", "tanh"]).axes]
    ['relu', 'tanh']
    """
    end = float(finite([reach], "reach", 1)[0])
    z = np.linspace(-end, end, _POINTS)
    panels = []
    for each in activations:
        a, slope = value_and_slope(each, z)
        curves = [Curve(z, a, Message("value f(z)")), Curve(z, slope, Message("slope f'(z)"))]
        panels.append(Panel(curves, x="z", title=str(ACTIVATIONS.find(each))))
    return line_panels(panels, title=title or Message("Activations and their slopes"), columns=columns)


def neurons_on_curve(activation: str | Activation, sums: Mapping[str, float]) -> Panel:
    """Give a panel for `line_panels`: an activation, and on it where neurons are.

    Args:
        activation: by name or record.
        sums: the weighted sum z of each neuron, by what the neuron is called; the name may be empty.

    Raises:
        UnknownName: there is no such activation.
        UsageError: a sum is not finite.

    >>> [str(curve.label) for curve in neurons_on_curve("sigmoid", {"h": 0.0}).curves]
    ['sigmoid', 'h: z = 0, a = 0.5']
    """
    f, places = ACTIVATIONS.find(activation), finite(list(sums.values()), "z", 1)
    end = max(6.0, 1.2 * float(np.abs(places).max()))
    z = np.linspace(-end, end, _POINTS)
    curves = [Curve(z, value_and_slope(f, z)[0], str(f))]
    for name, place in zip(sums, places, strict=True):
        a = value_and_slope(f, [place])[0]
        told = f"z = {significant(place)}, a = {significant(a[0])}"
        curves.append(Curve([place], a, f"{name}: {told}" if name else told, points=True))
    return Panel(curves, x="z", y="a")
