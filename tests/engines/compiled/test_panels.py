"""Large batches: weights turned, and rows brought together stripe by stripe."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule import Network
from chainrule.engines import Carry, Job, Objective, reference
from chainrule.formulas import LOSSES, OPTIMIZERS
from chainrule.parameters import draw_parameters, start_state
from chainrule.streams import permutation

compiled = pytest.importorskip("chainrule.engines.compiled")
if not compiled.works():
    pytest.skip("LLVM cannot run here", allow_module_level=True)


@pytest.mark.parametrize(("dtype", "within"), [("f4", 2e-5), ("f8", 1e-11)])
@pytest.mark.parametrize(
    ("sizes", "rows", "n"),
    [
        ((1, 1, 1), 64, 130),
        ((70, 30, 4), 33, 90),
        ((20, 50, 3), 50, 101),
        ((17, 33, 50, 2), 64, 200),
        ((3, 100, 7), 65, 131),
        ((40, 130, 64, 1), 100, 277),
        ((150, 49, 10), 256, 300),
        ((31, 48, 16, 3), 300, 300),
    ],
)
def test_a_few_epochs(sizes: tuple[int, ...], rows: int, n: int, dtype: str, within: float) -> None:
    rng = np.random.default_rng(sum(sizes))
    network = Network.from_sizes(list(sizes), "tanh", "sigmoid")
    X, Y = rng.normal(size=(n, sizes[0])).astype(dtype), rng.random((n, sizes[-1])).astype(dtype)
    how = OPTIMIZERS["momentum"]
    job = Job(Objective(network, LOSSES["binary_cross_entropy"]), X, Y, None, how, lambda t: 0.05, rows, None, seed=0)
    theta = draw_parameters(network, 1, dtype)
    ours = theirs = Carry(theta, start_state(network, dtype), how.start(theta))
    for epoch in range(3):
        order = permutation(0, "shuffle", epoch, n=n) if rows < n else None
        first = compiled.epoch(job, ours, order, each=False)
        second = reference.epoch(job, theirs, order)
        assert first.loss == pytest.approx(second.loss, rel=100 * within)
        ours, theirs = first.carry, second.carry
    assert np.abs(ours.theta - theirs.theta).max() < within * max(1.0, np.abs(theirs.theta).max())
