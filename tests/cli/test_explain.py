"""explain: where a number comes from, from a model file and data, or from the worked example."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
from tests.explain import parsing

from chainrule import Network, explain
from chainrule.cli.pages import write_page

from .conftest import PEOPLE, Runner

TABLE = """\
0.15 0.20 0.25 0.30 0.40 0.45 0.50 0.55
0.05 0.10 0.01 0.99
0.59326999 0.59688438 0.75136507 0.77292847
0.27481108 0.02356003 0.29837111 0.29102777 0.29102792
0.74136507 0.18681560 0.08216704
0.35891648 0.40866619 0.51130127 0.56137012
0.14978072 0.19956143 0.24975114 0.29950229
"""


def test_the_worked_example_line_by_line(chainrule: Runner) -> None:
    run = chainrule("explain", "step-by-step")
    assert (run.code, run.err) == (0, "")
    assert parsing.check_text(run.out) > 30
    for number in TABLE.split():
        assert number.rstrip("0") in run.out, number
    for line in (
        "∂E/∂w5 = ∂E/∂out_o1 × ∂out_o1/∂net_o1 × out_h1",
        "= 0.74136507 × 0.18681560 × 0.59326999",
        # both paths of the error to w1
        "(0.74136507 × 0.18681560 × 0.4 + (−0.21707153) × 0.17551005 × 0.5)",
        "with the slip it is 0.291027924",
    ):
        assert line in run.out or line.replace("\n", " ") in run.out, line


def test_a_number_of_the_worked_example(chainrule: Runner) -> None:
    run = chainrule("explain", "step-by-step", "--of", "w5 after", "--optimizer", "adam", "--rate", "0.5")
    assert (run.code, run.err) == (0, "")
    assert "β₁" in run.out
    assert parsing.check_text(run.out) > 5


@pytest.mark.parametrize(
    ("format", "check"),
    [
        ("text", parsing.check_text),
        ("md", parsing.check_latex),
        ("latex", parsing.check_latex),
        ("html", parsing.check_html),
    ],
)
def test_formats(format: str, check: object, chainrule: Runner, people: Path, model: Path) -> None:
    run = chainrule("explain", model, people, "--row", "17", "--of", "dC/dW1[0,1]", "--format", format)
    assert (run.code, run.err) == (0, "")
    assert callable(check)
    assert check(run.out) >= 3


def test_json_has_the_number(chainrule: Runner, people: Path, model: Path) -> None:
    run = chainrule("explain", model, people, "--of", "C", "--format", "json")
    assert json.loads(run.out)["value"] > 0


def test_the_whole_step_names_columns_and_classes(chainrule: Runner, people: Path, model: Path) -> None:
    run = chainrule("explain", model, people, "--row", "3")
    assert (run.code, run.err) == (0, "")
    for word in ("age", "pet", "height", "young", "One update"):
        assert word in run.out


def test_several_rows_are_a_batch(chainrule: Runner, people: Path, model: Path) -> None:
    run = chainrule("explain", model, people, "--row", "3-8", "--of", "dC/dW1[0,0]", "--depth", "1")
    assert "a batch of 6 rows" in run.out
    assert "Row by row" in run.out


def test_files_by_their_ending(chainrule: Runner, people: Path, model: Path, tmp_path: Path) -> None:
    run = chainrule("explain", model, people, "--out", "step.html", "--plot", "step.png")
    assert (run.code, run.out) == (0, "")
    assert "step.html" in run.err
    assert (tmp_path / "step.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert (tmp_path / "step.png").stat().st_size > 10_000


def test_forward_numbers_need_no_targets(chainrule: Runner, people: Path, model: Path, tmp_path: Path) -> None:
    lines = [",".join(line.split(",")[:-1]) for line in PEOPLE.splitlines()]
    (tmp_path / "new.csv").write_text("\n".join(lines), encoding="utf-8")
    assert chainrule("explain", model, "new.csv", "--of", "a1[0]").code == 0
    run = chainrule("explain", model, "new.csv", "--of", "C")
    assert (run.code, run.out) == (2, "")
    assert "without targets there is no error to explain" in run.err


def test_chinese(chainrule: Runner) -> None:
    run = chainrule("explain", "step-by-step", "--of", "w5", "--lang", "zh")
    assert run.code == 0
    assert "参数" in run.out


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("--row", "200"), "has the rows 0 to 199"),
        (("--row", "3-500"), "has the rows 0 to 199"),
        (("--row", "3-2"), "write 2-3"),
        (("--row", "all", "--notation", "textbook"), "--notation index"),
        (("--out", "step.docx"), "the ending tells no format"),
        (("--json", "--format", "md"), "leave one out"),
        (("--row", "-1"), "row"),
        (("--row", "one"), "it takes a row, such as 17"),
        (("--of", "dC/dW9[0,0]"), "did you mean 'dC/dW"),
        (("--of", "dC/dW1[99,0]"), "goes from W1[0,0]"),
        (("--of", "dC/dW1"), "ask for one of"),
        (("--notation", "column"), "unknown notation"),
        (("--format", "pdf"), "unknown format"),
        (("--depth", "0"), "depth is 0"),
        (("--rate", "0.1"), "--rate needs --optimizer"),
        (("--optimizer", "adma"), "did you mean 'adam'"),
        (("--plot", "picture.doc"), "picture.doc"),
    ],
)
def test_what_is_refused(arguments: tuple[str, ...], text: str, chainrule: Runner, people: Path, model: Path) -> None:
    run = chainrule("explain", model, people, *arguments)
    assert run.code in (1, 2)
    assert run.out == ""
    assert text in run.err
    assert "Traceback" not in run.err


def test_a_model_without_data(chainrule: Runner, people: Path, model: Path) -> None:
    run = chainrule("explain", model)
    assert (run.code, run.out) == (2, "")
    assert "name the data" in run.err


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("step-by-step", "iris"), "leave DATA iris out"),
        (("step-by-step", "--row", "3"), "leave --row 3 out"),
        (("step-by-step", "--target", "species"), "leave --target species out"),
        (("stepbystep",), "did you mean step-by-step?"),
    ],
)
def test_the_worked_example_takes_no_data(arguments: tuple[str, ...], text: str, chainrule: Runner) -> None:
    run = chainrule("explain", *arguments)
    assert (run.code, run.out) == (2, "")
    assert text in run.err


def test_a_built_in_set_has_its_target(chainrule: Runner, model: Path) -> None:
    run = chainrule("explain", model, "iris", "--target", "species")
    assert (run.code, run.out) == (2, "")
    assert "leave --target out" in run.err


def test_why_there_are_no_targets(chainrule: Runner, people: Path, model: Path, tmp_path: Path) -> None:
    lines = [",".join(line.split(",")[:-1]) for line in PEOPLE.splitlines()]
    (tmp_path / "new.csv").write_text("\n".join(lines), encoding="utf-8")
    assert "new.csv has no column 'group'" in chainrule("explain", model, "new.csv", "--of", "C").err


def test_json_as_in_other_commands(chainrule: Runner) -> None:
    short, long = (chainrule("explain", "step-by-step", *way).out for way in (["--json"], ["--format", "json"]))
    assert short == long
    assert json.loads(short)["network"] == [2, 2, 2]


def test_long_pages_are_paged_with_a_prompt(monkeypatch: pytest.MonkeyPatch) -> None:
    paged: list[str] = []
    monkeypatch.setattr("pydoc.pager", paged.append)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.delenv("LESS", raising=False)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("LINES", "30")
    model = Network.from_sizes([2, 2, 2], "tanh").init(seed=0)
    for depth in (1, 4):
        write_page(explain(model, [[1, 2]], of="a2[0]", depth=depth), "text", None)
    assert len(paged) == 1
    assert os.environ["LESS"].endswith("q to end")
    monkeypatch.delenv("LESS")
