"""The teacher: any number of any network, taken apart into the factors of the chain rule.

The package bears the name of its first function and can be called like it: ``chainrule.explain(model, …)`` is
``chainrule.explain.explain(model, …)``, whatever was imported before, and in whatever order.

>>> import chainrule as cr
>>> model = cr.Network.from_sizes([2, 1], output="identity").init()
>>> model["W1"], model["b1"] = [[2.0, 3.0]], [1.0]
>>> cr.explain(model, [[0.5, 0.25]], of="z1[0]").value
2.75
"""

from __future__ import annotations

import sys
from importlib import import_module
from inspect import Signature, signature
from types import ModuleType

from chainrule.explain.derivation import Explanation, explain
from chainrule.explain.page import Page
from chainrule.explain.trace import Stage, Trace, trace
from chainrule.explain.writing.notation import NOTATIONS
from chainrule.explain.writing.rendering import FORMATS, render

__all__ = ["FORMATS", "NOTATIONS", "Explanation", "Page", "Stage", "Trace", "explain", "render", "trace"]


class _Callable(ModuleType):
    """A package that is called like its function.

    Importing ``chainrule.explain`` puts the package in the place of whatever ``chainrule`` calls ``explain``: that
    cannot be a function beside it, only the package itself.
    """

    __call__ = staticmethod(explain)

    @property
    def __signature__(self) -> Signature:
        return signature(explain)

    def __reduce__(self) -> tuple[object, ...]:
        """Be pickled by name, as functions are, so that joblib can send it to other processes."""
        return import_module, (__name__,)


sys.modules[__name__].__class__ = _Callable
