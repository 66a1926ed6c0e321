"""A network's formulas, lifted: one program for each activation, loss, penalty and optimizer, and their numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np

from chainrule.engines.compiled.code import Code, Value
from chainrule.engines.compiled.lifting import (
    NotLiftable,
    Program,
    lift_activation,
    lift_back,
    lift_loss,
    lift_optimizer,
    lift_penalty,
)
from chainrule.engines.protocol import Objective
from chainrule.formulas import Formula, Optimizer
from chainrule.network import Dropout, Network

__all__ = ["Lifted", "is_constant", "lift", "settings"]

T = TypeVar("T")
# Numbers that change with every update, and so are no parameters.
MOVING = ("t", "rate")
_FUNCTIONS = ("slope", "pullback", "project")  # what records hold besides a value


@dataclass
class Lifted:
    """What a network computes, ready to be written as code.

    Args:
        objective: network, loss and penalties.
        weighted: whether rows have weights.
        f: by step, the activation.
        back: by step, the chain rule through it.
        loss: of a row, from a or z and y; where rows are single numbers, of each number by itself.
        error: its slope: D of the outputs where ``paired``, else dC/da.
        paired: whether loss and output activation belong together.
        optimizer: how an update is made, or None.
        penalties: for each, price, slope and limit, or None for what it has not.
        numbers: the parameters of all formulas, in the order of ``places``.
        places: (program, name of the number) to its place in ``numbers``.
    """

    objective: Objective
    weighted: bool
    f: dict[int, Program]
    back: dict[int, Program]
    loss: Program
    error: Program
    paired: bool
    optimizer: Program | None
    penalties: tuple[tuple[Program | None, Program | None, Program | None], ...]
    numbers: list[float] = field(default_factory=list)
    places: dict[tuple[Any, str], int] = field(default_factory=dict)

    def programs(self) -> Iterator[tuple[Any, Program, Mapping[str, float]]]:
        """Give every program with a key and its parameters."""
        objective = self.objective
        for s, (layer, _) in enumerate(objective.network.steps):
            if not isinstance(layer, Dropout):
                yield ("f", s), self.f[s], layer.activation.parameters
                if s in self.back:
                    yield ("back", s), self.back[s], layer.activation.parameters
        yield "loss", self.loss, objective.loss.parameters
        yield "error", self.error, objective.loss.parameters
        for k, (penalty, programs) in enumerate(zip(objective.penalties, self.penalties, strict=True)):
            for kind, program in zip(("price", "slope", "limit"), programs, strict=True):
                if program is not None:
                    yield (kind, k), program, penalty.parameters

    def prepare(self, c: Code, place: Value) -> dict[Any, Any]:
        """Write what programs need before the first row; ``place`` is the address of the numbers."""
        return {key: program.prepare(c, self.read(c, place, key, program)) for key, program, _ in self.programs()}

    def read(self, c: Code, place: Value, key: Any, program: Program) -> dict[str, Value]:
        """Read a program's numbers."""
        return {
            name: c.builder.load(
                c.builder.gep(place, [c.index(self.places[key, name])], source_etype=c.double), typ=c.double
            )
            for name in program.numbers
            if name not in MOVING
        }

    @property
    def text(self) -> str:
        """What the code depends on: the same text, the same code."""
        objective = self.objective
        programs = [(str(key), program.text) for key, program, _ in self.programs()]
        update = None if self.optimizer is None else self.optimizer.text
        layers = [(repr(type(layer).__name__), l, settings(layer)) for layer, l in objective.network.steps]
        return repr((objective.network.sizes, layers, self.weighted, self.paired, programs, update))


def settings(layer: Any) -> tuple[Any, ...]:
    """What of a layer is written into the code, besides its formulas."""
    return tuple(getattr(layer, name, None) for name in ("bias", "rate", "epsilon", "momentum"))


def lift(objective: Objective, optimizer: Optimizer | None, weighted: bool) -> Lifted:
    """Lift all formulas of an objective.

    Raises:
        NotLiftable: where one cannot be.
    """
    if optimizer is not None and len(optimizer.slots) > 4:
        raise NotLiftable(f"the optimizer {optimizer.name!r} with more than four vectors of its own")
    network, N = objective.network, objective.network.outputs
    f, back = {}, {}
    for s, (layer, l) in enumerate(network.steps):
        if not isinstance(layer, Dropout):
            width = network.sizes[l]
            f[s] = _known(lift_activation, layer.activation, width)
            if layer.activation.trainable:
                back[s] = _known(lift_back, layer.activation, width)
    value, slope = _known(lift_loss, objective.loss, network.output_activation, N)
    if N == 1:
        value = value.of_single_numbers()
    lifted = Lifted(
        objective,
        weighted,
        f,
        back,
        value,
        slope,
        objective.pair is not None,
        None if optimizer is None else _known(lift_optimizer, optimizer),
        tuple(_known(lift_penalty, penalty) for penalty in objective.penalties),
    )
    for key, program, parameters in lifted.programs():
        _number(lifted, key, program, parameters)
    if optimizer is not None and lifted.optimizer is not None:
        _number(lifted, "optimizer", lifted.optimizer, optimizer.parameters)
    return lifted


# What was lifted, by the very functions and numbers of the records.
_lifted: dict[Any, Any] = {}
_MOST = 1000


def is_constant(network: Network, *formulas: Formula) -> bool:
    """Whether a network's formulas and these others are the package's own, which read nothing but their arguments.

    A user's formula may read a variable that is another one next time.
    """
    activations = [layer.activation for layer, _ in network.steps if not isinstance(layer, Dropout)]
    return all(map(_is_ours, (*activations, *formulas)))


def _is_ours(formula: Any) -> bool:
    functions = [formula.value, *(getattr(formula, name, None) for name in _FUNCTIONS)]
    pairs = [function for pair in getattr(formula, "pairs", {}).values() for function in (pair.value, pair.slope)]
    return all(
        (getattr(function, "__module__", None) or "").startswith("chainrule.formulas.")
        for function in (*functions, *pairs)
        if callable(function)
    )


def _known(lifting: Callable[..., T], *given: Any) -> T:
    """Lift a formula, or give what came of it before: the package's own functions always give the same program."""
    if not all(_is_ours(each) for each in given if isinstance(each, Formula)):
        return _named(lifting, *given)
    key = (lifting, *(_identity(each) for each in given))
    try:
        found = _lifted.get(key)
    except TypeError:  # a formula of callable objects that have no hash
        return _named(lifting, *given)
    if found is None:
        found = _named(lifting, *given)
        if len(_lifted) >= _MOST:
            _lifted.clear()
        _lifted[key] = found
    result: T = found
    return result


def _named(lifting: Callable[..., T], formula: Formula, *more: Any) -> T:
    """Lift a formula; the reason why it cannot be names it."""
    try:
        return lifting(formula, *more)
    except NotLiftable as reason:
        raise NotLiftable(f"{formula.name!r} ({reason})") from reason


def _identity(given: Any) -> Any:
    """What a record's program depends on."""
    if not isinstance(given, Formula):
        return given
    functions = tuple(getattr(given, name, None) for name in ("value", *_FUNCTIONS, "slots", "decays"))
    pairs = tuple((name, pair.value, pair.slope) for name, pair in getattr(given, "pairs", {}).items())
    return given.name, functions, pairs, tuple(sorted(given.parameters.items()))


def _number(lifted: Lifted, key: Any, program: Program, parameters: Mapping[str, float]) -> None:
    for name in program.numbers:
        if name not in MOVING:
            lifted.places[key, name] = len(lifted.numbers)
            lifted.numbers.append(float(np.float64(parameters[name])))
