"""A lesson in the terminal: each piece is printed as it is told."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from chainrule.language import told, tr
from chainrule.lessons.layout import INDENT, hints_of, lines_of, set_apart
from chainrule.lessons.story import Block, Check, Derivation, Formula, Heading, Hint, Table
from chainrule.text import wrap

if TYPE_CHECKING:
    from rich.text import Text

    from chainrule.cli.output import Output
    from chainrule.lessons import Lesson, Result

__all__ = ["Teller"]

_WIDEST = 100  # longer lines are hard to read, however wide the terminal is
_RULE = "─"


class Teller:
    """Prints a lesson: its heading, each piece as it comes, and what to try next.

    Args:
        output: where to.
    """

    def __init__(self, output: Output) -> None:
        self._output = output
        self._width = min(output.console.width, _WIDEST)
        self._before: Block | None = None

    def begin(self, lesson: Lesson, number: int) -> None:
        """Print the heading; this takes no time, so that something is there at once."""
        title = tr("Lesson {number}: {title}", number=number, title=lesson.title)
        self._print(wrap(title, self._width), "bold")
        self._print(wrap(told(lesson.summary), self._width), "dim")

    def tell(self, block: Block) -> None:
        """Print one piece; hints wait for the end."""
        if isinstance(block, Hint):
            return
        if set_apart(self._before, block):
            self._print([""])
        self._before = block
        if isinstance(block, Derivation):
            self._show(_coloured(block, self._width))
            return
        lines = lines_of(block, self._width)
        if isinstance(block, Table):
            # The rule stands below the header; without one, each row is a list that names its cells.
            rule = next((k + 1 for k, line in enumerate(lines) if set(line) == {_RULE}), 0)
            self._print(lines[:rule], "dim")
            self._print(lines[rule:])
        else:
            self._print(lines, _style(block))

    def written(self, what: str, path: Path) -> None:
        """Say that a picture or an animation was written."""
        self._print(["", f"{what}  {path}"])

    def end(self, result: Result, command: str, more: list[str]) -> None:
        """Print what to try next.

        Args:
            result: what was told.
            command: what the program is called here.
            more: commands that show the picture.
        """
        hints = hints_of(result.blocks)
        if hints or more:
            self._print(["", tr("Try next")], "bold")
        for hint in hints:
            self._print(wrap(told(hint.text), self._width, INDENT))
            # In one piece, however long, so that it can be copied.
            self._print([INDENT * 2 + command + hint.command.removeprefix("chainrule")], "bold")
        if more:
            self._print(wrap(tr("See it as a picture:"), self._width, INDENT))
            self._print([INDENT * 2 + each for each in more], "bold")

    def _print(self, lines: list[str], style: str = "") -> None:
        from rich.text import Text

        from chainrule.cli.output import visible

        if lines:
            self._show(Text(visible("\n".join(lines), "\n"), style))

    def _show(self, text: Text) -> None:
        from rich.file_proxy import FileProxy

        console = self._output.console
        stream = sys.stderr if self._output.as_json else sys.stdout
        if isinstance(stream, FileProxy) and console.is_terminal:
            # A progress bar is at the bottom of this terminal. What goes through the stream that it has put in place
            # of the other is printed above it.
            with console.capture() as captured:
                console.print(text, soft_wrap=True)
            stream.write(captured.get())
        else:
            console.print(text, soft_wrap=True)


def _coloured(block: Derivation, width: int) -> Text:
    from chainrule.explain.writing.terminal import coloured

    return coloured(block.page, width, ruled=False)


def _style(block: Block) -> str:
    if isinstance(block, Heading):
        return "bold"
    if isinstance(block, Formula):
        return "cyan"
    if isinstance(block, Check):
        return "dim" if block.passed else "bold red"
    return ""
