"""Logs: what is in the file is the history, also after a crash, on a full disk, and for numbers that JSON lacks."""

from __future__ import annotations

import errno
import io
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chainrule import SGD, CSVLog, JSONLines, Network, train
from chainrule.errors import DivergenceError, SaveError, UsageError
from chainrule.history import History
from chainrule.training import Callback, Info

RNG = np.random.default_rng(3)
X = RNG.normal(size=(20, 3))
y = RNG.integers(0, 2, 20)
NETWORK = Network.from_sizes([3, 4, 2], hidden="tanh", output="softmax")
SETTINGS: dict[str, Any] = {"validation": (X, y), "batch_size": 8, "optimizer": SGD(0.1)}


def read_json(path: Path) -> list[dict[str, Any]]:
    """One strict JSON object a line, each ended."""

    def refuse(name: str) -> None:
        raise AssertionError(f"{name} in JSON")

    text = path.read_text(encoding="utf-8")
    assert text.endswith("\n")
    return [json.loads(line, parse_constant=refuse) for line in text.splitlines()]


def read_csv(path: Path) -> pd.DataFrame:
    """Every cell as Python reads it, which gives back the very bits; pandas' own reader may be off by the last one."""
    frame = pd.read_csv(path, dtype=str, keep_default_na=False).map(lambda cell: float(cell) if cell else math.nan)
    return frame.astype({"epoch": int}).set_index("epoch")


def epochs_of(lines: list[dict[str, Any]]) -> dict[str, list[float]]:
    epochs = [line for line in lines if line["kind"] == "epoch"]
    assert [line["epoch"] for line in epochs] == list(range(1, len(epochs) + 1))
    names = [name for name in epochs[0] if name not in ("kind", "epoch")]
    return {name: [line[name] for line in epochs] for name in names}


def test_json_lines_are_the_history(tmp_path: Path) -> None:
    model = train(NETWORK, X, y, epochs=4, callbacks=JSONLines(tmp_path / "run.jsonl"), **SETTINGS)
    lines = read_json(tmp_path / "run.jsonl")
    assert [line["kind"] for line in lines] == ["run", *["epoch"] * 4, "end"]
    assert epochs_of(lines) == dict(model.history)
    assert lines[0]["network"] == NETWORK.describe()
    assert lines[0]["settings"] == model.settings
    assert (lines[0]["engine"], lines[0]["epochs_before"], lines[0]["epochs_planned"]) == ("reference", 0, 4)
    assert lines[-1] == {"kind": "end", "epochs": 4, "updates": 12, "stopped": "all 4 epochs done"}


def test_csv_is_the_history(tmp_path: Path) -> None:
    model = train(NETWORK, X, y, epochs=4, callbacks=CSVLog(tmp_path / "run.csv"), **SETTINGS)
    frame = read_csv(tmp_path / "run.csv")
    assert list(frame.index) == [1, 2, 3, 4]
    assert frame.to_dict("list") == dict(model.history)


def test_pandas_reads_both_alike(tmp_path: Path) -> None:
    train(NETWORK, X, y, epochs=3, callbacks=[JSONLines(tmp_path / "a.jsonl"), CSVLog(tmp_path / "a.csv")], **SETTINGS)
    lines = pd.read_json(tmp_path / "a.jsonl", lines=True, precise_float=True)
    epochs = lines[lines["kind"] == "epoch"].set_index("epoch")
    frame = pd.read_csv(tmp_path / "a.csv").set_index("epoch")
    assert np.allclose(epochs[frame.columns].to_numpy(dtype=float), frame.to_numpy(), rtol=1e-14, atol=0)


def test_each_epoch_is_there_as_soon_as_it_is_done(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []

    class Look(Callback):
        def epoch(self, info: Info) -> None:
            lines = (tmp_path / "run.jsonl").read_text(encoding="utf-8").splitlines()
            rows = (tmp_path / "run.csv").read_text(encoding="utf-8").splitlines()
            seen.append((len(lines) - 1, len(rows) - 1))

    logs = [JSONLines(tmp_path / "run.jsonl"), CSVLog(tmp_path / "run.csv")]
    train(NETWORK, X, y, epochs=3, callbacks=[*logs, Look()])
    assert seen == [(1, 1), (2, 2), (3, 3)]


def without_time(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: value for name, value in line.items() if name != "seconds"} for line in lines[1:-1]]


@pytest.mark.parametrize("lost", [0, 1, 30, 100])
def test_going_on_leaves_the_file_of_one_run(tmp_path: Path, lost: int) -> None:
    """Though the file has epochs that were not kept, and its last line is torn: no epoch is there twice."""
    path = tmp_path / "run.jsonl"
    first = train(NETWORK, X, y, epochs=3, callbacks=JSONLines(path), **SETTINGS)
    train(first, X, y, epochs=4, callbacks=JSONLines(path), **SETTINGS)  # this one crashes, and nothing of it is kept
    content = path.read_bytes()
    path.write_bytes(content[: len(content) - lost])
    train(first, X, y, epochs=2, callbacks=JSONLines(path), **SETTINGS)
    train(NETWORK, X, y, epochs=5, callbacks=JSONLines(tmp_path / "whole.jsonl"), **SETTINGS)
    assert without_time(read_json(path)) == without_time(read_json(tmp_path / "whole.jsonl"))
    assert read_json(path)[0]["epochs_before"] == 3


def test_a_file_that_is_gone_is_made_whole(tmp_path: Path) -> None:
    first = train(NETWORK, X, y, epochs=3, **SETTINGS)
    more = train(first, X, y, epochs=2, callbacks=CSVLog(tmp_path / "run.csv"), **SETTINGS)
    assert read_csv(tmp_path / "run.csv").to_dict("list") == dict(more.history)


