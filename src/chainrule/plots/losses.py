"""Losses as curves: over the error, over the probability, and their slopes over the weighted sum."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chainrule.formulas import ACTIVATIONS, LOSSES
from chainrule.language import Message
from chainrule.plots.checks import finite
from chainrule.plots.lines import Curve, Panel

__all__ = ["LOSS_NAMES", "loss_panels"]

# What people call the losses that these panels and their lesson show.
LOSS_NAMES: dict[str, str] = {
    "half_squared_error": Message("half squared error"),
    "squared_error": Message("squared error"),
    "mean_squared_error": Message("mean squared error"),
    "euclidean_distance": Message("Euclidean distance"),
    "binary_cross_entropy": Message("binary cross-entropy"),
    "categorical_cross_entropy": Message("categorical cross-entropy"),
}
_POINTS = 401


def loss_panels(squared: Sequence[str] = ("half_squared_error", "squared_error"), reach: float = 6.0) -> list[Panel]:
    """Give panels for `line_panels`: losses of one output over its error, and cross-entropy beside a squared error.

    Args:
        squared: names of losses that are defined by outputs and targets.
        reach: how far the weighted sum z of a sigmoid goes to both sides of 0.

    Returns:
        Three panels: losses over the error a - y; cross-entropy over a, for y = 1 and y = 0; the slopes dL/dz of
        cross-entropy and half squared error over z, for y = 1.

    Raises:
        UnknownName: there is no such loss.

    >>> [len(panel.curves) for panel in loss_panels()]
    [2, 2, 2]
    """
    end = float(finite([reach], "reach", 1)[0])
    e, z = np.linspace(-2, 2, _POINTS)[:, None], np.linspace(-end, end, _POINTS)[:, None]
    sigmoid, entropy, half = ACTIVATIONS["sigmoid"], LOSSES["binary_cross_entropy"], LOSSES["half_squared_error"]
    a = sigmoid.f(z)
    by_error = [Curve(e[:, 0], LOSSES[name].value(e, np.zeros_like(e)), _called(name)) for name in squared]
    by_output = [Curve(a[:, 0], entropy.value(z, y), f"y = {y:g}") for y in (1.0, 0.0)]
    assert half.slope is not None
    slopes = {
        half.name: sigmoid.back(z, a, half.slope(a, np.ones_like(a))),
        entropy.name: entropy.pairs["sigmoid"].slope(z, a, 1.0),
    }
    by_sum = [Curve(z[:, 0], slope[:, 0], _called(name)) for name, slope in slopes.items()]
    return [
        Panel(by_error, x=Message("error a − y"), y="L", title=Message("one output")),
        Panel(by_output, x="a", y="L", title=Message("cross-entropy")),
        Panel(by_sum, x="z", y="∂L/∂z", title=Message("slopes where y = 1")),
    ]


def _called(name: str) -> str:
    return LOSS_NAMES.get(name, name)
