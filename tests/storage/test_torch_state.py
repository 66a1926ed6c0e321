"""PyTorch's state dicts: names as a Sequential gives them, and a round trip; PyTorch itself where it is installed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule import (
    BatchNorm,
    Dense,
    Draw,
    Dropout,
    Model,
    Network,
    check_parity,
    from_torch_state_dict,
    to_torch_state_dict,
    torch_names,
    train,
)
from chainrule.errors import ShapeError, UsageError

# A network with every kind of layer; `sequential` below is what PyTorch has for it.
FULL = Network(
    [
        BatchNorm(),
        Dense(6, "relu"),
        BatchNorm(),
        Dropout(0.5),
        Dense(5, bias="none"),
        BatchNorm("tanh"),
        Dense(4, "gelu", bias="layer"),
        Dense(3, "softmax"),
    ],
    inputs=4,
)


def drawn(network: Network, seed: int = 0, dtype: Any = np.float64) -> Model:
    """A model none of whose numbers is 0 or 1."""
    rng = np.random.default_rng(seed)
    model = network.init(seed, dtype)
    model.theta = rng.normal(size=model.theta.shape)
    model.state = rng.uniform(0.5, 2, size=model.state.shape)
    return model


def test_names_are_those_of_a_sequential() -> None:
    assert torch_names(FULL) == {
        "gamma0": "0.weight", "beta0": "0.bias", "mean0": "0.running_mean", "var0": "0.running_var",
        "W1": "1.weight", "b1": "1.bias",
        "gamma1": "3.weight", "beta1": "3.bias", "mean1": "3.running_mean", "var1": "3.running_var",
        "W2": "5.weight",
        "gamma2": "6.weight", "beta2": "6.bias", "mean2": "6.running_mean", "var2": "6.running_var",
        "W3": "8.weight", "b3": "8.bias",
        "W4": "10.weight", "b4": "10.bias",
    }  # fmt: skip


def test_names_and_prefix_may_be_others() -> None:
    network = Network.from_sizes([2, 3, 1])
    given = torch_names(network, "net.", ["fc1", "fc2"])
    assert list(given.values()) == ["net.fc1.weight", "net.fc1.bias", "net.fc2.weight", "net.fc2.bias"]
    model = drawn(network)
    state = to_torch_state_dict(model, prefix="net.", names=["b", "a"])
    shuffled = {name: state[name] for name in sorted(state)} | {"other.weight": np.zeros(3)}
    back = from_torch_state_dict(network, shuffled, prefix="net.", names=["b", "a"])
    assert np.array_equal(back.theta, model.theta)


@given(
    st.lists(st.integers(1, 4), min_size=1, max_size=4),
    st.sampled_from(["neuron", "layer", "fixed", "none"]),
    st.booleans(),
    st.sampled_from([np.float64, np.float32]),
)
def test_round_trip(sizes: list[int], bias: str, norm: bool, dtype: Any) -> None:
    network = Network.from_sizes([3, *sizes], bias=bias, batch_norm=norm, dropout=0.2)
    model = drawn(network, dtype=dtype)
    state = to_torch_state_dict(model)
    back = from_torch_state_dict(network, state)
    assert back.dtype == dtype
    assert np.array_equal(back.theta, model.theta)
    assert np.array_equal(back.state, model.state)
    for array in state.values():
        array[...] = 7
    assert not np.any(model.theta == 7)


def test_modules_are_counted_not_spelled() -> None:
    """Files list names by the alphabet, in which 10 stands before 2; and a Sequential may hold other modules, too."""
    network = Network([Dense(3)] * 12, inputs=3)
    model = drawn(network)
    state = {
        f"{2 * l + 1}.{kind}": model[f"{ours}{l}"]
        for l in range(1, 13)
        for kind, ours in (("weight", "W"), ("bias", "b"))
    }
    assert np.array_equal(from_torch_state_dict(network, dict(sorted(state.items()))).theta, model.theta)
    nested = {f"0.{name}": array for name, array in state.items()}
    assert np.array_equal(from_torch_state_dict(network, nested).theta, model.theta)


def test_one_module_needs_no_name() -> None:
    network = Network.from_sizes([2, 1])
    state = {"weight": [[1.0, 2.0]], "bias": [3.0]}
    assert from_torch_state_dict(network, state).theta.tolist() == [1, 2, 3]
    named = {f"line.{name}": array for name, array in state.items()}
    assert from_torch_state_dict(network, named).theta.tolist() == [1, 2, 3]


STATE = to_torch_state_dict(Network.from_sizes([4, 8, 3]).init(seed=0))


@pytest.mark.parametrize(
    ("change", "settings", "kind", "said"),
    [
        (lambda s: s | {"2.weight": s["2.weight"].T}, {}, ShapeError, r"2.weight has shape \(8, 3\); layer 2 "),
        (lambda s: s | {"4.weight": np.ones((3, 3))}, {}, ShapeError, "modules '0', '2', '4'; expected are 2"),
        (lambda s: {k: s[k] for k in list(s)[:3]}, {}, ShapeError, "needs 0.weight, 0.bias, 2.weight, 2.bias"),
        (lambda s: s | {"0.running_mean": np.ones(8)}, {}, ShapeError, "has 0.weight, 0.bias, 0.running_mean"),
        (lambda s: s, {"prefix": "net."}, ShapeError, "modules none"),
        (lambda s: s, {"names": ["0", "1"]}, ShapeError, "expected are '0', '1'"),
        (lambda s: s, {"names": ["0"]}, ShapeError, "names has 1 modules"),
        (lambda s: s, {"names": ["0", "0"]}, UsageError, "once"),
        (lambda s: s, {"names": "02"}, UsageError, "list of modules"),
        (lambda s: s, {"prefix": 1}, UsageError, "prefix is 1"),
        (lambda s: {f"fc{k}": v for k, v in s.items()}, {}, UsageError, r"say so: names=\['fc0', 'fc2'\]"),
        (lambda s: s | {"0.bias": np.full(8, np.inf)}, {}, UsageError, "0.bias holds numbers that are not finite"),
        (lambda s: s | {"0.bias": "eight"}, {}, UsageError, "0.bias is 'eight'"),
        (lambda s: s | {"0.bias": [[1], [1, 2]]}, {}, UsageError, "expected an array of real numbers"),
        (lambda s: list(s.values()), {}, UsageError, r"module.state_dict\(\)"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(change: Any, settings: dict[str, Any], kind: Any, said: str) -> None:
    with pytest.raises(kind, match=said):
        from_torch_state_dict(Network.from_sizes([4, 8, 3]), change(STATE), **settings)


def test_another_epsilon_is_refused() -> None:
    network = Network([Dense(3), BatchNorm(epsilon=1e-3), Dense(1)], inputs=2)
    with pytest.raises(
        UsageError, match=r"BatchNorm behind layer 1 has epsilon 0\.001, PyTorch is taken to have 1e-05"
    ):
        to_torch_state_dict(network.init())
    state = to_torch_state_dict(network.init(), epsilon=1e-3)
    with pytest.raises(UsageError, match="epsilon"):
        from_torch_state_dict(network, state)
    assert from_torch_state_dict(network, state, epsilon=1e-3).network == network


def test_a_bias_that_a_layer_shares_must_be_one_number() -> None:
    network = Network([Dense(2, bias="layer")], inputs=1)
    with pytest.raises(ShapeError, match="b1 is one bias shared by its layer"):
        from_torch_state_dict(network, {"weight": np.ones((2, 1)), "bias": [1.0, 2.0]})


# With PyTorch itself.


def sequential(torch: Any) -> Any:
    nn = torch.nn
    modules = [
        *(nn.BatchNorm1d(4), nn.Linear(4, 6), nn.ReLU(), nn.BatchNorm1d(6), nn.Dropout(0.5)),
        *(nn.Linear(6, 5, bias=False), nn.BatchNorm1d(5), nn.Tanh(), nn.Linear(5, 4), nn.GELU(), nn.Linear(4, 3)),
    ]
    return nn.Sequential(*modules)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_pytorch_computes_the_same(dtype: str) -> None:
    torch = pytest.importorskip("torch")
    module = sequential(torch).to(getattr(torch, dtype))
    model = drawn(FULL, dtype=dtype)
    state = {name: torch.from_numpy(array) for name, array in to_torch_state_dict(model).items()}
    module.load_state_dict(state)
    module.eval()
    rng = np.random.default_rng(1)
    X, y = rng.normal(size=(20, 4)).astype(dtype), rng.integers(0, 3, 20)
    logits = module(torch.from_numpy(X))
    loss = torch.nn.functional.cross_entropy(logits, torch.from_numpy(y))
    loss.backward()
    theirs = dict(module.named_parameters())
    gradient = {ours: theirs[name].grad for ours, name in torch_names(FULL).items() if name in theirs}
    gradient["b3"] = np.full(4, gradient["b3"].sum())  # one number here, which all four have
    parity = check_parity(model, X, torch.softmax(logits, 1), y, gradient)
    assert parity.gradient is not None
    assert model.gradient(X, y).cost == pytest.approx(loss.item(), rel=1e-5)


def test_pytorch_s_own_weights_come_over() -> None:
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    module = sequential(torch).double()
    X = torch.randn(50, 4, dtype=torch.float64)
    for _ in range(3):
        module(X)  # moves the running statistics
    module.eval()
    network = Network([*FULL.layers[:-2], Dense(4, "gelu"), Dense(3)], inputs=4)
    model = from_torch_state_dict(network, module.state_dict())
    check_parity(model, X.numpy(), module(X))
    assert torch_names(network).keys() == {*model, *(f"{kind}{l}" for kind in ("mean", "var") for l in (0, 1, 2))}


def test_batch_norm_trains_as_pytorch_does() -> None:
    """Momentum, running statistics and the gradient through a batch's own mean: one update each."""
    torch = pytest.importorskip("torch")
    network = Network([Dense(6, bias="none"), BatchNorm("relu"), Dense(1)], inputs=4)
    module = torch.nn.Sequential(
        torch.nn.Linear(4, 6, bias=False), torch.nn.BatchNorm1d(6), torch.nn.ReLU(), torch.nn.Linear(6, 1)
    ).double()
    model = from_torch_state_dict(network, module.state_dict())
    rng = np.random.default_rng(2)
    X, y = rng.normal(size=(30, 4)), rng.normal(size=30)
    ours = model.gradient(X, y, draw=Draw(0, 1))
    torch.nn.functional.mse_loss(module(torch.from_numpy(X))[:, 0], torch.from_numpy(y)).backward()
    theirs = dict(module.named_parameters())
    for name in ("W1", "gamma1", "beta1", "W2", "b2"):
        np.testing.assert_allclose(ours[name], theirs[torch_names(network)[name]].grad.numpy(), atol=1e-12)
    trained = train(model, X, y, epochs=1, batch_size=30, metrics=())
    np.testing.assert_allclose(trained["mean1"], module[1].running_mean.numpy(), atol=1e-12)
    np.testing.assert_allclose(trained["var1"], module[1].running_var.numpy(), atol=1e-12)
    module.load_state_dict({k: torch.from_numpy(v) for k, v in to_torch_state_dict(trained).items()})
    assert int(module[1].num_batches_tracked) == trained.history.updates == 1


def test_tensors_on_a_graph_and_of_half_precision_are_read() -> None:
    torch = pytest.importorskip("torch")
    weight, bias = torch.ones(1, 2, requires_grad=True), torch.tensor([0.5], dtype=torch.float16)
    model = from_torch_state_dict(Network.from_sizes([2, 1]), {"weight": weight, "bias": bias})
    assert (model.theta.tolist(), model.dtype) == ([1, 1, 0.5], np.float32)
    with pytest.raises(UsageError, match="in a number type that NumPy knows"):
        from_torch_state_dict(Network.from_sizes([2, 1]), {"weight": weight.bfloat16(), "bias": bias})
