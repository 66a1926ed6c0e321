"""The optimizer's memory between two trainings, so that the second goes on as if the first had not ended."""

from __future__ import annotations

from dataclasses import dataclass

from chainrule.engines import Carry
from chainrule.errors import UsageError
from chainrule.formulas import Array, Optimizer

__all__ = ["Memory"]


@dataclass(eq=False)
class Memory:
    """The vectors of an optimizer and the number of its updates; `train` goes on from them and leaves its own here.

    Args:
        optimizer: the name of the optimizer whose vectors they are; empty before the first training.
        slots: its vectors, each shape (P,).
        updates: how many updates it has made, t.

    >>> from chainrule import Network, train
    >>> memory = Memory()
    >>> model = train(Network.from_sizes([2, 1]), [[0, 0], [0, 1]], [0.0, 1.0], epochs=3, memory=memory)
    >>> model = train(model, [[0, 0], [0, 1]], [0.0, 1.0], epochs=2, memory=memory)
    >>> memory.optimizer, memory.updates, len(memory.slots)
    ('adam', 5, 2)
    """

    optimizer: str = ""
    slots: tuple[Array, ...] = ()
    updates: int = 0

    def start(self, theta: Array, state: Array, optimizer: Optimizer) -> Carry:
        """Give where a training begins: with copies of the kept vectors, or anew where nothing is kept.

        Raises:
            UsageError: where the vectors are those of another optimizer or another network.
        """
        if not self.optimizer:
            return Carry(theta, state, optimizer.start(theta))
        if self.optimizer != optimizer.name or any(slot.shape != theta.shape for slot in self.slots):
            raise UsageError(
                "the memory holds vectors of {kept} for {sizes} parameters, and {asked} is to train {count}; give "
                "memory=Memory() to begin anew",
                kept=self.optimizer,
                sizes=", ".join(str(len(slot)) for slot in self.slots[:1]) or "0",
                asked=optimizer.name,
                count=len(theta),
            )
        return Carry(theta, state, tuple(slot.astype(theta.dtype) for slot in self.slots), self.updates)

    def keep(self, carry: Carry, optimizer: Optimizer) -> None:
        """Take over what a training ended with."""
        self.optimizer, self.slots, self.updates = optimizer.name, carry.slots, carry.updates

    def forget(self) -> None:
        """Be as new, for parameters that the vectors do not belong to."""
        self.optimizer, self.slots, self.updates = "", (), 0
