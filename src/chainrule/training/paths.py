"""Training seen as a path of theta over the cost: recording it, ending it where the cost is flat, costs along it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from chainrule.errors import UsageError
from chainrule.formulas import Array
from chainrule.formulas.intervals import as_float
from chainrule.language import Message
from chainrule.model import Model
from chainrule.training.callbacks import Callback, Info

__all__ = ["ThetaPath", "UntilFlat", "cost_of_theta"]


class ThetaPath(Callback):
    """Records theta at the start of a training and after each of its updates; a second training begins anew.

    It copies all parameters once per update: for small networks.

    >>> from chainrule import SGD, Network, train
    >>> path = ThetaPath()
    >>> model = train(Network.from_sizes([1, 1]), [[1.0], [2.0]], [2.0, 4.0], optimizer=SGD(0.1), batch_size=1,
    ...     epochs=3, callbacks=path)
    >>> path.points.shape, path.per_epoch, bool((path.points[-1] == model.theta).all())
    ((7, 2), 2, True)
    """

    def __init__(self) -> None:
        self._thetas: list[Array] = []
        self.per_epoch = 0  # updates of an epoch

    def begin(self, info: Info) -> None:
        """Keep where training starts."""
        self._thetas, self.per_epoch = [info.carry.theta.copy()], info.batches

    def state(self) -> dict[str, Any]:
        """Give the path so far."""
        return {"points": self.points}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take it back."""
        self._thetas = list(state["points"])

    def batch(self, info: Info) -> None:
        """Keep where an update led."""
        self._thetas.append(info.carry.theta.copy())

    @property
    def points(self) -> Array:
        """Theta before the first update and after each, shape (updates + 1, parameters)."""
        return np.array(self._thetas)

    @property
    def unrest(self) -> float:
        """How far theta wanders within the last epoch: the root of the mean squared distance from its mean there."""
        return float(np.linalg.norm(self.points[-self.per_epoch - 1 :].std(axis=0)))


class UntilFlat(Callback):
    """Stops after the epoch from which on the cost is flat: no component of its gradient is larger than a tolerance.

    It makes one more pass over these rows after each epoch.

    Args:
        X: inputs, as for `train`.
        Y: targets, likewise.
        tolerance: how large a component of dC/dtheta may be.

    Raises:
        UsageError: for a tolerance that is not above 0.

    >>> from chainrule import SGD, Network, train
    >>> X, y = [[1.0], [2.0]], [2.0, 4.0]
    >>> model = train(Network.from_sizes([1, 1]), X, y, optimizer=SGD(0.1), epochs=1000, callbacks=UntilFlat(X, y))
    >>> print(model.history.stopped)
    no component of the gradient is larger than 1e-05
    """

    def __init__(self, X: Any, Y: Any, tolerance: float = 1e-5) -> None:
        if not 0 < as_float(tolerance) < math.inf:
            raise UsageError(
                "the {what} is {value}; it must be a number above 0, such as {example}",
                what="tolerance",
                value=tolerance,
                example=1e-5,
            )
        self.X, self.Y, self.tolerance = X, Y, tolerance

    def epoch(self, info: Info) -> str | None:
        """Look at the gradient."""
        with np.errstate(over="ignore"):  # a training that diverges is for `train` to tell
            largest = float(np.abs(info.model.gradient(self.X, self.Y).theta).max())
        if largest > self.tolerance or math.isnan(largest):
            return None
        return Message("no component of the gradient is larger than {least:g}", least=self.tolerance)


def cost_of_theta(model: Model, X: Any, Y: Any) -> Callable[[Array], Array]:
    """Give the cost of these rows as a function of theta, such as for `paths_on_contours`; the model stays as it is.

    Args:
        model: the network and its loss.
        X: inputs, as for `train`.
        Y: targets, likewise.

    Returns:
        A function that takes thetas of shape (..., parameters) to their costs, of shape (...).

    >>> from chainrule import Network
    >>> cost = cost_of_theta(Network.from_sizes([1, 1]).init(), [[1.0], [2.0]], [2.0, 4.0])
    >>> cost(np.array([[2.0, 0.0], [2.0, 1.0]])).tolist()
    [0.0, 1.0]
    """
    probe = model.copy()

    def cost(theta: Array) -> float:
        probe.theta = theta
        return probe.gradient(X, Y).cost

    return lambda thetas: np.apply_along_axis(cost, -1, np.asarray(thetas))
