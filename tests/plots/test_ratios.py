"""Ratios of times, job by job."""

from __future__ import annotations

import math

import pytest

from chainrule.errors import UsageError
from chainrule.plots.palette import COLOURS
from chainrule.plots.ratios import Ratios, ratio_chart

ROWS = [
    Ratios("784-30-10", {"JAX": (3.0, 2.5, 4.0), "PyTorch": (22.0, 20.0, 30.0)}),
    Ratios("2-2-2", {"PyTorch": (140.0, 120.0, 170.0)}),
]


def test_each_ratio_has_a_marker_and_a_line_for_its_spread():
    (axes,) = ratio_chart(ROWS, "compiled", title="A title", detail="below").axes
    spreads = [list(line.get_xdata()) for line in axes.get_lines() if len(line.get_xdata()) == 2]
    markers = [line.get_xdata()[0] for line in axes.get_lines() if len(line.get_xdata()) == 1]
    assert spreads == [[2.5, 4.0], [20.0, 30.0], [120.0, 170.0], [1.0, 1.0]]
    assert markers == [3.0, 22.0, 140.0]
    assert [text.get_text() for text in axes.texts] == ["3", "22", "140"]
    assert axes.get_xscale() == "log"
    assert axes.get_xlabel() == "time, as a multiple of that of compiled"
    assert axes.figure.get_suptitle() == "A title\nbelow"


def test_a_program_looks_alike_in_all_rows_and_rows_read_downwards():
    (axes,) = ratio_chart(ROWS, "compiled").axes
    colours = [line.get_color() for line in axes.get_lines() if len(line.get_xdata()) == 1]
    assert colours == [COLOURS[0], COLOURS[1], COLOURS[1]]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["784-30-10", "2-2-2"]
    assert axes.get_ylim() == (1.5, -0.5)
    low, high = axes.get_xlim()
    assert low < 1 < 170 < high


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(UsageError, match="no ratio"):
        ratio_chart([], "compiled")
    with pytest.raises(UsageError, match="above 0"):
        ratio_chart([Ratios("job", {"JAX": (1.0, 0.0, 2.0)})], "compiled")
    with pytest.raises(UsageError, match="not finite"):
        ratio_chart([Ratios("job", {"JAX": (1.0, math.nan, 2.0)})], "compiled")
