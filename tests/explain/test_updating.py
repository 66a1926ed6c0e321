"""Where a new value comes from: against the engine's own update, and each optimizer written down once more by hand."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chainrule import Adam, Network, train
from chainrule.engines import Carry, ConstantRate, Draw, Job, Objective, reference
from chainrule.errors import ShapeError, UnknownName, UsageError
from chainrule.explain.expressions import Call, Expr, Negative, Power, Product, Quotient, Ref, Sum, children, leaves
from chainrule.explain.names import COST, Name, slope_of
from chainrule.explain.page import Equation, Prose
from chainrule.explain.trace import Trace, trace
from chainrule.explain.updates.equations import update_equations, update_grid, update_shares, update_words
from chainrule.explain.updates.one_parameter import find_parameter, name_at
from chainrule.formulas import L1, L2, OPTIMIZERS, SGD, MaxNorm, Optimizer, Penalty
from chainrule.language import Message
from chainrule.model import Model
from chainrule.network import BIASES, BatchNorm, Dense, Dropout
from chainrule.training import Memory

# `make campaign` looks at a thousand.
CASES = int(os.environ.get("CHAINRULE_CASES", "48"))
WITHIN = 1e-12

OWN_PRICE = Penalty(
    name="quartic",
    value=lambda w, strength: strength * w**4 / 4,
    slope=lambda w, strength: strength * w**3,
    parameters={"strength": 0.02},
    latex="",
    use="",
)
OWN_LIMIT = Penalty(name="box", value=lambda w: 0 * w, project=lambda W: np.clip(W, -0.3, 0.3), latex="", use="")
OWN_STEP = Optimizer(
    name="signs",
    value=lambda theta, g, state, t, rate: (-rate * np.sign(g) / t, (state[0] + g,)),
    slots=("sum",),
    latex="",
    use="",
)

layers = st.lists(
    st.tuples(st.integers(1, 4), st.sampled_from(["neuron", "layer", "fixed", "none", "norm", "dropout"])),
    min_size=1,
    max_size=3,
)
parameters = st.fixed_dictionaries(
    {
        "rate": st.floats(1e-3, 1.0),
        "mu": st.floats(0, 0.99),
        "rho": st.floats(0, 0.99),
        "beta1": st.floats(0, 0.99),
        "beta2": st.floats(0.5, 0.9999),
        "epsilon": st.sampled_from([1e-8, 1e-3]),
        "decay": st.floats(0.01, 0.5),
    }
)


def with_numbers(record: Optimizer, numbers: dict[str, float]) -> Optimizer:
    return record.with_parameters(**{key: n for key, n in numbers.items() if key == "rate" or key in record.parameters})


prices = st.lists(
    st.sampled_from([L1(0.01), L2(0.02), L2(0.3), OWN_PRICE, MaxNorm(0.8), MaxNorm(50.0), OWN_LIMIT]), max_size=4
)
clips = st.sampled_from([None, 0.05, 1e3])


def make_network(described: list[tuple[int, str]]) -> Network:
    found: list[Any] = []
    for units, kind in described:
        found.append(Dense(units, "tanh", bias=kind if kind in BIASES else "none"))
        found += [BatchNorm("tanh")] if kind == "norm" else [Dropout(0.4)] if kind == "dropout" else []
    return Network([*found, Dense(2, "sigmoid")], 3)


def make_model(network: Network, rng: np.random.Generator) -> Model:
    model = network.init(seed=0)
    model.theta = rng.normal(size=network.parameter_count)
    model.theta[rng.random(len(model.theta)) < 0.1] = 0  # where |w| has no slope
    return model


def all_names(model: Model) -> list[Name]:
    return [name_at(model.network, place) for place in range(model.network.parameter_count)]


def inner(expr: Expr) -> Iterator[Expr]:
    yield expr
    for each in children(expr):
        yield from inner(each)


def size(expr: Expr) -> float:
    """How large the terms are that an expression adds up."""
    match expr:
        case Sum(terms):
            return math.fsum(map(size, terms))
        case Product(factors):
            return math.prod(map(size, factors))
        case Quotient(over, under):
            return size(over) / abs(under.value)
        case Power(base, exponent):
            return size(base) ** exponent.value
        case Negative(of):
            return size(of)
        case Call(_, args, None):
            return max(abs(expr.value), *map(size, args))
    return abs(expr.value)


def steps(
    model: Model, optimizer: Optimizer, penalties: Any, clip: float | None, rng: np.random.Generator, updates: int
) -> Iterator[Trace]:
    """Make several updates in a row by the engine, with a trace of each, which is to be the same to the bit."""
    network, carry = model.network, Carry(model.theta, model.state, optimizer.start(model.theta))
    for t in range(1, updates + 1):
        X, Y = rng.normal(size=(5, 3)), rng.random((5, 2))
        weights = rng.random(5) if t % 2 else None
        job = Job(
            Objective(network, model.loss, tuple(penalties)),
            *(X, Y, weights, optimizer, ConstantRate(optimizer.rate)),
            batch_size=5,
            clip=clip,
            seed=7,
        )
        memory = Memory(optimizer.name, carry.slots, carry.updates) if carry.updates else None
        now = Model(network, carry.theta, carry.state, model.loss)
        draw = Draw(7, t) if any(not isinstance(layer, Dense) for layer in network.layers) else None
        made = trace(now, X, Y, weights, draw=draw, optimizer=optimizer, penalties=penalties, clip=clip, memory=memory)
        carry = reference.epoch(job, carry, None).carry
        assert made.update.t == t == carry.updates
        assert made.update.after.theta.tobytes() == carry.theta.tobytes()
        assert [slot.theta.tobytes() for slot in made.update.slots] == [slot.tobytes() for slot in carry.slots]
        yield made


def by_hand(step: Trace, name: Name) -> tuple[float, dict[tuple[str, str], float]]:
    """Make the update of one parameter with plain floats; give its new value and the numbers on the way.

    Each optimizer is written down from its paper, on its own; the slopes of data and the row's norm come from arrays.
    """
    rule, place = step.rule, find_parameter(step.update, name).place
    o, n, t = rule.optimizer, rule.optimizer.parameters, rule.updates + 1
    weight = name.symbol == "W"

    def seen(theta: Any, slope: Any, of_weight: Any) -> Any:
        total = slope
        for penalty in rule.penalties:
            if penalty.slope is not None:
                k = penalty.parameters["strength"]
                added = {"l1": k * np.sign(theta), "l2": k * theta, "quartic": k * theta**3}[penalty.name]
                total = total + np.where(of_weight, added, 0.0)
        return total

    whole = np.array([each.symbol == "W" for each in all_names(step.model)])
    priced = seen(step.model.theta, step.gradient.theta, whole)
    norm = math.hypot(*priced.tolist())
    shrunk = 1.0 if rule.clip is None or norm <= rule.clip else rule.clip / norm

    def move(at: int) -> tuple[float, dict[tuple[str, str], float]]:
        w, g, eta = float(step.model.theta[at]), float(priced[at]) * shrunk, o.rate
        old = [float(slot[at]) for slot in rule.slots]
        if o.name == "sgd":
            return w - eta * g, {}
        if o.name in ("momentum", "nesterov"):
            v = n["mu"] * old[0] - eta * g
            ahead = v if o.name == "momentum" else n["mu"] * v - eta * g
            return w + ahead, {("v", "after"): v}
        if o.name in ("adagrad", "rmsprop"):
            s = old[0] + g * g if o.name == "adagrad" else n["rho"] * old[0] + (1 - n["rho"]) * g * g
            eff = eta / (math.sqrt(s) + n["epsilon"])
            return w - eff * g, {("s", "after"): s, ("eta", ""): eff}
        if o.name in ("adam", "adamw"):
            m = n["beta1"] * old[0] + (1 - n["beta1"]) * g
            v = n["beta2"] * old[1] + (1 - n["beta2"]) * g * g
            m_hat, v_hat = m / (1 - n["beta1"] ** t), v / (1 - n["beta2"] ** t)
            eff = eta / (math.sqrt(v_hat) + n["epsilon"])
            lost = eta * n["decay"] * w if o.name == "adamw" and whole[at] else 0.0
            found = {("m", "after"): m, ("v", "after"): v, ("m", "hat"): m_hat, ("v", "hat"): v_hat, ("eta", ""): eff}
            return w - eff * m_hat - lost, found
        return w - eta * math.copysign(1.0, g) * (g != 0) / t, {}

    after, numbers = move(place)
    numbers["g", ""] = float(priced[place]) * shrunk
    if weight:
        width = step.model.network.sizes[name.layer - 1]
        first = place - name.index[1]
        row = [move(at)[0] for at in range(first, first + width)]
        for penalty in rule.penalties:
            if penalty.name == "max_norm":
                length = math.hypot(*row)
                row = [x * min(1.0, penalty.parameters["limit"] / length) if length else x for x in row]
            elif penalty.name == "box":
                row = [min(max(x, -0.3), 0.3) for x in row]
        after = row[name.index[1]]
    return after, numbers


# Each optimizer has its share of the cases; a tally only counts.
EACH = settings(max_examples=CASES // 8, suppress_health_check=[HealthCheck.function_scoped_fixture])
every_optimizer = pytest.mark.parametrize("record", [*OPTIMIZERS.values(), OWN_STEP], ids=lambda record: record.name)


@every_optimizer
@EACH
@given(described=layers, numbers=parameters, penalties=prices, clip=clips, seed=st.integers(0, 2**32 - 1))
def test_every_line_comes_out_as_the_engine_has_it(
    tally: Callable[..., None],
    record: Optimizer,
    described: Any,
    numbers: dict[str, float],
    penalties: list[Penalty],
    clip: float | None,
    seed: int,
) -> None:
    rng = np.random.default_rng(seed)
    model = make_model(make_network(described), rng)
    for step in steps(model, with_numbers(record, numbers), penalties, clip, rng, 3):
        for name in all_names(model):
            tally("updates of a parameter, written out", 1, check_lines(step, name), WITHIN)


def check_lines(step: Trace, name: Name) -> float:
    """Check the lines of one parameter; give how far a line came from its result, in units of its terms."""
    worst = 0.0
    place = find_parameter(step.update, name).place
    lines = [block for block in update_equations(step, name) if isinstance(block, Equation)]
    assert lines[-1].left == Ref(name.after(), float(step.update.after.theta[place]))
    assert lines[-1].result == step.update.after.theta[place]
    known: dict[Name, float] = {}
    for line in lines:
        (form,) = line.forms
        assert line.result == line.left.value
        worst = max(worst, abs(form.value - line.result) / max(size(form), 1e-300))
        assert worst < WITHIN, line
        for each in [*inner(form), line.left]:
            if isinstance(each, Ref):  # a name stands for one number, wherever it stands
                assert known.setdefault(each.name, each.value) == each.value, each
    assert known.get(slope_of(COST, name), step.gradient.theta[place]) == step.gradient.theta[place]
    assert known.get(name, step.model.theta[place]) == step.model.theta[place]
    after, numbers = by_hand(step, name)
    scale = abs(float(step.model.theta[place])) + max(abs(size(lines[-1].forms[0])), abs(after))
    assert lines[-1].result == pytest.approx(after, rel=1e-11, abs=1e-11 * scale)
    for each, value in known.items():
        if (each.symbol, each.mark) in numbers and each.through == name:
            right = numbers[each.symbol, each.mark]
            assert value == pytest.approx(right, rel=1e-9, abs=1e-13), each
    wanted = {(symbol, mark) for symbol, mark in numbers if symbol != "g"}
    trained = find_parameter(step.update, name).entry.trained
    assert not trained or wanted <= {(each.symbol, each.mark) for each in known if each.through == name}
    return worst


@every_optimizer
@EACH
@given(described=layers, numbers=parameters, penalties=prices, clip=clips, seed=st.integers(0, 2**32 - 1))
def test_shares_add_up_to_the_change(
    record: Optimizer,
    described: Any,
    numbers: dict[str, float],
    penalties: list[Penalty],
    clip: float | None,
    seed: int,
) -> None:
    rng = np.random.default_rng(seed)
    model = make_model(make_network(described), rng)
    for step in steps(model, with_numbers(record, numbers), penalties, clip, rng, 2):
        for name in all_names(model):
            place = find_parameter(step.update, name).place
            *parts, (_, whole) = update_shares(step, name).rows
            scale = math.fsum(abs(part) for _, part in parts) + abs(step.model.theta[place])
            if parts:
                assert math.fsum(part for _, part in parts) == pytest.approx(whole, abs=WITHIN * scale)
            assert whole == step.update.after.theta[place] - step.model.theta[place]


def test_each_part_has_its_share() -> None:
    model = make_model(Network.from_sizes([3, 2]), np.random.default_rng(0))
    given = {
        "optimizer": OPTIMIZERS.find("nesterov", rate=0.5, mu=0.5),
        "penalties": [L1(0.25), L2(0.5)],
        "clip": 0.125,
    }
    memory = Memory("nesterov", (np.full(8, 2.0),), 3)
    step = trace(model, [[1.0, 2.0, 3.0]], [[0.0, 1.0]], memory=memory, **given)
    rows = {what.key.format(**what.fields): part for what, part in update_shares(step, Name("W", 1, (1, 2))).rows}
    w, slope = model.W[1][1, 2], step.gradient.W[1][1, 2]
    assert rows["gradient"] == pytest.approx(-0.75 * slope)
    assert rows["penalty l1"] == pytest.approx(-0.75 * 0.25 * np.sign(w))
    assert rows["penalty l2"] == pytest.approx(-0.75 * 0.5 * w)
    assert rows["momentum"] == 0.25 * 2.0
    priced = slope + 0.25 * np.sign(w) + 0.5 * w
    assert rows["taken off by clipping"] == pytest.approx(0.75 * priced * (1 - 0.125 / step.update.norm))
    assert not [what for what, _ in update_shares(step, Name("b", 1, (0,))).rows if "penalty" in what]


def step_by_step(**given: Any) -> Trace:
    network = Network.from_sizes([2, 2, 2], "sigmoid", "sigmoid", bias="fixed")
    model = network.init()
    model.theta = [0.15, 0.20, 0.25, 0.30, 0.35, 0.35, 0.40, 0.45, 0.50, 0.55, 0.60, 0.60]
    return trace(model, [[0.05, 0.10]], [[0.01, 0.99]], loss="half_squared_error", **given)


def test_worked_example() -> None:
    step = step_by_step(optimizer=SGD(0.5))
    found = [update_equations(step, name) for name in all_names(step.model) if name.symbol == "W"]
    assert all(len(lines) == 1 for lines in found)
    assert [round(lines[0].result, 8) for lines in found] == [
        *(0.14978072, 0.19956143, 0.24975114, 0.29950229),
        *(0.35891648, 0.40866619, 0.51130127, 0.56137012),
    ]
    w, slope = Ref(Name("W", 2, (0, 0)), 0.4), Ref(slope_of(COST, Name("W", 2, (0, 0))), step.gradient.W[2][0, 0])
    assert found[4][0].forms == (w - Ref(Name("eta"), 0.5) * slope,)


def test_fixed_bias_stays_and_says_so() -> None:
    for optimizer in OPTIMIZERS.values():
        step = step_by_step(optimizer=optimizer, penalties=L2(), clip=0.1)
        prose, line = update_equations(step, Name("b", 1, (1,)))
        assert "held fixed" in prose.text
        assert line.forms == (Ref(Name("b", 1, (1,)), 0.35),)
        assert line.result == 0.35
        assert "held fixed" in update_shares(step, Name("b", 1, (1,))).note


def test_what_does_nothing_is_left_out_or_says_so() -> None:
    step = step_by_step(optimizer="adamw", penalties=[L1(0.1), L2(0.1), MaxNorm(9)], clip=100.0)
    name = Name("W", 1, (0, 0))
    texts = [block.text if isinstance(block, Prose) else block.because for block in update_equations(step, name)]
    assert sum("within the clip" in text for text in texts) == 1
    assert sum("within the limit" in text for text in texts) == 1
    lambdas = {
        each.name: each.value
        for block in update_equations(step, name)
        if isinstance(block, Equation)
        for each in inner(block.forms[0])
        if isinstance(each, Ref) and each.name.symbol == "lambda"
    }
    assert lambdas == {
        Name("lambda", index=("L1",)): 0.1,
        Name("lambda", index=("L2",)): 0.1,
        Name("lambda", index=("decay",)): 0.01,
    }


def test_biases_pay_nothing_and_do_not_decay() -> None:
    model = make_model(Network.from_sizes([2, 2, 2], batch_norm=True), np.random.default_rng(1))
    step = trace(model, np.eye(2), np.eye(2), optimizer="adamw", penalties=L2(), draw=Draw(0, 1))
    for name in (Name("b", 2, (0,)), Name("gamma", 1, (1,)), Name("beta", 1, (0,))):
        blocks = update_equations(step, name)
        prose = [block.text for block in blocks if isinstance(block, Prose)]
        assert any("pays nothing" in text for text in prose)
        assert any("spares" in text for text in prose)
        forms = [block.forms[0] for block in blocks if isinstance(block, Equation)]
        assert not [leaf for form in forms for leaf in leaves(form) if "lambda" in repr(leaf)]


def test_shared_bias_is_one_number() -> None:
    model = make_model(Network.from_sizes([2, 3], bias="layer"), np.random.default_rng(1))
    step = trace(model, np.eye(2), np.ones((2, 3)), optimizer=SGD(0.1))
    first, second, plain = (update_equations(step, Name("b", 1, index)) for index in ((0,), (2,), ()))
    assert first[-1].result == second[-1].result == plain[-1].result == step.update.after.theta[6]
    assert "share" in first[0].text
    assert [row[0] for row in update_grid(step).rows] == all_names(model)
    assert len(all_names(model)) == 7


def test_velocity_says_where_it_begins() -> None:
    line = update_equations(step_by_step(optimizer="momentum"), Name("W", 1, (0, 0)))[0]
    assert "begins at 0" in line.because
    memory = Memory("momentum", (np.ones(12),), 4)
    line = update_equations(step_by_step(optimizer="momentum", memory=memory), Name("W", 1, (0, 0)))[0]
    assert not line.because


def test_kink_of_l1_at_0() -> None:
    step = step_by_step(optimizer=SGD(), penalties=L1(0.5))
    assert not update_equations(step, Name("W", 1, (0, 0)))[0].because
    model = step.model.copy()
    model["w1"] = 0
    again = trace(model, [[1, 2]], [[0, 1]], optimizer=SGD(), penalties=L1(0.5))
    line = update_equations(again, Name("W", 1, (0, 0)))[0]
    assert "no derivative" in line.because
    assert line.result == line.forms[0].value


def test_huge_and_tiny_gradients_have_lengths() -> None:
    model = Network.from_sizes([2, 1]).init()
    for scale in (1e-170, 1e150):
        step = trace(
            model, [[3 * scale, 4 * scale]], [[1e5]], loss="half_squared_error", clip=1e-200 if scale < 1 else 1.0
        )
        assert step.update.clipped
        assert 0 < step.update.norm < math.inf
        lines = [block for block in update_equations(step, Name("W", 1, (0, 1))) if isinstance(block, Equation)]
        assert lines[0].forms[0].value == pytest.approx(lines[0].result, rel=1e-12)


@pytest.mark.parametrize("optimizer", list(OPTIMIZERS))
def test_a_step_that_diverges_is_shown_as_it_is(optimizer: str) -> None:
    model = Network.from_sizes([1, 1]).init()
    step = trace(model, [[1e100]], [[1.0]], optimizer=optimizer, penalties=[L2(), MaxNorm()])
    lines = [block for block in update_equations(step, Name("W", 1, (0, 0))) if isinstance(block, Equation)]
    assert [line.forms[0].value for line in lines]
    assert update_shares(step, Name("W", 1, (0, 0))).rows
    assert update_grid(step).rows


def test_a_record_with_our_function_but_other_numbers_is_somebodys_own() -> None:
    own = Optimizer(name="mine", value=OPTIMIZERS["adam"].value, slots=("a", "b"), latex="", use="")
    change, after = update_equations(step_by_step(optimizer=own), Name("W", 1, (0, 0)))
    assert "of your own" in change.because
    assert change.result == pytest.approx(after.result - 0.15) == pytest.approx(-0.01, rel=1e-4)


# The table of all parameters.


def test_grid_of_a_small_network() -> None:
    step = step_by_step(optimizer=SGD(0.5))
    grid = update_grid(step)
    assert [row[0] for row in grid.rows] == all_names(step.model)
    assert [row[1] for row in grid.rows] == step.model.theta.tolist()
    assert [row[3] for row in grid.rows] == step.update.after.theta.tolist()
    assert [row[2] for row in grid.rows if row[0].symbol == "b"] == ["held fixed"] * 4
    assert [row[2] for row in grid.rows if row[0].symbol == "W"] == [
        step.gradient.theta[k] for k in (0, 1, 2, 3, 6, 7, 8, 9)
    ]
    assert not grid.note


def test_grid_of_a_wide_network_shows_the_largest_changes() -> None:
    model = Network.from_sizes([50, 20, 3]).init()
    step = trace(model, np.ones((2, 50)), np.ones((2, 3)), optimizer=SGD(0.5))
    grid = update_grid(step, most=10)
    changes = [abs(row[3] - row[1]) for row in grid.rows]
    assert len(changes) == 10
    moved = np.abs(step.update.after.theta - step.model.theta)
    assert changes == sorted(moved, reverse=True)[:10]
    assert grid.note.fields == {"most": 10, "count": model.network.parameter_count}


# How an update is made.

X, Y = [[0.0, 1.0], [1.0, 0.5], [0.3, 0.2]], [0.0, 1.0, 0.5]


@pytest.mark.parametrize("optimizer", list(OPTIMIZERS))
def test_trained_model_goes_on_as_it_was_trained(optimizer: str) -> None:
    memory, penalties = Memory(), [L1(0.01), L2(0.02), MaxNorm(0.5)]
    given = {"optimizer": OPTIMIZERS.find(optimizer, rate=0.03), "penalties": penalties, "clip": 0.1}
    rest = {"shuffle": False, "batch_size": 3, "engine": "reference", "memory": memory, **given}
    model = train(Network.from_sizes([2, 3, 1], "tanh"), X, Y, epochs=4, **rest)
    step = trace(model, X, Y, memory=memory)
    assert step.rule.optimizer == given["optimizer"]
    assert (list(step.rule.penalties), step.rule.clip, step.rule.notes) == (penalties, 0.1, ())
    assert step.update.t == 5
    assert step.update.after.theta.tobytes() == train(model, X, Y, epochs=1, **rest).theta.tobytes()
    assert trace(model, X, Y).update.t == 1


def test_untrained_model_descends_plainly() -> None:
    rule = trace(Network.from_sizes([2, 1]).init(), X, Y).rule
    assert (str(rule.optimizer), rule.penalties, rule.clip) == ("sgd(rate=0.1)", (), None)
    assert "has not been trained" in str(rule.notes)


def test_what_is_given_comes_before_what_was_trained_with() -> None:
    model = train(Network.from_sizes([2, 1]), X, Y, epochs=1, penalties=L2(0.1), clip=0.5, schedule="cosine")
    rule = trace(model, X, Y, optimizer=SGD(2.0), penalties=(), clip=3).rule
    assert (str(rule.optimizer), rule.penalties, rule.clip, rule.notes) == ("sgd(rate=2)", (), 3.0, ())


def test_of_a_schedule_the_rate_is_the_optimizers_own_and_said() -> None:
    model = train(Network.from_sizes([2, 1]), X, Y, epochs=1, optimizer=Adam(0.02), schedule="cosine")
    step = trace(model, X, Y)
    note = update_equations(step, Name("W", 1, (0, 0)))[0].text
    assert isinstance(note, Message)
    assert note.fields == {"schedule": "cosine", "rate": 0.02}


def test_lbfgs_leaves_the_rest_to_be_explained() -> None:
    model = train(Network.from_sizes([2, 1]), X, Y, optimizer="lbfgs", epochs=2)
    step = trace(model, X, Y)
    assert step.gradient is not None
    assert step.rule.optimizer.name == "sgd"
    assert "L-BFGS" in update_equations(step, Name("b", 1, (0,)))[0].text
    from chainrule import LBFGS

    for named in ("lbfgs", LBFGS()):
        with pytest.raises(UsageError, match="name another optimizer"):
            trace(model, X, Y, optimizer=named)


def test_formulas_that_are_not_registered_are_named() -> None:
    model = train(Network.from_sizes([2, 1]), X, Y, epochs=1, optimizer=OWN_STEP, penalties=[OWN_PRICE, L2(0.5)])
    step = trace(model, X, Y)
    assert [note.fields["name"] for note in step.rule.notes] == ["signs", "quartic"]
    assert [str(penalty) for penalty in step.rule.penalties] == ["l2(strength=0.5)"]
    again = trace(model, X, Y, optimizer=OWN_STEP, penalties=[OWN_PRICE])
    assert not again.rule.notes
    OPTIMIZERS.register(OWN_STEP)
    assert trace(model, X, Y).rule.optimizer.name == "signs"


@pytest.mark.parametrize("kept", [None, 3, {}, {"name": 5}, {"name": "no_such"}, "adam"])
def test_odd_settings_do_no_harm(kept: Any) -> None:
    model = Network.from_sizes([2, 1]).init()
    model.settings = {"optimizer": kept, "penalties": [kept], "schedule": kept, "clip": None}
    rule = trace(model, X, Y).rule
    assert rule.optimizer.name == "sgd"
    assert len(rule.notes) == 2


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"memory": 3}, "expected a Memory"),
        ({"memory": Memory("adam", (np.zeros(3),) * 2, 1)}, "memory=Memory"),
        ({"clip": -1}, "clip is -1"),
        ({"optimizer": "adm"}, "did you mean 'adam'"),
        ({"penalties": "l3"}, "did you mean 'l"),
    ],
)
def test_refused(given: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        trace(Network.from_sizes([2, 1]).init(), X, Y, **given)


@pytest.mark.parametrize("asked", [update_equations, update_shares])
@pytest.mark.parametrize(
    ("name", "error"),
    [
        (Name("W", 3, (0, 0)), UnknownName),
        (Name("W", 1, (5, 0)), ShapeError),
        (Name("z", 1, (0,)), UnknownName),
        (Name("W"), UnknownName),
        (Name("W", 1), UsageError),
        (Name("W", 1, (0,)), UsageError),
        (Name("W", 1, ("j", 0)), UnknownName),
    ],
)
def test_there_is_no_such_parameter(asked: Callable[..., Any], name: Name, error: type[Exception]) -> None:
    with pytest.raises(error):
        asked(step_by_step(), name)


def test_without_targets_there_is_no_update() -> None:
    step = trace(Network.from_sizes([2, 1]).init(), X)
    for asked in (lambda: update_equations(step, Name("W", 1, (0, 0))), lambda: update_grid(step)):
        with pytest.raises(UsageError, match="without targets"):
            asked()


def test_what_is_decided_for_the_reader_is_said() -> None:
    network = Network.from_sizes([1, 1])
    untrained = trace(network.init(), [[1.0]], [1.0])
    assert "gradient descent with the rate" in str(untrained.rule.notes)
    trained = train(network, [[1.0]], [1.0], optimizer=Adam(0.01), epochs=1)
    assert "this is its first update" in str(trace(trained, [[1.0]], [1.0]).rule.notes)
    for optimizer in (Adam(0.01), SGD(0.5)):
        assert not trace(trained, [[1.0]], [1.0], optimizer=optimizer).rule.notes


@pytest.mark.parametrize("name", list(OPTIMIZERS))
def test_every_optimizer_has_its_words(name: str) -> None:
    step = trace(Network.from_sizes([1, 1]).init(), [[1.0]], [1.0], optimizer=OPTIMIZERS[name])
    (said,) = update_words(step)
    assert str(float(step.rule.optimizer.rate)) in str(said.text)


@pytest.mark.parametrize(("updates", "said"), [(0, "begins at 0"), (20_000, "hardly changes it")])
def test_bias_correction_is_said_by_its_size(updates: int, said: str) -> None:
    model = Network.from_sizes([1, 1]).init()
    slots = tuple(np.zeros_like(model.theta) for _ in range(2))
    memory = Memory("adam", slots, updates)
    step = trace(model, [[1.0]], [1.0], optimizer="adam", memory=memory)
    lines = update_equations(step, Name("W", 1, (0, 0)))
    remarks = [str(line.because) for line in lines if isinstance(line, Equation) and "division" in str(line.because)]
    assert len(remarks) == 2
    assert all(said in remark for remark in remarks)
