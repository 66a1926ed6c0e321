"""scikit-learn's multilayer perceptrons: `fit` with as many epochs as the workload has, nothing stopping it early."""

from __future__ import annotations

import warnings
from importlib import import_module
from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule.bench.contenders import Way
from chainrule.bench.examples import Examples
from chainrule.bench.workloads import Workload
from chainrule.language import Message, template
from chainrule.model import Model

__all__ = ["Classifier", "make"]

Array = npt.NDArray[Any]

_ACTIVATIONS = {"sigmoid": "logistic", "relu": "relu", "tanh": "tanh"}
_SOLVERS = {"sgd": "sgd", "adam": "adam", "adamw": "adam", "": "adam"}

# The nearest that there is. Cross-entropy lacks the factor a (1 - a), at most 1/4, so that it needs a smaller rate.
_SQUARED_ERROR = template("cross-entropy with rate {rate:g}: its classifier has no squared error")
_ADAMW = Message("Adam: it has no AdamW")


def make(workload: Workload, way: Way, examples: Examples) -> Classifier:
    """Make the runner."""
    return Classifier(workload, examples)


class Classifier:
    """An `MLPClassifier`; where rows are predicted, one that got the very parameters of the others."""

    def __init__(self, workload: Workload, examples: Examples) -> None:
        self.versions = {"scikit-learn": import_module("sklearn").__version__, "numpy": np.__version__}
        self._workload, self._X, self._labels = workload, examples.X, examples.labels
        self._rate, self.note = workload.rate, Message("")
        if workload.trains and "squared" in workload.loss:
            self._rate = workload.rate / 6
            self.note = Message(_SQUARED_ERROR, rate=self._rate)
        elif workload.optimizer == "adamw":
            self.note = _ADAMW

    def begin(self, start: Model, seed: int) -> None:
        """Make a new estimator; it draws its first weights itself."""
        network = import_module("sklearn.neural_network")
        workload = self._workload
        epochs = max(1, workload.epochs)
        self._estimator: Any = network.MLPClassifier(
            hidden_layer_sizes=workload.sizes[1:-1],
            activation=_ACTIVATIONS[workload.hidden],
            solver=_SOLVERS[workload.optimizer],
            alpha=0.0,
            batch_size=min(workload.batch_size or workload.rows, len(self._X)),
            learning_rate_init=self._rate or 0.001,
            momentum=0.0,
            nesterovs_momentum=False,
            shuffle=workload.batch_size < workload.rows,
            max_iter=epochs,
            n_iter_no_change=epochs + 1,
            tol=0.0,
            early_stopping=False,
            random_state=seed,
        )
        if not workload.trains:
            self._take(start)

    def _take(self, start: Model) -> None:
        """Let the estimator see one row of each class, so that it knows its shape, and give it parameters."""
        classes = np.arange(self._workload.sizes[-1])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._estimator.set_params(batch_size=len(classes))
            self._estimator.fit(np.resize(self._X, (len(classes), self._X.shape[1])), classes)
        layers = range(1, len(self._workload.sizes))
        self._estimator.coefs_ = [np.ascontiguousarray(start.W[l].T) for l in layers]
        self._estimator.intercepts_ = [np.array(start.b[l]) for l in layers]

    def go(self) -> None:
        """Fit, or predict."""
        if not self._workload.trains:
            for _ in range(self._workload.calls):
                self._estimator.predict_proba(self._X)
            return
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that it did not converge in one epoch, it says each time
            self._estimator.fit(self._X, self._labels)

    def outputs(self, X: Array) -> Array:
        """Give the probabilities; of a yes alone where there is one output."""
        found: Array = self._estimator.predict_proba(X)
        return found[:, 1:] if self._workload.sizes[-1] == 1 else found
