"""Gradient descent on functions: what can be read, what is refused, where the path leads and why it ends."""

from __future__ import annotations

import builtins
import contextlib
import math
import time
from typing import Any

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule import Adam, ChainruleError, Momentum, Network, train
from chainrule.descent import Function, descend, read_expression, readable
from chainrule.descent.expressions import FUNCTIONS
from chainrule.errors import MissingExtra, ShapeError, UnknownName, UsageError
from chainrule.formulas import OPTIMIZERS
from chainrule.language import Message

# Reading formulas.


@pytest.mark.parametrize(
    ("text", "at", "value"),
    [
        ("theta**2", {"theta": 3.0}, 9.0),
        ("theta^2", {"theta": 3.0}, 9.0),
        ("-x^2 + 3*x/2 - +1", {"x": 2.0}, -2.0),
        ("2**x", {"x": 3.0}, 8.0),
        ("(x)*(y)", {"x": 2.0, "y": 5.0}, 10.0),
        ("e**x - exp(x)", {"x": 2.0}, 0.0),
        ("cos(pi * x)", {"x": 1.0}, -1.0),
        ("1e-3 * x", {"x": 2.0}, 0.002),
        ("\n (x +\n 1) ", {"x": 2.0}, 3.0),
        ("abs(x)", {"x": -2.0}, 2.0),
        ("größe * 2", {"größe": 1.5}, 3.0),
    ],
)
def test_formulas_are_read(text: str, at: dict[str, float], value: float) -> None:
    expression = read_expression(text)
    assert set(expression.variables) == set(at)
    assert expression.fold(at) == pytest.approx(value, abs=1e-15)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_has_value_and_derivative(name: str) -> None:
    function = Function.of(f"{name}(x/3)")
    point, h = np.array([0.7]), 1e-6
    assert function.value(point) == pytest.approx(float(FUNCTIONS[name](0.7 / 3)))
    difference = (function.value(point + h) - function.value(point - h)) / (2 * h)
    assert function.gradient(point)[0] == pytest.approx(float(difference), abs=1e-8)


@pytest.mark.parametrize(
    ("text", "piece"),
    [
        ("__import__('os')", "__import__"),
        ("__import__('os').system('x')", "cannot stand"),
        ("eval('1')", "eval"),
        ("x.__class__", r"x\.__class__"),
        ("().__class__", "__class__"),
        ("lambda x: x", "lambda x: x"),
        ("[x for x in y]", r"\[x for x in y\]"),
        ("{x}", "{x}"),
        ("x[0]", r"x\[0\]"),
        ("'x'", "'x'"),
        ("f'{x}'", "f'{x}'"),
        ("x if y else z", "x if y else z"),
        ("x == y", "x == y"),
        ("x and y", "x and y"),
        ("not x", "not x"),
        ("x % 2", "x % 2"),
        ("x // 2", "x // 2"),
        ("x @ y", "x @ y"),
        ("~x", "~x"),
        ("1j * x", "1j"),
        ("True * x", "True"),
        ("None", "None"),
        ("...", r"\.\.\."),
        ("(x, y)", r"\(x, y\)"),
        ("x * 'a'", "'a'"),
        ("sin", "sin is a function"),
        ("sin(x, y)", r"sin\(x, y\)"),
        ("sin()", r"sin\(\)"),
        ("sin(*x)", r"sin\(\*x\)"),
        ("sin(x=1)", r"sin\(x=1\)"),
        ("x(2)", "unknown function 'x'"),
        ("sin(x)(y)", "cannot stand"),
        ("sim(x)", "did you mean 'sin'"),
        ("2x", "cannot be read"),
        ("x y", "cannot be read"),
        ("(x", "cannot be read"),
        ("", "cannot be read"),
        ("x\0", "cannot be read"),
        ("x; y", "cannot be read"),
        ("x\ny", "cannot be read"),
        ("x = 1", "cannot be read"),
        ("(y := 1) * x", "y := 1"),
        ("import os", "cannot be read"),
        ("9**9**9**9", "the power is"),
        ("x**1000", "the power is 1000"),
        ("x**-1000", "the power is -1000"),
        ("(9**99)**99", "too large"),
        ("x*(1/9**99)**99", "too large or too small"),
        ("((100000001/100000000)**100)**100*x", "too large or too small"),
        ("((x*100000001/100000000)**100)**100", "too large or too small"),
        ("x**x**x", "power of powers"),
        ("2**exp(x)", "power of powers"),
        ("99**(2**99/(1+x))", "the power is"),
        ("1e999*x", "infinite"),
        ("x/(1-1)", "divides by 0"),
        ("1/0", "divides by 0"),
        ("log(-1)*x", "not a real number"),
        ("-" * 100 + "x", "nested more than"),
        ("(" * 250 + "x" + ")" * 250, "at most 300"),
        ("x" * 301, "at most 300"),
    ],
)
def test_anything_else_is_refused_by_name(text: str, piece: str) -> None:
    with pytest.raises(UsageError, match=piece):
        descend(text, 1.0, rate=0.1)


