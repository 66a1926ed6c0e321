"""From what people pass to what engines take: inputs, targets and weights as matrices of one number type."""

from __future__ import annotations

import math
import reprlib
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from chainrule.data.columns import is_number_like
from chainrule.data.targets import TargetEncoder
from chainrule.errors import DataError, ShapeError, UsageError
from chainrule.formulas import Array, Loss
from chainrule.language import Message
from chainrule.layers import check_dtype
from chainrule.network import Network
from chainrule.sparse import Inputs, SparseRows, first_not_finite, is_sparse

if TYPE_CHECKING:
    from chainrule.data.encoder import TableEncoder

__all__ = [
    "as_inputs",
    "as_targets",
    "as_weights",
    "check_dtype",
    "check_encoder",
    "check_finite",
    "check_target",
    "fit_target",
    "one_hot",
    "truth_of",
]


def as_inputs(
    X: Any, network: Network, dtype: np.dtype[Any], encoder: TableEncoder | None = None, part: str = ""
) -> Inputs:
    """Give X as a C-ordered matrix of shape (n, N_0): raw rows through the encoder, else numbers as they are.

    A sparse matrix stays one. A vector of N_0 numbers is one row; for a network with one input, a vector of n numbers
    is n rows. What is not finite stays: training names it where it first does harm. ``part`` says in messages whose X
    it is, such as "the validation part's ".

    Raises:
        ShapeError: for another number of columns.
        DataError: for entries that are no numbers.
    """
    N = network.inputs
    if encoder is None and type(X) is np.ndarray and X.shape[1:] == (N,) and X.dtype == dtype and X.flags.c_contiguous:
        return X  # as engines take it; a single row is predicted so fast that the rest of this would be felt
    what = _of(part, "X")
    matrix: Any
    if is_sparse(X):
        matrix = _as_sparse_numbers(X, what, encoder)
    else:
        matrix = _as_numbers(X, what) if encoder is None else encoder.transform(X)
    if matrix.ndim == 1 and (matrix.shape[0] == N or N == 1):
        matrix = matrix.reshape(-1, N)
    if matrix.ndim != 2 or matrix.shape[1] != N:
        images = matrix.ndim > 2 and math.prod(matrix.shape[1:]) == N
        raise ShapeError(
            "{what} has shape {given}; the network takes rows of {inputs} numbers, shape (n, {inputs}){remedy}",
            what=what,
            given=matrix.shape,
            inputs=N,
            remedy=Message(": give X.reshape(len(X), -1)") if images else "",
        )
    if is_sparse(matrix):
        return SparseRows.of(matrix, dtype, what)
    with np.errstate(over="ignore"):  # 1e200 becomes inf in float32, and training names it
        return np.ascontiguousarray(matrix, dtype=dtype)


def check_finite(X: Inputs) -> None:
    """Refuse inputs that are not finite.

    Raises:
        DataError: with the first row and column.
    """
    if (found := first_not_finite(X)) is not None:
        row, column, value = found
        raise DataError(
            "row {row}, column {column} of X is {value} (counted from 0, as {dtype}); correct it or leave the row out",
            row=row,
            column=column,
            value=value,
            dtype=X.dtype.name,
        )


def _as_sparse_numbers(X: Any, what: str, encoder: TableEncoder | None) -> Any:
    """Give a sparse matrix of real numbers, whatever its format and shape."""
    if encoder is not None:
        raise DataError(
            "{what} is a sparse matrix ({kind}), and an encoder takes the raw rows of a table; give {what}.toarray(), "
            "or train without an encoder",
            what=what,
            kind=type(X).__name__,
        )
    if X.dtype.kind not in "biuf":
        kind = Message("a sparse matrix of type {kind}", kind=X.dtype)
        raise DataError("{what} is {kind}; expected rows of numbers", what=what, kind=kind)
    return X


def _as_numbers(values: Any, what: str) -> Array:
    """Give an array of real numbers, whatever its shape."""
    array = _as_array(values, what)
    if array.dtype.kind in "biuf":
        return array
    if array.dtype.kind not in "OUS" or array.ndim == 0:
        kind = type(values).__name__ if array.ndim == 0 else Message("an array of type {kind}", kind=array.dtype)
        raise DataError("{what} is {kind}; expected rows of numbers", what=what, kind=kind)
    try:
        return array.astype(np.float64)
    except (TypeError, ValueError):
        place, value = next((place, value) for place, value in np.ndenumerate(array) if not is_number_like(value))
    names = getattr(values, "columns", None)  # those of a DataFrame
    column = ""
    if len(place) >= 2:
        column = Message(", column {name}", name=place[1] if names is None else repr(names[place[1]]))
    encode = what.endswith("X")
    remedy = Message("give numbers, or train with encoder=TableEncoder.fit(X)" if encode else "give numbers")
    raise DataError(
        "{what} holds {value!r} in row {row}{column}, which is no number; {remedy}",
        what=what,
        value=value.item() if isinstance(value, np.generic) else value,
        row=place[0],
        column=column,
        remedy=remedy,
    )


