"""Pages for the tests: random equations, and one page that has every kind of block."""

from __future__ import annotations

import math
from typing import Any

from hypothesis import strategies as st

from chainrule.explain.expressions import (
    BigSum,
    Call,
    Dot,
    Expr,
    Negative,
    Number,
    Power,
    Quotient,
    Ref,
    Rest,
    Sum,
    children,
)
from chainrule.explain.names import COST, Name, slope_of
from chainrule.explain.page import Equation, Grid, Heading, Page, Prose
from chainrule.language import Message

# Functions of any number, of numbers that are not below 0, and of numbers that exp can take.
ANYWHERE = (
    "sigmoid",
    "tanh",
    "abs",
    "sign",
    "Phi",
    "phi",
    "gelu",
    "gelu'",
    "relu",
    "relu'",
    "leaky_relu",
    "elu'",
    "selu",
)
ANYWHERE += ("softplus", "silu'", "mish", "mish'", "gelu_tanh", "gelu_tanh'", "step")


def ref(symbol: str, value: float, *index: int, layer: int | None = 1) -> Ref:
    return Ref(Name(symbol, layer, index), value)


def known(function: str, argument: Expr) -> Expr:
    """A call of one of the catalogue's activations, which brings its value along."""
    from chainrule.explain.expressions import FUNCTIONS
    from chainrule.explain.writing.evaluating import _from_catalogue

    if function in FUNCTIONS:
        return Call(function, (argument,))
    found = _from_catalogue(function)
    assert found is not None, function
    return Call(function, (argument,), found(argument.value))


def has_value(expr: Expr) -> bool:
    """Whether all of it can be computed: nothing is divided by 0, and no power is beyond all numbers."""
    try:
        return not math.isnan(expr.value) and all(map(has_value, children(expr)))
    except (OverflowError, ZeroDivisionError, TypeError, ValueError):
        return False


def floats() -> st.SearchStrategy[float]:
    """Numbers of many magnitudes, and those that are written short."""
    mantissas = st.floats(1, 10, exclude_max=True)
    scaled = st.builds(lambda m, e, s: s * m * 10.0**e, mantissas, st.integers(-12, 9), st.sampled_from((-1, 1)))
    usual = st.floats(-3, 3, allow_subnormal=False)
    return (
        usual | scaled | st.sampled_from((0.0, 0.05, 0.1, -0.5, 1.0, 0.4, -2.0, 1e-8, 0.30000000000000004, 1e7, 784.0))
    )


def leaves() -> st.SearchStrategy[Expr]:
    refs = st.builds(lambda value, i: ref("a", value, i), floats(), st.integers(0, 9))
    return refs | st.sampled_from((Number(2.0), Number(0.5), Number(1.0), Number(-1.0), Number(1e-8)))


def composed(inner: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
    several = st.lists(inner, min_size=2, max_size=4)
    numbers = st.builds(lambda value: ref("x", value, 0), floats())
    pairs = st.lists(st.tuples(numbers, numbers), min_size=1, max_size=4)
    rests = st.none() | st.builds(Rest, st.integers(1, 2000), floats())
    return (
        st.builds(lambda terms: Sum(tuple(terms)), several)
        | st.builds(lambda terms, rest: Sum((*terms, rest)), several, st.builds(Rest, st.integers(1, 2000), floats()))
        | st.builds(lambda factors: math.prod(factors[1:], start=factors[0]), several)  # type: ignore[call-overload]
        | st.builds(Negative, inner)
        | st.builds(Quotient, inner, inner)
        | st.builds(lambda base, n: Power(base, Number(float(n))), inner, st.integers(-2, 3))
        | st.builds(lambda x: Call("exp", (Negative(Call("tanh", (x,))),)), inner)
        | st.builds(lambda x: Call("exp", (x,)), inner)
        | st.builds(lambda x: Call("sqrt", (Call("abs", (x,)),)), inner)
        | st.builds(lambda x: Call("ln", (1 + x**2,)), inner)
        | st.builds(lambda x: Call("max", (Number(0.0), x)), inner)
        | st.builds(known, st.sampled_from(ANYWHERE), numbers)
        | st.builds(lambda some, rest: Dot(Name("W", 1, (0, ":")), Name("x"), tuple(some), rest), pairs, rests)
    )


def equations() -> st.SearchStrategy[Equation]:
    """Equations whose result is what floats make of them."""
    whole = composed(st.recursive(leaves(), composed, max_leaves=5)).filter(has_value)
    return whole.map(lambda expr: Equation(Ref(Name("z", 1, (0,))), (expr,), expr.value))


def every_block(label: Any = "a & b", notation: str = "index") -> Page:
    """A page with every kind of block, and a text that a user gave in each of them."""
    delta, a = ref("delta", 0.138498561629, 0, layer=2), ref("a", 0.593269992107, 0)
    w = Name("W", 2, (0, 0))
    slope = Ref(slope_of(COST, w))
    total = BigSum("k", Ref(Name("delta", 2, ("k",))) * Ref(Name("W", 2, ("k", 0))))
    return Page(
        Message("Where {number} of {label} comes from", number=slope.name, label=label),
        (
            Heading(Message("Class {label}", label=label)),
            Prose(Message("The rate {eta} is {rate} for {label}.", eta=Name("eta"), rate=0.5, label=label)),
            Equation(slope, (delta * a,), 0.082167040564, because=Message("the class is {label}", label=label)),
            Equation(ref("delta", math.nan, 0), (total,), 0.25, level=1),
            Grid(
                (Message("weight"), label, Name("eta")),
                ((w, 0.4, Message("of {label}", label=label)), (w.after(), 0.35891648, label)),
                Message("All of {label}.", label=label),
            ),
        ),
        notation=notation,
        sizes=(2, 2, 2),
        data={"label": label, "number": 0.1, "none": math.nan},
    )
