"""The commands, put together."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from chainrule.cli import bench, data, evaluate, explain, export, gradcheck, inspect_, lesson, predict, train
from chainrule.cli.failures import close_quietly, report
from chainrule.cli.translation import Command, Group

__all__ = ["Commands", "app"]


class Commands(Group):
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
app.command("train", cls=Command)(train.train)
app.command("evaluate", cls=Command)(evaluate.evaluate)
app.command("predict", cls=Command)(predict.predict)
app.command("inspect", cls=Command)(inspect_.inspect)
app.command("export", cls=Command)(export.export)
app.command("explain", cls=Command)(explain.explain)
app.command("gradcheck", cls=Command)(gradcheck.gradcheck)
app.command("bench", cls=Command)(bench.bench)
app.add_typer(data.app, name="data")
app.add_typer(lesson.app, name="lesson")


def _show_version(asked: bool) -> None:
    if asked:
        from chainrule._version import __version__

        typer.echo(f"chainrule {__version__}")
        raise typer.Exit


# `main` takes --lang out of the command line before it gets here, as help has to be in that language, too.
@app.callback()
def _begin(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and leave.")
    ] = False,
    lang: Annotated[
        str | None,
        typer.Option(
            metavar="en|zh",
            help="The language of all texts; may stand behind the command as well. Default: CHAINRULE_LANG, else that"
            " of the locale.",
        ),
    ] = None,
) -> None:
    """Train neural networks, look at them, use them."""
