"""scikit-learn's scorers as what `train` measures after each epoch."""

from __future__ import annotations

import copy
import difflib
import inspect
from collections.abc import Callable, Mapping
from typing import Any

from chainrule.errors import UnknownName, UsageError
from chainrule.sparse import SparseRows

__all__ = ["as_metrics", "find_scorers", "find_watched"]

Scorer = Callable[..., float]


def find_scorers(scoring: Any) -> dict[str, Scorer]:
    """Give the scorers by name.

    Args:
        scoring: None, a name of scikit-learn's, a callable (estimator, X, y), a list of names, or a mapping of either.

    Raises:
        UsageError: for anything else; ValueError of scikit-learn's for a name that it does not know.

    >>> sorted(find_scorers(["accuracy", "roc_auc"]))
    ['accuracy', 'roc_auc']
    """
    from sklearn.metrics import get_scorer

    if scoring is None:
        return {}
    if isinstance(scoring, str):
        return {scoring: get_scorer(scoring)}
    if callable(scoring):
        return {"score": scoring}
    if isinstance(scoring, Mapping):
        return {str(name): get_scorer(each) if isinstance(each, str) else each for name, each in scoring.items()}
    if isinstance(scoring, (list, tuple, set)) and all(isinstance(each, str) for each in scoring):
        return {name: get_scorer(name) for name in scoring}
    raise UsageError(
        "scoring is {given!r}; expected a scorer's name, a callable (estimator, X, y), a list of names or a mapping of "
        "names to scorers",
        given=scoring,
    )


def find_watched(series: Any, name: str, own: Mapping[str, Scorer]) -> dict[str, Scorer]:
    """Give the scorer that a series to watch asks for beyond those of ``scoring``.

    Args:
        series: as ``early_stopping`` names it.
        name: the same without "validation_".
        own: the scorers of ``scoring``.

    Raises:
        UnknownName: for what is neither a series nor made by a scorer of scikit-learn's.

    >>> list(find_watched("validation_f1", "f1", {}))
    ['f1']
    """
    from sklearn.metrics import get_scorer_names

    known = get_scorer_names()
    if series is True or name in known:
        return find_scorers(name)
    names = [f"validation_{each}" for each in ("loss", *own)]
    near = difflib.get_close_matches(str(series), [f"validation_{each}" for each in known], n=1)
    known_names = ["loss", "penalty", "rate", *own, *names, *near, "validation_SCORER"]
    raise UnknownName.among("early_stopping", series, dict.fromkeys(known_names))


def as_metrics(estimator: Any, scorers: Mapping[str, Scorer]) -> dict[str, Callable[..., float]]:
    """Give functions (model, X, Y, weights) for `train`'s metrics, each asking a scorer.

    Args:
        estimator: whose predictions are scored, with the parameters of the epoch.
        scorers: by name.
    """
    asked = copy.copy(estimator)
    vars(asked).pop("feature_names_in_", None)  # what is scored is the matrix, whose columns have no names
    return {name: _measured(asked, scorer) for name, scorer in scorers.items()}


def _measured(asked: Any, scorer: Scorer) -> Callable[..., float]:
    takes = "sample_weight" in inspect.signature(getattr(scorer, "_score_func", scorer)).parameters

    def measure(model: Any, X: Any, Y: Any, weights: Any) -> float:
        vars(asked)["model_"] = model
        rows = X.tocsr() if isinstance(X, SparseRows) else X
        more = {"sample_weight": weights} if takes and weights is not None else {}
        return float(scorer(asked, rows, asked._truths(Y), **more))

    return measure
