"""Callbacks that change the learning rate: both engines follow, the history shows it, and plateaus are counted."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from chainrule import SGD, Network, ReduceOnPlateau, train
from chainrule.errors import UnknownName, UsageError

RNG = np.random.default_rng(8)
X = RNG.normal(size=(24, 3))
y = RNG.integers(0, 2, 24)
NETWORK = Network.from_sizes([3, 4, 2], hidden="tanh", output="softmax")


@pytest.mark.parametrize("engine", ["reference", "compiled"])
@pytest.mark.parametrize("batch_size", [8, 24])
@pytest.mark.parametrize("schedule", ["constant", "exponential"])
def test_a_factor_is_that_of_other_rates(engine: str, batch_size: int, schedule: str) -> None:
    """Epochs at a factor are those that a training with that rate makes, bit for bit."""
    settings: dict[str, Any] = {"batch_size": batch_size, "engine": engine, "schedule": schedule, "metrics": ()}
    halve = SimpleNamespace(rate_factor=lambda info: 0.5 if info.epoch > 1 else 1.0)
    model = train(NETWORK, X, y, optimizer=SGD(0.5), epochs=3, callbacks=halve, **settings)
    always = [SimpleNamespace(rate_factor=lambda info: 0.25), SimpleNamespace(rate_factor=lambda info: 2.0)]
    slow = train(NETWORK, X, y, optimizer=SGD(0.5), epochs=3, callbacks=always, **settings)
    slow_rate = train(NETWORK, X, y, optimizer=SGD(0.25), epochs=3, **settings)
    assert slow.theta.tobytes() == slow_rate.theta.tobytes()
    assert slow.history["rate"] == slow_rate.history["rate"]
    watched = SimpleNamespace(epoch=lambda info: None)
    plain = train(NETWORK, X, y, optimizer=SGD(0.5), epochs=3, callbacks=watched, **settings)
    assert model.history["loss"][0] == plain.history["loss"][0]
    assert model.history["loss"][2] != plain.history["loss"][2]
    assert model.history["rate"] == [plain.history["rate"][0], *(0.5 * rate for rate in plain.history["rate"][1:])]


def test_going_on_by_hand_comes_to_the_same() -> None:
    halve = SimpleNamespace(rate_factor=lambda info: 0.5 if info.epoch > 2 else 1.0)
    model = train(NETWORK, X, y, optimizer=SGD(0.5), batch_size=5, epochs=5, callbacks=halve)
    first = train(NETWORK, X, y, optimizer=SGD(0.5), batch_size=5, epochs=2)
    second = train(first, X, y, optimizer=SGD(0.25), batch_size=5, epochs=3)
    assert model.theta.tobytes() == second.theta.tobytes()
    assert model.history["rate"] == second.history["rate"]


@pytest.mark.parametrize("answer", [0, -1.0, float("nan"), float("inf"), None, "0.5", True])
def test_factors_that_cannot_be(answer: Any) -> None:
    with pytest.raises(UsageError, match="expected a finite number above 0, by which learning rates are multiplied"):
        train(NETWORK, X, y, epochs=2, callbacks=SimpleNamespace(rate_factor=lambda info: answer))


def rates(told: list[float], lower: ReduceOnPlateau, name: str = "score") -> tuple[list[float], str]:
    values = iter(told)
    model = train(
        NETWORK,
        X,
        y,
        optimizer=SGD(1.0),
        epochs=len(told),
        metrics={name: lambda *_: next(values)},
        callbacks=lower,
    )
    assert model.history is not None
    return model.history["rate"], model.history.stopped


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ([5, 4, 3, 2, 1, 0], [1, 1, 1, 1, 1, 1]),
        ([5, 5, 5, 5, 5, 5], [1, 1, 1, 0.5, 0.5, 0.25]),
        ([5, 6, 4, 5, 5, 3], [1, 1, 1, 1, 1, 0.5]),
        ([5, 4.95, 4.85, 4.8, 4.79, 0], [1, 1, 1, 1, 1, 0.5]),
        ([float("nan")] * 4, [1, 1, 0.5, 0.5]),
        ([5, float("nan"), float("nan"), 4], [1, 1, 1, 0.5]),
    ],
)
def test_plateaus_are_counted(told: list[float], expected: list[float]) -> None:
    """With a patience of two: the rate falls after the second epoch that is no better than the best by 0.1."""
    found, stopped = rates(told, ReduceOnPlateau("score", factor=0.5, patience=2, least_change=0.1))
    assert found == expected
    assert stopped == f"all {len(told)} epochs done"


def test_higher_may_be_better() -> None:
    lower = ReduceOnPlateau("accuracy", factor=0.5, patience=1, least_change=0)
    assert rates([1, 2, 3, 3, 4], lower, "accuracy")[0] == [1, 1, 1, 1, 0.5]
    lower = ReduceOnPlateau("score", factor=0.5, patience=1, better="higher")
    assert rates([1, 2, 3, 3, 4], lower)[0] == [1, 1, 1, 1, 0.5]
    assert rates([1, 1, 1, 1, 1], lower)[0] == [1, 1, 0.5, 0.25, 0.125]  # a second training begins anew


def test_it_stops_at_the_smallest_rate() -> None:
    """As scikit-learn's "adaptive": 1, 0.2, 0.04, 0.008, ..., and the end where 1e-6 would have to be lowered."""
    found, stopped = rates([1.0] * 100, ReduceOnPlateau("score"))
    assert found == pytest.approx([1.0] * 3 + [0.2**k for k in range(1, 10) for _ in range(2)])
    assert stopped == "the learning rate is down to 5.12e-07, and score has not improved for 2 epochs"


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"factor": 1.0}, "factor is 1.0"),
        ({"factor": "0.5"}, "factor is '0.5'"),
        ({"smallest": -1e-9}, "smallest is -1e-09"),
        ({"patience": 0}, "patience is 0"),
        ({"least_change": -1}, "least_change is -1"),
        ({"monitor": 5}, "monitor is 5"),
        ({"better": "more"}, "better is 'more'"),
    ],
)
def test_settings_that_cannot_be(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        ReduceOnPlateau(**changed)
    assert message in str(caught.value)


def test_a_series_that_is_not_there() -> None:
    with pytest.raises(UnknownName, match="unknown series to monitor 'validation_loss'"):
        train(NETWORK, X, y, callbacks=ReduceOnPlateau("validation_loss"))
