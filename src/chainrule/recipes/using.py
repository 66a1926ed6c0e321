"""Using a model that was kept: predictions for rows of a file, and measuring it on rows with known targets."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.data import Dataset, names, split
from chainrule.data.columns import THE_DATA, categories_of, spot, text_of
from chainrule.data.dataset import Array, Rows
from chainrule.data.encoded import CategoryColumn
from chainrule.data.sources import open_source
from chainrule.errors import ChainruleError, DataError, UsageError
from chainrule.language import Message
from chainrule.model import Model
from chainrule.recipes.columns import check_values
from chainrule.recipes.running import PARTS, Metrics, finite, take
from chainrule.sparse import dense_rows

__all__ = [
    "CHOICES",
    "Evaluation",
    "Predictions",
    "check_labels",
    "choose_rows",
    "encode",
    "evaluate",
    "fingerprint",
    "ignored_columns",
    "notes_on",
    "predict",
]

CHOICES = ("auto", "all", *PARTS)


@dataclass(frozen=True, eq=False)
class Predictions:
    """What a model says about rows.

    Args:
        values: labels (n,), or values (n,) or (n, k).
        probabilities: (n, classes), or None where the model gives none.
        classes: their labels, or None.
    """

    values: Array
    probabilities: Array | None
    classes: tuple[Any, ...] | None


@dataclass(frozen=True, eq=False)
class Evaluation:
    """How good a model is on rows.

    Args:
        metrics: accuracy and loss, or rmse, mae, r2 and loss.
        part: which of the rows: "all", "train", "validation" or "test".
        rows: how many.
        truth: their targets.
        predicted: what the model says.
    """

    metrics: Metrics
    part: str
    rows: int
    truth: Array
    predicted: Array


def encode(model: Model, rows: Rows, where: str, ignore: Collection[str] = ()) -> Array:
    """Give the inputs that a model makes of raw rows.

    Args:
        model: with or without an encoder.
        rows: a table or an array.
        where: the file's name for messages.
        ignore: columns that may be there and are not looked at.

    Raises:
        DataError: for columns that are missing or unknown, and cells that are no numbers where numbers are expected.

    >>> from chainrule import Network
    >>> encode(Network.from_sizes([2, 1]).init(), np.array([[1, 2]]), "rows.npy").tolist()
    [[1.0, 2.0]]
    """
    if model.encoder is not None:
        return model.encoder.transform(rows, where=where, ignore=ignore, dtype=model.dtype)
    if not isinstance(rows, np.ndarray):
        rows = rows.drop(columns=[name for name in ignore if name in rows.columns]).to_numpy()
    try:
        return dense_rows(replace(model, encoder=None).inputs(rows))
    except UsageError as error:
        raise DataError("{path}: {problem}", path=where, problem=error) from None


def notes_on(model: Model, rows: Rows, where: str) -> list[str]:
    """Say which cells hold categories that training has not seen; they are predicted as unknown.

    Args:
        model: the model.
        rows: a table or an array, which `encode` has taken.
        where: the file's name.

    Returns:
        One sentence for each column with such cells.

    >>> from chainrule import Network
    >>> notes_on(Network.from_sizes([2, 1]).init(), np.array([[1, 2]]), "rows.npy")
    []
    """
    if model.encoder is None or isinstance(rows, np.ndarray):
        return []
    notes: list[str] = []
    for column in model.encoder.columns:
        # Where training had rare categories, nobody knows which of them an unknown one is.
        if not isinstance(column, CategoryColumn) or column.rare:
            continue
        codes, texts = categories_of(rows[column.name])
        strange = np.array([text not in column.categories for text in texts] + [False])[codes]
        if strange.any():
            first = int(np.argmax(strange))
            unit, place = spot(rows, first)
            notes.append(
                Message(
                    "{where} {place}, column {column!r}: {text!r} was not there in training and counts as unknown"
                    " ({count:,} such cells); correct them, or train with such rows",
                    where=where,
                    place=Message("line {n}" if unit == "line" else "row {n}", n=place),
                    column=column.name,
                    text=texts[codes[first]],
                    count=int(strange.sum()),
                )
            )
    return notes


def predict(model: Model, rows: Rows, where: str = THE_DATA) -> Predictions:
    """Give labels and probabilities, or values, for raw rows; the target may be among the columns.

    Args:
        model: the model.
        rows: a table or an array.
        where: the file's name for messages.

    Raises:
        DataError: as for `encode`.

    >>> from chainrule import train, Network
    >>> model = train(Network.from_sizes([1, 1], output="sigmoid"), [[-1], [1]], ["low", "high"], epochs=100)
    >>> predict(model, np.array([[-3], [3]])).classes
    ('high', 'low')
    """
    bare = replace(model, encoder=None)
    X = encode(model, rows, where, ignored_columns(model))
    values = bare.predict(X)
    low, high = model.network.output_activation.range
    probable = model.classes is not None and low >= 0 and high <= 1
    return Predictions(values, bare.predict_proba(X) if probable else None, model.classes)


def fingerprint(source: str | Path) -> str | None:
    """Give what tells a data source from all others: a built-in set's name, or the file's SHA-256.

    >>> fingerprint("iris")
    'built-in iris'
    """
    if any(record.name == source for record in names()):
        return f"built-in {source}"
    if source == "-":
        return None
    digest = hashlib.sha256()
    with open_source(source) as opened:
        while chunk := opened.file.read(2**20):
            digest.update(chunk)
    return f"sha256 {digest.hexdigest()}"


def choose_rows(model: Model, dataset: Dataset, part: str, print_: str | None) -> tuple[str, Rows, Array]:
    """Choose the rows to measure a model on.

    "auto" takes those that were held out for testing if this is the data it was trained on, else all rows.

    Args:
        model: the model.
        dataset: the data.
        part: one of `CHOICES`.
        print_: the data's `fingerprint`.

    Returns:
        The part's name, its rows and their targets.

    Raises:
        UsageError: for a part that these data do not have.

    >>> from chainrule import Network
    >>> from chainrule.data import load
    >>> name, rows, _ = choose_rows(Network.from_sizes([4, 3]).init(), load("iris"), "auto", fingerprint("iris"))
    >>> name, rows.shape
    ('all', (150, 4))
    """
    data = model.settings.get("data")
    known = isinstance(data, dict) and print_ is not None and data.get("fingerprint") == print_
    if part == "all" or (part == "auto" and not known and dataset.test is None):
        return "all", dataset.X, dataset.y
    if part in ("auto", "test") and dataset.test is not None:
        return "test", *dataset.test
    if not known or not isinstance(data, dict):
        raise UsageError(
            "{name} is not the data that the model was trained on, so nobody knows which rows are the {part} part;"
            " leave --part out to measure on all rows",
            name=dataset.name,
            part=Message(part),
        )
    numbers = dict(zip(PARTS, _split_again(model, dataset, data), strict=True))
    if part == "auto" and not len(numbers["test"]):
        return "all", dataset.X, dataset.y
    chosen = "test" if part == "auto" else part
    rows = numbers[chosen]
    if not len(rows):
        raise UsageError("there are no {part} rows: none were held out in training", part=Message(chosen))
    return chosen, take(dataset.X, rows), dataset.y[rows]


def _split_again(model: Model, dataset: Dataset, data: dict[str, Any]) -> Any:
    record = data.get("split", {})
    try:
        shares = {name: float(record[f"{name}_share"]) for name in ("test", "validation")}
        return split(dataset.y, seed=int(record["seed"]), stratify=model.classes is not None, **shares)
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(
            "the model does not say how the data were split ({reason}); use --part all", reason=error
        ) from None


def evaluate(model: Model, rows: Rows, y: Array, part: str = "all", where: str = THE_DATA) -> Evaluation:
    """Measure a model on raw rows with known targets.

    Raises:
        ChainruleError: for a label that is none of the model's classes.
        DataError: for rows or targets that do not fit.

    >>> from chainrule import Network
    >>> model = Network.from_sizes([2, 1], output="sigmoid").init()
    >>> round(evaluate(model, np.array([[0, 0]]), np.array([1])).metrics["loss"], 4)
    0.6931
    """
    check_labels(model, y, where)
    if model.target is not None and model.target.kind == "values":
        check_values(y, rows, model.target.name, where, model.target)
    bare = replace(model, encoder=None)
    X = encode(model, rows, where, ignored_columns(model))
    return Evaluation(finite(bare.evaluate(X, y)), part, len(X), y, bare.predict(X))


def check_labels(model: Model, y: Array, where: str) -> None:
    """Refuse labels that are none of the model's classes.

    Args:
        model: the model.
        y: labels, shape (n,).
        where: the file's name for messages.

    Raises:
        ChainruleError: for one.

    >>> from chainrule import train, Network
    >>> model = train(Network.from_sizes([1, 1], output="sigmoid"), [[-1], [1]], ["low", "high"], epochs=1)
    >>> check_labels(model, np.array(["high", "low"]), "rows.csv")
    """
    if model.classes is None:
        return
    known = {text_of(label) for label in model.classes}
    strange = [label for label in dict.fromkeys(y.tolist()) if text_of(label) not in known] if y.ndim == 1 else []
    if strange:
        raise ChainruleError(
            "{path}: there is no class {label!r} in the model, whose classes are {classes}; correct the rows, or train"
            " with rows of this class",
            path=where,
            label=strange[0],
            classes=", ".join(map(str, model.classes[:20])) + (", …" if len(model.classes) > 20 else ""),
        )


def ignored_columns(model: Model) -> tuple[str, ...]:
    """Name the columns that rows may have and the model does not look at: the target, and what training dropped.

    >>> from chainrule import train, Network
    >>> ignored_columns(train(Network.from_sizes([1, 1]), [[1.0], [2.0]], [0.5, 1.0], epochs=1))
    ('target',)
    """
    data = model.settings.get("data")
    dropped = data.get("dropped") if isinstance(data, dict) else None
    names = dropped if isinstance(dropped, list) else []
    return (*(() if model.target is None else (model.target.name,)), *map(str, names))
