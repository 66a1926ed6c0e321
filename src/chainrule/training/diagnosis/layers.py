"""What the layers' signs say: dead and saturated neurons, errors that vanish on their way back."""

from __future__ import annotations

from chainrule.language import Message
from chainrule.training.diagnosis.fit import Fit
from chainrule.training.diagnosis.records import Finding
from chainrule.training.diagnosis.units import LayerSigns

__all__ = ["judge_layers"]

# In healthy trainings of the built-in sets up to a fifth of a layer's ReLUs were dead, and no tanh or sigmoid neuron
# was saturated; a start with weights 100 times too large saturated from two fifths to all of them.
_DEAD = {"severe": 0.5, "mild": 0.25}
_SATURATED = {"severe": 0.4, "mild": 0.2}
# Healthy networks of up to nine layers had 0.1 to 8 of the last layer's error in the first; eight layers of sigmoids
# from Glorot's start, which learn nothing, had 7e-6.
_VANISHED = 1e-3


def judge_layers(layers: tuple[LayerSigns, ...], fit: Fit) -> list[Finding]:
    """Find layers that cannot learn. Where the network has learnt nearly all there is, they are no severe matter."""
    found: list[Finding] = []
    for signs in layers:
        found += _dead(signs, fit)
        found += _saturated(signs, fit) if signs is not layers[-1] else []  # outputs are to be near 0 and 1
    return found + _vanished(layers, fit)


def _dead(signs: LayerSigns, fit: Fit) -> list[Finding]:
    share = signs.dead / signs.units
    if share < _DEAD["mild"]:
        return []
    what = Message(
        "Layer {layer}: {dead} of {units} {activation} neurons are dead: they rest on every row looked at, and no "
        "update reaches them.",
        layer=signs.layer,
        dead=signs.dead,
        units=signs.units,
        activation=signs.activation,
    )
    remedy = Message("Begin anew with a lower learning rate, biases that start at 0, or the activation leaky_relu.")
    severe = share == 1 or (share >= _DEAD["severe"] and not fit.good)
    return [Finding("dead_units", "severe" if severe else "mild", what, remedy, signs.layer)]


def _saturated(signs: LayerSigns, fit: Fit) -> list[Finding]:
    share = signs.saturated / signs.units
    if share < _SATURATED["mild"]:
        return []
    what = Message(
        "Layer {layer}: {saturated} of {units} {activation} neurons are saturated: on at least 95 % of the rows their "
        "slope is below 5 % of the steepest, so that they hardly learn.",
        layer=signs.layer,
        saturated=signs.saturated,
        units=signs.units,
        activation=signs.activation,
    )
    remedy = Message(
        "Begin with smaller weights (the usual initializer), scale the inputs, or lower the learning rate."
    )
    severe = share >= _SATURATED["severe"] and not fit.good
    return [Finding("saturated_units", "severe" if severe else "mild", what, remedy, signs.layer)]


def _vanished(layers: tuple[LayerSigns, ...], fit: Fit) -> list[Finding]:
    first = layers[0]
    if first.error >= _VANISHED or any(signs.dead == signs.units for signs in layers):
        return []  # that no error passes a layer of dead neurons is told there
    what = Message(
        "The error vanishes on its way back: in layer 1 it is {error:.2g} of what it is in layer {last} (mean size of "
        "dC/dZ).",
        error=first.error,
        last=layers[-1].layer,
    )
    remedy = Message("Take relu or another activation that does not flatten out, batch normalization, or fewer layers.")
    return [Finding("vanishing_gradient", "mild" if fit.good else "severe", what, remedy, 1)]
