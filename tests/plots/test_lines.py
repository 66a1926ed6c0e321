from __future__ import annotations

import math

import numpy as np
import pytest

from chainrule.errors import ShapeError, UnknownName, UsageError
from chainrule.formulas import ACTIVATIONS
from chainrule.language import Message
from chainrule.plots.activations import activation_curves, value_and_slope
from chainrule.plots.lines import Curve, Panel, line_panels, mean_curves
from chainrule.plots.losses import loss_panels
from chainrule.plots.palette import COLOURS, LINE_STYLES
from chainrule.plots.tangent import tangent_panel

X = np.arange(5.0)


def legend(axes):
    return [] if axes.get_legend() is None else [text.get_text() for text in axes.get_legend().get_texts()]


def test_the_curves_are_drawn_as_they_are_given():
    y = np.array([1.0, math.nan, 3.0, 2.0, 0.0])
    panel = Panel([Curve(X, y, "one"), Curve(X, 2 * X, "two", points=True)], x="epoch", y="loss", title="above")
    (axes,) = line_panels([panel], title="A title", detail="below").axes
    first, second = axes.get_lines()
    np.testing.assert_array_equal(first.get_xdata(), X)
    np.testing.assert_array_equal(first.get_ydata(), y)
    np.testing.assert_array_equal(second.get_ydata(), 2 * X)
    assert (first.get_linestyle(), first.get_marker()) == ("-", "None")
    assert (second.get_linestyle(), second.get_marker()) == ("None", "s")
    assert (axes.get_xlabel(), axes.get_ylabel(), axes.get_title()) == ("epoch", "loss", "above")
    assert legend(axes) == ["one", "two"]
    assert axes.figure.get_suptitle() == "A title\nbelow"


def test_means_become_curves_with_bands():
    one, two = mean_curves({"one": ([1.0, 2.0], [0.5, 0.0]), "two": ([3.0], [0.0])}, first=0)
    assert (one.label, list(one.x), one.y, one.spread) == ("one", [0, 1], [1.0, 2.0], [0.5, 0.0])
    assert (two.label, list(two.x)) == ("two", [0])
    assert list(mean_curves({"one": ([1.0, 2.0], [0.5, 0.0])})[0].x) == [1, 2]
    (axes,) = line_panels([Panel([one, two])]).axes
    assert len(axes.collections) == 2


def test_curves_differ_in_more_than_colour():
    (axes,) = line_panels([Panel([Curve(X, k * X, str(k)) for k in range(4)])]).axes
    looks = [(line.get_color(), line.get_linestyle()) for line in axes.get_lines()]
    assert looks == list(zip(COLOURS, LINE_STYLES, strict=False))


def test_a_name_looks_alike_in_all_panels():
    first = Panel([Curve(X, X, "batch"), Curve(X, X, "stochastic")])
    second = Panel([Curve(X, X, "other"), Curve(X, X, "stochastic")])
    one, two = line_panels([first, second]).axes
    colours = {line.get_label(): line.get_color() for line in (*one.get_lines(), *two.get_lines())}
    assert colours == {"batch": COLOURS[0], "stochastic": COLOURS[1], "other": COLOURS[0]}


def test_panels_that_agree_share_a_legend():
    panels = [Panel([Curve(X, X, "value"), Curve(X, X, "slope")])] * 3
    figure = line_panels(panels)
    assert [legend(axes) for axes in figure.axes] == [[]] * 3
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["value", "slope"]


def test_without_names_there_is_no_legend():
    figure = line_panels([Panel([Curve(X, X)])] * 2)
    assert not figure.legends
    assert [legend(axes) for axes in figure.axes] == [[], []]


@pytest.mark.parametrize(("spread", "low"), [(0.5, X - 0.5), (X, 0 * X)])
def test_the_spread_is_a_band_around_the_curve(spread, low):
    (axes,) = line_panels([Panel([Curve(X, X, spread=spread)])]).axes
    corners = axes.collections[0].get_paths()[0].vertices
    for x, y in zip(X, low, strict=True):
        assert (corners == [x, y]).all(axis=1).any()


@pytest.mark.parametrize(("y", "scale"), [([1.0, 0.1, 0.0, 0.01, 5.0], "log"), ([0.0, -1.0, 0.0, -2.0, 0.0], "linear")])
def test_log_where_something_is_above_zero(y, scale):
    figure = line_panels([Panel([Curve(X, y)], log=True)])
    assert figure.axes[0].get_yscale() == scale
    figure.draw_without_rendering()


def test_a_log_axis_within_one_decade_has_ticks():
    (axes,) = line_panels([Panel([Curve(X, 1 + 1 / (1 + X))], log=True)]).axes
    low, high = axes.get_ylim()
    assert sum(low <= tick <= high for tick in axes.get_yticks()) >= 2


@pytest.mark.parametrize(
    ("count", "columns", "expected"), [(1, 0, 1), (3, 0, 3), (4, 0, 2), (14, 0, 4), (3, 1, 1), (2, 9, 2)]
)
def test_columns(count, columns, expected):
    figure = line_panels([Panel([Curve(X, X)])] * count, columns=columns)
    assert len(figure.axes) == count
    figure.draw_without_rendering()
    assert len({round(axes.get_position().x0, 3) for axes in figure.axes}) == expected


@pytest.mark.parametrize("count", [1, 2, 3, 14])
@pytest.mark.parametrize("names", [("a", "b"), ("a long name of a curve", "another name")])
def test_texts_do_not_overlap(check_texts, count, names):
    panels = [
        Panel(
            [Curve(X, X, f"{name} {k}") for name in names],
            x="epoch",
            y="loss (log)",
            title=f"panel {k}",
            log=k % 2 == 0,
        )
        for k in range(count)
    ]
    check_texts(line_panels(panels, title="A heading of some length", detail="and its second line"))


