"""The measuring: one process for each contender, which take turns; every round, each runs once."""

from __future__ import annotations

import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from chainrule.bench import contenders, examples
from chainrule.bench.contenders import Contender, Way
from chainrule.bench.peak import Peak, thread_environment
from chainrule.bench.peak import cores as count_cores
from chainrule.bench.results import Comparison, Measured
from chainrule.bench.workloads import Workload
from chainrule.language import Message

__all__ = ["Tell", "Worker", "compare"]

Tell = Callable[[Message], None]

# Threads of a library that has just run wait for more work in a loop, and would disturb the next one.
_REST = 0.25
_TRIALS = 3


class _Failed(Exception):
    """A worker that cannot go on; the text says why."""


class Worker:
    """A process in which one contender runs, in one way.

    Args:
        workload: what it does.
        way: how.
        folder: where the examples lie.
        cores: how many cores it may see, 0 for all.
    """

    def __init__(self, workload: Workload, way: Way, folder: Path, cores: int = 0) -> None:
        self.way = way
        self._complaints = folder / f"{way.contender}-{way.threads}-{way.form}.txt"
        environment = os.environ | thread_environment(way.threads)
        if way.contender == "jax" and way.threads == 1:
            # It knows no number of threads, but this.
            environment["XLA_FLAGS"] = f"{environment.get('XLA_FLAGS', '')} --xla_cpu_multi_thread_eigen=false".strip()
        with self._complaints.open("wb") as complaints:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "chainrule.bench.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=complaints,
                env=environment,
                text=True,
                encoding="utf-8",
            )
        self._task = {
            "workload": workload.to_dict(),
            "way": [way.contender, way.threads, way.form],
            "folder": str(folder),
            "cores": cores,
        }

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def prepare(self) -> dict[str, Any]:
        """Let it load its library and run once; gives what `chainrule.bench.worker.prepare` gave."""
        return self._ask(json.dumps(self._task))

    def run(self, seed: int) -> dict[str, Any]:
        """Let it run once; gives what `chainrule.bench.worker.run_once` gave."""
        time.sleep(_REST)
        return self._ask(str(seed))

    def close(self) -> None:
        """End the process, whatever it is doing."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):  # what was still to be written, nobody reads
                if pipe is not None:
                    pipe.close()

    def _ask(self, line: str) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()
            answer = json.loads(self._process.stdout.readline())
        except (OSError, ValueError):
            raise _Failed(self._last_complaint()) from None
        if "failed" in answer:
            raise _Failed(answer["failed"])
        return dict(answer)

    def _last_complaint(self) -> str:
        """Give the last line that it wrote to standard error."""
        code = self._process.wait()
        lines = self._complaints.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return lines[-1][:300] if lines else Message("it ended with code {code}", code=code)


def compare(
    workload: Workload,
    peak: Peak,
    *,
    threads: int = 0,
    repeats: int = 0,
    compiling: bool = True,
    data_dir: Path | None = None,
    tell: Tell = lambda _: None,
) -> Comparison:
    """Let all contenders of a workload take turns.

    Args:
        workload: what to do.
        peak: what the machine can do, from `chainrule.bench.peak.measure`.
        threads: how many cores to use, 0 for all.
        repeats: how many rounds, 0 for as many as the workload says.
        compiling: whether PyTorch's compiler is tried, too.
        data_dir: the folder with MNIST's files.
        tell: hears what is going on.

    Raises:
        DataError: where the folder lacks the files.

    >>> from dataclasses import replace
    >>> from chainrule.bench.workloads import WORKLOADS
    >>> peak = Peak(single=100.0, single_all=200.0, double=50.0, double_all=100.0, cores=2, by="fma")
    >>> found = compare(replace(WORKLOADS["predict-1"], against=()), peak, threads=1, repeats=1)
    >>> [len(each.seconds) for each in found.measured if each.way.contender == "reference"]
    [1]
    """
    made, what = examples.make(workload, data_dir)
    known = count_cores()
    used = min(threads or known, known)
    with tempfile.TemporaryDirectory(prefix="chainrule-bench-") as folder, ExitStack() as open_workers:
        examples.write(made, Path(folder))
        chosen: list[tuple[Worker, Measured]] = []
        out: list[Measured] = []
        for contender in contenders.taking_part(workload):
            tell(Message("{workload}: {contender} gets ready", workload=workload.name, contender=contender.label))
            ways = contenders.ways(contender, workload, used, compiling=compiling)
            worker, measured = _choose(contender, workload, ways, Path(folder), used if used < known else 0)
            out.append(measured)
            if worker is not None:
                chosen.append((open_workers.enter_context(worker), measured))
        runs = _rounds([worker for worker, _ in chosen], repeats or workload.repeats, workload, tell)
    found = {measured.way: each for (_, measured), each in zip(chosen, runs, strict=True)}
    done = tuple(_with_runs(each, found.get(each.way)) for each in out)
    return Comparison(workload, what, done, tuple(contenders.absent(workload)), peak)


def _choose(
    contender: Contender, workload: Workload, ways: Sequence[Way], folder: Path, cores: int
) -> tuple[Worker | None, Measured]:
    """Try all ways of a contender, and keep the process of the fastest one."""
    tried: list[tuple[float, Worker, dict[str, Any]]] = []
    reason = ""
    with ExitStack() as opened:
        for way in ways:
            worker = opened.enter_context(Worker(workload, way, folder, cores))
            try:
                ready = worker.prepare()
                tried.append((_try(worker) if len(ways) > 1 else 0.0, worker, ready))
            except _Failed as error:
                reason = str(error)
        if not tried:
            return None, Measured(ways[0], failed=reason)
        _, best, ready = min(tried, key=lambda each: each[0])
        for _, worker, _ in tried:
            if worker is not best:
                worker.close()
        opened.pop_all()
    return best, Measured(
        best.way,
        loading=ready["loading"],
        first=ready["first"],
        tried={str(worker.way.text): seconds for seconds, worker, _ in tried if len(ways) > 1},
        versions=ready["versions"],
        note=Message(ready["note"]["key"], **ready["note"]["fields"]),
    )


def _try(worker: Worker) -> float:
    """Give the median of a few runs: a single lucky one of a way that others disturb easily says nothing."""
    return statistics.median(float(worker.run(trial)["seconds"]) for trial in range(_TRIALS))


def _rounds(workers: Sequence[Worker], repeats: int, workload: Workload, tell: Tell) -> list[list[dict[str, Any]]]:
    """Let workers run in turns, each round in the other direction; gives each one's runs."""
    runs: list[list[dict[str, Any]]] = [[] for _ in workers]
    for round_ in range(repeats):
        tell(Message("{workload}: round {round} of {rounds}", workload=workload.name, round=round_ + 1, rounds=repeats))
        order = range(len(workers))
        for k in order if round_ % 2 == 0 else reversed(order):
            try:
                runs[k].append(workers[k].run(round_))
            except _Failed as error:
                runs[k].append({"failed": str(error)})
    return runs


def _with_runs(measured: Measured, runs: list[dict[str, Any]] | None) -> Measured:
    """Put a contender's runs into what is known of it."""
    if runs is None:
        return measured
    if reasons := [run["failed"] for run in runs if "failed" in run]:
        return replace(measured, failed=reasons[0])
    names = runs[0]["scores"]
    return replace(
        measured,
        seconds=tuple(run["seconds"] for run in runs),
        scores={name: tuple(run["scores"][name] for run in runs) for name in names},
    )
