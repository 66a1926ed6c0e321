"""The network itself: neurons as circles, weights as lines between them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import ShapeError, UsageError
from chainrule.language import tr
from chainrule.plots.checks import finite, positive
from chainrule.plots.edges import DASHES, DOTS, line_look
from chainrule.plots.layout import NAME_POINTS, NARROWEST, Layer, Look, bottom_of, frame
from chainrule.plots.palette import NEGATIVE, NEUTRAL, POSITIVE
from chainrule.plots.style import drawing, heading, shorten, significant, text_width

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["network_diagram"]

# Where along a line its number may stand, the best place first: near the start, lines that cross are still apart.
_NUMBER_AT = (0.27, 0.4, 0.53, 0.66, 0.2, 0.75)
_NUMBER_POINTS = 8.0

Floats = NDArray[np.float64]


def network_diagram(
    model: Any,
    *,
    inputs: Sequence[str] | None = None,
    outputs: Sequence[str] | None = None,
    max_neurons: int = 12,
    title: str | None = None,
) -> Figure:
    """Draw the network with its weights: solid blue where positive, dashed red where negative, wide where large.

    Triangles on the neurons are their biases, pointing up where positive. Of a layer of more than ``max_neurons`` the
    first and last neurons are shown. Networks of at most twelve weights get their numbers written on.

    Args:
        model: has ``W[l]`` and ``b[l]`` (or None) for l = 1 … K and ``network`` with ``depth``, ``inputs``, ``dense``.
        inputs: the names of the inputs.
        outputs: the names of the outputs, such as the classes.
        max_neurons: how many circles a column may have, at least 3.
        title: the heading; ``Network`` and the sizes by default.

    Returns:
        The figure. Each layer's weights are one collection of lines, labelled ``W1`` …, in the order of ``W[l][i, j]``
        over the neurons that are shown.

    Raises:
        ShapeError: names or weights do not fit the layers.
        UsageError: a weight is not finite, ``max_neurons`` is below 3.

    >>> from types import SimpleNamespace
    >>> dense = [SimpleNamespace(activation=SimpleNamespace(name="sigmoid"))]
    >>> network = SimpleNamespace(depth=1, inputs=2, dense=dense)
    >>> model = SimpleNamespace(network=network, W={1: [[1.0, -2.0]]}, b={1: [0.5]})
    >>> [text.get_text() for text in network_diagram(model).axes[0].texts][:2]
    ['1', '−2']
    """
    most = positive(max_neurons, "max_neurons", least=3)
    W, b = _parameters(model)
    sizes = [W[0].shape[1], *(len(w) for w in W)]
    _check_names(inputs, sizes[0], "inputs")
    _check_names(outputs, sizes[-1], "outputs")
    look = Look.of(sizes, most)
    layers = [Layer.of(size, l * look.column, most) for l, size in enumerate(sizes)]
    with drawing(NARROWEST, NARROWEST) as figure:
        axes = frame(figure, layers, look, inputs, outputs)
        shown = [w[np.ix_(after.shown, before.shown)] for w, (before, after) in zip(W, pairwise(layers), strict=True)]
        _draw_edges(axes, layers, shown, look)
        _draw_neurons(axes, layers, look)
        _draw_biases(axes, layers, b, look)
        _draw_names(axes, layers, look, inputs, outputs)
        _draw_captions(axes, layers, [_activation(layer) for layer in model.network.dense])
        figure.legend(handles=_legend_handles(shown, b), loc="outside lower center", ncols=2)
        widest = max(float(np.abs(w).max()) for w in shown)
        default = tr("Network {sizes}", sizes="-".join(map(str, sizes)))
        heading(figure, title or default, tr("widest line: |w| = {width}", width=significant(widest)))
    return figure


def _parameters(model: Any) -> tuple[list[Floats], list[Floats | None]]:
    """Return the weights and biases, layer after layer, checked to fit together."""
    if not all(hasattr(model, part) for part in ("network", "W", "b")):
        raise UsageError(
            "network_diagram needs a model with its weights and was given {kind}; give it what train() or"
            " network.init() returned",
            kind=type(model).__name__,
        )
    before = int(model.network.inputs)
    W: list[Floats] = []
    b: list[Floats | None] = []
    for l in range(1, int(model.network.depth) + 1):
        weights = finite(model.W[l], f"W[{l}]", 2)
        if weights.shape[1] != before:
            raise ShapeError(
                "W[{layer}] has the shape {shape}, but the layer before it has {before} neurons; expected as many"
                " columns",
                layer=l,
                shape=weights.shape,
                before=before,
            )
        biases = None if model.b[l] is None else finite(model.b[l], f"b[{l}]", 1)
        if biases is not None and len(biases) != len(weights):
            raise ShapeError(
                "b[{layer}] has {count} biases for the {neurons} neurons of its layer",
                layer=l,
                count=len(biases),
                neurons=len(weights),
            )
        W.append(weights)
        b.append(biases)
        before = len(weights)
    if not W:
        raise UsageError("the network has no dense layer; there is nothing to draw")
    return W, b


def _check_names(names: Sequence[str] | None, size: int, what: str) -> None:
    if names is not None and len(names) != size:
        raise ShapeError(
            "{what} has {count} names for the {size} neurons of its layer; give one for each",
            what=what,
            count=len(names),
            size=size,
        )


def _activation(layer: Any) -> str:
    return str(getattr(layer.activation, "name", layer.activation))


def _draw_edges(axes: Axes, layers: Sequence[Layer], W: Sequence[Floats], look: Look) -> None:
    """Draw the weights between the neurons that are shown; the largest of them has the widest line."""
    from matplotlib.collections import LineCollection

    largest = max(float(np.abs(weights).max()) for weights in W) or 1.0
    for l, weights in enumerate(W, start=1):
        before, after = layers[l - 1], layers[l]
        values = weights.ravel()
        starts = [(before.x, y) for y in before.y]
        ends = [(after.x, y) for y in after.y]
        segments = [(start, end) for end in ends for start in starts]
        axes.add_collection(LineCollection(segments, **line_look(values, largest), label=f"W{l}", zorder=1))
        if look.numbered:
            _write_numbers(axes, np.asarray(segments), values, look)


def _write_numbers(axes: Axes, segments: Floats, values: Floats, look: Look) -> None:
    """Write each weight on its line, at the first of several places where it hides no other number."""
    room = np.array([look.rows(text_width("−0.0000", _NUMBER_POINTS)), look.rows(1.5 * _NUMBER_POINTS)])
    taken: list[Floats] = []
    for (start, end), value in zip(segments, values, strict=True):
        places = [start + share * (end - start) for share in _NUMBER_AT]
        free = [place for place in places if all((np.abs(place - other) >= room).any() for other in taken)]
        taken.append(free[0] if free else places[0])
        _small(axes, float(taken[-1][0]), float(taken[-1][1]), significant(value, 3), va="center", zorder=2)


def _draw_neurons(axes: Axes, layers: Sequence[Layer], look: Look) -> None:
    from matplotlib.patches import Circle

    last = len(layers) - 1
    for l, layer in enumerate(layers):
        letter = "x" if l == 0 else "o" if l == last else "h"
        for neuron, y in zip(layer.shown, layer.y, strict=True):
            axes.add_patch(
                Circle((layer.x, y), look.radius, facecolor="white", edgecolor="black", linewidth=1.0, zorder=3)
            )
            name = f"{letter}{neuron + 1}"
            points = min(0.7 * look.radius / look.rows(1.0), 1.8 * look.radius / look.rows(text_width(name, 1.0)))
            axes.text(layer.x, y, name, fontsize=points, ha="center", va="center", zorder=4)
        if layer.gap is not None:
            axes.text(layer.x, layer.gap, "⋮", fontsize=16, ha="center", va="center", zorder=4)


def _draw_biases(axes: Axes, layers: Sequence[Layer], b: Sequence[Floats | None], look: Look) -> None:
    """Mark each bias by a triangle on top of its circle, its area by size, and write tiny networks' ones below."""
    largest = max((float(np.abs(biases).max()) for biases in b if biases is not None), default=0.0) or 1.0
    for layer, biases in zip(layers[1:], b, strict=True):
        if biases is None:
            continue
        values = biases[layer.shown]
        for sign, marker, colour in ((1, "^", POSITIVE), (-1, "v", NEGATIVE)):
            mine = np.sign(values) == sign
            area = 30 + 60 * np.abs(values[mine]) / largest
            place = np.full(len(area), layer.x), layer.y[mine] + look.radius + look.rows(1.0)
            axes.scatter(*place, s=area, marker=marker, color=colour, edgecolors="white", linewidths=0.6, zorder=5)
        if look.numbered:
            for y, value in zip(layer.y - look.radius, values, strict=True):
                _small(axes, layer.x, y - look.rows(3.0), f"b = {significant(value, 3)}", va="top", zorder=2)


