"""How many threads may work together."""

from __future__ import annotations

import os

__all__ = ["usable_threads"]

_MOST = 64


def usable_threads() -> int:
    """Give how many cores this process may use; CHAINRULE_THREADS, a whole number, allows fewer or more."""
    asked = os.environ.get("CHAINRULE_THREADS", "")
    if asked.isdecimal() and int(asked) > 0:
        return min(int(asked), _MOST)
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
