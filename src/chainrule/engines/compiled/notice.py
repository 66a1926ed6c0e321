"""One line when code is compiled: the first use of a kind of network must not surprise anybody."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from chainrule.language import tr

__all__ = ["compiling"]


@contextmanager
def compiling(*, kept: bool) -> Iterator[None]:
    """Say that kernels are compiled, and how long it took, where a person may be looking.

    Args:
        kept: whether they are kept on disk, and so compiled once.
    """
    looking = sys.stderr is not None and sys.stderr.isatty()
    began = time.perf_counter()
    if looking:
        sys.stderr.write(
            tr("compiling kernels for this CPU, once …") if kept else tr("compiling kernels for this CPU …")
        )
        sys.stderr.flush()
    try:
        yield
    finally:
        if looking:
            sys.stderr.write(" " + tr("{seconds:.1f} s", seconds=time.perf_counter() - began) + "\n")
