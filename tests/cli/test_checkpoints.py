"""`chainrule train --checkpoint` and `--resume`: the very model, from as little as one option; others are refused."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from chainrule import cli, load
from chainrule.storage.checkpoint_file import read_checkpoint

from .conftest import Runner

# `make campaign-safety` interrupts two hundred times.
CASES = int(os.environ.get("CHAINRULE_CASES", "0"))
posix = pytest.mark.skipif(os.name == "nt", reason="there, a child alone cannot be sent a signal")
OPTIONS = ("--epochs", "6", "--engine", "reference", "--layers", "8", "--dropout", "0.2", "--batch-norm")


def bits(path: Path) -> Any:
    model = load(path)
    series = {name: values for name, values in model.history.series.items() if name != "seconds"}
    return model.theta.tobytes(), model.state.tobytes(), series, model.history.best_epoch, model.settings["metrics"]


@pytest.fixture
def undisturbed(chainrule: Runner, people: Path) -> Any:
    assert chainrule("train", people.name, *OPTIONS, "--out", "undisturbed.safetensors").code == 0
    return bits(Path("undisturbed.safetensors"))


def interrupted(chainrule: Runner, *command: str | Path) -> None:
    """Press Ctrl-C in the middle of the third epoch."""
    from chainrule.training import Progress

    with pytest.MonkeyPatch.context() as patch:
        real = Progress.batch

        def press(self: Any, info: Any) -> Any:
            if (info.epoch, info.batch) == (3, 4):
                signal.raise_signal(signal.SIGINT)
            return real(self, info)

        patch.setattr(Progress, "batch", press)
        run = chainrule(*command)
    assert run.code == 130, run.err


def test_the_file_alone_is_enough(chainrule: Runner, people: Path, undisturbed: Any) -> None:
    interrupted(chainrule, "train", people.name, *OPTIONS, "--checkpoint", "run.checkpoint", "--out", "m.safetensors")
    assert bits(Path("m.safetensors")) != undisturbed
    run = chainrule("train", "--resume", "run.checkpoint")
    assert run.code == 0, run.err
    assert "run.checkpoint" in run.out
    assert bits(Path("m.safetensors")) == undisturbed


def test_options_may_be_repeated(chainrule: Runner, people: Path, undisturbed: Any) -> None:
    interrupted(chainrule, "train", people.name, *OPTIONS, "--checkpoint", "run.checkpoint")
    run = chainrule("train", people, *OPTIONS, "--resume", "run.checkpoint", "--out", "again.safetensors", "--json")
    assert run.code == 0, run.err
    assert json.loads(run.out)["checkpoint"] == "run.checkpoint"
    assert bits(Path("again.safetensors")) == undisturbed


def test_an_interrupted_command_says_how_to_go_on(chainrule: Runner, people: Path) -> None:
    from chainrule.training import Progress

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Progress, "batch", lambda self, info: signal.raise_signal(signal.SIGTERM))
        run = chainrule("train", people.name, *OPTIONS, "--checkpoint", "run.checkpoint")
    assert run.code == 143, run.err
    assert "chainrule train --resume run.checkpoint" in run.out


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--rate", "0.5"), "with --rate not given, now it is 0.5"),
        (("--layers", "9"), "with --layers 8, now it is 9"),
        (("--seed", "3"), "with --seed 0, now it is 3"),
        (("--target", "pet"), "with --target not given, now it is pet"),
        (("--epochs", "5"), "of 6 epochs, and now there are to be 5, fewer than then"),
        (("--epochs", "7"), "schedule 'one_cycle' the learning rate depends on how many"),
        (("--engine", "compiled"), "engine was 'reference', is 'compiled'"),
    ],
)
def test_other_options_are_refused_by_name(
    chainrule: Runner, people: Path, options: tuple[str, str], reason: str
) -> None:
    assert chainrule("train", people.name, *OPTIONS, "--checkpoint", "run.checkpoint").code == 0
    run = chainrule("train", "--resume", "run.checkpoint", *options)
    assert run.code == 2
    assert reason in run.err


def test_other_rows_are_refused(chainrule: Runner, people: Path) -> None:
    assert chainrule("train", people.name, *OPTIONS, "--checkpoint", "run.checkpoint").code == 0
    people.write_text(people.read_text().replace("20,cat", "21,cat", 1))
    run = chainrule("train", "--resume", "run.checkpoint")
    assert run.code == 2
    assert "checkpoint of other data" in run.err


def test_more_epochs(chainrule: Runner, people: Path) -> None:
    constant = ("--optimizer", "adam", "--schedule", "constant")
    assert chainrule("train", people.name, *OPTIONS, *constant, "--checkpoint", "run.checkpoint").code == 0
    assert chainrule("train", "--resume", "run.checkpoint", "--epochs", "9", "--out", "more.safetensors").code == 0
    longer = [*OPTIONS[:1], "9", *OPTIONS[2:], *constant, "--out", "whole.safetensors"]
    assert chainrule("train", people.name, *longer).code == 0
    assert bits(Path("more.safetensors")) == bits(Path("whole.safetensors"))


@pytest.mark.parametrize(
    ("command", "code", "reason"),
    [
        (("--resume", "nowhere"), 3, "nowhere cannot be gone on from: there is no such file"),
        (("--resume", "people.csv"), 3, "not a chainrule checkpoint"),
        (("people.csv", "--checkpoint-epochs", "3"), 2, "need a file: --checkpoint FILE"),
        (("people.csv", "--checkpoint", "people.csv"), 2, "people.csv"),
        (("people.csv", "--checkpoint", "people.safetensors"), 2, "cannot hold both the model and the checkpoint"),
        (("people.csv", "--checkpoint", "run", "--checkpoint-epochs", "0"), 2, "epochs is 0"),
        (("people.csv", "--checkpoint", "no/folder/run"), 1, "no/folder"),
        ((), 2, "Missing argument 'DATA'"),
    ],
)
def test_what_cannot_be(chainrule: Runner, people: Path, command: tuple[str, ...], code: int, reason: str) -> None:
    before = people.read_bytes()
    run = chainrule("train", *command)
    assert (run.code, reason in run.err) == (code, True), run.err
    assert people.read_bytes() == before


def test_a_checkpoint_of_a_python_program(chainrule: Runner, people: Path) -> None:
    from chainrule import Checkpoint, Network, train

    train(Network.from_sizes([1, 1]), [[1.0], [2.0]], [1.0, 2.0], epochs=1, callbacks=Checkpoint("run.checkpoint"))
    run = chainrule("train", people.name, "--resume", "run.checkpoint")
    assert run.code == 2
    assert "written by a Python program" in run.err


@posix
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_end_a_command_with_a_checkpoint(number: int, people: Path, tmp_path: Path, tally: Any) -> None:
    chance, path = random.Random(number), tmp_path / "run.checkpoint"
    options = ["--epochs", "1000000", "--batch-size", "8", "--checkpoint", path.name, "--schedule", "constant"]
    start = [sys.executable, "-m", "chainrule", "train", people.name, *options, "--engine", "reference"]
    updates = 0
    for k in range(CASES // 10 or 2):
        command = start if k % 5 == 0 else [*start[:4], "--resume", path.name]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8") as process:
            for line in process.stdout:  # type: ignore[union-attr]
                if line.startswith("Network"):
                    break
            time.sleep(0.3 + chance.uniform(0, 1.0))
            pressed = time.monotonic()
            process.send_signal(number)
            _, err = process.communicate(timeout=60)
            took = time.monotonic() - pressed
        assert process.returncode == 128 + number, err
        facts = read_checkpoint(path).parts["standing"]
        assert facts["updates"] >= (updates if k % 5 else 1)
        updates = facts["updates"]
        tally(f"commands ended by signal {number}", 1, took, 1.0)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_while_arguments_are_read_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], number: int, code: int
) -> None:
    """Typer makes a silent exit with 130 of either."""

    class Program:
        def main(self, **given: Any) -> int:
            try:
                signal.raise_signal(number)
            except KeyboardInterrupt:
                return 130
            return 0

    monkeypatch.setattr("chainrule.cli.translation.command_tree", lambda: [Program()])
    monkeypatch.setattr("chainrule.cli.translation.translate", lambda commands: None)
    before = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]
    assert cli.main([]) == code
    assert capsys.readouterr().err
    assert [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)] == before


def test_more_time_is_offered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    rest = ["--epochs", "100000", "--time-limit", "0.2", "--patience", "100000"]
    assert cli.main(["train", "iris", "--checkpoint", "run.ckpt", *rest]) == 0
    assert "chainrule train --resume run.ckpt --time-limit 0.4" in capsys.readouterr().out