def test_nothing_of_a_text_is_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither eval nor exec nor SymPy's own reader, which runs what it reads, is called."""

    def refuse(*_: Any, **__: Any) -> Any:
        raise AssertionError("code was run")

    descend("x**2 + sin(x)", 1.0, rate=0.1, steps=1)  # what is imported on first use may run code of its own
    for name in ("eval", "exec"):
        monkeypatch.setattr(builtins, name, refuse)
    monkeypatch.setattr(sympy, "sympify", refuse)
    monkeypatch.setattr(sympy, "lambdify", refuse)
    assert descend("y**2 + cos(y)*0.5 + abs(y)", 1.0, rate=0.1, steps=3).steps == 3
    with pytest.raises(UnknownName):
        descend("__import__('os')", 1.0, rate=0.1)


@settings(deadline=None, max_examples=150)
@given(st.text(alphabet="xy019.+-*/^() ,e", max_size=40) | st.text(max_size=20))
def test_any_text_is_read_or_refused_quickly(text: str) -> None:
    began = time.process_time()
    with contextlib.suppress(ChainruleError):
        Function.of(text)
    assert time.process_time() - began < 5


def test_formulas_at_the_bounds_are_quick() -> None:
    began = time.process_time()
    for text in ("x**y*" * 40 + "x", "sin(" * 40 + "x" + ")" * 40, "1/(x+" * 29 + "1" + ")" * 29, "9**90*x"):
        Function.of(text)
    assert time.process_time() - began < 20


# Functions and their derivatives.


@pytest.mark.parametrize(
    "text", ["tan(x/2 + pi/2)", "sin(x + pi/2)", "tanh(log(x))", "x**x", "2**x*x", "abs(log(x)) + x"]
)
def test_what_symbols_turn_a_formula_into_keeps_its_derivative(text: str) -> None:
    function, point, h = Function.of(text), np.array([0.7]), 1e-6
    difference = (function.value(point + h) - function.value(point - h)) / (2 * h)
    assert function.gradient(point)[0] == pytest.approx(float(difference), rel=1e-7)


def test_symbols_and_equations() -> None:
    function = Function.of("theta1**2 + 3*theta2")
    assert function.variables == ("theta1", "theta2")
    assert function.symbols == ("θ₁", "θ₂")
    assert function.latex == r"\theta_{1}^{2} + 3 \theta_{2}"
    assert function.gradient_latex == (r"2 \theta_{1}", "3")
    text, latex = function.equations
    assert text == "J(θ₁, θ₂) = θ₁² + 3·θ₂,   ∂J/∂θ₁ = 2·θ₁,   ∂J/∂θ₂ = 3"
    assert latex.count(r"\frac{\partial J}{\partial \theta_{") == 2
    assert str(function) == "J(theta1, theta2) = theta1**2 + 3*theta2"


def test_order_of_variables_can_be_chosen() -> None:
    point = np.array([2.0, 3.0])
    assert Function.of("x - y").gradient(point).tolist() == [1.0, -1.0]
    assert Function.of("x - y", ("y", "x")).gradient(point).tolist() == [-1.0, 1.0]
    assert Function.of("x**2", ("x", "y")).gradient(point).tolist() == [4.0, 0.0]


