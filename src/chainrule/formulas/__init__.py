"""What is true: activations, losses, initializers, optimizers, schedules, penalties and metrics, as pure functions.

A formula is two functions, value and slope side by side, and one record that ties them together. The catalogue is the
one list that look-ups, help texts and tests read.
"""

from chainrule.formulas.catalogue import (
    ACTIVATIONS,
    CATALOGUES,
    INITIALIZERS,
    LOSSES,
    METRICS,
    OPTIMIZERS,
    PENALTIES,
    SCHEDULES,
    Catalogue,
    register,
)
from chainrule.formulas.intervals import Interval
from chainrule.formulas.optimizers import SGD, AdaGrad, Adam, AdamW, Momentum, Nesterov, RMSProp
from chainrule.formulas.penalties import L1, L2, MaxNorm
from chainrule.formulas.records import (
    Activation,
    Array,
    Formula,
    Initializer,
    Loss,
    Metric,
    Optimizer,
    Pair,
    Penalty,
    Schedule,
)

__all__ = [
    "ACTIVATIONS",
    "CATALOGUES",
    "INITIALIZERS",
    "L1",
    "L2",
    "LOSSES",
    "METRICS",
    "OPTIMIZERS",
    "PENALTIES",
    "SCHEDULES",
    "SGD",
    "Activation",
    "AdaGrad",
    "Adam",
    "AdamW",
    "Array",
    "Catalogue",
    "Formula",
    "Initializer",
    "Interval",
    "Loss",
    "MaxNorm",
    "Metric",
    "Momentum",
    "Nesterov",
    "Optimizer",
    "Pair",
    "Penalty",
    "RMSProp",
    "Schedule",
    "register",
]
