"""The numerical derivative beside the chain rule's: how much the cost changes when a number is nudged up and down."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from chainrule.engines import reference as engine
from chainrule.explain.anatomy import PARAMETERS, Anatomy
from chainrule.explain.names import Name
from chainrule.formulas import Array
from chainrule.network import Dropout, Network

__all__ = ["Nudged", "nudge"]


@dataclass(frozen=True)
class Nudged:
    """A central difference, (C(v + h) - C(v - h)) / 2h.

    Args:
        step: h.
        slope: what it comes to.
        left, right: the differences to either side, (C(v) - C(v - h)) / h and (C(v + h) - C(v)) / h.
    """

    step: float
    slope: float
    left: float
    right: float


def nudge(body: Anatomy, of: Name) -> Nudged | None:
    """Differentiate the cost by a number numerically.

    Args:
        body: the step's anatomy.
        of: a parameter, an input, a weighted sum or an activation.

    Returns:
        The central difference; None for what cannot be nudged by itself, such as a number within a training pass with
        dropout or batch statistics.
    """
    step = body.step
    if of.symbol in PARAMETERS:
        assert of.layer is not None
        entry = next(e for e in step.model.network.entries if e.kind == of.symbol and e.layer == of.layer)
        place = entry.start if entry.shared else entry.start + int(np.ravel_multi_index(of.index, entry.shape))  # type: ignore[arg-type]
        if not entry.trained:
            return None
        return _central(float(step.model.theta[place]), lambda value: _cost(body, place, value))
    place_in = (int(of.row or 0), int(of.index[0]))
    if of.symbol == "x":
        return _central(
            float(step.X[place_in]), lambda value: _loss(body, step.model.theta, _set(step.X, place_in, value))
        )
    if step.draw is not None or of.symbol not in ("z", "a", "u", "q"):
        return None
    key = (of.symbol, of.layer)
    k, array = body.makers[key], body.forward[key]
    summed = key == body.sums(k)
    return _central(float(array[place_in]), lambda value: _go_on(body, k, _set(array, place_in, value), summed=summed))


def _central(value: float, cost: Callable[[float], float]) -> Nudged:
    # The step at which rounding and curvature are about equally large.
    h = float(np.cbrt(np.finfo(np.float64).eps)) * max(1.0, abs(value))
    up, here, down = value + h, value, value - h
    costs = [cost(each) for each in (down, here, up)]
    left, right = (costs[1] - costs[0]) / (here - down), (costs[2] - costs[1]) / (up - here)
    return Nudged(h, (costs[2] - costs[0]) / (up - down), left, right)


def _set(array: Array, place: tuple[int, int], value: float) -> Array:
    changed = array.copy()
    changed[place] = value
    return changed


def _cost(body: Anatomy, place: int, value: float) -> float:
    theta = body.step.model.theta.copy()
    theta[place] = value
    return _loss(body, theta, body.step.X)


def _loss(body: Anatomy, theta: Array, X: Array) -> float:
    step = body.step
    assert step.Y is not None
    state = step.model.state.copy()
    return float(engine.loss(step.objective, theta, state, X, step.Y, step.weights, step.draw))


def _go_on(body: Anatomy, k: int, array: Array, *, summed: bool) -> float:
    """Give the cost where the sums, or the activations, of stage k are these."""
    step, layer = body.step, body.stages[k].layer
    assert not isinstance(layer, Dropout)
    assert step.Y is not None
    A = layer.activation.f(array) if summed else array
    rest = body.stages[k + 1 :]
    if not any(not isinstance(stage.layer, Dropout) for stage in rest):
        last = (None, array if summed else None, A, None)
        values = engine.losses_of(step.objective, last, step.Y)
        return float(np.sum(values * step.share))
    network = step.model.network
    behind = Network([stage.layer for stage in rest], inputs=A.shape[1])
    theta = step.model.theta[network.parameter_count - behind.parameter_count :]
    state = step.model.state[network.state_count - behind.state_count :].copy()
    objective = dataclasses.replace(step.objective, network=behind)
    return float(engine.loss(objective, theta, state, A, step.Y, step.weights))
