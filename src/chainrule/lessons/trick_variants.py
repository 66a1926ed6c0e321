"""The seven variants of lesson tricks: what each changes, in words and in the library's terms, and what it came to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from chainrule.formulas import INITIALIZERS, Adam, Momentum
from chainrule.language import Message
from chainrule.network import Dropout, Network
from chainrule.training.variants import MeanSpread, Trials, Variant

__all__ = ["Outcomes", "Trick", "outcomes", "seven_tricks"]


@dataclass(frozen=True)
class Trick(Variant):
    """A variant, with what it does in words."""

    words: Message = field(kw_only=True)


class Outcomes(NamedTuple):
    """What each variant came to over the seeds, by name.

    Args:
        accuracy: on the validation part, epoch by epoch.
        epochs: after how many it first was as good as the goal.
        gap: training accuracy less that of the validation part, epoch by epoch.
        loss: on the validation part, after the last epoch.
    """

    accuracy: dict[str, MeanSpread]
    epochs: dict[str, MeanSpread]
    gap: dict[str, MeanSpread]
    loss: dict[str, MeanSpread]

    def rows(self) -> list[tuple[str, str, str, str, str]]:
        """Give a row of a table for each variant, with accuracy and gap after the last epoch."""
        return [
            (
                name,
                f"{accuracy.last:.1%}",
                f"{self.epochs[name]:.0f}",
                f"{self.gap[name].last:z.1%}",
                f"{self.loss[name]:.2f}",
            )
            for name, accuracy in self.accuracy.items()
        ]


def outcomes(trials: Mapping[str, Trials], goal: float) -> Outcomes:
    """Say what variants came to that were trained with a validation part; ``goal`` is an accuracy to reach."""
    return Outcomes(
        accuracy={name: each.course("validation_accuracy") for name, each in trials.items()},
        epochs={name: each.epochs_to("validation_accuracy", goal) for name, each in trials.items()},
        gap={name: each.difference("accuracy", "validation_accuracy") for name, each in trials.items()},
        loss={name: each.last("validation_loss") for name, each in trials.items()},
    )


def seven_tricks(hidden: int, rate: float) -> dict[str, Trick]:
    """Give the variants, each with two hidden layers; those that name no optimizer descend plainly.

    >>> [trick.network.depth for trick in seven_tricks(30, 0.03).values()]
    [3, 3, 3, 3, 3, 3, 3]
    """
    sizes = [64, hidden, hidden, 10]
    small = INITIALIZERS["normal"].with_parameters(scale=0.01)
    plain: dict[str, Any] = {"hidden": "sigmoid", "output": "softmax", "initializer": small}
    relu = Network.from_sizes(sizes, hidden="relu", output="softmax")
    dropout = Network([Dropout(0.2), *Network.from_sizes(sizes, "relu", "softmax", dropout=0.5).layers], inputs=64)
    return {
        Message("plain"): Trick(
            Network.from_sizes(sizes, **plain),
            words=Message("sigmoid neurons, weights 0.01 N(0, 1), plain descent."),
        ),
        Message("plain + batch normalization"): Trick(
            Network.from_sizes(sizes, **plain, batch_norm=True),
            words=Message(
                "each neuron's sums get mean 0 and variance 1 within the batch, however small the weights are."
            ),
        ),
        Message("plain + Glorot's start"): Trick(
            Network.from_sizes(sizes, hidden="sigmoid", output="softmax", initializer="glorot_uniform"),
            words=Message("weights of a size that keeps the signal from layer to layer."),
        ),
        Message("ReLU + He's start"): Trick(
            relu,
            words=Message("a slope of 1 wherever a neuron is on, where the sigmoid's is at most 1/4; plain descent."),
        ),
        Message("ReLU + momentum"): Trick(
            relu,
            {"optimizer": Momentum(rate)},
            words=Message(
                "each step keeps nine tenths of the one before: steps one way add up, steps to and fro cancel."
            ),
        ),
        Message("ReLU + Adam"): Trick(
            relu,
            {"optimizer": Adam(rate / 10)},
            words=Message(
                "adaptive rates: each weight's step is its mean gradient, measured by that gradient's usual size."
            ),
        ),
        Message("ReLU + Adam + dropout"): Trick(
            dropout,
            {"optimizer": Adam(rate / 10)},
            words=Message("each update leaves out a fifth of the pixels and half of the hidden neurons, drawn anew."),
        ),
    }
