"""Formulas that people type: read by a list of what may stand in one, and never run as code.

Python's own parser makes a tree of the text; what is in the tree must be on the list, or the text is refused. `fold`
then works the tree out, with numbers, arrays or symbols, whatever the variables stand for.
"""

from __future__ import annotations

import ast
import math
import operator
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from chainrule.errors import UnknownName, UsageError

__all__ = ["CONSTANTS", "FUNCTIONS", "Expression", "read_expression"]

FUNCTIONS: dict[str, Callable[..., Any]] = {
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "asin": np.arcsin,
    "acos": np.arccos,
    "atan": np.arctan,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "tanh": np.tanh,
    "exp": np.exp,
    "log": np.log,
    "sqrt": np.sqrt,
    "abs": np.abs,
}
CONSTANTS = {"pi": math.pi, "e": math.e}

_OPERATORS: dict[type, Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
}

# Short texts can ask for endless work, as 9**9**9**9 does; these bounds make every text that is read quick to work out.
_LONGEST, _DEEPEST = 300, 60
_HIGHEST_POWER = 100
_LARGEST_CONSTANT = 1e100
_MOST_DIGITS = 300
# Such as 2*pi/3. Longer constants become a number at once: what is exact about them costs symbols too much time.
_EXACT = 3


class _Size(NamedTuple):
    """What is known of a part before it is worked out.

    Args:
        value: its value where it has no variable in it, else None.
        digits: about how many digits its exact numbers have.
        operations: how many operations it takes.
        largest: the largest constant in it.
        tower: whether it has a power with a variable in its exponent.
    """

    value: float | None
    digits: float = 0.0
    operations: int = 0
    largest: float = 0.0
    tower: bool = False


@dataclass(frozen=True)
class Expression:
    """A formula that was read and found harmless.

    Args:
        text: as it was typed.
        variables: the names in it that are no constants, in alphabetical order.
        tree: its syntax tree.
        constants: the value of each part that is a long constant.
    """

    text: str
    variables: tuple[str, ...]
    tree: ast.expr
    constants: Mapping[ast.expr, float]

    def fold(
        self,
        names: Mapping[str, Any],
        functions: Mapping[str, Callable[..., Any]] = FUNCTIONS,
        number: Callable[[Any], Any] = np.float64,
    ) -> Any:
        """Work the formula out.

        Args:
            names: what each variable and constant stands for: numbers, arrays or symbols.
            functions: what each of `FUNCTIONS` is for them.
            number: what a written number becomes.

        >>> read_expression("theta**2 + 1").fold({"theta": np.array([0.0, 3.0])}).tolist()
        [1.0, 10.0]
        """

        def at(node: ast.expr) -> Any:
            if node in self.constants:
                return number(self.constants[node])
            match node:
                case ast.Constant():
                    return number(node.value)
                case ast.Name():
                    return names[node.id] if node.id in names else number(CONSTANTS[node.id])
                case ast.UnaryOp():
                    return _OPERATORS[type(node.op)](at(node.operand))
                case ast.BinOp():
                    return _OPERATORS[type(node.op)](at(node.left), at(node.right))
                case ast.Call(func=ast.Name(id=name)):
                    return functions[name](at(node.args[0]))
            raise AssertionError(node)  # read_expression lets nothing else through

        return at(self.tree)


def read_expression(text: str) -> Expression:
    """Read a formula such as ``"theta**2"``; ``^`` means a power, too.

    Args:
        text: numbers, names, ``+ - * / **``, brackets, the constants pi and e, and a call of one of `FUNCTIONS`.

    Raises:
        UsageError: for anything else; the message names the piece. Nothing of the text is ever run.

    >>> read_expression("x^2 + sin(y)").variables
    ('x', 'y')
    >>> read_expression("__import__('os')")
    Traceback (most recent call last):
      ...
    chainrule.errors.UnknownName: unknown function '__import__'. Known: sin, cos, tan, ...
    """
    if len(text) > _LONGEST:
        raise UsageError(
            "the function has {count:,} characters; at most {most} are read. A longer one can be given as a Python "
            "function",
            count=len(text),
            most=_LONGEST,
        )
    source = text.strip().replace("^", "**")
    tree = _parse(source, text)
    judge = _Judge(source)
    with np.errstate(all="ignore"):
        judge.size(tree, 1)
    return Expression(text.strip(), tuple(sorted(judge.names)), tree, judge.constants)


