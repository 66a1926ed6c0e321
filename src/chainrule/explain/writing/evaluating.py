"""Evaluating a line as its reader would: with the numbers as they are printed, and how far rounding may lead astray."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from chainrule.explain.expressions import (
    FUNCTIONS,
    Call,
    Dot,
    Expr,
    Negative,
    Number,
    Power,
    Product,
    Quotient,
    Ref,
    Rest,
    Sum,
)
from chainrule.explain.writing.numerals import write_named, write_number

__all__ = ["EPSILON", "evaluate"]

EPSILON = 2.0**-52
# What the smallest numbers are rounded by.
TINY = 5e-324

# A value, and a bound of its rounding errors.
Bounded = tuple[float, float]
_UNKNOWN = (math.nan, math.nan)


def evaluate(expr: Expr, digits: int) -> Bounded:
    """Compute an expression from its numbers as they are printed.

    Args:
        expr: an expression of numbers.
        digits: how its numbers are printed.

    Returns:
        The value, and a bound of the rounding errors in it; both not a number where it has none.

    >>> from chainrule.explain.names import Name
    >>> evaluate(2 * Ref(Name("a"), 1 / 3), 3)[0]
    0.666
    """
    try:
        return _evaluate(expr, digits)
    except (OverflowError, ZeroDivisionError, ValueError):
        return _UNKNOWN


def _evaluate(expr: Expr, digits: int) -> Bounded:
    match expr:
        case Number(value):
            return value, _error_of(value)
        case Ref(name, value):
            printed = write_named(name, value, digits).value
            return printed, _error_of(printed)
        case Rest(_, value):
            printed = write_number(value, digits).value
            return printed, _error_of(printed)
        case Negative(of):
            value, error = _evaluate(of, digits)
            return -value, error
        case Sum(terms):
            return _sum([_evaluate(term, digits) for term in terms])
        case Product(factors):
            return _product([_evaluate(factor, digits) for factor in factors])
        case Quotient(over, under):
            return _quotient(_evaluate(over, digits), _evaluate(under, digits))
        case Power(base, exponent):
            return _power(_evaluate(base, digits), _evaluate(exponent, digits))
        case Call():
            return _call(expr, digits)
        case Dot(_, _, pairs, rest):
            products = [_product([_evaluate(a, digits), _evaluate(b, digits)]) for a, b in pairs]
            return _sum([*products, _evaluate(rest, digits)] if rest else products)
        case _:
            return _UNKNOWN


def _error_of(value: float) -> float:
    """Decimal digits are no float, as a rule; whole numbers are."""
    return 0.0 if not math.isfinite(value) or float(value).is_integer() else EPSILON * abs(value) + TINY


def _sum(terms: Sequence[Bounded]) -> Bounded:
    values = [value for value, _ in terms]
    value = math.fsum(values) if all(map(math.isfinite, values)) else sum(values)
    return value, sum(error for _, error in terms) + EPSILON * abs(value)


def _product(factors: Sequence[Bounded]) -> Bounded:
    value, error = factors[0]
    for other, off in factors[1:]:
        error = abs(value) * off + abs(other) * error + error * off
        value *= other
        error += EPSILON * abs(value) + TINY
    return value, error


def _quotient(over: Bounded, under: Bounded) -> Bounded:
    value = over[0] / under[0]
    least = abs(under[0]) - under[1]
    error = (over[1] + abs(value) * under[1]) / least if least > 0 else math.inf
    return value, error + EPSILON * abs(value) + TINY


def _power(base: Bounded, exponent: Bounded) -> Bounded:
    (x, off), (p, p_off) = base, exponent
    value = x**p
    if isinstance(value, complex) or math.isinf(x):  # infinity to the 0 is no 1
        return _UNKNOWN
    error = max(abs((x + off) ** p - value), abs((x - off) ** p - value)) if off and (x > off or p == int(p)) else 0.0
    if p_off and x > 0:
        error += abs(value * math.log(x)) * p_off
    return value, 2 * error + 4 * EPSILON * abs(value) + TINY


def _call(call: Call, digits: int) -> Bounded:
    if call.function == "ln" and isinstance(call.args[0], Sum) and Number(1.0) in call.args[0].terms:
        return _ln_of_1_plus(call.args[0], digits)
    args = [_evaluate(argument, digits) for argument in call.args]
    function = _function(call)
    if function is None:  # only its value is known, so that only the numbers as they are will do
        off = max(abs(value - arg.value) - error for (value, error), arg in zip(args, call.args, strict=True))
        return (call.value, 0.0) if off <= 0 else (call.value, math.inf)
    value = function(*(value for value, _ in args))
    if len(args) > 1:  # the largest or the least of them
        return value, max(error for _, error in args)
    x, off = args[0]
    off = max(off, EPSILON * abs(x))
    # A spread that leads out of where the function is defined is no news of its slope.
    around = [each for each in (function(x - off), function(x + off)) if math.isfinite(each)]
    return value, 2 * max((abs(each - value) for each in around), default=0.0) + 4 * EPSILON * abs(value) + TINY


def _ln_of_1_plus(whole: Sum, digits: int) -> Bounded:
    """ln(1 + x) keeps a small x, which a sum of floats would lose."""
    at = whole.terms.index(Number(1.0))
    x, error = _sum([_evaluate(term, digits) for k, term in enumerate(whole.terms) if k != at])
    if x - error <= -1:
        return _UNKNOWN
    value = math.log1p(x)
    return value, error / (1 + x - error) + 2 * EPSILON * abs(value) + TINY


def _function(call: Call) -> Callable[..., float] | None:
    """Find what a call computes, by its name; None where the name's formula is not the one that was meant."""
    if call.function in FUNCTIONS:
        return FUNCTIONS[call.function]
    function = _from_catalogue(call.function) if len(call.args) == 1 else None
    if function is None:
        return None
    here = function(call.args[0].value)
    return function if math.isclose(here, call.value, rel_tol=1e-9, abs_tol=1e-300) else None


def _from_catalogue(name: str) -> Callable[[float], float] | None:
    from chainrule.formulas import ACTIVATIONS

    plain = name.removesuffix("'")
    if plain not in ACTIVATIONS or plain == "softmax":
        return None
    record = ACTIVATIONS[plain]

    def value(x: float) -> float:
        return float(record.f(np.array([x]))[0])

    def slope(x: float) -> float:
        z = np.array([x])
        return float(record.back(z, record.f(z), np.ones(1))[0])

    return value if plain == name else slope
