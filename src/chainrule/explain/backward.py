"""Where the numbers of the backward pass come from: the errors layer by layer, and every derivative of the cost."""

from __future__ import annotations

from chainrule.explain.anatomy import Anatomy
from chainrule.explain.expressions import Call, Expr, Ref, sum_of
from chainrule.explain.forms.activations import jacobian, slope_form, softmax_slope_form
from chainrule.explain.forms.common import Form
from chainrule.explain.forms.loss_slopes import loss_slope_form, pair_slope_form
from chainrule.explain.forward import row_of, shared
from chainrule.explain.names import COST, Name, slope_of
from chainrule.explain.origins import Origin, View, largest, sum_of_products
from chainrule.formulas import Activation, Array
from chainrule.formulas.losses import cross_entropy_slope
from chainrule.language import Message, chained, template
from chainrule.network import BatchNorm, Dense, Dropout

__all__ = ["backward_origin", "slope_at"]


def backward_origin(body: Anatomy, name: Name, view: View) -> Origin:
    """Say where a derivative of the cost comes from.

    Args:
        body: the step's anatomy.
        name: ``delta``, dC by an input, an activation, a weighted sum or a parameter, or da by z of one layer.
        view: how much is shown.
    """
    if name.symbol == "delta":
        return _error(body, Name("z", name.layer, name.index, row=name.row), view)
    by = name.by
    assert by is not None
    assert name.of is not None
    if name.of != COST:
        return _local(body, name, name.of, by)
    if by.symbol in ("W", "b", "gamma", "beta"):
        return _parameter(body, name, by, view)
    if by.symbol == "u":
        return _error(body, by, view)
    return _arriving(body, name, by, view)


def _row(name: Name) -> int:
    return int(name.row or 0)


def slope_at(body: Anatomy, k: int, i: int, row: int) -> Form:
    """Give the slope of an elementwise activation where this example is."""
    layer = body.stages[k].layer
    assert not isinstance(layer, Dropout)
    return slope_form(layer.activation, body.ref(*body.sums(k), i, row=row), body.ref(*body.out(k), i, row=row))


def _local(body: Anatomy, name: Name, of: Name, by: Name) -> Origin:
    """The slope of an activation, da/dz, where this example is."""
    k, row = body.makers[of.symbol, of.layer], _row(of)
    i, j = int(of.index[0]), int(by.index[0])
    stage = body.stages[k]
    assert not isinstance(stage.layer, Dropout)
    assert stage.Z is not None
    activation = stage.layer.activation
    why = Message("The slope of the activation, {name}, at this weighted sum.", name=activation.name)
    if activation.pullback is None:
        form = slope_at(body, k, i, row)
        return Origin(Ref(name, form.value), (form.expr,), why, form.because)
    value = float(jacobian(activation, stage.Z[row], stage.A[row])[i, j])
    if activation.name != "softmax":
        return Origin(Ref(name, value), given=True)
    form = softmax_slope_form(row_of(body, (of.symbol, of.layer), row), i, j)
    return Origin(Ref(name, form.value), (form.expr,), why, form.because)


def _error(body: Anatomy, z: Name, view: View) -> Origin:
    """dC by a weighted sum: what arrives at the activation, times its slope."""
    key, i, row = (z.symbol, z.layer), int(z.index[0]), _row(z)
    k = body.makers[key]
    left = body.error(*key, i, row=row)
    layer = body.stages[k].layer
    assert not isinstance(layer, Dropout)
    last = k == len(body.stages) - 1
    if last and body.step.objective.pair is not None:
        return _paired(body, left, k, i, row)
    if layer.activation.pullback is not None:
        return _through_row(body, left, k, i, row, view)
    out = body.out(k)
    if out == key:  # a dense layer without an activation of its own, before a batch normalization
        return _arriving(body, left.name, z, view)
    slope = slope_at(body, k, i, row)
    local = Ref(slope_of(body.ref(*out, i, row=row).name, body.ref(*key, i, row=row).name), slope.expr.value)
    arriving = body.error(*out, i, row=row)
    chain = arriving * local
    if last:
        inner = _output_slope(body, k, i, row)
        why = Message("The error of an output (BP1): the slope of the loss times the slope of the activation.")
    else:
        inner = _arriving(body, arriving.name, _out_name(body, k, i, row), view)
        why = Message(
            "The error of the layer (BP2): what the next layer sends back through its weights, times the slope of the "
            "activation."
        )
    form = inner.forms[-1] * slope.expr
    because = chained(template("{first}; {next}"), [each for each in (slope.because, inner.because) if each])
    return Origin(left, (chain, form), why, because)


def _out_name(body: Anatomy, k: int, i: int, row: int) -> Name:
    return body.ref(*body.out(k), i, row=row).name


