"""The loop: `train`, and the callbacks that look at it and stop it."""

from chainrule.training.callbacks import Callback, EarlyStopping, Info, Snapshot, TimeLimit
from chainrule.training.counting import RightAnswers
from chainrule.training.diagnosis import Diagnosis, Finding, diagnose_training
from chainrule.training.logs import CSVLog, JSONLines
from chainrule.training.loop import INTERRUPTED, train
from chainrule.training.paths import ThetaPath, UntilFlat, cost_of_theta
from chainrule.training.progress import Progress
from chainrule.training.tensorboard import TensorBoard
from chainrule.training.updates import UpdateRatios
from chainrule.training.variants import MeanSpread, Trials, Variant, train_variants

__all__ = [
    "INTERRUPTED",
    "CSVLog",
    "Callback",
    "Diagnosis",
    "EarlyStopping",
    "Finding",
    "Info",
    "JSONLines",
    "MeanSpread",
    "Progress",
    "RightAnswers",
    "Snapshot",
    "TensorBoard",
    "ThetaPath",
    "TimeLimit",
    "Trials",
    "UntilFlat",
    "UpdateRatios",
    "Variant",
    "cost_of_theta",
    "diagnose_training",
    "train",
    "train_variants",
]
