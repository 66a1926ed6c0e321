"""The commands, put together."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from chainrule.cli import data, evaluate, inspect_, predict, train
from chainrule.cli.failures import close_quietly, report

__all__ = ["Commands", "app"]


class Commands(TyperGroup):
    """The one place that every command's exceptions pass; wrong usage goes on to `main`."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command; an exception becomes a message and an exit code."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise typer.Exit(close_quietly()) from None
        except (Exception, KeyboardInterrupt) as error:
            if isinstance(error, (typer.Exit, typer.BadParameter.__mro__[2])):
                raise
            raise typer.Exit(report(error)) from None


app = typer.Typer(
    name="chainrule",
    cls=Commands,
    help="Train neural networks, look at them, use them.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("train")(train.train)
app.command("evaluate")(evaluate.evaluate)
app.command("predict")(predict.predict)
app.command("inspect")(inspect_.inspect)
app.add_typer(data.app, name="data")


def _show_version(asked: bool) -> None:
    if asked:
        from chainrule._version import __version__

        typer.echo(f"chainrule {__version__}")
        raise typer.Exit


@app.callback()
def _begin(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    """Train neural networks, look at them, use them."""
