"""Superficial and essential features: a linear and a deep model on digits, and on the same digits moved a little."""

from __future__ import annotations

from typing import Any

from chainrule.data.shifts import shifted_copies
from chainrule.formulas import Adam
from chainrule.language import Message
from chainrule.lessons.lesson import Lesson, Setting
from chainrule.lessons.small_digits import SHAPE, small_digits
from chainrule.lessons.story import Story
from chainrule.network import Network
from chainrule.plots.lines import Panel, line_panels, mean_curves
from chainrule.training.variants import MeanSpread, train_variants

__all__ = ["LESSON"]


def tell(story: Story, distance: int, hidden: int, epochs: int, moved_epochs: int, seed: int) -> None:
    """Two models, trained with and without moved digits, tested on moved ones."""
    story.say(
        "A digit stays the same digit when it is moved by a pixel: its form is essential, its place superficial. To a"
        " model both are numbers. A linear model has one weight for each pixel and class, and adds up which pixels"
        " speak for the class. A deep network can combine pixels into strokes, and strokes into forms."
    )
    X, y, X_test, y_test = small_digits(test=0.3)
    networks = {
        Message("linear"): Network.from_sizes([64, 10], output="softmax"),
        Message("deep"): Network.from_sizes([64, hidden, hidden, 10], hidden="relu", output="softmax"),
    }
    story.say(
        "The linear model is a layer of softmax on the 64 pixels, the deep one is 64-{hidden}-{hidden}-10 with ReLU."
        " Both learn once from the digits as they are, and once from copies at all places up to {distance} pixels away"
        " ({copies} of each digit; what leaves the image of 8 x 8 pixels is lost). Both are tested on digits that they"
        " have not seen, at all places of each distance.",
        hidden=hidden,
        distance=distance,
        copies=(2 * distance + 1) ** 2,
    )
    far = range(distance + 1)
    tests = [shifted_copies(X_test, y_test, SHAPE, most=step, least=step) for step in far]
    as_they_are, moved = (Message("digits as they are"), 0, epochs), (Message("moved digits"), distance, moved_epochs)
    training: dict[str, Any] = {"optimizer": Adam(0.002), "metrics": (), "seeds": range(seed, seed + 3)}
    shares: dict[str, MeanSpread] = {}
    for shown, most, passes in (as_they_are, moved):
        learned = shifted_copies(X, y, SHAPE, most=most)
        for name, trials in train_variants(networks, *learned, epochs=passes, **training).items():
            variant = Message("{model}, {shown}", model=name, shown=shown)
            shares[variant] = trials.evaluate_each(tests)["accuracy"]

    story.say("The share of right answers, as mean ± standard deviation over three seeds:")
    story.table(
        (Message("model, trained with"), *(Message("moved by {step}", step=step) for step in far)),
        [(name, *(f"{share:.1%}" for share in row.points)) for name, row in shares.items()],
    )
    linear, deep, linear_moved, deep_moved = (row.mean for row in shares.values())
    story.value("accuracy_linear", {"as_they_are": linear, "moved": linear_moved})
    story.value("accuracy_deep", {"as_they_are": deep, "moved": deep_moved})
    if story.as_told:
        story.say(
            "As long as digits stand still, both are good, the deep network better. Moved digits defeat both where"
            " training did not show them: a dense network does not know that neighbouring pixels belong together, and"
            " depth alone does not teach it. Shown moved digits, the deep network learns what stays the same, and is"
            " not much worse at all places than it was at one. The linear model cannot: one set of weights for each"
            " digit does not fit all its places, and it even forgets what it could do. It does not lack data but"
            " hidden layers."
        )
        lost, lost_deep = linear[0] - linear_moved[-1], deep[0] - deep_moved[-1]
        story.check("with moved digits the linear model loses far more than the deep one", lost > 5 * lost_deep)
    panel = Panel(mean_curves(shares, first=0), x=Message("moved by (pixels)"), y=Message("test accuracy"))
    title = Message("Moved digits: what a model was trained with, and how it does")
    story.picture(lambda: line_panels([panel], title=title))
    story.try_next("One pixel is easier than two.", command="shallow-deep --distance 1")
    story.try_next("How few neurons still do it?", command="shallow-deep --hidden 16")


LESSON = Lesson(
    name="shallow-deep",
    title=Message("Superficial and essential features"),
    summary=Message("linear and deep, on digits and on digits moved a little"),
    tell=tell,
    settings=(
        Setting("distance", 2, "how far digits are moved, in pixels", least=1, most=3),
        Setting("hidden", 64, "neurons of each hidden layer of the deep network", least=1, most=1000),
        Setting("epochs", 30, "passes over the digits as they are", least=1, most=1000),
        Setting("moved_epochs", 4, "passes over the moved digits, which are many more", least=1, most=1000),
        Setting("seed", 0, "the first of three seeds", least=0),
    ),
)
