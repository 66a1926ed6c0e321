from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.collections import LineCollection
from matplotlib.colors import to_hex
from matplotlib.patches import Circle

from chainrule.errors import ShapeError, UsageError
from chainrule.plots import network_diagram
from chainrule.plots.palette import NEGATIVE, NEUTRAL, POSITIVE


def edges(figure):
    return {c.get_label(): c for c in figure.axes[0].collections if isinstance(c, LineCollection)}


def texts(figure):
    return [text.get_text() for text in figure.axes[0].texts]


def circles(figure):
    return [patch for patch in figure.axes[0].patches if isinstance(patch, Circle)]


@settings(max_examples=10, deadline=None)
@given(sizes=st.lists(st.integers(1, 6), min_size=2, max_size=4), seed=st.integers(0, 100))
def test_edges_follow_the_weights(make_model, sizes, seed):
    model = make_model(*sizes, seed=seed)
    figure = network_diagram(model)
    drawn = edges(figure)
    assert len(circles(figure)) == sum(sizes)
    assert list(drawn) == [f"W{l}" for l in range(1, len(sizes))]
    largest = max(np.abs(w).max() for w in model.W.values())
    for l, weights in model.W.items():
        lines = drawn[f"W{l}"]
        flat = weights.ravel()
        assert [to_hex(c).upper() for c in lines.get_colors()] == [POSITIVE if w > 0 else NEGATIVE for w in flat]
        solid = [pattern is None for _, pattern in lines.get_linestyle()]
        assert solid == [w > 0 for w in flat]
        widths = np.asarray(lines.get_linewidths())
        np.testing.assert_array_equal(np.argsort(widths), np.argsort(np.abs(flat)))
        assert widths.max() <= 4.0 + 1e-9
        assert (widths.max() > 4.0 - 1e-9) == (np.abs(flat).max() == largest)


def test_an_edge_joins_its_two_neurons(make_model):
    model = make_model(2, 3)
    (lines,) = edges(network_diagram(model)).values()
    starts, ends = np.asarray(lines.get_segments()).transpose(1, 0, 2)
    assert np.ptp(starts[:, 0]) == np.ptp(ends[:, 0]) == 0
    ends = ends[:, 1].reshape(3, 2)
    starts = starts[:, 1].reshape(3, 2)
    assert (np.ptp(ends, axis=1) == 0).all()
    assert (np.diff(ends[:, 0]) < 0).all()
    assert (np.ptp(starts, axis=0) == 0).all()
    assert (starts[:, 0] > starts[:, 1]).all()


@pytest.mark.parametrize(
    "sizes",
    [
        *((2, 1), (2, 2, 1), (2, 2, 2), (2, 5, 1), (3, 4), (4, 3), (12, 1), (1, 12), (2, 3, 1, 1), (1, 1)),
        *((4, 8, 3), (64, 32, 10), (784, 30, 10), (8,) * 8, (1000, 1000, 2)),
    ],
)
def test_texts_do_not_overlap(make_model, check_texts, sizes):
    check_texts(network_diagram(make_model(*sizes)))


def test_names(make_model, check_texts):
    inputs = ["sepal length (cm)", "sepal width (cm)", "petal length (cm)", "petal width (cm)"]
    outputs = ["setosa", "versicolor", "Married-spouse-absent"]
    figure = network_diagram(make_model(4, 8, 3), inputs=inputs, outputs=outputs, title="Iris")
    assert {*inputs, *outputs} <= set(texts(figure))
    check_texts(figure)


def test_long_names_widen_the_figure_and_shrink_nothing(make_model):
    def width_of_a_circle(**names):
        figure = network_diagram(make_model(4, 8, 3), **names)
        figure.draw_without_rendering()
        return circles(figure)[0].get_window_extent().width

    names = ["Married-spouse-absent, 24"] * 4
    assert width_of_a_circle(inputs=names, outputs=names[:3]) == pytest.approx(width_of_a_circle(), rel=0.05)


