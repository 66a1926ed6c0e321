"""The fully expanded form: a derivative as a sum over all paths from its number to the cost, factor by factor.

A path goes from the cost through one neuron of every layer. There are as many as the product of the layers' widths, so
only the largest are written, and the others added up.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from chainrule.explain.anatomy import PARAMETERS, Anatomy
from chainrule.explain.expressions import Expr, Product, Ref, Rest, sum_of
from chainrule.explain.largest_paths import Paths
from chainrule.explain.names import Name, slope_of
from chainrule.formulas import Array
from chainrule.network import BatchNorm, Dense, Dropout

__all__ = ["Expanded", "expand"]


@dataclass(frozen=True)
class Expanded:
    """A derivative as a sum over paths.

    Args:
        form: the whole, as an expression: the paths in brackets, then the factors that all of them share.
        count: how many paths there are.
        paths: those that are shown, the neurons of each from the output to the number, with its value.
        shared: the factors that all paths share.
        size: the paths added up without their signs, those that are not shown as well.
        chief: the path that is larger than every other one, its neurons and its size; None where there is none.
    """

    form: Expr
    count: int
    paths: tuple[tuple[tuple[Name, ...], float], ...]
    shared: tuple[Expr, ...] = ()
    size: float = math.nan
    chief: tuple[tuple[Name, ...], float] | None = None


@dataclass(frozen=True)
class _Through:
    """One factor of every neuron of a layer: a slope, a mask, a scale."""

    values: Array
    ref: Callable[[int], Expr]


@dataclass(frozen=True)
class _Across:
    """The weights between two layers, by which each neuron leads to every one."""

    W: Array
    l: int


def expand(body: Anatomy, of: Name, most: int) -> Expanded | None:
    """Write dC by a parameter or an input as a sum over paths.

    Args:
        body: the anatomy of a step with one row.
        of: the parameter or the input.
        most: how many paths are shown at most.

    Returns:
        The expanded form; None where the rows of a batch are mixed (a sum over rows, or batch normalization in
        training), or a hidden activation mixes its layer.
    """
    step = body.step
    if step.m > 1 or any(stage.of_batch for stage in body.stages) or of.symbol not in (*PARAMETERS, "x"):
        return None
    first, i, tail = _target(body, of)
    if first is None:
        return None
    hops = _hops(body, first)
    if hops is None:
        return None
    start, way = hops
    # The factors behind the last weights are the same for all paths.
    last = max((n for n, hop in enumerate(way) if isinstance(hop, _Across)), default=-1)
    common = [hop.ref(i) for hop in way[last + 1 :] if isinstance(hop, _Through)] + tail
    if last < 0:
        return Expanded(Product(tuple(each(i) for each in start.refs) + tuple(common)), 1, ())
    return _summed(start, way[: last + 1], i, tuple(common), most)


def _summed(start: _Start, way: list[_Through | _Across], i: int, common: tuple[Expr, ...], most: int) -> Expanded:
    """Write the largest paths to neuron i and what the others come to, then the factors that all of them share."""
    every = _paths(start, way, i)
    found = every.largest(most + 1)
    sizes = [abs(every.value(neurons)) for neurons in found]
    first = int(np.argmax(sizes))
    alone = all(size < (1 - 1e-9) * sizes[first] for k, size in enumerate(sizes) if k != first)
    # A rest of one would take as much room as the path itself.
    shown = sorted(found if every.count <= most + 1 else found[:most])
    terms: list[Expr] = [_written(start, way, (*neurons, i)) for neurons in shown]
    if every.count > len(shown):
        terms.append(Rest(every.count - len(shown), every.others(shown)))
    whole = sum_of(terms)
    inner = whole.factors if isinstance(whole, Product) else (whole,)
    return Expanded(
        Product((*inner, *common)) if common else whole,
        every.count,
        tuple((_names(way, neurons), every.value(neurons)) for neurons in shown),
        common,
        every.size,
        (_names(way, found[first]), sizes[first]) if alone else None,
    )


def _paths(start: _Start, way: list[_Through | _Across], i: int) -> Paths:
    """Give the paths to neuron i, behind the last weights of the way."""
    nodes, edges = [start.values], []
    for hop in way:
        if isinstance(hop, _Through):
            nodes[-1] = nodes[-1] * hop.values
        else:
            edges.append(hop.W)
            nodes.append(np.ones(hop.W.shape[1]))
    return Paths(nodes[:-1], [*edges[:-1], edges[-1][:, [i]]])


def _target(body: Anatomy, of: Name) -> tuple[int | None, int, list[Expr]]:
    """Give the stage at whose sums the paths arrive (-1: at the inputs), the neuron, and the factor behind it."""
    i = int(of.index[0])
    if of.symbol == "x":
        return -1, i, []
    kind = Dense if of.symbol in ("W", "b") else BatchNorm
    k = next(k for k, stage in enumerate(body.stages) if stage.l == of.layer and isinstance(stage.layer, kind))
    layer = body.stages[k].layer
    if of.symbol == "b" and isinstance(layer, Dense) and layer.bias != "neuron":
        return None, i, []
    if of.symbol == "W":
        return k, i, [body.ref(*body.out(k - 1), int(of.index[1]))]
    return k, i, [body.ref("zhat", of.layer, i)] if of.symbol == "gamma" else []


@dataclass(frozen=True)
class _Start:
    """What comes from the cost: an output's error, or the slope of the loss there."""

    values: Array
    refs: tuple[Callable[[int], Expr], ...]


