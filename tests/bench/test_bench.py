"""What is timed, by whom and how; times themselves are never compared with anything here."""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from chainrule.bench import peak as peaks
from chainrule.bench import rounds
from chainrule.bench.contenders import CONTENDERS, Way, absent, engines, taking_part, ways
from chainrule.bench.contenders import find as find_contender
from chainrule.bench.examples import make, read, write
from chainrule.bench.peak import Peak
from chainrule.bench.results import Comparison, Measured, duration, span
from chainrule.bench.rounds import Worker, _Failed, compare
from chainrule.bench.worker import prepare, run_once
from chainrule.bench.workloads import WORKLOADS, Workload, find
from chainrule.errors import UnknownName, UsageError
from chainrule.language import Message

PEAK = Peak(single=100.0, single_all=200.0, double=50.0, double_all=100.0, cores=2, by="fma")
TINY = Workload(
    name="tiny",
    title=Message("tiny"),
    sizes=(6, 5, 3),
    hidden="sigmoid",
    output="softmax",
    loss="categorical_cross_entropy",
    rows=40,
    data="table",
    against=("scikit-learn",),
    optimizer="adam",
    rate=0.01,
    batch_size=12,
    epochs=3,
    repeats=2,
)
# All rows in one batch: whatever the order of the rows, every library makes the very same updates.
WHOLE = dataclasses.replace(TINY, batch_size=40, epochs=20, dtype="float64")
PREDICTING = dataclasses.replace(TINY, optimizer="", epochs=0, batch_size=0, calls=2)

TASKS = {
    "softmax, adam": WHOLE,
    "sigmoid, adamw": dataclasses.replace(
        WHOLE, sizes=(6, 5, 4, 1), hidden="relu", output="sigmoid", loss="binary_cross_entropy", optimizer="adamw"
    ),
    "squared error, sgd": dataclasses.replace(
        WHOLE, output="sigmoid", loss="half_squared_error", optimizer="sgd", rate=0.5, initializer="normal"
    ),
    "one example": dataclasses.replace(find("2-2-2"), epochs=30),
    "batches": dataclasses.replace(TINY, sizes=(6, 5, 1), output="sigmoid", loss="binary_cross_entropy"),
    "predicting": PREDICTING,
}


def scores_of(contender: str, workload: Workload, form: str = "") -> dict[str, float]:
    packages = CONTENDERS[contender].packages
    if not all(importlib.util.find_spec(name) for name in packages):
        pytest.skip(f"{contender} is not installed")
    examples, _ = make(workload)
    runner, ready = prepare(workload, Way(contender, 1, form), examples)
    assert set(ready) == {"loading", "first", "versions", "note"}
    assert json.loads(json.dumps(ready))
    answer = run_once(runner, workload, examples, seed=3)
    assert answer["seconds"] > 0
    return dict(answer["scores"])


# What is done


def test_operations_are_those_of_the_matrix_products():
    assert find("784-30-10").operations == 50_000 * 2 * (784 * 30 + 30 * 10 + 784 * 30 + 30 * 10 + 30 * 10)
    assert find("predict-1").operations == 2 * (784 * 100 + 100 * 10)


@pytest.mark.parametrize("name", WORKLOADS)
def test_workloads_are_whole(name):
    workload = find(name)
    assert workload.network().sizes == workload.sizes
    assert Workload.from_dict(json.loads(json.dumps(workload.to_dict()))) == workload
    assert "x".join(map(str, workload.sizes)) == workload.name.replace("-", "x") or not workload.trains
    for contender in map(find_contender, workload.against):
        assert ways(contender, workload, 2)


def test_updates_count_the_last_smaller_batch():
    assert TINY.updates == 3 * 4
    assert find("30-20-10-5-1").updates == 2_500
    assert find("2-2-2").updates == 10_000
    assert PREDICTING.updates == 0


def test_unknown_names_are_refused():
    with pytest.raises(UnknownName, match="784-30-10"):
        find("784-30-11")
    with pytest.raises(UnknownName, match="pytorch"):
        find_contender("torch")
    with pytest.raises(UsageError, match="moon"):
        make(dataclasses.replace(TINY, data="moon"))


# With which data


@pytest.mark.parametrize("name", ["30-20-10-5-1", "2-2-2", "predict-1"])
def test_examples_have_the_shapes_of_the_workload(name, monkeypatch):
    monkeypatch.delenv("CHAINRULE_DATA_DIR", raising=False)
    workload = find(name)
    examples, what = make(workload)
    assert what
    for X, Y in ((examples.X, examples.Y), (examples.X_test, examples.Y_test)):
        assert X.dtype == Y.dtype == workload.dtype
        assert (X.shape[1], Y.shape[1]) == (workload.sizes[0], workload.sizes[-1])
        assert len(X) == len(Y)
    assert len(examples.X) == workload.rows
    assert len(examples.labels) in (0, workload.rows)


