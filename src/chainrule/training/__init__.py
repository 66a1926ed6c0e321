"""The loop: `train`, and the callbacks that look at it and stop it."""

from chainrule.training.callbacks import Callback, EarlyStopping, Info, Snapshot, TimeLimit
from chainrule.training.checkpoints import Checkpoint
from chainrule.training.counting import RightAnswers
from chainrule.training.lbfgs import LBFGS
from chainrule.training.loop import INTERRUPTED, train
from chainrule.training.memory import Memory
from chainrule.training.paths import ThetaPath, UntilFlat, cost_of_theta
from chainrule.training.plateau import ReduceOnPlateau
from chainrule.training.progress import Progress
from chainrule.training.rate_search import RateSearch, find_rate
from chainrule.training.variants import MeanSpread, Trials, Variant, train_variants

__all__ = [
    "INTERRUPTED",
    "LBFGS",
    "Callback",
    "Checkpoint",
    "EarlyStopping",
    "Info",
    "MeanSpread",
    "Memory",
    "Progress",
    "RateSearch",
    "ReduceOnPlateau",
    "RightAnswers",
    "Snapshot",
    "ThetaPath",
    "TimeLimit",
    "Trials",
    "UntilFlat",
    "Variant",
    "cost_of_theta",
    "find_rate",
    "train",
    "train_variants",
]
