"""Which neurons and weights a number of a step has to do with: the paths between it and what depends on it.

The picture is a graph: inputs, neurons layer after layer, the outputs' losses, the cost. A derivative dC/dv belongs to
all paths from v to the cost; an activation belongs to all paths from the inputs to it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import UsageError
from chainrule.explain.names import COST, Name
from chainrule.network import Network

__all__ = ["Paths", "find_paths"]

Flags = NDArray[np.bool_]

_OF_NEURONS = ("z", "a", "u", "q", "zhat", "mean", "var", "mask", "drop", "b", "gamma", "beta", "delta")
# What the cost depends on: asked for by itself, such a number means its derivative.
_CAUSES = ("W", "b", "gamma", "beta", "delta")


@dataclass(frozen=True)
class Paths:
    """What is highlighted.

    Args:
        neurons: for each column a flag per node: layers 0 to K, then the outputs' losses, then the cost.
        edges: for each layer a flag per weight, shape (N_l, N_{l-1}).
        weights: the same for the weights that were asked for by name.
        sources: for each layer from 0 a flag per neuron: where such a weight begins, whose activation is a factor of
            dC/dW, though no error has to come back to it.
        asked: like ``neurons``, for the nodes that were asked for by name.
        forward: whether the paths lead from the inputs to a number, and not from a number to the cost.
    """

    neurons: tuple[Flags, ...]
    edges: tuple[Flags, ...]
    weights: tuple[Flags, ...]
    sources: tuple[Flags, ...]
    asked: tuple[Flags, ...]
    forward: bool


@dataclass(frozen=True)
class _Spot:
    """Where a number stands: in which column, at which nodes; or on which weights, which lead into that column."""

    column: int
    nodes: Flags
    weights: Flags | None = None


def find_paths(name: Name, network: Network) -> Paths:
    """Give all paths that a number belongs to.

    Args:
        name: a parameter, an input, a number of a neuron, a loss or the cost, or a derivative by one of them; without
            an index, all such numbers of its layer.
        network: where the paths are.

    Raises:
        UsageError: for a number that the network has not, or that no neuron and no weight stands for.

    >>> from chainrule import Network
    >>> found = find_paths(Name("W", 1, (0, 1)), Network.from_sizes([2, 2, 2]))
    >>> [edges.tolist() for edges in found.edges]
    [[[False, True], [False, False]], [[True, False], [True, False]]]
    """
    name = name.through or name
    last = network.depth
    widths = (*network.sizes, network.outputs, 1)
    # With softmax every output depends on every weighted sum; behind a single output that is over.
    coupled = network.output_activation.pullback is not None and not _of_output(name, last)
    joins = [np.ones((after, before), dtype=bool) for before, after in pairwise(widths)]
    joins[last] &= coupled | np.eye(network.outputs, dtype=bool)
    start, end = _ends(name, network, widths)
    neurons = _between(start, end, joins, widths)
    edges: list[Flags] = [np.outer(after, before) for before, after in pairwise(neurons[: last + 1])]
    if coupled and neurons[last].any() and neurons[last + 1].any():
        neurons[last] = neurons[last] | neurons[last + 1]
    weights = [np.zeros_like(flags) for flags in edges]
    sources, asked = ([np.zeros(width, dtype=bool) for width in widths] for _ in range(2))
    ours, cause = (start, True) if name.symbol in ("d", *_CAUSES) else (end, False)
    if ours.weights is None:
        asked[ours.column] = ours.nodes
    else:
        weights[ours.column - 1] = edges[ours.column - 1] = ours.weights
        sources[ours.column - 1] = np.asarray(ours.weights.any(axis=0))
    return Paths(tuple(neurons), tuple(edges), tuple(weights), tuple(sources), tuple(asked), not cause)


def _between(start: _Spot, end: _Spot, joins: list[Flags], widths: tuple[int, ...]) -> list[Flags]:
    """Give the nodes that can be reached from the start and from which the end can be reached."""
    reach, back = ([np.zeros(width, dtype=bool) for width in widths] for _ in range(2))
    reach[start.column], back[end.column] = start.nodes, end.nodes
    for column in range(start.column + 1, len(widths)):
        reach[column] = np.asarray((joins[column - 1] & reach[column - 1]).any(axis=1))
    for column in range(end.column - 1, -1, -1):
        back[column] = np.asarray((joins[column] & back[column + 1][:, None]).any(axis=0))
    return [there & needed for there, needed in zip(reach, back, strict=True)]


def _of_output(name: Name, last: int) -> bool:
    """Whether a derivative is by an output's activation, behind all that couples the outputs."""
    by = name.by
    return name.symbol == "d" and by is not None and by.symbol == "a" and by.layer == last


