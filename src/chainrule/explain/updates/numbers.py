"""The numbers on the way of one update, such as Adam's m and v of a weight: which there are, where each is from."""

from __future__ import annotations

from chainrule.explain.expressions import Ref, leaves
from chainrule.explain.names import Name
from chainrule.explain.page import Equation, Prose
from chainrule.explain.trace import Trace
from chainrule.explain.updates.equations import update_equations
from chainrule.explain.updates.one_parameter import find_parameter
from chainrule.explain.updates.optimizers import Line
from chainrule.language import Message

__all__ = ["find_update_number", "update_way"]


def find_update_number(step: Trace, parameter: Name, symbol: str, mark: str = "") -> Name | None:
    """Find a number of one parameter's update by its symbol; None where this update has none of that name.

    Args:
        step: a trace with targets.
        parameter: the parameter that it belongs to.
        symbol: "g", "m", "v", "s", "eta", "mhat", "vhat", "change", or "norm", the length of the gradient.
        mark: "before", "after", or "" for the number itself, or after the update.

    >>> from chainrule import Network
    >>> from chainrule.explain.trace import trace
    >>> step = trace(Network.from_sizes([1, 1]).init(), [[2.0]], [3.0], optimizer="adam")
    >>> find_update_number(step, Name("W", 1, (0, 0)), "vhat").mark
    'hat'
    """
    symbol, mark = (symbol[:-3], "hat") if symbol.endswith("hat") else (symbol, mark)
    names = [
        each.name for each in _refs((*update_equations(step, parameter, notes=False), *_unwritten(step, parameter)))
    ]
    alike = [each for each in names if each.symbol == symbol and each.through in (None, parameter)]
    marks = (mark,) if mark else ("", "after")
    return next((each for wanted in marks for each in alike if each.mark == wanted), None)


def update_way(step: Trace, name: Name, parameter: Name) -> tuple[tuple[Line, ...], float]:
    """Give the lines of an update up to the one that makes a number, and its value.

    Args:
        step: a trace with targets.
        name: the number, as `find_update_number` gave it.
        parameter: the parameter whose update is told.
    """
    told = update_equations(step, parameter)
    for k, line in enumerate(told):
        if isinstance(line, Equation) and _name_of(line) == name:
            return told[: k + 1], line.left.value
    for line in _unwritten(step, parameter):
        if _name_of(line) == name:
            return (*(told if name.symbol == "change" else ()), line), line.left.value
    given = next(each for each in _refs(told) if each.name == name)
    said = Message("The optimizer's memory: what the updates before this one have left, and 0 before the first.")
    return (Prose(said), Equation(given, (), given.value)), given.value


def _name_of(line: Equation) -> Name | None:
    return line.left.name if isinstance(line.left, Ref) else None


def _unwritten(step: Trace, parameter: Name) -> tuple[Equation, Equation]:
    """Give g and the change, which plain descent has no lines of their own for."""
    p = find_parameter(step.update, parameter)
    moved = p.own("change", p.after.value - p.before.value)
    return Equation(p.g, (p.slope,), p.g.value), Equation(moved, (p.after - p.before,), moved.value)


def _refs(lines: tuple[Line, ...]) -> list[Ref]:
    """Give every number with a name in some lines, in their order."""
    found = []
    for line in lines:
        if isinstance(line, Equation):
            parts = [part for expr in (line.left, *line.forms) for part in leaves(expr)]
            found += [part for part in parts if isinstance(part, Ref)]
    return found
