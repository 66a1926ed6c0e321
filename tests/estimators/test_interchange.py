"""Models handed to scikit-learn: its networks predict what the models predict, and train on from there."""

from __future__ import annotations

import copy
import pickle
import warnings
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from chainrule import Model, Network, TableEncoder, TargetEncoder, from_sklearn, to_sklearn, train
from chainrule.errors import UsageError

X = np.random.default_rng(0).normal(size=(60, 5))
TARGETS: dict[str, Any] = {
    "binary": np.where(X[:, 0] > 0, "yes", "no"),
    "multiclass": np.digitize(X[:, 0] + X[:, 1], [-0.5, 0.5]) * 10,
    "multilabel": (X[:, :3] + X[:, 2:] > 0).astype(int),
    "value": X @ [1.0, 2.0, 0.0, -1.0, 0.5],
    "values": X[:, :2] ** 2,
}
OUTPUTS = {
    "binary": (1, "sigmoid"),
    "multiclass": (3, "softmax"),
    "multilabel": (3, "sigmoid"),
    "values": (2, "identity"),
}


def trained(task: str, hidden: str = "relu", **settings: Any) -> Model:
    outputs, activation = OUTPUTS.get(task, (1, "identity"))
    network = Network.from_sizes([5, 7, 4, outputs], hidden=hidden, output=activation, dropout=0.1)
    return train(network, X, TARGETS[task], epochs=5, **settings)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("hidden", ["identity", "sigmoid", "tanh", "relu"])
@pytest.mark.parametrize("task", TARGETS)
def test_predictions_agree(task: str, hidden: str, dtype: str) -> None:
    ours = trained(task, hidden, dtype=dtype)
    theirs, rows = to_sklearn(ours), X.astype(dtype)
    theirs.score(rows, TARGETS[task])
    if task.startswith("value"):
        np.testing.assert_allclose(theirs.predict(rows), ours.predict(rows), atol=1e-5)
    else:
        assert np.array_equal(theirs.predict(rows), ours.predict(rows))
        np.testing.assert_allclose(theirs.predict_proba(rows), ours.predict_proba(rows), atol=1e-6)
        assert theirs.predict(rows).dtype.kind == np.asarray(TARGETS[task]).dtype.kind
    assert {array.dtype for array in theirs.coefs_ + theirs.intercepts_} == {np.dtype(dtype)}
    back = from_sklearn(theirs)
    assert np.array_equal(back.theta, ours.theta)
    assert back.classes == ours.classes


@pytest.mark.parametrize("task", TARGETS)
def test_goes_on_learning(task: str) -> None:
    ours = trained(task)
    before = ours.theta.copy()
    theirs = pickle.loads(pickle.dumps(copy.deepcopy(to_sklearn(ours))))
    for _ in range(30):
        theirs.partial_fit(X, TARGETS[task])
    assert (
        from_sklearn(theirs).evaluate(X, TARGETS[task])["loss"]
        < from_sklearn(to_sklearn(ours)).evaluate(X, TARGETS[task])["loss"]
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        again = to_sklearn(ours).set_params(warm_start=True, max_iter=1, learning_rate_init=1e-9)
        again.fit(X, TARGETS[task])
    np.testing.assert_allclose(from_sklearn(again).theta, before, atol=1e-6)  # it did not begin anew
    assert np.array_equal(ours.theta, before)
    clone(theirs)


def test_a_scaled_target_is_multiplied_out() -> None:
    y = 1000 + 50 * TARGETS["values"]
    ours = train(Network.from_sizes([5, 4, 2]), X, y, epochs=5, target=TargetEncoder.fit(y, kind="values"))
    np.testing.assert_allclose(to_sklearn(ours).predict(X), ours.predict(X), rtol=1e-12)


def test_counts_agree() -> None:
    network = Network.from_sizes([5, 4, 1], output="exponential")
    ours = train(network, X, np.abs(TARGETS["value"]).round(), epochs=5, loss="poisson")
    theirs = to_sklearn(ours)
    np.testing.assert_allclose(theirs.predict(X), ours.predict(X), rtol=1e-12)
    assert theirs.loss == "poisson"


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: train(Network.from_sizes([5, 4, 1], batch_norm=True), X, X[:, 0], epochs=1), "batch normalization"),
        (lambda: train(Network.from_sizes([5, 4, 1], hidden="gelu"), X, X[:, 0], epochs=1), "activations gelu"),
        (lambda: train(Network.from_sizes([5, 2], output="softmax"), X, TARGETS["binary"], epochs=1), "2 outputs with"),
        (lambda: train(Network.from_sizes([5, 1], output="tanh"), X, X[:, 0], epochs=1), "1 outputs with tanh"),
        (lambda: train(Network.from_sizes([5, 1]), X, X[:, 0], epochs=1, encoder=TableEncoder.fit(X)), "an encoder"),
        (lambda: Network.from_sizes([5, 1]).init(), "no target"),
    ],
)
def test_what_scikit_learn_lacks_is_refused(make: Any, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        to_sklearn(make())


def test_an_untrained_model_is_told_what_it_needs() -> None:
    with pytest.raises(UsageError) as caught:
        to_sklearn(Network.from_sizes([5, 1]).init())
    assert "not known what its outputs mean; train it, or set model.target" in str(caught.value)
    assert "scikit-learn's networks" not in str(caught.value)
