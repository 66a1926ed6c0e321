"""What engines tell the person at the terminal, though the work goes on: one line, once."""

from __future__ import annotations

import sys

__all__ = ["tell_once"]

_told: set[str] = set()


def tell_once(key: str, text: str) -> None:
    """Print a line on standard error, where there is one, once for each key as long as the program runs.

    >>> tell_once("doctest", "")
    """
    if key in _told:
        return
    _told.add(key)
    if text and sys.stderr is not None:
        sys.stderr.write(text + "\n")
