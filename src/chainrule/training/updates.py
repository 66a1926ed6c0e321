"""How large the updates are that training makes, beside the weights that they change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from chainrule.formulas import Array
from chainrule.parameters import Parameters
from chainrule.training.callbacks import Callback, Info

__all__ = ["UpdateRatios"]


class UpdateRatios(Callback):
    """Measures, after each epoch, the ratio of the newest update to the weights, layer by layer.

    ratio = ‖W[l] after − W[l] before‖ / ‖W[l] before‖, of the update that the epoch's last batch made: what the
    optimizer really did, with its memory, penalties and limits. A ratio around 0.001 is usual.

    Source: A. Karpathy, CS231n course notes, "Neural networks part 3", 2015, for the rule of thumb.

    >>> from chainrule import SGD, Network, train
    >>> ratios = UpdateRatios()
    >>> model = train(Network.from_sizes([1, 1]), [[1.0]], [1.0], optimizer=SGD(0.1), epochs=3, callbacks=ratios)
    >>> len(ratios.by_layer[1]), 0 < ratios.median(1) < 1
    (3, True)
    """

    def __init__(self) -> None:
        self.by_layer: dict[int, list[float]] = {}

    def begin(self, info: Info) -> None:
        """Forget what an earlier training left."""
        self.by_layer = {}

    def epoch(self, info: Info) -> None:
        """Measure the newest update; after an epoch that was broken off there is none to be seen."""
        if info.carry.before is None:
            return
        network = info.model.network
        before, after = Parameters(network, info.carry.before.theta), Parameters(network, info.carry.theta)
        for l, W in before.W.items():
            self.by_layer.setdefault(l, []).append(_length(after.W[l] - W) / (_length(W) or 1.0))

    def state(self) -> dict[str, Array]:
        """Give the ratios by layer."""
        return {str(l): np.array(ratios, dtype=np.float64) for l, ratios in self.by_layer.items()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take them back."""
        self.by_layer = {int(l): np.asarray(ratios).tolist() for l, ratios in state.items()}

    def median(self, l: int) -> float:
        """Give the median over the epochs, which no schedule's end and no single batch decides; nan where none was."""
        return float(np.median(self.by_layer[l])) if self.by_layer.get(l) else float("nan")

    def largest(self, l: int) -> float:
        """Give the largest over the epochs; nan where none was measured."""
        return max(self.by_layer.get(l, ()), default=float("nan"))

    def __repr__(self) -> str:
        return f"UpdateRatios({len(self.by_layer)} layers)"


def _length(numbers: Array) -> float:
    return float(np.linalg.norm(numbers.reshape(-1)))
