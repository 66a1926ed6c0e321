"""The lessons before gradient descent; what they must come to is computed here once more, in another way."""

from __future__ import annotations

import dataclasses
import importlib
import shlex

import numpy as np
import pytest
from mpmath import mp, mpf

from chainrule import lessons
from chainrule.errors import UsageError
from chainrule.formulas import ACTIVATIONS
from chainrule.language import Message
from chainrule.lessons.story import Hint, Line, Say, Table

NAMES = (
    "mp-neuron",
    "neuron",
    "feedforward",
    "activations",
    "weight-and-bias",
    "losses",
    "chain-rule",
    "one-derivative",
    "one-neuron",
)


@pytest.fixture(scope="module")
def results():
    return {name: lessons.run(name) for name in NAMES}


def tables(result):
    return [block for block in result.blocks if isinstance(block, Table)]


def said(result):
    return " ".join(block.text for block in result.blocks if isinstance(block, (Say, Line)))


def failed(result):
    return [str(check.name) for check in result.checks if not check.passed]


def f(z):
    return 1 / (1 + mp.exp(-mpf(z)))


@pytest.mark.parametrize("name", NAMES)
def test_a_lesson_begins_with_words_and_holds_its_checks(results, name):
    result = results[name]
    assert isinstance(result.blocks[0], Say)
    assert result.checks
    assert result.passed, failed(result)
    assert 1 <= sum(isinstance(block, Hint) for block in result.blocks) <= 3


@pytest.mark.parametrize("name", NAMES)
def test_a_lesson_has_a_picture(results, name):
    figure = results[name].figure
    figure.draw_without_rendering()
    assert figure.axes


@pytest.mark.parametrize("name", NAMES)
def test_what_to_try_next_works(results, name):
    for hint in (block for block in results[name].blocks if isinstance(block, Hint)):
        program, group, other, *options = shlex.split(hint.command)
        assert (program, group) == ("chainrule", "lesson")
        settings = dict(zip((each[2:] for each in options[::2]), options[1::2], strict=True))
        tried = lessons.run(other, **settings)
        assert tried.passed, failed(tried)
        assert not any(check.expected for check in tried.checks)
        tried.figure.draw_without_rendering()


@pytest.mark.parametrize(
    ("name", "setting", "value"),
    [
        ("mp-neuron", "w", "1,2,3"),
        ("mp-neuron", "b", "nan"),
        ("feedforward", "w", "1"),
        ("feedforward", "x", "1;2"),
        ("activations", "reach", 0),
        ("activations", "reach", "inf"),
        ("activations", "seed", 1.5),
        ("weight-and-bias", "weights", ""),
        ("weight-and-bias", "reach", -1),
        ("losses", "a", "1,2"),
        ("losses", "rate", 0),
        ("losses", "updates", 0),
        ("losses", "z", 5),
        ("chain-rule", "f", "sigmod"),
        ("chain-rule", "f", "step"),
        ("chain-rule", "w", 21),
        ("one-derivative", "x", "one,two"),
        ("one-derivative", "w", "1,1"),
        ("one-neuron", "rate", "nan"),
        ("one-neuron", "updates", 10**6),
        ("one-neuron", "colour", "red"),
    ],
)
def test_settings_that_cannot_be(name, setting, value):
    with pytest.raises(UsageError):
        lessons.run(name, **{setting: value})


# --- the M-P neuron


def test_truth_tables(results):
    assert results["mp-neuron"].values["truth_tables"] == {
        "NOT": [1, 0],
        "AND": [0, 0, 0, 1],
        "OR": [0, 1, 1, 1],
        "NAND": [1, 1, 1, 0],
        "XOR": [0, 1, 1, 0],
    }


def test_the_search_finds_every_table_but_two(results):
    assert "they give 14" in said(results["mp-neuron"])


def test_training_the_step_is_refused_in_the_library_s_own_words(results):
    (line,) = [block.text for block in results["mp-neuron"].blocks if isinstance(block, Line)]
    assert isinstance(line.fields["error"], Message)
    assert "no usable slope" in line
    assert "'sigmoid'" in line
    assert "'relu'" in line


