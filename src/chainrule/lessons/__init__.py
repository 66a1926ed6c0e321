"""The course: worked examples that run on the library itself, in an order that teaches.

>>> import chainrule as cr
>>> result = cr.lessons.run("neuron")
>>> round(result.values["output"], 10)
0.9990889488
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from chainrule.errors import MissingExtra, UnknownName
from chainrule.language import Message
from chainrule.lessons.lesson import Lesson, Setting
from chainrule.lessons.story import Block, Result, Story
from chainrule.recipes.threads import one_thread

if TYPE_CHECKING:
    from chainrule.training import Callback

__all__ = ["NAMES", "Lesson", "Result", "Setting", "Story", "find", "run"]

# In the order of the course. The file of a lesson bears its name.
NAMES = (
    "mp-neuron",
    "neuron",
    "feedforward",
    "activations",
    "weight-and-bias",
    "losses",
    "chain-rule",
    "one-derivative",
    "one-neuron",
    "descent-1d",
    "descent-2d",
    "linear-regression",
    "gender",
    "step-by-step",
    "xor",
    "batch-sizes",
    "deep-binary",
    "initialization",
    "softmax",
    "shallow-deep",
    "digits-mnist",
    "tricks",
    "autoencoder",
)

# What each optional extra of the package brings that lessons need.
_BROUGHT_BY = {"lessons": "sympy"}


def find(name: str) -> Lesson:
    """Give the lesson of this name.

    Raises:
        UnknownName: there is none; the error offers the nearest.
    """
    if name not in NAMES:
        raise UnknownName.among("lesson", name, NAMES)
    lesson: Lesson = import_module(f"chainrule.lessons.{name.replace('-', '_')}").LESSON
    return lesson


def run(
    name: str,
    *,
    listener: Callable[[Block], None] | None = None,
    callbacks: Sequence[Callback] = (),
    **settings: Any,
) -> Result:
    """Run a lesson and give what it came to: values, series, checks, picture, and everything it told.

    Args:
        name: one of `NAMES`.
        listener: called with each piece of the lesson as it is told.
        callbacks: what trainings that take long are watched with, such as `Progress()`.
        **settings: what is to differ from the lesson's own settings.

    Returns:
        A result, which shows itself in notebooks.

    Raises:
        UnknownName: there is no such lesson or setting.
        UsageError: a setting has a value that cannot be.
        MissingExtra: the lesson needs an optional package that is not installed.
    """
    lesson = find(name)
    story = Story(lesson, lesson.read(settings), listener, callbacks)
    if lesson.extra and find_spec(_BROUGHT_BY[lesson.extra]) is None:
        purpose = Message("the lesson {name}", name=name)
        raise MissingExtra.of(purpose, _BROUGHT_BY[lesson.extra], lesson.extra)
    with one_thread():  # batches are small here, and another thread would only be in the way
        lesson.tell(story, **story.result.settings)
    return story.result
