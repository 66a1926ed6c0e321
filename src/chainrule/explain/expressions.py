"""Expressions: what a line says, as a tree whose leaves are numbers with names.

An expression is written once, with the operators of Python, and knows its value:

    >>> a, y = Ref(Name("a", 2, (0,)), 0.75), Ref(Name("y", index=(0,)), 0.25)
    >>> (a * (1 - a)).value, (0.5 * (a - y) ** 2).value
    (0.1875, 0.125)

How it looks is the business of the renderers: with the names of its leaves (the symbolic line) or with their values
(the line with numbers), in the terminal, LaTeX, MathML or JSON.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from chainrule.explain.names import Name
from chainrule.formulas.special import normal_cdf

__all__ = [
    "BigSum",
    "Call",
    "Dot",
    "Expr",
    "Hadamard",
    "MatrixProduct",
    "Negative",
    "Number",
    "Power",
    "Product",
    "Quotient",
    "Ref",
    "Rest",
    "Sum",
    "Transposed",
    "leaves",
    "sum_of",
]


class Expr:
    """An expression; `value` is what it comes to (not a number, for what stands for whole arrays)."""

    value: float

    def __add__(self, other: Expr | float) -> Expr:
        return sum_of([self, _expr(other)])

    def __radd__(self, other: Expr | float) -> Expr:
        return sum_of([_expr(other), self])

    def __sub__(self, other: Expr | float) -> Expr:
        return sum_of([self, Negative(_expr(other))])

    def __rsub__(self, other: Expr | float) -> Expr:
        return sum_of([_expr(other), Negative(self)])

    def __mul__(self, other: Expr | float) -> Expr:
        return Product(_factors(self) + _factors(_expr(other)))

    def __rmul__(self, other: Expr | float) -> Expr:
        return _expr(other) * self

    def __truediv__(self, other: Expr | float) -> Expr:
        return Quotient(self, _expr(other))

    def __rtruediv__(self, other: Expr | float) -> Expr:
        return Quotient(_expr(other), self)

    def __pow__(self, exponent: Expr | float) -> Expr:
        return Power(self, _expr(exponent))

    def __neg__(self) -> Expr:
        return Negative(self)


@dataclass(frozen=True, slots=True)
class Number(Expr):
    """A number that belongs to a formula, such as the 2 of a square; always written exactly."""

    value: float


@dataclass(frozen=True, slots=True)
class Ref(Expr):
    """A number with a name, such as ``a1[0]``: the name on the symbolic line, the value on the line with numbers."""

    name: Name
    value: float = math.nan


@dataclass(frozen=True, slots=True)
class Negative(Expr):
    """Minus something."""

    of: Expr

    @property
    def value(self) -> float:  # type: ignore[override]
        """What it comes to."""
        return -self.of.value


@dataclass(frozen=True, slots=True)
class Sum(Expr):
    """Terms added up; a `Negative` among them is taken off."""

    terms: tuple[Expr, ...]

    @property
    def value(self) -> float:  # type: ignore[override]
        """What it comes to, as if rounded once."""
        values = [term.value for term in self.terms]
        return math.fsum(values) if all(map(math.isfinite, values)) else sum(values)


@dataclass(frozen=True, slots=True)
class Product(Expr):
    """Factors multiplied."""

    factors: tuple[Expr, ...]

    @property
    def value(self) -> float:  # type: ignore[override]
        """What it comes to."""
        return math.prod(factor.value for factor in self.factors)


@dataclass(frozen=True, slots=True)
class Quotient(Expr):
    """One thing over another."""

    over: Expr
    under: Expr

    @property
    def value(self) -> float:  # type: ignore[override]
        """What it comes to."""
        under = self.under.value
        return self.over.value / under if under else math.nan


@dataclass(frozen=True, slots=True)
class Power(Expr):
    """A base to an exponent; a square is ``x ** 2``."""

    base: Expr
    exponent: Expr

    @property
    def value(self) -> float:  # type: ignore[override]
        """What it comes to."""
        try:
            return float(self.base.value**self.exponent.value)
        except OverflowError:  # Python's floats raise where the engine's become inf
            return math.inf


# The functions that a `Call` may name, besides those that bring their value along.
FUNCTIONS: dict[str, Callable[..., float]] = {
    "exp": lambda x: math.exp(x) if x < 709 else math.inf,
    "ln": lambda x: math.log(x) if x > 0 else -math.inf if x == 0 else math.nan,
    "sqrt": lambda x: math.sqrt(x) if x >= 0 else math.nan,
    "tanh": math.tanh,
    "abs": abs,
    "sign": lambda x: math.copysign(1.0, x) if x else 0.0,
    "max": max,
    "min": min,
    "Phi": lambda x: float(normal_cdf(x)),
    "phi": lambda x: math.exp(-0.5 * x * x) / math.sqrt(2 * math.pi),
    "sigmoid": lambda x: 1 / (1 + math.exp(-x)) if x > -700 else math.exp(x),
}


@dataclass(frozen=True, slots=True)
class Call(Expr):
    """A function of some arguments: one of `FUNCTIONS`, or one that is only known by name and brings its value.

    Args:
        function: its name, such as "exp", or that of an activation or its slope, "gelu", "gelu'".
        args: the arguments.
        known: the value, where the function is not one of `FUNCTIONS`.
    """

    function: str
    args: tuple[Expr, ...]
    known: float | None = None

    @property
    def value(self) -> float:  # type: ignore[override]
        """What it comes to."""
        if self.known is not None:
            return self.known
        if self.function not in FUNCTIONS:
            return math.nan
        return FUNCTIONS[self.function](*(argument.value for argument in self.args))


@dataclass(frozen=True, slots=True)
class Rest(Expr):
    """Terms of a sum that are not shown one by one: "… and 774 more, together 0.0132".

    Args:
        count: how many.
        value: their sum.
    """

    count: int
    value: float


@dataclass(frozen=True, slots=True)
class Dot(Expr):
    """A row times a column, written with whole vectors: (0.15, 0.2) · (0.05, 0.1).

    Args:
        left: the name of the row, such as ``W1[0,:]``.
        right: the name of the column.
        pairs: the entries that are shown, as (left, right); a `Rest` in the end stands for the others.
        rest: the entries that are not shown, or None.
    """

    left: Name
    right: Name
    pairs: tuple[tuple[Expr, Expr], ...]
    rest: Rest | None = None

    @property
    def value(self) -> float:  # type: ignore[override]
        """What it comes to."""
        return math.fsum([a.value * b.value for a, b in self.pairs] + [self.rest.value if self.rest else 0.0])


@dataclass(frozen=True, slots=True)
class BigSum(Expr):
    """A sum over an index, for symbolic lines: sum over k of delta2[k] W2[k,i]."""

    index: str
    body: Expr
    value: float = math.nan


@dataclass(frozen=True, slots=True)
class MatrixProduct(Expr):
    """A product of matrices, for the equations of whole layers."""

    factors: tuple[Expr, ...]
    value: float = math.nan


@dataclass(frozen=True, slots=True)
class Hadamard(Expr):
    """A product entry by entry, for the equations of whole layers."""

    factors: tuple[Expr, ...]
    value: float = math.nan


@dataclass(frozen=True, slots=True)
class Transposed(Expr):
    """A matrix with rows and columns exchanged."""

    of: Expr
    value: float = math.nan


def sum_of(terms: Sequence[Expr]) -> Expr:
    """Give the sum of some terms; sums among them are spelled out, and a lone term is itself."""
    flat = [inner for term in terms for inner in (term.terms if isinstance(term, Sum) else (term,))]
    return flat[0] if len(flat) == 1 else Sum(tuple(flat))


def children(expr: Expr) -> tuple[Expr, ...]:
    """Give the expressions that an expression is made of, in the order in which they are read."""
    match expr:
        case Negative(of) | Transposed(of):
            return (of,)
        case Sum(parts) | Product(parts) | MatrixProduct(parts) | Hadamard(parts) | Call(_, parts):
            return parts
        case Quotient(first, second) | Power(first, second):
            return (first, second)
        case BigSum(_, body):
            return (body,)
        case Dot(_, _, pairs, rest):
            return (*(entry for pair in pairs for entry in pair), *((rest,) if rest else ()))
        case _:
            return ()


def leaves(expr: Expr) -> Iterator[Expr]:
    """Give the leaves of an expression, `Number`, `Ref` and `Rest`, in the order in which they are read.

    >>> w, x = Ref(Name("W", 1, (0, 0)), 2.0), Ref(Name("x", index=(0,)), 3.0)
    >>> [leaf.value for leaf in leaves(1 + w * x)]
    [1.0, 2.0, 3.0]
    """
    inner = children(expr)
    if not inner:
        yield expr
    for each in inner:
        yield from leaves(each)


def _expr(given: Expr | float) -> Expr:
    return given if isinstance(given, Expr) else Number(float(given))


def _factors(expr: Expr) -> tuple[Expr, ...]:
    return expr.factors if isinstance(expr, Product) else (expr,)
