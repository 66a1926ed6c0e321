"""A model does what its numbers say: predictions, measures and gradients agree with each other and the formulas."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.arrays import fit_target
from chainrule.data.encoder import TableEncoder
from chainrule.data.targets import TargetEncoder
from chainrule.engines import Draw
from chainrule.errors import ChainruleError, DataError, ShapeError, UnknownName, UsageError
from chainrule.formulas import ACTIVATIONS, LOSSES
from chainrule.history import History
from chainrule.model import Model, default_loss
from chainrule.network import BatchNorm, Dense, Dropout, Network
from chainrule.training import train

rng = np.random.default_rng(0)
X = rng.normal(size=(7, 3))
NUMBERS = np.array([0, 2, 1, 1, 0, 2, 2])
VALUES = rng.normal(size=(7, 2))
WEIGHTS = np.array([1.0, 2.0, 0.0, 3.0, 1.0, 0.0, 1.0])


def start(*sizes: int, hidden: str = "tanh", output: str = "identity", Y: Any = None, **settings: Any) -> Model:
    """A model with parameters that are all different from 0, which knows what Y means where it is given."""
    model = Network.from_sizes(sizes, hidden, output, bias_initializer="normal", **settings).init(seed=1)
    return model if Y is None else dataclasses.replace(model, target=fit_target(model.network, model.loss, Y))


def step_by_step() -> Model:
    """The 2-2-2 network of the famous worked example."""
    network = Network.from_sizes([2, 2, 2], hidden="sigmoid", output="sigmoid")
    model = dataclasses.replace(network.init(), loss=LOSSES["half_squared_error"])
    for number, weight in enumerate([0.15, 0.20, 0.25, 0.30, 0.40, 0.45, 0.50, 0.55], start=1):
        model[f"w{number}"] = weight
    model["b1"], model["b2"] = 0.35, 0.60
    return model


KINDS = Network(
    [
        BatchNorm(),
        Dense(4, "tanh", "layer", bias_initializer="normal"),
        Dropout(0.25),
        Dense(3, "identity", "none"),
        BatchNorm("softplus"),
        Dense(3, "sigmoid", "fixed", bias_initializer="normal"),
        Dense(3, "softmax", bias_initializer="normal"),
    ],
    inputs=3,
)


def kinds() -> Model:
    """A model with every kind of layer and bias, and statistics that a training might have left."""
    model = KINDS.init(seed=2)
    model["mean0"], model["var0"] = [0.2, 0.1, -0.1], [1.5, 0.5, 1.0]
    model["mean2"], model["var2"] = [0.1, -0.2, 0.3], [0.5, 2.0, 1.5]
    model["gamma2"] = [1.5, -0.5, 0.75]
    return model


# Parameters.


def test_all_names_look_into_theta() -> None:
    model = start(3, 4, 2)
    model.W[1][0, 1] = 5
    assert model["W1[0,1]"] == model["w2"] == model.theta[1] == model.parameters.W[1][0, 1] == 5
    model["w2"] = 6
    assert model.W[1][0, 1] == 6
    model.b[2][:] = [7, 8]
    assert model.theta[-2:].tolist() == [7, 8]


def test_assigned_arrays_are_copied_into_theta() -> None:
    model = start(2, 2, 1)
    W, theta = model.W[1], model.theta
    model.W[1] = [[1, 2], [3, 4]]
    model.b[1] = 0.5
    assert theta[:6].tolist() == [1, 2, 3, 4, 0.5, 0.5]
    model.theta = np.arange(9)
    assert model.theta is theta
    assert (model["w1"], W.tolist()) == (0, [[0, 1], [2, 3]])
    model.theta -= 1
    model.theta = model.theta * 2
    assert W.tolist() == [[-2, 0], [2, 4]]
    assert model.outputs([0.0, 0.0]).item() == pytest.approx(np.tanh([6, 8]) @ model.W[2][0] + model.b[2][0], rel=1e-15)


@pytest.mark.parametrize("numbers", [np.zeros(8), 0.0, np.zeros((9, 1)), ["a"] * 9, None])
def test_a_theta_that_does_not_fit_changes_nothing(numbers: Any) -> None:
    model = start(2, 2, 1)
    before = model.theta.copy()
    with pytest.raises(UsageError, match="the parameter vector"):
        model.theta = numbers
    assert np.array_equal(model.theta, before)


def test_running_statistics_are_state_with_names() -> None:
    model = Network.from_sizes([2, 3, 1], batch_norm=True).init()
    assert (model["mean1"].tolist(), model["var1"].tolist()) == ([0] * 3, [1] * 3)
    model["mean1"] = 0.5
    assert model.state.tolist() == [0.5] * 3 + [1] * 3
    model.state = np.arange(6.0)
    assert model["var1[0]"] == 3
    assert list(model) == ["W1", "gamma1", "beta1", "W2", "b2"]
    assert "mean1" in model
    assert "mean2" not in model
    with pytest.raises(UnknownName, match="mean2"):
        model["mean2"]


def test_a_name_is_a_text() -> None:
    model = start(2, 1)
    assert 1 not in model
    for wrong in (1, ("W1", 0), None):
        with pytest.raises(UsageError, match="named by a text"):
            model[wrong]  # type: ignore[index]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"theta": np.zeros(4)}, r"the parameter vector has shape \(4,\); the network 2-1 needs \(3,\)"),
        ({"state": np.zeros(1)}, r"the state vector has shape \(1,\); the network 2-1 needs \(0,\)"),
        ({"theta": np.zeros(3, dtype=np.float16)}, "must be float64 or float32"),
        ({"target": TargetEncoder("classes", classes=(0, 1, 2))}, "Y holds 3 classes"),
        ({"target": ["a", "b"]}, r"target is \['a', 'b'\]; expected TargetEncoder"),
    ],
)
def test_parts_that_do_not_fit(change: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        dataclasses.replace(start(2, 1), **change)


@pytest.mark.parametrize("copied", [Model.copy, copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_copies_are_independent(copied: Any) -> None:
    model = dataclasses.replace(kinds(), history=History({"loss": [1.0]}), settings={"penalties": ["l2"]})
    other = copied(model)
    assert np.array_equal(other.outputs(X), model.outputs(X))
    other["w1"] = 100
    other.state[:] = 3
    other.history.append({"loss": 2.0})
    other.settings["penalties"].append("l1")
    assert other.W[1][0, 0] == other.theta[6] == 100
    assert other["mean0"][0] == 3
    assert model["w1"] != 100
    assert model["mean0"][0] == 0.2
    assert model.history is not None
    assert model.history["loss"] == [1.0]
    assert model.settings == {"penalties": ["l2"]}


def test_views_of_a_model_cannot_leave_theta() -> None:
    model = start(2, 2, 1)
    before = model.theta.copy()
    with pytest.raises(AttributeError):
        model.W.update({1: np.zeros((2, 2))})  # type: ignore[attr-defined]
    with pytest.raises((AttributeError, TypeError)):
        del model.W[1]  # type: ignore[attr-defined]
    with pytest.raises(UnknownName, match=r"there is no W\[7\]; W is there for layer 1, 2"):
        model.W[7]
    with pytest.raises(UnknownName, match=r"there is no b\[0\]"):
        model.b[0] = 1
    for name in ("W", "b"):
        with pytest.raises(
            UsageError, match=rf"model.{name} is not replaced as a whole; set a layer, model.{name}\[1\]"
        ):
            setattr(model, name, {1: 0.0, 2: 0.0})
    assert np.array_equal(model.theta, before)
    assert np.shares_memory(model.W[1], model.theta)


def test_a_loss_is_assigned_by_name_or_record() -> None:
    model = start(2, 1)
    model.loss = "mae"  # type: ignore[assignment]
    assert model.loss is LOSSES["absolute_error"]
    model.loss = LOSSES["mean_squared_error"]
    assert model.evaluate([[1.0, 2.0]], [0.5])["loss"] >= 0
    for wrong in ("maee", None, 5):
        with pytest.raises(UsageError, match="loss"):
            model.loss = wrong  # type: ignore[assignment]
    assert model.loss is LOSSES["mean_squared_error"]


def test_what_is_no_encoder_is_not_assigned() -> None:
    model = start(2, 1)
    with pytest.raises(UsageError, match=r"encoder is 'x'; expected TableEncoder.fit\(X\), or None"):
        model.encoder = "x"  # type: ignore[assignment]
    assert model.encoder is None
    model.encoder = None


# The forward pass.


def test_the_inputs_shown_are_a_copy() -> None:
    rows = np.array([[1.0, 2.0]])
    model = start(2, 1)
    model.forward(rows).A[0][:] = 0
    assert rows.tolist() == [[1, 2]]


def test_the_famous_forward_pass() -> None:
    passed = step_by_step().forward([0.05, 0.10])
    assert passed.A[0].tolist() == [[0.05, 0.10]]
    assert passed.Z[1] == pytest.approx(np.array([[0.3775, 0.3925]]))
    assert passed.A[1] == pytest.approx(np.array([[0.59326999, 0.59688438]]), abs=5e-9)
    assert passed.A[2] == pytest.approx(np.array([[0.75136507, 0.77292847]]), abs=5e-9)


def test_forward_follows_the_equations() -> None:
    model = start(3, 4, 2, hidden="sigmoid", output="softmax")
    passed = model.forward(X)
    A = X
    for l, name in ((1, "sigmoid"), (2, "softmax")):
        Z = A @ model.W[l].T + model.b[l]
        A = ACTIVATIONS[name].f(Z)
        assert passed.Z[l] == pytest.approx(Z)
        assert passed.A[l] == pytest.approx(A)
    assert np.array_equal(passed.A[2], model.outputs(X))


def test_forward_shows_what_batch_normalization_hands_on() -> None:
    model = kinds()
    passed = model.forward(X)
    A = (X - model["mean0"]) / np.sqrt(model["var0"] + 1e-5) * model["gamma0"] + model["beta0"]
    assert passed.A[0] == pytest.approx(A)
    A = np.tanh(A @ model.W[1].T + model["b1"])
    Z = (A @ model.W[2].T - model["mean2"]) / np.sqrt(model["var2"] + 1e-5) * model["gamma2"] + model["beta2"]
    assert passed.Z[2] == pytest.approx(Z)
    assert passed.A[2] == pytest.approx(np.log1p(np.exp(Z)))
    assert np.array_equal(passed.A[4], model.outputs(X))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_everything_is_computed_in_the_models_number_type(dtype: type) -> None:
    model = Network.from_sizes([3, 4, 3], output="softmax").init(seed=0, dtype=dtype)
    gradient = model.gradient(X, NUMBERS, WEIGHTS)
    passed = model.forward(X)
    arrays = [model.outputs(X), model.predict_proba(X), gradient.theta, gradient.inputs, passed.Z[1], passed.A[2]]
    assert {array.dtype for array in arrays if array is not None} == {np.dtype(dtype)}
    assert model.dtype == dtype


# Predictions.


@pytest.mark.parametrize(
    ("output", "Y", "task", "labels"),
    [
        ("softmax", NUMBERS, "classification", [0, 1, 2]),
        ("softmax", np.array(["a", "b", "c"])[NUMBERS], "classification", ["a", "b", "c"]),
        ("softmax", NUMBERS + 1, "classification", [1, 2, 3]),
        ("softmax", np.eye(3)[NUMBERS], "classification", [0, 1, 2]),
        ("sigmoid", NUMBERS.astype(float), "classification", [0, 1, 2]),
        ("sigmoid", np.where(NUMBERS > 0, 1, -1), "classification", [-1, 1]),
        ("sigmoid", NUMBERS > 0, "classification", [False, True]),
        ("tanh", NUMBERS > 0, "classification", [False, True]),
    ],
)
def test_classes_are_predicted_as_their_labels(output: str, Y: Any, task: str, labels: list[Any]) -> None:
    model = start(3, 4, 1 if len(labels) == 2 else 3, output=output, Y=Y)
    predicted = model.predict(X)
    assert model.task == task
    assert model.classes == tuple(labels)
    assert predicted.shape == (7,)
    assert set(predicted.tolist()) <= set(labels)
    truth = np.array(labels)[np.argmax(Y, axis=1)] if np.ndim(Y) == 2 else Y
    assert model.evaluate(X, Y)["accuracy"] == pytest.approx(np.mean(predicted == truth))
    assert model.evaluate(X, Y, WEIGHTS)["accuracy"] == pytest.approx(np.average(predicted == truth, weights=WEIGHTS))
    if output != "tanh":
        p = model.predict_proba(X)
        assert p.shape == (7, len(labels))
        assert p.sum(axis=1) == pytest.approx(np.ones(7))
        assert np.array(labels)[p.argmax(axis=1)].tolist() == predicted.tolist()


def test_probabilities_are_the_outputs() -> None:
    model = start(3, 4, 3, output="softmax", Y=NUMBERS)
    assert np.array_equal(model.predict_proba(X), model.outputs(X))
    one = start(3, 4, 1, output="sigmoid", Y=NUMBERS > 0)
    assert np.array_equal(one.predict_proba(X)[:, 1], one.outputs(X)[:, 0])
    many = start(3, 4, 3, output="sigmoid", Y=NUMBERS)
    ratio = many.predict_proba(X) / many.outputs(X)
    assert np.ptp(ratio, axis=1) == pytest.approx(np.zeros(7), abs=1e-12)


def test_sigmoids_that_are_all_zero_share_the_probability() -> None:
    model = start(3, 3, output="sigmoid", Y=NUMBERS)
    model["b1"] = -1000
    assert model.predict_proba(X) == pytest.approx(np.full((7, 3), 1 / 3))


def test_values_come_back_in_the_shape_of_training() -> None:
    assert start(3, 4, 2, Y=VALUES).predict(X).shape == (7, 2)
    assert start(3, 4, 1, Y=VALUES[:, 0]).predict(X).shape == (7,)
    assert start(3, 4, 2, Y=VALUES).task == "regression"


def test_standardized_values_come_back_in_their_own_unit() -> None:
    Y = 100 + 10 * VALUES
    model = start(3, 4, 2)
    fitted = TargetEncoder.fit(Y, kind="values")
    model = dataclasses.replace(model, target=fitted)
    predicted = model.predict(X)
    assert predicted == pytest.approx(model.outputs(X) * np.std(Y, axis=0) + np.mean(Y, axis=0))
    found = model.evaluate(X, Y)
    assert found["rmse"] == pytest.approx(np.sqrt(np.mean((predicted - Y) ** 2)))
    assert found["mae"] == pytest.approx(np.mean(np.abs(predicted - Y)))
    assert found["loss"] == pytest.approx(np.mean((model.outputs(X) - fitted.transform(Y)) ** 2))
    assert set(found) == {"loss", "rmse", "mae", "r2"}


def test_several_answers_at_once() -> None:
    Y = (VALUES > 0).astype(int)
    model = start(3, 4, 2, output="sigmoid", Y=Y)
    assert model.task == "multilabel"
    assert np.array_equal(model.predict(X), model.outputs(X) >= 0.5)
    assert np.array_equal(model.predict_proba(X), model.outputs(X))
    assert model.evaluate(X, Y)["accuracy"] == pytest.approx(np.mean(model.predict(X) == Y))
    assert set(model.evaluate(X, Y)) == {"loss", "accuracy"}


def test_one_answer_with_shares_as_targets() -> None:
    model = start(3, 4, 1, output="sigmoid", Y=[0.25, 0.75])
    assert (model.task, model.predict(X).shape, model.predict_proba(X).shape) == ("multilabel", (7,), (7, 1))


@pytest.mark.parametrize(
    ("output", "units", "task", "columns"),
    [("softmax", 3, "classification", 3), ("sigmoid", 1, "classification", 2), ("sigmoid", 3, "multilabel", 3)],
)
def test_an_untrained_model_gives_outputs_and_probabilities(output: str, units: int, task: str, columns: int) -> None:
    model = start(3, units, output=output)
    assert model.task == task
    assert np.array_equal(model.predict(X), model.outputs(X))
    assert model.predict_proba(X).shape == (7, columns)
    assert model.classes is None


def test_what_has_no_probabilities_says_so() -> None:
    with pytest.raises(UsageError, match="predicts values and has no class probabilities; use predict"):
        start(3, 2, Y=VALUES).predict_proba(X)
    with pytest.raises(UsageError, match="the output activation 'tanh' gives no probabilities; use 'softmax' or"):
        start(3, 1, output="tanh", Y=NUMBERS > 0).predict_proba(X)
    with pytest.raises(UsageError, match="the output activation 'identity' gives no probabilities"):
        start(3, 1).predict_proba(X)


def test_one_row_and_no_rows() -> None:
    model = start(3, 4, 3, output="softmax", Y=np.array(["a", "b", "c"])[NUMBERS])
    assert model.predict(X[0]).tolist() == model.predict(X[:1]).tolist()
    assert model.predict_proba(X[0]).shape == (1, 3)
    assert model.predict(X[:0]).shape == (0,)
    assert model.predict_proba(X[:0]).shape == (0, 3)
    assert model.outputs(X[:0]).shape == (0, 3)
    assert start(3, 4, 2, Y=VALUES).predict(X[:0]).shape == (0, 2)


def test_raw_rows_are_encoded() -> None:
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"age": [20.0, 40.0], "pet": ["cat", "dog"]})
    encoder = TableEncoder.fit(frame)
    plain = start(3, 2, output="softmax", Y=["no", "yes"])
    model = dataclasses.replace(plain, encoder=encoder)
    assert np.array_equal(model.outputs(frame), plain.outputs(encoder.transform(frame)))
    assert model.evaluate(frame, ["no", "yes"]) == plain.evaluate(encoder.transform(frame), ["no", "yes"])
    assert model.predict(frame.iloc[:1]).shape == (1,)


# Losses, weights, gradients.


def test_the_default_loss_belongs_to_the_output() -> None:
    found = {name: default_loss(Network.from_sizes([2, 2], output=name)).name for name in ACTIVATIONS}
    assert found["softmax"] == "categorical_cross_entropy"
    assert found["sigmoid"] == "binary_cross_entropy"
    assert found["softplus"] == found["exponential"] == "poisson"
    assert found["identity"] == found["tanh"] == found["relu"] == "mean_squared_error"


def test_the_famous_backward_pass() -> None:
    model = step_by_step()
    gradient = model.gradient([0.05, 0.10], [0.01, 0.99])
    assert gradient.cost == pytest.approx(0.29837111, abs=5e-9)
    assert model.evaluate([0.05, 0.10], [0.01, 0.99])["loss"] == pytest.approx(0.29837111, abs=5e-9)
    assert gradient["w5"] == gradient["W2[0,0]"] == pytest.approx(0.08216704, abs=5e-9)
    model.W[1] -= 0.5 * gradient.W[1]
    model.W[2] -= 0.5 * gradient.W[2]
    assert model.W[1].ravel() == pytest.approx([0.14978072, 0.19956143, 0.24975114, 0.29950229], abs=5e-9)
    assert model.W[2].ravel() == pytest.approx([0.35891648, 0.40866619, 0.51130127, 0.56137012], abs=5e-9)
    assert model.evaluate([0.05, 0.10], [0.01, 0.99])["loss"] == pytest.approx(0.29102777, abs=5e-9)


def test_the_loss_is_that_of_the_probabilities() -> None:
    model = start(3, 4, 3, output="softmax", Y=NUMBERS)
    p = model.predict_proba(X)[np.arange(7), NUMBERS]
    assert model.evaluate(X, NUMBERS)["loss"] == pytest.approx(-np.log(p).mean())
    assert model.evaluate(X, NUMBERS, WEIGHTS)["loss"] == pytest.approx(-np.average(np.log(p), weights=WEIGHTS))
    assert model.gradient(X, NUMBERS, loss="half_squared_error").cost == pytest.approx(
        np.sum((model.outputs(X) - np.eye(3)[NUMBERS]) ** 2) / 14
    )


MODELS = {
    "regression": (start(3, 4, 2, Y=VALUES), VALUES),
    "classes": (start(3, 4, 3, output="softmax", Y=NUMBERS), NUMBERS),
    "two classes": (start(3, 4, 1, output="sigmoid", Y=NUMBERS > 0, bias="layer"), NUMBERS > 0),
    "untrained": (start(3, 4, 2), VALUES),
    "every kind": (kinds(), NUMBERS),
}


@pytest.mark.parametrize("name", MODELS)
def test_evaluate_and_gradient_agree(name: str) -> None:
    model, Y = MODELS[name]
    before = model.theta.copy(), model.state.copy()
    for weights in (None, WEIGHTS):
        gradient = model.gradient(X, Y, weights)
        assert gradient.cost == model.evaluate(X, Y, weights)["loss"]
        assert gradient.penalty == 0
    assert np.array_equal(model.theta, before[0])
    assert np.array_equal(model.state, before[1])


@pytest.mark.parametrize("draw", [None, Draw(0, 1)])
@pytest.mark.parametrize("name", [*MODELS, "batch norm"])
def test_a_weight_is_a_number_of_rows(name: str, draw: Draw | None) -> None:
    if name == "batch norm":
        model, Y = start(3, 4, 2, batch_norm=True, Y=VALUES), VALUES
    else:
        model, Y = MODELS[name]
    if any(isinstance(layer, Dropout) for layer in model.network.layers):
        draw = None  # in training each row has a mask of its own
    rows = np.repeat(np.arange(7), WEIGHTS.astype(int))
    weighted = model.gradient(X, Y, WEIGHTS, draw=draw)
    repeated = model.gradient(X[rows], Y[rows], draw=draw)
    assert weighted.cost == pytest.approx(repeated.cost, rel=1e-12)
    assert weighted.theta == pytest.approx(repeated.theta, rel=1e-9, abs=1e-12)
    if draw is None:
        assert model.evaluate(X, Y, WEIGHTS) == pytest.approx(model.evaluate(X[rows], Y[rows]), rel=1e-12)
    twice = model.gradient(X, Y, 2 * np.ones(7), draw=draw)
    assert twice.theta == pytest.approx(model.gradient(X, Y, draw=draw).theta, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_the_gradient_is_the_slope_of_the_loss(name: str, weights: Any) -> None:
    original, Y = MODELS[name]
    model = original.copy()
    gradient = model.gradient(X, Y, weights)
    names = [f"w{k}" for k in range(1, 1 + sum(W.size for W in model.W.values()))]
    names += [
        f"b{l}" if b.strides == (0,) else f"b{l}[{i}]"
        for l, b in model.b.items()
        if b is not None
        for i in range(len(b))
    ]
    names += [
        f"{kind}{l}[{i}]" for kind in ("gamma", "beta") for l in (0, 2) if f"{kind}{l}" in model for i in range(3)
    ]
    fixed = {entry.name for entry in model.network.entries if not entry.trained}
    step, seen = 1e-5, 0
    for name in names:
        value = np.ravel(model[name])[0]
        losses = []
        for shift in (step, -step):
            model[name] = value + shift
            losses.append(model.evaluate(X, Y, weights)["loss"])
        model[name] = value
        slope = 0 if name.split("[")[0] in fixed else (losses[0] - losses[1]) / (2 * step)
        assert np.ravel(gradient[name])[0] == pytest.approx(slope, rel=1e-5, abs=1e-9), name
        seen += 1
    assert seen >= model.network.parameter_count
    assert np.array_equal(model.theta, original.theta)


def test_the_gradient_by_the_inputs() -> None:
    model, Y = MODELS["every kind"]
    gradient = model.gradient(X, Y, WEIGHTS)
    assert gradient.inputs is not None
    for i, j in ((0, 0), (3, 1), (2, 2)):
        losses = []
        for shift in (1e-5, -1e-5):
            moved = X.copy()
            moved[i, j] += shift
            losses.append(model.evaluate(moved, Y, WEIGHTS)["loss"])
        assert gradient.inputs[i, j] == pytest.approx((losses[0] - losses[1]) / 2e-5, rel=1e-5, abs=1e-9)


def test_a_draw_computes_as_in_training() -> None:
    model, Y = MODELS["every kind"]
    one, same, other = (model.gradient(X, Y, draw=Draw(0, update)) for update in (1, 1, 2))
    assert np.array_equal(one.theta, same.theta)
    assert not np.array_equal(one.theta, other.theta)
    assert not np.array_equal(one.state, model.state)


# What is refused.


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda m: m.predict([[1, 2]]), ShapeError, r"X has shape \(1, 2\); the network takes rows of 3 numbers"),
        (lambda m: m.predict([[1, 2, np.nan]]), DataError, "row 0, column 2 of X is nan"),
        (lambda m: m.predict_proba([[1, np.inf, 0]]), DataError, "row 0, column 1 of X is inf"),
        (lambda m: m.forward([[1, "two", 0]]), DataError, "X holds 'two' in row 0, column 1"),
        (lambda m: m.evaluate(X, NUMBERS[:3]), ShapeError, r"X has 7 row\(s\) and Y \(3,\)"),
        (lambda m: m.evaluate(X[:0], NUMBERS[:0]), DataError, "X has no rows"),
        (lambda m: m.gradient(X[:0], NUMBERS[:0]), DataError, "X has no rows"),
        (
            lambda m: m.evaluate(X, NUMBERS + 1),
            DataError,
            "has the label 3, which was not among the classes in training",
        ),
        (lambda m: m.evaluate(X, NUMBERS, [1, 2]), ShapeError, r"weights have shape \(2,\)"),
        (lambda m: m.gradient(X, NUMBERS, np.zeros(7)), DataError, "weights are all 0"),
        (lambda m: m.gradient(X, NUMBERS, draw=3), UsageError, r"draw is 3; expected Draw\(seed, update\), such as"),
        (lambda m: m.gradient(X, NUMBERS, draw=(0, 1)), UsageError, r"draw is \(0, 1\); expected Draw"),
        (lambda m: m.gradient(X, NUMBERS, loss="mean_squared_eror"), UnknownName, "did you mean 'mean_squared_error'"),
        (
            lambda m: m.gradient(X, NUMBERS, loss="binary_cross_entropy"),
            UsageError,
            "needs an output layer with 'sigmoid'",
        ),
    ],
)
def test_what_cannot_be_asked(call: Any, kind: type[ChainruleError], message: str) -> None:
    with pytest.raises(kind, match=message):
        call(start(3, 4, 3, output="softmax", Y=NUMBERS))


@given(st.integers(0, 2**16))
def test_rows_are_predicted_one_by_one_or_together(seed: int) -> None:
    model = kinds()
    rows = np.random.default_rng(seed).normal(size=(5, 3))
    together = model.outputs(rows)
    assert np.concatenate([model.outputs(row) for row in rows]) == pytest.approx(together, rel=1e-12)
    order = np.random.default_rng(seed).permutation(5)
    assert model.outputs(rows[order]) == pytest.approx(together[order], rel=1e-12)


def test_a_model_computes_with_the_engine_that_trained_it() -> None:
    network = Network.from_sizes([3, 20, 4], hidden="tanh", output="softmax")
    rows = np.random.default_rng(0).normal(size=(50, 3))
    compiled = train(network, rows, np.arange(50) % 4, epochs=2, engine="compiled", dtype=np.float32)
    reference = train(network, rows, np.arange(50) % 4, epochs=2, engine="reference", dtype=np.float32)
    for model in (compiled, reference):
        name = model.history.engine if model.history else ""
        assert model.engine().name == name
        assert model.outputs(rows).tobytes() == model.outputs(rows, engine=name).tobytes()
    assert compiled.outputs(rows[:7]).tobytes() == compiled.outputs(rows)[:7].tobytes()  # as compiled code promises
    other = compiled.gradient(rows, np.arange(50) % 4, engine="auto").theta
    assert other == pytest.approx(compiled.gradient(rows, np.arange(50) % 4).theta, rel=1e-3, abs=1e-6)
    assert compiled.evaluate(rows, np.arange(50) % 4)["loss"] == pytest.approx(
        compiled.evaluate(rows, np.arange(50) % 4, engine="reference")["loss"], rel=1e-5
    )
    assert start(2, 1).engine().name == "reference"
    with pytest.raises(UnknownName, match="unknown engine 'fast'"):
        compiled.predict(rows, engine="fast")


# How it is shown.


def test_repr_says_what_it_is() -> None:
    model = start(2, 1)
    assert repr(model) == f"Model({model.network!r}, float64, untrained)"
    trained = dataclasses.replace(model, history=History({"loss": [1.0]}, updates=1200))
    assert repr(trained).endswith("float64, 1,200 updates)")


def test_html_shows_the_summary() -> None:
    class Reader(HTMLParser):
        text = ""

        def handle_data(self, data: str) -> None:
            self.text += data + "\n"

    reader = Reader()
    reader.feed(Network.from_sizes([2, 1]).init(dtype="float32")._repr_html_())
    assert "3 parameters, 12 B as float32" in reader.text
    assert "untrained" in reader.text
    assert str(start(2, 1).summary()) == str(start(2, 1).network.summary())


# Parts.


@pytest.mark.parametrize("k", [1, 2, 3])
def test_two_parts_one_behind_the_other_are_the_whole(k: int) -> None:
    layers = [BatchNorm(), Dropout(0.1), Dense(5, "relu"), Dropout(0.5), Dense(4, bias="none"), BatchNorm("tanh")]
    network = Network([*layers, Dense(3, "elu", bias="layer"), Dense(2)], inputs=6)
    model, rng = network.init(seed=1), np.random.default_rng(0)
    model.theta, model.state = rng.normal(size=model.theta.shape), rng.uniform(0.5, 2, size=model.state.shape)
    first, second, X = model.part(1, k), model.part(k + 1, 4), rng.normal(size=(7, 6))
    assert np.array_equal(second.outputs(first.outputs(X)), model.outputs(X))
    assert np.array_equal(first.outputs(X), model.forward(X).A[k])
    first.theta = 0 * first.theta
    assert np.all(model.W[1] != 0)
    assert np.array_equal(model.part(1, 4).theta, model.theta)


@pytest.mark.parametrize(("first", "last"), [(0, 1), (2, 1), (1, 3), (3, 3)])
def test_parts_that_are_not_there_are_refused(first: int, last: int) -> None:
    with pytest.raises(
        ShapeError, match=f"no part from layer {first} to layer {last}; the network has the layers 1 to 2"
    ):
        Network.from_sizes([2, 3, 1]).init().part(first, last)


def test_parts_keep_what_belongs_to_their_ends() -> None:
    model = start(3, 4, 2, output="softmax", Y=["no", "yes"])
    assert (model.part(1, 1).target, model.part(2, 2).classes) == (None, ("no", "yes"))
    assert model.part(2, 2).loss is model.loss
