"""The compiled functions against mpmath, over all numbers that there are."""

from __future__ import annotations

import ctypes
import functools
import math
from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest
import scipy.special
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.engines.compiled import mathematics
from chainrule.engines.compiled.code import Code, Value

pytest.importorskip("llvmlite", reason="the compiled engine needs llvmlite")
from chainrule.engines.compiled.machine import Compiled, this_machine

Array = np.ndarray[Any, np.dtype[Any]]
FAR = mpmath.mpf(2) ** 3000  # beyond every number


def erfcx(x: mpmath.mpf) -> mpmath.mpf:
    """e^(x^2) erfc(x); for a large x by the asymptotic series."""
    if x < -40:
        return FAR
    if x < 40:
        return mpmath.exp(x * x) * mpmath.erfc(x)
    term, total = mpmath.mpf(1), mpmath.mpf(0)
    for k in range(12):
        total += term
        term *= -(2 * k + 1) / (2 * x * x)
    return total / (x * mpmath.sqrt(mpmath.pi))


def held(f: Callable[[mpmath.mpf], mpmath.mpf]) -> Callable[[mpmath.mpf], mpmath.mpf]:
    """Beyond +-2,000 the results are 0, 1 or too large all the same, and mpmath takes long."""
    return lambda x: f(max(min(x, mpmath.mpf(2000)), mpmath.mpf(-2000)))


# What is exact, and how many units in the last place it may be missed by.
EXACT: dict[str, tuple[Callable[[mpmath.mpf], mpmath.mpf], float]] = {
    "cos": (mpmath.cos, 2.0),
    "erfcx": (erfcx, 2.0),
    "exp": (held(mpmath.exp), 1.2),
    "exp2": (held(lambda x: mpmath.mpf(2) ** x), 1.2),
    "expm1": (held(mpmath.expm1), 1.8),
    "log": (mpmath.log, 1.0),
    "log10": (mpmath.log10, 1.8),
    "log1p": (mpmath.log1p, 1.5),
    "log2": (lambda x: mpmath.log(x, 2), 1.8),
    "reciprocal": (lambda x: 1 / x, 0.5),
    "sin": (mpmath.sin, 2.0),
    "sqrt": (mpmath.sqrt, 0.5),
    "square": (lambda x: x * x, 0.5),
    "tanh": (held(mpmath.tanh), 1.5),
}
BEGINS = {"log": 0, "log10": 0, "log2": 0, "sqrt": 0, "log1p": -1}  # where the domain does
SPECIAL = [0.0, -0.0, 1.0, -1.0, -2.0, math.inf, -math.inf, math.nan]
HARD = [  # next to a multiple of pi / 2, where results begin and end, where a function's parts meet
    *(float.fromhex("0x1.e0664dbedfec5p+81"), float.fromhex("0x1.1309300000000p+76")),
    *(16367173 * 2.0**72, 6381956970095103 * 2.0**797, 3.1415927410125732, math.pi, 11.0, 22.0, 355.0, 5.7e31),
    *(-103.97, -103.28, -87.34, 88.72, -745.13, -744.44, -708.4, 709.78, -149.5, 128.0, -1074.9, 1024.0, 9.02, 19.1),
    *(-0.5, 0.5, 0.5625, 0.35, 0.36, 1.0397, 1e-7, 1.0000001, 0.9999999, math.sqrt(0.5), math.sqrt(2)),
]


def number(single: bool) -> type[np.floating[Any]]:
    return np.float32 if single else np.float64


def numpy_function(name: str) -> Any:
    return scipy.special.erfcx if name == "erfcx" else getattr(np, name)


def write(c: Code, name: str, f: Callable[..., Value], lanes: int, arguments: int) -> None:
    """Write the loop out[i] = f(x[i], ...)."""
    kinds = [c.pointer] * (arguments + 1) + [c.whole]
    with c.function(name, kinds, public=True) as (out, *places, n), c.loop(n, step=lanes) as i:
        c.store(f(c, *(c.load(c.at(x, i), lanes) for x in places)), c.at(out, i))


