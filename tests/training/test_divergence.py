"""Divergence is never silent.

Each configuration becomes non-finite when the check is switched off. With the check, which is the default, each ends
in a named error within the batch, and the model in that error is, bit for bit, what training had after the last finite
batch.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from chainrule import (
    L1,
    L2,
    SGD,
    AdaGrad,
    Adam,
    AdamW,
    BatchNorm,
    Dense,
    Dropout,
    EarlyStopping,
    MaxNorm,
    Model,
    Momentum,
    Nesterov,
    Network,
    RMSProp,
    train,
)
from chainrule.errors import DataError, DivergenceError
from chainrule.formulas import SCHEDULES, Activation, Loss, Penalty, Schedule
from chainrule.streams import mask, permutation
from chainrule.training import Info

Array = npt.NDArray[Any]

RNG = np.random.default_rng(8)
X = RNG.normal(size=(20, 3))
Y = X @ [[1.0], [-2.0], [0.5]]
COUNTS = np.round(np.exp(X[:, :1]))
LABELS = (X[:, 0] > 0).astype(int)

RELU = Network.from_sizes([3, 8, 1], hidden="relu")
DEEP = Network.from_sizes([3, 8, 8, 8, 8, 1], hidden="relu")
LINEAR = Network.from_sizes([3, 4, 4, 1], hidden="identity")
TANH = Network.from_sizes([3, 4, 1], hidden="tanh")
SOFTMAX = Network.from_sizes([3, 6, 2], hidden="relu", output="softmax")
LOGITS = Network.from_sizes([3, 4, 2], hidden="tanh", output="softmax")
COUNTING = Network.from_sizes([3, 6, 1], hidden="relu", output="softplus")
NORMED = Network([Dense(6, bias="none"), BatchNorm("relu"), Dense(1)], inputs=3)
NORMED_FIRST = Network([BatchNorm(), Dense(4, "tanh"), Dense(1)], inputs=3)
DROPPED = Network([Dense(12, "relu"), Dropout(0.3), Dense(1)], inputs=3)

SQUARE_ROOT = Activation(
    name="square_root",
    value=np.sqrt,
    slope=lambda z, a: 0.5 / a,
    latex=r"\sqrt z",
    use="Nan below 0.",
    range=(0, np.inf),
)
LOGARITHM = Loss(
    name="log_loss_of_values",
    value=lambda a, y: np.log(a)[:, 0],
    slope=lambda a, y: 1 / a,
    latex="",
    use="Nan below 0.",
)
BROKEN_SLOPE = Loss(
    name="absurd_slope", value=lambda a, y: np.abs(a - y)[:, 0], slope=lambda a, y: (a - y) / 0.0, latex="", use="None."
)
BROKEN = Activation(name="broken", value=np.abs, slope=lambda z, a: np.sqrt(z) * np.nan, latex="", use="None.")


def put(matrix: Array, row: int, value: float, column: int = 1) -> Array:
    changed = matrix.copy()
    changed[row, column] = value
    return changed


@dataclass(frozen=True)
class Case:
    """A training that comes to something that is not finite, and what the error is to say about its cause."""

    name: str
    network: Network | Model
    cause: str
    X: Array
    Y: Array
    settings: dict[str, Any]

    def train(self, **more: Any) -> Model:
        return train(self.network, self.X, self.Y, **(self.settings | {"metrics": ()} | more))


def case(
    name: str, network: Network | Model, cause: str = "the learning rate", X: Array = X, Y: Array = Y, **settings: Any
) -> Case:
    usual: dict[str, Any] = {"optimizer": SGD(0.1), "batch_size": 6, "epochs": 6, "seed": 1}
    return Case(name, network, cause, X, Y, usual | settings)


# With four batches an epoch, update 6 is made at e = 1.25, and it alone is huge.
ONE_HUGE = Schedule(name="one_huge", value=lambda e, E: 1e201 if 1 < e < 1.26 else 0.1, latex="", use="A test.")


def large(network: Network, name: str, value: float) -> Model:
    model = network.init(0)
    model[name] = value
    return model


def step_up(factor: float, every: float) -> Any:
    return SCHEDULES.find("step", factor=factor, every=every)


CASES = [
    # Rates far too large.
    case("relu, sgd", RELU, optimizer=SGD(10.0), epochs=40),
    case("relu, sgd, one batch an epoch", RELU, optimizer=SGD(10.0), epochs=300, batch_size=20),
    case("relu, sgd, row by row", RELU, optimizer=SGD(5.0), batch_size=1),
    case("relu, sgd 1e3", RELU, optimizer=SGD(1e3)),
    case("relu, sgd 1e30", RELU, optimizer=SGD(1e30)),
    case("relu, sgd 1e308", RELU, optimizer=SGD(1e308)),
    case("relu, float32", RELU, optimizer=SGD(10.0), dtype="float32"),
    case("relu, weighted rows", RELU, optimizer=SGD(1e3), weights=np.linspace(0, 1, 20)),
    case("relu, squared error", RELU, optimizer=SGD(10.0), loss="squared_error", epochs=40),
    case("relu, half squared error", RELU, optimizer=SGD(100.0), loss="half_squared_error", epochs=40),
    case("relu, dropout", DROPPED, optimizer=SGD(1e4)),
    case("deep relu", DEEP, optimizer=SGD(10.0), epochs=40),
    case("deep relu, momentum", DEEP, optimizer=Momentum(1e3), epochs=40),
    case("deep relu, float32", DEEP, optimizer=SGD(1e3), dtype="float32", epochs=40),
    case("linear, deep", LINEAR, optimizer=SGD(1.0)),
    case("linear, one layer", Network.from_sizes([3, 1]), optimizer=SGD(2.0), epochs=400),
    case("linear, ten layers", Network.from_sizes([3, *[4] * 9, 1], hidden="identity"), optimizer=SGD(1.0)),
    case("linear, shared biases", Network.from_sizes([3, 5, 1], hidden="identity", bias="layer"), optimizer=SGD(2.0)),
    case("tanh", TANH, optimizer=SGD(1e160)),
    case("softmax", SOFTMAX, Y=LABELS, optimizer=SGD(1e308)),
    case("softmax, float32", SOFTMAX, Y=LABELS, optimizer=SGD(1e30), dtype="float32"),
    case("softmax, huge logits but ordinary outputs", LOGITS, Y=LABELS, optimizer=SGD(1e307)),
    case("poisson", COUNTING, Y=COUNTS, optimizer=SGD(1e160)),
    case("poisson, float32", COUNTING, Y=COUNTS, optimizer=SGD(1e25), dtype="float32"),
    case("batch normalization", NORMED, optimizer=SGD(1e200)),
    case("euclidean distance", RELU, loss="euclidean_distance", optimizer=SGD(1e200)),
    case("huber", RELU, loss="huber", optimizer=SGD(1e200)),
    # Optimizers with a memory.
    case("momentum", RELU, optimizer=Momentum(10.0, mu=0.99), epochs=40),
    case("nesterov", RELU, optimizer=Nesterov(10.0), epochs=40),
    case("adagrad", RELU, optimizer=AdaGrad(1e160)),
    case("rmsprop", RELU, optimizer=RMSProp(1e120)),
    case("adam", DEEP, optimizer=Adam(1e80)),
    case("adam, float32", RELU, optimizer=Adam(1e15), dtype="float32"),
    case(
        "adamw, decay turns weights round",
        TANH,
        "too strong a penalty, adamw(rate=1,",
        optimizer=AdamW(1.0, decay=1e60),
    ),
    # What goes in.
    case("inputs of 1e200", RELU, "unscaled inputs, as large as", X=X * 1e200),
    case("one input of 1e200", RELU, "unscaled inputs, as large as 1e+200", X=put(X, 7, 1e200)),
    case("inputs of 1e30, float32", RELU, "unscaled inputs", X=X * 1e30, dtype="float32"),
    case("inputs of 1e38, float32", TANH, "unscaled inputs", X=X * 1e38, dtype="float32", optimizer=SGD(10.0)),
    case("inputs of 1e200 become inf in float32", RELU, "3.4e38", X=put(X, 3, 1e200), dtype="float32"),
    case("inputs of 1e5", RELU, "unscaled inputs", X=X * 1e5),
    case("inputs of 1e200, first batch normalization", NORMED_FIRST, "unscaled inputs", X=X * 1e200),
    case("inputs of 1e200, batch normalization", NORMED, "unscaled inputs", X=X * 1e200),
    case("nan in a row", RELU, "a missing value", X=put(X, 13, np.nan)),
    case("nan in a row, sigmoid", Network.from_sizes([3, 4, 1], hidden="sigmoid"), "a missing", X=put(X, 0, np.nan)),
    case("nan in a row, softmax", SOFTMAX, "a missing value", X=put(X, 19, np.nan), Y=LABELS),
    case("nan in a row, clipped", RELU, "a missing value", X=put(X, 2, np.nan), clip=1.0),
    case("nan in a row that weighs nothing", RELU, "a missing", X=put(X, 2, np.nan), weights=[*[1] * 2, 0, *[1] * 17]),
    case("inf in a row", RELU, "an infinite value", X=put(X, 13, np.inf)),
    case("minus inf in a row, tanh", TANH, "an infinite value", X=put(X, 13, -np.inf)),
    case("inf in a row, batch normalization", NORMED_FIRST, "an infinite value", X=put(X, 13, np.inf)),
    case("targets of 1e200", RELU, "unscaled targets, as large as", Y=Y * 1e200),
    case("targets of 1e5", RELU, "unscaled targets", Y=Y * 1e5, optimizer=SGD(1.0), epochs=40),
    case("targets of 1e30, float32", RELU, "unscaled targets", Y=Y * 1e30, dtype="float32"),
    case("targets of 1e180, adam", RELU, "unscaled targets", Y=Y * 1e180, optimizer=Adam(0.001)),
    case("counts of 1e300", COUNTING, "unscaled targets", Y=COUNTS * 1e300),
    # Clipping, penalties, limits.
    case("clipped, but the rate is huge", RELU, optimizer=SGD(1e300), clip=1e3),
    case("clipped, gradients of 1e200", RELU, "unscaled inputs", X=X * 1e100, optimizer=SGD(1e9), clip=1e300),
    case("L2 of huge strength", RELU, "too strong a penalty, l2(strength=1e+06)", penalties=L2(1e6), epochs=40),
    case("L1 of huge strength", RELU, "too strong a penalty", penalties=L1(1e200)),
    case("L2 of 1e300", TANH, "too strong a penalty", penalties=[L1(0.1), L2(1e300)]),
    case("max-norm does not hold biases", RELU, optimizer=SGD(1e200), penalties=MaxNorm(1.0)),
    # Rates that grow.
    case("a huge rate in the last epoch", RELU, "the learning rate 1e+299", schedule=step_up(1e300, 5)),
    case("a growing rate", RELU, "the learning rate 1e+08", schedule=SCHEDULES.find("exponential", factor=1e9)),
    case("a rate beyond all floats", TANH, schedule=SCHEDULES.find("exponential", factor=1e200)),
    case("a rate that is huge for one update", RELU, "the learning rate 1e+200", schedule=ONE_HUGE),
    case("a huge rate in the very last update", RELU, batch_size=20, schedule=step_up(1e300, 5)),
    # What training begins with.
    case(
        "wide and normal, 300 layers", Network.from_sizes([3, *[60] * 300, 1], initializer="normal"), "the parameters"
    ),
    case("a weight of 1e200", large(RELU, "W1", 1e200), "the parameters at the beginning, as large as 1e+200"),
    case("a bias of 1e200", large(TANH, "b2", 1e200), "the parameters at the beginning"),
    case("a weight of 1e308", large(LINEAR, "W1", 1e308), "the parameters at the beginning"),
    # Formulas of one's own.
    case(
        "an activation that is nan below 0", Network([Dense(4, SQUARE_ROOT), Dense(1)], 3), "activation 'square_root'"
    ),
    case("a loss that is nan below 0", TANH, "the loss 'log_loss_of_values'", loss=LOGARITHM),
    case("a loss with a broken slope", TANH, "the slope of 'absurd_slope'", loss=BROKEN_SLOPE),
    case("an activation with a broken slope", Network([Dense(4, BROKEN), Dense(1)], 3), "the slope of 'broken'"),
]


def finite(*vectors: Any) -> bool:
    return all(bool(np.isfinite(vector).all()) for vector in vectors)


class Diary:
    """How training stood after every update, and whether it was finite up to there."""

    def __init__(self) -> None:
        self.stood: list[tuple[bytes, bytes]] = []
        self.losses: list[float] = []  # of each batch, before its update
        self.good: int | None = None  # updates after which something was not finite for the first time, less one

    def batch(self, info: Info) -> None:
        carry = info.carry
        if self.good is None and not finite(info.loss, carry.theta, carry.state, *carry.slots):
            self.good = len(self.stood)
        self.stood.append((carry.theta.tobytes(), carry.state.tobytes()))
        self.losses.append(info.loss)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_divergence_is_named(case: Case) -> None:
    diary = Diary()
    unchecked = case.train(check_finite=False, callbacks=[diary])
    with np.errstate(all="ignore"):
        usable = finite(case.X.astype(unchecked.dtype))
        measured = [unchecked.outputs(case.X), unchecked.evaluate(case.X, case.Y)["loss"]] if usable else [np.nan]
    assert not finite(unchecked.theta, unchecked.state, *measured)

    with pytest.raises(DivergenceError) as caught:
        case.train()
    error, good = caught.value, len(diary.stood) if diary.good is None else diary.good
    # The last good parameters: the newest ones with which a batch's loss was finite.
    kept = next((k for k in (good, good - 1) if 0 <= k < len(diary.losses) and np.isfinite(diary.losses[k])), 0)
    assert error.model.history.updates == kept
    start = case.network.init(1, error.model.dtype) if isinstance(case.network, Network) else case.network
    stood = diary.stood[kept - 1] if kept else (start.theta.tobytes(), start.state.tobytes())
    assert (error.model.theta.tobytes(), error.model.state.tobytes()) == stood
    assert finite(error.model.theta, error.model.state)
    # Epoch, batch, layer and cause.
    batches = -(-20 // case.settings["batch_size"])
    failed = good if diary.good is not None else good - 1  # the last update shows when the model is looked at
    where = {"epoch": failed // batches + 1, "batch": failed % batches + 1}
    assert {name: error.fields[name] for name in where} == where
    assert 0 <= error.fields["layer"] <= error.model.network.depth
    assert case.cause in error.fields["cause"]
    for name in ("epoch", "batch", "layer"):
        assert f"{name} {error.fields[name]}" in str(error)
    assert error.fields["cause"] in str(error)
    assert error.model.history.stopped == "diverged in epoch {epoch}, batch {batch}".format(**where)


def test_there_are_enough_of_them() -> None:
    assert len({case.name for case in CASES}) == len(CASES) >= 50


# What else is not finite.


def test_an_optimizers_memory_that_overflows() -> None:
    """The squares of gradients of 1e180 are infinite, after which Adam would stand still for ever, silently."""
    settings: dict[str, Any] = {"loss": "absolute_error", "optimizer": Adam(0.1), "epochs": 3, "metrics": ()}
    huge = X * 1e180
    start = Network.from_sizes([3, 1]).init(0)
    still = train(start, huge, Y, check_finite=False, **settings)
    assert np.array_equal(still.W[1], start.W[1])
    with pytest.raises(DivergenceError) as caught:
        train(start, huge, Y, **settings)
    assert caught.value.model.theta.tobytes() == start.theta.tobytes()
    assert "unscaled inputs" in str(caught.value)


def test_a_penalty_that_overflows() -> None:
    """Its slope, 1e300 * 1e5, is finite, but not its price, 1e300 * 1e10."""
    start = large(Network.from_sizes([3, 1]), "W1", 1e5)
    with pytest.raises(DivergenceError) as caught:
        train(start, X * 1e-9, Y, penalties=L2(1e300), optimizer=SGD(1e-306), epochs=1, metrics=())
    assert caught.value.fields["cause"].startswith("too strong a penalty")
    assert caught.value.model.theta.tobytes() == start.theta.tobytes()


def test_a_limit_that_is_not_finite() -> None:
    """A projection of one's own is applied after the update; what it gives is looked at all the same."""

    def project(W: Array, limit: float = 1.0) -> Array:
        return W if W[0, 0] < limit else W * np.nan

    limit = Penalty(
        name="odd",
        value=lambda w, limit=1.0: w * 0,
        project=project,
        parameters={"limit": 1.0},
        latex="",
        use="A test.",
    )
    network = Network([Dense(1, bias="none", initializer="zeros")], inputs=1)
    target = np.full((4, 1), 2.0)
    thetas: list[bytes] = []
    settings: dict[str, Any] = {"optimizer": SGD(0.1), "batch_size": 4, "epochs": 9, "penalties": limit, "metrics": ()}
    keep = SimpleNamespace(batch=lambda info: thetas.append(info.carry.theta.tobytes()))
    with pytest.raises(DivergenceError) as caught:
        train(network, np.ones((4, 1)), target, callbacks=keep, **settings)
    assert 0.5 < caught.value.model["W1[0,0]"] < 1
    assert caught.value.model.theta.tobytes() == thetas[-1]


