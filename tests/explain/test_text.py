"""Text fits its width, is aligned, and says the same in colour and without."""

from __future__ import annotations

import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from chainrule.explain.expressions import Call, Expr, Number, Rest, Sum
from chainrule.explain.page import Equation, Grid, Heading, Page, Prose
from chainrule.explain.writing.breaking import broken
from chainrule.explain.writing.notation import Notation
from chainrule.explain.writing.terminal import show
from chainrule.explain.writing.text import as_text, text_style
from chainrule.explain.writing.writer import Writer
from chainrule.language import Message
from chainrule.text import text_width

from .pages import equations, every_block, ref
from .parsing import check_text

WIDE = Sum((*(ref("W", 0.123456789 * (-1) ** j, 0, j) * ref("x", 0.1 + j / 7, j) for j in range(9)), Rest(774, 0.0132)))


@given(equations(), st.integers(30, 100))
def test_lines_fit_the_width(equation: Equation, width: int) -> None:
    text = as_text(Page("A title that is rather long for a terminal", (equation,)), width)
    for line in text.splitlines():
        # A formula is cut at its operators; what has none takes the columns that it takes.
        whole = len(re.split(r" [+−×·/] |, ", re.sub(r"^ *[+−×/·=≈] ", "", line.rstrip()))) == 1
        assert text_width(line) <= width or whole, text


@pytest.mark.parametrize("width", [40, 60, 80, 100])
def test_wide_sums_are_aligned_and_still_multiply_out(width: int) -> None:
    page = Page("", (Equation(ref("z", 0.0, 0), (WIDE,), WIDE.value),))
    text = page.text(width)
    assert check_text(text) == 1
    first, *others = text.splitlines()
    column = first.index("=")
    assert all(line.index("=") == column if "=" in line else line[: column + 2].isspace() for line in others)
    assert "[… and 774 more]" in " ".join(text.split())
    assert "[… and 774 more, together 0.0132]" in " ".join(text.split())


@pytest.mark.parametrize(
    ("expr", "text"),
    [
        (ref("a", -0.5) * ref("b", -0.25), "−0.5 × (−0.25)"),
        (ref("a", 0.5) - ref("b", -0.25), "0.5 − (−0.25)"),
        (-(ref("a", 0.5) + 1), "−(0.5 + 1)"),
        ((-ref("a", 0.5)) ** 2, "(−0.5)²"),
        (ref("a", -0.5) ** 2, "(−0.5)²"),
        (ref("a", 2e-5) ** 2, "(2×10⁻⁵)²"),
        (1 / ref("a", 2e-5), "1 / (2×10⁻⁵)"),
        (1 / (ref("a", 2.0) * ref("b", 3.0)), "1 / (2 × 3)"),
        (ref("a", 2.0) * (1 / ref("b", 3.0)), "2 × (1 / 3)"),
        (1 - (ref("a", 2.0) - ref("b", 3.0)) * 1, "1 − (2 − 3) × 1"),
        (Call("exp", (-ref("a", 2.0),)), "e^(−2)"),
        (Call("gelu'", (ref("a", 2.0),), 1.0), "gelu'(2)"),
        (Call("abs", (ref("a", -2.0),)), "|−2|"),
        (ref("beta", 0.9) ** ref("t", 3.0), "0.9³"),
        (ref("beta", 0.9) ** Number(0.5), "0.9^0.5"),
        (ref("a", 2.0) - Sum((ref("b", 3.0), ref("c", 1.0))), "2 − (3 + 1)"),
    ],
)
def test_brackets(expr: Expr, text: str) -> None:
    assert Writer(text_style(Notation()), 8).write(expr) == text


def test_breaking_prefers_the_loose_operators() -> None:
    formula = "(0.1 × 0.2 + 0.3 × 0.4) × 0.5 × 0.6"
    assert broken(formula, 80) == [formula]
    assert broken(formula, 30) == ["(0.1 × 0.2 + 0.3 × 0.4) × 0.5", "× 0.6"]
    assert broken(formula, 14) == ["(0.1 × 0.2", "  + 0.3 × 0.4)", "× 0.5 × 0.6"]


def test_what_stands_in_brackets_is_indented_by_their_depth() -> None:
    formula = "f(0.1 × g(0.2 × x + 0.3 × y + b) + 0.4 × h(0.5 × x + 0.6 × y + c) + d)"
    assert broken(formula, 26) == [
        "f(0.1 × g(0.2 × x",
        "    + 0.3 × y + b)",
        "  + 0.4 × h(0.5 × x",
        "    + 0.6 × y + c)",
        "  + d)",
    ]


def test_a_number_is_not_said_to_be_itself() -> None:
    one = Page("", (Equation(ref("z", 1.0, 0), (Number(1.0),), 1.0), Equation(ref("z", 1.0, 0), (ref("a", 1.0),), 1.0)))
    assert one.text().split() == ["z1[0]", "=", "1", "z1[0]", "=", "a1", "=", "1"]
    slope = Equation(ref("z", 1.0, 0), (ref("a", 1.0) / ref("b", 1.0),), 1.0, numbers=Number(1.0))
    assert Page("", (slope,)).text().split() == ["z1[0]", "=", "a1", "/", "b1", "=", "1"]


def test_remarks_stand_beside_what_is_short() -> None:
    slope = ref("z", 1.0, 0)
    short, long = (Equation(slope, (Number(1.0),), because=text) for text in ("z > 0", "so " * 40 + "on"))
    assert "  z1[0] = 1   (z > 0)" in Page("", (short,)).text()
    assert max(map(len, Page("", (long,)).text().splitlines())) <= 80
    assert check_text(Page("", (short, long)).text()) == 0


def test_tables_count_chinese_characters_as_two_columns() -> None:
    text = Page("", (Grid(("类", Message("size")), (("鸢尾花", 0.5), ("ab", 0.25))),)).text()
    assert text.splitlines() == ["类      size", "────────────", "鸢尾花   0.5", "ab      0.25"]


def test_a_table_that_is_too_wide_becomes_a_list() -> None:
    text = Page("", (Grid(("one", "two"), (("a" * 30, "b" * 30),)),)).text(40)
    assert text.splitlines() == [f"one: {'a' * 30}", f"  two: {'b' * 30}"]


def test_a_line_break_in_a_cell_tears_no_table_apart() -> None:
    assert "a b" in Page("", (Grid(("one",), (("a\nb",),)),)).text()


def test_the_terminal_shows_the_text_with_a_little_colour() -> None:
    page = every_block("鸢尾花")
    plain, coloured = io.StringIO(), io.StringIO()
    show(page, Console(file=plain, width=80))
    show(page, Console(file=coloured, width=80, force_terminal=True, color_system="truecolor"))
    assert plain.getvalue().rstrip() == page.text().rstrip()
    assert "\x1b[" in coloured.getvalue()
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured.getvalue()) == plain.getvalue()


def test_markup_of_the_terminal_is_no_markup() -> None:
    out = io.StringIO()
    show(Page("[bold]x[/bold]", (Heading("[red]"), Prose(":smile: [link=x]"))), Console(file=out, width=80))
    assert "[bold]x[/bold]" in out.getvalue()
    assert ":smile: [link=x]" in out.getvalue()
