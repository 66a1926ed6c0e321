# ruff: noqa: E501 - a program that reads in one line is a line
"""Hand-written backpropagation, right and wrong: programs as learners write them, each wrong one by one mistake.

A program is one text of NumPy. A mistake replaces a piece of it, once, and must change it; a convention likewise, but
in value and gradient alike, so that it stays right. Each is a `Program`: name, function, parameters and data.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np


class Program(NamedTuple):
    """A function with what it is checked at."""

    name: str
    source: str
    theta: Any
    data: tuple[Any, ...]

    @property
    def function(self) -> Callable[..., Any]:
        """The function `step` that the text defines."""
        names: dict[str, Any] = {"np": np}
        exec(self.source, names)
        return names["step"]


HEAD = """
def sigmoid(z): return 1 / (1 + np.exp(-z))
def relu(z): return np.maximum(z, 0)
def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)
"""

# A 4-4-4-3 network; hidden layers are square, so that a wrong transpose raises nothing.
DEEP = (
    HEAD
    + """
def step(W1, b1, W2, b2, W3, b3, X, Y):
    m = len(X)
    Z1 = X @ W1.T + b1
    A1 = sigmoid(Z1)
    Z2 = A1 @ W2.T + b2
    A2 = np.tanh(Z2)
    Z3 = A2 @ W3.T + b3
    A3 = sigmoid(Z3)
    C = 0.5 * np.sum((A3 - Y) ** 2) / m
    D3 = (A3 - Y) * A3 * (1 - A3) / m
    D2 = (D3 @ W3) * (1 - A2 ** 2)
    D1 = (D2 @ W2) * A1 * (1 - A1)
    dW3, db3 = D3.T @ A2, D3.sum(axis=0)
    dW2, db2 = D2.T @ A1, D2.sum(axis=0)
    dW1, db1 = D1.T @ X, D1.sum(axis=0)
    return C, (dW1, db1, dW2, db2, dW3, db3)
"""
)
# ReLU, leaky ReLU and softmax with cross-entropy, in a dict.
CLASSES = (
    HEAD
    + """
def step(p, X, Y):
    m = X.shape[0]
    Z1 = X @ p["W1"] + p["b1"]
    A1 = relu(Z1)
    Z2 = A1 @ p["W2"] + p["b2"]
    A2 = np.where(Z2 > 0, Z2, 0.1 * Z2)
    Z3 = A2 @ p["W3"] + p["b3"]
    P = softmax(Z3)
    C = -np.sum(Y * np.log(P)) / m + 0.5 * 0.02 * (np.sum(p["W1"] ** 2) + np.sum(p["W2"] ** 2) + np.sum(p["W3"] ** 2))
    dZ3 = (P - Y) / m
    dZ2 = (dZ3 @ p["W3"].T) * np.where(Z2 > 0, 1, 0.1)
    dZ1 = (dZ2 @ p["W2"].T) * (Z1 > 0)
    g = {}
    g["W3"], g["b3"] = A2.T @ dZ3 + 0.02 * p["W3"], dZ3.sum(axis=0)
    g["W2"], g["b2"] = A1.T @ dZ2 + 0.02 * p["W2"], dZ2.sum(axis=0)
    g["W1"], g["b1"] = X.T @ dZ1 + 0.02 * p["W1"], dZ1.sum(axis=0)
    return C, g
"""
)
# Batch normalization, dropout with a given mask, binary cross-entropy, sample weights, an L1 price.
NORMED = (
    HEAD
    + """
def step(W1, gamma, beta, w2, b2, X, y, mask, s):
    U = X @ W1.T
    mean = U.mean(axis=0)
    var = ((U - mean) ** 2).mean(axis=0)
    root = np.sqrt(var + 1e-5)
    H = (U - mean) / root
    Z = gamma * H + beta
    A = np.tanh(Z)
    keep = 0.8
    V = A * mask / keep
    p = sigmoid(V @ w2 + b2)
    L = -(y * np.log(p) + (1 - y) * np.log(1 - p))
    C = np.sum(s * L) / np.sum(s) + 0.01 * np.sum(np.abs(w2))
    d = s * (p - y) / np.sum(s)
    dw2, db2 = V.T @ d + 0.01 * np.sign(w2), d.sum()
    dA = np.outer(d, w2) * mask / keep
    dZ = dA * (1 - A ** 2)
    dgamma, dbeta = (dZ * H).sum(axis=0), dZ.sum(axis=0)
    dH = dZ * gamma
    dU = (dH - dH.mean(axis=0) - H * (dH * H).mean(axis=0)) / root
    dW1 = dU.T @ X
    return C, dW1, dgamma, dbeta, dw2, db2
