"""What a formula is: one frozen record that ties a value to its slope, its LaTeX, its range and its use.

A variant is data: ``leaky_relu`` with another slope is the same record with another entry in ``parameters``.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any, Self, TypeAlias

import numpy as np
import numpy.typing as npt

from chainrule.errors import UsageError
from chainrule.formulas.intervals import POSITIVE, Interval, as_float
from chainrule.language import Message, chained, template

__all__ = [
    "Activation",
    "Array",
    "Formula",
    "Initializer",
    "Loss",
    "Metric",
    "Optimizer",
    "Pair",
    "Penalty",
    "Schedule",
]

Array: TypeAlias = npt.NDArray[Any]


@dataclass(frozen=True, kw_only=True)
class Formula:
    """What all formulas have in common.

    Args:
        name: the name in the catalogue, lower case with underscores.
        value: the formula itself, a pure function of arrays.
        latex: the formula as LaTeX, in the symbols of docs/notation.md.
        use: one sentence or two: when to use it.
        source: the paper or book, and which variant this is.
        parameters: the formula's own numbers by name, with their values (``{"alpha": 0.01}``).
        limits: by name of the parameter, which numbers it may be; any finite one where nothing is said.
    """

    name: str
    value: Callable[..., Any]
    latex: str
    use: str
    source: str = ""
    parameters: Mapping[str, float] = field(default_factory=dict, hash=False)
    limits: Mapping[str, Interval] = field(default_factory=dict, hash=False)

    def with_parameters(self, **parameters: float) -> Self:
        """Give the same formula with other numbers.

        Raises:
            UsageError: for a parameter that the formula does not have, or a number outside of its limits.

        >>> from chainrule.formulas import ACTIVATIONS
        >>> ACTIVATIONS["leaky_relu"].with_parameters(alpha=0.2).parameters
        {'alpha': 0.2}
        """
        for name in parameters:
            if name not in self.parameters:
                raise UsageError(
                    "{formula} has no parameter {name!r}; it has: {known}",
                    formula=self.name,
                    name=name,
                    known=", ".join(self.parameters) or Message("none"),
                )
        if not parameters:
            return self
        held = {name: self._held_to_limits(name, number) for name, number in parameters.items()}
        return dataclasses.replace(self, parameters={**self.parameters, **held})

    def _held_to_limits(self, name: str, given: float) -> float:
        number, allowed = as_float(given), self.limits.get(name, Interval())
        if number in allowed:
            return number
        known = allowed.around(name)
        raise UsageError(
            "{formula}: {name} is {number!r}; it must be a finite number with {allowed}"
            if known
            else "{formula}: {name} is {number!r}; it must be a finite number",
            formula=self.name,
            name=name,
            number=number if np.isinf(number) else given,
            allowed=known,
        )

    def _hold_to_choices(self, field: str, *allowed: str) -> None:
        given = getattr(self, field)
        if given not in allowed:
            raise UsageError(
                "{formula}: {field} is {given!r}; it must be one of: {allowed}",
                formula=self.name,
                field=field,
                given=given,
                allowed=", ".join(allowed),
            )

    def __getstate__(self) -> dict[str, Any]:
        # The functions that are bound on first use cannot be pickled, and are bound again when they are wanted.
        return {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}

    def describe(self) -> dict[str, Any]:
        """Give name and parameters as plain data, for model files and JSON.

        >>> from chainrule.formulas import ACTIVATIONS
        >>> ACTIVATIONS["elu"].describe()
        {'name': 'elu', 'alpha': 1.0}
        """
        return {"name": self.name, **self.parameters}

    def bound(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Fill this record's parameters into one of its functions."""
        return partial(function, **self.parameters) if self.parameters else function

    def __str__(self) -> str:
        inner = ", ".join(f"{name}={number:g}" for name, number in self.parameters.items())
        return f"{self.name}({inner})" if inner else self.name


