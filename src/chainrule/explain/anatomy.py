"""The anatomy of a step: which arrays it has, what each is called, and which layer makes it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TypeAlias

import numpy as np

from chainrule.explain.expressions import Ref
from chainrule.explain.names import COST, Name, slope_of
from chainrule.explain.trace import Stage, Trace
from chainrule.formulas import Array
from chainrule.network import BatchNorm, Dense, Dropout

__all__ = ["PARAMETERS", "Anatomy", "Key"]

# What an array is called: a symbol and a layer, such as ("z", 1); inputs and targets have no layer.
Key: TypeAlias = tuple[str, int | None]

PARAMETERS = ("W", "b", "gamma", "beta")


class Anatomy:
    """What the arrays of a step are called, and where they are.

    Args:
        step: the step.

    >>> from chainrule import Network
    >>> from chainrule.explain.trace import trace
    >>> body = Anatomy(trace(Network.from_sizes([2, 3, 1], "tanh").init(), [[1, 2]], [[0.5]]))
    >>> list(body.forward), body.ref("x", None, 1).value
    ([('x', None), ('z', 1), ('a', 1), ('z', 2), ('a', 2), ('y', None)], 2.0)
    """

    def __init__(self, step: Trace) -> None:
        self.step = step
        self.stages: tuple[Stage, ...] = step.stages
        self._normed = {stage.l for stage in self.stages if isinstance(stage.layer, BatchNorm)}

    def sums(self, k: int) -> Key:
        """Give the key of the weighted sums Z of stage k: "u" where a batch normalization follows in the layer."""
        stage = self.stages[k]
        first = isinstance(stage.layer, Dense) and stage.l in self._normed
        return ("u" if first else "z", stage.l)

    def out(self, k: int) -> Key:
        """Give the key of what leaves stage k; -1 gives the inputs."""
        if k < 0:
            return ("x", None)
        stage = self.stages[k]
        if isinstance(stage.layer, Dropout):
            return self.out(k - 1) if stage.factors is None else ("drop", stage.l)
        symbol, l = self.sums(k)
        if symbol == "z":
            return ("a", l)
        # A dense layer before a normalization has no activation as a rule: then its sums are what leaves it.
        return ("u" if stage.A is stage.Z else "q", l)

    @cached_property
    def forward(self) -> Mapping[Key, Array]:
        """The arrays of the forward pass, each of shape (m, N), in the order in which they come about."""
        found: dict[Key, Array] = {("x", None): self.step.X}
        for k, stage in enumerate(self.stages):
            if isinstance(stage.layer, Dropout):
                if stage.factors is not None:
                    found["mask", stage.l] = stage.factors
            elif stage.zhat is not None:
                found["zhat", stage.l] = stage.zhat
            if stage.Z is not None:
                found[self.sums(k)] = stage.Z
            found[self.out(k)] = stage.A
        if self.step.Y is not None:
            found["y", None] = self.step.Y
        return found

    @cached_property
    def backward(self) -> Mapping[Key, Array]:
        """dC by the arrays of the forward pass, each of shape (m, N), under the key of what it is the derivative by."""
        found: dict[Key, Array] = {}
        if self.step.gradient is None:
            return found
        for k in range(len(self.stages) - 1, -1, -1):
            stage = self.stages[k]
            if stage.D is not None:
                found[self.sums(k)] = stage.D
            if isinstance(stage.layer, BatchNorm):
                assert stage.D is not None
                found["zhat", stage.l] = stage.D * self.step.model.parameters.gamma[stage.l]
            if stage.G is not None:
                found.setdefault(self.out(k - 1), stage.G)
        last = self.out(len(self.stages) - 1)
        if last not in found and (slopes := self._output_slopes()) is not None:
            found[last] = slopes
        return found

    def _output_slopes(self) -> Array | None:
        """Give dC/dA[K]; None where the loss is computed from the logits, and sends nothing back through A."""
        step, objective = self.step, self.step.objective
        if objective.pair is not None or step.Y is None:
            return None
        slopes: Array = objective.slope(step.A[step.model.network.depth], step.Y) * step.share[:, np.newaxis]
        return slopes

    @cached_property
    def statistics(self) -> Mapping[Key, Array]:
        """mean and var of each batch normalization, each of shape (N,): of the batch, or the running ones."""
        found: dict[Key, Array] = {}
        share, running = self.step.share[:, np.newaxis], self.step.model.statistics
        for stage in self.stages:
            if not isinstance(stage.layer, BatchNorm):
                continue
            mean, var = running.mean[stage.l], running.var[stage.l]
            if stage.of_batch:
                mean = np.sum(share * stage.before, axis=0)
                var = np.sum(share * (stage.before - mean) ** 2, axis=0)
            found["mean", stage.l], found["var", stage.l] = mean, var
        return found

    @cached_property
    def makers(self) -> Mapping[Key, int]:
        """Which stage makes each array; -1 for inputs."""
        found: dict[Key, int] = {("x", None): -1}
        for k, stage in enumerate(self.stages):
            if isinstance(stage.layer, Dropout):
                keys: tuple[Key, ...] = () if stage.factors is None else (("mask", stage.l), ("drop", stage.l))
            elif isinstance(stage.layer, BatchNorm):
                keys = (("zhat", stage.l), self.sums(k), self.out(k))
            else:
                keys = (self.sums(k), self.out(k))
            found |= dict.fromkeys(keys, k)
        return found

    def ref(self, symbol: str, layer: int | None, *index: int, row: int | None = None) -> Ref:
        """Give a number of the forward pass, a statistic or a parameter as a leaf with its name and its value.

        Args:
            symbol: such as "a", "W", "mean".
            layer: l, None for inputs and targets.
            *index: the neuron, or row and column of W.
            row: the example, for what every example has.
        """
        name = Name(symbol, layer, index)
        if symbol in PARAMETERS:
            return Ref(name, float(getattr(self.step.model.parameters, symbol)[layer][index]))
        if (symbol, layer) in self.statistics:
            return Ref(name, float(self.statistics[symbol, layer][index]))
        return Ref(self.named(name, row), float(self.forward[symbol, layer][(row or 0, *index)]))

    def named(self, name: Name, row: int | None) -> Name:
        """Add the row to a name, where there are several."""
        return Name(name.symbol, name.layer, name.index, row=row if self.step.m > 1 else None, mark=name.mark)

    def error(self, symbol: str, layer: int | None, i: int, row: int | None = None) -> Ref:
        """Give dC by a number of the forward pass as a leaf: ``delta`` where that is a weighted sum z."""
        name = self.named(Name(symbol, layer, (i,)), row)
        value = float(self.backward[symbol, layer][row or 0, i])
        if symbol == "z":
            return Ref(Name("delta", layer, (i,), row=name.row), value)
        return Ref(slope_of(COST, name), value)
