"""How a teacher writes an activation and its slope.

Each function below writes what the function of that name in `chainrule.formulas.activations` computes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from chainrule.explain.expressions import Call, Expr, Number, Ref
from chainrule.explain.forms.common import (
    HALF,
    Form,
    Row,
    exp,
    is_taught,
    largest,
    ln_of_1_plus,
    own,
    parameter,
    with_rest,
)
from chainrule.explain.names import Name
from chainrule.formulas import Activation, Array
from chainrule.formulas.activations import SELU_ALPHA, SELU_SCALE, SQRT_2_OVER_PI
from chainrule.language import Message

__all__ = ["activation_form", "jacobian", "slope_form", "softmax_slope_form"]

# Beyond, e^z or a sum of them may be more, or e^-z less, than a float holds to all its digits.
_FAR = 700.0

_ONE, _ZERO = Number(1), Number(0)
_SCALE, _ALPHA = Ref(Name("scale"), SELU_SCALE), Ref(Name("alpha"), SELU_ALPHA)


def activation_form(activation: Activation, z: Row, i: int, most: int = 8) -> Form:
    """Write a_i = f(z).

    Args:
        activation: f.
        z: weighted sums of the layer for one example.
        i: which neuron.
        most: how many terms of a softmax are spelled out at most; a `Rest` stands for the others.

    Returns:
        A `Form`; its value is that of the activation.

    >>> from chainrule.formulas import ACTIVATIONS
    >>> z = Row(Name("z", 1), np.array([0.0, 2.0]))
    >>> activation_form(ACTIVATIONS["sigmoid"], z, 0).value
    0.5
    >>> str(activation_form(ACTIVATIONS["leaky_relu"], z, 1).because).endswith("is above 0")
    True
    """
    name = activation.name if is_taught(activation) else ""
    if name == "softmax":
        return _softmax(z, i, most)
    if name in _VALUES:
        return _VALUES[name](activation, z[i])
    args = z.entries(most) if activation.pullback else (z[i],)
    return own(activation.name, args, lambda: activation.f(z.values[None])[0, i])


def slope_form(activation: Activation, z: Ref, a: Ref) -> Form:
    """Write f'(z), of an activation that works entry by entry.

    Args:
        activation: f, not one of whole rows: for softmax there is `softmax_slope_form`, for others `jacobian`.
        z: the weighted sum.
        a: f(z), by which many slopes are written.

    Returns:
        A `Form`; its value is that of the slope.

    Raises:
        UsageError: for an activation without usable slope, such as step.

    >>> from chainrule.formulas import ACTIVATIONS
    >>> z, a = Ref(Name("z", 1, (0,)), 0.0), Ref(Name("a", 1, (0,)), 0.5)
    >>> slope_form(ACTIVATIONS["sigmoid"], z, a).value
    0.25
    """
    if is_taught(activation) and activation.name in _SLOPES:
        return _SLOPES[activation.name](activation, z, a)
    one, Z, A = np.ones((1, 1)), np.array([[z.value]]), np.array([[a.value]])
    return own(activation.name + "'", (z,), lambda: activation.back(Z, A, one)[0, 0])


def softmax_slope_form(a: Row, k: int, j: int) -> Form:
    """Write da_k/dz_j of a softmax: a_k (1 - a_k) for j = k, else -a_k a_j.

    Args:
        a: outputs of the layer for one example.
        k: which output.
        j: by which weighted sum.

    >>> a = Row(Name("a", 2), np.array([0.25, 0.75]))
    >>> softmax_slope_form(a, 0, 0).value, softmax_slope_form(a, 0, 1).value
    (0.1875, -0.1875)
    """
    return Form(a[k] * (1 - a[k]) if k == j else -(a[k] * a[j]))


def jacobian(activation: Activation, z: Array, a: Array) -> Array:
    """Give every da_k/dz_j of a layer for one example, by sending back one unit vector per output.

    Args:
        activation: any that can be trained through.
        z: weighted sums, shape (N,).
        a: outputs, shape (N,).

    Returns:
        Shape (N, N): entry [k, j] is da_k/dz_j.

    Raises:
        UsageError: for an activation without usable slope.

    >>> from chainrule.formulas import ACTIVATIONS
    >>> jacobian(ACTIVATIONS["softmax"], np.zeros(2), np.array([0.5, 0.5])).tolist()
    [[0.25, -0.25], [-0.25, 0.25]]
    """
    N = len(z)
    return activation.back(np.tile(z, (N, 1)), np.tile(a, (N, 1)), np.eye(N))


def _side(z: Ref) -> str:
    """Say on which side of 0 a number is."""
    return Message("{z} is above 0", z=z.name) if z.value > 0 else Message("{z} is not above 0", z=z.name)


def _by_side(above: Expr, below: Expr, z: Ref) -> Form:
    return Form(above if z.value > 0 else below, _side(z))


def _slope_by_side(above: Expr, below: Expr, z: Ref) -> Form:
    if z.value == 0 and above.value != below.value:
        kink = Message(
            "{z} is 0, where no derivative exists; by convention the slope of the left side counts", z=z.name
        )
        return Form(below, kink)
    return _by_side(above, below, z)


def _step(f: Activation, z: Ref) -> Form:
    if z.value >= 0:
        return Form(_ONE, Message("{z} is not below 0", z=z.name))
    return Form(_ZERO, Message("{z} is below 0", z=z.name))


def _sigmoid(f: Activation, z: Ref) -> Form:
    return Form(1 / (1 + exp(-z)))


def _leaky_relu(f: Activation, z: Ref) -> Form:
    return _by_side(z, parameter(f, "alpha") * z, z)


def _leaky_relu_slope(f: Activation, z: Ref, a: Ref) -> Form:
    return _slope_by_side(_ONE, parameter(f, "alpha"), z)


def _elu(f: Activation, z: Ref) -> Form:
    return _by_side(z, parameter(f, "alpha") * (exp(z) - 1), z)


def _elu_slope(f: Activation, z: Ref, a: Ref) -> Form:
    return _slope_by_side(_ONE, parameter(f, "alpha") * exp(z), z)


def _selu(f: Activation, z: Ref) -> Form:
    return _by_side(_SCALE * z, _SCALE * _ALPHA * (exp(z) - 1), z)


def _selu_slope(f: Activation, z: Ref, a: Ref) -> Form:
    return _slope_by_side(_SCALE, _SCALE * _ALPHA * exp(z), z)


def _ln_of_1_plus_exp(z: Ref) -> Expr:
    return ln_of_1_plus(exp(z)) if z.value < _FAR else z + ln_of_1_plus(exp(-z))


def _softplus(f: Activation, z: Ref) -> Form:
    too_large = Message("{z} is so large that e^z is beyond all floats, so z is taken out of the logarithm", z=z.name)
    return Form(_ln_of_1_plus_exp(z), "" if z.value < _FAR else too_large)


def _silu_slope(f: Activation, z: Ref, a: Ref) -> Form:
    s = Call("sigmoid", (z,))
    return Form(s + a * (1 - s))


def _gelu_slope(f: Activation, z: Ref, a: Ref) -> Form:
    return Form(Call("Phi", (z,)) + z * Call("phi", (z,)))


def _bent(z: Ref) -> Expr:
    """tanh(u) of GELU's tanh form, with u = sqrt(2 / pi) (z + 0.044715 z^3)."""
    return Call("tanh", (Number(SQRT_2_OVER_PI) * (z + 0.044715 * z**3),))


