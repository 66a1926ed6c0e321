"""The numbers that the picture of a step shows: what flows forward, and what flows back, for one row."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chainrule.explain.names import COST, Name
from chainrule.explain.trace import Stage, Trace
from chainrule.formulas.losses import cross_entropy_slope
from chainrule.network import BatchNorm, Dense, Dropout
from chainrule.plots.step_names import Words

__all__ = ["Flow", "backward_flow", "dropped_neurons", "forward_flow", "value_of"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Flow:
    """What one panel shows.

    Args:
        forward: whether it is the forward pass.
        neurons: the number in each circle, by layer from 0 to K.
        weights: the number on each line, by layer from 1 to K, shape (N_l, N_{l-1}).
        edges: what flows along each line, in the same order.
        notes: by layer, the numbers below each circle by what they are called.
        losses: the numbers in the boxes of the losses, or None.
        cost: the number in the circle of the cost, or None.
        short: whether ``losses`` are a - y, the short form of the outputs' errors.
    """

    forward: bool
    neurons: tuple[Floats, ...]
    weights: tuple[Floats, ...]
    edges: tuple[Floats, ...]
    notes: tuple[dict[str, Floats], ...]
    losses: Floats | None
    cost: float | None
    short: bool = False


def forward_flow(trace: Trace, row: int, words: Words) -> Flow:
    """Give activations, weights and what each weight adds: w a, w times the activation that comes in."""
    p, dense = trace.model.parameters, _dense(trace)
    notes: list[dict[str, Floats]] = [{}]
    for l in range(1, trace.model.network.depth + 1):
        biases = p.b[l] if p.b[l] is not None else p.beta.get(l)
        notes.append({"net" if words.textbook else "z": trace.Z[l][row]})
        if biases is not None:
            notes[-1]["b" if p.b[l] is not None else "β"] = biases
    return Flow(
        True,
        tuple(trace.A[l][row] for l in range(len(notes))),
        tuple(p.W[stage.l] for stage in dense),
        tuple(p.W[stage.l] * stage.before[row] for stage in dense),
        tuple(notes),
        None if trace.Y is None else _losses(trace, row),
        trace.cost,
    )


def backward_flow(trace: Trace, row: int, words: Words) -> Flow:
    """Give errors, the row's dC/dW and what each weight takes back: delta w."""
    p, dense, gradient = trace.model.parameters, _dense(trace), trace.row_gradient(row)
    neurons = (trace.dX[row], *(trace.D[l][row] for l in range(1, trace.model.network.depth + 1)))
    edges = []
    for stage in dense:
        assert stage.D is not None
        edges.append(stage.D[row][:, None] * p.W[stage.l])
    return Flow(
        False,
        neurons,
        tuple(gradient.W[stage.l] for stage in dense),
        tuple(edges),
        ({}, *(_factors(trace, row, l, words) for l in range(1, len(neurons)))),
        _output_slopes(trace, row),
        1.0,
        trace.objective.pair is not None,
    )


def dropped_neurons(trace: Trace, row: int) -> tuple[NDArray[np.bool_], ...]:
    """Say of each neuron, by layer from 0, whether dropout deleted it."""
    found = [np.zeros(size, dtype=bool) for size in trace.model.network.sizes]
    for stage in trace.stages:
        if stage.factors is not None:
            found[stage.l] = stage.factors[row] == 0
    return tuple(found)


def value_of(name: Name, trace: Trace, row: int) -> float | None:
    """Give the value of a single number; None for whole arrays, and for what the trace does not hold itself.

    Args:
        name: which number; a derivative by a parameter that names no row is that of the whole batch.
        trace: the step.
        row: the row, for numbers that each row has.
    """
    place = name if name.by is None else name.by
    if name.through is not None or not all(isinstance(i, int) for i in place.index):
        return None
    array: Floats | float | None
    if name.symbol != "d":
        array = _numbers(name, trace, row)
    elif name.by is not None and name.of == COST and not name.mark:
        array = _slopes(name.by, trace, row)
    else:
        return None
    if array is None or np.ndim(array) != len(place.index):
        return None
    return float(np.asarray(array)[tuple(int(i) for i in place.index)])


