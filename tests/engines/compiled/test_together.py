"""Kernels that run at once: in threads, forked and spawned processes and joblib's workers; the same bits, no crowds."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainrule as cr

compiled = pytest.importorskip("chainrule.engines.compiled")
if not compiled.works():
    pytest.skip("LLVM cannot run here", allow_module_level=True)

from chainrule.engines import blas  # noqa: E402
from chainrule.engines.compiled import epochs, kernels, verbs  # noqa: E402
from chainrule.engines.compiled.crew import CREW, Crew  # noqa: E402
from chainrule.engines.compiled.kernels import Kernel  # noqa: E402
from chainrule.engines.compiled.pace import Pace  # noqa: E402

forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")


def train(n_threads: int | None = 2, seed: int = 0) -> bytes:
    """Train in several threads, wherever this runs, and give the bits of the parameters."""
    epochs._BATCH_WORTH_SHARING, worth = 1, epochs._BATCH_WORTH_SHARING
    try:
        rng = np.random.default_rng(0)
        X, y = rng.normal(size=(640, 30)), rng.integers(0, 3, 640)
        network = cr.Network.from_sizes([30, 40, 3], hidden="tanh", output="softmax")
        given: dict[str, Any] = {"engine": "compiled", "metrics": (), "n_threads": n_threads, "seed": seed}
        return cr.train(network, X, y, epochs=3, batch_size=64, **given).theta.tobytes()
    finally:
        epochs._BATCH_WORTH_SHARING = worth


def predict() -> bytes:
    """Predict in several threads where there are several cores, and give the bits of the outputs."""
    verbs._ROWS_WORTH_SHARING, worth = 1, verbs._ROWS_WORTH_SHARING
    try:
        model = cr.Network.from_sizes([30, 40, 3], hidden="tanh").init(seed=1)
        X = np.random.default_rng(1).normal(size=(2000, 30))
        return compiled.predict(model.network, model.theta, model.state, X).tobytes()
    finally:
        verbs._ROWS_WORTH_SHARING = worth


class Most(Pace):
    """Always takes all threads, so that a test does not depend on what is quick."""

    def _trial(self) -> int | None:
        return None


@pytest.fixture
def alone() -> bytes:
    return train(n_threads=1)


@contextmanager
def watched(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Note how many kernels run at once whenever one begins."""
    lock, running, seen = threading.Lock(), [0], []
    call = Kernel.__call__

    def counted(kernel: Kernel, table: Any) -> int:
        with lock:
            running[0] += 1
            seen.append(running[0])
        try:
            return call(kernel, table)
        finally:
            with lock:
                running[0] -= 1

    with monkeypatch.context() as patch:
        patch.setattr(Kernel, "__call__", counted)
        yield seen


