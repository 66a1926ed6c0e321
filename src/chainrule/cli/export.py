"""`chainrule export`: a model as a file that works without chainrule."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from chainrule.cli import completion as complete
from chainrule.cli import parameters as p
from chainrule.language import tr

__all__ = ["export"]

To = Annotated[
    str | None,
    typer.Option(
        metavar="FORMAT",
        help="onnx; numpy, a Python file that needs NumPy only; python, one that needs nothing; or c, a header of C99."
        " Default: by how FILE ends, .onnx or .h.",
        autocompletion=complete.formats,
    ),
]
OutFile = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        readable=False,
        help="Where to write it. Default: the model's name in the current folder, with the ending of the format;"
        " for python, _plain.py.",
    ),
]
Code = Annotated[
    int | None,
    typer.Option(
        metavar="LAYER",
        help="The layer, counted from 1, whose activations the file gives as well: the code of an autoencoder.",
    ),
]


def export(
    model: p.ModelFile, to: To = None, out: OutFile = None, code: Code = None, as_json: p.AsJson = False
) -> None:
    """Write a model as a file that works without chainrule: ONNX, Python or C.

    Its functions predict as the model does, and it tests itself on a few rows (an ONNX file is checked instead).
    """
    from chainrule.cli.files import check_export_place
    from chainrule.cli.output import Output
    from chainrule.errors import UsageError
    from chainrule.storage import export as write
    from chainrule.storage import load
    from chainrule.storage.exporting import default_name, format_of
    from chainrule.table import human_bytes

    if to is None and out is None:
        raise UsageError("name a format to export to: --to onnx, numpy, python or c")
    chosen, _ = format_of(to, out)
    place = out or Path(default_name(model.stem, chosen))
    check_export_place(place, [model])
    write(load(model), place, chosen, code=code)
    output = Output(as_json)
    size = place.stat().st_size
    output.say(tr("Exported to {path} ({size})", path=place, size=human_bytes(size)))
    output.result({"model": str(model), "to": chosen, "out": str(place), "bytes": size})