def _hops(body: Anatomy, first: int) -> tuple[_Start, list[_Through | _Across]] | None:
    """Give what lies between the cost and the sums of stage ``first``, from the cost on."""
    K = len(body.stages) - 1
    layer, D = body.stages[K].layer, body.stages[K].D
    assert not isinstance(layer, Dropout)
    assert D is not None
    if body.step.objective.pair is not None or layer.activation.pullback is not None:
        start = _Start(D[0], (lambda j: body.error(*body.sums(K), j),))
    else:
        start = _Start(D[0], (lambda j: body.error(*body.out(K), j), _slopes(body, K).ref))
    way: list[_Through | _Across] = []
    for k in range(K, first - 1 if first >= 0 else -1, -1):
        hop = _within(body, k, K)
        if hop is None:
            return None
        way += hop
        if k == first:
            break
        way += _before(body, k)
    return start, way


def _within(body: Anatomy, k: int, K: int) -> list[_Through | _Across] | None:
    """Give the slope of a stage's own activation; that of the output layer is in the start."""
    layer = body.stages[k].layer
    if isinstance(layer, Dropout) or k == K or body.out(k) == body.sums(k):
        return []
    return None if layer.activation.pullback is not None else [_slopes(body, k)]


def _slopes(body: Anatomy, k: int) -> _Through:
    stage = body.stages[k]
    assert not isinstance(stage.layer, Dropout)
    assert stage.Z is not None
    values = stage.layer.activation.back(stage.Z, stage.A, np.ones_like(stage.A))[0]
    out, sums = body.out(k), body.sums(k)

    def ref(i: int) -> Expr:
        return Ref(slope_of(body.ref(*out, i).name, body.ref(*sums, i).name), float(values[i]))

    return _Through(values, ref)


def _before(body: Anatomy, k: int) -> list[_Through | _Across]:
    """Give what leads from the sums of a stage back to what came in."""
    stage = body.stages[k]
    if isinstance(stage.layer, Dense):
        return [_Across(body.step.model.parameters.W[stage.l], stage.l)]
    if isinstance(stage.layer, BatchNorm):
        assert stage.scale is not None
        scale, key, before = stage.scale, ("z", stage.l), body.out(k - 1)
        return [
            _Through(scale, lambda i: Ref(slope_of(body.ref(*key, i).name, body.ref(*before, i).name), float(scale[i])))
        ]
    if stage.factors is None:
        return []
    factors, l = stage.factors[0], stage.l
    return [_Through(factors, lambda i: body.ref("mask", l, i))]


def _written(start: _Start, way: list[_Through | _Across], neurons: tuple[int, ...]) -> Expr:
    """Write one path as a product; ``neurons`` from the output to the one that it arrives at."""
    factors: list[Expr] = [each(neurons[0]) for each in start.refs]
    step = 0
    for hop in way:
        if isinstance(hop, _Through):
            factors.append(hop.ref(neurons[step]))
        else:
            weight = (neurons[step], neurons[step + 1])
            factors.append(Ref(Name("W", hop.l, weight), float(hop.W[weight])))
            step += 1
    return Product(tuple(factors))


def _names(way: list[_Through | _Across], neurons: tuple[int, ...]) -> tuple[Name, ...]:
    """Name the neurons of a path, from the output on, without the one that it arrives at."""
    layers = [hop.l for hop in way if isinstance(hop, _Across)]
    return tuple(Name("a", l, (i,)) for l, i in zip(layers, neurons, strict=False))
