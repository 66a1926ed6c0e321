from __future__ import annotations

import numpy as np
import pytest

from chainrule.errors import ShapeError, UsageError
from chainrule.language import Message, speaking
from chainrule.plots.layer_spread import Spread, layer_spread


def spread(variants=("zeros", "Glorot"), places=4, **options):
    random = np.random.default_rng(0)
    samples = {name: [random.normal(size=(20, 5)) for _ in range(places)] for name in variants}
    return Spread("activation", samples, **options)


@pytest.mark.parametrize("variants", [("one",), ("a", "b"), ("all 0", "0.01 N(0, 1)", "N(0, 1)", "Glorot", "He")])
@pytest.mark.parametrize("places", [1, 6, 40])
def test_panels(check_texts, variants, places):
    rows = [spread(variants, places), spread(variants, places, log=True), spread(variants, places, x="epoch")]
    figure = layer_spread(rows, title="Signal and gradient", detail="before training")
    assert len(figure.axes) == 3 * len(variants)
    assert [axes.get_title() for axes in figure.axes[: len(variants)]] == list(variants)
    assert {axes.get_xlabel() for axes in figure.axes[-len(variants) :]} == {"epoch"}
    assert [axes.get_yscale() for axes in figure.axes[:: len(variants)]] == ["linear", "log", "linear"]
    check_texts(figure)


def test_the_line_is_the_median_and_bands_are_quantiles():
    samples = np.arange(101.0)
    figure = layer_spread([Spread("a", {"v": [samples, samples + 1]})])
    (axes,) = figure.axes
    assert axes.lines[0].get_ydata().tolist() == [50.0, 51.0]
    outer, inner = (band.get_paths()[0].vertices[:, 1] for band in axes.collections)
    assert (outer.min(), outer.max()) == (5.0, 96.0)
    assert (inner.min(), inner.max()) == (25.0, 76.0)


def test_sizes_are_drawn_where_log_and_zeros_are_said():
    figure = layer_spread(
        [Spread("gradient", {"v": [[-0.1, 0.1, 0.0], [0.0, 0.0, 0.0], [10.0, 10.0, -10.0]]}, log=True)]
    )
    (axes,) = figure.axes
    np.testing.assert_allclose(axes.lines[0].get_ydata(), [0.1, np.nan, 10.0])
    assert [(text.get_position()[0], text.get_text()) for text in axes.texts] == [(2, "0")]


def test_all_zeros_can_be_drawn(check_texts):
    check_texts(layer_spread([Spread("gradient", {"v": [[0.0], [0.0]]}, log=True)]))


def test_the_names_of_the_axes_are_translated():
    with speaking("zh"):
        figure = layer_spread([Spread("a", {"v": [[1.0, 2.0]]})])
    assert figure.axes[0].get_xlabel() == "层"


def test_messages_are_texts():
    figure = layer_spread([Spread(Message("activation"), {Message("all {n}", n=0): [[1.0, 2.0]]}, Message("layer"))])
    assert (figure.axes[0].get_title(), figure.axes[0].get_ylabel()) == ("all 0", "activation")


@pytest.mark.parametrize(
    ("rows", "error", "message"),
    [
        ([], UsageError, "nothing to draw"),
        ([Spread("a", {})], UsageError, "nothing to draw"),
        ([Spread("a", {"v": []})], UsageError, "a has no numbers"),
        ([Spread("a", {"v": [[]]})], UsageError, "a of v is empty"),
        ([Spread("a", {"v": [[np.nan]]})], UsageError, "a of v has nan"),
        ([Spread("a", {"v": [[1.0]]}), Spread("b", {"w": [[1.0]]})], ShapeError, "b is of the variants w, and a of v"),
    ],
)
def test_what_cannot_be_drawn(rows, error, message):
    with pytest.raises(error, match=message):
        layer_spread(rows)
