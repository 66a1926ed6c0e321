"""Ctrl-C and SIGTERM during training: the first ends it after the current batch, a later one at once."""

from __future__ import annotations

import signal
import threading
import time
from types import FrameType, TracebackType
from typing import Any

__all__ = ["PAUSE", "SIGNALS", "Interrupt", "Terminated"]

SIGNALS = (signal.SIGINT, signal.SIGTERM)

PAUSE = 1.0
"""Seconds after a signal that counted in which others do not count: fingers press a key twice, and shells send two."""


class Terminated(KeyboardInterrupt):
    """A KeyboardInterrupt that SIGTERM asked for, not the keyboard."""

    exit_code = 128 + signal.SIGTERM


class Interrupt:
    """While entered, a first SIGINT or SIGTERM only sets ``asked``; one `PAUSE` or more later raises KeyboardInterrupt.

    One that is entered within another adds nothing: it shares what the outer one was asked, so that a program can keep
    hold of Ctrl-C beyond the training. Handlers that were there before are set again in the end.

    It does nothing outside of the main thread, where Python allows no handlers, and leaves alone a signal that the
    process was told to ignore, as programs in the background ignore SIGINT.

    Attributes:
        number: the signal that asked, or None.

    >>> with Interrupt() as interrupt:
    ...     interrupt.asked
    False
    """

    def __init__(self) -> None:
        self._number: int | None = None
        self._counted = 0.0  # when the latest one that counts came
        self._outer: Interrupt | None = None
        self._before: dict[int, Any] = {}

    @property
    def asked(self) -> bool:
        """Whether there was a signal."""
        return self.number is not None

    @property
    def number(self) -> int | None:
        """The first signal that there was, or None."""
        return self._number if self._outer is None else self._outer.number

    def __enter__(self) -> Interrupt:
        if threading.current_thread() is not threading.main_thread():
            return self
        for number in SIGNALS:
            before = signal.getsignal(number)
            owner = getattr(before, "__self__", None)
            if isinstance(owner, Interrupt):
                self._outer = owner
            elif before is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._note)
        return self

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self._outer is not None:  # the outer one has hold of the other signal only
            self._outer._note(number, frame)
            return
        now = time.monotonic()
        if self._number is None:
            self._number, self._counted = number, now
        elif now - self._counted >= PAUSE:
            self._counted = now
            raise Terminated if number == signal.SIGTERM else KeyboardInterrupt

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for number, before in self._before.items():
            # A handler that was set in the meantime is to stay.
            if signal.getsignal(number) == self._note:
                # None stands for a handler that C code set, which Python cannot set again.
                usual = signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
                signal.signal(number, usual if before is None else before)
        self._before = {}