def test_a_neuron_of_one_s_own():
    assert "answers [0, 0, 1, 0]" in said(lessons.run("mp-neuron", w=(1, -1), b=-0.5))


# --- forward


def test_neurons_are_drawn_on_the_curve(results):
    (axes,) = results["neuron"].figure.axes
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["sigmoid", "z = 7, a = 0.9991"]
    (axes,) = results["feedforward"].figure.axes
    assert [line.get_xdata().tolist() for line in axes.lines[1:]] == [[3.0], [pytest.approx(float(f(3)))]]


def test_a_neuron_has_as_many_weights_as_inputs():
    blocks = []
    with pytest.raises(UsageError, match=r"--w has 3 numbers and --x has 2; they must be as many"):
        lessons.run("neuron", w="0,1,2", x="2,3", listener=blocks.append)
    assert blocks == []


def test_feedforward(results):
    h = f(3)
    values = results["feedforward"].values
    assert values["hidden"] == pytest.approx(float(h), rel=1e-14)
    assert values["output"] == pytest.approx(float(f(h)), rel=1e-14)
    assert [round(values[key], 10) for key in ("hidden", "output")] == [0.9525741268, 0.7216325610]


def test_feedforward_with_other_settings():
    values = lessons.run("feedforward", w="0.5,-1", b=0.25, x="1,2").values
    h = f(0.5 - 2 + 0.25)
    assert values["hidden"] == pytest.approx(float(h), rel=1e-14)
    assert values["output"] == pytest.approx(float(f(h / 2 - h + 0.25)), rel=1e-14)


# --- activations


def test_the_table_holds_the_whole_catalogue(results):
    rows = {row[0]: row for row in tables(results["activations"])[0].rows}
    assert list(rows) == list(ACTIVATIONS)
    flat = {name: str(row[-1]) for name, row in rows.items()}
    assert {name for name, where in flat.items() if where == "both ends"} == {"step", "sigmoid", "tanh", "softmax"}
    assert {name for name, where in flat.items() if where == "no"} == {"identity", "leaky_relu"}
    assert set(flat.values()) == {"both ends", "no", "below"}
    assert rows["sigmoid"][2] == 0.25
    assert rows["tanh"][3] == pytest.approx(1 - np.tanh(6) ** 2, rel=1e-6)
    assert rows["silu"][1] == "−0.278 … ∞"
    assert tables(results["activations"])[0].header[2] == "largest f' from −6 to 6"


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_linear_layers_collapse_whatever_the_weights(seed):
    result = lessons.run("activations", seed=seed)
    assert result.passed
    assert result.values["difference"] < 1e-13


# --- weight and bias


def test_the_table_of_weights(results):
    for w, *a in tables(results["weight-and-bias"])[0].rows:
        np.testing.assert_allclose(a, [float(f(w * x)) for x in (-1, 0, 1)], rtol=1e-14)


def test_a_curve_for_each_weight_and_bias(results):
    left, right = results["weight-and-bias"].figure.axes
    assert [text.get_text() for text in left.get_legend().get_texts()] == ["w = 0.5", "w = 1", "w = 2", "w = 5"]
    assert len(right.get_lines()) == 5


# --- losses


def test_squared_errors(results):
    rows = {row[0]: row[2:] for row in tables(results["losses"])[0].rows}
    assert rows["half squared error"] == (24.5, 2.0, 3.0, 6.0)
    assert rows["squared error"] == (49.0, 4.0, 6.0, 12.0)
    np.testing.assert_allclose(rows["mean squared error"], [49 / 3, 4 / 3, 2, 4])
    np.testing.assert_allclose(rows["Euclidean distance"], [7, 2 / 7, 3 / 7, 6 / 7])
    assert "a = (2, 3, 6) are the outputs and y = (0, 0, 0) the targets, N = 3" in said(results["losses"])


