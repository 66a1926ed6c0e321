"""Numbers and arrays as source: what is small to be read, what is large as the base64 of its bytes; both exactly."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.formulas import Array

__all__ = ["WIDTH", "filled", "is_large", "nested", "packed", "python_number", "python_value"]

WIDTH = 100
LARGE = 2000  # numbers


def is_large(array: Array) -> bool:
    """Whether an array is too large for anybody to read its numbers.

    >>> import numpy as np
    >>> is_large(np.zeros((30, 10))), is_large(np.zeros((30, 784)))
    (False, True)
    """
    return array.size > LARGE


def python_number(x: float, single: bool) -> str:
    """Write a number so that it comes back to the last bit; for float32 as short as that type allows.

    >>> import numpy as np
    >>> python_number(np.float32(0.1), single=True), python_number(np.float32(0.1), single=False)
    ('0.1', '0.10000000149011612')
    >>> print(python_number(-np.inf, single=True))
    float("-inf")
    """
    if not np.isfinite(x):
        return f'float("{float(x)}")'  # inf and nan are no words of Python
    if single:
        short = str(np.float32(x))
        if np.float32(float(short)) == x:  # by way of a float64, too
            return short
    return repr(float(x))


def python_value(x: object) -> str:
    """Write a value in Python, a text with double quotation marks where it holds none itself.

    >>> print(python_value("cat"), python_value('a "b"'), python_value(3))
    "cat" 'a "b"' 3
    """
    if isinstance(x, float):
        return python_number(x, single=False)
    text = repr(x)
    return f'"{text[1:-1]}"' if text.startswith("'") and '"' not in text else text


def filled(head: str, items: list[str], end: str, indent: str) -> list[str]:
    """Write items with commas in lines of at most `WIDTH`, those after the first with an indent.

    >>> filled("x = [", ["1", "2"], "]", "     ")
    ['x = [1, 2]']
    """
    lines, line, words = [], head, 0
    for item in items:
        # Behind an item stands a comma, or the end.
        if words and len(line) + len(item) + max(1, len(end)) > WIDTH:
            lines.append(line[:-1])
            line, words = indent, 0
        line += f"{item}, "
        words += 1
    return [*lines, (line[:-2] if words else line) + end]


def nested(head: str, rows: Any, number: Callable[[Any], str], brackets: str = "[]", end: str = "") -> list[str]:
    """Write a list, or a list of lists, in brackets, with lines of at most `WIDTH`.

    Args:
        head: what stands in front, such as ``b1 = ``.
        rows: an array, (n,) or (n, k), or a list of lists.
        number: writes one entry.
        brackets: the left one and the right one.
        end: what stands behind.

    >>> import numpy as np
    >>> nested("b1 = ", np.array([0.5, -1.0]), repr)
    ['b1 = [0.5, -1.0]']
    >>> nested("static const double W[2][1] = ", np.array([[0.5], [-1.0]]), repr, "{}", ";")
    ['static const double W[2][1] = {', '    {0.5},', '    {-1.0},', '};']
    """
    left, right = brackets[0], brackets[1]
    rows = rows.tolist() if isinstance(rows, np.ndarray) else rows
    if len(rows) == 1 and isinstance(rows[0], list):
        line = f"{head}{left}{left}{', '.join(map(number, rows[0]))}{right}{right}{end}"
        if len(line) <= WIDTH:
            return [line]
    if rows and isinstance(rows[0], list):
        inner = [line for row in rows for line in filled(f"    {left}", [number(x) for x in row], f"{right},", " " * 5)]
        return [f"{head}{left}", *inner, f"{right}{end}"]
    items = [number(x) for x in rows]
    line = f"{head}{left}{', '.join(items)}{right}{end}"
    return [line] if len(line) <= WIDTH else [f"{head}{left}", *filled("    ", items, ",", "    "), f"{right}{end}"]


def packed(array: Array) -> list[str]:
    """Write the little-endian bytes of an array in base64, in lines of at most `WIDTH`.

    >>> import numpy as np
    >>> packed(np.array([1.0, 2.0]))
    ['AAAAAAAA8D8AAAAAAAAAQA==']
    """
    data = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<")).tobytes()
    text = base64.b64encode(data).decode("ascii")
    return [text[first : first + WIDTH] for first in range(0, len(text), WIDTH)]
