"""What is computed: a network is a frozen list of layers and a number of inputs; it holds no weights.

    Network([Dense(30, "sigmoid"), Dense(10, "softmax")], inputs=784)

Layers with weights count l = 1 … K; `Dropout` and `BatchNorm` belong to the dense layer before them (l = 0: the inputs). The
parameters theta and the state (running statistics) of a network are flat vectors; which piece of them is W[l], b[l] and so on
is what `Network.entries` and `Network.state_entries` say.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from chainrule.errors import ShapeError, UsageError
from chainrule.formulas import ACTIVATIONS, INITIALIZERS, Activation, Formula, Initializer
from chainrule.table import Table, human_bytes

if TYPE_CHECKING:
    from chainrule.model import Model

__all__ = ["BIASES", "BatchNorm", "Dense", "Dropout", "Entry", "Layer", "Network"]

BIASES = ("neuron", "layer", "fixed", "none")


def _whole(value: object, what: str) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
        raise ShapeError("{what} is {value!r}; it must be a whole number of at least 1", what=what, value=value)
    return int(value)


@dataclass(frozen=True)
class Dense:
    """A layer in which every neuron sees every input: Z = A @ W.T + b, then A = f(Z).

    Args:
        units: number of neurons N_l.
        activation: f, by name or as a record.
        bias: "neuron" (one trained bias each), "layer" (one trained bias for all), "fixed" (held where it is) or "none".
        initializer: how W starts; None takes the one that suits the activation.
        bias_initializer: how b starts.

    Raises:
        ShapeError: for a number of units below 1.
        UnknownName: for an activation or initializer that is in no catalogue.

    >>> Dense(30, "sigmoid")
    Dense(30, 'sigmoid')
    """

    units: int
    activation: Activation = "identity"  # type: ignore[assignment]
    bias: str = "neuron"
    initializer: Initializer | None = None
    bias_initializer: Initializer = "zeros"  # type: ignore[assignment]

    def __init__(
        self,
        units: int,
        activation: str | Activation = "identity",
        bias: str = "neuron",
        initializer: str | Initializer | None = None,
        bias_initializer: str | Initializer = "zeros",
    ) -> None:
        if bias not in BIASES:
            raise UsageError("bias is {bias!r}; it must be one of: {known}", bias=bias, known=", ".join(BIASES))
        put = object.__setattr__
        put(self, "units", _whole(units, "the number of neurons of a layer"))
        put(self, "activation", ACTIVATIONS.find(activation))
        put(self, "bias", bias)
        put(self, "initializer", None if initializer is None else INITIALIZERS.find(initializer))
        put(self, "bias_initializer", INITIALIZERS.find(bias_initializer))

    def __repr__(self) -> str:
        parts = [str(self.units), repr(str(self.activation))]
        if self.bias != "neuron":
            parts.append(f"bias={self.bias!r}")
        if self.initializer is not None:
            parts.append(f"initializer={str(self.initializer)!r}")
        if self.bias_initializer.name != "zeros":
            parts.append(f"bias_initializer={str(self.bias_initializer)!r}")
        return f"Dense({', '.join(parts)})"


@dataclass(frozen=True)
class Dropout:
    """In training, each activation is kept with probability 1 - rate and divided by it (inverted dropout); else passed on.

    Args:
        rate: share of activations set to 0, from 0 up to but not including 1.

    Raises:
        UsageError: for a rate outside of [0, 1).

    Source: N. Srivastava et al., "Dropout", JMLR 2014; inverted, so that prediction needs no scaling.

    >>> Dropout(0.5)
    Dropout(0.5)
    """

    rate: float = 0.5

    def __post_init__(self) -> None:
        number = isinstance(self.rate, (int, float, np.number)) and not isinstance(self.rate, bool)
        if not number or not 0 <= self.rate < 1:
            raise UsageError(
                "the dropout rate is {rate!r}; it must be from 0 up to, but not including, 1, such as 0.5", rate=self.rate
            )
        object.__setattr__(self, "rate", float(self.rate))

    def __repr__(self) -> str:
        return f"Dropout({self.rate:g})"


@dataclass(frozen=True)
class BatchNorm:
    """Normalizes each column over the batch, then scales and shifts it: a = f(gamma * zhat + beta).

    zhat = (z - mean) / sqrt(variance + epsilon), with the batch's mean and variance in training (weighted by the examples'
    weights) and the running ones in prediction. The running statistics are state, not parameters:
    running <- (1 - momentum) running + momentum batch, the variance with m / (m - 1).

    Args:
        activation: f, applied after the normalization; for the order Dense, BatchNorm, activation of the paper.
        momentum: share of the newest batch in the running statistics, in (0, 1].
        epsilon: added to the variance, above 0.

    Raises:
        UsageError: for a momentum or epsilon outside of its range.

    Source: S. Ioffe and C. Szegedy, "Batch normalization", ICML 2015.

    >>> BatchNorm("relu")
    BatchNorm('relu')
    """

    activation: Activation = "identity"  # type: ignore[assignment]
    momentum: float = 0.1
    epsilon: float = 1e-5

    def __init__(self, activation: str | Activation = "identity", momentum: float = 0.1, epsilon: float = 1e-5) -> None:
        if not 0 < momentum <= 1:
            raise UsageError("momentum is {momentum!r}; it must be above 0 and at most 1", momentum=momentum)
        if not 0 < epsilon < np.inf:
            raise UsageError("epsilon is {epsilon!r}; it must be above 0, such as 1e-5", epsilon=epsilon)
        object.__setattr__(self, "activation", ACTIVATIONS.find(activation))
        object.__setattr__(self, "momentum", float(momentum))
        object.__setattr__(self, "epsilon", float(epsilon))

    def __repr__(self) -> str:
        more = [
            f"{name}={value:g}"
            for name, value, usual in [("momentum", self.momentum, 0.1), ("epsilon", self.epsilon, 1e-5)]
            if value != usual
        ]
        return f"BatchNorm({', '.join([repr(str(self.activation)), *more])})"


Layer: TypeAlias = Dense | Dropout | BatchNorm


@dataclass(frozen=True)
class Entry:
    """One named piece of a flat vector.

    Args:
        kind: "W", "b", "gamma", "beta" in theta; "mean", "var" in the state.
        layer: l.
        start: where it begins in the vector.
        shape: its shape in the notation.
        stored: how many numbers it takes in the vector: 1 for a bias that a whole layer shares.
        trained: whether descent moves it (False for fixed biases and for state).
    """

    kind: str
    layer: int
    start: int
    shape: tuple[int, ...]
    stored: int
    trained: bool

    @property
    def name(self) -> str:
        """Kind and layer, such as W2."""
        return f"{self.kind}{self.layer}"

    def view(self, vector: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Give this piece of the vector in its shape, without a copy; a shared bias is a read-only broadcast."""
        piece = vector[self.start : self.start + self.stored]
        if self.stored != math.prod(self.shape):
            return np.broadcast_to(piece, self.shape)
        return piece.reshape(self.shape)


