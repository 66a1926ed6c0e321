"""One step as a picture: activations flow forward through the network, errors flow back."""

from __future__ import annotations

import numbers
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.errors import UsageError
from chainrule.explain.asking import find_name
from chainrule.explain.names import COST, Name, slope_of
from chainrule.explain.trace import Trace
from chainrule.language import tr
from chainrule.network import Dropout
from chainrule.plots.checks import finite, positive
from chainrule.plots.edges import DASHES, DOTS
from chainrule.plots.palette import NEGATIVE, NEUTRAL, POSITIVE
from chainrule.plots.step_drawing import draw_panel
from chainrule.plots.step_heads import head_lines
from chainrule.plots.step_layout import Plan, make_plan
from chainrule.plots.step_names import Words
from chainrule.plots.step_panel import ASKED, INK, PATH, PEN, StepPanel
from chainrule.plots.step_paths import Paths, find_paths
from chainrule.plots.step_values import Flow, backward_flow, dropped_neurons, forward_flow, value_of
from chainrule.plots.style import drawing, heading, significant

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["step_diagram"]

_HEADING, _LINE, _LEGEND, _WIDEST = 0.25, 0.2, 0.7, 15.0  # inches


def step_diagram(
    trace: Trace,
    of: Name | str | None = None,
    *,
    row: int | None = None,
    notation: str = "index",
    max_neurons: int = 10,
    title: str | None = None,
) -> Figure:
    """Draw one step of a network: activations that flow forward and, below or beside them, errors that flow back.

    A circle is the fuller, and a line the wider, the larger its number is in its layer; negative numbers have dashed
    outlines and dashed lines. Small networks have all numbers written on: x, z, a, the weights, the losses; and delta
    with its two factors, dC/dW and dC/dx. Of a layer of more than ``max_neurons`` those with the largest activations
    are shown. Neurons that dropout deleted are crossed out.

    Args:
        trace: a step; without targets, and through a step function, the forward pass alone is drawn.
        of: the number to highlight, a `Name` or a text such as ``"dC/dW1[0,1]"``: a derivative with all paths from
            there to the cost, an activation with all paths that lead to it. All else is faded.
        row: which example of a batch, from 0; None takes the one that ``of`` names, else the first.
        notation: "index", "rows" (the same names) or "textbook" (h1, o1, w5; one example, at most one hidden layer).
        max_neurons: how many circles a column may have, at least 3.
        title: the heading; the sizes of the network or the number asked for by default.

    Returns:
        The figure; its axes are the forward and the backward panel, with the weights of each layer as one collection
        of lines, labelled ``W1`` …, in the order of ``W[l][i, j]`` over the neurons that are shown.

    Raises:
        UsageError: for what is no trace, a row, number or notation that is not there, ``max_neurons`` below 3.
        ShapeError: for textbook names where textbooks have none.

    >>> from chainrule import Network
    >>> from chainrule.explain.trace import trace
    >>> model = Network.from_sizes([2, 2, 1], "sigmoid", "sigmoid").init(seed=0)
    >>> figure = step_diagram(trace(model, [[0.5, 1.0]], [[1.0]]))
    >>> len(figure.axes)
    2
    """
    if not isinstance(trace, Trace):
        raise UsageError(
            "step_diagram draws a trace and was given {kind}; give it what trace(model, X, Y) returns",
            kind=type(trace).__name__,
        )
    name = find_name(of, trace) if isinstance(of, str) else _plain(of)
    scene = _Scene.of(trace, name, row, notation, positive(max_neurons, "max_neurons", least=3))
    # Beside each other where that is not wider than a screen shows legibly.
    across = scene.plan.height > 0.7 * scene.plan.width and 2 * scene.plan.width <= _WIDEST
    count = len(scene.flows)
    columns, rows = (count, 1) if across else (1, count)
    width, panels = columns * scene.plan.width, rows * scene.plan.height
    with drawing(width, panels) as figure:
        figure.set_layout_engine("none")
        heading(figure, title or _title(scene), _detail(scene))
        top = _HEADING + _LINE * (1 + figure.get_suptitle().count("\n"))
        height = top + panels + _LEGEND
        figure.set_size_inches(width, height)
        figure.suptitle(figure.get_suptitle(), y=1 - 0.12 / height)
        for n, flow in enumerate(scene.flows):
            left, bottom = (n / columns, _LEGEND) if across else (0.0, _LEGEND + (rows - 1 - n) * scene.plan.height)
            axes = figure.add_axes((left, bottom / height, 1 / columns, scene.plan.height / height))
            draw_panel(scene.panel(axes, flow))
        key = tr("the fuller a circle and the wider a line, the larger the number's size in its layer")
        figure.legend(
            handles=_legend(scene), loc="lower center", ncols=6 if width > 7 else 3, title=key, title_fontsize=9.0
        )
    return figure


