"""Dividing rows into a training, a validation and a test part: by the seed alone, whatever the machine."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from chainrule.errors import UsageError
from chainrule.language import Message
from chainrule.streams import permutation

__all__ = ["Split", "split"]

Indices = npt.NDArray[np.int64]


class Split(NamedTuple):
    """Row numbers of the three parts, each ascending; together every row once."""

    train: Indices
    validation: Indices
    test: Indices


def split(
    y: npt.ArrayLike,
    *,
    seed: int,
    test: float = 0.2,
    validation: float = 0.1,
    stratify: bool,
) -> Split:
    """Divide rows at random.

    The test and the validation part get round(share * n) rows. With ``stratify``, each class has share * (its rows) in
    them, rounded up or down; but every class keeps at least one row in the training part, even if another part gets
    fewer rows for it.

    Args:
        y: (n,) or (n, k), the targets; without ``stratify`` only their number counts.
        seed: whole number from 0 to 2^64 - 1.
        test: share of all rows, from 0 to below 1.
        validation: share of all rows, likewise; both together leave rows for training.
        stratify: keep the classes' shares.

    Returns:
        The row numbers, each part in ascending order: training shuffles for itself.

    Raises:
        UsageError: for shares that cannot be.

    >>> parts = split([0, 1] * 10, seed=0, stratify=True)
    >>> [len(part) for part in parts]
    [14, 2, 4]
    """
    labels = np.asarray(y)
    n = len(labels)
    for name, share in (("test", test), ("validation", validation)):
        if isinstance(share, bool) or not 0 <= share < 1:
            raise UsageError(
                "the {name} share is {share!r}; it must be from 0 to below 1", name=Message(name), share=share
            )
    if test + validation >= 1 or n == 0:
        raise UsageError(
            "a test share of {test} and a validation share of {validation} of {n} rows leave none for training; lower"
            " the shares",
            test=test,
            validation=validation,
            n=n,
        )
    if stratify and labels.ndim != 1:
        raise UsageError(
            "to keep the classes' shares, one label for each row is needed; the shape is {shape}", shape=labels.shape
        )
    order = permutation(seed, "split", n=n)
    codes = _codes(labels) if stratify else np.zeros(n, dtype=np.int64)
    sizes = np.bincount(codes)
    room = sizes - 1
    tests = _shares(sizes, test, room)
    validations = _shares(sizes, validation, room - tests)
    # Rows of one class stand together here, each class in the random order; rank counts within the class.
    grouped = order[np.argsort(codes[order], kind="stable")]
    firsts = np.cumsum(sizes) - sizes
    rank = np.arange(n) - np.repeat(firsts, sizes)
    limit, further = np.repeat(tests, sizes), np.repeat(tests + validations, sizes)
    parts = grouped[rank >= further], grouped[(rank >= limit) & (rank < further)], grouped[rank < limit]
    return Split(*(np.sort(part) for part in parts))


def _codes(labels: npt.NDArray[np.generic]) -> Indices:
    """Number the classes, in an order that does not depend on the rows' order."""
    if labels.dtype.kind == "O":
        numbers = {text: number for number, text in enumerate(sorted({str(label) for label in labels}))}
        return np.array([numbers[str(label)] for label in labels], dtype=np.int64)
    codes: Indices = np.unique(labels, return_inverse=True)[1].astype(np.int64)
    return codes


def _shares(sizes: Indices, share: float, room: Indices) -> Indices:
    """Give each class share * size rows, rounded up or down, but at most ``room``; together round(share * n).

    First every class is rounded down; then one more row goes to the classes that lost most by that (of equal ones, to
    the larger, then to the one that comes first).
    """
    exact = sizes * share
    whole: Indices = np.minimum(np.floor(exact + 1e-9).astype(np.int64), room)
    lost = exact - whole
    lacking = round(float(share * sizes.sum())) - int(whole.sum())
    order = np.lexsort((np.arange(len(sizes)), -sizes, -np.round(lost, 9)))
    open_ = [k for k in order if room[k] > whole[k] and lost[k] > 1e-9]
    whole[open_[: max(lacking, 0)]] += 1
    return whole
