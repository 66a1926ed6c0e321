"""Random networks of every kind of layer, with a batch, for what explains whole architectures."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule import BatchNorm, Dense, Draw, Dropout, Model, Network
from chainrule.engines import reference
from chainrule.formulas import ACTIVATIONS, LOSSES, Loss
from chainrule.streams import mask

Array = npt.NDArray[Any]

# `make campaign` looks at a thousand.
CASES = int(os.environ.get("CHAINRULE_CASES", "15"))

# The exponential is an output only: hidden, it soon grows beyond all numbers.
HIDDEN = [name for name, record in ACTIVATIONS.items() if record.trainable and name != "exponential"]
BIASES = ["neuron", "neuron", "layer", "fixed", "none"]


@dataclass
class Architecture:
    """A network with parameters, and a batch for it."""

    model: Model
    loss: Loss
    X: Array
    Y: Array
    weights: Array | None
    draw: Draw

    @property
    def network(self) -> Network:
        return self.model.network

    @property
    def share(self) -> Array:
        """Each row's share of the cost, shape (m, 1)."""
        weights = np.ones(len(self.X)) if self.weights is None else self.weights
        return (weights / weights.sum())[:, np.newaxis]

    def gradient(self, draw: Draw | None) -> Any:
        """What the reference engine says, as in training where a draw is given."""
        objective = reference.Objective(self.network, self.loss)
        given = (self.model.theta, self.model.state, self.X, self.Y, self.weights)
        return reference.gradient(objective, *given, draw)

    def masks(self) -> dict[int, Array]:
        """The factors of each dropout."""
        found = {}
        for layer, l in self.network.steps:
            if isinstance(layer, Dropout) and layer.rate:
                shape = (len(self.X), self.network.sizes[l])
                found[l] = mask(self.draw.seed, l, self.draw.update, shape=shape, rate=layer.rate) / (1 - layer.rate)
        return found


def make_architecture(seed: int, widest: int = 9, deepest: int = 6) -> Architecture:
    """Draw one; every tenth or so is wide or deep."""
    rng = np.random.default_rng(seed)
    layers: list[Any] = []
    if rng.random() < 0.15:
        layers += [Dropout(0.3)] if rng.random() < 0.6 else [BatchNorm(_activation(rng))]
    for _ in range(rng.integers(0, 10 if rng.random() < 0.1 else deepest)):
        layers += _hidden(rng, int(rng.integers(1, 40 if rng.random() < 0.1 else widest)))
    loss = LOSSES[str(rng.choice(list(LOSSES)))]
    if loss.pairs:
        output = str(rng.choice(list(loss.pairs)))
    else:
        output = str(rng.choice([name for name in HIDDEN if name != "softmax"]))
    units = int(rng.integers(1, widest)) + (output == "softmax")
    if rng.random() < 0.15:
        layers += [Dense(units, _activation(rng)), BatchNorm(output)]
    else:
        layers.append(Dense(units, output, bias=str(rng.choice(BIASES))))
    return _filled(Network(layers, inputs=int(rng.integers(1, widest))), loss, seed, rng)


def _hidden(rng: np.random.Generator, units: int) -> list[Any]:
    """A dense layer; perhaps with batch normalization and dropout behind it, in either order."""
    behind: list[Any] = [BatchNorm(_activation(rng, units), momentum=0.2)] if rng.random() < 0.3 else []
    if rng.random() < 0.3:
        behind.insert(int(rng.integers(0, len(behind) + 1)), Dropout(float(rng.choice([0.0, 0.2, 0.5]))))
    plain = bool(behind) and rng.random() < 0.5
    return [Dense(units, "identity" if plain else _activation(rng, units), bias=str(rng.choice(BIASES))), *behind]


def _activation(rng: np.random.Generator, units: int = 1) -> Any:
    # One output of a softmax is always 1; behind a batch normalization such a column is rounding, and nothing else.
    name = str(rng.choice([each for each in HIDDEN if each != "softmax" or (units > 1 and rng.random() < 0.5)]))
    if name in ("leaky_relu", "elu") and rng.random() < 0.5:
        return ACTIVATIONS.find(name, alpha=0.3)
    return name


def _filled(network: Network, loss: Loss, seed: int, rng: np.random.Generator) -> Architecture:
    model = network.init(seed)
    model.loss = loss
    model.theta = model.theta + rng.normal(size=model.theta.shape) / 5
    for l, var in model.statistics.var.items():
        model.statistics.mean[l][:] = rng.normal(size=var.shape)
        var[:] = rng.uniform(0.5, 2, size=var.shape)
    # Two normalized rows are 1 and -1 whatever they were: then a gradient is nothing but rounding.
    normed = any(isinstance(layer, BatchNorm) for layer in network.layers)
    m = int(rng.integers(12, 25)) if normed else int(rng.integers(1, 12))
    X = rng.normal(size=(m, network.inputs))
    Y = rng.random((m, network.outputs))
    if loss.targets == "distribution":
        Y /= Y.sum(axis=1, keepdims=True)
    weights = rng.random(m) + 0.1 if rng.random() < 0.4 else None
    return Architecture(model, loss, X, Y, weights, Draw(seed, 1))


def far(ours: Any, theirs: Array, scale: float) -> float:
    """The largest difference in units of the scale."""
    assert np.shape(ours) == theirs.shape
    return float(np.abs(ours - theirs).max(initial=0)) / max(scale, 1e-30)
