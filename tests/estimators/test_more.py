"""What scikit-learn's networks do not have: each argument does what `train` does with it, and nothing is lost."""

from __future__ import annotations

import pickle
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csc_array, csr_array
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import f1_score, make_scorer, roc_auc_score
from sklearn.preprocessing import StandardScaler

from chainrule import Callback, MLPClassifier, MLPRegressor, Network, RMSProp, load, save, train
from chainrule.errors import ShapeError, UsageError
from chainrule.formulas import L1, L2, LOSSES, MaxNorm, Nesterov
from chainrule.network import BatchNorm, Dense, Dropout

IRIS, SPECIES = load_iris(return_X_y=True)
IRIS = StandardScaler().fit_transform(IRIS)
CELLS, BENIGN = load_breast_cancer(return_X_y=True)
CELLS = StandardScaler().fit_transform(CELLS)[::3]
BENIGN = BENIGN[::3]
RNG = np.random.default_rng(0)
VALUES = IRIS @ [1.0, -2.0, 0.5, 0.0] + 0.1 * RNG.normal(size=len(IRIS))

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def quick(**more: Any) -> MLPClassifier:
    return MLPClassifier(
        **{"hidden_layer_sizes": (8,), "max_iter": 12, "learning_rate_init": 0.02, "random_state": 0} | more
    )


def test_the_network_is_the_one_described() -> None:
    made = quick(
        hidden_layer_sizes=(8, 6),
        activation=["gelu", "tanh"],
        dropout=[0.2, 0.0],
        batch_norm=[False, True],
        initializer="he_normal",
    ).fit(IRIS, SPECIES)
    layers = made.model_.network.layers
    assert [type(layer) for layer in layers] == [Dense, Dropout, Dense, BatchNorm, Dense]
    assert [layers[0].activation.name, layers[3].activation.name] == ["gelu", "tanh"]
    assert layers[0].initializer.name == "he_normal"
    assert np.array_equal(made.intercepts_[1], np.zeros(6))  # beta does what it would do
    assert made.score(IRIS, SPECIES) > 0.7


@pytest.mark.parametrize(("activation", "factor"), [("relu", 6), ("logistic", 2)])
def test_weights_and_biases_start_as_scikit_learns(activation: str, factor: int) -> None:
    made = quick(activation=activation, hidden_layer_sizes=(400,), max_iter=1, learning_rate_init=1e-12)
    made.fit(IRIS, SPECIES)
    for W, b in zip(made.coefs_, made.intercepts_, strict=True):
        r = np.sqrt(factor / sum(W.shape))
        assert 0.98 * r < np.abs(W).max() <= r + 1e-9
        assert np.abs(b).max() <= r + 1e-9
        assert np.std(W) == pytest.approx(r / np.sqrt(3), rel=0.05)


def test_fit_is_train() -> None:
    settings: dict[str, Any] = {"optimizer": RMSProp(0.01), "schedule": "cosine", "clip": 1.0}
    made = quick(
        **settings,
        initializer="he_uniform",
        alpha=0.0,
        l1=1e-3,
        l2=1e-2,
        max_norm=2.0,
        batch_size=32,
        n_iter_no_change=99,
    ).fit(IRIS, SPECIES)
    network = Network(
        [Dense(8, "relu", initializer="he_uniform"), Dense(3, "softmax", initializer="he_uniform")], inputs=4
    )
    penalties = [L2(1e-2), L1(1e-3), MaxNorm(2.0)]
    model = train(network, IRIS, SPECIES, **settings, penalties=penalties, batch_size=32, epochs=12, metrics=(), seed=0)
    assert made.history_["loss"] == model.history["loss"]
    assert np.argmin(made.loss_curve_) == 11
    assert np.array_equal(made.model_.theta, model.theta)


