"""`chainrule train`: from a table to a trained network, every decision named."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from chainrule.cli import parameters as p
from chainrule.cli.resuming import Keeping, check_given
from chainrule.language import Message, plural, told, tr

if TYPE_CHECKING:
    from chainrule.cli.output import Output
    from chainrule.data import Dataset
    from chainrule.recipes import Options, Outcome, Prepared, Recipe
    from chainrule.training import Callback, Checkpoint, Diagnosis

__all__ = ["train"]


@dataclass(frozen=True)
class _Places:
    """What is read, and where results go."""

    source: str
    target: str | None
    test: str | None
    data_dir: Path | None
    encoding: str | None
    drop: str | None
    out: Path
    plot: Path | None
    checkpoint: Path | None = None
    log: Path | None = None
    tensorboard: Path | None = None

    def check(self) -> list[Callback]:
        """See that everything can be written, before any work is done; give the logs."""
        from chainrule.cli.files import beside, check_checkpoint_place, check_model_place, check_picture_place
        from chainrule.cli.logs import make_logs
        from chainrule.errors import UsageError

        inputs = [path for path in (self.source, self.test) if path is not None]
        if self.plot is not None and self.plot.absolute() == self.out.absolute():
            raise UsageError("{path} cannot hold both the model and the picture; name two files", path=self.out)
        check_model_place(self.out, inputs)
        if self.checkpoint is not None:
            if self.checkpoint.absolute() == self.out.absolute():
                raise UsageError("{path} cannot hold both the model and the checkpoint; name two files", path=self.out)
            check_checkpoint_place(self.checkpoint, inputs)
        if self.plot is not None:
            for path in (self.plot, beside(self.plot, "confusion"), beside(self.plot, "predictions")):
                check_picture_place(path, [*inputs, self.out])
        return make_logs(self.log, self.tensorboard, [*inputs, self.out])

    @property
    def reading_options(self) -> list[str]:
        """The options by which another command reads the same data."""
        from chainrule.cli.files import is_built_in

        if is_built_in(self.source):  # an encoding is that of the test file
            return _given(("--data-dir", self.data_dir))
        return _given(("--data-dir", self.data_dir), ("--encoding", self.encoding))

    @property
    def training_options(self) -> list[str]:
        """The options by which another training takes the same data."""
        return _given(
            ("--target", self.target),
            ("--test", self.test),
            ("--drop", self.drop),
            ("--data-dir", self.data_dir),
            ("--encoding", self.encoding),
        )


def _given(*options: tuple[str, str | Path | None]) -> list[str]:
    return [text for name, value in options if value is not None for text in (name, str(value))]


def train(
    context: typer.Context,
    data: p.Source,
    target: p.Target = None,
    drop: p.Drop = None,
    task: p.Task = None,
    test: p.TestFile = None,
    test_share: p.TestShare = None,
    validation_share: p.ValidationShare = None,
    scaling: p.Scaling = None,
    data_dir: p.DataDir = None,
    encoding: p.Encoding = None,
    layers: p.Layers = None,
    activation: p.ActivationName = None,
    loss: p.LossName = None,
    dropout: p.DropoutRate = None,
    batch_norm: p.BatchNormFlag = False,
    initializer: p.InitializerName = None,
    bias_initializer: p.BiasInitializerName = None,
    dtype: p.Dtype = None,
    optimizer: p.OptimizerName = None,
    rate: p.Rate = None,
    schedule: p.ScheduleName = None,
    batch_size: p.BatchSize = None,
    epochs: p.Epochs = None,
    patience: p.Patience = None,
    time_limit: p.TimeLimitSeconds = None,
    l1: p.L1Strength = None,
    l2: p.L2Strength = None,
    max_norm: p.MaxNormLimit = None,
    clip: p.Clip = None,
    seed: p.Seed = 0,
    engine: p.EngineName = "auto",
    threads: p.Threads = None,
    out: p.Out = None,
    plot: p.Plot = None,
    checkpoint: p.CheckpointFile = None,
    checkpoint_epochs: p.CheckpointEpochs = None,
    checkpoint_minutes: p.CheckpointMinutes = None,
    resume: p.Resume = None,
    log: p.LogFile = None,
    tensorboard: p.TensorBoardFolder = None,
    as_json: p.AsJson = False,
    verbose: p.Verbose = False,
) -> None:
    """Train a network on a table or a built-in set, and keep it in a file.

    Whatever is not given is decided, and every decision is printed with its reason.
    """
    from chainrule.cli.files import default_model_path
    from chainrule.cli.output import Output
    from chainrule.formulas import ACTIVATIONS, INITIALIZERS, LOSSES, SCHEDULES
    from chainrule.recipes import Options, find_formula, find_optimizer, parse_layers

    if resume is not None:
        check_given(context, resume)
    options = Options(
        task=task,
        layers=None if layers is None else parse_layers(layers),
        activation=None if activation is None else find_formula(ACTIVATIONS, activation),
        loss=None if loss is None else find_formula(LOSSES, loss),
        optimizer=None if optimizer is None else find_optimizer(optimizer),
        rate=rate,
        schedule=None if schedule is None else find_formula(SCHEDULES, schedule),
        batch_size=batch_size,
        epochs=epochs,
        dropout=dropout,
        batch_norm=batch_norm,
        l1=l1,
        l2=l2,
        max_norm=max_norm,
        clip=clip,
        initializer=None if initializer is None else find_formula(INITIALIZERS, initializer),
        bias_initializer=None if bias_initializer is None else find_formula(INITIALIZERS, bias_initializer),
        patience=patience,
        time_limit=time_limit,
        seed=seed,
        dtype=dtype,
        engine=engine,
        n_threads=threads,
        scaling=scaling,
        test_share=test_share,
        validation_share=validation_share,
    )
    keeping = Keeping(checkpoint, checkpoint_epochs, checkpoint_minutes, resume)
    made = out or default_model_path(data)
    places = _Places(
        data, target, test, data_dir, encoding, drop, made, plot, keeping.place, log=log, tensorboard=tensorboard
    )
    output = Output(as_json, lasting=True)
    code = _train(places, options, output, verbose, keeping.checkpoint(context), resume)
    _tell_lost(output, places)
    if code:
        raise typer.Exit(code)


def _train(
    places: _Places, options: Options, output: Output, verbose: bool, checkpoint: Checkpoint | None, resume: Path | None
) -> int:
    """Do it: read, decide, train, keep, draw, tell; gives the exit code."""
    from chainrule.cli.diagnosing import diagnose_outcome
    from chainrule.cli.failures import DONE, INTERRUPTED, ignore_interrupts
    from chainrule.cli.files import load_data
    from chainrule.cli.keeping import train_and_save
    from chainrule.data.loading import without_columns
    from chainrule.recipes import decide, prepare
    from chainrule.training import UpdateRatios
    from chainrule.training.interrupt import Interrupt

    logs = places.check()
    dataset = load_data(
        places.source,
        target=places.target,
        test=places.test,
        data_dir=places.data_dir,
        encoding=places.encoding,
    )
    if places.drop is not None:
        dataset = without_columns(dataset, [name.strip() for name in places.drop.split(",") if name.strip()])
    recipe = decide(dataset, options)
    prepared = prepare(dataset, recipe)
    _tell_decisions(output, dataset, recipe, prepared)
    existed, updates = places.out.exists(), UpdateRatios()
    with Interrupt() as presses:
        outcome = train_and_save(
            dataset, recipe, prepared, places.source, places.out, presses, [*logs, updates], checkpoint, resume
        )
        if outcome.interrupted:
            ignore_interrupts()  # all is saved, and what is left to tell takes no time
    try:
        diagnosis = diagnose_outcome(outcome, prepared, updates)
        _tell_all(output, places, dataset, recipe, prepared, outcome, diagnosis, existed, verbose)
    except KeyboardInterrupt as interrupt:
        raise type(interrupt)(tr("the model is saved in {path}.", path=places.out)) from None
    if not outcome.interrupted:
        return DONE
    return INTERRUPTED if presses.number is None else 128 + presses.number


def _tell_all(
    output: Output,
    places: _Places,
    dataset: Dataset,
    recipe: Recipe,
    prepared: Prepared,
    outcome: Outcome,
    diagnosis: Diagnosis,
    existed: bool,
    verbose: bool,
) -> None:
    from chainrule.cli.diagnosing import tell_findings

    output.say()
    _tell_result(output, outcome, verbose)
    tell_findings(output, diagnosis)
    output.heading(tr("Files"))
    kept = tr("model  {path}  (the older one is replaced)" if existed else "model  {path}", path=places.out)
    output.say(kept)
    pictures = [] if places.plot is None else _draw(places.plot, outcome, prepared)
    for picture in pictures:
        output.say(tr("plot   {path}", path=picture))
    if places.checkpoint is not None:
        output.say(tr("checkpoint  {path}", path=places.checkpoint))
    if places.log is not None:
        output.say(tr("log    {path}", path=places.log))
    if places.tensorboard is not None:
        output.say(tr("events {path}  (tensorboard --logdir {path})", path=places.tensorboard))
    _tell_next(output, places, outcome, diagnosis, recipe)
    output.result(_as_json(places, dataset, recipe, outcome, diagnosis, pictures))


def _tell_lost(output: Output, places: _Places) -> None:
    """Say so where standard output did not take what was printed; the model is saved all the same."""
    if isinstance(output.lost, BrokenPipeError):
        output.note(tr("nobody read standard output to its end; the model is in {path}", path=places.out))
    elif output.lost is not None:
        raise output.lost


def _tell_decisions(output: Output, dataset: Dataset, recipe: Recipe, prepared: Prepared) -> None:
    from chainrule.cli.output import value_text

    output.heading(tr("Data"))
    rows = plural("{n:,} row", "{n:,} rows", len(dataset.y))
    columns = plural("{n:,} column", "{n:,} columns", len(dataset.features))
    output.say(tr("{name}: {rows}, {columns}", name=dataset.name, rows=rows, columns=columns))
    target = tr("to predict: {target}", target=dataset.target)
    if dataset.target_choice:
        target = tr("{text} ({remark})", text=target, remark=dataset.target_choice)
    if recipe["task"] == "classification":
        target = tr("{text}, {k} classes", text=target, k=recipe.target.outputs)
    output.say(target)
    output.heading(tr("Decisions (each is an option: chainrule train --help)"))
    decisions = [prepared.columns, *recipe.decisions.values()]
    output.rows([(tr(d.name), value_text(d.value), told(d.reason)) for d in decisions])
    network = prepared.network
    sizes, count = "-".join(map(str, network.sizes)), network.parameter_count
    output.heading(tr("Network {sizes}, {count:,} parameters", sizes=sizes, count=count))


def _tell_result(output: Output, outcome: Outcome, verbose: bool) -> None:
    from chainrule.cli.measured import tell_metrics
    from chainrule.cli.output import number

    history = outcome.model.history
    assert history is not None
    output.say(
        tr(
            "{epochs} epochs in {seconds:.1f} s: {stopped}, kept: epoch {best} (engine {engine})"
            if history.best_epoch
            else "{epochs} epochs in {seconds:.1f} s: {stopped} (engine {engine})",
            epochs=history.epochs,
            seconds=outcome.seconds,
            stopped=history.stopped,
            best=history.best_epoch,
            engine=history.engine,
        )
    )
    if verbose:
        output.say(tr("engine {engine}: {reason}", engine=history.engine, reason=told(history.engine_reason)))
    output.heading(tr("Result"))
    tell_metrics(output, outcome.metrics, outcome.baseline.metrics, outcome.model.settings["data"]["split"])
    prediction = outcome.baseline.prediction
    means = prediction if isinstance(prediction, list) else [prediction]
    shown = ", ".join(number(each) if isinstance(each, float) else str(each) for each in means)
    kind = outcome.baseline.kind
    output.say(tr("baseline: always the training rows' {kind}, {prediction}", kind=kind, prediction=shown))


def _draw(path: Path, outcome: Outcome, prepared: Any) -> list[Path]:
    from dataclasses import replace

    from chainrule.cli.figures import draw_curve, draw_predictions

    part = next(name for name in ("test", "validation", "train") if name in prepared.parts)
    X, y = prepared.parts[part]
    bare = replace(outcome.model, encoder=None)
    return [draw_curve(outcome.model, path), draw_predictions(bare, bare.predict(X), y, part, path)]


def _tell_next(output: Output, places: _Places, outcome: Outcome, diagnosis: Diagnosis, recipe: Recipe) -> None:
    """Print commands that can be pasted; data from standard input are gone by now."""
    from chainrule.cli.diagnosing import suggestion
    from chainrule.cli.output import command_line, program

    output.heading(tr("Next"))
    name, source, out = program(), _no_option(places.source), _no_option(str(places.out))
    inspect = ["inspect", out]
    commands = [inspect]
    if places.source != "-":
        options = places.reading_options
        commands = [
            ["evaluate", out, source, *options],
            ["predict", out, source, *options, "--out", "predictions.csv"],
            inspect,
        ]
    for command in commands:
        output.say(command_line(name, *command), whole=True)
    if places.source != "-":
        change, why = suggestion(outcome, diagnosis, recipe)
        again = command_line(name, "train", source, *places.training_options, *change)
        more = _more(outcome)
        if more is not None and places.checkpoint is not None:
            again = command_line(name, "train", "--resume", str(places.checkpoint), *more)
            why = tr("goes on where it stopped")
        output.say(f"{again}  # {why}", whole=True)


def _more(outcome: Outcome) -> list[str] | None:
    """Give the options with which a training that was cut short goes on; None for one that was not."""
    from chainrule.training.callbacks import TIME_LIMIT

    stopped = outcome.model.history.stopped if outcome.model.history else ""
    if isinstance(stopped, Message) and stopped.key == TIME_LIMIT:
        return ["--time-limit", f"{2 * float(stopped.fields['seconds']):g}"]
    return [] if outcome.interrupted else None


def _no_option(path: str) -> str:
    """Write a path so that it cannot be taken for an option."""
    return f"./{path}" if path.startswith("-") else path


def _as_json(
    places: _Places, dataset: Dataset, recipe: Recipe, outcome: Outcome, diagnosis: Diagnosis, pictures: list[Path]
) -> dict[str, Any]:
    model, history = outcome.model, outcome.model.history
    assert history is not None
    part = "test" if outcome.metrics["test"] is not None else "train"
    return {
        "task": recipe["task"],
        "model": str(places.out),
        "epochs": history.epochs,
        "best_epoch": history.best_epoch,
        "stopped": history.stopped,
        "interrupted": outcome.interrupted,
        "seconds": round(outcome.seconds, 3),
        "engine": history.engine,
        "engine_reason": history.engine_reason,
        "seed": recipe.options.seed,
        "metrics": outcome.metrics,
        "baseline": {
            "kind": outcome.baseline.kind,
            "prediction": outcome.baseline.prediction,
            "part": part,
            **outcome.baseline.metrics[part],
        },
        "data": model.settings["data"],
        "network": {"sizes": list(model.network.sizes), "parameters": model.network.parameter_count},
        "decisions": model.settings["decisions"],
        "diagnosis": diagnosis.describe(),
        "log": None if places.log is None else str(places.log),
        "tensorboard": None if places.tensorboard is None else str(places.tensorboard),
        "plots": [str(path) for path in pictures],
        "checkpoint": None if places.checkpoint is None else str(places.checkpoint),
    }
