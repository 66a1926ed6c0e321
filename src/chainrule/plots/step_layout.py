"""Where everything stands in the picture of a step, in inches: the smaller the network, the more is written on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from chainrule.plots.layout import MOST_NUMBERED_WEIGHTS, NARROWEST, Layer
from chainrule.plots.style import text_width

__all__ = ["Detail", "Plan", "edge_segments", "make_plan", "place_numbers"]

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Detail:
    """Sizes of one kind of picture, in inches, and of its letters, in points.

    Args:
        row, column: from one neuron to the next below it, from one layer to the next.
        radius: of a circle.
        box: half the width of a loss.
        digits: significant digits of the numbers.
        value, name, note: sizes of letters: in circles, above them, below them.
        notes: how many lines may stand below a circle.
        numbered: whether the lines have numbers.
        widest: of a line, in points.
    """

    row: float
    column: float
    radius: float
    box: float
    digits: int
    value: float
    name: float
    note: float
    notes: int
    numbered: bool
    widest: float


FULL = Detail(1.55, 3.0, 0.37, 0.46, 4, 9.0, 9.0, 8.0, 2, True, 5.0)
MEDIUM = Detail(1.05, 2.2, 0.29, 0.36, 3, 7.5, 8.0, 7.0, 1, False, 4.0)
WIDE = Detail(0.58, 2.0, 0.215, 0.25, 2, 6.5, 6.5, 6.5, 0, False, 3.0)
_NUMBERED_NEURONS = 4  # in a column, if its lines are to have numbers
_MEDIUM_NEURONS = 6


@dataclass(frozen=True)
class Plan:
    """The columns and the edges of one panel.

    Args:
        detail: its sizes.
        layers: where the neurons are, by layer from 0 to K.
        losses: where the outputs' losses are; None without targets.
        cost: x of the cost, at y = 0.
        left, right, bottom, top: the panel's limits.
        numbers: for each layer the middles of its lines' numbers, one row per line; empty where there are none.
    """

    detail: Detail
    layers: tuple[Layer, ...]
    losses: Layer | None
    cost: float
    left: float
    right: float
    bottom: float
    top: float
    numbers: tuple[Floats, ...] = ()

    @property
    def width(self) -> float:
        """The panel's width."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """The panel's height."""
        return self.top - self.bottom


def make_plan(
    activations: Sequence[Floats], named: Sequence[Flags] | None, targets: bool, most: int, notes: int = 2
) -> Plan:
    """Choose the neurons to show, how much is written, and where everything stands.

    Args:
        activations: by layer from 0; of a layer of more than ``most`` neurons those with the largest are shown.
        named: flags of neurons that must be among them, or None.
        targets: whether there are losses and a cost.
        most: how many neurons a column may have.
        notes: how many lines stand below a circle where there is room for all.
    """
    sizes = [len(values) for values in activations]
    weights = sum(before * after for before, after in pairwise(sizes))
    if weights <= MOST_NUMBERED_WEIGHTS and max(sizes) <= min(_NUMBERED_NEURONS, most):
        plan = _columns(activations, named, targets, most, replace(FULL, notes=notes))
        numbers = tuple(place_numbers(plan, l) for l in range(1, len(sizes)))
        if all(len(places) for places in numbers):
            return replace(plan, numbers=numbers)
    detail = MEDIUM if max(sizes) <= min(_MEDIUM_NEURONS, most) else WIDE
    return _columns(activations, named, targets, most, detail)


def _columns(
    activations: Sequence[Floats], named: Sequence[Flags] | None, targets: bool, most: int, detail: Detail
) -> Plan:
    layers = tuple(
        _layer(values, None if named is None else named[l], l * detail.column, most, detail.row)
        for l, values in enumerate(activations)
    )
    outputs, last = layers[-1], layers[-1].x
    losses = replace(outputs, x=last + 0.6 * detail.column, gap=None) if targets else None
    cost = last + 1.05 * detail.column
    notes = detail.notes * 1.35 * detail.note / 72
    highest = max(float(layer.y.max()) for layer in layers) + detail.radius
    lowest = min(min(float(layer.y.min()), layer.gap or 0.0) for layer in layers) - detail.radius
    side = detail.radius + (0.45 if detail.numbered else 0.35)
    right = side + (cost if targets else last)
    spare = max(0.0, NARROWEST - right - side) / 2
    limits = -side - spare, right + spare, lowest - notes - 0.6, highest + 0.78
    return Plan(detail, layers, losses, cost, *limits)


def _layer(values: Floats, named: Flags | None, x: float, most: int, row: float) -> Layer:
    """Place one column; of too many neurons show the named ones and the largest, and a gap below them."""
    size = len(values)
    rows = min(size, most)
    shown = np.arange(size)
    if size > most:
        order = np.abs(values) if named is None else np.where(named, np.inf, np.abs(values))
        shown = np.sort(np.argsort(-order, kind="stable")[:most])
    heights = row * ((rows - 1) / 2 - np.arange(rows, dtype=np.float64))
    if size == rows:
        return Layer(size, x, shown, heights, None)
    return Layer(size, x, shown, heights + row / 2, float(heights[-1]) - row / 2)


def edge_segments(before: Layer, after: Layer) -> Floats:
    """Give start and end of each line between two layers, in the order of W's rows: shape (lines, 2, 2).

    >>> one = Layer.of(1, 0.0, 3)
    >>> edge_segments(one, Layer.of(2, 1.0, 3)).tolist()
    [[[0.0, 0.0], [1.0, 0.5]], [[0.0, 0.0], [1.0, -0.5]]]
    """
    return np.array([[(before.x, start), (after.x, end)] for end in after.y for start in before.y])


def place_numbers(plan: Plan, l: int) -> Floats:
    """Find a place on each line for its number: off all other numbers, and as far from other lines as can be.

    Returns:
        The middles, shape (lines, 2); shape (0, 2) where there is no room for all of them.
    """
    segments = edge_segments(plan.layers[l - 1], plan.layers[l])
    room = np.array([text_width("0.0000000000", plan.detail.note), 2.9 * plan.detail.note]) / 72
    margin = (plan.detail.radius + 0.1 + room[0] / 2) / plan.detail.column
    found = np.full((len(segments), 2), np.inf)
    # The longest lines cross most others: they choose first.
    for n in np.argsort(-np.abs(segments[:, 1, 1] - segments[:, 0, 1]), kind="stable"):
        start, end = segments[n]
        places = start + np.linspace(margin, 1 - margin, 25)[:, None] * (end - start)
        clear = np.array([_clearance(place, np.delete(segments, n, axis=0)) for place in places])
        free = (np.abs(places[:, None] - found) >= room).any(axis=2).all(axis=1) & (clear >= room[1] / 2)
        if not free.any():
            return np.empty((0, 2))
        found[n] = places[np.argmax(np.where(free, clear, -1.0))]
    return found


def _clearance(place: Floats, others: Floats) -> float:
    """Give how far above or below a place the nearest of some lines runs."""
    share = (place[0] - others[:, 0, 0]) / (others[:, 1, 0] - others[:, 0, 0])
    heights = others[:, 0, 1] + share * (others[:, 1, 1] - others[:, 0, 1])
    return round(float(np.abs(heights - place[1]).min()), 6) if len(others) else np.inf
