"""Whether a converted model computes what the original computes: outputs and gradients held side by side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule.errors import ParityError, ShapeError, UsageError
from chainrule.formulas import Array
from chainrule.formulas.intervals import is_real
from chainrule.language import Message
from chainrule.model import Model
from chainrule.storage.foreign import read_numbers

__all__ = ["Parity", "check_parity"]

# Sums in another order differ in the last digits; these leave room for wide layers.
_TOLERANCE = {"float64": 1e-10, "float32": 1e-5}


@dataclass(frozen=True)
class Parity:
    """How far a model is from what it was converted from.

    Args:
        outputs: the largest difference between outputs, over the largest output or 1, whichever is more.
        gradient: the largest difference between derivatives, over the largest derivative; None where none were given.
        tolerance: what both may be.
    """

    outputs: float
    gradient: float | None
    tolerance: float


def check_parity(
    model: Model,
    X: Any,
    outputs: npt.ArrayLike,
    Y: Any = None,
    gradient: npt.ArrayLike | Mapping[str, npt.ArrayLike] | None = None,
    *,
    tolerance: float | None = None,
) -> Parity:
    """Hold a converted model against what the other library computes for the same rows.

    Args:
        model: the converted model.
        X: rows for both, shape (n, N_0).
        outputs: the other library's outputs behind the output activation, shape (n, N_K); for one output also (n,), or
            the probabilities of both classes, (n, 2).
        Y: targets, where a gradient is given.
        gradient: the other library's derivatives of the mean loss of these rows, without penalties and computed as in
            prediction (no dropout, running statistics): by our names and in our layout, such as ``{"W1": …, "b1": …}``,
            all or some, or as one vector in theta's layout.
        tolerance: the largest difference that is allowed; None takes 1e-10 for float64 and 1e-5 for float32.

    Returns:
        The differences found.

    Raises:
        ParityError: where they are larger than the tolerance; the message says where.
        ShapeError: for outputs or derivatives of another shape.
        UsageError: for a gradient without targets, or numbers that are not finite.

    >>> from chainrule.network import Network
    >>> model = Network.from_sizes([2, 1]).init(seed=0)
    >>> model.theta = [3, 4, 5]
    >>> check_parity(model, [[10, 100]], [435], Y=[434], gradient={"W1": [[20, 200]], "b1": [2]})
    Parity(outputs=0.0, gradient=0.0, tolerance=1e-10)
    """
    limit = _TOLERANCE[model.dtype.name] if tolerance is None else tolerance
    if not is_real(limit) or not limit >= 0:
        raise UsageError("tolerance is {tolerance!r}; it must be a number of 0 or more", tolerance=tolerance)
    ours = model.outputs(X)
    theirs = read_numbers(outputs, Message("outputs"))
    if theirs.shape == ours.shape[:1]:
        theirs = theirs[:, np.newaxis]
    if ours.shape[1] == 1 and theirs.shape == (len(ours), 2):
        theirs = theirs[:, 1:]
    apart = _compare(ours, theirs, max(1.0, _largest(theirs)), limit, Message("outputs"))
    if gradient is None:
        return Parity(apart, None, limit)
    if Y is None:
        raise UsageError("a gradient is given without targets; give Y, the targets of these rows")
    return Parity(apart, _compare_gradients(model, X, Y, gradient, limit), limit)


def _compare_gradients(model: Model, X: Any, Y: Any, gradient: Any, limit: float) -> float:
    """Give the largest difference between derivatives, over the largest of theirs."""
    found = model.gradient(X, Y)
    if not isinstance(gradient, Mapping):
        theirs = read_numbers(gradient, Message("gradient"))
        return _compare(found.theta, theirs, _largest(theirs) or 1.0, limit, Message("gradient"))
    pairs = {name: (np.asarray(found[name]), read_numbers(array, name)) for name, array in gradient.items()}
    scale = max((_largest(theirs) for _, theirs in pairs.values()), default=0.0) or 1.0
    return max((_compare(ours, theirs, scale, limit, name) for name, (ours, theirs) in pairs.items()), default=0.0)


def _compare(ours: Array, theirs: Array, scale: float, limit: float, name: str) -> float:
    """Give the largest difference over the scale, and refuse one above the limit."""
    if ours.shape != theirs.shape:
        raise ShapeError(
            "{name} has shape {given}; the model's has {expected}", name=name, given=theirs.shape, expected=ours.shape
        )
    if not ours.size:
        return 0.0
    apart = np.abs(ours.astype(np.float64) - theirs)
    largest = float(apart.max()) / scale
    if not largest <= limit:
        place = np.unravel_index(int(np.argmax(apart)), apart.shape)
        raise ParityError(
            "{name}{place} is {ours!r} by the model and {theirs!r} by the original: {apart:.3g} apart, relative to the "
            "largest; allowed is {limit:g}. Do activations, loss, epsilon and the order of the layers agree?",
            name=name,
            place=[int(i) for i in place],
            ours=float(ours[place]),
            theirs=float(theirs[place]),
            apart=largest,
            limit=limit,
        )
    return largest


def _largest(numbers: Array) -> float:
    return float(np.abs(numbers).max(initial=0.0))
