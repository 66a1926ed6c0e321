"""Outputs, costs and gradients in compiled code: what is asked for once, not update after update."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.engines.compiled.functions import write_gradient, write_predict
from chainrule.engines.compiled.kernels import fill, kernel, place_of
from chainrule.engines.compiled.lifted import lift
from chainrule.engines.compiled.workspaces import TALLEST, row_addresses, tall, work
from chainrule.engines.protocol import Draw, Gradient, Objective
from chainrule.formulas import LOSSES, Array
from chainrule.network import Network
from chainrule.parameters import Parameters

__all__ = ["Batch", "Rows"]


class Rows:
    """Outputs or losses of rows, a few at a time.

    Args:
        network: the network.
        dtype: float32 or float64.
        objective: whose loss is computed; None where only outputs are.
        weighted: whether rows have weights.
    """

    def __init__(
        self, network: Network, dtype: np.dtype[Any], objective: Objective | None = None, weighted: bool = False
    ) -> None:
        self.network, self.dtype = network, dtype
        asked = objective or Objective(network, LOSSES["half_squared_error"])
        lifted = lift(asked, None, weighted)
        self._kernel = kernel("predict", write_predict, lifted, dtype, TALLEST, losses=objective is not None)
        self._numbers = np.array(lifted.numbers, dtype=np.float64)

    def _run(self, n: int, **given: Any) -> None:
        size = min(n, TALLEST)
        # A workspace of its own, so that several threads may predict at once.
        room, rows = work(self.network, size, self.dtype), row_addresses(size)
        table = fill(
            **given, work=room, rows=rows, numbers=self._numbers, size=size, n=n, start=0, stop=-(-n // size), of=1
        )
        self._kernel(table)

    def outputs(self, theta: Array, state: Array, X: Array) -> Array:
        """Give A[K]."""
        out = np.empty((len(X), self.network.outputs), dtype=self.dtype)
        # Outputs need no targets; any address of rows as long as the outputs serves.
        self._run(len(X), X=X, Y=out, theta=theta, state=state, out=out)
        return out

    def cost(self, theta: Array, state: Array, X: Array, Y: Array, weights: Array | None) -> float:
        """Give the (weighted) mean loss."""
        sums = np.zeros(6)
        given = {} if weights is None else {"weights": weights}
        self._run(len(X), X=X, Y=Y, theta=theta, state=state, sums=sums, **given)
        whole = len(X) if weights is None else float(weights.sum())
        return float(sums[0]) / whole if whole > 0 else 0.0


class Batch:
    """The gradient of one batch.

    Args:
        objective: what is minimized.
        dtype: float32 or float64.
        weighted: whether rows have weights.
        training: whether dropout drops and batch normalization takes the batch's statistics.
        inputs: whether dC/dX is asked for.
    """

    def __init__(
        self, objective: Objective, dtype: np.dtype[Any], weighted: bool, training: bool, inputs: bool
    ) -> None:
        self.objective, self.dtype, self.training, self.inputs = objective, dtype, training, inputs
        self.lifted = lift(objective, None, weighted)
        self._numbers = np.array(self.lifted.numbers, dtype=np.float64)

    def gradient(
        self, theta: Array, state: Array, X: Array, Y: Array, weights: Array | None, draw: Draw | None
    ) -> Gradient:
        """Give cost, penalty and derivatives."""
        network, m = self.objective.network, len(X)
        compute = kernel(
            "gradient", write_gradient, self.lifted, self.dtype, tall(m), training=self.training, inputs=self.inputs
        )
        g, after, sums = np.zeros_like(theta), state.copy(), np.zeros(6)
        dX = np.empty_like(X) if self.inputs else None
        given = {name: value for name, value in (("weights", weights), ("dX", dX)) if value is not None}
        room, rows = work(network, m, self.dtype), row_addresses(m)
        table = fill(
            **given, X=X, Y=Y, theta=theta, state=after, g=g, sums=sums, work=room, rows=rows, numbers=self._numbers,
            size=m, n=m, start=0, stop=1, of=1, masks=0 if draw is None else draw.update,
        )  # fmt: skip
        table[place_of("seed")] = np.uint64(0 if draw is None else draw.seed).astype(np.int64)
        compute(table)
        return Gradient(float(sums[3]), float(sums[4]), Parameters(network, g), after, dX)
