"""Derivatives from values alone: the complex step, held to account by central differences; or these alone.

The complex step, Im f(theta + i h e_k) / h with h = 1e-30, subtracts nothing and so has no rounding error. But a
function may lose the imaginary part on its way (``np.abs`` does), and still give a complex number. So a difference
along some random directions, which needs no complex numbers, must come to the same.

A central difference D(h) = (f(t + h) - f(t - h)) / 2h is taken for h, h/2 and h/4 and extrapolated twice to h = 0. The
last change that this makes, the function's rounding and a jump of the slope, if there is one, are its uncertainty; the
h of the least uncertainty is taken. A jump shows in S(h) = (f(t + h) + f(t - h) - 2 f(t)) / h, right slope minus left
slope: it goes to 0 with h where f is smooth, and stays where there is a kink.

How much rounding there is in the values decides which h are of use, and which jumps are none. It is measured, as a
function may compute in float32 whatever it is given: from differences of the fourth order over tiny equal steps, in
which nothing smooth is left.

Sources: W. Squire and G. Trapp, "Using complex variables to estimate derivatives of real functions", SIAM Review 1998;
L. F. Richardson, "The deferred approach to the limit", Phil. Trans. A 1927; C. J. F. Ridders, "Accurate computation of
F'(x) and F'(x)F''(x)", Advances in Engineering Software 1982; J. More and S. Wild, "Estimating computational noise",
SIAM J. Sci. Comput. 2011.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from chainrule.explain.gradcheck.calling import Failure
from chainrule.formulas import Array
from chainrule.streams import normals

__all__ = [
    "Derivatives",
    "Difference",
    "Noise",
    "Value",
    "along_line",
    "derivatives",
    "difference",
    "noise_of",
    "rounding_of",
]

# The value of a function for its arrays.
Value: TypeAlias = Callable[[Sequence[Array]], Any]

_COMPLEX = 1e-30
# Largest h of a difference, in units of max(1, |theta|); values of float32 need wider ones.
_STEPS = (1e-2, 1e-3, 1e-4, 1e-5, 1e-6)
_WIDE_STEPS = (0.3, 0.1, 0.03, 0.01, 3e-3, 1e-3)
_ENOUGH = 1e-11  # uncertainty, in units of the derivative, at which no other h is tried
_TRUSTED = 1e-6  # how far complex step and difference may be apart
_JUMP = 1e-5  # jump of a slope, in units of the derivatives, that counts as a kink
_COARSE = 1e-10  # noise, in units of the value, of a narrower number type than float64
_BY_NOISE = 256.0  # jumps of so many times noise / h may be nothing but noise: 14 standard deviations
# Where the noise is measured: steps of the size of float32's last digits, a little away from the point, at which many
# functions have a kink, or the value 0 with no rounding at all.
_AWAY = (1e-3, 3e-4, 1e-4)
_TINY_STEP = 3e-7
_POINTS = 9


@dataclass(frozen=True)
class Difference:
    """A derivative by central differences.

    Args:
        value: the derivative.
        uncertainty: how far it may be off.
        jump: right slope minus left slope; 0 where it may be nothing but rounding.
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


class Noise(NamedTuple):
    """The rounding in a function's values.

    Args:
        size: how far a value may be off, about one standard deviation.
        coarse: whether that is more than float64 explains.
    """

    size: float
    coarse: bool


def rounding_of(value: Value, arrays: Sequence[Array]) -> float:
    """Estimate the rounding in a float64 value: what parameters that differ in their last digits change it by.

    `noise_of` measures it, also in values that are float32 on the way, with many more calls.

    >>> rounding_of(lambda arrays: float(arrays[0].sum()), [np.ones(4)]) < 1e-14
    True
    """
    here = float(np.asarray(value(arrays)).real.reshape(()))
    there = [_real(value, [a * (1 + s * 2.0**-52) for a in arrays]) for s in (3, -5)]
    return max(2.0**-52 * abs(here), *(abs(each - here) for each in there))


def noise_of(value: Value, arrays: Sequence[Array]) -> Noise:
    """Measure how much rounding there is in a value.

    >>> noise_of(lambda arrays: float(np.sin(arrays[0]).sum()), [np.ones(4)]).coarse
    False
    >>> noise_of(lambda arrays: float(np.sin(arrays[0].astype(np.float32)).sum()), [np.ones(4)]).coarse
    True
    """
    here = np.asarray(value(arrays))
    eps, first = _eps(here), float(here.real.reshape(()))
    there = [_real(value, [a * (1 + s * 2.0**-52) for a in arrays]) for s in (3, -5)]
    windows = np.array([_window(value, arrays, turn, away) for turn, away in enumerate(_AWAY)])
    fourth = np.diff(windows, 4)  # 1, -4, 6, -4, 1: of the variance, 70 times
    sizes = np.sqrt(np.mean(fourth**2, axis=1) / 70)
    # The median: one window in three may have caught a kink.
    measured = float(np.median(sizes[np.isfinite(sizes)])) if np.isfinite(sizes).any() else 0.0
    values = windows[np.isfinite(windows)]
    largest = float(np.abs(values).max(initial=abs(first)))
    # Steps may be too small to change a narrow number at all.
    eps = max(eps, *(_eps(np.zeros(0, kind)) for kind in ("f2", "f4") if np.all(values.astype(kind) == values)), 0.0)
    size = max(eps * abs(first), measured, *(abs(each - first) for each in there if np.isfinite(each)))
    return Noise(size, size > _COARSE * largest)