@functools.cache
def compiled(single: bool, lanes: int) -> Compiled:
    machine = this_machine()
    c = machine.code(single)
    for name, f in mathematics.FUNCTIONS.items():
        write(c, name, f, lanes, 1)
    write(c, "power", mathematics.power, lanes, 2)
    for n in (-3, 0, 1, 7):
        write(c, f"power {n}", lambda c, x, n=n: mathematics.integer_power(c, x, n), lanes, 1)
    return machine.load(machine.compile(c))


def apply(name: str, *arguments: Array, lanes: int | None = None) -> Array:
    """Run a compiled function over arrays, which are padded to whole vectors."""
    single, n = arguments[0].dtype == np.float32, arguments[0].size
    lanes = lanes or this_machine().code(single).lanes
    padded = [np.append(x, np.ones(-n % lanes, x.dtype)) for x in arguments]
    out = np.empty_like(padded[0])
    call = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * (1 + len(padded)), ctypes.c_int64)
    call(compiled(single, lanes).address(name))(out.ctypes.data, *(x.ctypes.data for x in padded), out.size)
    return out[:n]


def points(single: bool, count: int = 500) -> Array:
    """Numbers of every size and both signs, many of a usual size, and special ones."""
    kind = number(single)
    rng = np.random.default_rng(0)
    any_size = 2.0 ** rng.uniform(-149 if single else -1074, 128 if single else 1024, count)
    usual = [rng.uniform(-1, 1, count), rng.uniform(0, 8, count), rng.normal(0, 40 if single else 300, count)]
    limits = [float(np.finfo(kind).max), float(np.finfo(kind).tiny), float(np.finfo(kind).smallest_subnormal)]
    parts = [any_size, -any_size, *usual, HARD, np.negative(limits), limits, SPECIAL]
    with np.errstate(over="ignore"):
        return np.concatenate(parts).astype(kind)


def units_off(got: float, exact: mpmath.mpf, single: bool) -> float:
    """The error in units in the last place of the exact value; inf counts as the number after the largest."""
    digits, top, bottom = (24, 128, -149) if single else (53, 1024, -1074)
    exact = max(min(exact, mpmath.mpf(2) ** top), -(mpmath.mpf(2) ** top))
    value = mpmath.mpf(got) if math.isfinite(got) else mpmath.sign(got) * mpmath.mpf(2) ** top
    unit = mpmath.mpf(2) ** max(min(mpmath.frexp(exact)[1], top) - digits, bottom)
    return float(abs(value - exact) / unit)


def worst(name: str, x: Array) -> tuple[float, float]:
    """The largest error among points inside the domain, and where it is."""
    exact, _ = EXACT[name]
    single = x.dtype == np.float32
    x = x[np.isfinite(x) & (x != 0) & (x > BEGINS.get(name, -math.inf))]
    y = apply(name, x)
    assert not np.isnan(y).any()
    # Sine and cosine of 1e308 need pi to 1,100 bits.
    with mpmath.workprec(1300 if name in ("cos", "sin") else 160):
        errors = [units_off(float(b), exact(mpmath.mpf(float(a))), single) for a, b in zip(x, y, strict=True)]
    return max(zip(errors, x.tolist(), strict=True))


def same(a: Array, b: Array) -> bool:
    """Whether two arrays hold the same bits; any NaN is like any other."""
    return bool(np.all((a.view(f"u{a.itemsize}") == b.view(f"u{b.itemsize}")) | (np.isnan(a) & np.isnan(b))))


@pytest.mark.parametrize("single", [True, False], ids=["float32", "float64"])
@pytest.mark.parametrize("name", EXACT)
def test_error_is_small(name: str, single: bool) -> None:
    error, where = worst(name, points(single))
    assert error <= EXACT[name][1], f"{name}({where!r})"


@pytest.mark.parametrize("name", EXACT)
@given(data=st.data())
@settings(deadline=None, max_examples=15)
def test_error_is_small_wherever_hypothesis_looks(name: str, data: st.DataObject) -> None:
    width = data.draw(st.sampled_from([32, 64]))
    x = data.draw(st.lists(st.floats(width=width, allow_nan=False), max_size=20))
    x = np.array([*x, 1.0], number(width == 32))
    error, where = worst(name, x)
    assert error <= EXACT[name][1], f"{name}({where!r})"


