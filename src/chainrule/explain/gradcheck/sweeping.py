"""The entries of a large array that are not looked at one by one: all at once, along a random direction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from chainrule.explain.gradcheck.numerical import Derivatives, Noise, Value, along_line, derivatives, difference
from chainrule.formulas import Array

__all__ = ["Sweep", "swept"]

_COMPLEX = 1e-30


class Sweep(NamedTuple):
    """What is known of an array whose other entries are to be looked at.

    Args:
        value: the function.
        arrays: where, float64.
        k: which of the arrays.
        given: its gradient as it was given.
        signs: 1 or -1 for each entry, the direction.
        noise: the rounding of the function's values.
        scale: size of derivatives that matter.
        allowed: how far one entry may be off.
    """

    value: Value
    arrays: Sequence[Array]
    k: int
    given: Array
    signs: Array
    noise: Noise
    scale: float
    allowed: float


def swept(sweep: Sweep, entries: Array, numerical: Derivatives) -> tuple[Array, Derivatives]:
    """Look at all other entries of an array at once; if that is wrong, find one that is.

    Args:
        sweep: the array.
        entries: those that were looked at, flat.
        numerical: their derivatives.

    Returns:
        Both, with one entry more if the slope along the direction is another than the gradient says.
    """
    differs = _by_complex_step(sweep) if numerical.method == "complex step" else _by_difference(sweep)
    suspects = np.setdiff1d(np.arange(sweep.given.size), entries)
    if not differs(suspects):
        return entries, numerical
    while len(suspects) > 1:
        half = suspects[: len(suspects) // 2]
        suspects = half if differs(half) else suspects[len(suspects) // 2 :]
    more = derivatives(sweep.value, sweep.arrays, sweep.k, suspects, sweep.noise.size, sweep.scale, np.ones(1))
    both = Derivatives(
        np.concatenate([numerical.values, more.values]),
        np.concatenate([numerical.uncertainties, more.uncertainties]),
        np.concatenate([numerical.kinks, more.kinks]),
        numerical.method,
    )
    return np.concatenate([entries, suspects]), both


def _by_complex_step(sweep: Sweep) -> Callable[[Array], bool]:
    g = sweep.given.astype(np.float64).ravel()

    def differs(part: Array) -> bool:
        stepped = [array.astype(np.complex128) for array in sweep.arrays]
        stepped[sweep.k].flat[part] += 1j * _COMPLEX * sweep.signs[part]
        slope = float(np.asarray(sweep.value(stepped)).imag.reshape(())) / _COMPLEX
        return not abs(slope - float(g[part] @ sweep.signs[part])) <= sweep.allowed * np.sqrt(len(part))

    return differs


def _by_difference(sweep: Sweep) -> Callable[[Array], bool]:
    g, theta = sweep.given.astype(np.float64).ravel(), sweep.arrays[sweep.k].ravel()

    def differs(part: Array) -> bool:
        signs, root = sweep.signs[part], np.sqrt(len(part))
        unit = max(1.0, float(np.abs(theta[part]).max())) / root  # as long a way as that of a single entry
        along = along_line(sweep.value, sweep.arrays, sweep.k, part, signs)
        found = difference(along, unit, sweep.noise.size, sweep.scale)
        return not abs(found.value - float(g[part] @ signs)) <= sweep.allowed * root + 5 * found.uncertainty

    return differs
