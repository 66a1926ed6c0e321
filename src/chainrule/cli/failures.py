"""The one place that turns exceptions into messages and exit codes."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import sys
import threading
import traceback
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import typer

from chainrule.cli.translation import usage_sentence
from chainrule.language import tr

if TYPE_CHECKING:
    from chainrule.errors import DivergenceError

__all__ = [
    "DONE",
    "FAILED",
    "INTERRUPTED",
    "INVALID",
    "TERMINATED",
    "WRONG_USAGE",
    "close_quietly",
    "exit_code",
    "ignore_interrupts",
    "report",
    "shown_warnings",
    "tell",
]

DONE = 0
FAILED = 1
WRONG_USAGE = 2
INVALID = 3
INTERRUPTED = 130
TERMINATED = 143

_FULL = (errno.ENOSPC, errno.EFBIG, errno.EIO)

# Of Typer's exceptions for wrong usage, the root is not public in all of its versions; what derives from it is.
_WrongUsage = typer.BadParameter.__mro__[2]


def exit_code(error: BaseException) -> int:
    """Give the exit code of an exception."""
    from chainrule.errors import DataError, ModelFileError, UsageError

    if isinstance(error, (KeyboardInterrupt, typer.Abort)):
        return getattr(error, "exit_code", INTERRUPTED)
    if isinstance(error, (UsageError, _WrongUsage)):
        return WRONG_USAGE
    if isinstance(error, (DataError, ModelFileError)):
        return INVALID
    # Places to write to are checked by the commands (`SaveError`): what is left could not be read.
    return INVALID if _is_of_a_file(error) else FAILED


def _is_of_a_file(error: BaseException) -> bool:
    """Say whether the system refused a file; this package's own errors have messages of their own."""
    from chainrule.errors import ChainruleError

    return isinstance(error, OSError) and not isinstance(error, ChainruleError) and error.filename is not None


def report(error: BaseException) -> int:
    """Tell a person what went wrong, on standard error, and give the exit code."""
    if os.environ.get("CHAINRULE_DEBUG"):
        traceback.print_exception(error)
    unwritten = isinstance(error, OSError) and _is_of_stdout(error)
    if type(error).__name__ == "NoArgsIsHelpError":
        error.show()  # type: ignore[attr-defined]
    else:
        text = _unwritten(error) if isinstance(error, OSError) and unwritten else _message(error)
        tell(tr("Interrupted:" if exit_code(error) in (INTERRUPTED, TERMINATED) else "Error:"), text)
    return FAILED if unwritten else exit_code(error)


def _is_of_stdout(error: OSError) -> bool:
    """Say whether standard output took nothing; if so, let go of it, or Python would complain as it ends."""
    from chainrule.errors import ChainruleError

    # An error of a file bears its name. Of streams, only standard output is full.
    if isinstance(error, ChainruleError) or error.filename is not None or error.errno not in _FULL:
        return False
    close_quietly()
    return True


def _unwritten(error: OSError) -> str:
    reason = error.strerror or error
    return tr("standard output could not be written: {reason}; send it to another place.", reason=reason)


def _message(error: BaseException) -> str:
    from chainrule.errors import ChainruleError, DivergenceError

    if isinstance(error, (KeyboardInterrupt, typer.Abort)):
        return str(error) or tr("stopped before there was anything to save.")
    if isinstance(error, DivergenceError):
        return _diverged(error)
    if isinstance(error, ChainruleError):
        return str(error)
    if isinstance(error, _WrongUsage):
        return _usage_message(error)
    if isinstance(error, MemoryError):
        return tr("there is not enough memory for this; choose smaller layers (--layers), or fewer rows.")
    if isinstance(error, OSError) and error.filename is not None:
        place = Path(os.fsdecode(error.filename)) if isinstance(error.filename, (str, bytes)) else error.filename
        return tr(
            "{path} cannot be opened: {reason}; see that you may read it and the folders above it, or name another"
            " file.",
            path=place,
            reason=error.strerror or error,
        )
    return tr(
        "something went wrong that should not: {kind}: {error}. Please report it; with CHAINRULE_DEBUG=1 in the"
        " environment the same command shows where it happened.",
        kind=type(error).__name__,
        error=error,
    )


def _diverged(error: DivergenceError) -> str:
    """Leave out where a Python program finds the last good model; name the options instead."""
    sentence = error.fields["sentence"]
    options = "--rate, --clip" if "learning rate" in sentence else "--scaling standard"
    return tr("{sentence} ({options}). Nothing was saved.", sentence=sentence, options=options)


def _usage_message(error: BaseException) -> str:
    context = getattr(error, "ctx", None)
    text = usage_sentence(str(error.format_message()))  # type: ignore[attr-defined]
    path = context.command_path if context is not None else "chainrule"
    return tr("{text}. See: {command} --help", text=text, command=path)


def tell(head: str, text: str) -> None:
    """Print a line on standard error that begins with a word on what happened."""
    from chainrule.cli.output import make_console

    make_console(sys.stderr).print(f"[bold red]{head}[/]", end=" ", markup=True)
    make_console(sys.stderr).print(text)


def close_quietly(stream: TextIO | None = None) -> int:
    """Let go of a pipe that nobody reads any more, as `chainrule … | head` leaves it; that is no failure."""
    with contextlib.suppress(OSError, ValueError):  # no real file, such as in a test
        os.dup2(os.open(os.devnull, os.O_WRONLY), (stream or sys.stdout).fileno())
    return DONE


def ignore_interrupts() -> None:
    """Let no signal disturb what is done from here on; it is short. Threads but the main one get none anyway."""
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)


@contextlib.contextmanager
def shown_warnings() -> Iterator[None]:
    """Show what this package warns of as a note for people, without the line of the program it comes from."""
    package = Path(__file__).parents[1]
    before = warnings.showwarning

    def show(
        message: Warning | str, category: type[Warning], filename: str, lineno: int, *rest: Any, **more: Any
    ) -> None:
        from chainrule.cli.output import make_console

        if Path(filename).is_relative_to(package):
            make_console(sys.stderr).print(tr("Note: {text}", text=message))
        else:
            before(message, category, filename, lineno, *rest, **more)

    warnings.showwarning = show
    try:
        yield
    finally:
        warnings.showwarning = before
