"""chainrule: neural networks built from the chain rule up.

>>> import chainrule as cr
>>> digits = cr.data.load("digits")
>>> network = cr.Network.from_sizes([64, 30, 10], hidden="relu", output="softmax")
>>> model = cr.train(network, digits.X / 16, digits.y, epochs=5, validation=0.2)
>>> model.history["validation_accuracy"][-1] > 0.8
True
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from chainrule._version import __version__

if TYPE_CHECKING:
    from chainrule import data, descent, errors, formulas, lessons, plots
    from chainrule.data.encoder import TableEncoder
    from chainrule.data.targets import TargetEncoder
    from chainrule.engines import Draw, limit_threads
    from chainrule.errors import ChainruleError, DivergenceError
    from chainrule.formulas import (
        L1,
        L2,
        SGD,
        AdaGrad,
        Adam,
        AdamW,
        MaxNorm,
        Momentum,
        Nesterov,
        RMSProp,
        register,
    )
    from chainrule.model import Model
    from chainrule.network import BatchNorm, Dense, Dropout, Network
    from chainrule.storage import export, load, save
    from chainrule.training import Callback, EarlyStopping, Info, Progress, Snapshot, TimeLimit, train

# Where each public name lives; modules are loaded when a name is first used, so that importing the package stays quick.
_HOMES = {
    "AdaGrad": "formulas",
    "Adam": "formulas",
    "AdamW": "formulas",
    "BatchNorm": "network",
    "Callback": "training",
    "ChainruleError": "errors",
    "Dense": "network",
    "DivergenceError": "errors",
    "Draw": "engines",
    "Dropout": "network",
    "EarlyStopping": "training",
    "Info": "training",
    "L1": "formulas",
    "L2": "formulas",
    "MaxNorm": "formulas",
    "Model": "model",
    "Momentum": "formulas",
    "Nesterov": "formulas",
    "Network": "network",
    "Progress": "training",
    "RMSProp": "formulas",
    "SGD": "formulas",
    "Snapshot": "training",
    "TableEncoder": "data.encoder",
    "TargetEncoder": "data.targets",
    "TimeLimit": "training",
    "export": "storage",
    "limit_threads": "engines",
    "load": "storage",
    "register": "formulas",
    "save": "storage",
    "train": "training",
}
_MODULES = ("data", "descent", "errors", "formulas", "lessons", "plots")

__all__ = [
    "L1",
    "L2",
    "SGD",
    "AdaGrad",
    "Adam",
    "AdamW",
    "BatchNorm",
    "Callback",
    "ChainruleError",
    "Dense",
    "DivergenceError",
    "Draw",
    "Dropout",
    "EarlyStopping",
    "Info",
    "MaxNorm",
    "Model",
    "Momentum",
    "Nesterov",
    "Network",
    "Progress",
    "RMSProp",
    "Snapshot",
    "TableEncoder",
    "TargetEncoder",
    "TimeLimit",
    "__version__",
    "data",
    "descent",
    "errors",
    "export",
    "formulas",
    "lessons",
    "limit_threads",
    "load",
    "plots",
    "register",
    "save",
    "train",
]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f"chainrule.{name}")
    if name in _HOMES:
        return getattr(import_module(f"chainrule.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'chainrule' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
