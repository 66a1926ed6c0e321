"""The second part of lesson deep-binary: the same network from three starts, and the plateau that two of them meet."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from chainrule.formulas import INITIALIZERS, LOSSES, Array
from chainrule.language import Message
from chainrule.lessons.held_out import Trial
from chainrule.lessons.story import Story
from chainrule.plots.lines import Curve, Panel, line_panels

__all__ = ["tell_starts"]


def tell_starts(story: Story, learned: Callable[..., Trial], y: Array, updates: tuple[int, int, int]) -> None:
    """Train three times, tell how long each stays on the plateau, and draw the three costs.

    Args:
        story: what is told.
        learned: trains the network, given an initializer, a rate, a number of updates, and options of `train_and_test`.
        y: the classes, 0 and 1, shape (n,).
        updates: how many for each of the three starts.
    """
    story.heading("Three starts")
    story.say(
        "Now this network is trained in three ways, each update from all rows of the training part. First as many"
        " texts do it: the measures as they are, weights 0.01 times N(0, 1), rate 0.0075. Then standardized inputs and"
        " rate 0.1, once with the same small weights and once with He's, whose standard deviation is √(2 / N) for a"
        " neuron with N inputs."
    )
    small = INITIALIZERS["normal"].with_parameters(scale=0.01)
    watched = {"metrics": (), "callbacks": story.callbacks}
    runs = {
        Message("raw inputs, 0.01"): learned(small, 0.0075, updates[0], scaling="none", **watched),
        Message("standardized, 0.01"): learned(small, 0.1, updates[1], **watched),
        Message("standardized, He"): learned("he_normal", 0.1, updates[2], **watched),
    }
    costs = [trial.history["loss"] for trial in runs.values()]
    accuracies = [trial.accuracy for trial in runs.values()]

    # What it costs to answer everyone alike, with the share of class 1.
    share = np.full((len(y), 1), np.log(y.mean() / (1 - y.mean())))
    plateau = float(LOSSES["binary_cross_entropy"].value(share, y[:, np.newaxis]).mean())
    left = [next((t for t, cost in enumerate(course) if cost < 0.9 * plateau), None) for course in costs]
    story.table(
        ("", Message("updates"), Message("plateau left after"), Message("cost"), Message("right, held out")),
        [
            (start, len(course), Message("never") if t is None else t, course[-1], accuracy)
            for start, course, t, accuracy in zip(runs, costs, left, accuracies, strict=True)
        ],
        digits=4,
    )
    story.say(
        "The plateau is the cost {plateau:.3f} of answering everyone alike, with the share of malignant tumours; it"
        " counts as left where the cost is below nine tenths of it. Weights of 0.01 make the activations of each layer"
        " many times smaller than those of the layer before, so the last neuron sees little but its bias, and the"
        " errors shrink likewise on their way back. The network seems to stand still until tiny derivatives have made"
        " its weights large enough. With He's start nothing shrinks.",
        plateau=plateau,
    )
    story.value("plateau", plateau)
    story.value("plateau_left_after", left)
    story.value("test_accuracy_by_start", accuracies)
    panels = [_panel(start, np.array(course), plateau) for start, course in zip(runs, costs, strict=True)]
    story.picture(lambda: line_panels(panels, title=Message("One network, three starts"), columns=3))


def _panel(start: str, course: Array, plateau: float) -> Panel:
    thousands = len(course) > 5000
    t = np.arange(len(course)) / (1000 if thousands else 1)
    alike = Curve((t[0], t[-1]), (plateau, plateau), Message("everyone alike"))
    name = Message("updates in thousands") if thousands else Message("updates")
    return Panel((Curve(t, course, Message("cost")), alike), x=name, y=Message("cost"), title=start)
