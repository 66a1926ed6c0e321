"""What a review found: narrow vectors, arrays that do not fit, memory that stays, causes that come together."""

from __future__ import annotations

import gc
import threading
import weakref
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.engines import Carry, Job, Objective, reference
from chainrule.formulas import LOSSES, OPTIMIZERS, SGD, Activation, Optimizer
from chainrule.network import BatchNorm, Dense, Network
from chainrule.parameters import draw_parameters, start_state

compiled = pytest.importorskip("chainrule.engines.compiled")
if not compiled.works():
    pytest.skip("LLVM cannot run here", allow_module_level=True)

from chainrule.engines.compiled import epochs, kernels, machine  # noqa: E402

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("width", [16, 32])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_narrow_vectors(width: int, dtype: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = kernels.this_machine()
    if width > machine.width:
        pytest.skip("this processor has no such vectors")
    monkeypatch.setattr(kernels, "this_machine", lambda: machine._replace(width=width))
    network = Network([Dense(9, "tanh"), BatchNorm("relu"), Dense(5, "softmax")], inputs=140)
    objective = Objective(network, LOSSES["categorical_cross_entropy"])
    theta, state = draw_parameters(network, 0, dtype), start_state(network, dtype)
    X, Y = RNG.normal(size=(13, 140)).astype(dtype), np.eye(5, dtype=dtype)[RNG.integers(0, 5, 13)]
    within = 1e-12 if dtype == np.float64 else 1e-5
    ours, theirs = (engine.gradient(objective, theta, state, X, Y, inputs=True) for engine in (compiled, reference))
    assert np.abs(ours.theta - theirs.theta).max() <= within * np.abs(theirs.theta).max()
    assert np.abs(ours.inputs - theirs.inputs).max() <= within * np.abs(theirs.inputs).max()
    np.testing.assert_allclose(
        compiled.predict(network, theta, state, X), reference.predict(network, theta, state, X), rtol=10 * within
    )


def test_what_does_not_fit_goes_to_the_reference_engine() -> None:
    network = Network([Dense(4, "tanh"), BatchNorm("relu"), Dense(1)], inputs=3)
    theta, state = draw_parameters(network, 0, np.float64), start_state(network, np.float64)
    X = RNG.normal(size=(8, 3))
    other = state.astype(np.float32)
    np.testing.assert_array_equal(
        compiled.predict(network, theta, other, X), reference.predict(network, theta, other, X)
    )
    np.testing.assert_allclose(
        compiled.predict(network, theta, state, X[::-1]), reference.predict(network, theta, state, X[::-1])
    )
    with pytest.raises(ValueError, match="matmul"):
        compiled.predict(network, theta, state, np.ones((8, 2)))


def test_an_order_of_one_batch_and_orders_of_other_types() -> None:
    network = Network([Dense(4, "tanh"), Dense(1)], inputs=3)
    theta = draw_parameters(network, 0, np.float64)
    X, Y = RNG.normal(size=(8, 3)), RNG.normal(size=(8, 1))
    order = RNG.permutation(8)
    for size in (8, 3):
        job = Job(Objective(network, LOSSES["half_squared_error"]), X, Y, None, SGD(0.1), lambda t: 0.1, size, None, 0)
        for given in (order, order.astype(np.int32), order[::-1]):
            ours, theirs = (engine.epoch(job, Carry(theta, np.zeros(0)), given) for engine in (compiled, reference))
            np.testing.assert_allclose(ours.carry.theta, theirs.carry.theta, rtol=1e-12)
    with pytest.raises(cr.ChainruleError, match="order"):
        compiled.epoch(job, Carry(theta, np.zeros(0)), order[:5])


def test_nothing_stays_in_memory() -> None:
    before = len(compiled._prepared)
    X, y = RNG.random((100, 5)), RNG.integers(0, 2, 100)
    kept = weakref.ref(X.base if X.base is not None else X)
    network = cr.Network.from_sizes([5, 4, 2], hidden="relu", output="softmax")
    cr.train(network, X, y, epochs=2, engine="compiled", validation=0.2)
    del X, network
    gc.collect()
    assert kept() is None
    assert len(compiled._prepared) == before


def test_the_model_of_a_divergence_is_sound_where_penalty_and_loss_overflow_together() -> None:
    X, y = RNG.normal(size=(30, 3)), RNG.normal(size=(30, 1))
    network = cr.Network.from_sizes([3, 4, 1], hidden="tanh", output="identity")
    for batch_size in (7, 30):
        found = []
        for engine in ("compiled", "reference"):
            with pytest.raises(cr.DivergenceError) as caught:
                cr.train(
                    network, X, y, loss="half_squared_error", penalties=["l2"], optimizer=SGD(1e200), epochs=9,
                    engine=engine, batch_size=batch_size, metrics=(),
                )  # fmt: skip
            found.append(caught.value.model)
        np.testing.assert_allclose(found[0].theta, found[1].theta, rtol=1e-9)
        assert found[0].history.updates == found[1].history.updates


def test_weights_are_added_up_exactly_in_float32() -> None:
    network = cr.Network.from_sizes([2, 3], hidden="relu", output="softmax")
    objective = Objective(network, LOSSES["categorical_cross_entropy"])
    theta = draw_parameters(network, 0, np.float32)
    X = RNG.normal(size=(30_000, 2)).astype(np.float32)
    Y = np.eye(3, dtype=np.float32)[RNG.integers(0, 3, len(X))]
    weights = np.full(len(X), 0.1, dtype=np.float32)
    given = (objective, theta, np.zeros(0, np.float32), X, Y, weights)
    ours, theirs = compiled.gradient(*given), reference.gradient(*given)
    assert np.abs(ours.theta - theirs.theta).max() <= 1e-5 * np.abs(theirs.theta).max()


def test_threads_that_cannot_begin_are_done_without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(epochs, "_BATCH_WORTH_SHARING", 1)
    monkeypatch.setenv("CHAINRULE_THREADS", "3")
    network = cr.Network.from_sizes([20, 30, 3], hidden="relu", output="softmax")
    X, y = RNG.random((64, 20)), RNG.integers(0, 3, 64)
    right = cr.train(network, X, y, epochs=1, engine="compiled", metrics=()).theta
    begun, start = [], threading.Thread.start

    def refuse(thread: threading.Thread) -> None:
        if begun:
            raise RuntimeError("can't start new thread")
        begun.append(thread)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", refuse)
    again = cr.train(network, X, y, epochs=1, engine="compiled", metrics=()).theta
    assert again.tobytes() == right.tobytes()
    begun[0].join(timeout=10)
    assert not begun[0].is_alive()


def test_one_job_in_several_threads() -> None:
    network = cr.Network.from_sizes([20, 30, 3], hidden="relu", output="softmax")
    X, Y = RNG.random((500, 20)), np.eye(3)[RNG.integers(0, 3, 500)]
    objective = Objective(network, LOSSES["categorical_cross_entropy"])
    adam = OPTIMIZERS["adam"]
    job = Job(objective, X, Y, None, adam, lambda t: 0.01, 10, None, 0)
    theta = draw_parameters(network, 0, np.float64)
    found: list[tuple[bytes, float]] = []

    def work() -> None:
        result = compiled.epoch(job, Carry(theta, np.zeros(0), adam.start(theta)), None, each=False)
        found.append((result.carry.theta.tobytes(), result.loss))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert len(set(found)) == 1


def test_an_optimizer_of_many_vectors_falls_back() -> None:
    def value(theta: Any, g: Any, state: Any, t: int, rate: float) -> Any:
        return -rate * g, tuple(slot + g for slot in state)

    many = Optimizer(name="many", value=value, slots=("a", "b", "c", "d", "e"), latex="", use="")
    network = cr.Network.from_sizes([4, 2], hidden="relu", output="softmax")
    model = cr.train(network, RNG.random((20, 4)), RNG.integers(0, 2, 20), epochs=2, optimizer=many, engine="compiled")
    assert model.history.engine == "reference"


def test_a_formula_that_reads_a_variable_is_read_anew() -> None:
    """In a notebook a formula's variable is changed between two trainings, or between two predictions."""
    slope = [0.1]

    def value(z: Any) -> Any:
        return np.maximum(z, 0.0) + slope[0] * np.minimum(z, 0.0)

    def derivative(z: Any, a: Any) -> Any:
        return np.where(z > 0, np.ones_like(z), slope[0])

    leaning = Activation(name="leaning", value=value, slope=derivative, latex="z", use="a test")
    network = Network([Dense(4, leaning), Dense(1, "identity")], inputs=3)
    X, Y = RNG.normal(size=(20, 3)), RNG.normal(size=(20, 1))
    theta, state = draw_parameters(network, 0, np.float64), start_state(network, np.float64)
    objective = Objective(network, LOSSES["mean_squared_error"])
    found = []
    for slope[0] in (0.1, 0.5):
        trained = [cr.train(network, X, Y, epochs=3, engine=each).theta for each in ("compiled", "reference")]
        outputs = [each.predict(network, theta, state, X) for each in (compiled, reference)]
        costs = [each.loss(objective, theta, state, X, Y) for each in (compiled, reference)]
        slopes = [each.gradient(objective, theta, state, X, Y).theta for each in (compiled, reference)]
        for ours, theirs in (trained, outputs, costs, slopes):
            assert ours == pytest.approx(theirs, rel=1e-9, abs=1e-12)
        found.append(outputs[0])
    assert not np.allclose(*found)


def test_a_processor_without_fused_products_is_left_to_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    old = machine.this_machine()._replace(cpu="x86-64", features="+sse2,-fma", triple="x86_64-unknown-linux-gnu")
    monkeypatch.setattr(machine, "this_machine", lambda: old)
    assert not machine.computes.__wrapped__()
    monkeypatch.setattr(machine, "computes", lambda: False)
    assert not compiled.works()


def test_memory_that_may_hold_no_code(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*given: Any) -> None:
        raise OSError("no executable memory")

    monkeypatch.setattr(machine.Machine, "load", refuse)
    monkeypatch.setattr(machine, "computes", machine.computes.__wrapped__)
    assert not compiled.works()
