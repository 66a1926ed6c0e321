"""The diagnosis: trainings that have one illness each, and healthy ones, in which nothing severe may be found."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from scipy.sparse import csr_array

from chainrule import (
    SGD,
    Adam,
    BatchNorm,
    Dense,
    Dropout,
    EarlyStopping,
    Model,
    Network,
    TableEncoder,
    TimeLimit,
    UpdateRatios,
    data,
    diagnose_training,
    train,
)
from chainrule.errors import DataError, ShapeError
from chainrule.history import History
from chainrule.training import Diagnosis

Array = npt.NDArray[Any]


@functools.cache
def standardized(name: str) -> tuple[Array, Array]:
    dataset = data.load(name)
    X = np.asarray(dataset.X, dtype=float)
    deviation = X.std(axis=0)
    return (X - X.mean(axis=0)) / np.where(deviation > 0, deviation, 1), dataset.y


def network_for(name: str, hidden: str = "relu", units: int = 16) -> Network:
    X, y = standardized(name)
    return Network.from_sizes([X.shape[1], units, len(np.unique(y))], hidden, "softmax")


def examine(network: Network | Model, X: Any, y: Any, **settings: Any) -> Diagnosis:
    ratios = UpdateRatios()
    model = train(network, X, y, callbacks=[ratios, *settings.pop("callbacks", [])], **settings)
    return diagnose_training(model, X, y, updates=ratios)


@dataclass
class Ill:
    """A training with one illness.

    Args:
        key: of the one finding that is severe.
        start: gives the network or model, the rows and the targets.
        settings: of the training.
        layer: that the finding names.
    """

    key: str
    start: Callable[[], tuple[Network | Model, Any, Any]]
    settings: dict[str, Any]
    layer: int | None = None


def with_dead_neurons() -> tuple[Model, Array, Array]:
    model = network_for("digits", units=30).init(seed=0)
    model.b[1] = np.full(30, -100.0)
    return model, *standardized("digits")


def with_large_weights(hidden: str, times: float = 100.0) -> tuple[Model, Array, Array]:
    model = network_for("digits", hidden, units=30).init(seed=0)
    model.W[1] = model.W[1] * times
    return model, *standardized("digits")


def with_large_column() -> tuple[Network, Array, Array]:
    X, y = standardized("breast-cancer")
    X = X.copy()
    X[:, 3] *= 1e4
    return network_for("breast-cancer"), X, y


def with_large_targets() -> tuple[Network, Array, Array]:
    X, _ = standardized("diabetes")
    return Network.from_sizes([10, 16, 1], "tanh"), X, data.load("diabetes").y


def with_rare_class() -> tuple[Network, Array, list[str]]:
    rng = np.random.default_rng(1)
    rare = rng.random(2000) < 0.01
    X = rng.normal(size=(2000, 5)) + 0.5 * rare[:, np.newaxis]
    return Network.from_sizes([5, 16, 2], "relu", "softmax"), X, np.where(rare, "ill", "well").tolist()


def with_random_labels() -> tuple[Network, Array, Array]:
    rng = np.random.default_rng(2)
    return Network.from_sizes([10, 100, 2], "relu", "softmax"), rng.normal(size=(200, 10)), rng.integers(0, 2, 200)


def without_a_link() -> tuple[Network, Array, Array]:
    rng = np.random.default_rng(4)
    return Network.from_sizes([4, 4, 2], "tanh", "softmax"), rng.normal(size=(2000, 4)), rng.integers(0, 2, 2000)


def deep() -> tuple[Network, Array, Array]:
    return Network.from_sizes([64, *[30] * 8, 10], "sigmoid", "softmax"), *standardized("digits")


def plain(name: str, hidden: str) -> Callable[[], tuple[Network, Array, Array]]:
    return lambda: (network_for(name, hidden), *standardized(name))


ILLNESSES = {
    "dead ReLUs": Ill("dead_units", with_dead_neurons, {"epochs": 6}, layer=1),
    "saturated tanh": Ill("saturated_units", lambda: with_large_weights("tanh"), {"epochs": 6}, layer=1),
    "saturated sigmoid": Ill("saturated_units", lambda: with_large_weights("sigmoid", 1000), {"epochs": 6}, layer=1),
    "one column times 10,000": Ill("unscaled_inputs", with_large_column, {"epochs": 10}),
    "large targets": Ill("unscaled_targets", with_large_targets, {"epochs": 10}),
    "rate too low, SGD": Ill("rate_too_low", plain("iris", "relu"), {"optimizer": SGD(1e-6), "epochs": 20}),
    "rate too low, Adam": Ill("rate_too_low", plain("breast-cancer", "tanh"), {"optimizer": Adam(1e-6), "epochs": 10}),
    "rate too high, tanh": Ill("rate_too_high", plain("iris", "tanh"), {"optimizer": SGD(10.0), "epochs": 20}),
    "rate too high, relu": Ill("rate_too_high", plain("iris", "relu"), {"optimizer": SGD(10.0), "epochs": 20}),
    "99 : 1": Ill("imbalance", with_rare_class, {"epochs": 15, "optimizer": SGD(0.1)}),
    "random labels": Ill("overfitting", with_random_labels, {"optimizer": Adam(0.01), "epochs": 60, "validation": 0.3}),
    "nothing to learn": Ill("nothing_learnt", without_a_link, {"epochs": 15, "optimizer": Adam(0.003)}),
    "eight layers of sigmoids": Ill("vanishing_gradient", deep, {"optimizer": SGD(0.1), "epochs": 5}, layer=1),
}


@pytest.mark.parametrize("name", ILLNESSES)
def test_one_illness_is_named_and_no_other(name: str) -> None:
    ill = ILLNESSES[name]
    found = examine(*ill.start(), **ill.settings)
    assert [(finding.key, finding.layer) for finding in found.severe] == [(ill.key, ill.layer)]
    (finding,) = found.severe
    assert finding.figures
    assert finding.remedy


@pytest.mark.parametrize("name", ["rate too low, SGD", "99 : 1", "dead ReLUs", "one column times 10,000"])
def test_the_ratios_of_updates_are_not_needed(name: str) -> None:
    ill = ILLNESSES[name]
    start, X, y = ill.start()
    model = train(start, X, y, **ill.settings)
    found = diagnose_training(model, X, y)
    assert [finding.key for finding in found.severe] == [ill.key]
    assert np.isnan(found.layers[0].update)


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("optimizer", ["adam", SGD(0.1)], ids=str)
@pytest.mark.parametrize("hidden", ["relu", "tanh"])
@pytest.mark.parametrize("name", ["iris", "breast-cancer", "digits"])
def test_healthy_trainings_raise_no_alarm(name: str, hidden: str, optimizer: Any, seed: int) -> None:
    X, y = standardized(name)
    settings = {"epochs": 10 if name == "digits" else 30, "validation": 0.2, "seed": seed, "optimizer": optimizer}
    found = examine(network_for(name, hidden, units=30), X, y, **settings)
    assert found.severe == ()
    assert {finding.key for finding in found} <= {"still_falling", "constant_inputs"}


@pytest.mark.parametrize(
    "network",
    [
        Network.from_sizes([30, 16, 16, 2], "relu", "softmax", batch_norm=True, dropout=0.2),
        Network([BatchNorm(), Dense(8, "sigmoid"), Dense(1, "sigmoid")], inputs=30),
        Network.from_sizes([30, 2], output="softmax"),
        Network.from_sizes([30, 12, 2], "gelu", "softmax", bias="layer"),
        Network.from_sizes([30, 12, 2], "leaky_relu", "softmax", bias="none"),
    ],
    ids=lambda network: repr(network)[:60],
)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_other_networks_raise_no_alarm(network: Network, dtype: str) -> None:
    X, y = standardized("breast-cancer")
    found = examine(network, X, y, epochs=15, optimizer=Adam(0.01), dtype=dtype)
    assert found.severe == ()
    assert [signs.layer for signs in found.layers] == list(range(1, network.depth + 1))


def test_nothing_found_is_said() -> None:
    X, y = standardized("breast-cancer")
    found = examine(network_for("breast-cancer"), X, y, epochs=100, optimizer=SGD(0.1))
    assert len(found) == 0
    assert found
    assert str(found).splitlines() == [
        "Looked at 569 rows and 2 layers; 100 epochs, ended: all 100 epochs done.",
        "Nothing out of the ordinary was measured.",
    ]
    assert "Nothing out of the ordinary" in str(found.table())


def test_what_follows_from_a_cause_is_mild() -> None:
    """Dead neurons keep a network from learning: that nothing was learnt is told, but is no second illness."""
    ill = ILLNESSES["dead ReLUs"]
    found = examine(*ill.start(), **ill.settings)
    assert found["nothing_learnt"].severity == "mild"
    assert [finding.severity for finding in found] == sorted(
        (finding.severity for finding in found), key=["severe", "mild", "note"].index
    )


def test_figures_are_those_that_were_measured() -> None:
    start, X, y = with_dead_neurons()
    model = start
    model.b[1] = np.where(np.arange(30) < 21, -100.0, 0.0)
    ratios = UpdateRatios()
    trained = train(model, X, y, epochs=1, callbacks=ratios)
    found = diagnose_training(trained, X, y, updates=ratios)
    A = trained.forward(X).A[1]
    dead = int((A == 0).all(axis=0).sum())
    assert 21 <= dead < 30
    assert found["dead_units"].figures == {"layer": 1, "dead": dead, "units": 30}
    assert f"{dead} of 30 relu neurons" in str(found)
    assert found.layers[0].dead == dead
    fit = trained.evaluate(X, y)["loss"]
    shares = np.bincount(y) / len(y)
    assert found.layers[1].error == 1
    nothing = examine(*ILLNESSES["dead ReLUs"].start(), epochs=2)["nothing_learnt"].figures
    assert nothing["constant"] == pytest.approx(-np.sum(shares * np.log(shares)), rel=1e-9)
    assert fit < nothing["constant"]


@pytest.mark.parametrize(
    "network",
    [
        Network.from_sizes([4, 5, 6, 3], "tanh", "softmax"),
        Network(
            [Dense(5, "tanh"), Dense(6, bias="none"), BatchNorm("tanh"), Dropout(0.2), Dense(3, "softmax")], inputs=4
        ),
    ],
    ids=["dense", "normalized"],
)
def test_the_error_of_each_layer_is_that_of_the_gradient(network: Network) -> None:
    """mean |D[l]|, by another way: dC/db[l], or dC/dbeta[l] of a normalized layer, of one row is D[l]."""
    X, y = standardized("iris")
    model = train(network, X, y, optimizer=Adam(0.01), epochs=3)
    found = diagnose_training(model, X, y)
    rows = [model.gradient(X[k : k + 1], y[k : k + 1]).parameters for k in range(len(X))]
    sizes = [np.mean([np.abs(row.beta.get(l, row.b[l])).mean() for row in rows]) for l in (1, 2, 3)]
    assert [signs.error for signs in found.layers] == pytest.approx([size / sizes[-1] for size in sizes], rel=1e-9)


def test_saturated_neurons_are_counted_by_their_slope() -> None:
    X = np.linspace(-1, 1, 100)[:, np.newaxis]
    model = Network.from_sizes([1, 4, 1], "tanh").init(seed=0)
    model.W[1] = [[0.1], [1.0], [0.0], [0.0]]
    model.b[1] = [0.0, 0.0, 3.0, -2.0]  # tanh(3) = 0.995, slope 0.01; tanh(-2) = -0.964, slope 0.07
    assert diagnose_training(model, X, X).layers[0].saturated == 1


def test_ratios_are_those_of_the_last_update() -> None:
    """One batch an epoch: the update of epoch t is theta after it less theta before."""
    X, y = standardized("iris")
    network, ratios = network_for("iris"), UpdateRatios()
    train(network, X, y, batch_size=150, optimizer=Adam(0.01), epochs=3, callbacks=ratios)
    runs = [network.init(seed=0)]
    runs += [train(network, X, y, batch_size=150, optimizer=Adam(0.01), epochs=k, seed=0) for k in (1, 2, 3)]
    for l in (1, 2):
        expected = [
            np.linalg.norm(after.W[l] - before.W[l]) / np.linalg.norm(before.W[l]) for before, after in pairwise(runs)
        ]
        assert ratios.by_layer[l] == pytest.approx(expected, rel=1e-9)
        assert ratios.median(l) == pytest.approx(np.median(expected), rel=1e-9)
        assert ratios.largest(l) == pytest.approx(max(expected), rel=1e-9)


@pytest.mark.parametrize("engine", ["reference", "compiled"])
def test_ratios_in_every_engine(engine: str) -> None:
    X, y = standardized("iris")
    ratios = UpdateRatios()
    train(network_for("iris"), X, y, optimizer=SGD(0.1), epochs=3, callbacks=ratios, engine=engine)
    assert len(ratios.by_layer[1]) == 3
    assert 1e-4 < ratios.median(1) < 0.1


def test_columns_that_are_constant_small_or_far_from_zero() -> None:
    X, y = standardized("breast-cancer")
    X = X.copy()
    X[:, 0], X[:, 1], X[:, 2] = 7.0, X[:, 1] * 1e-4, X[:, 2] * 0.1 + 5
    found = examine(network_for("breast-cancer"), X, y, epochs=5)
    assert found.severe == ()
    assert "1 of 30 input columns are the same in every row looked at: #0." in found["constant_inputs"].what
    assert "#1" in found["tiny_inputs"].what
    assert "#2; one of them has mean 5 and deviation 0.1" in found["offset_inputs"].what


def test_columns_go_by_their_names() -> None:
    X, y = standardized("iris")
    X = X * [1, 1, 1e4, 1]
    frame = pd.DataFrame(X, columns=["a", "b", "petals", "d"])
    encoder = TableEncoder.fit(frame, numbers="none")
    model = train(network_for("iris"), frame, y, encoder=encoder, epochs=2)
    assert "1 of 4 input columns are large: 'petals'" in diagnose_training(model, frame, y)["unscaled_inputs"].what


def test_a_normalized_input_may_have_any_scale() -> None:
    _, X, y = with_large_column()
    network = Network([BatchNorm(), Dense(8, "tanh"), Dense(1, "sigmoid")], inputs=30)
    assert "unscaled_inputs" not in examine(network, X, y, epochs=10, optimizer=Adam(0.01))


def test_sparse_rows_are_measured_as_dense_ones() -> None:
    X, y = standardized("iris")
    X = np.where(np.abs(X) < 0.5, 0.0, X) * [1, 1e3, 1, 1]
    model = train(network_for("iris"), X, y, epochs=3)
    dense, sparse = diagnose_training(model, X, y), diagnose_training(model, csr_array(X), y)
    assert [finding.key for finding in sparse] == [finding.key for finding in dense]
    for one, other in zip(sparse, dense, strict=True):
        assert one.figures == pytest.approx(other.figures, rel=1e-9)


@pytest.mark.parametrize("sparse", [False, True])
def test_gaps_are_named_and_left_out(sparse: bool) -> None:
    X, y = standardized("iris")
    model = train(network_for("iris"), X, y, epochs=3)
    X = X.copy()
    X[3, 1], X[9, 2] = np.nan, np.inf
    found = diagnose_training(model, csr_array(X) if sparse else X, y)
    assert found.severe[0].key == "not_finite"
    assert "2 of 4 input columns hold numbers that are not finite: #1, #2." in found.severe[0].what
    assert np.isfinite(found.layers[0].error)


def history_of(model: Model, **series: list[float]) -> Model:
    return replace(model, history=History(series={"loss": series["loss"], **series}))


def test_the_course_of_the_validation_loss() -> None:
    """The best epoch long ago is told where the last was kept, not where the best was."""
    X, y = standardized("iris")
    model = train(network_for("iris"), X, y, optimizer=Adam(0.01), epochs=40)
    course = {"loss": [1 / k for k in range(1, 11)], "validation_loss": [0.5, 0.3, 0.2, *[0.25] * 7]}
    found = diagnose_training(history_of(model, **course), X, y)
    assert found["past_best"].figures == {"best": 3, "epochs": 10, "lowest": 0.2, "last": 0.25}
    kept = history_of(model, **course)
    kept.history.best_epoch = 3
    assert "past_best" not in diagnose_training(kept, X, y)


def test_early_stopping_raises_no_alarm() -> None:
    X, y = standardized("breast-cancer")
    stop = EarlyStopping("validation_loss", patience=10)
    found = examine(network_for("breast-cancer"), X, y, epochs=300, validation=0.2, callbacks=[stop], optimizer="adam")
    assert found.severe == ()
    assert "early stopping" in str(found)


def test_a_training_that_was_cut_short() -> None:
    X, y = standardized("iris")
    found = examine(network_for("iris"), X, y, epochs=1000, callbacks=[TimeLimit(1e-9)])
    assert found["cut_short"].what == "Training was cut short after 1 of 1000 epochs: time limit of 1e-09 s."


def test_an_untrained_model() -> None:
    X, y = standardized("iris")
    found = diagnose_training(network_for("iris").init(seed=0), X, y)
    assert "the model is untrained" in str(found)
    assert found.epochs == 0


def test_a_rare_class_that_is_found_is_only_noted() -> None:
    rng = np.random.default_rng(1)
    y = (rng.random(2000) < 0.02).astype(int)
    X = rng.normal(size=(2000, 3)) + 8.0 * y[:, np.newaxis]
    found = examine(Network.from_sizes([3, 8, 1], "tanh", "sigmoid"), X, y, epochs=20, optimizer=Adam(0.01))
    assert found["imbalance"].severity == "note"
    assert found.severe == ()


@pytest.mark.parametrize(
    ("output", "loss", "values"),
    [("identity", "huber", 1), ("identity", "absolute_error", 2), ("softplus", "poisson", 1), ("sigmoid", None, 3)],
)
def test_other_tasks(output: str, loss: str | None, values: int) -> None:
    rng = np.random.default_rng(5)
    X = rng.normal(size=(200, 4))
    Y = np.exp(0.3 * X[:, :values])
    Y = (Y > 1).astype(int) if output == "sigmoid" else Y
    network = Network.from_sizes([4, 16, values], "tanh", output)
    found = examine(network, X, Y, loss=loss, epochs=100, optimizer=Adam(0.01))
    assert found.severe == ()
    broken = examine(network, X, Y, loss=loss, epochs=20, optimizer=Adam(1e-7))
    assert [finding.key for finding in broken.severe] == ["rate_too_low"]


def test_it_shows_itself() -> None:
    ill = ILLNESSES["dead ReLUs"]
    found = examine(*ill.start(), **ill.settings)
    assert max(map(len, str(found).splitlines())) <= 100
    assert found._repr_html_().count("<table>") == 2
    assert "30 of 30 relu neurons are dead" in found._repr_html_()
    assert "update / weight" in str(found.layer_table())
    described = found.describe()
    assert described["findings"][0]["key"] == "dead_units"
    assert described["findings"][0]["figures"]["dead"] == 30
    assert (described["rows"], described["epochs"], described["layers"][0]["dead"]) == (1797, 6, 30)
    with pytest.raises(KeyError):
        found["rate_too_high"]


def test_looking_changes_nothing() -> None:
    X, y = standardized("iris")
    model = train(network_for("iris"), X, y, epochs=3)
    theta, before = model.theta.copy(), X.copy()
    first, second = diagnose_training(model, X, y), diagnose_training(model, X, y)
    assert np.array_equal(model.theta, theta)
    assert np.array_equal(X, before)
    assert str(first) == str(second)


def test_watching_changes_no_bit() -> None:
    X, y = standardized("iris")
    watched = train(network_for("iris"), X, y, epochs=3, callbacks=UpdateRatios())
    assert np.array_equal(watched.theta, train(network_for("iris"), X, y, epochs=3).theta)


def test_rows_that_do_not_fit() -> None:
    X, y = standardized("iris")
    model = train(network_for("iris"), X, y, epochs=1)
    with pytest.raises(ShapeError):
        diagnose_training(model, X[:, :2], y)
    with pytest.raises(DataError):
        diagnose_training(model, X[:0], y[:0])
