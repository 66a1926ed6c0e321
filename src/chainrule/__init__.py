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
    from chainrule.estimators import Autoencoder, MLPClassifier, MLPRegressor, to_sklearn
    from chainrule.explain import Explanation, explain, trace
    from chainrule.explain.gradcheck import gradcheck
    from chainrule.explain.networks.backprop import backprop
    from chainrule.explain.networks.formula import formula
    from chainrule.explain.networks.source import source
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
    from chainrule.storage import (
        check_parity,
        export,
        from_keras_weights,
        from_sklearn,
        from_torch_state_dict,
        load,
        save,
        to_keras_weights,
        to_torch_state_dict,
        torch_names,
    )
    from chainrule.training import (
        LBFGS,
        Callback,
        Checkpoint,
        CSVLog,
        EarlyStopping,
        Info,
        JSONLines,
        Progress,
        RateSearch,
        ReduceOnPlateau,
        Snapshot,
        TensorBoard,
        TimeLimit,
        UpdateRatios,
        diagnose_training,
        find_rate,
        train,
    )

# Where each public name lives; modules are loaded when a name is first used, so that importing the package stays quick.
_HOMES = {
    "AdaGrad": "formulas",
    "Adam": "formulas",
    "AdamW": "formulas",
    "Autoencoder": "estimators",
    "BatchNorm": "network",
    "CSVLog": "training",
    "Callback": "training",
    "ChainruleError": "errors",
    "Checkpoint": "training",
    "Dense": "network",
    "DivergenceError": "errors",
    "Draw": "engines",
    "Dropout": "network",
    "EarlyStopping": "training",
    "Explanation": "explain",
    "Info": "training",
    "JSONLines": "training",
    "L1": "formulas",
    "L2": "formulas",
    "LBFGS": "training",
    "MLPClassifier": "estimators",
    "MLPRegressor": "estimators",
    "MaxNorm": "formulas",
    "Model": "model",
    "Momentum": "formulas",
    "Nesterov": "formulas",
    "Network": "network",
    "Progress": "training",
    "RMSProp": "formulas",
    "RateSearch": "training",
    "ReduceOnPlateau": "training",
    "SGD": "formulas",
    "Snapshot": "training",
    "TableEncoder": "data.encoder",
    "TargetEncoder": "data.targets",
    "TensorBoard": "training",
    "TimeLimit": "training",
    "find_rate": "training",
    "gradcheck": "explain.gradcheck",
    "check_parity": "storage",
    "from_keras_weights": "storage",
    "from_sklearn": "storage",
    "from_torch_state_dict": "storage",
    "UpdateRatios": "training",
    "diagnose_training": "training",
    "export": "storage",
    "limit_threads": "engines",
    "load": "storage",
    "register": "formulas",
    "backprop": "explain.networks.backprop",
    "formula": "explain.networks.formula",
    "source": "explain.networks.source",
    "save": "storage",
    "to_keras_weights": "storage",
    "to_sklearn": "estimators",
    "to_torch_state_dict": "storage",
    "torch_names": "storage",
    "trace": "explain",
    "train": "training",
}
_MODULES = ("data", "descent", "errors", "explain", "formulas", "lessons", "plots")

__all__ = [
    "L1",
    "L2",
    "LBFGS",
    "SGD",
    "AdaGrad",
    "Adam",
    "AdamW",
    "Autoencoder",
    "BatchNorm",
    "CSVLog",
    "Callback",
    "ChainruleError",
    "Checkpoint",
    "Dense",
    "DivergenceError",
    "Draw",
    "Dropout",
    "EarlyStopping",
    "Explanation",
    "Info",
    "JSONLines",
    "MLPClassifier",
    "MLPRegressor",
    "MaxNorm",
    "Model",
    "Momentum",
    "Nesterov",
    "Network",
    "Progress",
    "RMSProp",
    "RateSearch",
    "ReduceOnPlateau",
    "Snapshot",
    "TableEncoder",
    "TargetEncoder",
    "TensorBoard",
    "TimeLimit",
    "UpdateRatios",
    "__version__",
    "backprop",
    "check_parity",
    "data",
    "descent",
    "diagnose_training",
    "errors",
    "explain",
    "export",
    "find_rate",
    "formula",
    "formulas",
    "from_keras_weights",
    "from_sklearn",
    "from_torch_state_dict",
    "gradcheck",
    "lessons",
    "limit_threads",
    "load",
    "plots",
    "register",
    "save",
    "source",
    "to_keras_weights",
    "to_sklearn",
    "to_torch_state_dict",
    "torch_names",
    "trace",
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
