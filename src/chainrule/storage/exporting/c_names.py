"""The names and number types of one header of C."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from chainrule.storage.exporting.dialects import c_number
from chainrule.storage.exporting.plan import Plan, identifier

__all__ = ["Names"]


@dataclass(frozen=True)
class Names:
    """What the parts of a header have in common.

    Args:
        plan: the model.

    >>> from chainrule import Network
    >>> from chainrule.storage.exporting.plan import make_plan
    >>> c = Names(make_plan(Network.from_sizes([2, 1]).init(dtype="float32"), "net-2"))
    >>> c.p, c.P, c.real, c.number(0.5)
    ('net_2', 'NET_2', 'float', '0.5f')
    """

    plan: Plan

    @cached_property
    def p(self) -> str:
        """What every name begins with: plain letters, since not every compiler takes others."""
        return identifier(re.sub(r"[^A-Za-z0-9_]+", "_", self.plan.name).strip("_")).rstrip("_")

    @cached_property
    def P(self) -> str:
        """The same for constants."""
        return self.p.upper()

    @property
    def single(self) -> bool:
        """Whether the network computes in float, else double."""
        return self.plan.single

    @property
    def real(self) -> str:
        """The number type of the network."""
        return "float" if self.single else "double"

    @property
    def raw(self) -> bool:
        """Whether x holds raw columns, which are then scaled in double, as the model does it."""
        return self.plan.numeric

    @property
    def x(self) -> str:
        """The number type of x."""
        return "double" if self.raw else self.real

    def number(self, x: float) -> str:
        """Write a number of the network's type."""
        return c_number(float(x), self.single)
