"""The little functions of a program: activations, slopes and the loss, lifted from the catalogue, in plain NumPy."""

from __future__ import annotations

import builtins
import dataclasses
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from chainrule.engines.compiled.graph import NotLiftable
from chainrule.engines.compiled.lifting import lift_back, lift_loss, lift_slope
from chainrule.engines.compiled.rows import Program
from chainrule.errors import UsageError
from chainrule.formulas import Activation, Loss
from chainrule.storage.exporting.dialects import NUMPY
from chainrule.storage.exporting.functions import numpy_function, uses
from chainrule.storage.exporting.lifted import Function, lift, rewrite
from chainrule.storage.exporting.numpy_file import ERFC, ERFCX
from chainrule.storage.exporting.plan import identifier

__all__ = ["WIDTH", "Formulas", "LossSource", "helpers", "loss_source", "product"]

# What ruff and black make of a file by themselves.
WIDTH = 88

# Names that a program has a use of its own for, besides variables such as Z1.
RESERVED = {"check", "draw_masks", "erfc", "erfcx", "forward", "gradient", "loss", "loss_slope", "masks", "math", "np"}
RESERVED |= {"running", "unbiased", "sample", "share", "start", "train", "weights"}
VARIABLE = re.compile(r"([A-Za-z]|dW|db|dU|dgamma|dbeta|mean|var|deviation|zhat|drop|dgamma|dbeta)\d*")


def _number(x: float, whole: bool) -> str:
    """Write a number as a person would: 2 / 3 for 0.666…."""
    text: str = NUMPY.number(x, whole)
    if len(text) > 8 and math.isfinite(x):
        near = Fraction(x).limit_denominator(10_000)
        if near and near.denominator > 1 and near.numerator / near.denominator == x:
            return f"({near.numerator} / {near.denominator})"
    return text


# Everything is float64 here, so nothing has to be rounded to the type of what it meets.
_PLAIN = dataclasses.replace(
    NUMPY,
    number=_number,
    calls={
        **{op: text for op, text in NUMPY.calls.items() if op != "round"},
        "indicator": "{0}.astype(float)",
        **{name: f"np.{name}({{0}}, axis=1, keepdims=True)" for name in ("sum", "max", "min")},
    },
)


@dataclass
class Formulas:
    """The functions that a program needs, each under a name of its own, a slope right below its value."""

    found: list[Function] = field(default_factory=list)

    def value(self, activation: Activation, N: int, z: str) -> str:
        """Give the call of f for rows of N numbers; z itself for the identity."""
        function = lift(activation, N, False)
        return z if function.is_identity else _call(self._remember(function), function.numbers, {"z": z})

    def back(self, activation: Activation, N: int, z: str, a: str, G: list[str]) -> str:
        """Give dC/dz where dC/da is the product of some factors: that times f', or the call of a pullback."""
        activation.back  # noqa: B018  (it refuses what has no usable slope)
        value = lift(activation, N, False)
        if value.is_identity:
            return product(G)
        whole = activation.pullback is not None
        program = _lifted(activation, lift_back if whole else lift_slope, N)
        numbers = {name: float(activation.parameters[name]) for name in program.numbers}
        program = _read_only(rewrite(program, numbers, False), "z")
        base = self._remember(value)
        doc = _first_line(activation.pullback or activation.slope)
        usual = {name: base.numbers.get(name, number) for name, number in numbers.items()}
        made = Function(f"{base.name}_{'back' if whole else 'slope'}", program, doc, usual)
        call = _call(self._remember(made, base), numbers, {"z": z, "a": a, "g": product(G)})
        return call if whole else product([*G, call])

    def _remember(self, function: Function, above: Function | None = None) -> Function:
        """Give the function that is alike, or take this one in, under a name that is free."""
        for each in self.found:
            if each.program == function.program and each.doc == function.doc:
                return each
        base = identifier(function.name, "f")
        base += "_activation" * (base in RESERVED or VARIABLE.fullmatch(base) is not None or hasattr(builtins, base))
        taken = {each.name for each in self.found}
        name = next(name for name in (base, *(f"{base}_{k}" for k in range(2, len(taken) + 3))) if name not in taken)
        made = dataclasses.replace(function, name=name)
        self.found.insert(len(self.found) if above is None else self.found.index(above) + 1, made)
        return made

    def blocks(self) -> list[list[str]]:
        """Give the definitions."""
        return [_written(each) for each in self.found]

    @property
    def operations(self) -> set[str]:
        """The operations of all functions."""
        return {op for each in self.found for op in uses(each)}


