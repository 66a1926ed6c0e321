"""Networks are plain, frozen values: what they are is checked, written down, read back and shown."""

from __future__ import annotations

import copy
import json
import math
import pickle
import subprocess
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainrule
from chainrule import formulas
from chainrule.errors import ShapeError, UnknownName, UsageError
from chainrule.formulas import ACTIVATIONS, INITIALIZERS, Activation, Initializer
from chainrule.layers import BIASES
from chainrule.network import BatchNorm, Dense, Dropout, Layer, Network

PUBLIC = {name: getattr(chainrule, name) for name in ("Network", "Dense", "Dropout", "BatchNorm", "formulas")}


@st.composite
def formula(draw: st.DrawFn, catalogue: Any) -> Any:
    """A formula of the catalogue, some with parameters of their own."""
    record = draw(st.sampled_from(list(catalogue.values())))
    own = draw(st.dictionaries(st.sampled_from(sorted(record.parameters) or [""]), st.floats(0.01, 3), max_size=2))
    return record.with_parameters(**{name: value for name, value in own.items() if name})


@st.composite
def networks(draw: st.DrawFn) -> Network:
    """Any network that can be: one to three dense layers, with and without the other kinds behind each."""
    layers: list[Layer] = []

    def others(last: bool) -> None:
        if draw(st.booleans()):
            layers.append(BatchNorm(draw(formula(ACTIVATIONS)), draw(st.floats(0.01, 1)), draw(st.floats(1e-9, 1))))
        if not last and draw(st.booleans()):
            layers.append(Dropout(draw(st.floats(0, 0.99))))

    others(last=False)
    depth = draw(st.integers(1, 3))
    for l in range(1, depth + 1):
        layers.append(
            Dense(
                draw(st.integers(1, 4)),
                draw(formula(ACTIVATIONS)),
                draw(st.sampled_from(BIASES)),
                draw(st.none() | formula(INITIALIZERS)),
                draw(formula(INITIALIZERS)),
            )
        )
        others(last=l == depth)
    return Network(layers, inputs=draw(st.integers(1, 4)))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.integers(10**300, 10**310) | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
KEYS = st.sampled_from(["kind", "name", "units", "rate", "bias", "activation", "layers", "inputs", "alpha", "self"])
# Values that are nearly right, which reach further than arbitrary ones.
NEARLY = JSON | st.sampled_from(
    ["Dense", "Dropout", "relu", "elu", " ReLU ", "linear", "neuron", 0, 1, 2.0, True, [], {}]
)


