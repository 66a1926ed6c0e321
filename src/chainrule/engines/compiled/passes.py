"""Writes the passes of a network as code: the reference engine's forward and backward, layer by layer, with addresses.

Threads, where there are several, share the rows of the batch on the way forward and back, which rows allow, and the
neurons of each layer when weights are updated, which needs all rows: they meet in between.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeAlias

from chainrule.engines.compiled.code import Value, Variable
from chainrule.engines.compiled.lifting import Program
from chainrule.engines.compiled.normalizing import Normalizing
from chainrule.engines.compiled.panels import turned
from chainrule.engines.compiled.philox import write_mask
from chainrule.engines.compiled.places import GRAIN
from chainrule.engines.compiled.products import BETWEEN, Part, Stripes, dots, sums_of_rows
from chainrule.engines.compiled.steps import Steps
from chainrule.network import BatchNorm, Dense, Dropout, Entry

__all__ = ["Passes"]

# What becomes of derivatives: (array, index in it, vector, lanes used); and what asks for memory that this will touch.
Sink: TypeAlias = Callable[[Entry, Value, Value, int], None]
Soon: TypeAlias = Callable[[Entry, Value], None]


class Passes(Steps):
    """The passes over one batch."""

    # Forward

    def forward(self, factors_of: Value | None = None) -> None:
        """Write Z and A of every layer; with the number of the dropout masks where rows are dropped."""
        for s in range(len(self.network.steps)):
            self.apart("forward", s, partial(self._step, s, factors_of))

    def _step(self, s: int, factors_of: Value | None) -> None:
        layer, l = self.network.steps[s]
        if isinstance(layer, Dropout):
            self._drop(s, layer, l, factors_of)
            return
        if isinstance(layer, BatchNorm):
            Normalizing(self, s, layer, l).forward()
        elif s or not self.setup.turned:
            self._dense(s, l)
        self._activate(s)

    def finish_dense(self, s: int) -> Callable[[Value, Value, Value, int], None]:
        """Give what becomes of a step's sums: with the bias, Z."""
        c, (_, l) = self.c, self.network.steps[s]
        Z, entry = self.piece("Z", s), self.entries.get(("b", l))

        def finish(i: Value, j: Value, value: Value, used: int) -> None:
            if entry is not None:
                bias = self.parameter("b", l)
                several = c.splat(c.load(bias), c.lanes) if entry.shared else c.load(c.at(bias, j), c.lanes, used)
                value = c.add(value, several)
            c.store(value, c.at(Z(i), j), used)

        return finish

    def _dense(self, s: int, l: int) -> None:
        c = self.c
        K, N = self.network.sizes[l - 1], self.network.sizes[l]
        W, finish = self.parameter("W", l), self.finish_dense(s)
        part = self.part(self.m, GRAIN)
        if self.turns(K):
            with self.sharing(N, part) as shares:
                sums_of_rows(c, self.m, N, K, lambda i: partial(c.at, self.input_row(s)(i)),
                             turned(c, K, self.pack(), W), finish,
                             heights=self.heights, vectors=self.vectors, **shares)  # fmt: skip
            return
        across = min(8 if self.tall >= 64 else 4, N, c.lanes)  # a tile's row of totals is one vector
        dots(c, self.m, N, K, self.input_row(s), lambda j: c.at(W, c.times(j, K)), finish,
             heights=self.heights(across), across=across, part=part,
             aside=(lambda j, count: self.fetch_part(j, count, N, 0)) if s == 0 else None)  # fmt: skip

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
        dropping = self.setup.training and layer.rate > 0
        first, last = self.part(self.m, GRAIN)
        if dropping:
            part = c.times(first, N), c.times(last, N)
            write_mask(c, self.table.whole("seed"), self.own.get(("l", s), l), update, factors(0), part, layer.rate)
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
        if self.lifted.loss.elementwise:
            self._apply(self.lifted.loss, "loss", {"z": Z, "a": A, "y": self.y_row}, out, 1)
            return
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
        for s in range(len(steps) - 1, -1 if inputs else 0, -1):
            self.apart("back", s, partial(self._step_back, s))
            if s:
                self.apart("slope", s - 1, partial(self._slope, s - 1))

    def _step_back(self, s: int) -> None:
        layer, l = self.network.steps[s]
        into = self.piece("D", s - 1) if s else self._dx_row
        if isinstance(layer, Dense):
            self._send_back(s, l, into)
        elif isinstance(layer, BatchNorm):
            Normalizing(self, s, layer, l).backward(into)
        else:
            self._undrop(s, layer, into)

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

        def row(k: Value) -> Value:
            return c.at(W, c.times(k, K))

        with self.sharing(K, self.part(self.m, GRAIN)) as shares:
            sums_of_rows(c, self.m, K, N, lambda i: partial(c.at, D(i)), self.again(row, N, self.tall),
                         lambda i, j, value, used: c.store(value, c.at(into(i), j), used),
                         heights=self.heights, vectors=self.vectors, **shares)  # fmt: skip

    @contextmanager
    def sharing(self, columns: int, rows: Part) -> Iterator[dict[str, Any]]:
        """Say which part of a product is this thread's: some rows, or some columns, which need all rows."""
        if not self.splits(columns):
            yield {"part": rows}
            return
        self.meet()
        yield {"part": (0, self.m), "stripes": self.stripes}
        self.meet()

    def _undrop(self, s: int, layer: Dropout, into: Callable[[Value], Value]) -> None:
        c, N = self.c, self.width("D", s)
        D, factors = self.piece("D", s), self.piece("factors", s)
        dropping = self.setup.training and layer.rate > 0
        first, last = self.part(self.m, GRAIN)
        with c.loop(last, first) as i:
            self.over(N, lambda k, used: self._times(D(i), factors(i) if dropping else None, into(i), k, used))

    # Gradients

    def gradients(self, sink: Sink, soon: Soon | None = None) -> None:
        """Hand every derivative to ``sink(entry, index within it, vector, lanes used)`` as soon as it is there."""
        for s in range(len(self.network.steps) - 1, -1, -1):
            if not isinstance(self.network.steps[s][0], Dropout):
                self.apart("gradient", s, partial(self._gradient, s, sink, soon))

    def _gradient(self, s: int, sink: Sink, soon: Soon | None) -> None:
        layer, l = self.network.steps[s]
        if isinstance(layer, BatchNorm):
            Normalizing(self, s, layer, l).gradients(sink)
        elif isinstance(layer, Dense):
            self._bias_gradient(s, layer, l, sink)
            if s or not self.setup.turned:
                self._weight_gradient(s, l, sink, soon)

    def column_sums(self, s: int, sink: Callable[[Value, Value, int], None]) -> None:
        """(BP3): add up the rows of D, stripe by stripe: ``sink(index, vector, lanes used)``."""
        c, N, D = self.c, self.width("D", s), self.piece("D", s)

        def stripe(k: Value, widths: list[int]) -> None:
            kind = c.vector(c.lanes)
            sums = [Variable(c, kind, c.constant(0.0, c.lanes)) for _ in widths]
            with c.loop(self.m) as i:
                for v, (sum_, used) in enumerate(zip(sums, widths, strict=True)):
                    place = c.at(D(i), c.plus(k, v * c.lanes))
                    sum_.set(c.add(sum_.get(), c.load(place, c.lanes, used)))
            for v, (sum_, used) in enumerate(zip(sums, widths, strict=True)):
                sink(c.plus(k, v * c.lanes), sum_.get(), used)

        Stripes(c, N, 8).over(stripe)

    def _bias_gradient(self, s: int, layer: Dense, l: int, sink: Sink) -> None:
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

        if self.setup.shared:
            with self.alone():
                write()
        else:
            write()

    def _weight_gradient(self, s: int, l: int, sink: Sink, soon: Soon | None) -> None:
        """(BP4): dW = D.T A."""
        c = self.c
        K, N = self.network.sizes[l - 1], self.network.sizes[l]
        D, before, entry = self.piece("D", s), self.input_row(s), self.entries["W", l]
        heights = self.weight_heights(l)
        shares: dict[str, Any] = {"part": self.weight_part(l)}
        if N > 32 and self.splits(K):
            shares = {"stripes": self.stripes}

        def meanwhile(i: Value, j: Value, height: int, k: Value) -> None:
            if soon is None:
                return
            of_tile = c.builder.sdiv(k, c.index(BETWEEN))
            with c.when(c.builder.icmp_signed("<", of_tile, c.index(height))):
                row = c.plus(c.times(c.plus(i, of_tile), K), j)
                for v in range(self.vectors):
                    soon(entry, c.plus(row, v * c.lanes))

        sums_of_rows(c, N, K, self.m, lambda i: lambda k: c.at(D(k), i), self.again(before, self.m, N),
                     lambda i, j, value, used: sink(entry, c.plus(c.times(i, K), j), value, used),
                     heights=heights, vectors=self.vectors, shallow=min(self.tall, 32), **shares,
                     aside=(lambda i, count: self.fetch_part(i, count, N, 1)) if s == 0 else None,
                     meanwhile=meanwhile)  # fmt: skip