@pytest.mark.parametrize(
    ("text", "variables", "message"),
    [
        ("x + y", ("x",), "has y in it"),
        ("x + y + z", (), "expected one, or two"),
        ("x", ("x", "x"), "two different"),
        ("x", ("x", "pi"), "'pi' cannot name"),
        ("x", ("x y",), "cannot name"),
        ("x", ("sin",), "cannot name"),
        ("3", (), "no variable"),
        ("3", ("x",), "no variable"),
        ("x - x", (), "same number everywhere"),
        ("sqrt(-1)*x", (), "real number"),
        ("x/(x-x)", (), "nowhere|same number"),
        ("tan(pi/2)*x", (), "nowhere"),
    ],
)
def test_what_is_no_function_of_the_variables(text: str, variables: tuple[str, ...], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Function.of(text, variables)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x**2 + 3 * x,
        lambda x: np.exp(x) + x**2,
        lambda x: math.exp(x) + x**2,
        lambda x: x**2 if x > 0 else -x,
        lambda x: abs(x) * x,
        lambda x: float(np.real(x)) ** 3,
        lambda x: sympy.gamma(x) if isinstance(x, sympy.Expr) else math.gamma(x),
        lambda x, shift=1.0: (x - shift) ** 2,
        lambda x: np.array([x**2]),
    ],
)
def test_python_functions_get_their_derivative(function: Any) -> None:
    found, point, h = Function.of(function), np.array([1.3]), 1e-5
    difference = (np.ravel(function(1.3 + h))[0] - np.ravel(function(1.3 - h))[0]) / (2 * h)
    assert found.gradient(point)[0] == pytest.approx(float(difference), rel=1e-6)
    assert found.variables == ("x",)


def test_what_sympy_saw_is_held_to_the_function() -> None:
    """A comparison with == picks a branch for symbols; the derivative is that of the other one."""
    function = Function.of(lambda x: x**2 if x != 7 else x)
    assert function.gradient(np.array([3.0]))[0] == 6.0
    wrong = Function.of(lambda x: x if not isinstance(x, float) else x**2)
    assert wrong.gradient_text == ("1",)
    assert wrong.gradient(np.array([3.0]))[0] == pytest.approx(6.0, rel=1e-7)


def test_python_functions_that_cannot_be() -> None:
    with pytest.raises(UsageError, match="2 numbers"):
        descend(lambda x: [x, x], 1.0, rate=0.1)
    with pytest.raises(UsageError, match="no number at"):
        descend(lambda x: "a" + x, 1.0, rate=0.1)
    with pytest.raises(UsageError, match="takes 3 numbers"):
        descend(lambda x, y, z: x, 1.0, rate=0.1)
    with pytest.raises(UsageError, match="expected a text"):
        descend(3, 1.0, rate=0.1)  # type: ignore[arg-type]
    assert descend(lambda *x: x[0] ** 2 + x[1] ** 2, (1, 1), variables=("a", "b"), rate=0.1).function.variables == (
        "a",
        "b",
    )


def test_a_gradient_of_ones_own() -> None:
    descent = descend(lambda x, y: x * y, (1, 2), gradient=lambda x, y: (0.0, 10.0), rate=0.1, steps=1)
    assert descent.path[1].tolist() == [1.0, 1.0]
    assert descent.function.gradient_text == ()
    with pytest.raises(ShapeError, match="3 numbers; expected 2"):
        descend(lambda x, y: x * y, (1, 2), gradient=lambda x, y: (0.0, 1.0, 2.0), rate=0.1)


def test_without_sympy(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def missing(name: str, *rest: Any, **more: Any) -> Any:
        if name == "sympy":
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(MissingExtra, match=r"chainrule\[lessons\]"):
        descend("x**2", 1.0, rate=0.4)
    assert descend(lambda x: x**2, 1.0, rate=0.4, steps=2).end[0] == pytest.approx(0.04, abs=1e-15)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("theta^2", "θ²"),
        ("x1**12*lambda1", "x₁¹²·λ₁"),
        ("2 ** x - 3.5", "2^x − 3.5"),
        ("x**2**3", "x^2³"),
        ("x**0.5", "x^0.5"),
        ("thetas + x_1", "thetas + x_1"),
        ("2e-05*x", "2e-05·x"),
    ],
)
def test_formulas_as_people_write_them(text: str, shown: str) -> None:
    assert readable(text) == shown


