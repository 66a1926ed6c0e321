"""`chainrule data`: the built-in sets, and what is in a set or file."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from chainrule.cli import parameters as p
from chainrule.cli.translation import Command, Group
from chainrule.language import plural, told, tr

if TYPE_CHECKING:
    from chainrule.cli.output import Output
    from chainrule.data import ColumnSummary, Description

__all__ = ["app", "list_sets", "show"]

app = typer.Typer(cls=Group, help="List the built-in sets, or look into a set or file.", no_args_is_help=True)

_MOST = 30


@app.command("list", cls=Command)
def list_sets(as_json: p.AsJson = False) -> None:
    """List the built-in sets."""
    from chainrule.cli.output import Output, command_line, program
    from chainrule.data import names

    output = Output(as_json)
    sets = names()
    output.rows(
        [(s.name, f"{s.rows:,}", str(s.columns), str(s.classes or tr("values")), told(s.description)) for s in sets],
        (tr("name"), tr("rows"), tr("columns"), tr("classes"), tr("what it is")),
        right=(1, 2, 3),
    )
    output.say()
    output.say(tr("Train on one with: {command}", command=command_line(program(), "train", "digits")))
    output.result({"sets": [asdict(record) for record in sets]})


@app.command("show", cls=Command)
def show(
    data: p.Source,
    target: p.Target = None,
    data_dir: p.DataDir = None,
    encoding: p.Encoding = None,
    as_json: p.AsJson = False,
) -> None:
    """Show what is in a built-in set or a file: rows, columns, classes, missing cells."""
    from chainrule.cli.files import load_data
    from chainrule.cli.output import Output
    from chainrule.data import describe

    found = describe(load_data(data, target=target, data_dir=data_dir, encoding=encoding))
    output = Output(as_json)
    _tell(output, found)
    output.result(asdict(found))


def _tell(output: Output, found: Description) -> None:
    rows = plural("{n:,} row", "{n:,} rows", found.rows)
    if found.test_rows:
        rows = tr("{rows}, and {n:,} to test with", rows=rows, n=found.test_rows)
    columns = plural("{n:,} column", "{n:,} columns", len(found.columns))
    output.say(tr("{name}: {rows}, {columns}", name=found.name, rows=rows, columns=columns))
    for text in (found.description, found.source):
        if text and text != found.name:
            output.say(told(text))
    target = tr("Target {name}", name=found.target)
    if found.target_choice:
        target = tr("{text} ({remark})", text=target, remark=found.target_choice)
    output.heading(target)
    if found.classes is not None:
        output.rows(
            [(label, f"{count:,}", f"{100 * count / found.rows:.1f} %") for label, count in found.classes[:_MOST]],
            (tr("class"), tr("rows"), tr("share")),
            right=(1, 2),
        )
    for summary in found.target_columns or () if found.classes is None else ():
        output.say(tr("{name}: {text}", name=summary.name, text=_range(summary)))
    output.heading(tr("Columns"))
    kinds = {"number": tr("number"), "category": tr("category")}
    cells = [(c.name, kinds.get(c.kind, c.kind), f"{c.missing:,}", _range(c)) for c in found.columns[:_MOST]]
    if len(found.columns) > _MOST:
        cells.append((tr("… and {n:,} more", n=len(found.columns) - _MOST), "", "", ""))
    output.rows(cells, (tr("column"), tr("kind"), tr("missing"), tr("what it holds")), right=(2,))


def _range(summary: ColumnSummary) -> str:
    """Say what a column holds."""
    from chainrule.cli.output import number

    if summary.kind == "category":
        return tr("{k} categories, most often {most}", k=summary.distinct, most=summary.most_frequent)
    if summary.mean is None:
        return tr("nothing")
    low, high, mean = number(summary.minimum), number(summary.maximum), number(summary.mean)
    return tr("{low} to {high}, mean {mean}", low=low, high=high, mean=mean)
