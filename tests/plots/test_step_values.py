"""The numbers on the picture of a step, held against each other and against differences of the cost."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from chainrule import BatchNorm, Dense, Dropout, Network
from chainrule.engines import Draw
from chainrule.explain.names import COST, Name, slope_of
from chainrule.explain.trace import Trace, trace
from chainrule.network import Layer
from chainrule.plots.step_names import Words
from chainrule.plots.step_values import backward_flow, dropped_neurons, forward_flow, value_of

KINDS = [
    ("sigmoid", "sigmoid", "half_squared_error"),
    ("tanh", "identity", "mean_squared_error"),
    ("relu", "softmax", "categorical_cross_entropy"),
    ("gelu", "sigmoid", "binary_cross_entropy"),
    ("elu", "exponential", "poisson"),
    ("softplus", "softplus", "poisson"),
    ("silu", "softmax", "squared_error"),
    ("mish", "tanh", "euclidean_distance"),
    ("selu", "identity", "huber"),
    ("leaky_relu", "identity", "absolute_error"),
]
each_kind = pytest.mark.parametrize(("hidden", "output", "loss"), KINDS)


def step_of(hidden: str, output: str, loss: str, rows: int = 3, bias: str = "neuron") -> Trace:
    random = np.random.default_rng(1)
    model = Network.from_sizes([3, 4, 4, 2], hidden, output, bias=bias).init(seed=1)
    model.theta[:] = random.normal(size=model.theta.shape)
    Y = random.dirichlet([1, 1], size=rows) if "entropy" in loss else random.uniform(1, 3, size=(rows, 2))
    return trace(model, random.normal(size=(rows, 3)), Y, random.uniform(1, 2, size=rows), loss=loss)


@each_kind
def test_lines_add_up_to_the_numbers_in_the_circles(hidden: str, output: str, loss: str) -> None:
    step, words = step_of(hidden, output, loss), Words((3, 4, 4, 2), textbook=False)
    for row in range(3):
        forward, backward = forward_flow(step, row, words), backward_flow(step, row, words)
        for l in (1, 2, 3):
            notes = forward.notes[l]
            np.testing.assert_allclose(forward.edges[l - 1].sum(axis=1) + notes["b"], notes["z"], rtol=1e-12)
            into = backward.edges[l - 1].sum(axis=0)
            expected = backward.neurons[0] if l == 1 else backward.notes[l - 1]["∂C/∂a"]
            np.testing.assert_allclose(into, expected, rtol=1e-10, atol=1e-13)
            np.testing.assert_allclose(
                backward.weights[l - 1], np.outer(backward.neurons[l], forward.neurons[l - 1]), rtol=1e-12
            )
        for l in (1, 2):
            product = backward.notes[l]["∂C/∂a"] * backward.notes[l]["f′(z)"]
            np.testing.assert_allclose(backward.neurons[l], product, rtol=1e-10, atol=1e-13)
    for l in (1, 2, 3):
        total = sum(backward_flow(step, row, words).weights[l - 1] for row in range(3))
        np.testing.assert_allclose(total, step.gradient.W[l], rtol=1e-10, atol=1e-13)


@each_kind
def test_losses_of_the_outputs_add_up(hidden: str, output: str, loss: str) -> None:
    step = step_of(hidden, output, loss)
    losses = forward_flow(step, 1, Words((3, 4, 4, 2), textbook=False)).losses
    if loss == "euclidean_distance":
        assert losses is None
        return
    assert losses.sum() == pytest.approx(step.losses[1], rel=1e-12)
    a, y = step.A[3][1], step.Y[1]
    by_hand = {
        "half_squared_error": lambda: (a - y) ** 2 / 2,
        "categorical_cross_entropy": lambda: -y * np.log(a),
        "binary_cross_entropy": lambda: -y * np.log(a) - (1 - y) * np.log(1 - a),
        "poisson": lambda: a - y * np.log(a),
        "absolute_error": lambda: np.abs(a - y) / 2,
    }
    if loss in by_hand:
        np.testing.assert_allclose(losses, by_hand[loss](), rtol=1e-10)


@each_kind
def test_what_comes_back_to_the_outputs(hidden: str, output: str, loss: str) -> None:
    step = step_of(hidden, output, loss)
    flow = backward_flow(step, 2, Words((3, 4, 4, 2), textbook=False))
    if flow.short:
        a_minus_y = step.A[3][2] - step.Y[2]
        assert (flow.losses is None) == (output == "softplus")  # whose pair with poisson has no short form
        if flow.losses is not None:
            np.testing.assert_array_equal(flow.losses, a_minus_y)
            np.testing.assert_allclose(step.share[2] * flow.losses, flow.neurons[3], rtol=1e-12)
        return
    value, a, h = step.objective.value, step.A[3][2:3], 1e-6
    moves = h * np.eye(2)
    slopes = [(value(a + move, step.Y[2:3]) - value(a - move, step.Y[2:3]))[0] / (2 * h) for move in moves]
    np.testing.assert_allclose(flow.losses, step.share[2] * np.array(slopes), rtol=1e-6)


def every_name(step: Trace) -> list[tuple[Name, np.ndarray[Any, Any]]]:
    theta = step.model.parameters
    names = [
        Name(entry.kind, entry.layer, tuple(map(int, place)))
        for entry in theta.entries
        for place in np.ndindex(entry.shape)
    ]
    return [(name, theta[f"{name.symbol}{name.layer}"]) for name in names]


def test_derivatives_are_differences_of_the_cost() -> None:
    step = step_of("tanh", "sigmoid", "binary_cross_entropy", bias="layer")
    for name, _ in every_name(step):
        if name.symbol == "b":
            continue
        costs = []
        for h in (1e-5, -1e-5):
            model = step.model.copy()
            model.parameters[f"{name.symbol}{name.layer}"][name.index] += h
            costs.append(trace(model, step.X, step.Y, step.weights).cost)
        slope = (costs[0] - costs[1]) / 2e-5
        assert value_of(slope_of(COST, name), step, 0) == pytest.approx(slope, rel=1e-5, abs=1e-9)
        rows = [value_of(slope_of(COST, Name(name.symbol, name.layer, name.index, row)), step, row) for row in range(3)]
        assert sum(rows) == pytest.approx(slope, rel=1e-5, abs=1e-9)


def test_values_of_single_numbers() -> None:
    step = step_of("tanh", "identity", "mean_squared_error")
    values = [
        (Name("x", index=(2,)), step.X[1, 2]),
        (Name("y", index=(0,)), step.Y[1, 0]),
        (Name("z", 2, (3,)), step.Z[2][1, 3]),
        (Name("a", 2, (3,)), step.A[2][1, 3]),
        (Name("delta", 1, (0,)), step.D[1][1, 0]),
        (slope_of(COST, Name("z", 1, (0,))), step.D[1][1, 0]),
        (slope_of(COST, Name("x", index=(1,))), step.dX[1, 1]),
        (Name("W", 2, (1, 2)), step.model.W[2][1, 2]),
        (Name("W", 2, (1, 2)).after(), step.update.after.W[2][1, 2]),
        (Name("L"), step.losses[1]),
        (COST, step.cost),
    ]
    for name, expected in values:
        assert value_of(name, step, 1) == expected
    assert value_of(Name("a", 2, (3,), row=2), step, 1) == step.A[2][2, 3]
    for name in (Name("W", 1), Name("W", 1, (0, "j")), Name("share"), slope_of(Name("a", 1, (0,)), Name("z", 1, (0,)))):
        assert value_of(name, step, 1) is None


def test_a_fixed_bias_has_no_derivative_in_the_trace() -> None:
    step = step_of("tanh", "identity", "mean_squared_error", bias="fixed")
    assert value_of(slope_of(COST, Name("b", 1, (0,))), step, 0) is None


def test_batch_normalization_and_dropout() -> None:
    layers = [Dense(6, "identity", bias="none"), BatchNorm("tanh"), Dropout(0.5), Dense(2, "softmax")]
    model = Network(layers, inputs=3).init(seed=3)
    step = trace(model, np.random.default_rng(0).normal(size=(4, 3)), np.eye(2)[[0, 1, 1, 0]], draw=Draw(0, 1))
    words = Words((3, 6, 2), textbook=False)
    dropped = dropped_neurons(step, 2)
    assert 0 < dropped[1].sum() < 6
    assert dropped[0].sum() == dropped[2].sum() == 0
    forward, backward = forward_flow(step, 2, words), backward_flow(step, 2, words)
    assert (forward.neurons[1][dropped[1]] == 0).all()
    assert (backward.neurons[1][dropped[1]] == 0).all()
    assert (forward.edges[1][:, dropped[1]] == 0).all()
    factors = backward.notes[1]
    np.testing.assert_allclose(factors["∂C/∂a"] * factors["f′(z)"], backward.neurons[1], rtol=1e-12)
    assert set(forward.notes[1]) == {"z", "β", "u"}
    a = value_of(Name("a", 1, (int(np.argmax(dropped[1])),)), step, 2)
    assert a == np.tanh(step.Z[1][2, np.argmax(dropped[1])])  # before dropout deletes it


def normalized_step(*layers: Layer, draw: Draw | None) -> Trace:
    random = np.random.default_rng(2)
    model = Network([*layers, Dense(2, "softmax")], inputs=3).init(seed=3)
    model.theta[:] = random.normal(size=model.theta.shape)
    return trace(model, random.normal(size=(4, 3)), np.eye(2)[[0, 1, 1, 0]], random.uniform(1, 2, 4), draw=draw)


@pytest.mark.parametrize("draw", [None, Draw(0, 1)])
@pytest.mark.parametrize("first", [(BatchNorm(),), (Dropout(0.5),), (BatchNorm("tanh"), Dropout(0.5))])
def test_the_inputs_are_shown_as_they_were_given(first: tuple[Layer, ...], draw: Draw | None) -> None:
    step = normalized_step(*first, Dense(4, "tanh"), draw=draw)
    words = Words((3, 4, 2), textbook=False, row=2)
    forward, backward = forward_flow(step, 2, words), backward_flow(step, 2, words)
    np.testing.assert_array_equal(forward.neurons[0], step.X[2])
    np.testing.assert_array_equal(backward.neurons[0], step.dX[2])
    np.testing.assert_allclose(forward.edges[0].sum(axis=1) + forward.notes[1]["b"], forward.notes[1]["z"], rtol=1e-12)
    drops = draw is not None and isinstance(first[-1], Dropout)
    symbol = "ã" if drops else "a"
    if draw is None and isinstance(first[0], Dropout):
        assert not forward.notes[0]
        assert not backward.notes[0]
        return
    np.testing.assert_array_equal(forward.notes[0][symbol], step.stages[len(first)].before[2])
    np.testing.assert_allclose(backward.edges[0].sum(axis=0), backward.notes[0][f"∂C/∂{symbol}"], rtol=1e-10)


@pytest.mark.parametrize("draw", [None, Draw(0, 1)])
@pytest.mark.parametrize("activation", ["identity", "tanh"])
def test_before_a_normalization_lines_add_up_to_u(activation: str, draw: Draw | None) -> None:
    step = normalized_step(Dense(4, activation), BatchNorm("tanh"), Dropout(0.3), draw=draw)
    words, p = Words((3, 4, 2), textbook=False, row=1), step.model.parameters
    forward, backward = forward_flow(step, 1, words), backward_flow(step, 1, words)
    assert forward.sums == ("u", "z")
    notes = forward.notes[1]
    np.testing.assert_allclose(forward.edges[0].sum(axis=1) + p.b[1], notes["u"], rtol=1e-12)
    zhat = step.stages[1].zhat
    assert zhat is not None
    np.testing.assert_allclose(p.gamma[1] * zhat[1] + notes["β"], notes["z"], rtol=1e-12)
    slopes = backward.notes[1]["∂C/∂u"]
    np.testing.assert_allclose(backward.edges[0], slopes[:, None] * p.W[1], rtol=1e-12)
    np.testing.assert_allclose(backward.weights[0], np.outer(slopes, step.X[1]), rtol=1e-12)
    assert not np.allclose(slopes, backward.neurons[1])
    h, costs = 1e-6, []
    for side in (h, -h):  # x alone of row 1, moved: the cost moves at the rate of the sum of its lines
        X = step.X.copy()
        X[1, 0] += side
        costs.append(trace(step.model, X, step.Y, step.weights, draw=draw).cost)
    assert backward.edges[0].sum(axis=0)[0] == pytest.approx((costs[0] - costs[1]) / (2 * h), rel=1e-5, abs=1e-9)


def test_a_distance_has_no_parts_even_with_one_output() -> None:
    step = trace(Network.from_sizes([2, 1]).init(), [[1, 2]], [[3.0]], loss="euclidean_distance")
    assert forward_flow(step, 0, Words((2, 1), textbook=False)).losses is None


def test_numbers_before_and_behind_dropout_and_normalization() -> None:
    step = normalized_step(Dense(4), BatchNorm("tanh"), Dropout(0.5), draw=Draw(0, 1))
    dense, norm, dropout = step.stages[:3]
    for name, array in (
        (Name("u", 1, (2,)), dense.Z),
        (Name("zhat", 1, (2,)), norm.zhat),
        (Name("a", 1, (2,)), norm.A),
        (Name("drop", 1, (2,)), dropout.A),
        (slope_of(COST, Name("u", 1, (2,))), dense.D),
        (slope_of(COST, Name("a", 1, (2,))), dropout.G),
    ):
        assert array is not None
        assert value_of(name, step, 3) == array[3, 2]
    assert value_of(Name("mean", 1, (2,)), step, 3) == pytest.approx(np.average(dense.Z[:, 2], weights=step.share))
