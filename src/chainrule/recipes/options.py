"""What a user may say about a training; whatever is left unsaid, a recipe decides."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeVar

from chainrule.arrays import check_dtype
from chainrule.data.encoder import SCALINGS
from chainrule.engines import check_threads, choose
from chainrule.errors import UnknownName, UsageError
from chainrule.formulas import (
    L1,
    L2,
    OPTIMIZERS,
    Activation,
    Catalogue,
    Formula,
    Initializer,
    Loss,
    MaxNorm,
    Optimizer,
    Penalty,
    Schedule,
)
from chainrule.language import Message
from chainrule.streams import check_seed
from chainrule.training import LBFGS, lbfgs

__all__ = ["TASKS", "Options", "find_formula", "find_optimizer", "parse_layers"]

TASKS = ("classification", "regression")

F = TypeVar("F", bound=Formula)


@dataclass(frozen=True, kw_only=True)
class Options:
    """A user's wishes; None means: decide for me.

    Args:
        task: "classification" or "regression".
        layers: neurons of the hidden layers; () for none.
        activation: of the hidden layers.
        loss: what training minimizes; the output activation follows from it.
        optimizer: with or without a rate of its own.
        rate: the learning rate, above 0.
        schedule: the learning rate's course.
        batch_size: rows in a batch, at least 1.
        epochs: passes over the training rows, at least 1.
        dropout: share of the hidden activations set to 0 in training, in [0, 1).
        batch_norm: whether each hidden layer is normalized.
        l1: strength of the penalty on |w|, 0 or more.
        l2: strength of the penalty on w^2, 0 or more.
        max_norm: longest vector of a neuron's incoming weights, above 0.
        clip: largest Euclidean norm of a batch's gradient, above 0.
        initializer: how weights start.
        bias_initializer: how biases start.
        patience: epochs without improvement after which training stops, at least 1.
        time_limit: seconds after which training stops, above 0.
        seed: for the split, initialization, shuffling and dropout.
        dtype: "float32" or "float64".
        engine: "auto" or an engine's name.
        n_threads: how many threads may compute, at least 1.
        scaling: how number columns are scaled: "standard", "robust", "range" or "none".
        test_share: share of the rows held out for testing, in [0, 1).
        validation_share: share of the rows held out for early stopping, in [0, 1).

    Raises:
        UsageError: for a value that cannot be.

    >>> Options(layers=(30,), rate=3.0).seed
    0
    >>> Options(rate=0.0)
    Traceback (most recent call last):
      ...
    chainrule.errors.UsageError: the learning rate is 0.0; it must be a number above 0, such as 0.01
    """

    task: str | None = None
    layers: tuple[int, ...] | None = None
    activation: Activation | None = None
    loss: Loss | None = None
    optimizer: Optimizer | LBFGS | None = None
    rate: float | None = None
    schedule: Schedule | None = None
    batch_size: int | None = None
    epochs: int | None = None
    dropout: float | None = None
    batch_norm: bool = False
    l1: float | None = None
    l2: float | None = None
    max_norm: float | None = None
    clip: float | None = None
    initializer: Initializer | None = None
    bias_initializer: Initializer | None = None
    patience: int | None = None
    time_limit: float | None = None
    seed: int = 0
    dtype: str | None = None
    engine: str = "auto"
    n_threads: int | None = None
    scaling: str | None = None
    test_share: float | None = None
    validation_share: float | None = None

    def __post_init__(self) -> None:
        _among(Message("task"), self.task, TASKS)
        _among(Message("scaling of numbers"), self.scaling, SCALINGS)
        _at_least_one(Message("number of epochs"), self.epochs)
        _at_least_one(Message("batch size"), self.batch_size)
        _at_least_one(Message("patience"), self.patience)
        for units in self.layers or ():
            _at_least_one(Message("number of neurons of a layer"), units)
        _above_zero(Message("learning rate"), self.rate, "0.01")
        _above_zero(Message("largest norm of the gradient (clip)"), self.clip, "1")
        _above_zero(Message("longest weight vector (max norm)"), self.max_norm, "3")
        _above_zero(Message("time limit"), self.time_limit, "60")
        _not_negative(Message("strength of the L1 penalty"), self.l1)
        _not_negative(Message("strength of the L2 penalty"), self.l2)
        _share(Message("dropout rate"), self.dropout)
        _share(Message("test share"), self.test_share)
        _share(Message("validation share"), self.validation_share)
        check_seed(self.seed)
        choose(self.engine)
        check_threads(self.n_threads)
        if self.dtype is not None:
            check_dtype(self.dtype)

    @property
    def penalties(self) -> tuple[Penalty, ...]:
        """The penalties that are wished for; a strength of 0 is none."""
        found = [make(value) for make, value in ((L1, self.l1), (L2, self.l2), (MaxNorm, self.max_norm)) if value]
        return tuple(found)


def parse_layers(text: str) -> tuple[int, ...]:
    """Read the hidden layers' sizes.

    Args:
        text: such as "30" or "256,128"; "none" for no hidden layer.

    Raises:
        UsageError: for anything else.

    >>> parse_layers("256,128"), parse_layers("none")
    ((256, 128), ())
    """
    if text.strip().lower() == "none":
        return ()
    try:
        sizes = tuple(int(part) for part in text.split(","))
    except ValueError:
        sizes = (0,)
    if min(sizes) < 1:
        raise UsageError(
            "the layers are {text!r}; expected are the numbers of neurons of the hidden layers, each at least 1, with"
            " commas between them, such as 30 or 256,128 (none for no hidden layer)",
            text=text,
        )
    return sizes


def find_formula(catalogue: Catalogue[F], text: str) -> F:
    """Find a formula by its name, with parameters behind a colon.

    Args:
        catalogue: where to look.
        text: such as "relu" or "momentum:mu=0.95" or "step:factor=0.1,every=30".

    Raises:
        UnknownName: for a name that is not there.
        UsageError: for parameters it does not have, or that are no numbers.

    >>> from chainrule.formulas import ACTIVATIONS
    >>> str(find_formula(ACTIVATIONS, "leaky_relu:alpha=0.2"))
    'leaky_relu(alpha=0.2)'
    """
    name, parameters = _read(catalogue.what, text)
    return catalogue.find(name, **parameters)


def find_optimizer(text: str) -> Optimizer | LBFGS:
    """Find an optimizer by its name, L-BFGS too, with parameters behind a colon.

    Raises:
        UnknownName, UsageError: as `find_formula`.

    >>> str(find_optimizer("lbfgs:memory=20"))
    'lbfgs(memory=20, tolerance=0.0001, max_evaluations=15000)'
    """
    name, parameters = _read(OPTIMIZERS.what, text)
    return lbfgs.find_optimizer(name, **parameters)


def _read(what: str, text: str) -> tuple[str, dict[str, float]]:
    """Take a name and the parameters behind a colon apart."""
    name, colon, rest = text.partition(":")
    parameters: dict[str, float] = {}
    for part in rest.split(",") if colon else ():
        key, _, number = part.partition("=")
        try:
            parameters[key.strip()] = float(number)
        except ValueError:
            raise UsageError(
                "{what} {text!r}: {part!r} is not a parameter and a number, such as {name}:{example}",
                what=what,
                text=text,
                part=part,
                name=name,
                example="alpha=0.2",
            ) from None
    return name, parameters


def _among(what: str, value: str | None, known: tuple[str, ...]) -> None:
    if value is not None and value not in known:
        raise UnknownName.among(what, value, known)


def _at_least_one(what: str, value: int | None) -> None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
        raise UsageError("the {what} is {value}; it must be a whole number of at least 1", what=what, value=value)


def _above_zero(what: str, value: float | None, example: str) -> None:
    if value is not None and not 0 < value < math.inf:
        raise UsageError(
            "the {what} is {value}; it must be a number above 0, such as {example}",
            what=what,
            value=value,
            example=example,
        )


def _not_negative(what: str, value: float | None) -> None:
    if value is not None and not 0 <= value < math.inf:
        raise UsageError(
            "the {what} is {value}; it must be 0 or a number above, such as 0.0001", what=what, value=value
        )


def _share(what: str, value: float | None) -> None:
    if value is not None and not 0 <= value < 1:
        raise UsageError(
            "the {what} is {value}; it must be from 0 up to, but not including, 1, such as 0.2", what=what, value=value
        )
