"""`Autoencoder`: a network taught to give back its input through a narrow middle, as a transformer of scikit-learn."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_array
from sklearn.utils.validation import check_is_fitted, validate_data

from chainrule.data.targets import TargetEncoder
from chainrule.errors import ShapeError, UsageError
from chainrule.estimators.arguments import check_arguments, is_flag, seed_of
from chainrule.estimators.perceptron import keep_arguments
from chainrule.estimators.settings import check_same_layers, each_layer, hidden_sizes
from chainrule.estimators.stopping import Telling, loss_of
from chainrule.formulas import L1, L2, LOSSES, Array, Penalty
from chainrule.layers import Dense, Dropout, Layer, check_dtype
from chainrule.model import Model
from chainrule.network import Network
from chainrule.training import LBFGS, EarlyStopping, Memory, Progress, train
from chainrule.training.lbfgs import find_optimizer

__all__ = ["Autoencoder"]

# The output activation that belongs to a loss; the identity to all others.
_OUTPUTS = {"binary_cross_entropy": "sigmoid", "poisson": "softplus"}


class Autoencoder(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """A network with its inputs for targets: the encoder says in a few numbers what the decoder makes the row of again.

    ``transform`` gives the code, A[k] of the encoder's last layer k, and ``inverse_transform`` the row that a code
    stands for. Columns should be on one scale, for example by a StandardScaler before it in a pipeline, or between 0
    and 1 with ``output_activation="sigmoid"``.

    Args:
        hidden_layer_sizes: sizes of the encoder's layers; the last one is the code.
        activation: of the layers between inputs, code and outputs; one for all, or one for each in order.
        decoder_layer_sizes: sizes of the layers between code and outputs; None mirrors the encoder.
        code_activation: of the code.
        output_activation: of the outputs; None takes sigmoid for "binary_cross_entropy" (columns between 0 and 1),
            softplus for "poisson" (counts), else the identity.
        loss: what is minimized between a row and what is made of it, by name or record.
        input_dropout: share of the inputs that are set to 0 in training; the targets stay whole (a denoising
            autoencoder).
        dropout: rate after each hidden layer except for the code.
        l1: strength of the L1 penalty on weights.
        l2: strength of the L2 penalty on weights.
        initializer: how weights start; None takes what suits each activation.
        optimizer: by name or record; "lbfgs" or `LBFGS()` takes all rows at once, without a learning rate.
        learning_rate_init: the learning rate; None takes the optimizer's own.
        schedule: the learning rate's course, by name or record.
        batch_size: rows in a batch; "auto" is 200, or all rows where there are fewer.
        max_iter: epochs at most. Reaching them is no warning: ``history_.stopped`` says why training ended.
        tol: by how much the loss must get better; 0 counts every improvement.
        n_iter_no_change: epochs without getting better after which training stops; infinity never stops it.
        early_stopping: whether the loss of a validation part decides when to stop, and which parameters are kept.
        validation_fraction: share of rows set aside for it.
        validation_data: rows for it, in place of a share; the loss on them is recorded in any case.
        clip: largest Euclidean norm of a batch's gradient, or None.
        warm_start: whether ``fit`` goes on from the fitted parameters.
        random_state: seed of initial weights, shuffles, dropout and the validation part.
        engine: "auto" or an engine's name.
        n_threads: how many threads may compute; None takes what the process may use.
        dtype: float64 or float32; None takes that of X.
        callbacks: one or several of `chainrule.training.callbacks`.
        progress: whether to show a progress bar.
        verbose: whether to write a line about each epoch.

    Attributes:
        model_: the fitted `Model`, encoder and decoder in one.
        encoder_, decoder_: its two parts, models of their own memory.
        history_: the series of the training, one value an epoch.
        n_iter_: epochs that the last ``fit`` made.
        n_components_: how many numbers the code has.
        n_features_in_: columns of X.
        feature_names_in_: their names, where X was a data frame.

    >>> import numpy as np
    >>> t = np.linspace(0, 6, 100)
    >>> X = np.stack([np.sin(t), np.cos(t), np.sin(t) + np.cos(t)], axis=1)
    >>> encoder = Autoencoder((8, 2), random_state=0, learning_rate_init=0.01).fit(X)
    >>> encoder.transform(X).shape, encoder.score(X) > -0.01
    ((100, 2), True)
    """

    def __init__(
        self,
        hidden_layer_sizes: int | Sequence[int] = (32,),
        activation: Any = "relu",
        *,
        decoder_layer_sizes: Sequence[int] | None = None,
        code_activation: Any = "identity",
        output_activation: Any = None,
        loss: Any = "mean_squared_error",
        input_dropout: float = 0.0,
        dropout: float = 0.0,
        l1: float = 0.0,
        l2: float = 0.0,
        initializer: Any = None,
        optimizer: Any = "adam",
        learning_rate_init: float | None = None,
        schedule: Any = "constant",
        batch_size: int | str = "auto",
        max_iter: int = 200,
        tol: float = 0.0,
        n_iter_no_change: int = 10,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        validation_data: Any = None,
        clip: float | None = None,
        warm_start: bool = False,
        random_state: Any = None,
        engine: str = "auto",
        n_threads: int | None = None,
        dtype: Any = None,
        callbacks: Any = (),
        progress: bool = False,
        verbose: bool = False,
    ) -> None:
        keep_arguments(self, locals())

    def fit(self, X: Any, y: Any = None) -> Self:
        """Train encoder and decoder to give back the rows of X.

        Args:
            X: rows of numbers, shape (n, N_0); a sparse matrix is multiplied as it is, but is made dense as targets.
            y: not used.

        Returns:
            The estimator itself.

        Raises:
            UsageError, ShapeError, DataError: for parameters or rows that cannot be.
            DivergenceError: where training meets a number that is not finite.
        """
        goes_on = self.warm_start and "model_" in vars(self)
        return self._learn(X, self.max_iter, goes_on=goes_on, stops=True)

    def partial_fit(self, X: Any, y: Any = None) -> Self:
        """Make one pass over the rows of X, from where the parameters stand; nothing stops it and nothing is set aside.

        Args:
            X: rows of numbers, shape (n, N_0).
            y: not used.

        Returns:
            The estimator itself.

        Raises:
            UsageError, ShapeError, DataError: for parameters or rows that cannot be.
            DivergenceError: where training meets a number that is not finite.
        """
        if isinstance(find_optimizer(self.optimizer), LBFGS):
            raise UsageError("partial_fit makes one pass in batches, and L-BFGS takes all rows at once; use fit")
        if self.early_stopping:
            raise UsageError("partial_fit makes one pass and does not support early_stopping; use fit, or set it False")
        return self._learn(X, 1, goes_on="model_" in vars(self), stops=False)

    def transform(self, X: Any) -> Array:
        """Give the code of each row, shape (n, n_components_), in the model's number type."""
        rows = self._rows(X)
        return self._outputs(self.encoder_, rows)

    def inverse_transform(self, X: Any) -> Array:
        """Give the row that each code stands for, shape (n, N_0).

        Args:
            X: codes, shape (n, n_components_).

        Raises:
            ShapeError: for codes of another length.
        """
        check_is_fitted(self)
        codes = check_array(X, dtype=self.model_.dtype, input_name="X")
        if codes.shape[1] != self.n_components_:
            raise ShapeError(
                "X has {given} columns, but a code of this Autoencoder has {expected} numbers",
                given=codes.shape[1],
                expected=self.n_components_,
            )
        return self._outputs(self.decoder_, codes)

    def reconstruct(self, X: Any) -> Array:
        """Give each row as encoder and decoder make it again, shape (n, N_0)."""
        rows = self._rows(X)
        return self._outputs(self.model_, rows)

    def score(self, X: Any, y: Any = None) -> float:
        """Give the negative mean squared error of a reconstructed number; 0 is perfect, and more is better.

        It is the same measure whatever the loss, so that searches may compare losses.

        Args:
            X: rows of numbers, shape (n, N_0).
            y: not used.
        """
        rows = self._rows(X)
        return -float(np.mean((self._outputs(self.model_, rows) - _dense(rows)) ** 2))

    @property
    def _n_features_out(self) -> int:
        """What get_feature_names_out counts."""
        return int(self.n_components_)

    # From the parameters to a training.

    def _learn(self, X: Any, epochs: int, *, goes_on: bool, stops: bool) -> Self:
        """Train from the beginning or from where the model stands."""
        check_arguments({name: value for name, value in self.get_params(deep=False).items() if value is not None})
        if not is_flag(self.early_stopping):
            raise UsageError(
                "{name} is {value!r}; it must be True or False", name="early_stopping", value=self.early_stopping
            )
        kinds = [np.float64, np.float32] if self.dtype is None else check_dtype(self.dtype)
        X = validate_data(self, X, accept_sparse="csr", dtype=kinds, reset=not goes_on)
        network = self._network(X.shape[1])
        if goes_on:
            check_same_layers(self.model_.network, network)
        if not goes_on:
            self._seed, self._memory = seed_of(self.random_state), Memory()
        before = self.model_.history.epochs if goes_on and self.model_.history else 0
        start = self.model_ if goes_on else network.init(self._seed, X.dtype)
        self._keep(self._train(start, X, epochs, stops=stops), before)
        return self

    def _network(self, columns: int) -> Network:
        """Make the network that the parameters describe."""
        encoder = hidden_sizes(self.hidden_layer_sizes)
        if not encoder:
            raise UsageError("hidden_layer_sizes is empty; give the size of the code at least, such as (32,)")
        given = self.decoder_layer_sizes
        decoder = encoder[-2::-1] if given is None else hidden_sizes(given)
        between = self._activations(len(encoder) + len(decoder) - 1)
        activations = [*between[: len(encoder) - 1], self.code_activation, *between[len(encoder) - 1 :]]
        layers: list[Layer] = [Dropout(self.input_dropout)] if self.input_dropout else []
        for l, (size, activation) in enumerate(zip([*encoder, *decoder], activations, strict=True), start=1):
            layers.append(Dense(size, activation, initializer=self.initializer))
            if self.dropout and l != len(encoder):
                layers.append(Dropout(self.dropout))
        output = self.output_activation
        if output is None:
            output = _OUTPUTS.get(LOSSES.find(self.loss).name, "identity")
        return Network([*layers, Dense(columns, output, initializer=self.initializer)], inputs=columns)

    def _activations(self, count: int) -> list[Any]:
        """Give those of the layers between inputs, code and outputs, of which there are so many."""
        try:
            return each_layer("activation", self.activation, count)
        except ShapeError as error:
            raise ShapeError(
                "{name} has {given} entries for {count} hidden layer(s) besides the code; give one for each, or a "
                "single one for all; the code's own is code_activation",
                **error.fields,
            ) from None

    def _train(self, start: Model, X: Any, epochs: int, *, stops: bool) -> Model:
        """Call `train` with what the parameters mean."""
        optimizer = find_optimizer(self.optimizer)
        if self.learning_rate_init is not None and not isinstance(optimizer, LBFGS):
            optimizer = optimizer.with_parameters(rate=self.learning_rate_init)
        if self._memory.optimizer != getattr(optimizer, "name", ""):
            self._memory = Memory()
        columns = X.shape[1]
        target = TargetEncoder("values", center=(0.0,) * columns, scale=(1.0,) * columns, flat=False)
        validation = self._validation() if stops or self.validation_data is not None else None
        return train(
            start,
            X,
            _dense(X),
            optimizer=optimizer,
            loss=self.loss,
            batch_size=min(200, X.shape[0]) if self.batch_size == "auto" else self.batch_size,
            epochs=epochs,
            validation=validation,
            callbacks=self._callbacks(stops=stops),
            seed=self._seed,
            engine=self.engine,
            n_threads=self.n_threads,
            schedule=self.schedule,
            penalties=self._penalties(),
            clip=self.clip,
            metrics=(),
            target=target,
            memory=self._memory,
        )

    def _validation(self) -> Any:
        """Give the rows of the validation part, the share to set aside, or None."""
        if self.validation_data is not None:
            rows = self._read(self.validation_data)
            return rows, _dense(rows)
        return self.validation_fraction if self.early_stopping else None

    def _callbacks(self, *, stops: bool) -> list[Any]:
        monitor = "validation_loss" if self.early_stopping else "loss"
        patience = self.max_iter if self.n_iter_no_change == math.inf else self.n_iter_no_change  # never reached
        own: list[Any] = [EarlyStopping(monitor, patience, self.tol)] if stops else []
        own += [Progress()] if self.progress else []
        own += [Telling(loss_of(1.0, 0.0), monitor if self.early_stopping else None)] if self.verbose else []
        return [*own, *(self.callbacks if isinstance(self.callbacks, Iterable) else [self.callbacks])]

    def _penalties(self) -> list[Penalty]:
        return [make(strength) for make, strength in ((L1, self.l1), (L2, self.l2)) if strength]

    def _keep(self, model: Model, before: int) -> None:
        """Keep the model, its two parts and what its training left."""
        assert model.history is not None
        self.model_, self.history_ = model, model.history
        self.n_iter_ = model.history.epochs - before
        code = len(hidden_sizes(self.hidden_layer_sizes))
        self.encoder_, self.decoder_ = model.part(1, code), model.part(code + 1, model.network.depth)
        self.n_components_ = model.network.sizes[code]

    def _outputs(self, model: Model, rows: Any) -> Array:
        """Give a model's outputs by the engine that trained it."""
        return model.outputs(rows, engine=self.history_.engine)

    def _rows(self, X: Any) -> Any:
        """Give further rows, checked against the columns that were fitted."""
        if "model_" not in vars(self):  # scikit-learn's own look takes longer than a row's transformation
            check_is_fitted(self)
        return self._read(X)

    def _read(self, X: Any) -> Any:
        """Give rows as scikit-learn checks them, against the columns that were seen first."""
        return validate_data(self, X, accept_sparse="csr", dtype=[np.float64, np.float32], reset=False)

    def __sklearn_tags__(self) -> Any:
        """Say to scikit-learn that sparse X is taken, and which number types are kept."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        kept = ["float64", "float32"] if self.dtype is None else [check_dtype(self.dtype).name]
        tags.transformer_tags.preserves_dtype = kept
        return tags


def _dense(X: Any) -> Array:
    """Give the rows with their zeros, as targets must be."""
    return X.toarray() if hasattr(X, "toarray") else X
