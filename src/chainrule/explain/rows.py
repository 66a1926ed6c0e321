"""Which row pushed which way: what each row of a batch adds to a derivative by a parameter."""

from __future__ import annotations

import numpy as np

from chainrule.explain.anatomy import Anatomy
from chainrule.explain.names import COST, Name, slope_of
from chainrule.explain.origins import largest
from chainrule.explain.page import Grid
from chainrule.formulas import Array
from chainrule.language import Message
from chainrule.network import BatchNorm, Dense

__all__ = ["row_shares", "rows_grid"]


def row_shares(body: Anatomy, by: Name) -> Array:
    """Give what each row adds to dC by a parameter, shape (m,); the shares add up to the derivative.

    >>> from chainrule import Network
    >>> from chainrule.explain.trace import trace
    >>> step = trace(Network.from_sizes([2, 1]).init(), [[1, 2], [3, 4]], [[0.5], [1.0]])
    >>> shares = row_shares(Anatomy(step), Name("W", 1, (0, 1)))
    >>> bool(abs(shares.sum() - step.gradient["W1[0,1]"]) < 1e-12)
    True
    """
    kind = Dense if by.symbol in ("W", "b") else BatchNorm
    stage = next(stage for stage in body.stages if stage.l == by.layer and isinstance(stage.layer, kind))
    assert stage.D is not None
    i = int(by.index[0])
    if isinstance(stage.layer, Dense) and by.symbol == "b" and stage.layer.bias != "neuron":
        shares: Array = stage.D.sum(axis=1) * (stage.layer.bias == "layer")
    elif by.symbol == "W":
        shares = stage.D[:, i] * stage.before[:, int(by.index[1])]
    elif by.symbol == "gamma":
        assert stage.zhat is not None
        shares = stage.D[:, i] * stage.zhat[:, i]
    else:
        shares = stage.D[:, i]
    return shares


def rows_grid(body: Anatomy, by: Name, most: int) -> Grid:
    """Show which rows push a parameter up, and which down.

    Args:
        body: the anatomy of a step with several rows.
        by: the parameter.
        most: how many rows are shown: those that push hardest.
    """
    shares = row_shares(body, by)
    places, rest = largest(shares, most)
    rows: list[tuple[object, ...]] = [(_called(body, r), float(shares[r]), _push(float(shares[r]))) for r in places]
    if rest is not None:
        rows.append((Message("{n} others", n=rest.count), rest.value, _push(rest.value)))
    rows.append((Message("all"), float(shares.sum()), _push(float(shares.sum()))))
    up, down = int(np.sum(shares < 0)), int(np.sum(shares > 0))
    note = Message(
        "Descent goes against the derivative. Rows that push the parameter up: {up}; down: {down}.", up=up, down=down
    )
    if any(stage.of_batch for stage in body.stages):
        note = Message(
            "{first} {next}",
            first=note,
            next=Message(
                "Through the statistics of the batch a row's part also has the losses of the other rows in it."
            ),
        )
    return Grid((Message("row"), slope_of(COST, by), Message("pushes it")), tuple(rows), note)


def _called(body: Anatomy, r: int) -> str:
    """Give the number of a row, and what it is called in the data."""
    return f"{r} ({body.step.rows[r]})" if body.step.rows else str(r)


def _push(share: float) -> str:
    return Message("up") if share < 0 else Message("down") if share > 0 else Message("nowhere")
