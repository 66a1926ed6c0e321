"""Every formula of the catalogue has a form of its own, and what the form says is what the formula computes."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from mpmath import mp

from chainrule.errors import UsageError
from chainrule.explain.expressions import Call, Expr, Ref, Rest, Sum, children, leaves
from chainrule.explain.forms.activations import activation_form, jacobian, slope_form, softmax_slope_form
from chainrule.explain.forms.common import Form, Row
from chainrule.explain.forms.loss_slopes import loss_slope_form, pair_slope_form
from chainrule.explain.forms.losses import loss_form, loss_part_form
from chainrule.explain.names import Name
from chainrule.formulas import (
    ACTIVATIONS,
    LOSSES,
    Activation,
    Loss,
    Pair,
    register,
)

TOLERANCE = 1e-12
KINKS = [0.0, -0.0, 1.0, -1.0, 5e-324, -1e-300, 1e-9, -1e-9, 9.3, -9.3, 36.8, 40.0, -40.0, -40.000001]
FAR = [45.0, -45.0, 699.9, 700.1, -700.1, 709.5, 720.0, -720.0, -744.0, 1000.0, -1000.0, 1e5, -1e5]

usual = st.one_of(st.sampled_from(KINKS), st.floats(-40, 40), st.floats(-1, 1))
anywhere = st.one_of(usual, st.sampled_from(FAR), st.floats(-1e4, 1e4))

ELEMENTWISE = [name for name, each in ACTIVATIONS.items() if each.pullback is None]
SLOPED = [name for name in ELEMENTWISE if ACTIVATIONS[name].trainable]
# With parameters that are not those of the catalogue, where a formula has some.
OTHERS = {"alpha": 0.3, "delta": 0.4, "strength": 0.7, "limit": 2.0}


def varied(record):
    return record.with_parameters(**{name: OTHERS[name] for name in record.parameters})


def row(symbol: str, *values: float) -> Row:
    return Row(Name(symbol, 1), np.array(values, dtype=float))


def calls(expr: Expr) -> Iterator[str]:
    if isinstance(expr, Call):
        yield expr.function
    for each in children(expr):
        yield from calls(each)


@np.errstate(all="ignore")
def quiet(function, *given):
    return function(*given)


def assert_same(form: Form, true: float, *sizes: float) -> None:
    """The value is the formula's, up to rounding of the terms, whose sizes are given where they may cancel."""
    assert math.isfinite(true), "only finite numbers are asked for"
    assert abs(form.value - true) <= TOLERANCE * max(abs(true), *map(abs, sizes), 0.0), (form, true)


# Activations


@pytest.mark.parametrize("name", ELEMENTWISE)
@given(z=anywhere)
def test_activation(name: str, z: float) -> None:
    f = varied(ACTIVATIONS[name])
    true = float(quiet(f.f, np.array([[z]]))[0, 0])
    if math.isinf(true):
        assert name == "exponential"
        assert activation_form(f, row("z", z), 0).value == true
        return
    cancelling = {"elu", "selu", "gelu_tanh"}  # e^z - 1 beside 1, and 1 + tanh u
    # A subnormal number has few digits of its own, which the form may lose: 1 / (1 + e^720).
    assert_same(activation_form(f, row("z", z), 0), true, max(1, abs(z)) if name in cancelling else 1e-290)


@pytest.mark.parametrize("name", SLOPED)
@given(z=anywhere)
def test_slope(name: str, z: float) -> None:
    f = varied(ACTIVATIONS[name])
    Z = np.array([[z]])
    A = quiet(f.f, Z)
    true = float(quiet(f.back, Z, A, np.ones((1, 1)))[0, 0])
    if math.isinf(true):
        assert name == "exponential"
        return
    form = slope_form(f, Ref(Name("z", 1, (0,)), z), Ref(Name("a", 1, (0,)), float(A[0, 0])))
    terms_near_1 = {"gelu", "gelu_tanh", "mish", "silu"}
    assert_same(form, true, 1 if name in terms_near_1 else 1e-290)


