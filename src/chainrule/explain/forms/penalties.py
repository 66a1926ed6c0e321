"""How a teacher writes the price of a weight, and its slope."""

from __future__ import annotations

import numpy as np

from chainrule.explain.expressions import Call, Expr, Number, Ref
from chainrule.explain.forms.common import HALF, Form, is_taught, own, parameter
from chainrule.formulas import PENALTIES, Penalty
from chainrule.language import Message

__all__ = ["penalty_form", "penalty_slope_form"]


def penalty_form(penalty: Penalty, w: Ref) -> Form:
    """Write the price of one weight.

    Args:
        penalty: the price.
        w: the weight.

    >>> from chainrule.explain.names import Name
    >>> from chainrule.formulas import L2
    >>> penalty_form(L2(0.5), Ref(Name("W", 1, (0, 0)), 2.0)).value
    1.0
    """
    match penalty.name if is_taught(penalty, PENALTIES) else "":
        case "l1":
            return Form(_strength(penalty) * Call("abs", (w,)))
        case "l2":
            return Form(HALF * _strength(penalty) * w**2)
        case "max_norm":
            return _free()
        case _:
            W = np.array([[w.value]])
            return own(penalty.name, (w,), lambda: penalty.bound(penalty.value)(W)[0, 0])


def penalty_slope_form(penalty: Penalty, w: Ref) -> Form:
    """Write the derivative of one weight's price: what the penalty adds to the gradient.

    Args:
        penalty: the price.
        w: the weight.

    >>> from chainrule.explain.names import Name
    >>> from chainrule.formulas import L2
    >>> penalty_slope_form(L2(0.5), Ref(Name("W", 1, (0, 0)), 2.0)).value
    1.0
    """
    slope = penalty.slope
    if slope is None:
        return _free()
    match penalty.name if is_taught(penalty, PENALTIES) else "":
        case "l1":
            at_kink = Message("{w} is 0, where no derivative exists; by convention the slope there is 0", w=w.name)
            return Form(_strength(penalty) * Call("sign", (w,)), "" if w.value else at_kink)
        case "l2":
            return Form(_strength(penalty) * w)
        case _:
            W = np.array([[w.value]])
            return own(penalty.name + "'", (w,), lambda: penalty.bound(slope)(W)[0, 0])


def _strength(penalty: Penalty) -> Expr:
    return parameter(penalty, "strength", "lambda")


def _free() -> Form:
    return Form(Number(0), Message("a limit costs nothing; weights are held to it after the update"))
