"""How a teacher writes the slopes of a loss: by an output, and by the weighted sum behind it where the two cancel."""

from __future__ import annotations

from collections.abc import Callable

from chainrule.explain.expressions import Call, Number, Ref
from chainrule.explain.forms.common import Form, Row, is_taught, own, parameter
from chainrule.explain.forms.losses import beyond, divided, within
from chainrule.explain.names import Name
from chainrule.formulas import Activation, Loss
from chainrule.formulas.losses import cross_entropy_slope
from chainrule.language import Message

__all__ = ["loss_slope_form", "pair_slope_form"]


def loss_slope_form(loss: Loss, a: Row, y: Row, k: int, most: int = 8) -> Form:
    """Write dL/da_k.

    Args:
        loss: one that has a slope by its outputs; for the others there is `pair_slope_form`.
        a: outputs.
        y: targets.
        k: by which output.
        most: how many outputs a loss of one's own is written with, one by one.

    >>> from chainrule.formulas import LOSSES
    >>> import numpy as np
    >>> a, y = Row(Name("a", 2), np.array([0.75, 0.5])), Row(Name("y"), np.array([0.25, 1.0]))
    >>> loss_slope_form(LOSSES["half_squared_error"], a, y, 0).value
    0.5
    """
    if is_taught(loss) and loss.name in _SLOPES:
        return _SLOPES[loss.name](loss, a, y, k)
    slope = loss.slope
    assert slope is not None, "a loss without slope has pairs"
    args = (*a.entries(most), *y.entries(most))
    return own(loss.name + "'", args, lambda: loss.bound(slope)(a.values[None], y.values[None])[0, k])


def pair_slope_form(loss: Loss, activation: Activation, z: Row, a: Row, y: Row, k: int, most: int = 8) -> Form:
    """Write dL/dz_k of a loss and the output activation that it belongs to, such as a - y.

    Args:
        loss: the loss.
        activation: the output activation; ``loss.pair_for`` knows it.
        z: the weighted sums of the output layer.
        a: its outputs.
        y: the targets.
        k: by which weighted sum.
        most: how many outputs a loss of one's own is written with, one by one.

    >>> import numpy as np
    >>> from chainrule.formulas import ACTIVATIONS, LOSSES
    >>> z, a, y = (Row(Name(s), np.array([v])) for s, v in [("z", 0.0), ("a", 0.5), ("y", 1.0)])
    >>> pair_slope_form(LOSSES["binary_cross_entropy"], ACTIVATIONS["sigmoid"], z, a, y, 0).value
    -0.5
    """
    if not is_taught(loss):
        pair = loss.pairs[activation.name]
        args = (*z.entries(most), *y.entries(most))
        return own(
            loss.name + "'", args, lambda: loss.bound(pair.slope)(z.values[None], a.values[None], y.values[None])[0, k]
        )
    if loss.pairs[activation.name].slope is cross_entropy_slope:
        return Form(a[k] - y[k])
    slope = Call("sigmoid", (z[k],))
    if z[k].value < -40:
        alike = Message("{z} is so far below 0 that sigmoid({z}) and {a} are the same", z=z[k].name, a=a[k].name)
        return Form(slope - y[k], alike)
    return Form(slope * (1 - y[k] / a[k]))


def _distance_slope(loss: Loss, a: Row, y: Row, k: int) -> Form:
    distance = float(loss.value(a.values[None], y.values[None])[0])
    if not distance:
        return Form(Number(0), Message("outputs and targets are the same, where no derivative exists; 0 by convention"))
    return Form((a[k] - y[k]) / Ref(Name("L", row=a.name.row), distance))


def _absolute_slope(loss: Loss, a: Row, y: Row, k: int) -> Form:
    e = a[k] - y[k]
    equal = Message(
        "{a} equals {y}, where no derivative exists; by convention the slope there is 0", a=a[k].name, y=y[k].name
    )
    return Form(divided(loss, Call("sign", (e,)), len(a)), "" if e.value else equal)


def _huber_slope(loss: Loss, a: Row, y: Row, k: int) -> Form:
    e, delta = a[k] - y[k], parameter(loss, "delta", "limit")
    if abs(e.value) <= delta.value:
        return Form(divided(loss, e, len(a)), within(a[k], y[k], delta))
    return Form(divided(loss, delta if e.value > 0 else -delta, len(a)), beyond(a[k], y[k], delta))


_SLOPES: dict[str, Callable[[Loss, Row, Row, int], Form]] = {
    "half_squared_error": lambda loss, a, y, k: Form(a[k] - y[k]),
    "squared_error": lambda loss, a, y, k: Form(2 * (a[k] - y[k])),
    "mean_squared_error": lambda loss, a, y, k: Form(divided(loss, 2 * (a[k] - y[k]), len(a))),
    "euclidean_distance": _distance_slope,
    "absolute_error": _absolute_slope,
    "huber": _huber_slope,
}
