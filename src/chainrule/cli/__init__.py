"""The command line: one file for each command; parse, call, print.

Everything heavy is imported by the command that needs it, so that `chainrule --help` is there at once.
"""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from types import FrameType
from typing import Any

__all__ = ["main"]

# The signals that end a command, and what Python does about them.
_USUAL: dict[int, Any] = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line and give its exit code.

    0: done; 1: the work failed; 2: wrong usage; 3: unreadable or invalid data or model file; 130: interrupted; 143:
    told to end by SIGTERM.

    Args:
        arguments: what is typed behind `chainrule`; None takes the program's own.
    """
    from chainrule.cli.failures import report, shown_warnings
    from chainrule.cli.translation import read_language
    from chainrule.language import speaking

    _prepare_streams()
    with _one_interrupt(forever=arguments is None) as once, shown_warnings():
        try:
            language, rest = read_language(sys.argv[1:] if arguments is None else arguments)
        except Exception as error:
            return report(error)
        with speaking(language):
            return _run(rest, once)


def _run(arguments: list[str], once: _Once) -> int:
    """Run a command line in the language in use."""
    from chainrule.cli.failures import close_quietly, report
    from chainrule.cli.translation import command_tree, translate

    code = 0
    try:
        program, *others = command_tree()
        translate([program, *others])
        given = program.main(args=arguments, prog_name="chainrule", standalone_mode=False)
        code = given if isinstance(given, int) else 0
        sys.stdout.flush()
        if code and once.heard is not None:  # Typer makes a silent exit of an interrupt while it reads arguments
            return report(once.heard)
    except BrokenPipeError:
        close_quietly()
    except SystemExit as end:  # of Typer's own completion
        return end.code if isinstance(end.code, int) else 0
    except BaseException as error:
        return report(error)
    return code


@contextlib.contextmanager
def _one_interrupt(forever: bool) -> Iterator[_Once]:
    """Let a first Ctrl-C or SIGTERM end the command, and none after it disturb its last words.

    Args:
        forever: whether it stays so until the program ends.
    """
    once = _Once()
    main_thread = threading.current_thread() is threading.main_thread()
    taken = [number for number, usual in _USUAL.items() if main_thread and signal.getsignal(number) == usual]
    for number in taken:
        signal.signal(number, once)
    try:
        yield once
    finally:
        for number in taken:
            if not forever or signal.getsignal(number) is once:
                signal.signal(number, _USUAL[number])


class _Terminated(KeyboardInterrupt):
    """A KeyboardInterrupt that SIGTERM asked for; the one of `training.interrupt` would take all of training along."""

    exit_code = 128 + signal.SIGTERM


def _prepare_streams() -> None:
    """Let no character that a terminal cannot show end the program; what goes to files and pipes is UTF-8."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is None:
            continue
        if stream.isatty():
            reconfigure(errors="replace")
        else:
            reconfigure(encoding="utf-8")


class _Once:
    """Takes the first signal, which raises; later ones are ignored."""

    def __init__(self) -> None:
        self.heard: KeyboardInterrupt | None = None

    def __call__(self, number: int, frame: FrameType | None) -> None:
        for each in _USUAL:
            signal.signal(each, signal.SIG_IGN)
        self.heard = _Terminated() if number == signal.SIGTERM else KeyboardInterrupt()
        raise self.heard
