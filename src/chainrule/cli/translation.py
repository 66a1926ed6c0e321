"""The command line in the user's language: which one it is, help texts, and what Typer says itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from chainrule.errors import UsageError
from chainrule.language import LANGUAGES, Message, language, preferred, recognized, speaking, template, told, tr

__all__ = ["Command", "Group", "command_tree", "help_of", "read_language", "translate", "usage_sentence"]

_OPTION = "--lang"

# What Typer says of wrong usage, the more special first; another wording of another version stays English.
_SENTENCES = (
    template("No such option: {option} (Possible options: {close})"),
    template("No such option: {option} Did you mean {close}?"),
    template("No such option: {option}"),
    template("No such command {name}. Did you mean {close}?"),
    template("No such command {name}"),
    template("Missing command"),
    template("Missing argument {name}"),
    template("Missing option {name}"),
    template("Option {name} requires an argument"),
    template("Option {name} does not take a value"),
    template("Got unexpected extra argument(s) ({names})"),
    template("Got unexpected extra argument ({names})"),
    template("Got unexpected extra arguments ({names})"),
    template("Invalid value for {name}: {problem}"),
    template("Invalid value: {problem}"),
)
_PROBLEMS = (
    template("Input should be a valid integer, unable to parse string as an integer"),
    template("Input should be a valid number, unable to parse string as a number"),
    template("{value} is not a valid integer"),
    template("{value} is not a valid int"),
    template("{value} is not a valid float"),
)


class Command(TyperCommand):
    """A command whose help is in the user's language; in English it is Typer's own."""

    def format_usage(self, ctx: Any, formatter: Any) -> None:
        """Write the line on usage."""
        _write_usage(self, ctx, formatter)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Print the help."""
        if not _printed(self, ctx):
            super().format_help(ctx, formatter)


class Group(TyperGroup):
    """A group of commands, likewise."""

    def format_usage(self, ctx: Any, formatter: Any) -> None:
        """Write the line on usage."""
        _write_usage(self, ctx, formatter)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Print the help."""
        if not _printed(self, ctx):
            super().format_help(ctx, formatter)


def _printed(command: Any, ctx: Any) -> bool:
    """Print the help of a command, unless that is left to Typer."""
    from chainrule.cli.help import print_help

    if language() == "en":
        return False
    print_help(command, ctx)
    return True


def _write_usage(command: Any, ctx: Any, formatter: Any) -> None:
    formatter.write_usage(ctx.command_path, " ".join(command.collect_usage_pieces(ctx)), prefix=tr("Usage: "))


def read_language(arguments: Sequence[str]) -> tuple[str, list[str]]:
    """Take ``--lang`` out of a command line, wherever it stands before ``--``.

    Args:
        arguments: what is typed behind `chainrule`.

    Returns:
        The language, by default that of the environment, and the other arguments.

    Raises:
        UsageError: where no language, or an unknown one, is named.

    >>> read_language(["train", "iris", "--lang", "zh"])
    ('zh', ['train', 'iris'])
    """
    chosen, rest = None, list(arguments)
    end = rest.index("--") if "--" in rest else len(rest)
    for k in reversed(range(end)):
        name, is_joined, value = rest[k].partition("=")
        if name != _OPTION:
            continue
        if not is_joined:
            if k + 1 >= end:
                raise UsageError("--lang needs a language: {known}", known=", ".join(LANGUAGES))
            value = rest.pop(k + 1)
            end -= 1
        del rest[k]
        end -= 1
        chosen = chosen or value  # of several the last one counts
    if chosen is None:
        return preferred(), rest
    with speaking(chosen):  # which refuses what is no language
        return chosen, rest


def command_tree() -> list[Any]:
    """Give fresh click commands for the whole program, the program itself first."""
    from chainrule.cli.app import app

    return list(_walk(typer.main.get_command(app)))


def _walk(command: Any) -> Iterator[Any]:
    yield command
    for each in getattr(command, "commands", {}).values():
        yield from _walk(each)


def help_of(command: Any) -> list[str]:
    """Give the texts of a command's help, as they stand in the source."""
    texts = [command.help, command.options_metavar, getattr(command, "subcommand_metavar", None)]
    for each in [*command.params, *([] if (option := _help_option(command)) is None else [option])]:
        texts += [getattr(each, "help", None), getattr(each, "rich_help_panel", None)]
    return [text for text in texts if text]


def _help_option(command: Any) -> Any:
    return command.get_help_option(typer.Context(command, help_option_names=["-h", "--help"]))


def translate(commands: Sequence[Any]) -> None:
    """Put the help of commands into the language in use."""
    for command in commands:
        for name in ("help", "options_metavar", "subcommand_metavar"):
            _translate(command, name)
        for each in command.params:
            for name in ("help", "rich_help_panel"):
                _translate(each, name)
        if (option := _help_option(command)) is not None:
            _translate(option, "help")


def _translate(thing: Any, name: str) -> None:
    text = getattr(thing, name, None)
    if text:
        setattr(thing, name, tr(text))


def usage_sentence(text: str) -> str:
    """Give what Typer says of wrong usage in the language in use, without its full stop.

    >>> usage_sentence("Missing argument 'DATA'.")
    "Missing argument 'DATA'"
    """
    found = recognized(text.rstrip("."), _SENTENCES)
    if isinstance(found, Message) and "problem" in found.fields:
        return tr(found.key, **{**found.fields, "problem": recognized(str(found.fields["problem"]), _PROBLEMS)})
    return told(found)
