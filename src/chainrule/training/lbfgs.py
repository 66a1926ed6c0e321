"""L-BFGS: steps by a memory of the latest gradients instead of a learning rate; SciPy's, on theta and all rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from chainrule.engines import Carry, Draw, Engine, Job, Objective
from chainrule.errors import UnknownName, UsageError
from chainrule.formulas import OPTIMIZERS, Array, Optimizer, Schedule
from chainrule.formulas.intervals import POSITIVE, as_float
from chainrule.language import Message
from chainrule.network import BatchNorm, Dropout

__all__ = ["LBFGS", "Trial", "check_suits", "descend", "find_optimizer"]

_LEAST_FALL = 2.220446049250313e-09  # SciPy's own, and scikit-learn's


@dataclass(frozen=True)
class LBFGS:
    """L-BFGS, for `train`: a quasi-Newton method for small and middling data, with all rows as one batch.

        theta <- theta - step H g

    g is the gradient of the cost with its penalties; H estimates the inverse of the matrix of second derivatives from
    the latest changes of theta and g; the step is found by a line search. There is no learning rate. An iteration
    counts as an epoch and as an update, and may take several evaluations of cost and gradient.

    Args:
        memory: how many changes of theta and g are kept, at least 1.
        tolerance: training has converged where no component of the gradient is larger.
        max_evaluations: after the iteration in which so many evaluations are exceeded, training ends.

    Raises:
        UsageError: for numbers that cannot be.

    Source: D. C. Liu and J. Nocedal, On the limited memory BFGS method for large scale optimization, Mathematical
    Programming 45, 1989.

    >>> from chainrule import Network, train
    >>> model = train(Network.from_sizes([1, 1]), [[1.0], [2.0]], [2.0, 4.0], optimizer=LBFGS(tolerance=1e-6))
    >>> model.predict([[3.0]]).round(4).tolist(), str(model.history.stopped)
    ([6.0], 'converged: no component of the gradient is larger than 1e-06')
    """

    memory: int = 10
    tolerance: float = 1e-4
    max_evaluations: int = 15_000

    def __post_init__(self) -> None:
        for name in ("memory", "max_evaluations"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
                raise UsageError("{name} is {value!r}; it must be a whole number of at least 1", name=name, value=value)
            object.__setattr__(self, name, int(value))
        if as_float(self.tolerance) not in POSITIVE:
            raise UsageError("tolerance is {value!r}; it must be a finite number above 0", value=self.tolerance)
        object.__setattr__(self, "tolerance", float(self.tolerance))

    def describe(self) -> dict[str, Any]:
        """Give name and parameters as plain data."""
        return {"name": "lbfgs", **asdict(self)}

    def __str__(self) -> str:
        return f"lbfgs(memory={self.memory}, tolerance={self.tolerance:g}, max_evaluations={self.max_evaluations})"


def find_optimizer(wanted: str | Optimizer | LBFGS, **parameters: float) -> Optimizer | LBFGS:
    """Give the optimizer of this name, or this very one; besides the update formulas of the catalogue, "lbfgs".

    Args:
        wanted: which one.
        **parameters: other numbers than its own.

    Raises:
        UnknownName, UsageError: for what is none, or has no such parameter.
    """
    if isinstance(wanted, LBFGS):
        return _with_parameters(wanted, parameters)
    if not isinstance(wanted, str) or wanted in OPTIMIZERS:
        return OPTIMIZERS.find(wanted, **parameters)
    if wanted.strip().lower().replace("-", "").replace("_", "") == "lbfgs":
        return _with_parameters(LBFGS(), parameters)
    raise UnknownName.among(OPTIMIZERS.what, wanted, [*OPTIMIZERS, "lbfgs"])


def _with_parameters(lbfgs: LBFGS, parameters: dict[str, float]) -> LBFGS:
    for name in parameters:
        if name not in asdict(lbfgs):
            raise UsageError(
                "{formula} has no parameter {name!r}; it has: {known}",
                formula="lbfgs",
                name=name,
                known=", ".join(asdict(lbfgs)),
            )
    # A command line knows floats only.
    numbers: dict[str, Any] = {key: int(n) if float(n).is_integer() else n for key, n in parameters.items()}
    return replace(lbfgs, **numbers)


def check_suits(
    objective: Objective, clip: float | None, schedule: Schedule, *, changes_rate: bool, checkpoint: bool
) -> None:
    """Refuse what L-BFGS cannot do: it needs the same function at every evaluation, with its true gradient.

    Raises:
        UsageError: for dropout, limits on weights, clipping, courses of a learning rate, and checkpoints.
    """
    limit = next((penalty.name for penalty in objective.penalties if penalty.project is not None), None)
    if any(isinstance(layer, Dropout) and layer.rate for layer in objective.network.layers):
        reason = Message("dropout makes the cost another function at every evaluation; train without it")
    elif limit is not None:
        reason = Message(
            "{penalty} moves weights after a step, which the memory of gradients misses; take L2", penalty=limit
        )
    elif clip is not None:
        reason = Message("a clipped gradient is not that of the cost; leave out clip")
    elif schedule.name != "constant" or changes_rate:
        reason = Message("it has no learning rate; leave out the schedule and callbacks that change the rate")
    elif checkpoint:
        reason = Message("no checkpoint can hold its memory of gradients, which SciPy keeps to itself; save the model")
    else:
        return
    raise UsageError("L-BFGS cannot train so: {reason}, or take another optimizer such as Adam()", reason=reason)


class Trial(NamedTuple):
    """One evaluation of the cost on all rows.

    Args:
        point: theta in float64, as SciPy asked for it.
        theta: theta in the parameters' number type, as it was evaluated.
        loss: the cost C.
        penalty: what penalties add to it.
        gradient: of both, in float64.
        state: the network's state after the pass.
        first: whether this is where training begins.
    """

    point: Array
    theta: Array
    loss: float
    penalty: float
    gradient: Array
    state: Array
    first: bool

    @property
    def finite(self) -> bool:
        """Whether all is finite."""
        return bool(np.isfinite([self.loss, self.penalty]).all() and np.isfinite(self.gradient).all())


class _Stopped(Exception):
    """Ends SciPy's loop, since somebody wants to stop."""


