"""Numerals: how one number is written, in decimal digits, and what then stands there."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from decimal import Decimal

from chainrule.explain.names import Name

__all__ = ["EXACT", "Written", "round_number", "write_named", "write_number"]

# With so many decimals every float is written exactly, as repr does.
EXACT = 20

# What somebody set, such as 0.999: rounded to 1.00, it would be another setting.
_SETTINGS = frozenset({"eta", "mu", "rho", "beta1", "beta2", "epsilon", "lambda", "c", "rate", "alpha"})
_SHORT = 12  # significant digits that a number which somebody typed has at the most


@dataclass(frozen=True, slots=True)
class Written:
    """A number as it is written: sign, decimal digits, and a power of ten behind them where it is tiny or huge.

    Args:
        negative: whether a minus stands before it.
        mantissa: its digits, such as "0.59326999"; "∞" and "NaN" for what is not finite.
        exponent: of the power of ten, or None.
        unit: one in the last digit that was asked for; a number that is exact within them is written without zeros.
        value: what is written, as a float.
        spread: for "0 ± 10^spread": nothing is known of the number but that it is not larger; else None.
    """

    negative: bool
    mantissa: str
    exponent: int | None
    unit: float
    value: float
    spread: int | None = None


@functools.lru_cache(maxsize=8192)
def write_number(value: float, digits: int) -> Written:
    """Write a number with so many decimals; below 1/1000 and from ten million on, as digits times a power of ten.

    Args:
        value: any float.
        digits: decimals, or digits in all where a power of ten stands behind them; 1 or more.

    >>> write_number(0.082167040564, 8).mantissa, write_number(0.5, 8).mantissa, write_number(0.18681559849, 8).mantissa
    ('0.08216704', '0.5', '0.18681560')
    >>> write_number(-1.23456789e-5, 4)
    Written(negative=True, mantissa='1.235', exponent=-5, unit=1e-08, value=-1.235e-05, spread=None)
    """
    value = float(value)
    if not math.isfinite(value):
        return Written(value < 0, "NaN" if math.isnan(value) else "∞", None, math.nan, value)
    size = abs(value)
    if size == 0:
        return Written(False, "0", None, float(f"1e{-digits}"), 0.0)
    shortest = _shortest(size, digits)
    decimals = len(shortest) - shortest.find(".") - 1
    exact = "e" not in shortest and decimals <= digits
    if size < 1e7 and (size >= max(1e-3, 10.0 ** (1 - digits)) or exact):
        mantissa = shortest.removesuffix(".0") if exact else f"{size:.{digits}f}"
        return _written(value < 0, mantissa, None, -digits)
    return _write_scientific(value < 0, size, digits)


def write_named(name: Name, value: float, digits: int) -> Written:
    """Write a number that has a name: a setting that is a short decimal number exactly, any other with its digits.

    Args:
        name: of the number.
        value: any float.
        digits: as of `write_number`.

    >>> write_named(Name("beta2"), 0.999, 2).mantissa, write_named(Name("a", 1, (0,)), 0.999, 2).mantissa
    ('0.999', '1.00')
    """
    if name.symbol in _SETTINGS and math.isfinite(value) and float(f"{value:.{_SHORT}g}") == value:
        digits = max(digits, EXACT)
    return write_number(value, digits)


def _shortest(size: float, digits: int) -> str:
    """Give all digits of a number; 0.39249999999999996 is 0.3925 but for rounding, unless all digits are asked for."""
    text = repr(size)
    if len(text) < 17 or digits > 12:
        return text
    shorter = float(f"{size:.15g}")
    return repr(shorter) if math.isfinite(shorter) else text


def _write_scientific(negative: bool, size: float, digits: int) -> Written:
    _, figures, _ = (number := Decimal(_shortest(size, digits))).as_tuple()
    shortest = "".join(map(str, figures)).rstrip("0")
    if len(shortest) <= digits:
        exponent = number.adjusted()
        mantissa = shortest[0] + (f".{shortest[1:]}" if len(shortest) > 1 else "")
    else:
        mantissa, _, power = f"{size:.{digits - 1}e}".partition("e")
        exponent = int(power)
    return _written(negative, mantissa, exponent, exponent - digits + 1)


def _written(negative: bool, mantissa: str, exponent: int | None, last: int) -> Written:
    value = float(mantissa if exponent is None else f"{mantissa}e{exponent}")
    return Written(negative, mantissa, exponent, float(f"1e{last}"), -value if negative else value)


def round_number(value: float, power: int) -> Written:
    """Write a number rounded to a power of ten; where nothing of it is left, as 0 give or take as much.

    >>> round_number(0.12345678, -3).mantissa, round_number(4e-17, -15).spread
    ('0.123', -15)
    """
    size = abs(value)
    unit = float(f"1e{power}")
    if size < 0.5 * unit:
        return Written(False, "0", None, unit, 0.0, power)
    if power < 0 and 1e-3 <= size < 1e7:
        return _written(value < 0, f"{size:.{-power}f}", None, power)
    figures = max(0, math.floor(math.log10(size)) - power)
    mantissa, _, exponent = f"{size:.{figures}e}".partition("e")
    if int(exponent) < power:  # such as 0.7 units, which is one unit
        mantissa, exponent = "1", str(power)
    return _written(value < 0, mantissa, int(exponent), int(exponent) - figures)
