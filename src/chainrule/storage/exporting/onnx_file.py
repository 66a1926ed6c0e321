"""A model as an ONNX graph: labels and probabilities, or values, from inputs or from a table's raw columns."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from chainrule._version import __version__
from chainrule.data.encoded import CategoryColumn, NumberColumn
from chainrule.errors import MissingExtra, UsageError
from chainrule.storage.exporting.onnx_graph import GraphBuilder
from chainrule.storage.exporting.plan import DenseStep, Plan, Step
from chainrule.storage.exporting.wording import purpose, summary

__all__ = ["IR_VERSION", "OPSET", "write_onnx"]

# Of 2022: ONNX 1.12, ONNX Runtime 1.12 and whatever is newer.
OPSET = 17
ML_OPSET = 3
IR_VERSION = 8
RESULTS = ("X", "label", "labels", "probabilities", "scores", "values", "outputs", "code")


def write_onnx(plan: Plan) -> bytes:
    """Write the graph, checked by ONNX's own checker.

    Args:
        plan: the model.

    Raises:
        MissingExtra: where the package onnx is not installed.
        UsageError: for an activation that ONNX has no operations for.

    >>> import onnx
    >>> from chainrule import Network
    >>> from chainrule.storage.exporting.plan import make_plan
    >>> graph = onnx.load_from_string(write_onnx(make_plan(Network.from_sizes([2, 3, 1]).init(), "net"))).graph
    >>> [node.op_type for node in graph.node], [output.name for output in graph.output]
    (['Gemm', 'Max', 'Gemm', 'Identity'], ['outputs'])
    """
    try:
        import onnx
        from onnx import helper
    except ImportError as error:
        raise MissingExtra.of("exporting to ONNX", "onnx", "onnx") from error
    writer = _Writer(plan)
    model = helper.make_model(
        writer.graph(),
        producer_name="chainrule",
        producer_version=__version__,
        opset_imports=[
            helper.make_opsetid("", OPSET),
            *([helper.make_opsetid("ai.onnx.ml", ML_OPSET)] if writer.one_hot else []),
        ],
        ir_version=IR_VERSION,
        doc_string=f"{plan.name}: {purpose(plan)}. {summary(plan)}.",
    )
    helper.set_model_props(model, _properties(plan))
    onnx.checker.check_model(model, full_check=True)
    content: bytes = model.SerializeToString(deterministic=True)
    return content


def _properties(plan: Plan) -> dict[str, str]:
    """Say in the file what its numbers mean."""
    names = list(plan.encoder.inputs) if plan.encoder is not None else None
    found = {"task": plan.model.task, "network": summary(plan), "columns": names, "classes": plan.classes}
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in found.items() if value}


def _utf8(text: str) -> str:
    """Give a text back that UTF-8 can hold.

    Raises:
        UsageError: for another.
    """
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise UsageError(
            "{text!r} cannot be written in UTF-8, which ONNX needs; rename it, or export to numpy, python or c",
            text=text,
        ) from None
    return text


class _Writer:
    """Writes one graph."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.inputs: list[Any] = []
        self.outputs: list[Any] = []
        self.one_hot = plan.has_categories
        names = [_utf8(name) or f"column{k}" for k, name in enumerate(plan.encoder.inputs)] if plan.encoder else []
        self.columns = names if not plan.numeric else []
        self.b = GraphBuilder(plan.single, [*RESULTS, *self.columns])

    def graph(self) -> Any:
        from onnx import helper

        A = self.encoded()
        by_layer = {0: A}
        for step in self.plan.steps:
            by_layer[step.l] = A = self.layer(step, A)
        self.answers(A)
        if (code := self.plan.code) is not None:
            self.give("code", by_layer[code], self.b.dtype, [self.plan.sizes[code]])
        return helper.make_graph(self.b.nodes, self.plan.name, self.inputs, self.outputs, self.b.constants)

    def take(self, name: str, dtype: Any, columns: int) -> str:
        """Add an input of the graph."""
        from onnx import TensorProto, helper

        kind = TensorProto.STRING if dtype is str else helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        self.inputs.append(helper.make_tensor_value_info(name, kind, ["n", columns]))
        return name

    def give(self, name: str, value: str, dtype: Any, shape: list[int]) -> None:
        """Make a value an output of the graph."""
        from onnx import TensorProto, helper

        kind = TensorProto.STRING if dtype is str else helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        self.b.nodes.append(helper.make_node("Identity", [value], [name], name=f"give {name}"))
        self.outputs.append(helper.make_tensor_value_info(name, kind, ["n", *shape]))

    def encoded(self) -> str:
        """Take the inputs, or raw columns, which are then encoded in float64 as the model does it."""
        plan, b = self.plan, self.b
        if plan.encoder is None:
            return self.take("X", b.dtype, plan.sizes[0])
        if plan.numeric:
            columns = [c for c in plan.encoder.columns if isinstance(c, NumberColumn)]
            x = self.scaled(self.take("X", np.float64, len(columns)), columns)
            return b.cast(x, b.dtype, "A0") if plan.single else x
        pieces: list[str] = []
        for name, column in zip(self.columns, plan.encoder.columns, strict=True):
            if isinstance(column, NumberColumn):
                x = self.take(name, np.float64, 1)
                scaled = self.scaled(x, [column])
                pieces.append(b.cast(scaled, b.dtype) if plan.single else scaled)
                pieces += [b.cast(b.add("IsNaN", x), b.dtype)] if column.gaps else []
            else:
                pieces += self.ones(self.take(name, str, 1), column)
        return b.add("Concat", *pieces, axis=1, to="A0")

    def scaled(self, x: str, columns: list[NumberColumn]) -> str:
        """(x - center) / scale, with fill where x is missing; a scale of inf makes 0 of what never changed."""
        b = self.b
        fill, center = ([getattr(c, name) for c in columns] for name in ("fill", "center"))
        scale = [c.scale or np.inf for c in columns]
        known = b.add("Where", b.add("IsNaN", x), b.constant([fill], dtype=np.float64), x)
        centred = b.add("Sub", known, b.constant([center], dtype=np.float64))
        return b.add("Div", centred, b.constant([scale], dtype=np.float64))

    def ones(self, x: str, column: CategoryColumn) -> list[str]:
        """1 at a row's category and 0 elsewhere; an empty text is a missing cell."""
        b, count = self.b, len(column.categories)
        texts = [_utf8(text).encode() for text in (*column.categories, "")]
        every = b.add("OneHotEncoder", x, domain="ai.onnx.ml", cats_strings=texts, zeros=1)
        every = b.add("Squeeze", every, b.constant([1], dtype=np.int64))
        every = every if self.plan.single else b.cast(every, b.dtype)
        known, missing = (
            b.add("Slice", every, *(b.constant([k], dtype=np.int64) for k in (first, last, 1)))
            for first, last in ((0, count), (count, count + 1))
        )
        pieces = [known]
        if column.rare:
            total = b.add("ReduceSum", every if column.gaps else known, b.constant([1], dtype=np.int64), keepdims=1)
            pieces.append(b.add("Sub", b.constant(1), total))
        return [*pieces, missing] if column.gaps else pieces

    def layer(self, step: Step, A: str) -> str:
        b, l, N = self.b, step.l, self.plan.sizes[step.l]
        name = f"Z{l}" if step.function is not None else f"A{l}"
        if isinstance(step, DenseStep):
            W = b.constant(step.W, f"W{l}")
            bias = [] if step.b is None else [b.constant(np.broadcast_to(step.b, (N,)), f"b{l}")]
            Z = b.add("Gemm", A, W, *bias, transB=1, to=name)
        else:
            with np.errstate(all="ignore"):
                deviation = np.sqrt(step.var + step.epsilon)
            centred = b.add("Sub", A, b.constant(step.mean, f"mean{l}"))
            hat = b.add("Div", centred, b.constant(deviation, f"deviation{l}"))
            scaled = b.add("Mul", b.constant(step.gamma, f"gamma{l}"), hat)
            Z = b.add("Add", scaled, b.constant(step.beta, f"beta{l}"), to=name)
        return Z if step.function is None else b.call(step.function, Z, step.numbers, N, f"A{l}")

    def answers(self, A: str) -> None:
        plan, b, N = self.plan, self.b, self.plan.outputs
        if plan.kind == "classes":
            self.label(A)
        elif plan.kind == "multilabel":
            yes = b.cast(b.add("GreaterOrEqual", A, b.constant(0.5)), np.int64)
            self.give("labels", self.flat(yes) if plan.flat else yes, np.int64, [] if plan.flat else [N])
        elif plan.kind == "values":
            self.values(A)
        else:
            self.give("outputs", A, b.dtype, [N])
        if plan.probabilities is not None:
            self.probabilities(A)
        elif plan.kind == "classes":
            self.give("scores", A, b.dtype, [N])

    def flat(self, x: str) -> str:
        return self.b.add("Squeeze", x, self.b.constant([1], dtype=np.int64))

    def label(self, A: str) -> None:
        plan, b = self.plan, self.b
        assert plan.classes is not None
        if plan.outputs == 1:
            k = self.flat(b.cast(b.add("GreaterOrEqual", A, b.constant(0.5)), np.int64))
        else:
            k = b.add("ArgMax", A, axis=1, keepdims=0)
        kind = type(plan.classes[0])
        dtype: Any = {str: str, bool: np.bool_, int: np.int64, float: np.float64}[kind]
        known = [_utf8(label) for label in plan.classes] if kind is str else plan.classes
        labels = np.array(known, dtype=object if kind is str else dtype)
        self.give("label", b.add("Gather", b.constant(labels, "classes", labels.dtype), k, axis=0), dtype, [])

    def values(self, A: str) -> None:
        plan, b = self.plan, self.b
        if plan.unit is not None:
            wide = b.cast(A, np.float64) if plan.single else A
            center, scale = (b.constant(part, dtype=np.float64) for part in plan.unit)
            A = b.add("Add", b.add("Mul", wide, scale), center)
            A = b.cast(A, b.dtype) if plan.single else A
        self.give("values", self.flat(A) if plan.flat else A, b.dtype, [] if plan.flat else [plan.outputs])

    def probabilities(self, A: str) -> None:
        plan, b = self.plan, self.b
        N = plan.outputs
        if plan.probabilities == "pair":
            A, N = b.add("Concat", b.add("Sub", b.constant(1), A), A, axis=1), 2
        elif plan.probabilities == "shares":
            total = b.add("ReduceSum", A, b.constant([1], dtype=np.int64), keepdims=1)
            some = b.add("Greater", total, b.constant(0))
            share = b.add("Div", A, b.add("Where", some, total, b.constant(1)))
            A = b.add("Where", some, share, b.constant(1 / N))
        self.give("probabilities", A, b.dtype, [N])
