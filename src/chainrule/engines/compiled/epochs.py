"""Epochs in compiled code, entered again at the epoch's end or every twentieth of a second, or for each batch.

After each stretch the parameters are looked at. If something is not finite, the stretch is made again from where it
began, at last batch by batch, so that the very batch and the last sound parameters are found.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np

from chainrule.engines.compiled.crew import CREW
from chainrule.engines.compiled.functions import write_epoch
from chainrule.engines.compiled.fused import room
from chainrule.engines.compiled.kernels import Kernel, fill, inputs_of, kernel, place_of
from chainrule.engines.compiled.lifted import lift
from chainrule.engines.compiled.machine import this_machine
from chainrule.engines.compiled.pace import Pace
from chainrule.engines.compiled.workspaces import aligned, row_addresses, tall, work
from chainrule.engines.protocol import NOTHING, Carry, EpochResult, Job, Sums, Watch
from chainrule.engines.threads import process_threads, usable_threads
from chainrule.formulas import Array
from chainrule.sparse import SparseRows

__all__ = ["Epochs"]

_PIECE = 64  # batches of a stretch that are made again at once: batch by batch, tiny ones would take seconds
# Multiplications in a batch from which on a second thread is tried; whether it brings more than it costs is measured.
_BATCH_WORTH_SHARING = 10_000_000


class Epochs:
    """What all epochs of a job share: compiled code, workspace, threads.

    Args:
        job: what does not change during training.
        threads: how many threads may be used.

    Raises:
        NotLiftable: where a formula cannot be compiled.
    """

    def __init__(self, job: Job, threads: int) -> None:
        # A copy: what is prepared for a job must not keep the job itself alive.
        self.job, network, dtype = replace(job), job.objective.network, job.X.dtype
        self.lock = threading.Lock()
        n = len(job.X)
        self.size = min(job.batch_size, n)
        self.batches = -(-n // job.batch_size)
        lifted = lift(job.objective, job.optimizer, job.weights is not None)
        worth = 3 * self.size * network.parameter_count >= _BATCH_WORTH_SHARING and job.clip is None
        self.threads = threads if worth else 1
        self._lifted = lifted
        self._sparse = isinstance(job.X, SparseRows)
        # By shapes alone, so that the number of threads does not decide in which order is summed.
        few = not worth and self.size <= 32 and self.batches > 1 and job.clip is None and not self._sparse
        width = this_machine().width
        self._turned = room(lifted, self.size, width // dtype.itemsize, width) if few else 0
        # Few rows are brought together, each from a cache line on; many are read where they lie.
        self._copies = 2 if self._turned else int(self._sparse or (self.batches > 1 and self.size <= 32))
        self._kernels: dict[tuple[bool, bool], Kernel] = {}
        self._trail: Array | None = None
        self._kept = {
            **inputs_of(job.X),
            "Y": job.Y,
            "g": np.zeros(network.parameter_count if job.clip is not None else 0, dtype=dtype),
            "work": work(network, self.size, dtype, self.threads, copies=self._copies, turned=self._turned),
            "rows": row_addresses(self.size),
            "numbers": np.array(lifted.numbers, dtype=np.float64),
            "sums": np.zeros(6),
        }
        if job.weights is not None:
            self._kept["weights"] = job.weights
        # What every stretch's table holds, so that NumPy is asked once where these arrays lie.
        self._table = fill(**self._kept, size=self.size, n=n, masks=job.updates_before, seed=_signed(job.seed))
        self._in_process = max(self.threads, process_threads())  # that all kernels of this process may use
        self._pace = Pace(self.threads)

    @contextmanager
    def lent(self) -> Iterator[Epochs]:
        """Lend these epochs' workspace to one caller; another one at the same time gets epochs of its own."""
        if not self.lock.acquire(blocking=False):
            yield Epochs(self.job, self.threads)
            return
        try:
            yield self
        finally:
            self.lock.release()

    def make(
        self, carry: Carry, order: Array | None, watch: Watch | None, *, each: bool, begun: Sums = NOTHING
    ) -> EpochResult:
        """Make one epoch, or the rest of one that was ``begun``.

        ``watch`` sees each batch where ``each`` is true, else the last of each stretch.
        """
        self._trail = None
        return self._make(carry, order, watch, self.batches, each=each, begun=begun)

    def repeat(self, carry: Carry, updates: int, watch: Watch | None) -> tuple[EpochResult, Array]:
        """Make many updates with all rows, each an epoch; gives cost and penalty of each, too, shape (updates, 2)."""
        self._trail = trail = np.zeros((updates, 2))
        result = self._make(carry, None, watch, updates, each=False)
        return result, trail[: result.batches]

    def _make(
        self,
        carry: Carry,
        order: Array | None,
        watch: Watch | None,
        batches: int,
        *,
        each: bool,
        begun: Sums = NOTHING,
    ) -> EpochResult:
        now = _copy(carry)
        sums = self._kept["sums"]
        sums[:] = (*begun[1:], 0.0, 0.0, self.job.clip or 0.0)
        done, before, earlier = begun.batches, None, None
        while done < batches:
            stop = self._plan(done, batches, each)
            began, kept_sums = _copy(now), sums.copy()
            failed = self._go(now, order, done, stop)
            if self.job.check_finite and (failed >= 0 or not _all_finite(now)):
                sums[:] = kept_sums
                return self._find(began, earlier or carry.before, order, done, stop)
            now = now._replace(updates=now.updates + stop - done)
            if stop == batches:
                before = began
            done, earlier = stop, began
            if watch is not None and watch(done, float(sums[3]), now):
                break
        return self._result(now._replace(before=before), done)

    def _plan(self, done: int, batches: int, each: bool) -> int:
        """Give where the next stretch ends; the last batch is made alone, so that what stood before it is known."""
        if each or batches == 1:
            return done + self._pace.plan(1)
        return batches if done == batches - 1 else done + self._pace.plan(batches - 1 - done)

    def _result(
        self, carry: Carry, batches: int, failed: Array | None = None, sound: Carry | None = None
    ) -> EpochResult:
        loss, penalty, weight = (float(value) for value in self._kept["sums"][:3])
        return EpochResult.of(carry, Sums(batches, loss, penalty, weight), failed, sound)

    def _go(self, now: Carry, order: Array | None, start: int, stop: int, check: bool | None = None) -> int:
        """Make batches from ``start`` to ``stop`` with the vectors of ``now``, in place."""
        job = self.job
        first = now.updates + 1
        rates = job.rates_of(range(first, first + stop - start))
        given: dict[str, Any] = {f"slot{k}": slot for k, slot in enumerate(now.slots)}
        if order is not None:
            given["order"] = order
        if self._trail is not None:
            given["trail"] = self._trail[start:]
        table = fill(
            self._table,
            **given,
            theta=now.theta,
            state=now.state,
            rates=rates,
            start=start,
            stop=stop,
            update=now.updates,
            check=job.check_finite if check is None else check,
        )
        compiled = self._kernel(order is not None, self._trail is not None)
        with CREW.hands(min(self._pace.threads, usable_threads()), self._in_process) as threads:
            began = time.perf_counter()
            failed = _together(compiled, table, threads)
            self._pace.note(threads, stop - start, time.perf_counter() - began)
        return failed

    def _kernel(self, ordered: bool, repeated: bool) -> Kernel:
        key = ordered, repeated
        if key not in self._kernels:
            dtype, clipped = self.job.X.dtype, self.job.clip is not None
            self._kernels[key] = kernel(
                "epoch", write_epoch, self._lifted, dtype, tall(self.size),
                ordered=ordered, clipped=clipped, shared=self.threads > 1, repeated=repeated, sparse=self._sparse,
                copies=self._copies, turned=self._turned,
            )  # fmt: skip
        return self._kernels[key]

    def _find(self, began: Carry, earlier: Carry | None, order: Array | None, start: int, stop: int) -> EpochResult:
        """Make a stretch again to find the batch at which something is not finite; ``earlier`` is before it, if known.

        Nothing older is made again, and so it takes about as long as two stretches.
        """
        sums, now = self._kept["sums"], began
        step = _PIECE if stop - start > _PIECE else 1
        for k in range(start, stop, step):
            end = min(k + step, stop)
            before, kept = _copy(now), sums.copy()
            failed = self._go(now, order, k, end)
            if failed >= 0 or not _all_finite(now):
                # Where the loss itself is not finite, the newest update made it so: the one before it was sound.
                lost = failed >= 0 and not math.isfinite(float(sums[3]))
                sums[:] = kept
                if step > 1:
                    return self._find(before, earlier, order, k, end)
                sound = self._before(before, earlier, order, k) if lost else before
                rows = np.arange(len(self.job.X)) if order is None else order
                of_batch = rows if self._trail is not None else rows[k * self.size : (k + 1) * self.size]
                return self._result(before, k, of_batch, sound)
            earlier, now = before, now._replace(updates=now.updates + end - k)
        raise AssertionError("the same batches gave other numbers")

    def _before(self, now: Carry, earlier: Carry | None, order: Array | None, batches: int) -> Carry | None:
        """Give how training stood before the newest update, from an earlier state: the same updates, made once more."""
        if earlier is None or batches == 0:
            return earlier
        again, kept = _copy(earlier), self._kept["sums"].copy()
        missing = now.updates - 1 - earlier.updates
        self._go(again, order, batches - 1 - missing, batches - 1, check=False)
        self._kept["sums"][:] = kept
        return again._replace(updates=now.updates - 1)


