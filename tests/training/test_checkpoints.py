"""Going on from a checkpoint gives every bit that an undisturbed training gives, wherever it was left."""

from __future__ import annotations

import errno
import math
import os
import random
import signal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_array

from chainrule import (
    L1,
    L2,
    SGD,
    BatchNorm,
    Checkpoint,
    Dense,
    DivergenceError,
    Dropout,
    EarlyStopping,
    MaxNorm,
    Model,
    Network,
    TimeLimit,
    train,
)
from chainrule.engines import choose
from chainrule.errors import ModelFileError, SaveError, UsageError
from chainrule.formulas import OPTIMIZERS, SCHEDULES, Schedule
from chainrule.storage.checkpoint_file import read_checkpoint, write_checkpoint
from chainrule.training import Callback, Info, Memory, ReduceOnPlateau, RightAnswers, ThetaPath, UpdateRatios

# `make campaign-safety` leaves and takes up a thousand trainings.
CASES = int(os.environ.get("CHAINRULE_CASES", "0"))
RNG = np.random.default_rng(6)
X = RNG.normal(size=(43, 3))
y = RNG.integers(0, 2, 43)
NETWORK = Network.from_sizes([3, 4, 2], hidden="tanh", output="softmax", dropout=0.2)
SETTINGS: dict[str, Any] = {"optimizer": "adam", "batch_size": 8, "epochs": 4, "engine": "reference"}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run.checkpoint"


def bits(model: Model) -> Any:
    """All of a trained model that does not depend on the clock."""
    history = model.history
    assert history is not None
    series = {name: np.array(values).tobytes() for name, values in history.series.items() if name != "seconds"}
    facts = history.epochs, history.updates, history.best_epoch, str(history.stopped), history.engine
    return model.theta.tobytes(), model.state.tobytes(), model.theta.dtype, series, facts, model.settings


class KilledError(Exception):
    pass


class Dying(Checkpoint):
    """Dies as soon as it has written so many checkpoints; many are written within epochs."""

    def __init__(self, path: Path, count: int, **arguments: Any) -> None:
        super().__init__(path, **arguments)
        self.left = count

    def write(self, *given: Any) -> None:
        super().write(*given)
        self.left -= 1
        if not self.left:
            raise KilledError


def make_case(seed: int, engine: str) -> tuple[Network, Any, Any, dict[str, Any], Any]:
    """A random training, and what makes its callbacks."""
    rng = np.random.default_rng(seed)
    normed, dropped, sparse = (bool(each) for each in rng.random(3) < (0.4, 0.5, 0.15))
    hidden = [Dense(5, "identity" if normed else "tanh"), *[BatchNorm("relu")] * normed, *[Dropout(0.3)] * dropped]
    network = Network([*[Dropout(0.1)] * (not sparse and rng.random() < 0.3), *hidden, Dense(3, "softmax")], inputs=4)
    n = int(rng.integers(12, 60))
    inputs = rng.normal(size=(n, 4)) * (rng.random((n, 4)) < (0.3 if sparse else 1))
    targets = np.concatenate([np.arange(3), rng.integers(0, 3, n - 3)])
    whole = rng.random() < 0.25
    size = n if whole else int(rng.integers(4, 12))
    while n % size == 1:
        size += 1
    measured = not whole or rng.random() < 0.5
    settings = {
        "optimizer": str(rng.choice(list(OPTIMIZERS))),
        "schedule": str(rng.choice(list(SCHEDULES))),
        "penalties": [each for each in (L1(0.001), L2(0.01), MaxNorm(1.5)) if rng.random() < 0.3],
        "clip": 0.5 if rng.random() < 0.3 else None,
        "weights": rng.random(n) + 0.1 if rng.random() < 0.3 else None,
        "validation": (rng.normal(size=(9, 4)), rng.integers(0, 3, 9)) if measured and rng.random() < 0.6 else None,
        "metrics": ("accuracy",) if measured else (),
        "batch_size": size,
        "epochs": int(rng.integers(1, 6)),
        "seed": seed,
        "dtype": str(rng.choice(["float32", "float64"])),
        "engine": engine,
    }
    patience = int(rng.integers(1, 4))
    stopping = measured and rng.random() < 0.5
    return network, csr_array(inputs) if sparse else inputs, targets, settings, (stopping, patience)


