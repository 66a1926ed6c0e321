"""The first part of lesson step-by-step: one forward pass, one backward pass, one update, number by number."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from chainrule import SGD, Explanation, Model, explain, trace
from chainrule.explain import Page, Trace
from chainrule.explain.expressions import leaves
from chainrule.explain.updates.tables import update_grid
from chainrule.formulas import Array
from chainrule.language import Message
from chainrule.lessons.story import Story

__all__ = ["tell_backward", "tell_forward", "tell_one_pass"]


def tell_one_pass(story: Story, start: Model, after: Model, x: Array, y: Array, rate: float) -> None:
    """Write out what goes forward, what comes back, and what one update changes.

    Args:
        story: what is told.
        start: the model before the update.
        after: the model after it.
        x: the example, shape (1, N_0).
        y: its targets, shape (1, N_2).
        rate: the learning rate.
    """
    step = trace(start, x, y, optimizer=SGD(rate))
    tell_forward(story, step)
    tell_backward(story, step)

    story.heading("One update")
    story.say(
        "Every weight moves against its derivative, by the learning rate times as much: all from the derivatives above,"
        " which were worked out before any weight moved."
    )
    n = start.W[1].size + 1
    story.derivation(explain(step, of=f"w{n} after", depth=1, notation="textbook"), "line")
    grid = update_grid(step, most=start.network.parameter_count)
    weights = tuple(row for row in grid.rows if row[0].symbol == "W")
    story.equations([replace(grid, rows=weights)], "textbook", start.network.sizes)
    gradient = start.gradient(x, y)
    story.value("gradient", np.concatenate([gradient.W[l].ravel() for l in (1, 2)]))
    W1, W2 = ((0.14978072, 0.19956143), (0.24975114, 0.29950229)), ((0.35891648, 0.40866619), (0.51130127, 0.56137012))
    story.value("W1_after_1", after.W[1], expected=W1, within=5e-9)
    story.value("W2_after_1", after.W[2], expected=W2, within=5e-9)
    error = after.evaluate(x, y)["loss"]
    story.say("With the new weights the error is {error:.8f}.", error=error)
    story.value("error_after_1", error, expected=0.29102777, within=5e-9)


def tell_forward(story: Story, step: Trace) -> None:
    """Work out one hidden neuron, and show the others and the error."""
    story.heading("Forward")
    story.say(
        "net is the weighted sum z of a neuron, out its output a, h1 the first hidden neuron, o1 the first output."
        " Every neuron works like h1:"
    )
    story.derivation(explain(step, of="out_h1", depth=2, notation="textbook"), "steps")
    (h, o), Z = (step.A[1][0], step.A[2][0]), step.Z
    rows = [(f"h{k}", z, a, "") for k, (z, a) in enumerate(zip(Z[1][0], h, strict=True), start=1)]
    targets = step.Y[0] if step.Y is not None else ()
    rows += [(f"o{k}", *row) for k, row in enumerate(zip(Z[2][0], o, targets, strict=True), start=1)]
    story.table((Message("neuron"), "net", "out", Message("target")), rows)
    story.say("Each output has its share of the error, and the error E is their sum.")
    story.derivation(explain(step, of="L", depth=1, notation="textbook"), "line")
    parts = [explain(step, of=f"E_o{k}", notation="textbook").data["value"] for k in range(1, len(o) + 1)]
    story.value("hidden", h, expected=(0.59326999, 0.59688438), within=5e-9)
    story.value("output", o, expected=(0.75136507, 0.77292847), within=5e-9)
    story.value("error_of_each_output", parts, expected=(0.27481108, 0.02356003), within=5e-9)
    story.value("error", step.cost, expected=0.29837111, within=5e-9)


def tell_backward(story: Story, step: Trace) -> None:
    """Work out the derivative of one weight of each layer, factor by factor."""
    n = step.model.W[1].size + 1
    story.heading("Backward: one weight of each layer")
    story.say(
        "How does E change with w{n}, the weight from h1 to o1? It changes the sum net of o1, the sum changes out of"
        " o1, and that changes E. The chain rule multiplies the three slopes.",
        n=n,
    )
    outer = explain(step, of=f"dC/dw{n}", depth=1, notation="textbook")
    story.derivation(outer, "paths")
    story.say(
        "w1, the weight from the first input to h1, works on E through every output that h1 leads to. The error δ of an"
        " output, the product of its first two factors, comes back through the weight that leads there; what comes"
        " back is added up. From there on the factors are as before."
    )
    inner = explain(step, of="dC/dw1", depth=2, notation="textbook")
    story.derivation(inner)
    gradient, (whole, factors) = step.model.gradient(step.X, step.Y), _product(outer)
    same = np.allclose([whole, _product(inner)[0]], np.array([gradient[f"w{n}"], gradient["w1"]]), rtol=1e-9, atol=0)
    story.check("the products are the library's derivatives", same)
    story.value(f"dC_dw{n}_factors", factors, expected=(0.74136507, 0.18681560, 0.59326999), within=5e-9)
    story.value(f"dC_dw{n}", whole, expected=0.08216704, within=5e-9)


def _product(page: Page) -> tuple[float, list[float]]:
    """Give what the paths of an explanation come to, multiplied out, and their factors."""
    assert isinstance(page, Explanation)
    assert page.expanded is not None
    form = page.expanded.form
    return form.value, [leaf.value for leaf in leaves(form)]
