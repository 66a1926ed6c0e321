"""Writes what becomes of derivatives: an update of the parameters by the optimizer, or the gradient as it is.

Where nothing needs the whole gradient first, an update is made piece by piece while the piece's derivatives are still
in the registers; a limit on the gradient's length needs all of it.
"""

from __future__ import annotations

from typing import Any

from chainrule.engines.compiled.code import Value, Variable
from chainrule.engines.compiled.lifting import Program
from chainrule.engines.compiled.passes import Passes
from chainrule.network import Entry

__all__ = ["Updates", "add_penalties", "prices"]


def add_penalties(p: Passes, entry: Entry, g: Value, w: Value) -> Value:
    """Add the penalties' slopes to the derivatives of weights."""
    if entry.kind != "W":
        return g
    for k, (_, slope, _) in enumerate(p.lifted.penalties):
        if slope is not None:
            (more,) = slope.emit(p.c, {"w": w}, p.prepared["slope", k])
            g = p.c.add(g, more)
    return g


def prices(p: Passes) -> Value:
    """Add up what the penalties take for all weights, in float64."""
    c, b = p.c, p.c.builder
    sum_ = Variable(c, c.double, c.ir.Constant(c.double, 0.0))
    for k, (price, _, _) in enumerate(p.lifted.penalties):
        if price is None:
            continue
        for entry in p.network.entries:
            if entry.kind == "W":
                one = _price(p, price, p.prepared["price", k], entry)
                sum_.set(b.fadd(sum_.get(), b.fpext(one, c.double) if c.single else one))
    return sum_.get()


def _price(p: Passes, price: Program, prepared: Any, entry: Entry) -> Value:
    """Add up what one penalty takes for one layer's weights."""
    c, place = p.c, p.c.at(p.theta, entry.start)
    lanes = Variable(c, c.vector(c.lanes), c.constant(0.0, c.lanes))

    def add(index: Value, used: int) -> None:
        (value,) = price.emit(c, {"w": c.load(c.at(place, index), c.lanes, used)}, prepared)
        lanes.set(c.add(lanes.get(), c.only(value, used)))

    p.over(entry.stored, add)
    return c.total(lanes.get())


