"""What every entry of the catalogue promises: look-ups, help texts, parameters, ranges; a new one is under test."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import math
import pickle
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from matplotlib.mathtext import MathTextParser

from chainrule.errors import UnknownName, UsageError
from chainrule.formulas import (
    ACTIVATIONS,
    CATALOGUES,
    INITIALIZERS,
    LOSSES,
    METRICS,
    OPTIMIZERS,
    PENALTIES,
    SCHEDULES,
    Activation,
    Catalogue,
    Formula,
    Interval,
    Loss,
    Metric,
    Optimizer,
)

ENTRIES = [(catalogue, record) for catalogue in CATALOGUES for record in catalogue.values()]
each_catalogue = pytest.mark.parametrize("catalogue", CATALOGUES, ids=lambda catalogue: catalogue.what)
each_entry = pytest.mark.parametrize(
    ("catalogue", "record"), ENTRIES, ids=[f"{catalogue.what}-{record.name}" for catalogue, record in ENTRIES]
)
each_activation = pytest.mark.parametrize("activation", ACTIVATIONS.values(), ids=str)


def functions_of(record: Formula) -> dict[str, Callable[..., Any]]:
    """A record's formulas by field name; those of a loss's pairs as well."""
    functions = {f.name: getattr(record, f.name) for f in dataclasses.fields(record)}
    for output, pair in getattr(record, "pairs", {}).items():
        functions |= {f"{output} value": pair.value, f"{output} slope": pair.slope}
    return {name: function for name, function in functions.items() if callable(function)}


def test_catalogue_holds_what_the_architecture_names() -> None:
    names = {
        "activation": "step identity sigmoid tanh relu leaky_relu elu selu softplus exponential silu gelu gelu_tanh "
        "mish softmax",
        "loss": "squared_error half_squared_error mean_squared_error euclidean_distance absolute_error huber poisson "
        "binary_cross_entropy categorical_cross_entropy",
        "initializer": "zeros constant normal uniform glorot_normal glorot_uniform he_normal he_uniform lecun_normal "
        "lecun_uniform orthogonal",
        "optimizer": "sgd momentum nesterov adagrad rmsprop adam adamw",
        "schedule": "constant step exponential inverse_scaling cosine warm_up one_cycle",
        "penalty": "l1 l2 max_norm",
        "metric": "accuracy rmse mae r2",
    }
    assert [catalogue.what for catalogue in CATALOGUES] == list(names)
    for catalogue in CATALOGUES:
        assert set(names[catalogue.what].split()) <= set(catalogue)


@each_entry
def test_name_is_the_key_and_its_own_normal_form(catalogue: Catalogue[Any], record: Formula) -> None:
    assert catalogue[record.name] is record
    assert re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", record.name)
    for spelling in (record.name, f" {record.name.upper()} ", record.name.replace("_", "-"), record):
        assert catalogue.find(spelling) is record
        if isinstance(spelling, str):
            assert spelling in catalogue
            assert catalogue[spelling] is catalogue.get(spelling) is record


@each_entry
def test_use_is_a_sentence_or_two(catalogue: Catalogue[Any], record: Formula) -> None:
    assert record.use[0].isupper()
    assert record.use.endswith(".")
    assert len(re.findall(r"\.(?= [A-Z]|$)", record.use)) <= 2
    assert not record.source or record.source.endswith((".", ")")) or record.source[-1].isdigit()


@each_entry
def test_every_function_says_what_it_computes(catalogue: Catalogue[Any], record: Formula) -> None:
    for name, function in functions_of(record).items():
        assert function.__doc__, f"{name} of {record.name} has no docstring"
        assert function.__doc__.split("\n\n")[0].rstrip().endswith(".")


# What mathtext, a small dialect, does not know; MathML and LaTeX do.
NOT_IN_MATHTEXT = r"\begin|\tfrac|\lVert|\top|\left|\right|\text"


@each_entry
def test_latex_is_whole(catalogue: Catalogue[Any], record: Formula) -> None:
    slope = functions_of(record).keys() & {"slope", "pullback"}
    texts = [record.latex, *([record.slope_latex] if slope else [])]
    for text in texts:
        assert text.strip(), f"{record.name} has no LaTeX"
        assert "$" not in text
        bare = re.sub(r"\\[{}]", "", text)
        depths = np.cumsum([{"{": 1, "}": -1}.get(letter, 0) for letter in bare])
        assert depths.min() >= 0
        assert depths[-1] == 0
        assert re.findall(r"\\begin\{(\w+)\}", text) == re.findall(r"\\end\{(\w+)\}", text)
        assert len(re.findall(r"\\left(?![a-z])", text)) == len(re.findall(r"\\right(?![a-z])", text))
        if not re.search("|".join(map(re.escape, NOT_IN_MATHTEXT.split("|"))), text):
            MathTextParser("path").parse(f"${text}$")


@each_entry
def test_parameters_are_those_of_its_functions(catalogue: Catalogue[Any], record: Formula) -> None:
    for function in functions_of(record).values():
        defaults = {
            name: parameter.default
            for name, parameter in inspect.signature(function).parameters.items()
            if parameter.default is not parameter.empty and not isinstance(record, Metric)
        }
        assert defaults == dict(record.parameters)
    assert all(type(number) is float for number in record.parameters.values())


@each_entry
def test_limits_are_of_its_parameters_and_hold_for_the_defaults(catalogue: Catalogue[Any], record: Formula) -> None:
    assert record.limits.keys() <= record.parameters.keys()
    for name, allowed in record.limits.items():
        assert record.parameters[name] in allowed
        assert name in allowed.around(name)


@each_entry
def test_description_finds_it_again(catalogue: Catalogue[Any], record: Formula) -> None:
    changed = record.with_parameters(**{name: number * 0.5 + 0.01 for name, number in record.parameters.items()})
    for variant in (record, changed):
        description = variant.describe()
        assert all(isinstance(value, (str, float)) for value in description.values())
        assert catalogue.find(description.pop("name"), **description) == variant


@each_entry
def test_wrong_parameters_are_refused(catalogue: Catalogue[Any], record: Formula) -> None:
    with pytest.raises(UsageError, match=f"{record.name} has no parameter 'alhpa'; it has: "):
        catalogue.find(record.name, alhpa=1.0)
    for name in record.parameters:
        for wrong in (math.nan, math.inf, 10**400, -(10**5000), "1", None, True, 1j, [1.0]):
            with pytest.raises(UsageError, match=f"{record.name}: {name} is .*; it must be a finite number"):
                record.with_parameters(**{name: wrong})
        other = catalogue.find(record.name, **{name: np.float32(0.5)})
        assert other.parameters[name] == 0.5
        assert type(other.parameters[name]) is float
        assert record.parameters[name] == catalogue[record.name].parameters[name]  # left as it was


@each_entry
def test_record_is_frozen_and_can_be_pickled_after_use(catalogue: Catalogue[Any], record: Formula) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        record.name = "other"  # type: ignore[misc]
    if isinstance(record, Activation):
        assert record.f is record.f
        assert not record.trainable or record.back is record.back
    assert pickle.loads(pickle.dumps(record)) == record
    assert copy.deepcopy(record) == record
    assert hash(record) == hash(catalogue[record.name])


@each_entry
def test_text_is_name_and_numbers(catalogue: Catalogue[Any], record: Formula) -> None:
    numbers = {**({"rate": record.rate} if isinstance(record, Optimizer) else {}), **record.parameters}
    inner = ", ".join(f"{name}={number:g}" for name, number in numbers.items())
    assert str(record) == record.name + f"({inner})" * bool(numbers)


# --- look-ups


@pytest.mark.parametrize(
    ("catalogue", "wrong", "meant"),
    [
        (ACTIVATIONS, "rleu", "relu"),
        (ACTIVATIONS, "Sigmod", "sigmoid"),
        (ACTIVATIONS, "leakyrelu", "leaky_relu"),
        (LOSSES, "mean_square_error", "mean_squared_error"),
        (INITIALIZERS, "he_norml", "he_normal"),
        (OPTIMIZERS, "adm", "adam"),
        (SCHEDULES, "cosin", "cosine"),
        (PENALTIES, "maxnorm", "max_norm"),
        (METRICS, "acuracy", "accuracy"),
    ],
)
def test_misspelt_name_is_answered_with_the_nearest(catalogue: Catalogue[Any], wrong: str, meant: str) -> None:
    with pytest.raises(UnknownName) as caught:
        catalogue.find(wrong)
    with pytest.raises(LookupError, match=re.escape(str(caught.value))):
        catalogue[wrong]
    assert str(caught.value) == (
        f"unknown {catalogue.what} {wrong!r}; did you mean {meant!r}? Known: {', '.join(catalogue)}"
    )


@each_catalogue
def test_name_like_no_other_is_answered_with_the_list(catalogue: Catalogue[Any]) -> None:
    with pytest.raises(UnknownName) as caught:
        catalogue.find("qqq")
    assert str(caught.value) == f"unknown {catalogue.what} 'qqq'. Known: {', '.join(catalogue)}"


@each_catalogue
def test_look_up_takes_names_and_records_of_its_kind_only(catalogue: Catalogue[Any]) -> None:
    others = [other for other in CATALOGUES if other is not catalogue]
    for wrong in (7, None, ["relu"], *(next(iter(other.values())) for other in others)):
        said = f"{catalogue.what} is .* expected a name or a record of the kind {catalogue.kind.__name__}$"
        with pytest.raises(UsageError, match=said):
            catalogue.find(wrong)
    record = next(iter(catalogue.values()))
    assert catalogue.find(record) is record


@each_catalogue
def test_catalogue_is_a_mapping(catalogue: Catalogue[Any]) -> None:
    assert len(catalogue) == len(list(catalogue)) == len(set(catalogue))
    for wrong in ("qqq", 7, None, ["relu"], next(iter(catalogue.values()))):
        assert wrong not in catalogue
        assert catalogue.get(wrong) is None
        assert catalogue.get(wrong, catalogue) is catalogue
        with pytest.raises(UnknownName):
            catalogue[wrong]
    assert dict(catalogue) == {name: catalogue[name] for name in catalogue}
    assert all(isinstance(record, catalogue.kind) for record in catalogue.values())


@pytest.mark.parametrize(
    ("catalogue", "alias", "name"),
    [(catalogue, alias, name) for catalogue in CATALOGUES for alias, name in catalogue._aliases.items()],
)
def test_alias_leads_to_a_name_and_is_none_itself(catalogue: Catalogue[Any], alias: str, name: str) -> None:
    assert catalogue.find(alias) is catalogue.find(alias.upper()) is catalogue[alias] is catalogue[name]
    assert alias not in list(catalogue)


@pytest.mark.parametrize(
    ("catalogue", "alias", "name"),
    [
        (ACTIVATIONS, "linear", "identity"),
        (ACTIVATIONS, "logistic", "sigmoid"),
        (ACTIVATIONS, "swish", "silu"),
        (LOSSES, "mse", "mean_squared_error"),
        (LOSSES, "cross_entropy", "categorical_cross_entropy"),
        (INITIALIZERS, "xavier", "glorot_uniform"),
        (INITIALIZERS, "he", "he_normal"),
        (OPTIMIZERS, "gd", "sgd"),
    ],
)
def test_customary_other_names(catalogue: Catalogue[Any], alias: str, name: str) -> None:
    assert catalogue.find(alias).name == name


# --- intervals


@pytest.mark.parametrize(
    ("interval", "inside", "outside", "text"),
    [
        (Interval(), [-1e300, 0, 1e300], [math.inf, -math.inf, math.nan], ""),
        (Interval(0), [1e-300, 1e300], [0, -1, math.inf, math.nan], "0 < x"),
        (Interval(0, ends="[)"), [0, 5], [-1e-300, math.inf], "0 <= x"),
        (Interval(0, 1, "[]"), [0, 0.5, 1], [-0.1, 1.1, math.nan], "0 <= x <= 1"),
        (Interval(0, 1, "[)"), [0, 0.99], [1], "0 <= x < 1"),
        (Interval(-math.inf, 2, "(]"), [-1e300, 2], [2.1, -math.inf], "x <= 2"),
    ],
)
def test_interval(interval: Interval, inside: list[float], outside: list[float], text: str) -> None:
    assert all(number in interval for number in inside)
    assert not any(number in interval for number in outside)
    assert interval.around("x") == text


# --- activations and losses


@each_activation
def test_range_holds_and_is_approached(activation: Activation) -> None:
    low, high = activation.range
    z = np.concatenate([np.linspace(-60, 60, 24_001), [-1e30, -1e4, 1e4, 1e30]])
    if activation.name == "exponential":
        z = z[z <= 700]  # beyond, the true value is no float
    a = activation.f(np.stack([z, np.zeros_like(z)], axis=1) if activation.pullback else z)
    assert a.min() >= low
    assert a.max() <= high
    assert a.min() < -1e3 if low == -math.inf else a.min() == pytest.approx(low, abs=1e-5)
    assert a.max() > 1e3 if high == math.inf else a.max() == pytest.approx(high, abs=1e-5)


@each_activation
def test_initializer_that_suits_it_exists(activation: Activation) -> None:
    assert activation.initializer in INITIALIZERS


@each_activation
def test_slope_is_one_of_two_kinds(activation: Activation) -> None:
    assert not (activation.slope and activation.pullback)
    assert activation.trainable == (activation.name != "step")


def test_slope_of_relu_at_0_is_0_and_the_docstring_says_so() -> None:
    relu = ACTIVATIONS["relu"]
    assert np.array_equal(relu.slope(np.array([-1.0, -0.0, 0.0, 5e-324, 1.0]), None), [0, 0, 0, 1, 1])
    assert "At z = 0, where no derivative exists, the slope is 0" in relu.slope.__doc__
    assert "slope 0 at 0" in relu.source


def test_leaky_slopes_are_exactly_1_or_alpha() -> None:
    for dtype in (np.float32, np.float64):
        for alpha in (0.01, 0.1, 0.3, 1 / 3):
            slope = ACTIVATIONS.find("leaky_relu", alpha=alpha).bound(ACTIVATIONS["leaky_relu"].slope)
            assert np.array_equal(
                slope(np.array([-2.0, 0.0, 3.0], dtype=dtype), None), np.array([alpha, alpha, 1], dtype)
            )


def test_step_fires_at_its_threshold_and_refuses_to_be_trained() -> None:
    step = ACTIVATIONS["step"]
    assert np.array_equal(step.f(np.array([-1e-300, -0.0, 0.0, 1.0])), [0, 1, 1, 1])
    with pytest.raises(UsageError) as caught:
        step.back  # noqa: B018
    assert "the activation 'step' has no usable slope" in str(caught.value)
    for alternative in ("'sigmoid'", "'relu'", "set its weights by hand"):
        assert alternative in str(caught.value)


@pytest.mark.parametrize("loss", LOSSES.values(), ids=str)
def test_loss_names_its_targets_and_its_outputs(loss: Loss) -> None:
    assert loss.targets in ("values", "probabilities", "distribution", "counts")
    assert loss.slope or loss.pairs
    for activation in ACTIVATIONS.values():
        if activation.name in loss.pairs:
            assert loss.pair_for(activation) is loss.pairs[activation.name]
        elif loss.slope:
            assert loss.pair_for(activation) is None
        else:
            with pytest.raises(UsageError) as caught:
                loss.pair_for(activation)
            needed = " or ".join(map(repr, loss.pairs))
            assert str(caught.value) == (
                f"the loss {loss.name!r} is computed from logits and needs an output layer with {needed}, "
                f"not {activation.name!r}"
            )


@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=str)
def test_optimizer_starts_from_zeros(optimizer: Optimizer) -> None:
    state = optimizer.start(np.ones(3, dtype=np.float32))
    assert [vector.tolist() for vector in state] == [[0, 0, 0]] * len(optimizer.slots)
    assert all(vector.dtype == np.float32 for vector in state)
    assert optimizer.decays == ("decay" in optimizer.parameters)


@pytest.mark.parametrize("metric", METRICS.values(), ids=str)
def test_metric_names_its_task_and_its_direction(metric: Metric) -> None:
    assert metric.task in ("classification", "regression")
    assert metric.better in ("higher", "lower")
