"""The container of our files: safetensors, with metadata in a fixed order and a checksum over every byte.

    8 bytes   length of the header, little-endian
    header    JSON in ASCII, padded with spaces to a multiple of 8: the metadata, then type, shape, place of each tensor
    payload   the tensors, one after the other without gaps, little-endian

The checksum is SHA-256 of the whole file, in which 64 zeros stand in the checksum's own place.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.data import schema
from chainrule.errors import ModelFileError
from chainrule.formulas import Array
from chainrule.language import Message, template
from chainrule.storage import strict_json

__all__ = [
    "FORMAT",
    "MAX_HEADER",
    "MODEL",
    "VERSION",
    "Form",
    "Header",
    "Tensor",
    "arrays",
    "header_length",
    "pack",
    "parse",
    "verify",
]

FORMAT = "chainrule-model"
VERSION = 1

PREFIX = 8
MAX_HEADER = 8 * 2**20
NO_CHECKSUM = "0" * 64

# What the JSON of a file may take in memory beyond the size of the file; enough for tables of 40,000 columns.
_MEMORY = 56 * 2**20
_DTYPES: dict[str, np.dtype[Any]] = {"F64": np.dtype(np.float64), "F32": np.dtype(np.float32)}


@dataclass(frozen=True)
class Form:
    """One kind of file, and what is said of a file that is of another kind.

    Args:
        name: what stands under "format" in the metadata.
        version: the newest that is known.
        other: a template: of a safetensors file of another kind.
        foreign: a template: of a file of another format, ``{kind}``.
        device: a template: of what is no file.
    """

    name: str
    version: int
    other: str
    foreign: str
    device: str


MODEL = Form(
    FORMAT,
    VERSION,
    template(
        "this is a safetensors file, but not a chainrule model; give a file that chainrule.save or `chainrule"
        " train` made"
    ),
    template("this is {kind}, not a chainrule model; give a file that chainrule.save or `chainrule train` made"),
    template("this is a device or a pipe; give a file that chainrule.save or `chainrule train` made"),
)


@dataclass(frozen=True)
class Tensor:
    """What the header says of one tensor.

    Args:
        dtype: float64 or float32.
        length: how many numbers; every tensor is a vector.
        start: where in the payload its first byte is.
        end: where its last one has been.
    """

    dtype: np.dtype[Any]
    length: int
    start: int
    end: int


@dataclass(frozen=True)
class Header:
    """What the beginning of a file says, once it is known to be consistent in itself.

    Args:
        metadata: texts by name.
        tensors: by name.
        payload: how many bytes follow.
    """

    metadata: dict[str, str]
    tensors: dict[str, Tensor]
    payload: int


def pack(tensors: Mapping[str, Array], metadata: Mapping[str, str]) -> tuple[bytes, bytes]:
    """Give the header (with its length before it) and the payload of a file; the same input gives the same bytes.

    Args:
        tensors: vectors of float64 or float32.
        metadata: texts; `NO_CHECKSUM` under "checksum" becomes the checksum. No text before it may hold 64 zeros.
    """
    from safetensors.numpy import save

    # The library chooses the order of the tensors. It would write the metadata in an order that chance makes.
    packed = save({name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()})
    end = PREFIX + int.from_bytes(packed[:PREFIX], "little")
    fields = {"__metadata__": dict(metadata), **json.loads(packed[PREFIX:end])}
    text = json.dumps(fields, ensure_ascii=True, separators=(",", ":")).encode("ascii")
    text += b" " * (-len(text) % 8)
    head, payload = len(text).to_bytes(PREFIX, "little") + text, packed[end:]
    return head.replace(NO_CHECKSUM.encode(), _digest(head, payload).encode(), 1), payload


def header_length(prefix: bytes, size: int) -> int:
    """Give the header's length from the first 8 bytes.

    Raises:
        ModelFileError: where it cannot be, in a file of this size.
    """
    length = int.from_bytes(prefix, "little")
    if length > MAX_HEADER:
        raise ModelFileError(
            "this is not a chainrule model, or a damaged one: its header would have {length} bytes, at most {limit} are"
            " read",
            length=length,
            limit=MAX_HEADER,
        )
    if PREFIX + length > size:
        raise _truncated(size, PREFIX + length)
    return length


def parse(text: bytes, size: int, form: Form = MODEL) -> Header:
    """Read a header, without its length before it.

    Args:
        text: the header.
        size: of the whole file, in bytes.
        form: the kind of file that it should be.

    Raises:
        ModelFileError: where it is no header of such a file, or where it and the size contradict each other.
    """
    try:
        written = text.decode("ascii")
    except UnicodeDecodeError:
        raise ModelFileError("the model file is damaged: its header is not in ASCII") from None
    _check_memory([written], size)
    fields = strict_json.read(written, Message("the header"))
    metadata = _metadata(fields.pop("__metadata__", None) if isinstance(fields, dict) else None, form)
    _check_memory(list(metadata.values()), size)
    tensors = {name: _tensor(name, fields[name]) for name in fields}
    payload = _check_places(tensors)
    whole = PREFIX + len(text) + payload
    if size < whole:
        raise _truncated(size, whole)
    if size > whole:
        raise ModelFileError(
            "the model file is damaged: it has {size} bytes, its header says {whole}; copy it again from where it came"
            " from",
            size=size,
            whole=whole,
        )
    return Header(metadata, tensors, payload)


def verify(header: Header, head: bytes, payload: bytes) -> bool:
    """Say whether the checksum is right.

    Args:
        header: as `parse` gave it.
        head: the header's bytes with its length before it.
        payload: what follows.
    """
    checksum = header.metadata.get("checksum", "")
    if not re.fullmatch("[0-9a-f]{64}", checksum) or head.count(checksum.encode()) != 1:
        return False
    return _digest(head.replace(checksum.encode(), NO_CHECKSUM.encode()), payload) == checksum


def arrays(head: bytes, payload: bytes) -> dict[str, Array]:
    """Give the tensors of a file that was parsed and verified, each in memory of its own.

    Raises:
        ModelFileError: for a header that the library reads otherwise than Python, such as with half a character in it.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        return {name: np.array(tensor) for name, tensor in load(head + payload).items()}
    except SafetensorError as error:
        raise ModelFileError(
            "the model file is damaged: {what} cannot be read: {reason}", what=Message("the header"), reason=str(error)
        ) from error


