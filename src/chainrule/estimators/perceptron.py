"""What the classifier and the regressor share: from scikit-learn's ``fit`` to `train`, and what it leaves behind."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_is_fitted, validate_data

from chainrule.arrays import as_inputs, check_dtype, check_finite
from chainrule.data.targets import TargetEncoder
from chainrule.engines import choose, limit_threads
from chainrule.errors import UsageError
from chainrule.estimators import settings
from chainrule.estimators.arguments import check_arguments, is_flag, seed_of
from chainrule.estimators.attributes import Fitted
from chainrule.estimators.parts import Rows, check_weights, read_validation, read_weights, set_aside
from chainrule.estimators.scoring import as_metrics, find_scorers, find_watched
from chainrule.estimators.stopping import Convergence, Lowering, Pace, Telling, Value, loss_of, score_of
from chainrule.formulas import Array, Loss
from chainrule.language import Message, template, tr
from chainrule.model import Model
from chainrule.network import Network
from chainrule.training import INTERRUPTED, Memory, Progress, train

__all__ = ["Aim", "Perceptron", "begin", "keep_arguments"]

# The series that are better the lower they are; scikit-learn's scorers are better the higher.
LOSS_SERIES = ("loss", "validation_loss", "penalty")
RATES = ("rate", "seconds")
# Reasons to end before training has converged, as `train` tells them.
ALL_EPOCHS, ALL_EVALUATIONS = template("all {epochs} epochs done"), template("all {count} evaluations used up")


@dataclass(frozen=True)
class Aim:
    """What is to be learnt.

    Args:
        outputs: N_K.
        activation: of the outputs, by name.
        loss: what is minimized.
        target: what the outputs mean.
        score: what ``early_stopping=True`` watches: "accuracy" or "r2".
        catalogued: whether the catalogue's metric of this name is scikit-learn's.
        stratify: whether a validation part keeps the classes' shares.
        scale: what scikit-learn divides the data loss by in ``loss_curve_``.
    """

    outputs: int
    activation: str
    loss: Loss
    target: TargetEncoder
    score: str
    catalogued: bool = True
    stratify: bool = False
    scale: float = 1.0


def keep_arguments(estimator: Any, arguments: dict[str, Any]) -> None:
    """Keep a constructor's arguments as attributes of the same names, which is all that scikit-learn lets it do."""
    vars(estimator).update((name, value) for name, value in arguments.items() if name not in ("self", "__class__"))


def begin(network: Network, seed: int, dtype: Any) -> Model:
    """Draw the parameters that training begins with."""
    return network.init(seed, dtype)


