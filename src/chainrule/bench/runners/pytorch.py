"""PyTorch: an `nn.Sequential`, a fused optimizer, rows put in order once an epoch; eager or compiled."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule.bench.contenders import Way
from chainrule.bench.examples import Examples
from chainrule.bench.runners import Runner
from chainrule.bench.workloads import Workload
from chainrule.language import Message
from chainrule.model import Model

__all__ = ["Predicting", "Training", "make"]

Array = npt.NDArray[Any]


def make(workload: Workload, way: Way, examples: Examples) -> Runner:
    """Make the runner that a workload needs."""
    torch: Any = import_module("torch")
    torch.set_num_threads(way.threads)
    return (Training if workload.trains else Predicting)(workload, way, examples)


def _sequential(workload: Workload, *, logits: bool) -> Any:
    """Make the network; without its last activation where the loss takes logits."""
    torch: Any = import_module("torch")
    nn = torch.nn
    hidden = {"sigmoid": nn.Sigmoid, "relu": nn.ReLU, "tanh": nn.Tanh}[workload.hidden]
    output = {"sigmoid": nn.Sigmoid, "softmax": lambda: nn.Softmax(dim=1)}[workload.output]
    parts: list[Any] = []
    for before, after in zip(workload.sizes, workload.sizes[1:], strict=False):
        parts += [nn.Linear(before, after), hidden()]
    parts[-1:] = [] if logits else [output()]
    return nn.Sequential(*parts).to(getattr(torch, workload.dtype))


def _fill(network: Any, start: Model) -> None:
    """Copy the first parameters into a network."""
    torch: Any = import_module("torch")
    linear = [part for part in network if isinstance(part, torch.nn.Linear)]
    with torch.no_grad():
        for l, part in enumerate(linear, start=1):
            part.weight.copy_(torch.from_numpy(np.array(start.W[l])))
            part.bias.copy_(torch.from_numpy(np.array(start.b[l])))


class Training:
    """The usual loop over batches."""

    def __init__(self, workload: Workload, way: Way, examples: Examples) -> None:
        torch: Any = import_module("torch")
        self.versions, self.note = {"torch": torch.__version__}, Message("")
        self._workload, self._compiles = workload, way.form == "compiled"
        self._X = torch.from_numpy(examples.X)
        by_class = workload.loss == "categorical_cross_entropy"
        self._Y = torch.from_numpy(examples.labels if by_class else examples.Y)
        self._logits = "cross_entropy" in workload.loss
        self._network = _sequential(workload, logits=self._logits)
        self._cost = torch.compile(self._plain_cost(), dynamic=False) if self._compiles else self._plain_cost()

    def _plain_cost(self) -> Callable[..., Any]:
        torch: Any = import_module("torch")
        functional, network, loss = torch.nn.functional, self._network, self._workload.loss

        def cost(x: Any, y: Any) -> Any:
            a = network(x)
            if loss == "categorical_cross_entropy":
                return functional.cross_entropy(a, y)
            if loss == "binary_cross_entropy":
                return functional.binary_cross_entropy_with_logits(a, y)
            return 0.5 * functional.mse_loss(a, y, reduction="sum") / len(x)

        return cost

    def _optimizer(self) -> Any:
        torch: Any = import_module("torch")
        kinds = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam, "adamw": torch.optim.AdamW}
        settings: dict[str, Any] = {"lr": self._workload.rate, "fused": True}
        if self._workload.optimizer == "adamw":
            parameters = list(self._network.parameters())
            weights = {"params": [p for p in parameters if p.ndim > 1], "weight_decay": 0.01}
            biases = {"params": [p for p in parameters if p.ndim == 1], "weight_decay": 0.0}
            return torch.optim.AdamW([weights, biases], **settings)
        return kinds[self._workload.optimizer](self._network.parameters(), **settings)

    def begin(self, start: Model, seed: int) -> None:
        """Copy the first parameters."""
        torch: Any = import_module("torch")
        _fill(self._network, start)
        self._generator = torch.Generator().manual_seed(seed)

    def go(self) -> None:
        """Train."""
        optimizer, cost = self._optimizer(), self._cost
        for _ in range(self._workload.epochs):
            for x, y in self._batches():
                optimizer.zero_grad(set_to_none=True)
                cost(x, y).backward()
                optimizer.step()

    def _batches(self) -> Any:
        torch: Any = import_module("torch")
        size, rows = self._workload.batch_size, self._workload.rows
        if size >= rows:
            return ((self._X, self._Y),)
        order = torch.randperm(rows, generator=self._generator)
        return zip(self._X[order].split(size), self._Y[order].split(size), strict=True)

    def outputs(self, X: Array) -> Array:
        """Give the trained network's outputs."""
        torch: Any = import_module("torch")
        with torch.inference_mode():
            a = self._network(torch.from_numpy(X))
            if self._logits:
                a = torch.sigmoid(a) if self._workload.output == "sigmoid" else torch.softmax(a, dim=1)
            return np.asarray(a.numpy())


class Predicting:
    """Calls the network in inference mode."""

    def __init__(self, workload: Workload, way: Way, examples: Examples) -> None:
        torch: Any = import_module("torch")
        self.versions, self.note = {"torch": torch.__version__}, Message("")
        self._network = _sequential(workload, logits=False).eval()
        self._call = torch.compile(self._network, dynamic=False) if way.form == "compiled" else self._network
        self._X, self._calls = torch.from_numpy(examples.X), workload.calls

    def begin(self, start: Model, seed: int) -> None:
        """Copy the parameters."""
        _fill(self._network, start)

    def go(self) -> None:
        """Predict."""
        torch: Any = import_module("torch")
        call, X = self._call, self._X
        with torch.inference_mode():
            for _ in range(self._calls):
                call(X)

    def outputs(self, X: Array) -> Array:
        """Give the outputs."""
        torch: Any = import_module("torch")
        with torch.inference_mode():
            return np.asarray(self._network(torch.from_numpy(X)).numpy())
