"""Help in Chinese, drawn as Typer draws it in English, whose own tables cut lines off where there are no spaces."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from chainrule.cli.wrapping import wrapped
from chainrule.language import tr

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["print_help"]

_WIDEST = 100


def print_help(command: Any, context: Any) -> None:
    """Print how a command is used, what it does, and its arguments, options and subcommands.

    Args:
        command: a click command, its texts translated already.
        context: in which it is asked for help.
    """
    from rich.console import Console
    from rich.padding import Padding
    from rich.text import Text

    console = Console(file=sys.stdout, emoji=False, highlight=False)
    console.width = min(console.width, _WIDEST)
    console.print(Padding(Text(command.get_usage(context), style="bold"), 1))
    for paragraph in inspect.cleandoc(command.help or "").split("\n\n"):
        console.print(Padding(Text.from_markup(wrapped(paragraph, console.width - 2)), (0, 1, 1, 1)))
    parameters = [each for each in command.get_params(context) if not getattr(each, "hidden", False)]
    for title in _panels(parameters):
        rows = [_row(each) for each in parameters if _panel_of(each) == title]
        _print_panel(console, title, rows)
    names = command.list_commands(context) if hasattr(command, "list_commands") else []
    commands = [
        (name, each.get_short_help_str(_WIDEST)) for name in names if (each := command.get_command(context, name))
    ]
    if commands:
        _print_panel(console, tr("Commands"), commands)


def _is_argument(parameter: Any) -> bool:
    return bool(parameter.param_type_name == "argument")


def _panel_of(parameter: Any) -> str:
    default = tr("Arguments") if _is_argument(parameter) else tr("Options")
    return str(getattr(parameter, "rich_help_panel", None) or default)


def _panels(parameters: Sequence[Any]) -> list[str]:
    """Give the panels' titles: those for which none was chosen come first."""
    first = (tr("Arguments"), tr("Options"))
    titles = dict.fromkeys(_panel_of(each) for each in parameters)
    return sorted(titles, key=lambda title: first.index(title) if title in first else len(first))


def _row(parameter: Any) -> tuple[str, str, str, str]:
    """Give an argument's or option's long names, short names, what it takes, and what it is."""
    names = [*parameter.opts, *parameter.secondary_opts]
    takes = str(parameter.metavar or "")
    notes = [str(getattr(parameter, "help", None) or "")]
    if _is_argument(parameter):
        names, takes = [takes or str(parameter.name).upper()], ""
    default = parameter.default
    if parameter.required:
        notes.append(tr("[required]").replace("[", r"\["))
    elif isinstance(default, (str, int, float)) and not isinstance(default, bool):
        notes.append(tr("[default: {value}]", value=default).replace("[", r"\["))
    long = ",".join(name for name in names if name.startswith("--") or _is_argument(parameter))
    short = ",".join(name for name in names if name not in long.split(","))
    return long, short, takes, " ".join(filter(None, notes))


def _print_panel(console: Console, title: str, rows: Iterable[Sequence[str]]) -> None:
    """Print rows in a box; columns that are empty everywhere are left out, the last one is wrapped."""
    from rich.cells import cell_len
    from rich.panel import Panel
    from rich.table import Table
    from rich.text import Text

    columns = [column for column in zip(*rows, strict=True) if any(column)]
    table = Table(box=None, show_header=False, expand=True, padding=(0, 1), pad_edge=False)
    styles = ["bold cyan", *["bold yellow"] * max(0, len(columns) - 2), ""]
    for k, style in enumerate(styles[-len(columns) :] if len(columns) < len(styles) else styles):
        last = k == len(columns) - 1
        table.add_column(style="" if last else style, no_wrap=not last, overflow="fold", ratio=1 if last else None)
    room = console.width - 4 - sum(max(map(cell_len, column)) + 2 for column in columns[:-1])
    for row in zip(*columns, strict=True):
        table.add_row(*row[:-1], Text.from_markup(wrapped(row[-1], room)))
    console.print(Panel(table, title=title, title_align="left", border_style="dim"))
