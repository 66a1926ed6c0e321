"""Settings: the numbers on a page that no step computes or changes, such as a rate, or the size of the batch."""

from __future__ import annotations

from collections.abc import Iterator

from chainrule.explain.names import Name
from chainrule.explain.trace import Trace
from chainrule.explain.updates.one_parameter import find_parameter
from chainrule.formulas.activations import SELU_ALPHA, SELU_SCALE, selu
from chainrule.formulas.penalties import max_norm
from chainrule.language import Message
from chainrule.network import BatchNorm, Dropout

__all__ = ["Setting", "settings_of"]

# What it is called, whose it is, and the number.
Setting = tuple[Name, str, float]


def settings_of(step: Trace) -> Iterator[Setting]:
    """Give every setting of a step, with whose it is: several layers may have an alpha.

    Args:
        step: the step.

    >>> from chainrule import Network
    >>> from chainrule.explain.trace import trace
    >>> step = trace(Network.from_sizes([1, 1, 1], "leaky_relu", "identity").init(), [[1.0], [2.0]])
    >>> [(name.symbol, value) for name, _, value in settings_of(step)]
    [('m', 2.0), ('alpha', 0.01)]
    """
    yield Name("m"), Message("rows in the batch"), float(step.m)
    for stage in step.stages:
        where = Message("layer {l}", l=stage.l)
        if isinstance(stage.layer, Dropout):
            yield Name("rate"), where, float(stage.layer.rate)
            continue
        if isinstance(stage.layer, BatchNorm):
            yield Name("epsilon"), where, float(stage.layer.epsilon)
        if stage.layer.activation.value is selu:
            yield Name("scale"), where, SELU_SCALE
            yield Name("alpha"), where, SELU_ALPHA
        for symbol, value in stage.layer.activation.parameters.items():
            yield Name(symbol), where, float(value)
    if step.Y is not None:
        for symbol, value in step.model.loss.parameters.items():
            # Huber's delta is called a limit, as the errors are called delta.
            yield (
                Name("limit" if symbol == "delta" else symbol),
                Message("loss {loss}", loss=step.model.loss.name),
                float(value),
            )
    if step.gradient is not None:
        yield from _of_update(step)


def _of_update(step: Trace) -> Iterator[Setting]:
    """Give the settings of the optimizer, the penalties, the clip and the limits."""
    rule, update = step.rule, step.update
    optimizer, whose = rule.optimizer, Message("optimizer {optimizer}", optimizer=rule.optimizer.name)
    p = find_parameter(update, Name("W", 1, (0, 0)))
    yield Name("t"), Message("number of the update"), float(update.t)
    yield Name("eta"), whose, float(optimizer.rate)
    for symbol, value in optimizer.parameters.items():
        decay = p.strength(None) if symbol == "decay" else None
        yield Name(symbol) if decay is None else decay.name, whose, float(value)
    limits = [penalty for penalty in rule.penalties if penalty.project is not None]
    for penalty in rule.penalties:
        owner = Message("penalty {penalty}", penalty=penalty.name)
        if (strength := p.strength(penalty)) is not None:
            yield strength.name, owner, strength.value
        elif penalty.project is max_norm and "limit" in penalty.parameters:
            which = (str(1 + limits.index(penalty)),) if len(limits) > 1 else ()
            yield Name("c", index=("max", *which)), owner, float(penalty.parameters["limit"])
    if rule.clip is not None:
        yield Name("c"), Message("clip of the gradient"), float(rule.clip)