class _Descent:
    """What SciPy calls: evaluates the cost, and sees each iteration."""

    def __init__(
        self,
        job: Job,
        engine: Engine,
        carry: Carry,
        tried: Callable[[Trial], bool],
        reached: Callable[[Carry, Trial], bool],
    ) -> None:
        self.job, self.engine, self.carry, self.tried, self.reached = job, engine, carry, tried, reached
        # In training, batch normalization takes the statistics of the batch, which is all rows.
        normalized = any(isinstance(layer, BatchNorm) for layer in job.objective.network.layers)
        self.draw = Draw(job.seed, 0) if normalized else None
        self.newest: Trial | None = None

    def evaluate(self, point: Array) -> tuple[float, Array]:
        """Give cost and gradient, penalties included."""
        job, theta = self.job, point.astype(self.carry.theta.dtype)
        with np.errstate(all="ignore"):  # what is not finite is found by who looks at the trials
            found = self.engine.gradient(job.objective, theta, self.carry.state, job.X, job.Y, job.weights, self.draw)
        loss, penalty, g = float(found.cost), float(found.penalty), found.theta.astype(np.float64)
        # SciPy goes on writing into its point.
        self.newest = Trial(point.copy(), theta, loss, penalty, g, found.state, self.newest is None)
        if self.tried(self.newest):
            raise _Stopped
        return loss + penalty, g

    def iterate(self, point: Array) -> None:
        """See that an iteration ended here."""
        if self.newest is None or not np.array_equal(point, self.newest.point):
            self.evaluate(point)
        assert self.newest is not None
        trial, before = self.newest, self.carry._replace(before=None)
        self.carry = Carry(trial.theta, trial.state, (), before.updates + 1, before)
        if self.reached(self.carry, trial):
            raise _Stopped


def descend(
    lbfgs: LBFGS,
    job: Job,
    engine: Engine,
    carry: Carry,
    iterations: int,
    tried: Callable[[Trial], bool],
    reached: Callable[[Carry, Trial], bool],
) -> Message | None:
    """Descend on the cost of all rows by SciPy's L-BFGS-B, without bounds.

    Args:
        lbfgs: the settings.
        job: what does not change; its optimizer is None.
        engine: whose gradient is taken.
        carry: where to begin.
        iterations: how many at most.
        tried: sees each evaluation; True stops at once.
        reached: sees each iteration's end, how training stands and the evaluation there; True stops.

    Returns:
        Why it ended, or None where somebody stopped it.
    """
    from scipy.optimize import minimize

    descent = _Descent(job, engine, carry, tried, reached)
    options = {
        "maxcor": lbfgs.memory,
        "gtol": lbfgs.tolerance,
        "ftol": _LEAST_FALL,
        "maxfun": lbfgs.max_evaluations,
        "maxiter": iterations,
    }
    try:
        found = minimize(
            descent.evaluate,
            carry.theta.astype(np.float64),
            jac=True,
            method="L-BFGS-B",
            callback=descent.iterate,
            options=options,
        )
    except _Stopped:
        return None
    return _why(found, lbfgs, iterations)


def _why(found: Any, lbfgs: LBFGS, iterations: int) -> Message:
    """Say in words why SciPy ended."""
    if found.status == 0:
        if np.abs(found.jac).max() <= lbfgs.tolerance:
            return Message("converged: no component of the gradient is larger than {least:g}", least=lbfgs.tolerance)
        return Message(
            "converged: an iteration lowered the cost by a share of less than {share:.2g}", share=_LEAST_FALL
        )
    if found.status == 1 and found.nit >= iterations:
        return Message("all {epochs} epochs done", epochs=iterations)
    if found.status == 1:
        return Message("all {count} evaluations used up", count=lbfgs.max_evaluations)
    return Message("no lower cost found along the last direction: the number type allows no more, or there is a kink")
