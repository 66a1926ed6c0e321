"""The derivative of the cost by one weight of a 2-2-1 network, factor by factor."""

from __future__ import annotations

import numpy as np

from chainrule import explain
from chainrule.formulas.activations import sigmoid_slope
from chainrule.formulas.losses import squared_error_slope
from chainrule.language import Message
from chainrule.lessons.lesson import Lesson, Setting
from chainrule.lessons.story import Story
from chainrule.network import Network
from chainrule.plots.lines import line_panels
from chainrule.plots.tangent import tangent_panel

__all__ = ["LESSON"]


def tell(story: Story, w: float, b: float, x: tuple[float, ...], y: float) -> None:
    """From w1 through h1 and yhat to the cost, and the three slopes back."""
    story.say(
        "How does the cost C of one example change when w1 alone is changed? w1 is the weight from the first input to"
        " the first hidden neuron. It acts on C by one path only: w1 changes h1, h1 changes the output ŷ, and ŷ changes"
        " C. By the chain rule the derivative is the product of the three slopes on that path."
    )
    model = Network.from_sizes([2, 2, 1], hidden="sigmoid", output="sigmoid").init()
    model["W1"] = model["W2"] = w
    model["b1"] = model["b2"] = b
    passed = model.forward([x])
    (h1, _), yhat = passed.A[1][0], passed.A[2][0, 0]
    story.say(
        "Forward: every weight is {w:g}, every bias {b:g}. h1 = {h1:.10f}, ŷ = {yhat:.10f}.", w=w, b=b, h1=h1, yhat=yhat
    )
    story.value("hidden", h1, expected=0.0474258732, within=5e-11)
    story.value("output", yhat, expected=0.5236951741, within=5e-11)

    dC_dyhat = squared_error_slope(yhat, np.array(y))
    dyhat_dh1 = model["w5"] * sigmoid_slope(passed.Z[2], passed.A[2])[0, 0]
    dh1_dw1 = x[0] * sigmoid_slope(passed.Z[1], passed.A[1])[0, 0]
    gradient = model.gradient([x], [y], loss="squared_error")
    product = dC_dyhat * dyhat_dh1 * dh1_dw1
    story.table(
        (Message("factor"), Message("formula"), Message("its value")),
        [
            ("∂C/∂ŷ", "2 (ŷ − y)", dC_dyhat),
            ("∂ŷ/∂h1", "w5 ŷ (1 − ŷ)", dyhat_dh1),
            ("∂h1/∂w1", "x1 h1 (1 − h1)", dh1_dw1),
            ("∂C/∂w1", Message("their product"), product),
        ],
        digits=9,
    )
    story.value("dC_dyhat", dC_dyhat, expected=-0.9526096518, within=5e-11)
    story.value("dyhat_dh1", dyhat_dh1, expected=0.2494385387, within=5e-11)
    story.value("dh1_dw1", dh1_dw1, expected=-0.0903533195, within=5e-11)
    story.value("dC_dw1", gradient["w1"], expected=0.0214695353, within=5e-11)
    story.check("The library's gradient is this product", np.isclose(gradient["w1"], product, rtol=1e-12, atol=1e-300))
    story.say(
        "These slopes can be taken apart once more. Here is the product with every factor by itself, as many"
        " texts name them: E is the cost, i1 the input x1, net the sum in a neuron and out its output, so that out_o1"
        " is ŷ and out_h1 is h1."
    )
    story.derivation(explain(model, [x], [y], "dC/dw1", loss="squared_error", notation="textbook", digits=10), "paths")
    story.say(
        "A positive ∂C/∂w1 means that C grows with w1, so w1 should become smaller, and a negative one the opposite."
    )

    story.heading("All the others")
    story.say(
        "Other weights have other paths, but the paths share their last parts: ∂C/∂ŷ stands in every derivative."
        " Backpropagation computes each shared part once, from the output back, and so has all derivatives for about"
        " the price of two forward passes."
    )
    names = [f"w{k}" for k in range(1, 7)]
    story.table([f"∂C/∂{name}" for name in names], [[gradient[name] for name in names]], digits=6)

    def cost(w1: float) -> float:
        other = model.copy()
        other["w1"] = w1
        return other.gradient([x], [y], loss="squared_error").cost

    panel = tangent_panel(np.vectorize(cost), w, product, reach=4.0, x="w1", y="C")
    story.picture(lambda: line_panels([panel], title=Message("The cost over one weight, all others held")))
    story.try_next("An input of 0: w1 has no influence, and its derivative is 0.", command="one-derivative --x 0,-1")
    story.try_next("Large weights: the slopes vanish, and with them the derivative.", command="one-derivative --w 5")


LESSON = Lesson(
    name="one-derivative",
    title=Message("One derivative, factor by factor"),
    summary=Message("one weight's derivative as a product of three slopes"),
    tell=tell,
    settings=(
        Setting("w", 1.0, "every weight"),
        Setting("b", 0.0, "every bias"),
        Setting("x", (-2.0, -1.0), "the inputs"),
        Setting("y", 1.0, "the target"),
    ),
)
