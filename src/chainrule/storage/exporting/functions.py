"""Functions as source: one definition for a formula, in NumPy or in plain Python."""

from __future__ import annotations

import dataclasses
import textwrap
from collections.abc import Callable, Collection
from typing import TypeAlias

from chainrule.engines.compiled.graph import COLUMN, ENTRY, REDUCTIONS, Node
from chainrule.engines.compiled.rows import Program
from chainrule.storage.exporting.bounds import may_fail
from chainrule.storage.exporting.dialects import NUMPY, PYTHON
from chainrule.storage.exporting.lifted import Function
from chainrule.storage.exporting.literals import WIDTH
from chainrule.storage.exporting.printing import Dialect, Printer, choose_names, is_leaf

__all__ = [
    "goes_over_a_row",
    "hoisted",
    "numpy_function",
    "plain_text",
    "python_function",
    "short_lines",
    "uses",
]

# Names that mean something else in a file, or would be read so.
TAKEN = {"np", "math", "k", "n", "a", "x", "f"}

# Reductions where rows become single numbers.
FLAT = {name: f"np.{name}({{0}}, axis=1)" for name in ("sum", "max", "min")}

Names: TypeAlias = dict[int, str]
# What is written of a node.
Statements: TypeAlias = list[tuple[int, str]]


def uses(function: Function) -> set[str]:
    """Give the operations of a function, and ``guarded NAME`` for those that plain Python must guard.

    >>> from chainrule.formulas import ACTIVATIONS
    >>> from chainrule.storage.exporting.lifted import lift
    >>> sorted(uses(lift(ACTIVATIONS["tanh"], 1, single=False)))
    ['input', 'tanh']
    """
    nodes = function.program.nodes
    guarded = {f"guarded {nodes[k].op}" for k in may_fail(function.program, function.numbers)}
    return {node.op for node in nodes} | guarded


def numpy_function(function: Function, dialect: Dialect = NUMPY, width: int = WIDTH) -> list[str]:
    r"""Write a function of arrays, of shape (m, N); it gives another one, or one number a row, shape (m,).

    Args:
        function: what to write.
        dialect: how operations are written.
        width: how long a line may be.

    >>> from chainrule.formulas import ACTIVATIONS
    >>> from chainrule.storage.exporting.lifted import lift
    >>> lines = numpy_function(lift(ACTIVATIONS["sigmoid"], 1, single=False))
    >>> print(lines[0], *lines[4:], sep="\n")
    def sigmoid(z):
        e = np.exp(np.minimum(z, 80.0))
        return e / (1 + e)
    """
    program = function.program
    result, kind = program.results[0], program.outputs[0]
    rejoins = _rejoins(program)
    if kind == "column" and not rejoins:
        dialect = dataclasses.replace(dialect, calls={**dialect.calls, **FLAT})

    def write(names: Names) -> Statements:
        printer = Printer(program, dialect, names)
        value = printer[result]
        if kind == "column":
            value += "[:, 0]" * rejoins
        elif program.nodes[result].extent < ENTRY:
            value = f"np.full_like({program.inputs[0]}, {value})"
        return [*((k, f"{name} = {printer.definition(k)}") for k, name in names.items()), (result, f"return {value}")]

    named = {result} if kind == "column" and rejoins else set()
    return _python_definition(function, short_lines(program, named, write, width), width)


def _rejoins(program: Program) -> bool:
    """Whether what there is once in a row meets its entries again, and so must stay a column."""
    entries = (node for node in program.nodes if node.extent == ENTRY)
    return any(program.nodes[k].extent == COLUMN for node in entries for k in node.args)


def python_function(function: Function) -> list[str]:
    r"""Write a function of one number; or of a row of them, where the numbers of a row depend on each other.

    >>> from chainrule.formulas import ACTIVATIONS
    >>> from chainrule.storage.exporting.lifted import lift
    >>> print(*python_function(lift(ACTIVATIONS["softmax"], 3, single=False))[4:], sep="\n")
        largest = max(z)
        e = [math.exp(z_k - largest) for z_k in z]
        total = sum(e)
        return [e_k / total for e_k in e]
    """
    program = function.program
    guarded = may_fail(program, function.numbers)
    if not program.elementwise:
        body = short_lines(program, hoisted(program), lambda names: _python_row(program, names, guarded))
        return _python_definition(function, body)

    def write(names: Names) -> Statements:
        printer = Printer(program, PYTHON, names, guarded)
        result = program.results[0]
        lines = [(k, f"{name} = {printer.definition(k)}") for k, name in names.items()]
        return [*lines, (result, f"return {printer[result]}")]

    return _python_definition(function, short_lines(program, set(), write))


