"""A network's one formula, evaluated, gives its outputs; so does what is written out number by number."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from chainrule import BatchNorm, Dense, Dropout, Model, Network, backprop, formula
from chainrule.errors import UsageError
from chainrule.explain.expressions import Call, MatrixProduct, Ref, Sum, Transposed
from chainrule.explain.forms.activations import activation_form
from chainrule.explain.forms.common import Row
from chainrule.explain.names import Name
from chainrule.explain.networks.formula import NESTED
from chainrule.explain.networks.layer_forms import definition_of
from chainrule.explain.page import Equation, Grid, Page, Prose
from chainrule.explain.writing.notation import Notation
from chainrule.explain.writing.text import text_style
from chainrule.explain.writing.writer import Writer
from chainrule.formulas import ACTIVATIONS

from .architectures import CASES, Architecture, make_architecture
from .evaluating import evaluate


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
    assert np.allclose(outputs_by(formula(case.network), case), case.model.outputs(case.X), rtol=1e-12, atol=1e-12)


def outputs_by(page: Page, case: Architecture) -> Any:
    """The outputs: by the one formula of a page, or by those of a deep network's layers, one after the other."""
    last, arrays = Name("A", case.network.depth), {Name("X"): case.X, **arrays_of(case.model)}
    whole = equations(page)
    layers = sum(not isinstance(layer, Dropout) for layer in case.network.layers)
    for each in whole if layers > NESTED else whole[:1]:
        assert isinstance(each.left, Ref)
        arrays[each.left.name] = evaluate(each.forms[-1], arrays)
        if each.left.name == last:
            return arrays[last]
    raise AssertionError("nothing says what the outputs are")


def test_a_deep_network_is_written_layer_by_layer() -> None:
    page = formula(Network.from_sizes([2] * 401, "tanh"))
    layers = [each for each in equations(page) if isinstance(each.left, Ref)]
    assert [each.left.name for each in layers] == [Name("A", l) for l in range(1, 401)]
    assert "A399 = tanh(A398 W399ᵀ + b399)" in page.text()
    assert str(page.title) == "The network 2-2-2-2-…-2-2-2 as one formula"
    for write in (page.html, page.latex, page.markdown, page.json):
        assert write()


def test_biases_are_spoken_of_where_there_are_some() -> None:
    for bias, told in (("neuron", True), ("layer", True), ("fixed", True), ("none", False)):
        network = Network([Dense(2, "tanh", bias=bias), Dense(1, bias=bias)], inputs=2)
        assert ("a bias is added" in formula(network).text()) == told
        assert ("bias is added" in " ".join(backprop(network).text().split())) == told


@pytest.mark.parametrize("name", ["sigmoid", "relu", "softplus", "exponential", "silu", "gelu", "gelu_tanh", "mish"])
def test_a_network_and_a_number_write_an_activation_alike(name: str) -> None:
    """`formula` and `explain` have forms of their own, since only numbers know on which side of 0 they are."""
    whole = definition_of(ACTIVATIONS[name], Ref(Name("z", index=(0,)), 0.5))
    one = activation_form(ACTIVATIONS[name], Row(Name("z"), np.array([0.5])), 0).expr
    writer = Writer(text_style(Notation()))
    assert whole is not None
    assert writer.write(whole) == writer.write(one)


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


def test_two_layers_are_the_notations_formula() -> None:
    page = formula(Network.from_sizes([2, 3, 1], hidden="tanh", output="sigmoid"))
    outer = equations(page)[0].forms[0]
    assert isinstance(outer, Call)
    assert outer.function == "sigmoid"
    (total,) = outer.args
    assert isinstance(total, Sum)
    product, bias = total.terms
    assert bias == Ref(Name("b", 2))
    assert isinstance(product, MatrixProduct)
    assert product.factors[1] == Transposed(Ref(Name("W", 2)))
    assert isinstance(product.factors[0], Call)
    assert product.factors[0].function == "tanh"


@pytest.mark.parametrize("name", [name for name in ACTIVATIONS if name not in ("identity", "softmax", "step")])
def test_definitions_are_the_formulas(name: str) -> None:
    z = np.linspace(-6, 6, 49)
    found = [
        each for each in equations(formula(Network.from_sizes([2, 1], output=name))) if isinstance(each.left, Call)
    ]
    (definition,) = found
    arrays = {Name("z"): z, Name("pi"): np.pi}
    assert np.allclose(evaluate(definition.forms[-1], arrays), ACTIVATIONS[name].f(z), rtol=1e-12, atol=1e-14)
    assert np.allclose(evaluate(definition.left, arrays), ACTIVATIONS[name].f(z), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", ["step", "softmax"])
def test_what_has_no_formula_of_one_number_is_told(name: str) -> None:
    page = formula(Network([Dense(2, name), Dense(1)], inputs=2))
    assert any(isinstance(block, Prose) and str(block.text).startswith(f"{name} ") for block in page.blocks)


def test_large_networks_are_not_written_out() -> None:
    page = formula(Network.from_sizes([784, 30, 10], "relu", "softmax").init())
    assert len(equations(page)) == 2  # the network, and what relu is


def test_shapes_are_those_of_the_arrays() -> None:
    model = Network(
        [Dense(3, bias="layer"), BatchNorm("relu"), Dropout(0.5), Dense(2, bias="none"), Dense(1)], inputs=4
    ).init()
    (grid,) = [block for block in formula(model).blocks if isinstance(block, Grid)]
    shapes = {row[0]: row[1] for row in grid.rows}
    assert shapes.pop(Name("X")) == "(m, 4)"
    assert [shapes.pop(Name("A", l)) for l in (1, 2, 3)] == ["(m, 3)", "(m, 2)", "(m, 1)"]
    assert shapes == {name: str(array.shape) for name, array in arrays_of(model).items()}


def test_what_is_no_network_is_refused() -> None:
    with pytest.raises(UsageError, match="ndarray is neither a Network nor a Model"):
        formula(np.zeros(3))  # type: ignore[arg-type]
