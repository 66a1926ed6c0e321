"""Run as a script: compiled functions work on arrays of which not one number beside them can be read or written.

    python guarded.py FIRST COUNT SHAPES

takes COUNT random networks from number FIRST on through SHAPES random numbers of rows and batch sizes each. Every array
lies against a page that may not be touched, behind it in one half of the calls and before it in the other, so that a
number read or written outside of it ends the process with a segmentation fault. The rest of its own page is filled
with a pattern that nobody may change. In every second network the pieces of the workspace are kept apart as well, by
numbers that nobody may change and that spoil what reads them. What was counted is printed as JSON, a line a network.
"""

from __future__ import annotations

import ctypes
import importlib.util
import json
import mmap
import os
import sys
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest import mock

import numpy as np

from chainrule.engines import Carry, Draw, Job, compiled, protocol, reference
from chainrule.engines.compiled import epochs, kernels, table, verbs, workspaces

PAGE = mmap.PAGESIZE
PATTERN = 0xA5
APART = 16  # numbers a row between pieces of the workspace
RUNNING = (kernels, verbs, epochs, workspaces, protocol)  # the modules that make arrays for compiled functions

libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]


class Region:
    """Whole pages between two that may not be touched, with an array at one end.

    Args:
        shape: of the array.
        dtype: of the array.
        last: whether the array ends where the pages end; else it begins where they begin.
    """

    def __init__(self, shape: Any, dtype: Any, last: bool) -> None:
        dtype = np.dtype(dtype)
        self.bytes = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
        room = max(1, -(-self.bytes // PAGE)) * PAGE
        base = libc.mmap(None, room + 2 * PAGE, mmap.PROT_READ, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, -1, 0)
        assert base not in (None, ctypes.c_void_p(-1).value), "no memory"
        self.start = base + PAGE + (room - self.bytes if last else 0)
        libc.mprotect(base, room + 2 * PAGE, 0)
        libc.mprotect(base + PAGE, room, mmap.PROT_READ | mmap.PROT_WRITE)
        self._room = (ctypes.c_uint8 * room).from_address(base + PAGE)
        self._inside = self.start - base - PAGE
        ctypes.memset(base + PAGE, PATTERN, room)
        shape = (shape,) if isinstance(shape, int) else tuple(map(int, shape))
        self.__array_interface__ = {"shape": shape, "typestr": dtype.str, "data": (self.start, False), "version": 3}
        weakref.finalize(self, libc.munmap, base, room + 2 * PAGE)

    def whole(self) -> bool:
        """Whether the rest of its pages is as it was."""
        page = np.frombuffer(self._room, dtype=np.uint8)
        return bool((page[: self._inside] == PATTERN).all() and (page[self._inside + self.bytes :] == PATTERN).all())


class Guarded(np.ndarray[Any, Any]):
    """An array whose copies are guarded, too."""

    def copy(self, order: Any = "C") -> Any:
        return guards.copy(self)


class Guards:
    """Makes guarded arrays, and stands for the module NumPy where compiled functions' arrays are made."""

    def __init__(self) -> None:
        self.last = True
        self.regions: list[weakref.ref[Region]] = []
        self.apart: list[tuple[weakref.ref[Any], list[slice]]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(np, name)

    def empty(self, shape: Any, dtype: Any = float) -> Any:
        region = Region(shape, dtype, self.last)
        self.regions.append(weakref.ref(region))
        return np.asarray(region).view(Guarded)

    def zeros(self, shape: Any, dtype: Any = float) -> Any:
        made = self.empty(shape, dtype)
        made[...] = 0
        return made

    def empty_like(self, array: Any) -> Any:
        return self.empty(array.shape, array.dtype)

    def zeros_like(self, array: Any) -> Any:
        return self.zeros(array.shape, array.dtype)

    def array(self, given: Any, dtype: Any = None) -> Any:
        return self.copy(np.array(given, dtype))

    def copy(self, array: Any) -> Any:
        made = self.empty(array.shape, array.dtype)
        made[...] = array
        return made

    def live(self) -> list[Region]:
        """The regions in use; the others are forgotten."""
        found = [(reference, reference()) for reference in self.regions]
        self.regions = [reference for reference, region in found if region is not None]
        return [region for _, region in found if region is not None]

    def check(self) -> None:
        """Fail if something was written beside an array, or between pieces of the workspace."""
        assert all(region.whole() for region in self.live()), "written beside an array"
        kept = [(room(), gaps) for room, gaps in self.apart]
        self.apart = [entry for entry, (room, _) in zip(self.apart, kept, strict=True) if room is not None]
        for room, gaps in kept:
            for gap in gaps if room is not None else ():
                assert (room[gap].view(np.uint8) == 0xFF).all(), "written between pieces of the workspace"


guards = Guards()


def call(kernel: Any, given: Any, run: Callable[..., int] = kernels.Kernel.__call__) -> int:
    """Run a compiled function, if every address that it is given is that of a guarded array."""
    regions = guards.live()
    for name, place in kernels.PLACES.items():
        address = int(given[place])
        known = any(region.start <= address <= region.start + region.bytes for region in regions)
        assert name == "seed" or abs(address) < 2**32 or known, f"{name} is not guarded"
    return run(kernel, given)


@contextmanager
def keeping_apart() -> Iterator[None]:
    """Leave numbers between the pieces of the workspace; all their bits are 1, so that they are no numbers."""
    add, work = table.Workspace._add, workspaces.work

    def add_apart(space: Any, kind: str, s: int, N: int) -> None:
        add(space, kind, s, N)
        space.per_row += APART

    def work_apart(network: Any, rows: int, dtype: Any, threads: int = 1, **more: int) -> Any:
        room, space, span = (
            work(network, rows, dtype, threads, **more),
            table.Workspace(network, **more),
            table.in_lines(rows),
        )
        starts = sorted([*space._before.values(), space.per_row])[1:]
        gaps = [slice(span * (start - APART), span * start) for start in starts]
        for gap in gaps:
            room[gap].view(np.uint8)[:] = 0xFF
        guards.apart.append((weakref.ref(room), gaps))
        return room

    with (
        mock.patch.object(table.Workspace, "_add", add_apart),
        mock.patch.object(kernels, "_loaded", {}),
        mock.patch.object(verbs, "work", work_apart),
        mock.patch.object(epochs, "work", work_apart),
    ):
        yield


def same_results() -> ModuleType:
    """The module that makes random networks."""
    spec = importlib.util.spec_from_file_location("cases", Path(__file__).with_name("test_same_results.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["cases"] = module
    spec.loader.exec_module(module)
    return module


CASES = same_results()


class Walk:
    """One network's way through random numbers of rows.

    Args:
        seed: its number.
    """

    def __init__(self, seed: int) -> None:
        self.seed, self.rng = seed, np.random.default_rng([7, seed])
        self.case = CASES.make_case(seed, widest=40 if seed % 3 else 170)
        self.few, self.many = [(1, 33), (33, 256), (256, 300)][self.rng.integers(3)]
        if self.few == 1:  # then each batch size has a kernel of its own
            self.few = int(self.rng.integers(1, 33))
            self.many = self.few + 1
        self.ordered, self.threads = bool(self.rng.random() < 0.7), int(self.rng.choice([1, 1, 2, 3]))
        self.worst = 0.0

    def go(self, shapes: int) -> None:
        """Take the network through so many shapes, half of them with arrays at the end of their pages."""
        for guards.last in (True, False):
            network = replace(self.case.objective.network)
            self.objective = replace(self.case.objective, network=network)
            for _ in range(shapes // 2 + (guards.last and shapes % 2)):
                batch = int(self.rng.integers(self.few, self.many))
                self.batch(max(batch, CASES.enough(network)))
                self.rows(int(self.rng.integers(1, 600)))
                self.epoch(batch, batch + int(self.rng.integers(1, 2 * batch + 2)))
                guards.check()

    def data(self, n: int) -> tuple[Any, ...]:
        """Random rows with the targets and weights that the case has."""
        case = self.case
        which = self.rng.integers(0, len(case.X), n)
        X = self.rng.normal(size=(n, case.X.shape[1])).astype(case.X.dtype)  # equal rows would have no variance
        weights = None if case.weights is None else guards.copy(case.weights[which])
        return guards.copy(X), guards.copy(case.Y[which]), weights

    def vectors(self) -> tuple[Any, Any]:
        return guards.copy(self.case.theta), guards.copy(self.case.state)

    def compare(self, ours: Any, theirs: Any) -> None:
        self.worst = max(self.worst, CASES.far(ours, theirs) / CASES.WITHIN[self.case.X.dtype])
        assert self.worst < 100, "a wrong result"

    def rows(self, n: int) -> None:
        """Outputs and losses of n rows."""
        X, Y, weights = self.data(n)
        given = (*self.vectors(), X)
        network = self.objective.network
        self.compare(compiled.predict(network, *given), reference.predict(network, *given))
        ours, theirs = (engine.loss(self.objective, *given, Y, weights) for engine in (compiled, reference))
        self.compare(np.array([ours]), np.array([theirs]))

    def batch(self, m: int) -> None:
        """The gradient of m rows."""
        given = (self.objective, *self.vectors(), *self.data(m), Draw(self.seed, 5))
        ours, theirs = (engine.gradient(*given, inputs=True) for engine in (compiled, reference))
        self.compare(ours.theta, theirs.theta)
        self.compare(ours.inputs, theirs.inputs)

    def epoch(self, batch: int, n: int) -> None:
        """An epoch of n rows, more than one batch."""
        case, (theta, state) = self.case, self.vectors()
        X, Y, weights = self.data(n)
        job = Job(self.objective, X, Y, weights, case.optimizer, lambda t: 1e-4, batch, case.clip, self.seed)
        order = guards.copy(self.rng.permutation(n)) if self.ordered else None
        carry = Carry(theta, state, tuple(map(guards.copy, case.optimizer.start(theta))))
        with mock.patch.dict(os.environ, CHAINRULE_THREADS=str(self.threads)):
            ours = compiled.epoch(job, carry, order, each=False)
        theirs = reference.epoch(job, carry, order)
        assert ours.batches == theirs.batches == -(-n // batch)
        assert abs(ours.loss - theirs.loss) <= 1e-2 * abs(theirs.loss) + 1e-6, "a wrong result"


def main(first: int, count: int, shapes: int, beyond: int) -> None:
    """Take networks through shapes; with ``beyond`` compiled functions are told of more rows than there are."""
    for module in RUNNING:
        module.np = guards  # type: ignore[attr-defined]
        if hasattr(module, "aligned"):
            module.aligned = guards.copy  # type: ignore[attr-defined]
    verbs._ROWS_WORTH_SHARING = epochs._BATCH_WORTH_SHARING = 1  # type: ignore[attr-defined]

    def run(kernel: Any, given: Any) -> int:
        given[kernels.place_of("n")] += beyond
        return call(kernel, given)

    kernels.Kernel.__call__ = run  # type: ignore[method-assign]
    for seed in range(first, first + count):
        print(json.dumps({"network": seed}), flush=True)  # who reads a fault knows where it was
        walk = Walk(seed)
        if seed % 2:
            with keeping_apart():
                walk.go(shapes)
        else:
            walk.go(shapes)
        print(json.dumps({"network": seed, "shapes": shapes, "calls": 4 * shapes, "worst": walk.worst}), flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