@dataclass(frozen=True)
class Network:
    """A chain of layers on a number of inputs; frozen, without weights.

    Args:
        layers: `Dense`, `Dropout` and `BatchNorm` in order; the last `Dense` (or its `BatchNorm`) gives the outputs.
        inputs: number of input columns, N_0.

    Raises:
        ShapeError: for no dense layer, an input number below 1, or two `BatchNorm` on one dense layer.
        UsageError: for a layer of another kind, or a `Dropout` on the outputs.

    >>> network = Network([Dense(30, "sigmoid"), Dense(10, "softmax")], inputs=784)
    >>> network.sizes, network.depth, network.parameter_count
    ((784, 30, 10), 2, 23860)
    """

    layers: tuple[Layer, ...]
    inputs: int
    steps: tuple[tuple[Layer, int], ...] = field(init=False, repr=False, compare=False)

    def __init__(self, layers: Sequence[Layer], inputs: int) -> None:
        put = object.__setattr__
        put(self, "layers", tuple(layers))
        put(self, "inputs", _whole(inputs, "the number of inputs"))
        put(self, "steps", tuple(_numbered(self.layers)))
        if not self.dense:
            raise ShapeError("the network has no Dense layer; add at least the output layer, such as Dense(1, 'sigmoid')")
        if isinstance(self.layers[-1], Dropout):
            raise UsageError("the last layer is a Dropout, which would delete outputs; put it before the last Dense")

    @classmethod
    def from_sizes(
        cls,
        sizes: Sequence[int],
        hidden: str | Activation = "relu",
        output: str | Activation = "identity",
        *,
        dropout: float = 0.0,
        batch_norm: bool = False,
        bias: str = "neuron",
        initializer: str | Initializer | None = None,
        bias_initializer: str | Initializer = "zeros",
    ) -> Network:
        """Make a network from the numbers of neurons, inputs first and outputs last.

        Args:
            sizes: such as [784, 30, 10]: 784 inputs, 30 hidden neurons, 10 outputs.
            hidden: activation of the layers in between.
            output: activation of the last layer.
            dropout: rate of a `Dropout` after each hidden layer; 0 for none.
            batch_norm: whether a `BatchNorm` stands before each hidden activation.
            bias: kind of bias of every dense layer, see `Dense`; with batch_norm, hidden layers need none.
            initializer: how weights start; None takes the one that suits the activation.
            bias_initializer: how biases start.

        Raises:
            ShapeError: for fewer than two sizes or a size below 1.

        >>> Network.from_sizes([784, 30, 10], hidden="relu", output="softmax")
        Network([Dense(30, 'relu'), Dense(10, 'softmax')], inputs=784)
        """
        if len(sizes) < 2:
            raise ShapeError("sizes is {sizes}; it needs inputs and outputs at least, such as [784, 30, 10]", sizes=list(sizes))
        rest: dict[str, Any] = {"initializer": initializer, "bias_initializer": bias_initializer}
        layers: list[Layer] = []
        for units in sizes[1:-1]:
            if batch_norm:
                layers += [Dense(units, "identity", bias="none", initializer=initializer), BatchNorm(hidden)]
            else:
                layers.append(Dense(units, hidden, bias=bias, **rest))
            if dropout:
                layers.append(Dropout(dropout))
        return cls([*layers, Dense(sizes[-1], output, bias=bias, **rest)], inputs=sizes[0])

    @cached_property
    def dense(self) -> tuple[Dense, ...]:
        """The dense layers in order; `dense[l - 1]` is layer l."""
        return tuple(layer for layer in self.layers if isinstance(layer, Dense))

    @cached_property
    def sizes(self) -> tuple[int, ...]:
        """(N_0, N_1, …, N_K)."""
        return (self.inputs, *(layer.units for layer in self.dense))

    @property
    def depth(self) -> int:
        """K, the number of weight matrices."""
        return len(self.dense)

    @property
    def outputs(self) -> int:
        """N_K, the number of outputs."""
        return self.sizes[-1]

    @property
    def output_activation(self) -> Activation:
        """The activation that gives the outputs: the last dense layer's, or that of a `BatchNorm` behind it."""
        last = self.layers[-1]
        assert not isinstance(last, Dropout)
        return last.activation

    @cached_property
    def entries(self) -> tuple[Entry, ...]:
        """The pieces of theta, layer after layer: W[l], b[l], gamma[l], beta[l]."""
        found: list[Entry] = []
        for layer, l in self.steps:
            if isinstance(layer, Dense):
                rows, columns = layer.units, self.sizes[l - 1]
                _add(found, "W", l, (rows, columns))
                if layer.bias != "none":
                    stored = 1 if layer.bias == "layer" else rows
                    _add(found, "b", l, (rows,), stored, trained=layer.bias != "fixed")
            elif isinstance(layer, BatchNorm):
                _add(found, "gamma", l, (self.sizes[l],))
                _add(found, "beta", l, (self.sizes[l],))
        return tuple(found)

    @cached_property
    def state_entries(self) -> tuple[Entry, ...]:
        """The pieces of the state: running mean[l] and var[l] of each `BatchNorm`."""
        found: list[Entry] = []
        for layer, l in self.steps:
            if isinstance(layer, BatchNorm):
                _add(found, "mean", l, (self.sizes[l],), trained=False)
                _add(found, "var", l, (self.sizes[l],), trained=False)
        return tuple(found)

    @property
    def parameter_count(self) -> int:
        """The length of theta."""
        return sum(entry.stored for entry in self.entries)

    @property
    def trained_count(self) -> int:
        """How many parameters descent moves: theta without fixed biases."""
        return sum(entry.stored for entry in self.entries if entry.trained)

    @property
    def state_count(self) -> int:
        """The length of the state."""
        return sum(entry.stored for entry in self.state_entries)

    def initializer_of(self, l: int) -> Initializer:
        """Give the initializer of W[l]: the layer's own, else the one that suits the activation behind it."""
        layer = self.dense[l - 1]
        if layer.initializer is not None:
            return layer.initializer
        normed = [norm for norm, at in self.steps if isinstance(norm, BatchNorm) and at == l]
        activation = normed[0].activation if normed else layer.activation
        return INITIALIZERS.find(activation.initializer)

    def init(self, seed: int = 0, dtype: npt.DTypeLike = np.float64) -> Model:
        """Draw the parameters and give a `Model`, ready to train, predict or set by hand.

        Args:
            seed: whole number; W[l] depends on (seed, l) alone.
            dtype: float64 or float32.

        Returns:
            A model whose theta holds W by each layer's initializer, b by its bias initializer, gamma = 1 and beta = 0.

        Raises:
            UsageError: for a seed or dtype that cannot be.

        >>> model = Network.from_sizes([2, 3, 1]).init(seed=1)
        >>> model.W[1].shape, model.b[2].shape
        ((3, 2), (1,))
        """
        from chainrule.model import Model  # the one import that points up: see docs/decisions.md

        return Model.start(self, seed=seed, dtype=dtype)

    def describe(self) -> dict[str, Any]:
        """Give the architecture as plain data, for model files and JSON; `from_description` reads it back.

        >>> Network([Dense(1)], inputs=2).describe()["inputs"]
        2
        """
        return {"inputs": self.inputs, "layers": [_describe(layer) for layer in self.layers]}

    @classmethod
    def from_description(cls, description: Mapping[str, Any]) -> Network:
        """Make a network from what `describe` gave; anything beyond that closed form is an error.

        Raises:
            UsageError: for missing or unknown keys, kinds, names or values.

        >>> network = Network.from_sizes([2, 3, 1], dropout=0.5)
        >>> Network.from_description(network.describe()) == network
        True
        """
        fields = _closed(description, "the network", {"inputs", "layers"})
        if not isinstance(fields["layers"], list):
            raise UsageError("the layers of the network are {given!r}; expected a list", given=fields["layers"])
        return cls([_layer_from(layer) for layer in fields["layers"]], inputs=fields["inputs"])

    def summary(self, dtype: npt.DTypeLike = np.float64) -> Table:
        """Give a table of the layers: shape of the output, parameters, activation and memory.

        Args:
            dtype: the number type that the memory is stated for.

        >>> print(Network.from_sizes([784, 30, 10], output="softmax").summary())
        Network 784-30-10
        layer    output  parameters  activation  memory
        --------------------------------------------------
        inputs   784              0              0 B
        1 Dense  30          23,550  relu        184.0 KiB
        2 Dense  10             310  softmax     2.4 KiB
        --------------------------------------------------
        23,860 parameters, 186.4 KiB as float64
        """
        size = np.dtype(dtype).itemsize
        rows: list[tuple[object, ...]] = [("inputs", str(self.inputs), 0, "", "0 B")]
        for layer, l in self.steps:
            kinds = {"Dense": ("W", "b"), "BatchNorm": ("gamma", "beta"), "Dropout": ()}[type(layer).__name__]
            count = sum(entry.stored for entry in self.entries if entry.layer == l and entry.kind in kinds)
            shown = f"rate {layer.rate:g}" if isinstance(layer, Dropout) else str(layer.activation)
            rows.append((f"{l} {type(layer).__name__}", str(self.sizes[l]), count, shown, human_bytes(count * size)))
        total = f"{self.parameter_count:,} parameters, {human_bytes(self.parameter_count * size)} as {np.dtype(dtype).name}"
        held = self.parameter_count - self.trained_count
        notes = [f"{held:,} of them held fixed"] if held else []
        notes += [f"{self.state_count:,} running statistics"] if self.state_count else []
        title = "Network " + "-".join(map(str, self.sizes))
        return Table(title, ("layer", "output", "parameters", "activation", "memory"), rows, "; ".join([total, *notes]))

    def __repr__(self) -> str:
        return f"Network([{', '.join(map(repr, self.layers))}], inputs={self.inputs})"

    def _repr_html_(self) -> str:
        return f"<code>{escape(repr(self))}</code>{self.summary()._repr_html_()}"


