"""Training is what its name says: each update is the one that a hand-written loop makes.

The loop here knows nothing of the package: a 3-4-2 network (tanh, sigmoid, half squared error) in plain NumPy, with the
optimizers written out. It shares only the order of the rows, which the seed gives.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule import L1, L2, SGD, AdaGrad, Adam, AdamW, MaxNorm, Model, Momentum, Nesterov, Network, RMSProp, train
from chainrule.formulas import Optimizer
from chainrule.streams import permutation

Array = npt.NDArray[Any]
Arrays = dict[str, Array]
Rule = Callable[[Array, Array, dict[str, Any], int, str], Array]

NETWORK = Network.from_sizes([3, 4, 2], hidden="tanh", output="sigmoid")
NAMES = ("W1", "b1", "W2", "b2")


def data(n: int, seed: int = 0) -> tuple[Array, Array, Array]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, 3)), rng.uniform(size=(n, 2)), rng.uniform(0.2, 3, n)


def by_hand(p: Arrays, X: Array, Y: Array, w: Array) -> tuple[float, Arrays]:
    """Cost and gradient of one batch."""
    share = (w / w.sum())[:, None]
    A1 = np.tanh(X @ p["W1"].T + p["b1"])
    A2 = 1 / (1 + np.exp(-(A1 @ p["W2"].T + p["b2"])))
    D2 = share * (A2 - Y) * A2 * (1 - A2)
    D1 = (D2 @ p["W2"]) * (1 - A1**2)
    cost = float((share * (A2 - Y) ** 2).sum() / 2)
    return cost, {"W1": D1.T @ X, "b1": D1.sum(0), "W2": D2.T @ A1, "b2": D2.sum(0)}


def sgd(theta: Array, g: Array, s: dict[str, Any], t: int, name: str, rate: float = 0.5) -> Array:
    return theta - rate * g


def momentum(theta: Array, g: Array, s: dict[str, Any], t: int, name: str) -> Array:
    s["v"] = 0.8 * s.get("v", 0) - 0.1 * g
    return theta + s["v"]


def nesterov(theta: Array, g: Array, s: dict[str, Any], t: int, name: str) -> Array:
    # Written as the paper has it: the gradient belongs to the point looked ahead to, which is what training keeps.
    behind = theta - 0.8 * s.get("v", 0)
    s["v"] = 0.8 * s.get("v", 0) - 0.1 * g
    return behind + s["v"] + 0.8 * s["v"]


def adagrad(theta: Array, g: Array, s: dict[str, Any], t: int, name: str) -> Array:
    s["s"] = s.get("s", 0) + g**2
    return theta - 0.1 * g / (np.sqrt(s["s"]) + 1e-8)


def rmsprop(theta: Array, g: Array, s: dict[str, Any], t: int, name: str) -> Array:
    s["s"] = 0.9 * s.get("s", 0) + 0.1 * g**2
    return theta - 0.01 * g / (np.sqrt(s["s"]) + 1e-8)


def adam(theta: Array, g: Array, s: dict[str, Any], t: int, name: str) -> Array:
    s["m"] = 0.9 * s.get("m", 0) + 0.1 * g
    s["v"] = 0.999 * s.get("v", 0) + 0.001 * g**2
    return theta - 0.02 * (s["m"] / (1 - 0.9**t)) / (np.sqrt(s["v"] / (1 - 0.999**t)) + 1e-8)


def adamw(theta: Array, g: Array, s: dict[str, Any], t: int, name: str) -> Array:
    decay = 0.3 if name.startswith("W") else 0.0
    return adam(theta, g, s, t, name) - 0.02 * decay * theta


RULES: list[tuple[Optimizer, Rule]] = [
    (SGD(0.5), sgd),
    (Momentum(0.1, mu=0.8), momentum),
    (Nesterov(0.1, mu=0.8), nesterov),
    (AdaGrad(0.1), adagrad),
    (RMSProp(0.01), rmsprop),
    (Adam(0.02), adam),
    (AdamW(0.02, decay=0.3), adamw),
]


def hand_loop(
    start: Model,
    X: Array,
    Y: Array,
    w: Array,
    *,
    rule: Rule = sgd,
    batch_size: int,
    epochs: int,
    seed: int,
    change: Callable[[Arrays, Arrays], None] = lambda p, g: None,
    project: Callable[[Arrays], None] = lambda p: None,
) -> tuple[Arrays, list[float]]:
    """Give the parameters at the end, and each epoch's mean loss over its rows."""
    p = {name: start[name].copy() for name in NAMES}
    memory: dict[str, dict[str, Any]] = {name: {} for name in NAMES}
    n, t, losses = len(X), 0, []
    for epoch in range(1, epochs + 1):
        order = np.arange(n) if batch_size >= n else permutation(seed, "shuffle", epoch, n=n)
        seen = []
        for first in range(0, n, batch_size):
            rows = order[first : first + batch_size]
            t += 1
            # Row by row, so that the mean owes nothing to how batches are weighed.
            seen += [(w[i], by_hand(p, X[i : i + 1], Y[i : i + 1], w[i : i + 1])[0]) for i in rows]
            _, g = by_hand(p, X[rows], Y[rows], w[rows])
            change(p, g)
            p = {name: rule(p[name], g[name], memory[name], t, name) for name in NAMES}
            project(p)
        losses.append(sum(weight * loss for weight, loss in seen) / sum(weight for weight, _ in seen))
    return p, losses


