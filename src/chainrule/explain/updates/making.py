"""What one update does to every parameter: gradient, penalties, clipping, the optimizer's step, limits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import numpy as np

from chainrule.engines import reference as engine
from chainrule.engines.protocol import Objective
from chainrule.errors import UsageError
from chainrule.formulas import OPTIMIZERS, PENALTIES, SGD, Array, Formula, Optimizer, Penalty
from chainrule.formulas.catalogue import Catalogue
from chainrule.language import Message
from chainrule.model import Model
from chainrule.parameters import Parameters
from chainrule.training.lbfgs import LBFGS
from chainrule.training.memory import Memory
from chainrule.training.preparation import check_clip, find_penalties

__all__ = ["Update", "UpdateRule", "find_rule", "length_of", "make_update"]

F = TypeVar("F", bound=Formula)


@dataclass(frozen=True, eq=False)
class UpdateRule:
    """How an update is made.

    Args:
        optimizer: its formula, with rate and parameters.
        penalties: prices on weights, and limits.
        clip: largest Euclidean norm of the gradient, or None.
        slots: the optimizer's vectors before the update, each shape (P,).
        updates: how many updates were made before.
        notes: what was decided where the model's own settings cannot be followed; messages.
    """

    optimizer: Optimizer
    penalties: tuple[Penalty, ...]
    clip: float | None
    slots: tuple[Array, ...]
    updates: int
    notes: tuple[str, ...] = ()


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

    def __repr__(self) -> str:
        return f"Update({self.rule.optimizer}, t={self.t}, {self.change!r})"

    @cached_property
    def price_slopes(self) -> tuple[tuple[Penalty, Mapping[int, Array]], ...]:
        """The penalties that have a slope, each with its slopes at the weights, by layer."""
        return tuple(
            (penalty, {l: penalty.bound(penalty.slope)(W) for l, W in self.before.W.items()})
            for penalty in self.rule.penalties
            if penalty.slope is not None
        )

    @cached_property
    def stepped(self) -> Parameters:
        """Theta with the optimizer's step made, before any limit."""
        return Parameters(self.before.network, self.before.theta + self.change.theta)

    @cached_property
    def clipped(self) -> bool:
        """Whether the gradient was longer than the clip, so that it was shortened."""
        return not np.array_equal(self.priced.theta, self.g.theta, equal_nan=True)


def find_rule(
    model: Model,
    optimizer: str | Optimizer | None,
    penalties: str | Penalty | Iterable[str | Penalty] | None,
    clip: float | None,
    memory: Memory | None,
) -> UpdateRule:
    """Give how an update is made: as asked for, else as the model was trained, else plain gradient descent.

    A model's settings may name what makes no update of single parameters (L-BFGS), or formulas of one's own that are
    not registered here: then the rule's notes say what is taken instead. Of an optimizer with a schedule, the rate is
    the optimizer's own, since the schedule ended with the training.

    Raises:
        UsageError: for an optimizer or a clip that cannot be, or a memory that is none, or another optimizer's.
        UnknownName: for an optimizer or penalty that is in no catalogue.

    >>> from chainrule import Adam, Network, train
    >>> model = train(Network.from_sizes([1, 1]), [[1.0]], [1.0], optimizer=Adam(0.01), clip=2.0, epochs=1)
    >>> rule = find_rule(model, None, None, None, None)
    >>> print(rule.optimizer, rule.clip)
    adam(rate=0.01, beta1=0.9, beta2=0.999, epsilon=1e-08) 2.0
    """
    if not isinstance(memory, Memory | None):
        raise UsageError("memory is {given!r}; expected a Memory, or None to begin anew", given=memory)
    notes: tuple[str, ...]
    chosen, notes = _trained_optimizer(model) if optimizer is None else (_find_optimizer(optimizer), ())
    if penalties is None:
        prices, lost = _trained_penalties(model)
        notes += lost
    else:
        prices = find_penalties(penalties)
    if memory is None and optimizer is None and chosen.slots and model.settings.get("optimizer") is not None:
        notes += (Message("The model keeps no memory of its optimizer: this is its first update."),)
    start = (memory or Memory()).start(model.theta, model.state, chosen)
    limit = check_clip(model.settings.get("clip") if clip is None else clip)
    return UpdateRule(chosen, prices, limit, start.slots, start.updates, notes)


