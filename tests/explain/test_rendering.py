"""What is printed multiplies out, in every format, and whatever users call things is shown as it is."""

from __future__ import annotations

import dataclasses
import json
import math
import os
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chainrule import Network
from chainrule.errors import UnknownName, UsageError
from chainrule.explain import explain
from chainrule.explain.asking import find_name
from chainrule.explain.expressions import Expr, Negative, Number, Quotient, Ref, Sum
from chainrule.explain.expressions import leaves as all_leaves
from chainrule.explain.names import COST, Name
from chainrule.explain.page import Equation, Grid, Page
from chainrule.explain.writing.evaluating import evaluate
from chainrule.explain.writing.rendering import FORMATS, render
from chainrule.language import Message, speaking

from .cases import names_of, random_step
from .pages import ANYWHERE, equations, every_block, known, ref
from .parsing import check_html, check_latex, check_text

# The campaign looks at a thousand.
CASES = int(os.environ.get("CHAINRULE_CASES", "60"))
CHECKS: dict[str, Callable[..., int]] = {
    "text": check_text,
    "latex": check_latex,
    "md": check_latex,
    "html": check_html,
}
NUMBERS = ("x", "y", "z", "a", "u", "q", "zhat", "mask", "drop", "delta", "W", "b", "gamma", "beta", "mean", "var")
LABELS = ("50 % & more_$\\{^~#}", "<b>bold</b>", "`x` | *y* [z]", "鸢尾花", 'say "no"', "\ue0000\ue001")


def has_line_with_numbers(equation: Equation) -> bool:
    """Whether there is something to compute, and floats can."""
    (form,) = equation.forms
    inner = form.of if isinstance(form, Negative) else form
    value, error = evaluate(form, 20)
    assert equation.result is not None
    return not isinstance(inner, Ref | Number) and math.isfinite(value + error) and math.isfinite(equation.result)