def _numbered(layers: Sequence[Layer]) -> list[tuple[Layer, int]]:
    """Pair each layer with its l: the number of dense layers up to and including it."""
    steps: list[tuple[Layer, int]] = []
    l = 0
    for layer in layers:
        if not isinstance(layer, (Dense, Dropout, BatchNorm)):
            raise UsageError("{layer!r} is not a layer; expected Dense, Dropout or BatchNorm", layer=layer)
        l += isinstance(layer, Dense)
        if isinstance(layer, BatchNorm) and any(at == l and isinstance(other, BatchNorm) for other, at in steps):
            raise ShapeError("two BatchNorm stand behind layer {l}; the second would undo the first, remove it", l=l)
        steps.append((layer, l))
    return steps


def _add(
    found: list[Entry], kind: str, l: int, shape: tuple[int, ...], stored: int | None = None, *, trained: bool = True
) -> None:
    start = found[-1].start + found[-1].stored if found else 0
    found.append(Entry(kind, l, start, shape, math.prod(shape) if stored is None else stored, trained))


def _describe(layer: Layer) -> dict[str, Any]:
    if isinstance(layer, Dropout):
        return {"kind": "Dropout", "rate": layer.rate}
    if isinstance(layer, BatchNorm):
        return {
            "kind": "BatchNorm",
            "activation": layer.activation.describe(),
            "momentum": layer.momentum,
            "epsilon": layer.epsilon,
        }
    return {
        "kind": "Dense",
        "units": layer.units,
        "activation": layer.activation.describe(),
        "bias": layer.bias,
        "initializer": None if layer.initializer is None else layer.initializer.describe(),
        "bias_initializer": layer.bias_initializer.describe(),
    }


