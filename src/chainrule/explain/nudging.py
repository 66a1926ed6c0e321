"""The numerical derivative beside the chain rule's: how much the cost changes when a number is nudged up and down.

The pass is run on from where the number stands, by the reference engine, with the step's own dropout masks; statistics
of the batch are computed anew, since they depend on the number. How far it is nudged is chosen by what is measured:
further where the cost is so large that its rounding hides a change, less far where the cost is too curved.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, cast

import numpy as np

from chainrule.engines import reference as engine
from chainrule.explain.anatomy import PARAMETERS, Anatomy
from chainrule.explain.gradcheck.numerical import Difference, difference, rounding_of
from chainrule.explain.names import Name
from chainrule.formulas import Array
from chainrule.network import BatchNorm, Dense, Entry, Layer, Network
from chainrule.parameters import Parameters

__all__ = ["Nudged", "nudge"]

_EPS = float(np.finfo(np.float64).eps)
_ENOUGH = 1e-7  # uncertainty, in units of the derivative, at which no other steps are tried
_TRIES = 4
_JUMP = 1e-5  # jump of a slope, in units of the slopes beside it, that counts as a kink
_ROUNDING = 64  # how many times its rounding error a jump must be


@dataclass(frozen=True)
class Nudged:
    """A central difference, (C(v + h) - C(v - h)) / 2h, for h, h/2 and h/4, extrapolated to h = 0.

    Args:
        step: h, the largest one.
        slope: what it comes to.
        uncertainty: how far it may be off.
        jump: the slope to the right minus the slope to the left, extrapolated likewise.
        kink: whether there is such a jump, beyond what rounding can do.
    """

    step: float
    slope: float
    uncertainty: float
    jump: float = 0.0
    kink: bool = False

    @property
    def left(self) -> float:
        """The slope to the left."""
        return self.slope - self.jump / 2

    @property
    def right(self) -> float:
        """The slope to the right."""
        return self.slope + self.jump / 2


def nudge(body: Anatomy, of: Name) -> Nudged | None:
    """Differentiate the cost by a number numerically.

    Args:
        body: the step's anatomy.
        of: a parameter, an input, or a number of the forward pass.

    Returns:
        The central difference; None for what cannot be nudged, such as a target or an output from which no loss is
        computed, and where the cost is no finite number.
    """
    if of.symbol in PARAMETERS:
        entry = next(e for e in body.step.model.network.entries if e.kind == of.symbol and e.layer == of.layer)
        found = _nudge_parameter(body, entry, of)
        return found
    key = (of.symbol, of.layer)
    k = body.makers.get(key)
    if k is None or of.symbol == "mask" or (_is_output(body, k, key) and body.step.objective.pair is not None):
        return None
    array, p = body.forward[key], body.step.model.parameters
    return _central(array, (int(of.row or 0), int(of.index[0])), lambda given: _go_on(body, p, k, of.symbol, given))


def _nudge_parameter(body: Anatomy, entry: Entry, of: Name) -> Nudged | None:
    """Run the pass on from the layer that has the parameter."""
    network = body.step.model.network
    kind = Dense if of.symbol in ("W", "b") else BatchNorm
    k = next(k for k, (layer, l) in enumerate(network.steps) if l == of.layer and isinstance(layer, kind))
    place = entry.start if entry.shared else entry.start + int(np.ravel_multi_index(of.index, entry.shape))  # type: ignore[arg-type]
    before = body.stages[k].before
    return _central(
        body.step.model.theta, (place,), lambda theta: _cost(body, Parameters(network, theta), k, None, before)
    )


def _central(array: Array, place: tuple[int, ...], cost: Callable[[Array], float]) -> Nudged | None:
    """Give the central difference by one number of an array."""

    def measured(arrays: Sequence[Array]) -> float:
        return cost(arrays[0])

    here = cost(array)
    if not np.isfinite(here):
        return None
    noise = rounding_of(measured, [array])
    given, value = array.copy(), float(array[place])

    def along(t: float) -> float:
        given[place] = value + t
        return cost(given)

    unit = max(1.0, abs(value))
    # Slopes below this are rounding in backpropagation, too, where large terms cancel.
    least = 4 * _EPS * abs(here) / unit
    found = _best_difference(along, unit, noise, abs(here), least)
    if not np.isfinite(found.value):
        return None
    h = found.step
    # What extrapolation changes is its error where the cost is smooth. Where the second derivative jumps, as elu's does
    # at 0, the error goes down as h does, not as its square, and is up to 14 times as large.
    changed = max(0.0, found.uncertainty - abs(found.jump) - 16 * noise / h)
    beside = abs(along(h) - here), abs(along(-h) - here)
    # Rounded are v + h and v - h, too, and what the cost is there.
    # Where the cost is 0, its rounding is far smaller than beside: (a - y)^2 has that of a - y times a - y.
    for each in (value + h, value - h):
        given[place] = each
        noise = max(noise, rounding_of(measured, [given]))
    noise = max(noise, _EPS * (max(beside) + abs(value) / h * sum(beside)))
    uncertainty = max(found.uncertainty + 15 * changed, least) + 16 * noise / h
    kink = _is_kink(along, here, found, noise)
    return Nudged(h, found.value, uncertainty, found.jump, kink)


def _is_kink(along: Callable[[float], float], here: float, found: Difference, noise: float) -> bool:
    """Whether the slope jumps: by more than rounding can do, and by as much where steps are far smaller."""
    size, h = abs(found.jump), found.step / 16
    if size <= max(_ROUNDING * noise / found.step, _JUMP * (abs(found.value) + size / 2)):
        return False
    nearer = (along(h) + along(-h) - 2 * here) / h
    return abs(nearer - found.jump) <= size / 4


def _best_difference(
    along: Callable[[float], float], unit: float, noise: float, scale: float, least: float
) -> Difference:
    """Take other steps for as long as they make the difference more certain: wider ones against rounding.

    Where smaller steps find another jump, it was none: the cost bends within the step, and only they can see how.
    """
    best = difference(along, unit, noise, scale)
    for _ in range(_TRIES):
        if best.uncertainty <= max(_ENOUGH * abs(best.value), least):
            break
        rounded = 16 * noise / best.step > best.uncertainty / 2
        unit *= 1e3 if rounded else 1e-4
        found = difference(along, unit, noise, scale)
        stays = abs(found.jump - best.jump) <= 1e-3 * abs(best.jump) or 16 * noise / found.step > abs(best.jump)
        if np.isfinite(best.uncertainty) and not found.uncertainty < best.uncertainty and (rounded or stays):
            break
        best = found
    return best


def _is_output(body: Anatomy, k: int, key: tuple[str, int | None]) -> bool:
    return k == len(body.stages) - 1 and key == body.out(k) != body.sums(k)


def _go_on(body: Anatomy, p: Parameters, k: int, symbol: str, array: Array) -> float:
    """Give the cost where an array that stage k makes is this one."""
    if k < 0:
        return _cost(body, p, 0, None, array)
    layer, l = body.step.model.network.steps[k]
    if symbol == "zhat":
        array = p.gamma[l] * array + p.beta[l]
    if symbol != "zhat" and (symbol, l) != body.sums(k):
        return _cost(body, p, k + 1, None, array)
    assert isinstance(layer, Dense | BatchNorm)
    return _cost(body, p, k + 1, array, layer.activation.f(array))


class _Behind(NamedTuple):
    """The layers behind a place of a network: all that a forward pass asks of one."""

    steps: tuple[tuple[Layer, int], ...]
    state_entries: tuple[Entry, ...]


def _cost(body: Anatomy, p: Parameters, k: int, Z: Array | None, A: Array) -> float:
    """Give the cost where A comes into stage k; Z are its weighted sums, which count where no stage follows."""
    step = body.step
    assert step.Y is not None
    share = engine.shares(step.weights, step.m)
    network = step.model.network
    behind = cast(Network, _Behind(network.steps[k:], network.state_entries))
    steps, _ = engine.forward(behind, p, step.model.state, A, share, step.draw)
    last = steps[-1] if steps else (None, Z, A, None)
    return float(engine.cost_of(engine.losses_of(step.objective, last, step.Y), share))
