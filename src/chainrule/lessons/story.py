"""What a lesson tells, piece by piece: words, formulas, tables, numbers with what they should be, and a picture.

A lesson hands its pieces to a `Story`, which passes each on at once to whoever listens, so that a terminal shows
something before the lesson is through. What was told stays in the `Result`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.language import Message, language, speaking

if TYPE_CHECKING:
    from chainrule.explain.page import Block as PageBlock
    from chainrule.explain.page import Page
    from chainrule.lessons.lesson import Lesson
    from chainrule.training import Callback

__all__ = ["Block", "Check", "Derivation", "Formula", "Heading", "Hint", "Line", "Result", "Say", "Story", "Table"]


@dataclass(frozen=True)
class Say:
    """A paragraph."""

    text: Message


@dataclass(frozen=True)
class Heading:
    """The heading of a part."""

    text: Message


@dataclass(frozen=True)
class Line:
    """A line of output that belongs together with the lines around it, such as one per epoch."""

    text: Message


@dataclass(frozen=True)
class Hint:
    """Something to try next: words, and the command that does it."""

    text: Message
    command: str


@dataclass(frozen=True)
class Formula:
    """A formula in the symbols of docs/notation.md.

    Args:
        text: as a terminal shows it, in Unicode.
        latex: the same in LaTeX.
    """

    text: str
    latex: str


@dataclass(frozen=True)
class Table:
    """A table; cells are texts (messages are translated), whole numbers or floats.

    Args:
        header: the columns' names.
        rows: equally many cells each.
        digits: how many digits floats are shown with, counted from the first that is not zero.
        title: what the table shows, or an empty message.
    """

    header: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    digits: int
    title: str = ""


@dataclass(frozen=True)
class Check:
    """Something that must hold, and whether it did.

    Args:
        name: what is checked: the key of a value, or a sentence.
        passed: whether it holds.
        value: what came out, where it is a number or numbers.
        expected: what should come out.
        within: how far off it may be.
    """

    name: str
    passed: bool
    value: Any = None
    expected: Any = None
    within: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Give what ``--json`` shows."""
        compared = {} if self.expected is None else {"expected": self.expected, "within": self.within}
        return {"name": str(self.name), "passed": self.passed} | (compared and {"value": self.value, **compared})


@dataclass(frozen=True)
class Derivation:
    """Formulas with their numbers, as `explain` writes them, and the words between them.

    Args:
        page: the blocks; it has no title, since the lesson has one.
    """

    page: Page


Block = Say | Heading | Line | Hint | Formula | Derivation | Table | Check


@dataclass(repr=False)
class Result:
    """What a lesson came to; a notebook shows all of it, with its picture.

    Args:
        lesson: which lesson.
        settings: what it ran with.
        blocks: everything it told, in order.
        values: its figures by name: numbers or lists of numbers.
        series: whole courses of numbers by name, such as a path or a loss by epoch.
        checks: what had to hold.
        language: the language it was told in, and is shown in.
        draw: what draws its picture, or None.
        film: what writes its animation to a file, or None.
    """

    lesson: Lesson
    settings: dict[str, Any]
    blocks: list[Block] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)
    series: dict[str, Any] = field(default_factory=dict)
    checks: list[Check] = field(default_factory=list)
    language: str = "en"
    draw: Callable[[], Any] | None = None
    film: Callable[[str | PathLike[str]], Any] | None = None

    @functools.cached_property
    def figure(self) -> Any:
        """The lesson's picture, drawn when it is first asked for; None where it has none."""
        if self.draw is None:
            return None
        with speaking(self.language):
            return self.draw()

    @property
    def as_told(self) -> bool:
        """Whether it ran with the lesson's own settings: with others, other figures come out than those known."""
        return all(self.settings[each.name] == each.default for each in self.lesson.settings if not each.place)

    @property
    def passed(self) -> bool:
        """Whether all checks hold."""
        return all(check.passed for check in self.checks)

    def to_dict(self) -> dict[str, Any]:
        """Give what ``--json`` prints: name, settings, values, series and checks; a Python function is its name."""
        settings = {
            each.name: each.written(value) if each.python else value
            for each in self.lesson.settings
            for value in [self.settings[each.name]]
        }
        return {
            "name": self.lesson.name,
            "settings": settings,
            "values": self.values,
            "series": self.series,
            "checks": [check.to_dict() for check in self.checks],
        }

    def __str__(self) -> str:
        from chainrule.lessons.layout import to_text

        return to_text(self)

    __repr__ = __str__  # what one sees who runs a lesson in a Python session

    def _repr_html_(self) -> str:
        from chainrule.lessons.rendering import to_html

        return to_html(self)

    def _repr_markdown_(self) -> str:
        from chainrule.lessons.rendering import to_markdown

        return to_markdown(self)


