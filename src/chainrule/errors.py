"""Every exception of the package.

An error is a key and fields, not a finished sentence: the key is the English template, the fields fill it in, and the
sentence is made where it is shown (``str(error)``), in the language in use there. Each says what was given, what was
expected and what to do next.

    ChainruleError
    ├── UsageError            (ValueError)   an argument or a setting that cannot be
    │   ├── UnknownName       (LookupError)  a name that is in no catalogue
    │   └── ShapeError                       arrays or layers that do not fit together
    ├── FormulaError                         a formula that cannot be registered, such as with a wrong slope
    ├── DataError             (ValueError)   data that cannot be read, or read but not used
    ├── ParityError                         a converted model that does not compute what the original computes
    ├── ModelFileError                       a file that is not a whole, valid model file
    ├── SaveError             (OSError)      a file that could not be written; nothing half-written is left
    ├── DivergenceError       (ArithmeticError)  training met a number that is not finite; carries the last good model
    ├── NetworkError                         a download that did not come through
    └── MissingExtra          (ImportError)  an optional package that is not installed
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any

from chainrule.language import Message, tr

__all__ = [
    "ChainruleError",
    "DataError",
    "DivergenceError",
    "FormulaError",
    "MissingExtra",
    "ModelFileError",
    "NetworkError",
    "ParityError",
    "SaveError",
    "ShapeError",
    "UnknownName",
    "UsageError",
]


class ChainruleError(Exception):
    """The root of all errors that this package raises on purpose.

    Args:
        key: the sentence as a format template, such as ``"{path} is empty"``.
        **fields: what fills the template in; kept as given, so that a program can read them. Messages among them are
            translated with it.
    """

    def __init__(self, key: str, /, **fields: Any) -> None:
        super().__init__(key)
        self.key = key
        self.fields = fields

    def __str__(self) -> str:
        return tr(self.key, **self.fields)

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.key, self.fields)


def _rebuild(kind: type[ChainruleError], key: str, fields: dict[str, Any]) -> ChainruleError:
    return kind(key, **fields)


class UsageError(ChainruleError, ValueError):
    """An argument or a setting that cannot be."""


class UnknownName(UsageError, LookupError):
    """A name that is in no catalogue; the sentence offers the nearest names and lists what there is."""

    @classmethod
    def among(cls, what: str, name: object, known: Iterable[str]) -> UnknownName:
        """Make the error for ``name``, which should have been one of ``known``.

        Args:
            what: what is named so, in English: a template without places, or a `Message`.
            name: what was given.
            known: what there is.

        >>> print(UnknownName.among("activation", "rleu", ["relu", "tanh"]))
        unknown activation 'rleu'; did you mean 'relu'? Known: relu, tanh
        """
        names, kind = list(known), what if isinstance(what, Message) else Message(what)
        close = difflib.get_close_matches(str(name).lower(), names, n=1, cutoff=0.5)
        if close:
            return cls(
                "unknown {what} {name!r}; did you mean {close!r}? Known: {known}",
                what=kind,
                name=name,
                close=close[0],
                known=", ".join(names),
            )
        return cls("unknown {what} {name!r}. Known: {known}", what=kind, name=name, known=", ".join(names))


class ShapeError(UsageError):
    """Arrays or layers that do not fit together."""


class FormulaError(ChainruleError):
    """A formula that cannot be registered: its slope is no derivative of its value, or it fails when it is tried."""


class DataError(ChainruleError, ValueError):
    """Data that cannot be read, or read but not used: says the file, the row or column and the remedy."""


class ParityError(ChainruleError):
    """A converted model does not compute what the original computes; says where they differ most."""


class ModelFileError(ChainruleError):
    """A file that is not a whole, valid model file, or checkpoint, of a version this package knows."""


class SaveError(ChainruleError, OSError):
    """A file that could not be written; nothing half-written is left behind."""


class DivergenceError(ChainruleError, ArithmeticError):
    """Training met a loss, gradient or parameter that is not finite.

    Its fields are ``epoch``, ``batch``, ``layer``, ``cause`` (all shown in the sentence) and ``model``: the model as it
    was after the last batch at which everything was finite.
    """

    @property
    def model(self) -> Any:
        """The model after the last batch at which everything was finite."""
        return self.fields["model"]


class NetworkError(ChainruleError):
    """A download that did not come through."""


class MissingExtra(ChainruleError, ImportError):
    """An optional package that is not installed; the sentence names the extra that brings it."""

    @classmethod
    def of(cls, purpose: str, package: str, extra: str) -> MissingExtra:
        """Make the error for ``purpose``, which needs ``package``, which ``chainrule[extra]`` brings.

        >>> print(MissingExtra.of("reading Parquet files", "pyarrow", "parquet"))
        reading Parquet files needs pyarrow, which is not installed. Install it with: pip install "chainrule[parquet]"
        """
        return cls(
            '{purpose} needs {package}, which is not installed. Install it with: pip install "chainrule[{extra}]"',
            purpose=purpose if isinstance(purpose, Message) else Message(purpose),
            package=package,
            extra=extra,
        )
