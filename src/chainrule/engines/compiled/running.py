"""Runs a program with NumPy, operation by operation: so a program is tried out before it is believed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from chainrule.engines.compiled.graph import NUMBER, REDUCTIONS, Node
from chainrule.engines.compiled.rows import Program
from chainrule.formulas import Array

__all__ = ["run"]


def run(program: Program, arrays: Mapping[str, Array], numbers: Mapping[str, float]) -> list[Array]:
    """Give the results for arrays of one shape; columns come with shape (m,).

    >>> import numpy as np
    >>> from chainrule.engines.compiled.lifting import lift_activation
    >>> from chainrule.formulas import ACTIVATIONS
    >>> relu = lift_activation(ACTIVATIONS["relu"], 2)
    >>> run(relu, {"z": np.array([[-1.0, 2.0]])}, {})[0].tolist()
    [[0.0, 2.0]]
    """
    example = next(iter(arrays.values()))
    done: list[Any] = []
    for node in program.nodes:
        args = [done[a] for a in node.args]
        if node.op == "input":
            done.append(arrays[str(node.value)])
        elif node.op == "given":
            done.append(np.float64(numbers[str(node.value)]))
        elif node.op in REDUCTIONS:
            done.append(getattr(np, node.op)(np.broadcast_to(args[0], example.shape), axis=-1, keepdims=True))
        else:
            done.append(_one(node, args, example))
    results = []
    for k, kind in zip(program.results, program.outputs, strict=True):
        shape = example.shape if kind == "rows" else (len(example), 1)
        result = np.broadcast_to(done[k], shape)
        results.append(result if kind == "rows" else result[:, 0])
    return results


def _one(node: Node, args: list[Any], example: Array) -> Any:
    """Give what one operation gives."""
    type = example.dtype.type if node.type == NUMBER else np.float64
    match node.op:
        case "constant":
            return type(node.value)
        case "round" | "indicator":
            return np.asarray(args[0]).astype(example.dtype)
        case "strong":
            return args[0]
        case "pick":
            return np.broadcast_to(args[0], example.shape)[:, int(node.value or 0), np.newaxis]
        case _ if hasattr(np, node.op):
            return getattr(np, node.op)(*args)
    from scipy import special

    return getattr(special, node.op)(*args)
