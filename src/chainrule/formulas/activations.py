"""Activations: each value with its slope right below it, then the record that ties the two together.

Every function takes arrays of any shape; softmax works along the last axis. A slope is given both z and a = f(z) and
uses whichever is cheaper. Complex z is allowed, so that the complex step can check every derivative.
"""

from __future__ import annotations

import numpy as np

from chainrule.formulas.records import Activation, Array
from chainrule.formulas.special import clip, indicator, log1p, normal_cdf

__all__ = [
    "RECORDS",
    "elu",
    "elu_slope",
    "exponential",
    "exponential_slope",
    "gelu",
    "gelu_slope",
    "gelu_tanh",
    "gelu_tanh_slope",
    "identity",
    "identity_slope",
    "leaky_relu",
    "leaky_relu_slope",
    "mish",
    "mish_slope",
    "relu",
    "relu_slope",
    "selu",
    "selu_slope",
    "sigmoid",
    "sigmoid_slope",
    "silu",
    "silu_slope",
    "softmax",
    "softmax_pullback",
    "softplus",
    "softplus_slope",
    "step",
    "tanh",
    "tanh_slope",
]


def step(z: Array) -> Array:
    """M-P neuron: 1 where z >= 0 (the weighted sum reaches the threshold), else 0. It has no usable slope."""
    return indicator(z >= 0, z)


def identity(z: Array) -> Array:
    """f(z) = z."""
    return z


def identity_slope(z: Array, a: Array) -> Array:
    """f'(z) = 1."""
    return np.ones_like(z)


def sigmoid(z: Array) -> Array:
    """f(z) = 1 / (1 + exp(-z)), written e / (1 + e) with e = exp(z), so that an f near 0 keeps its digits.

    Beyond z = 80, f is 1 but for exp(-80), far below rounding, and exp is not asked for more.
    """
    e = np.exp(np.minimum(z, 80.0))
    return e / (1 + e)


def sigmoid_slope(z: Array, a: Array) -> Array:
    """f'(z) = a (1 - a)."""
    return a * (1 - a)


def tanh(z: Array) -> Array:
    """f(z) = (exp(z) - exp(-z)) / (exp(z) + exp(-z))."""
    return np.tanh(z)


def tanh_slope(z: Array, a: Array) -> Array:
    """f'(z) = 1 - a^2."""
    return 1 - a * a


def relu(z: Array) -> Array:
    """f(z) = max(z, 0)."""
    return np.maximum(z, 0.0)


def relu_slope(z: Array, a: Array) -> Array:
    """f'(z) = 1 where z > 0, else 0. At z = 0, where no derivative exists, the slope is 0 by convention."""
    return indicator(z > 0, z)


def leaky_relu(z: Array, alpha: float = 0.01) -> Array:
    """f(z) = z where z > 0, else alpha z."""
    return np.maximum(z, 0.0) + alpha * np.minimum(z, 0.0)


def leaky_relu_slope(z: Array, a: Array, alpha: float = 0.01) -> Array:
    """f'(z) = 1 where z > 0, else alpha (also at 0)."""
    return np.where(z > 0, np.ones_like(z), alpha)


def elu(z: Array, alpha: float = 1.0) -> Array:
    """f(z) = z where z > 0, else alpha (exp(z) - 1)."""
    return np.maximum(z, 0.0) + alpha * np.expm1(np.minimum(z, 0.0))


def elu_slope(z: Array, a: Array, alpha: float = 1.0) -> Array:
    """f'(z) = 1 where z > 0, else alpha exp(z)."""
    return np.where(z > 0, 1, alpha * np.exp(np.minimum(z, 0.0)))


# The fixed point at which activations keep mean 0 and variance 1 (Klambauer et al. 2017, equation 14).
SELU_SCALE = 1.0507009873554804934193349852946
SELU_ALPHA = 1.6732632423543772848170429916717


