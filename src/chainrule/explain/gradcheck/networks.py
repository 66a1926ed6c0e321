"""The gradient of an engine as a subject: checked against values of the reference engine, which are the formulas."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from chainrule.arrays import as_weights
from chainrule.engines import Draw, Engine, Objective, reference
from chainrule.errors import UsageError
from chainrule.explain.gradcheck.calling import called
from chainrule.explain.gradcheck.subjects import Point, Subject
from chainrule.formulas import LOSSES, Array, Loss
from chainrule.language import Message
from chainrule.model import Model
from chainrule.network import Dropout, Entry, Network
from chainrule.sparse import dense_rows
from chainrule.streams import normals, uniforms

__all__ = ["network_points", "network_subject", "own_point"]

_ROWS = 6
_SCALES = {"W": 1.0, "b": 0.3, "gamma": 0.3, "beta": 0.3}


def network_subject(model: Model, engine: str, loss: str | Loss | None) -> tuple[Subject, Model]:
    """Make a subject of a model: dC/dtheta by an engine, and dC/dX.

    Args:
        model: the model.
        engine: what computes the gradient.
        loss: another loss than the model's own.

    Returns:
        The subject, whose data are (X, Y, weights, draw), and the model with this loss.

    Raises:
        UsageError: for a loss that does not suit the output activation, or an activation without slope.
    """
    model = model if loss is None else dataclasses.replace(model, loss=LOSSES.find(loss))
    network, computing = model.network, model.engine(engine)
    model.loss.pair_for(network.output_activation)
    for layer in network.layers:
        if not isinstance(layer, Dropout) and not layer.activation.trainable:
            raise UsageError(
                "the activation {name!r} has no usable slope, so there is no gradient to check",
                name=layer.activation.name,
            )
    held = _Held(model, computing, Objective(network, model.loss))
    names = [entry.name for entry in held.trained]
    title = f"{network!r}, {model.loss.name}, engine {computing.name}"
    return Subject(title, [*names, "X"], held.value, held.slopes, ["X", "Y", "weights"]), model


@dataclasses.dataclass(frozen=True, eq=False)
class _Held:
    """A model whose trained parameters, and inputs, are given as arrays."""

    model: Model
    engine: Engine
    objective: Objective

    @property
    def trained(self) -> list[Entry]:
        """The pieces of theta that descent moves."""
        return [entry for entry in self.model.network.entries if entry.trained]

    def theta(self, arrays: Sequence[Array]) -> Array:
        """Put the arrays into a vector, beside what is held fixed."""
        theta = self.model.theta.astype(np.result_type(*arrays))
        for entry, array in zip(self.trained, arrays[:-1], strict=True):
            theta[entry.place] = array.ravel()
        return theta

    def value(self, arrays: Sequence[Array], data: Sequence[Any]) -> Any:
        """Give the cost by the reference engine, in float64 or complex."""
        _, Y, weights, draw = data
        state = self.model.state.astype(np.float64)
        Y, weights = Y.astype(np.float64), None if weights is None else weights.astype(np.float64)
        return called(lambda: reference.loss(self.objective, self.theta(arrays), state, arrays[-1], Y, weights, draw))

    def slopes(self, arrays: Sequence[Array], data: Sequence[Any]) -> list[Array]:
        """Give the engine's gradient."""
        _, Y, weights, draw = data
        X = np.ascontiguousarray(arrays[-1])
        found = self.engine.gradient(
            self.objective, self.theta(arrays), self.model.state.copy(), X, Y, weights, draw, inputs=True
        )
        assert found.inputs is not None
        pieces = [found.theta[entry.place].reshape(entry.shape if not entry.shared else (1,)) for entry in self.trained]
        return [*pieces, found.inputs]


def own_point(model: Model, X: Any, Y: Any, weights: Any, draw: Draw | None) -> Point:
    """Give the user's point: the model as it is, with these rows."""
    inputs = dense_rows(model.inputs(X))
    matrix = model.targets(Y, len(inputs))[1]
    vector = as_weights(weights, len(inputs), model.dtype)
    return Point(Message("your own point"), [*_arrays(model), inputs.copy()], [inputs, matrix, vector, draw], own=True)


def _arrays(model: Model) -> list[Array]:
    return [
        model.theta[entry.place].reshape(entry.shape if not entry.shared else (1,)).copy()
        for entry in model.network.entries
        if entry.trained
    ]


def network_points(model: Model, seed: int) -> Iterator[Point]:
    """Give probes that see: random parameters, several random rows, targets that suit the loss.

    The first is computed as in prediction, the others as in training, with dropout masks and a batch's statistics
    where the network has any; the last one has weighted rows.

    Args:
        model: whose network and loss they suit; its parameters are not used.
        seed: of the random numbers.
    """
    network, dtype = model.network, model.dtype
    for k in range(3):
        arrays = [
            _drawn(entry, seed, k, n).astype(dtype) for n, entry in enumerate(model.network.entries) if entry.trained
        ]
        X = normals(seed, "test", k, 40, shape=(_ROWS, network.inputs)).astype(dtype)
        Y = _targets(network, model.loss, seed, k).astype(dtype)
        weights = (0.5 + uniforms(seed, "test", k, 41, shape=_ROWS)).astype(dtype) if k == 2 else None
        label = (
            Message("random parameters and rows, computed as in prediction"),
            Message("random parameters and rows, computed as in training"),
            Message("random parameters and weighted rows, computed as in training"),
        )[k]
        draw = None if k == 0 else Draw(seed, k)
        yield Point(label, [*arrays, X], [X, Y, weights, draw])


def _drawn(entry: Entry, seed: int, k: int, n: int) -> Array:
    shape = (entry.stored,) if entry.shared else entry.shape
    scale = _SCALES[entry.kind] / (np.sqrt(entry.shape[1]) if entry.kind == "W" else 1)
    return (entry.kind == "gamma") + scale * normals(seed, "test", k, 50 + n, shape=shape)


def _targets(network: Network, loss: Loss, seed: int, k: int) -> Array:
    """Draw targets of the kind that the loss takes."""
    shape = (_ROWS, network.outputs)
    u = uniforms(seed, "test", k, 42, shape=shape)
    if loss.targets == "counts":
        return np.floor(4 * u)
    if loss.targets == "distribution":
        return u / u.sum(axis=1, keepdims=True)
    return u if loss.targets == "probabilities" else normals(seed, "test", k, 43, shape=shape)
