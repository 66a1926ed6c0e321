"""What a panel of the picture of a step is drawn from, and the colours and inks of its parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from chainrule.plots.palette import COLOURS
from chainrule.plots.step_layout import Plan
from chainrule.plots.step_names import Words
from chainrule.plots.step_paths import Paths
from chainrule.plots.step_values import Flow

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["ASKED", "FADED", "INK", "PATH", "PEN", "StepPanel", "ink"]

PATH, ASKED = COLOURS[7], COLOURS[4]  # a marker pen's yellow, and a stronger one for what was asked for
PEN = 0.6  # how strong it is
FADED = 0.13
INK, _FADED_INK = "#222222", "#BBBBBB"

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


def ink(lit: bool) -> str:
    """Give the colour of words and outlines, paler for what is faded."""
    return INK if lit else _FADED_INK


@dataclass(frozen=True)
class StepPanel:
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
        if self.paths is None:
            return True
        source = self.flow.forward and self.paths.sources[column][node]
        return bool(source or self.paths.neurons[column][node])
