"""Early stopping: patience is counted exactly, and the best parameters are given back however training ends."""

from __future__ import annotations

import math
import signal
import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from chainrule import SGD, EarlyStopping, Model, Network, train
from chainrule.engines import ENGINES, reference
from chainrule.errors import UnknownName, UsageError
from chainrule.training import INTERRUPTED, Info

RNG = np.random.default_rng(5)
X = RNG.normal(size=(10, 3))
y = RNG.integers(0, 2, 10)
HELD_OUT = (X[:3], y[:3])
NETWORK = Network.from_sizes([3, 4, 2], hidden="tanh", output="softmax")

Trained = Callable[..., tuple[Model, list[Any]]]


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> Trained:
    """Train with validation losses that are told beforehand; give the model, and theta after each epoch."""

    def run(losses: list[float], stopping: EarlyStopping, *more: Any, **settings: Any) -> tuple[Model, list[Any]]:
        told = iter(losses)

        def loss(objective: Any, theta: Any, state: Any, X: Any, *rest: Any) -> Any:
            return next(told) if len(X) == 3 else reference.loss(objective, theta, state, X, *rest)

        engine: Any = SimpleNamespace(name="scripted", predict=reference.predict, loss=loss, epoch=reference.epoch)
        monkeypatch.setitem(ENGINES, "scripted", engine)
        thetas: list[Any] = []
        watch = SimpleNamespace(epoch=lambda info: thetas.append(info.carry.theta.copy()))
        model = train(
            NETWORK,
            X,
            y,
            validation=HELD_OUT,
            optimizer=SGD(0.5),
            epochs=len(losses),
            engine="scripted",
            callbacks=[watch, stopping, *more],
            **settings,
        )
        return model, thetas

    return run


@pytest.mark.parametrize(
    ("patience", "losses", "epochs", "best"),
    [
        (1, [5, 4, 4.1, 3, 3], 3, 2),
        (1, [5, 5, 1], 2, 1),  # equal is not better
        (3, [5, 4, 4.5, 4.2, 4.1, 1, 1], 5, 2),  # the third bad epoch stops
        (3, [5, 4, 4.5, 4.2, 3.9, 4, 4, 3, 4], 9, 8),  # two bad ones, then better: counted anew
        (3, [5, 4, 4.5, 4.2, 3.9, 4, 4, 4, 1], 8, 5),
        (2, [1, 2, 3, 0], 3, 1),
        (10, [5, 4, 6, 7], 4, 2),  # epochs run out
        (10, [4, 3, 2, 1], 4, 4),
        (2, [math.nan, 3, math.nan, 2, math.nan, math.nan, 1], 6, 4),  # nan is never better, nor hard to beat
        (2, [math.nan, math.nan, math.nan, 1], 3, 1),
        (2, [math.inf, 3, math.inf, math.inf, 1], 4, 2),
    ],
)
def test_patience(scripted: Trained, patience: int, losses: list[float], epochs: int, best: int) -> None:
    model, thetas = scripted(losses, EarlyStopping(patience=patience))
    assert model.history.epochs == len(thetas) == epochs
    assert model.history.best_epoch == best
    assert model.theta.tobytes() == thetas[best - 1].tobytes()
    np.testing.assert_array_equal(model.history["validation_loss"], losses[:epochs])
    early = epochs < len(losses)
    expected = f"early stopping: validation_loss has not improved for {patience} epochs"
    assert model.history.stopped == (expected if early else f"all {epochs} epochs done")


def test_least_change(scripted: Trained) -> None:
    model, _ = scripted([5, 4.95, 4.92, 4.85, 4.8, 1], EarlyStopping(patience=2, least_change=0.1))
    assert (model.history.epochs, model.history.best_epoch) == (3, 1)
    model, _ = scripted([5, 4.95, 4.85, 4.8, 4.7, 1], EarlyStopping(patience=2, least_change=0.1))
    assert (model.history.epochs, model.history.best_epoch) == (6, 6)