@given(z=st.lists(anywhere, min_size=1, max_size=12), most=st.integers(1, 13), data=st.data())
@example(z=[-800.0, -801.0], most=8, data=None)
@example(z=[800.0, -1000.0, 799.0], most=2, data=None)
@example(z=[-740.0, -600.0], most=2, data=None)
def test_softmax(z: list[float], most: int, data: st.DataObject | None) -> None:
    i = 0 if data is None else data.draw(st.integers(0, len(z) - 1))
    a = ACTIVATIONS["softmax"].f(np.array([z]))[0]
    form = activation_form(ACTIVATIONS["softmax"], row("z", *z), i, most)
    assert_same(form, a[i], 1e-290)
    rests = [leaf for leaf in leaves(form.expr) if isinstance(leaf, Rest)]
    assert [rest.count for rest in rests] == ([len(z) - most] if len(z) > most + 1 else [])
    for k in range(len(z)):
        unit = np.zeros((1, len(z)))
        unit[0, k] = 1
        true = ACTIVATIONS["softmax"].back(np.array([z]), a[None], unit)[0]
        assert_same(softmax_slope_form(row("a", *a), k, i), true[i], 1e-290)
        assert jacobian(ACTIVATIONS["softmax"], np.array(z), a)[k] == pytest.approx(true, rel=1e-15)


def test_jacobian_is_that_of_small_steps() -> None:
    z = np.array([0.3, -1.2, 0.7])
    for f in (ACTIVATIONS["softmax"], ACTIVATIONS["tanh"]):
        J = jacobian(f, z, f.f(z[None])[0])
        for j in range(3):
            moved = (z + 1e-30j * np.eye(3)[j])[None]
            assert J[:, j] == pytest.approx(f.f(moved)[0].imag / 1e-30, rel=1e-13, abs=1e-16)


def test_step_has_no_slope() -> None:
    with pytest.raises(UsageError, match="no usable slope"):
        slope_form(ACTIVATIONS["step"], Ref(Name("z"), 1.0), Ref(Name("a"), 1.0))


@pytest.mark.parametrize("name", ["relu", "leaky_relu", "selu"])
def test_kink_is_owned_up_to(name: str) -> None:
    remarks = [
        slope_form(ACTIVATIONS[name], Ref(Name("z"), z), Ref(Name("a"), 0.0)).because.key for z in (-1.0, 0.0, 1.0)
    ]
    assert [("no derivative exists" in each, "not above" in each) for each in remarks] == [
        (False, True),
        (True, False),
        (False, False),
    ]


def test_elu_is_smooth_where_alpha_is_1() -> None:
    form = slope_form(ACTIVATIONS["elu"], Ref(Name("z"), 0.0), Ref(Name("a"), 0.0))
    assert form.value == 1
    assert "no derivative" not in form.because


# Losses


def outputs_of(name: str) -> list[str]:
    """The output activations that a loss is tested with."""
    return list(LOSSES[name].pairs) or ["identity", "softmax"]


CASES = [(loss, output) for loss in LOSSES for output in outputs_of(loss)]


@st.composite
def examples(draw: st.DrawFn, loss: Loss, numbers: st.SearchStrategy[float]) -> tuple[list[float], list[float]]:
    """Logits and targets of one example, of the kind that the loss takes."""
    z = draw(st.lists(numbers, min_size=1, max_size=6))
    N = len(z)
    if loss.targets == "distribution":
        if draw(st.booleans()):
            return z, np.eye(1, N, draw(st.integers(0, N - 1)))[0].tolist()
        shares = np.array(draw(st.lists(st.floats(0.1, 1), min_size=N, max_size=N)))
        return z, (shares / shares.sum()).tolist()
    each = {
        "values": st.one_of(st.sampled_from([0.0, 1.0, -0.4, 0.4]), st.floats(-50, 50)),
        "probabilities": st.one_of(st.sampled_from([0.0, 1.0]), st.floats(0, 1)),
        "counts": st.one_of(st.integers(0, 9).map(float), st.floats(0, 1e6)),
    }[loss.targets]
    return z, draw(st.lists(each, min_size=N, max_size=N))