def _paired(body: Anatomy, left: Ref, k: int, i: int, row: int) -> Origin:
    model = body.step.model
    activation = model.network.output_activation
    z, a, y = (row_of(body, key, row) for key in (body.sums(k), body.out(k), ("y", None)))
    form = pair_slope_form(model.loss, activation, z, a, y, i)
    names = {"loss": model.loss.name, "activation": activation.name}
    pair = model.loss.pair_for(activation)
    if pair is not None and pair.slope is cross_entropy_slope:
        why = Message(
            "The error of an output (BP1). The slopes of {loss} and {activation} cancel but for this difference.",
            **names,
        )
    else:
        why = Message(
            "The error of an output (BP1): {loss} and {activation} are one function of the weighted sum; this is its "
            "slope.",
            **names,
        )
    return Origin(left, (shared(body, row, form.expr),), why, form.because)


def _output_slope(body: Anatomy, k: int, i: int, row: int) -> Origin:
    """dC/da of an output: the slope of the loss, with the row's share of the cost."""
    left = body.error(*body.out(k), i, row=row)
    a, y = row_of(body, body.out(k), row), row_of(body, ("y", None), row)
    form = loss_slope_form(body.step.model.loss, a, y, i)
    why = Message("The slope of the loss, {name}, at this output.", name=body.step.model.loss.name)
    return Origin(left, (shared(body, row, form.expr),), why, form.because)


def _through_row(body: Anatomy, left: Ref, k: int, i: int, row: int, view: View) -> Origin:
    """dC/dz where every activation of the layer depends on every weighted sum, as in softmax."""
    stage, out = body.stages[k], body.out(k)
    assert not isinstance(stage.layer, Dropout)
    assert stage.Z is not None
    activation = stage.layer.activation
    slopes = _column(activation, stage.Z[row], stage.A[row], i)
    z = body.ref(*body.sums(k), i, row=row)

    def pair(j: int) -> tuple[Expr, Expr]:
        a = body.ref(*out, j, row=row)
        return body.error(*out, j, row=row), Ref(slope_of(a.name, z.name), float(slopes[j]))

    forms = sum_of_products(body.backward[out][row], slopes, pair, View(view.most))
    if activation.name == "softmax":
        places, rest = largest(body.backward[out][row] * slopes, view.most)
        a = row_of(body, out, row)
        terms = [body.error(*out, j, row=row) * softmax_slope_form(a, j, i).expr for j in places]
        forms = (*forms, sum_of([*terms, *([rest] if rest else [])]))
    why = Message(
        "Each weighted sum moves every output of {name}, so the error adds up over all of them.", name=activation.name
    )
    return Origin(left, forms, why)


def _column(activation: Activation, z: Array, a: Array, i: int) -> Array:
    """Give da_k/dz_i of every output k; of a wide softmax without its whole Jacobian."""
    if activation.name != "softmax":
        column: Array = jacobian(activation, z, a)[:, i]
        return column
    slopes = -a * a[i]
    slopes[i] += a[i]
    return slopes


def _arriving(body: Anatomy, name: Name, number: Name, view: View) -> Origin:
    """dC by what a layer takes in: from the weights, the mask or the normalization of the layer behind it."""
    key, i, row = (number.symbol, number.layer), int(number.index[0]), _row(number)
    left = body.error(*key, i, row=row)
    if key[0] == "zhat":
        l = key[1]
        form = body.error("z", l, i, row=row) * body.ref("gamma", l, i)
        return Origin(left, (form,), Message("The normalized number is scaled by gamma on its way."))
    k = next((k for k in range(body.makers[key] + 1, len(body.stages)) if _acts(body, k)), None)
    if k is None:
        return _output_slope(body, body.makers[key], i, row)
    layer = body.stages[k].layer
    if isinstance(layer, Dense):
        return _through_weights(body, left, k, i, row, view)
    if isinstance(layer, Dropout):
        l = body.stages[k].l
        form = body.error("drop", l, i, row=row) * body.ref("mask", l, i, row=row)
        return Origin(left, (form,), Message("What dropout did to the activation, it does to its error."))
    return _through_normalization(body, left, k, i, row)


def _acts(body: Anatomy, k: int) -> bool:
    return not isinstance(body.stages[k].layer, Dropout) or body.stages[k].factors is not None


def _through_weights(body: Anatomy, left: Ref, k: int, i: int, row: int, view: View) -> Origin:
    stage, (symbol, l) = body.stages[k], body.sums(k)
    assert stage.D is not None
    assert l is not None
    errors = body.error(symbol, l, 0, row=row).name  # with the index taken out: the row of errors
    forms = sum_of_products(
        stage.D[row],
        body.step.model.parameters.W[l][:, i],
        lambda j: (body.error(symbol, l, j, row=row), body.ref("W", l, j, i)),
        view,
        rows=None if errors.symbol != "delta" else (Name("delta", l, row=errors.row), Name("W", l, (":", i))),
        index="k",
        symbolic=None if errors.symbol != "delta" else Ref(errors.at("k")) * Ref(Name("W", l, ("k", i))),
    )
    why = Message(
        "What comes back: the error of every neuron that this number leads to, times the weight on the way, added up."
    )
    return Origin(left, forms, why)


