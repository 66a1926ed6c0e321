"""The course pages: made from what the lessons told, and not older than the lessons."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from chainrule import lessons
from chainrule.language import Message, speaking, told
from chainrule.lessons.rendering import blocks_to_markdown
from chainrule.lessons.story import Block, Check, Say, Table
from chainrule.training.variants import MeanSpread

ROOT = Path(__file__).resolve().parents[2]
NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?(?:e[+-]?\d+)?")
LARGEST = 3_000_000  # bytes of all pictures together


def load_script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("course_script", ROOT / "scripts" / "course.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


course = load_script()


def numbers_apart(text: str) -> tuple[str, list[float]]:
    """Give a text without its numbers, and these."""
    return NUMBER.sub("#", text), [float(found.replace(",", "")) for found in NUMBER.findall(text)]


def assert_same(text: str, kept: str) -> None:
    """Two machines may differ in the last digits of what they compute, and in nothing else."""
    words, numbers = numbers_apart(text)
    kept_words, kept_numbers = numbers_apart(kept)
    assert words == kept_words
    np.testing.assert_allclose(numbers, kept_numbers, rtol=1e-6, atol=1e-12)


# The pages that are there; where one of these fails, run: make course


@pytest.mark.parametrize("language", course.PAGES)
def test_page_is_made_from_what_is_kept(language: str) -> None:
    page = (course.DOCS / course.PAGES[language]).read_text(encoding="utf-8")
    assert page == course.write_page(language), "run: make course"


@pytest.mark.parametrize("name", lessons.NAMES)
def test_lesson_tells_what_is_kept(name: str) -> None:
    kept = course.read_kept(name)
    assert kept is not None, "run: make course"
    assert kept["digest"] == course.digest(name), f"lesson {name} has changed; run: make course"
    if kept["fast"]:
        with speaking("en"):
            result = lessons.run(name)
            assert_same(blocks_to_markdown(result.blocks), blocks_to_markdown(course.blocks_of(kept)))


def test_pictures_are_all_there_and_small() -> None:
    there = list(course.images().iterdir())
    kept = {name: course.read_kept(name) for name in lessons.NAMES}
    wanted = {file for each in kept.values() for file in each["pictures"].values()} | {f"{name}.json" for name in kept}
    assert {path.name for path in there} == wanted
    assert sum(path.stat().st_size for path in there) < LARGEST


# The generator


def test_parts_are_the_course() -> None:
    assert tuple(name for part in course.PARTS.values() for name in part) == lessons.NAMES


@pytest.mark.parametrize("language", course.PAGES)
def test_words_of_the_pages(language: str) -> None:
    words = course.read_words(language)
    assert list(words) == ["page", *course.PARTS]
    for place in ("COUNT", "CONTENTS", "TRY_NEXT"):
        assert place in words["page"]
    code = [
        re.findall(r"^```.*?^```", course.read_words(each)["page"], re.DOTALL | re.MULTILINE) for each in course.PAGES
    ]
    assert code[0] == code[1]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder for the pages, and a course of two lessons."""
    monkeypatch.setattr(course, "DOCS", tmp_path)
    monkeypatch.setattr(lessons, "NAMES", ("mp-neuron", "neuron"))
    monkeypatch.setattr(course, "PARTS", {"neurons": ("mp-neuron", "neuron")})
    return tmp_path


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_course_of_two_lessons(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["course.py"])
    course.main()
    page = (folder / "course.md").read_text(encoding="utf-8")
    assert "in 2 lessons" in page
    assert "    - [2. One neuron](#neuron): one sigmoid neuron" in page
    assert '<a id="neuron"></a>\n\n### 2. One neuron\n' in page
    assert "$$z = w \\cdot x + b" in page
    assert "- ✓ output = 0.9990889488, expected 0.9990889488 ± 5e-11" in page
    assert "Run it: `chainrule lesson neuron`\n\nSettings: `--w` the weights (`0,1`); `--b` the bias (`4`); " in page
    for picture in re.findall(r"!\[[^\]]*\]\(([^)]*)\)", page):
        assert (folder / picture).exists()
    assert len(re.findall(r"^!\[", page, re.MULTILINE)) == 2
    chinese = (folder / "course.zh-CN.md").read_text(encoding="utf-8")
    assert "共 2 课" in chinese
    assert re.findall(r"^(#+) ", chinese, re.MULTILINE) == re.findall(r"^(#+) ", page, re.MULTILINE)

    # What took long is told again only where it must be.
    path = folder / "images" / "course" / "neuron.json"
    kept = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(kept | {"fast": False}), encoding="utf-8")
    capsys.readouterr()
    course.main()
    assert "neuron …" not in capsys.readouterr().out.splitlines()
    monkeypatch.setattr(sys, "argv", ["course.py", "neuron"])
    course.main()
    assert "neuron …" in capsys.readouterr().out.splitlines()
    path.write_text(json.dumps(kept | {"fast": False, "digest": "older"}), encoding="utf-8")
    monkeypatch.setattr(sys, "argv", ["course.py"])
    course.main()
    assert "neuron …" in capsys.readouterr().out.splitlines()


def test_missing_lesson_and_failed_check(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SystemExit, match=r"mp-neuron\.json is missing"):
        course.write_page("en")
    monkeypatch.setattr(lessons.Result, "passed", False)
    with pytest.raises(SystemExit, match="neuron: a check failed"):
        course.keep("neuron", {})
    assert not list(folder.rglob("*.json"))


@pytest.mark.parametrize(
    "block",
    [
        Say(Message("{a:.2f}, {b:,}, {c}", a=0.125, b=4344, c=(1, 2))),
        Say(Message("{kind}: {result:.1%}", kind=Message("{n} seeds", n=3), result=MeanSpread(0.5, 0.01))),
        Say(Message("{x:.3f} of {n}", x=np.float64(0.5), n=np.int64(7))),
        Table(("a", Message("b")), ((1.5, Message("{n}", n=2)), (None, True)), 4, Message("title")),
        Check("W", True, [[0.5]], [[0.5]], 1e-3),
        Check(Message("{n} is right", n=3), False),
    ],
)
def test_what_is_kept_is_the_same(block: Block) -> None:
    again: Any = course.decoded(json.loads(json.dumps(course.encoded(block))))
    assert blocks_to_markdown([again]) == blocks_to_markdown([block])
    assert type(again) is type(block)
    if isinstance(block, Say):
        assert again.text.key == block.text.key
        assert told(again.text) == told(block.text)


def test_numbers_may_differ_in_their_last_digits_only() -> None:
    assert_same("a = 0.5000000001, n = 1,000", "a = 0.5, n = 1,000")
    for other in ("a = 0.51, n = 1,000", "b = 0.5, n = 1,000", "a = 0.5, n = 1,001"):
        with pytest.raises(AssertionError):
            assert_same("a = 0.5, n = 1,000", other)