class Story:
    """What a lesson's function is given to tell its story with.

    Args:
        lesson: which lesson.
        settings: what it runs with.
        listener: called with each piece as it is told.
        callbacks: what trainings that take long are to be watched with.
    """

    def __init__(
        self,
        lesson: Lesson,
        settings: Mapping[str, Any],
        listener: Callable[[Block], None] | None = None,
        callbacks: Sequence[Callback] = (),
    ) -> None:
        self.result = Result(lesson, dict(settings), language=language())
        self.callbacks = tuple(callbacks)
        self.as_told = self.result.as_told
        self._listener = listener

    def _tell(self, block: Block) -> None:
        self.result.blocks.append(block)
        if self._listener is not None:
            self._listener(block)

    def say(self, text: str, /, **fields: Any) -> None:
        """Tell a paragraph, an English template and what fills it in."""
        self._tell(Say(Message(text, **fields)))

    def heading(self, text: str, /, **fields: Any) -> None:
        """Begin a part."""
        self._tell(Heading(Message(text, **fields)))

    def line(self, text: str, /, **fields: Any) -> None:
        """Print one line of output."""
        self._tell(Line(Message(text, **fields)))

    def formula(self, text: str, latex: str) -> None:
        """Show a formula, in Unicode for terminals and in LaTeX for everything else."""
        self._tell(Formula(text, latex))

    def derivation(self, page: Page, part: str = "whole") -> None:
        """Show where a number comes from, or any other page of `chainrule.explain`, without its title.

        Args:
            page: what `explain`, `formula` or `backprop` gave.
            part: "whole"; of one number also "line", its own equation; "steps", with what it is made of; or "paths",
                the derivative all at once. The whole of one number is steps and paths, without the sentence about the
                network, and without the numerical derivative, whose last digits no two machines share.
        """
        from chainrule.explain import Explanation
        from chainrule.explain.page import Equation

        parts = {"whole": page.blocks}
        if isinstance(page, Explanation):
            parts = {"steps": page.steps, "paths": page.paths, "whole": (*page.steps, *page.paths)}
            parts["line"] = tuple(block for block in page.steps if isinstance(block, Equation))[:1]
        self.equations(parts[part], page.notation, page.sizes, page.digits)

    def equations(
        self, blocks: Iterable[PageBlock], notation: str = "index", sizes: tuple[int, ...] = (), digits: int = 8
    ) -> None:
        """Show blocks of a page, such as equations, by themselves.

        Args:
            blocks: the blocks.
            notation: how numbers are named.
            sizes: the numbers of neurons of each layer, which textbook names need.
            digits: how many decimals numbers are shown with.
        """
        from chainrule.explain import Page

        self._tell(Derivation(Page("", tuple(blocks), notation, digits, sizes=sizes)))

    def table(self, header: Sequence[str], rows: Sequence[Sequence[Any]], *, digits: int = 8, title: str = "") -> None:
        """Show a table; wrap words in cells, header and title in `Message`, so that they are translated."""
        self._tell(Table(tuple(header), tuple(tuple(map(_plain, row)) for row in rows), digits, title))

    def try_next(self, text: str, /, *, command: str, **fields: Any) -> None:
        """Say what to try next; ``command`` is what to type behind ``chainrule lesson``."""
        self._tell(Hint(Message(text, **fields), f"chainrule lesson {command}"))

    def value(self, key: str, value: Any, expected: Any = None, within: float = 0.0) -> None:
        """Keep a figure; where the lesson runs as it is told, hold it to what is expected.

        Args:
            key: its name in ``--json``.
            value: a number, or an array, which becomes nested lists.
            expected: what must come out with the lesson's own settings, or None.
            within: the largest difference; half a unit of the last digit that is known.
        """
        self.result.values[key] = value = _plain(value)
        if expected is not None and self.as_told:
            close = np.shape(value) == np.shape(expected) and bool(
                np.all(np.abs(np.subtract(value, expected)) <= within)
            )
            self._check(Check(key, close, value, _plain(expected), within))

    def series(self, key: str, numbers: Any) -> None:
        """Keep a whole course of numbers."""
        self.result.series[key] = _plain(numbers)

    def check(self, text: str, passed: bool, /, **fields: Any) -> None:
        """Hold the lesson to something that must be true whatever the settings are."""
        self._check(Check(Message(text, **fields), bool(passed)))

    def _check(self, check: Check) -> None:
        self.result.checks.append(check)
        self._tell(check)

    def picture(self, draw: Callable[[], Any]) -> None:
        """Give the lesson's one picture, as a function that draws it when somebody wants to see it."""
        self.result.draw = draw

    def animation(self, film: Callable[[str | PathLike[str]], Any]) -> None:
        """Give the lesson's animation, as a function that writes it to a file."""
        self.result.film = film


def _plain(value: Any) -> Any:
    """Give arrays as nested lists and NumPy's numbers as Python's."""
    if isinstance(value, (np.ndarray, np.generic)):
        return value.tolist()
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, (list, tuple)) else value