def test_alpha_depends_on_the_batch_and_l2_does_not() -> None:
    sums = {}
    for size in (15, 150):
        for name in ("alpha", "l2"):
            made = quick(**{"alpha": 0.0, name: 1.0}, batch_size=size, shuffle=False, max_iter=1).fit(IRIS, SPECIES)
            (penalty,) = made.model_.settings["penalties"]
            sums[name, size] = penalty["strength"]
    assert sums == {("alpha", 15): 1 / 15, ("alpha", 150): 1 / 150, ("l2", 15): 1.0, ("l2", 150): 1.0}


@pytest.mark.parametrize("weight", [{0: 1.0, 1: 20.0}, "balanced"])
def test_class_weights_are_weights_of_rows(weight: Any) -> None:
    y = (RNG.random(len(CELLS)) < 0.2).astype(int)
    counts = np.bincount(y)
    each = len(y) / (2 * counts) if weight == "balanced" else np.array([1.0, 20.0])
    made = quick(class_weight=weight).fit(CELLS, y)
    by_hand = quick().fit(CELLS, y, sample_weight=each[y])
    assert np.array_equal(made.predict_proba(CELLS), by_hand.predict_proba(CELLS))
    if weight == "balanced":
        with pytest.raises(UsageError, match="counts the classes of all rows"):
            made.partial_fit(CELLS, y)


def test_label_smoothing_keeps_probabilities_from_the_ends() -> None:
    plain, smooth = (quick(max_iter=150, label_smoothing=s).fit(IRIS, SPECIES) for s in (0.0, 0.2))
    assert plain.predict_proba(IRIS).max(axis=1).mean() > 0.95
    assert smooth.predict_proba(IRIS).max(axis=1).mean() < 0.88
    assert smooth.score(IRIS, SPECIES) > 0.9


@pytest.mark.parametrize("name", ["squared_error", "huber", "absolute_error", LOSSES["squared_error"], "poisson"])
def test_losses_of_the_regressor(name: Any) -> None:
    y = np.round(np.exp(VALUES / 4)) if name == "poisson" else VALUES
    made = MLPRegressor(name, (8,), max_iter=150, learning_rate_init=0.02, random_state=0).fit(IRIS, y)
    assert made.score(IRIS, y) > (0.4 if name == "poisson" else 0.9)
    expected = {"squared_error": "half_squared_error"}.get(name, name) if isinstance(name, str) else name.name
    assert made.model_.loss.name == expected


@pytest.mark.parametrize(("name", "output"), [("half_squared_error", "softmax"), ("binary_cross_entropy", "logistic")])
def test_losses_of_the_classifier(name: str, output: str) -> None:
    made = quick(loss=name, max_iter=60).fit(IRIS, SPECIES)
    assert (made.out_activation_, made.n_outputs_) == (output, 3)
    np.testing.assert_allclose(made.predict_proba(IRIS).sum(axis=1), 1)
    assert made.score(IRIS, SPECIES) > 0.8
    with pytest.raises(UsageError, match="no probability of each label"):
        quick(loss="poisson").fit(IRIS, SPECIES)


def test_scorers_are_recorded_on_both_parts_and_any_may_stop() -> None:
    labels = np.array(["benign", "other"])[BENIGN]
    own = make_scorer(f1_score, pos_label="other")
    made = quick(
        scoring={"auc": "roc_auc", "f1": own, "size": lambda estimator, X, y: float(len(X))},
        early_stopping="validation_auc",
        n_iter_no_change=3,
        max_iter=60,
    ).fit(CELLS, labels)
    names = {"auc", "f1", "size", "validation_auc", "validation_f1", "validation_size"}
    assert names <= set(made.history_)
    assert made.history_["size"][0] + made.history_["validation_size"][0] == len(CELLS)
    assert made.n_iter_ == made.history_.epochs < 60
    assert made.validation_scores_ == made.history_["validation_auc"]
    assert made.best_validation_score_ == max(made.validation_scores_)
    assert made.history_.best_epoch == 1 + int(np.argmax(made.validation_scores_))