@dataclass(frozen=True, kw_only=True)
class Activation(Formula):
    """An activation a = f(z) with its slope f'(z).

    Args:
        slope: ``slope(z, a)`` gives f'(z) entry by entry, from z or from a = f(z), whichever is cheaper; None where
            there is no usable slope (step) or where f is not elementwise (softmax).
        pullback: for a function of a whole row: ``pullback(z, a, g)`` gives dC/dz from g = dC/da.
        slope_latex: the slope as LaTeX.
        range: the lowest and the highest value, approached or reached, with the built-in parameters.
        initializer: the initializer that suits the layer before it.
    """

    slope: Callable[..., Array] | None = None
    pullback: Callable[..., Array] | None = None
    slope_latex: str = ""
    range: tuple[float, float] = (-np.inf, np.inf)
    initializer: str = "glorot_uniform"

    @cached_property
    def f(self) -> Callable[[Array], Array]:
        """The value with this record's parameters filled in: ``f(z)``."""
        return self.bound(self.value)

    @property
    def trainable(self) -> bool:
        """Whether errors can be sent back through it."""
        return self.slope is not None or self.pullback is not None

    @cached_property
    def back(self) -> Callable[[Array, Array, Array], Array]:
        """The chain rule through f: ``back(z, a, g)`` gives dC/dz from g = dC/da.

        Raises:
            UsageError: where the activation has no usable slope.
        """
        if self.pullback is not None:
            return self.bound(self.pullback)
        if self.slope is None:
            raise UsageError(
                "the activation {name!r} has no usable slope (0 wherever it exists), so gradient descent cannot train "
                "through it; use 'sigmoid' (its smooth form) or 'relu', or set its weights by hand",
                name=self.name,
            )
        slope = self.bound(self.slope)
        return lambda z, a, g: g * slope(z, a)


@dataclass(frozen=True, kw_only=True)
class Pair:
    """A loss joined with the output activation that it belongs to, computed from the logits z.

    Args:
        value: ``value(z, y)`` gives the loss of each example, shape (m,); exact for any z.
        slope: ``slope(z, a, y)`` gives its derivative by z, shape (m, N): for cross-entropies the short form a - y.
    """

    value: Callable[..., Array]
    slope: Callable[..., Array]


@dataclass(frozen=True, kw_only=True)
class Loss(Formula):
    """The loss L(a, y) of one example, for a whole batch at once.

    Args:
        value: ``value(a, y)`` gives the loss of each example, shape (m,), from outputs and targets of shape (m, N).
        slope: ``slope(a, y)`` gives dL/da, shape (m, N); None where the loss is only defined from logits.
        pairs: by name of the output activation, the forms that are computed from its logits.
        targets: what y must be: "values" (any number), "probabilities" (each in [0, 1]), "distribution" (in [0, 1],
            rows adding up to 1) or "counts" (0 or more).
    """

    slope: Callable[..., Array] | None = None
    slope_latex: str = ""
    pairs: Mapping[str, Pair] = field(default_factory=dict, hash=False)
    targets: str = "values"

    def __post_init__(self) -> None:
        self._hold_to_choices("targets", "values", "probabilities", "distribution", "counts")
        if self.slope is None and not self.pairs:
            raise UsageError("the loss {name!r} has neither slope nor pairs, so nothing descends on it", name=self.name)

    def pair_for(self, activation: Activation) -> Pair | None:
        """Give the form for this output activation, None for the general one.

        Raises:
            UsageError: where the loss is only defined for other output activations.

        >>> from chainrule.formulas import ACTIVATIONS, LOSSES
        >>> LOSSES["half_squared_error"].pair_for(ACTIVATIONS["sigmoid"]) is None
        True
        """
        pair = self.pairs.get(activation.name)
        if pair is None and self.slope is None:
            raise UsageError(
                "the loss {loss!r} is computed from logits and needs an output layer with {needed}, not {given!r}",
                loss=self.name,
                needed=chained(template("{first} or {next}"), (repr(name) for name in self.pairs)),
                given=activation.name,
            )
        return pair


