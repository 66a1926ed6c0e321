"""The progress of a download, shown on standard error."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["show_download"]


@contextmanager
def show_download() -> Iterator[Callable[[str, int, int | None], None]]:
    """Give a function that shows how much of a file has come; nothing is shown before the first piece."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn

    from chainrule.cli.output import make_console

    bar = Progress(
        TextColumn("{task.description}"), BarColumn(bar_width=20), DownloadColumn(), console=make_console(sys.stderr)
    )
    tasks: dict[str, TaskID] = {}

    def show(name: str, come: int, total: int | None) -> None:
        if not tasks:
            bar.start()
        if name not in tasks:
            tasks[name] = bar.add_task(name, total=total)
        bar.update(tasks[name], completed=come)

    try:
        yield show
    finally:
        if tasks:
            bar.stop()