def _window(value: Value, arrays: Sequence[Array], turn: int, away: float) -> Array:
    """Give values at equal tiny steps on a line near the point."""
    units = [np.maximum(1.0, np.abs(a)) for a in arrays]
    ways = [u * normals(0, "test", turn, 5000 + k, shape=u.shape or (1,)).reshape(u.shape) for k, u in enumerate(units)]
    ts = away + _TINY_STEP * np.arange(_POINTS)
    return np.array([_real(value, [a + t * way for a, way in zip(arrays, ways, strict=True)]) for t in ts])


def _real(value: Value, arrays: Sequence[Array]) -> float:
    try:
        return float(np.asarray(value(arrays)).real.reshape(()))
    except Failure:  # outside of where it is defined
        return float("nan")


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
    here = along(0.0)
    wide = noise > _COARSE * max(abs(here), 1e-300)
    found: list[Difference] = []
    for step in _WIDE_STEPS if wide else _STEPS:
        found.append(_extrapolated(along, here, step * unit, noise))
        if found[-1].uncertainty <= _ENOUGH * max(scale, abs(found[-1].value)):
            break
    sure = [each for each in (_agreeing(found) if wide else found) if np.isfinite(each.uncertainty)]
    return min(sure, key=lambda each: each.uncertainty, default=Difference(np.nan, np.inf, 0.0))


def _extrapolated(along: Callable[[float], float], here: float, h: float, noise: float) -> Difference:
    """Give the derivative by h, h/2 and h/4."""
    hs = [h / 2**i for i in range(3)]
    pairs = [(along(h), along(-h)) for h in hs]
    d0, d1, d2 = ((right - left) / (2 * h) for (right, left), h in zip(pairs, hs, strict=True))
    s0, s1, s2 = ((right + left - 2 * here) / h for (right, left), h in zip(pairs, hs, strict=True))
    r1, r2 = (4 * d1 - d0) / 3, (4 * d2 - d1) / 3  # without the h^2 of the error
    value = (16 * r2 - r1) / 15  # and without the h^4
    jump = (8 * (2 * s2 - s1) - (2 * s1 - s0)) / 7  # S(h) has odd powers of h; h and h^3 are taken off
    uncertainty = abs(value - r2) + abs(jump) + 16 * noise / h
    return Difference(value, uncertainty, jump if abs(jump) > _BY_NOISE * noise / h else 0.0, h)


def _agreeing(found: Sequence[Difference]) -> list[Difference]:
    """Give differences by wide steps as uncertain as the next two smaller steps, or larger ones, disagree with them.

    Over a wide step there may be many kinks, whose traces in one uncertainty happen to cancel.
    """
    result = []
    for i, each in enumerate(found):
        others = found[i + 1 : i + 3] if i < len(found) - 1 else found[max(0, i - 1) : i]
        apart = [abs(each.value - other.value) for other in others]
        result.append(replace(each, uncertainty=max(each.uncertainty, *apart, 0.0)))
    return result


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
            found = difference(along_line(value, arrays, k, entries, way), unit, noise, size)
            apart = abs(float(stepped @ way) - found.value)
            return apart <= _TRUSTED * size + found.uncertainty and found.uncertainty <= _TRUSTED * size

        # Along one direction what was lost may cancel: 0.01 sign(w) times 3 and -3.
        ways = (direction, direction[::-1], np.abs(direction))[: min(3, len(entries))]
        if all(map(agrees, ways)):
            return Derivatives(stepped, np.zeros(len(entries)), np.zeros(len(entries), bool), "complex step")
    single = [
        difference(
            along_line(value, arrays, k, entries[i : i + 1], np.ones(1)),
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


def along_line(
    value: Value, arrays: Sequence[Array], k: int, entries: Array, direction: Array
) -> Callable[[float], float]:
    """Give the function's value on a line through the point."""
    given = [array.copy() for array in arrays]
    start = arrays[k].flat[entries]

    def along(t: float) -> float:
        given[k].flat[entries] = start + t * direction
        return _real(value, given)

    return along
