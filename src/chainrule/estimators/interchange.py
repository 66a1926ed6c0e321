"""Models as fitted networks of scikit-learn: `to_sklearn`, the way back from `chainrule.from_sklearn`."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.preprocessing import LabelBinarizer

from chainrule.errors import UsageError
from chainrule.formulas import Array
from chainrule.language import Message
from chainrule.layers import BatchNorm
from chainrule.model import Model
from chainrule.storage.foreign import check_model

__all__ = ["to_sklearn"]

# Our name: scikit-learn's.
_HIDDEN = {"identity": "identity", "sigmoid": "logistic", "tanh": "tanh", "relu": "relu"}
_REGRESSION = {"identity": "squared_error", "exponential": "poisson"}


def to_sklearn(model: Model) -> Any:
    """Make a fitted MLPClassifier or MLPRegressor of scikit-learn that predicts what the model predicts.

    It is ready for ``predict``, for ``partial_fit`` and, with ``warm_start=True``, for ``fit``. Dropout, which acts in
    training only, is left behind, and so is what held a bias: scikit-learn trains a bias for every neuron.

    Args:
        model: with one activation in all hidden layers (identity, sigmoid, tanh or relu), no batch normalization, no
            encoder, and outputs as scikit-learn has them: softmax for three or more classes, one sigmoid for two,
            sigmoids for several labels, the identity for values, exponential for counts. Standardized targets are
            multiplied out in the last layer.

    Returns:
        The estimator, its parameters of its own memory and the model's number type.

    Raises:
        UsageError: for what is no model, or has what scikit-learn's networks do not have.

    >>> from chainrule import Network, train
    >>> model = train(Network.from_sizes([1, 4, 1], hidden="tanh"), [[0], [1], [2]], [0.0, 1.0, 4.0], epochs=5)
    >>> theirs = to_sklearn(model)
    >>> bool(np.allclose(theirs.predict([[0], [1], [2]]), model.predict([[0], [1], [2]])))
    True
    """
    check_model(model, "to_sklearn")
    _check(model)
    network, output = model.network, model.network.output_activation.name
    hidden = network.dense[0].activation.name if network.depth > 1 else "identity"
    common = {"hidden_layer_sizes": network.sizes[1:-1], "activation": _HIDDEN[hidden]}
    weights, biases = _weights(model)
    estimator: Any
    if model.task == "regression":
        loss = {} if output == "identity" else {"loss": _REGRESSION[output]}  # known to scikit-learn from 1.7 on
        estimator = MLPRegressor(**common, **loss)
        estimator.out_activation_ = "identity" if output == "identity" else "exp"
    else:
        estimator = MLPClassifier(**common)
        estimator.out_activation_ = "softmax" if output == "softmax" else "logistic"
        estimator._label_binarizer = LabelBinarizer().fit(_labels(model))
        estimator.classes_ = estimator._label_binarizer.classes_
    estimator.coefs_, estimator.intercepts_ = weights, biases
    estimator.n_features_in_, estimator.n_outputs_ = network.inputs, network.outputs
    estimator.n_layers_ = network.depth + 1
    _begin_counting(estimator, model)
    return estimator


def _begin_counting(estimator: Any, model: Model) -> None:
    """Set what scikit-learn goes on from; its loss counts otherwise than ours, so the curve begins anew."""
    estimator.n_iter_ = model.history.epochs if model.history else 0
    estimator.t_ = estimator.n_iter_ * int(model.settings.get("rows", 0))
    estimator.loss_curve_, estimator.best_loss_, estimator.loss_ = [], np.inf, np.inf
    estimator.validation_scores_ = estimator.best_validation_score_ = None
    estimator._no_improvement_count = 0


def _weights(model: Model) -> tuple[list[Array], list[Array]]:
    """Give the weights as scikit-learn keeps them; what a target's scale and centre do, the last layer does."""
    layers = range(1, model.network.depth + 1)
    weights = [np.ascontiguousarray(model.W[l].T).copy() for l in layers]
    biases = [
        np.zeros(model.network.sizes[l], model.dtype) if model.b[l] is None else model.b[l].copy() for l in layers
    ]
    target = model.target
    if target is not None and target.kind == "values" and model.task == "regression":
        weights[-1] *= np.array(target.scale, model.dtype)
        biases[-1] = biases[-1] * np.array(target.scale, model.dtype) + np.array(target.center, model.dtype)
    return weights, biases


def _labels(model: Model) -> Any:
    """Give what LabelBinarizer learns the classes from: the labels, or rows of yes and no."""
    if model.classes is not None:
        return list(model.classes)
    return np.eye(model.network.outputs, dtype=np.int64)


def _check(model: Model) -> None:
    """Refuse what scikit-learn's networks do not have."""
    network = model.network
    hidden = sorted({layer.activation.name for layer in network.dense[:-1]})
    for refused, why in (
        (any(isinstance(layer, BatchNorm) for layer in network.layers), Message("batch normalization")),
        (
            len(hidden) > 1 or not {*hidden} <= {*_HIDDEN},
            Message("the hidden activations {names}", names=", ".join(hidden)),
        ),
        (
            model.encoder is not None,
            Message("an encoder of raw rows; transform the rows in a pipeline, and set encoder=None"),
        ),
    ):
        if refused:
            raise _lacking(why)
    _check_outputs(model)


def _check_outputs(model: Model) -> None:
    """Refuse outputs of which it is not known what they mean, or that scikit-learn's networks do not have."""
    outputs, output, target = model.network.outputs, model.network.output_activation.name, model.target
    if target is None:
        raise UsageError(
            "the model is not trained and has no target, so it is not known what its outputs mean; train it, or set "
            "model.target, such as TargetEncoder.fit(Y, kind='classes')"
        )
    scaled = target.kind == "values" and (any(target.center or ()) or {*(target.scale or ())} != {1.0})
    fits = {
        "classification": (output == "softmax" and outputs > 2) or (output == "sigmoid" and outputs == 1),
        "multilabel": output == "sigmoid" and outputs > 1,
        "regression": output == "identity" or (output == "exponential" and not scaled),
    }
    if not fits[model.task]:
        raise _lacking(
            Message("{count} outputs with {output} for {task}", count=outputs, output=output, task=model.task)
        )


def _lacking(what: Message) -> UsageError:
    return UsageError("the model has {what}, which scikit-learn's networks have not", what=what)
