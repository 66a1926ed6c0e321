"""`chainrule evaluate`: how good a model is on rows with known targets."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from chainrule.cli import completion
from chainrule.cli import parameters as p
from chainrule.language import Message, plural, told, tr

__all__ = ["evaluate"]

Part = Annotated[
    str,
    typer.Option(
        metavar="PART",
        help="Which rows: all, train, validation or test; auto takes those that were held out for testing if these are"
        " the data that the model was trained on, else all.",
        autocompletion=completion.parts,
        rich_help_panel=p.DATA,
    ),
]
Picture = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        readable=False,
        help="Draw the confusion matrix, or predictions beside true values.",
        rich_help_panel=p.RESULTS,
    ),
]


_KINDS = {
    "all": Message("all rows"),
    "train": Message("train rows"),
    "validation": Message("validation rows"),
    "test": Message("test rows, which the model has not seen in training"),
}


def evaluate(
    model: p.ModelFile,
    data: p.Source,
    part: Part = "auto",
    target: p.ModelTarget = None,
    data_dir: p.DataDir = None,
    encoding: p.Encoding = None,
    plot: Picture = None,
    as_json: p.AsJson = False,
) -> None:
    """Measure a model on rows whose targets are known."""
    from chainrule.cli.figures import draw_predictions
    from chainrule.cli.files import check_picture_place, load_for
    from chainrule.cli.measured import tell_metrics
    from chainrule.cli.output import Output
    from chainrule.errors import UnknownName
    from chainrule.recipes import CHOICES, choose_rows, fingerprint, notes_on, where_of
    from chainrule.recipes import evaluate as measure
    from chainrule.storage import load

    if part not in CHOICES:
        raise UnknownName.among("part", part, CHOICES)
    if plot is not None:
        check_picture_place(plot, [model, data])
    loaded = load(model)
    dataset = load_for(loaded, data, target, data_dir, encoding)
    chosen, rows, y = choose_rows(loaded, dataset, part, fingerprint(data))
    found = measure(loaded, rows, y, chosen, where_of(dataset))
    output = Output(as_json)
    for note in notes_on(loaded, rows, where_of(dataset)):
        output.note(told(note))
    output.say(
        tr(
            "{model} on {rows} of {name} ({kind})",
            model=model,
            rows=plural("{n:,} row", "{n:,} rows", found.rows),
            name=dataset.name,
            kind=_KINDS[chosen],
        )
    )
    tell_metrics(output, {chosen: found.metrics})
    pictures = [] if plot is None else [draw_predictions(loaded, found.predicted, y, chosen, plot, aside=False)]
    for picture in pictures:
        output.say(tr("plot   {path}", path=picture))
    output.result(
        {
            "model": str(model),
            "data": dataset.name,
            "part": chosen,
            "rows": found.rows,
            "task": loaded.task,
            "metrics": found.metrics,
            "plots": [str(path) for path in pictures],
        }
    )
