"""Pictures: learning curves, confusion matrix, decision regions, the network itself, its weights, its predictions.

Each function returns a matplotlib ``Figure`` made without pyplot, so nothing needs a screen and nothing stays open;
:func:`save_figure` writes it. matplotlib itself is imported when the first picture is drawn.
"""

from __future__ import annotations

from chainrule.plots.confusion import confusion_matrix
from chainrule.plots.curves import learning_curves
from chainrule.plots.diagram import network_diagram
from chainrule.plots.images import digits, first_layer_weights
from chainrule.plots.regions import decision_regions
from chainrule.plots.regression import predictions_beside_truth
from chainrule.plots.saving import save_figure

__all__ = [
    "confusion_matrix",
    "decision_regions",
    "digits",
    "first_layer_weights",
    "learning_curves",
    "network_diagram",
    "predictions_beside_truth",
    "save_figure",
]
