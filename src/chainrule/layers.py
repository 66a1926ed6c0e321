"""What a network is made of: `Dense`, `Dropout` and `BatchNorm`, frozen and without weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from chainrule.errors import ShapeError, UsageError
from chainrule.formulas import ACTIVATIONS, INITIALIZERS, Activation, Formula, Initializer
from chainrule.formulas.intervals import is_real
from chainrule.language import Message

__all__ = [
    "BIASES",
    "BatchNorm",
    "Dense",
    "Dropout",
    "Layer",
    "check_dtype",
    "check_layers",
    "check_size",
    "number_layers",
]

BIASES = ("neuron", "layer", "fixed", "none")

# More neurons than any machine holds; a bound keeps the numbers out of a damaged file within what can be printed.
_LARGEST = 2**31 - 1


def check_size(value: object, what: str) -> int:
    """Return a number of neurons or inputs as a Python int.

    Raises:
        ShapeError: where it is no whole number from 1 to 2^31 - 1.

    >>> check_size(30, "the number of inputs")
    30
    """
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or not 1 <= value <= _LARGEST:
        raise ShapeError(
            "{what} is {value!r}; it must be a whole number from 1 to 2**31 - 1, such as 30", what=what, value=value
        )
    return int(value)


def check_dtype(dtype: npt.DTypeLike) -> np.dtype[Any]:
    """Return float64 or float32; any other number type is an error.

    Raises:
        UsageError: for another one, or what is no number type.

    >>> check_dtype("float32")
    dtype('float32')
    """
    try:
        found = np.dtype(dtype)
    except TypeError:
        found = np.dtype(object)
    if found not in (np.dtype(np.float64), np.dtype(np.float32)):
        raise UsageError("dtype is {dtype!r}; it must be float64 or float32", dtype=str(dtype))
    return found


@dataclass(frozen=True)
class Dense:
    """A layer in which every neuron sees every input: Z = A @ W.T + b, then A = f(Z).

    Args:
        units: number of neurons N_l.
        activation: f, by name or as a record.
        bias: "neuron" (one trained bias each), "layer" (one trained bias for all), "fixed" (held where it is) or
            "none".
        initializer: how W starts; None takes the one that suits the activation.
        bias_initializer: how b starts.

    Raises:
        ShapeError: for a number of units below 1.
        UnknownName: for an activation or initializer that is in no catalogue.
        UsageError: for another kind of bias.

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
        if not isinstance(bias, str) or bias not in BIASES:
            raise UsageError("bias is {bias!r}; it must be one of: {known}", bias=bias, known=", ".join(BIASES))
        put = object.__setattr__
        put(self, "units", check_size(units, Message("the number of neurons of a layer")))
        put(self, "activation", ACTIVATIONS.find(activation))
        put(self, "bias", bias)
        put(self, "initializer", None if initializer is None else INITIALIZERS.find(initializer))
        put(self, "bias_initializer", INITIALIZERS.find(bias_initializer))

    def __repr__(self) -> str:
        parts = [str(self.units), _code("ACTIVATIONS", self.activation)]
        if self.bias != "neuron":
            parts.append(f"bias={self.bias!r}")
        if self.initializer is not None:
            parts.append(f"initializer={_code('INITIALIZERS', self.initializer)}")
        if self.bias_initializer.name != "zeros":
            parts.append(f"bias_initializer={_code('INITIALIZERS', self.bias_initializer)}")
        return f"Dense({', '.join(parts)})"


