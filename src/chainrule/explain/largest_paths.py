"""The largest of very many paths through the layers of a network, and what all the others come to.

A path goes through one neuron of every layer, to one neuron in the end; its value is the product of what stands at its
neurons and on its connections. There are as many as the product of the layers' widths. Kept is one number for each
neuron, the size of the largest path that leads to it; it says, of a path of which only the end is known, how large it
can become. So the paths are completed from their end, always the one that can become largest first, and come out in
their order: never more of them are begun than are asked for.

Source: D. Eppstein, "Finding the k shortest paths", SIAM Journal on Computing 28, 1998.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from chainrule.formulas import Array

__all__ = ["Paths"]

# The neurons of a path, from the first layer on.
Neurons = tuple[int, ...]

# How many numbers of a matrix are looked at together, so that there is no second copy of a large one.
_CELLS = 2**16


@dataclass(frozen=True)
class _Fork:
    """A path of which only the end is known, and how it can go on.

    Args:
        end: the neurons that are known.
        reach: size of its largest completion, in units of the largest path of all.
        choices: neurons of the layer before, the one with the largest completion first.
        sizes: the largest completion with each of them, in units of ``reach``.
    """

    end: Neurons
    reach: float
    choices: Array
    sizes: Array


class Paths:
    """All paths to one neuron.

    Args:
        nodes: what stands at the neurons of each layer, shapes (N_0,), (N_1,), ….
        edges: what stands on the connections of each layer with the next, shapes (N_0, N_1), (N_1, N_2), …, (N, 1).

    >>> paths = Paths([np.array([1.0, 10.0])], [np.array([[3.0], [-2.0]])])
    >>> paths.count, paths.size, paths.largest(1), paths.value((1,)), paths.others([(1,)])
    (2, 23.0, [(1,)], -20.0, 3.0)
    """

    def __init__(self, nodes: Sequence[Array], edges: Sequence[Array]) -> None:
        self.nodes, self.edges = nodes, edges
        self.count = math.prod(len(each) for each in nodes)
        # Of each neuron: the size of the largest path to it, up to a factor for the layer; the sum of all paths to it.
        self._best, self._sums = [_to_one(np.abs(nodes[0]))], [nodes[0]]
        sizes = np.abs(nodes[0])
        for n, W in enumerate(edges):
            best, sizes = _across(self._best[n], sizes, W)
            if n + 1 < len(nodes):
                self._best.append(_to_one(best * np.abs(nodes[n + 1])))
                self._sums.append(self._sums[n] @ W * nodes[n + 1])
                sizes = sizes * np.abs(nodes[n + 1])
        self.size = float(sizes[0])  # of all paths, added up without their signs

    def largest(self, most: int) -> list[Neurons]:
        """Find the largest paths by size, the largest first.

        Args:
            most: how many; fewer, where there are fewer.
        """
        found: list[Neurons] = []
        begun = [(-1.0, 0, self._fork((), 1.0, most), 0)]  # the number in the middle keeps forks from being compared
        pushed = 0
        while begun and len(found) < most:
            reach, _, fork, at = heapq.heappop(begun)
            while True:  # the best completion reaches as far as the beginning did, so nothing can come before it
                if at + 1 < len(fork.choices):
                    pushed += 1
                    heapq.heappush(begun, (-fork.reach * float(fork.sizes[at + 1]), pushed, fork, at + 1))
                end = (int(fork.choices[at]), *fork.end)
                if len(end) == len(self.nodes):
                    found.append(end)
                    break
                fork, at = self._fork(end, -reach, most), 0
        return found

    def _fork(self, end: Neurons, reach: float, most: int) -> _Fork:
        n = len(self.nodes) - 1 - len(end)
        sizes = self._best[n] * np.abs(self.edges[n][:, end[0] if end else 0])
        sizes[np.isnan(sizes)] = 0.0
        choices = np.arange(len(sizes))
        if len(sizes) > most:
            choices = np.sort(np.argpartition(-sizes, most - 1)[:most])
        choices = choices[np.argsort(-sizes[choices], kind="stable")]
        sizes = sizes[choices]
        return _Fork(end, reach, choices, _units(sizes, sizes[0]))

    def value(self, neurons: Neurons) -> float:
        """Multiply along a path."""
        return float(self.nodes[0][neurons[0]]) * self._behind(neurons)

    def _behind(self, end: Neurons) -> float:
        """Multiply what comes behind the first neuron of the end of a path."""
        value = 1.0
        for n, (i, k) in enumerate(itertools.pairwise(end), len(self.nodes) - len(end)):
            value *= float(self.edges[n][i, k]) * float(self.nodes[n + 1][k])
        return value * float(self.edges[-1][end[-1], 0])

    def others(self, without: Sequence[Neurons]) -> float:
        """Add up all paths but some, which are never added: taking them off again would leave their rounding errors.

        Args:
            without: the paths that do not count.
        """
        taken: dict[Neurons, list[int]] = {(): []}  # of each end of such a path, the neurons before it
        for path in without:
            for n in range(len(path)):
                taken.setdefault(path[n + 1 :], []).append(path[n])
        parts = []
        for end, neurons in taken.items():
            n = len(self.nodes) - 1 - len(end)
            into = end[0] if end else 0
            left = np.delete(self._sums[n] * self.edges[n][:, into], neurons)
            behind = float(self.nodes[n + 1][into]) * self._behind(end) if end else 1.0
            parts.append(float(left.sum()) * behind)
        return float(np.sum(parts))


def _across(best: Array, sizes: Array, W: Array) -> tuple[Array, Array]:
    """Give, for each neuron of the next layer, the size of the largest path to it, and that of all added up."""
    top, total = np.zeros(W.shape[1]), np.zeros(W.shape[1])
    rows = max(1, _CELLS // W.shape[1])
    for start in range(0, len(W), rows):
        piece = slice(start, start + rows)
        block = np.abs(W[piece])
        total += sizes[piece] @ block
        block *= best[piece, np.newaxis]
        np.fmax(top, np.fmax.reduce(block, axis=0), out=top)  # what is not a number counts as nothing
    return top, total


def _to_one(sizes: Array) -> Array:
    """Divide by the largest, so that many layers do not leave the range of floats."""
    top = np.fmax.reduce(sizes)
    return _units(sizes, top) if top < np.inf else sizes


def _units(sizes: Array, top: float) -> Array:
    """Give sizes in units of the largest, which is 1, also where it is 0 or infinite."""
    return np.divide(sizes, top, out=np.ones_like(sizes), where=sizes != top)
