"""`chainrule explain`: where a number of a model comes from, or a whole step, number by number."""

from __future__ import annotations

import os
import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chainrule.cli import completion as complete
from chainrule.cli import parameters as p
from chainrule.language import told, tr

if TYPE_CHECKING:
    from chainrule.explain import Page, Trace
    from chainrule.model import Model

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
    str,
    typer.Option(
        metavar="ROW",
        help="Which row of the data, counted from 0; 3-8 takes the rows 3 to 8 as one batch, all takes all.",
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
        help="text, md, latex, html or json. Default: by how --out ends, else text.",
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

_FORMAT_OF = {".txt": "text", ".md": "md", ".tex": "latex", ".html": "html", ".htm": "html", ".json": "json"}


def explain(
    model: Subject,
    data: Rows = None,
    of: Of = None,
    row: Row = "0",
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
) -> None:
    """Say where a number comes from: an activation, an error, a derivative, an update.

    The number is taken apart into the factors of the chain rule, with the real values filled in. Without --of the whole
    step is told, layer by layer: forward, how wrong it is, backward, one update.
    """
    from chainrule.cli.files import check_picture_place, check_place
    from chainrule.explain import explain as derive

    chosen = _format(format, out)
    inputs = [each for each in (None if model == EXAMPLE else model, data) if each is not None]
    if out is not None:
        check_place(out, inputs)
    if plot is not None:
        check_picture_place(plot, inputs)
    wanted = {"optimizer": _optimizer(optimizer, rate), "row": row, "target": target}
    step = _example(wanted) if model == EXAMPLE else _step(Path(model), data, wanted, data_dir, encoding)
    names = notation or ("textbook" if model == EXAMPLE else "index")
    page: Page = derive(step, of=of, depth=depth, most=most, notation=names, digits=digits)
    if model == EXAMPLE and of is None:
        page = _with_slip(page, step)
    if plot is not None:
        _draw(step, of, names, plot)
    _write(page, chosen, out, whole=of is None)


def _format(format: str | None, out: Path | None) -> str:
    from chainrule.errors import UnknownName
    from chainrule.explain import FORMATS

    if format is None:
        return "text" if out is None else _FORMAT_OF.get(out.suffix.lower(), "text")
    if format not in FORMATS:
        raise UnknownName.among("format", format, FORMATS)
    return format


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


def _step(path: Path, data: str | None, wanted: dict[str, Any], data_dir: Path | None, encoding: str | None) -> Trace:
    """Trace the rows that are asked for, with their targets where the data have them."""
    from chainrule.errors import UsageError
    from chainrule.explain import trace
    from chainrule.explain.columns import columns_of
    from chainrule.recipes import check_labels, encode, ignored_columns
    from chainrule.storage import load

    model = load(path)
    if data is None:
        raise UsageError(
            "name the data whose row is to be explained, such as: chainrule explain {model} FILE.csv --row 0",
            model=path,
        )
    rows, y, name = _rows(model, data, wanted["target"], data_dir, encoding)
    chosen = _chosen(wanted["row"], len(rows), name)
    X = encode(model, rows[chosen], name, ignored_columns(model))
    targets = None if y is None else y[chosen]
    if targets is not None:
        check_labels(model, targets, name)
    step = trace(replace(model, encoder=None), X, targets, optimizer=wanted["optimizer"])
    called = tuple(f"row {r} of {name}" for r in range(chosen.start, chosen.stop))
    return replace(step, columns=columns_of(model.encoder), rows=called)


def _rows(
    model: Model, data: str, target: str | None, data_dir: Path | None, encoding: str | None
) -> tuple[Any, Any, str]:
    """Read the data: with targets where they have any, else rows alone, for the numbers of the forward pass."""
    from chainrule.cli.files import load_for
    from chainrule.cli.predict import read_data
    from chainrule.errors import DataError
    from chainrule.recipes import where_of

    try:
        dataset = load_for(model, data, target, data_dir, encoding)
    except DataError:
        if target is not None:
            raise
        rows, name = read_data(model, data, data_dir, encoding)
        return rows, None, name
    return dataset.X, dataset.y, where_of(dataset)


def _chosen(row: str, n: int, name: str) -> slice:
    """Read which rows are asked for: 17, 3-8 or all."""
    from chainrule.errors import UsageError

    match = re.fullmatch(r"\s*(\d+)\s*(?:-\s*(\d+)\s*)?", row)
    if row.strip() == "all":
        return slice(0, n)
    if match is None:
        raise UsageError("--row is {row!r}; it takes a row, such as 17, several, such as 3-8, or all", row=row)
    first, last = int(match[1]), int(match[2] or match[1])
    if not first <= last < n:
        raise UsageError("--row is {row}; {name} has the rows 0 to {last}", row=row, name=name, last=n - 1)
    return slice(first, last + 1)


def _draw(step: Trace, of: str | None, notation: str, path: Path) -> None:
    from chainrule.cli.output import make_console
    from chainrule.plots import save_figure, step_diagram

    save_figure(step_diagram(step, of, notation=notation), path)
    make_console(sys.stderr).print(tr("plot   {path}", path=path), highlight=False)


def _write(page: Page, format: str, out: Path | None, *, whole: bool) -> None:
    """Write the page to a file, or show it: with colours, and with a pager where it is long, at a terminal."""
    from chainrule.cli.output import make_console
    from chainrule.explain import render
    from chainrule.storage import atomic_write

    if out is not None:
        atomic_write(out, render(page, format).encode("utf-8"))
        make_console(sys.stderr).print(tr("{title}: written to {path}", title=told(page.title), path=out))
    elif format == "text" and sys.stdout.isatty():
        _show(page, paged=whole)
    else:
        sys.stdout.write(render(page, format))
        sys.stdout.flush()


def _show(page: Page, *, paged: bool) -> None:
    """Show a page in colour; a long one page by page."""
    from chainrule.cli.output import make_console
    from chainrule.explain.writing.terminal import show

    console = make_console(sys.stdout)
    if not paged:
        show(page, console)
        return
    # What git gives its pager: leave if it fits (F), show colours (R), keep the screen (X).
    os.environ.setdefault("LESS", "FRX")
    with console.pager(styles=console.color_system is not None):
        show(page, console)
