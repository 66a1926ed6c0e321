"""The estimators inside of scikit-learn: searches, pipelines, copies, other processes, inspection."""

from __future__ import annotations

import pickle
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn import neural_network as theirs
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_diabetes, load_iris
from sklearn.inspection import partial_dependence, permutation_importance
from sklearn.model_selection import GridSearchCV, cross_val_score, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from chainrule import Adam, EarlyStopping, MLPClassifier, MLPRegressor
from chainrule.errors import UsageError

IRIS, SPECIES = load_iris(return_X_y=True)
IRIS = StandardScaler().fit_transform(IRIS)
SUGAR, PROGRESS = load_diabetes(return_X_y=True)
QUICK: dict[str, Any] = {"hidden_layer_sizes": (8,), "max_iter": 40, "learning_rate_init": 0.02, "random_state": 0}

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture(scope="module")
def classifier() -> MLPClassifier:
    return MLPClassifier(**QUICK, n_iter_no_change=1000).fit(IRIS, SPECIES)


@pytest.mark.parametrize("name", ["MLPClassifier", "MLPRegressor"])
def test_every_argument_and_attribute_of_scikit_learn(name: str) -> None:
    ours: Any = {"MLPClassifier": MLPClassifier, "MLPRegressor": MLPRegressor}[name]
    other = getattr(theirs, name)
    defaults = other().get_params()
    assert defaults.items() <= ours().get_params().items()
    assert list(ours().get_params()) == sorted(ours().get_params())
    first = {"MLPClassifier": ((5,), "tanh"), "MLPRegressor": ("poisson", (5,), "tanh")}[name]
    assert ours(*first).get_params().items() >= other(*first).get_params().items()  # the same order
    X, y = (IRIS, SPECIES) if name == "MLPClassifier" else (SUGAR, PROGRESS)
    fitted, reference = ours(max_iter=2).fit(X, y), other(max_iter=2).fit(X, y)
    public = [each for each in dir(reference) if not each.startswith("_")]
    assert not [each for each in public if not hasattr(fitted, each)]
    for each in (each for each in public if each.endswith("_")):
        mine, their = getattr(fitted, each), getattr(reference, each)
        assert isinstance(mine, type(their)) or isinstance(their, type(mine)), each  # a NumPy number is a float
        assert np.size(mine) == np.size(their) if not isinstance(mine, list) else len(mine) == len(their), each
    for mine, their in zip(fitted.coefs_ + fitted.intercepts_, reference.coefs_ + reference.intercepts_, strict=True):
        assert (mine.shape, mine.dtype) == (their.shape, their.dtype)
    assert not [each for each in public if each.endswith("_") and hasattr(ours(), each)]  # nothing before fitting


def test_clone_and_set_params() -> None:
    made = MLPClassifier((5, 3), ["relu", "tanh"], optimizer=Adam(0.1), callbacks=(EarlyStopping("loss"),), dropout=0.1)
    twin = clone(made)
    assert repr(twin.get_params()) == repr(made.get_params())
    assert twin.set_params(alpha=3.0, engine="reference").alpha == 3.0
    with pytest.raises(ValueError, match="Invalid parameter 'aplha'"):
        twin.set_params(aplha=1)


def test_pickle_predicts_the_same_and_goes_on(classifier: MLPClassifier) -> None:
    twin = pickle.loads(pickle.dumps(classifier))
    assert np.array_equal(twin.predict_proba(IRIS), classifier.predict_proba(IRIS))
    assert np.array_equal(twin.coefs_[0], twin.model_.W[1].T)
    both = [pickle.loads(pickle.dumps(each)).partial_fit(IRIS, SPECIES) for each in (twin, classifier)]
    assert np.array_equal(both[0].model_.theta, both[1].model_.theta)


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_search_in_other_processes_and_threads(backend: str) -> None:
    grid = {"hidden_layer_sizes": [(4,), (8,)], "dropout": [0.0, 0.1]}
    with joblib.parallel_backend(backend, n_jobs=2):
        found = GridSearchCV(MLPClassifier(**QUICK), grid, cv=2).fit(IRIS, SPECIES)
    alone = GridSearchCV(MLPClassifier(**QUICK), grid, cv=2).fit(IRIS, SPECIES)
    assert np.array_equal(found.cv_results_["mean_test_score"], alone.cv_results_["mean_test_score"])
    assert found.best_score_ > 0.8


def test_pipeline_with_data_frames(classifier: MLPClassifier) -> None:
    frame = pd.DataFrame(IRIS, columns=["a", "b", "c", "d"])
    labels = pd.Series(np.array(["x", "y", "z"])[SPECIES])
    pipe = make_pipeline(StandardScaler().set_output(transform="pandas"), MLPClassifier(**QUICK)).fit(frame, labels)
    assert pipe[-1].feature_names_in_.tolist() == list(frame)
    assert set(pipe.predict(frame)) == {"x", "y", "z"}
    assert np.mean(cross_val_score(pipe, frame, labels, cv=3)) > 0.8
    with pytest.raises(ValueError, match="feature names should match"):
        pipe[-1].predict(frame[["b", "a", "c", "d"]])
    scored = MLPClassifier(**QUICK, scoring="accuracy", early_stopping=True).fit(frame, labels)  # and no warning
    assert len(scored.history_["validation_accuracy"]) == scored.n_iter_


