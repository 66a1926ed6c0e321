"""The frame of the lessons: settings, what is told, and how it is shown as text, Markdown and HTML."""

from __future__ import annotations

import ast
import html.parser
import inspect
import math
import re
import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule import lessons
from chainrule.errors import MissingExtra, UnknownName, UsageError
from chainrule.language import Message, speaking, told, tr
from chainrule.lessons import Lesson, Result, Setting, Story
from chainrule.lessons.layout import cell_text, check_text, lines_of, table_lines, to_text
from chainrule.lessons.rendering import blocks_to_markdown, markdown_text, to_html, to_markdown
from chainrule.lessons.story import Check, Formula, Heading, Hint, Line, Say, Table
from chainrule.text import text_width, wrap

FOLDER = Path(inspect.getfile(lessons)).parent
ROOM_IN_LIST = 57  # columns that number and name leave of 80
# What options of every lesson are called.
TAKEN = {"plot", "show", "animate", "as_json", "json", "help", "lang"}


def picture() -> Any:
    from chainrule.plots import first_layer_weights

    return first_layer_weights([[0.5, -0.5]], (1, 2))


def everything(story: Story, n: int, w: tuple[float, ...], fails: bool, data_dir: str | None) -> None:
    story.say("There are {n} <numbers> & more.", n=n)
    story.heading("A part")
    story.formula("a < b", r"a < \frac{b}{2}")
    story.line("Epoch {j}: {right} / 10", j=1, right=9)
    story.line("Epoch {j}: {right} / 10", j=2, right=10)
    story.table((Message("name"), "a|b"), [(Message("first"), np.float64(0.5)), ("*b*", -12.25)], title=Message("Both"))
    story.try_next("Take {n} more.", command="made-up --n 4", n=1)
    story.value("sum", np.sum(w), expected=3.0, within=0.5)
    story.value("W", [[1.0, 2.0]], expected=[[1.0, 2.0]], within=5e-3)
    story.series("path", np.arange(3.0))
    story.check("n is {n}", not fails, n=n)
    story.picture(picture)


MADE_UP = Lesson(
    name="made-up",
    title=Message("Made <up>"),
    summary=Message("all pieces that there are"),
    tell=everything,
    settings=(
        Setting("n", 3, "how many", least=1, most=9),
        Setting("w", (1.0, 2.0), "the weights", any_size=True),
        Setting("fails", False, "whether a check fails"),
        Setting("data_dir", None, "where files are", kind=str, place=True),
    ),
)


def run(**given: Any) -> Result:
    story = Story(MADE_UP, MADE_UP.read(given))
    MADE_UP.tell(story, **story.result.settings)
    return story.result


# Settings

COUNT = Setting("n", 3, "how many", least=1, most=9)
RATE = Setting("rate", 0.1, "the rate", above=0)
VECTOR = Setting("x", (2.0, 3.0), "a point")
MATRIX = Setting("W", ((1.0, 2.0), (3.0, 4.0)), "weights")
NAME = Setting("optimizer", "sgd", "how", choices=("sgd", "adam"))
PLACE = Setting("data_dir", None, "where", kind=str)


