"""How many threads may compute: what is asked for, the environment, cores and quotas; and what is put back after."""

from __future__ import annotations

import multiprocessing
import os
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from threadpoolctl import threadpool_info

import chainrule as cr
from chainrule.engines import notice, threads
from chainrule.engines.quota import read_quota
from chainrule.engines.threads import process_threads, usable_threads
from chainrule.errors import UsageError

XOR = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]
forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")


def blas_threads() -> list[int]:
    return [library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"]


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CHAINRULE_THREADS", "OMP_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def eight_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    if hasattr(os, "sched_getaffinity"):
        monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(8)))
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    monkeypatch.setattr(threads, "cpu_quota", lambda: 1e6)


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, 8),
        ({"OMP_NUM_THREADS": "3"}, 3),
        ({"OMP_NUM_THREADS": " 4,2"}, 4),
        ({"OMP_NUM_THREADS": "100"}, 8),
        ({"OMP_NUM_THREADS": "0"}, 8),
        ({"OMP_NUM_THREADS": "many"}, 8),
        ({"CHAINRULE_THREADS": "5", "OMP_NUM_THREADS": "3"}, 5),
        ({"CHAINRULE_THREADS": "12"}, 12),
        ({"CHAINRULE_THREADS": "9" * 5000}, 64),
        ({"CHAINRULE_THREADS": "-1"}, 8),
        ({"CHAINRULE_THREADS": "²"}, 8),
    ],
)
def test_the_environment(
    eight_cores: None, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], expected: int
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert usable_threads() == process_threads() == expected
    with cr.limit_threads(2):
        assert (usable_threads(), process_threads()) == (2, expected)


