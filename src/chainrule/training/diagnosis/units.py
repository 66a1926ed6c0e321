"""Layers, measured on a sample of rows: neurons that are dead or saturated, and how far back the error reaches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.engines import Objective, reference
from chainrule.formulas import Activation, Array
from chainrule.network import Dense, Dropout, Network
from chainrule.parameters import Parameters
from chainrule.sparse import Inputs
from chainrule.training.updates import UpdateRatios

__all__ = ["LayerSigns", "measure_layers"]

# A slope below this share of the activation's steepest counts as flat: for tanh |a| > 0.975, for sigmoid a < 0.013 or
# a > 0.987, where an error is shortened to a twentieth of what it could be.
_FLAT = 0.05
# A neuron that is flat on so many rows learns from hardly any; on the few others, outliers often, it may move.
_NEARLY_ALL = 0.95
# Where slopes are looked for; beyond, every usual activation is flat or straight.
_GRID = np.linspace(-6.0, 6.0, 241)


@dataclass(frozen=True)
class LayerSigns:
    """What was measured of one layer.

    Args:
        layer: l.
        units: N_l.
        activation: its name.
        dead: neurons whose slope is exactly 0 on every row, as a ReLU's left of 0, so that no update reaches them.
        saturated: neurons whose slope is below 5 % of the steepest on at least 95 % of the rows.
        error: mean |D[l]|, relative to that of the last layer.
        update: ratio of an update to the weights, the median over the epochs; nan where it was not measured.
        largest_update: the largest over the epochs, likewise.
    """

    layer: int
    units: int
    activation: str
    dead: int
    saturated: int
    error: float
    update: float = np.nan
    largest_update: float = np.nan


def measure_layers(
    objective: Objective, theta: Array, state: Array, X: Inputs, Y: Array, updates: UpdateRatios | None = None
) -> tuple[LayerSigns, ...]:
    """Go forward and back once, as in prediction, and look at every layer.

    Args:
        objective: network and loss.
        theta: the parameters.
        state: the network's state.
        X: inputs, shape (m, N_0).
        Y: targets, shape (m, N_K).
        updates: what was measured in training, if anything was.
    """
    network, p = objective.network, Parameters(objective.network, theta)
    steps, _ = reference.forward(network, p, state, X)
    errors = _errors(objective, p, steps, Y)
    last, measured = errors[network.depth] or 1.0, updates or UpdateRatios()
    found = []
    for l, (activation, Z, A) in _outputs(network, steps).items():
        dead, saturated = _flat_units(activation, Z, A)
        update, largest = measured.median(l), measured.largest(l)
        found.append(
            LayerSigns(l, network.sizes[l], activation.name, dead, saturated, errors[l] / last, update, largest)
        )
    return tuple(found)


def _outputs(network: Network, steps: list[reference.Step]) -> dict[int, tuple[Activation, Array, Array]]:
    """Give activation, Z and A of each layer; a `BatchNorm` behind a dense layer has the last word."""
    found = {}
    for (layer, l), (_, Z, A, _) in zip(network.steps, steps, strict=True):
        if not isinstance(layer, Dropout) and l > 0:
            found[l] = (layer.activation, Z, A)
    return found


def _flat_units(activation: Activation, Z: Array, A: Array) -> tuple[int, int]:
    """Count the dead neurons and the saturated ones."""
    if activation.slope is None:  # step, which is never trained through, or softmax, which is no neuron's own affair
        return 0, 0
    slope = activation.bound(activation.slope)
    slopes = np.abs(slope(Z, A))
    around = np.abs(slope(_GRID, activation.f(_GRID)))
    flat = slopes < _FLAT * around.max()
    if (around == 0).any():  # such as ReLU: its neurons rest on many rows by design, and are ill only if on all
        return int((slopes == 0).all(axis=0).sum()), 0
    return 0, int((flat.mean(axis=0) >= _NEARLY_ALL).sum())


def _errors(objective: Objective, p: Parameters, steps: list[reference.Step], Y: Array) -> dict[int, float]:
    """Give mean |D[l]| of each layer: (BP1) and (BP2), as in prediction."""
    found: dict[int, float] = {}
    G: Any = None
    for (layer, l), (_, Z, A, extra) in zip(reversed(objective.network.steps), reversed(steps), strict=True):
        if isinstance(layer, Dropout):
            continue
        share = reference.shares(None, len(Y))
        D = reference.output_error(objective, Z, A, Y, share) if G is None else layer.activation.back(Z, A, G)
        found.setdefault(l, float(np.mean(np.abs(D))))
        G = D @ p.W[l] if isinstance(layer, Dense) else extra[1] * D
    return found
