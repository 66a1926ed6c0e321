"""Expressions and equations as MathML, which browsers show by themselves."""

from __future__ import annotations

import re
from functools import partial
from html import escape

from chainrule.explain.names import Name
from chainrule.explain.page import Equation
from chainrule.explain.writing.lines import Line, lines_of
from chainrule.explain.writing.notation import Notation
from chainrule.explain.writing.numerals import Written
from chainrule.explain.writing.prose import tell_rest
from chainrule.explain.writing.writer import ATOM, FACTOR, POWER, Style, Writer

__all__ = ["math_of", "mathml_style", "mathml_table"]

_FUNCTIONS = {"sigmoid": "σ", "Phi": "Φ", "phi": "φ"}
# Columns of a line: the longest that a telephone shows, or nearly so.
_ROOM, _INNER = 48, 30
_BEFORE, _BEHIND = '<mo form="prefix" stretchy="{0}">{1}</mo>', '<mo form="postfix" stretchy="{0}">{1}</mo>'
# Attributes of cells stand in each of them, since notebooks may drop a style sheet.
_COMMA = "<mo>,</mo>"
# Closer to the digits than where two numbers are multiplied.
_TIMES_TEN = '<mo form="infix" lspace="0.1em" rspace="0.1em">×</mo>'
_LEFT, _RIGHT = 'style="text-align:left"', 'style="text-align:right"'


def mathml_style(notation: Notation) -> Style:
    """Give how expressions look in MathML.

    >>> from chainrule.explain.expressions import Number
    >>> Writer(mathml_style(Notation()), 8).write(Number(0.5) * Number(3.0))
    '<mn>0.5</mn><mo form="infix">×</mo><mn>3</mn>'
    """
    return Style(
        name=partial(_name, notation),
        number=_number,
        plus=_operator("+"),
        minus=_operator("−"),
        sign='<mo form="prefix">−</mo>',
        times=_operator("×"),
        of_names=_operator("⋅"),
        dot=_operator("⋅"),
        hadamard=_operator("⊙"),
        matrices='<mspace width="0.25em"></mspace>',
        brackets=lambda inner: f"<mrow>{_within(inner)}</mrow>",
        fraction="<mfrac><mrow>{}</mrow><mrow>{}</mrow></mfrac>".format,
        flat=False,
        power="<msup><mrow>{}</mrow><mrow>{}</mrow></msup>".format,
        call=lambda function, args: f"<mrow>{_function(function)}{_within(_COMMA.join(args))}</mrow>",
        calls={
            "exp": (lambda x: f"<msup><mi>e</mi><mrow>{x}</mrow></msup>", POWER),
            "sqrt": (lambda x: f"<msqrt>{x}</msqrt>", ATOM),
            "abs": (lambda x: f"<mrow>{_within(x, '||')}</mrow>", ATOM),
        },
        big_sum=lambda index, body: f"<munder><mo>∑</mo><mi>{escape(index)}</mi></munder><mrow>{body}</mrow>",
        transposed="<msup><mrow>{}</mrow><mo>⊤</mo></msup>".format,
        rest=_rest,
        vector=lambda entries, more: (
            f"<mrow>{_within(_COMMA.join([*entries, *(['<mo>…</mo>'] if more else [])]))}</mrow>"
        ),
        stack=lambda lines: f"<mtable>{''.join(f'<mtr><mtd {_LEFT}>{line}</mtd></mtr>' for line in lines)}</mtable>",
        length=_length,
        room=_ROOM,
        inner_room=_INNER,
    )


def _operator(sign: str) -> str:
    """Write an operator between two things, also where a line begins with it."""
    return f'<mo form="infix">{sign}</mo>'


def _within(inner: str, pair: str = "()") -> str:
    """Put brackets around something, as high as it is where it is higher than a line."""
    high = "true" if any(tag in inner for tag in ("<mfrac", "<mtable", "<munder>")) else "false"
    return f"{_BEFORE.format(high, pair[0])}{inner}{_BEHIND.format(high, pair[1])}"


def _name(notation: Notation, name: Name) -> tuple[str, int]:
    mathml = notation.mathml(name)
    return mathml, FACTOR if name.symbol == "d" else POWER if mathml.startswith(("<msubsup", "<msup")) else ATOM


def _number(written: Written) -> tuple[str, int]:
    if written.spread is not None:
        return f"<mn>0</mn><mo>±</mo>{_power_of_ten(written.spread)}", ATOM
    if written.exponent is None:
        tag = "mn" if written.mantissa[0].isdigit() else "mi"
        return f"<{tag}>{written.mantissa}</{tag}>", ATOM
    return f"<mrow><mn>{written.mantissa}</mn>{_TIMES_TEN}{_power_of_ten(written.exponent)}</mrow>", FACTOR


def _power_of_ten(exponent: int) -> str:
    sign = "<mo>−</mo>" if exponent < 0 else ""
    return f"<msup><mn>10</mn><mrow>{sign}<mn>{abs(exponent)}</mn></mrow></msup>"


def _function(name: str) -> str:
    plain = name.rstrip("'")
    primes = name[len(plain) :].replace("'", "′")
    written = f"<mi>{escape(_FUNCTIONS.get(plain, plain))}</mi>"
    return f"<msup>{written}<mo>{primes}</mo></msup>" if primes else written


def _rest(count: int, number: str) -> str:
    before, behind = (f"<mtext>{text}</mtext>" if text else "" for text in tell_rest(count, number, _spaced))
    return f"<mrow>{_within(f'{before}{number}{behind}', '[]')}</mrow>"


def _spaced(text: str) -> str:
    return escape(text).replace(" ", "\u00a0")  # MathML drops plain spaces at the ends of a text


def _length(mathml: str) -> int:
    """Give about how many columns a formula takes: a space stands on both sides of an operator."""
    rows = mathml.replace('<mo form="infix">', "  ").split("</mtr>")
    return max(len(re.sub("<[^>]*>", "", row)) for row in rows)


def math_of(inner: str) -> str:
    """Give a formula within a sentence."""
    return f"<math><mrow>{inner}</mrow></math>"


def mathml_table(writer: Writer, equation: Equation, digits: int) -> str:
    """Write an equation as a block of MathML, aligned at its equals signs, without the remark.

    Args:
        writer: of its expressions.
        equation: any.
        digits: of its numbers.
    """
    left = writer.write(equation.left)
    rows = [row for line in lines_of(equation, digits) for row in _rows(writer, line)] or [("", "")]
    cells = "".join(
        f"<mtr><mtd {_RIGHT}>{left if not k else ''}</mtd><mtd>{sign}</mtd><mtd {_LEFT}>{right}</mtd></mtr>"
        for k, (sign, right) in enumerate(rows)
    )
    return f'<math display="block"><mtable displaystyle="true">{cells}</mtable></math>'


def _rows(writer: Writer, line: Line) -> list[tuple[str, str]]:
    sign = f"<mo>{'=' if line.sure else '≈'}</mo>"
    if isinstance(line.shown, Written):
        return [(sign, writer.result(line.shown))]
    first, *others = (writer if line.digits is None else Writer(writer.style, line.digits)).rows(line.shown)
    return [(sign, first), *(("", f'<mspace width="1em"></mspace>{other}') for other in others)]
