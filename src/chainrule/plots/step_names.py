"""What the numbers of a step are called on its picture: as on its page, by index or as textbooks do."""

from __future__ import annotations

from dataclasses import dataclass, field

from chainrule.errors import ShapeError
from chainrule.explain.names import COST, Name, by, slope_of
from chainrule.explain.trace import Trace
from chainrule.explain.writing.notation import Notation, notation_of

__all__ = ["Words"]


@dataclass(frozen=True)
class Words:
    """How names are written on a picture.

    Args:
        sizes: the network's sizes, inputs first.
        textbook: whether textbook names are used: h1, o1, w5.
        row: the example, where there are several.

    >>> short = Words((2, 2, 2), textbook=True)
    >>> short.write(Name("W", 2, (0, 0))), short.neuron("a", 1, 0), short.derivative(Name("a", 1, (0,)))
    ('w5', 'h1', '∂E/∂out_h1')
    >>> Words((2, 2, 2), textbook=False).write(Name("delta", 2, (1,)))
    'δ2[1]'
    """

    sizes: tuple[int, ...]
    textbook: bool
    row: int | None = None
    notation: Notation = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        notation = notation_of("textbook" if self.textbook else "index", self.sizes)
        object.__setattr__(self, "notation", notation)

    @classmethod
    def of(cls, notation: str, trace: Trace, row: int) -> Words:
        """Choose the names that the page of the same step has.

        Raises:
            UnknownName: for a notation that there is not.
            ShapeError: for textbook names of a step for which textbooks have none.
        """
        network = trace.model.network
        textbook = notation == "textbook"
        if textbook and (network.depth > 2 or trace.m > 1 or len(network.layers) != network.depth):
            raise ShapeError(
                "textbooks have names for one example in a network of at most one hidden layer; this one is {sizes} "
                "with {m} rows. Use notation='index'",
                sizes="-".join(map(str, network.sizes)),
                m=trace.m,
            )
        notation_of(notation, network.sizes)
        return cls(network.sizes, textbook, row if trace.m > 1 else None)

    @property
    def cost(self) -> str:
        """The cost: C, in textbooks E."""
        return self.write(COST)

    def any(self, symbol: str) -> str:
        """Write what a kind of number is called, such as z, in textbooks net."""
        return {"z": "net", "a": "out"}[symbol] if self.textbook else self.write(Name(symbol))

    def number(self, symbol: str, l: int | None, i: int) -> Name:
        """Name a number that every row has."""
        return Name(symbol, l, (i,), row=self.row)

    def neuron(self, symbol: str, l: int | None, i: int) -> str:
        """Give a neuron's name: h1 in textbooks, else the name of the number in its circle."""
        return self.write(self.number(symbol, l, i)).removeprefix("out_")

    def error(self, l: int, i: int) -> str:
        """Give the name of what comes back to a neuron: its error, of an input dC/dx."""
        return self.write(by(self.number("z", l, i) if l else self.number("x", None, i)))

    def loss(self, k: int) -> str:
        """Give the name of what an output adds to the loss."""
        return self.write(self.number("L", None, k))

    def output_slope(self, k: int, short: bool) -> str:
        """Give the name of what an output's loss sends back: dC/da, or a - y where that is the short form."""
        a = self.number("a", len(self.sizes) - 1, k)
        return f"{self.write(a)} − {self.write(self.number('y', None, k))}" if short else self.derivative(a)

    def derivative(self, name: Name) -> str:
        """Write dC by a number."""
        return self.write(slope_of(COST, name))

    def write(self, name: Name) -> str:
        """Write a name in one line."""
        return self.notation.text(name)
