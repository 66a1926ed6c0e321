"""Outputs, costs and gradients in compiled code: what is asked for once, not update after update."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from contextlib import suppress
from copy import copy
from typing import Any

import numpy as np

from chainrule.engines.compiled.crew import CREW
from chainrule.engines.compiled.functions import write_gradient, write_predict
from chainrule.engines.compiled.kernels import PLACES, fill, inputs_of, kernel, place_of
from chainrule.engines.compiled.lifted import lift
from chainrule.engines.compiled.workspaces import TALLEST, aligned, row_addresses, tall, tallest, work
from chainrule.engines.protocol import Draw, Gradient, Objective
from chainrule.engines.threads import process_threads, usable_threads
from chainrule.formulas import LOSSES, Array
from chainrule.network import Network
from chainrule.parameters import Parameters
from chainrule.sparse import Inputs

__all__ = ["Batch", "Desk", "Rows", "Tray"]


_N, _START, _STOP = (PLACES[name] for name in ("n", "start", "stop"))
# Multiplications for all rows of a call from which on a second thread brings more than it costs.
_ROWS_WORTH_SHARING = 20_000_000
_SPARE = 4  # desks of a size that are kept
# Numbers that are copied sooner than NumPy says where they lie.
_FEW = 1 << 12


class Desk:
    """What one thread needs to go over rows: a workspace and a table that is filled in but for what changes.

    Args:
        network: the network.
        size: how many rows are gone over at once.
        dtype: float32 or float64.
        numbers: the parameters of formulas.
    """

    def __init__(self, network: Network, size: int, dtype: np.dtype[Any], numbers: Array) -> None:
        self._kept = work(network, size, dtype, copies=1), row_addresses(size), numbers
        room, rows, _ = self._kept
        self._theta: Array | None = None
        self._state: Array | None = None
        self.table = fill(work=room, rows=rows, numbers=numbers, size=size, of=1)

    def lay(self, theta: Array, state: Array, **given: Array) -> None:
        """Write the addresses of arrays into the table; whoever calls keeps them alive while it is used."""
        if theta is not self._theta or state is not self._state:
            self._theta, self._state = theta, state  # kept, so that no other array can come to lie there
            given |= {"theta": theta, "state": state}
        table = self.table
        for name, array in given.items():
            table[PLACES[name]] = array.__array_interface__["data"][0]


class Tray(Desk):
    """A desk with places of its own for a few rows and their outputs, at which compiled code always finds them."""

    def __init__(self, network: Network, size: int, dtype: np.dtype[Any], numbers: Array) -> None:
        super().__init__(network, size, dtype, numbers)
        self._X = aligned(np.zeros(size * network.inputs, dtype=dtype)).reshape(size, -1)
        self._out = np.empty((size, network.outputs), dtype=dtype)
        self.table[PLACES["X"]], self.table[PLACES["out"]] = self._X.ctypes.data, self._out.ctypes.data
        self.table[_STOP] = 1
        self._address = self.table.ctypes.data

    def outputs(self, call: Callable[[int], int], theta: Array, state: Array, X: Array) -> Array:
        """Give A[K] of at most as many rows as this tray holds."""
        n = len(X)
        self.lay(theta, state)
        self._X[:n] = X
        self.table[_N] = n
        call(self._address)
        return self._out[:n].copy()


class Rows:
    """Outputs or losses of rows, a few at a time.

    Args:
        network: the network.
        dtype: float32 or float64.
        objective: whose loss is computed; None where only outputs are.
        weighted: whether rows have weights.
        sparse: whether inputs are.
    """

    def __init__(
        self,
        network: Network,
        dtype: np.dtype[Any],
        objective: Objective | None = None,
        weighted: bool = False,
        sparse: bool = False,
    ) -> None:
        # Copies: what is prepared for an object must not keep the object itself alive.
        self.network, self.dtype = copy(network), dtype
        asked = copy(objective) if objective else Objective(self.network, LOSSES["half_squared_error"])
        lifted = lift(asked, None, weighted)
        losses = objective is not None
        self._kernel = kernel("predict", write_predict, lifted, dtype, TALLEST, losses=losses, sparse=sparse)
        self._numbers = np.array(lifted.numbers, dtype=np.float64)
        self._count = network.parameter_count
        self._desks: dict[int, list[Desk]] = {}
        self._trays: dict[int, list[Tray]] = {}
        self._few = _FEW // network.inputs
        self._checked: tuple[Array, Array] | None = None

    def knows(self, theta: Array, state: Array, X: Array) -> bool:
        """Whether nothing has to be checked: a few rows that fit, and the vectors of the last call."""
        checked, shape = self._checked, X.shape
        return (
            checked is not None
            and theta is checked[0]
            and state is checked[1]
            and len(shape) == 2
            and shape[1] == self.network.inputs
            and 0 < shape[0] <= self._few
        )

    def _run(self, X: Inputs, out: Array, **given: Array) -> None:
        """Go over the rows, in several threads where there are enough of them."""
        n = len(X)
        size = min(n, tallest(X))
        blocks = -(-n // size)
        if blocks == 1 or n * self._count < _ROWS_WORTH_SHARING:
            self._part(size, (0, blocks), X, out, **given)
            return
        given["theta"] = aligned(given["theta"])
        most = usable_threads()
        with CREW.hands(min(most, blocks), max(most, process_threads())) as several:
            self._share(several, blocks, size, X, out, **given)

    def _share(self, several: int, blocks: int, size: int, X: Inputs, out: Array, **given: Array) -> None:
        """Go over blocks of rows in several threads, which need not wait for each other on the way."""
        cuts = [blocks * k // several for k in range(several + 1)]
        parts = list(itertools.pairwise(cuts))
        done: set[tuple[int, int]] = set()

        def do(part: tuple[int, int]) -> None:
            self._part(size, part, X, out, **given)
            done.add(part)

        others = [threading.Thread(target=_quietly, args=(do, part), daemon=True) for part in parts[1:]]
        started: list[threading.Thread] = []
        try:
            for thread in others:
                with suppress(RuntimeError):  # "can't start new thread"
                    thread.start()
                    started.append(thread)
            do(parts[0])
        finally:
            for thread in started:
                thread.join()
        for part in parts:
            if part not in done:  # what another thread could not do, this one does, or says why not
                do(part)

    def _part(self, size: int, part: tuple[int, int], X: Inputs, out: Array, **given: Array) -> None:
        # Few sizes, so that few workspaces are kept.
        size = 1 << (size - 1).bit_length()
        free = self._desks.get(size)
        if free is None:
            free = self._desks.setdefault(size, [])
        try:
            desk = free.pop()  # threads that predict at once each have their own
        except IndexError:
            desk = Desk(self.network, size, self.dtype, self._numbers)
        desk.lay(**inputs_of(X), out=out, **given)
        desk.table[_N], desk.table[_START], desk.table[_STOP] = len(X), *part
        self._kernel(desk.table)
        if len(free) < _SPARE:
            free.append(desk)

    def outputs(self, theta: Array, state: Array, X: Inputs) -> Array:
        """Give A[K]; whoever calls has seen to it that the arrays are as compiled code reads them."""
        if isinstance(X, np.ndarray):
            self._checked = theta, state
            if len(X) <= self._few:
                return self._of_few(theta, state, X)
        out = np.empty((len(X), self.network.outputs), dtype=self.dtype)
        self._run(X, out, theta=theta, state=state)
        return out

    def _of_few(self, theta: Array, state: Array, X: Array) -> Array:
        size = 1 << (len(X) - 1).bit_length()  # few sizes, so that few workspaces are kept
        free = self._trays.get(size)
        if free is None:
            free = self._trays.setdefault(size, [])
        try:
            tray = free.pop()  # threads that predict at once each have their own
        except IndexError:
            tray = Tray(self.network, size, self.dtype, self._numbers)
        out = tray.outputs(self._kernel.call, theta, state, X)
        if len(free) < _SPARE:
            free.append(tray)
        return out

    def cost(self, theta: Array, state: Array, X: Inputs, Y: Array, weights: Array | None) -> float:
        """Give the (weighted) mean loss."""
        sums = np.zeros(6)
        given = {} if weights is None else {"weights": weights}
        # One thread, so that losses are always added up in the same order.
        size = min(len(X), tallest(X))
        self._part(
            size,
            (0, -(-len(X) // size)),
            X,
            sums,
            Y=Y,
            theta=theta,
            state=state,
            sums=sums,
            **given,
        )
        whole = len(X) if weights is None else float(weights.sum())
        return float(sums[0]) / whole if whole > 0 else 0.0


def _quietly(do: Callable[[tuple[int, int]], None], part: tuple[int, int]) -> None:
    with suppress(Exception):
        do(part)


class Batch:
    """The gradient of one batch.

    Args:
        objective: what is minimized.
        dtype: float32 or float64.
        weighted: whether rows have weights.
        training: whether dropout drops and batch normalization takes the batch's statistics.
        inputs: whether dC/dX is asked for.
        sparse: whether inputs are.
    """

    def __init__(
        self, objective: Objective, dtype: np.dtype[Any], weighted: bool, training: bool, inputs: bool, sparse: bool
    ) -> None:
        self.sparse = sparse
        self.objective, self.dtype, self.training, self.inputs = copy(objective), dtype, training, inputs
        self.lifted = lift(self.objective, None, weighted)
        self._numbers = np.array(self.lifted.numbers, dtype=np.float64)

    def gradient(
        self, theta: Array, state: Array, X: Inputs, Y: Array, weights: Array | None, draw: Draw | None
    ) -> Gradient:
        """Give cost, penalty and derivatives."""
        network, m = self.objective.network, len(X)
        compute = kernel(
            "gradient", write_gradient, self.lifted, self.dtype, tall(m),
            training=self.training, inputs=self.inputs, sparse=self.sparse,
        )  # fmt: skip
        g, after, sums = np.zeros_like(theta), state.copy(), np.zeros(6)
        dX = np.empty(X.shape, dtype=self.dtype) if self.inputs else None
        given = {name: value for name, value in (("weights", weights), ("dX", dX)) if value is not None}
        room, rows = work(network, m, self.dtype, copies=int(self.sparse)), row_addresses(m)
        table = fill(
            **given, **inputs_of(X), Y=Y, theta=theta, state=after, g=g, sums=sums, work=room, rows=rows,
            numbers=self._numbers, size=m, n=m, start=0, stop=1, of=1, masks=0 if draw is None else draw.update,
        )  # fmt: skip
        table[place_of("seed")] = np.uint64(0 if draw is None else draw.seed).astype(np.int64)
        compute(table)
        return Gradient(float(sums[3]), float(sums[4]), Parameters(network, g), after, dX)
