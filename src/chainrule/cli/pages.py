"""Pages on the command line: in which format, to a file or to the terminal, with a pager where they are long."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from chainrule.language import told, tr

if TYPE_CHECKING:
    from chainrule.explain import Page

__all__ = ["choose_format", "write_page"]

_FORMAT_OF = {".txt": "text", ".md": "md", ".tex": "latex", ".html": "html", ".htm": "html", ".json": "json"}


def choose_format(format: str | None, out: Path | None, as_json: bool) -> str:
    """Give the format that is asked for: by its name, by --json, or by how the file ends.

    Raises:
        UnknownName, UsageError: for a format that there is not, an ending that tells none, or two that differ.
    """
    from chainrule.errors import UnknownName, UsageError
    from chainrule.explain import FORMATS

    if format is not None and format not in FORMATS:
        raise UnknownName.among("format", format, FORMATS)
    if as_json:
        if format not in (None, "json"):
            raise UsageError("--json and --format {format} ask for two formats; leave one out", format=format)
        return "json"
    if format is not None or out is None:
        return format or "text"
    ending = out.suffix.lower()
    if ending not in _FORMAT_OF:
        raise UsageError(
            "{path}: the ending tells no format; it may be {endings}, or name one by --format",
            path=out,
            endings=", ".join(_FORMAT_OF),
        )
    return _FORMAT_OF[ending]


def write_page(page: Page, format: str, out: Path | None) -> None:
    """Write the page to a file, or show it: with colours, and with a pager where it is long, at a terminal."""
    from chainrule.cli.output import make_console
    from chainrule.explain import render
    from chainrule.storage import atomic_write

    if out is not None:
        atomic_write(out, render(page, format).encode("utf-8"))
        make_console(sys.stderr).print(tr("{title}: written to {path}", title=told(page.title), path=out))
    elif format == "text" and sys.stdout.isatty():
        _show(page)
    else:
        sys.stdout.write(render(page, format))
        sys.stdout.flush()


def _show(page: Page) -> None:
    """Show a page in colour; one that is longer than the terminal page by page."""
    from chainrule.cli.output import make_console
    from chainrule.explain.writing.terminal import show

    console = make_console(sys.stdout)
    if len(page.text(min(console.width, 100)).splitlines()) < console.height:
        show(page, console)
        return
    # What git gives its pager: leave if it fits (F), show colours (R), keep the screen (X); and a prompt (P),
    # in which colons and full stops are commands.
    os.environ.setdefault("LESS", f"FRXP{tr('space for the next page, q to end')}")
    with console.pager(styles=console.color_system is not None):
        show(page, console)
