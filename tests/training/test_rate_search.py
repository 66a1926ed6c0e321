"""The search for a learning rate: what it tries, where it stops, what it suggests, and that it leaves no trace."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_iris

from chainrule import SGD, Adam, Network, RateSearch, find_rate, train
from chainrule.errors import DataError, DivergenceError, ShapeError, UnknownName, UsageError
from chainrule.training import Memory

RNG = np.random.default_rng(11)
X = RNG.normal(size=(50, 3))
y = (X @ [1.0, -1.0, 0.5] > 0).astype(int)
NETWORK = Network.from_sizes([3, 5, 2], hidden="tanh", output="softmax")
LINE = Network.from_sizes([1, 1])


@pytest.mark.parametrize(("rows", "batch_size", "batches"), [(50, 16, 30), (50, 50, 10), (50, 99, 7), (50, 1, 60)])
def test_the_rates_are_those_of_the_training(rows: int, batch_size: int, batches: int) -> None:
    """Batch by batch: the same losses as updates made one by one with these rates."""
    found = find_rate(NETWORK, X, y, smallest=1e-4, largest=0.5, batches=batches, batch_size=batch_size, seed=3)
    np.testing.assert_allclose(found.rates, np.geomspace(1e-4, 0.5, batches), rtol=1e-12)
    assert found.stopped == f"all {batches} batches done"
    losses: list[float] = []

    class Note:
        def batch(self, info: Any) -> None:
            losses.append(info.loss)

    from chainrule.formulas import Schedule

    updates = -(-rows // batch_size)
    told = Schedule(name="told", value=lambda e, E: found.rates[min(round(e * updates), batches - 1)], latex="", use="")
    epochs = -(-batches // updates)
    train(
        NETWORK, X, y, optimizer=SGD(1.0), schedule=told, batch_size=batch_size, epochs=epochs, seed=3, callbacks=Note()
    )
    np.testing.assert_allclose(found.losses, losses[:batches], rtol=1e-9)


def test_it_stops_where_the_loss_explodes() -> None:
    """On a line through rows of one size the limit is known: 2 over the second derivative."""
    inputs = np.tile([-2.0, 2.0], 40)
    found = find_rate(LINE, inputs, 3 * inputs, largest=1e3, batches=200, batch_size=2)
    assert "the loss exploded at the rate" in found.stopped
    limit = 2 / (2 * 4)  # mean_squared_error: C = mean (w x - y)^2, C'' = 2 x^2
    lowest = found.rates[np.argmin(found.smoothed)]
    assert 0.2 * limit < lowest < 1.5 * limit
    assert found.suggestion == lowest / 10
    assert len(found.rates) == len(found.losses) == len(found.smoothed) < 200
    assert np.isfinite(found.losses).all()


def test_numbers_that_overflow_end_it() -> None:
    found = find_rate(LINE, [[1e3]] * 4, [1e3] * 4, smallest=1.0, largest=1e300, batches=4, batch_size=4)
    assert "the loss exploded at the rate" in found.stopped
    assert found.suggestion is None
    assert "none" in repr(found)


def test_the_mean_around_each_place() -> None:
    found = find_rate(NETWORK, X, y, smallest=1e-3, largest=1.0, batches=20)
    for k, value in enumerate(found.smoothed):
        around = [loss for j, loss in enumerate(found.losses) if abs(j - k) <= 3]
        assert value == pytest.approx(sum(around) / len(around), rel=1e-12)


def test_the_model_stays_as_it_was() -> None:
    model = train(NETWORK, X, y, epochs=2)
    theta, history = model.theta.copy(), list(model.history["loss"])
    one, two = (find_rate(model, X, y, optimizer=optimizer, batches=20) for optimizer in ("adam", Adam(5.0)))
    assert model.theta.tobytes() == theta.tobytes()
    assert model.history["loss"] == history
    np.testing.assert_array_equal(one.losses, two.losses)  # an optimizer's own rate does not count


def test_what_lies_behind_a_valley_does_not_count() -> None:
    """Above a rate of 0.02 the loss rises, since rows are not scaled; where most neurons are dead it is low again."""
    flowers = load_iris()
    network = Network.from_sizes([4, 16, 3], output="softmax")
    found = find_rate(network, flowers.data, flowers.target)
    rates, losses = np.array(found.rates), np.array(found.smoothed)
    valley = rates[rates < 0.03][np.argmin(losses[rates < 0.03])]
    assert losses[(rates > 0.03) & (rates < 0.2)].max() > 4 * losses[rates < 0.03].min()
    assert found.suggestion == valley / 10


def test_what_it_suggests_trains() -> None:
    found = find_rate(NETWORK, X, y, batch_size=10)
    assert found.suggestion is not None
    model = train(NETWORK, X, y, optimizer=SGD(found.suggestion), batch_size=10, epochs=20)
    assert model.history["accuracy"][-1] > 0.9
    assert model.history["loss"][-1] < 0.5 * model.history["loss"][0]


@pytest.mark.parametrize("batch_size", [1, 50])
def test_data_are_to_blame_for_gaps(batch_size: int) -> None:
    """Also where the search meets them after batches that were sound."""
    bad = X.copy()
    bad[17, 2] = np.nan
    with pytest.raises(DivergenceError, match="row 17 of X holds nan"):
        find_rate(NETWORK, bad, y, batch_size=batch_size)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"smallest": 0}, "the rates go from 0 to 10.0"),
        ({"smallest": 1.0, "largest": 0.1}, "the smaller one first"),
        ({"largest": "1"}, "two numbers above 0"),
        ({"batches": 1}, "batches is 1; it must be a whole number of at least 2"),
        ({"batches": 10.0}, "batches is 10.0"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"epochs": 3}, "find_rate sets epochs itself"),
        ({"schedule": "cosine"}, "find_rate sets schedule itself"),
        ({"optimizer": 5}, "optimizer is 5"),
        ({"resume": "there.ckpt"}, "find_rate begins anew and leaves what is passed in as it was; leave resume out"),
        ({"lerning_rate": 1.0}, "unknown argument of find_rate 'lerning_rate'"),
        ({"sed": 1}, "unknown argument of find_rate 'sed'; did you mean 'seed'?"),
    ],
)
def test_settings_that_cannot_be(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        find_rate(NETWORK, X, y, **changed)
    assert message in str(caught.value)


def test_a_memory_is_refused_and_stays_as_it_was() -> None:
    memory = Memory()
    train(NETWORK, X, y, epochs=1, memory=memory)
    updates = memory.updates
    with pytest.raises(UsageError, match="leave memory out"):
        find_rate(NETWORK, X, y, memory=memory)
    assert memory.updates == updates


@pytest.mark.parametrize(
    ("rows", "error", "message"),
    [
        (None, DataError, "X is NoneType; expected rows of numbers"),
        (5, ShapeError, r"X has shape \(\); the network takes rows of 3 numbers"),
        (np.array(5.0), ShapeError, r"X has shape \(\)"),
        (object(), DataError, "X is object; expected rows of numbers"),
    ],
)
def test_what_is_no_matrix(rows: Any, error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        find_rate(NETWORK, rows, y)


def test_lbfgs_has_no_rate() -> None:
    with pytest.raises(UnknownName, match="unknown optimizer 'lbfgs'"):
        find_rate(NETWORK, X, y, optimizer="lbfgs")


def test_how_it_shows() -> None:
    found = RateSearch(np.array([0.1, 1.0, 2.0]), np.ones(3), np.array([2.0, 1.0, 3.0]), "")
    assert repr(found) == "RateSearch(3 batches, rates 0.1 to 2: 0.1)"
