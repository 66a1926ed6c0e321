"""All names look into one vector: what is written through one is read through every other."""

from __future__ import annotations

import copy
import pickle
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.errors import ShapeError, UnknownName, UsageError
from chainrule.network import BatchNorm, Dense, Network
from chainrule.parameters import Parameters, Views, draw_parameters, start_state

SIZES = st.lists(st.integers(1, 4), min_size=2, max_size=4)


def count_up(network: Network, dtype: Any = np.float64) -> Parameters:
    """Parameters that are all different: 0, 1, 2, …."""
    return Parameters(network, np.arange(network.parameter_count, dtype=dtype))


STEP_BY_STEP = Network.from_sizes([2, 2, 2])
KINDS = Network([Dense(3, bias="layer"), Dense(2, bias="fixed"), Dense(2, bias="none"), Dense(1)], inputs=2)


def test_the_layout_is_layer_after_layer() -> None:
    p = count_up(STEP_BY_STEP)
    assert p.W[1].tolist() == [[0, 1], [2, 3]]
    assert p.b[1].tolist() == [4, 5]
    assert p.W[2].tolist() == [[6, 7], [8, 9]]
    assert p.b[2].tolist() == [10, 11]
    assert list(p) == ["W1", "b1", "W2", "b2"]
    assert repr(p) == "Parameters(W1 (2, 2), b1 (2,), W2 (2, 2), b2 (2,); float64)"


def test_writing_to_a_view_changes_theta_and_back() -> None:
    p = count_up(STEP_BY_STEP)
    p.W[1][1, 0] = -1
    p.b[2][:] = [20, 21]
    assert p.theta.tolist() == [0, 1, -1, 3, 4, 5, 6, 7, 8, 9, 20, 21]
    p.theta[0] = 100
    assert p.W[1][0, 0] == p["W1[0,0]"] == p["w1"] == 100
    p.theta *= 2
    assert p["w1"] == 200


def test_setting_a_whole_array_keeps_it_a_view() -> None:
    p = count_up(STEP_BY_STEP)
    W, b = Views(p, "W"), Views(p, "b")
    W[1] = [[0.15, 0.20], [0.25, 0.30]]
    b[1] = 0.35
    W[2] += 1
    assert p.theta.tolist() == [0.15, 0.20, 0.25, 0.30, 0.35, 0.35, 7, 8, 9, 10, 10, 11]
    assert W[1] is p.W[1]
    assert np.shares_memory(W[1], p.theta)
    assert np.shares_memory(W[2], p.theta)


def test_views_are_read_and_set_and_nothing_else() -> None:
    p = count_up(STEP_BY_STEP)
    W, before = Views(p, "W"), p.theta.copy()
    changes: list[Any] = [
        lambda: W.update({1: np.zeros((2, 2))}),  # type: ignore[attr-defined]
        lambda: W.__delitem__(1),  # type: ignore[attr-defined]
        *(lambda name=name: getattr(W, name)(1) for name in ("pop", "setdefault", "clear", "popitem", "__ior__")),
    ]
    for change in changes:
        with pytest.raises(AttributeError):
            change()
    assert (list(W), len(W), repr(W)) == ([1, 2], 2, repr(p.W))
    assert [l for l, _ in W.items()] == [1, 2]
    assert (1 in W, 7 in W, W.get(7), W.get(2)) == (True, False, None, p.W[2])
    assert np.array_equal(p.theta, before)


@pytest.mark.parametrize("l", [7, 0, -1, "1", None, slice(1, 2), [1]])
def test_layers_that_are_not_there(l: Any) -> None:
    p = count_up(STEP_BY_STEP)
    with pytest.raises(UnknownName, match=r"there is no W.*; W is there for layer 1, 2$"):
        Views(p, "W")[l]
    with pytest.raises(UnknownName, match=r"there is no b.*; b is there for layer 1, 2$"):
        Views(p, "b")[l] = 0.0
    with pytest.raises(UnknownName, match="gamma is there for layer none"):
        Views(p, "gamma")[l]


def test_networks_share_no_dictionary() -> None:
    p, other = count_up(STEP_BY_STEP), count_up(KINDS)
    p.gamma[1] = np.ones(2)
    assert other.gamma == count_up(STEP_BY_STEP).gamma == {}


