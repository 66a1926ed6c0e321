"""Weights to and from PyTorch: state dicts, whose names are those of ``torch.nn.Sequential`` unless others are given.

In a Sequential every module has its position for a name. A `Dense` is a Linear, and an activation behind it that is not
the identity is a module of its own; so is every `BatchNorm`, with its activation, and every `Dropout`:

    Dense(8, "relu"), Dropout(0.5), Dense(3)  is  0 Linear, 1 ReLU, 2 Dropout, 3 Linear

W[l] and Linear.weight have the same layout, and `BatchNorm` and BatchNorm1d the same momentum (the share of the newest
batch) and the same epsilon, if nothing else is said.
"""

from __future__ import annotations

import reprlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.errors import ShapeError, UsageError
from chainrule.formulas import Array
from chainrule.language import Message
from chainrule.model import Model
from chainrule.network import Dropout, Network
from chainrule.storage.foreign import (
    Slot,
    check_epsilon,
    check_model,
    check_network,
    layers_with_numbers,
    model_of,
    slots_of,
)

__all__ = ["from_torch_state_dict", "to_torch_state_dict", "torch_names"]

# What PyTorch calls the arrays of a layer.
_DENSE = {"W": "weight", "b": "bias"}
_BATCH_NORM = {"gamma": "weight", "beta": "bias", "mean": "running_mean", "var": "running_var"}
_COUNTER = "num_batches_tracked"
_EPSILON = 1e-5  # that of BatchNorm1d


def torch_names(network: Network, prefix: str = "", names: Sequence[str] | None = None) -> dict[str, str]:
    """Give the name that PyTorch has for each array of a network.

    Args:
        network: the architecture.
        prefix: what stands before each name, such as "net.".
        names: the modules of the layers that hold numbers, in order, such as ["fc1", "norm1", "fc2"]; None takes the
            positions in a Sequential.

    Raises:
        ShapeError: for another number of names than layers that hold numbers.
        UsageError: for what is no network, a prefix or names that are no texts, or names that are not distinct.

    >>> torch_names(Network.from_sizes([4, 8, 3], hidden="relu"))
    {'W1': '0.weight', 'b1': '0.bias', 'W2': '2.weight', 'b2': '2.bias'}
    """
    check_network(network, "torch_names")
    modules = _check_names(network, names) if names is not None else _positions(network)
    return {slot.ours: slot.theirs for slot in _slots(network, modules, _check_prefix(prefix))}


def to_torch_state_dict(
    model: Model, *, prefix: str = "", names: Sequence[str] | None = None, epsilon: float = _EPSILON
) -> dict[str, Array]:
    """Give a model's numbers under PyTorch's names, as arrays of their own memory.

    ``module.load_state_dict({name: torch.from_numpy(array) for name, array in …items()})`` takes them over.

    Args:
        model: whose parameters and running statistics are given; encoder, target and loss are not among them.
        prefix: what stands before each name, such as "net.".
        names: the modules of the layers that hold numbers, in order; None takes the positions in a Sequential.
        epsilon: that of the BatchNorm1d which will take them.

    Returns:
        Arrays of the model's number type, and for each `BatchNorm` the count of its batches, int64.

    Raises:
        UsageError: for what is no model, a `BatchNorm` with another epsilon, or names that cannot be.
        ShapeError: for another number of names.

    >>> model = Network.from_sizes([4, 8, 3], hidden="relu").init(seed=0)
    >>> {name: array.shape for name, array in to_torch_state_dict(model).items()}
    {'0.weight': (8, 4), '0.bias': (8,), '2.weight': (3, 8), '2.bias': (3,)}
    """
    check_model(model, "to_torch_state_dict")
    check_epsilon(model.network, epsilon, "PyTorch")
    batches = model.history.updates if model.history else 0
    state: dict[str, Array] = {}
    for ours, theirs in torch_names(model.network, prefix, names).items():
        state[theirs] = np.array(model[ours])
        if ours.startswith("var"):
            state[f"{theirs.rpartition('.')[0]}.{_COUNTER}"] = np.array(batches, dtype=np.int64)
    return state


