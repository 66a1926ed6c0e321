"""A part of lesson batch-sizes: a cost with two valleys, and what noise can and cannot do there."""

from __future__ import annotations

import numpy as np

from chainrule.descent import descend
from chainrule.language import Message
from chainrule.lessons.story import Story

__all__ = ["tell_valleys"]


def tell_valleys(story: Story) -> None:
    """Descend from two starts into two valleys."""
    story.heading("What noise is good for, and what no method promises")
    story.say("A cost may have several valleys. Plain descent on J = x⁴ − 2x² + x/3 from two starts:")
    valleys = [descend(lambda x: x**4 - 2 * x**2 + x / 3, at, rate=0.05, steps=200) for at in (-1.5, 1.5)]
    story.table(
        (Message("start"), Message("end"), "J"), [(*d.path[0], *d.end, d.values[-1]) for d in valleys], digits=5
    )
    flat = all(np.allclose(d.gradients[-1], 0.0, atol=1e-6) for d in valleys)
    story.check("both ends are flat, and one lies higher", flat and valleys[0].values[-1] < valleys[1].values[-1])
    story.say(
        "Where the gradient is 0, plain descent stays for good. Noise can shake a path out of a shallow valley or off a"
        " flat place, which is one more reason for small batches. It need not: no method that goes by gradients"
        " promises the lowest point of all."
    )
