"""The last part of lesson step-by-step: the slip behind the figures that are in print, and how to catch it."""

from __future__ import annotations

import numpy as np

from chainrule import SGD, explain, trace
from chainrule.explain.page import Equation
from chainrule.explain.slip import slip_blocks
from chainrule.formulas import Array
from chainrule.language import Message
from chainrule.lessons.by_hand import errors_by_hand
from chainrule.lessons.story import Story
from chainrule.model import Model

__all__ = ["nudged_slopes", "tell_slip", "update_by_hand"]


def update_by_hand(model: Model, x: Array, y: Array, rate: float, *, slip: bool) -> Array:
    """Update the weights of two layers in place, as programs written by hand do; give what was used as dC/dW1.

    With the slip the error of the hidden layer is passed back through output weights that have been updated already.
    """
    passed = model.forward(x)
    D = errors_by_hand(model, passed, y)
    W2_after = model.W[2] - rate * D[2].T @ passed.A[1]
    if slip:
        D = errors_by_hand(model, passed, y, {2: W2_after})
    gradient: Array = D[1].T @ passed.A[0]
    model["W1"] -= rate * gradient
    model["W2"] = W2_after
    return gradient


def nudged_slopes(model: Model, x: Array, y: Array) -> Array:
    """Give dC/dW1 as the loss itself tells it: how much it changes when one weight after the other is nudged."""
    step = 1e-5 / max(1.0, np.abs(x).max())
    slopes: Array = np.zeros_like(model.W[1])
    for i, j in np.ndindex(slopes.shape):
        up, down = model.copy(), model.copy()
        up.W[1][i, j] += step
        down.W[1][i, j] -= step
        slopes[i, j] = (up.evaluate(x, y)["loss"] - down.evaluate(x, y)["loss"]) / (2 * step)
    return slopes


def tell_slip(story: Story, start: Model, x: Array, y: Array, rate: float, updates: int) -> None:
    """Show the slip's figures beside the right ones, and how nudging a weight tells which derivative is wrong.

    Args:
        story: what is told.
        start: the model before the first update.
        x: the example, shape (1, N_0).
        y: its targets, shape (1, N_2).
        rate: the learning rate.
        updates: how many.
    """
    story.heading("The slip behind the figures in print")
    story.say(
        "The text that made this example famous works out the right weights, and says that the old output weights must"
        " be used on the way back. But the errors that it then states are not those of its weights: they come out if"
        " the error goes back to the hidden layer through output weights that have been updated already. All"
        " derivatives belong to one and the same point. First the error of h1 as it is, then with the slip:"
    )
    step = trace(start, x, y, optimizer=SGD(rate))
    slipped_error = next(block for block in slip_blocks(step) if isinstance(block, Equation))
    story.derivation(explain(step, of="delta1[0]", depth=1, notation="textbook"), "line")
    story.equations([slipped_error], "textbook", start.network.sizes)
    story.say("Here both ways are written by hand, biases held fixed, and differ in this one place.")
    right, slipped = start.copy(), start.copy()
    gradient = update_by_hand(right, x, y, rate, slip=False), update_by_hand(slipped, x, y, rate, slip=True)
    first = right.evaluate(x, y)["loss"], slipped.evaluate(x, y)["loss"]
    for model, slip in ((right, False), (slipped, True)):
        for _ in range(updates - 1):
            update_by_hand(model, x, y, rate, slip=slip)
    last = right.evaluate(x, y)["loss"], slipped.evaluate(x, y)["loss"]
    o_right, o_slipped = right.outputs(x)[0], slipped.outputs(x)[0]
    story.table(
        ("", Message("right"), Message("with the slip")),
        [
            (Message("error after one update"), *first),
            (Message("error after {updates:,} updates", updates=updates), *last),
            *((f"o{k}", *pair) for k, pair in enumerate(zip(o_right, o_slipped, strict=True), start=1)),
        ],
        digits=9,
    )
    story.value("slip_error_after_1", first[1], expected=0.29102792390544, within=5e-15)
    story.value(f"slip_error_after_{updates}", last[1], expected=3.50847863e-05, within=5e-14)
    story.value(f"slip_output_after_{updates}", o_slipped, expected=(0.0159121963, 0.9840657345), within=5e-11)
    if story.as_told:
        story.say(
            "In print are 0.291027924 after the first update, and after 10,000 an error of 0.000035085 with the outputs"
            " 0.015912196 and 0.984065734. They are the column of the slip. Copies of the text add two"
            " misprints: a first output of 0.75136079, where 0.75136507 is right, and a program that is trained"
            " towards 0.09, where the text says 0.99."
        )
    nudged, library = nudged_slopes(start, x, y), start.gradient(x, y).W[1]
    story.say(
        "The slip does not stand out: the error falls all the same. What finds it is a comparison with the loss itself."
        " Nudge one weight up and down a little, look how much the error changes, and divide by how much was nudged."
    )
    columns = Message("∂E/∂w, nudged"), Message("library"), Message("with the slip")
    rows = zip(nudged.ravel(), library.ravel(), gradient[1].ravel(), strict=True)
    story.table((Message("weight"), *columns), [(f"w{k}", *row) for k, row in enumerate(rows, start=1)], digits=6)
    close = 1e-8 * max(1.0, np.abs(x).max())
    story.check("nudging and the library agree", np.allclose(nudged, library, rtol=0, atol=close))
    story.check("without the slip, so does the hand-written pass", np.allclose(gradient[0], library, rtol=1e-9, atol=0))
    if story.as_told:
        off = np.abs(gradient[1] / library - 1)
        story.check("with the slip every derivative is wrong by more than a tenth", off.min() > 0.1)
        story.say(
            "The derivatives with the slip are {least:.0f} % to {most:.0f} % too small. Whoever writes gradients by"
            " hand should check them so; the library's own tests hold every slope against its formula likewise.",
            least=100 * off.min(),
            most=100 * off.max(),
        )
