"""How each library does a workload: one module each, written as the library's users would write it at its best.

The modules are loaded only in the process that runs them, by `chainrule.bench.worker`.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy.typing as npt

from chainrule.bench.contenders import Way
from chainrule.bench.examples import Examples
from chainrule.bench.workloads import Workload
from chainrule.errors import UnknownName
from chainrule.language import Message
from chainrule.model import Model

__all__ = ["Runner", "load"]


class Runner(Protocol):
    """A library at work.

    ``versions`` says which version of what it runs on, ``note`` what in it differs from the workload (empty: nothing).
    """

    versions: dict[str, str]
    note: Message

    def begin(self, start: Model, seed: int) -> None:
        """Take the first parameters and the seed of a run; not timed."""
        ...

    def go(self) -> None:
        """Do the workload, as often as it says; timed."""
        ...

    def outputs(self, X: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Give what the trained network says of rows, shape (n, N_K); not timed."""
        ...


def load(name: str, workload: Workload, way: Way, examples: Examples) -> Runner:
    """Make the runner of a module.

    Args:
        name: of the module.
        workload: what it will do.
        way: how.
        examples: with which data.

    Raises:
        UnknownName: where there is no such module.

    >>> from chainrule.bench.contenders import Way
    >>> from chainrule.bench.examples import make
    >>> from chainrule.bench.workloads import WORKLOADS
    >>> workload = WORKLOADS["2-2-2"]
    >>> load("chainrule_engine", workload, Way("reference", 1, "epochs"), make(workload)[0]).note
    ''
    """
    made: Runner
    if name == "chainrule_engine":
        from chainrule.bench.runners import chainrule_engine

        made = chainrule_engine.make(workload, way, examples)
    elif name == "jax_scan":
        from chainrule.bench.runners import jax_scan

        made = jax_scan.make(workload, way, examples)
    elif name == "pytorch":
        from chainrule.bench.runners import pytorch

        made = pytorch.make(workload, way, examples)
    elif name == "scikit_learn":
        from chainrule.bench.runners import scikit_learn

        made = scikit_learn.make(workload, way, examples)
    elif name == "onnx_runtime":
        from chainrule.bench.runners import onnx_runtime

        made = onnx_runtime.make(workload, way, examples)
    else:
        known = ("chainrule_engine", "jax_scan", "pytorch", "scikit_learn", "onnx_runtime")
        raise UnknownName.among("runner", name, known)
    return made
