"""The optimizer's step for one parameter, written out: which numbers it keeps, and what it makes of the gradient."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

from chainrule.explain.expressions import Call, Expr, Ref
from chainrule.explain.names import Name
from chainrule.explain.page import Equation, Prose
from chainrule.explain.updates.one_parameter import OneParameter
from chainrule.formulas import Array, Optimizer
from chainrule.formulas.optimizers import (
    RECORDS,
    adagrad,
    adam,
    adamw,
    gradient_descent,
    momentum,
    nesterov,
    rmsprop,
)
from chainrule.language import Message

__all__ = ["Line", "effective_rate", "mean_of", "step_of", "written_out"]

Line: TypeAlias = Equation | Prose
# The lines on the way to the step, and the parameter with the step made.
Step: TypeAlias = tuple[list[Line], Expr]

# A share of the correction that is too small to see.
_HARDLY = 1e-3
_SQUARES = Message("a running mean of the squared gradients")


def step_of(p: OneParameter, g: Expr) -> Step:
    """Give what the optimizer does with one parameter.

    Args:
        p: the parameter.
        g: what the optimizer sees of the gradient.

    Returns:
        The lines on the way, and an expression of the parameter with the step made, before any limit.
    """
    optimizer = p.update.rule.optimizer
    return _STEPS[optimizer.value](p, g) if written_out(optimizer) else _by_its_result(p, g)


def written_out(optimizer: Optimizer) -> bool:
    """Say whether the steps of an optimizer can be written out: whether it is one of the catalogue's own.

    >>> from chainrule.formulas import Adam
    >>> written_out(Adam(0.01))
    True
    """
    return any(_kind(optimizer) == _kind(record) for record in RECORDS)


def _kind(optimizer: Optimizer) -> tuple[object, ...]:
    """What decides how a step is made, whatever the numbers; a user's record may have one of our functions."""
    return optimizer.value, optimizer.slots, optimizer.parameters.keys(), optimizer.decays


def _descend(p: OneParameter, g: Expr) -> Step:
    return [], p.before - p.setting("eta") * g


def _with_momentum(p: OneParameter, g: Expr) -> Step:
    line, v = _velocity(p, g)
    return [line], p.before + v


def _looking_ahead(p: OneParameter, g: Expr) -> Step:
    line, v = _velocity(p, g)
    carried = Prose(
        Message("Nesterov's step carries the new velocity on once more, and lets the gradient count a second time.")
    )
    return [line, carried], p.before + p.setting("mu") * v - p.setting("eta") * g


def _velocity(p: OneParameter, g: Expr) -> tuple[Equation, Ref]:
    ((old, new),) = p.slots()
    because = Message("the velocity begins at 0") if p.update.t == 1 else ""
    return Equation(new, (p.setting("mu") * old - p.setting("eta") * g,), new.value, because), new


def _adding_squares(p: OneParameter, g: Expr) -> Step:
    ((old, new),) = p.slots()
    because = Message("the squares of all gradients so far, added up; they begin at 0")
    rate = _rate_line(p, new)
    return [Equation(new, (old + g**2,), new.value, because), rate], p.before - rate.left * g


def _forgetting_squares(p: OneParameter, g: Expr) -> Step:
    ((old, new),) = p.slots()
    line = Equation(new, (_mean(p.setting("rho"), old, g**2),), new.value, _SQUARES)
    rate = _rate_line(p, new)
    return [line, rate], p.before - rate.left * g


def _with_both_means(p: OneParameter, g: Expr) -> Step:
    (m_old, m), (v_old, v) = p.slots()
    beta1, beta2 = p.setting("beta1"), p.setting("beta2")
    m_line = Equation(m, (_mean(beta1, m_old, g),), m.value, Message("a running mean of the gradients"))
    v_line = Equation(v, (_mean(beta2, v_old, g**2),), v.value, _SQUARES)
    m_hat, v_hat = _corrected(p, m, beta1), _corrected(p, v, beta2)
    rate = _rate_line(p, v_hat.left)
    return [m_line, v_line, m_hat, v_hat, rate], p.before - rate.left * m_hat.left


def _with_decay(p: OneParameter, g: Expr) -> Step:
    lines, stepped = _with_both_means(p, g)
    decay = p.strength(None)
    assert decay is not None
    if not p.is_weight:
        return [*lines, Prose(Message("Weight decay is for weights alone; it spares {name}.", name=p.name))], stepped
    note = Prose(Message("Weight decay takes its share of the weight itself, not through the effective rate."))
    return [*lines, note], stepped - p.setting("eta") * decay * p.before


def _by_its_result(p: OneParameter, g: Expr) -> Step:
    """The step of a user's own optimizer: a function of the gradient of which only the value is known."""
    name, change = p.update.rule.optimizer.name, p.own("change", p.change)
    because = Message(
        "{optimizer} is a formula of your own: its result is known, not how it comes about", optimizer=name
    )
    return [Equation(change, (Call(name, (g,), known=p.change),), p.change, because)], p.before + change


_STEPS: dict[Callable[..., tuple[Array, tuple[Array, ...]]], Callable[[OneParameter, Expr], Step]] = {
    gradient_descent: _descend,
    momentum: _with_momentum,
    nesterov: _looking_ahead,
    adagrad: _adding_squares,
    rmsprop: _forgetting_squares,
    adam: _with_both_means,
    adamw: _with_decay,
}


def mean_of(p: OneParameter) -> float:
    """Give what an adaptive optimizer multiplies its effective rate by: the gradient, or Adam's corrected mean."""
    optimizer = p.update.rule.optimizer
    if "m" not in optimizer.slots:
        return p.g.value
    return next(p.slots())[1].value / (1 - optimizer.parameters["beta1"] ** p.update.t)


def effective_rate(p: OneParameter) -> float:
    """Give what the rate of an adaptive optimizer comes to for one parameter."""
    optimizer = p.update.rule.optimizer
    seen = list(p.slots())[-1][1].value
    if "beta2" in optimizer.parameters:
        seen /= 1 - optimizer.parameters["beta2"] ** p.update.t
    return optimizer.rate / (math.sqrt(seen) + optimizer.parameters["epsilon"])


def _rate_line(p: OneParameter, squares: Expr) -> Equation:
    rate = Ref(Name("eta", index=("eff",), through=p.name), effective_rate(p))
    form = p.setting("eta") / (Call("sqrt", (squares,)) + p.setting("epsilon"))
    return Equation(
        rate, (form,), rate.value, Message("the effective rate: what the rate comes to for {name}", name=p.name)
    )


def _mean(keep: Ref, old: Expr, new: Expr) -> Expr:
    return keep * old + (1 - keep) * new


def _corrected(p: OneParameter, mean: Ref, beta: Ref) -> Equation:
    t = Ref(Name("t"), float(p.update.t))
    form = mean / (1 - beta**t)
    hat = p.own(mean.name.symbol, form.value, "hat")
    bare = replace(mean.name, mark="")
    if beta.value**p.update.t < _HARDLY:
        because = Message("{mean} has seen many updates: the division hardly changes it by now", mean=bare)
    else:
        because = Message("{mean} begins at 0 and is too small at first; the division makes up for it", mean=bare)
    return Equation(hat, (form,), hat.value, because)
