"""`MLPClassifier`: scikit-learn's, with more."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils import column_or_1d
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets, type_of_target, unique_labels

from chainrule.data.targets import TargetEncoder
from chainrule.errors import UsageError
from chainrule.estimators.parts import Rows
from chainrule.estimators.perceptron import Aim, Perceptron, keep_arguments
from chainrule.estimators.settings import goes_by_epochs
from chainrule.formulas import LOSSES, Array
from chainrule.sparse import as_csr

__all__ = ["MLPClassifier"]


class MLPClassifier(ClassifierMixin, Perceptron):  # type: ignore[misc]
    """A multi-layer perceptron that predicts classes: scikit-learn's MLPClassifier, with more.

    Every argument up to ``max_fun`` means what it means there; docs/scikit-learn.md lists what is different on purpose.

    Args:
        hidden_layer_sizes: the numbers of hidden neurons, layer by layer.
        activation: of the hidden layers, any of the catalogue: one, or one for each.
        solver: "adam", "sgd" or "lbfgs"; `optimizer` takes its place where given.
        alpha: strength of an L2 penalty that is divided by the rows of a batch, as scikit-learn does; see ``l2``.
        batch_size: rows in a batch; "auto" is min(200, n).
        learning_rate: the rate's course with the solver "sgd": "constant", "invscaling" (divided by (t + 1)^power_t, t
            being the rows seen in the epochs before) or "adaptive" (divided by 5 whenever patience ends, until 1e-6).
        learning_rate_init: the learning rate; also of an ``optimizer`` given by name.
        power_t: the exponent of "invscaling".
        max_iter: epochs at most; iterations of L-BFGS at most.
        shuffle: whether each epoch takes the rows in an order of its own.
        random_state: a whole number is the seed itself, as in ``train(seed=…)``; a RandomState or None draws one.
        tol: how much better the loss or the score must get; for L-BFGS the largest slope that counts as flat.
        verbose: whether a line about each epoch is written to standard output.
        warm_start: whether ``fit`` goes on with the model that stands, and with the optimizer's memory.
        momentum: of the solver "sgd", at least 0 and below 1.
        nesterovs_momentum: whether it is Nesterov's.
        early_stopping: True sets rows aside and stops where the score on them no longer rises; a text names any other
            series to watch, such as "validation_loss", "loss" or "validation_roc_auc". The best weights are given back.
        validation_fraction: the share of rows that is set aside, each class keeping its share.
        beta_1: of the solver "adam".
        beta_2: of the solver "adam".
        epsilon: of the solver "adam"; added after the bias is taken out.
        n_iter_no_change: epochs in a row that are no better after which training stops.
        max_fun: evaluations of the loss at most, for L-BFGS.
        loss: "log_loss", the cross-entropy that belongs to the labels; or any of the catalogue, by name or record.
        class_weight: a weight for each label, {label: weight}, or "balanced"; for the rows to train on.
        label_smoothing: the share of each target that is spread over all classes.
        l1: strength of an L1 penalty.
        l2: strength of an L2 penalty that is divided by nothing, so that it means the same at any batch size.
        dropout: rate of dropout after the hidden layers: one, or one for each.
        batch_norm: whether the hidden layers are normalized over the batch: one answer, or one for each.
        initializer: how weights start, by name or record; None starts weights and biases as scikit-learn does.
        optimizer: any of the catalogue, by name, with the rate ``learning_rate_init``, or record, as RMSProp(0.01).
        schedule: the rate's course with any optimizer: "cosine", "one_cycle", …, a record, or "invscaling" and
            "adaptive" as above.
        max_norm: the largest length of a neuron's incoming weights, or None.
        clip: largest Euclidean norm of a batch's gradient, or None.
        validation_data: (X, y) or (X, y, sample_weight) to measure on after each epoch, instead of rows set aside.
        scoring: scikit-learn's scorers, by name, as callables, several in a list or a mapping: measured after each
            epoch on both parts and kept in ``history_``. The first is what ``early_stopping=True`` watches.
        callbacks: one or several of `chainrule.training.callbacks`.
        progress: whether a progress bar is shown.
        engine: "auto", "reference" or "compiled".
        n_threads: how many threads may compute, or None.
        dtype: float64 or float32; None keeps that of X.

    Attributes:
        model_: the `Model`.
        history_: all series of all epochs, over warm starts and partial fits, too: a `History`.
        coefs_: the weights, ``coefs_[l - 1]`` of shape (N_{l-1}, N_l): views of the model's, to read and to write.
        intercepts_: the biases, likewise.
        loss_curve_: loss and penalty of each epoch in ``history_``.
        loss_: the last of them.
        best_loss_: the lowest of them; None with early stopping.
        validation_scores_: what early stopping watched, epoch by epoch; else None.
        best_validation_score_: the best of it; else None.
        n_iter_: epochs of the newest fit.
        t_: rows seen in all epochs.
        n_features_in_, feature_names_in_, n_layers_, n_outputs_, out_activation_: as in scikit-learn.
        classes_: the labels, in the order of the outputs.

    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> classifier = MLPClassifier((20, 10), activation=["relu", "tanh"], dropout=0.1, learning_rate_init=0.01,
    ...     early_stopping="validation_loss", random_state=0).fit(X, y)
    >>> bool(classifier.score(X, y) > 0.9), classifier.history_.epochs == classifier.n_iter_
    (True, True)
    """

    _numeric = False

    def __init__(
        self,
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        *,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: bool = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool | str = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        loss: Any = "log_loss",
        class_weight: Any = None,
        label_smoothing: float = 0.0,
        l1: float = 0.0,
        l2: float = 0.0,
        dropout: Any = 0.0,
        batch_norm: Any = False,
        initializer: Any = None,
        optimizer: Any = None,
        schedule: Any = None,
        max_norm: float | None = None,
        clip: float | None = None,
        validation_data: Any = None,
        scoring: Any = None,
        callbacks: Any = (),
        progress: bool = False,
        engine: str = "auto",
        n_threads: int | None = None,
        dtype: Any = None,
    ) -> None:
        keep_arguments(self, locals())

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> MLPClassifier:
        """Train until the loss no longer falls, or what early stopping watches no longer gets better.

        Args:
            X: shape (n, N_0), an array, a data frame or a sparse matrix, float64 or float32.
            y: labels, shape (n,), or an indicator matrix of shape (n, labels) for several that may hold at once.
            sample_weight: one weight per row, or None.

        Returns:
            The estimator itself.

        Raises:
            ValueError: of scikit-learn's, for X and y that cannot be; a DataError is one, too.
            UsageError: for arguments that cannot be.
            DivergenceError: where a number is no longer finite; it carries the last good model.
        """
        self._learn(X, y, sample_weight)
        return self

    @available_if(goes_by_epochs)  # type: ignore[untyped-decorator]
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None) -> MLPClassifier:
        """Make one epoch more, in an order of the rows of its own and with the optimizer's memory.

        Args:
            X: shape (n, N_0).
            y: labels; rows of some classes may lack.
            sample_weight: one weight per row, or None.
            classes: all labels that may come; needed in the first call.

        Returns:
            The estimator itself.
        """
        first = "model_" not in vars(self)
        if first and classes is None and type_of_target(y) != "multilabel-indicator":
            raise UsageError("classes must be passed on the first call to partial_fit, such as classes=np.unique(y)")
        if self.class_weight == "balanced":
            raise UsageError(
                "class_weight='balanced' counts the classes of all rows, which partial_fit does not see; give weights, "
                "class_weight={{label: weight, …}}"
            )
        self._learn(X, y, sample_weight, incremental=True, classes=classes)
        return self

    def predict(self, X: Any) -> Array:
        """Give the likeliest label of each row, shape (n,), or 0 and 1 for each of several, shape (n, labels).

        The latter as a sparse matrix, if that is what ``fit`` was given.
        """
        A = self._outputs(X)
        if self._multilabel:
            labels = (A > 0.5).astype(np.int64)
            return as_csr(labels) if self._sparse else labels
        if A.shape[1] > 1:
            return self.classes_[A.argmax(axis=1)]
        return self.classes_[(A[:, 0] > 0.5).astype(np.intp) if len(self.classes_) > 1 else np.zeros(len(A), np.intp)]

    def predict_proba(self, X: Any) -> Array:
        """Give the probability of each class, shape (n, classes), or of each of several labels, shape (n, labels)."""
        A = self._outputs(X)
        if self._multilabel:
            return A
        if len(self.classes_) == 1:
            return np.ones_like(A)
        if A.shape[1] == 1:
            return np.concatenate([1 - A, A], axis=1)
        if self.out_activation_ == "softmax":
            return A
        total = A.sum(axis=1, keepdims=True)  # several sigmoids for classes that exclude one another
        return np.where(total > 0, A / np.where(total > 0, total, 1), 1 / A.shape[1])

    def predict_log_proba(self, X: Any) -> Array:
        """Give the logarithms of `predict_proba`; minus infinity where a probability is 0."""
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    def _aim(self, y: Any, *, goes_on: bool, classes: Any) -> tuple[Aim, Array]:
        check_classification_targets(y)
        kind = type_of_target(y)
        if kind == "multiclass-multioutput":
            raise UsageError(
                "y has several columns with more than two labels each, which is not supported; give one column of "
                "labels, or an indicator matrix of 0 and 1"
            )
        if not goes_on:
            self._multilabel, self._sparse = kind == "multilabel-indicator", hasattr(y, "toarray")
        labels = self._labels(y)
        self._learn_classes(labels, goes_on=goes_on, classes=classes)
        return self._describe(), self._coded(labels)

    def _answers(self, y: Any) -> Array:
        """Give the answers of further rows as `train` takes them, once the classes are known."""
        labels = self._labels(y)
        if len(self.classes_) == 1:
            self._check_known(labels)
        return self._coded(labels)

    def _labels(self, y: Any) -> Array:
        """Give the labels as they are, shape (n,), or an indicator matrix of numbers."""
        y = np.asarray(y.toarray() if hasattr(y, "toarray") else y)
        return y if self._multilabel else column_or_1d(y, warn=True)

    def _coded(self, labels: Array) -> Array:
        """Give the labels as `train` takes them: zeros where there is one class, which no network need tell apart."""
        return np.zeros(len(labels)) if len(self.classes_) == 1 and not self._multilabel else labels

    def _learn_classes(self, labels: Array, *, goes_on: bool, classes: Any) -> None:
        """Keep the labels in ascending order, or hold the new ones to them."""
        if not goes_on:
            found = np.arange(labels.shape[1]) if self._multilabel else unique_labels(labels)
            self.classes_ = found if classes is None or self._multilabel else unique_labels(classes)
        else:
            if classes is not None and not np.array_equal(self.classes_, unique_labels(classes)):
                raise UsageError(
                    "classes={given} is not the same as on the last call to partial_fit, was: {known}",
                    given=np.asarray(classes).tolist(),
                    known=self.classes_.tolist(),
                )
        self._check_known(labels)

    def _check_known(self, labels: Array) -> None:
        """Hold labels to the classes."""
        found = np.arange(labels.shape[1]) if self._multilabel else unique_labels(labels)
        unknown = np.setdiff1d(found, self.classes_)
        if len(unknown):
            raise UsageError(
                "y has the labels {unknown}, which are not among the classes {known}; partial_fit takes all of them in "
                "its first call, classes=[…], and warm_start goes on with the same",
                unknown=unknown.tolist(),
                known=self.classes_.tolist(),
            )

    def _describe(self) -> Aim:
        """Say what the labels ask of the network: one yes or no, one of several classes, or several yes or no."""
        count, multilabel = len(self.classes_), self._multilabel
        two = count <= 2 and not multilabel
        if isinstance(self.loss, str) and self.loss == "log_loss":
            loss = LOSSES["binary_cross_entropy" if two or multilabel else "categorical_cross_entropy"]
        else:
            loss = LOSSES.find(self.loss)
        activation = "sigmoid" if two or multilabel else "softmax"
        activation = activation if loss.slope or activation in loss.pairs else next(iter(loss.pairs))
        if activation not in ("sigmoid", "softmax") or (activation == "softmax" and (multilabel or count == 1)):
            raise UsageError(
                "the loss {loss!r} needs outputs with {activation!r}, which give no probability of each label here; "
                "choose another, such as 'log_loss'",
                loss=loss.name,
                activation=activation,
            )
        if multilabel or count == 1:
            target = TargetEncoder("values", center=(0.0,) * count, scale=(1.0,) * count, flat=not multilabel)
        else:
            target = TargetEncoder("classes", classes=tuple(self.classes_.tolist()))
        outputs = 1 if two and activation == "sigmoid" else count
        # The catalogue's accuracy compares classes, and one class is no more than a number here.
        catalogued = not multilabel and count > 1
        return Aim(outputs, activation, loss, target, "accuracy", catalogued=catalogued, stratify=not multilabel)

    def _balance(self, training: Rows) -> Rows:
        """Give the rows with their weights times those of their classes; those set aside keep theirs."""
        if self.class_weight is None:
            return training
        from sklearn.utils.class_weight import compute_sample_weight

        y = np.repeat(self.classes_, len(training)) if len(self.classes_) == 1 else training.y
        weights = compute_sample_weight(self.class_weight, y)
        if not np.isfinite(weights).all() or (weights < 0).any():
            raise UsageError(
                "class_weight is {given}; each weight must be a finite number of 0 or more", given=self.class_weight
            )
        return Rows(training.X, training.y, weights if training.weights is None else weights * training.weights)

    def _offset(self, training: Rows) -> float:
        return 0.0

    def _truths(self, Y: Array) -> Array:
        """Give the labels that `train` hands to a metric as scikit-learn's scorers take them."""
        return np.repeat(self.classes_, len(Y)) if len(self.classes_) == 1 else Y

    def __sklearn_tags__(self) -> Any:
        """Say to scikit-learn that several labels may hold at once."""
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
