"""Seeded random streams: every random number is a function of (seed, purpose, counters), never of the order of calls.

The words come from Philox-4x64-10, a generator that enciphers a counter, so any engine on any number of threads makes
the same words on its own: with the key (seed, purpose), block k = 0, 1, … of four words enciphers (k + 1, 0, counter 1,
counter 2). Everything else is defined from those 64-bit words w:

    uniform      u = (w >> 11) / 2^53, in [0, 1)
    normal       Box-Muller on consecutive halves: sqrt(-2 ln(1 - u1)) cos(2 pi u2), then the same with sin
    permutation  the order that sorts n words (two alike among n have the probability n^2 / 2^65)
    mask         each word gives two 32-bit halves, low half first; kept where the half is at least rate * 2^32

Source: J. K. Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule.errors import UnknownName, UsageError

__all__ = ["PURPOSES", "check_seed", "mask", "mask_at", "mask_threshold", "normals", "permutation", "uniforms", "words"]

# The numbers are part of every saved result: append, never renumber.
PURPOSES = {"init": 1, "shuffle": 2, "dropout": 3, "split": 4, "data": 5, "test": 6}
_PLACES = 8  # of a mask in a block of four words
_BLOCKS_AT_ONCE = 2**17


def check_seed(seed: int) -> int:
    """Return ``seed`` as a Python int in 0 … 2^64 - 1.

    Raises:
        UsageError: where it is no whole number in that range.

    >>> check_seed(7)
    7
    """
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or not 0 <= int(seed) < 2**64:
        raise UsageError("seed is {seed!r}; it must be a whole number from 0 to 2**64 - 1", seed=seed)
    return int(seed)


def words(seed: int, purpose: str, *counters: int, count: int) -> npt.NDArray[np.uint64]:
    """Give the first ``count`` 64-bit words of a stream.

    Args:
        seed: whole number from 0 to 2^64 - 1.
        purpose: one of `PURPOSES`; streams of different purposes never meet.
        *counters: up to two whole numbers, such as layer and update.
        count: how many words.

    Returns:
        uint64 array of shape (count,).

    >>> bool((words(0, "test", 1, count=4) == words(0, "test", 1, count=9)[:4]).all())
    True
    """
    if purpose not in PURPOSES:
        raise UnknownName.among("random stream", purpose, PURPOSES)
    whole = all(isinstance(each, (int, np.integer)) and 0 <= each < 2**64 for each in (*counters, count))
    if not whole or len(counters) > 2:
        raise UsageError(
            "a stream was asked for {count!r} words at counters {counters!r}; expected whole numbers of 0 or more, and "
            "at most two counters",
            count=count,
            counters=counters,
        )
    first, second = (*counters, 0, 0)[:2]
    return _source(seed, purpose, first, second).random_raw(count)


def _source(seed: int, purpose: str, first: int, second: int, block: int = 0) -> np.random.Philox:
    """Give the stream from this block of four words on."""
    key = np.array([check_seed(seed), PURPOSES[purpose]], dtype=np.uint64)
    return np.random.Philox(key=key, counter=np.array([block, 0, first, second], dtype=np.uint64))


def uniforms(seed: int, purpose: str, *counters: int, shape: int | tuple[int, ...]) -> npt.NDArray[np.float64]:
    """Give numbers that are uniform in [0, 1): u = (w >> 11) / 2^53.

    >>> bool((uniforms(3, "test", shape=1000) < 1).all())
    True
    """
    raw = words(seed, purpose, *counters, count=math.prod(np.atleast_1d(shape)))
    numbers: npt.NDArray[np.float64] = (raw >> np.uint64(11)) * np.float64(2.0**-53)
    return numbers.reshape(shape)


def normals(seed: int, purpose: str, *counters: int, shape: int | tuple[int, ...]) -> npt.NDArray[np.float64]:
    """Give standard normal numbers by the Box-Muller transform.

    sqrt(-2 ln(1 - u1)) cos(2 pi u2) and sqrt(-2 ln(1 - u1)) sin(2 pi u2), u1 and u2 being the first and second half of
    the stream's uniforms.

    >>> bool(abs(normals(3, "test", shape=(100, 100)).mean()) < 0.03)
    True
    """
    count = math.prod(np.atleast_1d(shape))
    half = (count + 1) // 2
    u = uniforms(seed, purpose, *counters, shape=2 * half)
    radius = np.sqrt(-2.0 * np.log1p(-u[:half]))
    angle = 2.0 * np.pi * u[half:]
    return np.concatenate([radius * np.cos(angle), radius * np.sin(angle)])[:count].reshape(shape)


def permutation(seed: int, purpose: str, *counters: int, n: int) -> npt.NDArray[np.int64]:
    """Give a permutation of 0 … n - 1: the order that sorts n random words.

    >>> sorted(permutation(0, "shuffle", 1, n=5).tolist())
    [0, 1, 2, 3, 4]
    """
    return np.argsort(words(seed, purpose, *counters, count=n))


def mask_threshold(rate: float) -> int:
    """Give the least 32-bit half of a word that keeps its number: rate * 2^32, held to what 32 bits can be.

    >>> mask_threshold(0.5) == 2**31
    True
    """
    return min(round(rate * 2**32), 2**32 - 1)


def mask(seed: int, *counters: int, shape: tuple[int, ...], rate: float) -> npt.NDArray[np.bool_]:
    """Give a dropout mask: True (keep) with probability 1 - rate.

    >>> round(float(mask(0, 1, shape=(1000, 100), rate=0.2).mean()), 2)
    0.8
    """
    if not 0 <= rate <= 1:
        raise UsageError("the rate of a mask is {rate!r}; it must be from 0 to 1", rate=rate)
    count = math.prod(shape)
    raw = words(seed, "dropout", *counters, count=(count + 1) // 2)
    halves = raw.astype("<u8", copy=False).view("<u4")[:count]
    kept: Any = halves >= np.uint32(mask_threshold(rate))
    return kept.reshape(shape)


def mask_at(seed: int, layer: int, update: int, *, places: npt.NDArray[np.int64], rate: float) -> npt.NDArray[np.bool_]:
    """Give a dropout mask at some places only: what `mask` holds there, in the order of its entries.

    Args:
        seed: whole number from 0 to 2^64 - 1.
        layer: the first counter.
        update: the second counter.
        places: indices into the flat mask, ascending.
        rate: the probability of dropping.

    >>> whole = mask(0, 1, 2, shape=(4, 3), rate=0.5).ravel()
    >>> bool((mask_at(0, 1, 2, places=np.array([0, 7, 11]), rate=0.5) == whole[[0, 7, 11]]).all())
    True
    """
    kept, done = np.empty(len(places), dtype=np.bool_), 0
    while done < len(places):
        # From the block of the next place on, so many that memory stays small however far apart places lie.
        block = int(places[done]) // _PLACES
        stop = int(np.searchsorted(places, _PLACES * (block + _BLOCKS_AT_ONCE)))
        inside = places[done:stop] - _PLACES * block
        raw = _source(seed, "dropout", layer, update, block).random_raw(int(inside[-1]) // 2 + 1)
        kept[done:stop] = raw.astype("<u8", copy=False).view("<u4")[inside] >= np.uint32(mask_threshold(rate))
        done = stop
    return kept
