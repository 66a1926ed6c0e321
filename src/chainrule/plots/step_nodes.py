"""The circles and boxes of the picture of a step, with the numbers in and below them and their names above."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.language import tr
from chainrule.plots.edges import DASHES
from chainrule.plots.layout import Layer
from chainrule.plots.palette import NEGATIVE, POSITIVE
from chainrule.plots.step_panel import ASKED, INK, PATH, PEN, StepPanel, ink
from chainrule.plots.style import significant, text_width

__all__ = ["draw_cost", "draw_losses", "draw_neurons"]

_LEAST = 5.3  # points, of the letters in a circle


def draw_neurons(panel: StepPanel, l: int, layer: Layer) -> None:
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
                panel.axes.plot(
                    layer.x + reach, y + side * reach, color=ink(lit), linewidth=1.2, zorder=6, label="dropped"
                )
        symbol, at = panel.flow.keys[l] if l else ("x", None)
        called = words.neuron(symbol, at, i) if forward else words.error(l, i)
        _above(panel, layer.x, y + plan.detail.radius, called, lit)
        notes = list(panel.flow.notes[l].items())[: plan.detail.notes]
        lines = "\n".join(f"{key} = {significant(float(each[i]), plan.detail.digits)}" for key, each in notes)
        _below(panel, layer.x, y - plan.detail.radius, lines, lit)
    if layer.gap is not None:
        _write_gap(panel, layer)


def _draw_circle(
    panel: StepPanel, place: tuple[float, float], value: float, largest: float | None, lit: bool, asked: bool
) -> None:
    from matplotlib.patches import Circle

    radius = panel.plan.detail.radius
    if panel.paths is not None and lit:
        colour = ASKED if asked else PATH
        panel.axes.add_patch(Circle(place, radius + 0.05, facecolor=colour, alpha=PEN, linewidth=0, zorder=2.8))
    panel.axes.add_patch(Circle(place, radius, facecolor="white", edgecolor=ink(lit), linewidth=1.0, zorder=3))
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
    _inside(panel, place, value, 1.6 * radius, lit)


def _inside(panel: StepPanel, place: tuple[float, float], value: float, room: float, lit: bool) -> None:
    """Write a number into a circle or box: smaller where it is long, with fewer digits where it would be too small."""
    from matplotlib.patheffects import withStroke

    for digits in range(panel.plan.detail.digits, 0, -1):
        text = significant(value, digits)
        fitting = 72 * room / (text_width(text, 1.0) + 0.2 * text.count("−"))  # minus signs are wider than digits
        if fitting >= _LEAST:
            break
    points = max(_LEAST, min(panel.plan.detail.value, fitting))
    # A white outline keeps the digits legible where a disc's edge runs through them.
    written = panel.axes.text(*place, text, fontsize=points, ha="center", va="center", color=ink(lit), zorder=5)
    written.set_path_effects([withStroke(linewidth=1.5, foreground="white")])


def _above(panel: StepPanel, x: float, y: float, text: str, lit: bool) -> None:
    words: dict[str, Any] = {"ha": "center", "va": "bottom", "color": ink(lit), "zorder": 5, "fontweight": "bold"}
    paper = {"facecolor": "white", "edgecolor": "none", "pad": 0.2}
    panel.axes.text(x, y + 0.03, text, fontsize=panel.plan.detail.name, bbox=paper, **words)


def _below(panel: StepPanel, x: float, y: float, text: str, lit: bool) -> None:
    if text:
        paper = {"facecolor": "white", "edgecolor": "none", "pad": 0.4}
        place: dict[str, Any] = {"ha": "center", "va": "top", "linespacing": 1.15, "zorder": 2.7}
        panel.axes.text(x, y - 0.07, text, fontsize=panel.plan.detail.note, color=ink(lit), bbox=paper, **place)


def _write_gap(panel: StepPanel, layer: Layer) -> None:
    assert layer.gap is not None
    more = tr("⋮ {n:,} more", n=layer.size - len(layer.shown))
    panel.axes.text(layer.x, layer.gap, more, fontsize=8.5, ha="center", va="center", color=INK, zorder=5)


def draw_losses(panel: StepPanel, losses: Layer) -> None:
    """Draw a box for each output: its loss, or what comes back from it, and its target."""
    from matplotlib.patches import FancyBboxPatch

    plan, end, flow = panel.plan, len(panel.plan.layers), panel.flow
    wide, high = plan.detail.box, 0.62 * plan.detail.radius
    for k, y in zip(losses.shown.tolist(), losses.y.tolist(), strict=True):
        lit = panel.lit(end, k)
        box: Any = (losses.x - wide, y - high), 2 * wide, 2 * high
        if panel.paths is not None and lit:
            colour = ASKED if panel.paths.asked[end][k] else PATH
            ring: dict[str, Any] = {"boxstyle": "round,pad=0.05,rounding_size=0.1", "zorder": 2.8, "linewidth": 0}
            panel.axes.add_patch(FancyBboxPatch(*box, facecolor=colour, alpha=PEN, **ring))
        look: dict[str, Any] = {"boxstyle": "round,pad=0,rounding_size=0.06", "zorder": 3, "linewidth": 1.0}
        panel.axes.add_patch(FancyBboxPatch(*box, facecolor="white", edgecolor=ink(lit), **look))
        assert panel.targets is not None
        target = f"y = {significant(float(panel.targets[k]), plan.detail.digits)}"
        if flow.losses is None:
            panel.axes.text(losses.x, y, target, fontsize=plan.detail.note, ha="center", va="center", color=ink(lit))
            continue
        _inside(panel, (losses.x, y), float(flow.losses[k]), 1.9 * wide, lit)
        called = panel.words.loss(k) if flow.forward else panel.words.output_slope(k, flow.short)
        if plan.detail.notes:
            _above(panel, losses.x, y + high, called, lit)
            _below(panel, losses.x, y - high, target, lit)
        else:
            _above(panel, losses.x, y + high, target, lit)


def draw_cost(panel: StepPanel) -> None:
    """Draw the cost, behind all losses."""
    plan, end = panel.plan, len(panel.plan.layers) + 1
    lit = panel.lit(end, 0)
    assert panel.flow.cost is not None
    asked = panel.paths is not None and bool(panel.paths.asked[end][0])
    _draw_circle(panel, (plan.cost, 0.0), panel.flow.cost, None, lit, asked)
    cost = panel.words.cost
    name = cost if panel.flow.forward else f"∂{cost}/∂{cost}"
    _above(panel, plan.cost, plan.detail.radius, name, lit)
