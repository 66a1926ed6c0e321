"""Lines of Chinese, which Rich would break at spaces only."""

from __future__ import annotations

import re

from chainrule.text import wrap

__all__ = ["wrapped"]


def wrapped(text: str, width: int) -> str:
    """Break a text into lines of at most so many columns of a terminal; what has no Chinese in it stays as it is.

    >>> print(wrapped("学习率 0.01 太大，请试试它的十分之一。", 16))
    学习率 0.01 太
    大，请试试它的十
    分之一。
    """
    return "\n".join(wrap(text, width)) if re.search(r"[\u2e80-\uffef]", text) else text