def selu(z: Array) -> Array:
    """f(z) = scale z where z > 0, else scale alpha (exp(z) - 1), with scale 1.0507… and alpha 1.6732…."""
    return SELU_SCALE * (np.maximum(z, 0.0) + SELU_ALPHA * np.expm1(np.minimum(z, 0.0)))


def selu_slope(z: Array, a: Array) -> Array:
    """f'(z) = scale where z > 0, else scale alpha exp(z)."""
    return SELU_SCALE * np.where(z > 0, 1, SELU_ALPHA * np.exp(np.minimum(z, 0.0)))


def softplus(z: Array) -> Array:
    """f(z) = ln(1 + exp(z)), written so that nothing overflows: max(z, 0) + ln(1 + exp(-|z|))."""
    return np.maximum(z, 0.0) + log1p(np.exp(np.minimum(z, -z)))


def softplus_slope(z: Array, a: Array) -> Array:
    """f'(z) = sigmoid(z)."""
    return sigmoid(z)


def exponential(z: Array) -> Array:
    """f(z) = exp(z)."""
    return np.exp(z)


def exponential_slope(z: Array, a: Array) -> Array:
    """f'(z) = a."""
    return a


def silu(z: Array) -> Array:
    """f(z) = z sigmoid(z), also called swish."""
    return z * sigmoid(z)


def silu_slope(z: Array, a: Array) -> Array:
    """f'(z) = s + a (1 - s) with s = sigmoid(z)."""
    s = sigmoid(z)
    return s + a * (1 - s)


def gelu(z: Array) -> Array:
    """f(z) = z Phi(z), Phi being the standard normal distribution function."""
    return z * normal_cdf(z)


def gelu_slope(z: Array, a: Array) -> Array:
    """f'(z) = Phi(z) + z phi(z), phi being the standard normal density."""
    near = clip(z, -40, 40)  # phi is 0 beyond, and its square would overflow
    return normal_cdf(z) + near * np.exp(-0.5 * near * near) / SQRT_2PI


SQRT_2PI = 2.5066282746310005024157652848110
SQRT_2_OVER_PI = 0.79788456080286535587989211986876


def _gelu_tanh_share(near: Array) -> Array:
    """(1 + tanh(u)) / 2 = sigmoid(2 u) with u = sqrt(2 / pi) (z + 0.044715 z^3)."""
    return sigmoid(2 * SQRT_2_OVER_PI * (near + 0.044715 * near**3))


def gelu_tanh(z: Array) -> Array:
    """f(z) = z (1 + tanh(u)) / 2 = z sigmoid(2 u) with u = sqrt(2 / pi) (z + 0.044715 z^3)."""
    return z * _gelu_tanh_share(clip(z, -40, 40))  # saturated beyond, and the cube would overflow


def gelu_tanh_slope(z: Array, a: Array) -> Array:
    """f'(z) = s + z s (1 - s) 2 u'(z) with s = sigmoid(2 u) and u'(z) = sqrt(2 / pi) (1 + 0.134145 z^2)."""
    near = clip(z, -40, 40)
    s = _gelu_tanh_share(near)
    return s + near * s * (1 - s) * 2 * SQRT_2_OVER_PI * (1 + 0.134145 * near**2)


def mish(z: Array) -> Array:
    """f(z) = z tanh(softplus(z))."""
    return z * np.tanh(softplus(z))


def mish_slope(z: Array, a: Array) -> Array:
    """f'(z) = t + z (1 - t^2) sigmoid(z) with t = tanh(softplus(z))."""
    t = np.tanh(softplus(z))
    return t + z * (1 - t * t) * sigmoid(z)


def softmax(z: Array) -> Array:
    """f(z)_k = exp(z_k) / sum_j exp(z_j) along the last axis, shifted by the largest z so that nothing overflows."""
    e = np.exp(z - np.max(z, axis=-1, keepdims=True))
    return e / np.sum(e, axis=-1, keepdims=True)


