"""What several lessons do: train on one part of a set, inputs scaled by that part alone, and count on the other."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

from chainrule.data import Dataset, TableEncoder, split
from chainrule.formulas import Array
from chainrule.history import History
from chainrule.model import Model
from chainrule.network import Network
from chainrule.training import train

__all__ = ["Trial", "train_and_test"]


class Trial(NamedTuple):
    """A trained model and what it answers on rows that it has not seen.

    Args:
        model: the model; its encoder scales raw rows.
        history: how training went.
        accuracy: the share of right answers on the held-out rows.
        truth: their labels.
        answers: the model's.
    """

    model: Model
    history: History
    accuracy: float
    truth: Array
    answers: Array


def train_and_test(
    network: Network,
    found: Dataset,
    *,
    seed: int,
    test: float = 0.25,
    scaling: Literal["standard", "robust", "range", "none"] = "standard",
    batch_size: int = 0,
    **options: Any,
) -> Trial:
    """Set rows aside, each class with its share, train on the others, and count right answers on those set aside.

    Args:
        network: what is trained.
        found: a classification set.
        seed: for the parts, the start and the order.
        test: share of rows set aside.
        scaling: how `TableEncoder` scales the inputs, learned from the training part.
        batch_size: rows in a batch; 0 takes the whole training part.
        **options: further arguments of `train`.

    >>> from chainrule import Network
    >>> from chainrule.data import load
    >>> trial = train_and_test(Network.from_sizes([4, 3], output="softmax"), load("iris"), seed=0, epochs=300)
    >>> len(trial.truth), trial.accuracy > 0.8
    (38, True)
    """
    kept, _, aside = split(found.y, seed=seed, test=test, validation=0.0, stratify=True)
    encoder = TableEncoder.fit(found.X[kept], names=found.features, numbers=scaling)
    options = {"encoder": encoder, "batch_size": batch_size or len(kept), "seed": seed, **options}
    model = train(network, found.X[kept], found.y[kept], **options)
    assert model.history is not None
    X, truth = found.X[aside], found.y[aside]
    return Trial(model, model.history, model.evaluate(X, truth)["accuracy"], truth, model.predict(X))
