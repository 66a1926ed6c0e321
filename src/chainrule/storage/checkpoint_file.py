"""Checkpoint files: the container of model files, for what training keeps in order to go on.

What the parts mean, training knows; here they are written whole or not at all, and read only where they are whole.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from chainrule._version import __version__
from chainrule.data import schema
from chainrule.errors import ModelFileError, SaveError, UsageError
from chainrule.formulas import Array
from chainrule.language import Message, template
from chainrule.storage import strict_json
from chainrule.storage.atomic import atomic_write, check_place
from chainrule.storage.container import NO_CHECKSUM, PREFIX, Form, arrays, pack, parse, verify
from chainrule.storage.reading import check_path, read_file, tame

__all__ = ["CHECKPOINT", "PARTS", "Kept", "check_checkpoint_place", "read_checkpoint", "write_checkpoint"]

CHECKPOINT = Form(
    "chainrule-checkpoint",
    1,
    template("this is a safetensors file, but not a chainrule checkpoint; give a file that Checkpoint wrote"),
    template("this is {kind}, not a chainrule checkpoint; give a file that Checkpoint wrote"),
    template("this is a device or a pipe; give a file that Checkpoint wrote"),
)
PARTS = ("settings", "fingerprint", "standing", "callbacks", "about")

_VERSIONS = ("chainrule", "numpy", "python", "engine")
_KEYS = dict.fromkeys(("format", "format_version", "checksum", *_VERSIONS, *PARTS), str)


@dataclass(frozen=True)
class Kept:
    """What a checkpoint file holds.

    Args:
        tensors: vectors of float64 or float32, by name.
        parts: by name, out of `PARTS`: plain data.
        versions: of chainrule, numpy, python, and the engine with its own.
    """

    tensors: dict[str, Array]
    parts: dict[str, Any]
    versions: dict[str, str]


def check_checkpoint_place(path: str | os.PathLike[str]) -> None:
    """See that a checkpoint can be written here, and that it takes the place of nothing but another one.

    Raises:
        SaveError: where no file can be written.
        UsageError: where there is another file.
    """
    check_place(path)
    try:
        with Path(path).open("rb") as file:
            head = file.read(PREFIX + 1)
    except OSError:
        return
    if head and head[PREFIX:] != b"{":
        raise UsageError(
            "{path} is there already and is no checkpoint; name another file, or remove it first", path=str(path)
        )


def write_checkpoint(
    path: str | os.PathLike[str], tensors: Mapping[str, Array], parts: Mapping[str, Any], engine: str
) -> Path:
    """Write a checkpoint whole or not at all; the same contents give the same bytes.

    Args:
        path: where to; the folder must exist, an older file is replaced.
        tensors: vectors of float64 or float32, by name.
        parts: by name, each of `PARTS`: plain data.
        engine: which engine computes, and its version.

    Raises:
        SaveError: the file cannot be written; an older one is still there, untouched.
        UsageError: for what is no plain data, or a path that is none.

    >>> from tempfile import TemporaryDirectory
    >>> parts = {**dict.fromkeys(PARTS), "about": {"name": "trial"}}
    >>> with TemporaryDirectory() as folder:
    ...     path = write_checkpoint(Path(folder) / "run.checkpoint", {"theta": np.ones(2)}, parts, "reference")
    ...     read_checkpoint(path).parts["about"]
    {'name': 'trial'}
    """
    check_path(path)
    metadata = {
        "format": CHECKPOINT.name,
        "format_version": str(CHECKPOINT.version),
        "checksum": NO_CHECKSUM,
        "chainrule": __version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
        "engine": engine,
        **{name: strict_json.write(parts[name], name) for name in PARTS},
    }
    head, payload = pack(tensors, metadata)
    try:
        parse(head[PREFIX:], len(head) + len(payload), CHECKPOINT)
    except ModelFileError as problem:
        raise SaveError(
            "{path} was not written, since nobody could load it: {problem}", path=str(path), problem=problem
        ) from problem
    return atomic_write(path, head + payload)


def read_checkpoint(path: str | os.PathLike[str]) -> Kept:
    """Read a checkpoint; nothing in it is run. Header, sizes and checksum are checked before anything is made of it.

    Raises:
        ModelFileError: for what is no whole, valid checkpoint of a version that is known.
        UsageError: for a path that is none.

    >>> read_checkpoint("run.png")
    Traceback (most recent call last):
      ...
    chainrule.errors.ModelFileError: run.png cannot be gone on from: there is no such file; ...
    """
    check_path(path)
    try:
        return _read(Path(path))
    except ModelFileError as problem:
        raise ModelFileError(
            "{path} cannot be gone on from: {problem}", path=str(path), problem=tame(problem)
        ) from problem.__cause__


def _read(path: Path) -> Kept:
    header, head, payload = read_file(path, CHECKPOINT)
    if not verify(header, head, payload):
        raise ModelFileError(
            "the checkpoint is damaged: its checksum does not fit its contents, so some of its bits have changed since"
            " it was written; copy it again from where it came from, or train again"
        )
    texts = schema.record(dict(header.metadata), Message("the metadata"), **_KEYS)
    parts = {name: strict_json.read(texts[name], Message("the part {name!r}", name=name)) for name in PARTS}
    return Kept(arrays(head, payload), parts, {name: texts[name] for name in _VERSIONS})