@pytest.mark.parametrize("epochs", [1, 2])
def test_running_statistics_that_overflow(epochs: int) -> None:
    """The variance of 1e200 is infinite, which makes every normalized number 0, and all else stays finite."""
    huge = put(X, 5, 1e200)
    settings: dict[str, Any] = {"batch_size": 20, "epochs": epochs, "metrics": ()}
    unchecked = train(NORMED_FIRST, huge, Y, check_finite=False, **settings)
    assert not finite(unchecked.state)
    assert finite(unchecked.theta, unchecked.history["loss"])
    with pytest.raises(DivergenceError) as caught:
        train(NORMED_FIRST, huge, Y, **settings)
    assert (caught.value.fields["epoch"], caught.value.fields["batch"], caught.value.fields["layer"]) == (1, 1, 0)
    assert caught.value.fields["number"] == "a running mean or variance"
    assert caught.value.model.state.tobytes() == NORMED_FIRST.init(0).state.tobytes()


def test_clipping_gradients_near_the_largest_float() -> None:
    """Their norm is beyond all floats, yet their direction is known: the step has the length of the limit."""
    start = Network.from_sizes([4, 1]).init(0)
    huge = np.full((1, 4), 1.5e308)
    settings: dict[str, Any] = {"loss": "absolute_error", "optimizer": SGD(1.0), "epochs": 1, "metrics": ()}
    start["W1"], start["b1"] = 0.0, 0.0
    model = train(start, huge, [-1.0], clip=0.5, **settings)
    np.testing.assert_allclose(model.W[1], np.full((1, 4), -0.25), rtol=1e-9)


