"""From a model to the tensors and texts of its file, and back through a closed schema.

Names are looked up in the catalogues, never imported; numbers must be finite; every part must fit the others.
"""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from chainrule._version import __version__
from chainrule.data import schema
from chainrule.data.encoder import TableEncoder
from chainrule.data.targets import TargetEncoder
from chainrule.descriptions import read_fields
from chainrule.errors import ModelFileError, UnknownName, UsageError
from chainrule.formulas import LOSSES, Array, Loss
from chainrule.history import History
from chainrule.language import Message, recognized
from chainrule.model import Model
from chainrule.network import Network
from chainrule.storage import strict_json
from chainrule.storage.container import FORMAT, NO_CHECKSUM, VERSION, Tensor

__all__ = ["Parts", "assemble", "check_tensors", "describe", "read"]

MAX_LAYERS = 1000
MAX_DESCRIPTION = 2**20  # characters for network and loss; 1,000 layers take a third of it

_SERIES = "history."
# Why a training may have ended: a file holds the English sentence, which is to be told in the user's language.
_ENDINGS = (
    "all {epochs} epochs done",
    "early stopping: {monitor} has not improved for {patience} epochs",
    "the learning rate is down to {rate:g}, and {monitor} has not improved for {patience} epochs",
    "time limit of {seconds:g} s",
    "{what} did not improve more than tol={tol:g} for {patience} consecutive epochs",
    "interrupted",
)
_KEYS = dict.fromkeys(
    (
        *("format", "format_version", "checksum", "chainrule", "numpy", "python"),
        *("network", "loss", "target", "encoder", "settings", "history"),
    ),
    str,
)


def describe(model: Model) -> tuple[dict[str, Array], dict[str, str]]:
    """Give the tensors and the metadata of a model's file.

    Raises:
        UsageError: for contents that no file can hold.
    """
    tensors = {"theta": model.theta, "state": model.state}
    for name, values in (model.history.series if model.history else {}).items():
        # Tensors, since they hold NaN and inf, which JSON does not; and everybody can read them.
        tensors[_SERIES + name] = np.array(values, dtype=np.float64)
    for name, tensor in tensors.items():
        if tensor.dtype not in (np.dtype(np.float64), np.dtype(np.float32)):
            raise UsageError(
                "{name} is of type {dtype}; it must be float64 or float32", name=name, dtype=str(tensor.dtype)
            )
    if broken := _broken(model.network, model.theta, model.state):
        raise UsageError(
            "{name} of the model {fault}; set it by hand, or train again with a smaller learning rate",
            name=broken[0],
            fault=broken[1],
        )
    parts = {
        "network": model.network.describe(),
        "loss": model.loss.describe(),
        "target": None if model.target is None else model.target.to_dict(),
        "encoder": None if model.encoder is None else model.encoder.to_dict(),
        "settings": model.settings,
        "history": None if model.history is None else _facts(model.history),
    }
    metadata = {
        "format": FORMAT,
        "format_version": str(VERSION),
        "checksum": NO_CHECKSUM,
        "chainrule": __version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
        **{name: strict_json.write(part, name) for name, part in parts.items()},
    }
    return tensors, metadata


def _facts(history: History) -> dict[str, Any]:
    return {
        "engine": history.engine,
        "stopped": history.stopped,
        "best_epoch": history.best_epoch,
        "updates": history.updates,
        "series": list(history.series),
    }


@dataclass(frozen=True)
class Parts:
    """All of a model that its file's metadata hold; the history without its numbers."""

    network: Network
    loss: Loss
    target: TargetEncoder | None
    encoder: TableEncoder | None
    settings: dict[str, Any]
    history: History | None


def read(metadata: Mapping[str, str]) -> Parts:
    """Read the metadata through the closed schema.

    Raises:
        ModelFileError: for a key too many or too few, another type, a number out of its range, a name in no catalogue,
            and parts that do not fit each other.
    """
    texts = schema.record(dict(metadata), Message("the metadata"), **_KEYS)

    def part(name: str) -> Any:
        if name in ("network", "loss") and len(texts[name]) > MAX_DESCRIPTION:
            raise ModelFileError(
                "the model file is damaged: its {part} is described by {length} characters, at most {limit} are read",
                part=name,
                length=len(texts[name]),
                limit=MAX_DESCRIPTION,
            )
        return strict_json.read(texts[name], Message("the part {name!r}", name=name))

    target, encoder, history, settings = part("target"), part("encoder"), part("history"), part("settings")
    if not isinstance(settings, dict):
        raise ModelFileError("the model file is damaged: the settings are of type {got}", got=type(settings).__name__)
    try:
        parts = Parts(
            network=_network(part("network")),
            loss=_loss(part("loss")),
            target=None if target is None else TargetEncoder.from_dict(target),
            encoder=None if encoder is None else TableEncoder.from_dict(encoder),
            settings=settings,
            history=None if history is None else _history(history),
        )
        parts.loss.pair_for(parts.network.output_activation)
    except UnknownName as problem:
        raise ModelFileError(
            "the model needs the {what} {name!r}, which is not registered here; if it is a formula of your own,"
            " register it with chainrule.register first, else upgrade chainrule: pip install --upgrade chainrule",
            **problem.fields,
        ) from None
    except UsageError as problem:
        raise ModelFileError("the model file is damaged: {problem}", problem=problem) from None
    if parts.encoder is not None and len(parts.encoder.outputs) != parts.network.inputs:
        raise ModelFileError(
            "the model file is damaged: the table encoder gives {got} columns, the network takes {expected}",
            got=len(parts.encoder.outputs),
            expected=parts.network.inputs,
        )
    return parts


