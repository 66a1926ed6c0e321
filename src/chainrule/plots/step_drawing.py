"""One panel of the picture of a step: its heading, lines, circles and boxes, and what each column is."""

from __future__ import annotations

from typing import Any

from chainrule.language import tr
from chainrule.plots.palette import NEUTRAL
from chainrule.plots.step_heads import HEAD_POINTS, HEAD_X, head_lines
from chainrule.plots.step_lines import draw_edges, draw_joints
from chainrule.plots.step_nodes import draw_cost, draw_losses, draw_neurons
from chainrule.plots.step_panel import StepPanel

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
    plan, head = panel.plan, tr("Forward →") if panel.flow.forward else tr("← Backward")
    place: dict[str, Any] = {"va": "top", "ha": "left"}
    panel.axes.text(plan.left + 0.12, plan.top - 0.1, head, fontsize=11.0, fontweight="bold", **place)
    lines = "\n".join(head_lines(panel.flow, plan, panel.words, panel.paths))
    panel.axes.text(plan.left + HEAD_X, plan.top - 0.12, lines, fontsize=HEAD_POINTS, color=NEUTRAL, **place)
