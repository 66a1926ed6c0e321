"""One parameter in an update: where it lies in theta, and the numbers that belong to it, with their names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from chainrule.errors import UsageError
from chainrule.explain.expressions import Ref
from chainrule.explain.names import COST, Name, slope_of
from chainrule.explain.updates.making import Update
from chainrule.formulas import Penalty
from chainrule.formulas.optimizers import adamw
from chainrule.formulas.penalties import l1_slope, l2_slope
from chainrule.network import Entry, Network

__all__ = ["OneParameter", "find_parameter", "name_at"]

# The slopes that are written out, with how their strengths are told apart.
_WRITTEN_OUT: dict[object, str] = {l1_slope: "L1", l2_slope: "L2"}


@dataclass(frozen=True, eq=False)
class OneParameter:
    """One number of theta in an update.

    Args:
        update: the update.
        name: its name.
        entry: the array that it belongs to.
        place: where it lies in theta.
    """

    update: Update
    name: Name
    entry: Entry
    place: int

    @property
    def is_weight(self) -> bool:
        """Whether it is an entry of W, which penalties, limits and weight decay act on."""
        return self.entry.kind == "W"

    @property
    def before(self) -> Ref:
        """The parameter before the update."""
        return Ref(self.name, float(self.update.before.theta[self.place]))

    @property
    def after(self) -> Ref:
        """The parameter after the update."""
        return Ref(self.name.after(), float(self.update.after.theta[self.place]))

    @property
    def slope(self) -> Ref:
        """dC/dw, without penalties."""
        return Ref(slope_of(COST, self.name), float(self.update.data.theta[self.place]))

    @property
    def g(self) -> Ref:
        """What the optimizer sees of the gradient."""
        return self.own("g", float(self.update.g.theta[self.place]))

    @property
    def change(self) -> float:
        """What the optimizer adds to it."""
        return float(self.update.change.theta[self.place])

    def own(self, symbol: str, value: float, mark: str = "") -> Ref:
        """Give a number that belongs to this parameter alone, such as its m or v."""
        return Ref(Name(symbol, mark=mark, through=self.name), value)

    def slots(self) -> Iterator[tuple[Ref, Ref]]:
        """Give each of the optimizer's numbers for this parameter, before and after."""
        rule = self.update.rule
        for symbol, old, new in zip(rule.optimizer.slots, rule.slots, self.update.slots, strict=True):
            before = self.own(symbol, float(old[self.place]), "before")
            yield before, self.own(symbol, float(new.theta[self.place]), "after")

    def setting(self, symbol: str) -> Ref:
        """Give a parameter of the optimizer, such as its beta1, or its rate as "eta"."""
        optimizer = self.update.rule.optimizer
        value = optimizer.rate if symbol == "eta" else optimizer.parameters[symbol]
        return Ref(Name(symbol), float(value))

    def prices(self) -> list[tuple[Penalty, float]]:
        """Give the penalties that have a slope, each with its slope at this weight; none where it is no weight."""
        if not self.is_weight:
            return []
        assert self.name.layer is not None
        l, index = self.name.layer, tuple(map(int, self.name.index))
        return [(penalty, float(slopes[l][index])) for penalty, slopes in self.update.price_slopes]

    def strength(self, penalty: Penalty | None) -> Ref | None:
        """Give the lambda of a penalty, or of the weight decay (None); None where a penalty is one of the user's own.

        Where an update has several, an index tells them apart: L1, L2, decay.
        """
        rule = self.update.rule
        written = [each for each in rule.penalties if _label(each)]
        if penalty is None:
            return Ref(Name("lambda", index=("decay",) if written else ()), float(rule.optimizer.parameters["decay"]))
        if not _label(penalty):
            return None
        alike = [each for each in written if each.slope is penalty.slope]
        names = [_label(penalty)]
        if len(alike) > 1:  # the same penalty may be there twice
            names.append(str(1 + next(k for k, each in enumerate(alike) if each is penalty)))
        several = len(written) + (rule.optimizer.value is adamw) > 1
        return Ref(Name("lambda", index=tuple(names) if several else ()), float(penalty.parameters["strength"]))


def _label(penalty: Penalty) -> str:
    """Give how the strength of a penalty is told from others; empty for a user's own."""
    return _WRITTEN_OUT.get(penalty.slope, "") if "strength" in penalty.parameters else ""


def find_parameter(update: Update, name: Name) -> OneParameter:
    """Give the parameter of this name, such as ``Name("W", 1, (0, 1))``.

    Raises:
        UnknownName, ShapeError: for one that the network does not have.
        UsageError: for a whole array.

    >>> import chainrule
    >>> from chainrule.explain.trace import trace
    >>> step = trace(chainrule.Network.from_sizes([2, 2, 1]).init(seed=0), [[0.5, 1.0]], [1.0])
    >>> find_parameter(step.update, Name("W", 2, (0, 1))).place
    7
    """
    network = update.before.network
    index = ",".join(map(str, name.index))
    text = f"{name.symbol}{name.layer}" + (f"[{index}]" if index else "")
    array = np.ndim(update.before[text])  # refuses what there is not
    entry = next(each for each in network.entries if each.name == f"{name.symbol}{name.layer}")
    place = tuple(int(i) for i in name.index)
    if entry.stored == 1 and entry.kind != "W":
        place = place or (0,)
    elif array:
        raise UsageError(
            "{name} is a whole array of shape {shape}; ask for one number of it, such as {example}",
            name=text,
            shape=entry.shape,
            example=f"{entry.name}[{','.join('0' * len(entry.shape))}]",
        )
    offset = 0 if entry.shared else int(np.ravel_multi_index(place, entry.shape))
    bare = replace(name, index=place, row=None, mark="")
    return OneParameter(update, bare, entry, entry.start + offset)


def name_at(network: Network, place: int) -> Name:
    """Give the name of the number that lies at this place of theta.

    >>> name_at(Network.from_sizes([2, 2, 1]), 7)
    Name(symbol='W', layer=2, index=(0, 1), row=None, mark='', of=None, by=None, through=None)
    """
    entry = next(each for each in network.entries if each.start <= place < each.start + each.stored)
    index = (0,) if entry.shared else np.unravel_index(place - entry.start, entry.shape)
    return Name(entry.kind, entry.layer, tuple(int(i) for i in index))
