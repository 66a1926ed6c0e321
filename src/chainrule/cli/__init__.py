"""The command line: one file for each command; parse, call, print.

Everything heavy is imported by the command that needs it, so that `chainrule --help` is there at once.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line and give its exit code.

    0: done; 1: the work failed; 2: wrong usage; 3: unreadable or invalid data or model file; 130: interrupted.

    Args:
        arguments: what is typed behind `chainrule`; None takes the program's own.
    """
    import typer

    from chainrule.cli.app import app
    from chainrule.cli.failures import close_quietly, report

    _prepare_streams()
    try:
        code = typer.main.get_command(app).main(args=arguments, prog_name="chainrule", standalone_mode=False)
        sys.stdout.flush()
    except BrokenPipeError:
        return close_quietly()
    except SystemExit as end:  # of Typer's own completion
        return end.code if isinstance(end.code, int) else 0
    except BaseException as error:
        return report(error)
    return code if isinstance(code, int) else 0


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
