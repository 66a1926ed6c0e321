"""Writing: an expression as text, LaTeX or MathML. What needs brackets is decided here, once for all of them.

A `Style` says how each kind of expression looks; it is data. A `Writer` walks through an expression, either with the
names of its leaves or with their values.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from chainrule.explain.expressions import (
    BigSum,
    Call,
    Dot,
    Expr,
    Hadamard,
    MatrixProduct,
    Negative,
    Number,
    Power,
    Product,
    Quotient,
    Ref,
    Rest,
    Sum,
    Transposed,
)
from chainrule.explain.names import Name
from chainrule.explain.writing.numerals import EXACT, Written, write_named, write_number

__all__ = ["ATOM", "DOT", "FACTOR", "POWER", "PRODUCT", "QUOTIENT", "SUM", "Style", "Writer"]

# How tightly an expression holds together: what is needed is held against what there is, and brackets make an atom.
SUM, DOT, QUOTIENT, PRODUCT, FACTOR, POWER, ATOM = range(7)


@dataclass(frozen=True)
class Style:
    """How expressions look in one format.

    Args:
        name: writes a name, and says how tightly it holds together.
        number: writes a number without its sign, and says the same.
        plus, minus, sign: between two terms, and the minus before one.
        times, of_names: between numbers that are multiplied, and between names.
        dot, hadamard, matrices: between vectors, between entries, between matrices.
        brackets: around an expression.
        fraction: one thing over another.
        flat: whether a fraction is written on one line, so that its parts may need brackets.
        power: a base to an exponent.
        call: a function, by name, of arguments.
        calls: functions that have a form of their own, and how tightly it holds together.
        big_sum: a sum over an index.
        transposed: a matrix transposed.
        rest: what is said in the place of terms that are not shown; without a number where there are only names.
        vector: entries of a vector, and whether there are more.
        stack: lines of a sum that is too long for one; None where long lines are broken later.
        length: about how many columns something written takes.
        room: how many there are.
        inner_room: how many a sum has that other factors stand beside, or that stands in a fraction.
    """

    name: Callable[[Name], tuple[str, int]]
    number: Callable[[Written], tuple[str, int]]
    plus: str
    minus: str
    sign: str
    times: str
    of_names: str
    dot: str
    hadamard: str
    matrices: str
    brackets: Callable[[str], str]
    fraction: Callable[[str, str], str]
    flat: bool
    power: Callable[[str, str], str]
    call: Callable[[str, list[str]], str]
    big_sum: Callable[[str, str], str]
    transposed: Callable[[str], str]
    rest: Callable[[int, str], str]
    vector: Callable[[list[str], bool], str]
    calls: dict[str, tuple[Callable[[str], str], int]] = field(default_factory=dict)
    stack: Callable[[Sequence[str]], str] | None = None
    length: Callable[[str], int] = len
    room: int = 0
    inner_room: int = 0


@dataclass(frozen=True)
class Writer:
    """Writes expressions in a style.

    Args:
        style: how they look.
        digits: of the numbers; None writes names in their place.
    """

    style: Style
    digits: int | None = None

    def write(self, expr: Expr, need: int = SUM, lead: bool = True) -> str:
        """Write an expression.

        Args:
            expr: any.
            need: how tightly it must hold together not to need brackets.
            lead: whether it begins what it stands in; a negative number elsewhere needs brackets.
        """
        if self._level(expr, lead) < need:
            return self.style.brackets(self._plain(expr, True))
        return self._plain(expr, lead)

    def rows(self, expr: Expr) -> list[str]:
        """Write an expression that may take several lines; all but the first begin with an operator."""
        if isinstance(expr, Sum) and self.style.stack:
            return self._filled(self._pieces(expr))
        if isinstance(expr, Product) and self.style.stack:
            times = self._times()
            factors = [self.write(each, FACTOR, k == 0) for k, each in enumerate(expr.factors)]
            return self._filled([factors[0], *(times + each for each in factors[1:])])
        return [self.write(expr)]

    def number(self, value: float, lead: bool = True) -> str:
        """Write a number, in brackets where it is negative and nothing begins with it."""
        written = write_number(value, EXACT if self.digits is None else self.digits)
        return self.result(written) if lead or not written.negative else self.style.brackets(self.result(written))

    def formula(self, value: Name | Expr | float, digits: int) -> str:
        """Write what stands in a sentence or a table: a name, an expression, or a number with so many digits."""
        if isinstance(value, Name):
            return self.style.name(value)[0]
        return self.write(value) if isinstance(value, Expr) else self.result(write_number(value, digits))

    def result(self, written: Written) -> str:
        """Write a number with its sign."""
        return (self.style.sign if written.negative else "") + self.style.number(written)[0]

    def _written(self, expr: Expr) -> Written | None:
        """Give the number that is written for an expression, if one is."""
        if isinstance(expr, Number):
            return write_number(expr.value, EXACT)
        if isinstance(expr, Ref) and self.digits is not None:
            return write_named(expr.name, expr.value, self.digits)
        return None

    def _level(self, expr: Expr, lead: bool) -> int:
        style = self.style
        if written := self._written(expr):
            return SUM if written.negative and not lead else style.number(written)[1]
        match expr:
            case Ref(name, _):
                return style.name(name)[1]
            case Negative() | Sum():
                return SUM
            case Dot(_, _, _, rest):
                return SUM if rest and self.digits is not None else DOT
            case BigSum():
                return DOT
            case Product() | MatrixProduct() | Hadamard():
                return PRODUCT
            case Quotient():
                return QUOTIENT if style.flat else FACTOR
            case Call(function, _):
                return style.calls[function][1] if function in style.calls else POWER
            case Power() | Transposed():
                return POWER
            case _:
                return ATOM

    def _plain(self, expr: Expr, lead: bool) -> str:
        style = self.style
        if written := self._written(expr):
            return self.result(written)
        match expr:
            case Ref(name, _):
                return style.name(name)[0]
            case Negative(of):
                return style.sign + self.write(of, QUOTIENT, False)
            case Sum():
                return self._sum(expr, lead)
            case Product(factors):
                return self._joined(factors, self._times(), lead)
            case MatrixProduct(factors):
                return self._joined(factors, style.matrices, lead)
            case Hadamard(factors):
                return self._joined(factors, style.hadamard, lead)
            case Quotient(over, under):
                if style.flat:
                    return style.fraction(self.write(over, PRODUCT, lead), self.write(under, POWER, False))
                return style.fraction(self.write(over), self.write(under))
            case Power(base, exponent):
                return style.power(self.write(base, ATOM, False), self.write(exponent))
            case Call(function, args):
                written_args = [self.write(each) for each in args]
                if function in style.calls:
                    return style.calls[function][0](written_args[0])
                return style.call(function, written_args)
            case Rest(count, value):
                return style.rest(count, "" if self.digits is None else self.number(value))
            case Dot():
                return self._dot(expr)
            case BigSum(index, body):
                return style.big_sum(index, self.write(body, QUOTIENT))
            case Transposed(of):
                return style.transposed(self.write(of, ATOM))
            case _:
                raise TypeError(f"{type(expr).__name__} is no expression that can be written")

    def _times(self) -> str:
        return self.style.of_names if self.digits is None else self.style.times

    def _joined(self, factors: Sequence[Expr], operator: str, lead: bool) -> str:
        return operator.join(self.write(each, FACTOR, lead and k == 0) for k, each in enumerate(factors))

    def _terms(self, expr: Sum, lead: bool) -> list[str]:
        """Write the terms of a sum, each with the sign before it."""
        written = []
        for k, term in enumerate(expr.terms):
            off = isinstance(term, Negative)
            inner, need = (term.of, DOT if k else QUOTIENT) if isinstance(term, Negative) else (term, DOT)
            text = self.write(inner, need, lead and k == 0 and not off)
            written.append(self._sign(k == 0, off) + text)
        return written

    def _sum(self, expr: Sum, lead: bool) -> str:
        terms = self._terms(expr, lead)
        lines = self._filled(terms, self.style.inner_room) if self.style.stack else []
        return self.style.stack(lines) if self.style.stack and len(lines) > 1 else "".join(terms)

    def _pieces(self, expr: Sum) -> list[str]:
        """Write the terms of a sum; of a product that is longer than a line, each factor is a piece."""
        pieces: list[str] = []
        for term, written in zip(expr.terms, self._terms(expr, True), strict=True):
            off = isinstance(term, Negative)
            inner = term.of if isinstance(term, Negative) else term
            if isinstance(inner, Product) and self.style.length(written) > self.style.room:
                lead = not pieces and not off
                first, *others = (self.write(each, FACTOR, lead and k == 0) for k, each in enumerate(inner.factors))
                pieces += [self._sign(not pieces, off) + first, *(self._times() + each for each in others)]
            else:
                pieces.append(written)
        return pieces

    def _sign(self, first: bool, off: bool) -> str:
        """Give what stands before a term of a sum."""
        if first:
            return self.style.sign if off else ""
        return self.style.minus if off else self.style.plus

    def _filled(self, terms: Sequence[str], whole: int = 0) -> list[str]:
        """Fill lines with terms."""
        whole = whole or self.style.room
        lines, room = [terms[0]], whole - self.style.length(terms[0])
        for term in terms[1:]:
            length = self.style.length(term)
            if length > room:
                lines.append(term)
                room = whole - length
            else:
                lines[-1] += term
                room -= length
        return lines

    def _dot(self, expr: Dot) -> str:
        style = self.style
        if self.digits is None:
            return style.name(expr.left)[0] + style.dot + style.name(expr.right)[0]
        sides = ([self.write(pair[k]) for pair in expr.pairs] for k in (0, 1))
        shown = style.dot.join(style.vector(side, expr.rest is not None) for side in sides)
        return shown + style.plus + self.write(expr.rest) if expr.rest else shown
