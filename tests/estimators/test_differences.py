"""Where the estimators differ from scikit-learn's on purpose: each difference of docs/scikit-learn.md, side by side."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn import neural_network as theirs
from sklearn.exceptions import ConvergenceWarning

from chainrule import DivergenceError, MLPClassifier, MLPRegressor
from chainrule.errors import UsageError
from chainrule.estimators import perceptron
from chainrule.training import Progress

RNG = np.random.default_rng(1)
X = RNG.normal(size=(200, 3))
VALUES = X @ [1.0, 2.0, 3.0]
CLASSES = np.repeat([0, 1, 2], [160, 20, 20])

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def quick(**more: Any) -> MLPClassifier:
    return MLPClassifier(**{"hidden_layer_sizes": (4,), "max_iter": 3, "random_state": 0} | more)


def test_the_split_keeps_the_shares_of_several_classes() -> None:
    for seed in range(5):
        measured: list[np.ndarray] = []

        def note(estimator: Any, rows: Any, y: Any, measured: list[np.ndarray] = measured) -> float:
            measured.append(np.bincount(y, minlength=3))
            return 0.0

        quick(early_stopping=True, scoring=note, random_state=seed, max_iter=1).fit(X, CLASSES)
        assert [each.tolist() for each in measured] == [[144, 18, 18], [16, 2, 2]]


def test_partial_fit_takes_another_order_each_time() -> None:
    def orders(made: Any) -> set[tuple[float, ...]]:
        found = set()
        for _ in range(3):
            made.partial_fit(X, VALUES)
            for coef, intercept in zip(made.coefs_, made.intercepts_, strict=True):
                coef[...], intercept[...] = 0.1, 0.1  # the same parameters each time, so that only the order differs
            found.add(round(made.loss_curve_[-1], 12))
        return found

    settings: dict[str, Any] = {"solver": "sgd", "momentum": 0.0, "batch_size": 10, "random_state": 0}
    assert (
        len(orders(theirs.MLPRegressor(hidden_layer_sizes=(4,), alpha=0.0, **settings))) == 2
    )  # the first begins elsewhere
    assert len(orders(MLPRegressor(hidden_layer_sizes=(4,), alpha=0.0, **settings))) == 3


def test_warm_start_with_other_layers_is_an_error_that_says_so() -> None:
    other = theirs.MLPClassifier((4,), max_iter=3, warm_start=True).fit(X, CLASSES)
    assert other.set_params(hidden_layer_sizes=(9,)).fit(X, CLASSES).coefs_[0].shape == (3, 4)  # silently
    for change in ({"hidden_layer_sizes": (9,)}, {"activation": "tanh"}, {"dropout": 0.5}):
        made = quick(warm_start=True).fit(X, CLASSES).set_params(**change)
        with pytest.raises(UsageError, match="warm_start and partial_fit go on with the same layers"):
            made.fit(X, CLASSES)


def test_after_warm_starts_every_series_has_all_epochs() -> None:
    made = quick(warm_start=True, shuffle=False, n_iter_no_change=99)
    for _ in range(2):
        made.fit(X, CLASSES)
    assert (made.n_iter_, len(made.loss_curve_), made.history_.epochs, made.t_) == (3, 6, 6, 1200)
    whole = quick(max_iter=6, shuffle=False, n_iter_no_change=99).fit(X, CLASSES)
    # With the optimizer's memory, which scikit-learn's begins anew: as if it had not stopped.
    np.testing.assert_array_equal(made.loss_curve_, whole.loss_curve_)


def test_warm_start_holds_the_classes() -> None:
    made = quick(warm_start=True).fit(X, CLASSES)
    with pytest.raises(UsageError, match=r"labels \[3\], which are not among the classes \[0, 1, 2\]"):
        made.fit(X, np.where(CLASSES == 2, 3, CLASSES))


def test_partial_fit_wants_all_classes_first_and_knows_them_later() -> None:
    with pytest.raises(UsageError, match="classes must be passed on the first call"):
        quick().partial_fit(X, CLASSES)
    made = quick().partial_fit(X[:160], CLASSES[:160], classes=[0, 1, 2])
    assert made.classes_.tolist() == [0, 1, 2]
    with pytest.raises(UsageError, match="not the same as on the last call"):
        made.partial_fit(X, CLASSES, classes=[0, 1])
    with pytest.raises(UsageError, match="partial_fit does not support early_stopping"):
        made.set_params(early_stopping=True).partial_fit(X, CLASSES)


def test_both_hide_partial_fit_with_lbfgs() -> None:
    assert hasattr(theirs.MLPRegressor(solver="lbfgs"), "partial_fit")
    for made in (MLPRegressor(solver="lbfgs"), MLPClassifier(optimizer="lbfgs")):
        assert not hasattr(made, "partial_fit")
        with pytest.raises(AttributeError, match="partial_fit"):
            made.partial_fit  # noqa: B018


def test_one_class_is_certain_of_it() -> None:
    other = theirs.MLPClassifier((4,), max_iter=3).fit(X, np.zeros(200, int))
    made = quick().fit(X, np.zeros(200, int))
    assert other.predict_proba(X[:1]).shape == (1, 2)
    assert made.predict_proba(X[:2]).tolist() == [[1.0], [1.0]]
    assert made.predict(X[:2]).tolist() == [0, 0]


def test_divergence_is_named_with_the_last_good_model() -> None:
    made = MLPRegressor(hidden_layer_sizes=(4,), solver="sgd", learning_rate_init=1e6, random_state=0)
    with pytest.raises(DivergenceError, match="learning rate") as caught:
        made.fit(X, VALUES)
    assert np.isfinite(caught.value.model.theta).all()


def test_momentum_stays_below_1() -> None:
    with pytest.raises(UsageError, match="0 <= mu < 1"):
        quick(solver="sgd", momentum=1.0).fit(X, CLASSES)


def test_adam_adds_epsilon_after_the_bias_is_taken_out() -> None:
    made = MLPRegressor(hidden_layer_sizes=(), alpha=0.0, epsilon=0.5, max_iter=1, n_iter_no_change=9, random_state=0)
    model = perceptron.begin(made.fit(X, VALUES).model_.network, 0, np.float64)
    g = model.gradient(X, VALUES, loss="half_squared_error").theta
    np.testing.assert_allclose(made.model_.theta - model.theta, -0.001 * g / (np.abs(g) + 0.5))


def test_messages() -> None:
    with pytest.warns(ConvergenceWarning, match=r"\(3\) reached .* max_iter, .* scale the columns"):
        quick().fit(X, CLASSES)
    with pytest.warns(UserWarning, match="batch_size is 500, but there are 200 rows"):
        quick(batch_size=500).fit(X, CLASSES)


def test_an_interrupt_keeps_what_was_learnt() -> None:
    import os
    import signal

    class Interrupting:
        def epoch(self, info: Any) -> None:
            if info.epoch == 2:
                os.kill(os.getpid(), signal.SIGINT)

    with pytest.warns(UserWarning, match="interrupted by user"):
        made = quick(max_iter=50, callbacks=[Interrupting(), Progress(every=1e9)]).fit(X, CLASSES)
    assert made.n_iter_ in (2, 3)
    assert made.predict(X).shape == (200,)


def test_the_loss_curve_of_several_values_is_the_mean_over_them() -> None:
    Y = np.column_stack([VALUES, -VALUES])
    made = MLPRegressor(hidden_layer_sizes=(4,), alpha=0.0, max_iter=2, random_state=0).fit(X, Y)
    np.testing.assert_allclose(np.array(made.loss_curve_) * 2, made.history_["loss"])


def test_with_lbfgs_early_stopping_and_patience_are_active() -> None:
    settings: dict[str, Any] = {"hidden_layer_sizes": (4,), "solver": "lbfgs", "random_state": 0, "max_iter": 60}
    other = theirs.MLPClassifier(**settings, early_stopping=True, n_iter_no_change=2).fit(X, CLASSES)
    assert not hasattr(other, "validation_scores_")  # ignored
    made = MLPClassifier(**settings, early_stopping=True, n_iter_no_change=2).fit(X, CLASSES)
    assert made.validation_scores_ is not None
    assert len(made.validation_scores_) == made.n_iter_ < other.n_iter_


def test_a_warm_start_on_some_of_the_classes_keeps_all() -> None:
    fewer = np.minimum(CLASSES, 1)
    with pytest.raises(ValueError, match="same classes"):
        theirs.MLPClassifier((4,), max_iter=3, warm_start=True).fit(X, CLASSES).fit(X, fewer)
    assert quick(warm_start=True).fit(X, CLASSES).fit(X, fewer).classes_.tolist() == [0, 1, 2]


def test_predictions_keep_the_number_type_of_the_model() -> None:
    rows = X.astype(np.float32)
    other = theirs.MLPRegressor(hidden_layer_sizes=(4,), max_iter=3).fit(rows, VALUES.astype(np.float32))
    made = MLPRegressor(hidden_layer_sizes=(4,), max_iter=3).fit(rows, VALUES.astype(np.float32))
    assert (other.predict(X).dtype, made.predict(X).dtype) == (np.float64, np.float32)


def test_sparse_labels_are_predicted_sparse_as_there() -> None:
    Y = csr_array((X[:, :2] > 0).astype(int))
    for made in (theirs.MLPClassifier((4,), max_iter=3), quick(early_stopping=True, scoring="f1_macro")):
        predicted = made.fit(X, Y).predict(X)
        assert (predicted.format, predicted.shape) == ("csr", (200, 2))
    assert made.score(X, Y) == made.score(X, Y.toarray()) == np.mean((predicted != Y).sum(axis=1) == 0)
    assert isinstance(made.fit(X, Y.toarray()).predict(X), np.ndarray)


def test_the_warning_names_its_own_cause() -> None:
    for made in (theirs.MLPClassifier((4,), solver="lbfgs", max_iter=3), quick(solver="lbfgs")):
        with pytest.warns(ConvergenceWarning):
            made.fit(X, CLASSES)