# The model that is given back.


def test_rows_are_numbered_as_they_were_given() -> None:
    """Also where some were set aside for validation and the others shuffled."""
    parts = []
    for row in range(len(X)):
        with pytest.raises((DivergenceError, DataError)) as caught:
            train(SOFTMAX, put(X, row, np.nan, column=2), LABELS, validation=0.3, batch_size=3)
        parts.append("X" if isinstance(caught.value, DivergenceError) else "the validation part's X")
        assert f"row {row} of {parts[-1]} holds nan in column 2" in str(caught.value)
        assert (caught.value.fields["row"], caught.value.fields["column"]) == (row, 2)
    assert sorted({part: parts.count(part) for part in parts}.values()) == [6, 14]


def test_a_model_whose_outputs_are_not_finite_is_not_given_back() -> None:
    """The only update makes weights of 1e200: finite, but no prediction is."""
    settings: dict[str, Any] = {"optimizer": SGD(1e200), "batch_size": 20, "epochs": 1, "metrics": ()}
    assert finite(train(LINEAR, X, Y, check_finite=False, **settings).theta)
    with pytest.raises(DivergenceError, match="in epoch 1, batch 1") as caught:
        train(LINEAR, X, Y, **settings)
    assert caught.value.model.history.updates == 0
    assert caught.value.model.theta.tobytes() == LINEAR.init(0).theta.tobytes()


