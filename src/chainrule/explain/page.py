"""Pages: what an explanation says, block by block, before anybody decides how it looks.

Explanations, whole steps, formulas and reports are all pages; each renderer writes any page.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeAlias

from chainrule.explain.expressions import Expr
from chainrule.language import told

__all__ = ["Block", "Equation", "Grid", "Heading", "Page", "Prose"]


@dataclass(frozen=True)
class Heading:
    """A heading within a page.

    Args:
        text: a `Message`, told in the language in use when the page is written.
    """

    text: str


@dataclass(frozen=True)
class Prose:
    """A sentence or two around the formulas.

    Args:
        text: a `Message`; its fields may hold `Name`s, which are written in the page's notation, and floats, which are
            written with the page's digits.
    """

    text: str


@dataclass(frozen=True)
class Equation:
    """Where one number comes from: its name, what it is made of, the same with numbers, the result.

    Args:
        left: the name of the number.
        forms: what it equals, in symbols, one line each; the last one is shown with numbers, too.
        result: the number, as the engine has it; None for an equation without numbers.
        because: a remark, such as which case of a definition applies; a `Message` or empty.
        level: how deep in the unfolding it stands, 0 for the number that was asked for.
        numbers: another expression for the line with numbers than the last form.
    """

    left: Expr
    forms: tuple[Expr, ...]
    result: float | None = None
    because: str = ""
    level: int = 0
    numbers: Expr | None = None


@dataclass(frozen=True)
class Grid:
    """A table.

    Args:
        heads: a `Message`, a text or a `Name` for each column.
        rows: cells: a `Message`, a text, a `Name` or a float, which is written with the page's digits.
        note: a sentence below it, or empty.
    """

    heads: tuple[Any, ...]
    rows: tuple[tuple[Any, ...], ...]
    note: str = ""


Block: TypeAlias = Heading | Prose | Equation | Grid


@dataclass(frozen=True)
class Page:
    """A page.

    Args:
        title: a `Message`.
        blocks: what it says, in order.
        notation: "index", "textbook" or "rows".
        digits: how many decimals numbers are shown with.
        data: plain data that JSON has besides the blocks.
        sizes: the number of neurons of each layer, N_0 … N_K, which textbook names need.

    It shows itself: as text where it is printed, as formulas in a notebook.

    >>> print(Page("Nothing to see", ()).markdown())
    # Nothing to see
    <BLANKLINE>
    """

    title: str
    blocks: tuple[Block, ...]
    notation: str = "index"
    digits: int = 8
    data: dict[str, Any] = field(default_factory=dict)
    sizes: tuple[int, ...] = ()

    @property
    def parts(self) -> tuple[tuple[Block, ...], ...]:
        """The blocks between the headings: first those before the first heading, then those behind each.

        >>> page = Page("One", (Prose("a"), Heading("Two"), Prose("b"), Prose("c")))
        >>> [len(part) for part in page.parts]
        [1, 2]
        """
        parts: list[list[Block]] = [[]]
        for block in self.blocks:
            if isinstance(block, Heading):
                parts.append([])
            else:
                parts[-1].append(block)
        return tuple(map(tuple, parts))

    def __repr__(self) -> str:
        """Say on one line what it is; ``print`` shows what it says.

        >>> Page("Nothing to see", ())
        Page("Nothing to see", 0 blocks; print it, or show it in a notebook)
        """
        return self._line()

    def _line(self, said: str = "") -> str:
        return (
            f'{type(self).__name__}("{told(self.title)}", {said}{len(self.blocks)} blocks; '
            "print it, or show it in a notebook)"
        )

    def __str__(self) -> str:
        return self.text()

    def _repr_html_(self) -> str:
        from chainrule.explain.writing.html import html_fragment

        return html_fragment(self)

    def _repr_latex_(self) -> str:
        from chainrule.explain.writing.latex import latex_body

        return latex_body(self)

    def text(self, width: int = 80) -> str:
        """Give the page as plain text.

        Args:
            width: how many columns a line may take.
        """
        from chainrule.explain.writing.text import as_text

        return as_text(self, width)

    def markdown(self) -> str:
        """Give the page as Markdown with LaTeX."""
        return self._as("md")

    def latex(self) -> str:
        """Give the page as a LaTeX document."""
        return self._as("latex")

    def html(self) -> str:
        """Give the page as an HTML page with MathML, in one file."""
        return self._as("html")

    def json(self) -> str:
        """Give the page as JSON."""
        return self._as("json")

    def _as(self, format: str) -> str:
        from chainrule.explain.writing.rendering import render

        return render(self, format)
