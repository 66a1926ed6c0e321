"""When the estimators stop: scikit-learn's rule of `tol` and `n_iter_no_change`, with the best parameters kept."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping

from chainrule.language import Message, told, tr
from chainrule.training.callbacks import Callback, Info, Snapshot

__all__ = ["Convergence", "Telling", "loss_of", "score_of"]

Value = Callable[[Mapping[str, float]], float]


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


class Convergence(Callback):
    """Stops after so many epochs in a row in which a figure did not get better by ``tol`` than the best before.

    An epoch counts as bad where figure < best + tol (for a loss: figure > best - tol); the best is the best of all,
    however little better it was. The parameters of the best epoch are given back.

    Args:
        figure: reads the figure out of an epoch's measurements.
        what: its name, for messages.
        higher: whether more is better.
        tol: how much better counts.
        patience: bad epochs in a row after which training stops; infinity never stops.
        keep: whether the best epoch's parameters are given back.

    Attributes:
        met: whether training stopped because the figure no longer got better.
        best: the best figure.
    """

    def __init__(
        self, figure: Value, what: str, *, higher: bool, tol: float, patience: float, keep: bool = True
    ) -> None:
        self.figure, self.what, self.sign = figure, what, 1.0 if higher else -1.0
        self.tol, self.patience, self.keep = tol, patience, keep
        self.met, self._best, self._bad = False, -math.inf, 0
        self._kept: Snapshot | None = None

    @property
    def best(self) -> float:
        """The best figure so far."""
        return self.sign * self._best

    def epoch(self, info: Info) -> str | None:
        """Compare the newest figure with the best."""
        value = self.sign * self.figure(info.values)
        better = not (math.isnan(value) or value < self._best + self.tol)
        self._bad = 0 if better else self._bad + 1
        if value > self._best or (self._kept is None and self.keep):
            self._best = max(value, self._best) if not math.isnan(value) else self._best
            if self.keep:
                self._kept = Snapshot(info.carry.theta.copy(), info.carry.state.copy(), info.epoch)
        return self._stop() if self._bad >= self.patience else None

    def _stop(self) -> str | None:
        self.met = True
        return Message(
            "{what} did not improve by more than tol={tol:g} for {patience} consecutive epochs",
            what=self.what,
            tol=self.tol,
            patience=self.patience,
        )

    def end(self, info: Info) -> Snapshot | None:
        """Give back the best parameters."""
        return self._kept


class Telling(Callback):
    """Writes a line about each epoch to standard output, as scikit-learn's ``verbose=True`` does.

    Args:
        figure: reads the loss out of an epoch's measurements.
        score: the series of the validation score, or None.
    """

    def __init__(self, figure: Value, score: str | None) -> None:
        self.figure, self.score = figure, score

    def epoch(self, info: Info) -> str | None:
        """Tell the loss, and the validation score where there is one."""
        _say(tr("Iteration {epoch}, loss = {loss:.8f}", epoch=info.epoch, loss=self.figure(info.values)))
        if self.score is not None:
            _say(tr("Validation score: {score:.6f}", score=info.values[self.score]))
        return None

    def end(self, info: Info) -> Snapshot | None:
        """Tell why it ended."""
        if info.history.stopped:
            _say(told(info.history.stopped))
        return None


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
