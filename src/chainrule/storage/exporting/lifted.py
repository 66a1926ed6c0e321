"""Activations for export: lifted as the compiled engine lifts them, then written as a person would write them.

What is rewritten gives the same numbers: ``min(z, -z)`` is ``-|z|``, and erfcx(x) exp(-x^2), of which the first factor
is in no language's library, is erfc(x).
"""

from __future__ import annotations

import dataclasses
import keyword
from collections.abc import Mapping

import numpy as np

from chainrule.engines.compiled.graph import BIT, NUMBER, Graph, NotLiftable
from chainrule.engines.compiled.lifting import lift_activation
from chainrule.engines.compiled.rows import Program
from chainrule.engines.compiled.running import run
from chainrule.errors import UsageError
from chainrule.formulas import Activation

__all__ = ["Function", "lift", "rewrite"]

# Words that C, C++ or Python, or the functions that are written here, have a use of their own for.
TAKEN = {
    *keyword.kwlist,
    *(
        "a",
        "f",
        "k",
        "n",
        "x",
        "z",
        "np",
        "math",
        "auto",
        "bool",
        "case",
        "catch",
        "char",
        "const",
        "default",
        "delete",
    ),
    *(
        "do",
        "double",
        "enum",
        "explicit",
        "export",
        "extern",
        "false",
        "float",
        "friend",
        "goto",
        "inline",
        "int",
        "long",
    ),
    *("main", "mutable", "new", "operator", "private", "public", "register", "restrict", "short", "signed", "sizeof"),
    *(
        "static",
        "struct",
        "switch",
        "template",
        "this",
        "throw",
        "true",
        "typedef",
        "union",
        "unsigned",
        "using",
        "void",
    ),
    *("volatile", "NAN", "INFINITY"),
}


@dataclasses.dataclass(frozen=True)
class Function:
    """A function that an exported file defines.

    Args:
        name: what it is called.
        program: what it computes: one result, "rows", from one input or several.
        doc: one sentence, the formula.
        numbers: the usual value of each of its parameters.
    """

    name: str
    program: Program
    doc: str = ""
    numbers: Mapping[str, float] = dataclasses.field(default_factory=dict)

    @property
    def is_identity(self) -> bool:
        """Whether it gives what it is given."""
        return [node.op for node in self.program.nodes] == ["input"]


def lift(activation: Activation, N: int, single: bool) -> Function:
    """Lift an activation for rows of N numbers, under its own name.

    Args:
        activation: the record.
        N: how many numbers a row has.
        single: whether for float32, else float64.

    Raises:
        UsageError: where its value does what cannot be written down, such as an ``if``.

    >>> from chainrule.formulas import ACTIVATIONS
    >>> [node.op for node in lift(ACTIVATIONS["softplus"], 3, single=False).program.nodes]
    ['input', 'constant', 'maximum', 'absolute', 'negative', 'exp', 'log1p', 'add']
    """
    try:
        program = lift_activation(activation, N, single)
    except NotLiftable as reason:
        raise UsageError(
            "the activation {name!r} cannot be exported, since its value is no chain of NumPy operations that can be"
            " written down ({reason}); write it with np.where, np.maximum and the like instead of branches and loops",
            name=activation.name,
            reason=str(reason),
        ) from reason
    doc = (activation.value.__doc__ or "").strip().split("\n\n")[0].split("\n")[0]
    # Where a number decides which operations there are, it became part of the program.
    numbers = {name: float(activation.parameters[name]) for name in program.numbers}
    program = rewrite(program, numbers, single)
    return Function(activation.name, _renamed(program), doc, {_safe(name): x for name, x in numbers.items()})


def _safe(parameter: str) -> str:
    """Give a parameter a name that no language has a use of its own for."""
    return f"{parameter}_" if parameter in TAKEN else parameter


def _renamed(program: Program) -> Program:
    nodes = tuple(node._replace(value=_safe(str(node.value))) if node.op == "given" else node for node in program.nodes)
    return dataclasses.replace(program, nodes=nodes, numbers=tuple(map(_safe, program.numbers)))


def rewrite(program: Program, numbers: Mapping[str, float], single: bool) -> Program:
    """Give a program that computes the same and reads better.

    Args:
        program: what was lifted.
        numbers: a usual value of each number that it is given.
        single: whether it is for float32.
    """
    writer = _Rewriter(program, numbers, single)
    places: list[int] = []
    for node in program.nodes:
        places.append(writer.add(node.op, tuple(places[a] for a in node.args), node.type, node.extent, node.value))
    results = [places[k] for k in program.results]
    shorter = Program.of(writer.graph, results, program.inputs, (), program.outputs)
    return dataclasses.replace(shorter, numbers=tuple(numbers))