def test_tiny_networks_show_their_numbers(make_model):
    model = make_model(2, 2, 1)
    model.W[1][:] = [[0.15, 0.2], [-0.25, 1234.5]]
    model.b[2][:] = -0.6
    shown = texts(network_diagram(model))
    assert {"0.15", "0.2", "−0.25", "1.23e+03", "b = −0.6", "x1", "h2", "o1"} <= set(shown)
    assert "0.15" not in texts(network_diagram(make_model(3, 5)))


def test_wide_layers_are_abbreviated(make_model):
    model = make_model(784, 30, 10)
    figure = network_diagram(model)
    shown = texts(figure)
    assert shown.count("⋮") == 2
    assert {"x1", "x6", "x780", "x784", "h1", "h30", "o10"} <= set(shown)
    assert "x7" not in shown
    assert "input\n784" in shown
    assert "hidden\n30\nrelu" in shown
    assert "output\n10\nsoftmax" in shown
    assert len(circles(figure)) == 11 + 11 + 10
    kept = [*range(6), *range(779, 784)]
    expected = model.W[1][np.ix_([*range(6), *range(25, 30)], kept)].ravel()
    colours = [to_hex(c).upper() for c in edges(figure)["W1"].get_colors()]
    assert colours == [POSITIVE if w > 0 else NEGATIVE for w in expected]


def test_max_neurons(make_model):
    assert len(circles(network_diagram(make_model(20, 20), max_neurons=3))) == 4
    assert len(circles(network_diagram(make_model(20, 20), max_neurons=20))) == 40


def test_biases_point_up_or_down(make_model):
    model = make_model(2, 3, 1)
    model.b[1][:] = [1.0, -2.0, 0.0]
    model.b[2] = None
    marks = [c for c in network_diagram(model).axes[0].collections if not isinstance(c, LineCollection)]
    assert [len(mark.get_offsets()) for mark in marks] == [1, 1]
    assert [to_hex(mark.get_facecolor()[0]).upper() for mark in marks] == [POSITIVE, NEGATIVE]
    assert marks[0].get_offsets()[0, 1] > marks[1].get_offsets()[0, 1]


def test_zero_weights_are_dotted_and_no_bias_no_mark(make_model):
    model = make_model(2, 1, biases=False)
    model.W[1][:] = 0.0
    figure = network_diagram(model)
    assert {to_hex(c) for c in edges(figure)["W1"].get_colors()} == {NEUTRAL}
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["weight = 0"]


@pytest.mark.parametrize(
    ("keywords", "error", "message"),
    [
        ({"inputs": ["a"]}, ShapeError, "inputs has 1 names for the 2"),
        ({"outputs": ["a", "b"]}, ShapeError, "outputs has 2 names for the 1"),
        ({"max_neurons": 2}, UsageError, "max_neurons is 2"),
        ({"max_neurons": 3.5}, UsageError, r"max_neurons is 3\.5"),
    ],
)
def test_wrong_arguments(make_model, keywords, error, message):
    with pytest.raises(error, match=message):
        network_diagram(make_model(2, 3, 1), **keywords)


def test_wrong_models(make_model):
    broken = make_model(2, 3, 1)
    broken.W[2][0, 1] = np.nan
    with pytest.raises(UsageError, match=r"W\[2\] has nan in row 0"):
        network_diagram(broken)
    broken = make_model(2, 3, 1)
    broken.W[2] = np.ones((1, 4))
    with pytest.raises(ShapeError, match=r"W\[2\] has the shape \(1, 4\).*3 neurons"):
        network_diagram(broken)
    broken.W[2] = np.ones((1, 3))
    broken.b[1] = np.ones(2)
    with pytest.raises(ShapeError, match=r"b\[1\] has 2 biases for the 3"):
        network_diagram(broken)
    with pytest.raises(UsageError, match="was given SimpleNamespace"):
        network_diagram(SimpleNamespace())
    with pytest.raises(UsageError, match="no dense layer"):
        network_diagram(SimpleNamespace(W={}, b={}, network=SimpleNamespace(depth=0, inputs=2, dense=[])))
