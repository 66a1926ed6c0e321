"""The memory that compiled functions work in, sized for a network and a batch."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.engines.compiled.places import VECTORS
from chainrule.engines.compiled.table import Workspace, in_lines
from chainrule.formulas import Array
from chainrule.network import Network
from chainrule.sparse import Inputs, SparseRows

__all__ = ["TALLEST", "aligned", "has_room", "row_addresses", "tall", "tallest", "work"]

# Tiles for more rows than this would be the same.
TALLEST = 256
# So many numbers at most may sparse rows have when they are brought together with all their zeros: those of a batch,
# and those that are gone over at once where their number is free.
_DENSE_BATCH = 2**24
_DENSE_AT_ONCE = 2**22


def tall(rows: int) -> int:
    """Give the number of rows that tiles are chosen for: that of the batch, where it is small enough to matter."""
    return rows if rows <= 32 else 64 if rows < TALLEST else TALLEST


def tallest(X: Inputs) -> int:
    """Give how many rows are gone over at once where their number is free: fewer where sparse ones are very long."""
    room = max(1, _DENSE_AT_ONCE // X.shape[1])
    return min(TALLEST, 1 << (room.bit_length() - 1)) if isinstance(X, SparseRows) else TALLEST


def has_room(X: Inputs, rows: int) -> bool:
    """Whether so many rows may be brought together, as compiled code does with sparse ones."""
    return not isinstance(X, SparseRows) or rows * X.shape[1] <= _DENSE_BATCH


def work(
    network: Network, rows: int, dtype: np.dtype[Any], threads: int = 1, *, copies: int = 0, turned: int = 0
) -> Array:
    """Give room for the passes over so many rows."""
    space = Workspace(network, copies, turned)
    lanes = 64 // dtype.itemsize
    packed = VECTORS * lanes * max(rows, *network.sizes) * threads
    return aligned(np.zeros(in_lines(rows) * space.per_row + space.columns + packed + 8 * lanes, dtype=dtype))


def aligned(vector: Array) -> Array:
    """Copy a vector to where a cache line begins: a vector register that crosses lines takes twice as long to fill."""
    room = np.empty(vector.nbytes + 64, dtype=np.uint8)
    start = -room.ctypes.data % 64
    place = room[start : start + vector.nbytes].view(vector.dtype)
    place[:] = vector
    return place


def row_addresses(rows: int) -> Array:
    """Give room for the addresses of a batch's rows, of X and of Y."""
    return np.zeros(2 * rows, dtype=np.int64)
