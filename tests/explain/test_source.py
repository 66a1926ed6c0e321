"""A network's program: runs alone, with the reference engine's gradient, in the layout that a formatter gives it."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chainrule import BatchNorm, Dense, Dropout, Network, formulas, source
from chainrule.errors import UsageError
from chainrule.formulas import ACTIVATIONS, LOSSES, Activation

from .architectures import CASES, Architecture, far, make_architecture

# Nothing but the file itself, the standard library and NumPy.
ALONE = """
import sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] != "numpy" and name.split(".")[0] not in sys.stdlib_module_names:
            raise ImportError(name + " is not to be imported")
sys.meta_path.insert(0, Refuse())
sys.path.insert(0, sys.argv[2])
import runpy
runpy.run_path(sys.argv[1], run_name="__main__")
"""


def run_alone(path: Path) -> str:
    numpy = str(Path(np.__file__).parent.parent)
    command = [sys.executable, "-I", "-S", "-W", "error", "-c", ALONE, str(path), numpy]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def define(text: str) -> dict[str, Any]:
    """What the program defines; it imports nothing but NumPy and math."""
    imported = {each.names[0].name for each in ast.walk(ast.parse(text)) if isinstance(each, ast.Import)}
    assert imported <= {"numpy", "math"}
    assert not any(isinstance(each, ast.ImportFrom) for each in ast.walk(ast.parse(text)))
    space: dict[str, Any] = {"__name__": "net"}
    exec(compile(text, "net.py", "exec"), space)
    return space


def parameters(case: Architecture, started: dict[str, Any]) -> dict[str, Any]:
    """The model's parameters in the program's form: a shared bias is one number."""
    model = case.model
    given = {name: np.array(model[name]) for name in model}
    given |= {f"b{l}": np.array(one) for l, one in model.parameters.shared.items()}
    given |= {name: np.array(model[name]) for name in model.statistics}
    assert {name: array.shape for name, array in given.items()} == {name: p.shape for name, p in started.items()}
    return given


def call(case: Architecture, program: dict[str, Any], p: dict[str, Any]) -> Any:
    masks = case.masks()
    return program["gradient"](p, case.X, case.Y, *([masks] if masks else []), weights=case.weights)


def compare(case: Architecture, text: str) -> float:
    program = define(text)
    p = parameters(case, program["start"](0))
    expected = case.gradient(case.draw)
    cost, g, *running = call(case, program, p)
    assert cost == pytest.approx(expected.cost, rel=1e-12, abs=1e-12)
    theirs = expected.parameters
    worst, scale = 0.0, np.abs(theirs.theta).max()
    for entry in case.network.entries:
        if not entry.trained:
            assert entry.name not in g
            continue
        wanted = theirs.shared[entry.layer] if entry.shared else theirs[entry.name]
        worst = max(worst, far(g[entry.name], wanted, scale))
    state = (
        case.model.statistics.theta
        if not running
        else np.concatenate([running[0][entry.name] for entry in case.network.state_entries])
    )
    assert np.allclose(state, expected.state, rtol=1e-12, atol=1e-12)
    outputs = program["forward"](p, case.X)
    assert np.allclose(outputs, case.model.outputs(case.X), rtol=1e-12, atol=1e-12)
    return float(worst)


@pytest.mark.parametrize("seed", range(CASES))
def test_gradient_is_the_engines(seed: int, tally: Callable[..., None]) -> None:
    case = make_architecture(seed)
    worst = compare(case, source(case.network, case.loss))
    tally("gradients of programs", 1, worst, 1e-12)
    assert worst < 1e-12, case.network


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("programs")
    paths = []
    for seed in range(CASES):
        case = make_architecture(seed)
        paths.append(folder / f"net{seed}.py")
        paths[-1].write_text(source(case.model, name=f"net{seed}"), encoding="utf-8")
    return paths


@pytest.mark.parametrize("command", [["format", "--diff"], ["check", "--no-cache"]])
def test_layout_is_the_formatters(programs: list[Path], command: list[str]) -> None:
    pytest.importorskip("ruff")
    done = subprocess.run(
        [sys.executable, "-m", "ruff", *command, "--isolated", *map(str, programs)],
        capture_output=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("seed", range(0, CASES, max(5, CASES // 25)))
def test_runs_alone_and_checks_itself(programs: list[Path], seed: int) -> None:
    first, *costs = run_alone(programs[seed]).splitlines()
    assert float(first.split(": ")[1]) < 1e-5
    assert len(costs) == 5
    assert all(np.isfinite(float(line.split("cost ")[1])) for line in costs)
