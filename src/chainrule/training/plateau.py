"""A learning rate that falls where a series no longer improves."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from chainrule.errors import UnknownName, UsageError
from chainrule.formulas.intervals import Interval, as_float
from chainrule.language import Message
from chainrule.training.callbacks import Callback, Info, check_monitoring, check_same

__all__ = ["ReduceOnPlateau"]

_SETTINGS = ("monitor", "factor", "patience", "least_change", "smallest", "better")


class ReduceOnPlateau(Callback):
    """Lowers the learning rate when a series has not improved for some epochs; stops once the rate is small.

        rate <- factor rate

    Improvement is counted as `EarlyStopping` counts it, and anew after each time the rate is lowered. The rate is the
    optimizer's times the schedule's factor times what this callback has come to; the history's ``rate`` shows it.

    Args:
        monitor: any series.
        factor: what the rate is multiplied by, between 0 and 1.
        patience: epochs without improvement after which it is: the first bad epoch counts 1.
        least_change: how much better counts as better.
        smallest: where the rate would have to be lowered and is no larger than this, training stops.
        better: "lower" or "higher"; None takes what the catalogue says of a metric, "lower" for all else.

    Raises:
        UsageError: for a factor that is not between 0 and 1, a smallest rate below 0, and as for `EarlyStopping`.
        UnknownName: (as training begins) where there is no such series.

    >>> from chainrule import SGD, Network, train
    >>> lower = ReduceOnPlateau(factor=0.5, patience=2, least_change=0.1, smallest=0.1)
    >>> model = train(Network.from_sizes([1, 1]), [[1.0], [2.0]], [2.0, 4.0], optimizer=SGD(0.2), epochs=99,
    ...     callbacks=lower)
    >>> sorted(set(model.history["rate"])), model.history.stopped
    ([0.1, 0.2], 'the learning rate is down to 0.1, and loss has not improved for 2 epochs')
    """

    def __init__(
        self,
        monitor: str = "loss",
        factor: float = 0.2,
        patience: int = 2,
        least_change: float = 1e-4,
        smallest: float = 1e-6,
        better: str | None = None,
    ) -> None:
        self._sign = check_monitoring(monitor, patience, least_change, better)
        if as_float(factor) not in Interval(0, 1):
            raise UsageError("factor is {factor!r}; it must be a number between 0 and 1, such as 0.2", factor=factor)
        if as_float(smallest) not in Interval(0, ends="[)"):
            raise UsageError("smallest is {value!r}; it must be a learning rate of 0 or more", value=smallest)
        self.monitor, self.patience, self.least_change, self.better = monitor, int(patience), least_change, better
        self.factor, self.smallest = float(factor), float(smallest)
        self._best, self._bad, self._scale = math.inf, 0, 1.0

    def begin(self, info: Info) -> None:
        """Forget what an earlier training left."""
        if self.monitor not in info.series:
            raise UnknownName.among("series to monitor", self.monitor, info.series)
        self._best, self._bad, self._scale = math.inf, 0, 1.0

    def rate_factor(self, info: Info) -> float:
        """Give what the rate has been multiplied by so far."""
        return self._scale

    def epoch(self, info: Info) -> str | None:
        """Compare the newest value with the best."""
        value = self._sign * info.values[self.monitor]
        if value < self._best - self.least_change:  # a nan is no improvement
            self._best, self._bad = value, 0
            return None
        self._bad += 1
        if self._bad < self.patience:
            return None
        if info.values["rate"] <= self.smallest:
            return Message(
                "the learning rate is down to {rate:g}, and {monitor} has not improved for {patience} epochs",
                rate=info.values["rate"],
                monitor=self.monitor,
                patience=self.patience,
            )
        self._scale, self._bad = self._scale * self.factor, 0
        return None

    def state(self) -> dict[str, Any]:
        """Give the best value, the epochs since then and what the rate has been multiplied by."""
        settings = {name: getattr(self, name) for name in _SETTINGS}
        return {**settings, "best": self._best, "bad": self._bad, "scale": self._scale}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take it back.

        Raises:
            UsageError: where the settings were others.
        """
        check_same(self, state, _SETTINGS)
        self._best, self._bad, self._scale = float(state["best"]), int(state["bad"]), float(state["scale"])

    def __repr__(self) -> str:
        return f"ReduceOnPlateau({self.monitor!r}, factor={self.factor:g}, patience={self.patience})"
