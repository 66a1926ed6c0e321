"""Between which bounds a program's numbers stay, since Python's `math` raises errors where NumPy gives inf or NaN."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from itertools import product

from chainrule.engines.compiled.rows import Program

__all__ = ["Bounds", "bounds_of", "may_fail"]

Bounds = tuple[float, float]

ANY: Bounds = (-math.inf, math.inf)
LARGEST = 700.0  # exp of more may overflow
MONOTONE: dict[str, Callable[[float], float]] = {
    "exp": lambda x: math.exp(x) if x < LARGEST else math.inf,
    "expm1": lambda x: math.expm1(x) if x < LARGEST else math.inf,
    "tanh": math.tanh,
    "log1p": lambda x: math.log1p(x) if x > -1 else -math.inf,
    "log": lambda x: math.log(x) if x > 0 else -math.inf,
    "sqrt": lambda x: math.sqrt(x) if x > 0 else 0.0,
}
FIXED: dict[str, Bounds] = {"indicator": (0, 1), "erfc": (0, 2), "sin": (-1, 1), "cos": (-1, 1)}


def may_fail(program: Program, numbers: Mapping[str, float]) -> set[int]:
    """Give the nodes whose operation has no finite result for some finite input.

    >>> from chainrule.formulas import ACTIVATIONS
    >>> from chainrule.storage.exporting.lifted import lift
    >>> may_fail(lift(ACTIVATIONS["softmax"], 3, single=False).program, {})
    set()
    """
    bounds = bounds_of(program, numbers)
    found = set()
    for k, node in enumerate(program.nodes):
        ranges = [bounds[a] for a in node.args]
        low, high = ranges[-1] if ranges else ANY
        fails = {
            "exp": high > LARGEST,
            "expm1": high > LARGEST,
            "log": low <= 0,
            "log2": low <= 0,
            "log10": low <= 0,
            "log1p": low <= -1,
            "sqrt": low < 0,
            "divide": low <= 0 <= high,
        }
        if fails.get(node.op, False):
            found.add(k)
    return found


def bounds_of(program: Program, numbers: Mapping[str, float]) -> list[Bounds]:
    """Give for each node between which numbers its results lie, as far as its arguments' bounds tell."""
    found: list[Bounds] = []
    for k, node in enumerate(program.nodes):
        args = [found[a] for a in node.args]
        if node.op in ("constant", "given"):
            value = float(node.value if node.op == "constant" else numbers[str(node.value)])  # type: ignore[arg-type]
            found.append((value, value) if value == value else ANY)
        elif node.op in FIXED:
            found.append(FIXED[node.op])
        else:
            same = len(set(node.args)) < len(node.args)
            found.append(_together(program, k) or _scaled_square(program, k, found) or _of(node.op, args, same))
    return found


def _together(program: Program, k: int) -> Bounds | None:
    """What softmax rests on: z - max z is never above 0, and the sum of its exponentials never below 1."""
    nodes = program.nodes
    node = nodes[k]
    if node.op == "subtract" and nodes[node.args[1]].op == "max" and nodes[node.args[1]].args[0] == node.args[0]:
        return -math.inf, 0.0
    if node.op == "sum" and nodes[node.args[0]].op == "exp" and _together(program, nodes[node.args[0]].args[0]):
        return 1.0, math.inf
    return None


def _scaled_square(program: Program, k: int, found: list[Bounds]) -> Bounds | None:
    """Give the bounds of (c x) x, which has the sign of c."""
    nodes = program.nodes
    if nodes[k].op != "multiply":
        return None
    for x, scaled in (nodes[k].args, nodes[k].args[::-1]):
        inner = nodes[scaled]
        if inner.op == "multiply" and x in inner.args and len(set(inner.args)) == 2:
            (c,) = set(inner.args) - {x}
            return _of("multiply", [found[c], _of("multiply", [found[x], found[x]], same=True)], same=False)
    return None


def _of(op: str, args: list[Bounds], same: bool) -> Bounds:
    if not args:
        return ANY
    (a, b), (c, d) = args[0], args[-1]
    match op:
        case "add":
            return a + c, b + d
        case "subtract":
            return a - d, b - c
        case "negative":
            return -b, -a
        case "multiply" if same:
            return (0.0 if a <= 0 <= b else min(a * a, b * b)), max(a * a, b * b)
        case "multiply":
            return _spanned([_times(x, y) for x, y in product((a, b), (c, d))])
        case "divide" if not c <= 0 <= d:
            return _spanned([_times(x, 1 / y) for x, y in product((a, b), (c, d))])
        case "absolute":
            return (0.0 if a <= 0 <= b else min(abs(a), abs(b))), max(abs(a), abs(b))
        case "maximum":
            return max(a, c), max(b, d)
        case "minimum":
            return min(a, c), min(b, d)
        case "where":
            (low, high), (other_low, other_high) = args[1:]
            return min(low, other_low), max(high, other_high)
        case "sum":
            return (a if a >= 0 else -math.inf), (b if b <= 0 else math.inf)
        case "max" | "min" | "pick" | "round" | "strong":
            return a, b
        case _ if op in MONOTONE:
            return MONOTONE[op](a), MONOTONE[op](b)
    return ANY


def _times(x: float, y: float) -> float:
    return 0.0 if x == 0 or y == 0 else x * y


def _spanned(ends: list[float]) -> Bounds:
    return min(ends), max(ends)
