"""The first part of lesson step-by-step: one forward pass, one backward pass, one update, number by number."""

from __future__ import annotations

import math

import numpy as np

from chainrule.formulas import ACTIVATIONS, Array
from chainrule.language import Message
from chainrule.lessons.by_hand import errors_by_hand
from chainrule.lessons.story import Story
from chainrule.model import Model

__all__ = ["tell_backward", "tell_one_pass"]


def tell_one_pass(story: Story, start: Model, after: Model, x: Array, y: Array) -> None:
    """Write out what goes forward, what comes back, and what one update changes.

    Args:
        story: what is told.
        start: the model before the update.
        after: the model after it.
        x: the example, shape (1, N_0).
        y: its targets, shape (1, N_2).
    """
    story.heading("Forward")
    story.formula("z = w·x + b,   a = 1 / (1 + exp(−z))", r"z = w \cdot x + b, \qquad a = \frac{1}{1 + e^{-z}}")
    story.formula("E = Σₖ ½ (oₖ − yₖ)²", r"E = \sum_k \tfrac{1}{2} (o_k - y_k)^2")
    passed = start.forward(x)
    Z, (h, o) = passed.Z, (passed.A[1], passed.A[2])
    story.table(
        (Message("neuron"), "z", "a", Message("target")),
        [(f"h{k}", z, a, "") for k, (z, a) in enumerate(zip(Z[1][0], h[0], strict=True), start=1)]
        + [(f"o{k}", *row) for k, row in enumerate(zip(Z[2][0], o[0], y[0], strict=True), start=1)],
    )
    parts = [float(start.loss.value(o[:, [k]], y[:, [k]])[0]) for k in range(o.shape[1])]
    error = start.evaluate(x, y)["loss"]
    story.say("Each output has its share of the error, and the error E is their sum, {error:.8f}.", error=error)
    story.value("hidden", h[0], expected=(0.59326999, 0.59688438), within=5e-9)
    story.value("output", o[0], expected=(0.75136507, 0.77292847), within=5e-9)
    story.value("error_of_each_output", parts, expected=(0.27481108, 0.02356003), within=5e-9)
    story.value("error", error, expected=0.29837111, within=5e-9)

    tell_backward(story, start, x, y)

    story.heading("One update")
    story.say(
        "Every weight moves against its derivative, by the learning rate times as much: all from the derivatives above,"
        " which were worked out before any weight moved."
    )
    story.formula("w ← w − η ∂E/∂w", r"w \leftarrow w - \eta \, \frac{\partial E}{\partial w}")
    gradient = start.gradient(x, y)
    columns = [np.concatenate([each.W[l].ravel() for l in (1, 2)]) for each in (start, gradient, after)]
    story.table(
        (Message("weight"), Message("before"), "∂E/∂w", Message("after")),
        [(f"w{k}", *row) for k, row in enumerate(zip(*columns, strict=True), start=1)],
    )
    story.value("gradient", columns[1])
    W1, W2 = ((0.14978072, 0.19956143), (0.24975114, 0.29950229)), ((0.35891648, 0.40866619), (0.51130127, 0.56137012))
    story.value("W1_after_1", after.W[1], expected=W1, within=5e-9)
    story.value("W2_after_1", after.W[2], expected=W2, within=5e-9)
    error = after.evaluate(x, y)["loss"]
    story.say("With the new weights the error is {error:.8f}.", error=error)
    story.value("error_after_1", error, expected=0.29102777, within=5e-9)


def tell_backward(story: Story, start: Model, x: Array, y: Array) -> None:
    """Work out the derivative of one weight of each layer, factor by factor."""
    passed, n = start.forward(x), start.W[1].size + 1
    story.heading("Backward: one weight of each layer")
    story.say(
        "How does E change with w{n}, the weight from h1 to o1? It changes the sum z of o1, the sum changes o1, and o1"
        " changes E. The chain rule multiplies the three slopes.",
        n=n,
    )
    story.formula(
        f"∂E/∂w{n} = ∂E/∂o₁ · ∂o₁/∂z · ∂z/∂w{n} = (o₁ − y₁) · o₁ (1 − o₁) · h₁",
        rf"\frac{{\partial E}}{{\partial w_{{{n}}}}} = \frac{{\partial E}}{{\partial o_1}}"
        rf" \frac{{\partial o_1}}{{\partial z}} \frac{{\partial z}}{{\partial w_{{{n}}}}}"
        r" = (o_1 - y_1) \cdot o_1 (1 - o_1) \cdot h_1",
    )
    story.say(
        "w1, the weight from the first input to h1, works on E through every output that h1 leads to. The error D of an"
        " output, the product of its first two factors, comes back through the weight that leads there; what comes"
        " back is added up. From there on the factors are as before."
    )
    story.formula(
        "∂E/∂w1 = (Σₖ Dₖ W²ₖ₁) · h₁ (1 − h₁) · x₁",
        r"\frac{\partial E}{\partial w_1} = \Big(\sum_k D_k W^2_{k1}\Big) \cdot h_1 (1 - h_1) \cdot x_1",
    )
    loss, sigmoid, D = start.loss, ACTIVATIONS["sigmoid"], errors_by_hand(start, passed, y)
    assert loss.slope is not None
    assert sigmoid.slope is not None
    from_above = {2: loss.slope(passed.A[2], y), 1: D[2] @ start.W[2]}
    gradient, rows = start.gradient(x, y), []
    for l, name in ((2, f"w{n}"), (1, "w1")):
        slope = sigmoid.slope(passed.Z[l], passed.A[l])
        factors = [float(array[0, 0]) for array in (from_above[l], slope, passed.A[l - 1])]
        rows.append((name, *factors, math.prod(factors), gradient[name]))
    story.table((Message("weight"), "∂E/∂a", "∂a/∂z", "∂z/∂w", Message("product"), Message("library")), rows)
    products, library = np.array(rows)[:, 4:].astype(float).T
    story.check("the products are the library's derivatives", np.allclose(products, library, rtol=1e-9, atol=0))
    story.value(f"dC_dw{n}_factors", rows[0][1:4], expected=(0.74136507, 0.18681560, 0.59326999), within=5e-9)
    story.value(f"dC_dw{n}", rows[0][5], expected=0.08216704, within=5e-9)
