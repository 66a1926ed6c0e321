"""The lines of the picture of a step: what flows along them, the marks on the paths, arrow heads and numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.explain.names import Name
from chainrule.plots.edges import DOTS, line_look
from chainrule.plots.layout import Layer
from chainrule.plots.palette import NEUTRAL
from chainrule.plots.step_layout import edge_segments
from chainrule.plots.step_panel import ASKED, FADED, PATH, PEN, StepPanel, ink
from chainrule.plots.style import significant

__all__ = ["draw_edges", "draw_joints"]

_HEAD = 0.16  # inches, length of an arrow's head
_MOST_STRONG = 20  # marked lines between two layers

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


def draw_edges(panel: StepPanel, l: int) -> None:
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
    drawn = _between_circles(panel, segments) if plan.detail.numbered else segments
    lines = LineCollection(list(drawn), **look, alpha=np.where(lit, strength, FADED), label=f"W{l}", zorder=1)
    panel.axes.add_collection(lines)
    if plan.detail.numbered:
        _draw_heads(panel, segments, look["colors"], lit)
        _write_numbers(panel, l, lit)
    elif paths is not None and paths.weights[l - 1].sum() == 1:
        i, j = np.argwhere(paths.weights[l - 1])[0].tolist()
        _write_number(panel, l, (i, j), segments[asked][0].mean(axis=0))


def _mark(panel: StepPanel, segments: Floats, colour: str, label: str) -> None:
    """Mark lines as with a pen, below them."""
    from matplotlib.collections import LineCollection

    if len(segments):
        strength = PEN if len(segments) <= _MOST_STRONG else PEN / 3  # so many would fill the paper
        wide = panel.plan.detail.widest + (6.0 if panel.plan.detail.widest > 3 else 3.0)
        panel.axes.add_collection(
            LineCollection(list(segments), colors=colour, linewidths=wide, alpha=strength, label=label, zorder=0.5)
        )


def _along(segments: Floats) -> Floats:
    """Give the direction of each line, of length 1."""
    way = segments[:, 1] - segments[:, 0]
    return np.asarray(way / np.linalg.norm(way, axis=1, keepdims=True))


def _between_circles(panel: StepPanel, segments: Floats) -> Floats:
    """Cut lines at the circles, and where they arrive a little before, so that an arrow's head has a tip."""
    near, radius = 0.8 * _HEAD, panel.plan.detail.radius
    at_start, at_end = (radius, radius + near) if panel.flow.forward else (radius + near, radius)
    along = _along(segments)
    return np.stack([segments[:, 0] + at_start * along, segments[:, 1] - at_end * along], axis=1)


def _draw_heads(panel: StepPanel, segments: Floats, colours: Sequence[str], lit: Flags) -> None:
    """Draw arrow heads where the lines arrive: at the next layer going forward, at the one before going back."""
    from matplotlib.collections import PolyCollection

    if not panel.flow.forward:
        segments = segments[:, ::-1]
    along = _along(segments)
    across = along[:, ::-1] * [-1.0, 1.0]
    tips = segments[:, 1] - along * (panel.plan.detail.radius + 0.01)
    feet = tips - along * _HEAD
    corners = np.stack([tips, feet + across * _HEAD / 2, feet - across * _HEAD / 2], axis=1)
    alphas = np.where(lit, 1.0, FADED)
    panel.axes.add_collection(PolyCollection(list(corners), facecolors=colours, alpha=alphas, linewidths=0, zorder=2))


def _write_numbers(panel: StepPanel, l: int, lit: Flags) -> None:
    """Write each weight, or its derivative, on its line."""
    columns = panel.flow.weights[l - 1].shape[1]
    for n, place in enumerate(panel.plan.numbers[l - 1]):
        _write_number(panel, l, divmod(n, columns), place, bool(lit[n]))


def _write_number(panel: StepPanel, l: int, entry: tuple[int, int], place: Floats, lit: bool = True) -> None:
    """Write the name of a weight, or of its derivative, and below it the number."""
    name, value = Name("W", l, entry), panel.flow.weights[l - 1][entry]
    called = panel.words.write(name) if panel.flow.forward else panel.words.derivative(name)
    text = f"{called}\n{significant(float(value), panel.plan.detail.digits)}"
    paper = {"facecolor": "white", "edgecolor": "none", "pad": 0.6}  # so that lines do not cross it
    look: dict[str, Any] = {"ha": "center", "va": "center", "linespacing": 1.1, "zorder": 2.5, "bbox": paper}
    panel.axes.text(float(place[0]), float(place[1]), text, fontsize=panel.plan.detail.note, color=ink(lit), **look)


def draw_joints(panel: StepPanel, losses: Layer) -> None:
    """Draw the plain lines from outputs to their losses, and from there to the cost."""
    plan, end, last = panel.plan, len(panel.plan.layers), panel.plan.layers[-1].x
    for k, y in zip(losses.shown.tolist(), losses.y.tolist(), strict=True):
        lit = panel.lit(end, k)
        path = np.array([[[last, y], [losses.x, y]], [[losses.x, y], [plan.cost, 0.0]]])
        if panel.paths is not None and lit:
            ends = np.array([panel.lit(end - 1, k), panel.lit(end + 1, 0)])
            _mark(panel, path[ends], PATH, "paths to the cost")
        look: dict[str, Any] = {"color": NEUTRAL, "linewidth": 1.2, "alpha": 1.0 if lit else FADED, "zorder": 1.0}
        panel.axes.plot([last, losses.x, plan.cost], [y, y, 0.0], label="to the cost", **look)
    if panel.coupled:
        y = losses.y[[0, -1]]
        panel.axes.plot([last, last], y, color=NEUTRAL, linewidth=1.2, linestyle=DOTS, zorder=0.9, label="coupled")
