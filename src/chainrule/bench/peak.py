"""What this machine's processor can do at most: multiplications and additions in a second, measured.

With llvmlite a loop of independent fused multiply-adds is compiled; nothing can be faster. Without it, the product of
two large matrices through NumPy's linear algebra stands for it, which comes near.
"""

from __future__ import annotations

import ctypes
import os
import statistics
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["Peak", "cores", "measure", "thread_environment"]

# Rounds so short that hardly any of them is interrupted by another program, and so many that most threads run at once.
_ROUNDS = 1500
_TARGET = 0.0004  # seconds of one round
_PRODUCTS = 12
_SIDE = 1536  # of the matrices


@dataclass(frozen=True)
class Peak:
    """The most that was seen, in GFLOP/s.

    Args:
        single: float32, one core.
        single_all: float32, all cores.
        double: float64, one core.
        double_all: float64, all cores.
        cores: how many.
        by: "fma", or "blas" for products of matrices.

    >>> Peak(single=100.0, single_all=200.0, double=50.0, double_all=99.0, cores=2, by="fma").double_all
    99.0
    """

    single: float
    single_all: float
    double: float
    double_all: float
    cores: int
    by: str

    def gigaflops(self, *, single: bool, all_cores: bool) -> float:
        """Give one of the four figures."""
        if single:
            return self.single_all if all_cores else self.single
        return self.double_all if all_cores else self.double


def cores() -> int:
    """Give how many cores this process may use.

    >>> cores() > 0
    True
    """
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def thread_environment(threads: int) -> dict[str, str]:
    """Give the environment variables that hold linear algebra libraries to so many threads; 0 leaves them alone.

    >>> thread_environment(2)["OMP_NUM_THREADS"]
    '2'
    """
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
    return {name: str(threads) for name in names} if threads else {}


def measure(threads: int) -> Peak:
    """Measure the peak of one core, and of several; about three seconds.

    Args:
        threads: how many cores are "all".

    >>> measure(1).cores
    1
    """
    loops = _loops()
    if loops is None:
        one = {single: _by_products(single, 1) for single in (True, False)}
        several = {single: max(one[single], _by_products(single, threads)) for single in (True, False)}
    else:
        one = {single: _by_loop(loops[single], 1) for single in (True, False)}
        several = {single: max(one[single], _by_loop(loops[single], threads)) for single in (True, False)}
        # A core that was disturbed while it was alone does no less than its part of all of them together.
        one = {single: max(one[single], several[single] / threads) for single in (True, False)}
    return Peak(one[True], several[True], one[False], several[False], threads, "blas" if loops is None else "fma")


class _Loop:
    """A compiled loop of fused multiply-adds.

    Args:
        single: whether of float32.
    """

    def __init__(self, single: bool) -> None:
        from chainrule.engines.compiled.machine import this_machine

        machine = this_machine()
        code = machine.code(single)
        # Enough chains to hide an operation's latency, few enough to fit into the registers with their two factors.
        chains = 12 if machine.width == 32 else 24
        _write_loop(code, chains)
        self._compiled = machine.load(machine.compile(code))
        kind = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64)
        self._call = kind(self._compiled.address("spin"))
        self.operations = 2 * chains * code.lanes  # of one turn
        self._dtype = np.float32 if single else np.float64
        self._lanes = code.lanes

    def __call__(self, turns: int) -> None:
        memory = np.full(3 * self._lanes, 0.5, dtype=self._dtype)
        self._call(memory.ctypes.data, turns)


def _write_loop(code: Any, chains: int) -> None:
    """Write spin(memory, turns): sums[k] <- sums[k] * a + b, again and again; none waits for another."""
    from chainrule.engines.compiled.code import Variable

    lanes = code.lanes
    with code.function("spin", [code.pointer, code.whole], public=True) as (memory, turns):
        a, b = code.load(memory, lanes), code.load(code.at(memory, lanes), lanes)
        sums = [Variable(code, code.vector(lanes), code.constant(k / 8, lanes)) for k in range(chains)]
        with code.loop(turns):
            for each in sums:
                each.set(code.fma(each.get(), a, b))
        total = sums[0].get()
        for each in sums[1:]:
            total = code.add(total, each.get())
        code.store(total, code.at(memory, 2 * lanes))


def _loops() -> dict[bool, _Loop] | None:
    """Compile the loops of both number types; None where that cannot be, or the processor has no such operation."""
    try:
        from chainrule.engines.compiled.machine import this_machine

        features = this_machine().features
        has_fma = any(name in features for name in ("+fma", "+neon", "+fp-armv8"))
        return {single: _Loop(single) for single in (True, False)} if has_fma else None
    except (ImportError, OSError, RuntimeError):
        return None


def _by_loop(loop: _Loop, threads: int) -> float:
    """Give the GFLOP/s of threads that run the loop at the same time, each by its quicker rounds."""
    began = time.perf_counter()
    loop(100_000)
    turns = max(1, int(100_000 * _TARGET / (time.perf_counter() - began)))
    gate = threading.Barrier(threads)
    seconds: list[float] = []

    def work() -> None:
        gate.wait()
        seconds.append(statistics.quantiles([_time(loop, turns) for _ in range(_ROUNDS)], n=4)[0])

    workers = [threading.Thread(target=work) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return sum(turns * loop.operations / each / 1e9 for each in seconds)


def _time(loop: _Loop, turns: int) -> float:
    began = time.perf_counter()
    loop(turns)  # ctypes lets other threads run meanwhile
    return time.perf_counter() - began


def _by_products(single: bool, threads: int) -> float:
    """Give the GFLOP/s of matrix products, in a process of its own, at whose start the number of threads is settled."""
    command = [sys.executable, "-m", "chainrule.bench.peak", "float32" if single else "float64"]
    environment = os.environ | thread_environment(threads)
    done = subprocess.run(command, env=environment, capture_output=True, text=True, encoding="utf-8", check=True)
    return float(done.stdout)


def _multiply(dtype: str) -> float:
    a = np.random.default_rng(0).random((_SIDE, _SIDE)).astype(dtype)
    out, times = np.empty_like(a), []
    for _ in range(_PRODUCTS):
        began = time.perf_counter()
        np.matmul(a, a, out=out)
        times.append(time.perf_counter() - began)
    return 2 * _SIDE**3 / min(times) / 1e9


if __name__ == "__main__":
    sys.stdout.write(f"{_multiply(sys.argv[1])}\n")
