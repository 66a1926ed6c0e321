"""What is written is what was lifted: random formulas, printed in every language, parsed back and evaluated."""

from __future__ import annotations

import ast
import dataclasses
import math
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.engines.compiled.graph import NotLiftable
from chainrule.engines.compiled.lifting import lift_back
from chainrule.engines.compiled.running import run
from chainrule.errors import UsageError
from chainrule.formulas import ACTIVATIONS, Activation
from chainrule.storage.exporting.bounds import may_fail
from chainrule.storage.exporting.c_functions import c_function
from chainrule.storage.exporting.functions import numpy_function, python_function
from chainrule.storage.exporting.lifted import Function, lift, rewrite
from chainrule.storage.exporting.python_file import GUARDS, LOGARITHM, LOGARITHMS

from .conftest import FLAGS, build, needs_gcc

Array = npt.NDArray[Any]
Tree = Any
N = 3
ROWS = np.array([[0.0, 1.0, -1.0], [0.5, -2.5, 3.0], [-0.25, 0.125, 7.0], [20.0, -30.0, 1e-9], [2.0, 2.0, -2.0]])

BINARY = {
    "+": lambda x, y: x + y,
    "-": lambda x, y: x - y,
    "*": lambda x, y: x * y,
    "/": lambda x, y: x / y,
    "max": np.maximum,
    "min": np.minimum,
    "where": lambda x, y: np.where(x < y, x, -y),
    "both": lambda x, y: np.where((x > 0) & ((y <= 1) | (x == y)), 1.5, x),
    "one": lambda x, y: ((x >= y) ^ (y > 0)) * x,
}
UNARY = {
    "-": lambda x: -x,
    "exp": np.exp,
    "expm1": np.expm1,
    "log": lambda x: np.log(x),
    "log1p": np.log1p,
    "tanh": np.tanh,
    "abs": np.abs,
    "sqrt": np.sqrt,
    "square": lambda x: x**2,
    "cube": lambda x: x**3,
    "inverse": lambda x: 1 / x,
    "sin": np.sin,
    "cos": np.cos,
    "floor": np.floor,
    "ceil": np.ceil,
    "rint": np.rint,
    "trunc": np.trunc,
    "power": lambda x: np.abs(x) ** 1.7,
}
ROWWISE = {
    "sum": lambda x: np.sum(x, axis=-1, keepdims=True),
    "max": lambda x: np.max(x, axis=-1, keepdims=True),
    "min": lambda x: x - np.min(x, axis=-1, keepdims=True),
    "mean": lambda x: np.mean(x, axis=-1, keepdims=True),
    "first": lambda x: x[:, :1],
}
NUMBERS = st.sampled_from([0.0, 1.0, -1.0, 2.0, 0.5, -0.5, -3.25, 80.0, 1e-3, 0.1])


def trees(rowwise: bool) -> st.SearchStrategy[Tree]:
    unary = [*(("u", name) for name in UNARY), *((("r", name) for name in ROWWISE) if rowwise else ())]
    return st.recursive(
        st.one_of(st.just("z"), NUMBERS),
        lambda inner: st.one_of(
            st.tuples(st.sampled_from(list(BINARY)), inner, inner),
            st.tuples(st.sampled_from(unary), inner),
        ),
        max_leaves=9,
    )


def value_of(tree: Tree, z: Any) -> Any:
    if isinstance(tree, float):
        return tree
    if tree == "z":
        return z
    if len(tree) == 3:
        return BINARY[tree[0]](value_of(tree[1], z), value_of(tree[2], z))
    (kind, name), x = tree[0], value_of(tree[1], z)
    return UNARY[name](x) if kind == "u" else ROWWISE[name](x + 0 * z)


def lifted(tree: Tree, name: str = "formula") -> Function | None:
    """Lift a formula; None for what cannot be, such as one without z in it."""
    record = Activation(name=name, value=lambda z: value_of(tree, z) + 0 * z, latex="", use="")
    try:
        with np.errstate(all="ignore"):
            function = lift(record, N, single=False)
    except (UsageError, NotLiftable):
        return None
    return Function(name, function.program)


def wanted(tree: Tree) -> Array:
    with np.errstate(all="ignore"):
        return np.asarray(value_of(tree, ROWS) + 0 * ROWS)


