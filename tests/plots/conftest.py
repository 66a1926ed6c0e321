"""What the tests of the pictures share: where each text lies, and small models and histories to draw."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import combinations
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

SLACK = 1.0  # pixels


def _tick_labels(axis: Axis) -> Iterator[Text]:
    """Yield the labels that are drawn: matplotlib keeps some for ticks outside the limits, too."""
    low, high = sorted(axis.get_view_interval())
    for place, tick in zip(axis.get_majorticklocs(), axis.get_major_ticks(), strict=True):
        if low - 1e-9 <= place <= high + 1e-9:
            yield tick.label1


def _axes_texts(axes: Axes) -> Iterator[Text]:
    yield from axes.texts
    yield axes.title
    if axes.axison:
        for axis in (axes.xaxis, axes.yaxis):
            yield axis.label
            yield from _tick_labels(axis)
    legend = axes.get_legend()
    if legend is not None:
        yield from (*legend.get_texts(), legend.get_title())


def boxes(figure: Figure) -> list[tuple[str, Bbox]]:
    """Draw the figure with Agg, and return each text with its box in pixels."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    texts = [text for axes in figure.axes for text in _axes_texts(axes)]
    texts += [text for legend in figure.legends for text in legend.get_texts()]
    texts += figure.texts
    shown = [text for text in texts if text.get_visible() and text.get_text().strip()]
    assert all(text.get_rotation() % 90 == 0 for text in shown), "a box says little about slanted text"
    return [(text.get_text(), text.get_window_extent(canvas.get_renderer())) for text in shown]


def _overlap(a: Bbox, b: Bbox) -> bool:
    wide = min(a.x1, b.x1) - max(a.x0, b.x0)
    high = min(a.y1, b.y1) - max(a.y0, b.y0)
    return wide > SLACK and high > SLACK


def check_texts(figure: Figure) -> None:
    """Check that no two texts overlap and that none leaves the figure."""
    placed = boxes(figure)
    assert placed
    touching = [(a, b) for (a, box), (b, other) in combinations(placed, 2) if _overlap(box, other)]
    assert not touching
    width, height = figure.bbox.width, figure.bbox.height
    outside = [
        text
        for text, box in placed
        if min(box.x0, box.y0) < -SLACK or box.x1 > width + SLACK or box.y1 > height + SLACK
    ]
    assert not outside


@pytest.fixture(name="check_texts", scope="session")
def _check_texts() -> Callable[[Figure], None]:
    return check_texts


@pytest.fixture(scope="session")
def make_model() -> Callable[..., Any]:
    """Return a function that makes what a diagram needs of a model, with weights of both signs."""

    def make(*sizes: int, biases: bool = True, seed: int = 0) -> Any:
        random = np.random.default_rng(seed)
        layers = range(1, len(sizes))
        names = ["relu"] * (len(sizes) - 2) + ["softmax"]
        return SimpleNamespace(
            W={l: random.normal(size=(sizes[l], sizes[l - 1])) for l in layers},
            b={l: random.normal(size=sizes[l]) if biases else None for l in layers},
            network=SimpleNamespace(
                depth=len(sizes) - 1,
                inputs=sizes[0],
                dense=[SimpleNamespace(activation=SimpleNamespace(name=name)) for name in names],
            ),
        )

    return make


@pytest.fixture(scope="session")
def make_history() -> Callable[[int], Any]:
    """Return a function that makes a history of so many epochs, best in the middle."""

    def make(epochs: int) -> Any:
        epoch = np.arange(1, epochs + 1)
        loss = 1.0 / (1.0 + epoch)
        validation = loss + 0.1 * (epoch / epochs) ** 2
        return SimpleNamespace(
            series={
                "loss": loss.tolist(),
                "penalty": [0.0] * epochs,
                "validation_loss": validation.tolist(),
                "accuracy": (1 - loss / 2).tolist(),
                "validation_accuracy": (1 - validation / 2).tolist(),
                "rate": [0.1] * epochs,
                "seconds": [0.5] * epochs,
            }
        )

    return make