def _digest(head: bytes, payload: bytes) -> str:
    found = hashlib.sha256(head)
    found.update(payload)
    return found.hexdigest()


def _check_memory(texts: list[str], size: int) -> None:
    if sum(map(strict_json.memory_of, texts)) > _MEMORY + size:
        raise ModelFileError(
            "the model file is damaged: its header holds more values than any model needs (a table encoder may have"
            " about 40,000 columns)"
        )


def _metadata(data: object, form: Form) -> dict[str, str]:
    """Check format and version before all else, since a newer version may do all else differently."""
    if not isinstance(data, dict) or data.get("format") != form.name:
        raise ModelFileError(form.other)
    if not all(isinstance(value, str) and value.isascii() for value in data.values()):
        raise ModelFileError("the model file is damaged: its metadata are not all texts in ASCII")
    version = data.get("format_version", "")
    if re.fullmatch("[1-9][0-9]{0,8}", version) and int(version) > form.version:
        raise ModelFileError(
            "the file was written by a newer chainrule (its version is {writer}, its format {version}; this one reads"
            " format {known}); upgrade with: pip install --upgrade chainrule",
            writer=data.get("chainrule", Message("not stated")),
            version=version,
            known=form.version,
        )
    if version != str(form.version):
        raise ModelFileError("the model file is damaged: its format version is {version!r}", version=version)
    return data


def _tensor(name: str, fields: object) -> Tensor:
    what = Message("the tensor {name!r}", name=name)
    record = schema.record(fields, what, dtype=str, shape=list, data_offsets=list)
    dtype, shape, offsets = _DTYPES.get(record["dtype"]), record["shape"], record["data_offsets"]
    plain = all(type(number) is int and number >= 0 for number in [*shape, *offsets])
    if dtype is None or not plain or len(shape) != 1 or len(offsets) != 2:
        raise ModelFileError("the model file is damaged: {what} is no vector of float64 or float32", what=what)
    tensor = Tensor(dtype, shape[0], *offsets)
    if tensor.end - tensor.start != tensor.length * dtype.itemsize:
        raise ModelFileError(
            "the model file is damaged: {what} has {length} numbers of {bytes} bytes, but its place is from byte"
            " {start} to {end}",
            what=what,
            length=tensor.length,
            bytes=dtype.itemsize,
            start=tensor.start,
            end=tensor.end,
        )
    return tensor


def _check_places(tensors: Mapping[str, Tensor]) -> int:
    """Check that the tensors fill the payload without gaps; give its length."""
    end = 0
    for name, tensor in sorted(tensors.items(), key=lambda pair: (pair[1].start, pair[1].end)):
        if tensor.start != end:
            raise ModelFileError(
                "the model file is damaged: the tensor {name!r} begins at byte {start}, expected {end}",
                name=name,
                start=tensor.start,
                end=end,
            )
        end = tensor.end
    return end


def _truncated(size: int, expected: int) -> ModelFileError:
    return ModelFileError(
        "the model file is truncated: it has {size} bytes, its header says {expected}; copy it again from where it came"
        " from",
        size=size,
        expected=expected,
    )
