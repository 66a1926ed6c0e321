"""What is checked: a value with a gradient that is said to be its, by arrays that have names."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.errors import UsageError
from chainrule.explain.gradcheck.calling import Calls, arranged, called, copied, name_of
from chainrule.explain.gradcheck.numerical import Value
from chainrule.explain.gradcheck.trees import gradients_in, leaves, read_like, rebuilt
from chainrule.formulas import Array
from chainrule.language import Message

__all__ = ["Point", "Subject", "subject_of"]


@dataclass(frozen=True, eq=False)
class Point:
    """Where value and gradient are computed.

    Args:
        label: what this point is, for readers.
        arrays: the parameters.
        data: the other arguments.
        own: whether it is the user's.
        rows: how many examples stand here for one of the user's, or None.
    """

    label: Message
    arrays: list[Array]
    data: list[Any]
    own: bool = False
    rows: int | None = None


@dataclass(frozen=True, eq=False)
class Subject:
    """A value and a gradient that is said to be its.

    Args:
        name: what is checked.
        names: the arrays by which is differentiated.
        value: ``value(arrays, data)`` gives the value; arrays may be complex.
        gradient: ``gradient(arrays, data)`` gives one array for each, with whatever shape it comes in.
        data_names: the other arguments.
        step_rate: the rate of a training step that the gradient is read from, or None.
        changes: ``changes(arrays, data)`` names the arguments that computing the value changes in place.
    """

    name: str
    names: list[str]
    value: Callable[[Sequence[Array], Sequence[Any]], Any]
    gradient: Callable[[Sequence[Array], Sequence[Any]], list[Array]]
    data_names: list[str]
    step_rate: float | None = None
    changes: Callable[[Sequence[Array], Sequence[Any]], list[str]] = lambda arrays, data: []

    def at(self, data: Sequence[Any]) -> Value:
        """Give the value as a function of the arrays alone."""
        return lambda arrays: self.value(arrays, data)


def subject_of(
    f: Callable[..., Any],
    theta: Any,
    data: Sequence[Any],
    gradient: Callable[..., Any] | None,
    step: Callable[..., Any] | None,
    rate: float | None,
) -> tuple[Subject, Point]:
    """Make a subject of a user's function.

    Args:
        f: gives (value, gradient), or the value alone where one of the next two is given.
        theta: the parameters to start from.
        data: other arguments.
        gradient: gives the gradient.
        step: gives the parameters after one step of gradient descent, or changes them in place.
        rate: the learning rate of that step.

    Raises:
        UsageError: for functions that cannot be called so.
    """
    calls = arranged(f, theta, data)
    if len(calls.names) == 1:
        named = [*leaves(theta, calls.names[0])]
    else:
        named = [leaf for name, part in zip(calls.names, theta, strict=True) for leaf in leaves(part, name, inner=True)]
    if not named:
        raise UsageError("there are no parameters in {theta!r}; expected an array, or several", theta=theta)
    names = [name for name, _ in named]
    other = gradient or step
    ask = arranged(other, theta, data).call if other is not None else None
    reader = _Reader(name_of(f), theta, names, calls, ask, rate if step is not None else None)
    subject = Subject(name_of(f), names, reader.value, reader.gradient, calls.data, reader.rate, reader.changes)
    label = Message("your own point")
    return subject, Point(label, [array for _, array in named], copied(data), own=True)


@dataclass(frozen=True, eq=False)
class _Reader:
    """Calls a user's functions and reads what they give."""

    name: str
    theta: Any
    names: list[str]
    calls: Calls
    ask: Callable[..., Any] | None
    rate: float | None

    def value(self, arrays: Sequence[Array], data: Sequence[Any]) -> Any:
        """Give the value, one number, maybe complex."""
        result = self._asked(self.calls.call, arrays, data)
        return self._number(self._pair(result)[0] if self.ask is None else result)

    def gradient(self, arrays: Sequence[Array], data: Sequence[Any]) -> list[Array]:
        """Give the gradient, array by array."""
        # In training, too, a backward pass follows a forward pass, which may leave behind what it needs.
        result = self._asked(self.calls.call, arrays, data)
        if self.ask is None:
            return [*self._read(self._counted(self._pair(result)[1]))]
        if self.rate is None:
            return [*self._read(self._counted(self._asked(self.ask, arrays, data)))]
        before = [np.array(array) for array in arrays]
        theta = rebuilt(self.theta, iter(before))
        returned = called(lambda: self.ask(theta, copied(data)))  # type: ignore[misc]
        after = [*self._read(theta if returned is None else returned)]
        return [np.asarray((old - new) / self.rate) for old, new in zip(arrays, after, strict=True)]

    def changes(self, arrays: Sequence[Array], data: Sequence[Any]) -> list[str]:
        """Name the arguments that the function changes in place."""
        theta, given = rebuilt(self.theta, iter(arrays)), copied(data)
        called(lambda: self.calls.call(theta, given))
        after = [array for _, array in leaves(theta, "")]
        changed = [name for name, a, b in zip(self.names, arrays, after, strict=True) if not np.array_equal(a, b)]
        others = [isinstance(a, np.ndarray) and not np.array_equal(a, b) for a, b in zip(data, given, strict=True)]
        return changed + [name for name, other in zip(self.calls.data, others, strict=False) if other]

    def _asked(self, function: Callable[..., Any], arrays: Sequence[Array], data: Sequence[Any]) -> Any:
        theta, given = rebuilt(self.theta, iter(arrays)), copied(data)
        return called(lambda: function(theta, given))

    def _pair(self, result: Any) -> tuple[Any, Any]:
        if not isinstance(result, (tuple, list)) or len(result) < 2:
            raise UsageError(
                "{name} gives {given}; expected the value and its gradient, return C, gradient, or only the value, "
                "and gradient= another function",
                name=self.name,
                given=_text(result),
            )
        if len(result) == 2:
            if np.ndim(_plain(result[0])) > 0 and np.ndim(_plain(result[1])) == 0:
                raise UsageError(
                    "{name} gives {first} and {second}; expected the value first, one number, then the gradient",
                    name=self.name,
                    first=_text(result[0]),
                    second=_text(result[1]),
                )
            return result[0], result[1]
        return result[0], tuple(result[1:])  # return C, dW1, db1

    def _number(self, value: Any) -> Any:
        plain = _plain(value)
        if isinstance(plain, np.ndarray) and plain.size == 1 and plain.dtype.kind in "biufc":
            return plain.reshape(())
        raise UsageError(
            "the value of {name} is {given}; expected one number: the sum or the mean of the losses",
            name=self.name,
            given=_text(value),
        )

    def _read(self, given: Any) -> Iterator[Array]:
        return read_like(self.theta, given, iter(self.names), self._missing)

    def _counted(self, given: Any) -> Any:
        """Give a gradient back.

        Raises:
            UsageError: where there are more or fewer of them than parameters, by what can be told from their shapes.
        """
        n = gradients_in(self.theta, given)
        if n is None:
            return given
        names = ", ".join(self.names)
        if n == 1:
            raise UsageError(
                "{name} gives 1 gradient for {n} parameters ({names}); expected one for each, in their order",
                name=self.name,
                n=len(self.theta),
                names=names,
            )
        raise UsageError(
            "{name} gives {n} gradients for 1 parameter ({names}); put the parameters into a tuple, one for each "
            "gradient",
            name=self.name,
            n=n,
            names=names,
        )

    def _missing(self, name: str, given: Any) -> UsageError:
        return UsageError(
            "the gradient of {name} by {parameter} is {given}; expected real numbers in the form of the parameters: "
            "{names}",
            name=self.name,
            parameter=name,
            given=_text(given),
            names=", ".join(self.names),
        )


def _plain(value: Any) -> Any:
    """Give what numbers a value holds, as an array; None for what holds none."""
    if value is None or isinstance(value, (dict, str)):
        return np.array(["no number"])
    try:
        return np.asarray(value)
    except ValueError:
        return np.array(["no number"])


def _text(value: Any) -> Message:
    """Say what was given, in a word or two."""
    if isinstance(value, np.ndarray):
        return Message("an array of shape {shape} ({kind})", shape=value.shape, kind=value.dtype.name)
    if isinstance(value, dict):
        return Message("a dict of {names}", names=", ".join(map(str, value)) or Message("nothing"))
    if isinstance(value, (list, tuple)):
        return Message("a {kind} of {n}", kind=type(value).__name__, n=len(value))
    if value is None:
        return Message("None")
    return Message("a {kind}", kind=type(value).__name__)
