"""Where the numbers of the forward pass come from: weighted sums, activations, normalization, dropout, loss, cost."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from chainrule.errors import UsageError
from chainrule.explain.anatomy import Anatomy
from chainrule.explain.expressions import Call, Expr, Number, Ref, Rest, sum_of
from chainrule.explain.forms.activations import activation_form
from chainrule.explain.forms.common import Row
from chainrule.explain.forms.losses import loss_form, loss_part_form
from chainrule.explain.names import COST, Name
from chainrule.explain.origins import Origin, View, largest, sum_of_products
from chainrule.formulas import Array
from chainrule.language import Message
from chainrule.network import BatchNorm, Dense, Dropout

__all__ = ["forward_origin", "has_parts", "mean_of", "row_of", "shared"]


def forward_origin(body: Anatomy, name: Name, view: View) -> Origin:
    """Say where a number of the forward pass comes from.

    Args:
        body: the step's anatomy.
        name: a number of the forward pass, a statistic, a loss or the cost.
        view: how much is shown.
    """
    if name.symbol == "C":
        return _cost(body, view)
    if name.symbol == "L":
        return _loss(body, name, view)
    if name.symbol in ("mean", "var"):
        return _statistic(body, name, view)
    if name.symbol == "share":
        return _share(body, name)
    i = int(name.index[0])
    left = body.ref(name.symbol, name.layer, i, row=_row(name))
    k = body.makers.get((name.symbol, name.layer), -1)
    if k < 0:
        return Origin(left, given=True)
    stage = body.stages[k]
    if name.symbol in ("u", "z") and isinstance(stage.layer, Dense):
        return _weighted_sum(body, left, k, view)
    if name.symbol == "z":
        return _rescaled(body, left, k)
    if name.symbol == "zhat":
        return _normalized(body, left, k)
    if name.symbol == "mask":
        return _mask(left, stage.layer)
    if name.symbol == "drop":
        return _dropped(body, left, k)
    return _activation(body, left, k, view)


def _row(name: Name) -> int:
    return int(name.row or 0)


def row_of(body: Anatomy, key: tuple[str, int | None], row: int) -> Row:
    """Give one example's row of an array, for the forms that need several entries of it."""
    return Row(body.named(Name(*key), row), body.forward[key][row])


def _weighted_sum(body: Anatomy, left: Ref, k: int, view: View) -> Origin:
    stage, (i,), row = body.stages[k], left.name.index, _row(left.name)
    l, before = stage.l, body.out(k - 1)
    W = body.step.model.parameters.W[l][i]
    b = body.step.model.parameters.b[l]
    source = Name(*before)
    forms = sum_of_products(
        W,
        stage.before[row],
        lambda j: (body.ref("W", l, int(i), j), body.ref(*before, j, row=row)),
        view,
        rows=(Name("W", l, (i, ":")), body.named(source, row)),
        symbolic=Ref(Name("W", l, (i, "j"))) * Ref(body.named(source.at("j"), row)),
        plus=() if b is None else (body.ref("b", l, int(i)),),
    )
    if b is None:
        why = Message("The weighted sum of what comes in: every input times the weight of its connection.")
    else:
        why = Message("The weighted sum of what comes in: every input times its weight, and the bias.")
    return Origin(left, forms, why)


def _activation(body: Anatomy, left: Ref, k: int, view: View) -> Origin:
    stage, row = body.stages[k], _row(left.name)
    assert not isinstance(stage.layer, Dropout)
    form = activation_form(stage.layer.activation, row_of(body, body.sums(k), row), int(left.name.index[0]), view.most)
    why = Message("The activation, {name}, of the weighted sum.", name=stage.layer.activation.name)
    return Origin(left, (form.expr,), why, form.because)


def _normalized(body: Anatomy, left: Ref, k: int) -> Origin:
    stage, i, row = body.stages[k], int(left.name.index[0]), _row(left.name)
    assert isinstance(stage.layer, BatchNorm)
    l = stage.l
    centred = body.ref(*body.out(k - 1), i, row=row) - body.ref("mean", l, i)
    epsilon = Ref(Name("epsilon"), stage.layer.epsilon)
    deviation = Call("sqrt", (body.ref("var", l, i) + epsilon,))
    if stage.of_batch:
        why = Message("Normalized: less the mean of the batch, divided by its deviation.")
    else:
        why = Message("Normalized with the running mean and variance, which training has kept.")
    return Origin(left, (centred / deviation,), why)


def _rescaled(body: Anatomy, left: Ref, k: int) -> Origin:
    l, i = body.stages[k].l, int(left.name.index[0])
    zhat = body.ref("zhat", l, i, row=_row(left.name))
    form = body.ref("gamma", l, i) * zhat + body.ref("beta", l, i)
    return Origin(left, (form,), Message("Scaled and shifted by the two numbers that the normalization learns."))


