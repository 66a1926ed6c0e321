"""How a teacher writes the loss of one example, and what each output adds to it.

Cross-entropies are written with the outputs a. Where a is so near to 0 or 1 that its logarithm would lose digits, they
are written with the weighted sums z, from which the engines compute them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from chainrule.explain.expressions import Call, Expr, Number, Ref, sum_of
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
from chainrule.formulas import Activation, Array, Loss
from chainrule.language import Message

__all__ = ["beyond", "divided", "loss_form", "loss_part_form", "within"]

# A logarithm that is off by more, relative to itself, is written in another way.
_CLOSE = 1e-12
# Beyond, e^z may be more than a float holds.
_FAR = 700.0


@dataclass(frozen=True)
class _Output:
    """All about one output that its part of a loss is made of; a mean is not yet divided."""

    loss: Loss
    activation: Activation
    z: Ref
    a: Ref
    y: Ref

    @property
    def e(self) -> Expr:
        return self.a - self.y

    @property
    def exact(self) -> float:
        """What a loss of this output alone comes to, by the catalogue."""
        z, a, y = (np.array([each.value]) for each in (self.z, self.a, self.y))
        return float(_parts(self.loss, self.activation, z, a, y)[0])


def loss_form(loss: Loss, activation: Activation, z: Row, a: Row, y: Row, most: int = 8) -> Form:
    """Write the loss of one example, spelled out over its outputs.

    Args:
        loss: the loss.
        activation: the output activation.
        z: the weighted sums of the output layer.
        a: its outputs.
        y: the targets.
        most: how many outputs are spelled out at most; a `Rest` stands for the others.

    Returns:
        A `Form`; its value is that of the loss.

    >>> from chainrule.explain.names import Name
    >>> from chainrule.formulas import ACTIVATIONS, LOSSES
    >>> z, y = Row(Name("z", 2), np.array([0.5, 2.0])), Row(Name("y"), np.array([0.0, 1.0]))
    >>> loss_form(LOSSES["squared_error"], ACTIVATIONS["identity"], z, Row(Name("a", 2), z.values), y).value
    1.25
    """
    if not is_taught(loss) or loss.name not in _PARTS | _WHOLE:
        return _own_loss(loss, activation, z, a, y, most)
    if loss.name in _WHOLE:
        return _WHOLE[loss.name](loss, activation, z, a, y, most)
    values = _parts(loss, activation, z.values, a.values, y.values)
    shown = largest(values, most)
    forms = [_PARTS[loss.name](_Output(loss, activation, z[k], a[k], y[k])) for k in shown]
    expr = with_rest([form.expr for form in forms], values, shown)
    remarks = [form.because for form in forms if form.because]
    because = remarks[0] if len(remarks) == 1 else _of_several(loss) if remarks else ""
    return Form(divided(loss, expr, len(a)), because)


def loss_part_form(loss: Loss, activation: Activation, z: Row, a: Row, y: Row, k: int, most: int = 8) -> Form | None:
    """Write what output k adds to the loss of its example; the 1/N of a mean is in it.

    Args:
        loss: the loss.
        activation: the output activation.
        z: the weighted sums of the output layer.
        a: its outputs.
        y: the targets.
        k: which output.
        most: how many terms of a sum within are spelled out at most.

    Returns:
        A `Form`, or None for a loss that is no sum over outputs, or is not known to be one.

    >>> from chainrule.explain.names import Name
    >>> from chainrule.formulas import ACTIVATIONS, LOSSES
    >>> a, y = Row(Name("a", 2), np.array([0.5, 2.0])), Row(Name("y"), np.array([0.0, 1.0]))
    >>> loss_part_form(LOSSES["mean_squared_error"], ACTIVATIONS["identity"], a, a, y, 1).value
    0.5
    """
    if not is_taught(loss):
        return None
    if loss.name == "categorical_cross_entropy":
        return _categorical_part(loss, activation, z, a, y, k, most)
    if loss.name not in _PARTS:
        return None
    form = _PARTS[loss.name](_Output(loss, activation, z[k], a[k], y[k]))
    return Form(divided(loss, form.expr, len(a)), form.because)


def _parts(loss: Loss, activation: Activation, z: Array, a: Array, y: Array) -> Array:
    """Give the loss of each output alone, by the catalogue: each counts as an example with one output."""
    pair = loss.pair_for(activation)
    with np.errstate(all="ignore"):
        return loss.bound(pair.value if pair else loss.value)((z if pair else a)[:, None], y[:, None])


def _own_loss(loss: Loss, activation: Activation, z: Row, a: Row, y: Row, most: int) -> Form:
    pair = loss.pair_for(activation)
    given, value = (z, pair.value) if pair else (a, loss.value)
    args = (*given.entries(most), *y.entries(most))
    return own(loss.name, args, lambda: loss.bound(value)(given.values[None], y.values[None])[0])


def divided(loss: Loss, expr: Expr, N: int) -> Expr:
    """Divide by the number of outputs what belongs to a mean over them."""
    return expr / N if loss.name in _MEANS and N > 1 else expr


def _close(value: float, exact: float, size: float | None = None) -> bool:
    return abs(value - exact) <= _CLOSE * abs(exact if size is None else size)


# What one output adds.


def _huber(o: _Output) -> Form:
    delta = parameter(o.loss, "delta", "limit")
    if abs(o.e.value) <= delta.value:
        return Form(HALF * o.e**2, within(o.a, o.y, delta))
    return Form(delta * (Call("abs", (o.e,)) - HALF * delta), beyond(o.a, o.y, delta))


def within(a: Ref, y: Ref, delta: Ref) -> str:
    """Say that an error is in the squared middle of Huber's loss."""
    return Message("{a} and {y} differ by {delta} at most", a=a.name, y=y.name, delta=delta.name)