def _through_normalization(body: Anatomy, left: Ref, k: int, i: int, row: int) -> Origin:
    """dC/du through batch normalization: the batch's mean and deviation depend on every row, which takes off two means.

    dC/du = gamma / deviation * (D - share * (sum of D + zhat * sum of D zhat)).
    """
    stage = body.stages[k]
    assert isinstance(stage.layer, BatchNorm)
    l = stage.l
    epsilon = Ref(Name("epsilon"), stage.layer.epsilon)
    scale = body.ref("gamma", l, i) / Call("sqrt", (body.ref("var", l, i) + epsilon,))
    error = body.error("z", l, i, row=row)
    if not stage.of_batch:
        why = Message("Back through the normalization, whose running statistics are fixed numbers here.")
        return Origin(left, (scale * error,), why)
    gradient = body.step.gradient
    assert gradient is not None
    dbeta, dgamma = (
        Ref(slope_of(COST, Name(kind, l, (i,))), float(getattr(gradient, kind)[l][i])) for kind in ("beta", "gamma")
    )
    zhat = body.ref("zhat", l, i, row=row)
    form = scale * (error - shared(body, row, dbeta + zhat * dgamma))
    why = Message(
        "Back through the normalization: the batch's mean and deviation depend on this row too, which takes off two "
        "means."
    )
    alone = Message("a row that is alone is its own mean: the normalization gives 0 whatever comes in")
    return Origin(left, (form,), why, alone if body.step.m == 1 else "")


def _parameter(body: Anatomy, name: Name, by: Name, view: View) -> Origin:
    """dC by a parameter: the rows' errors times what the parameter multiplies, added up (BP3, BP4)."""
    step, l = body.step, by.layer
    assert step.gradient is not None
    assert l is not None
    index = tuple(int(part) for part in by.index)
    if by.symbol in ("W", "b"):
        k = next(k for k, stage in enumerate(body.stages) if stage.l == l and isinstance(stage.layer, Dense))
    else:
        k = body.makers["zhat", l]
    stage = body.stages[k]
    if by.symbol == "b" and isinstance(stage.layer, Dense) and stage.layer.bias == "layer":
        return _shared_bias(body, name, k, view)
    i = index[0]
    assert stage.D is not None
    other = {"W": body.out(k - 1), "gamma": ("zhat", l)}.get(by.symbol)
    j = index[1] if by.symbol == "W" else i
    values = stage.D[:, i] * (1.0 if other is None else body.forward[other][:, j])
    places, rest = largest(values, view.most)

    def term(r: int) -> Expr:
        error = body.error(*body.sums(k), i, row=r)
        return error if other is None else error * body.ref(*other, j, row=r)

    spelled = sum_of([*map(term, places), *([rest] if rest else [])])
    held = isinstance(stage.layer, Dense) and stage.layer.bias == "fixed" and by.symbol == "b"
    # The engine leaves out what no update follows; the cost depends on it all the same.
    value = float(values.sum()) if held else float(getattr(step.gradient, by.symbol)[l][index])
    because = Message("this bias is held fixed: no update follows it") if held else ""
    return Origin(Ref(name, value), (spelled,), _why(by.symbol, step.m), because)


def _why(symbol: str, m: int) -> Message:
    """Say what the derivative by a parameter is, for one row or for several."""
    return {
        ("W", False): Message("The derivative by a weight (BP4): the error at its end times what goes into it."),
        ("W", True): Message(
            "The derivative by a weight (BP4): for each row the error at its end times what goes into it, added up."
        ),
        ("b", False): Message("The derivative by a bias (BP3) is the error of its neuron."),
        ("b", True): Message("The derivative by a bias (BP3): the errors of its neuron, added up over the rows."),
        ("gamma", False): Message("The derivative by a scale: the error times the normalized number."),
        ("gamma", True): Message("The derivative by a scale: for each row the error times the normalized number."),
        ("beta", False): Message("The derivative by a shift is the error."),
        ("beta", True): Message("The derivative by a shift: the errors of all rows, added up."),
    }[symbol, m > 1]


def _shared_bias(body: Anatomy, name: Name, k: int, view: View) -> Origin:
    """The derivative by a bias that a whole layer shares."""
    D, gradient = body.stages[k].D, body.step.gradient
    assert D is not None
    assert gradient is not None
    left = Ref(name, float(gradient.b[body.stages[k].l][0]))
    places, rest = largest(D.ravel(), view.most)
    terms = [body.error(*body.sums(k), int(at % D.shape[1]), row=int(at // D.shape[1])) for at in places]
    why = Message("One bias serves the whole layer: the errors of all its neurons, in all rows, add up (BP3).")
    return Origin(left, (sum_of([*terms, *([rest] if rest else [])]),), why)
