"""Panels: rows of a matrix that are summed again and again, brought together stripe by stripe.

A panel is a stripe of a matrix, a few vectors wide, row behind row. What is read many times then lies in one piece,
each vector in one cache line; and a matrix that lies the other way round is turned on the way.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from chainrule.engines.compiled.code import Code, Value

__all__ = ["Panel", "copied", "turn_back", "turned"]


class Panel(NamedTuple):
    """Room for a stripe and the way to fill it.

    Args:
        room: the address of room for all rows of a stripe.
        bring: fills it: ``bring(first column, lanes used of each vector)``; other lanes are 0.
    """

    room: Value
    bring: Callable[[Value, list[int]], None]


def copied(c: Code, depth: Value | int, room: Value, row: Callable[[Value], Value]) -> Panel:
    """Give a panel of ``depth`` rows whose addresses ``row`` gives."""

    def bring(j: Value, widths: list[int]) -> None:
        wide = len(widths) * c.lanes
        with c.loop(depth) as k:
            for v, width in enumerate(widths):
                there = c.at(room, c.plus(c.times(k, wide), v * c.lanes))
                c.store(c.load(c.at(row(k), c.plus(j, v * c.lanes)), c.lanes, width), there)

    return Panel(room, bring)


def turned(c: Code, depth: int, room: Value, matrix: Value) -> Panel:
    """Give a panel of the columns of a matrix that has ``depth`` of them; its first number is at ``matrix``."""

    def square(j: Value, v: int, width: int, k: Value, used: int, wide: int) -> None:
        """Turn lanes times lanes numbers in the registers."""
        corner = c.at(matrix, c.plus(c.times(c.plus(j, v * c.lanes), depth), k))
        rows = [c.load(c.at(corner, r * depth), c.lanes, used) for r in range(width)]
        rows += [c.constant(0.0, c.lanes)] * (c.lanes - width)
        for q, value in enumerate(_turned(c, rows)[:used]):
            c.store(value, c.at(room, c.plus(c.times(c.plus(k, q), wide), v * c.lanes)))

    def bring(j: Value, widths: list[int]) -> None:
        whole, rest = divmod(depth, c.lanes)
        wide = len(widths) * c.lanes

        def across(k: Value, used: int) -> None:
            for v, width in enumerate(widths):
                square(j, v, width, k, used, wide)

        if whole:
            with c.loop(whole * c.lanes, 0, c.lanes) as k:
                across(k, c.lanes)
        if rest:
            across(c.index(whole * c.lanes), rest)

    return Panel(room, bring)


def turn_back(c: Code, depth: int, room: Value, matrix: Value, widths: list[int]) -> None:
    """Write a turned matrix, all of it in one panel, back to where it lies in rows of ``depth`` numbers."""
    wide = len(widths) * c.lanes
    whole, rest = divmod(depth, c.lanes)

    def square(v: int, width: int, k: Value, used: int) -> None:
        corner = c.at(room, c.plus(c.times(k, wide), v * c.lanes))
        rows = [c.load(c.at(corner, q * wide), c.lanes) for q in range(used)]
        rows += [c.constant(0.0, c.lanes)] * (c.lanes - used)
        for r, value in enumerate(_turned(c, rows)[:width]):
            c.store(value, c.at(matrix, c.plus(k, (v * c.lanes + r) * depth)), used)

    def across(k: Value, used: int) -> None:
        for v, width in enumerate(widths):
            square(v, width, k, used)

    if whole:
        with c.loop(whole * c.lanes, 0, c.lanes) as k:
            across(k, c.lanes)
    if rest:
        across(c.index(whole * c.lanes), rest)


def _turned(c: Code, rows: list[Value]) -> list[Value]:
    """Turn a square, a vector a row: blocks of half its size change places, then blocks of half that size."""
    rows, half = list(rows), len(rows) // 2
    while half:
        lanes = range(len(rows))
        low = [k + len(rows) - half if k & half else k for k in lanes]
        high = [k + len(rows) if k & half else k + half for k in lanes]
        for r in lanes:
            if not r & half:
                a, b = rows[r], rows[r + half]
                rows[r], rows[r + half] = c.shuffle(a, b, low), c.shuffle(a, b, high)
        half //= 2
    return rows
