"""Programs as expressions: operators with as few brackets as the language needs, and names for what is used twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain

from chainrule.engines.compiled.graph import COMPARISONS, ENTRY, REDUCTIONS, Node
from chainrule.engines.compiled.rows import Program

__all__ = ["Dialect", "Printer", "choose_names", "is_leaf"]

# How tightly what is written holds together; an operand that holds less tightly than it must is put in brackets.
CHOICE, OR, AND, NOT, COMPARISON, SUM, PRODUCT, SIGN, POWER, ATOM = range(10)

HINTS = {"exp": "e", "tanh": "t", "sum": "total", "max": "largest", "min": "smallest", "absolute": "size"}
SPARE = ("u", "v", "w", "p", "q", "r", "s")


@dataclass(frozen=True)
class Dialect:
    """How a language writes operations.

    Args:
        number: writes a constant; where the second argument is false, so that it cannot be taken for a whole number.
        calls: by operation, the function that is called, or a template with ``{0}`` for its argument.
        operators: by operation, its text and how tightly it holds, for those that not all languages write alike.
        choice: the template of "c ? a : b", with ``{0}``, ``{1}`` and ``{2}``; or None where it is a call.
        width: how many numbers the row ``{0}`` has.
        whole: whether arithmetic takes whole numbers for what they are, ``1 + e``.
        guards: by operation, the function that is called where the language's own would raise an error.
    """

    number: Callable[[float, bool], str]
    calls: Mapping[str, str]
    operators: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    choice: str | None = None
    width: str = ""
    whole: bool = True
    guards: Mapping[str, str] = field(default_factory=dict)


SHARED: dict[str, tuple[str, int]] = {
    "add": ("+", SUM),
    "subtract": ("-", SUM),
    "multiply": ("*", PRODUCT),
    "divide": ("/", PRODUCT),
    **{op: (text, COMPARISON) for op, text in COMPARISONS.items()},
}


def is_leaf(program: Program, k: int) -> bool:
    """Whether a node is so short that it is written again wherever it is used."""
    node = program.nodes[k]
    return node.op in ("input", "constant", "given") or (node.op == "negative" and is_leaf(program, node.args[0]))


def choose_names(program: Program, taken: Collection[str], named: Callable[[int, int], bool]) -> dict[int, str]:
    """Give a name to each node that deserves a variable.

    Args:
        program: what is written.
        taken: names that mean something already.
        named: whether a node that is used so many times is given one.

    >>> from chainrule.formulas import ACTIVATIONS
    >>> from chainrule.storage.exporting.lifted import lift
    >>> choose_names(lift(ACTIVATIONS["sigmoid"], 1, single=False).program, {"z"}, lambda k, uses: uses > 1)
    {3: 'e'}
    """
    uses = Counter(argument for node in program.nodes for argument in node.args)
    names: dict[int, str] = {}
    used = {*taken, *program.inputs, *program.numbers}
    for k, node in enumerate(program.nodes):
        if is_leaf(program, k) or not named(k, uses[k]):
            continue
        hint = [HINTS[node.op]] if node.op in HINTS else []
        name = next(name for name in chain(hint, SPARE, _numbered()) if name not in used)
        names[k] = name
        used.add(name)
    return names


def _numbered() -> Iterator[str]:
    number = 1
    while True:
        yield f"u{number}"
        number += 1


class Printer:
    """Writes the nodes of a program in a language.

    Args:
        program: whose nodes.
        dialect: the language.
        names: by node, the variable that holds it.
        guarded: nodes whose operation might raise an error.
        element: what one entry of a row is called, by the row's name; None where operations take whole rows.

    >>> from chainrule.formulas import ACTIVATIONS
    >>> from chainrule.storage.exporting.dialects import NUMPY
    >>> from chainrule.storage.exporting.lifted import lift
    >>> relu = lift(ACTIVATIONS["relu"], 1, single=False).program
    >>> Printer(relu, NUMPY, {})[relu.results[0]]
    'np.maximum(z, 0.0)'
    """

    def __init__(
        self,
        program: Program,
        dialect: Dialect,
        names: Mapping[int, str],
        guarded: Collection[int] = (),
        element: Callable[[str], str] | None = None,
    ) -> None:
        self.program, self.dialect, self.names = program, dialect, dict(names)
        self.guarded, self.element = guarded, element

    def __getitem__(self, k: int) -> str:
        """Write a node, by its name where it has one."""
        return self._write(k)[0]

    def definition(self, k: int) -> str:
        """Write a node without its own name: what its variable is set to."""
        return self._operation(k)[0]

    def at(self, k: int, index: str) -> str:
        """Write what a node is for a certain entry of the row."""
        return self._at_index(k, index)._write(k)[0]

    def _at_index(self, k: int, index: str) -> Printer:
        return Printer(self.program, self.dialect, self.names, self.guarded, lambda name: f"{name}[{index}]")

    def _write(self, k: int, exact: bool = False) -> tuple[str, int]:
        """Give the text of a node and how tightly it holds; ``exact`` numbers show that they are no whole ones."""
        node = self.program.nodes[k]
        if k in self.names or node.op in ("input", "given"):
            name = self.names.get(k) or str(node.value)
            return self.element(name) if self.element and node.extent == ENTRY else name, ATOM
        if node.op == "constant":
            text = self.dialect.number(float(node.value or 0.0), self.dialect.whole and not exact)
            return text, SIGN if text.startswith("-") else ATOM
        return self._operation(k)

    def _at(self, k: int, level: int) -> str:
        text, own = self._write(k)
        return text if own >= level else f"({text})"

    def _operation(self, k: int) -> tuple[str, int]:
        node, dialect = self.program.nodes[k], self.dialect
        op, args = node.op, node.args
        if k in self.guarded:
            return self._call(dialect.guards[op], op, args)
        if op in ("where", "indicator") and dialect.choice is not None:
            return self._choice(op, args)
        if op in REDUCTIONS and self.program.nodes[args[0]].extent < ENTRY:
            return self._reduction_of_equals(op, args[0])
        if op == "pick":
            return self._pick(node)
        if op in dialect.calls:
            return self._call(dialect.calls[op], op, args)
        if op in ("round", "strong"):
            return self._write(args[0])
        return self._operator(op, args)

    def _operator(self, op: str, args: tuple[int, ...]) -> tuple[str, int]:
        if op == "negative":
            return f"-{self._at(args[0], SIGN + 1)}", SIGN
        text, level = {**SHARED, **self.dialect.operators}[op]
        if op == "logical_not":
            return f"{text}{self._at(args[0], level)}", level
        if op in ("add", "multiply"):
            args = self._in_order(op, args)
        if op == "add" and (taken := self._taken_off(args[1])) is not None:
            return f"{self._at(args[0], SUM)} - {taken}", SUM
        strict = level <= COMPARISON  # a < b < c and a or b and c would be read in other ways, or with doubts
        return f"{self._at(args[0], level + strict)} {text} {self._at(args[1], level + 1)}", level

    def _call(self, function: str, op: str, args: tuple[int, ...]) -> tuple[str, int]:
        exact = op in ("where", "maximum", "minimum")
        if function.startswith("{0}"):
            return function.format(self._at(args[0], ATOM)), ATOM
        texts = [self._write(k, exact)[0] for k in args]
        return function.format(*texts) if "{" in function else f"{function}({', '.join(texts)})", ATOM

    def _choice(self, op: str, args: tuple[int, ...]) -> tuple[str, int]:
        parts = [self._write(k, exact=True) for k in args]
        if op == "indicator":
            parts += [(self.dialect.number(x, False), ATOM) for x in (1.0, 0.0)]
        assert self.dialect.choice is not None
        return self.dialect.choice.format(*(text if own > CHOICE else f"({text})" for text, own in parts)), CHOICE

    def _reduction_of_equals(self, op: str, k: int) -> tuple[str, int]:
        """Write a sum of equal numbers as a product; the largest or smallest of them is any one of them."""
        if op != "sum":
            return self._write(k)
        width = self.dialect.width.format(self.program.inputs[0])
        return f"{width} * {self._at(k, PRODUCT + 1)}", PRODUCT

    def _pick(self, node: Node) -> tuple[str, int]:
        if self.element is not None:
            return self._at_index(node.args[0], str(node.value))._write(node.args[0])
        return self.dialect.calls["pick"].format(
            self._at(node.args[0], ATOM), node.value, int(node.value or 0) + 1
        ), ATOM

    def _in_order(self, op: str, args: tuple[int, ...]) -> tuple[int, ...]:
        """Put numbers first, 1 + e and 2 * x; but what is taken off last, x - 1."""
        if op == "add" and self._taken_off(args[1]) is not None:
            return args
        if op == "add" and self._taken_off(args[0]) is not None:
            return args[::-1]
        rank = [self._rank(op, k) for k in args]
        return args if rank[0] <= rank[1] else args[::-1]

    def _rank(self, op: str, k: int) -> int:
        """Say how far in front a term or factor stands: u * u * u needs no brackets, u * (u * u) does."""
        if k not in self.names and self.program.nodes[k].op == op:
            return 2
        return {"constant": 0, "given": 1}.get(self.program.nodes[k].op, 3)

    def _taken_off(self, k: int) -> str | None:
        """Write y where a node is -y and nobody named it so: what would be added then is subtracted."""
        node = self.program.nodes[k]
        if k in self.names:
            return None
        if node.op == "negative":
            return self._at(node.args[0], PRODUCT)
        text = self._write(k)[0] if node.op == "constant" else ""
        return text[1:] if text.startswith("-") else None
