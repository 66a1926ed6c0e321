"""Calling a function that somebody else wrote: in silence, on copies, and with its failures named by their line."""

from __future__ import annotations

import contextlib
import copy
import inspect
import io
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from chainrule.errors import UsageError
from chainrule.language import Message

__all__ = ["Calls", "Failure", "arranged", "called", "copied", "name_of", "of_a_class", "quiet"]


class Failure(Exception):
    """A function of the user's raised; says what and where.

    Args:
        error: what it raised.
    """

    def __init__(self, error: BaseException) -> None:
        super().__init__(str(error))
        self.error = error

    def told(self) -> Message:
        """Say what was raised, and in which line of which file."""
        here = Path(__file__).parent
        frames = [
            frame for frame in traceback.extract_tb(self.error.__traceback__) if Path(frame.filename).parent != here
        ]
        own = [frame for frame in frames if "site-packages" not in frame.filename] or frames
        what = f"{type(self.error).__name__}: {self.error}".strip()
        if not own:
            return Message("{what}", what=what)
        place = own[-1]
        return Message("{what} ({file}, line {line})", what=what, file=Path(place.filename).name, line=place.lineno)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Let what is called print and warn in vain: it is called a thousand times.

    Standard output and the filters of warnings belong to the whole program: what other threads print and warn of while
    the block lasts is lost as well.
    """
    with warnings.catch_warnings(), np.errstate(all="ignore"), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        yield


def called(function: Callable[[], Any]) -> Any:
    """Call a function.

    Raises:
        Failure: whatever it raises.
    """
    try:
        return function()
    except Exception as error:
        raise Failure(error) from error


def name_of(f: Any) -> str:
    """Give what a function is called."""
    return str(getattr(f, "__name__", type(f).__name__))


def of_a_class(name: str) -> UsageError:
    """Make the error for a class, an object or a method where a function of the parameters is needed."""
    return UsageError(
        "{name} belongs to a class, which keeps its parameters to itself; write a function of three lines around it "
        "that takes them, puts them in, and returns value and gradient: docs/gradcheck.md shows one, under "
        "'Three ways to hand over your code'",
        name=name,
    )


class Calls(NamedTuple):
    """How a function is called.

    Args:
        call: a function of (theta, data).
        names: what the function calls its parameters: one name, or one for each part of theta.
        data: what it calls its other arguments.
    """

    call: Callable[[Any, Sequence[Any]], Any]
    names: list[str]
    data: list[str]


def arranged(f: Callable[..., Any], theta: Any, data: Sequence[Any]) -> Calls:
    """Find how a function takes its parameters: as one argument, one by one, or by their names.

    Args:
        f: ``f(theta, *data)``, ``f(W1, b1, …, *data)``, or any order where theta is a dict of its arguments' names.
        theta: the parameters.
        data: the other arguments.

    Raises:
        UsageError: where the function takes them in none of these ways.

    >>> calls = arranged(lambda w, b, x: w * x + b, (2.0, 1.0), [10.0])
    >>> calls.call((2.0, 1.0), [10.0]), calls.names, calls.data
    (21.0, ['w', 'b'], ['x'])
    """
    try:
        signature = inspect.signature(f)
    except (TypeError, ValueError):  # of some functions written in C nobody knows
        return _named(lambda theta, data: f(theta, *data), [], 1, data)
    listed = list(signature.parameters.values())
    names = [p.name for p in listed if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    if isinstance(theta, Mapping) and theta and all(key in names for key in theta):
        rest = [name for name in names if name not in theta]
        if len(data) <= len(rest) and _binds(signature, **{**theta, **dict(zip(rest, data, strict=False))}):
            return Calls(lambda theta, data: f(**theta, **dict(zip(rest, data, strict=False))), ["theta"], rest)
    starred = bool(listed) and listed[0].kind is inspect.Parameter.VAR_POSITIONAL
    if not starred and _binds(signature, theta, *data):
        return _named(lambda theta, data: f(theta, *data), names, 1, data)
    if isinstance(theta, (list, tuple)) and _binds(signature, *theta, *data):
        return _named(lambda theta, data: f(*theta, *data), [] if starred else names, len(theta), data)
    raise UsageError(
        "{name}{signature} cannot be called with what gradcheck was given, parameters ({parameters}) and {n} other "
        "arguments; it is called as f(theta, X, Y), as f(W1, b1, X, Y) where the parameters are a tuple, or by name "
        "where they are a dict of argument names",
        name=name_of(f),
        signature=signature,
        parameters=type(theta).__name__,
        n=len(data),
    )


def _named(call: Callable[[Any, Sequence[Any]], Any], names: list[str], n: int, data: Sequence[Any]) -> Calls:
    """Name the first n arguments as the parameters and the rest as the data, as far as names are known."""
    if len(names) < n + len(data):
        names = [
            *(["theta"] if n == 1 else [f"theta[{k}]" for k in range(n)]),
            *(f"data[{k}]" for k in range(len(data))),
        ]
    return Calls(call, names[:n], names[n : n + len(data)])


def _binds(signature: inspect.Signature, *given: Any, **named: Any) -> bool:
    try:
        signature.bind(*given, **named)
    except TypeError:
        return False
    return True


def copied(data: Sequence[Any]) -> list[Any]:
    """Give arguments that a function may spoil; what cannot be copied is handed over as it is."""
    result = []
    for each in data:
        try:
            result.append(copy.deepcopy(each))
        except Exception:  # a generator or an open file, say
            result.append(each)
    return result
