"""Trainings that are killed at any moment, many of them inside a save, are taken up again until they are done."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

# `make campaign-safety` has two hundred runs, each of them killed once or more often.
CASES = int(os.environ.get("CHAINRULE_CASES", "0"))
RUNS = CASES // 5 or 6

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has neither forks nor SIGKILL")

# Forks a training, kills it at a random moment or at a random system call of a save, and takes it up again from what is
# on the disk. It tells each kill, and each training that came to its end.
DRIVER = """
import hashlib, json, os, random, signal, sys, time
from pathlib import Path
import numpy as np
from chainrule import Checkpoint, EarlyStopping, L2, Network, train
from chainrule.storage.checkpoint_file import read_checkpoint

path, engine, runs, seed = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
chance = random.Random(seed)
rng = np.random.default_rng(0)
X, y = rng.normal(size=(600, 20)), rng.integers(0, 3, 600)
network = Network.from_sizes([20, 100, 3], dropout=0.2, batch_norm=True, output="softmax")
settings = dict(optimizer="adam", schedule="cosine", penalties=L2(0.001), batch_size=20, epochs=6, validation=0.2,
                engine=engine, dtype="float32")
STEPS = ("open", "write", "fsync", "close", "replace")

def digest(model):
    series = [np.array(v).tobytes() for name, v in model.history.series.items() if name != "seconds"]
    return hashlib.sha256(b"".join([model.theta.tobytes(), model.state.tobytes(), *series])).hexdigest()

def one(minutes, resume):
    callbacks = [EarlyStopping(patience=50), *([Checkpoint(path, minutes=minutes)] if minutes else [])]
    return digest(train(network, X, y, callbacks=callbacks, resume=resume, **settings))

def die_at(call):  # a system call of a save, counted from the first; half of them after it is made
    def wrap(real):
        def made(*args, **more):
            nonlocal call
            call -= 1
            if call == 0 and chance.random() < 0.5:
                os.kill(os.getpid(), signal.SIGKILL)
            if real is writing:
                args = args[0], args[1][:20_000]
            back = real(*args, **more)
            if call == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return back
        return made
    writing = os.write
    for name in STEPS:
        setattr(os, name, wrap(getattr(os, name)))

began = time.monotonic()
expected = one(None, None)
whole = time.monotonic() - began
done, killed, inside, deaths = 0, 0, 0, 0
while done < runs:
    result, back = os.pipe()
    within = chance.random() < 0.6
    call = chance.randint(1, 40)
    child_seed = chance.random()
    there = path.exists()
    child = os.fork()
    if child == 0:
        chance = random.Random(child_seed)
        if within:
            die_at(call)
        found = one(whole / 60 / 12, path if there else None)
        os.write(back, found.encode())
        os._exit(0)
    os.close(back)
    if not within:
        time.sleep(chance.uniform(0, whole * 1.2))
        os.kill(child, signal.SIGKILL)
    status = os.waitpid(child, 0)[1]
    text = os.read(result, 100).decode()
    os.close(result)
    if path.exists():
        read_checkpoint(path)
    elif there:
        raise AssertionError("the checkpoint is gone")
    if os.WIFSIGNALED(status):
        killed += 1
        deaths += 1  # of this run
        inside += within
    else:
        assert status == 0 and text == expected, (status, text)
    if text:
        assert text == expected, text
        done += deaths > 0
        deaths = 0
        path.unlink()
print(json.dumps([killed, inside, done]))
"""


@pytest.mark.parametrize("engine", ["reference", "compiled"])
def test_killed_trainings_end_with_the_bits_of_undisturbed_ones(engine: str, tmp_path: Path, tally: Any) -> None:
    from chainrule.engines import choose

    if choose(engine).name != engine:
        pytest.skip("LLVM cannot run here")
    runs = RUNS // 2
    command = [sys.executable, "-c", DRIVER, str(tmp_path / "run.checkpoint"), engine, str(runs), "1"]
    run = subprocess.run(command, capture_output=True, encoding="utf-8")
    assert run.returncode == 0, run.stderr
    killed, inside, done = json.loads(run.stdout)
    assert done == runs <= killed
    tally(f"runs killed and taken up to their end, {engine} engine", done)
    tally("kills", killed)
    tally("kills at a system call of a save", inside)


# A batch that takes long: the first signal is noted, a second one a second later ends the program at once.
SLOW = """
import sys, time
from types import SimpleNamespace
from chainrule import Checkpoint, Network, train

def wait(info):
    if info.carry.updates == 3:
        print("ready", flush=True)
        time.sleep(60)

try:
    train(Network.from_sizes([1, 1]), [[1.0], [2.0]], [1.0, 2.0], batch_size=1, callbacks=[Checkpoint(sys.argv[1]),
          SimpleNamespace(batch=wait)])
except KeyboardInterrupt as interrupt:
    sys.exit(getattr(interrupt, "exit_code", 130))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_second_signal_ends_at_once(number: int, tmp_path: Path) -> None:
    path = tmp_path / "run.checkpoint"
    with subprocess.Popen([sys.executable, "-c", SLOW, str(path)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "ready\n"
            process.send_signal(number)
            time.sleep(1.1)
            process.send_signal(number)
            assert process.wait(timeout=30) == 128 + number
        finally:
            process.kill()
    assert path.exists()
