"""The steps of a network as parts of a function: written in place, or in deep networks once for all steps alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chainrule.engines.compiled.batches import Batches
from chainrule.engines.compiled.code import Code, Value
from chainrule.engines.compiled.lifted import Lifted, settings
from chainrule.engines.compiled.outlining import outline
from chainrule.engines.compiled.places import Setup
from chainrule.engines.compiled.table import Table, pieces
from chainrule.network import BatchNorm, Dense, Dropout

__all__ = ["Steps"]

# With more dense layers than this each step is a function of its own. Fewer are compiled in a second or two.
_IN_PLACE = 3


class Steps(Batches):
    """What is done for one step of a network after the other.

    Args:
        c: the code of the function at hand.
        lifted: the network with its formulas, lifted.
        table: what the function was given.
        rows: how many rows a batch has at most, for which tiles are chosen.
        setup: how they are to be written.
    """

    def __init__(self, c: Code, lifted: Lifted, table: Table, rows: int, setup: Setup) -> None:
        super().__init__(c, lifted.objective.network, table, rows, setup)
        self.lifted = lifted
        self.prepared = lifted.prepare(c, table.address("numbers"))
        self.share: Value = None
        self.deep = sum(isinstance(layer, Dense) for layer, _ in self.network.steps) > _IN_PLACE

    def apart(self, what: str, s: int, body: Callable[[], None]) -> None:
        """Write what is done for a step; in a deep network, steps that are alike share its code."""
        if not self.deep:
            body()
            return
        self.own = self._own(s)
        outline(self.c, (what, *self._alike(s)), [*self.own.values(), *self._numbers(s)], body)
        self.own = {}

    def _alike(self, s: int) -> tuple[Any, ...]:
        """Give all that a step's code depends on; the inputs of the first one lie elsewhere."""
        layer, l = self.network.steps[s]
        programs = [of_steps[s].text for of_steps in (self.lifted.f, self.lifted.back) if s in of_steps]
        return s == 0, type(layer).__name__, self.network.sizes[l - 1 : l + 1], settings(layer), *programs

    def _own(self, s: int) -> dict[tuple[Any, ...], Value]:
        """Give, by name, what is a step's own: where its numbers lie, and its l where a dropout mask needs it."""
        c, (layer, l) = self.c, self.network.steps[s]
        own: dict[tuple[Any, ...], Value] = {(kind, s): self.start(kind, s) for kind in pieces(layer)}
        if s:
            own |= {(kind, s - 1): self.start(kind, s - 1) for kind in ("A", "D")}
        if isinstance(layer, Dropout):
            own["l", s] = c.builder.add(c.index(l), c.index(0))
        if isinstance(layer, BatchNorm):
            own["scale", s] = self.fixed("scale", s)
        kinds = ("W", "b") if isinstance(layer, Dense) else ("gamma", "beta", "mean", "var")
        for entry in (self.entries[kind, l] for kind in kinds if (kind, l) in self.entries):
            for name in ("state",) if entry.kind in ("mean", "var") else self.alongside:
                place = c.builder.gep(self.vectors_of[name], [c.index(entry.start)], source_etype=c.number)
                own[name, entry.kind, l] = place
        return own

    def _numbers(self, s: int) -> list[Value]:
        """Give what was computed from the parameters of a step's formulas, each value once."""
        found: dict[int, Value] = {}
        for prepared in (self.prepared[key, s] for key in ("f", "back") if (key, s) in self.prepared):
            for value in (*prepared.values.values(), *prepared.inverses.values()):
                if isinstance(value, self.c.ir.Instruction):
                    found[id(value)] = value
        return list(found.values())
