"""Which numbers a formula's parameter may be, so that a rate of decay of 1.5 is refused and not divided by."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

__all__ = ["BELOW_ONE", "NOT_NEGATIVE", "POSITIVE", "SHARE", "Interval", "as_float", "is_real"]


def is_real(value: object) -> bool:
    """Say whether this is a real number of Python or NumPy; truth values are none.

    >>> is_real(0.5), is_real(True), is_real("0.5")
    (True, False, False)
    """
    return isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)


def as_float(value: object) -> float:
    """Give a real number as a float: infinity for one that no float holds, nan for what is no real number.

    >>> as_float(3), as_float(10**400), as_float("3")
    (3.0, inf, nan)
    """
    if not is_real(value):
        return math.nan
    try:
        return float(value)  # type: ignore[arg-type]
    except OverflowError:
        return math.inf if value > 0 else -math.inf  # type: ignore[operator]


@dataclass(frozen=True)
class Interval:
    """The numbers that a parameter may be, from ``low`` to ``high``; a round bracket in ``ends`` leaves that end out.

    >>> 1.0 in Interval(0, 1, "[)")
    False
    >>> print(Interval(0, 1, "[)").around("beta1"))
    0 <= beta1 < 1
    """

    low: float = -np.inf
    high: float = np.inf
    ends: str = "()"

    def __contains__(self, number: float) -> bool:
        above = self.low <= number if self.ends[0] == "[" else self.low < number
        below = number <= self.high if self.ends[1] == "]" else number < self.high
        return above and below

    def around(self, name: str) -> str:
        """Write the interval as an inequality for ``name``; the empty string where every number will do."""
        low = f"{self.low:g} {'<=' if self.ends[0] == '[' else '<'} " if np.isfinite(self.low) else ""
        high = f" {'<=' if self.ends[1] == ']' else '<'} {self.high:g}" if np.isfinite(self.high) else ""
        return f"{low}{name}{high}" if low or high else ""


POSITIVE = Interval(0)
NOT_NEGATIVE = Interval(0, ends="[)")
BELOW_ONE = Interval(0, 1, "[)")
SHARE = Interval(0, 1, "[]")
