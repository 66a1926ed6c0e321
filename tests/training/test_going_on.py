"""A model can be trained further: other orders, a longer history, and the model passed in stays as it was."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

from chainrule import SGD, BatchNorm, Dense, Dropout, EarlyStopping, Network, train
from chainrule.engines import Draw
from chainrule.streams import permutation

RNG = np.random.default_rng(1)
X = RNG.normal(size=(23, 3))
y = RNG.integers(0, 2, 23)

PLAIN = Network.from_sizes([3, 5, 2], hidden="tanh", output="softmax")
NORMED = Network([Dense(5), BatchNorm("tanh"), Dense(2, "softmax")], inputs=3)
DROPPED = Network([Dense(5, "tanh"), Dropout(0.3), Dense(2, "softmax")], inputs=3)


@pytest.mark.parametrize("network", [PLAIN, NORMED, DROPPED], ids=["plain", "batch normalization", "dropout"])
def test_going_on_equals_one_longer_run(network: Network) -> None:
    """Descent without memory at a constant rate: 2 + 3 epochs are 5, bit for bit."""
    settings: dict[str, Any] = {"optimizer": SGD(0.5), "batch_size": 4, "seed": 9}
    whole = train(network, X, y, epochs=5, **settings)
    part = train(network, X, y, epochs=2, **settings)
    on = train(part, X, y, epochs=3, **settings)
    assert on.theta.tobytes() == whole.theta.tobytes()
    assert on.state.tobytes() == whole.state.tobytes()
    for series in ("loss", "accuracy", "rate"):
        assert on.history[series] == whole.history[series]
    assert on.history.updates == whole.history.updates == 5 * 6


def test_going_on_shuffles_anew() -> None:
    part = train(PLAIN, X, y, epochs=2, optimizer=SGD(0.5), batch_size=23, seed=9)
    by_hand = part.copy()
    order = permutation(9, "shuffle", 3, n=23)
    for first in range(0, 23, 8):
        rows = order[first : first + 8]
        by_hand.theta -= 0.1 * by_hand.gradient(X[rows], y[rows], draw=Draw(9, 0)).theta
    on = train(part, X, y, epochs=1, optimizer=SGD(0.1), batch_size=8, seed=9)
    np.testing.assert_allclose(on.theta, by_hand.theta, rtol=1e-9)


def test_the_optimizer_and_the_schedule_begin_anew() -> None:
    part = train(PLAIN, X, y, epochs=3, batch_size=23)
    fresh = part.copy()
    fresh.history = None
    settings: dict[str, Any] = {"epochs": 2, "batch_size": 23, "optimizer": "adam", "schedule": "cosine"}
    on = train(part, X, y, **settings)
    assert on.theta.tobytes() == train(fresh, X, y, **settings).theta.tobytes()
    assert on.history["rate"][3:] == [0.001, 0.0005]


def test_the_model_passed_in_stays_as_it_was() -> None:
    part = train(NORMED, X, y, epochs=2, validation=0.2)
    theta, state = part.theta.tobytes(), part.state.tobytes()
    history, settings = copy.deepcopy(part.history), copy.deepcopy(part.settings)
    on = train(part, X, y, epochs=3, optimizer=SGD(1.0), loss="categorical_cross_entropy", validation=0.2)
    assert part.theta.tobytes() == theta
    assert part.state.tobytes() == state
    assert part.history == history
    assert part.settings == settings
    assert not np.shares_memory(on.theta, part.theta)
    assert on.history.epochs == 5
    assert on.history["loss"][:2] == part.history["loss"]


def test_series_stay_aligned_when_other_things_are_measured() -> None:
    model = train(PLAIN, X, y, epochs=2, validation=0.2)
    model = train(model, X, y, epochs=1, metrics=())
    model = train(model, X, y, epochs=1, penalties="l2", validation=0.2)
    lengths = {name: len(values) for name, values in model.history.items()}
    assert set(lengths.values()) == {4}
    assert [np.isnan(value) for value in model.history["validation_loss"]] == [False, False, True, False]
    assert [np.isnan(value) for value in model.history["penalty"]] == [True, True, True, False]
    assert "Training history" in str(model.history.table())


def test_best_epochs_count_from_the_first_training() -> None:
    part = train(PLAIN, X, y, epochs=4)
    on = train(part, X, y, epochs=3, optimizer=SGD(1e-6), callbacks=[EarlyStopping("loss")])
    assert on.history.best_epoch == 7
    assert train(on, X, y, epochs=1).history.best_epoch is None


def test_another_number_type_and_another_loss() -> None:
    part = train(PLAIN, X, y, epochs=1)
    on = train(part, X, y, epochs=1, dtype="float32")
    assert (on.theta.dtype, part.theta.dtype) == (np.float32, np.float64)
    other = train(part, X, np.eye(2)[y], epochs=1, loss="mse")
    assert (other.loss.name, part.loss.name) == ("mean_squared_error", "categorical_cross_entropy")
