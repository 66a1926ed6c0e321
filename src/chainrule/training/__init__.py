"""The loop: `train`, and the callbacks that look at it and stop it."""

from chainrule.training.callbacks import Callback, EarlyStopping, Info, Snapshot, TimeLimit
from chainrule.training.checkpoints import Checkpoint
from chainrule.training.counting import RightAnswers
from chainrule.training.loop import INTERRUPTED, train
from chainrule.training.paths import ThetaPath, UntilFlat, cost_of_theta
from chainrule.training.progress import Progress
from chainrule.training.variants import MeanSpread, Trials, Variant, train_variants

__all__ = [
    "INTERRUPTED",
    "Callback",
    "Checkpoint",
    "EarlyStopping",
    "Info",
    "MeanSpread",
    "Progress",
    "RightAnswers",
    "Snapshot",
    "ThetaPath",
    "TimeLimit",
    "Trials",
    "UntilFlat",
    "Variant",
    "cost_of_theta",
    "train",
    "train_variants",
]
