"""The step of the rows that `chainrule explain` is asked about, from a model file and data."""

from __future__ import annotations

import difflib
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chainrule.errors import DataError
    from chainrule.explain import Trace
    from chainrule.model import Model

__all__ = ["step_of_rows"]

# What may have been meant where a model file is not there.
_EXAMPLE = "step-by-step"


def step_of_rows(
    path: Path, data: str | None, wanted: dict[str, Any], data_dir: Path | None, encoding: str | None
) -> tuple[Trace, DataError | None]:
    """Trace the rows that are asked for, with their targets where the data have them; else say why they have none.

    Args:
        path: the model file.
        data: the data, or None where none were named.
        wanted: "row", "target" and "optimizer", each as it was asked for, or None.
        data_dir: where built-in sets are.
        encoding: of the data's text.
    """
    from chainrule.errors import UsageError
    from chainrule.explain import trace
    from chainrule.explain.columns import columns_of
    from chainrule.recipes import check_labels, encode, ignored_columns
    from chainrule.storage import load

    if not path.is_file() and difflib.get_close_matches(str(path), [_EXAMPLE], cutoff=0.8):
        raise UsageError("there is no model file {path}; did you mean {example}?", path=path, example=_EXAMPLE)
    model = load(path)
    if data is None:
        raise UsageError(
            "name the data whose row is to be explained, such as: chainrule explain {model} FILE.csv --row 0",
            model=path,
        )
    rows, y, name, reason = _rows(model, data, wanted["target"], data_dir, encoding)
    chosen = _chosen(wanted["row"] or "0", len(rows), name)
    X = encode(model, rows[chosen], name, ignored_columns(model))
    targets = None if y is None else y[chosen]
    if targets is not None:
        check_labels(model, targets, name)
    step = trace(replace(model, encoder=None), X, targets, optimizer=wanted["optimizer"])
    called = tuple(f"row {r} of {name}" for r in range(chosen.start, chosen.stop))
    return replace(step, columns=columns_of(model.encoder), rows=called), reason


def _rows(
    model: Model, data: str, target: str | None, data_dir: Path | None, encoding: str | None
) -> tuple[Any, Any, str, DataError | None]:
    """Read the data: with targets where they have any, else rows alone, for the numbers of the forward pass."""
    from chainrule.cli.files import is_built_in, load_for
    from chainrule.cli.predict import read_data
    from chainrule.errors import DataError, UsageError
    from chainrule.recipes import where_of

    if target is not None and is_built_in(data):
        raise UsageError("{data} is a built-in set, whose target is known; leave --target out", data=data)
    try:
        dataset = load_for(model, data, target, data_dir, encoding)
    except DataError as error:
        if target is not None:
            raise
        rows, name = read_data(model, data, data_dir, encoding)
        return rows, None, name, error
    return dataset.X, dataset.y, where_of(dataset), None


def _chosen(row: str, n: int, name: str) -> slice:
    """Read which rows are asked for: 17, 3-8 or all."""
    from chainrule.errors import UsageError

    match = re.fullmatch(r"\s*(\d+)\s*(?:-\s*(\d+)\s*)?", row)
    if row.strip() == "all":
        return slice(0, n)
    if match is None:
        raise UsageError("--row is {row!r}; it takes a row, such as 17, several, such as 3-8, or all", row=row)
    first, last = int(match[1]), int(match[2] or match[1])
    if first > last:
        raise UsageError(
            "--row is {row}, whose first row comes after its last; write {last}-{first}",
            row=row,
            first=first,
            last=last,
        )
    if last >= n:
        raise UsageError("--row is {row}; {name} has the rows 0 to {last}", row=row, name=name, last=n - 1)
    return slice(first, last + 1)
