"""The compiled engine gives the reference engine's numbers: random networks, losses, penalties and optimizers."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from chainrule.engines import Carry, Draw, Job, Objective, reference
from chainrule.formulas import ACTIVATIONS, L1, L2, LOSSES, OPTIMIZERS, MaxNorm
from chainrule.network import BatchNorm, Dense, Dropout, Network
from chainrule.parameters import Parameters, draw_parameters, start_state
from chainrule.streams import permutation

compiled = pytest.importorskip("chainrule.engines.compiled")
if not compiled.works():
    pytest.skip("LLVM cannot run here", allow_module_level=True)

from chainrule.engines.compiled import kernels  # noqa: E402

Array = npt.NDArray[Any]
# The exponential is an output only: hidden, it soon grows beyond all numbers.
TRAINABLE = [name for name, record in ACTIVATIONS.items() if record.trainable and name != "exponential"]
WITHIN = {np.dtype(np.float64): 1e-12, np.dtype(np.float32): 1e-5}


@dataclasses.dataclass
class Case:
    """A random job."""

    objective: Objective
    theta: Array
    state: Array
    X: Array
    Y: Array
    weights: Array | None
    optimizer: Any
    clip: float | None
    batch: int

    def __str__(self) -> str:
        o = self.objective
        return f"{o.network!r} {o.loss} {o.penalties} {self.optimizer} {self.clip} {self.batch}"


def enough(network: Network) -> int:
    """From how many rows on a gradient is more than rounding: two rows, normalized, are 1 and -1 whatever they were."""
    return 8 if any(isinstance(layer, BatchNorm) for layer in network.layers) else 1


def make_case(seed: int, widest: int = 40) -> Case:
    rng = np.random.default_rng(seed)
    dtype = np.dtype(rng.choice(["f4", "f8"]))
    widths = [int(rng.integers(1, widest)) for _ in range(rng.integers(1, 4))]
    layers: list[Any] = [Dropout(0.3)] if rng.random() < 0.15 else []
    for width in widths[:-1]:
        name = str(rng.choice([each for each in TRAINABLE if each != "softmax" or rng.random() < 0.3]))
        normed = rng.random() < 0.25
        bias = "none" if normed else str(rng.choice(["neuron", "neuron", "layer", "fixed", "none"]))
        layers.append(Dense(width, "identity" if normed else name, bias=bias))
        if normed:
            layers.append(BatchNorm(name))
        if rng.random() < 0.25:
            layers.append(Dropout(float(rng.choice([0.0, 0.2, 0.5]))))
    loss = LOSSES[str(rng.choice(list(LOSSES)))]
    outputs = {"binary_cross_entropy": "sigmoid", "categorical_cross_entropy": "softmax"}
    output = outputs.get(loss.name, "exponential" if "exponential" in ACTIVATIONS else "identity")
    if loss.name == "poisson":
        output = next(iter(loss.pairs))
    elif loss.name not in outputs:
        output = str(rng.choice(["identity", "tanh", "sigmoid", "softplus"]))
    last = widths[-1] + (loss.name == "categorical_cross_entropy")
    inputs = int(rng.integers(1, 150 if rng.random() < 0.2 else widest - 10))
    network = Network([*layers, Dense(last, output)], inputs=inputs)
    n = int(rng.integers(1, 200 if rng.random() < 0.2 else 70))
    n = max(n, enough(network))
    X = rng.normal(size=(n, network.sizes[0])).astype(dtype)
    Y = rng.random((n, last)).astype(dtype)
    if loss.name == "categorical_cross_entropy":
        Y /= Y.sum(axis=1, keepdims=True)
    if loss.name == "binary_cross_entropy":
        Y = (Y > 0.5).astype(dtype)
    weights = rng.random(n).astype(dtype) if rng.random() < 0.3 else None
    if weights is not None and n > 3:
        weights[1:3] = 0
    penalties = tuple(each for each in (L1(0.01), L2(0.02), MaxNorm(1.5)) if rng.random() < 0.25)
    optimizer = OPTIMIZERS[str(rng.choice(list(OPTIMIZERS)))]
    clip = float(rng.choice([0.05, 5.0])) if rng.random() < 0.25 else None
    batch = max(int(rng.integers(1, n + 1)), enough(network))
    while 0 < n % batch < enough(network):
        batch += 1
    theta = draw_parameters(network, seed, dtype)
    return Case(
        Objective(network, loss, penalties),
        theta + rng.normal(size=theta.shape).astype(dtype) / 10,
        start_state(network, dtype),
        X,
        Y,
        weights,
        optimizer,
        clip,
        batch,
    )


def far(ours: Array, theirs: Array) -> float:
    """The largest difference in units of the largest entry."""
    return float(np.abs(ours - theirs).max(initial=0) / max(np.abs(theirs).max(initial=0), 1e-30))


# `make campaign` looks at a thousand.
CASES = int(os.environ.get("CHAINRULE_CASES", "24"))


@pytest.fixture(autouse=True)
def _code_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand networks' code would take gigabytes."""
    monkeypatch.setattr(kernels, "_loaded", {})