@dataclass(frozen=True)
class _Scene:
    """All that the panels share."""

    trace: Trace
    name: Name | None
    row: int
    words: Words
    plan: Plan
    paths: Paths | None
    flows: tuple[Flow, ...]

    @classmethod
    def of(cls, trace: Trace, name: Name | None, row: int | None, notation: str, most: int) -> _Scene:
        if name is not None and not isinstance(name, Name):
            raise UsageError("what is highlighted must be a Name or a text, not {kind}", kind=type(name).__name__)
        place = _row(trace, name, row)
        network, targets = trace.model.network, trace.Y is not None
        words = Words.of(notation, trace, place)
        back = trace.gradient is not None  # none comes back through a step function
        if name is not None and name.symbol in ("d", "delta"):
            trace.need_errors()
        paths = None if name is None else find_paths(name, network)
        with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is refused below
            forward = forward_flow(trace, place, words)
            flows = (forward, backward_flow(trace, place, words)) if back else (forward,)
        _check_finite(flows)
        named = None if paths is None else _named(paths, network.depth)
        notes = max(2, *(len(each) for flow in flows for each in flow.notes))
        plan = make_plan(forward.neurons, named, targets, most, notes)
        lines = max(len(head_lines(flow, plan, words, paths)) for flow in flows)
        plan = replace(plan, top=plan.top + 0.15 * max(0, lines - 2))
        return cls(trace, name, place, words, plan, paths, flows)

    def panel(self, axes: Any, flow: Flow) -> StepPanel:
        targets = None if self.trace.Y is None else self.trace.Y[self.row]
        dropped = dropped_neurons(self.trace, self.row)
        coupled = self.trace.model.network.output_activation.pullback is not None
        captions = _captions(self.trace)
        return StepPanel(axes, flow, self.plan, self.words, self.paths, dropped, targets, captions, coupled)


def _plain(name: Any) -> Any:
    """Give a name whose row and index are Python's integers, not NumPy's."""
    if not isinstance(name, Name):
        return name
    index = tuple(int(i) if isinstance(i, numbers.Integral) else i for i in name.index)
    row = int(name.row) if isinstance(name.row, numbers.Integral) else name.row
    return replace(name, row=row, index=index, of=_plain(name.of), by=_plain(name.by), through=_plain(name.through))


def _row(trace: Trace, name: Name | None, row: int | None) -> int:
    """Choose the row: the one that is asked for, else that of the name, else the first."""
    named = None if name is None else (name.by or name).row
    chosen = row if row is not None else named if isinstance(named, int) else 0
    if isinstance(chosen, bool) or not isinstance(chosen, numbers.Integral) or not 0 <= chosen < trace.m:
        raise UsageError(
            "row is {row!r}; this step has {m} rows, expected an integer from 0 to {last}",
            row=chosen,
            m=trace.m,
            last=trace.m - 1,
        )
    return int(chosen)