def _layer_from(description: object) -> Layer:
    kind = description.get("kind") if isinstance(description, Mapping) else None
    if kind == "Dropout":
        return Dropout(_closed(description, "a Dropout", {"kind", "rate"})["rate"])
    if kind == "BatchNorm":
        fields = _closed(description, "a BatchNorm", {"kind", "activation", "momentum", "epsilon"})
        for name in ("momentum", "epsilon"):
            if isinstance(fields[name], bool) or not isinstance(fields[name], (int, float)):
                raise UsageError("{name} of a BatchNorm is {given!r}; expected a number", name=name, given=fields[name])
        return BatchNorm(_formula(ACTIVATIONS, fields["activation"]), fields["momentum"], fields["epsilon"])
    if kind == "Dense":
        names = {"kind", "units", "activation", "bias", "initializer", "bias_initializer"}
        fields = _closed(description, "a Dense", names)
        own = fields["initializer"]
        return Dense(
            fields["units"],
            _formula(ACTIVATIONS, fields["activation"]),
            fields["bias"],
            None if own is None else _formula(INITIALIZERS, own),
            _formula(INITIALIZERS, fields["bias_initializer"]),
        )
    raise UsageError("a layer is described as {given!r}; expected kind Dense, Dropout or BatchNorm", given=description)


def _formula(catalogue: Any, description: object) -> Any:
    if not isinstance(description, Mapping) or "name" not in description:
        raise UsageError("a formula is described as {given!r}; expected its name and parameters", given=description)
    formula: Formula = catalogue.find(description["name"])
    return formula.with_parameters(**{name: value for name, value in description.items() if name != "name"})


def _closed(description: object, what: str, names: set[str]) -> Mapping[str, Any]:
    if not isinstance(description, Mapping) or set(description) != names:
        given = sorted(map(str, description)) if isinstance(description, Mapping) else repr(description)
        raise UsageError(
            "{what} is described by {given}; expected exactly {names}", what=what, given=given, names=sorted(names)
        )
    return description
