"""NumPy's own files: NPY (one array) and NPZ (several, by name).

They are never unpickled, and their sizes are checked before anything is allocated.
"""

from __future__ import annotations

import ast
import io
import math
from typing import IO, TYPE_CHECKING, BinaryIO

import numpy as np

from chainrule.data.columns import listing
from chainrule.data.dataset import Array
from chainrule.data.sources import MAX_UNPACKED
from chainrule.errors import DataError

if TYPE_CHECKING:
    import zipfile

__all__ = ["as_matrix", "read_npy", "read_npz"]

_MAX_HEADER = 10_000
_MAX_COLUMNS = 10**6


def read_npy(file: BinaryIO, name: str) -> Array:
    """Read an NPY file.

    Args:
        file: the bytes, at their beginning; can be sought.
        name: the file's name for messages.

    Raises:
        DataError: where it is cut off, holds Python objects, or is not an NPY file.
    """
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    _check_npy(file.read(_MAX_HEADER), size, name)
    file.seek(0)
    return _load(file, name)


def read_npz(file: BinaryIO, name: str) -> dict[str, Array]:
    """Read every array of an NPZ file.

    Args:
        file: the bytes; can be sought.
        name: the file's name for messages.

    Raises:
        DataError: where it is damaged, holds something other than arrays, or unpacks to more than `MAX_UNPACKED` bytes.
    """
    import zipfile

    try:
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            if not members or not all(member.filename.endswith(".npy") for member in members):
                raise DataError(
                    "{path} is a ZIP archive, but not an NPZ file: it holds {names}; unpack it and name a table in it"
                    " (out of a workbook, save the sheet as CSV)",
                    path=name,
                    names=listing(member.filename for member in members) or "nothing",
                )
            packed = sum(m.file_size for m in members if m.compress_type != zipfile.ZIP_STORED)
            if packed > MAX_UNPACKED:
                raise DataError(
                    "{path} unpacks to {size} bytes, more than {limit}: save it uncompressed (numpy.savez), if that is"
                    " right",
                    path=name,
                    size=packed,
                    limit=MAX_UNPACKED,
                )
            return {member.filename.removesuffix(".npy"): _read_member(archive, member, name) for member in members}
    except DataError:
        raise
    except Exception as error:  # on damaged archives, zipfile raises nearly anything
        raise DataError(
            "{path} is a damaged NPZ file ({reason}): get it again", path=name, reason=str(error)
        ) from error


def _read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, name: str) -> Array:
    with archive.open(member) as stream:
        _check_npy(stream.read(_MAX_HEADER), member.file_size, f"{name}, {member.filename}")
    with archive.open(member) as stream:
        return _load(stream, f"{name}, {member.filename}")


def _check_npy(head: bytes, size: int, name: str) -> None:
    """Compare the size that an NPY header promises with the size that there is, and refuse Python objects."""
    try:
        if head[:6] != b"\x93NUMPY":
            raise ValueError("it does not begin as one")
        width = 2 if head[6] == 1 else 4
        start = 8 + width + int.from_bytes(head[8 : 8 + width], "little")
        header = ast.literal_eval(head[8 + width : start].decode("utf-8"))
        dtype = np.lib.format.descr_to_dtype(header["descr"])
        expected = start + math.prod(header["shape"]) * dtype.itemsize
    except (ValueError, SyntaxError, KeyError, TypeError, IndexError, MemoryError, RecursionError) as error:
        raise _damaged(name) from error
    if dtype.hasobject:
        raise DataError(
            "{path} holds Python objects, which are not read since that could run code; save numbers or texts"
            " (array.astype(float) or array.astype(str))",
            path=name,
        )
    if size < expected:
        raise DataError(
            "{path} says that it has the shape {shape}, which takes {expected} bytes, but has {size}: it is cut off,"
            " get it again",
            path=name,
            shape=header["shape"],
            expected=expected,
            size=size,
        )


def _load(stream: BinaryIO | IO[bytes], name: str) -> Array:
    """Let NumPy read an array whose size is checked, and give it this machine's byte order."""
    try:
        array: Array = np.load(stream, allow_pickle=False)
    except (ValueError, TypeError, KeyError, OverflowError, MemoryError) as error:
        raise _damaged(name) from error
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def _damaged(name: str) -> DataError:
    return DataError(
        "{path} is not an NPY array or a damaged one: get it again, or write it with numpy.save", path=name
    )


def as_matrix(array: Array, name: str) -> tuple[Array, tuple[int, int] | None]:
    """Turn an array of rows into a matrix: images (n, height, width) become one row each.

    Returns:
        The matrix (n, d), and (height, width) or None.

    Raises:
        DataError: for values that are no real numbers, or another number of dimensions.
    """
    if array.dtype.kind not in "buif":
        raise DataError(
            "{path} has values of type {dtype}; rows must be numbers (tables with texts: CSV or Parquet)",
            path=name,
            dtype=array.dtype,
        )
    if array.ndim not in (2, 3) or 0 in array.shape[1:]:
        raise DataError(
            "{path} has the shape {shape}; rows and columns are expected, (n, d), or images, (n, height, width):"
            " reshape it",
            path=name,
            shape=array.shape,
        )
    if len(array) == 0:
        raise DataError("{path} has no rows; at least one is needed", path=name)
    if math.prod(array.shape[1:]) > _MAX_COLUMNS:
        raise DataError(
            "{path} has the shape {shape}, more than {limit} columns; are rows and columns swapped?",
            path=name,
            shape=array.shape,
            limit=_MAX_COLUMNS,
        )
    if array.ndim == 3:
        return array.reshape(len(array), -1), (array.shape[1], array.shape[2])
    return array, None
