"""Callbacks: what they see, how they stop training, and that each one's end is called whatever happens."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import chainrule
from chainrule import SGD, Callback, EarlyStopping, Network, TimeLimit, train
from chainrule.engines import Draw
from chainrule.errors import DivergenceError, UsageError
from chainrule.training import Info, Snapshot, callbacks

RNG = np.random.default_rng(4)
X = RNG.normal(size=(10, 3))
y = RNG.integers(0, 2, 10)
NETWORK = Network.from_sizes([3, 4, 2], hidden="tanh", output="softmax")
SETTINGS: dict[str, Any] = {"optimizer": SGD(0.5), "batch_size": 4, "epochs": 3}


class Diary:
    """A callback without the base class; writes down what happened to it."""

    def __init__(self, **answers: Any) -> None:
        self.pages: list[tuple[Any, ...]] = []
        self.answers = answers

    def write(self, method: str, info: Info) -> Any:
        self.pages.append((method, info.epoch, info.batch))
        answer = self.answers.get(method)
        return answer(info) if callable(answer) else answer

    def begin(self, info: Info) -> Any:
        return self.write("begin", info)

    def batch(self, info: Info) -> Any:
        return self.write("batch", info)

    def epoch(self, info: Info) -> Any:
        return self.write("epoch", info)

    def end(self, info: Info) -> Any:
        return self.write("end", info)


def fail(info: Info) -> None:
    raise ZeroDivisionError(f"in epoch {info.epoch}")


def when(epoch: int, batch: int | None = None) -> Any:
    """Stop, as soon as training has come to this point."""
    return lambda info: "enough" if info.epoch == epoch and batch in (None, info.batch) else None


def test_every_call_in_its_order() -> None:
    diary = Diary()
    train(NETWORK, X, y, callbacks=[diary], **(SETTINGS | {"epochs": 2}))
    one = [("batch", 1, 1), ("batch", 1, 2), ("batch", 1, 3), ("epoch", 1, 3)]
    two = [(method, 2, batch) for method, _, batch in one]
    assert diary.pages == [("begin", 1, 0), *one, *two, ("end", 2, 3)]


def test_what_they_see() -> None:
    seen: list[Info] = []
    thetas: list[Any] = []

    class Look(Callback):
        def begin(self, info: Info) -> None:
            assert math.isnan(info.loss)
            assert (info.epochs, info.batches) == (3, 3)
            assert info.values == {}
            assert info.model.theta.tobytes() == NETWORK.init(7).theta.tobytes()

        def batch(self, info: Info) -> None:
            assert info.values == {}
            assert info.carry.updates == (info.epoch - 1) * 3 + info.batch
            seen.append(info)
            thetas.append(info.model.theta)

        def epoch(self, info: Info) -> None:
            assert info.series == tuple(info.values) == tuple(info.history)
            assert info.values["loss"] == info.history["loss"][-1]
            assert info.history.epochs == info.epoch
            assert info.history.updates == info.model.history.updates == info.carry.updates

    model = train(NETWORK, X, y, callbacks=Look(), seed=7, validation=(X, y), **SETTINGS)
    assert len(seen) == 9
    assert len({theta.tobytes() for theta in thetas}) == 9
    assert thetas[-1].tobytes() == model.theta.tobytes()
    losses = [info.loss for info in seen[-3:]]
    assert model.history["loss"][-1] == pytest.approx(np.average(losses, weights=[4, 4, 2]), rel=1e-12)


def test_models_made_on_the_way_are_copies() -> None:
    kept: list[Any] = []
    model = train(NETWORK, X, y, callbacks=SimpleNamespace(epoch=lambda info: kept.append(info.model)), **SETTINGS)
    assert [each.history.epochs for each in kept] == [1, 2, 3]
    assert [each.history.updates for each in kept] == [3, 6, 9]
    assert kept[0].history["loss"] == model.history["loss"][:1]
    kept[0].theta[:] = np.nan
    kept[0].settings["epochs"] = 99
    assert np.isfinite(model.theta).all()
    assert model.settings["epochs"] == 3


@pytest.mark.parametrize("method", ["begin", "batch", "epoch", "end"])
def test_any_one_method_is_enough(method: str) -> None:
    calls: list[str] = []
    train(NETWORK, X, y, callbacks=[SimpleNamespace(**{method: lambda info: calls.append(method)})], **SETTINGS)
    assert len(calls) == {"begin": 1, "batch": 9, "epoch": 3, "end": 1}[method]


def test_the_empty_batch_of_the_base_class_is_not_called(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Callback, "batch", lambda self, info: pytest.fail("it was called"))
    train(NETWORK, X, y, callbacks=[Callback(), type("Quiet", (Callback,), {})()], **SETTINGS)


@pytest.mark.parametrize(
    "given", [Callback, [TimeLimit], [object()], "progress", [print], None, 5], ids=lambda given: str(given)[:20]
)
def test_what_is_no_callback(given: Any) -> None:
    with pytest.raises(UsageError, match="is no callback; expected an object with a method"):
        train(NETWORK, X, y, callbacks=given, **SETTINGS)


# Stopping


def test_a_text_stops_after_the_batch() -> None:
    first, second = Diary(batch=when(2, 2)), Diary()
    model = train(NETWORK, X, y, callbacks=[first, second], **SETTINGS)
    assert model.history.stopped == "enough"
    assert model.history.updates == 5
    assert model.history.epochs == 2  # the unfinished one is measured as well
    assert second.pages == first.pages  # who comes later sees the batch all the same
    assert first.pages[-3:] == [("batch", 2, 2), ("epoch", 2, 2), ("end", 2, 2)]


def test_the_loss_of_an_unfinished_epoch_is_the_mean_of_its_rows() -> None:
    losses: list[float] = []

    def look(info: Info) -> str | None:
        if info.epoch == 2:
            losses.append(info.loss)
        return "enough" if len(losses) == 2 else None

    model = train(NETWORK, X, y, callbacks=SimpleNamespace(batch=look), **SETTINGS)
    assert model.history["loss"][-1] == pytest.approx(np.mean(losses), rel=1e-12)


def test_a_text_stops_after_the_epoch_and_the_first_one_counts() -> None:
    callbacks_ = [Diary(epoch=when(2)), Diary(epoch=lambda info: "me too" if info.epoch == 2 else "")]
    model = train(NETWORK, X, y, callbacks=callbacks_, **SETTINGS)
    assert model.history.stopped == "enough"
    assert model.history.epochs == 2
    assert callbacks_[0].pages == callbacks_[1].pages


def test_nothing_stops() -> None:
    assert train(NETWORK, X, y, **SETTINGS).history.stopped == "all 3 epochs done"


@pytest.mark.parametrize("method", ["batch", "epoch"])
@pytest.mark.parametrize("answer", [True, 0, np.float64(0.5), ["enough"]])
def test_an_answer_that_is_no_text(method: str, answer: Any) -> None:
    with pytest.raises(UsageError, match=f"Diary.write.*|Diary.{method} returned"):
        train(NETWORK, X, y, callbacks=[Diary(**{method: answer})], **SETTINGS)


# Errors


@pytest.mark.parametrize("method", ["begin", "batch", "epoch"])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_callback_that_raises(method: str, place: int) -> None:
    """Its exception comes through as it is; every callback that had begun is ended, the others are not."""
    raised = ZeroDivisionError("mine")

    def fail_late(info: Info) -> None:
        if method == "begin" or info.epoch == 2:
            raise raised

    diaries = [Diary(), Diary(), Diary()]
    diaries[place].answers[method] = fail_late
    with pytest.raises(ZeroDivisionError) as caught:
        train(NETWORK, X, y, callbacks=diaries, **SETTINGS)
    assert caught.value is raised
    assert caught.value.__cause__ is caught.value.__context__ is None
    assert not hasattr(raised, "__notes__")
    begun = diaries[: place + 1] if method == "begin" else diaries
    assert [[page[0] for page in diary.pages].count("end") for diary in diaries] == [
        int(diary in begun) for diary in diaries
    ]
    assert all(diary.pages[-1][0] == "end" for diary in begun)


def test_ends_that_raise_after_an_error_become_notes() -> None:
    last = Diary()
    with pytest.raises(ZeroDivisionError, match="in epoch 1") as caught:
        train(
            NETWORK, X, y, callbacks=[Diary(batch=fail), Diary(end=lambda info: 1 / info.carry.theta.ndim**0 and {}[0])]
        )
    assert caught.value.__notes__ == ["Besides, a callback's end raised KeyError: 0"]
    assert last.pages == []


def test_an_end_that_raises_lets_the_others_end() -> None:
    diaries = [Diary(end=fail), Diary(end=lambda info: {}["key"]), Diary()]
    with pytest.raises(ZeroDivisionError, match="in epoch 3"):
        train(NETWORK, X, y, callbacks=diaries, **SETTINGS)
    assert all(diary.pages[-1][0] == "end" for diary in diaries)


def test_ends_are_called_after_a_divergence() -> None:
    diary = Diary()
    bad = X.copy()
    bad[5, 2] = np.nan
    with pytest.raises(DivergenceError):
        train(NETWORK, bad, y, callbacks=[diary], **SETTINGS)
    assert diary.pages[-1][0] == "end"


def test_ends_see_how_training_stands() -> None:
    seen: list[Info] = []
    look = SimpleNamespace(batch=lambda info: fail(info) if info.carry.updates == 5 else None, end=seen.append)
    with pytest.raises(ZeroDivisionError):
        train(NETWORK, X, y, callbacks=look, **SETTINGS)
    (info,) = seen
    assert (info.epoch, info.batch, info.carry.updates) == (2, 2, 5)
    assert np.isfinite(info.model.theta).all()


# Snapshots and the time limit


def test_the_first_snapshot_is_kept() -> None:
    class Keep:
        def __init__(self, epoch: int) -> None:
            self.when = epoch

        def epoch(self, info: Info) -> None:
            if info.epoch == self.when:
                self.kept = Snapshot(info.carry.theta.copy(), info.carry.state.copy(), info.epoch)

        def end(self, info: Info) -> Snapshot:
            return self.kept

    keep = Keep(2)
    model = train(NETWORK, X, y, callbacks=[Diary(), keep, Keep(3)], **SETTINGS)
    assert model.theta.tobytes() == keep.kept.theta.tobytes()
    assert model.theta.tobytes() == train(NETWORK, X, y, **(SETTINGS | {"epochs": 2})).theta.tobytes()
    assert model.history.best_epoch == 2
    assert model.history.epochs == 3
    assert model.history.updates == 9


def test_time_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that goes on a second a batch: after the fourth, 3.5 seconds are over."""
    ticks = iter(range(100))
    monkeypatch.setattr(callbacks, "time", SimpleNamespace(monotonic=lambda: float(next(ticks))))
    limit = TimeLimit(3.5)
    model = train(NETWORK, X, y, callbacks=[limit], **(SETTINGS | {"epochs": 50}))
    assert model.history.updates == 4
    assert model.history.stopped == "time limit of 3.5 s"
    again = train(NETWORK, X, y, callbacks=[limit], **(SETTINGS | {"epochs": 50}))  # the clock starts anew
    assert again.history.updates == 4


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), "5", None])
def test_time_limits_that_cannot_be(seconds: Any) -> None:
    with pytest.raises(UsageError, match="time limit"):
        TimeLimit(seconds)


@pytest.mark.parametrize("monitor", [5, None, ["loss"]])
def test_monitors_that_cannot_be(monitor: Any) -> None:
    with pytest.raises(UsageError, match=r"monitor is .*; it must be the name of a series, .*patience="):
        EarlyStopping(monitor)


def test_what_a_callback_needs_is_at_the_top() -> None:
    assert (chainrule.Info, chainrule.Snapshot, chainrule.Draw) == (Info, Snapshot, Draw)


def test_a_model_is_kept_as_the_docstring_says() -> None:
    """Where a callback raises, what another one's end kept is there."""
    kept: list[Any] = []
    with pytest.raises(ZeroDivisionError):
        train(
            NETWORK,
            X,
            y,
            callbacks=[SimpleNamespace(end=lambda info: kept.append(info.model)), Diary(epoch=fail)],
            **SETTINGS,
        )
    assert kept[0].history.epochs == 1


def test_the_history_grows_in_place() -> None:
    """Each epoch costs the same: lists are appended to, never copied."""
    lists: set[int] = set()
    look = SimpleNamespace(epoch=lambda info: lists.add(id(info.history["loss"])))
    train(NETWORK, X, y, callbacks=look, **SETTINGS)
    assert len(lists) == 1