@pytest.mark.parametrize("count", [1, 2, 3, 8])
def test_as_many_threads_as_asked_for(count: int, alone: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(epochs, "Pace", Most)
    before = threading.active_count()
    with watched(monkeypatch) as seen:
        assert train(n_threads=count) == alone
    assert max(seen) == count  # all meet at a gate, so all were there at once
    assert threading.active_count() == before


def test_measuring_changes_no_bits(alone: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    class Fickle(Pace):
        """Takes another number of threads for each stretch."""

        def _trial(self) -> int | None:
            self._counts = [*self._counts[1:], self._counts[0]]
            return self._counts[0]

    monkeypatch.setattr(epochs, "Pace", Fickle)
    assert train(n_threads=8) == alone


def test_threads_of_trainings_at_once_do_not_multiply(alone: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(epochs, "Pace", Most)
    monkeypatch.setenv("CHAINRULE_THREADS", "2")
    with watched(monkeypatch) as seen, ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: train(n_threads=None), range(8)))
    assert set(found) == {alone}
    # One may have two threads when three others begin, each with one.
    assert max(seen) <= 2 + 3


def test_the_crew_shares_what_there_is() -> None:
    crew = Crew()
    with crew.hands(1, of=4), crew.hands(8, of=4) as others, crew.hands(2, of=4) as late:
        assert (others, late) == (3, 1)
    with crew.hands(4, of=4) as all_again:
        assert all_again == 4


def test_a_stretch_in_fewer_threads_while_others_work(alone: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(epochs, "Pace", Most)
    monkeypatch.setenv("CHAINRULE_THREADS", "2")
    right = predict()
    with watched(monkeypatch) as seen, CREW.hands(2, of=2):
        assert train() == alone
        assert predict() == right
    assert set(seen) == {1}


def in_processes(how: str, function: Any, count: int = 2) -> list[bytes]:
    with multiprocessing.get_context(how).Pool(count) as pool:
        return pool.starmap_async(function, [()] * count).get(timeout=300)


@forks
def test_forked_processes(alone: bytes) -> None:
    right = predict()
    assert in_processes("fork", train) == [alone] * 2
    assert in_processes("fork", predict) == [right] * 2


@forks
def test_a_fork_while_another_thread_holds_the_locks(alone: bytes) -> None:
    right, held, leave = predict(), threading.Event(), threading.Event()

    def hold() -> None:
        with CREW.hands(10**6, of=10**6), CREW._lock, blas._limits._lock:
            held.set()
            leave.wait()

    other = threading.Thread(target=hold)
    other.start()
    held.wait()
    try:
        assert in_processes("fork", predict) == [right] * 2
        assert in_processes("fork", train) == [alone] * 2
    finally:
        leave.set()
        other.join()
    assert CREW._busy == 0


@forks
def test_a_fork_while_another_thread_compiles(alone: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHAINRULE_KERNELS", "")
    began, enough = threading.Event(), threading.Event()

    def compile_again_and_again() -> None:
        while not enough.is_set():
            kernels._loaded.clear()
            began.set()
            train()

    other = threading.Thread(target=compile_again_and_again)
    other.start()
    began.wait()
    try:
        assert in_processes("fork", train) == [alone] * 2
    finally:
        enough.set()
        other.join()


PROGRAM = """
import hashlib
import chainrule as cr
from chainrule.engines.compiled import epochs


def work(seed):
    epochs._BATCH_WORTH_SHARING = 1
    digits = cr.data.load("digits")
    network = cr.Network.from_sizes([64, 30, 10], hidden="tanh", output="softmax")
    model = cr.train(network, digits.X[:640], digits.y[:640], epochs=2, batch_size=64, engine="compiled", metrics=())
    return hashlib.sha256(model.theta.tobytes()).hexdigest(), cr.engines.threads.process_threads()


if __name__ == "__main__":
    import multiprocessing, os
    from joblib import Parallel, delayed

    def digests(found):
        return {digest for digest, _ in found}

    alone = {work(0)[0]}
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        assert digests(pool.map(work, range(2))) == alone, "spawn"
    for backend in ("threading", "loky"):
        assert digests(Parallel(2, backend=backend)(delayed(work)(k) for k in range(4))) == alone, backend
    from joblib import parallel_config

    with parallel_config("loky", inner_max_num_threads=1):
        found = Parallel(2)(delayed(work)(k) for k in range(4))
    assert digests(found) == alone and {threads for _, threads in found} == {1}, found
    print("done")
"""


def test_spawned_processes_and_joblib(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM, encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if name != "CHAINRULE_THREADS"}
    done = subprocess.run([sys.executable, str(program)], capture_output=True, text=True, timeout=600, env=environment)
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr


class Clock:
    """A machine on which a batch takes so many seconds, by number of threads."""

    def __init__(self, pace: Pace, **seconds: float) -> None:
        self.pace, self.seconds = pace, {int(name[1:]): value for name, value in seconds.items()}
        self.spent = 0.0

    def run(self, stretches: int) -> dict[int, float]:
        """Make stretches and give how much of the time was spent with each number of threads."""
        spent = dict.fromkeys(self.seconds, 0.0)
        for _ in range(stretches):
            batches = self.pace.plan(10**9)
            took = batches * self.seconds[self.pace.threads]
            self.pace.note(self.pace.threads, batches, took)
            spent[self.pace.threads] += took
        return {count: value / sum(spent.values()) for count, value in spent.items()}


def test_the_quicker_number_of_threads_is_found_and_kept() -> None:
    assert Clock(Pace(2), _1=1e-3, _2=6e-4).run(400)[2] > 0.98
    assert Clock(Pace(2), _1=1e-3, _2=3e-3).run(400)[1] > 0.98
    assert Clock(Pace(8), _1=4e-3, _2=2e-3, _4=1.5e-3, _8=3e-3).run(400)[4] > 0.95
    assert Clock(Pace(3), _1=3e-3, _3=1e-3).run(400)[3] > 0.98


def test_the_pace_follows_when_other_programs_come_and_go() -> None:
    clock = Clock(Pace(2), _1=1e-3, _2=6e-4)
    clock.run(200)
    clock.seconds = {1: 2e-3, 2: 6e-3}
    assert clock.run(60)[1] > 0.8
    clock.run(200)
    clock.seconds = {1: 1e-3, 2: 6e-4}
    clock.run(70)
    assert clock.run(100)[2] > 0.95


def test_stretches_take_a_twentieth_of_a_second() -> None:
    pace = Pace(1)
    lengths = []
    for _ in range(6):
        lengths.append(pace.plan(10**9))
        pace.note(1, lengths[-1], lengths[-1] * 1e-6)
    assert lengths == [1, 64, 4096, 50_000, 50_000, 50_000]
    assert pace.plan(limit=7) == 7
    pace.note(1, 3, 1.0)  # an epoch's end
    assert pace.plan(10**9) == 50_000


def test_threads_that_were_not_granted_are_not_judged() -> None:
    pace = Pace(2)
    for _ in range(300):
        pace.note(1, pace.plan(10**9), 0.05)
    assert pace.threads == 2
