"""Write the course, docs/course.md and docs/course.zh-CN.md, from the lessons: python scripts/course.py [LESSON …].

Each lesson is run, its pictures are drawn, and what it told is kept beside them in docs/images/course. The pages are
made from what is kept, in both languages. A lesson that took longer than a second is run again only if its source has
changed, if it is named on the command line, or with --all. digits-mnist needs --mnist FOLDER.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import re
import sys
import tempfile
import time
import warnings
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np

from chainrule import lessons
from chainrule.errors import ChainruleError
from chainrule.explain import expressions, names
from chainrule.explain import page as pages
from chainrule.language import Message, speaking, told, tr
from chainrule.lessons import story
from chainrule.lessons.rendering import blocks_to_markdown, markdown_text
from chainrule.plots import save_figure
from chainrule.training.variants import MeanSpread

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
SOURCES = ROOT / "src" / "chainrule" / "lessons"
WORDS = ROOT / "scripts"  # course.en.md and course.zh.md have the pages' own words
PAGES = {"en": "course.md", "zh": "course.zh-CN.md"}
COLOURS = 256  # of a PNG
# Where the kinds of what is kept are defined; those of a derivation are written with their module's name.
KINDS = {"": story, "page.": pages, "expressions.": expressions, "names.": names}
FAST = 1.0  # seconds

# What stands around the settings of a lesson.
AROUND = {
    "en": {
        "run": "Run it:",
        "settings": "Settings:",
        "value": "`{option}` {text} (`{default}`)",
        "between": "; ",
        "end": ".",
    },
    "zh": {
        "run": "运行：",
        "settings": "可改的设置：",
        "value": "`{option}` {text}（`{default}`）",
        "between": "；",
        "end": "。",
    },
}

PARTS: dict[str, tuple[str, ...]] = {
    "neurons": ("mp-neuron", "neuron", "feedforward", "activations", "weight-and-bias"),
    "derivatives": ("losses", "chain-rule", "one-derivative", "one-neuron"),
    "descent": ("descent-1d", "descent-2d", "linear-regression"),
    "small": ("gender", "step-by-step", "xor", "batch-sizes"),
    "deep": ("deep-binary", "initialization", "softmax", "shallow-deep", "digits-mnist", "tricks", "autoencoder"),
}


def main() -> None:
    """Run what must be run, and write the pages."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="LESSON", help="run these in any case")
    parser.add_argument("--all", action="store_true", help="run all lessons, however long they take")
    parser.add_argument("--mnist", metavar="FOLDER", help="the folder with the files of MNIST")
    given = parser.parse_args()
    for name in given.names:
        lessons.find(name)
    for name in lessons.NAMES:
        kept = read_kept(name)
        if kept is None or given.all or name in given.names or kept["fast"] or kept["digest"] != digest(name):
            print(f"{name} …", flush=True)
            keep(name, {"data_dir": given.mnist} if given.mnist and name == "digits-mnist" else {})
    for language, page in PAGES.items():
        (DOCS / page).write_text(write_page(language), encoding="utf-8", newline="\n")
    size = sum(path.stat().st_size for path in images().iterdir())
    print(f"{', '.join(PAGES.values())}; docs/images/course has {size / 1e6:.1f} MB")


def images() -> Path:
    """The folder of the pictures, and of what the lessons told."""
    return DOCS / "images" / "course"


def digest(name: str) -> str:
    """Give a digest of a lesson's source, and of its helpers among the lessons."""
    seen: list[str] = []
    waiting = [name.replace("-", "_")]
    while waiting:
        module = waiting.pop()
        text = (SOURCES / f"{module}.py").read_text(encoding="utf-8")
        seen.append(text)
        found = re.findall(r"^from chainrule\.lessons\.(\w+) import", text, re.MULTILINE)
        waiting += [each for each in found if each not in ("lesson", "story")]
    return hashlib.sha256("".join(sorted(set(seen))).encode()).hexdigest()[:16]


