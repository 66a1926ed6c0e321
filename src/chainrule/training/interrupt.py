"""Ctrl-C during training: the first ends it after the current batch, the second at once."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any

__all__ = ["Interrupt"]


class Interrupt:
    """While entered, a first SIGINT only sets ``asked``; a second one raises KeyboardInterrupt as usual.

    It does nothing outside of the main thread, where Python allows no handlers, and where the process was told to
    ignore SIGINT, as programs in the background are.

    >>> with Interrupt() as interrupt:
    ...     interrupt.asked
    False
    """

    def __init__(self) -> None:
        self.asked = False
        self._before: Any = None
        self._entered = False

    def __enter__(self) -> Interrupt:
        main = threading.current_thread() is threading.main_thread()
        if main and signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
            self._before = signal.signal(signal.SIGINT, self._note)
            self._entered = True
        return self

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.asked = True
        signal.signal(signal.SIGINT, signal.default_int_handler)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._entered:
            # None stands for a handler that C code set, which Python cannot set again.
            signal.signal(signal.SIGINT, signal.default_int_handler if self._before is None else self._before)
