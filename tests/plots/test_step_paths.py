"""The paths of a number, held against a list of all paths there are."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule import BatchNorm, Dense, Network
from chainrule.errors import UsageError
from chainrule.explain.names import COST, Name, slope_of
from chainrule.plots.step_paths import Paths, find_paths


def paths_through(network: Network, keep: Any) -> tuple[list[set[int]], list[set[tuple[int, int]]]]:
    """List all paths from an input through one neuron of each layer; join those to keep, node by node, edge by edge."""
    sizes = network.sizes
    kept = [path for path in product(*map(range, sizes)) if keep(path)]
    nodes = [{path[l] for path in kept} for l in range(len(sizes))]
    return nodes, [{(path[l], path[l - 1]) for path in kept} for l in range(1, len(sizes))]


def lit(found: Paths, depth: int) -> tuple[list[set[int]], list[set[tuple[int, int]]]]:
    nodes = [set(np.flatnonzero(flags).tolist()) for flags in found.neurons[: depth + 1]]
    return nodes, [set(map(tuple, np.argwhere(flags).tolist())) for flags in found.edges]


@settings(max_examples=40, deadline=None)
@given(data=st.data(), sizes=st.lists(st.integers(1, 4), min_size=2, max_size=5))
def test_a_weight_has_all_paths_to_the_cost(data: st.DataObject, sizes: list[int]) -> None:
    network = Network.from_sizes(sizes)
    l = data.draw(st.integers(1, len(sizes) - 1))
    i, j = data.draw(st.integers(0, sizes[l] - 1)), data.draw(st.integers(0, sizes[l - 1] - 1))
    nodes, edges = paths_through(network, lambda path: path[l] == i and path[l - 1] == j)
    for before in range(l):  # what lies before the weight is none of its paths
        nodes[before] = set()
        edges[before] = edges[before] if before == l - 1 else set()
    name = Name("W", l, (i, j))
    for asked in (slope_of(COST, name), name, name.after(), Name("m", through=name)):
        found = find_paths(asked, network)
        assert lit(found, network.depth) == (nodes, edges)
        assert [np.argwhere(flags).tolist() for flags in found.weights if flags.any()] == [[[i, j]]]
        assert [np.flatnonzero(flags).tolist() for flags in found.sources if flags.any()] == [[j]]
        assert found.sources[l - 1][j]
        assert not any(flags.any() for flags in found.asked)
        assert found.neurons[-2].tolist() == found.neurons[-3].tolist()
        assert found.neurons[-1].all()
        assert not found.forward


@settings(max_examples=40, deadline=None)
@given(data=st.data(), sizes=st.lists(st.integers(1, 4), min_size=2, max_size=5))
def test_a_number_of_a_neuron_has_the_paths_of_its_kind(data: st.DataObject, sizes: list[int]) -> None:
    network = Network.from_sizes(sizes)
    l = data.draw(st.integers(1, len(sizes) - 1))
    i = data.draw(st.integers(0, sizes[l] - 1))
    nodes, edges = paths_through(network, lambda path: path[l] == i)
    for symbol in ("z", "a"):
        found = find_paths(Name(symbol, l, (i,)), network)
        behind = len(sizes) - 1 - l
        assert lit(found, network.depth) == (nodes[: l + 1] + [set()] * behind, edges[:l] + [set()] * behind)
        assert found.forward
        assert not found.neurons[-1].any()
    for name in (Name("delta", l, (i,)), Name("b", l, (i,)), slope_of(COST, Name("a", l, (i,)))):
        found = find_paths(name, network)
        assert lit(found, network.depth) == ([set()] * l + nodes[l:], [set()] * l + edges[l:])
        assert [np.flatnonzero(flags).tolist() for flags in found.asked if flags.any()] == [[i]]


def test_inputs_losses_and_the_cost() -> None:
    network = Network.from_sizes([2, 3, 2], output="sigmoid")
    found = find_paths(slope_of(COST, Name("x", index=(1,))), network)
    assert found.neurons[0].tolist() == [False, True]
    assert found.edges[0].tolist() == [[False, True]] * 3
    loss = find_paths(Name("L", index=(1,)), network)
    assert loss.edges[1].tolist() == [[False] * 3, [True] * 3]
    assert [flags.tolist() for flags in loss.neurons[2:]] == [[False, True], [False, True], [False]]
    assert all(flags.all() for flags in find_paths(COST, network).neurons)


def test_a_slope_of_one_neuron_by_another_has_the_paths_between() -> None:
    network = Network.from_sizes([2, 3, 3, 2])
    found = find_paths(slope_of(Name("a", 3, (0,)), Name("z", 1, (2,))), network)
    assert lit(found, 3) == (
        [set(), {2}, {0, 1, 2}, {0}],
        [set(), {(0, 2), (1, 2), (2, 2)}, {(0, 0), (0, 1), (0, 2)}],
    )


def test_softmax_joins_the_outputs() -> None:
    network = Network.from_sizes([2, 3], output="softmax")
    found = find_paths(slope_of(COST, Name("W", 1, (0, 1))), network)
    assert found.edges[0].tolist() == [[False, True], [False, False], [False, False]]
    assert found.neurons[1].all()
    assert found.neurons[2].all()
    assert find_paths(Name("a", 1, (0,)), network).edges[0].all()
    assert find_paths(Name("z", 1, (0,)), network).edges[0].tolist() == [[True, True], [False] * 2, [False] * 2]
    behind = find_paths(slope_of(COST, Name("a", 1, (0,))), network)
    assert [flags.tolist() for flags in behind.neurons[1:3]] == [[True, False, False]] * 2


def test_without_an_index_a_whole_layer_is_meant() -> None:
    network = Network.from_sizes([2, 3, 2])
    found = find_paths(Name("W", 1), network)
    assert found.weights[0].all()
    assert find_paths(Name("W", 2, (1, "j")), network).weights[1].tolist() == [[False] * 3, [True] * 3]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (Name("W", 3, (0, 0)), "no parameter 'W3'"),
        (Name("gamma", 1, (0,)), "no parameter 'gamma1'.*W1, b1"),
        (Name("b", 2, (2,)), r"index \[2\]; the shape of its array is \(2,\)"),
        (Name("W", 1, (0, 2)), r"index \[0, 2\]"),
        (Name("W", 1, (0,)), r"index \[0\]"),
        (Name("x", index=(-1,)), r"index \[-1\]"),
        (Name("a", 7, (0,)), r"no number a7\[0\] in the picture; the layers are 0 to 2"),
        (Name("z", None, (0,)), r"no number z\[0\] in the picture"),
        (Name("eta"), "stands for 'eta'"),
        (Name("d"), "of what by what"),
    ],
)
def test_what_is_not_there(name: Name, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        find_paths(name, Network.from_sizes([2, 3, 2]))


def test_batch_normalization_is_part_of_its_layer() -> None:
    network = Network([Dense(2, "identity", bias="none"), BatchNorm("tanh"), Dense(1)], inputs=2)
    found = find_paths(slope_of(COST, Name("gamma", 1, (1,))), network)
    assert found.edges[1].tolist() == [[False, True]]
    with pytest.raises(UsageError, match="no parameter 'b1'"):
        find_paths(Name("b", 1, (1,)), network)