def _small(axes: Axes, x: float, y: float, text: str, **place: Any) -> None:
    """Write a number, on white so that lines do not cross it."""
    paper = {"facecolor": "white", "edgecolor": "none", "pad": 0.8}
    axes.text(x, y, text, fontsize=_NUMBER_POINTS, ha="center", bbox=paper, **place)


def _draw_names(
    axes: Axes, layers: Sequence[Layer], look: Look, inputs: Sequence[str] | None, outputs: Sequence[str] | None
) -> None:
    for layer, names, side in ((layers[0], inputs, -1), (layers[-1], outputs, 1)):
        for neuron, y in zip(layer.shown, layer.y, strict=True):
            if names is not None:
                x = layer.x + side * (look.radius + 0.15)
                alignment: Any = "right" if side < 0 else "left"
                axes.text(x, y, shorten(names[neuron]), fontsize=NAME_POINTS, ha=alignment, va="center")


def _draw_captions(axes: Axes, layers: Sequence[Layer], activations: Sequence[str]) -> None:
    """Write below each column which layer it is, how many neurons it has and with which activation."""
    last = len(layers) - 1
    for l, layer in enumerate(layers):
        hidden = tr("hidden") if last == 2 else tr("hidden {l}", l=l)
        kind = tr("input") if l == 0 else tr("output") if l == last else hidden
        text = f"{kind}\n{layer.size}" + (f"\n{activations[l - 1]}" if l else "")
        axes.text(layer.x, bottom_of(layers), text, fontsize=NAME_POINTS, ha="center", va="top", linespacing=1.3)


def _legend_handles(W: Sequence[Floats], b: Sequence[Floats | None]) -> list[Any]:
    from matplotlib.lines import Line2D

    weights = np.concatenate([w.ravel() for w in W])
    biases = np.concatenate([np.zeros(0), *(values for values in b if values is not None)])
    lines: list[tuple[str, str, Any, NDArray[np.bool_]]] = [
        (tr("weight > 0"), POSITIVE, "-", weights > 0),
        (tr("weight < 0"), NEGATIVE, DASHES, weights < 0),
        (tr("weight = 0"), NEUTRAL, DOTS, weights == 0),
    ]
    marks = [(tr("bias > 0"), POSITIVE, "^", biases > 0), (tr("bias < 0"), NEGATIVE, "v", biases < 0)]
    return [
        Line2D([], [], color=colour, linestyle=style, linewidth=2.0, label=label)
        for label, colour, style, present in lines
        if present.any()
    ] + [
        Line2D([], [], color=colour, linestyle="", marker=marker, label=label)
        for label, colour, marker, present in marks
        if present.any()
    ]
