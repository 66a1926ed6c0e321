"""Exponentials, written out as straight lines of vector instructions.

All rest on one reduction: x = n ln 2 + r with a whole n and |r| <= ln(2) / 2, so that e^x = 2^n e^r, where e^r is a
polynomial and 2^n is put together from bits.

The coefficients are minimax polynomials (the least largest error, found by Lawson's iteration in 220-bit arithmetic;
the first four of each were rounded one after another, and the rest fitted anew each time). The error beside each is
that of the polynomial alone, relative to the function it serves.
"""

from __future__ import annotations

import math

from chainrule.engines.compiled.code import Code, Value
from chainrule.engines.compiled.floating import Format, clip, copysign, polynomial, shift_left

__all__ = ["LN2_32", "LN2_64", "exp", "exp2", "exp_sum", "expm1", "tanh"]

# (e^r - 1 - r) / r^2 for |r| <= ln(2) / 2. Relative to e^r - 1: float32 2^-26.1, float64 2^-61.6.
_EXP_32 = (0.5, 0.1666654795408249, 0.04166681319475174, 0.008366109803318977, 0.0013901976635679603)
_EXP_64 = (
    *(0.5, 0.16666666666666677, 0.041666666666666685, 0.008333333333321756, 0.0013888888888890878),
    *(0.00019841269885463895, 2.4801587288329135e-05, 2.755724503534114e-06, 2.75573194714861e-07),
    *(2.510872263352684e-08, 2.0897437434706397e-09),
)
# (tanh(x) / x - 1) / x^2 in x^2, for |x| <= 0.5625. Relative to tanh(x): float32 2^-29.4, float64 2^-59.8.
_TANH_32 = (-0.3333331346511841, 0.13332439959049225, -0.05383630469441414, 0.02100336365401745, -0.006174634676426649)
_TANH_64 = (
    *(-0.33333333333333276, 0.13333333333322864, -0.053968253961590835, 0.02186948832395472, -0.008863231589184227),
    *(0.00359208181725812, -0.0014554771313417124, 0.0005881742747752359, -0.00023269444734346837),
    *(8.2332311282196e-05, -1.8887697910048343e-05),
)
# ln 2, rounded, and what is missing.
LN2_32 = (0.693147182464599609375, -1.904654299957768e-09)
LN2_64 = (0.6931471805599453, 2.3190468138462996e-17)
_LOG2_E = 1.4426950408889634


def _expm1_near_zero(c: Code, r: Value) -> Value:
    """e^r - 1 for |r| <= ln(2) / 2."""
    q = polynomial(c, r, _EXP_32 if c.single else _EXP_64)
    return c.fma(c.mul(r, r), q, r)


def _reduced(c: Code, x: Value, rest: Value | None = None) -> tuple[Value, Value]:
    """Split x (+ a rest much smaller) = n ln 2 + r; gives n with the rounder added, and e^r - 1.

    n ln 2 is not rounded inside the first fma, and x lies so close to it that their difference is exact.
    """
    f = Format.of(c)
    high, low = LN2_32 if c.single else LN2_64
    shifted = c.fma(x, _LOG2_E, f.rounder)
    n = c.sub(shifted, f.rounder)
    r = c.fma(n, -high, x)
    if rest is not None:
        r = c.add(r, rest)
    return shifted, _expm1_near_zero(c, c.fma(n, -low, r))


def _power_of_two(c: Code, shifted: Value, times: int = 0) -> Value:
    """2^(n + times) where that is a normal number."""
    f, lanes = Format.of(c), c.lanes_of(shifted)
    n = c.builder.sub(c.bits(shifted), c.bit_constant(f.rounder_bits - f.bias - times, lanes))
    return c.from_bits(shift_left(c, n, f.mantissa, lanes))


def _scaled(c: Code, x: Value, shifted: Value) -> Value:
    """x 2^n, in two steps, so that n may reach beyond the exponents that a number can have."""
    f, b, lanes = Format.of(c), c.builder, c.lanes_of(x)
    n = b.sub(c.bits(shifted), c.bit_constant(f.rounder_bits - 2 * f.bias, lanes))
    half = b.lshr(n, c.bit_constant(1, lanes))
    for part in (half, b.sub(n, half)):
        x = c.mul(x, c.from_bits(shift_left(c, part, f.mantissa, lanes)))
    return x


def _held(c: Code, x: Value) -> Value:
    """Hold x where e^x is not yet 0 or inf."""
    return clip(c, x, *((-104.0, 89.0) if c.single else (-746.0, 710.0)))


def exp(c: Code, x: Value) -> Value:
    """e^x = 2^n e^r."""
    shifted, p = _reduced(c, _held(c, x))
    return _scaled(c, c.add(p, 1.0), shifted)


def exp_sum(c: Code, x: Value, rest: Value) -> Value:
    """e^(x + rest) where the rest is what rounding lost in x; it may be anything where e^x is 0 or inf."""
    rest = c.select(c.compare("<", c.fabs(x), 1000.0), rest, 0.0)
    shifted, p = _reduced(c, _held(c, x), rest)
    return _scaled(c, c.add(p, 1.0), shifted)


def exp2(c: Code, x: Value) -> Value:
    """2^x = 2^n e^((x - n) ln 2)."""
    f = Format.of(c)
    x = clip(c, x, *((-151.0, 129.0) if c.single else (-1076.0, 1025.0)))
    shifted = c.add(x, f.rounder)
    r = c.mul(c.sub(x, c.sub(shifted, f.rounder)), math.log(2))
    return _scaled(c, c.add(_expm1_near_zero(c, r), 1.0), shifted)


def expm1(c: Code, x: Value) -> Value:
    """e^x - 1 = 2^n (e^r - 1) + (2^n - 1)."""
    held = clip(c, x, *((-20.0, 89.0) if c.single else (-40.0, 710.0)))  # beyond them it is -1 or inf
    shifted, p = _reduced(c, held)
    # Half of it, because 2^n alone may be too large to be a number.
    scale = _power_of_two(c, shifted, -1)
    half = c.fma(scale, p, c.sub(scale, 0.5))
    # Half of a subnormal number may be no number, and the sum above loses the sign of -0.
    tiny = c.compare("<", c.fabs(x), 2.0 ** -(Format.of(c).mantissa + 3))
    return c.select(tiny, x, c.add(half, half))


def tanh(c: Code, x: Value) -> Value:
    """tanh |x| = 1 - 2 / (e^(2 |x|) + 1), near 0 a polynomial."""
    size = c.fabs(x)
    z = c.mul(x, x)
    near = c.fma(c.mul(size, z), polynomial(c, z, _TANH_32 if c.single else _TANH_64), size)
    held = clip(c, size, 0.0, 12.0 if c.single else 22.0)  # beyond, it is 1
    shifted, p = _reduced(c, c.add(held, held))
    scale = _power_of_two(c, shifted)
    far = c.sub(1.0, c.div(2.0, c.add(c.fma(scale, p, scale), 1.0)))
    return copysign(c, c.select(c.compare("<", size, 0.5625), near, far), x)
