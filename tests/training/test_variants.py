from __future__ import annotations

import math
import statistics
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from chainrule.errors import UnknownName, UsageError
from chainrule.formulas import SGD
from chainrule.network import Network
from chainrule.training import EarlyStopping, train
from chainrule.training.variants import MeanSpread, Trials, Variant, train_variants

X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
Y = [0, 1, 1, 1]
NETWORK = Network.from_sizes([2, 3, 1], hidden="tanh", output="sigmoid")


def trials_of(*series: list[float]) -> Trials:
    models: Any = tuple(SimpleNamespace(history={"accuracy": each}) for each in series)
    return Trials(models)


def test_each_variant_is_trained_from_each_seed_as_train_would() -> None:
    variants = {"adam": NETWORK, "sgd": Variant(NETWORK, {"optimizer": SGD(0.5), "epochs": 2})}
    found = train_variants(variants, X, Y, seeds=[4, 5], epochs=3, batch_size=2)
    assert list(found) == ["adam", "sgd"]
    for seed, model in zip([4, 5], found["sgd"].models, strict=True):
        alone = train(NETWORK, X, Y, seed=seed, optimizer=SGD(0.5), epochs=2, batch_size=2)
        assert (model.theta == alone.theta).all()
    assert found["adam"].series("loss").shape == (2, 3)
    assert found["sgd"].series("loss").shape == (2, 2)


def test_the_listener_hears_each_variant_when_it_is_done() -> None:
    heard: list[tuple[str, int]] = []
    train_variants(
        {"a": NETWORK, "b": NETWORK}, X, Y, epochs=1, listener=lambda name, each: heard.append((name, len(each.models)))
    )
    assert heard == [("a", 3), ("b", 3)]


def test_mean_and_spread() -> None:
    values = [0.1, 0.4, 0.7]
    result = MeanSpread.of(values)
    assert result.mean == pytest.approx(statistics.mean(values))
    assert result.spread == pytest.approx(statistics.stdev(values))
    assert MeanSpread.of([3.0]) == (3.0, 0.0)
    assert f"{MeanSpread(0.5, 0.25):.0%}" == "50% ± 25%"
    assert f"{MeanSpread(math.nan, math.nan):.0f}" == "–"


def test_courses() -> None:
    trials = trials_of([0.0, 0.5, 1.0], [0.2, 0.9, 0.6])
    assert trials.course("accuracy").mean == pytest.approx([0.1, 0.7, 0.8])
    assert trials.last("accuracy").mean == pytest.approx(0.8)
    assert trials.last("accuracy").spread == pytest.approx(statistics.stdev([1.0, 0.6]))
    assert trials.difference("accuracy", "accuracy").last == (0.0, 0.0)


def test_epochs_to() -> None:
    trials = trials_of([0.0, 0.5, 1.0], [0.2, 0.9, 0.6])
    assert trials.epochs_to("accuracy", 0.5).mean == 2.0
    assert trials.epochs_to("accuracy", 0.9).mean == 2.5
    assert trials.epochs_to("accuracy", 0.0).mean == 1.0
    assert math.isnan(trials.epochs_to("accuracy", 0.95).mean)


def test_evaluate_is_the_mean_over_the_models() -> None:
    trials = train_variants({"a": NETWORK}, X, Y, epochs=2)["a"]
    losses = [model.evaluate(X, Y)["loss"] for model in trials.models]
    assert trials.evaluate(X, Y)["loss"] == (pytest.approx(np.mean(losses)), pytest.approx(np.std(losses, ddof=1)))


def test_evaluate_each_is_a_series_over_parts() -> None:
    trials = train_variants({"a": NETWORK}, X, Y, epochs=2)["a"]
    parts = [(X, Y), (X[:2], Y[:2]), (X[3:], Y[3:])]
    found = trials.evaluate_each(parts)
    assert set(found) == set(trials.evaluate(X, Y))
    for name, course in found.items():
        assert course.points == [trials.evaluate(*part)[name] for part in parts]
    assert trials.evaluate_each([]) == {}


def test_series_of_different_lengths_have_no_mean() -> None:
    with pytest.raises(UsageError, match="after 2, 1 epochs"):
        trials_of([0.0, 0.5], [0.2]).series("accuracy")


def test_what_cannot_be() -> None:
    with pytest.raises(UsageError, match="no seed"):
        train_variants({"a": NETWORK}, X, Y, seeds=[])
    with pytest.raises(UsageError, match="seed is -1"):
        train_variants({"a": NETWORK}, X, Y, seeds=[-1])
    trained = train_variants({"a": NETWORK}, X, Y, epochs=1, callbacks=EarlyStopping("loss"))["a"]
    with pytest.raises(UnknownName, match="validation_loss"):
        trained.series("validation_loss")
