"""Training with stops: the model at chosen moments, to look at afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from chainrule.model import Model
from chainrule.training import train

__all__ = ["follow"]


def follow(model: Model, X: Any, Y: Any, moments: Sequence[int], **options: Any) -> list[Model]:
    """Train in stretches, and keep the model at the end of each.

    Each stretch begins with a fresh optimizer and the same order of rows: what comes out is one long training where the
    optimizer remembers nothing and there is one batch.

    Args:
        model: the model at the first moment.
        X: inputs, as for `train`.
        Y: targets, as for `train`.
        moments: numbers of epochs, rising, the first of them that of ``model``.
        **options: further arguments of `train`.

    >>> from chainrule import SGD, Network
    >>> models = follow(Network.from_sizes([1, 1]).init(), [[1.0]], [2.0], [0, 1, 10], optimizer=SGD(0.1))
    >>> [model.history.updates if model.history else 0 for model in models]
    [0, 1, 10]
    """
    models = [model]
    for before, now in pairwise(moments):
        models.append(train(models[-1], X, Y, epochs=now - before, **options))
    return models