class Perceptron(Fitted, BaseEstimator):  # type: ignore[misc]
    """A multi-layer perceptron behind scikit-learn's interface, of which the classifier and the regressor are made."""

    def _learn(self, X: Any, y: Any, sample_weight: Any, *, incremental: bool = False, classes: Any = None) -> None:
        """Fit, from the beginning or from where the model stands."""
        check_arguments(vars(self))
        goes_on = "model_" in vars(self) and (incremental or bool(self.warm_start))
        X, y = self._read(X, y, reset=not goes_on)
        aim, answers = self._aim(y, goes_on=goes_on, classes=classes)
        start = self._start(X, aim, goes_on=goes_on)
        whole = Rows(X, answers, read_weights(sample_weight, X.shape[0]))
        training, held_out = self._parts(whole, aim, incremental=incremental)
        training = self._balance(training)
        check_weights(training)
        loss, series = loss_of(aim.scale, self._offset(training)), self._monitored(aim)
        callbacks = self._callbacks(loss, series, incremental=incremental)
        model = self._train(start, aim, training, held_out, callbacks, incremental=incremental)
        self._keep(model, len(training), loss, series)
        if not incremental:
            self._warn()

    # From what is given to where training begins.

    def _read(self, X: Any, y: Any, *, reset: bool) -> tuple[Any, Array]:
        """Give X and y as scikit-learn checks them, X in float64 or float32."""
        kinds = [np.float64, np.float32] if self.dtype is None else check_dtype(self.dtype)
        asked = {"accept_sparse": ("csr", "csc"), "multi_output": True, "y_numeric": self._numeric}
        X, y = validate_data(self, X, y, dtype=kinds, reset=reset, **asked)
        return (X.tocsr() if hasattr(X, "tocsr") else X), y

    def _read_rows(self, X: Any) -> Any:
        """Give the X of further rows, checked against the columns that were fitted."""
        return validate_data(self, X, accept_sparse=("csr", "csc"), reset=False)

    def _start(self, X: Any, aim: Aim, *, goes_on: bool) -> Model:
        """Give the model to begin with: a new one, or the one that stands, if the parameters still describe it.

        Raises:
            UsageError: where they describe another one.
        """
        network = settings.build_network(self, X.shape[1], aim.outputs, aim.activation)
        if not goes_on:
            self._seed, self._memory = seed_of(self.random_state), Memory()
            self.t_ = 0
            self.loss_curve_: list[float] = []
            return begin(network, self._seed, X.dtype)
        settings.check_same_layers(self.model_.network, network)
        return self.model_

    def _parts(self, whole: Rows, aim: Aim, *, incremental: bool) -> tuple[Rows, Rows | None]:
        """Give the rows to train on and those to measure on, or None."""
        stops = not (is_flag(self.early_stopping) and not self.early_stopping)
        if incremental and stops:
            raise UsageError(
                "partial_fit does not support early_stopping: it makes one epoch; use fit, or stop by hand"
            )
        if self.validation_data is not None:
            return whole, read_validation(self.validation_data, self._read_rows, self._answers)
        if not stops or (isinstance(self.early_stopping, str) and not self.early_stopping.startswith("validation_")):
            return whole, None
        training, held_out = set_aside(whole, self.validation_fraction, self._seed, stratify=aim.stratify)
        return whole.take(training), whole.take(held_out)

    # Training.

    def _monitored(self, aim: Aim) -> str | None:
        """Give the series that early stopping watches, or None."""
        if isinstance(self.early_stopping, str):
            return self.early_stopping
        return f"validation_{next(iter(find_scorers(self.scoring)), aim.score)}" if self.early_stopping else None

    def _callbacks(self, loss: Value, series: str | None, *, incremental: bool) -> list[Any]:
        """Give what stops training and keeps the best parameters, what tells of it, and the user's own."""
        lower = settings.is_adaptive(self)
        pace: Pace = vars(self).get("_pace", Pace()) if incremental else Pace()
        self._pace = pace
        given: dict[str, Any] = {"tol": self.tol, "keep": not incremental, "lower_rate": lower, "pace": pace}
        # L-BFGS tells the loss of where it has come to; other training, that of each batch before its update.
        given["measured_before"] = series in (None, "loss", "penalty") and not settings.uses_lbfgs(self)
        given["patience"] = self.n_iter_no_change if lower or not incremental else np.inf
        found: list[Any] = []
        if series is not None:
            found = [Convergence(score_of(series), series, series=series, higher=series not in LOSS_SERIES, **given)]
        elif not settings.uses_lbfgs(self):  # which knows by itself when to stop, and ends where the loss is lowest
            found = [Convergence(loss, Message("training loss"), higher=False, **given)]
        found += [Lowering(pace)] if lower else []
        found += [Telling(loss, series)] if self.verbose else []
        found += [Progress()] if self.progress else []
        return [*found, *(self.callbacks if isinstance(self.callbacks, Iterable) else [self.callbacks])]

    def _train(
        self, start: Model, aim: Aim, rows: Rows, held_out: Rows | None, callbacks: list[Any], *, incremental: bool
    ) -> Model:
        """Call `train` with what the arguments mean."""
        size = len(rows) if settings.uses_lbfgs(self) else settings.batch_rows(self.batch_size, len(rows))
        mean = 1.0 if rows.weights is None else float(rows.weights.mean())
        optimizer = settings.find_optimizer(self)
        if self._memory.optimizer != getattr(optimizer, "name", ""):
            self._memory = Memory()
        done = self._memory.updates / -(-len(rows) // size)
        return train(
            start,
            rows.X,
            rows.y,
            optimizer=optimizer,
            loss=aim.loss,
            batch_size=size,
            epochs=1 if incremental else self.max_iter,
            validation=None if held_out is None else (held_out.X, held_out.y, held_out.weights),
            callbacks=callbacks,
            seed=self._seed,
            engine=self.engine,
            n_threads=self.n_threads,
            schedule=settings.find_course(self, len(rows), done, anew=not incremental),
            penalties=settings.find_penalties(self, 1 / (size * mean)),
            clip=self.clip,
            weights=rows.weights,
            metrics=self._metrics(aim),
            target=aim.target,
            label_smoothing=getattr(self, "label_smoothing", 0.0),
            shuffle=bool(self.shuffle),
            memory=self._memory,
        )

    def _metrics(self, aim: Aim) -> list[Any]:
        """Give what is measured after each epoch: the scorers, and the score that early stopping watches."""
        scorers, series = find_scorers(self.scoring), self._monitored(aim)
        watched = "" if series is None or series in (*LOSS_SERIES, *RATES) else series.removeprefix("validation_")
        if watched and watched not in scorers and (watched != aim.score or not aim.catalogued):
            scorers |= find_watched(self.early_stopping, watched, scorers)
        own = [watched] if watched and watched not in scorers else []
        return [*own, as_metrics(self, scorers)] if scorers else own

    def _keep(self, model: Model, rows: int, loss: Value, series: str | None) -> None:
        """Keep the model, and what scikit-learn calls its training."""
        history = model.history
        assert history is not None
        self.n_iter_ = history.epochs - len(self.loss_curve_)
        names = [name for name in ("loss", "penalty") if name in history]
        newest = zip(*(history[name][-self.n_iter_ :] for name in names), strict=True)
        self.loss_curve_ += [loss(dict(zip(names, values, strict=True))) for values in newest]
        self.loss_ = self.loss_curve_[-1]
        self.t_ += rows * self.n_iter_
        self.model_ = model
        self.best_loss_ = min(self.loss_curve_) if series is None else None
        self.validation_scores_ = None if series is None else list(history[series])
        best = np.fmin if series in LOSS_SERIES else np.fmax
        self.best_validation_score_ = None if series is None else float(best.reduce(history[series]))

    def _warn(self) -> None:
        """Say where training ended before it was done."""
        stopped, told = self.history_.stopped, None
        key = stopped.key if isinstance(stopped, Message) else ""
        if stopped == INTERRUPTED:
            warnings.warn(tr("Training interrupted by user."), stacklevel=4)
        elif isinstance(stopped, Message) and key == ALL_EVALUATIONS:
            told = tr(
                "All evaluations of the loss ({count}) are used up and L-BFGS hasn't converged yet; raise max_fun, or "
                "scale the columns of X, such as with StandardScaler",
                count=stopped.fields["count"],
            )
        elif key == ALL_EPOCHS and settings.uses_lbfgs(self):
            told = tr(
                "Maximum iterations ({epochs}) reached and L-BFGS hasn't converged yet; raise max_iter, or scale the "
                "columns of X, such as with StandardScaler",
                epochs=self.max_iter,
            )
        elif key == ALL_EPOCHS:
            told = tr(
                "Maximum iterations ({epochs}) reached and the optimization hasn't converged yet ({reason}); raise "
                "max_iter, give a larger learning_rate_init, or scale the columns of X, such as with StandardScaler",
                epochs=self.max_iter,
                reason=stopped,
            )
        if told is not None:
            warnings.warn(told, ConvergenceWarning, stacklevel=4)

    # Prediction.

    def _outputs(self, X: Any) -> Array:
        """Give the outputs A[K], shape (n, N_K), by the engine that trained the model."""
        if "model_" not in vars(self):
            check_is_fitted(self)
        X, model = self._read_rows(X), self.model_
        inputs = as_inputs(X, model.network, model.dtype)
        if inputs is not X:
            check_finite(inputs)  # what is finite in float64 may not be in float32
        engine = choose(model.history.engine if model.history and model.history.engine else "auto")
        if self.n_threads is None:
            return engine.predict(model.network, model.theta, model.state, inputs)
        with limit_threads(self.n_threads):
            return engine.predict(model.network, model.theta, model.state, inputs)

    def __sklearn_tags__(self) -> Any:
        """Say to scikit-learn that sparse X is taken."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
