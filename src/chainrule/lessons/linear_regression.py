"""A straight line by gradient descent, beside the closed form."""

from __future__ import annotations

import numpy as np

from chainrule.data import load
from chainrule.formulas import LOSSES, SGD
from chainrule.language import Message
from chainrule.lessons.lesson import Lesson, Setting
from chainrule.lessons.story import Story
from chainrule.network import Dense, Network
from chainrule.plots.lines import Curve, Panel, line_panels
from chainrule.training import train
from chainrule.training.paths import UntilFlat

__all__ = ["LESSON"]


def tell(story: Story, start: tuple[float, ...], rate: float, tolerance: float, updates: int) -> None:
    """A neuron that does not squash, trained until the cost is flat."""
    story.say(
        "A neuron whose activation is the identity computes a straight line, and training it is linear regression. The"
        " cost is half the mean squared error. The intercept θ₀ is the weight of an input that is 1 in every row, and"
        " the slope θ₁ that of x; so the network needs no bias."
    )
    story.formula(
        "C = 1/(2m) · Σ (θ₀ + θ₁ x − y)²", r"C = \frac{1}{2m} \sum_{i=1}^{m} (\theta_0 + \theta_1 x_i - y_i)^2"
    )
    points = load("linear")
    x, y = points.X[:, 0], points.y
    X = np.column_stack([np.ones_like(x), x])
    for name, numbers in {"x": x, "y": y}.items():
        story.line("{name}: {numbers}", name=name, numbers=" ".join(f"{number:2g}" for number in numbers))
    line = Network([Dense(1, "identity", bias="none")], inputs=2).init()
    line["W1"], line.loss = [start], LOSSES["half_squared_error"]

    story.say("Every update uses all {m} points; the updates go on until the gradient is nearly 0.", m=len(x))
    watchers = [*story.callbacks, UntilFlat(X, y, tolerance)]
    model = train(line, X, y, optimizer=SGD(rate), batch_size=len(X), epochs=updates, metrics=(), callbacks=watchers)
    assert model.history is not None
    made, costs = model.history.updates, model.history["loss"]
    closed, best = model.copy(), np.linalg.lstsq(X, y, rcond=None)[0]
    closed["W1"] = [best]
    at_best = closed.gradient(X, y)
    rows = {Message("start"): line, Message("after {n:,} updates", n=made): model, Message("closed form"): closed}
    story.table(
        (Message("line"), "θ₀", "θ₁", "C"), [(name, *at.W[1][0], at.gradient(X, y).cost) for name, at in rows.items()]
    )
    story.say("Training ended because: {reason}.", reason=model.history.stopped)
    story.value("theta", model.W[1][0], expected=(0.13729871, 1.47677663), within=5e-9)
    story.value("updates", made, expected=4344)
    story.value("closed_form", best, expected=(0.13725490, 1.47678019), within=5e-9)
    story.series("cost", costs)
    story.check("the gradient at the closed form is 0", np.allclose(at_best.theta, 0.0, atol=1e-9))
    story.check("descent finds no lower cost than the closed form", min(costs) > at_best.cost - 1e-12)
    story.say(
        "The closed form is the θ where the gradient is 0. With the columns 1 and x in the matrix X the gradient is"
        " Xᵀ(Xθ − y) / m; set it to 0 and solve this normal equation for θ:"
    )
    story.formula("θ = (XᵀX)⁻¹ Xᵀ y", r"\theta = (X^\top X)^{-1} X^\top y")
    story.say(
        "Such a formula exists because the cost is quadratic, so that its gradient is linear in θ. A network with"
        " hidden layers has none; descent works there too."
    )
    story.say(
        "Why so many updates? The inputs are 1 and x, and x goes up to 18. That makes the bowl a valley, steep across"
        " and nearly flat along: the cost drops at once, and then takes its time. A rate that suited the flat direction"
        " would be too large for the steep one, and training would diverge."
    )
    drawn = [Curve(x, at.predict(X).ravel(), name) for name, at in [*rows.items()][1::-1]]
    above = Curve(np.arange(len(costs)), np.subtract(costs, at_best.cost))
    story.picture(
        lambda: line_panels(
            [
                Panel([*drawn, Curve(x, y, Message("data"), points=True)], x="x", y="y"),
                Panel([above], x=Message("updates"), y=Message("C, less that of the closed form"), log=True),
            ],
            title=Message("A straight line by gradient descent"),
        )
    )
    story.try_next("Half the rate takes twice as many updates.", command="linear-regression --rate 0.005")
    story.try_next("Who asks for less is done earlier.", command="linear-regression --tolerance 0.01")


LESSON = Lesson(
    name="linear-regression",
    title=Message("A straight line by gradient descent"),
    summary=Message("a line through 18 points, beside the closed form"),
    tell=tell,
    settings=(
        Setting("start", (1.0, 1.0), "intercept and slope to begin with"),
        Setting("rate", 0.01, "the learning rate", above=0),
        Setting("tolerance", 1e-5, "how small every component of the gradient must become", above=0),
        Setting("updates", 20_000, "how many updates at most", least=1, most=1_000_000),
    ),
)
