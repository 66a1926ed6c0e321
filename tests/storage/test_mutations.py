"""Files that were changed in every way that their structure offers are refused or can be used: see `mutations.py`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from chainrule.model import Model
from chainrule.storage import save

# `make campaign-safety` reads 20,000 of each kind.
CHANGES = 20 * int(os.environ.get("CHAINRULE_CASES", "20"))
PARTS = 4


@pytest.mark.parametrize("part", range(PARTS))
def test_changed_models(part: int, small: Model, tmp_path: Path) -> None:
    read(save(small, tmp_path / "good.safetensors"), "model", part)


@pytest.mark.parametrize("part", range(PARTS))
def test_changed_checkpoints(part: int, tmp_path: Path) -> None:
    read(tmp_path / "run.checkpoint", "checkpoint", part)


def read(good: Path, kind: str, part: int) -> None:
    count = CHANGES // PARTS
    given = [kind, str(good), str(part * count), str(count)]
    script = Path(__file__).with_name("mutations.py")
    done = subprocess.run([sys.executable, str(script), *given], capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout)
    assert found["refused"] + found.get("read", 0) == count
    assert found["refused"] > count / 2
    assert found["slowest"] < 2, "seconds of processor time for one file"
    assert found["memory"] < 4, "bytes for each byte of the file, beyond 64 MB"
