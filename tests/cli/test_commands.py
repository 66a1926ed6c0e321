"""evaluate, predict, inspect, data, and what all commands share."""

from __future__ import annotations

import csv
import io
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import chainrule as cr
from chainrule.cli import main
from chainrule.data import names, read_rows

from .conftest import Runner
from .test_train import QUICK, read_json

ROWS = "height,shoes,pet,age\n1.7,9,cat,30\n1.6,8,dog,31\n1.5,7,,32\n"
GOOD_ROWS = "height,pet,age\n1.7,cat,30\n1.6,dog,31\n1.5,,32\n"


# evaluate


def test_evaluation_takes_the_rows_that_were_held_out(chainrule: Runner, people: Path) -> None:
    trained = read_json(chainrule("train", "people.csv", *QUICK, "--json").out)
    found = {
        part: read_json(chainrule("evaluate", "people.safetensors", "people.csv", "--part", part, "--json").out)
        for part in ("auto", "all", "train", "validation", "test")
    }
    assert found["auto"]["part"] == "test"
    assert found["auto"]["metrics"] == found["test"]["metrics"] == trained["metrics"]["test"]
    assert found["train"]["metrics"] == trained["metrics"]["train"]
    assert found["validation"]["metrics"] == trained["metrics"]["validation"]
    assert found["all"]["rows"] == 200


def test_the_same_data_are_known_under_another_name(chainrule: Runner, model: Path, people: Path) -> None:
    people.rename("others.csv")
    assert read_json(chainrule("evaluate", model, "others.csv", "--json").out)["part"] == "test"


def test_other_data_are_measured_whole(chainrule: Runner, model: Path, people: Path) -> None:
    people.write_bytes(people.read_bytes() + b"30,cat,1.7,old\n")
    found = read_json(chainrule("evaluate", model, people, "--json").out)
    assert (found["part"], found["rows"]) == ("all", 201)


def test_evaluation_of_standard_input(chainrule: Runner, model: Path, people: Path) -> None:
    found = read_json(chainrule("evaluate", model, "-", "--json", stdin=people.read_bytes()).out)
    assert (found["part"], found["rows"]) == ("all", 200)


def test_evaluation_as_text_and_picture(chainrule: Runner, model: Path, people: Path) -> None:
    run = chainrule("evaluate", model.name, people.name, "--plot", "matrix.png")
    assert "40 rows of people.csv (test rows" in run.out
    assert " %" in run.out
    assert Path("matrix.png").stat().st_size > 0


def test_labels_that_are_written_otherwise(chainrule: Runner, tmp_path: Path) -> None:
    """Class numbers of a built-in set, and the same ones in a file, as text among numbers."""
    X = "\n".join(f"{k % 7},{k % 2}" for k in range(60))
    (tmp_path / "numbers.csv").write_text(f"x,target\n{X}\n", encoding="utf-8")
    assert chainrule("train", "numbers.csv", *QUICK).code == 0
    (tmp_path / "floats.csv").write_text("x,target\n1,0.0\n2,1.0\n", encoding="utf-8")
    run = chainrule("evaluate", "numbers.safetensors", "floats.csv", "--plot", "x.png")
    assert run.code == 0, run.err


# predict


def test_predictions_as_csv(chainrule: Runner, model: Path) -> None:
    run = chainrule("predict", model, stdin=GOOD_ROWS)
    rows = list(csv.DictReader(io.StringIO(run.out)))
    assert list(rows[0]) == ["prediction", "probability_old", "probability_young"]
    assert [row["prediction"] for row in rows] == cr.load(model).predict(read_rows(io.StringIO(GOOD_ROWS))).tolist()
    for row in rows:
        assert abs(float(row["probability_old"]) + float(row["probability_young"]) - 1) < 1e-6
    assert run.err == ""


