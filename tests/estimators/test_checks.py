"""scikit-learn's own checks of estimators: every one, both engines, both number types; none may fail.

The ordinary run takes one engine and number type; CHAINRULE_CASES, as for the compiled engine's campaign, takes all.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from typing import Any

import pytest
from sklearn.exceptions import ConvergenceWarning, SkipTestWarning
from sklearn.utils.estimator_checks import estimator_checks_generator

from chainrule import MLPClassifier, MLPRegressor

WHOLE = bool(os.environ.get("CHAINRULE_CASES"))
KINDS = [("reference", None)] if not WHOLE else [(e, d) for e in ("reference", "compiled") for d in (None, "float32")]
ESTIMATORS = [
    kind(max_iter=100, engine=engine, dtype=dtype, n_threads=1)
    for kind in (MLPClassifier, MLPRegressor)
    for engine, dtype in KINDS
]
CHECKS = [(estimator, check) for each in ESTIMATORS for estimator, check in estimator_checks_generator(each)]


def name_of(value: Any) -> str:
    if hasattr(value, "get_params"):
        return f"{type(value).__name__}-{value.engine}-{value.dtype or 'float64'}"
    return getattr(value, "func", value).__name__ + "".join(f"-{k}" for k in getattr(value, "keywords", {}))


@pytest.mark.parametrize(("estimator", "check"), CHECKS, ids=name_of)
def test_check(estimator: Any, check: Callable[[Any], None]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("error", SkipTestWarning)
        check(estimator)
