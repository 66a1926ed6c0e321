"""Writes the passes of a network as code: the reference engine's forward and backward, layer by layer, with addresses.

Threads, where there are several, share the rows of the batch on the way forward and back, which rows allow, and the
neurons of each layer when weights are updated, which needs all rows: they meet in between.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chainrule.engines.compiled.code import Code, Value, Variable
from chainrule.engines.compiled.lifted import Lifted
from chainrule.engines.compiled.lifting import Program
from chainrule.engines.compiled.normalizing import Normalizing
from chainrule.engines.compiled.philox import write_mask
from chainrule.engines.compiled.places import GRAIN, Places
from chainrule.engines.compiled.products import dots, sums_of_rows, tile_rows
from chainrule.engines.compiled.table import Table, is_turned
from chainrule.network import BatchNorm, Dense, Dropout, Entry

__all__ = ["Passes"]


class Passes(Places):
    """The passes over one batch.

    Args:
        c: the code of the function at hand.
        lifted: the network with its formulas, lifted.
        table: what the function was given.
        rows: how many rows a batch has at most, for which tiles are chosen.
        training: whether dropout drops and batch normalization takes the batch's own statistics.
        shared: whether several threads run this code.
        gathered: whether rows come in another order than they lie in memory; then they are brought together first.
        sparse: whether X is; then its rows are brought together in any case.
    """

    def __init__(
        self,
        c: Code,
        lifted: Lifted,
        table: Table,
        rows: int,
        *,
        training: bool,
        shared: bool = False,
        gathered: bool = False,
        sparse: bool = False,
    ) -> None:
        super().__init__(c, lifted.objective.network, table, rows, shared=shared, gathered=gathered or sparse)
        self.lifted, self.training, self.sparse = lifted, training, sparse
        self.prepared = lifted.prepare(c, table.address("numbers"))
        self.ahead: tuple[Value, Value, Value] | None = None
        self.share: Value = None

    # The batch

    def take(self, first: Value, order: Value | None) -> None:
        """Find the batch's rows; those out of order are brought together in the workspace."""
        c, b = self.c, self.c.builder
        X, Y, rows = (self.table.address(name) for name in ("X", "Y", "rows"))
        start, last = self.part(self.m, GRAIN)
        with c.loop(last, start) as i:
            which = c.plus(first, i)
            if order is not None:
                which = b.load(b.gep(order, [which], source_etype=c.whole), typ=c.whole)
            for base, N, at in ((X, self.network.sizes[0], i), (Y, self.network.outputs, c.plus(self.size, i))):
                row = c.at(base, c.times(which, N))
                b.store(b.ptrtoint(row, c.whole), b.gep(rows, [at], source_etype=c.whole))
                if base is X and self.sparse:
                    self._scatter(which, self.x_row(i), N)
                elif base is X and self.gathered:
                    self._bring(row, self.x_row(i), N)

    def _bring(self, row: Value, to: Value, N: int) -> None:
        """Copy a row; vectors that cross cache lines are read once instead of again and again."""
        self.over(N, lambda k, used: self._times(row, None, to, k, used))

    def _scatter(self, which: Value, to: Value, N: int) -> None:
        """Write a row of sparse inputs: zeros, and the stored numbers in their places."""
        c, b = self.c, self.c.builder
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

    def _fetch_part(self, j: Value, count: int, N: int, half: int) -> None:
        """Ask for the part of the next batch's rows that falls to neurons j to j + count of N, cache line by line.

        All at once would be more than a processor can wait for at a time: one half is asked for on the way forward, the
        other while weights are updated.
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

    # Forward

    def forward(self, factors_of: Value | None = None) -> None:
        """Write Z and A of every layer; with the number of the dropout masks where rows are dropped."""
        for s, (layer, l) in enumerate(self.network.steps):
            if isinstance(layer, Dense):
                self._dense(s, layer, l)
                self._activate(s)
            elif isinstance(layer, BatchNorm):
                Normalizing(self, s, layer, l).forward()
                self._activate(s)
            else:
                self._drop(s, layer, l, factors_of)

    def _dense(self, s: int, layer: Dense, l: int) -> None:
        c = self.c
        K, N = self.network.sizes[l - 1], self.network.sizes[l]
        W, Z = self.parameter("W", l), self.piece("Z", s)
        bias = None if layer.bias == "none" else self.parameter("b", l)

        def finish(i: Value, j: Value, value: Value, used: int) -> None:
            if bias is not None:
                one = self.entries["b", l].shared
                value = c.add(value, c.splat(c.load(bias), c.lanes) if one else c.load(c.at(bias, j), c.lanes, used))
            c.store(value, c.at(Z(i), j), used)

        part = self.part(self.m, GRAIN)
        if is_turned(K, self.tall):
            vectors = min(self.vectors, -(-N // c.lanes))
            turned = self._turn(W, K, N)
            stride = -(-N // c.lanes) * c.lanes
            sums_of_rows(c, self.m, N, K, lambda i, k: c.at(self.input_row(s)(i), k),
                         lambda k: c.at(turned, c.times(k, stride)), finish,
                         heights=tile_rows(self.tall, vectors, self.registers), vectors=vectors, part=part,
                         shallow=K)  # fmt: skip
            return
        across = min(4, N, c.lanes)  # a tile's row of totals is one vector
        heights = tile_rows(self.tall, across, self.registers)
        dots(c, self.m, N, K, self.input_row(s), lambda j: c.at(W, c.times(j, K)), finish,
             heights=heights, across=across, part=part,
             aside=(lambda j, count: self._fetch_part(j, count, N, 0)) if s == 0 else None)  # fmt: skip

    def _turn(self, W: Value, K: int, N: int) -> Value:
        """Write W.T into this thread's room, each row from a whole vector on: short dot products cost too much."""
        c = self.c
        wide = -(-N // c.lanes) * c.lanes
        room = self.behind_packs()
        with c.loop(N) as i, c.loop(K) as k:
            c.store(c.load(c.at(W, c.plus(c.times(i, K), k))), c.at(room, c.plus(c.times(k, wide), i)))
        return room

    def _activate(self, s: int) -> None:
        self._apply(self.lifted.f[s], ("f", s), {"z": self.piece("Z", s)}, self.piece("A", s), self.width("Z", s))

    def _apply(
        self,
        program: Program,
        key: Any,
        given: dict[str, Callable[[Value], Value]],
        out: Callable[[Value], Value],
        N: int,
    ) -> None:
        """Run a program over this thread's rows; number by number where no number needs its row."""
        c, prepared = self.c, self.prepared[key]
        first, last = self.part(self.m, GRAIN)
        if not program.elementwise:
            with c.loop(last, first) as i:
                program.emit_row(c, {name: row(i) for name, row in given.items()}, N, prepared, out(i))
            return
        starts = {name: row(c.index(0)) for name, row in given.items()}
        target = out(c.index(0))

        def step(k: Value, lanes: int) -> None:
            (value,) = program.emit(c, {name: c.load(c.at(at, k), lanes) for name, at in starts.items()}, prepared)
            c.store(value, c.at(target, k))

        begin, end = c.times(first, N), c.times(last, N)
        whole = c.plus(end, 1 - c.lanes)
        done = Variable(c, c.whole, begin)
        with c.loop(whole, begin, c.lanes) as k:
            step(k, c.lanes)
            done.set(c.plus(k, c.lanes))
        with c.loop(end, done.get()) as k:
            step(k, 1)

    def _drop(self, s: int, layer: Dropout, l: int, update: Value | None) -> None:
        c, N = self.c, self.width("A", s)
        into, A, factors = self.input_row(s), self.piece("A", s), self.piece("factors", s)
        dropping = self.training and layer.rate > 0
        first, last = self.part(self.m, GRAIN)
        if dropping:
            write_mask(
                c, self.table.whole("seed"), l, update, factors(0), (c.times(first, N), c.times(last, N)), layer.rate
            )
        with c.loop(last, first) as i:
            self.over(N, lambda k, used: self._times(into(i), factors(i) if dropping else None, A(i), k, used))

    def _times(self, a: Value, factors: Value | None, out: Value, k: Value, used: int) -> None:
        c = self.c
        value = c.load(c.at(a, k), c.lanes, used)
        if factors is not None:
            value = c.mul(value, c.load(c.at(factors, k), c.lanes, used))
        c.store(value, c.at(out, k), used)

    # The cost

    def weigh(self, first: Value, order: Value | None) -> Value:
        """Find each row's share of the cost; gives the batch's weight."""
        c, b = self.c, self.c.builder
        if not self.lifted.weighted:
            self.share = c.div(1.0, b.sitofp(self.m, c.number))
            return b.sitofp(self.m, c.double)
        weights, share = self.table.address("weights"), self.piece("share", 0)

        def weight(i: Value) -> Value:
            which = c.plus(first, i)
            if order is not None:
                which = b.load(b.gep(order, [which], source_etype=c.whole), typ=c.whole)
            return c.load(c.at(weights, which))

        sum_ = Variable(c, c.double, c.ir.Constant(c.double, 0.0))
        with c.loop(self.m) as i:
            one = weight(i)
            sum_.set(b.fadd(sum_.get(), b.fpext(one, c.double) if c.single else one))
        exact = sum_.get()
        total = b.fptrunc(exact, c.number) if c.single else exact
        some = c.compare(">", total, 0.0)
        start, last = self.part(self.m, GRAIN)
        with c.loop(last, start) as i:
            c.store(c.select(some, c.div(weight(i), total), 0.0), share(i))
        return exact

    def share_of(self, i: Value) -> Value:
        """Give a row's share of the cost."""
        return self.c.load(self.piece("share", 0)(i)) if self.lifted.weighted else self.share

    def losses(self) -> None:
        """Write the loss of each row."""
        c, s = self.c, len(self.network.steps) - 1
        Z, A, out = self.piece("Z", s), self.piece("A", s), self.piece("losses", 0)
        first, last = self.part(self.m, GRAIN)
        with c.loop(last, first) as i:
            places = {"z": Z(i), "a": A(i), "y": self.y_row(i)}
            value = self.lifted.loss.emit_row(c, places, self.network.outputs, self.prepared["loss"], None)
            c.store(value, out(i))

    def cost(self) -> Value:
        """Add up the losses, each times its share, in float64."""
        c, b = self.c, self.c.builder
        out = self.piece("losses", 0)
        sum_ = Variable(c, c.double, self.c.ir.Constant(c.double, 0.0))
        with c.loop(self.m) as i:
            one = c.mul(c.load(out(i)), self.share_of(i))
            sum_.set(b.fadd(sum_.get(), b.fpext(one, c.double) if c.single else one))
        return sum_.get()

    # Backward

    def backward(self, *, inputs: bool = False) -> None:
        """Write D of every layer, last to first; with dC/dX where ``inputs`` is true."""
        steps = self.network.steps
        self._output_error(len(steps) - 1)
        for s in range(len(steps) - 1, -1, -1):
            layer, l = steps[s]
            if s == 0 and not inputs:
                break
            into = self.piece("D", s - 1) if s else self._dx_row
            if isinstance(layer, Dense):
                self._send_back(s, l, into)
            elif isinstance(layer, BatchNorm):
                Normalizing(self, s, layer, l).backward(into)
            else:
                self._undrop(s, layer, into)
            if s:
                self._slope(s - 1)

    def _dx_row(self, i: Value) -> Value:
        return self.c.at(self.table.address("dX"), self.c.times(i, self.network.sizes[0]))

    def _output_error(self, s: int) -> None:
        """(BP1): D[K], each row times its share."""
        c, N = self.c, self.network.outputs
        Z, A, D = self.piece("Z", s), self.piece("A", s), self.piece("D", s)
        first, last = self.part(self.m, GRAIN)
        with c.loop(last, first) as i:
            places = {"z": Z(i), "a": A(i), "y": self.y_row(i)}
            self.lifted.error.emit_row(c, places, N, self.prepared["error"], D(i))
            share = self.share_of(i)
            self.over(N, lambda k, used: self._scale(c.at(D(i), k), share, used))
            if not self.lifted.paired:
                self._back_row(s, i)

    def _scale(self, place: Value, factor: Value, used: int) -> None:
        c = self.c
        c.store(c.mul(c.load(place, c.lanes, used), factor), place, used)

    def _back_row(self, s: int, i: Value) -> None:
        Z, A, D = self.piece("Z", s), self.piece("A", s), self.piece("D", s)
        places = {"z": Z(i), "a": A(i), "g": D(i)}
        self.lifted.back[s].emit_row(self.c, places, self.width("D", s), self.prepared["back", s], D(i))

    def _slope(self, s: int) -> None:
        """(BP2), second half: times f'(Z); dropout has none."""
        if isinstance(self.network.steps[s][0], Dropout):
            return
        D = self.piece("D", s)
        given = {"z": self.piece("Z", s), "a": self.piece("A", s), "g": D}
        self._apply(self.lifted.back[s], ("back", s), given, D, self.width("D", s))

    def _send_back(self, s: int, l: int, into: Callable[[Value], Value]) -> None:
        """(BP2), first half: G = D W."""
        c = self.c
        K, N = self.network.sizes[l - 1], self.network.sizes[l]
        W, D = self.parameter("W", l), self.piece("D", s)
        vectors = min(self.vectors, -(-K // c.lanes))
        heights = tile_rows(self.tall, vectors, self.registers)
        sums_of_rows(c, self.m, K, N, lambda i, k: c.at(D(i), k), lambda k: c.at(W, c.times(k, K)),
                     lambda i, j, value, used: c.store(value, c.at(into(i), j), used),
                     heights=heights, vectors=vectors, part=self.part(self.m, GRAIN),
                     pack=self.pack() if self.tall >= 32 else None)  # fmt: skip

    def _undrop(self, s: int, layer: Dropout, into: Callable[[Value], Value]) -> None:
        c, N = self.c, self.width("D", s)
        D, factors = self.piece("D", s), self.piece("factors", s)
        dropping = self.training and layer.rate > 0
        first, last = self.part(self.m, GRAIN)
        with c.loop(last, first) as i:
            self.over(N, lambda k, used: self._times(D(i), factors(i) if dropping else None, into(i), k, used))

    # Gradients

    def gradients(self, sink: Callable[[Entry, Value, Value, int], None]) -> None:
        """Hand every derivative to ``sink(entry, index within it, vector, lanes used)`` as soon as it is there."""
        for s in range(len(self.network.steps) - 1, -1, -1):
            layer, l = self.network.steps[s]
            if isinstance(layer, Dense):
                self._bias_gradient(s, layer, l, sink)
                self._weight_gradient(s, l, sink)
            elif isinstance(layer, BatchNorm):
                Normalizing(self, s, layer, l).gradients(sink)

    def column_sums(self, s: int, sink: Callable[[Value, Value, int], None]) -> None:
        """(BP3): add up the rows of D, stripe by stripe: ``sink(index, vector, lanes used)``."""
        c, N, D = self.c, self.width("D", s), self.piece("D", s)

        def stripe(k: Value, used: int) -> None:
            sum_ = Variable(c, c.vector(c.lanes), c.constant(0.0, c.lanes))
            with c.loop(self.m) as i:
                sum_.set(c.add(sum_.get(), c.load(c.at(D(i), k), c.lanes, used)))
            sink(k, sum_.get(), used)

        self.over(N, stripe)

    def _bias_gradient(self, s: int, layer: Dense, l: int, sink: Callable[[Entry, Value, Value, int], None]) -> None:
        c = self.c
        if layer.bias == "none":
            return
        entry = self.entries["b", l]

        def write() -> None:
            if not entry.trained:
                self.over(entry.stored, lambda k, used: sink(entry, k, c.constant(0.0, c.lanes), used))
            elif entry.shared:
                sum_ = Variable(c, c.number, c.constant(0.0))
                self.column_sums(s, lambda k, v, used: sum_.set(c.add(sum_.get(), c.total(v))))
                sink(entry, c.index(0), c.splat(sum_.get(), c.lanes), 1)
            else:
                self.column_sums(s, lambda k, v, used: sink(entry, k, v, used))

        if self.shared:
            with self.alone():
                write()
        else:
            write()

    def _weight_gradient(self, s: int, l: int, sink: Callable[[Entry, Value, Value, int], None]) -> None:
        """(BP4): dW = D.T A."""
        c = self.c
        K, N = self.network.sizes[l - 1], self.network.sizes[l]
        D, before, entry = self.piece("D", s), self.input_row(s), self.entries["W", l]
        vectors, heights = self.weight_tile(l)
        sums_of_rows(c, N, K, self.m, lambda i, k: c.at(D(k), i), before,
                     lambda i, j, value, used: sink(entry, c.plus(c.times(i, K), j), value, used),
                     heights=heights, vectors=vectors, part=self.weight_part(l),
                     pack=self.pack() if self.tall > 32 else None, shallow=min(self.tall, 32),
                     aside=(lambda i, count: self._fetch_part(i, count, N, 1)) if s == 0 else None)  # fmt: skip
