"""`chainrule predict`: labels with probabilities, or values, for rows of a file or of standard input."""

from __future__ import annotations

import csv
import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chainrule.cli import parameters as p
from chainrule.language import plural, told, tr

if TYPE_CHECKING:
    from chainrule.model import Model
    from chainrule.recipes import Predictions

__all__ = ["predict", "read_data"]

OutCsv = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        readable=False,
        help="Write them to a CSV file (TSV if it ends in .tsv) instead of standard output.",
        rich_help_panel=p.RESULTS,
    ),
]


def predict(
    model: p.ModelFile,
    data: p.Source = "-",
    data_dir: p.DataDir = None,
    encoding: p.Encoding = None,
    out: OutCsv = None,
    as_json: p.AsJson = False,
) -> None:
    """Predict every row: the label with the probability of each class, or the value.

    The rows need the columns that the model was trained on, in any order. The target may be among them.
    """
    from chainrule.cli.files import check_table_place
    from chainrule.cli.output import Output
    from chainrule.recipes import notes_on
    from chainrule.recipes import predict as apply
    from chainrule.storage import atomic_write, load

    if out is not None:
        check_table_place(out, [model, data])
    loaded = load(model)
    rows, name = read_data(loaded, data, data_dir, encoding)
    found = apply(loaded, rows, name)
    output = Output(as_json, texts_aside=out is None)
    for note in notes_on(loaded, rows, name):
        output.note(told(note))
    report: dict[str, Any] = {
        "model": str(model),
        "data": name,
        "rows": len(found.values),
        "task": loaded.task,
        "classes": None if found.classes is None else list(found.classes),
    }
    if out is not None:
        atomic_write(out, _as_text(loaded, found, "\t" if out.suffix == ".tsv" else ",").encode("utf-8"))
        predictions = plural("{n:,} prediction", "{n:,} predictions", len(found.values))
        output.say(tr("{predictions} written to {path}", predictions=predictions, path=out))
        output.result({**report, "out": str(out)})
    elif as_json:
        probabilities = None if found.probabilities is None else found.probabilities.tolist()
        output.result({**report, "predictions": found.values.tolist(), "probabilities": probabilities})
    else:
        sys.stdout.write(_as_text(loaded, found, ","))
        sys.stdout.flush()


def read_data(model: Model, data: str, data_dir: Path | None, encoding: str | None) -> tuple[Any, str]:
    """Read rows of which no target is asked, and say what messages call them."""
    from chainrule.cli.files import is_built_in, load_data, tell_if_waiting
    from chainrule.data import read_rows
    from chainrule.data.sources import source_name

    if is_built_in(data):
        return load_data(data, data_dir=data_dir, encoding=encoding).X, data
    tell_if_waiting(data)
    text = model.encoder.text_columns if model.encoder is not None else ()
    return read_rows(data, encoding=encoding, text=text), source_name(data)


def _as_text(model: Model, found: Predictions, delimiter: str) -> str:
    """Write a table: the prediction, then the probability of each class."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\n")
    digits = 7 if model.dtype.itemsize == 4 else 16
    if found.classes is None:
        values = found.values.reshape(len(found.values), -1)
        columns = values.shape[1]
        writer.writerow(["prediction"] if columns == 1 else [f"prediction_{k}" for k in range(columns)])
        writer.writerows([f"{value:.{digits}g}" for value in row] for row in values.tolist())
        return text.getvalue()
    labels = found.values.tolist()
    if found.probabilities is None:
        writer.writerow(["prediction"])
        writer.writerows([label] for label in labels)
        return text.getvalue()
    writer.writerow(["prediction", *(f"probability_{label}" for label in found.classes)])
    rows = found.probabilities.tolist()
    writer.writerows(
        [label, *(f"{share:.{digits}g}" for share in row)] for label, row in zip(labels, rows, strict=True)
    )
    return text.getvalue()
