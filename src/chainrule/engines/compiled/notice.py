"""One line when code is compiled: the first use of a kind of network must not surprise anybody."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from chainrule.language import tr

__all__ = ["compiling", "tell"]


@contextmanager
def compiling(where: bool) -> Iterator[None]:
    """Say that kernels are compiled, and how long it took, where a person may be looking.

    Args:
        where: whether they are kept on disk, and so compiled once.
    """
    looking = sys.stderr is not None and sys.stderr.isatty()
    began = time.perf_counter()
    if looking:
        sys.stderr.write(
            tr("compiling kernels for this CPU, once …") if where else tr("compiling kernels for this CPU …")
        )
        sys.stderr.flush()
    try:
        yield
    finally:
        if looking:
            sys.stderr.write(" " + tr("{seconds:.1f} s", seconds=time.perf_counter() - began) + "\n")


_told: set[str] = set()


def tell(key: str, text: str) -> None:
    """Print a line on standard error, once for each key."""
    if key not in _told and sys.stderr is not None:
        _told.add(key)
        sys.stderr.write(text + "\n")
