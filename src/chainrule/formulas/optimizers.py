"""Optimizers: one update of the flat parameter vector, state in and state out.

Each takes (theta, g, state, t, rate, its parameters) and gives (change, new state), so that theta <- theta + change.
All vectors have theta's layout, and t = 1, 2, … counts the updates. Nothing is changed in place; a change may be a
vector of the new state itself, so add it and do not write into it.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

from chainrule.formulas.intervals import BELOW_ONE, NOT_NEGATIVE, POSITIVE
from chainrule.formulas.records import Array, Optimizer

__all__ = [
    "RECORDS",
    "SGD",
    "AdaGrad",
    "Adam",
    "AdamW",
    "Momentum",
    "Nesterov",
    "RMSProp",
    "adagrad",
    "adam",
    "adamw",
    "gradient_descent",
    "momentum",
    "nesterov",
    "rmsprop",
]

Vectors: TypeAlias = tuple[Array, ...]


def gradient_descent(theta: Array, g: Array, state: Vectors, t: int, rate: float) -> tuple[Array, Vectors]:
    """change = -rate g."""
    return -rate * g, ()


def momentum(theta: Array, g: Array, state: Vectors, t: int, rate: float, mu: float = 0.9) -> tuple[Array, Vectors]:
    """v <- mu v - rate g; change = v."""
    (v,) = state
    v = mu * v - rate * g
    return v, (v,)


def nesterov(theta: Array, g: Array, state: Vectors, t: int, rate: float, mu: float = 0.9) -> tuple[Array, Vectors]:
    """v <- mu v - rate g; change = mu v - rate g: the gradient is taken where theta already looks ahead."""
    (v,) = state
    v = mu * v - rate * g
    return mu * v - rate * g, (v,)


def adagrad(
    theta: Array, g: Array, state: Vectors, t: int, rate: float, epsilon: float = 1e-8
) -> tuple[Array, Vectors]:
    """s <- s + g^2; change = -rate g / (sqrt(s) + epsilon)."""
    (s,) = state
    s = s + g * g
    return -rate * g / (np.sqrt(s) + epsilon), (s,)


def rmsprop(
    theta: Array, g: Array, state: Vectors, t: int, rate: float, rho: float = 0.9, epsilon: float = 1e-8
) -> tuple[Array, Vectors]:
    """s <- rho s + (1 - rho) g^2; change = -rate g / (sqrt(s) + epsilon)."""
    (s,) = state
    s = rho * s + (1 - rho) * (g * g)
    return -rate * g / (np.sqrt(s) + epsilon), (s,)


def adam(
    theta: Array,
    g: Array,
    state: Vectors,
    t: int,
    rate: float,
    beta1: float = 0.9,
    beta2: float = 0.999,
    epsilon: float = 1e-8,
) -> tuple[Array, Vectors]:
    """m <- beta1 m + (1 - beta1) g; v <- beta2 v + (1 - beta2) g^2; change = -rate m' / (sqrt(v') + epsilon).

    m' = m / (1 - beta1^t) and v' = v / (1 - beta2^t) take out the bias towards the zeros at which m and v start.
    """
    m, v = state
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * (g * g)
    m_hat = m / (1 - beta1**t)
    v_hat = v / (1 - beta2**t)
    return -rate * m_hat / (np.sqrt(v_hat) + epsilon), (m, v)


def adamw(
    theta: Array,
    g: Array,
    state: Vectors,
    t: int,
    rate: float,
    beta1: float = 0.9,
    beta2: float = 0.999,
    epsilon: float = 1e-8,
    decay: float | Array = 0.01,
) -> tuple[Array, Vectors]:
    """change = Adam's - rate decay theta; decay may be a vector, so that biases are spared."""
    change, state = adam(theta, g, state, t, rate, beta1, beta2, epsilon)
    return change - rate * decay * theta, state


_ADAM_LIMITS = {"beta1": BELOW_ONE, "beta2": BELOW_ONE, "epsilon": POSITIVE}

