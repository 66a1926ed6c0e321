"""Which training a checkpoint is of: everything that decides the result, as plain data, and what of it differs."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from typing import Any

import numpy as np

from chainrule._version import __version__
from chainrule.engines import Job
from chainrule.errors import UsageError
from chainrule.formulas import Array, Schedule
from chainrule.language import Message, chained, template
from chainrule.model import Model
from chainrule.sparse import Inputs, SparseRows
from chainrule.storage.checkpoint_file import Kept
from chainrule.storage.strict_json import plain
from chainrule.training.preparation import Part

__all__ = ["Identity", "digest", "engine_of", "identify", "refuse_others"]

_LISTED = 3  # differences that are told
_POINTS = 1000  # at which two courses of the learning rate are compared


@dataclass(frozen=True)
class Identity:
    """What decides the result of a training.

    Args:
        settings: as plain data: network, loss, optimizer, schedule, seed, ….
        data: by name, shape, number type and SHA-256 of each array.
        engine: which engine computes, and its version.
        schedule: the learning rate's course.
    """

    settings: dict[str, Any]
    data: dict[str, Any]
    engine: str
    schedule: Schedule


def identify(
    model: Model,
    job: Job,
    held_out: Part | None,
    metrics: tuple[str, ...],
    engine: str,
    start: str | None,
    schedule: Schedule,
) -> Identity:
    """Describe a training.

    Args:
        model: the model to begin with; its settings say how it is trained.
        job: what does not change.
        held_out: the validation part, or None.
        metrics: what is measured after each epoch.
        engine: the name of what computes.
        start: the `digest` of the parameters to begin with, where they were given; None where the seed draws them.
        schedule: the learning rate's course.
    """
    history = model.history
    settings = {
        "network": model.network.describe(),
        **model.settings,
        "dtype": str(model.dtype),
        "engine": engine,
        "metrics": metrics,
        "check_finite": job.check_finite,
        "target": None if model.target is None else model.target.to_dict(),
        "start": start,
        "epochs_before": history.epochs if history else 0,
        "updates_before": job.updates_before,
    }
    data = {"X": _mark(job.X), "Y": _mark(job.Y), "weights": _mark(job.weights)}
    if held_out is not None:
        whose = {"X": held_out.X, "Y": held_out.Y, "weights": held_out.weights}
        data |= {f"validation {name}": _mark(array) for name, array in whose.items()}
    return Identity(plain(settings, "settings"), data, _version_of(engine), schedule)


def engine_of(kept: Kept) -> str:
    """Give the name of the engine that computed when a checkpoint was written."""
    settings = kept.parts["settings"]
    return str(settings.get("engine")) if isinstance(settings, dict) else "auto"


def digest(*vectors: Array) -> str:
    """Give the SHA-256 of some arrays' numbers, as hexadecimal digits.

    >>> digest(np.zeros(2))[:8]
    '374708ff'
    """
    found = hashlib.sha256()
    for vector in vectors:
        found.update(np.ascontiguousarray(vector).data.cast("B") if vector.size else b"")
    return found.hexdigest()


def _mark(array: Inputs | Array | None) -> dict[str, Any] | None:
    """Tell an array by its shape, its number type and its bits."""
    if array is None:
        return None
    numbers = (array.data, array.columns, array.ends) if isinstance(array, SparseRows) else (array,)
    return {"shape": list(array.shape), "dtype": str(array.dtype), "sha256": digest(*numbers)}


def _version_of(engine: str) -> str:
    return engine if engine == "reference" else f"{engine} (llvmlite {metadata.version('llvmlite')})"


def refuse_others(kept: Kept, now: Identity, path: object) -> None:
    """Refuse to go on from a checkpoint of another training, or of versions that give other bits.

    More epochs than before are no other training where the learning rate does not depend on how many there are.

    Raises:
        UsageError: names what differs: what it was, and what it is now.
    """
    same = Message("give the same as then, or train from the beginning, without resume")
    versions = {"chainrule": __version__, "numpy": np.__version__}
    installed = Message("install the same as then, or train from the beginning, without resume")
    _refuse(path, Message("versions"), {name: kept.versions[name] for name in versions}, versions, installed)
    was = kept.parts["settings"]
    if isinstance(was, dict) and type(was.get("epochs")) is int and was["epochs"] > 0:
        _refuse_epochs(was["epochs"], now.settings["epochs"], now.schedule, path)
        was = was | {"epochs": now.settings["epochs"]}
    _refuse(path, Message("settings"), was, now.settings, same)
    _refuse(path, Message("data"), kept.parts["fingerprint"], now.data, same)
    _refuse(path, Message("versions"), {"engine": kept.versions["engine"]}, {"engine": now.engine}, installed)


def _refuse(path: object, part: str, was: Any, now: Any, remedy: str) -> None:
    found = list(_differences(was, now, ""))
    if found:
        raise UsageError(
            "{path} is a checkpoint of other {part}: {differences}; {remedy}",
            path=str(path),
            part=part,
            differences=chained(template("{first}; {next}"), found[:_LISTED]),
            remedy=remedy,
        )


def _differences(was: Any, now: Any, name: str) -> Iterator[Message]:
    """Go through what differs, with its name."""
    if isinstance(was, Mapping) and isinstance(now, Mapping):
        for key in dict.fromkeys([*was, *now]):
            yield from _differences(was.get(key), now.get(key), f"{name}.{key}" if name else str(key))
    elif isinstance(was, list) and isinstance(now, list) and len(was) == len(now):
        for k, (one, other) in enumerate(zip(was, now, strict=True)):
            yield from _differences(one, other, f"{name}[{k}]")
    elif was != now and name.endswith(".sha256"):
        yield Message("{name} holds other numbers", name=name.removesuffix(".sha256"))
    elif was != now:
        yield Message("{name} was {was}, is {now}", name=name, was=_short(was), now=_short(now))


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:60] + "…"


def _refuse_epochs(before: int, after: int, schedule: Schedule, path: object) -> None:
    """Refuse fewer epochs than before, and more where the rates of those done would have been others."""
    if before == after:
        return
    if after > before and _same_course(schedule, before, after):
        return
    key = template(
        "{path} was written by a training of {before} epochs, and now there are to be {after}, fewer than then;"
        " give epochs={before} or more, or train from the beginning"
    )
    if after > before:
        key = template(
            "{path} was written by a training of {before} epochs, and now there are to be {after}: with the schedule"
            " {schedule!r} the learning rate depends on how many there are in all, and what was done so far would have"
            " been done at other rates; give epochs={before}, or train from the beginning"
        )
    raise UsageError(key, path=str(path), before=before, after=after, schedule=schedule.name)


def _same_course(schedule: Schedule, before: int, after: int) -> bool:
    """Whether a schedule gives the same rates in the epochs up to ``before`` if ``after`` are planned."""
    factor = schedule.bound(schedule.value)
    return all(factor(e, before) == factor(e, after) for e in np.linspace(0.0, before, _POINTS).tolist())