@pytest.mark.parametrize(
    ("setting", "given", "value"),
    [
        (COUNT, "4", 4),
        (COUNT, 4.0, 4),
        (COUNT, np.int64(4), 4),
        (RATE, "1e-3", 0.001),
        (RATE, 1, 1.0),
        (VECTOR, "-2,-1", (-2.0, -1.0)),
        (VECTOR, "-2 -1", (-2.0, -1.0)),
        (VECTOR, [1, 2], (1.0, 2.0)),
        (VECTOR, np.array([1, 2]), (1.0, 2.0)),
        (MATRIX, "1 2; 3 4", ((1.0, 2.0), (3.0, 4.0))),
        (MATRIX, "1,2;3,4", ((1.0, 2.0), (3.0, 4.0))),
        (MATRIX, np.eye(2), ((1.0, 0.0), (0.0, 1.0))),
        (NAME, "adam", "adam"),
        (PLACE, None, None),
        (PLACE, "somewhere", "somewhere"),
        (Setting("yes", True, "whether"), False, False),
    ],
)
def test_settings_read_what_is_meant(setting: Setting, given: Any, value: Any) -> None:
    read = setting.read(given)
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    ("setting", "given", "words"),
    [
        (COUNT, "4.5", "a whole number, such as 3"),
        (COUNT, 0, ">= 1"),
        (COUNT, 10, "<= 9"),
        (COUNT, True, "a whole number"),
        (COUNT, None, "a whole number"),
        (COUNT, "x", "n is 'x'"),
        (RATE, 0, "> 0"),
        (RATE, "nan", "a number"),
        (RATE, math.inf, "a number"),
        (VECTOR, "1,2,3", "2 numbers, such as 2,3"),
        (VECTOR, "1 2; 3 4", "x is '1 2; 3 4'"),
        (VECTOR, "1,nan", "2 numbers"),
        (VECTOR, "", "2 numbers"),
        (VECTOR, 3, "2 numbers"),
        (MATRIX, "1 2; 3", "2 rows of 2 numbers, such as 1,2;3,4"),
        (MATRIX, "1 2", "2 rows of 2"),
        (Setting("w", (1.0,), "weights", any_size=True), "", "expected numbers, such as 1"),
        (Setting("W", ((1.0,),), "weights", any_size=True), "1 2; 3", "equally many"),
        (NAME, "adma", "did you mean 'adam'"),
        (Setting("yes", True, "whether"), "maybe", "True / False"),
        (Setting("seed", None, "seed", kind=int), "x", "expected a whole number"),
    ],
)
def test_settings_refuse(setting: Setting, given: Any, words: str) -> None:
    with pytest.raises(UsageError, match=re.escape(words)):
        setting.read(given)


def test_settings_of_any_size() -> None:
    assert Setting("w", (1.0,), "weights", any_size=True).read("1,2,3") == (1.0, 2.0, 3.0)


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=2, max_size=2))
@settings(deadline=None, max_examples=50)
def test_what_is_written_is_read_back(numbers: list[float]) -> None:
    assert VECTOR.read(Setting.written(tuple(numbers))) == tuple(numbers)
    assert Setting("t", 0.5, "").read(Setting.written(numbers[0])) == numbers[0]


def test_unknown_settings_and_lessons() -> None:
    with pytest.raises(UnknownName, match="setting of lesson made-up 'm'"):
        MADE_UP.read({"m": 3})
    with pytest.raises(UnknownName, match="did you mean 'neuron'"):
        lessons.run("neron")


def test_lesson_without_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sympy", None)
    with pytest.raises(MissingExtra, match=r"the lesson descent-1d needs sympy.*chainrule\[lessons\]"):
        lessons.run("descent-1d")


# What is told


def test_result_has_all_that_was_told() -> None:
    result = run()
    assert result.values == {"sum": 3.0, "W": [[1.0, 2.0]]}
    assert result.series == {"path": [0.0, 1.0, 2.0]}
    assert [type(block) for block in result.blocks] == [
        *(Say, Heading, Formula, Line, Line, Table, Hint),
        *(Check, Check, Check),
    ]
    assert result.passed
    assert result.as_told
    assert [check.name for check in result.checks] == ["sum", "W", "n is 3"]
    assert result.to_dict() == {
        "name": "made-up",
        "settings": {"n": 3, "w": (1.0, 2.0), "fails": False, "data_dir": None},
        "values": result.values,
        "series": result.series,
        "checks": [
            {"name": "sum", "passed": True, "value": 3.0, "expected": 3.0, "within": 0.5},
            {"name": "W", "passed": True, "value": [[1.0, 2.0]], "expected": [[1.0, 2.0]], "within": 5e-3},
            {"name": "n is 3", "passed": True},
        ],
    }


def test_figures_are_held_to_what_is_known_with_own_settings_only() -> None:
    changed = run(w=(5.0, 5.0))
    assert not changed.as_told
    assert changed.values["sum"] == 10.0
    assert [check.name for check in changed.checks] == ["n is 3"]
    assert not run(fails=True).passed
    assert run(data_dir="somewhere").as_told


@pytest.mark.parametrize("value", [2.4, [3.0], math.nan])
def test_figures_that_are_off_fail(value: Any) -> None:
    story = Story(MADE_UP, MADE_UP.read({}))
    story.value("x", value, expected=3.0, within=0.5)
    assert not story.result.passed


def test_listener_gets_each_piece_at_once() -> None:
    heard: list[Any] = []
    story = Story(MADE_UP, MADE_UP.read({}), heard.append)
    story.say("first")
    assert heard == story.result.blocks
    assert len(heard) == 1


