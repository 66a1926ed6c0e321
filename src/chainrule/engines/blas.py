"""Limits on the threads of NumPy's linear algebra, of which there is one number for the whole process."""

from __future__ import annotations

import functools
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["limited"]


@functools.lru_cache(maxsize=1)
def _libraries(modules: int) -> tuple[Any, ...]:
    """Find the libraries; looking takes a tenth of a millisecond, and there is nothing new without new modules."""
    from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

    return tuple(ThreadpoolController().select(user_api="blas").lib_controllers)


def _set(library: Any, count: int) -> None:
    # Newer versions of threadpoolctl listen to the first thread that sets a number and silently to no other until that
    # thread clears it. Here a lock keeps order, and whoever leaves last may be another thread.
    clear = getattr(library, "clear_controlling_thread", None)
    if clear is not None:
        clear(force=True)
    library.set_num_threads(count)
    if clear is not None:
        clear(force=True)


class _Limits:
    """Who limits the libraries at the moment: the first notes their numbers, the last to go puts these back.

    If each block put back what it found, two that overlap would leave the limit of the one that came first.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked: list[tuple[int, int]] = []  # by which thread, how many
        self._before: list[tuple[Any, int]] = []  # each library, and how many threads it had

    def enter(self, count: int) -> tuple[int, int]:
        asked = threading.get_ident(), count
        with self._lock:
            if not self._asked:
                found = [(library, library.num_threads) for library in _libraries(len(sys.modules))]
                self._before = [(library, before) for library, before in found if before is not None]
            self._asked.append(asked)
            self._apply()
        return asked

    def leave(self, asked: tuple[int, int]) -> None:
        with self._lock:
            self._asked.remove(asked)
            self._apply()

    def _apply(self) -> None:
        least = min((count for _, count in self._asked), default=None)
        for library, before in self._before:
            _set(library, before if least is None else min(least, before))

    def renew(self) -> None:
        """In the child of a fork only the thread that forked lives on: forget what others asked, and their lock."""
        self._lock, me = threading.Lock(), threading.get_ident()
        others = [asked for asked in self._asked if asked[0] != me]
        for asked in others:
            self.leave(asked)


_limits = _Limits()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_limits.renew)


@contextmanager
def limited(count: int) -> Iterator[None]:
    """Hold NumPy's linear algebra to so many threads at most, and put back what was; the lowest limit counts.

    >>> with limited(1):
    ...     pass
    """
    asked = _limits.enter(count)
    try:
        yield
    finally:
        _limits.leave(asked)