"""
)
# Examples as columns, lists of arrays, a loop over layers.
COLUMNS = (
    HEAD
    + """
def step(theta, X, Y):
    W, b = theta["W"], theta["b"]
    m = X.shape[1]
    A, Z = [X], []
    for l in range(len(W)):
        Z.append(W[l] @ A[-1] + b[l])
        A.append(sigmoid(Z[-1]))
    C = np.sum((A[-1] - Y) ** 2) / (2 * m)
    dW, db = [None] * len(W), [None] * len(W)
    delta = (A[-1] - Y) * A[-1] * (1 - A[-1])
    for l in reversed(range(len(W))):
        dW[l] = delta @ A[l].T / m
        db[l] = delta.sum(axis=1, keepdims=True) / m
        delta = (W[l].T @ delta) * A[l] * (1 - A[l])
    return C, {"W": dW, "b": db}
"""
)
# A wide layer, of whose weights most are looked at along random directions only.
WIDE = (
    HEAD
    + """
def step(W1, b1, W2, X, Y):
    m = len(X)
    Z1 = X @ W1.T + b1
    A1 = np.tanh(Z1)
    A2 = A1 @ W2.T
    C = np.sum((A2 - Y) ** 2) / m
    D2 = 2 * (A2 - Y) / m
    D1 = (D2 @ W2) * (1 - A1 ** 2)
    dW1, db1, dW2 = D1.T @ X, D1.sum(axis=0), D2.T @ A1
    return C, dW1, db1, dW2
