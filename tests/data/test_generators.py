"""The sets made from equations: what the equations promise, and that a seed decides everything."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.data import generators
from chainrule.errors import UsageError

ALL = [generators.xor, generators.circles, generators.moons, generators.spirals, generators.gaussians]


@pytest.mark.parametrize("make", ALL)
@given(n=st.integers(1, 60), seed=st.integers(0, 2**64 - 1))
def test_shapes_and_seed(make: object, n: int, seed: int) -> None:
    X, y = make(n, seed=seed)
    assert X.shape == (n, 2)
    assert X.dtype == np.float64
    assert y.shape == (n,)
    assert y.dtype == np.int64
    again = make(n, seed=seed)
    assert (again[0] == X).all()
    assert (again[1] == y).all()
    assert (make(n, seed=seed ^ 1)[0] != X).any()


@pytest.mark.parametrize("make", ALL[1:])
def test_classes_are_equal(make: object) -> None:
    counts = np.bincount(make(101)[1])
    assert counts.max() - counts.min() <= 1


def test_xor_by_sign_and_balanced() -> None:
    X, y = generators.xor(4000)
    assert ((np.sign(X[:, 0]) != np.sign(X[:, 1])) == y).all()
    assert abs(y.mean() - 0.5) < 0.03
    assert abs(X).max() < 1


def test_circles_by_radius() -> None:
    X, y = generators.circles(200, noise=0.0)
    assert np.allclose(np.hypot(*X.T), np.where(y == 1, 0.5, 1.0))


def test_moons_lie_on_half_circles() -> None:
    X, y = generators.moons(200, noise=0.0)
    centers = np.where(y[:, None] == 0, [0.0, 0.0], [1.0, 0.5])
    assert np.allclose(np.hypot(*(X - centers).T), 1.0)
    assert (X[y == 0, 1] >= 0).all()
    assert (X[y == 1, 1] <= 0.5).all()


def test_spirals_are_each_other_turned_by_half_a_circle() -> None:
    X, y = generators.spirals(400, noise=0.0, turns=2.0)
    radius = np.hypot(*X.T)
    turned = X * np.where(y == 0, 1.0, -1.0)[:, None]
    expected = np.column_stack([np.cos(4 * np.pi * radius), np.sin(4 * np.pi * radius)]) * radius[:, None]
    assert np.allclose(turned, expected)


def test_gaussians_centers_and_spread() -> None:
    X, y = generators.gaussians(9000, classes=3, noise=0.5)
    for k in range(3):
        angle = 2 * np.pi * k / 3
        assert np.allclose(X[y == k].mean(axis=0), [2 * np.cos(angle), 2 * np.sin(angle)], atol=0.05)
        assert np.allclose(X[y == k].std(axis=0), 0.5, atol=0.03)


def test_noise_is_standard_normal_times_noise() -> None:
    moved = generators.circles(4000, noise=0.3)[0] - generators.circles(4000, noise=0.0)[0]
    assert np.allclose(moved.std(axis=0), 0.3, atol=0.02)


@pytest.mark.parametrize("make", ALL)
@pytest.mark.parametrize("n", [0, -1, 2.5, True])
def test_number_of_points_is_checked(make: object, n: object) -> None:
    with pytest.raises(UsageError, match="number of points"):
        make(n)


@pytest.mark.parametrize("make", ALL)
@pytest.mark.parametrize("noise", [-0.1, float("nan"), float("inf")])
def test_noise_is_checked(make: object, noise: float) -> None:
    with pytest.raises(UsageError, match="noise"):
        make(10, noise=noise)


@pytest.mark.parametrize("classes", [1, 0, 2.0, True])
def test_number_of_classes_is_checked(classes: object) -> None:
    with pytest.raises(UsageError, match="number of classes"):
        generators.gaussians(10, classes=classes)
