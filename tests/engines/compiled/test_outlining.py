"""Deep networks: each step is a function of its own, which equal steps share, and nothing else changes by it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from chainrule.engines import Carry, Draw, Job, Objective, reference
from chainrule.formulas import ACTIVATIONS, L1, L2, LOSSES, OPTIMIZERS, MaxNorm
from chainrule.network import BatchNorm, Dense, Dropout, Network
from chainrule.parameters import draw_parameters, start_state
from chainrule.streams import permutation

compiled = pytest.importorskip("chainrule.engines.compiled")
if not compiled.works():
    pytest.skip("LLVM cannot run here", allow_module_level=True)

from chainrule.engines.compiled import epochs, kernels, outlining, steps  # noqa: E402
from chainrule.engines.compiled.code import Code, Value  # noqa: E402
from chainrule.engines.compiled.functions import write_epoch, write_gradient, write_predict  # noqa: E402
from chainrule.engines.compiled.lifted import lift  # noqa: E402
from chainrule.engines.compiled.machine import this_machine  # noqa: E402

# `make campaign` looks at more.
CASES = int(os.environ.get("CHAINRULE_CASES", "0")) // 40 or 1


@pytest.fixture(autouse=True)
def _code_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is written in place here and apart there has one name where code is kept."""
    monkeypatch.setattr(kernels, "_loaded", {})
    monkeypatch.setenv("CHAINRULE_KERNELS", "")


def epoch_of(network: Network) -> Code:
    """Write an epoch."""
    code = this_machine().code(single=True)
    lifted = lift(Objective(network, LOSSES["half_squared_error"]), OPTIMIZERS["adam"], False)
    write_epoch(
        code, lifted, 4, ordered=True, clipped=False, shared=False, repeated=False, sparse=False, copies=1, turned=0
    )
    return code


def others_of(network: Network) -> list[Code]:
    """Write everything but an epoch."""
    lifted, codes = lift(Objective(network, LOSSES["half_squared_error"]), None, False), []
    for write, given in (
        (write_predict, {"losses": False}),
        (write_predict, {"losses": True}),
        (write_gradient, {"training": True, "inputs": True}),
    ):
        codes.append(this_machine().code(single=True))
        write(codes[-1], lifted, 4, **given, sparse=False)
    return codes


def sizes_of(code: Code) -> dict[str, int]:
    """How long the text of each function is."""
    return {each.name: len(str(each)) for each in code.module.functions if each.blocks}


def test_equal_layers_are_written_once() -> None:
    five, ten = (Network.from_sizes([20, *[9] * n, 1], hidden="relu", output="identity") for n in (5, 10))
    for fewer, more in zip([epoch_of(five), *others_of(five)], [epoch_of(ten), *others_of(ten)], strict=True):
        assert len(sizes_of(more)) == len(sizes_of(fewer))
        assert len(str(more.module)) < 1.1 * len(str(fewer.module))


def test_no_function_holds_a_deep_network() -> None:
    network = Network.from_sizes([*range(21, 9, -1), 1], hidden="relu", output="identity")  # no two layers alike
    apart = sizes_of(epoch_of(network))
    with never_apart():
        (in_place,) = sizes_of(epoch_of(network)).values()
    assert max(apart.values()) < in_place / 8
    assert sum(apart.values()) < 1.1 * in_place


def test_shallow_networks_are_written_in_place() -> None:
    assert list(sizes_of(epoch_of(Network.from_sizes([20, 10, 5, 2])))) == ["epoch"]


def deep_network(rng: np.random.Generator) -> Network:
    """A network of few kinds of layers, each several times."""
    widths = [int(rng.integers(1, 12)) for _ in range(2)]
    leaky = ACTIVATIONS["leaky_relu"]
    kinds = [leaky.with_parameters(alpha=0.1), leaky.with_parameters(alpha=0.3), ACTIVATIONS["tanh"]]
    bias = str(rng.choice(["neuron", "neuron", "layer", "fixed"]))
    layers: list[Any] = []
    for _ in range(rng.integers(3, 6)):
        activation = kinds[rng.integers(0, len(kinds))]
        normed = rng.random() < 0.25
        width, own_bias = int(rng.choice(widths)), "none" if normed else bias
        layers.append(Dense(width, "identity" if normed else activation, bias=own_bias))
        layers += [BatchNorm(activation)] if normed else []
        layers += [Dropout(0.2)] if rng.random() < 0.25 else []
    return Network([*layers, Dense(3, "sigmoid")], inputs=int(rng.integers(1, 20)))


def network_of_twins() -> Network:
    """A network in which most layers are like another one, but for one thing or for nothing."""
    leaky = ACTIVATIONS["leaky_relu"]
    gentle, steep = leaky.with_parameters(alpha=0.1), leaky.with_parameters(alpha=0.3)
    dense = [Dense(9, gentle), Dense(9, gentle), Dense(9, steep), Dense(9, "tanh"), Dense(7, steep), Dense(9, steep)]
    biases = [Dense(9, gentle, bias=bias) for bias in ("layer", "fixed", "none", "layer")]
    normed = [BatchNorm(gentle), BatchNorm(steep), BatchNorm(gentle, momentum=0.2), BatchNorm(gentle, epsilon=0.1)]
    dropped = [Dropout(0.2), Dropout(0.2), Dropout(0.5), Dropout(0.0)]
    mixed = [each for three in zip(biases, normed, dropped, strict=True) for each in three]
    return Network([*dense, *mixed, Dense(9, gentle)], inputs=9)


