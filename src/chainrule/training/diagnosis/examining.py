"""Looking at a trained model: measure on a sample of rows, judge, and tell causes from what follows from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from chainrule.arrays import as_inputs, as_targets, fit_target
from chainrule.engines import Objective
from chainrule.errors import DataError
from chainrule.formulas import Array
from chainrule.history import History
from chainrule.model import Model
from chainrule.sparse import Inputs, numbers_of
from chainrule.streams import permutation
from chainrule.training.diagnosis.classes import judge_classes
from chainrule.training.diagnosis.columns import judge_inputs, judge_targets, not_finite
from chainrule.training.diagnosis.course import judge_course
from chainrule.training.diagnosis.fit import measure_fit
from chainrule.training.diagnosis.layers import judge_layers
from chainrule.training.diagnosis.records import SEVERITIES, Diagnosis, Finding
from chainrule.training.diagnosis.units import measure_layers
from chainrule.training.updates import UpdateRatios

__all__ = ["diagnose_training"]

# Shares of neurons and of rows are then known to about a hundredth, and a look at a usual network takes milliseconds;
# of the widest, fewer rows are looked at.
_ROWS, _FEWEST_ROWS, _CELLS = 2000, 500, 2**22

_HINDERED = ("rate_too_low", "still_falling", "vanishing_gradient", "nothing_learnt")
# What may follow from what: where a cause is severe, what follows from it is told, but as mild.
_FOLLOWS = {
    "not_finite": ("dead_units", "saturated_units", "rate_too_high", *_HINDERED),
    "unscaled_inputs": ("dead_units", "saturated_units", "rate_too_high", "overfitting", *_HINDERED),
    "unscaled_targets": ("dead_units", "saturated_units", "rate_too_high", *_HINDERED),
    "rate_too_high": ("dead_units", "saturated_units", "vanishing_gradient", "nothing_learnt"),
    "dead_units": _HINDERED,
    "saturated_units": _HINDERED,
    "vanishing_gradient": ("rate_too_low", "nothing_learnt"),
    "rate_too_low": ("nothing_learnt", "imbalance"),
    "imbalance": ("nothing_learnt",),
}


def diagnose_training(
    model: Model, X: Any, Y: Any, *, updates: UpdateRatios | None = None, names: Sequence[str] | None = None
) -> Diagnosis:
    """Say in plain words what was measured of a trained model that is out of the ordinary, and what to try.

    Looked at are the layers (dead and saturated neurons, errors that vanish on their way back), the columns (scale,
    offset, no change), the course of the losses (a rate too high or too low, a training too short or too long,
    overfitting) and the classes (rare ones that accuracy hides). Each finding holds its figures. A severe one that may
    follow from another severe one is told as mild.

    Args:
        model: the trained model.
        X: the rows that it was trained on, as `train` takes them; at most 2,000 are looked at.
        Y: their targets.
        updates: was among the callbacks of the training; without it, ratios of updates to weights are not known.
        names: of the columns that the network sees, for the sentences.

    Returns:
        A `Diagnosis`: prints itself, and shows itself as tables in notebooks.

    Raises:
        ShapeError, DataError: for rows or targets that do not fit.

    >>> from chainrule import SGD, Network, train
    >>> X, y = [[0.0], [1.0]] * 20, [0, 1] * 20
    >>> network = Network.from_sizes([1, 4, 1], hidden="tanh", output="sigmoid")
    >>> model = train(network, X, y, optimizer=SGD(1e-6))
    >>> found = diagnose_training(model, X, y)
    >>> [finding.key for finding in found.severe]
    ['rate_too_low']
    """
    inputs = as_inputs(X, model.network, model.dtype, model.encoder)
    if not len(inputs):
        raise DataError("X has no rows; at least one example is needed")
    target = model.target or fit_target(model.network, model.loss, Y, len(inputs))
    matrix = as_targets(Y, len(inputs), model.network, model.loss, target, model.dtype)
    count = max(_FEWEST_ROWS, min(_ROWS, _CELLS // sum(model.network.sizes[1:])))
    rows = np.sort(permutation(0, "shuffle", n=len(inputs))[:count])
    looked, wanted = inputs[rows], matrix[rows]
    if names is None and model.encoder is not None:
        names = model.encoder.outputs
    with np.errstate(all="ignore"):
        found = not_finite(looked, names)
        if found:
            looked, wanted = _finite_rows(looked, wanted)
        findings, layers = _examine(replace(model, target=target), looked, wanted, matrix, updates, names)
    history = model.history or History()
    return Diagnosis(_ordered(found + findings), layers, len(rows), history.epochs, history.stopped)


def _examine(
    model: Model, X: Inputs, Y: Array, everywhere: Array, updates: UpdateRatios | None, names: Sequence[str] | None
) -> tuple[list[Finding], Any]:
    if not len(X):
        return [], ()
    objective, history = Objective(model.network, model.loss), model.history or History()
    layers = measure_layers(objective, model.theta, model.state, X, Y, updates)
    fit = measure_fit(objective, model.theta, model.state, X, Y)
    found = judge_inputs(model.network, X, names)
    if model.task == "regression":
        found += judge_targets(Y)
    found += judge_course(history, fit, layers, model.settings.get("epochs"))
    found += judge_layers(layers, fit)
    if model.task == "classification" and model.classes is not None:
        found += judge_classes(fit.outputs, Y, everywhere, model.classes)
    return found, layers


def _finite_rows(X: Inputs, Y: Array) -> tuple[Inputs, Array]:
    """Leave out the rows with numbers that are not finite."""
    if isinstance(X, np.ndarray):
        sound = np.isfinite(X).all(axis=1)
    else:
        sound = np.isfinite(np.add.reduceat(np.append(numbers_of(X), 0.0), X.ends[:-1])) | (np.diff(X.ends) == 0)
    return X[np.flatnonzero(sound)], Y[sound]


def _ordered(findings: list[Finding]) -> tuple[Finding, ...]:
    """Put the most severe first; what may follow from another severe finding is mild."""
    severe = {finding.key for finding in findings if finding.severity == "severe"}
    following = {key for cause in severe for key in _FOLLOWS.get(cause, ())}
    judged = [replace(each, severity="mild") if each.key in following & severe else each for each in findings]
    return tuple(sorted(judged, key=lambda each: list(SEVERITIES).index(each.severity)))
