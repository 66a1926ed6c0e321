"""Biases of every kind, dropout, batch normalization and schedules do in training what they promise."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from chainrule import L1, L2, SGD, AdamW, BatchNorm, Dense, Dropout, MaxNorm, Network, train
from chainrule.engines import Draw
from chainrule.formulas import OPTIMIZERS, SCHEDULES, Optimizer, Schedule
from chainrule.streams import permutation

Array = npt.NDArray[Any]

RNG = np.random.default_rng(0)
X = RNG.normal(size=(11, 3))
Y = RNG.normal(size=(11, 2))


class Record:
    """A callback that keeps a copy of something at each batch."""

    def __init__(self, what: str = "theta") -> None:
        self.what = what
        self.kept: list[Array] = []

    def batch(self, info: Any) -> None:
        self.kept.append(getattr(info.carry, self.what).copy())


# Biases


@pytest.mark.parametrize("name", list(OPTIMIZERS))
@pytest.mark.parametrize("clip", [None, 0.1])
def test_fixed_biases_never_move(name: str, clip: float | None) -> None:
    network = Network.from_sizes([3, 4, 2], hidden="tanh", bias="fixed", bias_initializer="normal")
    start = network.init(0)
    model = train(
        start,
        X,
        Y,
        optimizer=OPTIMIZERS.find(name, rate=0.05),
        penalties=[L1(0.1), L2(0.1), MaxNorm(1.0)],
        clip=clip,
        batch_size=4,
        epochs=5,
    )
    for l in (1, 2):
        assert model.b[l].any()
        assert model.b[l].tobytes() == start.b[l].tobytes()
        assert not np.array_equal(model.W[l], start.W[l])


@pytest.mark.parametrize("name", list(OPTIMIZERS))
def test_a_shared_bias_moves_as_one(name: str) -> None:
    network = Network.from_sizes([3, 4, 2], hidden="tanh", bias="layer")
    model = train(network, X, Y, optimizer=OPTIMIZERS.find(name, rate=0.05), batch_size=4, epochs=5)
    for l in (1, 2):
        assert len(set(model.b[l].tolist())) == 1
        assert model.b[l][0] != 0


def test_a_shared_bias_moves_by_the_sum_over_its_neurons() -> None:
    shared = Network.from_sizes([3, 4, 2], hidden="tanh", bias="layer").init(0)
    each = Network.from_sizes([3, 4, 2], hidden="tanh", bias="neuron").init(0)
    model = train(shared, X, Y, optimizer=SGD(0.1), batch_size=11, epochs=1)
    for l in (1, 2):
        np.testing.assert_allclose(model.b[l], -0.1 * each.gradient(X, Y).b[l].sum(), rtol=1e-12)


def test_adamw_decays_weights_only() -> None:
    network = Network([Dense(4), BatchNorm("tanh"), Dense(2, bias="layer")], inputs=3)
    start = network.init(0)
    start["b1"], start["beta1"], start["gamma1"], start["b2"] = 0.5, 0.3, 2.0, -0.7
    settings: dict[str, Any] = {"batch_size": 11, "epochs": 1}
    without = train(start, X, Y, optimizer=AdamW(0.01, decay=0.0), **settings)
    model = train(start, X, Y, optimizer=AdamW(0.01, decay=0.5), **settings)
    for name in model.parameters:
        shrunk = 0.01 * 0.5 * start[name] if name.startswith("W") else 0
        np.testing.assert_allclose(model[name], without[name] - shrunk, rtol=0, atol=1e-15)


# Dropout and batch normalization


def by_gradient(network: Network, *, seed: int, rate: float, batch_size: int, epochs: int) -> tuple[Array, Array]:
    """Plain descent over ``model.gradient``, with the masks of each update: give theta and state."""
    model, t = network.init(seed), 0
    for epoch in range(1, epochs + 1):
        order = permutation(seed, "shuffle", epoch, n=len(X))
        for first in range(0, len(X), batch_size):
            rows, t = order[first : first + batch_size], t + 1
            gradient = model.gradient(X[rows], Y[rows], draw=Draw(seed, t))
            model.theta -= rate * gradient.theta
            model.state[:] = gradient.state
    return model.theta, model.state


@pytest.mark.parametrize(
    "layers",
    [
        [Dense(6, "tanh"), Dropout(0.4), Dense(2)],
        [Dropout(0.3), Dense(6), BatchNorm("tanh"), Dropout(0.5), Dense(2)],
        [BatchNorm(), Dense(5, "tanh"), Dense(2)],
    ],
    ids=["dropout", "both", "batch normalization"],
)
def test_masks_and_statistics_of_every_update(layers: list[Any]) -> None:
    network = Network(layers, inputs=3)
    settings: dict[str, Any] = {"seed": 5, "batch_size": 4, "epochs": 3}
    model = train(network, X, Y, optimizer=SGD(0.1), **settings)
    theta, state = by_gradient(network, rate=0.1, **settings)
    np.testing.assert_allclose(model.theta, theta, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(model.state, state, rtol=1e-9, atol=1e-12)


def test_masks_come_from_the_seed() -> None:
    start = Network([Dense(6, "tanh"), Dropout(0.4), Dense(2)], inputs=3).init(0)
    first, again, other = (train(start, X, Y, batch_size=11, epochs=2, seed=seed).theta for seed in (1, 1, 2))
    assert first.tobytes() == again.tobytes()
    assert first.tobytes() != other.tobytes()


def test_running_statistics_by_hand() -> None:
    """One epoch of batches of 4, 4 and 3 rows through Dense, BatchNorm with a frozen Z: weights that cannot move."""
    network = Network([BatchNorm(momentum=0.25), Dense(2)], inputs=3)
    model = train(network, X, Y, batch_size=4, epochs=1, seed=2)
    order = permutation(2, "shuffle", 1, n=11)
    mean, var = np.zeros(3), np.ones(3)
    for rows in (order[:4], order[4:8], order[8:]):
        mean = 0.75 * mean + 0.25 * X[rows].mean(axis=0)
        var = 0.75 * var + 0.25 * X[rows].var(axis=0, ddof=1)
    np.testing.assert_allclose(model.state, [*mean, *var], rtol=1e-12)
    # Predictions use them, so that a row's prediction does not depend on the rows beside it.
    np.testing.assert_allclose(model.outputs(X[:1]), model.outputs(X)[:1], rtol=1e-12)


# Schedules

PROBE = Optimizer(
    name="probe", value=lambda theta, g, state, t, rate: (0 * theta - rate, ()), latex="", use="", rate=0.5
)


def rates_used(schedule: str | Schedule, *, batch_size: int, epochs: int) -> tuple[list[float], list[float]]:
    """The rate of each update, read off an optimizer that subtracts it from a theta of zeros, and the series."""
    start = Network([Dense(1, bias="none", initializer="zeros")], inputs=3).init()
    record = Record()
    model = train(
        start, X, Y[:, 0], optimizer=PROBE, schedule=schedule, batch_size=batch_size, epochs=epochs, callbacks=[record]
    )
    steps = -np.diff([0.0, *(theta[0] for theta in record.kept)])
    return steps.tolist(), model.history["rate"]


@pytest.mark.parametrize("name", list(SCHEDULES))
@pytest.mark.parametrize("batch_size", [3, 11])
def test_every_update_has_the_rate_of_its_schedule(name: str, batch_size: int) -> None:
    batches, epochs = math.ceil(11 / batch_size), 5
    used, series = rates_used(name, batch_size=batch_size, epochs=epochs)
    record = SCHEDULES[name]
    expected = [0.5 * record.value(t / batches, epochs, **record.parameters) for t in range(batches * epochs)]
    np.testing.assert_allclose(used, expected, rtol=0, atol=1e-12)
    np.testing.assert_allclose(series, expected[batches - 1 :: batches], rtol=0, atol=1e-12)


def test_rates_in_numbers() -> None:
    step = SCHEDULES.find("step", factor=0.1, every=2)
    np.testing.assert_allclose(rates_used(step, batch_size=11, epochs=5)[0], [0.5, 0.5, 0.05, 0.05, 0.005])
    ramp = SCHEDULES.find("warm_up", epochs=2, start=0.0)
    np.testing.assert_allclose(rates_used(ramp, batch_size=6, epochs=3)[0], [0, 0.125, 0.25, 0.375, 0.5, 0.5])
    assert rates_used("constant", batch_size=11, epochs=2)[1] == [0.5, 0.5]
