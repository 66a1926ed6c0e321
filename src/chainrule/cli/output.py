"""What commands print: text for people, or one JSON object and the text beside it on standard error."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
import unicodedata
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO, cast

from chainrule.cli.wrapping import wrapped
from chainrule.language import Message, tr

if TYPE_CHECKING:
    from rich.console import Console

__all__ = [
    "Lasting",
    "Output",
    "command_line",
    "count",
    "make_console",
    "number",
    "percent",
    "program",
    "stderr",
    "value_text",
    "visible",
]

_LEAST_TEXT = 12  # letters of a column of texts below which wrapping makes no sense
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


class Lasting:
    """A stream that goes on in silence where it cannot be written: a training is not lost since nobody reads it.

    ``lost`` holds the first error, or None.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.lost: OSError | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write, or do as if."""
        try:
            return len(text) if self.lost else self._stream.write(text)
        except OSError as error:
            self._lose(error)
            return len(text)

    def flush(self) -> None:
        """Flush, or do as if."""
        try:
            if self.lost is None:
                self._stream.flush()
        except OSError as error:
            self._lose(error)

    def _lose(self, error: OSError) -> None:
        from chainrule.cli.failures import close_quietly

        self.lost = error
        close_quietly(self._stream)


def stderr() -> TextIO:
    """Give standard error as it is safe to print to: where nobody reads it, there is nobody to tell."""
    return cast(TextIO, Lasting(sys.stderr))


def make_console(stream: TextIO) -> Console:
    """Make a console that prints texts as they are: no markup, no emoji, no colours where they are not wanted."""
    from rich.console import Console

    from chainrule.cli.failures import close_quietly

    class Patient(Console):
        """Goes on in silence where Rich would end the program: a training is not lost since nobody reads any more."""

        def on_broken_pipe(self) -> None:
            self.quiet = True
            close_quietly()

    if stream is sys.stderr:
        stream = stderr()
    # Only a terminal has an edge to wrap at; what goes to files and pipes keeps its lines whole.
    return Patient(file=stream, markup=False, emoji=False, highlight=False, soft_wrap=not stream.isatty())


class Output:
    """Where a command's texts and its result go.

    Args:
        as_json: whether the result is one JSON object on standard output; all texts go to standard error then.
        texts_aside: whether texts go to standard error in any case, as the result is on standard output.
        lasting: whether the work goes on where standard output cannot be written; see ``lost``.
    """

    def __init__(self, as_json: bool, texts_aside: bool = False, lasting: bool = False) -> None:
        self.as_json = as_json
        self._stream = cast(TextIO, Lasting(sys.stdout)) if lasting else sys.stdout
        self.console = make_console(sys.stderr if as_json or texts_aside else self._stream)

    @property
    def lost(self) -> OSError | None:
        """Why standard output could not be written, of a lasting one."""
        self._stream.flush()
        return self._stream.lost if isinstance(self._stream, Lasting) else None

    def say(self, text: str = "", *, whole: bool = False) -> None:
        """Print a line; a ``whole`` one is not broken at the terminal's edge, so that it can be copied."""
        shown = visible(text, "\n")
        if self.console.is_terminal and not whole:
            shown = wrapped(shown, self.console.width)
        self.console.print(shown, soft_wrap=whole or None)

    def note(self, text: str) -> None:
        """Print on standard error what a person should know, though the work goes on."""
        make_console(sys.stderr).print(tr("Note: {text}", text=visible(text)))

    def heading(self, text: str) -> None:
        """Print a heading with an empty line above."""
        self.console.print()
        self.console.print(visible(text), style="bold")

    def rows(self, rows: Iterable[Sequence[str]], header: Sequence[str] = (), right: Collection[int] = ()) -> None:
        """Print columns; the last one is wrapped where the terminal ends. Where they do not fit, each row is a block.

        Args:
            rows: equally many cells each, at least one row.
            header: the columns' names, if they need any.
            right: the columns to align to the right.
        """
        from rich.table import Table
        from rich.text import Text

        lines = [[visible(cell) for cell in row] for row in rows]
        if self._least_width([*lines, header] if header else lines, right) > self.console.width:
            self._blocks(lines, header)
            return
        table = Table(box=None, show_header=bool(header), header_style="dim", padding=(0, 2, 0, 0), pad_edge=False)
        last = len(lines[0]) - 1
        for k, name in enumerate(header or [""] * (last + 1)):
            table.add_column(name, justify="right" if k in right else "left", no_wrap=k < last, overflow="fold")
        for line in lines:
            table.add_row(*(Text(cell) for cell in line))
        self.console.print(table, soft_wrap=False)

    @staticmethod
    def _least_width(lines: Sequence[Sequence[str]], right: Collection[int]) -> int:
        """Give the width below which a table would cut cells off; a last column of texts can be wrapped."""
        from rich.cells import cell_len

        widths = [max(cell_len(cell) for cell in column) for column in zip(*lines, strict=True)]
        last = len(widths) - 1
        end = widths[last] if last in right else min(widths[last], _LEAST_TEXT)
        return sum(widths[:last]) + 2 * last + end

    def _blocks(self, lines: Sequence[Sequence[str]], header: Sequence[str]) -> None:
        """Print each row as its first cell and, below it, the others with their names."""
        from rich.text import Text

        for line in lines:
            for k, cell in enumerate(line):
                if cell:
                    name = f"{header[k]}: " if header and header[k] else ""
                    self.console.print(Text(f"{'  ' if k else ''}{name}{cell}", overflow="fold"))

    def result(self, data: dict[str, Any]) -> None:
        """Print the result, if it is to be JSON: one object, without NaN, in ASCII so that no pipe can spoil it."""
        if self.as_json:
            from chainrule.recipes import finite

            text = json.dumps(finite(data), allow_nan=False, indent=2 if sys.stdout.isatty() else None)
            self._stream.write(text + "\n")
            self._stream.flush()


def visible(text: str, allowed: str = "") -> str:
    r"""Write characters that command a terminal, or turn the direction of writing, as their codes.

    >>> print(visible("pet\x1b[31m"))
    pet\x1b[31m
    """
    return "".join(
        c
        if c in allowed or not (unicodedata.category(c) == "Cc" or c in _TURNING)
        else c.encode("unicode_escape").decode()
        for c in text
    )


def count(number: int, what: str) -> str:
    """Write how many there are.

    >>> count(1, "row"), count(1500, "column")
    ('1 row', '1,500 columns')
    """
    return f"{number:,} {what}{'' if number == 1 else 's'}"


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
        return ", ".join(map(str, value)) or tr("none")
    if value is None:
        return tr("none")
    if isinstance(value, Message):
        return tr(value)
    return f"{value:,}" if isinstance(value, int) else str(value)


def program() -> str:
    """Say how this program is called here: by its name, or by its path where the name finds no or another program."""
    called = Path(sys.argv[0])
    if called.stem != "chainrule" or not (os.sep in sys.argv[0] and called.is_file()):
        return "chainrule"
    found = shutil.which("chainrule")
    if found is not None and called.samefile(found):
        return "chainrule"
    whole = called.absolute()
    relative = str(whole.relative_to(Path.cwd())) if whole.is_relative_to(Path.cwd()) else str(called)
    return relative if os.sep in relative else f".{os.sep}{relative}"


def command_line(*parts: str | Path) -> str:
    """Write a command as one types it here, quoted where it must be.

    >>> command_line("chainrule", "inspect", "digits.safetensors")
    'chainrule inspect digits.safetensors'
    """
    texts = [str(part) for part in parts]
    return subprocess.list2cmdline(texts) if os.name == "nt" else shlex.join(texts)
