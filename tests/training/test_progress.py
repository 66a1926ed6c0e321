"""The progress bar on a terminal, and lines where there is none."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from chainrule import Network, Progress, train
from chainrule.training import progress

RNG = np.random.default_rng(7)
X = RNG.normal(size=(10, 3))
y = RNG.integers(0, 2, 10)
NETWORK = Network.from_sizes([3, 4, 2], hidden="tanh", output="softmax")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FORCE_COLOR", "NO_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")


@pytest.fixture
def plain() -> Callable[[str], str]:
    """Take colours and cursor movements out."""
    return lambda text: re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)


@pytest.mark.parametrize(
    ("columns", "names"),
    [
        (120, ("loss", "accuracy", "validation_loss", "validation_accuracy")),
        (80, ("validation_loss", "validation_accuracy")),
    ],
)
def test_a_bar_on_a_terminal(
    plain: Callable[[str], str], monkeypatch: pytest.MonkeyPatch, columns: int, names: tuple[str, ...]
) -> None:
    """One line that is not cut off."""
    monkeypatch.setenv("COLUMNS", str(columns))
    terminal = Terminal()
    model = train(NETWORK, X, y, epochs=300, batch_size=99, validation=0.2, callbacks=Progress(terminal))
    raw = terminal.getvalue()
    assert raw.count("\x1b[?25l") == raw.count("\x1b[?25h") == 1  # the cursor comes back
    assert "\x1b[2K" in raw  # redrawn in its place
    last = plain(raw).rstrip("\n").split("\r")[-1]
    words = {name: name.replace("validation_", "val. ").replace("accuracy", "acc.") for name in names}
    values = "  ".join(f"{words[name]} {model.history[name][-1]:.4f}" for name in names)
    assert re.fullmatch(rf"epoch 300/300 ━{{10,20}} {re.escape(values)} +\d:\d\d:\d\d", last.strip())
    assert len(last) <= columns


def test_without_validation_a_narrow_bar_shows_the_training_part(
    plain: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    terminal = Terminal()
    train(NETWORK, X, y, epochs=2, callbacks=Progress(terminal))
    assert re.search(r"epoch 2/2 ━+ loss \d\.\d{4}  acc\. \d\.\d{4} ", plain(terminal.getvalue()))


def test_the_bar_moves_with_the_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a clock that goes on 0.06 s at each look, the bar moves at every second batch, and at every epoch."""
    clock = iter(0.06 * tick for tick in range(1000))
    monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    moves: list[tuple[int, str]] = []
    monkeypatch.setattr(
        Progress,
        "_move",
        lambda self, info, values: moves.append(((info.epoch - 1) * info.batches + info.batch, values)),
    )
    model = train(NETWORK, X, y, epochs=2, batch_size=2, metrics=(), callbacks=Progress(Terminal()))
    assert [done for done, _ in moves] == [2, 4, 5, 6, 8, 10, 10]
    assert moves[0][1].startswith("loss ")  # of the batch, as long as there is no epoch
    assert moves[2][1] == moves[3][1] == f"loss {model.history['loss'][0]:.4f}"


def test_a_line_now_and_then_elsewhere() -> None:
    stream = io.StringIO()
    model = train(NETWORK, X, y, epochs=3, callbacks=Progress(stream, every=0))
    lines = stream.getvalue().splitlines()
    assert [line[:11] for line in lines] == ["epoch 1/3  ", "epoch 2/3  ", "epoch 3/3  "]
    assert lines[2] == f"epoch 3/3  loss {model.history['loss'][-1]:.4f}  acc. {model.history['accuracy'][-1]:.4f}"
    assert "\x1b" not in stream.getvalue()


@pytest.mark.parametrize("stop", [None, 2])
def test_the_last_epoch_is_always_told(stop: int | None) -> None:
    stream = io.StringIO()
    early = SimpleNamespace(epoch=lambda info: "enough" if info.epoch == stop else None)
    train(NETWORK, X, y, epochs=4, callbacks=[Progress(stream, every=1e9), early])
    assert [line[:9] for line in stream.getvalue().splitlines()] == [f"epoch {stop or 4}/4"]


def test_any_metric_is_shown() -> None:
    stream = io.StringIO()
    network = Network.from_sizes([3, 1])
    train(network, X, X[:, 0], epochs=1, metrics=("mae", "r2"), penalties="l2", callbacks=Progress(stream))
    assert re.fullmatch(r"epoch 1/1  loss \d\.\d{4}  mae \d\.\d{4}  r2 -?\d+\.\d{4}\n", stream.getvalue())


def test_the_bar_is_taken_down_after_an_error() -> None:
    terminal = Terminal()
    with pytest.raises(ZeroDivisionError):
        train(NETWORK, X, y, callbacks=[Progress(terminal), SimpleNamespace(epoch=lambda info: 1 / 0)])
    assert terminal.getvalue().count("\x1b[?25l") == terminal.getvalue().count("\x1b[?25h") == 1


def test_a_bar_can_be_used_again() -> None:
    bar, stream = Progress(every=0), io.StringIO()
    for _ in range(2):
        bar.stream = stream
        train(NETWORK, X, y, epochs=1, callbacks=bar)
    assert len(stream.getvalue().splitlines()) == 2


def test_standard_error_by_default(capsys: pytest.CaptureFixture[str]) -> None:
    train(NETWORK, X, y, epochs=1, callbacks=Progress())
    captured: Any = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("epoch 1/1")
