"""The first layer in small batches: updated for one batch and used for the next in one pass."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from chainrule import Dense, Dropout, Network
from chainrule.engines import Carry, EpochResult, Job, Objective, reference
from chainrule.formulas import ACTIVATIONS, L2, LOSSES, OPTIMIZERS
from chainrule.parameters import draw_parameters, start_state
from chainrule.streams import permutation

compiled = pytest.importorskip("chainrule.engines.compiled")
if not compiled.works():
    pytest.skip("LLVM cannot run here", allow_module_level=True)

from chainrule.engines.compiled.fused import room  # noqa: E402
from chainrule.engines.compiled.lifted import lift  # noqa: E402


def make(
    inputs: int, units: int, rows: int, optimizer: str = "sgd", dtype: str = "f8", n: int = 47, **more: Any
) -> tuple[Job, Carry]:
    rng = np.random.default_rng(inputs + units)
    bias = more.pop("bias", "neuron")
    network = Network([Dense(units, "tanh", bias=bias), Dropout(0.2), Dense(3, "sigmoid")], inputs=inputs)
    X, Y = rng.normal(size=(n, inputs)).astype(dtype), rng.random((n, 3)).astype(dtype)
    weights = rng.random(n).astype(dtype) if more.pop("weighted", False) else None
    objective = Objective(network, LOSSES["half_squared_error"], more.pop("penalties", ()))
    how = OPTIMIZERS[optimizer]
    job = Job(objective, X, Y, weights, how, lambda t: 0.02, rows, None, seed=3, **more)
    theta = draw_parameters(network, 1, dtype)
    return job, Carry(theta, start_state(network, dtype), how.start(theta))


def is_fused(job: Job, width: int = 64) -> bool:
    lifted = lift(job.objective, job.optimizer, job.weights is not None)
    return room(lifted, job.batch_size, width // job.X.dtype.itemsize, width) > 0


def both(job: Job, carry: Carry, *, shuffled: bool = True) -> tuple[EpochResult, EpochResult]:
    order = permutation(3, "shuffle", 1, n=len(job.X)) if shuffled else None
    return compiled.epoch(job, carry, order, each=False), reference.epoch(job, carry, order)


def agree(ours: EpochResult, theirs: EpochResult, within: float) -> None:
    assert ours.loss == pytest.approx(theirs.loss, rel=within)
    assert ours.batches == theirs.batches
    for mine, its in zip((ours.carry.theta, *ours.carry.slots), (theirs.carry.theta, *theirs.carry.slots), strict=True):
        assert np.abs(mine - its).max() <= within * max(1.0, np.abs(its).max())


def test_which_networks_are() -> None:
    assert is_fused(make(784, 30, 10, dtype="f4")[0])
    assert not is_fused(make(784, 30, 11, dtype="f4")[0])  # the sums of Z would not fit into the registers
    assert not is_fused(make(63, 30, 10, dtype="f4")[0])  # too little to do
    assert not is_fused(make(784, 8, 10, dtype="f4")[0])  # half of each vector would be empty
    assert not is_fused(make(784, 30, 10, dtype="f4", penalties=(L2(0.1),))[0])
    assert not is_fused(make(784, 30, 10, dtype="f4")[0], width=32)


@pytest.mark.parametrize("optimizer", sorted(OPTIMIZERS))
def test_every_optimizer(optimizer: str) -> None:
    job, carry = make(70, 9, 10, optimizer)
    assert is_fused(job)
    agree(*both(job, carry), 1e-9)


@pytest.mark.parametrize(("dtype", "within"), [("f4", 2e-5), ("f8", 1e-12)])
@pytest.mark.parametrize(
    ("inputs", "units", "rows"), [(64, 9, 7), (65, 16, 10), (67, 17, 5), (130, 30, 5), (71, 11, 1), (79, 20, 2)]
)
def test_sizes(inputs: int, units: int, rows: int, dtype: str, within: float) -> None:
    job, carry = make(inputs, units, rows, dtype=dtype)
    assert is_fused(job)
    agree(*both(job, carry), within)


@pytest.mark.parametrize("bias", ["layer", "fixed", "none"])
def test_biases_weights_and_rows_in_order(bias: str) -> None:
    job, carry = make(66, 9, 8, "momentum", bias=bias, weighted=True)
    assert is_fused(job)
    agree(*both(job, carry, shuffled=False), 1e-12)


@pytest.mark.parametrize("n", [40, 41, 49])
def test_stretches_do_not_matter(n: int) -> None:
    job, carry = make(70, 9, 10, "adam", n=n)
    order = permutation(3, "shuffle", 1, n=n)
    whole = compiled.epoch(job, carry, order, each=False)
    seen: list[bytes] = []
    single = compiled.epoch(job, carry, order, lambda batch, cost, now: seen.append(now.theta.tobytes()), each=True)
    assert len(seen) == -(-n // 10)
    assert whole.carry.theta.tobytes() == single.carry.theta.tobytes()
    assert [slot.tobytes() for slot in whole.carry.slots] == [slot.tobytes() for slot in single.carry.slots]
    assert whole.loss == single.loss


def test_a_loss_that_is_not_finite_leaves_the_last_sound_parameters() -> None:
    job, carry = make(70, 9, 10)
    X = job.X.copy()
    X[permutation(3, "shuffle", 1, n=len(X))[33]] = np.inf
    job = Job(job.objective, X, job.Y, None, job.optimizer, job.rates, 10, None, seed=3)
    with np.errstate(all="ignore"):
        ours, theirs = both(job, carry)
    assert ours.batches == theirs.batches == 3
    assert ours.failed is not None
    assert theirs.failed is not None
    assert ours.failed.tolist() == theirs.failed.tolist()
    assert np.abs(ours.carry.theta - theirs.carry.theta).max() < 1e-12


def test_threads_do_not_meet_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a batch is worth several threads, the first layer is done as all others are."""
    rng = np.random.default_rng(0)
    network = Network.from_sizes([70, 20, 900, 600, 5], "tanh", "identity")
    X, Y = rng.normal(size=(60, 70)), rng.normal(size=(60, 5))
    how, found = OPTIMIZERS["sgd"], []
    theta = draw_parameters(network, 1, np.float64)
    for threads in ("1", "2", "3"):
        monkeypatch.setenv("CHAINRULE_THREADS", threads)
        job = Job(Objective(network, LOSSES["half_squared_error"]), X, Y, None, how, lambda t: 0.01, 8, None, seed=3)
        ours, theirs = both(job, Carry(theta, start_state(network, np.float64), ()))
        agree(ours, theirs, 1e-12)
        found.append(ours.carry.theta.tobytes())
    assert len(set(found)) == 1


def test_the_first_activation_may_need_its_row() -> None:
    network = Network([Dense(9, ACTIVATIONS["softmax"]), Dense(2, "identity")], inputs=70)
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(33, 70)), rng.normal(size=(33, 2))
    how = OPTIMIZERS["sgd"]
    job = Job(Objective(network, LOSSES["half_squared_error"]), X, Y, None, how, lambda t: 0.01, 10, None, seed=3)
    theta = draw_parameters(network, 1, np.float64)
    agree(*both(job, Carry(theta, start_state(network, np.float64), how.start(theta))), 1e-12)