def _parse(source: str, text: str) -> ast.expr:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Python's opinion on code that is none
            return ast.parse(source, mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        raise UsageError(
            "{text!r} cannot be read as a function; write products with *, powers with **, every bracket in pairs, "
            "such as 2*theta**2 or exp(-x) + y",
            text=text,
        ) from None


class _Judge:
    """Holds a tree to the list and the bounds, and collects its variables and its long constants.

    Args:
        source: the text that the tree was made of.
    """

    def __init__(self, source: str) -> None:
        self.source = source
        self.names: set[str] = set()
        self.constants: dict[ast.expr, float] = {}

    def size(self, node: ast.expr, depth: int) -> _Size:
        """Judge one part and all in it."""
        piece = ast.get_source_segment(self.source, node) or self.source
        if depth > _DEEPEST:
            raise UsageError("the function is nested more than {most} deep, at {piece!r}", most=_DEEPEST, piece=piece)
        parts = [self.size(part, depth + 1) for part in _parts(node, piece)]
        if isinstance(node, ast.Name):
            if node.id not in CONSTANTS:
                self.names.add(node.id)
            return _Size(CONSTANTS.get(node.id))
        if isinstance(node, ast.Constant):
            value = _as_float(node.value)
            return _bounded(_Size(value, digits=len(piece), largest=abs(value)), piece)
        found = _bounded(_combined(node, parts, piece), piece)
        if found.value is not None and found.operations > _EXACT:
            self.constants[node] = found.value
            return found._replace(digits=17.0)
        return found


def _combined(node: ast.expr, parts: list[_Size], piece: str) -> _Size:
    """Give the size of an operation or a call by those of its parts."""
    values = [part.value for part in parts]
    digits, operations = sum(part.digits for part in parts), 1 + sum(part.operations for part in parts)
    largest, tower = max(part.largest for part in parts), any(part.tower for part in parts)
    power = isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow)
    if power:
        digits = parts[0].digits * _power(parts[0], parts[1], piece) + parts[1].digits
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div) and values[1] == 0:
        raise UsageError("{piece!r} divides by 0", piece=piece)
    known = [np.float64(value) for value in values if value is not None]
    if len(known) < len(values):
        raised = (power and values[1] is None) or (isinstance(node, ast.Call) and piece.startswith("exp"))
        return _Size(None, digits, operations, largest, tower or raised)
    function = FUNCTIONS[node.func.id] if isinstance(node, ast.Call) else _OPERATORS[type(node.op)]  # type: ignore[attr-defined]
    value = float(function(*known))
    if power and value == 0 and known[0] != 0:
        value = math.ulp(0.0)
    return _Size(value, digits, operations, max(largest, abs(value)))


def _parts(node: ast.expr, piece: str) -> Iterator[ast.expr]:
    """Give the parts of one part, or refuse it."""
    match node:
        case ast.Name(id=name) if name in FUNCTIONS:
            raise UsageError("{name} is a function; write what it is of in brackets: {name}(x)", name=name)
        case ast.Name():
            return
        case ast.Constant(value=value) if isinstance(value, (int, float)) and not isinstance(value, bool):
            return
        case ast.UnaryOp(op=ast.USub() | ast.UAdd(), operand=operand):
            yield operand
        case ast.BinOp(op=op, left=left, right=right) if type(op) in _OPERATORS:
            yield from (left, right)
        case ast.Call(func=ast.Name(id=name)) if name not in FUNCTIONS:
            raise UnknownName.among("function", name, FUNCTIONS)
        case ast.Call(func=ast.Name(id=name), args=[only], keywords=[]) if not isinstance(only, ast.Starred):
            yield only
        case ast.Call(func=ast.Name(id=name)):
            raise UsageError("{piece!r}: {name} is of one number: {name}(x)", piece=piece, name=name)
        case _:
            raise UsageError(
                "{piece!r} cannot stand in a function; what can: numbers, names, + - * / **, brackets, pi, e and the "
                "functions {known}",
                piece=piece,
                known=", ".join(FUNCTIONS),
            )


def _as_float(value: Any) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _power(base: _Size, exponent: _Size, piece: str) -> float:
    """Give by how much a power multiplies digits; hold it to what symbols can do in a short time."""
    if exponent.value is None and (base.tower or exponent.tower):
        raise UsageError(
            "{piece!r} is a power of powers with variables in the exponents, which takes too long to derive",
            piece=piece,
        )
    value = exponent.largest if exponent.value is None else abs(exponent.value)
    if value > _HIGHEST_POWER:
        raise UsageError(
            "{piece!r}: the power is {power:g}; at most {most} can be worked out",
            piece=piece,
            power=value if exponent.value is None else exponent.value,
            most=_HIGHEST_POWER,
        )
    return max(1.0, value)


def _bounded(size: _Size, piece: str) -> _Size:
    value = size.value or 0.0
    if math.isnan(value):
        raise UsageError("{piece!r} is not a real number", piece=piece)
    if not math.isfinite(value):
        raise UsageError("{piece!r} is infinite, or too large a number to work with", piece=piece)
    far = value != 0 and not 1 / _LARGEST_CONSTANT <= abs(value) <= _LARGEST_CONSTANT
    if far or size.digits > _MOST_DIGITS:
        raise UsageError("{piece!r} is too large or too small a number to work with", piece=piece)
    return size