def step_of(loss: str, output: str, z: list[float], y: list[float]):
    """The records, and z, a, y as rows."""
    f = ACTIVATIONS[output]
    return varied(LOSSES[loss]), f, row("z", *z), row("a", *quiet(f.f, np.array([z]))[0]), row("y", *y)


def true_loss(loss: Loss, f: Activation, z: Row, a: Row, y: Row) -> float:
    pair = loss.pair_for(f)
    value = loss.bound(pair.value if pair else loss.value)
    return float(quiet(value, (z if pair else a).values[None], y.values[None])[0])


def cancelling(loss: Loss, a: Row, y: Row) -> float:
    """The size of a Poisson loss's terms, a and y ln a, which have both signs."""
    if loss.name != "poisson":
        return 0.0
    return float(np.sum(a.values + y.values * np.abs(np.log(np.maximum(a.values, 5e-324)))))


@pytest.mark.parametrize(("name", "output"), CASES)
@given(data=st.data())
def test_loss(name: str, output: str, data: st.DataObject) -> None:
    largest = 700 if output == "exponential" else 1e4
    z, y = data.draw(examples(LOSSES[name], anywhere.filter(lambda z: z < largest)))
    step = step_of(name, output, z, y)
    loss, _, _, a, Y = step
    true, size = true_loss(*step), cancelling(loss, a, Y)
    most = data.draw(st.integers(1, 8))
    assert_same(loss_form(*step, most), true, size, 1e-290)
    parts = [loss_part_form(*step, k, most) for k in range(len(z))]
    if name == "euclidean_distance":
        assert parts == [None] * len(z)
        return
    total = math.fsum(part.value for part in parts if part is not None)
    assert abs(total - true) <= TOLERANCE * max(true, size)


@pytest.mark.parametrize(("name", "output"), CASES)
@given(data=st.data())
def test_slope_of_loss(name: str, output: str, data: st.DataObject) -> None:
    largest = 700 if output == "exponential" else 1e4
    z, y = data.draw(examples(LOSSES[name], anywhere.filter(lambda z: z < largest)))
    loss, f, Z, A, Y = step_of(name, output, z, y)
    k = data.draw(st.integers(0, len(z) - 1))
    if pair := loss.pair_for(f):
        true = quiet(pair.slope, Z.values[None], A.values[None], Y.values[None])[0, k]
        assert_same(pair_slope_form(loss, f, Z, A, Y, k), true, y[k] if loss.name == "poisson" else 0.0)
    else:
        true = loss.bound(loss.slope)(A.values[None], Y.values[None])[0, k]
        assert_same(loss_slope_form(loss, A, Y, k), true)


def test_wrong_and_certain_costs_the_whole_gap() -> None:
    step = step_of("categorical_cross_entropy", "softmax", [1000.0, 0.0], [0.0, 1.0])
    assert loss_form(*step).value == 1000
    assert loss_part_form(*step, 1).value == 1000
    step = step_of("binary_cross_entropy", "sigmoid", [-1000.0], [1.0])
    assert loss_form(*step).value == 1000


@pytest.mark.parametrize("z", [-2000.0, -800.0, -745.0, -30.0, -5.0, 0.5, 9.0, 11.0, 36.0, 37.0, 800.0])
def test_logarithms_against_many_digits(z: float) -> None:
    with mp.workdps(1200):
        expected = {y: float(mp.log(1 + mp.exp(-z if y else z))) for y in (0.0, 1.0)}
    for y, true in expected.items():
        assert_same(loss_form(*step_of("binary_cross_entropy", "sigmoid", [z], [y])), true, 1e-300)
        step = step_of("categorical_cross_entropy", "softmax", [z, 0.0], [y, 1 - y])
        assert_same(loss_form(*step), true, 1e-300)
    assert_same(activation_form(ACTIVATIONS["softplus"], row("z", z), 0), expected[0.0], 1e-300)


def test_logarithms_are_written_with_the_output_until_it_is_too_near_to_0_or_1() -> None:
    def symbols(z: float) -> set[str]:
        form = loss_form(*step_of("binary_cross_entropy", "sigmoid", [z], [1.0]))
        assert bool(form.because) == (z > 9)
        return {leaf.name.symbol for leaf in leaves(form.expr) if isinstance(leaf, Ref)}

    assert symbols(-30.0) == symbols(0.5) == {"y", "a"}
    assert symbols(12.0) == {"y", "z"}


