"""The reference engine: NumPy, one visible loop per pass. The definition that other engines are tested against.

In the symbols of docs/notation.md, for a batch X of m rows, A[0] = X and D[l] = dC/dZ[l]:

    forward   Z[l] = A[l-1] @ W[l].T + b[l],   A[l] = f(Z[l])
    (BP1)     D[K] = dC/dA[K] * f'(Z[K]), or the short form of a loss with its output, such as A[K] - Y
    (BP2)     D[l] = (D[l+1] @ W[l+1]) * f'(Z[l])
    (BP3)     dC/db[l] = sum over rows of D[l]
    (BP4)     dC/dW[l] = D[l].T @ A[l-1]

The cost is the weighted mean of the losses: row i counts with its share w_i / sum(w), which is 1/m without weights. The
shares enter once, in D[K]. Batch normalization weighs its rows by the same shares.

Where X is sparse, the first dense layer multiplies it as it is, in A[0] @ W[1].T as in D[1].T @ A[0].
"""

from __future__ import annotations

import functools
import math
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np

from chainrule.engines.protocol import NOTHING, Carry, Draw, EpochResult, Gradient, Job, Objective, Sums, Watch
from chainrule.formulas import Array, Optimizer, Penalty
from chainrule.network import BatchNorm, Dense, Dropout, Network
from chainrule.parameters import Parameters
from chainrule.sparse import Inputs, SparseRows, dense_rows
from chainrule.streams import mask, mask_at

__all__ = [
    "Step",
    "backward",
    "cost_of",
    "epoch",
    "forward",
    "gradient",
    "hold",
    "loss",
    "losses_of",
    "name",
    "output_error",
    "penalize",
    "predict",
    "shares",
    "shorten",
    "stepper",
]

name = "reference"

# Rows that are predicted at once, so that the activations of the widest layer stay around 32 MB.
_CELLS_AT_ONCE = 2**22


# What one layer leaves behind for the way back: (what came in, which is A[l-1] for a dense layer; Z, or None for
# dropout; A; dropout's factors, or batch normalization's zhat, gamma / deviation and whether they are this batch's).
# A plain tuple, since a small batch feels the making of anything else.
Step: TypeAlias = tuple[Any, Any, Any, Any]


def forward(
    network: Network, p: Parameters, state: Array, X: Inputs, share: float | Array = 0.0, draw: Draw | None = None
) -> tuple[list[Step], Array]:
    """Compute every Z and A; as in training where a draw is given, else as in prediction.

    Returns:
        A `Step` for each layer of ``network.steps``, and the state after them.
    """
    steps: list[Step] = []
    if len(state):
        if draw is not None:
            state = state.astype(np.result_type(state, p.theta, X.dtype))
        s = Parameters(network, state, network.state_entries)
    A: Any = X
    W, b = p.W, p.b
    for layer, l in network.steps:
        before = A
        if isinstance(layer, Dense):
            Z = before @ W[l].T
            if b[l] is not None:
                Z += b[l]
            A = layer.activation.f(Z)
            steps.append((before, Z, A, None))
        elif isinstance(layer, BatchNorm):
            before = dense_rows(before)  # a mean that is taken off leaves no zeros
            zhat, scale = _normalize(layer, before, s, l, share, p.gamma[l], training=draw is not None)
            Z = p.gamma[l] * zhat + p.beta[l]
            A = layer.activation.f(Z)
            steps.append((before, Z, A, (zhat, scale, draw is not None)))
        elif draw is not None and layer.rate and isinstance(before, SparseRows):
            kept = mask_at(draw.seed, l, draw.update, places=before.places, rate=layer.rate)
            A = replace(before, data=before.data * (kept / X.dtype.type(1 - layer.rate)))
            steps.append((before, None, A, None))
        elif draw is not None and layer.rate:
            factors = mask(draw.seed, l, draw.update, shape=before.shape, rate=layer.rate) / X.dtype.type(
                1 - layer.rate
            )
            A = before * factors
            steps.append((before, None, A, factors))
        else:
            steps.append((before, None, before, None))
    return steps, state