def test_the_legend_hides_no_curve():
    figure = line_panels([Panel([Curve(X, X, "one"), Curve(X, -X, "two")])])
    figure.draw_without_rendering()
    (axes,) = figure.axes
    assert axes.get_legend().get_window_extent().x0 >= axes.get_window_extent().x1


def test_words_of_others_may_hold_braces():
    (axes,) = line_panels([Panel([Curve(X, X, "{x}")], x="{", title=Message("{n} rows", n=3))]).axes
    assert (legend(axes), axes.get_xlabel(), axes.get_title()) == (["{x}"], "{", "3 rows")


@pytest.mark.parametrize(
    ("panels", "kind", "text"),
    [
        ([], UsageError, "at least one Panel"),
        (Panel([Curve(X, X)]), UsageError, "at least one Panel"),
        ([Panel([])], UsageError, "curves of panel 1"),
        ([Panel([Curve(X, X[:3])])], ShapeError, "curve 1 of panel 1 has 5 values of x and 3 of y"),
        ([Panel([Curve(X, X), Curve(X, X, spread=[1.0, 2.0])])], ShapeError, "a spread of 2"),
        ([Panel([Curve(X, X + math.inf)])], UsageError, "y of curve 1"),
        ([Panel([Curve(X, X, spread=math.inf)])], UsageError, "spread of curve 1"),
        ([Panel([Curve([math.nan], [0.0])])], UsageError, "x of curve 1"),
        ([Panel([Curve(["a"], [0.0])])], UsageError, "must be numbers"),
    ],
)
def test_what_cannot_be_drawn(panels, kind, text):
    with pytest.raises(kind, match=text):
        line_panels(panels)


@pytest.mark.parametrize("columns", [-1, 1.5, True])
def test_columns_that_are_none(columns):
    with pytest.raises(UsageError, match="columns"):
        line_panels([Panel([Curve(X, X)])], columns=columns)


@pytest.mark.parametrize("name", list(ACTIVATIONS))
def test_slopes_of_activations_are_derivatives(name):
    z = np.array([-3.3, -0.7, 0.4, 2.9])
    a, slope = value_and_slope(name, z)
    s = 1e-6
    numerical = (value_and_slope(name, z + s)[0] - value_and_slope(name, z - s)[0]) / (2 * s)
    np.testing.assert_allclose(slope, numerical, atol=1e-8)
    assert a.shape == slope.shape == z.shape


def test_softmax_over_zero_is_the_sigmoid():
    z = np.linspace(-5, 5, 11)
    np.testing.assert_allclose(value_and_slope("softmax", z), value_and_slope("sigmoid", z), rtol=1e-12)


def test_every_activation_has_a_panel(check_texts):
    figure = activation_curves(list(ACTIVATIONS), reach=2.0, columns=4)
    assert [axes.get_title() for axes in figure.axes] == [str(each) for each in ACTIVATIONS.values()]
    np.testing.assert_array_equal(figure.axes[0].get_lines()[0].get_xdata()[[0, -1]], [-2.0, 2.0])
    check_texts(figure)


def test_activations_that_are_none():
    with pytest.raises(UnknownName):
        activation_curves(["rleu"])
    with pytest.raises(UsageError, match="reach"):
        activation_curves(["relu"], reach=math.nan)
    with pytest.raises(UsageError):
        activation_curves([])


def test_loss_panels_hold_what_they_say(check_texts):
    by_error, by_output, by_sum = panels = loss_panels(("squared_error", "euclidean_distance"), reach=4.0)
    squared, distance = by_error.curves
    np.testing.assert_allclose(squared.y, np.square(squared.x), atol=1e-15)
    np.testing.assert_allclose(distance.y, np.abs(distance.x), atol=1e-15)
    yes, no = by_output.curves
    np.testing.assert_allclose(yes.y, -np.log(yes.x), rtol=1e-9)
    np.testing.assert_allclose(no.y, -np.log(1 - np.asarray(no.x)), rtol=1e-9)
    half, entropy = by_sum.curves
    a = 1 / (1 + np.exp(-np.asarray(half.x)))
    np.testing.assert_allclose(half.y, (a - 1) * a * (1 - a), atol=1e-15)
    np.testing.assert_allclose(entropy.y, a - 1, atol=1e-15)
    check_texts(line_panels(panels))
    with pytest.raises(UnknownName):
        loss_panels(("squared",))


def test_a_tangent_touches_and_a_secant_cuts():
    panel = tangent_panel(np.square, 1.0, 2.0, reach=2.0, secant=1.0, x="w", y="C")
    curve, tangent, secant, point = panel.curves
    x = np.asarray(curve.x)
    np.testing.assert_allclose([x[0], x[-1]], [-1.0, 3.0])
    np.testing.assert_allclose(curve.y, x**2)
    np.testing.assert_allclose(tangent.y, 1 + 2 * (x - 1))
    np.testing.assert_allclose(secant.y, 1 + 3 * (x - 1))
    assert (point.x, point.y, point.points) == ([1.0], [1.0], True)
    assert [str(each.label) for each in panel.curves] == ["C", "tangent: slope 2", "secant: slope 3", "w = 1"]
    assert len(tangent_panel(np.square, 1.0, 2.0).curves) == 3


def test_a_tangent_where_there_is_none():
    with pytest.raises(UsageError, match="at"):
        tangent_panel(np.square, math.nan, 2.0)
