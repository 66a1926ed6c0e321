"""What functions of floating-point numbers are made of: formats, polynomials, and sums and products without loss."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from chainrule.engines.compiled.code import Code, Value

__all__ = [
    "Format",
    "ceil",
    "clip",
    "copysign",
    "fast_two_sum",
    "floor",
    "polynomial",
    "rint",
    "shift_left",
    "trunc",
    "two_product",
    "two_sum",
]


class Format(NamedTuple):
    """What the bits of a number mean.

    Args:
        mantissa: how many bits of the mantissa are kept; they are the lowest.
        bias: what is added to the exponent, which stands above the mantissa.
    """

    mantissa: int
    bias: int

    @classmethod
    def of(cls, c: Code) -> Format:
        """Give the format of the numbers that a module computes with."""
        return cls(23, 127) if c.single else cls(52, 1023)

    @property
    def one(self) -> int:
        """The bits of 1."""
        return self.bias << self.mantissa

    @property
    def smallest(self) -> float:
        """The smallest normal number."""
        return 2.0 ** (1 - self.bias)

    @property
    def rounder(self) -> float:
        """The number 1.5 * 2^mantissa: adding it rounds to a whole number, which then stands in the lowest bits."""
        return 1.5 * 2.0**self.mantissa

    @property
    def rounder_bits(self) -> int:
        """The bits of `rounder`."""
        return ((self.mantissa + self.bias) << self.mantissa) + (1 << (self.mantissa - 1))


def polynomial(c: Code, x: Value, coefficients: Sequence[float]) -> Value:
    """c0 + c1 x + c2 x^2 + ..., pair by pair (Estrin).

    One term after another would take a multiplication less for each doubling of their number, but each would wait for
    the one before it. In a small network nothing else is there to do meanwhile.
    """
    terms: list[Value] = [c.like(each, x) for each in coefficients]
    while len(terms) > 1:
        pairs = [c.fma(high, x, low) for low, high in zip(terms[::2], terms[1::2], strict=False)]
        terms = pairs + terms[len(pairs) * 2 :]
        x = c.mul(x, x)
    return terms[0]


def clip(c: Code, x: Value, low: float, high: float) -> Value:
    """Hold x between two bounds; NaN stays NaN."""
    x = c.select(c.compare("<", x, low), low, x)
    return c.select(c.compare(">", x, high), high, x)


def _rounded(c: Code, x: Value, how: str) -> Value:
    lanes = "" if c.lanes_of(x) == 1 else f"v{c.lanes_of(x)}"
    return c.intrinsic(f"llvm.{how}.{lanes}f{8 * c.bytes}", x.type, [x])


def floor(c: Code, x: Value) -> Value:
    """The whole number not above x."""
    return _rounded(c, x, "floor")


def ceil(c: Code, x: Value) -> Value:
    """The whole number not below x."""
    return _rounded(c, x, "ceil")


def trunc(c: Code, x: Value) -> Value:
    """The whole number next to x towards 0."""
    return _rounded(c, x, "trunc")


def rint(c: Code, x: Value) -> Value:
    """The whole number nearest to x; of two, the even one."""
    return _rounded(c, x, "rint")


def copysign(c: Code, size: Value, sign: Value) -> Value:
    """Give a size the sign of another value."""
    top, lanes, b = 1 << (8 * c.bytes - 1), c.lanes_of(size), c.builder
    rest = b.and_(c.bits(size), c.bit_constant(top - 1, lanes))
    return c.from_bits(b.or_(rest, b.and_(c.bits(sign), c.bit_constant(top, lanes))))


def shift_left(c: Code, bits: Value, places: int, lanes: int) -> Value:
    """Shift integers to the left."""
    return c.builder.shl(bits, c.bit_constant(places, lanes))


def two_sum(c: Code, a: Value, b: Value) -> tuple[Value, Value]:
    """a + b as its rounded value and what rounding lost, exactly (Knuth)."""
    total = c.add(a, b)
    part = c.sub(total, a)
    return total, c.add(c.sub(a, c.sub(total, part)), c.sub(b, part))


def fast_two_sum(c: Code, a: Value, b: Value) -> tuple[Value, Value]:
    """`two_sum` for |a| >= |b| or a = 0 (Dekker)."""
    total = c.add(a, b)
    return total, c.sub(b, c.sub(total, a))


def two_product(c: Code, a: Value, b: Value | float) -> tuple[Value, Value]:
    """a b as its rounded value and what rounding lost, exactly."""
    product = c.mul(a, b)
    return product, c.fma(a, b, c.neg(product))
