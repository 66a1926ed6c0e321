"""Where things lie for compiled code, and which part of them is a thread's: addresses, sizes, tiles, parts of loops."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from chainrule.engines.compiled.code import Code, Value
from chainrule.engines.compiled.meeting import meet
from chainrule.engines.compiled.panels import Panel, copied
from chainrule.engines.compiled.products import tile_rows
from chainrule.engines.compiled.table import LINE, Table, Workspace
from chainrule.network import Entry, Network

__all__ = ["GRAIN", "VECTORS", "Places", "Setup", "registers_of"]

# Vector registers that a tile's sums may take up; the others hold what is multiplied.
_REGISTERS = {64: 24, 32: 12, 16: 24}
# Threads share the rows of a batch at multiples of this everywhere: what one prepares of a row, no other needs before
# all have met. Dropout makes eight factors at a time.
GRAIN = 8
VECTORS = 3  # at most so many vectors wide is a tile


def registers_of(width: int) -> int:
    """Give how many vector registers of so many bytes a tile's sums may take up."""
    return _REGISTERS[width]


class Setup(NamedTuple):
    """How the passes over a batch are to be written.

    Args:
        training: whether dropout drops and batch normalization takes the batch's own statistics.
        shared: whether several threads run this code.
        copies: how many batches of rows are brought together: none, the batch at hand, or the next one, too.
        turned: how many numbers the first layer takes where its weights lie turned, else 0.
        targets: whether rows have targets.
        sparse: whether X is; then its rows are brought together, written out with their zeros.
    """

    training: bool
    shared: bool = False
    copies: int = 0
    turned: int = 0
    targets: bool = True
    sparse: bool = False


