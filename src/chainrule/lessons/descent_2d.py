"""Gradient descent on a surface, seen from above and from the side."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.descent import descend
from chainrule.formulas import OPTIMIZERS
from chainrule.language import Message
from chainrule.lessons.downhill import function_of_two, show_function
from chainrule.lessons.lesson import Lesson, Setting
from chainrule.lessons.story import Story
from chainrule.plots.descent import descent_on_surface, film_descent

__all__ = ["LESSON"]


def tell(
    story: Story,
    function: str | Callable[..., Any],
    start: tuple[float, ...],
    rate: float,
    steps: int,
    optimizer: str,
) -> None:
    """One descent on a function of two variables."""
    found = function_of_two(function, start)
    story.say(
        "A function of two variables is a landscape. It has a derivative by each of them, and the two together are the"
        " gradient: an arrow that points where the ground rises most. Descent goes the other way, in both variables at"
        " once. The cost of a network is such a landscape, with one variable for each weight."
    )
    story.formula("θ ← θ − η · ∇J(θ)", r"\theta \leftarrow \theta - \eta \, \nabla J(\theta)")
    descent = descend(found, start, rate=rate, steps=steps, optimizer=optimizer)
    x, y = found.symbols
    show_function(story, found)
    story.table((Message("step"), x, y, "J", f"∂J/∂{x}", f"∂J/∂{y}"), descent.rows())
    story.say("How it ended: {stopped}.", stopped=descent.stopped)
    story.value("path", descent.path[1:])
    story.value("after_1", descent.path[min(1, descent.steps)], expected=(1.6, 2.4), within=5e-9)
    story.value("after_2", descent.path[min(2, descent.steps)], expected=(1.28, 1.92), within=5e-9)
    story.value("end", descent.end, expected=(5.09258994e-10, 7.63888491e-10), within=5e-19)
    story.series("path", descent.path)
    story.series("J", descent.values)
    if descent.steps and optimizer == "sgd":
        followed = np.allclose(np.diff(descent.path, axis=0), -rate * descent.gradients[:-1])
        story.check("every step is −η times the gradient", followed)
    if story.as_told:
        story.say(
            "A step with η = 0.1 takes off a fifth of each variable, since the derivatives are 2θ₁ and 2θ₂. Both shrink"
            " alike, so the path is straight, and it crosses every contour at a right angle: the gradient always does."
            " The minimum is approached and never quite reached; after 99 steps less than a billionth is left of both."
        )
    story.say(
        "In a long narrow valley the gradient points across it rather than along it. Descent then jumps from side to"
        " side and moves on slowly, and the steep direction alone decides how large the rate may be. This is why inputs"
        " are brought to one scale before training, and why momentum was invented."
    )
    story.picture(lambda: descent_on_surface(descent))
    story.animation(lambda path: film_descent(descent, path))
    story.try_next(
        "A narrow valley: the path jumps from side to side, and 99 steps do not suffice.",
        command='descent-2d --function "theta1**2 + 200*theta2**2" --rate 0.0045',
    )
    story.try_next(
        "The same valley and rate with momentum: it arrives.",
        command='descent-2d --function "theta1**2 + 200*theta2**2" --rate 0.0045 --optimizer momentum',
    )
    story.try_next(
        "A saddle: exactly on its ridge the descent ends in the middle, though there is no minimum. Move the start a"
        " little off the ridge, to 1,0.001, and it leads away.",
        command='descent-2d --function "x**2 - y**2" --start 1,0 --rate 0.2 --steps 40',
    )


LESSON = Lesson(
    name="descent-2d",
    title=Message("Gradient descent on a surface"),
    summary=Message("down J = θ₁² + θ₂², drawn on contours and surface"),
    animated=True,
    tell=tell,
    settings=(
        Setting("function", "theta1**2 + theta2**2", "the function, a formula of two variables", python=True),
        Setting("start", (2.0, 3.0), "where to begin"),
        Setting("rate", 0.1, "the learning rate", above=0),
        Setting("steps", 99, "how many steps at most", least=1, most=100_000),
        Setting("optimizer", "sgd", "how the steps are made", choices=tuple(OPTIMIZERS)),
    ),
    extra="lessons",
)
