"""Digits: how a number is written, and the promise that a line that is printed multiplies out.

A line says: this expression comes to that result. A reader with a pocket calculator must find it so: the expression,
computed with the numbers as they are printed, differs from the result as it is printed by at most one unit of the
result's last digit. Where the usual digits do not do, the numbers on the line get more of them. Where even all their
digits do not do, since the result is what rounding has left of large terms, the result is shown with those digits that
are certain, behind ≈.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from chainrule.explain.expressions import Expr
from chainrule.explain.writing.evaluating import EPSILON, evaluate
from chainrule.explain.writing.numerals import EXACT, Written, round_number, write_number

__all__ = ["Figures", "choose_figures"]


@dataclass(frozen=True, slots=True)
class Figures:
    """What a line with numbers shows.

    Args:
        digits: how many digits its numbers get.
        result: its result.
        sure: whether the result has all the digits that were asked for; else it stands behind ≈.
    """

    digits: int
    result: Written
    sure: bool


def choose_figures(expr: Expr, result: float, digits: int) -> Figures | None:
    """Choose the digits of a line with numbers so that it multiplies out.

    Args:
        expr: what stands before the result.
        result: what it comes to.
        digits: how many are wanted.

    Returns:
        A `Figures`; None where the expression cannot be computed as it stands, such as where it leads beyond all
        numbers on the way.

    >>> from chainrule.explain.names import Name
    >>> from chainrule.explain.expressions import Ref
    >>> third = Ref(Name("a"), 1 / 3)
    >>> choose_figures(third * 3000, 1000.0, 8).digits
    12
    """
    shown = write_number(result, digits)
    if not math.isfinite(result):
        return Figures(digits, shown, True)
    if (enough := _enough(expr, shown, digits)) is not None:
        return Figures(enough, shown, True)
    value, error = evaluate(expr, EXACT)
    off = abs(value - result) + error
    if not math.isfinite(off):
        return None
    last = max(-320, math.floor(math.log10(off)) + 1)
    for power in range(last, last + 4):
        shown = round_number(result, power)
        if (enough := _enough(expr, shown, digits)) is not None:
            return Figures(enough, shown, False)
    return None


def _enough(expr: Expr, shown: Written, digits: int) -> int | None:
    """Give how many digits the numbers need for what they come to to be within one unit of what is shown."""
    while True:
        value, error = evaluate(expr, digits)
        off = abs(value - shown.value) + error + EPSILON * abs(shown.value)
        if off <= shown.unit:
            return digits
        if digits >= EXACT:
            return None
        digits = min(EXACT, digits + _more(off / shown.unit if shown.unit else math.inf))


def _more(too_far: float) -> int:
    """Give how many digits a line lacks that is so many units off; of one that has no value nothing is known."""
    return max(1, math.ceil(math.log10(too_far))) if math.isfinite(too_far) else 1
