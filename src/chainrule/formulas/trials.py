"""Does a formula take what it will be given, and give what is needed? Each of its functions is called to find out.

The arrays are small and of float32, so that a formula that turns them into float64 shows.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from chainrule.errors import FormulaError, UnknownName
from chainrule.formulas.intervals import is_real
from chainrule.formulas.records import (
    Activation,
    Array,
    Formula,
    Initializer,
    Loss,
    Metric,
    Optimizer,
    Penalty,
    Schedule,
)
from chainrule.language import Message, chained, template

__all__ = ["ROWS", "TARGETS", "guarded", "named", "try_out"]

# No round numbers: kinks lie there, and a slope may be right at 0 and 1 by accident.
ROWS = np.array([[-2.9, -1.13, -0.37], [-0.041, 0.057, 0.43], [0.91, 1.7, 3.1]])
TARGETS = np.tile([0.11, 0.83, 0.47], (3, 1))
_Z = ROWS.astype(np.float32)
_THETA = _Z[0]
_EPOCHS = 3


def guarded(formula: Formula, what: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """Fill in the formula's parameters, and hand the function copies of its arrays, in which it must not write.

    Args:
        formula: whose function it is.
        what: what the function is, for messages.
        function: the function itself.

    Returns:
        A function of the other arguments that raises FormulaError where the formula's own fails or writes.

    >>> from chainrule.formulas import ACTIVATIONS
    >>> guarded(ACTIVATIONS["relu"], "value", ACTIVATIONS["relu"].value)(np.array([-1.0, 2.0])).tolist()
    [0.0, 2.0]
    """
    bound = formula.bound(function)

    def call(*given: Any) -> Any:
        copies = copy.deepcopy(given)
        try:
            with np.errstate(all="ignore"):
                result = bound(*copies)
        except Exception as error:  # whatever a user's function raises
            raise FormulaError(
                "the {what} of {name!r} fails for {given} ({error}); it is called with these and with the formula's "
                "parameters, and must take whole arrays where arrays are given, as NumPy functions do",
                what=what,
                name=formula.name,
                given=_listed(given),
                error=f"{type(error).__name__}: {error}",
            ) from error
        if not _same(given, copies):
            raise FormulaError(
                "the {what} of {name!r} changes its argument; give a new array, such as np.maximum(z, 0) without out=z",
                what=what,
                name=formula.name,
            )
        return result

    return call


def named(name: str, known: Mapping[str, Activation]) -> Activation:
    """Give the activation of this name.

    Raises:
        UnknownName: where none has it.
    """
    if name not in known:
        raise UnknownName.among("activation", name, known)
    return known[name]


def try_out(formula: Formula, known: Mapping[str, Activation]) -> None:
    """Call each function of a formula once or twice, on a few numbers.

    Args:
        formula: a record of any kind.
        known: where the output activations of a loss are found.

    Raises:
        FormulaError: where a function fails, changes its arguments, or gives what cannot be used.
    """
    match formula:
        case Activation():
            _try_activation(formula)
        case Loss():
            _try_loss(formula, known)
        case Penalty():
            for what, function in (
                (Message("value"), formula.value),
                (Message("slope"), formula.slope),
                (Message("project"), formula.project),
            ):
                _expect_like(_Z, formula, what, function, _Z)
        case Initializer():
            _try_initializer(formula)
        case Optimizer():
            _try_optimizer(formula)
        case Schedule():
            _try_schedule(formula)
        case Metric():
            _try_metric(formula)


def _try_activation(formula: Activation) -> None:
    _expect_like(_Z, formula, Message("value"), formula.value, _Z)
    a = guarded(formula, Message("value"), formula.value)(_Z)
    _expect_like(_Z, formula, Message("slope"), formula.slope, _Z, a)
    _expect_like(_Z, formula, Message("pullback"), formula.pullback, _Z, a, _Z[::-1])


def _try_loss(formula: Loss, known: Mapping[str, Activation]) -> None:
    y = TARGETS.astype(np.float32)
    one_each = _Z[:, 0]
    _expect_like(one_each, formula, Message("value"), formula.value, _Z, y)
    _expect_like(_Z, formula, Message("slope"), formula.slope, _Z, y)
    for name, pair in formula.pairs.items():
        _expect_like(one_each, formula, Message("value from logits ({name})", name=name), pair.value, _Z, y)
        _expect_like(
            _Z, formula, Message("slope from logits ({name})", name=name), pair.slope, _Z, named(name, known).f(_Z), y
        )


def _try_initializer(formula: Initializer) -> None:
    draw = np.zeros((2, 3)) if formula.draw == "none" else np.array([[0.11, 0.83, 0.47], [0.92, 0.05, 0.64]])
    W = guarded(formula, Message("value"), formula.value)(draw, 3, 2)
    if not isinstance(W, np.ndarray) or W.shape != draw.shape or W.dtype.kind not in "fiu":
        raise _unfit(formula, Message("value"), W, Message("weights in an array of the draw's shape, (2, 3)"))


def _try_optimizer(formula: Optimizer) -> None:
    # A weight decay comes as a vector, 0 for everything that is no weight.
    masked = {"decay": formula.parameters["decay"] * np.ones_like(_THETA)} if formula.decays else {}
    update = guarded(
        formula, Message("value"), lambda *given, **parameters: formula.value(*given, **{**parameters, **masked})
    )
    result = update(_THETA, _Z[1], formula.start(_THETA), 1, formula.rate)
    slots = len(formula.slots)
    is_pair = isinstance(result, tuple) and len(result) == 2 and isinstance(result[1], tuple)
    if not is_pair or len(result[1]) != slots or not all(_is_like(v, _THETA) for v in (result[0], *result[1])):
        expected = Message(
            "(change, state): a change like theta, {theta}, and a tuple of {slots} such vectors, one for each slot",
            theta=_text(_THETA),
            slots=slots,
        )
        raise _unfit(formula, Message("value"), result, expected)


def _try_schedule(formula: Schedule) -> None:
    for e in (0.0, float(_EPOCHS)):
        what = Message("value at e = {e:g} of E = {E}", e=e, E=_EPOCHS)
        factor = guarded(formula, what, formula.value)(e, _EPOCHS)
        if not is_real(factor) or not 0 <= factor < np.inf:
            raise _unfit(formula, what, factor, Message("a finite number of 0 or more"))


def _try_metric(formula: Metric) -> None:
    classes = formula.task == "classification"
    predicted, truth = (np.array([0, 1, 2, 1]), np.array([0, 2, 2, 1])) if classes else (ROWS[:, :1], ROWS[:, 1:2])
    for weights in (None, np.linspace(0.5, 1, len(truth))):
        figure = guarded(formula, Message("value"), formula.value)(predicted, truth, weights)
        if not is_real(figure):
            raise _unfit(formula, Message("value"), figure, Message("one number"))


def _expect_like(
    example: Array, formula: Formula, what: str, function: Callable[..., Array] | None, *given: Array
) -> None:
    """Call a function, if there is one, which is to give an array of the example's shape and number type."""
    if function is None:
        return
    result = guarded(formula, what, function)(*given)
    if not isinstance(result, np.ndarray) or result.shape != example.shape:
        expected = Message(
            "{array}: one number for each entry" if example.ndim == 2 else "{array}: one number for each row",
            array=_text(example),
        )
        raise _unfit(formula, what, result, expected)
    if result.dtype != example.dtype:
        raise FormulaError(
            "the {what} of {name!r} gives {got} for {given}, and would turn a whole network into that; keep the type "
            "of the argument, such as np.where(z > 0, 1.0, 0.1).astype(z.dtype)",
            what=what,
            name=formula.name,
            got=result.dtype.name,
            given=example.dtype.name,
        )


