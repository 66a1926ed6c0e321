"""Pages as plain Unicode text that fits a terminal, with equations aligned at their equals signs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from chainrule.explain.expressions import Expr
from chainrule.explain.names import Name
from chainrule.explain.page import Block, Equation, Grid, Heading, Page, Prose
from chainrule.explain.writing.breaking import broken
from chainrule.explain.writing.columns import numeric_columns
from chainrule.explain.writing.lines import Line, lines_of
from chainrule.explain.writing.notation import Notation, notation_of
from chainrule.explain.writing.numerals import Written
from chainrule.explain.writing.prose import tell, tell_rest
from chainrule.explain.writing.writer import ATOM, FACTOR, POWER, Style, Writer
from chainrule.text import text_width, wrap

__all__ = ["FUNCTIONS", "Span", "as_text", "text_lines", "text_style"]

# A piece of a line, and what it is: "title", "heading", "name", "number", "result", "remark", "rule" or "".
Span = tuple[str, str]

# What functions are called, where that is not their name.
FUNCTIONS = {"sigmoid": "σ", "Phi": "Φ", "phi": "φ"}

_RAISED = str.maketrans("−0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_DEEPEST = 4  # levels of unfolding that are indented; what lies deeper stands below those
_WIDEST_LEFT = 26  # columns of a left side that its right sides are still written beside


def text_style(notation: Notation) -> Style:
    """Give how expressions look as text.

    >>> from chainrule.explain.expressions import Number
    >>> Writer(text_style(Notation()), 8).write((1 + Number(-2.0)) ** 2 / Number(2e-5))
    '(1 + (−2))² / (2×10⁻⁵)'
    """
    return Style(
        name=partial(_name, notation),
        number=_number,
        plus=" + ",
        minus=" − ",
        sign="−",
        times=" × ",
        of_names=" × ",
        dot=" · ",
        hadamard=" ⊙ ",
        matrices=" ",
        brackets="({})".format,
        fraction="{} / {}".format,
        flat=True,
        power=_power,
        call=_call,
        calls={
            "exp": (lambda x: f"e^({x})", POWER),
            "sqrt": (lambda x: f"√({x})", ATOM),
            "abs": (lambda x: f"|{x}|", ATOM),
        },
        big_sum="Σ_{} {}".format,
        transposed="{}ᵀ".format,
        rest=lambda count, number: f"[{number.join(tell_rest(count, number))}]",
        vector=lambda entries, more: f"({', '.join([*entries, *(['…'] if more else [])])})",
    )


def _name(notation: Notation, name: Name) -> tuple[str, int]:
    text = notation.text(name)
    return text, FACTOR if name.symbol == "d" else POWER if " " in text else ATOM


def _number(written: Written) -> tuple[str, int]:
    if written.spread is not None:
        return f"0 ± 10{str(written.spread).replace('-', '−').translate(_RAISED)}", ATOM
    if written.exponent is None:
        return written.mantissa, ATOM
    exponent = str(written.exponent).replace("-", "−").translate(_RAISED)
    return f"{written.mantissa}×10{exponent}", FACTOR


def _power(base: str, exponent: str) -> str:
    if re.fullmatch("−?[0-9]+", exponent):
        return base + exponent.translate(_RAISED)
    return f"{base}^{exponent}" if re.fullmatch(r"[\w.\[\]]+", exponent) else f"{base}^({exponent})"


def _call(function: str, args: Sequence[str]) -> str:
    plain = function.rstrip("'")
    return f"{FUNCTIONS.get(plain, plain)}{function[len(plain) :]}({', '.join(args)})"


def as_text(page: Page, width: int = 80) -> str:
    """Write a page as plain text.

    Args:
        page: any.
        width: how many columns a line may take.

    Raises:
        UnknownName, UsageError: for a notation that there is not, or that does not suit the network.

    >>> from chainrule.explain.expressions import Ref
    >>> delta, a = Ref(Name("delta", 2, (0,)), 0.138498561629), Ref(Name("a", 1, (0,)), 0.593269992107)
    >>> slope = Ref(Name("d", of=Name("C"), by=Name("W", 2, (0, 0))))
    >>> print(as_text(Page("One number", (Equation(slope, (delta * a,), 0.082167040564),))))
    One number
    ══════════
    <BLANKLINE>
      ∂C/∂W2[0,0] = δ2[0] × a1[0]
                  = 0.13849856 × 0.59326999
                  = 0.08216704
    <BLANKLINE>
    """
    return "\n".join("".join(text for text, _ in line).rstrip() for line in text_lines(page, width)) + "\n"


def text_lines(page: Page, width: int, ruled: bool = True) -> Iterator[list[Span]]:
    """Give the lines of a page as pieces, with what each is.

    Args:
        page: any.
        width: how many columns a line may take.
        ruled: whether headings have a line below them.
    """
    writer = _PageWriter(Writer(text_style(notation_of(page.notation, page.sizes))), page.digits, width, ruled)
    if title := writer.told(page.title):
        yield from writer.heading(title, "title", "═")
    before: Block | None = None
    for block in page.blocks:
        # Equations of one unfolding stand together, and a remark of one line does not hide where the next begins.
        if before is not None or title:
            yield []
        yield from writer.block(block)
        before = block


@dataclass(frozen=True)
class _PageWriter:
    """Writes the blocks of one page."""

    writer: Writer
    digits: int
    width: int
    ruled: bool

    def told(self, text: Any) -> str:
        return tell(text, lambda field: self.writer.formula(field, self.digits))

    def block(self, block: Block) -> Iterator[list[Span]]:
        if isinstance(block, Heading):
            yield from self.heading(self.told(block.text), "heading", "─")
        elif isinstance(block, Prose):
            yield from ([(line, "")] for line in wrap(self.told(block.text), self.width))
        elif isinstance(block, Grid):
            yield from self.grid(block)
        else:
            yield from self.equation(block)

    def heading(self, text: str, kind: str, rule: str) -> Iterator[list[Span]]:
        lines = wrap(text, self.width)
        yield from ([(line, kind)] for line in lines)
        if self.ruled:
            yield [(rule * max(map(text_width, lines)), "rule")]

    def equation(self, equation: Equation) -> Iterator[list[Span]]:
        indent = "  " * (1 + min(equation.level, _DEEPEST))
        left = self.writer.write(equation.left)
        lines = lines_of(equation, self.digits)
        beside = text_width(left) <= _WIDEST_LEFT and bool(lines)
        inner = indent + (" " * (text_width(left) + 1) if beside else "    ")
        if not beside:
            yield [(indent, ""), (left, "name")]
        head: list[Span] = [(indent, ""), (left, "name"), (" ", "")] if beside else [(inner, "")]
        remark = self.told(equation.because) if equation.because else ""
        for k, line in enumerate(lines):
            spans = list(self._line(line, self.width - text_width(inner) - 2))
            if remark and k == len(lines) - 1 and len(spans) == 1:
                columns = text_width(inner) + 2 + text_width(spans[0][0])
                if columns + text_width(remark) + 5 <= self.width:
                    spans, remark = [spans[0], (f"   ({remark})", "remark")], ""
                    yield [*head, ("= " if line.sure else "≈ ", ""), *spans]
                    continue
            for first, span in enumerate(spans):
                before = [*head, ("= " if line.sure else "≈ ", "")] if not first else [(inner + "  ", "")]
                yield [*before, span]
            head = [(inner, "")]
        if remark:
            yield from ([(text, "remark")] for text in wrap(f"({remark})", self.width, inner, " "))

    def _line(self, line: Line, room: int) -> Iterator[Span]:
        """Give one right side as the lines that it takes."""
        if isinstance(line.shown, Written):
            yield self.writer.result(line.shown), "result"
            return
        writer = self.writer if line.digits is None else Writer(self.writer.style, line.digits)
        kind = "name" if line.digits is None else "number"
        yield from ((text, kind) for text in broken(writer.write(line.shown), room))

    def grid(self, grid: Grid) -> Iterator[list[Span]]:
        heads = [self._cell(head) for head in grid.heads]
        rows = [[self._cell(cell) for cell in row] for row in grid.rows]
        widths = [max(map(text_width, column)) for column in zip(heads, *rows, strict=True)]
        if sum(widths) + 2 * (len(widths) - 1) > self.width:
            yield from self._list(heads, rows)
        else:
            right = numeric_columns(grid)
            yield [("  ".join(map(_padded, heads, widths, right)).rstrip(), "heading")]
            yield [("─" * (sum(widths) + 2 * (len(widths) - 1)), "rule")]
            yield from ([("  ".join(map(_padded, row, widths, right)).rstrip(), "")] for row in rows)
        if grid.note:
            yield from ([(line, "remark")] for line in wrap(self.told(grid.note), self.width))

    def _list(self, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[list[Span]]:
        """Write a table that is too wide as a list, a row after the other."""
        for row in rows:
            for k, cell in enumerate(row):
                text = f"{heads[k]}: {cell}" if heads[k] else cell
                yield from ([(line, "")] for line in wrap(text, self.width, "  " if k else "", "  "))

    def _cell(self, cell: Any) -> str:
        if isinstance(cell, Name | Expr | float):
            return self.writer.formula(cell, self.digits)
        return " ".join(self.told(cell).split())  # a line break would tear the table apart


def _padded(text: str, width: int, right: bool) -> str:
    room = " " * (width - text_width(text))
    return room + text if right else text + room
