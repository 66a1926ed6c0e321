"""What a lesson is: a name, what it teaches, settings that can be changed, and a function that tells it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from chainrule.errors import UnknownName, UsageError
from chainrule.language import Message

__all__ = ["Lesson", "Setting"]


@dataclass(frozen=True)
class Setting:
    """Something in a lesson that a learner may change; an option of the command line, an argument in Python.

    Args:
        name: as in Python, such as ``"rate"`` or ``"test_share"``.
        default: the lesson's own value. Its type says what may be given: a number, a text, a truth value, a vector
            (tuple of numbers) or a matrix (tuple of such tuples).
        text: what it is, in a few words.
        kind: the type, where the default is None: ``str``, ``int`` or ``float``.
        choices: the texts that may be given, or none for any.
        least: the smallest number that may be given.
        above: a number that must be exceeded.
        most: the largest number that may be given.
        any_size: whether a vector or matrix may have another shape than the default's.
        place: whether it only says where files are: the lesson tells the same, wherever they are.
        python: whether a Python function may be given, too, in Python.
    """

    name: str
    default: Any
    text: str
    kind: type | None = None
    choices: tuple[str, ...] = ()
    least: float | None = None
    above: float | None = None
    most: float | None = None
    any_size: bool = False
    place: bool = False
    python: bool = False

    @property
    def type(self) -> type:
        """What a value is: ``int``, ``float``, ``str``, ``bool`` or ``tuple``."""
        return self.kind or type(self.default)

    def read(self, given: Any) -> Any:
        """Give the value that was meant: a number, a text, or tuples of floats; texts are read as numbers are written.

        A vector is written ``2,3`` or ``2 3``; a matrix has its rows set apart by semicolons, ``1 2; 3 4``.

        Raises:
            UsageError: where it is none, out of bounds, or none of the choices.
        """
        if given is None and self.default is None:
            return None
        if self.python and callable(given):
            return given
        if self.type is tuple:
            value: Any = self._read_array(given)
        elif self.type is str:
            value = self._read_text(given)
        elif self.type is bool:
            value = self._read_truth(given)
        else:
            value = self._read_number(given)
        return value

    def _read_text(self, given: Any) -> str:
        value = str(given)
        if self.choices and value not in self.choices:
            raise UnknownName.among(self.name, value, self.choices)
        return value

    def _read_number(self, given: Any) -> Any:
        try:
            value = float(given)
            if not math.isfinite(value) or isinstance(given, bool):
                raise ValueError
            if self.type is int and value != int(value):
                raise ValueError
        except (TypeError, ValueError, OverflowError):
            raise self._wrong(given, Message("a whole number" if self.type is int else "a number")) from None
        if self.least is not None and value < self.least:
            raise self._wrong(given, f">= {self.least:g}")
        if self.above is not None and value <= self.above:
            raise self._wrong(given, f"> {self.above:g}")
        if self.most is not None and value > self.most:
            raise self._wrong(given, f"<= {self.most:g}")
        return self.type(value)

    def _read_truth(self, given: Any) -> bool:
        if isinstance(given, bool):
            return given
        raise self._wrong(given, "True / False")

    def _read_array(self, given: Any) -> tuple[Any, ...]:
        matrix = bool(self.default) and isinstance(self.default[0], tuple)
        try:
            entries = given
            if isinstance(given, str):
                rows = [row.replace(",", " ").split() for row in given.split(";")]
                entries = rows if matrix else rows[0] if len(rows) == 1 else None
            value: tuple[Any, ...] = tuple(map(self._row if matrix else self._entry, entries))
        except (TypeError, ValueError):
            raise self._wrong(given, self._array_expected(matrix)) from None
        lengths = [len(row) for row in value] if matrix else [len(value)]
        known = [len(row) for row in self.default] if matrix else [len(self.default)]
        if not all(lengths) or len(set(lengths)) != 1 or not (self.any_size or lengths == known):
            raise self._wrong(given, self._array_expected(matrix))
        return value

    def _array_expected(self, matrix: bool) -> Message:
        if self.any_size:
            return Message("rows of equally many numbers" if matrix else "numbers")
        if matrix:
            return Message("{rows} rows of {columns} numbers", rows=len(self.default), columns=len(self.default[0]))
        return Message("{count} numbers", count=len(self.default))

    @classmethod
    def _row(cls, given: Any) -> Any:
        return tuple(map(cls._entry, given))

    @staticmethod
    def _entry(given: Any) -> Any:
        value = float(given)
        if not math.isfinite(value):
            raise ValueError
        return value

    def _wrong(self, given: Any, expected: str) -> UsageError:
        fields = {"name": self.name, "given": given, "expected": expected, "default": self.written(self.default)}
        if self.default is None:
            return UsageError("{name} is {given!r}; expected {expected}", **fields)
        return UsageError("{name} is {given!r}; expected {expected}, such as {default}", **fields)

    @staticmethod
    def written(value: Any) -> str:
        """Write a value as one types it; a Python function is its name.

        >>> Setting.written(((1.0, 2.0), (3.0, 4.5))), Setting.written((2.0, 3.0)), Setting.written(0.4)
        ('1,2;3,4.5', '2,3', '0.4')
        """
        if isinstance(value, tuple):
            if value and isinstance(value[0], tuple):
                return ";".join(Setting.written(row) for row in value)
            return ",".join(map(Setting.written, value))
        if callable(value):
            return str(getattr(value, "__name__", type(value).__name__))
        return repr(value).removesuffix(".0") if isinstance(value, float) else str(value)


@dataclass(frozen=True)
class Lesson:
    """One worked example.

    Args:
        name: what one types to run it, such as ``"step-by-step"``.
        title: its heading, an English template.
        summary: one line on what it shows, an English template.
        tell: the function that tells it, given a `Story` and a keyword argument for each setting.
        settings: what can be changed.
        extra: the optional extra of the package that it needs, or an empty text.
        animated: whether it gives an animation.
    """

    name: str
    title: str
    summary: str
    tell: Callable[..., None]
    settings: tuple[Setting, ...] = ()
    extra: str = ""
    animated: bool = False

    def read(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Give a value for each setting: what is given, checked, and the lesson's own for the others.

        Raises:
            UnknownName: for a setting that the lesson does not have.
            UsageError: for a value that a setting cannot take.
        """
        known = {setting.name: setting for setting in self.settings}
        for name in given:
            if name not in known:
                raise UnknownName.among(Message("setting of lesson {name}", name=self.name), name, known)
        return {name: setting.read(given.get(name, setting.default)) for name, setting in known.items()}
