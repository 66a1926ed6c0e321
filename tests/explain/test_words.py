"""What is said of what counts most is true, and nothing is said where nothing does."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from chainrule import Network
from chainrule.explain import explain
from chainrule.explain.page import Heading, Page, Prose


def behind(page: Page) -> str:
    """The sentences behind the last heading."""
    last = max(k for k, block in enumerate(page.blocks) if isinstance(block, Heading))
    return " ".join(str(block.text) for block in page.blocks[last + 1 :] if isinstance(block, Prose))


def said(sizes: list[int], x: list[float], y: list[float], of: str, **given: Any) -> str:
    """What is said last of a number of an identity network with these weights."""
    most, hidden = given.pop("most", 6), given.pop("hidden", "identity")
    model = Network.from_sizes(sizes, hidden, "identity").init(seed=0)
    for name, values in given.items():
        model[name] = values
    with np.errstate(all="ignore"):
        return behind(explain(model, [x], [y], of, depth=1, most=most, loss="half_squared_error"))


@pytest.mark.parametrize("most", [1, 2, 6])
def test_path_that_counts_most(most: int) -> None:
    given = {"W1": [[1.0], [2.0]], "W2": [[3.0, 4.0]], "W3": [[2.0]], "most": most}
    text = said([1, 2, 1, 1], [1.0], [0.0], "dC/dx[0]", **given)
    assert text.startswith("The path through a1[1] → a2[0] → a3[0] counts most, with 73% of the size of all paths.")


def test_no_path_counts_most_among_equals() -> None:
    given = {"W1": [[1.0], [1.0]], "W2": [[3.0, 3.0]], "W3": [[1.0]]}
    assert "counts most" not in said([1, 2, 1, 1], [1.0], [0.0], "dC/dx[0]", **given)


def test_all_paths_may_be_0() -> None:
    given = {"W1": -np.ones((2, 2)), "W2": np.ones((2, 2)), "W3": np.ones((2, 2)), "hidden": "relu"}
    assert said([2, 2, 2, 2], [1.0, 1.0], [1.0, 1.0], "dC/dx[0]", **given).startswith("All of the paths are 0.")


def test_factor_that_all_paths_share_may_be_0() -> None:
    text = said([2, 2, 2], [0.0, 0.1], [1.0, 1.0], "dC/dW1[0,0]")
    assert text.startswith("x[0] is 0, and so is the whole product.")


def test_factor_in_the_direction_of_the_product() -> None:
    # 0.1 · 0.01 · 0.02 · 1000: the largest factor has not made it 0.02.
    text = said([1, 1, 1, 1], [1e3], [-0.1], "dC/dW1[0,0]", W1=[[0.0]], W2=[[0.01]], W3=[[0.02]])
    assert text.startswith("W2[0,0] is the factor that makes the derivative smallest.")
    text = said([1, 1, 1, 1], [1e7], [-0.1], "dC/dW1[0,0]", W1=[[0.0]], W2=[[0.01]], W3=[[0.02]])
    assert text.startswith("x[0] is the factor that makes the derivative largest.")
    # Two alike: neither of them is the one.
    text = said([1, 1, 1, 1], [1e3], [-0.1], "dC/dW1[0,0]", W1=[[0.0]], W2=[[0.01]], W3=[[0.01]])
    assert text.startswith("Nudging")


def test_nothing_where_nothing_counts_most() -> None:
    assert said([1, 1, 1], [1.0], [0.0], "dC/dW1[0,0]", W1=[[1.0]], W2=[[1.0]]).startswith("Nudging")
    model = Network.from_sizes([2, 3, 2], "tanh").init(seed=0)
    for bad in (np.nan, np.inf):
        model["W1"] = np.full((3, 2), bad)
        text = explain(model, [[0.5, 1.0]], [[1.0, 0.0]], "dC/dW1[0,1]", depth=1).text()
        assert "counts most" not in text
        assert "factor that makes" not in text
        assert "nan%" not in text


def test_sum_in_brackets_is_a_factor() -> None:
    model = Network.from_sizes([1, 3, 3], "sigmoid", "identity").init(seed=0)
    model["W2"] = np.full((3, 3), 1e-3)
    text = behind(explain(model, [[0.1]], [[1.0, 2.0, 3.0]], "delta1[0]", depth=1, loss="half_squared_error"))
    assert text.startswith("The sum in brackets is the factor that makes the derivative smallest.")


def test_check_says_how_far_off_it_may_be() -> None:
    text = said([1, 1], [1.0], [0.0], "dC/dW1[0,0]", W1=[[2.0]])
    assert "give or take" in text
    assert "kink" not in text
    assert "nudging cannot see" not in text
    text = said([1, 1], [1e-20], [2.0], "dC/dW1[0,0]", W1=[[2.0]])
    assert text.endswith("The cost is so large, or bends so sharply, that nudging cannot see a slope this small.")