@pytest.mark.parametrize("seed", range(CASES))
def test_gradient_and_cost(seed: int, tally: Callable[..., None]) -> None:
    case = make_case(seed)
    draw = Draw(seed, 3) if seed % 3 else None
    given = (case.objective, case.theta, case.state, case.X, case.Y, case.weights)
    ours = compiled.gradient(*given, draw, inputs=True)
    theirs = reference.gradient(*given, draw, inputs=True)
    within = WITHIN[case.X.dtype]
    tally(f"gradients in {case.X.dtype}", 1, far(ours.theta, theirs.theta), within)
    assert far(ours.theta, theirs.theta) < within, case
    assert far(ours.inputs, theirs.inputs) < within, case
    assert far(ours.state, theirs.state) < within
    assert ours.cost == pytest.approx(theirs.cost, rel=10 * within, abs=within)
    assert ours.penalty == pytest.approx(theirs.penalty, rel=10 * within)
    assert compiled.loss(*given) == pytest.approx(reference.loss(*given), rel=10 * within, abs=within)
    network = case.objective.network
    A = compiled.predict(network, case.theta, case.state, case.X)
    assert far(A, reference.predict(network, case.theta, case.state, case.X)) < within


@pytest.mark.parametrize("seed", range(CASES if CASES > 100 else CASES // 4))
def test_one_update_from_the_same_gradient(seed: int, tally: Callable[..., None]) -> None:
    case, rng = make_case(seed), np.random.default_rng(seed)
    objective, theta, optimizer = case.objective, case.theta, case.optimizer
    slots = tuple(rng.random(theta.shape).astype(theta.dtype) for _ in optimizer.slots)
    t = int(rng.integers(1, 100))
    job = Job(objective, case.X, case.Y, case.weights, optimizer, lambda t: 0.1 / t, len(case.X), case.clip, seed)
    ours = compiled.epoch(job, Carry(theta, case.state, slots, t - 1), None).carry
    g = compiled.gradient(objective, theta, case.state, case.X, case.Y, case.weights, Draw(seed, t), inputs=True).theta
    if case.clip is not None:
        reference.shorten(g, case.clip)
    change, right = reference.stepper(job.optimizer, job.objective.network, job.X.dtype)(
        theta, g, slots, t, job.rates(t)
    )
    after = Parameters(objective.network, theta + change)
    reference.hold([penalty for penalty in objective.penalties if penalty.project is not None], after)
    error = max(far(ours.theta, after.theta), *map(far, ours.slots, right), 0.0)
    tally(f"updates in {case.X.dtype}", 1, error, WITHIN[case.X.dtype])
    assert error < WITHIN[case.X.dtype], case


@pytest.mark.parametrize("seed", range(10_000, 10_000 + CASES))
def test_one_epoch(seed: int, tally: Callable[..., None]) -> None:
    case = make_case(seed)
    n = len(case.X)
    job = Job(
        case.objective, case.X, case.Y, case.weights, case.optimizer, lambda t: 0.01 / t, case.batch, case.clip, seed
    )
    order = None if case.batch >= n else permutation(seed, "shuffle", 1, n=n)
    carry = Carry(case.theta, case.state, case.optimizer.start(case.theta))
    ours, theirs = compiled.epoch(job, carry, order, each=False), reference.epoch(job, carry, order)
    # A step of Adam and its like divides by sizes of gradients, which magnifies their rounding where they are near 0.
    within = 1e-8 if case.X.dtype == np.float64 else 2e-2
    tally(f"epochs in {case.X.dtype}", 1, far(ours.carry.theta, theirs.carry.theta), within)
    assert ours.batches == theirs.batches
    assert ours.loss == pytest.approx(theirs.loss, rel=within)
    assert ours.penalty == pytest.approx(theirs.penalty, rel=within)
    assert far(ours.carry.theta, theirs.carry.theta) < within, case
    assert far(ours.carry.state, theirs.carry.state) < within
    assert ours.carry.updates == theirs.carry.updates
    assert case.theta is carry.theta


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rows_predicted_again_and_again_have_the_bits_of_the_first_time(dtype: Any) -> None:
    network = Network.from_sizes([5, 4, 3], hidden="tanh", output="softmax")
    theta, other = (draw_parameters(network, seed, dtype) for seed in (0, 1))
    state = start_state(network, dtype)
    X = np.random.default_rng(0).normal(size=(900, 5)).astype(dtype)
    whole, of_other = (compiled.predict(network, given, state, X) for given in (theta, other))
    for rows in (1, 1, 3, 2, 1, 4, 8, 5, 900):
        assert compiled.predict(network, theta, state, X[:rows]).tobytes() == whole[:rows].tobytes()
    assert compiled.predict(network, other, state, X[:1]).tobytes() == of_other[:1].tobytes()
    kept = compiled.predict(network, theta, state, X[:1])
    spread = np.repeat(X, 2, axis=0)[::2]  # with gaps between the rows
    assert compiled.predict(network, theta, state, spread[4:7]).tobytes() == whole[4:7].tobytes()
    assert kept.tobytes() == whole[:1].tobytes()  # no later call writes into it
    theta[:] = other  # changed in place
    assert compiled.predict(network, theta, state, X[:1]).tobytes() == of_other[:1].tobytes()
    with pytest.raises(ValueError, match="mismatch"):
        compiled.predict(network, theta, state, X[:1, :4])
