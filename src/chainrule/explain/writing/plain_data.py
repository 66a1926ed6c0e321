"""Pages as plain data, for programs: names as `find_name` takes them, expressions as trees, numbers whole."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

from chainrule.explain.expressions import BigSum, Call, Dot, Expr, Ref, Rest, children
from chainrule.explain.names import Name
from chainrule.explain.page import Block, Equation, Grid, Heading, Page, Prose
from chainrule.explain.writing.digits import choose_figures
from chainrule.explain.writing.notation import notation_of
from chainrule.explain.writing.numerals import write_number
from chainrule.explain.writing.prose import tell
from chainrule.explain.writing.text import text_style
from chainrule.explain.writing.writer import Writer
from chainrule.language import language

__all__ = ["as_json", "page_data"]


def as_json(page: Page) -> str:
    """Write a page as JSON.

    Raises:
        UnknownName, UsageError: for a notation that there is not, or that does not suit the network.

    >>> json.loads(as_json(Page("Nothing", ())))["blocks"]
    []
    """
    return json.dumps(page_data(page), ensure_ascii=False, allow_nan=False, indent=2) + "\n"


def page_data(page: Page) -> dict[str, Any]:
    """Give a page as plain data: lists, dictionaries, texts and numbers, None for a number that is not finite.

    Names in it are written as one asks for them, such as ``dC/dW1[0,1]``, whatever the page's own notation, which its
    texts use.

    Raises:
        UnknownName, UsageError: for a notation that there is not, or that does not suit the network.
    """
    writer = Writer(text_style(notation_of(page.notation, page.sizes)))
    blocks = [_block(block, page, writer) for block in page.blocks]
    said = {"title": _told(page.title, page, writer), "language": language(), "notation": page.notation}
    return {**said, "digits": page.digits, "blocks": blocks, **_plain(page.data)}


def _told(text: Any, page: Page, writer: Writer) -> str:
    return tell(text, lambda field: writer.formula(field, page.digits))


def _block(block: Block, page: Page, writer: Writer) -> dict[str, Any]:
    if isinstance(block, Heading | Prose):
        return {"kind": type(block).__name__.lower(), "text": _told(block.text, page, writer)}
    if isinstance(block, Grid):
        heads = [_cell(head, page, writer) for head in block.heads]
        rows = [[_cell(cell, page, writer) for cell in row] for row in block.rows]
        return {"kind": "grid", "heads": heads, "rows": rows, "note": _told(block.note, page, writer)}
    return _equation(block, page, writer)


def _cell(cell: Any, page: Page, writer: Writer) -> Any:
    if isinstance(cell, Name):
        return _asked(cell)
    if isinstance(cell, Expr):
        return _tree(cell)
    return _plain(cell) if not isinstance(cell, str) else _told(cell, page, writer)


def _equation(equation: Equation, page: Page, writer: Writer) -> dict[str, Any]:
    data: dict[str, Any] = {
        "kind": "equation",
        "left": _tree(equation.left),
        "forms": [_tree(form) for form in equation.forms],
        "level": equation.level,
        "because": _told(equation.because, page, writer),
    }
    if equation.numbers is not None:
        data["numbers"] = _tree(equation.numbers)
    if equation.result is not None:
        numbers = equation.numbers or (equation.forms[-1] if equation.forms else None)
        figures = choose_figures(numbers, equation.result, page.digits) if numbers else None
        written = figures.result if figures else write_number(equation.result, page.digits)
        data |= {"result": _plain(equation.result), "text": writer.result(written)}
    return data


def _tree(expr: Expr) -> dict[str, Any]:
    """Give an expression with its kind, its value where it has one, and what it is made of."""
    data: dict[str, Any] = {"kind": type(expr).__name__.lower()}
    if not math.isnan(value := expr.value):
        data["value"] = _plain(value)
    match expr:
        case Ref(name, _):
            data["name"] = _asked(name)
        case Call(function, _):
            data["function"] = function
        case Rest(count, _):
            data["count"] = count
        case Dot(left, right, _, _):
            data |= {"left": _asked(left), "right": _asked(right)}
        case BigSum(index, _):
            data["index"] = index
    if inner := children(expr):
        data["of"] = [_tree(each) for each in inner]
    return data


def _asked(name: Name) -> str:
    """Give a name as one asks for it."""
    if name.through is not None:  # a number that the optimizer keeps for a parameter: m[W1[0,0]]
        name = replace(name, index=(str(name.through),), through=None)
    if name.symbol == "L" and name.index and name.row is None:
        name = replace(name, row=0)  # one index would be a row
    return str(name)


def _plain(value: Any) -> Any:
    """Give plain data: arrays as lists, names as texts, None for what is not finite."""
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, Name):
        return _asked(value)
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    return value if isinstance(value, bool | int | None) else _told_plainly(value)


def _told_plainly(value: Any) -> str:
    return tell(value, str)