def assert_same(model: Model, p: Arrays, tolerance: float = 1e-9) -> None:
    for name in NAMES:
        np.testing.assert_allclose(model[name], p[name], rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize(("optimizer", "rule"), RULES, ids=lambda it: it.name if isinstance(it, Optimizer) else "")
@pytest.mark.parametrize("batch_size", [10, 1, 4], ids=["batch", "stochastic", "mini-batch"])
@pytest.mark.parametrize("weighted", [False, True])
def test_every_optimizer_by_hand(optimizer: Optimizer, rule: Rule, batch_size: int, weighted: bool) -> None:
    X, Y, w = data(10)
    given_weights = w if weighted else None
    settings: dict[str, Any] = {"batch_size": batch_size, "epochs": 7, "seed": 3}
    model = train(
        NETWORK, X, Y, optimizer=optimizer, loss="half_squared_error", weights=given_weights, metrics=(), **settings
    )
    p, losses = hand_loop(NETWORK.init(3), X, Y, w if weighted else np.ones(10), rule=rule, **settings)
    assert_same(model, p)
    np.testing.assert_allclose(model.history["loss"], losses, rtol=1e-9)
    assert model.history.updates == 7 * math.ceil(10 / batch_size)


@given(
    n=st.integers(1, 13),
    batch_size=st.integers(1, 15),
    epochs=st.integers(1, 3),
    seed=st.integers(0, 2**64 - 1),
    weighted=st.booleans(),
)
def test_epoch_loss_is_the_mean_over_rows(n: int, batch_size: int, epochs: int, seed: int, weighted: bool) -> None:
    """Each row's loss counts with its weight, measured before the row's own update, in a last small batch too."""
    X, Y, w = data(n, seed=n)
    settings: dict[str, Any] = {"batch_size": batch_size, "epochs": epochs, "seed": seed}
    model = train(
        NETWORK,
        X,
        Y,
        optimizer=SGD(0.5),
        loss="half_squared_error",
        weights=w if weighted else None,
        metrics=(),
        **settings,
    )
    p, losses = hand_loop(NETWORK.init(seed), X, Y, w if weighted else np.ones(n), **settings)
    assert_same(model, p)
    np.testing.assert_allclose(model.history["loss"], losses, rtol=1e-9)


def test_a_whole_weight_counts_as_that_many_rows() -> None:
    X, Y, _ = data(5)
    counts = np.array([1, 3, 0, 2, 1])
    settings: dict[str, Any] = {
        "loss": "half_squared_error",
        "optimizer": SGD(1.0),
        "batch_size": 99,
        "epochs": 5,
        "metrics": "rmse",
    }
    weighted = train(NETWORK, X, Y, weights=counts, **settings)
    repeated = train(NETWORK, X.repeat(counts, 0), Y.repeat(counts, 0), **settings)
    np.testing.assert_allclose(weighted.theta, repeated.theta, rtol=1e-12)
    for series in ("loss", "rmse"):
        np.testing.assert_allclose(weighted.history[series], repeated.history[series], rtol=1e-12)


@pytest.mark.parametrize(("batch_size", "rows"), [(4, [4, 4, 2]), (10, [10])])
def test_penalties_fall_on_weights_only_and_have_their_own_series(batch_size: int, rows: list[int]) -> None:
    X, Y, _ = data(10)
    prices: list[float] = []

    def change(p: Arrays, g: Arrays) -> None:
        prices.append(sum(0.01 * np.abs(p[W]).sum() + 0.05 / 2 * (p[W] ** 2).sum() for W in ("W1", "W2")))
        for W in ("W1", "W2"):
            g[W] += 0.01 * np.sign(p[W]) + 0.05 * p[W]

    settings: dict[str, Any] = {"batch_size": batch_size, "epochs": 4, "seed": 1}
    penalties = [L1(0.01), L2(0.05)]
    model = train(
        NETWORK, X, Y, optimizer=SGD(0.5), loss="half_squared_error", penalties=penalties, metrics=(), **settings
    )
    p, losses = hand_loop(NETWORK.init(1), X, Y, np.ones(10), change=change, **settings)
    assert_same(model, p)
    np.testing.assert_allclose(model.history["loss"], losses, rtol=1e-9)  # data loss alone
    expected = np.average(np.reshape(prices, (4, -1)), axis=1, weights=rows)
    np.testing.assert_allclose(model.history["penalty"], expected, rtol=1e-9)


def test_the_effect_of_a_penalty_does_not_depend_on_the_batch_size() -> None:
    """With no slope from the data, one epoch of SGD shrinks weights by (1 - rate * strength) once an update."""
    X, Y = np.zeros((8, 3)), np.full((8, 2), 0.5)
    start = NETWORK.init(0)
    start["b1"], start["b2"], start["W2"] = 0.0, 0.0, 0.0  # outputs 0.5: nothing to learn
    for batch_size, updates in ((8, 1), (2, 4), (3, 3)):
        model = train(
            start,
            X,
            Y,
            optimizer=SGD(0.1),
            loss="half_squared_error",
            penalties=L2(0.5),
            batch_size=batch_size,
            epochs=1,
        )
        np.testing.assert_allclose(model.W[1], start.W[1] * (1 - 0.05) ** updates, rtol=1e-12)


def test_max_norm_is_kept_after_every_update() -> None:
    X, Y, w = data(10)
    lengths: list[float] = []

    def project(p: Arrays) -> None:
        for W in ("W1", "W2"):
            for row in p[W]:
                row *= min(1.0, 0.7 / np.linalg.norm(row))

    class Watch:
        def batch(self, info: Any) -> None:
            lengths.extend(np.linalg.norm(W, axis=1).max() for W in info.model.W.values())

    settings: dict[str, Any] = {"batch_size": 4, "epochs": 5, "seed": 1}
    model = train(
        NETWORK,
        X,
        Y,
        optimizer=SGD(0.5),
        loss="half_squared_error",
        weights=w,
        penalties=MaxNorm(0.7),
        callbacks=[Watch()],
        **settings,
    )
    assert_same(model, hand_loop(NETWORK.init(1), X, Y, w, project=project, **settings)[0])
    assert len(lengths) == 5 * 3 * 2
    assert max(lengths) <= 0.7 * (1 + 1e-12)
    assert max(lengths) > 0.69  # the limit was met


def test_clipping_shortens_the_whole_gradient_and_keeps_its_direction() -> None:
    X, Y, w = data(10)
    clipped: list[bool] = []

    def change(p: Arrays, g: Arrays) -> None:
        norm = math.sqrt(sum(float((each**2).sum()) for each in g.values()))
        clipped.append(norm > 0.1)
        for each in g.values():
            each *= min(1.0, 0.1 / norm)

    settings: dict[str, Any] = {"batch_size": 4, "epochs": 6, "seed": 1}
    model = train(
        NETWORK, X, Y, optimizer=SGD(0.5), loss="half_squared_error", weights=w, clip=0.1, metrics=(), **settings
    )
    assert_same(model, hand_loop(NETWORK.init(1), X, Y, w, change=change, **settings)[0])
    assert len(set(clipped)) == 2  # some were, some were not


def test_the_fixtures_can_fail() -> None:
    """The hand loop is sharp enough to see a wrong order, weight or rate."""
    X, Y, w = data(10)
    settings: dict[str, Any] = {"batch_size": 4, "epochs": 2, "seed": 3}
    p, losses = hand_loop(NETWORK.init(3), X, Y, w, **settings)
    q, other = hand_loop(NETWORK.init(3), X, Y, np.ones(10), **settings)
    r, _ = hand_loop(NETWORK.init(3), X, Y, w, **{**settings, "seed": 4})
    assert np.abs(p["W1"] - q["W1"]).max() > 1e-6
    assert np.abs(p["W1"] - r["W1"]).max() > 1e-6
    assert abs(losses[0] - other[0]) > 1e-6
