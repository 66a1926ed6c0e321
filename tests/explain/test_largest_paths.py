"""The largest paths are the largest of all, and the others come to what they come to: both by brute force."""

from __future__ import annotations

import itertools
import math
import tracemalloc
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.explain.largest_paths import Paths

# Few values, so that there are ties and zeros; and some of other magnitudes.
NUMBERS = st.sampled_from([0.0, 1.0, -1.0, 0.5, 2.0, -3.0, 1e-25, -1e-12, 1e8]) | st.floats(-2, 2, width=16)


@st.composite
def layered(draw: st.DrawFn) -> tuple[list[np.ndarray], list[np.ndarray]]:
    sizes = draw(st.lists(st.integers(1, 4), min_size=1, max_size=4))

    def numbers(*shape: int) -> np.ndarray:
        count = math.prod(shape)
        return np.array(draw(st.lists(NUMBERS, min_size=count, max_size=count))).reshape(shape)

    return [numbers(n) for n in sizes], [numbers(*pair) for pair in itertools.pairwise([*sizes, 1])]


def exact(nodes: list[np.ndarray], edges: list[np.ndarray]) -> dict[tuple[int, ...], Fraction]:
    """Every path with its value, in fractions."""
    found = {}
    for path in itertools.product(*(range(len(each)) for each in nodes)):
        value = math.prod(Fraction(float(each[i])) for each, i in zip(nodes, path, strict=True))
        for W, (i, k) in zip(edges, itertools.pairwise((*path, 0)), strict=True):
            value *= Fraction(float(W[i, k]))
        found[path] = value
    return found


@given(layered(), st.integers(1, 70))
def test_the_largest_and_the_others(given: tuple[list[np.ndarray], list[np.ndarray]], most: int) -> None:
    paths, every = Paths(*given), exact(*given)
    chosen = paths.largest(most)
    assert paths.count == len(every)
    assert len(chosen) == len(set(chosen)) == min(most, len(every))
    sizes = sorted((abs(value) for value in every.values()), reverse=True)
    for path, size in zip(chosen, sizes, strict=False):
        assert math.isclose(abs(every[path]), size, rel_tol=1e-13)  # one of equals, or a hair's breadth apart
        assert math.isclose(paths.value(path), every[path], rel_tol=1e-13)
    left = [value for path, value in every.items() if path not in set(chosen)]
    assert abs(Fraction(paths.others(chosen)) - sum(left)) <= Fraction(1e-14) * sum(map(abs, left))
    assert math.isclose(paths.size, sum(sizes), rel_tol=1e-13)


def test_rest_is_no_rounding_noise() -> None:
    rng = np.random.default_rng(0)
    nodes, edges = [np.full(8, 1e-25), rng.normal(size=8)], [rng.normal(size=(8, 8)), rng.normal(size=(8, 1))]
    nodes[0][0] = 1.0
    paths, every = Paths(nodes, edges), exact(nodes, edges)
    chosen = paths.largest(8)
    assert sorted(chosen) == [(0, i) for i in range(8)]
    assert math.isclose(paths.others(chosen), sum(value for path, value in every.items() if path[0]), rel_tol=1e-12)
    assert math.isclose(paths.others([]), sum(every.values()), rel_tol=1e-12)


@pytest.mark.parametrize("layers", [30, 312])
def test_many_layers(layers: int) -> None:
    rng = np.random.default_rng(1)
    nodes = [rng.normal(size=10) / 30 for _ in range(layers)]
    edges = [rng.normal(size=(10, 10)) for _ in range(layers - 1)] + [rng.normal(size=(10, 1))]
    paths = Paths(nodes, edges)
    assert paths.count == 10**layers
    assert len(set(paths.largest(50))) == 50


@pytest.mark.parametrize("odd", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_does_no_harm(odd: float) -> None:
    nodes, edges = [np.array([1.0, odd]), np.ones(3)], [np.ones((2, 3)), np.ones((3, 1))]
    with np.errstate(all="ignore"):
        paths = Paths(nodes, edges)
        assert len(set(paths.largest(4))) == 4
        assert not math.isfinite(paths.others([(0, 0)]))


def test_memory_is_for_the_neurons_not_for_the_paths() -> None:
    rng = np.random.default_rng(2)
    widths = [10, 1000, 1000, 1]
    nodes, edges = (
        [rng.normal(size=n) for n in widths[:-1]],
        [rng.normal(size=pair) for pair in itertools.pairwise(widths)],
    )
    tracemalloc.start()
    try:
        paths = Paths(nodes, edges)
        chosen = paths.largest(100)
        paths.others(chosen)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < edges[1].nbytes / 2
