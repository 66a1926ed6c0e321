"""The IDX format, in which MNIST is published: a magic number, the sizes, the values, nothing else.

    bytes 0-1  zero
    byte 2     the values' type
    byte 3     the number of dimensions
    then       each dimension's size, 4 bytes, the highest byte first
    then       the values, the highest byte first, the last index changing fastest

Source: Y. LeCun, C. Cortes, C. J. C. Burges, "The MNIST database of handwritten digits".
"""

from __future__ import annotations

import math
from typing import BinaryIO

import numpy as np

from chainrule.data.dataset import Array
from chainrule.data.sources import MAX_UNPACKED, read_up_to
from chainrule.errors import DataError
from chainrule.language import Message

__all__ = ["is_idx", "read_idx"]

_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_MAX_DIMENSIONS = 4


def is_idx(head: bytes) -> bool:
    r"""Say whether a file that begins like this is an IDX file.

    >>> is_idx(b"\x00\x00\x08\x01"), is_idx(b"a,b,c")
    (True, False)
    """
    return len(head) >= 4 and head[:2] == b"\0\0" and head[2] in _TYPES and 1 <= head[3] <= _MAX_DIMENSIONS


def read_idx(file: BinaryIO, name: str, *, size: int | None = None) -> Array:
    r"""Read an IDX file; its sizes are checked before the values are read.

    Args:
        file: unpacked bytes, at their beginning.
        name: the file's name for messages.
        size: how many bytes there are; None where only reading them tells (a packed file).

    Returns:
        The array, in this machine's byte order.

    Raises:
        DataError: where the magic number or the size is wrong.

    >>> import io
    >>> read_idx(io.BytesIO(b"\x00\x00\x08\x02\x00\x00\x00\x01\x00\x00\x00\x02\x05\x07"), "tiny").tolist()
    [[5, 7]]
    """
    magic = bytes(read_up_to(file, 4, name))
    if not is_idx(magic):
        raise DataError(
            "{path} begins with the bytes {magic}; an IDX file begins with 00 00, a type (08 to 0e) and a number of"
            " dimensions (01 to 04), so this is another kind of file or a damaged one: get it again",
            path=name,
            magic=magic.hex(" ") or Message("(none)"),
        )
    dtype, dimensions = np.dtype(_TYPES[magic[2]]), magic[3]
    sizes = read_up_to(file, 4 * dimensions, name)
    if len(sizes) < 4 * dimensions:
        raise DataError("{path} ends within its header: it is cut off, get it again", path=name)
    shape = tuple(int(count) for count in np.frombuffer(sizes, dtype=">u4"))
    expected = math.prod(shape) * dtype.itemsize
    _check_size(None if size is None else size - 4 - 4 * dimensions, expected, shape, name)
    values = read_up_to(file, expected + 1, name)
    _check_size(len(values), expected, shape, name)
    return np.frombuffer(values, dtype=dtype).astype(dtype.newbyteorder("="), copy=False).reshape(shape)


def _check_size(size: int | None, expected: int, shape: tuple[int, ...], name: str) -> None:
    """Compare the values' size in bytes with what the header promises; packed files have an upper limit as well."""
    text = " x ".join(str(count) for count in shape)
    if size is None and expected > MAX_UNPACKED:
        raise DataError(
            "{path} says that it holds {shape} values, more than the {limit} bytes that a packed file may hold:"
            " unpack it first, if that is true",
            path=name,
            shape=text,
            limit=MAX_UNPACKED,
        )
    if size is not None and size != expected:
        raise DataError(
            "{path} says that it holds {shape} values, which take {expected} bytes, but {size} follow: it is"
            " cut off or damaged, get it again",
            path=name,
            shape=text,
            expected=expected,
            size=size if size < expected else Message("{n} or more", n=size),
        )
