"""What one keeps: a network with its parameters and state, and all that is needed to use it on raw rows."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from chainrule.arrays import (
    as_inputs,
    as_targets,
    as_weights,
    check_dtype,
    check_encoder,
    check_finite,
    check_target,
    fit_target,
    truth_of,
)
from chainrule.data.targets import TargetEncoder
from chainrule.engines import ENGINES, Draw, Engine, Gradient, Objective, choose
from chainrule.engines.reference import forward
from chainrule.errors import DataError, UsageError
from chainrule.formulas import LOSSES, METRICS, Array, Loss
from chainrule.history import History
from chainrule.network import Network
from chainrule.parameters import Parameters, Views, draw_parameters, start_state
from chainrule.sparse import Inputs, SparseRows
from chainrule.table import Table

if TYPE_CHECKING:
    from chainrule.data.encoder import TableEncoder

__all__ = ["Activations", "Model", "default_loss", "measure"]


@dataclass(frozen=True)
class Activations:
    """What a forward pass computes, layer by layer.

    Where a `BatchNorm` stands behind layer l, Z[l] is what it hands to its activation, gamma * zhat + beta.

    Args:
        Z: pre-activations by layer, each (m, N_l).
        A: activations by layer, each (m, N_l); A[0] is X (where it is sparse, SciPy's CSR array), A[K] the outputs.
    """

    Z: dict[int, Array]
    A: dict[int, Array]


def default_loss(network: Network) -> Loss:
    """Give the loss that belongs to the output activation: cross-entropy for softmax and sigmoid, Poisson for softplus.

    >>> default_loss(Network.from_sizes([4, 3], output="softmax")).name
    'categorical_cross_entropy'
    """
    name = network.output_activation.name
    fitting = [loss for loss in LOSSES.values() if name in loss.pairs]
    return fitting[0] if fitting else LOSSES["mean_squared_error"]


@dataclass(eq=False)
class Model:
    """A network with its parameters: predicts, evaluates, shows its weights and its gradient.

    Usually made by ``network.init(seed=0)``, by `train` or by `load`. Weights are read and set by name:
    ``model.W[1]``, ``model["W2[1,0]"]``, ``model["w5"] = 0.4``. theta is one vector that all names look into: what is
    assigned to ``model.theta`` or ``model.W[1]`` is copied into it.

    Args:
        network: the architecture.
        theta: the parameters, a flat vector of float64 or float32.
        state: running statistics, a flat vector, empty without batch normalization; by name ``mean1``, ``var1``.
        loss: what training minimizes; may be assigned by name.
        target: what outputs mean (labels of classes or values), or None before training.
        encoder: what turns raw rows of a table into inputs, or None where inputs are numbers already.
        history: what training recorded, or None.
        settings: how it was trained, as plain data.

    Raises:
        ShapeError: where theta, state or target do not fit the network.
        UsageError: for a theta that is neither float64 nor float32, or a loss, target or encoder that is none.

    >>> model = Network.from_sizes([2, 3, 1], hidden="tanh").init(seed=0)
    >>> model["W1[0,1]"] = 0.5
    >>> model.W[1][0, 1], model.predict([[0.0, 0.0]]).tolist()
    (np.float64(0.5), [[0.0]])
    """

    network: Network
    theta: Array
    state: Array
    loss: Loss
    target: TargetEncoder | None = None
    encoder: TableEncoder | None = None
    history: History | None = None
    settings: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.parameters = Parameters(self.network, self.theta)
        check_dtype(self.theta.dtype)
        self.statistics = Parameters(self.network, self.state, self.network.state_entries)
        if self.target is not None:
            check_target(self.target, self.network)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in ("W", "b"):
            raise UsageError(
                "model.{name} is not replaced as a whole; set a layer, model.{name}[1] = …, or all numbers, "
                "model.theta = …",
                name=name,
            )
        if name == "loss":
            value = LOSSES.find(value)
        elif name == "encoder":
            check_encoder(value)
        # All views look into the first vector, so that what is assigned later is copied into it.
        if name in ("theta", "state") and "statistics" in self.__dict__:
            (self.parameters if name == "theta" else self.statistics).fill(value)
        else:
            super().__setattr__(name, value)

    @classmethod
    def start(cls, network: Network, seed: int = 0, dtype: npt.DTypeLike = np.float64) -> Model:
        """Draw the parameters of a network; what ``network.init`` does."""
        kind = check_dtype(dtype)
        return cls(network, draw_parameters(network, seed, kind), start_state(network, kind), default_loss(network))

    @property
    def dtype(self) -> np.dtype[Any]:
        """float64 or float32."""
        return self.theta.dtype

    @property
    def W(self) -> Views:
        """Weights by layer: views of theta, ``W[l]`` of shape (N_l, N_{l-1}); ``W[l] = …`` writes into it."""
        return Views(self.parameters, "W")

    @property
    def b(self) -> Views:
        """Biases by layer: views of theta, ``b[l]`` of shape (N_l,), None without bias, read-only where shared."""
        return Views(self.parameters, "b")

    def __getitem__(self, name: str) -> Any:
        """Read an array (``W2``), one number (``W2[1,0]``, ``b1[0]``) or a weight by its textbook name (``w5``)."""
        return self._holder(name)[name]

    def __setitem__(self, name: str, value: npt.ArrayLike) -> None:
        """Set what `__getitem__` reads; one number fills a whole array."""
        self._holder(name)[name] = value

    def __contains__(self, name: object) -> bool:
        return name in self.parameters or name in self.statistics

    def __iter__(self) -> Iterator[str]:
        """Go through the names of the parameters: W1, b1, W2, …."""
        return iter(self.parameters)

    def _holder(self, name: str) -> Parameters:
        return self.statistics if isinstance(name, str) and name.startswith(("mean", "var")) else self.parameters

    @property
    def classes(self) -> tuple[Any, ...] | None:
        """The labels in the order of the outputs, or None where outputs are values."""
        return None if self.target is None else self.target.classes

    @property
    def task(self) -> str:
        """What is predicted: "classification", "multilabel" (several yes-or-no answers) or "regression".

        Before training, when labels are not yet known, the loss decides.
        """
        if self.classes is not None or self.loss.targets == "distribution":
            return "classification"
        if self.loss.targets == "probabilities":
            return "classification" if self.target is None and self.network.outputs == 1 else "multilabel"
        return "regression"

    def copy(self) -> Model:
        """Give a model of its own memory: what is changed in one does not show in the other."""
        return dataclasses.replace(
            self,
            theta=self.theta.copy(),
            state=self.state.copy(),
            history=copy.deepcopy(self.history),
            settings=copy.deepcopy(self.settings),
        )

    def part(self, first: int, last: int) -> Model:
        """Give layers ``first`` … ``last`` as a model of its own memory, such as the encoder of an autoencoder.

        Args:
            first: the first dense layer, counted from 1.
            last: the last one, at most K.

        Returns:
            A model without history; with the encoder of raw rows where it begins at layer 1, and with the loss and the
            target where it ends at layer K.

        Raises:
            ShapeError: for layers that are not there.

        >>> model = Network.from_sizes([4, 2, 4]).init(seed=0)
        >>> code = model.part(1, 1).outputs([[1, 2, 3, 4]])
        >>> bool((model.part(2, 2).outputs(code) == model.outputs([[1, 2, 3, 4]])).all())
        True
        """
        network = self.network.part(first, last)
        part = Model(
            network,
            np.zeros(network.parameter_count, self.dtype),
            start_state(network, self.dtype),
            default_loss(network),
        )
        for mine, whole in ((part.parameters, self.parameters), (part.statistics, self.statistics)):
            for entry in mine.entries:
                l = entry.layer + first - 1 if entry.layer else 0
                mine[entry.name] = whole[f"{entry.kind}{l}"]
        if first == 1:
            part.encoder = self.encoder
        if last == self.network.depth:
            part.loss, part.target = self.loss, self.target
        return part

    def inputs(self, X: Any) -> Inputs:
        """Give X as the matrix that the network sees: raw rows are encoded where the model has an encoder.

        A sparse matrix becomes `SparseRows`.

        Raises:
            ShapeError: for another number of columns.
            DataError: for entries that are no finite numbers.
        """
        inputs = as_inputs(X, self.network, self.dtype, self.encoder)
        check_finite(inputs)
        return inputs

    def engine(self, name: str = "auto") -> Engine:
        """Give the engine that computes for this model: the one of this name, or "auto".

        "auto" is the engine that trained the model, so that predictions have the bits of those in training; for a
        model that was not trained it is the reference engine.

        Raises:
            UnknownName: for an engine that is not there.

        >>> Network.from_sizes([2, 1]).init().engine().name
        'reference'
        """
        if name == "auto" and self.history is not None and self.history.engine in ENGINES:
            name = self.history.engine
        return choose(name)

    def outputs(self, X: Any, *, engine: str = "auto") -> Array:
        """Give the outputs A[K] as they are, shape (n, N_K), without dropout and with running statistics.

        Args:
            X: shape (n, N_0), or raw rows where the model has an encoder.
            engine: what computes, see `engine`.

        >>> Network.from_sizes([2, 1], output="sigmoid").init().outputs([[0.0, 0.0]]).tolist()
        [[0.5]]
        """
        return self.engine(engine).predict(self.network, self.theta, self.state, self.inputs(X))

    def forward(self, X: Any) -> Activations:
        """Give every Z[l] and A[l] for these rows; A[0] is a copy of what the network sees of X.

        >>> passed = Network.from_sizes([2, 3, 1]).init().forward([[1.0, 2.0]])
        >>> passed.A[1].shape
        (1, 3)
        """
        inputs = self.inputs(X)
        A: dict[int, Any] = {0: inputs.tocsr() if isinstance(inputs, SparseRows) else inputs.copy()}
        Z = {}
        steps, _ = forward(self.network, self.parameters, self.state, inputs)
        for (_, l), (_, before, after, _) in zip(self.network.steps, steps, strict=True):
            A[l] = after
            if before is not None:
                Z[l] = before
        return Activations(Z, A)

    def predict(self, X: Any, *, engine: str = "auto") -> Array:
        """Give the label of the likeliest class, or the values, for each row.

        Args:
            X: shape (n, N_0), or raw rows where the model has an encoder.
            engine: what computes, see `engine`.

        Returns:
            Labels of shape (n,), or values of shape (n,) or (n, N_K) as in training; an untrained model gives outputs.

        Raises:
            ShapeError, DataError: for rows that do not fit.
        """
        A = self.outputs(X, engine=engine)
        if self.target is None:
            return A
        if self.task == "multilabel":
            answers = (A >= 0.5).astype(np.int64)
            return answers[:, 0] if self.target.flat and A.shape[1] == 1 else answers
        return self.target.inverse(truth_of(A, self.classes is not None))

    def predict_proba(self, X: Any, *, engine: str = "auto") -> Array:
        """Give the probability of each class, shape (n, classes), or of each yes in multilabel tasks, shape (n, N_K).

        One sigmoid output a is the probability of the second class: (1 - a, a). Where several sigmoid outputs stand for
        classes that exclude one another, they are divided by their sum.

        Args:
            X: shape (n, N_0), or raw rows where the model has an encoder.
            engine: what computes, see `engine`.

        Raises:
            UsageError: where the model predicts values, or its outputs are no probabilities.
            ShapeError, DataError: for rows that do not fit.
        """
        if self.target is not None and self.task == "regression":
            raise UsageError("this model predicts values and has no class probabilities; use predict")
        activation = self.network.output_activation
        if activation.range[0] < 0 or activation.range[1] > 1:
            raise UsageError(
                "the output activation {name!r} gives no probabilities; use 'softmax' or 'sigmoid'",
                name=activation.name,
            )
        A = self.outputs(X, engine=engine)
        if A.shape[1] == 1 and self.task != "multilabel":
            return np.concatenate([1 - A, A], axis=1)
        if activation.name == "softmax" or self.classes is None:
            return A
        total = A.sum(axis=1, keepdims=True)
        return np.where(total > 0, A / np.where(total > 0, total, 1), 1 / A.shape[1])

    def evaluate(self, X: Any, Y: Any, weights: Any = None, *, engine: str = "auto") -> dict[str, float]:
        """Measure the model on rows with known targets.

        Args:
            X: shape (n, N_0), or raw rows where the model has an encoder.
            Y: labels or values, as in training.
            weights: one weight per row, or None.
            engine: what computes, see `engine`.

        Returns:
            ``loss`` (without penalties) and, for classes, ``accuracy``, else ``rmse``, ``mae`` and ``r2`` in the
            target's own unit. A row of weight 2 counts as if it stood there twice.

        Raises:
            ShapeError, DataError: for rows, targets or weights that do not fit, or labels unseen in training.

        >>> model = Network.from_sizes([2, 1], output="sigmoid").init()
        >>> round(model.evaluate([[0.0, 0.0]], [1])["loss"], 4)
        0.6931
        """
        inputs = self.inputs(X)
        target, matrix = self.targets(Y, len(inputs))
        computing = self.engine(engine)
        A = computing.predict(self.network, self.theta, self.state, inputs)
        vector = as_weights(weights, len(inputs), self.dtype)
        objective = Objective(self.network, self.loss)
        cost = computing.loss(objective, self.theta, self.state, inputs, matrix, vector)
        return {"loss": float(cost), **measure(dataclasses.replace(self, target=target), A, matrix, vector)}

    def gradient(
        self,
        X: Any,
        Y: Any,
        weights: Any = None,
        *,
        loss: str | Loss | None = None,
        draw: Draw | None = None,
        engine: str = "reference",
    ) -> Gradient:
        """Give the cost of a batch, without penalties, with dC/dtheta and dC/dX.

        Args:
            X: shape (m, N_0), or raw rows where the model has an encoder.
            Y: labels or values, as in training.
            weights: one weight per row, or None.
            loss: another loss than the model's own.
            draw: the dropout masks of a training pass, ``Draw(seed, update)``; None computes as in prediction.
            engine: what computes; the reference engine unless asked otherwise, since one batch repays no compiling.

        Returns:
            A `Gradient`: ``cost``, ``theta``, ``W[l]``, ``b[l]``, ``inputs``, and numbers by name: ``["W2[1,0]"]``.
            ``inputs`` is None where X is sparse, since dC/dX would not be.

        Raises:
            ShapeError, DataError: for rows, targets or weights that do not fit.
            UsageError: for a loss that does not suit the output activation, or a draw that is none.

        >>> model = Network.from_sizes([2, 1], output="sigmoid").init()
        >>> model.gradient([[1.0, 2.0]], [1]).W[1].shape
        (1, 2)
        """
        if not isinstance(draw, Draw | None):
            raise UsageError("draw is {draw!r}; expected Draw(seed, update), such as Draw(0, 1), or None", draw=draw)
        inputs = self.inputs(X)
        chosen = self.loss if loss is None else LOSSES.find(loss)
        _, matrix = dataclasses.replace(self, loss=chosen).targets(Y, len(inputs))
        objective, vector = Objective(self.network, chosen), as_weights(weights, len(inputs), self.dtype)
        dense = not isinstance(inputs, SparseRows)
        computing = self.engine(engine)
        return computing.gradient(objective, self.theta, self.state, inputs, matrix, vector, draw, inputs=dense)

    def targets(self, Y: Any, rows: int) -> tuple[TargetEncoder, Array]:
        """Give what labels or values mean, and the matrix of them that the loss sees.

        Args:
            Y: labels or values, as in training.
            rows: how many rows there are.

        Returns:
            The model's target encoder, or one found from Y where it has none, and a matrix of shape (rows, N_K).

        Raises:
            ShapeError, DataError: for targets that do not fit.
        """
        if not rows:
            raise DataError("X has no rows; at least one example is needed")
        target = self.target or fit_target(self.network, self.loss, Y, rows)
        return target, as_targets(Y, rows, self.network, self.loss, target, self.dtype)

    def summary(self) -> Table:
        """Give a table of the layers: outputs, shape of W, parameters, activation and memory."""
        return self.network.summary(self.dtype)

    def __repr__(self) -> str:
        trained = f", {self.history.updates:,} updates" if self.history else ", untrained"
        return f"Model({self.network!r}, {self.dtype}{trained})"

    def _repr_html_(self) -> str:
        return f"<code>{escape(repr(self))}</code>{self.summary()._repr_html_()}"


def measure(
    model: Model, A: Array, Y: Array, weights: Array | None = None, names: Collection[str] | None = None
) -> dict[str, float]:
    """Give the metrics of the model's task for outputs A and a target matrix Y, in the target's own unit.

    Args:
        model: whose task and target are used.
        A: outputs, shape (n, N_K).
        Y: target matrix, shape (n, N_K).
        weights: one weight per row, or None.
        names: which of them; None gives all.
    """
    if model.task == "multilabel":
        return {"accuracy": METRICS["accuracy"].value(A >= 0.5, Y >= 0.5, weights)}
    classes = model.task == "classification"
    predicted, truth = truth_of(A, classes), truth_of(Y, classes)
    if not classes and model.target is not None:
        predicted, truth = model.target.inverse(predicted), model.target.inverse(truth)
    wanted = [name for name, metric in METRICS.items() if metric.task == model.task and (not names or name in names)]
    return {name: METRICS[name].value(predicted, truth, weights) for name in wanted}
