"""What a lifted formula is: a graph of operations in which equal ones are one node.

A node is of one of four types, which are NumPy's rules for mixing numbers in other words:

    weak     a float64 that takes the type of any array it meets, as Python's own numbers do
    strong   a float64 that would turn a float32 array into float64
    number   of the arrays' own type
    bit      a truth value

and it is the same everywhere, one for each row, or one for each entry of a row (its ``extent``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

__all__ = [
    "BIT",
    "COLUMN",
    "COMPARISONS",
    "ENTRY",
    "EVERYWHERE",
    "LOGIC",
    "NUMBER",
    "OPERATORS",
    "REDUCTIONS",
    "STRONG",
    "WEAK",
    "Graph",
    "Node",
    "NotLiftable",
]

WEAK, STRONG, NUMBER, BIT = "weak", "strong", "number", "bit"
EVERYWHERE, COLUMN, ENTRY = 0, 1, 2

COMPARISONS = {"less": "<", "less_equal": "<=", "greater": ">", "greater_equal": ">=", "equal": "==", "not_equal": "!="}
LOGIC = {"logical_and", "logical_or", "logical_not", "logical_xor"}
OPERATORS = {"add", "subtract", "multiply", "divide", "power", "negative", "positive", "absolute"}
REDUCTIONS = {"sum", "max", "min"}


class NotLiftable(Exception):
    """A formula does what cannot be written as a graph; the reference engine runs it instead."""


class Node(NamedTuple):
    """One operation.

    Args:
        op: its name, NumPy's where NumPy has it.
        args: the nodes that it works on.
        type: what it gives: WEAK, STRONG, NUMBER or BIT.
        extent: where it differs: EVERYWHERE (nowhere), COLUMN or ENTRY.
        value: of a constant its number, of an input its name, of a pick the index in the row.
    """

    op: str
    args: tuple[int, ...]
    type: str
    extent: int
    value: float | str | int | None = None


class Graph:
    """Nodes that were recorded; each is known by its place in ``nodes``.

    Args:
        single: whether arrays are of float32, else float64.
    """

    def __init__(self, single: bool) -> None:
        self.single = single
        self.nodes: list[Node] = []
        self._places: dict[tuple[object, ...], int] = {}

    def node(
        self, op: str, args: Sequence[int], type: str, extent: int | None = None, value: float | str | int | None = None
    ) -> int:
        """Give the place of this node, a new one only where there is none like it."""
        if extent is None:
            extent = max((self.nodes[k].extent for k in args), default=EVERYWHERE)
        made = Node(op, tuple(args), type, extent, value)
        # Constants are told apart by how they are written: 0.0 and -0.0 are equal, and NaN is not equal to itself.
        place = self._places.setdefault((made._replace(value=None), repr(value)), len(self.nodes))
        if place == len(self.nodes):
            self.nodes.append(made)
        return place

    def constant(self, x: float, type: str = WEAK) -> int:
        """Give a constant."""
        return self.node("constant", (), type, EVERYWHERE, float(x))

    def number(self, k: int) -> int:
        """Turn a node into a number of the arrays' type, as ``astype`` does."""
        node = self.nodes[k]
        if node.type == NUMBER:
            return k
        if node.type == BIT:
            return self.node("indicator", (k,), NUMBER)
        if node.op == "constant":
            return self.node("constant", (), NUMBER, EVERYWHERE, node.value)
        if node.extent == EVERYWHERE:
            return self.node("round", (k,), NUMBER)
        if node.op == "where":
            condition, a, b = node.args
            return self.node("where", (condition, self.number(a), self.number(b)), NUMBER)
        raise NotLiftable(f"{node.op} in float64 where arrays are of float32")

    def bit(self, k: int) -> int:
        """Turn a node into a truth value."""
        node = self.nodes[k]
        if node.type == BIT:
            return k
        if node.op == "indicator":
            return node.args[0]
        return self.node("not_equal", (k, self.constant(0.0, node.type)), BIT)

    def apply(self, op: str, *args: int) -> int:
        """Record an operation entry by entry, with its arguments brought to one type."""
        if op in LOGIC:
            return self.node(op, [self.bit(k) for k in args], BIT)
        if op == "where":
            values = self._alike(args[1:])
            return self._shaped(op, (self.bit(args[0]), *values), strong=True)
        if op == "multiply" and all(self.nodes[k].type == BIT for k in args):
            return self.node("logical_and", args, BIT)
        args = self._alike(args)
        if op in COMPARISONS:
            return self.node(op, args, BIT)
        if op in ("add", "multiply"):
            args = tuple(sorted(args))
        if op in ("multiply", "divide") and (other := self._times_one(op, *args)) is not None:
            return other
        return self._shaped(op, args, strong=op not in OPERATORS)

    def _shaped(self, op: str, args: tuple[int, ...], *, strong: bool) -> int:
        """Record an operation that gives its last argument's type; NumPy's functions give what is strong."""
        type = self.nodes[args[-1]].type
        if type == WEAK and strong and self.single:
            type = STRONG
        made = self.node(op, args, type)
        if type != NUMBER and not self.single and self.nodes[made].extent > EVERYWHERE:
            return self.number(made)
        return made

    def _alike(self, args: Sequence[int]) -> tuple[int, ...]:
        """Bring arguments to one type, as NumPy does."""
        types = {self.nodes[k].type for k in args}
        if types == {WEAK}:
            return tuple(args)
        if types <= {WEAK, STRONG}:
            if not self.single:
                return tuple(args)
            return tuple(self.node("strong", (k,), STRONG) if self.nodes[k].type == WEAK else k for k in args)
        if types == {BIT}:
            raise NotLiftable("arithmetic with nothing but truth values")
        if self.single and (STRONG in types or NUMBER not in types):
            raise NotLiftable("arithmetic that turns float32 into float64")
        return tuple(map(self.number, args))

    def _times_one(self, op: str, a: int, b: int) -> int | None:
        """Give x for x * 1, 1 * x and x / 1, which change nothing, not even of NaN."""

        def is_one(k: int) -> bool:
            return self.nodes[k].op == "constant" and self.nodes[k].value == 1.0

        if is_one(b):
            return a
        return b if op == "multiply" and is_one(a) else None
