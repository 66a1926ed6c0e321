"""`chainrule gradcheck`: what it takes from the user's file, its exit codes, and what it says when that fails."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

NET = """
import numpy as np

print("loaded")
W1, b1 = np.array([[0.15, 0.20], [0.25, 0.30]]), np.array([0.35, 0.35])
W2, b2 = np.array([[0.40, 0.45], [0.50, 0.55]]), np.array([0.60, 0.60])
X, Y = np.array([[0.05, 0.10]]), np.array([[0.01, 0.99]])
theta = {"W1": W1, "b1": b1, "W2": W2, "b2": b2}

def f(z):
    return 1 / (1 + np.exp(-z))

def step(W1, b1, W2, b2, X, Y, half=0.5):
    A1 = f(X @ W1.T + b1)
    A2 = f(A1 @ W2.T + b2)
    C = half * np.sum((A2 - Y) ** 2) / len(X)
    D2 = 2 * half * (A2 - Y) * A2 * (1 - A2) / len(X)
    D1 = D2 @ W2 * A1 * (1 - A1)
    return C, D1.T @ X, D1.sum(axis=0), D2.T @ A1, D2.sum(axis=0)

def wrong(W1, b1, W2, b2, X, Y):
    C, dW1, db1, dW2, db2 = step(W1, b1, W2, b2, X, Y)
    return C, (dW1, db1, dW2, 2 * db2)

def by_name(X, Y, W1, b1, W2, b2):
    C, *g = step(W1, b1, W2, b2, X, Y)
    return C, dict(zip(["dW1", "db1", "dW2", "db2"], g))

def whole(theta, X, Y):
    C, *g = step(**theta, X=X, Y=Y)
    return C, dict(zip(theta, g))

def cost(W1, b1, W2, b2, X, Y):
    return step(W1, b1, W2, b2, X, Y)[0]

def gradient(W1, b1, W2, b2, X, Y):
    return step(W1, b1, W2, b2, X, Y)[1:]

def single(W1):
    return np.sum(W1**2), (2 * W1,)

def unknown(W1, other):
    return 0.0, W1

def nothing():
    return 0.0, W1

def fails(W1, X):
    Z = X @ W1.T
    return np.sum(Z + np.ones(7)), W1
