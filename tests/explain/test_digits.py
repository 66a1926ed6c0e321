"""Numbers are written as the page asks; exact ones are written short, and a line gets the digits that make it true."""

from __future__ import annotations

import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.explain.expressions import Call, Ref
from chainrule.explain.names import Name
from chainrule.explain.writing.digits import choose_figures
from chainrule.explain.writing.notation import Notation
from chainrule.explain.writing.numerals import EXACT, round_number, write_number
from chainrule.explain.writing.text import text_style
from chainrule.explain.writing.writer import Writer

from .pages import ref


def text_of(value: float, digits: int = 8) -> str:
    return Writer(text_style(Notation()), digits).number(value)


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (0.05, 8, "0.05"),
        (1.0, 8, "1"),
        (0.186815601808959, 8, "0.18681560"),
        (0.39249999999999996, 8, "0.3925"),
        (0.58 - 1e-12, 8, "0.58000000"),
        (-0.03809824, 4, "−0.0381"),
        (784.0, 8, "784"),
        (0.0, 8, "0"),
        (-0.0, 8, "0"),
        (0.0005, 8, "0.0005"),
        (0.00043856773, 8, "4.3856773×10⁻⁴"),
        (1e-8, 8, "1×10⁻⁸"),
        (12345678.9, 8, "1.2345679×10⁷"),
        (9999999.123456789, 8, "9999999.12345679"),
        (0.0512, 2, "5.1×10⁻²"),
        (5e-324, 8, "5×10⁻³²⁴"),
        (1.7976931348623157e308, 4, "1.798×10³⁰⁸"),
        (math.inf, 8, "∞"),
        (-math.inf, 8, "−∞"),
        (math.nan, 8, "NaN"),
    ],
)
def test_writing(value: float, digits: int, text: str) -> None:
    assert text_of(value, digits) == text


@given(st.floats(-1e308, 1e308), st.integers(1, EXACT))
def test_what_is_written_is_the_number_rounded(value: float, digits: int) -> None:
    written = write_number(value, digits)
    shown = Decimal(f"{'-' if written.negative else ''}{written.mantissa}e{written.exponent or 0}")
    assert abs(shown - Decimal(value)) <= Decimal(written.unit) * Decimal("0.51") + Decimal("1e-15") * abs(shown)
    assert float(shown) == written.value
    assert (written.value == 0) == (value == 0)
    if digits == EXACT:
        assert written.value == value


@given(st.floats(1e-12, 1e12), st.integers(-14, 14), st.booleans())
def test_rounding_to_a_power_of_ten(size: float, power: int, negative: bool) -> None:
    value = -size if negative else size
    written = round_number(value, power)
    assert abs(written.value - value) <= 0.5000001 * 10.0**power
    assert (written.spread is not None) == (written.mantissa == "0")


def test_factors_get_the_digits_that_the_product_needs() -> None:
    delta, x = ref("delta", 0.00877135468949, 0), ref("x", 0.05, 0)
    figures = choose_figures(delta * x, 0.00877135468949 * 0.05, 8)
    assert figures is not None
    assert (figures.digits, figures.result.mantissa, figures.sure) == (10, "4.3856773", True)


def test_a_function_that_only_its_value_is_known_of_gets_its_arguments_whole() -> None:
    z = ref("z", 0.1234567890123, 0)
    figures = choose_figures(Call("my_own", (z,), 0.5), 0.5, 8)
    assert figures is not None
    assert write_number(z.value, figures.digits).value == z.value


def test_a_confident_loss_keeps_its_digits() -> None:
    """ln(1 + e^-40) is lost in floats, but neither in the engine nor on paper."""
    z = ref("z", -40.0, 0)
    figures = choose_figures(Call("ln", (1 + Call("exp", (z,)),)), math.log1p(math.exp(-40)), 8)
    assert figures is not None
    assert (figures.sure, figures.result.exponent) == (True, -18)


def test_settings_are_written_as_they_were_set() -> None:
    """Rounded to 1.00, Adam's 0.999 would divide by nothing."""
    beta = Ref(Name("beta2"), 0.999)
    corrected = ref("v", 3.1848867220503666e-14) / (1 - beta ** ref("t", 1.0))
    figures = choose_figures(corrected, corrected.value, 2)
    assert figures is not None
    assert figures.digits <= 4
    writer = Writer(text_style(Notation()), 2)
    assert [writer.write(Ref(Name("eta"), x)) for x in (0.00123, 0.999, 1 / 3)] == ["0.00123", "0.999", "0.33"]
    assert [writer.write(ref("a", x, 0)) for x in (0.00123, 0.999)] == ["1.2×10⁻³", "1.00"]


def test_a_line_without_a_value_gets_one_more_digit_not_all() -> None:
    """1 − 0.999 is 0 at two digits, and something at three."""
    share = ref("a", 0.9987654321)
    line = ref("b", 2.0) / (1 - share)
    figures = choose_figures(line, line.value, 2)
    assert figures is not None
    assert figures.digits < 10
