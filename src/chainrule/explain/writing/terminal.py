"""Pages on a terminal: the plain text with a little colour, which never says anything that the text does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chainrule.explain.page import Page
from chainrule.explain.writing.text import text_lines

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

__all__ = ["coloured", "show"]

_STYLES = {
    "title": "bold",
    "heading": "bold",
    "rule": "dim",
    "name": "cyan",
    "number": "",
    "result": "bold green",
    "remark": "dim",
    "": "",
}
_WIDEST = 100  # columns beyond which lines are hard to read


def show(page: Page, console: Console | None = None) -> None:
    """Show a page on a terminal, as wide as it is but at most 100 columns.

    Args:
        page: any.
        console: where; None: the standard output. Without colours it shows the plain text.

    Raises:
        UnknownName, UsageError: for a notation that there is not, or that does not suit the network.
    """
    from rich.console import Console

    on = console or Console(highlight=False)
    on.print(coloured(page, min(on.width, _WIDEST)), soft_wrap=True, highlight=False)


def coloured(page: Page, width: int, ruled: bool = True) -> Text:
    """Give a page as Rich's text.

    Args:
        page: any.
        width: how many columns a line may take.
        ruled: whether headings have a line below them.

    >>> coloured(Page("Nothing to see", ()), 80).plain.splitlines()[0]
    'Nothing to see'
    """
    from rich.text import Text

    lines = (Text.assemble(*((text, _STYLES[kind]) for text, kind in line)) for line in text_lines(page, width, ruled))
    return Text("\n").join(lines)
