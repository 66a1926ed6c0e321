"""Colours that people with any colour vision can tell apart, and the markers and line styles that go with them.

Colour never stands alone in these pictures: whatever has a colour also has a marker, a line style or words. The first
eight colours are the set of M. Okabe and K. Ito, "Color Universal Design" (2008); a wine red and a grey make them
ten, so that ten digits have ten.
"""

from __future__ import annotations

__all__ = [
    "COLOURS",
    "LINE_STYLES",
    "MARKERS",
    "NEGATIVE",
    "NEUTRAL",
    "POSITIVE",
    "TRAINING",
    "VALIDATION",
    "colour",
    "marker",
]

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#F0E442", "#882255", "#999999")

# Eleven markers and ten colours share no divisor, so the pairs repeat only after 110 classes.
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "p", "*")

LINE_STYLES = ("-", "--", ":", "-.")

POSITIVE = COLOURS[0]
NEGATIVE = COLOURS[1]
NEUTRAL = "#666666"
TRAINING = COLOURS[0]
VALIDATION = COLOURS[1]


def colour(number: int) -> str:
    """Return the colour of class ``number``, as a hex string; colours repeat after ten.

    >>> colour(0), colour(10) == colour(0)
    ('#0072B2', True)
    """
    return COLOURS[number % len(COLOURS)]


def marker(number: int) -> str:
    """Return the matplotlib marker of class ``number``; markers repeat after eleven.

    >>> marker(1), marker(12) == marker(1)
    ('s', True)
    """
    return MARKERS[number % len(MARKERS)]
