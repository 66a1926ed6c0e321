"""Functions as source: one definition for a formula, in NumPy, in plain Python or in C."""

from __future__ import annotations

import textwrap
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from chainrule.engines.compiled.graph import COLUMN, ENTRY, REDUCTIONS, Node
from chainrule.engines.compiled.rows import Program
from chainrule.storage.exporting.bounds import may_fail
from chainrule.storage.exporting.dialects import NUMPY, PYTHON, c_dialect, c_number
from chainrule.storage.exporting.lifted import Function
from chainrule.storage.exporting.literals import WIDTH
from chainrule.storage.exporting.printing import Printer, choose_names

__all__ = ["c_function", "numpy_function", "plain_text", "python_function", "uses"]


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


def numpy_function(function: Function) -> list[str]:
    r"""Write a function of arrays.

    >>> from chainrule.formulas import ACTIVATIONS
    >>> from chainrule.storage.exporting.lifted import lift
    >>> lines = numpy_function(lift(ACTIVATIONS["sigmoid"], 1, single=False))
    >>> print(lines[0], *lines[4:], sep="\n")
    def sigmoid(z):
        e = np.exp(np.minimum(z, 80.0))
        return e / (1 + e)
    """
    program = function.program
    names = choose_names(program, _taken(), lambda k, count: count > 1)
    printer = Printer(program, NUMPY, names)
    result = program.results[0]
    value = printer[result]
    if program.nodes[result].extent < ENTRY:
        value = f"np.full_like({program.inputs[0]}, {value})"
    body = [f"{name} = {printer.definition(k)}" for k, name in names.items() if k != result or name == value]
    return _python_definition(function, [*body, f"return {value}"])


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
    if program.elementwise:
        names = choose_names(program, _taken(), lambda k, count: count > 1)
        printer = Printer(program, PYTHON, names, guarded)
        body = [f"{name} = {printer.definition(k)}" for k, name in names.items()]
        return _python_definition(function, [*body, f"return {printer[program.results[0]]}"])
    return _python_definition(function, _python_row_body(program, guarded))


def _python_definition(function: Function, body: list[str]) -> list[str]:
    numbers = [f"{name}={value!r}" for name, value in function.numbers.items()]
    head = f"def {function.name}({', '.join([*function.program.inputs, *numbers])}):"
    return [head, *(f"    {line}" for line in [*_docstring(function.doc), *body])]


def _docstring(doc: str) -> list[str]:
    """Write a docstring, within the width of a file."""
    if not doc:
        return []
    first, *more = textwrap.wrap(plain_text(doc), WIDTH - 7)
    return [f'"""{first}', *more, '"""'] if more or len(first) > WIDTH - 10 else [f'"""{first}"""']


def plain_text(text: str) -> str:
    r"""Make a text safe within a docstring or a comment, in Python and in C.

    >>> plain_text('a */ b \\ "c"')
    "a * / b / 'c'"
    """
    for bad, good in (("\\", "/"), ('"', "'"), ("*/", "* /"), ("/*", "/ *"), ("//", "/ /"), ("??", "? ?")):
        text = text.replace(bad, good)
    return "".join(c if c.isprintable() else " " for c in text)


def _taken() -> set[str]:
    """Names that mean something else in a file, or would be read so."""
    return {"np", "math", "k", "n", "a", "x", "f"}


def _row_names(program: Program) -> dict[int, str]:
    """Name what a row has to be gone through for, and what is used twice."""
    hoisted = {
        argument
        for node in program.nodes
        for argument in node.args
        if (node.extent == ENTRY or node.op in REDUCTIONS) and program.nodes[argument].extent == COLUMN
    }
    hoisted |= {k for k in program.results if program.nodes[k].extent == COLUMN}
    hoisted |= {k for k, node in enumerate(program.nodes) if _goes_over_a_row(program, node)}
    return choose_names(program, _taken(), lambda k, count: count > 1 or k in hoisted)


def _goes_over_a_row(program: Program, node: Node) -> bool:
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


def _python_row_body(program: Program, guarded: Collection[int]) -> list[str]:
    names = _row_names(program)
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
        if _goes_over_a_row(program, node):
            row = whole_row(node.args[0])
            return f"{node.op}({row or entries(node.args[0], printer[node.args[0]])})"
        return f"[{entries(k, printer.definition(k))}]" if node.extent == ENTRY else printer.definition(k)

    result = program.results[0]
    body = [f"{name} = {definition(k)}" for k, name in names.items()]
    return [*body, f"return {whole_row(result) or '[' + entries(result, printer[result]) + ']'}"]


