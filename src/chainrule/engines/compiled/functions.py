"""The functions that are compiled: an epoch's batches, the gradient of a batch, the cost and the outputs of rows.

Each takes the address of a `table.Table` and gives a whole number: the batch that failed, or -1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from chainrule.engines.compiled.code import Code, Value, Variable
from chainrule.engines.compiled.fused import Fused
from chainrule.engines.compiled.lifted import Lifted
from chainrule.engines.compiled.passes import Passes
from chainrule.engines.compiled.places import Setup
from chainrule.engines.compiled.table import Table
from chainrule.engines.compiled.updates import Updates, add_penalties, prices
from chainrule.network import Entry

__all__ = ["write_epoch", "write_gradient", "write_predict"]

FINE = -1


def write_epoch(
    c: Code,
    lifted: Lifted,
    tall: int,
    *,
    ordered: bool,
    clipped: bool,
    shared: bool,
    repeated: bool,
    sparse: bool,
    copies: int,
    turned: int,
) -> None:
    """Write ``epoch``: batches from ``start`` to ``stop``, an update each, until a loss is not finite.

    Args:
        c: where to.
        lifted: the network with its formulas.
        tall: rows in a batch, for which tiles are chosen.
        ordered: whether rows come in another order than they lie in memory.
        clipped: whether the gradient's length is limited; the limit is the last of ``sums``.
        shared: whether several threads run it together.
        repeated: whether each batch is all rows, and each update leaves its cost and penalty in ``trail``.
        sparse: whether X is.
        copies: how many batches of rows are brought together: none, the batch at hand, or the next one, too.
        turned: how many numbers the first layer takes where it is `Fused`, else 0.
    """
    with c.function("epoch", [c.pointer], c.whole, public=True) as (place,):
        table = Table(c, place)
        p = Passes(c, lifted, table, tall, Setup(True, shared, copies, turned, sparse=sparse))
        fused = Fused(p) if turned else None
        order = table.address("order") if ordered else None
        start = table.whole("start")
        failed, stop = Variable(c, c.whole, c.index(FINE)), Variable(c, c.whole, table.whole("stop"))
        if repeated:
            p.m = p.n
            p.take(c.index(0), None)
        if fused is not None:
            fused.enter()
            p.take(_begin(p, start), order)
            fused.forward()
        with _while(c, start, stop) as batch:
            k = c.builder.sub(batch, start)
            t = c.plus(table.whole("update"), c.plus(k, 1))
            first = c.index(0) if repeated else _begin(p, batch)
            if fused is None and not repeated:
                _take(p, first, order)
            weight = p.weigh(first, order)
            cost, price = _costs(p, t)
            with c.either(_sound(p, c.builder.fadd(cost, price))) as (sound, broken):
                with broken:
                    failed.set(batch)
                    stop.set(batch)
                with sound:
                    updates = _update(p, table, t, k, clipped)
                    if fused is not None:
                        _go_on(p, fused, updates, order, stop)
                    if repeated:
                        _leave(p, table, k, cost, price)
                    else:
                        _add_up(p, table, cost, price, weight)
            p.meet()
        if fused is not None:
            fused.leave()
        c.give(failed.get())


def _begin(p: Passes, batch: Value) -> Value:
    """Have a batch be the one at hand; gives its first row."""
    c = p.c
    p.batch, first = batch, c.times(batch, p.size)
    p.m = c.least(p.size, c.builder.sub(p.n, first))
    return first


def _take(p: Passes, first: Value, order: Value | None) -> None:
    """Find the rows of the batch at hand; where it is small, those of the next one are asked for."""
    p.take(first, order)
    if order is not None and not p.setup.sparse and p.tall <= 32:
        p.fetch(p.c.plus(first, p.size), order, p.n)


def _costs(p: Passes, t: Value) -> tuple[Value, Value]:
    """Go forward and back, and note the cost and the penalty."""
    p.forward(p.c.plus(p.table.whole("masks"), t))
    p.losses()
    p.backward()
    price = _price(p)
    p.meet()
    cost = p.cost()
    _note(p, p.table, (3, cost), (4, price))
    return cost, price


def _price(p: Passes) -> Value:
    some = any(price for price, _, _ in p.lifted.penalties)
    return prices(p) if some else p.c.ir.Constant(p.c.double, 0.0)


def _sound(p: Passes, cost: Value) -> Value:
    """Whether to go on: a cost is finite, or nobody asked."""
    unchecked = p.c.builder.icmp_signed("==", p.table.whole("check"), p.c.index(0))
    return p.c.builder.or_(unchecked, _finite(p.c, cost))


def _go_on(p: Passes, fused: Fused, updates: Updates, order: Value | None, stop: Variable) -> None:
    """Update the first layer, at once with the next batch's forward pass if there is one in this stretch."""
    with p.c.either(p.c.builder.icmp_signed("<", p.c.plus(p.batch, 1), stop.get())) as (more, end):
        with more:
            _find_next(p, order)
            fused.go_on(updates, order)
        with end:
            fused.update(updates)


def _find_next(p: Passes, order: Value | None) -> None:
    """Write down where the next batch's rows lie."""
    c, rows = p.c, p.m
    first = c.times(c.plus(p.batch, 1), p.size)
    p.m = c.least(p.size, c.builder.sub(p.n, first))
    p.find(first, order)
    p.m = rows