@dataclass(frozen=True, kw_only=True)
class Initializer(Formula):
    """How weights start.

    Args:
        value: ``value(draw, fan_in, fan_out)`` turns standard draws of shape (fan_out, fan_in) into weights.
        draw: what the draws are: "normal" (mean 0, deviation 1), "uniform" (in [0, 1)) or "none" (zeros).
    """

    draw: str = "normal"

    def __post_init__(self) -> None:
        self._hold_to_choices("draw", "normal", "uniform", "none")


@dataclass(frozen=True, kw_only=True)
class Optimizer(Formula):
    """One update of the parameters: state in, state out.

    Args:
        value: ``value(theta, g, state, t, rate, **parameters)`` gives (change, state) of update number t = 1, 2, …, so
            that theta <- theta + change; all vectors have theta's layout.
        slots: the names of the vectors in the state; each starts at zero.
        rate: the learning rate; in ``with_parameters`` and in look-ups it counts as a parameter.
        decays: whether parameter ``decay`` applies to weights only, so that training masks it at biases.
    """

    slots: tuple[str, ...] = ()
    rate: float = 0.01
    decays: bool = False

    def __post_init__(self) -> None:
        if self.decays and "decay" not in self.parameters:
            raise UsageError(
                "the optimizer {name!r} decays, but has no parameter 'decay'; it has: {known}",
                name=self.name,
                known=", ".join(self.parameters) or Message("none"),
            )

    def with_parameters(self, **parameters: float) -> Self:
        """Give the same optimizer with another learning rate or other numbers.

        >>> from chainrule.formulas import OPTIMIZERS
        >>> print(OPTIMIZERS.find("momentum", rate=0.1))
        momentum(rate=0.1, mu=0.9)
        """
        given = parameters.pop("rate", self.rate)
        rate = as_float(given)
        if rate not in POSITIVE:
            raise UsageError(
                "the learning rate is {rate!r}; it must be a finite number above 0, such as 0.01",
                rate=rate if np.isinf(rate) else given,
            )
        record = super().with_parameters(**parameters)
        return record if rate == record.rate else dataclasses.replace(record, rate=rate)

    def start(self, theta: Array) -> tuple[Array, ...]:
        """Give the state before the first update: a zero vector for each slot."""
        return tuple(np.zeros_like(theta) for _ in self.slots)

    def describe(self) -> dict[str, Any]:
        """Give name, rate and parameters as plain data."""
        return {"name": self.name, "rate": self.rate, **self.parameters}

    def __str__(self) -> str:
        inner = ", ".join(f"{name}={number:g}" for name, number in {"rate": self.rate, **self.parameters}.items())
        return f"{self.name}({inner})"


@dataclass(frozen=True, kw_only=True)
class Schedule(Formula):
    """How the learning rate changes: a factor of the optimizer's rate.

    Args:
        value: ``value(e, E, **parameters)`` gives the factor after e epochs (fractions count) of E.
    """


@dataclass(frozen=True, kw_only=True)
class Penalty(Formula):
    """A price on large weights, added to the cost, or a limit that weights are held to.

    Args:
        value: ``value(w, strength)`` gives the price of each weight; 0 for a pure limit.
        slope: ``slope(w, strength)`` gives its derivative, entry by entry; None for a pure limit.
        project: ``project(W, limit)`` gives the nearest allowed W, shape (N_l, N_{l-1}); applied after each update.

    Raises:
        UsageError: where there is neither slope nor project.
    """

    slope: Callable[..., Array] | None = None
    slope_latex: str = ""
    project: Callable[..., Array] | None = None

    def __post_init__(self) -> None:
        if self.slope is None and self.project is None:
            raise UsageError(
                "the penalty {name!r} has neither slope nor project, so it would do nothing; give a price its slope",
                name=self.name,
            )


@dataclass(frozen=True, kw_only=True)
class Metric(Formula):
    """A figure of merit that people read, never one that is descended.

    Args:
        value: ``value(predicted, truth, weights)`` gives one number; class numbers, or values of shape
            (n,) or (n, k).
        task: "classification" or "regression".
        better: "higher" or "lower".
    """

    task: str = "regression"
    better: str = "lower"

    def __post_init__(self) -> None:
        self._hold_to_choices("task", "classification", "regression")
        self._hold_to_choices("better", "higher", "lower")
