"""`chainrule data`: the built-in sets, and what is in a set or file."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from chainrule.cli import parameters as p

if TYPE_CHECKING:
    from chainrule.cli.output import Output
    from chainrule.data import ColumnSummary, Description

__all__ = ["app", "list_sets", "show"]

app = typer.Typer(help="List the built-in sets, or look into a set or file.", no_args_is_help=True)

_MOST = 30


@app.command("list")
def list_sets(as_json: p.AsJson = False) -> None:
    """List the built-in sets."""
    from chainrule.cli.output import Output, command_line, program
    from chainrule.data import names

    output = Output(as_json)
    sets = names()
    output.rows(
        [(s.name, f"{s.rows:,}", str(s.columns), str(s.classes or "values"), s.description) for s in sets],
        ("name", "rows", "columns", "classes", "what it is"),
        right=(1, 2, 3),
    )
    output.say()
    output.say(f"Train on one with: {command_line(program(), 'train', 'digits')}")
    output.result({"sets": [asdict(record) for record in sets]})


@app.command("show")
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
    from chainrule.cli.output import count

    test = f", and {found.test_rows:,} to test with" if found.test_rows else ""
    output.say(f"{found.name}: {count(found.rows, 'row')}{test}, {count(len(found.columns), 'column')}")
    for text in (found.description, found.source):
        if text and text != found.name:
            output.say(text)
    how = f" ({found.target_choice})" if found.target_choice else ""
    output.heading(f"Target {found.target}{how}")
    if found.classes is not None:
        output.rows(
            [(label, f"{count:,}", f"{100 * count / found.rows:.1f} %") for label, count in found.classes[:_MOST]],
            ("class", "rows", "share"),
            right=(1, 2),
        )
    for summary in found.target_columns or () if found.classes is None else ():
        output.say(f"{summary.name}: {_range(summary)}")
    output.heading("Columns")
    rows = [(c.name, c.kind, f"{c.missing:,}", _range(c)) for c in found.columns[:_MOST]]
    if len(found.columns) > _MOST:
        rows.append((f"… and {len(found.columns) - _MOST:,} more", "", "", ""))
    output.rows(rows, ("column", "kind", "missing", "what it holds"), right=(2,))


def _range(summary: ColumnSummary) -> str:
    """Say what a column holds."""
    from chainrule.cli.output import number

    if summary.kind == "category":
        return f"{summary.distinct} categories, most often {summary.most_frequent}"
    if summary.mean is None:
        return "nothing"
    return f"{number(summary.minimum)} to {number(summary.maximum)}, mean {number(summary.mean)}"
