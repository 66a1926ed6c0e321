"""Arguments that cannot be are refused before any work is done, with a sentence that says what was expected."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from chainrule import L2, SGD, BatchNorm, Dense, Network, TargetEncoder, train
from chainrule.data import split
from chainrule.errors import ChainruleError, DataError, ShapeError, UnknownName, UsageError
from chainrule.formulas import METRICS

RNG = np.random.default_rng(3)
X = RNG.normal(size=(10, 3))
y = RNG.integers(0, 2, 10)
NETWORK = Network.from_sizes([3, 4, 2], hidden="tanh", output="softmax")


@pytest.mark.parametrize(
    ("changed", "kind", "message"),
    [
        ({"epochs": 0}, UsageError, "epochs is 0"),
        ({"epochs": -1}, UsageError, "epochs is -1"),
        ({"epochs": 2.0}, UsageError, "epochs is 2.0"),
        ({"epochs": True}, UsageError, "epochs is True"),
        ({"batch_size": 0}, UsageError, "batch_size is 0"),
        ({"batch_size": "all"}, UsageError, "batch_size is 'all'"),
        ({"clip": 0}, UsageError, "clip is 0"),
        ({"clip": float("nan")}, UsageError, "clip is nan"),
        ({"clip": "1"}, UsageError, "clip is '1'"),
        ({"seed": -1}, UsageError, "seed is -1"),
        ({"seed": 1.5}, UsageError, "seed is 1.5"),
        ({"optimizer": "adm"}, UnknownName, "did you mean 'adam'"),
        ({"optimizer": 0.1}, UsageError, "0.1"),
        ({"loss": "mean_square_error"}, UnknownName, "did you mean 'mean_squared_error'"),
        ({"loss": "binary_cross_entropy"}, UsageError, "'sigmoid'"),
        ({"schedule": "cosin"}, UnknownName, "did you mean 'cosine'"),
        ({"penalties": "l3"}, UnknownName, "'l3'"),
        ({"penalties": [0.1]}, UsageError, "0.1"),
        ({"penalties": None}, UsageError, "penalties is None; expected one or several, such as L2(0.001)"),
        ({"penalties": 0.1}, UsageError, "penalties is 0.1; expected"),
        ({"penalties": L2}, UsageError, "such as L2(0.001)"),
        ({"metrics": 5}, UsageError, "metrics is 5; expected a name or a list of names out of accuracy"),
        ({"metrics": METRICS["accuracy"]}, UsageError, "expected a name or a list of names out of accuracy"),
        ({"metrics": [METRICS["accuracy"]]}, UsageError, "expected a name or a list of names out of accuracy"),
        ({"metrics": "acuracy"}, UnknownName, "did you mean 'accuracy'"),
        ({"encoder": "x"}, UsageError, "encoder is 'x'; expected TableEncoder.fit(X), or None"),
        ({"target": ["a", "b"]}, UsageError, "target is ['a', 'b']; expected TargetEncoder"),
        ({"validation": (X[:, :2], y)}, ShapeError, "the validation part's X has shape (10, 2); the network takes"),
        ({"validation": ([["a"] * 3], [0])}, DataError, "the validation part's X holds 'a' in row 0, column 0"),
        ({"validation": (X, y[:9])}, ShapeError, "the validation part's X has 10 row(s) and Y (9,)"),
        ({"validation": (X, y + 1)}, DataError, "the validation part's Y: the target 'target' has the label 2"),
        ({"validation": (X, y, [1.0])}, ShapeError, "the validation part's weights have shape (1,)"),
        ({"validation": (X, y, [0.0] * 10)}, DataError, "the validation part's weights are all 0"),
        ({"engine": "reference2"}, UnknownName, "did you mean 'reference'"),
        ({"dtype": "float16"}, UsageError, "float16"),
        ({"weights": [1.0] * 9}, ShapeError, "(9,)"),
        ({"weights": [0.0] * 10}, DataError, "weight"),
        ({"weights": [-1.0] * 10}, DataError, "weight"),
    ],
)
def test_settings(changed: dict[str, Any], kind: type[ChainruleError], message: str) -> None:
    with pytest.raises(kind) as caught:
        train(NETWORK, X, y, **changed)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("network", "inputs", "targets", "kind", "message"),
    [
        ("784-30-10", X, y, UsageError, "not str"),
        (NETWORK, X[:0], y[:0], DataError, "no rows"),
        (NETWORK, X[:, :2], y, ShapeError, "(10, 2)"),
        (NETWORK, X, y[:9], ShapeError, "9"),
        (NETWORK, X, ["a", "b", "c"] * 3 + ["a"], ShapeError, "3 classes"),
        (NETWORK, X, ["a"] * 10, DataError, "1 class"),
    ],
    ids=["a text", "no rows", "columns", "rows", "classes", "one class"],
)
def test_data(network: Any, inputs: Any, targets: Any, kind: type[ChainruleError], message: str) -> None:
    with pytest.raises(kind) as caught:
        train(network, inputs, targets)
    assert message in str(caught.value)


def test_a_network_that_errors_cannot_go_back_through() -> None:
    for layers in ([Dense(4, "step"), Dense(2, "softmax")], [Dense(4, "tanh"), Dense(2, "step")]):
        with pytest.raises(UsageError, match="no usable slope"):
            train(Network(layers, inputs=3), X, y, loss=None if layers[1].activation.name == "softmax" else "mse")


@pytest.mark.parametrize("part", ["training", "validation"])
def test_a_part_whose_weights_are_all_zero(part: str) -> None:
    numbers = np.arange(10.0)
    places = split(numbers, seed=0, test=0.0, validation=0.3, stratify=False)
    rows = {"training": places.train, "validation": places.validation}[part]
    weights = np.ones(10)
    weights[rows] = 0
    network = Network.from_sizes([1, 1])
    with pytest.raises(DataError, match=f"with 0.3 of the rows set aside .* all weights of the {part} part are 0"):
        train(network, numbers, numbers + 0.5, weights=weights, validation=0.3, epochs=1)
    weights[rows[0]] = 1
    train(network, numbers, numbers + 0.5, weights=weights, validation=0.3, epochs=1)


def test_one_example_as_vectors() -> None:
    network = Network.from_sizes([2, 2, 2], hidden="sigmoid", output="sigmoid")
    model = train(network, [0.05, 0.1], [0.01, 0.99], epochs=2, loss="half_squared_error")
    same = train(network, [[0.05, 0.1]], [[0.01, 0.99]], epochs=2, loss="half_squared_error")
    assert model.theta.tobytes() == same.theta.tobytes()
    assert model.target == same.target


def test_batches_of_one_row_have_no_variance() -> None:
    network = Network([Dense(4), BatchNorm("relu"), Dense(2, "softmax")], inputs=3)
    calls: list[Any] = []
    for rows, batch_size in ((10, 1), (1, 32)):
        with pytest.raises(UsageError, match=f"batch_size is {batch_size} with {rows} row.* at least 2 rows"):
            train(network, X[:rows], y[:rows], batch_size=batch_size, callbacks=SimpleNamespace(begin=calls.append))
    assert calls == []
    train(network, X, y, batch_size=2, epochs=1)
    train(NETWORK, X, y, batch_size=1, epochs=1)


@pytest.mark.parametrize("part", ["theta", "state"])
def test_a_model_that_is_already_broken(part: str) -> None:
    start = Network.from_sizes([3, 4, 2], batch_norm=True, output="softmax").init()
    getattr(start, part)[0] = np.nan
    with pytest.raises(UsageError, match="not finite"):
        train(start, X, y)
    large = NETWORK.init()
    large["W1[0,0]"] = 1e300
    with pytest.raises(UsageError, match="not finite in float32"):
        train(large, X, y, dtype="float32")


def test_settings_are_plain_data() -> None:
    """They go into model files: whatever number types were passed, JSON takes what is kept."""
    model = train(
        NETWORK,
        X.astype(np.float32),
        y,
        epochs=np.int64(1),
        batch_size=np.int32(4),
        seed=np.uint8(3),
        clip=np.float32(0.5),
        penalties=["l1", "max-norm"],
        schedule="one-cycle",
        optimizer=SGD(0.25),
    )
    kept = json.loads(json.dumps(model.settings))
    assert kept == model.settings
    assert kept["optimizer"] == {"name": "sgd", "rate": 0.25}
    assert (kept["epochs"], kept["batch_size"], kept["seed"], kept["clip"], kept["rows"]) == (1, 4, 3, 0.5, 10)
    assert [penalty["name"] for penalty in kept["penalties"]] == ["l1", "max_norm"]
    assert kept["loss"]["name"] == "categorical_cross_entropy"
    json.dumps(dict(model.history.items()))


def test_what_is_passed_in_stays_as_it_was() -> None:
    inputs, targets, weights = X.copy(), np.eye(2)[y], np.ones(10)
    copies = [each.copy() for each in (inputs, targets, weights)]
    train(NETWORK, inputs, targets, weights=weights, epochs=2, batch_size=3, validation=(inputs, targets))
    for now, before in zip((inputs, targets, weights), copies, strict=True):
        np.testing.assert_array_equal(now, before)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_number_type_of_the_result(dtype: Any) -> None:
    model = train(NETWORK, X, y, epochs=1, dtype=dtype, weights=np.ones(10), clip=1.0, schedule="cosine")
    assert model.theta.dtype == model.state.dtype == model.outputs(X).dtype == dtype


def test_target_and_encoder_are_kept() -> None:
    target = TargetEncoder.fit(["no", "yes"], kind="classes")
    model = train(NETWORK, X, np.where(y, "yes", "no"), target=target, epochs=1)
    assert model.target is target
    assert set(model.predict(X)) <= {"no", "yes"}


def test_raw_rows_go_through_the_encoder() -> None:
    import pandas as pd

    from chainrule import TableEncoder

    table = pd.DataFrame({"size": [1.0, 2.0, np.nan, 4.0] * 5, "colour": ["red", "blue", "red", "green"] * 5})
    labels = ["a", "b"] * 10
    encoder = TableEncoder.fit(table)
    columns = encoder.transform(table).shape[1]
    network = Network.from_sizes([columns, 4, 2], output="softmax")
    model = train(network, table, labels, encoder=encoder, epochs=2, validation=(table[:8], labels[:8]))
    assert model.encoder is encoder
    on = train(model, table, labels, epochs=1)  # the model's own encoder goes on
    assert on.encoder is encoder
    assert len(on.predict(table[:3])) == 3
