"""The chain rule: a derivative as the product of slopes along the way, beside the limit that defines it."""

from __future__ import annotations

import numpy as np

from chainrule.formulas import ACTIVATIONS
from chainrule.language import Message
from chainrule.lessons.lesson import Lesson, Setting
from chainrule.lessons.story import Story
from chainrule.network import Dense, Network
from chainrule.plots.lines import Curve, Panel, line_panels
from chainrule.plots.tangent import tangent_panel

__all__ = ["LESSON"]

NAMES = tuple(name for name, record in ACTIVATIONS.items() if record.slope is not None)


def tell(story: Story, f: str, g: str, h: str, w: float) -> None:
    """Three functions one behind the other, the product of their slopes, and the limit."""
    story.say(
        "A number w goes through three functions, one behind the other. How much does the last result change when w"
        " changes a little? Each function multiplies a small change by its own slope, so the answer is the product of"
        " the three slopes, each taken at the place where its function is used. That is the chain rule."
    )
    story.formula(
        "dz/dw = f'(w) · g'(x) · h'(y)",
        r"\frac{dz}{dw} = \frac{dx}{dw} \frac{dy}{dx} \frac{dz}{dy} = f'(w) \, g'(x) \, h'(y)",
    )
    # With weights of 1 and biases of 0 three neurons in a row are these three functions and nothing else.
    chain = Network([Dense(1, name, initializer="constant") for name in (f, g, h)], inputs=1).init()
    passed = chain.forward([w])
    rows, product = [], 1.0
    for l, (name, step) in enumerate(zip((f, g, h), ("x = f(w)", "y = g(x)", "z = h(y)"), strict=True), start=1):
        slope = ACTIVATIONS[name].back(passed.Z[l], passed.A[l], np.ones((1, 1)))[0, 0]
        product *= slope
        rows.append((step, name, passed.Z[l][0, 0], passed.A[l][0, 0], slope))
    header = (Message("step"), Message("function"), Message("goes in"), Message("comes out"), Message("slope there"))
    story.table(header, rows)
    story.say("The product of the slopes is dz/dw = {product:.10g}.", product=product)
    story.value("dz_dw", product)
    story.value("slopes", [row[-1] for row in rows])
    z = passed.A[3][0, 0]
    # The slope of (z - target)² is 1 where the target lies 0.5 below z: then dz/dw itself comes back.
    returned = chain.gradient([w], [z - 0.5], loss="squared_error").inputs
    story.check(
        "The network's backward pass gives the same", returned is not None and abs(returned[0, 0] - product) < 1e-12
    )

    story.heading("The limit")
    story.say("A derivative is a limit: change w by a small s, divide the change of z by s, and let s go to 0.")
    story.formula("dz/dw = lim (z(w + s) − z(w)) / s", r"\frac{dz}{dw} = \lim_{s \to 0} \frac{z(w + s) - z(w)}{s}")
    powers = np.arange(15)
    s = 10.0**-powers
    right, left = ((chain.outputs(w + side * s)[:, 0] - z) / (side * s) for side in (1, -1))
    off = np.abs(right - product)
    limits = [(f"{s[k]:.0e}", right[k], off[k]) for k in powers[::2]]
    story.table(("s", "(z(w + s) − z(w)) / s", Message("off by")), limits)
    within = 1e-5 * (1 + abs(product))
    if abs(right[7] - left[7]) > within:
        story.say(
            "From the left the quotient goes to {left:.6g}, from the right to {right:.6g}: a kink, where there is no"
            " derivative. The product above is a convention there: the library takes each slope from the left.",
            **{"left": left[7] + 0.0, "right": right[7]},
        )
        story.check(
            "The limits from left and right differ; the product is that from the left", abs(left[7] - product) <= within
        )
    else:
        story.say(
            "A large s is off because z(w) bends; a tiny s because z(w + s) and z(w) agree in nearly all digits, so"
            " that rounding is what is left of their difference. The product has neither fault. This is why networks"
            " are trained by the chain rule, and quotients serve to check it."
        )
        story.check("The product is the limit", abs(right[7] - product) <= within)
    story.value("limit", right[7])

    drawn = tangent_panel(lambda at: chain.outputs(at)[:, 0], w, product, secant=1.0, x="w", y="z")
    errors = [Curve(powers, np.where(off > 0, off, np.nan), points=True)]
    limit = Panel(errors, x=Message("k, where s = 10^−k"), y=Message("the quotient is off by"), log=True)
    story.picture(lambda: line_panels([drawn, limit], title=Message("The chain rule")))
    story.try_next("Other functions.", command="chain-rule --f tanh --g softplus --h gelu --w 0.5")
    story.try_next(
        "A kink: at 0 ReLU has a slope on either side and no derivative.", command="chain-rule --f relu --w 0"
    )


LESSON = Lesson(
    name="chain-rule",
    title=Message("The chain rule"),
    summary=Message("dz/dw as a product of slopes, beside the limit"),
    tell=tell,
    settings=(
        Setting("f", "sigmoid", "the first function", choices=NAMES),
        Setting("g", "sigmoid", "the second", choices=NAMES),
        Setting("h", "sigmoid", "the third", choices=NAMES),
        Setting("w", 1.0, "where the derivative is taken", least=-20.0, most=20.0),
    ),
)
