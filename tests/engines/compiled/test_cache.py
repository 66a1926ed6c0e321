"""Compiled code on disk: damaged, foreign, unwritable or stale files are never an error and never a wrong result."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chainrule.network import Network
from chainrule.parameters import draw_parameters, start_state

compiled = pytest.importorskip("chainrule.engines.compiled")
if not compiled.works():
    pytest.skip("LLVM cannot run here", allow_module_level=True)

from chainrule.engines import reference  # noqa: E402
from chainrule.engines.compiled import cache, kernels  # noqa: E402

# `make campaign` has every damaged file met by the engine, and fifty processes begin at once.
CAMPAIGN = int(os.environ.get("CHAINRULE_CASES", "0"))
PROGRAM = """
import hashlib, chainrule as cr
X, y = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]
network = cr.Network.from_sizes([2, 3, 1], hidden="tanh", output="sigmoid")
model = cr.train(network, X, y, batch_size=2, epochs=5, engine="compiled")
print(model.history.engine, hashlib.sha256(model.theta.tobytes()).hexdigest())
"""


def fresh(program: str = PROGRAM, **changes: str) -> str:
    """What a new process prints, with these changes to its environment."""
    environment = {name: value for name, value in os.environ.items() if name != "XDG_CACHE_HOME"} | changes
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    assert all(line.startswith("compiling kernels") for line in done.stderr.splitlines())
    return done.stdout


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder for kernels, and a program that has loaded none."""
    folder = tmp_path / "kernels"
    monkeypatch.setenv("CHAINRULE_KERNELS", str(folder))
    monkeypatch.setattr(kernels, "_loaded", {})
    return folder


def answers(monkeypatch: pytest.MonkeyPatch, *, afresh: bool = True) -> Any:
    """What the engine predicts, in a program that has loaded nothing yet."""
    if afresh:
        monkeypatch.setattr(kernels, "_loaded", {})
    network = Network.from_sizes([5, 4, 3], hidden="tanh", output="softmax")
    theta, state = draw_parameters(network, 0, np.float64), start_state(network, np.float64)
    X = np.random.default_rng(0).normal(size=(9, 5))
    A = compiled.predict(network, theta, state, X)
    np.testing.assert_allclose(A, reference.predict(network, theta, state, X), rtol=1e-13)
    return A


def test_code_is_kept_and_used_again(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = answers(monkeypatch)
    (file,) = place.iterdir()
    before = file.stat().st_mtime_ns
    monkeypatch.setattr("chainrule.engines.compiled.machine.Machine.compile", lambda *_: pytest.fail("compiled again"))
    assert answers(monkeypatch).tobytes() == first.tobytes()
    assert file.stat().st_mtime_ns == before


def test_damaged_files_are_not_used(place: Path, monkeypatch: pytest.MonkeyPatch, tally: Callable[..., None]) -> None:
    first = answers(monkeypatch)
    (file,) = place.iterdir()
    whole = file.read_bytes()
    rng = np.random.default_rng(0)
    damaged = [b"", whole[:10], whole[:-1], whole + b"x", b"\0" * len(whole), whole[: len(whole) // 2]]
    for _ in range(194):
        broken = bytearray(whole)
        broken[rng.integers(len(broken))] ^= 1 << int(rng.integers(8))
        damaged.append(bytes(broken))
    for contents in damaged:
        file.write_bytes(contents)
        assert cache.read(file.name) is None
        if CAMPAIGN:
            assert answers(monkeypatch).tobytes() == first.tobytes()
            assert file.read_bytes() == whole
            tally("damaged files met")
    assert answers(monkeypatch).tobytes() == first.tobytes()
    assert file.read_bytes() == whole  # made anew


def test_code_of_another_name_is_not_used(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch)
    (file,) = place.iterdir()
    file.rename(place / ("0" * 64))
    assert cache.read("0" * 64) is None


def test_key_depends_on_what_is_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    name = cache.digest("a", "b")
    assert name != cache.digest("ab", "")
    monkeypatch.setattr(cache, "_sources", lambda: "other sources")
    assert name != cache.digest("a", "b")


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="folders have no owner here")
def test_folder_that_others_may_write_is_not_used(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place.mkdir()
    place.chmod(stat.S_IRWXU | stat.S_IWOTH | stat.S_IXOTH)
    answers(monkeypatch)
    assert not list(place.iterdir())


def test_a_place_that_cannot_be_written_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    monkeypatch.setenv("CHAINRULE_KERNELS", str(blocked / "kernels"))
    answers(monkeypatch)


def test_processes_that_begin_at_once(tmp_path: Path, tally: Callable[..., None]) -> None:
    right, count = fresh(CHAINRULE_KERNELS=""), 50 if CAMPAIGN else 3
    assert right.startswith("compiled ")
    folder = tmp_path / "kernels"
    with ThreadPoolExecutor(count) as pool:
        assert set(pool.map(lambda _: fresh(CHAINRULE_KERNELS=str(folder)), range(count))) == {right}
    assert all(len(file.name) == 64 for file in folder.iterdir())  # no temporary file is left
    tally("processes on one cold cache", count)


@pytest.mark.skipif(os.name == "nt", reason="homes lie elsewhere there")
def test_a_home_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CHAINRULE_KERNELS", raising=False)
    home = tmp_path / "home"
    home.mkdir(mode=0o500)
    found = fresh(HOME=str(home))
    assert found.startswith("compiled ")
    assert fresh(HOME=os.devnull) == found  # for the administrator, who may write everywhere else


@pytest.mark.skipif(os.name == "nt", reason="sizes cannot be limited there")
def test_a_disk_that_is_full(tmp_path: Path) -> None:
    full = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n" + PROGRAM
    assert fresh(full, CHAINRULE_KERNELS=str(tmp_path)) == fresh(CHAINRULE_KERNELS="")
    assert not list(tmp_path.iterdir())


def test_without_a_home_nothing_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a folder called ~ would be made wherever the program happens to run."""
    monkeypatch.delenv("CHAINRULE_KERNELS", raising=False)
    monkeypatch.setattr("platformdirs.user_cache_path", lambda *given, **named: Path("~/.cache/chainrule"))
    assert cache.folder() is None


def test_no_place_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHAINRULE_KERNELS", "")
    assert cache.folder() is None
    answers(monkeypatch)


def test_a_home_is_written_as_a_tilde(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setenv("CHAINRULE_KERNELS", "~/kernels")
    assert cache.folder() == tmp_path / "kernels"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CHAINRULE_KERNELS", "here")
    assert cache.folder() == tmp_path / "here"


def test_once_is_only_said_where_it_is_kept(place: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert cache.keeps()
    for bad in ("", str(tmp_path / "file" / "kernels")):
        (tmp_path / "file").write_text("no folder")
        monkeypatch.setenv("CHAINRULE_KERNELS", bad)
        assert not cache.keeps()


def test_the_oldest_go_where_it_becomes_too_much(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "_MOST", 1000)
    for k in range(6):
        cache.write(f"{k}", bytes(300))
        os.utime(place / f"{k}", (k, k))
    assert sum(file.stat().st_size for file in place.iterdir()) <= 1000
    assert cache.read("5") == bytes(300)
    assert cache.read("0") is None


def test_sources_that_cannot_be_read_keep_nothing(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> str:
        raise NotADirectoryError

    monkeypatch.setattr(cache, "_sources", refuse)
    assert cache.digest("a") == ""
    answers(monkeypatch)
    assert not place.exists() or not list(place.iterdir())
