"""Text on a terminal: how wide it is, and where its lines may be broken, in English and in Chinese."""

from __future__ import annotations

import functools
import re
import unicodedata

__all__ = ["text_width", "wrap"]

# One Chinese character is a word of its own, and takes the punctuation behind it along, which begins no line.
_WIDE = "\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe4f\uff01-\uff60"
_CLOSING = "，。、；：！？）”》」』】％…"
_WORD = re.compile(rf"[ \t]+|[（“《「『【]*(?:[{_WIDE}]|[^ \t{_WIDE}]+)[{_CLOSING}]*")


def text_width(text: str) -> int:
    """Give the columns that a text takes on a terminal: two for a Chinese character, none for a combining accent.

    >>> text_width("neuron"), text_width("神经元")
    (6, 6)
    """
    return sum(map(_columns, text))


@functools.cache
def _columns(character: str) -> int:
    return 0 if unicodedata.combining(character) else 1 + (unicodedata.east_asian_width(character) in "WF")


def wrap(text: str, width: int, indent: str = "", hanging: str = "") -> list[str]:
    """Break a text into lines; Chinese breaks between any two characters, but no line begins with a comma.

    Args:
        text: one paragraph; line breaks in it stay.
        width: how many columns a line may take; a longer word has a line of its own.
        indent: what all lines begin with.
        hanging: what all but the first begin with as well.

    >>> wrap("weigh, add, squash", 12, hanging="  ")
    ['weigh, add,', '  squash']
    """
    lines = []
    for paragraph in text.splitlines():
        line = indent
        fresh = True
        for word in _WORD.findall(paragraph):
            if not fresh and text_width(line) + text_width(word.rstrip()) > width:
                lines.append(line.rstrip())
                line, fresh = indent + hanging, True
            if not (fresh and word.isspace()):
                line, fresh = line + word, False
        lines.append(line.rstrip())
    return lines
