"""Parameters as people keep them: an array, a number, a dict, list or tuple of them, and those within one another."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from chainrule.errors import ShapeError, UsageError
from chainrule.formulas import Array

__all__ = ["gradients_in", "leaves", "read_like", "rebuilt"]


def leaves(tree: Any, name: str, *, inner: bool = False) -> Iterator[tuple[str, Array]]:
    """Go through the arrays of a tree, each with its name and a copy of its own.

    Args:
        tree: the parameters.
        name: what the whole is called; keys of a dict are names of their own, unless it is an inner one.
        inner: whether this is a part of a tree.

    Raises:
        UsageError: for what is no number and holds none.

    >>> [(name, array.shape) for name, array in leaves({"W1": np.ones((3, 2)), "b": [np.ones(3), 0.5]}, "theta")]
    [('W1', (3, 2)), ('b[0]', (3,)), ('b[1]', ())]
    """
    if isinstance(tree, Mapping):
        for key, value in tree.items():
            yield from leaves(value, f"{name}[{key!r}]" if inner else str(key), inner=True)
    elif isinstance(tree, (list, tuple)):
        for k, value in enumerate(tree):
            yield from leaves(value, f"{name}[{k}]", inner=True)
    else:
        yield name, _numbers(tree, name)


def _numbers(leaf: Any, name: str) -> Array:
    try:
        array = np.array(leaf)
    except ValueError:  # rows of different lengths
        array = np.array(None)
    if array.dtype.kind not in "biuf" or leaf is None:
        raise UsageError(
            "the parameter {name} is a {kind}; expected numbers: an array, or a dict, list or tuple of arrays",
            name=name,
            kind=type(leaf).__name__,
        )
    if not array.size:
        raise ShapeError("the parameter {name} is empty, it has shape {shape}", name=name, shape=array.shape)
    # A whole number cannot be changed a little; as a float it means the same.
    return array if array.dtype.kind == "f" else array.astype(np.float64)


def rebuilt(tree: Any, arrays: Iterator[Array]) -> Any:
    """Give a tree of the same form with other arrays, copied; a number stays a number.

    >>> rebuilt({"w": 1.0, "b": [2, 3]}, iter(map(np.float64, (4, 5, 6)))) == {"w": 4.0, "b": [5.0, 6.0]}
    True
    """
    if isinstance(tree, Mapping):
        return {key: rebuilt(value, arrays) for key, value in tree.items()}
    if isinstance(tree, (list, tuple)):
        items = [rebuilt(value, arrays) for value in tree]
        if isinstance(tree, list):
            return items
        return type(tree)(*items) if hasattr(tree, "_fields") else tuple(items)  # a named tuple keeps its names
    array = next(arrays)
    return array.copy() if isinstance(tree, np.ndarray) else array[()]


def gradients_in(tree: Any, given: Any) -> int | None:
    """Count the gradients that were given, where they are not as many as the parameters; None where one cannot tell.

    Args:
        tree: the parameters, a list or tuple of them, or one array or number.
        given: what should be their gradient.

    >>> w = np.ones(3)
    >>> gradients_in((w, w), 2 * w), gradients_in(w, (w, w)), gradients_in(w, [1.0, 1.0, 1.0])
    (1, 2, None)
    """
    if isinstance(tree, (list, tuple)):
        alone = isinstance(given, (np.ndarray, np.number, int, float)) and len(tree) > 1
        rows = [*map(np.shape, given)] if alone and np.ndim(given) else []  # such as np.array([dw, db])
        return 1 if alone and rows != [*map(_shape, tree)] else None
    several = isinstance(given, (list, tuple)) and len(given) > 1 and not isinstance(tree, Mapping)
    if not several or _shape(given) == np.shape(tree):
        return None
    whole_ones = np.ndim(tree) == 0 or any(isinstance(each, np.ndarray) and each.ndim for each in given)
    return len(given) if whole_ones else None


def _shape(given: Any) -> tuple[int, ...] | None:
    try:
        return np.shape(given)
    except ValueError:  # parts of different shapes
        return None


def read_like(tree: Any, given: Any, names: Iterator[str], missing: Callable[[str, Any], Exception]) -> Iterator[Array]:
    """Go through the arrays of a gradient in the order of the parameters that it belongs to.

    A dict may name them ``W1`` or ``dW1``; a list or tuple stands for a dict in its order.

    Args:
        tree: the parameters.
        given: the gradient as it was given.
        names: of the arrays, in their order.
        missing: makes the error for what is not there, or is no numbers, from its name and what is there.
    """
    if isinstance(tree, Mapping):
        if isinstance(given, (list, tuple)) and len(given) == len(tree):
            given = dict(zip(tree, given, strict=True))
        for key, value in tree.items():
            if not isinstance(given, Mapping):
                raise missing(next(names), given)
            found = next((given[k] for k in (key, f"d{key}") if k in given), None)
            yield from read_like(value, found, names, missing)
    elif isinstance(tree, (list, tuple)):
        if len(tree) == 1 and isinstance(given, np.ndarray) and given.shape == np.shape(tree[0]):
            given = (given,)
        several = isinstance(given, (list, tuple)) or (isinstance(given, np.ndarray) and given.ndim > 0)
        if not several or len(given) != len(tree):
            raise missing(next(names), given)
        for value, part in zip(tree, given, strict=True):
            yield from read_like(value, part, names, missing)
    else:
        if isinstance(given, (list, tuple)) and len(given) == 1 and np.shape(tree) != np.shape(given):
            given = given[0]  # return C, (dW,)
        yield _read(given, next(names), missing)


def _read(given: Any, name: str, missing: Callable[[str, Any], Exception]) -> Array:
    try:
        array = np.array(given)
    except ValueError:
        array = np.array(None)
    if given is None or array.dtype.kind not in "biufc":
        raise missing(name, given)
    if array.dtype.kind == "c":
        if np.any(array.imag):
            raise missing(name, given)
        return array.real
    return array
