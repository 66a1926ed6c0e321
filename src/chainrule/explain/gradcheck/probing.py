"""Probes: the user's own point, points of gradcheck's own, and what the user's point hides.

A mistake shows only where it makes a difference. With one example a sum is a mean; where an input is 0, so is the
derivative by its weights, whatever else is wrong; where weights are symmetric, a transposed matrix is the same. So
value and gradient are also compared at random parameters, for random data of the same kind.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from chainrule.explain.gradcheck.subjects import Point
from chainrule.formulas import Array
from chainrule.language import Message
from chainrule.streams import normals, uniforms

__all__ = ["ROWS", "blind_spots", "points_around", "random_like", "several", "single_axis"]

ROWS = 5  # where the user's data are one example


def points_around(own: Point, seed: int) -> Iterator[Point]:
    """Give points of gradcheck's own: near the user's point, then further and further away from it.

    Args:
        own: the user's point.
        seed: of the random numbers.
    """
    has_data = any(_numeric(each) is not None for each in own.data)
    near = [_moved(a, seed, k) for k, a in enumerate(own.arrays)]
    yield Point(Message("random parameters near yours"), near, own.data)
    fresh = [_drawn(a, seed, k) for k, a in enumerate(own.arrays)]
    if not has_data:
        yield Point(Message("random parameters"), fresh, own.data)
        return
    yield Point(Message("random data, parameters near yours"), near, _redrawn(own.data, seed, 1))
    yield Point(Message("random parameters and data"), fresh, _redrawn(own.data, seed, 2))
    if single_axis(own.data) is not None:
        label = Message("random parameters and data of {n} examples instead of 1", n=ROWS)
        yield Point(label, fresh, _redrawn(several(own.data), seed, 3), rows=ROWS)


def single_axis(data: Sequence[Any]) -> int | None:
    """Give the axis along which matrices hold one example; None where they hold several, or nobody can tell.

    >>> single_axis([np.ones((1, 3)), np.ones((1, 2))]), single_axis([np.ones((3, 1)), np.ones((2, 1))])
    (0, 1)
    >>> single_axis([np.ones((4, 3)), np.ones((4, 1))])
    """
    shapes = [array.shape for each in data if (array := _numeric(each)) is not None and array.ndim == 2]
    if not shapes:
        return None
    rows, columns = {shape[0] for shape in shapes}, {shape[1] for shape in shapes}
    if rows == {1}:
        return 0
    return 1 if columns == {1} and len(rows) > 1 else None


def several(data: Sequence[Any]) -> list[Any]:
    """Give data of one example with copies of it, `ROWS` in all; other data as they are.

    >>> [each.shape for each in several([np.ones((1, 3)), np.ones((1, 2)), np.ones(1)])]
    [(5, 3), (5, 2), (5,)]
    """
    axis = single_axis(data)
    return [*data] if axis is None else [_repeated(each, axis) for each in data]


def _repeated(each: Any, axis: int) -> Any:
    array = _numeric(each)
    if array is None or array.ndim not in (1, 2) or (array.ndim == 1 and len(array) > 1):
        return each  # no part of the examples, as far as one can tell
    axis = min(axis, array.ndim - 1)  # a target of one example may be an array of one number
    repeated = np.repeat(array, ROWS, axis=axis)
    return repeated.tolist() if isinstance(each, (list, tuple)) else repeated


def _moved(array: Array, seed: int, k: int) -> Array:
    size = float(np.sqrt(np.mean(np.square(array, dtype=np.float64))))
    draw = normals(seed, "test", k, 1, shape=array.shape or (1,)).reshape(array.shape)
    return np.asarray(array + 0.2 * (size or 1.0) * draw, dtype=array.dtype)


def _drawn(array: Array, seed: int, k: int) -> Array:
    draw = normals(seed, "test", k, 2, shape=array.shape or (1,)).reshape(array.shape)
    return np.asarray(draw * (1 / np.sqrt(max(array.shape)) if array.ndim > 1 else 0.5), dtype=array.dtype)


def _redrawn(data: Sequence[Any], seed: int, turn: int) -> list[Any]:
    result = []
    for k, each in enumerate(data):
        array = _numeric(each)
        if array is None or array.ndim == 0:
            result.append(each)
            continue
        drawn = random_like(array, seed, 100 * turn + k)
        result.append(drawn.tolist() if isinstance(each, (list, tuple)) else drawn)
    return result


def _numeric(each: Any) -> Array | None:
    """Give an argument as an array where it is one, or a list that could be one."""
    if not isinstance(each, (np.ndarray, list, tuple)):
        return None
    try:
        array = np.asarray(each)
    except ValueError:
        return None
    return array if array.dtype.kind in "biuf" and array.size else None


def random_like(given: Array, seed: int, stream: int) -> Array:
    """Give random data of the same kind: labels stay labels, one-hot rows one-hot, probabilities probabilities.

    Args:
        given: an array with at least one axis.
        seed: of the random numbers.
        stream: different numbers for each.

    >>> one_hot = random_like(np.eye(3)[[0, 1, 2, 2]], 0, 1)
    >>> one_hot.sum(axis=1).tolist(), sorted(set(one_hot.flat)) == [0, 1]
    ([1.0, 1.0, 1.0, 1.0], True)
    """
    u = uniforms(seed, "test", stream, 3, shape=given.shape)
    for axis in (1, 0):  # rows or columns that add up to 1
        if given.ndim == 2 and given.shape[axis] > 1 and given.min() >= 0 and np.allclose(given.sum(axis=axis), 1):
            return np.take_along_axis(given, np.argsort(u, axis=axis), axis=axis)
    seen = np.unique(given)
    if np.isin(seen, (0, 1)).all():  # answers of yes and no, even if all of yours are alike
        seen = np.array([0, 1], given.dtype)
    if given.dtype.kind != "f" or len(seen) == 2:
        return seen[(u * len(seen)).astype(int)]
    if seen[0] > 0:
        # Probabilities stay below 1 and variances above 0.
        return (0.05 + 0.9 * u if seen[-1] < 1 else np.exp(u - 0.5) * np.median(seen)).astype(given.dtype)
    z = normals(seed, "test", stream, 4, shape=given.shape)
    spread = float(given.std())
    return ((float(given.mean()) if spread else 0.0) + (spread or 1.0) * z).astype(given.dtype)


def blind_spots(own: Point, names: Sequence[str], data: Sequence[str], slopes: Sequence[Array]) -> list[Message]:
    """Say what the user's point hides.

    Args:
        own: the point.
        names: of the arrays.
        data: the names of the other arguments.
        slopes: the numerical derivatives by the entries that were looked at, array by array.
    """
    found = []
    if single_axis(own.data) is not None:
        found.append(Message("there is one example only: a sum is its mean, and a missing 1/m cannot be seen"))
    for name, each in zip(data, own.data, strict=False):
        array = _numeric(each)
        if array is not None and array.size > 1:
            found += _in_data(name, array)
    symmetric = [name for name, array in zip(names, own.arrays, strict=True) if name not in data and _symmetric(array)]
    if symmetric:
        found.append(
            Message(
                "entries of {names} are equal or symmetric: another neuron's weight, or a transposed matrix, gives the "
                "same numbers",
                names=", ".join(symmetric),
            )
        )
    largest = max((float(np.abs(s).max()) for s in slopes if s.size), default=0.0)
    zeros = [(name, int(np.sum(np.abs(s) <= 1e-12 * largest)), s.size) for name, s in zip(names, slopes, strict=True)]
    if any(count for _, count, _ in zeros):
        found.append(
            Message(
                "derivatives are 0, by inputs of 0 or dead or saturated neurons ({listed}): a wrong factor does not "
                "show there",
                listed=", ".join(f"{name}: {count}/{n}" for name, count, n in zeros if count),
            )
        )
    return found


def _in_data(name: str, array: Array) -> list[Message]:
    if not np.any(array):
        return [Message("all numbers of {name} are 0", name=name)]
    if np.all(array == array.flat[0]):
        return [
            Message(
                "all numbers of {name} are equal: a number that is taken from the wrong place does not show", name=name
            )
        ]
    if array.ndim != 2 or len(array) < 2:
        return []
    if np.all(array == array[0]):
        return [Message("all rows of {name} are equal, which is the same as one example", name=name)]
    columns = np.flatnonzero(~array.any(axis=0))
    if not columns.size:
        return []
    return [
        Message(
            "columns of {name} that are 0 in all rows: {n}, such as column {column}",
            n=columns.size,
            name=name,
            column=int(columns[0]),
        )
    ]


def _symmetric(array: Array) -> bool:
    """Whether swapping entries, rows or columns, or transposing, gives the same array."""
    if array.size < 2:
        return False
    if np.all(array == array.flat[0]):
        return array.ndim > 1  # biases that are all 0 hide nothing
    if array.ndim != 2:
        return False
    equal = any(np.unique(array, axis=axis).shape[axis] < 2 for axis in (0, 1) if array.shape[axis] > 1)
    return equal or (array.shape[0] == array.shape[1] and bool(np.all(array == array.T)))
