"""What is measured after an epoch: the engine's sums, and passes over the training and the validation part."""

from __future__ import annotations

import numpy as np

from chainrule.engines import Carry, Engine, EpochResult, Job, Objective
from chainrule.formulas import Array
from chainrule.model import Model, measure
from chainrule.sparse import Inputs
from chainrule.training.preparation import Part

__all__ = ["Measuring"]


class Measuring:
    """Measures the epochs of one training.

    Args:
        model: the model to begin with; its network, loss and target count.
        job: what does not change.
        engine: what computes.
        held_out: the validation part, or None.
        metrics: names of what to measure besides the loss.

    Attributes:
        series: the names of what each epoch measures.
        takes_passes: whether an epoch is followed by passes over rows.
    """

    def __init__(self, model: Model, job: Job, engine: Engine, held_out: Part | None, metrics: tuple[str, ...]) -> None:
        self._model, self._job, self._engine, self._held_out, self._metrics = model, job, engine, held_out, metrics
        self._plain = Objective(model.network, model.loss) if job.objective.penalties else job.objective
        self.takes_passes = bool(metrics) or held_out is not None
        penalty = ("penalty",) if job.objective.penalties else ()
        validation = () if held_out is None else ("loss", *metrics)
        self.series = ("loss", *penalty, *metrics, *(f"validation_{name}" for name in validation), "rate", "seconds")

    def of_epoch(self, result: EpochResult) -> dict[str, float]:
        """Give the epoch's values: the engine's sums, and what is measured on the training and validation part."""
        carry = result.carry
        values = {"loss": result.loss}
        if self._job.objective.penalties:
            values["penalty"] = result.penalty
        with np.errstate(all="ignore"):
            values |= self._part(carry, self._job.X, self._job.Y, self._job.weights)
            if (part := self._held_out) is not None:
                values["validation_loss"] = self.cost(carry, part.X, part.Y, part.weights)
                found = self._part(carry, part.X, part.Y, part.weights)
                values |= {f"validation_{name}": value for name, value in found.items()}
        values["rate"] = self._job.rates(carry.updates)
        return values

    def _part(self, carry: Carry, X: Inputs, Y: Array, weights: Array | None) -> dict[str, float]:
        if not self._metrics:
            return {}
        A = self._engine.predict(self._model.network, carry.theta, carry.state, X)
        measured = measure(self._model, A, Y, weights, self._metrics)
        return {name: measured[name] for name in self._metrics}

    def cost(self, carry: Carry, X: Inputs, Y: Array, weights: Array | None) -> float:
        """Give the mean loss of some rows, without penalties."""
        return float(self._engine.loss(self._plain, carry.theta, carry.state, X, Y, weights))