def _find_optimizer(wanted: str | Optimizer) -> Optimizer:
    if isinstance(wanted, LBFGS) or wanted == "lbfgs":
        raise UsageError(
            "L-BFGS has no update of single parameters to explain: it moves all of them along one line that it "
            "searches; name another optimizer, such as optimizer=SGD(0.1)"
        )
    return OPTIMIZERS.find(wanted)


def _trained_optimizer(model: Model) -> tuple[Optimizer, tuple[str, ...]]:
    """Give the optimizer that a model was trained by, or plain descent, with notes on what is other than then."""
    kept = model.settings.get("optimizer")
    if kept is None:
        plain = SGD()
        note = Message(
            "The model has not been trained; shown is an update by plain gradient descent with the rate {rate}.",
            rate=float(plain.rate),
        )
        return plain, (note,)
    if (found := _recorded(OPTIMIZERS, kept)) is None:
        return SGD(), (_not_followed(kept),)
    schedule = model.settings.get("schedule")
    if isinstance(schedule, Mapping) and schedule.get("name", "constant") != "constant":
        note = Message(
            "The schedule {schedule} ended with the training; the rate here is the optimizer's own, {rate}.",
            schedule=schedule["name"],
            rate=float(found.rate),
        )
        return found, (note,)
    return found, ()


def _not_followed(kept: Any) -> Message:
    name = kept.get("name") if isinstance(kept, Mapping) else kept
    if name == "lbfgs":
        return Message(
            "The model was trained by L-BFGS, which moves all parameters along one line that it searches; shown is an "
            "update by plain gradient descent."
        )
    return Message(
        "The model was trained by {name}, which is not registered here; shown is an update by plain gradient descent.",
        name=str(name),
    )


def _trained_penalties(model: Model) -> tuple[tuple[Penalty, ...], tuple[str, ...]]:
    """Give the penalties that a model was trained with, and notes on those that are not known here."""
    found: list[Penalty] = []
    notes: list[str] = []
    for kept in model.settings.get("penalties") or ():
        penalty = _recorded(PENALTIES, kept)
        if penalty is not None:
            found.append(penalty)
            continue
        name = kept.get("name") if isinstance(kept, Mapping) else kept
        notes.append(
            Message(
                "The model was trained with the penalty {name}, which is not registered here; it is left out.",
                name=str(name),
            )
        )
    return tuple(found), tuple(notes)


def _recorded(catalogue: Catalogue[F], kept: Any) -> F | None:
    """Give the formula that `Formula.describe` described, or None where the catalogue does not have it."""
    if not isinstance(kept, Mapping) or kept.get("name") not in catalogue:
        return None
    numbers = {str(key): value for key, value in kept.items() if key != "name"}
    return catalogue.find(kept["name"], **numbers)


def make_update(rule: UpdateRule, model: Model, gradient: Parameters) -> Update:
    """Make one update as the reference engine does, keeping every vector on the way.

    Args:
        rule: how.
        model: the model before it.
        gradient: dC/dtheta without penalties.

    >>> from chainrule import Network
    >>> model = Network.from_sizes([1, 1]).init(seed=0)
    >>> slope = Parameters(model.network, np.array([0.5, -1.0]))
    >>> update = make_update(find_rule(model, SGD(0.1), None, None, None), model, slope)
    >>> update.change.theta.tolist(), update.t
    ([-0.05, 0.1], 1)
    """
    with np.errstate(all="ignore"):  # what is not finite is shown as it is
        return _made(rule, model, gradient)


def _made(rule: UpdateRule, model: Model, gradient: Parameters) -> Update:
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
    norm = length_of(priced.theta)
    return Update(rule, model.parameters, gradient, priced, g, norm, kept, Parameters(network, change), after, t)


def length_of(vector: Array) -> float:
    """Give the Euclidean norm of a vector, in units of its largest entry, so that no square over- or underflows.

    >>> round(length_of(np.array([3e200, -4e200])) / 1e200, 9)
    5.0
    """
    largest = float(np.abs(vector).max(initial=0.0))
    if not largest or not np.isfinite(largest):
        return largest
    return largest * float(np.sqrt(np.sum((vector / largest) ** 2)))