def test_rows_of_earlier_batches_are_looked_at() -> None:
    """A model that is broken for some rows only, none of them in the last batch: their logits are too far apart."""
    settings: dict[str, Any] = {"optimizer": SGD(1e307), "batch_size": 6, "epochs": 6, "seed": 1, "metrics": ()}
    last = permutation(1, "shuffle", 6, n=20)[18:]
    unchecked = train(LOGITS, X, LABELS, check_finite=False, **settings)
    with np.errstate(all="ignore"):
        assert finite(unchecked.theta, unchecked.evaluate(X[last], LABELS[last])["loss"])
        assert not finite(unchecked.evaluate(X, LABELS)["loss"])
    with pytest.raises(DivergenceError) as caught:
        train(LOGITS, X, LABELS, **settings)
    assert (caught.value.fields["epoch"], caught.value.fields["batch"]) == (6, 4)


def test_rows_that_training_has_not_come_to_do_not_count() -> None:
    stop = SimpleNamespace(batch=lambda info: "enough")
    rows = permutation(0, "shuffle", 1, n=20)
    for row in rows[:10]:
        with pytest.raises(DivergenceError, match=f"row {row} of X"):
            train(RELU, put(X, row, np.nan), Y, batch_size=10, callbacks=stop, metrics=())
    for row in rows[10:]:
        model = train(RELU, put(X, row, np.nan), Y, batch_size=10, callbacks=stop, metrics=())
        assert finite(model.theta, model.outputs(X))


