"""What stands above a panel of the picture of a step: what flows in it, and what its circles, lines and numbers are."""

from __future__ import annotations

import textwrap

from chainrule.language import tr
from chainrule.plots.step_layout import Plan
from chainrule.plots.step_names import Words
from chainrule.plots.step_paths import Paths
from chainrule.plots.step_values import Flow
from chainrule.plots.style import text_width

__all__ = ["HEAD_POINTS", "HEAD_X", "head_lines"]

HEAD_POINTS, HEAD_X = 8.5, 1.3  # HEAD_X in inches, right of "Forward"


def head_lines(flow: Flow, plan: Plan, words: Words, paths: Paths | None) -> list[str]:
    """Say what is drawn in a panel, in lines as long as it is wide.

    Args:
        flow: what the panel shows.
        plan: its places.
        words: the names.
        paths: what is highlighted, or None.
    """
    numbered = plan.detail.numbered or (paths is not None and any(each.sum() == 1 for each in paths.weights))
    box = plan.losses is not None and flow.losses is not None and not plan.detail.notes
    says = _forward(flow, words, numbered, box) if flow.forward else _backward(flow, words, numbered, box)
    if "u" in flow.sums:
        says.append(tr("u: the weighted sum before batch normalization"))
    if any(symbol == "drop" for symbol, _ in flow.keys[1:]):
        says.append(tr("{left}: what dropout leaves of {a}", left=words.any("drop"), a=words.any("a")))
    text = "; ".join(says)
    room = 72 * (plan.width - HEAD_X - 0.12)
    return textwrap.wrap(text, int(len(text) * room / (0.9 * text_width(text, HEAD_POINTS))))


def _forward(flow: Flow, words: Words, numbered: bool, box: bool) -> list[str]:
    a = words.any("a")
    says = [tr("circle: activation {a}; line: w · {a}, what the weight adds to {z}", a=a, z=_sums(flow, words))]
    says += [tr("on the line: w")] if numbered else []
    says += [tr("box: loss of the output")] if box else []
    first = flow.keys[0][0]
    if first != "x":
        says.append(tr("the first lines carry {a}, what normalization or dropout makes of x", a=words.any(first)))
    return says


def _backward(flow: Flow, words: Words, numbered: bool, box: bool) -> list[str]:
    names = {"C": words.cost, "a": words.any("a"), "error": _errors(flow, words)}
    circle = tr(
        "circle: error δ = ∂{C}/∂{z}, of inputs ∂{C}/∂x; line: {error} · w, what the weight takes back",
        **names,
        z=words.any("z"),
    )
    says = [circle]
    if numbered and words.row is None:
        says.append(tr("on the line: ∂{C}/∂w = {error} · {a}", **names))
    elif numbered:
        says.append(tr("on the line: row {row}'s share of ∂{C}/∂w, {error} · {a}", row=words.row, **names))
    if box:
        says.append(tr("box: {a} − y", **names) if flow.short else tr("box: ∂{C}/∂{a}", **names))
    return says


def _sums(flow: Flow, words: Words) -> str:
    """Name what the lines going forward add up to: z, u before a batch normalization, or the one or the other."""
    return _either([words.any("z")] * ("z" in flow.sums) + ["u"] * ("u" in flow.sums))


def _errors(flow: Flow, words: Words) -> str:
    """Name what the lines going back take back: dC by those sums."""
    names = ["δ"] * ("z" in flow.sums) + [f"∂{words.cost}/∂u"] * ("u" in flow.sums)
    return _either(names) if len(names) == 1 else f"({_either(names)})"


def _either(names: list[str]) -> str:
    return names[0] if len(names) == 1 else tr("{first} or {next}", first=names[0], next=names[1])