def test_one_hot_target_leaves_one_term() -> None:
    form = loss_form(*step_of("categorical_cross_entropy", "softmax", [0.1, 0.2, 0.3], [0.0, 1.0, 0.0]))
    assert {(leaf.name.symbol, leaf.name.index) for leaf in leaves(form.expr)} == {("y", (1,)), ("a", (1,))}


def test_targets_that_only_nearly_add_up_to_1() -> None:
    step = step_of("categorical_cross_entropy", "softmax", [0.1, 2.0, -1.0], [0.2, 0.5, 0.3 + 1e-7])
    assert_same(loss_form(*step), true_loss(*step))


def test_errors_of_which_no_square_can_be_held() -> None:
    for size in (1e-200, 1e200):
        step = step_of("euclidean_distance", "identity", [3 * size, 0.0], [0.0, 4 * size])
        assert_same(loss_form(*step), 5 * size)
    for z in ([1e200], [1.2e154, 1.2e154]):
        step = step_of("squared_error", "identity", z, [0.0] * len(z))
        assert loss_form(*step).value == math.inf == true_loss(*step)


def test_no_error_has_no_slope() -> None:
    for name in ("euclidean_distance", "absolute_error"):
        form = loss_slope_form(LOSSES[name], row("a", 0.5), row("y", 0.5), 0)
        assert form.value == 0
        assert "no derivative exists" in form.because


def test_mean_over_one_output_is_not_divided() -> None:
    form = loss_form(*step_of("mean_squared_error", "identity", [0.5], [0.0]))
    assert [leaf.value for leaf in leaves(form.expr)] == [0.5, 0.0, 2.0]


def test_wide_row_shows_the_largest_terms_only() -> None:
    rng = np.random.default_rng(0)
    z = rng.normal(size=1000)
    a = ACTIVATIONS["softmax"].f(z[None])[0]
    forms = [activation_form(ACTIVATIONS["softmax"], row("z", *z), 17)]
    assert_same(forms[0], a[17])
    for name, output in CASES:
        y = rng.uniform(size=1000)
        if LOSSES[name].targets == "distribution":
            y /= y.sum()
        step = step_of(name, output, z.tolist(), y.tolist())
        forms.append(loss_form(*step))
        assert_same(forms[-1], true_loss(*step), cancelling(*step[:1], *step[3:]))
    for form in forms:
        assert len(list(leaves(form.expr))) < 70
        (rest,) = (leaf for leaf in leaves(form.expr) if isinstance(leaf, Rest))
        assert rest.count == 992
    denominator = forms[0].expr.under
    assert isinstance(denominator, Sum)
    assert {leaf.name.index[0] for leaf in leaves(denominator) if isinstance(leaf, Ref)} == {
        17,
        *np.argsort(z)[-7:].tolist(),
    }


# The whole catalogue is written out, and what is one's own is not guessed at


def test_every_formula_has_a_form_of_its_own() -> None:
    z, a, y = row("z", 0.3, -0.2), row("a", 0.6, 0.4), row("y", 1.0, 0.0)
    for name, f in ACTIVATIONS.items():
        forms = [activation_form(f, z, 0)]
        if name in SLOPED:
            forms.append(slope_form(f, z[0], a[0]))
        assert not {name, name + "'"} & (set().union(*(calls(form.expr) for form in forms)) - {"tanh"})
    for name, loss in LOSSES.items():
        f = ACTIVATIONS[outputs_of(name)[0]]
        part = loss_part_form(loss, f, z, a, y, 0)
        slope = pair_slope_form(loss, f, z, a, y, 0) if loss.pairs else loss_slope_form(loss, a, y, 0)
        assert (part is None) == (name == "euclidean_distance")
        for form in filter(None, (loss_form(loss, f, z, a, y), part, slope)):
            assert not {name, name + "'"} & set(calls(form.expr))


record = functools.partial(dict, latex="", use="A test.")


