"""What is told of the numbers that no layer makes: settings, the numbers of an update, the cost after it."""

from __future__ import annotations

from chainrule.engines import reference as engine
from chainrule.explain.expressions import Ref
from chainrule.explain.names import COST, Name
from chainrule.explain.page import Block, Equation, Grid, Prose
from chainrule.explain.settings import settings_of
from chainrule.explain.trace import Trace
from chainrule.explain.updates.numbers import update_way
from chainrule.language import Message

__all__ = ["cost_after", "told_by_update"]


def told_by_update(step: Trace, name: Name) -> tuple[tuple[Block, ...], float] | None:
    """Tell where a setting, a number of an update or the cost after it comes from, and its value.

    Args:
        step: the step.
        name: the number, as `find_name` gave it.

    Returns:
        None for any other number.
    """
    if name == COST.after():
        return _cost_after(step)
    if name.through is not None or name.symbol == "norm":
        return update_way(step, name, name.through or Name("W", 1, (0, 0)))
    if name.layer is not None or name.of is not None or name.symbol in ("x", "y", "L", "C"):
        return None
    alike = [(whose, value) for setting, whose, value in settings_of(step) if setting == name]
    if not alike:
        return None
    said = Message("A setting: it was chosen, and no step changes it.")
    if name.symbol == "t":
        said = Message("The number of the update: 1 for the first.")
    heads = (Message("whose"), Message("its number"))
    return (Prose(said), Equation(Ref(name, alike[0][1]), (), alike[0][1]), Grid(heads, tuple(alike))), alike[0][1]


def cost_after(step: Trace) -> float:
    """Give the cost of the same rows with the parameters after the update.

    Raises:
        UsageError: for a trace without targets.
    """
    step.need_errors()
    assert step.Y is not None
    theta, state = step.update.after.theta, step.model.state.copy()
    return float(engine.loss(step.objective, theta, state, step.X, step.Y, step.weights, step.draw))


def _cost_after(step: Trace) -> tuple[tuple[Block, ...], float]:
    assert step.cost is not None
    after = cost_after(step)
    said = Message("The same rows once more, forward through the network with the parameters after the update.")
    heads = (Message("what"), Message("its number"))
    rows = ((COST, step.cost), (COST.after(), after), (Message("change in all"), after - step.cost))
    return (Prose(said), Equation(Ref(COST.after(), after), (), after), Grid(heads, rows)), after