def test_predictions_are_the_same_everywhere(chainrule: Runner, model: Path, tmp_path: Path) -> None:
    printed = chainrule("predict", model, stdin=GOOD_ROWS).out
    (tmp_path / "rows.csv").write_text(GOOD_ROWS, encoding="utf-8")
    run = chainrule("predict", model, "rows.csv", "--out", "answers.csv")
    assert "3 predictions written to answers.csv" in run.out
    assert (tmp_path / "answers.csv").read_text(encoding="utf-8") == printed
    chainrule("predict", model, "rows.csv", "--out", "answers.tsv")
    assert (tmp_path / "answers.tsv").read_text(encoding="utf-8") == printed.replace(",", "\t")
    found = read_json(chainrule("predict", model, "rows.csv", "--json").out)
    rows = list(csv.DictReader(io.StringIO(printed)))
    assert found["predictions"] == [row["prediction"] for row in rows]
    assert found["classes"] == ["old", "young"]
    assert np.allclose(
        found["probabilities"], [[float(row["probability_old"]), float(row["probability_young"])] for row in rows]
    )
    receipt = read_json(chainrule("predict", model, "rows.csv", "--out", "answers.csv", "--json").out)
    assert (receipt["rows"], receipt["out"]) == (3, "answers.csv")
    assert "predictions" not in receipt


def test_predicted_values(chainrule: Runner) -> None:
    assert chainrule("train", "diabetes", *QUICK).code == 0
    assert chainrule("train", "step-by-step", *QUICK).code == 0
    values = chainrule("predict", "diabetes.safetensors", "diabetes").out.splitlines()
    assert values[0] == "prediction"
    assert len(values) == 443
    assert float(values[1]) > 0
    assert chainrule("predict", "step-by-step.safetensors", "step-by-step").out.startswith(
        "prediction_0,prediction_1\n"
    )
    found = read_json(chainrule("predict", "diabetes.safetensors", "diabetes", "--json").out)
    assert found["probabilities"] is None
    assert found["predictions"][0] == pytest.approx(float(values[1]), rel=1e-5)


def test_predictions_do_not_overwrite_what_they_read(chainrule: Runner, model: Path, people: Path) -> None:
    for place in (people, model):
        before = place.read_bytes()
        run = chainrule("predict", model, people, "--out", place)
        assert run.code == 2
        assert "cannot be written over" in run.err
        assert place.read_bytes() == before


def test_codes_that_look_like_numbers(chainrule: Runner, tmp_path: Path) -> None:
    """A category 01 is not 1, even in a file where all look like numbers."""
    rows = [f"{'01' if k % 2 else 'x7'},{k % 5},{'a' if k % 2 else 'b'}" for k in range(80)]
    (tmp_path / "codes.csv").write_text("\n".join(["code,x,target", *rows]), encoding="utf-8")
    assert chainrule("train", "codes.csv", "--epochs", "20").code == 0
    run = chainrule("predict", "codes.safetensors", stdin="code,x\n01,3\n01,4\n")
    assert run.err == ""
    assert [line.partition(",")[0] for line in run.out.splitlines()[1:]] == ["a", "a"]


@pytest.mark.parametrize("kind", ["npz", "npy"])
def test_arrays(kind: str, chainrule: Runner, tmp_path: Path) -> None:
    X = np.arange(240.0).reshape(80, 3) % 7
    y = (X[:, 0] > 3).astype(int)
    if kind == "npz":
        np.savez(tmp_path / "a.npz", X=X, y=y)
    else:
        np.save(tmp_path / "a.npy", np.column_stack([X, y]))
    np.save(tmp_path / "rows.npy", X)
    assert chainrule("train", f"a.{kind}", *QUICK).code == 0
    assert chainrule("evaluate", "a.safetensors", f"a.{kind}").code == 0
    assert len(chainrule("predict", "a.safetensors", "rows.npy").out.splitlines()) == 81


def test_a_model_without_encoder(chainrule: Runner, tmp_path: Path) -> None:
    network = cr.Network.from_sizes([2, 4, 1], output="sigmoid")
    X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    cr.save(cr.train(network, X, [0, 1, 1, 0], epochs=2), tmp_path / "plain.safetensors")
    rows = "a,b\n0,1\n1,1\n"
    assert len(chainrule("predict", "plain.safetensors", stdin=rows).out.splitlines()) == 3
    wrong = chainrule("predict", "plain.safetensors", stdin="a,b,c\n0,1,2\n")
    assert wrong.code == 3
    assert "standard input" in wrong.err
    assert chainrule("inspect", "plain.safetensors").code == 0