def _numbers(name: Name, trace: Trace, row: int) -> Floats | float | None:
    l = -1 if name.layer is None else name.layer
    if name.symbol in ("W", "b", "gamma", "beta"):
        owner = trace.update.after if name.mark == "after" else trace.model.parameters
        return owner.get(f"{name.symbol}{l}") if name.mark in ("", "before", "after") else None
    if name.mark:
        return None
    if name.symbol in ("x", "y"):
        array = trace.X if name.symbol == "x" else trace.Y
        return None if array is None else array[row]
    if name.symbol == "L":
        if trace.losses is None:
            return None
        return _losses(trace, row) if name.index else trace.losses[row]
    if name.symbol == "C":
        return trace.cost
    if name.symbol in ("z", "delta"):
        rows = (trace.Z if name.symbol == "z" else trace.D).get(l)
        return None if rows is None else rows[row]
    if name.symbol == "drop":
        return trace.A[l][row] if l in trace.A else None
    activated = [stage.A for stage in trace.stages if stage.l == l and not isinstance(stage.layer, Dropout)]
    return activated[-1][row] if name.symbol == "a" and activated else None


def _slopes(by: Name, trace: Trace, row: int) -> Floats | None:
    """Give dC by an array."""
    l = -1 if by.layer is None else by.layer
    if by.symbol in ("W", "b", "gamma", "beta"):
        fixed = by.symbol == "b" and trace.model.network.dense[l - 1].bias == "fixed"
        trace.need_targets()
        gradient = trace.gradient if by.row is None else trace.row_gradient(row)
        return None if gradient is None or fixed else gradient.get(f"{by.symbol}{l}")
    if by.symbol == "x":
        return trace.dX[row]
    if by.symbol == "z":
        rows = trace.D.get(l)
        return None if rows is None else rows[row]
    return _activation_slopes(trace, row, l) if by.symbol == "a" else None


def _dense(trace: Trace) -> list[Stage]:
    return [stage for stage in trace.stages if isinstance(stage.layer, Dense)]


def _activation_slopes(trace: Trace, row: int, l: int) -> Floats | None:
    """Give dC/dA of a layer, before a dropout; None at outputs whose loss is computed from the weighted sums."""
    places = [n for n, stage in enumerate(trace.stages) if stage.l == l and stage.D is not None]
    if not places:
        return None
    if places[-1] + 1 < len(trace.stages):
        G = trace.stages[places[-1] + 1].G
        return None if G is None else G[row]
    loss = trace.objective.loss
    if loss.slope is None or trace.objective.pair is not None or trace.Y is None:
        return None
    return trace.share[row] * loss.bound(loss.slope)(trace.A[l][row : row + 1], trace.Y[row : row + 1])[0]


def _factors(trace: Trace, row: int, l: int, words: Words) -> dict[str, Floats]:
    """Give the two factors of a neuron's error, dC/da and f'(z), where it is their product."""
    stage = next(stage for stage in reversed(trace.stages) if stage.l == l and stage.D is not None)
    assert isinstance(stage.layer, Dense | BatchNorm)
    assert stage.Z is not None
    activation, slopes = stage.layer.activation, _activation_slopes(trace, row, l)
    found = {} if slopes is None else {f"∂{words.cost}/∂{'out' if words.textbook else 'a'}": slopes}
    if found and activation.slope is not None:
        found["f′(net)" if words.textbook else "f′(z)"] = activation.bound(activation.slope)(stage.Z[row], stage.A[row])
    return found


def _losses(trace: Trace, row: int) -> Floats | None:
    """Give what each output adds to the row's loss; None for a loss that is no sum over outputs."""
    assert trace.Y is not None
    assert trace.losses is not None
    objective, l = trace.objective, trace.model.network.depth
    Z, A, Y = (array[row : row + 1] for array in (trace.Z[l], trace.A[l], trace.Y))
    count, whole = Y.shape[1], trace.losses[row]
    outputs = [slice(k, k + 1) for k in range(count)]
    if objective.pair is None:
        each = [objective.value(A[:, k], Y[:, k])[0] for k in outputs]
    elif trace.model.network.output_activation.pullback is not None:
        each = [Y[0, k] * objective.pair.value(Z, one[None])[0] for k, one in enumerate(np.eye(count))]
    else:
        each = [objective.pair.value(Z[:, k], Y[:, k])[0] for k in outputs]
    for parts in (np.array(each), np.array(each) / count):  # a sum over outputs, or their mean
        if abs(parts.sum() - whole) <= 1e-9 * max(abs(whole), float(np.abs(parts).max())):
            return parts
    return None


def _output_slopes(trace: Trace, row: int) -> Floats | None:
    """Give dC/da of the outputs; a - y where that is the short form of their error; else None."""
    l, network = trace.model.network.depth, trace.model.network
    pair = trace.objective.loss.pair_for(network.output_activation)
    if pair is None:
        return _activation_slopes(trace, row, l)
    assert trace.Y is not None
    return trace.A[l][row] - trace.Y[row] if pair.slope is cross_entropy_slope else None
