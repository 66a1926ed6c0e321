"""What the lessons on descent have in common: the function that a learner gives, looked at before anything is told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from chainrule.descent import Function, descend
from chainrule.errors import UsageError
from chainrule.lessons.story import Story

__all__ = ["function_of_one", "function_of_two", "rates_around", "show_function"]

_LARGEST = 1e300  # beyond it a rate soon is no number


def function_of_one(given: str | Callable[..., Any], start: float) -> Function:
    """Read a function of one variable, and see that it can be descended on from this start.

    Raises:
        UsageError: it is no such function, or has no value or slope at the start.

    >>> function_of_one("theta**2", 1.0).variables
    ('theta',)
    """
    found = Function.of(given)
    if len(found.variables) != 1:
        raise UsageError(
            "{function} is a function of {names}; lesson descent-1d takes a function of one variable. For two there is"
            " lesson descent-2d",
            function=found.text,
            names=", ".join(found.variables),
        )
    return _descended(found, start)


def function_of_two(given: str | Callable[..., Any], start: Sequence[float]) -> Function:
    """Read a function of two variables, and see that it can be descended on from this start.

    Raises:
        UsageError: it is no such function, or has no value or slope at the start.

    >>> function_of_two("x * y", (1.0, 2.0)).variables
    ('x', 'y')
    """
    found = Function.of(given)
    if len(found.variables) != 2:
        raise UsageError(
            "{function} is a function of {names} alone; lesson descent-2d takes a function of two variables. For one"
            " there is lesson descent-1d",
            function=found.text,
            names=", ".join(found.variables),
        )
    return _descended(found, start)


def _descended(found: Function, start: float | Sequence[float]) -> Function:
    descend(found, start, rate=1.0, steps=1)
    return found


def rates_around(rate: float, small: float | None = None, large: float | None = None) -> list[float]:
    """Give a rate and those to compare it with, in order and each once; one that is None is chosen.

    >>> rates_around(0.4), rates_around(0.4, small=0.4, large=0.1)
    ([0.02, 0.4, 1.1], [0.1, 0.4])
    """
    small = rate / 20 if small is None else small
    large = min(float(f"{rate * 2.75:.6g}"), _LARGEST) if large is None else large
    return sorted({small, rate, large})


def show_function(story: Story, function: Function) -> None:
    """Show a function with its derivatives, where SymPy knows them."""
    if not function.latex:
        story.say("SymPy finds no formula for this Python function, so its slope is computed from its values.")
    elif len(function.variables) == 1:
        story.say("The function, and the derivative that SymPy finds for it:")
    else:
        story.say("The function, and the derivatives that SymPy finds for it:")
    if function.latex:
        story.formula(*function.equations)
