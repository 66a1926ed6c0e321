"""ONNX Runtime: predicts with the network as an ONNX graph, one `Gemm` a layer."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule.bench.contenders import Way
from chainrule.bench.examples import Examples
from chainrule.bench.workloads import Workload
from chainrule.language import Message
from chainrule.model import Model

__all__ = ["Predicting", "graph", "make"]

Array = npt.NDArray[Any]

_NODES = {"relu": "Relu", "sigmoid": "Sigmoid", "tanh": "Tanh", "softmax": "Softmax"}
_OPSET = 17  # of 2022; all that is needed here is older
_IR_VERSION = 9


def make(workload: Workload, way: Way, examples: Examples) -> Predicting:
    """Make the runner."""
    return Predicting(workload, way, examples)


def graph(workload: Workload, model: Model) -> bytes:
    """Write a network as an ONNX file: X -> Z1 -> A1 -> … -> outputs."""
    onnx: Any = import_module("onnx")
    helper, numbers = onnx.helper, onnx.numpy_helper
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(workload.dtype))
    nodes, arrays, last = [], [], len(workload.sizes) - 1
    for l in range(1, last + 1):
        before = "X" if l == 1 else f"A{l - 1}"
        arrays += [numbers.from_array(np.array(array), name) for name, array in _layer(model, l)]
        nodes.append(helper.make_node("Gemm", [before, f"W{l}", f"b{l}"], [f"Z{l}"], transB=1))
        name = workload.output if l == last else workload.hidden
        nodes.append(helper.make_node(_NODES[name], [f"Z{l}"], [f"A{l}"]))
    inputs = helper.make_tensor_value_info("X", kind, ["rows", workload.sizes[0]])
    outputs = helper.make_tensor_value_info(f"A{last}", kind, ["rows", workload.sizes[-1]])
    whole = helper.make_graph(nodes, "network", [inputs], [outputs], arrays)
    made = helper.make_model(whole, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR_VERSION)
    return bytes(made.SerializeToString())


def _layer(model: Model, l: int) -> list[tuple[str, Array]]:
    return [(f"W{l}", model.W[l]), (f"b{l}", model.b[l])]


class Predicting:
    """Runs a session on the CPU."""

    def __init__(self, workload: Workload, way: Way, examples: Examples) -> None:
        self._runtime: Any = import_module("onnxruntime")
        self.versions, self.note = {"onnxruntime": self._runtime.__version__}, Message("")
        self._workload, self._threads, self._X = workload, way.threads, examples.X

    def begin(self, start: Model, seed: int) -> None:
        """Make a session with the parameters."""
        options = self._runtime.SessionOptions()
        options.intra_op_num_threads = self._threads
        options.inter_op_num_threads = 1
        self._session = self._runtime.InferenceSession(
            graph(self._workload, start), options, providers=["CPUExecutionProvider"]
        )

    def go(self) -> None:
        """Predict."""
        run, given = self._session.run, {"X": self._X}
        for _ in range(self._workload.calls):
            run(None, given)

    def outputs(self, X: Array) -> Array:
        """Give the outputs."""
        return np.asarray(self._session.run(None, {"X": X})[0])
