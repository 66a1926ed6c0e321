"""How a teacher writes activations, slopes and losses for whole arrays, as expressions.

Arrays have one example a row; a product entry by entry is a `Hadamard`. A sum over "rows" gives one number a column, a
sum over "columns" one number a row. What has no short form, such as a slope by cases, is called by its name, f'(Z).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TypeAlias

from chainrule.explain.expressions import (
    BigSum,
    Call,
    Expr,
    Hadamard,
    Number,
    Product,
    Ref,
)
from chainrule.explain.names import Name, slope_of
from chainrule.formulas import Activation, Loss, activations, losses
from chainrule.language import Message, template

__all__ = [
    "array",
    "back_of",
    "call_of",
    "cancelled",
    "definition_of",
    "entrywise",
    "loss_of",
    "loss_slope_of",
    "over",
    "slope_note",
    "slope_of_loss_by_z",
]

Form: TypeAlias = Callable[..., Expr]

ONE = Number(1.0)
# One number of Z, of A and of Y, for sentences.
_Z, _A, _Y = Ref(Name("z")), Ref(Name("a")), Ref(Name("y"))
_SLOPE = Ref(slope_of(Name("L"), Name("a")))


def array(text: str) -> Ref:
    """Give the array of this name, such as A2.

    >>> array("zhat1").name.symbol, array("zhat1").name.layer, array("X").name.layer
    ('zhat', 1, None)
    """
    found = re.fullmatch(r"([^\d]+)(\d*)", text)
    assert found is not None
    return Ref(Name(found[1], int(found[2]) if found[2] else None))


def entrywise(factors: Sequence[Expr]) -> Expr:
    """Give a product entry by entry; products among its factors are spelled out.

    >>> len(entrywise([array("A1"), entrywise([array("A1"), array("Y")])]).factors)
    3
    """
    flat = [inner for each in factors for inner in (each.factors if isinstance(each, Hadamard) else (each,))]
    return flat[0] if len(flat) == 1 else Hadamard(tuple(flat))


def over(what: str, body: Expr) -> Expr:
    """Give a sum over "rows" or "columns"."""
    return BigSum(what, body)


def _call(name: str, *arguments: Expr | float) -> Call:
    return Call(name, tuple(each if isinstance(each, Expr) else Number(float(each)) for each in arguments))


def call_of(activation: Activation, z: Expr, prime: str = "") -> Expr:
    """Give f(z), or f'(z), by name, with the activation's own numbers; z itself for the identity.

    >>> from chainrule.formulas import ACTIVATIONS
    >>> call_of(ACTIVATIONS["elu"], array("Z1")).args[1]
    Number(value=1.0)
    """
    if activation.value is activations.identity:
        return z
    return _call(activation.name + prime, z, *activation.parameters.values())


def _gelu_tanh(z: Expr) -> Expr:
    return ONE / 2 * z * (1 + _call("tanh", Number(activations.SQRT_2_OVER_PI) * (z + 0.044715 * z**3)))


def _bent(z: Expr, alpha: float) -> Expr:
    return _call("max", 0, z) + alpha * (_call("exp", _call("min", 0, z)) - 1)


_DEFINITIONS: dict[Callable[..., object], Form] = {
    activations.sigmoid: lambda z: 1 / (1 + _call("exp", -z)),
    activations.tanh: lambda z: (_call("exp", z) - _call("exp", -z)) / (_call("exp", z) + _call("exp", -z)),
    activations.relu: lambda z: _call("max", 0, z),
    activations.leaky_relu: lambda z, alpha: _call("max", 0, z) + alpha * _call("min", 0, z),
    activations.elu: _bent,
    activations.selu: lambda z: activations.SELU_SCALE * _bent(z, activations.SELU_ALPHA),
    activations.softplus: lambda z: _call("ln", 1 + _call("exp", z)),
    activations.exponential: lambda z: _call("exp", z),
    activations.silu: lambda z: z / (1 + _call("exp", -z)),
    activations.gelu: lambda z: z * _call("Phi", z),
    activations.gelu_tanh: _gelu_tanh,
    activations.mish: lambda z: z * _call("tanh", _call("ln", 1 + _call("exp", z))),
}


def definition_of(activation: Activation, z: Expr) -> Expr | None:
    """Give what f(z) is for one number z; None for what has no such form: identity, softmax, step and one's own.

    >>> from chainrule.formulas import ACTIVATIONS
    >>> definition_of(ACTIVATIONS["sigmoid"], Number(0.0)).value
    0.5
    """
    form = _DEFINITIONS.get(activation.value)
    return None if form is None else form(z, **activation.parameters)


def _silu_slope(Z: Expr, A: Expr) -> list[Expr]:
    s = _call("sigmoid", Z)
    return [s + entrywise([A, 1 - s])]


def _mish_slope(Z: Expr, A: Expr) -> list[Expr]:
    t = _call("tanh", _call("softplus", Z))
    return [t + entrywise([Z, 1 - entrywise([t, t]), _call("sigmoid", Z)])]


# Factors of f' that hold wherever z lies.
_SLOPES: dict[Callable[..., object] | None, Callable[[Expr, Expr], list[Expr]]] = {
    activations.identity_slope: lambda Z, A: [],
    activations.sigmoid_slope: lambda Z, A: [A, 1 - A],
    activations.tanh_slope: lambda Z, A: [1 - entrywise([A, A])],
    activations.softplus_slope: lambda Z, A: [_call("sigmoid", Z)],
    activations.exponential_slope: lambda Z, A: [A],
    activations.silu_slope: _silu_slope,
    activations.gelu_slope: lambda Z, A: [_call("Phi", Z) + entrywise([Z, _call("phi", Z)])],
    activations.mish_slope: _mish_slope,
}


def back_of(activation: Activation, Z: Expr, A: Expr, G: Sequence[Expr]) -> Expr:
    """Give dC/dZ where dC/dA is the product of some factors.

    Raises:
        UsageError: for an activation without a usable slope.

    >>> from chainrule.formulas import ACTIVATIONS
    >>> len(back_of(ACTIVATIONS["sigmoid"], array("Z1"), array("A1"), [array("G")]).factors)
    3
    """
    activation.back  # noqa: B018  (it refuses what has no usable slope)
    if activation.pullback is activations.softmax_pullback:
        return entrywise([A, entrywise(G) - over("columns", entrywise([A, *G]))])
    if activation.pullback is not None:
        return _call(f"{activation.name}_back", Z, A, entrywise(G), *activation.parameters.values())
    slope = _SLOPES.get(activation.slope)
    return entrywise([*G, *(slope(Z, A) if slope else [call_of(activation, Z, "'")])])


_SIDES = template("{slope} is {above} where {z} is above 0, and {below} elsewhere.")
_SCALED_SIDES = template(
    "{slope} is {above} where {z} is above 0, and {below} elsewhere, with {s} = {scale} and {alpha} = {steep}."
)
_WITH_PARTS = template("{slope} is {form}, with {r} = {root} and {t} = {bend}.")


def _sides(activation: Activation, below: Expr) -> Message:
    return Message(_SIDES, slope=f"{activation.name}'", above=ONE, z=_Z, below=below)


def _selu_note(activation: Activation) -> Message:
    s, alpha = Ref(Name("s")), Ref(Name("alpha"))
    numbers = {"scale": activations.SELU_SCALE, "steep": activations.SELU_ALPHA}
    below = s * alpha * _call("exp", _Z)
    return Message(_SCALED_SIDES, slope="selu'", above=s, z=_Z, below=below, s=s, alpha=alpha, **numbers)


def _gelu_tanh_note(activation: Activation) -> Message:
    r, t = Ref(Name("r")), Ref(Name("t"))
    form = ONE / 2 * (1 + t) + ONE / 2 * _Z * (1 - t**2) * r * (1 + 0.134145 * _Z**2)
    bend = _call("tanh", r * (_Z + 0.044715 * _Z**3))
    return Message(_WITH_PARTS, slope="gelu_tanh'", form=form, r=r, root=activations.SQRT_2_OVER_PI, t=t, bend=bend)


_NOTES: dict[Callable[..., object] | None, Callable[[Activation], Message]] = {
    activations.relu_slope: lambda f: _sides(f, Number(0.0)),
    activations.leaky_relu_slope: lambda f: _sides(f, Number(f.parameters["alpha"])),
    activations.elu_slope: lambda f: _sides(f, f.parameters["alpha"] * _call("exp", _Z)),
    activations.selu_slope: _selu_note,
    activations.gelu_tanh_slope: _gelu_tanh_note,
}


def slope_note(activation: Activation) -> Message | None:
    """Give a sentence about a slope that is called by its name; None where none is needed, or known."""
    note = _NOTES.get(activation.slope)
    return None if note is None else note(activation)


def _held(e: Expr, delta: float) -> Expr:
    return _call("max", -delta, _call("min", delta, e))


def _squares(A: Expr, Y: Expr) -> Expr:
    return over("columns", entrywise([A - Y, A - Y]))


_LOSSES: dict[Callable[..., object], Form] = {
    losses.half_squared_error: lambda A, Y, N: 0.5 * _squares(A, Y),
    losses.squared_error: lambda A, Y, N: _squares(A, Y),
    losses.mean_squared_error: lambda A, Y, N: _squares(A, Y) / N,
    losses.euclidean_distance: lambda A, Y, N: _call("sqrt", _squares(A, Y)),
    losses.absolute_error: lambda A, Y, N: over("columns", _call("abs", A - Y)) / N,
    losses.huber: lambda A, Y, N, delta: (
        over("columns", entrywise([_held(A - Y, delta), A - Y - 0.5 * _held(A - Y, delta)])) / N
    ),
    losses.poisson: lambda A, Y, N: over("columns", A - entrywise([Y, _call("ln", A)])),
    losses.binary_cross_entropy: lambda A, Y, N: (
        -over("columns", entrywise([Y, _call("ln", A)]) + entrywise([1 - Y, _call("ln", 1 - A)]))
    ),
    losses.categorical_cross_entropy: lambda A, Y, N: -over("columns", entrywise([Y, _call("ln", A)])),
}
_LOSS_SLOPES: dict[Callable[..., object] | None, Form] = {
    losses.half_squared_error_slope: lambda A, Y, N: A - Y,
    losses.squared_error_slope: lambda A, Y, N: Product((Number(2.0), A - Y)),
    losses.mean_squared_error_slope: lambda A, Y, N: 2 * (A - Y) / N,
    losses.euclidean_distance_slope: lambda A, Y, N: (A - Y) / array("L"),
    losses.absolute_error_slope: lambda A, Y, N: _call("sign", A - Y) / N,
    losses.huber_slope: lambda A, Y, N, delta: _held(A - Y, delta) / N,
}


def loss_of(loss: Loss, A: Expr, Y: Expr, N: int) -> Expr:
    """Give L, the loss of each row, from outputs and targets of shape (m, N)."""
    form = _LOSSES.get(loss.value)
    return form(A, Y, N, **loss.parameters) if form else _call(loss.name, A, Y, *loss.parameters.values())


def loss_slope_of(loss: Loss, A: Expr, Y: Expr, N: int) -> Expr:
    """Give dL/dA, shape (m, N)."""
    form = _LOSS_SLOPES.get(loss.slope)
    return form(A, Y, N, **loss.parameters) if form else _call(f"{loss.name}'", A, Y, *loss.parameters.values())


def slope_of_loss_by_z(loss: Loss, activation: Activation, Z: Expr, A: Expr, Y: Expr) -> Expr | None:
    """Give dL/dZ where the loss belongs to the output activation and is computed from its logits, else None."""
    pair = loss.pair_for(activation)
    if pair is None:
        return None
    if pair.slope is losses.cross_entropy_slope:
        return A - Y
    if pair.slope is losses.poisson_slope:
        return entrywise([_call("sigmoid", Z), 1 - Y / A])
    return _call(f"{loss.name}'", Z, A, Y, *loss.parameters.values())


def cancelled(loss: Loss, activation: Activation, A: Expr, Y: Expr) -> tuple[Message, tuple[Expr, ...]] | None:
    """Say why dL/dZ is A - Y and nothing more, with the steps that lead there; None where that is not so."""
    pair = loss.pair_for(activation)
    if pair is None:
        return None
    if pair.value is losses.binary_cross_entropy:
        why = Message(
            "{slope} is {value}, and the slope of the sigmoid is {bend}: the two cancel, and {left} is left.",
            slope=_SLOPE,
            value=(_A - _Y) / (_A * (1 - _A)),
            bend=_A * (1 - _A),
            left=_A - _Y,
        )
        below = entrywise([A, 1 - A])
        return why, (entrywise([(A - Y) / below, below]),)
    if pair.value is losses.poisson_log_link:
        why = Message(
            "{slope} is {value}, and the slope of the exponential is {a}: their product is {left}.",
            slope=_SLOPE,
            value=1 - _Y / _A,
            a=_A,
            left=_A - _Y,
        )
        return why, (entrywise([1 - Y / A, A]),)
    if pair.value is losses.categorical_cross_entropy:
        why = Message(
            "Every output of a softmax depends on every {z} of its row. {slope} is {value}; sent back through all "
            "outputs, it becomes {a} times the sum of the row's targets, minus {y}; and that sum is 1, so {left} is "
            "left.",
            z=_Z,
            slope=_SLOPE,
            value=-(_Y / _A),
            a=_A,
            y=_Y,
            left=_A - _Y,
        )
        G = -(Y / A)
        return why, (
            entrywise([A, G - over("columns", entrywise([A, G]))]),
            entrywise([A, over("columns", Y)]) - Y,
        )
    return None
