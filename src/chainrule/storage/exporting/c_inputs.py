"""How a header of C says what its inputs are made of, where it does not make them itself: a line for each."""

from __future__ import annotations

from collections.abc import Iterator

from chainrule.data.encoded import CategoryColumn, Column
from chainrule.storage.exporting.dialects import c_number

__all__ = ["c_string", "input_lines"]


def c_string(text: str) -> str:
    r"""Write a text as a string literal of C, in UTF-8; what is no plain character is written by its bytes.

    >>> print(c_string('a "b" \\ c?\n'))
    "a \"b\" \\ c\?\012"
    """
    parts = []
    for c in text:
        if c in '"\\?':
            parts.append(f"\\{c}")
        elif c.isprintable():
            parts.append(c)
        else:
            parts += [f"\\{byte:03o}" for byte in c.encode("utf-8", "surrogatepass")]
    return f'"{"".join(parts)}"'


def input_lines(columns: tuple[Column, ...]) -> Iterator[str]:
    r"""Say of each input how it is made of a raw row, safe within a comment; texts are literals of C.

    Args:
        columns: the table encoder's.

    >>> from chainrule.data.encoded import CategoryColumn, NumberColumn
    >>> pet = CategoryColumn("pet", ("cat", "dog"), gaps=True)
    >>> print(*input_lines((NumberColumn("age", 38.5, 40.0, 12.5), pet)), sep="\n")
    x[0] = (age - 40.0) / 12.5; where age is missing, it counts as 38.5
    x[1] = 1 if pet is "cat", else 0
    x[2] = 1 if pet is "dog", else 0
    x[3] = 1 if pet is missing, else 0
    """
    j = 0
    for column in columns:
        for text in _inputs(column):
            yield f"x[{j}] = {text}"
            j += 1


def _inputs(column: Column) -> Iterator[str]:
    """Say what each input of a column is."""
    name = column.name if column.name.isidentifier() else _quoted(column.name)
    if isinstance(column, CategoryColumn):
        yield from (f"1 if {name} is {_quoted(text)}, else 0" for text in column.categories)
        if column.rare:
            yield f"1 if {name} is anything else{'' if column.gaps else ' or missing'}, else 0"
    elif column.scale:
        center, scale, fill = (c_number(x, False) for x in (column.center, column.scale, column.fill))
        yield f"({name} - {center}) / {scale}; where {name} is missing, it counts as {fill}"
    else:
        yield f"0, since {name} never changed in training"
    if column.gaps:
        yield f"1 if {name} is missing, else 0"


def _quoted(text: str) -> str:
    """Write a literal that neither ends a comment nor seems to begin one."""
    return c_string(text).replace("*/", "*\\057").replace("/*", "\\057*")
