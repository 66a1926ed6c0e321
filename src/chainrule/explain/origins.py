"""What is said of one number: its formula in symbols and numbers, one sentence, and which numbers it is made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from chainrule.explain.expressions import BigSum, Dot, Expr, Ref, Rest, leaves, sum_of
from chainrule.explain.names import Name
from chainrule.explain.page import Equation
from chainrule.formulas import Array

__all__ = ["Origin", "View", "largest", "sum_of_products", "weighed"]


_ROWS = frozenset(("x", "y", "z", "a", "u", "q", "zhat", "mask", "drop"))


@dataclass(frozen=True)
class View:
    """How much of a number is shown.

    Args:
        most: how many terms of a long sum are shown one by one.
        notation: "index", "textbook" or "rows".
    """

    most: int = 6
    notation: str = "index"


@dataclass(frozen=True)
class Origin:
    """Where one number comes from.

    Args:
        left: the number.
        forms: what it equals, in symbols; the last one is shown with numbers too, unless ``numbers`` are given.
        why: one sentence, a `Message`; empty where nothing is to be said.
        because: a remark, a `Message`, or empty.
        numbers: another expression for the line with numbers.
        given: whether the number is not made of others: an input, a target, a parameter.
    """

    left: Ref
    forms: tuple[Expr, ...] = ()
    why: str = ""
    because: str = ""
    numbers: Expr | None = None
    given: bool = False

    def parts(self) -> tuple[Name, ...]:
        """Give the numbers that it is made of, in the order in which they are read."""
        shown = self.forms[-1:] if self.numbers is None else (self.numbers,)
        found = [leaf.name for form in shown for leaf in leaves(form) if isinstance(leaf, Ref)]
        # A wide row that one's own formula takes is named as a whole, and is no number.
        return tuple(dict.fromkeys(name for name in found if name.index or name.symbol not in _ROWS))

    def equation(self, level: int) -> Equation:
        """Write it as a block of a page."""
        return Equation(self.left, self.forms, self.left.value, self.because, level, self.numbers)


def largest(values: Array, most: int) -> tuple[list[int], Rest | None]:
    """Choose the terms of a sum that are shown, and add up the others.

    Args:
        values: the terms, shape (N,).
        most: how many are shown at most.

    Returns:
        The places of the largest terms, by size without sign, in their order; and the rest, or None.

    >>> largest(np.array([0.1, -5.0, 0.2, 3.0]), 2)
    ([1, 3], Rest(count=2, value=0.30000000000000004))
    """
    if len(values) <= most + 1:  # a rest of one would take as much room as the term itself
        return list(range(len(values))), None
    chosen = np.sort(np.argpartition(-np.abs(values), most)[:most])
    others = np.delete(values, chosen)
    return [int(j) for j in chosen], Rest(len(others), float(others.sum()))


def weighed(
    left: Array, right: Array, pair: Callable[[int], tuple[Expr, Expr]], most: int
) -> tuple[list[Expr], Rest | None]:
    """Give the largest products of two rows of numbers, and the rest.

    Args:
        left: numbers, shape (N,).
        right: what they are multiplied by, shape (N,).
        pair: the two factors of a place, as leaves.
        most: how many products are shown at most.
    """
    places, rest = largest(left * right, most)
    pairs = [pair(j) for j in places]
    return [a * b for a, b in pairs], rest


def sum_of_products(
    left: Array,
    right: Array,
    pair: Callable[[int], tuple[Expr, Expr]],
    view: View,
    *,
    rows: tuple[Name, Name] | None = None,
    index: str = "j",
    symbolic: Expr | None = None,
    plus: tuple[Expr, ...] = (),
) -> tuple[Expr, ...]:
    """Write a sum of products: spelled out, as a product of a row and a column, or with its largest terms.

    Args:
        left: numbers, shape (N,).
        right: what they are multiplied by, shape (N,).
        pair: the two factors of a place, as leaves.
        view: how much is shown.
        rows: the names of the two rows of numbers, for the notation that writes them whole.
        index: the letter that the sum runs over, on a symbolic line for long sums.
        symbolic: one term with that letter; None leaves the symbolic line out.
        plus: what is added, such as a bias.
    """
    if view.notation == "rows" and rows is not None:
        places, rest = largest(left * right, view.most)
        return (sum_of([Dot(*rows, tuple(pair(j) for j in places), rest), *plus]),)
    terms, rest = weighed(left, right, pair, view.most)
    spelled = sum_of([*terms, *([] if rest is None else [rest]), *plus])
    if rest is None or symbolic is None:
        return (spelled,)
    return sum_of([BigSum(index, symbolic), *plus]), spelled
