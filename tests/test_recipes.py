"""What a recipe decides, and why; that what the user says goes before; and what comes of doing it."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.data import Dataset, load
from chainrule.errors import ChainruleError, DataError, UnknownName, UsageError
from chainrule.formulas import ACTIVATIONS, LOSSES, OPTIMIZERS, SCHEDULES
from chainrule.network import Network
from chainrule.recipes import (
    Options,
    Recipe,
    choose_rows,
    decide,
    evaluate,
    find_formula,
    fingerprint,
    finite,
    notes_on,
    parse_layers,
    predict,
    prepare,
    run,
    with_class_names,
)
from chainrule.recipes.threads import one_thread_for_small_products

Array = np.ndarray


def dataset(y: object, columns: int = 3, **more: object) -> Dataset:
    labels = np.asarray(y)
    X = np.random.default_rng(0).normal(size=(len(labels), columns))
    names = tuple(f"x{k}" for k in range(columns))
    return Dataset(**{"name": "made", "X": X, "y": labels, "task": None, "features": names, "target": "y", **more})


def text(*labels: str) -> Array:
    return np.array(labels, dtype=object)


# The task.


@pytest.mark.parametrize(
    ("y", "task", "reason"),
    [
        (text("a", "b").repeat(20), "classification", "'y' holds texts, 2 different ones"),
        (np.array([True, False] * 20), "classification", "'y' holds truth values"),
        (np.arange(40) / 7, "regression", "'y' holds numbers with fractions"),
        (np.arange(40) % 2, "classification", "two whole numbers, 0 and 1"),
        (np.array([0.0, 1.0] * 20), "classification", "two whole numbers"),
        (np.arange(200) % 10, "classification", "10 different whole numbers, each of them often"),
        (np.arange(200) % 21, "regression", "21 different whole numbers, too many"),
        (np.array([1, 2] * 50 + [3]), "regression", "3 in 1 row(s) only"),
        (np.array([1, 2] * 1000 + [3] * 3), "regression", "3 in 3 row(s) only"),
        (np.array([0] * 999 + [1]), "classification", "two whole numbers"),
        (np.zeros((5, 2)), "regression", "2 columns"),
    ],
)
def test_task(y: Array, task: str, reason: str) -> None:
    decision = decide(dataset(y)).decisions["task"]
    assert decision.value == task
    assert reason in decision.reason


def test_task_of_a_built_in_set_is_known() -> None:
    assert "known" in decide(load("digits")).decisions["task"].reason


def test_task_that_is_given() -> None:
    y = np.arange(200) % 10
    recipe = decide(dataset(y), Options(task="regression"))
    assert recipe["task"] == "regression"
    assert recipe.decisions["task"].given
    assert recipe["loss"].name == "mean_squared_error"


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (text("a").repeat(30), "'a' in all 30 rows"),
        (np.full(30, 0.5), "0.5 in all 30 rows"),
        (text(*(f"name{k}" for k in range(60))), "60 different values in 60 rows"),
    ],
)
def test_targets_that_cannot_be_learnt(y: Array, message: str) -> None:
    with pytest.raises(DataError, match=r"made.*--target"):
        decide(dataset(y))
    with pytest.raises(DataError) as caught:
        decide(dataset(y))
    assert message in str(caught.value)


# Everything else.


def sizes(recipe: Recipe) -> tuple[int, int, int]:
    return tuple(len(part) for part in recipe.parts)  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("rows", "parts"), [(4, (4, 0, 0)), (19, (19, 0, 0)), (20, (16, 0, 4)), (99, (79, 0, 20)), (100, (70, 10, 20))]
)
def test_rows_held_out(rows: int, parts: tuple[int, int, int]) -> None:
    assert sizes(decide(dataset(np.arange(rows) % 2))) == parts


def test_validation_rows_are_limited() -> None:
    recipe = decide(dataset(np.arange(200_000) / 3, columns=1))
    assert sizes(recipe) == (150_000, 10_000, 40_000)


def test_a_given_test_part_is_used() -> None:
    given_test = (np.zeros((7, 3)), np.arange(7) % 2)
    data = dataset(np.arange(200) % 2, test=given_test)
    recipe = decide(data)
    assert sizes(recipe) == (180, 20, 0)
    assert recipe["test rows"] == 7
    assert len(prepare(data, recipe).parts["test"][0]) == 7


def test_shares_that_are_given() -> None:
    assert sizes(decide(dataset(np.arange(100) % 2), Options(test_share=0.5, validation_share=0.0))) == (50, 0, 50)


@pytest.mark.parametrize(
    ("rows", "layers", "batch", "epochs"),
    [(4, (16,), 4, 1000), (150, (64, 32), 16, 100), (2000, (128, 64), 32, 60), (20_000, (256, 128), 128, 60)],
)
def test_more_rows_get_more_network(rows: int, layers: tuple[int, ...], batch: int, epochs: int) -> None:
    recipe = decide(dataset(np.arange(rows) % 2))
    assert (recipe["hidden layers"], recipe["batch size"], recipe["epochs"]) == (layers, batch, epochs)


@pytest.mark.parametrize(
    ("y", "options", "loss", "output", "neurons"),
    [
        (np.arange(90) % 2, Options(), "binary_cross_entropy", "sigmoid", 1),
        (np.arange(90) % 3, Options(), "categorical_cross_entropy", "softmax", 3),
        (np.arange(90) / 7, Options(), "mean_squared_error", "identity", 1),
        (
            np.arange(90) % 2,
            Options(loss=LOSSES["categorical_cross_entropy"]),
            "categorical_cross_entropy",
            "softmax",
            2,
        ),
        (np.arange(90) % 3, Options(loss=LOSSES["half_squared_error"]), "half_squared_error", "sigmoid", 3),
        (np.arange(90) % 3, Options(loss=LOSSES["binary_cross_entropy"]), "binary_cross_entropy", "sigmoid", 3),
        (np.arange(90) % 45, Options(loss=LOSSES["poisson"]), "poisson", "softplus", 1),
        (np.arange(90) / 7, Options(loss=LOSSES["huber"]), "huber", "identity", 1),
    ],
)
def test_output_follows_the_loss(y: Array, options: Options, loss: str, output: str, neurons: int) -> None:
    data = dataset(y)
    recipe = decide(data, options)
    network = prepare(data, recipe).network
    assert (recipe["loss"].name, network.output_activation.name, network.outputs) == (loss, output, neurons)
    outcome = run(data, decide(data, Options(loss=options.loss, epochs=1)), prepare(data, recipe))
    assert all(math.isfinite(value) for value in (outcome.metrics["test"] or {}).values())


def test_losses_that_do_not_fit() -> None:
    with pytest.raises(UsageError, match=r"poisson.*classification"):
        decide(dataset(np.arange(90) % 3), Options(loss=LOSSES["poisson"]))
    with pytest.raises(UsageError, match=r"categorical_cross_entropy.*regression"):
        decide(dataset(np.arange(90) / 7), Options(loss=LOSSES["categorical_cross_entropy"]))


def test_own_layers_get_no_dropout_and_an_own_optimizer_its_own_rate() -> None:
    data = dataset(np.arange(300) % 3)
    recipe = decide(data, Options(layers=(30,), optimizer=OPTIMIZERS["sgd"]))
    assert recipe["dropout"] == 0
    assert recipe["optimizer"] == OPTIMIZERS["sgd"]
    assert recipe["schedule"].name == "constant"
    assert decide(data, Options(layers=(30,), dropout=0.5))["dropout"] == 0.5
    assert decide(data, Options(rate=0.125))["optimizer"].rate == 0.125
    assert decide(data, Options(rate=0.125))["schedule"].name == "one_cycle"


def test_epochs_that_are_given_are_all_done() -> None:
    assert decide(dataset(np.arange(300) % 3), Options(epochs=7))["patience"] == 7
    assert decide(dataset(np.arange(300) % 3), Options(epochs=7, patience=2))["patience"] == 2
    assert decide(dataset(np.arange(30) % 3))["patience"] is None
    with pytest.raises(UsageError, match="validation rows"):
        decide(dataset(np.arange(30) % 3), Options(patience=2))


OPTIONS = {
    "task": ("task", "regression"),
    "layers": ("hidden layers", (3, 2)),
    "activation": ("activation", ACTIVATIONS["tanh"]),
    "loss": ("loss", LOSSES["absolute_error"]),
    "optimizer": ("optimizer", OPTIMIZERS["momentum"]),
    "schedule": ("schedule", SCHEDULES["cosine"]),
    "batch_size": ("batch size", 17),
    "epochs": ("epochs", 3),
    "dropout": ("dropout", 0.25),
    "patience": ("patience", 4),
    "dtype": ("number type", "float64"),
    "scaling": ("scaling", "robust"),
}


@pytest.mark.parametrize("option", OPTIONS)
def test_what_the_user_says_goes_before(option: str) -> None:
    name, value = OPTIONS[option]
    wishes = {"task": "regression", option: value} if option == "loss" else {option: value}
    decision = decide(dataset(np.arange(300) % 3), Options(**wishes)).decisions[name]
    assert decision.value == value
    assert decision.given


def test_every_decision_has_a_reason_and_is_plain_data() -> None:
    for data in (dataset(np.arange(300) % 3), dataset(np.arange(4) % 2), dataset(np.arange(300) / 7)):
        described = decide(data).describe()
        assert all(entry["reason"] for entry in described)
        assert json.loads(json.dumps(described, allow_nan=False)) == described


@given(
    st.sampled_from(["epochs", "batch_size", "patience", "rate", "clip", "max_norm", "time_limit"]),
    st.sampled_from([0, -1, -0.5, math.nan, -math.inf]),
)
def test_numbers_that_cannot_be(name: str, value: float) -> None:
    with pytest.raises(UsageError, match=r"it must be .*(at least 1|above 0)"):
        Options(**{name: value})


@given(st.lists(st.integers(1, 10_000), min_size=1, max_size=6))
def test_layers_are_read_as_they_are_written(layers: list[int]) -> None:
    assert parse_layers(",".join(map(str, layers))) == tuple(layers)


@pytest.mark.parametrize("written", ["", "0", "-1", "3,", ",3", "3;4", "3.5", "thirty", "1e3"])
def test_layers_that_cannot_be(written: str) -> None:
    with pytest.raises(UsageError, match="such as 30"):
        parse_layers(written)


def test_formulas_by_name_and_parameters() -> None:
    assert find_formula(SCHEDULES, "step:factor=0.1, every=30").parameters == {"factor": 0.1, "every": 30.0}
    with pytest.raises(UnknownName, match="did you mean 'relu'"):
        find_formula(ACTIVATIONS, "rleu")
    with pytest.raises(UsageError, match="momentum:"):
        find_formula(OPTIMIZERS, "momentum:0.9")


# Doing it.


def test_outcome() -> None:
    data = load("iris")
    recipe = decide(data, Options(epochs=10, seed=3))
    outcome = run(data, recipe, prepare(data, recipe), fingerprint="iris")
    model = outcome.model
    assert model.settings["data"]["fingerprint"] == "iris"
    assert not outcome.interrupted
    X, y = data.X[recipe.parts.test], data.y[recipe.parts.test]
    assert model.evaluate(X, y) == pytest.approx(outcome.metrics["test"])
    assert (model.predict(X) == y).mean() == outcome.metrics["test"]["accuracy"]
    assert outcome.baseline.metrics["test"] == {"accuracy": pytest.approx(1 / 3)}


def test_encoder_and_scale_come_from_the_training_rows_alone() -> None:
    data = dataset(np.arange(300) / 7)
    data.X[decide(data).parts.test] += 1e6
    recipe = decide(data)
    prepared = prepare(data, recipe)
    assert abs(prepared.parts["train"][0].mean()) < 1e-5
    assert prepared.parts["test"][0].mean() > 1e5
    assert recipe.target.center == (pytest.approx(data.y[recipe.parts.train].mean()),)


def test_baseline_of_a_regression_is_the_mean_of_the_training_rows() -> None:
    data = dataset(np.arange(300) / 7)
    recipe = decide(data, Options(epochs=1))
    baseline = run(data, recipe, prepare(data, recipe)).baseline
    train, test = (data.y[rows] for rows in (recipe.parts.train, recipe.parts.test))
    assert baseline.prediction == pytest.approx(train.mean())
    assert baseline.metrics["test"]["rmse"] == pytest.approx(np.sqrt(np.mean((test - train.mean()) ** 2)))
    assert baseline.metrics["train"]["r2"] == pytest.approx(0, abs=1e-12)


def test_layers_beyond_memory_are_refused() -> None:
    data = dataset(np.arange(300) % 3)
    with pytest.raises(UsageError, match=r"1,000,00.* parameters.*memory.*--layers"):
        prepare(data, decide(data, Options(layers=(1_000_000, 1_000_000))))


def test_small_products_are_held_to_one_thread() -> None:
    from threadpoolctl import threadpool_info

    def threads() -> set[int]:
        return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}

    network, before = Network.from_sizes([64, 256, 10]), threads()
    with one_thread_for_small_products(network, 32) as held:
        assert held
        assert threads() <= {1}  # macOS has a library of its own, without threads to count
    assert threads() == before
    with one_thread_for_small_products(network, 2**20) as held:
        assert not held
        assert threads() == before


@pytest.mark.parametrize(
    ("name", "least"), [("xor-table", 1.0), ("and", 1.0), ("gender", 1.0), ("iris", 0.9), ("moons", 0.95)]
)
def test_small_sets_are_learnt(name: str, least: float) -> None:
    data = load(name)
    recipe = decide(data)
    outcome = run(data, recipe, prepare(data, recipe))
    metrics = outcome.metrics["test"] or outcome.metrics["train"]
    assert metrics is not None
    assert metrics["accuracy"] >= least


@pytest.mark.parametrize("seed", range(2))
def test_digits_are_learnt(seed: int) -> None:
    data = load("digits")
    recipe = decide(data, Options(seed=seed))
    outcome = run(data, recipe, prepare(data, recipe))
    assert outcome.metrics["test"]["accuracy"] >= 0.97


def test_classes_are_called_by_their_names() -> None:
    data = with_class_names(load("gender"))
    assert data.y.tolist() == ["female", "male", "male", "female"]
    digits = load("digits")
    assert with_class_names(digits) is digits


# Using it.


@pytest.fixture(scope="module")
def flowers() -> tuple[Dataset, object]:
    data = load("iris")
    recipe = decide(data, Options(epochs=5))
    return data, run(data, recipe, prepare(data, recipe), fingerprint="built-in iris")


@pytest.mark.parametrize(
    ("part", "known", "name", "rows"),
    [
        ("auto", True, "test", 30),
        ("auto", False, "all", 150),
        ("all", True, "all", 150),
        ("train", True, "train", 105),
        ("validation", True, "validation", 15),
    ],
)
def test_rows_to_measure(part: str, known: bool, name: str, rows: int, flowers: tuple) -> None:
    data, outcome = flowers
    chosen, X, y = choose_rows(outcome.model, data, part, "built-in iris" if known else "another")
    assert (chosen, len(X), len(y)) == (name, rows, rows)
    if name in outcome.metrics:
        assert evaluate(outcome.model, X, y).metrics == outcome.metrics[name]


def test_parts_of_unknown_data_are_refused(flowers: tuple) -> None:
    data, outcome = flowers
    with pytest.raises(UsageError, match="leave --part out"):
        choose_rows(outcome.model, data, "train", "another")
    with pytest.raises(UsageError, match="leave --part out"):
        choose_rows(outcome.model, data, "train", None)


def test_probabilities_belong_to_the_classes(flowers: tuple) -> None:
    data, outcome = flowers
    found = predict(outcome.model, data.X)
    assert found.probabilities.sum(axis=1) == pytest.approx(1)
    assert [found.classes[k] for k in found.probabilities.argmax(axis=1)] == found.values.tolist()


def test_a_label_that_is_no_class(flowers: tuple) -> None:
    data, outcome = flowers
    with pytest.raises(ChainruleError, match=r"no class 'rose'.*setosa, versicolor, virginica"):
        evaluate(outcome.model, data.X[:1], text("rose"))


def test_notes_name_the_first_unknown_category() -> None:
    import pandas as pd

    frame = pd.DataFrame({"pet": ["cat", "dog"] * 60, "x": np.arange(120.0)})
    data = dataset(np.arange(120) % 2, X=frame, features=("pet", "x"))
    recipe = decide(data, Options(epochs=1))
    model = run(data, recipe, prepare(data, recipe)).model
    assert notes_on(model, frame, "a.csv") == []
    (note,) = notes_on(model, pd.DataFrame({"pet": ["cat", "owl", "bee", "owl"], "x": 0.0}), "a.csv")
    assert note.startswith("a.csv row 1, column 'pet': 'owl' was not there in training")
    assert "3 such cells" in note


def test_fingerprint_is_that_of_the_content(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x,y\n", encoding="utf-8")
    (tmp_path / "b.csv").write_text("x,y\n", encoding="utf-8")
    (tmp_path / "c.csv").write_text("x,z\n", encoding="utf-8")
    a, b, c = (fingerprint(tmp_path / f"{name}.csv") for name in "abc")
    assert a == b != c
    assert fingerprint("iris") == "built-in iris"
    assert fingerprint("-") is None


def test_no_figure_is_nan() -> None:
    assert finite({"a": [math.nan, np.float64(2), np.int64(3), (math.inf, "x")], 5: None}) == {
        "a": [None, 2.0, 3, [None, "x"]],
        "5": None,
    }


# Columns, and targets that no regression takes.


def people(path: Path, rows: int = 240, **columns: list[str]) -> Path:
    """Write a table: an identifier, a number, a category, and a target that follows from the number."""
    made = {
        "id": [f"u{k}" for k in range(rows)],
        "size": [f"{k % 17}.5" for k in range(rows)],
        "colour": [("red", "blue", "green")[k % 3] for k in range(rows)],
        "price": [f"{k % 17 * 2}.25" for k in range(rows)],
        **columns,
    }
    lines = [",".join(made), *(",".join(cells) for cells in zip(*made.values(), strict=True))]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_identifiers_are_refused_and_dropped_ones_ignored(tmp_path: Path) -> None:
    path = people(tmp_path / "t.csv")
    with pytest.raises(DataError, match=r"'id' looks like an identifier .*240 rows.*--drop id") as error:
        decide(load(path))
    assert "u0" in str(error.value)
    data = load(path, drop=["id"])
    recipe = decide(data, Options(epochs=1))
    prepared = prepare(data, recipe)
    assert prepared.columns.value == "1 number scaled, 1 category as 3 inputs, 1 dropped"
    assert prepared.columns.reason == "dropped, as given: id"
    model = run(data, recipe, prepared).model
    assert model.settings["decisions"][0]["name"] == "columns"
    whole = load(path)
    np.testing.assert_array_equal(predict(model, whole.X).values, predict(model, data.X).values)
    assert evaluate(model, whole.X, whole.y).rows == 240


@pytest.mark.parametrize("row", [3, 100, 200])
def test_absurd_targets_are_named(tmp_path: Path, row: int) -> None:
    price = ["1e300" if k == row else f"{k % 17}.25" for k in range(240)]
    data = load(people(tmp_path / "t.csv", price=price), drop=["id"])
    with pytest.raises(DataError, match=rf"line {row + 2}, column 'price': the target is 1e\+300, too far"):
        decide(data)


def test_evaluation_names_absurd_targets(tmp_path: Path) -> None:
    data = load(people(tmp_path / "t.csv"), drop=["id"])
    recipe = decide(data, Options(epochs=1))
    model = run(data, recipe, prepare(data, recipe)).model
    with pytest.raises(DataError, match="line 7, column 'price'"):
        evaluate(model, data.X, np.where(np.arange(240) == 5, 1e60, data.y))


def test_a_regression_of_texts_says_the_line(tmp_path: Path) -> None:
    kinds = ["setosa" if k == 4 else f"{k % 9}" for k in range(240)]
    data = load(people(tmp_path / "t.csv", price=kinds), drop=["id"])
    with pytest.raises(DataError, match="line 6, column 'price': the target is 'setosa', but a regression") as error:
        decide(data, Options(task="regression"))
    assert "np.str_" not in str(error.value)
    with pytest.raises(DataError, match="row 0, column 'y': the target is 'a'"):
        decide(dataset(np.array(["a", "b"] * 20)), Options(task="regression"))


def test_drop_on_the_command_line(tmp_path: Path) -> None:
    people(tmp_path / "t.csv")
    command = [sys.executable, "-m", "chainrule", "train", "t.csv", "--drop", "id,colour", "--epochs", "1"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, encoding="utf-8", check=True)
    assert "1 number scaled, 2 dropped" in done.stdout
    assert "train t.csv --drop id,colour" in done.stdout
