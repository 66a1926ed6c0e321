"""Models made of scikit-learn's fitted networks predict what these predict and descend where these descend."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline

import chainrule
from chainrule import SGD, check_parity, from_sklearn, load, save, train
from chainrule.errors import UnknownName, UsageError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 5))
# Targets by the kind of task.
TARGETS: dict[str, Any] = {
    "binary": np.where(X[:, 0] > 0, "yes", "no"),
    "multiclass": np.digitize(X[:, 0] + X[:, 1], [-0.5, 0.5]) * 10,
    "multilabel": (X[:, :3] + X[:, 2:] > 0).astype(int),
    "value": X @ [1.0, 2.0, 0.0, -1.0, 0.5],
    "values": X[:, :2] ** 2,
}


def fitted(task: str, activation: str = "tanh", dtype: type = np.float64, **settings: Any) -> Any:
    kind = MLPRegressor if task.startswith("value") or "loss" in settings else MLPClassifier
    estimator = kind(hidden_layer_sizes=(7, 4), activation=activation, alpha=0.0, random_state=1, **settings)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        y = TARGETS[task]
        return estimator.set_params(max_iter=20).fit(X.astype(dtype), np.abs(y) if "loss" in settings else y)


def outputs_of(estimator: Any, rows: Any) -> np.ndarray:
    proba = getattr(estimator, "predict_proba", None)
    return np.asarray(estimator.predict(rows) if proba is None else proba(rows))


def gradient_of(estimator: Any, rows: np.ndarray, y: Any) -> dict[str, np.ndarray]:
    """scikit-learn's own backward pass, by our names."""
    binarizer = getattr(estimator, "_label_binarizer", None)
    targets = np.asarray(y if binarizer is None else binarizer.transform(y)).reshape(len(rows), -1)
    layers = len(estimator.coefs_)
    activations, deltas = [rows, *[None] * layers], [None] * layers
    _, weights, biases = estimator._backprop(rows, targets, None, activations, deltas, [None] * layers, [None] * layers)
    found = {f"W{l + 1}": each.T for l, each in enumerate(weights)}
    return found | {f"b{l + 1}": each for l, each in enumerate(biases)}


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
@pytest.mark.parametrize("task", TARGETS)
def test_outputs_predictions_and_gradients_agree(task: str, activation: str, dtype: type) -> None:
    theirs = fitted(task, activation, dtype)
    ours, rows, y = from_sklearn(theirs), X.astype(dtype), TARGETS[task]
    assert ours.dtype == dtype
    parity = check_parity(ours, rows, outputs_of(theirs, rows), y, gradient_of(theirs, rows, y))
    assert parity.gradient is not None
    predicted = ours.predict(rows)
    assert predicted.shape == theirs.predict(rows).shape
    if task.startswith("value"):
        np.testing.assert_allclose(predicted, theirs.predict(rows), rtol=100 * np.finfo(dtype).eps, atol=1e-5)
    else:
        assert np.array_equal(predicted, theirs.predict(rows))
        np.testing.assert_allclose(ours.predict_proba(rows), theirs.predict_proba(rows), atol=1e-6)


def test_counts_agree() -> None:
    theirs = fitted("value", loss="poisson")
    ours, y = from_sklearn(theirs), np.abs(TARGETS["value"])
    assert (ours.loss.name, ours.network.output_activation.name) == ("poisson", "exponential")
    check_parity(ours, X, theirs.predict(X), y, gradient_of(theirs, X, y))


@pytest.mark.parametrize("task", TARGETS)
def test_what_outputs_mean_is_taken_over(task: str) -> None:
    theirs = fitted(task)
    ours = from_sklearn(theirs)
    expected = {"binary": ("no", "yes"), "multiclass": (0, 10, 20)}
    assert ours.classes == expected.get(task)
    assert ours.task == {"binary": "classification", "multiclass": "classification"}.get(
        task, "multilabel" if task == "multilabel" else "regression"
    )
    score = ours.evaluate(X, TARGETS[task])["accuracy" if "accuracy" in ours.evaluate(X, TARGETS[task]) else "loss"]
    if task in ("binary", "multiclass"):
        assert score == pytest.approx(theirs.score(X, TARGETS[task]))


