"""Ctrl-C and SIGTERM: the first ends training after the current batch, a later one at once; what was learnt is kept."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from chainrule import SGD, Network, train
from chainrule.training import INTERRUPTED, Info
from chainrule.training.interrupt import Interrupt, Terminated

pytestmark = pytest.mark.skipif(
    threading.current_thread() is not threading.main_thread(), reason="signals need the main thread"
)

RNG = np.random.default_rng(6)
X = RNG.normal(size=(10, 3))
y = RNG.integers(0, 2, 10)
NETWORK = Network.from_sizes([3, 4, 2], hidden="tanh", output="softmax")
SETTINGS: dict[str, Any] = {"optimizer": SGD(0.5), "batch_size": 4, "epochs": 5}


def press(info: Info) -> None:
    signal.raise_signal(signal.SIGINT)


def at(epoch: int, batch: int, act: Any = press) -> Any:
    return lambda info: act(info) if (info.epoch, info.batch) == (epoch, batch) else None


each_signal = pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])


@pytest.fixture(autouse=True)
def _handler_is_restored() -> Iterator[None]:
    def mine(number: int, frame: Any) -> None:
        pytest.fail("the handler that was set before was called during training")

    before = {number: signal.signal(number, mine) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
        for number in before:
            assert signal.getsignal(number) is mine
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def test_the_first_one_ends_after_the_batch() -> None:
    model = train(NETWORK, X, y, callbacks=SimpleNamespace(batch=at(2, 2)), **SETTINGS)
    assert model.history.stopped == INTERRUPTED == "interrupted"
    assert (model.history.epochs, model.history.updates) == (2, 5)
    stopped = train(NETWORK, X, y, callbacks=SimpleNamespace(batch=at(2, 2, lambda info: "enough")), **SETTINGS)
    assert model.theta.tobytes() == stopped.theta.tobytes()
    assert model.history["loss"] == stopped.history["loss"]


@pytest.mark.parametrize("method", ["begin", "epoch", "end"])
def test_between_the_batches(method: str) -> None:
    """One that comes while an epoch is measured begins no other."""
    pressed: list[Info] = []

    def once(info: Info) -> None:
        if not pressed:
            pressed.append(info)
            press(info)

    model = train(NETWORK, X, y, callbacks=SimpleNamespace(**{method: once}), **SETTINGS)
    assert model.history.stopped == INTERRUPTED
    assert model.history.updates == {"begin": 1, "epoch": 3, "end": 15}[method]


def test_it_counts_for_more_than_other_reasons() -> None:
    def both(info: Info) -> str:
        press(info)
        return "enough"

    for method in ("batch", "epoch"):
        model = train(NETWORK, X, y, callbacks=SimpleNamespace(**{method: both}), **SETTINGS)
        assert model.history.stopped == INTERRUPTED


def test_a_double_press_is_one() -> None:
    def four(info: Info) -> None:
        for _ in range(4):
            press(info)

    model = train(NETWORK, X, y, callbacks=SimpleNamespace(batch=at(3, 1, four)), **SETTINGS)
    assert (model.history.stopped, model.history.updates) == (INTERRUPTED, 7)


def test_within_another_one() -> None:
    """Who holds Ctrl-C already goes on to hold it after training, and is asked as well."""
    with Interrupt() as outer:
        model = train(NETWORK, X, y, callbacks=SimpleNamespace(batch=at(3, 1)), **SETTINGS)
        assert outer.asked
        press(None)  # type: ignore[arg-type]
    assert model.history.stopped == INTERRUPTED


def test_a_later_one_ends_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chainrule.training.interrupt.PAUSE", 0.0)
    ends: list[Info] = []

    def twice(info: Info) -> None:
        press(info)
        press(info)

    with pytest.raises(KeyboardInterrupt):
        train(NETWORK, X, y, callbacks=SimpleNamespace(batch=at(3, 1, twice), end=ends.append), **SETTINGS)
    assert [info.carry.updates for info in ends] == [7]


def test_the_handler_is_restored_after_an_error() -> None:
    with pytest.raises(ZeroDivisionError):
        train(NETWORK, X, y, callbacks=SimpleNamespace(batch=lambda info: 1 / 0), **SETTINGS)


def test_where_sigint_is_ignored_it_stays_ignored() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        model = train(NETWORK, X, y, callbacks=SimpleNamespace(batch=press), **SETTINGS)
        assert model.history.stopped == "all 5 epochs done"
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_training_in_another_thread() -> None:
    """Python lets only the main thread set handlers; the others train without."""
    handler = signal.getsignal(signal.SIGINT)
    seen: list[Any] = []
    models: list[Any] = []
    look = SimpleNamespace(epoch=lambda info: seen.append(signal.getsignal(signal.SIGINT)))
    thread = threading.Thread(target=lambda: models.append(train(NETWORK, X, y, callbacks=look, **SETTINGS)))
    thread.start()
    thread.join()
    assert seen == [handler] * 5
    assert models[0].theta.tobytes() == train(NETWORK, X, y, **SETTINGS).theta.tobytes()


SCRIPT = """
import sys
from types import SimpleNamespace
import numpy as np
from chainrule import Network, train

def ready(info):
    if info.carry.updates == 3:
        print("ready", flush=True)

rng = np.random.default_rng(0)
X, y = rng.normal(size=(200, 3)), rng.integers(0, 2, 200)
network = Network.from_sizes([3, 4, 2], output="softmax")
model = train(network, X, y, epochs=10**9, callbacks=SimpleNamespace(batch=ready))
print(model.history.stopped, bool(np.isfinite(model.theta).all()), len(model.predict(X)), flush=True)
"""


def test_sigterm_is_heard_like_ctrl_c(monkeypatch: pytest.MonkeyPatch) -> None:
    def terminate(info: Info) -> None:
        signal.raise_signal(signal.SIGTERM)

    model = train(NETWORK, X, y, callbacks=SimpleNamespace(batch=at(2, 2, terminate)), **SETTINGS)
    assert (model.history.stopped, model.history.updates) == (INTERRUPTED, 5)
    monkeypatch.setattr("chainrule.training.interrupt.PAUSE", 0.0)

    def both(info: Info) -> None:
        press(info)
        terminate(info)

    with pytest.raises(Terminated):
        train(NETWORK, X, y, callbacks=SimpleNamespace(batch=at(2, 2, both)), **SETTINGS)


def test_which_signal_asked_first() -> None:
    with Interrupt() as outer:
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGINT)
        with Interrupt() as inner:
            assert (inner.asked, inner.number, outer.number) == (True, signal.SIGTERM, signal.SIGTERM)


def test_where_one_signal_is_ignored_the_other_is_heard() -> None:
    """As in programs in the background."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with Interrupt() as interrupt:
            signal.raise_signal(signal.SIGINT)
            assert not interrupt.asked
            signal.raise_signal(signal.SIGTERM)
            assert interrupt.asked
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


@each_signal
@pytest.mark.skipif(os.name == "nt", reason="Windows sends Ctrl-C to a whole console, the tests' own included")
def test_a_signal_from_outside(number: int) -> None:
    with subprocess.Popen([sys.executable, "-c", SCRIPT], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "ready\n"
            process.send_signal(number)
            assert process.communicate(timeout=60)[0] == "interrupted True 200\n"
        finally:
            process.kill()
    assert process.returncode == 0