def _normalize(
    layer: BatchNorm, A: Array, s: Parameters, l: int, share: float | Array, gamma: Array, *, training: bool
) -> tuple[Array, Array]:
    """Give zhat and gamma / deviation; in training from the batch, whose statistics join the running ones in s."""
    if not training:
        deviation = np.sqrt(s.var[l] + layer.epsilon)
        return (A - s.mean[l]) / deviation, gamma / deviation
    mean = np.sum(share * A, axis=0)
    centred = A - mean
    variance = np.sum(share * (centred * centred), axis=0)
    # 1 - sum of squared shares is (m - 1) / m without weights; a lone row has no variance, and says nothing.
    spread = 1 - (1 / len(A) if isinstance(share, float) else float(np.sum(share * share)))
    if spread > 1e-12 and np.any(share):
        s.mean[l][:] = (1 - layer.momentum) * s.mean[l] + layer.momentum * mean
        s.var[l][:] = (1 - layer.momentum) * s.var[l] + layer.momentum * variance / spread
    deviation = np.sqrt(variance + layer.epsilon)
    return centred / deviation, gamma / deviation


def backward(
    objective: Objective,
    p: Parameters,
    steps: list[Step],
    Y: Array,
    share: float | Array,
    into: Parameters,
    *,
    inputs: bool,
    seen: list[tuple[Array | None, Array | None]] | None = None,
) -> Array | None:
    """Send the error back through every layer, writing dC/dtheta into ``into``; give dC/dX where asked for.

    Where ``seen`` is a list, (D, G) of each layer are appended to it from the last layer to the first: dC/dZ of the
    layer (None for dropout), and dC/dA of what came into it (None where nobody asked).
    """
    network, G = objective.network, None  # G is dC/dA of the layer at hand, coming from behind
    ones = _ones(len(Y), Y.dtype)
    for (layer, l), (before, Z, A, extra) in zip(reversed(network.steps), reversed(steps), strict=True):
        if isinstance(layer, Dropout):
            G = G if extra is None else G * extra
            if seen is not None:
                seen.append((None, G))
            continue
        # (BP1) at the outputs, (BP2) before them, with G = D[l+1] @ W[l+1]
        D = output_error(objective, Z, A, Y, share) if G is None else layer.activation.back(Z, A, G)
        if isinstance(layer, Dense):
            if layer.bias == "neuron":
                np.dot(ones, D, out=into.b[l])  # (BP3): it adds up rows, and sooner than np.sum does
            elif layer.bias == "layer":
                into.shared[l][0] = D.sum()
            if isinstance(before, SparseRows):
                into.W[l][...] = D.T @ before
                return None
            np.matmul(D.T, before, out=into.W[l])  # (BP4)
            if before is steps[0][0] and not inputs:
                return None
            G = D @ p.W[l]
        else:
            zhat, scale, of_batch = extra
            into.gamma[l][:] = dgamma = np.sum(D * zhat, axis=0)
            into.beta[l][:] = dbeta = np.sum(D, axis=0)
            # The batch's mean and deviation depend on every row, which takes two means off.
            G = scale * (D - share * (dbeta + zhat * dgamma)) if of_batch else scale * D
        if seen is not None:
            seen.append((D, G))
    return G if inputs else None


def output_error(objective: Objective, Z: Array, A: Array, Y: Array, share: float | Array) -> Array:
    """Give D[K] (BP1), each row times its share of the cost."""
    if objective.pair is not None:
        return objective.pair.slope(Z, A, Y) * share
    return objective.back(Z, A, objective.slope(A, Y) * share)


def losses_of(objective: Objective, last: Step, Y: Array) -> Array:
    """Give the loss of each row, shape (m,), from the last layer's logits where the loss is made for them."""
    _, Z, A, _ = last
    return objective.value(A, Y) if objective.pair is None else objective.pair.value(Z, Y)


def shares(weights: Array | None, m: int) -> float | Array:
    """Give each row's share of the cost: 1/m, or w_i / sum(w) as a column (zeros where all weights are 0)."""
    if weights is None:
        return 1.0 / m
    total = weights.sum()
    return (weights / total if total > 0 else np.zeros_like(weights))[:, np.newaxis]


def cost_of(values: Array, share: float | Array) -> Any:
    """Give the cost of a batch: the losses of its rows, each times its share."""
    if isinstance(share, float):
        return np.dot(_ones(len(values), values.dtype), values) * share
    return (values @ share)[0]


@functools.lru_cache(maxsize=8)
def _ones(m: int, dtype: np.dtype[Any]) -> Array:
    """Give m ones, the same array each time; nobody may write into it."""
    ones = np.ones(m, dtype)
    ones.flags.writeable = False
    return ones


def predict(network: Network, theta: Array, state: Array, X: Inputs) -> Array:
    """Give the outputs A[K], shape (n, N_K), without dropout and with running statistics."""
    p = Parameters(network, theta)
    rows = _rows_at_once(network, X)
    if len(X) <= rows:
        return forward(network, p, state, X)[0][-1][2]
    pieces = (X[i : i + rows] for i in range(0, len(X), rows))
    return np.concatenate([forward(network, p, state, piece)[0][-1][2] for piece in pieces])


