"""Counting right answers while a network learns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from chainrule.training.callbacks import Callback, Info

__all__ = ["RightAnswers"]


class RightAnswers(Callback):
    """Counts after each epoch how many rows a classifier answers right, such as those of a validation part.

    The series ``validation_accuracy`` of the history has the same as a share.

    Args:
        X: inputs, as for `train`.
        y: their labels.
        listener: called with the epoch and the count as soon as it is known.

    >>> from chainrule import SGD, Network, train
    >>> X, y = [[0.0], [1.0]], ["no", "yes"]
    >>> count = RightAnswers(X, y, listener=lambda epoch, right: print(f"Epoch {epoch}: {right} / 2"))
    >>> network = Network.from_sizes([1, 1], output="sigmoid")
    >>> model = train(network, X, y, optimizer=SGD(1.0), epochs=3, callbacks=count)
    Epoch 1: 0 / 2
    Epoch 2: 0 / 2
    Epoch 3: 1 / 2
    >>> count.counts
    [0, 0, 1]
    """

    def __init__(self, X: Any, y: Any, listener: Callable[[int, int], None] | None = None) -> None:
        self.X, self.y, self.listener = X, np.asarray(y), listener
        self.counts: list[int] = []

    def begin(self, info: Info) -> None:
        """Forget what an earlier training left."""
        self.counts = []

    def state(self) -> dict[str, Any]:
        """Give what was counted."""
        return {"counts": self.counts}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take it back."""
        self.counts = list(state["counts"])

    def epoch(self, info: Info) -> None:
        """Count, and tell."""
        self.counts.append(int(np.sum(info.model.predict(self.X) == self.y)))
        if self.listener is not None:
            self.listener(info.epoch, self.counts[-1])
