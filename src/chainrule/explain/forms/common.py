"""Forms: how a teacher writes one number of a formula, with the numbers it is made of filled in.

The formulas themselves are those of the catalogue. `chainrule.explain.forms.activations`, ``loss_forms`` and
``penalty_forms`` write them as expressions; here is what they share.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from chainrule.explain.expressions import Call, Expr, Number, Ref, Rest, sum_of
from chainrule.explain.names import Name
from chainrule.formulas import Activation, Array, Formula, Loss, activations, losses

__all__ = ["HALF", "Form", "Row", "exp", "is_taught", "largest", "ln_of_1_plus", "own", "parameter", "with_rest"]

HALF = Number(1) / 2

_BROUGHT: dict[type, tuple[Formula, ...]] = {Activation: activations.RECORDS, Loss: losses.RECORDS}


@dataclass(frozen=True)
class Form:
    """How one number is written.

    Args:
        expr: what it is made of.
        because: which case of a definition applies, or why it is written in another way than usual; a `Message` whose
            fields hold `Name`s, or empty.
    """

    expr: Expr
    because: str = ""

    @property
    def value(self) -> float:
        """What it comes to."""
        return self.expr.value


@dataclass(frozen=True, eq=False)
class Row:
    """The numbers of a layer for one example; an entry gets its name when it is written, so wide rows are cheap.

    Args:
        name: of the whole row, such as ``Name("a", 2)``; entry i is ``name.at(i)``.
        values: the numbers, shape (N,), float64.

    >>> import numpy as np
    >>> Row(Name("a", 2), np.array([0.25, 0.75]))[1]
    Ref(name=Name(symbol='a', layer=2, index=(1,), row=None, mark='', of=None, by=None, through=None), value=0.75)
    """

    name: Name
    values: Array

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, i: int) -> Ref:
        return Ref(self.name.at(int(i)), float(self.values[i]))

    def entries(self, most: int) -> tuple[Ref, ...]:
        """Give the entries, or the row as a whole where there are more than ``most``."""
        return tuple(self[i] for i in range(len(self))) if len(self) <= most else (Ref(self.name),)


def is_taught(record: Formula) -> bool:
    """Whether a record is one that this package brings, if with other parameters, and no one's own formula.

    A registered formula is in the catalogue, too, so that the catalogue does not tell.

    Args:
        record: an activation or a loss.

    >>> from chainrule.formulas import LOSSES
    >>> is_taught(LOSSES["huber"].with_parameters(delta=2.0))
    True
    """
    known = next((each for each in _BROUGHT.get(type(record), ()) if each.name == record.name), None)
    kept = ("value", "slope", "pullback", "pairs")
    return known is not None and all(getattr(known, each, None) == getattr(record, each, None) for each in kept)


def own(name: str, args: Sequence[Expr], value: Callable[[], float]) -> Form:
    """Write a formula that is known by name only, such as one's own.

    Args:
        name: how it is called.
        args: what it is made of.
        value: gives the number; whatever NumPy warns of on the way was the engine's to tell.
    """
    with np.errstate(all="ignore"):
        return Form(Call(name, tuple(args), known=float(value())))


def parameter(record: Formula, name: str, symbol: str = "") -> Ref:
    """Give a parameter of a formula by its name: alpha on the symbolic line, 0.01 on the line with numbers."""
    return Ref(Name(symbol or name), float(record.parameters[name]))


def exp(x: Expr) -> Call:
    """Write e^x."""
    return Call("exp", (x,))


def ln_of_1_plus(*terms: Expr) -> Call:
    """Write ln(1 + …), exact also where the terms are so small that a float drops them beside the 1."""
    inner = sum_of([Number(1), *terms])
    return Call("ln", (inner,), known=math.log1p(math.fsum(term.value for term in terms)))


def largest(values: Array, most: int, *wanted: int) -> list[int]:
    """Give where the largest numbers stand, by size and in the order of their places.

    Args:
        values: shape (N,).
        most: how many at most.
        *wanted: places that must be among them.
    """
    if len(values) <= most + 1:  # a rest of one would take as much room as the term itself
        return list(range(len(values)))
    sizes = np.abs(values)
    sizes[list(wanted)] = np.inf
    return sorted(np.argpartition(sizes, -most)[-most:].tolist())


def with_rest(terms: Sequence[Expr], values: Array, shown: Sequence[int]) -> Expr:
    """Add up the terms that are shown, and the others as a `Rest`.

    Args:
        terms: those that are shown.
        values: the value of every term, shape (N,).
        shown: which of them are spelled out.
    """
    count = len(values) - len(shown)
    if not count:
        return sum_of(terms)
    others = np.delete(values, list(shown))
    return sum_of([*terms, Rest(count, float(np.sum(others)))])
