"""The slip behind figures in print: an error that came back through weights which had been updated already."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from chainrule.engines import reference as engine
from chainrule.errors import UsageError
from chainrule.explain.anatomy import Anatomy
from chainrule.explain.backward import slope_at
from chainrule.explain.expressions import Ref, sum_of
from chainrule.explain.forms.common import Row
from chainrule.explain.forms.losses import loss_form
from chainrule.explain.names import COST, Name
from chainrule.explain.page import Block, Equation, Grid, Heading, Prose
from chainrule.explain.trace import Trace
from chainrule.explain.updates.making import make_update
from chainrule.formulas import Array
from chainrule.language import Message
from chainrule.parameters import Parameters

__all__ = ["slip_blocks"]

# Marks what the slip makes of a number.
_SLIP = "slip"


def slip_blocks(step: Trace) -> Iterator[Block]:
    """Compute what becomes of a step where the hidden error is taken through the output weights of after the update.

    Args:
        step: one example through a network with one hidden layer.

    Raises:
        UsageError: for another kind of step.
    """
    network = step.model.network
    if step.m > 1 or network.depth != 2 or len(network.layers) != 2 or step.model.loss.slope is None:
        raise UsageError("the slip is shown for one example in a network of two layers")
    after, slipped = step.update.after, _slipped(step)
    yield Heading(Message("The slip behind the figures in print"))
    yield Prose(
        Message(
            "The text that made this example famous works out the right weights, and says that the old output weights "
            "must be used on the way back. But the error that it then states, 0.291027924, is not that of its weights: "
            "it comes out if the error goes back to the hidden layer through output weights that have been updated "
            "already. All derivatives belong to one point. With the slip:"
        )
    )
    body = Anatomy(step)
    for i in range(step.model.network.sizes[1]):
        yield _error(body, after, slipped, i)
    rows = tuple(
        (Name("W", 1, place), float(step.model.W[1][place]), float(after.W[1][place]), float(slipped.W[1][place]))
        for place in [(i, j) for i in range(len(slipped.W[1])) for j in range(slipped.W[1].shape[1])]
    )
    yield Grid((Message("weight"), Message("before"), Message("after"), Message("with the slip")), rows)
    right, wrong = _cost(step, after.theta, "after"), _cost(step, slipped.theta, _SLIP)
    yield right
    yield wrong
    yield Prose(
        Message(
            "The error after the update is {right}; with the slip it is {wrong}.",
            right=f"{right.left.value:.9f}",
            wrong=f"{wrong.left.value:.9f}",
        )
    )


def _error(body: Anatomy, after: Parameters, slipped: Parameters, i: int) -> Equation:
    D, W = body.step.D, after.W[2]
    terms = [body.error("z", 2, k) * Ref(Name("W", 2, (k, i)).after(), float(W[k, i])) for k in range(len(W))]
    form = sum_of(terms) * slope_at(body, 0, i, 0).expr
    value = float((D[2][0] @ W[:, i]) * slope_at(body, 0, i, 0).expr.value)
    return Equation(Ref(Name("delta", 1, (i,), mark=_SLIP), value), (form,), value)


def _slipped(step: Trace) -> Parameters:
    """Give the parameters after an update with the slip, made by the step's own rule."""
    stage, network, gradient = step.stages[0], step.model.network, step.gradient
    assert stage.Z is not None
    assert gradient is not None
    D = network.dense[0].activation.back(stage.Z, stage.A, step.D[2] @ step.update.after.W[2])
    wrong = Parameters(network, gradient.theta.copy())
    wrong.W[1][...] = D.T @ step.X
    if network.dense[0].bias == "neuron":
        wrong.b[1][:] = D.sum(axis=0)
    elif network.dense[0].bias == "layer":
        wrong.shared[1][0] = D.sum()
    return make_update(step.rule, step.model, wrong).after


def _cost(step: Trace, theta: Array, mark: str) -> Equation:
    """Say what the cost of a step's row is with other parameters."""
    model, Y = step.model, step.Y
    assert Y is not None
    steps, _ = engine.forward(model.network, Parameters(model.network, theta), model.state, step.X)
    _, Z, A, _ = steps[-1]
    z, a = (Row(Name(symbol, 2, mark=mark), array[0]) for symbol, array in (("z", Z), ("a", A)))
    form = loss_form(model.loss, model.network.output_activation, z, a, Row(Name("y"), Y[0])).expr
    value = float(engine.losses_of(step.objective, steps[-1], Y)[0])
    return Equation(Ref(dataclasses.replace(COST, mark=mark), value), (form,), value)