def _rows_at_once(network: Network, X: Inputs) -> int:
    """Give how many rows a pass takes at most, so that memory stays small."""
    widths = network.sizes
    if isinstance(X, SparseRows) and not isinstance(network.layers[0], BatchNorm):
        widths = widths[1:]  # the zeros of inputs take no room
    return max(1, _CELLS_AT_ONCE // max(widths))


def loss(
    objective: Objective,
    theta: Array,
    state: Array,
    X: Inputs,
    Y: Array,
    weights: Array | None = None,
    draw: Draw | None = None,
) -> Any:
    """Give the cost C of a batch, without penalties; as in training where a draw is given."""
    p, share = Parameters(objective.network, theta), shares(weights, len(X))
    # Batch normalization in training needs the whole batch at once; without it, wide layers go piece by piece.
    rows = len(X) if draw is not None else _rows_at_once(objective.network, X)
    cost: Any = 0.0
    for piece in (slice(start, start + rows) for start in range(0, len(X), rows)):
        part = share if isinstance(share, float) else share[piece]
        steps, _ = forward(objective.network, p, state, X[piece], part, draw)
        cost += cost_of(losses_of(objective, steps[-1], Y[piece]), part)
    return cost


def gradient(
    objective: Objective,
    theta: Array,
    state: Array,
    X: Inputs,
    Y: Array,
    weights: Array | None = None,
    draw: Draw | None = None,
    *,
    inputs: bool = False,
) -> Gradient:
    """Give cost, penalty and their derivatives; with dC/dX where ``inputs`` is true."""
    if inputs:
        X = dense_rows(X)  # dC/dX has no zeros
    p = Parameters(objective.network, theta)
    into = Parameters(objective.network, np.zeros_like(theta))
    cost, state, dX = _descend(objective, p, state, X, Y, weights, draw, into, inputs=inputs)
    return Gradient(cost, penalize(objective, p, into), into, state, dX)


def _descend(
    objective: Objective,
    p: Parameters,
    state: Array,
    X: Inputs,
    Y: Array,
    weights: Array | None,
    draw: Draw | None,
    into: Parameters,
    *,
    inputs: bool = False,
) -> tuple[float, Array, Array | None]:
    """One pass forward and one back: the cost, the new state and dC/dX; dC/dtheta is written into ``into``."""
    share = shares(weights, len(X))
    steps, state = forward(objective.network, p, state, X, share, draw)
    cost = cost_of(losses_of(objective, steps[-1], Y), share)
    dX = backward(objective, p, steps, Y, share, into, inputs=inputs)
    return float(cost), state, dX


def penalize(objective: Objective, p: Parameters, into: Parameters) -> float:
    """Add the penalties' slopes to the gradient; give what the penalties add to the cost."""
    price = 0.0
    for penalty in objective.penalties:
        if penalty.slope is not None:
            for l, W in p.W.items():
                price += float(penalty.bound(penalty.value)(W).sum())
                into.W[l] += penalty.bound(penalty.slope)(W)
    return price


def epoch(
    job: Job,
    carry: Carry,
    order: Array | None,
    watch: Watch | None = None,
    *,
    each: bool = True,
    begun: Sums = NOTHING,
) -> EpochResult:
    """Make one pass over the rows in the given order (None: as they are), an update a batch; or go on within it."""
    objective, n, size, check = job.objective, len(job.X), job.batch_size, job.check_finite
    p = Parameters(objective.network, carry.theta.copy())
    g = Parameters(objective.network, np.zeros_like(carry.theta))
    assert job.optimizer is not None
    step = stepper(job.optimizer, objective.network, job.X.dtype)
    limits = [penalty for penalty in objective.penalties if penalty.project is not None]
    drawn = any(not isinstance(layer, Dense) for layer in objective.network.layers)
    room = None
    if order is not None and not isinstance(job.X, SparseRows):
        room = np.empty((min(size, n), job.X.shape[1]), dtype=job.X.dtype)
    before, now = None, Carry(p.theta, carry.state, carry.slots, carry.updates)
    batches, loss_sum, penalty_sum, weight_sum = begun
    failed, sound = None, None
    with np.errstate(all="ignore"):  # what is not finite is found by the checks below, and named
        for start in range(batches * size, n, size):
            rows = slice(start, start + size) if order is None else order[start : start + size]
            t = now.updates + 1
            X, Y, weights = _gather(job, rows, room)
            draw = Draw(job.seed, job.updates_before + t) if drawn else None
            cost, state, _ = _descend(objective, p, now.state, X, Y, weights, draw, g)
            if check and not math.isfinite(cost):
                # The newest update made the loss what it is: the one before it was sound.
                failed, sound = np.arange(n)[rows], _replay(job, carry, order, batches - 1, begun)
                break
            penalty = penalize(objective, p, g) if objective.penalties else 0.0
            if job.clip is not None:
                shorten(g.theta, job.clip)
            change, slots = step(p.theta, g.theta, now.slots, t, job.rates(t))
            if check and not (
                math.isfinite(penalty)
                and _addable(p.theta, change)
                and all(map(_finite, slots))
                and (state is now.state or _finite(state))
                and _allowed(limits, p, change)
            ):
                failed, sound = np.arange(n)[rows], now
                break
            if start + size >= n:
                before = now._replace(theta=p.theta.copy())
            p.theta += change
            hold(limits, p)
            now, batches = Carry(p.theta, state, slots, t), batches + 1
            weight = len(X) if weights is None else float(weights.sum())
            loss_sum += weight * cost
            penalty_sum += weight * penalty
            weight_sum += weight
            if watch is not None and watch(batches, cost, now):
                break
    sums = Sums(batches, loss_sum, penalty_sum, weight_sum)
    return EpochResult.of(now._replace(before=before), sums, failed, sound)


def _replay(job: Job, carry: Carry, order: Array | None, batches: int, begun: Sums) -> Carry | None:
    """Give how training stood after so many batches of an epoch: the same updates, made once more."""
    if batches < begun.batches:
        # Before an epoch, that is what is kept; within one, the epoch's beginning is.
        return (
            carry.before if carry.before is None or batches < 1 else _replay(job, carry.before, order, batches, NOTHING)
        )
    if batches == begun.batches:
        return carry
    return epoch(replace(job, check_finite=False), carry, order, lambda done, *_: done == batches, begun=begun).carry


def hold(limits: list[Penalty], p: Parameters) -> None:
    """Hold the weights to their limits, in place."""
    for limit in limits:
        assert limit.project is not None
        for W in p.W.values():
            W[...] = limit.bound(limit.project)(W)


def _allowed(limits: list[Penalty], p: Parameters, change: Array) -> bool:
    """Whether the limits give finite weights after this change; built-in ones do, one's own may not."""
    if not limits:
        return True
    tried = Parameters(p.network, p.theta + change)
    hold(limits, tried)
    return _finite(tried.theta)


def _gather(job: Job, rows: Any, room: Array | None) -> tuple[Inputs, Array, Array | None]:
    """Give the batch's rows of X, Y and weights; X goes into ``room``, so that no memory is asked for in each batch."""
    if room is None or isinstance(job.X, SparseRows):
        return job.X[rows], job.Y[rows], None if job.weights is None else job.weights[rows]
    # "clip" lets take write straight into its output; the rows are in range anyway.
    X = job.X.take(rows, axis=0, out=room[: len(rows)], mode="clip")
    return X, job.Y.take(rows, axis=0), None if job.weights is None else job.weights[rows]


def stepper(optimizer: Optimizer, network: Network, dtype: np.dtype[Any]) -> Any:
    """Give the optimizer's formula with its parameters; a weight decay is 0 for everything that is no weight."""
    if not optimizer.decays:
        return optimizer.bound(optimizer.value)
    is_weight = np.zeros(network.parameter_count, dtype=dtype)
    for entry in network.entries:
        is_weight[entry.start : entry.start + entry.stored] = entry.kind == "W"
    parameters = {**optimizer.parameters, "decay": optimizer.parameters["decay"] * is_weight}
    return lambda *given: optimizer.value(*given, **parameters)


def shorten(g: Array, limit: float) -> None:
    """Shorten the gradient to the limit, in place, keeping its direction."""
    largest = float(np.abs(g).max())
    if largest and math.isfinite(largest):
        scaled = g / largest  # so that no square overflows
        length = math.sqrt(float(np.sum(scaled * scaled)))
        if length > limit / largest:
            g[:] = scaled * (limit / length)


def _finite(vector: Array) -> bool:
    """Whether all numbers are finite: a finite sum of squares says so in one pass; if it overflows, look closer."""
    return math.isfinite(np.dot(vector, vector)) or bool(np.isfinite(vector).all())


def _addable(theta: Array, change: Array) -> bool:
    """Whether theta + change is finite; a change whose squares add up is too small to carry theta over the edge."""
    return math.isfinite(np.dot(change, change)) or bool(np.isfinite(theta + change).all())
