"""What each operation of a graph is in code."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.engines.compiled import mathematics
from chainrule.engines.compiled.code import Code, Value
from chainrule.engines.compiled.graph import COMPARISONS, Node

__all__ = ["Entries", "constant", "of_doubles", "write"]

BINARY: dict[str, Callable[[Code, Value, Value], Value]] = {
    "add": Code.add,
    "subtract": Code.sub,
    "multiply": Code.mul,
    "divide": Code.div,
    "maximum": Code.maximum,
    "minimum": Code.minimum,
    "power": lambda c, x, y: mathematics.power(c, *c.alike(x, y)),
    "logical_and": lambda c, x, y: c.builder.and_(*c.alike(x, y)),
    "logical_or": lambda c, x, y: c.builder.or_(*c.alike(x, y)),
    "logical_xor": lambda c, x, y: c.builder.xor(*c.alike(x, y)),
}


def write(c: Code, node: Node, args: Sequence[Value]) -> Value:
    """Write one operation; its arguments may differ in their lanes."""
    op = node.op
    if op in BINARY:
        return BINARY[op](c, *args)
    if op in COMPARISONS:
        return c.compare(COMPARISONS[op], *args)
    if op == "where":
        return c.select(*args)
    if op == "indicator":
        return c.select(args[0], 1.0, 0.0)
    if op == "logical_not":
        return c.builder.not_(args[0])
    if op == "strong":
        return args[0]
    return mathematics.FUNCTIONS[op](c, args[0])


def constant(c: Code, node: Node, lanes: int = 1) -> Value:
    """Write a constant, rounded to the number type of the code."""
    x: Any = node.value
    with np.errstate(over="ignore"):
        return c.constant(float(np.float32(x)) if c.single else float(x), lanes)


def of_doubles(c: Code) -> Code:
    """Give a view of the same code in which numbers are float64."""
    doubles = copy.copy(c)
    doubles.number, doubles.single, doubles.bytes = c.double, False, 8
    return doubles


class Entries:
    """Writes a graph's operations for one entry, or for several side by side; each node once.

    Args:
        c: where to write.
        nodes: the graph.
        known: nodes that are written already.
        inverses: by node that entries are divided by, 1 / it.
        lanes: how many entries.
    """

    def __init__(
        self,
        c: Code,
        nodes: Sequence[Node],
        known: Mapping[int, Value],
        inverses: Mapping[int, Value],
        lanes: int,
    ) -> None:
        self.c, self.nodes, self.known, self.inverses, self.lanes = c, nodes, known, inverses, lanes
        self.memo: dict[int, Value] = {}

    def __getitem__(self, k: int) -> Value:
        """Give a node's value."""
        node = self.nodes[k]
        if node.op == "constant":
            return constant(self.c, node, self.lanes)
        if k in self.known:
            return self.known[k]
        if k not in self.memo:
            self.memo[k] = self.make(k, node)
        return self.memo[k]

    def full(self, k: int) -> Value:
        """Give a node's value in every lane."""
        return self.spread(self[k])

    def spread(self, value: Value) -> Value:
        """Give a value in every lane."""
        return self.c.splat(value, self.lanes) if self.c.lanes_of(value) < self.lanes else value

    def make(self, k: int, node: Node) -> Value:
        """Write a node; its arguments come first."""
        if node.op == "divide" and node.args[1] in self.inverses:
            return self.c.mul(self[node.args[0]], self.inverses[node.args[1]])
        return write(self.c, node, [self[a] for a in node.args])
