"""Sine and cosine of numbers of any size, written out as straight lines of vector instructions.

A large x = 2^k M, with a whole number M, must be reduced by multiples of pi / 2 without loss. So 2^k 2/pi modulo 4 is
kept in a table for each k, as a sum of three numbers; times M it gives the quarter turns of x. Even in the worst case,
in which x lies next to a multiple of pi / 2, the result is off by less than two units in the last place.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from chainrule.engines.compiled.code import Code, Value
from chainrule.engines.compiled.floating import Format, polynomial, rint, shift_left, two_product, two_sum

__all__ = ["cos", "sin"]

# For |r| <= pi/4, in r^2, found as the coefficients in `exponentials` were.
# (sin(r) / r - 1) / r^2: float32 2^-28.0, float64 2^-58.0.
_SIN_32 = (-0.16666655242443085, 0.008332191966474056, -0.00019518789486028254)
_SIN_64 = (
    *(-0.16666666666666632, 0.008333333333322496, -0.0001984126982986574),
    *(2.755731371010378e-06, -2.5050760742949916e-08, 1.589693799612947e-10),
)
# (cos(r) - 1 + r^2 / 2) / r^4: float32 2^-33.1, float64 2^-64.2.
_COS_32 = (0.04166664555668831, -0.00138873013202101, 2.44306938839145e-05)
_COS_64 = (
    *(0.0416666666666666, -0.0013888888888874476, 2.4801587289672726e-05),
    *(-2.755731440124852e-07, 2.0875729294755155e-09, -1.1359934264365034e-11),
)


def _pi() -> Fraction:
    """Give pi to 1,400 bits, by Machin's pi = 16 arctan(1/5) - 4 arctan(1/239)."""
    one = 1 << 1420

    def arctan(n: int) -> int:
        term, total, k = one // n, 0, 1
        while term:
            total += term // k if k % 4 == 1 else -(term // k)
            term, k = term // (n * n), k + 2
        return total

    return Fraction(16 * arctan(5) - 4 * arctan(239), one)


def _in_parts(x: Fraction, single: bool, parts: int) -> list[float]:
    """Write a number as a sum of floating-point numbers, each what the ones before it miss."""
    result = []
    for _ in range(parts):
        result.append(float(np.float32(float(x))) if single else float(x))
        x -= Fraction(result[-1])
    return result


def _turns_table(c: Code) -> Value:
    """Give the address of 2^(e - mantissa) 2/pi modulo 4, three numbers for each e from -1 on."""
    name = "quarter_turns"
    if name not in c.module.globals:
        f, turns, numbers = Format.of(c), 2 / _pi(), list[float]()
        for e in range(-1, f.bias + 1):
            entry = Fraction(2) ** (e - f.mantissa) * turns
            numbers += _in_parts((entry + 2) % 4 - 2, c.single, 3)
        kind = c.ir.ArrayType(c.number, len(numbers))
        made = c.ir.GlobalVariable(c.module, kind, name)
        made.initializer, made.global_constant, made.linkage = c.ir.Constant(kind, numbers), True, "internal"
    return c.module.globals[name]


def _looked_up(c: Code, indices: Value, lanes: int) -> list[Value]:
    """Read three numbers for each lane's index, lane by lane: not every processor gathers."""
    b, table, i32 = c.builder, _turns_table(c), c.ir.IntType(32)
    found: list[Value] = [c.ir.Constant(c.vector(lanes), c.ir.Undefined)] * 3
    for k in range(lanes):
        index = indices if lanes == 1 else b.extract_element(indices, c.ir.Constant(i32, k))
        index = b.zext(index, c.whole) if c.single else index
        for part in range(3):
            number = c.load(c.at(table, c.plus(c.times(index, 3), part)))
            found[part] = number if lanes == 1 else b.insert_element(found[part], number, c.ir.Constant(i32, k))
    return found


