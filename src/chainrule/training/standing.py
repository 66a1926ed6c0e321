"""Where a training stands between two batches: all that is needed to go on, and how a file holds it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from chainrule.data import schema
from chainrule.engines import Carry, Job, Sums
from chainrule.errors import ModelFileError, UsageError
from chainrule.formulas import Array
from chainrule.history import History
from chainrule.language import Message
from chainrule.storage.checkpoint_file import Kept
from chainrule.storage.reading import tame
from chainrule.storage.strict_json import plain

__all__ = ["Standing", "cannot_go_on", "read_standing", "split_memory", "write_standing"]

Memory = Mapping[str, Any]

_SERIES = "history."
_MEMORY = "memory."
_BEFORE = "before."
_MOST_AXES = 8


@dataclass(frozen=True)
class Standing:
    """Where a training stands.

    Args:
        carry: what engines go on from; ``before`` is how training stood before the newest update or, within an epoch,
            as the epoch began.
        epoch: the newest epoch, counted from 1.
        measured: whether that epoch is done, its measurements in the history.
        sums: what its batches came to.
        loss: of the newest batch.
        seconds: spent in that epoch, if it is not done.
        history: what was recorded.
        stopped: why training ended, or None where it is to go on.
        memories: what callbacks remember, by their names.
        path: of the file that holds it, for messages.
    """

    carry: Carry
    epoch: int
    measured: bool
    sums: Sums
    loss: float
    seconds: float
    history: History
    stopped: str | None = None
    memories: Mapping[str, Memory] = field(default_factory=dict)
    path: str = ""


def cannot_go_on(path: str, problem: ModelFileError | UsageError) -> ModelFileError | UsageError:
    """Make the error that names the file, of the same kind as what was found in it."""
    return type(problem)("{path} cannot be gone on from: {problem}", path=path, problem=tame(problem))


def write_standing(standing: Standing) -> tuple[dict[str, Array], dict[str, Any]]:
    """Give the tensors and the parts ``standing`` and ``callbacks`` of a checkpoint file."""
    carry, before = standing.carry, standing.carry.before
    tensors = _vectors(carry, "")
    if before is not None:
        # Within an epoch its updates may have to be made again; of what stood before an epoch only the model counts.
        tensors |= _vectors(before if not standing.measured else before._replace(slots=()), _BEFORE)
    sums = (standing.sums.loss, standing.sums.penalty, standing.sums.weight, standing.loss, standing.seconds)
    tensors["sums"] = np.array(sums, dtype=np.float64)
    for name, values in standing.history.series.items():
        tensors[_SERIES + name] = np.array(values, dtype=np.float64)
    callbacks = {}
    for name, memory in standing.memories.items():
        callbacks[name], arrays = split_memory(memory, name)
        tensors |= {f"{_MEMORY}{name}.{key}": array.ravel() for key, array in arrays.items()}
    facts = {
        "epoch": standing.epoch,
        "measured": standing.measured,
        "batches": standing.sums.batches,
        "updates": carry.updates,
        "updates_before": None if before is None else before.updates,
        "series": list(standing.history.series),
        "history_updates": standing.history.updates,
        "stopped": standing.stopped,
    }
    return tensors, {"standing": facts, "callbacks": callbacks}


def _vectors(carry: Carry, prefix: str) -> dict[str, Array]:
    slots = {f"{prefix}slot{k}": slot for k, slot in enumerate(carry.slots)}
    return {f"{prefix}theta": carry.theta, f"{prefix}state": carry.state, **slots}


def split_memory(memory: Memory, name: str) -> tuple[dict[str, Any], dict[str, Array]]:
    """Give what a callback remembers as JSON can hold it, and its arrays: floats count as arrays of one number.

    Raises:
        UsageError: for what is neither plain data nor an array of float64 or float32.

    >>> split_memory({"best": float("inf"), "epoch": 3}, "EarlyStopping")
    ({'plain': {'epoch': 3}, 'shapes': {'best': None}}, {'best': array([inf])})
    """
    shapes: dict[str, Any] = {}
    arrays: dict[str, Array] = {}
    rest: dict[str, Any] = {}
    for key, value in memory.items():
        if not isinstance(key, str):
            raise UsageError("{name}.state() has the key {key!r}; expected texts", name=name, key=key)
        if isinstance(value, np.ndarray) and value.dtype in (np.float64, np.float32):
            shapes[key], arrays[key] = list(value.shape), value
        elif isinstance(value, float):
            # JSON has neither inf nor nan.
            shapes[key], arrays[key] = None, np.array([value], dtype=np.float64)
        else:
            rest[key] = plain(value, f"{name}.{key}")
    return {"plain": rest, "shapes": shapes}, arrays


def read_standing(kept: Kept, job: Job, start: Carry, epochs_before: int) -> Standing:
    """Make it of a checkpoint file that is known to be of this training.

    Args:
        kept: the file's contents.
        job: what is trained.
        start: what the training began with, for sizes, number types and the updates before it.
        epochs_before: of earlier trainings, in the history.

    Raises:
        ModelFileError: for contents that contradict themselves or do not fit the training.
    """
    what = Message("the part {name!r}", name="standing")
    data = kept.parts["standing"]
    kinds = {
        name: type(data.get(name)) if isinstance(data, dict) and data.get(name) is None else kind
        for name, kind in (("updates_before", int), ("stopped", str))
    }
    facts = schema.record(
        data, what, epoch=int, measured=bool, batches=int, updates=int, series=list, history_updates=int, **kinds
    )
    names = schema.texts(facts["series"], what, "series")
    batches = math.ceil(len(job.X) / job.batch_size)
    within = 1 <= facts["batches"] <= batches
    if not (within and facts["epoch"] >= 1 and facts["history_updates"] >= 0):
        raise _contradiction()
    earlier = facts["updates_before"]
    if earlier is not None and not start.updates <= earlier <= facts["updates"]:
        raise _contradiction()
    if facts["updates"] != start.updates + (facts["epoch"] - 1) * batches + facts["batches"]:
        raise _contradiction()
    reader = _Reader(dict(kept.tensors))
    sizes = (start.theta, start.state, start.slots)
    before = None
    if earlier is not None:
        before = reader.carry(_BEFORE, *(sizes if not facts["measured"] else (*sizes[:2], ())), earlier)
    carry = reader.carry("", *sizes, facts["updates"])._replace(before=before)
    if job.check_finite and not all(map(_is_finite, (carry, before))):
        raise ModelFileError("the checkpoint is damaged: it holds parameters that are not finite")
    loss, penalty, weight, newest, seconds = reader.vector("sums", 5, np.float64).tolist()
    length = epochs_before + facts["epoch"] - (not facts["measured"])
    series = {name: reader.vector(_SERIES + name, length, np.float64).tolist() for name in names}
    memories = _memories(kept.parts["callbacks"], reader)
    reader.finish()
    return Standing(
        carry=carry,
        epoch=facts["epoch"],
        measured=facts["measured"],
        sums=Sums(facts["batches"], loss, penalty, weight),
        loss=newest,
        seconds=seconds,
        history=History(series=series, updates=facts["history_updates"]),
        stopped=facts["stopped"],
        memories=memories,
    )


class _Reader:
    """Takes each tensor of a file once, checked for its size and its number type."""

    def __init__(self, tensors: dict[str, Array]) -> None:
        self._left = tensors

    def vector(self, name: str, length: int, dtype: Any) -> Array:
        found = self._left.pop(name, None)
        if found is None or found.shape != (length,) or (dtype is not None and found.dtype != dtype):
            raise ModelFileError(
                "the checkpoint is damaged: the tensor {name!r} is missing, or is not {length} numbers of its type",
                name=name,
                length=length,
            )
        return found

    def carry(self, prefix: str, theta: Array, state: Array, slots: tuple[Array, ...], updates: int) -> Carry:
        vectors = [
            self.vector(prefix + name, len(like), like.dtype)
            for name, like in [("theta", theta), ("state", state), *((f"slot{k}", s) for k, s in enumerate(slots))]
        ]
        return Carry(vectors[0], vectors[1], tuple(vectors[2:]), updates)

    def finish(self) -> None:
        if self._left:
            raise ModelFileError(
                "the checkpoint is damaged: it holds tensors that do not belong there: {names}",
                names=", ".join(sorted(self._left)),
            )


def _memories(data: object, reader: _Reader) -> dict[str, Memory]:
    what = Message("the part {name!r}", name="callbacks")
    if not isinstance(data, dict):
        raise _contradiction()
    memories: dict[str, Memory] = {}
    for name, fields in data.items():
        record = schema.record(fields, what, plain=dict, shapes=dict)
        memory = dict(record["plain"])
        for key, shape in record["shapes"].items():
            length = _length(shape)
            if length is None:
                raise _contradiction()
            numbers = reader.vector(f"{_MEMORY}{name}.{key}", length, None)
            memory[key] = float(numbers[0]) if shape is None else numbers.reshape(shape)
        memories[name] = memory
    return memories


def _is_finite(carry: Carry | None) -> bool:
    return carry is None or bool(np.isfinite(carry.theta).all() and np.isfinite(carry.state).all())


def _length(shape: Any) -> int | None:
    """Give how many numbers an array of this shape has, 1 for a single number; None for what is no possible shape."""
    if shape is None:
        return 1
    possible = isinstance(shape, list) and len(shape) <= _MOST_AXES
    if not possible or not all(type(n) is int and 0 <= n < 2**31 for n in shape):
        return None
    return math.prod(shape)


def _contradiction() -> ModelFileError:
    return ModelFileError("the checkpoint is damaged: its parts contradict each other")
