"""What is measured after each epoch: costs, metrics by name and functions of one's own, on both parts of the data."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np

from chainrule.arrays import truth_of
from chainrule.engines import Carry, Engine, Job, Objective
from chainrule.errors import UnknownName, UsageError
from chainrule.formulas import METRICS, Array
from chainrule.formulas.intervals import is_real
from chainrule.language import Message
from chainrule.model import Model, measure
from chainrule.sparse import Inputs, SparseRows
from chainrule.training.preparation import Part

__all__ = ["Measuring", "Metrics", "OwnMetric", "find_metrics"]

OwnMetric: TypeAlias = Callable[[Model, Any, Array, Array | None], float]
"""``f(model, X, Y, weights)`` gives one number, see `train`."""

Metrics: TypeAlias = Mapping[str, OwnMetric | None]
"""What to measure, by name of the series; None where the name is one of the catalogue."""

_OURS = ("loss", "penalty", "rate", "seconds")


def find_metrics(wanted: Any, model: Model) -> Metrics:
    """Give what to measure, checked against the task; None takes the task's first metric.

    Args:
        wanted: a name, a mapping of names to functions of one's own, or several of names, functions and mappings; a
            function that stands alone is called by its ``__name__``.
        model: whose task decides which names there are.

    Raises:
        UnknownName: for a name that is no metric of the task.
        UsageError: for what is neither, or for a series of one's own under a name that is taken.
    """
    fitting = [name for name, metric in METRICS.items() if metric.task == _kind(model)]
    if wanted is None:
        return {fitting[0]: None}
    found: dict[str, OwnMetric | None] = {}
    for name, function in _pairs(wanted, fitting):
        if function is None and name not in fitting:
            kind = Message("regression metric" if _kind(model) == "regression" else "classification metric")
            raise UnknownName.among(kind, name, fitting)
        if function is not None:
            _check_name(name, found)
        found[name] = function
    return found


def _kind(model: Model) -> str:
    return "regression" if model.task == "regression" else "classification"


def _pairs(wanted: Any, fitting: Sequence[str]) -> Iterable[tuple[str, OwnMetric | None]]:
    """Go through what was given as names and functions, None for what the catalogue has."""
    several = [wanted] if isinstance(wanted, str | Mapping) or not isinstance(wanted, Iterable) else list(wanted)
    for each in several:
        if isinstance(each, str):
            yield each, None
        elif isinstance(each, Mapping) and all(map(callable, each.values())):
            yield from each.items()
        elif callable(each) and hasattr(each, "__name__"):
            yield each.__name__, each
        else:
            raise UsageError(
                "metrics is {given!r}; expected a name or a list of names out of {known}, functions of your own as "
                "{{'name': f}}, or () for none",
                given=wanted,
                known=", ".join(fitting),
            )


def _check_name(name: Any, found: Metrics) -> None:
    if isinstance(name, str) and name and name not in (*_OURS, *found) and not name.startswith("validation_"):
        return
    raise UsageError(
        "a metric of your own has the name {name!r}; expected a text that names no other series and does not begin with "
        "'validation_', which the validation part's series do",
        name=name,
    )


class Measuring:
    """Measures a training after each epoch.

    Args:
        model: whose network, loss and target are used.
        job: what does not change; its targets may be smoothed ones.
        engine: what computes.
        part: the training part, with its targets as they are.
        held_out: the validation part, or None.
        metrics: what to measure besides costs.
    """

    def __init__(
        self, model: Model, job: Job, engine: Engine, part: Part, held_out: Part | None, metrics: Metrics
    ) -> None:
        self.model, self.job, self.engine = model, job, engine
        self.part, self.held_out, self.metrics = part, held_out, metrics
        self._named = [name for name, function in metrics.items() if function is None]
        self._own = {name: function for name, function in metrics.items() if function is not None}
        # What functions of one's own are given, by the part's identity: the same in every epoch.
        self._shown: dict[int, tuple[Any, Array, Array | None]] = {}
        # Without penalties, for measuring.
        self.plain = Objective(model.network, model.loss) if job.objective.penalties else job.objective

    @property
    def passes(self) -> bool:
        """Whether anything is measured that the engine's epoch does not give by itself."""
        return bool(self.metrics) or self.held_out is not None

    @property
    def series(self) -> tuple[str, ...]:
        """The names of all that each epoch measures."""
        held_out = () if self.held_out is None else ("loss", *self.metrics)
        penalty = ("penalty",) if self.job.objective.penalties else ()
        rate = () if self.job.optimizer is None else ("rate",)
        return ("loss", *penalty, *self.metrics, *(f"validation_{name}" for name in held_out), *rate, "seconds")

    def measure(self, carry: Carry, loss: float, penalty: float) -> dict[str, float]:
        """Give an epoch's values: what its batches came to, and what is measured on the two parts; no seconds."""
        values = {"loss": loss}
        if self.job.objective.penalties:
            values["penalty"] = penalty
        with np.errstate(all="ignore"):
            model = self._model(carry) if self._own else None
            values |= self._measure_part(carry, self.part, model)
            if (part := self.held_out) is not None:
                values["validation_loss"] = self.cost(carry, part.X, part.Y, part.weights)
                found = self._measure_part(carry, part, model)
                values |= {f"validation_{name}": value for name, value in found.items()}
        if self.job.optimizer is not None:
            values["rate"] = self.job.rates(carry.updates)
        return values

    def cost(self, carry: Carry, X: Inputs, Y: Array, weights: Array | None) -> float:
        """Give the mean loss of these rows, without penalties."""
        return float(self.engine.loss(self.plain, carry.theta, carry.state, X, Y, weights))

    def _measure_part(self, carry: Carry, part: Part, model: Model | None) -> dict[str, float]:
        found: dict[str, float] = {}
        if self._named:
            A = self.engine.predict(self.model.network, carry.theta, carry.state, part.X)
            found = measure(self.model, A, part.Y, part.weights, self._named)
        for name, function in self._own.items():
            found[name] = _number(name, function(model, *self._show(part)))  # type: ignore[arg-type]
        return {name: found[name] for name in self.metrics}

    def _model(self, carry: Carry) -> Model:
        """Make a model of copies that takes inputs as they are: they have been through its encoder."""
        theta, state, settings = carry.theta.copy(), carry.state.copy(), dict(self.model.settings)
        return replace(self.model, theta=theta, state=state, encoder=None, history=None, settings=settings)

    def _show(self, part: Part) -> tuple[Any, Array, Array | None]:
        """Give a part as functions of one's own see it: labels or values, and nothing that could be written into."""
        if id(part) not in self._shown:
            target = self.model.target
            assert target is not None
            Y = target.inverse(truth_of(part.Y, self.model.classes is not None))
            X = part.X.tocsr() if isinstance(part.X, SparseRows) else _fixed(part.X)
            self._shown[id(part)] = (X, Y, None if part.weights is None else _fixed(part.weights))
        return self._shown[id(part)]


def _fixed(array: Array) -> Array:
    """Give a view that cannot be written into."""
    view = array.view()
    view.flags.writeable = False
    return view


def _number(name: str, value: Any) -> float:
    if is_real(value):
        return float(value)
    raise UsageError("the metric {name!r} gave {value!r}; expected one number", name=name, value=value)
