"""The documentation holds: its examples run, its links lead somewhere, and both READMEs have the same parts."""

from __future__ import annotations

import ast
import contextlib
import doctest
import io
import os
import re
import shlex
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

ROOT = Path(__file__).resolve().parent.parent
READMES = [ROOT / "README.md", ROOT / "README.zh-CN.md"]
DOCS = ROOT / "docs"
EXAMPLES = [*READMES, *sorted(DOCS.rglob("*.md"))]
MARKDOWN = [*EXAMPLES, ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"]

FENCE = re.compile(r"^(?P<indent> *)(?P<ticks>`{3,})(?P<language>[\w-]*)")
CODE = re.compile(r"^ *(`{3,}).*?^ *\1$|(`+)(?!`).+?\2", re.DOTALL | re.MULTILINE)
NOT_RUN = re.compile(r"<!-- not run: \S.* -->")
LINK = re.compile(r"!?\[[^\]]*\]\(\s*<?(?P<target>[^)\s>]+)")
IMAGE = re.compile(r"<(?:img|source)\b[^>]*\b(?:src|srcset)=\"(?P<target>[^\"]+)\"")
HEADING = re.compile(r"^(#+) ", re.MULTILINE)
# Console lines that prepare a machine; the tests run where that has been done.
PREPARING = ("make", "git", "pip", "python -m pip", "python -m venv", "cd", "source")
# One language to write each kind of block in, so that none slips by.
ALIASES = {"py": "python", "python3": "python", "bash": "console", "sh": "console", "shell": "console"}


class Block(NamedTuple):
    """A fenced block of code."""

    language: str
    code: str
    line: int  # of its first line of code, counted from 1
    runs: bool  # no "not run" comment stands before it


def read_blocks(text: str) -> Iterator[Block]:
    """Every fenced block of a Markdown text, also those in lists and tabs, which are indented."""
    lines = iter(enumerate(text.split("\n"), start=1))
    before = ""
    for number, line in lines:
        if fence := FENCE.match(line):
            code = []
            for _, inner in lines:
                if inner.strip() == fence["ticks"]:
                    break
                code.append(inner)
            else:
                raise ValueError(f"the block that begins in line {number} has no end")
            language = ALIASES.get(fence["language"], fence["language"])
            yield Block(language, textwrap.dedent("\n".join(code)), number + 1, not NOT_RUN.search(before))
        if line.strip():
            before = line


def run_python(block: Block, path: Path, names: dict[str, Any]) -> None:
    """Run a block so that a traceback names the line of the document."""
    exec(compile("\n" * (block.line - 1) + block.code, str(path), "exec", dont_inherit=True), names)


def run_doctest(block: Block, path: Path, names: dict[str, Any]) -> None:
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    test = doctest.DocTestParser().get_doctest(block.code, names, path.name, str(path), block.line - 1)
    output = io.StringIO()
    result = doctest.DocTestRunner(optionflags=flags).run(test, out=output.write, clear_globs=False)
    names.update(test.globs)
    assert result.attempted, f"{path.name}:{block.line}: a pycon block without >>>"
    assert not result.failed, output.getvalue()


def read_commands(block: Block) -> list[str]:
    """What is typed after each `$ `; a line that ends in a backslash goes on in the next."""
    return re.findall(r"^\$ (.*)$", block.code.replace("\\\n", " "), re.MULTILINE)


def run_command(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run `chainrule …` with this Python; a pipeline of them, or a redirection, goes through the shell."""
    chainrule = [sys.executable, "-m", "chainrule"]
    through_shell = bool(re.search(r"[|<>]", command))
    line = re.sub(r"(^|\| *)chainrule\b", lambda match: match[1] + shlex.join(chainrule), command)
    return subprocess.run(
        line if through_shell else [*chainrule, *shlex.split(command, comments=True)[1:]],
        shell=through_shell,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        env=os.environ | {"PYTHONUTF8": "1"},
    )


def run_console(block: Block, path: Path, folder: Path) -> None:
    """Run each line that begins with `$ chainrule`, or that pipes something to it, where there is a POSIX shell."""
    where = f"{path.name}:{block.line}"
    commands = read_commands(block)
    assert commands, f"{where}: a console block without a line that begins with `$ `"
    for command in commands:
        if any(command == word or command.startswith(word + " ") for word in PREPARING):
            continue
        assert re.search(r"(^|\| *)chainrule( |$)", command), f"{where}: no test knows how to run `{command}`"
        if os.name == "nt" and re.search(r"[|<>]", command):
            continue
        run = run_command(command, folder)
        assert run.returncode == 0, f"{where}: `{command}` ended with {run.returncode}:\n{run.stdout}\n{run.stderr}"


def run_blocks(path: Path, folder: Path) -> None:
    """Run the examples of one document from top to bottom, in one folder and one namespace."""
    names: dict[str, Any] = {"__name__": "__main__"}
    for block in read_blocks(path.read_text(encoding="utf-8")):
        if not block.runs:
            continue
        if block.language == "python":
            with contextlib.redirect_stdout(io.StringIO()):
                run_python(block, path, names)
        elif block.language == "pycon":
            run_doctest(block, path, names)
        elif block.language == "console":
            run_console(block, path, folder)


def strip_comments(block: Block) -> str:
    """The code without its comments, which a translation translates."""
    if block.language == "python":
        return ast.unparse(ast.parse(block.code))
    return "\n".join(re.sub(r"(^|\s+)# .*", "", line) for line in block.code.split("\n"))


def read_links(text: str) -> list[str]:
    """The targets of all links and pictures outside of code."""
    prose = CODE.sub("", text)
    return [match["target"] for pattern in (LINK, IMAGE) for match in pattern.finditer(prose)]


def split_row(line: str) -> list[str]:
    """The cells of one line of a Markdown table; an escaped bar belongs to its cell."""
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip())[1:-1]]


def find_table_faults(text: str) -> list[str]:
    """The rows of a document's tables that lack a cell, have one too many, an empty symbol, or an unclosed formula."""
    faults = []
    lines = text.split("\n")
    columns = 0
    for number, line in enumerate(lines, start=1):
        if not line.lstrip().startswith("|"):
            columns = 0
            continue
        cells = split_row(line)
        columns = columns or len(cells)
        if len(cells) != columns:
            faults.append(f"line {number} has {len(cells)} cells, expected {columns}")
        if cells and not cells[0]:
            faults.append(f"line {number} begins with an empty cell")
        if any(cell.count(mark) % 2 for cell in cells for mark in "`$"):
            faults.append(f"line {number} has an unclosed ` or $")
    return faults


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", EXAMPLES, ids=name)
def test_examples_run(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run_blocks(path, tmp_path)


@pytest.mark.parametrize("path", MARKDOWN, ids=name)
def test_links_lead_to_files(path: Path) -> None:
    targets = [target for target in read_links(path.read_text(encoding="utf-8")) if not re.match(r"\w+:", target)]
    files = [target.partition("#")[0] for target in targets if not target.startswith("#")]
    assert not [file for file in files if not (path.parent / file).exists()]


def test_both_readmes_show_the_same_code() -> None:
    english, chinese = ([*read_blocks(path.read_text(encoding="utf-8"))] for path in READMES)
    assert [block.language for block in chinese] == [block.language for block in english]
    assert [strip_comments(block) for block in chinese] == [strip_comments(block) for block in english]
    assert any(block.language == "python" for block in english)


def test_both_readmes_have_the_same_structure() -> None:
    texts = [
        re.sub(r"^```.*?^```$", "", p.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE) for p in READMES
    ]
    english, chinese = ([len(marks) for marks in HEADING.findall(text)] for text in texts)
    assert english
    assert chinese == english


def test_symbol_tables_are_well_formed() -> None:
    text = (DOCS / "notation.md").read_text(encoding="utf-8")
    assert "|" in text
    assert not find_table_faults(text)


def test_every_page_is_in_the_navigation() -> None:
    pages = re.findall(r"^ +- (?:.+: )?(\S+\.md)$", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(pages) == sorted(path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md"))


def test_reference_lists_every_part() -> None:
    """Each `::: chainrule.part` is there, and each part that people import from has one."""
    text = (DOCS / "reference.md").read_text(encoding="utf-8")
    listed = re.findall(r"^::: (\S+)$", text, re.MULTILINE)
    sources = {
        ".".join(path.relative_to(ROOT / "src").with_suffix("").parts).removesuffix(".__init__")
        for path in (ROOT / "src").rglob("*.py")
    }
    assert not [module for module in listed if module not in sources]
    parts = {module for module in sources if module.count(".") == 1 and not module.startswith("chainrule._")}
    unlisted = [part for part in parts if not any(f"{module}.".startswith(f"{part}.") for module in listed)]
    assert sorted(unlisted) == ["chainrule.cli"]  # its reference is --help


# The checks themselves, on documents made up for the purpose.


def document(folder: Path, text: str) -> Path:
    path = folder / "made-up.md"
    path.write_text(textwrap.dedent(text), encoding="utf-8")
    return path


def test_blocks_share_one_namespace_and_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    text = """
    ```python
    x = 1
    open("made.txt", "w").close()
    ```
    - in a list:
      ```python title="more"
      x += 1
      ```
    ```pycon
    >>> x
    2
    >>> y = 3
    ```
    <!-- not run: it would fail -->
    ```python
    raise SystemExit
    ```
    ```python
    assert y == 3
    ```
    ```console
    $ make demo
    $ pip install .
    ```
    ```text
    nothing to run
    ```
    """
    run_blocks(document(tmp_path, text), tmp_path)
    assert (tmp_path / "made.txt").exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("```python\n1 / 0\n```", "division by zero"),
        ("```py\n1 / 0\n```", "division by zero"),
        ("```pycon\n>>> 1 + 1\n3\n```", "Expected"),
        ("```pycon\n1 + 1\n```", "without >>>"),
        ("```console\n$ chainrule no-such-command\n```", "ended with"),
        ("```bash\n$ chainrule no-such-command\n```", "ended with"),
        ("```console\n$ chainrule no-such-command | chainrule no-such-command\n```", "ended with"),
        ("```console\n$ curl example.org\n```", "no test knows how"),
        ("```console\nchainrule --version\n```", "without a line"),
        ("<!-- not run: -->\n```python\n1 / 0\n```", "division by zero"),
        ("```python\nx = 1\n", "no end"),
    ],
)
def test_failing_examples_are_found(tmp_path: Path, text: str, message: str) -> None:
    if os.name == "nt" and "| chainrule" in text:
        pytest.skip("pipelines run where there is a POSIX shell")
    with pytest.raises((AssertionError, ValueError, ZeroDivisionError), match=message):
        run_blocks(document(tmp_path, text), tmp_path)


def test_links_are_found_outside_of_code_only() -> None:
    text = "[a](a.md#b) ![b](b.png) `[c](c.md)` <img alt='' src=\"d.png\">\n```\n[e](e.md)\n```\n[f](https://f.org)"
    assert read_links(text) == ["a.md#b", "b.png", "https://f.org", "d.png"]


@pytest.mark.parametrize("row", ["| a | b", "| a |", "| | b |", "| `a | b |", "| a | $b |", "| a | b | c |"])
def test_table_faults_are_found(row: str) -> None:
    head = "| symbol | meaning |\n|---|---|\n| `W[l]` | a \\| b |\n"
    assert not find_table_faults(head)
    assert find_table_faults(head + row)
