"""Every slope is the derivative of its value: proven by SymPy, for the very functions that the package runs.

``Lifted`` is an array of SymPy expressions on which the formulas run as they stand, because NumPy asks it what
``np.exp`` or ``np.where`` should mean. Beside each expression it carries a number, the value at one point, and that
number decides every comparison. So the expression that comes out is the one that holds all around the point, and the
points are chosen so that every branch is taken.
"""

from __future__ import annotations

import dataclasses
import itertools
import operator
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import sympy
from scipy import special as scipy_special

from chainrule.formulas import CATALOGUES, LOSSES, Activation, Formula, Loss, Penalty, activations, special
from chainrule.formulas.catalogue import ACTIVATIONS

LOST = sympy.Rational(1, 10**30)  # far below the rounding of any float beside 1; what sigmoid leaves where it holds exp

# Numbers in the formulas that stand for something that no float is.
CONSTANTS = {
    special.SQRT_2: sympy.sqrt(2),
    activations.SQRT_2PI: sympy.sqrt(2 * sympy.pi),
    activations.SQRT_2_OVER_PI: sympy.sqrt(2 / sympy.pi),
}

MEANING: dict[Any, Callable[..., Any]] = {
    np.add: operator.add,
    np.subtract: operator.sub,
    np.multiply: operator.mul,
    np.true_divide: operator.truediv,
    np.power: operator.pow,
    np.negative: operator.neg,
    np.exp: sympy.exp,
    np.expm1: lambda x: sympy.exp(x) - 1,
    np.log: sympy.log,
    np.log1p: lambda x: sympy.log(1 + x),
    np.sqrt: sympy.sqrt,
    np.square: lambda x: x**2,
    np.tanh: sympy.tanh,
    np.sinh: sympy.sinh,
    np.cosh: sympy.cosh,
    np.sin: sympy.sin,
    np.cos: sympy.cos,
    np.arctan: sympy.atan,
    scipy_special.erf: sympy.erf,
    scipy_special.erfc: sympy.erfc,
    scipy_special.erfcx: lambda x: sympy.exp(x * x) * sympy.erfc(x),
}
COMPARISONS = {np.less, np.less_equal, np.greater, np.greater_equal, np.equal, np.not_equal}


def exact(x: Any) -> sympy.Expr:
    """The number that a float in a formula stands for, such as sqrt 2, 2/3 or 0.044715."""
    if isinstance(x, sympy.Expr):
        return x
    for number, meaning in {1.0: sympy.Integer(1), **CONSTANTS}.items():
        ratio = Fraction(float(x) / number).limit_denominator(10**6)
        if float(ratio) * number == float(x):
            return sympy.Rational(ratio) * meaning
    return sympy.Rational(float(x))


exactly = np.frompyfunc(exact, 1, 1)


class Lifted(np.lib.mixins.NDArrayOperatorsMixin):
    """An array of SymPy expressions, with their values at one point."""

    def __init__(self, at: Any, entries: Any) -> None:
        self.at = np.asarray(at, dtype=float)
        self.entries = np.broadcast_to(np.asarray(exactly(entries), dtype=object), self.at.shape)
        self.shape, self.ndim = self.at.shape, self.at.ndim

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        return self.entries

    def __getitem__(self, key: Any) -> Lifted:
        return Lifted(self.at[key], self.entries[key])

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **settings: Any) -> Any:
        if (ufunc, method) == (np.add, "reduce"):
            return FUNCTIONS[np.sum](*inputs, **settings)
        assert method == "__call__", f"{ufunc.__name__}.{method} has no symbolic counterpart here: add one"
        assert not settings, f"{ufunc.__name__} with {settings}"
        numbers = [values_of(x) for x in inputs]
        at = ufunc(*numbers)
        if ufunc in COMPARISONS:
            return at
        if ufunc is np.sign:
            return Lifted(at, at)
        entries = [entries_of(x) for x in inputs]
        if ufunc in (np.maximum, np.minimum):
            assert np.all(numbers[0] != numbers[1]), "the point lies on a kink"
            return Lifted(at, np.where(np.equal(at, numbers[0]), *entries))
        assert ufunc in MEANING, f"{ufunc.__name__} has no symbolic counterpart here: add one to MEANING"
        return Lifted(at, np.frompyfunc(MEANING[ufunc], ufunc.nin, 1)(*entries))

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        assert function in FUNCTIONS, f"{function.__name__} has no symbolic counterpart here: add one to FUNCTIONS"
        return FUNCTIONS[function](*args, **kwargs)