@given(SIZES)
def test_textbook_names_count_the_weights_row_by_row(sizes: list[int]) -> None:
    p = count_up(Network.from_sizes(sizes))
    weights = [float(w) for l in p.W for row in p.W[l] for w in row]
    assert [p[f"w{number}"] for number in range(1, len(weights) + 1)] == weights
    for number in (0, len(weights) + 1):
        with pytest.raises(UnknownName, match=f"unknown weight 'w{number}'.* w1 … w{len(weights)}"):
            p[f"w{number}"]


@given(SIZES, st.sampled_from([np.float64, np.float32]), st.data())
def test_every_name_reads_and_sets_the_same_number(sizes: list[int], dtype: type, data: st.DataObject) -> None:
    p = count_up(Network.from_sizes(sizes), dtype)
    l = data.draw(st.integers(1, len(sizes) - 1))
    i, j = data.draw(st.integers(0, sizes[l] - 1)), data.draw(st.integers(0, sizes[l - 1] - 1))
    flat = 1 + sum(a * b for a, b in pairwise(sizes[:l])) + i * sizes[l - 1] + j
    names = [f"W{l}[{i},{j}]", f" W{l}[ {i} , {j} ]", f"w{flat}"]
    before = p.theta.copy()
    for number, name in enumerate(names):
        p[name] = -1.5 - number
        assert [p[other] for other in names] == [-1.5 - number] * 3
        assert p[f"W{l}[{i}]"][j] == p.W[l][i, j] == -1.5 - number
        assert type(p[name]) is float
    assert np.count_nonzero(p.theta != before) == 1


def test_a_row_is_read_and_set_by_one_index() -> None:
    p = count_up(STEP_BY_STEP)
    p["W2[1]"] = [1.5, 2.5]
    assert p["W2[1]"].tolist() == [1.5, 2.5]
    assert p.theta[8:10].tolist() == [1.5, 2.5]
    p["b2[1]"] = 7
    assert p["b2"].tolist() == [10, 7]


# The four kinds of bias.


def test_a_shared_bias_is_one_number_shown_as_many() -> None:
    p = count_up(KINDS)
    assert p.b[1].tolist() == [6, 6, 6]
    assert not p.b[1].flags.writeable
    for name, value, seen in (("b1", 0.5, 0.5), ("b1", [0.25] * 3, 0.25), ("b1[2]", 2.0, 2.0)):
        p[name] = value
        assert p.b[1].tolist() == [seen] * 3
        assert p.theta[6] == seen
    Views(p, "b")[1] = 0.75
    assert p["b1"].tolist() == [0.75] * 3
    with pytest.raises(ValueError, match="read-only"):
        p.b[1][0] = 1
    with pytest.raises(ShapeError, match="b1 is one bias shared by its layer; it takes one number"):
        p["b1"] = [1, 2, 3]
    for wrong in ([], [1, 1], [[1, 1, 1]]):
        with pytest.raises(ShapeError, match=r"b1 has shape \(3,\), the given value"):
            p["b1"] = wrong


def test_a_shared_bias_of_one_neuron_is_an_ordinary_one() -> None:
    p = count_up(Network([Dense(1, bias="layer")], inputs=2))
    p.b[1][0] = 5
    assert p["b1[0]"] == p.theta[2] == 5


def test_the_one_number_of_a_shared_bias_can_be_written() -> None:
    p = count_up(KINDS)
    assert list(p.shared) == [1]
    assert p.shared[1].shape == (1,)
    p.shared[1][0] = -3
    assert p.theta[6] == -3
    assert p.b[1].tolist() == [-3] * 3
    one = count_up(Network([Dense(1, bias="layer")], inputs=2))
    one.shared[1][0] = 5
    assert one.b[1].tolist() == [5]
    assert count_up(STEP_BY_STEP).shared == {}
    normed = Network.from_sizes([2, 2, 1], batch_norm=True, bias="layer")
    assert Parameters(normed, start_state(normed, np.float64), normed.state_entries).shared == {}


def test_a_fixed_bias_is_held_by_descent_not_by_hand() -> None:
    p = count_up(KINDS)
    p["b2"] = [0.1, 0.2]
    assert p.b[2].tolist() == [0.1, 0.2]
    assert [entry.name for entry in p.entries if not entry.trained] == ["b2"]


