"""A small table that shows itself as aligned text and, in notebooks, as HTML."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from numbers import Integral, Real
from typing import TypeGuard

from chainrule.errors import ShapeError
from chainrule.language import told
from chainrule.text import text_width

__all__ = ["Table", "human_bytes"]


@dataclass(frozen=True)
class Table:
    """Rows of cells under a header, with a title and a closing line; messages are shown in the language in use.

    Args:
        title: one line above.
        header: the names of the columns.
        rows: the cells. Columns of numbers are aligned to the right; whole numbers get thousands separators, others six
            digits. An empty text is an empty cell.
        footer: one line below.

    Raises:
        ShapeError: for a row with more or fewer cells than the header has.

    >>> print(Table("Sizes", ("layer", "units"), [("1", 30), ("2", 1000)]))
    Sizes
    layer  units
    ------------
    1         30
    2      1,000
    """

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[object]]
    footer: str = ""

    def __post_init__(self) -> None:
        for number, row in enumerate(self.rows):
            if len(row) != len(self.header):
                raise ShapeError(
                    "row {row} of the table has {given} cells; expected {expected}, one for each column",
                    row=number,
                    given=len(row),
                    expected=len(self.header),
                )

    def __str__(self) -> str:
        lines = [[*map(_text, self.header)], *([*map(_text, row)] for row in self.rows)]
        widths = [max(map(text_width, column)) for column in zip(*lines, strict=True)]
        right = [_is_numeric([row[k] for row in self.rows]) for k in range(len(widths))]
        header, *body = ("  ".join(map(_pad, line, widths, right)).rstrip() for line in lines)
        rule = "-" * (sum(widths) + 2 * (len(widths) - 1))
        return "\n".join([told(self.title), header, rule, *body, *([rule, told(self.footer)] if self.footer else [])])

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        rows = (f"<tr>{''.join(map(_html, row))}</tr>" for row in self.rows)
        foot = f"<p>{escape(told(self.footer))}</p>" if self.footer else ""
        return (
            f"<table><caption>{escape(told(self.title))}</caption>"
            f"<thead><tr>{''.join(f'<th>{escape(told(name))}</th>' for name in self.header)}</tr></thead>"
            f"<tbody>{''.join(rows)}</tbody></table>{foot}"
        )


def _is_number(cell: object) -> TypeGuard[Real]:
    return isinstance(cell, Real) and not isinstance(cell, bool)


def _is_numeric(cells: Sequence[object]) -> bool:
    filled = [cell for cell in cells if cell != ""]
    return bool(filled) and all(map(_is_number, filled))


def _text(cell: object) -> str:
    if isinstance(cell, str):
        cell = told(cell)
    if not _is_number(cell):
        return " ".join(str(cell).splitlines())  # a line break would tear the table apart
    return f"{cell:,}" if isinstance(cell, Integral) else f"{float(cell):.6g}"


def _html(cell: object) -> str:
    aligned = ' style="text-align: right"' if _is_number(cell) else ""
    return f"<td{aligned}>{escape(_text(cell))}</td>"


def _pad(text: str, width: int, right: bool) -> str:
    room = " " * (width - text_width(text))
    return room + text if right else text + room


def human_bytes(count: int) -> str:
    """Say a number of bytes as a person would.

    >>> human_bytes(95440)
    '93.2 KiB'
    """
    if count < 1024:
        return f"{count} B"
    size = float(count)
    for unit in ("KiB", "MiB", "GiB"):
        size /= 1024
        if size < 1023.95:  # else it would be shown as 1024.0
            return f"{size:.1f} {unit}"
    return f"{size / 1024:,.1f} TiB"