def values_of(x: Any) -> np.ndarray:
    return x.at if isinstance(x, Lifted) else np.asarray(x, dtype=float)


def entries_of(x: Any) -> np.ndarray:
    return exactly(x.entries if isinstance(x, Lifted) else x)


def lifted_sort(z: Lifted, axis: int) -> Lifted:
    order = np.argsort(z.at, axis=axis)
    return Lifted(np.take_along_axis(z.at, order, axis), np.take_along_axis(z.entries, order, axis))


FUNCTIONS: dict[Any, Callable[..., Any]] = {
    np.where: lambda c, x, y: Lifted(
        np.where(c, values_of(x), values_of(y)), np.where(np.asarray(c, dtype=bool), entries_of(x), entries_of(y))
    ),
    np.sum: lambda z, axis, keepdims=False: Lifted(
        np.sum(z.at, axis=axis, keepdims=keepdims), np.sum(z.entries, axis=axis, keepdims=keepdims)
    ),
    np.max: lambda z, axis, keepdims: lifted_sort(z, axis)[..., -1:],
    np.sort: lifted_sort,
    np.iscomplexobj: lambda z: False,
    np.ones_like: lambda z: Lifted(np.ones(z.shape), 1),
    np.zeros_like: lambda z: Lifted(np.zeros(z.shape), 0),
}


def symbols(name: str, at: Any) -> Lifted:
    """An array of real symbols name0, name1, … that have these values at the point."""
    at = np.asarray(at, dtype=float)
    names = [sympy.Symbol(f"{name}{i}", real=True) for i in range(at.size)]
    return Lifted(at, np.array(names, dtype=object).reshape(at.shape))


def parameters_of(formula: Formula) -> dict[str, Lifted]:
    """A formula's own numbers as positive symbols."""
    return {n: Lifted(x, sympy.Symbol(n, positive=True)) for n, x in formula.parameters.items()}


def is_zero(expression: sympy.Expr, point: dict[sympy.Symbol, sympy.Float]) -> bool:
    """Whether SymPy shows that this is 0, or a constant that is lost in rounding."""
    if abs(expression.subs(point).evalf(60)) > (1e-40 if expression.free_symbols else LOST):
        return False  # not even at the point: spares SymPy a long search
    expression = sympy.cancel(sympy.together(expression.rewrite(sympy.exp)))
    if expression != 0:
        expression = sympy.simplify(expression)
    if expression != 0 and not expression.free_symbols:
        return bool(abs(expression.evalf(60)) < LOST)
    return bool(expression == 0)


def point_of(*arrays: Lifted) -> dict[sympy.Symbol, sympy.Float]:
    return {
        entry: sympy.Float(at, 60)
        for array in arrays
        for entry, at in zip(array.entries.flat, array.at.flat, strict=True)
        if isinstance(entry, sympy.Symbol)
    }


def assert_faithful(array: Any, point: dict[sympy.Symbol, sympy.Float]) -> None:
    """What SymPy gives for the expressions at the point is what NumPy gave on the way."""
    for entry, at in zip(entries_of(array).flat, values_of(array).flat, strict=True):
        assert float(entry.subs(point)) == pytest.approx(at, rel=1e-11, abs=1e-13)


def prove(value: Any, slopes: Any, by: Lifted, *others: Lifted) -> None:
    """Show that slopes[i] is the derivative of the value (of its i-th entry, if it has several) by the i-th symbol."""
    point = point_of(by, *others)
    assert_faithful(value, point)
    assert_faithful(slopes, point)
    whole = entries_of(value).ravel()
    for i, (x, slope) in enumerate(zip(by.entries.flat, entries_of(slopes).flat, strict=True)):
        part = whole[i] if len(whole) > 1 else whole[0]
        assert is_zero(sympy.diff(part, x) - slope, point), f"the derivative of {part} by {x} is not {slope}"


POINTS = (-50.0, -0.5, 0.7, 50.0)
ROWS = ((-3.0, 0.2, 2.5), (0.3, -0.4, -1.7), (-60.0, 50.0, 0.1))
TARGETS = (0.2, 0.5, 0.3)