def test_a_variable_that_says_nothing_is_told_once(
    eight_cores: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(notice, "_told", set())
    monkeypatch.setenv("CHAINRULE_THREADS", "two")
    assert process_threads() == process_threads() == 8
    assert capsys.readouterr().err == "CHAINRULE_THREADS is 'two', no whole number of at least 1; it is not heeded\n"


@pytest.mark.parametrize(("quota", "expected"), [(1e6, 8), (2.9, 2), (0.5, 1)])
def test_a_quota_is_rounded_down(
    eight_cores: None, monkeypatch: pytest.MonkeyPatch, quota: float, expected: int
) -> None:
    monkeypatch.setattr(threads, "cpu_quota", lambda: quota)
    assert process_threads() == expected


def write(file: Path, text: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def test_quotas_of_version_2_hold_for_all_below(tmp_path: Path) -> None:
    groups = write(tmp_path / "cgroup", "0::/outer/inner\n")
    assert read_quota(groups, tmp_path) == 1e6
    write(tmp_path / "outer/inner/cpu.max", "max 100000\n")
    assert read_quota(groups, tmp_path) == 1e6
    write(tmp_path / "outer/cpu.max", "150000 100000\n")
    assert read_quota(groups, tmp_path) == 1.5
    write(tmp_path / "outer/inner/cpu.max", "50000 100000\n")
    assert read_quota(groups, tmp_path) == 0.5


@pytest.mark.parametrize("line", ["4:cpu:/docker/abc", "4:cpu,cpuacct:/docker/abc", "4:cpu:/"])
def test_quotas_of_version_1(tmp_path: Path, line: str) -> None:
    groups = write(tmp_path / "cgroup", f"5:memory:/\n{line}\n0::/\n")
    write(tmp_path / "cpu/cpu.cfs_quota_us", "-1\n")
    write(tmp_path / "cpu/cpu.cfs_period_us", "100000\n")
    assert read_quota(groups, tmp_path) == 1e6
    write(tmp_path / "cpu/cpu.cfs_quota_us", "250000\n")
    assert read_quota(groups, tmp_path) == 2.5


@pytest.mark.parametrize("text", ["", "nonsense", "0::", "0::/../..", "1:cpu"])
@pytest.mark.parametrize("limit", ["", "max", "a b", "1 0", "1 2 3"])
def test_what_cannot_be_read_limits_nothing(tmp_path: Path, text: str, limit: str) -> None:
    write(tmp_path / "cpu.max", limit)
    assert read_quota(write(tmp_path / "cgroup", text), tmp_path) == 1e6


@pytest.mark.parametrize("wrong", [0, -1, 2.5, True, "2", np.float64(2)])
def test_what_is_no_number_of_threads(wrong: Any) -> None:
    network = cr.Network.from_sizes([2, 2, 1], output="sigmoid")
    with pytest.raises(UsageError, match=r"n_threads is .*whole number of at least 1, or None for all cores"):
        cr.train(network, *XOR, n_threads=wrong)
    with pytest.raises(UsageError, match="n_threads"), cr.limit_threads(wrong):
        raise AssertionError("entered")


def test_limits_within_limits_only_lower() -> None:
    with cr.limit_threads(4):
        with cr.limit_threads(np.int64(2)):
            assert usable_threads() == 2
            with cr.limit_threads(3), cr.limit_threads(None):
                assert usable_threads() == 2
        assert usable_threads() == 4


def test_a_limit_holds_for_one_thread() -> None:
    found = []
    with cr.limit_threads(1):
        other = threading.Thread(target=lambda: found.append(usable_threads()))
        other.start()
        other.join()
    assert found == [process_threads()]


@pytest.mark.parametrize("engine", ["reference", "compiled"])
def test_linear_algebra_is_limited_and_put_back(engine: str) -> None:
    before, seen = blas_threads(), []

    class Look:
        def epoch(self, info: cr.Info) -> None:
            seen.append(blas_threads())
            raise KeyError("put back after errors, too")

    network = cr.Network.from_sizes([2, 2, 1], output="sigmoid")
    with pytest.raises(KeyError):
        cr.train(network, *XOR, epochs=1, callbacks=Look(), n_threads=1, engine=engine)
    assert seen == [[1] * len(before)]
    assert blas_threads() == before
    with cr.limit_threads(10_000):
        assert blas_threads() == before  # a limit, not a wish
    assert blas_threads() == before


def test_limits_that_overlap_are_all_put_back() -> None:
    before = blas_threads()
    first, second = cr.limit_threads(1), cr.limit_threads(1)
    entered, leave = threading.Event(), threading.Event()

    def work() -> None:
        with second:
            entered.set()
            leave.wait()

    other = threading.Thread(target=work)
    with first:
        other.start()
        entered.wait()
    assert blas_threads() == [1] * len(before)  # the other one still wants it
    leave.set()
    other.join()
    assert blas_threads() == before


@forks
def test_a_child_forgets_what_other_threads_asked() -> None:
    before = blas_threads()
    entered, leave = threading.Event(), threading.Event()

    def work() -> None:
        with cr.limit_threads(1):
            entered.set()
            leave.wait()

    other = threading.Thread(target=work)
    other.start()
    entered.wait()
    try:
        assert in_a_child(blas_threads) == before
        assert blas_threads() == [1] * len(before)
        with cr.limit_threads(1):
            assert in_a_child(blas_threads) == [1] * len(before)
    finally:
        leave.set()
        other.join()
    assert blas_threads() == before


def in_a_child(function: Any, *arguments: Any) -> Any:
    """Give what a function gives in a process forked from here."""
    context = multiprocessing.get_context("fork")
    queue = context.SimpleQueue()
    child = context.Process(target=lambda: queue.put(function(*arguments)))
    child.start()
    child.join(timeout=120)
    assert child.exitcode == 0
    return queue.get()


def test_recipes_take_it() -> None:
    from chainrule.recipes import Options, decide, prepare, run

    seen = []

    class Look:
        def epoch(self, info: cr.Info) -> None:
            seen.append((usable_threads(), blas_threads()))

    data, before = cr.data.load("iris"), blas_threads()
    recipe = decide(data, Options(n_threads=3, epochs=1))
    run(data, recipe, prepare(data, recipe), [Look()])
    assert seen == [(3, [1] * len(before))]  # small products: one thread, whatever is asked for
    assert blas_threads() == before
    with pytest.raises(UsageError, match="n_threads is 0"):
        Options(n_threads=0)