# What the lessons told


def keep(name: str, settings: dict[str, Any]) -> None:
    """Run a lesson, and keep what it told and its pictures."""
    began = time.perf_counter()
    try:
        with speaking("en"):
            result = lessons.run(name, **settings)
    except ChainruleError as error:
        sys.exit(f"{name}: {error}")
    seconds = time.perf_counter() - began
    if not result.passed:
        sys.exit(f"{name}: a check failed; see chainrule lesson {name}")
    images().mkdir(parents=True, exist_ok=True)
    for old in images().glob(f"{name}.*"):
        old.unlink()
    kept = {
        "digest": digest(name),
        "fast": seconds < FAST,
        "pictures": draw(name, result),
        "blocks": [encoded(block) for block in result.blocks],
    }
    text = json.dumps(kept, ensure_ascii=False, indent=1)
    (images() / f"{name}.json").write_text(text + "\n", encoding="utf-8", newline="\n")


def read_kept(name: str) -> dict[str, Any] | None:
    """Give what is kept of a lesson, or None."""
    path = images() / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def blocks_of(kept: dict[str, Any]) -> list[Any]:
    """Give the pieces that a lesson told."""
    return [decoded(block) for block in kept["blocks"]]


def encoded(value: Any) -> Any:
    """Write a piece of a lesson, or a part of it, as JSON knows it; messages keep their templates."""
    if isinstance(value, Message):
        return {"message": value.key, "fields": {name: encoded(each) for name, each in value.fields.items()}}
    if isinstance(value, (np.ndarray, np.generic)):
        return encoded(value.tolist())
    if value is None or isinstance(value, (str, int, float)):
        return value
    if isinstance(value, MeanSpread):
        return {"mean": encoded(value.mean), "spread": encoded(value.spread)}
    if isinstance(value, tuple):
        return {"tuple": [encoded(each) for each in value]}
    if isinstance(value, list):
        return [encoded(each) for each in value]
    if isinstance(value, dict):
        return {"pairs": [[encoded(key), encoded(each)] for key, each in value.items()]}
    for prefix, module in KINDS.items():
        if is_dataclass(value) and type(value).__module__ == module.__name__:
            return {"kind": prefix + type(value).__name__} | encoded_fields(value)
    return str(value)


def encoded_fields(value: Any) -> dict[str, Any]:
    """Write the fields of a piece; those of a derivation's many parts only where they differ from the default."""
    kept = {each.name: (getattr(value, each.name), each.default) for each in fields(value)}
    whole = type(value).__module__ == story.__name__
    return {name: encoded(held) for name, (held, default) in kept.items() if whole or repr(held) != repr(default)}


def decoded(value: Any) -> Any:
    """Read what `encoded` wrote."""
    if isinstance(value, list):
        return [decoded(each) for each in value]
    if not isinstance(value, dict):
        return value
    if "kind" in value:  # before the others: a field of a kind may bear one of their names
        module, dot, kind = value["kind"].rpartition(".")
        parts = {name: decoded(each) for name, each in value.items() if name != "kind"}
        return getattr(KINDS[module + dot], kind)(**parts)
    if "message" in value:
        return Message(value["message"], **{name: decoded(each) for name, each in value["fields"].items()})
    if "tuple" in value:
        return tuple(decoded(each) for each in value["tuple"])
    if "pairs" in value:
        return {decoded(key): decoded(each) for key, each in value["pairs"]}
    return MeanSpread(decoded(value["mean"]), decoded(value["spread"]))


# Pictures


