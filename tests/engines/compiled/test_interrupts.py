"""Ctrl-C at any moment of a training: soon back, with the parameters of a finished batch."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable

import pytest

compiled = pytest.importorskip("chainrule.engines.compiled")
if not compiled.works():
    pytest.skip("LLVM cannot run here", allow_module_level=True)

# `make campaign` interrupts fifty times.
CASES = int(os.environ.get("CHAINRULE_CASES", "0"))
ROUNDS = CASES // 80 or 1
GENEROUS = 10.0  # seconds; the goal is one, on a machine that does nothing else

# Trains again and again; after each interrupt the same number of updates is made once more and must give the same bits.
PROGRAM = """
import json, sys, time
from types import SimpleNamespace
import numpy as np, chainrule as cr

rows, inputs, width, batch, metrics = json.loads(sys.argv[1])
rng = np.random.default_rng(0)
X = rng.random((rows, inputs), dtype=np.float32)
network = cr.Network.from_sizes([inputs, width, 2], hidden="relu", output="softmax")
settings = dict(batch_size=batch, engine="compiled", dtype="float32", metrics=metrics, optimizer="sgd")
y = (X[:, 0] > 0.5).astype(int)
train = lambda callback, epochs=10**7: cr.train(network, X, y, callbacks=callback, epochs=epochs, **settings)
ready = lambda info: print("ready", flush=True)
stop_at = lambda updates: lambda info: "there" if info.carry.updates == updates else None
train((), 2)  # which compiles
for _ in range(int(sys.argv[2])):
    model = train(SimpleNamespace(begin=ready))
    back, updates = time.monotonic(), model.history.updates
    again = train(SimpleNamespace(batch=stop_at(updates))) if updates else network.init(seed=0, dtype="float32")
    same = again.theta.tobytes() == model.theta.tobytes()
    print(json.dumps([back, updates, same, model.history.stopped, model.history.engine]), flush=True)
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows sends Ctrl-C to a whole console, the tests' own included")
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize(
    "job",
    [
        pytest.param((20_000, 50, 20, 10, []), id="tiny batches"),
        pytest.param((4_000, 300, 200, 512, ["accuracy"]), id="wide layers, measured"),
        pytest.param((500, 20, 10, 500, []), id="one batch an epoch"),
    ],
)
def test_an_interrupt_keeps_a_finished_batch(job: tuple[object, ...], threads: int, tally: Callable[..., None]) -> None:
    if threads == 2 and job[1] != 300 and not CASES:
        pytest.skip("small networks take one thread; `make campaign` tries both")
    moments, late = random.Random(threads), 0.0
    rounds = ROUNDS if job[1] != 300 else max(1, ROUNDS * 5 // 6)
    command = [sys.executable, "-c", PROGRAM, json.dumps(job), str(rounds)]
    environment = os.environ | {"CHAINRULE_THREADS": str(threads)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        try:
            for _ in range(rounds):
                assert process.stdout.readline() == "ready\n"
                time.sleep(moments.uniform(0.0, 0.6))
                pressed = time.monotonic()
                process.send_signal(signal.SIGINT)
                back, updates, same, stopped, engine = json.loads(process.stdout.readline())
                assert (same, stopped, engine) == (True, "interrupted", "compiled"), (updates, same, stopped, engine)
                late = max(late, back - pressed)
                tally(f"interrupts, {threads} thread(s)", 1, back - pressed, 1.0)
        finally:
            process.kill()
    assert late < GENEROUS