def test_going_on_with_other_measurements(tmp_path: Path) -> None:
    first = train(NETWORK, X, y, epochs=2, metrics=())
    train(first, X, y, epochs=1, callbacks=CSVLog(tmp_path / "run.csv"), **SETTINGS)
    frame = read_csv(tmp_path / "run.csv")
    assert list(frame.columns) == ["loss", "accuracy", "validation_loss", "validation_accuracy", "rate", "seconds"]
    assert frame["accuracy"].isna().tolist() == [True, True, False]


def test_a_new_training_begins_the_file_anew(tmp_path: Path) -> None:
    log = JSONLines(tmp_path / "run.jsonl")
    for epochs in (5, 2):
        train(NETWORK, X, y, epochs=epochs, callbacks=log)
    assert len(read_json(tmp_path / "run.jsonl")) == 4


NUMBERS = st.lists(st.floats(width=64), min_size=1, max_size=5)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(NUMBERS)
def test_any_number_comes_back(tmp_path: Path, numbers: list[float]) -> None:
    """Bit for bit from CSV; from JSON, what is not finite is null."""
    history = History({"loss": numbers})
    log, table = JSONLines(tmp_path / "x.jsonl"), CSVLog(tmp_path / "x.csv")
    log._facts, table._columns = {}, ("loss",)
    lines = [json.loads(line, parse_constant=pytest.fail) for line in log._whole(history).splitlines()]
    assert [line["loss"] for line in lines[1:]] == [each if math.isfinite(each) else None for each in numbers]
    rows = table._whole(history).splitlines()[1:]
    assert np.array_equal([float(row.split(",")[1]) for row in rows], numbers, equal_nan=True)
    frame = pd.read_csv(io.StringIO(table._whole(history)))
    assert np.allclose(frame["loss"].to_numpy(dtype=float), numbers, rtol=1e-14, atol=0, equal_nan=True)


def test_nan_and_inf_of_a_training(tmp_path: Path) -> None:
    """A training that is told to go on whatever happens has losses that strict JSON lacks."""
    line, logs = Network.from_sizes([3, 1]), [JSONLines(tmp_path / "a.jsonl"), CSVLog(tmp_path / "a.csv")]
    with np.errstate(all="ignore"):
        train(line, X * 1e5, y * 1.0, optimizer=SGD(1e3), epochs=30, check_finite=False, callbacks=logs)
    losses = epochs_of(read_json(tmp_path / "a.jsonl"))["loss"]
    assert None in losses
    assert losses[0] is not None
    assert not np.isfinite(read_csv(tmp_path / "a.csv")["loss"]).all()


def test_the_last_line_says_that_training_diverged(tmp_path: Path) -> None:
    with pytest.raises(DivergenceError):
        train(
            Network.from_sizes([3, 1]), X * 1e5, y * 1.0, optimizer=SGD(1e3), callbacks=JSONLines(tmp_path / "a.jsonl")
        )
    assert read_json(tmp_path / "a.jsonl")[-1]["stopped"].startswith("diverged in epoch")


@pytest.mark.parametrize("log", [JSONLines, CSVLog])
def test_another_file_is_never_replaced(tmp_path: Path, log: Any) -> None:
    path = tmp_path / "data.csv"
    path.write_text("age,group\n1,2\n", encoding="utf-8")
    with pytest.raises(UsageError, match="no log of a training"):
        train(NETWORK, X, y, epochs=1, callbacks=log(path))
    assert path.read_text(encoding="utf-8") == "age,group\n1,2\n"


@pytest.mark.parametrize("log", [JSONLines, CSVLog])
def test_no_such_folder(tmp_path: Path, log: Any) -> None:
    with pytest.raises(SaveError, match="no folder"):
        train(NETWORK, X, y, epochs=1, callbacks=log(tmp_path / "nowhere" / "run"))


class Full(io.StringIO):
    """A file on a disk that takes so many more lines."""

    left = 2

    def write(self, text: str) -> int:
        self.left -= 1
        if self.left < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(text)


@pytest.mark.parametrize("log", [JSONLines, CSVLog])
def test_a_full_disk_costs_no_training(tmp_path: Path, log: Any) -> None:
    """It is told once; when there is room again at the end, nothing is missing in the file."""
    callback = log(tmp_path / "run")

    class FillUp(Callback):
        def begin(self, info: Info) -> None:
            callback._file.close()
            callback._file = Full()

    with pytest.warns(RuntimeWarning, match="No space left on device; training goes on") as told:
        model = train(NETWORK, X, y, epochs=5, callbacks=[callback, FillUp()])
    assert len(told) == 1
    assert model.history.epochs == 5
    assert callback.lost is None
    assert len((tmp_path / "run").read_text(encoding="utf-8").splitlines()) == (7 if log is JSONLines else 6)


def test_a_log_that_is_lost_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    callback = CSVLog(tmp_path / "run.csv")

    class FillUp(Callback):
        def begin(self, info: Info) -> None:
            callback._file.close()
            callback._file = Full()
            monkeypatch.setattr("chainrule.training.logs.atomic_write", refuse)

    def refuse(path: Path, data: bytes) -> None:
        raise SaveError("{path} could not be written", path=path)

    with pytest.warns(RuntimeWarning, match="training goes on"):
        train(NETWORK, X, y, epochs=5, callbacks=[callback, FillUp()])
    assert isinstance(callback.lost, OSError)
