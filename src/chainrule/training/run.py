"""One training run: the engine makes the epochs; the run measures, asks the callbacks and keeps the history."""

from __future__ import annotations

import math
import time
from dataclasses import replace

import numpy as np

from chainrule.engines import Carry, ConstantRate, Engine, EpochResult, Job
from chainrule.errors import DivergenceError
from chainrule.formulas import Array
from chainrule.history import History
from chainrule.language import Message
from chainrule.model import Model
from chainrule.streams import permutation
from chainrule.training.audience import Audience
from chainrule.training.callbacks import Info, Snapshot
from chainrule.training.divergence import diagnose
from chainrule.training.interrupt import Interrupt
from chainrule.training.measuring import Measuring
from chainrule.training.rates import ScaledRates

__all__ = ["INTERRUPTED", "Run"]

INTERRUPTED = Message("interrupted")
_ROWS_LOOKED_AT = 256
_AT_ONCE = 100_000  # epochs of one batch that are made without coming back


class Run:
    """One call of `train`, once everything is checked and prepared.

    Args:
        model: the model to begin with, in memory of its own; its history is gone on with.
        job: what does not change.
        engine: what computes.
        reason: why this engine.
        measuring: what is measured after each epoch.
        audience: the callbacks.
        epochs: how many to make.
        start: the parameters and the optimizer's memory to begin with.
        shuffle: whether each epoch takes the rows in an order of its own.
    """

    def __init__(
        self,
        model: Model,
        job: Job,
        engine: Engine,
        reason: str,
        measuring: Measuring,
        audience: Audience,
        epochs: int,
        start: Carry,
        *,
        shuffle: bool,
    ) -> None:
        self.model, self.job, self.engine, self.epochs = model, job, engine, epochs
        self.measuring, self.audience, self.shuffle = measuring, audience, shuffle
        self.batches = math.ceil(len(job.X) / job.batch_size)
        self.history, self.earlier = _go_on(model.history)
        self.updates_before = job.updates_before
        self.history.engine, self.history.engine_reason = engine.name, reason
        self.reason: str | None = None
        # Where the run stands. An engine updates theta in place, so these change with every batch.
        self.carry = start
        self.order: Array | None = None
        self.began = self.carry  # where the epoch began: sound parameters, if any are
        self.epoch, self.batch, self.loss = 1, 0, math.nan
        self.values: dict[str, float] = {}

    def go(self) -> Model:
        """Make the epochs and give the model."""
        with Interrupt() as self.interrupt:
            try:
                self.audience.begin(self._info())
                done = 0
                while done < self.epochs and self.reason is None:
                    done += self._make_epochs(done)
                self.history.stopped = self.reason or Message("all {epochs} epochs done", epochs=self.epochs)
            except BaseException as error:
                self.audience.end_after(error, self._info())
                raise
            kept = self.audience.end(self._info())
        if self.interrupt.asked:
            self.history.stopped = INTERRUPTED
        return self._finish(kept)

    def _make_epochs(self, done: int) -> int:
        """Make the next epoch, or all that are left where nobody looks in between; gives how many."""
        repeat = getattr(self.engine, "repeat", None)
        looked_at = self.measuring.passes or self.audience.hears
        if repeat is not None and not looked_at and self.job.batch_size >= len(self.job.X):
            began = time.perf_counter()
            self.epoch, self.order, self.began = done + 1, None, self.carry
            made = repeat(self.job, self.carry, min(self.epochs - done, _AT_ONCE), self._watch_epochs)
            if made is not None:
                result, trail = made
                return self._record(result, trail, time.perf_counter() - began)
        self._make_epoch(done + 1)
        return 1

    def _watch_epochs(self, done: int, loss: float, carry: Carry) -> bool:
        """See epochs of one batch go by; True stops."""
        self.batch, self.loss, self.carry = 1, loss, carry
        if self.interrupt.asked:
            self.reason = INTERRUPTED
        return self.reason is not None

    def _record(self, result: EpochResult, trail: Array, seconds: float) -> int:
        """Keep the history of epochs of one batch each."""
        count = len(trail)
        self.carry = result.carry
        first = self.began.updates + 1
        columns = {"loss": trail[:, 0].tolist()}
        if self.job.objective.penalties:
            columns["penalty"] = trail[:, 1].tolist()
        rates = self.job.rates
        constant = isinstance(rates, ConstantRate)
        columns["rate"] = [rates(first)] * count if constant else [rates(t) for t in range(first, first + count)]
        columns["seconds"] = [seconds / max(count, 1)] * count
        self.history.extend(columns, count)
        self.history.updates = self.updates_before + self.carry.updates
        self.epoch += count - (result.failed is None)
        self.values = {name: column[-1] for name, column in columns.items() if column}
        if result.failed is not None:
            raise self._divergence(result.failed, 1, result.sound, training=True)
        return count

    def _make_epoch(self, epoch: int) -> None:
        began = time.perf_counter()
        self.epoch, self.batch, self.values = epoch, 0, {}
        self.order, self.began = self._shuffle(), self.carry
        if isinstance(self.job.rates, ScaledRates):
            self.job.rates.factor = self.audience.rate_factor(self._info())
        result = self.engine.epoch(self.job, self.carry, self.order, self._watch, each=self.audience.hears_batches)
        self.carry = result.carry
        if result.failed is not None:
            raise self._divergence(result.failed, result.batches + 1, result.sound, training=True)
        values = self.measuring.measure(self.carry, result.loss, result.penalty)
        values["seconds"] = time.perf_counter() - began
        self.values = values
        self.history.append(values)
        self.history.updates = self.updates_before + self.carry.updates
        stop = self.audience.epoch(self._info())
        self.reason = INTERRUPTED if self.interrupt.asked else self.reason or stop

    def _watch(self, batch: int, loss: float, carry: Carry) -> bool:
        """See each batch; True stops."""
        self.batch, self.loss, self.carry = batch, loss, carry
        if self.audience.hears_batches:
            self.reason = self.audience.batch(self._info())
        if self.interrupt.asked:
            self.reason = INTERRUPTED
        return self.reason is not None

    def _shuffle(self) -> Array | None:
        """Give this epoch's order of the rows; the epochs of earlier runs count, so that none is used twice."""
        n, seed = len(self.job.X), self.job.seed
        # One batch of all rows needs no shuffling: only the order of a sum would change.
        if self.job.batch_size >= n or not self.shuffle:
            return None
        return permutation(seed, "shuffle", self.earlier + self.epoch, n=n)

    def _info(self) -> Info:
        return Info(
            epoch=self.epoch,
            epochs=self.epochs,
            batch=self.batch,
            batches=self.batches,
            loss=self.loss,
            values=self.values,
            history=self.history,
            carry=self.carry,
            make=self._make,
            series=self.measuring.series,
        )

    def _make(self, carry: Carry) -> Model:
        """Make a model of copies."""
        series = {name: list(values) for name, values in self.history.series.items()}
        return replace(
            self.model,
            theta=carry.theta.copy(),
            state=carry.state.copy(),
            history=replace(self.history, series=series, updates=self.updates_before + carry.updates),
            settings=dict(self.model.settings),
        )

    def _finish(self, kept: Snapshot | None) -> Model:
        """Give the final model, or the kept one."""
        if kept is not None:
            self.history.best_epoch = self.earlier + kept.epoch
            self.carry = self.carry._replace(theta=kept.theta, state=kept.state)
        if self.job.check_finite:
            self._check_loss()
        return self._make(self.carry)

    def _check_loss(self) -> None:
        """Compute the loss of the newest rows once more: what the last update did shows in no later batch."""
        job, done = self.job, self.batch * self.job.batch_size
        rows = np.arange(len(job.X)) if self.order is None else self.order
        before = rows[done:] if self.epoch > 1 else rows[:0]  # not yet come to in this epoch, but in others
        newest = np.concatenate([before, rows[:done]])[-_ROWS_LOOKED_AT:]
        weights = None if job.weights is None else job.weights[newest]
        with np.errstate(all="ignore"):
            cost = self.measuring.cost(self.carry, job.X[newest], job.Y[newest], weights)
        if not math.isfinite(cost):
            raise self._divergence(newest, self.batch, self.carry.before or self.began, training=False)

    def _divergence(self, failed: Array, batch: int, sound: Carry | None, *, training: bool) -> DivergenceError:
        self.history.stopped = Message("diverged in epoch {epoch}, batch {batch}", epoch=self.epoch, batch=batch)
        # Without any sound parameters there are only those that training began with.
        model = self._make(sound or self.carry)
        return diagnose(
            self.job, self.carry, failed, self.measuring.part.rows, self.epoch, batch, model, training=training
        )


def _go_on(before: History | None) -> tuple[History, int]:
    """Give a history to go on with, a copy, and how many epochs it already holds."""
    if before is None:
        return History(), 0
    series = {name: list(values) for name, values in before.series.items()}
    return History(series=series, updates=before.updates), before.epochs
