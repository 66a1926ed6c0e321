"""`chainrule lesson`: the course, one subcommand for each lesson, with the lesson's settings as options."""

from __future__ import annotations

import inspect
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chainrule.cli import parameters as p
from chainrule.cli.translation import Command, Group, translate
from chainrule.language import template, told, tr

if TYPE_CHECKING:
    from chainrule.lessons import Lesson, Result, Setting

__all__ = ["Lessons", "app", "list_lessons"]

_ANIMATIONS = (".gif", ".mp4")
_METAVARS = {int: "N", float: "NUMBER", str: "TEXT", tuple: "NUMBERS"}
_SETTINGS = template("Settings")

Plot = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", readable=False, help="Draw the lesson's picture (PNG, SVG or PDF).", rich_help_panel=p.RESULTS
    ),
]
Show = Annotated[bool, typer.Option("--show", help="Show the picture in a window.", rich_help_panel=p.RESULTS)]
Animate = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        readable=False,
        help="Write the lesson's animation, if it has one (GIF, or MP4 with ffmpeg).",
        rich_help_panel=p.RESULTS,
    ),
]


class Lessons(Group):
    """Makes the command of a lesson when it is asked for: only the lesson that runs is imported."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Give the names, in the order of the course."""
        from chainrule.lessons import NAMES

        return list(NAMES)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Make the command of one lesson."""
        from chainrule.lessons import NAMES, find

        if ctx.resilient_parsing and cmd_name not in NAMES:  # a shell completes what is not typed to its end
            return None
        return _command_of(find(cmd_name))


app = typer.Typer(cls=Lessons, help="List the lessons of the course, or run one.", invoke_without_command=True)


@app.callback()
def list_lessons(context: typer.Context, as_json: p.AsJson = False) -> None:
    """List the lessons of the course, or run one."""
    from chainrule.cli.output import Output, command_line, program
    from chainrule.errors import UsageError
    from chainrule.lessons import NAMES, find

    if context.invoked_subcommand is not None:
        if as_json:
            raise UsageError("--json belongs behind the name of the lesson")
        return
    lessons = [find(name) for name in NAMES]
    output = Output(as_json)
    output.rows(
        [(str(number), each.name, told(each.summary)) for number, each in enumerate(lessons, start=1)], right=(0,)
    )
    output.say()
    output.say(tr("Run one with: {command}", command=command_line(program(), "lesson", NAMES[0])))
    shown = [{"name": each.name, "title": str(each.title), "summary": str(each.summary)} for each in lessons]
    output.result({"lessons": shown})


def _command_of(lesson: Lesson) -> Any:
    """Make a command from a lesson: each setting is an option."""
    results = inspect.signature(_Results, eval_str=True).parameters

    def run(**given: Any) -> None:
        wanted = _Results(**{name: given.pop(name) for name in results})
        _run(lesson, {name: value for name, value in given.items() if value is not None}, wanted)

    run.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [*map(_option, lesson.settings), *results.values()]
    )
    single = typer.Typer(add_completion=False)
    help_text = f"{told(lesson.title)}: {told(lesson.summary)}"
    single.command(lesson.name, cls=Command, help=_finished(help_text))(run)
    command = typer.main.get_command(single)
    translate([command])
    return command


def _option(setting: Setting) -> inspect.Parameter:
    """Make an option that takes text, which the setting reads; where it is not given it is None."""
    name = "--" + setting.name.replace("_", "-")
    text = _finished(_explanation(setting))
    choices = setting.choices
    option = (
        typer.Option(f"{name}/--no-{name[2:]}", help=text, rich_help_panel=_SETTINGS)
        if setting.type is bool
        else typer.Option(
            name,
            metavar=_METAVARS[setting.type],
            help=text,
            rich_help_panel=_SETTINGS,
            autocompletion=lambda incomplete: [each for each in choices if each.startswith(incomplete)],
        )
    )
    kind = bool if setting.type is bool else str
    return inspect.Parameter(
        setting.name, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=None, annotation=Annotated[kind | None, option]
    )


def _explanation(setting: Setting) -> str:
    """Say what a setting is, what it is unless one says otherwise, and what it may be."""
    parts = []
    if setting.type is bool:
        parts.append(tr("default: {value}", value=tr("yes") if setting.default else tr("no")))
    elif setting.default is not None:
        parts.append(tr("default: {value}", value=setting.written(setting.default)))
    bounds = ((">", setting.above), (">=", setting.least), ("<=", setting.most))
    parts += [f"{sign} {bound:g}" for sign, bound in bounds if bound is not None]
    parts += [", ".join(setting.choices)] if setting.choices else []
    return f"{tr(setting.text)} ({'; '.join(parts)})" if parts else tr(setting.text)


def _finished(text: str) -> str:
    """Write a text so that it stays as it is where Rich reads help as markup, and where help is translated."""
    from rich.markup import escape

    return escape(text).replace("{", "{{").replace("}", "}}")


@dataclass(frozen=True)
class _Results:
    """What is wanted of every lesson besides its telling; each field is an option."""

    plot: Plot = None
    show: Show = False
    animate: Animate = None
    as_json: p.AsJson = False

    def check(self, lesson: Lesson) -> None:
        """See, before any work is done, that all of it can be."""
        from chainrule.cli.files import check_picture_place
        from chainrule.cli.viewer import find_viewer

        if self.plot is not None:
            check_picture_place(self.plot)
        if self.animate is not None:
            _check_animation(lesson, self.animate)
        if self.show:
            find_viewer()


def _run(lesson: Lesson, settings: dict[str, Any], wanted: _Results) -> None:
    """Run a lesson: see that all can be done, tell it, draw, and say what to try next."""
    from chainrule.cli.output import Output
    from chainrule.cli.story import Teller
    from chainrule.cli.viewer import find_viewer
    from chainrule.errors import ChainruleError

    lesson.read(settings)
    wanted.check(lesson)
    output = Output(wanted.as_json)
    teller = Teller(output)
    result = _tell(lesson, settings, teller)
    if wanted.plot is not None:
        teller.written(tr("picture"), _draw(result, wanted.plot))
    if wanted.animate is not None and result.film is not None:
        result.film(wanted.animate)
        teller.written(tr("animation"), wanted.animate)
    if wanted.show:
        find_viewer()(_draw(result, _temporary(lesson)))
    _tell_next(teller, result, with_picture=wanted.plot is None and not wanted.show)
    output.result(result.to_dict())
    if result.as_told and not result.passed:
        raise ChainruleError(
            "a check failed (✗), though the lesson ran with its own settings: the library does not compute here what it"
            " should; please report it"
        )


def _check_animation(lesson: Lesson, path: Path) -> None:
    """See that there will be an animation, and that it can be written."""
    from chainrule.cli.files import check_place
    from chainrule.errors import UsageError
    from chainrule.lessons import NAMES, find

    if not lesson.animated:
        raise UsageError(
            "the lesson {name} has no animation; these have one: {names}",
            name=lesson.name,
            names=", ".join(name for name in NAMES if find(name).animated),
        )
    if path.suffix.lower() not in _ANIMATIONS:
        raise UsageError(
            "{path} does not say in which format to save the animation; let the name end in one of: {allowed}",
            path=path,
            allowed=", ".join(_ANIMATIONS),
        )
    check_place(path)


def _tell(lesson: Lesson, settings: dict[str, Any], teller: Any) -> Result:
    """Run the lesson, printing it; a Ctrl-C that ends a training ends the lesson, too."""
    from chainrule.cli.output import stderr
    from chainrule.lessons import NAMES, run
    from chainrule.training import Progress
    from chainrule.training.interrupt import Interrupt

    stopped = tr("the lesson was stopped before its end.")

    def listen(block: Any) -> None:
        if presses.asked:
            raise KeyboardInterrupt
        teller.tell(block)

    teller.begin(lesson, NAMES.index(lesson.name) + 1)
    watchers = [Progress(stderr())] if sys.stderr.isatty() else []
    try:
        with Interrupt() as presses:
            result = run(lesson.name, listener=listen, callbacks=watchers, **settings)
        if presses.asked:
            raise KeyboardInterrupt
    except KeyboardInterrupt:
        raise KeyboardInterrupt(stopped) from None
    return result


def _draw(result: Result, path: Path) -> Path:
    from chainrule.plots import save_figure

    assert result.figure is not None, "every lesson has a picture"
    return save_figure(result.figure, path)


def _temporary(lesson: Lesson) -> Path:
    """Name a file that outlasts this program, since the viewer reads it later; the system clears its folder."""
    import tempfile

    return Path(tempfile.mkdtemp(prefix="chainrule-")) / f"{lesson.name}.png"


def _tell_next(teller: Any, result: Result, with_picture: bool) -> None:
    """Print commands that can be pasted; the one that draws has the settings of this run."""
    from chainrule.cli.output import command_line, program

    name = result.lesson.name
    draw = command_line(program(), "lesson", name, *_options_of(result), "--plot", f"{name}.png")
    teller.end(result, command_line(program()), [draw] if with_picture else [])


def _options_of(result: Result) -> list[str]:
    """Write the settings that are not the lesson's own as one types them."""
    options = []
    for setting in result.lesson.settings:
        value = result.settings[setting.name]
        name = setting.name.replace("_", "-")
        if value != setting.default:
            options += (
                [f"--{'' if value else 'no-'}{name}"] if setting.type is bool else [f"--{name}", setting.written(value)]
            )
    return options
