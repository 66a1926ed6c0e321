"""Breaking: where a long formula, written as text, goes on on the next line."""

from __future__ import annotations

import re
from collections.abc import Iterator

from chainrule.text import text_width

__all__ = ["broken"]

# The operators at which a line may be broken, before the loose ones first; and the commas between arguments.
_OPERATORS = (" [+−] ", " [×·⊙/] ", ", ")
_OPENING, _CLOSING = "([{", ")]}"


def broken(formula: str, room: int) -> list[str]:
    """Break a formula into lines, outside of brackets rather than within, before plus and minus rather than times.

    Args:
        formula: the formula, its operators with a space on both sides.
        room: how many columns a line may take; a longer number has a line of its own.

    >>> broken("0.1 × (0.2 + 0.3) + 0.4 × 0.5", 20)
    ['0.1 × (0.2 + 0.3)', '+ 0.4 × 0.5']
    """
    if text_width(formula) <= room:
        return [formula]
    pieces = _pieces(formula)
    if len(pieces) == 1:
        return pieces
    lines = [""]
    for piece in pieces:
        joined = f"{lines[-1]} {piece}" if lines[-1] else piece
        if text_width(joined) <= room:
            lines[-1] = joined
            continue
        inner = broken(piece, room)
        lines = [*([*lines] if lines[-1] else []), *inner]
    return lines


def _pieces(formula: str) -> list[str]:
    """Cut a formula at its loosest operators, in the fewest brackets."""
    depths = list(_depths(formula))
    for depth in range(max(depths) + 1):
        for operator in _OPERATORS:
            found = [each for each in re.finditer(operator, formula) if depths[each.start()] == depth]
            if found:
                # A comma stays where it is; plus, minus and times begin the next line.
                cuts = [each.start() + (1 if operator == ", " else 0) for each in found]
                ends = [*cuts, len(formula)]
                return [formula[a:b].strip() for a, b in zip([0, *cuts], ends, strict=True)]
    return [formula]


def _depths(formula: str) -> Iterator[int]:
    """Give how many brackets are open at each character."""
    depth = 0
    for character in formula:
        depth -= character in _CLOSING
        yield depth
        depth += character in _OPENING