def intermediate(function: Function) -> list[Array]:
    """What every operation gives on the way."""
    program, count = function.program, len(function.program.nodes)
    every = dataclasses.replace(program, results=tuple(range(count)), outputs=("rows",) * count)
    with np.errstate(all="ignore"):
        return run(every, {"z": ROWS}, {})


def same(got: Any, exact: Array) -> bool:
    found = np.broadcast_to(np.asarray(got, dtype=float), exact.shape)
    return np.allclose(found, exact, rtol=1e-12, atol=1e-12, equal_nan=True)


def define(lines: list[str], **names: Any) -> Any:
    space: dict[str, Any] = {"np": np, "math": math, **names}
    exec(compile(ast.parse("\n".join(lines)), "written", "exec"), space)
    return space[next(name for name in space if name in ("formula", "f"))]


def helpers() -> dict[str, Any]:
    space: dict[str, Any] = {"math": math}
    for text in GUARDS.values():
        exec(text, space)
    for name, (what, end) in LOGARITHMS.items():
        exec(LOGARITHM.format(name=name, what=what, end=end), space)
    return space


@given(trees(rowwise=True))
@settings(max_examples=100)
def test_numpy_source_computes_the_formula(tree: Tree) -> None:
    function = lifted(tree)
    if function is not None:
        formula = define(numpy_function(function), erfc=None)
        with np.errstate(all="ignore"):
            assert same(formula(ROWS), wanted(tree)), "\n".join(numpy_function(function))


@given(trees(rowwise=True))
@settings(max_examples=100)
def test_python_source_computes_the_formula(tree: Tree) -> None:
    function = lifted(tree)
    # Python's max and min choose another side than NumPy's where one is NaN; no catalogue's formula makes any.
    if function is None or any(np.isnan(numbers).any() for numbers in intermediate(function)):
        return
    exact = wanted(tree)
    lines = python_function(function)
    formula = define(lines, **helpers())
    rows = ROWS.tolist()
    got = [[formula(z) for z in row] if function.program.elementwise else formula(row) for row in rows]
    assert same(got, exact), "\n".join(lines)


@needs_gcc
@pytest.mark.parametrize("seed", range(2))
def test_c_source_computes_the_formulas(seed: int, tmp_path: Path) -> None:
    found: list[tuple[Tree, Function]] = []

    @given(trees(rowwise=seed == 1))
    @settings(max_examples=80, database=None)
    def collect(tree: Tree) -> None:
        function = lifted(tree, f"f{len(found)}")
        if function is not None and np.isfinite(wanted(tree)).all():
            found.append((tree, function))

    collect()
    assert len(found) > 20
    (tmp_path / "all.c").write_text(c_program([function for _, function in found]), encoding="utf-8")
    build(["gcc", *FLAGS, "all.c", "-o", "all", "-lm"], tmp_path)
    out = subprocess.run([tmp_path / "all"], capture_output=True, encoding="utf-8", check=True).stdout
    numbers = np.array(out.split(), dtype=float).reshape(len(found), *ROWS.shape)
    for (tree, function), got in zip(found, numbers, strict=True):
        assert same(got, wanted(tree)), "\n".join(c_function(function, "t", single=False))


def c_program(functions: list[Function]) -> str:
    lines = ["#include <math.h>", "#include <stdio.h>"]
    for name, sign in (("max", "<"), ("min", ">")):
        lines.append(f"static inline double t_{name}(double x, double y) {{ return x {sign} y ? y : x; }}")
    for function in functions:
        lines += c_function(function, "t", single=False)
    listed = ", ".join("{" + ", ".join(map(repr, row)) + "}" for row in ROWS.tolist())
    lines += [f"static const double given[{len(ROWS)}][{N}] = {{{listed}}};", "int main(void) {"]
    for function in functions:
        one = function.program.elementwise
        call = f"a[k] = t_{function.name}(given[i][k]);" if one else ""
        row = "" if one else f"t_{function.name}(given[i], a, {N});"
        lines.append(
            f"for (int i = 0; i < {len(ROWS)}; i++) {{ double a[{N}]; {row}"
            f' for (int k = 0; k < {N}; k++) {{ {call} printf("%.17g ", a[k]); }} }}'
        )
    return "\n".join([*lines, "return 0;", "}"]) + "\n"


