"""Functions of one or two variables with their gradient, typed as a formula or written in Python."""

from __future__ import annotations

import inspect
import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from chainrule.descent.expressions import CONSTANTS, FUNCTIONS, Expression, read_expression
from chainrule.descent.symbols import latex_of, read_python, read_symbols, readable, symbols_in_latex, work_out
from chainrule.errors import ShapeError, UsageError
from chainrule.formulas import Array

__all__ = ["Function"]

_MOST_VARIABLES = 2
_SMALL = 1e-30  # the complex step loses nothing, however small it is
_STEP = np.cbrt(np.finfo(np.float64).eps)  # where the two errors of a central difference balance
_AGREE = 1e-4


@dataclass(frozen=True, eq=False)
class Function:
    """A function J of one or two variables, with its gradient. `Function.of` makes one.

    Args:
        variables: their names.
        text: the formula as it was typed or as SymPy writes it, else the name of the Python function.
        latex: the formula in LaTeX; empty where SymPy does not know it.
        gradient_text: the derivative by each variable, as text; empty where SymPy does not know it.
        gradient_latex: the same in LaTeX.
        symbols_latex: the variables in LaTeX.
        value: takes points of shape (..., variables) to values of shape (...); nan where there is no real one.
        gradient: takes one point, shape (variables,), to the gradient there, of the same shape.

    >>> f = Function.of("x**2 * y")
    >>> f.variables, f.gradient_text, float(f.value(np.array([3.0, 2.0])))
    (('x', 'y'), ('2*x*y', 'x**2'), 18.0)
    """

    variables: tuple[str, ...]
    text: str
    latex: str
    gradient_text: tuple[str, ...]
    gradient_latex: tuple[str, ...]
    symbols_latex: tuple[str, ...]
    value: Callable[[Array], Array] = field(repr=False)
    gradient: Callable[[Array], Array] = field(repr=False)

    @classmethod
    def of(
        cls,
        function: str | Callable[..., Any] | Function,
        variables: Sequence[str] = (),
        *,
        gradient: Callable[..., Any] | None = None,
    ) -> Function:
        """Make a function from a formula or from a Python function, with the gradient that SymPy finds.

        A Python function is called with SymPy's symbols. Where it cannot take them, or SymPy not its answer, the
        derivative is taken at each point by a complex step, else by a central difference.

        Args:
            function: such as ``"theta1**2 + theta2**2"`` (see `read_expression`), or a Python function of one or two
                numbers.
            variables: their names, in order; by default those in the formula in alphabetical order, or the names that
                the Python function has for them.
            gradient: a Python function that gives the derivative by each variable, where SymPy is not to find it.

        Raises:
            UsageError: for what is no such function.
            MissingExtra: for a formula, where SymPy is not installed.
        """
        if isinstance(function, Function):
            return function
        if isinstance(function, str):
            made = _from_text(read_expression(function), _names(variables))
        elif callable(function):
            made = _from_python(function, _names(variables) or _names(_arguments(function)))
        else:
            raise UsageError(
                "the function is {function!r}; expected a text such as 'theta**2', or a Python function",
                function=function,
            )
        return made if gradient is None else _with_gradient(made, gradient)

    @property
    def symbols(self) -> tuple[str, ...]:
        """The variables as people write them: θ₁ for theta1."""
        return tuple(map(readable, self.variables))

    @property
    def readable(self) -> str:
        """The formula as people write it: θ² for theta**2."""
        return readable(self.text) if self.latex else self.text

    @property
    def equations(self) -> tuple[str, str]:
        """The formula and its derivatives as one line, in Unicode and in LaTeX; without them where SymPy has none.

        >>> Function.of("theta**2").equations[0]
        'J(θ) = θ²,   dJ/dθ = 2·θ'
        """
        d, latex_d = ("d", "d") if len(self.variables) == 1 else ("∂", r"\partial ")
        parts, latex = [f"J({', '.join(self.symbols)}) = {self.readable}"], []
        if self.latex:
            latex.append(rf"J({', '.join(self.symbols_latex)}) = {self.latex}")
        for symbol, slope in zip(self.symbols, self.gradient_text, strict=False):
            parts.append(f"{d}J/{d}{symbol} = {readable(slope)}")
        for symbol, slope in zip(self.symbols_latex, self.gradient_latex, strict=False):
            latex.append(rf"\frac{{{latex_d}J}}{{{latex_d}{symbol}}} = {slope}")
        return ",   ".join(parts), r", \qquad ".join(latex)

    def __str__(self) -> str:
        return f"J({', '.join(self.variables)}) = {self.text}"


def _names(given: Sequence[str]) -> tuple[str, ...]:
    names = (given,) if isinstance(given, str) else tuple(given)
    for name in names:
        if not isinstance(name, str) or not name.isidentifier() or name in CONSTANTS or name in FUNCTIONS:
            raise UsageError("{name!r} cannot name a variable; take a name such as x or theta1", name=name)
    if len(names) > _MOST_VARIABLES or len(set(names)) < len(names):
        raise UsageError(
            "the variables are {names}; expected one, or two different ones", names=", ".join(map(str, names))
        )
    return names


