"""Formulas are lifted, not rewritten: a record's own Python functions become programs that can be compiled.

A function is called once with tracers. What it did is believed only when it gives, on a few numbers, what the function
itself gives: so a formula that looks at something that tracers do not show stays with the reference engine.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from chainrule.engines.compiled.graph import ENTRY, EVERYWHERE, NUMBER, WEAK, Graph, NotLiftable
from chainrule.engines.compiled.rows import Program
from chainrule.engines.compiled.running import run
from chainrule.engines.compiled.shapes import MANY, WIDE
from chainrule.engines.compiled.tracing import Tracer, node_of
from chainrule.formulas import Activation, Array, Loss, Optimizer, Penalty

__all__ = [
    "NotLiftable",
    "Program",
    "lift_activation",
    "lift_back",
    "lift_loss",
    "lift_optimizer",
    "lift_penalty",
    "lift_slope",
]

# A function of arrays and of numbers, both by name, that gives several results.
Function: TypeAlias = Callable[[Mapping[str, Any], Mapping[str, Any]], Sequence[Any]]


def lift_activation(activation: Activation, N: int, single: bool | None = None) -> Program:
    """Lift f: "rows" from ("z",).

    Args:
        activation: the record.
        N: how many numbers a row has.
        single: whether for float32, else float64; None if the program must do for both.

    Raises:
        NotLiftable: where it cannot be done; so do all functions here.
    """
    value = activation.value
    return _lift(lambda x, n: [value(x["z"], **n)], ("z",), activation.parameters, "rows", N, single)


def lift_back(activation: Activation, N: int, single: bool | None = None) -> Program:
    """Lift the chain rule through f: dC/dz, "rows" from ("z", "a", "g") with g = dC/da."""
    pullback, slope = activation.pullback, activation.slope

    def back(x: Mapping[str, Any], n: Mapping[str, Any]) -> list[Any]:
        if pullback is not None:
            return [pullback(x["z"], x["a"], x["g"], **n)]
        assert slope is not None
        return [x["g"] * slope(x["z"], x["a"], **n)]

    return _lift(back, ("z", "a", "g"), activation.parameters, "rows", N, single)


def lift_slope(activation: Activation, N: int, single: bool | None = None) -> Program:
    """Lift f' of an activation that works entry by entry: "rows" from ("z", "a")."""
    slope = activation.slope
    assert slope is not None
    return _lift(lambda x, n: [slope(x["z"], x["a"], **n)], ("z", "a"), activation.parameters, "rows", N, single)


def lift_loss(loss: Loss, activation: Activation, N: int, single: bool | None = None) -> tuple[Program, Program]:
    """Lift a loss as it is computed behind an output activation.

    Returns:
        The value, "column" from ("a", "y"), or from ("z", "y") where the two belong together; and its slope, "rows":
        dL/da from ("a", "y"), or dL/dz from ("z", "a", "y").
    """
    pair, parameters = loss.pair_for(activation), loss.parameters
    if pair is not None:
        value, slope = pair.value, pair.slope
        from_logits = _lift(lambda x, n: [value(x["z"], x["y"], **n)], ("z", "y"), parameters, "column", N, single)
        return from_logits, _lift(
            lambda x, n: [slope(x["z"], x["a"], x["y"], **n)], ("z", "a", "y"), parameters, "rows", N, single
        )
    value, its_slope = loss.value, loss.slope
    assert its_slope is not None
    return (
        _lift(lambda x, n: [value(x["a"], x["y"], **n)], ("a", "y"), parameters, "column", N, single),
        _lift(lambda x, n: [its_slope(x["a"], x["y"], **n)], ("a", "y"), parameters, "rows", N, single),
    )


def lift_penalty(penalty: Penalty, single: bool | None = None) -> tuple[Program | None, Program | None, Program | None]:
    """Lift a penalty: price, its slope and the limit, each "rows" from ("w",) and None where there is none.

    Price and slope are elementwise; the limit works on the rows of W, however long.
    """

    def part(function: Callable[..., Any] | None, *, elementwise: bool) -> Program | None:
        if function is None:
            return None
        program = _lift(lambda x, n: [function(x["w"], **n)], ("w",), penalty.parameters, "rows", WIDE, single)
        if elementwise and not program.elementwise:
            raise NotLiftable("a price that is not one of each weight by itself")
        return program

    priced = penalty.slope is not None
    return (
        part(penalty.value if priced else None, elementwise=True),
        part(penalty.slope, elementwise=True),
        part(penalty.project, elementwise=False),
    )