def test_own_activation_is_called_by_name() -> None:
    f = register(Activation(name="mine", value=lambda z: z * z, slope=lambda z, a: 2 * z, **record()))
    z = row("z", 3.0, 4.0)
    assert activation_form(f, z, 1).expr == Call("mine", (z[1],), 16.0)
    assert slope_form(f, z[1], row("a", 9.0, 16.0)[1]).expr == Call("mine'", (z[1],), 8.0)


def test_own_activation_of_whole_rows() -> None:
    f = register(
        Activation(
            name="mine",
            value=lambda z: z - np.mean(z, axis=-1, keepdims=True),
            pullback=lambda z, a, g: g - np.mean(g, axis=-1, keepdims=True),
            **record(),
        )
    )
    z = row("z", 3.0, 4.0)
    assert activation_form(f, z, 1).expr == Call("mine", (z[0], z[1]), 0.5)
    wide = activation_form(f, z, 1, most=1).expr
    assert [arg.name for arg in wide.args] == [Name("z", 1)]
    assert jacobian(f, z.values, f.f(z.values[None])[0]).tolist() == [[0.5, -0.5], [-0.5, 0.5]]


def test_own_loss_is_called_by_name() -> None:
    loss = register(
        Loss(
            name="mine",
            value=lambda a, y: np.sum((a - y) ** 4, axis=-1),
            slope=lambda a, y: 4 * (a - y) ** 3,
            **record(),
        )
    )
    a, y, f = row("a", 3.0, 1.0), row("y", 1.0, 2.0), ACTIVATIONS["identity"]
    assert loss_form(loss, f, a, a, y).expr == Call("mine", (a[0], a[1], y[0], y[1]), 17.0)
    assert loss_slope_form(loss, a, y, 0).expr == Call("mine'", (a[0], a[1], y[0], y[1]), 32.0)
    assert loss_part_form(loss, f, a, a, y, 0) is None


def test_own_loss_from_logits() -> None:
    known = LOSSES["binary_cross_entropy"]
    loss = Loss(
        name="mine",
        value=known.value,
        pairs={"sigmoid": Pair(value=known.value, slope=lambda z, a, y: a - y)},
        **record(),
    )
    z, a, y = row("z", 0.0), row("a", 0.5), row("y", 1.0)
    f = ACTIVATIONS["sigmoid"]
    assert loss_form(loss, f, z, a, y).expr == Call("mine", (z[0], y[0]), math.log(2))
    assert pair_slope_form(loss, f, z, a, y, 0).expr == Call("mine'", (z[0], y[0]), -0.5)


def test_a_registered_loss_with_a_pair_of_its_own_is_not_taken_for_a_cross_entropy() -> None:
    pair = Pair(value=lambda z, y: np.sum(z * z - y * z, axis=1), slope=lambda z, a, y: 2 * z - y)
    loss = register(Loss(name="mine", value=pair.value, pairs={"sigmoid": pair}, **record()))
    f = ACTIVATIONS["sigmoid"]
    form = pair_slope_form(loss, f, row("z", 2.0), row("a", f.f(np.array(2.0))), row("y", 1.0), 0)
    assert form.expr == Call("mine'", (row("z", 2.0)[0], row("y", 1.0)[0]), 3.0)


def test_formula_of_a_known_name_but_another_function_is_not_taken_for_it() -> None:
    f = dataclasses.replace(ACTIVATIONS["relu"], value=np.tanh)
    assert activation_form(f, row("z", 1.0), 0).expr == Call("relu", (row("z", 1.0)[0],), math.tanh(1.0))
    loss = dataclasses.replace(LOSSES["squared_error"], value=LOSSES["half_squared_error"].value)
    assert loss_form(loss, f, row("z", 2.0), row("a", 2.0), row("y", 0.0)).value == 2


def test_parameters_have_names_and_values() -> None:
    form = activation_form(ACTIVATIONS.find("leaky_relu", alpha=0.2), row("z", -2.0), 0)
    assert [(leaf.name.symbol, leaf.value) for leaf in leaves(form.expr)] == [("alpha", 0.2), ("z", -2.0)]
