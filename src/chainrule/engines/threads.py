"""How many threads may work: what the caller asks for, else the environment, else the cores this process may use."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np

from chainrule.engines.blas import limited
from chainrule.engines.notice import tell_once
from chainrule.engines.quota import cpu_quota
from chainrule.errors import UsageError
from chainrule.language import tr

__all__ = ["check_threads", "limit_threads", "process_threads", "usable_threads"]

_MOST = 64
# Set for one block of one thread, like the language in use.
_limit: ContextVar[int | None] = ContextVar("threads", default=None)


def check_threads(n_threads: Any) -> int | None:
    """Return the number of threads as a Python int, or None.

    Raises:
        UsageError: for what is no whole number of at least 1.

    >>> check_threads(2), check_threads(None)
    (2, None)
    """
    if n_threads is None:
        return None
    if isinstance(n_threads, bool) or not isinstance(n_threads, (int, np.integer)) or n_threads < 1:
        raise UsageError(
            "n_threads is {value!r}; it must be a whole number of at least 1, or None for all cores that may be used",
            value=n_threads,
        )
    return int(n_threads)


@contextmanager
def limit_threads(n_threads: int | None) -> Iterator[None]:
    """Let everything inside the block compute in so many threads at most, whichever engine does it.

    The compiled engine is told for this block and this Python thread. NumPy's linear algebra knows one number for the
    whole process, which is put back as it was; while several blocks run at once, the lowest number counts. A block
    within another can only ask for less.

    Args:
        n_threads: how many; None changes nothing.

    Raises:
        UsageError: for what is no whole number of at least 1.

    >>> from chainrule import Network
    >>> model = Network.from_sizes([2, 3, 1]).init(seed=0)
    >>> with limit_threads(1):
    ...     model.predict([[0.0, 0.0]]).tolist()
    [[0.0]]
    """
    asked, outer = check_threads(n_threads), _limit.get()
    if asked is None:
        yield
        return
    token = _limit.set(asked if outer is None else min(asked, outer))
    try:
        with limited(asked):
            yield
    finally:
        _limit.reset(token)


def usable_threads() -> int:
    """Give how many threads may compute here: as many as `limit_threads` says, else as many as the process may use.

    >>> with limit_threads(3):
    ...     usable_threads()
    3
    """
    asked = _limit.get()
    return process_threads() if asked is None else min(asked, _MOST)


def process_threads() -> int:
    """Give how many threads this process may compute in.

    CHAINRULE_THREADS, a whole number of at least 1, says it. Else these are the cores that the process may run on, or
    fewer: no more than a container's share of them, since threads beyond it would be stopped while others wait for
    them; and no more than OMP_NUM_THREADS, by which joblib, batch systems and people tell numerical libraries their
    part of a machine that several processes share.
    """
    given = os.environ.get("CHAINRULE_THREADS", "").strip()
    asked = _whole(given)
    if asked:
        return min(asked, _MOST)
    if given:
        text = tr("CHAINRULE_THREADS is {given!r}, no whole number of at least 1; it is not heeded", given=given)
        tell_once(text, text)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    told = _whole(os.environ.get("OMP_NUM_THREADS", "").partition(",")[0])  # "4,2": 4, and 2 within each of them
    return max(1, min(cores, math.floor(cpu_quota()), told or _MOST, _MOST))


def _whole(text: str) -> int:
    """Read a whole number, of which no more than nine digits matter here; 0 where there is none."""
    text = text.strip()
    return int(text[:9]) if text.isascii() and text.isdecimal() else 0
