"""Where threads wait for each other: a gate that opens when the last one comes, and counts how often it has opened."""

from __future__ import annotations

import os

from chainrule.engines.compiled.code import Code, Value, Variable

__all__ = ["meet"]

_PATIENCE = 500  # looks at the gate before a thread lets others have its core


def meet(c: Code, gate: Value, of: Value) -> None:
    """Wait until ``of`` threads have come; ``gate`` is the address of two whole numbers, 0 at first."""
    b = c.builder
    opened = b.gep(gate, [c.index(1)], source_etype=c.whole)
    before = b.load_atomic(opened, "acquire", 8, typ=c.whole)
    came = b.atomic_rmw("add", gate, c.index(1), "acq_rel")
    with c.either(b.icmp_signed("==", c.plus(came, 1), of)) as (last, others):
        with last:
            b.atomic_rmw("xchg", gate, c.index(0), "release")
            b.atomic_rmw("xchg", opened, c.plus(before, 1), "release")
        with others:
            _wait(c, opened, before)


def _wait(c: Code, opened: Value, before: Value) -> None:
    b = c.builder
    looks = Variable(c, c.whole, c.index(0))
    look, patient, after = (b.append_basic_block(name) for name in ("look", "patient", "after"))
    b.branch(look)
    b.position_at_end(look)
    now = b.load_atomic(opened, "acquire", 8, typ=c.whole)
    b.cbranch(b.icmp_signed("==", now, before), patient, after)
    b.position_at_end(patient)
    looks.set(c.plus(looks.get(), 1))
    if os.name == "posix":
        with c.when(b.icmp_signed(">", looks.get(), c.index(_PATIENCE))):
            c.intrinsic("sched_yield", c.ir.IntType(32), [])
    b.branch(look)
    b.position_at_end(after)
