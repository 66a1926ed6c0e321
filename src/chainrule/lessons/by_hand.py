"""The backward pass as one writes it by hand, equation by equation, to be held against `Model.gradient`."""

from __future__ import annotations

from collections.abc import Mapping

from chainrule.formulas import Array
from chainrule.model import Activations, Model

__all__ = ["errors_by_hand"]


def errors_by_hand(
    model: Model, passed: Activations, Y: Array, W: Mapping[int, Array] | None = None
) -> dict[int, Array]:
    """Give the errors D[l] = dC/dZ[l] of all layers by (BP1) and (BP2) of docs/notation.md, as written there.

    A matrix product joins two layers. A product entry by entry, which `Activation.back` makes of G and the slope, stays
    within one.

    Args:
        model: a network of dense layers.
        passed: its forward pass, `Model.forward`.
        Y: target matrix, shape (m, N_K).
        W: the weights that errors are passed back through; None takes the model's. Any others are a mistake, and there
            to show what it does.

    Returns:
        D[l] of shape (m, N_l), by layer.

    >>> import numpy as np
    >>> from chainrule import Network
    >>> model = Network.from_sizes([2, 3, 1], hidden="tanh").init()
    >>> D = errors_by_hand(model, model.forward([[1.0, 2.0]]), np.array([[0.5]]))
    >>> bool(np.allclose(D[1].sum(axis=0), model.gradient([[1.0, 2.0]], [[0.5]]).b[1]))
    True
    """
    K, m, A, Z = model.network.depth, len(Y), passed.A, passed.Z
    layers, W = dict(enumerate(model.network.dense, start=1)), model.W if W is None else W
    pair = model.loss.pair_for(layers[K].activation)
    if pair is not None:  # cross-entropies: loss and activation in one
        D = {K: pair.slope(Z[K], A[K], Y) / m}
    else:
        assert model.loss.slope is not None
        D = {K: layers[K].activation.back(Z[K], A[K], model.loss.bound(model.loss.slope)(A[K], Y) / m)}  # (BP1)
    for l in range(K - 1, 0, -1):
        G = D[l + 1] @ W[l + 1]
        D[l] = layers[l].activation.back(Z[l], A[l], G)  # (BP2)
    return D