def test_losses_have_names_that_are_words(results):
    labels = {
        text.get_text()
        for axes in results["losses"].figure.axes
        for text in (axes.get_legend().get_texts() if axes.get_legend() else ())
    }
    cells = {str(row[0]) for table in tables(results["losses"]) for row in table.rows}
    assert {"half squared error", "binary cross-entropy"} <= labels & cells
    assert not [each for each in labels | cells if "_" in each]


def test_cross_entropy(results):
    for z, a, yes, no in tables(results["losses"])[1].rows:
        assert a == pytest.approx(float(f(z)), rel=1e-14)
        assert yes == pytest.approx(float(-mp.log(f(z))), rel=1e-12)
        assert no == pytest.approx(float(-mp.log(1 - f(z))), rel=1e-12)


def test_slopes_at_a_confident_mistake(results):
    a = f(-4)
    half, entropy = results["losses"].values["dL_dz"]
    assert half == pytest.approx(float((a - 1) * a * (1 - a)), rel=1e-12)
    assert entropy == pytest.approx(float(a - 1), rel=1e-12)
    series = results["losses"].series
    z = -4.0
    for output in series["half_squared_error"]:
        assert output == pytest.approx(float(f(z)), rel=1e-9)
        z += float((1 - f(z)) * f(z) * (1 - f(z)))
    assert series["half_squared_error"][-1] < series["binary_cross_entropy"][-1]


# --- the chain rule


def test_the_product_of_slopes(results):
    x, y, z = f(1), f(f(1)), f(f(f(1)))
    expected = x * (1 - x) * y * (1 - y) * z * (1 - z)
    assert results["chain-rule"].values["dz_dw"] == pytest.approx(float(expected), rel=1e-13)


@pytest.mark.parametrize("w", [-3.0, 0.0, 0.7])
@pytest.mark.parametrize("names", [("tanh", "softplus", "gelu"), ("relu", "selu", "mish"), ("elu", "identity", "silu")])
def test_the_product_is_the_limit(names, w):
    result = lessons.run("chain-rule", **dict(zip("fgh", names, strict=True)), w=w)
    assert result.passed, failed(result)


def test_a_kink_is_called_one(results):
    kinked = lessons.run("chain-rule", f="relu", g="identity", h="identity", w=0)
    assert "a kink" in said(kinked)
    assert (kinked.values["dz_dw"], kinked.values["limit"]) == (0.0, 1.0)
    assert "a kink" not in said(results["chain-rule"])


def test_at_a_kink_no_product_is_called_the_limit(results):
    kinked = lessons.run("chain-rule", f="relu", w=0)
    assert kinked.passed
    names = [str(check.name) for check in kinked.checks]
    assert "The limits from left and right differ; the product is that from the left" in names
    assert "The product is the limit" not in names
    assert "z(w) bends" not in said(kinked)
    assert "The product is the limit" in [str(check.name) for check in results["chain-rule"].checks]
    assert "z(w) bends" in said(results["chain-rule"])


def test_the_check_at_a_kink_can_fail(monkeypatch):
    module = importlib.import_module("chainrule.lessons.chain_rule")
    wrong = {"relu": _wrong("relu", lambda z, a: np.ones_like(z)), "sigmoid": ACTIVATIONS["sigmoid"]}
    monkeypatch.setattr(module, "ACTIVATIONS", wrong)
    assert "The limits from left and right differ; the product is that from the left" in failed(
        lessons.run("chain-rule", f="relu", w=0)
    )


# --- one derivative


def test_one_derivative_factor_by_factor(results):
    expected = {
        "hidden": 0.0474258732,
        "output": 0.5236951741,
        "dC_dyhat": -0.9526096518,
        "dyhat_dh1": 0.2494385387,
        "dh1_dw1": -0.0903533195,
        "dC_dw1": 0.0214695353,
    }
    assert {key: round(value, 10) for key, value in results["one-derivative"].values.items()} == expected
    assert len([check for check in results["one-derivative"].checks if check.expected is not None]) == 6


