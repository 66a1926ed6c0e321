"""The learning rate of each update: the optimizer's rate times the schedule's factor times that of the callbacks."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from chainrule.engines import ConstantRate
from chainrule.formulas import Optimizer, Schedule

__all__ = ["ScaledRates", "learning_rates"]


@dataclass
class ScaledRates:
    """Learning rates times a factor, which the run sets before each epoch to what its callbacks ask for.

    Args:
        rates: learning rate of update t = 1, 2, ….
        factor: what they are multiplied by.

    >>> rates = ScaledRates(ConstantRate(0.5))
    >>> rates.factor = 0.2
    >>> rates(1)
    0.1
    """

    rates: Callable[[int], float]
    factor: float = 1.0

    def __call__(self, t: int) -> float:
        """Give the learning rate of update t."""
        return self.factor * self.rates(t)


def learning_rates(optimizer: Optimizer, schedule: Schedule, batches: int, epochs: int) -> Callable[[int], float]:
    """Give the learning rate of update t = 1, 2, …: the optimizer's rate times the schedule's factor."""
    if schedule.name == "constant":
        return ConstantRate(float(optimizer.rate))
    factor = schedule.bound(schedule.value)

    def rate(t: int) -> float:
        try:
            return float(optimizer.rate * factor((max(t, 1) - 1) / batches, epochs))
        except OverflowError:  # Python's floats raise where NumPy's become inf; divergence is named elsewhere
            return math.inf

    return rate