def _update(p: Passes, table: Table, t: Value, k: Value, clipped: bool) -> Updates:
    c, b = p.c, p.c.builder
    rate = b.load(b.gep(table.address("rates"), [k], source_etype=c.double), typ=c.double)
    updates = Updates(p, b.sitofp(t, c.double), rate)
    if clipped:
        p.gradients(updates.keep)
        limit = b.load(b.gep(table.address("sums"), [c.index(5)], source_etype=c.double), typ=c.double)
        updates.clipped(b.fptrunc(limit, c.number) if c.single else limit)
    else:
        p.gradients(updates.at_once, updates.soon)
    updates.limit()
    return updates


def _add_up(p: Passes, table: Table, cost: Value, price: Value, weight: Value) -> None:
    """Add to the epoch's sums."""
    c, b = p.c, p.c.builder
    sums = table.address("sums")
    with c.when(b.icmp_signed("==", p.me, c.index(0))):
        for k, value in enumerate((b.fmul(weight, cost), b.fmul(weight, price), weight)):
            place = b.gep(sums, [c.index(k)], source_etype=c.double)
            b.store(b.fadd(b.load(place, typ=c.double), value), place)


def _leave(p: Passes, table: Table, k: Value, cost: Value, price: Value) -> None:
    """Leave an update's cost and penalty in the trail."""
    c, b = p.c, p.c.builder
    with c.when(b.icmp_signed("==", p.me, c.index(0))):
        for value, at in ((cost, 0), (price, 1)):
            place = c.plus(c.times(k, 2), at)
            b.store(value, b.gep(table.address("trail"), [place], source_etype=c.double))


def _note(p: Passes, table: Table, *values: tuple[int, Value]) -> None:
    """Write values among the sums."""
    c, b = p.c, p.c.builder
    with c.when(b.icmp_signed("==", p.me, c.index(0))):
        for k, value in values:
            b.store(value, b.gep(table.address("sums"), [c.index(k)], source_etype=c.double))


def write_gradient(c: Code, lifted: Lifted, tall: int, *, training: bool, inputs: bool, sparse: bool) -> None:
    """Write ``gradient``: cost, price and their derivatives for the rows as they lie, all in one batch."""
    with c.function("gradient", [c.pointer], c.whole, public=True) as (place,):
        table = Table(c, place)
        p = Passes(c, lifted, table, tall, Setup(training, copies=int(sparse), sparse=sparse))
        p.m = p.n
        p.take(c.index(0), None)
        p.weigh(c.index(0), None)
        p.forward(table.whole("masks"))
        p.losses()
        p.backward(inputs=inputs)
        p.lay_along("g")

        def keep(entry: Entry, index: Value, value: Value, used: int) -> None:
            w = c.load(p.within("theta", entry, index), c.lanes, used)
            c.store(add_penalties(p, entry, value, w), p.within("g", entry, index), used)

        p.gradients(keep)
        price = _price(p)
        _note(p, table, (3, p.cost()), (4, price))
        c.give(c.index(FINE))


def write_predict(c: Code, lifted: Lifted, tall: int, *, losses: bool, sparse: bool) -> None:
    """Write ``predict``: outputs of rows ``start * size`` to ``stop * size``, or with ``losses`` their mean loss.

    A row's outputs are computed by the same operations whatever rows stand beside it.
    """
    with c.function("predict", [c.pointer], c.whole, public=True) as (place,):
        table = Table(c, place)
        p = Passes(c, lifted, table, tall, Setup(False, copies=1, targets=losses, sparse=sparse))
        N = lifted.objective.network.outputs
        steps = len(lifted.objective.network.steps)
        with c.loop(table.whole("stop"), table.whole("start")) as batch:
            first = _begin(p, batch)
            p.take(first, None)
            if losses:
                p.share = c.constant(1.0)
            p.forward()
            if losses:
                p.losses()
                _add_losses(p, table, first)
            else:
                _hand_out(p, p.piece("A", steps - 1), c.at(table.address("out"), c.times(first, N)), N)
        c.give(c.index(FINE))


def _hand_out(p: Passes, A: Callable[[Value], Value], out: Value, N: int) -> None:
    """Copy a batch's outputs to where they are wanted."""
    c = p.c
    with c.loop(p.m) as i:
        row, source = c.at(out, c.times(i, N)), A(i)
        p.over(N, lambda k, used: c.store(c.load(c.at(source, k), c.lanes, used), c.at(row, k), used))


def _add_losses(p: Passes, table: Table, first: Value) -> None:
    """Add the rows' losses to the sums, with their weights where they have some."""
    c, b = p.c, p.c.builder
    out, sums = p.piece("losses", 0), table.address("sums")
    total = Variable(c, c.double, b.load(sums, typ=c.double))
    with c.loop(p.m) as i:
        loss = c.load(out(i))
        if p.lifted.weighted:
            loss = c.mul(loss, c.load(c.at(table.address("weights"), c.plus(first, i))))
        total.set(b.fadd(total.get(), b.fpext(loss, c.double) if c.single else loss))
    b.store(total.get(), sums)


@contextmanager
def _while(c: Code, start: Value, stop: Variable) -> Iterator[Value]:
    """Count from ``start`` below ``stop``, which may change on the way."""
    b = c.builder
    index = Variable(c, c.whole, start)
    test, body, after = (b.append_basic_block(name) for name in ("test", "body", "after"))
    b.branch(test)
    b.position_at_end(test)
    b.cbranch(b.icmp_signed("<", index.get(), stop.get()), body, after)
    b.position_at_end(body)
    yield index.get()
    index.set(c.plus(index.get(), 1))
    b.branch(test)
    b.position_at_end(after)


def _finite(c: Code, value: Value) -> Value:
    """Whether a float64 is finite."""
    size = c.intrinsic("llvm.fabs.f64", c.double, [value])
    return c.builder.fcmp_ordered("<", size, c.ir.Constant(c.double, float("inf")))