def test_picture_is_drawn_once_and_late() -> None:
    drawn: list[int] = []
    result = run()
    result.draw = lambda: drawn.append(1) or picture()
    assert not drawn
    assert result.figure is result.figure
    assert drawn == [1]
    assert Result(MADE_UP, {}).figure is None


# Text


def test_text_has_everything() -> None:
    text = str(run())
    assert text == repr(run())
    assert text.splitlines() == [
        *("Made <up>", "=========", ""),
        *("There are 3 <numbers> & more.", "", "A part", "------", ""),
        *("    a < b", "", "Epoch 1: 9 / 10", "Epoch 2: 10 / 10", ""),
        *("Both", "name      a|b", "─────────────", "first    0.5", "*b*    -12.25", ""),
        *("✓ sum = 3, expected 3 ± 0.5", "✓ W = (1, 2), expected (1, 2) ± 0.005", "✓ n is 3", ""),
        *("Try next", "  Take 1 more.", "    chainrule lesson made-up --n 4"),
    ]


def test_text_in_chinese() -> None:
    with speaking("zh"):
        result = run()
        expected = tr("Try next")
    assert result.language == "zh"
    assert expected in str(result)  # also where another language is in use when it is shown


@given(st.text(alphabet="ab ，神经元。（）", max_size=60), st.integers(4, 30))
@settings(deadline=None, max_examples=100)
def test_wrapped_lines_fit_and_lose_nothing(text: str, width: int) -> None:
    lines = wrap(text, width)
    assert re.sub(" ", "", "".join(lines)) == re.sub(" ", "", text)
    for line in lines:
        # One word may be longer than a line.
        assert text_width(line) <= width or len(wrap(line, width)) == 1


def test_chinese_is_wrapped_between_characters() -> None:
    assert wrap("神经元做三件事：加权，求和。", 10) == ["神经元做三", "件事：加", "权，求和。"]


@pytest.mark.parametrize(
    ("cell", "digits", "text"),
    [
        (0.0474258732, 9, "0.0474258732"),
        (0.0474258732, 3, "0.0474"),
        (7.0, 10, "7"),
        (-0.0, 3, "0"),
        (5.09258994e-10, 9, "5.09258994e-10"),
        (12345.678, 3, "12,346"),
        (1e20, 3, "1e+20"),
        (4344, 3, "4,344"),
        (np.int64(4344), 3, "4,344"),
        (None, 3, ""),
        (False, 3, "no"),
        (math.nan, 3, "nan"),
        ("{braces}", 3, "{braces}"),
        ("two\nlines", 3, "two lines"),
        ([1.0, 2.5], 3, "(1, 2.5)"),
        ([[1.0, 2.5], [3.0, 4.0]], 3, "(1, 2.5; 3, 4)"),
        ({"OR": [0, 1]}, 3, "OR: (0, 1)"),
    ],
)
def test_cells(cell: Any, digits: int, text: str) -> None:
    assert cell_text(cell, digits) == text


def test_points_stand_below_each_other() -> None:
    table = Table(("step", "z"), (("a", 7.0), ("b", -0.25), ("c", 1.5e-7)), digits=4)
    assert table_lines(table, 80) == [
        "step         z",
        "──────────────",
        "a      7",
        "b     -0.25",
        "c      1.5e-07",
    ]


def test_columns_line_up_with_chinese() -> None:
    table = Table(("名称", "n"), (("神经元", 3), ("bias", 14)), digits=4)
    lines = table_lines(table, 80)
    assert {text_width(line) for line in lines} == {text_width(lines[0])}


def test_wide_tables_wrap_their_last_column_or_become_lists() -> None:
    words = "a sentence that is longer than its column"
    table = Table(("name", "what it is"), (("one", words), ("two", "short")), digits=4)
    lines = table_lines(table, 30)
    assert max(map(text_width, lines)) <= 30
    assert lines[2] == "one   a sentence that is"
    assert lines[3] == "      longer than its column"
    narrow = table_lines(Table(("name", "x", "y"), (("one", 0.123456789, 0.123456789),), digits=9), 20)
    assert narrow == ["name: one", "  x: 0.123456789", "  y: 0.123456789"]
    assert table_lines(Table(("a", "b"), (), digits=4), 80) == ["a  b", "────"]


