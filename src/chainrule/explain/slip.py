"""The slip behind figures in print: an error that came back through weights which had been updated already."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from chainrule.engines import reference as engine
from chainrule.errors import UsageError
from chainrule.explain.anatomy import Anatomy
from chainrule.explain.backward import slope_at
from chainrule.explain.expressions import Ref, sum_of
from chainrule.explain.names import COST, Name
from chainrule.explain.page import Block, Equation, Grid, Heading, Prose
from chainrule.explain.trace import Trace
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
    if step.m > 1 or len(step.stages) != 2:
        raise UsageError("the slip is shown for one example in a network of two layers")
    after, slipped = step.update.after, _slipped(step)
    yield Heading(Message("The slip behind the figures in print"))
    yield Prose(
        Message(
            "The text that made this example famous updates the output weights first, and then passes the error back "
            "to the hidden layer through these new weights. But all derivatives belong to one point: the backward pass "
            "must use the weights that the forward pass used. With the slip:"
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
    right, wrong = _cost_at(step, after.theta), _cost_at(step, slipped.theta)
    yield Equation(Ref(COST.after(), right), (), right)
    yield Equation(Ref(dataclasses.replace(COST, mark=_SLIP), wrong), (), wrong)
    yield Prose(
        Message(
            "The error after the update is {right}; with the slip it is {wrong}, which is the figure in print.",
            right=right,
            wrong=wrong,
        )
        if _is_the_famous_one(wrong)
        else Message("The error after the update is {right}; with the slip it is {wrong}.", right=right, wrong=wrong)
    )


def _is_the_famous_one(cost: float) -> bool:
    return abs(cost - 0.291027924) < 5e-10


def _error(body: Anatomy, after: Parameters, slipped: Parameters, i: int) -> Equation:
    D, W = body.step.D, after.W[2]
    terms = [body.error("z", 2, k) * Ref(Name("W", 2, (k, i)).after(), float(W[k, i])) for k in range(len(W))]
    form = sum_of(terms) * slope_at(body, 0, i, 0).expr
    value = float((D[2][0] @ W[:, i]) * slope_at(body, 0, i, 0).expr.value)
    return Equation(Ref(Name("delta", 1, (i,), mark=_SLIP), value), (form,), value)


def _slipped(step: Trace) -> Parameters:
    """Give the parameters after an update with the slip, made by the step's own rule."""
    after, network = step.update.after, step.model.network
    G = step.D[2] @ after.W[2]
    stage = step.stages[0]
    assert stage.Z is not None
    D = network.dense[0].activation.back(stage.Z, stage.A, G)
    gradient = Parameters(network, step.update.g.theta.copy())
    gradient.W[1][...] = D.T @ step.X
    if network.dense[0].bias == "neuron":
        gradient.b[1][:] = D.sum(axis=0)
    rule = step.rule
    make = engine.stepper(rule.optimizer, network, step.model.theta.dtype)
    change, _ = make(step.model.theta, gradient.theta, rule.slots, step.update.t, rule.optimizer.rate)
    return Parameters(network, step.model.theta + change)


def _cost_at(step: Trace, theta: Array) -> float:
    """Give the cost of a step's rows with other parameters."""
    assert step.Y is not None
    return float(engine.loss(step.objective, theta, step.model.state.copy(), step.X, step.Y, step.weights, step.draw))
