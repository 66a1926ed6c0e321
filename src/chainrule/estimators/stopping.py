"""When the estimators stop: scikit-learn's rule of `tol` and `n_iter_no_change`, with the best parameters kept."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from chainrule.errors import UnknownName
from chainrule.language import Message, told, tr
from chainrule.training.callbacks import Callback, Info, Snapshot

__all__ = ["Convergence", "Lowering", "Pace", "Telling", "loss_of", "score_of"]

Value: TypeAlias = Callable[[Mapping[str, float]], float]
"""Reads a figure out of an epoch's measurements."""

_SMALLEST_RATE = 1e-6


def loss_of(scale: float, offset: float) -> Value:
    """Give what reads scikit-learn's loss out of an epoch's measurements: data loss and penalty together.

    Args:
        scale: what the data loss is divided by.
        offset: what is added to it.

    >>> loss_of(2.0, 0.0)({"loss": 1.0, "penalty": 0.25})
    0.75
    """
    return lambda values: values["loss"] / scale + offset + values.get("penalty", 0.0)


def score_of(name: str) -> Value:
    """Give what reads a series out of an epoch's measurements.

    >>> score_of("validation_r2")({"validation_r2": 0.5})
    0.5
    """
    return lambda values: values[name]


@dataclass
class Pace:
    """What is remembered of a figure from epoch to epoch; between calls of ``partial_fit``, too.

    Args:
        best: the best so far, with its sign turned where less is better.
        bad: how many epochs in a row were not better.
        scale: what the learning rate has been multiplied by.
    """

    best: float = -math.inf
    bad: int = 0
    scale: float = 1.0


class Convergence(Callback):
    """Stops after so many epochs in a row in which a figure was not better by ``tol`` than the best before.

    An epoch counts as bad where figure < best + tol (for a loss: figure > best - tol); the best is the best of all,
    however little better it was. The parameters of the best epoch are given back. With one batch per epoch its training
    loss is that of the parameters before its update, so those are; but after the last epoch the newest, which no epoch
    has measured: where the loss fell until then, they are the best guess.

    Args:
        figure: reads the figure out of an epoch's measurements.
        what: its name, for messages.
        series: the series that it is, or None where it is made of several.
        higher: whether more is better.
        tol: how much better counts.
        patience: bad epochs in a row after which training stops; infinity never stops.
        keep: whether the best epoch's parameters are given back.
        lower_rate: whether the learning rate is divided by 5 first, as long as it is above 1e-6.
        pace: what was remembered; None begins anew.
        measured_before: whether the figure is measured in the batches, before their updates.

    >>> Convergence(loss_of(1.0, 0.0), "training loss", higher=False, tol=1e-4, patience=10).pace.bad
    0
    """

    def __init__(
        self,
        figure: Value,
        what: str,
        *,
        series: str | None = None,
        higher: bool,
        tol: float,
        patience: float,
        keep: bool = True,
        lower_rate: bool = False,
        pace: Pace | None = None,
        measured_before: bool = False,
    ) -> None:
        self.figure, self.what, self.series, self.sign = figure, what, series, 1.0 if higher else -1.0
        self.tol, self.patience, self.keep, self.lower_rate = tol, patience, keep, lower_rate
        self.pace = Pace() if pace is None else pace
        self.measured_before = measured_before
        self._kept: Snapshot | None = None

    def begin(self, info: Info) -> None:
        """See that what is watched is measured."""
        if self.series is not None and self.series not in info.series:
            raise UnknownName.among("series to monitor", self.series, info.series)

    def epoch(self, info: Info) -> str | None:
        """Compare the newest figure with the best."""
        value, pace = self.sign * self.figure(info.values), self.pace
        pace.bad = 0 if value >= pace.best + self.tol else pace.bad + 1  # a nan is no better
        if value > pace.best:
            pace.best = value
            if self.keep:
                self._kept = self._measured(info)
        return self._end_of_patience(info) if pace.bad >= self.patience else None

    def _measured(self, info: Info) -> Snapshot:
        """Copy what the figure belongs to; the running statistics have just come to know its parameters."""
        carry = info.carry
        before = carry.before if self.measured_before and info.batches == 1 else None
        theta = carry.theta if before is None else before.theta
        return Snapshot(theta.copy(), carry.state.copy(), info.epoch)

    def _end_of_patience(self, info: Info) -> str | None:
        if self.lower_rate and info.values["rate"] > _SMALLEST_RATE:
            self.pace.scale, self.pace.bad = self.pace.scale / 5, 0
            return None
        return Message(
            "{what} did not improve more than tol={tol:g} for {patience} consecutive epochs",
            what=self.what,
            tol=self.tol,
            patience=self.patience,
        )

    def end(self, info: Info) -> Snapshot | None:
        """Give back the best parameters."""
        kept, carry = self._kept, info.carry
        newest = kept is not None and kept.epoch == info.epoch
        return Snapshot(carry.theta.copy(), carry.state.copy(), info.epoch) if newest else kept


class Lowering:
    """Multiplies the learning rate by what a `Convergence` has come to; a callback of its own, since it costs time.

    Args:
        pace: of the `Convergence`.
    """

    def __init__(self, pace: Pace) -> None:
        self.pace = pace

    def rate_factor(self, info: Info) -> float:
        """Give the factor of the next epoch."""
        return self.pace.scale


class Telling(Callback):
    """Writes a line about each epoch to standard output, as scikit-learn's ``verbose=True`` does.

    Args:
        figure: reads the loss out of an epoch's measurements.
        score: the series that is watched, such as the validation score, or None.
    """

    def __init__(self, figure: Value, score: str | None) -> None:
        self.figure, self.score = figure, score

    def epoch(self, info: Info) -> str | None:
        """Tell the loss, and the series that is watched where there is one."""
        _say(tr("Iteration {epoch}, loss = {loss:.8f}", epoch=info.epoch, loss=self.figure(info.values)))
        if self.score == "validation_loss":
            _say(tr("Validation loss: {loss:.6f}", loss=info.values[self.score]))
        elif self.score is not None and not self.score.startswith("validation_"):
            _say(f"{self.score} = {info.values[self.score]:.6f}")
        elif self.score is not None:
            _say(tr("Validation score: {score:.6f}", score=info.values[self.score]))
        return None

    def end(self, info: Info) -> Snapshot | None:
        """Tell why it ended."""
        if info.history.stopped:
            _say(told(info.history.stopped))
        return None


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