def test_early_stopping_gives_back_a_sound_model_all_the_same() -> None:
    """The last update breaks the parameters, but they are not the ones that are kept."""
    settings: dict[str, Any] = {"batch_size": 20, "epochs": 6, "schedule": step_up(1e300, 5), "validation": (X, Y)}
    model = train(RELU, X, Y, callbacks=[EarlyStopping()], **settings)
    assert model.history.best_epoch == 5
    assert finite(model.outputs(X))
    assert not finite(model.history["validation_loss"])


def test_what_the_error_carries_can_be_used() -> None:
    """Its model predicts, has the history so far and can be trained on, with a smaller rate."""
    schedule = step_up(1e100, 4)
    with pytest.raises(DivergenceError) as caught:
        train(RELU, X, Y, epochs=6, schedule=schedule, batch_size=20, optimizer=SGD(0.1))
    model = caught.value.model
    assert model.history.epochs == 5
    assert model.history.stopped.startswith("diverged in epoch 6")
    again = train(NORMED, X, Y, epochs=1)
    assert again.predict(X).shape == (20,)
    start = train(RELU, X, Y, epochs=4, batch_size=20, optimizer=SGD(0.1))
    assert start.history["loss"] == model.history["loss"][:4]


def test_the_message() -> None:
    with pytest.raises(DivergenceError) as caught:
        train(TANH, X, Y, optimizer=SGD(1e160), epochs=1, batch_size=6)
    assert str(caught.value) == (
        "training diverged in epoch 1, batch 2, layer 2: the loss became infinite or undefined. Likely cause: the "
        "learning rate 1e+160 is too large. Try a tenth of it, or clip the gradient. The last model with a "
        "finite loss is in the error's field 'model'"
    )
    with pytest.raises(DivergenceError) as caught:
        train(TANH, put(X, 13, np.nan), Y, epochs=1, batch_size=20)
    assert str(caught.value) == (
        "training stopped in epoch 1, batch 1, layer 0: row 13 of X holds nan in column 1 (rows and columns count from "
        "0). Likely cause: a missing value. Remove the row or fill the value in. The last model with a "
        "finite loss is in the error's field 'model'"
    )


def test_targets_that_overflow_in_float32() -> None:
    with pytest.raises(DivergenceError, match=r"row 4 of Y holds inf in column 0.*3\.4e38"):
        train(TANH, X, put(Y, 4, 1e200, column=0), dtype="float32")


def test_the_diagnosis_uses_the_masks_of_the_failed_update() -> None:
    """Update 3, the first of the second training, is the first that does not drop the one input."""

    def kept(seed: int) -> list[bool]:
        return [bool(mask(seed, 0, update, shape=(1, 1), rate=0.5)[0, 0]) for update in (1, 2, 3)]

    seed = next(seed for seed in range(100) if kept(seed) == [False, False, True])
    start = large(Network([Dropout(0.5), Dense(1)], inputs=1), "W1", 1e200)
    settings: dict[str, Any] = {"optimizer": SGD(0.1), "seed": seed, "metrics": ()}
    first = train(start, [[1.0]], [0.5], epochs=2, check_finite=False, **settings)
    with pytest.raises(DivergenceError) as caught:
        train(first, [[1.0]], [0.5], epochs=1, **settings)
    assert (caught.value.fields["number"], caught.value.fields["layer"]) == ("the loss", 1)
    assert caught.value.model.history.updates == 2