def test_inspection_and_calibration(classifier: MLPClassifier) -> None:
    importance = permutation_importance(classifier, IRIS, SPECIES, n_repeats=3, random_state=0)
    assert importance.importances_mean.argmax() in (2, 3)  # the petals
    assert partial_dependence(classifier, IRIS, [2], grid_resolution=5)["average"].shape == (3, 5)
    calibrated = CalibratedClassifierCV(MLPClassifier(**QUICK), cv=2).fit(IRIS, SPECIES)
    assert calibrated.score(IRIS, SPECIES) > 0.8


def test_html_and_repr(classifier: MLPClassifier) -> None:
    assert repr(MLPClassifier((5,), dropout=0.5)) == "MLPClassifier(dropout=0.5, hidden_layer_sizes=(5,))"
    html = classifier._repr_html_()
    assert "MLPClassifier" in html
    assert "hidden_layer_sizes" in html


def test_metadata_routing() -> None:
    weights = np.where(SPECIES == 0, 0.0, 1.0)
    with sklearn.config_context(enable_metadata_routing=True):
        made = MLPClassifier(**QUICK).set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        made.set_partial_fit_request(sample_weight=True, classes=False)
        routed = cross_validate(made, IRIS, SPECIES, cv=3, params={"sample_weight": weights}, return_estimator=True)
    # Rows of weight 0 were seen by none, so that their class is never predicted.
    assert all(0 not in each.predict(IRIS) for each in routed["estimator"])


@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"alpha": -1}, "alpha is -1; .* 0 <= alpha"),
        ({"hidden_layer_sizes": (5, 0)}, r"hidden_layer_sizes is \(5, 0\)"),
        ({"hidden_layer_sizes": 2.5}, "hidden_layer_sizes is 2.5"),
        ({"activation": "rleu"}, "unknown activation 'rleu'; did you mean 'relu'"),
        ({"activation": ["relu", "tanh"]}, "activation has 2 entries for 1 hidden layer"),
        ({"solver": "adm"}, "unknown solver 'adm'; did you mean 'adam'"),
        ({"learning_rate": "fast"}, "unknown learning_rate 'fast'"),
        ({"learning_rate_init": 0}, "learning_rate_init is 0; .* 0 < learning_rate_init"),
        ({"max_iter": 0}, "max_iter is 0"),
        ({"batch_size": "all"}, "batch_size is 'all'"),
        ({"batch_size": True}, "batch_size is True"),
        ({"shuffle": "yes"}, "shuffle is 'yes'; it must be True or False"),
        ({"early_stopping": 3}, "early_stopping is 3"),
        ({"early_stopping": "validation_lss", "validation_data": (IRIS, SPECIES)}, "lss"),
        ({"validation_fraction": 1.0}, "validation_fraction is 1.0"),
        ({"n_iter_no_change": 0.5}, "n_iter_no_change is 0.5"),
        ({"beta_1": 1.0}, "beta_1 is 1.0"),
        ({"tol": float("nan")}, "tol is nan"),
        ({"dropout": 1.5}, "the dropout rate is 1.5"),
        ({"initializer": "hee"}, "unknown initializer 'hee'"),
        ({"optimizer": "adm"}, "unknown optimizer 'adm'"),
        ({"schedule": "cosin"}, "unknown schedule 'cosin'"),
        ({"loss": "humer"}, "unknown loss 'humer'"),
        ({"scoring": 7}, "scoring is 7"),
        ({"scoring": "acuracy"}, "acuracy"),
        ({"validation_data": IRIS}, "validation_data is a ndarray"),
        ({"dtype": "float16"}, "float16"),
        ({"engine": "fast"}, "unknown engine 'fast'"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_wrong_arguments_are_named(kind: Any, given: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        kind(**{"hidden_layer_sizes": (4,)} | given).fit(IRIS, SPECIES)


def test_wrong_data_is_named(classifier: MLPClassifier) -> None:
    with pytest.raises(ValueError, match="X has 3 features, but MLPClassifier is expecting 4"):
        classifier.predict(IRIS[:, :3])
    with pytest.raises(ValueError, match="NaN"):
        classifier.predict(np.full((1, 4), np.nan))
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        MLPClassifier().fit(IRIS, SPECIES[:-1])
    with pytest.raises(ValueError, match="Unknown label type"):
        MLPClassifier().fit(IRIS, IRIS[:, 0])
    with pytest.raises(UsageError, match="more than two labels each"):
        MLPClassifier().fit(IRIS, np.column_stack([SPECIES, SPECIES]))
    with pytest.raises(ValueError, match=r"sample_weight has shape \(2,\)"):
        MLPClassifier().fit(IRIS, SPECIES, sample_weight=[1, 2])
    with pytest.raises(UsageError, match="negative"):
        MLPClassifier().fit(IRIS, SPECIES, sample_weight=-np.ones(len(IRIS)))
