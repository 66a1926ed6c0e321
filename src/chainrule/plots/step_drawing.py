"""One panel of the picture of a step: its heading, lines, circles and boxes, and what each column is."""

from __future__ import annotations

import textwrap
from typing import Any

from chainrule.language import tr
from chainrule.plots.palette import NEUTRAL
from chainrule.plots.step_lines import draw_edges, draw_joints
from chainrule.plots.step_nodes import draw_cost, draw_losses, draw_neurons
from chainrule.plots.step_panel import StepPanel
from chainrule.plots.style import text_width

__all__ = ["draw_panel"]


def draw_panel(panel: StepPanel) -> None:
    """Draw all of it."""
    axes, plan = panel.axes, panel.plan
    axes.set_xlim(plan.left, plan.right)
    axes.set_ylim(plan.bottom, plan.top)
    axes.axis("off")
    _write_head(panel)
    for l in range(1, len(plan.layers)):
        draw_edges(panel, l)
    for l, layer in enumerate(plan.layers):
        draw_neurons(panel, l, layer)
    if plan.losses is not None:
        draw_joints(panel, plan.losses)
        draw_losses(panel, plan.losses)
        draw_cost(panel)
    xs = [*(layer.x for layer in plan.layers), *([] if plan.losses is None else [plan.losses.x, plan.cost])]
    for x, caption in zip(xs, panel.captions, strict=True):
        axes.text(x, plan.bottom + 0.08, caption, fontsize=9.0, ha="center", va="bottom", color=NEUTRAL)


def _write_head(panel: StepPanel) -> None:
    """Write above a panel what flows in it, and what its circles, lines and numbers are."""
    plan, words, flow = panel.plan, panel.words, panel.flow
    names = {"C": words.cost, "a": "out" if words.textbook else "a", "z": "net" if words.textbook else "z"}
    if flow.forward:
        head = tr("Forward →")
        says = [tr("circle: activation {a}; line: w · {a}, what the weight adds to {z}", **names)]
        number, box = tr("on the line: w"), tr("box: loss of the output")
    else:
        head = tr("← Backward")
        says = [tr("circle: error δ = ∂{C}/∂{z}, of inputs ∂{C}/∂x; line: δ · w, what the weight takes back", **names)]
        number = tr("on the line: ∂{C}/∂w = δ · {a}", **names)
        box = tr("box: {a} − y", **names) if flow.short else tr("box: ∂{C}/∂{a}", **names)
    says += [number] if plan.detail.numbered else []
    says += [box] if plan.losses is not None and flow.losses is not None and not plan.detail.notes else []
    text = "; ".join(says)
    place: dict[str, Any] = {"va": "top", "ha": "left"}
    room = 72 * (plan.width - 1.3 - 0.12)
    letters = int(len(text) * room / (0.9 * text_width(text, 8.5)))
    panel.axes.text(plan.left + 0.12, plan.top - 0.1, head, fontsize=11.0, fontweight="bold", **place)
    lines = "\n".join(textwrap.wrap(text, letters))
    panel.axes.text(plan.left + 1.3, plan.top - 0.12, lines, fontsize=8.5, color=NEUTRAL, **place)
