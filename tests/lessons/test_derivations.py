"""Derivations in lessons: shown in every format, without a title, and multiplying out as explanations do."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chainrule import SGD, Network, backprop, explain, lessons, trace
from chainrule.cli.output import Output
from chainrule.cli.story import Teller
from chainrule.explain.expressions import Expr, Ref, leaves
from chainrule.explain.names import Name
from chainrule.explain.page import Equation, Grid, Heading, Page, Prose
from chainrule.explain.slip import slip_blocks
from chainrule.explain.updates.tables import update_grid
from chainrule.language import Message, speaking, tr
from chainrule.lessons import Lesson, Result, Story
from chainrule.lessons.layout import lines_of, to_text
from chainrule.lessons.rendering import blocks_to_markdown, to_html
from chainrule.lessons.story import Derivation, Say
from chainrule.text import text_width

from ..explain.parsing import check_html, check_latex, check_text

ROOT = Path(__file__).resolve().parents[2]
# Lessons with derivations, their settings where they would take long, and how many lines there are to multiply out.
LESSONS: dict[str, tuple[dict[str, Any], int]] = {
    "one-derivative": ({}, 4),
    "one-neuron": ({"updates": 1}, 3),
    "step-by-step": ({"updates": 2}, 15),
    "softmax": ({"splits": 1, "epochs": 1}, 2),
}
X, Y = [[0.05, 0.10]], [[0.01, 0.99]]


@pytest.fixture(scope="module")
def model() -> Any:
    """The worked example."""
    model = Network.from_sizes([2, 2, 2], hidden="sigmoid", output="sigmoid").init()
    model["W1"], model["b1"] = [[0.15, 0.20], [0.25, 0.30]], 0.35
    model["W2"], model["b2"] = [[0.40, 0.45], [0.50, 0.55]], 0.60
    return model


def explained(model: Any, of: str | None, **given: Any) -> Page:
    return explain(model, X, Y, of, loss="half_squared_error", optimizer=SGD(0.5), notation="textbook", **given)


def told(*pages: tuple[Page, str]) -> Result:
    """What a lesson shows that has nothing but derivations behind a heading."""

    def tell(story: Story) -> None:
        story.heading("A part")
        for page, part in pages:
            story.derivation(page, part)

    lesson = Lesson(name="made-up", title=Message("Made up"), summary=Message("derivations"), tell=tell)
    story = Story(lesson, {})
    tell(story)
    return story.result


def pages_of(result: Result) -> list[Page]:
    return [block.page for block in result.blocks if isinstance(block, Derivation)]


# What is shown


def test_text_has_the_three_factors(model: Any) -> None:
    text = str(told((explained(model, "dC/dw5"), "paths")))
    assert text.splitlines()[:10] == [
        *("Made up", "=======", "", "A part", "------", ""),
        *("One path leads from w5 to the cost, and its factors are multiplied.", ""),
        "  ∂E/∂w5 = ∂E/∂out_o1 × ∂out_o1/∂net_o1 × out_h1",
        "         = 0.74136507 × 0.18681560 × 0.59326999",
    ]
    assert "         = 0.08216704\n" in text


def test_parts_of_an_explanation(model: Any) -> None:
    page = explained(model, "dC/dw1", depth=2)
    line, steps, paths, whole = (pages_of(told((page, part)))[0] for part in ("line", "steps", "paths", "whole"))
    assert [type(block) for block in line.blocks] == [Equation]
    assert line.blocks[0] in steps.blocks
    assert whole.blocks == (*steps.blocks, *paths.blocks)
    assert set(whole.blocks) < set(page.blocks)
    for shown in (line, steps, paths, whole):
        assert (shown.title, shown.notation, shown.sizes, shown.digits) == ("", "textbook", (2, 2, 2), 8)
    text = whole.text()
    # Neither the title, nor what the lesson says itself, nor digits that belong to one machine.
    for words in ("Where", "A 2-2-2 network", "Nudging", "What counts"):
        assert words in page.text()
        assert words not in text


def test_parts_of_numbers_that_are_no_derivatives(model: Any) -> None:
    after, cost = explained(model, "w5 after", depth=1), explained(model, "out_h1")
    assert [type(block) for block in pages_of(told((after, "steps")))[0].blocks] == [Equation, Grid]
    assert pages_of(told((cost, "paths")))[0].blocks == ()
    page = backprop(model)
    assert pages_of(told((page, "whole")))[0].blocks == page.blocks


def test_headings_stand_one_level_below_the_lessons(model: Any) -> None:
    result = told((backprop(model), "whole"))
    markdown, html, text = blocks_to_markdown(result.blocks, level=4), to_html(result), str(result)
    assert re.findall(r"^#+ .*", markdown, re.MULTILINE)[:3] == ["#### A part", "##### Forward", "##### Cost"]
    assert re.findall(r"<h(\d)>([^<]*)", html)[:4] == [
        ("2", "Made up"),
        ("3", "A part"),
        ("4", "Forward"),
        ("4", "Cost"),
    ]
    assert "\n\nForward\n\n" in text
    assert "─" not in text


def test_words_are_told_in_the_lessons_language() -> None:
    page = Page("", (Heading(Message("Try next")), Prose(Message("Try next"))))
    with speaking("zh"):
        result, there = told((page, "whole")), tr("Try next")
    assert there != "Try next"
    for shown in (to_text(result), to_html(result)):
        assert shown.count(there) == 2
        assert "Try next" not in shown


def test_terminal_shows_the_text(
    model: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    (block,) = (each for each in told((explained(model, "dC/dw1"), "whole")).blocks if isinstance(each, Derivation))
    Teller(Output(as_json=False)).tell(block)
    assert capsys.readouterr().out.strip("\n") == "\n".join(lines_of(block)).strip("\n")


# The lessons


@pytest.fixture(scope="module", params=LESSONS)
def lesson(request: pytest.FixtureRequest) -> tuple[Result, int]:
    settings, least = LESSONS[request.param]
    return lessons.run(request.param, **settings), least


def test_derivations_of_lessons_multiply_out(lesson: tuple[Result, int]) -> None:
    result, least = lesson
    counts = np.zeros(3, int)
    for page in pages_of(result):
        block = Derivation(page)
        html = told((page, "whole"))
        html.draw = None
        counts += (
            check_text("\n".join(lines_of(block)), page.digits),
            check_latex(blocks_to_markdown([block]), page.digits),
            check_html(to_html(html), page.digits),
        )
    assert counts.min() >= least


def test_lessons_fit_a_terminal(lesson: tuple[Result, int]) -> None:
    lines = [line for block in lesson[0].blocks for line in lines_of(block) if isinstance(block, (Derivation, Say))]
    assert max(map(text_width, lines)) <= 80


def values_of(result: Result, name: Name) -> set[float]:
    """What a number is said to be, wherever it stands."""
    sides = [
        side for page in pages_of(result) for each in page.blocks if isinstance(each, Equation) for side in of(each)
    ]
    return {leaf.value for side in sides for leaf in leaves(side) if isinstance(leaf, Ref) and leaf.name == name}


def of(equation: Equation) -> tuple[Expr, ...]:
    return (equation.left, *equation.forms)


def test_step_by_step_shows_the_numbers_that_it_is_held_to() -> None:
    result = lessons.run("step-by-step", updates=2)
    assert values_of(result, Name("a", 1, (0,))) == {result.values["hidden"][0]}
    (slope,) = values_of(result, Name("d", of=Name("C"), by=Name("W", 2, (0, 0))))
    assert slope == pytest.approx(result.values["dC_dw5"], rel=1e-15)
    (grid,) = (block for page in pages_of(result) for block in page.blocks if isinstance(block, Grid))
    after = [row[-1] for row in grid.rows]
    assert after == pytest.approx(np.ravel([result.values["W1_after_1"], result.values["W2_after_1"]]), rel=1e-15)
    (slipped,) = values_of(result, Name("delta", 1, (0,), mark="slip"))
    (right,) = values_of(result, Name("delta", 1, (0,)))
    assert (round(right, 8), round(slipped, 8)) == (0.00877135, 0.00729446)


# The course's pages


def load_script() -> Any:
    spec = importlib.util.spec_from_file_location("course_script_for_derivations", ROOT / "scripts" / "course.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_what_is_kept_of_a_derivation_is_the_same(model: Any) -> None:
    course, step = load_script(), trace(model, X, Y, loss="half_squared_error")
    blocks = (*explained(model, None).blocks, *backprop(model).blocks, *slip_blocks(step), update_grid(step))
    index = explain(model, [X[0], X[0]], [Y[0], Y[0]], "dC/dW1[0,1]", notation="rows", most=1)
    for page in (Page("", blocks, "textbook", 6, sizes=(2, 2, 2)), Page("", index.blocks, "rows")):
        again = course.decoded(json.loads(json.dumps(course.encoded(Derivation(page)))))
        assert isinstance(again, Derivation)
        for language in ("en", "zh"):
            with speaking(language):
                assert again.page.json() == page.json()
                assert blocks_to_markdown([again]) == blocks_to_markdown([Derivation(page)])