def callbacks_of(stopping: tuple[bool, int]) -> list[Any]:
    return [EarlyStopping("loss", patience=stopping[1])] if stopping[0] else []


def leave_and_take_up(path: Path, case: Any, seed: int) -> int:
    """Die after some checkpoints, go on, die again, until it is done; gives how often it died."""
    network, inputs, targets, settings, stopping = case
    chance = random.Random(seed)
    clock = chance.choice([1e-9, 1e-9, None])
    undisturbed = train(network, inputs, targets, callbacks=callbacks_of(stopping), **settings)
    resume, deaths = None, 0
    while True:
        dying = Dying(path, chance.randint(1, 6), epochs=chance.choice([1, 2]), minutes=clock)
        try:
            model = train(
                network, inputs, targets, callbacks=[dying, *callbacks_of(stopping)], resume=resume, **settings
            )
        except KilledError:
            resume, deaths = path, deaths + 1
            continue
        assert bits(model) == bits(undisturbed)
        finished = train(network, inputs, targets, callbacks=callbacks_of(stopping), resume=path, **settings)
        assert bits(finished) == bits(undisturbed)
        return deaths


@pytest.mark.parametrize("seed", range(CASES // 2 or 25))
def test_reference_engine_goes_on_bit_for_bit(seed: int, path: Path, tally: Any) -> None:
    tally("trainings left and taken up, reference engine", leave_and_take_up(path, make_case(seed, "reference"), seed))


@pytest.mark.skipif(choose("compiled").name != "compiled", reason="LLVM cannot run here")
@pytest.mark.parametrize("seed", range(CASES // 2 or 3))
def test_compiled_engine_goes_on_bit_for_bit(
    seed: int, path: Path, tally: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Hundreds of networks' code would take gigabytes.
    monkeypatch.setattr("chainrule.engines.compiled.kernels._loaded", {})
    tally("trainings left and taken up, compiled engine", leave_and_take_up(path, make_case(seed, "compiled"), seed))


@pytest.mark.skipif(choose("compiled").name != "compiled", reason="LLVM cannot run here")
def test_epochs_of_one_batch_that_nobody_looks_at(path: Path) -> None:
    """The engine makes them without coming back, but for checkpoints."""
    settings = {**SETTINGS, "engine": "compiled", "batch_size": 100, "metrics": (), "epochs": 200}
    undisturbed = train(NETWORK, X, y, **settings)
    for minutes in (None, 1e-9):
        with pytest.raises(KilledError):
            train(NETWORK, X, y, callbacks=Dying(path, 2, epochs=30, minutes=minutes), **settings)
        facts = read_checkpoint(path).parts["standing"]
        assert facts["epoch"] == 60 if minutes is None else 1 < facts["epoch"] <= 60
        assert bits(train(NETWORK, X, y, callbacks=Checkpoint(path, epochs=7), resume=path, **settings)) == bits(
            undisturbed
        )


def press(number: int, epoch: int, batch: int) -> Any:
    return SimpleNamespace(
        batch=lambda info: signal.raise_signal(number) if (info.epoch, info.batch) == (epoch, batch) else None
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("moment", [(1, 1), (2, 3), (3, 6), (4, 5), (4, 6)])
def test_an_interrupt_within_an_epoch_leaves_a_checkpoint(path: Path, number: int, moment: tuple[int, int]) -> None:
    """That epoch is measured for the model that is given back, but going on nobody notices."""
    undisturbed = train(NETWORK, X, y, callbacks=EarlyStopping("loss", patience=2), **SETTINGS)
    given = [Checkpoint(path, epochs=100), EarlyStopping("loss", patience=2), press(number, *moment)]
    model = train(NETWORK, X, y, callbacks=given, **SETTINGS)
    assert model.history.stopped == "interrupted"
    assert model.history.updates == (moment[0] - 1) * 6 + moment[1]
    again = train(NETWORK, X, y, callbacks=EarlyStopping("loss", patience=2), resume=path, **SETTINGS)
    assert bits(again) == bits(undisturbed)


def test_going_on_from_a_model(path: Path) -> None:
    """Its history and its counters are taken along; another model is refused."""
    first = train(NETWORK, X, y, **SETTINGS)
    undisturbed = train(first, X, y, **SETTINGS)
    train(first, X, y, callbacks=[Checkpoint(path), press(signal.SIGINT, 2, 2)], **SETTINGS)
    assert bits(train(first, X, y, resume=path, **SETTINGS)) == bits(undisturbed)
    other = first.copy()
    other["W1[0,0]"] = 0.5
    for start in (other, NETWORK):
        with pytest.raises(UsageError, match="start was"):
            train(start, X, y, resume=path, **SETTINGS)


@pytest.mark.parametrize("schedule", ["constant", "step", "exponential", "inverse_scaling", "warm_up"])
def test_more_epochs_where_the_schedule_does_not_mind(path: Path, schedule: str) -> None:
    settings = {**SETTINGS, "schedule": schedule}
    train(NETWORK, X, y, callbacks=Checkpoint(path), **settings)
    longer = {**settings, "epochs": 6}
    assert bits(train(NETWORK, X, y, resume=path, **longer)) == bits(train(NETWORK, X, y, **longer))
    with pytest.raises(UsageError, match="of 4 epochs, and now there are to be 3, fewer than then"):
        train(NETWORK, X, y, resume=path, **{**settings, "epochs": 3})


@pytest.mark.parametrize("schedule", ["cosine", "one_cycle"])
def test_more_epochs_are_refused_where_it_does(path: Path, schedule: str) -> None:
    settings = {**SETTINGS, "schedule": schedule}
    train(NETWORK, X, y, callbacks=Checkpoint(path), **settings)
    with pytest.raises(UsageError, match=f"with the schedule '{schedule}' the learning rate depends on how many"):
        train(NETWORK, X, y, resume=path, **{**settings, "epochs": 6})


OTHERS: dict[str, Any] = {
    "seed": 1,
    "batch_size": 9,
    "loss": "half_squared_error",
    "dtype": "float32",
    "metrics": (),
    "clip": 1.0,
    "check_finite": False,
    "schedule": "step",
    "penalties": L2(0.1),
    "optimizer": SGD(0.1),
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_settings_are_refused_by_name(path: Path, name: str) -> None:
    train(NETWORK, X, y, callbacks=Checkpoint(path), **SETTINGS)
    with pytest.raises(UsageError, match=rf"checkpoint of other settings: .*{name}.* was .*, is ") as caught:
        train(NETWORK, X, y, resume=path, **{**SETTINGS, name: OTHERS[name]})
    assert str(path) in str(caught.value)


def test_another_network_is_refused(path: Path) -> None:
    train(NETWORK, X, y, callbacks=Checkpoint(path), **SETTINGS)
    other = Network.from_sizes([3, 4, 2], hidden="relu", output="softmax", dropout=0.2)
    with pytest.raises(UsageError, match=r"network\.layers\[0\]\.activation.* was 'tanh', is 'relu'"):
        train(other, X, y, resume=path, **SETTINGS)


def test_other_data_are_refused_by_name(path: Path) -> None:
    held_out, weights = (X[:5], y[:5]), np.ones(43)
    train(NETWORK, X, y, callbacks=Checkpoint(path), validation=held_out, weights=weights, **SETTINGS)
    changed, flipped, heavier = X.copy(), y.copy(), weights.copy()
    changed[3, 1] = np.nextafter(changed[3, 1], 9)
    flipped[0] = 1 - flipped[0]
    heavier[7] = 2
    for given, name in (
        ((changed, y, held_out, weights), "X holds other numbers"),
        ((X, flipped, held_out, weights), "Y holds other numbers"),
        ((X, y, held_out, heavier), "weights holds other numbers"),
        ((X, y, (changed[:5], y[:5]), weights), "validation X holds other numbers"),
        ((X, y, (X[:5], flipped[:5]), weights), "validation Y holds other numbers"),
        ((X, y, (X[:4], y[:4]), weights), r"validation X.shape\[0\] was 5, is 4"),
        ((X, y, (*held_out, np.ones(5)), weights), "validation weights was None"),
        ((X, y, held_out, None), "weights was .*, is None"),
    ):
        with pytest.raises(UsageError, match=f"checkpoint of other data: {name}"):
            train(NETWORK, *given[:2], validation=given[2], weights=given[3], resume=path, **SETTINGS)


@pytest.mark.parametrize("name", ["chainrule", "numpy"])
def test_other_versions_are_refused(path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    place = {"chainrule": "chainrule.storage.checkpoint_file.__version__", "numpy": "numpy.__version__"}[name]
    with monkeypatch.context() as patch:
        patch.setattr(place, "0.0.1")
        train(NETWORK, X, y, callbacks=Checkpoint(path), **SETTINGS)
    with pytest.raises(UsageError, match=f"checkpoint of other versions: {name} was .0.0.1., is "):
        train(NETWORK, X, y, resume=path, **SETTINGS)


@pytest.mark.skipif(choose("compiled").name != "compiled", reason="LLVM cannot run here")
def test_the_engine_is_the_one_of_then(path: Path) -> None:
    train(NETWORK, X, y, callbacks=Checkpoint(path), **{**SETTINGS, "engine": "compiled"})
    assert train(NETWORK, X, y, resume=path, **{**SETTINGS, "engine": "auto"}).history.engine == "compiled"
    with pytest.raises(UsageError, match="engine was 'compiled', is 'reference'"):
        train(NETWORK, X, y, resume=path, **SETTINGS)


# Callbacks


def test_other_callbacks_are_refused(path: Path) -> None:
    def stopping(**changes: Any) -> EarlyStopping:
        return EarlyStopping(**{"monitor": "loss", "patience": 3, **changes})

    train(NETWORK, X, y, callbacks=[stopping(), Checkpoint(path)], **SETTINGS)
    for given, reason in (
        ([], "with the callbacks EarlyStopping, and now there are –"),
        ([stopping(), stopping()], "now there are EarlyStopping, EarlyStopping 2"),
        ([stopping(patience=2)], "patience was 3 when the checkpoint was written, is 2"),
        ([stopping(least_change=0.5)], "least_change was 0.0 .* is 0.5"),
        ([stopping(monitor="accuracy")], "monitor was 'loss'"),
    ):
        with pytest.raises(UsageError, match=reason):
            train(NETWORK, X, y, callbacks=given, resume=path, **SETTINGS)


def test_more_patience_is_what_it_would_have_been(path: Path) -> None:
    """Also where less of it ended training."""
    settings = {**SETTINGS, "epochs": 60, "optimizer": SGD(2.0)}
    little, more = (lambda: EarlyStopping("accuracy", 2)), (lambda: EarlyStopping("accuracy", 9))
    model = train(NETWORK, X, y, callbacks=[Checkpoint(path), little()], **settings)
    assert "early stopping" in model.history.stopped
    assert bits(train(NETWORK, X, y, callbacks=little(), resume=path, **settings)) == bits(model)
    undisturbed = train(NETWORK, X, y, callbacks=more(), **settings)
    assert bits(train(NETWORK, X, y, callbacks=more(), resume=path, **settings)) == bits(undisturbed)


def test_time_counts_on(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("time.monotonic", lambda: now)

    def tick(info: Any) -> None:
        nonlocal now
        now += 1

    clock, undisturbed = SimpleNamespace(batch=tick), train(NETWORK, X, y, **SETTINGS)
    given = [clock, Checkpoint(path), TimeLimit(8.5)]
    model = train(NETWORK, X, y, callbacks=given, **SETTINGS)
    assert (model.history.updates, model.history.stopped) == (9, "time limit of 8.5 s")
    for limit in (8.5, 3.0):
        assert bits(train(NETWORK, X, y, callbacks=[clock, TimeLimit(limit)], resume=path, **SETTINGS)) == bits(model)
    later = train(NETWORK, X, y, callbacks=[clock, TimeLimit(10.5)], resume=path, **SETTINGS)
    assert later.history.updates == 11
    for given in ([], [TimeLimit(1000)]):
        assert bits(train(NETWORK, X, y, callbacks=given, resume=path, **SETTINGS)) == bits(undisturbed)


class Counter:
    """A callback of one's own with a memory of every kind."""

    def __init__(self) -> None:
        self.count, self.table, self.worst, self.names = 0, np.zeros((2, 0)), -math.inf, {"a": [1, None, True]}

    def batch(self, info: Any) -> None:
        self.count += 1
        self.worst = max(self.worst, info.loss)
        self.table = np.concatenate([self.table, [[info.loss], [info.epoch]]], axis=1)

    def state(self) -> dict[str, Any]:
        return {"count": self.count, "table": self.table, "worst": self.worst, "names": self.names, "inf": math.inf}

    def restore(self, state: Any) -> None:
        assert state["inf"] == math.inf
        self.count, self.table, self.worst, self.names = (state[name] for name in ("count", "table", "worst", "names"))


def test_memories_of_ones_own(path: Path) -> None:
    whole, path_of_theta, right = Counter(), ThetaPath(), RightAnswers(X, y)
    train(NETWORK, X, y, callbacks=[whole, path_of_theta, right], **SETTINGS)
    left = [Counter(), ThetaPath(), RightAnswers(X, y)]
    train(NETWORK, X, y, callbacks=[*left, Checkpoint(path), press(signal.SIGINT, 3, 2)], **SETTINGS)
    again, points, counts = Counter(), ThetaPath(), RightAnswers(X, y)
    train(NETWORK, X, y, callbacks=[again, points, counts], resume=path, **SETTINGS)
    assert (again.count, again.worst, again.names) == (whole.count, whole.worst, whole.names)
    assert again.table.tobytes() == whole.table.tobytes()
    assert points.points.tobytes() == path_of_theta.points.tobytes()
    assert counts.counts == right.counts


def test_a_memory_that_no_file_holds_is_told_at_once(path: Path) -> None:
    class Odd(Callback):
        def state(self) -> dict[str, Any]:
            return {"when": {1, 2}}

        def restore(self, state: Any) -> None:
            pass

    seen = []
    with pytest.raises(UsageError, match=r"Odd\.when is \{1, 2\}"):
        train(NETWORK, X, y, callbacks=[Checkpoint(path), Odd(), SimpleNamespace(batch=seen.append)], **SETTINGS)
    assert not seen


# Saving


def test_when_it_is_written(path: Path) -> None:
    class Noting(Checkpoint):
        def write(self, standing: Any, identity: Any) -> None:
            written.append((standing.epoch, standing.sums.batches, standing.measured))

    for arguments, expected in (
        ({}, [(1, 6, True), (2, 6, True), (3, 6, True), (4, 6, True)]),
        ({"epochs": 3}, [(3, 6, True), (4, 6, True)]),
        ({"epochs": None}, [(4, 6, True)]),
        ({"epochs": None, "minutes": 1000}, [(4, 6, True)]),
    ):
        written: list[Any] = []
        train(NETWORK, X, y, callbacks=Noting(path, **arguments), **SETTINGS)
        assert written == expected


def test_a_folder_that_is_not_there_is_told_at_once(tmp_path: Path) -> None:
    seen: list[Any] = []
    with pytest.raises(SaveError, match="there is no folder"):
        train(
            NETWORK,
            X,
            y,
            callbacks=[Checkpoint(tmp_path / "no" / "file"), SimpleNamespace(batch=seen.append)],
            **SETTINGS,
        )
    assert not seen
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "arguments",
    [{"epochs": 0}, {"epochs": 1.5}, {"epochs": True}, {"minutes": 0}, {"minutes": math.nan}, {"about": {"a": {1}}}],
)
def test_arguments_that_cannot_be(arguments: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        Checkpoint("run.checkpoint", **arguments)


def test_a_path_that_cannot_be() -> None:
    with pytest.raises(UsageError, match="path is 3"):
        Checkpoint(3)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="path is 3"):
        train(NETWORK, X, y, resume=3)  # type: ignore[arg-type]
    with pytest.raises(ModelFileError, match="nowhere cannot be gone on from: there is no such file"):
        train(NETWORK, X, y, resume="nowhere")


STEPS = ("open", "write", "fsync", "close", "replace")
ERRNOS = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EACCES, errno.EROFS, errno.EFBIG)


def whole_epoch(path: Path) -> int | None:
    """The epoch of a checkpoint, which must be whole where there is one."""
    return int(read_checkpoint(path).parts["standing"]["epoch"]) if path.exists() else None


@pytest.mark.parametrize("number", ERRNOS)
def test_a_fault_in_any_call_of_a_save_is_told_and_training_goes_on(path: Path, number: int, tally: Any) -> None:
    """The checkpoint of the first epoch, or that of the second: whole, and told which."""
    undisturbed = bits(train(NETWORK, X, y, **SETTINGS))
    for k in range(20):
        checkpoint, calls, found = Checkpoint(path), [], []
        with pytest.MonkeyPatch.context() as patch:
            look = {2: lambda: fail_at(patch, k, number, calls), 3: patch.undo}  # noqa: B023
            watch = SimpleNamespace(epoch=lambda info: look.get(info.epoch, lambda: None)())  # noqa: B023
            note = SimpleNamespace(epoch=lambda info: found.append(whole_epoch(path)))  # noqa: B023
            model, told = train_noting_warnings([watch, note, checkpoint])
        assert bits(model) == undisturbed
        in_place = "replace" in calls[: k + 1] and calls[k : k + 1] != ["replace"]
        assert found == [None, 1, 2 if in_place or len(calls) <= k else 1, 3]
        assert bool(told) == (found[2] == 1)
        assert not told or f"{path} could not be written: " in told[0]
        assert (checkpoint.error, whole_epoch(path)) == (None, 4)
        assert [each.name for each in path.parent.iterdir()] == [path.name]
        path.unlink()
        tally("faults in saves", 1)
        if len(calls) <= k:
            break
    assert calls[:5] == ["open", "write", "write", "fsync", "close"]
    assert k > 5


def train_noting_warnings(callbacks: list[Any]) -> tuple[Model, list[str]]:
    import warnings

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = train(NETWORK, X, y, callbacks=callbacks, **SETTINGS)
    return model, [str(each.message) for each in caught]


def fail_at(patch: pytest.MonkeyPatch, k: int, number: int, calls: list[str]) -> None:
    def wrap(name: str, real: Any) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            calls.append(name)
            if len(calls) == k + 1:
                if name == "close":
                    real(*args)
                raise OSError(number, os.strerror(number))
            return real(args[0], args[1][:2000]) if name == "write" else real(*args, **kwargs)

        return call

    for name in STEPS:
        patch.setattr(os, name, wrap(name, getattr(os, name)))


@pytest.mark.parametrize("number", ERRNOS if CASES else ERRNOS[:1])
def test_a_disk_that_is_full_at_64_points(path: Path, number: int, monkeypatch: pytest.MonkeyPatch, tally: Any) -> None:
    train(NETWORK, X, y, callbacks=[Checkpoint(path, epochs=1), press(signal.SIGINT, 1, 6)], **SETTINGS)
    old, real, room = path.read_bytes(), os.write, 0

    def write(handle: int, data: Any) -> int:
        nonlocal room
        if room == 0:
            raise OSError(number, os.strerror(number))
        written = real(handle, data[:room])
        room -= written
        return written

    for point in range(64):
        path.write_bytes(old)
        with monkeypatch.context() as patch:
            patch.setattr(os, "write", write)
            room = len(old) * point // 64
            with pytest.warns(RuntimeWarning, match="could not be written: "):
                model = train(NETWORK, X, y, callbacks=Checkpoint(path, epochs=4), resume=path, **SETTINGS)
        assert path.read_bytes() == old
        assert [each.name for each in path.parent.iterdir()] == [path.name]
        tally("points at which a disk was full", 1)
    assert bits(model) == bits(train(NETWORK, X, y, **SETTINGS))


# Divergence


@pytest.mark.parametrize("engine", ["reference", "compiled"])
@pytest.mark.parametrize("minutes", [None, 1e-9])
def test_divergence_after_going_on_gives_the_same_last_good_model(path: Path, engine: str, minutes: Any) -> None:
    if choose(engine).name != engine:
        pytest.skip("LLVM cannot run here")
    line, places = Network.from_sizes([3, 1]), set()
    for seed in range(8):
        rng = np.random.default_rng(seed)
        inputs, targets = rng.normal(size=(20, 3)) * 10, rng.normal(size=(20, 1))
        settings: dict[str, Any] = {"optimizer": SGD(0.05), "batch_size": 5, "epochs": 500, "engine": engine}
        with pytest.raises(DivergenceError) as whole:
            train(line, inputs, targets, callbacks=Checkpoint(path, epochs=1, minutes=minutes), **settings)
        with pytest.raises(DivergenceError) as again:
            train(line, inputs, targets, resume=path, **settings)
        assert str(again.value) == str(whole.value)
        assert again.value.model.theta.tobytes() == whole.value.model.theta.tobytes()
        assert np.isfinite(again.value.model.theta).all()
        places.add(whole.value.fields["batch"])
    assert len(places) > 1


def test_a_rate_that_was_lowered_stays_so(path: Path) -> None:
    def lowering(**changes: Any) -> ReduceOnPlateau:
        return ReduceOnPlateau(**{"monitor": "loss", "patience": 1, "least_change": 0.01, **changes})

    settings = {**SETTINGS, "epochs": 12, "optimizer": SGD(0.5)}
    undisturbed = train(NETWORK, X, y, callbacks=lowering(), **settings)
    assert undisturbed.history is not None
    assert len(set(undisturbed.history["rate"])) > 1
    for moment in ((5, 2), (9, 1), (11, 6)):
        train(NETWORK, X, y, callbacks=[lowering(), Checkpoint(path), press(signal.SIGINT, *moment)], **settings)
        assert bits(train(NETWORK, X, y, callbacks=lowering(), resume=path, **settings)) == bits(undisturbed)
    with pytest.raises(UsageError, match=r"ReduceOnPlateau: factor was 0.2 .* is 0.5"):
        train(NETWORK, X, y, callbacks=lowering(factor=0.5), resume=path, **settings)


def test_an_optimizers_memory_is_gone_on_with(path: Path) -> None:
    def begun() -> Memory:
        memory = Memory()
        train(NETWORK, X, y, memory=memory, **SETTINGS)
        return memory

    first = train(NETWORK, X, y, **SETTINGS)
    undisturbed = train(first, X, y, memory=begun(), **SETTINGS)
    train(first, X, y, memory=begun(), callbacks=[Checkpoint(path), press(signal.SIGINT, 2, 2)], **SETTINGS)
    assert bits(train(first, X, y, memory=begun(), resume=path, **SETTINGS)) == bits(undisturbed)
    with pytest.raises(UsageError, match="start was"):
        train(first, X, y, resume=path, **SETTINGS)


def test_smoothed_labels_and_unshuffled_rows_are_settings(path: Path) -> None:
    settings = {**SETTINGS, "label_smoothing": 0.1, "shuffle": False}
    undisturbed = train(NETWORK, X, y, **settings)
    train(NETWORK, X, y, callbacks=[Checkpoint(path), press(signal.SIGINT, 2, 2)], **settings)
    assert bits(train(NETWORK, X, y, resume=path, **settings)) == bits(undisturbed)
    for change in ({"label_smoothing": 0.2}, {"shuffle": True}):
        with pytest.raises(UsageError, match=f"{next(iter(change))} was"):
            train(NETWORK, X, y, resume=path, **{**settings, **change})


def test_own_metrics_are_told_by_their_names(path: Path) -> None:
    metrics = {"size": lambda model, X, Y, weights: float(np.abs(model.theta).max())}
    settings = {**SETTINGS, "metrics": metrics}
    undisturbed = train(NETWORK, X, y, **settings)
    train(NETWORK, X, y, callbacks=[Checkpoint(path), press(signal.SIGINT, 2, 2)], **settings)
    assert bits(train(NETWORK, X, y, resume=path, **settings)) == bits(undisturbed)
    with pytest.raises(UsageError, match="metrics"):
        train(NETWORK, X, y, resume=path, **SETTINGS)


def test_lbfgs_has_no_checkpoints(path: Path) -> None:
    with pytest.raises(UsageError, match="no checkpoint can hold its memory"):
        train(Network.from_sizes([3, 2], output="softmax"), X, y, optimizer="lbfgs", callbacks=Checkpoint(path))


def test_ratios_of_updates_are_gone_on_with(path: Path) -> None:
    whole, rest = UpdateRatios(), UpdateRatios()
    train(NETWORK, X, y, callbacks=whole, **SETTINGS)
    train(NETWORK, X, y, callbacks=[UpdateRatios(), Checkpoint(path), press(signal.SIGINT, 3, 2)], **SETTINGS)
    train(NETWORK, X, y, callbacks=rest, resume=path, **SETTINGS)
    assert rest.by_layer == whole.by_layer
    train(NETWORK, X, y, resume=path, **SETTINGS)  # it changes nothing, so it may come and go


def test_more_epochs_with_a_schedule_of_ones_own(path: Path) -> None:
    def schedule(factor: Any) -> Schedule:
        return Schedule(name="mine", value=factor, latex="", use="a test")

    settings = {**SETTINGS, "schedule": schedule(lambda e, epochs: 1 / (1 + e))}
    undisturbed = train(NETWORK, X, y, **{**settings, "epochs": 6})
    train(NETWORK, X, y, callbacks=Checkpoint(path), **settings)
    assert bits(train(NETWORK, X, y, resume=path, **{**settings, "epochs": 6})) == bits(undisturbed)
    planned = {**SETTINGS, "schedule": schedule(lambda e, epochs: 1 - e / epochs)}
    train(NETWORK, X, y, callbacks=Checkpoint(path.with_name("other")), **planned)
    with pytest.raises(UsageError, match="depends on how many there are"):
        train(NETWORK, X, y, resume=path.with_name("other"), **{**planned, "epochs": 6})


class Turning(Callback):
    """Remembers what a file can hold, and later what it cannot."""

    def __init__(self, later: Any) -> None:
        self.memory: Any = {"epoch": 0}
        self.later = later

    def epoch(self, info: Info) -> None:
        self.memory = {"epoch": info.epoch} if info.epoch < 3 else self.later

    def state(self) -> Any:
        return self.memory

    def restore(self, state: Any) -> None:
        self.memory = dict(state)


@pytest.mark.parametrize("later", [{"a": object()}, {1: 2}, {"a": 10**400}, {"a": np.arange(3)}, [1], None])
def test_a_memory_that_no_file_holds_ends_no_training(path: Path, later: Any) -> None:
    checkpoint = Checkpoint(path)
    with pytest.warns(RuntimeWarning, match="no checkpoint was written: "):
        model = train(NETWORK, X, y, callbacks=[Turning(later), checkpoint], **SETTINGS)
    assert model.history is not None
    assert model.history.epochs == SETTINGS["epochs"]
    assert isinstance(checkpoint.error, UsageError)
    train(NETWORK, X, y, callbacks=Turning({}), resume=path, **SETTINGS)  # the older one is whole


def test_no_other_file_is_replaced(path: Path) -> None:
    path.write_text("precious")
    with pytest.raises(UsageError, match="there already and is no checkpoint"):
        train(NETWORK, X, y, callbacks=Checkpoint(path), **SETTINGS)
    assert path.read_text() == "precious"


@pytest.mark.parametrize(
    "change",
    [
        lambda parts: parts["callbacks"]["EarlyStopping"]["shapes"].update(theta=[2**60] * 100_000),
        lambda parts: parts["callbacks"]["EarlyStopping"]["shapes"].update(theta=[10**15] * 20),
        lambda parts: parts["callbacks"]["EarlyStopping"]["shapes"].update(theta=[1] * 100 + [22]),
        lambda parts: parts["standing"].update(updates_before=-3),
        lambda parts: parts["standing"].update(updates_before=10**12),
    ],
)
def test_forged_standings_are_refused_at_once(path: Path, change: Any) -> None:
    train(NETWORK, X, y, callbacks=[EarlyStopping("loss"), Checkpoint(path)], **SETTINGS)
    kept = read_checkpoint(path)
    parts = {name: part for name, part in kept.parts.items() if name != "about"}
    change(parts)
    write_checkpoint(path, kept.tensors, {**parts, "about": None}, kept.versions["engine"])
    with pytest.raises(ModelFileError, match="damaged"):
        train(NETWORK, X, y, callbacks=EarlyStopping("loss"), resume=path, **SETTINGS)


def test_a_reason_without_a_number_holds(path: Path) -> None:
    train(NETWORK, X, y, callbacks=[EarlyStopping("loss"), Checkpoint(path)], **SETTINGS)
    kept = read_checkpoint(path)
    kept.parts["standing"]["stopped"] = "early stopping: loss has not improved for 1e9 epochs"
    write_checkpoint(path, kept.tensors, kept.parts, kept.versions["engine"])
    model = train(NETWORK, X, y, callbacks=EarlyStopping("loss"), resume=path, **SETTINGS)
    assert model.history is not None
    assert "1e9" in str(model.history.stopped)