@pytest.mark.parametrize(
    "value",
    [
        lambda z: np.exp(100 * z),
        lambda z: np.expm1(z * z * z),
        lambda z: np.log(z),
        lambda z: np.log(np.abs(z)),
        lambda z: np.log2(z + 1),
        lambda z: np.log10(z * z),
        lambda z: np.log1p(z),
        lambda z: np.sqrt(z),
        lambda z: 1 / z,
        lambda z: (z - 1) / (z * z - 1),
        lambda z: z / (z - 0.5),
        lambda z: np.abs(z) ** 400.5,
        lambda z: np.abs(z) ** -0.5,
        lambda z: 1 / (1 + np.exp(-50 * z)),
    ],
)
def test_plain_python_raises_no_errors_where_numpy_raises_none(value: Any) -> None:
    function = lift(Activation(name="formula", value=value, latex="", use=""), N, single=False)
    formula = define(python_function(function), **helpers())
    with np.errstate(all="ignore"):
        assert same([[formula(z) for z in row] for row in ROWS.tolist()], value(ROWS))


def test_brackets_are_only_where_they_are_needed() -> None:
    def written(value: Any) -> str:
        function = lift(Activation(name="f", value=value, latex="", use=""), N, single=False)
        return python_function(function)[-1].strip().removeprefix("return ")

    assert written(lambda z: z - (1 - z)) == "z - (1 - z)"
    assert written(lambda z: (z - 1) - z) == "z - 1 - z"
    assert written(lambda z: z * (2 + z) * 3) == "3 * (z * (2 + z))"
    assert written(lambda z: 2 / (1 + z * z) / 3) == "2 / (1 + z * z) / 3"
    assert written(lambda z: -(z * z)) == "-(z * z)"
    assert written(lambda z: z * -z) == "z * -z"
    assert written(lambda z: np.where(z > 0, z, 0.5) * 2) == "2 * (z if z > 0 else 0.5)"
    assert written(lambda z: z**3 - 0.5) == "z * z * z - 0.5"


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_every_activation_reads_well(name: str) -> None:
    function = lift(ACTIVATIONS[name], 4, single=False)
    for lines in (numpy_function(function), python_function(function), c_function(function, "net", single=True)):
        assert max(map(len, lines)) <= 100
        assert "erfcx" not in "\n".join(lines)
    # The catalogue's formulas stay finite by themselves and need no guard, but for the one that shall grow beyond all.
    assert bool(may_fail(function.program, function.numbers)) == (name == "exponential")


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("single", [False, True])
def test_rewriting_changes_no_value(name: str, single: bool) -> None:
    function = lift(ACTIVATIONS[name], 7, single)
    z = np.concatenate([np.linspace(-60, 60, 700), [0.0, -0.0, 1e5, -1e5]]).reshape(-1)
    z = np.resize(z, (100, 7))
    from scipy import special

    formula = define([*numpy_function(function), f"formula = {function.name}"], erfc=special.erfc)
    with np.errstate(all="raise", under="ignore"):
        exact = ACTIVATIONS[name].value(z, **ACTIVATIONS[name].parameters)
        assert np.allclose(formula(z), exact, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("name", [name for name, record in ACTIVATIONS.items() if record.trainable])
def test_the_chain_rule_can_be_written_as_well(name: str) -> None:
    record = ACTIVATIONS[name]
    program = lift_back(record, N, single=False)
    back = Function("formula", rewrite(program, record.parameters, single=False), "", dict(record.parameters))
    z = np.clip(ROWS, -30, 30)
    a, g = record.f(z), np.cos(ROWS)
    exact = record.back(z, a, g)
    from scipy import special

    formula = define(numpy_function(back), erfc=special.erfc, erfcx=special.erfcx)
    assert same(formula(z, a, g), exact)
    formula = define(python_function(back), erfc=math.erfc, erfcx=special.erfcx)
    for k in range(len(z)):
        if back.program.elementwise:
            got = [formula(*numbers) for numbers in zip(z[k].tolist(), a[k].tolist(), g[k].tolist(), strict=True)]
        else:
            got = formula(z[k].tolist(), a[k].tolist(), g[k].tolist())
        assert same(got, exact[k])


def test_what_cannot_be_written_is_refused_by_name() -> None:
    branchy = Activation(name="branchy", value=lambda z: z if z.mean() > 0 else -z, latex="", use="")
    with pytest.raises(UsageError, match="'branchy' cannot be exported"):
        lift(branchy, N, single=False)
