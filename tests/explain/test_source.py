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

from chainrule import Dense, Dropout, Network, backprop, source
from chainrule.errors import UsageError
from chainrule.explain.networks.source import _used
from chainrule.formulas import ACTIVATIONS, Activation, Loss

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
    outputs = program["forward"]({**case.model.parameters, **case.model.statistics}, case.X)
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


@pytest.mark.parametrize("name", [name for name, record in ACTIVATIONS.items() if record.trainable])
def test_each_activation_has_its_slope_below(name: str) -> None:
    hidden = Network([Dense(3, name), Dense(1)], inputs=2)
    program = define(source(hidden))
    assert {"forward", "gradient", "loss", "start", "sample", "check", "train"} <= set(program)
    defined = [each.name for each in ast.parse(source(hidden)).body if isinstance(each, ast.FunctionDef)]
    if name == "identity":
        assert "identity" not in defined
    else:
        below = f"{name}_{'back' if name == 'softmax' else 'slope'}"
        assert defined.index(below) == defined.index(name) + 1
    used = {each.id for each in ast.walk(ast.parse(source(hidden))) if isinstance(each, ast.Name)}
    assert set(defined) <= used | {"forward"}, "a function that nothing calls"


def test_a_network_of_many_layers_is_written_out() -> None:
    text = source(Network.from_sizes([3] * 15, "leaky_relu", dropout=0.5, batch_norm=True))
    assert "D14 = " in text
    assert "D1 = " in text
    passes = ast.parse(text[text.index("def forward") : text.index("def start")])
    assert not any(isinstance(each, ast.For | ast.While) for each in ast.walk(passes))


def test_one_activation_with_two_numbers_is_one_function() -> None:
    network = Network([Dense(2, ACTIVATIONS.find("elu", alpha=alpha)) for alpha in (1.0, 0.5)], inputs=2)
    text = source(network)
    assert text.count("def elu(") == text.count("def elu_slope(") == 1
    assert "elu(Z2, alpha=0.5)" in text
    assert "elu_slope(Z2, alpha=0.5)" in text


def test_what_cannot_be_written_down_is_refused() -> None:
    def value(z: Any) -> Any:
        return z if np.all(z > 0) else 2 * z

    odd = Activation(name="odd", value=value, slope=lambda z, a: np.ones_like(z), latex="", use="")
    with pytest.raises(UsageError, match="'odd' cannot be exported"):
        source(Network([Dense(2, odd), Dense(1)], inputs=2))
    even = Activation(name="even", value=lambda z: 2 * z, slope=lambda z, a: value(z) / z + 1, latex="", use="")
    with pytest.raises(UsageError, match="the slope of the activation 'even' cannot be written"):
        source(Network([Dense(2, even), Dense(1)], inputs=2))
    loss = Loss(name="own", value=lambda a, y: value(a - y).sum(axis=-1), slope=lambda a, y: value(a), latex="", use="")
    with pytest.raises(UsageError, match="the loss 'own' cannot be written"):
        source(Network.from_sizes([2, 1]), loss)


def test_long_names_and_lines(tmp_path: Path) -> None:
    name = "a_rather_long_name_of_a_rather_special_activation_of_ones_own"
    layers = []
    for each in ("forward", "max", "share", "z1", name):
        for delta in (0.1234567891234, 0.9876543219876):
            record = Activation(
                name=each,
                value=lambda z, gamma, delta: np.log1p(z * z) * gamma + delta * z,
                slope=lambda z, a, gamma, delta: 2 * z / (1 + z * z) * gamma + delta,
                parameters={"gamma": 0.25, "delta": delta},
                latex="",
                use="",
            )
            layers += [Dense(3, record), Dropout(0.5)]
    network = Network([*layers, Dense(1, record)], inputs=2)
    text = source(network, "half_squared_error")
    path = tmp_path / "net.py"
    path.write_text(text, encoding="utf-8")
    pytest.importorskip("ruff")
    ruff = [sys.executable, "-m", "ruff"]
    done = subprocess.run([*ruff, "format", "--isolated", "--diff", str(path)], capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stdout
    assert float(run_alone(path).splitlines()[0].split(": ")[1]) < 1e-6


def test_the_check_of_a_program_finds_a_wrong_gradient() -> None:
    text = source(Network.from_sizes([3, 4, 2], "tanh"))
    assert define(text)["check"](0) < 1e-8
    for right, wrong in [("D1 = ", "D1 = 2 * "), ("db2 = ", "db2 = -"), ("D2.T @ A1", "D2.T @ Z1")]:
        assert text.count(right) == 1
        assert define(text.replace(right, wrong))["check"](0) > 1e-3


@pytest.mark.parametrize("name", ['"""', "a\\", "a\nb", "it's", "", "\N{GREEK SMALL LETTER ALPHA}"])
def test_any_name_will_do(name: str, tmp_path: Path) -> None:
    define(source(Network.from_sizes([2, 1]), name=name))


def test_a_slope_that_is_the_same_everywhere() -> None:
    double = Activation(name="double", value=lambda z: 2 * z, slope=lambda z, a: 2 + 0 * z, latex="", use="")
    shifted = Activation(name="shifted", value=lambda z: z + 1, slope=lambda z, a: np.ones_like(z), latex="", use="")
    program = define(source(Network([Dense(3, double), Dense(2, shifted), Dense(1)], inputs=2)))
    assert program["check"](0) < 1e-8


def test_lines_that_nothing_reads_are_left_out_with_their_comments() -> None:
    """A name in a comment or a text is no name that is read; a comment is no name at all."""
    lines = ["Z1 = X", "# (m, 3)", "A1 = f(Z1)", "# (m, (", "Z2 = A1", "A2 = f(Z2)  # of A9", "A9 = 2"]
    assert _used(lines, ['g = {"A2": Z2}  # A2']) == lines[:5]
    assert _used(lines, ["A9"]) == ["A9 = 2"]


def test_a_program_is_a_text() -> None:
    text = source(Network.from_sizes([2, 2]), name="two to two")
    assert isinstance(text, str)
    assert text.startswith('"""two to two: a 2-2 network')
    assert text._repr_markdown_() == f"```python\n{text}```"
    assert text.isascii()
    assert source(Network.from_sizes([2, 2]).init(), name="two to two") == text


def test_a_models_own_loss_is_taken() -> None:
    model = Network.from_sizes([2, 1]).init()
    model.loss = "huber"
    assert "The activation is identity, the loss is huber." in source(model)
    assert "the loss is absolute_error." in source(model, "absolute_error").replace("\n", " ")


@pytest.mark.parametrize(
    ("given", "loss", "message"),
    [
        ("net", None, "str is neither a Network nor a Model"),
        (Network([Dense(2, "step"), Dense(1)], inputs=2), None, "has no usable slope"),
        (Network.from_sizes([2, 1]), "binary_cross_entropy", "needs an output layer with 'sigmoid', not 'identity'"),
        (Network.from_sizes([2, 1]), "hubert", "did you mean 'huber'"),
    ],
)
@pytest.mark.parametrize("function", [source, backprop])
def test_what_cannot_be_is_refused(function: Any, given: Any, loss: str | None, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        function(given, loss)
