"""`MLPRegressor`: scikit-learn's, with more."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.utils import column_or_1d
from sklearn.utils.metaestimators import available_if

from chainrule.data.targets import TargetEncoder
from chainrule.estimators.parts import Rows
from chainrule.estimators.perceptron import Aim, Perceptron, keep_arguments
from chainrule.estimators.settings import goes_by_epochs
from chainrule.formulas import LOSSES, Array, Loss

__all__ = ["MLPRegressor"]


class MLPRegressor(RegressorMixin, Perceptron):  # type: ignore[misc]
    """A multi-layer perceptron that predicts numbers: scikit-learn's MLPRegressor, with more.

    PLACEHOLDER
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
        """Train until the loss no longer falls, or the validation score no longer rises.

        Args:
            X: shape (n, N_0), an array, a data frame or a sparse matrix, float64 or float32.
            y: values, shape (n,) or (n, N_K).
            sample_weight: one weight per row, or None.

        Returns:
            The estimator itself.

        Raises:
            ValueError: of scikit-learn's, for X and y that cannot be.
            UsageError: for arguments that cannot be.
            DivergenceError: where a number is no longer finite; it carries the last good model.
        """
        self._learn(X, y, sample_weight, epochs=self.max_iter)
        return self

    @available_if(goes_by_epochs)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> MLPRegressor:
        """Make one epoch more, in an order of the rows of its own and with the optimizer's memory.

        Args:
            X: shape (n, N_0).
            y: values, shape (n,) or (n, N_K).
            sample_weight: one weight per row, or None.

        Returns:
            The estimator itself.
        """
        self._learn(X, y, sample_weight, epochs=1, incremental=True)
        return self

    def predict(self, X: Any) -> Array:
        """Give the values for each row, shape (n,), or (n, N_K) for several, in the model's number type."""
        A = self._outputs(X)
        return A[:, 0] if A.shape[1] == 1 else A

    def _aim(self, y: Array, *, goes_on: bool, classes: Any) -> tuple[Aim, Array]:
        answers = self._answers(y)
        columns = 1 if answers.ndim == 1 else answers.shape[1]
        zeros, ones = (0.0,) * columns, (1.0,) * columns
        target = TargetEncoder("values", center=zeros, scale=ones, flat=answers.ndim == 1)
        squared, poisson = (isinstance(self.loss, str) and self.loss == name for name in ("squared_error", "poisson"))
        # scikit-learn descends on half the sum of squares, and tells half their mean over the outputs.
        loss = LOSSES["half_squared_error"] if squared else LOSSES.find(self.loss)
        activation = "exponential" if poisson else "identity" if loss.slope else next(iter(loss.pairs))
        return Aim(columns, activation, loss, target, "r2", scale=columns if squared else 1), answers

    def _answers(self, y: Any) -> Array:
        y = np.asarray(y)
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
