"""What registration finds by calling: formulas that write into arguments, widen numbers or give what is of no use."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from chainrule.errors import FormulaError, UsageError
from chainrule.formulas import (
    CATALOGUES,
    LOSSES,
    OPTIMIZERS,
    Activation,
    Formula,
    Initializer,
    Loss,
    Metric,
    Optimizer,
    Pair,
    Penalty,
    Schedule,
    checking,
    register,
    trials,
)


def mine(kind: Callable[..., Formula], value: Callable[..., Any], **others: Any) -> Formula:
    return kind(name="mine", value=value, latex="", use="A test.", **others)


def refusal_of(record: Formula) -> str:
    with pytest.raises(FormulaError) as caught:
        register(record)
    assert not any("mine" in catalogue for catalogue in CATALOGUES)
    return str(caught.value)


def squares(a: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.sum((a - y) ** 2, axis=-1)


def scaled(vector: np.ndarray, factor: float) -> np.ndarray:
    vector *= factor
    return vector


ENTROPY = LOSSES["binary_cross_entropy"].value

WRITING = {
    "value": mine(Activation, lambda z: np.maximum(z, 0, out=z), slope=lambda z, a: np.sign(a)),
    "value without slope": mine(Activation, lambda z: np.maximum(z, 0, out=z)),
    "slope, into z": mine(Activation, np.exp, slope=lambda z, a: np.exp(z, out=z)),
    "slope, into a": mine(Activation, np.tanh, slope=lambda z, a: np.subtract(1, a * a, out=a)),
    "pullback, into g": mine(Activation, lambda z: 2 * z, pullback=lambda z, a, g: scaled(g, 2)),
    "value of a loss, into y": mine(Loss, lambda a, y: squares(a, scaled(y, 1.5)), slope=lambda a, y: 2 * a - 3 * y),
    "slope of a loss, into a": mine(Loss, squares, slope=lambda a, y: np.multiply(2, a - y, out=a)),
    "slope from logits": mine(
        Loss, ENTROPY, pairs={"sigmoid": Pair(value=ENTROPY, slope=lambda z, a, y: np.subtract(a, y, out=a))}
    ),
    "slope of a penalty": mine(Penalty, lambda w: w * w, slope=lambda w: scaled(w, 2)),
    "projection": mine(Penalty, np.zeros_like, project=lambda W: np.minimum(W, 1, out=W)),
    "initializer": mine(Initializer, lambda draw, fan_in, fan_out: scaled(draw, 0.1)),
    "optimizer, into g": mine(Optimizer, lambda theta, g, state, t, rate: (scaled(g, -rate), ())),
    "optimizer, into its state": mine(
        Optimizer, lambda theta, g, state, t, rate: (-np.add(state[0], g, out=state[0]), state), slots=("v",)
    ),
    "metric": mine(Metric, lambda predicted, truth, weights: float(scaled(predicted, 2).mean())),
}


@pytest.mark.parametrize("record", WRITING.values(), ids=list(WRITING))
def test_formula_that_writes_into_its_arguments_is_refused(record: Formula) -> None:
    numbers = (trials.ROWS, trials.TARGETS, trials._Z, trials._THETA, checking._POINTS, checking._BACK)
    before = [array.copy() for array in numbers]
    assert "of 'mine' changes its argument; give a new array" in refusal_of(record)
    assert all(map(np.array_equal, numbers, before))


def test_one_that_writes_only_at_some_numbers_is_refused_as_well() -> None:
    def bounded(z: np.ndarray) -> np.ndarray:
        z[z.real > 5] = 5  # none of the numbers at which it is tried, one of those at which it is derived
        return z

    before = checking._POINTS.copy()
    refused = refusal_of(mine(Activation, bounded, slope=lambda z, a: np.ones_like(z)))
    assert refused.startswith("the value of 'mine' changes its argument")
    assert np.array_equal(checking._POINTS, before)


def leaky_slope(z: np.ndarray, a: np.ndarray) -> np.ndarray:
    return np.where(z > 0, 1.0, 0.1)


WIDENING = {
    "value": mine(Activation, lambda z: np.where(z > 0, np.float64(1), z), slope=leaky_slope),
    "value without slope": mine(Activation, lambda z: np.where(z > 0, 1.0, 0.0)),
    "slope": mine(Activation, lambda z: np.maximum(z, 0.1 * z), slope=leaky_slope),
    "pullback": mine(Activation, lambda z: 2 * z, pullback=lambda z, a, g: g * np.array([2.0])),
    "value of a loss": mine(Loss, lambda a, y: squares(a, y).astype(float), slope=lambda a, y: 2 * (a - y)),
    "slope of a loss": mine(Loss, squares, slope=lambda a, y: np.array([2.0]) * (a - y)),
    "slope from logits": mine(
        Loss, ENTROPY, pairs={"sigmoid": Pair(value=ENTROPY, slope=lambda z, a, y: (a - y).astype(float))}
    ),
    "slope of a penalty": mine(Penalty, lambda w: np.maximum(w, 0), slope=lambda w: np.where(w > 0, 1.0, 0.0)),
}


@pytest.mark.parametrize("record", WIDENING.values(), ids=list(WIDENING))
def test_formula_that_widens_float32_is_told_how_to_keep_it(record: Formula) -> None:
    message = refusal_of(record)
    assert "of 'mine' gives float64 for float32, and would turn" in message
    assert message.endswith("such as np.where(z > 0, 1.0, 0.1).astype(z.dtype)")


def test_advice_of_the_refusal_is_right() -> None:
    record = mine(
        Activation,
        lambda z: np.maximum(z, 0.1 * z),
        slope=lambda z, a: np.where(z > 0, 1.0, 0.1).astype(z.dtype),
    )
    checking.check(record)


def adding_one(theta: np.ndarray, g: np.ndarray, state: Any, t: int, rate: float) -> Any:
    return -rate * g, (*state, g)


UNUSABLE = {
    "optimizer, no pair": (mine(Optimizer, lambda theta, g, state, t, rate: -g), "gives an array of float32 and shape"),
    "optimizer, other state": (mine(Optimizer, adding_one, slots=("v",)), "a tuple of 1 such vectors"),
    "optimizer, list": (mine(Optimizer, lambda theta, g, state, t, rate: (-g, [])), "gives (an array of float32 and s"),
    "optimizer, shape": (mine(Optimizer, lambda theta, g, state, t, rate: (-g[:1], ())), "a change like theta, an arr"),
    "optimizer, dtype": (
        mine(Optimizer, lambda theta, g, state, t, rate: (g.astype(float), ())),
        "gives (an array of f",
    ),
    "optimizer, slot": (
        mine(Optimizer, lambda theta, g, state, t, rate: (-g, (0.0,)), slots=("v",)),
        "gives (an array of float32 and shape (3,), (0)); expected (change, state)",
    ),
    "optimizer, arguments": (mine(Optimizer, lambda theta, g: -g), "(TypeError: "),
    "optimizer, parameter": (
        mine(Optimizer, lambda theta, g, state, t, rate: (-g, ()), parameters={"mu": 0.9}),
        "the value of 'mine' fails for an array of float32",
    ),
    "optimizer, scalar decay": (
        mine(
            Optimizer,
            lambda theta, g, state, t, rate, decay: (-g - max(decay, 0.0) * theta, ()),
            parameters={"decay": 0.1},
            decays=True,
        ),
        "(ValueError: ",
    ),
    "initializer, shape": (
        mine(Initializer, lambda draw, fan_in, fan_out: draw.T),
        "gives an array of float64 and shape (3, 2); expected weights in an array of the draw's shape, (2, 3)",
    ),
    "initializer, number": (
        mine(Initializer, lambda draw, fan_in, fan_out: 0.1, draw="none"),
        "gives 0.1; expected we",
    ),
    "initializer, texts": (mine(Initializer, lambda draw, fan_in, fan_out: draw.astype(str)), "gives an array of str"),
    "initializer, arguments": (mine(Initializer, lambda draw: draw), "(TypeError: "),
    "schedule, below 0": (
        mine(Schedule, lambda e, E: 1 - 2 * e / E),
        "at e = 3 of E = 3 of 'mine' gives -1; expected a",
    ),
    "schedule, infinite": (mine(Schedule, lambda e, E: np.float64(1) / e), "at e = 0 of E = 3 of 'mine' gives inf"),
    "schedule, nan": (mine(Schedule, lambda e, E: float("nan")), "gives nan; expected a finite number of 0 or more"),
    "schedule, text": (mine(Schedule, lambda e, E: "fast"), "gives a str; expected a finite number of 0 or more"),
    "schedule, nothing": (mine(Schedule, lambda e, E: None), "gives None; expected a finite number of 0 or more"),
    "schedule, start": (
        mine(Schedule, lambda e, E: E / e),
        "at e = 0 of E = 3 of 'mine' fails for 0, 3 (ZeroDivisionErr",
    ),
    "schedule, end": (
        mine(Schedule, lambda e, E: 1 / (E - e)),
        "at e = 3 of E = 3 of 'mine' fails for 3, 3 (ZeroDivisi",
    ),
    "schedule, key": (mine(Schedule, lambda e, E: {0: 1.0}[e]), "of 'mine' fails for 3, 3 (KeyError: "),
    "metric, one each": (
        mine(Metric, lambda predicted, truth, weights: (predicted - truth)[:, 0]),
        "gives an array of float64 and shape (3,); expected one number",
    ),
    "metric, truth value": (mine(Metric, lambda predicted, truth, weights: True), "gives a bool; expected one number"),
    "metric, no weights": (mine(Metric, lambda predicted, truth: 0.0), "(TypeError: "),
    "metric, needs weights": (
        mine(Metric, lambda predicted, truth, weights: float(weights.sum()), task="classification"),
        "fails for an array of int64 and shape (4,), an array of int64 and shape (4,), None (AttributeError: ",
    ),
}


@pytest.mark.parametrize(("record", "message"), UNUSABLE.values(), ids=list(UNUSABLE))
def test_formula_that_gives_what_cannot_be_used_is_refused(record: Formula, message: str) -> None:
    assert message in refusal_of(record)


USABLE = {
    "optimizer": mine(Optimizer, lambda theta, g, state, t, rate: (theta, ())),
    "optimizer with a slot": mine(Optimizer, lambda theta, g, state, t, rate: (-rate * g, (g,)), slots=("v",)),
    "optimizer that decays": mine(
        Optimizer,
        lambda theta, g, state, t, rate, decay: (-rate * (g + decay * theta), ()),
        parameters={"decay": 0.1},
        decays=True,
    ),
    "schedule": mine(Schedule, lambda e, E: 1),
    "metric": mine(Metric, lambda predicted, truth, weights=None: np.float32(0)),
    "initializer": mine(Initializer, lambda draw, fan_in, fan_out: np.sign(draw) / fan_in),
    "initializer by hand": mine(Initializer, lambda draw, fan_in, fan_out: np.eye(fan_out, fan_in), draw="none"),
}


@pytest.mark.parametrize("record", USABLE.values(), ids=list(USABLE))
def test_formula_without_slope_is_taken_in(record: Formula) -> None:
    (catalogue,) = [catalogue for catalogue in CATALOGUES if isinstance(record, catalogue.kind)]
    try:
        assert register(record) is catalogue["mine"]
    finally:
        catalogue.unregister("mine")


@pytest.mark.parametrize(
    ("kind", "fields", "message"),
    [
        (Initializer, {"draw": "gaussian"}, "mine: draw is 'gaussian'; it must be one of: normal, uniform, none"),
        (Initializer, {"draw": None}, "mine: draw is None; it must be one of: normal, uniform, none"),
        (
            Loss,
            {"targets": "value", "slope": squares},
            "mine: targets is 'value'; it must be one of: values, probabilities, distribution, counts",
        ),
        (Loss, {}, "the loss 'mine' has neither slope nor pairs"),
        (Metric, {"task": "classify"}, "mine: task is 'classify'; it must be one of: classification, regression"),
        (Metric, {"better": "high"}, "mine: better is 'high'; it must be one of: higher, lower"),
        (Penalty, {}, "the penalty 'mine' has neither slope nor project"),
        (Optimizer, {"decays": True, "parameters": {"mu": 0.9}}, "has no parameter 'decay'; it has: mu"),
    ],
)
def test_record_that_would_silently_do_nothing_cannot_be_made(kind: Any, fields: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        mine(kind, squares, **fields)
    assert message in str(caught.value)


def test_variant_is_held_to_the_same() -> None:
    with pytest.raises(UsageError, match="the optimizer 'adamw' decays, but has no parameter 'decay'; it has: none"):
        dataclasses.replace(OPTIMIZERS["adamw"], parameters={})