def c_function(function: Function, prefix: str, single: bool) -> list[str]:
    r"""Write a static function of one number, or one that fills a row ``a`` from a row ``z`` of n numbers.

    >>> from chainrule.formulas import ACTIVATIONS
    >>> from chainrule.storage.exporting.lifted import lift
    >>> print(*c_function(lift(ACTIVATIONS["relu"], 3, single=True), "net", single=True), sep="\n")
    /* f(z) = max(z, 0). */
    static inline float net_relu(float z)
    {
        return net_max(z, 0.0f);
    }
    """
    program, real = function.program, "float" if single else "double"
    doc = textwrap.wrap(plain_text(function.doc), WIDTH - 6)
    comment = [f"{'  ' if k else '/*'} {line}{' */' * (line is doc[-1])}" for k, line in enumerate(doc)]
    numbers = "".join(f", {real} {name}" for name in program.numbers)
    row = program.inputs[0]
    if program.elementwise:
        head = f"static inline {real} {prefix}_{function.name}({real} {row}{numbers})"
        body = list(_c_number_body(program, prefix, single))
    else:
        head = f"static inline void {prefix}_{function.name}(const {real} {row}[], {real} a[], int n{numbers})"
        body = list(_c_row_body(program, prefix, single))
    return [*comment, head, "{", *(f"    {line}" for line in body), "}"]


def _c_number_body(program: Program, prefix: str, single: bool) -> Iterator[str]:
    real, row = "float" if single else "double", program.inputs[0]
    names = choose_names(program, _taken(), lambda k, count: count > 1)
    printer = Printer(program, c_dialect(single, prefix), names)
    if not any(node.op == "input" for node in program.nodes):
        yield f"(void){row};"
    for k, name in names.items():
        yield f"const {real} {name} = {printer.definition(k)};"
    yield f"return {printer[program.results[0]]};"


@dataclass
class _Loop:
    """Statements, then a loop over the row, if there is something for it to do.

    Args:
        before: what stands in front.
        inside: what is done for each k.
        first: where k begins.
    """

    before: list[str]
    inside: list[str]
    first: int = 0

    def lines(self) -> list[str]:
        """Write it."""
        if not self.inside:
            return self.before
        braces = len(self.inside) > 1
        head = f"for (int k = {self.first}; k < n; k++){' {' * braces}"
        return [*self.before, head, *(f"    {line}" for line in self.inside), *(["}"] if braces else [])]


def _c_row_body(program: Program, prefix: str, single: bool) -> Iterator[str]:
    """Write a loop over the row for each reduction, and one for the row that several of them need.

    That row is kept in ``a``, so there may be one; what else is needed twice is computed twice.
    """
    real, nodes, result = "float" if single else "double", program.nodes, program.results[0]
    names = _row_names(program)
    kept, *others = [*(k for k in names if nodes[k].extent == ENTRY), None]
    names = {k: "a" if k == kept else name for k, name in names.items() if k not in others}
    printer = Printer(program, c_dialect(single, prefix), names, element=lambda name: f"{name}[k]")
    loops = [_Loop([], [])]
    for k, name in names.items():
        node = nodes[k]
        reduced = node.args[0] if _goes_over_a_row(program, node) else None
        if k == kept:
            loops.append(_Loop([], [f"a[k] = {printer.definition(k)};"]))
        elif reduced is None:
            loops.append(_Loop([f"const {real} {name} = {printer.definition(k)};"], []))
        elif node.op == "sum":
            if not loops[-1].inside or loops[-1].first or len(loops[-1].inside) > 1:
                loops.append(_Loop([], []))
            loops[-1].before.append(f"{real} {name} = {c_number(0.0, single)};")
            loops[-1].inside.append(f"{name} += {printer[reduced]};")
        else:
            update = f"{name} = {prefix}_{node.op}({name}, {printer[reduced]});"
            loops.append(_Loop([f"{real} {name} = {printer.at(reduced, '0')};"], [update], 1))
    if result != kept:
        loops.append(_Loop([], [f"a[k] = {printer[result]};"]))
    for loop in loops:
        yield from loop.lines()
