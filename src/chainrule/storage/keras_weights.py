"""Weights to and from Keras: the flat list that ``get_weights`` gives and ``set_weights`` takes.

    Dense               kernel (N_{l-1}, N_l), which is W[l] transposed; bias (N_l,)
    BatchNormalization  gamma, beta, moving_mean, moving_variance, each (N_l,)

Activations and Dropout have no arrays. Keras' momentum is the share of the old statistics, 0.99 if nothing else is
said, which is ``BatchNorm(momentum=0.01)`` here; its epsilon is 0.001, here 0.00001.
"""

from __future__ import annotations

import reprlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.errors import ShapeError, UsageError
from chainrule.formulas import Array
from chainrule.language import Message, chained, template
from chainrule.model import Model
from chainrule.network import Network
from chainrule.storage.foreign import Slot, check_epsilon, check_model, check_network, model_of, slots_of

__all__ = ["from_keras_weights", "to_keras_weights"]

_DENSE = {"W": "kernel", "b": "bias"}
_BATCH_NORM = {"gamma": "gamma", "beta": "beta", "mean": "moving_mean", "var": "moving_variance"}
_EPSILON = 1e-3  # that of BatchNormalization


def from_keras_weights(network: Network, weights: Sequence[Any], *, epsilon: float = _EPSILON) -> Model:
    """Make a model of the list of arrays that ``keras_model.get_weights()`` gives.

    Args:
        network: the architecture, which the list does not hold.
        weights: the arrays, layer after layer.
        epsilon: that of the BatchNormalization layers.

    Returns:
        A model of float32 where all numbers are, else of float64.

    Raises:
        ShapeError: for another number of arrays, or shapes that are not the network's.
        UsageError: for what is no network, no list, numbers that are not finite, or a `BatchNorm` with another epsilon.

    >>> import numpy as np
    >>> model = from_keras_weights(Network.from_sizes([2, 1]), [np.array([[1.0], [2.0]]), np.array([3.0])])
    >>> model.outputs([[10.0, 100.0]]).tolist()
    [[213.0]]
    """
    check_network(network, "from_keras_weights")
    check_epsilon(network, epsilon, "Keras")
    if isinstance(weights, str) or not isinstance(weights, Sequence):
        raise UsageError(
            "the weights are {given}; expected a list of arrays, as keras_model.get_weights() gives it",
            given=reprlib.repr(weights),
        )
    slots = _slots(network)
    if len(weights) != len(slots):
        raise ShapeError(
            "the list has {given} arrays; the network {network} needs {expected}: {names}",
            given=len(weights),
            network=network,
            expected=len(slots),
            names=chained(template("{first}, {next}"), (slot.theirs for slot in slots)),
        )
    return model_of(network, zip(slots, weights, strict=True))


def to_keras_weights(model: Model, *, epsilon: float = _EPSILON) -> list[Array]:
    """Give a model's numbers as the list that ``keras_model.set_weights(…)`` takes, arrays of their own memory.

    Args:
        model: whose parameters and running statistics are given; encoder, target and loss are not among them.
        epsilon: that of the BatchNormalization layers which will take them.

    Returns:
        Arrays of the model's number type, layer after layer.

    Raises:
        UsageError: for what is no model, or a `BatchNorm` with another epsilon.

    >>> [array.shape for array in to_keras_weights(Network.from_sizes([4, 8, 3]).init(seed=0))]
    [(4, 8), (8,), (8, 3), (3,)]
    """
    check_model(model, "to_keras_weights")
    check_epsilon(model.network, epsilon, "Keras")
    arrays = ((slot, np.array(model[slot.ours])) for slot in _slots(model.network))
    return [np.ascontiguousarray(array.T) if slot.turned else array for slot, array in arrays]


def _slots(network: Network) -> list[Slot]:
    """Give the network's arrays in the order of Keras."""

    def called(i: int, layer: str, array: str) -> str:
        return Message("the {array} of {layer}", array=array, layer=layer)

    return slots_of(network, _DENSE, _BATCH_NORM, called, turned=True)