def _statistic(body: Anatomy, name: Name, view: View) -> Origin:
    """Mean or variance of a batch; the running ones are given."""
    i, (symbol, l) = int(name.index[0]), (name.symbol, name.layer)
    left = body.ref(symbol, l, i)
    k = body.makers["zhat", l]
    stage = body.stages[k]
    if not stage.of_batch:
        return Origin(left, given=True)
    before = body.out(k - 1)
    column = stage.before[:, i]
    mean = body.ref("mean", l, i)
    values = column if symbol == "mean" else (column - mean.value) ** 2

    def term(r: int) -> Expr:
        number = body.ref(*before, i, row=r)
        return number if symbol == "mean" else (number - mean) ** 2

    form = mean_of(body, values, term, view.most)
    why = (
        Message("The mean over the batch, each row with its share.")
        if symbol == "mean"
        else Message("The variance over the batch: the mean of the squared distances from the mean.")
    )
    return Origin(left, (form,), why)


def _mask(left: Ref, layer: object) -> Origin:
    assert isinstance(layer, Dropout)
    if left.value == 0:
        return Origin(left, (Number(0.0),), "", Message("dropout has drawn this neuron: it sits this step out"))
    rate = Ref(Name("rate"), layer.rate)
    because = Message("dropout kept this neuron, and makes up for those that it drops")
    return Origin(left, (1 / (1 - rate),), "", because)


def _dropped(body: Anatomy, left: Ref, k: int) -> Origin:
    l, i, row = body.stages[k].l, int(left.name.index[0]), _row(left.name)
    form = body.ref("mask", l, i, row=row) * body.ref(*body.out(k - 1), i, row=row)
    return Origin(left, (form,), Message("What dropout leaves of the activation."))


def shared(body: Anatomy, r: int, what: Expr) -> Expr:
    """Give what a row adds to a mean over the batch: divided by m, or times the row's share where rows have weights."""
    if body.step.weights is not None:
        return _share_of(body, r) * what
    return what if body.step.m == 1 else what / Ref(Name("m"), float(body.step.m))


def _share_of(body: Anatomy, r: int) -> Ref:
    """Give a weighted row's share of the cost as a leaf."""
    return Ref(Name("share", row=r if body.step.m > 1 else None), float(body.step.share[r]))


def mean_of(body: Anatomy, values: Array, term: Callable[[int], Expr], most: int) -> Expr:
    """Write a mean over the rows of the batch, weighted where they have weights.

    Args:
        body: the step's anatomy.
        values: what the mean is of, shape (m,).
        term: the value of a row as an expression.
        most: how many rows are shown at most.
    """
    step = body.step
    places, rest = largest(step.share * values, most)
    if step.weights is not None:
        return sum_of([*(_share_of(body, r) * term(r) for r in places), *([rest] if rest else [])])
    if rest is not None:
        others = np.delete(values, places)
        rest = Rest(rest.count, float(others.sum()))
    return shared(body, 0, sum_of([*(term(r) for r in places), *([rest] if rest else [])]))


def _share(body: Anatomy, name: Name) -> Origin:
    step = body.step
    left = Ref(name, float(step.share[_row(name)]))
    weights = np.ones(step.m) if step.weights is None else step.weights
    total = float(weights.sum())
    if not total:
        return Origin(left, (Number(0.0),), "", Message("all weights are 0"))
    form = Number(float(weights[_row(name)])) / Number(total)
    return Origin(left, (form,), Message("The row's share of the cost: its weight over the sum of all weights."))


def _loss(body: Anatomy, name: Name, view: View) -> Origin:
    step, row = body.step, _row(name)
    assert step.losses is not None
    z, a, y = _outputs(body, row)
    loss, activation = step.model.loss, step.model.network.output_activation
    if not name.index:
        form = loss_form(loss, activation, z, a, y, view.most)
        why = Message("The loss of the example, {name}: how far the outputs are from the targets.", name=loss.name)
        return Origin(Ref(name, float(step.losses[row])), (form.expr,), why, form.because)
    part = loss_part_form(loss, activation, z, a, y, int(name.index[0]))
    if part is None:
        raise UsageError(
            "the loss {loss} is no sum over outputs, so no output has a part of its own; ask for L", loss=loss.name
        )
    return Origin(Ref(name, part.value), (part.expr,), Message("What this output adds to the loss."), part.because)


def has_parts(body: Anatomy) -> bool:
    """Whether the loss is a sum over several outputs."""
    model = body.step.model
    z, a, y = _outputs(body, 0)
    return len(a) > 1 and loss_part_form(model.loss, model.network.output_activation, z, a, y, 0) is not None


def _outputs(body: Anatomy, row: int) -> tuple[Row, Row, Row]:
    """Give an example's logits, outputs and targets."""
    last = len(body.stages) - 1
    z, a, y = (row_of(body, key, row) for key in (body.sums(last), body.out(last), ("y", None)))
    return z, a, y


def _cost(body: Anatomy, view: View) -> Origin:
    step = body.step
    assert step.losses is not None
    assert step.cost is not None
    left = Ref(COST, step.cost)
    losses = step.losses

    def loss(r: int) -> Expr:
        return Ref(body.named(Name("L"), r), float(losses[r]))

    if step.m == 1:
        return Origin(left, (shared(body, 0, loss(0)),), Message("With one example the cost is its loss."))
    form = mean_of(body, losses, loss, view.most)
    if step.weights is None:
        return Origin(left, (form,), Message("The cost is the mean of the losses of the {m} rows.", m=step.m))
    return Origin(left, (form,), Message("The cost is the weighted mean of the losses of the {m} rows.", m=step.m))