def _as_array(values: Any, what: str) -> Array:
    """Give an array of whatever type; objects that are all numbers, as pandas has them, become numbers."""
    if hasattr(values, "toarray"):
        raise DataError(
            "{what} is a sparse matrix ({kind}), which is not taken as it is; give {what}.toarray()",
            what=what,
            kind=type(values).__name__,
        )
    try:
        array = np.asarray(values)
    except ValueError:
        raise DataError("the rows of {what} have different lengths; each needs the same", what=what) from None
    if array.dtype.kind == "O" and array.size:
        kinds = {type(value) for value in array.ravel()}
        numbers = bool not in kinds and all(issubclass(kind, (int, float, np.number)) for kind in kinds)
        if numbers or kinds <= {bool, np.bool_}:
            return np.array(array.tolist())
    return array


def _as_rows(Y: Any, network: Network, rows: int | None, what: str = "Y") -> Array:
    """Give targets as an array with a row for each example: (n,), or (n, k) for several numbers each.

    For one example, N_K numbers are its row, and a single number or label is the one of its only output.
    """
    y = _as_array(Y, what)
    if rows == 1 and (y.ndim == 0 or y.shape == (network.outputs,)):
        return y.reshape(1, -1) if y.size > 1 else y.reshape(1)
    return y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y


def fit_target(network: Network, loss: Loss, Y: Any, rows: int | None = None) -> TargetEncoder:
    """Decide what Y means to this network: labels of classes, or values.

    Labels are: texts and truth values; whole numbers for several outputs or a loss on probabilities. Whole numbers that
    fit the outputs are the outputs' numbers, since a part of the data may lack a class; other labels are sorted. A
    matrix with a column for each output holds distributions over the classes 0 … N_K - 1 where the loss takes
    distributions, or where the output is a softmax and its rows are some. Everything else is values.

    Args:
        network: with its number of outputs.
        loss: with the kind of targets that it takes.
        Y: what people pass as targets.
        rows: the number of examples, where it is known; then one example may come as a vector.

    Raises:
        ShapeError: where the classes or values are not as many as the outputs.
        DataError: where there is one class only, or values are no finite numbers.
    """
    y = _as_rows(Y, network, rows)
    if y.ndim == 2:
        target = _fit_matrix(network, loss, y)
    elif _are_labels(network, loss, y):
        target = _fit_labels(network, y)
    else:
        target = TargetEncoder.fit(_as_numbers(y, "Y"), kind="values", standardize=False, where="Y")
    check_target(target, network)
    return target


def _fit_matrix(network: Network, loss: Loss, y: Array) -> TargetEncoder:
    y = _as_numbers(y, "Y")
    softmax = network.output_activation.name == "softmax"
    if y.shape[1] == network.outputs and (
        loss.targets == "distribution" or (softmax and not _no_distribution(y).any())
    ):
        return TargetEncoder("classes", classes=tuple(range(network.outputs)))
    return TargetEncoder.fit(y, kind="values", standardize=False, where="Y")


def _are_labels(network: Network, loss: Loss, y: Array) -> bool:
    if y.dtype.kind in "OUSb":
        return True
    with np.errstate(invalid="ignore"):  # inf has no remainder, and is no label
        whole = y.dtype.kind in "iuf" and bool(np.all(np.mod(y, 1) == 0))
    return whole and (network.outputs > 1 or loss.targets in ("probabilities", "distribution"))


def _fit_labels(network: Network, y: Array) -> TargetEncoder:
    slots = max(network.outputs, 2)  # one output tells two classes apart
    if y.dtype.kind == "b":
        return TargetEncoder("classes", classes=(False, True))
    if y.dtype.kind in "iuf" and y.size and y.min() >= 0 and y.max() < slots:
        return TargetEncoder("classes", classes=tuple(range(slots)))
    return TargetEncoder.fit(y, kind="classes", where="Y")


def check_target(target: TargetEncoder, network: Network) -> None:
    """Hold the number of classes or values to the number of outputs; one output tells two classes apart.

    Raises:
        UsageError: for what is no `TargetEncoder`.
        ShapeError: where they differ.
    """
    if not isinstance(target, TargetEncoder):
        raise UsageError(
            "target is {given}; expected TargetEncoder('classes', classes=(…)), TargetEncoder.fit(Y, …), or None",
            given=reprlib.repr(target),
        )
    N, given = network.outputs, target.outputs
    if target.kind == "values" and given != N:
        raise ShapeError(
            "Y has {given} column(s), the network {outputs} output(s); they must agree", given=given, outputs=N
        )
    if target.kind == "classes" and given != max(N, 2):
        raise ShapeError(
            "Y holds {given} classes, the network has {outputs} output(s); give the last layer {given} neurons, or name"
            " the class of each output: target=TargetEncoder('classes', classes=(…))",
            given=given,
            outputs=N,
        )


