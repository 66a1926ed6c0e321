"""Prose: sentences whose fields may be names, numbers and expressions, told in the language in use."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

from chainrule.explain.expressions import Expr
from chainrule.explain.names import Name
from chainrule.language import Message, plural, told, tr

__all__ = ["Prosaist", "tell", "tell_rest"]

Formula = Name | Expr | float
# Writes a field that is a formula; escapes what is a text.
Prosaist = tuple[Callable[[Formula], str], Callable[[str], str]]

# Private characters around the number of a field, which no escaping touches and no text should hold.
_OPEN, _CLOSE = "\ue000", "\ue001"
_PLACE = re.compile(f"{_OPEN}([0-9]+){_CLOSE}")
_READABLE = 10**15  # beyond that nobody reads all the digits of a count
_PRIVATE = str.maketrans("", "", _OPEN + _CLOSE)


class _Place(str):
    """Where a formula stands; what its template asks of a number is the notation's business."""

    def __format__(self, specification: str) -> str:
        return str(self)


def tell(text: Any, write: Callable[[Formula], str], escape: Callable[[str], str] = str) -> str:
    """Give a sentence as a format shows it.

    Args:
        text: a `Message`, whose fields may be `Name`s, expressions and floats, messages among them; or a finished text.
        write: writes such a field.
        escape: makes any other text safe.

    >>> tell(Message("{a} is {b:.3f}", a=Name("a", 1, (0,)), b=0.5), lambda field: f"<{type(field).__name__}>")
    '<Name> is <float>'
    """
    if not isinstance(text, Message):
        return escape(str(text).translate(_PRIVATE))
    formulas: list[Formula] = []
    sentence = tr(text.key, **_with_places(text.fields, formulas))
    return _PLACE.sub(lambda found: write(formulas[int(found[1])]), escape(sentence))


def _with_places(fields: dict[str, Any], formulas: list[Formula]) -> dict[str, Any]:
    placed: dict[str, Any] = {}
    for name, value in fields.items():
        if isinstance(value, Message):
            placed[name] = Message(value.key, **_with_places(value.fields, formulas))
        elif isinstance(value, str):
            placed[name] = value.translate(_PRIVATE)
        elif isinstance(value, Formula) and not isinstance(value, int):
            placed[name] = _Place(f"{_OPEN}{len(formulas)}{_CLOSE}")
            formulas.append(value)
        else:
            placed[name] = value
    return placed


def tell_rest(count: int, number: str, escape: Callable[[str], str] = str) -> tuple[str, str]:
    """Say that so many terms are not shown: the words before their sum and those behind it.

    Args:
        count: how many.
        number: their sum, as it is written; empty where there are only names.
        escape: makes a text safe.

    >>> tell_rest(774, "0.0132"), tell_rest(3, "")
    (('… and 774 more, together ', ''), ('… and 3 more', ''))
    >>> tell_rest(3 * 10**300 - 6, "0.0132")
    ('… and about 3e+300 more, together ', '')
    """
    if number and count > _READABLE:
        text = told(Message("… and about {n} more, together {sum}", n=_one_figure(count), sum=_OPEN))
        before, _, behind = text.partition(_OPEN)
        return escape(before), escape(behind)
    if not number:
        return escape(plural("… and {n} more", "… and {n:,} more", count)), ""
    text = plural("… and {n} more, {sum}", "… and {n:,} more, together {sum}", count, sum=_OPEN)
    before, _, behind = told(text).partition(_OPEN)
    return escape(before), escape(behind)


def _one_figure(count: int) -> str:
    """Write a count, which may be beyond what a float holds, to one figure."""
    exponent = math.floor(math.log10(count))
    figure = round(count / 10**exponent)
    return f"{figure}e+{exponent}" if figure < 10 else f"1e+{exponent + 1}"
