"""What lesson digits-mnist learns from: MNIST or the small digits, in three parts, pixels from 0 to 1."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from chainrule.data import load, split
from chainrule.errors import DataError, NetworkError
from chainrule.formulas import Array
from chainrule.language import template

__all__ = ["Parts", "digit_parts"]

Part = tuple[Array, Array]


class Parts(NamedTuple):
    """Images as rows with their digits, (X, y) for each part.

    Args:
        train: to learn from.
        validation: to count on after each epoch.
        test: to count on once, at the end.
        shape: height and width of an image.
    """

    train: Part
    validation: Part
    test: Part
    shape: tuple[int, int]


def digit_parts(data: str, data_dir: str | None = None) -> Parts:
    """Load images of digits: of MNIST the first 50,000 are to learn from and the other 10,000 to validate with.

    Raises:
        NetworkError: MNIST is neither in a folder nor to be downloaded; says what to do.
        DataError: the folder is none, or its files cannot be used; says so, too.

    >>> [len(y) for X, y in digit_parts("digits")[:3]]
    [1079, 359, 359]
    """
    try:
        found = load(data, data_dir=data_dir)
    except (NetworkError, DataError) as error:
        kind = NetworkError if isinstance(error, NetworkError) else DataError
        told = template("{reason}. Or take the small digits, which need no files: --data digits")
        raise kind(told, reason=error) from error
    X, y, shape = _pixels(found.X), found.y, found.image_shape or (28, 28)
    if found.test is not None:
        X_test, y_test = found.test
        kept = len(X) * 5 // 6
        return Parts((X[:kept], y[:kept]), (X[kept:], y[kept:]), (_pixels(X_test), y_test), shape)
    train, validation, test = ((X[rows], y[rows]) for rows in split(y, seed=0, test=0.2, validation=0.2, stratify=True))
    return Parts(train, validation, test, shape)


def _pixels(X: object) -> Array:
    """Give pixels from 0 to 1 as float32, whatever they are from 0 to."""
    pixels: Array = np.asarray(X, dtype=np.float32)
    scaled: Array = pixels / pixels.max()
    return scaled
