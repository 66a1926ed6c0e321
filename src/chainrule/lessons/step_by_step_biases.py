"""A part of lesson step-by-step: what becomes of the figures when the biases learn, too."""

from __future__ import annotations

from collections.abc import Callable

from chainrule.formulas import Array
from chainrule.language import Message
from chainrule.lessons.story import Story
from chainrule.model import Model

__all__ = ["tell_biases"]


def tell_biases(story: Story, learned: Callable[[str, int], Model], x: Array, y: Array, updates: int) -> None:
    """Compare biases that are held fixed, one for each neuron, and one for each layer.

    Args:
        story: what is told.
        learned: gives the model with biases of a kind after a number of updates.
        x: the example, shape (1, N_0).
        y: its targets, shape (1, N_2).
        updates: how many.
    """
    story.heading("And the biases?")
    story.say(
        "Texts with this example train the weights and leave the biases as they are, mostly without saying so. A bias"
        " is a weight on an input that is always 1, and its derivative is the error D of its neuron. Where one number"
        " serves a whole layer, it is the sum of the layer's errors."
    )
    kinds = {
        "fixed": Message("held fixed"),
        "neuron": Message("one for each neuron"),
        "layer": Message("one for each layer"),
    }
    once = {kind: learned(kind, 1).evaluate(x, y)["loss"] for kind in kinds}
    story.table((Message("biases"), Message("error after one update")), [(kinds[kind], once[kind]) for kind in kinds])
    trained = learned("neuron", updates).evaluate(x, y)["loss"]
    story.say("With one bias for each neuron E is {E:.9g} after {updates:,} updates.", updates=updates, E=trained)
    story.value("error_after_1_biases_trained", once["neuron"], expected=0.28047145, within=5e-9)
    story.value("error_after_1_shared_biases", once["layer"], expected=0.28575089, within=5e-9)
    story.value(f"error_after_{updates}_biases_trained", trained, expected=2.44756224e-06, within=5e-15)
