"""Each optimizer against its recursion in plain Python floats, and against scikit-learn where that has the same."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.neural_network._stochastic_optimizers import AdamOptimizer, SGDOptimizer

from chainrule.errors import UsageError
from chainrule.formulas import (
    OPTIMIZERS,
    SGD,
    AdaGrad,
    Adam,
    AdamW,
    Momentum,
    Nesterov,
    Optimizer,
    RMSProp,
)

numbers = st.floats(-100, 100).map(lambda x: round(x, 3))
gradients = st.lists(numbers, min_size=1, max_size=6)


def run(optimizer: Optimizer, theta: Any, gradients: list[Any], **parameters: Any) -> np.ndarray:
    """Theta after one update for each gradient."""
    theta = np.array(theta, dtype=float)
    state = optimizer.start(theta)
    for t, g in enumerate(gradients, start=1):
        settings = {**optimizer.parameters, **parameters}
        change, state = optimizer.value(theta, np.asarray(g), state, t, optimizer.rate, **settings)
        theta = theta + change
    return theta


def updating(optimizer: Optimizer) -> Any:
    """The update itself: theta + change, and the state."""

    def update(theta: Any, *rest: Any) -> Any:
        change, state = optimizer.bound(optimizer.value)(theta, *rest)
        return theta + change, state

    return update


def by_hand(name: str, x: float, gradients: list[float]) -> float:
    """One weight, updated as the papers say, one letter after the other."""
    v = s = m = 0.0
    for t, g in enumerate(gradients, start=1):
        if name == "sgd":
            x = x - 0.1 * g
        elif name == "momentum":
            v = 0.9 * v - 0.1 * g
            x = x + v
        elif name == "nesterov":
            old, v = v, 0.9 * v - 0.1 * g
            x = x - 0.9 * old + 1.9 * v  # the other common way to write it
        elif name == "adagrad":
            s = s + g**2
            x = x - 0.1 * g / (math.sqrt(s) + 1e-6)
        elif name == "rmsprop":
            s = 0.8 * s + 0.2 * g**2
            x = x - 0.1 * g / (math.sqrt(s) + 1e-6)
        else:
            m = 0.7 * m + 0.3 * g
            s = 0.95 * s + 0.05 * g**2
            decay = 0.3 * x if name == "adamw" else 0.0
            x = x - 0.1 * (m / (1 - 0.7**t) / (math.sqrt(s / (1 - 0.95**t)) + 1e-6) + decay)
    return x


BY_HAND = {
    "sgd": SGD(0.1),
    "momentum": Momentum(0.1),
    "nesterov": Nesterov(0.1),
    "adagrad": AdaGrad(0.1, epsilon=1e-6),
    "rmsprop": RMSProp(0.1, rho=0.8, epsilon=1e-6),
    "adam": Adam(0.1, beta1=0.7, beta2=0.95, epsilon=1e-6),
    "adamw": AdamW(0.1, beta1=0.7, beta2=0.95, epsilon=1e-6, decay=0.3),
}


@pytest.mark.parametrize("name", BY_HAND)
@given(start=numbers, gradients=gradients)
def test_recursion(name: str, start: float, gradients: list[float]) -> None:
    expected = by_hand(name, start, gradients)
    found = run(BY_HAND[name], [start, 0.0], [[g, 1.0] for g in gradients])
    assert found[0] == pytest.approx(expected, rel=1e-12, abs=1e-12)


@given(gradients=gradients, momentum=st.sampled_from([0.0, 0.5, 0.9]))
@pytest.mark.parametrize("nesterov", [False, True])
def test_descent_is_that_of_scikit_learn(nesterov: bool, gradients: list[float], momentum: float) -> None:
    params = [np.array([1.0, -2.0])]
    peer = SGDOptimizer(params, learning_rate_init=0.1, momentum=momentum, nesterov=nesterov)
    for g in gradients:
        peer.update_params(params, [np.array([g, -g])])
    optimizer = Nesterov(0.1, mu=momentum) if nesterov else Momentum(0.1, mu=momentum)
    np.testing.assert_allclose(run(optimizer, [1.0, -2.0], [[g, -g] for g in gradients]), params[0], rtol=1e-12)
    if momentum == 0:
        np.testing.assert_allclose(run(SGD(0.1), [1.0, -2.0], [[g, -g] for g in gradients]), params[0], rtol=1e-12)


@given(gradients=st.lists(numbers.filter(bool), min_size=1, max_size=6))
def test_adam_is_that_of_scikit_learn(gradients: list[float]) -> None:
    # It adds epsilon before the bias correction, so the two agree where epsilon does not count.
    params = [np.array([1.0, -2.0])]
    peer = AdamOptimizer(params, learning_rate_init=0.01, beta_1=0.8, beta_2=0.99, epsilon=1e-300)
    for g in gradients:
        peer.update_params(params, [np.array([g, -g])])
    found = run(Adam(0.01, beta1=0.8, beta2=0.99, epsilon=1e-300), [1.0, -2.0], [[g, -g] for g in gradients])
    np.testing.assert_allclose(found, params[0], rtol=1e-12)


def test_momentum_0_and_nesterov_0_are_gradient_descent() -> None:
    g = [[0.3, -1.0], [2.0, 0.5]]
    plain = run(SGD(0.1), [1.0, 2.0], g)
    assert np.array_equal(run(Momentum(0.1, mu=0.0), [1.0, 2.0], g), plain)
    assert np.array_equal(run(Nesterov(0.1, mu=0.0), [1.0, 2.0], g), plain)


def test_first_step_of_adam_is_the_learning_rate_whatever_the_gradient() -> None:
    for g in (1e-3, 1.0, 1e6):
        assert run(Adam(0.01), [0.0], [[g]])[0] == pytest.approx(-0.01, rel=1e-4)


def test_adamw_spares_what_its_decay_masks() -> None:
    mask = np.array([1.0, 0.0])
    g = [[0.5, 0.5], [-0.2, -0.2]]
    spared = run(AdamW(0.01, decay=0.5), [3.0, 3.0], g, decay=0.5 * mask)
    assert spared[0] == run(AdamW(0.01, decay=0.5), [3.0], [[0.5], [-0.2]])[0]
    assert spared[1] == run(Adam(0.01), [3.0], [[0.5], [-0.2]])[0]
    assert spared[0] < spared[1]


def test_decay_of_adamw_does_not_pass_through_the_adaptive_step() -> None:
    assert run(AdamW(0.1, decay=0.5), [2.0], [[0.0]])[0] == 2.0 * (1 - 0.1 * 0.5)


def test_going_on_from_a_state_is_the_same_as_never_having_stopped() -> None:
    g = [np.array([0.3, -1.0]), np.array([2.0, 0.5]), np.array([-1.0, 0.1])]
    for optimizer in OPTIMIZERS.values():
        step = updating(optimizer)
        theta, state = step(np.array([1.0, 2.0]), g[0], optimizer.start(np.zeros(2)), 1, optimizer.rate)
        kept = (theta.copy(), tuple(vector.copy() for vector in state))
        step(theta, g[2], state, 2, optimizer.rate)  # another future, which must leave no mark
        theta, state = step(*kept[:1], g[1], kept[1], 2, optimizer.rate)
        theta, state = step(theta, g[2], state, 3, optimizer.rate)
        assert np.array_equal(theta, run(optimizer, [1.0, 2.0], g))


@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=str)
def test_goes_down_a_valley(optimizer: Optimizer) -> None:
    theta, state = np.array([2.0, -1.0]), optimizer.start(np.zeros(2))
    for t in range(1, 301):
        g = theta * [1.0, 4.0]
        theta, state = updating(optimizer)(theta, g, state, t, 0.1)
    assert np.abs(theta).max() < 0.2


@pytest.mark.parametrize("make", [SGD, Momentum, Nesterov, AdaGrad, RMSProp, Adam, AdamW])
def test_short_form_has_the_defaults_of_the_catalogue(make: Any) -> None:
    (record,) = [r for r in OPTIMIZERS.values() if r.value is make().value]
    assert make() == record
    assert make(0.25).rate == 0.25


NO_RATES = [0, -1, math.nan, math.inf, 10**400, -(10**5000), "0.1", True, None]  # Python does not write 10**5000 out


@pytest.mark.parametrize("rate", NO_RATES, ids=range(len(NO_RATES)))
@pytest.mark.parametrize("make", [SGD, Momentum, Nesterov, AdaGrad, RMSProp, Adam, AdamW, Adam().with_parameters])
def test_rate_must_be_a_positive_finite_number(make: Callable[..., Optimizer], rate: Any) -> None:
    with pytest.raises(UsageError) as caught:
        make(rate=rate)
    assert str(caught.value).startswith("the learning rate is ")
    assert str(caught.value).endswith("; it must be a finite number above 0, such as 0.01")
    assert len(str(caught.value)) < 120


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("momentum", {"mu": 1}),
        ("nesterov", {"mu": -0.1}),
        ("rmsprop", {"rho": 1.0}),
        ("adagrad", {"epsilon": 0}),
        ("adam", {"beta1": 1}),
        ("adam", {"beta2": 1.5}),
        ("adamw", {"decay": -1e-3}),
    ],
)
def test_parameter_that_would_divide_by_zero_or_run_away_is_refused(name: str, parameters: dict[str, float]) -> None:
    (key,) = parameters
    with pytest.raises(UsageError, match=f"{name}: {key} is .*; it must be a finite number with 0 <=? {key}"):
        OPTIMIZERS.find(name, **parameters)
