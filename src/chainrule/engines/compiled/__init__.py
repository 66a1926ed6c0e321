"""The compiled engine: the reference engine's verbs, written as machine code for the network and processor at hand.

It reads the very formulas that the reference engine reads (`lifting`), writes the passes of the network (`passes`) with
micro-kernels for the products of matrices (`products`), and compiles them with LLVM. docs/engine.md tells how it works.
What cannot be lifted, such as a formula with Python branches, goes to the reference engine, which says so once.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from chainrule.engines import reference
from chainrule.engines.compiled.epochs import Epochs
from chainrule.engines.compiled.graph import NotLiftable
from chainrule.engines.compiled.lifted import is_constant, lift
from chainrule.engines.compiled.verbs import Batch, Rows
from chainrule.engines.compiled.workspaces import has_room
from chainrule.engines.notice import tell_once
from chainrule.engines.protocol import NOTHING, Carry, Draw, EpochResult, Gradient, Job, Objective, Sums, Watch
from chainrule.engines.threads import usable_threads
from chainrule.errors import ShapeError
from chainrule.formulas import Array
from chainrule.language import Message, tr
from chainrule.network import Network
from chainrule.sparse import Inputs, SparseRows

__all__ = ["epoch", "gradient", "loss", "name", "predict", "refusal", "repeat", "works"]

name = "compiled"

T = TypeVar("T")
# What was prepared for an object that lives on, by the object's identity.
_prepared: dict[tuple[int, Any], Any] = {}


def works() -> bool:
    """Whether this engine can run here: LLVM's Python package is installed, knows the processor and may run code."""
    try:
        from chainrule.engines.compiled.machine import computes

        return computes()
    except (ImportError, OSError, RuntimeError):
        return False


def _once(owner: Network | Objective | Job, key: Any, make: Callable[[], T]) -> T | None:
    """Make something for an object once and keep it as long as the object lives; None where it cannot be lifted.

    Where formulas are a user's own, only a job keeps what is made: they may read variables that change.
    """
    place = (id(owner), key)
    if place not in _prepared:
        try:
            made: T | None = make()
        except NotLiftable as reason:
            tell_once(
                str(reason), tr("the compiled engine cannot take {reason}; the reference engine does it", reason=reason)
            )
            made = None
        if not _lasts(owner):
            return made
        _prepared[place] = made
        weakref.finalize(owner, _prepared.pop, place, None)
    return _prepared[place]


def _lasts(owner: Network | Objective | Job) -> bool:
    """Whether what was lifted for an object stays true."""
    if isinstance(owner, Objective):
        return is_constant(owner.network, owner.loss, *owner.penalties)
    return isinstance(owner, Job) or is_constant(owner)


def _takes(
    network: Network,
    theta: Array,
    state: Array,
    X: Inputs,
    Y: Array | None = None,
    weights: Array | None = None,
    slots: tuple[Array, ...] = (),
) -> bool:
    """Whether arrays are as compiled code reads them: these shapes, row by row, in one number type.

    The reference engine takes what does not fit, or says what is wrong with it.
    """
    n, count = len(X), network.parameter_count
    expected: list[tuple[Array | None, tuple[int, ...]]] = [
        (theta, (count,)),
        (state, (sum(entry.stored for entry in network.state_entries),)),
        (None if isinstance(X, SparseRows) else X, (n, network.sizes[0])),
        (Y, (n, network.outputs)),
        (weights, (n,)),
        *((slot, (count,)) for slot in slots),
    ]
    return (
        X.dtype in (np.float32, np.float64)
        and X.shape == (n, network.sizes[0])
        and all(
            array is None
            or (array.shape == shape and array.dtype == X.dtype and array.flags.c_contiguous and array.flags.aligned)
            for array, shape in expected
        )
    )


def _lies_well(array: Array) -> bool:
    return bool(array.flags.c_contiguous and array.flags.aligned)


def refusal(job: Job) -> Message | None:
    """Say what keeps this engine from training so, and print a line about it; None where nothing does.

    Rows of a sparse batch are brought together with all their zeros, for which a batch may be too large.
    """
    if not has_room(job.X, rows := min(job.batch_size, len(job.X))):
        text = Message(
            "the compiled engine makes the rows of a batch dense, and {rows} of {columns} numbers each are too many; "
            "the reference engine computes instead",
            rows=rows,
            columns=job.X.shape[1],
        )
        tell_once("too many dense rows", text)
        return text
    # Without updates there is nothing to prepare for epochs.
    if job.optimizer is not None and _once(job, "epoch", lambda: Epochs(job, usable_threads())) is not None:
        return None
    try:
        lift(job.objective, job.optimizer, job.weights is not None)
    except NotLiftable as reason:
        return Message("the compiled engine cannot take {reason}", reason=str(reason))
    return None


