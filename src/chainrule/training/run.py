"""One training run: the engine makes the epochs; the run measures, asks the callbacks and keeps the history."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property

import numpy as np

from chainrule.engines import NOTHING, Carry, ConstantRate, Engine, EpochResult, Job, Sums
from chainrule.errors import DivergenceError, ModelFileError, UsageError
from chainrule.formulas import Array
from chainrule.history import History
from chainrule.language import Message, recognized
from chainrule.model import Model
from chainrule.streams import permutation
from chainrule.training.audience import Audience
from chainrule.training.callbacks import EARLY_STOPPING, TIME_LIMIT, Info, Snapshot
from chainrule.training.checkpoints import Checkpoint, still_holds
from chainrule.training.divergence import diagnose
from chainrule.training.identity import Identity
from chainrule.training.interrupt import Interrupt
from chainrule.training.lbfgs import LBFGS, Trial, descend
from chainrule.training.measuring import Measuring
from chainrule.training.rates import ScaledRates
from chainrule.training.standing import Standing, cannot_go_on, split_memory

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
        identify: tells, for checkpoints, what training this is.
        lbfgs: what makes them in place of the engine's updates, or None.
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
        identify: Callable[[], Identity],
        lbfgs: LBFGS | None = None,
        *,
        shuffle: bool = True,
    ) -> None:
        self.lbfgs, self.start, self._identify = lbfgs, start, identify
        self.model, self.job, self.engine, self.epochs = model, job, engine, epochs
        self.measuring, self.audience, self.shuffle = measuring, audience, shuffle
        self.checkpoints = [each for each in audience.callbacks if isinstance(each, Checkpoint)]
        self.batches = math.ceil(len(job.X) / job.batch_size)
        self.history, self.earlier = _go_on(model.history)
        self.updates_before = job.updates_before
        self.history.engine, self.history.engine_reason = engine.name, reason
        self.reason: str | None = None
        self.went_back = False  # to the parameters of an earlier epoch, of which the optimizer's vectors know nothing
        # Where the run stands. An engine updates theta in place, so these change with every batch.
        self.carry = start
        self.order: Array | None = None
        self.began = self.carry  # where the epoch began: sound parameters, if any are
        self.epoch, self.batch, self.loss = 1, 0, math.nan
        self.values: dict[str, float] = {}
        self.sums = NOTHING  # of the epoch at hand
        self.clock = 0.0  # when it began

    @cached_property
    def identity(self) -> Identity:
        """What decides the result of this training."""
        return self._identify()

    def go(self, standing: Standing | None = None) -> Model:
        """Make the epochs and give the model; go on from where a training stood, if that is given."""
        if standing is not None:
            self._stand(standing)
        with Interrupt() as self.interrupt:
            try:
                self.audience.begin(self._info())
                done = 0 if standing is None else self._take_up(standing)
                for name, memory in self.audience.memories().items() if self.checkpoints else ():
                    split_memory(memory, name)  # what no file can hold is told now, not hours later
                self._make_all(done)
                self.history.stopped = self.reason or Message("all {epochs} epochs done", epochs=self.epochs)
            except BaseException as error:
                self.audience.end_after(error, self._info())
                raise
            kept = self.audience.end(self._info())
        if self.interrupt.asked:
            self.history.stopped = INTERRUPTED
        return self._finish(kept)

    def _stand(self, standing: Standing) -> None:
        """Take over where a training stood."""
        self.carry, self.epoch, self.loss = standing.carry, standing.epoch, standing.loss
        self.sums, self.batch = standing.sums, standing.sums.batches
        engine, reason = self.history.engine, self.history.engine_reason
        self.history = replace(standing.history, engine=engine, engine_reason=reason)
        self.order, self.began = self._shuffle(), standing.carry.before or standing.carry
        if standing.measured:
            self.values = {name: self.history[name][-1] for name in self.measuring.series if name in self.history}

    def _take_up(self, standing: Standing) -> int:
        """Give callbacks their memories back and finish an epoch that was begun; gives how many epochs are done.

        What ended training then ends it now, but for more time or patience.
        """
        try:
            self.audience.restore(standing.memories)
        except (ModelFileError, UsageError) as problem:
            raise cannot_go_on(standing.path, problem) from problem.__cause__
        if standing.stopped is not None and still_holds(standing.stopped, self.audience.callbacks):
            self.reason = recognized(standing.stopped, (TIME_LIMIT, EARLY_STOPPING))
        if not standing.measured:
            self._scale_rates()
            self._finish_epoch(standing.seconds)
        return standing.epoch

    def _make_all(self, done: int) -> None:
        """Make the epochs that are left, until all are done or there is a reason to stop."""
        if self.lbfgs is not None:
            self._iterate(self.lbfgs)
            return
        while done < self.epochs and self.reason is None:
            done += self._make_epochs(done)

    def _iterate(self, lbfgs: LBFGS) -> None:
        """Let L-BFGS make the epochs, an iteration each; where not one was made, record how training stands."""
        self.clock, first = time.perf_counter(), list[Trial]()

        def tried(trial: Trial) -> bool:
            if trial.first:
                first.append(trial)
            if self.job.check_finite and not trial.finite:
                raise self._failed(trial)
            if self.interrupt.asked:
                self.reason = INTERRUPTED
            return self.reason is not None

        def reached(carry: Carry, trial: Trial) -> bool:
            self.began, self.epoch, self.values = self.carry, carry.updates, {}
            self._watch(1, trial.loss, carry)
            self._end_epoch(trial.loss, trial.penalty)
            return self.reason is not None

        reason = descend(lbfgs, self.job, self.engine, self.carry, self.epochs, tried, reached)
        self.reason = self.reason or reason
        if not self.carry.updates:
            self.batch, self.loss = 1, first[0].loss
            self._end_epoch(first[0].loss, first[0].penalty)

    def _failed(self, trial: Trial) -> DivergenceError:
        """Make the error for an evaluation that was not finite; the last iteration's parameters are sound."""
        self.epoch = self.carry.updates + 1
        sound, everything = self.carry, np.arange(len(self.job.X))
        self.carry = sound._replace(theta=trial.theta, updates=sound.updates + (not trial.first))
        error = self._divergence(everything, 1, sound, training=True)
        self.carry = sound
        return error

    def _make_epochs(self, done: int) -> int:
        """Make the next epoch, or all that are left where nobody looks in between; gives how many."""
        repeat = getattr(self.engine, "repeat", None)
        looked_at = self.measuring.passes or self.audience.hears
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
        self.order, self.began, self.sums = self._shuffle(), self.carry, NOTHING
        self._scale_rates()
        self._finish_epoch()

    def _scale_rates(self) -> None:
        """Ask the callbacks what this epoch's learning rates are multiplied by."""
        if isinstance(self.job.rates, ScaledRates):
            self.job.rates.factor = self.audience.rate_factor(self._info())

    def _finish_epoch(self, seconds: float = 0.0) -> None:
        """Make the batches that are left of the epoch at hand, so many seconds old, and measure it."""
        self.clock = time.perf_counter() - seconds
        result = EpochResult.of(self.carry, self.sums)
        while self.reason is None and self.sums.batches < self.batches:
            result = self._make_batches()
            if result.batches < self.batches:
                self._keep(measured=False)
        self._end_epoch(result.loss, result.penalty)
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
        try:
            memories = self.audience.memories()
        except UsageError as problem:
            for each in due:
                each.fail(problem)
            return
        standing = Standing(
            carry=self.carry._replace(before=self.carry.before or self.began),
            epoch=self.epoch,
            measured=measured,
            sums=self.sums,
            loss=self.loss,
            seconds=time.perf_counter() - self.clock,
            history=self.history,
            stopped=None if self.reason in (None, INTERRUPTED) else str(self.reason),
            memories=memories,
        )
        for each in due:
            each.write(standing, self.identity)

    def _is_late(self) -> bool:
        """Whether the clock asks for a checkpoint."""
        return any(each.is_late for each in self.checkpoints)

    def _end_epoch(self, loss: float, penalty: float) -> None:
        """Measure and record an epoch, and tell the callbacks."""
        values = self.measuring.measure(self.carry, loss, penalty)
        now = time.perf_counter()
        values["seconds"], self.clock = now - self.clock, now
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
        return self.reason is not None or self._is_late()

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
            self.went_back = kept.epoch != self.epoch
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
