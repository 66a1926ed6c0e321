"""Functions as source of C99: of one number, or of a row of them."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass

from chainrule.engines.compiled.graph import ENTRY
from chainrule.engines.compiled.rows import Program
from chainrule.storage.exporting.dialects import c_dialect, c_number
from chainrule.storage.exporting.functions import TAKEN, goes_over_a_row, hoisted, plain_text, short_lines
from chainrule.storage.exporting.lifted import Function
from chainrule.storage.exporting.literals import WIDTH
from chainrule.storage.exporting.printing import Printer, choose_names

__all__ = ["c_function"]


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
        body = _number_body(program, prefix, single)
    else:
        head = f"static inline void {prefix}_{function.name}(const {real} {row}[], {real} a[], int n{numbers})"
        body = list(_row_body(program, prefix, single))
    return [*comment, head, "{", *(f"    {line}" for line in body), "}"]


def _number_body(program: Program, prefix: str, single: bool) -> list[str]:
    real, result = "float" if single else "double", program.results[0]

    def write(names: dict[int, str]) -> list[tuple[int, str]]:
        printer = Printer(program, c_dialect(single, prefix), names)
        lines = [(k, f"const {real} {name} = {printer.definition(k)};") for k, name in names.items()]
        return [*lines, (result, f"return {printer[result]};")]

    unused = [f"(void){program.inputs[0]};"] if all(node.op != "input" for node in program.nodes) else []
    return [*unused, *short_lines(program, set(), write)]


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


def _row_body(program: Program, prefix: str, single: bool) -> Iterator[str]:
    """Write a loop over the row for each reduction, and one for the row that several of them need.

    That row is kept in ``a``, so there may be one; what else is needed twice is computed twice.
    """
    real, nodes, result = "float" if single else "double", program.nodes, program.results[0]
    before = hoisted(program)
    names = choose_names(program, TAKEN, lambda k, count: count > 1 or k in before)
    kept, *others = [*(k for k in names if nodes[k].extent == ENTRY), None]
    names = {k: "a" if k == kept else name for k, name in names.items() if k not in others}
    printer = Printer(program, c_dialect(single, prefix), names, element=lambda name: f"{name}[k]")
    loops = [_Loop([], [])]
    for k, name in names.items():
        node = nodes[k]
        reduced = node.args[0] if goes_over_a_row(program, node) else None
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
