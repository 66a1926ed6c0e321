"""What every engine must give, held against the complex step, which knows nothing of backpropagation."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.engines import Draw, Objective, compiled, reference
from chainrule.formulas import ACTIVATIONS, L1, L2, LOSSES, Loss, MaxNorm, Penalty
from chainrule.network import BatchNorm, Dense, Dropout, Layer, Network
from chainrule.parameters import Parameters, draw_parameters, start_state

STEP = 1e-30
# The exponential is an output only: hidden, it soon grows beyond all numbers.
TRAINABLE = [name for name in ACTIVATIONS if ACTIVATIONS[name].trainable and name != "exponential"]
# Which output activations a loss can stand on.
OUTPUTS = {name: list(loss.pairs) or TRAINABLE for name, loss in LOSSES.items()}
DRAWS = [None, Draw(seed=3, update=1)]


class Case:
    """A random network with data, every choice a function of the case's number, so that all choices occur."""

    def __init__(self, number: int) -> None:
        rng = np.random.default_rng(number)
        names = list(LOSSES)
        self.loss: Loss = LOSSES[names[number % len(names)]]
        output = OUTPUTS[self.loss.name][(number // len(names)) % len(OUTPUTS[self.loss.name])]
        hidden = TRAINABLE[number % len(TRAINABLE)]
        inputs, width, outputs = rng.integers(1, 5), rng.integers(2, 6), int(rng.integers(2, 4))
        bias = ("neuron", "layer", "none", "neuron")[number % 4]
        layers: list[Layer] = [Dense(int(width), hidden, bias=bias)]
        if number % 3 == 0:
            layers = [BatchNorm(), Dense(int(width), "identity", bias="none"), BatchNorm(hidden, epsilon=1e-3)]
        if number % 2:
            layers.append(Dropout(0.3))
        if number % 5 == 0:
            layers.append(Dense(3, TRAINABLE[(number // 5) % len(TRAINABLE)]))
        layers.append(Dense(outputs, output, bias=bias))
        self.network = Network(layers, inputs=int(inputs))
        self.penalties: tuple[Penalty, ...] = ((), (L2(0.1),), (L1(0.03), L2(0.02)), (MaxNorm(1.0),))[number % 4]
        self.draw = DRAWS[number // 2 % 2] if number % 3 else DRAWS[1]
        self.m = int(rng.integers(3, 8))
        self.X = rng.normal(size=(self.m, self.network.inputs))
        self.weights = rng.uniform(0.1, 2, self.m) if number % 2 == 0 else None
        self.Y = self._targets(rng, outputs)
        self.theta = draw_parameters(self.network, number, np.float64) + 0.1 * rng.normal(
            size=self.network.parameter_count
        )
        self.state = start_state(self.network, np.float64) + 0.1 * rng.uniform(size=self.network.state_count)
        self.objective = Objective(self.network, self.loss, self.penalties)

    def _targets(self, rng: np.random.Generator, outputs: int) -> np.ndarray:
        if self.loss.targets == "distribution":
            return rng.dirichlet(np.ones(outputs), self.m)
        if self.loss.targets == "counts":
            return rng.integers(0, 6, (self.m, outputs)).astype(float)
        return rng.uniform(0, 1, (self.m, outputs))

    def cost(self, theta: np.ndarray, X: np.ndarray) -> complex:
        data = reference.loss(self.objective, theta, self.state, X, self.Y, self.weights, self.draw)
        p = Parameters(self.network, theta)
        price = sum(penalty.bound(penalty.value)(W).sum() for penalty in self.penalties for W in p.W.values())
        return data + price

    def stepped(self) -> tuple[np.ndarray, np.ndarray]:
        """The derivatives by theta and by X, by the complex step."""
        by_theta = np.empty_like(self.theta)
        for i in range(len(self.theta)):
            theta = self.theta.astype(complex)
            theta[i] += 1j * STEP
            by_theta[i] = self.cost(theta, self.X).imag / STEP
        by_X = np.empty_like(self.X)
        for i in np.ndindex(self.X.shape):
            X = self.X.astype(complex)
            X[i] += 1j * STEP
            by_X[i] = self.cost(self.theta.astype(complex), X).imag / STEP
        return by_theta, by_X


@pytest.fixture(params=["reference", "compiled"])
def engine(request: pytest.FixtureRequest) -> Any:
    """Each engine; the compiled one where it can run."""
    if request.param == "compiled" and not compiled.works():
        pytest.skip("LLVM cannot run here")
    return {"reference": reference, "compiled": compiled}[request.param]


# Compiling takes time: `make campaign` has all two hundred compiled.
SOME = range(0, 200, 1 if "CHAINRULE_CASES" in os.environ else 11)
EACH = [("reference", number) for number in range(200)] + [("compiled", number) for number in SOME]


@pytest.mark.parametrize(("engine", "number"), EACH, indirect=["engine"])
def test_gradient_equals_the_complex_step(engine: Any, number: int) -> None:
    case = Case(number)
    found = engine.gradient(
        case.objective, case.theta, case.state, case.X, case.Y, case.weights, case.draw, inputs=True
    )
    by_theta, by_X = case.stepped()
    scale = max(np.abs(by_theta).max(), np.abs(by_X).max())
    assert np.abs(found.theta - by_theta).max() <= 1e-12 * scale
    assert found.inputs is not None
    assert np.abs(found.inputs - by_X).max() <= 1e-12 * scale
    assert found.cost + found.penalty == pytest.approx(float(np.real(case.cost(case.theta, case.X))), rel=1e-13)


def test_the_two_hundred_networks_cover_every_choice() -> None:
    cases = [Case(number) for number in range(200)]
    activations = {layer.activation.name for case in cases for layer in case.network.dense}
    activations |= {
        layer.activation.name for case in cases for layer in case.network.layers if isinstance(layer, BatchNorm)
    }
    assert activations == {*TRAINABLE, "exponential"}
    assert {case.loss.name for case in cases} == set(LOSSES)
    assert {penalty.name for case in cases for penalty in case.penalties} == {"l1", "l2", "max_norm"}
    assert {type(layer).__name__ for case in cases for layer in case.network.layers} == {
        "Dense",
        "Dropout",
        "BatchNorm",
    }
    assert {layer.bias for case in cases for layer in case.network.dense} == {"neuron", "layer", "none"}
    assert any(case.weights is None for case in cases)
    assert any(case.weights is not None for case in cases)
    drawn = [case for case in cases if case.draw and any(isinstance(layer, Dropout) for layer in case.network.layers)]
    assert len(drawn) > 20


def test_a_fixed_bias_has_no_gradient() -> None:
    network = Network([Dense(3, "tanh", bias="fixed"), Dense(1, bias="fixed")], inputs=2)
    model = network.init(seed=1)
    model["b1"] = 0.35
    found = model.gradient([[1.0, 2.0]], [0.5])
    assert not found.b[1].any()
    assert not found.b[2].any()
    assert found.W[1].all()


def test_a_shared_bias_gets_the_sum_over_its_neurons() -> None:
    one = Network([Dense(3, "tanh", bias="layer"), Dense(1)], inputs=2).init(seed=1)
    each = Network([Dense(3, "tanh"), Dense(1)], inputs=2).init(seed=1)
    for name in ("W1", "W2"):
        each[name] = one[name]
    rows, y = [[1.0, 2.0], [0.5, -1.0]], [0.5, 0.1]
    assert one.gradient(rows, y)["b1"][0] == pytest.approx(each.gradient(rows, y).b[1].sum(), rel=1e-14)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 199), st.integers(0, 2**32))
def test_a_weight_counts_as_that_many_rows(number: int, seed: int) -> None:
    case = Case(number)
    draw = None  # masks belong to rows, and doubled rows have masks of their own
    counts = np.random.default_rng(seed).integers(0, 4, case.m)
    if not counts.any() or case.network.state_count:
        return
    again = np.repeat(np.arange(case.m), counts)
    weighted = reference.gradient(case.objective, case.theta, case.state, case.X, case.Y, counts.astype(float), draw)
    repeated = reference.gradient(case.objective, case.theta, case.state, case.X[again], case.Y[again], None, draw)
    assert weighted.cost == pytest.approx(repeated.cost, rel=1e-12)
    np.testing.assert_allclose(weighted.theta, repeated.theta, atol=1e-12 * np.abs(repeated.theta).max())


def test_batch_normalization_counts_a_weight_as_that_many_rows(engine: Any) -> None:
    network = Network([Dense(3, "identity", bias="none"), BatchNorm("tanh"), Dense(1)], inputs=2)
    theta, state = draw_parameters(network, 0, np.float64), start_state(network, np.float64)
    rng = np.random.default_rng(0)
    X, Y, counts = rng.normal(size=(5, 2)), rng.normal(size=(5, 1)), np.array([1, 0, 2, 3, 1])
    again = np.repeat(np.arange(5), counts)
    objective = Objective(network, LOSSES["mean_squared_error"])
    weighted = engine.gradient(objective, theta, state, X, Y, counts.astype(float), Draw(0, 1))
    repeated = engine.gradient(objective, theta, state, X[again], Y[again], None, Draw(0, 1))
    np.testing.assert_allclose(weighted.theta, repeated.theta, rtol=1e-10, atol=1e-14)


def test_dropout_is_inverted_and_its_mask_comes_from_seed_and_update() -> None:
    network = Network([Dense(1000), Dropout(0.25), Dense(1)], inputs=1)
    p = Parameters(network, draw_parameters(network, 0, np.float64))
    p["W1"], p["b1"] = 0.0, 1.0
    state, X = start_state(network, np.float64), np.ones((4, 1))
    first = reference.forward(network, p, state, X, 0.25, Draw(7, 1))[0][1][2]
    again = reference.forward(network, p, state, X, 0.25, Draw(7, 1))[0][1][2]
    other = reference.forward(network, p, state, X, 0.25, Draw(7, 2))[0][1][2]
    assert set(np.unique(first)) == {0.0, 1 / 0.75}
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert first.mean() == pytest.approx(1.0, abs=0.05)
    np.testing.assert_array_equal(reference.forward(network, p, state, X)[0][1][2], 1.0)


def test_running_statistics_follow_the_batches(engine: Any) -> None:
    network = Network([BatchNorm(momentum=0.25), Dense(1)], inputs=2)
    theta, state = draw_parameters(network, 0, np.float64), start_state(network, np.float64)
    X, Y = np.array([[1.0, 10.0], [3.0, 30.0], [8.0, 20.0]]), np.zeros((3, 1))
    objective = Objective(network, LOSSES["mean_squared_error"])
    found = engine.gradient(objective, theta, state, X, Y, None, Draw(0, 1)).state
    np.testing.assert_allclose(found[:2], 0.25 * X.mean(axis=0))
    np.testing.assert_allclose(found[2:], 0.75 + 0.25 * X.var(axis=0, ddof=1))
    np.testing.assert_array_equal(state, [0, 0, 1, 1])  # what went in is left alone


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("engine", "number"),
    [(name, k) for name, step in (("reference", 7), ("compiled", 28)) for k in range(0, 60, step)],
    indirect=["engine"],
)
def test_number_types_are_kept(engine: Any, number: int, dtype: type) -> None:
    case = Case(number)
    given = (case.theta.astype(dtype), case.state.astype(dtype), case.X.astype(dtype), case.Y.astype(dtype))
    weights = None if case.weights is None else case.weights.astype(dtype)
    found = engine.gradient(case.objective, *given, weights, case.draw, inputs=True)
    assert found.inputs is not None
    assert found.theta.dtype == found.inputs.dtype == found.state.dtype == dtype
    assert engine.predict(case.network, *given[:3]).dtype == dtype
    exact = engine.gradient(case.objective, case.theta, case.state, case.X, case.Y, case.weights, case.draw)
    tolerance = 1e-12 if dtype is np.float64 else 2e-5
    assert np.abs(found.theta - exact.theta).max() <= tolerance * np.abs(exact.theta).max()


def test_what_goes_in_is_left_alone(engine: Any) -> None:
    case = Case(3)
    given = (case.theta, case.state, case.X, case.Y)
    before = [each.copy() for each in given]
    for each in given:
        each.flags.writeable = False
    engine.gradient(case.objective, *given, None, case.draw, inputs=True)
    engine.predict(case.network, *given[:3])
    for each, copy in zip(given, before, strict=True):
        np.testing.assert_array_equal(each, copy)


def test_predicting_many_rows_goes_piece_by_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    case = Case(1)
    whole = reference.predict(case.network, case.theta, case.state, case.X)
    monkeypatch.setattr(reference, "_CELLS_AT_ONCE", max(case.network.sizes) * 2)
    np.testing.assert_allclose(reference.predict(case.network, case.theta, case.state, case.X), whole, rtol=1e-13)


def test_one_row_says_nothing_of_the_running_statistics(engine: Any) -> None:
    network = Network([BatchNorm(), Dense(1)], inputs=2)
    theta, state = draw_parameters(network, 0, np.float64), start_state(network, np.float64)
    objective = Objective(network, LOSSES["mean_squared_error"])
    X, Y = np.array([[1.0, 10.0], [3.0, 30.0]]), np.zeros((2, 1))
    one = engine.gradient(objective, theta, state, X[:1], Y[:1], None, Draw(0, 1))
    np.testing.assert_array_equal(one.state, state)
    for weights in ([0.0, 0.0], [2.0, 0.0]):
        found = engine.gradient(objective, theta, state, X, Y, np.array(weights), Draw(0, 1))
        np.testing.assert_array_equal(found.state, state)


def test_running_statistics_count_the_rows_that_weigh_something(engine: Any) -> None:
    network = Network([BatchNorm(), Dense(1)], inputs=2)
    theta, state = draw_parameters(network, 0, np.float64), start_state(network, np.float64)
    objective = Objective(network, LOSSES["mean_squared_error"])
    X, Y = np.random.default_rng(0).normal(size=(6, 2)), np.zeros((6, 1))
    without = engine.gradient(objective, theta, state, X[:4], Y[:4], None, Draw(0, 1))
    weighted = engine.gradient(objective, theta, state, X, Y, np.array([3.0, 3, 3, 3, 0, 0]), Draw(0, 1))
    np.testing.assert_allclose(weighted.state, without.state, rtol=1e-12)


@pytest.mark.parametrize("number", [1, 2, 5])
def test_the_loss_of_many_rows_goes_piece_by_piece(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    case = Case(number)
    given = (case.objective, case.theta, case.state, case.X, case.Y, case.weights)
    whole = reference.loss(*given)
    monkeypatch.setattr(reference, "_CELLS_AT_ONCE", max(case.network.sizes) * 2)
    assert reference.loss(*given) == pytest.approx(whole, rel=1e-14)