@pytest.mark.parametrize(
    ("check", "text"),
    [
        (Check("it holds", True), "✓ it holds"),
        (Check("it holds", False), "✗ does not hold: it holds"),
        (Check("o", True, 0.99908894882, 0.9990889488, 5e-11), "✓ o = 0.9990889488, expected 0.9990889488 ± 5e-11"),
        (Check("o", False, 0.5, 0.9990889488, 5e-11), "✗ o = 0.5, but 0.9990889488 ± 5e-11 was expected"),
        (Check("n", True, 4, 4, 0.0), "✓ n = 4, expected 4"),
        (Check("p", True, [5.092589941e-10], [5.09258994e-10], 5e-19), None),
        (Check("a", True, 0.9613, 0.95, 0.05), "✓ a = 0.961, expected 0.95 ± 0.05"),
        (Check("x", False, math.nan, 1.0, 0.5), "✗ x = nan, but 1 ± 0.5 was expected"),
        (Check("x", False, 0.0, 1.0, 0.5), "✗ x = 0, but 1 ± 0.5 was expected"),
    ],
)
def test_checks_say_what_was_expected(check: Check, text: str | None) -> None:
    assert check_text(check) == (text or "✓ p = (5.09258994e-10), expected (5.09258994e-10) ± 5e-19")


def test_lines_of_output_hang() -> None:
    assert lines_of(Line(Message("one two three")), 8) == ["one two", "  three"]


# Markdown and HTML


def test_markdown_has_everything() -> None:
    text = to_markdown(run())
    assert text.startswith(
        "## Made &lt;up&gt;\n\n*all pieces that there are*\n\nThere are 3 &lt;numbers&gt; &amp; more."
    )
    assert "### A part" in text
    assert "\n\n$$a < \\frac{b}{2}$$\n\n" in text
    assert "```text\nEpoch 1: 9 / 10\nEpoch 2: 10 / 10\n```" in text
    assert "Both\n\n| name | a\\|b |\n| :-- | --: |\n| first | 0.5 |\n| \\*b\\* | -12.25 |" in text
    assert "- ✓ n is 3" in text
    assert text.endswith("**Try next**\n\n- Take 1 more.\n  `chainrule lesson made-up --n 4`\n")
    assert run()._repr_markdown_() == text


def test_markdown_with_a_picture_and_deeper_headings() -> None:
    text = blocks_to_markdown(run().blocks, level=5, picture="![x](x.png)")
    assert "##### A part" in text
    assert text.index("n is 3") < text.index("![x](x.png)") < text.index("Try next")


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("# no heading", "\\# no heading"),
        ("- no list", "\\- no list"),
        ("-1.5", "-1.5"),
        ("1986. No list", "1986\\. No list"),
        ("x[0] is [0, 1]", "x[0] is [0, 1]"),
        ("[a](b)", "[a]&#40;b)"),
        ("w_1 * `x` | $y$ {z} ~", "w\\_1 \\* \\`x\\` \\| \\$y\\$ \\{z\\} &#126;"),
        ("a < b & c", "a &lt; b &amp; c"),
    ],
)
def test_markdown_texts_stay_what_they_are(text: str, escaped: str) -> None:
    assert markdown_text(text) == escaped


