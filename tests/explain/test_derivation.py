"""Every number that is explained is the engine's, and every line comes to the number that it states."""

from __future__ import annotations

import math
import os

import numpy as np
import pytest
from tests.explain.cases import names_of, random_step

from chainrule import Network
from chainrule.explain import Trace, explain, trace
from chainrule.explain.expressions import Expr, Product, Sum, children
from chainrule.explain.page import Equation, Heading
from chainrule.layers import BatchNorm, Dense

CASES = int(os.environ.get("CHAINRULE_CASES", "60"))


def size_of(expr: Expr) -> float:
    """The size of what is added up in an expression: rounding errors are relative to it, not to the result."""
    if isinstance(expr, Sum):
        return math.fsum(size_of(term) for term in expr.terms)
    if isinstance(expr, Product):
        return math.prod(size_of(factor) for factor in expr.factors)
    inner = [size_of(each) for each in children(expr)]
    return max([abs(expr.value), *inner]) if inner else abs(expr.value)


def engine_value(step: Trace, asked: str) -> float | None:
    """Look a number up where the engine put it, without the explanations' own tables."""
    model, index = step.model, [int(part) for part in asked.partition("[")[2].partition("]")[0].split(",") if part]
    if asked.endswith(" after"):
        return float(step.update.after[asked.removesuffix(" after")])
    held = {f"dC/d{entry.name}" for entry in model.network.entries if not entry.trained}
    if asked.split("[")[0] in held:
        # The gradient leaves out what no update follows; the cost depends on it all the same.
        return float(step.D[int(asked[5 : asked.index("[")])][:, index[0]].sum())
    if asked.startswith(("dC/dW", "dC/db", "dC/dgamma")):
        gradient = model.gradient(step.X, step.Y, step.weights, draw=step.draw)
        return float(gradient[asked.removeprefix("dC/d")])
    if asked.startswith("dC/dx"):
        inputs = model.gradient(step.X, step.Y, step.weights, draw=step.draw).inputs
        assert inputs is not None
        return float(inputs[tuple(index) if len(index) == 2 else (0, index[0])])
    if asked == "C":
        return float(model.gradient(step.X, step.Y, step.weights, draw=step.draw).cost)
    return float(model[asked]) if asked[0] in "Wb" and "/" not in asked else None


@pytest.mark.parametrize("seed", range(CASES))
def test_lines_come_to_their_numbers(seed: int) -> None:
    rng = np.random.default_rng(seed)
    step = random_step(rng, own=seed % 4 == 3)
    for asked in names_of(step, rng, 5):
        found = explain(step, of=asked, depth=4, notation=str(rng.choice(["index", "rows"])))
        value = engine_value(step, asked)
        if value is not None:
            assert abs(found.value - value) <= 1e-12 * max(1.0, abs(value)), asked
        for line in found.blocks:
            if isinstance(line, Equation) and line.forms:
                form = line.numbers or line.forms[-1]
                tolerance = 1e-12 * max(size_of(form), abs(line.result)) + 1e-300
                assert abs(form.value - line.result) <= tolerance, (asked, line.left, form.value, line.result)


@pytest.mark.parametrize("seed", range(max(5, CASES // 5)))
def test_numerical_derivative_agrees(seed: int) -> None:
    rng = np.random.default_rng(10_000 + seed)
    step = random_step(rng)
    for asked in names_of(step, rng, 8):
        found = explain(step, of=asked, depth=1)
        check = found.check
        if check is None:
            assert not asked.startswith(("dC/", "delta")), asked
            continue
        apart = abs(check.slope - found.value)
        assert apart <= check.uncertainty, asked  # at a kink half the jump is in it
        if not check.kink:
            assert apart <= 1e-6 * max(1.0, abs(found.value), step.cost), asked


def test_steps_and_paths_are_kept_whole() -> None:
    step = trace(Network.from_sizes([2, 2, 1], "tanh").init(seed=0), [[0.5, 1.0]], [0.25])
    whole, updated, derivative = (explain(step, of=of) for of in (None, "W1[0,0] after", "dC/dW1[0,0]"))
    assert whole.steps == whole.blocks[1:]
    assert updated.steps == updated.blocks[1:]
    assert any(isinstance(block, Heading) for block in updated.steps)
    assert (derivative.steps, derivative.paths) == (derivative.parts[0][1:], derivative.parts[1])
    assert not explain(step, of="a1[0]").paths


def test_slope_of_a_normalization_in_prediction() -> None:
    layers = [Dense(3, "identity"), BatchNorm("tanh"), Dense(1, "identity")]
    model = Network(layers, inputs=2).init(seed=1)
    model.statistics.var[1][:] = 4.0
    found = explain(model, [[0.3, 0.4]], of="z1[0]")
    slope = explain(model, [[0.3, 0.4]], [[1.0]], "dz1[0]/du1[0]")
    assert slope.value == pytest.approx(found.value / explain(model, [[0.3, 0.4]], of="u1[0]").value, rel=1e-12)
