"""Random steps, and the numbers that can be asked for in them."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule import Draw, Network
from chainrule.explain import Trace, trace
from chainrule.explain.anatomy import Anatomy
from chainrule.formulas import ACTIVATIONS, LOSSES, OPTIMIZERS, PENALTIES, Activation, Loss, Pair
from chainrule.layers import BIASES, BatchNorm, Dense, Dropout
from chainrule.training.memory import Memory

__all__ = ["names_of", "random_step"]

# The exponential is an output only: hidden, it soon grows beyond all numbers.
HIDDEN = [name for name, record in ACTIVATIONS.items() if record.trainable and name != "exponential"]
OUTPUT_OF = {"poisson": ("softplus", "exponential"), "binary_cross_entropy": ("sigmoid",)}
OUTPUT_OF |= {"categorical_cross_entropy": ("softmax",)}


# Formulas of one's own, which explanations know by name only.
OWN_ACTIVATIONS = (
    Activation(name="bent", value=lambda z: z + 0.1 * z * z, slope=lambda z, a: 1 + 0.2 * z, latex="", use=""),
    Activation(
        name="shares",
        value=lambda z: z / (1 + np.sum(z * z, axis=-1, keepdims=True)),
        pullback=lambda z, a, g: (
            g / (s := 1 + np.sum(z * z, axis=-1, keepdims=True)) - 2 * z * np.sum(g * z, axis=-1, keepdims=True) / s**2
        ),
        latex="",
        use="",
    ),
)
OWN_LOSS = Loss(
    name="quartic",
    value=lambda a, y: np.sum((a - y) ** 4, axis=1),
    slope=lambda a, y: 4 * (a - y) ** 3,
    latex="",
    use="",
)
OWN_PAIR = Pair(value=lambda z, y: np.sum(z * z - y * z, axis=1), slope=lambda z, a, y: 2 * z - y)
OWN_PAIRED = Loss(name="paired", value=OWN_PAIR.value, pairs={"sigmoid": OWN_PAIR}, latex="", use="")


def random_step(rng: np.random.Generator, m: int | None = None, *, own: bool = False) -> Trace:
    """Draw a network of any layers, a loss, an optimizer and a batch, and trace one step.

    Args:
        rng: what draws.
        m: how many rows; None draws it.
        own: whether formulas of one's own may be among them.
    """
    loss = str(rng.choice(list(LOSSES)))
    output = str(rng.choice(OUTPUT_OF.get(loss, HIDDEN)))
    depth, N0 = int(rng.integers(1, 5)), int(rng.integers(1, 6))
    layers: list[Dense | BatchNorm | Dropout] = []
    if rng.random() < 0.1:
        layers.append(BatchNorm("identity") if rng.random() < 0.5 else Dropout(0.3))
    chosen: Any = loss
    if own:
        loss, output = "half_squared_error", "sigmoid"
        chosen = OWN_LOSS if rng.random() < 0.5 else OWN_PAIRED
    for _ in range(depth - 1):
        bias, hidden = str(rng.choice(BIASES)), rng.choice(np.array(HIDDEN, dtype=object))
        if own and rng.random() < 0.7:
            hidden = OWN_ACTIVATIONS[int(rng.integers(2))]
        units = int(rng.integers(1, 14))
        if rng.random() < 0.25:
            layers.append(Dense(units, "identity" if rng.random() < 0.7 else "tanh", bias="none"))
            if rng.random() < 0.2:
                layers.append(Dropout(0.25))
            layers.append(BatchNorm(hidden))
        else:
            layers.append(Dense(units, hidden, bias=bias))
        if rng.random() < 0.25 and not isinstance(layers[-2] if len(layers) > 1 else None, Dropout):
            layers.append(Dropout(float(rng.choice([0.25, 0.5]))))
    outputs = 1 if loss == "binary_cross_entropy" and rng.random() < 0.5 else int(rng.integers(2, 12))
    if rng.random() < 0.1:
        layers += [Dense(outputs, "identity", bias="none"), BatchNorm(output)]
    else:
        layers.append(Dense(outputs, output, bias=str(rng.choice(BIASES))))
    network = Network(layers, inputs=N0)
    model = network.init(seed=int(rng.integers(1000)))
    model.theta += 0.3 * rng.normal(size=model.theta.shape)
    for l, var in model.statistics.var.items():
        var[:], model.statistics.mean[l][:] = rng.uniform(0.5, 2, var.shape), rng.normal(size=var.shape)
    rows = int(rng.choice([1, 1, 1, 2, 5, 12])) if m is None else m
    X = rng.normal(size=(rows, N0))
    X[rng.random(X.shape) < 0.1] = 0.0
    optimizer = OPTIMIZERS[str(rng.choice(list(OPTIMIZERS)))]
    # Of what no update moves, an optimizer has no memory.
    moved = np.concatenate([np.full(entry.stored, float(entry.trained)) for entry in network.entries])
    slots = tuple(0.1 * rng.random(model.theta.shape) * moved for _ in optimizer.slots)
    settings = {
        "optimizer": optimizer,
        "memory": Memory(optimizer.name, slots, int(rng.integers(1, 5000))) if rng.random() < 0.5 else None,
        "penalties": [PENALTIES[name] for name in PENALTIES if rng.random() < 0.3],
        "clip": float(rng.choice([0.1, 10.0])) if rng.random() < 0.3 else None,
        "draw": Draw(int(rng.integers(1000)), 1) if rng.random() < 0.4 and rows > 1 else None,
    }
    weights = rng.integers(0, 4, rows).astype(float) if rng.random() < 0.3 else None
    if weights is not None and not weights.any():
        weights[0] = 1.0
    return trace(model, X, _targets(rng, LOSSES[loss].targets, (rows, outputs)), weights, loss=chosen, **settings)


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
