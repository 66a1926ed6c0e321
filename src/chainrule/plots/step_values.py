"""The numbers that the picture of a step shows: what flows forward, and what flows back, for one row."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chainrule.explain.anatomy import Anatomy, Key
from chainrule.explain.forms.common import Row
from chainrule.explain.forms.losses import loss_part_form
from chainrule.explain.names import COST, Name
from chainrule.explain.trace import Stage, Trace
from chainrule.formulas.losses import cross_entropy_slope
from chainrule.network import BatchNorm, Dense
from chainrule.plots.step_names import Words

__all__ = ["Flow", "backward_flow", "dropped_neurons", "forward_flow", "value_of"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Flow:
    """What one panel shows.

    Args:
        forward: whether it is the forward pass.
        keys: what leaves each layer from 0 to K, as `Anatomy` calls it: x, a, or "drop" behind a dropout.
        sums: what the lines into each layer from 1 to K add up to: "z", or "u" before a batch normalization.
        neurons: the number in each circle, by layer from 0 to K; the inputs themselves in layer 0.
        weights: the number on each line, by layer from 1 to K, shape (N_l, N_{l-1}).
        edges: what flows along each line, in the same order.
        notes: by layer, the numbers below each circle by what they are called.
        losses: the numbers in the boxes of the losses, or None.
        cost: the number in the circle of the cost, or None.
        short: whether ``losses`` are a - y, the short form of the outputs' errors.
    """

    forward: bool
    keys: tuple[Key, ...]
    sums: tuple[str, ...]
    neurons: tuple[Floats, ...]
    weights: tuple[Floats, ...]
    edges: tuple[Floats, ...]
    notes: tuple[dict[str, Floats], ...]
    losses: Floats | None
    cost: float | None
    short: bool = False


def forward_flow(trace: Trace, row: int, words: Words) -> Flow:
    """Give activations, weights and what each weight adds: w a, w times the activation that comes in."""
    body, p, dense = Anatomy(trace), trace.model.parameters, _dense(trace)
    keys, sums = _leaving(body), _sums(body)
    return Flow(
        True,
        keys,
        sums,
        (trace.X[row], *(body.forward[key][row] for key in keys[1:])),
        tuple(p.W[stage.l] for stage in dense),
        tuple(p.W[stage.l] * stage.before[row] for stage in dense),
        (_after_inputs(body, keys[0], row, words), *(_made_of(body, l, row, words) for l in range(1, len(keys)))),
        None if trace.Y is None else _losses(body, row),
        trace.cost,
    )


def backward_flow(trace: Trace, row: int, words: Words) -> Flow:
    """Give errors, what the row adds to dC/dW, and what each weight takes back: delta w, or dC/du w."""
    body, p, dense, gradient = Anatomy(trace), trace.model.parameters, _dense(trace), trace.row_gradient(row)
    keys = _leaving(body)
    edges = []
    for stage in dense:
        assert stage.D is not None
        edges.append(stage.D[row][:, None] * p.W[stage.l])
    begin = {} if keys[0] == ("x", None) else {f"∂{words.cost}/∂{words.any(keys[0][0])}": body.backward[keys[0]][row]}
    return Flow(
        False,
        keys,
        _sums(body),
        (trace.dX[row], *(trace.D[l][row] for l in range(1, len(keys)))),
        tuple(gradient.W[stage.l] for stage in dense),
        tuple(edges),
        (begin, *(_factors(body, l, row, words) for l in range(1, len(keys)))),
        _output_slopes(body, row),
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
        row: the row, for numbers that each row has and whose name says none.
    """
    place = name if name.by is None else name.by
    if name.through is not None or not all(isinstance(i, int) for i in place.index):
        return None
    row = place.row if isinstance(place.row, int) else row
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
    body, l = Anatomy(trace), -1 if name.layer is None else name.layer
    if name.symbol in ("W", "b", "gamma", "beta"):
        owner = trace.update.after if name.mark == "after" else trace.model.parameters
        return owner.get(f"{name.symbol}{l}") if name.mark in ("", "before", "after") else None
    if name.mark:
        return None
    if name.symbol == "L":
        if trace.losses is None:
            return None
        return _losses(body, row) if name.index else trace.losses[row]
    if name.symbol == "C":
        return trace.cost
    if name.symbol == "delta":
        trace.need_errors()
        return _row_of(body.backward.get(("z", name.layer)), row)
    key = name.symbol, name.layer
    return _row_of(body.forward.get(key), row) if key in body.forward else body.statistics.get(key)