def test_sparse_rows_predict_alike() -> None:
    theirs, rows = fitted("multiclass"), sparse.random_array((20, 5), density=0.3, rng=RNG, format="csr")
    np.testing.assert_allclose(from_sklearn(theirs).predict_proba(rows), theirs.predict_proba(rows), atol=1e-12)


def test_goes_on_training_and_is_saved(tmp_path: Path) -> None:
    ours = from_sklearn(fitted("binary"))
    before = ours.evaluate(X, TARGETS["binary"])["loss"]
    better = train(ours, X, TARGETS["binary"], optimizer=SGD(0.1), epochs=20)
    assert better.evaluate(X, TARGETS["binary"])["loss"] < before
    save(better, tmp_path / "m.safetensors")
    assert np.array_equal(load(tmp_path / "m.safetensors").predict(X), better.predict(X))


def test_model_has_memory_of_its_own() -> None:
    theirs = fitted("value")
    ours = from_sklearn(theirs)
    ours.theta = 0 * ours.theta
    assert np.abs(theirs.coefs_[0]).max() > 0


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(
    "settings",
    [{"batch_norm": True}, {"activation": ["gelu", "tanh"]}, {"dropout": 0.5}],
    ids=lambda settings: next(iter(settings)),
)
@pytest.mark.parametrize("task", ["multiclass", "values"])
def test_estimators_of_this_package_give_their_model(task: str, settings: dict[str, Any]) -> None:
    kind = chainrule.MLPRegressor if task == "values" else chainrule.MLPClassifier
    estimator: Any = kind(hidden_layer_sizes=(7, 4), max_iter=3, random_state=1, **settings).fit(X, TARGETS[task])
    ours = from_sklearn(estimator)
    assert ours.network == estimator.model_.network
    check_parity(ours, X, outputs_of(estimator, X))
    assert np.array_equal(ours.predict(X), estimator.predict(X))
    ours.theta = 0 * ours.theta
    assert np.abs(estimator.model_.theta).max() > 0


def test_an_autoencoder_gives_its_model() -> None:
    estimator = chainrule.Autoencoder((2,), max_iter=2, random_state=0).fit(X)
    assert np.array_equal(from_sklearn(estimator).outputs(X), estimator.reconstruct(X))


@pytest.mark.parametrize(
    ("estimator", "said"),
    [
        (MLPClassifier(), "call fit before"),
        (make_pipeline(MLPClassifier()), "pipeline"),
        (None, "NoneType"),
        (chainrule.MLPClassifier(), "call fit before"),
    ],
)
def test_what_is_no_fitted_network_is_refused(estimator: Any, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        from_sklearn(estimator)


def test_a_single_class_is_refused() -> None:
    theirs = MLPClassifier((3,), max_iter=1, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs.fit(X, np.zeros(len(X)))
    with pytest.raises(UsageError, match="single class"):
        from_sklearn(theirs)


def test_an_unknown_activation_is_named() -> None:
    theirs = fitted("value")
    theirs.activation = "gelu"
    with pytest.raises(UnknownName, match="activation of scikit-learn 'gelu'"):
        from_sklearn(theirs)


def test_damaged_weights_are_refused() -> None:
    theirs = fitted("value")
    theirs.coefs_[1] = theirs.coefs_[1][:-1]
    with pytest.raises(UsageError, match=r"coefs_\[1\] has shape \(6, 4\); layer 2 of the network 5-7-4-1"):
        from_sklearn(theirs)
    theirs = fitted("value")
    theirs.intercepts_[0][2] = np.nan
    with pytest.raises(UsageError, match=r"intercepts_\[0\] holds numbers that are not finite"):
        from_sklearn(theirs)