def _ends(name: Name, network: Network, widths: tuple[int, ...]) -> tuple[_Spot, _Spot]:
    """Give where the paths begin and where they end."""
    inputs, cost = _Spot(0, np.ones(widths[0], dtype=bool)), _Spot(len(widths) - 1, np.ones(1, dtype=bool))
    if name.symbol == "d":
        if name.of is None or name.by is None:
            raise UsageError("the derivative to highlight does not say of what by what it is")
        return _spot(name.by, network, widths), cost if name.of == COST else _spot(name.of, network, widths)
    spot = _spot(name, network, widths)
    if name.symbol in _CAUSES:
        return spot, cost
    coupled = network.output_activation.pullback is not None
    if coupled and name.symbol == "a" and spot.column == network.depth:
        spot = replace(spot, nodes=np.ones_like(spot.nodes))
    return inputs, spot


def _spot(name: Name, network: Network, widths: tuple[int, ...]) -> _Spot:
    """Find one number in the picture."""
    symbol, last = name.symbol, network.depth
    if symbol in ("W", "b", "gamma", "beta"):
        _check_parameter(f"{symbol}{name.layer}", network)
    if symbol == "W":
        l = _layer(name, 1, last)
        weights = _flags(name, (widths[l], widths[l - 1]))
        return _Spot(l, np.any(weights, axis=1), weights)
    if symbol == "x":
        return _Spot(0, _flags(name, (widths[0],)))
    if symbol in _OF_NEURONS:
        l = _layer(name, 0, last)
        return _Spot(l, _flags(name, (widths[l],)))
    if symbol == "y" or (symbol == "L" and name.index):
        return _Spot(last + 1, _flags(name, (widths[-2],)))
    if symbol in ("C", "L", "P", "share"):
        return _Spot(last + 2, np.ones(1, dtype=bool))
    raise UsageError(
        "no neuron and no weight of the picture stands for {symbol!r}; name a parameter, an input, a number of a "
        "neuron or a derivative by one of them",
        symbol=symbol,
    )


def _check_parameter(name: str, network: Network) -> None:
    known = [entry.name for entry in network.entries]
    if name not in known:
        raise UsageError(
            "there is no parameter {name!r} in this network; it has {known}", name=name, known=", ".join(known)
        )


def _layer(name: Name, first: int, last: int) -> int:
    if name.layer is None or not first <= name.layer <= last:
        raise UsageError(
            "there is no number {name} in the picture; the layers are {first} to {last}",
            name=str(name),
            first=first,
            last=last,
        )
    return name.layer


def _flags(name: Name, shape: tuple[int, ...]) -> Flags:
    """Mark the entries that an index means; a text in it, or no index, stands for all."""
    flags = np.zeros(shape, dtype=bool)
    index = name.index or ("all",) * len(shape)
    fits = len(index) == len(shape)
    if not fits or any(isinstance(i, int) and not 0 <= i < size for i, size in zip(index, shape, strict=True)):
        raise UsageError(
            "there is no number {symbol!r} with the index {index}; the shape of its array is {shape}",
            symbol=name.symbol,
            index=list(name.index),
            shape=shape,
        )
    flags[tuple(i if isinstance(i, int) else slice(None) for i in index)] = True
    return flags
