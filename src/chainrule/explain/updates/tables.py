"""Tables of an update: what the change of one parameter is made of, and what happens to all of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.explain.names import COST, Name, slope_of
from chainrule.explain.page import Grid
from chainrule.explain.trace import Trace
from chainrule.explain.updates.one_parameter import OneParameter, find_parameter, name_at
from chainrule.explain.updates.optimizers import effective_rate, mean_of, written_out
from chainrule.formulas.optimizers import gradient_descent, momentum, nesterov
from chainrule.language import Message

__all__ = ["update_grid", "update_shares"]


def update_shares(step: Trace, parameter: Name) -> Grid:
    """Give what the change of one parameter is made of: gradient, momentum, penalties, decay, clipping, limits.

    By gradient descent, with momentum or without, each of them adds its own part. An adaptive optimizer divides by the
    gradients that it has seen; its step is one part, the effective rate times (mean) gradient.

    Args:
        step: a trace with targets.
        parameter: its name, as in `update_equations`.

    Returns:
        A table of (what, its part); the parts add up to the last row, after - before.

    Raises:
        UnknownName, ShapeError: for a parameter that the network does not have.
        UsageError: for a whole array, or a trace without targets.

    >>> from chainrule import L2, Network, SGD
    >>> from chainrule.explain.trace import trace
    >>> model = Network.from_sizes([1, 1]).init(seed=0)
    >>> model.theta = [0.5, 0.0]
    >>> step = trace(model, [[2.0]], [3.0], loss="half_squared_error", optimizer=SGD(0.5), penalties=L2(0.25))
    >>> for what, part in update_shares(step, Name("W", 1, (0, 0))).rows:
    ...     print(what, part)
    gradient 2.0
    penalty l2 -0.0625
    change in all 1.9375
    """
    p = find_parameter(step.update, parameter)
    heads = (Message("what"), Message("adds to {name}", name=p.name))
    if not p.entry.trained and p.after.value == p.before.value:
        return Grid(heads, (_whole(p),), Message("{name} is held fixed.", name=p.name))
    parts, note = _linear(p) or _of_one_piece(p)
    limits = [penalty.name for penalty in p.update.rule.penalties if penalty.project is not None]
    if p.is_weight and limits:
        stepped = p.before.value + p.change
        parts = [*parts, (Message("limit {limit}", limit=", ".join(limits)), p.after.value - stepped)]
    return Grid(heads, (*parts, _whole(p)), note)


def _whole(p: OneParameter) -> tuple[str, float]:
    return Message("change in all"), p.after.value - p.before.value


Parts = tuple[list[tuple[str, float]], str]


def _linear(p: OneParameter) -> Parts | None:
    """Give the parts of a step that is a sum of multiples of gradient and velocity; None for any other."""
    optimizer = p.update.rule.optimizer
    rate, mu = optimizer.rate, optimizer.parameters.get("mu", 0.0)
    factors = {gradient_descent: (rate, 0.0), momentum: (rate, mu), nesterov: ((1 + mu) * rate, mu * mu)}
    if not written_out(optimizer) or optimizer.value not in factors:
        return None
    factor, carried = factors[optimizer.value]
    parts: list[tuple[str, float]] = [(Message("gradient"), -factor * p.slope.value)]
    parts += [(Message("penalty {penalty}", penalty=penalty.name), -factor * slope) for penalty, slope in p.prices()]
    if p.update.clipped:
        taken = p.g.value - float(p.update.priced.theta[p.place])
        parts.append((Message("taken off by clipping"), -factor * taken))
    parts += [(Message("momentum"), carried * before.value) for before, _ in p.slots()]
    return parts, ""


def _of_one_piece(p: OneParameter) -> Parts:
    """Give the step of an adaptive optimizer, or a user's own, in one part, and the weight decay."""
    optimizer = p.update.rule.optimizer
    if not written_out(optimizer):
        return [(Message("step of {optimizer}", optimizer=optimizer.name), p.change)], ""
    what = (
        Message("effective rate times corrected mean gradient")
        if "m" in optimizer.slots
        else Message("effective rate times gradient")
    )
    parts: list[tuple[str, float]] = [(what, -effective_rate(p) * mean_of(p))]
    if optimizer.decays and p.is_weight:
        parts.append((Message("weight decay"), -optimizer.rate * optimizer.parameters["decay"] * p.before.value))
    note = Message(
        "{optimizer} divides by the gradients that it has seen, so that data, penalties and clipping have no parts of "
        "their own.",
        optimizer=optimizer.name,
    )
    return parts, note


def update_grid(step: Trace, most: int = 24) -> Grid:
    """Give what one update does to all parameters: name, value before, dC/dw, value after.

    Args:
        step: a trace with targets.
        most: how many rows there are at most; where there are more parameters, those that change most are shown, the
            largest change first.

    Returns:
        A table; the derivative of a bias that is held fixed is not computed, and says so.

    Raises:
        UsageError: for a trace without targets.

    >>> from chainrule import Network, SGD
    >>> from chainrule.explain.trace import trace
    >>> model = Network.from_sizes([1, 1]).init(seed=0)
    >>> model.theta = [0.5, 0.0]
    >>> step = trace(model, [[2.0]], [3.0], loss="half_squared_error", optimizer=SGD(0.25))
    >>> [row[1:] for row in update_grid(step).rows]
    [(0.5, -4.0, 1.5), (0.0, -2.0, 0.5)]
    """
    update, network = step.update, step.model.network
    count, places, note = network.parameter_count, np.arange(network.parameter_count), ""
    if count > most:
        moved = np.nan_to_num(np.abs(update.after.theta - update.before.theta), nan=np.inf)
        places = np.argsort(-moved, kind="stable")[:most]
        note = Message("Of {count:,} parameters the {most} that change most are shown.", count=count, most=most)
    rows = tuple(_row(step, int(place)) for place in places)
    heads = (Message("parameter"), Message("before"), slope_of(COST, Name("w")), Message("after"))
    return Grid(heads, rows, note)


def _row(step: Trace, place: int) -> tuple[Any, ...]:
    p = find_parameter(step.update, name_at(step.model.network, place))
    return p.name, p.before.value, p.slope.value if p.entry.trained else Message("held fixed"), p.after.value
