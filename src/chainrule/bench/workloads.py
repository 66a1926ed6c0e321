"""What is timed: trainings and predictions of several sizes, each one record."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from chainrule.errors import UnknownName
from chainrule.language import Message

if TYPE_CHECKING:
    from chainrule.network import Network

__all__ = ["WORKLOADS", "Workload", "find"]


@dataclass(frozen=True)
class Workload:
    """One job that every library can do.

    Args:
        name: its name.
        title: what is done.
        sizes: numbers of neurons, inputs first.
        hidden: activation of the hidden layers.
        output: activation of the last layer.
        loss: what training minimizes.
        rows: examples to train with, or rows to predict at once.
        data: which data, see `chainrule.bench.examples`.
        against: the libraries it is compared with, besides this package's engines.
        optimizer: "sgd", "adam" or "adamw"; empty where nothing is trained.
        rate: the learning rate.
        batch_size: rows in a batch.
        epochs: passes over the rows.
        dtype: "float32" or "float64".
        initializer: how weights (and with "normal" biases) start; empty for what suits the activation.
        calls: how often a run does the job; a run's seconds are divided by it.
        repeats: how many runs are made unless another number is asked for.

    >>> WORKLOADS["784-30-10"].updates
    5000
    """

    name: str
    title: str
    sizes: tuple[int, ...]
    hidden: str
    output: str
    loss: str
    rows: int
    data: str
    against: tuple[str, ...]
    optimizer: str = ""
    rate: float = 0.0
    batch_size: int = 0
    epochs: int = 0
    dtype: str = "float32"
    initializer: str = ""
    calls: int = 1
    repeats: int = 9

    @property
    def trains(self) -> bool:
        """Whether this is a training; else rows are predicted."""
        return self.epochs > 0

    @property
    def updates(self) -> int:
        """How many updates a run makes."""
        return self.epochs * math.ceil(self.rows / self.batch_size) if self.trains else 0

    @property
    def operations(self) -> int:
        """Multiplications and additions of all matrix products.

        A layer's product of n rows costs 2 n N_l N_{l-1}. Training makes it three times: forward, for dC/dW, and for
        what goes back to the layer before, which the first layer does not need.
        """
        layers = [a * b for a, b in zip(self.sizes, self.sizes[1:], strict=False)]
        if not self.trains:
            return 2 * self.rows * sum(layers)
        return 2 * self.rows * self.epochs * (3 * sum(layers) - layers[0])

    def network(self) -> Network:
        """Make the network."""
        from chainrule.network import Network

        return Network.from_sizes(
            self.sizes,
            hidden=self.hidden,
            output=self.output,
            initializer=self.initializer or None,
            bias_initializer="normal" if self.initializer == "normal" else "zeros",
        )

    def to_dict(self) -> dict[str, Any]:
        """Give plain data, from which `from_dict` makes the record again."""
        return asdict(self)

    @classmethod
    def from_dict(cls, given: dict[str, Any]) -> Workload:
        """Make a workload from what `to_dict` gave.

        >>> Workload.from_dict(WORKLOADS["2-2-2"].to_dict()) == WORKLOADS["2-2-2"]
        True
        """
        return cls(**given | {name: tuple(given[name]) for name in ("sizes", "against")})


_ALL = (
    Workload(
        name="784-30-10",
        title=Message("sigmoid, half squared error, SGD, batches of 10, one epoch of 50,000 images, float32"),
        sizes=(784, 30, 10),
        hidden="sigmoid",
        output="sigmoid",
        loss="half_squared_error",
        optimizer="sgd",
        rate=3.0,
        batch_size=10,
        epochs=1,
        rows=50_000,
        data="images",
        initializer="normal",
        against=("jax", "pytorch", "scikit-learn"),
    ),
    Workload(
        name="784-100-10",
        title=Message("ReLU, softmax cross-entropy, Adam, batches of 200, one epoch of 50,000 images, float32"),
        sizes=(784, 100, 10),
        hidden="relu",
        output="softmax",
        loss="categorical_cross_entropy",
        optimizer="adam",
        rate=0.001,
        batch_size=200,
        epochs=1,
        rows=50_000,
        data="images",
        against=("jax", "pytorch", "scikit-learn"),
    ),
    Workload(
        name="784-800-800-10",
        title=Message("ReLU, softmax cross-entropy, Adam, batches of 128, one epoch of 51,200 images, float32"),
        sizes=(784, 800, 800, 10),
        hidden="relu",
        output="softmax",
        loss="categorical_cross_entropy",
        optimizer="adam",
        rate=0.001,
        batch_size=128,
        epochs=1,
        rows=51_200,
        data="images",
        against=("jax", "pytorch", "scikit-learn"),
        repeats=5,
    ),
    Workload(
        name="30-20-10-5-1",
        title=Message("ReLU, binary cross-entropy, gradient descent, 2,500 updates with all of 426 rows, float64"),
        sizes=(30, 20, 10, 5, 1),
        hidden="relu",
        output="sigmoid",
        loss="binary_cross_entropy",
        optimizer="sgd",
        rate=0.1,
        batch_size=426,
        epochs=2_500,
        rows=426,
        data="breast-cancer",
        dtype="float64",
        against=("jax", "pytorch", "scikit-learn"),
    ),
    Workload(
        name="2-2-2",
        title=Message("sigmoid, half squared error, 10,000 updates with one example, float64"),
        sizes=(2, 2, 2),
        hidden="sigmoid",
        output="sigmoid",
        loss="half_squared_error",
        optimizer="sgd",
        rate=0.5,
        batch_size=1,
        epochs=10_000,
        rows=1,
        data="step-by-step",
        dtype="float64",
        against=("jax", "pytorch"),
    ),
    Workload(
        name="100-256-256-256-1",
        title=Message("ReLU, binary cross-entropy, AdamW, batches of 256, one epoch of 100,000 rows, float32"),
        sizes=(100, 256, 256, 256, 1),
        hidden="relu",
        output="sigmoid",
        loss="binary_cross_entropy",
        optimizer="adamw",
        rate=0.001,
        batch_size=256,
        epochs=1,
        rows=100_000,
        data="table",
        against=("jax", "pytorch", "scikit-learn"),
        repeats=7,
    ),
    Workload(
        name="predict-1",
        title=Message("784-100-10, ReLU and softmax: the outputs of one row, float32"),
        sizes=(784, 100, 10),
        hidden="relu",
        output="softmax",
        loss="categorical_cross_entropy",
        rows=1,
        data="images",
        against=("pytorch", "scikit-learn", "onnxruntime"),
        calls=2_000,
    ),
    Workload(
        name="predict-10000",
        title=Message("784-100-10, ReLU and softmax: the outputs of 10,000 rows, float32"),
        sizes=(784, 100, 10),
        hidden="relu",
        output="softmax",
        loss="categorical_cross_entropy",
        rows=10_000,
        data="images",
        against=("pytorch", "scikit-learn", "onnxruntime"),
        calls=10,
    ),
)

# The workloads by name, from the smallest question to ask of them.
WORKLOADS = {workload.name: workload for workload in _ALL}


def find(name: str) -> Workload:
    """Give the workload of this name.

    Raises:
        UnknownName: where there is none.

    >>> find("2-2-2").rows
    1
    """
    if name not in WORKLOADS:
        raise UnknownName.among("workload", name, WORKLOADS)
    return WORKLOADS[name]
