"""What is loaded is what was saved, to the bit."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import safetensors
import safetensors.numpy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chainrule.data.encoder import TableEncoder
from chainrule.data.targets import TargetEncoder
from chainrule.formulas import ACTIVATIONS, INITIALIZERS, LOSSES, Activation, register
from chainrule.history import History
from chainrule.model import Model, default_loss
from chainrule.network import BatchNorm, Dense, Dropout, Network
from chainrule.storage import load, save
from chainrule.training import train

Same = Callable[[Model, Model], bool]
XOR = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]])
INNER = [name for name in ACTIVATIONS if name != "softmax"]


@st.composite
def formulas(draw: st.DrawFn, catalogue: Any, names: list[str]) -> Any:
    record = catalogue[draw(st.sampled_from(names))]
    if not record.parameters or draw(st.booleans()):
        return record
    return record.with_parameters(**{name: draw(st.floats(0.01, 0.9)) for name in record.parameters})


@st.composite
def denses(draw: st.DrawFn, activation: st.SearchStrategy[Activation]) -> Dense:
    names = [name for name in INITIALIZERS if name != "orthogonal"]
    return Dense(
        draw(st.integers(1, 4)),
        draw(activation),
        draw(st.sampled_from(["neuron", "layer", "fixed", "none"])),
        draw(st.none() | formulas(INITIALIZERS, list(INITIALIZERS))),
        draw(formulas(INITIALIZERS, names)),
    )


@st.composite
def networks(draw: st.DrawFn) -> Network:
    layers: list[Any] = []
    for _ in range(draw(st.integers(0, 3))):
        layers.append(draw(denses(formulas(ACTIVATIONS, INNER))))
        if draw(st.booleans()):
            layers.append(
                BatchNorm(draw(formulas(ACTIVATIONS, INNER)), draw(st.floats(0.01, 1)), draw(st.floats(1e-9, 0.1)))
            )
        if draw(st.booleans()):
            layers.append(Dropout(draw(st.floats(0, 0.99))))
    return Network([*layers, draw(denses(formulas(ACTIVATIONS, list(ACTIVATIONS))))], draw(st.integers(1, 4)))


@st.composite
def histories(draw: st.DrawFn) -> History:
    names = draw(st.lists(st.sampled_from(["loss", "rate", "validation_loss", "größe", "my metric"]), unique=True))
    series = {name: draw(st.lists(st.floats(), max_size=4)) for name in names}
    text = st.text(st.characters(), max_size=5)
    return History(series, draw(text), draw(text), draw(st.none() | st.integers(1, 9)), draw(st.integers(0, 9)))


@st.composite
def models(draw: st.DrawFn) -> Model:
    network = draw(networks())
    dtype = draw(st.sampled_from(["float32", "float64"]))
    loss = default_loss(network)
    if draw(st.booleans()):
        loss = draw(formulas(LOSSES, [name for name, loss in LOSSES.items() if loss.slope is not None]))
    model = replace(network.init(draw(st.integers(0, 2**64 - 1)), dtype), loss=loss)
    width = 32 if dtype == "float32" else 64
    numbers = st.floats(allow_nan=False, allow_infinity=False, width=width)
    model.theta[0] = draw(numbers)
    model.state[:1] = draw(numbers)
    model.history = draw(st.none() | histories())
    model.settings = draw(st.dictionaries(st.text(), st.integers() | st.text() | st.floats(-9, 9), max_size=3))
    N = network.outputs
    model.target = draw(
        st.sampled_from(
            [
                None,
                TargetEncoder("classes", classes=tuple(range(max(N, 2)))),
                TargetEncoder("classes", name="größe", classes=tuple("bä北\ud800")[: max(N, 2)]),
                TargetEncoder("values", center=(0.1,) * N, scale=(1e-300,) * N, flat=N == 1),
            ]
        )
    )
    return model


@given(models())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=80)
def test_every_model_comes_back(same: Same, tmp_path: Path, model: Model) -> None:
    first = save(model, tmp_path / "first")
    again = load(first)
    assert same(again, model)
    assert save(again, tmp_path / "second").read_bytes() == first.read_bytes()
    X = np.ones((3, model.network.inputs))
    with np.errstate(all="ignore"):
        assert again.outputs(X).tobytes() == model.outputs(X).tobytes()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "labels",
    [
        ["no", "yes", "yes", "no"],
        [3, 7, 7, 3],
        [False, True, True, False],
        [1.0, 2.0, 2.0, 1.0],
        [[1, 0], [0, 1], [0, 1], [1, 0]],
    ],
    ids=["text", "int", "bool", "float", "one-hot"],
)
def test_trained_classifier_comes_back(same: Same, tmp_path: Path, labels: Any, dtype: str) -> None:
    network = Network.from_sizes([2, 3, 2], hidden="tanh", output="softmax", batch_norm=True, dropout=0.1)
    model = train(network, XOR, labels, loss="categorical_cross_entropy", epochs=3, batch_size=2, dtype=dtype)
    again = load(save(model, tmp_path / "model.safetensors"))
    assert same(again, model)
    assert again.classes == model.classes
    assert [type(label) for label in again.classes or ()] == [type(label) for label in model.classes or ()]
    assert again.predict(XOR).dtype == model.predict(XOR).dtype
    assert again.predict(XOR).tolist() == model.predict(XOR).tolist()
    assert again.predict_proba(XOR).tobytes() == model.predict_proba(XOR).tobytes()


def test_training_goes_on_from_a_file_as_from_memory(same: Same, tmp_path: Path) -> None:
    model = train(Network.from_sizes([2, 3, 1], output="sigmoid"), XOR, [0, 1, 1, 0], epochs=2)
    again = load(save(model, tmp_path / "model"))
    went_on = [train(start, XOR, [0, 1, 1, 0], epochs=2, seed=1) for start in (model, again)]
    for each in went_on:
        assert each.history is not None
        del each.history.series["seconds"]
    assert same(*went_on)
    again["W1[0,0]"] = 2.0  # its memory is its own, and can be written


def test_table_encoder_comes_back(same: Same, tmp_path: Path) -> None:
    rows = pd.DataFrame(
        {
            "age": [20.0, 40.0, None, 33.3],
            "stadt, größe": ["Zürich", '"Bern"', "北京", None],
            "flag": [True, False, True, True],
            "constant": [1, 1, 1, 1],
        }
    )
    encoder = TableEncoder.fit(rows, max_categories=2)
    network = Network.from_sizes([len(encoder.outputs), 3, 1])
    model = train(network, rows, [1.0, 2.0, 3.0, 4.5], encoder=encoder, epochs=2)
    again = load(save(model, tmp_path / "model"))
    assert again.encoder == encoder
    assert same(again, model)
    assert again.predict(rows).tobytes() == model.predict(rows).tobytes()


def test_values_of_two_columns_come_back(same: Same, tmp_path: Path) -> None:
    target = TargetEncoder.fit(np.array([[1.0, 10], [2, 30], [4, 20]]), kind="values")
    model = replace(Network.from_sizes([2, 2]).init(), target=target)
    assert same(load(save(model, tmp_path / "model")), model)


def test_what_is_not_finite_in_the_history_comes_back(same: Same, small: Model, tmp_path: Path) -> None:
    small.history = History({"loss": [np.inf, -np.inf, np.nan, -0.0, 5e-324], "shorter": [1.0], "empty": []})
    assert same(load(save(small, tmp_path / "model")), small)


def test_order_of_series_and_settings_stays(small: Model, tmp_path: Path) -> None:
    small.history = History({"z": [1.0], "a": [2.0], "m": [3.0]})
    small.settings = {"z": 1, "a": {"y": 1, "b": 2}}
    again = load(save(small, tmp_path / "model"))
    assert list(again.history or ()) == ["z", "a", "m"]
    assert json.dumps(again.settings) == json.dumps(small.settings)


def test_numbers_of_numpy_and_tuples_can_be_settings(small: Model, tmp_path: Path) -> None:
    small.settings = {"batch_size": np.int64(32), "layers": (30, 10)}
    assert load(save(small, tmp_path / "model")).settings == {"batch_size": 32, "layers": [30, 10]}


def test_theta_in_any_memory_order_is_saved(same: Same, small: Model, tmp_path: Path) -> None:
    scattered = np.empty(2 * len(small.theta))[::2]
    scattered[:] = small.theta
    again = load(save(replace(small, theta=scattered), tmp_path / "model"))
    assert same(again, small)
    assert again.theta.flags.owndata
    assert again.theta.flags.writeable


def test_registered_formula_comes_back(small: Model, tmp_path: Path) -> None:
    doubled = register(
        Activation(
            name="doubled",
            value=lambda z, k: k * z,
            slope=lambda z, a, k: 0 * z + k,
            latex="kz",
            use="",
            parameters={"k": 2},
        )
    )
    try:
        model = Network([Dense(2, doubled), Dense(1, doubled.with_parameters(k=3))], inputs=2).init()
        again = load(save(model, tmp_path / "model"))
        assert again.network == model.network
        assert again.outputs([[1.0, 2.0]]).tolist() == model.outputs([[1.0, 2.0]]).tolist()
    finally:
        ACTIVATIONS.unregister("doubled")


def test_same_model_gives_the_same_bytes_in_another_process(tmp_path: Path) -> None:
    script = (
        "import sys; from chainrule import Network; from chainrule.storage import save;"
        "save(Network.from_sizes([3, 4, 2], output='softmax', batch_norm=True).init(seed=5), sys.argv[1])"
    )
    paths = [tmp_path / name for name in ("one", "two")]
    for path in paths:
        subprocess.run([sys.executable, "-c", script, str(path)], check=True)
    assert paths[0].read_bytes() == paths[1].read_bytes()
    model = Network.from_sizes([3, 4, 2], output="softmax", batch_norm=True).init(seed=5)
    assert save(model, tmp_path / "three").read_bytes() == paths[0].read_bytes()


def test_plain_safetensors_opens_it(small: Model, tmp_path: Path) -> None:
    path = save(small, tmp_path / "model.safetensors")
    tensors = safetensors.numpy.load_file(path)
    assert sorted(tensors) == ["history.loss", "history.rate", "state", "theta"]
    assert tensors["theta"].tobytes() == small.theta.tobytes()
    assert tensors["state"].tobytes() == small.state.tobytes()
    assert tensors["history.loss"].tolist() == [0.5, 0.25]
    with safetensors.safe_open(path, framework="numpy") as file:
        metadata = file.metadata()
    assert json.loads(metadata["network"]) == small.network.describe()
    assert json.loads(metadata["settings"]) == small.settings


GOLDEN = Path(__file__).parent / "models"


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.safetensors")), ids=lambda path: path.stem)
def test_files_of_earlier_versions_are_read(path: Path) -> None:
    model = load(path)
    expected = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    rows = pd.DataFrame(expected["rows"])
    assert model.predict(rows).tolist() == expected["labels"]
    np.testing.assert_allclose(model.predict_proba(rows), expected["probabilities"], rtol=1e-12)
    assert model.theta.tolist() == expected["theta"]


def test_there_is_a_file_of_this_format() -> None:
    assert (GOLDEN / "format-1.safetensors").is_file()
