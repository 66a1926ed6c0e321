"""What lesson initialization looks at: five ways to start, and what a start does to signal and gradient."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from chainrule.formulas import ACTIVATIONS, INITIALIZERS, Array, Initializer
from chainrule.language import Message
from chainrule.model import Model
from chainrule.network import Network
from chainrule.plots.layer_spread import Spread

__all__ = ["Start", "blocked", "five_starts", "look_at", "neurons_alike", "spreads"]


class Start(NamedTuple):
    """An untrained network, by what passes through it.

    Args:
        activations: A of each hidden layer.
        gradients: dC/dW of each layer.
        slope: the mean of f'(z) in the last hidden layer; near 0 where its neurons saturate.
    """

    activations: list[Array]
    gradients: list[Array]
    slope: float

    def sizes(self) -> tuple[float, float, float, float]:
        """Give it in four numbers: the deviations of the first A, the last A and the first dC/dW, and the slope."""
        return self.activations[0].std(), self.activations[-1].std(), self.gradients[0].std(), self.slope


def five_starts(same: float) -> dict[str, Initializer]:
    """Give the initializers to compare; the first gives all weights the same number.

    >>> list(five_starts(0.0))
    ['all 0', '0.01 N(0, 1)', 'N(0, 1)', 'Glorot', 'He']
    """
    return {
        Message("all {same:g}", same=same): INITIALIZERS["constant"].with_parameters(value=same),
        "0.01 N(0, 1)": INITIALIZERS["normal"].with_parameters(scale=0.01),
        "N(0, 1)": INITIALIZERS["normal"],
        "Glorot": INITIALIZERS["glorot_normal"],
        "He": INITIALIZERS["he_normal"],
    }


def look_at(network: Network, seed: int, activation: str, X: Array, y: Array) -> Start:
    """Pass examples through a network before it is trained, forward and backward.

    >>> network = Network.from_sizes([2, 3, 3, 1], hidden="tanh", initializer="zeros")
    >>> start = look_at(network, 0, "tanh", np.ones((1, 2)), np.ones(1))
    >>> len(start.activations), len(start.gradients), start.slope
    (2, 3, 1.0)
    """
    model = network.init(seed)
    passed, gradient = model.forward(X), model.gradient(X, y)
    last = network.depth - 1
    slopes = ACTIVATIONS[activation].back(passed.Z[last], passed.A[last], np.array(1.0))  # f'(z) times 1
    return Start([passed.A[l] for l in range(1, network.depth)], list(gradient.W.values()), float(np.mean(slopes)))


def spreads(looks: Mapping[str, Start], *, log: bool) -> list[Spread]:
    """Give what passes through each network as rows of a picture; ``log`` is for activations without bound.

    >>> look = look_at(Network.from_sizes([1, 2, 1]), 0, "identity", np.ones((1, 1)), np.ones(1))
    >>> [len(row.columns["a"]) for row in spreads({"a": look}, log=False)]
    [1, 2]
    """
    return [
        Spread(Message("activations A"), {name: look.activations for name, look in looks.items()}, log=log),
        Spread(Message("size of ∂C/∂W"), {name: look.gradients for name, look in looks.items()}, log=True),
    ]


def blocked(look: Start) -> bool:
    """Say whether no weight has a gradient, so that at most biases learn.

    >>> network = Network.from_sizes([2, 3, 1], hidden="tanh", initializer="zeros")
    >>> blocked(look_at(network, 0, "tanh", np.ones((1, 2)), np.ones(1)))
    True
    """
    return not any(np.any(gradient) for gradient in look.gradients)


def neurons_alike(model: Model) -> bool:
    """Say whether the neurons of each hidden layer have the same weights.

    >>> neurons_alike(Network.from_sizes([2, 3, 3, 1], initializer="zeros").init())
    True
    """
    return all(np.ptp(model.W[l], axis=0).max() < 1e-9 for l in range(1, model.network.depth))