@dataclass(frozen=True)
class Dropout:
    """In training, each activation is kept with probability 1 - rate and divided by it; otherwise it becomes 0.

    In prediction activations pass unchanged: the division in training (inverted dropout) keeps their mean.

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
        if not is_real(self.rate) or not 0 <= self.rate < 1:
            raise UsageError(
                "the dropout rate is {rate!r}; it must be from 0 up to, but not including, 1, such as 0.5",
                rate=self.rate,
            )
        object.__setattr__(self, "rate", float(self.rate))

    def __repr__(self) -> str:
        return f"Dropout({self.rate!r})"


@dataclass(frozen=True)
class BatchNorm:
    """Normalizes each column over the batch, then scales and shifts it: a = f(gamma * zhat + beta).

    zhat = (z - mean) / sqrt(variance + epsilon), with the batch's mean and variance in training (weighted by the
    examples' weights) and the running ones in prediction. The running statistics are state, not parameters:
    running <- (1 - momentum) running + momentum batch, the variance with m / (m - 1).

    Args:
        activation: f, applied after the normalization; for the order Dense, BatchNorm, activation of the paper.
        momentum: share of the newest batch in the running statistics, in (0, 1].
        epsilon: added to the variance, above 0 and at most 1.

    Raises:
        UsageError: for a momentum or epsilon outside of its range.
        UnknownName: for an activation that is in no catalogue.

    Source: S. Ioffe and C. Szegedy, "Batch normalization", ICML 2015.

    >>> BatchNorm("relu")
    BatchNorm('relu')
    """

    activation: Activation = "identity"  # type: ignore[assignment]
    momentum: float = 0.1
    epsilon: float = 1e-5

    def __init__(self, activation: str | Activation = "identity", momentum: float = 0.1, epsilon: float = 1e-5) -> None:
        for name, value, usual in (("momentum", momentum, 0.1), ("epsilon", epsilon, 1e-5)):
            if not is_real(value) or not 0 < value <= 1:
                raise UsageError(
                    "{name} of a BatchNorm is {value!r}; it must be a number above 0 and at most 1, such as {usual}",
                    name=name,
                    value=value,
                    usual=usual,
                )
        object.__setattr__(self, "activation", ACTIVATIONS.find(activation))
        object.__setattr__(self, "momentum", float(momentum))
        object.__setattr__(self, "epsilon", float(epsilon))

    def __repr__(self) -> str:
        parts = [_code("ACTIVATIONS", self.activation)]
        parts += [f"momentum={self.momentum!r}"] if self.momentum != 0.1 else []
        parts += [f"epsilon={self.epsilon!r}"] if self.epsilon != 1e-5 else []
        return f"BatchNorm({', '.join(parts)})"


Layer: TypeAlias = Dense | Dropout | BatchNorm


def check_layers(layers: object) -> tuple[Layer, ...]:
    """Return a list of layers as a tuple.

    Raises:
        UsageError: where it is no list, or holds something else.

    >>> check_layers([Dense(1)])
    (Dense(1, 'identity'),)
    """
    if not isinstance(layers, Sequence) or isinstance(layers, str):
        raise UsageError("layers is {layers!r}; expected a list, such as [Dense(1, 'sigmoid')]", layers=layers)
    for layer in layers:
        if not isinstance(layer, (Dense, Dropout, BatchNorm)):
            raise UsageError(
                "{layer!r} is not a layer; expected Dense, Dropout or BatchNorm (Network.from_sizes takes numbers)",
                layer=layer,
            )
    return tuple(layers)


def number_layers(layers: Sequence[Layer]) -> tuple[tuple[Layer, int], ...]:
    """Pair each layer with its l: the number of dense layers up to and including it.

    Raises:
        UsageError: for two `Dropout` or two `BatchNorm` with the same l.

    >>> number_layers([Dropout(0.2), Dense(3), Dense(1)])
    ((Dropout(0.2), 0), (Dense(3, 'identity'), 1), (Dense(1, 'identity'), 2))
    """
    steps: list[tuple[Layer, int]] = []
    l = 0
    for layer in layers:
        l += isinstance(layer, Dense)
        # Two of a kind would share the names of their parameters, or their stream of masks.
        if any(at == l and type(other) is type(layer) for other, at in steps):
            raise UsageError(
                "two {kind} stand behind layer {l}; one does what two would do, leave one out",
                kind=type(layer).__name__,
                l=l,
            )
        steps.append((layer, l))
    return tuple(steps)


def _code(table: str, formula: Formula) -> str:
    """Write a formula as Python: its name, or the look-up with those parameters that are not the catalogue's own."""
    catalogue: Any = {"ACTIVATIONS": ACTIVATIONS, "INITIALIZERS": INITIALIZERS}[table]
    usual = catalogue[formula.name].parameters if formula.name in catalogue else formula.parameters
    own = [f"{name}={value!r}" for name, value in formula.parameters.items() if value != usual.get(name)]
    return f"formulas.{table}.find({', '.join([repr(formula.name), *own])})" if own else repr(formula.name)
