"""What is said behind a derivation: all paths at once, what counts most, and the numerical derivative as a check."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from chainrule.explain.anatomy import Anatomy
from chainrule.explain.backward import backward_origin
from chainrule.explain.expressions import Product, Ref, Sum, leaves
from chainrule.explain.names import Name
from chainrule.explain.nudging import Nudged
from chainrule.explain.origins import Origin, View
from chainrule.explain.page import Block, Equation, Heading, Prose
from chainrule.explain.paths import Expanded
from chainrule.language import Message

__all__ = ["all_at_once", "last_words"]


def all_at_once(body: Anatomy, left: Ref, expanded: Expanded, view: View) -> Iterator[Block]:
    """Write the fully expanded form, and where each of its factors comes from.

    Args:
        body: the step's anatomy.
        left: the derivative.
        expanded: its paths.
        view: how much is shown.
    """
    yield Heading(Message("All at once"))
    if expanded.count > 1:
        text = Message(
            "{count:,} paths lead from this number to the cost. Along each the factors are multiplied, and the paths "
            "are added up.",
            count=expanded.count,
        )
    else:
        text = Message("One path leads from this number to the cost, and its factors are multiplied.")
    yield Prose(text)
    yield Equation(left, (expanded.form,), left.value)
    factors = (leaf for leaf in leaves(expanded.form) if isinstance(leaf, Ref) and leaf.name.symbol == "d")
    names = list(dict.fromkeys(leaf.name for leaf in factors))[: 2 * view.most]
    if names:
        yield Prose(Message("The slopes among the factors:"))
    for name in names:
        origin = backward_origin(body, name, view)
        if origin.forms:
            yield origin.equation(1)


def last_words(found: Origin, expanded: Expanded | None, check: Nudged | None) -> Iterator[Block]:
    """Say what dominates, and what the numerical derivative is.

    Args:
        found: where the derivative comes from.
        expanded: its paths, or None.
        check: the numerical derivative, or None.
    """
    if (said := _dominating(found, expanded)) is not None or check is not None:
        yield Heading(Message("What counts, and a check"))
    if said is not None:
        yield Prose(said)
    if check is None:
        return
    yield Prose(
        Message(
            "Nudging the number by {h} up and down changes the cost at a rate of {slope}; the chain rule says {value}. "
            "They differ by {gap}.",
            h=check.step,
            slope=check.slope,
            value=found.left.value,
            gap=abs(check.slope - found.left.value),
        )
    )
    if abs(check.left - check.right) > 1e-3 * max(abs(check.left), abs(check.right)):
        yield Prose(
            Message(
                "To the left the rate is {left}, to the right {right}: the cost has a kink here, or bends sharply.",
                left=check.left,
                right=check.right,
            )
        )


def _dominating(found: Origin, expanded: Expanded | None) -> Message | None:
    """Say which path, or which factor, does most to make the number what it is."""
    if expanded is not None and len(expanded.paths) > 1:
        sizes = sum(abs(value) for _, value in expanded.paths)
        through, value = max(expanded.paths, key=lambda path: abs(path[1]))
        if sizes:
            return Message(
                "The path through {neurons} counts most, with {share} of the size of those shown.",
                neurons=_chain(through),
                share=f"{abs(value) / sizes:.0%}",
            )
    form = found.forms[-1] if expanded is None else expanded.form
    if isinstance(form, Sum) and len(form.terms) > 1:
        return None
    factors = [each for each in (form.factors if isinstance(form, Product) else (form,)) if isinstance(each, Ref)]
    factors = [each for each in factors if math.isfinite(each.value)]
    if len(factors) < 2:
        return None
    zero = next((each for each in factors if each.value == 0), None)
    if zero is not None:
        return Message("{name} is 0, and so is the whole product.", name=zero.name)
    chief = max(factors, key=lambda each: abs(math.log(abs(each.value))))
    if abs(chief.value) == 1:
        return None
    if abs(chief.value) < 1:
        return Message("{name} is the factor that makes the derivative smallest.", name=chief.name)
    return Message("{name} is the factor that makes the derivative largest.", name=chief.name)


def _chain(neurons: tuple[Name, ...]) -> Any:
    """Write the neurons of a path, the nearest first."""
    *further, nearest = neurons
    return nearest if not further else Message("{first} → {next}", first=nearest, next=_chain(tuple(further)))
