"""Where a parameter's new value comes from: gradient, penalties, clipping, the optimizer's step, limits."""

from __future__ import annotations

import numpy as np

from chainrule.explain.expressions import Call, Expr, Ref, Rest, sum_of
from chainrule.explain.names import Name
from chainrule.explain.page import Equation, Prose
from chainrule.explain.trace import Trace
from chainrule.explain.updates.making import length_of
from chainrule.explain.updates.one_parameter import OneParameter, find_parameter
from chainrule.explain.updates.optimizers import Line, step_of, written_out
from chainrule.explain.updates.tables import update_grid, update_shares
from chainrule.formulas import Array, Penalty
from chainrule.formulas.optimizers import adagrad, adam, adamw, gradient_descent, momentum, nesterov, rmsprop
from chainrule.formulas.penalties import l1_slope, max_norm
from chainrule.language import Message, template

__all__ = ["update_equations", "update_grid", "update_shares", "update_words"]

_IN_WORDS = {
    gradient_descent: template(
        "Gradient descent with the rate {rate}: every parameter moves against its derivative, by the rate times as "
        "much."
    ),
    momentum: template(
        "Gradient descent with momentum and the rate {rate}: every parameter keeps part of its last move, and adds a "
        "step against its derivative."
    ),
    nesterov: template(
        "Nesterov's momentum with the rate {rate}: every parameter keeps part of its last move, and looks one move "
        "ahead."
    ),
    adagrad: template(
        "Adagrad with the rate {rate}: every parameter's rate is divided by the root of its squared gradients, "
        "added up."
    ),
    rmsprop: template(
        "RMSprop with the rate {rate}: every parameter's rate is divided by the root of the running mean of its "
        "squared gradients."
    ),
    adam: template(
        "Adam with the rate {rate}: every parameter follows the running mean of its gradients, divided by the root of "
        "the running mean of their squares."
    ),
    adamw: template("AdamW with the rate {rate}: Adam's step, and every weight loses a small share of itself besides."),
}

# Lengths whose squares are ordinary numbers.
_LEAST, _LARGEST = 1e-140, 1e140


def update_equations(step: Trace, parameter: Name, *, notes: bool = True) -> tuple[Line, ...]:
    """Give where one parameter's new value comes from, line by line, in the order in which it happens.

    First the gradient with the penalties' slopes, clipped; then what the optimizer makes of it; then the limits. What
    does nothing here is left out: by plain gradient descent there is one line, w after = w - eta dC/dw.

    Args:
        step: a trace with targets.
        parameter: its name: "W" with row and column, "b", "gamma" or "beta" with the neuron.
        notes: whether the rule's notes stand before the lines; `update_words` has them, too, for several parameters.

    Returns:
        Equations, with a sentence before some of them; the last one gives the new value.

    Raises:
        UnknownName, ShapeError: for a parameter that the network does not have.
        UsageError: for a whole array, or a trace without targets.

    >>> from chainrule import Network, SGD
    >>> from chainrule.explain.trace import trace
    >>> model = Network.from_sizes([1, 1]).init(seed=0)
    >>> model.theta = [0.5, 0.0]
    >>> step = trace(model, [[2.0]], [3.0], loss="half_squared_error", optimizer=SGD(0.1))
    >>> (line,) = update_equations(step, Name("W", 1, (0, 0)))
    >>> line.result, line.forms[0].value  # 0.5 - 0.1 (1 - 3) 2
    (0.9, 0.9)
    """
    p = find_parameter(step.update, parameter)
    blocks: list[Line] = [Prose(note) for note in p.update.rule.notes if notes]
    if not p.entry.trained and p.after.value == p.before.value:
        still = Message("{name} is held fixed: no update moves the biases of this layer.", name=p.name)
        return (*blocks, Prose(still), Equation(p.after, (p.before,), p.after.value))
    if p.entry.shared:
        blocks.append(Prose(Message("{name} is one number that all neurons of its layer share.", name=p.name)))
    lines, g = _gradient(p)
    way, stepped = step_of(p, g)
    held, form = _held(p, stepped)
    return (*blocks, *lines, *way, *held, Equation(p.after, (form,), p.after.value))


def update_words(step: Trace) -> tuple[Prose, ...]:
    """Say in words how a step's update is made: by which optimizer, with which rate, and what its notes are.

    Args:
        step: the step.

    >>> from chainrule import Network, SGD
    >>> from chainrule.explain.trace import trace
    >>> step = trace(Network.from_sizes([1, 1]).init(), [[2.0]], [3.0], optimizer=SGD(0.5))
    >>> for said in update_words(step):
    ...     print(said.text)
    Gradient descent with the rate 0.5: every parameter moves against its derivative, by the rate times as much.
    """
    optimizer = step.rule.optimizer
    fields = {"optimizer": optimizer.name, "rate": float(optimizer.rate)}
    if not written_out(optimizer):
        said = Message("The update is made by {optimizer}, with the rate {rate}.", **fields)
    else:
        said = Message(_IN_WORDS[optimizer.value], **fields)
    return (Prose(said), *(Prose(note) for note in step.rule.notes))


