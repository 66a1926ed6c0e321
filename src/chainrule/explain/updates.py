"""What one update does to every parameter: gradient, penalties, clipping, the optimizer's step, limits."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from chainrule.engines import reference as engine
from chainrule.engines.protocol import Objective
from chainrule.errors import UsageError
from chainrule.formulas import OPTIMIZERS, PENALTIES, SGD, Array, Optimizer, Penalty
from chainrule.model import Model
from chainrule.parameters import Parameters
from chainrule.training.memory import Memory
from chainrule.training.preparation import check_clip, find_penalties

__all__ = ["Update", "UpdateRule", "find_rule", "make_update"]


@dataclass(frozen=True, eq=False)
class UpdateRule:
    """How an update is made.

    Args:
        optimizer: its formula, with rate and parameters.
        penalties: prices on weights, and limits.
        clip: largest Euclidean norm of the gradient, or None.
        slots: the optimizer's vectors before the update, each shape (P,).
        updates: how many updates were made before.
    """

    optimizer: Optimizer
    penalties: tuple[Penalty, ...]
    clip: float | None
    slots: tuple[Array, ...]
    updates: int


@dataclass(frozen=True, eq=False)
class Update:
    """One update, vector by vector; all have theta's layout, shape (P,).

    Args:
        rule: how it was made.
        before: theta before it.
        data: dC/dtheta, without penalties.
        priced: the same with the penalties' slopes.
        g: the gradient that the optimizer sees: shortened where it was longer than the clip.
        norm: the Euclidean norm of ``priced``.
        slots: the optimizer's vectors after it.
        change: what is added to theta.
        after: theta after it, held to the limits.
        t: the number of the update, 1, 2, ….
    """

    rule: UpdateRule
    before: Parameters
    data: Parameters
    priced: Parameters
    g: Parameters
    norm: float
    slots: tuple[Parameters, ...]
    change: Parameters
    after: Parameters
    t: int


def find_rule(
    model: Model,
    optimizer: str | Optimizer | None,
    penalties: str | Penalty | Iterable[str | Penalty] | None,
    clip: float | None,
    memory: Memory | None,
) -> UpdateRule:
    """Give how an update is made: as asked for, else as the model was trained, else plain gradient descent.

    Raises:
        UsageError: for a clip that cannot be, or a memory of another optimizer.
        UnknownName: for an optimizer or penalty that is in no catalogue.
    """
    settings = model.settings
    if optimizer is None and (trained := settings.get("optimizer")):
        if trained["name"] not in OPTIMIZERS:
            raise UsageError(
                "the model was trained by {name}, which has no update of single parameters to explain; name an "
                "optimizer, such as optimizer=SGD(0.1)",
                name=trained["name"],
            )
        optimizer = OPTIMIZERS.find(**trained)
    if penalties is None:
        prices = tuple(PENALTIES.find(**each) for each in settings.get("penalties", ()))
    else:
        prices = find_penalties(penalties)
    chosen = SGD() if optimizer is None else OPTIMIZERS.find(optimizer)
    start = (memory or Memory()).start(model.theta, model.state, chosen)
    limit = settings.get("clip") if clip is None else check_clip(clip)
    return UpdateRule(chosen, prices, limit, start.slots, start.updates)


def make_update(rule: UpdateRule, model: Model, gradient: Parameters) -> Update:
    """Make one update as the reference engine does, keeping every vector on the way.

    Args:
        rule: how.
        model: the model before it.
        gradient: dC/dtheta without penalties.
    """
    network, theta = model.network, model.theta
    priced = Parameters(network, gradient.theta.copy())
    engine.penalize(Objective(network, model.loss, rule.penalties), model.parameters, priced)
    g = Parameters(network, priced.theta.copy())
    if rule.clip is not None:
        engine.shorten(g.theta, rule.clip)
    t = rule.updates + 1
    step = engine.stepper(rule.optimizer, network, theta.dtype)
    change, slots = step(theta, g.theta, rule.slots, t, rule.optimizer.rate)
    after = Parameters(network, theta + change)
    engine.hold([penalty for penalty in rule.penalties if penalty.project is not None], after)
    kept = tuple(Parameters(network, slot) for slot in slots)
    norm = float(np.linalg.norm(priced.theta))
    return Update(rule, model.parameters, gradient, priced, g, norm, kept, Parameters(network, change), after, t)
