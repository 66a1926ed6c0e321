"""The same bits: whatever the number of threads, the rows beside a row, or the process."""

from __future__ import annotations

import gzip
import hashlib
import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chainrule import Dense, Dropout, Network
from chainrule.engines import Carry, Job, Objective
from chainrule.formulas import LOSSES, OPTIMIZERS
from chainrule.network import BatchNorm
from chainrule.parameters import draw_parameters, start_state
from chainrule.streams import permutation

compiled = pytest.importorskip("chainrule.engines.compiled")
if not compiled.works():
    pytest.skip("LLVM cannot run here", allow_module_level=True)

# The wide network is made by several threads.
PROGRAM = """
import hashlib, numpy as np, chainrule as cr
digits = cr.data.load("digits")
found = hashlib.sha256()
for width, size in ((30, 32), (700, 128)):
    network = cr.Network.from_sizes([64, width, 10], hidden="tanh", output="softmax")
    given = dict(epochs=2, seed=3, engine="compiled", dtype="float32", batch_size=size)
    model = cr.train(network, digits.X / 16, digits.y, **given)
    found.update(model.theta.tobytes() + model.predict_proba(digits.X / 16).tobytes())
    found.update(repr(list(model.history["loss"])).encode())
print(model.history.engine, found.hexdigest())
"""
# `make campaign` starts a hundred processes.
CAMPAIGN = int(os.environ.get("CHAINRULE_CASES", "0"))
PROCESSES = CAMPAIGN // 10 or 2


def make_job(threads_pay: bool) -> tuple[Job, Carry, Any]:
    rng = np.random.default_rng(0)
    width = 300 if threads_pay else 20
    layers = [
        Dropout(0.1),
        Dense(width, "relu"),
        BatchNorm("tanh"),
        Dropout(0.2),
        Dense(width, "gelu"),
        Dense(7, "softmax"),
    ]
    network = Network(layers, inputs=130)
    X = rng.normal(size=(301, 130)).astype(np.float32)
    Y = np.eye(7, dtype=np.float32)[rng.integers(0, 7, len(X))]
    objective = Objective(network, LOSSES["categorical_cross_entropy"])
    adam = OPTIMIZERS["adam"]
    job = Job(objective, X, Y, None, adam, lambda t: 0.001, 100, None, seed=5)
    theta = draw_parameters(network, 1, np.float32)
    return job, Carry(theta, start_state(network, np.float32), adam.start(theta)), permutation(5, "shuffle", 1, n=301)


def test_any_number_of_threads_gives_the_same_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    import chainrule.engines.compiled.epochs as epochs
    from chainrule.engines.compiled.pace import Pace

    monkeypatch.setattr(Pace, "_trial", lambda pace: None)  # all threads, however quick they are
    monkeypatch.setattr(epochs, "_BATCH_WORTH_SHARING", 1)
    found = set()
    for count in (1, 2, 3, 4, 8):
        monkeypatch.setenv("CHAINRULE_THREADS", str(count))
        job, carry, order = make_job(threads_pay=True)
        for _ in range(2):
            carry = compiled.epoch(job, carry, order, each=False).carry
        found.add(hashlib.sha256(carry.theta.tobytes() + carry.state.tobytes()).hexdigest())
    assert len(found) == 1


def test_stretches_do_not_matter() -> None:
    results = []
    for each in (True, False):
        job, carry, order = make_job(threads_pay=False)
        seen: list[int] = []
        result = compiled.epoch(job, carry, order, lambda batch, cost, now: seen.append(batch), each=each)  # noqa: B023
        assert seen[-1] == 4
        if each:
            assert seen == [1, 2, 3, 4]
        results.append((result.carry.theta.tobytes(), result.loss, result.carry.before.theta.tobytes()))
    assert results[0] == results[1]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_row_alone_gives_its_bits_of_any_batch(dtype: Any) -> None:
    network = Network([Dense(33, "tanh"), BatchNorm("relu"), Dense(10, "softmax")], inputs=70)
    theta, state = draw_parameters(network, 0, dtype), start_state(network, dtype)
    X = np.random.default_rng(1).normal(size=(700, 70)).astype(dtype)
    A = compiled.predict(network, theta, state, X)
    for rows in (slice(0, 1), slice(13, 14), slice(255, 258), slice(100, 613), slice(699, 700)):
        assert compiled.predict(network, theta, state, np.ascontiguousarray(X[rows])).tobytes() == A[rows].tobytes()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("layers", [[100], [30, 200], [800]], ids=str)
def test_each_image_of_mnist_alone_gives_its_bits(
    layers: list[int], dtype: Any, shared: Path, tally: Callable[..., None]
) -> None:
    with gzip.open(shared / "data" / "mnist" / "t10k-images-idx3-ubyte.gz") as file:
        X = np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 784).astype(dtype) / 255
    network = Network.from_sizes([784, *layers, 10], hidden="relu", output="softmax")
    theta, state = draw_parameters(network, 0, dtype), start_state(network, dtype)
    A = compiled.predict(network, theta, state, X)
    every = 1 if CAMPAIGN else 20
    for i in range(0, len(X), every):
        assert compiled.predict(network, theta, state, X[i : i + 1]).tobytes() == A[i : i + 1].tobytes(), i
    rng, start, pieces = np.random.default_rng(0), 0, 0
    while start < len(X):
        stop = start + int(rng.integers(1, 700))
        piece = compiled.predict(network, theta, state, X[start:stop])
        assert piece.tobytes() == A[start:stop].tobytes()
        start, pieces = stop, pieces + 1
    tally("MNIST rows alone", len(X) // every)
    tally("pieces of MNIST", pieces)


def test_fresh_processes_give_the_same_bits(tally: Callable[..., None]) -> None:
    def run(k: int) -> str:
        changes = {"CHAINRULE_THREADS": str((1, 2, 3, 4, 8)[k % 5])} | ({"CHAINRULE_KERNELS": ""} if k == 1 else {})
        done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, env=os.environ | changes)
        assert done.returncode == 0, done.stderr
        return done.stdout

    first = run(0)
    with ThreadPoolExecutor(2) as pool:
        assert set(pool.map(run, range(1, PROCESSES))) == {first}
    assert first.startswith("compiled ")
    tally("fresh processes", PROCESSES)


def test_a_prediction_is_whole_where_threads_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    import threading

    from chainrule.engines.compiled import verbs

    network = Network.from_sizes([30, 40, 3], "tanh", "identity")
    theta, state = draw_parameters(network, 1, np.float64), start_state(network, np.float64)
    X = np.random.default_rng(0).normal(size=(20_000, 30))
    monkeypatch.setenv("CHAINRULE_THREADS", "3")
    whole = compiled.predict(network, theta, state, X)
    part = verbs.Rows._part

    def failing(self: Any, *given: Any, **more: Any) -> None:
        if threading.current_thread() is not threading.main_thread():
            raise MemoryError
        part(self, *given, **more)

    with monkeypatch.context() as patch:
        patch.setattr(verbs.Rows, "_part", failing)
        assert (compiled.predict(network, theta, state, X) == whole).all()

    def refusing(self: Any) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refusing)
        assert (compiled.predict(network, theta, state, X) == whole).all()


def test_many_updates_in_one_call_need_all_rows_in_a_batch() -> None:
    job, carry, _ = make_job(threads_pay=False)
    assert compiled.repeat(job, carry, 3) is None
