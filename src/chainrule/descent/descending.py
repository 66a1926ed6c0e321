"""Descent itself: step after step downhill, until there is a reason to stop."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.descent.functions import Function
from chainrule.errors import ShapeError, UsageError
from chainrule.formulas import OPTIMIZERS, Array, Optimizer
from chainrule.formulas.intervals import as_float
from chainrule.language import Message

__all__ = ["Descent", "descend"]

# How far out a point or a value may be, beside the start and its value, before the descent has diverged.
_FAR, _HIGH = 1e6, 1e12
# A value that has grown so many steps in a row, to above where it began, is no overshoot any more.
_GROWING = 3


@dataclass(frozen=True, eq=False)
class Descent:
    """The way down: where it led, and why it ended.

    Args:
        function: what was descended on: ``function.text``, ``function.latex``, ``function.gradient_latex``.
        optimizer: how, with its learning rate.
        path: the points, start included, shape (steps + 1, variables).
        values: J at each point, shape (steps + 1,).
        gradients: its gradient at each point, shape (steps + 1, variables).
        stopped: why it ended, in words.
        diverged: whether it led away from what it looked for: out of bounds, or higher and higher.
        left: whether its next step left the domain of the function.
    """

    function: Function
    optimizer: Optimizer
    path: Array
    values: Array
    gradients: Array
    stopped: Message
    diverged: bool
    left: bool = False

    @property
    def steps(self) -> int:
        """How many steps were made."""
        return len(self.path) - 1

    @property
    def end(self) -> Array:
        """The last point, shape (variables,)."""
        return self.path[-1]

    def rows(self, most: int = 10) -> list[tuple[float, ...]]:
        """Give (step, variables, J, gradient) of the start, the first steps and the last one, as rows of a table.

        >>> [row[0] for row in descend("theta**2", 1, rate=0.4, steps=50).rows(4)]
        [0, 1, 2, 50]
        """
        shown = sorted({*range(min(max(most, 2) - 1, self.steps)), self.steps})
        return [(t, *self.path[t].tolist(), float(self.values[t]), *self.gradients[t].tolist()) for t in shown]

    def __repr__(self) -> str:
        end = ", ".join(f"{x:g}" for x in self.end)
        return f"Descent({self.function}, {self.optimizer}: {self.steps} steps to ({end}); {self.stopped})"


def descend(
    function: str | Callable[..., Any] | Function,
    start: float | Sequence[float] | Array,
    *,
    rate: float | None = None,
    steps: int = 100,
    optimizer: str | Optimizer = "sgd",
    tolerance: float | None = None,
    variables: Sequence[str] = (),
    gradient: Callable[..., Any] | None = None,
) -> Descent:
    r"""Go downhill on a function of one or two variables, as training goes downhill on a cost.

    Plain descent is $\theta \leftarrow \theta - \eta \, g$ with the gradient $g = \nabla J(\theta)$; every optimizer of
    the catalogue can take its place.

    Args:
        function: a formula such as ``"theta1**2 + theta2**2"``, or a Python function of one or two numbers.
        start: where to begin: a number, or two.
        rate: the learning rate; None takes the optimizer's own.
        steps: the most steps to make, at least 1.
        optimizer: by name or record: "sgd", "momentum", ``Adam(0.1)``, ….
        tolerance: stop where no component of the gradient is larger than this; None makes all steps.
        variables: the names of the variables, in order; found where they are not given.
        gradient: a Python function that gives the gradient, where it is not to be found.

    Returns:
        A `Descent`. It ends after all steps; at a small gradient; where the next point has no real value or no
        gradient, so that it left the domain; or where it diverges: where the next value is infinite, or a variable
        (a value) is a million (a million million) times beyond the start.

    Raises:
        UsageError, UnknownName: for a function, a start, a rate or a number of steps that cannot be.
        ShapeError: for a start with another number of numbers than the function has variables.
        MissingExtra: for a formula, where SymPy is not installed.

    >>> descend("(x - 1)**2 + 2*y**2", (0, 1), rate=0.1, steps=500, tolerance=1e-6).end.round(4).tolist()
    [1.0, 0.0]
    >>> print(descend("theta**2", 1, rate=1.1, steps=4).stopped)
    diverging: J has grown in each of the last 4 steps, from 1 to 4.29982; the steps are too long
    """
    chosen = OPTIMIZERS.find(optimizer, **({} if rate is None else {"rate": rate}))
    most, within = _check_steps(steps), _check_tolerance(tolerance)
    found = Function.of(function, variables, gradient=gradient)
    return _walk(found, chosen, _check_start(start, found), most, within)


def _walk(function: Function, optimizer: Optimizer, theta: Array, most: int, within: float | None) -> Descent:
    """Make one step after another."""
    path, (value, g) = [theta], _measure(function, theta)
    values, gradients = [value], [g]
    if not math.isfinite(value) or not np.isfinite(g).all():
        raise UsageError(
            "{function} has no finite real value or no gradient at the start {start}; start elsewhere",
            function=function.text,
            start=", ".join(f"{x:g}" for x in theta),
        )
    step, state = optimizer.bound(optimizer.value), optimizer.start(theta)

    def ended(reason: Message, diverged: bool, left: bool = False) -> Descent:
        courses = np.array(path), np.array(values), np.array(gradients)
        return Descent(function, optimizer, *courses, reason, diverged, left)

    for t in range(1, most + 1):
        if within is not None and np.abs(g).max() <= within:
            break
        with np.errstate(all="ignore"):
            change, state = step(theta, g, state, t, optimizer.rate)
            theta = theta + change
        value, g = _measure(function, theta)
        if not math.isfinite(value) or not np.isfinite(g).all():
            if _is_far(theta, path[0]) or math.isinf(value):
                return ended(Message("diverged: step {t} leads to where J has no finite value", t=t), True)
            told = Message("left the domain of J: step {t} leads to where J has no real value or no slope", t=t)
            return ended(told, False, left=True)
        path.append(theta)
        values.append(value)
        gradients.append(g)
        if _out_of_bounds(path, values):
            return ended(Message("diverged: after {t} steps J is {value:.3g}", t=t, value=value), True)
    if within is not None and np.abs(g).max() <= within:
        return ended(Message("no component of the gradient is larger than {tolerance:g}", tolerance=within), False)
    return ended(*_at_the_end(values))


def _measure(function: Function, theta: Array) -> tuple[float, Array]:
    """Give value and gradient at a point; nan where the function has none."""
    value = float(function.value(theta)) if np.isfinite(theta).all() else math.nan
    return value, function.gradient(theta) if math.isfinite(value) else np.full_like(theta, math.nan)


def _is_far(theta: Array, start: Array) -> bool:
    return not bool(np.abs(theta).max() <= _FAR * max(1.0, np.abs(start).max()))  # nan is far, too


def _out_of_bounds(path: list[Array], values: list[float]) -> bool:
    return bool(_is_far(path[-1], path[0]) or abs(values[-1]) > _HIGH * max(1.0, abs(values[0])))


def _at_the_end(values: list[float]) -> tuple[Message, bool]:
    """Say that all steps were made, and whether they led upwards."""
    rising = 0
    while rising < len(values) - 1 and values[-1 - rising] > values[-2 - rising]:
        rising += 1
    if rising >= _GROWING and values[-1] > values[0]:
        told = Message(
            "diverging: J has grown in each of the last {count} steps, from {first:g} to {last:g}; "
            "the steps are too long",
            count=rising,
            first=values[-1 - rising],
            last=values[-1],
        )
        return told, True
    return Message("all {steps} steps were made", steps=len(values) - 1), False


def _check_steps(steps: int) -> int:
    if isinstance(steps, bool) or not isinstance(steps, (int, np.integer)) or steps < 1:
        raise UsageError("steps is {steps!r}; expected a whole number of at least 1", steps=steps)
    return int(steps)


def _check_tolerance(tolerance: float | None) -> float | None:
    if tolerance is not None and not 0 <= as_float(tolerance) < math.inf:
        raise UsageError("tolerance is {tolerance!r}; expected a number of 0 or more, or None", tolerance=tolerance)
    return None if tolerance is None else float(tolerance)


def _check_start(start: Any, function: Function) -> Array:
    try:
        theta = np.array(start, dtype=np.float64).reshape(-1)
    except (TypeError, ValueError):
        raise UsageError("start is {start!r}; expected a number, or two", start=start) from None
    if len(theta) != len(function.variables):
        raise ShapeError(
            "the start {start!r} does not fit {function}, a function of {names}: give one number for each variable",
            start=start,
            function=function.text,
            names=", ".join(function.variables),
        )
    if not np.isfinite(theta).all():
        raise UsageError("start is {start!r}; expected finite numbers", start=start)
    return theta
