"""A small table that shows itself as aligned text and, in notebooks, as HTML."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

__all__ = ["Table", "human_bytes"]


@dataclass(frozen=True)
class Table:
    """Rows of cells under a header, with a title and a closing line.

    Args:
        title: one line above.
        header: the names of the columns.
        rows: the cells; numbers are aligned to the right.
        footer: one line below.

    >>> print(Table("Sizes", ("layer", "units"), [("1", 30), ("2", 10)]))
    Sizes
    layer  units
    ------------
    1         30
    2         10
    """

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[object]]
    footer: str = ""

    def __str__(self) -> str:
        cells = [[_text(cell) for cell in row] for row in self.rows]
        widths = [max(len(line[k]) for line in [list(self.header), *cells]) for k in range(len(self.header))]
        right = [all(isinstance(row[k], (int, float)) for row in self.rows) and bool(self.rows) for k in range(len(widths))]

        def line(texts: Sequence[str]) -> str:
            padded = (t.rjust(w) if r else t.ljust(w) for t, w, r in zip(texts, widths, right, strict=True))
            return "  ".join(padded).rstrip()

        rule = "-" * (sum(widths) + 2 * (len(widths) - 1))
        lines = [self.title, line(self.header), rule, *(line(row) for row in cells)]
        return "\n".join([*lines, *([rule, self.footer] if self.footer else [])])

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{escape(name)}</th>" for name in self.header)
        body = "".join("<tr>" + "".join(f"<td>{escape(_text(cell))}</td>" for cell in row) + "</tr>" for row in self.rows)
        foot = f"<p>{escape(self.footer)}</p>" if self.footer else ""
        return (
            f"<table><caption>{escape(self.title)}</caption><thead><tr>{head}</tr></thead>"
            f"<tbody>{body}</tbody></table>{foot}"
        )


def _text(cell: object) -> str:
    return f"{cell:,}" if isinstance(cell, int) and not isinstance(cell, bool) else str(cell)


def human_bytes(count: int) -> str:
    """Say a number of bytes as a person would.

    >>> human_bytes(95440)
    '93.2 KiB'
    """
    size = float(count)
    for unit in ("B", "KiB", "MiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} GiB"
