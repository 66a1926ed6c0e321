"""The loop's door: `train` checks and prepares what it is given, then hands it to a `Run`."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy.typing as npt

from chainrule.arrays import as_inputs, check_target, fit_target
from chainrule.data.targets import TargetEncoder
from chainrule.engines import (
    Carry,
    Engine,
    Job,
    Objective,
    check_threads,
    choose,
    compiling,
    effort,
    limit_threads,
    why,
)
from chainrule.errors import DataError, ModelFileError
from chainrule.formulas import SCHEDULES, Loss, Optimizer, Penalty, Schedule
from chainrule.language import Message
from chainrule.model import Model
from chainrule.network import Network
from chainrule.sparse import SparseRows
from chainrule.storage.checkpoint_file import Kept, read_checkpoint
from chainrule.streams import check_seed
from chainrule.training import preparation as prepare
from chainrule.training.audience import Audience
from chainrule.training.callbacks import Callback
from chainrule.training.checkpoints import Checkpoint
from chainrule.training.identity import Identity, digest, engine_of, identify, refuse_others
from chainrule.training.lbfgs import LBFGS, check_suits, find_optimizer
from chainrule.training.measuring import Measuring, find_metrics
from chainrule.training.memory import Memory
from chainrule.training.rates import ScaledRates, learning_rates
from chainrule.training.run import INTERRUPTED, Run
from chainrule.training.standing import Standing, cannot_go_on, read_standing

if TYPE_CHECKING:
    from chainrule.data.encoder import TableEncoder

__all__ = ["INTERRUPTED", "train"]


def train(
    network: Network | Model,
    X: Any,
    Y: Any,
    *,
    optimizer: str | Optimizer | LBFGS = "adam",
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
    metrics: str | Iterable[Any] | None = None,
    encoder: TableEncoder | None = None,
    target: TargetEncoder | None = None,
    dtype: npt.DTypeLike | None = None,
    check_finite: bool = True,
    shuffle: bool = True,
    memory: Memory | None = None,
    label_smoothing: float = 0.0,
    resume: str | os.PathLike[str] | None = None,
) -> Model:
    """Train a network by gradient descent and give the trained `Model`; what is passed in is left as it was.

    In each epoch the rows are shuffled and cut into batches; each batch makes one update of theta with the gradient of
    its mean loss. The whole set as one batch is batch descent, 1 is stochastic descent, between is mini-batch descent;
    a last, smaller batch is used too, with the mean over its own rows.

    Args:
        network: a `Network`, whose parameters are drawn from the seed, or a `Model` to go on from: with shuffles of its
            own, and with the optimizer's memory and the schedule beginning anew unless ``memory`` is given.
        X: inputs, shape (n, N_0), also as a sparse matrix of SciPy's, or raw rows where an encoder is given.
        Y: class numbers, labels, one-hot rows or values, n of them.
        optimizer: by name or as `SGD(3.0)`, `Adam(1e-3)`, …; "lbfgs" or `LBFGS()` takes all rows at once instead.
        loss: by name or record; None takes the one that belongs to the output activation, or the model's own.
        batch_size: rows in a batch, at least 1; at least 2 for batch normalization. L-BFGS does without it.
        epochs: passes over the data, at least 1; iterations of L-BFGS.
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
        metrics: what to measure after each epoch on the training and validation parts: names, or functions of your own
            as ``{"name": f}``, or a list of both; None takes accuracy or rmse, () nothing, which saves a pass over the
            data. ``f(model, X, Y, weights)`` gives one number, from a copy of the model, the part's inputs as the
            network sees them, its labels or values in their own unit, and its weights or None.
        encoder: turns raw rows into inputs; kept in the model.
        target: what Y means; None finds it out. Kept in the model.
        dtype: float64 or float32; None takes the model's own, float64 for a network.
        check_finite: False goes on whatever happens, for experiments.
        shuffle: False takes the rows as they stand, epoch by epoch.
        memory: a `Memory` whose optimizer's vectors and count of updates are gone on with, schedule included, and which
            keeps them at the end; None begins anew. Where a callback gives back the parameters of an epoch before the
            last, it is emptied, since its vectors are of other parameters.
        label_smoothing: s takes this share from each target of a classification and spreads it over the k classes:
            (1 - s) y + s / k is what training aims at (k = 2 for a single sigmoid output). What is measured, the
            validation loss too, stays that of the true labels; the training loss is that of the smoothed ones.
        resume: the file of a `Checkpoint` to go on from, with the same arguments as then: every number becomes the one
            that an undisturbed training gives, to the bit. There may be more epochs than then where the schedule does
            not depend on how many there are, and more patience or time. With "auto", the engine is the one of then.

    Returns:
        The trained model; ``model.history`` holds the series, ``model.history.stopped`` the reason it ended. Ctrl-C
        and SIGTERM end training after the current batch and give the model as it stands then.

    Raises:
        DivergenceError: at the first batch whose loss, gradient or update is not finite, or where the trained model's
            loss is not; it carries the last good model.
        UsageError, ShapeError, UnknownName, DataError: for arguments that cannot be; UsageError too for a checkpoint of
            other data, settings or versions: it names the difference.
        ModelFileError: for a checkpoint that is damaged, or none.

    >>> from chainrule import Network, train, SGD
    >>> network = Network.from_sizes([2, 4, 1], hidden="tanh", output="sigmoid")
    >>> model = train(network, [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0], optimizer=SGD(1.0), batch_size=4,
    ...     epochs=500)
    >>> model.predict([[0, 1], [1, 1]]).tolist()
    [1, 0]
    """
    check_threads(n_threads)
    checkpoint = None if resume is None else read_checkpoint(resume)
    seed, batch_size, epochs = check_seed(seed), prepare.check_batch_size(batch_size), prepare.check_epochs(epochs)
    model = prepare.start_model(network, loss, seed, dtype)
    part, held_out = prepare.set_aside(model, _read(model, X, Y, weights, encoder, target), validation, seed)
    smoothing = prepare.check_smoothing(label_smoothing, model)
    audience = Audience(callbacks)
    chosen, course = find_optimizer(optimizer), SCHEDULES.find(schedule)
    lbfgs = chosen if isinstance(chosen, LBFGS) else None
    formula = None if isinstance(chosen, LBFGS) else chosen
    if lbfgs is not None:
        batch_size = len(part.X)
    prepare.check_batches(model.network, batch_size, len(part.X))
    if held_out is not None and check_finite:
        prepare.check_held_out(held_out)
    kept = Memory() if memory is None else memory
    start = Carry(model.theta, model.state) if formula is None else kept.start(model.theta, model.state, formula)
    rates = learning_rates(formula, course, math.ceil(len(part.X) / batch_size), epochs)
    job = Job(
        objective=Objective(model.network, model.loss, prepare.find_penalties(penalties)),
        X=part.X,
        Y=prepare.smooth(part.Y, smoothing, model.task),
        weights=part.weights,
        optimizer=formula,
        rates=ScaledRates(rates) if audience.changes_rate else rates,
        batch_size=batch_size,
        clip=prepare.check_clip(clip),
        seed=seed,
        check_finite=check_finite,
        # Those that the memory counts are not counted twice.
        updates_before=max(0, (model.history.updates if model.history else 0) - start.updates),
    )
    prepare.check_trainable(model.network, job.objective)
    if lbfgs is not None:
        keeps = checkpoint is not None or any(isinstance(each, Checkpoint) for each in audience.callbacks)
        check_suits(job.objective, job.clip, course, changes_rate=audience.changes_rate, checkpoint=keeps)
    model.settings = {"optimizer": chosen.describe(), **_settings(job, course, epochs)}
    model.settings |= {"label_smoothing": smoothing, "shuffle": bool(shuffle)}
    wanted = find_metrics(metrics, model)
    stored = part.X.data.size / len(part.X) if isinstance(part.X, SparseRows) else None
    drawn = not isinstance(network, Model) and not start.updates  # else what it begins with is no matter of the seed
    given = None if drawn else digest(start.theta, start.state, *start.slots)
    with limit_threads(n_threads):
        if checkpoint is not None and engine == "auto":
            engine = engine_of(checkpoint)
        computing, reason = _engine(engine, effort(model.network, len(part.X), batch_size, epochs, stored), job)
        measuring = Measuring(model, job, computing, part, held_out, wanted)

        def describe() -> Identity:
            return identify(model, job, held_out, tuple(wanted), computing.name, given, course)

        run = Run(model, job, computing, reason, measuring, audience, epochs, start, describe, lbfgs, shuffle=shuffle)
        trained = run.go(None if checkpoint is None else _standing(checkpoint, run, resume))
    if formula is not None:
        kept.forget() if run.went_back else kept.keep(run.carry, formula)
    return trained


def _read(
    model: Model, X: Any, Y: Any, weights: Any, encoder: TableEncoder | None, target: TargetEncoder | None
) -> prepare.Part:
    """Give all rows as matrices; the model keeps the encoder, and what Y means."""
    if encoder is not None:
        model.encoder = encoder
    inputs = as_inputs(X, model.network, model.dtype, model.encoder)
    if not len(inputs):
        raise DataError("X has no rows; at least one example is needed")
    if target is None:
        target = model.target or fit_target(model.network, model.loss, Y, len(inputs))
    check_target(target, model.network)
    model.target = target
    return prepare.make_part(model, inputs, Y, weights)


def _standing(kept: Kept, run: Run, path: Any) -> Standing:
    """Give where the training that wrote a checkpoint stood, once it is known to be this training."""
    refuse_others(kept, run.identity, path)
    try:
        return replace(read_standing(kept, run.job, run.start, run.earlier), path=str(path))
    except ModelFileError as problem:
        raise cannot_go_on(str(path), problem) from None


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
        "loss": job.objective.loss.describe(),
        "schedule": schedule.describe(),
        "penalties": [penalty.describe() for penalty in job.objective.penalties],
        "clip": job.clip,
        "batch_size": job.batch_size,
        "epochs": epochs,
        "seed": job.seed,
        "rows": len(job.X),
    }
