"""The first layer in small batches: its weights are updated for one batch and used for the next in one pass.

With few rows in a batch, the arithmetic waits for the weights: each is read for the forward pass, and read and written
for the update. Here a piece of the weights is updated in the registers and at once multiplied with the next batch's
inputs, so that it is read and written once a batch. For that, the layer's weights lie turned, W.T, a row for each
input, while a stretch of batches is made, and the sums of the next batch's Z stay in the registers:

    for each input i:   dW.T[i] = sum_n x[n, i] d[n]       of this batch
                        W.T[i] += optimizer(dW.T[i])
                        z[n] += x'[n, i] W.T[i]            of the next batch, for all n

Each number is summed in the same order where a stretch begins, so results do not depend on how long stretches are.
"""

from __future__ import annotations

from functools import partial

from chainrule.engines.compiled.code import Value, Variable
from chainrule.engines.compiled.lifted import Lifted
from chainrule.engines.compiled.panels import turn_back, turned
from chainrule.engines.compiled.passes import Passes
from chainrule.engines.compiled.places import registers_of
from chainrule.engines.compiled.products import sums_of_rows, tile_rows
from chainrule.engines.compiled.updates import Updates
from chainrule.network import Dense

__all__ = ["Fused", "room"]

_INPUTS = 4  # so many inputs at a time: a row of D that is read serves them all
_AHEAD = 4  # rows of the next batch are asked for so many vectors ahead


