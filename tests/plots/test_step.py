"""The picture of a step: what stands on it, what is highlighted, and that everything can be read."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.patches import Circle

from chainrule import BatchNorm, Dense, Dropout, Network
from chainrule.engines import Draw
from chainrule.errors import ShapeError, UsageError
from chainrule.explain import explain
from chainrule.explain.anatomy import Anatomy
from chainrule.explain.names import COST, Name, slope_of
from chainrule.explain.trace import Trace, trace
from chainrule.explain.writing.notation import notation_of
from chainrule.language import speaking, tr
from chainrule.plots import save_figure, step_diagram, style
from chainrule.plots.palette import NEGATIVE, NEUTRAL, POSITIVE
from chainrule.plots.step_layout import edge_segments, make_plan


def worked_example() -> Trace:
    model = Network.from_sizes([2, 2, 2], "sigmoid", "sigmoid").init(seed=0)
    model.W[1][...], model.W[2][...] = [[0.15, 0.20], [0.25, 0.30]], [[0.40, 0.45], [0.50, 0.55]]
    model.b[1][...], model.b[2][...] = 0.35, 0.60
    return trace(model, [[0.05, 0.10]], [[0.01, 0.99]], loss="half_squared_error")


def random_step(*sizes: int, output: str = "identity", rows: int = 1, targets: bool = True) -> Trace:
    random = np.random.default_rng(0)
    model = Network.from_sizes(sizes, "tanh", output).init(seed=1)
    X = random.normal(size=(rows, sizes[0]))
    labels = np.eye(sizes[-1])[random.integers(0, sizes[-1], rows)]
    Y = labels if output == "softmax" else random.normal(size=(rows, sizes[-1]))
    return trace(model, X, Y if targets else None)


def dcost(*place: int) -> Name:
    l, *index = place
    return slope_of(COST, Name("W", l, tuple(index)))


def texts(axes: Axes) -> list[str]:
    return [text.get_text() for text in axes.texts]


def lines(axes: Axes) -> dict[Any, LineCollection]:
    return {each.get_label(): each for each in axes.collections if isinstance(each, LineCollection)}


def places(collection: LineCollection) -> set[tuple[float, ...]]:
    return {tuple(np.round(np.ravel(segment), 6)) for segment in collection.get_segments()}


def test_the_worked_example_has_all_its_numbers() -> None:
    forward, backward = (texts(axes) for axes in step_diagram(worked_example()).axes)
    for number in ("0.05", "0.1", "0.5933", "0.5969", "0.7514", "0.7729", "0.2748", "0.02356", "0.2984"):
        assert forward.count(number) == 1, number
    assert {"x[0]", "a1[0]", "a2[1]", "L[0]", "C", "z = 0.3775\nb = 0.35", "y = 0.01"} <= set(forward)
    assert {"W1[0,1]\n0.2", "W2[0,0]\n0.4", "W2[1,1]\n0.55"} <= set(forward)
    assert {"∂C/∂W2[0,0]\n0.08217", "∂C/∂W1[0,0]\n0.0004386", "0.1385", "−0.0381", "0.008771"} <= set(backward)
    assert {"∂C/∂a = 0.7414\nf′(z) = 0.1868", "∂C/∂x[0]", "δ2[1]", "∂C/∂a2[0]", "0.7414", "∂C/∂C"} <= set(backward)
    assert {"input", "hidden · sigmoid", "output · sigmoid", "loss", "cost"} <= set(forward) & set(backward)
    assert forward[0] == "Forward →"
    assert backward[0] == "← Backward"


def test_textbook_names() -> None:
    forward, backward = (texts(axes) for axes in step_diagram(worked_example(), notation="textbook").axes)
    assert {"i1", "h2", "o1", "E_o1", "E", "w1\n0.15", "w5\n0.4", "net = 0.3775\nb = 0.35"} <= set(forward)
    assert {"δ_h1", "∂E/∂w5\n0.08217", "∂E/∂i1", "∂E/∂out = 0.7414\nf′(net) = 0.1868"} <= set(backward)
    title = step_diagram(worked_example(), dcost(2, 0, 0), notation="textbook").get_suptitle()
    assert title.startswith("∂E/∂w5 = 0.08216704")


def test_lines_and_discs_follow_their_numbers() -> None:
    step = random_step(3, 4, 4, 2)
    forward, backward = step_diagram(step).axes
    p = step.model.parameters
    for axes, flow in (
        (forward, lambda l: p.W[l] * step.A[l - 1][0]),
        (backward, lambda l: p.W[l] * step.D[l][0][:, None]),
    ):
        for l in (1, 2, 3):
            values = flow(l).ravel()
            drawn = lines(axes)[f"W{l}"]
            assert [to_hex(c).upper() for c in drawn.get_colors()] == [POSITIVE if v > 0 else NEGATIVE for v in values]
            assert [pattern is None for _, pattern in drawn.get_linestyle()] == [v > 0 for v in values]
            np.testing.assert_array_equal(np.argsort(drawn.get_linewidths()), np.argsort(np.abs(values)))
    discs = [patch for patch in forward.patches if isinstance(patch, Circle) and patch.get_label() == "disc"]
    activations = np.concatenate([step.A[l][0] for l in range(4)])
    assert [disc.get_linestyle() == "-" for disc in discs] == [a > 0 for a in activations]
    scale = np.concatenate([np.full(len(step.A[l][0]), np.abs(step.A[l][0]).max()) for l in range(4)])
    areas = np.array([disc.radius for disc in discs]) ** 2
    np.testing.assert_allclose(areas / areas.max(), np.abs(activations) / scale, rtol=1e-12)


def test_exactly_the_paths_are_marked() -> None:
    step = random_step(3, 4, 4, 2)
    plain = [lines(axes) for axes in step_diagram(step).axes]
    for axes, before in zip(step_diagram(step, dcost(1, 1, 2)).axes, plain, strict=True):
        marked = lines(axes)

        def some(l: int, keep: Callable[[int, int], bool], before: Any = before) -> set[tuple[float, ...]]:
            segments = before[f"W{l}"].get_segments()
            columns = step.model.W[l].shape[1]
            return {tuple(np.round(np.ravel(s), 6)) for n, s in enumerate(segments) if keep(n // columns, n % columns)}

        assert places(marked["asked W1"]) == some(1, lambda i, j: (i, j) == (1, 2))
        assert "paths W1" not in marked
        assert places(marked["paths W2"]) == some(2, lambda i, j: j == 1)
        assert places(marked["paths W3"]) == some(3, lambda i, j: True)
        assert "asked W2" not in marked
        strength = np.asarray(marked["W2"].get_alpha()).reshape(4, 4)
        assert (strength[:, 1] == 1).all()
        assert (np.delete(strength, 1, axis=1) < 0.2).all()
        strength = np.asarray(marked["W1"].get_alpha()).reshape(4, 3)
        assert (strength == 1).sum() == strength[1, 2] == 1
    assert not any("path" in str(label) or "asked" in str(label) for each in plain for label in each)


def test_where_a_weight_begins_counts_going_forward_only() -> None:
    pale = []
    for axes in step_diagram(worked_example(), dcost(2, 0, 1)).axes:
        inks = {text.get_text(): to_hex(text.get_color()) for text in axes.texts}
        pale.append(
            {name for name, ink in inks.items() if ink == "#bbbbbb" and name[:1] in "axδ∂" and "\n" not in name}
        )
    assert pale[0] == {"x[0]", "x[1]", "a1[0]", "a2[1]"}
    assert pale[1] == {"∂C/∂x[0]", "∂C/∂x[1]", "δ1[0]", "δ1[1]", "δ2[1]", "∂C/∂a2[1]"}


def test_the_number_asked_for_is_written_on_its_line_and_in_the_title() -> None:
    step = random_step(3, 4, 4, 2, rows=3)
    figure = step_diagram(step, dcost(1, 1, 2), row=2)
    whole, own = step.gradient.W[1][1, 2], step.row_gradient(2).W[1][1, 2]
    title, *detail = figure.get_suptitle().split("\n")
    assert title == f"∂C/∂W1[1,2] = {whole:.8g}".replace("-", "−")
    said = " ".join(detail)
    assert "all paths to the cost; row 2 of the rows 0 to 2; its loss is" in said
    assert f"; {style.significant(own)} of the derivative comes from it" in said
    assert f"∂C/∂W1[1,2]\n{style.significant(own, 3)}" in texts(figure.axes[1])
    assert f"W1[1,2]\n{style.significant(step.model.W[1][1, 2], 3)}" in texts(figure.axes[0])


def test_the_row_is_the_one_named_else_the_first() -> None:
    step = random_step(2, 2, 1, rows=4)
    for figure, row in (
        (step_diagram(step), 0),
        (step_diagram(step, row=3), 3),
        (step_diagram(step, Name("a", 1, (0,), 2)), 2),
        (step_diagram(step, slope_of(COST, Name("z", 1, (0,), 2))), 2),
    ):
        assert f"row {row} of the rows 0 to 3" in " ".join(figure.get_suptitle().split("\n"))
        assert style.significant(step.A[2][row, 0]) in texts(figure.axes[0])
    assert "row" not in step_diagram(worked_example()).get_suptitle()


def test_a_text_is_read_as_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    asking = ModuleType("chainrule.explain.asking")
    monkeypatch.setattr(asking, "find_name", lambda text, step: {"dC/dW1[0,1]": dcost(1, 0, 1)}[text], raising=False)
    monkeypatch.setitem(sys.modules, "chainrule.explain.asking", asking)
    assert step_diagram(worked_example(), "dC/dW1[0,1]").get_suptitle().startswith("∂C/∂W1[0,1] = ")


@pytest.mark.parametrize(
    ("sizes", "notation"),
    [
        *(((2, 2, 2), "index"), ((2, 3, 1), "index"), ((1, 1), "index"), ((4, 3), "index"), ((3, 3), "index")),
        *(((2, 2, 2), "textbook"), ((2, 5, 1), "textbook"), ((3, 4), "textbook"), ((1, 4, 1), "textbook")),
        *(((3, 4, 4, 2), "index"), ((6, 6), "index"), ((20, 10, 5, 1), "index"), ((784, 100, 10), "index")),
    ],
)
def test_texts_do_not_overlap(check_texts: Callable[[Figure], None], sizes: tuple[int, ...], notation: str) -> None:
    rows = 1 if notation == "textbook" else 2
    step, l = random_step(*sizes, output="softmax" if sizes[-1] > 2 else "identity", rows=rows), len(sizes) - 1
    last = dcost(l, sizes[l] - 1, sizes[l - 1] - 1) if max(sizes) > 2 else None
    check_texts(step_diagram(step, last, notation=notation, row=rows - 1))


@pytest.mark.parametrize("before", [1, 2, 3, 4])
@pytest.mark.parametrize("after", [1, 2, 3, 4])
def test_every_number_has_its_place_or_none_has(before: int, after: int) -> None:
    plan = make_plan([np.ones(before), np.ones(after)], None, True, 10)
    if (before, after) in {(3, 4), (4, 3), (4, 4)}:  # too many lines
        assert not plan.numbers
        return
    segments, middles = edge_segments(*plan.layers), plan.numbers[0]
    ways = segments[:, 1] - segments[:, 0]
    shares = (middles[:, 0] - segments[:, 0, 0]) / ways[:, 0]
    np.testing.assert_allclose(segments[:, 0] + shares[:, None] * ways, middles, atol=1e-12)
    high = 2 * 1.2 * plan.detail.note / 72  # two lines of text
    for n, (x, y) in enumerate(middles):
        for other in range(len(middles)):
            if other == n:
                continue
            assert abs(x - middles[other, 0]) > 0.9 or abs(y - middles[other, 1]) > high
            there = segments[other, 0, 1] + (x - segments[other, 0, 0]) / ways[other, 0] * ways[other, 1]
            assert abs(y - there) > high / 2


@pytest.mark.parametrize("step", [worked_example(), random_step(2, 3, 1), random_step(3, 3)], ids=["222", "231", "33"])
def test_numbers_on_lines_touch_neither_each_other_nor_circles(step: Trace) -> None:
    figure = step_diagram(step)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    for axes in figure.axes:
        boxes = [
            text.get_window_extent(canvas.get_renderer())
            for text in axes.texts
            if "W" in text.get_text().split("\n")[0]
        ]
        assert len(boxes) == sum(w.size for w in step.model.W.values())
        assert not any(a.overlaps(b) for a, b in combinations(boxes, 2))
        circles = [patch.get_window_extent() for patch in axes.patches if isinstance(patch, Circle)]
        assert not any(a.overlaps(b) for a in boxes for b in circles)


def test_numbers_fit_into_their_circles() -> None:
    figure = step_diagram(worked_example())
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    for axes in figure.axes:
        radius = max(patch.get_window_extent().width for patch in axes.patches if isinstance(patch, Circle)) / 2
        for text in axes.texts:
            if text.get_text() in ("0.008771", "0.003804", "−0.0381", "0.5933"):
                assert text.get_window_extent(canvas.get_renderer()).width < 2 * radius
                assert text.get_fontsize() >= 8


def test_wide_layers_show_the_largest_and_those_asked_for() -> None:
    step = random_step(784, 100, 10, output="softmax")
    forward, backward = step_diagram(step).axes
    assert {"⋮ 774 more", "⋮ 90 more"} <= set(texts(forward)) & set(texts(backward))
    largest = np.argsort(-np.abs(step.A[0][0]))[:10]
    assert {f"x[{j}]" for j in largest} == {text for text in texts(forward) if text.startswith("x[")}
    assert {f"a2[{k}]" for k in range(10)} <= set(texts(forward))
    said = [texts(axes)[1].replace("\n", " ") for axes in (forward, backward)]
    assert "box: loss of the output" in said[0]
    assert "box: a − y" in said[1]
    smallest = int(np.argmin(np.abs(step.A[0][0])))
    unlikely = int(np.argmin(np.abs(step.A[1][0])))
    asked = step_diagram(step, dcost(1, unlikely, smallest)).axes[1]
    assert {f"∂C/∂x[{smallest}]", f"δ1[{unlikely}]"} <= set(texts(asked))
    assert len([text for text in texts(asked) if text.startswith("∂C/∂x[")]) == 10
    assert len(step_diagram(step, max_neurons=3).axes[0].collections[0].get_segments()) == 9


def test_softmax_and_the_short_form() -> None:
    forward, backward = step_diagram(random_step(2, 3, output="softmax")).axes
    assert {"a1[0] − y[0]", "a1[2] − y[2]"} <= set(texts(backward))
    for axes in (forward, backward):
        assert [line.get_label() for line in axes.lines].count("coupled") == 1
    assert not any(line.get_label() == "coupled" for line in step_diagram(worked_example()).axes[0].lines)


def test_a_loss_that_is_no_sum_shows_targets_only() -> None:
    model = Network.from_sizes([2, 2]).init(seed=0)
    forward, backward = step_diagram(trace(model, [[1, 2]], [[3, 4]], loss="euclidean_distance")).axes
    assert "L[0]" not in texts(forward)
    assert "y = 3" in texts(forward)
    assert "∂C/∂a1[0]" in texts(backward)


def test_without_targets_there_is_only_the_forward_pass(check_texts: Callable[[Figure], None]) -> None:
    step = random_step(2, 1, targets=False)
    figure = step_diagram(step)
    assert len(figure.axes) == 1
    assert not {"loss", "cost", "C"} & set(texts(figure.axes[0]))
    check_texts(figure)
    check_texts(step_diagram(step, Name("a", 1, (0,))))


def test_dropped_neurons_are_crossed_out() -> None:
    network = Network([Dense(6, "tanh"), Dropout(0.5), Dense(1)], inputs=2)
    step = trace(network.init(seed=0), [[0.5, 1.0]], [[1.0]], draw=Draw(0, 1))
    dropped = int((step.A[1][0] == 0).sum())
    assert 0 < dropped < 6
    figure = step_diagram(step)
    for axes in figure.axes:
        assert [line.get_label() for line in axes.lines].count("dropped") == 2 * dropped
    assert "dropped" in [text.get_text() for text in figure.legends[0].get_texts()]
    assert "zero" in [text.get_text() for text in figure.legends[0].get_texts()]
    grey = [to_hex(c) for c in lines(figure.axes[0])["W2"].get_colors()]
    assert grey.count(NEUTRAL) == dropped


@pytest.mark.parametrize("suffix", [".svg", ".png"])
def test_it_can_be_saved(tmp_path: Path, suffix: str) -> None:
    path = save_figure(step_diagram(worked_example(), dcost(1, 0, 0)), tmp_path / f"step{suffix}")
    again = save_figure(step_diagram(worked_example(), dcost(1, 0, 0)), tmp_path / f"again{suffix}")
    assert path.read_bytes() == again.read_bytes()


def test_words_are_told_in_the_language_in_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(style, "_font_families", lambda: ("DejaVu Sans", "Noto Sans CJK SC"))
    with speaking("zh"):
        shown = texts(step_diagram(worked_example()).axes[0])
        assert tr("input") in shown
    assert "input" not in shown


def test_chinese_letters_are_drawn(tmp_path: Path, check_texts: Callable[[Figure], None]) -> None:
    if len(style._font_families()) < 2:
        pytest.skip("no Chinese font is installed")
    with warnings.catch_warnings(), speaking("zh"):
        warnings.simplefilter("error")
        figure = step_diagram(worked_example(), dcost(1, 0, 0), title="一步之内：数值向前，误差向后")
        check_texts(figure)
        save_figure(figure, tmp_path / "step.png")


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"row": 3}, "row is 3; this step has 3 rows, expected an integer from 0 to 2"),
        ({"row": -1}, "row is -1"),
        ({"row": 1.5}, r"row is 1\.5"),
        ({"row": True}, "row is True"),
        ({"of": Name("a", 1, (0,), 7)}, "row is 7"),
        ({"of": dcost(1, 0, 2)}, r"index \[0, 2\]"),
        ({"of": 5}, "must be a Name or a text, not int"),
        ({"notation": "roman"}, r"unknown notation 'roman'\. Known: index, textbook"),
        ({"max_neurons": 2}, "max_neurons is 2"),
    ],
)
def test_wrong_arguments(keywords: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        step_diagram(random_step(2, 3, 1, rows=3), **keywords)


def test_wrong_steps() -> None:
    with pytest.raises(UsageError, match="was given Model; give it what trace"):
        step_diagram(worked_example().model)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="without targets there is no error"):
        step_diagram(random_step(2, 1, targets=False), dcost(1, 0, 0))
    model = Network.from_sizes([2, 1]).init(seed=0)
    model.W[1][...] = 1e308
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        step = trace(model, [[10.0, 10.0]])
    with pytest.raises(UsageError, match=r"A\[1\] has inf"):
        step_diagram(step)


def layered_step(*layers: Any, rows: int = 3, inputs: int = 2) -> Trace:
    model = Network([*layers, Dense(2, "softmax")], inputs=inputs).init(seed=0)
    X = np.random.default_rng(4).normal(size=(rows, inputs))
    return trace(model, X, np.eye(2)[np.arange(rows) % 2], draw=Draw(0, 1))


def said(axes: Axes) -> str:
    return texts(axes)[1].replace("\n", " ")


LAYERED = {
    "normalization first": (BatchNorm(), Dense(2, "tanh")),
    "normalization inside": (Dense(2, "identity"), BatchNorm("tanh")),
    "dropout": (Dense(3, "tanh"), Dropout(0.5)),
    "all": (BatchNorm(), Dropout(0.3), Dense(12, "identity"), BatchNorm("relu"), Dropout(0.5)),
    "six": (BatchNorm(), Dense(6), BatchNorm("relu"), Dropout(0.5)),
}


@pytest.mark.parametrize("layers", LAYERED.values(), ids=LAYERED.keys())
def test_pictures_of_normalization_and_dropout_can_be_read(
    check_texts: Callable[[Figure], None], layers: tuple[Any, ...]
) -> None:
    check_texts(step_diagram(layered_step(*layers), row=1))


def test_a_normalization_of_the_inputs_stands_below_them() -> None:
    step = layered_step(*LAYERED["normalization first"])
    forward, backward = step_diagram(step, row=1).axes
    after = step.stages[0].A[1]
    for j in range(2):
        assert {style.significant(step.X[1, j]), f"a = {style.significant(after[j])}"} <= set(texts(forward))
    assert {"x[1,0]", "a1[1,0]", "L[1,1]"} <= set(texts(forward))
    assert "the first lines carry a, what normalization or dropout makes of x" in said(forward)
    assert {"∂C/∂x[1,1]", "δ1[1,0]", "a2[1,0] − y[1,0]"} <= set(texts(backward))


def test_lines_into_a_normalization_are_called_what_they_are() -> None:
    step = layered_step(*LAYERED["normalization inside"])
    forward, backward = step_diagram(step).axes
    z, u = step.Z[1][0, 1], step.stages[0].Z[0, 1]
    assert f"z = {style.significant(z)}\nβ = 0\nu = {style.significant(u)}" in texts(forward)
    assert "w · a, what the weight adds to z or u" in said(forward)
    assert "line: (δ or ∂C/∂u) · w" in said(backward)
    assert "row 0's share of ∂C/∂w, (δ or ∂C/∂u) · a" in said(backward)
    for axes in (forward, backward):
        assert "u: the weighted sum before batch normalization" in said(axes)
    plain = step_diagram(worked_example()).axes
    assert "w · a, what the weight adds to z; on the line: w" in said(plain[0])
    assert "line: δ · w, what the weight takes back; on the line: ∂C/∂w = δ · a" in said(plain[1])


def test_in_a_batch_the_numbers_on_the_lines_are_called_the_share_of_the_row() -> None:
    small, large = random_step(2, 2, 2, rows=3), random_step(6, 6, rows=3)
    assert "on the line: row 2's share of ∂C/∂w, δ · a" in said(step_diagram(small, row=2).axes[1])
    assert "on the line: row 2's share of ∂C/∂w" in said(step_diagram(large, dcost(1, 1, 2), row=2).axes[1])
    assert "on the line" not in said(step_diagram(large, row=2).axes[1])


def test_circles_have_the_names_of_the_page() -> None:
    step = layered_step(*LAYERED["dropout"])
    figure = step_diagram(step, "drop1[1,0]")
    assert figure.get_suptitle().startswith("ã1[1,0] = ")
    body, page = Anatomy(step), notation_of("index", step.model.network.sizes)
    shown = texts(figure.axes[0])
    for symbol, l, width in (("x", None, 2), ("drop", 1, 3), ("a", 2, 2)):
        for i in range(width):
            assert page.text(body.ref(symbol, l, i, row=1).name) in shown
    assert not any(text.startswith("a1[") for text in shown)
    assert "ã: what dropout leaves of a" in said(figure.axes[0])


@pytest.mark.parametrize(
    "step",
    [random_step(2, 2, 2, 1), random_step(2, 2, 1, rows=2), layered_step(*LAYERED["dropout"], rows=1)],
    ids=["deep", "batch", "dropout"],
)
def test_textbook_names_are_refused_where_the_page_refuses_them(step: Trace) -> None:
    with pytest.raises(ShapeError, match="textbooks have names for one example") as page:
        explain(step, notation="textbook")
    with pytest.raises(ShapeError) as picture:
        step_diagram(step, notation="textbook")
    assert str(picture.value) == str(page.value)


def test_through_a_step_function_only_the_forward_pass_is_drawn(check_texts: Callable[[Figure], None]) -> None:
    model = Network([Dense(2, "step"), Dense(1, "step")], inputs=2).init(seed=0)
    step = trace(model, [[0.5, 1.0]], [[1.0]], loss="half_squared_error")
    figure = step_diagram(step, Name("a", 2, (0,)))
    assert len(figure.axes) == 1
    assert {"L[0]", "C", "y = 1", "output · step"} <= set(texts(figure.axes[0]))
    assert "no error comes back through a step function" in figure.get_suptitle().replace("\n", " ")
    check_texts(figure)
    with pytest.raises(UsageError, match="no usable slope"):
        step_diagram(step, dcost(1, 0, 0))


def test_integers_of_numpy_are_integers() -> None:
    step, i = random_step(2, 5, 1, rows=3), np.int64
    plain = step_diagram(step, dcost(1, 1, 0), row=2, max_neurons=4)
    asked = slope_of(COST, Name("W", 1, (i(1), i(0)), row=i(2)))  # type: ignore[arg-type]
    again = step_diagram(step, slope_of(COST, Name("W", 1, (i(1), i(0)))), row=i(2), max_neurons=i(4))  # type: ignore[arg-type]
    for one, other in zip(plain.axes, again.axes, strict=True):
        assert texts(one) == texts(other)
        assert lines(one).keys() == lines(other).keys()
        assert len(lines(one)["asked W1"].get_segments()) == len(lines(other)["asked W1"].get_segments()) == 1
    assert plain.get_suptitle() == again.get_suptitle()
    assert "row 2 of" in step_diagram(step, asked).get_suptitle()


@pytest.mark.parametrize("sizes", [(2, 2, 2), (5, 6, 2), (4, 12, 2)], ids=["full", "medium", "wide"])
@pytest.mark.parametrize("scale", [-1.0, 5.8e-4, -5.8e-4, -1.234e-5, -9.876e105, 1.234e-200])
def test_numbers_keep_off_the_borders_of_their_circles(sizes: tuple[int, ...], scale: float) -> None:
    model = Network.from_sizes(sizes, "identity", "identity").init(seed=0)
    model.theta[:] = 0.0
    figure = step_diagram(trace(model, [[scale * 1.2345678] * sizes[0]]))
    figure.set_dpi(300)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    (axes,) = figure.axes
    outlines = [patch for patch in axes.patches if isinstance(patch, Circle) and patch.get_label() != "disc"]
    checked = 0
    for text in axes.texts:
        at = next((circle for circle in outlines if circle.center == text.get_position()), None)
        if at is None:
            continue
        checked += 1
        assert text.get_fontsize() >= 5.3
        box, circle = text.get_window_extent(canvas.get_renderer()), at.get_window_extent()
        middle = np.array([circle.x0 + circle.x1, circle.y0 + circle.y1]) / 2
        assert np.linalg.norm(box.corners() - middle, axis=1).max() < 0.9 * circle.width / 2, text.get_text()
    assert checked >= sum(min(size, 10) for size in sizes)
