"""How well the model fits the rows that it was trained on, beside the best constant answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from chainrule.engines import Objective, reference
from chainrule.formulas import Array
from chainrule.sparse import Inputs

__all__ = ["Fit", "measure_fit"]

# Of the loss of the best constant answer: below the first, nearly all there is to learn has been learnt; above the
# second, hardly anything.
_GOOD, _POOR = 0.1, 0.95
# From an output back to its logit, where a loss is computed from logits.
_LOGIT: dict[str, Callable[[Array], Array]] = {
    "softmax": np.log,
    "sigmoid": lambda a: np.log(a) - np.log1p(-a),
    "softplus": lambda a: np.log(np.expm1(a)),
}


_TINY = 1e-12  # what outputs are held off 0 and 1, where there is no logit


@dataclass(frozen=True)
class Fit:
    """The loss on the rows looked at, beside those of always giving the targets' mean and of giving the targets.

    Args:
        cost: the model's mean loss.
        constant: that of the constant answer; nan where it is not known.
        least: that of the targets themselves, which is not 0 for every loss.
        outputs: the model's outputs.
    """

    cost: float
    constant: float
    least: float
    outputs: Array

    @property
    def scale(self) -> float:
        """How much there is to learn: the loss of the constant answer less the least possible; nan for nothing."""
        return self.constant - self.least if self.constant > self.least else np.nan

    @property
    def left(self) -> float:
        """Which part of it is left: 1 for nothing learnt, 0 for everything."""
        return (self.cost - self.least) / self.scale

    @property
    def good(self) -> bool:
        """Whether nearly all has been learnt."""
        return self.left < _GOOD

    @property
    def poor(self) -> bool:
        """Whether hardly anything has been learnt."""
        return self.left >= _POOR


def measure_fit(objective: Objective, theta: Array, state: Array, X: Inputs, Y: Array) -> Fit:
    """Measure the model's loss and that of the best constant answer.

    For the squared errors, the cross-entropies and the Poisson loss, that is the targets' mean; for others, the mean is
    a fair answer, too.
    """
    cost = float(reference.loss(objective, theta, state, X, Y))
    outputs, exact = reference.predict(objective.network, theta, state, X), Y.astype(np.float64)
    mean = np.broadcast_to(exact.mean(axis=0), Y.shape)
    return Fit(cost, _cost_of(objective, mean, exact), _cost_of(objective, exact, exact), outputs)


def _cost_of(objective: Objective, outputs: Array, Y: Array) -> float:
    """Give the mean loss of outputs, through their logits where the loss is computed from those."""
    if objective.pair is None:
        return float(np.mean(objective.value(outputs, Y)))
    name = objective.network.output_activation.name
    if name not in _LOGIT:
        return np.nan
    highest = np.inf if name == "softplus" else 1 - _TINY
    return float(np.mean(objective.pair.value(_LOGIT[name](np.clip(outputs, _TINY, highest)), Y)))
