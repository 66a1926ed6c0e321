"""One line when code is compiled: the first use of a kind of network must not surprise anybody."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from chainrule.engines.notice import is_terminal, tell, tell_once
from chainrule.language import tr

__all__ = ["compiling"]

_PAUSE = 0.5  # seconds between two dots


@contextmanager
def compiling(*, kept: bool) -> Iterator[None]:
    """Say that kernels are compiled: with dots and how long it took on a terminal, else one line a program.

    Args:
        kept: whether they are kept on disk, and so compiled once.
    """
    text = tr("compiling kernels for this CPU, once …") if kept else tr("compiling kernels for this CPU …")
    if not is_terminal():
        tell_once("compiling", text)
        yield
        return
    began = time.perf_counter()
    tell(text)
    done = threading.Event()
    # LLVM lets other threads run while it works.
    dots = threading.Thread(target=_write_dots, args=(done,), daemon=True)
    dots.start()
    try:
        yield
    finally:
        done.set()
        dots.join()
        tell(" " + tr("{seconds:.1f} s", seconds=time.perf_counter() - began) + "\n")


def _write_dots(done: threading.Event) -> None:
    while not done.wait(_PAUSE):
        tell(".")
