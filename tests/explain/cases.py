"""Random steps, and the numbers that can be asked for in them."""

from __future__ import annotations

import numpy as np

from chainrule import Draw, Network
from chainrule.explain import Trace, trace
from chainrule.explain.anatomy import Anatomy
from chainrule.formulas import ACTIVATIONS, LOSSES, OPTIMIZERS, PENALTIES
from chainrule.layers import BIASES, BatchNorm, Dense, Dropout

__all__ = ["names_of", "random_step"]

# The exponential is an output only: hidden, it soon grows beyond all numbers.
HIDDEN = [name for name, record in ACTIVATIONS.items() if record.trainable and name != "exponential"]
OUTPUT_OF = {"poisson": ("softplus", "exponential"), "binary_cross_entropy": ("sigmoid",)}
OUTPUT_OF |= {"categorical_cross_entropy": ("softmax",)}


def random_step(rng: np.random.Generator, m: int | None = None) -> Trace:
    """Draw a network of any layers, a loss, an optimizer and a batch, and trace one step."""
    loss = str(rng.choice(list(LOSSES)))
    output = str(rng.choice(OUTPUT_OF.get(loss, HIDDEN)))
    depth, N0 = int(rng.integers(1, 5)), int(rng.integers(1, 6))
    layers: list[Dense | BatchNorm | Dropout] = []
    if rng.random() < 0.1:
        layers.append(BatchNorm("identity") if rng.random() < 0.5 else Dropout(0.3))
    for _ in range(depth - 1):
        bias, hidden = str(rng.choice(BIASES)), str(rng.choice(HIDDEN))
        units = int(rng.integers(1, 14))
        if rng.random() < 0.25:
            layers += [Dense(units, "identity" if rng.random() < 0.7 else "tanh", bias="none"), BatchNorm(hidden)]
        else:
            layers.append(Dense(units, hidden, bias=bias))
        if rng.random() < 0.25:
            layers.append(Dropout(float(rng.choice([0.25, 0.5]))))
    outputs = 1 if loss == "binary_cross_entropy" and rng.random() < 0.5 else int(rng.integers(2, 12))
    layers.append(Dense(outputs, output, bias=str(rng.choice(BIASES))))
    network = Network(layers, inputs=N0)
    model = network.init(seed=int(rng.integers(1000)))
    model.theta += 0.3 * rng.normal(size=model.theta.shape)
    for l, var in model.statistics.var.items():
        var[:], model.statistics.mean[l][:] = rng.uniform(0.5, 2, var.shape), rng.normal(size=var.shape)
    rows = int(rng.choice([1, 1, 1, 2, 5, 12])) if m is None else m
    X = rng.normal(size=(rows, N0))
    X[rng.random(X.shape) < 0.1] = 0.0
    settings = {
        "optimizer": OPTIMIZERS[str(rng.choice(list(OPTIMIZERS)))],
        "penalties": [PENALTIES[name] for name in PENALTIES if rng.random() < 0.3],
        "clip": float(rng.choice([0.1, 10.0])) if rng.random() < 0.3 else None,
        "draw": Draw(int(rng.integers(1000)), 1) if rng.random() < 0.4 and rows > 1 else None,
    }
    weights = rng.integers(0, 4, rows).astype(float) if rng.random() < 0.3 else None
    if weights is not None and not weights.any():
        weights[0] = 1.0
    return trace(model, X, _targets(rng, LOSSES[loss].targets, (rows, outputs)), weights, loss=loss, **settings)


def _targets(rng: np.random.Generator, kind: str, shape: tuple[int, int]) -> np.ndarray:
    if kind == "distribution":
        if rng.random() < 0.7:
            return np.eye(shape[1])[rng.integers(shape[1], size=shape[0])]
        Y = rng.random(shape)
        return Y / Y.sum(axis=1, keepdims=True)
    if kind == "probabilities":
        return rng.integers(0, 2, shape).astype(float)
    if kind == "counts":
        return rng.integers(0, 6, shape).astype(float)
    return rng.normal(size=shape)


def names_of(step: Trace, rng: np.random.Generator, count: int) -> list[str]:
    """Draw the names of some numbers of a step, of every kind."""
    body, m = Anatomy(step), step.m

    def place(shape: tuple[int, ...]) -> str:
        return ",".join(str(rng.integers(n)) for n in shape)

    kinds: list[str] = []
    for (symbol, l), array in body.forward.items():
        shape = array.shape if m > 1 else array.shape[1:]
        name = f"{symbol}{'' if l is None else l}[{place(shape)}]"
        kinds.append(name)
        if (symbol, l) in body.backward:
            kinds.append(f"dC/d{name}")
    for (symbol, l), array in body.statistics.items():
        kinds.append(f"{symbol}{l}[{place(array.shape)}]")
    for entry in step.model.network.entries:
        name = f"{entry.name}[{place(entry.shape)}]"
        kinds += [name, f"dC/d{name}", f"dC/d{name}", f"{name} after"]
    kinds += ["C", f"L[{rng.integers(m)}]" if m > 1 else "L"]
    for k, stage in enumerate(step.stages):
        if stage.Z is not None and body.out(k) != body.sums(k):
            i = int(rng.integers(stage.A.shape[1]))
            at = f"{rng.integers(m)},{i}" if m > 1 else str(i)
            (a, l), (z, _) = body.out(k), body.sums(k)
            kinds.append(f"d{a}{l}[{at}]/d{z}{l}[{at}]")
    return [str(kinds[int(k)]) for k in rng.integers(len(kinds), size=count)]