def _gelu_tanh(f: Activation, z: Ref) -> Form:
    return Form(HALF * z * (1 + _bent(z)))


def _gelu_tanh_slope(f: Activation, z: Ref, a: Ref) -> Form:
    if abs(z.value) > 40:
        return Form(
            _ONE if z.value > 0 else _ZERO,
            Message("{z} is so far from 0 that the curve is straight there, to the last digit", z=z.name),
        )
    t = _bent(z)
    return Form(HALF * (1 + t) + HALF * z * (1 - t**2) * Number(SQRT_2_OVER_PI) * (1 + 0.134145 * z**2))


def _mish(f: Activation, z: Ref) -> Form:
    return Form(z * Call("tanh", (_ln_of_1_plus_exp(z),)))


def _mish_slope(f: Activation, z: Ref, a: Ref) -> Form:
    t = Call("tanh", (_ln_of_1_plus_exp(z),))
    return Form(t + z * (1 - t**2) * Call("sigmoid", (z,)))


def _softmax(z: Row, i: int, most: int) -> Form:
    """e^z_i over the sum of all e^z_k, shifted by the largest z where a float could not hold them."""
    top = int(np.argmax(z.values))
    if z.values[top] < _FAR and z.values[i] > -_FAR:
        shown = largest(np.exp(z.values), most, i)
        return Form(exp(z[i]) / with_rest([exp(z[k]) for k in shown], np.exp(z.values), shown))
    e = np.exp(z.values - z.values[top])
    shown = largest(e, most, i)
    return Form(
        exp(z[i] - z[top]) / with_rest([exp(z[k] - z[top]) for k in shown], e, shown),
        Message(
            "a float cannot hold every e^z here, so the largest, {z}, is taken off every exponent: that cancels",
            z=z[top].name,
        ),
    )


_Value: TypeAlias = Callable[[Activation, Ref], Form]
_Slope: TypeAlias = Callable[[Activation, Ref, Ref], Form]

_VALUES: dict[str, _Value] = {
    "step": _step,
    "identity": lambda f, z: Form(z),
    "sigmoid": _sigmoid,
    "tanh": lambda f, z: Form(Call("tanh", (z,))),
    "relu": lambda f, z: Form(Call("max", (_ZERO, z))),
    "leaky_relu": _leaky_relu,
    "elu": _elu,
    "selu": _selu,
    "softplus": _softplus,
    "exponential": lambda f, z: Form(exp(z)),
    "silu": lambda f, z: Form(z / (1 + exp(-z))),
    "gelu": lambda f, z: Form(z * Call("Phi", (z,))),
    "gelu_tanh": _gelu_tanh,
    "mish": _mish,
}

_SLOPES: dict[str, _Slope] = {
    "identity": lambda f, z, a: Form(_ONE),
    "sigmoid": lambda f, z, a: Form(a * (1 - a)),
    "tanh": lambda f, z, a: Form(1 - a**2),
    "relu": lambda f, z, a: _slope_by_side(_ONE, _ZERO, z),
    "leaky_relu": _leaky_relu_slope,
    "elu": _elu_slope,
    "selu": _selu_slope,
    "softplus": lambda f, z, a: Form(Call("sigmoid", (z,))),
    "exponential": lambda f, z, a: Form(a),
    "silu": _silu_slope,
    "gelu": _gelu_slope,
    "gelu_tanh": _gelu_tanh_slope,
    "mish": _mish_slope,
}
