"""Where lines of Chinese may be broken: between any two characters, but not before a closing mark or within a word."""

from __future__ import annotations

import re

__all__ = ["wrapped"]

# A word of other scripts, or one Chinese character, each with the marks that must not begin a line.
_PIECES = re.compile(r"\s+|(?:[（“《【]*(?:[^\s\u2e80-\uffef（“《【]+|[\u2e80-\uffef])[，。；：、？！）”》】…]*)|\S")


def wrapped(text: str, width: int) -> str:
    """Break a text into lines of at most so many columns of a terminal; what has no Chinese in it stays as it is.

    >>> print(wrapped("学习率 0.01 太大，请试试它的十分之一。", 16))
    学习率 0.01 太
    大，请试试它的十
    分之一。
    """
    from rich.cells import cell_len

    if not re.search(r"[\u2e80-\uffef]", text):
        return text
    lines = []
    for line in text.split("\n"):
        now, room = "", width
        for piece in _PIECES.findall(line):
            size = cell_len(piece)
            if size > room and now.strip() and not piece.isspace():
                lines.append(now.rstrip())
                now, room = "", width
            if now or not piece.isspace() or not lines:
                now, room = now + piece, room - size
        lines.append(now.rstrip())
    return "\n".join(lines)
