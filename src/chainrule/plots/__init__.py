"""Pictures: learning curves, confusion matrix, decision regions, networks, weights, and what lessons draw.

Each function returns a matplotlib ``Figure`` made without pyplot, so nothing needs a screen and nothing stays open;
:func:`save_figure` writes it. matplotlib itself is imported when the first picture is drawn.
"""

from __future__ import annotations

from chainrule.plots.activations import activation_curves, value_and_slope
from chainrule.plots.confusion import confusion_matrix
from chainrule.plots.contours import paths_on_contours
from chainrule.plots.curves import learning_curves
from chainrule.plots.descent import descent_on_curve, descent_on_surface, film_descent
from chainrule.plots.diagram import network_diagram
from chainrule.plots.filming import save_animation
from chainrule.plots.image_rows import image_rows
from chainrule.plots.images import digits, first_layer_weights
from chainrule.plots.layer_spread import Spread, layer_spread
from chainrule.plots.lines import Curve, Panel, line_panels, mean_curves
from chainrule.plots.losses import loss_panels
from chainrule.plots.rate_search import rate_search
from chainrule.plots.regions import decision_regions
from chainrule.plots.regression import predictions_beside_truth
from chainrule.plots.saving import save_figure
from chainrule.plots.step import step_diagram
from chainrule.plots.tangent import tangent_panel
from chainrule.plots.watching import Watched, film_learning, watch_learning

__all__ = [
    "Curve",
    "Panel",
    "Spread",
    "Watched",
    "activation_curves",
    "confusion_matrix",
    "decision_regions",
    "descent_on_curve",
    "descent_on_surface",
    "digits",
    "film_descent",
    "film_learning",
    "first_layer_weights",
    "image_rows",
    "layer_spread",
    "learning_curves",
    "line_panels",
    "loss_panels",
    "mean_curves",
    "network_diagram",
    "paths_on_contours",
    "predictions_beside_truth",
    "rate_search",
    "save_animation",
    "save_figure",
    "step_diagram",
    "tangent_panel",
    "value_and_slope",
    "watch_learning",
]