def beyond(a: Ref, y: Ref, delta: Ref) -> str:
    """Say that an error is in a straight arm of Huber's loss."""
    return Message("{a} and {y} differ by more than {delta}", a=a.name, y=y.name, delta=delta.name)


def _binary(o: _Output) -> Form:
    terms: list[Expr] = []
    logits: list[Expr] = []
    if o.y.value != 0:
        terms.append(o.y * Call("ln", (o.a,)))
        logits.append(o.y * _ln_of_1_plus_exp(-o.z, o.z))
    if o.y.value != 1:
        terms.append((1 - o.y) * Call("ln", (1 - o.a,)))
        logits.append((1 - o.y) * _ln_of_1_plus_exp(o.z, -o.z))
    taught = -sum_of(terms)
    if _close(taught.value, o.exact):
        return Form(taught)
    return Form(sum_of(logits), _near(o.a, o.z))


def _near(a: Ref, z: Ref) -> str:
    """Say kindly why a logarithm is not written with the output."""
    fields = {"a": a.name, "z": z.name}
    if a.value > 0.5:
        return Message("{a} is so near to 1 that logarithms would lose digits; {z} keeps them", **fields)
    return Message("{a} is so near to 0 that logarithms would lose digits; {z} keeps them", **fields)


def _ln_of_1_plus_exp(x: Expr, minus_x: Expr) -> Expr:
    return ln_of_1_plus(exp(x)) if x.value < _FAR else sum_of([x, ln_of_1_plus(exp(minus_x))])


def _poisson(o: _Output) -> Form:
    if o.y.value == 0:
        return Form(o.a)
    if o.activation.name == "exponential":
        return Form(
            o.a - o.y * o.z, Message("{a} is e to the power of {z}, so its logarithm is {z}", a=o.a.name, z=o.z.name)
        )
    ln = o.y * Call("ln", (o.a,))
    exact = o.exact
    if _close(o.a.value - ln.value, exact, o.a.value + abs(exact)):  # the terms may cancel
        return Form(o.a - ln)
    alike = Message("{a} is so near to 0 that its logarithm is {z}, to the last digit", a=o.a.name, z=o.z.name)
    return Form(o.a - o.y * o.z, alike)


