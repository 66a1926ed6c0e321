"""One step, recorded whole by the reference engine: what goes forward, what comes back, what one update does."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from chainrule.arrays import as_weights
from chainrule.engines import Draw, Objective
from chainrule.engines import reference as engine
from chainrule.errors import UsageError
from chainrule.explain.columns import Column, columns_of
from chainrule.explain.updates.making import Update, UpdateRule, find_rule, make_update
from chainrule.formulas import LOSSES, Array, Loss, Optimizer, Penalty
from chainrule.model import Model
from chainrule.network import BatchNorm, Dense, Dropout, Layer
from chainrule.parameters import Parameters
from chainrule.sparse import dense_rows
from chainrule.training.memory import Memory

__all__ = ["Stage", "Trace", "trace"]


@dataclass(frozen=True, eq=False)
class Stage:
    """What one layer did: a `Dense`, a `BatchNorm` or a `Dropout`.

    Args:
        layer: the layer.
        l: its number.
        before: what came in, shape (m, N).
        Z: weighted sums; gamma zhat + beta for batch normalization; None for dropout.
        A: what went out.
        zhat: normalized numbers of a batch normalization, else None.
        scale: gamma / deviation of a batch normalization, shape (N,), else None.
        of_batch: whether mean and deviation are those of this batch, as in training.
        factors: a dropout's factors, 0 or 1 / (1 - rate), where it acts, else None.
        D: dC/dZ, shape (m, N_l); None without targets, and for dropout.
        G: dC/dA of what came in, shape (m, N); None without targets.
    """

    layer: Layer
    l: int
    before: Array
    Z: Array | None
    A: Array
    zhat: Array | None = None
    scale: Array | None = None
    of_batch: bool = False
    factors: Array | None = None
    D: Array | None = None
    G: Array | None = None


@dataclass(frozen=True, eq=False)
class Trace:
    """One step of a model, number by number. All arrays are float64 and have the notation's shapes.

    Args:
        model: the model, with float64 parameters.
        objective: network and loss.
        X: inputs, shape (m, N_0).
        Y: target matrix, shape (m, N_K); None where no targets were given: then there is no error, and nothing behind.
        weights: one weight per row, shape (m,), or None.
        share: each row's share of the cost, shape (m,): 1/m without weights.
        draw: which dropout masks a training pass uses; None where the step is computed as in prediction.
        stages: what each layer did, in order.
        losses: the loss of each row, shape (m,), or None.
        cost: C, without penalties, or None.
        gradient: dC/dtheta without penalties, with views ``W[l]``, ``b[l]``, …; None without targets, and where an
            activation has no usable slope.
        rule: how an update is made.
        columns: where the inputs come from, if from a table; else empty.
        rows: what the rows are called, such as "row 17 of iris"; else empty.

    >>> from chainrule import Network
    >>> step = trace(Network.from_sizes([2, 2, 1], "sigmoid", "sigmoid").init(seed=0), [[0.5, 1.0]], [[1.0]])
    >>> step.A[1].shape, step.D[1].shape, step.gradient.W[1].shape
    ((1, 2), (1, 2), (2, 2))
    """

    model: Model
    objective: Objective
    X: Array
    Y: Array | None
    weights: Array | None
    share: Array
    draw: Draw | None
    stages: tuple[Stage, ...]
    losses: Array | None
    cost: float | None
    gradient: Parameters | None
    rule: UpdateRule
    columns: tuple[Column, ...] = ()
    rows: tuple[str, ...] = ()

    def __repr__(self) -> str:
        cost = "" if self.cost is None else f", cost {self.cost:.6g}"
        return f"Trace({self.model.network!r}, {self.m} rows{cost})"

    @property
    def m(self) -> int:
        """How many rows there are."""
        return len(self.X)

    @property
    def Z(self) -> Mapping[int, Array]:
        """Weighted sums by layer, each shape (m, N_l); behind a batch normalization, its gamma zhat + beta."""
        return {stage.l: stage.Z for stage in self.stages if stage.Z is not None}

    @property
    def A(self) -> Mapping[int, Array]:
        """Activations by layer, each shape (m, N_l); A[0] is X. A dropout that acts has acted on them."""
        return {0: self.X} | {stage.l: stage.A for stage in self.stages if stage.l}

    @property
    def D(self) -> Mapping[int, Array]:
        """Errors dC/dZ by layer, each shape (m, N_l).

        Raises:
            UsageError: for a trace without targets.
        """
        self.need_errors()
        return {stage.l: stage.D for stage in self.stages if stage.D is not None}

    @property
    def dX(self) -> Array:
        """dC/dX, shape (m, N_0).

        Raises:
            UsageError: for a trace without targets.
        """
        self.need_errors()
        found = self.stages[0].G
        assert found is not None
        return found

    def row_gradient(self, r: int) -> Parameters:
        """Give what row r alone adds to dC/dtheta: the rows' gradients add up to the batch's.

        Args:
            r: the row, from 0.

        Returns:
            A vector with the views ``W[l]``, ``b[l]``, …; formed when it is asked for, never stored for all rows.
        """
        self.need_errors()
        network = self.model.network
        into = Parameters(network, np.zeros(network.parameter_count))
        for stage in self.stages:
            if stage.D is None:
                continue
            D = stage.D[r]
            if isinstance(stage.layer, BatchNorm):
                assert stage.zhat is not None
                into.gamma[stage.l][:], into.beta[stage.l][:] = D * stage.zhat[r], D
                continue
            assert isinstance(stage.layer, Dense)
            into.W[stage.l][...] = np.outer(D, stage.before[r])
            if stage.layer.bias == "neuron":
                into.b[stage.l][:] = D
            elif stage.layer.bias == "layer":
                into.shared[stage.l][0] = D.sum()
        return into

    @cached_property
    def update(self) -> Update:
        """What one update does to every parameter.

        Raises:
            UsageError: for a trace without targets.
        """
        self.need_errors()
        assert self.gradient is not None
        return make_update(self.rule, self.model, self.gradient)

    def need_targets(self) -> None:
        """Refuse what needs targets where none were given.

        Raises:
            UsageError: then.
        """
        if self.Y is None:
            raise UsageError("without targets there is no error to explain; give Y, the targets of these rows")

    def need_errors(self) -> None:
        """Refuse what needs errors where none came back: without targets, or through a step function.

        Raises:
            UsageError: then.
        """
        self.need_targets()
        for stage in self.stages if self.gradient is None else ():
            if not isinstance(stage.layer, Dropout):
                _ = stage.layer.activation.back  # says why there is none


def trace(
    model: Model,
    X: Any,
    Y: Any = None,
    weights: Any = None,
    *,
    loss: str | Loss | None = None,
    draw: Draw | None = None,
    optimizer: str | Optimizer | None = None,
    penalties: str | Penalty | Iterable[str | Penalty] | None = None,
    clip: float | None = None,
    memory: Memory | None = None,
) -> Trace:
    """Record one step: forward, backward and the update, by the reference engine in float64.

    Args:
        model: trained or not; it is left as it is.
        X: shape (m, N_0), or raw rows where the model has an encoder; all rows are one batch.
        Y: labels or values, as in training; None traces the forward pass alone.
        weights: one weight per row, or None.
        loss: another loss than the model's own.
        draw: the dropout masks of a training pass, ``Draw(seed, update)``; batch normalization then uses this batch's
            statistics. None computes as in prediction.
        optimizer: how the update is made; None: as the model was trained, else plain gradient descent.
        penalties: prices on weights and limits; None: as the model was trained.
        clip: largest Euclidean norm of the gradient; None: as the model was trained.
        memory: a `Memory` with the optimizer's vectors and count of updates; None begins anew, with zeros and t = 1.

    Returns:
        A `Trace`.

    Raises:
        ShapeError, DataError: for rows, targets or weights that do not fit.
        UsageError: for a model that is none, a loss that does not suit the output activation, or a draw that is none.

    >>> from chainrule import Network
    >>> model = Network.from_sizes([2, 2, 2], "sigmoid", "sigmoid").init(seed=0)
    >>> step = trace(model, [[0.05, 0.1]], [[0.01, 0.99]], loss="half_squared_error")
    >>> bool(step.D[2][0, 0] == (step.A[2][0, 0] - 0.01) * step.A[2][0, 0] * (1 - step.A[2][0, 0]))
    True
    """
    if not isinstance(model, Model):
        raise UsageError(
            "what is explained must be a Model, not {given}; train() and network.init() make one, and an estimator's "
            "is its model_",
            given=type(model).__name__,
        )
    if not isinstance(draw, Draw | None):
        raise UsageError("draw is {draw!r}; expected Draw(seed, update), such as Draw(0, 1), or None", draw=draw)
    model = _exact(model, loss)
    X = dense_rows(model.inputs(X))
    matrix = None if Y is None else model.targets(Y, len(X))[1]
    vector = as_weights(weights, len(X), model.dtype)
    rule = find_rule(model, optimizer, penalties, clip, memory)
    with np.errstate(all="ignore"):  # what is not finite is shown as it is
        step = _record(model, X, matrix, vector, draw, rule)
    return step if model.encoder is None else dataclasses.replace(step, columns=columns_of(model.encoder))


def _exact(model: Model, loss: str | Loss | None) -> Model:
    """Give the model with float64 numbers, and another loss where one is asked for."""
    return dataclasses.replace(
        model,
        theta=model.theta.astype(np.float64),
        state=model.state.astype(np.float64),
        loss=model.loss if loss is None else LOSSES.find(loss),
    )


def _record(
    model: Model, X: Array, Y: Array | None, weights: Array | None, draw: Draw | None, rule: UpdateRule
) -> Trace:
    objective, p = Objective(model.network, model.loss), model.parameters
    share = engine.shares(weights, len(X))
    steps, _ = engine.forward(model.network, p, model.state.copy(), X, share, draw)
    errors: list[tuple[Array | None, Array | None]] = [(None, None)] * len(steps)
    losses = cost = gradient = None
    if Y is not None:
        model.loss.pair_for(model.network.output_activation)  # refuses what does not belong together
        seen: list[tuple[Array | None, Array | None]] = []
        if all(isinstance(layer, Dropout) or layer.activation.trainable for layer in model.network.layers):
            gradient = Parameters(model.network, np.zeros_like(model.theta))
            engine.backward(objective, p, steps, Y, share, gradient, inputs=True, seen=seen)
            errors = seen[::-1]
        losses = engine.losses_of(objective, steps[-1], Y)
        cost = float(engine.cost_of(losses, share))
    each = np.full(len(X), share) if isinstance(share, float) else share[:, 0]
    stages = tuple(
        _stage(layer, l, step, *error)
        for (layer, l), step, error in zip(model.network.steps, steps, errors, strict=True)
    )
    return Trace(model, objective, X, Y, weights, each, draw, stages, losses, cost, gradient, rule)


def _stage(layer: Layer, l: int, step: engine.Step, D: Array | None, G: Array | None) -> Stage:
    before, Z, A, extra = step
    if isinstance(layer, BatchNorm):
        zhat, scale, of_batch = extra
        return Stage(layer, l, before, Z, A, zhat, scale, of_batch, D=D, G=G)
    return Stage(layer, l, before, Z, A, factors=extra, D=D, G=G)
