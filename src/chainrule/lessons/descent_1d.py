"""Gradient descent on a curve: one rate step by step, then a smaller and a larger one beside it."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.descent import descend
from chainrule.formulas import OPTIMIZERS
from chainrule.language import Message
from chainrule.lessons.downhill import function_of_one, rates_around, show_function
from chainrule.lessons.lesson import Lesson, Setting
from chainrule.lessons.story import Story
from chainrule.plots.descent import descent_on_curve, film_descent

__all__ = ["LESSON"]


def tell(story: Story, function: Any, start: float, rate: float, optimizer: str, **given: Any) -> None:
    """One descent step by step, then the same with two other rates."""
    found = function_of_one(function, start)
    story.say(
        "The derivative of J says which way is up, and how steep it is there. Gradient descent takes a step the other"
        " way, again and again. How long the steps are, the learning rate η decides."
    )
    story.formula("θ ← θ − η · dJ/dθ", r"\theta \leftarrow \theta - \eta \, \frac{dJ}{d\theta}")
    rates = rates_around(rate, given["small"], given["large"])
    descents = [descend(found, start, rate=each, steps=given["steps"], optimizer=optimizer) for each in rates]
    right = descents[rates.index(rate)]
    (symbol,) = found.symbols
    show_function(story, found)
    story.table((Message("step"), symbol, "J", f"dJ/d{symbol}"), right.rows())
    story.value("path", right.path[1:, 0], expected=(0.2, 0.04, 0.008, 0.0016), within=5e-9)
    story.series("path", right.path[:, 0])
    story.series("J", right.values)
    if not right.steps:
        story.say("No step can be shown. How the descent ended: {stopped}.", stopped=right.stopped)
    elif optimizer == "sgd":
        followed = np.allclose(np.diff(right.path, axis=0), -rate * right.gradients[:-1])
        story.check("every step is −η times the derivative", followed)
    if story.as_told:
        story.say(
            "The derivative is 2θ, so a step with η = 0.4 takes θ to θ − 0.8 θ: a fifth is left each time. The steps"
            " become short by themselves, because the curve becomes flat towards its minimum."
        )

    story.heading("The same with other rates")
    story.say("The rate is the one number that descent leaves to us. Here are descents from the same start, by rate:")
    story.table(
        ("η", Message("last {symbol}", symbol=symbol), Message("last J"), Message("how it ended")),
        [(each.optimizer.rate, each.end[0], each.values[-1], each.stopped) for each in descents],
        digits=6,
    )
    if story.as_told:
        slow, _, fast = descents
        story.check("a rate of 0.02 is slow: more than 0.7 of J is left", slow.values[-1] > 0.7 * slow.values[0])
        story.check("a rate of 1.1 diverges", fast.diverged)
        story.say(
            "With η = 0.02 every step goes the right way and is hardly a step. With η = 1.1 every step leads across the"
            " valley to a point higher up, where the curve is steeper, so that the next step is longer still: the"
            " descent diverges. On J = θ² the border is η = 1. Below it descent converges, beyond it never."
        )
    story.picture(lambda: descent_on_curve(descents))
    story.animation(lambda path: film_descent(right, path))
    story.try_next(
        "A rate of 0.9 jumps to and fro across the valley, and still comes down.",
        command="descent-1d --rate 0.9 --steps 20",
    )
    story.try_next(
        "A function with two valleys: the start decides in which of them the descent ends.",
        command='descent-1d --function "theta**4 - 2*theta**2 + theta/3" --start 1.5 --rate 0.05 --steps 30',
    )
    story.try_next(
        "Momentum keeps something of the steps before; it gains speed, and overshoots.",
        command="descent-1d --optimizer momentum --rate 0.1 --steps 40",
    )


LESSON = Lesson(
    name="descent-1d",
    title=Message("Gradient descent on a curve"),
    summary=Message("down J = θ² at a rate that is right, too small, too large"),
    animated=True,
    tell=tell,
    settings=(
        Setting("function", "theta**2", "the function, a formula of one variable", python=True),
        Setting("start", 1.0, "where to begin"),
        Setting("rate", 0.4, "the learning rate", above=0),
        Setting("steps", 4, "how many steps at most", least=1, most=100_000),
        Setting("optimizer", "sgd", "how the steps are made", choices=tuple(OPTIMIZERS)),
        Setting("small", None, "a rate to compare with; without it a twentieth of the rate", kind=float, above=0),
        Setting("large", None, "another one; without it 2.75 times the rate", kind=float, above=0),
    ),
    extra="lessons",
)
