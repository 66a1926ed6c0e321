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


@dataclass(frozen=True)
class Fit:
    """The loss on the rows looked at, and that of always giving the targets' mean.

    Args:
        cost: the model's mean loss.
        constant: that of the constant answer; nan where it is not known or 0.
        outputs: the model's outputs.
    """

    cost: float
    constant: float
    outputs: Array

    @property
    def left(self) -> float:
        """Which part of the constant answer's loss is left: 1 for nothing learnt, 0 for everything."""
        return self.cost / self.constant

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
    outputs = reference.predict(objective.network, theta, state, X)
    return Fit(cost, _constant_cost(objective, Y.astype(np.float64)) or np.nan, outputs)


def _constant_cost(objective: Objective, Y: Array) -> float:
    mean = np.broadcast_to(Y.mean(axis=0), Y.shape)
    if objective.pair is None:
        return float(np.mean(objective.value(mean, Y)))
    name = objective.network.output_activation.name
    if name not in _LOGIT:
        return np.nan
    tiny = 1e-12
    held = np.clip(mean, tiny, np.inf if name == "softplus" else 1 - tiny)
    return float(np.mean(objective.pair.value(_LOGIT[name](held), Y)))