def _python_definition(function: Function, body: list[str], width: int = WIDTH) -> list[str]:
    numbers = [f"{name}={value!r}" for name, value in function.numbers.items()]
    head = f"def {function.name}({', '.join([*function.program.inputs, *numbers])}):"
    return [head, *(f"    {line}" for line in [*_docstring(function.doc, width), *body])]


def _docstring(doc: str, width: int) -> list[str]:
    """Write a docstring, within the width of a file."""
    if not doc:
        return []
    first, *more = textwrap.wrap(plain_text(doc), width - 7)
    return [f'"""{first}', *more, '"""'] if more or len(first) > width - 10 else [f'"""{first}"""']


def plain_text(text: str) -> str:
    r"""Make a text safe within a docstring or a comment, in Python and in C.

    >>> plain_text('a */ b \\ "c"')
    "a * / b / 'c'"
    """
    for bad, good in (("\\", "/"), ('"', "'"), ("*/", "* /"), ("/*", "/ *"), ("//", "/ /"), ("??", "? ?")):
        text = text.replace(bad, good)
    return "".join(c if c.isprintable() else " " for c in text)


def short_lines(
    program: Program, named: Collection[int], write: Callable[[Names], Statements], width: int = WIDTH
) -> list[str]:
    """Write statements, and name parts of those that are too long for a line until they are not.

    Args:
        program: what is written.
        named: nodes that have a name in any case, besides those that are used twice.
        write: gives the statements, each with the node that it writes, for a choice of names.
        width: how long a line may be.
    """
    named = set(named)
    while True:
        names = choose_names(program, TAKEN, lambda k, count: count > 1 or k in named)
        lines = write(names)
        long = [k for k, text in lines if len(text) > width - 4]
        pieces = [piece for k in long for piece in _pieces(program, names, k)]
        if not pieces:
            return [text for _, text in lines]
        named.add(pieces[0])


def _pieces(program: Program, names: Names, k: int) -> list[int]:
    """Give the arguments of a node that could have a name of their own, the largest first."""

    def size(place: int) -> int:
        return 0 if place in names else 1 + sum(map(size, program.nodes[place].args))

    arguments = [a for a in program.nodes[k].args if a not in names and not is_leaf(program, a)]
    return sorted(arguments, key=size, reverse=True)


def hoisted(program: Program) -> set[int]:
    """Give the nodes that have to be found before the entries of a row are gone through."""
    found = {
        argument
        for node in program.nodes
        for argument in node.args
        if (node.extent == ENTRY or node.op in REDUCTIONS) and program.nodes[argument].extent == COLUMN
    }
    found |= {k for k in program.results if program.nodes[k].extent == COLUMN}
    return found | {k for k, node in enumerate(program.nodes) if goes_over_a_row(program, node)}


def goes_over_a_row(program: Program, node: Node) -> bool:
    """Whether a node is a sum, or the like, of entries that differ."""
    return node.op in REDUCTIONS and program.nodes[node.args[0]].extent == ENTRY


def _rows_in(program: Program, names: Collection[int], k: int) -> list[int]:
    """Give the rows that a node's own expression is made of: inputs and named entries, in order."""
    found: set[int] = set()

    def visit(place: int, top: bool) -> None:
        node = program.nodes[place]
        if node.extent < ENTRY:
            return
        if node.op == "input" or (place in names and not top):
            found.add(place)
            return
        for argument in node.args:
            visit(argument, False)

    visit(k, True)
    return sorted(found)


def _python_row(program: Program, names: Names, guarded: Collection[int]) -> Statements:
    printer = Printer(program, PYTHON, names, guarded, element=lambda name: f"{name}_k")

    def entries(k: int, text: str) -> str:
        """Write "text for each entry", over the rows that it needs."""
        rows = [names.get(place) or str(program.nodes[place].value) for place in _rows_in(program, names, k)]
        if not rows:
            return f"{text} for _ in {program.inputs[0]}"
        if len(rows) == 1:
            return f"{text} for {rows[0]}_k in {rows[0]}"
        return f"{text} for {', '.join(f'{row}_k' for row in rows)} in zip({', '.join(rows)})"

    def whole_row(k: int) -> str | None:
        node = program.nodes[k]
        return names.get(k) or (str(node.value) if node.op == "input" else None)

    def definition(k: int) -> str:
        node = program.nodes[k]
        if goes_over_a_row(program, node):
            row = whole_row(node.args[0])
            return f"{node.op}({row or entries(node.args[0], printer[node.args[0]])})"
        return f"[{entries(k, printer.definition(k))}]" if node.extent == ENTRY else printer.definition(k)

    result = program.results[0]
    lines = [(k, f"{name} = {definition(k)}") for k, name in names.items()]
    return [*lines, (result, f"return {whole_row(result) or '[' + entries(result, printer[result]) + ']'}")]
