"""From the same weights, with the rows in the same order, training is scikit-learn's, epoch by epoch, to rounding."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn import neural_network as theirs

import chainrule
from chainrule.estimators import perceptron
from chainrule.network import Network

N, EPOCHS = 60, 25
RNG = np.random.default_rng(5)
X = RNG.normal(size=(N, 4))
LABELS = np.array(["a", "b", "c"])[np.argmax(X[:, :3] + 0.3 * RNG.normal(size=(N, 3)), axis=1)]
VALUES = X @ RNG.normal(size=4) + np.sin(X[:, 0])
WEIGHTS = RNG.integers(0, 4, size=N).astype(float)
TARGETS = {
    "two classes": np.where(X[:, 0] > 0, "yes", "no"),
    "three classes": LABELS,
    "several labels": (X[:, :3] > 0).astype(int),
    "values": VALUES,
    "several values": np.column_stack([VALUES, X[:, 1] ** 2]),
    "counts": RNG.poisson(np.exp(0.5 * X[:, 0])).astype(float),
}
# As scikit-learn adds epsilon before it takes the bias out, only a vanishing one leaves the same steps.
ADAM = {"solver": "adam", "learning_rate_init": 0.01, "epsilon": 1e-30}
SGD = {"solver": "sgd", "learning_rate_init": 0.05, "batch_size": N}
SETTINGS: dict[str, dict[str, Any]] = {
    "sgd": SGD | {"momentum": 0.0},
    "momentum": SGD | {"nesterovs_momentum": False},
    "nesterov": SGD,
    "alpha": SGD | {"alpha": 1.0},
    "invscaling": SGD | {"learning_rate": "invscaling", "learning_rate_init": 0.5, "power_t": 0.3},
    "logistic": SGD | {"activation": "logistic", "hidden_layer_sizes": (5, 3)},
    "tanh": SGD | {"activation": "tanh"},
    "identity": SGD | {"activation": "identity", "hidden_layer_sizes": ()},
    "mini-batches": SGD | {"batch_size": 20, "alpha": 0.1},
    "invscaling in mini-batches": SGD | {"learning_rate": "invscaling", "batch_size": 20},
    "adam": ADAM,
    "adam with other betas": ADAM | {"beta_1": 0.5, "beta_2": 0.9, "batch_size": 15},
}
Make = Callable[..., Any]


def weights_of(fan_in: int, fan_out: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng([fan_in, fan_out])
    return rng.uniform(-0.5, 0.5, (fan_in, fan_out)), rng.uniform(-0.5, 0.5, fan_out)


@pytest.fixture(autouse=True)
def _same_start(monkeypatch: pytest.MonkeyPatch) -> None:
    def init_coef(self: Any, fan_in: int, fan_out: int, dtype: Any) -> Any:
        return tuple(array.astype(dtype) for array in weights_of(fan_in, fan_out))

    def begin(network: Network, seed: int, dtype: Any) -> Any:
        model = network.init(seed, dtype)
        for l in model.W:
            W, b = weights_of(network.sizes[l - 1], network.sizes[l])
            model.W[l], model.b[l] = W.T, b
        return model

    monkeypatch.setattr(theirs._multilayer_perceptron.BaseMultilayerPerceptron, "_init_coef", init_coef)
    monkeypatch.setattr(perceptron, "begin", begin)


def pair(target: str, **settings: Any) -> tuple[Any, Any]:
    name = "MLPClassifier" if "classes" in target or "labels" in target else "MLPRegressor"
    common = {"hidden_layer_sizes": (6,), "max_iter": EPOCHS, "n_iter_no_change": 1000, "shuffle": False} | settings
    return getattr(chainrule, name)(**common), getattr(theirs, name)(**common)


def assert_same(ours: Any, other: Any, rtol: float = 1e-10) -> None:
    np.testing.assert_allclose(ours.loss_curve_, other.loss_curve_, rtol=rtol)
    assert ours.n_iter_ == other.n_iter_
    assert ours.t_ == other.t_
    assert ours.loss_ == pytest.approx(other.loss_, rel=rtol)
    assert ours.best_loss_ == pytest.approx(other.best_loss_, rel=rtol)
    if np.argmin(other.loss_curve_) == len(other.loss_curve_) - 1:  # the best weights are the last
        for mine, their in zip(ours.coefs_ + ours.intercepts_, other.coefs_ + other.intercepts_, strict=True):
            assert mine.dtype == their.dtype
            np.testing.assert_allclose(mine, their, rtol=1e3 * rtol, atol=rtol)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
@pytest.mark.parametrize("target", TARGETS)
def test_every_epoch_is_the_same(target: str, settings: dict[str, Any]) -> None:
    more = {"loss": "poisson"} if target == "counts" else {}
    ours, other = (each.fit(X, TARGETS[target]) for each in pair(target, **settings, **more))
    assert_same(ours, other)
    assert ours.out_activation_ == other.out_activation_
    assert (ours.n_layers_, ours.n_outputs_) == (other.n_layers_, other.n_outputs_)
    if np.argmin(other.loss_curve_) == EPOCHS - 1:
        assert np.all(ours.predict(X) == other.predict(X)) or target not in ("two classes", "three classes")
        np.testing.assert_allclose(ours.score(X, TARGETS[target]), other.score(X, TARGETS[target]), rtol=1e-8)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("target", [name for name in TARGETS if name != "counts"])
def test_with_weights(target: str) -> None:
    settings = SETTINGS["alpha"]
    ours, other = (each.fit(X, TARGETS[target], sample_weight=WEIGHTS) for each in pair(target, **settings))
    assert_same(ours, other)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("engine", ["reference", "compiled"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("sparse", [False, True])
def test_on_both_engines_and_number_types_sparse_or_not(engine: str, dtype: Any, sparse: bool) -> None:
    rows = np.where(np.abs(X) > 0.7, X, 0).astype(dtype)
    ours, other = pair("three classes", **SGD | {"batch_size": 20})
    ours.set_params(engine=engine).fit(csr_array(rows) if sparse else rows, LABELS)
    assert_same(ours, other.fit(rows, LABELS), 1e-10 if dtype == np.float64 else 1e-5)
    assert ours.history_.engine == engine
    probabilities = ours.predict_proba(rows[:3])
    assert probabilities.dtype == dtype
    np.testing.assert_allclose(probabilities, other.predict_proba(rows[:3]), rtol=1e-4)


@pytest.mark.parametrize("engine", ["reference", "compiled"])
def test_a_rate_that_adapts(engine: str) -> None:
    settings = SGD | {"learning_rate": "adaptive", "learning_rate_init": 0.3, "tol": 1e-2, "max_iter": 200}
    ours, other = pair("values", **settings)
    # Here n_iter_no_change epochs that are no better end patience, there one more.
    ours.set_params(n_iter_no_change=3, engine=engine).fit(X, VALUES)
    other.set_params(n_iter_no_change=2).fit(X, VALUES)
    assert_same(ours, other)
    assert 20 < ours.n_iter_ < 200
    assert min(ours.history_["rate"]) <= 1e-6
    assert len(set(ours.history_["rate"])) == 9  # 0.3 / 5^8 = 7.7e-7


def test_stopping_counts_as_documented() -> None:
    ours, other = pair("values", **SGD | {"tol": 1e6, "n_iter_no_change": 3})
    assert other.fit(X, VALUES).n_iter_ == 5
    assert ours.fit(X, VALUES).n_iter_ == 4  # the first epoch is better than nothing; three are no better than it


@pytest.mark.parametrize("target", ["three classes", "values"])
def test_lbfgs_finds_the_same_minimum(target: str) -> None:
    settings = {"solver": "lbfgs", "alpha": 1.0, "tol": 1e-9, "max_iter": 500, "hidden_layer_sizes": ()}
    ours, other = (each.fit(X, TARGETS[target]) for each in pair(target, **settings))
    assert ours.loss_ == pytest.approx(other.loss_, rel=1e-9)
    np.testing.assert_allclose(ours.coefs_[0], other.coefs_[0], atol=1e-4)


def test_partial_fit_goes_on_with_the_optimizer() -> None:
    for settings in (SETTINGS["nesterov"], SETTINGS["adam"], SETTINGS["invscaling"]):
        ours, other = pair("values", **settings)
        for _ in range(8):
            ours.partial_fit(X, VALUES)
            other.partial_fit(X, VALUES)
        assert_same(ours, other)
        assert ours.n_iter_ == 1
        assert len(ours.loss_curve_) == ours.history_.epochs == 8