def test_examples_are_the_same_each_time_and_travel_in_files(tmp_path):
    examples, _ = make(TINY)
    write(examples, tmp_path)
    for other in (make(TINY)[0], read(tmp_path)):
        for field in dataclasses.fields(examples):
            np.testing.assert_array_equal(getattr(other, field.name), getattr(examples, field.name))


def test_the_made_up_table_can_be_learnt():
    examples, _ = make(dataclasses.replace(TINY, rows=2_000))
    shares = examples.Y.mean(axis=0)
    assert shares.min() > 0.1
    least_squares = np.linalg.lstsq(examples.X, examples.Y, rcond=None)[0]
    hits = (examples.X_test @ least_squares).argmax(axis=1) == examples.Y_test.argmax(axis=1)
    assert hits.mean() > shares.max() + 0.1


# By whom


def test_every_library_is_tried_with_one_thread_and_with_all():
    ways_of = {name: ways(CONTENDERS[name], TINY, 4) for name in CONTENDERS}
    assert [way.threads for way in ways_of["scikit-learn"]] == [1, 4]
    assert [way.threads for way in ways_of["compiled"]] == [0]
    assert {way.form for way in ways_of["pytorch"]} == {"eager", "compiled"}
    assert {way.form for way in ways(CONTENDERS["pytorch"], TINY, 4, compiling=False)} == {"eager"}
    assert {way.form for way in ways_of["jax"]} == {"gather", "sorted"}
    assert [way.threads for way in ways(CONTENDERS["scikit-learn"], TINY, 1)] == [1]
    assert {way.form for way in ways(CONTENDERS["reference"], find("2-2-2"), 1)} == {"epochs", "repeated"}
    texts = [str(way.text) for several in ways_of.values() for way in several if len(several) > 1]
    assert all(texts)


def test_only_what_is_installed_takes_part(monkeypatch):
    monkeypatch.setattr("chainrule.bench.contenders.find_spec", lambda name: None if name == "sklearn" else object())
    assert "scikit-learn" not in [each.name for each in taking_part(TINY)]
    assert [each.name for each in absent(TINY)] == ["scikit-learn"]
    assert engines()[-1] == "reference"


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("contender", ["compiled", "jax", "pytorch", "onnxruntime", "scikit-learn", "outputs"])
def test_libraries_do_the_same(contender, task):
    workload = TASKS[task]
    if contender in ("onnxruntime", "outputs") and workload.trains:
        pytest.skip("only predicts")
    if contender == "jax" and not workload.trains:
        pytest.skip("takes no part in predictions")
    if contender == "scikit-learn" and workload.data == "step-by-step":
        pytest.skip("takes no part in this")
    form = {"pytorch": "eager", "jax": "gather"}.get(contender, "")
    found, expected = scores_of(contender, workload, form), scores_of("reference", workload)
    assert found.keys() == expected.keys()
    if not workload.trains:
        assert found["difference"] < 1e-6
    elif contender == "scikit-learn" or workload is TASKS["batches"]:  # its own first weights; other shuffles
        assert found["loss"] == pytest.approx(expected["loss"], rel=0.5)
    else:
        assert found["loss"] == pytest.approx(expected["loss"], rel=1e-6)


def test_forms_of_jax_and_of_our_own_do_the_same():
    one = TASKS["one example"]
    assert scores_of("reference", one, "repeated") == pytest.approx(scores_of("reference", one, "epochs"), rel=1e-9)
    batches = TASKS["batches"]
    assert scores_of("jax", batches, "sorted") == pytest.approx(scores_of("jax", batches, "gather"), rel=1e-4)


# In turns


def test_contenders_take_turns_in_processes_of_their_own():
    heard: list[str] = []
    workload = dataclasses.replace(TINY, against=("scikit-learn", "onnxruntime"))
    found = compare(workload, PEAK, threads=1, repeats=3, tell=lambda text: heard.append(str(text)))
    names = [each.way.contender for each in found.ran]
    assert names[: len(engines())] == engines()
    assert not [each.failed for each in found.measured if each.way.contender != "onnxruntime" and each.failed]
    for each in found.ran:
        assert len(each.seconds) == len(each.scores["loss"]) == 3
        assert len(set(each.scores["loss"])) == 3, "each round has its own seed"
        assert each.versions
    assert heard[-1] == "tiny: round 3 of 3"
    assert json.dumps(found.to_dict())


def test_the_fastest_way_goes_on_and_the_others_end(monkeypatch, tmp_path):
    monkeypatch.setattr(rounds, "_try", lambda worker: {"epochs": 2.0, "repeated": 1.0}[worker.way.form])
    one = TASKS["one example"]
    write(make(one)[0], tmp_path)
    both = ways(CONTENDERS["reference"], one, 1)
    worker, measured = rounds._choose(CONTENDERS["reference"], one, both, tmp_path, 0)
    assert worker is not None
    with worker:
        assert measured.way.form == worker.way.form == "repeated"
        assert list(measured.tried.values()) == [2.0, 1.0]
        assert worker.run(0)["scores"]["loss"] > 0