def _check_finite(flows: tuple[Flow, ...]) -> None:
    for flow in flows:
        for l, values in enumerate(flow.neurons):
            finite(values, f"{'A' if flow.forward else 'D'}[{l}]", 1)
        for l, values in enumerate(flow.edges, start=1):
            finite(values, f"W[{l}]", 2)


def _named(paths: Paths, depth: int) -> list[Any]:
    """Give the neurons that must be shown: those asked for, and both ends of a weight that was."""
    flags = [asked | source for asked, source in zip(paths.asked, paths.sources, strict=True)][: depth + 1]
    for l, weights in enumerate(paths.weights, start=1):
        flags[l] |= weights.any(axis=1)
    return flags


def _captions(trace: Trace) -> list[str]:
    """Say of each column what it is."""
    depth = trace.model.network.depth
    activations = {
        stage.l: stage.layer.activation.name for stage in trace.stages if not isinstance(stage.layer, Dropout)
    }
    found = [tr("input")]
    for l in range(1, depth + 1):
        hidden = tr("hidden") if depth == 2 else tr("hidden {l}", l=l)
        found.append(f"{tr('output') if l == depth else hidden} · {activations[l]}")
    return found if trace.Y is None else [*found, tr("loss"), tr("cost")]


def _title(scene: _Scene) -> str:
    sizes = "-".join(map(str, scene.trace.model.network.sizes))
    if scene.name is None:
        return tr("One step of the network {sizes}", sizes=sizes)
    value = value_of(scene.name, scene.trace, scene.row)
    text = scene.words.write(scene.name)
    return text if value is None else f"{text} = {significant(value, 8)}"


def _detail(scene: _Scene) -> str:
    """Say what is highlighted, and which row is drawn."""
    trace, name, parts = scene.trace, scene.name, []
    if scene.paths is not None:
        forward = tr("highlighted: all that leads from the inputs to this number")
        parts.append(forward if scene.paths.forward else tr("highlighted: all paths to the cost"))
    if trace.Y is not None and trace.gradient is None:
        parts.append(tr("no error comes back through a step function"))
    if trace.m == 1:
        return "; ".join(parts)
    parts.append(tr("row {row} of the rows 0 to {last}", row=scene.row, last=trace.m - 1))
    if trace.losses is not None:
        share, loss = significant(trace.share[scene.row]), significant(trace.losses[scene.row])
        parts.append(tr("its loss is {loss}, its weight in the mean {share}", loss=loss, share=share))
    if name is not None and name.by is not None and name.by.symbol in ("W", "b", "gamma", "beta"):
        own = value_of(slope_of(COST, replace(name.by, row=scene.row)), trace, scene.row)
        if own is not None:
            parts.append(tr("{own} of the derivative comes from it", own=significant(own)))
    return "; ".join(parts)


def _legend(scene: _Scene) -> list[Any]:
    from matplotlib.lines import Line2D

    values = [edges.ravel() for flow in scene.flows for edges in flow.edges]
    look: dict[str, Any] = {"marker": "o", "markersize": 9.0}
    handles = [
        Line2D([], [], color=POSITIVE, markerfacecolor=(POSITIVE, 0.28), label=tr("positive"), **look),
        Line2D(
            [], [], color=NEGATIVE, markerfacecolor=(NEGATIVE, 0.28), label=tr("negative"), linestyle=DASHES, **look
        ),
    ]
    if any((each == 0).any() for each in values):
        handles.append(Line2D([], [], color=NEUTRAL, linestyle=DOTS, label=tr("zero")))
    if any(flags.any() for flags in dropped_neurons(scene.trace, scene.row)):
        handles.append(Line2D([], [], color=INK, marker="x", linestyle="", label=tr("dropped")))
    if scene.paths is not None:
        handles.append(Line2D([], [], color=ASKED, alpha=PEN, linewidth=8, label=tr("what is asked for")))
        handles.append(Line2D([], [], color=PATH, alpha=PEN, linewidth=8, label=tr("on a path")))
    return handles