"""
)
# The same of real numbers only: nothing takes the complex step.
REAL = WIDE.replace(
    "    m = len(X)", "    W1, b1, W2 = (np.array(each, dtype=float) for each in (W1, b1, W2))\n    m = len(X)"
)
# And in float32, whatever is given.
NARROW = WIDE.replace(
    "    m = len(X)", "    W1, b1, W2, X, Y = (np.float32(each) for each in (W1, b1, W2, X, Y))\n    m = len(X)"
).replace("return C,", "return float(C),")


def narrow_point(seed: int = 0, m: int = 6) -> tuple[Any, tuple[Any, ...]]:
    rng = np.random.default_rng(seed)
    theta = (rng.normal(size=(6, 4)) * 0.5, rng.normal(size=6), rng.normal(size=(2, 6)) * 0.5)
    return theta, (rng.normal(size=(m, 4)), rng.uniform(size=(m, 2)))


def wide_point(seed: int = 0, m: int = 6) -> tuple[Any, tuple[Any, ...]]:
    rng = np.random.default_rng(seed)
    theta = (rng.normal(size=(60, 20)) * 0.2, rng.normal(size=60), rng.normal(size=(2, 60)) * 0.2)
    return theta, (rng.normal(size=(m, 20)), rng.uniform(size=(m, 2)))


def deep_point(seed: int = 0, m: int = 6) -> tuple[Any, tuple[Any, ...]]:
    rng = np.random.default_rng(seed)
    shapes = [(4, 4), (4,), (4, 4), (4,), (3, 4), (3,)]
    return tuple(rng.normal(size=s) * 0.7 for s in shapes), (rng.normal(size=(m, 4)), rng.uniform(size=(m, 3)))


def classes_point(seed: int = 0, m: int = 6) -> tuple[Any, tuple[Any, ...]]:
    rng = np.random.default_rng(seed)
    shapes = {"W1": (4, 5), "b1": (5,), "W2": (5, 5), "b2": (5,), "W3": (5, 3), "b3": (3,)}
    theta = {name: rng.normal(size=shape) * 0.7 for name, shape in shapes.items()}
    return theta, (rng.normal(size=(m, 4)), np.eye(3)[rng.integers(0, 3, m)])


def normed_point(seed: int = 0, m: int = 7) -> tuple[Any, tuple[Any, ...]]:
    rng = np.random.default_rng(seed)
    theta = (rng.normal(size=(4, 3)), rng.uniform(0.5, 1.5, 4), rng.normal(size=4) * 0.3, rng.normal(size=4), 0.2)
    mask = (rng.uniform(size=(m, 4)) < 0.8).astype(float)
    return theta, (rng.normal(size=(m, 3)), (rng.uniform(size=m) < 0.5) * 1.0, mask, rng.uniform(0.5, 2, m))


def columns_point(seed: int = 0, m: int = 5) -> tuple[Any, tuple[Any, ...]]:
    rng = np.random.default_rng(seed)
    sizes = [3, 4, 4, 2]
    W = [rng.normal(size=(n, k)) for k, n in itertools.pairwise(sizes)]
    b = [rng.normal(size=(n, 1)) for n in sizes[1:]]
    return {"W": W, "b": b}, (rng.normal(size=(3, m)), rng.uniform(size=(2, m)))


PROGRAMS: dict[str, tuple[str, Callable[..., tuple[Any, tuple[Any, ...]]]]] = {
    "deep": (DEEP, deep_point),
    "classes": (CLASSES, classes_point),
    "normed": (NORMED, normed_point),
    "columns": (COLUMNS, columns_point),
    "wide": (WIDE, wide_point),
    "real": (REAL, wide_point),
    "narrow": (NARROW, narrow_point),
}

# (program, name, what it replaces, by what). Each is a mistake.
MISTAKES = [
    ("deep", "wrong transpose between square layers", "(D2 @ W2)", "(D2 @ W2.T)"),
    ("deep", "gradient of a square matrix transposed", "dW2, db2 = D2.T @ A1", "dW2, db2 = A1.T @ D2"),
    ("deep", "first gradient transposed", "dW1, db1 = D1.T @ X", "dW1, db1 = X.T @ D1"),
    ("deep", "f' missing at the output", "D3 = (A3 - Y) * A3 * (1 - A3)", "D3 = (A3 - Y)"),
    ("deep", "f' missing in a hidden layer", " * (1 - A2 ** 2)", ""),
    ("deep", "f' missing in the first layer", " * A1 * (1 - A1)\n    dW3", "\n    dW3"),
    ("deep", "f' of another layer's activation", "(D2 @ W2) * A1 * (1 - A1)", "(D2 @ W2) * A2 * (1 - A2)"),
    ("deep", "f' of another layer's z", "(D3 @ W3) * (1 - A2 ** 2)", "(D3 @ W3) * (1 - np.tanh(Z1) ** 2)"),
    ("deep", "slope at z where a is meant", "* A1 * (1 - A1)\n    dW3", "* Z1 * (1 - Z1)\n    dW3"),
    ("deep", "slope at a where z is meant", "A3 * (1 - A3) / m", "sigmoid(A3) * (1 - sigmoid(A3)) / m"),
    ("deep", "tanh slope 1 - a", "(1 - A2 ** 2)", "(1 - A2)"),
    ("deep", "tanh slope without the 1", "(1 - A2 ** 2)", "(-A2 ** 2)"),
    ("deep", "tanh slope of a sigmoid", "(1 - A2 ** 2)", "A2 * (1 - A2)"),
    ("deep", "sigmoid slope a (1 + a)", "* A1 * (1 - A1)\n    dW3", "* A1 * (1 + A1)\n    dW3"),
    ("deep", "sum for mean", "* A3 * (1 - A3) / m", "* A3 * (1 - A3)"),
    ("deep", "1/m twice", "dW3, db3 = D3.T @ A2", "dW3, db3 = D3.T @ A2 / m"),
    ("deep", "1/m twice in a bias", "D2.sum(axis=0)", "D2.mean(axis=0)"),
    ("deep", "mean over all cells", "/ m\n    D2", "/ Y.size\n    D2"),
    ("deep", "2 of a whole square", "D3 = (A3 - Y)", "D3 = 2 * (A3 - Y)"),
    ("deep", "sign", "D3 = (A3 - Y)", "D3 = (Y - A3)"),
    ("deep", "sign of one bias", "dW2, db2 = D2.T @ A1, D2", "dW2, db2 = D2.T @ A1, -D2"),
    ("deep", "bias of another layer", "D1.sum(axis=0)\n", "D2.sum(axis=0)\n"),
    ("deep", "biases swapped", "(dW1, db1, dW2, db2,", "(dW1, db2, dW2, db1,"),
    ("deep", "weights swapped", "(dW1, db1, dW2, db2,", "(dW2, db1, dW1, db2,"),
    ("deep", "inputs of the wrong layer", "D2.T @ A1", "D2.T @ A2"),
    ("deep", "z for a in a gradient", "D3.T @ A2,", "D3.T @ Z2,"),
    ("deep", "error of the wrong layer", "dW1, db1 = D1.T @ X", "dW1, db1 = D2.T @ X"),
    ("deep", "early update", "    D2 = (D3", "    W3 = W3 - 0.5 * D3.T @ A2\n    D2 = (D3"),
    ("deep", "early update in place", "    D2 = (D3", "    W3 -= 0.1 * D3.T @ A2\n    D2 = (D3"),
    ("deep", "weights not used on the way back", "(D2 @ W2)", "D2"),
    ("deep", "weights of another layer", "(D2 @ W2)", "(D2 @ W1)"),
    ("deep", "first row left out", "D1.T @ X, D1.sum", "D1[1:].T @ X[1:], D1.sum"),
    ("deep", "rows shifted by one", "D2.T @ A1", "D2.T @ np.roll(A1, 1, axis=0)"),
    ("deep", "last row only", "D1.T @ X, D1.sum(axis=0)", "np.outer(D1[-1], X[-1]), D1.sum(axis=0)"),
    ("deep", "bias of the first row only", "D3.T @ A2, D3.sum(axis=0)", "D3.T @ A2, D3[0]"),
    ("deep", "sum over the wrong axis, cut to size", "D2.sum(axis=0)", "D2.sum(axis=1)[:4]"),
    ("deep", "bias gradient broadcast", "D2.sum(axis=0)", "np.full(4, D2.sum())"),
    ("deep", "bias gradient forgotten", "D1.sum(axis=0)\n", "np.zeros(4)\n"),
    ("deep", "elementwise for a matrix product", "D2.T @ A1", "D2[:4].T * A1[:4]"),
    ("deep", "float32 on the way", "(D3 @ W3)", "(D3 @ W3).astype(np.float32)"),
    ("deep", "rounded to four digits", "(D2 @ W2)", "np.round(D2 @ W2, 4)"),
    ("deep", "integer division", "A3 * (1 - A3) / m", "A3 * (1 - A3) * (1 // m)"),
    ("deep", "clipped", "dW3, db3 = D3.T @ A2", "dW3, db3 = np.clip(D3.T @ A2, -0.01, 0.01)"),
    ("deep", "clipped by its norm", "D3.T @ A2", "D3.T @ A2 / max(1, 50 * np.linalg.norm(D3.T @ A2))"),
    ("deep", "activations changed in place", "    D3 = (A3", "    A1 *= 1 - A1\n    D3 = (A3"),
    ("deep", "stale activations", "dW2, db2 = D2.T @ A1", "dW2, db2 = D2.T @ sigmoid(X @ W1.T)"),
    ("deep", "another function's gradient", "np.sum((A3 - Y) ** 2)", "np.sum(np.abs(A3 - Y) ** 3)"),
    ("deep", "one neuron left out", "    dW2, db2", "    D2[:, 0] = 0\n    dW2, db2"),
    ("deep", "targets shifted", "D3 = (A3 - Y)", "D3 = (A3 - np.roll(Y, 1, axis=1))"),
    ("deep", "momentum mixed in", "dW1, db1 = D1.T @ X", "dW1, db1 = 0.9 * D1.T @ X + 0.1 * W1"),
    ("deep", "gradient normalized", "D3.T @ A2,", "D3.T @ A2 / np.abs(D3.T @ A2).max(),"),
    ("deep", "noise", "dW1, db1 = D1.T @ X", "dW1, db1 = D1.T @ X + 1e-6 * np.cos(np.arange(16)).reshape(4, 4)"),
    ("classes", "penalty forgotten", '+ 0.02 * p["W2"]', ""),
    ("classes", "penalty without its half", '+ 0.02 * p["W1"]', '+ 0.04 * p["W1"]'),
    ("classes", "penalty on a bias", "dZ3.sum(axis=0)", 'dZ3.sum(axis=0) + 0.02 * p["b3"]'),
    ("classes", "penalty subtracted", '+ 0.02 * p["W3"], dZ3', '- 0.02 * p["W3"], dZ3'),
    ("classes", "softmax slope on top of the short form", "dZ3 = (P - Y) / m", "dZ3 = (P - Y) * P * (1 - P) / m"),
    ("classes", "cross-entropy slope alone", "dZ3 = (P - Y) / m", "dZ3 = -Y / P / m"),
    ("classes", "softmax as if it were elementwise", "dZ3 = (P - Y) / m", "dZ3 = -Y * (1 - P) / m"),
    ("classes", "missing 1/m in a bias only", "dZ3.sum(axis=0)", "m * dZ3.sum(axis=0)"),
    ("classes", "ReLU slope at the wrong array", "* (Z1 > 0)", "* (Z2 > 0)"),
    ("classes", "ReLU slope at the error", "* (Z1 > 0)", '* ((dZ2 @ p["W2"].T) > 0)'),
    ("classes", "ReLU slope z itself", "* (Z1 > 0)", "* np.maximum(Z1, 0)"),
    ("classes", "ReLU slope forgotten", " * (Z1 > 0)", ""),
    ("classes", "ReLU slope turned round", "* (Z1 > 0)", "* (Z1 < 0)"),
    ("classes", "leaky slope constant", "* np.where(Z2 > 0, 1, 0.1)", "* 0.1"),
    ("classes", "leaky slope of another alpha", "np.where(Z2 > 0, 1, 0.1)", "np.where(Z2 > 0, 1, 0.01)"),
    ("classes", "leaky slope dead", "np.where(Z2 > 0, 1, 0.1)", "(Z2 > 0)"),
    ("classes", "wrong transpose of a square matrix", '@ p["W2"].T)', '@ p["W2"])'),
    ("classes", "gradient of the logits for probabilities", "A2.T @ dZ3", "Z2.T @ dZ3"),
    ("classes", "mean of the slopes", "/ m\n    dZ2", "/ Y.size\n    dZ2"),
    ("normed", "mask not applied backward", "np.outer(d, w2) * mask / keep", "np.outer(d, w2) / keep"),
    ("normed", "mask not scaled backward", "np.outer(d, w2) * mask / keep", "np.outer(d, w2) * mask"),
    ("normed", "mask scaled twice", "np.outer(d, w2) * mask / keep", "np.outer(d, w2) * mask / keep / keep"),
    ("normed", "activation without dropout in a gradient", "V.T @ d", "A.T @ d"),
    ("normed", "mean of batch normalization taken as constant", " - dH.mean(axis=0)", ""),
    ("normed", "variance of batch normalization taken as constant", " - H * (dH * H).mean(axis=0)", ""),
    ("normed", "batch normalization without its statistics", "(dH - dH.mean(axis=0) - H * (dH * H).mean(axis=0))", "dH"),
    ("normed", "variance for deviation", ")) / root", ")) / (var + 1e-5)"),
    ("normed", "gamma forgotten", "dH = dZ * gamma", "dH = dZ"),
    ("normed", "gamma's gradient of z", "(dZ * H).sum(axis=0)", "(dZ * U).sum(axis=0)"),
    ("normed", "statistics over the wrong axis", "(dH * H).mean(axis=0)", "(dH * H).mean()"),
    ("normed", "sample weights forgotten", "d = s * (p - y) / np.sum(s)", "d = (p - y) / len(y)"),
    ("normed", "sample weights not normalized", "d = s * (p - y) / np.sum(s)", "d = s * (p - y) / len(y)"),
    ("normed", "L1 slope forgotten", " + 0.01 * np.sign(w2)", ""),
    ("normed", "L2 slope of an L1 price", "np.sign(w2)", "w2"),
    ("normed", "sigmoid slope on top of the short form", "d = s * (p - y)", "d = s * (p - y) * p * (1 - p)"),
    ("normed", "half of the cross-entropy", "d = s * (p - y)", "d = s * (p * (1 - y))"),
    ("columns", "bias without 1/m", "db[l] = delta.sum(axis=1, keepdims=True) / m", "db[l] = delta.sum(axis=1, keepdims=True)"),
    ("columns", "activation of the layer behind", "delta @ A[l].T", "delta @ A[l + 1 if l == 1 else l].T"),
    ("columns", "slope of the layer behind", "* A[l] * (1 - A[l])\n", "* (A[l] * (1 - A[l]) if l != 1 else A[2] * (1 - A[2]))\n"),
    ("columns", "bias shape that broadcasts", "delta.sum(axis=1, keepdims=True) / m", "delta.sum(axis=1) / m"),
    ("columns", "stops one layer early", "reversed(range(len(W))):", "reversed(range(len(W))):\n        if l == 0: dW[0], db[0] = 0 * W[0], 0 * b[0]; break"),
    ("columns", "weights updated within the loop", "        delta = (W[l]", "        W[l] = W[l] - 0.1 * dW[l]\n        delta = (W[l]"),
    ("columns", "bias without its sum", "delta.sum(axis=1, keepdims=True) / m", "delta[:, :1]"),
    *((kind, *mistake) for kind in ("wide", "real") for mistake in [
        ("one row forgotten", "    return C", "    dW1[37] = 0\n    return C"),
        ("one row half as much again", "    return C", "    dW1[37] *= 1.5\n    return C"),
        ("two rows swapped", "    return C", "    dW1[[11, 12]] = dW1[[12, 11]]\n    return C"),
        ("one column forgotten", "    return C", "    dW2[:, 41] = 0\n    return C"),
        ("last neuron of the bias", "    return C", "    db1[-1] = 0\n    return C"),
        ("one entry's sign", "    return C", "    dW1[5, 7] *= -1\n    return C"),
        ("first neuron's slope", "    dW1, db1", "    D1[:, 0] = (D2 @ W2)[:, 0]\n    dW1, db1"),
        ("sum for mean", "2 * (A2 - Y) / m", "2 * (A2 - Y)"),
        ("f' missing", " * (1 - A1 ** 2)", ""),
    ]),
    *(("narrow", f"float32 within, {name}", old, new) for name, old, new in [
        ("sum for mean", "2 * (A2 - Y) / m", "2 * (A2 - Y)"),
        ("sign", "2 * (A2 - Y)", "2 * (Y - A2)"),
        ("half squares", "2 * (A2 - Y)", "(A2 - Y)"),
        ("f' missing", " * (1 - A1 ** 2)", ""),
        ("slope of a sigmoid", "(1 - A1 ** 2)", "A1 * (1 - A1)"),
        ("one row a tenth more", "    return float(C)", "    dW1[1] *= 1.1\n    return float(C)"),
    ]),
]  # fmt: skip

# (program, name, [(what it replaces, by what), …]). Each is right.
CONVENTIONS: list[tuple[str, str, list[tuple[str, str]]]] = [
    ("deep", "half squares, mean", []),
    ("deep", "whole squares", [("0.5 * np.sum", "np.sum"), ("D3 = (A3 - Y)", "D3 = 2 * (A3 - Y)")]),
    ("deep", "sum over examples", [("** 2) / m", "** 2)"), ("A3 * (1 - A3) / m", "A3 * (1 - A3)")]),
    ("deep", "mean over all cells", [("** 2) / m", "** 2) / Y.size"), ("A3 * (1 - A3) / m", "A3 * (1 - A3) / Y.size")]),
    ("deep", "1/m at the end", [("A3 * (1 - A3) / m", "A3 * (1 - A3)"), ("return C, (dW1, db1, dW2, db2, dW3, db3)", "return C, [g / m for g in (dW1, db1, dW2, db2, dW3, db3)]")]),
    ("deep", "y - a with a minus", [("D3 = (A3 - Y)", "D3 = -(Y - A3)")]),
    ("deep", "slopes from z", [("A3 * (1 - A3) / m", "sigmoid(Z3) * (1 - sigmoid(Z3)) / m"), ("(1 - A2 ** 2)", "1 / np.cosh(Z2) ** 2")]),
    ("deep", "sigmoid by tanh", [("A1 = sigmoid(Z1)", "A1 = 0.5 * (1 + np.tanh(Z1 / 2))")]),
    ("deep", "einsum", [("D2.T @ A1", "np.einsum('ri,rj->ij', D2, A1)")]),
    ("deep", "rows one by one", [("D1.T @ X", "sum(np.outer(D1[r], X[r]) for r in range(m))")]),
    ("deep", "a flat tuple", [("return C, (dW1, db1, dW2, db2, dW3, db3)", "return C, dW1, db1, dW2, db2, dW3, db3")]),
    ("deep", "an array of one value", [("return C,", "return np.array([C]),")]),
    ("deep", "a float", [("return C,", "return float(C),")]),
    ("deep", "a list of gradients", [("(dW1, db1, dW2, db2, dW3, db3)\n", "[dW1, db1, dW2, db2, dW3, db3]\n")]),
    ("deep", "bias by ones", [("D2.sum(axis=0)", "np.ones(m) @ D2")]),
    ("deep", "ReLU", [("np.tanh(Z2)", "relu(Z2)"), ("(1 - A2 ** 2)", "(Z2 > 0)")]),
    ("deep", "ReLU by its activation", [("np.tanh(Z2)", "relu(Z2)"), ("(1 - A2 ** 2)", "np.sign(A2)")]),
    ("deep", "absolute value", [("np.tanh(Z2)", "np.abs(Z2)"), ("(1 - A2 ** 2)", "np.sign(Z2)")]),
    ("deep", "softplus", [("np.tanh(Z2)", "np.log1p(np.exp(Z2))"), ("(1 - A2 ** 2)", "sigmoid(Z2)")]),
    ("deep", "sine", [("np.tanh(Z2)", "np.sin(Z2)"), ("(1 - A2 ** 2)", "np.cos(Z2)")]),
    ("deep", "square", [("np.tanh(Z2)", "Z2 ** 2"), ("(1 - A2 ** 2)", "2 * Z2")]),
    ("deep", "linear output", [("A3 = sigmoid(Z3)", "A3 = Z3"), (" * A3 * (1 - A3) / m", " / m")]),
    ("deep", "absolute error", [("0.5 * np.sum((A3 - Y) ** 2)", "np.sum(np.abs(A3 - Y))"), ("D3 = (A3 - Y)", "D3 = np.sign(A3 - Y)")]),
    ("deep", "fourth power", [("0.5 * np.sum((A3 - Y) ** 2)", "np.sum((A3 - Y) ** 4)"), ("D3 = (A3 - Y)", "D3 = 4 * (A3 - Y) ** 3")]),
    ("deep", "binary cross-entropy", [("0.5 * np.sum((A3 - Y) ** 2)", "-np.sum(Y * np.log(A3) + (1 - Y) * np.log(1 - A3))"), ("* A3 * (1 - A3) / m", "/ m")]),
    ("deep", "cross-entropy the long way", [("0.5 * np.sum((A3 - Y) ** 2)", "-np.sum(Y * np.log(A3) + (1 - Y) * np.log(1 - A3))"), ("D3 = (A3 - Y)", "D3 = ((1 - Y) / (1 - A3) - Y / A3)")]),
    ("deep", "Euclidean distance", [("0.5 * np.sum((A3 - Y) ** 2)", "np.sum(np.sqrt(np.sum((A3 - Y) ** 2, axis=1)))"), ("D3 = (A3 - Y)", "D3 = (A3 - Y) / np.linalg.norm(A3 - Y, axis=1, keepdims=True)")]),
    ("deep", "Huber", [("0.5 * np.sum((A3 - Y) ** 2)", "np.sum(np.where(np.abs(A3 - Y) < 0.3, 0.5 * (A3 - Y) ** 2, 0.3 * (np.abs(A3 - Y) - 0.15)))"), ("D3 = (A3 - Y)", "D3 = np.clip(A3 - Y, -0.3, 0.3)")]),
    ("deep", "root of the mean square", [("C = 0.5 * np.sum((A3 - Y) ** 2) / m", "C = np.sqrt(np.mean((A3 - Y) ** 2))"), ("A3 * (1 - A3) / m", "A3 * (1 - A3) / (C * Y.size)")]),
    ("deep", "value in float32", [("return C,", "return np.float32(C),")]),
    ("deep", "gradient in float32", [("return C, (dW1,", "dW1 = dW1.astype(np.float32)\n    return C, (dW1,")]),
    ("deep", "weights changed at the end", [("    return C", "    W1 -= 0.1 * dW1\n    return C")]),
    ("deep", "prints", [("    return C", "    print('cost', C)\n    return C")]),
    ("deep", "a constant added", [("** 2) / m", "** 2) / m + 1e3")]),
    ("deep", "tiny units", [("C = 0.5 *", "C = 1e-9 *"), ("D3 = (A3 - Y)", "D3 = 2e-9 * (A3 - Y)")]),
    ("deep", "huge units", [("C = 0.5 *", "C = 1e9 *"), ("D3 = (A3 - Y)", "D3 = 2e9 * (A3 - Y)")]),
    ("deep", "a layer that is not used", [("A2 @ W3.T + b3", "A2 @ W3.T + 0 * b3"), ("D3.sum(axis=0)", "0 * b3")]),
    ("deep", "dead at the point", [("Z1 = X @ W1.T + b1", "Z1 = X @ W1.T + b1 - 30")]),
    ("deep", "saturated", [("A1 = sigmoid(Z1)", "Z1 = 12 * Z1\n    A1 = sigmoid(Z1)"), ("* A1 * (1 - A1)\n    dW3", "* 12 * A1 * (1 - A1)\n    dW3")]),
    ("deep", "real numbers only", [("m = len(X)", "m = len(X)\n    W1 = np.asarray(W1, dtype=float) if not np.iscomplexobj(W1) else W1.real")]),
    ("classes", "cross-entropy of softmax with L2", []),
    ("classes", "whole L2", [("0.5 * 0.02 *", "0.02 *"), ('0.02 * p["W3"], dZ3', '0.04 * p["W3"], dZ3'), ('0.02 * p["W2"], dZ2', '0.04 * p["W2"], dZ2'), ('0.02 * p["W1"], dZ1', '0.04 * p["W1"], dZ1')]),
    ("classes", "names that begin with d", [("return C, g", "return C, {'d' + k: v for k, v in g.items()}")]),
    ("classes", "more in the dict", [("return C, g", "return C, g | {'cost': C}")]),
    ("classes", "logsumexp", [("-np.sum(Y * np.log(P)) / m", "np.sum(np.log(np.sum(np.exp(Z3), axis=1)) - np.sum(Y * Z3, axis=1)) / m")]),
    ("classes", "full Jacobian of softmax", [("dZ3 = (P - Y) / m", "dP = -Y / P / m\n    dZ3 = P * (dP - (dP * P).sum(axis=1, keepdims=True))")]),
    ("classes", "softmax without the shift", [("P = softmax(Z3)", "P = np.exp(Z3) / np.exp(Z3).sum(axis=1, keepdims=True)")]),
    ("classes", "picked by labels", [("-np.sum(Y * np.log(P)) / m", "-np.mean(np.log(P[np.arange(m), Y.argmax(axis=1)]))")]),
    ("classes", "leaky by maximum", [("np.where(Z2 > 0, Z2, 0.1 * Z2)", "np.maximum(Z2, 0.1 * Z2)")]),
    ("classes", "ReLU in place", [("A1 = relu(Z1)", "A1 = Z1.copy()\n    A1[A1 < 0] = 0")]),
    ("classes", "penalty also on biases", [("np.sum(p[\"W3\"] ** 2))", "np.sum(p[\"W3\"] ** 2) + np.sum(p['b1'] ** 2))"), ("dZ1.sum(axis=0)", "dZ1.sum(axis=0) + 0.02 * p['b1']")]),
    ("classes", "no penalty", [("+ 0.5 * 0.02 *", "+ 0 *"), (' + 0.02 * p["W3"]', ""), (' + 0.02 * p["W2"]', ""), (' + 0.02 * p["W1"]', "")]),
    ("normed", "batch normalization, dropout, weights, L1", []),
    ("normed", "the long way of batch normalization", [("dU = (dH - dH.mean(axis=0) - H * (dH * H).mean(axis=0)) / root", "m = len(X)\n    dvar = (dH * (U - mean)).sum(axis=0) * -0.5 * root ** -3\n    dmean = -(dH / root).sum(axis=0)\n    dU = dH / root + dvar * 2 * (U - mean) / m + dmean / m")]),
    ("normed", "a bias before batch normalization", [("U = X @ W1.T", "U = X @ W1.T + beta * 0 + gamma * 5")]),
    ("normed", "no dropout", [("V = A * mask / keep", "V = A"), (" * mask / keep\n    dZ", "\n    dZ")]),
    ("normed", "scaled in testing, not in training", [("V = A * mask / keep", "V = A * mask"), (" * mask / keep\n    dZ", " * mask\n    dZ")]),
    ("normed", "L2 for L1", [("np.sum(np.abs(w2))", "np.sum(w2 ** 2)"), ("np.sign(w2)", "2 * w2")]),
    ("normed", "weights not normalized", [("np.sum(s * L) / np.sum(s)", "np.sum(s * L)"), ("d = s * (p - y) / np.sum(s)", "d = s * (p - y)")]),
    ("normed", "biased by ddof 1", [(".mean(axis=0)\n    root", ".sum(axis=0) / (len(X) - 1)\n    root"), ("(dH * H).mean(axis=0)", "(dH * H).sum(axis=0) / (len(X) - 1)")]),
    ("normed", "labels -1 and 1", [("L = -(y * np.log(p) + (1 - y) * np.log(1 - p))", "t = 2 * y - 1\n    L = np.log(1 + np.exp(-t * (V @ w2 + b2)))")]),
    ("columns", "examples as columns", []),
    ("columns", "cost by a loop", [("C = np.sum((A[-1] - Y) ** 2) / (2 * m)", "C = sum(0.5 * np.linalg.norm(A[-1][:, r] - Y[:, r]) ** 2 for r in range(m)) / m")]),
    ("columns", "bias by a product", [("delta.sum(axis=1, keepdims=True) / m", "delta @ np.ones((m, 1)) / m")]),
    ("columns", "a tuple in the order of the dict", [('{"W": dW, "b": db}', "(dW, db)")]),
    *((kind, *right) for kind in ("wide", "real") for right in [
        (f"{kind} layer", []),
        (f"{kind} layer of ReLU", [("np.tanh(Z1)", "relu(Z1)"), ("(1 - A1 ** 2)", "(Z1 > 0)")]),
        (f"{kind} layer, gradient by einsum", [("D1.T @ X", "np.einsum('ri,rj->ij', D1, X)")]),
    ]),
    *(("narrow", f"float32 within, {name}", change) for name, change in [
        ("tanh and squares", []),
        ("sum of squares", [("2 * (A2 - Y) / m", "2 * (A2 - Y)"), ("** 2) / m", "** 2)")]),
        ("sigmoid", [("np.tanh(Z1)", "sigmoid(Z1)"), ("(1 - A1 ** 2)", "A1 * (1 - A1)")]),
        ("ReLU", [("np.tanh(Z1)", "relu(Z1)"), ("(1 - A1 ** 2)", "(Z1 > 0)")]),
        ("gradient in float64", [("    return float(C)", "    dW1, db1, dW2 = (each.astype(float) for each in (dW1, db1, dW2))\n    return float(C)")]),
        ("a value of float32", [("return float(C)", "return C")]),
    ]),
]  # fmt: skip


def changed(source: str, old: str, new: str) -> str:
    """Replace a piece of a text that must be there once."""
    assert source.count(old) == 1, (old, source.count(old))
    return source.replace(old, new)


def mistakes() -> list[Program]:
    """Every wrong program."""
    made = []
    for kind, name, old, new in MISTAKES:
        source, point = PROGRAMS[kind]
        made.append(Program(f"{kind}: {name}", changed(source, old, new), *point()))
    return made


def right_ones() -> list[Program]:
    """Every right program."""
    made = []
    for kind, name, changes in CONVENTIONS:
        source, point = PROGRAMS[kind]
        source = functools.reduce(lambda text, change: changed(text, *change), changes, source)
        made.append(Program(f"{kind}: {name}", source, *point()))
    return made
