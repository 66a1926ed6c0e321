"""Finding a learning rate: a short training at rising rates shows where the loss falls and where it explodes."""

from __future__ import annotations

import inspect
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.errors import DivergenceError, UnknownName, UsageError
from chainrule.formulas import OPTIMIZERS, Array, Optimizer, Schedule
from chainrule.formulas.intervals import POSITIVE, as_float
from chainrule.language import Message
from chainrule.model import Model
from chainrule.network import Network
from chainrule.training.callbacks import Callback, Info
from chainrule.training.loop import train

__all__ = ["RateSearch", "find_rate"]

_REACH = 3  # batches to each side that a loss is smoothed with
_MEMORY = 0.8  # how much of the running mean comes from the batches before
_EXPLODED = 4.0  # times the lowest running mean
_FIRST = 10  # batches that only show how far losses lie apart: those of single rows may differ by any factor
# What a search says to `train` itself, or what it would change or not begin with.
_OWN = ("schedule", "epochs", "callbacks", "metrics", "validation", "memory", "resume")
_CLIMBED = 0.25  # of the fall: so much the loss rises again behind a valley
_BACK = 10.0  # the suggestion is the rate of the lowest smoothed loss over this


@dataclass(frozen=True, eq=False)
class RateSearch:
    """What `find_rate` found.

    Args:
        rates: the learning rate of each batch, rising, shape (batches,).
        losses: the loss of each batch before its update, likewise.
        smoothed: the mean of each loss and of the three before and after it, as far as there are any, likewise.
        stopped: why the search ended, in words.

    >>> found = RateSearch(np.array([0.1, 1.0, 10.0]), np.ones(3), np.array([1.0, 0.5, 3.0]), "")
    >>> found.suggestion
    0.1
    """

    rates: Array
    losses: Array
    smoothed: Array
    stopped: str

    @property
    def suggestion(self) -> float | None:
        """A tenth of the rate at which the smoothed loss was lowest; None where it never fell below the first.

        Beyond the first valley it counts no longer: where rates are so high that neurons die, the loss of what is left
        of the network may be low again.
        """
        lowest = _first_valley(self.smoothed)
        return float(self.rates[lowest]) / _BACK if lowest else None

    def __repr__(self) -> str:
        suggestion = "none" if self.suggestion is None else f"{self.suggestion:.2g}"
        return f"RateSearch({len(self.rates)} batches, rates {self.rates[0]:.2g} to {self.rates[-1]:.2g}: {suggestion})"


def _first_valley(smoothed: Array) -> int:
    """Give where losses are lowest before they rise again, once they have done half of the way to the lowest of all.

    >>> _first_valley(np.array([10.0, 9.0, 2.0, 1.0, 5.0, 0.5])), _first_valley(np.array([10.0, 9.0, 9.5, 1.0]))
    (3, 3)
    """
    fall = smoothed[0] - smoothed.min()
    lowest = 0
    for k, loss in enumerate(smoothed):
        if loss < smoothed[lowest]:
            lowest = k
        elif smoothed[0] - smoothed[lowest] >= fall / 2 > 0 and loss - smoothed[lowest] > _CLIMBED * fall:
            break
    return lowest


class _Record(Callback):
    """Keeps rate and loss of each batch; stops where the loss has exploded, or all batches are done."""

    def __init__(self, rates: Array) -> None:
        self.rates, self.losses = rates, list[float]()
        self._mean, self._lowest, self._usual = 0.0, math.inf, math.inf

    def batch(self, info: Info) -> str | None:
        done = len(self.losses) + 1
        self.losses.append(info.loss)
        self._mean = _MEMORY * self._mean + (1 - _MEMORY) * info.loss
        running = self._mean / (1 - _MEMORY**done)  # the weights so far add up to that
        if running < self._lowest or done <= _FIRST:
            self._lowest, self._usual = min(self._lowest, running), max(self.losses)
        if not running <= max(_EXPLODED * self._lowest, self._usual):
            return Message("the loss exploded at the rate {rate:.2g}", rate=float(self.rates[done - 1]))
        return Message("all {count} batches done", count=done) if done == len(self.rates) else None


