"""What of a model an exported file says: its layers as arrays, its functions, and what its outputs mean."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from chainrule.data.encoded import CategoryColumn, NumberColumn
from chainrule.data.encoder import TableEncoder
from chainrule.errors import UsageError
from chainrule.formulas import Activation, Array
from chainrule.model import Model
from chainrule.network import Dense, Dropout
from chainrule.storage.exporting.lifted import Function, lift

__all__ = ["DenseStep", "NormStep", "Plan", "Step", "identifier", "make_plan"]

# What files define besides the activations, and names that would hide what they use.
RESERVED = {
    *(
        "predict",
        "predict_proba",
        "outputs",
        "transform",
        "forward",
        "encode",
        "one_hot",
        "as_rows",
        "as_inputs",
        "encode_inputs",
        "scaled",
        "is_missing",
        "rows_of",
        "unpack",
    ),
    *("dense", "normalize", "self_test", "np", "math", "base64", "struct", "erfc", "erfcx", "divide", "power"),
    *("exp", "expm1", "log", "log10", "log1p", "log2", "sqrt", "abs", "all", "float", "int", "isinstance", "len"),
    *("any", "bool", "bytes", "dict", "hasattr", "list", "str"),
    *("max", "min", "print", "range", "round", "sum", "zip", "main", "test", "inputs", "classes"),
}
# What files call their arrays, and single letters.
VARIABLE = re.compile(r"\w|(a|b|W|gamma|beta|mean|var|deviation)\d+", re.IGNORECASE)


@dataclass(frozen=True)
class DenseStep:
    """A dense layer: Z = A W^T + b, then its function.

    Args:
        l: its number.
        W: (N_l, N_{l-1}).
        b: (N_l,), one number where the layer shares it, or None.
        function: the activation, or None for the identity.
        numbers: the activation's parameters.
    """

    l: int
    W: Array
    b: Array | None
    function: Function | None
    numbers: dict[str, float]

    @property
    def shared(self) -> bool:
        """Whether one bias stands for all."""
        return self.b is not None and self.b.ndim == 0


@dataclass(frozen=True)
class NormStep:
    """Batch normalization as in prediction: Z = gamma (A - mean) / sqrt(var + epsilon) + beta, then its function."""

    l: int
    gamma: Array
    beta: Array
    mean: Array
    var: Array
    epsilon: float
    function: Function | None
    numbers: dict[str, float]


Step = DenseStep | NormStep


@dataclass(frozen=True)
class Plan:
    """A model, taken apart for export.

    Args:
        name: what the file is called, a name that Python takes.
        model: where all comes from.
        steps: the layers that compute something.
        functions: the activations, each once.
        code: the layer whose activations ``transform`` gives, or None.
    """

    name: str
    model: Model
    steps: tuple[Step, ...]
    functions: tuple[Function, ...]
    code: int | None = None

    @property
    def single(self) -> bool:
        """Whether numbers are float32, else float64."""
        return self.model.dtype == np.float32

    @property
    def sizes(self) -> tuple[int, ...]:
        """(N_0, …, N_K)."""
        return self.model.network.sizes

    @property
    def classes(self) -> tuple[Any, ...] | None:
        """The labels, or None."""
        return self.model.classes

    @property
    def encoder(self) -> TableEncoder | None:
        """What raw rows pass through, or None."""
        return self.model.encoder

    @property
    def outputs(self) -> int:
        """N_K."""
        return self.sizes[-1]

    @property
    def kind(self) -> str:
        """What `predict` gives: "classes", "multilabel", "values" or, of an untrained model, "outputs"."""
        if self.model.target is None:
            return "outputs"
        return {"classification": "classes", "regression": "values"}.get(self.model.task, self.model.task)

    @property
    def probabilities(self) -> str | None:
        """How outputs become probabilities: "pair" (1 - a, a), "shares" of their sum, "plain" as they are, or None."""
        activation = self.model.network.output_activation
        probable = activation.range[0] >= 0 and activation.range[1] <= 1
        if not probable or self.model.task == "regression":
            return None
        if self.outputs == 1 and self.model.task != "multilabel":
            return "pair"
        return "plain" if activation.name == "softmax" or self.classes is None else "shares"

    @cached_property
    def unit(self) -> tuple[Array, Array] | None:
        """(center, scale) of values that were standardized for training, else None."""
        target = self.model.target
        if self.kind != "values" or target is None:
            return None
        center, scale = np.array(target.center), np.array(target.scale)
        return None if not center.any() and (scale == 1).all() else (center, scale)

    @property
    def flat(self) -> bool:
        """Whether a prediction is one number, not a row of them."""
        target = self.model.target
        return target is not None and target.flat and self.outputs == 1 and self.kind != "classes"

    @cached_property
    def numeric(self) -> bool:
        """Whether the encoder only scales numbers: (x - center) / scale."""
        columns = self.encoder.columns if self.encoder is not None else ()
        return bool(columns) and all(isinstance(c, NumberColumn) and not c.gaps for c in columns)

    @property
    def has_categories(self) -> bool:
        """Whether a raw row holds categories."""
        columns = self.encoder.columns if self.encoder is not None else ()
        return any(isinstance(column, CategoryColumn) for column in columns)

    @cached_property
    def operations(self) -> set[str]:
        """The operations of all functions."""
        from chainrule.storage.exporting.functions import uses

        return {op for function in self.functions for op in uses(function)}


def make_plan(model: Model, name: str, code: int | None = None) -> Plan:
    """Take a model apart.

    Args:
        model: trained or not.
        name: what to call it; made a name of Python's where it is none.
        code: the layer whose activations ``transform`` gives, 1 … K, or None.

    Raises:
        UsageError: for parameters that are not finite, an activation that cannot be written down, or a layer that is
            none.

    >>> from chainrule import Network
    >>> plan = make_plan(Network.from_sizes([2, 3, 1]).init(), "two layers")
    >>> plan.name, [step.l for step in plan.steps], [function.name for function in plan.functions]
    ('two_layers', [1, 2], ['relu'])
    """
    if code is not None and (
        isinstance(code, bool) or not isinstance(code, int) or not 1 <= code <= model.network.depth
    ):
        raise UsageError(
            "code is {code!r}; it must be the number of a layer, 1 to {depth}, or None",
            code=code,
            depth=model.network.depth,
        )
    for vector in (model.theta, model.state):
        if not np.isfinite(vector).all():
            raise UsageError(
                "the model has parameters that are not finite, so nothing could be computed with an exported file; "
                "train again with a smaller learning rate"
            )
    functions = _Functions(model.dtype == np.float32)
    steps = tuple(_steps(model, functions))
    return Plan(identifier(name), model, steps, tuple(functions.found), code)


def _steps(model: Model, functions: _Functions) -> Iterator[Step]:
    p, s, network = model.parameters, model.statistics, model.network
    for layer, l in network.steps:
        if isinstance(layer, Dropout):
            continue
        function, numbers = functions.of(layer.activation, network.sizes[l])
        if isinstance(layer, Dense):
            b = p.shared[l][0] if l in p.shared else p.b[l]
            yield DenseStep(l, p.W[l], None if b is None else np.asarray(b), function, numbers)
        else:
            yield NormStep(l, p.gamma[l], p.beta[l], s.mean[l], s.var[l], layer.epsilon, function, numbers)


@dataclass
class _Functions:
    """The functions that a file needs, each under a name of its own."""

    single: bool
    found: list[Function] = field(default_factory=list)

    def of(self, activation: Activation, N: int) -> tuple[Function | None, dict[str, float]]:
        """Give the function of an activation and the numbers to call it with."""
        lifted = lift(activation, N, self.single)
        if lifted.is_identity:
            return None, {}
        same = next((f for f in self.found if _alike(f, lifted)), None)
        if same is None:
            taken = {function.name for function in self.found}
            base = identifier(lifted.name, "f")
            base += "_activation" * (base in RESERVED or bool(VARIABLE.fullmatch(base)))
            names = (base, *(f"{base}_{k}" for k in range(2, len(taken) + 3)))
            same = replace(lifted, name=next(name for name in names if name not in taken))
            self.found.append(same)
        return same, lifted.numbers  # type: ignore[return-value]


def _alike(f: Function, g: Function) -> bool:
    return f.program == g.program and f.doc == g.doc


def identifier(text: str, otherwise: str = "model") -> str:
    """Make a name that Python takes out of any text.

    >>> identifier("iris-2.final"), identifier("3 layers"), identifier("class"), identifier("***")
    ('iris_2_final', 'model_3_layers', 'class_', 'model')
    """
    name = re.sub(r"\W+", "_", text).strip("_") or otherwise
    if not name.isidentifier():
        name = f"{otherwise}_{name}"
    if not name.isidentifier():
        return otherwise
    return f"{name}_" if keyword.iskeyword(name) or keyword.issoftkeyword(name) else name
