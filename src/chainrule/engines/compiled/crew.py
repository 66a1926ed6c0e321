"""Who computes: all kernels that run at once in this process use no more threads together than the process may."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["CREW", "Crew"]


class Crew:
    """Counts the threads in which kernels run.

    Nobody waits for anybody: where others are busy, a kernel runs in fewer threads, at least in the one that calls it.
    Results are the same bits.

    >>> crew = Crew()
    >>> with crew.hands(2, of=2) as mine, crew.hands(2, of=2) as other:
    ...     mine, other
    (2, 1)
    """

    def __init__(self) -> None:
        self.renew()

    def renew(self) -> None:
        """Begin anew, as the child of a fork must: of all threads only the one that forked lives on there."""
        self._lock = threading.Lock()
        self._busy = 0

    @contextmanager
    def hands(self, wanted: int, of: int) -> Iterator[int]:
        """Give how many threads, this one included, a kernel may run in: as wanted where ``of`` leaves so many."""
        with self._lock:
            granted = max(1, min(wanted, of - self._busy))
            self._busy += granted
        try:
            yield granted
        finally:
            with self._lock:
                self._busy -= granted


CREW = Crew()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=CREW.renew)
