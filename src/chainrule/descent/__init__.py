"""Gradient descent on functions of one and two variables, with the optimizers that train networks.

>>> from chainrule.descent import descend
>>> descent = descend("theta**2", 1.0, rate=0.4, steps=4)
>>> descent.path[:, 0].round(6).tolist()
[1.0, 0.2, 0.04, 0.008, 0.0016]
>>> descent.function.gradient_text
('2*theta',)
"""

from __future__ import annotations

from chainrule.descent.descending import Descent, descend
from chainrule.descent.expressions import read_expression
from chainrule.descent.functions import Function
from chainrule.descent.symbols import readable

__all__ = ["Descent", "Function", "descend", "read_expression", "readable"]
