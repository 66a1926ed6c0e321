"""The same bits: whatever the number of threads, the rows beside a row, or the process."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
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

PROGRAM = """
import hashlib, numpy as np, chainrule as cr
digits = cr.data.load("digits")
network = cr.Network.from_sizes([64, 30, 10], hidden="tanh", output="softmax")
model = cr.train(network, digits.X / 16, digits.y, epochs=2, seed=3, engine="compiled", dtype="float32")
print(model.history.engine, hashlib.sha256(model.theta.tobytes()).hexdigest())
"""


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
    monkeypatch.setattr(epochs, "_WORTH_SHARING", 1)
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


def test_fresh_processes_give_the_same_bits() -> None:
    outputs = {
        subprocess.run([sys.executable, "-c", PROGRAM], check=True, capture_output=True, text=True).stdout
        for _ in range(2)
    }
    outputs.add(
        subprocess.run(
            [sys.executable, "-c", PROGRAM],
            check=True,
            capture_output=True,
            text=True,
            env=os.environ | {"CHAINRULE_KERNELS": ""},
        ).stdout
    )
    (output,) = outputs
    assert output.startswith("compiled ")
