"""Lines: what an equation shows, line by line, before any format writes it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from chainrule.explain.expressions import (
    BigSum,
    Expr,
    Hadamard,
    MatrixProduct,
    Negative,
    Number,
    Ref,
    Rest,
    Transposed,
    children,
    leaves,
)
from chainrule.explain.page import Equation
from chainrule.explain.writing.digits import choose_figures
from chainrule.explain.writing.numerals import Written, write_number

__all__ = ["Line", "lines_of"]


@dataclass(frozen=True, slots=True)
class Line:
    """One right side of an equation.

    Args:
        shown: an expression, or a result.
        digits: of its numbers; None writes names in their place.
        sure: whether "=" stands before it; else ≈.
    """

    shown: Expr | Written
    digits: int | None = None
    sure: bool = True


def lines_of(equation: Equation, digits: int) -> list[Line]:
    """Give the right sides of an equation: its forms in symbols, the last of them with numbers, the result.

    The line with numbers is left out where it would say nothing new, or cannot be computed as it stands.

    Args:
        equation: any.
        digits: how many its numbers are to have; they get more where the line would not multiply out.

    >>> from chainrule.explain.expressions import Ref
    >>> from chainrule.explain.names import Name
    >>> half, three = Ref(Name("a"), 0.5), Ref(Name("b"), 3.0)
    >>> lines = lines_of(Equation(Ref(Name("c")), (half * three,), 1.5), 8)
    >>> [line.digits for line in lines], lines[-1].shown.mantissa
    ([None, 8, None], '1.5')
    """
    lines = [Line(form) for form in equation.forms]
    if equation.result is None:
        return lines
    numbers = equation.numbers or (equation.forms[-1] if equation.forms else None)
    if numbers is None or not _has_value(numbers):
        return [*lines, Line(write_number(equation.result, digits))]
    figures = choose_figures(numbers, equation.result, digits)
    if figures is None:
        return [*lines, Line(write_number(equation.result, digits))]
    if equation.numbers is None and _is_leaf(numbers) and not _has_names(numbers):
        lines.pop()  # a slope of 1 is 1
    if not _is_leaf(numbers) and (equation.numbers is not None or _has_names(numbers)):
        lines.append(Line(numbers, figures.digits))
    return [*lines, Line(figures.result, sure=figures.sure)]


def _has_value(expr: Expr) -> bool:
    return not any(isinstance(each, BigSum | MatrixProduct | Hadamard | Transposed) for each in _all(expr)) and all(
        leaf.value == leaf.value for leaf in leaves(expr)
    )


def _all(expr: Expr) -> Iterator[Expr]:
    yield expr
    for each in children(expr):
        yield from _all(each)


def _has_names(expr: Expr) -> bool:
    return any(isinstance(leaf, Ref | Rest) for leaf in leaves(expr))


def _is_leaf(expr: Expr) -> bool:
    inner = expr.of if isinstance(expr, Negative) else expr
    return isinstance(inner, Ref | Number)
