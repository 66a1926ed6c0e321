"""What a user asks for becomes a name; what does not exist is answered with the nearest that does."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from tests.explain.cases import names_of, random_step

from chainrule import Adam, Draw, Network
from chainrule.engines import reference as engine
from chainrule.errors import ChainruleError, ShapeError, UnknownName, UsageError
from chainrule.explain import FORMATS, Page, Trace, explain, render, trace
from chainrule.explain.asking import check_name, example_names, find_name
from chainrule.explain.expressions import Ref, leaves
from chainrule.explain.names import COST, Name, slope_of
from chainrule.explain.page import Equation
from chainrule.explain.writing.notation import notation_of
from chainrule.layers import BatchNorm, Dense, Dropout


@pytest.fixture
def step() -> Trace:
    return trace(Network.from_sizes([2, 3, 2], "sigmoid", "sigmoid").init(), [[0.1, 0.2]], [[0, 1]], loss="huber")


@pytest.fixture
def batch() -> Trace:
    layers = [Dense(3, "identity"), BatchNorm("relu"), Dropout(0.5), Dense(2, "softmax")]
    model = Network(layers, inputs=2).init()
    return trace(model, np.eye(4)[:, :2], [0, 1, 1, 0], draw=Draw(0, 1))


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ("a1[2]", Name("a", 1, (2,))),
        ("x[1]", Name("x", None, (1,))),
        ("a0[1]", Name("x", None, (1,))),
        ("i2", Name("x", None, (1,))),
        ("net_h3", Name("z", 1, (2,))),
        ("h3", Name("a", 1, (2,))),
        ("out_o1", Name("a", 2, (0,))),
        ("target_o2", Name("y", None, (1,))),
        ("E_o2", Name("L", index=(1,))),
        ("E", COST),
        ("L", Name("L")),
        ("delta1[0]", Name("delta", 1, (0,))),
        ("δ1[0]", Name("delta", 1, (0,))),
        ("D1[0]", Name("delta", 1, (0,))),
        ("delta_h1", Name("delta", 1, (0,))),
        ("dC/dz1[0]", Name("delta", 1, (0,))),
        ("∂C/∂W1[0,1]", slope_of(COST, Name("W", 1, (0, 1)))),
        ("dE/dw2", slope_of(COST, Name("W", 1, (0, 1)))),
        (" dC / dW1[ 0 , 1 ] ", slope_of(COST, Name("W", 1, (0, 1)))),
        ("da1[0]/dz1[0]", slope_of(Name("a", 1, (0,)), Name("z", 1, (0,)))),
        ("w7 after", Name("W", 2, (0, 0), mark="after")),
        ("b4", Name("b", 2, (0,))),
        ("dE/db4", slope_of(COST, Name("b", 2, (0,)))),
        ("L[1]", Name("L", index=(1,))),
        ("L[0,1]", Name("L", index=(1,))),
        ("E after", COST.after()),
        ("η", Name("eta")),
        ("g[W1[0,0]]", Name("g", through=Name("W", 1, (0, 0)))),
        ("change[w7]", Name("change", through=Name("W", 2, (0, 0)))),
    ],
)
def test_found(asked: str, name: Name, step: Trace) -> None:
    assert find_name(asked, step) == name


@pytest.mark.parametrize(
    ("asked", "kind", "text"),
    [
        ("dC/dW3[0,1]", UnknownName, "did you mean 'dC/dW2[0,1]'?"),
        ("delta9[0]", UnknownName, "did you mean 'delta2[0]'?"),
        ("a5[0]", UnknownName, "did you mean 'a2[0]'?"),
        ("foo", UnknownName, "there are, among others: x[0], z1[0]"),
        ("", UnknownName, "there is no number ''"),
        ("mask1[0]", UnknownName, "there is no number 'mask1[0]'"),
        ("w99", UnknownName, "w1 … w12"),
        ("dC/dW2", ShapeError, "ask for one of dC/dW2[0,0] to dC/dW2[1,2]"),
        ("W2 after", ShapeError, "ask for one of W2[0,0] after to W2[1,2] after"),
        ("a1[-1]", ShapeError, "rows and neurons count from 0"),
        ("a9[-1]", UnknownName, "did you mean 'a2[0]'?"),
        ("W1[0,1", UnknownName, "did you mean 'W1[0,1]'?"),
        ("dW1[0,0]", UnknownName, "did you mean 'dC/dW1[0,0]'?"),
        ("w1 afte", UnknownName, "did you mean 'w1 after'?"),
        ("a9[2]", UnknownName, "did you mean 'a2[0]'?"),
        ("b1", ShapeError, "ask for one of b1[0] to b1[2]"),
        ("b9", UnknownName, "there is no number 'b9'"),
        ("a1[3]", ShapeError, "goes from a1[0] to a1[2]"),
        ("net_h9", ShapeError, "they go from net_h1 to net_h3"),
        ("z1[0] after", UsageError, "only parameters change in an update"),
        ("dC/dy[0]", UsageError, "there is no such derivative"),
        ("da2[0]/dz2[1]", UsageError, "is 0: an activation depends"),
        ("da2[0]/dz1[0]", UsageError, "only the slopes of activations, such as da1[0]/dz1[0]"),
    ],
)
def test_not_there(asked: str, kind: type[ChainruleError], text: str, step: Trace) -> None:
    with pytest.raises(kind) as caught:
        find_name(asked, step)
    assert text in str(caught.value)


def test_a_slope_that_is_never_computed() -> None:
    model = Network.from_sizes([2, 3, 2], "sigmoid", "sigmoid").init()
    with pytest.raises(UsageError, match=r"is never computed.*ask for delta2\[0\]"):
        explain(model, [[0.1, 0.2]], [[0, 1]], "dC/da2[0]")


def test_every_example_can_be_explained(step: Trace, batch: Trace) -> None:
    for each in (step, batch):
        for asked in example_names(each):
            assert np.isfinite(explain(each, of=asked).value), asked


def test_in_a_batch_the_row_comes_first(batch: Trace) -> None:
    assert find_name("a1[3,0]", batch) == Name("a", 1, (0,), row=3)
    assert find_name("dC/du1[3,0]", batch) == slope_of(COST, Name("u", 1, (0,), row=3))
    with pytest.raises(ShapeError, match=r"a1\[0,0\] to a1\[3,2\]"):
        find_name("a1[0]", batch)
    with pytest.raises(UsageError, match="name of textbooks"):
        find_name("net_h1", batch)


@pytest.mark.parametrize("asked", ["C", "L", "y[0]", "delta1[0]", "dC/dW1[0,0]", "W1[0,0] after"])
def test_without_targets(asked: str) -> None:
    model = Network.from_sizes([2, 3, 2], "sigmoid", "sigmoid").init()
    with pytest.raises(UsageError, match="without targets"):
        explain(model, [[0.1, 0.2]], of=asked)
    assert np.isfinite(explain(model, [[0.1, 0.2]], of="a2[0]").value)
    assert "targets" not in str(explain(model, [[0.1, 0.2]]))


def test_a_step_function_has_a_forward_pass_only() -> None:
    model = Network.from_sizes([2, 2, 1], "step", "sigmoid").init()
    assert explain(model, [[1.0, 2.0]], [1], "L", loss="squared_error").value >= 0
    assert "One update" not in str(explain(model, [[1.0, 2.0]], [1], loss="squared_error"))
    with pytest.raises(UsageError, match="no usable slope"):
        explain(model, [[1.0, 2.0]], [1], "dC/dW1[0,0]", loss="squared_error")


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"depth": 0}, "depth is 0"),
        ({"most": 0}, "most is 0"),
        ({"digits": 16}, "digits is 16"),
        ({"digits": True}, "digits is True"),
        ({"notation": "columns"}, "unknown notation"),
        ({"optimizer": "adma"}, "did you mean 'adam'"),
        ({"clip": -1.0}, "clip"),
        ({"draw": 3}, "draw is 3"),
        ({"weights": [1, 2]}, "weights"),
    ],
)
def test_settings_that_cannot_be(settings: dict[str, object], text: str) -> None:
    model = Network.from_sizes([2, 2, 1], "tanh").init()
    with pytest.raises(UsageError, match=text):
        explain(model, [[1.0, 2.0]], [0.5], "C", **settings)  # type: ignore[arg-type]


@pytest.mark.parametrize("given", [None, 3, Network.from_sizes([2, 1])])
def test_what_is_no_model(given: object) -> None:
    with pytest.raises(UsageError, match="must be a Model"):
        explain(given, [[1.0, 2.0]], [0.5], "C")  # type: ignore[arg-type]


def test_numbers_beyond_all_bounds_are_shown_as_they_are() -> None:
    model = Network.from_sizes([1, 1, 1], "exponential", "identity").init()
    model["W1"], model["W2"] = 1000.0, 1.0
    for asked in ("a1[0]", "C", "dC/dW1[0,0]", "W2[0,0] after"):
        page = explain(model, [[1.0]], [0.5], asked)
        assert "∞" in str(page) or "nan" in str(page)
        for format in FORMATS:
            render(page, format)


def numbers_of(page: Page) -> Iterator[Ref]:
    """Every number with a name on a page, but those that stand for many, such as a[j] or a row of W."""
    for block in page.blocks:
        if isinstance(block, Equation):
            for expr in (block.left, *block.forms, *([block.numbers] if block.numbers else [])):
                yield from (leaf for leaf in leaves(expr) if isinstance(leaf, Ref) and is_one(leaf.name))


def is_one(name: Name) -> bool:
    settings = ("eta", "lambda", "c")  # their index is a word
    mine = name.symbol in settings or all(isinstance(each, int) for each in name.index)
    return mine and not isinstance(name.row, str) and all(map(is_one, filter(None, (name.of, name.by, name.through))))


@pytest.mark.parametrize("seed", range(25))
def test_whatever_a_page_prints_can_be_asked_for(seed: int) -> None:
    rng = np.random.default_rng(seed)
    step = random_step(rng)
    textbook = step.m == 1 and len(step.stages) == step.model.network.depth <= 2
    for notation in ("index", "textbook") if textbook else ("index",):
        written = notation_of(notation, step.model.network.sizes)
        for asked in (None, *names_of(step, rng, 4)):
            for number in numbers_of(explain(step, of=asked, notation=notation)):
                text = written.text(number.name)
                found = find_name(text, step, notation)
                if notation == "textbook" and found == COST:
                    continue  # texts call the loss and the cost E
                assert found == number.name, text
                assert check_name(number.name, step) == number.name
                value = explain(step, of=text, notation=notation, depth=1).value
                several = ("alpha", "epsilon", "lambda", "rate")  # layers may have one each
                if number.name.symbol not in several:
                    assert value == pytest.approx(number.value, rel=1e-12, abs=1e-300, nan_ok=True), text


def test_textbook_names_of_biases() -> None:
    step = trace(Network.from_sizes([2, 2, 2], "sigmoid", "sigmoid").init(), [[0.1, 0.2]], [[0, 1]], loss="huber")
    assert find_name("b1 after", step, "textbook") == Name("b", 1, (0,), mark="after")
    assert find_name("∂E/∂b3", step, "textbook") == slope_of(COST, Name("b", 2, (0,)))
    assert find_name("b3", step) == Name("b", 2, (0,))
    with pytest.raises(ShapeError, match=r"b1\[0\] to b1\[1\]"):
        find_name("b1", step)
    with pytest.raises(UnknownName, match=r"among others: i1, net_h1, .* w1 after"):
        find_name("foo", step, "textbook")


@pytest.mark.parametrize(
    "name",
    [
        Name("a", 7, (0,)),
        Name("W", 1),
        Name("a", 1),
        Name("W", 1, (9, 9)),
        Name("a", 1, ("j",)),
        Name("a", 1, (-1,)),
        Name("d"),
        Name("nothing"),
        Name("C", mark="slip"),
        Name(3),  # type: ignore[arg-type]
        Name("W", 1, 0),  # type: ignore[arg-type]
        Name("m", through=Name("W", 1, (0, 0)), mark="after"),
    ],
)
def test_a_name_is_held_to_the_numbers_too(name: Name, step: Trace) -> None:
    with pytest.raises(UsageError):
        explain(step, of=name)


def test_numbers_of_an_update() -> None:
    model = Network.from_sizes([2, 2, 1], "tanh").init(seed=0)
    step = trace(model, [[1.0, 2.0]], [0.5], optimizer=Adam(0.01))
    g = step.gradient["W1[0,0]"]  # type: ignore[index]
    for asked, value in {
        "m[W1[0,0]] after": 0.1 * g,
        "m[W1[0,0]] before": 0.0,
        "v̂[W1[0,0]]": g * g,
        "g[w1]": g,
        "β₁": 0.9,
        "t": 1,
        "change[W1[0,0]]": step.update.change["W1[0,0]"],
    }.items():
        assert explain(step, of=asked).value == pytest.approx(value, rel=1e-9), asked


def test_cost_after_the_update(step: Trace) -> None:
    assert step.Y is not None
    moved = engine.loss(step.objective, step.update.after.theta, step.model.state.copy(), step.X, step.Y)
    assert explain(step, of="C after").value == explain(step, of="E after", notation="textbook").value == moved


def test_the_number_behind_a_trace_or_in_the_wrong_place(step: Trace) -> None:
    assert explain(step, "a1[0]").value == explain(step, of="a1[0]").value
    assert explain(step, Name("a", 1, (0,))).value == explain(step, of="a1[0]").value
    with pytest.raises(UsageError, match="leave X, optimizer out"):
        explain(step, [[1.0, 2.0]], of="C", optimizer="adam")
    with pytest.raises(UsageError, match="leave X out"):
        explain(step, "a1[0]", of="C")
    for arguments in (([[0.1, 0.2]], "a1[0]"), ("a1[0]",)):
        with pytest.raises(UsageError, match=r'of="a1\[0\]"'):
            explain(step.model, *arguments)


def test_depth_is_any_whole_number_and_no_network_is_too_deep(step: Trace) -> None:
    assert str(explain(step, "a1[0]", depth=np.int64(2))) == str(explain(step, "a1[0]", depth=2))
    deep = Network.from_sizes([1] * 600, "tanh").init(seed=0)
    assert len(explain(deep, [[1.0]], [[0.5]], "a599[0]", depth=1000).steps) > 1000