def _gradient(p: OneParameter) -> tuple[list[Line], Expr]:
    """Give what the optimizer sees of the gradient; dC/dw itself, without a line, where nothing is done to it."""
    rule = p.update.rule
    prices = [_price(p, penalty, slope) for penalty, slope in p.prices()]
    priced = sum_of([p.slope, *prices])
    blocks: list[Line] = []
    if not p.is_weight and any(penalty.slope is not None for penalty in rule.penalties):
        blocks.append(
            Prose(Message("Penalties are prices on weights; {name} is no weight and pays nothing.", name=p.name))
        )
    if rule.clip is None:
        if not prices:
            return blocks, p.slope
        return [*blocks, Equation(p.g, (priced,), p.g.value, _remark(p))], p.g
    if not p.update.clipped:
        because = Message(
            "the whole gradient is {norm} long, which is within the clip of {clip}: nothing is taken off",
            norm=p.update.norm,
            clip=rule.clip,
        )
        return [*blocks, Equation(p.g, (priced,), p.g.value, because)], p.g
    norm = Ref(Name("norm"), p.update.norm)
    shortened = priced * (Ref(Name("c"), rule.clip) / norm)
    blocks += _length_line(norm, priced, p.update.priced.theta, p.place, Message("the length of the whole gradient"))
    because = Message("the whole gradient is longer than the clip; it is shortened to it, and keeps its direction")
    return [*blocks, Equation(p.g, (shortened,), p.g.value, because)], p.g


def _price(p: OneParameter, penalty: Penalty, slope: float) -> Expr:
    """Give the slope of a penalty at this weight."""
    strength = p.strength(penalty)
    if strength is None:
        return Call(f"{penalty.name}'", (p.before,), known=slope)
    return strength * (Call("sign", (p.before,)) if penalty.slope is l1_slope else p.before)


def _remark(p: OneParameter) -> str:
    """Say what a price does where it has no derivative."""
    if not p.before.value and any(penalty.slope is l1_slope for penalty, _ in p.prices()):
        return Message("at 0, |w| has no derivative, and its sign counts as 0")
    return ""


def _length_line(norm: Ref, one: Expr, numbers: Array, place: int, because: str) -> list[Line]:
    """Give where the length of a vector comes from: one entry is spelled out, the others' squares are added up."""
    if not _LEAST < norm.value < _LARGEST:
        return []  # its squares are beyond what numbers hold
    others = numbers.copy()
    others[place] = 0
    squares = one**2
    if count := int(np.count_nonzero(others)):
        squares = squares + Rest(count, float(np.dot(others, others)))
    return [Equation(norm, (Call("sqrt", (squares,)),), norm.value, because)]


def _held(p: OneParameter, stepped: Expr) -> tuple[list[Line], Expr]:
    """Hold a weight to the limits, one after the other; give the lines, and the weight as it then is."""
    lines: list[Line] = []
    limits = [penalty for penalty in p.update.rule.penalties if penalty.project is not None]
    if not p.is_weight or not limits:
        return lines, stepped
    assert p.name.layer is not None
    W = p.update.stepped.W[p.name.layer]
    for k, limit in enumerate(limits, start=1):
        assert limit.project is not None
        held = limit.bound(limit.project)(W)
        more, stepped = _limited(p, limit, (str(k),) if len(limits) > 1 else (), stepped, W, held)
        lines += more
        W = held
    return lines, stepped


def _is_max_norm(limit: Penalty) -> bool:
    return limit.project is max_norm and "limit" in limit.parameters


def _limited(
    p: OneParameter, limit: Penalty, which: tuple[str, ...], stepped: Expr, W: Array, held: Array
) -> tuple[list[Line], Expr]:
    """Hold a weight to one limit: ``which`` tells its numbers from another's, ``held`` is what W becomes."""
    i, j = (int(k) for k in p.name.index)
    if not _is_max_norm(limit):
        because = Message(
            "{limit} is a limit of your own: its result is known, not how it comes about.", limit=limit.name
        )
        return [Prose(because)], Call(limit.name, (stepped,), known=float(held[i, j]))
    row, most = Name("W", p.name.layer, (i, ":")), float(limit.parameters["limit"])
    norm = Ref(Name("norm", index=which, through=row), length_of(W[i]))
    if (held[i] == W[i]).all():
        within = Message(
            "After the step the row {row} is {norm} long, within the limit of {limit}: it stays.",
            row=row,
            norm=norm.value,
            limit=most,
        )
        return [Prose(within)], stepped
    because = Message("the length of the row {row} after the step; it is over the limit, and shortened to it", row=row)
    shortened = stepped * (Ref(Name("c", index=("max", *which)), most) / norm)
    return _length_line(norm, stepped, W[i], j, because), shortened
