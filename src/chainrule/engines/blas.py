"""Limits on the threads of NumPy's linear algebra, of which there is one number for the whole process."""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["limited"]


@functools.cache
def _libraries() -> tuple[Any, ...]:
    """Find the libraries, once: NumPy's is loaded with NumPy, and looking takes a tenth of a millisecond."""
    from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

    return tuple(ThreadpoolController().select(user_api="blas").lib_controllers)


class _Limits:
    """Who limits the libraries at the moment: the first notes their numbers, the last to go puts these back.

    If each block put back what it found, two that overlap would leave the limit of the one that came first.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked: list[tuple[int, int]] = []  # by which thread, how many
        self._before: list[int | None] = []

    def enter(self, count: int) -> tuple[int, int]:
        asked = threading.get_ident(), count
        with self._lock:
            if not self._asked:
                self._before = [library.num_threads for library in _libraries()]
            self._asked.append(asked)
            self._apply()
        return asked

    def leave(self, asked: tuple[int, int]) -> None:
        with self._lock:
            self._asked.remove(asked)
            self._apply()

    def _apply(self) -> None:
        least = min((count for _, count in self._asked), default=None)
        for library, before in zip(_libraries(), self._before, strict=True):
            if before is not None:
                library.set_num_threads(before if least is None else min(least, before))

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
