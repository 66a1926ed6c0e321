"""The one place that turns exceptions into messages and exit codes."""

from __future__ import annotations

import contextlib
import os
import sys
import traceback

import typer

__all__ = ["DONE", "FAILED", "INTERRUPTED", "INVALID", "WRONG_USAGE", "close_quietly", "exit_code", "report"]

DONE = 0
FAILED = 1
WRONG_USAGE = 2
INVALID = 3
INTERRUPTED = 130

# Of Typer's exceptions for wrong usage, the root is not public in all of its versions; what derives from it is.
_WrongUsage = typer.BadParameter.__mro__[2]


def exit_code(error: BaseException) -> int:
    """Give the exit code of an exception."""
    from chainrule.errors import DataError, ModelFileError, UsageError

    if isinstance(error, (KeyboardInterrupt, typer.Abort)):
        return INTERRUPTED
    if isinstance(error, (UsageError, _WrongUsage)):
        return WRONG_USAGE
    return INVALID if isinstance(error, (DataError, ModelFileError)) else FAILED


def report(error: BaseException) -> int:
    """Tell a person what went wrong, on standard error, and give the exit code."""
    if os.environ.get("CHAINRULE_DEBUG"):
        traceback.print_exception(error)
    if type(error).__name__ == "NoArgsIsHelpError":
        error.show()  # type: ignore[attr-defined]
    else:
        _print("Interrupted" if exit_code(error) == INTERRUPTED else "Error", _message(error))
    return exit_code(error)


def _message(error: BaseException) -> str:
    from chainrule.errors import ChainruleError, DivergenceError

    if isinstance(error, (KeyboardInterrupt, typer.Abort)):
        return "stopped before there was anything to save."
    if isinstance(error, DivergenceError):
        return f"{_without_field(error)} Nothing was saved."
    if isinstance(error, ChainruleError):
        return str(error)
    if isinstance(error, _WrongUsage):
        return _usage_message(error)
    if isinstance(error, MemoryError):
        return "there is not enough memory for this; choose smaller layers (--layers), or fewer rows."
    return (
        f"something went wrong that should not: {type(error).__name__}: {error}. Please report it; with"
        " CHAINRULE_DEBUG=1 in the environment the same command shows where it happened."
    )


def _without_field(error: BaseException) -> str:
    """Leave out where a Python program finds the last good model; name the options instead."""
    text = str(error).split(" The model as it was after")[0].rstrip(".")
    return f"{text} ({'--rate, --clip' if 'learning rate' in text else '--scaling standard'})."


def _usage_message(error: BaseException) -> str:
    context = getattr(error, "ctx", None)
    text = str(error.format_message()).rstrip(".")  # type: ignore[attr-defined]
    path = context.command_path if context is not None else "chainrule"
    return f"{text}. See: {path} --help"


def _print(head: str, text: str) -> None:
    from chainrule.cli.output import make_console

    make_console(sys.stderr).print(f"[bold red]{head}:[/]", end=" ", markup=True)
    make_console(sys.stderr).print(text)


def close_quietly() -> int:
    """Let go of a pipe that nobody reads any more, as `chainrule … | head` leaves it; that is no failure."""
    with contextlib.suppress(OSError, ValueError):  # no real file, such as in a test
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return DONE
