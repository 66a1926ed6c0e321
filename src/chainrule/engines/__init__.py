"""How it is computed: engines with the same verbs, of which the reference engine is the definition."""

from __future__ import annotations

from typing import cast

from chainrule.engines import reference
from chainrule.engines.protocol import Carry, Draw, Engine, EpochResult, Gradient, Job, Objective
from chainrule.errors import UnknownName

__all__ = ["ENGINES", "Carry", "Draw", "Engine", "EpochResult", "Gradient", "Job", "Objective", "choose"]

ENGINES: dict[str, Engine] = {"reference": cast(Engine, reference)}


def choose(name: str = "auto") -> Engine:
    """Give the engine of this name; "auto" takes the one that suits the work.

    Raises:
        UnknownName: for an engine that is not there.

    >>> choose("auto").name
    'reference'
    """
    if name == "auto":
        return ENGINES["reference"]
    if not isinstance(name, str) or name not in ENGINES:
        raise UnknownName.among("engine", name, ["auto", *ENGINES])
    return ENGINES[name]