def test_an_own_validation_part_with_its_best_weights() -> None:
    X, y, held_out, truth = CELLS[:120], BENIGN[:120], CELLS[120:], BENIGN[120:]
    made = quick(
        validation_data=(held_out, truth), scoring="roc_auc", early_stopping=True, n_iter_no_change=4, max_iter=80
    ).fit(X, y)
    best = roc_auc_score(truth, made.predict_proba(held_out)[:, 1])
    assert best == pytest.approx(made.best_validation_score_, abs=1e-12)
    lowest = quick(validation_data=(held_out, truth), early_stopping="validation_loss", max_iter=80).fit(X, y)
    found = lowest.model_.evaluate(held_out, truth)["loss"]
    assert found == pytest.approx(min(lowest.history_["validation_loss"]), rel=1e-12)
    assert lowest.best_validation_score_ == min(lowest.history_["validation_loss"])


def test_without_early_stopping_too_the_best_weights_are_kept() -> None:
    made = quick(solver="sgd", learning_rate_init=3.0, momentum=0.95, max_iter=30, batch_size=30).fit(IRIS, SPECIES)
    assert made.history_.best_epoch == 1 + int(np.argmin(made.loss_curve_)) < 30


def test_several_labels_stop_by_their_joint_accuracy() -> None:
    Y = (IRIS[:, :3] > 0).astype(int)
    made = quick(early_stopping=True, max_iter=20).fit(IRIS, Y)
    held_out = quick(validation_data=(IRIS, Y), early_stopping=True, max_iter=20).fit(IRIS, Y)
    assert held_out.best_validation_score_ == held_out.score(IRIS, Y)
    assert made.predict(IRIS).shape == made.predict_proba(IRIS).shape == Y.shape


@pytest.mark.parametrize("kind", [csr_array, csc_array])
def test_sparse_rows_stay_sparse(kind: Any) -> None:
    dense = np.where(np.abs(IRIS) > 0.5, IRIS, 0)
    sparse = kind(dense)
    made = quick(early_stopping=True, scoring="accuracy").fit(sparse, SPECIES)
    same = quick(early_stopping=True, scoring="accuracy").fit(dense, SPECIES)
    np.testing.assert_allclose(made.loss_curve_, same.loss_curve_, rtol=1e-10)
    assert np.array_equal(made.predict(sparse), same.predict(dense))


@pytest.mark.parametrize("dtype", [None, "float32", np.float64])
def test_number_types(dtype: Any) -> None:
    for given in (np.float64, np.float32):
        made = quick(dtype=dtype).fit(IRIS.astype(given), SPECIES)
        expected = np.dtype(dtype or given)
        assert {each.dtype for each in made.coefs_ + made.intercepts_} == {expected}
        assert made.predict_proba(IRIS.astype(given)).dtype == expected


def test_lbfgs_with_history_early_stopping_and_messages(capsys: pytest.CaptureFixture[str]) -> None:
    made = quick(solver="lbfgs", max_iter=200, verbose=True, scoring="accuracy", early_stopping=True).fit(CELLS, BENIGN)
    assert len(made.loss_curve_) == made.n_iter_ == len(made.history_["validation_accuracy"])
    told = capsys.readouterr().out.splitlines()
    assert told[0] == f"Iteration 1, loss = {made.loss_curve_[0]:.8f}"
    assert told[1].startswith("Validation score: 0.")
    assert told[-1] == made.history_.stopped
    assert np.all(np.diff(made.loss_curve_) <= 0)
    with pytest.warns(ConvergenceWarning, match=r"Maximum iterations \(3\) reached"):
        quick(solver="lbfgs", max_iter=3).fit(CELLS, BENIGN)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        quick(solver="lbfgs", max_iter=2000, alpha=1.0).fit(CELLS, BENIGN)


