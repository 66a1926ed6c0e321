"""Training met a number that is not finite: where it first appears, and why."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from chainrule.engines import Carry, Draw, Job, Objective, reference
from chainrule.errors import DivergenceError
from chainrule.formulas import Array, Formula
from chainrule.language import Message, template
from chainrule.model import Model
from chainrule.network import Dropout, Network
from chainrule.parameters import Parameters
from chainrule.sparse import first_not_finite, numbers_of

__all__ = ["diagnose"]

# What inputs, targets and parameters stay below where they are on a usual scale.
_LARGE = 1e3

_NOT_FINITE_ROW = template(
    "training stopped in epoch {epoch}, batch {batch}, layer {layer}: row {row} of {what} holds {value} in column "
    "{column} (rows and columns count from 0). Likely cause: {cause}. {remedy}"
)
_DIVERGED = template(
    "training diverged in epoch {epoch}, batch {batch}, layer {layer}: {number} became infinite or undefined. Likely "
    "cause: {cause}. {remedy}"
)

# What was not finite, by the stage of an update at which it first appeared.
_NUMBERS = {
    "forward": Message("a pre-activation"),
    "activation": Message("an activation"),
    "statistics": Message("a running mean or variance"),
    "loss": Message("the loss"),
    "gradient": Message("the gradient"),
    "penalty": Message("the penalty or its gradient"),
    "update": Message("an updated parameter"),
}

# The cause and the remedy.
_CAUSES = {
    "inputs": (
        template("unscaled inputs, as large as {inputs:.3g}, with the learning rate {rate:g}"),
        template("Scale the inputs, for example to mean 0 and deviation 1"),
    ),
    "targets": (
        template("unscaled targets, as large as {targets:.3g}, with the learning rate {rate:g}"),
        template("Scale the targets, for example to mean 0 and deviation 1, or try a much smaller rate"),
    ),
    "start": (
        template("the parameters at the beginning, as large as {theta:.3g}, let the numbers grow from layer to layer"),
        template("Begin with smaller ones, or add batch normalization"),
    ),
    "activation": (
        template("the activation {formula!r}, which is not finite for ordinary numbers"),
        template("Take another activation, or correct its formula"),
    ),
    "loss": (
        template("the loss {formula!r}, which is not finite for ordinary outputs and targets"),
        template("Take another loss, or correct its formula"),
    ),
    "gradient": (
        template("the slope of {formula!r}, which is not finite for ordinary numbers"),
        template("Take another formula, or correct it"),
    ),
    "penalty": (
        template("too strong a penalty, {shrinking}, for the learning rate {rate:g}"),
        template("Try a tenth of its strength"),
    ),
    "rate": (template("the learning rate {rate:g} is too large"), template("Try a tenth of it, or clip the gradient")),
    "clipped": (template("the learning rate {rate:g} is too large"), template("Try a tenth of it")),
}

# The same where L-BFGS trains, which has no learning rate.
_WITHOUT_RATE = {
    "inputs": (template("unscaled inputs, as large as {inputs:.3g}"), _CAUSES["inputs"][1]),
    "targets": (
        template("unscaled targets, as large as {targets:.3g}"),
        template("Scale the targets, for example to mean 0 and deviation 1"),
    ),
    "penalty": (template("too strong a penalty, {shrinking}"), _CAUSES["penalty"][1]),
    "rate": (
        template("L-BFGS tried a step that went too far"),
        template("Scale inputs and targets, or begin with some epochs of another optimizer, such as Adam()"),
    ),
}


class _Place(NamedTuple):
    """Where the first number that is not finite appears.

    Args:
        stage: a key of `_NUMBERS`.
        layer: l.
        formula: the formula that gave it from ordinary numbers, so that it is to blame; else None.
    """

    stage: str
    layer: int
    formula: str | None = None


def diagnose(
    job: Job,
    carry: Carry,
    failed: Array,
    rows: Array,
    epoch: int,
    batch: int,
    model: Model,
    *,
    training: bool = True,
) -> DivergenceError:
    """Make the error for a batch that was not finite.

    Args:
        job: what was trained.
        carry: training as it stood before that batch.
        failed: the batch's rows of the job's X.
        rows: which rows of what was passed to `train` the job's rows are.
        epoch: counted from 1.
        batch: counted from 1.
        model: the model as it stood before that batch.
        training: False where the batch was only measured, as in prediction, to see whether the model is sound.

    Returns:
        An error with the layer at which the first such number appears and the likely cause.
    """
    common: dict[str, Any] = {"epoch": epoch, "batch": batch}
    for what, matrix, layer in (("X", job.X, 0), ("Y", job.Y, job.objective.network.depth)):
        if (bad := first_not_finite(matrix[failed])) is not None:
            row, column, value = failed[bad[0]], bad[1], bad[2]
            cause, remedy = _cause_of_entry(value, matrix.dtype == np.float32)
            found = {"layer": layer, "row": int(rows[row]), "column": column, "value": value, "what": what}
            return _error(_NOT_FINITE_ROW, model, **common, **found, cause=cause, remedy=remedy)
    with np.errstate(all="ignore"):
        place = _locate(job, carry, failed, training)
        cause, remedy = _explain(job, carry, failed, place)
    number = _NUMBERS[place.stage]
    return _error(_DIVERGED, model, **common, layer=place.layer, number=number, cause=cause, remedy=remedy)


def _error(sentence: str, model: Model, **fields: Any) -> DivergenceError:
    """Make the error; its field ``sentence`` says all but where a program finds the last good model."""
    return DivergenceError(
        "{sentence}. The last model with a finite loss is in the error's field 'model'",
        sentence=Message(sentence, **fields),
        model=model,
        **fields,
    )


def _cause_of_entry(value: float, single: bool) -> tuple[str, str]:
    if np.isnan(value):
        return Message("a missing value"), Message("Remove the row or fill the value in")
    if single:
        cause = Message("a number above 3.4e38, the largest of float32")
        return cause, Message("Scale the column, or remove the row")
    return Message("an infinite value"), Message("Remove the row or put a number in")


def _locate(job: Job, carry: Carry, failed: Array, training: bool) -> _Place:
    """Go through the update once more, stage by stage."""
    network, loss = job.objective.network, job.objective.loss
    X, Y = job.X[failed], job.Y[failed]
    weights = None if job.weights is None else job.weights[failed]
    draw = Draw(job.seed, job.updates_before + carry.updates + 1) if training else None
    share = reference.shares(weights, len(failed))
    steps, state = reference.forward(network, Parameters(network, carry.theta), carry.state, X, share, draw)
    found = _locate_in_pass(network, steps, state)
    if found is not None:
        return found
    _, logits, outputs, _ = steps[-1]
    plain = reference.gradient(Objective(network, loss), carry.theta, carry.state, X, Y, weights, draw)
    if not _finite(plain.cost):
        ordinary = max(_largest(each) for each in (logits, outputs, Y) if each is not None) < _LARGE
        return _Place("loss", network.depth, loss.name if ordinary else None)
    if not _finite(plain.theta):
        l = _layers(plain.parameters)[-1]  # errors come from behind
        ordinary = max(map(_largest, (carry.theta, numbers_of(X), Y, outputs))) < _LARGE
        return _Place("gradient", l, _slope_at_fault(job.objective, outputs, Y, l) if ordinary else None)
    whole = reference.gradient(job.objective, carry.theta, carry.state, X, Y, weights, draw)
    if not (_finite(whole.theta) and _finite(whole.penalty)):
        return _Place("penalty", [*_layers(whole.parameters), network.depth][0])
    steepest = max(whole.W, key=lambda l: _largest(whole.W[l]))
    return _Place("update", steepest)


def _locate_in_pass(network: Network, steps: list[reference.Step], state: Array) -> _Place | None:
    """Give the first pre-activation or activation that is not finite, or else the running statistics."""
    for (layer, l), (_, Z, A, _) in zip(network.steps, steps, strict=True):
        if Z is not None and not _finite(Z):
            return _Place("forward", l)
        if not _finite(A):
            if Z is None or isinstance(layer, Dropout):
                return _Place("forward", l)
            return _Place("activation", l, layer.activation.name if _largest(Z) < _LARGE else None)
    if not _finite(state):
        return _Place("statistics", _layers(Parameters(network, state, network.state_entries))[0])
    return None


def _slope_at_fault(objective: Objective, outputs: Array, Y: Array, l: int) -> str:
    """Give the formula whose slope was not finite in layer l: the loss, or else the activation."""
    network = objective.network
    if l == network.depth and (objective.pair is not None or not _finite(objective.slope(outputs, Y))):
        return objective.loss.name
    return next(
        layer.activation.name for layer, at in reversed(network.steps) if at == l and not isinstance(layer, Dropout)
    )


def _explain(job: Job, carry: Carry, failed: Array, place: _Place) -> tuple[str, str]:
    """Give the likely cause and the remedy."""
    inputs, targets, theta = map(_largest, (numbers_of(job.X[failed]), job.Y[failed], carry.theta))
    # What is wrong before the update is the work of the update before.
    rate = job.rates(max(1, carry.updates + (place.stage == "update")))
    decaying = () if job.optimizer is None or not job.optimizer.decays else (job.optimizer,)
    shrinking: tuple[Formula, ...] = (*job.objective.penalties, *decaying)
    strength = max((each.parameters.get(key, 0.0) for each in shrinking for key in ("strength", "decay")), default=0.0)
    if place.formula is not None:
        name = place.stage
    elif place.stage == "penalty" or (strength * rate >= 2 and strength > rate):
        name = "penalty"  # such an update more than turns a weight round, and it is not the rate that is out of the way
    elif inputs > _LARGE:
        name = "inputs"
    elif targets > _LARGE:
        name = "targets"
    elif carry.updates == 0 and place.stage != "update":
        name = "start"
    else:
        name = "rate" if job.clip is None else "clipped"
    facts = {"inputs": inputs, "targets": targets, "theta": theta, "rate": rate, "formula": place.formula}
    cause, remedy = (_CAUSES if job.optimizer is not None else _CAUSES | _WITHOUT_RATE)[name]
    return Message(cause, shrinking=", ".join(map(str, shrinking)), **facts), Message(remedy)


def _finite(numbers: Any) -> bool:
    return bool(np.isfinite(numbers).all())


def _largest(numbers: Array) -> float:
    return float(np.abs(numbers).max(initial=0.0))


def _layers(vector: Parameters) -> list[int]:
    """Give the layers with numbers that are not finite, ascending."""
    return sorted({entry.layer for entry in vector.entries if not _finite(entry.view(vector.theta))})
