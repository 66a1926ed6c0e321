"""What is said behind a derivation: all paths at once, what counts most, and the numerical derivative as a check."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from chainrule.explain.anatomy import Anatomy
from chainrule.explain.expressions import Expr, Number, Power, Product, Ref, leaves
from chainrule.explain.names import Name
from chainrule.explain.nudging import Nudged
from chainrule.explain.origins import Origin, View
from chainrule.explain.page import Block, Equation, Heading, Prose
from chainrule.explain.paths import Expanded
from chainrule.explain.unfolding import origin_of
from chainrule.language import Message

__all__ = ["all_at_once", "last_words"]

# Products of sizes this near to 1, as a logarithm, are neither large nor small, and such factors are alike.
_HARDLY = 0.05
_WORTH_SAYING = 0.01  # a path's share
_SHORT = 3  # how many numbers an expression may have within a sentence
_COUNTED = 10**15  # paths; beyond that nobody reads all the digits


def all_at_once(body: Anatomy, left: Ref, expanded: Expanded, view: View) -> Iterator[Block]:
    """Write the fully expanded form, and where each of its factors comes from.

    Args:
        body: the step's anatomy.
        left: the derivative.
        expanded: its paths.
        view: how much is shown.
    """
    start = _nudged(left.name)
    yield Heading(Message("All at once"))
    if expanded.count > _COUNTED:
        text = Message(
            "About {count} paths lead from {name} to the cost. Along each the factors are multiplied, and the "
            "paths are added up.",
            count=_roughly(expanded.count),
            name=start,
        )
    elif expanded.count > 1:
        text = Message(
            "{count:,} paths lead from {name} to the cost. Along each the factors are multiplied, and the paths "
            "are added up.",
            count=expanded.count,
            name=start,
        )
    else:
        text = Message("One path leads from {name} to the cost, and its factors are multiplied.", name=start)
    yield Prose(text)
    yield Equation(left, (expanded.form,), left.value)
    factors = (leaf for leaf in leaves(expanded.form) if isinstance(leaf, Ref) and leaf.name.symbol in ("d", "delta"))
    names = list(dict.fromkeys(leaf.name for leaf in factors))[: 2 * view.most]
    if names:
        yield Prose(Message("The errors and slopes among the factors:"))
    for name in names:
        origin = origin_of(body, name, view)
        if origin is not None and origin.forms:
            yield origin.equation(1)


def _roughly(count: int) -> Expr:
    """Give a large number to one figure, such as 3 × 10^45."""
    exponent = math.floor(math.log10(count))
    figure = round(count / 10**exponent)
    if figure == 10:
        figure, exponent = 1, exponent + 1
    power = Power(Number(10.0), Number(float(exponent)))
    return power if figure == 1 else Product((Number(float(figure)), power))


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
    if check is not None:
        yield from map(Prose, _checked(found, check))


def _checked(found: Origin, check: Nudged) -> Iterator[Message]:
    """Say what the numerical derivative is, and what it cannot say."""
    yield Message(
        "Nudging {name} up and down, by {h} and less, changes the cost at a rate of {slope}, give or take "
        "{uncertainty}. The chain rule says {value}; they differ by {gap}.",
        name=_nudged(found.left.name),
        h=_two_figures(check.step),
        slope=check.slope,
        uncertainty=_two_figures(check.uncertainty),
        value=found.left.value,
        gap=_two_figures(abs(check.slope - found.left.value)),
    )
    if check.kink:
        yield Message(
            "To the left the rate is {left}, to the right {right}: the cost has a kink here, or bends sharply.",
            left=check.left,
            right=check.right,
        )
    elif found.left.value and not check.uncertainty < abs(found.left.value):
        yield Message("The cost is so large, or bends so sharply, that nudging cannot see a slope this small.")


def _dominating(found: Origin, expanded: Expanded | None) -> Message | None:
    """Say which path, or which factor, does most to make the number what it is; None where none does."""
    if not math.isfinite(found.left.value):
        return None
    if expanded is None or expanded.count == 1:
        form = found.forms[-1] if expanded is None else expanded.form
        return _chief_factor(form.factors) if isinstance(form, Product) else None
    zero = next((each for each in expanded.shared if each.value == 0), None)
    if zero is not None:
        return _nothing(zero)
    if expanded.size == 0:
        return Message("All of the paths are 0.")
    if expanded.chief is None or not expanded.chief[1] / expanded.size >= _WORTH_SAYING:
        return None
    through, size = expanded.chief
    return Message(
        "The path through {neurons} counts most, with {share} of the size of all paths.",
        neurons=_chain(through),
        share=f"{size / expanded.size:.0%}",
    )


def _chief_factor(factors: tuple[Expr, ...]) -> Message | None:
    """Say which factor makes a product as small, or as large, as it is; a sum in brackets is one factor."""
    if not all(math.isfinite(each.value) for each in factors):
        return None
    zero = next((each for each in factors if each.value == 0), None)
    if zero is not None:
        return _nothing(zero)
    sizes = [math.log(abs(each.value)) for each in factors]
    if abs(sum(sizes)) < _HARDLY:
        return None
    extreme = min(sizes) if sum(sizes) < 0 else max(sizes)
    chief, *others = [each for each, size in zip(factors, sizes, strict=True) if abs(size - extreme) < _HARDLY]
    if others:
        return None
    if sum(sizes) < 0:
        return Message("{name} is the factor that makes the derivative smallest.", name=_called(chief))
    return Message("{name} is the factor that makes the derivative largest.", name=_called(chief))


def _nothing(zero: Expr) -> Message:
    return Message("{name} is 0, and so is the whole product.", name=_called(zero))


def _called(factor: Expr) -> Any:
    """Give what a factor is called in a sentence: its name, or what stands in brackets where that is short."""
    if isinstance(factor, Ref):
        return factor.name
    return Message("The sum in brackets") if sum(1 for _ in leaves(factor)) > _SHORT else factor


def _chain(neurons: tuple[Name, ...]) -> Any:
    """Write the neurons of a path, the nearest first; by halves, since it may be long."""
    if len(neurons) == 1:
        return neurons[0]
    half = len(neurons) // 2
    return Message("{first} → {next}", first=_chain(neurons[half:]), next=_chain(neurons[:half]))


def _two_figures(number: float) -> float:
    return float(f"{number:.1e}")


def _nudged(name: Name) -> Name:
    """Give what a derivative of the cost is by."""
    if name.symbol == "delta":
        return Name("z", name.layer, name.index, row=name.row)
    assert name.by is not None
    return name.by
