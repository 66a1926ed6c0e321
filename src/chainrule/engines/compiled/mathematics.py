"""The functions that formulas may use, as compiled code: straight lines of vector instructions without branches.

Every function takes a number or a vector of numbers and gives the like, lane by lane, so a number gets the same bits
alone and in a vector. The error is at most 4 units in the last place, subnormal results included; most stay below 2.
What NumPy gives for infinities, NaN and beyond a function's domain, these give as well, without its warnings.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from chainrule.engines.compiled.code import Code, Value
from chainrule.engines.compiled.exponentials import exp, exp2, exp_sum, expm1, tanh
from chainrule.engines.compiled.floating import ceil, clip, floor, polynomial, rint, trunc, two_sum
from chainrule.engines.compiled.logarithms import integer_power, log, log1p, log2, log10, power
from chainrule.engines.compiled.trigonometry import cos, sin

__all__ = [
    "ERFCX_32",
    "ERFCX_64",
    "FUNCTIONS",
    "cos",
    "erfcx",
    "exp",
    "exp2",
    "expm1",
    "integer_power",
    "log",
    "log1p",
    "log2",
    "log10",
    "power",
    "reciprocal",
    "sign",
    "sin",
    "square",
    "tanh",
]

# ((x + 1/2) erfcx(x) - 1/2) / t in q = 2 t - 1, where t = x / (x + K) and x >= 0, found as the coefficients in
# `exponentials` were. Relative to erfcx(x): float32, K = 3, 2^-26.5; float64, K = 3.5, 2^-55.6.
ERFCX_32 = (
    *(0.25300806760787964, -0.38862916827201843, 0.3410666286945343, -0.21142207086086273),
    *(0.09214935451745987, -0.023834433406591415, 6.444902101065964e-05, 0.0024369421880692244),
    *(-0.0005550786154344678, -0.00017244544869754463, 7.733736129011959e-05),
)
ERFCX_64 = (
    *(0.2423492448711544, -0.3823584250087742, 0.3718028286765529, -0.2742837335232552),
    *(0.15919413536320817, -0.07121098153946595, 0.02238765570885583, -0.003288324751858376),
    *(-0.0009266951302417822, 0.0006244271507890799, -6.004287251738775e-05, -6.146913796727917e-05),
    *(1.868736343091197e-05, 5.572637786300596e-06, -3.2452398781734252e-06, -5.682411886853417e-07),
    *(5.250659145209953e-07, 7.580383548984595e-08, -8.435191402227034e-08, -1.1606256900205704e-08),
    *(1.224405315560741e-08, 1.198810559496746e-09, -1.1333170629534115e-09),
)


def erfcx(c: Code, x: Value) -> Value:
    """e^(x^2) times the complementary error function of x; for a negative x by their sum for x and -x, 2 e^(x^2)."""
    below = clip(c, x, -30.0, 0.0)
    squared = c.mul(below, below)
    whole = exp_sum(c, squared, c.fma(below, below, c.neg(squared)))
    right = _erfcx_right(c, c.fabs(x))
    return c.select(c.compare("<", x, 0.0), c.sub(c.add(whole, whole), right), right)


def _erfcx_right(c: Code, x: Value) -> Value:
    """The same for x >= 0.

    Where x is small, numerator and denominator are little more than 1/2 and the result is little less than 1, so that
    each rounding counts as a whole unit in the last place. So what was lost in both is made good.
    """
    held = clip(c, x, 0.0, 1e18)  # beyond, t is 1 as well
    t = c.div(held, c.add(held, 3.0 if c.single else 3.5))
    p = polynomial(c, c.fma(t, 2.0, -1.0), ERFCX_32 if c.single else ERFCX_64)
    above = c.fma(t, p, 0.5)
    above_lost = c.fma(t, p, c.sub(0.5, above))
    below, below_lost = two_sum(c, x, c.like(0.5, x))
    inverse = c.div(1.0, below)
    rough = c.mul(above, inverse)
    wrong = c.add(c.sub(c.fma(c.neg(rough), below, above), c.mul(rough, below_lost)), above_lost)
    return c.select(c.compare("==", x, math.inf), 0.0, c.fma(wrong, inverse, rough))


def square(c: Code, x: Value) -> Value:
    """x^2."""
    return c.mul(x, x)


def reciprocal(c: Code, x: Value) -> Value:
    """1 / x."""
    return c.div(1.0, x)


def sign(c: Code, x: Value) -> Value:
    """-1, 0 or 1; NaN for NaN."""
    side = c.select(c.compare("<", x, 0.0), -1.0, c.add(x, 0.0))  # -0 + 0 is 0
    return c.select(c.compare(">", x, 0.0), 1.0, side)


# By the names of NumPy's functions, and SciPy's erfcx.
FUNCTIONS: dict[str, Callable[[Code, Value], Value]] = {
    "absolute": Code.fabs,
    "ceil": ceil,
    "cos": cos,
    "erfcx": erfcx,
    "exp": exp,
    "exp2": exp2,
    "expm1": expm1,
    "fabs": Code.fabs,
    "floor": floor,
    "log": log,
    "log10": log10,
    "log1p": log1p,
    "log2": log2,
    "negative": Code.neg,
    "positive": lambda c, x: x,
    "reciprocal": reciprocal,
    "rint": rint,
    "sign": sign,
    "sin": sin,
    "sqrt": Code.sqrt,
    "square": square,
    "tanh": tanh,
    "trunc": trunc,
}
