"""The lessons gender, step-by-step, xor, deep-binary and softmax: their figures, their checks, and other settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chainrule import SGD, Network, data, lessons
from chainrule.errors import ShapeError, UsageError
from chainrule.lessons import softmax_error, step_by_step_slip
from chainrule.lessons.by_hand import errors_by_hand
from chainrule.lessons.following import follow
from chainrule.lessons.held_out import train_and_test
from chainrule.lessons.story import Say, Story, Table
from chainrule.plots import watching
from chainrule.plots.watching import film_learning, watch_learning

OWN_EXAMPLE: dict[str, Any] = {"i": (1.0, 0.5, -2.0), "targets": (0.3,), "W1": ((0.1, 0.2, 0.3), (0.4, 0.5, 0.6))}
OWN_EXAMPLE |= {"W2": ((0.7, -0.8),), "updates": 20}
QUICK: dict[str, Any] = {"raw_updates": 5, "small_updates": 5, "he_updates": 5, "seeds": 2}


def failed(result: lessons.Result) -> list[str]:
    return [str(check.name) for check in result.checks if not check.passed]


# gender


def test_gender() -> None:
    result = lessons.run("gender")
    assert failed(result) == []
    assert result.values["always_0"] == 0.5
    assert result.values["loss"] < 0.003
    assert result.values["predictions"] == pytest.approx([0.95, 0.04], abs=0.005)
    assert len(result.series["loss"]) == 1000
    words = [row[-1] for block in result.blocks if isinstance(block, Table) for row in block.rows]
    assert words[-2:] == ["female", "male"]
    assert result.figure is not None


@pytest.mark.parametrize("seed", [0, 1, 3])
def test_gender_ends_alike_from_other_seeds(seed: int) -> None:
    result = lessons.run("gender", seed=seed)
    assert result.values["loss"] < 0.003
    assert result.values["predictions"] == pytest.approx([0.95, 0.04], abs=0.02)


def test_gender_with_other_people_and_few_epochs() -> None:
    result = lessons.run("gender", people=((15, 4),), epochs=1)
    assert np.shape(result.values["predictions"]) == (1,)
    assert failed(result) == []
    assert result.figure is not None


def test_gender_has_checks_that_can_fail() -> None:
    lesson = lessons.find("gender")
    story = Story(lesson, lesson.read({}))
    # The story believes that the lesson runs as it is told.
    lesson.tell(story, **lesson.read({"epochs": 3}))
    assert failed(story.result) == ["the loss falls below 0.003", "predictions"]


@pytest.mark.parametrize(
    "wrong", [{"rate": 0}, {"rate": "nan"}, {"epochs": 0}, {"epochs": 1.5}, {"people": ((1, 2, 3),)}, {"seed": -1}]
)
def test_gender_refuses(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        lessons.run("gender", **{"epochs": 1} | wrong)


# step-by-step


@pytest.fixture(scope="module")
def step_by_step() -> lessons.Result:
    return lessons.run("step-by-step")


@pytest.mark.parametrize(
    ("key", "expected", "within"),
    [
        ("hidden", (0.59326999, 0.59688438), 5e-9),
        ("output", (0.75136507, 0.77292847), 5e-9),
        ("error_of_each_output", (0.27481108, 0.02356003), 5e-9),
        ("error", 0.29837111, 5e-9),
        ("dC_dw5", 0.08216704, 5e-9),
        ("dC_dw5_factors", (0.74136507, 0.18681560, 0.59326999), 5e-9),
        ("W1_after_1", ((0.14978072, 0.19956143), (0.24975114, 0.29950229)), 5e-9),
        ("W2_after_1", ((0.35891648, 0.40866619), (0.51130127, 0.56137012)), 5e-9),
        ("error_after_1", 0.29102777, 5e-9),
        ("error_after_10000", 3.51018778e-05, 5e-14),
        ("output_after_10000", (0.01591362, 0.98406427), 5e-9),
        ("error_after_1_biases_trained", 0.28047145, 5e-9),
        ("error_after_1_shared_biases", 0.28575089, 5e-9),
        ("error_after_10000_biases_trained", 2.44756224e-06, 5e-15),
        ("slip_error_after_1", 0.29102792390544, 5e-15),
        ("slip_error_after_10000", 3.50847863e-05, 5e-14),
        ("slip_output_after_10000", (0.0159121963, 0.9840657345), 5e-11),
    ],
)
def test_step_by_step(step_by_step: lessons.Result, key: str, expected: Any, within: float) -> None:
    np.testing.assert_allclose(step_by_step.values[key], expected, rtol=0, atol=within)


def test_step_by_step_passes_and_keeps_its_course(step_by_step: lessons.Result) -> None:
    assert failed(step_by_step) == []
    updates, weights = step_by_step.series["updates"], step_by_step.series["weights"]
    assert updates[:4] == [0, 1, 2, 3]
    assert updates[-1] == 10_000
    assert all(isinstance(t, int) for t in updates)
    assert weights[0] == [0.15, 0.2, 0.25, 0.3, 0.4, 0.45, 0.5, 0.55]
    assert len(weights) == len(updates) == len(step_by_step.series["error"])


def test_step_by_step_names_the_misprints(step_by_step: lessons.Result) -> None:
    told = " ".join(block.text for block in step_by_step.blocks if isinstance(block, Say))
    for figure in ("0.75136079", "0.75136507", "0.09", "0.291027924", "0.000035085", "0.015912196", "0.984065734"):
        assert figure in told


def test_step_by_step_draws_and_films(step_by_step: lessons.Result, tmp_path: Path) -> None:
    figure = step_by_step.figure
    assert figure is not None
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert "w5 0.400" in texts
    assert "target 0.99" in texts
    short = lessons.run("step-by-step", updates=2)
    assert short.film is not None
    short.film(tmp_path / "weights.gif")
    assert (tmp_path / "weights.gif").read_bytes().startswith(b"GIF")


def test_step_by_step_with_an_example_of_ones_own() -> None:
    result = lessons.run("step-by-step", **OWN_EXAMPLE)
    assert failed(result) == []
    assert {"dC_dw7", "error_after_1", "error_after_20", "slip_error_after_20"} <= set(result.values)
    assert len(result.values["hidden"]) == 2
    assert len(result.values["output"]) == 1
    assert result.figure is not None
    told = " ".join(block.text for block in result.blocks if isinstance(block, Say))
    assert "0.75136079" not in told


@pytest.mark.parametrize(("bias", "expected"), [("neuron", 0.28047145), ("layer", 0.28575089)])
def test_step_by_step_with_biases_that_learn(bias: str, expected: float) -> None:
    result = lessons.run("step-by-step", bias=bias, updates=1)
    assert failed(result) == []
    assert result.values["error_after_1"] == pytest.approx(expected, abs=5e-9)


@pytest.mark.parametrize(
    "wrong",
    [
        {"W2": ((0.4, 0.45, 0.1), (0.5, 0.55, 0.1))},
        {"W1": ((0.1, 0.2, 0.3), (0.1, 0.2, 0.3))},
        {"targets": (0.5,)},
        {"i": ()},
        {"i": "a,b"},
        {"rate": -1},
        {"updates": 0},
    ],
)
def test_step_by_step_refuses(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        lessons.run("step-by-step", **{"updates": 1} | wrong)


def test_step_by_step_sees_a_wrong_backward_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    def doubled(*given: Any) -> Any:
        return {l: 2 * D for l, D in errors_by_hand(*given).items()}

    monkeypatch.setattr(step_by_step_slip, "errors_by_hand", doubled)
    result = lessons.run("step-by-step", updates=1)
    assert failed(result) == ["without the slip, so does the hand-written pass"]


# The written-out backward pass


@pytest.mark.parametrize(
    ("output", "y"), [("sigmoid", [[1.0, 0.0]]), ("softmax", [[0.0, 1.0]]), ("identity", [[2.0, -1.0]])]
)
def test_the_written_out_pass_is_the_librarys(output: str, y: Any) -> None:
    network = Network.from_sizes([3, 4, 3, 2], hidden="tanh", output=output, bias_initializer="normal")
    model, X, Y = network.init(seed=1), np.array([[0.5, -1.0, 2.0], [1.0, 0.0, -0.5]]), np.repeat(y, 2, axis=0)
    D, gradient = errors_by_hand(model, model.forward(X), Y), model.gradient(X, Y)
    for l in (1, 2, 3):
        np.testing.assert_allclose(D[l].T @ model.forward(X).A[l - 1], gradient.W[l], rtol=1e-12, atol=1e-15)
        np.testing.assert_allclose(D[l].sum(axis=0), gradient.b[l], rtol=1e-12, atol=1e-15)


def test_other_weights_change_what_is_passed_back() -> None:
    model = Network.from_sizes([2, 2, 1], hidden="sigmoid", output="sigmoid").init()
    passed, Y = model.forward([[1.0, 2.0]]), np.array([[1.0]])
    right, slipped = errors_by_hand(model, passed, Y), errors_by_hand(model, passed, Y, {2: 2 * model.W[2]})
    np.testing.assert_allclose(slipped[1], 2 * right[1])
    np.testing.assert_allclose(slipped[2], right[2])


# xor


def test_xor() -> None:
    result = lessons.run("xor")
    assert failed(result) == []
    assert result.values["right"] == 4
    assert result.values["right_without_hidden_layer"] < 4
    assert result.values["updates"] == 8000
    assert np.round(result.values["outputs"]).tolist() == [0, 1, 1, 0]
    assert result.figure is not None


@pytest.mark.parametrize("settings", [{"hidden": 1, "epochs": 500}, {"rate": 0.01, "epochs": 100}])
def test_xor_tells_honestly_what_did_not_work(settings: dict[str, Any]) -> None:
    result = lessons.run("xor", **settings)
    assert failed(result) == []
    assert result.values["right"] < 4


@pytest.mark.parametrize("wrong", [{"hidden": 0}, {"rate": 0}, {"rate": "inf"}, {"epochs": 0}])
def test_xor_refuses(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        lessons.run("xor", **wrong)


# deep-binary


def test_deep_binary_reaches_96_percent_as_the_mean_of_ten_seeds() -> None:
    result = lessons.run("deep-binary", raw_updates=1, small_updates=1)
    assert result.values["test_accuracy"] >= 0.96
    assert len(result.values["updates_below_92_percent"]) == 10
    assert max(result.values["updates_below_92_percent"]) < 50
    assert failed(result) == []


def test_deep_binary_stays_on_the_plateau_with_small_weights() -> None:
    result = lessons.run("deep-binary", raw_updates=50, small_updates=300, he_updates=50, seeds=1)
    assert result.values["plateau"] == pytest.approx(0.6603163, abs=5e-8)
    raw, small, he = result.values["plateau_left_after"]
    assert raw is None
    assert small is None
    assert 0 < he < 50
    assert result.figure is not None
    assert [axes.get_title() for axes in result.figure.axes] == [
        "raw inputs, 0.01",
        "standardized, 0.01",
        "standardized, He",
    ]


def test_deep_binary_shows_its_shapes() -> None:
    result = lessons.run("deep-binary", hidden=(7,), **QUICK)
    assert failed(result) == []
    shapes = next(block for block in result.blocks if isinstance(block, Table))
    assert shapes.rows == ((1, "569 × 30", "7 × 30", "7", "569 × 7"), (2, "569 × 7", "1 × 7", "1", "569 × 1"))


@pytest.mark.parametrize("wrong", [{"hidden": (0,)}, {"hidden": (2.5,)}, {"seeds": 0}, {"small_updates": 0}])
def test_deep_binary_refuses(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        lessons.run("deep-binary", **QUICK | wrong)


def test_deep_binary_sees_a_wrong_backward_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    def bare(*given: Any) -> Any:
        D = errors_by_hand(*given)
        return D | {1: (given[1].Z[1] > 0).astype(float)}

    monkeypatch.setattr("chainrule.lessons.deep_binary_equations.errors_by_hand", bare)
    assert "the equations, written out in NumPy, give the library's gradient for all W and b" in failed(
        lessons.run("deep-binary", **QUICK)
    )


# softmax


def test_softmax() -> None:
    result = lessons.run("softmax")
    assert failed(result) == []
    assert result.values["test_accuracy"] >= 0.95
    assert len(result.series["test_accuracy"]) == 20
    assert sum(result.values["error"]) == pytest.approx(0, abs=1e-12)
    assert result.figure is not None


def test_softmax_with_other_settings() -> None:
    result = lessons.run("softmax", hidden=1, epochs=1, splits=1)
    assert failed(result) == []
    assert 0 <= result.values["test_accuracy"] <= 1
    assert result.figure is not None


def test_softmax_sees_a_wrong_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(softmax_error, "STEP", 0.5)
    assert failed(lessons.run("softmax", epochs=1, splits=1)) == ["nudging gives a − y"]


@pytest.mark.parametrize("wrong", [{"splits": 0}, {"epochs": 0}, {"rate": 0}, {"hidden": 1.5}])
def test_softmax_refuses(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        lessons.run("softmax", **{"epochs": 1, "splits": 1} | wrong)


# What the lessons share


def test_stretches_are_one_training() -> None:
    start = Network.from_sizes([2, 2, 1], hidden="tanh").init()
    X, Y = [[1.0, 2.0], [0.5, -1.0]], [1.0, 0.0]
    options: dict[str, Any] = {"optimizer": SGD(0.1), "batch_size": 2}
    models = follow(start, X, Y, [0, 1, 4], **options)
    np.testing.assert_array_equal(models[-1].theta, follow(start, X, Y, [0, 4], **options)[-1].theta)
    assert models[0] is start


def test_held_out_rows_are_not_trained_on() -> None:
    found = data.load("iris")
    network = Network.from_sizes([4, 3], output="softmax")
    trial = train_and_test(network, found, seed=3, test=0.2, epochs=2)
    kept, _, aside = data.split(found.y, seed=3, test=0.2, validation=0.0, stratify=True)
    assert trial.model.settings["rows"] == len(kept)
    assert trial.model.settings["batch_size"] == len(kept)
    assert trial.truth.tolist() == found.y[aside].tolist()
    assert trial.accuracy == np.mean(trial.truth == trial.answers)
    encoder = trial.model.encoder
    assert encoder is not None
    np.testing.assert_allclose(encoder.transform(np.asarray(found.X)[kept]).mean(axis=0), 0, atol=1e-12)


# The picture of a network that learns


def course(*sizes: int, moments: int = 3) -> tuple[Any, ...]:
    network = Network.from_sizes(list(sizes), hidden="sigmoid", output="sigmoid")
    models = [network.init(seed) for seed in range(moments)]
    return models, [10**k - 1 for k in range(moments)], np.linspace(-1, 1, sizes[0]), np.linspace(0.1, 0.9, sizes[-1])


def test_watching_shows_each_moment() -> None:
    models, updates, x, y = course(2, 3, 1)
    watched = watch_learning(models, updates, x, y)
    diagram, error, weights = watched.figure.axes
    assert len(weights.get_lines()) == 9 + 1
    for k, t in ((2, "99"), (0, "0")):
        watched.show(k)
        assert diagram.get_title().startswith(f"update {t}: error ")
        assert np.asarray(error.get_lines()[-1].get_xdata()).tolist() == [updates[k]] * 2
        texts = [text.get_text() for text in diagram.texts]
        assert f"w9 {models[k]['w9']:.3f}".replace("-", "−") in texts
        assert f"{models[k].outputs([x])[0, 0]:.3f}" in texts
        lines: Any = diagram.collections[0]
        widest = max(np.abs(model.theta).max() for model in models)
        expected = (
            watching._THINNEST + (watching._WIDEST - watching._THINNEST) * np.abs(models[k].W[1].ravel()) / widest
        )
        np.testing.assert_allclose(lines.get_linewidths(), expected)


def test_watching_a_large_network_leaves_words_out() -> None:
    watched = watch_learning(*course(3, 20, 2))
    assert list(watched.figure.axes[0].texts) == []
    assert watched.figure.axes[2].get_legend() is None
    watched.show(1)


def test_watching_refuses() -> None:
    models, updates, x, y = course(2, 2, 1)
    with pytest.raises(ShapeError, match="3 models and 2 numbers"):
        watch_learning(models, updates[:2], x, y)
    with pytest.raises(ShapeError, match="0 models"):
        watch_learning([], [], x, y)
    with pytest.raises(UsageError, match="finite"):
        watch_learning(models, updates, [np.nan, 1.0], y)


def test_filming(tmp_path: Path) -> None:
    assert film_learning(tmp_path / "film.gif", *course(2, 2, 1, moments=2)).name == "film.gif"
    with pytest.raises(UsageError, match=r"\.gif"):
        film_learning(tmp_path / "film.png", *course(2, 2, 1, moments=2))