def find_rate(
    network: Network | Model,
    X: Any,
    Y: Any,
    *,
    smallest: float = 1e-6,
    largest: float = 10.0,
    batches: int = 100,
    optimizer: str | Optimizer = "sgd",
    batch_size: int = 32,
    **arguments: Any,
) -> RateSearch:
    """Try rising learning rates, one a batch, and suggest one; what is passed in is left as it was.

        rate of batch t = smallest (largest / smallest)^((t - 1) / (batches - 1)),  t = 1, 2, ...

    While rates are too small the loss hardly moves, then it falls, and in the end it explodes: the search stops where a
    running mean of it is four times as large as at its lowest, and larger than any loss before that. The suggestion is
    a tenth of the rate at the bottom of the first valley of the smoothed loss.

    Args:
        network: a `Network`, or a `Model` to go on from; a copy is trained.
        X: inputs, as for `train`.
        Y: targets, likewise.
        smallest: the first rate.
        largest: the last one.
        batches: how many rates are tried, at least 2.
        optimizer: by name or record; a rate of its own does not count.
        batch_size: rows in a batch, as in the training to come: the larger, the higher the rate may be.
        **arguments: further ones of `train`, such as ``loss``, ``penalties``, ``weights`` or ``seed``.

    Raises:
        UsageError: for rates or batches that cannot be, or arguments that the search sets itself or does without:
            ``schedule``, ``epochs``, ``callbacks``, ``metrics``, ``validation``, ``memory``, ``resume``; and whatever
            `train` raises, except for a divergence, which is what the search looks for.
        UnknownName: for an argument that there is not.

    Source: L. N. Smith, Cyclical learning rates for training neural networks, WACV 2017, section 3.3.

    >>> from chainrule import Network
    >>> X = np.linspace(-1, 1, 64)
    >>> found = find_rate(Network.from_sizes([1, 1]), X, 3 * X)
    >>> 0.01 < found.suggestion < 1
    True
    """
    _check(smallest, largest, batches, arguments)
    rates = np.geomspace(smallest, largest, batches)
    record, updates = _Record(rates), -(-_rows(X) // batch_size) if _is_count(batch_size) else 1
    # The schedule is asked with epochs done; a whole number of updates is behind them.
    rising = Schedule(
        name="rising",
        value=lambda e, E: (largest / smallest) ** (e * updates / (batches - 1)),
        latex="",
        use="Finding a learning rate.",
    )
    try:
        model = train(
            network,
            X,
            Y,
            optimizer=OPTIMIZERS.find(optimizer, rate=smallest),
            schedule=rising,
            batch_size=batch_size,
            epochs=math.ceil(batches / updates),
            callbacks=record,
            metrics=(),
            **arguments,
        )
        assert model.history is not None
        stopped = model.history.stopped
    except DivergenceError as error:
        if "row" in error.fields or not record.losses:
            raise  # the data or the start are to blame, and no rate
        stopped = Message("the loss exploded at the rate {rate:.2g}", rate=float(rates[len(record.losses) - 1]))
    losses = np.array(record.losses)
    return RateSearch(rates[: len(losses)], losses, _smooth(losses), stopped)


def _smooth(losses: Array) -> Array:
    """Give the mean around each place: unlike a running mean, it lags behind nothing."""
    return np.array([losses[max(0, k - _REACH) : k + _REACH + 1].mean() for k in range(len(losses))])


def _check(smallest: float, largest: float, batches: int, arguments: dict[str, Any]) -> None:
    if as_float(smallest) not in POSITIVE or as_float(largest) not in POSITIVE or not smallest < largest:
        raise UsageError(
            "the rates go from {smallest!r} to {largest!r}; expected two numbers above 0, the smaller one first",
            smallest=smallest,
            largest=largest,
        )
    if not _is_count(batches) or batches < 2:
        raise UsageError("batches is {batches!r}; it must be a whole number of at least 2", batches=batches)
    _check_names(arguments)


def _check_names(arguments: dict[str, Any]) -> None:
    """Refuse arguments that are neither the search's nor `train`'s, or that the search has no use for."""
    parameters = [*inspect.signature(find_rate).parameters.values(), *inspect.signature(train).parameters.values()]
    known = dict.fromkeys(each.name for each in parameters if each.kind is each.KEYWORD_ONLY)
    for name in arguments:
        if name not in known:
            raise UnknownName.among("argument of find_rate", name, [each for each in known if each not in _OWN])
        if name in ("memory", "resume"):
            raise UsageError(
                "find_rate begins anew and leaves what is passed in as it was; leave {name} out", name=name
            )
        if name in _OWN:
            raise UsageError("find_rate sets {name} itself; leave it out", name=name)


def _is_count(value: Any) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool) and bool(value >= 1)


def _rows(X: Any) -> int:
    """Give how many rows there are, one at least; what has no length is no matrix, which `train` says."""
    shape = getattr(X, "shape", None)
    return max(1, int(shape[0]) if shape else len(X) if hasattr(X, "__len__") and shape is None else 1)
