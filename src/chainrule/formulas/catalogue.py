"""The catalogue: name -> record. Look-ups, help texts and the tests that run over every formula read these tables.

A user's own formula joins with ``register``, which tries it out and checks its derivative; a formula can also be given
directly wherever a name can, but only a registered one can be saved in a model file, since files hold names and never
code.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Generic, TypeVar, overload

from chainrule.errors import UnknownName, UsageError
from chainrule.formulas import activations, initializers, losses, metrics, optimizers, penalties, schedules
from chainrule.formulas.checking import check
from chainrule.formulas.records import (
    Activation,
    Formula,
    Initializer,
    Loss,
    Metric,
    Optimizer,
    Penalty,
    Schedule,
)
from chainrule.language import Message

__all__ = [
    "ACTIVATIONS",
    "CATALOGUES",
    "INITIALIZERS",
    "LOSSES",
    "METRICS",
    "OPTIMIZERS",
    "PENALTIES",
    "SCHEDULES",
    "Catalogue",
    "register",
]

R = TypeVar("R", bound=Formula)
D = TypeVar("D")


class Catalogue(Mapping[str, R], Generic[R]):
    """A table of formulas of one kind, by name.

    Args:
        what: what the formulas are, in the singular, for messages.
        kind: the class of the records.
        records: the built-in formulas.
        aliases: other names that people use, with the name that is meant.

    >>> ACTIVATIONS["relu"] is ACTIVATIONS["ReLU"] is ACTIVATIONS.find("relu")
    True
    >>> print(ACTIVATIONS.find("leaky_relu", alpha=0.2))
    leaky_relu(alpha=0.2)
    >>> "rleu" in ACTIVATIONS
    False
    >>> ACTIVATIONS["rleu"]
    Traceback (most recent call last):
      ...
    chainrule.errors.UnknownName: unknown activation 'rleu'; did you mean 'relu'? Known: step, identity, sigmoid, ...
    """

    def __init__(
        self, what: str, kind: type[R], records: Iterable[R], aliases: Mapping[str, str] | None = None
    ) -> None:
        self.what: str = Message(what)
        self.kind = kind
        self._records = {record.name: record for record in records}
        self._built_in = frozenset(self._records)
        self._aliases = dict(aliases or {})

    def __getitem__(self, name: str) -> R:
        key = self._key(name)
        if key is None:
            raise UnknownName.among(self.what, name, self._records)
        return self._records[key]

    # Those of Mapping wait for a KeyError.
    def __contains__(self, name: object) -> bool:
        return self._key(name) is not None

    @overload
    def get(self, name: str, /) -> R | None: ...
    @overload
    def get(self, name: str, /, default: D) -> R | D: ...
    def get(self, name: str, /, default: object = None) -> object:
        """Give the formula of this name, or the default where there is none."""
        key = self._key(name)
        return default if key is None else self._records[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._records)

    def __len__(self) -> int:
        return len(self._records)

    def __repr__(self) -> str:
        return f"Catalogue({self.what}: {', '.join(self)})"

    def _key(self, name: object) -> str | None:
        """Give the name as it stands in the table, None for a name that is in no spelling there."""
        if not isinstance(name, str):
            return None
        key = _normalize(name)
        key = self._aliases.get(key, key)
        return key if key in self._records else None

    def find(self, wanted: str | R, **parameters: float) -> R:
        """Give the formula of this name (or this very record) with these parameters.

        Raises:
            UnknownName: for a name that is not in the table; the message offers the nearest.
            UsageError: for a parameter that the formula does not have.
        """
        if isinstance(wanted, self.kind):
            return wanted.with_parameters(**parameters)
        if not isinstance(wanted, str):
            raise UsageError(
                "{what} is {wanted!r}; expected a name or a record of the kind {kind}",
                what=self.what,
                wanted=wanted,
                kind=self.kind.__name__,
            )
        return self[wanted].with_parameters(**parameters)

    def register(self, record: R) -> R:
        """Add a formula of one's own, after trying it out and checking its derivative; give it back.

        A name that was registered before is replaced, so that a notebook cell can be run again.

        Raises:
            FormulaError: where its slope is not the derivative of its value, or a function of it fails, changes its
                arguments or gives what cannot be used.
            UsageError: where a built-in formula has that name, or a look-up could not find the name.
        """
        if record.name != _normalize(record.name):
            raise UsageError(
                "the {what} has the name {name!r}; names are lower case with underscores, such as {better!r}",
                what=self.what,
                name=record.name,
                better=_normalize(record.name),
            )
        if record.name in self._built_in or record.name in self._aliases:
            raise UsageError(
                "the {what} {name!r} is built in and cannot be replaced; choose another name",
                what=self.what,
                name=record.name,
            )
        check(record, ACTIVATIONS.values())
        self._records[record.name] = record
        return record

    def unregister(self, name: str) -> None:
        """Take out a formula that was registered.

        Raises:
            UsageError: for a built-in formula, which stays.
            UnknownName: for a name that is not in the table.
        """
        record = self.find(name)
        if record.name in self._built_in:
            raise UsageError("the {what} {name!r} is built in and stays", what=self.what, name=record.name)
        del self._records[record.name]


def _normalize(name: str) -> str:
    return name.strip().lower().replace("-", "_").replace(" ", "_")


ACTIVATIONS = Catalogue(
    "activation",
    Activation,
    activations.RECORDS,
    {"exp": "exponential", "linear": "identity", "logistic": "sigmoid", "swish": "silu"},
)
LOSSES = Catalogue(
    "loss",
    Loss,
    losses.RECORDS,
    {
        "mse": "mean_squared_error",
        "mae": "absolute_error",
        "bce": "binary_cross_entropy",
        "cross_entropy": "categorical_cross_entropy",
    },
)
INITIALIZERS = Catalogue(
    "initializer",
    Initializer,
    initializers.RECORDS,
    {"glorot": "glorot_uniform", "xavier": "glorot_uniform", "he": "he_normal", "lecun": "lecun_normal"},
)
OPTIMIZERS = Catalogue("optimizer", Optimizer, optimizers.RECORDS, {"gradient_descent": "sgd", "gd": "sgd"})
SCHEDULES = Catalogue("schedule", Schedule, schedules.RECORDS)
PENALTIES = Catalogue("penalty", Penalty, penalties.RECORDS)
METRICS = Catalogue("metric", Metric, metrics.RECORDS)

CATALOGUES: tuple[Catalogue[Formula], ...] = (  # type: ignore[assignment]
    ACTIVATIONS,
    LOSSES,
    INITIALIZERS,
    OPTIMIZERS,
    SCHEDULES,
    PENALTIES,
    METRICS,
)


def register(record: R) -> R:
    """Add a formula of one's own to the catalogue of its kind, after trying it out; give it back.

    Args:
        record: an `Activation`, `Loss`, `Optimizer`, … with a name of its own.

    Returns:
        The same record.

    Raises:
        FormulaError: where its slope is not the derivative of its value, or a function of it fails, changes its
            arguments or gives what cannot be used.
        UsageError: where the name is taken by a built-in formula, or the record is of no known kind.

    >>> import numpy as np
    >>> from chainrule.formulas import Activation
    >>> bent = Activation(name="bent", value=lambda z: (np.sqrt(z * z + 1) - 1) / 2 + z,
    ...     slope=lambda z, a: z / (2 * np.sqrt(z * z + 1)) + 1, latex="", use="An example.")
    >>> register(bent).name
    'bent'
    >>> ACTIVATIONS.unregister("bent")
    """
    for catalogue in CATALOGUES:
        if isinstance(record, catalogue.kind):
            return catalogue.register(record)  # type: ignore[return-value]
    raise UsageError(
        "a {given} cannot be registered; expected a formula record such as Activation", given=type(record).__name__
    )
