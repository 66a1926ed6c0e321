"""Breaking: where a long formula, written as text, goes on on the next line."""

from __future__ import annotations

import re
from collections.abc import Iterator

from chainrule.text import text_width

__all__ = ["broken"]

# The operators at which a line may be broken, before the loose ones first; and the commas between arguments.
_OPERATORS = (" [+−] ", " [×·⊙/] ", ", ")
_INDENT = "  "
_OPENING, _CLOSING = "([{", ")]}"


def broken(formula: str, room: int, taken: int = 0) -> list[str]:
    """Break a formula into lines, outside of brackets rather than within, before plus and minus rather than times.

    A line that begins within brackets stands further to the right, the more of them are open.

    Args:
        formula: the formula, its operators with a space on both sides.
        room: how many columns a line may take; a longer number has a line of its own.
        taken: how many of the first line's are taken already.

    >>> broken("0.1 × (0.2 + 0.3) + 0.4 × 0.5", 20)
    ['0.1 × (0.2 + 0.3)', '+ 0.4 × 0.5']
    >>> broken("0.1 × (0.2 + 0.3)", 12)
    ['0.1 × (0.2', '  + 0.3)']
    """
    if taken + text_width(formula) <= room:
        return [formula]
    depth, pieces = _pieces(formula)
    if len(pieces) == 1:
        return pieces
    indent = _INDENT * depth
    lines = broken(pieces[0], room, taken)
    whole = len(lines) == 1  # a piece that takes several lines has the last of them for itself
    for piece in pieces[1:]:
        end = text_width(lines[-1]) + (taken if len(lines) == 1 else 0) + 1
        inner = broken(piece, room - len(indent))
        # What takes several lines anyway begins behind what it belongs to.
        beside = broken(piece, room - len(indent), end - len(indent)) if whole and len(inner) > 1 else inner
        if whole and end + text_width(beside[0]) <= room:
            inner = beside
            lines[-1] += f" {inner[0]}"
        else:
            lines.append(indent + inner[0])
        lines += (indent + each for each in inner[1:])
        whole = len(inner) == 1
    return lines


def _pieces(formula: str) -> tuple[int, list[str]]:
    """Cut a formula at its loosest operators, in the fewest brackets; give how many brackets that are, too."""
    depths = list(_depths(formula))
    for depth in range(max(depths) + 1):
        for operator in _OPERATORS:
            found = [each for each in re.finditer(operator, formula) if depths[each.start()] == depth]
            if found:
                # A comma stays where it is; plus, minus and times begin the next line.
                cuts = [each.start() + (1 if operator == ", " else 0) for each in found]
                ends = [*cuts, len(formula)]
                return depth, [formula[a:b].strip() for a, b in zip([0, *cuts], ends, strict=True)]
    return 0, [formula]


def _depths(formula: str) -> Iterator[int]:
    """Give how many brackets are open at each character."""
    depth = 0
    for character in formula:
        depth -= character in _CLOSING
        yield depth
        depth += character in _OPENING