def test_best_state_is_given_back_too() -> None:
    network = Network.from_sizes([3, 4, 2], batch_norm=True, output="softmax")
    kept: list[Any] = []
    watch = SimpleNamespace(epoch=lambda info: kept.append((info.carry.theta.copy(), info.carry.state.copy())))
    stopping = EarlyStopping("validation_loss", patience=99)
    model = train(network, X, 1 - y, validation=(X, y), epochs=6, callbacks=[watch, stopping], optimizer=SGD(0.5))
    best = int(np.argmin(model.history["validation_loss"]))
    assert best < 5  # what is learnt is wrong, so it gets worse
    assert (model.theta.tobytes(), model.state.tobytes()) == tuple(each.tobytes() for each in kept[best])
    assert model.evaluate(X, y)["loss"] == model.history["validation_loss"][best]


def info(values: dict[str, float], epoch: int) -> Info:
    carry: Any = SimpleNamespace(theta=np.array([float(epoch)]), state=np.zeros(0))
    return Info(epoch, 9, 1, 1, 0.0, values, None, carry, None, tuple(values))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("monitor", "values", "best"),
    [
        ("accuracy", [0.1, 0.3, 0.2], 2),
        ("validation_accuracy", [0.1, 0.3, 0.4], 3),
        ("validation_r2", [-5, -1, -2], 2),
        ("rmse", [3, 2, 4], 2),
        ("validation_mae", [3, 2, 1], 3),
        ("loss", [1, 2, 3], 1),
        ("seconds", [2, 1, 3], 2),
    ],
)
def test_any_series_in_its_own_direction(monitor: str, values: list[float], best: int) -> None:
    stopping = EarlyStopping(monitor, patience=5)
    stopping.begin(info({monitor: 0.0}, 1))
    for epoch, value in enumerate(values, start=1):
        seen = info({monitor: value}, epoch)
        assert stopping.epoch(seen) is None
        seen.carry.theta[:] = -1  # an engine may go on in the same memory
    kept = stopping.end(info({}, 3))
    assert kept is not None
    assert (kept.epoch, kept.theta.tolist()) == (best, [best])


def test_a_callback_can_be_used_again(scripted: Trained) -> None:
    stopping = EarlyStopping(patience=2)
    scripted([1, 2, 3, 4], stopping)
    model, _ = scripted([9, 8, 7, 6], stopping)
    assert model.history.best_epoch == 4


def test_a_series_that_is_not_there_is_refused_at_once() -> None:
    with pytest.raises(UnknownName, match="did you mean 'accuracy'") as caught:
        train(NETWORK, X, y, callbacks=[EarlyStopping("validation_accuracy")])
    assert "loss, accuracy, rate, seconds" in str(caught.value)
    batches: list[int] = []
    with pytest.raises(UnknownName):
        train(NETWORK, X, y, callbacks=[EarlyStopping(), SimpleNamespace(batch=lambda info: batches.append(1))])
    assert batches == []


@pytest.mark.parametrize("patience", [0, -1, 1.5, True, "3", None])
def test_patience_that_cannot_be(patience: Any) -> None:
    with pytest.raises(UsageError, match="patience is"):
        EarlyStopping(patience=patience)


@pytest.mark.parametrize("change", [-0.1, float("nan"), float("inf"), "0.1", None])
def test_least_changes_that_cannot_be(change: Any) -> None:
    with pytest.raises(UsageError, match="least_change is"):
        EarlyStopping(least_change=change)


@pytest.mark.skipif(threading.current_thread() is not threading.main_thread(), reason="signals need the main thread")
def test_the_best_parameters_are_kept_on_ctrl_c(scripted: Trained) -> None:
    def press(info: Info) -> None:
        if info.epoch == 4:
            signal.raise_signal(signal.SIGINT)

    model, thetas = scripted([5, 1, 3, 4, 5, 6], EarlyStopping(patience=9), SimpleNamespace(batch=press))
    assert model.history.stopped == INTERRUPTED
    assert (model.history.epochs, model.history.best_epoch) == (4, 2)
    assert model.theta.tobytes() == thetas[1].tobytes()


def test_the_best_parameters_are_kept_when_something_else_stops(scripted: Trained) -> None:
    stop = SimpleNamespace(epoch=lambda info: "enough" if info.epoch == 3 else None)
    model, thetas = scripted([5, 1, 3, 4], EarlyStopping(patience=9), stop)
    assert (model.history.stopped, model.history.best_epoch) == ("enough", 2)
    assert model.theta.tobytes() == thetas[1].tobytes()
