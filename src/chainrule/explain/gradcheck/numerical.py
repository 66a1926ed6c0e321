"""Derivatives from values alone: the complex step, held to account by central differences; or these alone.

The complex step, Im f(theta + i h e_k) / h with h = 1e-30, subtracts nothing and so has no rounding error. But a
function may lose the imaginary part on its way (``np.abs`` does), and still give a complex number. So a difference
along some random directions, which needs no complex numbers, must come to the same.

A central difference D(h) = (f(t + h) - f(t - h)) / 2h is taken for h, h/2 and h/4 and extrapolated twice to h = 0. The
last change that this makes, the function's rounding and a jump of the slope, if there is one, are its uncertainty; the
h of the least uncertainty is taken. A jump shows in S(h) = (f(t + h) + f(t - h) - 2 f(t)) / h, right slope minus left
slope: it goes to 0 with h where f is smooth, and stays where there is a kink.

Sources: W. Squire and G. Trapp, "Using complex variables to estimate derivatives of real functions", SIAM Review 1998;
L. F. Richardson, "The deferred approach to the limit", Phil. Trans. A 1927; C. J. F. Ridders, "Accurate computation of
F'(x) and F'(x)F''(x)", Advances in Engineering Software 1982.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from chainrule.explain.gradcheck.calling import Failure
from chainrule.formulas import Array

__all__ = ["Derivatives", "Difference", "Value", "derivatives", "difference", "noise_of"]

# The value of a function for its arrays.
Value: TypeAlias = Callable[[Sequence[Array]], Any]

_COMPLEX = 1e-30
# Largest h of a difference, in units of max(1, |theta|); values of float32 need wider ones.
_STEPS = (1e-2, 1e-3, 1e-4, 1e-5, 1e-6)
_WIDE_STEPS = (0.3, 0.1, 0.03, 0.01, 1e-3)
_ENOUGH = 1e-11  # uncertainty, in units of the derivative, at which no other h is tried
_TRUSTED = 1e-6  # how far complex step and difference may be apart
_JUMP = 1e-5  # jump of a slope, in units of the derivatives, that counts as a kink


@dataclass(frozen=True)
class Difference:
    """A derivative by central differences.

    Args:
        value: the derivative.
        uncertainty: how far it may be off.
        jump: right slope minus left slope.
        step: the largest h of the three.
    """

    value: float
    uncertainty: float
    jump: float
    step: float = np.nan


@dataclass(frozen=True)
class Derivatives:
    """The derivatives by some entries of one array.

    Args:
        values: one for each entry.
        uncertainties: how far each may be off; 0 for the complex step.
        kinks: at which entries left and right slope differ.
        method: "complex step" or "central difference".
    """

    values: Array
    uncertainties: Array
    kinks: Array
    method: str


def noise_of(value: Value, arrays: Sequence[Array]) -> float:
    """Estimate how much rounding there is in a value: what parameters that differ in their last digits change it by.

    >>> noise_of(lambda arrays: float(arrays[0].sum()), [np.ones(4)]) < 1e-14
    True
    """
    here = np.asarray(value(arrays))
    eps = _eps(here)
    size = abs(float(here.real.reshape(())))
    there = [float(np.real(np.asarray(value([a * (1 + s * 2.0**-52) for a in arrays]))).reshape(())) for s in (3, -5)]
    return max(eps * size, *(abs(each - float(here.real.reshape(()))) for each in there))


def _eps(value: Array) -> float:
    return float(np.finfo(value.dtype).eps) if value.dtype.kind in "fc" else 2.0**-52


def difference(along: Callable[[float], float], unit: float, noise: float, scale: float) -> Difference:
    """Give the derivative of a function of one number at 0.

    Args:
        along: the function; it may be not a number away from 0.
        unit: in which steps are measured.
        noise: rounding error of its values.
        scale: size of derivatives that matter.

    >>> found = difference(lambda t: float(np.exp(t)), 1.0, 2e-16, 1.0)
    >>> abs(found.value - 1) < 1e-11, found.uncertainty < 1e-10, abs(found.jump) < 1e-10
    (True, True, True)
    >>> difference(abs, 1.0, 2e-16, 1.0).jump
    2.0
    """
    best = Difference(np.nan, np.inf, 0.0)
    here = along(0.0)
    for step in _WIDE_STEPS if noise > 1e-10 * max(abs(here), 1e-300) else _STEPS:
        hs = [step * unit / 2**i for i in range(3)]
        pairs = [(along(h), along(-h)) for h in hs]
        d0, d1, d2 = ((right - left) / (2 * h) for (right, left), h in zip(pairs, hs, strict=True))
        s0, s1, s2 = ((right + left - 2 * here) / h for (right, left), h in zip(pairs, hs, strict=True))
        r1, r2 = (4 * d1 - d0) / 3, (4 * d2 - d1) / 3  # without the h^2 of the error
        value = (16 * r2 - r1) / 15  # and without the h^4
        jump = (8 * (2 * s2 - s1) - (2 * s1 - s0)) / 7  # S(h) has odd powers of h; h and h^3 are taken off
        uncertainty = abs(value - r2) + abs(jump) + 16 * noise / hs[0]
        if uncertainty < best.uncertainty:  # never for what is not a number
            best = Difference(value, uncertainty, jump, hs[0])
        if best.uncertainty <= _ENOUGH * max(scale, abs(value)):
            break
    return best


def derivatives(
    value: Value, arrays: Sequence[Array], k: int, entries: Array, noise: float, scale: float, direction: Array
) -> Derivatives:
    """Give the derivatives by some entries of one array.

    Args:
        value: the function.
        arrays: where, float64.
        k: which of the arrays.
        entries: indices into that array, flat.
        noise: rounding error of its values.
        scale: size of derivatives that matter.
        direction: one random number for each entry.

    >>> square = lambda arrays: (arrays[0] ** 2).sum()
    >>> found = derivatives(square, [np.array([1.0, 3.0])], 0, np.array([0, 1]), 1e-15, 1.0, np.array([0.6, -0.8]))
    >>> found.values.tolist(), found.method
    ([2.0, 6.0], 'complex step')
    """
    stepped = _complex_steps(value, arrays, k, entries)
    if stepped is not None:
        size = max(float(np.abs(stepped).max()), 1e-6 * scale) * float(np.abs(direction).sum())
        unit = max(1.0, float(np.abs(arrays[k]).max())) / float(np.abs(direction).max())

        def agrees(way: Array) -> bool:
            """Whether a difference says the same; an uncertain one, at a kink say, confirms nothing."""
            found = difference(_along(value, arrays, k, entries, way), unit, noise, size)
            apart = abs(float(stepped @ way) - found.value)
            return apart <= _TRUSTED * size + found.uncertainty and found.uncertainty <= _TRUSTED * size

        # Along one direction what was lost may cancel: 0.01 sign(w) times 3 and -3.
        ways = (direction, direction[::-1], np.abs(direction))[: min(3, len(entries))]
        if all(map(agrees, ways)):
            return Derivatives(stepped, np.zeros(len(entries)), np.zeros(len(entries), bool), "complex step")
    single = [
        difference(
            _along(value, arrays, k, entries[i : i + 1], np.ones(1)),
            max(1.0, abs(float(arrays[k].flat[entries[i]]))),
            noise,
            scale,
        )
        for i in range(len(entries))
    ]
    size = max(scale, max(abs(each.value) for each in single))
    jumps = np.array([abs(each.jump) for each in single])
    uncertain = np.array([each.uncertainty for each in single])
    kinks = (jumps > _JUMP * size) & (jumps > 0.5 * uncertain)
    return Derivatives(np.array([each.value for each in single]), uncertain, kinks, "central difference")


def _complex_steps(value: Value, arrays: Sequence[Array], k: int, entries: Array) -> Array | None:
    """Give the derivatives by the complex step; None where the function does not take complex numbers."""
    given = [array.astype(np.complex128) for array in arrays]
    found = np.empty(len(entries))
    for i, entry in enumerate(entries):
        given[k].flat[entry] += 1j * _COMPLEX
        try:
            result = np.asarray(value(given))
        except Failure:
            return None
        given[k].flat[entry] = arrays[k].flat[entry]
        if result.dtype.kind != "c":
            return None
        found[i] = float(result.imag.reshape(())) / _COMPLEX
    return found if np.isfinite(found).all() else None


def _along(value: Value, arrays: Sequence[Array], k: int, entries: Array, direction: Array) -> Callable[[float], float]:
    """Give the function's value on a line through the point."""
    given = [array.copy() for array in arrays]
    start = arrays[k].flat[entries]

    def along(t: float) -> float:
        given[k].flat[entries] = start + t * direction
        try:
            return float(np.asarray(value(given)).real.reshape(()))
        except Failure:  # outside of where it is defined
            return float("nan")

    return along
