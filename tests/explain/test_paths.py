"""The expanded form: its paths, how many there are, and what those come to that are not shown."""

from __future__ import annotations

import itertools
import math

import numpy as np

from chainrule import Dense, Network
from chainrule.explain import explain, trace
from chainrule.explain.expressions import Expr, Rest, children


def rests(expr: Expr) -> list[Rest]:
    return [expr] if isinstance(expr, Rest) else [rest for each in children(expr) for rest in rests(each)]


def test_rest_of_one_is_shown() -> None:
    model = Network.from_sizes([1, 7, 1], "tanh").init(seed=0)
    found = explain(model, [[1.0]], [[0.3]], "dC/dx[0]", depth=1, most=6).expanded
    assert len(found.paths) == found.count == 7
    assert not rests(found.form)
    fewer = explain(model, [[1.0]], [[0.3]], "dC/dx[0]", depth=1, most=5).expanded
    assert len(fewer.paths) == 5
    assert [rest.count for rest in rests(fewer.form)] == [2]


def test_rest_is_what_the_other_paths_come_to() -> None:
    model = Network([Dense(8), Dense(8), Dense(1)], inputs=1).init(seed=0)
    model["W3"] = [[1.0] + [1e-25] * 7]
    step = trace(model, [[1.0]], [[0.3]])
    found = explain(step, of="dC/dx[0]", depth=1, most=8).expanded
    W1, W2, W3 = (model[f"W{l}"] for l in (1, 2, 3))
    every = [step.D[3][0, 0] * W3[0, k] * W2[k, i] * W1[i, 0] for k, i in itertools.product(range(8), repeat=2)]
    every.sort(key=abs)
    (rest,) = rests(found.form)
    assert rest.count == 56
    assert math.isclose(rest.value, math.fsum(every[:56]), rel_tol=1e-12)
    assert math.isclose(found.size, math.fsum(map(abs, every)), rel_tol=1e-12)


def test_counts_are_exact() -> None:
    for layers, exact in ((30, 10**29), (312, 10**311)):
        hidden = [Dense(10, "tanh") for _ in range(layers - 1)]
        model = Network([*hidden, Dense(10, "sigmoid")], inputs=10).init(seed=0)
        page = explain(model, np.ones((1, 10)), np.ones((1, 10)), "dC/dW1[0,0]", depth=1, most=2)
        assert page.expanded.count == exact
        assert [rest.count for rest in rests(page.expanded.form)] == [exact - 2]
        power = str(layers - 1).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))
        assert f"About 10{power} paths lead" in page.text()
        page.latex(), page.html(), page.json()


def test_chief_is_larger_than_every_other_path() -> None:
    model = Network([Dense(3), Dense(1)], inputs=1).init()
    model["W1"], model["W2"] = [[1.0], [2.0], [3.0]], [[3.0, -4.0, 1.0]]
    for most in (1, 2, 3):
        found = explain(model, [[1.0]], [[0.0]], "dC/dx[0]", depth=1, most=most, loss="squared_error").expanded
        through, size = found.chief
        assert [name.index for name in through] == [(0,), (1,)]
        assert math.isclose(size / found.size, 8 / 14)
    model["W2"] = [[8.0, -4.0, 1.0]]  # 8, -8, 3: none is larger than every other one
    for most in (1, 3):
        found = explain(model, [[1.0]], [[0.0]], "dC/dx[0]", depth=1, most=most, loss="squared_error").expanded
        assert found.chief is None
