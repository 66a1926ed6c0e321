"""The lessons initialization, shallow-deep, digits-mnist, tricks and autoencoder."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from chainrule import lessons
from chainrule.data import images
from chainrule.errors import DataError, NetworkError, UsageError
from chainrule.lessons import tricks as tricks_lesson
from chainrule.lessons.digit_parts import digit_parts
from chainrule.lessons.small_digits import small_digits
from chainrule.lessons.story import Line, Story, Table
from chainrule.lessons.trick_variants import seven_tricks
from chainrule.training.variants import Trials

QUICK: dict[str, dict[str, Any]] = {
    "initialization": {"epochs": 1, "depth": 2},
    "shallow-deep": {"epochs": 1, "moved_epochs": 1, "distance": 1},
    "digits-mnist": {"data": "digits", "epochs": 1},
    "tricks": {"epochs": 2, "examples": 60},
    "autoencoder": {"epochs": 1, "middle": 3},
}


def failed(result: lessons.Result) -> list[str]:
    return [str(check.name) for check in result.checks if not check.passed]


def rows_of(result: lessons.Result) -> list[tuple[Any, ...]]:
    (table,) = (block for block in result.blocks if isinstance(block, Table))
    return list(table.rows)


def told_with(name: str, **other: Any) -> lessons.Result:
    """Tell a lesson with other settings, but as though they were its own: now its checks can fail."""
    lesson = lessons.find(name)
    story = Story(lesson, lesson.read({}))
    lesson.tell(story, **lesson.read(other))
    return story.result


@pytest.mark.parametrize("name", QUICK)
def test_other_settings_work(name: str) -> None:
    result = lessons.run(name, **QUICK[name])
    assert failed(result) == []
    assert result.values
    assert result.figure is not None


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        *((name, {"epochs": 0}) for name in QUICK),
        *((name, {"epochs": 1.5}) for name in QUICK),
        *((name, {"rate": wrong}) for name in ("initialization", "digits-mnist", "tricks") for wrong in (0, "nan")),
        ("initialization", {"activation": "softmax"}),
        ("initialization", {"depth": 0}),
        ("shallow-deep", {"distance": 4}),
        ("digits-mnist", {"data": "letters"}),
        ("digits-mnist", {"batch_size": 0}),
        ("tricks", {"seeds": 2}),
        ("tricks", {"noise": -1}),
        ("tricks", {"examples": 2}),
        ("autoencoder", {"middle": 65}),
        ("autoencoder", {"output": "step"}),
    ],
)
def test_settings_that_cannot_be(name: str, wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=next(iter(wrong))):
        lessons.run(name, **{**QUICK[name], **wrong})


def test_small_digits() -> None:
    X, y, X_test, y_test = small_digits(test=0.3)
    assert (len(X), len(X_test)) == (1258, 539)
    assert (X.min(), X.max()) == (0.0, 1.0)
    assert set(y) == set(y_test) == set(range(10))


def test_noise_on_small_digits() -> None:
    clean, noisy = small_digits(), small_digits(noise=0.3)
    for image, same in ((clean.X, noisy.X), (clean.X_test, noisy.X_test)):
        assert np.std(same - image) == pytest.approx(0.3, rel=0.02)
    assert (noisy.y == clean.y).all()
    assert (small_digits(noise=0.3).X_test == noisy.X_test).all()


# initialization


@pytest.fixture(scope="module")
def initialization() -> lessons.Result:
    return lessons.run("initialization")


def test_initialization(initialization: lessons.Result) -> None:
    assert failed(initialization) == []
    accuracy = initialization.values["test_accuracy"]
    assert list(accuracy) == ["all 0", "0.01 N(0, 1)", "N(0, 1)", "Glorot", "He"]
    assert accuracy["all 0"] == accuracy["0.01 N(0, 1)"] == pytest.approx(0.1, abs=0.005)
    assert 0.2 < accuracy["N(0, 1)"] < 0.6
    assert accuracy["Glorot"] > 0.94
    assert accuracy["He"] > 0.94


def test_initialization_shows_what_vanishes_saturates_and_works(initialization: lessons.Result) -> None:
    zeros, small, large, glorot, he = (row[1:5] for row in rows_of(initialization))
    assert zeros == (0, 0, 0, 1)
    assert small[1] < 1e-5 < small[0]
    assert small[2] < 1e-7
    assert large[1] > 0.9
    assert large[3] < 0.2
    for first, last, gradient, slope in (glorot, he):
        assert 0.5 < last / first < 1.5
        assert gradient > 1e-3
        assert slope > 0.6


def test_neurons_that_start_alike_stay_alike() -> None:
    alike = lessons.run("initialization", same=0.02, epochs=3)
    assert failed(alike) == []
    assert max(alike.values["test_accuracy"].items(), key=lambda item: item[1])[0] != "all 0.02"


def test_the_check_of_symmetry_can_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    def starts(same: float) -> dict[str, Any]:
        return {"all 0": "he_normal", "He": "he_normal"}

    monkeypatch.setattr("chainrule.lessons.initialization.five_starts", starts)
    assert len(failed(lessons.run("initialization", **QUICK["initialization"]))) == 1


# shallow-deep


def test_shallow_deep() -> None:
    result = lessons.run("shallow-deep")
    assert failed(result) == []
    linear, deep = (result.values[f"accuracy_{which}"] for which in ("linear", "deep"))
    assert min(linear["as_they_are"][0], deep["as_they_are"][0]) > 0.9
    assert max(linear["as_they_are"][2], deep["as_they_are"][2]) < 0.2
    assert max(linear["moved"]) < 0.4
    assert min(deep["moved"]) > 0.85
    assert len(rows_of(result)) == 4


def test_the_check_of_shallow_deep_can_fail() -> None:
    assert len(failed(told_with("shallow-deep", hidden=8, epochs=10, moved_epochs=1))) == 1


# digits-mnist


def test_digits_mnist_counts_after_each_epoch() -> None:
    result = lessons.run("digits-mnist", data="digits", epochs=3)
    right = result.series["right"]
    lines = [str(block.text) for block in result.blocks if isinstance(block, Line)]
    assert lines == [f"Epoch {j}: {n} / 359" for j, n in enumerate(right, start=1)]
    assert right[-1] > right[0]
    assert result.values["test_accuracy"] == pytest.approx(right[-1] / 359, abs=0.1)


def test_digits_mnist_with_the_small_digits_to_the_end() -> None:
    assert lessons.run("digits-mnist", data="digits").values["test_accuracy"] > 0.93


def test_digits_mnist_from_a_folder(shared: Path) -> None:
    result = lessons.run("digits-mnist", data_dir=str(shared / "data"), epochs=1)
    assert len(result.series["right"]) == 1
    assert 8500 < result.series["right"][0] < 9500
    assert 0.85 < result.values["test_accuracy"] < 0.95
    (train, _), (validation, _), (test, _), shape = digit_parts("mnist", str(shared / "data"))
    assert (len(train), len(validation), len(test), shape) == (50_000, 10_000, 10_000, (28, 28))
    assert (train.min(), train.max(), train.dtype) == (0.0, 1.0, np.float32)


def test_the_check_of_digits_mnist_can_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chainrule.lessons.digits_mnist.digit_parts", lambda *_: digit_parts("digits"))
    monkeypatch.setattr("chainrule.lessons.digits_mnist.SGD", lambda _: "sgd")
    assert failed(lessons.run("digits-mnist")) == ["about 95 % of the test part are right"]


def test_without_mnist_and_network_the_remedies_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(images.VARIABLE, raising=False)
    monkeypatch.setattr(images, "_cache_folder", lambda: tmp_path)
    nowhere = {name: SimpleNamespace(**{**vars(known), "mirrors": ()}) for name, known in images.IMAGE_SETS.items()}
    monkeypatch.setattr(images, "IMAGE_SETS", nowhere)
    with pytest.raises(NetworkError, match=r"--data-dir FOLDER.*--data digits"):
        lessons.run("digits-mnist")
    with pytest.raises(NetworkError, match=r"--data-dir FOLDER.*--data digits"):
        lessons.run("digits-mnist", data_dir=str(tmp_path))
    with pytest.raises(DataError, match=r"there is no folder.*--data digits"):
        lessons.run("digits-mnist", data_dir=str(tmp_path / "none"))


# tricks


def test_tricks_are_told_one_by_one_and_compared() -> None:
    result = lessons.run("tricks", epochs=12, seeds=3)
    lines = [str(block.text) for block in result.blocks if isinstance(block, Line)]
    names = list(seven_tricks(64, 0.03))
    assert [line.split(":")[0] for line in lines] == names
    assert [row[0] for row in rows_of(result)] == names
    accuracy = list(result.values["test_accuracy"].values())
    assert accuracy[0] < 0.2
    assert min(accuracy[3:6]) > 0.6
    assert result.figure is not None
    assert len(result.figure.axes) == 2
    assert all(len(axes.collections) == 7 for axes in result.figure.axes)


def test_each_trick_changes_what_it_says() -> None:
    plain, normalized, glorot, relu, momentum, adam, dropout = seven_tricks(30, 0.02).values()
    assert plain.network.initializer_of(1).parameters == {"scale": 0.01}
    assert normalized.network.initializer_of(2).parameters == {"scale": 0.01}
    assert normalized.network.state_count == 120
    assert glorot.network.initializer_of(1).name == "glorot_uniform"
    assert relu.network.initializer_of(1).name == "he_normal"
    assert relu.network == momentum.network == adam.network
    assert not relu.arguments
    assert (momentum.arguments["optimizer"].name, adam.arguments["optimizer"].name) == ("momentum", "adam")
    assert len(dropout.network.layers) == len(relu.network.layers) + 3


def canned(final: float, epochs: int, training: float, loss: float) -> Trials:
    """Trials that jump to a test accuracy after so many epochs."""
    courses = {
        "validation_accuracy": np.where(np.arange(1, 61) >= epochs, final, 0.1).tolist(),
        "accuracy": [training] * 60,
        "validation_loss": [loss] * 60,
    }
    models: Any = tuple(SimpleNamespace(history=courses) for _ in range(3))
    return Trials(models)


@pytest.mark.parametrize(
    ("number", "other", "broken"),
    [
        (None, (), []),
        (0, (0.8, 1, 1.0, 1.0), ["each trick helps the plain network"]),
        (4, (0.8, 9, 1.0, 0.9), ["momentum and Adam need less than half the epochs"]),
        (6, (0.7, 9, 1.0, 0.5), ["dropout narrows the gap"]),
        (6, (0.9, 9, 1.0, 0.9), ["dropout lowers the test loss"]),
    ],
)
def test_the_checks_of_tricks_can_fail(
    monkeypatch: pytest.MonkeyPatch, number: int | None, other: tuple[float, int, float, float], broken: list[str]
) -> None:
    usual = (0.1, 1, 0.1, 2.3), *[(0.75, 10, 1.0, 0.8)] * 3, *[(0.8, 3, 1.0, 0.8)] * 2, (0.81, 9, 1.0, 0.6)
    numbers = [other if k == number else each for k, each in enumerate(usual)]

    def trained(variants: dict[str, Any], *_: Any, **__: Any) -> dict[str, Trials]:
        return {name: canned(*each) for name, each in zip(variants, numbers, strict=True)}

    monkeypatch.setattr(tricks_lesson, "train_variants", trained)
    assert failed(lessons.run("tricks")) == broken


# autoencoder


def test_autoencoder() -> None:
    result = lessons.run("autoencoder")
    assert failed(result) == []
    assert result.values["pca_mse"] == pytest.approx(0.0113456, abs=5e-8)
    assert result.values["linear_mse"] == pytest.approx(result.values["pca_mse"], rel=0.05)
    assert result.values["test_mse"] == pytest.approx(0.0085, abs=5e-4)
    assert result.figure is not None
    assert len(result.figure.axes) == 30


def test_pca_is_that_of_scikit_learn() -> None:
    from sklearn.decomposition import PCA

    X, _, X_test, _ = small_digits()
    pca = PCA(5, svd_solver="full").fit(X)
    error = np.mean((pca.inverse_transform(pca.transform(X_test)) - X_test) ** 2)
    assert lessons.run("autoencoder", middle=5, epochs=1).values["pca_mse"] == pytest.approx(error)


def test_the_checks_of_autoencoder_can_fail() -> None:
    assert len(failed(told_with("autoencoder", epochs=1))) == 2
