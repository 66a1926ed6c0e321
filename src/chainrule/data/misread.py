"""Text columns that a reader took for categories though they are something else: dates, numbers, identifiers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from chainrule.data.columns import categories_of, is_number_like
from chainrule.language import Message

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["misread"]

_CODES = 20  # more dates, or numbers with separators, than this are no categories
_MANY = 50  # so many categories have an input of their own
_DATE = re.compile(r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}")
_THOUSANDS = re.compile(r"[+-]?\d{1,3}([,.' ])\d{3}(\1\d{3})*([.,]\d+)?|[+-]?\d{1,3}([.,]\d+)?")


def misread(column: pd.Series[Any]) -> tuple[str, str, int, str] | None:
    """Say what a text column looks like that holds no categories.

    Returns:
        What it looks like, a remedy, how many texts there are, and one of them; None for a column of categories.

    >>> import pandas as pd
    >>> misread(pd.Series([f"2024-01-{day:02}" for day in range(1, 32)]))[0]
    'dates'
    """
    _, texts = categories_of(column)
    count = len(texts)
    if count <= _CODES:
        return None
    most = 0.9 * count
    if sum(_DATE.match(text) is not None for text in texts) >= most:
        return Message("dates"), Message("make numbers of it (year, month, day, …), or "), count, texts[0]
    grouped = [text for text in texts if not is_number_like(text) and _THOUSANDS.fullmatch(text)]
    if grouped and sum(_THOUSANDS.fullmatch(text) is not None for text in texts) >= most:
        remedy = Message("write 1311.5 for 1,311.5, or ")
        return Message("numbers with thousands separators"), remedy, count, grouped[0]
    if count > _MANY and count > len(column) / 2:
        return Message("an identifier or free text"), "", count, texts[0]
    return None