def check_encoder(encoder: object) -> None:
    """Refuse what is neither a `TableEncoder` nor None.

    Raises:
        UsageError: for it.
    """
    from chainrule.data.encoder import TableEncoder

    if not isinstance(encoder, TableEncoder | None):
        raise UsageError("encoder is {given}; expected TableEncoder.fit(X), or None", given=reprlib.repr(encoder))


def one_hot(numbers: Array, N: int, dtype: npt.DTypeLike) -> Array:
    """Give a row for each class number: 1 at the class, else 0; for one output the number itself.

    >>> import numpy as np
    >>> one_hot(np.array([2, 0]), 3, float).tolist()
    [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]
    """
    if N == 1:
        return numbers.astype(dtype)[:, np.newaxis]
    rows = np.zeros((len(numbers), N), dtype=dtype)
    rows[np.arange(len(numbers)), numbers] = 1
    return rows


def as_targets(
    Y: Any, rows: int, network: Network, loss: Loss, target: TargetEncoder, dtype: np.dtype[Any], part: str = ""
) -> Array:
    """Give Y as a matrix of shape (n, N_K), checked against what the loss takes; ``part`` as in `as_inputs`.

    Raises:
        ShapeError: where rows or columns do not fit.
        DataError: for labels that training has not seen, or values the loss cannot take.
    """
    what, N = _of(part, "Y"), network.outputs
    y = _as_rows(Y, network, rows, what)
    if y.ndim == 0 or len(y) != rows:
        raise ShapeError(
            "{part}X has {rows} row(s) and Y {given}; each example needs its target",
            part=part,
            rows=rows,
            given=y.shape,
        )
    if target.kind == "classes" and not (y.ndim == 2 and y.shape[1] == N):
        return one_hot(target.transform(y, where=what), N, dtype)
    given = _as_numbers(y, what)
    matrix = given if target.kind == "classes" else target.transform(given, where=what)
    _check_values(matrix, given, loss, what)
    with np.errstate(over="ignore"):  # as for inputs
        return np.ascontiguousarray(matrix, dtype=dtype)


def _no_distribution(matrix: Array) -> Array:
    """Say of each row whether it is anything but numbers from 0 to 1 that add up to 1, to rounding."""
    matrix = matrix.astype(float, copy=False) if matrix.dtype.kind != "f" else matrix
    slack = 1e-6 + matrix.shape[1] * float(np.finfo(matrix.dtype).eps)
    sums = matrix.sum(axis=1, dtype=np.float64)
    bad: Array = ~((matrix >= 0) & (matrix <= 1)).all(axis=1) | ~(np.abs(sums - 1) <= slack)
    return bad


def _check_values(matrix: Array, given: Array, loss: Loss, what: str) -> None:
    """Refuse rows that the loss cannot take; the message shows them as they were given."""
    bad: Any
    if loss.targets == "values":
        return
    if loss.targets == "distribution":
        bad, wanted = _no_distribution(matrix), Message("rows of numbers from 0 to 1 that add up to 1")
    elif loss.targets == "probabilities":
        bad, wanted = ~((matrix >= 0) & (matrix <= 1)).all(axis=1), Message("numbers from 0 to 1")
    else:
        bad, wanted = ~(matrix >= 0).all(axis=1), Message("numbers of 0 or more")
    if bad.any():
        row = int(np.argmax(bad))
        raise DataError(
            "row {row} of {what} is {given}; the loss {loss!r} takes {wanted}",
            row=row,
            what=what,
            given=given[row].tolist(),
            loss=loss.name,
            wanted=wanted,
        )


def truth_of(Y: Array, classes: bool) -> Array:
    """Give the class numbers that a target matrix stands for, or its values.

    >>> import numpy as np
    >>> truth_of(np.array([[0.0, 1.0], [1.0, 0.0]]), True).tolist()
    [1, 0]
    """
    if not classes:
        return Y
    return (Y[:, 0] >= 0.5).astype(np.int64) if Y.shape[1] == 1 else np.argmax(Y, axis=1)


def as_weights(weights: Any, rows: int, dtype: np.dtype[Any], part: str = "") -> Array | None:
    """Give one weight per row, or None; ``part`` as in `as_inputs`.

    Raises:
        ShapeError: for another number of weights.
        DataError: for weights below 0, not finite, or all 0.
    """
    if weights is None:
        return None
    what = _of(part, Message("weights"))
    given = _as_numbers(weights, what)
    if given.shape != (rows,):
        raise ShapeError(
            "{what} have shape {given}; one for each of the {rows} rows is expected",
            what=what,
            given=given.shape,
            rows=rows,
        )
    with np.errstate(over="ignore"):
        vector = given.astype(dtype)
    bad = ~np.isfinite(vector) | (vector < 0)
    if bad.any():
        row = int(np.argmax(bad))
        raise DataError(
            "row {row} of {what} is {given}; weights are finite numbers of 0 or more",
            row=row,
            what=what,
            given=given[row].item(),
        )
    if not vector.any():
        raise DataError("{what} are all 0; at least one row needs a weight above 0", what=what)
    return vector


def _of(part: str, name: str) -> str:
    """Say in messages whose array it is."""
    return Message("{part}{name}", part=part, name=name)