def test_every_line_multiplies_out(tally: Callable[..., None]) -> None:
    seen: Counter[str] = Counter()

    @settings(max_examples=CASES, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
    @given(equations(), st.sampled_from((8, 8, 4, 12, 2)))
    def look(equation: Equation, digits: int) -> None:
        page = Page("", (equation,), digits=digits)
        for format, check in CHECKS.items():
            checked = check(render(page, format), digits)
            assert checked >= has_line_with_numbers(equation), f"no line with numbers in {format}"
            seen[format] += checked

    look()
    for format, count in seen.items():
        tally(f"lines multiplied out from {format}", count)


@pytest.mark.parametrize("function", ANYWHERE)
def test_every_function_is_called_what_it_is(function: str) -> None:
    for value in (-2.3456789, -1e-5, 0.25, 1 / 3, 7.0):
        call = known(function, ref("z", value, 0))
        page = Page("", (Equation(ref("a", 0.0, 0), (2 * call + 0.1,), 2 * call.value + 0.1),))
        assert [check(render(page, format), 8) for format, check in CHECKS.items()] == [1] * 4


@pytest.mark.parametrize("format", CHECKS)
def test_a_wrong_line_is_found(format: str) -> None:
    """Parser and renderer could both be blind: a wrong digit anywhere must be seen."""
    a, b = ref("a", 0.13849856, 0), ref("b", 0.59326999, 0)
    page = render(Page("", (Equation(ref("z", 0.0), (a * b,), 0.0821670386),)), format)
    assert CHECKS[format](page, 8) == 1
    for right, wrong in (("0.08216704", "0.08216706"), ("0.13849856", "0.13849866"), ("0.59326999", "0.5932701")):
        assert right in page
        with pytest.raises(AssertionError):
            CHECKS[format](page.replace(right, wrong), 8)


def test_the_lines_of_the_worked_example() -> None:
    slope = ref("a", 0.7413650695523157, 0) * ref("b", 0.18681560180895948, 0) * ref("h", 0.5932699921071872, 0)
    page = Page("", (Equation(ref("z", 0.0), (slope,), 0.08216704056423078),))
    assert "0.74136507 × 0.18681560 × 0.59326999\n" in page.text()
    assert page.text().rstrip().endswith("= 0.08216704")


@pytest.mark.parametrize("label", LABELS)
@pytest.mark.parametrize("notation", ["index", "textbook", "rows"])
def test_every_block_in_every_format(label: str, notation: str) -> None:
    page = every_block(label, notation)
    for format, check in CHECKS.items():
        assert check(render(page, format), 8) == 1
    shown = label.replace("\ue000", "").replace("\ue001", "")
    assert page.text(200).count(shown) >= 6
    assert unescape(re.sub("<[^>]*>", "", page.html())).count(shown) >= 7
    assert shown in json.loads(page.json())["title"]


def test_what_users_write_is_no_markup() -> None:
    page = every_block("<script>alert(1)</script>")
    assert "<script" not in page.html() + page._repr_html_() + page.markdown()
    assert r"\input" not in every_block(r"\input{secret}").latex().replace(r"\textbackslash{}input", "")
    body = every_block("a_b^c{").latex()
    assert body.count("{") - body.count(r"\{") == body.count("}") - body.count(r"\}")


def test_numbers_that_are_none() -> None:
    for value in (math.inf, -math.inf, math.nan):
        blocks = (
            Equation(ref("z", value, 0), (ref("a", value, 0) * ref("b", 2.0, 0) + Number(1.0),), value),
            Equation(ref("z", value, 0), (ref("a", 1e300, 0) * ref("b", 1e300, 0),), 5.0),
            Equation(ref("z", value, 0), (), value),
        )
        for format in FORMATS:
            text = render(Page("", blocks), format)
            assert format == "json" or ("NaN" if math.isnan(value) else "∞") in text.replace(r"\infty", "∞")
        assert json.loads(render(Page("", blocks), "json"))["blocks"][2]["result"] is None


def test_rounding_noise_is_no_number() -> None:
    """0.1 + 0.2 - 0.3 is nothing but noise: the line says 0, and how far off that may be."""
    noise = 0.1 + 0.2 - 0.3
    page = Page("", (Equation(ref("z", noise, 0), (ref("a", 0.1) + ref("b", 0.2) - ref("c", 0.3),), noise),))
    assert "≈ 0 ± 10⁻¹⁵" in page.text() or "≈ 1×10⁻¹⁶" in page.text()
    assert check_text(page.text(), noise=1e-12) == check_html(page.html()) == check_latex(page.latex()) == 1


def test_a_mistake_does_not_pass_for_rounding() -> None:
    page = Page("", (Equation(ref("z", 0.0, 0), (ref("a", 0.1) * ref("b", 0.2),), 0.03),))
    for format, check in CHECKS.items():
        with pytest.raises(AssertionError, match="more than rounding"):
            check(render(page, format), 8, 1e-6)


def test_a_page_shows_itself() -> None:
    page = every_block()
    assert str(page) == page.text() == render(page, "text")
    assert page._repr_html_().startswith('<div lang="en">')
    assert "<html" not in page._repr_html_()
    assert r"\documentclass" not in page._repr_latex_()
    body = page.latex().partition("\\begin{document}\n")[2]
    bold = body.replace("\\section*", "\\textbf").replace("\\subsection*", "\\textbf")
    assert bold.startswith(page._repr_latex_())


def test_json_has_names_trees_and_all_digits() -> None:
    data = json.loads(every_block(notation="textbook").json())
    equation = next(block for block in data["blocks"] if block["kind"] == "equation")
    assert equation["left"]["name"] == "dC/dW2[0,0]"
    assert equation["result"] == 0.082167040564
    assert equation["text"] == "0.08216704"
    (product,) = equation["forms"]
    assert product["kind"] == "product"
    assert [(leaf["name"], leaf["value"]) for leaf in product["of"]] == [
        ("delta2[0]", 0.138498561629),
        ("a1[0]", 0.593269992107),
    ]
    assert data["none"] is None


def test_language_is_that_of_the_reader() -> None:
    with speaking("zh"):
        assert '<html lang="zh-Hans">' in every_block().html()
        assert "ctexart" in every_block().latex()
    assert '<html lang="en">' in every_block().html()
    assert "ctexart" not in every_block().latex()


def test_unknown_formats_and_notations() -> None:
    with pytest.raises(UnknownName, match=r"unknown format 'htm'; did you mean 'html'\?"):
        render(every_block(), "htm")
    with pytest.raises(UnknownName, match="unknown notation 'row'"):
        every_block(notation="row").text()
    with pytest.raises(UsageError, match="at most one hidden layer; this one has the sizes 2-2-2-2"):
        Page("", (), notation="textbook", sizes=(2, 2, 2, 2)).html()


def test_no_html_needs_a_network_or_a_script() -> None:
    html = every_block().html()
    assert not re.search(r"<script|<link|https?:|url\(|@import", html)
    assert 'name="viewport"' in html
    assert "prefers-color-scheme: dark" in html


def test_names_are_written_in_the_notation_of_the_page() -> None:
    for notation, name in (("index", "∂C/∂W2[0,0]"), ("textbook", "∂E/∂w5"), ("rows", "∂C/∂W2[0,0]")):
        assert every_block(notation=notation).text().startswith(f"Where {name} of")
        assert json.loads(every_block(notation=notation).json())["title"].startswith(f"Where {name} of")


@pytest.mark.skipif(not shutil.which("pdflatex"), reason="no LaTeX here")
def test_latex_compiles(tmp_path: Path) -> None:
    signs = "− × · ⊙ ≈ ≠ ≤ ≥ → ∞ ∂ √ Σ Φ φ ² ³ ᵀ … δ η “x” – é < > |"
    wide = Sum(tuple(ref("W", j / 7, 0, j) * ref("x", -j / 3, j) for j in range(1, 9)))
    path = wide * ref("a", 0.7512345678, 0) * (1 - ref("a", 0.7512345678, 0))
    both = path * ref("W", 0.1, 0, 0) + path * ref("W", -0.1, 0, 0)
    over = Quotient(ref("a", 1.0), wide)
    numbers = [Equation(ref("z", 0.0, 0), (each,), each.value) for each in (path, both, both * ref("x", 0.3), over)]
    page = every_block("setosa")
    blocks = (*page.blocks, *numbers, *every_block(notation="textbook").blocks)
    assert "Overfull" not in compiled(dataclasses.replace(page, blocks=blocks), tmp_path)
    compiled(every_block(" ".join((*LABELS[:3], LABELS[4], signs))), tmp_path)


def compiled(page: Page, folder: Path) -> str:
    """What LaTeX says when it makes a page of a page."""
    (folder / "page.tex").write_text(page.latex(), encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "page.tex"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace", check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    return done.stdout


def test_a_page_says_on_one_line_what_it_is() -> None:
    model = Network.from_sizes([2, 2, 2], "sigmoid", "sigmoid").init(seed=0)
    found = explain(model, [[0.5, 1.0]], [[1.0, 0.0]], "dC/dW1[0,1]")
    value = f"{found.value:.8g}"
    assert repr(found).startswith(f'Explanation("Where dC/dW1[0,1] comes from", value={value}, ')
    for page in (found, explain(model, [[0.5, 1.0]], [[1.0, 0.0]]), every_block(), every_block(notation="row")):
        assert len(repr(page)) < 120
        assert "\n" not in repr(page)


@pytest.mark.parametrize("format", ["html", "latex", "md"])
def test_powers_of_ten_are_written_with_one_sign(format: str) -> None:
    tiny = ref("a", 4.38e-7, 0)
    page = Page("", (Equation(ref("z", 0.0), (tiny * ref("b", 0.5),), 2.19e-7), Grid(("x", "y"), (("a", 4.38e-7),))))
    shown = re.sub("<[^>]*>", "", render(page, format)).replace(r"\times", "×").replace(" ", "")
    assert len(re.findall("4.38×10", shown)) == 2
    assert not re.findall(r"[⋅·]10|cdot10", shown)


def test_mathml_brackets_are_as_high_as_what_is_in_them() -> None:
    a, b = ref("a", 0.75, 0), ref("b", 0.5, 0)
    flat, high = (
        Page("", (Equation(ref("z", 0.0), (b * each,), b.value * each.value),)) for each in (1 - a, 1 - b / a)
    )
    opening = '<mo form="prefix" stretchy="{}">(</mo>'.format
    assert opening("false") in flat.html()
    assert opening("true") not in flat.html()
    assert opening("true") in high.html()
    assert "<mo>" not in re.sub("<mo>[=≈,∑]</mo>", "", flat.html())  # every sign says where it stands


def test_a_line_that_begins_with_a_plus_has_a_space_behind_it() -> None:
    terms = Sum(tuple(ref("W", 0.123456789 + j, 0, j) * ref("x", 0.1 + j / 7, j) for j in range(4)))
    page = Page("", (Equation(ref("z", 0.0), (terms,), terms.value),))
    assert re.findall(r'<mspace width="1em"></mspace><mo form="infix">\+</mo>', page.html())
    assert "<mo>+</mo>" not in page.html()


def test_long_products_are_broken_for_small_screens() -> None:
    factors = [ref("a", 0.123456789 + j / 7, j) for j in range(9)]
    product = math.prod(factors[1:], start=factors[0])  # type: ignore[call-overload]
    for expr in (product, product + 1, ref("b", 1.5) - product):
        html = Page("", (Equation(ref("z", 0.0), (expr,), expr.value),)).html()
        assert check_html(html) == 1
        rows = re.findall("<mtr>(.*?)</mtr>", html)
        assert len(rows) > 3
        assert max(len(re.sub("<[^>]*>", "", row)) for row in rows) < 60


def test_latex_shows_how_deep_an_equation_stands_and_keeps_its_remark() -> None:
    remark = Message("{z} is above 0", z=ref("z", 0.0, 0).name)
    equation = Equation(ref("a", 0.5, 0), (Number(0.5),), 0.5, because=remark)
    blocks = tuple(dataclasses.replace(equation, level=level) for level in (0, 1, 2, 30))
    displays = re.findall(r"\\\[\n(.*?)\n\\\]", Page("", blocks).latex(), re.DOTALL)
    assert [display.count(r"\qquad") for display in displays] == [0, 1, 2, 4]
    assert all("($z^{1}_{0}$ is above 0)" in display for display in displays)


def test_a_notebook_gets_no_chapters() -> None:
    page = every_block()
    assert re.findall("<h[1-6]", page._repr_html_()) == ["<h4", "<h5"]
    assert "section" not in page._repr_latex_()
    assert check_latex(page._repr_latex_()) == 1
    assert re.findall("<h[1-6]", page.html()) == ["<h1", "<h2"]


def test_numbers_stand_to_the_right_whatever_word_is_among_them() -> None:
    page = Page("", (Grid(("weight", "after", "note"), (("w1", 0.5, "x"), ("w2", Message("held fixed"), ""))),))
    assert page.text().splitlines()[0::2] == ["weight       after  note", "w1             0.5  x"]
    assert r"\begin{tabular}{lrl}" in page.latex()
    assert "| --- | ---: | --- |" in page.markdown()
    assert re.findall('<t[hd] class="number" style="text-align:right">([^<]*)', page.html()) == [
        "after",
        "0.5",
        "held fixed",
    ]


@pytest.mark.parametrize("seed", range(max(8, CASES // 4)))
def test_names_in_json_are_what_one_asks_for(seed: int) -> None:
    rng = np.random.default_rng(seed)
    step = random_step(rng)
    for of in names_of(step, rng, 3):
        page = explain(step, of=of, depth=6, most=3)
        blocks = [block for block in page.blocks if isinstance(block, Equation)]
        names = [leaf.name for block in blocks for each in (block.left, *block.forms) for leaf in leaves(each)]
        data = [block for block in json.loads(page.json())["blocks"] if block["kind"] == "equation"]
        written = [name for block in data for each in (block["left"], *block["forms"]) for name in named(each)]
        assert len(names) == len(written)
        for name, asked in zip(names, written, strict=True):
            if is_number_of_a_step(name):
                assert find_name(asked, step) == name


def leaves(expr: Expr) -> Iterator[Ref]:
    """Every leaf of an expression that has a name."""
    yield from (leaf for leaf in all_leaves(expr) if isinstance(leaf, Ref))


def named(data: dict[str, Any]) -> Iterator[str]:
    """Every name of the same expression in JSON."""
    if data["kind"] == "ref":
        yield data["name"]
    for each in data.get("of", ()):
        yield from named(each)


def is_number_of_a_step(name: Name) -> bool:
    """Not a setting, a row's share, what the optimizer keeps, nor a letter's place in a sum."""
    if name.symbol == "d":
        return name.of == COST and name.by is not None and is_number_of_a_step(name.by)
    if name.mark not in ("", "after") or not all(isinstance(each, int) for each in name.index):
        return False
    return name.symbol in ("C", "L") or (name.symbol in NUMBERS and bool(name.index))