"""


FAILING = NET.splitlines().index("    return np.sum(Z + np.ones(7)), W1") + 1


@pytest.fixture(autouse=True)
def _file(_plain_terminal: None) -> None:
    Path("net.py").write_text(NET, encoding="utf-8")


@pytest.mark.parametrize(
    "arguments",
    [
        ["net.py:step"],
        ["net.py:by_name"],
        ["net.py:whole"],
        ["net.py:single"],
        ["net.py:cost", "--gradient", "gradient"],
        ["net.py:step", "--seed", "3", "--tolerance", "1e-9"],
    ],
)
def test_right_gradient(arguments: list[str], chainrule: Callable[..., Any]) -> None:
    run = chainrule("gradcheck", *arguments)
    assert run.code == 0
    assert "is right at every probe" in run.out
    assert "loaded" not in run.out
    assert "dW1" in run.out


def test_wrong_gradient_has_an_exit_code_of_its_own(chainrule: Callable[..., Any]) -> None:
    run = chainrule("gradcheck", "net.py:wrong")
    assert run.code == 1
    assert "The gradient of wrong is wrong: db2." in run.out
    assert "db2 = 2 × numerical, for every entry." in run.out
    assert "there is one example only" in run.out
    assert run.err == "loaded\n"


def test_json_is_one_object(chainrule: Callable[..., Any]) -> None:
    run = chainrule("gradcheck", "net.py:wrong", "--json")
    found = json.loads(run.out)
    assert run.code == 1
    assert found["ok"] is False
    assert [array["name"] for array in found["arrays"] if array["verdict"] == "wrong"] == ["db2"]


@pytest.mark.parametrize(
    ("place", "code", "said"),
    [
        ("net.py", 2, "expected FILE.py:function"),
        ("net.py:", 2, "expected FILE.py:function"),
        ("net.py:stp", 2, "did you mean 'step'?"),
        ("net.py:W1", 2, "unknown function 'W1'"),
        ("net.py:unknown", 2, "unknown takes other, and net.py has no variable of that name"),
        ("net.py:nothing", 2, "takes no arguments"),
        ("net.py:fails", 2, f"(net.py, line {FAILING})"),
        ("missing.py:step", 3, "missing.py cannot be opened"),
        ("syntax.py:step", 3, "SyntaxError"),
        ("broken.py:step", 3, "ZeroDivisionError: division by zero (line 2)"),
        ("leaves.py:step", 3, "SystemExit"),
        ("net.txt:step", 3, "is no Python file"),
        (".:step", 3, "cannot be opened"),
    ],
)
def test_what_goes_wrong_is_said(place: str, code: int, said: str, chainrule: Callable[..., Any]) -> None:
    Path("syntax.py").write_text("def step(:\n", encoding="utf-8")
    Path("broken.py").write_text("x = 1\nx / 0\n", encoding="utf-8")
    Path("leaves.py").write_text("import sys\nsys.exit(0)\n", encoding="utf-8")
    Path("net.txt").write_text(NET, encoding="utf-8")
    before = [*sys.path]
    run = chainrule("gradcheck", place)
    assert run.code == code
    assert run.err.removeprefix("loaded\n").startswith("Error: ")
    assert said in run.err
    assert "Traceback" not in run.err
    assert run.out == ""
    assert sys.path == before


def test_unknown_gradient_function(chainrule: Callable[..., Any]) -> None:
    run = chainrule("gradcheck", "net.py:cost", "--gradient", "gradeint")
    assert run.code == 2
    assert "did you mean 'gradient'?" in run.err


def test_the_files_folder_is_in_reach_and_stays_clean(chainrule: Callable[..., Any]) -> None:
    Path("inner").mkdir()
    Path("inner/slopes.py").write_text("def slope(w):\n    return 2 * w\n", encoding="utf-8")
    Path("inner/main.py").write_text(
        "from slopes import slope\nw = 3.0\ndef step(w):\n    return w**2, slope(w)\n", encoding="utf-8"
    )
    try:
        assert chainrule("gradcheck", "inner/main.py:step").code == 0
    finally:
        sys.modules.pop("slopes", None)
    assert sorted(path.name for path in Path("inner").iterdir()) == ["main.py", "slopes.py"]


def test_functions_may_import_when_they_are_called(chainrule: Callable[..., Any]) -> None:
    Path("inner").mkdir()
    Path("inner/late_slopes.py").write_text("def slope(w):\n    return 2 * w\n", encoding="utf-8")
    Path("inner/main.py").write_text(
        "w = 3.0\ndef step(w):\n    from late_slopes import slope\n    return w**2, slope(w)\n", encoding="utf-8"
    )
    before = [*sys.path]
    try:
        assert chainrule("gradcheck", "inner/main.py:step").code == 0
    finally:
        sys.modules.pop("late_slopes", None)
    assert sys.path == before
    assert sorted(path.name for path in Path("inner").iterdir()) == ["late_slopes.py", "main.py"]


@pytest.mark.parametrize("name", ["Net", "Net.step"])
def test_classes_and_methods_are_told_of_the_wrapper(chainrule: Callable[..., Any], name: str) -> None:
    Path("kept.py").write_text("class Net:\n    def step(self, X):\n        return 0\n", encoding="utf-8")
    run = chainrule("gradcheck", f"kept.py:{name}")
    assert run.code == 2
    assert f"Error: {name} belongs to a class" in run.err
    assert "docs/gradcheck.md" in run.err


def test_piped_report_fits_a_page(chainrule: Callable[..., Any]) -> None:
    lines = chainrule("gradcheck", "net.py:wrong").out.splitlines()
    assert all(line == line.rstrip() for line in lines)
    assert max(map(len, lines)) <= 100


def test_what_cannot_be_compared_is_no_success(chainrule: Callable[..., Any]) -> None:
    Path("coarse.py").write_text(
        "import numpy as np\nw = np.ones(2)\n"
        "def step(w):\n    return float(np.float32(1e4 + 1e-3 * np.sum(w.real**2))), 2e-3 * w\n",
        encoding="utf-8",
    )
    run = chainrule("gradcheck", "coarse.py:step")
    assert run.code == 1
    assert "neither right nor wrong" in run.out


def test_example_of_the_documentation(chainrule: Callable[..., Any]) -> None:
    page = (Path(__file__).parents[2] / "docs" / "gradcheck.md").read_text(encoding="utf-8")
    code = re.search(r'```python title="network.py"\n(.*?)```', page, re.DOTALL)
    shown = re.search(r"```text\n([^`]*?)…\n```\n\nThe exit code", page)
    assert code
    assert shown
    Path("network.py").write_text(code[1], encoding="utf-8")
    run = chainrule("gradcheck", "network.py:step")
    assert run.code == 1
    lines = [line.rstrip() for line in run.out.splitlines()]
    assert lines[: len(shown[1].splitlines())] == shown[1].splitlines()
