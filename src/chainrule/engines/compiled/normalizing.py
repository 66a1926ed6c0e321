"""Batch normalization in compiled code: a few passes over the rows for each stripe of columns.

Threads share the columns, of which each needs all rows, and so meet before and after.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from chainrule.engines.compiled.code import Value, Variable
from chainrule.network import BatchNorm, Entry

if TYPE_CHECKING:
    from chainrule.engines.compiled.passes import Passes

__all__ = ["Normalizing"]


class Normalizing:
    """The passes of one `BatchNorm`.

    Args:
        passes: those of the network.
        s: the number of the step.
        layer: the layer.
        l: its l.
    """

    def __init__(self, passes: Passes, s: int, layer: BatchNorm, l: int) -> None:
        self.p, self.c, self.s, self.layer, self.l = passes, passes.c, s, layer, l
        self.N = passes.network.sizes[l]
        self.zhat, self.scale = passes.piece("zhat", s), passes.fixed("scale", s)
        self.running = {kind: passes.parameter(kind, l) for kind in ("mean", "var")}

    def forward(self) -> None:
        """Write zhat, gamma / deviation and Z = gamma zhat + beta."""
        self._over(self._of_batch if self.p.setup.training else self._of_run)

    def _over(self, stripe: Callable[[Value, int], None]) -> None:
        self.p.meet()
        self.p.over_columns(self.N, stripe)
        self.p.meet()

    def _load(self, place: Value, k: Value, used: int) -> Value:
        return self.c.load(self.c.at(place, k), self.c.lanes, used)

    def _sum(self, used: int, term: Callable[[Value], Value]) -> Value:
        """Add up something over the rows, for a stripe of columns."""
        c = self.c
        sum_ = Variable(c, c.vector(c.lanes), c.constant(0.0, c.lanes))
        with c.loop(self.p.m) as i:
            sum_.set(c.add(sum_.get(), term(i)))
        return sum_.get()

    def _of_run(self, k: Value, used: int) -> None:
        """Normalize by the running statistics."""
        c = self.c
        mean, var = (self._load(self.running[kind], k, used) for kind in ("mean", "var"))
        self._finish(k, used, mean, c.sqrt(c.add(var, self.layer.epsilon)))

    def _of_batch(self, k: Value, used: int) -> None:
        """Normalize by the batch's statistics, which join the running ones."""
        c, into = self.c, self.p.input_row(self.s)
        mean = self._sum(used, lambda i: c.mul(self.p.share_of(i), self._load(into(i), k, used)))

        def square(i: Value) -> Value:
            centred = c.sub(self._load(into(i), k, used), mean)
            return c.mul(self.p.share_of(i), c.mul(centred, centred))

        variance = self._sum(used, square)
        spread = self._spread()
        momentum = self.layer.momentum
        with c.when(c.builder.fcmp_ordered(">", spread, c.constant(1e-12))):
            for kind, new in (("mean", c.mul(momentum, mean)), ("var", c.div(c.mul(momentum, variance), spread))):
                old = self._load(self.running[kind], k, used)
                c.store(c.add(c.mul(1 - momentum, old), new), c.at(self.running[kind], k), used)
        self._finish(k, used, mean, c.sqrt(c.add(variance, self.layer.epsilon)))

    def _spread(self) -> Value:
        """1 - the sum of squared shares: (m - 1) / m without weights; 0 where no row has a share."""
        c = self.c
        squares, all_ = Variable(c, c.number, c.constant(0.0)), Variable(c, c.number, c.constant(0.0))
        with c.loop(self.p.m) as i:
            share = self.p.share_of(i)
            squares.set(c.fma(share, share, squares.get()))
            all_.set(c.add(all_.get(), share))
        return c.select(c.compare(">", all_.get(), 0.0), c.sub(1.0, squares.get()), 0.0)

    def _finish(self, k: Value, used: int, mean: Value, deviation: Value) -> None:
        c, into, Z = self.c, self.p.input_row(self.s), self.p.piece("Z", self.s)
        gamma, beta = (self._load(self.p.parameter(kind, self.l), k, used) for kind in ("gamma", "beta"))
        c.store(c.div(gamma, deviation), c.at(self.scale, k), used)
        with c.loop(self.p.m) as i:
            zhat = c.div(c.sub(self._load(into(i), k, used), mean), deviation)
            c.store(zhat, c.at(self.zhat(i), k), used)
            c.store(c.add(c.mul(gamma, zhat), beta), c.at(Z(i), k), used)

    def _sums(self, k: Value, used: int) -> tuple[Value, Value]:
        """dgamma and dbeta of a stripe."""
        c, D = self.c, self.p.piece("D", self.s)
        dgamma = self._sum(used, lambda i: c.mul(self._load(D(i), k, used), self._load(self.zhat(i), k, used)))
        return dgamma, self._sum(used, lambda i: self._load(D(i), k, used))

    def backward(self, into: Callable[[Value], Value]) -> None:
        """G = scale (D - share (dbeta + zhat dgamma)): the batch's statistics depend on every row."""
        c, D = self.c, self.p.piece("D", self.s)

        def stripe(k: Value, used: int) -> None:
            scale = self._load(self.scale, k, used)
            dgamma, dbeta = self._sums(k, used) if self.p.setup.training else (None, None)
            with c.loop(self.p.m) as i:
                d = self._load(D(i), k, used)
                if dgamma is not None and dbeta is not None:
                    both = c.add(dbeta, c.mul(self._load(self.zhat(i), k, used), dgamma))
                    d = c.sub(d, c.mul(self.p.share_of(i), both))
                c.store(c.mul(scale, d), c.at(into(i), k), used)

        self._over(stripe)

    def gradients(self, sink: Callable[[Entry, Value, Value, int], None]) -> None:
        """Hand over dC/dgamma and dC/dbeta."""
        entries: dict[str, Any] = {kind: self.p.entries[kind, self.l] for kind in ("gamma", "beta")}

        def stripe(k: Value, used: int) -> None:
            for kind, value in zip(("gamma", "beta"), self._sums(k, used), strict=True):
                sink(entries[kind], k, value, used)

        self.p.over_columns(self.N, stripe)
