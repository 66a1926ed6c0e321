"""The rows that estimators are given, and which of them are set aside."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.data.splits import split
from chainrule.errors import ShapeError, UsageError
from chainrule.formulas import Array

__all__ = ["Rows", "check_weights", "read_validation", "read_weights", "set_aside"]


@dataclass(frozen=True)
class Rows:
    """Some rows of the data.

    Args:
        X: inputs, shape (n, N_0), an array or a CSR matrix.
        y: answers as `train` takes them, shape (n,) or (n, N_K).
        weights: one weight per row, shape (n,), or None.
    """

    X: Any
    y: Array
    weights: Array | None = None

    def take(self, rows: Array) -> Rows:
        """Give some of them.

        >>> Rows(np.eye(3), np.arange(3)).take(np.array([2])).y.tolist()
        [2]
        """
        return Rows(self.X[rows], self.y[rows], None if self.weights is None else self.weights[rows])

    def __len__(self) -> int:
        return int(self.X.shape[0])


def read_weights(given: Any, rows: int) -> Array | None:
    """Give one weight per row, or None; one number is every row's.

    Raises:
        ShapeError: for another number of them.
        UsageError: for what is no number, negative, or all 0.

    >>> read_weights([1, 2], 2).tolist()
    [1.0, 2.0]
    """
    if given is None:
        return None
    try:
        weights = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError):
        raise UsageError("sample_weight holds what is no number; give one number for each row") from None
    if weights.ndim == 0:
        weights = np.full(rows, weights)
    if weights.shape != (rows,):
        raise ShapeError(
            "sample_weight has shape {given}; expected ({rows},), one weight for each row",
            given=weights.shape,
            rows=rows,
        )
    if not np.isfinite(weights).all() or (weights < 0).any() or not weights.any():
        raise UsageError(
            "sample_weight holds negative or infinite numbers, or weights that are all zero; a weight is a finite "
            "number of 0 or more, and at least one is above 0"
        )
    return weights


def check_weights(training: Rows) -> None:
    """See that something is left to train on once all weights are known.

    Raises:
        UsageError: where they are all 0.

    >>> check_weights(Rows(np.eye(2), np.arange(2), np.array([0.0, 1.0])))
    """
    if training.weights is not None and not training.weights.any():
        raise UsageError(
            "the weights of all rows to train on are 0; sample_weight and class_weight, which are multiplied, must "
            "leave at least one above 0"
        )


def read_validation(given: Any, read_X: Callable[[Any], Any], read_y: Callable[[Any], Array]) -> Rows:
    """Give one's own validation part, (X, y) or (X, y, sample_weight), checked.

    Args:
        given: as the user gave it.
        read_X: checks X.
        read_y: gives the answers as `train` takes them.

    Raises:
        UsageError: for anything else.

    >>> len(read_validation(([[1.0]], [0]), np.asarray, np.asarray))
    1
    """
    if not isinstance(given, (tuple, list)) or len(given) not in (2, 3):
        raise UsageError(
            "validation_data is a {given}; expected (X, y) or (X, y, sample_weight)", given=type(given).__name__
        )
    X, y = read_X(given[0]), read_y(given[1])
    if X.shape[0] != len(y):
        raise ShapeError("validation_data has {rows} rows in X and {given} in y", rows=X.shape[0], given=len(y))
    return Rows(X, y, read_weights(given[2] if len(given) == 3 else None, X.shape[0]))


def set_aside(rows: Rows, share: float, seed: int, *, stratify: bool) -> tuple[Array, Array]:
    """Give the numbers of the rows to train on and of those to measure on.

    Args:
        rows: all of them.
        share: of the rows to measure on.
        seed: of the split.
        stratify: whether each class keeps its share; for several classes as for two.

    Raises:
        UsageError: where fewer than two rows would be set aside.

    >>> training, held_out = set_aside(Rows(np.eye(20), np.arange(20) % 3), 0.1, 0, stratify=True)
    >>> len(training), len(held_out)
    (18, 2)
    """
    labels = rows.y if stratify else np.zeros(len(rows))
    wanted = min(math.ceil(share * len(rows)), len(rows) - 1)  # rounded up, as scikit-learn does
    parts = split(labels, seed=seed, test=0.0, validation=max(wanted, 0) / max(len(rows), 1), stratify=stratify)
    if len(parts.validation) < 2:
        raise UsageError(
            "the validation set is too small: validation_fraction={share:g} of {rows} rows; increase "
            "'validation_fraction' or the size of your dataset, or give validation_data=(X, y)",
            share=share,
            rows=len(rows),
        )
    return parts.train, parts.validation