def test_callbacks_progress_and_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    class Stop(Callback):
        def epoch(self, info: Any) -> str | None:
            assert set(info.model.predict(IRIS)) <= {"a", "b", "c"}
            return "enough" if info.epoch == 3 else None

    labels = np.array(["a", "b", "c"])[SPECIES]
    made = quick(callbacks=Stop(), progress=True).fit(IRIS, labels)
    assert (made.n_iter_, made.history_.stopped) == (3, "enough")
    assert "epoch 3/12" in capsys.readouterr().err
    save(made.model_, tmp_path / "model.safetensors")
    assert np.array_equal(load(tmp_path / "model.safetensors").predict(IRIS), made.predict(IRIS))
    counts = MLPRegressor("poisson", (4,), max_iter=3).fit(IRIS, SPECIES)
    save(counts.model_, tmp_path / "counts.safetensors")
    assert np.array_equal(load(tmp_path / "counts.safetensors").predict(IRIS), counts.predict(IRIS))


def test_weights_can_be_written() -> None:
    made = quick().fit(IRIS, SPECIES)
    made.coefs_[0][0, 0] = 7.0
    assert made.model_["W1[0,0]"] == 7.0
    made.coefs_ = [np.zeros_like(each) for each in made.coefs_]
    made.intercepts_ = [np.zeros(8), np.array([0.0, 1.0, 0.0])]
    assert set(made.predict(IRIS)) == {1}


def test_an_array_put_into_the_lists_is_written_into_the_model() -> None:
    made = quick().fit(IRIS, SPECIES)
    W, b = RNG.normal(size=(4, 8)), RNG.normal(size=3)
    made.coefs_[0] = W
    made.intercepts_[-1] = b
    made.coefs_[1:] = [np.ones((8, 3))]
    made.coefs_[0] += 1
    assert np.array_equal(made.coefs_[0], W + 1)
    assert np.array_equal(made.coefs_[1], np.ones((8, 3)))
    hidden = np.maximum(IRIS @ (W + 1) + made.intercepts_[0], 0)
    assert np.array_equal(made.predict(IRIS), np.argmax(hidden.sum(axis=1, keepdims=True) + b, axis=1))
    with pytest.raises(ShapeError):
        made.coefs_[0] = np.ones((4, 7))
    with pytest.raises(IndexError):
        made.intercepts_[2] = b
    assert type(pickle.loads(pickle.dumps(made.coefs_))) is list
    normed = quick(batch_norm=True).fit(IRIS, SPECIES)
    normed.intercepts_ = normed.intercepts_
    with pytest.raises(UsageError, match="batch normalization, which has no biases"):
        normed.intercepts_[0] = np.ones(8)


def test_a_course_over_partial_fits_and_warm_starts() -> None:
    course: dict[str, Any] = {"schedule": "cosine", "max_iter": 4, "batch_size": 150, "n_iter_no_change": 99}
    whole = quick(**course).fit(IRIS, SPECIES).history_["rate"]
    bit_by_bit = quick(**course)
    for _ in range(4):
        bit_by_bit.partial_fit(IRIS, SPECIES, classes=[0, 1, 2])
    assert bit_by_bit.history_["rate"] == whole
    again = quick(**course, warm_start=True).fit(IRIS, SPECIES).fit(IRIS, SPECIES)
    assert again.history_["rate"] == whole * 2


def test_optimizer_by_name_takes_the_rate_and_a_schedule_suits_any() -> None:
    made = quick(optimizer="rmsprop", learning_rate_init=0.5, schedule="invscaling", max_iter=2).fit(IRIS, SPECIES)
    assert made.history_["rate"] == [0.5, 0.5 / np.sqrt(151)]
    made = quick(optimizer=Nesterov(0.1), schedule="adaptive", tol=1e6, n_iter_no_change=2, max_iter=5).fit(
        IRIS, SPECIES
    )
    np.testing.assert_allclose(made.history_["rate"], [0.1, 0.1, 0.1, 0.02, 0.02])
