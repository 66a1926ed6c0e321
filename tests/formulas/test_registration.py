"""A user's own formula: the right one is taken in, a wrong derivative is refused with the point named."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from chainrule.errors import FormulaError, UnknownName, UsageError
from chainrule.formulas import (
    ACTIVATIONS,
    CATALOGUES,
    LOSSES,
    Activation,
    Loss,
    Pair,
    Penalty,
    register,
)
from chainrule.formulas.checking import check, derivative


def activation(value: Callable[..., Any], slope: Callable[..., Any], **others: Any) -> Activation:
    return Activation(name="mine", value=value, slope=slope, latex="", use="A test.", **others)


def loss(value: Callable[..., Any], slope: Callable[..., Any], **others: Any) -> Loss:
    return Loss(name="mine", value=value, slope=slope, latex="", use="A test.", **others)


def softsign(z: np.ndarray) -> np.ndarray:
    return z / (1 + np.abs(z))


def power(z: np.ndarray, p: float = 3.0) -> np.ndarray:
    return np.maximum(z, 0) ** p


def entropy(z: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.sum(np.log1p(np.exp(z)) - y * z, axis=-1)


RIGHT = {
    "complex": activation(lambda z: np.sqrt(1 + z * z) + z, lambda z, a: z / np.sqrt(1 + z * z) + 1),
    "from a alone": activation(lambda z: np.tanh(2 * z), lambda z, a: 2 * (1 - a * a)),
    "abs loses the imaginary part": activation(softsign, lambda z, a: 1 / (1 + np.abs(z)) ** 2),
    "real only": activation(lambda z: np.arctan2(z, 2.0), lambda z, a: 2 / (4 + z * z)),
    "casts": activation(lambda z: np.real(z) ** 2, lambda z, a: 2 * z),
    "casts with a warning": activation(lambda z: np.array(z, dtype=z.real.dtype) ** 2, lambda z, a: 2 * z),
    "parameter": activation(power, lambda z, a, p=3.0: p * np.maximum(z, 0) ** (p - 1), parameters={"p": 3.0}),
    "loss": loss(lambda a, y: np.sum((a - y) ** 4, axis=-1), lambda a, y: 4 * (a - y) ** 3),
    "real loss": loss(lambda a, y: np.sum(np.abs(a - y) ** 3, axis=-1), lambda a, y: 3 * (a - y) * np.abs(a - y)),
    "pair": Loss(
        name="mine",
        value=entropy,
        pairs={"sigmoid": Pair(value=entropy, slope=lambda z, a, y: a - y)},
        targets="probabilities",
        latex="",
        use="A test.",
    ),
    "penalty": Penalty(
        name="mine",
        value=lambda w, strength=0.1: strength * w**4,
        slope=lambda w, strength=0.1: 4 * strength * w**3,
        parameters={"strength": 0.1},
        latex="",
        use="A test.",
    ),
    "no slope": Activation(name="mine", value=np.sign, latex="", use="A test."),
    "pullback": Activation(
        name="mine",
        value=lambda z: z - np.mean(z, axis=-1, keepdims=True),
        pullback=lambda z, a, g: g - np.mean(g, axis=-1, keepdims=True),
        latex="",
        use="A test.",
    ),
}


@pytest.mark.parametrize("record", RIGHT.values(), ids=list(RIGHT))
def test_right_formula_is_taken_in_and_found(record: Any) -> None:
    assert register(record) is record
    (catalogue,) = [catalogue for catalogue in CATALOGUES if "mine" in catalogue]
    assert catalogue.find("mine") is record
    assert catalogue.find("Mine") is record
    assert list(catalogue)[-1] == "mine"


WRONG = {
    "a sign": activation(np.tanh, lambda z, a: -(1 - a * a)),
    "a factor": activation(lambda z: np.tanh(2 * z), lambda z, a: 1 - a * a),
    "z where a is meant": activation(np.tanh, lambda z, a: 1 - z * z),
    "a small error": activation(np.tanh, lambda z, a: (1 - a * a) * (1 + 1e-8)),
    "one branch": activation(lambda z: np.maximum(z, 0.1 * z), lambda z, a: np.where(z > 0, 1, 0.2).astype(z.dtype)),
    "not a number": activation(np.tanh, lambda z, a: np.sqrt(1 - z * z)),
    "real only": activation(softsign, lambda z, a: 1 / (1 + np.abs(z))),
    "loss without the 2": loss(lambda a, y: np.sum((a - y) ** 2, axis=-1), lambda a, y: a - y),
    "loss with the batch's mean": loss(lambda a, y: np.sum((a - y) ** 2, axis=-1), lambda a, y: 2 * (a - y) / len(a)),
    "pair": dataclasses.replace(
        LOSSES["poisson"],
        name="mine",
        pairs={"softplus": Pair(value=LOSSES["poisson"].value, slope=lambda z, a, y: 1 - y / a)},
    ),
    "penalty": Penalty(name="mine", value=lambda w: w * w, slope=lambda w: w, latex="", use="A test."),
    "a price that descent does not see": Penalty(
        name="mine", value=lambda w: w * w, project=lambda W: np.minimum(W, 1), latex="", use="A test."
    ),
    "pullback": dataclasses.replace(ACTIVATIONS["softmax"], name="mine", pullback=lambda z, a, g: a * (1 - a) * g),
}


@pytest.mark.parametrize("record", WRONG.values(), ids=list(WRONG))
def test_wrong_slope_is_refused_with_the_point_named(record: Any) -> None:
    with pytest.raises(
        FormulaError, match=r"the slope of 'mine' is not the derivative of its value: at -?[0-9.]+ the "
    ):
        register(record)
    assert not any("mine" in catalogue for catalogue in CATALOGUES)


def test_refusal_tells_both_numbers() -> None:
    with pytest.raises(FormulaError) as caught:
        register(WRONG["one branch"])
    assert str(caught.value) == (
        "the slope of 'mine' is not the derivative of its value: at -7.3 the slope gives 0.2, the numerical derivative "
        "is 0.1; correct the slope (a factor, a sign, or z where a is meant)"
    )
    assert caught.value.fields["at"] == -7.3


@pytest.mark.parametrize(
    ("record", "message"),
    [
        (
            activation(lambda z: math.exp(z), lambda z, a: a),
            "fails for an array of float32 and shape (3, 3) (TypeError",
        ),
        (activation(lambda z, p: z**p, lambda z, a: z), "it is called with these and with the formula's parameters"),
        (activation(lambda z: 1 if z > 0 else 0, lambda z, a: 0 * z), "must take whole arrays where arrays are given"),
        (activation(lambda z: np.sum(z**2) * 0, lambda z, a: 2 * z), "the value of 'mine' gives 0; expected an array"),
        (activation(lambda z: z, lambda z, a: [1.0]), "the slope of 'mine' gives a list; expected an array of float32"),
        (
            loss(lambda a, y: (a - y) ** 2, lambda a, y: 2 * (a - y)),
            "the value of 'mine' gives an array of float32 and shape (3, 3); expected an array of float32 and shape "
            "(3,): one number for each row",
        ),
    ],
)
def test_formula_that_takes_no_arrays_is_refused(record: Any, message: str) -> None:
    with pytest.raises(FormulaError, match=re.escape(message)):
        register(record)


@pytest.mark.parametrize("catalogue", CATALOGUES, ids=lambda catalogue: catalogue.what)
def test_built_in_names_are_protected(catalogue: Any) -> None:
    for name in [*catalogue, *catalogue._aliases]:
        record = dataclasses.replace(catalogue[name], name=name)
        with pytest.raises(UsageError, match=f"the {catalogue.what} '{name}' is built in and cannot be replaced"):
            register(record)
        with pytest.raises(UsageError, match="is built in and stays"):
            catalogue.unregister(name)
        assert catalogue[name] is catalogue.find(name)


def test_registered_formula_may_be_replaced_and_taken_out_again() -> None:
    register(RIGHT["complex"])
    register(RIGHT["from a alone"])
    assert ACTIVATIONS["mine"] is RIGHT["from a alone"]
    ACTIVATIONS.unregister("mine")
    with pytest.raises(UnknownName):
        ACTIVATIONS.unregister("mine")


def test_name_that_no_look_up_could_find_is_refused() -> None:
    with pytest.raises(UsageError, match="names are lower case with underscores, such as 'my_own'"):
        register(dataclasses.replace(RIGHT["complex"], name="My Own"))


def test_pair_with_an_unknown_activation_is_refused() -> None:
    pair = LOSSES["binary_cross_entropy"].pairs["sigmoid"]
    with pytest.raises(UnknownName, match="unknown activation 'sigmod'; did you mean 'sigmoid'"):
        register(dataclasses.replace(LOSSES["binary_cross_entropy"], name="mine", pairs={"sigmod": pair}))


def test_only_formulas_can_be_registered() -> None:
    with pytest.raises(UsageError, match="a function cannot be registered; expected a formula record"):
        register(softsign)  # type: ignore[type-var]


@pytest.mark.parametrize("catalogue", CATALOGUES, ids=lambda catalogue: catalogue.what)
def test_every_built_in_formula_passes_the_check(catalogue: Any) -> None:
    for record in catalogue.values():
        check(record)


def test_tolerance_tells_which_derivative_was_taken() -> None:
    x = np.array([-2.0, 0.5])
    found, tolerance = derivative(np.sin, x)
    assert tolerance == 1e-10
    np.testing.assert_allclose(found, np.cos(x), rtol=1e-15)
    found, tolerance = derivative(softsign, x)
    assert tolerance == 1e-6
    np.testing.assert_allclose(found, 1 / (1 + np.abs(x)) ** 2, rtol=1e-8)