def test_an_absent_bias_is_none_and_has_no_name() -> None:
    p = count_up(KINDS)
    assert p.b[3] is None
    assert sorted(p.b) == [1, 2, 3, 4]
    assert "b3" not in p
    with pytest.raises(UnknownName, match="unknown parameter 'b3'"):
        p["b3"]
    with pytest.raises(UnknownName, match="unknown parameter 'b3'"):
        Views(p, "b")[3] = 0.5


def test_scale_shift_and_statistics_have_names() -> None:
    network = Network([BatchNorm(), Dense(2), BatchNorm()], inputs=3)
    p = count_up(network)
    assert (p["gamma0"].tolist(), p["beta0"].tolist()) == ([0, 1, 2], [3, 4, 5])
    Views(p, "gamma")[1] = [9, 9]
    assert p["gamma1[1]"] == 9
    s = Parameters(network, start_state(network, np.float64), network.state_entries)
    assert list(s) == ["mean0", "var0", "mean1", "var1"]
    s.mean[1][:] = 4
    assert s["mean1"].tolist() == [4, 4]
    assert (s.W, s.b, p.mean) == ({}, {}, {})
    with pytest.raises(UnknownName):
        p["mean1"]
    with pytest.raises(UnknownName):
        Views(p, "mean")[1] = 0.0


# What is refused.


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("W3", r"unknown parameter 'W3'. Known: W1, b1, W2, b2, w1 … w8"),
        ("w2[1,0]", "unknown parameter"),
        ("W2[-1,0]", "unknown parameter"),
        ("W2[1,0", "unknown parameter"),
        ("W2[0,0,0]", "unknown parameter"),
        ("gamma1", "unknown parameter"),
        ("", "unknown parameter ''"),
        ("w9", "unknown weight 'w9'. Known: w1 … w8"),
        ("w0", "unknown weight 'w0'"),
        ("W2[2,0]", r"W2\[2,0\] is out of range: W2 has shape \(2, 2\), rows and columns count from 0"),
        ("b1[0,0]", r"b1\[0,0\] is out of range"),
        (3, "named by a text, such as 'W2\\[1,0\\]' or 'w5', not by 3"),
        (("W2", 1), "named by a text"),
    ],
)
def test_names_that_lead_nowhere(name: Any, message: str) -> None:
    p = count_up(STEP_BY_STEP)
    assert name not in p
    assert p.get(name) is None
    assert p.get(name, 1.0) == 1.0
    with pytest.raises(UsageError, match=message):
        p[name]
    with pytest.raises(UsageError, match=message):
        p[name] = 1.0


def test_names_that_lead_somewhere_are_in() -> None:
    p = count_up(STEP_BY_STEP)
    assert all(name in p for name in ("W1", "W2[1,0]", "b2[1]", "w8"))
    assert p.get("w8") == 9


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("W1", [1, 2], r"W1 has shape \(2, 2\), the given value \(2,\)"),
        ("W1[0,1]", [1, 2], r"W1\[0,1\] has shape \(\), the given value \(2,\)"),
        ("W1", [[1, 2], [3]], r"W1 is set to \[\[1, 2\], \[3\]\]; it takes numbers"),
        ("w1", None, "W1.0,0. is set to None; it takes numbers"),
        ("w1", "0.5", "it takes numbers"),
        ("w1", 1j, "it takes numbers"),
        ("b1", 1e39, "b1 is set to a number that is too large for float32"),
    ],
)
def test_values_that_do_not_fit(name: str, value: Any, message: str) -> None:
    p = count_up(STEP_BY_STEP, np.float32)
    before = p.theta.copy()
    with pytest.raises(UsageError, match=message):
        p[name] = value
    assert np.array_equal(p.theta, before)


def test_numbers_that_are_not_finite_can_be_set_on_purpose() -> None:
    p = count_up(STEP_BY_STEP)
    p["w1"] = np.nan
    assert np.isnan(p.theta[0])
    p = count_up(KINDS)
    p["b1"] = np.nan
    assert np.isnan(p.b[1]).all()


def test_read_only_parameters_say_so() -> None:
    theta = np.zeros(12)
    theta.flags.writeable = False
    with pytest.raises(UsageError, match=r"W1\[0,0\] is read-only here; model.copy\(\) gives"):
        Parameters(STEP_BY_STEP, theta)["w1"] = 1.0