_PARTS: dict[str, Callable[[_Output], Form]] = {
    "half_squared_error": lambda o: Form(HALF * o.e**2),
    "squared_error": lambda o: Form(o.e**2),
    "mean_squared_error": lambda o: Form(o.e**2),
    "absolute_error": lambda o: Form(Call("abs", (o.e,))),
    "huber": _huber,
    "binary_cross_entropy": _binary,
    "poisson": _poisson,
}
_MEANS = {"mean_squared_error", "absolute_error", "huber"}


def _of_several(loss: Loss) -> str:
    """Say what holds where several outputs have remarks."""
    match loss.name:
        case "huber":
            return Message("differences up to the limit count by half their square, larger ones by their size")
        case "poisson":
            return Message("z stands for the logarithm of an output where they are the same")
        case _:
            return Message("where an output is so near to 0 or 1 that logarithms would lose digits, z stands for it")


# Losses that are taken as a whole.


def _distance(loss: Loss, activation: Activation, z: Row, a: Row, y: Row, most: int) -> Form:
    e = a.values - y.values
    size = float(np.max(np.abs(e)))
    if size and not 1e-150 < size < 1e150:  # squares would vanish or overflow
        return _own_loss(loss, activation, z, a, y, most)
    shown = largest(e, most)
    return Form(Call("sqrt", (with_rest([(a[k] - y[k]) ** 2 for k in shown], e * e, shown),)))


def _categorical(loss: Loss, activation: Activation, z: Row, a: Row, y: Row, most: int) -> Form:
    """-sum of y ln a, or ln(sum of e^(z_k - z_max)) + sum of y (z_max - z)."""
    counts = np.flatnonzero(y.values)
    with np.errstate(all="ignore"):
        terms = y.values[counts] * np.log(a.values[counts])
        exact = float(loss.value(z.values[None], y.values[None])[0])
    if _close(-float(np.sum(terms)), exact):
        shown = largest(terms, most)
        written = [y[k] * Call("ln", (a[k],)) for k in counts[shown]]
        return Form(-with_rest(written, terms, shown))
    top, ln = _ln_of_sum(z, most)
    counts = counts[counts != top]
    gaps = y.values[counts] * (z.values[top] - z.values[counts])
    shown = largest(gaps, most)
    written = [y[k] * (z[top] - z[k]) for k in counts[shown]]
    expr = sum_of([with_rest(written, gaps, shown), ln]) if len(counts) else ln
    return Form(
        expr, Message("written with z, from which no digit is lost, since logarithms of these outputs lose some")
    )


def _categorical_part(loss: Loss, activation: Activation, z: Row, a: Row, y: Row, k: int, most: int) -> Form:
    if y[k].value == 0:
        return Form(Number(0), Message("{y} is 0", y=y[k].name))
    with np.errstate(all="ignore"):
        exact = y[k].value * float(loss.value(z.values[None], np.eye(1, len(z), k))[0])
    taught = -(y[k] * Call("ln", (a[k],)))
    if _close(taught.value, exact):
        return Form(taught)
    top, ln = _ln_of_sum(z, most)
    return Form(y[k] * (ln if k == top else z[top] - z[k] + ln), _near(a[k], z[k]))


def _ln_of_sum(z: Row, most: int) -> tuple[int, Expr]:
    """Write ln(sum of e^(z_k - z_top)), whose term for k = top is 1; give top, where the largest z stands, and it."""
    top = int(np.argmax(z.values))
    others = np.delete(np.arange(len(z)), top)
    e = np.exp(z.values[others] - z.values[top])
    shown = largest(e, most)
    written = [exp(z[k] - z[top]) for k in others[shown]]
    return top, ln_of_1_plus(*([with_rest(written, e, shown)] if len(others) else []))


_WHOLE: dict[str, Callable[[Loss, Activation, Row, Row, Row, int], Form]] = {
    "euclidean_distance": _distance,
    "categorical_cross_entropy": _categorical,
}