def from_torch_state_dict(
    network: Network,
    state_dict: Mapping[str, Any],
    *,
    prefix: str = "",
    names: Sequence[str] | None = None,
    epsilon: float = _EPSILON,
) -> Model:
    """Make a model of the numbers in a PyTorch state dict.

    Modules whose names are numbers, as in a Sequential, are taken in the order of these numbers, wherever they stand;
    modules with names of their own are told by ``names``, since a state dict does not say how data flow through them.

    Args:
        network: the architecture, which a state dict does not hold.
        state_dict: name to tensor or array.
        prefix: only names that begin so are read, such as "net."; it is taken off.
        names: the modules of the layers that hold numbers, in order, without the prefix.
        epsilon: that of the BatchNorm1d layers.

    Returns:
        A model of float32 where all numbers are, else of float64.

    Raises:
        ShapeError: where modules or shapes are not those of the network.
        UsageError: for what is no network, names that do not say what is what, numbers that are not finite, or another
            epsilon.

    >>> network = Network.from_sizes([4, 8, 3], hidden="relu")
    >>> model = network.init(seed=0)
    >>> bool((from_torch_state_dict(network, to_torch_state_dict(model)).theta == model.theta).all())
    True
    """
    check_network(network, "from_torch_state_dict")
    check_epsilon(network, epsilon, "PyTorch")
    modules = _group(state_dict, _check_prefix(prefix))
    order = _in_order(modules) if names is None else _check_names(network, names)
    if len(order) != len(layers_with_numbers(network)) or set(order) != set(modules):
        raise ShapeError(
            "the state dict has the modules {given}; expected are {expected}, one for each layer with numbers of "
            "{network} (prefix=… and names=… say which)",
            given=", ".join(map(repr, modules)) or Message("none"),
            expected=", ".join(map(repr, order)) if names else len(layers_with_numbers(network)),
            network=network,
        )
    slots = _slots(network, order, prefix)
    wanted = [slot.theirs for slot in slots]
    given = [_join(prefix, module, leaf) for module in order for leaf in modules[module]]
    if set(wanted) != set(given):
        raise ShapeError(
            "the state dict has {given}; the network {network} needs {wanted}",
            given=", ".join(given),
            network=network,
            wanted=", ".join(wanted),
        )
    return model_of(network, ((slot, state_dict[slot.theirs]) for slot in slots))


def _join(prefix: str, module: str, leaf: str) -> str:
    return prefix + (f"{module}.{leaf}" if module else leaf)


def _slots(network: Network, modules: Sequence[str], prefix: str) -> list[Slot]:
    """Pair each array of the network with its name in these modules, one for each layer that holds numbers."""
    return slots_of(network, _DENSE, _BATCH_NORM, lambda i, _, leaf: _join(prefix, modules[i], leaf))


def _positions(network: Network) -> list[str]:
    """Give the positions that the layers with numbers have in a Sequential."""
    found, position = [], 0
    for layer in network.layers:
        if not isinstance(layer, Dropout):
            found.append(str(position))
            position += layer.activation.name != "identity"
        position += 1
    return found


def _group(state_dict: Mapping[str, Any], prefix: str) -> dict[str, list[str]]:
    """Give the modules under the prefix, each with the names of its arrays."""
    if not isinstance(state_dict, Mapping) or not all(isinstance(name, str) for name in state_dict):
        raise UsageError(
            "the state dict is {given}; expected names with their tensors, as module.state_dict() gives them",
            given=reprlib.repr(state_dict),
        )
    modules: dict[str, list[str]] = {}
    for name in state_dict:
        if name.startswith(prefix):
            module, _, leaf = name.removeprefix(prefix).rpartition(".")
            if leaf != _COUNTER:
                modules.setdefault(module, []).append(leaf)
    return modules


def _in_order(modules: Mapping[str, Any]) -> list[str]:
    """Give modules named by numbers in the order of these numbers; a single one may have any name.

    Raises:
        UsageError: for other names.
    """
    if len(modules) == 1:
        return list(modules)
    if not all(part.isdecimal() for module in modules for part in module.split(".")):
        raise UsageError(
            "the state dict has the modules {modules}, whose names do not say in which order data flow through them; "
            "say so: names=[{example}]",
            modules=", ".join(map(repr, modules)),
            example=", ".join(map(repr, modules)),
        )
    return sorted(modules, key=lambda module: [int(part) for part in module.split(".")])


def _check_prefix(prefix: str) -> str:
    if not isinstance(prefix, str):
        raise UsageError("prefix is {prefix!r}; expected a text, such as 'net.', or ''", prefix=prefix)
    return prefix


def _check_names(network: Network, names: Sequence[str]) -> list[str]:
    """Return the names of modules as a list, one for each layer that holds numbers."""
    if isinstance(names, str) or not isinstance(names, Sequence) or not all(isinstance(name, str) for name in names):
        raise UsageError("names is {names!r}; expected a list of modules, such as ['fc1', 'fc2']", names=names)
    if len(set(names)) != len(names):
        raise UsageError("names is {names!r}; each module may stand in it once", names=names)
    expected = len(layers_with_numbers(network))
    if len(names) != expected:
        raise ShapeError(
            "names has {given} modules; the network {network} has numbers in {expected} layers",
            given=len(names),
            network=network,
            expected=expected,
        )
    return list(names)
