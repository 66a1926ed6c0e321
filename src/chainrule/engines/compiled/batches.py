"""The rows of a batch: where they lie, brought together in the workspace, asked for ahead of their use."""

from __future__ import annotations

from chainrule.engines.compiled.code import Code, Value
from chainrule.engines.compiled.places import GRAIN, Places, Setup
from chainrule.engines.compiled.table import Table
from chainrule.network import Network

__all__ = ["Batches"]


class Batches(Places):
    """Finds the rows of each batch.

    Args:
        c: the code of the function at hand.
        network: the network.
        table: what the function was given.
        rows: how many rows a batch has at most.
        setup: how they are used.
    """

    def __init__(self, c: Code, network: Network, table: Table, rows: int, setup: Setup) -> None:
        super().__init__(c, network, table, rows, setup)
        self.single = setup.targets and network.outputs == 1
        self.ahead: tuple[Value, Value, Value] | None = None

    def take(self, first: Value, order: Value | None) -> None:
        """Find the batch's rows and bring them together in the workspace, where it has room for them."""
        self.find(first, order)
        if self.setup.copies:
            start, last = self.part(self.m, GRAIN)
            with self.c.loop(last, start) as i:
                bring = self._scatter if self.setup.sparse else self._bring
                bring(self.row_at(i), self.x_row(i), self.network.sizes[0])

    def find(self, first: Value, order: Value | None) -> None:
        """Write down where the batch's rows lie."""
        c, b = self.c, self.c.builder
        X, Y = self.table.address("X"), self.table.address("Y")
        start, last = self.part(self.m, GRAIN)
        with c.loop(last, start) as i:
            which = c.plus(first, i)
            if order is not None:
                which = b.load(b.gep(order, [which], source_etype=c.whole), typ=c.whole)
            self._write(which if self.setup.sparse else self._number(c.at(X, c.times(which, self.network.sizes[0]))), i)
            if self.single:
                c.store(c.load(c.at(Y, which)), self.y_row(i))
            elif self.setup.targets:
                self._write(self._number(c.at(Y, c.times(which, self.network.outputs))), c.plus(self.size, i))

    def _number(self, place: Value) -> Value:
        return self.c.builder.ptrtoint(place, self.c.whole)

    def _write(self, found: Value, at: Value) -> None:
        """Write down where a row lies, or which one it is."""
        b = self.c.builder
        b.store(found, b.gep(self.table.address("rows"), [at], source_etype=self.c.whole))

    def _bring(self, row: Value, to: Value, N: int) -> None:
        """Copy a row; vectors that cross cache lines are read once instead of again and again."""
        c = self.c
        self.over(N, lambda k, used: c.store(c.load(c.at(row, k), c.lanes, used), c.at(to, k), used))

    def _scatter(self, row: Value, to: Value, N: int) -> None:
        """Write a row of sparse inputs, whose number stands for its address: zeros, and what is stored."""
        c, b = self.c, self.c.builder
        which = self._number(row)
        X, columns, ends = (self.table.address(name) for name in ("X", "columns", "ends"))

        def whole(place: Value, index: Value) -> Value:
            return b.load(b.gep(place, [index], source_etype=c.whole), typ=c.whole)

        self.over(N, lambda k, used: c.store(c.constant(0.0, c.lanes), c.at(to, k), used))
        with c.loop(whole(ends, c.plus(which, 1)), whole(ends, which)) as k:
            c.store(c.load(c.at(X, k)), c.at(to, whole(columns, k)))

    def fetch(self, first: Value, order: Value, n: Value) -> None:
        """Have the rows of the next batch, from ``first`` on, asked for while the first layer is computed."""
        start, last = self.part(self.m, GRAIN)
        c, b = self.c, self.c.builder
        end = c.plus(first, last)
        end = b.select(b.icmp_signed("<", end, n), end, n)
        self.ahead = (c.plus(first, start), end, order)

    def fetch_part(self, j: Value, count: int, N: int, half: int) -> None:
        """Ask for the part of the next batch's rows that falls to neurons j to j + count of N, cache line by line.

        This is for small batches; a large one gains nothing by it. All at once would be more than a processor can wait
        for at a time: one half is asked for on the way forward, the other while weights are updated.
        """
        if self.ahead is None:
            return
        c, b = self.c, self.c.builder
        first, end, order = self.ahead
        X, K, line = self.table.address("X"), self.network.sizes[0], 64 // c.bytes
        lines = -(-K // line)
        from_, to = (b.sdiv(c.times(c.plus(at, half * N), lines), c.index(2 * N)) for at in (j, c.plus(j, count)))
        with c.loop(end, first) as i:
            which = b.load(b.gep(order, [i], source_etype=c.whole), typ=c.whole)
            row = c.at(X, c.times(which, K))
            with c.loop(to, from_) as k:
                c.prefetch(c.at(row, c.times(k, line)))
