"""What the numbers of a step are called on its picture: by index, or as textbooks do where the network is small."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from chainrule.errors import UsageError
from chainrule.explain.names import COST, Name, slope_of

__all__ = ["Words"]

_NOTATIONS = ("index", "textbook", "rows")
_INDEX = {"delta": "δ", "zhat": "ẑ", "gamma": "γ", "beta": "β", "drop": "a", "mask": "r"}
_TEXTBOOK = {"z": "net_{}", "u": "net_{}", "a": "out_{}", "q": "out_{}", "drop": "out_{}", "delta": "δ_{}"}


@dataclass(frozen=True)
class Words:
    """How names are written on a picture.

    Args:
        sizes: the network's sizes, inputs first.
        textbook: whether textbook names are used: h1, o1, w5.

    >>> short = Words((2, 2, 2), textbook=True)
    >>> short.write(Name("W", 2, (0, 0))), short.neuron(1, 0), short.derivative(Name("a", 1, (0,)))
    ('w5', 'h1', '∂E/∂out_h1')
    >>> Words((2, 2, 2), textbook=False).write(Name("delta", 2, (1,)))
    'δ2[1]'
    """

    sizes: tuple[int, ...]
    textbook: bool

    @classmethod
    def of(cls, notation: str, sizes: Sequence[int]) -> Words:
        """Choose the names: textbook ones where they are asked for and at most one hidden layer has to be told apart.

        Raises:
            UsageError: for a notation that there is not.
        """
        if notation not in _NOTATIONS:
            raise UsageError(
                "there is no notation {given!r}; expected one of: {known}",
                given=notation,
                known=", ".join(_NOTATIONS),
            )
        return cls(tuple(sizes), notation == "textbook" and len(sizes) <= 3)

    @property
    def cost(self) -> str:
        """The cost: C, in textbooks E."""
        return "E" if self.textbook else "C"

    def neuron(self, l: int, i: int) -> str:
        """Give a neuron's name: h1 in textbooks, else the name of its activation."""
        if self.textbook:
            return f"{'i' if l == 0 else 'o' if l == len(self.sizes) - 1 else 'h'}{i + 1}"
        return self.write(Name("a", l, (i,)) if l else Name("x", index=(i,)))

    def error(self, l: int, i: int) -> str:
        """Give the name of what comes back to a neuron: its error, of an input dC/dx."""
        return self.write(Name("delta", l, (i,))) if l else self.derivative(Name("x", index=(i,)))

    def output_slope(self, k: int, short: bool) -> str:
        """Give the name of what an output's loss sends back: dC/da, or a - y where that is the short form."""
        output, last = (k,), len(self.sizes) - 1
        if not short:
            return self.derivative(Name("a", last, output))
        return f"{self.write(Name('a', last, output))} − {self.write(Name('y', index=output))}"

    def derivative(self, name: Name) -> str:
        """Write dC by a number."""
        return self.write(slope_of(COST, name))

    def write(self, name: Name) -> str:
        """Write a name in one line."""
        if name.symbol == "d" and name.of is not None and name.by is not None:
            return f"∂{self.write(name.of)}/∂{self.write(name.by)}"
        if name.mark in ("after", "before"):
            return f"{self.write(replace(name, mark=''))} {name.mark}"
        if self.textbook and all(isinstance(i, int) for i in name.index):
            found = self._short(name)
            if found:
                return found
        layer = "" if name.layer is None or name.symbol == "y" else str(name.layer)
        places = [*([] if name.row is None else [name.row]), *name.index]
        index = f"[{','.join(map(str, places))}]" if places else ""
        return f"{_INDEX.get(name.symbol, name.symbol)}{layer}{index}"

    def _short(self, name: Name) -> str:
        """Give the textbook name, or nothing where there is none."""
        symbol, last = name.symbol, len(self.sizes) - 1
        if symbol == "C":
            return "E"
        if not name.index:
            return ""
        index = tuple(int(i) for i in name.index)
        if symbol == "x":
            return self.neuron(0, index[0])
        if symbol in ("y", "L"):
            return f"{'target' if symbol == 'y' else 'E'}_{self.neuron(last, index[0])}"
        l = name.layer or 0
        if symbol == "W":
            before = sum(rows * columns for columns, rows in pairwise(self.sizes[:l]))
            return f"w{before + index[0] * self.sizes[l - 1] + index[1] + 1}"
        if symbol == "b":
            return f"b{sum(self.sizes[1:l]) + index[0] + 1}"
        return _TEXTBOOK.get(symbol, "").format(self.neuron(l, index[0]))
