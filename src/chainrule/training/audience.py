"""The callbacks of one training, called in order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from chainrule.errors import ChainruleError, ModelFileError, UsageError
from chainrule.formulas.intervals import POSITIVE, as_float
from chainrule.language import tr
from chainrule.training.callbacks import Callback, Info, Snapshot

__all__ = ["Audience"]

_MAY_COME_AND_GO = ("TimeLimit", "UpdateRatios")  # they change no number of a training
_METHODS = ("begin", "rate_factor", "batch", "epoch", "end")


class Audience:
    """The callbacks of one training: calls each in order, and sees to it that each one's ``end`` is called.

    Args:
        given: one callback or several, with any of the five methods.

    Raises:
        UsageError: for what has none of them.
    """

    def __init__(self, given: Callback | Iterable[Callback]) -> None:
        several = isinstance(given, Iterable) and not any(hasattr(given, method) for method in _METHODS)
        self.callbacks: tuple[Any, ...] = tuple(given) if several else (given,)  # type: ignore[arg-type]
        for each in self.callbacks:
            if isinstance(each, type) or not any(callable(getattr(each, method, None)) for method in _METHODS):
                raise UsageError(
                    "{given!r} is no callback; expected an object with a method begin, rate_factor, batch, epoch or "
                    "end, such as EarlyStopping()",
                    given=each,
                )
        self._batch = _methods(self.callbacks, "batch")
        self.hears_batches = bool(self._batch)  # whether any callback wants to see every batch
        self._epoch = _methods(self.callbacks, "epoch")
        self._factors = _methods(self.callbacks, "rate_factor")
        self.changes_rate = bool(self._factors)  # whether any callback wants to change the learning rate
        self.hears = bool(self._batch or self._epoch or self._factors)  # whether any is called within the loop
        self._begun: list[Any] = []

    def begin(self, info: Info) -> None:
        """Before the first epoch."""
        for each in self.callbacks:
            self._begun.append(each)
            for method in _methods([each], "begin"):
                method(info)

    def rate_factor(self, info: Info) -> float:
        """Before each epoch: give the product of the factors that callbacks ask for.

        Raises:
            UsageError: for one that is no finite number above 0.
        """
        factor = 1.0
        for method in self._factors:
            answer = method(info)
            if as_float(answer) not in POSITIVE:
                raise UsageError(
                    "the callback {method} returned {answer!r}; expected a finite number above 0, by which learning "
                    "rates are multiplied",
                    method=getattr(method, "__qualname__", repr(method)),
                    answer=answer,
                )
            factor *= float(answer)
        return factor

    def batch(self, info: Info) -> str | None:
        """After each batch; the first reason to stop counts."""
        return _first_reason(self._batch, info)

    def epoch(self, info: Info) -> str | None:
        """After each epoch; the first reason to stop counts."""
        return _first_reason(self._epoch, info)

    def memories(self) -> dict[str, dict[str, Any]]:
        """Give what callbacks remember, by their names."""
        return {name: _memory(name, each.state()) for name, each in _remembering(self.callbacks).items()}

    def restore(self, memories: Mapping[str, Mapping[str, Any]]) -> None:
        """Give back to callbacks what they remembered.

        Raises:
            UsageError: where there were other callbacks, or such with other settings.
            ModelFileError: for a memory that is none.
        """
        there = _remembering(self.callbacks)
        differ = [name for name in memories.keys() ^ there.keys() if not name.startswith(_MAY_COME_AND_GO)]
        if differ:
            raise UsageError(
                "the checkpoint was written with the callbacks {was}, and now there are {now} (of those that remember"
                " something); give the same ones",
                was=", ".join(memories) or "–",
                now=", ".join(there) or "–",
            )
        for name, each in there.items():
            if name in memories:
                _restore(name, each, memories[name])

    def end(self, info: Info) -> Snapshot | None:
        """After the last epoch: give the first snapshot; if one raises, the others are called before it counts."""
        kept, errors = self._end(info)
        if errors:
            raise errors[0]
        return kept

    def end_after(self, error: BaseException, info: Info) -> None:
        """Where an error ends training: it is the one that counts; what ``end`` raises besides becomes a note of it."""
        for other in self._end(info)[1]:
            error.add_note(
                tr("Besides, a callback's end raised {kind}: {error}", kind=type(other).__name__, error=other)
            )

    def _end(self, info: Info) -> tuple[Snapshot | None, list[Exception]]:
        found: list[Any] = []
        errors: list[Exception] = []
        for method in _methods(self._begun, "end"):
            try:
                found.append(method(info))
            except Exception as error:
                errors.append(error)
        return next((each for each in found if isinstance(each, Snapshot)), None), errors


def _methods(callbacks: Iterable[Any], name: str) -> list[Callable[[Info], Any]]:
    """Give those that have this method themselves, beyond the empty one of `Callback`."""
    found = [getattr(each, name, None) for each in callbacks]
    empty = getattr(Callback, name)
    return [method for method in found if callable(method) and getattr(method, "__func__", None) is not empty]


def _remembering(callbacks: Iterable[Any]) -> dict[str, Any]:
    """Give those that remember something, by class name; the second of a class is "Name 2", and so on."""
    found: dict[str, Any] = {}
    for each in callbacks:
        if callable(getattr(each, "state", None)) and callable(getattr(each, "restore", None)):
            name = type(each).__name__
            count = 1 + sum(type(other).__name__ == name for other in found.values())
            found[name if count == 1 else f"{name} {count}"] = each
    return found


def _memory(name: str, given: Any) -> dict[str, Any]:
    if isinstance(given, Mapping):
        return dict(given)
    raise UsageError(
        "{name}.state() gave {given!r}; expected a mapping of plain data and arrays of floats", name=name, given=given
    )


def _restore(name: str, callback: Any, memory: Mapping[str, Any]) -> None:
    try:
        callback.restore(memory)
    except ChainruleError:
        raise
    except (LookupError, TypeError, ValueError) as error:
        raise ModelFileError(
            "{name} cannot take back what the checkpoint holds for it: {kind}: {error}",
            name=name,
            kind=type(error).__name__,
            error=error,
        ) from error


def _first_reason(methods: Iterable[Callable[[Info], Any]], info: Info) -> str | None:
    reason: str | None = None
    for method in methods:
        answer = method(info)
        if answer is not None and not isinstance(answer, str):
            raise UsageError(
                "the callback {method} returned {answer!r}; expected None, or a text, which stops training and is the "
                "reason given",
                method=getattr(method, "__qualname__", repr(method)),
                answer=answer,
            )
        reason = reason or answer or None
    return reason