class _Rewriter:
    """Adds a program's nodes to a graph one by one, each in its best form."""

    def __init__(self, program: Program, numbers: Mapping[str, float], single: bool) -> None:
        self.graph, self.inputs, self.numbers, self.single = Graph(single), program.inputs, numbers, single

    def add(
        self, op: str, args: tuple[int, ...], type: str, extent: int, value: float | str | int | None = None
    ) -> int:
        """Give the place of this operation, or of one that does the same."""
        rule = getattr(self, f"_{op}", None)
        found: int | None = None if rule is None else rule(*args)
        return self.graph.node(op, args, type, extent, value) if found is None else found

    def _of(self, op: str, *args: int, type: str = NUMBER) -> int:
        extent = max(self.graph.nodes[k].extent for k in args)
        return self.add(op, args, type, extent)

    def _constant_of(self, k: int) -> float | None:
        node = self.graph.nodes[k]
        return float(node.value or 0.0) if node.op == "constant" else None

    def _inside(self, k: int, op: str) -> int | None:
        """Give the argument of a node of this operation."""
        node = self.graph.nodes[k]
        return node.args[0] if node.op == op else None

    def _round(self, x: int) -> int | None:
        # A language's own number takes the type of what it meets.
        return x if self.graph.nodes[x].op in ("given", "constant") else None

    _strong = _round

    def _fabs(self, x: int) -> int:
        return self._of("absolute", x)

    def _square(self, x: int) -> int:
        return self._of("multiply", x, x)

    def _exp2(self, x: int) -> int:
        return self._of("power", self.graph.constant(2.0, NUMBER), x)

    def _reciprocal(self, x: int) -> int:
        return self._of("divide", self.graph.constant(1.0, NUMBER), x)

    def _sign(self, x: int) -> int:
        zero = self.graph.constant(0.0, NUMBER)
        above, below = (self._of("indicator", self._of(op, x, zero, type=BIT)) for op in ("greater", "less"))
        return self._of("subtract", above, below)

    def _negative(self, x: int) -> int | None:
        """-(-x) is x, and -max(-x, -c) is min(x, c)."""
        if (inner := self._inside(x, "negative")) is not None:
            return inner
        node = self.graph.nodes[x]
        if node.op == "maximum":
            for a, b in (node.args, node.args[::-1]):
                inside, c = self._inside(a, "negative"), self._constant_of(b)
                if inside is not None and c is not None:
                    return self._of("minimum", inside, self.graph.constant(-c, NUMBER))
        return None

    def _minimum(self, x: int, y: int) -> int | None:
        """min(x, -x) is -|x|."""
        if x == self._inside(y, "negative") or y == self._inside(x, "negative"):
            return self._of("negative", self._of("absolute", min(x, y)))
        return None

    def _maximum(self, x: int, y: int) -> int | None:
        """max(x, -x) is |x|."""
        if x == self._inside(y, "negative") or y == self._inside(x, "negative"):
            return self._of("absolute", min(x, y))
        return None

    def _multiply(self, x: int, y: int) -> int | None:
        """c erfcx(u) exp(-u^2) is c erfc(u)."""
        for scaled, other in ((x, y), (y, x)):
            exponent = self._inside(other, "exp")
            if exponent is None:
                continue
            node = self.graph.nodes[scaled]
            factors = node.args if node.op == "multiply" else (scaled,)
            for k in factors:
                u = self._inside(k, "erfcx")
                if u is not None and self._is_minus_square(exponent, u):
                    rest = [factor for factor in factors if factor != k]
                    erfc = self._of("erfc", u)
                    return self._of("multiply", rest[0], erfc) if rest else erfc
        return None

    def _is_minus_square(self, exponent: int, u: int) -> bool:
        """Whether one node is minus the square of the other, found on a few numbers."""
        program = Program.of(self.graph, (exponent, u), self.inputs, (), ("rows", "rows"))
        dtype = np.dtype(np.float32 if self.single else np.float64)
        sample = np.linspace(-9, 9, 35, dtype=dtype)[:, np.newaxis]
        got, root = run(program, dict.fromkeys(self.inputs, sample), self.numbers)
        return bool(np.allclose(got, -root * root, rtol=1e-5 if self.single else 1e-13, atol=0))
