"""The backward equations of an architecture, evaluated one after the other, are what the reference engine computes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from chainrule import BatchNorm, Dense, Dropout, Network, backprop
from chainrule.engines import reference
from chainrule.errors import UnknownName, UsageError
from chainrule.explain.names import COST, Name, slope_of
from chainrule.explain.page import Equation, Heading, Page, Prose
from chainrule.parameters import Parameters

from .architectures import CASES, Architecture, far, make_architecture
from .evaluating import evaluate


def given(case: Architecture) -> dict[Name, Any]:
    """What a page does not compute: inputs, targets, shares, masks and parameters."""
    arrays = {Name("X"): case.X, Name("Y"): case.Y, Name("share"): case.share}
    arrays |= {Name("mask", l): factors for l, factors in case.masks().items()}
    return arrays | {Name(e.kind, e.layer): case.model[e.name] for e in case.network.entries}


def follow(page: Page, arrays: dict[Name, Any]) -> dict[Name, Any]:
    """Evaluate every equation with what those before it gave; all forms of one come to the same."""
    for block in page.blocks:
        if isinstance(block, Equation):
            values = [np.asarray(evaluate(form, arrays)) for form in block.forms]
            for value in values[:-1]:
                assert np.allclose(value, values[-1], rtol=1e-8, atol=1e-10)
            arrays[block.left.name] = values[-1]
            if str(block.because).endswith(")"):
                shape = str(block.because).split("shape ")[1].replace("m,", f"{len(arrays[Name('X')])},")
                assert str(values[-1].shape) == shape or shape == "(1,)"
    return arrays


def expected(case: Architecture) -> dict[Name, Any]:
    """What the reference engine says of the same numbers."""
    network, p = case.network, case.model.parameters
    steps, _ = reference.forward(network, p, case.model.state.copy(), case.X, case.share, case.draw)
    g = Parameters(network, np.zeros_like(case.model.theta))
    seen: list[Any] = []
    objective = reference.Objective(network, case.loss)
    reference.backward(objective, p, steps, case.Y, case.share, g, inputs=False, seen=seen)
    normed = {l for layer, l in network.steps if isinstance(layer, BatchNorm)}
    wanted: dict[Name, Any] = {}
    for (layer, l), (D, _) in zip(reversed(network.steps), seen, strict=False):
        if isinstance(layer, Dense) and l in normed:
            wanted[slope_of(COST, Name("U", l))] = D
        elif not isinstance(layer, Dropout):
            wanted[Name("D", l)] = D
    for entry in network.entries:
        if entry.trained:
            wanted[slope_of(COST, Name(entry.kind, entry.layer))] = (
                g.shared[entry.layer][0] if entry.shared else g[entry.name]
            )
    wanted[COST] = reference.cost_of(reference.losses_of(objective, steps[-1], case.Y), case.share)
    return wanted


@pytest.mark.parametrize("seed", range(CASES))
def test_equations_are_the_engines(seed: int, tally: Callable[..., None]) -> None:
    case = make_architecture(seed)
    found = follow(backprop(case.network, case.loss), given(case))
    wanted = expected(case)
    scale = max(np.abs(array).max() for array in wanted.values())
    for name, array in wanted.items():
        within = 1e-12 if name != COST else 1e-9  # a textbook's logarithm loses digits where an output is nearly 0 or 1
        off = far(np.reshape(found[name], np.shape(array)), np.asarray(array), scale)
        if name != COST:
            tally("backward equations", 1, off, within)
        assert off < within, (name, case.network, case.loss.name)
