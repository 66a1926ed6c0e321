"""What commands print: text for people, or one JSON object and the text beside it on standard error."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["Output", "command_line", "make_console", "number", "percent", "value_text"]


def make_console(stream: TextIO) -> Console:
    """Make a console that prints texts as they are: no markup, no emoji, no colours where they are not wanted."""
    from rich.console import Console

    from chainrule.cli.failures import close_quietly

    class Patient(Console):
        """Goes on in silence where Rich would end the program: a training is not lost since nobody reads any more."""

        def on_broken_pipe(self) -> None:
            self.quiet = True
            close_quietly()

    # Only a terminal has an edge to wrap at; what goes to files and pipes keeps its lines whole.
    return Patient(file=stream, markup=False, emoji=False, highlight=False, soft_wrap=not stream.isatty())


class Output:
    """Where a command's texts and its result go.

    Args:
        as_json: whether the result is one JSON object on standard output; all texts go to standard error then.
        texts_aside: whether texts go to standard error in any case, as the result is on standard output.
    """

    def __init__(self, as_json: bool, texts_aside: bool = False) -> None:
        self.as_json = as_json
        self.console = make_console(sys.stderr if as_json or texts_aside else sys.stdout)

    def say(self, text: str = "", *, whole: bool = False) -> None:
        """Print a line; a ``whole`` one is not broken at the terminal's edge, so that it can be copied."""
        self.console.print(text, soft_wrap=whole or None)

    def note(self, text: str) -> None:
        """Print on standard error what a person should know, though the work goes on."""
        make_console(sys.stderr).print(f"Note: {text}")

    def heading(self, text: str) -> None:
        """Print a heading with an empty line above."""
        self.console.print()
        self.console.print(text, style="bold")

    def rows(self, rows: Iterable[Sequence[str]], header: Sequence[str] = (), right: Collection[int] = ()) -> None:
        """Print columns; the last one is wrapped where the terminal ends.

        Args:
            rows: equally many cells each, at least one row.
            header: the columns' names, if they need any.
            right: the columns to align to the right.
        """
        from rich.table import Table
        from rich.text import Text

        lines = [list(row) for row in rows]
        table = Table(box=None, show_header=bool(header), header_style="dim", padding=(0, 2, 0, 0), pad_edge=False)
        last = len(lines[0]) - 1
        for k, name in enumerate(header or [""] * (last + 1)):
            table.add_column(name, justify="right" if k in right else "left", no_wrap=k < last, overflow="fold")
        for line in lines:
            table.add_row(*(Text(cell) for cell in line))
        self.console.print(table, soft_wrap=False)

    def result(self, data: dict[str, Any]) -> None:
        """Print the result, if it is to be JSON: one object, without NaN, in ASCII so that no pipe can spoil it."""
        if self.as_json:
            from chainrule.recipes import finite

            text = json.dumps(finite(data), allow_nan=False, indent=2 if sys.stdout.isatty() else None)
            sys.stdout.write(text + "\n")
            sys.stdout.flush()


def percent(share: float | None) -> str:
    """Write a share as a person would.

    >>> percent(0.9825)
    '98.25 %'
    """
    return "" if share is None else f"{100 * share:.2f} %"


def number(value: float | None) -> str:
    """Write a number with four digits that count.

    >>> number(0.0712345), number(1234.5), number(None)
    ('0.07123', '1,234', '')
    """
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def value_text(value: Any) -> str:
    """Write what was decided: a formula with those of its parameters that are not the usual ones.

    >>> from chainrule.formulas import OPTIMIZERS
    >>> value_text(OPTIMIZERS.find("momentum", rate=0.1)), value_text((64, 32)), value_text(())
    ('momentum, rate 0.1', '64, 32', 'none')
    """
    from chainrule.formulas import CATALOGUES, Formula

    if isinstance(value, Formula):
        usual = next((catalogue[value.name] for catalogue in CATALOGUES if value.name in catalogue), value)
        facts = {"rate": value.rate} if hasattr(value, "rate") else {}
        facts |= {k: v for k, v in value.parameters.items() if usual.parameters.get(k) != v}
        return ", ".join([value.name, *(f"{name} {amount:g}" for name, amount in facts.items())])
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "none"
    if value is None:
        return "none"
    return f"{value:,}" if isinstance(value, int) else str(value)


def command_line(*parts: str | Path) -> str:
    """Write a command as one types it here, quoted where it must be.

    >>> command_line("chainrule", "inspect", "digits.safetensors")
    'chainrule inspect digits.safetensors'
    """
    texts = [str(part) for part in parts]
    return subprocess.list2cmdline(texts) if os.name == "nt" else shlex.join(texts)