def claims() -> Iterator[Any]:
    """Every formula of the catalogue that has a slope, at every point: what runs the proof."""
    for record in itertools.chain.from_iterable(catalogue.values() for catalogue in CATALOGUES):
        if isinstance(record, Activation) and record.slope is not None:
            yield from (pytest.param(record, prove_activation, at, id=f"{record.name}-at-{at:g}") for at in POINTS)
        elif isinstance(record, Activation) and record.pullback is not None:
            yield from (pytest.param(record, prove_pullback, row, id=f"{record.name}-at-{row}") for row in ROWS)
        elif isinstance(record, Loss):
            yield from (pytest.param(record, prove_loss, row, id=f"{record.name}-at-{row}") for row in ROWS)
        elif isinstance(record, Penalty) and record.slope is not None:
            yield from (pytest.param(record, prove_penalty, at, id=f"{record.name}-at-{at:g}") for at in POINTS)


def prove_activation(record: Activation, at: float) -> None:
    z, parameters = symbols("z", [at]), parameters_of(record)
    a = record.value(z, **parameters)
    prove(a, record.slope(z, a, **parameters), z, *parameters.values())


def prove_pullback(record: Activation, row: tuple[float, ...]) -> None:
    z, g, parameters = symbols("z", [row]), symbols("g", [[0.3, -1.1, 0.7]]), parameters_of(record)
    a = record.value(z, **parameters)
    prove(np.sum(a * g, axis=-1), record.pullback(z, a, g, **parameters), z, g, *parameters.values())


def prove_loss(record: Loss, row: tuple[float, ...]) -> None:
    y, parameters = symbols("y", [TARGETS]), parameters_of(record)
    if record.targets == "distribution":
        y.entries = np.array([[*y.entries[0, :2], 1 - y.entries[0, 0] - y.entries[0, 1]]])
    if record.slope is not None:
        a = symbols("a", np.add([row], [TARGETS]))
        prove(record.value(a, y, **parameters), record.slope(a, y, **parameters), a, y, *parameters.values())
    for name, pair in record.pairs.items():
        z = symbols("z", [row])
        slope = pair.slope(z, ACTIVATIONS[name].f(z), y, **parameters)
        prove(pair.value(z, y, **parameters), slope, z, y, *parameters.values())


def prove_penalty(record: Penalty, at: float) -> None:
    w, parameters = symbols("w", [at]), parameters_of(record)
    prove(record.value(w, **parameters), record.slope(w, **parameters), w, *parameters.values())


@pytest.mark.parametrize(("record", "prove_it", "at"), list(claims()))
def test_slope_is_the_derivative_of_the_value(record: Formula, prove_it: Callable[..., None], at: Any) -> None:
    prove_it(record, at)


@pytest.mark.parametrize(("number", "meaning"), CONSTANTS.items())
def test_constant_is_what_it_stands_for(number: float, meaning: sympy.Expr) -> None:
    assert number == float(meaning.evalf(40))


@pytest.mark.parametrize(
    "slope",
    [
        lambda z, a: a * (1 + a),
        lambda z, a: -a * (1 - a),
        lambda z, a: 2 * a * (1 - a),
        lambda z, a: z * (1 - z),
        lambda z, a: a * (1 - a) + 1e-9,
        lambda z, a: a * (1 - 1.000001 * a),
    ],
)
def test_wrong_slope_of_the_sigmoid_is_not_proven(slope: Callable[..., Any]) -> None:
    wrong = dataclasses.replace(ACTIVATIONS["sigmoid"], slope=slope)
    with pytest.raises(AssertionError, match="the derivative of"):
        prove_activation(wrong, 0.7)


def test_wrong_pair_and_wrong_pullback_are_not_proven() -> None:
    entropy = LOSSES["categorical_cross_entropy"]
    pair = dataclasses.replace(entropy.pairs["softmax"], slope=lambda z, a, y: (a - y) / 3)
    with pytest.raises(AssertionError, match="the derivative of"):
        prove_loss(dataclasses.replace(entropy, pairs={"softmax": pair}), ROWS[0])
    elementwise = dataclasses.replace(ACTIVATIONS["softmax"], pullback=lambda z, a, g: a * (1 - a) * g)
    with pytest.raises(AssertionError, match="the derivative of"):
        prove_pullback(elementwise, ROWS[0])
