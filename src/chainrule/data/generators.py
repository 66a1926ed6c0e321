"""Two-dimensional problems made from equations and a seed; the same seed gives the same points everywhere.

Below, u is uniform in [0, 1), the noise e is a pair of standard normals, and i counts the points from 0. With c
classes, point i belongs to class i mod c, so that the classes are as equal as can be.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from chainrule.errors import UsageError
from chainrule.streams import normals, uniforms

__all__ = ["circles", "gaussians", "moons", "spirals", "xor"]

Points = tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]

# Each generator's own stream. The numbers decide what a seed gives: append, never renumber.
_STREAM = {"xor": 1, "circles": 2, "moons": 3, "spirals": 4, "gaussians": 5}


def _labels(n: int, classes: int) -> npt.NDArray[np.int64]:
    """Deal the classes out in turn: i mod c."""
    if isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n < 1:
        raise UsageError("the number of points is {n!r}; it must be a whole number of at least 1", n=n)
    return np.arange(n, dtype=np.int64) % classes


def _noise(name: str, n: int, noise: float, seed: int) -> npt.NDArray[np.float64]:
    """Give noise * e, shape (n, 2)."""
    if not (np.isfinite(noise) and noise >= 0):
        raise UsageError("the noise is {noise!r}; it must be a number of at least 0", noise=noise)
    return noise * normals(seed, "data", _STREAM[name], 1, shape=(n, 2))


def xor(n: int = 400, *, noise: float = 0.0, seed: int = 0) -> Points:
    """Make four squares around the origin, of which opposite ones belong together.

    x = 2 u - 1 in both directions; class 1 where x0 and x1 differ in sign, before the noise is added.

    Args:
        n: how many points.
        noise: standard deviation of the noise; the squares' sides are 1.
        seed: whole number from 0 to 2^64 - 1.

    Returns:
        X, float64 (n, 2), and y, int64 (n,).

    >>> X, y = xor(100)
    >>> bool(((X[:, 0] * X[:, 1] < 0) == y).all())
    True
    """
    _labels(n, 2)
    X = 2.0 * uniforms(seed, "data", _STREAM["xor"], shape=(n, 2)) - 1.0
    y = ((X[:, 0] < 0) != (X[:, 1] < 0)).astype(np.int64)
    return X + _noise("xor", n, noise, seed), y


def circles(n: int = 400, *, noise: float = 0.1, seed: int = 0) -> Points:
    """Make a circle (class 1, radius 1/2) inside a circle (class 0, radius 1).

    x = r (cos 2 pi u, sin 2 pi u) + noise e

    Args:
        n: how many points.
        noise: standard deviation of the noise.
        seed: whole number from 0 to 2^64 - 1.

    Returns:
        X, float64 (n, 2), and y, int64 (n,).

    >>> X, y = circles(100, noise=0.0)
    >>> sorted(set((X**2).sum(axis=1).round(12).tolist()))
    [0.25, 1.0]
    """
    y = _labels(n, 2)
    angle = 2.0 * np.pi * uniforms(seed, "data", _STREAM["circles"], shape=n)
    radius = np.where(y == 1, 0.5, 1.0)
    X = np.column_stack([radius * np.cos(angle), radius * np.sin(angle)])
    return X + _noise("circles", n, noise, seed), y


def moons(n: int = 400, *, noise: float = 0.1, seed: int = 0) -> Points:
    """Make two half circles that reach into each other.

    class 0: x = (cos pi u, sin pi u) + noise e;  class 1: x = (1 - cos pi u, 1/2 - sin pi u) + noise e

    Args:
        n: how many points.
        noise: standard deviation of the noise.
        seed: whole number from 0 to 2^64 - 1.

    Returns:
        X, float64 (n, 2), and y, int64 (n,).

    >>> X, y = moons(100, noise=0.0)
    >>> bool((X[y == 0, 1] >= 0).all() and (X[y == 1, 1] <= 0.5).all())
    True
    """
    y = _labels(n, 2)
    angle = np.pi * uniforms(seed, "data", _STREAM["moons"], shape=n)
    upper = np.column_stack([np.cos(angle), np.sin(angle)])
    X = np.where(y[:, None] == 0, upper, np.array([1.0, 0.5]) - upper)
    return X + _noise("moons", n, noise, seed), y


def spirals(n: int = 400, *, noise: float = 0.02, turns: float = 1.5, seed: int = 0) -> Points:
    """Make two spirals wound around each other, the second being the first turned by half a circle.

    With r = sqrt(u): x = r (cos a, sin a) + noise e, where a = 2 pi turns r + pi y. The root spreads the points evenly
    along the arms.

    Args:
        n: how many points.
        noise: standard deviation of the noise; the outer radius is 1.
        turns: how many times each arm goes round.
        seed: whole number from 0 to 2^64 - 1.

    Returns:
        X, float64 (n, 2), and y, int64 (n,).

    >>> X, y = spirals(100, noise=0.0)
    >>> bool(((X**2).sum(axis=1) <= 1).all())
    True
    """
    y = _labels(n, 2)
    radius = np.sqrt(uniforms(seed, "data", _STREAM["spirals"], shape=n))
    angle = 2.0 * np.pi * turns * radius + np.pi * y
    X = np.column_stack([radius * np.cos(angle), radius * np.sin(angle)])
    return X + _noise("spirals", n, noise, seed), y


def gaussians(n: int = 400, *, classes: int = 4, noise: float = 0.5, seed: int = 0) -> Points:
    """Make round clouds whose centres stand evenly on a circle of radius 2.

    x = 2 (cos a, sin a) + noise e, where a = 2 pi y / c

    Args:
        n: how many points.
        classes: how many clouds, at least 2.
        noise: each cloud's standard deviation.
        seed: whole number from 0 to 2^64 - 1.

    Returns:
        X, float64 (n, 2), and y, int64 (n,).

    >>> X, y = gaussians(8, noise=0.0)
    >>> X[y == 1].round(12).tolist()
    [[0.0, 2.0], [0.0, 2.0]]
    """
    if isinstance(classes, bool) or not isinstance(classes, (int, np.integer)) or classes < 2:
        raise UsageError(
            "the number of classes is {classes!r}; it must be a whole number of at least 2", classes=classes
        )
    y = _labels(n, classes)
    angle = 2.0 * np.pi * y / classes
    X = 2.0 * np.column_stack([np.cos(angle), np.sin(angle)])
    return X + _noise("gaussians", n, noise, seed), y