@dataclass(frozen=True)
class LossSource:
    """The loss of a program.

    Args:
        value: its function, ``loss``: one number a row.
        slope: the function of its slope, or None where that is a - y and can be written out.
        paired: whether both work with the logits, so that the slope is dL/dz.
    """

    value: Function
    slope: Function | None
    paired: bool

    def call(self, Z: str, A: str) -> str:
        """Give the call of the loss."""
        return _call(self.value, self.value.numbers, {"z": Z, "a": A, "y": "Y"})

    def call_slope(self, Z: str, A: str) -> str:
        """Give the slope, dL/dz where the loss is paired, else dL/da."""
        if self.slope is None:
            return f"({A} - Y)"
        return _call(self.slope, self.slope.numbers, {"z": Z, "a": A, "y": "Y"})

    def blocks(self) -> list[list[str]]:
        """Give the definitions."""
        return [_written(each) for each in (self.value, self.slope) if each is not None]

    @property
    def operations(self) -> set[str]:
        """The operations of both functions."""
        return uses(self.value) | (uses(self.slope) if self.slope else set())


def loss_source(loss: Loss, activation: Activation, N: int) -> LossSource:
    """Lift a loss as it is computed behind an output activation, for N outputs.

    Raises:
        UsageError: where the loss does not suit the activation, or does what cannot be written down.

    >>> from chainrule.formulas import ACTIVATIONS, LOSSES
    >>> parts = loss_source(LOSSES["half_squared_error"], ACTIVATIONS["identity"], 2)
    >>> parts.call("Z1", "A1"), parts.call_slope("Z1", "A1")
    ('loss(A1, Y)', '(A1 - Y)')
    """
    pair = loss.pair_for(activation)
    try:
        programs = lift_loss(loss, activation, N, False)
    except NotLiftable as reason:
        raise UsageError(
            "the loss {name!r} cannot be written as a program, since it is no chain of NumPy operations ({reason});"
            " write it with np.where, np.maximum and the like instead of branches and loops",
            name=loss.name,
            reason=str(reason),
        ) from reason
    texts = (pair.value, pair.slope) if pair else (loss.value, loss.slope)
    made = []
    for name, program, function in zip(("loss", "loss_slope"), programs, texts, strict=True):
        numbers = {each: float(loss.parameters[each]) for each in program.numbers}
        made.append(Function(name, _read_only(rewrite(program, numbers, False), "a"), _first_line(function), numbers))
    value, slope = made
    return LossSource(value, None if _is_difference(slope.program) else slope, pair is not None)


def helpers(operations: set[str]) -> list[list[str]]:
    """Give the functions that NumPy lacks."""
    blocks = [ERFC] if operations & {"erfc", "erfcx"} else []
    return [*blocks, *([ERFCX] if "erfcx" in operations else [])]


def _written(function: Function) -> list[str]:
    # Python reads a file as UTF-8, in which not every system writes one.
    return numpy_function(dataclasses.replace(function, doc=function.doc.replace("…", "...")), _PLAIN, WIDTH)


def _lifted(activation: Activation, lifting: Callable[..., Program], N: int) -> Program:
    try:
        return lifting(activation, N, False)
    except NotLiftable as reason:
        raise UsageError(
            "the slope of the activation {name!r} cannot be written as a program, since it is no chain of NumPy"
            " operations ({reason}); write it with np.where, np.maximum and the like instead of branches and loops",
            name=activation.name,
            reason=str(reason),
        ) from reason


def _read_only(program: Program, otherwise: str) -> Program:
    """Give a program that is handed only what it reads; the named input where it reads nothing."""
    inputs = tuple(name for name in program.inputs if name in program.reads) or (otherwise,)
    return dataclasses.replace(program, inputs=inputs)


def _is_difference(program: Program) -> bool:
    """Whether a program is a - y."""
    nodes = program.nodes
    last = nodes[program.results[0]]
    return last.op == "subtract" and [nodes[k].value for k in last.args] == ["a", "y"]


def _first_line(function: Callable[..., Any] | None) -> str:
    return (function.__doc__ or "").strip().split("\n\n")[0].split("\n")[0]


def _call(function: Function, numbers: Mapping[str, float], arrays: Mapping[str, str]) -> str:
    """Write a call, with those numbers that are not the usual ones."""
    own = [f"{name}={number!r}" for name, number in numbers.items() if number != function.numbers[name]]
    return f"{function.name}({', '.join([*(arrays[name] for name in function.program.inputs), *own])})"


def product(factors: list[str]) -> str:
    """Write a product entry by entry.

    >>> product(["D2 @ W2", "mask1"])
    '(D2 @ W2) * mask1'
    """
    if len(factors) == 1:
        return factors[0]
    return " * ".join(f"({factor})" if " @ " in factor else factor for factor in factors)
