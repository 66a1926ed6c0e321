"""Epochs in compiled code, entered again at the epoch's end or every twentieth of a second, or for each batch.

After each stretch the parameters are looked at. If something is not finite, the stretch is made again from where it
began, batch by batch, so that the very batch and the last sound parameters are found.
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

from chainrule.engines.compiled.functions import write_epoch
from chainrule.engines.compiled.kernels import Kernel, fill, inputs_of, kernel, place_of
from chainrule.engines.compiled.lifted import lift
from chainrule.engines.compiled.workspaces import aligned, row_addresses, tall, work
from chainrule.engines.protocol import Carry, EpochResult, Job, Watch
from chainrule.formulas import Array
from chainrule.sparse import SparseRows

__all__ = ["Epochs"]

_STRETCH = 0.05  # seconds
# Multiplications in a batch from which on a second thread brings more than it costs.
_WORTH_SHARING = 10_000_000


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
        worth = 3 * self.size * network.parameter_count >= _WORTH_SHARING and job.clip is None
        self.threads = threads if worth else 1
        self._lifted = lifted
        self._kernels: dict[tuple[bool, bool], Kernel] = {}
        self._trail: Array | None = None
        self._sparse = isinstance(job.X, SparseRows)
        self._kept = {
            **inputs_of(job.X),
            "Y": job.Y,
            "g": np.zeros(network.parameter_count if job.clip is not None else 0, dtype=dtype),
            "work": work(network, self.size, dtype, self.threads, gathered=self.batches > 1 or self._sparse),
            "rows": row_addresses(self.size),
            "numbers": np.array(lifted.numbers, dtype=np.float64),
            "sums": np.zeros(6),
        }
        if job.weights is not None:
            self._kept["weights"] = job.weights
        self._next = 1  # how many batches make about a stretch

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

    def make(self, carry: Carry, order: Array | None, watch: Watch | None, *, each: bool) -> EpochResult:
        """Make one epoch; ``watch`` sees each batch where ``each`` is true, else the last of each stretch."""
        self._trail = None
        return self._make(carry, order, watch, self.batches, each=each)

    def repeat(self, carry: Carry, updates: int, watch: Watch | None) -> tuple[EpochResult, Array]:
        """Make many updates with all rows, each an epoch; gives cost and penalty of each, too, shape (updates, 2)."""
        self._trail = trail = np.zeros((updates, 2))
        result = self._make(carry, None, watch, updates, each=False)
        return result, trail[: result.batches]

    def _make(self, carry: Carry, order: Array | None, watch: Watch | None, batches: int, *, each: bool) -> EpochResult:
        now = _copy(carry)
        sums = self._kept["sums"]
        sums[:] = 0
        sums[5] = self.job.clip or 0.0
        done, before = 0, None
        while done < batches:
            stop = done + 1 if each else min(done + self._next, batches)
            if done < batches - 1 and stop == batches:
                stop -= 1  # the last batch is made alone, so that what stood before it is known
            began, kept_sums = _copy(now), sums.copy()
            failed = self._go(now, order, done, stop)
            if self.job.check_finite and (failed >= 0 or not _all_finite(now)):
                sums[:] = kept_sums
                return self._find(carry, began, order, done, stop)
            now = now._replace(updates=carry.updates + stop)
            if stop == batches:
                before = began
            done = stop
            if watch is not None and watch(done, float(sums[3]), now):
                break
        return self._result(now._replace(before=before), done)

    def _result(
        self, carry: Carry, batches: int, failed: Array | None = None, sound: Carry | None = None
    ) -> EpochResult:
        loss, penalty, weight = (float(value) for value in self._kept["sums"][:3])
        whole = weight or 1.0
        return EpochResult(carry, loss / whole, penalty / whole, batches, failed, sound)

    def _go(self, now: Carry, order: Array | None, start: int, stop: int, check: bool | None = None) -> int:
        """Make batches from ``start`` to ``stop`` with the vectors of ``now``, in place."""
        job = self.job
        first = now.updates + 1
        rates = np.array([job.rates(t) for t in range(first, first + stop - start)], dtype=np.float64)
        given: dict[str, Any] = {f"slot{k}": slot for k, slot in enumerate(now.slots)}
        if order is not None:
            given["order"] = order
        if self._trail is not None:
            given["trail"] = self._trail[start:]
        table = fill(
            **self._kept,
            **given,
            theta=now.theta,
            state=now.state,
            rates=rates,
            size=self.size,
            n=len(job.X),
            start=start,
            stop=stop,
            update=now.updates,
            masks=job.updates_before,
            check=job.check_finite if check is None else check,
            of=self.threads,
        )
        table[place_of("seed")] = np.uint64(job.seed).astype(np.int64)
        began = time.perf_counter()
        failed = self._call(table, order is not None)
        took = max(time.perf_counter() - began, 1e-7)
        self._next = max(1, min(int(_STRETCH * (stop - start) / took), 64 * (stop - start)))
        return failed

    def _call(self, table: Array, ordered: bool) -> int:
        compiled = self._kernel(ordered, self._trail is not None)
        return compiled(table) if self.threads == 1 else _together(compiled, table, self.threads)

    def _kernel(self, ordered: bool, repeated: bool) -> Kernel:
        key = ordered, repeated
        if key not in self._kernels:
            dtype, clipped = self.job.X.dtype, self.job.clip is not None
            self._kernels[key] = kernel(
                "epoch", write_epoch, self._lifted, dtype, tall(self.size),
                ordered=ordered, clipped=clipped, shared=self.threads > 1, repeated=repeated, sparse=self._sparse,
            )  # fmt: skip
        return self._kernels[key]

    def _find(self, carry: Carry, began: Carry, order: Array | None, start: int, stop: int) -> EpochResult:
        """Make a stretch again to find the batch at which something is not finite."""
        rows = np.arange(len(self.job.X)) if order is None else order
        sums, now = self._kept["sums"], began
        for k in range(start, stop):
            before, kept = _copy(now), sums.copy()
            failed = self._go(now, order, k, k + 1)
            of_batch = rows if self._trail is not None else rows[k * self.size : (k + 1) * self.size]
            if failed >= 0 or not _all_finite(now):
                # Where the loss itself is not finite, the newest update made it so: the one before it was sound.
                lost = failed >= 0 and not math.isfinite(float(sums[3]))
                sound = self._after(carry, order, k - 1) if lost else before
                sums[:] = kept
                return self._result(before, k, of_batch, sound)
            now = now._replace(updates=now.updates + 1)
        raise AssertionError("the same batches gave other numbers")

    def _after(self, carry: Carry, order: Array | None, batches: int) -> Carry | None:
        """Give how training stood after so many batches of the epoch: the same updates, made once more."""
        if batches < 1:
            return carry.before if batches < 0 else carry
        now = _copy(carry)
        self._go(now, order, 0, batches, check=False)
        return now._replace(updates=carry.updates + batches)


def _together(compiled: Kernel, table: Array, count: int) -> int:
    """Run a function in several threads, all or none of which begin; gives what this thread's call gives."""
    gate = np.zeros(2, dtype=np.int64)
    table[place_of("gate")] = gate.ctypes.data
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
    ready.set()
    failed = compiled(table)
    for thread in others:
        thread.join()
    return failed


def _copy(carry: Carry) -> Carry:
    slots = tuple(map(aligned, carry.slots))
    return Carry(aligned(carry.theta), aligned(carry.state), slots, carry.updates)


def _all_finite(carry: Carry) -> bool:
    with np.errstate(all="ignore"):
        return all(
            math.isfinite(np.dot(vector, vector)) or bool(np.isfinite(vector).all())
            for vector in (carry.theta, carry.state, *carry.slots)
        )