def softmax_pullback(z: Array, a: Array, g: Array) -> Array:
    """dC/dz_k = a_k (g_k - sum_j a_j g_j) from g = dC/da: every output depends on every z of its row."""
    return a * (g - np.sum(a * g, axis=-1, keepdims=True))


RECORDS = (
    Activation(
        name="step",
        value=step,
        latex=r"f(z) = \begin{cases} 1 & z \ge 0 \\ 0 & z < 0 \end{cases}",
        slope_latex=r"f'(z) = 0 \text{ for } z \ne 0, \text{ undefined at } 0",
        range=(0, 1),
        use="The M-P neuron's yes or no; its weights are set by hand, since it has no usable slope to descend.",
        source="W. McCulloch and W. Pitts, 1943; here the neuron fires when it reaches its threshold.",
    ),
    Activation(
        name="identity",
        value=identity,
        slope=identity_slope,
        latex=r"f(z) = z",
        slope_latex=r"f'(z) = 1",
        use="The output layer of a regression. Inside a network it adds nothing: linear layers collapse into one.",
    ),
    Activation(
        name="sigmoid",
        value=sigmoid,
        slope=sigmoid_slope,
        latex=r"f(z) = \frac{1}{1 + e^{-z}}",
        slope_latex=r"f'(z) = a (1 - a)",
        range=(0, 1),
        use="One output as the probability of a yes; small or historical networks. It saturates for |z| above 5.",
    ),
    Activation(
        name="tanh",
        value=tanh,
        slope=tanh_slope,
        latex=r"f(z) = \tanh z = \frac{e^z - e^{-z}}{e^z + e^{-z}}",
        slope_latex=r"f'(z) = 1 - a^2",
        range=(-1, 1),
        use="Smooth hidden layers; centred on zero, so faster to learn than the sigmoid. It saturates for |z| above 3.",
    ),
    Activation(
        name="relu",
        value=relu,
        slope=relu_slope,
        latex=r"f(z) = \max(z, 0)",
        slope_latex=r"f'(z) = \begin{cases} 1 & z > 0 \\ 0 & z \le 0 \end{cases}",
        range=(0, np.inf),
        initializer="he_normal",
        use="The first choice for hidden layers. It never saturates upwards; a neuron that is always below 0 is dead.",
        source="V. Nair and G. Hinton, ICML 2010; slope 0 at 0.",
    ),
    Activation(
        name="leaky_relu",
        value=leaky_relu,
        slope=leaky_relu_slope,
        parameters={"alpha": 0.01},
        latex=r"f(z) = \begin{cases} z & z > 0 \\ \alpha z & z \le 0 \end{cases}",
        slope_latex=r"f'(z) = \begin{cases} 1 & z > 0 \\ \alpha & z \le 0 \end{cases}",
        initializer="he_normal",
        use="Like ReLU where neurons die: a small slope below 0 keeps every neuron trainable.",
        source="A. Maas, A. Hannun and A. Ng, ICML 2013.",
    ),
    Activation(
        name="elu",
        value=elu,
        slope=elu_slope,
        parameters={"alpha": 1.0},
        latex=r"f(z) = \begin{cases} z & z > 0 \\ \alpha (e^z - 1) & z \le 0 \end{cases}",
        slope_latex=r"f'(z) = \begin{cases} 1 & z > 0 \\ \alpha e^z & z \le 0 \end{cases}",
        range=(-1, np.inf),
        initializer="he_normal",
        use="Like ReLU, but smooth (at alpha = 1) and with a mean nearer to zero.",
        source="D.-A. Clevert, T. Unterthiner and S. Hochreiter, ICLR 2016.",
    ),
    Activation(
        name="selu",
        value=selu,
        slope=selu_slope,
        latex=r"f(z) = \lambda \begin{cases} z & z > 0 \\ \alpha (e^z - 1) & z \le 0 \end{cases}",
        slope_latex=r"f'(z) = \lambda \begin{cases} 1 & z > 0 \\ \alpha e^z & z \le 0 \end{cases}",
        range=(-SELU_SCALE * SELU_ALPHA, np.inf),
        initializer="lecun_normal",
        use="Deep dense networks without batch normalization; needs LeCun's initializer and standardized inputs.",
        source="G. Klambauer et al., NeurIPS 2017.",
    ),
    Activation(
        name="softplus",
        value=softplus,
        slope=softplus_slope,
        latex=r"f(z) = \ln(1 + e^z)",
        slope_latex=r"f'(z) = \frac{1}{1 + e^{-z}}",
        range=(0, np.inf),
        initializer="he_normal",
        use="An output that must be positive, such as a rate; a smooth ReLU.",
        source="C. Dugas et al., NIPS 2000.",
    ),
    Activation(
        name="exponential",
        value=exponential,
        slope=exponential_slope,
        latex=r"f(z) = e^z",
        slope_latex=r"f'(z) = a",
        range=(0, np.inf),
        use="An output that must be positive and whose logarithm is learnt: a rate with a log link, with loss poisson.",
        source="J. Nelder and R. Wedderburn, 1972; hidden, it soon grows beyond all numbers.",
    ),
    Activation(
        name="silu",
        value=silu,
        slope=silu_slope,
        latex=r"f(z) = \frac{z}{1 + e^{-z}}",
        slope_latex=r"f'(z) = s + a (1 - s), \; s = \frac{1}{1 + e^{-z}}",
        range=(-0.27846454276107379511, np.inf),
        initializer="he_normal",
        use="A smooth ReLU for deeper networks; also called swish.",
        source="S. Elfwing, E. Uchibe and K. Doya, 2017; P. Ramachandran, B. Zoph and Q. Le, 2017 (beta = 1).",
    ),
    Activation(
        name="gelu",
        value=gelu,
        slope=gelu_slope,
        latex=r"f(z) = z \, \Phi(z) = \tfrac{1}{2} z \, \mathrm{erfc}(-z / \sqrt 2)",
        slope_latex=r"f'(z) = \Phi(z) + z \, \varphi(z)",
        range=(-0.16997120747990366169, np.inf),
        initializer="he_normal",
        use="A smooth ReLU, customary in transformers; the exact form.",
        source="D. Hendrycks and K. Gimpel, 2016.",
    ),
    Activation(
        name="gelu_tanh",
        value=gelu_tanh,
        slope=gelu_tanh_slope,
        latex=r"f(z) = \tfrac{1}{2} z \left(1 + \tanh u\right), \; u = \sqrt{2/\pi} \, (z + 0.044715 z^3)",
        slope_latex=r"f'(z) = s + 2 z s (1 - s) \sqrt{2/\pi} \, (1 + 0.134145 z^2), \; s = \tfrac{1}{2} (1 + \tanh u)",
        range=(-0.17004075057125405064, np.inf),
        initializer="he_normal",
        use="GELU's tanh approximation, for weights that were trained with it.",
        source="D. Hendrycks and K. Gimpel, 2016, section 2.",
    ),
    Activation(
        name="mish",
        value=mish,
        slope=mish_slope,
        latex=r"f(z) = z \tanh(\ln(1 + e^z))",
        slope_latex=r"f'(z) = t + z (1 - t^2) \frac{1}{1 + e^{-z}}, \; t = \tanh(\ln(1 + e^z))",
        range=(-0.30884341301725040663, np.inf),
        initializer="he_normal",
        use="A smooth ReLU close to SiLU; slower, sometimes a little better.",
        source="D. Misra, BMVC 2020.",
    ),
    Activation(
        name="softmax",
        value=softmax,
        pullback=softmax_pullback,
        latex=r"f(z)_k = \frac{e^{z_k}}{\sum_j e^{z_j}}",
        slope_latex=r"\frac{\partial a_k}{\partial z_j} = a_k (\delta_{kj} - a_j)",
        range=(0, 1),
        use="The output layer for several classes: probabilities that add up to 1.",
        source="J. Bridle, 1990.",
    ),
)
