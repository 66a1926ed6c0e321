"""The teacher: any number of any network, taken apart into the factors of the chain rule.

>>> from chainrule import Network
>>> from chainrule.explain import explain
>>> model = Network.from_sizes([2, 1], output="identity").init()
>>> model["W1"], model["b1"] = [[2.0, 3.0]], [1.0]
>>> print(explain(model, [[0.5, 0.25]], of="z1[0]"))  # doctest: +SKIP
"""

from chainrule.explain.derivation import Explanation, explain
from chainrule.explain.notation import NOTATIONS
from chainrule.explain.page import Page
from chainrule.explain.rendering import FORMATS, render
from chainrule.explain.trace import Stage, Trace, trace

__all__ = ["FORMATS", "NOTATIONS", "Explanation", "Page", "Stage", "Trace", "explain", "render", "trace"]
