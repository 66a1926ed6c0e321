"""What several lessons learn from: the small digits, 8 x 8 pixels from 0 to 1, with a test part set aside."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from chainrule.data import load, split
from chainrule.formulas import Array
from chainrule.streams import normals

__all__ = ["SHAPE", "Digits", "small_digits"]

SHAPE = (8, 8)


class Digits(NamedTuple):
    """Images as rows, with the digits that they show.

    Args:
        X: the images of the training part, shape (n, 64).
        y: their digits, shape (n,).
        X_test: the images of the test part.
        y_test: their digits.
    """

    X: Array
    y: Array
    X_test: Array
    y_test: Array


def small_digits(test: float = 0.2, noise: float = 0.0) -> Digits:
    """Load the 1,797 small digits, scaled to pixels from 0 to 1, and set a share of each digit aside.

    Args:
        test: the share.
        noise: standard deviation of what is added to each pixel.

    >>> X, y, X_test, y_test = small_digits()
    >>> X.shape, X_test.shape, float(X.max())
    ((1438, 64), (359, 64), 1.0)
    """
    digits = load("digits")
    X, parts = np.asarray(digits.X) / 16, split(digits.y, seed=0, test=test, validation=0.0, stratify=True)
    X_train, X_test = (
        X[rows] + noise * normals(0, "data", 6, part, shape=X[rows].shape)
        for part, rows in enumerate((parts.train, parts.test))
    )
    return Digits(X_train, digits.y[parts.train], X_test, digits.y[parts.test])
