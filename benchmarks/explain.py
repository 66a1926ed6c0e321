"""How long an explanation takes, and how much memory: one weight of 784-100-10, and whole small steps.

    python benchmarks/explain.py

Each time is the median of many, with the first, which loads modules, told apart. Memory is the peak of what Python and
NumPy ask for while the page is made and written, without the trace's own arrays.
"""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np

from chainrule import SGD, Adam, Network
from chainrule.explain import FORMATS, explain, render, trace

REPEATS = 50


def timed(work: Callable[[], Any]) -> tuple[float, float]:
    """Give the first time and the median of the others, in milliseconds."""
    times = []
    for _ in range(REPEATS + 1):
        start = time.perf_counter()
        work()
        times.append(1e3 * (time.perf_counter() - start))
    return times[0], median(times[1:])


def peak(work: Callable[[], Any]) -> float:
    """Give the largest amount of memory that the work asks for, in kilobytes."""
    work()
    tracemalloc.start()
    work()
    _, largest = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return largest / 1e3


def main() -> None:
    """Measure, and print a line for each."""
    rng = np.random.default_rng(0)
    wide = Network.from_sizes([784, 100, 10], "relu", "softmax").init(seed=0)
    small = Network.from_sizes([2, 2, 2], "sigmoid", "sigmoid").init(seed=0)
    image, pair = rng.random((1, 784)), rng.random((1, 2))

    def one_weight(format: str) -> str:
        return render(explain(wide, image, [3], "dC/dW1[7,300]"), format)

    def whole_step(format: str) -> str:
        return render(explain(small, pair, [[0.0, 1.0]], optimizer=SGD(0.5)), format)

    def adam_step(format: str) -> str:
        return render(explain(small, pair, [[0.0, 1.0]], optimizer=Adam()), format)

    print(f"{'':44}{'first':>9}{'median':>9}   ms")
    for name, work in (
        ("one weight of 784-100-10 on one image", one_weight),
        ("a whole step of 2-2-2, gradient descent", whole_step),
        ("a whole step of 2-2-2, Adam", adam_step),
    ):
        for format in FORMATS:
            first, usual = timed(lambda work=work, format=format: work(format))  # type: ignore[misc]
            print(f"{name + ', ' + format:44}{first:9.1f}{usual:9.1f}")
    for hidden in (100, 400, 1600):
        model = Network.from_sizes([784, hidden, 10], "relu", "softmax").init(seed=0)
        step = trace(model, image, [3])
        for most in (6, 60):
            kilobytes = peak(lambda step=step, most=most: str(explain(step, of="delta1[7]", depth=2, most=most)))  # type: ignore[misc]
            print(f"784-{hidden}-10, an error, {most} terms of each sum: {kilobytes:,.0f} kB at most")


if __name__ == "__main__":
    main()
