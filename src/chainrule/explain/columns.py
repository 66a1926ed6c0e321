"""Columns: what the inputs of a network are called in the table that they come from, and how they are made of it."""

from __future__ import annotations

from dataclasses import dataclass

from chainrule.data.encoded import NumberColumn
from chainrule.data.encoder import TableEncoder
from chainrule.language import Message

__all__ = ["Column", "columns_of"]


@dataclass(frozen=True)
class Column:
    """Where one input comes from.

    Args:
        name: what it is called, such as "age" or "pet=cat".
        how: what the encoder does, a `Message`.
    """

    name: str
    how: str


def columns_of(encoder: TableEncoder | None) -> tuple[Column, ...]:
    """Say of each input which column it comes from, and how; nothing where there is no table.

    >>> import numpy as np
    >>> encoder = TableEncoder.fit(np.array([[1.0], [3.0]]), names=["age"])
    >>> print(columns_of(encoder)[0].how)
    age of the data, less 2 and divided by 1
    """
    if encoder is None:
        return ()
    found = []
    for column in encoder.columns:
        for output in column.outputs:
            if isinstance(column, NumberColumn) and output == column.name:
                how = Message(
                    "{column} of the data, less {center:.6g} and divided by {scale:.6g}",
                    column=column.name,
                    center=column.center,
                    scale=column.scale,
                )
                if column.gaps:
                    filled = Message("where the cell is empty, {fill:.6g} stands in", fill=column.fill)
                    how = Message("{first}; {next}", first=how, next=filled)
            else:
                how = Message("1 where the data say {output}, else 0", output=output)
            found.append(Column(output, how))
    return tuple(found)
