"""Columns of the inputs and of the targets: on what scale they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from chainrule.formulas import Array
from chainrule.language import Message
from chainrule.network import BatchNorm, Network
from chainrule.sparse import Inputs, SparseRows
from chainrule.training.diagnosis.records import Finding

__all__ = ["judge_inputs", "judge_targets", "not_finite"]

# Initializers keep the size of a signal, for inputs of about 1 in size; a weighted sum of inputs a hundred times as
# large is beyond where sigmoid and tanh move, and its gradient calls for a rate ten thousand times smaller.
_LARGE, _SIZABLE = 100.0, 20.0
# A column that is never larger needs weights so large that penalties and rates of the usual size leave it unheard.
_TINY = 0.01
# A column that lies so many deviations away from 0 changes by little where the network looks.
_FAR = 10.0
_SHOWN = 3


class _Columns(NamedTuple):
    """Per column: root mean square, mean, standard deviation, largest size."""

    size: Array
    mean: Array
    deviation: Array
    largest: Array


def not_finite(X: Inputs, names: Sequence[str] | None) -> list[Finding]:
    """Find columns with numbers that are not finite."""
    matrix: Any = X.tocsr() if isinstance(X, SparseRows) else X
    bad = np.flatnonzero(~np.isfinite(np.asarray(abs(matrix).sum(axis=0)).reshape(-1)))
    if not len(bad):
        return []
    what = Message(
        "{count} of {columns} input columns hold numbers that are not finite: {which}.",
        count=len(bad),
        columns=X.shape[1],
        which=_which(bad, names),
    )
    remedy = Message("Fill the gaps in, or remove the rows.")
    return [Finding("not_finite", "severe", what, remedy)]


def judge_inputs(network: Network, X: Inputs, names: Sequence[str] | None) -> list[Finding]:
    """Find columns that are far too large, far too small, far from 0 or always the same."""
    columns, found = _measure(X), []
    constant = columns.deviation <= 1e-12 * columns.largest
    if constant.any():
        found.append(_constant(constant, names))
    if isinstance(network.layers[0], BatchNorm):
        return found  # it brings every column to the same scale
    large = columns.size >= _SIZABLE
    if large.any():
        found.append(_unscaled(columns, large, names))
    usual = np.median(columns.largest[~constant]) if not constant.all() else 0.0
    tiny = ~constant & (columns.largest < _TINY * usual)
    if tiny.any():
        found.append(_tiny(columns, tiny, names))
    far = ~constant & ~large & (np.abs(columns.mean) > np.maximum(_FAR * columns.deviation, 1.0))
    if far.any():
        found.append(_far(columns, far, names))
    return found


def judge_targets(Y: Array) -> list[Finding]:
    """Find targets of a regression that are far too large."""
    size = np.sqrt(np.mean(np.square(Y, dtype=np.float64), axis=0))
    if size.max() < _SIZABLE:
        return []
    what = Message(
        "The targets are large: {size:.3g} in size (root mean square), where networks begin with outputs of about 1.",
        size=float(size.max()),
    )
    remedy = Message("Scale the targets to mean 0 and deviation 1, such as with TargetEncoder.fit(Y, kind='values').")
    return [Finding("unscaled_targets", "severe" if size.max() >= _LARGE else "mild", what, remedy)]


def _measure(X: Inputs) -> _Columns:
    """Measure each column; of sparse rows without making them dense."""
    if isinstance(X, SparseRows):
        matrix = X.tocsr().astype(np.float64)
        mean, square = (np.asarray(each.mean(axis=0)).reshape(-1) for each in (matrix, matrix.power(2)))
        largest = abs(matrix).max(axis=0).toarray().reshape(-1)
        return _Columns(np.sqrt(square), mean, np.sqrt(np.maximum(square - mean**2, 0.0)), largest)
    numbers = X.astype(np.float64, copy=False)
    size = np.sqrt(np.mean(np.square(numbers), axis=0))
    return _Columns(size, numbers.mean(axis=0), numbers.std(axis=0), np.abs(numbers).max(axis=0))


def _unscaled(columns: _Columns, large: Array, names: Sequence[str] | None) -> Finding:
    worst = np.argsort(-columns.size)[: int(large.sum())]
    what = Message(
        "{count} of {columns} input columns are large: {which}; the largest is {size:.3g} in size (root mean square), "
        "where networks expect about 1.",
        count=len(worst),
        columns=len(large),
        which=_which(worst, names),
        size=float(columns.size[worst[0]]),
    )
    remedy = Message("Scale the inputs to mean 0 and deviation 1, such as with TableEncoder.fit(X).")
    return Finding("unscaled_inputs", "severe" if columns.size.max() >= _LARGE else "mild", what, remedy)


def _tiny(columns: _Columns, tiny: Array, names: Sequence[str] | None) -> Finding:
    which = np.flatnonzero(tiny)
    what = Message(
        "{count} of {columns} input columns are small beside the others: {which}, at most {largest:.3g} in size.",
        count=len(which),
        columns=len(tiny),
        which=_which(which, names),
        largest=float(columns.largest[which].max()),
    )
    remedy = Message("Scale the inputs to mean 0 and deviation 1; as they are, these are hardly heard.")
    return Finding("tiny_inputs", "mild", what, remedy)


def _far(columns: _Columns, far: Array, names: Sequence[str] | None) -> Finding:
    which = np.flatnonzero(far)
    worst = which[np.argmax(np.abs(columns.mean[which]) / columns.deviation[which])]
    what = Message(
        "{count} of {columns} input columns lie far from 0: {which}; one of them has mean {mean:.3g} and deviation "
        "{deviation:.3g}.",
        count=len(which),
        columns=len(far),
        which=_which(which, names),
        mean=float(columns.mean[worst]),
        deviation=float(columns.deviation[worst]),
    )
    remedy = Message("Take the mean off each column.")
    return Finding("offset_inputs", "mild", what, remedy)


def _constant(constant: Array, names: Sequence[str] | None) -> Finding:
    which = np.flatnonzero(constant)
    what = Message(
        "{count} of {columns} input columns are the same in every row looked at: {which}.",
        count=len(which),
        columns=len(constant),
        which=_which(which, names),
    )
    return Finding("constant_inputs", "note", what, Message("Leave them out; nothing can be learnt from them."))


def _which(columns: Array, names: Sequence[str] | None) -> str:
    """Name the first few columns, by their number where they have no names."""
    shown = [repr(names[k]) if names is not None else f"#{k}" for k in columns[:_SHOWN].tolist()]
    return ", ".join(shown) + (", …" if len(columns) > _SHOWN else "")
