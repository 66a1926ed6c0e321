"""Compiled functions touch nothing beside their arrays, whatever the number of rows: see `guarded.py`.

Each network goes through `SHAPES` random numbers of rows and batch sizes with outputs, losses, a gradient and an epoch.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

compiled = pytest.importorskip("chainrule.engines.compiled")
if not compiled.works() or sys.platform != "linux":
    pytest.skip("LLVM cannot run here, or pages are guarded otherwise", allow_module_level=True)

# `make campaign` takes 400 networks through 25 shapes each.
CASES = int(os.environ.get("CHAINRULE_CASES", "0"))
NETWORKS, SHAPES, AT_ONCE = CASES * 2 // 5 or 2, 25, 5


def walk(first: int, count: int, beyond: int = 0) -> subprocess.CompletedProcess[str]:
    given = [str(n) for n in (first, count, SHAPES, beyond)]
    script = Path(__file__).with_name("guarded.py")
    command = [sys.executable, "-X", "faulthandler", str(script), *given]
    # Code for a workspace with gaps must neither be kept nor be taken from what is kept.
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, "CHAINRULE_KERNELS": ""})


@pytest.mark.parametrize("first", range(0, NETWORKS, AT_ONCE))
def test_nothing_beside_an_array_is_touched(first: int, tally: Callable[..., None]) -> None:
    count = min(AT_ONCE, NETWORKS - first)
    done = walk(first, count)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0, f"at {lines[-1:]}: {done.stderr[-3000:]}"
    finished = [line for line in lines if "shapes" in line]
    assert len(finished) == count
    worst = max(line["worst"] for line in finished)
    tally("shapes with guarded arrays", sum(line["shapes"] for line in finished), worst, 100)
    tally("calls with guarded arrays", sum(line["calls"] for line in finished))


def test_a_row_too_many_is_noticed() -> None:
    """The guard itself works: told of one more row than there is, a compiled function is ended."""
    done = walk(0, 1, beyond=1)
    assert done.returncode < 0
    assert "Segmentation fault" in done.stderr or "Bus error" in done.stderr
