"""`chainrule train`: what it prints, what it writes, and that every option does what it says."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from chainrule import Network, load
from chainrule.formulas import ACTIVATIONS, INITIALIZERS

from .conftest import Runner

QUICK = ("--epochs", "3")


def read_json(text: str) -> dict:
    """One JSON object, and no NaN in it."""

    def refuse(name: str) -> None:
        raise AssertionError(f"{name} in JSON")

    found = json.loads(text, parse_constant=refuse)
    assert isinstance(found, dict)
    return found


def test_a_table_is_all_it_needs(chainrule: Runner, people: Path, tmp_path: Path) -> None:
    run = chainrule("train", "people.csv")
    assert run.code == 0
    assert "people.csv: 200 rows, 3 columns" in run.out
    assert re.search(r"task +classification +'group' holds texts", run.out)
    assert "baseline: always the training rows' majority class" in run.out
    assert "model  people.safetensors" in run.out
    assert load(tmp_path / "people.safetensors").classes == ("old", "young")


def test_verbose_says_why_the_engine(chainrule: Runner, people: Path) -> None:
    assert (
        "engine reference: asked for"
        in chainrule("train", "people.csv", *QUICK, "--engine", "reference", "--verbose").out
    )
    quiet = chainrule("train", "people.csv", *QUICK, "--engine", "reference")
    assert "asked for" not in quiet.out


def test_json_has_what_programs_read(chainrule: Runner, people: Path) -> None:
    run = chainrule("train", "people.csv", *QUICK, "--seed", "7", "--json")
    found = read_json(run.out)
    assert "Decisions" in run.err
    assert (found["task"], found["model"], found["epochs"]) == ("classification", "people.safetensors", 3)
    assert (found["engine"], found["seed"], found["interrupted"]) == ("reference", 7, False)
    assert found["engine_reason"].startswith("auto: it takes about ")
    assert found["seconds"] > 0
    assert list(found["metrics"]) == ["train", "validation", "test"]
    assert all(set(part) == {"accuracy", "loss"} for part in found["metrics"].values())
    assert found["baseline"]["kind"] == "majority class"
    assert 0 < found["baseline"]["accuracy"] < 1
    assert found["data"]["split"]["test_rows"] == 40
    assert {"name": "epochs", "value": 3, "reason": "as given"} in found["decisions"]


def test_json_of_a_regression(chainrule: Runner) -> None:
    found = read_json(chainrule("train", "diabetes", *QUICK, "--json").out)
    assert found["task"] == "regression"
    assert all(set(part) == {"rmse", "mae", "r2", "loss"} for part in found["metrics"].values())
    assert set(found["baseline"]) == {"kind", "prediction", "part", "rmse", "mae", "r2"}


def test_parts_without_rows_have_no_figures(chainrule: Runner) -> None:
    found = read_json(chainrule("train", "xor-table", "--epochs", "600", "--json").out)
    assert found["metrics"]["train"]["accuracy"] == 1
    assert found["metrics"]["validation"] is None
    assert found["metrics"]["test"] is None


def test_every_option_reaches_the_training(chainrule: Runner, people: Path, tmp_path: Path) -> None:
    options = (
        "--target group --task classification --test-share 0.3 --validation-share 0.2 --scaling robust --layers 7,5"
        " --activation leaky_relu:alpha=0.2 --loss half_squared_error --dropout 0.1 --initializer normal"
        " --bias-initializer constant:value=0.5 --dtype float64 --optimizer momentum:mu=0.8 --rate 0.03"
        " --schedule step:every=2 --batch-size 50 --epochs 4 --patience 3 --time-limit 60 --l1 0.001 --l2 0.002"
        " --max-norm 4 --clip 2 --seed 9 --engine reference --threads 1 --out my.model --plot my.svg --encoding utf-8"
    )
    run = chainrule("train", "people.csv", *options.split(), "--json")
    assert run.code == 0, run.err
    found, model = read_json(run.out), load(tmp_path / "my.model")
    assert found["network"]["sizes"] == [5, 7, 5, 1]
    assert model.network == Network.from_sizes(
        [5, 7, 5, 1],
        hidden=ACTIVATIONS.find("leaky_relu", alpha=0.2),
        output="sigmoid",
        dropout=0.1,
        initializer="normal",
        bias_initializer=INITIALIZERS.find("constant", value=0.5),
    )
    settings = model.settings
    assert settings["optimizer"] == {"name": "momentum", "rate": 0.03, "mu": 0.8}
    assert settings["schedule"]["name"] == "step"
    assert settings["schedule"]["every"] == 2
    assert settings["loss"]["name"] == "half_squared_error"
    assert [penalty["name"] for penalty in settings["penalties"]] == ["l1", "l2", "max_norm"]
    assert (settings["clip"], settings["batch_size"], settings["epochs"], settings["seed"]) == (2, 50, 4, 9)
    assert (model.dtype, model.encoder.numbers) == (np.float64, "robust")
    split = settings["data"]["split"]
    assert (split["test_rows"], split["validation_rows"]) == (60, 40)
    assert found["plots"] == ["my.svg", "my-confusion.svg"]


def test_batch_norm(chainrule: Runner, people: Path) -> None:
    chainrule("train", "people.csv", *QUICK, "--batch-norm", "--layers", "4")
    assert [type(layer).__name__ for layer in load("people.safetensors").network.layers] == [
        "Dense",
        "BatchNorm",
        "Dense",
    ]


def test_a_given_test_file(chainrule: Runner, people: Path, tmp_path: Path) -> None:
    lines = people.read_text(encoding="utf-8").splitlines()
    (tmp_path / "test.csv").write_text("\n".join([lines[0], *lines[-30:]]), encoding="utf-8")
    run = chainrule("train", "people.csv", *QUICK, "--test", "test.csv", "--json")
    assert read_json(run.out)["data"]["split"]["test_rows"] == 30
    figures = read_json(run.out)["metrics"]["test"]
    assert read_json(chainrule("evaluate", "people.safetensors", "test.csv", "--json").out)["metrics"] == figures


def test_the_same_seed_gives_the_same_bits(chainrule: Runner, people: Path) -> None:
    for name, seed in (("a", "3"), ("b", "3"), ("c", "4")):
        assert chainrule("train", "people.csv", *QUICK, "--seed", seed, "--out", f"{name}.model").code == 0
    a, b, c = (load(f"{name}.model").theta.tobytes() for name in "abc")
    assert a == b
    assert a != c


def test_plots(chainrule: Runner, tmp_path: Path) -> None:
    assert chainrule("train", "iris", *QUICK, "--plot", "iris.png").code == 0
    assert chainrule("train", "linear", *QUICK, "--plot", "linear.pdf").code == 0
    made = {path.name for path in tmp_path.iterdir()}
    assert {"iris.png", "iris-confusion.png", "linear.pdf", "linear-predictions.pdf"} <= made


def test_an_older_model_is_replaced_and_that_is_said(chainrule: Runner) -> None:
    assert "replaced" not in chainrule("train", "iris", *QUICK).out
    assert "iris.safetensors  (the older one is replaced)" in chainrule("train", "iris", *QUICK).out


def test_training_on_standard_input(chainrule: Runner, people: Path) -> None:
    run = chainrule("train", "-", *QUICK, "--target", "group", stdin=people.read_bytes())
    assert run.code == 0, run.err
    assert "model  model.safetensors" in run.out
    assert "chainrule evaluate" not in run.out


def test_time_limit(chainrule: Runner) -> None:
    found = read_json(chainrule("train", "digits", "--epochs", "100000", "--time-limit", "0.3", "--json").out)
    assert "time limit" in found["stopped"]
    assert found["epochs"] < 100000


@pytest.mark.parametrize("data", ["iris", "diabetes", "xor-table", "people.csv"])
def test_what_it_suggests_works(data: str, chainrule: Runner, people: Path) -> None:
    suggested = chainrule("train", data).out.partition("\nNext\n")[2].strip().splitlines()
    commands = [shlex.split(line, comments=True) for line in suggested]
    assert [command[1] for command in commands] == ["evaluate", "predict", "inspect", "train"]
    for command in commands:
        assert command[0] == "chainrule"
        run = chainrule(*command[1:])
        assert run.code == 0, run.err


def test_a_log_by_its_suffix(chainrule: Runner, people: Path, tmp_path: Path) -> None:
    run = chainrule("train", "people.csv", *QUICK, "--log", "run.jsonl", "--tensorboard", "events/run")
    assert run.code == 0, run.err
    assert "log    run.jsonl" in run.out
    assert "events events/run  (tensorboard --logdir events/run)" in run.out
    kinds = [read_json(line)["kind"] for line in (tmp_path / "run.jsonl").read_text(encoding="utf-8").splitlines()]
    assert kinds == ["run", "epoch", "epoch", "epoch", "end"]
    assert len(list((tmp_path / "events" / "run").iterdir())) == 1
    found = read_json(chainrule("train", "people.csv", *QUICK, "--log", "run.csv", "--json").out)
    assert (found["log"], found["tensorboard"]) == ("run.csv", None)
    assert len((tmp_path / "run.csv").read_text(encoding="utf-8").splitlines()) == 4


@pytest.mark.parametrize(
    ("log", "words"),
    [
        ("run.txt", "one of: .jsonl, .csv"),
        ("people.csv", "cannot hold both"),
        ("./other.csv", "no log of a training"),
        ("nowhere/run.csv", "there is no folder"),
    ],
)
def test_a_log_that_cannot_be(chainrule: Runner, people: Path, tmp_path: Path, log: str, words: str) -> None:
    """It is said before any work is done, and no file is harmed."""
    (tmp_path / "other.csv").write_text("name,age\n", encoding="utf-8")
    before = people.read_bytes()
    run = chainrule("train", "people.csv", *QUICK, "--log", log)
    assert run.code in (1, 2)
    assert words in run.err
    assert run.out == ""
    assert people.read_bytes() == before
    assert (tmp_path / "other.csv").read_text(encoding="utf-8") == "name,age\n"


def test_logging_changes_no_bit(chainrule: Runner, people: Path) -> None:
    for name, log in (("a", []), ("b", ["--log", "run.jsonl", "--tensorboard", "events"])):
        assert chainrule("train", "people.csv", *QUICK, "--out", f"{name}.model", *log).code == 0
    assert load("a.model").theta.tobytes() == load("b.model").theta.tobytes()


def test_it_says_what_went_wrong(chainrule: Runner) -> None:
    run = chainrule("train", "iris", "--rate", "1e-7")
    told = run.out.partition("\nDiagnosis\n")[2].partition("\n\n")[0]
    assert "the learning rate, up to 1e-07, is too low. Try: Take ten times the rate, or more epochs." in told
    assert "chainrule train iris --rate 1e-06  # the loss hardly moved: a higher rate" in run.out
    found = read_json(chainrule("train", "iris", "--rate", "1e-7", "--json").out)["diagnosis"]
    assert found["findings"][0]["key"] == "rate_too_low"
    assert found["findings"][0]["severity"] == "severe"
    assert [layer["layer"] for layer in found["layers"]] == [1, 2, 3]


@pytest.mark.parametrize("data", ["digits", "breast-cancer", "wine"])
def test_a_healthy_training_raises_no_alarm(chainrule: Runner, data: str) -> None:
    run = chainrule("train", data)
    assert run.out.partition("\nDiagnosis\n")[2].startswith("nothing out of the ordinary was measured\n")


def test_an_answer_to_each_finding(chainrule: Runner, people: Path) -> None:
    """Options that are suggested are options that there are."""
    for options, change in (
        (("--rate", "30", "--optimizer", "sgd", "--activation", "tanh"), "--rate 3"),
        (("--scaling", "none", "--activation", "sigmoid", "--rate", "1e-3"), "--"),
    ):
        run = chainrule("train", "breast-cancer", *options, "--epochs", "20")
        (line,) = [line for line in run.out.splitlines() if line.startswith("chainrule train")]
        assert change in line
        assert chainrule(*shlex.split(line, comments=True)[1:], "--epochs", "2").code == 0


def test_mnist_as_in_the_textbook(chainrule: Runner, shared: Path) -> None:
    options = (
        "--layers 30 --activation sigmoid --loss half_squared_error --optimizer sgd --rate 3 --batch-size 10 --epochs 1"
        " --initializer normal --bias-initializer normal --json"
    )
    run = chainrule("train", "mnist", "--data-dir", shared / "data" / "mnist", *options.split())
    found = read_json(run.out)
    assert found["network"]["sizes"] == [784, 30, 10]
    assert load("mnist.safetensors").network.output_activation.name == "sigmoid"
    assert found["metrics"]["test"]["accuracy"] > 0.85


def test_adult_with_defaults_alone(chainrule: Runner, shared: Path) -> None:
    run = chainrule("train", shared / "data" / "tabular" / "adult.csv.gz", "--target", "target", "--json")
    assert read_json(run.out)["metrics"]["test"]["accuracy"] >= 0.85


@pytest.mark.skipif(os.name == "nt", reason="there, a child alone cannot be sent Ctrl-C")
@pytest.mark.parametrize("as_json", [False, True])
def test_ctrl_c_keeps_what_was_learnt(as_json: bool, people: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "chainrule", "train", "people.csv", "--epochs", "1000000", "--batch-size", "1"]
    process = subprocess.Popen(
        command + ["--json"] * as_json, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8"
    )
    lines = process.stderr if as_json else process.stdout
    for line in lines:
        if line.startswith("Network"):
            break
    time.sleep(0.3)  # training begins just after this line; before that, Ctrl-C would end the program at once
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert load(tmp_path / "people.safetensors").history.stopped == "interrupted"
    if as_json:
        assert read_json(out)["interrupted"] is True
    else:
        assert "interrupted" in out
        assert "people.safetensors" in out


def test_lbfgs(chainrule: Runner, people: Path, tmp_path: Path) -> None:
    run = chainrule("train", "people.csv", "--optimizer", "lbfgs:memory=5", "--epochs", "7", "--json")
    assert run.code == 0, run.err
    assert "lbfgs(memory=5, tolerance=0.0001, max_evaluations=15000)" in run.err
    read_json(run.out)
    model = load(tmp_path / "people.safetensors")
    assert model.settings["optimizer"]["memory"] == 5
    assert model.history is not None
    assert model.history.epochs <= 7
    assert "rate" not in model.history
    assert chainrule("inspect", "people.safetensors").code == 0
    refused = chainrule("train", "people.csv", "--optimizer", "lbfgs", "--rate", "0.1")
    assert refused.code == 2
    assert "L-BFGS has no learning rate" in refused.err
    wrong = chainrule("train", "people.csv", "--optimizer", "lbfgs:memry=5")
    assert "lbfgs has no parameter 'memry'; it has: memory, tolerance, max_evaluations" in wrong.err
    assert "did you mean 'lbfgs'" in chainrule("train", "people.csv", "--optimizer", "lbgfs").err
