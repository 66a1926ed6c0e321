"""One panel of the picture of a step: its lines, circles, boxes and words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from chainrule.explain.names import Name
from chainrule.language import tr
from chainrule.plots.edges import DASHES, DOTS, line_look
from chainrule.plots.layout import Layer
from chainrule.plots.palette import COLOURS, NEGATIVE, NEUTRAL, POSITIVE
from chainrule.plots.step_layout import Plan, edge_segments
from chainrule.plots.step_names import Words
from chainrule.plots.step_paths import Paths
from chainrule.plots.step_values import Flow
from chainrule.plots.style import significant, text_width

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["ASKED", "PATH", "Panel", "draw_panel"]

PATH, ASKED = COLOURS[7], COLOURS[4]  # a marker pen's yellow, and a stronger one for what was asked for
_FADED, _FADED_INK = 0.13, "#BBBBBB"
_INK = "#222222"
_HEAD = 0.11  # inches, length of an arrow's head

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Panel:
    """What a panel is drawn from.

    Args:
        axes: where to, one inch of paper a unit.
        flow: the numbers.
        plan: the places.
        words: the names.
        paths: what is highlighted, or None.
        dropped: which neurons dropout deleted, by layer from 0.
        targets: y of each output, or None.
        captions: what stands below each column: layers, losses, cost.
        coupled: whether each output depends on all weighted sums of its layer, as with softmax.
    """

    axes: Axes
    flow: Flow
    plan: Plan
    words: Words
    paths: Paths | None
    dropped: tuple[Flags, ...]
    targets: Floats | None
    captions: Sequence[str]
    coupled: bool

    def lit(self, column: int, node: int) -> bool:
        """Whether a node is drawn in full: all are, if nothing is highlighted."""
        return self.paths is None or bool(self.paths.neurons[column][node])


def draw_panel(panel: Panel) -> None:
    """Draw all of it."""
    axes, plan = panel.axes, panel.plan
    axes.set_xlim(plan.left, plan.right)
    axes.set_ylim(plan.bottom, plan.top)
    axes.axis("off")
    for l in range(1, len(plan.layers)):
        _draw_edges(panel, l)
    for l, layer in enumerate(plan.layers):
        _draw_neurons(panel, l, layer)
    if plan.losses is not None:
        _draw_joints(panel, plan.losses)
        _draw_losses(panel, plan.losses)
        _draw_cost(panel)
    xs = [*(layer.x for layer in plan.layers), *([] if plan.losses is None else [plan.losses.x, plan.cost])]
    for x, caption in zip(xs, panel.captions, strict=True):
        axes.text(x, plan.bottom + 0.08, caption, fontsize=9.0, ha="center", va="bottom", color=NEUTRAL)


def _draw_edges(panel: Panel, l: int) -> None:
    """Draw what flows along the weights of one layer; the largest of them has the widest line."""
    from matplotlib.collections import LineCollection

    plan, paths = panel.plan, panel.paths
    before, after = plan.layers[l - 1], plan.layers[l]
    picked = np.ix_(after.shown, before.shown)
    segments = edge_segments(before, after)
    values = panel.flow.edges[l - 1][picked].ravel()
    lit = np.ones(len(values), dtype=bool) if paths is None else paths.edges[l - 1][picked].ravel()
    if paths is not None:
        asked = paths.weights[l - 1][picked].ravel()
        _mark(panel, segments[lit & ~asked], PATH, f"paths W{l}")
        _mark(panel, segments[asked], ASKED, f"asked W{l}")
    largest = float(np.abs(panel.flow.edges[l - 1]).max())
    look = line_look(values, largest, plan.detail.widest)
    # Among hundreds of lines the thin ones step back.
    strength = 1.0 if plan.detail.notes else 0.3 + 0.7 * np.abs(values) / (largest or 1.0)
    lines = LineCollection(segments, **look, alpha=np.where(lit, strength, _FADED), label=f"W{l}", zorder=1)
    panel.axes.add_collection(lines)
    if plan.detail.numbered:
        _draw_heads(panel, segments, look["colors"], lit)
        _write_numbers(panel, l, lit)
    elif paths is not None and paths.weights[l - 1].sum() == 1:
        _write_number(panel, l, *np.argwhere(paths.weights[l - 1])[0].tolist(), segments[asked][0].mean(axis=0))


def _mark(panel: Panel, segments: Floats, colour: str, label: str) -> None:
    """Mark lines as with a pen, below them."""
    from matplotlib.collections import LineCollection

    if len(segments):
        wide = panel.plan.detail.widest + (6.0 if panel.plan.detail.widest > 3 else 3.0)
        panel.axes.add_collection(
            LineCollection(list(segments), colors=colour, linewidths=wide, alpha=0.6, label=label, zorder=0.5)
        )


def _draw_heads(panel: Panel, segments: Floats, colours: Sequence[str], lit: Flags) -> None:
    """Draw arrow heads where the lines arrive: at the next layer going forward, at the one before going back."""
    from matplotlib.collections import PolyCollection

    if not panel.flow.forward:
        segments = segments[:, ::-1]
    along = segments[:, 1] - segments[:, 0]
    along = along / np.linalg.norm(along, axis=1, keepdims=True)
    across = along[:, ::-1] * [-1.0, 1.0]
    tips = segments[:, 1] - along * (panel.plan.detail.radius + 0.01)
    feet = tips - along * _HEAD
    corners = np.stack([tips, feet + across * _HEAD / 2, feet - across * _HEAD / 2], axis=1)
    alphas = np.where(lit, 1.0, _FADED)
    panel.axes.add_collection(PolyCollection(list(corners), facecolors=colours, alpha=alphas, linewidths=0, zorder=2))


def _write_numbers(panel: Panel, l: int, lit: Flags) -> None:
    """Write each weight, or its derivative, on its line."""
    columns = panel.flow.weights[l - 1].shape[1]
    for n, place in enumerate(panel.plan.numbers[l - 1]):
        _write_number(panel, l, *divmod(n, columns), place, bool(lit[n]))


def _write_number(panel: Panel, l: int, i: int, j: int, place: Floats, lit: bool = True) -> None:
    """Write the name of a weight, or of its derivative, and below it the number."""
    name, value = Name("W", l, (i, j)), panel.flow.weights[l - 1][i, j]
    called = panel.words.write(name) if panel.flow.forward else panel.words.derivative(name)
    text = f"{called}\n{significant(float(value), panel.plan.detail.digits)}"
    paper = {"facecolor": "white", "edgecolor": "none", "pad": 0.6}  # so that lines do not cross it
    look: dict[str, Any] = {"ha": "center", "va": "center", "linespacing": 1.1, "zorder": 2.5, "bbox": paper}
    ink = _INK if lit else _FADED_INK
    panel.axes.text(*place, text, fontsize=panel.plan.detail.note, color=ink, **look)


def _draw_neurons(panel: Panel, l: int, layer: Layer) -> None:
    """Draw one column: circles that are the fuller the larger their number is among those of the layer."""
    plan, words, forward = panel.plan, panel.words, panel.flow.forward
    values = panel.flow.neurons[l]
    largest = float(np.abs(values).max()) or 1.0
    for i, y in zip(layer.shown.tolist(), layer.y.tolist(), strict=True):
        lit = panel.lit(l, i)
        asked = panel.paths is not None and bool(panel.paths.asked[l][i])
        _draw_circle(panel, (layer.x, y), float(values[i]), largest, lit, asked)
        if panel.dropped[l][i]:
            reach = 0.85 * plan.detail.radius * np.array([-1.0, 1.0])
            for side in (1, -1):
                panel.axes.plot(layer.x + reach, y + side * reach, color=_INK, linewidth=1.2, zorder=6, label="dropped")
        called = words.neuron(l, i) if forward else words.error(l, i)
        _above(panel, layer.x, y + plan.detail.radius, called, lit)
        notes = list(panel.flow.notes[l].items())[: plan.detail.notes]
        lines = "\n".join(f"{key} = {significant(float(each[i]), plan.detail.digits)}" for key, each in notes)
        _below(panel, layer.x, y - plan.detail.radius, lines, lit)
    if layer.gap is not None:
        _write_gap(panel, layer)


def _draw_circle(
    panel: Panel, place: tuple[float, float], value: float, largest: float | None, lit: bool, asked: bool
) -> None:
    from matplotlib.patches import Circle

    radius, ink = panel.plan.detail.radius, _INK if lit else _FADED_INK
    if panel.paths is not None and lit:
        colour = ASKED if asked else PATH
        panel.axes.add_patch(Circle(place, radius + 0.05, facecolor=colour, alpha=0.6, linewidth=0, zorder=2.8))
    panel.axes.add_patch(Circle(place, radius, facecolor="white", edgecolor=ink, linewidth=1.0, zorder=3))
    if value and largest:
        colour = POSITIVE if value > 0 else NEGATIVE
        disc = Circle(
            place,
            0.96 * radius * np.sqrt(abs(value) / largest),
            facecolor=(colour, 0.28 if lit else 0.08),
            edgecolor=(colour, 1.0 if lit else 0.2),
            linestyle="-" if value > 0 else DASHES,
            linewidth=0.9 if panel.plan.detail.notes else 0.5,
            label="disc",
            zorder=4,
        )
        panel.axes.add_patch(disc)
    _inside(panel, place, value, 1.65 * radius, ink)


def _inside(panel: Panel, place: tuple[float, float], value: float, room: float, ink: str) -> None:
    """Write a number into a circle or box, smaller where it is long."""
    text = significant(value, panel.plan.detail.digits)
    points = max(5.0, min(panel.plan.detail.value, 72 * room / text_width(text, 1.0)))
    panel.axes.text(*place, text, fontsize=points, ha="center", va="center", color=ink, zorder=5)


def _above(panel: Panel, x: float, y: float, text: str, lit: bool) -> None:
    ink = _INK if lit else _FADED_INK
    words: dict[str, Any] = {"ha": "center", "va": "bottom", "color": ink, "zorder": 5, "fontweight": "bold"}
    paper = {"facecolor": "white", "edgecolor": "none", "pad": 0.2}
    panel.axes.text(x, y + 0.03, text, fontsize=panel.plan.detail.name, bbox=paper, **words)


def _below(panel: Panel, x: float, y: float, text: str, lit: bool) -> None:
    if text:
        ink = _INK if lit else _FADED_INK
        paper = {"facecolor": "white", "edgecolor": "none", "pad": 0.4}
        place: dict[str, Any] = {"ha": "center", "va": "top", "linespacing": 1.15, "zorder": 2.7}
        panel.axes.text(x, y - 0.07, text, fontsize=panel.plan.detail.note, color=ink, bbox=paper, **place)


def _write_gap(panel: Panel, layer: Layer) -> None:
    more = tr("⋮ {n:,} more", n=layer.size - len(layer.shown))
    panel.axes.text(layer.x, layer.gap, more, fontsize=8.5, ha="center", va="center", color=_INK, zorder=5)


def _draw_joints(panel: Panel, losses: Layer) -> None:
    """Draw the plain lines from outputs to their losses, and from there to the cost."""
    plan, end, last = panel.plan, len(panel.plan.layers), panel.plan.layers[-1].x
    for k, y in zip(losses.shown.tolist(), losses.y.tolist(), strict=True):
        lit = panel.lit(end, k)
        path = np.array([[[last, y], [losses.x, y]], [[losses.x, y], [plan.cost, 0.0]]])
        if panel.paths is not None and lit:
            ends = np.array([panel.lit(end - 1, k), panel.lit(end + 1, 0)])
            _mark(panel, path[ends], PATH, "paths to the cost")
        look: dict[str, Any] = {"color": NEUTRAL, "linewidth": 1.2, "alpha": 1.0 if lit else _FADED, "zorder": 1.0}
        panel.axes.plot([last, losses.x, plan.cost], [y, y, 0.0], label="to the cost", **look)
    if panel.coupled:
        y = losses.y[[0, -1]]
        panel.axes.plot([last, last], y, color=NEUTRAL, linewidth=1.2, linestyle=DOTS, zorder=0.9, label="coupled")


def _draw_losses(panel: Panel, losses: Layer) -> None:
    """Draw a box for each output: its loss, or what comes back from it, and its target."""
    from matplotlib.patches import FancyBboxPatch

    plan, end, flow = panel.plan, len(panel.plan.layers), panel.flow
    wide, high = plan.detail.box, 0.62 * plan.detail.radius
    for k, y in zip(losses.shown.tolist(), losses.y.tolist(), strict=True):
        lit = panel.lit(end, k)
        ink = _INK if lit else _FADED_INK
        box: Any = (losses.x - wide, y - high), 2 * wide, 2 * high
        if panel.paths is not None and lit:
            colour = ASKED if panel.paths.asked[end][k] else PATH
            ring: dict[str, Any] = {"boxstyle": "round,pad=0.05,rounding_size=0.1", "zorder": 2.8, "linewidth": 0}
            panel.axes.add_patch(FancyBboxPatch(*box, facecolor=colour, alpha=0.6, **ring))
        look: dict[str, Any] = {"boxstyle": "round,pad=0,rounding_size=0.06", "zorder": 3, "linewidth": 1.0}
        panel.axes.add_patch(FancyBboxPatch(*box, facecolor="white", edgecolor=ink, **look))
        assert panel.targets is not None
        target = f"y = {significant(float(panel.targets[k]), plan.detail.digits)}"
        if flow.losses is None:
            panel.axes.text(losses.x, y, target, fontsize=plan.detail.note, ha="center", va="center", color=ink)
            continue
        _inside(panel, (losses.x, y), float(flow.losses[k]), 1.9 * wide, ink)
        called = panel.words.write(Name("L", index=(k,))) if flow.forward else panel.words.output_slope(k, flow.short)
        if plan.detail.notes:
            _above(panel, losses.x, y + high, called, lit)
            _below(panel, losses.x, y - high, target, lit)
        else:
            _above(panel, losses.x, y + high, target, lit)


def _draw_cost(panel: Panel) -> None:
    plan, end = panel.plan, len(panel.plan.layers) + 1
    lit = panel.lit(end, 0)
    assert panel.flow.cost is not None
    asked = panel.paths is not None and bool(panel.paths.asked[end][0])
    _draw_circle(panel, (plan.cost, 0.0), panel.flow.cost, None, lit, asked)
    cost = panel.words.cost
    name = cost if panel.flow.forward else f"∂{cost}/∂{cost}"
    _above(panel, plan.cost, plan.detail.radius, name, lit)