class Updates:
    """Updates of one batch.

    Args:
        passes: its passes.
        t: the number of the update, float64.
        rate: its learning rate, float64.
    """

    def __init__(self, passes: Passes, t: Value, rate: Value) -> None:
        self.p, self.c = passes, passes.c
        lifted, table = passes.lifted, passes.table
        assert lifted.optimizer is not None
        self.program = lifted.optimizer
        numbers = lifted.read(self.c, table.address("numbers"), "optimizer", self.program)
        moving = {"t": t, "rate": rate}
        numbers |= {name: moving[name] for name in self.program.numbers if name in moving}
        self.decay = numbers.get("decay")
        self.prepared = self.program.prepare(self.c, numbers)
        self.vectors = ["theta", *(name for name in self.program.inputs if name.startswith("slot"))]
        passes.lay_along(*self.vectors[1:], "g")

    def at_once(self, entry: Entry, index: Value, g: Value, used: int) -> None:
        """Update a piece with its derivatives, to which those of the penalties are added."""
        self.step(entry, self._places(entry, index), g, used)

    def step(self, entry: Entry, places: dict[str, Value], g: Value, used: int) -> Value:
        """Update a piece that lies where ``places`` says, by array; gives it."""
        old = self.c.load(places["theta"], self.c.lanes, used)
        return self._update(entry, places, add_penalties(self.p, entry, g, old), used)

    def _places(self, entry: Entry, index: Value) -> dict[str, Value]:
        return {name: self.p.within(name, entry, index) for name in self.vectors}

    def soon(self, entry: Entry, index: Value) -> None:
        """Ask for the memory that an update from this index on will touch."""
        for place in self._places(entry, index).values():
            self.c.prefetch(place)

    def _update(self, entry: Entry, places: dict[str, Value], g: Value, used: int) -> Value:
        c = self.c
        values = {name: c.load(place, c.lanes, used) for name, place in places.items()}
        old, values["g"] = values["theta"], g
        if "decay" in self.program.inputs:
            decay = self._decay() if entry.kind == "W" else c.constant(0.0)
            values["decay"] = c.splat(decay, c.lanes)
        change, *new = self.program.emit(c, values, self.prepared)
        theta = c.add(old, change)
        for place, value in zip(places.values(), (theta, *new), strict=True):
            c.store(value, place, used)
        return theta

    def _decay(self) -> Value:
        c = self.c
        place = self.p.lifted.places["optimizer", "decay"]
        numbers = self.p.table.address("numbers")
        decay = c.builder.load(c.builder.gep(numbers, [c.index(place)], source_etype=c.double), typ=c.double)
        return c.builder.fptrunc(decay, c.number) if c.single else decay

    def keep(self, entry: Entry, index: Value, g: Value, used: int) -> None:
        """Keep derivatives in the gradient, with the penalties'."""
        c = self.c
        w = c.load(self.p.within("theta", entry, index), c.lanes, used) if entry.kind == "W" else g
        c.store(add_penalties(self.p, entry, g, w), self.p.within("g", entry, index), used)

    def clipped(self, limit: Value) -> None:
        """Shorten the gradient that was kept to a limit, keeping its direction, and update with it."""
        c, b = self.c, self.c.builder
        g, count = self.p.table.address("g"), self.p.network.parameter_count
        largest = Variable(c, c.vector(c.lanes), c.constant(0.0, c.lanes))
        self.p.over(
            count, lambda k, used: largest.set(c.maximum(largest.get(), c.fabs(c.load(c.at(g, k), c.lanes, used))))
        )
        top = c.total(largest.get(), c.maximum)
        usable = b.and_(c.compare(">", top, 0.0), c.compare("<", top, float("inf")))
        unit = c.select(usable, top, 1.0)  # so that no square overflows
        squares = Variable(c, c.vector(c.lanes), c.constant(0.0, c.lanes))

        def square(k: Value, used: int) -> None:
            scaled = c.div(c.load(c.at(g, k), c.lanes, used), c.splat(unit, c.lanes))
            squares.set(c.fma(scaled, scaled, squares.get()))

        self.p.over(count, square)
        length = c.sqrt(c.total(squares.get()))
        bound = c.div(limit, unit)
        long = b.and_(usable, c.compare(">", length, bound))
        factor = c.splat(c.select(long, c.div(limit, length), 1.0), c.lanes)
        divisor = c.splat(c.select(long, unit, 1.0), c.lanes)
        for entry in self.p.network.entries:
            self._update_kept(entry, g, divisor, factor)

    def _update_kept(self, entry: Entry, g: Value, divisor: Value, factor: Value) -> None:
        c = self.c
        from_here = c.at(g, entry.start)

        def update(k: Value, used: int) -> None:
            shortened = c.mul(c.div(c.load(c.at(from_here, k), c.lanes, used), divisor), factor)
            self._update(entry, self._places(entry, k), shortened, used)

        self.p.over(entry.stored, update)

    def limit(self) -> None:
        """Hold the weights to their limits, neuron by neuron."""
        c, p = self.c, self.p
        if any(limit for _, _, limit in p.lifted.penalties):
            p.meet()  # another thread may have updated the other half of a row
        for k, (_, _, limit) in enumerate(p.lifted.penalties):
            if limit is None:
                continue
            for entry in p.network.entries:
                if entry.kind == "W":
                    _, K = entry.shape
                    first, last = p.weight_part(entry.layer)
                    with c.loop(last, first) as i:
                        row = c.at(p.theta, c.plus(c.times(i, K), entry.start))
                        limit.emit_row(c, {"w": row}, K, p.prepared["limit", k], row)