@pytest.mark.parametrize("single", [True, False], ids=["float32", "float64"])
@pytest.mark.parametrize("name", mathematics.FUNCTIONS)
def test_special_values_are_numpys(name: str, single: bool) -> None:
    x = np.array(SPECIAL, number(single))
    with np.errstate(all="ignore"):
        expected = numpy_function(name)(x)
    got = apply(name, x)
    np.testing.assert_allclose(got, expected, rtol=1e-6)
    assert same(np.copysign(1, got[expected == 0]), np.copysign(1, expected[expected == 0]))


@pytest.mark.parametrize("single", [True, False], ids=["float32", "float64"])
@pytest.mark.parametrize("name", sorted(set(mathematics.FUNCTIONS) - set(EXACT)))
def test_plain_functions_are_numpys(name: str, single: bool) -> None:
    x = points(single)
    assert same(apply(name, x), numpy_function(name)(x))


@pytest.mark.parametrize("single", [True, False], ids=["float32", "float64"])
@pytest.mark.parametrize("name", mathematics.FUNCTIONS)
def test_a_number_gets_the_same_bits_alone_and_in_any_vector(name: str, single: bool) -> None:
    x = points(single, 100)
    alone = apply(name, x, lanes=1)
    for lanes in (None, 2, 32):
        assert same(apply(name, x, lanes=lanes), alone)


@pytest.mark.parametrize("name", ["expm1", "log1p", "sin", "tanh"])
@pytest.mark.parametrize("single", [True, False], ids=["float32", "float64"])
def test_tiny_numbers_stay_what_they_are(name: str, single: bool) -> None:
    eps = float(np.finfo(number(single)).eps)
    x = np.abs(points(single))
    x = x[x < eps / 8]
    x = np.concatenate([x, -x])
    assert same(apply(name, x), x)


@pytest.mark.parametrize("single", [True, False], ids=["float32", "float64"])
def test_logarithms_of_powers_are_whole(single: bool) -> None:
    k = np.arange(-149 if single else -1074, 128 if single else 1024)
    assert np.array_equal(apply("log2", (2.0**k).astype(number(single))), k)
    assert np.array_equal(apply("exp2", k.astype(number(single))), 2.0**k)


@pytest.mark.parametrize("single", [True, False], ids=["float32", "float64"])
def test_power(single: bool) -> None:
    kind, rng, n = number(single), np.random.default_rng(1), 800
    sizes = 2.0 ** rng.uniform(-149 if single else -1074, 128 if single else 1023.9, n)
    x = np.concatenate([sizes, rng.uniform(0.3, 3, n), 1 + 2.0 ** -rng.uniform(0, 20, n)]).astype(kind)
    # Results of every size that there is, some past the ends.
    exponents = rng.uniform(-105, 90, x.size) if single else rng.uniform(-747, 711, x.size)
    y = (exponents / np.where(x == 1, 1, np.log(x.astype(np.float64)))).astype(kind)
    z = apply("power", x, y)
    with mpmath.workprec(200):
        errors = [
            units_off(float(c), mpmath.mpf(float(a)) ** mpmath.mpf(float(b)), single)
            for a, b, c in zip(x, y, z, strict=True)
        ]
    assert max(errors) <= 1.5


@pytest.mark.parametrize("single", [True, False], ids=["float32", "float64"])
def test_power_of_special_values_is_numpys(single: bool) -> None:
    values = np.array([*SPECIAL, 0.5, -0.5, 2.0, 3.0, -3.0, 1e30, -1e30], number(single))
    x, y = (each.ravel() for each in np.meshgrid(values, values))
    with np.errstate(all="ignore"):
        expected = np.power(x, y)
    got = apply("power", x, y)
    np.testing.assert_allclose(got, expected, rtol=1e-6)
    number_there = ~np.isnan(expected)
    assert np.array_equal(np.signbit(got[number_there]), np.signbit(expected[number_there]))


@pytest.mark.parametrize("single", [True, False], ids=["float32", "float64"])
def test_integer_powers(single: bool) -> None:
    x = np.random.default_rng(2).uniform(-3, 3, 200).astype(number(single))
    for n in (-3, 0, 1, 7):
        np.testing.assert_array_max_ulp(apply(f"power {n}", x), (x.astype(np.longdouble) ** n).astype(x.dtype), 4)
