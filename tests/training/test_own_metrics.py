"""Functions of one's own as metrics: what they are given, how their series are named, and what they may not do."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import sparse
from sklearn.metrics import balanced_accuracy_score, mean_absolute_percentage_error

from chainrule import SGD, EarlyStopping, Network, TableEncoder, TargetEncoder, train
from chainrule.errors import UnknownName, UsageError

RNG = np.random.default_rng(7)
X = RNG.normal(size=(40, 3))
y = np.where(X[:, 0] + 0.5 * RNG.normal(size=40) > 0.4, "yes", "no")
NETWORK = Network.from_sizes([3, 4, 2], hidden="tanh", output="softmax")
SETTINGS: dict[str, Any] = {"optimizer": SGD(0.5), "batch_size": 16, "epochs": 3}


def balanced(model: Any, X: Any, Y: Any, weights: Any) -> float:
    return float(balanced_accuracy_score(Y, model.predict(X), sample_weight=weights))


@pytest.mark.parametrize("engine", ["reference", "compiled"])
@pytest.mark.parametrize("weighted", [False, True])
def test_they_are_measured_as_scikit_learn_measures(engine: str, weighted: bool) -> None:
    weights = np.linspace(1, 3, 40) if weighted else None
    held_out = (X[30:], y[30:], *([weights[30:]] if weights is not None else []))
    model = train(
        NETWORK,
        X[:30],
        y[:30],
        weights=None if weights is None else weights[:30],
        validation=held_out,
        metrics=["accuracy", {"balanced": balanced}],
        engine=engine,
        **SETTINGS,
    )
    names = ["loss", "accuracy", "balanced", "validation_loss", "validation_accuracy", "validation_balanced"]
    assert list(model.history) == [*names, "rate", "seconds"]
    for name, rows in (("balanced", slice(30)), ("validation_balanced", slice(30, None))):
        own = None if weights is None else weights[rows]
        expected = balanced_accuracy_score(y[rows], model.predict(X[rows]), sample_weight=own)
        assert model.history[name][-1] == expected
    assert len(set(model.history["balanced"])) > 1


def test_what_they_see() -> None:
    """Labels as they were given, inputs that cannot be written into, a copy of the model as it stands."""
    seen: list[Any] = []

    def look(model: Any, X: Any, Y: Any, weights: Any) -> int:
        with pytest.raises(ValueError, match="read-only"):
            X[0] = 0
        seen.append((model.theta.copy(), X, Y, weights))
        model.theta[:] = 0
        return 1

    model = train(NETWORK, X, y, metrics=look, **SETTINGS)
    plain = train(NETWORK, X, y, metrics=(), **SETTINGS)
    assert model.theta.tobytes() == plain.theta.tobytes() == seen[-1][0].tobytes()
    assert list(model.history) == ["loss", "look", "rate", "seconds"]
    assert len({theta.tobytes() for theta, *_ in seen}) == 3
    assert seen[0][2].tolist() == y.tolist()
    assert seen[0][3] is None


def test_values_come_in_their_own_unit() -> None:
    values = 300 + 50 * X[:, 0]
    target = TargetEncoder.fit(values, kind="values", standardize=True)

    def percentage(model: Any, X: Any, Y: Any, weights: Any) -> float:
        np.testing.assert_allclose(Y, values, rtol=1e-12)
        return float(mean_absolute_percentage_error(Y, model.predict(X)))

    model = train(Network.from_sizes([3, 1]), X, values, target=target, metrics={"percentage": percentage}, **SETTINGS)
    assert model.history["percentage"][-1] == mean_absolute_percentage_error(values, model.predict(X))


def test_several_answers_and_sparse_inputs() -> None:
    several = (X > 0).astype(int)
    inputs = sparse.csr_array(np.where(np.abs(X) > 0.5, X, 0))

    def share(model: Any, X: Any, Y: Any, weights: Any) -> float:
        assert sparse.issparse(X)
        np.testing.assert_array_equal(Y, several)
        return float(np.mean(model.predict(X) == Y))

    network = Network.from_sizes([3, 3], output="sigmoid")
    model = train(network, inputs, several, metrics=["accuracy", share], **SETTINGS)
    assert model.history["share"] == pytest.approx(model.history["accuracy"], rel=1e-12)


def test_rows_of_a_table_come_encoded() -> None:
    table = {"size": [1.0, 2.0, 4.0, 3.0] * 5, "colour": ["red", "blue", "red", "green"] * 5}
    labels = ["a", "b"] * 10
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(table)
    encoder = TableEncoder.fit(frame)
    network = Network.from_sizes([encoder.transform(frame).shape[1], 2], output="softmax")

    def right(model: Any, X: Any, Y: Any, weights: Any) -> float:
        return float(np.mean(model.predict(X) == Y))

    model = train(network, frame, labels, encoder=encoder, metrics=[right, "accuracy"], epochs=2)
    assert model.history["right"] == model.history["accuracy"]
    assert model.encoder is encoder


@pytest.mark.parametrize(
    "given",
    [
        {"loss": balanced},
        {"validation_balanced": balanced},
        {"": balanced},
        {3: balanced},
        [balanced, {"balanced": balanced}],
        ["accuracy", {"accuracy": balanced}],
    ],
)
def test_names_that_cannot_be(given: Any) -> None:
    with pytest.raises(UsageError, match="a metric of your own has the name"):
        train(NETWORK, X, y, metrics=given, **SETTINGS)


@pytest.mark.parametrize("given", [{"f": 1}, [balanced, 5], [lambda *_: 1.0, [balanced]]])
def test_what_is_no_metric(given: Any) -> None:
    with pytest.raises(UsageError, match=r"expected a name or a list of names out of accuracy, .* \{'name': f\}"):
        train(NETWORK, X, y, metrics=given, **SETTINGS)
    with pytest.raises(UnknownName, match="unknown classification metric 'rmse'"):
        train(NETWORK, X, y, metrics=[balanced, "rmse"], **SETTINGS)


@pytest.mark.parametrize("answer", ["0.5", None, True, [0.5]])
def test_answers_that_are_no_number(answer: Any) -> None:
    with pytest.raises(UsageError, match="the metric 'mine' gave"):
        train(NETWORK, X, y, metrics={"mine": lambda *_: answer}, **SETTINGS)


@pytest.mark.parametrize(("better", "best"), [("higher", 2), ("lower", 4), (None, 4)])
def test_early_stopping_watches_them(better: Any, best: int) -> None:
    """Which way is better of a series of one's own is for the caller to say."""
    told = [0.5, 0.9, 0.6, 0.1, 0.2]
    values = iter(told)
    stopping = EarlyStopping("score", patience=5, better=better)
    settings = SETTINGS | {"epochs": 5}
    model = train(NETWORK, X, y, metrics={"score": lambda *_: next(values)}, callbacks=stopping, **settings)
    assert model.history.best_epoch == best


def test_better_overrules_the_catalogue() -> None:
    values = iter([0.5, 0.9, 0.1])
    stopping = EarlyStopping("accuracy", better="lower")
    model = train(NETWORK, X, y, metrics={"accuracy": lambda *_: next(values)}, callbacks=stopping, **SETTINGS)
    assert model.history.best_epoch == 3
    with pytest.raises(UsageError, match="better is 'more'; it must be 'lower' or 'higher'"):
        EarlyStopping(better="more")
