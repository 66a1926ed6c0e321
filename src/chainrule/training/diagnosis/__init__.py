"""A look at a trained model: what was measured that is out of the ordinary, in plain words, and what to try."""

from chainrule.training.diagnosis.examining import diagnose_training
from chainrule.training.diagnosis.records import Diagnosis, Finding
from chainrule.training.diagnosis.units import LayerSigns

__all__ = ["Diagnosis", "Finding", "LayerSigns", "diagnose_training"]
