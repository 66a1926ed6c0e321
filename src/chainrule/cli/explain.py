"""`chainrule explain`: where a number of a model comes from, or a whole step, number by number."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chainrule.cli import completion as complete
from chainrule.cli import parameters as p
from chainrule.language import Message, template, tr

if TYPE_CHECKING:
    from chainrule.errors import DataError, UsageError
    from chainrule.explain import Page, Trace

__all__ = ["explain"]

# The name that stands for the worked example, in the place of a model.
EXAMPLE = "step-by-step"

_STEP = "The step"
_WRITING = "How it is written"

Subject = Annotated[
    str,
    typer.Argument(
        metavar="MODEL",
        help="A model file that train wrote; or step-by-step, the worked example of a 2-2-2 network, which needs no"
        " data.",
    ),
]
Rows = Annotated[
    str | None,
    typer.Argument(metavar="DATA", help=p.SOURCE_HELP, autocompletion=complete.data_sets),
]
Of = Annotated[
    str | None,
    typer.Option(
        "--of",
        metavar="NUMBER",
        help="The number: dC/dW1[0,1], a1[0], delta2[1], dC/dx[3], 'W1[0,1] after', C; in small networks also w5,"
        " net_h1, out_o1. Default: the whole step.",
    ),
]
Row = Annotated[
    str | None,
    typer.Option(
        metavar="ROW",
        help="Which row of the data, counted from 0; 3-8 takes the rows 3 to 8 as one batch, all takes all."
        " Default: 0.",
        rich_help_panel=_STEP,
    ),
]
Depth = Annotated[
    int,
    typer.Option(metavar="N", help="How deep the number is unfolded; 1 is its own line.", rich_help_panel=_WRITING),
]
Most = Annotated[
    int,
    typer.Option(
        metavar="N", help="How many terms of a long sum are shown; the others are added up.", rich_help_panel=_WRITING
    ),
]
Notation = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="How numbers are named: index (W1[0,1]), textbook (w2, net_h1) or rows (whole rows and columns)."
        " Default: index; for step-by-step textbook.",
        autocompletion=complete.notations,
        rich_help_panel=_WRITING,
    ),
]
Digits = Annotated[int, typer.Option(metavar="N", help="How many decimals.", rich_help_panel=_WRITING)]
Format = Annotated[
    str | None,
    typer.Option(
        "--format",
        metavar="FORMAT",
        help="text, md, latex, html or json. Default: by how --out ends (.txt, .md, .tex, .html, .json), else text.",
        autocompletion=complete.page_formats,
        rich_help_panel=p.RESULTS,
    ),
]
OutPage = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        readable=False,
        help="Write it to a file instead of standard output.",
        rich_help_panel=p.RESULTS,
    ),
]
Picture = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        readable=False,
        help="Draw the step, with the paths of the number: .png, .svg or .pdf.",
        rich_help_panel=p.RESULTS,
    ),
]
Optimizer = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="How the update is made. Default: as in training. Parameters behind a colon: momentum:mu=0.95.",
        autocompletion=complete.optimizers,
        rich_help_panel=_STEP,
    ),
]
Rate = Annotated[
    float | None,
    typer.Option(metavar="RATE", help="The learning rate. Default: as in training.", rich_help_panel=_STEP),
]


def explain(
    model: Subject,
    data: Rows = None,
    of: Of = None,
    row: Row = None,
    target: p.ModelTarget = None,
    optimizer: Optimizer = None,
    rate: Rate = None,
    depth: Depth = 3,
    most: Most = 6,
    notation: Notation = None,
    digits: Digits = 8,
    format: Format = None,
    out: OutPage = None,
    plot: Picture = None,
    data_dir: p.DataDir = None,
    encoding: p.Encoding = None,
    as_json: p.AsJson = False,
) -> None:
    """Say where a number comes from: an activation, an error, a derivative, an update.

    The number is taken apart into the factors of the chain rule, with the real values filled in.

    Without --of the whole step is told, layer by layer: forward, how wrong it is, backward, one update.
    """
    from chainrule.cli.files import check_picture_place, check_place
    from chainrule.cli.pages import choose_format, write_page
    from chainrule.cli.tracing import step_of_rows
    from chainrule.errors import UsageError
    from chainrule.explain import explain as derive

    reason: DataError | None = None

    chosen = choose_format(format, out, as_json)
    inputs = [each for each in (None if model == EXAMPLE else model, data) if each is not None]
    if out is not None:
        check_place(out, inputs)
    if plot is not None:
        check_picture_place(plot, inputs)
    wanted = {"optimizer": _optimizer(optimizer, rate), "row": row, "target": target}
    if model == EXAMPLE:
        _refuse({"DATA": data, "--row": row, "--target": target, "--data-dir": data_dir, "--encoding": encoding})
        step = _example(wanted)
    else:
        step, reason = step_of_rows(Path(model), data, wanted, data_dir, encoding)
    names = notation or ("textbook" if model == EXAMPLE else "index")
    try:
        page: Page = derive(step, of=of, depth=depth, most=most, notation=names, digits=digits)
    except UsageError as error:
        raise _in_words_of_the_shell(error, reason) from None
    if model == EXAMPLE and of is None:
        page = _with_slip(page, step)
    if plot is not None:
        _draw(step, of, names, plot)
    write_page(page, chosen, out)


def _refuse(given: dict[str, Any]) -> None:
    """Refuse what the worked example does not take."""
    from chainrule.errors import UsageError

    for name, value in given.items():
        if value is not None:
            raise UsageError(
                "{example} is a worked example with its own two inputs; leave {name} {value} out",
                example=EXAMPLE,
                name=name,
                value=value,
            )


def _in_words_of_the_shell(error: UsageError, reason: DataError | None) -> UsageError:
    """Say what to type where a message tells what to write in Python, and why there are no targets."""
    from chainrule.errors import ShapeError, UsageError

    if error.key.startswith("without targets") and reason is not None:
        key = template("without targets there is no error to explain: {reason}")
        return UsageError(key, reason=Message(reason.key, **reason.fields))
    if error.key.endswith("Use notation='index'"):
        key = template(
            "textbooks have names for one example in a network of at most one hidden layer; this one is {sizes} with "
            "{m} rows. Leave --notation out, or use --notation index"
        )
        return ShapeError(key, **error.fields)
    return error


def _optimizer(name: str | None, rate: float | None) -> Any:
    """Give the optimizer that is asked for; None where it is that of training."""
    from chainrule.errors import UsageError
    from chainrule.formulas import OPTIMIZERS
    from chainrule.recipes import find_formula

    if name is None:
        if rate is not None:
            raise UsageError("--rate needs --optimizer, such as --optimizer sgd --rate 0.5")
        return None
    found = find_formula(OPTIMIZERS, name)
    return found if rate is None else found.with_parameters(rate=rate)


def _example(wanted: dict[str, Any]) -> Trace:
    """Give the step of the worked example: a 2-2-2 network of sigmoids, whose biases are held fixed."""
    from chainrule.explain import trace
    from chainrule.formulas import SGD
    from chainrule.lessons import find
    from chainrule.network import Network

    told_with = {setting.name: setting.default for setting in find(EXAMPLE).settings}
    network = Network.from_sizes([2, 2, 2], hidden="sigmoid", output="sigmoid", bias="fixed")
    model = network.init()
    for name in ("W1", "b1", "W2", "b2"):
        model[name] = told_with[name]
    rule = wanted["optimizer"] or SGD(told_with["rate"])
    return trace(model, [told_with["i"]], [told_with["targets"]], loss="half_squared_error", optimizer=rule)


def _with_slip(page: Page, step: Trace) -> Page:
    from chainrule.explain.slip import slip_blocks

    return replace(page, blocks=(*page.blocks, *slip_blocks(step)))


def _draw(step: Trace, of: str | None, notation: str, path: Path) -> None:
    from chainrule.cli.output import make_console
    from chainrule.plots import save_figure, step_diagram

    save_figure(step_diagram(step, of, notation=notation), path)
    make_console(sys.stderr).print(tr("plot   {path}", path=path), highlight=False)
