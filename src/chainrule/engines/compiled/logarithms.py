"""Logarithms and powers, written out as straight lines of vector instructions.

All rest on one reduction: x = 2^k m with m between sqrt 1/2 and sqrt 2, so that ln x = k ln 2 + ln m; with f = m - 1
and s = f / (2 + f), ln m = ln((1 + s) / (1 - s)) = 2 s + 2/3 s^3 + ...

The coefficients were found as those in `exponentials` were.
"""

from __future__ import annotations

import math
from fractions import Fraction

from chainrule.engines.compiled.code import Code, Value
from chainrule.engines.compiled.exponentials import LN2_32, LN2_64, exp_sum
from chainrule.engines.compiled.floating import (
    Format,
    clip,
    copysign,
    fast_two_sum,
    floor,
    polynomial,
    shift_left,
    two_product,
)

__all__ = ["integer_power", "log", "log1p", "log2", "log10", "power"]

# (ln((1 + s) / (1 - s)) - 2 s) / s^3 in s^2, for s <= (sqrt 2 - 1) / (sqrt 2 + 1).
# Relative to the logarithm: float32 2^-30.2, float64 2^-59.5.
_LOG_32 = (0.6666677594184875, 0.3997758626937866, 0.2987067699432373)
_LOG_64 = (
    *(0.6666666666666734, 0.39999999999416197, 0.2857142874219023, 0.22222198584401243),
    *(0.1818356404861688, 0.15314052460674263, 0.1479596562071436),
)
# The same less 2/3 s^3, over s^5: float32 2^-36.8, float64 2^-66.3.
_LOG_REST_32 = (0.40000152587890625, 0.2854709327220917, 0.23419471085071564)
_LOG_REST_64 = (
    *(0.40000000000002256, 0.2857142857009958, 0.22222222519924043, 0.18181784366978648),
    *(0.1538675733787622, 0.13256817614473132, 0.13196329630816298),
)
# Rounded, and what is missing; first for float32.
_LOG2_E = (1.4426950216293335, 1.9259629911266175e-08), (1.4426950408889634, 2.0355273740931033e-17)
_LOG10_2 = (0.3010300099849701, -1.4320988897559699e-08), (0.3010299956639812, -2.8037281277851704e-18)
_LOG10_E = (0.4342944920063019, -1.0103050052231683e-08), (0.4342944819032518, 1.098319650216765e-17)
_LARGEST = 2.0**127  # a power of two that is a number in either type


def _split(c: Code, x: Value) -> tuple[Value, Value, Value]:
    """Give m, k and the bits that k takes in an exponent, where x is positive and normal."""
    f, b, lanes = Format.of(c), c.builder, c.lanes_of(x)
    moved = b.sub(c.bits(x), c.bits(c.like(math.sqrt(0.5), x)))
    raised = b.lshr(b.add(moved, c.bit_constant(f.one, lanes)), c.bit_constant(f.mantissa, lanes))  # k + bias
    k = c.sub(c.from_bits(b.or_(raised, c.bits(c.like(2.0**f.mantissa, x)))), 2.0**f.mantissa + f.bias)
    exponent = b.sub(shift_left(c, raised, f.mantissa, lanes), c.bit_constant(f.one, lanes))
    return c.from_bits(b.sub(c.bits(x), exponent)), k, exponent


def _split_any(c: Code, x: Value) -> tuple[Value, Value]:
    """Give m and k for any positive x."""
    f = Format.of(c)
    lift = f.mantissa + 2
    subnormal = c.compare("<", x, f.smallest)
    m, k, _ = _split(c, c.select(subnormal, c.mul(x, 2.0**lift), x))
    return m, c.select(subnormal, c.sub(k, float(lift)), k)


def _ends(c: Code, x: Value, result: Value) -> Value:
    """Put in what a logarithm is outside positive finite numbers."""
    result = c.select(c.compare("<", x, math.inf), result, x)  # inf and NaN give themselves
    result = c.select(c.compare("<", x, 0.0), math.nan, result)
    return c.select(c.compare("==", x, 0.0), -math.inf, result)


def _parts(c: Code, f: Value) -> tuple[Value, Value]:
    """Give f^2/2 and what makes ln(1 + f) = f - (f^2/2 - what); f, the largest term by far, takes no rounding."""
    s = c.div(f, c.add(f, 2.0))
    z = c.mul(s, s)
    half = c.mul(c.mul(f, f), 0.5)
    return half, c.mul(s, c.fma(z, polynomial(c, z, _LOG_32 if c.single else _LOG_64), half))


def _natural(c: Code, f: Value, k: Value) -> Value:
    """k ln 2 + ln(1 + f)."""
    high, low = LN2_32 if c.single else LN2_64
    half, small = _parts(c, f)
    return c.fma(k, high, c.sub(f, c.sub(half, c.fma(k, low, small))))


def log(c: Code, x: Value) -> Value:
    """ln x = k ln 2 + ln m."""
    m, k = _split_any(c, x)
    return _ends(c, x, _natural(c, c.sub(m, 1.0), k))


