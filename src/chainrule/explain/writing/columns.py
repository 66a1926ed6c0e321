"""Columns: which columns of a table stand to the right, in every format."""

from __future__ import annotations

from chainrule.explain.page import Grid

__all__ = ["numeric_columns"]


def numeric_columns(grid: Grid) -> list[bool]:
    """Say of each column whether it holds numbers; a word among them, such as "held fixed", changes nothing.

    >>> numeric_columns(Grid(("weight", "after"), (("w1", 0.5), ("w2", "held fixed"))))
    [False, True]
    """
    return [any(isinstance(row[k], int | float) for row in grid.rows) for k in range(len(grid.heads))]
