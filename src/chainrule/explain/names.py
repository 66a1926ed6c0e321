"""Names: which number of a step is meant, apart from how it is written.

A `Name` is data; `chainrule.explain.writing.notation` writes it as text, LaTeX or MathML, and
`chainrule.explain.asking` reads it from what a user asks for.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

__all__ = ["COST", "Name", "by", "slope_of"]


@dataclass(frozen=True, slots=True)
class Name:
    """The name of one number of a step, or of a whole array of it.

    Args:
        symbol: what kind of number it is:
            "x" an input, "y" a target; "u", "q" weighted sum and activation of a dense layer that a batch normalization
            follows; "zhat" what it normalizes to, "mean", "var" its statistics; "z", "a" weighted sum and activation of
            a layer; "mask" a dropout factor, "drop" the activation that it leaves; "L" the loss of an example (with an
            index: of one output), "C" the cost, "P" the penalties; "share" a row's share of the cost;
            "W", "b", "gamma", "beta" parameters; "delta" an error, dC/dz; "d" a derivative, of ``of`` by ``by``;
            in updates "g" the gradient that the optimizer sees, "m", "v", "s" its vectors, "t" the update's number,
            "eta", "mu", "rho", "beta1", "beta2", "epsilon", "lambda" its rate and parameters, "c" a limit, "norm" the
            length of the gradient; any other text stands for itself.
        layer: l; None where there is none.
        index: neurons, or row and column of W, each from 0; a text, such as "j", on lines that hold for all.
        row: the example, from 0; None where there is only one, or the number belongs to all of them.
        mark: "" or "before", "after" (an update), "hat" (bias corrected).
        of, by: what is differentiated, by what.
        through: of an update's number, the parameter that it belongs to.
    """

    symbol: str
    layer: int | None = None
    index: tuple[int | str, ...] = ()
    row: int | str | None = None
    mark: str = ""
    of: Name | None = None
    by: Name | None = None
    through: Name | None = None

    def __str__(self) -> str:
        """Write it plainly, for messages that no renderer has written: ``a1[0]``, ``dC/dW1[0,1]``."""
        if self.symbol == "d":
            return f"d{self.of}/d{self.by}"
        index = [str(each) for each in (() if self.row is None else (self.row,)) + self.index]
        array = f"{self.symbol}{'' if self.layer is None else self.layer}"
        return f"{array}{'[' + ','.join(index) + ']' if index else ''}{' ' + self.mark if self.mark else ''}"

    def at(self, *index: int | str) -> Name:
        """Give the name of an entry of this array."""
        return replace(self, index=index)

    def after(self) -> Name:
        """Give the name of this parameter after the update."""
        return replace(self, mark="after")


COST = Name("C")


def slope_of(of: Name, by: Name) -> Name:
    """Give the name of a derivative, such as that of ``a2[0]`` by ``z2[0]``."""
    return Name("d", of=of, by=by)


def by(name: Name) -> Name:
    """Give the name of dC by a number: ``delta`` where it is a weighted sum z, else the derivative.

    >>> by(Name("z", 1, (0,))).symbol, by(Name("W", 1, (0, 0))).symbol
    ('delta', 'd')
    """
    if name.symbol == "z":
        return replace(name, symbol="delta")
    return slope_of(COST, name)
