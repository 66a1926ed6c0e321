"""The few functions that formulas need and NumPy lacks, each with a note on complex arguments.

NumPy orders complex numbers by their real part first, so ``np.maximum`` and ``np.minimum`` take the branch that the
real part says. That is why the formulas say ``np.maximum(z, -z)`` where one would write |z|: it stays differentiable by
the complex step.
"""

from __future__ import annotations

import numpy as np

from chainrule.formulas.records import Array

__all__ = ["SQRT_2", "clip", "indicator", "log1p", "normal_cdf", "row_sum"]

SQRT_2 = 1.4142135623730950488016887242097


def indicator(condition: Array, z: Array) -> Array:
    """Give 1 where the condition holds and 0 elsewhere, in z's number type.

    >>> import numpy as np
    >>> indicator(np.array([True, False]), np.zeros(2, dtype=np.float32)).dtype
    dtype('float32')
    """
    return np.asarray(condition).astype(np.asarray(z).dtype)


def clip(z: Array, low: float, high: float) -> Array:
    """Hold z between two bounds, complex z by its real part (as ``np.clip`` does, but that is slower on small arrays).

    >>> import numpy as np
    >>> clip(np.array([-3.0, 0.5, 9.0]), -1, 1).tolist()
    [-1.0, 0.5, 1.0]
    """
    return np.minimum(np.maximum(z, low), high)


def log1p(z: Array) -> Array:
    """Give ln(1 + z) without losing a small z, also for complex z.

    >>> import numpy as np
    >>> complex(log1p(np.array(1e-20 + 0j))).real
    1e-20
    """
    # NumPy's own adds 1 to a complex z and so loses a small real part.
    return 2 * np.arctanh(z / (2 + z)) if np.iscomplexobj(z) else np.log1p(z)


def normal_cdf(z: Array) -> Array:
    """Give Phi(z) = erfc(-z / sqrt 2) / 2, the standard normal distribution function, also for complex z.

    Far out, erfc(x) multiplies the rounding error of x = -z / sqrt 2 by 2 x^2. Its scaled form,
    erfcx(x) = exp(x^2) erfc(x), does not, so Phi(-|z|) = erfcx(|z| / sqrt 2) exp(-z^2 / 2) / 2 is as exact as z^2 is.

    >>> import numpy as np
    >>> float(normal_cdf(np.array(0.0)))
    0.5
    """
    # SciPy takes 0.2 s to import, and only GELU needs it.
    from scipy.special import erfcx

    below = np.maximum(np.minimum(z, -z), -40)  # -|z|, held where its square cannot overflow and Phi is 0
    tail = 0.5 * erfcx(-below / SQRT_2) * np.exp(-0.5 * below * below)
    return np.where(z < 0, tail, 1 - tail)


def row_sum(x: Array) -> Array:
    """Add up each row: sum over the last axis.

    It is ``np.sum(x, axis=-1)`` without the microsecond that takes beyond the sum, which a small batch feels.

    >>> import numpy as np
    >>> row_sum(np.array([[1.0, 2.0], [3.0, 4.0]])).tolist()
    [3.0, 7.0]
    """
    return np.add.reduce(x, axis=-1)
