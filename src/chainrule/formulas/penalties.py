"""Penalties: a price on large weights, with its slope right below it, and the limit on a neuron's weights.

They apply to weights, not to biases. The penalised cost is C + sum over all weights of the price; a limit is kept by
projection after each update.
"""

from __future__ import annotations

import numpy as np

from chainrule.formulas.intervals import NOT_NEGATIVE, POSITIVE
from chainrule.formulas.records import Array, Penalty

__all__ = ["L1", "L2", "RECORDS", "MaxNorm", "l1", "l1_slope", "l2", "l2_slope", "max_norm", "no_price"]


def l1(w: Array, strength: float = 1e-4) -> Array:
    """strength |w|."""
    return strength * np.maximum(w, -w)


def l1_slope(w: Array, strength: float = 1e-4) -> Array:
    """strength sign(w); 0 at w = 0, where no derivative exists."""
    return strength * np.sign(w)


def l2(w: Array, strength: float = 1e-4) -> Array:
    """strength w^2 / 2."""
    return 0.5 * strength * (w * w)


def l2_slope(w: Array, strength: float = 1e-4) -> Array:
    """strength w."""
    return strength * w


def no_price(w: Array, limit: float = 3.0) -> Array:
    """0: a limit costs nothing."""
    return np.zeros_like(w)


def max_norm(W: Array, limit: float = 3.0) -> Array:
    """W[i, :] min(1, limit / ||W[i, :]||): each neuron's incoming weights are shortened to the limit."""
    largest = np.max(np.maximum(W, -W), axis=1, keepdims=True, initial=0)
    largest = np.where(largest > 0, largest, 1)
    norms = np.sqrt(np.sum((W / largest) ** 2, axis=1, keepdims=True))  # in units of the largest, so nothing overflows
    return W * np.minimum(1, limit / largest / np.maximum(norms, 1))


RECORDS = (
    Penalty(
        name="l1",
        value=l1,
        slope=l1_slope,
        parameters={"strength": 1e-4},
        limits={"strength": NOT_NEGATIVE},
        latex=r"\lambda \sum |w|",
        slope_latex=r"\lambda \operatorname{sign}(w)",
        use="Few weights that matter: it drives the others to zero.",
    ),
    Penalty(
        name="l2",
        value=l2,
        slope=l2_slope,
        parameters={"strength": 1e-4},
        limits={"strength": NOT_NEGATIVE},
        latex=r"\tfrac{\lambda}{2} \sum w^2",
        slope_latex=r"\lambda w",
        use="The usual remedy against overfitting: small weights everywhere.",
    ),
    Penalty(
        name="max_norm",
        value=no_price,
        project=max_norm,
        parameters={"limit": 3.0},
        limits={"limit": POSITIVE},
        latex=r"\lVert W_{i,:} \rVert_2 \le c",
        slope_latex=r"0; \text{ after each update } W_{i,:} \leftarrow W_{i,:} \, c / \max(c, \lVert W_{i,:} \rVert_2)",
        use="Together with dropout and high rates: no neuron's weights run away.",
        source="N. Srivastava et al., JMLR 2014, section 5.1.",
    ),
)

_BY_NAME = {record.name: record for record in RECORDS}


def L1(strength: float = 1e-4) -> Penalty:
    """Give the penalty strength * sum of |w|.

    >>> print(L1(0.001))
    l1(strength=0.001)
    """
    return _BY_NAME["l1"].with_parameters(strength=strength)


def L2(strength: float = 1e-4) -> Penalty:
    """Give the penalty strength / 2 * sum of w^2.

    >>> print(L2(0.001))
    l2(strength=0.001)
    """
    return _BY_NAME["l2"].with_parameters(strength=strength)


def MaxNorm(limit: float = 3.0) -> Penalty:
    """Give the limit on the length of each neuron's incoming weights.

    >>> print(MaxNorm(2))
    max_norm(limit=2)
    """
    return _BY_NAME["max_norm"].with_parameters(limit=limit)
