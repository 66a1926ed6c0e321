"""Rendering: a page in any format."""

from __future__ import annotations

from collections.abc import Callable

from chainrule.errors import UnknownName
from chainrule.explain.page import Page
from chainrule.explain.writing.html import as_html
from chainrule.explain.writing.latex import as_latex
from chainrule.explain.writing.markdown import as_markdown
from chainrule.explain.writing.plain_data import as_json
from chainrule.explain.writing.text import as_text

__all__ = ["FORMATS", "render"]

_RENDERERS: dict[str, Callable[[Page], str]] = {
    "text": as_text,
    "md": as_markdown,
    "latex": as_latex,
    "html": as_html,
    "json": as_json,
}
FORMATS = tuple(_RENDERERS)


def render(page: Page, format: str) -> str:
    """Write a page, in the language in use.

    Args:
        page: any.
        format: one of `FORMATS`: "text" for a terminal, "md" for Markdown with LaTeX, "latex" for a document, "html"
            for a page with MathML in one file, "json" for a program.

    Raises:
        UnknownName: for another format, or a notation that there is not.
        UsageError: for a notation that does not suit the network.

    >>> print(render(Page("Nothing to see", ()), "md"), end="")
    # Nothing to see
    """
    if format not in FORMATS:
        raise UnknownName.among("format", format, FORMATS)
    return _RENDERERS[format](page)
