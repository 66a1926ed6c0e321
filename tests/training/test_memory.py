"""A training that goes on with the optimizer's memory is the one that was never interrupted; rows as they stand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from chainrule import Adam, AdamW, Momentum, Network, train
from chainrule.errors import UsageError
from chainrule.training import Memory

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(50, 3)), RNG.normal(size=50)
NETWORK = Network.from_sizes([3, 6, 1], hidden="tanh", dropout=0.2, batch_norm=True)


@pytest.mark.parametrize("engine", ["reference", "compiled"])
@pytest.mark.parametrize("optimizer", [Adam(0.01), AdamW(0.01), Momentum(0.01), "sgd"], ids=str)
def test_two_trainings_with_memory_are_one(optimizer: Any, engine: str) -> None:
    common: dict[str, Any] = {"optimizer": optimizer, "batch_size": 16, "engine": engine, "metrics": ()}
    whole = train(NETWORK, X, Y, epochs=5, **common)
    memory = Memory()
    model = train(NETWORK, X, Y, epochs=2, memory=memory, **common)
    for epochs in (1, 2):
        model = train(model, X, Y, epochs=epochs, memory=memory, **common)
    assert np.array_equal(model.theta, whole.theta)
    assert np.array_equal(model.state, whole.state)
    assert model.history["loss"] == whole.history["loss"]
    assert model.history.updates == whole.history.updates == memory.updates == 20


def test_without_memory_the_optimizer_begins_anew() -> None:
    model = train(NETWORK, X, Y, epochs=2)
    one, other = train(model, X, Y, epochs=1), train(model, X, Y, epochs=1, memory=Memory())
    assert np.array_equal(one.theta, other.theta)
    assert one.history.updates == other.history.updates == 6


def test_memory_of_another_optimizer_or_network_is_refused() -> None:
    memory = Memory()
    model = train(NETWORK, X, Y, epochs=1, memory=memory)
    with pytest.raises(UsageError, match=r"vectors of adam .* momentum is to train .* memory=Memory\(\)"):
        train(model, X, Y, optimizer="momentum", epochs=1, memory=memory)
    with pytest.raises(UsageError, match="for 37 parameters, and adam is to train 4"):
        train(Network.from_sizes([3, 1]), X, Y, epochs=1, memory=memory)


@pytest.mark.parametrize("engine", ["reference", "compiled"])
def test_without_shuffling_batches_are_rows_as_they_stand(engine: str) -> None:
    def by_hand(rows: list[slice]) -> np.ndarray:
        model = network.init(0)
        for part in rows:
            model.theta -= 0.1 * model.gradient(X[part], Y[part]).theta
        return model.theta

    network = Network.from_sizes([3, 1])
    rows = [slice(0, 20), slice(20, 40), slice(40, 50)]
    model = train(network, X, Y, optimizer="sgd", batch_size=20, epochs=2, shuffle=False, engine=engine)
    np.testing.assert_allclose(model.theta, by_hand(rows + rows), rtol=1e-12)
