"""One training run: the engine makes the epochs; the run measures, asks callbacks, keeps history and checkpoints."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import cached_property

import numpy as np

from chainrule.engines import NOTHING, Carry, ConstantRate, Engine, EpochResult, Job, Sums
from chainrule.errors import DivergenceError
from chainrule.formulas import Array
from chainrule.history import History
from chainrule.language import Message, recognized
from chainrule.model import Model
from chainrule.streams import permutation
from chainrule.training.audience import Audience
from chainrule.training.callbacks import EARLY_STOPPING, TIME_LIMIT, Callback, Info, Snapshot
from chainrule.training.checkpoints import Checkpoint, still_holds
from chainrule.training.divergence import diagnose
from chainrule.training.identity import Identity
from chainrule.training.interrupt import Interrupt
from chainrule.training.measuring import Measuring
from chainrule.training.preparation import Part
from chainrule.training.standing import Standing, split_memory

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
        rows: which rows of what was passed the job's rows are.
        held_out: the validation part, or None.
        metrics: names of what to measure after each epoch.
        callbacks: one or several.
        epochs: how many to make.
        identify: tells, for checkpoints, what training this is.
    """

    def __init__(
        self,
        model: Model,
        job: Job,
        engine: Engine,
        reason: str,
        rows: Array,
        held_out: Part | None,
        metrics: tuple[str, ...],
        callbacks: Callback | Iterable[Callback],
        epochs: int,
        identify: Callable[[], Identity],
    ) -> None:
        self.model, self.job, self.engine, self.rows = model, job, engine, rows
        self.epochs = epochs
        self.audience = Audience(callbacks)
        self.checkpoints = [each for each in self.audience.callbacks if isinstance(each, Checkpoint)]
        self._identify = identify
        self.measuring = Measuring(model, job, engine, held_out, metrics)
        self.batches = math.ceil(len(job.X) / job.batch_size)
        self.history, self.earlier, self.updates_before = _go_on(model.history)
        self.history.engine, self.history.engine_reason = engine.name, reason
        self.reason: str | None = None
        # Where the run stands. An engine updates theta in place, so these change with every batch.
        self.carry = Carry(model.theta, model.state, job.optimizer.start(model.theta))
        self.order: Array | None = None
        self.began = self.carry  # where the epoch began: sound parameters, if any are
        self.epoch, self.batch, self.loss = 1, 0, math.nan
        self.values: dict[str, float] = {}
        self.sums, self.seconds = NOTHING, 0.0  # of the epoch at hand, up to where it was left

    @cached_property
    def identity(self) -> Identity:
        """What decides the result of this training."""
        return self._identify()

    def go(self, standing: Standing | None = None) -> Model:
        """Make the epochs and give the model; go on from where a training stood, if that is given."""
        done = 0 if standing is None else self._stand(standing)
        with Interrupt() as self.interrupt:
            try:
                self.audience.begin(self._info())
                if standing is not None:
                    self._take_up(standing)
                for name, memory in self.audience.memories().items() if self.checkpoints else ():
                    split_memory(memory, name)  # what no file can hold is told now, not hours later
                if done < self.epoch and standing is not None:
                    self._finish_epoch()
                    done += 1
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

    def _stand(self, standing: Standing) -> int:
        """Take over where a training stood; gives how many of its epochs are done."""
        self.carry, self.epoch, self.loss = standing.carry, standing.epoch, standing.loss
        self.sums, self.batch, self.seconds = standing.sums, standing.sums.batches, standing.seconds
        engine, reason = self.history.engine, self.history.engine_reason
        self.history = replace(standing.history, engine=engine, engine_reason=reason)
        self.order, self.began = self._shuffle(), standing.carry.before or standing.carry
        if not standing.measured:
            return standing.epoch - 1
        self.values = {name: self.history[name][-1] for name in self.measuring.series if name in self.history}
        return standing.epoch

    def _take_up(self, standing: Standing) -> None:
        """Give callbacks their memories back; what ended training then ends it now, but for more time or patience."""
        self.audience.restore(standing.memories)
        if standing.stopped is not None and still_holds(standing.stopped, self.audience.callbacks):
            self.reason = recognized(standing.stopped, (TIME_LIMIT, EARLY_STOPPING))

    def _make_epochs(self, done: int) -> int:
        """Make the next epoch, or all that are left where nobody looks in between; gives how many."""
        repeat = getattr(self.engine, "repeat", None)
        looked_at = self.measuring.takes_passes or self.audience.hears
        if repeat is not None and not looked_at and self.job.batch_size >= len(self.job.X):
            began = time.perf_counter()
            self.epoch, self.order, self.began = done + 1, None, self.carry
            left = min([self.epochs - done, _AT_ONCE, *(each.epochs_left(done) for each in self.checkpoints)])
            made = repeat(self.job, self.carry, int(left), self._watch_epochs)
            if made is not None:
                result, trail = made
                count = self._record(result, trail, time.perf_counter() - began)
                self._keep_epoch()
                return count
        self._make_epoch(done + 1)
        return 1

    def _watch_epochs(self, done: int, loss: float, carry: Carry) -> bool:
        """See epochs of one batch go by; True stops."""
        self.batch, self.loss, self.carry = 1, loss, carry
        if self.interrupt.asked:
            self.reason = INTERRUPTED
        return self.reason is not None or self._is_late()

    def _record(self, result: EpochResult, trail: Array, seconds: float) -> int:
        """Keep the history of epochs of one batch each."""
        count = len(trail)
        self.carry, self.sums = result.carry, Sums(batches=1)
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
        self.epoch, self.batch, self.values = epoch, 0, {}
        self.order, self.began = self._shuffle(), self.carry
        self.sums, self.seconds = NOTHING, 0.0
        self._finish_epoch()

    def _finish_epoch(self) -> None:
        """Make the batches that are left of the epoch at hand, and measure it."""
        began = time.perf_counter() - self.seconds
        result = EpochResult.of(self.carry, self.sums)
        while self.reason is None and self.sums.batches < self.batches:
            result = self._make_batches()
            self.seconds = time.perf_counter() - began
            if result.batches < self.batches:
                self._keep(measured=False)
        values = self.measuring.of_epoch(result)
        values["seconds"] = time.perf_counter() - began
        self.values = values
        self.history.append(values)
        self.history.updates = self.updates_before + self.carry.updates
        stop = self.audience.epoch(self._info())
        self.reason = INTERRUPTED if self.interrupt.asked else self.reason or stop
        self._keep_epoch()

    def _make_batches(self) -> EpochResult:
        """Make batches until the epoch is over, or until it is left for a checkpoint or for good."""
        within = self.sums.batches > 0
        carry = self.carry._replace(before=self.began) if within else self.carry
        each = self.audience.hears_batches
        result = self.engine.epoch(self.job, carry, self.order, self._watch, each=each, begun=self.sums)
        self.carry, self.sums = result.carry, result.sums
        if result.failed is not None:
            raise self._divergence(result.failed, result.batches + 1, result.sound, training=True)
        return result

    def _keep_epoch(self) -> None:
        """Write the checkpoints that are due after an epoch; one that was left is kept as it was when it was left."""
        if self.sums.batches == self.batches:
            self._keep(measured=True)

    def _keep(self, *, measured: bool) -> None:
        """Write the checkpoints that are due, or all of them where training ends."""
        over = self.reason is not None or (measured and self.epoch >= self.epochs)
        due = [each for each in self.checkpoints if over or (each.is_due(self.epoch) if measured else each.is_late)]
        if not due:
            return
        standing = Standing(
            carry=self.carry._replace(before=self.carry.before or self.began),
            epoch=self.epoch,
            measured=measured,
            sums=self.sums,
            loss=self.loss,
            seconds=self.seconds,
            history=self.history,
            stopped=None if self.reason in (None, INTERRUPTED) else str(self.reason),
            memories=self.audience.memories(),
        )
        for each in due:
            each.write(standing, self.identity)

    def _is_late(self) -> bool:
        """Whether the clock asks for a checkpoint."""
        return any(each.is_late for each in self.checkpoints)

    def _watch(self, batch: int, loss: float, carry: Carry) -> bool:
        """See each batch; True stops."""
        self.batch, self.loss, self.carry = batch, loss, carry
        if self.audience.hears_batches:
            self.reason = self.audience.batch(self._info())
        if self.interrupt.asked:
            self.reason = INTERRUPTED
        return self.reason is not None or self._is_late()

    def _shuffle(self) -> Array | None:
        """Give this epoch's order of the rows; the epochs of earlier runs count, so that none is used twice."""
        n, seed = len(self.job.X), self.job.seed
        # One batch of all rows needs no shuffling: only the order of a sum would change.
        return None if self.job.batch_size >= n else permutation(seed, "shuffle", self.earlier + self.epoch, n=n)

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
        return diagnose(self.job, self.carry, failed, self.rows, self.epoch, batch, model, training=training)


def _go_on(before: History | None) -> tuple[History, int, int]:
    """Give a history to go on with, a copy, and how many epochs and updates it already holds."""
    if before is None:
        return History(), 0, 0
    series = {name: list(values) for name, values in before.series.items()}
    return History(series=series, updates=before.updates), before.epochs, before.updates
