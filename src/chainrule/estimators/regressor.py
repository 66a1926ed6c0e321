"""`MLPRegressor`: scikit-learn's, with more."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.utils import column_or_1d
from sklearn.utils.metaestimators import available_if

from chainrule.data.targets import TargetEncoder
from chainrule.errors import ShapeError, UsageError
from chainrule.estimators.parts import Rows
from chainrule.estimators.perceptron import Aim, Perceptron, keep_arguments
from chainrule.estimators.settings import goes_by_epochs
from chainrule.formulas import LOSSES, Array

__all__ = ["MLPRegressor"]


class MLPRegressor(RegressorMixin, Perceptron):  # type: ignore[misc]
    """A multi-layer perceptron that predicts numbers: scikit-learn's MLPRegressor, with more.

    Every argument up to ``max_fun`` means what it means there; docs/scikit-learn.md lists what is different on purpose.

    Args:
        loss: "squared_error", half the sum of squares, or "poisson", with the exponential as output; or any other of
            the catalogue, such as "huber", by name or record.
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

    >>> from sklearn.datasets import make_regression
    >>> X, y = make_regression(n_samples=100, n_features=3, random_state=0)
    >>> regressor = MLPRegressor(solver="sgd", schedule="one_cycle", learning_rate_init=0.01, hidden_layer_sizes=(20,),
    ...     batch_norm=True, random_state=0).fit(X, y / 50)
    >>> bool(regressor.score(X, y / 50) > 0.9)
    True
    """

    _numeric = True

    def __init__(
        self,
        loss: Any = "squared_error",
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

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> MLPRegressor:
        """Train until the loss no longer falls, or what early stopping watches no longer gets better.

        Args:
            X: shape (n, N_0), an array, a data frame or a sparse matrix, float64 or float32.
            y: values, shape (n,) or (n, N_K).
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
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> MLPRegressor:
        """Make one epoch more, in an order of the rows of its own and with the optimizer's memory.

        Args:
            X: shape (n, N_0).
            y: values, shape (n,) or (n, N_K).
            sample_weight: one weight per row, or None.

        Returns:
            The estimator itself.
        """
        self._learn(X, y, sample_weight, incremental=True)
        return self

    def predict(self, X: Any) -> Array:
        """Give the values for each row, shape (n,), or (n, N_K) for several, in the model's number type."""
        A = self._outputs(X)
        return A[:, 0] if A.shape[1] == 1 else A

    def _aim(self, y: Array, *, goes_on: bool, classes: Any) -> tuple[Aim, Array]:
        answers = self._answers(y)
        columns = 1 if answers.ndim == 1 else answers.shape[1]
        if goes_on and columns != self.n_outputs_:
            raise ShapeError(
                "y has {given} columns, and the fitted model gives {expected} values for each row; go on with as many,"
                " or fit a clone",
                given=columns,
                expected=self.n_outputs_,
            )
        zeros, ones = (0.0,) * columns, (1.0,) * columns
        target = TargetEncoder("values", center=zeros, scale=ones, flat=answers.ndim == 1)
        squared, poisson = (isinstance(self.loss, str) and self.loss == name for name in ("squared_error", "poisson"))
        # scikit-learn descends on half the sum of squares, and tells half their mean over the outputs.
        loss = LOSSES["half_squared_error"] if squared else LOSSES.find(self.loss)
        activation = "exponential" if poisson else "identity" if loss.slope else next(iter(loss.pairs))
        return Aim(columns, activation, loss, target, "r2", scale=columns if squared else 1), answers

    def _answers(self, y: Any) -> Array:
        if hasattr(y, "toarray"):
            raise UsageError("y is sparse, which values may not be; give y.toarray()")
        y = np.asarray(y)
        if y.dtype.kind not in "biuf":
            raise UsageError("y holds what is no number ({dtype}); give numbers to predict", dtype=str(y.dtype))
        return column_or_1d(y, warn=True) if y.ndim == 2 and y.shape[1] == 1 else y

    def _balance(self, training: Rows) -> Rows:
        return training

    def _offset(self, training: Rows) -> float:
        """Give what the Poisson loss leaves out and scikit-learn's has: the mean of y ln y - y."""
        if not (isinstance(self.loss, str) and self.loss == "poisson"):
            return 0.0
        y = training.y.reshape(len(training), -1).astype(np.float64)
        terms = y * np.log(np.where(y > 0, y, 1)) - y
        return float(np.average(terms, axis=0, weights=training.weights).sum())

    def _truths(self, Y: Array) -> Array:
        return Y
