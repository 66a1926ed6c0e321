"""Ctrl-C during training: the first ends it after the current batch, a later one at once."""

from __future__ import annotations

import signal
import threading
import time
from types import FrameType, TracebackType
from typing import Any

__all__ = ["PAUSE", "Interrupt"]

PAUSE = 1.0
"""Seconds after a SIGINT that counted in which others do not count: fingers press a key twice, and shells send two."""


class Interrupt:
    """While entered, a first SIGINT only sets ``asked``; one at least `PAUSE` later raises KeyboardInterrupt.

    One that is entered within another adds nothing: it shares what the outer one was asked, so that a program can keep
    hold of Ctrl-C beyond the training.

    It does nothing outside of the main thread, where Python allows no handlers, and where the process was told to
    ignore SIGINT, as programs in the background are.

    >>> with Interrupt() as interrupt:
    ...     interrupt.asked
    False
    """

    def __init__(self) -> None:
        self._asked = False
        self._counted = 0.0  # when the latest one that counts came
        self._outer: Interrupt | None = None
        self._before: Any = None
        self._entered = False

    @property
    def asked(self) -> bool:
        """Whether there was a SIGINT."""
        return self._asked if self._outer is None else self._outer.asked

    def __enter__(self) -> Interrupt:
        if threading.current_thread() is not threading.main_thread():
            return self
        before = signal.getsignal(signal.SIGINT)
        owner = getattr(before, "__self__", None)
        if isinstance(owner, Interrupt):
            self._outer = owner
        elif before is not signal.SIG_IGN:
            self._before = signal.signal(signal.SIGINT, self._note)
            self._entered = True
        return self

    def _note(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if not self._asked:
            self._asked, self._counted = True, now
        elif now - self._counted >= PAUSE:
            self._counted = now
            raise KeyboardInterrupt

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        # A handler that was set in the meantime is to stay.
        if self._entered and signal.getsignal(signal.SIGINT) == self._note:
            # None stands for a handler that C code set, which Python cannot set again.
            signal.signal(signal.SIGINT, signal.default_int_handler if self._before is None else self._before)
