"""A gradient and numerical derivatives at one point, held side by side.

How far they may be apart is measured, not guessed: a share of the array's largest derivative by the number type, the
rounding in the gradient, which cancellation may have made large, and the uncertainty of the differences. Where the
values themselves are rounded more coarsely than float64, as a function may compute in float32 within, float32's share
holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from chainrule.errors import UsageError
from chainrule.explain.gradcheck.numerical import Derivatives, Noise, derivatives, noise_of
from chainrule.explain.gradcheck.subjects import Point, Subject
from chainrule.explain.gradcheck.sweeping import Sweep, swept
from chainrule.formulas import Array
from chainrule.streams import normals, permutation

__all__ = ["Compared", "Plan", "Unusable", "compare", "one_by_one"]

# By number type of the gradient: how far it may be off, in units of the array's largest derivative.
_TOLERANCES = {"float16": 2e-2, "float32": 1e-4}
_TOLERANCE = 1e-11
_COARSE_TOLERANCE = 1e-4  # where the values are rounded as float32 is
_BESIDE = 1e-3  # how much of that a much larger derivative of another array allows
_ROUNDING = 10.0  # how many times the rounding that is measured
_DECIDED = 1e-2  # entries whose allowance is a larger share of the largest derivative say nothing
_SOME, _FEW, _MANY = 50, 10, 100_000  # entries of an array that are looked at, and few of many in all
_UNSEEN = 1e-3  # derivatives beside a much larger one that count as 0 where the values are rounded so
_TURN = 100  # streams of random numbers between those of one point and of the next
_NOTHING = 1e-6  # an array's derivatives beside a much larger one of another that count as 0
_SMALL = 1e-5  # wrong by less is no wrong formula, but not exact


class Unusable(Exception):
    """A point at which there is nothing to compare: the value is not a number."""


@dataclass(frozen=True)
class Plan:
    """How much is compared, and how closely.

    Args:
        entries: of larger arrays, how many entries are drawn; None: by how many there are in all.
        tolerance: how far a gradient may be off, in units of the array's largest derivative; None: by number type.
        seed: of what is drawn.
    """

    entries: int | None
    tolerance: float | None
    seed: int


@dataclass(frozen=True, eq=False)
class Compared:
    """One array of a gradient beside the numerical derivatives.

    Args:
        name: of the parameters.
        shape: theirs.
        given: the gradient as it was given.
        theta: the parameters at the entries.
        entries: indices of what was compared, flat.
        yours: the gradient there; empty where it has another number of entries.
        found: the numerical derivatives there.
        errors: differences in units of the largest derivative.
        bad: which entries are wrong.
        undecided: which can be called neither right nor wrong.
        vague: which of these not because they are 0, but by kinks, or by values that are rounded too coarsely.
        noise: the rounding of the values.
        verdict: "right", "inexact", "wrong", "shape" or "unseen"; or "rounded", off by no more than measured rounding.
    """

    name: str
    shape: tuple[int, ...]
    given: Array
    theta: Array
    entries: Array
    yours: Array
    found: Derivatives
    errors: Array
    bad: Array
    undecided: Array
    vague: Array
    noise: Noise
    verdict: str


def compare(subject: Subject, point: Point, plan: Plan, turn: int = 0) -> list[Compared]:
    """Compare gradient and numerical derivatives at one point.

    Args:
        subject: what is checked.
        point: where.
        plan: how closely.
        turn: the number of the point: at each, others of a large array's entries are looked at.

    Raises:
        Unusable: where the value is not finite.
        Failure: where the user's functions fail.
        UsageError: where they give what is no value or no gradient.
    """
    arrays = [np.array(array, dtype=np.float64) for array in point.arrays]
    value = subject.at(point.data)
    if not np.isfinite(np.asarray(value(arrays))).all():
        raise Unusable
    gradient = subject.gradient(point.arrays, point.data)
    spreads = _spreads(subject, point, gradient)
    scale = max((float(np.abs(g[np.isfinite(g)]).max(initial=0)) for g in gradient), default=0.0)
    noise = noise_of(value, arrays)
    found = []
    most = one_by_one(sum(array.size for array in arrays), plan)
    for k in range(len(arrays)):
        entries = _chosen(arrays[k].size, most, plan.seed, k, turn)
        direction = normals(plan.seed, "test", k, 5, shape=len(entries))
        found.append((entries, derivatives(value, arrays, k, entries, noise.size, scale, direction)))
    largest = max(_largest(each) for _, each in found)
    result = []
    for k, (entries, numerical) in enumerate(found):
        tolerance = _tolerance(gradient[k], noise, plan)
        if gradient[k].size == arrays[k].size and len(entries) < arrays[k].size:
            signs = np.sign(normals(plan.seed, "test", k, 7 + _TURN * turn, shape=gradient[k].size))
            off = max(tolerance, 1e-9) * max(_largest(numerical), 1e-6 * scale)
            sweep = Sweep(value, arrays, k, gradient[k], signs, noise, scale, off)
            entries, numerical = swept(sweep, entries, numerical)
        rounding = _rounding(subject, arrays[k].flat[entries])
        allowed = _allowed(tolerance, numerical, largest) + rounding
        seen = _Seen(subject.names[k], arrays[k], gradient[k], entries, numerical, noise)
        result.append(_judged(seen, allowed, _ROUNDING * spreads[k], largest))
    return result


def one_by_one(size: int, plan: Plan) -> int:
    """Give of how many entries of an array the derivative is computed, where there are so many parameters in all."""
    return plan.entries or (_FEW if size > _MANY else _SOME)


def _chosen(size: int, most: int, seed: int, k: int, turn: int) -> Array:
    """Draw the entries that are looked at one by one: all of a small array."""
    if size <= most:
        return np.arange(size)
    return np.sort(permutation(seed, "test", k, 6 + _TURN * turn, n=size)[:most])


def _spreads(subject: Subject, point: Point, gradient: Sequence[Array]) -> list[float]:
    """Measure the rounding in each array of the gradient: (g(theta + d) + g(theta - d)) / 2 - g(theta) at small d.

    With d about theta sqrt(eps), what is smooth in it is of the size of eps. What is left is rounding, however large it
    has been made: by cancellation, as in 1 - a of a saturated neuron, or by a narrower number type on the way.
    """
    spreads = [0.0] * len(gradient)
    for turn in (1.0, 1.7):
        sides = []
        for side in (1, -1):
            steps = [side * turn * np.sqrt(np.finfo(a.dtype).eps) * (-1) ** k for k, a in enumerate(point.arrays)]
            moved = [np.asarray(a * (1 + h), a.dtype) for a, h in zip(point.arrays, steps, strict=True)]
            sides.append(subject.gradient(moved, point.data))
        for k, (here, one, other) in enumerate(zip(gradient, *sides, strict=True)):
            if not here.shape == one.shape == other.shape:
                raise UsageError(
                    "the gradient of {name} by {parameter} has shape {one} at first and {other} a moment later",
                    name=subject.name,
                    parameter=subject.names[k],
                    one=here.shape,
                    other=one.shape,
                )
            apart = np.abs((one.astype(np.float64) + other) / 2 - here)
            spreads[k] = max(spreads[k], float(apart[np.isfinite(apart)].max(initial=0)))
    return spreads


def _largest(numerical: Derivatives) -> float:
    sure = numerical.values[np.isfinite(numerical.values) & ~numerical.kinks]
    return float(np.abs(sure).max(initial=0))


def _tolerance(given: Array, noise: Noise, plan: Plan) -> float:
    if plan.tolerance is not None:
        return plan.tolerance
    return max(_TOLERANCES.get(given.dtype.name, _TOLERANCE), _COARSE_TOLERANCE if noise.coarse else 0.0)


def _allowed(tolerance: float, numerical: Derivatives, largest: float) -> Array:
    """Give how far each entry may be off."""
    return tolerance * (_largest(numerical) + _BESIDE * largest) + 5 * numerical.uncertainties


def _rounding(subject: Subject, theta: Array) -> Array:
    """Give the rounding of a gradient that is the difference of parameters before and after a step."""
    if subject.step_rate is None:
        return np.zeros(len(theta))
    return 8 * np.finfo(np.float64).eps * np.maximum(1e-3, np.abs(theta)) / abs(subject.step_rate)


class _Seen(NamedTuple):
    """One array before it is judged."""

    name: str
    theta: Array
    given: Array
    entries: Array
    numerical: Derivatives
    noise: Noise

    def judged(self, verdict: str, yours: Array, errors: Array, bad: Array, undecided: Array, vague: Array) -> Compared:
        """Add the judgement."""
        theta = self.theta.flat[self.entries]
        shared = (self.name, self.theta.shape, self.given, theta, self.entries)
        return Compared(*shared, yours, self.numerical, errors, bad, undecided, vague, self.noise, verdict)


def _judged(seen: _Seen, allowed: Array, rounding: float, largest: float) -> Compared:
    """Judge one array: how far it may be off by its number type, and by the rounding that was measured."""
    n, size = seen.numerical.values, _largest(seen.numerical)
    if seen.given.size != seen.theta.size:  # nothing to compare with
        none, nothing = np.array([]), np.array([], bool)
        return seen.judged("shape", none, none, nothing, nothing, nothing)
    g = seen.given.astype(np.float64).flat[seen.entries]
    apart, aside = np.abs(g - n), seen.numerical.kinks | ~np.isfinite(n)
    off = ~aside & ~(apart <= allowed)  # what is not a number is off, too
    bad = ~aside & ~(apart <= allowed + rounding)
    undecided = aside | (~off & (allowed > _DECIDED * max(size, 1e-300)))
    vague = aside | (undecided & _vague(seen, largest))
    errors = _errors(apart, seen.numerical, aside, largest)
    if seen.given.shape != seen.theta.shape:
        return seen.judged("shape", g, errors, off, undecided, vague)
    if bad.any():
        small = np.all(errors[bad] <= _SMALL)
        return seen.judged("inexact" if small else "wrong", g, errors, off, undecided, vague)
    if off.any():
        # Rounding about nothing says nothing; about something it may be cancellation, which other points do not have.
        verdict = "rounded" if size > _NOTHING * largest else "unseen"
        return seen.judged(verdict, g, errors, off, undecided | off, vague)
    return seen.judged("unseen" if undecided.all() else "right", g, errors, off, undecided, vague)


def _vague(seen: _Seen, largest: float) -> Array:
    """Which derivatives may be something, as far as coarse values can tell; not those that must be next to nothing."""
    n, uncertain = seen.numerical.values, seen.numerical.uncertainties
    return seen.noise.coarse & ~(np.abs(n) + uncertain <= _UNSEEN * largest)


def _errors(apart: Array, numerical: Derivatives, aside: Array, largest: float) -> Array:
    """Give errors in units of the largest derivative; where that is nothing but rounding, of the largest error."""
    sure = numerical.uncertainties[~aside]
    unit = max(_largest(numerical), 1e-300)
    if sure.size and unit <= max(_ROUNDING * np.median(sure), 1e-9 * largest, 1e-300):
        unit = max(unit, float(apart[~aside & np.isfinite(apart)].max(initial=0)))
    errors = np.where(apart > 0, apart / unit, 0.0)
    errors[aside] = 0
    return errors
