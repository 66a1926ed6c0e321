"""What engines tell the person at the terminal, though the work goes on: one line, once."""

from __future__ import annotations

import sys
from contextlib import suppress

__all__ = ["is_terminal", "tell", "tell_once"]

_told: set[str] = set()


def is_terminal() -> bool:
    """Say whether standard error is a terminal."""
    try:
        return sys.stderr is not None and bool(sys.stderr.isatty())
    except (AttributeError, ValueError):  # a program's own object, or one that is closed
        return False


def tell(text: str) -> None:
    """Write on standard error, where there is one that can be written to: no work ends because nobody can be told."""
    with suppress(OSError, ValueError, AttributeError):
        sys.stderr.write(text)
        sys.stderr.flush()


def tell_once(key: str, text: str) -> None:
    """Print a line on standard error, where there is one, once for each key as long as the program runs.

    >>> tell_once("doctest", "")
    """
    if key in _told:
        return
    _told.add(key)
    if text:
        tell(text + "\n")
