"""A function beside its tangent: what a derivative means."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule.language import Message
from chainrule.plots.checks import finite
from chainrule.plots.lines import Curve, Panel
from chainrule.plots.style import significant

__all__ = ["tangent_panel"]

_POINTS = 301


def tangent_panel(
    function: Callable[[npt.NDArray[np.float64]], npt.ArrayLike],
    at: float,
    slope: float,
    *,
    reach: float = 3.0,
    secant: float | None = None,
    x: str = "x",
    y: str = "y",
) -> Panel:
    """Give a panel for `line_panels`: a function of one number, its tangent and perhaps a secant.

    Args:
        function: takes a vector of places and gives the values there.
        at: where the tangent touches.
        slope: the derivative there.
        reach: how far to draw to both sides.
        secant: how far from ``at`` the other point of a secant lies, or None for no secant.
        x: the name of the horizontal axis.
        y: the name of the vertical axis.

    Raises:
        UsageError, ShapeError: something is not finite, or the function does not give one value for each place.

    >>> panel = tangent_panel(np.square, 1.0, 2.0, x="w")
    >>> [str(curve.label) for curve in panel.curves]
    ['y', 'tangent: slope 2', 'w = 1']
    """
    place, end = float(finite([at], "at", 1)[0]), float(finite([reach], "reach", 1)[0])
    near = np.linspace(place - end, place + end, _POINTS)
    there = _values(function, np.array([place]))[0]
    curves = [
        Curve(near, _values(function, near), y),
        Curve(near, there + slope * (near - place), Message("tangent: slope {slope}", slope=significant(slope))),
    ]
    if secant is not None:
        rise = (_values(function, np.array([place + secant]))[0] - there) / secant
        curves.append(
            Curve(near, there + rise * (near - place), Message("secant: slope {slope}", slope=significant(rise)))
        )
    curves.append(Curve([place], [there], f"{x} = {significant(place)}", points=True))
    return Panel(curves, x=x, y=y)


def _values(function: Callable[..., Any], places: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return finite(function(places), "the function's values", 1)
