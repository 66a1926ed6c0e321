"""A recipe: everything that is decided for one training, in order, each with its reason."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from chainrule.data import Dataset, Split, TargetEncoder
from chainrule.errors import UsageError
from chainrule.network import Network
from chainrule.recipes.columns import check_columns, check_values
from chainrule.recipes.decisions import (
    Decision,
    decide_data,
    decide_epochs,
    decide_network,
    decide_task,
    decide_training,
    where_of,
)
from chainrule.recipes.options import Options
from chainrule.table import human_bytes
from chainrule.training import LBFGS

__all__ = ["Recipe", "decide", "with_class_names"]


@dataclass(frozen=True, eq=False)
class Recipe:
    """What to do with a data set.

    Args:
        decisions: by name, in the order in which they are told.
        parts: the rows to train with, to stop by and to test with.
        shares: of the rows, which the test and the validation part were drawn by.
        target: what the outputs mean; fitted on the training rows.
        options: what the user said; everything in it that needs no decision is used as it is.

    >>> from chainrule.data import load
    >>> recipe = decide(load("iris"))
    >>> recipe["task"], recipe["hidden layers"]
    ('classification', (64, 32))
    """

    decisions: dict[str, Decision]
    parts: Split
    shares: dict[str, float]
    target: TargetEncoder
    options: Options

    def __getitem__(self, name: str) -> Any:
        """Give what was decided."""
        return self.decisions[name].value

    def network(self, inputs: int) -> Network:
        """Make the network for so many encoded columns.

        Raises:
            UsageError: for one that does not fit into this machine's memory.
        """
        values = self.target.outputs
        single = self["task"] == "classification" and values == 2 and self["output"].name == "sigmoid"
        given = self.options.bias_initializer
        network = Network.from_sizes(
            [inputs, *self["hidden layers"], 1 if single else values],
            hidden=self["activation"],
            output=self["output"],
            dropout=self["dropout"],
            batch_norm=self.options.batch_norm,
            initializer=self.options.initializer,
            bias_initializer="zeros" if given is None else given,
        )
        self._check_memory(network)
        return network

    def _check_memory(self, network: Network) -> None:
        # Parameters, gradient, the update, the best so far, the model's copy, and what the optimizer remembers.
        optimizer = self["optimizer"]
        vectors = 6 + (2 * optimizer.memory if isinstance(optimizer, LBFGS) else len(optimizer.slots))
        needed = network.parameter_count * vectors * (8 if self["number type"] == "float64" else 4)
        if needed > _memory():
            raise UsageError(
                "hidden layers of {layers} make {count:,} parameters, whose training takes {needed}; this machine's"
                " memory is {memory}: choose smaller layers (--layers)",
                layers=", ".join(map(str, self["hidden layers"])),
                count=network.parameter_count,
                needed=human_bytes(needed),
                memory=human_bytes(_memory()),
            )

    def describe(self) -> list[dict[str, Any]]:
        """Give the decisions as plain data."""
        return [decision.describe() for decision in self.decisions.values()]


def decide(dataset: Dataset, options: Options | None = None) -> Recipe:
    """Decide how to train on a data set, but for what the user said.

    Args:
        dataset: rows and targets.
        options: what the user said.

    Raises:
        DataError: for a target that cannot be learnt.
        UsageError: for options that do not fit the data.

    >>> from chainrule.data import load
    >>> print(decide(load("iris"), Options(epochs=5)).decisions["epochs"].reason)
    as given
    """
    wishes = options or Options()
    check_columns(dataset)
    task = decide_task(dataset, wishes)
    data, parts, shares = decide_data(dataset, task.value, wishes)
    target = _fit_target(dataset, task.value, parts, wishes)
    rows = len(parts.train)
    found = [
        task,
        *data,
        *decide_network(dataset, task.value, target.outputs, rows, wishes),
        *decide_training(rows, wishes),
        *decide_epochs(rows, len(parts.validation), wishes),
    ]
    return Recipe({decision.name: decision for decision in found}, parts, shares, target, wishes)


def with_class_names(dataset: Dataset) -> Dataset:
    """Give class numbers the names that a data set has for them, so that predictions read "Sandal" and not 5.

    >>> from chainrule.data import load
    >>> with_class_names(load("gender")).y.tolist()
    ['female', 'male', 'male', 'female']
    """
    if dataset.classes is None or dataset.y.dtype.kind not in "iu" or not isinstance(dataset.classes[0], str):
        return dataset
    names = np.array(dataset.classes, dtype=object)
    test = None if dataset.test is None else (dataset.test[0], names[dataset.test[1]])
    return replace(dataset, y=names[dataset.y], test=test)


def _fit_target(dataset: Dataset, task: str, parts: Split, options: Options) -> TargetEncoder:
    """Learn the classes from all rows, as every class has a training row; mean and deviation from the training rows."""
    where = where_of(dataset)
    if task == "classification":
        return TargetEncoder.fit(dataset.y, kind="classes", name=dataset.target, where=where)
    counts = options.loss is not None and options.loss.targets == "counts"
    check_values(dataset.y, dataset.X, dataset.target, where)
    values = dataset.y[parts.train]
    target = TargetEncoder.fit(values, kind="values", standardize=not counts, name=dataset.target, where=where)
    for rows, y in [(dataset.X, dataset.y), *([] if dataset.test is None else [dataset.test])]:
        check_values(y, rows, dataset.target, where, target)
    return target


def _memory() -> int:
    """Give this machine's memory in bytes, or a usual size where the system does not say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return 16 * 2**30