def _slopes(by: Name, trace: Trace, row: int) -> Floats | None:
    """Give dC by an array."""
    trace.need_errors()
    if by.symbol in ("W", "b", "gamma", "beta"):
        fixed = by.symbol == "b" and trace.model.network.dense[(by.layer or 0) - 1].bias == "fixed"
        gradient = trace.gradient if by.row is None else trace.row_gradient(row)
        return None if gradient is None or fixed else gradient.get(f"{by.symbol}{by.layer}")
    return _row_of(Anatomy(trace).backward.get((by.symbol, by.layer)), row)


def _row_of(rows: Floats | None, row: int) -> Floats | None:
    return None if rows is None else np.asarray(rows[row])


def _dense(trace: Trace) -> list[Stage]:
    return [stage for stage in trace.stages if isinstance(stage.layer, Dense)]


def _leaving(body: Anatomy) -> tuple[Key, ...]:
    """Give what leaves each layer from 0 to K."""
    last = {stage.l: k for k, stage in enumerate(body.stages)}
    return tuple(body.out(last.get(l, -1)) for l in range(body.step.model.network.depth + 1))


def _sums(body: Anatomy) -> tuple[str, ...]:
    """Give what the lines into each layer from 1 to K add up to."""
    return tuple(body.sums(k)[0] for k, stage in enumerate(body.stages) if isinstance(stage.layer, Dense))


def _after_inputs(body: Anatomy, key: Key, row: int, words: Words) -> dict[str, Floats]:
    """Give what a normalization or dropout makes of the inputs, before the first weights."""
    return {} if key == ("x", None) else {words.any(key[0]): body.forward[key][row]}


def _made_of(body: Anatomy, l: int, row: int, words: Words) -> dict[str, Floats]:
    """Give a neuron's z, and what belongs to it: its bias; behind a batch normalization the shift beta, and u."""
    p, found = body.step.model.parameters, {words.any("z"): body.forward["z", l][row]}
    if ("u", l) in body.forward:
        return found | {words.any("beta"): p.beta[l], "u": body.forward["u", l][row]}
    return found if p.b[l] is None else found | {"b": p.b[l]}


def _factors(body: Anatomy, l: int, row: int, words: Words) -> dict[str, Floats]:
    """Give the two factors of a neuron's error, dC/da and f'(z), where it is their product; and dC/du."""
    stage = next(stage for stage in reversed(body.stages) if stage.l == l and stage.D is not None)
    assert isinstance(stage.layer, Dense | BatchNorm)
    assert stage.Z is not None
    activation, found = stage.layer.activation, {}
    if ("a", l) in body.backward:
        found[f"∂{words.cost}/∂{words.any('a')}"] = body.backward["a", l][row]
        if activation.slope is not None:
            slopes = activation.bound(activation.slope)(stage.Z[row], stage.A[row])
            found[f"f′({words.any('z')})"] = slopes
    if ("u", l) in body.backward:
        found[f"∂{words.cost}/∂u"] = body.backward["u", l][row]
    return found


def _losses(body: Anatomy, row: int) -> Floats | None:
    """Give what each output adds to the row's loss; None for a loss that is no sum over outputs."""
    step, l = body.step, body.step.model.network.depth
    z, a, y = (Row(Name(*key), body.forward[key][row]) for key in (("z", l), ("a", l), ("y", None)))
    loss, activation = step.objective.loss, step.model.network.output_activation
    parts = [loss_part_form(loss, activation, z, a, y, k) for k in range(len(a))]
    found = [part.value for part in parts if part is not None]
    return np.array(found) if len(found) == len(parts) else None


def _output_slopes(body: Anatomy, row: int) -> Floats | None:
    """Give dC/da of the outputs; a - y where that is the short form of their error; else None."""
    step, last = body.step, ("a", body.step.model.network.depth)
    pair = step.objective.loss.pair_for(step.model.network.output_activation)
    if pair is None:
        return _row_of(body.backward.get(last), row)
    assert step.Y is not None
    short = pair.slope is cross_entropy_slope
    return np.asarray(body.forward[last][row] - step.Y[row]) if short else None
