"""Label smoothing: the loss is PyTorch's formula, written out here; what is measured stays that of the true labels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from chainrule import SGD, Network, train
from chainrule.errors import UsageError

RNG = np.random.default_rng(9)
X = RNG.normal(size=(30, 3))
y = RNG.integers(0, 4, 30)
NETWORK = Network.from_sizes([3, 5, 4], hidden="tanh", output="softmax")


def log_softmax(Z: Any) -> Any:
    Z = Z - Z.max(axis=1, keepdims=True)
    return Z - np.log(np.exp(Z).sum(axis=1, keepdims=True))


@pytest.mark.parametrize("engine", ["reference", "compiled"])
@pytest.mark.parametrize("s", [0.0, 0.1, 0.7])
def test_softmax(engine: str, s: float) -> None:
    """(1 - s) times the log loss of the label plus s times the mean log loss over all classes."""
    start = NETWORK.init(3)
    settings: dict[str, Any] = {"batch_size": 30, "epochs": 1, "optimizer": SGD(0.1), "engine": engine}
    model = train(start, X, y, label_smoothing=s, validation=(X, y), **settings)
    logs = -log_softmax(start.forward(X).Z[2])
    expected = np.mean((1 - s) * logs[np.arange(30), y] + s * logs.mean(axis=1))
    assert model.history["loss"][0] == pytest.approx(expected, rel=1e-12)
    after = model.evaluate(X, y)
    assert model.history["validation_loss"][0] == pytest.approx(after["loss"], rel=1e-12)  # of the true labels
    assert model.history["accuracy"] == model.history["validation_accuracy"] == [after["accuracy"]]
    assert model.settings["label_smoothing"] == s


@pytest.mark.parametrize("outputs", [1, 3])
def test_sigmoid(outputs: int) -> None:
    """One probability, or several yes-or-no answers: each target y becomes (1 - s) y + s / 2."""
    network, s = Network.from_sizes([3, outputs], output="sigmoid"), 0.3
    Y = (X[:, :outputs] > 0).astype(float)
    start = network.init(1)
    model = train(start, X, Y if outputs > 1 else Y[:, 0], label_smoothing=s, batch_size=30, epochs=1)
    A, T = start.outputs(X), (1 - s) * Y + s / 2
    expected = -np.sum(T * np.log(A) + (1 - T) * np.log(1 - A), axis=1).mean()
    assert model.history["loss"][0] == pytest.approx(expected, rel=1e-12)


def test_confidence_ends_where_the_targets_do() -> None:
    """A network that fits every row comes to the probabilities (1 - s) + s / k and s / k."""
    network, inputs = Network.from_sizes([4, 4], output="softmax"), np.eye(4)
    model = train(network, inputs, range(4), label_smoothing=0.2, batch_size=4, epochs=3000, optimizer=SGD(2.0))
    np.testing.assert_allclose(model.predict_proba(inputs), 0.8 * np.eye(4) + 0.05, atol=1e-6)
    assert model.history["accuracy"][-1] == 1


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_number_type_stays_and_zero_changes_nothing(dtype: str) -> None:
    targets = np.eye(4, dtype=dtype)[y]
    kept = targets.copy()
    model = train(NETWORK, X, targets, label_smoothing=0.1, dtype=dtype, epochs=1)
    assert model.theta.dtype == dtype
    np.testing.assert_array_equal(targets, kept)
    plain, zero = (train(NETWORK, X, y, dtype=dtype, epochs=2, **more) for more in ({}, {"label_smoothing": 0}))
    assert plain.theta.tobytes() == zero.theta.tobytes() != model.theta.tobytes()


@pytest.mark.parametrize("s", [-0.1, 1, 1.0, float("nan"), "0.1", True, None])
def test_shares_that_cannot_be(s: Any) -> None:
    with pytest.raises(UsageError, match="label_smoothing is .*; it must be a number of 0 or more and below 1"):
        train(NETWORK, X, y, label_smoothing=s)


def test_values_have_no_labels() -> None:
    line = Network.from_sizes([3, 1])
    with pytest.raises(UsageError, match="label_smoothing is for labels"):
        train(line, X, X[:, 0], label_smoothing=0.1)
    assert train(line, X, X[:, 0], epochs=1).settings["label_smoothing"] == 0
