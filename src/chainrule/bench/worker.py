"""The process in which one contender works: it waits while others run, so that no two share threads or memory.

It is started by `chainrule.bench.rounds` as ``python -m chainrule.bench.worker`` and speaks in lines of JSON. The first
line that it reads says what to do; it answers when all is loaded, compiled and has run once. Each further line is a
seed: it does the workload once and answers with the seconds that it took and how good the result is.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import numpy.typing as npt

from chainrule.bench import contenders
from chainrule.bench.contenders import Way
from chainrule.bench.examples import Examples, read
from chainrule.bench.runners import Runner, load
from chainrule.bench.workloads import Workload
from chainrule.engines.reference import predict
from chainrule.formulas import LOSSES
from chainrule.model import Model

__all__ = ["main", "prepare", "run_once", "scores"]

Array = npt.NDArray[Any]


def main() -> None:
    """Serve one parent."""
    answers = _private_output()
    task = json.loads(sys.stdin.readline())
    try:
        _narrow(task["cores"])
        workload, examples = Workload.from_dict(task["workload"]), read(Path(task["folder"]))
        runner, ready = prepare(workload, Way(*task["way"]), examples)
        _say(answers, ready)
        for line in sys.stdin:
            _say(answers, run_once(runner, workload, examples, int(line)))
    except Exception as error:
        _say(answers, {"failed": f"{type(error).__name__}: {error}".splitlines()[0][:300]})


def _private_output() -> TextIO:
    """Take standard output for the answers; whatever libraries print goes to standard error."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return answers


def _say(answers: TextIO, data: dict[str, Any]) -> None:
    answers.write(json.dumps(data) + "\n")
    answers.flush()


def _narrow(cores: int) -> None:
    """Let this process see only so many cores, where the system can do that; 0 is all."""
    if cores and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-cores:])


def prepare(workload: Workload, way: Way, examples: Examples) -> tuple[Runner, dict[str, Any]]:
    """Load a library, let it do its workload once, and say how long that took: seconds to load, and of the first run.

    >>> from chainrule.bench.examples import make
    >>> from chainrule.bench.workloads import WORKLOADS
    >>> workload = WORKLOADS["predict-1"]
    >>> _, ready = prepare(workload, Way("reference", 1), make(workload)[0])
    >>> sorted(ready)
    ['first', 'loading', 'note', 'versions']
    """
    began = time.perf_counter()
    runner = load(contenders.find(way.contender).runner, workload, way, examples)
    loading = time.perf_counter() - began
    runner.begin(workload.network().init(seed=0, dtype=workload.dtype), 0)
    began = time.perf_counter()
    runner.go()
    first = time.perf_counter() - began
    note = {"key": runner.note.key, "fields": runner.note.fields}
    return runner, {"loading": loading, "first": first, "versions": runner.versions, "note": note}


def run_once(runner: Runner, workload: Workload, examples: Examples, seed: int) -> dict[str, Any]:
    """Do a workload once; the first parameters, which all libraries begin with, are drawn from the seed.

    Returns:
        ``seconds`` of one call, and ``scores``.
    """
    start = workload.network().init(seed=seed, dtype=workload.dtype)
    runner.begin(start, seed)
    began = time.perf_counter()
    runner.go()
    seconds = (time.perf_counter() - began) / workload.calls
    return {"seconds": seconds, "scores": scores(workload, examples, start, runner.outputs(examples.X_test))}


def scores(workload: Workload, examples: Examples, start: Model, outputs: Array) -> dict[str, float]:
    """Say how good outputs are: after training by loss and accuracy, else by how far they are from exact ones.

    Args:
        workload: what was done.
        examples: with their test rows.
        start: the parameters that a prediction was made with.
        outputs: of the test rows, shape (n, N_K).
    """
    A = np.asarray(outputs, dtype=np.float64)
    if not workload.trains:
        theta, X = start.theta.astype(np.float64), examples.X_test.astype(np.float64)
        return {"difference": float(np.abs(predict(start.network, theta, start.state, X) - A).max())}
    Y = examples.Y_test.astype(np.float64)
    loss = LOSSES[workload.loss]
    found = {"loss": float(np.mean(loss.bound(loss.value)(_as_loss_takes(A, workload), Y)))}
    if len(examples.labels):
        hits = (A >= 0.5) == (Y >= 0.5) if A.shape[1] == 1 else A.argmax(axis=1) == Y.argmax(axis=1)
        found["accuracy"] = float(np.mean(hits))
    return found


def _as_loss_takes(A: Array, workload: Workload) -> Array:
    """Give logits where the loss is computed from them: all libraries are asked for outputs, which all have."""
    if not LOSSES[workload.loss].pairs:
        return A
    # Rounding may have made a 0 or a 1 of an output, for which there is no logit.
    a: Array = np.clip(A, 1e-30, 1 - 1e-16)
    return np.log(a) - np.log1p(-a) if workload.output == "sigmoid" else np.log(a)


if __name__ == "__main__":
    main()
