"""Pages as HTML with MathML: one file without scripts or network, for light, dark and small screens."""

from __future__ import annotations

from functools import partial
from html import escape
from typing import Any

from chainrule.explain.expressions import Expr
from chainrule.explain.names import Name
from chainrule.explain.page import Block, Equation, Grid, Heading, Page, Prose
from chainrule.explain.writing.columns import numeric_columns
from chainrule.explain.writing.mathml import math_of, mathml_style, mathml_table
from chainrule.explain.writing.notation import notation_of
from chainrule.explain.writing.prose import tell
from chainrule.explain.writing.writer import Writer
from chainrule.language import language

__all__ = ["as_html", "html_blocks", "html_fragment"]

_STYLE = """
:root { color-scheme: light dark; }
body { max-width: 46rem; margin: 0 auto; padding: 1.2rem 1rem 4rem; line-height: 1.6;
  font-family: system-ui, "Noto Sans CJK SC", sans-serif; color: #1c2430; background: #fdfdfb; }
h1 { font-size: 1.5rem; line-height: 1.3; }
h2 { font-size: 1.15rem; margin-top: 2rem; }
.equation { overflow-x: auto; overflow-y: hidden; padding: 0.35rem 0.6rem; margin: 0.5rem 0;
  scrollbar-width: thin; border-left: 3px solid #b9c6d8; }
.equation math { margin: 0; text-align: left; width: max-content; }
mtd { padding: 0.28em 0.2em; }
.remark { color: #56606f; font-size: 0.92rem; margin: 0.2rem 0; }
.table { overflow-x: auto; margin: 1rem 0; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: 0.25rem 0.8rem 0.25rem 0; text-align: left; white-space: nowrap; }
th { border-bottom: 1px solid #8a94a3; }
td.number, th.number { text-align: right; }
@media (max-width: 40rem) { .equation math { font-size: 0.88rem; } }
@media (prefers-color-scheme: dark) {
  body { color: #e4e7ec; background: #15181d; }
  .equation { border-color: #3d4a5e; }
  .remark { color: #a5aebb; }
}
""".strip()
_TEXT = partial(escape, quote=False)
_LANGUAGES = {"en": "en", "zh": "zh-Hans"}


def as_html(page: Page) -> str:
    """Write a page as one HTML file.

    Raises:
        UnknownName, UsageError: for a notation that there is not, or that does not suit the network.

    >>> as_html(Page("<Nothing>", ())).splitlines()[5]
    '<title>&lt;Nothing&gt;</title>'
    """
    html = _HtmlWriter.of(page)
    head = [
        "<!DOCTYPE html>",
        f'<html lang="{_LANGUAGES[language()]}">',
        "<head>",
        '<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{html.plain(page.title)}</title>",
        f"<style>\n{_STYLE}\n</style>",
        "</head>",
    ]
    return "\n".join([*head, "<body>", "<main>", *html.blocks(page), "</main>", "</body>", "</html>", ""])


def html_fragment(page: Page) -> str:
    """Write a page as HTML for a notebook, without a document around it, with small headings: it is no chapter.

    >>> print(html_fragment(Page("Nothing", ())))
    <div lang="en">
    <h4>Nothing</h4>
    </div>
    """
    blocks = _HtmlWriter.of(page, level=5).blocks(page)
    return "\n".join([f'<div lang="{_LANGUAGES[language()]}">', *blocks, "</div>"])


def html_blocks(page: Page, level: int = 2) -> list[str]:
    """Write the blocks of a page without its title, as a part of a longer text.

    Args:
        page: any.
        level: of its headings.

    >>> html_blocks(Page("Unsaid", (Heading("A part"), Prose("It ends."))), level=4)
    ['<h4>A part</h4>', '<p>It ends.</p>']
    """
    html = _HtmlWriter.of(page, level)
    return [html.block(block) for block in page.blocks]


class _HtmlWriter:
    """Writes the blocks of one page."""

    def __init__(self, writer: Writer, plain: Writer, digits: int, level: int) -> None:
        self._writer, self._plain, self._digits, self._level = writer, plain, digits, level

    @classmethod
    def of(cls, page: Page, level: int = 2) -> _HtmlWriter:
        from chainrule.explain.writing.text import text_style

        notation = notation_of(page.notation, page.sizes)
        return cls(Writer(mathml_style(notation)), Writer(text_style(notation)), page.digits, level)

    def blocks(self, page: Page) -> list[str]:
        title = self._told(page.title)
        level = self._level - 1
        return [*([f"<h{level}>{title}</h{level}>"] if title else []), *map(self.block, page.blocks)]

    def plain(self, text: Any) -> str:
        """Give a text where no formula can stand."""
        return tell(text, lambda field: escape(self._plain.formula(field, self._digits)), escape)

    def _told(self, text: Any) -> str:
        return tell(text, lambda field: math_of(self._writer.formula(field, self._digits)), _TEXT)

    def block(self, block: Block) -> str:
        """Write one block."""
        if isinstance(block, Heading):
            return f"<h{self._level}>{self._told(block.text)}</h{self._level}>"
        if isinstance(block, Prose):
            return f"<p>{self._told(block.text)}</p>"
        return self._grid(block) if isinstance(block, Grid) else self._equation(block)

    def _equation(self, equation: Equation) -> str:
        level = f"margin-left:{1.2 * min(equation.level, 4):.1f}em;" if equation.level else ""
        remark = f'\n<p class="remark">({self._told(equation.because)})</p>' if equation.because else ""
        table = mathml_table(self._writer, equation, self._digits)
        # In a notebook nothing else says how it looks: to the left, and with one scroll bar at the most.
        style = f"{level}overflow-x:auto;overflow-y:hidden;padding:0.35em 0.6em"
        return f'<div class="equation" style="{style}"><div style="width:max-content">{table}</div>{remark}</div>'

    def _grid(self, grid: Grid) -> str:
        right = numeric_columns(grid)
        head = "".join(self._cell("th", cell, *each) for cell, *each in zip(grid.heads, right, strict=True))
        rows = "\n".join(
            f"<tr>{''.join(self._cell('td', cell, number) for cell, number in zip(row, right, strict=True))}</tr>"
            for row in grid.rows
        )
        note = f'\n<p class="remark">{self._told(grid.note)}</p>' if grid.note else ""
        table = f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody>\n</table>"
        return f'<div class="table">{table}{note}</div>'

    def _cell(self, tag: str, cell: Any, right: bool) -> str:
        if isinstance(cell, Name | Expr):
            inner = math_of(self._writer.formula(cell, self._digits))
        else:
            inner = escape(self._plain.formula(cell, self._digits)) if isinstance(cell, float) else self._told(cell)
        # Where no style sheet says it, such as in a notebook, the cell does.
        kind = ' class="number" style="text-align:right"' if right else ""
        return f"<{tag}{kind}>{inner}</{tag}>"
