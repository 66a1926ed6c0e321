from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest

from chainrule import Network, find_rate
from chainrule.errors import ShapeError, UsageError
from chainrule.plots import rate_search

FOUND = SimpleNamespace(
    rates=np.geomspace(1e-6, 10, 8),
    losses=np.array([2.0, 2.1, 1.9, 1.5, 1.0, 0.4, 3.0, 90.0]),
    smoothed=np.array([2.0, 2.0, 1.9, 1.6, 1.2, 0.9, 2.0, 40.0]),
    suggestion=0.01,
)


def changed(**fields):
    return SimpleNamespace(**(vars(FOUND) | fields))


def lines(figure):
    return {line.get_label(): line for line in figure.axes[0].get_lines()}


def test_the_curves_are_what_was_found():
    drawn = lines(rate_search(FOUND))
    for label, values in {"each batch": FOUND.losses, "smoothed": FOUND.smoothed}.items():
        np.testing.assert_array_equal(drawn[label].get_xdata(), FOUND.rates)
        np.testing.assert_array_equal(drawn[label].get_ydata(), values)
    assert list(drawn["suggested: 0.01"].get_xdata()) == [0.01, 0.01]
    assert len(lines(rate_search(changed(suggestion=None)))) == 2


def test_what_explodes_does_not_press_the_rest_flat():
    (axes,) = rate_search(FOUND).axes
    low, high = axes.get_ylim()
    assert low < 0.4
    assert 2.1 < high < 4
    assert axes.get_xscale() == "log"


def test_texts_do_not_overlap(check_texts):
    check_texts(rate_search(FOUND, title="Digits, 64-30-10, " * 6))
    X = np.linspace(-1, 1, 64)
    check_texts(rate_search(find_rate(Network.from_sizes([1, 1]), X, 3 * X, smallest=1e-8, largest=1e3)))


def test_what_cannot_be_drawn():
    with pytest.raises(ShapeError, match="there are 8 rates, 3 losses and 8 smoothed ones"):
        rate_search(changed(losses=[1.0, 2.0, 3.0]))
    with pytest.raises(UsageError):
        rate_search(changed(smoothed=[math.inf] * 8))
