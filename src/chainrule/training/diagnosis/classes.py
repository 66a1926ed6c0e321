"""Classes of which one is far commoner than another: what accuracy hides."""

from __future__ import annotations

import numpy as np

from chainrule.arrays import truth_of
from chainrule.formulas import Array
from chainrule.language import Message
from chainrule.training.diagnosis.records import Finding

__all__ = ["judge_classes"]

_UNEQUAL = 10.0  # the commonest class has so many times the rows of the rarest
_MISSED = 0.5  # a class of which fewer rows are found than this share is missed
_FEWEST = 5  # rows of a class, below which no share of them says anything


def judge_classes(outputs: Array, Y: Array, everywhere: Array, labels: tuple[object, ...]) -> list[Finding]:
    """Find a rare class that the network misses.

    Args:
        outputs: for the rows looked at, shape (m, N_K).
        Y: their targets.
        everywhere: the targets of all rows, for counting.
        labels: of the classes.
    """
    counts = np.bincount(truth_of(everywhere, True), minlength=len(labels))
    predicted, truth = truth_of(outputs, True), truth_of(Y, True)
    there = np.flatnonzero(counts)
    common, rare = there[np.argmax(counts[there])], there[np.argmin(counts[there])]
    if counts[common] < _UNEQUAL * counts[rare]:
        return []
    found = {k: float(np.mean(predicted[truth == k] == k)) for k in there if (truth == k).sum() >= _FEWEST}
    worst = min((k for k in found if counts[k] * _UNEQUAL <= counts[common]), key=lambda k: found[k], default=None)
    what = Message(
        "{share:.1%} of the rows are of class {common!r}, so always guessing it is right for as many; the network is "
        "right for {accuracy:.1%}",
        share=float(counts[common] / counts.sum()),
        common=labels[common],
        accuracy=float(np.mean(predicted == truth)),
    )
    if worst is None:
        what = Message("{text}.", text=what)
        return [Finding("imbalance", "note", what, Message("Look at more than accuracy, such as each class's share."))]
    what = Message(
        "{text}. It finds {found:.1%} of the rows of class {rare!r}.", text=what, found=found[worst], rare=labels[worst]
    )
    remedy = Message("Give rows of rare classes a larger weight (weights=…), and look at more than accuracy.")
    return [Finding("imbalance", "severe" if found[worst] < _MISSED else "note", what, remedy)]