# Descent.


def test_the_worked_examples() -> None:
    one = descend("theta**2", 1.0, rate=0.4, steps=4)
    np.testing.assert_allclose(one.path[:, 0], [1, 0.2, 0.04, 0.008, 0.0016], rtol=1e-12)
    two = descend("theta1**2 + theta2**2", (2, 3), rate=0.1, steps=99)
    np.testing.assert_allclose(two.path[[1, 2]], [(1.6, 2.4), (1.28, 1.92)], rtol=1e-12)
    np.testing.assert_allclose(two.end, (5.09258994e-10, 7.63888491e-10), atol=5e-19, rtol=0)


@settings(deadline=None, max_examples=40)
@given(
    a=st.floats(0.1, 10),
    b=st.floats(-5, 5),
    start=st.floats(-10, 10),
    share=st.floats(0.01, 0.99),
    steps=st.integers(1, 30),
)
def test_a_parabola_by_its_own_formula(a: float, b: float, start: float, share: float, steps: int) -> None:
    """On a (x - b)^2 a step multiplies the distance from b by 1 - 2 a rate."""
    descent = descend(lambda x: a * (x - b) ** 2, start, rate=share / a, steps=steps)
    expected = b + (start - b) * (1 - 2 * share) ** np.arange(steps + 1)
    np.testing.assert_allclose(descent.path[:, 0], expected, atol=1e-9)
    assert not descent.diverged


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizers_are_those_of_training(name: str) -> None:
    """One identity neuron on one example has the cost (w - 3)^2: both descend on it, number for number."""
    model = Network.from_sizes([1, 1], bias="none").init()
    model["W1"] = 5.0
    record = OPTIMIZERS.find(name, rate=0.05)
    trained = train(model, [[1.0]], [[3.0]], loss="squared_error", optimizer=record, epochs=20, metrics=())
    descent = descend("(w - 3)**2", 5.0, optimizer=record, steps=20)
    assert descent.end[0] == pytest.approx(float(trained["W1"][0, 0]), rel=1e-12)


def test_rate_and_optimizer() -> None:
    assert descend("x**2", 1.0, optimizer=Adam(0.1), steps=1).optimizer.rate == 0.1
    assert descend("x**2", 1.0, optimizer=Momentum(0.1, mu=0.5), rate=0.2, steps=1).optimizer.parameters == {"mu": 0.5}
    assert descend("x**2", 1.0, optimizer="adam", steps=1).optimizer.rate == 0.001
    with pytest.raises(UnknownName, match="did you mean 'adam'"):
        descend("x**2", 1.0, optimizer="adan")


@pytest.mark.parametrize("rate", [0, -0.1, math.nan, math.inf, "0.1", True])
def test_rates_that_cannot_be(rate: Any) -> None:
    with pytest.raises(UsageError, match="learning rate"):
        descend("x**2", 1.0, rate=rate)


