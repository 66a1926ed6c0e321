"""What cannot be is refused by name, and what warns says what to do about it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.exceptions import ConvergenceWarning

from chainrule import Autoencoder, MLPClassifier, MLPRegressor
from chainrule.errors import DataError, ShapeError, UnknownName, UsageError
from chainrule.estimators.parts import Rows, set_aside

X = np.random.default_rng(5).normal(size=(60, 4))
Y = (X[:, 0] > 0).astype(int)

quiet = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def quick(**more: Any) -> MLPClassifier:
    return MLPClassifier(**{"hidden_layer_sizes": (4,), "max_iter": 3, "random_state": 0} | more)


def test_weights_that_leave_nothing_to_learn_from() -> None:
    with pytest.raises(UsageError, match="sample_weight and class_weight"):
        quick(class_weight={0: 0.0, 1: 0.0}).fit(X, Y)
    with pytest.raises(UsageError, match="sample_weight and class_weight"):
        quick(class_weight={0: 0.0}).partial_fit(X[Y == 0], Y[Y == 0], classes=[0, 1])
    with pytest.raises(UsageError, match=r"class_weight is .*-1"):
        quick(class_weight={0: -1.0}).fit(X, Y)


def test_a_data_error_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="takes numbers") as caught:
        MLPRegressor("poisson", (4,)).fit(X, X[:, 0])
    assert isinstance(caught.value, DataError)


def test_values_are_numbers() -> None:
    with pytest.raises(UsageError, match="y is sparse"):
        MLPRegressor().fit(X, csr_array(np.abs(X[:, :2])))
    for y in (Y.astype(str), Y.astype(complex)):
        with pytest.raises(ValueError, match=r"no number|Complex"):
            MLPRegressor().fit(X, y)


def test_each_end_of_training_has_a_warning_of_its_own() -> None:
    with pytest.warns(ConvergenceWarning, match=r"\(3\) reached and the optimization .* larger learning_rate_init"):
        quick().fit(X, Y)
    with pytest.warns(ConvergenceWarning, match=r"Maximum iterations \(3\) reached and L-BFGS .* raise max_iter, or"):
        quick(solver="lbfgs").fit(X, Y)
    with pytest.warns(ConvergenceWarning, match=r"evaluations of the loss \(5\) are used up .* raise max_fun"):
        quick(solver="lbfgs", max_iter=200, max_fun=5).fit(X, Y)


@pytest.mark.parametrize("given", ["no", 1, None, ["no"], [1]])
def test_batch_norm_is_yes_or_no(given: Any) -> None:
    with pytest.raises(UsageError, match=r"batch_norm is .*; it must be True or False, or one of them for each layer"):
        quick(batch_norm=given).fit(X, Y)


@quiet
def test_verbose_is_yes_or_no(capsys: pytest.CaptureFixture[str]) -> None:
    for made in (quick(verbose="no"), Autoencoder((2,), verbose="no")):
        with pytest.raises(UsageError, match="verbose is 'no'; it must be True or False"):
            made.fit(X, Y)
    for given in (True, np.True_, 1):
        quick(verbose=given).fit(X, Y)
        assert capsys.readouterr().out
    for given in (False, 0):
        quick(verbose=given).fit(X, Y)
        assert not capsys.readouterr().out


@quiet
@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"hidden_layer_sizes": (7,)}, "has the layers 4-4-1 relu, and the parameters now describe 4-7-1 relu;"),
        ({"activation": "tanh"}, "4-4-1 relu, .* 4-4-1 tanh;"),
        ({"batch_norm": True}, r"4-4-1 relu, .* 4-4-1 relu \(BatchNorm\('relu'\)\);"),
        ({"dropout": 0.5}, r"4-4-1 relu, .* 4-4-1 relu \(Dropout\(0\.5\)\);"),
    ],
)
def test_other_layers_are_told_in_short(change: dict[str, Any], told: str) -> None:
    made = quick(warm_start=True).fit(X, Y).set_params(**change)
    with pytest.raises(UsageError, match=told):
        made.fit(X, Y)


@quiet
def test_how_weights_started_does_not_matter_to_a_warm_start() -> None:
    made = quick(warm_start=True).fit(X, Y)
    before = made.model_.network
    assert made.set_params(initializer="he_normal").fit(X, Y).model_.network == before


@quiet
def test_another_number_of_values_is_told_as_that() -> None:
    made = MLPRegressor(hidden_layer_sizes=(4,)).partial_fit(X, X[:, :2])
    with pytest.raises(ShapeError, match="y has 1 columns, and the fitted model gives 2") as caught:
        made.partial_fit(X, X[:, 0])
    assert "warm_start" not in str(caught.value)


@quiet
def test_early_stopping_knows_the_names_of_series() -> None:
    for name in ("val_loss", "validation_roc_auk", "nonsense"):
        with pytest.raises(UnknownName, match="unknown early_stopping"):
            quick(early_stopping=name).fit(X, Y)
    with pytest.raises(UnknownName, match="did you mean 'validation_loss'"):
        quick(early_stopping="val_loss").fit(X, Y)
    for name in ("rate", "penalty", "loss", "validation_loss", "accuracy", "f1"):
        made = quick(early_stopping=name).fit(X, Y)
        assert made.validation_scores_ == made.history_[name]
    made = quick(early_stopping="penalty", max_iter=9).fit(X, Y)
    assert made.best_validation_score_ == min(made.history_["penalty"])
    with pytest.raises(UnknownName, match="penalty"):
        quick(early_stopping="penalty", alpha=0.0).fit(X, Y)


@pytest.mark.parametrize("rows", [11, 25, 30, 99, 101])
@pytest.mark.parametrize("stratify", [False, True])
def test_as_many_rows_are_set_aside_as_in_scikit_learn(rows: int, stratify: bool) -> None:
    from sklearn.model_selection import train_test_split

    y = np.arange(rows) % 2
    expected = len(train_test_split(y, test_size=0.15, stratify=y)[1])
    assert len(set_aside(Rows(np.eye(rows), y), 0.15, 0, stratify=stratify)[1]) == expected