@pytest.mark.parametrize(
    ("vector", "message"),
    [
        (np.zeros(11), r"the parameter vector has shape \(11,\); the network 2-2-2 needs \(12,\)"),
        (np.zeros((12, 1)), r"shape \(12, 1\)"),
        (np.zeros(12, dtype=int), "expected a NumPy array of floating-point numbers"),
        ([0.0] * 12, "expected a NumPy array"),
    ],
)
def test_vectors_that_do_not_fit(vector: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Parameters(STEP_BY_STEP, vector)


def test_the_whole_vector_is_filled_at_once() -> None:
    p = count_up(STEP_BY_STEP)
    p.fill(range(12, 24))
    assert p.W[1].tolist() == [[12, 13], [14, 15]]
    with pytest.raises(ShapeError, match=r"the parameter vector has shape \(12,\), the given value \(3,\)"):
        p.fill([1, 2, 3])
    with pytest.raises(UsageError, match="the parameter vector is set to"):
        p.fill(["a"] * 12)


@given(st.text(max_size=12) | st.from_regex(r"\A(W|w|b|gamma)[0-9]{1,3}(\[[0-9, ]*\]?)?\Z"))
def test_any_text_reads_or_is_refused(name: str) -> None:
    try:
        value = count_up(STEP_BY_STEP)[name]
    except UsageError as error:
        str(error)
    else:
        assert np.shape(value) in ((), (2,), (2, 2))


# Copies, equality, complex numbers.


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda p: pickle.loads(pickle.dumps(p))])
def test_copies_look_into_their_own_vector(copied: Any) -> None:
    p = count_up(KINDS)
    other = copied(p)
    assert other == p
    other["w1"] = -5
    assert (other.W[1][0, 0], other.theta[0], p.theta[0]) == (-5, -5, 0)
    assert other != p


def test_copied_statistics_stay_statistics() -> None:
    network = Network.from_sizes([2, 2, 1], batch_norm=True)
    s = copy.deepcopy(Parameters(network, start_state(network, np.float64), network.state_entries))
    assert s["var1"].tolist() == [1, 1]


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda W: pickle.loads(pickle.dumps(W))])
def test_copied_views_look_into_a_vector_of_their_own(copied: Any) -> None:
    p = count_up(STEP_BY_STEP)
    W = copied(Views(p, "W"))
    W[1] = -1
    assert W[1].tolist() == [[-1, -1], [-1, -1]]
    assert p.theta[0] == 0


def test_equal_parameters_have_the_same_network_and_numbers() -> None:
    assert count_up(STEP_BY_STEP) == count_up(Network.from_sizes([2, 2, 2]))
    assert count_up(STEP_BY_STEP) != count_up(Network.from_sizes([2, 2, 2], hidden="tanh"))
    assert count_up(STEP_BY_STEP) != "theta"


def test_complex_vectors_take_complex_numbers() -> None:
    p = count_up(STEP_BY_STEP, complex)
    p["w5"] = 6 + 1e-100j
    assert p["w5"] == p.theta[6] == 6 + 1e-100j


# Where they start.


def test_drawn_parameters_are_in_order_and_fresh() -> None:
    network = Network.from_sizes([2, 3, 1], batch_norm=True)
    theta = draw_parameters(network, 0, np.float64)
    p = Parameters(network, theta)
    assert (p["gamma1"].tolist(), p["beta1"].tolist(), p["b2"].tolist()) == ([1] * 3, [0] * 3, [0])
    assert np.ptp(p.W[1]) > 0
    assert np.array_equal(draw_parameters(network, 0, np.float64), theta)
    assert not np.shares_memory(draw_parameters(network, 0, np.float64), theta)


def test_a_shared_bias_is_drawn_once() -> None:
    network = Network([Dense(3, bias="layer", bias_initializer="normal")], inputs=2)
    p = Parameters(network, draw_parameters(network, 0, np.float64))
    assert len(p.theta) == 7
    assert np.ptp(p.b[1]) == 0
    assert p.b[1][0] != 0


def test_statistics_start_as_a_standard_distribution() -> None:
    network = Network.from_sizes([2, 3, 1], batch_norm=True)
    assert start_state(network, np.float32).dtype == np.float32
    assert len(start_state(Network.from_sizes([2, 1]), np.float64)) == 0