def test_a_contender_that_fails_says_why(tmp_path):
    write(make(TINY)[0], tmp_path)
    with Worker(TINY, Way("nobody"), tmp_path) as worker, pytest.raises(_Failed, match="unknown contender 'nobody'"):
        worker.prepare()
    worker, measured = rounds._choose(CONTENDERS["jax"], TINY, [Way("nobody"), Way("no one")], tmp_path, 0)
    assert worker is None
    assert "unknown contender" in measured.failed


def test_a_process_that_dies_is_a_failure(tmp_path):
    write(make(TINY)[0], tmp_path)
    with Worker(TINY, Way("reference", 1), tmp_path) as worker:
        assert worker.prepare()["versions"]
        worker._process.kill()
        runs = rounds._rounds([worker], 1, TINY, lambda _: None)
    assert "ended with code" in runs[0][0]["failed"]
    assert rounds._with_runs(Measured(Way("reference")), runs[0]).failed


def test_what_libraries_print_does_not_disturb_the_answers():
    program = (
        "import os; from chainrule.bench.worker import _private_output, _say; answers = _private_output();"
        " print('noise', flush=True); os.write(1, b'more noise'); _say(answers, {'seconds': 1.0})"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == {"seconds": 1.0}
    assert "noise" in done.stderr


# What came out


def measured(name: str, *seconds: float) -> Measured:
    return Measured(Way(name), seconds, {"loss": tuple(0.1 for _ in seconds)})


def test_ratios_are_those_of_rounds():
    base, other, broken = measured("compiled", 1.0, 2.0, 4.0), measured("jax", 4.0, 2.0, 8.0), Measured(Way("pytorch"))
    found = Comparison(TINY, Message("data"), (broken, base, other), (), PEAK)
    assert found.base is base
    assert found.ratio(other) == (2.0, 1.0, 4.0)
    assert found.ratio(base) == (1.0, 1.0, 1.0)
    assert [row.get("ratio") for row in found.to_dict()["measured"]] == [None, 1.0, 2.0]


def test_shares_are_of_the_peak_of_all_cores():
    workload = find("784-30-10")
    found = Comparison(workload, Message("data"), (measured("compiled", 0.1),), (), PEAK)
    assert found.limit(1) == pytest.approx(workload.operations / 100e9)
    assert found.limit(2) == pytest.approx(workload.operations / 200e9)
    assert found.share(found.ran[0]) == pytest.approx(found.limit(2) / 0.1)
    assert Comparison(WHOLE, Message("data"), (), (), PEAK).limit(1) == pytest.approx(WHOLE.operations / 50e9)


def test_where_nobody_ran_there_is_no_base():
    found = Comparison(TINY, Message("data"), (Measured(Way("compiled"), failed="no"),), (), PEAK)
    assert found.base is None
    assert found.to_dict()["measured"][0]["median"] is None


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(123.4, "123 s"), (0.99951, "1.00 s"), (0.9994, "999 ms"), (9.994e-3, "9.99 ms"), (0.0, "0.00 µs")],
)
def test_durations(seconds, text):
    assert duration(seconds) == text


def test_spans_have_the_unit_of_the_median():
    assert span([0.9e-3, 1.2e-3, 0.5]) == "0.90–500"


# What the machine can do


def test_the_loop_of_the_peak_multiplies_and_adds(monkeypatch):
    monkeypatch.setattr(peaks, "_ROUNDS", 3)
    found = peaks.measure(2)
    assert (found.cores, found.by) == (2, "fma" if peaks._loops() else "blas")
    figures = (found.single, found.single_all, found.double, found.double_all)
    assert all(np.isfinite(figure) and figure > 0 for figure in figures)
    assert found.gigaflops(single=True, all_cores=False) == found.single
    assert found.gigaflops(single=False, all_cores=True) == found.double_all


def test_without_a_compiler_products_of_matrices_stand_for_it(monkeypatch):
    asked = []
    monkeypatch.setattr(peaks, "_loops", lambda: None)
    monkeypatch.setattr(peaks, "_by_products", lambda single, threads: asked.append((single, threads)) or 7.0)
    assert peaks.measure(3) == Peak(7.0, 7.0, 7.0, 7.0, 3, "blas")
    assert sorted(asked) == [(False, 1), (False, 3), (True, 1), (True, 3)]
    monkeypatch.setattr(peaks, "_SIDE", 32)
    assert peaks._multiply("float32") > 0


def test_threads_are_set_for_whichever_library_there_is():
    assert peaks.thread_environment(0) == {}
    assert set(peaks.thread_environment(3).values()) == {"3"}
    assert Path(peaks.__file__).is_file()