def room(lifted: Lifted, rows: int, lanes: int, width: int) -> int:
    """Give how many numbers the turned arrays take; 0 where the first layer is not done in this way.

    It is where the sums of Z fit into the registers and there is enough to do.

    Args:
        lifted: the network with its formulas.
        rows: how many rows a batch has.
        lanes: how many numbers a vector has.
        width: how many bytes.
    """
    network = lifted.objective.network
    layer, _ = network.steps[0]
    if not isinstance(layer, Dense) or lifted.objective.penalties:
        return 0
    K, N = network.sizes[:2]
    vectors = -(-N // lanes)
    fits = lanes < 2 * N and 4 * lanes <= K and rows * vectors <= registers_of(width) - 4
    return (len(_arrays(lifted)) * K + rows) * vectors * lanes if fits else 0


def _arrays(lifted: Lifted) -> list[str]:
    """Give the arrays that an update changes: the parameters and what the optimizer keeps for each."""
    assert lifted.optimizer is not None
    return ["theta", *(name for name in lifted.optimizer.inputs if name.startswith("slot"))]


class Fused:
    """The first layer of a stretch of batches.

    Args:
        passes: the passes of its batches.
    """

    def __init__(self, passes: Passes) -> None:
        assert not passes.setup.shared
        self.p, self.c = passes, passes.c
        names = _arrays(passes.lifted)
        c, network = self.c, passes.network
        self.K, self.N = network.sizes[:2]
        self.vectors = -(-self.N // c.lanes)
        self.wide = self.vectors * c.lanes
        self.used = [min(c.lanes, self.N - v * c.lanes) for v in range(self.vectors)]
        self.entry = passes.entries["W", 1]
        start = passes.fixed("turned", 0)
        self.turned = {name: c.at(start, k * self.K * self.wide) for k, name in enumerate(names)}
        self.errors = c.at(start, len(names) * self.K * self.wide)

    def _both(self) -> list[tuple[Value, Value]]:
        """Give where each array lies outside, and where it lies turned."""
        table = self.p.table
        return [(self.c.at(table.address(name), self.entry.start), place) for name, place in self.turned.items()]

    def enter(self) -> None:
        """Turn the layer's weights, and what the optimizer keeps for them."""
        for outside, inside in self._both():
            turned(self.c, self.K, inside, outside).bring(self.c.index(0), self.used)

    def leave(self) -> None:
        """Turn them back."""
        for outside, inside in self._both():
            turn_back(self.c, self.K, inside, outside, self.used)

    def forward(self) -> None:
        """Write Z of the batch at hand: where a stretch begins."""
        c, p = self.c, self.p
        W = self.turned["theta"]
        sums_of_rows(c, p.m, self.N, self.K, lambda n: partial(c.at, p.x_row(n)),
                     lambda i: c.at(W, c.times(i, self.wide)), p.finish_dense(0),
                     heights=p.heights, vectors=p.vectors, shallow=self.K)  # fmt: skip

    def update(self, updates: Updates) -> None:
        """Update the weights: where a stretch ends."""
        c, p = self.c, self.p
        D = p.piece("D", 0)

        def finish(i: Value, j: Value, g: Value, used: int) -> None:
            self._update(updates, c.plus(c.times(i, self.wide), j), g, used)

        sums_of_rows(c, self.K, self.N, p.m, lambda i: lambda n: c.at(p.x_row(n), i), D, finish,
                     heights=lambda vectors: tile_rows(self.K, vectors, p.registers), vectors=p.vectors,
                     shallow=p.tall)  # fmt: skip

    def _update(self, updates: Updates, index: Value, g: Value, used: int) -> Value:
        places = {name: self.c.at(place, index) for name, place in self.turned.items()}
        return updates.step(self.entry, places, g, used)

    def go_on(self, updates: Updates, order: Value | None) -> None:
        """Update the weights with a whole batch, and write Z of the batch whose rows were found."""
        c, p = self.c, self.p
        self._spread_errors()
        kind = c.vector(c.lanes)
        Z = [[Variable(c, kind, c.constant(0.0, c.lanes)) for _ in range(self.vectors)] for _ in range(p.tall)]

        def line(k: Value, used: int) -> None:
            self._ask(k, order)
            self._line(updates, k, used, Z)

        p.over(self.K, line)
        finish = p.finish_dense(0)
        for n, row in enumerate(Z):
            for v, value in enumerate(row):
                finish(c.index(n), c.index(v * c.lanes), value.get(), self.used[v])

    def _spread_errors(self) -> None:
        """Copy D to where each row begins a cache line."""
        c, D = self.c, self.p.piece("D", 0)
        for n in range(self.p.tall):
            for v, used in enumerate(self.used):
                value = c.load(c.at(D(c.index(n)), v * c.lanes), c.lanes, used)
                c.store(value, c.at(self.errors, n * self.wide + v * c.lanes))

    def _ask(self, k: Value, order: Value | None) -> None:
        """Ask for the beginning of a row of the batch after the next one, a row for each vector's worth of inputs."""
        c, b, table = self.c, self.c.builder, self.p.table
        row = b.sdiv(k, c.index(c.lanes))
        which = c.plus(c.times(c.plus(self.p.batch, 2), self.p.size), row)
        there = b.and_(b.icmp_signed("<", row, self.p.size), b.icmp_signed("<", which, table.whole("n")))
        with c.when(there):
            if order is not None:
                which = b.load(b.gep(order, [which], source_etype=c.whole), typ=c.whole)
            place = c.at(table.address("X"), c.times(which, self.K))
            for ahead in range(_AHEAD):
                c.prefetch(c.at(place, ahead * c.lanes))

    def _line(self, updates: Updates, k: Value, used: int, Z: list[list[Variable]]) -> None:
        """Do a vector's worth of inputs; the next batch's are copied on the way."""
        c, p = self.c, self.p
        soon = c.least(c.plus(k, _AHEAD * c.lanes), self.K - 1)
        for n in range(p.tall):
            row = p.row_at(c.index(n))
            c.prefetch(c.at(row, soon))
            c.store(c.load(c.at(row, k), c.lanes, used), c.at(p.x_row(c.index(n), ahead=True), k))
        whole, rest = divmod(used, _INPUTS)
        if whole:
            with c.loop(c.plus(k, whole * _INPUTS), k, _INPUTS) as i:
                self._inputs(updates, i, _INPUTS, Z)
        if rest:
            self._inputs(updates, c.plus(k, whole * _INPUTS), rest, Z)

    def _inputs(self, updates: Updates, start: Value, count: int, Z: list[list[Variable]]) -> None:
        """Do a few inputs."""
        c, p = self.c, self.p
        zero = c.constant(0.0, c.lanes)
        dW = [[zero] * self.vectors for _ in range(count)]
        for n in range(p.tall):
            x = c.at(p.x_row(c.index(n)), start)
            d = [c.load(c.at(self.errors, n * self.wide + v * c.lanes), c.lanes) for v in range(self.vectors)]
            for q, sums in enumerate(dW):
                factor = c.splat(c.load(c.at(x, q)), c.lanes)
                sums[:] = [c.fma(factor, each, sum_) for each, sum_ in zip(d, sums, strict=True)]
        for q, sums in enumerate(dW):
            at = c.times(c.plus(start, q), self.wide)
            W = [self._update(updates, c.plus(at, v * c.lanes), g, c.lanes) for v, g in enumerate(sums)]
            for n, row in enumerate(Z):
                factor = c.splat(c.load(c.at(p.x_row(c.index(n), ahead=True), c.plus(start, q))), c.lanes)
                for v, z in enumerate(row):
                    z.set(c.fma(factor, W[v], z.get()))
