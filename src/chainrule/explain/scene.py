"""What is being explained, in one sentence: the network, its loss, the rows, and how the step is computed."""

from __future__ import annotations

from chainrule.explain.trace import Trace
from chainrule.language import Message
from chainrule.network import BatchNorm, Dropout

__all__ = ["scene"]


def scene(step: Trace) -> Message:
    """Say which network, loss and rows a step has.

    >>> from chainrule import Network
    >>> from chainrule.explain.trace import trace
    >>> print(scene(trace(Network.from_sizes([2, 1], output="sigmoid").init(), [[1, 2]], [[1]])))
    A 2-1 network with sigmoid, one example, the loss binary_cross_entropy.
    """
    network = step.model.network
    names = [layer.activation.name for layer in network.layers if not isinstance(layer, Dropout)]
    fields = {
        "sizes": "-".join(map(str, network.sizes)),
        "activations": ", ".join(dict.fromkeys(names)),
        "rows": Message("one example") if step.m == 1 else Message("a batch of {m} rows", m=step.m),
    }
    if step.Y is None:
        told = Message("A {sizes} network with {activations}, {rows}.", **fields)
    else:
        told = Message(
            "A {sizes} network with {activations}, {rows}, the loss {loss}.", **fields, loss=step.model.loss.name
        )
    if not any(isinstance(layer, BatchNorm | Dropout) for layer in network.layers):
        return told
    how = (
        Message("Computed as in prediction: no dropout, running statistics.")
        if step.draw is None
        else Message("Computed as in training: with dropout, and with the statistics of this batch.")
    )
    return Message("{first} {next}", first=told, next=how)
