"""What the tests of the command line share: running a command, and a model to run it on."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from chainrule.cli import main


class Run(NamedTuple):
    """What came of a command."""

    code: int
    out: str
    err: str


Runner = Callable[..., Run]


@pytest.fixture(autouse=True)
def _plain_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test works in a folder of its own; the messages keep their lines whole."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("CHAINRULE_LANG", "en")
    monkeypatch.delenv("CHAINRULE_DEBUG", raising=False)
    monkeypatch.delenv("CHAINRULE_DATA_DIR", raising=False)


@pytest.fixture
def chainrule(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Runner:
    """Run a command in this process."""

    def run(*arguments: str | Path, stdin: bytes | str = b"") -> Run:
        content = stdin.encode() if isinstance(stdin, str) else stdin
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content), encoding="utf-8"))
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        return Run(code, *capsys.readouterr())

    return run


PEOPLE = "age,pet,height,group\n" + "".join(
    f"{20 + k % 50},{('cat', 'dog', 'fish')[k % 3]},{1.5 + (k * 7 % 40) / 100},{'old' if k % 50 > 25 else 'young'}\n"
    for k in range(200)
)


@pytest.fixture(scope="session")
def _trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with people.csv and a model trained on it."""
    folder = tmp_path_factory.mktemp("trained")
    (folder / "people.csv").write_text(PEOPLE, encoding="utf-8")
    before = Path.cwd()
    os.chdir(folder)
    try:
        assert main(["train", "people.csv", "--epochs", "20", "--rate", "0.02"]) == 0
    finally:
        os.chdir(before)
    return folder


@pytest.fixture
def people(_trained: Path, tmp_path: Path) -> Path:
    """people.csv in the test's own folder."""
    path = tmp_path / "people.csv"
    path.write_bytes((_trained / "people.csv").read_bytes())
    return path


@pytest.fixture
def model(_trained: Path, tmp_path: Path) -> Path:
    """A model of people.csv in the test's own folder; its target is the group."""
    path = tmp_path / "people.safetensors"
    path.write_bytes((_trained / "people.safetensors").read_bytes())
    return path
