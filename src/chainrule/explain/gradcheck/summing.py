"""What all probes found of one array, as one line of the report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from chainrule.explain.gradcheck.comparing import Compared
from chainrule.explain.gradcheck.hints import hint_of
from chainrule.explain.gradcheck.report import CheckedArray, CheckedEntry
from chainrule.explain.gradcheck.subjects import Point
from chainrule.language import Message

__all__ = ["BAD", "sizes_of", "summed"]

_WORST = 5
# A wrong array counts more than one of which nothing was seen, and that less than a right one.
_BADNESS = ("unseen", "right", "rounded", "inexact", "wrong", "shape")
BAD = _BADNESS[3:]


def sizes_of(point: Point) -> list[int]:
    """Give the numbers of rows and columns of the data, rows first."""
    shapes = [each.shape for each in point.data if isinstance(each, np.ndarray)]
    return [shape[k] for k in (0, 1) for shape in shapes if len(shape) > k]


def summed(seen: Sequence[tuple[Point, Compared]], probes: Sequence[tuple[Point, list[Compared]]]) -> CheckedArray:
    """Sum up what all probes found of one array; the first of the worst is shown.

    Args:
        seen: each probe with what it found of the array.
        probes: each with what it found of all.
    """
    point, one = max(seen, key=lambda each: _BADNESS.index(each[1].verdict))
    verdict = _verdict(one, [each for _, each in seen])
    entries: tuple[CheckedEntry, ...] = ()
    hint: Message | str = ""
    if verdict == "vague":
        point, one = max(seen, key=lambda each: int(each[1].vague.sum()))
    elif verdict not in ("right", "unseen"):
        entries = _worst_entries(one)
    if verdict not in ("right", "unseen"):
        others = next(found for at, found in probes if at is point)
        hint = hint_of(replace(one, verdict=verdict), others, sizes_of(point))
    counted = [each for _, each in seen if len(each.errors)]
    shown = [each for each in counted if not (verdict == "right" and each.verdict == "rounded")]
    return CheckedArray(
        name=f"d{one.name}",
        shape=one.shape,
        verdict=verdict,
        error=max((float(c.errors[c.bad | ~c.undecided].max(initial=0)) for c in shown), default=0.0),
        checked=sum(int(np.sum(c.bad | ~c.undecided)) for c in counted),
        kinks=sum(int(np.sum(c.found.kinks)) for c in counted),
        undecided=sum(int(np.sum(c.undecided & ~c.found.kinks & ~c.bad)) for c in counted),
        method=one.found.method,
        where=point.label if hint or entries else "",
        worst=entries,
        hint=hint,
    )


def _verdict(worst: Compared, seen: Sequence[Compared]) -> str:
    """Give the verdict over all probes: none where most entries could not be compared."""
    if worst.verdict == "shape":
        return "shape"
    if sum(int(np.sum(c.vague & ~c.bad)) for c in seen) > sum(int(np.sum(c.bad | ~c.undecided)) for c in seen):
        return "vague"
    if worst.verdict == "rounded":  # everywhere: by a narrower number type; at some points only: by cancellation
        return "right" if any(each.verdict == "right" for each in seen) else "inexact"
    return worst.verdict


def _worst_entries(one: Compared) -> tuple[CheckedEntry, ...]:
    order = np.argsort(-np.where(np.isfinite(one.errors), one.errors, np.inf), kind="stable")
    return tuple(
        CheckedEntry(
            _entry_name(one, int(one.entries[i])),
            float(one.yours[i]),
            float(one.found.values[i]),
            float(one.errors[i]),
        )
        for i in order[:_WORST]
        if one.bad[i]
    )


def _entry_name(one: Compared, flat: int) -> str:
    index = np.unravel_index(flat, one.shape) if one.shape else ()
    return f"d{one.name}" + (f"[{','.join(map(str, index))}]" if index else "")