def predict(network: Network, theta: Array, state: Array, X: Inputs) -> Array:
    """Give the outputs A[K], shape (n, N_K), without dropout and with running statistics.

    A row's outputs are the same bits whatever rows stand beside it.
    """
    key = "predict", X.dtype, isinstance(X, SparseRows)
    rows = _prepared.get((id(network), key))
    if rows is not None and rows.knows(theta, state, X):
        return rows.outputs(theta, state, X)
    if not len(X) or not _takes(network, theta, state, X):
        return reference.predict(network, theta, state, X)
    rows = _once(network, key, lambda: Rows(network, X.dtype, sparse=isinstance(X, SparseRows)))
    return reference.predict(network, theta, state, X) if rows is None else rows.outputs(theta, state, X)


def loss(
    objective: Objective,
    theta: Array,
    state: Array,
    X: Inputs,
    Y: Array,
    weights: Array | None = None,
    draw: Draw | None = None,
) -> Any:
    """Give the cost C of a batch, without penalties; as in training where a draw is given."""
    rows = None
    if draw is None and len(X) and _takes(objective.network, theta, state, X, Y, weights):
        weighted = weights is not None
        sparse = isinstance(X, SparseRows)
        key = ("loss", X.dtype, weighted, sparse)
        rows = _once(objective, key, lambda: Rows(objective.network, X.dtype, objective, weighted, sparse))
    if rows is None:
        return reference.loss(objective, theta, state, X, Y, weights, draw)
    return rows.cost(theta, state, X, Y, weights)


def gradient(
    objective: Objective,
    theta: Array,
    state: Array,
    X: Inputs,
    Y: Array,
    weights: Array | None = None,
    draw: Draw | None = None,
    *,
    inputs: bool = False,
) -> Gradient:
    """Give cost, penalty and their derivatives; with dC/dX where ``inputs`` is true."""
    batch = None
    if len(X) and has_room(X, len(X)) and _takes(objective.network, theta, state, X, Y, weights):
        options = (weights is not None, draw is not None, inputs, isinstance(X, SparseRows))
        batch = _once(objective, ("gradient", X.dtype, *options), lambda: Batch(objective, X.dtype, *options))
    if batch is None:
        return reference.gradient(objective, theta, state, X, Y, weights, draw, inputs=inputs)
    return batch.gradient(theta, state, X, Y, weights, draw)


def epoch(
    job: Job,
    carry: Carry,
    order: Array | None,
    watch: Watch | None = None,
    *,
    each: bool = True,
    begun: Sums = NOTHING,
) -> EpochResult:
    """Make one pass over the rows in the given order (None: as they are), an update a batch; or go on within it."""
    epochs = None
    one_batch_in_another_order = order is not None and job.batch_size >= len(job.X)
    if _fits(job, carry) and not one_batch_in_another_order:
        epochs = _once(job, "epoch", lambda: Epochs(job, usable_threads()))
    if epochs is None:
        return reference.epoch(job, carry, order, watch, each=each, begun=begun)
    if order is not None:
        order = np.ascontiguousarray(order, dtype=np.int64)
        if order.shape != (len(job.X),):
            raise ShapeError("the order has shape {given}; expected ({n},)", given=order.shape, n=len(job.X))
    with epochs.lent() as own:
        return own.make(carry, order, watch, each=each, begun=begun)


def _fits(job: Job, carry: Carry) -> bool:
    network = job.objective.network
    room = has_room(job.X, min(job.batch_size, len(job.X)))
    return room and _takes(network, carry.theta, carry.state, job.X, job.Y, job.weights, carry.slots)


def repeat(job: Job, carry: Carry, updates: int, watch: Watch | None = None) -> tuple[EpochResult, Array] | None:
    """Make many updates with all rows, each an epoch of its own, without coming back in between.

    Returns:
        The result with ``batches`` counting updates, and the cost and penalty of each, shape (updates, 2); None where
        formulas cannot be lifted, or a batch is not all rows.
    """
    whole = job.batch_size >= len(job.X) and _fits(job, carry)
    epochs = _once(job, "epoch", lambda: Epochs(job, usable_threads())) if whole else None
    if epochs is None:
        return None
    with epochs.lent() as own:
        return own.repeat(carry, updates, watch)