def log1p(c: Code, x: Value) -> Value:
    """ln(1 + x), with what the sum 1 + x lost given back to m."""
    f, b = Format.of(c), c.builder
    u = c.add(x, 1.0)
    m, k, exponent = _split(c, u)
    above = c.compare(">", x, 1.0)
    lost = c.sub(c.select(above, 1.0, x), c.sub(u, c.select(above, x, 1.0)))
    unscaled = c.from_bits(b.sub(c.bit_constant(f.one, c.lanes_of(x)), exponent))  # 2^-k
    # Where x is large, nothing that counts was lost, and 2^-k may not be a number.
    rest = c.select(c.compare("<", x, 2.0 ** (f.mantissa + 5)), c.mul(lost, unscaled), 0.0)
    return copysign(c, _ends(c, u, _natural(c, c.add(c.sub(m, 1.0), rest), k)), x)


def _to_base(c: Code, x: Value, of_two: tuple[float, float], of_e: tuple[float, float]) -> Value:
    """k log 2 + log e ln m, for another base; whole for a whole k log 2 and m = 1."""
    m, k = _split_any(c, x)
    f = c.sub(m, 1.0)
    half, small = _parts(c, f)
    natural = c.sub(f, c.sub(half, small))
    low = c.fma(natural, of_e[1], c.mul(k, of_two[1]))
    return _ends(c, x, c.fma(k, of_two[0], c.fma(natural, of_e[0], low)))


def log2(c: Code, x: Value) -> Value:
    """The logarithm to base 2."""
    return _to_base(c, x, (1.0, 0.0), _LOG2_E[not c.single])


def log10(c: Code, x: Value) -> Value:
    """The logarithm to base 10."""
    return _to_base(c, x, _LOG10_2[not c.single], _LOG10_E[not c.single])


def _extended(c: Code, x: Value) -> tuple[Value, Value]:
    """ln x as the sum of two numbers, good to half as many bits again as one holds."""
    high, low = LN2_32 if c.single else LN2_64
    m, k = _split_any(c, x)
    f = c.sub(m, 1.0)
    below, lost = fast_two_sum(c, c.like(2.0, f), f)
    inverse = c.div(1.0, below)
    s = c.mul(f, inverse)
    s_low = c.mul(c.sub(c.fma(c.neg(s), below, f), c.mul(s, lost)), inverse)
    z, z_low = two_product(c, s, s)
    z_low = c.fma(c.add(s, s), s_low, z_low)
    cube, cube_low = two_product(c, s, z)
    cube_low = c.fma(s, z_low, c.fma(s_low, z, cube_low))
    third, third_low = _two_thirds(c)
    term, term_low = two_product(c, cube, third)
    term_low = c.fma(cube, third_low, c.fma(cube_low, third, term_low))
    rest = c.mul(c.mul(cube, z), polynomial(c, z, _LOG_REST_32 if c.single else _LOG_REST_64))

    whole, whole_low = two_product(c, k, high)
    total, low_1 = fast_two_sum(c, whole, c.add(s, s))
    total, low_2 = fast_two_sum(c, total, term)
    smaller = c.add(c.fma(k, low, whole_low), c.add(c.add(s_low, s_low), c.add(term_low, rest)))
    total, smaller = fast_two_sum(c, total, c.add(c.add(low_1, low_2), smaller))
    return _ends(c, x, total), smaller


def _two_thirds(c: Code) -> tuple[float, float]:
    """2/3, rounded, and what is missing."""
    high = 0.666666686534881591796875 if c.single else 2 / 3
    return high, float(Fraction(2, 3) - Fraction(high))


def _whole(c: Code, x: Value) -> Value:
    """Say where a number is whole, as every large one is."""
    return c.compare("==", floor(c, x), x)


def power(c: Code, x: Value, y: Value) -> Value:
    """x^y = e^(y ln |x|); a negative x wants a whole y."""
    x, y = c.alike(x, y)
    high, low = _extended(c, c.fabs(x))
    held = clip(c, y, -_LARGEST, _LARGEST)  # inf times ln 1 would be NaN
    product, lost = two_product(c, held, high)
    size = exp_sum(c, product, c.fma(held, low, lost))
    negative = c.builder.and_(c.compare("<", x, 0.0), c.compare(">", x, -math.inf))
    fractional = c.select(negative, math.nan, size)
    odd = c.select(_whole(c, c.mul(y, 0.5)), size, copysign(c, size, x))
    result = c.select(_whole(c, y), odd, fractional)
    one = c.builder.or_(c.compare("==", x, 1.0), c.compare("==", y, 0.0))  # whatever the other is, NaN even
    return c.select(one, 1.0, result)


def integer_power(c: Code, x: Value, n: int) -> Value:
    """x^n by repeated multiplication; each doubling of n doubles the rounding errors, so `power` is better above 4."""
    if n < 0:
        return c.div(1.0, integer_power(c, x, -n))
    result = None
    while n:
        if n & 1:
            result = x if result is None else c.mul(result, x)
        n >>= 1
        x = c.mul(x, x) if n else x
    return c.like(1.0, x) if result is None else result
