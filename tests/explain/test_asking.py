"""What a user asks for becomes a name; what does not exist is answered with the nearest that does."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule import Draw, Network
from chainrule.errors import ChainruleError, ShapeError, UnknownName, UsageError
from chainrule.explain import FORMATS, Trace, explain, render, trace
from chainrule.explain.asking import example_names, find_name
from chainrule.explain.names import COST, Name, slope_of
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
        ("dC/dW2", ShapeError, "ask for one of W2[0,0] to W2[1,2]"),
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
