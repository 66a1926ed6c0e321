"""The loop: `train`, and the callbacks that look at it and stop it."""

from chainrule.training.callbacks import Callback, EarlyStopping, Info, Snapshot, TimeLimit
from chainrule.training.checkpoints import Checkpoint
from chainrule.training.counting import RightAnswers
from chainrule.training.diagnosis import Diagnosis, Finding, diagnose_training
from chainrule.training.lbfgs import LBFGS
from chainrule.training.logs import CSVLog, JSONLines
from chainrule.training.loop import INTERRUPTED, train
from chainrule.training.memory import Memory
from chainrule.training.paths import ThetaPath, UntilFlat, cost_of_theta
from chainrule.training.plateau import ReduceOnPlateau
from chainrule.training.progress import Progress
from chainrule.training.rate_search import RateSearch, find_rate
from chainrule.training.tensorboard import TensorBoard
from chainrule.training.updates import UpdateRatios
from chainrule.training.variants import MeanSpread, Trials, Variant, train_variants

__all__ = [
    "INTERRUPTED",
    "LBFGS",
    "CSVLog",
    "Callback",
    "Checkpoint",
    "Diagnosis",
    "EarlyStopping",
    "Finding",
    "Info",
    "JSONLines",
    "MeanSpread",
    "Memory",
    "Progress",
    "RateSearch",
    "ReduceOnPlateau",
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
    "find_rate",
    "train",
    "train_variants",
]
