"""The figures of the worked examples, computed independently, to the digits that the texts give."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from chainrule import SGD, Adam, Dense, Model, Network, data, train
from chainrule.training import Info

Array = npt.NDArray[Any]


# step-by-step: 2-2-2, sigmoid, half squared error, rate 0.5.


def example(bias: str) -> Model:
    model = Network.from_sizes([2, 2, 2], hidden="sigmoid", output="sigmoid", bias=bias).init()
    model["W1"], model["b1"] = [[0.15, 0.20], [0.25, 0.30]], 0.35
    model["W2"], model["b2"] = [[0.40, 0.45], [0.50, 0.55]], 0.60
    return model


def learn(model: Model, updates: int) -> Model:
    settings: dict[str, Any] = {"loss": "half_squared_error", "optimizer": SGD(0.5), "metrics": ()}
    return train(model, [[0.05, 0.10]], [[0.01, 0.99]], epochs=updates, **settings)


def error_of(model: Model) -> float:
    return model.evaluate([[0.05, 0.10]], [[0.01, 0.99]])["loss"]


def test_step_by_step_one_update() -> None:
    start = example("fixed")
    model = learn(start, 1)
    assert model.history["loss"][0] == pytest.approx(0.29837111, abs=5e-9)
    np.testing.assert_allclose(model.W[2], [[0.35891648, 0.40866619], [0.51130127, 0.56137012]], atol=5e-9, rtol=0)
    np.testing.assert_allclose(model.W[1], [[0.14978072, 0.19956143], [0.24975114, 0.29950229]], atol=5e-9, rtol=0)
    assert model.b[1].tolist() == [0.35, 0.35]
    assert model.b[2].tolist() == [0.60, 0.60]
    assert error_of(model) == pytest.approx(0.29102777, abs=5e-9)
    assert start.gradient([[0.05, 0.10]], [[0.01, 0.99]], loss="half_squared_error")["w5"] == pytest.approx(
        0.08216704, abs=5e-9
    )


@pytest.mark.parametrize(("bias", "expected"), [("fixed", 0.29102777), ("neuron", 0.28047145), ("layer", 0.28575089)])
def test_step_by_step_with_biases_of_each_kind(bias: str, expected: float) -> None:
    assert error_of(learn(example(bias), 1)) == pytest.approx(expected, abs=5e-9)


def test_step_by_step_ten_thousand_updates() -> None:
    model = learn(example("fixed"), 10_000)
    assert error_of(model) == pytest.approx(3.51018778e-05, abs=5e-14)
    np.testing.assert_allclose(model.outputs([[0.05, 0.10]])[0], [0.01591362, 0.98406427], atol=5e-9, rtol=0)
    assert model.history.updates == model.history.epochs == 10_000
    assert error_of(learn(example("neuron"), 10_000)) == pytest.approx(2.44756224e-06, abs=5e-15)


# linear-regression: 1/(2m) sum of squares, the bias as a column of ones.


def test_linear_regression() -> None:
    x, y = np.arange(1.0, 19.0), [2, 3, 3, 5, 8, 10, 10, 13, 15, 15, 16, 19, 19, 20, 22, 22, 25, 28]
    X = np.stack([np.ones(18), x], axis=1)
    start = Network([Dense(1, bias="none")], inputs=2).init()
    start["W1"] = [[1.0, 1.0]]

    def close_enough(info: Info) -> str | None:
        gradient = info.model.gradient(X, y, loss="half_squared_error").theta
        return "every component within 1e-5" if np.abs(gradient).max() <= 1e-5 else None

    model = train(
        start,
        X,
        y,
        loss="half_squared_error",
        optimizer=SGD(0.01),
        batch_size=18,
        epochs=10_000,
        metrics=(),
        callbacks=SimpleNamespace(epoch=close_enough),
    )
    assert model.history.updates == 4344
    assert model.history.stopped == "every component within 1e-5"
    np.testing.assert_allclose(model.W[1], [[0.13729871, 1.47677663]], atol=5e-9, rtol=0)
    closed_form = np.linalg.lstsq(X, np.array(y, dtype=float), rcond=None)[0]
    np.testing.assert_allclose(closed_form, [0.1372549, 1.47678019], atol=5e-8, rtol=0)


# gender: 2-2-1, example by example.


@pytest.mark.parametrize("seed", range(3))
def test_gender(seed: int) -> None:
    X, y = [(-2, -1), (25, 6), (17, 4), (-15, -6)], [1, 0, 0, 1]
    network = Network.from_sizes(
        [2, 2, 1], hidden="sigmoid", output="sigmoid", initializer="uniform", bias_initializer="uniform"
    )
    model = train(network, X, y, loss="squared_error", optimizer=SGD(0.1), batch_size=1, epochs=1000, seed=seed)
    assert model.history.updates == 4000
    assert model.evaluate(X, y)["loss"] < 0.003
    emily, frank = model.outputs([(-7, -3), (20, 2)])[:, 0]
    assert emily == pytest.approx(0.95, abs=0.02)
    assert frank == pytest.approx(0.04, abs=0.02)


# xor: 2-5-1, sigmoid, one example at a time.


@pytest.mark.parametrize("seed", range(3))
def test_xor(seed: int) -> None:
    X, y = [(0, 0), (0, 1), (1, 0), (1, 1)], [0, 1, 1, 0]
    network = Network.from_sizes([2, 5, 1], hidden="sigmoid", output="sigmoid", initializer="normal")
    model = train(
        network,
        X,
        y,
        loss="half_squared_error",
        optimizer=SGD(2.0),
        batch_size=1,
        epochs=2000,
        seed=seed,
        metrics=(),
    )
    assert np.round(model.predict(X)).tolist() == y
    assert np.abs(model.predict(X) - y).max() < 0.1


# deep-binary: 20-10-5-1 on the breast-cancer data, full batches, rate 0.1, He.


def test_deep_binary() -> None:
    found = data.load("breast-cancer")
    network = Network.from_sizes([30, 20, 10, 5, 1], hidden="relu", output="sigmoid", initializer="he_normal")
    accuracies = []
    for seed in range(3):
        parts = data.split(found.y, seed=seed, test=0.2, validation=0.0, stratify=True)
        mean, deviation = found.X[parts.train].mean(axis=0), found.X[parts.train].std(axis=0)
        X = (found.X - mean) / deviation
        model = train(
            network,
            X[parts.train],
            found.y[parts.train],
            optimizer=SGD(0.1),
            batch_size=len(parts.train),
            epochs=200,
            seed=seed,
        )
        first = next(epoch for epoch, value in enumerate(model.history["accuracy"], start=1) if value >= 0.92)
        assert first <= 50
        accuracies.append(model.evaluate(X[parts.test], found.y[parts.test])["accuracy"])
    assert np.mean(accuracies) >= 0.96


# softmax: iris.


def test_softmax() -> None:
    found = data.load("iris")
    network = Network.from_sizes([4, 8, 3], hidden="tanh", output="softmax")
    accuracies = []
    for seed in range(20):
        parts = data.split(found.y, seed=seed, test=0.3, validation=0.0, stratify=True)
        mean, deviation = found.X[parts.train].mean(axis=0), found.X[parts.train].std(axis=0)
        X = (found.X - mean) / deviation
        model = train(
            network, X[parts.train], found.y[parts.train], optimizer=Adam(0.01), epochs=60, seed=seed, metrics=()
        )
        accuracies.append(model.evaluate(X[parts.test], found.y[parts.test])["accuracy"])
    assert np.mean(accuracies) >= 0.95
