"""The verbs that every engine has, and the records that go in and out; a module or an object with them is an engine.

State in, state out: what is needed to go on is a `Carry`, what is interesting to look at is in the other records.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, Protocol

import numpy as np

from chainrule.formulas import Array, Loss, Optimizer, Pair, Penalty
from chainrule.network import Network
from chainrule.parameters import Parameters, Views
from chainrule.sparse import Inputs

__all__ = [
    "NOTHING",
    "Carry",
    "ConstantRate",
    "Draw",
    "Engine",
    "EpochResult",
    "Gradient",
    "Job",
    "Objective",
    "Sums",
    "Watch",
]


@dataclass(frozen=True)
class Objective:
    """What is minimized: the weighted mean loss of a network's outputs, plus penalties on its weights.

    Args:
        network: the network.
        loss: the loss of one example.
        penalties: prices on weights; their limits (max-norm) are kept after each update.
    """

    network: Network
    loss: Loss
    penalties: tuple[Penalty, ...] = ()

    def __getstate__(self) -> dict[str, Any]:
        # The functions that are bound on first use cannot be pickled, and are bound again when they are wanted.
        return {"network": self.network, "loss": self.loss, "penalties": self.penalties}

    @cached_property
    def pair(self) -> Pair | None:
        """The loss joined with the output activation where it is computed from logits, its parameters filled in."""
        pair = self.loss.pair_for(self.network.output_activation)
        return pair and Pair(value=self.loss.bound(pair.value), slope=self.loss.bound(pair.slope))

    @cached_property
    def value(self) -> Callable[[Array, Array], Array]:
        """The loss of each row from outputs and targets, its parameters filled in."""
        return self.loss.bound(self.loss.value)

    @cached_property
    def slope(self) -> Callable[[Array, Array], Array]:
        """dL/da from outputs and targets, its parameters filled in."""
        assert self.loss.slope is not None
        return self.loss.bound(self.loss.slope)

    @cached_property
    def back(self) -> Callable[[Array, Array, Array], Array]:
        """The chain rule through the output activation: dC/dZ[K] from Z[K], A[K] and dC/dA[K]."""
        return self.network.output_activation.back


class Draw(NamedTuple):
    """Which dropout masks a training pass uses; the same (seed, update) gives the same masks.

    Args:
        seed: the run's seed.
        update: the number of the update, t = 1, 2, ….
    """

    seed: int
    update: int


@dataclass(frozen=True)
class Gradient:
    """The cost of a batch and its derivatives.

    Args:
        cost: C, the (weighted) mean loss, without penalties.
        penalty: what the penalties add to it.
        parameters: dC/dtheta including penalties, with views ``W[l]``, ``b[l]``, ….
        state: the state after the pass (running statistics).
        inputs: dC/dX of shape (m, N_0), where asked for.
    """

    cost: float
    penalty: float
    parameters: Parameters
    state: Array
    inputs: Array | None = None

    @property
    def theta(self) -> Array:
        """dC/dtheta as one flat vector."""
        return self.parameters.theta

    @property
    def W(self) -> Mapping[int, Array]:
        """dC/dW[l] by layer, each of shape (N_l, N_{l-1})."""
        return Views(self.parameters, "W")

    @property
    def b(self) -> Mapping[int, Array]:
        """dC/db[l] by layer, each of shape (N_l,); zero where biases are held fixed."""
        return Views(self.parameters, "b")

    def __getitem__(self, name: str) -> float | Array:
        """Read one derivative by the parameter's name, such as ``gradient["W2[1,0]"]`` for dC/dW2[1,0]."""
        return self.parameters[name]


@dataclass(frozen=True)
class ConstantRate:
    """A learning rate that stays the same, so that it need not be asked for update by update.

    Args:
        rate: the rate.

    >>> ConstantRate(0.5)(1000)
    0.5
    """

    rate: float

    def __call__(self, t: int) -> float:
        """Give the learning rate of update t."""
        return self.rate


