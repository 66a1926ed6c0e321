"""A lesson as lines of text: what a terminal shows, and what a Python session prints."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

from chainrule.language import speaking, told, tr
from chainrule.lessons.story import Check, Derivation, Formula, Heading, Hint, Line, Result, Table
from chainrule.text import text_width, wrap

if TYPE_CHECKING:
    from chainrule.lessons.story import Block

__all__ = [
    "WIDTH",
    "cell_text",
    "check_text",
    "hints_of",
    "is_numeric",
    "lines_of",
    "set_apart",
    "table_lines",
    "to_text",
]

WIDTH = 80
INDENT = "  "

_MOST_DIGITS = 15  # of a number that nobody said more about
_LEAST_TEXT = 16  # columns below which a column of texts is not wrapped


def to_text(result: Result, width: int = WIDTH) -> str:
    """Write everything that a lesson told as lines of text, in the language that it was told in.

    Args:
        result: what the lesson came to.
        width: how many columns a line may take.
    """
    with speaking(result.language):
        lines = [told(result.lesson.title), "=" * text_width(told(result.lesson.title))]
        before: Block | None = None
        for block in result.blocks:
            if not isinstance(block, Hint):
                lines += [""] * set_apart(before, block) + lines_of(block, width)
                if isinstance(block, Heading):
                    lines.append("-" * text_width(lines[-1]))
                before = block
        if hints := hints_of(result.blocks):
            lines += ["", tr("Try next")]
        for hint in hints:
            lines += [*wrap(told(hint.text), width, INDENT), INDENT * 2 + hint.command]
    return "\n".join(lines)


def hints_of(blocks: Sequence[Block]) -> list[Hint]:
    """Give what to try next, which is shown at the end."""
    return [block for block in blocks if isinstance(block, Hint)]


def set_apart(before: Block | None, block: Block) -> bool:
    """Say whether an empty line stands between two pieces: lines of output and checks keep together."""
    return not (isinstance(block, (Line, Check)) and type(before) is type(block))


def lines_of(block: Block, width: int = WIDTH) -> list[str]:
    """Write one piece of a lesson as lines of at most so many columns, where that can be."""
    if isinstance(block, Table):
        return [*wrap(told(block.title), width), *table_lines(block, width)]
    if isinstance(block, Formula):
        return [INDENT * 2 + line for line in block.text.splitlines()]
    if isinstance(block, Derivation):
        from chainrule.explain.writing.text import text_lines

        return ["".join(text for text, _ in line).rstrip() for line in text_lines(block.page, width, ruled=False)]
    if isinstance(block, Check):
        return wrap(check_text(block), width, hanging=INDENT)
    text = told(block.text)
    return wrap(text, width, hanging=INDENT if isinstance(block, Line) else "")


# Numbers


def cell_text(cell: Any, digits: int) -> str:
    """Write what stands in a cell; floats with so many digits, counted from the first that is not zero.

    >>> cell_text(0.0474258732, 4), cell_text(4344, 4), cell_text((0.5, 2.0), 4), cell_text(True, 4)
    ('0.04743', '4,344', '(0.5, 2)', 'yes')
    """
    if isinstance(cell, str):
        return " ".join(told(cell).split())
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return tr("yes") if cell else tr("no")
    if isinstance(cell, Integral):
        return f"{int(cell):,}"
    if isinstance(cell, Real):
        value = float(cell) + 0.0  # −0 is 0
        return f"{value:,.0f}" if 10**digits <= abs(value) < 1e15 else f"{value:.{digits}g}"
    if isinstance(cell, dict):
        return ", ".join(f"{cell_text(name, digits)}: {cell_text(each, digits)}" for name, each in cell.items())
    return _array_text([cell_text(each, digits) for each in cell], nested=any(isinstance(each, list) for each in cell))


def _array_text(entries: Sequence[str], nested: bool) -> str:
    """Write a vector as (1, 2), and a matrix as (1, 2; 3, 4)."""
    if nested:
        entries = [entry.removeprefix("(").removesuffix(")") for entry in entries]
    return f"({('; ' if nested else ', ').join(entries)})"


def check_text(check: Check) -> str:
    """Write a check as one line that says what was expected; the words say whether it holds, not only the mark."""
    mark = "✓" if check.passed else "✗"
    if check.expected is None:
        return f"{mark} {told(check.name) if check.passed else tr('does not hold: {sentence}', sentence=check.name)}"
    within = check.within or 0.0
    fields = {
        "name": check.name,
        "value": _as_exact(check.value, check.expected, within),
        "expected": cell_text(check.expected, _MOST_DIGITS) + (f" ± {within:g}" if within else ""),
    }
    if check.passed:
        return f"{mark} {tr('{name} = {value}, expected {expected}', **fields)}"
    return f"{mark} {tr('{name} = {value}, but {expected} was expected', **fields)}"


def _as_exact(value: Any, expected: Any, within: float) -> str:
    """Write numbers with the digits that are known of what was expected; where these are few, with two more."""
    if isinstance(value, list) and isinstance(expected, list) and len(value) == len(expected):
        nested = any(isinstance(each, list) for each in value)
        return _array_text([_as_exact(*each, within) for each in zip(value, expected, strict=True)], nested)
    if not isinstance(value, float) or not isinstance(expected, (int, float)) or not within or not math.isfinite(value):
        return cell_text(value, _MOST_DIGITS)
    decimals = math.ceil(-math.log10(2 * within) - 1e-9)
    if abs(round(expected, decimals) - expected) > 1e-3 * within:
        decimals += 2
    whole = math.floor(math.log10(abs(value))) + 1 if abs(value) > within else 1
    return cell_text(value, max(1, whole + decimals))


# Tables


def is_numeric(cells: Sequence[Any]) -> bool:
    """Say whether a column holds numbers, and at most empty cells besides."""
    filled = [cell for cell in cells if cell is not None and cell != ""]
    return bool(filled) and all(isinstance(cell, Real) and not isinstance(cell, bool) for cell in filled)


def table_lines(table: Table, width: int) -> list[str]:
    """Write a table's header, a rule and its rows; where it is wider than a line may be, each row as a list."""
    header = [told(name) for name in table.header]
    cells = [*zip(*table.rows, strict=True)] or [()] * len(header)
    numeric = [is_numeric(column) for column in cells]
    columns = [[cell_text(cell, table.digits) for cell in column] for column in cells]
    columns = [_aligned(column) if right else column for column, right in zip(columns, numeric, strict=True)]
    widths = [max(map(text_width, [name, *column])) for name, column in zip(header, columns, strict=True)]
    room = width - sum(widths[:-1]) - 2 * (len(widths) - 1)
    if widths[-1] > room:
        if numeric[-1] or room < max(_LEAST_TEXT, text_width(header[-1])):
            return _records(header, columns, width)
        widths[-1] = room
    rows = [line for row in zip(*columns, strict=True) for line in _row(row, widths, numeric)]
    return [*_row(header, widths, numeric), "─" * (sum(widths) + 2 * (len(widths) - 1)), *rows]


