"""What is measured: the validation part in each of its forms, metrics by name, and the names of the series."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from chainrule import L2, SGD, Network, train
from chainrule.engines import ENGINES, reference
from chainrule.errors import DataError, ShapeError, UnknownName, UsageError

RNG = np.random.default_rng(2)
X = RNG.normal(size=(60, 3))
y = np.repeat([0, 1, 2], [30, 20, 10])
NETWORK = Network.from_sizes([3, 5, 3], hidden="tanh", output="softmax")
VALUES = Network.from_sizes([3, 5, 1], hidden="tanh")


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """An engine named "spy" notes what it is asked to measure: the verb and the number of rows."""
    notes: list[tuple[str, int]] = []

    def predict(network: Any, theta: Any, state: Any, X: Any) -> Any:
        notes.append(("predict", len(X)))
        return reference.predict(network, theta, state, X)

    def loss(objective: Any, theta: Any, state: Any, X: Any, *rest: Any) -> Any:
        notes.append(("loss", len(X)))
        return reference.loss(objective, theta, state, X, *rest)

    spy: Any = SimpleNamespace(name="spy", predict=predict, loss=loss, epoch=reference.epoch, gradient=None)
    monkeypatch.setitem(ENGINES, "spy", spy)
    return notes


def test_series_of_each_kind() -> None:
    model = train(NETWORK, X, y, epochs=2)
    assert list(model.history) == ["loss", "accuracy", "rate", "seconds"]
    model = train(NETWORK, X, y, epochs=2, validation=0.2, penalties=L2(0.1))
    names = ["loss", "penalty", "accuracy", "validation_loss", "validation_accuracy", "rate", "seconds"]
    assert list(model.history) == names
    model = train(VALUES, X, X[:, 0], epochs=2, validation=0.2, metrics=("mae", "r2"))
    expected = ["loss", "mae", "r2", "validation_loss", "validation_mae", "validation_r2", "rate", "seconds"]
    assert list(model.history) == expected
    assert model.history.epochs == 2
    assert all(seconds > 0 for seconds in model.history["seconds"])


def test_measured_after_the_epoch_on_the_whole_part() -> None:
    inside, outside = (X[:40], y[:40]), (X[40:], y[40:], np.arange(1.0, 21.0))
    weights = np.linspace(1, 2, 40)
    model = train(NETWORK, *inside, weights=weights, validation=outside, epochs=3, penalties=L2(0.1))
    training, held_out = model.evaluate(*inside, weights), model.evaluate(*outside)
    assert model.history["accuracy"][-1] == training["accuracy"]
    assert model.history["validation_accuracy"][-1] == held_out["accuracy"]
    assert model.history["validation_loss"][-1] == held_out["loss"]  # without the penalty
    assert model.history["loss"][-1] != training["loss"]  # measured on the way, before each update


def test_regression_is_measured_in_the_targets_own_unit() -> None:
    from chainrule import TargetEncoder

    values = 1000 + 50 * X[:, 0]
    target = TargetEncoder.fit(values, kind="values", standardize=True)
    model = train(VALUES, X, values, target=target, epochs=1, metrics="rmse")
    assert 20 < model.history["rmse"][0] < 120
    assert model.history["rmse"][0] == pytest.approx(model.evaluate(X, values)["rmse"], rel=1e-12)


def test_a_share_is_seeded_and_stratified() -> None:
    parts = {}
    for seed in (0, 0, 1):
        model = train(NETWORK, X, y, epochs=1, validation=0.3, seed=seed, batch_size=99, metrics=())
        parts.setdefault(seed, set()).add(model.history["validation_loss"][0])
        assert model.settings["rows"] == 42
    assert [len(losses) for losses in parts.values()] == [1, 1]
    assert parts[0] != parts[1]


def test_a_share_keeps_the_classes_shares(seen: list[tuple[str, int]]) -> None:
    """Whatever the seed, 9 + 6 + 3 rows are set aside: always answering the first class is right for half of them."""
    network = Network.from_sizes([3, 3], output="softmax", initializer="zeros")
    start = network.init()
    start["b1"] = [9.0, 0.0, 0.0]
    for seed in range(5):
        model = train(start, X, y, epochs=1, validation=0.3, seed=seed, optimizer=SGD(1e-9), engine="spy")
        assert model.history["validation_accuracy"] == [0.5]
    assert ("loss", 18) in seen


def test_labels_in_text_are_stratified_and_validated() -> None:
    names = np.array(["ant", "bee", "cat"])[y]
    model = train(NETWORK, X, names, epochs=1, validation=0.3, seed=4)
    by_number = train(NETWORK, X, y, epochs=1, validation=0.3, seed=4)
    assert model.history["validation_loss"] == by_number.history["validation_loss"]
    given = train(NETWORK, X, names, epochs=1, validation=(X[:2], ["cat", "ant"]))
    assert len(given.history["validation_loss"]) == 1


def test_no_metrics_cost_no_pass(seen: list[tuple[str, int]]) -> None:
    model = train(NETWORK, X, y, epochs=3, batch_size=60, metrics=(), engine="spy")
    assert list(model.history) == ["loss", "rate", "seconds"]
    assert seen == [("loss", 60)]  # once, at the end: is the model sound?
    seen.clear()
    train(NETWORK, X, y, epochs=3, batch_size=60, metrics=(), engine="spy", validation=(X[:7], y[:7]))
    assert seen == [("loss", 7)] * 3 + [("loss", 60)]
    seen.clear()
    train(NETWORK, X, y, epochs=2, batch_size=50, engine="spy")
    assert seen == [("predict", 60)] * 2 + [("loss", 60)]
    assert model.history.engine == "spy"


@pytest.mark.parametrize(
    ("validation", "kind", "message"),
    [
        (0.0, UsageError, "validation is 0.0"),
        (1, UsageError, "validation is 1"),
        (True, UsageError, "validation is True"),
        ("a tenth", UsageError, "'a tenth'"),
        ((X,), UsageError, "1 parts"),
        ((X, y, None, None), UsageError, "4 parts"),
        ((X[:0], y[:0]), DataError, "no rows"),
        ((X[:, :2], y), ShapeError, "(60, 2)"),
        ((X, y[:59]), ShapeError, "59"),
        ((X, y + 1), DataError, "label 3"),
        (1e-3, ShapeError, "60 rows are too few"),
    ],
)
def test_validation_that_cannot_be(validation: Any, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind) as caught:
        train(NETWORK, X, y, validation=validation)
    assert message in str(caught.value)


@pytest.mark.parametrize("given", [np.float32(0.25), np.float64(0.25), 0.25])
def test_shares_of_any_number_type(given: Any) -> None:
    assert train(NETWORK, X, y, epochs=1, validation=given).settings["rows"] == 45


@pytest.mark.parametrize("share", [False, True])
def test_validation_inputs_that_are_not_finite_are_named(share: bool) -> None:
    """By the row of what was given, also where the part was drawn."""
    bad = X.copy()
    bad[:, 1] = np.nan
    with pytest.raises(DataError) as caught:
        train(NETWORK, bad if share else X, y, validation=0.3 if share else (bad[20:], y[20:]))
    assert "column 1" in str(caught.value)
    assert caught.value.fields["column"] == 1
    if share:
        only = X.copy()
        only[caught.value.fields["row"], 1] = np.inf  # this one is in the validation part
        with pytest.raises(DataError) as again:
            train(NETWORK, only, y, validation=0.3)
        assert again.value.fields["row"] == caught.value.fields["row"]
        assert train(NETWORK, only, y, validation=0.3, epochs=1, check_finite=False).history.epochs == 1


@pytest.mark.parametrize(
    ("network", "wanted", "message"),
    [
        (NETWORK, ["accurracy"], "did you mean 'accuracy'"),
        (NETWORK, ["rmse"], "unknown classification metric 'rmse'"),
        (VALUES, "accuracy", "unknown regression metric 'accuracy'"),
    ],
)
def test_metrics_that_do_not_fit(network: Network, wanted: Any, message: str) -> None:
    with pytest.raises(UnknownName) as caught:
        train(network, X, y if network is NETWORK else X[:, 0], metrics=wanted)
    assert message in str(caught.value)


def test_several_yes_or_no_outputs() -> None:
    network = Network.from_sizes([3, 5, 3], hidden="tanh", output="sigmoid")
    several = (X > 0).astype(int)
    model = train(network, X, several, epochs=3, validation=0.25, batch_size=8)
    assert model.task == "multilabel"
    assert 0 < model.history["validation_accuracy"][-1] <= 1
    assert model.history["accuracy"][-1] != model.history["validation_accuracy"][-1]
    assert model.settings["rows"] == 45