def _arguments(function: Callable[..., Any]) -> tuple[str, ...]:
    """Give the names of what a Python function must be given."""
    try:
        given = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        given = ()  # type: ignore[assignment]  # a function written in C may say nothing
    needed = tuple(
        each.name for each in given if each.kind <= each.POSITIONAL_OR_KEYWORD and each.default is each.empty
    )
    if not 1 <= len(needed) <= _MOST_VARIABLES:
        raise UsageError(
            "the Python function takes {count} numbers as far as can be seen; expected one or two: name them with "
            "variables=, such as variables=('x', 'y')",
            count=len(needed),
        )
    return needed


def _from_text(expression: Expression, variables: tuple[str, ...]) -> Function:
    names = variables or expression.variables
    if strange := [name for name in expression.variables if name not in names]:
        raise UsageError(
            "{text!r} has {strange} in it, which is none of the variables {names}",
            text=expression.text,
            strange=", ".join(strange),
            names=", ".join(names),
        )
    if not expression.variables:
        raise UsageError("{text!r} has no variable in it, so nothing can descend on it", text=expression.text)
    _names(names)
    tree, slopes = read_symbols(expression, names)

    def called(*point: Any) -> Any:
        return expression.fold(dict(zip(names, point, strict=True)))

    def value(points: Array) -> Array:
        with np.errstate(all="ignore"):
            return np.broadcast_to(called(*np.moveaxis(points, -1, 0)), points.shape[:-1])

    return _described(expression.text, tree, slopes, names, value, called)


def _from_python(function: Callable[..., Any], names: tuple[str, ...]) -> Function:
    def value(points: Array) -> Array:
        flat = [_called(function, point) for point in points.reshape(-1, len(names))]
        return np.array(flat).reshape(points.shape[:-1])

    read = read_python(function, names)
    if read is not None:
        return _described(str(read[0]), *read, names, value, function)

    def numerical(point: Array) -> Array:
        return _numerical(function, value, point)

    name = getattr(function, "__name__", type(function).__name__)
    return Function(names, "f" if name == "<lambda>" else name, "", (), (), (), value, numerical)


def _described(
    text: str,
    tree: Any,
    slopes: list[Any],
    names: tuple[str, ...],
    value: Callable[[Array], Array],
    function: Callable[..., Any],
) -> Function:
    """Make a function with the gradient that SymPy found."""

    def gradient(point: Array) -> Array:
        # What SymPy saw may be one branch of the function only, or have in it what only SymPy can work out.
        try:
            seen, g = work_out([tree], names, point)[0], work_out(slopes, names, point)
        except KeyError:
            return _numerical(function, value, point)
        agree = np.isclose(seen, value(point), rtol=1e-9, atol=1e-12)
        return g if agree else _numerical(function, value, point)

    return Function(
        names,
        text,
        latex_of(tree),
        tuple(map(str, slopes)),
        tuple(map(latex_of, slopes)),
        symbols_in_latex(names),
        value,
        gradient,
    )


def _with_gradient(made: Function, gradient: Callable[..., Any]) -> Function:
    def given(point: Array) -> Array:
        answer = np.asarray(gradient(*point), dtype=np.float64).reshape(-1)
        if len(answer) != len(made.variables):
            raise ShapeError(
                "the gradient has {count} numbers; expected {expected}, the derivative by each of {names}",
                count=len(answer),
                expected=len(made.variables),
                names=", ".join(made.variables),
            )
        return answer

    return replace(made, gradient_text=(), gradient_latex=(), gradient=given)


def _called(function: Callable[..., Any], point: Any) -> float:
    """Give the value at one point, nan where there is no real one, infinity where it is too large."""
    try:
        with np.errstate(all="ignore"):
            answer = np.asarray(function(*point), dtype=np.complex128)
    except OverflowError:  # too large a number is still one
        return math.inf
    except (ArithmeticError, ValueError):  # Python's way to say that a number is outside the domain
        return math.nan
    except TypeError as error:
        raise _no_number(point, str(error)) from error
    if answer.size != 1:
        raise _no_number(point, f"{answer.size} numbers")
    number = answer.item()
    return number.real if number.imag == 0 else math.nan


def _no_number(point: Any, reason: str) -> UsageError:
    return UsageError(
        "the function gave no number at ({point}): {reason}",
        point=", ".join(f"{float(x):g}" for x in point),
        reason=reason,
    )


def _numerical(function: Callable[..., Any], value: Callable[[Array], Array], point: Array) -> Array:
    return np.array([_derivative(function, value, point, k) for k in range(len(point))])


def _derivative(function: Callable[..., Any], value: Callable[[Array], Array], point: Array, k: int) -> float:
    """Give the derivative by variable k.

    A complex step gives it exactly where the function is made for complex numbers, and then it agrees with a central
    difference; where it does not, the difference counts.
    """
    h = _STEP * max(1.0, abs(point[k]))
    around = np.stack([point, point])
    around[:, k] += (-h, h)
    low, high = value(around)
    with np.errstate(all="ignore"):
        difference = float((high - low) / (around[1, k] - around[0, k]))
    shifted = point.astype(np.complex128)
    shifted[k] += 1j * _SMALL
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # whoever drops the imaginary part is found below
            exact = float(np.imag(np.asarray(function(*shifted)).item()) / _SMALL)
    except (ArithmeticError, TypeError, ValueError):
        return difference
    return exact if abs(exact - difference) <= _AGREE * max(1.0, abs(difference)) else difference
