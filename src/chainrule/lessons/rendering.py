"""A lesson as Markdown, for pages, and as HTML, for notebooks; each in the language that the lesson was told in."""

from __future__ import annotations

import base64
import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from html import escape

from chainrule.explain.writing.html import html_blocks
from chainrule.explain.writing.markdown import markdown_blocks
from chainrule.language import speaking, told, tr
from chainrule.lessons.layout import cell_text, check_text, hints_of, is_numeric
from chainrule.lessons.story import Block, Check, Derivation, Formula, Heading, Hint, Line, Result, Table

__all__ = ["blocks_to_markdown", "markdown_text", "to_html", "to_markdown"]

DOTS_PER_INCH = 100  # of the picture in a notebook

# A backslash before a bracket would begin a formula in some kinds of Markdown, before a tilde be shown in others.
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "~": "&#126;", "](": "]&#40;"}
_MEANS_SOMETHING = re.compile(r"[\\`*_{}|$]")
_LIST_OR_HEADING = re.compile(r"^( *\d*)(#+|[+-]|[.)])(?= |$)", re.MULTILINE)


def to_markdown(result: Result) -> str:
    """Write everything that a lesson told as Markdown with formulas in LaTeX; its picture is not in it."""
    with speaking(result.language):
        title, summary = markdown_text(told(result.lesson.title)), markdown_text(told(result.lesson.summary))
        return f"## {title}\n\n*{summary}*\n\n{blocks_to_markdown(result.blocks)}"


def blocks_to_markdown(blocks: Sequence[Block], level: int = 3, picture: str = "") -> str:
    """Write the pieces of a lesson as Markdown, in the language in use.

    Args:
        blocks: the pieces; hints come at the end, whatever their place.
        level: of the headings.
        picture: Markdown that shows the picture, before the hints, or an empty text.
    """
    parts = ["\n".join(_markdown(group, level)) for group in _groups(blocks)]
    if picture:
        parts.append(picture)
    if hints := hints_of(blocks):
        tries = [f"- {markdown_text(told(hint.text))}\n  `{hint.command}`" for hint in hints]
        parts.append("\n".join([f"**{markdown_text(tr('Try next'))}**", "", *tries]))
    return "\n\n".join(parts) + "\n"


def markdown_text(text: str) -> str:
    r"""Write a text so that Markdown shows it as it is.

    >>> print(markdown_text("theta**2 < 1"))
    theta\*\*2 &lt; 1
    """
    for character, entity in _ENTITIES.items():
        text = text.replace(character, entity)
    return _LIST_OR_HEADING.sub(r"\1\\\2", _MEANS_SOMETHING.sub(r"\\\g<0>", text))


def _groups(blocks: Iterable[Block]) -> Iterator[list[Block]]:
    """Put lines of output together, and checks; hints are left out."""
    for kind, group in itertools.groupby(blocks, type):
        together = [*group]
        if kind in (Line, Check):
            yield together
        elif kind is not Hint:
            yield from ([block] for block in together)


def _markdown(group: list[Block], level: int) -> list[str]:
    """Write pieces that keep together; but for lines and checks it is one."""
    block = group[0]
    if isinstance(block, Line):
        return ["```text", *(told(each.text) for each in group if isinstance(each, Line)), "```"]
    if isinstance(block, Check):
        return [f"- {markdown_text(check_text(each))}" for each in group if isinstance(each, Check)]
    if isinstance(block, Formula):
        return [f"$${block.latex}$$"]
    if isinstance(block, Derivation):
        return ["\n\n".join(markdown_blocks(block.page, level + 1))]
    if isinstance(block, Heading):
        return [f"{'#' * level} {markdown_text(told(block.text))}"]
    if isinstance(block, Table):
        return _markdown_table(block)
    return [markdown_text(told(block.text))]


def _markdown_table(table: Table) -> list[str]:
    def line(cells: Iterable[str]) -> str:
        return f"| {' | '.join(cells)} |"

    title = [markdown_text(told(table.title)), ""] if table.title else []
    rules = ["--:" if right else ":--" for right in _right(table)]
    rows = [line(markdown_text(cell_text(cell, table.digits)) for cell in row) for row in table.rows]
    return [*title, line(markdown_text(told(name)) for name in table.header), line(rules), *rows]


def _right(table: Table) -> list[bool]:
    """Say of each column whether it is one of numbers, which stand to the right."""
    return [is_numeric(column) for column in zip(*table.rows, strict=True)] or [False] * len(table.header)


def to_html(result: Result) -> str:
    """Write everything that a lesson told as HTML that needs nothing else; notebooks set the LaTeX in it."""
    with speaking(result.language):
        parts = [f"<h2>{_html(result.lesson.title)}</h2>", f"<p><em>{_html(result.lesson.summary)}</em></p>"]
        parts += ["".join(_html_of(group)) for group in _groups(result.blocks)]
        parts.append(_html_picture(result))
        if hints := hints_of(result.blocks):
            tries = (f"<li>{_html(hint.text)}<br><code>{escape(hint.command)}</code></li>" for hint in hints)
            parts.append(f"<h4>{_html(tr('Try next'))}</h4><ul>{''.join(tries)}</ul>")
    return f'<div lang="{result.language}">{"".join(parts)}</div>'


def _html(text: str) -> str:
    return escape(told(text))


def _html_of(group: list[Block]) -> list[str]:
    block = group[0]
    if isinstance(block, Line):
        lines = "\n".join(_html(each.text) for each in group if isinstance(each, Line))
        return [f"<pre>{lines}</pre>"]
    if isinstance(block, Check):
        items = (f"<li>{escape(check_text(each))}</li>" for each in group if isinstance(each, Check))
        return ['<ul style="list-style: none; padding-left: 0">', *items, "</ul>"]
    if isinstance(block, Formula):
        # Where no script sets the LaTeX, the line below it can be read.
        return [f"<p>$${escape(block.latex)}$$</p><p><small><code>{escape(block.text)}</code></small></p>"]
    if isinstance(block, Derivation):
        return html_blocks(block.page, level=4)
    if isinstance(block, Table):
        return [_html_table(block)]
    element = "h3" if isinstance(block, Heading) else "p"
    return [f"<{element}>{_html(block.text)}</{element}>"]


def _html_table(table: Table) -> str:
    styles = [f' style="text-align: {"right" if right else "left"}"' for right in _right(table)]

    def row(cells: Iterable[object], element: str, text: Callable[[object], str]) -> str:
        pairs = zip(styles, cells, strict=True)
        return f"<tr>{''.join(f'<{element}{style}>{text(cell)}</{element}>' for style, cell in pairs)}</tr>"

    head = row(table.header, "th", lambda cell: _html(str(cell) if not isinstance(cell, str) else cell))
    body = "".join(row(cells, "td", lambda cell: escape(cell_text(cell, table.digits))) for cells in table.rows)
    caption = f"<caption>{_html(table.title)}</caption>" if table.title else ""
    return f"<table>{caption}<thead>{head}</thead><tbody>{body}</tbody></table>"


def _html_picture(result: Result) -> str:
    if result.figure is None:
        return ""
    from chainrule.plots.style import rendered

    data = base64.b64encode(rendered(result.figure, "png", dpi=DOTS_PER_INCH)).decode("ascii")
    return f'<p><img src="data:image/png;base64,{data}" alt="{_html(result.lesson.title)}" style="max-width: 100%"></p>'