def draw(name: str, result: story.Result) -> dict[str, str]:
    """Draw a lesson's picture for each language; where no word in it differs, one is enough."""
    assert result.draw is not None, f"{name} has no picture"
    drawn: dict[str, str] = {}
    before: tuple[bytes, str] | None = None
    for language in PAGES:
        with speaking(language):
            figure = result.draw()
            vector, pixels = as_svg(figure), as_png(figure)
        if before is not None and vector == before[0]:
            drawn[language] = before[1]
            continue
        kind, content = min(("svg", vector), ("png", pixels), key=lambda each: len(each[1]))
        file = f"{name}.{kind}" if before is None else f"{name}.{language}.{kind}"
        (images() / file).write_bytes(content)
        before, drawn[language] = (vector, file), file
    return drawn


def as_svg(figure: Any) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        return save_figure(figure, Path(folder) / "picture.svg").read_bytes()


def as_png(figure: Any) -> bytes:
    """Give a PNG with few colours, so that the repository stays small."""
    from PIL import Image  # comes with matplotlib

    with tempfile.TemporaryDirectory() as folder:
        path = save_figure(figure, Path(folder) / "picture.png")
        with Image.open(path) as image:
            few = image.convert("RGB").quantize(COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    buffer = io.BytesIO()
    few.save(buffer, "png", optimize=True, dpi=(150, 150))
    return buffer.getvalue()


# Pages


def write_page(language: str) -> str:
    """Make the page of the course from what is kept."""
    words, names = read_words(language), lessons.NAMES
    contents, body = [], []
    with speaking(language):
        for part, members in PARTS.items():
            title, what = words[part].split("\n", 1)
            contents += [f"- [{title}](#{part})"]
            contents += [f"    - {entry(name, names.index(name) + 1)}" for name in members]
            body += [f'<a id="{part}"></a>\n\n## {title}\n\n{what.strip()}\n']
            body += [chapter(name, names.index(name) + 1, language) for name in members]
        filled = {"COUNT": str(len(names)), "CONTENTS": "\n".join(contents), "TRY_NEXT": tr("Try next")}
    head = re.sub("|".join(filled), lambda place: filled[place[0]], words["page"])
    return "\n".join([head + "\n", *body])


def entry(name: str, number: int) -> str:
    """Give the line of the table of contents for a lesson."""
    lesson = lessons.find(name)
    return f"[{number}. {markdown_text(told(lesson.title))}](#{name}): {markdown_text(told(lesson.summary))}"


def chapter(name: str, number: int, language: str) -> str:
    """Write what a lesson told."""
    kept, lesson, around = read_kept(name), lessons.find(name), AROUND[language]
    if kept is None:
        sys.exit(f"docs/images/course/{name}.json is missing; run: make course")
    title = markdown_text(told(lesson.title))
    picture = f"![{title}](images/course/{kept['pictures'][language]})"
    parts = [
        f'<a id="{name}"></a>\n\n### {number}. {title}\n\n*{markdown_text(told(lesson.summary))}*\n',
        blocks_to_markdown(blocks_of(kept), level=4, picture=picture),
        f"{around['run']} `chainrule lesson {name}`\n",
    ]
    if lesson.settings:
        settings = around["between"].join(setting_text(each, around["value"]) for each in lesson.settings)
        parts.append(f"{around['settings']} {settings}{around['end']}\n")
    return "\n".join(parts)


def setting_text(setting: lessons.Setting, form: str) -> str:
    """Say what a setting is, and what it is unless one says otherwise."""
    option, text = f"--{setting.name.replace('_', '-')}", markdown_text(tr(setting.text))
    if setting.default is None:
        return f"`{option}` {text}"
    return form.format(option=option, text=text, default=setting.written(setting.default))


def read_words(language: str) -> dict[str, str]:
    """Read the words of a page, each piece below a comment with its name."""
    text = (WORDS / f"course.{language}.md").read_text(encoding="utf-8")
    pieces = re.split(r"^<!-- (\w+) -->\n", text, flags=re.MULTILINE)[1:]
    return {name: words.strip("\n") for name, words in zip(pieces[::2], pieces[1::2], strict=True)}


if __name__ == "__main__":
    warnings.simplefilter("once")  # where there is no Chinese font, one line says so
    main()
