"""The first part of lesson softmax: the error of a softmax layer with cross-entropy, worked out in three ways."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chainrule import explain
from chainrule.formulas import ACTIVATIONS, Array
from chainrule.language import Message
from chainrule.lessons.story import Story
from chainrule.model import Model

__all__ = ["tell_error"]

STEP = 1e-5


def tell_error(story: Story, model: Model, x: Array, y: Array, classes: Sequence[str | int]) -> None:
    """Derive a - y, and compare it with the library and with the loss itself, for one example.

    Args:
        story: what is told.
        model: a network of two layers with softmax at the end, untrained.
        x: the example, shape (1, N_0).
        y: its target, shape (1, classes).
        classes: the classes' names.
    """
    story.heading("Why the error is a − y")
    story.say(
        "Every z moves every output, since softmax divides by the sum of all exp(z). By the chain rule the derivative"
        " by one of them is therefore a sum over all outputs, and in it the slopes of loss and softmax cancel:"
    )
    story.formula(
        "∂L/∂zⱼ = Σₖ (−yₖ/aₖ) · aₖ (δₖⱼ − aⱼ) = −yⱼ + aⱼ Σₖ yₖ = aⱼ − yⱼ",
        r"\frac{\partial L}{\partial z_j} = \sum_k \left(-\frac{y_k}{a_k}\right) a_k (\delta_{kj} - a_j)"
        r" = -y_j + a_j \sum_k y_k = a_j - y_j",
    )
    story.say(
        "One flower, before training, and the error of its own class, {name}:", name=str(classes[int(y[0].argmax())])
    )
    story.derivation(explain(model, x, y, f"delta2[{y[0].argmax()}]", depth=2, digits=6), "steps")
    passed = model.forward(x)
    z, a = passed.Z[2], passed.A[2]
    long_way = ACTIVATIONS["softmax"].back(z, a, -y / a)[0]
    error = model.gradient(x, y).b[2]

    def cost(k: int, change: float) -> float:
        nudged = model.copy()
        nudged[f"b2[{k}]"] += change  # a bias moves its z by as much
        return nudged.evaluate(x, y)["loss"]

    limit = [(cost(k, STEP) - cost(k, -STEP)) / (2 * STEP) for k in range(len(classes))]
    story.say(
        "Its errors, those of all classes, are worked out in three ways: by the sum above, by the library, whose"
        " derivative by an output bias is the error for a single example, and by nudging that bias and looking how much"
        " the loss changes."
    )
    story.table(
        (Message("class"), "z", "a", "y", "a − y", Message("sum"), Message("library"), Message("nudged")),
        list(zip(classes, z[0], a[0], y[0], a[0] - y[0], long_way, error, limit, strict=True)),
        digits=6,
    )
    story.check("the sum over the outputs is a − y", np.allclose(long_way, a - y, rtol=0, atol=1e-12))
    story.check("the library's error is a − y", np.allclose(error, a - y, rtol=0, atol=1e-12))
    story.check("nudging gives a − y", np.allclose(limit, a - y, rtol=0, atol=1e-8))
    story.value("error", error)
    story.say(
        "No slope is left in a − y: a network that is wrong and sure of it has a large error and learns fast. Worked"
        " out in one step it is exact even where the a of the true class is 0 to the last digit and −y/a is no number."
    )