def _reduced(c: Code, x: Value) -> tuple[Value, Value, Value]:
    """Split x >= 0 = n pi/2 + r, |r| <= pi/4; gives r, what it misses, and n's bits with the rounder added."""
    f, b, lanes = Format.of(c), c.builder, c.lanes_of(x)
    small = c.compare("<", x, 0.5)  # is r itself
    held = c.select(c.compare(">=", x, 0.5), x, 0.5)
    exponent = b.lshr(c.bits(held), c.bit_constant(f.mantissa, lanes))
    # The last row of the table serves inf, which the caller looks after.
    top = c.bit_constant(2 * f.bias, lanes)
    exponent = b.select(b.icmp_unsigned("<", exponent, top), exponent, top)
    high, low, n = _turns(c, _whole_mantissa(c, held), b.sub(exponent, c.bit_constant(f.bias - 1, lanes)))

    half_pi, half_pi_low = _in_parts(_pi() / 2, c.single, 2)
    r, r_low = two_product(c, high, half_pi)
    r_low = c.fma(high, half_pi_low, c.fma(low, half_pi, r_low))
    n = b.select(small, c.bits(c.like(f.rounder, x)), c.bits(n))
    return c.select(small, x, r), c.select(small, 0.0, r_low), n


def _whole_mantissa(c: Code, x: Value) -> Value:
    """Give M where x = 2^e M / 2^mantissa: the digits of x as a whole number."""
    f, b, lanes = Format.of(c), c.builder, c.lanes_of(x)
    digits = b.and_(c.bits(x), c.bit_constant((1 << f.mantissa) - 1, lanes))
    return c.from_bits(b.or_(digits, c.bits(c.like(2.0**f.mantissa, x))))


def _turns(c: Code, m: Value, indices: Value) -> tuple[Value, Value, Value]:
    """The quarter turns of m times the table's entries: what is above a whole number, in two parts, and that number.

    The number is given modulo 4 with the rounder added. Only the last terms, of the size of a rounding error's
    rounding error, are added with loss.
    """
    f = Format.of(c)
    first, second, third = _looked_up(c, indices, c.lanes_of(m))
    one, one_low = two_product(c, m, first)
    two, two_low = two_product(c, m, second)
    three, three_low = two_product(c, m, third)

    fours = rint(c, c.mul(one, 0.25))
    high, low_1 = two_sum(c, c.fma(fours, -4.0, one), one_low)
    high, low_2 = two_sum(c, high, two)
    shifted = c.add(high, f.rounder)
    high = c.sub(high, c.sub(shifted, f.rounder))

    low, lower_1 = two_sum(c, low_1, low_2)
    more, lower_2 = two_sum(c, two_low, three)
    low, lower_3 = two_sum(c, low, more)
    lowest = c.add(c.add(lower_1, lower_2), c.add(lower_3, three_low))
    high, low = two_sum(c, high, low)
    high, low = two_sum(c, high, c.add(low, lowest))
    return high, low, shifted


def _either(c: Code, r: Value, r_low: Value, odd: Value) -> Value:
    """The sine of r, or where odd its cosine."""
    z = c.mul(r, r)
    sine = c.add(r, c.fma(c.mul(r, z), polynomial(c, z, _SIN_32 if c.single else _SIN_64), r_low))
    half = c.mul(z, 0.5)
    rough = c.sub(1.0, half)
    lost = c.sub(c.sub(1.0, rough), half)
    rest = c.fma(c.mul(z, z), polynomial(c, z, _COS_32 if c.single else _COS_64), c.fma(c.neg(r), r_low, lost))
    return c.select(odd, c.add(rough, rest), sine)


def _quarter(c: Code, x: Value, ahead: int) -> Value:
    """The sine of |x| + ahead quarter turns."""
    b, lanes = c.builder, c.lanes_of(x)
    r, r_low, n = _reduced(c, c.fabs(x))
    n = b.add(n, c.bit_constant(ahead, lanes))
    one, two = c.bit_constant(1, lanes), c.bit_constant(2, lanes)
    value = _either(c, r, r_low, b.icmp_signed("==", b.and_(n, one), one))
    flip = shift_left(c, b.and_(n, two), 8 * c.bytes - 2, lanes)
    value = c.from_bits(b.xor(c.bits(value), flip))
    return c.select(c.compare("<", c.fabs(x), float("inf")), value, float("nan"))


def sin(c: Code, x: Value) -> Value:
    """sin x = sin |x| with the sign of x."""
    b, value = c.builder, _quarter(c, x, 0)
    sign = b.xor(c.bits(x), c.bits(c.fabs(x)))
    return c.from_bits(b.xor(c.bits(value), sign))


def cos(c: Code, x: Value) -> Value:
    """cos x = sin(|x| + pi/2)."""
    return _quarter(c, x, 1)
