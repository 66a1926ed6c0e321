"""Arguments and options that several commands have, and those of `train`, each with its help."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from chainrule.cli import completion as complete
from chainrule.cli.resuming import take_stored

__all__ = [
    "DATA",
    "NETWORK",
    "RESULTS",
    "SOURCE_HELP",
    "TRAINING",
    "ActivationName",
    "AsJson",
    "BatchNormFlag",
    "BatchSize",
    "BiasInitializerName",
    "CheckpointEpochs",
    "CheckpointFile",
    "CheckpointMinutes",
    "Clip",
    "DataDir",
    "Drop",
    "DropoutRate",
    "Dtype",
    "Encoding",
    "EngineName",
    "Epochs",
    "InitializerName",
    "L1Strength",
    "L2Strength",
    "Layers",
    "LogFile",
    "LossName",
    "MaxNormLimit",
    "ModelFile",
    "OptimizerName",
    "Out",
    "Patience",
    "Plot",
    "Rate",
    "Resume",
    "Scaling",
    "ScheduleName",
    "Seed",
    "Source",
    "Target",
    "Task",
    "TensorBoardFolder",
    "TestFile",
    "TestShare",
    "Threads",
    "TimeLimitSeconds",
    "ValidationShare",
    "Verbose",
]

NETWORK = "Network"
TRAINING = "Training"
DATA = "Data"
RESULTS = "Results"

SOURCE_HELP = "A built-in set (chainrule data list), or a file: CSV, TSV, Parquet, NPZ, NPY, IDX; - is standard input."

Source = Annotated[str, typer.Argument(metavar="DATA", help=SOURCE_HELP, autocompletion=complete.data_sets)]
# What cannot be read, the reading code says better than Typer's own check: readable=False switches that off.
ModelFile = Annotated[Path, typer.Argument(metavar="MODEL", readable=False, help="A model file that train wrote.")]
AsJson = Annotated[
    bool, typer.Option("--json", help="Print one JSON object to standard output, all else to standard error.")
]
Verbose = Annotated[bool, typer.Option("--verbose", help="Also say why this engine did the work.")]

Target = Annotated[
    str | None,
    typer.Option(
        metavar="COLUMN",
        help="The column to predict, by name or as #N, counted from 0 (#-1 is the last). Default: the column called"
        " target, label, class or y, else the last one.",
        rich_help_panel=DATA,
    ),
]
ModelTarget = Annotated[
    str | None,
    typer.Option(metavar="COLUMN", help="The column with the truth. Default: as in training.", rich_help_panel=DATA),
]
Drop = Annotated[
    str | None,
    typer.Option(metavar="COLUMN,COLUMN", help="Columns to leave out, such as identifiers.", rich_help_panel=DATA),
]
DataDir = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        readable=False,
        help="The folder with the files of mnist or fashion-mnist.",
        rich_help_panel=DATA,
    ),
]
Encoding = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="How the characters of a text file are written, such as latin-1. Default: utf-8.",
        rich_help_panel=DATA,
    ),
]
Task = Annotated[
    str | None,
    typer.Option(
        metavar="TASK",
        help="classification or regression. Default: by what the target holds.",
        autocompletion=complete.tasks,
        rich_help_panel=DATA,
    ),
]
TestFile = Annotated[
    str | None,
    typer.Option("--test", metavar="FILE", help="A file with the rows to test with.", rich_help_panel=DATA),
]
TestShare = Annotated[
    float | None,
    typer.Option(metavar="SHARE", help="Share of the rows to test with. Default: 0.2.", rich_help_panel=DATA),
]
ValidationShare = Annotated[
    float | None,
    typer.Option(metavar="SHARE", help="Share of the rows to stop by. Default: 0.1.", rich_help_panel=DATA),
]
Scaling = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="How numbers are scaled: standard, robust, range or none. Default: standard; range for images.",
        autocompletion=complete.scalings,
        rich_help_panel=DATA,
    ),
]

Layers = Annotated[
    str | None,
    typer.Option(
        metavar="N,N",
        help="Neurons of the hidden layers, such as 30 or 256,128; none for no hidden layer. Default: by the rows.",
        rich_help_panel=NETWORK,
    ),
]
ActivationName = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Of the hidden layers. Default: relu. Parameters behind a colon: leaky_relu:alpha=0.2.",
        autocompletion=complete.activations,
        rich_help_panel=NETWORK,
    ),
]
LossName = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="What is minimized; the output activation follows. Default: cross-entropy, or mean_squared_error.",
        autocompletion=complete.losses,
        rich_help_panel=NETWORK,
    ),
]
DropoutRate = Annotated[
    float | None,
    typer.Option(
        metavar="RATE",
        help="Share of hidden activations left out in training. Default: by the rows; 0 if --layers is given.",
        rich_help_panel=NETWORK,
    ),
]
BatchNormFlag = Annotated[
    bool, typer.Option("--batch-norm", help="Normalize each hidden layer over the batch.", rich_help_panel=NETWORK)
]
InitializerName = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="How weights start. Default: what suits the activation.",
        autocompletion=complete.initializers,
        rich_help_panel=NETWORK,
    ),
]
BiasInitializerName = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="How biases start. Default: zeros.",
        autocompletion=complete.initializers,
        rich_help_panel=NETWORK,
    ),
]
Dtype = Annotated[
    str | None,
    typer.Option(
        metavar="TYPE",
        help="float32 or float64. Default: float32.",
        autocompletion=complete.dtypes,
        rich_help_panel=NETWORK,
    ),
]

OptimizerName = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="How an update is made. Default: adamw. Parameters behind a colon: momentum:mu=0.95.",
        autocompletion=complete.optimizers,
        rich_help_panel=TRAINING,
    ),
]
Rate = Annotated[
    float | None,
    typer.Option(metavar="RATE", help="The learning rate. Default: by the rows.", rich_help_panel=TRAINING),
]
ScheduleName = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="The rate's course. Default: one_cycle; constant if --optimizer is given.",
        autocompletion=complete.schedules,
        rich_help_panel=TRAINING,
    ),
]
BatchSize = Annotated[
    int | None,
    typer.Option(metavar="N", help="Rows in a batch. Default: by the rows.", rich_help_panel=TRAINING),
]
Epochs = Annotated[
    int | None,
    typer.Option(
        metavar="N", help="Passes over the rows, all of them done. Default: by the rows.", rich_help_panel=TRAINING
    ),
]
Patience = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        help="Epochs without a lower validation loss after which training stops. Default: half of the epochs.",
        rich_help_panel=TRAINING,
    ),
]
TimeLimitSeconds = Annotated[
    float | None, typer.Option("--time-limit", metavar="SECONDS", help="Stop then.", rich_help_panel=TRAINING)
]
L1Strength = Annotated[
    float | None,
    typer.Option("--l1", metavar="STRENGTH", help="Penalty on |w|, such as 0.0001.", rich_help_panel=TRAINING),
]
L2Strength = Annotated[
    float | None,
    typer.Option("--l2", metavar="STRENGTH", help="Penalty on w squared, such as 0.0001.", rich_help_panel=TRAINING),
]
MaxNormLimit = Annotated[
    float | None,
    typer.Option(
        "--max-norm",
        metavar="LENGTH",
        help="Longest vector of a neuron's weights, such as 3.",
        rich_help_panel=TRAINING,
    ),
]
Clip = Annotated[
    float | None,
    typer.Option(metavar="LENGTH", help="Longest gradient of a batch, such as 1.", rich_help_panel=TRAINING),
]
Seed = Annotated[
    int,
    typer.Option(metavar="N", help="For split, first weights, shuffling and dropout.", rich_help_panel=TRAINING),
]
EngineName = Annotated[
    str,
    typer.Option(metavar="NAME", help="What computes.", autocompletion=complete.engines, rich_help_panel=TRAINING),
]
Threads = Annotated[
    int | None,
    typer.Option(
        "--threads",
        metavar="N",
        help="Threads that may compute. Default: CHAINRULE_THREADS, else all cores.",
        rich_help_panel=TRAINING,
    ),
]

Out = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        readable=False,
        help="Where the model goes. Default: named after the data, in this folder.",
        rich_help_panel=RESULTS,
    ),
]
Plot = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        readable=False,
        help="Draw the learning curve (PNG, SVG or PDF), and beside it the confusion matrix or the predictions.",
        rich_help_panel=RESULTS,
    ),
]
CheckpointFile = Annotated[
    Path | None,
    typer.Option(
        "--checkpoint",
        metavar="FILE",
        readable=False,
        help="Keep in this file all that is needed to go on with --resume, also when Ctrl-C or SIGTERM ends training.",
        rich_help_panel=RESULTS,
    ),
]
CheckpointEpochs = Annotated[
    int | None,
    typer.Option(
        metavar="N", help="Write it after each N epochs. Default: 1, if no minutes are given.", rich_help_panel=RESULTS
    ),
]
CheckpointMinutes = Annotated[
    float | None, typer.Option(metavar="M", help="Write it after each M minutes.", rich_help_panel=RESULTS)
]
Resume = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        readable=False,
        is_eager=True,
        callback=take_stored,
        help="Go on from this checkpoint, bit for bit; DATA and options are those of then and may be left out.",
        rich_help_panel=RESULTS,
    ),
]
LogFile = Annotated[
    Path | None,
    typer.Option(
        "--log",
        metavar="FILE",
        readable=False,
        help="Write what each epoch measured, as soon as it is done: JSON lines (.jsonl) or CSV (.csv).",
        rich_help_panel=RESULTS,
    ),
]
TensorBoardFolder = Annotated[
    Path | None,
    typer.Option(
        "--tensorboard",
        metavar="FOLDER",
        readable=False,
        help="Write event files for TensorBoard there.",
        rich_help_panel=RESULTS,
    ),
]
