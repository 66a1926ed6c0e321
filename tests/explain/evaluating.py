"""Evaluates the expressions of a page with arrays; what functions are called means what SciPy and textbooks say."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from scipy import special

from chainrule.explain.expressions import (
    BigSum,
    Call,
    Expr,
    Hadamard,
    MatrixProduct,
    Negative,
    Number,
    Power,
    Product,
    Quotient,
    Ref,
    Sum,
    Transposed,
)
from chainrule.explain.names import Name

SCALE, ALPHA = 1.0507009873554804934193349852946, 1.6732632423543772848170429916717


def gelu_tanh(z: Any) -> Any:
    return 0.5 * z * (1 + np.tanh(np.sqrt(2 / np.pi) * (z + 0.044715 * z**3)))


CALLS: dict[str, Callable[..., Any]] = {
    "exp": np.exp,
    "ln": np.log,
    "sqrt": np.sqrt,
    "tanh": np.tanh,
    "abs": np.abs,
    "sign": np.sign,
    "max": np.maximum,
    "min": np.minimum,
    "Phi": special.ndtr,
    "phi": lambda z: np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi),
    "sigmoid": special.expit,
    "step": lambda z: np.heaviside(z, 1.0),
    "relu": lambda z: np.where(z > 0, z, 0),
    "relu'": lambda z: np.where(z > 0, 1, 0),
    "leaky_relu": lambda z, alpha: np.where(z > 0, z, alpha * z),
    "leaky_relu'": lambda z, alpha: np.where(z > 0, 1, alpha),
    "elu": lambda z, alpha: np.where(z > 0, z, alpha * np.expm1(z)),
    "elu'": lambda z, alpha: np.where(z > 0, 1, alpha * np.exp(z)),
    "selu": lambda z: SCALE * np.where(z > 0, z, ALPHA * np.expm1(z)),
    "selu'": lambda z: SCALE * np.where(z > 0, 1, ALPHA * np.exp(z)),
    "softplus": lambda z: np.logaddexp(0, z),
    "exponential": np.exp,
    "silu": lambda z: z * special.expit(z),
    "gelu": lambda z: z * special.ndtr(z),
    "gelu_tanh": gelu_tanh,
    "gelu_tanh'": lambda z: gelu_tanh(z + 1e-30j).imag / 1e-30,
    "mish": lambda z: z * np.tanh(np.logaddexp(0, z)),
    "softmax": lambda z: special.softmax(z, axis=-1),
}


def evaluate(expr: Expr, arrays: Mapping[Name, Any]) -> Any:
    """What an expression comes to; rows of a batch are the rows of its arrays."""

    def of(each: Expr) -> Any:
        return evaluate(each, arrays)

    match expr:
        case Number(value):
            return value
        case Ref(name):
            return arrays[name]
        case Negative(inner):
            return -of(inner)
        case Sum(terms):
            return sum(map(of, terms[1:]), of(terms[0]))
        case Product(factors) | Hadamard(factors):
            result = of(factors[0])
            for factor in factors[1:]:
                result = result * of(factor)
            return result
        case Quotient(above, below):
            return of(above) / of(below)
        case Power(base, exponent):
            return of(base) ** of(exponent)
        case MatrixProduct(factors):
            return np.linalg.multi_dot([*map(of, factors)])
        case Transposed(inner):
            return of(inner).T
        case BigSum("rows", body):
            return of(body).sum(axis=0)
        case BigSum("columns", body):
            return of(body).sum(axis=1, keepdims=True)
        case Call(function, arguments):
            return CALLS[function](*map(of, arguments))
    raise AssertionError(f"a page of arrays has no {type(expr).__name__}")
