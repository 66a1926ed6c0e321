"""`save` and `load`."""

from __future__ import annotations

import os
from pathlib import Path

from chainrule.errors import ModelFileError, SaveError, UsageError
from chainrule.model import Model
from chainrule.storage import contents
from chainrule.storage.atomic import atomic_write
from chainrule.storage.container import MODEL, PREFIX, Header, arrays, pack, parse, verify
from chainrule.storage.reading import check_path, read_file, tame

__all__ = ["load", "save"]


def save(model: Model, path: str | os.PathLike[str]) -> Path:
    """Write a model to a file, whole or not at all; `load` gives back exactly this model.

    Before anything is written, the bytes are loaded again and compared, so that no file is made that cannot be loaded.
    The same model gives the same bytes.

    Args:
        model: trained or not.
        path: where to, such as ``model.safetensors``; the folder must exist, an older file is replaced.

    Returns:
        The path.

    Raises:
        SaveError: the file cannot be written, or the model cannot be kept in a file: numbers that are not finite, a
            formula that is not registered, settings that are no plain data. An older file is still there, untouched.
        UsageError: for what is no model, or a path that is none.

    >>> from tempfile import TemporaryDirectory
    >>> from chainrule import Network
    >>> with TemporaryDirectory() as folder:
    ...     path = save(Network.from_sizes([2, 3, 1]).init(seed=1), Path(folder) / "model.safetensors")
    ...     load(path)
    Model(Network([Dense(3, 'relu'), Dense(1, 'identity')], inputs=2), float64, untrained)
    """
    if not isinstance(model, Model):
        raise UsageError(
            "save takes a Model, not {given}; train() and network.init() make one", given=type(model).__name__
        )
    check_path(path)
    try:
        head, payload = pack(*contents.describe(model))
        again = _decode(parse(head[PREFIX:], len(head) + len(payload)), head, payload)
        _compare(model, again)
    except UsageError as problem:
        raise SaveError("{path} was not written: {problem}", path=str(path), problem=problem) from problem
    except ModelFileError as problem:
        raise SaveError(
            "{path} was not written, since nobody could load it: {problem}", path=str(path), problem=problem
        ) from problem
    return atomic_write(path, head + payload)


def load(path: str | os.PathLike[str]) -> Model:
    """Read a model from a file that `save` wrote.

    Nothing in the file is run, no other file is opened and no name is imported. The header, the sizes and the checksum
    are checked before a model is made.

    Args:
        path: of the file.

    Returns:
        The model, exactly as it was saved.

    Raises:
        ModelFileError: for what is no whole, valid model file of a version that is known; says what is wrong and what
            to do.
        UsageError: for a path that is none.

    >>> load("model.png")
    Traceback (most recent call last):
      ...
    chainrule.errors.ModelFileError: model.png: there is no such file; ...
    """
    check_path(path)
    try:
        return _decode(*read_file(Path(path), MODEL))
    except ModelFileError as problem:
        raise ModelFileError("{path}: {problem}", path=str(path), problem=tame(problem)) from problem.__cause__


def _decode(header: Header, head: bytes, payload: bytes) -> Model:
    """Make the model of a file whose header is consistent in itself."""
    if not verify(header, head, payload):
        raise ModelFileError(
            "the model file is damaged: its checksum does not fit its contents, so some of its bits have changed since"
            " it was written; copy it again from where it came from, or train again"
        )
    parts = contents.read(header.metadata)
    contents.check_tensors(header.tensors, parts)
    return contents.assemble(parts, arrays(head, payload))


def _compare(model: Model, again: Model) -> None:
    for part in ("network", "loss", "target", "encoder"):
        if getattr(model, part) != getattr(again, part):
            raise UsageError(
                "its {part} would come back changed; give a formula of your own a name of its own, and register it",
                part=part,
            )
