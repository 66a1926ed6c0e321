"""Decisions: what is done with a data set, each with its value and the reason in a sentence. Pure functions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.data import Dataset, Split, split
from chainrule.errors import DataError, UsageError
from chainrule.formulas import (
    ACTIVATIONS,
    LOSSES,
    OPTIMIZERS,
    SCHEDULES,
    Activation,
    Array,
    Formula,
    Loss,
    Optimizer,
    Schedule,
)
from chainrule.language import Message
from chainrule.recipes.options import Options
from chainrule.training import LBFGS

__all__ = [
    "GIVEN",
    "TINY",
    "Decision",
    "decide_data",
    "decide_epochs",
    "decide_network",
    "decide_task",
    "decide_training",
    "where_of",
]

GIVEN = Message("as given")

# Below so many rows nothing can be held out: a test of three rows says nothing.
TINY = 20
# Below so many rows the validation part would be too small to stop by.
_FEW = 100
_MOST_VALIDATION_ROWS = 10_000
# Whole numbers with more different values than this are amounts.
_MOST_CLASSES = 20

_QUICK = Message("quick to compute, easy to train")


@dataclass(frozen=True)
class Decision:
    """One thing that was decided.

    Args:
        name: what it is about, such as "hidden layers"; the catalogues of texts have it.
        value: what was decided: a formula, a number, a text, ….
        reason: why, in a sentence, most often a `Message`; ``GIVEN`` where the user said so.

    >>> Decision("epochs", 5, GIVEN).given
    True
    """

    name: str
    value: Any
    reason: str

    @property
    def given(self) -> bool:
        """Whether the user said so."""
        return self.reason.startswith(GIVEN)

    def describe(self) -> dict[str, Any]:
        """Give it as plain JSON data."""
        value = self.value.describe() if isinstance(self.value, Formula | LBFGS) else self.value
        return {"name": self.name, "value": list(value) if isinstance(value, tuple) else value, "reason": self.reason}


def where_of(dataset: Dataset) -> str:
    """Say what messages call a data set: the built-in set's name, or the file's path.

    >>> from chainrule.data import load
    >>> where_of(load("iris"))
    'iris'
    """
    return dataset.name if dataset.task is not None else dataset.source or dataset.name


def _or_given(name: str, given: Any, value: Any, reason: str) -> Decision:
    """Decide what the user said, else what is proposed."""
    return Decision(name, value, reason) if given is None else Decision(name, given, GIVEN)


def decide_task(dataset: Dataset, options: Options) -> Decision:
    """Decide between classification and regression by what the target holds.

    Raises:
        DataError: where the target cannot be learnt: it is the same everywhere, or a text that differs in most rows.
    """
    name, y = dataset.target, dataset.y
    if options.task is None and dataset.task is not None:
        return Decision("task", dataset.task, Message("known of the data set {name}", name=dataset.name))
    if y.ndim > 1 or len(y) == 0:
        why = Message("the target has {n} columns", n=y.shape[-1])
        return _or_given("task", options.task, "regression", why)
    values, counts = _distinct(y)
    if len(values) == 1 and len(y) > 1:
        raise DataError(
            "{path}: the target {name!r} is {value!r} in all {rows} rows, so there is nothing to learn; choose another"
            " target (--target), or add rows of other classes",
            path=where_of(dataset),
            name=name,
            value=values[0],
            rows=len(y),
        )
    found = _task_by_values(name, y, values, counts)
    decision = _or_given("task", options.task, found.value, found.reason)
    if decision.value == "classification" and len(values) > max(_MOST_CLASSES, len(y) // 2):
        raise DataError(
            "{path}: the target {name!r} has {count} different values in {rows} rows, too many to be classes: nearly"
            " every row would be a class of its own; choose another target (--target)",
            path=where_of(dataset),
            name=name,
            count=len(values),
            rows=len(y),
        )
    return decision


def _distinct(y: Array) -> tuple[list[Any], Array]:
    labels = np.array([str(label) for label in y]) if y.dtype.kind == "O" else y
    values, counts = np.unique(labels, return_counts=True)
    return values.tolist(), counts


def _task_by_values(name: str, y: Array, values: list[Any], counts: Array) -> Decision:
    k = len(values)
    if y.dtype.kind in "OUSb":
        kind = Message("truth values" if y.dtype.kind == "b" else "texts")
        why = Message("{name!r} holds {kind}, {k} different ones", name=name, kind=kind, k=k)
        return Decision("task", "classification", why)
    if y.dtype.kind == "f" and bool((np.mod(y, 1) != 0).any()):
        return Decision("task", "regression", Message("{name!r} holds numbers with fractions", name=name))
    if k <= 2:
        ends = {"first": values[0], "last": values[-1]}
        why = Message("{name!r} holds two whole numbers, {first:g} and {last:g}", name=name, **ends)
        return Decision("task", "classification", why)
    if k > _MOST_CLASSES:
        why = Message("{name!r} holds {k} different whole numbers, too many to be classes", name=name, k=k)
        return Decision("task", "regression", why)
    rarest = int(counts.argmin())
    if counts[rarest] < max(2, len(y) / (100 * k)):
        why = Message(
            "{name!r} holds {k} different whole numbers, but {value:g} in {count} row(s) only: amounts rather than"
            " classes",
            name=name,
            k=k,
            value=values[rarest],
            count=int(counts[rarest]),
        )
        return Decision("task", "regression", why)
    why = Message("{name!r} holds {k} different whole numbers, each of them often", name=name, k=k)
    return Decision("task", "classification", why)


def decide_data(dataset: Dataset, task: str, options: Options) -> tuple[list[Decision], Split, dict[str, float]]:
    """Decide which rows are held out, and how numbers are scaled; give the split and its shares as well."""
    n = len(dataset.y)
    too_few = Message("{n} rows are too few to hold any out", n=n)
    if dataset.test is not None:
        why = Message("the data come with a test part of {n:,} rows", n=len(dataset.test[1]))
        test = Decision("test rows", 0.0, why)
    else:
        test = _or_given("test rows", options.test_share, 0.0 if n < TINY else 0.2, too_few if n < TINY else "")
    share = 0.0 if n < _FEW else min(0.1, _MOST_VALIDATION_ROWS / n)
    reason = Message(
        "{n} rows are too few to stop training by some of them" if n < _FEW else "training stops by these rows", n=n
    )
    validation = _or_given("validation rows", options.validation_share, share, reason)
    stratify = task == "classification"
    parts = split(dataset.y, seed=options.seed, test=test.value, validation=validation.value, stratify=stratify)
    if not test.reason:
        why = Message("one fifth, classes in proportion" if stratify else "one fifth, drawn by the seed")
        test = Decision("test rows", test.value, why)
    held = len(parts.test) if dataset.test is None else len(dataset.test[1])
    images = dataset.image_shape is not None
    scaling = _or_given(
        "scaling",
        options.scaling,
        "range" if images else "standard",
        Message("images: all pixels to 0 … 1" if images else "each column: mean 0, deviation 1"),
    )
    return (
        [
            Decision("test rows", held, test.reason),
            Decision("validation rows", len(parts.validation), validation.reason),
            scaling,
        ],
        parts,
        {"test": test.value, "validation": validation.value},
    )


def decide_network(dataset: Dataset, task: str, classes: int, rows: int, options: Options) -> list[Decision]:
    """Decide hidden layers, activation, dropout, output and loss.

    Args:
        dataset: of which it counts whether the rows are images.
        task: "classification" or "regression".
        classes: how many there are.
        rows: rows to train with.
        options: what the user said.

    Raises:
        UsageError: for a loss that does not fit the task.
    """
    images = dataset.image_shape is not None
    sizes, why = _hidden_layers(rows, images)
    layers = _or_given("hidden layers", options.layers, sizes, why)
    activation = _or_given("activation", options.activation, ACTIVATIONS["relu"], _QUICK)
    rate = 0.0 if rows < TINY else 0.3 if images else 0.1 if rows < 1000 or rows >= 10_000 else 0.2
    dropout = Decision("dropout", rate, Message("against overfitting" if rate else "too few rows for it"))
    if options.layers is not None:
        dropout = Decision("dropout", 0.0, Message("as the layers were given"))
    if isinstance(options.optimizer, LBFGS):
        dropout = Decision("dropout", 0.0, Message("L-BFGS trains without it"))
    dropout = _or_given("dropout", options.dropout, dropout.value, dropout.reason)
    loss, output = _loss_and_output(task, classes, options.loss)
    return [layers, activation, dropout, output, loss]


def _hidden_layers(rows: int, images: bool) -> tuple[tuple[int, ...], str]:
    if rows < TINY:
        return (16,), Message("enough for {n} rows", n=rows)
    if images:
        return (256, 128), Message("for images")
    if rows < 1000:
        return (64, 32), Message("for fewer than 1,000 rows")
    if rows < 10_000:
        return (128, 64), Message("for fewer than 10,000 rows")
    return (256, 128), Message("for 10,000 rows or more")


def _loss_and_output(task: str, classes: int, given: Loss | None) -> tuple[Decision, Decision]:
    """Decide the loss and the output activation that belongs to it."""
    if task == "regression":
        loss = _or_given("loss", given, LOSSES["mean_squared_error"], Message("the usual one for values"))
        if loss.value.targets in ("distribution", "probabilities"):
            raise UsageError(
                "the loss {loss!r} compares probabilities of classes, but this is a regression; use"
                " mean_squared_error, absolute_error or huber, or --task classification",
                loss=loss.value.name,
            )
        if loss.value.targets == "counts":
            return loss, _output(next(iter(loss.value.pairs)), Message("counts are 0 or more"))
        return loss, _output("identity", Message("values may be any number"))
    usual = LOSSES["binary_cross_entropy" if classes == 2 else "categorical_cross_entropy"]
    loss = _or_given("loss", given, usual, Message("the usual one for classes"))
    if loss.value.targets == "counts":
        raise UsageError("the loss {loss!r} is for counts, but this is a classification", loss=loss.value.name)
    if loss.value.targets == "distribution":
        return loss, _output("softmax", Message("probabilities that add up to 1"))
    why = Message("the probability of one class" if classes == 2 else "from 0 to 1 for each class")
    return loss, _output("sigmoid", why)


def _output(name: str, reason: str) -> Decision:
    output: Activation = ACTIVATIONS[name]
    return Decision("output", output, reason)


def decide_training(rows: int, options: Options) -> list[Decision]:
    """Decide optimizer (with its rate), schedule, batch size and number type.

    Args:
        rows: rows to train with.
        options: what the user said.
    """
    if isinstance(options.optimizer, LBFGS):
        return _lbfgs(rows, options.optimizer, options)
    tiny = rows < TINY
    size = rows if tiny else 16 if rows < 1000 else 32 if rows < 10_000 else 128 if rows < 30_000 else 256
    why = Message("all rows at once, as they are few" if tiny else "for {n:,} rows to train with", n=rows)
    dtype = "float64" if tiny else "float32"
    precision = Message("so few rows cost nothing" if tiny else "faster than float64, exact enough")
    return [
        _optimizer(rows, options),
        _schedule(tiny, options),
        _or_given("batch size", options.batch_size, size, why),
        _or_given("number type", options.dtype, dtype, precision),
    ]


def _lbfgs(rows: int, lbfgs: LBFGS, options: Options) -> list[Decision]:
    """Decide what goes with L-BFGS, which has neither batches nor a rate."""
    if options.rate is not None or options.batch_size is not None:
        raise UsageError(
            "L-BFGS has no learning rate and takes all rows at once; leave out the rate (--rate) and the batch size "
            "(--batch-size), or choose another optimizer (--optimizer)"
        )
    precision = Message("L-BFGS compares costs that differ little")
    return [
        Decision("optimizer", lbfgs, GIVEN),
        _schedule(tiny=False, options=options),
        Decision("batch size", rows, Message("L-BFGS takes all rows at once")),
        _or_given("number type", options.dtype, "float64", precision),
    ]


def _optimizer(rows: int, options: Options) -> Decision:
    chosen: Optimizer
    assert not isinstance(options.optimizer, LBFGS)
    if options.optimizer is not None:
        chosen, reason = options.optimizer, GIVEN if options.rate else Message("as given, with its usual rate")
    elif rows < TINY:
        chosen, reason = OPTIMIZERS.find("adam", rate=0.02), Message("fast whatever the gradient's scale")
    else:
        rate, decay = (0.01, 0.3) if rows < 1000 else (0.002, 0.3) if rows < 10_000 else (0.005, 0.1)
        chosen = OPTIMIZERS.find("adamw", rate=rate, decay=decay)
        reason = Message("fast; its decay keeps weights small")
    if options.rate is not None:
        chosen = chosen.with_parameters(rate=options.rate)
        reason = GIVEN if options.optimizer is not None else Message("as given (the rate); {reason}", reason=reason)
    return Decision("optimizer", chosen, reason)


def _schedule(tiny: bool, options: Options) -> Decision:
    proposed: Schedule = SCHEDULES["one_cycle"]
    reason = Message("the rate rises, then falls to 0")
    if options.optimizer is not None:
        proposed, reason = SCHEDULES["constant"], Message("as the optimizer was given")
    elif tiny:
        proposed, reason = SCHEDULES["constant"], Message("enough for so few rows")
    return _or_given("schedule", options.schedule, proposed, reason)


def decide_epochs(rows: int, validation_rows: int, options: Options) -> list[Decision]:
    """Decide how many epochs there are at most, and when training stops before.

    Args:
        rows: rows to train with.
        validation_rows: rows to stop by.
        options: what the user said.
    """
    count = 1000 if rows < TINY else 100 if rows < 1000 else 60 if rows < 30_000 else 20
    epochs = _or_given("epochs", options.epochs, count, Message("at most, for {n:,} rows", n=rows))
    if not validation_rows:
        if options.patience is not None:
            raise UsageError(
                "patience needs validation rows to stop by, and there are none; leave it out, or hold some rows out"
                " (--validation-share 0.1)"
            )
        return [epochs, Decision("patience", None, Message("no rows to stop by: all epochs"))]
    wait = max(1, int(epochs.value) // 2)
    reason = Message("epochs without a new best one")
    if options.epochs is not None:
        wait, reason = options.epochs, Message("all epochs, as given; best is kept")
    return [epochs, _or_given("patience", options.patience, wait, reason)]
