"""A network's one formula, evaluated, gives its outputs; so does what is written out number by number."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from chainrule import BatchNorm, Dense, Dropout, Model, Network, formula
from chainrule.errors import UsageError
from chainrule.explain.expressions import Ref
from chainrule.explain.names import Name
from chainrule.explain.page import Equation, Grid, Page, Prose

from .architectures import CASES, make_architecture
from .evaluating import CALLS, evaluate


def equations(page: Page) -> list[Equation]:
    return [block for block in page.blocks if isinstance(block, Equation)]


def arrays_of(model: Model) -> dict[Name, Any]:
    entries = (*model.network.entries, *model.network.state_entries)
    return {Name(entry.kind, entry.layer): model[entry.name] for entry in entries}


def written_out(page: Page, model: Model, X: Any) -> list[Any]:
    """The outputs for X by each equation of a single output, one column each."""
    numbers: dict[Name, Any] = {Name("x", index=(j,)): X[:, j] for j in range(X.shape[1])}
    for name, array in arrays_of(model).items():
        numbers |= {name.at(*index): array[index] for index in np.ndindex(array.shape)}
    found = []
    for each in equations(page):
        if isinstance(each.left, Ref) and each.left.name.index:
            numbers[each.left.name] = evaluate(each.forms[-1], numbers)
            if each.left.name.symbol == "a":
                found.append(numbers[each.left.name])
    return found


@pytest.mark.parametrize("seed", range(CASES))
def test_formula_gives_the_outputs(seed: int) -> None:
    case = make_architecture(seed)
    whole = equations(formula(case.network))[0]
    assert whole.left.name == Name("A", case.network.depth)
    outputs = evaluate(whole.forms[-1], {Name("X"): case.X, **arrays_of(case.model)})
    assert np.allclose(outputs, case.model.outputs(case.X), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("seed", range(CASES))
def test_small_networks_are_written_out(seed: int) -> None:
    case = make_architecture(seed, widest=3, deepest=3)
    outputs = case.model.outputs(case.X)
    page = formula(case.model)
    columns = written_out(page, case.model, case.X)
    if not columns:
        return
    N = case.network.outputs
    assert len(columns) == 2 * N
    for k in range(N):
        assert np.allclose(columns[k], outputs[:, k], rtol=1e-12, atol=1e-12)
    for vector in (case.model.theta, case.model.state):
        vector[:] = [float(f"{x:.4g}") for x in vector]
    rounded = case.model.outputs(case.X)
    for k in range(N):
        assert np.allclose(columns[N + k], rounded[:, k], rtol=1e-12, atol=1e-12)