RECORDS = (
    Optimizer(
        name="sgd",
        value=gradient_descent,
        rate=0.1,
        latex=r"\theta \leftarrow \theta - \eta \, g",
        use="Gradient descent itself: batch, stochastic or mini-batch, depending on the batch size.",
        source="A.-L. Cauchy, 1847; H. Robbins and S. Monro, 1951.",
    ),
    Optimizer(
        name="momentum",
        value=momentum,
        slots=("v",),
        parameters={"mu": 0.9},
        limits={"mu": BELOW_ONE},
        latex=r"v \leftarrow \mu v - \eta \, g, \quad \theta \leftarrow \theta + v",
        use="Long narrow valleys, where plain descent zigzags.",
        source="B. Polyak, 1964.",
    ),
    Optimizer(
        name="nesterov",
        value=nesterov,
        slots=("v",),
        parameters={"mu": 0.9},
        limits={"mu": BELOW_ONE},
        latex=r"v \leftarrow \mu v - \eta \, g, \quad \theta \leftarrow \theta + \mu v - \eta \, g",
        use="Like momentum, with less overshoot.",
        source="Y. Nesterov, 1983; as I. Sutskever et al., ICML 2013, with theta at the point looked ahead to.",
    ),
    Optimizer(
        name="adagrad",
        value=adagrad,
        slots=("s",),
        parameters={"epsilon": 1e-8},
        limits={"epsilon": POSITIVE},
        latex=r"s \leftarrow s + g^2, \quad \theta \leftarrow \theta - \eta \, g / (\sqrt{s} + \epsilon)",
        use="Sparse inputs, where rare features deserve larger steps; its steps shrink for ever.",
        source="J. Duchi, E. Hazan and Y. Singer, JMLR 2011, the diagonal form.",
    ),
    Optimizer(
        name="rmsprop",
        value=rmsprop,
        slots=("s",),
        rate=0.001,
        parameters={"rho": 0.9, "epsilon": 1e-8},
        limits={"rho": BELOW_ONE, "epsilon": POSITIVE},
        latex=r"s \leftarrow \rho s + (1 - \rho) g^2, \quad"
        r" \theta \leftarrow \theta - \eta \, g / (\sqrt{s} + \epsilon)",
        use="As AdaGrad, but it forgets, so that steps do not shrink for ever.",
        source="T. Tieleman and G. Hinton, 2012, lecture 6.5; not centred.",
    ),
    Optimizer(
        name="adam",
        value=adam,
        slots=("m", "v"),
        rate=0.001,
        parameters={"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8},
        limits=_ADAM_LIMITS,
        latex=r"m \leftarrow \beta_1 m + (1 - \beta_1) g, \; v \leftarrow \beta_2 v + (1 - \beta_2) g^2, \;"
        r" \theta \leftarrow \theta - \eta \, \hat m / (\sqrt{\hat v} + \epsilon)",
        use="The default: steps of about the learning rate, whatever the scale of the gradient.",
        source="D. Kingma and J. Ba, ICLR 2015, algorithm 1.",
    ),
    Optimizer(
        name="adamw",
        value=adamw,
        slots=("m", "v"),
        rate=0.001,
        decays=True,
        parameters={"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8, "decay": 0.01},
        limits={**_ADAM_LIMITS, "decay": NOT_NEGATIVE},
        latex=r"\theta \leftarrow \theta - \eta \left( \hat m / (\sqrt{\hat v} + \epsilon) + \lambda \theta \right)",
        use="Adam where large weights should shrink; the decay does not pass through the adaptive step.",
        source="I. Loshchilov and F. Hutter, ICLR 2019, algorithm 2; decays weights, not biases.",
    ),
)

_BY_NAME = {record.name: record for record in RECORDS}


def SGD(rate: float = 0.1) -> Optimizer:
    """Give gradient descent, theta <- theta - rate g, with this learning rate.

    >>> SGD(3.0).rate
    3.0
    """
    return _BY_NAME["sgd"].with_parameters(rate=rate)


def Momentum(rate: float = 0.01, mu: float = 0.9) -> Optimizer:
    """Give gradient descent with momentum mu.

    >>> print(Momentum(0.1))
    momentum(rate=0.1, mu=0.9)
    """
    return _BY_NAME["momentum"].with_parameters(rate=rate, mu=mu)


def Nesterov(rate: float = 0.01, mu: float = 0.9) -> Optimizer:
    """Give gradient descent with Nesterov's momentum mu.

    >>> print(Nesterov(0.1))
    nesterov(rate=0.1, mu=0.9)
    """
    return _BY_NAME["nesterov"].with_parameters(rate=rate, mu=mu)


def AdaGrad(rate: float = 0.01, epsilon: float = 1e-8) -> Optimizer:
    """Give AdaGrad.

    >>> AdaGrad().slots
    ('s',)
    """
    return _BY_NAME["adagrad"].with_parameters(rate=rate, epsilon=epsilon)


def RMSProp(rate: float = 0.001, rho: float = 0.9, epsilon: float = 1e-8) -> Optimizer:
    """Give RMSProp with forgetting factor rho.

    >>> RMSProp(rho=0.99).parameters["rho"]
    0.99
    """
    return _BY_NAME["rmsprop"].with_parameters(rate=rate, rho=rho, epsilon=epsilon)


def Adam(rate: float = 0.001, beta1: float = 0.9, beta2: float = 0.999, epsilon: float = 1e-8) -> Optimizer:
    """Give Adam.

    >>> Adam(0.01).slots
    ('m', 'v')
    """
    return _BY_NAME["adam"].with_parameters(rate=rate, beta1=beta1, beta2=beta2, epsilon=epsilon)


def AdamW(
    rate: float = 0.001, beta1: float = 0.9, beta2: float = 0.999, epsilon: float = 1e-8, decay: float = 0.01
) -> Optimizer:
    """Give AdamW: Adam with decoupled weight decay.

    >>> AdamW(decay=0.1).parameters["decay"]
    0.1
    """
    return _BY_NAME["adamw"].with_parameters(rate=rate, beta1=beta1, beta2=beta2, epsilon=epsilon, decay=decay)
