"""Is the slope the derivative of the value? Every formula that a user registers is asked, and by the tests all of ours.

The complex step, f'(x) = Im f(x + i h) / h with h = 1e-30, has no subtraction and so no rounding error. Where a formula
cannot take complex numbers (``np.abs`` drops the imaginary part, say), central differences stand in, with their looser
tolerance.

Source: W. Squire and G. Trapp, "Using complex variables to estimate derivatives of real functions", SIAM Review 1998.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import NamedTuple

import numpy as np

from chainrule.errors import FormulaError
from chainrule.formulas import activations
from chainrule.formulas.records import Activation, Array, Formula, Loss, Penalty
from chainrule.formulas.trials import ROWS, TARGETS, guarded, named, try_out
from chainrule.language import Message

__all__ = ["check", "derivative"]

_STEP = 1e-30
_COMPLEX_TOLERANCE = 1e-10
_CENTRAL_TOLERANCE = 1e-6
_POINTS = np.array([-7.3, *ROWS.flat, 6.7])
# Errors that come back from the outputs of a softmax-like activation.
_BACK = np.array([[0.3, -1.1, 0.7], [1.9, 0.2, -0.6], [-0.8, 1.3, 0.5]])


def derivative(value: Callable[[Array], Array], x: Array) -> tuple[Array, float]:
    """Give the numerical derivative of an elementwise function at x, and the relative tolerance it deserves.

    >>> import numpy as np
    >>> float(derivative(np.exp, np.array([0.0]))[0][0])
    1.0
    """
    h = 6e-6 * np.maximum(1.0, np.abs(x))
    with np.errstate(all="ignore"):
        central = (np.asarray(value(x + h)) - np.asarray(value(x - h))) / (2 * h)
    stepped = _complex_step(value, x)
    # A formula that loses the imaginary part on its way still gives some complex number: the differences tell.
    if stepped is not None and stepped.shape == central.shape and _agree(stepped, central, _CENTRAL_TOLERANCE).all():
        return stepped, _COMPLEX_TOLERANCE
    return central, _CENTRAL_TOLERANCE


def _complex_step(value: Callable[[Array], Array], x: Array) -> Array | None:
    """Give the derivative by the complex step; None where the function does not take complex numbers."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            stepped = np.asarray(value(x + 1j * _STEP))
    except Exception:  # whatever a user's function raises: it does not take complex numbers
        return None
    return stepped.imag / _STEP if np.iscomplexobj(stepped) else None


def _agree(one: Array, other: Array, tolerance: float) -> Array:
    with np.errstate(all="ignore"):
        return np.abs(one - other) <= tolerance * np.maximum(1.0, np.abs(other))


class _Claim(NamedTuple):
    """``slope(x)`` is said to be the derivative of ``value(x)``, entry by entry, at the points x."""

    value: Callable[[Array], Array]
    slope: Callable[[Array], Array]
    x: Array


def check(formula: Formula, activations: Iterable[Activation] = activations.RECORDS) -> None:
    """Call a formula's functions, and hold its slope against the numerical derivative of its value.

    Args:
        formula: a record of any kind; those without a slope are only called.
        activations: where the output activations of a loss are found.

    Raises:
        FormulaError: where they differ; it names the point, both numbers and the likely kind of mistake. Also where a
            function fails, changes its arguments, or gives another shape or number type than is needed.

    >>> from chainrule.formulas import ACTIVATIONS
    >>> check(ACTIVATIONS["tanh"])
    """
    known = {each.name: each for each in activations}
    try_out(formula, known)
    for claim in _claims(formula, known):
        found, tolerance = derivative(claim.value, claim.x)
        _compare(formula, claim.x, np.asarray(claim.slope(claim.x)), found, tolerance)


def _claims(formula: Formula, known: Mapping[str, Activation]) -> Iterator[_Claim]:
    if isinstance(formula, Activation):
        yield from _activation_claims(formula)
    elif isinstance(formula, Loss):
        yield from _loss_claims(formula, known)
    elif isinstance(formula, Penalty):
        # Where no slope is stated the gradient gets none: such a penalty has a limit and no price.
        slope = np.zeros_like if formula.slope is None else guarded(formula, Message("slope"), formula.slope)
        yield _Claim(guarded(formula, Message("value"), formula.value), slope, _POINTS)


def _activation_claims(formula: Activation) -> Iterator[_Claim]:
    f = guarded(formula, Message("value"), formula.value)
    if formula.pullback is not None:
        # The function sum_j g_j a_j of z has the slopes that the pullback should give.
        back = guarded(formula, Message("pullback"), formula.pullback)
        yield from _column_claims(lambda z: np.sum(f(z) * _BACK, axis=-1), lambda z: back(z, f(z), _BACK))
    elif formula.slope is not None:
        slope = guarded(formula, Message("slope"), formula.slope)
        yield _Claim(f, lambda z: slope(z, f(z)), _POINTS)


def _loss_claims(formula: Loss, known: Mapping[str, Activation]) -> Iterator[_Claim]:
    y = TARGETS / TARGETS.sum(axis=-1, keepdims=True) if formula.targets == "distribution" else TARGETS
    for value, slope in _loss_forms(formula, known):
        yield from _column_claims(partial(_with_targets, value, y), partial(_with_targets, slope, y))


def _loss_forms(formula: Loss, known: Mapping[str, Activation]) -> Iterator[tuple[Callable[..., Array], ...]]:
    """Give value and slope as functions of outputs, then of logits, and of targets."""
    if formula.slope is not None:
        yield guarded(formula, Message("value"), formula.value), guarded(formula, Message("slope"), formula.slope)
    for name, pair in formula.pairs.items():
        slope, f = guarded(formula, Message("slope"), pair.slope), named(name, known).f
        yield guarded(formula, Message("value"), pair.value), partial(_pair_slope, slope, f)


def _pair_slope(slope: Callable[..., Array], f: Callable[[Array], Array], z: Array, y: Array) -> Array:
    return slope(z, f(z), y)


def _with_targets(function: Callable[..., Array], y: Array, x: Array) -> Array:
    return function(x, y)


def _column_claims(value: Callable[[Array], Array], slope: Callable[[Array], Array]) -> Iterator[_Claim]:
    """Claim the slopes of a function of rows (one number for each) by one column after the other."""
    for k in range(ROWS.shape[1]):
        yield _Claim(partial(_value_along, value, k), partial(_slope_along, slope, k), ROWS[:, k])


def _value_along(value: Callable[[Array], Array], k: int, column: Array) -> Array:
    return value(_with(ROWS, k, column))


def _slope_along(slope: Callable[[Array], Array], k: int, column: Array) -> Array:
    return slope(_with(ROWS, k, column))[:, k]


def _with(rows: Array, k: int, column: Array) -> Array:
    changed = rows.astype(np.result_type(rows, column))
    changed[:, k] = column
    return changed


def _compare(formula: Formula, at: Array, stated: Array, found: Array, tolerance: float) -> None:
    right = _agree(stated, found, tolerance)
    if not right.all():
        i = int(np.argmin(right))
        raise FormulaError(
            "the slope of {name!r} is not the derivative of its value: at {at:.6g} the slope gives {stated:.10g}, the "
            "numerical derivative is {found:.10g}; correct the slope (a factor, a sign, or z where a is meant)",
            name=formula.name,
            at=float(at[i]),
            stated=float(stated[i]),
            found=float(found[i]),
        )
