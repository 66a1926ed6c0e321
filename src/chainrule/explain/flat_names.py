"""Flat names: w1, w2, … and b1, b2, …, which texts with small networks number through, from 1."""

from __future__ import annotations

from chainrule.errors import UnknownName
from chainrule.explain.names import Name
from chainrule.language import Message
from chainrule.parameters import Parameters

__all__ = ["flat_bias", "flat_weight"]


def flat_weight(parameters: Parameters, number: int, asked: str) -> Name:
    """Give the weight of this number: W[1] row by row, then W[2], and so on.

    Raises:
        UnknownName: where there are not so many; ``asked`` is what it then says.

    >>> from chainrule import Network
    >>> flat_weight(Network.from_sizes([2, 2, 2]).init().parameters, 5, "w5").index
    (0, 0)
    """
    left = number - 1
    for l, W in parameters.W.items():
        if 0 <= left < W.size:
            return Name("W", l, divmod(left, W.shape[1]))
        left -= W.size
    raise UnknownName.among(Message("weight"), asked, [f"w1 … w{sum(W.size for W in parameters.W.values())}"])


def flat_bias(parameters: Parameters, number: int) -> Name | None:
    """Give the bias of this number, neuron by neuron; None where that neuron does not exist or has no bias.

    >>> from chainrule import Network
    >>> flat_bias(Network.from_sizes([2, 2, 2]).init().parameters, 3)
    Name(symbol='b', layer=2, index=(0,), row=None, mark='', of=None, by=None, through=None)
    """
    left = number - 1
    for l, W in parameters.W.items():
        if 0 <= left < len(W):
            return None if parameters.b.get(l) is None else Name("b", l, (left,))
        left -= len(W)
    return None