def _together(compiled: Kernel, table: Array, count: int) -> int:
    """Run a function in several threads, all or none of which begin; gives what this thread's call gives."""
    gate = np.zeros(2, dtype=np.int64)
    table[place_of("gate")], table[place_of("of")] = gate.ctypes.data, count
    if count == 1:
        return compiled(table)
    tables = [table.copy() for _ in range(1, count)]
    ready, called_off = threading.Event(), threading.Event()

    def help_(own: Array) -> None:
        ready.wait()
        if not called_off.is_set():
            compiled(own)

    others: list[threading.Thread] = []
    try:
        for me, own in enumerate(tables, start=1):
            own[place_of("me")] = me
            others.append(threading.Thread(target=help_, args=(own,), daemon=True))
            others[-1].start()
    except BaseException as error:
        called_off.set()
        ready.set()
        if not isinstance(error, RuntimeError):  # "can't start new thread"
            raise
        table[place_of("of")] = 1
        return compiled(table)
    try:
        ready.set()
        failed = compiled(table)
    except BaseException:  # Ctrl-C just before the call, or just after it
        ready.set()
        if not gate[1]:
            compiled(table)  # the others wait at the gate for this thread, and would for ever
        raise
    for thread in others:
        thread.join()
    return failed


def _signed(seed: int) -> int:
    """Give the whole number of 64 bits with a sign that has the same bits."""
    return int(np.uint64(seed).astype(np.int64))


def _copy(carry: Carry) -> Carry:
    slots = tuple(map(aligned, carry.slots))
    return Carry(aligned(carry.theta), aligned(carry.state), slots, carry.updates)


def _all_finite(carry: Carry) -> bool:
    with np.errstate(all="ignore"):
        return all(
            math.isfinite(np.dot(vector, vector)) or bool(np.isfinite(vector).all())
            for vector in (carry.theta, carry.state, *carry.slots)
        )
