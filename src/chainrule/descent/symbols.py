"""What SymPy sees in a function, and how people write it. SymPy itself is imported when a function is first read."""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule.descent.expressions import FUNCTIONS, Expression
from chainrule.errors import MissingExtra, UsageError
from chainrule.formulas import Array

__all__ = ["latex_of", "read_python", "read_symbols", "readable", "symbols_in_latex", "work_out"]

_GREEK = [
    "alpha",
    "beta",
    "gamma",
    "delta",
    "epsilon",
    "zeta",
    "eta",
    "theta",
    "iota",
    "kappa",
    "lambda",
    "mu",
    "nu",
    "xi",
    "omicron",
    "pi",
    "rho",
    "sigma",
    "tau",
    "upsilon",
    "phi",
    "chi",
    "psi",
    "omega",
]
_LETTERS = dict(zip(_GREEK, "αβγδεζηθικλμνξοπρστυφχψω", strict=True))
_RAISED, _LOWERED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"), str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
_PIECE = re.compile(
    r"(?P<name>[^\W\d_]+)(?P<index>\d*)(?!\w)|(?P<number>\d[\d.]*(?:[eE][+-]?\d+)?)"
    r"|\s*\*\*\s*(?P<power>\d+)(?![\d.]|\s*\*\*)|(?P<sign>\*\*|\*|-)"
)


def readable(text: str) -> str:
    """Write a formula in Unicode, without stars and with Greek letters.

    >>> readable("3*theta1**2 - pi"), readable("exp(-x)**12"), readable("x**2**y"), readable("1e-5*x**0.5")
    ('3·θ₁² − π', 'exp(−x)¹²', 'x^2^y', '1e-5·x^0.5')
    """

    def replace(piece: re.Match[str]) -> str:
        if piece["name"]:
            return _LETTERS.get(piece["name"], piece["name"]) + piece["index"].translate(_LOWERED)
        if piece["power"]:
            return piece["power"].translate(_RAISED)
        return piece["number"] or {"**": "^", "*": "·", "-": "−"}[piece["sign"]]

    return _PIECE.sub(replace, re.sub(r"\s*(\*\*|\*)\s*", r"\1", text.replace("^", "**")))


def read_symbols(expression: Expression, names: tuple[str, ...]) -> tuple[Any, list[Any]]:
    """Give SymPy's tree of a formula, and those of its derivatives by these variables.

    Raises:
        UsageError: for a formula that has no finite real value anywhere, or whose variables cancel.
        MissingExtra: where SymPy is not installed.
    """
    sympy = _sympy()
    symbols = {name: sympy.Symbol(name, real=True) for name in names}
    named = {**symbols, "pi": sympy.pi, "e": sympy.E}

    def number(value: float) -> Any:
        return sympy.Integer(value) if isinstance(value, int) else sympy.Float(value)

    try:
        tree = expression.fold(named, _functions(), number)
        slopes = [tree.diff(symbol) for symbol in symbols.values()]
    except (ArithmeticError, TypeError, ValueError, RecursionError):  # as for cosh of an infinity
        tree, slopes = sympy.nan, []
    if not _is_real(tree):
        raise UsageError("{text!r} is nowhere a finite real number, or cannot be derived", text=expression.text)
    if not tree.free_symbols:
        raise UsageError("{text!r} is the same number everywhere, so nothing can descend on it", text=expression.text)
    return tree, slopes


def read_python(function: Callable[..., Any], names: tuple[str, ...]) -> tuple[Any, list[Any]] | None:
    """Give the same for a Python function, None where SymPy cannot tell or is not installed."""
    try:
        sympy = _sympy()
        symbols = [sympy.Symbol(name, real=True) for name in names]
        tree = function(*symbols)
        known = isinstance(tree, sympy.Expr) and tree.free_symbols and _is_real(tree)
        return (tree, [tree.diff(symbol) for symbol in symbols]) if known else None
    except Exception:  # whatever may go wrong in a function that was written for numbers
        return None


def latex_of(tree: Any) -> str:
    """Write a tree of SymPy in LaTeX."""
    return _sympy().latex(tree)


def symbols_in_latex(names: tuple[str, ...]) -> tuple[str, ...]:
    """Write variables in LaTeX, such as theta1 with an index."""
    return tuple(_sympy().latex(_sympy().Symbol(name)) for name in names)


def _sympy() -> Any:
    try:
        import sympy
    except ImportError:
        raise MissingExtra.of("the derivative of a formula", "SymPy", "lessons") from None
    return sympy


@functools.cache
def _functions() -> dict[str, Any]:
    """Give what each function is for symbols."""
    sympy = _sympy()

    def slope(self: Any, argindex: int = 1) -> Any:
        return sympy.sign(self.args[0])

    def latex(self: Any, printer: Any, exp: str | None = None) -> str:
        shown = rf"\left|{{{printer.doprint(self.args[0])}}}\right|"
        return shown if exp is None else f"{shown}^{{{exp}}}"

    # SymPy's own Abs allows for complex numbers, which makes its derivative long or leaves it open.
    size = type("abs", (sympy.Function,), {"nargs": 1, "fdiff": slope, "_latex": latex})
    return {name: getattr(sympy, name) for name in FUNCTIONS if name != "abs"} | {"abs": size}


def _is_real(tree: Any) -> bool:
    sympy = _sympy()
    return not tree.has(sympy.zoo, sympy.nan, sympy.oo, sympy.I)


_OF_TREES: dict[str, Callable[..., Any]] = {
    **FUNCTIONS,
    "Add": lambda *parts: sum(parts),
    "Mul": lambda *parts: math.prod(parts),
    "Pow": np.power,
    "Abs": np.abs,
    "sign": np.sign,
    # What SymPy makes of tan(x + pi/2) and the like.
    "cot": lambda x: 1 / np.tan(x),
    "coth": lambda x: 1 / np.tanh(x),
}


def work_out(trees: list[Any], names: tuple[str, ...], point: Array) -> npt.NDArray[np.float64]:
    """Work SymPy's trees out at a point, with NumPy's functions.

    Raises:
        KeyError: for a function that is not in the table.
    """
    places = dict(zip(names, point, strict=True))

    def at(tree: Any) -> Any:
        if tree.is_Symbol:
            return places[tree.name]
        if not tree.args:
            return np.float64(tree) if tree.is_extended_real else np.nan
        return _OF_TREES[type(tree).__name__](*map(at, tree.args))

    with np.errstate(all="ignore"):
        return np.array([at(tree) for tree in trees], dtype=np.float64)
