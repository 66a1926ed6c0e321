"""Classes: one alone, of any name, and others in the next fit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from chainrule import MLPClassifier
from chainrule.errors import UsageError

X = np.random.default_rng(5).normal(size=(60, 3))
TWO = np.where(X[:, 0] > 0, 7, 3)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def quick(**more: Any) -> MLPClassifier:
    return MLPClassifier(**{"hidden_layer_sizes": (4,), "max_iter": 5, "random_state": 0} | more)


@pytest.mark.parametrize("label", [0, 1, 7, -2, "a", True])
def test_one_class_of_any_name(label: Any) -> None:
    y = np.full(60, label)
    for more in ({}, {"early_stopping": True}, {"validation_data": (X, y), "scoring": "accuracy"}):
        made = quick(**more).fit(X, y)
        assert made.classes_.tolist() == [label]
        assert set(made.predict(X).tolist()) == {label}
        assert made.score(X, y) == 1
    made = quick().partial_fit(X, y, classes=[label])
    made.partial_fit(X, y)
    assert set(made.predict(X).tolist()) == {label}


@pytest.mark.parametrize("first", [np.zeros(60, int), np.full(60, 7)])
def test_a_fit_forgets_the_one_class_of_the_fit_before(first: np.ndarray) -> None:
    made = quick(max_iter=50).fit(X, first).fit(X, TWO)
    fresh = quick(max_iter=50).fit(X, TWO)
    assert made.classes_.tolist() == [3, 7]
    assert np.array_equal(made.predict_proba(X), fresh.predict_proba(X))
    back = made.fit(X, first)
    assert back.predict(X).tolist() == first.tolist()


def test_one_class_takes_no_other_label() -> None:
    seven = np.full(60, 7)
    with pytest.raises(UsageError, match=r"labels \[3\], which are not among the classes \[7\]"):
        quick(warm_start=True).fit(X, seven).fit(X, TWO)
    with pytest.raises(UsageError, match=r"labels \[3\]"):
        quick().partial_fit(X, seven, classes=[7]).partial_fit(X, TWO)
    with pytest.raises(UsageError, match=r"labels \[3\]"):
        quick(validation_data=(X, TWO)).fit(X, seven)