def check_tensors(tensors: Mapping[str, Tensor], parts: Parts) -> None:
    """Check that a file declares exactly the tensors that its architecture and its history need.

    Raises:
        ModelFileError: where it does not.
    """
    names = list(parts.history.series) if parts.history else []
    expected = {"theta", "state", *(_SERIES + name for name in names)}
    if set(tensors) != expected:
        raise ModelFileError(
            "the model file is damaged: it holds the tensors {got}, expected {expected}",
            got=", ".join(sorted(tensors)),
            expected=", ".join(sorted(expected)),
        )
    for name, count in (("theta", parts.network.parameter_count), ("state", parts.network.state_count)):
        if tensors[name].length != count:
            raise ModelFileError(
                "the model file is damaged: {name} has {got} numbers, the architecture needs {expected}",
                name=name,
                got=tensors[name].length,
                expected=count,
            )
    for name in names:
        if tensors[_SERIES + name].dtype != np.float64:
            raise ModelFileError("the model file is damaged: the series {name!r} is no float64", name=name)


def assemble(parts: Parts, arrays: Mapping[str, Array]) -> Model:
    """Put a model together from its parts and its tensors, which `check_tensors` has approved.

    Raises:
        ModelFileError: for parameters or statistics that no sound model has.
    """
    if broken := _broken(parts.network, arrays["theta"], arrays["state"]):
        raise ModelFileError("the model file is damaged: {name} {fault}", name=broken[0], fault=broken[1])
    history = parts.history
    if history is not None:
        history = replace(history, series={name: arrays[_SERIES + name].tolist() for name in history.series})
    try:
        return Model(
            network=parts.network,
            theta=arrays["theta"],
            state=arrays["state"],
            loss=parts.loss,
            target=parts.target,
            encoder=parts.encoder,
            history=history,
            settings=parts.settings,
        )
    except UsageError as problem:
        raise ModelFileError("the model file is damaged: {problem}", problem=problem) from None


def _network(data: object) -> Network:
    layers = data.get("layers") if isinstance(data, dict) else None
    if not isinstance(data, dict) or not isinstance(layers, list) or len(layers) > MAX_LAYERS:
        raise UsageError("the network is no object with at most {limit} layers", limit=MAX_LAYERS)
    return Network.from_description(data)


def _loss(data: object) -> Loss:
    name = data.get("name") if isinstance(data, dict) else None
    if not isinstance(name, str):
        raise UsageError("the loss has no name")
    if name not in list(LOSSES):  # the catalogue's own look-up would take other spellings, too
        raise UnknownName.among("loss", name, LOSSES)
    fields = read_fields(data, Message("the loss {name!r}", name=name), "name", *LOSSES[name].parameters)
    return LOSSES[name].with_parameters(**{key: value for key, value in fields.items() if key != "name"})


def _history(data: object) -> History:
    best = data.get("best_epoch") if isinstance(data, dict) else None
    kinds = {"engine": str, "stopped": str, "best_epoch": type(None) if best is None else int}
    record = schema.record(data, Message("the history"), **kinds, updates=int, series=list)
    names = schema.texts(record["series"], Message("the history"), "series")
    possible = record["updates"] >= 0 and (best is None or best >= 1) and all(name.isprintable() for name in names)
    if not possible:
        raise ModelFileError("the model file is damaged: the history has impossible contents")
    series: dict[str, list[float]] = {name: [] for name in names}
    stopped = recognized(record["stopped"], _ENDINGS)
    return History(series, record["engine"], stopped, record["best_epoch"], record["updates"])


def _broken(network: Network, theta: Array, state: Array) -> tuple[str, str] | None:
    """Give the name of the first array that no sound model has, and what is wrong with it."""
    for vector, entries in ((theta, network.entries), (state, network.state_entries)):
        for entry in entries:
            numbers = vector[entry.start : entry.start + entry.stored]
            if not np.isfinite(numbers).all():
                return entry.name, Message("holds a number that is not finite")
            if entry.kind == "var" and (numbers < 0).any():
                return entry.name, Message("holds a negative variance")
    return None
