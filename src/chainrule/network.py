"""What is computed: a network is a frozen list of layers and a number of inputs; it holds no weights.

    Network([Dense(30, "sigmoid"), Dense(10, "softmax")], inputs=784)

Layers with weights count l = 1 … K; `Dropout` and `BatchNorm` belong to the dense layer before them (l = 0: the
inputs). The parameters theta and the state (running statistics) of a network are flat vectors; which piece of them is
W[l], b[l] and so on is what `Network.entries` and `Network.state_entries` say.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from chainrule.descriptions import describe_layer, read_fields, read_layer
from chainrule.errors import ShapeError, UsageError
from chainrule.formulas import INITIALIZERS, Activation, Initializer
from chainrule.language import Message
from chainrule.layers import (
    BIASES,
    BatchNorm,
    Dense,
    Dropout,
    Layer,
    check_dtype,
    check_layers,
    check_size,
    number_layers,
)
from chainrule.table import Table, human_bytes

if TYPE_CHECKING:
    from chainrule.model import Model

__all__ = ["BIASES", "BatchNorm", "Dense", "Dropout", "Entry", "Layer", "Network"]

_SUMMARY = (
    Message("layer"),
    Message("outputs"),
    Message("weights"),
    Message("parameters"),
    Message("activation"),
    Message("memory"),
)


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

    @cached_property
    def name(self) -> str:
        """Kind and layer, such as W2."""
        return f"{self.kind}{self.layer}"

    @cached_property
    def shared(self) -> bool:
        """Whether one number stands for the whole array: a bias that a layer of several neurons shares."""
        return self.stored != math.prod(self.shape)

    @cached_property
    def place(self) -> slice:
        """Which part of the vector it is."""
        return slice(self.start, self.start + self.stored)

    def view(self, vector: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Give this piece of the vector in its shape, without a copy; a shared bias is a read-only broadcast."""
        piece = vector[self.place]
        return np.broadcast_to(piece, self.shape) if self.shared else piece.reshape(self.shape)


