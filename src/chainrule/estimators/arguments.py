"""What the arguments of the estimators may be; what cannot be is refused by name, before any work is done."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.errors import UnknownName, UsageError
from chainrule.formulas.intervals import BELOW_ONE, NOT_NEGATIVE, POSITIVE, SHARE, Interval, as_float

__all__ = ["check_arguments", "is_flag", "seed_of"]

_INTERVALS: dict[str, Interval] = {
    "alpha": NOT_NEGATIVE,
    "l1": NOT_NEGATIVE,
    "l2": NOT_NEGATIVE,
    "learning_rate_init": POSITIVE,
    "power_t": NOT_NEGATIVE,
    "tol": NOT_NEGATIVE,
    "momentum": SHARE,
    "validation_fraction": BELOW_ONE,
    "beta_1": BELOW_ONE,
    "beta_2": BELOW_ONE,
    "epsilon": POSITIVE,
    "label_smoothing": BELOW_ONE,
}
_COUNTS = ("max_iter", "max_fun", "n_iter_no_change", "batch_size")
# Words that a count may be instead.
_WORDS: dict[str, Any] = {"n_iter_no_change": math.inf, "batch_size": "auto"}
_FLAGS = ("shuffle", "warm_start", "nesterovs_momentum", "progress")
_CHOICES = {"solver": ("adam", "sgd", "lbfgs"), "learning_rate": ("constant", "invscaling", "adaptive")}


def check_arguments(given: Mapping[str, Any]) -> None:
    """Hold the plain arguments to what they may be; formulas and sizes are checked where they are looked up.

    Args:
        given: the arguments by name; those that an estimator does not have may lack.

    Raises:
        UsageError: with the name, what was given and what is expected.

    >>> check_arguments({"alpha": -1.0})
    Traceback (most recent call last):
      ...
    chainrule.errors.UsageError: alpha is -1.0; it must be a finite number with 0 <= alpha
    """
    for name, allowed in _INTERVALS.items():
        if name in given and not (as_float(given[name]) in allowed and math.isfinite(given[name])):
            raise UsageError(
                "{name} is {value!r}; it must be a finite number with {allowed}",
                name=name,
                value=given[name],
                allowed=allowed.around(name),
            )
    for name in _COUNTS:
        if name in given and not _is_count(given[name]) and not _is_word(name, given[name]):
            raise UsageError(
                "{name} is {value!r}; it must be a whole number of at least 1", name=name, value=given[name]
            )
    for name in _FLAGS:
        if name in given and not is_flag(given[name]):
            raise UsageError("{name} is {value!r}; it must be True or False", name=name, value=given[name])
    _check_each_flag("batch_norm", given.get("batch_norm", False))
    verbose = given.get("verbose", False)
    if not is_flag(verbose) and not _is_count(verbose) and not (isinstance(verbose, int) and verbose == 0):
        raise UsageError("{name} is {value!r}; it must be True or False", name="verbose", value=verbose)
    stopping = given.get("early_stopping", False)
    if not is_flag(stopping) and not isinstance(stopping, str):
        raise UsageError(
            "early_stopping is {value!r}; it must be True, False or the name of a series, such as 'validation_loss'",
            value=stopping,
        )
    for name, choices in _CHOICES.items():
        if name in given and given[name] not in choices:
            raise UnknownName.among(name, given[name], choices)


def _check_each_flag(name: str, given: Any) -> None:
    """Hold one answer, or one for each layer, to True and False."""
    entries = given if isinstance(given, (Sequence, np.ndarray)) and not isinstance(given, str) else [given]
    if not all(map(is_flag, entries)):
        raise UsageError(
            "{name} is {value!r}; it must be True or False, or one of them for each layer", name=name, value=given
        )


def is_flag(value: object) -> bool:
    """Say whether this is True or False, Python's or NumPy's.

    >>> is_flag(np.False_), is_flag(0)
    (True, False)
    """
    return isinstance(value, (bool, np.bool_))


def _is_count(value: object) -> bool:
    return isinstance(value, (int, np.integer)) and not is_flag(value) and bool(value >= 1)


def _is_word(name: str, value: object) -> bool:
    return name in _WORDS and isinstance(value, (str, float)) and value == _WORDS[name]


def seed_of(random_state: Any) -> int:
    """Give the seed: a whole number is itself, anything else draws one."""
    if isinstance(random_state, (int, np.integer)) and not isinstance(random_state, bool) and random_state >= 0:
        return int(random_state)
    from sklearn.utils import check_random_state

    return int(check_random_state(random_state).randint(2**31 - 1))
