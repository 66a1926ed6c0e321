"""One sigmoid neuron learns OR: its three derivatives written out, and followed update by update."""

from __future__ import annotations

import numpy as np

from chainrule import SGD, explain, trace
from chainrule.formulas.activations import sigmoid_slope
from chainrule.formulas.losses import squared_error_slope
from chainrule.language import Message
from chainrule.lessons.lesson import Lesson, Setting
from chainrule.lessons.story import Story
from chainrule.network import Dense, Network
from chainrule.plots.lines import Curve, Panel, line_panels
from chainrule.training import train

__all__ = ["LESSON"]

X, Y = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]), np.array([[0.0], [1.0], [1.0], [1.0]])
NAMES = ("w1", "w2", "b")


def tell(story: Story, w: tuple[float, ...], b: float, rate: float, updates: int) -> None:
    """The three derivatives, a few updates by hand, and training."""
    story.say(
        "A neuron learns by moving each of its numbers against the derivative of the cost. A sigmoid neuron with two"
        " inputs has three: w1, w2 and b. It is to learn OR; the loss of an example is (a − y)²."
    )
    model = Network([Dense(1, "sigmoid")], inputs=2).init()
    model["W1"], model["b1"] = [w], b
    story.say(
        "First for the example with two ones, by the names of many texts: i1 and i2 are x1 and x2, net_o1 is z, out_o1"
        " is a, E is the loss, δ is ∂E/∂z, b1 is b."
    )
    step = trace(model, X[3:], Y[3:], loss="squared_error")
    for name, part in (("w1", "steps"), ("w2", "line"), ("b1[0]", "line")):
        story.derivation(explain(step, of=f"dC/d{name}", depth=2, notation="textbook"), part)
    passed = model.forward(X)
    a = passed.A[1]
    dL_dz = squared_error_slope(a, Y) * sigmoid_slope(passed.Z[1], a)
    slopes = dL_dz * np.hstack([X, np.ones((4, 1))]) + 0.0
    rows = [*np.hstack([X, Y, a, slopes]).tolist(), [Message("mean"), "", "", "", *slopes.mean(axis=0)]]
    story.table(("x1", "x2", "y", "a", *(f"∂L/∂{name}" for name in NAMES)), rows, digits=5, title=Message("All four"))
    gradient = model.gradient(X, Y, loss="squared_error")
    story.say("The cost C is the mean of the losses, so its derivatives are the means of these.")
    story.value("gradient", gradient.theta)
    story.check("The library's gradient is the last row", np.allclose(gradient.theta, slopes.mean(axis=0), rtol=1e-9))

    story.heading("Update by update")
    story.say("Each update subtracts the derivatives of C times the learning rate, with the rate {rate:g}.", rate=rate)
    story.formula("θ ← θ − η ∂C/∂θ", r"\theta \leftarrow \theta - \eta \, \frac{\partial C}{\partial \theta}")
    course, costs = [model.theta.copy()], [gradient.cost]
    by_hand = model.copy()
    for _ in range(updates):
        by_hand.theta = by_hand.theta - rate * gradient.theta
        gradient = by_hand.gradient(X, Y, loss="squared_error")
        course.append(by_hand.theta.copy())
        costs.append(gradient.cost)
    shown = sorted({t for t in (0, 1, 2, 3, 4, 10, 100, updates) if t <= updates})
    story.table((Message("update"), *NAMES, "C"), [(t, *course[t], costs[t]) for t in shown], digits=6)
    story.series("theta", course)
    story.series("loss", costs)
    story.value("loss", costs[-1])

    story.heading("The same by train")
    story.say("train does the same: all four examples as one batch, so that an epoch is one update.")
    trained = train(model, X, Y, loss="squared_error", optimizer=SGD(rate), batch_size=4, epochs=updates, metrics=())
    outputs = trained.outputs(X)[:, 0]
    story.table(("x1", "x2", "y", "a"), np.column_stack([X, Y, outputs]).tolist(), digits=4)
    story.value("outputs", outputs)
    story.check("By hand and by train come to the same", np.allclose(trained.theta, course[-1], rtol=1e-9))
    if story.as_told:
        story.check("The neuron has learned OR", bool(np.all((outputs > 0.5) == (Y[:, 0] > 0.5))))
        story.say(
            "The weights keep growing, more and more slowly: the sigmoid reaches 0 and 1 only at infinity, and its"
            " slope, which stands in all three derivatives, goes to 0 on the way."
        )
    t = range(updates + 1)
    losses = Panel([Curve(t, costs)], x=Message("update"), y="C", title=Message("the loss"))
    numbers = [Curve(t, [theta[k] for theta in course], name) for k, name in enumerate(NAMES)]
    both = [losses, Panel(numbers, x=Message("update"), title=Message("the three numbers"))]
    story.picture(lambda: line_panels(both, title=Message("One neuron learns OR")))
    story.try_next(
        "A confident wrong start: hardly any slope, so it takes long to begin.", command="one-neuron --w -6,-6"
    )
    story.try_next("A smaller rate: the same course, more slowly.", command="one-neuron --rate 0.1")


LESSON = Lesson(
    name="one-neuron",
    title=Message("One neuron learns"),
    summary=Message("a neuron learns OR: its three derivatives written out"),
    tell=tell,
    settings=(
        Setting("w", (0.2, -0.4), "the weights at the start"),
        Setting("b", 0.1, "the bias at the start"),
        Setting("rate", 1.0, "the learning rate", above=0.0),
        Setting("updates", 500, "the number of updates", least=1, most=20000),
    ),
)