@dataclass(frozen=True)
class Job:
    """What does not change during training.

    Args:
        objective: what is minimized.
        X: inputs, shape (n, N_0), in the parameters' number type; an array or `SparseRows`, as for every verb.
        Y: targets, shape (n, N_K), likewise.
        weights: one weight per example, shape (n,), or None.
        optimizer: how an update is made; None where no engine makes any, but L-BFGS.
        rates: learning rate of update t = 1, 2, ….
        batch_size: rows in a batch; the last batch of an epoch may have fewer.
        clip: largest Euclidean norm of the gradient, or None.
        seed: the run's seed, for dropout masks.
        check_finite: whether to stop at the first number that is not finite.
        updates_before: updates of earlier runs, which dropout counts on from, so that no mask is used twice.
    """

    objective: Objective
    X: Inputs
    Y: Array
    weights: Array | None
    optimizer: Optimizer | None
    rates: Callable[[int], float]
    batch_size: int
    clip: float | None
    seed: int
    check_finite: bool = True
    updates_before: int = 0

    def rates_of(self, updates: range) -> Array:
        """Give the learning rates of several updates, float64."""
        if isinstance(self.rates, ConstantRate):
            return np.full(len(updates), self.rates.rate, dtype=np.float64)
        return np.array([self.rates(t) for t in updates], dtype=np.float64)


class Carry(NamedTuple):
    """What is needed to go on.

    Args:
        theta: the parameters.
        state: the network's state (running statistics).
        slots: the optimizer's vectors.
        updates: how many updates were made, t.
        before: how training stood before the newest update; whether that update was good, only the next batch shows.
            To go on within an epoch: how training stood as that epoch began, from where the update before is found.
    """

    theta: Array
    state: Array
    slots: tuple[Array, ...] = ()
    updates: int = 0
    before: Carry | None = None


class Sums(NamedTuple):
    """What an epoch has come to after some of its batches; with a `Carry`, all that is needed to go on within it.

    Args:
        batches: how many batches are done.
        loss: their data losses, each times its examples' weight, added up in their order.
        penalty: their penalties, likewise.
        weight: the weight of their examples.
    """

    batches: int = 0
    loss: float = 0.0
    penalty: float = 0.0
    weight: float = 0.0


NOTHING = Sums()  # before the first batch


@dataclass(frozen=True)
class EpochResult:
    """What an epoch came to.

    Args:
        carry: where training stands; after a failure, before the batch that failed.
        loss: mean of the batches' data losses, each measured before its update, weighted by its examples.
        penalty: mean of the batches' penalties, likewise.
        batches: how many batches were done.
        failed: rows of the batch at which something was not finite, or None.
        sound: after a failure, the newest parameters for which a batch's loss was finite.
        sums: what the means are made of.
    """

    carry: Carry
    loss: float
    penalty: float
    batches: int
    failed: Array | None = None
    sound: Carry | None = None
    sums: Sums = NOTHING

    @classmethod
    def of(cls, carry: Carry, sums: Sums, failed: Array | None = None, sound: Carry | None = None) -> EpochResult:
        """Make the means from the sums."""
        whole = sums.weight or 1.0
        return cls(carry, sums.loss / whole, sums.penalty / whole, sums.batches, failed, sound, sums)


# Called after each batch with (batches done, its loss, how training stands); True stops after this batch.
Watch = Callable[[int, float, Carry], bool]


class Engine(Protocol):
    """The verbs. theta and state are the flat vectors of `Network.entries` and `Network.state_entries`.

    An engine may have two more: ``refusal(job)``, what keeps it from training so, in words, or None, and
    ``repeat(job, carry, updates, watch)``, many updates with all rows in one call. Where they are missing it takes
    everything, one epoch at a time.
    """

    name: str

    def predict(self, network: Network, theta: Array, state: Array, X: Inputs) -> Array:
        """Give the outputs A[K], shape (n, N_K), without dropout and with running statistics."""
        ...

    def loss(
        self,
        objective: Objective,
        theta: Array,
        state: Array,
        X: Inputs,
        Y: Array,
        weights: Array | None = None,
        draw: Draw | None = None,
    ) -> float:
        """Give the cost C of a batch, without penalties; as in training where a draw is given."""
        ...

    def gradient(
        self,
        objective: Objective,
        theta: Array,
        state: Array,
        X: Inputs,
        Y: Array,
        weights: Array | None = None,
        draw: Draw | None = None,
        *,
        inputs: bool = False,
    ) -> Gradient:
        """Give cost, penalty and their derivatives; with dC/dX where ``inputs`` is true."""
        ...

    def epoch(
        self,
        job: Job,
        carry: Carry,
        order: Array | None,
        watch: Watch | None = None,
        *,
        each: bool = True,
        begun: Sums = NOTHING,
    ) -> EpochResult:
        """Make one pass over the rows in the given order (None: as they are), an update a batch.

        ``watch`` sees every batch where ``each`` is true; else at least one every 50 ms or so, and the last one.
        ``begun`` goes on within an epoch: the same bits as if it had never been left.
        """
        ...
