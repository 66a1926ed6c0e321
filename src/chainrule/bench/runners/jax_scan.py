"""JAX: a whole epoch as one compiled function, a `lax.scan` over its batches, whose parameters are donated.

Where all rows are one batch, the scan goes over the epochs. The form "gather" takes a batch's rows out of the data in
the scan, "sorted" puts all rows in the epoch's order before it.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule.bench.contenders import Way
from chainrule.bench.examples import Examples
from chainrule.bench.workloads import Workload
from chainrule.language import Message
from chainrule.model import Model

__all__ = ["Training", "cost_of", "make", "optimizer_of"]

Array = npt.NDArray[Any]


def make(workload: Workload, way: Way, examples: Examples) -> Training:
    """Make the runner."""
    return Training(workload, way, examples)


def cost_of(workload: Workload) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """Give two functions of parameters and rows: the outputs, and of targets too: the mean loss."""
    jax: Any = import_module("jax")
    numbers: Any = import_module("jax.numpy")
    functions = {"sigmoid": jax.nn.sigmoid, "relu": jax.nn.relu, "softmax": jax.nn.softmax, "tanh": numbers.tanh}
    hidden, output = functions[workload.hidden], functions[workload.output]

    def logits(parameters: Any, x: Any) -> Any:
        for W, b in parameters[:-1]:
            x = hidden(x @ W.T + b)
        W, b = parameters[-1]
        return x @ W.T + b

    def cost(parameters: Any, x: Any, y: Any) -> Any:
        z = logits(parameters, x)
        if workload.loss == "categorical_cross_entropy":
            return -(y * jax.nn.log_softmax(z)).sum(axis=1).mean()
        if workload.loss == "binary_cross_entropy":
            return (numbers.logaddexp(0.0, z) - y * z).sum(axis=1).mean()
        return 0.5 * ((output(z) - y) ** 2).sum(axis=1).mean()

    return (lambda parameters, x: output(logits(parameters, x))), cost


def optimizer_of(workload: Workload) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """Give the state that the optimizer begins with, and its step: both functions of trees of arrays."""
    jax: Any = import_module("jax")
    numbers: Any = import_module("jax.numpy")
    each = jax.tree.map
    rate, beta1, beta2, epsilon = workload.rate, 0.9, 0.999, 1e-8
    decay = 0.01 if workload.optimizer == "adamw" else 0.0

    def start(parameters: Any) -> Any:
        if workload.optimizer == "sgd":
            return ()
        return each(numbers.zeros_like, parameters), each(numbers.zeros_like, parameters), numbers.zeros(())

    def step(parameters: Any, state: Any, gradient: Any) -> tuple[Any, Any]:
        if workload.optimizer == "sgd":
            return each(lambda p, g: p - rate * g, parameters, gradient), state
        m, v, t = state
        t = t + 1
        m = each(lambda m, g: beta1 * m + (1 - beta1) * g, m, gradient)
        v = each(lambda v, g: beta2 * v + (1 - beta2) * g * g, v, gradient)
        scale, correct = 1 / (1 - beta1**t), 1 / (1 - beta2**t)

        def moved(p: Any, m: Any, v: Any) -> Any:
            shrunk = (1 - rate * decay) * p if decay and p.ndim > 1 else p
            return shrunk - rate * (m * scale) / (numbers.sqrt(v * correct) + epsilon)

        return each(moved, parameters, m, v), (m, v, t)

    return start, step


class Training:
    """Trains with one call of a compiled function an epoch."""

    def __init__(self, workload: Workload, way: Way, examples: Examples) -> None:
        jax: Any = import_module("jax")
        jax.config.update("jax_enable_x64", workload.dtype == "float64")
        jax.config.update("jax_platforms", "cpu")
        self.versions = {"jax": jax.__version__, "jaxlib": import_module("jaxlib").__version__}
        self.note = Message("")
        self._workload = workload
        self._X, self._Y = jax.device_put(examples.X), jax.device_put(examples.Y)
        self._outputs, cost = cost_of(workload)
        self._start_state, step = optimizer_of(workload)
        gradient = jax.grad(cost)

        def update(carry: Any, rows: Any) -> tuple[Any, None]:
            parameters, state = carry
            return step(parameters, state, gradient(parameters, *rows)), None

        self._whole = workload.batch_size >= workload.rows
        epoch = self._all_at_once(update) if self._whole else self._by_batches(update, way.form == "gather")
        self._epoch = jax.jit(epoch, donate_argnums=(0,))

    def _all_at_once(self, update: Callable[..., Any]) -> Callable[..., Any]:
        """Give a function that makes all epochs, each of one batch."""
        scan: Any = import_module("jax").lax.scan

        def epochs(carry: Any, X: Any, Y: Any) -> Any:
            return scan(lambda now, _: update(now, (X, Y)), carry, None, length=self._workload.epochs)[0]

        return epochs

    def _by_batches(self, update: Callable[..., Any], gather: bool) -> Callable[..., Any]:
        """Give a function that makes one epoch; the last batch may be smaller and is made after the scan."""
        scan: Any = import_module("jax").lax.scan
        size = self._workload.batch_size
        full = self._workload.rows // size * size

        def epoch(carry: Any, X: Any, Y: Any, order: Any) -> Any:
            def take(now: Any, rows: Any) -> Any:
                return update(now, (X[rows], Y[rows]))

            if gather:
                carry, _ = scan(take, carry, order[:full].reshape(-1, size))
            else:
                batches = tuple(A[order[:full]].reshape(-1, size, A.shape[1]) for A in (X, Y))
                carry, _ = scan(update, carry, batches)
            return carry if full == len(order) else take(carry, order[full:])[0]

        return epoch

    def begin(self, start: Model, seed: int) -> None:
        """Copy the first parameters."""
        put: Any = import_module("jax").device_put
        layers = range(1, len(self._workload.sizes))
        # Copies, since the compiled function takes the memory of what it is given. A row of W for each neuron runs
        # up to a quarter faster with small batches than a column, and as fast with large ones.
        self._parameters = [(put(np.array(start.W[l])), put(np.array(start.b[l]))) for l in layers]
        self._rng = np.random.default_rng(seed)

    def go(self) -> None:
        """Train."""
        carry = (self._parameters, self._start_state(self._parameters))
        if self._whole:
            carry = self._epoch(carry, self._X, self._Y)
        else:
            for _ in range(self._workload.epochs):
                order = self._rng.permutation(self._workload.rows).astype(np.int32)
                carry = self._epoch(carry, self._X, self._Y, order)
        self._parameters = import_module("jax").block_until_ready(carry)[0]

    def outputs(self, X: Array) -> Array:
        """Give the trained network's outputs."""
        return np.asarray(self._outputs(self._parameters, X))