def places(description: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in nested plain data, as the keys that lead to it."""
    found = [path]
    if isinstance(description, list):
        description = dict(enumerate(description))
    if isinstance(description, dict):
        for key, value in description.items():
            found += places(value, (*path, key))
    return found


def at(description: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        description = description[key]
    return description


# What a network is.


def test_sizes_depth_and_counts() -> None:
    network = Network([Dense(30, "sigmoid"), Dropout(0.5), Dense(10, "softmax")], inputs=784)
    assert (network.sizes, network.depth, network.outputs) == ((784, 30, 10), 2, 10)
    assert network.parameter_count == network.trained_count == 784 * 30 + 30 + 30 * 10 + 10
    assert network.state_count == 0
    assert [(type(layer).__name__, l) for layer, l in network.steps] == [("Dense", 1), ("Dropout", 1), ("Dense", 2)]


@pytest.mark.parametrize(
    ("bias", "stored", "trained"), [("neuron", 3, 3), ("layer", 1, 1), ("fixed", 3, 0), ("none", 0, 0)]
)
def test_biases_take_what_they_need(bias: str, stored: int, trained: int) -> None:
    network = Network([Dense(3, bias=bias)], inputs=2)
    assert (network.parameter_count, network.trained_count) == (6 + stored, 6 + trained)


@given(networks())
def test_entries_lay_out_the_whole_vector_in_order(network: Network) -> None:
    for entries, count in ((network.entries, network.parameter_count), (network.state_entries, network.state_count)):
        assert [entry.start for entry in entries] == list(np.cumsum([0, *(entry.stored for entry in entries)])[:-1])
        assert sum(entry.stored for entry in entries) == count
        assert [entry.layer for entry in entries] == sorted(entry.layer for entry in entries)
        assert len({entry.name for entry in entries}) == len(entries)
        assert all(entry.stored == 1 if entry.shared else entry.stored == math.prod(entry.shape) for entry in entries)


def test_entries_have_the_shapes_of_the_notation() -> None:
    network = Network([BatchNorm(), Dense(3, bias="layer"), BatchNorm("relu"), Dense(1)], inputs=2)
    assert {entry.name: entry.shape for entry in network.entries} == {
        "gamma0": (2,),
        "beta0": (2,),
        "W1": (3, 2),
        "b1": (3,),
        "gamma1": (3,),
        "beta1": (3,),
        "W2": (1, 3),
        "b2": (1,),
    }
    assert [entry.name for entry in network.state_entries] == ["mean0", "var0", "mean1", "var1"]
    assert not any(entry.trained for entry in network.state_entries)


def test_the_output_activation_is_the_last_one() -> None:
    assert Network([Dense(2, "tanh")], inputs=1).output_activation.name == "tanh"
    assert Network([Dense(2, "tanh"), BatchNorm("sigmoid")], inputs=1).output_activation.name == "sigmoid"


def test_from_sizes_is_the_short_form() -> None:
    assert Network.from_sizes([4, 3, 2], hidden="tanh", output="softmax") == Network(
        [Dense(3, "tanh"), Dense(2, "softmax")], inputs=4
    )
    assert Network.from_sizes([4, 3, 2], dropout=0.5, batch_norm=True, initializer="he_normal") == Network(
        [
            Dense(3, bias="none", initializer="he_normal"),
            BatchNorm("relu"),
            Dropout(0.5),
            Dense(2, initializer="he_normal"),
        ],
        inputs=4,
    )
    assert Network.from_sizes([4, 3, 2], bias="layer", bias_initializer="normal") == Network(
        [Dense(3, "relu", "layer", None, "normal"), Dense(2, "identity", "layer", None, "normal")], inputs=4
    )
    assert Network.from_sizes([4, 1]) == Network.from_sizes(np.array([4, 1])) == Network.from_sizes((4, 1))


def test_networks_are_values() -> None:
    one, same = Network.from_sizes([2, 3, 1]), Network.from_sizes([2, 3, 1])
    other = Network.from_sizes([2, 3, 1], hidden="tanh")
    assert {one, same, other} == {one, other}
    assert one == copy.deepcopy(one) == pickle.loads(pickle.dumps(one))
    with pytest.raises(AttributeError):
        one.inputs = 3  # type: ignore[misc]


FLAT = Initializer(name="flat", value=lambda draw, fan_in, fan_out: np.ones(fan_in), latex="1", use="An example.")
LINE = Activation(name="line", value=lambda z: z, slope=lambda z, a: np.ones_like(z), latex="z", use="An example.")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Dense(0), "number of neurons of a layer is 0; it must be a whole number from 1"),
        (lambda: Dense(2.0), r"is 2\.0; it must be a whole number"),  # type: ignore[arg-type]
        (lambda: Dense(True), "is True; it must be"),
        (lambda: Dense(2**31), "to 2\\*\\*31 - 1"),
        (lambda: Dense(3, "rleu"), "unknown activation 'rleu'; did you mean 'relu'"),
        (lambda: Dense(3, 5), "activation is 5; expected a name or a record of the kind Activation"),  # type: ignore[arg-type]
        (lambda: Dense(3, bias=np.array([1, 2])), r"bias is array\(\[1, 2\]\); it must be one of"),  # type: ignore[arg-type]
        (lambda: Network.from_sizes([2, 1]).summary("foo"), "dtype is 'foo'; it must be float64 or float32"),
        (lambda: Network.from_sizes([2, 1]).summary(np.int8), "it must be float64 or float32"),
        (lambda: Dense(3, bias="neurons"), "bias is 'neurons'; it must be one of: neuron, layer, fixed, none"),
        (lambda: Dense(3, initializer="xaver"), "unknown initializer 'xaver'"),
        (lambda: Dense(3, bias_initializer="zero"), "did you mean 'zeros'"),
        (lambda: Dropout(1.0), r"dropout rate is 1\.0; it must be from 0 up to"),
        (lambda: Dropout(-0.1), "must be from 0"),
        (lambda: Dropout(math.nan), "dropout rate is nan"),
        (lambda: Dropout("0.5"), "dropout rate is '0.5'"),  # type: ignore[arg-type]
        (lambda: Dropout(True), "dropout rate is True"),
        (lambda: BatchNorm(momentum=0), "momentum of a BatchNorm is 0; it must be a number above 0 and at most 1"),
        (lambda: BatchNorm(momentum="0.1"), "momentum of a BatchNorm is '0.1'"),  # type: ignore[arg-type]
        (lambda: BatchNorm(epsilon=math.inf), "epsilon of a BatchNorm is inf"),
        (lambda: BatchNorm(epsilon=math.nan), "such as 1e-05"),
        (lambda: BatchNorm("step_"), "did you mean 'step'"),
        (lambda: Network([], inputs=2), "the network has no Dense layer; add at least the output layer"),
        (lambda: Network([BatchNorm()], inputs=2), "no Dense layer"),
        (lambda: Network([Dense(1), Dropout()], inputs=2), "the last layer is a Dropout, which would delete outputs"),
        (lambda: Network([Dense(1)], inputs=0), "the number of inputs is 0"),
        (lambda: Network(Dense(1), inputs=2), r"layers is Dense\(1, 'identity'\); expected a list"),  # type: ignore[arg-type]
        (lambda: Network("Dense", inputs=2), "layers is 'Dense'; expected a list"),  # type: ignore[arg-type]
        (lambda: Network([30, 10], inputs=2), "30 is not a layer; expected .*Network.from_sizes"),  # type: ignore[list-item]
        (lambda: Network([Dense], inputs=2), "is not a layer"),  # type: ignore[list-item]
        (
            lambda: Network([Dense(2), BatchNorm(), BatchNorm(), Dense(1)], inputs=2),
            "two BatchNorm stand behind layer 1",
        ),
        (lambda: Network([Dropout(0.1), Dropout(0.1), Dense(1)], inputs=2), "two Dropout stand behind layer 0"),
        (lambda: Network.from_sizes([3]), r"sizes is \[3\]; it needs inputs and outputs at least"),
        (lambda: Network.from_sizes(3), "sizes is 3; it needs"),  # type: ignore[arg-type]
        (lambda: Network.from_sizes([3, 0, 1]), "number of neurons of a layer is 0"),
        (lambda: Network.from_sizes([3, 2, 1], dropout=1.5), r"dropout rate is 1\.5"),
        (lambda: Network.from_sizes([3, 2, 1], bias="all"), "bias is 'all'"),
    ],
)
def test_what_cannot_be_is_refused(make: Callable[[], object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        make()


# How it is written and read.


@given(networks())
def test_repr_is_python(network: Network) -> None:
    assert eval(repr(network), dict(PUBLIC)) == network


def test_repr_says_only_what_is_special() -> None:
    assert repr(Network([Dense(30, "sigmoid"), Dropout(1 / 3), Dense(10, "softmax")], inputs=784)) == (
        "Network([Dense(30, 'sigmoid'), Dropout(0.3333333333333333), Dense(10, 'softmax')], inputs=784)"
    )
    own = Dense(2, ACTIVATIONS.find("leaky_relu", alpha=0.2), "none", INITIALIZERS.find("normal", scale=0.01))
    assert repr(own) == (
        "Dense(2, formulas.ACTIVATIONS.find('leaky_relu', alpha=0.2), bias='none', "
        "initializer=formulas.INITIALIZERS.find('normal', scale=0.01))"
    )
    assert repr(Dense(2, "leaky-ReLU")) == "Dense(2, 'leaky_relu')"
    assert repr(Dense(2, LINE)) == "Dense(2, 'line')"  # not registered: its name is all there is to say
    assert repr(BatchNorm("relu", 0.3, 1e-3)) == "BatchNorm('relu', momentum=0.3, epsilon=0.001)"


@given(networks())
def test_a_description_is_plain_data_and_reads_back(network: Network) -> None:
    text = json.dumps(network.describe(), allow_nan=False)
    assert Network.from_description(json.loads(text)) == network


def test_a_formula_that_is_not_registered_is_described_but_not_read() -> None:
    description = Network([Dense(1, LINE)], inputs=1).describe()
    with pytest.raises(UnknownName, match="unknown activation 'line'"):
        Network.from_description(description)
    try:
        formulas.register(LINE)
        assert Network.from_description(description) == Network([Dense(1, "line")], inputs=1)
    finally:
        ACTIVATIONS.unregister("line")


WHOLE = Network(
    [Dense(3, "elu", initializer="normal"), BatchNorm("leaky_relu"), Dropout(0.5), Dense(1)], inputs=2
).describe()
MAPPINGS = [path for path in places(WHOLE) if isinstance(at(WHOLE, path), dict)]
KEYS_IN = [(path, key) for path in MAPPINGS for key in at(WHOLE, path)]


@pytest.mark.parametrize(("path", "key"), KEYS_IN)
def test_every_key_is_needed(path: tuple[Any, ...], key: str) -> None:
    damaged = copy.deepcopy(WHOLE)
    del at(damaged, path)[key]
    with pytest.raises(UsageError):
        Network.from_description(damaged)


@pytest.mark.parametrize("path", MAPPINGS)
@pytest.mark.parametrize("key", ["colour", "Units", "", "self"])
def test_no_other_key_is_taken(path: tuple[Any, ...], key: str) -> None:
    damaged = copy.deepcopy(WHOLE)
    at(damaged, path)[key] = 1
    with pytest.raises(UsageError):
        Network.from_description(damaged)


@pytest.mark.parametrize(("path", "key"), KEYS_IN)
@pytest.mark.parametrize(
    "value", ["", "7", True, [], {}, [1], math.nan, math.inf, -1, 10**400, 1.5, "ReLU", {"name": 1}]
)
def test_every_value_is_checked(path: tuple[Any, ...], key: str, value: object) -> None:
    damaged = copy.deepcopy(WHOLE)
    at(damaged, path)[key] = value
    if key in ("alpha", "scale") and value in (-1, 1.5):
        Network.from_description(damaged)  # any finite number will do
        return
    with pytest.raises(UsageError):
        Network.from_description(damaged)


@pytest.mark.parametrize("name", ["linear", "ReLU", "identity ", "leaky-relu"])
def test_formulas_are_read_by_their_exact_names_only(name: str) -> None:
    damaged = Network([Dense(1)], inputs=1).describe()
    damaged["layers"][0]["activation"]["name"] = name
    with pytest.raises(UnknownName, match="unknown activation"):
        Network.from_description(damaged)


@given(JSON)
def test_arbitrary_data_are_refused(data: object) -> None:
    with pytest.raises(UsageError):
        Network.from_description(data)  # type: ignore[arg-type]


@given(st.data())
def test_damaged_descriptions_are_read_or_refused(data: st.DataObject) -> None:
    damaged = copy.deepcopy(WHOLE)
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from([path for path in places(damaged) if path]))
        at(damaged, path[:-1])[path[-1]] = data.draw(NEARLY | st.dictionaries(KEYS, NEARLY, max_size=4))
    try:
        network = Network.from_description(damaged)
    except UsageError as error:
        str(error)
    else:
        assert Network.from_description(network.describe()) == network
        network.summary()


# How it is shown.


def test_summary_counts_everything() -> None:
    network = Network(
        [Dense(3, "relu", "fixed"), BatchNorm("relu"), Dropout(0.25), Dense(1, "sigmoid", "layer")], inputs=2
    )
    assert str(network.summary(np.float32)) == "\n".join(
        [
            "Network 2-3-1",
            "layer        outputs  weights  parameters  activation  memory",
            "-------------------------------------------------------------",
            "inputs             2",
            "1 Dense            3  3 x 2             9  relu        36 B",
            "1 BatchNorm        3                    6  relu        24 B",
            "1 Dropout          3                    0  rate 0.25",
            "2 Dense            1  1 x 3             4  sigmoid     16 B",
            "-------------------------------------------------------------",
            "19 parameters, 76 B as float32; 3 of them held fixed; 6 running statistics",
        ]
    )


@given(networks())
def test_summary_adds_up(network: Network) -> None:
    assert sum(row[3] for row in network.summary().rows if row[3] != "") == network.parameter_count


def test_html_shows_repr_and_summary() -> None:
    class Reader(HTMLParser):
        text = ""

        def handle_data(self, data: str) -> None:
            self.text += data + "\n"

    reader = Reader()
    network = Network([Dense(3, "relu"), Dense(1)], inputs=2)
    reader.feed(network._repr_html_())
    assert repr(network) in reader.text
    assert "13 parameters" in reader.text


# How it starts.


def test_weights_depend_on_seed_layer_and_shape_alone() -> None:
    model = Network.from_sizes([4, 3, 5, 2], hidden="tanh").init(seed=7)
    for other in (
        Network.from_sizes([4, 3, 5, 2], hidden="tanh", bias="none"),
        Network.from_sizes([4, 3, 5, 2], hidden="tanh", dropout=0.5),
        Network.from_sizes([4, 3, 5, 2], hidden="tanh", batch_norm=True),
        Network([Dense(9, "relu"), *Network.from_sizes([4, 3, 5, 2], hidden="tanh").layers[1:]], inputs=2),
    ):
        same = range(1, 4) if other.sizes == model.network.sizes else [3]
        for l in same:
            assert np.array_equal(other.init(seed=7).W[l], model.W[l])
    assert not np.array_equal(model.W[1], Network.from_sizes([4, 3, 5, 2], hidden="tanh").init(seed=8).W[1])


def test_layers_of_one_shape_start_differently() -> None:
    settings = {"initializer": "normal", "bias_initializer": "normal"}
    model = Network.from_sizes([1, 3, 3, 3], hidden="identity", **settings).init(seed=0)
    assert not np.array_equal(model.W[2], model.W[3])
    assert not np.array_equal(model.b[2], model.b[3])
    assert not np.array_equal(model.b[1], model.W[1][:, 0])


def test_float32_is_float64_rounded() -> None:
    network = Network.from_sizes([5, 4, 3], bias_initializer="normal")
    assert np.array_equal(network.init(3, np.float32).theta, network.init(3).theta.astype(np.float32))
    assert network.init(3, "float32").theta.dtype == np.float32


def test_starting_leaves_numpys_random_numbers_alone() -> None:
    before = np.random.get_state()  # noqa: NPY002
    Network.from_sizes([5, 4, 3], dropout=0.5).init(seed=3)
    after = np.random.get_state()  # noqa: NPY002
    assert before[0] == after[0]
    assert np.array_equal(before[1], after[1])
    assert before[2:] == after[2:]


@pytest.mark.parametrize(
    ("network", "initializer"),
    [
        (Network.from_sizes([3, 2], output="relu"), "he_normal"),
        (Network.from_sizes([3, 2], output="sigmoid"), "glorot_uniform"),
        (Network.from_sizes([3, 2, 1], hidden="relu", batch_norm=True), "he_normal"),
        (Network.from_sizes([3, 2], output="relu", initializer="zeros"), "zeros"),
    ],
)
def test_weights_start_as_suits_the_activation(network: Network, initializer: str) -> None:
    assert network.initializer_of(1).name == initializer


def test_the_spread_of_the_weights_is_that_of_the_initializer() -> None:
    model = Network.from_sizes([400, 300, 1], hidden="relu").init(seed=0)
    assert model.W[1].std() == pytest.approx(math.sqrt(2 / 400), rel=0.01)
    assert abs(model.W[1].mean()) < 0.001
    assert np.array_equal(model.b[1], np.zeros(300))


def test_biases_scale_and_shift_start_as_they_should() -> None:
    constant = INITIALIZERS.find("constant", value=0.35)
    model = Network.from_sizes([2, 3, 1], batch_norm=True, bias="layer", bias_initializer=constant).init(seed=0)
    assert model["gamma1"].tolist() == [1, 1, 1]
    assert model["beta1"].tolist() == [0, 0, 0]
    assert model["b2"].tolist() == [0.35]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Network.from_sizes([2, 1]).init(seed=-1), "seed is -1; it must be a whole number from 0"),
        (lambda: Network.from_sizes([2, 1]).init(seed=1.5), "seed is 1.5"),  # type: ignore[arg-type]
        (lambda: Network.from_sizes([2, 1]).init(dtype=int), "must be float64 or float32"),
        (lambda: Network.from_sizes([2, 1]).init(dtype="float16"), "dtype is 'float16'; it must be float64 or float32"),
        (lambda: Network.from_sizes([2, 1]).init(dtype="nonsense"), "dtype is 'nonsense'"),
        (lambda: Network.from_sizes([2**30, 2**31 - 1]).init(), "parameters, which do not fit into memory"),
        (
            lambda: Network([Dense(3, bias_initializer=FLAT)], inputs=5).init(),
            r"'flat' gives shape \(5,\) for b1, expected \(3, 1\)",
        ),
        (
            lambda: Network([Dense(3, initializer=INITIALIZERS.find("normal", scale=1e39))], inputs=5).init(dtype="f4"),
            "initializer of W1 gives numbers that are not finite as float32",
        ),
    ],
)
def test_what_cannot_start_is_refused(make: Callable[[], object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        make()


def test_shape_errors_are_usage_errors() -> None:
    with pytest.raises(ShapeError):
        Network.from_sizes([3])


def test_making_a_network_loads_no_model() -> None:
    script = (
        "import sys; from chainrule import Network; Network.from_sizes([2, 1]); print('chainrule.model' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, encoding="utf-8", check=True)
    assert run.stdout.strip() == "False"
