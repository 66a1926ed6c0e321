"""The loop's door: `train` checks and prepares what it is given, then hands it to a `Run`."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy.typing as npt

from chainrule.arrays import as_inputs, check_target, fit_target
from chainrule.data.targets import TargetEncoder
from chainrule.engines import Engine, Job, Objective, check_threads, choose, compiling, effort, limit_threads, why
from chainrule.errors import DataError
from chainrule.formulas import OPTIMIZERS, SCHEDULES, Loss, Optimizer, Penalty, Schedule
from chainrule.language import Message
from chainrule.model import Model
from chainrule.network import Network
from chainrule.sparse import SparseRows
from chainrule.streams import check_seed
from chainrule.training import preparation as prepare
from chainrule.training.callbacks import Callback
from chainrule.training.run import INTERRUPTED, Run

if TYPE_CHECKING:
    from chainrule.data.encoder import TableEncoder

__all__ = ["INTERRUPTED", "train"]


def train(
    network: Network | Model,
    X: Any,
    Y: Any,
    *,
    optimizer: str | Optimizer = "adam",
    loss: str | Loss | None = None,
    batch_size: int = 32,
    epochs: int = 20,
    validation: float | tuple[Any, ...] | None = None,
    callbacks: Callback | Iterable[Callback] = (),
    seed: int = 0,
    engine: str = "auto",
    n_threads: int | None = None,
    schedule: str | Schedule = "constant",
    penalties: str | Penalty | Iterable[str | Penalty] = (),
    clip: float | None = None,
    weights: Any = None,
    metrics: str | Sequence[str] | None = None,
    encoder: TableEncoder | None = None,
    target: TargetEncoder | None = None,
    dtype: npt.DTypeLike | None = None,
    check_finite: bool = True,
) -> Model:
    """Train a network by gradient descent and give the trained `Model`; what is passed in is left as it was.

    In each epoch the rows are shuffled and cut into batches; each batch makes one update of theta with the gradient of
    its mean loss. The whole set as one batch is batch descent, 1 is stochastic descent, between is mini-batch descent;
    a last, smaller batch is used too, with the mean over its own rows.

    Args:
        network: a `Network`, whose parameters are drawn from the seed, or a `Model` to go on from: with shuffles of its
            own, and with the optimizer's memory and the schedule beginning anew.
        X: inputs, shape (n, N_0), also as a sparse matrix of SciPy's, or raw rows where an encoder is given.
        Y: class numbers, labels, one-hot rows or values, n of them.
        optimizer: by name or as `SGD(3.0)`, `Adam(1e-3)`, ….
        loss: by name or record; None takes the one that belongs to the output activation, or the model's own.
        batch_size: rows in a batch, at least 1; at least 2 for batch normalization.
        epochs: passes over the data, at least 1.
        validation: (X, Y) or (X, Y, weights) to measure after each epoch, or the share of rows to set aside for it
            (seeded, stratified for classes), or None.
        callbacks: one or several, see `chainrule.training.callbacks`.
        seed: for initialization, shuffling, dropout and the validation split.
        engine: "auto" or an engine's name.
        n_threads: how many threads may compute, at most; None: what CHAINRULE_THREADS says, else all cores that this
            process may use. See `chainrule.limit_threads`.
        schedule: the learning rate's course, by name or record.
        penalties: `L1`, `L2`, `MaxNorm`, one or several.
        clip: largest Euclidean norm of a batch's gradient, or None.
        weights: one weight per row, or None.
        metrics: what to measure after each epoch on the training and validation parts; None takes accuracy or rmse, ()
            nothing, which saves a pass over the data.
        encoder: turns raw rows into inputs; kept in the model.
        target: what Y means; None finds it out. Kept in the model.
        dtype: float64 or float32; None takes the model's own, float64 for a network.
        check_finite: False goes on whatever happens, for experiments.

    Returns:
        The trained model; ``model.history`` holds the series, ``model.history.stopped`` the reason it ended. Ctrl-C
        ends training after the current batch and gives the model as it stands then.

    Raises:
        DivergenceError: at the first batch whose loss, gradient or update is not finite, or where the trained model's
            loss is not; it carries the last good model.
        UsageError, ShapeError, UnknownName, DataError: for arguments that cannot be.

    >>> from chainrule import Network, train, SGD
    >>> network = Network.from_sizes([2, 4, 1], hidden="tanh", output="sigmoid")
    >>> model = train(network, [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0], optimizer=SGD(1.0), batch_size=4,
    ...     epochs=500)
    >>> model.predict([[0, 1], [1, 1]]).tolist()
    [1, 0]
    """
    check_threads(n_threads)
    seed, batch_size, epochs = check_seed(seed), prepare.check_batch_size(batch_size), prepare.check_epochs(epochs)
    model = prepare.start_model(network, loss, seed, dtype)
    if encoder is not None:
        model.encoder = encoder
    inputs = as_inputs(X, model.network, model.dtype, model.encoder)
    if not len(inputs):
        raise DataError("X has no rows; at least one example is needed")
    if target is None:
        target = model.target or fit_target(model.network, model.loss, Y, len(inputs))
    check_target(target, model.network)
    model.target = target
    whole = prepare.make_part(model, inputs, Y, weights)
    part, held_out = prepare.set_aside(model, whole, validation, seed)
    prepare.check_batches(model.network, batch_size, len(part.X))
    if held_out is not None and check_finite:
        prepare.check_held_out(held_out)
    chosen, course = OPTIMIZERS.find(optimizer), SCHEDULES.find(schedule)
    job = Job(
        objective=Objective(model.network, model.loss, prepare.find_penalties(penalties)),
        X=part.X,
        Y=part.Y,
        weights=part.weights,
        optimizer=chosen,
        rates=prepare.learning_rates(chosen, course, math.ceil(len(part.X) / batch_size), epochs),
        batch_size=batch_size,
        clip=prepare.check_clip(clip),
        seed=seed,
        check_finite=check_finite,
        updates_before=model.history.updates if model.history else 0,
    )
    prepare.check_trainable(model.network, job.objective)
    model.settings = _settings(job, course, epochs)
    measured = prepare.find_metrics(metrics, model)
    stored = part.X.data.size / len(part.X) if isinstance(part.X, SparseRows) else None
    with limit_threads(n_threads):
        computing, reason = _engine(engine, effort(model.network, len(part.X), batch_size, epochs, stored), job)
        return Run(model, job, computing, reason, part.rows, held_out, measured, callbacks, epochs).go()


def _engine(name: str, seconds: float, job: Job) -> tuple[Engine, Message]:
    """Give what computes, and why."""
    worth = compiling(job.objective.network)
    engine = choose(name, seconds, worth)
    refusal = getattr(engine, "refusal", None)
    refused = None if refusal is None else refusal(job)
    return (engine, why(name, seconds, engine, worth)) if refused is None else (choose("reference"), refused)


def _settings(job: Job, schedule: Schedule, epochs: int) -> dict[str, Any]:
    """Give what the model keeps of how it was trained, as plain data."""
    return {
        "optimizer": job.optimizer.describe(),
        "loss": job.objective.loss.describe(),
        "schedule": schedule.describe(),
        "penalties": [penalty.describe() for penalty in job.objective.penalties],
        "clip": job.clip,
        "batch_size": job.batch_size,
        "epochs": epochs,
        "seed": job.seed,
        "rows": len(job.X),
    }