def _aligned(cells: Sequence[str]) -> list[str]:
    """Let decimal points stand below each other."""
    behind = [len(cell) - len(re.split(r"[.e]", cell)[0]) for cell in cells]
    return [cell + " " * (max(behind) - mine) for cell, mine in zip(cells, behind, strict=True)]


def _row(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> list[str]:
    """Write one row; the last cell goes on in further lines where it is too long."""
    last = wrap(cells[-1], widths[-1]) if text_width(cells[-1]) > widths[-1] else [cells[-1]]
    first = "  ".join(_padded(*each) for each in zip([*cells[:-1], last[0]], widths, right, strict=True))
    before = " " * (sum(widths[:-1]) + 2 * (len(widths) - 1))
    return [first.rstrip(), *(before + line for line in last[1:])]


def _padded(text: str, width: int, right: bool) -> str:
    room = " " * (width - text_width(text))
    return room + text if right else text + room


def _records(header: Sequence[str], columns: Sequence[Sequence[str]], width: int) -> list[str]:
    """Write each row as its first cell and, below it, the others with their names."""
    lines = []
    for cells in zip(*columns, strict=True):
        for k, (name, cell) in enumerate(zip(header, cells, strict=True)):
            if cell.strip():
                named = f"{name}: {cell.strip()}" if name else cell.strip()
                lines += wrap(named, width, INDENT if k else "", hanging=INDENT)
    return lines
