"""Doing what a recipe says: encode, train, measure."""

from __future__ import annotations

import math
import os
import platform
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from chainrule._version import __version__
from chainrule.data import Dataset, TableEncoder
from chainrule.data.dataset import Array, Rows
from chainrule.engines import limit_threads
from chainrule.formulas import METRICS
from chainrule.language import Message
from chainrule.model import Model
from chainrule.network import Network
from chainrule.recipes.columns import decide_columns
from chainrule.recipes.decisions import Decision, where_of
from chainrule.recipes.recipe import Recipe
from chainrule.recipes.threads import one_thread_for_small_products
from chainrule.training import INTERRUPTED, Callback, EarlyStopping, TimeLimit, train

__all__ = [
    "PARTS",
    "Baseline",
    "Outcome",
    "Prepared",
    "finite",
    "measure_baseline",
    "prepare",
    "record_run",
    "run",
    "take",
]

PARTS = ("train", "validation", "test")

Metrics = dict[str, float]


@dataclass(frozen=True, eq=False)
class Prepared:
    """Encoded rows and their targets, ready to train with.

    Args:
        network: the network.
        encoder: what turns raw rows into inputs; fitted on the training rows.
        parts: by name, inputs (n, N_0) and targets, n of them; parts without rows are not there.
        columns: what the encoder makes of the columns.
    """

    network: Network
    encoder: TableEncoder
    parts: dict[str, tuple[Array, Array]]
    columns: Decision


@dataclass(frozen=True)
class Baseline:
    """What the simplest of all predictions achieves, which a network must beat to be worth anything.

    Args:
        kind: "majority class" or "mean", of the training rows.
        prediction: the class, the mean, or one mean for each column of the target.
        metrics: by part.
    """

    kind: str
    prediction: Any
    metrics: dict[str, Metrics]


@dataclass(frozen=True, eq=False)
class Outcome:
    """What came of a training.

    Args:
        model: the trained model, with encoder, target, history and settings; takes raw rows.
        metrics: by part; None for a part without rows.
        baseline: what the simplest prediction achieves on the same rows.
        seconds: how long training took.
        interrupted: whether Ctrl-C ended it.
    """

    model: Model
    metrics: dict[str, Metrics | None]
    baseline: Baseline
    seconds: float
    interrupted: bool


def take(rows: Rows, numbers: Array) -> Rows:
    """Give the rows of these numbers.

    >>> take(np.array([[1, 2], [3, 4]]), np.array([1])).tolist()
    [[3, 4]]
    """
    return rows[numbers] if isinstance(rows, np.ndarray) else rows.iloc[numbers]


def prepare(dataset: Dataset, recipe: Recipe) -> Prepared:
    """Encode the rows by what the training rows hold, and make the network that fits them.

    Raises:
        DataError: for rows that cannot be encoded.
        UsageError: for layers that do not fit into memory.

    >>> from chainrule.data import load
    >>> from chainrule.recipes import decide
    >>> iris = load("iris")
    >>> prepare(iris, decide(iris)).network.sizes
    (4, 64, 32, 3)
    """
    where = where_of(dataset)
    numbers = dict(zip(PARTS, recipe.parts, strict=True))
    fitted = take(dataset.X, numbers["train"])
    encoder = TableEncoder.fit(fitted, names=dataset.features, numbers=recipe["scaling"], where=where)
    network = recipe.network(len(encoder.outputs))
    raw = {name: (take(dataset.X, rows), dataset.y[rows]) for name, rows in numbers.items() if len(rows)}
    if dataset.test is not None:
        raw["test"] = dataset.test
    dtype = recipe["number type"]
    parts = {name: (encoder.transform(X, where=where, dtype=dtype), y) for name, (X, y) in raw.items()}
    return Prepared(network, encoder, parts, decide_columns(dataset, encoder))


