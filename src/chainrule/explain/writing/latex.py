"""Pages as LaTeX: each equation in an aligned environment, and a whole document around them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from chainrule.explain.expressions import Expr
from chainrule.explain.names import Name
from chainrule.explain.page import Equation, Grid, Heading, Page, Prose
from chainrule.explain.writing.columns import numeric_columns
from chainrule.explain.writing.lines import Line, lines_of
from chainrule.explain.writing.notation import Notation, escape_latex, notation_of
from chainrule.explain.writing.numerals import Written
from chainrule.explain.writing.prose import tell, tell_rest
from chainrule.explain.writing.writer import ATOM, FACTOR, POWER, Style, Writer
from chainrule.language import language

__all__ = ["LatexWriter", "as_latex", "latex_body", "latex_style", "latex_writer"]

# Functions that have a command, or another name than their own.
_COMMANDS = {
    "sigmoid": r"\sigma",
    "Phi": r"\Phi",
    "phi": r"\varphi",
    "ln": r"\ln",
    "tanh": r"\tanh",
    "max": r"\max",
    "min": r"\min",
}
_LENGTHS = {"parindent": "0pt", "parskip": "0.6em", "mathindent": "1.5em", "jot": "4pt"}
_ROOM = 78  # columns of a sum, beyond which it takes another line
_DEEPEST = 4  # levels of unfolding that are indented
_WIDE = re.compile("[\u2e80-\ua4cf\uf900-\ufaff\uff01-\uff60]")


def latex_style(notation: Notation) -> Style:
    r"""Give how expressions look in LaTeX.

    >>> from chainrule.explain.expressions import Call, Number
    >>> print(Writer(latex_style(Notation()), 8).write(1 / (1 + Call("exp", (Number(-0.5),)))))
    \frac{1}{1 + e^{-0.5}}
    """
    return Style(
        name=partial(_name, notation),
        number=_number,
        plus=" + ",
        minus=" - ",
        sign="-",
        times=r" \times ",
        of_names=r" \cdot ",
        dot=r" \cdot ",
        hadamard=r" \odot ",
        matrices=r" \, ",
        brackets=lambda inner: rf"\left({inner}\right)",
        fraction=lambda over, under: rf"\frac{{{over}}}{{{under}}}",
        flat=False,
        power=lambda base, exponent: f"{base}^{{{exponent}}}",
        call=lambda function, args: rf"{_function(function)}\left({', '.join(args)}\right)",
        calls={
            "exp": (lambda x: f"e^{{{x}}}", POWER),
            "sqrt": (lambda x: rf"\sqrt{{{x}}}", ATOM),
            "abs": (lambda x: rf"\left\lvert {x} \right\rvert", ATOM),
        },
        big_sum=lambda index, body: rf"\sum_{{{index}}} {body}",
        transposed=lambda inner: rf"{inner}^{{\top}}",
        rest=_rest,
        vector=_vector,
        stack=lambda lines: r"\begin{aligned} & " + r" \\ & ".join(lines) + r" \end{aligned}",
        length=_length,
        room=_ROOM,
        inner_room=_ROOM // 2,
    )


def _name(notation: Notation, name: Name) -> tuple[str, int]:
    latex = notation.latex(name)
    return latex, FACTOR if name.symbol == "d" else POWER if "^" in latex else ATOM


def _number(written: Written) -> tuple[str, int]:
    if written.spread is not None:
        return rf"0 \pm 10^{{{written.spread}}}", ATOM
    if written.exponent is None:
        return {"∞": r"\infty", "NaN": r"\text{NaN}"}.get(written.mantissa, written.mantissa), ATOM
    return rf"{{{written.mantissa} \times 10^{{{written.exponent}}}}}", FACTOR


def _function(name: str) -> str:
    plain = name.rstrip("'")
    command = _COMMANDS.get(plain) or (plain if len(plain) == 1 else rf"\mathrm{{{escape_latex(plain)}}}")
    return command + name[len(plain) :]


def _rest(count: int, number: str) -> str:
    before, behind = (rf"\text{{{text}}}" if text else "" for text in tell_rest(count, number, escape_latex))
    return rf"\left[{before}{number}{behind}\right]"


def _vector(entries: list[str], more: bool) -> str:
    shown = [*entries, r"\dots"] if more else entries
    return rf"\left({', '.join(shown)}\right)"


def _length(latex: str) -> int:
    """Give about how many columns a formula takes."""
    rows = latex.split(r"\\")
    return max(len(re.sub(r"\\(begin|end)\{[a-z]+\}|\\[a-z]+\b ?|[{}_^&\\]", "", row)) for row in rows)


@dataclass(frozen=True)
class LatexWriter:
    """Writes the parts of a page that LaTeX and Markdown share.

    Args:
        writer: of expressions.
        digits: of numbers in tables and sentences.
    """

    writer: Writer
    digits: int

    def told(self, text: Any, escape: Callable[[str], str]) -> str:
        """Give a sentence, with its formulas between dollars."""
        return tell(text, lambda field: f"${self.writer.formula(field, self.digits)}$", escape)

    def cell(self, cell: Any, escape: Callable[[str], str]) -> str:
        """Give a cell of a table."""
        if isinstance(cell, Name | Expr | float):
            return f"${self.writer.formula(cell, self.digits)}$"
        return " ".join(self.told(cell, escape).split())

    def equation(self, equation: Equation, remark: str = "") -> str:
        """Give an equation as an aligned environment.

        Args:
            equation: any.
            remark: a last row; empty where the remark stands elsewhere.
        """
        left = self.writer.write(equation.left)
        rights = [self._right(line) for line in lines_of(equation, self.digits)]
        rows = [f"{left} &{right}" if not k else f"&{right}" for k, right in enumerate(rights)] or [left]
        rows += [remark] if remark else []
        return "\\begin{aligned}\n" + " \\\\\n".join(rows) + "\n\\end{aligned}"

    def _right(self, line: Line) -> str:
        sign = "=" if line.sure else r"\approx"
        if isinstance(line.shown, Written):
            return f"{sign} {self.writer.result(line.shown)}"
        writer = self.writer if line.digits is None else Writer(self.writer.style, line.digits)
        return f"{sign} " + " \\\\\n&\\quad ".join(each.strip() for each in writer.rows(line.shown))


def latex_writer(page: Page) -> LatexWriter:
    """Give what writes a page's formulas.

    Raises:
        UnknownName, UsageError: for a notation that there is not, or that does not suit the network.
    """
    return LatexWriter(Writer(latex_style(notation_of(page.notation, page.sizes))), page.digits)


def as_latex(page: Page) -> str:
    r"""Write a page as a LaTeX document; a Chinese one is for XeLaTeX and its package ctex.

    Raises:
        UnknownName, UsageError: for a notation that there is not, or that does not suit the network.

    >>> print(as_latex(Page("Nothing", ())).splitlines()[0])
    \documentclass[fleqn]{article}
    """
    body = _body(page, r"\section*{{{}}}", r"\subsection*{{{}}}")
    chinese = language() == "zh" or _WIDE.search(body)
    head = (
        [r"\documentclass[fleqn]{ctexart}"]
        if chinese
        else [r"\documentclass[fleqn]{article}", r"\usepackage[T1]{fontenc}"]
    )
    packages = [r"\usepackage{amsmath,amssymb}", r"\usepackage[margin=2.2cm]{geometry}"]
    looks = [
        *(rf"\setlength{{\{name}}}{{{size}}}" for name, size in _LENGTHS.items()),
        r"\renewcommand{\arraystretch}{1.25}",
    ]
    return "\n".join([*head, *packages, *looks, r"\begin{document}", body, r"\end{document}", ""])


def latex_body(page: Page) -> str:
    r"""Write a page as LaTeX for a notebook that becomes a document: its headings are bold lines, no chapters.

    Raises:
        UnknownName, UsageError: for a notation that there is not, or that does not suit the network.

    >>> print(latex_body(Page("Nothing", ())))
    \textbf{Nothing}
    """
    return _body(page, r"\textbf{{{}}}", r"\textbf{{{}}}")


def _body(page: Page, title: str, heading: str) -> str:
    """Write a page without a document around it, with templates for its title and its headings."""
    writer = latex_writer(page)
    body = title.format(writer.told(page.title, escape_latex))
    for block in page.blocks:
        if isinstance(block, Heading):
            body += "\n\n" + heading.format(writer.told(block.text, escape_latex))
        else:  # an empty line before a display would begin a paragraph of its own
            body += ("\n" if isinstance(block, Equation) else "\n\n") + _block(writer, block)
    return body


def _block(writer: LatexWriter, block: Prose | Grid | Equation) -> str:
    if isinstance(block, Prose):
        return writer.told(block.text, escape_latex)
    if isinstance(block, Grid):
        return _grid(writer, block)
    # Within the display no page ends between a formula and its remark, and the remark is as deep.
    because = f"({writer.told(block.because, escape_latex)})" if block.because else ""
    remark = rf"&\parbox[t]{{0.7\linewidth}}{{\small\raggedright {because}}}" if because else ""
    indent = r"\qquad" * min(block.level, _DEEPEST)
    return f"\\[\n{indent}{writer.equation(block, remark)}\n\\]"


def _grid(writer: LatexWriter, grid: Grid) -> str:
    rows = [[writer.cell(cell, escape_latex) for cell in row] for row in grid.rows]
    heads = " & ".join(writer.cell(head, escape_latex) for head in grid.heads)
    body = " \\\\\n".join(" & ".join(row) for row in rows)
    note = f"\n\n{{\\small {writer.told(grid.note, escape_latex)}}}" if grid.note else ""
    columns = "".join("r" if right else "l" for right in numeric_columns(grid))
    return f"\\begin{{tabular}}{{{columns}}}\n{heads} \\\\\n\\hline\n{body} \\\\\n\\end{{tabular}}{note}"
