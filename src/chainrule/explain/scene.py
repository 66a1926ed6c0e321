"""What is being explained, in one sentence: the network, its loss, the rows, and how the step is computed."""

from __future__ import annotations

from chainrule.explain.trace import Trace
from chainrule.language import Message
from chainrule.network import BatchNorm, Dense, Dropout

__all__ = ["scene"]


def scene(step: Trace) -> Message:
    """Say which network, loss and rows a step has.

    >>> from chainrule import Network
    >>> from chainrule.explain.trace import trace
    >>> print(scene(trace(Network.from_sizes([2, 1], output="sigmoid").init(), [[1, 2]], [[1]])))
    A 2-1 network with sigmoid, one example, the loss binary_cross_entropy.
    """
    network = step.model.network
    normed = {l for layer, l in network.steps if isinstance(layer, BatchNorm)}
    # The identity of a dense layer before a batch normalization is no activation to speak of.
    names = [
        layer.activation.name
        for layer, l in network.steps
        if not isinstance(layer, Dropout) and not (l in normed and isinstance(layer, Dense))
    ]
    rows = Message("one example") if step.m == 1 else Message("a batch of {m} rows", m=step.m)
    if step.rows:
        rows = Message("{rows}: {name}", rows=rows, name=step.rows[0] if step.m == 1 else f"{step.rows[0]} …")
    fields = {
        "sizes": "-".join(map(str, network.sizes)),
        "activations": ", ".join(dict.fromkeys(names)),
        "rows": rows,
    }
    if step.Y is None:
        told = Message("A {sizes} network with {activations}, {rows}.", **fields)
    else:
        told = Message(
            "A {sizes} network with {activations}, {rows}, the loss {loss}.", **fields, loss=step.model.loss.name
        )
    how = _how(step, bool(normed), any(isinstance(layer, Dropout) for layer in network.layers))
    return told if how is None else Message("{first} {next}", first=told, next=how)


def _how(step: Trace, normed: bool, dropping: bool) -> Message | None:
    """Say whether the step is computed as in prediction or as in training, where that makes a difference."""
    if not normed and not dropping:
        return None
    if step.draw is None:
        if normed and dropping:
            return Message("Computed as in prediction: no dropout, running statistics.")
        if normed:
            return Message("Computed as in prediction: with running statistics.")
        return Message("Computed as in prediction: no dropout.")
    if normed and dropping:
        return Message("Computed as in training: with dropout, and with the statistics of this batch.")
    if normed:
        return Message("Computed as in training: with the statistics of this batch.")
    return Message("Computed as in training: with dropout.")
