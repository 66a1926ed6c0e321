"""The backward equations of an architecture, evaluated one after the other, are what the reference engine computes."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from chainrule import BatchNorm, Dense, Dropout, Network, backprop, formula
from chainrule.engines import reference
from chainrule.explain.expressions import Call, Expr, Hadamard, Negative, Ref, Sum, children
from chainrule.explain.names import COST, Name, slope_of
from chainrule.explain.page import Equation, Heading, Page, Prose
from chainrule.formulas import Activation, Loss
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


@pytest.mark.parametrize(
    ("loss", "output", "steps"),
    [
        ("binary_cross_entropy", "sigmoid", 2),
        ("categorical_cross_entropy", "softmax", 3),
        ("poisson", "exponential", 2),
        ("poisson", "softplus", 1),
        ("half_squared_error", "sigmoid", 1),
    ],
)
def test_short_forms_show_what_cancels(loss: str, output: str, steps: int) -> None:
    page = backprop(Network.from_sizes([2, 2], output=output), loss)
    (error,) = [each for each in page.blocks if isinstance(each, Equation) and each.left == Ref(Name("D", 1))]
    assert len(error.forms) == steps
    if steps > 1:
        difference = Sum((Ref(Name("A", 1)), Negative(Ref(Name("Y")))))
        assert error.forms[-1] == Hadamard((Ref(Name("share")), difference))


def test_the_worked_example() -> None:
    model = Network.from_sizes([2, 2, 2], "sigmoid", "sigmoid").init()
    model.W[1], model.b[1] = [[0.15, 0.20], [0.25, 0.30]], 0.35
    model.W[2], model.b[2] = [[0.40, 0.45], [0.50, 0.55]], 0.60
    arrays = {Name("X"): np.array([[0.05, 0.10]]), Name("Y"): np.array([[0.01, 0.99]]), Name("share"): np.ones((1, 1))}
    arrays |= {Name(entry.kind, entry.layer): model[entry.name] for entry in model.network.entries}
    found = follow(backprop(model, "half_squared_error"), arrays)
    assert round(found[slope_of(COST, Name("W", 2))][0, 0], 8) == 0.08216704


def test_every_layer_has_a_heading_and_its_sentences_once() -> None:
    network = Network([BatchNorm(), Dense(3, "relu"), BatchNorm("relu"), Dropout(0.5), Dense(2, "softmax")], inputs=2)
    page = backprop(network)
    headings = [str(block.text) for block in page.blocks if isinstance(block, Heading)]
    assert headings[2:] == [
        "Layer 2",
        "Batch normalization of layer 1",
        "Layer 1",
        "Batch normalization of the inputs",
    ]
    said = [str(block.text) for block in page.blocks if isinstance(block, Prose)]
    assert len(said) == len(set(said))


NETWORKS = (
    Network([BatchNorm(), Dense(3, "elu"), BatchNorm("selu"), Dropout(0.5), Dense(2, "softmax")], inputs=2),
    Network([Dense(3, "leaky_relu"), Dense(3, "gelu_tanh"), Dense(2, "relu"), Dense(1, "sigmoid")], inputs=2),
    Network([Dense(2, "softmax"), Dense(1), BatchNorm()], inputs=2),
    Network([Dense(1, "exponential")], inputs=2),
)


@pytest.mark.parametrize("network", NETWORKS, ids=str)
def test_sentences_write_formulas_as_the_equations_do(network: Network) -> None:
    """No letter is spelled out in the middle of a sentence, and nothing is computed with a hyphen."""
    loss = "poisson" if network.output_activation.name == "exponential" else None
    for page in (backprop(network, loss), formula(network)):
        for line in page.text(1000).splitlines():
            if not line.startswith("  ") and not line.startswith("Backpropagation"):
                assert not re.search(r"\b(gamma|beta|zhat|alpha|exp\(|dL/d|sqrt)| [-^*] |\^[23]", line), line


def test_an_equations_number_and_shape_stand_in_one_pair_of_brackets() -> None:
    text = backprop(Network.from_sizes([10, 5, 1])).text()
    assert "(BP4, shape (5, 10))" in text
    assert "((BP" not in text


def test_outputs_of_a_normalization_are_no_weighted_sums() -> None:
    page = backprop(Network([Dense(1), BatchNorm()], inputs=2))
    assert "The outputs are the weighted sums themselves" not in " ".join(page.text().split())


def test_what_is_not_in_the_catalogue_is_called_by_its_name() -> None:
    bent = Activation(name="bent", value=lambda z: z + z**3, slope=lambda z, a: 1 + 3 * z**2, latex="", use="")
    own = Loss(
        name="quartic", value=lambda a, y: np.sum((a - y) ** 4, axis=-1), slope=lambda a, y: 4 * (a - y) ** 3,
        latex="", use="",
    )  # fmt: skip
    page = backprop(Network([Dense(2, bent), Dense(1)], inputs=2), own)
    called = {leaf.function for block in page.blocks if isinstance(block, Equation) for leaf in calls(block.forms[-1])}
    assert called == {"bent", "bent'", "quartic", "quartic'"}


def calls(expr: Expr) -> list[Call]:
    return [*([expr] if isinstance(expr, Call) else []), *(call for inner in children(expr) for call in calls(inner))]
