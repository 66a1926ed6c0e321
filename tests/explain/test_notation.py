"""Each name has one look in each notation, which no other name has, and is the one that docs/notation.md shows."""

from __future__ import annotations

from itertools import product

import pytest

from chainrule.explain.names import COST, Name, by, slope_of
from chainrule.explain.writing.notation import Notation
from chainrule.network import Network

INDEX, TEXTBOOK = Notation(), Notation("textbook", (2, 2, 2))
W = Name("W", 1, (0, 1))

WRITTEN = [
    (W, "W1[0,1]", "W^{1}_{0,1}"),
    (Name("a", 2, (0,)), "a2[0]", "a^{2}_{0}"),
    (Name("a", 2, (0,), row=3), "a2[3,0]", "a^{2}_{3,0}"),
    (Name("x", index=(3,)), "x[3]", "x_{3}"),
    (Name("y", index=(0,)), "y[0]", "y_{0}"),
    (Name("L", row=3), "L[3]", "L_{3}"),
    (COST, "C", "C"),
    (Name("delta", 1, (2,)), "δ1[2]", r"\delta^{1}_{2}"),
    (Name("delta", 1, ("k",)), "δ1[k]", r"\delta^{1}_{k}"),
    (Name("W", 1, (0, ":")), "W1[0,:]", "W^{1}_{0,:}"),
    (slope_of(COST, W), "∂C/∂W1[0,1]", r"\frac{\partial C}{\partial W^{1}_{0,1}}"),
    (W.after(), "W1[0,1] after", r"W^{1,\,\text{after}}_{0,1}"),
    (Name("m", through=W, mark="hat"), "m̂[W1[0,1]]", r"\hat{m}_{W^{1}_{0,1}}"),
    (Name("m", through=W, mark="after"), "m[W1[0,1]] after", r"m^{\text{after}}_{W^{1}_{0,1}}"),
    (Name("zhat", 1, (0,)), "ẑ1[0]", r"\hat{z}^{1}_{0}"),
    (Name("drop", 1, (0,)), "ã1[0]", r"\tilde{a}^{1}_{0}"),
    (Name("mask", 1, (0,)), "r1[0]", "r^{1}_{0}"),
    (Name("mean", 1, (0,)), "mean1[0]", r"\mathrm{mean}^{1}_{0}"),
    (Name("beta", 1, (0,)), "β1[0]", r"\beta^{1}_{0}"),
    (Name("beta1"), "β₁", r"\beta_{1}"),
    (Name("eta"), "η", r"\eta"),
    (Name("norm"), "‖g‖", r"\lVert g \rVert"),
    (Name("f'"), "f'", "f'"),
    (Name("top_k"), "top_k", r"\mathrm{top\_k}"),
]


@pytest.mark.parametrize(("name", "text", "latex"), WRITTEN)
def test_index_notation(name: Name, text: str, latex: str) -> None:
    assert (INDEX.text(name), INDEX.latex(name)) == (text, latex)


@pytest.mark.parametrize(
    ("name", "text", "latex"),
    [
        (Name("W", 2, (0, 0)), "w5", "w_{5}"),
        (Name("b", 2, (1,)), "b4", "b_{4}"),
        (Name("b", 2), "b2", "b_{2}"),
        (Name("z", 1, (0,)), "net_h1", r"\mathrm{net}_{h_{1}}"),
        (Name("a", 2, (1,)), "out_o2", r"\mathrm{out}_{o_{2}}"),
        (Name("a", 1, (0,), row=3), "out_h1[3]", r"\mathrm{out}_{h_{1}}[3]"),
        (Name("x", index=(0,)), "i1", "i_{1}"),
        (Name("y", index=(0,)), "target_o1", r"\mathrm{target}_{o_{1}}"),
        (Name("L", index=(0,)), "E_o1", "E_{o_{1}}"),
        (COST, "E", "E"),
        (by(Name("z", 2, (0,))), "δ_o1", r"\delta_{o_{1}}"),
        (Name("delta", 2, ("k",)), "δ_oₖ", r"\delta_{o_{k}}"),
        (by(Name("W", 2, (0, 0))), "∂E/∂w5", r"\frac{\partial E}{\partial w_{5}}"),
        (Name("W", 2, (0, 0)).after(), "w5 after", r"w_{5}^{\text{after}}"),
        (Name("W", 2, ("k", 0)), "W2[k,0]", "W^{2}_{k,0}"),
    ],
)
def test_textbook_notation(name: Name, text: str, latex: str) -> None:
    assert (TEXTBOOK.text(name), TEXTBOOK.latex(name)) == (text, latex)


@pytest.mark.parametrize("sizes", [(3, 2), (2, 2, 2), (3, 4, 2)])
def test_flat_weights_are_those_that_a_model_takes(sizes: tuple[int, ...]) -> None:
    model = Network.from_sizes(list(sizes)).init(seed=0)
    notation = Notation("textbook", sizes)
    for l in range(1, len(sizes)):
        for i, j in product(range(sizes[l]), range(sizes[l - 1])):
            assert model[notation.text(Name("W", l, (i, j)))] == model[INDEX.text(Name("W", l, (i, j)))]


@pytest.mark.parametrize("notation", [INDEX, TEXTBOOK])
def test_no_two_names_look_alike(notation: Notation) -> None:
    entries = [*product(("z", "a", "delta", "u", "q", "zhat", "mask", "drop"), (1, 2), ((0,), (1,)))]
    names = [Name(symbol, l, index) for symbol, l, index in entries]
    names += [Name("W", l, index) for l, index in product((1, 2), product((0, 1), repeat=2))]
    names += [Name("b", l, (i,)) for l, i in product((1, 2), (0, 1))]
    names += [Name(symbol, index=(i,)) for symbol, i in product("xyL", (0, 1))]
    names += [name.after() for name in names] + [slope_of(COST, name) for name in names]
    for write in (notation.text, notation.latex, notation.mathml):
        assert len({write(name) for name in names}) == len(names)
