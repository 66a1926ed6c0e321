"""An ONNX graph that grows node by node, and formulas as its nodes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.engines.compiled.graph import ENTRY, REDUCTIONS, Node
from chainrule.engines.compiled.mathematics import ERFCX_32, ERFCX_64
from chainrule.errors import UsageError
from chainrule.storage.exporting.lifted import Function

__all__ = ["GraphBuilder"]

# Operations that ONNX has under another name.
NAMES = {
    "add": "Add",
    "subtract": "Sub",
    "multiply": "Mul",
    "divide": "Div",
    "power": "Pow",
    "maximum": "Max",
    "minimum": "Min",
    "negative": "Neg",
    "absolute": "Abs",
    "exp": "Exp",
    "log": "Log",
    "tanh": "Tanh",
    "sqrt": "Sqrt",
    "sin": "Sin",
    "cos": "Cos",
    "floor": "Floor",
    "ceil": "Ceil",
    "rint": "Round",
    "less": "Less",
    "less_equal": "LessOrEqual",
    "greater": "Greater",
    "greater_equal": "GreaterOrEqual",
    "equal": "Equal",
    "logical_and": "And",
    "logical_or": "Or",
    "logical_xor": "Xor",
    "logical_not": "Not",
    "where": "Where",
}


class GraphBuilder:
    """Collects the nodes and constants of a graph; every value is known by its name.

    Args:
        single: whether numbers are float32, else float64.
        taken: names that inputs have.
    """

    def __init__(self, single: bool, taken: Sequence[str] = ()) -> None:
        self.dtype: np.dtype[Any] = np.dtype(np.float32 if single else np.float64)
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self._taken = set(taken)
        self._known: dict[tuple[Any, ...], str] = {}

    def name(self, wanted: str) -> str:
        """Give a name that no other value has."""
        name, number = wanted, 2
        while name in self._taken:
            name, number = f"{wanted}_{number}", number + 1
        self._taken.add(name)
        return name

    def constant(self, value: Any, wanted: str = "", dtype: Any = None) -> str:
        """Add a constant, the same one only once; in the numbers' own type where no other is given."""
        from onnx import numpy_helper

        with np.errstate(over="ignore"):
            array = np.asarray(value, dtype=dtype or self.dtype)
        key = (array.dtype.str, array.shape, array.tobytes() if array.dtype.kind != "O" else tuple(array.tolist()))
        if key not in self._known:
            text = f"{float(array):g}" if array.ndim == 0 and array.dtype.kind == "f" else "constant"
            self._known[key] = self.name(wanted or text)
            self.constants.append(numpy_helper.from_array(array, self._known[key]))
        return self._known[key]

    def add(self, op: str, *inputs: str, to: str = "", domain: str | None = None, **attributes: Any) -> str:
        """Add a node and give the name of its result, ``to`` or one like it."""
        from onnx import helper

        result = self.name(to or op)
        self.nodes.append(helper.make_node(op, list(inputs), [result], name=result, domain=domain, **attributes))
        return result

    def cast(self, x: str, dtype: Any, to: str = "") -> str:
        """Turn a value into another number type."""
        from onnx import helper

        result = self.name(to or "Cast")
        kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        self.nodes.append(helper.make_node("Cast", [x], [result], name=result, to=kind))
        return result

    def call(self, function: Function, z: str, numbers: Mapping[str, float], N: int, to: str) -> str:
        """Add the nodes of a function of rows of N numbers.

        Raises:
            UsageError: for an operation that ONNX does not have.
        """
        done: list[str] = []
        program = function.program
        for k, node in enumerate(program.nodes):
            last = k == program.results[0]
            done.append(
                self._operation(function, node, [done[a] for a in node.args], z, numbers, N, to if last else "")
            )
        result = done[program.results[0]]
        if program.nodes[program.results[0]].extent < ENTRY:
            return self.add("Expand", result, self.add("Shape", z), to=to)
        return result

    def _operation(
        self, function: Function, node: Node, args: list[str], z: str, numbers: Mapping[str, float], N: int, to: str
    ) -> str:
        op = node.op
        if op == "input":
            return z
        if op == "constant":
            return self.constant(node.value)
        if op == "given":
            return self.constant(numbers[str(node.value)])
        if op in ("round", "strong"):
            return args[0]
        if op == "pick":
            return self.add("Gather", args[0], self.constant([int(node.value or 0)], dtype=np.int64), axis=1, to=to)
        if op in REDUCTIONS:
            return self._reduce(op, args[0], function.program.nodes[node.args[0]].extent, N, to)
        if op in NAMES:
            return self.add(NAMES[op], *args, to=to)
        if op == "not_equal":
            return self.add("Not", self.add("Equal", *args), to=to)
        composed = getattr(self, f"_{op}", None)
        if composed is None:
            raise UsageError(
                "the activation {name!r} cannot be exported to ONNX, which has no {operation!r}; export to numpy,"
                " python or c instead",
                name=function.name,
                operation=op,
            )
        result: str = composed(args[0], to)
        return result

    def _reduce(self, op: str, x: str, extent: int, N: int, to: str) -> str:
        if extent < ENTRY:  # equal numbers all along the row
            return x if op != "sum" else self.add("Mul", x, self.constant(N), to=to)
        if op == "sum":
            return self.add("ReduceSum", x, self.constant([1], dtype=np.int64), keepdims=1, to=to)
        return self.add({"max": "ReduceMax", "min": "ReduceMin"}[op], x, axes=[1], keepdims=1, to=to)

    def _indicator(self, x: str, to: str) -> str:
        return self.cast(x, self.dtype, to)

    # Where a result is near 0, these two are exact to its absolute size only: ONNX has no nodes for them.
    def _expm1(self, x: str, to: str) -> str:
        return self.add("Sub", self.add("Exp", x), self.constant(1), to=to)

    def _log1p(self, x: str, to: str) -> str:
        return self.add("Log", self.add("Add", self.constant(1), x), to=to)

    def _log2(self, x: str, to: str) -> str:
        return self.add("Div", self.add("Log", x), self.constant(math.log(2)), to=to)

    def _log10(self, x: str, to: str) -> str:
        return self.add("Div", self.add("Log", x), self.constant(math.log(10)), to=to)

    def _trunc(self, x: str, to: str) -> str:
        return self.add("Mul", self.add("Sign", x), self.add("Floor", self.add("Abs", x)), to=to)

    def _erfc(self, x: str, to: str) -> str:
        """1 - erf(x); for float64 by erfcx, since ONNX Runtime has Erf for float32 only."""
        if self.dtype == np.float32:
            return self.add("Sub", self.constant(1), self.add("Erf", x), to=to)
        size = self.add("Abs", x)
        below = self.add("Exp", self.add("Neg", self.add("Mul", size, size)))
        right = self.add("Mul", below, self._erfcx_right(size))
        left = self.add("Sub", self.constant(2), right)
        return self.add("Where", self.add("Less", x, self.constant(0)), left, right, to=to)

    def _erfcx(self, x: str, to: str) -> str:
        """exp(x^2) erfc(x); for x < 0 it is 2 exp(x^2) less the same for -x."""
        right = self._erfcx_right(self.add("Abs", x))
        near = self.add("Min", x, self.constant(0))
        whole = self.add("Mul", self.constant(2), self.add("Exp", self.add("Mul", near, near)))
        left = self.add("Sub", whole, right)
        return self.add("Where", self.add("Less", x, self.constant(0)), left, right, to=to)

    def _erfcx_right(self, x: str) -> str:
        """exp(x^2) erfc(x) for x >= 0: (1/2 + t P(2 t - 1)) / (x + 1/2) with t = x / (x + K), as the engine has it."""
        K, P = (3.0, ERFCX_32) if self.dtype == np.float32 else (3.5, ERFCX_64)
        held = self.add("Min", x, self.constant(1e18))
        t = self.add("Div", held, self.add("Add", held, self.constant(K)))
        q = self.add("Sub", self.add("Mul", self.constant(2), t), self.constant(1))
        p = self.constant(P[-1])
        for c in reversed(P[:-1]):
            p = self.add("Add", self.constant(c), self.add("Mul", p, q))
        above = self.add("Add", self.constant(0.5), self.add("Mul", t, p))
        return self.add("Div", above, self.add("Add", self.constant(0.5), held))