def _unfit(formula: Formula, what: str, got: object, expected: str) -> FormulaError:
    return FormulaError(
        "the {what} of {name!r} gives {got}; expected {expected}",
        what=what,
        name=formula.name,
        got=_text(got),
        expected=expected,
    )


def _is_like(vector: object, example: Array) -> bool:
    return isinstance(vector, np.ndarray) and vector.shape == example.shape and vector.dtype == example.dtype


def _same(given: Any, copies: Any) -> bool:
    """Whether arrays, and those in tuples, hold the same numbers."""
    if isinstance(given, tuple):
        return all(map(_same, given, copies))
    return not isinstance(given, np.ndarray) or np.array_equal(given, copies, equal_nan=True)


def _text(value: object) -> str:
    """Say what a value is: a number itself, of arrays shape and number type, of anything else its type."""
    if isinstance(value, tuple):
        return Message("({items})", items=_listed(value))
    if isinstance(value, np.ndarray):
        return Message("an array of {kind} and shape {shape}", kind=value.dtype.name, shape=value.shape)
    if is_real(value):
        return f"{value:g}"
    return "None" if value is None else Message("a {kind}", kind=type(value).__name__)


def _listed(values: Iterable[object]) -> str:
    return chained(template("{first}, {next}"), map(_text, values))
