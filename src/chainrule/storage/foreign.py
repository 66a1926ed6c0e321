"""Arrays of other libraries: read as numbers, held to the network's shapes, put together to a model."""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from chainrule.errors import ShapeError, UsageError
from chainrule.formulas import Array
from chainrule.language import Message
from chainrule.layers import BatchNorm, Dense
from chainrule.model import Model, default_loss
from chainrule.network import Network
from chainrule.parameters import start_state

__all__ = [
    "Slot",
    "check_epsilon",
    "check_model",
    "check_network",
    "layers_with_numbers",
    "model_of",
    "read_numbers",
    "slots_of",
]


class Slot(NamedTuple):
    """One array of a network, and what another library makes of it.

    Args:
        ours: its name here, such as W1.
        theirs: its name there, for messages.
        layer: the layer it belongs to, for messages.
        shape: its shape here.
        turned: whether the other library keeps it transposed.
    """

    ours: str
    theirs: str
    layer: str
    shape: tuple[int, ...]
    turned: bool = False


def layers_with_numbers(network: Network) -> list[tuple[Dense | BatchNorm, int]]:
    """Give the layers that hold numbers, each with its l.

    >>> layers_with_numbers(Network.from_sizes([2, 3, 1], dropout=0.5))
    [(Dense(3, 'relu'), 1), (Dense(1, 'identity'), 2)]
    """
    return [(layer, l) for layer, l in network.steps if isinstance(layer, Dense | BatchNorm)]


def check_model(model: object, function: str) -> None:
    """Refuse what is no `Model`, such as an estimator or a network.

    Raises:
        UsageError: for it; the message names the function that was called.
    """
    if not isinstance(model, Model):
        raise UsageError(
            "{function} takes a Model, not {given}; train() and network.init() make one, and a fitted estimator has it "
            "in its model_",
            function=function,
            given=type(model).__name__,
        )


def check_network(network: object, function: str) -> None:
    """Refuse what is no `Network`, such as a model.

    Raises:
        UsageError: for it; the message names the function that was called.
    """
    if not isinstance(network, Network):
        raise UsageError(
            "{function} takes a Network, not {given}; a Model has it in its network, and Network.from_sizes([4, 8, 3]) "
            "makes one",
            function=function,
            given=type(network).__name__,
        )


def check_epsilon(network: Network, epsilon: float, library: str) -> None:
    """Refuse a `BatchNorm` whose epsilon is not the other library's: the outputs would differ.

    Raises:
        UsageError: for it.
    """
    for layer, l in network.steps:
        if isinstance(layer, BatchNorm) and layer.epsilon != epsilon:
            raise UsageError(
                "the BatchNorm behind layer {layer} has epsilon {ours:g}, {library} is taken to have {theirs:g}, so "
                "outputs would differ; make both the same: BatchNorm(epsilon={theirs:g}) here, or there {ours:g}, and "
                "say so: epsilon={ours:g}",
                layer=l,
                ours=layer.epsilon,
                theirs=epsilon,
                library=library,
            )


def read_numbers(value: Any, what: str) -> Array:
    """Give an array of finite floating-point numbers; PyTorch's tensors are taken off their device and their graph.

    Raises:
        UsageError: for what is no array of finite numbers.

    >>> read_numbers([[1, 2]], "0.weight").tolist()
    [[1.0, 2.0]]
    """
    try:
        if hasattr(value, "detach"):
            value = value.detach().cpu()
        raw = np.asarray(value)
    except (TypeError, ValueError):  # a number type that NumPy lacks, or rows of different lengths
        raw = np.asarray(None)
    if raw.dtype.kind not in "iuf":
        raise UsageError(
            "{what} is {given}; expected an array of real numbers, in a number type that NumPy knows",
            what=what,
            given=reprlib.repr(value),
        )
    numbers = raw.astype(np.float32 if raw.dtype in (np.float16, np.float32) else np.float64)
    if not np.isfinite(numbers).all():
        raise UsageError("{what} holds numbers that are not finite; a model has none", what=what)
    return numbers


def model_of(network: Network, pairs: Iterable[tuple[Slot, Any]]) -> Model:
    """Put a model together from another library's arrays; float32 where all of them are.

    Raises:
        ShapeError: for an array of another shape; the message names layer and both shapes.
        UsageError: for what is no array of finite numbers.
    """
    found: dict[str, Array] = {}
    for slot, value in pairs:
        numbers = read_numbers(value, slot.theirs)
        expected = slot.shape[::-1] if slot.turned else slot.shape
        if numbers.shape != expected:
            raise ShapeError(
                "{name} has shape {given}; {layer} of the network {network} needs {expected}",
                name=slot.theirs,
                given=numbers.shape,
                layer=slot.layer,
                network="-".join(map(str, network.sizes)),
                expected=expected,
            )
        found[slot.ours] = numbers.T if slot.turned else numbers
    return _filled(network, found)


def _filled(network: Network, arrays: Mapping[str, Array]) -> Model:
    dtype = np.result_type(*{array.dtype for array in arrays.values()})
    theta = np.zeros(network.parameter_count, dtype)
    model = Model(network, theta, start_state(network, dtype), default_loss(network))
    for name, numbers in arrays.items():
        model[name] = numbers
    return model


def slots_of(
    network: Network,
    dense: Mapping[str, str],
    norm: Mapping[str, str],
    called: Callable[[int, str, str], str],
    *,
    turned: bool = False,
) -> list[Slot]:
    """Pair each array of a network, layer after layer, with what another library makes of it.

    Args:
        network: the architecture.
        dense: by our kinds W and b, what the library calls the arrays of a dense layer, in its order.
        norm: by our kinds gamma, beta, mean and var, the same for batch normalization.
        called: gives an array's whole name there from the number of its layer among those that hold numbers, the
            layer's name for messages and what the array is called.
        turned: whether the library keeps W transposed.

    >>> slots_of(Network.from_sizes([2, 1]), {"W": "kernel"}, {}, lambda i, layer, array: f"{i}.{array}")[0].theirs
    '0.kernel'
    """
    shapes = {entry.name: entry.shape for entry in (*network.entries, *network.state_entries)}
    slots = []
    for i, (layer, l) in enumerate(layers_with_numbers(network)):
        is_dense = isinstance(layer, Dense)
        whose = Message("layer {l}", l=l) if is_dense else Message("the BatchNorm behind layer {l}", l=l)
        for kind, array in (dense if is_dense else norm).items():
            if (ours := f"{kind}{l}") in shapes:
                slots.append(Slot(ours, called(i, whose, array), whose, shapes[ours], turned and kind == "W"))
    return slots
