"""What commands meet outside of their input: rights, full devices, closed pipes, narrow terminals, Ctrl-C."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import pytest

from chainrule import load
from chainrule.cli.output import program

from .conftest import Runner
from .test_bad_input import check

QUICK = ("--epochs", "2")
posix = pytest.mark.skipif(os.name == "nt", reason="POSIX only")


def no_right(name: str) -> PermissionError:
    return PermissionError(errno.EACCES, "Permission denied", name)


# Ctrl-C


@posix
@pytest.mark.parametrize("pauses", [(0.05,), (0.01, 0.01, 0.01)])
def test_a_double_ctrl_c_keeps_what_was_learnt(pauses: tuple[float, ...], people: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "chainrule", "train", "people.csv", "--epochs", "1000000", "--batch-size", "1"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8")
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("Network"):
            break
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    for pause in pauses:
        time.sleep(pause)
        process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "anything to save" not in err
    assert "Result" in out
    assert load(tmp_path / "people.safetensors").history.stopped == "interrupted"


@pytest.mark.parametrize("patience", [(), ("--patience", "1")])
def test_ctrl_c_while_results_are_measured(
    patience: tuple[str, ...], chainrule: Runner, people: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def press(*_: Any, **__: Any) -> Any:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr("chainrule.training.interrupt.PAUSE", 0.0)
    monkeypatch.setattr("chainrule.recipes.running.measure_baseline", press)
    before = signal.getsignal(signal.SIGINT)
    run = chainrule("train", people.name, "--epochs", "4", *patience)
    assert run.code == 130
    assert "people.safetensors; it was not measured" in run.err
    assert load(tmp_path / "people.safetensors").history.epochs == 4
    assert signal.getsignal(signal.SIGINT) is before
    monkeypatch.undo()
    os.chdir(tmp_path)
    assert chainrule("inspect", "people.safetensors").code == 0
    assert "test rows" in chainrule("evaluate", "people.safetensors", people.name).out


# Rights


def test_data_without_right_to_look(chainrule: Runner, people: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> Any:
        raise no_right("sub/x.csv")

    monkeypatch.setattr("chainrule.data.load", refuse)
    check(chainrule("train", "sub/x.csv"), 3, "sub/x.csv", "Permission denied", "another file")


def test_a_place_without_right_to_look(chainrule: Runner, people: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    exists = Path.exists
    monkeypatch.setattr(
        Path, "exists", lambda self: (_ for _ in ()).throw(no_right(str(self))) if "sub" in self.parts else exists(self)
    )
    check(chainrule("train", people.name, "--out", "sub/x.safetensors"), 1, "x.safetensors", "Permission denied")


def test_files_that_may_not_be_read(
    chainrule: Runner, people: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened, access = Path.open, os.access
    monkeypatch.setattr(os, "access", lambda path, mode, **more: path != model.name and access(path, mode, **more))
    monkeypatch.setattr(
        Path,
        "open",
        lambda self, *a, **k: (
            (_ for _ in ()).throw(no_right(self.name)) if self.name == model.name else opened(self, *a, **k)
        ),
    )
    check(chainrule("train", people.name, "--out", model.name), 1, model.name, "Permission denied")
    check(chainrule("inspect", model.name), 3, model.name, "Permission denied")


# Standard output


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
@pytest.mark.parametrize(
    "command", ["--help", "--version", "data list", "predict MODEL people.csv", "train people.csv"]
)
def test_a_full_device(command: str, people: Path, model: Path) -> None:
    older = model.read_bytes()
    arguments = command.replace("MODEL", model.name).split()
    with Path("/dev/full").open("w") as full:
        run = subprocess.run(
            [sys.executable, "-m", "chainrule", *arguments, *(QUICK if "train" in arguments else ())],
            stdout=full,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )
    assert run.returncode == 1
    assert "standard output could not be written: No space left on device" in run.stderr
    assert "report" not in run.stderr
    assert (model.read_bytes() != older) == ("train" in arguments)


def test_nobody_reads_anything(people: Path, tmp_path: Path) -> None:
    """As in `chainrule train … 2>&1 | head -1`."""
    command = [sys.executable, "-m", "chainrule", "train", people.name, *QUICK]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.wait() == 0
    assert load(tmp_path / "people.safetensors").history.epochs == 2


def test_narrow_terminals_lose_no_digit(chainrule: Runner, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wide = chainrule("inspect", model).out
    monkeypatch.setenv("COLUMNS", "40")
    narrow = chainrule("inspect", model).out
    for line in wide.partition("\nResult\n")[2].splitlines()[1:4]:
        assert not [figure for figure in line.split() if figure not in narrow]
    assert "…" not in narrow.partition("\nResult\n")[2]
    assert "  baseline accuracy: " in narrow


def test_characters_that_command_the_terminal(chainrule: Runner, tmp_path: Path) -> None:
    rows = "\n".join(f"{k % 7},{'ab'[k % 2]}" for k in range(60))
    (tmp_path / "evil.csv").write_text(f"pet\x1b[31m\x07,class\u202e\n{rows}\n", encoding="utf-8")
    assert chainrule("train", "evil.csv", *QUICK).code == 0
    for command in (["data", "show", "evil.csv"], ["inspect", "evil.safetensors"]):
        out = chainrule(*command).out
        assert "pet\\x1b[31m\\x07" in out
        assert "class\\u202e" in out
        assert not set("\x1b\x07\u202e") & set(out)


def test_warnings_are_notes(chainrule: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    import chainrule.data as data

    def warn() -> tuple[()]:
        warnings.warn_explicit("no such font", UserWarning, data.__file__, 1)
        return ()

    monkeypatch.setattr("chainrule.data.names", lambda real=data.names: (warn(), real())[1])
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        lines = chainrule("data", "list").err.splitlines()
    assert set(lines) == {"Note: no such font"}


# Small things


@pytest.mark.parametrize("content", [b"\x89PNG\r\n\x1a\n", b"%PDF-1.4", b"<?xml version='1.0'?><svg/>", b"a\0b"])
def test_predictions_take_the_place_of_tables_only(
    content: bytes, chainrule: Runner, model: Path, people: Path, tmp_path: Path
) -> None:
    for name, held in (("x", content), ("other.safetensors", model.read_bytes())):
        (tmp_path / name).write_bytes(held)
        check(chainrule("predict", model.name, people.name, "--out", name), 2, name, "no table")
        assert (tmp_path / name).read_bytes() == held
    (tmp_path / "old.csv").write_text("prediction\n1\n", encoding="utf-8")
    assert chainrule("predict", model.name, people.name, "--out", "old.csv").code == 0


def test_an_encoding_of_a_built_in_set(chainrule: Runner) -> None:
    for command in (["train", "iris"], ["data", "show", "iris"]):
        check(chainrule(*command, "--encoding", "foo"), 2, "iris", "--encoding")


def test_one_row(chainrule: Runner, tmp_path: Path) -> None:
    (tmp_path / "one.csv").write_text("x,y\n1,2\n", encoding="utf-8")
    assert "one.csv: 1 row, 1 column\n" in chainrule("data", "show", "one.csv").out


def test_files_that_begin_with_a_dash(chainrule: Runner, people: Path) -> None:
    people.rename("-people.csv")
    out = chainrule("train", "./-people.csv", *QUICK, "--out", "-m").out
    assert "chainrule evaluate ./-m ./-people.csv" in out


def test_how_the_program_is_called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "bin" / "chainrule"
    script.parent.mkdir()
    script.touch()
    monkeypatch.setattr(sys, "argv", [str(script)])
    monkeypatch.setattr("shutil.which", lambda name: None)
    assert program() == str(Path("bin", "chainrule"))
    monkeypatch.setattr("shutil.which", lambda name: str(script))
    assert program() == "chainrule"
    monkeypatch.setattr(sys, "argv", ["pytest"])
    assert program() == "chainrule"
