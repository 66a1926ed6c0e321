"""Callbacks: what may look at training and stop it.

A callback is an object with any of five methods; each is given an `Info`:

    begin(info)        before the first epoch
    rate_factor(info)  before each epoch; gives a number by which the learning rates of this epoch's updates, schedule
                       and all, are multiplied
    batch(info)        after each batch; costs one call per batch, so only define it where every batch matters
    epoch(info)        after each epoch, with the epoch's measurements
    end(info)          at the end, also where an error ends training; may give a `Snapshot` to keep in place of the
                       final one

``batch`` and ``epoch`` may return a text: training then stops and gives it as the reason. Every callback is called, in
the order given, even if one before it wants to stop; the first reason and the first snapshot count, and the product of
the factors. A factor is asked for anew before each epoch and kept nowhere else: a callback's own memory is all there is
to it.

One that remembers something from epoch to epoch has two methods more, so that `Checkpoint` keeps its memory:

    state()          after an epoch or between two batches: gives it as a mapping of plain data and arrays of floats
    restore(state)   after ``begin``, where training goes on from a checkpoint: takes it back

Where training goes on, the same callbacks with a memory must be there again (a `TimeLimit` may come and go). One with
other settings is refused by its ``restore``. Callbacks without these methods begin anew.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from chainrule.engines.protocol import Carry
from chainrule.errors import ModelFileError, UnknownName, UsageError
from chainrule.formulas import METRICS, Array
from chainrule.formulas.intervals import is_real
from chainrule.history import History
from chainrule.language import Message, template
from chainrule.model import Model

__all__ = [
    "EARLY_STOPPING",
    "TIME_LIMIT",
    "Callback",
    "EarlyStopping",
    "Info",
    "Snapshot",
    "TimeLimit",
    "check_monitoring",
    "check_same",
]

EARLY_STOPPING = template("early stopping: {monitor} has not improved for {patience} epochs")
TIME_LIMIT = template("time limit of {seconds:g} s")


@dataclass(frozen=True)
class Snapshot:
    """Parameters and state to keep, and the epoch they are from."""

    theta: Array
    state: Array
    epoch: int


@dataclass(frozen=True)
class Info:
    """What a callback may look at.

    Args:
        epoch: which epoch of this training, counted from 1.
        epochs: how many are planned.
        batch: batches done in this epoch.
        batches: batches of an epoch.
        loss: data loss of the newest batch; nan before the first.
        values: the epoch's measurements by name of their series; empty within an epoch.
        history: everything recorded so far.
        carry: the parameters as they stand; copy what you want to keep, they are updated in place.
        make: makes a `Model` of copies, which is what ``info.model`` calls.
        series: the names of all that each epoch measures.
    """

    epoch: int
    epochs: int
    batch: int
    batches: int
    loss: float
    values: Mapping[str, float]
    history: History
    carry: Carry
    make: Callable[[Carry], Model] = field(repr=False)
    series: tuple[str, ...] = ()

    @cached_property
    def model(self) -> Model:
        """The model as it stands, a copy."""
        return self.make(self.carry)


class Callback:
    """A callback that does nothing; inherit to have the methods you do not need.

    What a callback raises ends training, and no model is given back. To have one all the same, keep ``info.model``, a
    copy of the model as it stands: in ``epoch`` the best so far, or in ``end``, which is called after an error, too.

    >>> class Print(Callback):
    ...     def epoch(self, info):
    ...         print(info.epoch, sorted(info.values))
    """

    def begin(self, info: Info) -> None:
        """Before the first epoch."""

    def rate_factor(self, info: Info) -> float:
        """Before each epoch: by what its learning rates are multiplied."""
        return 1.0

    def batch(self, info: Info) -> str | None:
        """After each batch; a returned text stops training."""
        return None

    def epoch(self, info: Info) -> str | None:
        """After each epoch; a returned text stops training."""
        return None

    def end(self, info: Info) -> Snapshot | None:
        """After the last epoch; a returned snapshot replaces the final parameters."""
        return None


def check_monitoring(monitor: str, patience: int, least_change: float, better: str | None) -> float:
    """Check how a callback watches a series; give -1 where higher is better, else 1.

    Raises:
        UsageError: for a monitor that is no text, a patience below 1, a least change below 0, or another ``better``.
    """
    if isinstance(patience, bool) or not isinstance(patience, (int, np.integer)) or patience < 1:
        raise UsageError("patience is {patience!r}; it must be a whole number of epochs, at least 1", patience=patience)
    if not is_real(least_change) or not 0 <= least_change < math.inf:
        raise UsageError("least_change is {value!r}; it must be a number of 0 or more", value=least_change)
    if not isinstance(monitor, str):
        raise UsageError(
            "monitor is {monitor!r}; it must be the name of a series, such as 'validation_loss' (the number of "
            "epochs is EarlyStopping(patience=…))",
            monitor=monitor,
        )
    if better not in ("lower", "higher", None):
        raise UsageError(
            "better is {better!r}; it must be 'lower' or 'higher', or None, which takes what the catalogue says of a "
            "metric",
            better=better,
        )
    if better is None:
        metric = METRICS.get(monitor.removeprefix("validation_"))
        better = "lower" if metric is None else metric.better
    return -1.0 if better == "higher" else 1.0


def check_same(callback: Callback, state: Mapping[str, Any], names: Iterable[str]) -> None:
    """Refuse settings of a callback that are others than when the checkpoint was written.

    Raises:
        UsageError: names the first that differs: what it was, and what it is now.
    """
    for name in names:
        was, now = state[name], getattr(callback, name)
        if was != now:
            raise UsageError(
                "{callback}: {name} was {was!r} when the checkpoint was written, is {now!r}; give the same, or train"
                " from the beginning",
                callback=type(callback).__name__,
                name=name,
                was=was,
                now=now,
            )


class EarlyStopping(Callback):
    """Stops when a series has not improved for some epochs; gives back the best parameters, however training ends.

    Args:
        monitor: any series, such as "validation_loss" or "validation_accuracy".
        patience: epochs without improvement after which training stops: the first bad epoch counts 1.
        least_change: how much better counts as better.
        better: "lower" or "higher"; None takes what the catalogue says of a metric, "lower" for all else.

    Raises:
        UsageError: for a monitor that is no text, a patience below 1, a least change below 0, or another ``better``.
        UnknownName: (as training begins) where there is no such series.

    >>> EarlyStopping("validation_accuracy", patience=5)
    EarlyStopping('validation_accuracy', patience=5)
    """

    def __init__(
        self,
        monitor: str = "validation_loss",
        patience: int = 10,
        least_change: float = 0.0,
        better: str | None = None,
    ) -> None:
        self._sign = check_monitoring(monitor, patience, least_change, better)
        self.monitor, self.patience, self.least_change, self.better = monitor, int(patience), least_change, better
        self._best = math.inf
        self._kept: Snapshot | None = None
        self._shapes: tuple[tuple[int, ...], tuple[int, ...]] = (), ()  # of what a snapshot holds

    def begin(self, info: Info) -> None:
        """Forget what an earlier training left."""
        if self.monitor not in info.series:
            raise UnknownName.among("series to monitor", self.monitor, info.series)
        self._best, self._kept = math.inf, None
        self._shapes = info.carry.theta.shape, info.carry.state.shape

    def epoch(self, info: Info) -> str | None:
        """Compare the newest value with the best."""
        value = self._sign * info.values[self.monitor]
        if math.isnan(value):
            value = math.inf  # nan is smaller than nothing, so a nan to begin with could never be improved upon
        if self._kept is None or value < self._best - self.least_change:
            self._best = value
            self._kept = Snapshot(info.carry.theta.copy(), info.carry.state.copy(), info.epoch)
        elif info.epoch - self._kept.epoch >= self.patience:
            return Message(EARLY_STOPPING, monitor=self.monitor, patience=self.patience)
        return None

    def end(self, info: Info) -> Snapshot | None:
        """Give back the best parameters."""
        return self._kept

    def state(self) -> dict[str, Any]:
        """Give the best value and what is kept of its epoch."""
        settings = {
            "monitor": self.monitor,
            "patience": self.patience,
            "least_change": float(self.least_change),
            "better": self.better,
        }
        if self._kept is None:
            return settings
        kept = self._kept
        return {**settings, "best": self._best, "epoch": kept.epoch, "theta": kept.theta, "state": kept.state}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take it back.

        Raises:
            UsageError: where another series was watched, or for less patience than then.
        """
        more = self.patience > state["patience"]
        check_same(self, state, ("monitor", "least_change", "better", *(() if more else ("patience",))))
        if "epoch" in state:
            kept = Snapshot(state["theta"], state["state"], state["epoch"])
            if type(kept.epoch) is not int or (kept.theta.shape, kept.state.shape) != self._shapes:
                raise ModelFileError(
                    "the checkpoint is damaged: what EarlyStopping kept is of no epoch of this network"
                )
            if not (np.isfinite(kept.theta).all() and np.isfinite(kept.state).all()):
                raise ModelFileError("the checkpoint is damaged: EarlyStopping kept parameters that are not finite")
            self._best, self._kept = float(state["best"]), kept

    def __repr__(self) -> str:
        return f"EarlyStopping({self.monitor!r}, patience={self.patience})"


class TimeLimit(Callback):
    """Stops after the batch in which the time is over.

    Args:
        seconds: how long training may take.

    Raises:
        UsageError: for a time that is not above 0.

    >>> TimeLimit(60).seconds
    60
    """

    def __init__(self, seconds: float) -> None:
        if not is_real(seconds) or not seconds > 0:
            raise UsageError("the time limit is {seconds!r}; it must be a number of seconds above 0", seconds=seconds)
        self.seconds = seconds
        self._end = math.inf

    def begin(self, info: Info) -> None:
        """Start the clock."""
        self._end = time.monotonic() + self.seconds

    @property
    def is_over(self) -> bool:
        """Whether the time is over."""
        return time.monotonic() >= self._end

    def state(self) -> dict[str, Any]:
        """Give how many seconds were used."""
        return {"used": self.seconds - (self._end - time.monotonic())}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Count them in."""
        self._end -= float(state["used"])

    def batch(self, info: Info) -> str | None:
        """Look at the clock."""
        return Message(TIME_LIMIT, seconds=self.seconds) if self.is_over else None
