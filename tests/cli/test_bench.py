"""`chainrule bench`: what it prints, writes and refuses. What other processes measure is made up here."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from chainrule import bench
from chainrule.bench import WORKLOADS, Comparison, Measured, Peak
from chainrule.bench.contenders import Way, find
from chainrule.cli import bench as command
from chainrule.language import Message

PEAK = Peak(single=100.0, single_all=200.0, double=50.0, double_all=100.0, cores=2, by="fma")
RUNS = (
    Measured(Way("compiled"), (0.05, 0.06, 0.04), {"loss": (0.2,) * 3, "accuracy": (0.9, 0.93, 0.91)}, first=1.5),
    Measured(Way("jax", 2, "gather"), (0.15, 0.18, 0.12), {"loss": (0.2,) * 3}, first=0.7),
    Measured(Way("scikit-learn", 1), (0.5,) * 3, {"difference": (1e-7,) * 3}, note=Message("cross-entropy")),
    Measured(Way("pytorch", 1, "eager"), failed="no room for {braces}"),
)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Put made-up results in the place of measured ones; gives what was asked for."""
    calls: list[dict[str, Any]] = []

    def compare(workload, peak, **settings):
        calls.append({"name": workload.name} | settings)
        settings["tell"](Message("{workload}: at work", workload=workload.name))
        return Comparison(workload, Message("made up"), RUNS, (find("onnxruntime"),), peak)

    monkeypatch.setattr(bench, "compare", compare)
    monkeypatch.setattr(bench, "measure", lambda threads: dataclasses.replace(PEAK, cores=threads))
    monkeypatch.setattr("chainrule.bench.peak.cores", lambda: 2)
    return calls


def test_prints_a_table_of_each_workload(chainrule, asked, monkeypatch):
    monkeypatch.setenv("COLUMNS", "160")
    run = chainrule("bench", "--only", "784-30-10")
    assert (run.code, run.err) == (0, "")
    assert "100 GFLOP/s in float32 and 50 in float64 with one core, 200 and 100 with 2" in run.out
    assert "Data: made up. Arithmetic: 4.79 GFLOP, at one core's peak 47.9 ms, at that of 2 24.0 ms." in run.out
    lines = {line.split("  ")[0]: " ".join(line.split()) for line in run.out.splitlines()}
    assert (
        lines["compiled engine"] == "compiled engine 50.0 ms 40.0–60.0 1.00 91.0 % (90.0–93.0) 47.9 % first run 1.50 s"
    )
    assert "3.00 loss 0.2 16.0 % rows gathered by batch, 2 threads; first run 700 ms" in lines["JAX"]
    assert "10.00 off by 1.0e-07" in lines["scikit-learn"]
    assert "scikit-learn: cross-entropy" in run.out
    assert "PyTorch failed: no room for {braces}" in run.out
    assert "Not installed, and so not compared with: ONNX Runtime. To install: pip install onnxruntime onnx" in run.out


def test_all_workloads_are_the_default(chainrule, asked):
    assert chainrule("bench").code == 0
    assert [call["name"] for call in asked] == list(WORKLOADS)
    assert all((call["repeats"], call["threads"], call["compiling"]) == (0, 0, True) for call in asked)


def test_options_reach_the_measuring(chainrule, asked, tmp_path):
    names = ("--only", "2-2-2", "--only", "predict-1")
    run = chainrule("bench", *names, "--quick", "--threads", 1, "--data-dir", tmp_path)
    assert run.code == 0
    assert [call["name"] for call in asked] == ["2-2-2", "predict-1"]
    assert all((call["repeats"], call["threads"], call["compiling"]) == (3, 1, False) for call in asked)
    assert asked[0]["data_dir"] == tmp_path
    chainrule("bench", *names, "--quick", "--repeats", 5)
    assert asked[-1]["repeats"] == 5


def test_json_has_everything(chainrule, asked):
    run = chainrule("bench", "--only", "784-30-10", "--json")
    found = json.loads(run.out)
    assert found["machine"]["peak"]["single_all"] == 200.0
    (comparison,) = found["comparisons"]
    assert comparison["workload"]["name"] == "784-30-10"
    assert [row["contender"] for row in comparison["measured"]] == ["compiled", "jax", "scikit-learn", "pytorch"]
    jax = comparison["measured"][1]
    assert (round(jax["ratio"], 9), jax["seconds"], jax["scores"]["loss"]) == (3.0, [0.15, 0.18, 0.12], [0.2] * 3)
    assert comparison["absent"] == ["onnxruntime"]
    assert "784-30-10" in run.err


def test_draws_the_ratios(chainrule, asked, tmp_path):
    run = chainrule("bench", "--only", "784-30-10", "--plot", "ratios.svg")
    assert run.code == 0
    picture = (tmp_path / "ratios.svg").read_text(encoding="utf-8")
    assert picture.count("<path") > 10
    assert "ratios.svg" in run.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--only", "784-30-11"], "unknown workload '784-30-11'; did you mean '784-30-10'?"),
        (["--repeats", "0"], "--repeats is 0; expected 1 or more"),
        (["--threads", "-1"], "--threads is -1; expected 1 or more"),
        (["--plot", "ratios.txt"], "in which format"),
    ],
)
def test_wrong_usage_is_refused_before_any_work(chainrule, asked, arguments, said):
    run = chainrule("bench", *arguments)
    assert run.code == 2
    assert said in run.err
    assert not asked


def test_names_are_completed():
    assert command._names("784-3") == ["784-30-10"]
    assert command._names("") == list(WORKLOADS)