def run(
    dataset: Dataset,
    recipe: Recipe,
    prepared: Prepared,
    callbacks: Iterable[Callback] = (),
    fingerprint: str | None = None,
    resume: str | os.PathLike[str] | None = None,
) -> Outcome:
    """Train, and measure on every part.

    Ctrl-C ends training after the current batch; what was learnt until then is in the outcome.

    Args:
        dataset: the rows.
        recipe: what `decide` made of them.
        prepared: what `prepare` made of both.
        callbacks: of training, besides those that the recipe asks for.
        fingerprint: of the data, by which an evaluation knows them again.
        resume: a checkpoint of this very training to go on from, or None.

    Raises:
        DivergenceError: where training meets a number that is not finite.

    >>> from chainrule.data import load
    >>> from chainrule.recipes import Options, decide
    >>> iris = load("iris")
    >>> recipe = decide(iris, Options(epochs=20))
    >>> outcome = run(iris, recipe, prepare(iris, recipe))
    >>> outcome.metrics["test"]["accuracy"] > outcome.baseline.metrics["test"]["accuracy"]
    True
    """
    X, y = prepared.parts["train"]
    options, size = recipe.options, min(recipe["batch size"], len(X))
    began = time.perf_counter()
    with limit_threads(options.n_threads), one_thread_for_small_products(prepared.network, size):
        bare = train(
            prepared.network,
            X,
            y,
            optimizer=recipe["optimizer"],
            loss=recipe["loss"],
            batch_size=size,
            epochs=recipe["epochs"],
            validation=prepared.parts.get("validation"),
            callbacks=[*_stopping(recipe), *callbacks],
            seed=options.seed,
            engine=options.engine,
            schedule=recipe["schedule"],
            penalties=options.penalties,
            clip=options.clip,
            target=recipe.target,
            dtype=recipe["number type"],
            resume=resume,
        )
        seconds = time.perf_counter() - began
        measured = {name: bare.evaluate(*part) for name, part in prepared.parts.items()}
    metrics = {name: measured.get(name) for name in PARTS}
    baseline = measure_baseline(recipe, {name: y for name, (_, y) in prepared.parts.items()})
    history = bare.history
    assert history is not None
    outcome = Outcome(
        replace(bare, encoder=prepared.encoder),
        metrics,
        baseline,
        seconds,
        history.stopped == INTERRUPTED,
    )
    outcome.model.settings.update(record_run(dataset, recipe, prepared, outcome, fingerprint))
    return outcome


def _stopping(recipe: Recipe) -> list[Callback]:
    """Give the callbacks that end training."""
    found: list[Callback] = []
    if recipe["patience"] is not None:
        found.append(EarlyStopping("validation_loss", patience=recipe["patience"]))
    if recipe.options.time_limit is not None:
        found.append(TimeLimit(recipe.options.time_limit))
    return found


def record_run(
    dataset: Dataset, recipe: Recipe, prepared: Prepared, outcome: Outcome, fingerprint: str | None
) -> dict[str, Any]:
    """Give what the model file should say about its making, as plain data."""
    parts = recipe.parts
    return {
        "task": recipe["task"],
        "dtype": recipe["number type"],
        "data": {
            "name": dataset.name,
            "target": dataset.target,
            "rows": len(dataset.y),
            "columns": len(dataset.features),
            "dropped": list(dataset.dropped),
            "fingerprint": fingerprint,
            "split": {
                "seed": recipe.options.seed,
                "test_share": recipe.shares["test"],
                "validation_share": recipe.shares["validation"],
                "train_rows": len(parts.train),
                "validation_rows": len(parts.validation),
                "test_rows": recipe["test rows"],
            },
        },
        "decisions": [prepared.columns.describe(), *recipe.describe()],
        "metrics": {name: finite(values) for name, values in outcome.metrics.items()},
        "baseline": {"kind": outcome.baseline.kind, "metrics": finite(outcome.baseline.metrics)},
        "seconds": round(outcome.seconds, 3),
        "versions": {"chainrule": __version__, "numpy": np.__version__, "python": platform.python_version()},
    }


def measure_baseline(recipe: Recipe, targets: Mapping[str, Array]) -> Baseline:
    """Measure the prediction that is the same for every row: the training rows' majority class, or their mean.

    Args:
        recipe: gives task and classes.
        targets: by part, the labels or values; "train" among them.
    """
    if recipe["task"] == "classification":
        numbers = {name: recipe.target.transform(y) for name, y in targets.items()}
        most = int(np.bincount(numbers["train"]).argmax())
        assert recipe.target.classes is not None
        right = {name: {"accuracy": float(np.mean(y == most))} for name, y in numbers.items()}
        return Baseline(Message("majority class"), recipe.target.classes[most], right)
    values = {name: np.asarray(y, dtype=np.float64).reshape(len(y), -1) for name, y in targets.items()}
    mean = values["train"].mean(axis=0)
    wanted = [metric for metric in METRICS.values() if metric.task == "regression"]
    metrics = {
        name: {metric.name: metric.value(np.broadcast_to(mean, y.shape), y, None) for metric in wanted}
        for name, y in values.items()
    }
    return Baseline(Message("mean"), float(mean[0]) if len(mean) == 1 else mean.tolist(), metrics)


def finite(value: Any) -> Any:
    """Give plain data in which no number is NaN or infinite: those become None.

    >>> finite({"loss": float("nan"), "rows": [1, 2]})
    {'loss': None, 'rows': [1, 2]}
    """
    if isinstance(value, Mapping):
        return {str(key): finite(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(entry) for entry in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