def deep_job(seed: int) -> tuple[Job, Carry]:
    rng = np.random.default_rng([11, seed])
    network, dtype = deep_network(rng), np.dtype(rng.choice(["f4", "f8"]))
    n = int(rng.integers(20, 40))
    X = rng.normal(size=(n, network.inputs)).astype(dtype)
    Y = rng.random((n, 3)).astype(dtype)
    weights = rng.random(n).astype(dtype) if rng.random() < 0.3 else None
    penalties = tuple(each for each in (L1(0.001), L2(0.002), MaxNorm(1.5)) if rng.random() < 0.25)
    optimizer = OPTIMIZERS[str(rng.choice(["sgd", "adam", "nesterov"]))]
    batch, clip = int(rng.choice([8, 9, 16])), 5.0 if rng.random() < 0.3 else None
    objective = Objective(network, LOSSES["half_squared_error"], penalties)
    job = Job(objective, X, Y, weights, optimizer, lambda t: 0.001, batch, clip, seed=seed)
    theta = draw_parameters(network, seed, dtype)
    return job, Carry(theta, start_state(network, dtype), optimizer.start(theta))


def results(job: Job, carry: Carry, engine: Any = compiled) -> list[Any]:
    """What all verbs give."""
    network, given = job.objective.network, (carry.theta, carry.state, job.X)
    order = permutation(5, "shuffle", 1, n=len(job.X))
    after = engine.epoch(job, carry, order)
    gradient = engine.gradient(job.objective, *given, job.Y, job.weights, Draw(3, 5), inputs=True)
    loss = engine.loss(job.objective, *given, job.Y, job.weights)
    numbers = [after.loss, after.penalty, gradient.cost, gradient.penalty, loss]
    vectors = [after.carry.theta, after.carry.state, *after.carry.slots]
    return [*vectors, gradient.theta, gradient.inputs, engine.predict(network, *given), np.array(numbers)]


@contextmanager
def never_apart() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(steps, "_IN_PLACE", 1000)
        patch.setattr(kernels, "_loaded", {})
        yield


@pytest.mark.parametrize("seed", range(CASES))
def test_apart_and_in_place_give_the_same_bits(seed: int) -> None:
    job, carry = deep_job(seed)
    apart = results(job, carry)
    with never_apart():
        in_place = results(*deep_job(seed))
    assert b"".join(each.tobytes() for each in apart) == b"".join(each.tobytes() for each in in_place)
    within = 1e-10 if job.X.dtype == np.float64 else 1e-3
    for ours, theirs in zip(apart, results(job, carry, reference), strict=True):
        assert np.abs(ours - theirs).max(initial=0) <= within * max(1, np.abs(theirs).max(initial=0))


def test_any_number_of_threads_gives_the_same_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    from chainrule.engines.compiled.pace import Pace

    monkeypatch.setattr(Pace, "_trial", lambda pace: None)  # all threads, however quick they are
    monkeypatch.setattr(epochs, "_BATCH_WORTH_SHARING", 1)
    found = set()
    for count in (1, 2, 3):
        monkeypatch.setenv("CHAINRULE_THREADS", str(count))
        job, carry = deep_job(1)
        found.add(compiled.epoch(replace(job, clip=None), carry, None).carry.theta.tobytes())
    assert len(found) == 1


@pytest.mark.parametrize("seed", range(-1, CASES - 1))
def test_what_is_shared_would_be_written_alike(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each part is written anew where a shared one is called, to compare the text, and what it uses."""
    compared = 0

    def outline(c: Code, key: Any, own: Sequence[Value], body: Callable[[], None]) -> None:
        nonlocal compared
        outer = c.builder.function
        outlining.outline(c, key, own, body)
        name, needed = c.parts[outer.name, key]
        anew = f"{name}_{len(list(c.module.functions))}"
        with c.function(anew, []):
            body()
        again = outlining.hand_over(c, c.written(anew), outer, own)
        assert [id(each) if not isinstance(each, int) else each for each in again] == [
            id(each) if not isinstance(each, int) else each for each in needed
        ]
        texts = [re.sub(rf'"{one}"', "", str(c.written(one))) for one in (name, anew)]
        assert texts[0] == texts[1]
        compared += 1

    monkeypatch.setattr(steps, "outline", outline)
    network = network_of_twins() if seed < 0 else deep_network(np.random.default_rng([13, seed]))
    objective = Objective(network, LOSSES["half_squared_error"], (L2(0.1), MaxNorm(1.0)))
    for shared, clipped in ((False, False), (True, True))[seed < 0 :]:
        code = this_machine().code(single=bool(seed % 2))
        lifted = lift(objective, OPTIMIZERS["adam"], weighted=bool(seed % 3))
        write_epoch(
            code, lifted, (10, 64)[seed % 2], ordered=True, clipped=clipped, shared=shared, repeated=False,
            sparse=False, copies=1 - seed % 2, turned=0,
        )  # fmt: skip
    others_of(network)
    assert compared > 40
