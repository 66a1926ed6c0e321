"""Pages as Markdown with LaTeX, as GitHub, Jupyter and MkDocs show it."""

from __future__ import annotations

import re

from chainrule.explain.page import Block, Grid, Heading, Page, Prose
from chainrule.explain.writing.columns import numeric_columns
from chainrule.explain.writing.latex import LatexWriter, latex_writer

__all__ = ["as_markdown", "escape_markdown", "markdown_blocks"]


def as_markdown(page: Page) -> str:
    r"""Write a page as Markdown, its equations between double dollars.

    Raises:
        UnknownName, UsageError: for a notation that there is not, or that does not suit the network.

    >>> from chainrule.explain.expressions import Ref
    >>> from chainrule.explain.names import Name
    >>> from chainrule.explain.page import Equation
    >>> print(as_markdown(Page("The cost", (Equation(Ref(Name("C")), (Ref(Name("L")),), 0.5),))))
    # The cost
    <BLANKLINE>
    $$
    \begin{aligned}
    C &= L \\
    &= 0.5
    \end{aligned}
    $$
    <BLANKLINE>
    """
    title = f"# {latex_writer(page).told(page.title, escape_markdown)}"
    return "\n\n".join([title, *markdown_blocks(page)]) + "\n"


def markdown_blocks(page: Page, level: int = 2) -> list[str]:
    """Write the blocks of a page without its title, as a part of a longer text.

    Args:
        page: any.
        level: of its headings.

    Raises:
        UnknownName, UsageError: for a notation that there is not, or that does not suit the network.

    >>> markdown_blocks(Page("Unsaid", (Heading("A part"), Prose("It ends."))), level=4)
    ['#### A part', 'It ends.']
    """
    writer = latex_writer(page)
    return [_block(writer, block, level) for block in page.blocks]


def escape_markdown(text: str) -> str:
    """Give a text as Markdown shows it, whatever characters are in it."""
    safe = re.sub(r"([\\`*_\[\]#$|~{}])", r"\\\1", text.replace("&", "&amp;"))
    safe = safe.replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"^(\s*)([-+]|\d+[.)])(?=\s)", lambda found: f"{found[1]}{found[2][:-1]}\\{found[2][-1]}", safe)


def _block(writer: LatexWriter, block: Block, level: int) -> str:
    if isinstance(block, Heading):
        return f"{'#' * level} {writer.told(block.text, escape_markdown)}"
    if isinstance(block, Prose):
        return writer.told(block.text, escape_markdown)
    if isinstance(block, Grid):
        return _grid(writer, block)
    remark = f"\n\n*({writer.told(block.because, escape_markdown)})*" if block.because else ""
    return f"$$\n{writer.equation(block)}\n$${remark}"


def _grid(writer: LatexWriter, grid: Grid) -> str:
    heads = [writer.cell(head, escape_markdown) for head in grid.heads]
    rows = [heads, ["---:" if right else "---" for right in numeric_columns(grid)]]
    rows += [[writer.cell(cell, escape_markdown) for cell in row] for row in grid.rows]
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return f"{table}\n\n{writer.told(grid.note, escape_markdown)}" if grid.note else table