class Places:
    """The places of one batch.

    Args:
        c: the code of the function at hand.
        network: the network.
        table: what the function was given.
        rows: how many rows a batch has at most, for which tiles are chosen.
        setup: how they are used.
    """

    def __init__(self, c: Code, network: Network, table: Table, rows: int, setup: Setup) -> None:
        self.c, self.network, self.table, self.setup = c, network, table, setup
        self.space = Workspace(network, setup.copies, setup.turned)
        self.theta, self.work, self.state = (table.address(name) for name in ("theta", "work", "state"))
        self.size, self.n, self.me, self.of = (table.whole(name) for name in ("size", "n", "me", "of"))
        self.span = c.builder.and_(c.plus(self.size, LINE - 1), c.index(-LINE))  # rows, as `Workspace` counts them
        self.tall = rows
        self.registers = registers_of(c.lanes * c.bytes)
        self.vectors = VECTORS if self.registers >= 24 else 2
        self.entries = {(entry.kind, entry.layer): entry for entry in (*network.entries, *network.state_entries)}
        # The vectors that entries are parts of, by name; and which of them are laid out as theta is.
        self.vectors_of = {"theta": self.theta, "state": self.state}
        self.alongside = ["theta"]
        self.own: dict[tuple[Any, ...], Value] = {}  # of the part at hand, see `Steps`
        self.m: Value = None  # the rows of the batch at hand
        self.batch: Value = None  # its number

    def part(self, count: Value | int, grain: int) -> tuple[Any, Any]:
        """Give this thread's part of a loop, cut at multiples of ``grain``."""
        if not self.setup.shared:
            return 0, count
        b, c = self.c.builder, self.c
        pieces = b.sdiv(c.plus(count, grain - 1), c.index(grain))
        first = c.times(b.sdiv(c.times(pieces, self.me), self.of), grain)
        last = c.times(b.sdiv(c.times(pieces, c.plus(self.me, 1)), self.of), grain)
        end = b.select(b.icmp_signed("<", last, c.index(count)), last, c.index(count))
        return first, end

    def piece(self, kind: str, s: int) -> Callable[[Value], Value]:
        """Give, by row, the address of the first number of a piece of the workspace."""
        c, N = self.c, self.width(kind, s)
        start = self.own.get((kind, s)) or self.start(kind, s)
        return lambda i: c.at(start, c.times(i, N))

    def start(self, kind: str, s: int) -> Value:
        """Give where a piece of the workspace begins."""
        return self.c.at(self.work, self.c.times(self.span, self.space.before(kind, s)))

    def width(self, kind: str, s: int) -> int:
        """Give how many numbers lie between two rows of a piece."""
        if kind in ("Y", "losses", "share"):
            return 1
        if kind == "X":
            return self.space.stride
        return self.network.sizes[self.network.steps[s][1]]

    def fixed(self, kind: str, s: int) -> Value:
        """Give the address of a piece of the workspace that has no rows."""
        c, start = self.c, self.own.get((kind, s))
        behind = c.times(self.span, self.space.per_row)
        return start or c.at(self.work, c.plus(behind, self.space.fixed(kind, s)))

    def pack(self) -> Value:
        """Give the address of this thread's room for packed rows."""
        c = self.c
        behind = c.plus(c.times(self.span, self.space.per_row), self.space.columns)
        room = c.times(self.vectors * c.lanes, self.deepest())
        return c.at(self.work, c.plus(behind, c.times(self.me, room) if self.setup.shared else 0))

    def deepest(self) -> Value:
        """Give how many rows a packed panel may have: as many as the batch, or as the widest layer."""
        c, widest = self.c, max(self.network.sizes)
        return c.builder.select(c.builder.icmp_signed("<", self.size, c.index(widest)), c.index(widest), self.size)

    def parameter(self, kind: str, l: int) -> Value:
        """Give the address of a parameter array, or of one in the state."""
        entry = self.entries[kind, l]
        return self.within("state" if kind in ("mean", "var") else "theta", entry, 0)

    def within(self, name: str, entry: Entry, index: Value | int) -> Value:
        """Give the address of an entry's number with this index, in one of the vectors that have this entry."""
        c, start = self.c, self.own.get((name, entry.kind, entry.layer))
        if start is not None:
            return c.at(start, index)
        place = index + entry.start if isinstance(index, int) else c.plus(index, entry.start)
        return c.at(self.vectors_of[name], place)

    def lay_along(self, *names: str) -> None:
        """Have vectors of the table known as ones that are laid out as theta is."""
        self.alongside += names
        self.vectors_of |= {name: self.table.address(name) for name in names}

    def x_row(self, i: Value, *, ahead: bool = False) -> Value:
        """Give the address of a row of the batch's inputs, or of the next one's where there is room for both."""
        c = self.c
        if self.setup.copies == 2:
            even, odd = (self.piece("X", copy)(c.index(0)) for copy in range(2))
            first, second = (odd, even) if ahead else (even, odd)
            start = c.builder.select(c.builder.trunc(self.batch, c.bit), second, first)
            return c.at(start, c.times(i, self.space.stride))
        if self.setup.copies:
            return self.piece("X", 0)(i)
        return self.row_at(i)

    def row_at(self, i: Value) -> Value:
        """Give where a row lies outside."""
        c = self.c
        place = c.builder.gep(self.table.address("rows"), [c.index(i)], source_etype=c.whole)
        return c.builder.load(place, typ=c.pointer)

    def y_row(self, i: Value) -> Value:
        """Give the address of a row of the batch's targets; single numbers lie side by side."""
        if self.network.outputs == 1:
            return self.piece("Y", 0)(i)
        return self.row_at(self.c.plus(self.size, i))

    def input_row(self, s: int) -> Callable[[Value], Value]:
        """Give, by row, the address of what comes into a step."""
        return self.x_row if s == 0 else self.piece("A", s - 1)

    def over(self, N: int, body: Callable[[Value, int], None]) -> None:
        """Go over N numbers vector by vector: ``body(index, lanes used)``."""
        whole, rest = divmod(N, self.c.lanes)
        if whole:
            with self.c.loop(whole * self.c.lanes, 0, self.c.lanes) as k:
                body(k, self.c.lanes)
        if rest:
            body(self.c.index(whole * self.c.lanes), rest)

    def splits(self, columns: int) -> bool:
        """Whether threads share the columns of a product: then each brings together only what it needs itself."""
        return self.setup.shared and self.tall >= 64 and columns >= 12 * self.c.lanes

    def stripes(self, count: int) -> tuple[Any, Any]:
        """Give this thread's part of so many stripes."""
        return self.part(count, 1)

    def over_columns(self, N: int, stripe: Callable[[Value, int], None]) -> None:
        """Go over N columns vector by vector, shared by the threads: ``stripe(index, lanes used)``."""
        c = self.c
        whole, rest = divmod(N, c.lanes)
        first, last = self.part(whole, 1)
        if whole:
            with c.loop(last, first) as v:
                stripe(c.times(v, c.lanes), c.lanes)
        if rest:
            if self.setup.shared:
                with self.alone():
                    stripe(c.index(whole * c.lanes), rest)
            else:
                stripe(c.index(whole * c.lanes), rest)

    def meet(self) -> None:
        """Wait until all threads have come this far; nothing where there is one."""
        if self.setup.shared:
            meet(self.c, self.table.address("gate"), self.of)

    def alone(self) -> Any:
        """Run a block on the last thread only."""
        c = self.c
        return c.when(c.builder.icmp_signed("==", self.me, c.plus(self.of, -1)))

    def heights(self, vectors: int) -> tuple[int, ...]:
        """Give the heights of tiles of rows that are so many vectors (or columns) wide."""
        return tile_rows(self.tall, vectors, self.registers)

    def turns(self, K: int) -> bool:
        """Whether a layer of K inputs is computed with its weights turned: where rows are many.

        A prediction's bits must not depend on the number of rows, and a single row is not worth the turn: there it is
        done where dot products would be short.
        """
        return self.tall >= 64 and (self.setup.training or K <= 128)

    def again(self, row: Callable[[Value], Value], depth: Value | int, rows: int) -> Callable[[Value], Value] | Panel:
        """Give rows of which sums are made, for so many rows of them: brought together where that pays."""
        return copied(self.c, depth, self.pack(), row) if self.tall > 32 and rows > 32 else row

    def weight_heights(self, l: int) -> Callable[[int], tuple[int, ...]]:
        """Give the heights of the tiles of dW, by their width in vectors."""
        return lambda vectors: tile_rows(self.network.sizes[l], vectors, self.registers)

    def weight_part(self, l: int) -> tuple[Any, Any]:
        """Give the neurons of a layer whose weights this thread updates."""
        return self.part(self.network.sizes[l], self.weight_heights(l)(self.vectors)[0])