@pytest.mark.parametrize("settings", [{"w": 0.5, "b": -0.2, "x": (1, 3), "y": 0.3}, {"w": -2, "x": (0.5, 0), "y": 0}])
def test_the_derivative_is_that_of_the_cost(settings):
    result = lessons.run("one-derivative", **settings)
    assert result.passed, failed(result)
    w, b, (x1, x2), y = settings["w"], settings.get("b", 0), settings["x"], settings["y"]

    def cost(w1):
        h1, h2 = f(w1 * x1 + w * x2 + b), f(w * x1 + w * x2 + b)
        return (f(w * (h1 + h2) + b) - y) ** 2

    assert result.values["dC_dw1"] == pytest.approx(float(mp.diff(cost, w)), rel=1e-9)


# --- one neuron


def test_one_neuron_update_by_update(results):
    X, y = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 1, 1, 1])
    w, b = np.array([0.2, -0.4]), 0.1
    series = results["one-neuron"].series
    assert len(series["theta"]) == len(series["loss"]) == 501
    for theta, loss in zip(series["theta"], series["loss"], strict=True):
        a = 1 / (1 + np.exp(-(X @ w + b)))
        np.testing.assert_allclose(theta, [*w, b], rtol=1e-10)
        assert loss == pytest.approx(np.mean((a - y) ** 2), rel=1e-10)
        D = 2 * (a - y) * a * (1 - a) / 4
        w, b = w - D @ X, b - D.sum()
    values = results["one-neuron"].values
    assert values["loss"] == series["loss"][-1] < 0.01
    np.testing.assert_allclose(values["gradient"], (np.array(series["theta"][0]) - series["theta"][1]), rtol=1e-12)
    assert [round(a) for a in values["outputs"]] == [0, 1, 1, 1]


def test_one_update_is_enough_to_run():
    assert len(lessons.run("one-neuron", updates=1, rate=0.5).series["loss"]) == 2


# --- the checks can fail


def _wrong(name, slope):
    return dataclasses.replace(ACTIVATIONS[name], slope=slope)


class _Tanh:
    """A stand-in for the network of a lesson that takes tanh where the sigmoid is meant."""

    def __call__(self, layers, inputs):
        from chainrule.network import Network

        return Network([dataclasses.replace(layer, activation=ACTIVATIONS["tanh"]) for layer in layers], inputs)

    def from_sizes(self, sizes, **_):
        from chainrule.network import Network

        return Network.from_sizes(sizes, hidden="tanh", output="tanh", bias_initializer="normal")


@pytest.mark.parametrize(
    ("name", "attribute", "wrong", "failing"),
    [
        ("mp-neuron", "TRIED", np.zeros((1, 3)), "Only XOR and its opposite are missing"),
        ("mp-neuron", "TRUTH", {"XOR": [1, 0, 0, 1]}, "All truth tables are right"),
        ("neuron", "Network", _Tanh(), "output"),
        ("feedforward", "Network", _Tanh(), "hidden"),
        (
            "activations",
            "value_and_slope",
            lambda name, z: (np.full(len(z), -9.0),) * 2,
            "Every value lies in its range",
        ),
        ("activations", "Network", _Tanh(), "Three linear layers are one"),
        ("weight-and-bias", "Network", _Tanh(), "Every S passes through 0.5 at x = 0"),
        ("losses", "SQUARED", ("half_squared_error",) * 4, "squared_errors"),
        ("losses", "RIVALS", ("binary_cross_entropy", "half_squared_error"), "Cross-entropy has the steeper slope"),
        ("chain-rule", "ACTIVATIONS", {"sigmoid": _wrong("sigmoid", lambda z, a: a)}, "The product is the limit"),
        ("one-derivative", "sigmoid_slope", lambda z, a: a, "The library's gradient is this product"),
        ("one-neuron", "squared_error_slope", lambda a, y: a - y, "The library's gradient is the last row"),
        ("one-neuron", "SGD", lambda rate: "adam", "By hand and by train come to the same"),
    ],
)
def test_the_checks_can_fail(monkeypatch, name, attribute, wrong, failing):
    module = importlib.import_module(f"chainrule.lessons.{name.replace('-', '_')}")
    monkeypatch.setattr(module, attribute, wrong)
    result = lessons.run(name)
    assert failing in failed(result)