def lift_optimizer(optimizer: Optimizer, single: bool | None = None) -> Program:
    """Lift an update: "rows" for the change and each new slot, from ("theta", "g", "slot0", …).

    Besides its parameters it is given the numbers "t" and "rate". Where the decay is for weights only, it is an input,
    "decay", that is 0 elsewhere; it stays among the numbers, so that it can be looked up, but is not read from there.
    """
    slots = [f"slot{k}" for k in range(len(optimizer.slots))]
    inputs = ("theta", "g", *slots, *(["decay"] if optimizer.decays else []))

    def update(x: Mapping[str, Any], n: Mapping[str, Any]) -> list[Any]:
        parameters = {name: number for name, number in n.items() if name not in ("t", "rate")}
        if optimizer.decays:
            parameters["decay"] = x["decay"]
        state = tuple(x[slot] for slot in slots)
        change, new = optimizer.value(x["theta"], x["g"], state, n["t"], n["rate"], **parameters)
        return [change, *new]

    numbers = {name: number for name, number in optimizer.parameters.items() if name != "decay" or not optimizer.decays}
    moving = {"t": 3, "rate": optimizer.rate}
    program = _lift(update, inputs, numbers, "rows", None, single, moving=moving, results=1 + len(slots))
    if not program.elementwise:
        raise NotLiftable("an update that is not one of each parameter by itself")
    return dataclasses.replace(program, numbers=("decay", *program.numbers)) if optimizer.decays else program


def _lift(
    function: Function,
    inputs: tuple[str, ...],
    parameters: Mapping[str, float],
    kind: str,
    N: Any,
    single: bool | None,
    *,
    moving: Mapping[str, float] | None = None,
    results: int = 1,
) -> Program:
    """Lift a function of rows of N numbers, or of flat vectors where N is None."""
    if single is None:
        both = [
            _lift(function, inputs, parameters, kind, N, each, moving=moving, results=results) for each in (True, False)
        ]
        if both[0].text != both[1].text:
            raise NotLiftable("other operations for float32 than for float64")
        return both[0]
    moving = moving or {}
    outputs = (kind,) * results
    try:
        program = _trace(function, inputs, {**parameters, **moving}, {}, outputs, N, single)
    except NotLiftable:
        # Perhaps it only asks what its parameters are: then others need other code.
        if not parameters:
            raise
        program = _trace(function, inputs, moving, parameters, outputs, N, single)
    _confirm(program, function, {**parameters, **moving}, N, single)
    return program


def _trace(
    function: Function,
    inputs: tuple[str, ...],
    numbers: Mapping[str, float],
    fixed: Mapping[str, float],
    outputs: tuple[str, ...],
    N: Any,
    single: bool,
) -> Program:
    """Call a function with tracers; ``fixed`` numbers become part of the program."""
    graph = Graph(single)
    shape = (MANY,) if N is None else (MANY, N)
    arrays = {name: Tracer(graph, graph.node("input", (), NUMBER, ENTRY, name), shape) for name in inputs}
    given = {name: Tracer(graph, graph.node("given", (), WEAK, EVERYWHERE, name), ()) for name in numbers}
    results = _called(function, arrays, {**given, **fixed})
    if len(results) != len(outputs):
        raise NotLiftable(f"{len(results)} results instead of {len(outputs)}")
    shapes = [shape if kind == "rows" else (MANY,) for kind in outputs]
    nodes = [node_of(graph, result, its) for result, its in zip(results, shapes, strict=True)]
    program = Program.of(graph, nodes, inputs, (), outputs)
    read = {node.value for node in program.nodes if node.op == "given"}
    return dataclasses.replace(program, numbers=tuple(name for name in numbers if name in read))


def _called(function: Function, arrays: Mapping[str, Any], numbers: Mapping[str, Any]) -> Sequence[Any]:
    try:
        return function(arrays, numbers)
    except NotLiftable:
        raise
    except Exception as error:  # whatever a user's function does with what is not what it expects
        raise NotLiftable(f"{type(error).__name__}: {error}") from error


def _confirm(program: Program, function: Function, numbers: Mapping[str, float], N: Any, single: bool) -> None:
    """Hold a program against its function on a few numbers."""
    shape = (31,) if N is None else (7, 5 if N is WIDE else N)
    dtype = np.dtype(np.float32 if single else np.float64)
    arrays = {name: _sample(name, k, shape).astype(dtype) for k, name in enumerate(program.inputs)}
    with np.errstate(all="ignore"):
        got = run(program, arrays, numbers)
        wanted = _called(function, {name: array.copy() for name, array in arrays.items()}, numbers)
    tolerance = 1e-5 if single else 1e-12
    for mine, its in zip(got, map(np.asarray, wanted), strict=True):
        if mine.shape != its.shape or not np.allclose(mine, its, tolerance, tolerance, equal_nan=True):
            raise NotLiftable("other results than its own when it is traced")


def _sample(name: str, k: int, shape: tuple[int, ...]) -> Array:
    """Give numbers of either sign, small, large and 0; targets and slots are never negative."""
    x = 4 * np.sin((1.3 + 0.7 * k) * np.arange(1, np.prod(shape) + 1))
    x[::11] = 0
    x[5::13] *= 20
    if name == "y" or name.startswith("slot"):
        x = np.abs(x)
    return x.reshape(shape)
