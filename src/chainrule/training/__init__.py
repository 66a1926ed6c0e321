"""The loop: `train`, and the callbacks that look at it and stop it."""

from chainrule.training.callbacks import Callback, EarlyStopping, Info, Snapshot, TimeLimit
from chainrule.training.loop import INTERRUPTED, train
from chainrule.training.progress import Progress

__all__ = ["INTERRUPTED", "Callback", "EarlyStopping", "Info", "Progress", "Snapshot", "TimeLimit", "train"]
