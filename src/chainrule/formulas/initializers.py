"""Initializers: how weights start, as functions of standard draws and of the layer's fan-in and fan-out.

The draws have shape (fan_out, fan_in), as W[l] has, and come from the seed; so an initializer is a pure function.
"""

from __future__ import annotations

import math

import numpy as np

from chainrule.formulas.records import Array, Initializer

__all__ = [
    "RECORDS",
    "constant",
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "lecun_normal",
    "lecun_uniform",
    "normal",
    "orthogonal",
    "uniform",
    "zeros",
]


def zeros(draw: Array, fan_in: int, fan_out: int) -> Array:
    """W = 0."""
    return np.zeros_like(draw)


def constant(draw: Array, fan_in: int, fan_out: int, value: float = 1.0) -> Array:
    """W = value."""
    return np.full_like(draw, value)


def normal(draw: Array, fan_in: int, fan_out: int, scale: float = 1.0) -> Array:
    """W ~ N(0, scale^2)."""
    return scale * draw


def uniform(draw: Array, fan_in: int, fan_out: int, low: float = 0.0, high: float = 1.0) -> Array:
    """W ~ U[low, high)."""
    return low + (high - low) * draw


def glorot_normal(draw: Array, fan_in: int, fan_out: int) -> Array:
    """W ~ N(0, 2 / (fan_in + fan_out))."""
    return math.sqrt(2 / (fan_in + fan_out)) * draw


def glorot_uniform(draw: Array, fan_in: int, fan_out: int) -> Array:
    """W ~ U[-r, r) with r = sqrt(6 / (fan_in + fan_out)), which has the same variance."""
    return math.sqrt(6 / (fan_in + fan_out)) * (2 * draw - 1)


def he_normal(draw: Array, fan_in: int, fan_out: int) -> Array:
    """W ~ N(0, 2 / fan_in)."""
    return math.sqrt(2 / fan_in) * draw


def he_uniform(draw: Array, fan_in: int, fan_out: int) -> Array:
    """W ~ U[-r, r) with r = sqrt(6 / fan_in)."""
    return math.sqrt(6 / fan_in) * (2 * draw - 1)


def lecun_normal(draw: Array, fan_in: int, fan_out: int) -> Array:
    """W ~ N(0, 1 / fan_in), the "1 / sqrt n" of older texts."""
    return math.sqrt(1 / fan_in) * draw


def lecun_uniform(draw: Array, fan_in: int, fan_out: int) -> Array:
    """W ~ U[-r, r) with r = sqrt(3 / fan_in)."""
    return math.sqrt(3 / fan_in) * (2 * draw - 1)


def orthogonal(draw: Array, fan_in: int, fan_out: int, scale: float = 1.0) -> Array:
    """W = scale Q with orthonormal rows or columns, whichever are fewer: Q of the QR decomposition of normal draws.

    The signs of R's diagonal are taken out, so that Q is uniform over the orthogonal matrices.
    """
    is_tall = draw.shape[0] >= draw.shape[1]
    q, r = np.linalg.qr(draw if is_tall else draw.T)
    q = q * np.copysign(1, np.diagonal(r))
    return scale * (q if is_tall else q.T)


RECORDS = (
    Initializer(
        name="zeros",
        value=zeros,
        draw="none",
        latex=r"W = 0",
        use="Biases. As weights it shows that neurons which start alike stay alike.",
    ),
    Initializer(
        name="constant",
        value=constant,
        draw="none",
        parameters={"value": 1.0},
        latex=r"W = c",
        use="Worked examples; as weights it has the same symmetry as zeros.",
    ),
    Initializer(
        name="normal",
        value=normal,
        parameters={"scale": 1.0},
        latex=r"W \sim N(0, s^2)",
        use="Texts that draw weights from N(0, 1) or 0.01 N(0, 1); deep networks vanish or saturate with it.",
    ),
    Initializer(
        name="uniform",
        value=uniform,
        draw="uniform",
        parameters={"low": 0.0, "high": 1.0},
        latex=r"W \sim U[a, b)",
        use="Texts that draw weights uniformly, such as from [0, 1).",
    ),
    Initializer(
        name="glorot_uniform",
        value=glorot_uniform,
        draw="uniform",
        latex=r"W \sim U[-r, r), \; r = \sqrt{6 / (n_\mathrm{in} + n_\mathrm{out})}",
        use="Layers with sigmoid, tanh, softmax or no activation.",
        source="X. Glorot and Y. Bengio, AISTATS 2010, equation 16.",
    ),
    Initializer(
        name="glorot_normal",
        value=glorot_normal,
        latex=r"W \sim N(0, 2 / (n_\mathrm{in} + n_\mathrm{out}))",
        use="As glorot_uniform, with normal draws.",
        source="X. Glorot and Y. Bengio, AISTATS 2010.",
    ),
    Initializer(
        name="he_normal",
        value=he_normal,
        latex=r"W \sim N(0, 2 / n_\mathrm{in})",
        use="Layers with ReLU and its kin, which pass on half of the variance.",
        source="K. He et al., ICCV 2015, equation 10.",
    ),
    Initializer(
        name="he_uniform",
        value=he_uniform,
        draw="uniform",
        latex=r"W \sim U[-r, r), \; r = \sqrt{6 / n_\mathrm{in}}",
        use="As he_normal, with uniform draws.",
        source="K. He et al., ICCV 2015.",
    ),
    Initializer(
        name="lecun_normal",
        value=lecun_normal,
        latex=r"W \sim N(0, 1 / n_\mathrm{in})",
        use="Layers with SELU; the 1 / sqrt(n) rule of older texts.",
        source="Y. LeCun et al., Efficient BackProp, 1998, section 4.6.",
    ),
    Initializer(
        name="lecun_uniform",
        value=lecun_uniform,
        draw="uniform",
        latex=r"W \sim U[-r, r), \; r = \sqrt{3 / n_\mathrm{in}}",
        use="As lecun_normal, with uniform draws.",
        source="Y. LeCun et al., Efficient BackProp, 1998.",
    ),
    Initializer(
        name="orthogonal",
        value=orthogonal,
        parameters={"scale": 1.0},
        latex=r"W = s \, Q, \; Q^\top Q = I \text{ or } Q Q^\top = I",
        use="Very deep networks: every layer keeps lengths.",
        source="A. Saxe, J. McClelland and S. Ganguli, ICLR 2014; uniform by F. Mezzadri, 2007.",
    ),
)
