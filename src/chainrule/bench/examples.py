"""The data of the workloads: real ones where they are there, else made from equations; the same for all libraries."""

from __future__ import annotations

import os
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule.bench.workloads import Workload
from chainrule.errors import ChainruleError, DataError, UsageError
from chainrule.language import Message

__all__ = ["Examples", "make", "read", "write"]

Array = npt.NDArray[Any]

_VARIABLE = "CHAINRULE_DATA_DIR"
_TEST_ROWS = 10_000
_PIXELS = 784


@dataclass(frozen=True, eq=False)
class Examples:
    """Rows to train with and rows to measure with.

    Args:
        X: inputs, shape (n, N_0), as the workload's number type.
        Y: targets as a network has them, shape (n, N_K): one-hot rows for several classes.
        labels: class numbers, shape (n,); empty where targets are values.
        X_test: inputs of the rows to measure with.
        Y_test: their targets.
    """

    X: Array
    Y: Array
    labels: Array
    X_test: Array
    Y_test: Array


def make(workload: Workload, data_dir: Path | None = None) -> tuple[Examples, str]:
    """Make a workload's examples, and say what they are.

    Args:
        workload: which.
        data_dir: the folder with the files of MNIST; without it, and without the environment variable
            CHAINRULE_DATA_DIR, images are random numbers, which cost the same time.

    Raises:
        DataError: where the folder lacks the files.
        UsageError: for a kind of data that there is not.

    >>> from chainrule.bench.workloads import WORKLOADS
    >>> examples, what = make(WORKLOADS["30-20-10-5-1"])
    >>> examples.X.shape, examples.X_test.shape
    ((426, 30), (143, 30))
    """
    makers = {"images": _images, "breast-cancer": _cancer, "step-by-step": _one_example, "table": _table}
    if workload.data not in makers:
        raise UsageError("unknown data {name!r} of a workload", name=workload.data)
    X, targets, X_test, test_targets, what = makers[workload.data](workload, data_dir)
    if workload.data == "step-by-step":
        Y, Y_test, labels = targets, test_targets, np.empty(0)
    else:
        Y, Y_test, labels = _as_outputs(targets, workload), _as_outputs(test_targets, workload), targets
    rows = slice(0, workload.rows)
    kind = np.dtype(workload.dtype)
    there = (X[rows], Y[rows], X_test, Y_test)
    X, Y, X_test, Y_test = (np.ascontiguousarray(array, dtype=kind) for array in there)
    return Examples(X, Y, np.ascontiguousarray(labels[rows]), X_test, Y_test), what


def write(examples: Examples, folder: Path) -> None:
    """Put examples into a folder, from which other processes `read` them."""
    for field in fields(Examples):
        np.save(folder / f"{field.name}.npy", getattr(examples, field.name))


def read(folder: Path) -> Examples:
    """Read what `write` wrote."""
    return Examples(*(np.load(folder / f"{field.name}.npy") for field in fields(Examples)))


def _as_outputs(labels: Array, workload: Workload) -> Array:
    """Write class numbers as outputs: one column for a yes or no, else a column for each class."""
    outputs = workload.sizes[-1]
    return labels[:, None] if outputs == 1 else np.eye(outputs)[labels]


def _images(workload: Workload, data_dir: Path | None) -> tuple[Array, Array, Array, Array, str]:
    """Give MNIST's images with pixels from 0 to 1, or random ones where its files are not there."""
    if workload.sizes[0] == _PIXELS and (data_dir is not None or os.environ.get(_VARIABLE)):
        from chainrule import data

        try:
            mnist = data.load("mnist", data_dir=data_dir)
        except ChainruleError:
            if data_dir is not None:
                raise
        else:
            assert mnist.test is not None
            if len(mnist.X) < workload.rows:
                raise DataError(
                    "mnist holds {got} images to train with; {expected} are expected",
                    got=len(mnist.X),
                    expected=workload.rows,
                )
            X_test, y_test = mnist.test
            seen, y = mnist.X[: workload.rows], np.asarray(mnist.y)
            return np.asarray(seen) / 255, y, np.asarray(X_test) / 255, np.asarray(y_test), "MNIST"
    rng = np.random.default_rng(0)
    n, test = workload.rows, min(_TEST_ROWS, workload.rows)
    X = rng.random((n + test, workload.sizes[0]), dtype=np.float32)
    labels = rng.integers(0, workload.sizes[-1], n + test)
    return (
        X[:n],
        labels[:n],
        X[n:],
        labels[n:],
        Message("random numbers of MNIST's shape (--data-dir names its folder)"),
    )


def _cancer(workload: Workload, data_dir: Path | None) -> tuple[Array, Array, Array, Array, str]:
    """Give three quarters of the breast cancer data to train with, standardized by their own means."""
    from chainrule import data

    whole = data.load("breast-cancer")
    order = np.random.default_rng(0).permutation(len(whole.y))
    numbers = np.unique(np.asarray(whole.y), return_inverse=True)[1]  # classes may be names
    X, y = np.asarray(whole.X, dtype=np.float64)[order], numbers[order]
    seen, unseen = slice(0, workload.rows), slice(workload.rows, None)
    X = (X - X[seen].mean(axis=0)) / X[seen].std(axis=0)
    return X[seen], y[seen], X[unseen], y[unseen], Message("breast-cancer, standardized, 75 % of the rows")


def _one_example(workload: Workload, data_dir: Path | None) -> tuple[Array, Array, Array, Array, str]:
    """Give the one example of the lesson step-by-step."""
    from chainrule import data

    one = data.load("step-by-step")
    X, Y = np.asarray(one.X, dtype=np.float64), np.asarray(one.y, dtype=np.float64).reshape(1, -1)
    return X, Y, X, Y, Message("the example of the lesson step-by-step")


def _table(workload: Workload, data_dir: Path | None) -> tuple[Array, Array, Array, Array, str]:
    """Make a table of normal numbers whose classes a random network of 8 hidden neurons tells apart, with noise."""
    rng = np.random.default_rng(0)
    inputs, n, test = workload.sizes[0], workload.rows, min(_TEST_ROWS, workload.rows)
    X = rng.standard_normal((n + test, inputs), dtype=np.float32)
    hidden = np.tanh(2 * X @ rng.standard_normal((inputs, 8), dtype=np.float32) / np.sqrt(inputs))
    scores = hidden @ rng.standard_normal((8, max(2, workload.sizes[-1])), dtype=np.float32)
    labels = np.argmax(scores + 0.3 * rng.standard_normal(scores.shape, dtype=np.float32), axis=1)
    return X[:n], labels[:n], X[n:], labels[n:], Message("a made-up table")
