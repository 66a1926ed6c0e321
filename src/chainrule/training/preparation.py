"""Before the loop: settings are checked, and what people pass becomes the matrices and records that engines take."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule.arrays import as_inputs, as_targets, as_weights, check_dtype, truth_of
from chainrule.engines import Objective
from chainrule.errors import DataError, ShapeError, UsageError
from chainrule.formulas import LOSSES, PENALTIES, Array, Loss, Penalty
from chainrule.formulas.intervals import BELOW_ONE, as_float
from chainrule.language import Message
from chainrule.model import Model
from chainrule.network import BatchNorm, Network
from chainrule.sparse import Inputs, first_not_finite

__all__ = [
    "Part",
    "check_batch_size",
    "check_batches",
    "check_clip",
    "check_epochs",
    "check_held_out",
    "check_smoothing",
    "check_trainable",
    "find_penalties",
    "make_part",
    "set_aside",
    "smooth",
    "start_model",
]


@dataclass(frozen=True)
class Part:
    """One part of the data.

    Args:
        X: inputs, shape (n, N_0).
        Y: targets, shape (n, N_K).
        weights: one weight per row, shape (n,), or None.
        rows: which rows of what was passed these are, shape (n,), for messages.
    """

    X: Inputs
    Y: Array
    weights: Array | None
    rows: Array

    def take(self, rows: Array) -> Part:
        """Give some of the rows."""
        weights = None if self.weights is None else self.weights[rows]
        return Part(self.X[rows], self.Y[rows], weights, self.rows[rows])


def check_batch_size(batch_size: int) -> int:
    """Return the number of rows in a batch as a Python int."""
    return _count("batch_size", batch_size)


def check_batches(network: Network, batch_size: int, rows: int) -> None:
    """Refuse batches of one row where a `BatchNorm` needs their variance.

    Raises:
        UsageError: for them.
    """
    if min(batch_size, rows) == 1 and any(isinstance(layer, BatchNorm) for layer in network.layers):
        raise UsageError(
            "batch_size is {batch_size} with {rows} row(s) to train on: a BatchNorm divides by the deviation of the "
            "batch, and a batch of one row has no variance; use batches of at least 2 rows, such as batch_size=32",
            batch_size=batch_size,
            rows=rows,
        )


def check_epochs(epochs: int) -> int:
    """Return the number of epochs as a Python int."""
    return _count("epochs", epochs)


def _count(name: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
        raise UsageError("{name} is {value!r}; it must be a whole number of at least 1", name=name, value=value)
    return int(value)


def check_clip(clip: float | None) -> float | None:
    """Return the largest norm of a gradient as a Python float, or None."""
    if clip is None:
        return None
    if isinstance(clip, bool) or not isinstance(clip, (int, float, np.number)) or not 0 < clip < math.inf:
        raise UsageError("clip is {clip!r}; it must be a number above 0, such as 1.0, or None", clip=clip)
    return float(clip)


def start_model(network: Network | Model, loss: str | Loss | None, seed: int, dtype: npt.DTypeLike | None) -> Model:
    """Give the model that training begins with, in memory of its own.

    Raises:
        UsageError: for what is neither a network nor a model, or a model with parameters that are not finite.
    """
    if isinstance(network, Model):
        start = network.copy()
        if dtype is not None:
            kind = check_dtype(dtype)
            with np.errstate(over="ignore"):  # what becomes inf is refused below
                start = replace(start, theta=start.theta.astype(kind), state=start.state.astype(kind))
    elif isinstance(network, Network):
        start = network.init(seed, np.float64 if dtype is None else dtype)
    else:
        raise UsageError("train takes a Network or a Model, not {given}", given=type(network).__name__)
    if not (np.isfinite(start.theta).all() and np.isfinite(start.state).all()):
        raise UsageError(
            "the model to train has parameters that are not finite in {dtype}; begin with others", dtype=start.dtype
        )
    if loss is not None:
        chosen = LOSSES.find(loss)
        # Another kind of target may mean another thing: what Y means is then found out anew.
        if chosen.targets != start.loss.targets:
            start.target = None
        start.loss = chosen
    return start


def make_part(model: Model, inputs: Inputs, Y: Any, weights: Any, part: str = "") -> Part:
    """Give inputs with their targets and weights as matrices, checked against the network and the loss.

    ``part`` says in messages whose they are, such as "the validation part's ".
    """
    assert model.target is not None
    n = len(inputs)
    matrix = as_targets(Y, n, model.network, model.loss, model.target, model.dtype, part)
    return Part(inputs, matrix, as_weights(weights, n, model.dtype, part), np.arange(n))


def set_aside(model: Model, whole: Part, validation: Any, seed: int) -> tuple[Part, Part | None]:
    """Give the training part and the validation part.

    Raises:
        UsageError: for what is neither data nor a share.
        DataError, ShapeError: for parts without rows or with weights that are all 0, or rows that do not fit.
    """
    if validation is None:
        return whole, None
    if isinstance(validation, (tuple, list)):
        if len(validation) not in (2, 3):
            raise UsageError("validation has {count} parts; expected (X, Y) or (X, Y, weights)", count=len(validation))
        X, Y, *rest = validation
        whose = Message("the validation part's ")
        inputs = as_inputs(X, model.network, model.dtype, model.encoder, whose)
        if not len(inputs):
            raise DataError("the validation part has no rows; give some, or validation=None")
        return whole, make_part(model, inputs, Y, rest[0] if rest else None, whose)
    if isinstance(validation, bool) or not isinstance(validation, (int, float, np.number)) or not 0 < validation < 1:
        raise UsageError(
            "validation is {given!r}; expected (X, Y), or the share of rows to set aside, between 0 and 1",
            given=validation,
        )
    return _split(model, whole, float(validation), seed)


def _split(model: Model, whole: Part, share: float, seed: int) -> tuple[Part, Part]:
    from chainrule.data import split

    classes = model.classes is not None
    labels = truth_of(whole.Y, classes) if classes else whole.Y[:, 0]
    parts = split(labels, seed=seed, test=0.0, validation=share, stratify=classes)
    if not len(parts.validation):
        raise ShapeError(
            "{rows} rows are too few to set {share:g} of them aside for validation", rows=len(whole.X), share=share
        )
    train, validation = whole.take(parts.train), whole.take(parts.validation)
    for name, part in ((Message("training"), train), (Message("validation"), validation)):
        if part.weights is not None and not part.weights.any():
            raise DataError(
                "with {share:g} of the rows set aside for validation, all weights of the {name} part are 0; give more "
                "rows a weight above 0, or choose the parts: validation=(X, Y, weights)",
                share=share,
                name=name,
            )
    return train, validation


def check_held_out(part: Part) -> None:
    """Refuse inputs that are not finite: every measurement on them would be nan.

    Raises:
        DataError: with the row and the column.
    """
    if (found := first_not_finite(part.X)) is not None:
        row, column, value = found
        raise DataError(
            "row {row} of the validation part's X holds {value} in column {column} (rows and columns count from 0, "
            "rows as they were given); remove the row or fill the value in",
            row=int(part.rows[row]),
            column=column,
            value=value,
        )


def find_penalties(given: str | Penalty | Iterable[str | Penalty]) -> tuple[Penalty, ...]:
    """Give the penalties, one or several, by name or record.

    Raises:
        UsageError: for what is none.
    """
    several = [given] if isinstance(given, (Penalty, str)) else given
    if not isinstance(several, Iterable):
        raise UsageError(
            "penalties is {given!r}; expected one or several, such as L2(0.001) or [L1(0.001), MaxNorm(3)], or () for "
            "none",
            given=given,
        )
    return tuple(PENALTIES.find(each) for each in several)


def check_smoothing(smoothing: float, model: Model) -> float:
    """Return the label smoothing s as a Python float.

    Raises:
        UsageError: for what is no number with 0 <= s < 1, or where there are no labels.
    """
    if as_float(smoothing) not in BELOW_ONE:
        raise UsageError(
            "label_smoothing is {value!r}; it must be a number of 0 or more and below 1, such as 0.1", value=smoothing
        )
    if smoothing and model.task == "regression":
        raise UsageError("label_smoothing is for labels, and this network predicts values; leave it at 0")
    return float(smoothing)


def smooth(Y: Array, smoothing: float, task: str) -> Array:
    """Take from each target its share s and spread it evenly over the k classes: (1 - s) y + s / k.

    One sigmoid output has the probability of one of two classes, and so has each output of a multilabel task: k = 2.

    Args:
        Y: targets of classes, shape (n, N_K).
        smoothing: s.
        task: "classification" or "multilabel".

    Source: C. Szegedy et al., Rethinking the Inception architecture for computer vision, CVPR 2016, section 7.

    >>> smooth(np.array([[0.0, 1.0, 0.0, 0.0]]), 0.2, "classification").round(2).tolist()
    [[0.05, 0.85, 0.05, 0.05]]
    """
    if not smoothing:
        return Y
    k = 2 if task == "multilabel" else max(Y.shape[1], 2)
    return (1 - smoothing) * Y + smoothing / k


def check_trainable(network: Network, objective: Objective) -> None:
    """Refuse what no error can be sent back through, before any work is done."""
    for layer in network.layers:
        activation = getattr(layer, "activation", None)
        paired = layer is network.layers[-1] and objective.pair is not None
        if activation is not None and not activation.trainable and not paired:
            _ = activation.back
    _ = objective.pair