@pytest.mark.parametrize(
    ("function", "start", "message"),
    [
        ("log(x)", -1.0, "at the start -1"),
        ("log(x)", 0.0, "at the start 0"),
        ("sqrt(x)", 0.0, "no gradient"),
        ("1/x", 0.0, "at the start"),
        ("sqrt(x)*sqrt(x)", -1.0, "at the start"),
        (math.log, -1.0, "at the start"),
        (lambda x: x**0.5, -1.0, "at the start"),
        ("x**2", (1.0, 2.0), "function of x"),
        ("x*y", 1.0, "function of x, y"),
        ("x*y", (1.0, 2.0, 3.0), "function of x, y"),
        ("x**2", math.nan, "finite"),
        ("x**2", "one", "expected a number"),
        ("x**2", None, "finite|expected a number"),
        ("x**2", 1e200, "at the start"),
    ],
)
def test_starts_that_cannot_be(function: Any, start: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        descend(function, start, rate=0.1, variables=("x",) if function is math.log else ())


@pytest.mark.parametrize("steps", [0, -1, 1.5, True, "3"])
def test_steps_that_cannot_be(steps: Any) -> None:
    with pytest.raises(UsageError, match="steps is"):
        descend("x**2", 1.0, rate=0.1, steps=steps)


@pytest.mark.parametrize("tolerance", [-1.0, math.nan, "a"])
def test_tolerances_that_cannot_be(tolerance: Any) -> None:
    with pytest.raises(UsageError, match="tolerance is"):
        descend("x**2", 1.0, rate=0.1, tolerance=tolerance)


# How it ends.


def test_it_ends_after_all_steps() -> None:
    descent = descend("x**2", 1.0, rate=0.1, steps=7)
    assert (descent.steps, descent.stopped, descent.diverged) == (7, "all 7 steps were made", False)
    assert isinstance(descent.stopped, Message)
    assert len(descent.path) == len(descent.values) == len(descent.gradients) == 8


def test_it_ends_at_a_small_gradient() -> None:
    descent = descend("x**2 + 3*y**2", (1, 1), rate=0.1, steps=1000, tolerance=1e-3)
    largest = np.abs(descent.gradients).max(axis=1)
    assert largest[-1] <= 1e-3 < largest[-2]
    assert "larger than 0.001" in descent.stopped
    assert descend("x**2", 0.0, rate=0.1, tolerance=0.0).steps == 0
    assert descend("x**2", 1.0, rate=0.5, steps=1, tolerance=1e-9).stopped.startswith("no component")


@pytest.mark.parametrize(
    ("function", "start", "rate", "steps", "message"),
    [
        ("x**2", 1.0, 1.1, 4, "in each of the last 4 steps, from 1 to 4.29982"),
        ("x**2", 1.0, 3.0, 1000, "diverged: after"),
        ("x**4", 3.0, 1.0, 100, "diverged"),
        ("x**3", -1.0, 0.4, 100, "diverged: after"),
        ("exp(x**2)", 3.0, 1.0, 100, "step 1 leads to where"),
        (lambda x: math.exp(x) - 2 * x, 1.0, 1e4, 100, "leads to where"),
    ],
)
def test_it_ends_where_it_diverges(function: Any, start: float, rate: float, steps: int, message: str) -> None:
    descent = descend(function, start, rate=rate, steps=steps)
    assert descent.diverged
    assert message in descent.stopped
    assert np.isfinite(descent.path).all()
    assert np.isfinite(descent.values).all()
    assert np.isfinite(descent.gradients).all()


@pytest.mark.parametrize(
    ("function", "start", "rate", "step"),
    [("log(x)", 1.0, 0.4, 2), ("sqrt(x)", 1.0, 4.0, 1), (lambda x: math.log(x), 1.0, 0.4, 2)],
)
def test_it_ends_where_it_leaves_the_domain(function: Any, start: float, rate: float, step: int) -> None:
    descent = descend(function, start, rate=rate, steps=100)
    assert (descent.left, descent.diverged, descent.steps) == (True, False, step - 1)
    assert descent.stopped == f"left the domain of J: step {step} leads to where J has no real value or no slope"
    assert np.isfinite(descent.path).all()


@pytest.mark.parametrize(("rate", "optimizer"), [(0.99, "sgd"), (1.0, "sgd"), (0.1, "momentum"), (0.5, "adam")])
def test_to_and_fro_is_not_divergence(rate: float, optimizer: str) -> None:
    for steps in range(1, 25):
        assert not descend("x**2", 1.0, rate=rate, optimizer=optimizer, steps=steps).diverged


def test_rows_of_a_table() -> None:
    descent = descend("x*y", (1, 2), rate=0.1, steps=3)
    assert descent.rows()[0] == (0, 1.0, 2.0, 2.0, 2.0, 1.0)
    assert [row[0] for row in descent.rows()] == [0, 1, 2, 3]
    assert [row[0] for row in descent.rows(2)] == [0, 3]
    assert [row[0] for row in descend("x**2", 0.0, rate=0.1, tolerance=1.0).rows()] == [0]
    assert repr(descent).startswith("Descent(J(x, y) = x*y, sgd(rate=0.1): 3 steps to (")