class Parser(html.parser.HTMLParser):
    """Sees that each element is closed, in order, and collects texts and sources."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.texts: list[str] = []
        self.sources: list[str] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.sources += [value for name, value in attrs if name in ("src", "href")]
        if tag not in ("br", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_html_is_whole_and_needs_nothing_else() -> None:
    parser = Parser()
    text = run()._repr_html_()
    parser.feed(text)
    assert not parser.open
    assert [source[:22] for source in parser.sources] == ["data:image/png;base64,"]
    shown = "\n".join(parser.texts)
    for words in (
        "Made <up>",
        "There are 3 <numbers> & more.",
        r"$$a < \frac{b}{2}$$",
        "a < b",
        "-12.25",
        "*b*",
        "n is 3",
    ):
        assert words in shown
    assert "<script" not in text


def test_html_without_a_picture_and_in_chinese() -> None:
    result = run()
    result.draw = None
    assert "<img" not in to_html(result)
    result.language = "zh"
    assert '<div lang="zh">' in to_html(result)


# The lessons


def test_each_lesson_has_a_file_of_its_name() -> None:
    assert len(set(lessons.NAMES)) == len(lessons.NAMES)
    for name in lessons.NAMES:
        lesson = lessons.find(name)
        assert lesson.name == name
        assert takes(lesson.tell, [each.name for each in lesson.settings])


def takes(tell: Callable[..., None], settings: Sequence[str]) -> bool:
    """Say whether a lesson is told with a story and these settings: all by name, or some by name and the others as
    ``**given``.
    """
    parameters = list(inspect.signature(tell).parameters.values())[1:]
    names = [each.name for each in parameters if each.kind is not inspect.Parameter.VAR_KEYWORD]
    return set(names) <= set(settings) if len(names) < len(parameters) else names == list(settings)


@pytest.mark.parametrize(
    ("tell", "right"),
    [
        (lambda story, n, rate: None, True),
        (lambda story, rate, n: None, False),
        (lambda story, n: None, False),
        (lambda story, n, rate, seed: None, False),
        (lambda story, rate, **given: None, True),
        (lambda story, seed, **given: None, False),
    ],
)
def test_what_takes_the_settings(tell: Callable[..., None], right: bool) -> None:
    assert takes(tell, ["n", "rate"]) is right


@pytest.mark.parametrize("name", lessons.NAMES)
class TestLesson:
    """What holds for each of them."""

    def test_words(self, name: str) -> None:
        lesson = lessons.find(name)
        for text in (lesson.title, lesson.summary):
            assert isinstance(text, Message)
            assert not text.endswith(".")
        for language in ("en", "zh"):
            with speaking(language):
                assert text_width(told(lesson.summary)) <= ROOM_IN_LIST

    def test_settings(self, name: str) -> None:
        for setting in lessons.find(name).settings:
            assert setting.name.isidentifier()
            assert setting.name not in TAKEN
            assert setting.text
            assert setting.read(setting.default) == setting.default
            if setting.default is not None and setting.type is not bool:
                assert setting.read(setting.written(setting.default)) == setting.default

    def test_animation_is_announced(self, name: str) -> None:
        calls = [ast.unparse(call.func) for call in calls_of(name)]
        assert lessons.find(name).animated == ("story.animation" in calls)
        assert calls.count("story.picture") == 1

    def test_hints_can_be_done(self, name: str) -> None:
        """Each command behind a hint names a lesson and settings that it has, with values that can be."""
        hints = [call for call in calls_of(name) if ast.unparse(call.func) == "story.try_next"]
        assert 1 <= len(hints) <= 3
        for hint in hints:
            (command,) = (keyword.value for keyword in hint.keywords if keyword.arg == "command")
            if isinstance(command, ast.Constant):
                other, *options = shlex.split(command.value)
                lessons.find(other).read(settings_of(lessons.find(other), options))


def calls_of(name: str) -> list[ast.Call]:
    """Every call in the file of a lesson, and in those of its helpers among the lessons."""
    waiting, seen, calls = [name.replace("-", "_")], {"lesson", "story"}, []
    while waiting:
        module = waiting.pop()
        seen.add(module)
        text = (FOLDER / f"{module}.py").read_text(encoding="utf-8")
        calls += [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
        found = re.findall(r"^from chainrule\.lessons\.(\w+) import", text, re.MULTILINE)
        waiting += [each for each in found if each not in seen]
    return calls


def settings_of(lesson: Lesson, options: list[str]) -> dict[str, Any]:
    """Read ``--name value`` and ``--flag``; what is an option of every lesson is left out."""
    flags = {each.name for each in lesson.settings if each.type is bool}
    found: dict[str, Any] = {}
    waiting = list(options)
    while waiting:
        option = waiting.pop(0)
        assert option.startswith("--")
        name = option[2:].replace("-", "_")
        if name in flags or name.removeprefix("no_") in flags:
            found[name.removeprefix("no_")] = not name.startswith("no_")
        elif name in TAKEN:
            assert name in ("show", "json") or waiting.pop(0)
        else:
            found[name] = waiting.pop(0)
    return found


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda path: path.stem)
def test_files_are_short(path: Path) -> None:
    """A lesson that needs more than about 80 lines wants something of the library."""
    if path.stem.replace("_", "-") in lessons.NAMES:
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 100


def test_unicode_text_of_a_lesson_fits() -> None:
    result = lessons.run("neuron")
    assert max(map(text_width, to_text(result).splitlines())) <= 80
