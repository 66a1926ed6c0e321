"""`chainrule gradcheck`: is a hand-written gradient the derivative of its value?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from chainrule.cli import parameters as p
from chainrule.language import told, tr

if TYPE_CHECKING:
    from chainrule.cli.output import Output
    from chainrule.explain.gradcheck import GradientReport

__all__ = ["gradcheck"]

Place = Annotated[
    str,
    typer.Argument(
        metavar="FILE.py:FUNCTION",
        help="A function of yours that gives value and gradient: return C, dW1, db1. Its arguments, parameters first,"
        " are taken from variables of the same names in the file. The file is run.",
    ),
]
Gradient = Annotated[
    str | None,
    typer.Option(
        metavar="FUNCTION",
        help="The function of the file that gives the gradient, where the first one gives the value alone.",
    ),
]
Tolerance = Annotated[
    float | None,
    typer.Option(
        help="How far a gradient may be off, in units of the array's largest derivative. Default: by the number type."
    ),
]
Seed = Annotated[int, typer.Option(help="The seed of the random probes.")]


def gradcheck(
    place: Place,
    gradient: Gradient = None,
    tolerance: Tolerance = None,
    seed: Seed = 0,
    as_json: p.AsJson = False,
) -> None:
    """Check a gradient that you wrote by hand; exit code 1 if it is wrong, or could not be compared."""
    from chainrule.cli.failures import FAILED
    from chainrule.cli.output import Output
    from chainrule.explain.gradcheck import check_file

    report = check_file(place, gradient, tolerance=tolerance, seed=seed)
    output = Output(as_json)
    _tell(output, report)
    output.result(report.describe())
    if not report.ok:
        raise typer.Exit(FAILED)


def _tell(output: Output, report: GradientReport) -> None:
    if not output.console.is_terminal:  # no edge to wrap at, and no use for blanks at the end of lines
        output.say(str(report), whole=True)
        return
    table = report.table()
    output.say(told(table.title))
    output.rows([[*map(str, map(_cell, row))] for row in table.rows], [*map(told, table.header)], right=(2, 3))
    for remark in report.remarks():
        output.say()
        output.say(told(remark))
    for array in report.wrong:
        if array.worst:
            worst = report.worst_table(array)
            output.heading(told(worst.title))
            output.rows([[str(cell) for cell in row] for row in worst.rows], [*map(told, worst.header)])
    for title, texts in report.lists():
        output.heading(title)
        for text in texts:
            output.say(tr("- {text}", text=text))


def _cell(cell: object) -> object:
    return told(cell) if isinstance(cell, str) else cell
