"""Dropout masks in compiled code: the very words of `chainrule.streams`, Philox-4x64-10, made where they are needed."""

from __future__ import annotations

from chainrule.engines.compiled.code import Code, Value
from chainrule.streams import PURPOSES, mask_threshold

__all__ = ["write_mask"]

# The multipliers and key increments of Salmon et al. 2011, for four words of 64 bits.
_MULTIPLIERS = (0xD2E7470EE14C6C93, 0xCA5A826395121157)
_INCREMENTS = (0x9E3779B97F4A7C15, 0xBB67AE8584CAA73B)
_ROUNDS = 10


def write_mask(
    c: Code, seed: Value, l: Value | int, update: Value, out: Value, part: tuple[Value, Value], rate: float
) -> None:
    """Write dropout's factors, 1 / (1 - rate) where a number is kept and 0 where it is dropped, row by row.

    Args:
        c: where to.
        seed: the run's seed.
        l: the layer.
        update: the number of the update.
        out: the address of the first factor.
        part: which factors, from a multiple of 8 on; up to seven behind the last may be written, too.
        rate: how many are dropped.
    """
    b, half = c.builder, c.ir.IntType(32)
    threshold = c.ir.Constant(half, mask_threshold(rate))
    kept, dropped = c.div(1.0, c.constant(1 - rate)), c.constant(0.0)
    key = (seed, c.index(PURPOSES["dropout"]))
    first, last = (c.index(end) for end in part)
    with c.loop(last, first, 8) as k:
        block = b.sdiv(k, c.index(8))
        words = _encipher(c, (c.plus(block, 1), c.index(0), c.index(l), update), key)
        for w, word in enumerate(words):
            for h, piece in enumerate((b.trunc(word, half), b.trunc(b.lshr(word, c.index(32)), half))):
                keep = b.icmp_unsigned(">=", piece, threshold)
                c.store(b.select(keep, kept, dropped), c.at(out, c.plus(k, 2 * w + h)))


def _encipher(c: Code, counter: tuple[Value, ...], key: tuple[Value, Value]) -> tuple[Value, ...]:
    b = c.builder
    x0, x1, x2, x3 = counter
    k0, k1 = key
    for round_ in range(_ROUNDS):
        if round_:
            k0, k1 = (b.add(k, _word(c, step)) for k, step in zip((k0, k1), _INCREMENTS, strict=True))
        high0, low0 = _multiply(c, x0, _MULTIPLIERS[0])
        high1, low1 = _multiply(c, x2, _MULTIPLIERS[1])
        x0, x1, x2, x3 = b.xor(b.xor(high1, x1), k0), low1, b.xor(b.xor(high0, x3), k1), low0
    return x0, x1, x2, x3


def _multiply(c: Code, word: Value, factor: int) -> tuple[Value, Value]:
    """Give the high and the low word of a product."""
    b, wide = c.builder, c.ir.IntType(128)
    product = b.mul(b.zext(word, wide), c.ir.Constant(wide, factor))
    return b.trunc(b.lshr(product, c.ir.Constant(wide, 64)), c.whole), b.trunc(product, c.whole)


def _word(c: Code, n: int) -> Value:
    return c.ir.Constant(c.whole, n - 2**64 if n >= 2**63 else n)
