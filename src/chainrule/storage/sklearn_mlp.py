"""Fitted networks of scikit-learn as models: `from_sklearn` reads an MLPClassifier's or MLPRegressor's attributes.

    coefs_[l - 1]       W[l] transposed
    intercepts_[l - 1]  b[l]
    out_activation_     identity, logistic (sigmoid), softmax or exp (exponential)
    loss                log_loss: the cross-entropy that belongs to the outputs; squared_error: half the squared error,
                        whose slope a - y is what scikit-learn descends on; poisson

What is taken over is what predicts; alpha, the optimizer and the curves stay behind. Estimators of this package hold a
model already, and give a copy of it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.data.targets import TargetEncoder
from chainrule.errors import UnknownName, UsageError
from chainrule.formulas import LOSSES
from chainrule.language import Message
from chainrule.layers import Dense
from chainrule.model import Model
from chainrule.network import Network
from chainrule.storage.foreign import model_of, slots_of

__all__ = ["from_sklearn"]

# scikit-learn's name: ours.
_HIDDEN = {"identity": "identity", "logistic": "sigmoid", "tanh": "tanh", "relu": "relu"}
_OUTPUT = {"identity": "identity", "logistic": "sigmoid", "softmax": "softmax", "exp": "exponential"}
_LOSSES = {"identity": "half_squared_error", "exp": "poisson"}


def from_sklearn(estimator: Any) -> Model:
    """Make a model of a fitted MLPClassifier or MLPRegressor of scikit-learn, so that both predict the same.

    Args:
        estimator: the fitted network itself, taken out of a pipeline or search around it; or a fitted estimator of this
            package, which has the same attributes and more than they can say.

    Returns:
        A model of the estimator's number type, with its classes, which goes on training from these weights; of an
        estimator of this package a copy of its ``model_``.

    Raises:
        UsageError: for what is no fitted network of scikit-learn, or one that has seen a single class.
        UnknownName: for an activation that scikit-learn's networks do not have.

    >>> import numpy as np
    >>> from sklearn.neural_network import MLPClassifier
    >>> X, y = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]), ["no", "yes", "yes", "no"]
    >>> theirs = MLPClassifier((8,), solver="lbfgs", random_state=3).fit(X, y)
    >>> ours = from_sklearn(theirs)
    >>> ours.classes, bool(np.allclose(ours.predict_proba(X), theirs.predict_proba(X)))
    (('no', 'yes'), True)
    """
    if isinstance(held := getattr(estimator, "model_", None), Model):
        return held.copy()  # coefs_ say nothing of batch normalization, dropout or one activation for each layer
    coefs, intercepts = getattr(estimator, "coefs_", None), getattr(estimator, "intercepts_", None)
    if not coefs or not intercepts or not hasattr(estimator, "out_activation_"):
        raise UsageError(
            "from_sklearn takes a fitted MLPClassifier or MLPRegressor, not {given}; call fit before, and take the "
            "network out of what is around it: pipeline[-1], search.best_estimator_",
            given=type(estimator).__name__,
        )
    hidden = _ours(_HIDDEN, estimator.activation)
    output = _ours(_OUTPUT, estimator.out_activation_)
    layers = [Dense(np.shape(W)[1], hidden) for W in coefs[:-1]]
    network = Network([*layers, Dense(np.shape(coefs[-1])[1], output)], inputs=np.shape(coefs[0])[0])

    def called(i: int, layer: str, array: str) -> str:
        return f"{array}[{i}]"

    slots = slots_of(network, {"W": "coefs_", "b": "intercepts_"}, {}, called, turned=True)
    arrays = [array for pair in zip(coefs, intercepts, strict=True) for array in pair]
    model = model_of(network, zip(slots, arrays, strict=True))
    model.target = _target_of(estimator)
    if estimator.out_activation_ in _LOSSES:
        model.loss = LOSSES[_LOSSES[estimator.out_activation_]]
    return model


def _ours(table: dict[str, str], name: Any) -> str:
    if name not in table:
        raise UnknownName.among(Message("activation of scikit-learn"), name, table)
    return table[name]


def _target_of(estimator: Any) -> TargetEncoder:
    """Say what the outputs mean: classes, one yes or no each, or values."""
    outputs = estimator.n_outputs_
    classes = np.asarray(getattr(estimator, "classes_", ())).tolist()
    if len(classes) == 1:
        raise UsageError(
            "the classifier has seen a single class, {label!r}; there is nothing to tell apart", label=classes[0]
        )
    one_of_them = classes and (estimator.out_activation_ == "softmax" or outputs == 1)
    if one_of_them:
        return TargetEncoder("classes", classes=tuple(classes))
    return TargetEncoder("values", center=(0.0,) * outputs, scale=(1.0,) * outputs, flat=outputs == 1)