@dataclass(frozen=True)
class Network:
    """A chain of layers on a number of inputs; frozen, without weights.

    Args:
        layers: `Dense`, `Dropout` and `BatchNorm` in order; the last `Dense` (or its `BatchNorm`) gives the outputs.
        inputs: number of input columns, N_0.

    Raises:
        ShapeError: for no dense layer, or a number of inputs below 1.
        UsageError: for a layer of another kind, two `BatchNorm` or two `Dropout` behind one dense layer, or a `Dropout`
            on the outputs.

    >>> network = Network([Dense(30, "sigmoid"), Dense(10, "softmax")], inputs=784)
    >>> network.sizes, network.depth, network.parameter_count
    ((784, 30, 10), 2, 23860)
    """

    layers: tuple[Layer, ...]
    inputs: int
    steps: tuple[tuple[Layer, int], ...] = field(init=False, repr=False, compare=False)

    def __init__(self, layers: Sequence[Layer], inputs: int) -> None:
        put = object.__setattr__
        put(self, "layers", check_layers(layers))
        put(self, "inputs", check_size(inputs, Message("the number of inputs")))
        put(self, "steps", number_layers(self.layers))
        if not self.dense:
            raise ShapeError("the network has no Dense layer; add at least the output layer: Dense(1, 'sigmoid')")
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
            bias: kind of bias of every dense layer, see `Dense`; with batch_norm hidden layers have none, since beta
                does the same.
            initializer: how weights start; None takes the one that suits the activation.
            bias_initializer: how biases start.

        Raises:
            ShapeError: for fewer than two sizes or a size below 1.

        >>> Network.from_sizes([784, 30, 10], hidden="relu", output="softmax")
        Network([Dense(30, 'relu'), Dense(10, 'softmax')], inputs=784)
        """
        if not isinstance(sizes, (Sequence, np.ndarray)) or len(sizes) < 2:
            raise ShapeError(
                "sizes is {sizes!r}; it needs inputs and outputs at least, such as [784, 30, 10]", sizes=sizes
            )
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

    @cached_property
    def parameter_count(self) -> int:
        """The length of theta."""
        return sum(entry.stored for entry in self.entries)

    @cached_property
    def trained_count(self) -> int:
        """How many parameters descent moves: theta without fixed biases."""
        return sum(entry.stored for entry in self.entries if entry.trained)

    @cached_property
    def state_count(self) -> int:
        """The length of the state."""
        return sum(entry.stored for entry in self.state_entries)

    def part(self, first: int, last: int) -> Network:
        """Give layers ``first`` … ``last`` as a network of their own, such as the encoder of an autoencoder.

        What stands behind a dense layer goes with it, and what stands before the first one goes with layer 1; a
        `Dropout` at the end is left out.

        Args:
            first: the first dense layer, counted from 1.
            last: the last one, at most K.

        Raises:
            ShapeError: for layers that are not there.

        >>> Network.from_sizes([64, 30, 10, 30, 64], dropout=0.5).part(1, 2)
        Network([Dense(30, 'relu'), Dropout(0.5), Dense(10, 'relu')], inputs=64)
        """
        if not 1 <= first <= last <= self.depth:
            raise ShapeError(
                "there is no part from layer {first} to layer {last}; the network has the layers 1 to {depth}",
                first=first,
                last=last,
                depth=self.depth,
            )
        layers = [layer for layer, l in self.steps if max(l, 1) in range(first, last + 1)]
        while isinstance(layers[-1], Dropout):
            layers.pop()
        return Network(layers, inputs=self.sizes[first - 1])

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
            seed: whole number. W[l] is a function of (seed, l, N_{l-1}, N_l) and its initializer alone: what the other
                layers are does not change it.
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
        return {"inputs": self.inputs, "layers": [describe_layer(layer) for layer in self.layers]}

    @classmethod
    def from_description(cls, description: Mapping[str, Any]) -> Network:
        """Make a network from what `describe` gave; anything beyond that closed form is an error.

        Raises:
            UsageError: for missing or unknown keys, kinds, names or values.

        >>> network = Network.from_sizes([2, 3, 1], dropout=0.5)
        >>> Network.from_description(network.describe()) == network
        True
        """
        fields = read_fields(description, Message("the network"), "inputs", "layers")
        if not isinstance(fields["layers"], list):
            raise UsageError("the layers of the network are {given!r}; expected a list", given=fields["layers"])
        return cls([read_layer(layer) for layer in fields["layers"]], inputs=fields["inputs"])

    def summary(self, dtype: npt.DTypeLike = np.float64) -> Table:
        """Give a table of the layers: number of outputs, shape of W, parameters, activation, and their memory.

        Args:
            dtype: the number type that the memory is stated for, float64 or float32.

        Raises:
            UsageError: for another number type.

        >>> print(Network.from_sizes([784, 30, 10], output="softmax").summary())
        Network 784-30-10
        layer    outputs  weights   parameters  activation  memory
        -------------------------------------------------------------
        inputs       784
        1 Dense       30  30 x 784      23,550  relu        184.0 KiB
        2 Dense       10  10 x 30          310  softmax     2.4 KiB
        -------------------------------------------------------------
        23,860 parameters, 186.4 KiB as float64
        """
        kind = check_dtype(dtype)
        inputs = (Message("inputs"), self.inputs, "", "", "", "")
        rows = [inputs, *(self._row(i, kind.itemsize) for i in range(len(self.steps)))]
        footer = Message(
            "{count:,} parameters, {memory} as {kind}",
            count=self.parameter_count,
            memory=human_bytes(self.parameter_count * kind.itemsize),
            kind=kind.name,
        )
        if held := self.parameter_count - self.trained_count:
            footer = Message("{text}; {held:,} of them held fixed", text=footer, held=held)
        if self.state_count:
            footer = Message("{text}; {count:,} running statistics", text=footer, count=self.state_count)
        title = Message("Network {sizes}", sizes="-".join(map(str, self.sizes)))
        return Table(title, _SUMMARY, rows, footer)

    def _row(self, i: int, itemsize: int) -> tuple[object, ...]:
        """Give the summary's row for step i."""
        layer, l = self.steps[i]
        name, outputs = f"{l} {type(layer).__name__}", self.sizes[l]
        if isinstance(layer, Dropout):
            return (name, outputs, "", 0, Message("rate {rate:g}", rate=layer.rate), "")
        dense = isinstance(layer, Dense)
        kinds = ("W", "b") if dense else ("gamma", "beta")
        count = sum(entry.stored for entry in self.entries if entry.layer == l and entry.kind in kinds)
        weights = f"{outputs} x {self.sizes[l - 1]}" if dense else ""
        return (name, outputs, weights, count, str(layer.activation), human_bytes(count * itemsize))

    def __repr__(self) -> str:
        return f"Network([{', '.join(map(repr, self.layers))}], inputs={self.inputs})"

    def _repr_html_(self) -> str:
        return f"<code>{escape(repr(self))}</code>{self.summary()._repr_html_()}"


def _add(
    found: list[Entry], kind: str, l: int, shape: tuple[int, ...], stored: int | None = None, *, trained: bool = True
) -> None:
    start = found[-1].start + found[-1].stored if found else 0
    found.append(Entry(kind, l, start, shape, math.prod(shape) if stored is None else stored, trained))
