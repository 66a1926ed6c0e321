"""A trace holds the engine's numbers, array by array, and the rows' shares add up to the batch's gradient."""

from __future__ import annotations

import numpy as np
import pytest
from tests.explain.cases import random_step

from chainrule import SGD, Adam, Network, TableEncoder
from chainrule.explain import explain, trace
from chainrule.explain.anatomy import Anatomy
from chainrule.explain.names import Name
from chainrule.explain.rows import row_shares
from chainrule.network import Dense
from chainrule.training.memory import Memory


@pytest.mark.parametrize("seed", range(25))
def test_the_engines_numbers(seed: int) -> None:
    step = random_step(np.random.default_rng(500 + seed))
    found = step.model.gradient(step.X, step.Y, step.weights, draw=step.draw)
    assert step.cost == found.cost
    assert np.array_equal(step.gradient.theta, found.theta)
    assert np.array_equal(step.dX, found.inputs)
    for stage in step.stages:
        if isinstance(stage.layer, Dense):
            assert np.allclose(stage.D.T @ stage.before, found.W[stage.l], rtol=1e-12, atol=1e-300)
    if step.draw is None:
        passed = step.model.forward(step.X)
        assert step.A[0] is step.X
        for l in range(1, len(step.model.network.sizes)):
            assert np.array_equal(step.A[l], passed.A[l])


@pytest.mark.parametrize("seed", range(25))
def test_rows_add_up(seed: int) -> None:
    step = random_step(np.random.default_rng(600 + seed))
    rows = sum(step.row_gradient(r).theta for r in range(step.m))
    trained = np.concatenate([np.full(entry.stored, entry.trained) for entry in step.model.network.entries])
    size = np.abs(step.gradient.theta).max()
    assert np.allclose(rows[trained], step.gradient.theta[trained], rtol=1e-11, atol=1e-12 * size)
    for entry in step.model.network.entries if step.m > 1 else ():
        place = tuple(n - 1 for n in entry.shape)
        name = f"{entry.name}[{','.join(map(str, place))}]"
        alone = [step.row_gradient(r)[name] for r in range(step.m)]
        assert np.allclose(row_shares(Anatomy(step), Name(entry.kind, entry.layer, place)), alone, rtol=1e-12, atol=0)


def test_without_batch_statistics_a_row_adds_what_it_gives_alone() -> None:
    rng = np.random.default_rng(0)
    model, X, Y = Network.from_sizes([3, 4, 2], "tanh").init(seed=1), rng.normal(size=(6, 3)), rng.normal(size=(6, 2))
    step = trace(model, X, Y)
    for r in range(6):
        alone = model.gradient(X[[r]], Y[[r]]).theta / 6
        assert np.allclose(step.row_gradient(r).theta, alone, rtol=1e-12, atol=1e-15)


def test_a_model_of_float32_is_computed_in_float64_and_left_alone() -> None:
    model = Network.from_sizes([3, 4, 2], "tanh").init(seed=1, dtype=np.float32)
    before = model.theta.copy()
    step = trace(model, [[0.1, 0.2, 0.3]], [[1.0, 2.0]], optimizer=SGD(0.5), loss="huber")
    assert step.D[1].dtype == np.float64
    assert step.update.after.theta.dtype == np.float64
    assert (model.loss.name, model.theta.dtype) == ("mean_squared_error", np.float32)
    assert np.array_equal(model.theta, before)


def test_raw_rows_keep_the_names_of_their_columns() -> None:
    X = np.array([["1.5", "cat"], ["2.5", "dog"], ["0.5", "cat"]], dtype=object)
    encoder = TableEncoder.fit(X, names=["age", "pet"])
    model = Network.from_sizes([len(encoder.outputs), 2, 1], "tanh").init()
    model.encoder = encoder
    step = trace(model, X[:1], [[1.0]])
    assert [column.name for column in step.columns] == list(encoder.outputs)
    assert step.columns[-1].how == "1 where the data say pet=dog, else 0"
    assert "pet" in str(explain(step))


def test_one_trace_explains_several_numbers() -> None:
    model = Network.from_sizes([2, 2, 1], "tanh").init(seed=0)
    memory = Memory("adam", (np.full(9, 0.1), np.full(9, 0.2)), updates=4)
    step = trace(model, [[1.0, 2.0]], [[0.5]], optimizer=Adam(0.01), memory=memory)
    assert step.update.t == 5
    assert explain(step, of="W1[0,0] after").value == step.update.after["W1[0,0]"]
    assert explain(step, of="a1[0]").value == step.A[1][0, 0]
