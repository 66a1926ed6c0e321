"""Layers as plain data and back: the closed schema of the architecture in model files and JSON.

A description is read as strictly as it is written: exactly the keys that `describe_layer` writes, names as the
catalogue spells them, every parameter of a formula stated. Whatever else a file holds is a `UsageError`, never another
exception.
"""

from __future__ import annotations

import reprlib
from collections.abc import Mapping
from typing import Any

from chainrule.errors import UnknownName, UsageError
from chainrule.formulas import ACTIVATIONS, INITIALIZERS
from chainrule.language import Message
from chainrule.layers import BatchNorm, Dense, Dropout, Layer

__all__ = ["describe_layer", "read_fields", "read_layer"]


def describe_layer(layer: Layer) -> dict[str, Any]:
    """Give a layer as plain data.

    >>> describe_layer(Dropout(0.5))
    {'kind': 'Dropout', 'rate': 0.5}
    """
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


def read_layer(description: object) -> Layer:
    """Make the layer that `describe_layer` gave as plain data.

    Raises:
        UsageError: for missing or unknown keys, kinds, names or values.

    >>> read_layer({"kind": "Dropout", "rate": 0.5})
    Dropout(0.5)
    """
    kind = description.get("kind") if isinstance(description, Mapping) else None
    if kind == "Dropout":
        return Dropout(read_fields(description, Message("a Dropout"), "kind", "rate")["rate"])
    if kind == "BatchNorm":
        fields = read_fields(description, Message("a BatchNorm"), "kind", "activation", "momentum", "epsilon")
        return BatchNorm(_formula(ACTIVATIONS, fields["activation"]), fields["momentum"], fields["epsilon"])
    if kind == "Dense":
        names = ("kind", "units", "activation", "bias", "initializer", "bias_initializer")
        fields = read_fields(description, Message("a Dense"), *names)
        own = fields["initializer"]
        return Dense(
            fields["units"],
            _formula(ACTIVATIONS, fields["activation"]),
            fields["bias"],
            None if own is None else _formula(INITIALIZERS, own),
            _formula(INITIALIZERS, fields["bias_initializer"]),
        )
    raise UsageError(
        "a layer is described as {given}; expected kind Dense, Dropout or BatchNorm", given=reprlib.repr(description)
    )


def read_fields(description: object, what: str, *names: str) -> Mapping[str, Any]:
    """Give a description that has exactly these keys.

    Raises:
        UsageError: for anything but a mapping, or a missing or unknown key.

    >>> read_fields({"rate": 0.5}, "a Dropout", "rate")["rate"]
    0.5
    """
    if not isinstance(description, Mapping):
        raise UsageError(
            "{what} is described as {given}; expected the keys {names}",
            what=what,
            given=reprlib.repr(description),
            names=", ".join(names),
        )
    if set(description) != set(names):
        raise UsageError(
            "{what} is described by the keys {given}; expected exactly {names}",
            what=what,
            given=reprlib.repr(sorted(map(str, description))),
            names=", ".join(names),
        )
    return description


def _formula(catalogue: Any, description: object) -> Any:
    """Find a formula by its exact name and fill in its parameters, all of them."""
    name = description.get("name") if isinstance(description, Mapping) else None
    if not isinstance(description, Mapping) or not isinstance(name, str):
        raise UsageError(
            "the {what} is described as {given}; expected its name and parameters",
            what=catalogue.what,
            given=reprlib.repr(description),
        )
    if name not in list(catalogue):  # the catalogue's own look-up would take other spellings, too
        raise UnknownName.among(catalogue.what, name, catalogue)
    fields = read_fields(
        description, Message("the {what} {name!r}", what=catalogue.what, name=name), "name", *catalogue[name].parameters
    )
    parameters = {key: value for key, value in fields.items() if key != "name"}
    if any(isinstance(value, int) and abs(value) >= 2**1023 for value in parameters.values()):
        raise UsageError(
            "the {what} {name!r} has a parameter that no floating-point number holds", what=catalogue.what, name=name
        )
    return catalogue.find(name, **parameters)