# inspect


def test_inspection(chainrule: Runner, model: Path) -> None:
    text = chainrule("inspect", model).out
    for expected in (
        "Network 5-64-32-1",
        "2 classes: old, young",
        "pet",
        "3 categories",
        "adamw",
        "people.csv",
        "test",
    ):
        assert expected in text
    assert f"chainrule {cr.__version__}" in text
    found = read_json(chainrule("inspect", model, "--json").out)
    assert found["network"]["sizes"] == [5, 64, 32, 1]
    assert found["classes"] == ["old", "young"]
    assert found["versions"]["chainrule"] == cr.__version__
    assert set(found["metrics"]) == {"train", "validation", "test"}
    assert len(found["history"]["series"]["loss"]) == 20


# data


def test_list_of_the_sets(chainrule: Runner) -> None:
    text = chainrule("data", "list").out
    assert all(record.name in text for record in names())
    assert len(read_json(chainrule("data", "list", "--json").out)["sets"]) == len(names())


def test_a_look_into_data(chainrule: Runner, people: Path) -> None:
    text = chainrule("data", "show", "people.csv").out
    for expected in ("200 rows, 3 columns", "Target group (the last column)", "young", "3 categories", "20 to 69"):
        assert expected in text
    found = read_json(chainrule("data", "show", "people.csv", "--json").out)
    assert (found["rows"], found["target"], len(found["columns"])) == (200, "group", 3)
    assert "image" in chainrule("data", "show", "digits").out
    assert "mean" in chainrule("data", "show", "diabetes").out


# All commands.


def test_version(chainrule: Runner) -> None:
    assert chainrule("--version").out == f"chainrule {cr.__version__}\n"


@pytest.mark.parametrize("command", [[], ["train"], ["evaluate"], ["predict"], ["inspect"], ["data"], ["data", "show"]])
def test_help(command: list[str], chainrule: Runner) -> None:
    run = chainrule(*command, "--help")
    assert run.code == 0
    assert "Usage" in run.out


@pytest.mark.parametrize("command", [[], ["data"]])
def test_no_command_shows_help(command: list[str], chainrule: Runner) -> None:
    run = chainrule(*command)
    assert run.code == 2
    assert "Usage" in run.out + run.err


def test_shell_completion(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("_CHAINRULE_COMPLETE", "source_bash")
    assert main([]) == 0
    assert "_CHAINRULE_COMPLETE=complete_bash" in capsys.readouterr().out
    monkeypatch.setenv("_CHAINRULE_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", "chainrule train dig")
    monkeypatch.setenv("COMP_CWORD", "2")
    main([])
    assert "digits" in capsys.readouterr().out


def test_a_closed_pipe_is_silent(model: Path, people: Path) -> None:
    """What `chainrule predict … | head -1` does: the reader goes away."""
    people.write_text(people.read_text(encoding="utf-8") + "30,cat,1.7,old\n" * 20_000, encoding="utf-8")
    command = [sys.executable, "-m", "chainrule", "predict", model.name, people.name]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline().startswith(b"prediction,")
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == 0


def test_a_training_is_not_lost_since_nobody_reads_any_more(people: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "chainrule", "train", people.name, *QUICK]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.wait() == 0
    assert cr.load(tmp_path / "people.safetensors").history.epochs == 3


@pytest.mark.parametrize("command", [["evaluate", "MODEL", "DATA"], ["inspect", "MODEL"], ["data", "show", "DATA"]])
def test_texts_that_a_pipe_cannot_take(command: list[str], model: Path, people: Path) -> None:
    """Chinese column names in a process whose locale knows ASCII only."""
    lines = people.read_text(encoding="utf-8").splitlines()
    people.write_text("\n".join([*lines[:-1], "30,猫,1.7,old"]), encoding="utf-8")
    places = {"MODEL": model.name, "DATA": people.name}
    run = subprocess.run(
        [sys.executable, "-m", "chainrule", *(places.get(word, word) for word in command)],
        capture_output=True,
        env={**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"},
    )
    assert run.returncode == 0, run.stderr
