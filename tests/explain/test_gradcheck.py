"""gradcheck: every seeded mistake is found, no right gradient is accused, and what cannot be checked is said."""

from __future__ import annotations

import functools
import importlib.util
import json
import math
import os
import re
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.special
from hypothesis import given
from hypothesis import strategies as st

import chainrule
from chainrule import BatchNorm, Dense, Draw, Dropout, Network, gradcheck
from chainrule.engines import ENGINES, reference
from chainrule.errors import UsageError
from chainrule.explain.gradcheck import CheckedArray, CheckedEntry, GradientReport
from chainrule.explain.gradcheck.comparing import Plan, compare
from chainrule.explain.gradcheck.numerical import derivatives, difference, noise_of
from chainrule.explain.gradcheck.probing import random_like
from chainrule.explain.gradcheck.subjects import Point, subject_of
from chainrule.explain.gradcheck.trees import leaves, rebuilt
from chainrule.formulas import ACTIVATIONS, LOSSES
from chainrule.language import Message


def _load(name: str) -> types.ModuleType:
    """The module beside this one: with importlib's import mode, tests are in no package."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).parent / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


seeded = _load("seeded_mistakes")
CASES = int(os.environ.get("CHAINRULE_CASES", "8"))
MISTAKES, RIGHT = seeded.mistakes(), seeded.right_ones()


def sigmoid(z: Any) -> Any:
    return 1 / (1 + np.exp(-z))


def line(w: Any, b: Any, X: Any, y: Any) -> Any:
    """Half the mean squared error of a line, with its gradient."""
    e = X @ w + b - y
    return 0.5 * np.mean(e**2), X.T @ e / len(y), e.mean()


X, y, w = np.array([[1.0, 2.0], [3.0, -4.0], [5.0, 7.0]]), np.array([1.0, 0.0, 2.0]), np.array([0.3, -0.2])


# Mistakes and conventions.


def test_there_are_enough_programs() -> None:
    assert len({program.name for program in MISTAKES}) == len(MISTAKES) >= 60
    assert len({program.name for program in RIGHT}) == len(RIGHT) >= 60
    assert len({program.source for program in RIGHT}) == len(RIGHT)


@pytest.mark.parametrize("program", MISTAKES, ids=lambda program: program.name)
def test_mistake_is_found(program: Any, tally: Any) -> None:
    report = gradcheck(program.function, program.theta, *program.data)
    assert not report.ok
    assert report.wrong
    tally("seeded mistakes found")


@pytest.mark.parametrize("program", RIGHT, ids=lambda program: program.name)
def test_right_one_is_not_accused(program: Any, tally: Any) -> None:
    report = gradcheck(program.function, program.theta, *program.data)
    assert report.ok, str(report)
    assert not report.skipped
    assert {array.verdict for array in report} - {"unseen"} == {"right"}
    tally("right gradients not accused")


@pytest.mark.parametrize("seed", range(3))
def test_verdicts_do_not_hang_on_the_seed(seed: int) -> None:
    for program in MISTAKES[seed::9]:
        assert not gradcheck(program.function, program.theta, *program.data, seed=seed + 1).ok, program.name
    for program in RIGHT[seed::9]:
        assert gradcheck(program.function, program.theta, *program.data, seed=seed + 1).ok, program.name


@pytest.mark.parametrize("case", range(CASES))
def test_verdicts_do_not_hang_on_the_point(case: int) -> None:
    """Other parameters, other data, and of 1, 2, 5 or 9 examples; a campaign takes as many as CHAINRULE_CASES says."""
    m = (1, 2, 5, 9)[case % 4]
    kind, name, old, new = seeded.MISTAKES[case * 37 % len(seeded.MISTAKES)]
    source, point = seeded.PROGRAMS[kind]
    theta, data = point(case, m)
    wrong = seeded.Program(name, seeded.changed(source, old, new), theta, data)
    if m != 2 or "elementwise" not in name:  # which for two examples raises
        assert not gradcheck(wrong.function, theta, *data, seed=case).ok
    kind, name, changes = seeded.CONVENTIONS[case * 31 % len(seeded.CONVENTIONS)]
    source, point = seeded.PROGRAMS[kind]
    theta, data = point(case, m)
    right = seeded.Program(name, functools.reduce(lambda s, c: seeded.changed(s, *c), changes, source), theta, data)
    if m > 1 or "ddof" not in name:  # which divides by m - 1
        report = gradcheck(right.function, theta, *data, seed=case)
        assert report.ok, str(report)


# What the user's own point hides.


def hidden_net(*, total: bool = False, transposed: bool = False, slope: bool = True) -> Callable[..., Any]:
    def step(W1: Any, b1: Any, W2: Any, b2: Any, X: Any, Y: Any) -> Any:
        m = len(X)
        Z1 = X @ W1.T + b1
        A1 = np.maximum(Z1, 0)
        A2 = sigmoid(A1 @ W2.T + b2)
        D2 = (A2 - Y) * A2 * (1 - A2) / (1 if total else m)
        D1 = D2 @ (W2.T if transposed else W2) * ((Z1 > 0) if slope else 1)
        return 0.5 * np.sum((A2 - Y) ** 2) / m, D1.T @ X, D1.sum(axis=0), D2.T @ A1, D2.sum(axis=0)

    return step


def draw(*shape: int) -> Any:
    return np.random.default_rng(sum(shape)).normal(size=shape)


@pytest.mark.parametrize(
    ("mistake", "theta", "X", "said"),
    [
        ({"total": True}, (draw(2, 2), draw(2), draw(2, 2), draw(2)), draw(1, 2), "one example only"),
        ({"total": True}, (draw(2, 2), draw(2), draw(2, 2), draw(2)), np.zeros((1, 2)), "numbers of X are 0"),
        ({"transposed": True}, (draw(2, 2), draw(2), np.eye(2), draw(2)), draw(5, 2), "equal or symmetric"),
        ({"transposed": True}, tuple(map(np.zeros, ((2, 2), 2, (2, 2), 2))), draw(5, 2), "W1: 4/4"),
        ({"slope": False}, (draw(2, 2), np.array([50.0, 50.0]), draw(2, 2), draw(2)), draw(5, 2), ""),
        ({"transposed": True}, (draw(2, 2), np.array([-50.0, -50.0]), draw(2, 2), draw(2)), draw(5, 2), "W1: 4/4"),
    ],
)
def test_mistake_that_the_own_point_hides_is_found(mistake: Any, theta: Any, X: Any, said: str) -> None:
    Y = np.random.default_rng(1).uniform(size=(len(X), 2))
    report = gradcheck(hidden_net(**mistake), theta, X, Y)
    assert not report.ok
    assert all(array.where != "your own point" for array in report.wrong)
    assert any(note.startswith("At your own point every number agrees") for note in report.notes)
    assert said in " ".join(report.hidden)
    assert gradcheck(hidden_net(), theta, X, Y).ok


@pytest.mark.parametrize(
    ("X", "said"),
    [
        (np.array([[1.0, 0.0], [2.0, 0.0]]), "columns of X that are 0 in all rows: 1, such as column 1"),
        (np.array([[1.0, 2.0], [1.0, 2.0]]), "all rows of X are equal"),
        (np.ones((2, 2)), "all numbers of X are equal"),
    ],
)
def test_weak_data_are_named(X: Any, said: str) -> None:
    report = gradcheck(line, (w, 0.1), X, np.array([1.0, 2.0]))
    assert report.ok
    assert said in " ".join(report.hidden)


def test_data_from_elsewhere_cannot_be_varied_and_that_is_said() -> None:
    report = gradcheck(lambda w, b: line(w, b, X, y), (w, 0.1))
    assert report.ok
    assert "Make them arguments" in report.notes[0]


def test_stale_cache_shows_at_the_second_point() -> None:
    cache: dict[str, Any] = {}

    def step(w: Any, b: Any, X: Any, y: Any) -> Any:
        value, dw, db = line(w, b, X, y)
        return value, cache.setdefault("dw", np.real(dw)), db

    report = gradcheck(step, (w, 0.1), X, y)
    assert [array.name for array in report.wrong] == ["dw"]
    assert report["w"].where != "your own point"


# How functions are called.


def test_styles_of_parameters() -> None:
    own = np.concatenate([w, [0.1]])

    def flat(theta: Any, X: Any, y: Any) -> Any:
        value, dw, db = line(theta[:2], theta[2], X, y)
        return value, np.append(dw, db)

    def from_dict(p: Any, X: Any, y: Any) -> Any:
        value, dw, db = line(p["w"], p["b"][0], X, y)
        return value, {"dw": dw, "b": [db]}

    def swapped(X: Any, y: Any, w: Any, b: Any) -> Any:
        return line(w, b, X, y)

    reports = [
        gradcheck(flat, own, X, y),
        gradcheck(lambda t, X, y: flat(np.array(t), np.array(X), np.array(y)), own.tolist(), X.tolist(), y.tolist()),
        gradcheck(from_dict, {"w": w, "b": [0.1]}, X, y),
        gradcheck(line, (w, 0.1), X, y),
        gradcheck(line, [w, 0.1], X, y),
        gradcheck(swapped, {"w": w, "b": 0.1}, X, y),
        gradcheck(lambda *given: line(*given), (w, 0.1), X, y),
        gradcheck(lambda p, X, y: line(*p, X, y), (w, 0.1), X, y),
    ]
    assert all(report.ok for report in reports)
    names = [[array.name for array in report] for report in reports]
    assert names[0] == ["dtheta"]
    assert names[2] == ["dw", "db[0]"]
    assert names[3] == names[4] == names[5] == ["dw", "db"]
    assert names[6] == ["dtheta[0]", "dtheta[1]"]
    assert names[7] == ["dp[0]", "dp[1]"]


def test_value_and_gradient_in_two_functions() -> None:
    def cost(w: Any, X: Any, y: Any) -> Any:
        return 0.5 * np.mean((X @ w - y) ** 2)

    def gradient(w: Any, X: Any, y: Any) -> Any:
        return X.T @ (X @ w - y) / len(y)

    assert gradcheck(cost, w, X, y, gradient=gradient).ok
    report = gradcheck(cost, w, X, y, gradient=lambda w, X, y: -gradient(w, X, y))
    assert "sign is wrong" in report["w"].hint


@pytest.mark.parametrize("in_place", [True, False])
@pytest.mark.parametrize("early", [True, False])
def test_training_step(in_place: bool, early: bool) -> None:
    def cost(W1: Any, W2: Any, X: Any, Y: Any) -> Any:
        return 0.5 * np.mean(np.sum((np.tanh(X @ W1.T) @ W2.T - Y) ** 2, axis=1))

    def step(W1: Any, W2: Any, X: Any, Y: Any) -> Any:
        A1 = np.tanh(X @ W1.T)
        D2 = (A1 @ W2.T - Y) / len(X)
        dW2 = D2.T @ A1
        if early:
            W2 -= 0.5 * dW2  # before it has carried the error back
        W1 -= 0.5 * (D2 @ W2 * (1 - A1**2)).T @ X
        if not early:
            W2 -= 0.5 * dW2
        return None if in_place else (W1, W2)

    theta, data = (draw(3, 2), draw(2, 3)), (draw(5, 2), draw(5, 2))
    report = gradcheck(cost, theta, *data, step=step, rate=0.5)
    assert [array.name for array in report.wrong] == (["dW1"] if early else [])


def test_arguments_are_left_as_they_are() -> None:
    theta, data = draw(3), draw(4, 3)

    def spoils(theta: Any, X: Any) -> Any:
        value, gradient = np.sum((X @ theta) ** 2), 2 * X.T @ (X @ theta)
        theta *= 0
        X *= 0
        return value, gradient

    before = theta.copy(), data.copy()
    report = gradcheck(spoils, theta, data)
    assert report.ok
    assert "changes its arguments in place (theta, X)" in " ".join(report.notes)
    assert np.array_equal(theta, before[0])
    assert np.array_equal(data, before[1])


def test_whole_numbers_and_narrow_numbers() -> None:
    assert gradcheck(line, (np.array([1, 2]), 3), X, y).ok
    narrow = tuple(np.asarray(each, np.float32) for each in (w, 0.1))
    report = gradcheck(line, narrow, X.astype(np.float32), y.astype(np.float32))
    assert report.ok
    assert 1e-9 < max(array.error for array in report) < 1e-4
    assert not gradcheck(lambda w, b, X, y: (line(w, b, X, y)[0], 1.001 * line(w, b, X, y)[1], line(w, b, X, y)[2]),
                         narrow, X.astype(np.float32), y.astype(np.float32)).ok  # fmt: skip


def test_tolerance_may_be_chosen() -> None:
    def nearly(w: Any) -> Any:
        return np.sum(w**3), 3 * w**2 * (1 + 1e-8)

    report = gradcheck(nearly, w)
    assert report["w"].verdict == "inexact"
    assert "no rounding of float64" in report["w"].hint
    assert gradcheck(nearly, w, tolerance=1e-6).ok


@pytest.mark.parametrize("real", [False, True])
def test_large_arrays_are_looked_at_in_full(real: bool) -> None:
    """Also where a function takes no complex numbers, as scipy.special.expit takes none."""

    def step(w: Any) -> Any:
        gradient = 2 * w
        gradient[123] = 0
        return float(np.sum(w**2)) if real else np.sum(w**2), gradient

    report = gradcheck(step, draw(1000), entries=10)
    assert report["w"].worst[0].name == "dw[123]"
    right = gradcheck(lambda w: (float(np.sum(w**2)) if real else np.sum(w**2), 2 * w), draw(1000), entries=10)
    assert right.ok
    assert "(dw: 10 / 1,000)" in str(right)


@pytest.mark.parametrize("factor", [0.0, 1.5, None])
@pytest.mark.parametrize("row", [0, 37, 399])
def test_one_row_of_a_wide_array(factor: float | None, row: int) -> None:
    def step(W: Any, X: Any, Y: Any) -> Any:
        A = scipy.special.expit(X @ W.T)
        gradient = 2 * ((A - Y) * A * (1 - A)).T @ X
        if factor is not None:
            gradient[row] *= factor
        return np.sum((A - Y) ** 2), gradient

    report = gradcheck(step, 0.3 * draw(400, 20), draw(6, 20), abs(draw(6, 400)))
    assert report.ok == (factor is None)
    assert report["W"].method == "central difference"
    assert all(entry.name.startswith(f"dW[{row},") for entry in report["W"].worst)


def test_each_probe_looks_at_other_entries() -> None:
    """A direction may see nothing, where all of it has a kink; four draws see more than one."""
    looked_at: set[int] = set()
    W = draw(400)

    def step(w: Any) -> Any:
        if np.iscomplexobj(w):
            looked_at.update(np.flatnonzero(w.imag).tolist())
        return np.sum(np.sin(w) * np.arange(400)), np.cos(w) * np.arange(400)

    entries: list[set[int]] = []
    for turn in range(3):
        looked_at.clear()
        seen = compare(
            subject_of(step, W, (), None, None, None)[0], Point(Message(""), [W], []), Plan(5, None, 0), turn
        )
        entries.append(set(seen[0].entries.tolist()))
    assert not entries[0] & entries[1] & entries[2]
    assert len(looked_at) == 400  # one by one, and along the direction


# Kinks, rounding, and what no number can tell.


def test_kinks_are_set_aside() -> None:
    theta = np.array([0.0, 1.0, -2.0, 0.5])
    for slope in (0, 1):  # both are in use
        report = gradcheck(lambda t, s=slope: (np.sum(np.maximum(t, 0)), np.where(t == 0, s, t > 0) * 1.0), theta)
        assert report.ok
        assert report["t"].kinks == 1
    assert not gradcheck(lambda t: (np.sum(np.maximum(t, 0)), (t > -1.5) * 1.0), np.array([0.0, 1.0, -1.0])).ok


@pytest.mark.parametrize("distance", [1e-3, 1e-6, 1e-9, 1e-13])
@pytest.mark.parametrize("real", [False, True])
def test_kinks_nearby_accuse_nobody(distance: float, real: bool) -> None:
    def step(t: Any) -> Any:
        value = np.sum(np.maximum(t, 0) * (t + 1))
        return float(np.real(value)) if real else value, (t > 0) * (2 * t + 1)

    assert gradcheck(step, np.array([distance, -distance, 1.0])).ok


@pytest.mark.parametrize("distance", [0.0, 1e-12, 1e-9, 1e-7, 1e-5, 1e-3])
def test_uncertainty_of_a_difference_covers_a_kink(distance: float) -> None:
    found = difference(lambda t: max(t - distance, 0.0) + t, 1.0, 2e-16, 1.0)
    assert abs(found.value - 1) <= found.uncertainty


@pytest.mark.parametrize("z", [20.0, 27.0, 33.0, 40.0])
def test_rounding_that_cancellation_made_large_accuses_nobody(z: float) -> None:
    """a (1 - a) of a saturated neuron has few digits left, or none."""
    report = gradcheck(lambda w: (np.sum(sigmoid(w)), sigmoid(w) * (1 - sigmoid(w))), z + draw(4) / 10)
    assert report.ok
    assert not gradcheck(lambda w: (np.sum(sigmoid(w)), 2 * sigmoid(w) * (1 - sigmoid(w))), z + draw(4) / 10).ok


def test_gradient_function_may_use_what_the_value_left_behind() -> None:
    left: dict[str, Any] = {}

    def cost(w: Any, X: Any, y: Any) -> Any:
        left["e"] = X @ w - y
        return np.sum(left["e"] ** 2)

    assert gradcheck(cost, w, X, y, gradient=lambda w, X, y: 2 * X.T @ left["e"].real).ok


def test_dead_parameters_are_not_seen_and_no_mistake() -> None:
    report = gradcheck(lambda p: (np.sum(p["w"] ** 2), {"w": 2 * p["w"], "b": 0 * p["b"]}), {"w": w, "b": w})
    assert report.ok
    assert report["b"].verdict == "unseen"
    assert "db could not be seen" in str(report)


def test_gradient_of_a_parameter_without_influence_is_wrong() -> None:
    assert not gradcheck(lambda p: (np.sum(p["w"] ** 2), {"w": 2 * p["w"], "b": p["b"]}), {"w": w, "b": w}).ok


def test_lost_imaginary_part_is_not_believed() -> None:
    """|w| gives the complex step nothing to see: a forgotten slope would agree with it."""
    report = gradcheck(lambda w: (np.sum(w**2) + 0.1 * np.sum(np.abs(w)), 2 * w), draw(4))
    assert report["w"].method == "central difference"
    assert "sign(w)" in report["w"].hint


@given(
    st.lists(st.floats(-3, 3), min_size=1, max_size=6),
    st.floats(-2, 2),
    st.sampled_from([np.polynomial.Polynomial, None]),
)
def test_uncertainty_of_a_difference_covers_its_error(coefficients: list[float], at: float, kind: Any) -> None:
    if kind is None:
        f = lambda t: math.sin(3 * (at + t)) * math.exp(coefficients[0] * t)  # noqa: E731
        truth = 3 * math.cos(3 * at) + coefficients[0] * math.sin(3 * at)
    else:
        polynomial = kind(coefficients)
        f, truth = (lambda t: float(polynomial(at + t))), float(polynomial.deriv()(at))
    noise = 2.0**-52 * max(1.0, abs(f(0.0)))
    found = difference(f, max(1.0, abs(at)), noise, max(1.0, abs(truth)))
    assert abs(found.value - truth) <= 5 * found.uncertainty
    assert found.uncertainty <= 1e-7 * max(1.0, abs(truth))


def test_complex_step_is_exact_where_it_can_be() -> None:
    at = np.linspace(-2, 2, 7)
    found = derivatives(lambda a: np.sum(np.sin(a[0])), [at], 0, np.arange(7), 1e-16, 1.0, draw(7))
    assert found.method == "complex step"
    assert np.abs(found.values - np.cos(at)).max() <= 2e-16


# Narrow numbers within.


def narrow_net(W1: Any, W2: Any, X: Any, y: Any, *, kind: Any = np.float32, factor: float = 1.0) -> Any:
    """Two layers in float32, whatever is given."""
    W1, W2, X, y = (each.astype(kind) for each in (W1, W2, X, y))
    A = np.tanh(X @ W1.T)
    e = (A @ W2.T)[:, 0] - y
    D = (2 * e / len(y))[:, None]
    return float(np.mean(e**2)), factor * ((D @ W2) * (1 - A * A)).T @ X, D.T @ A


def narrow_point(seed: int) -> tuple[Any, ...]:
    rng = np.random.default_rng(seed)
    return (rng.normal(size=(4, 3)), rng.normal(size=(1, 4))), rng.normal(size=(8, 3)), rng.normal(size=8)


@pytest.mark.parametrize("seed", range(max(6, CASES // 8)))
def test_float32_within_is_not_accused(seed: int) -> None:
    report = gradcheck(narrow_net, *narrow_point(seed))
    assert {array.verdict for array in report} == {"right"}, str(report)
    assert max(array.error for array in report) < 1e-3
    assert sum(array.kinks + array.undecided for array in report) <= 3
    wide = gradcheck(functools.partial(narrow_net, factor=1.01), *narrow_point(seed))
    assert [array.name for array in wide.wrong] == ["dW1"]


@pytest.mark.parametrize(
    ("factor", "wrong"),
    [(1, False), (0.5, True), (6, True), (-1, True), (1.01, True), (np.array([1, 1, 1.1]), True)],
)
@pytest.mark.parametrize("mean", [True, False])
@pytest.mark.parametrize("start", [0.0, 1.0])
def test_value_in_float32_with_a_gradient_in_float64(factor: Any, wrong: bool, mean: bool, start: float) -> None:
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(6, 3)), rng.normal(size=6)

    def cost(w: Any, X: Any, y: Any) -> Any:
        e = X.astype("f4") @ w.astype("f4") - y.astype("f4")
        return float(np.mean(e**2) if mean else np.sum(e**2))

    def slope(w: Any, X: Any, y: Any) -> Any:
        return factor * (2 * X.T @ (X @ w - y) / (len(y) if mean else 1))

    report = gradcheck(cost, np.full(3, start), X, y, gradient=slope)
    assert report["w"].verdict == ("wrong" if wrong else "right"), str(report)
    assert report["w"].checked >= 11


@pytest.mark.parametrize("seed", range(max(4, CASES // 8)))
def test_float32_within_and_many_kinks(seed: int) -> None:
    """The wide steps that float32 needs go over many kinks, whose traces may cancel."""
    rng = np.random.default_rng(seed)
    theta = (rng.normal(size=(8, 10)) / 3, np.zeros(8), rng.normal(size=(3, 8)) / 3, np.zeros(3))
    X, Y = rng.normal(size=(16, 10)), np.eye(3)[rng.integers(0, 3, 16)]

    def step(W1: Any, b1: Any, W2: Any, b2: Any, X: Any, Y: Any, slope: bool = True) -> Any:
        W1, b1, W2, b2, X, Y = (np.float32(each) for each in (W1, b1, W2, b2, X, Y))
        Z = X @ W1.T + b1
        A = np.maximum(Z, 0)
        E = np.exp(A @ W2.T + b2)
        P = E / E.sum(axis=1, keepdims=True)
        D2 = (P - Y) / len(X)
        D1 = D2 @ W2 * ((Z > 0) if slope else 1)
        return float(-np.sum(Y * np.log(P)) / len(X)), D1.T @ X, D1.sum(axis=0), D2.T @ A, D2.sum(axis=0)

    assert not gradcheck(step, theta, X, Y).wrong
    assert gradcheck(functools.partial(step, slope=False), theta, X, Y).wrong


def test_hints_in_float32() -> None:
    """Closeness of float32, or 0.5000003 were no half."""
    report = gradcheck(lambda W1, W2, X, y: narrow_net(W1, W2, X, y, factor=0.5), *narrow_point(0))
    assert "1/2" in str(report["W1"].hint)


def test_float32_on_the_way_to_the_gradient_alone_is_inexact() -> None:
    report = gradcheck(lambda w: (np.sum(np.sin(w)), np.cos(w.astype("f4")).astype(float)), draw(4))
    assert report["w"].verdict == "inexact"


@pytest.mark.parametrize("factor", [1.0, 2.0])
def test_what_is_rounded_too_coarsely_is_neither_right_nor_wrong(factor: float) -> None:
    def step(w: Any) -> Any:
        return float(np.float32(1e4) + np.float32(1e-3) * np.sum(w.astype("f4") ** 2)), factor * 2e-3 * w

    report = gradcheck(step, np.array([1.0, 1.1]))
    assert report["w"].verdict == "vague"
    assert not report.ok
    assert not report.wrong
    assert "neither right nor wrong" in str(report.summary)
    assert "Compute in float64" in str(report)
    assert "Compute in float64" in report._repr_html_()
    half = gradcheck(functools.partial(narrow_net, kind=np.float16), *narrow_point(0))
    assert not half.wrong, str(half)


def test_noise_is_measured() -> None:
    at, bent = [draw(3), draw(2, 2)], lambda arrays: sum(np.sum(np.sin(a)) for a in arrays)
    for kind, least, most in (("f8", 1e-17, 1e-14), ("f4", 1e-9, 1e-6), ("f2", 1e-5, 1e-2)):
        noise = noise_of(lambda arrays, kind=kind: float(bent([a.astype(kind) for a in arrays])), at)
        assert least < noise.size < most
        assert noise.coarse == (kind != "f8")
    for at_kink in (np.zeros(3), np.array([1.0, 1.0])):  # which is no noise
        assert not noise_of(lambda arrays: float(np.abs(arrays[0] - arrays[0][::-1]).sum()), [at_kink]).coarse
    assert not noise_of(lambda arrays: float(np.sum((arrays[0] - 1) ** 2)), [np.ones(3)]).coarse


def test_errors_are_never_in_units_of_nothing() -> None:
    """Where the numerical derivatives are 0, an error is 1 and no 1e300."""
    report = gradcheck(lambda w: (float(np.round(np.sum(w**2), 2)), 2 * w), np.array([1.0, 1.1]))
    assert not report.ok
    assert max(array.error for array in report) <= 1


# Messages.


def test_failures_of_the_users_function_are_messages() -> None:
    cases: list[tuple[Callable[..., Any], tuple[Any, ...], str]] = [
        (lambda w: np.sum(w**2), (w,), "expected the value and its gradient"),
        (lambda w: (np.sum(w**2), None), (w,), r"by w is None"),
        (lambda w: (None, w), (w,), "the value of <lambda> is None"),
        (lambda w: (w**2, w), (w,), "expected one number"),
        (lambda w: (2 * w, np.sum(w**2)), (w,), "value first"),
        (lambda w: (np.sum(w), "w"), (w,), "by w is a str"),
        (lambda p: (0.0, {"v": w}), ({"w": w},), "by w is None"),
        (lambda p: (0.0, [w]), ([w, w],), r"by p\[0\] is a list of 1"),
        (lambda w: (np.nan, w), (w,), "start where it is finite"),
        (lambda w: (np.sum(w), w * 1j), (w,), "real numbers"),
        (lambda w, X: (0.0, w), (w,), r"cannot be called"),
        (lambda w: (0.0, w), ("text",), "parameter w is a str"),
        (lambda w: (0.0, w), (np.zeros((0, 2)),), "empty"),
        (lambda w: (0.0, w), (None,), "NoneType"),
        (lambda w: (0.0, w), ({},), "no parameters"),
        (lambda w: (np.random.default_rng().normal(), w), (w,), "for the same arguments"),
        (lambda w: (1 / 0, w), (w,), rf"ZeroDivisionError: .*\({Path(__file__).name}, line \d+\)"),
    ]
    for f, arguments, message in cases:
        with pytest.raises(UsageError, match=message):
            gradcheck(f, *arguments)


@pytest.mark.parametrize(
    ("f", "theta", "message"),
    [
        (lambda a, b: ((a * b).sum(), b), (np.ones(2), np.ones(2)), r"gives 1 gradient for 2 parameters \(a, b\)"),
        (lambda p: (p[0] @ p[1], p[1]), (np.ones(2), np.ones(2)), r"gives 1 gradient for 2 parameters \(p\[0\]"),
        (lambda a, b: (a * b, b), (1.0, 2.0), "gives 1 gradient for 2 parameters"),
        (lambda w: (w @ w, 2 * w, 3 * w), np.ones(2), r"gives 2 gradients for 1 parameter \(w\)"),
        (lambda w: (w @ w, (2 * w, np.ones(3))), np.ones(2), "gives 2 gradients for 1 parameter "),
        (lambda w: (w**2, 2 * w, 1.0), 3.0, "gives 2 gradients for 1 parameter "),
    ],
)
def test_gradients_are_counted(f: Any, theta: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        gradcheck(f, theta)


def test_gradients_in_other_forms_are_no_wrong_count() -> None:
    a = np.array([1.0, 2.0])
    assert gradcheck(lambda a, b: (a @ b, np.array([b, a])), (a, a)).ok
    assert gradcheck(lambda p: (p[0] * p[1], np.array([p[1], p[0]])), [1.0, 2.0]).ok
    assert gradcheck(lambda W: (np.sum(W**2), [2 * row for row in W]), draw(2, 3)).ok
    assert gradcheck(lambda w: (w @ w, (2 * w,)), a).ok


def test_nothing_compared_is_a_dash() -> None:
    report = gradcheck(lambda w: (np.sum(w**2), 2 * w[:1]), w)
    row = report.table().rows[0]
    assert report["w"].checked == 0
    assert row[2:6] == (0, 0, "–", "–")
    assert "Not decided" not in str(report)


class Keeper:
    """A class that keeps its own parameters."""

    def step(self, w: Any) -> Any:
        """Give value and gradient."""
        return np.sum(w**2), 2 * w


@pytest.mark.parametrize("subject", [Keeper, Keeper()])
def test_classes_and_objects_are_told_of_the_wrapper(subject: Any) -> None:
    for arguments in ((), (w,)):
        with pytest.raises(UsageError, match=r"Keeper belongs to a class.*docs/gradcheck.md"):
            gradcheck(subject, *arguments)
    assert gradcheck(Keeper().step, w).ok


def test_reasons_are_told_in_the_readers_language() -> None:
    def only_here(w: Any) -> Any:
        return np.sum(w**2), 2 * w if np.abs(w.real - 1).max() < 0.05 else None

    report = gradcheck(only_here, np.ones(3))
    why = report.skipped[0].fields["why"]  # type: ignore[attr-defined]
    assert isinstance(why, Message)
    assert "is None" in why


def test_no_minus_before_nothing() -> None:
    report = gradcheck(lambda w: (np.sum(w**2) * np.float64(-0.0), w + 1.0), w)
    assert not re.search(r"-0\b(?!\.)", str(report.worst_table(report["w"])))
    entry = CheckedEntry("dw", -0.0, -0.0, 1.0)
    one = CheckedArray("dw", (1,), "wrong", 1.0, 1, 0, 0, "complex step", "here", (entry,))
    assert GradientReport("f", (one,), ()).worst_table(one).rows == [("dw", "0", "0", "1")]


def test_wrong_usage_is_a_message() -> None:
    model = Network.from_sizes([2, 1]).init()
    for call, message in [
        (lambda: gradcheck(3, w), "must be a function, a Model or a Network, not int"),
        (lambda: gradcheck(line), "lacks the parameters"),
        (lambda: gradcheck(line, (w, 0.1), X, y, step=line), "together with its rate"),
        (lambda: gradcheck(line, (w, 0.1), X, y, entries=0), "entries is 0"),
        (lambda: gradcheck(line, (w, 0.1), X, y, tolerance=2), "tolerance is 2"),
        (lambda: gradcheck(line, (w, 0.1), X, y, seed=-1), "seed"),
        (lambda: gradcheck(model, X), "it was given 1 positions"),
        (lambda: gradcheck(model, X, y, gradient=line), "of its own"),
        (lambda: gradcheck(model, X, y, draw=3), "draw is 3"),
        (lambda: gradcheck(model.network, X, y), "a network has no parameters"),
        (lambda: gradcheck(Network.from_sizes([2, 3, 1], "step")), "no usable slope"),
        (lambda: gradcheck(Network([Dense(3), BatchNorm("step"), Dense(2)], inputs=2)), "no usable slope"),
    ]:
        with pytest.raises(UsageError, match=message):
            call()


def test_shapes_that_do_not_fit_are_named() -> None:
    W = draw(2, 3)
    report = gradcheck(lambda W: (np.sum(W**2), 2 * W.T), W)
    assert report["W"].verdict == "shape"
    assert "(3, 2)" in report["W"].hint
    assert "transpose it" in report["W"].hint
    assert "broadcasting" in gradcheck(lambda w: (np.sum(w**2), 2 * w[:, None]), w)["w"].hint
    assert "wrong axis" in gradcheck(lambda w: (np.sum(w**2), 2 * w[:1]), w)["w"].hint


@pytest.mark.parametrize(
    ("gradient", "said"),
    [
        (lambda W: 2 * (2 * W), "whole squares in the gradient"),
        (lambda W: W, "half squares in the gradient"),
        (lambda W: -2 * W, "sign"),
        (lambda W: 0 * W, "0 everywhere"),
        (lambda W: 2 * W.T, "transposed"),
        (lambda W: 2 * W + 0.3 * W.mean() * np.eye(3)[[0]].T, "Only row 0"),
        (lambda W: 2 * W * np.array([1, 1, 3]), "Only column 2"),
        (lambda W: np.clip(2 * W, -0.5, 0.5), "clipped"),
        (lambda W: np.full((3, 3), np.sum(W)), "the same"),
        (lambda W: np.where(W > 0, 2 * W, np.nan), "not finite"),
        (lambda W: np.pi * W, r"1.5708 × numerical"),
    ],
)
def test_hints(gradient: Any, said: str) -> None:
    report = gradcheck(lambda W: (np.sum(W**2), gradient(W)), draw(3, 3))
    assert said in report["W"].hint


def test_worst_entries_are_named_with_both_numbers() -> None:
    def step(W1: Any, b1: Any) -> Any:
        gradient = 2 * W1
        gradient[0, 2] += 1
        return np.sum(W1**2) + np.sum(b1), (gradient, np.ones(2))

    W1 = draw(2, 3)
    report = gradcheck(step, (W1, np.zeros(2)))
    (worst,) = report["dW1"].worst
    assert worst.name == "dW1[0,2]"
    assert worst.yours == pytest.approx(2 * W1[0, 2] + 1)
    assert worst.numerical == pytest.approx(2 * W1[0, 2])
    text = str(report)
    assert "dW1[0,2]" in text
    assert f"{worst.numerical:.10g}" in text
    assert text in repr(report)
    assert "dW1[0,2]" in report._repr_html_()
    assert not report
    with pytest.raises(KeyError):
        report["W9"]


def test_report_is_plain_data_and_speaks_chinese_templates() -> None:
    report = gradcheck(MISTAKES[0].function, MISTAKES[0].theta, *MISTAKES[0].data)
    told = json.loads(json.dumps(report.describe()))
    assert told["ok"] is False
    assert [array["name"] for array in told["arrays"]] == [array.name for array in report]
    assert told["arrays"][0]["worst"][0]["name"].startswith("dW1[")


def test_nothing_is_printed_and_nothing_warns(capsys: pytest.CaptureFixture[str]) -> None:
    def step(w: Any) -> Any:
        print("cost")
        np.log(np.zeros(1))
        return np.sum(np.exp(w)), np.exp(w)

    assert gradcheck(step, w).ok
    assert capsys.readouterr().out == ""


# Probes.


def test_random_data_are_of_the_same_kind() -> None:
    labels = np.array([0, 2, 2, 5])
    assert set(random_like(labels, 0, 1)) <= {0, 2, 5}
    assert set(random_like(np.array([[0.0, 1], [1, 0], [1, 1], [0, 0]]), 0, 1).flat) <= {0.0, 1.0}
    probabilities = random_like(np.array([0.2, 0.5, 0.9]), 0, 1)
    assert ((probabilities > 0) & (probabilities < 1)).all()
    assert (random_like(np.array([3.0, 50.0, 9.0]), 0, 1) > 0).all()
    columns = random_like(np.array([[0.3, 0.6], [0.7, 0.4]]), 0, 1)
    assert columns.sum(axis=0) == pytest.approx([1, 1])
    assert random_like(np.zeros((2, 2), np.float32), 0, 1).dtype == np.float32
    assert set(random_like(np.ones(9), 0, 1)) == {0.0, 1.0}
    assert set(random_like(np.zeros(9, int), 0, 1)) == {0, 1}


def test_answers_of_yes_and_no_stay_so() -> None:
    """This loss knows 0 and 1 only, and one example has but one of them."""

    def step(w: Any, X: Any, y: Any) -> Any:
        a = sigmoid(X @ w)
        return np.mean(np.where(y == 1, -np.log(a), -np.log(1 - a))), X.T @ (a - y) / len(y)

    assert gradcheck(step, w, X[:1], np.array([1.0])).ok
    assert gradcheck(step, w, X, np.array([1.0, 1.0, 1.0])).ok


def test_program_for_one_example_is_not_accused() -> None:
    """For several rows D[0] would be wrong, but nobody calls it so."""

    def step(W: Any, b: Any, x: Any, y: Any) -> Any:
        D = x @ W.T + b - y
        return 0.5 * np.sum(D**2), D.T @ x, D[0]

    report = gradcheck(step, (draw(2, 3), draw(2)), draw(1, 3), draw(1, 2))
    assert report.ok
    assert "made for one example" in report.skipped[0]
    assert not gradcheck(step, (draw(2, 3), draw(2)), draw(4, 3), draw(4, 2)).ok


def test_points_that_cannot_be_used_are_named() -> None:
    def only_here(w: Any) -> Any:
        if np.abs(w.real - 1).max() > 0.05:
            raise ValueError("too far")
        return np.sum(w**2), 2 * w

    report = gradcheck(only_here, np.ones(3))
    assert report.ok
    assert len(report.skipped) == 2
    assert "ValueError: too far" in report.skipped[0]


@given(
    st.recursive(
        st.floats(-5, 5) | st.integers(-5, 5),
        lambda inner: st.lists(inner, min_size=1, max_size=3) | st.dictionaries(st.text(max_size=3), inner, min_size=1),
        max_leaves=6,
    )
)
def test_trees_come_back(tree: Any) -> None:
    assert rebuilt(tree, (array for _, array in leaves(tree, "theta"))) == tree


# Networks.


@pytest.mark.parametrize("name", [name for name, each in ACTIVATIONS.items() if each.trainable])
def test_every_activation(name: str) -> None:
    report = gradcheck(Network.from_sizes([3, 4, 2], hidden=name))
    assert report.ok
    assert [array.name for array in report] == ["dW1", "db1", "dW2", "db2", "dX"]
    assert max(array.error for array in report) < 1e-12


@pytest.mark.parametrize("name", LOSSES)
def test_every_loss(name: str) -> None:
    loss = LOSSES[name]
    output = next(iter(loss.pairs), "softplus" if loss.targets == "counts" else "identity")
    assert gradcheck(Network.from_sizes([3, 4, 2], "tanh", output), loss=name).ok


@pytest.mark.parametrize("bias", ["neuron", "layer", "fixed", "none"])
def test_layers_of_every_kind(bias: str) -> None:
    network = Network(
        [Dense(4, bias=bias), BatchNorm("tanh"), Dropout(0.3), Dense(3, "sigmoid", bias=bias), Dense(2, "softmax")], 3
    )
    report = gradcheck(network)
    assert report.ok
    assert ("db1" in [array.name for array in report]) == (bias in ("neuron", "layer"))
    if bias == "neuron":  # normalizing takes it off again
        assert report["b1"].undecided > 0


def test_models_with_rows_weights_and_masks() -> None:
    model = Network.from_sizes([3, 4, 2], "sigmoid", "softmax", dropout=0.3).init(seed=1)
    rows, labels = draw(6, 3), [0, 1, 1, 0, 1, 0]
    report = gradcheck(model, rows, labels, np.arange(1.0, 7.0), draw=Draw(3, 1), loss="categorical_cross_entropy")
    assert report.ok
    assert report.probes[0] == "your own point"
    assert "one example only" in gradcheck(model, rows[:1], [[0.0, 1.0]]).hidden[0]


@pytest.mark.parametrize("case", range(min(CASES, 200)))
def test_random_networks(case: int) -> None:
    """A campaign takes as many as CHAINRULE_CASES says."""
    rng = np.random.default_rng(case)
    names = [name for name, each in ACTIVATIONS.items() if each.trainable]
    network = Network.from_sizes(
        rng.integers(1, 6, rng.integers(2, 5)).tolist(),
        hidden=names[rng.integers(len(names))],
        output=["identity", "sigmoid", "softmax", "softplus"][rng.integers(4)],
        dropout=float(rng.choice([0.0, 0.3])),
        batch_norm=bool(rng.integers(2)),
        bias=["neuron", "layer", "none"][rng.integers(3)],
    )
    report = gradcheck(network, seed=case, engine="compiled" if case % 4 == 1 else "reference")
    assert report.ok, str(report)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_compiled_engine(dtype: str) -> None:
    assert gradcheck(Network.from_sizes([3, 4, 2], "tanh", "sigmoid").init(dtype=dtype), engine="compiled").ok


def test_wrong_engine_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def gradient(*given: Any, **more: Any) -> Any:
        found = reference.gradient(*given, **more)
        found.parameters.b[2][...] *= 6
        return found

    wrong = types.SimpleNamespace(name="wrong", gradient=gradient)
    monkeypatch.setitem(ENGINES, "wrong", wrong)  # type: ignore[arg-type]
    report = gradcheck(Network.from_sizes([3, 4, 2], "tanh"), engine="wrong")
    assert [array.name for array in report.wrong] == ["db2"]
    assert "6 is a size of your data" in report["b2"].hint


def test_public_name() -> None:
    assert chainrule.gradcheck is gradcheck
    assert re.match(r"The gradient of line is right", str(gradcheck(line, (w, 0.1), X, y)))


def test_report_that_the_documentation_shows() -> None:
    page = (Path(__file__).parents[2] / "docs" / "gradcheck.md").read_text(encoding="utf-8")
    code, shown = re.search(r"```python\n(.*?)```", page, re.DOTALL), re.search(r"```text\n(.*?)…\n", page, re.DOTALL)
    assert code
    assert shown
    names: dict[str, Any] = {}
    exec(code[1], names)

    def rounded(text: str) -> list[str]:
        """The lines, without errors of the size of rounding, which the machine decides."""
        return [re.sub(r"\de-1\d\b", "tiny", line) for line in text.splitlines()]

    assert rounded(str(names["report"]))[: len(shown[1].splitlines())] == rounded(shown[1])
