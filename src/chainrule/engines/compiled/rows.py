"""Programs: what a formula became, and how it is written out as code for a vector, or for a row of numbers.

A row is gone over once for each reduction that needs another one first, and once more for what is stored. Rows of up to
`UNROLLED` vectors are written out without a loop, and everything stays in registers. In longer ones an entry that costs
more than arithmetic and is needed again is kept in a row on the stack (unless that takes more than `KEPT` bytes); the
rest is computed again.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, partial

from chainrule.engines.compiled.code import Code, Value, Variable
from chainrule.engines.compiled.graph import COLUMN, ENTRY, EVERYWHERE, NUMBER, REDUCTIONS, Graph, Node
from chainrule.engines.compiled.operations import Entries, constant, of_doubles, write
from chainrule.engines.compiled.rounds import entries, needed_again, rounds

__all__ = ["Prepared", "Program"]

UNROLLED = 2  # vectors; more of them were no faster
KEPT = 2**15  # bytes

# What a lane that is not in use counts as. Adding -0 changes nothing, not even -0.
NEUTRAL = {"sum": -0.0, "max": -math.inf, "min": math.inf}
COMBINE: dict[str, Callable[[Code, Value, Value], Value]] = {"sum": Code.add, "max": Code.maximum, "min": Code.minimum}


@dataclass
class Prepared:
    """What of a program is the same for all rows, computed.

    Args:
        values: by node, a number.
        inverses: likewise 1 / it, for numbers that arrays are divided by.
    """

    values: dict[int, Value] = field(default_factory=dict)
    inverses: dict[int, Value] = field(default_factory=dict)


@dataclass(frozen=True)
class Program:
    """What one function became.

    Args:
        inputs: the names of the arrays that it is given.
        numbers: the names of the single numbers (float64) that it is given.
        outputs: for each result, "rows" (as many numbers as an input has) or "column" (one number for each row).
        nodes: its operations, each after its arguments.
        results: the nodes that are the results.
    """

    inputs: tuple[str, ...]
    numbers: tuple[str, ...]
    outputs: tuple[str, ...]
    nodes: tuple[Node, ...]
    results: tuple[int, ...]

    @classmethod
    def of(
        cls, graph: Graph, results: Iterable[int], inputs: Iterable[str], numbers: Iterable[str], outputs: Iterable[str]
    ) -> Program:
        """Take out of a graph what the results need, in an order that depends on nothing else."""
        order: dict[int, int] = {}

        def visit(k: int) -> int:
            if k not in order:
                for argument in graph.nodes[k].args:
                    visit(argument)
                order[k] = len(order)
            return order[k]

        places = tuple(visit(k) for k in results)
        nodes = tuple(graph.nodes[k]._replace(args=tuple(order[a] for a in graph.nodes[k].args)) for k in order)
        return cls(tuple(inputs), tuple(numbers), tuple(outputs), nodes, places)

    def of_single_numbers(self) -> Program:
        """Give the same for rows of one number each: a sum or the largest of one number is the number itself."""
        place: list[int] = []
        nodes: list[Node] = []
        for node in self.nodes:
            if node.op in REDUCTIONS or node.op == "pick":
                place.append(place[node.args[0]])
                continue
            extent = EVERYWHERE if node.extent == EVERYWHERE else ENTRY
            place.append(len(nodes))
            nodes.append(node._replace(args=tuple(place[a] for a in node.args), extent=extent))
        results = tuple(place[k] for k in self.results)
        return replace(self, outputs=("rows",) * len(self.outputs), nodes=tuple(nodes), results=results)

    @cached_property
    def text(self) -> str:
        """The whole program as text: the same text, the same code."""
        lines = [f"{', '.join(self.inputs)}; {', '.join(self.numbers)}"]
        for k, node in enumerate(self.nodes):
            value = "" if node.value is None else f" {node.value!r}"
            lines.append(f"{k} {node.type}{node.extent} {node.op}{value} {' '.join(map(str, node.args))}".rstrip())
        lines += [f"{kind} {k}" for kind, k in zip(self.outputs, self.results, strict=True)]
        return "\n".join(lines)

    @cached_property
    def elementwise(self) -> bool:
        """Whether no entry depends on another one of its row."""
        return all(kind == "rows" for kind in self.outputs) and all(node.extent != COLUMN for node in self.nodes)

    @cached_property
    def reads(self) -> frozenset[str]:
        """The inputs that are used; the others need not be given."""
        return frozenset(str(node.value) for node in self.nodes if node.op == "input")

    def prepare(self, c: Code, numbers: Mapping[str, Value]) -> Prepared:
        """Write what is the same for all rows; ``numbers`` are float64 values, rounded where they meet arrays."""
        prepared, doubles = Prepared(), of_doubles(c)
        for k, node in enumerate(self.nodes):
            if node.extent == EVERYWHERE:
                types = (node.type, *(self.nodes[a].type for a in node.args))
                args = [prepared.values[a] for a in node.args]
                prepared.values[k] = _prepare(c if NUMBER in types else doubles, node, args, numbers)
            elif node.op == "divide":
                # A division takes several times as long as a multiplication; for constants LLVM knows best.
                divisor = self.nodes[node.args[1]]
                if divisor.extent == EVERYWHERE and divisor.op != "constant":
                    prepared.inverses[node.args[1]] = c.div(1.0, prepared.values[node.args[1]])
        return prepared

    def emit(self, c: Code, values: Mapping[str, Value], prepared: Prepared) -> list[Value]:
        """Write an elementwise program for numbers, or for vectors of them; gives the results."""
        assert self.elementwise
        entries = Entries(c, self.nodes, prepared.values, prepared.inverses, max(map(c.lanes_of, values.values())))
        for k, node in enumerate(self.nodes):
            if node.op == "input":
                entries.memo[k] = values[str(node.value)]
        return [entries.full(k) for k in self.results]

    def emit_row(
        self, c: Code, places: Mapping[str, Value], N: int, prepared: Prepared, out: Value | None = None
    ) -> Value | None:
        """Write a program of one result for one row.

        Args:
            c: where to write.
            places: by input, the address of the row's first number.
            N: how many numbers the row has.
            prepared: what `prepare` gave.
            out: where a result of kind "rows" goes; it may be the address of an input.

        Returns:
            A result of kind "column", else None.
        """
        (result,), (kind,) = self.results, self.outputs
        row = _Row(self, c, places, N, prepared)
        row.reduce()
        if kind == "column":
            return row.columns[result]
        assert out is not None
        row.over([result], lambda piece: c.store(piece.full(result), c.at(out, piece.start), piece.used))
        return None


def _prepare(c: Code, node: Node, args: list[Value], numbers: Mapping[str, Value]) -> Value:
    """Write an operation on single numbers."""
    if node.op == "given":
        return numbers[str(node.value)]
    if node.op == "constant":
        return constant(c, node)
    if node.op == "round":
        return c.builder.fptrunc(args[0], c.number) if c.single else args[0]
    return write(c, node, args)


class _Row:
    """Writes a program for one row.

    Attributes:
        columns: by node, what there is once in the row.
    """

    def __init__(self, program: Program, c: Code, places: Mapping[str, Value], N: int, prepared: Prepared) -> None:
        self.program, self.c, self.places, self.prepared = program, c, places, prepared
        self.columns = _Columns(self)
        whole, rest = divmod(N, c.lanes)
        self.looped = whole if whole > UNROLLED else 0
        self.pieces = [_Piece(self, k * c.lanes, c.lanes, c.lanes) for k in range(self.looped, whole)]
        if rest:
            self.pieces.append(_Piece(self, whole * c.lanes, 1 << (rest - 1).bit_length(), rest))
        self.kept: dict[int, Value] = {}
        self.filled: set[int] = set()
        if self.looped and N * c.bytes <= KEPT:
            self.kept = {k: self._room() for k in needed_again(program.nodes, program.results)}

    def _room(self) -> Value:
        place = Variable(self.c, self.c.ir.ArrayType(self.c.number, self.looped * self.c.lanes)).place
        place.type = self.c.pointer  # without llvmlite's own note of what is there, which forbids to store vectors
        return place

    def reduce(self) -> None:
        """Write all reductions."""
        for round_ in rounds(self.program.nodes):
            self._reduce(round_)

    def over(self, roots: Iterable[int], body: Callable[[_Piece], None]) -> None:
        """Go over the row piece by piece, for nodes that need no reduction that is not yet written."""
        for k in entries(self.program.nodes, roots):
            if self.program.nodes[k].extent == COLUMN:
                self.columns[k]  # written here, where every piece sees it
        if self.looped:
            lanes = self.c.lanes
            with self.c.loop(self.looped * lanes, 0, lanes) as start:
                piece = _Piece(self, start, lanes, lanes)
                body(piece)
            self.filled |= self.kept.keys() & piece.memo.keys()
        for piece in self.pieces:
            body(piece)

    def _reduce(self, reductions: list[int]) -> None:
        arguments = {k: self.program.nodes[k].args[0] for k in reductions}
        totals = {k: _Total(self, self.program.nodes[k].op) for k in reductions}

        def add(piece: _Piece) -> None:
            for k, total in totals.items():
                total.add(piece, piece.full(arguments[k]))

        self.over(arguments.values(), add)
        for k, total in totals.items():
            self.columns.memo[k] = total.get()


class _Total:
    """A sum, or another reduction, while a row is gone over: full vectors lane by lane, a shorter one beside them."""

    def __init__(self, row: _Row, op: str) -> None:
        self.c, self.neutral = row.c, NEUTRAL[op]
        self._combine = partial(COMBINE[op], row.c)
        c = row.c
        self._loop = Variable(c, c.vector(c.lanes), c.constant(self.neutral, c.lanes)) if row.looped else None
        self._lanes: Value | None = None
        self._rest: Value | None = None

    def add(self, piece: _Piece, value: Value) -> None:
        """Add the values of a piece."""
        c = self.c
        if piece.used < c.lanes:
            if piece.used < piece.lanes:
                used = [k < piece.used for k in range(piece.lanes)]
                value = c.select(c.ir.Constant(c.ir.VectorType(c.bit, piece.lanes), used), value, self.neutral)
            self._rest = c.total(value, self._combine)
        elif not isinstance(piece.start, int):
            assert self._loop is not None
            self._loop.set(self._combine(self._loop.get(), value))
        else:
            self._lanes = value if self._lanes is None else self._combine(self._lanes, value)

    def get(self) -> Value:
        """Give the total: the lanes halved again and again, and the rest last."""
        lanes = self._lanes if self._loop is None else self._loop.get()
        parts = [] if lanes is None else [self.c.total(lanes, self._combine)]
        parts += [] if self._rest is None else [self._rest]
        return parts[0] if len(parts) == 1 else self._combine(*parts)


class _Piece(Entries):
    """Neighbouring entries of a row.

    Args:
        row: the row.
        start: the index of the first.
        lanes: how many.
        used: how many of them belong to the row.
    """

    def __init__(self, row: _Row, start: Value | int, lanes: int, used: int) -> None:
        super().__init__(row.c, row.program.nodes, row.prepared.values, row.prepared.inverses, lanes)
        self.row, self.start, self.used = row, start, used

    def make(self, k: int, node: Node) -> Value:
        """Read an input, or what was kept; else write the node, and keep it if it is needed again."""
        if node.extent == COLUMN:
            return self.row.columns[k]
        if node.op == "input":
            return self._load(self.row.places[str(node.value)])
        kept = None if isinstance(self.start, int) else self.row.kept.get(k)
        if kept is not None and k in self.row.filled:
            return self._load(kept)
        value = super().make(k, node)
        if kept is not None:
            self.c.store(self.spread(value), self.c.at(kept, self.start))
        return value

    def _load(self, place: Value) -> Value:
        return self.c.load(self.c.at(place, self.start), self.lanes, self.used)


class _Columns(Entries):
    """What there is once in a row."""

    def __init__(self, row: _Row) -> None:
        super().__init__(row.c, row.program.nodes, row.prepared.values, row.prepared.inverses, 1)
        self.row = row

    def make(self, k: int, node: Node) -> Value:
        """Write a node; an entry is computed where it stands, reductions are there already."""
        assert node.op not in REDUCTIONS
        if node.op == "pick":
            assert isinstance(node.value, int)
            return _Piece(self.row, node.value, 1, 1)[node.args[0]]
        return super().make(k, node)
