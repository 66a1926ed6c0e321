"""What the course of the losses says: a rate too high or too low, a training too short or too long."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from chainrule.formulas import Array
from chainrule.history import History
from chainrule.language import Message
from chainrule.training.diagnosis.fit import Fit
from chainrule.training.diagnosis.records import Finding
from chainrule.training.diagnosis.units import LayerSigns

__all__ = ["judge_course"]

_FEWEST = 5  # epochs, below which a course says nothing

# Mean rise from epoch to epoch in the second half, as a share of what there is to learn. Healthy trainings of the
# built-in sets stayed below 0.006; rates some ten times too high gave 0.03 to 10.
_ROUGH = 0.03
# Ratio of update to weight: about 1e-3 is usual (see `UpdateRatios`); healthy trainings had medians of 2e-4 to 1e-2.
_LARGE_UPDATE, _SMALL_UPDATE = 0.1, 1e-4  # the median over the epochs; the largest of them
# A rate that is too low shows as a loss that falls in nearly every epoch and is still above that of a constant answer.
_STEADY = 0.9
# The loss of the last fifth of the epochs beside that of the fifth before, where there is this much left to learn.
_STILL_FALLING, _WORTH_IT = 0.1, 0.1
# What the validation rows have above the training rows, as a share of what there is to learn, and in right answers.
# Validation parts are often small: of a dozen rows, one answer is 8 %, so that smaller gaps say nothing.
_GAP = {"severe": 0.8, "mild": 0.4}
_GAP_RIGHT = {"severe": 0.25, "mild": 0.15}
# A lowest validation loss in the first half of the epochs, exceeded by a fifth in the end.
_EARLY, _RISEN = 0.5, 1.2

_CUT_SHORT = ("interrupted", "time limit of {seconds:g} s")


def judge_course(history: History, fit: Fit, layers: Sequence[LayerSigns], planned: int | None) -> list[Finding]:
    """Find what the series of the history tell.

    Args:
        history: of the training.
        fit: of the model on its training rows.
        layers: with the ratios of updates to weights.
        planned: how many epochs were planned, if known.
    """
    found: list[Finding] = []
    losses = np.array(history.get("loss", []), dtype=np.float64)
    # A layer of dead neurons is not moved by any rate: the one that is moved most says how large the rate is.
    update = float(np.max([each.update for each in layers]))
    largest = float(np.max([each.largest_update for each in layers]))
    if len(losses) >= _FEWEST and np.isfinite(losses).all() and not math.isnan(fit.scale):
        rate = max(history.get("rate", [math.nan]))
        found += _too_high(losses, fit, update, rate) or _too_low(losses, fit, largest, rate)
        if not found:
            found += _unfinished(losses, fit, history)
    found += _overfitted(history, fit) + _past_best(history) + _cut_short(history, planned)
    if fit.poor:
        found.append(_nothing_learnt(fit))
    return found


def _too_high(losses: Array, fit: Fit, update: float, rate: float) -> list[Finding]:
    """The loss rises again and again, or updates throw the weights about."""
    late = np.diff(losses)[len(losses) // 2 - 1 :]
    rise = float(np.maximum(late, 0).mean()) / fit.scale
    remedy = Message("Take a tenth of the rate, or clip the gradient.")
    if rise >= _ROUGH:
        what = Message(
            "The loss rose in {rises} of the last {epochs} epochs, by {rise:.3g} on average, and ended at {last:.3g} "
            "after {lowest:.3g} at best, where a constant answer has {constant:.3g}: the learning rate, up to "
            "{rate:.3g}, is too high.",
            rises=int((late > 0).sum()),
            epochs=len(late),
            rise=rise * fit.scale,
            last=float(losses[-1]),
            lowest=float(losses.min()),
            constant=fit.constant,
            rate=rate,
        )
        return [Finding("rate_too_high", "severe", what, remedy)]
    if update >= _LARGE_UPDATE:
        what = Message(
            "An update changes the weights of some layer by {update:.2g} of their size (median over the epochs), where "
            "0.001 is usual: the learning rate is high.",
            update=update,
        )
        return [Finding("rate_too_high", "mild", what, remedy)]
    return []


def _too_low(losses: Array, fit: Fit, largest: float, rate: float) -> list[Finding]:
    """The loss has not come far, since updates are tiny, or though it falls in nearly every epoch."""
    remedy = Message("Take ten times the rate, or more epochs.")
    if not fit.good and largest < _SMALL_UPDATE:  # False where it is not known
        what = Message(
            "No update at the end of an epoch changed the weights by more than {update:.2g} of their size, where 0.001 "
            "is usual, and the loss is {cost:.4g}, that of a constant answer {constant:.4g}: the learning rate, up to "
            "{rate:.3g}, is too low.",
            update=largest,
            cost=fit.cost,
            constant=fit.constant,
            rate=rate,
        )
        return [Finding("rate_too_low", "severe", what, remedy)]
    late = np.diff(losses)[len(losses) // 2 - 1 :]
    if fit.left <= 1 or float((late < 0).mean()) < _STEADY:
        return []
    what = Message(
        "The loss was still falling, from {first:.4g} in the first epoch to {last:.4g} in epoch {epochs}, and a "
        "constant answer has {constant:.4g}: the learning rate, up to {rate:.3g}, is too low, or the epochs are too "
        "few.",
        first=float(losses[0]),
        last=float(losses[-1]),
        epochs=len(losses),
        constant=fit.constant,
        rate=rate,
    )
    return [Finding("rate_too_low", "severe", what, remedy)]


def _unfinished(losses: Array, fit: Fit, history: History) -> list[Finding]:
    """The loss was still falling, and so was that of the validation rows."""
    if history.best_epoch is not None or fit.left < _WORTH_IT or not _falls(losses):
        return []
    if "validation_loss" in history and not _falls(np.array(history["validation_loss"])):
        return []
    late, before = _fifths(losses)
    what = Message(
        "The loss was still falling when training ended: from {before:.3g} to {late:.3g} over the last {epochs} "
        "epochs.",
        before=before,
        late=late,
        epochs=2 * max(1, len(losses) // 5),
    )
    return [Finding("still_falling", "mild", what, Message("Train for more epochs, or with a higher rate."))]


def _falls(losses: Array) -> bool:
    late, before = _fifths(losses)
    return late < (1 - _STILL_FALLING) * before


def _fifths(losses: Array) -> tuple[float, float]:
    """Give the mean of the last fifth of the epochs and that of the fifth before."""
    k = max(1, len(losses) // 5)
    return float(losses[-k:].mean()), float(losses[-2 * k : -k].mean())


def _overfitted(history: History, fit: Fit) -> list[Finding]:
    """The validation rows are predicted much worse than the training rows, in the epoch whose parameters were kept."""
    kept = (history.best_epoch or history.epochs) - 1
    held_out = _at(history, "validation_loss", kept)
    gap = (held_out - fit.cost) / fit.scale
    right, held_right = _at(history, "accuracy", kept), _at(history, "validation_accuracy", kept)
    severity = next((s for s in _GAP if gap >= _GAP[s] or right - held_right >= _GAP_RIGHT[s]), None)
    if severity is None:
        return []
    what = Message(
        "The validation rows have a loss of {held_out:.3g}, the training rows {cost:.3g}",
        held_out=held_out,
        cost=fit.cost,
    )
    if not math.isnan(right - held_right):
        what = Message(
            "{text}; {held_right:.1%} right answers against {right:.1%}", text=what, held_right=held_right, right=right
        )
    what = Message(
        "{text}: the network has learnt its rows by heart."
        if severity == "severe"
        else "{text}: what it has learnt holds less for new rows.",
        text=what,
    )
    remedy = Message("Get more rows, or take dropout, a weight decay (L2), a smaller network or early stopping.")
    return [Finding("overfitting", severity, what, remedy)]


def _past_best(history: History) -> list[Finding]:
    """The validation loss was lowest long before the end, and the parameters of the end were kept."""
    losses = np.array(history.get("validation_loss", []), dtype=np.float64)
    if history.best_epoch is not None or len(losses) < _FEWEST or not np.isfinite(losses).all():
        return []
    best = int(np.argmin(losses)) + 1
    if best > _EARLY * len(losses) or losses[-1] < _RISEN * losses.min():
        return []
    what = Message(
        "The validation loss was lowest in epoch {best} of {epochs}, {lowest:.3g}, and is {last:.3g} now.",
        best=best,
        epochs=len(losses),
        lowest=float(losses.min()),
        last=float(losses[-1]),
    )
    return [Finding("past_best", "mild", what, Message("Keep the best epoch, with EarlyStopping('validation_loss')."))]


def _cut_short(history: History, planned: int | None) -> list[Finding]:
    key = getattr(history.stopped, "key", history.stopped)
    if key not in _CUT_SHORT:
        return []
    what = Message("Training was cut short after {epochs} epochs: {why}.", epochs=history.epochs, why=history.stopped)
    if planned is not None and planned > history.epochs:
        what = Message(
            "Training was cut short after {epochs} of {planned} epochs: {why}.",
            epochs=history.epochs,
            planned=planned,
            why=history.stopped,
        )
    return [Finding("cut_short", "mild", what, Message("Give it more time, or go on from this model."))]


def _nothing_learnt(fit: Fit) -> Finding:
    what = Message(
        "The loss is {cost:.4g}, that of a constant answer {constant:.4g}: hardly anything has been learnt.",
        cost=fit.cost,
        constant=fit.constant,
    )
    remedy = Message("Look whether inputs and targets belong together; take another rate, or a larger network.")
    return Finding("nothing_learnt", "severe", what, remedy)


def _at(history: History, name: str, k: int) -> float:
    series = history.get(name, [])
    return float(series[k]) if 0 <= k < len(series) else math.nan
