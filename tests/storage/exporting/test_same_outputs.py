"""Random models: ONNX Runtime, both Python files and compiled C give the model's own outputs, labels and values."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from chainrule.data.targets import TargetEncoder
from chainrule.formulas import ACTIVATIONS, LOSSES
from chainrule.model import Model
from chainrule.network import BatchNorm, Dense, Dropout, Network

from .conftest import needs_gcc, run_c, run_onnx, run_python, self_test_of_c, write_all

CASES = min(200, int(os.environ.get("CHAINRULE_CASES", "15")))
# Relative to the larger of 1 and the number. In float32 the model's own rounding is most of it.
WITHIN = {np.dtype(np.float32): 1e-6, np.dtype(np.float64): 1e-12}
LABELS: list[tuple[Any, ...]] = [
    ("yes", "no", "perhaps", "是", 'q"uote', "back\\slash", "new\nline", "int", "*/", "??="),
    tuple(range(-3, 7)),
    tuple(k + 0.5 for k in range(10)),
]


@dataclass
class Case:
    """A random model and rows."""

    model: Model
    X: npt.NDArray[Any]
    code: int | None

    def __str__(self) -> str:
        return f"{self.model!r} {self.model.target} code={self.code}"


def make_case(seed: int) -> Case:
    rng = np.random.default_rng([seed, 5])
    dtype = np.dtype(["f4", "f8"][seed % 2])
    names = [name for name in ACTIVATIONS if name != "softmax" or rng.random() < 0.3]
    layers: list[Any] = []
    inputs = int(rng.choice([1, 2, 5, 13, 40]))
    if rng.random() < 0.15:
        layers.append(Dropout(0.3))
    if rng.random() < 0.1:
        layers.append(BatchNorm(str(rng.choice(names))))
    for _ in range(rng.integers(0, 4)):
        name = ACTIVATIONS.find(str(rng.choice(names)))
        if "alpha" in name.parameters and rng.random() < 0.5:
            name = name.with_parameters(alpha=round(float(rng.uniform(0.05, 1.5)), 2))
        normed = rng.random() < 0.25
        bias = str(rng.choice(["neuron", "neuron", "layer", "fixed", "none"]))
        layers.append(Dense(int(rng.integers(1, 40)), "identity" if normed else name, bias=bias))
        layers += [BatchNorm(name)] if normed else []
        layers += [Dropout(0.5)] if rng.random() < 0.2 else []
    kind = str(rng.choice(["classes", "two classes", "sigmoids", "multilabel", "values", "outputs"]))
    last, output = layer_for(kind, rng)
    layers.append(Dense(last, output, bias=str(rng.choice(["neuron", "layer", "none"]))))
    network = Network(layers, inputs)
    model = network.init(seed=seed, dtype=dtype)
    fill(model, rng)
    give_target(model, kind, rng)
    X = rng.normal(size=(40, inputs)).astype(dtype)
    return Case(model, X, int(rng.integers(1, network.depth + 1)) if rng.random() < 0.3 else None)


def layer_for(kind: str, rng: np.random.Generator) -> tuple[int, str]:
    several = int(rng.integers(2, 8))
    return {
        "classes": (several, str(rng.choice(["softmax", "softmax", "identity"]))),
        "two classes": (1, "sigmoid"),
        "sigmoids": (several, "sigmoid"),
        "multilabel": (int(rng.integers(1, 6)), "sigmoid"),
        "values": (int(rng.integers(1, 4)), str(rng.choice(["identity", "softplus", "tanh"]))),
        "outputs": (several, str(rng.choice(list(ACTIVATIONS)))),
    }[kind]


def fill(model: Model, rng: np.random.Generator) -> None:
    """Give biases and statistics numbers as training would."""
    for name in model:
        if name.startswith("b"):
            model[name] = model[name] + (0.3 * rng.normal(size=model[name].shape) if name not in shared(model) else 0.2)
        elif name.startswith("gamma"):
            model[name] = 1 + 0.2 * rng.normal(size=model[name].shape)
    for entry in model.network.state_entries:
        size = entry.shape
        model[entry.name] = 0.3 * rng.normal(size=size) if entry.kind == "mean" else rng.uniform(0.3, 2, size=size)


def shared(model: Model) -> set[str]:
    return {entry.name for entry in model.network.entries if entry.shared}


def give_target(model: Model, kind: str, rng: np.random.Generator) -> None:
    N = model.network.outputs
    if kind in ("classes", "two classes", "sigmoids"):
        labels: tuple[Any, ...] = LABELS[int(rng.integers(3))][: max(N, 2)]
        if N == 1 and rng.random() < 0.5:
            labels = (False, True)
        model.target = TargetEncoder("classes", classes=labels)
        model.loss = {"softmax": "categorical_cross_entropy", "sigmoid": "binary_cross_entropy"}.get(  # type: ignore[assignment]
            model.network.output_activation.name, "mean_squared_error"
        )
    elif kind == "multilabel":
        model.loss = LOSSES["binary_cross_entropy"]
        model.target = TargetEncoder("values", center=(0.0,) * N, scale=(1.0,) * N, flat=N == 1)
    elif kind == "values":
        unit = rng.random() < 0.5
        center = tuple((100 * rng.normal(size=N)).tolist()) if unit else (0.0,) * N
        scale = tuple(rng.uniform(0.5, 30, size=N).tolist()) if unit else (1.0,) * N
        model.loss = LOSSES["mean_squared_error"]
        model.target = TargetEncoder("values", center=center, scale=scale, flat=N == 1)


def off(got: Any, wanted: npt.NDArray[Any], size: npt.NDArray[Any]) -> float:
    """How far numbers are off, relative to the larger of 1 and their size."""
    found, exact = np.asarray(got, dtype=np.float64), wanted.astype(np.float64)
    assert found.shape == exact.shape
    return float(np.max(np.abs(found - exact) / np.maximum(1, size)))


def size_of(case: Case, name: str, wanted: dict[str, npt.NDArray[Any]]) -> npt.NDArray[Any]:
    """The size of what is wanted; of a value that was put together from scale * a + center, that of its parts."""
    target = case.model.target
    if name == "predict" and target is not None and target.kind == "values":
        parts = np.abs(wanted["outputs"] * np.array(target.scale)) + np.abs(np.array(target.center))
        return parts.reshape(wanted[name].shape)
    return np.abs(wanted[name])


def sure(case: Case, outputs: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Rows whose label no rounding can change."""
    if outputs.shape[1] == 1 or case.model.task == "multilabel":
        return (np.abs(outputs - 0.5) > 1e-4).all(axis=1)
    two = np.sort(outputs, axis=1)[:, -2:]
    return two[:, 1] - two[:, 0] > 1e-4


def expected(case: Case) -> dict[str, npt.NDArray[Any]]:
    model, X = case.model, case.X
    found = {"outputs": model.outputs(X), "predict": model.predict(X)}
    low, high = model.network.output_activation.range
    if model.task != "regression" and low >= 0 and high <= 1:
        found["predict_proba"] = model.predict_proba(X)
    if case.code is not None:
        found["transform"] = model.forward(X).A[case.code]
    return found


def is_label(case: Case) -> bool:
    return case.model.target is not None and case.model.task != "regression"


@needs_gcc
@pytest.mark.parametrize("seed", range(CASES))
def test_random_models(seed: int, tmp_path: Path, tally: Callable[..., None]) -> None:
    case = make_case(seed)
    model, wanted = case.model, expected(case)
    limit = WITHIN[model.dtype]
    paths = write_all(model, tmp_path, case.code)
    rows = sure(case, wanted["outputs"])

    def compare(what: str, answers: dict[str, Any]) -> None:
        for name, numbers in wanted.items():
            if name not in answers:
                continue
            got = answers[name]
            if name == "predict" and is_label(case):
                assert np.array(got)[rows].tolist() == numbers[rows].tolist(), (what, str(case))
                continue
            worst = off(got, numbers, size_of(case, name, wanted))
            tally(f"{what}, {model.dtype}", 1, worst, limit)
            assert worst <= limit, (what, name, worst, str(case))

    X = case.X.tolist()
    for to in ("numpy", "python"):
        answers = run_python(paths[to], X, list(wanted), numpy=to == "numpy")
        assert set(answers) == set(wanted)
        compare(to, answers)
    compare("ONNX Runtime", answers_of_onnx(run_onnx(paths["onnx"], {"X": case.X})))
    compare("C", answers_of_c(case, tmp_path, X))
    self_test_of_c(tmp_path, "net")


def answers_of_onnx(found: dict[str, Any]) -> dict[str, Any]:
    names = {
        "label": "predict",
        "labels": "predict",
        "values": "predict",
        "outputs": "outputs",
        "scores": "outputs",
        "probabilities": "predict_proba",
        "code": "transform",
    }
    answers = {names[name]: value for name, value in found.items()}
    assert len(answers) == len(found)
    return answers


def answers_of_c(case: Case, folder: Path, X: list[list[float]]) -> dict[str, Any]:
    """Ask the compiled header for everything, one number after the other."""
    model, wanted = case.model, expected(case)
    kind = "float" if model.dtype == np.float32 else "double"
    N = model.network.outputs
    code, sizes = [f"{kind} a[{N}]; net_outputs(x, a); for (int k = 0; k < {N}; k++) y[count++] = a[k];"], [N]
    if "predict_proba" in wanted:
        C = wanted["predict_proba"].shape[1]
        code.append(f"{kind} p[{C}]; net_predict_proba(x, p); for (int k = 0; k < {C}; k++) y[count++] = p[k];")
        sizes.append(C)
    if case.code is not None:
        C = wanted["transform"].shape[1]
        code.append(f"{kind} c[{C}]; net_transform(x, c); for (int k = 0; k < {C}; k++) y[count++] = c[k];")
        sizes.append(C)
    code.append(predict_code(case, kind))
    rows = np.array(run_c(folder, model, X, "\n".join(code)))
    names = ["outputs", *(["predict_proba"] if "predict_proba" in wanted else [])]
    names += ["transform"] if case.code is not None else []
    pieces = np.split(rows, np.cumsum(sizes), axis=1)
    answers: dict[str, Any] = dict(zip(names, pieces, strict=False))
    last = pieces[-1]
    if model.classes is not None:
        answers["predict"] = np.array(model.classes)[last[:, 0].astype(int)]
    else:
        answers["predict"] = last.reshape(wanted["predict"].shape)
        if model.task == "multilabel" and model.target is not None:
            answers["predict"] = answers["predict"].astype(int)
    return answers


def predict_code(case: Case, kind: str) -> str:
    model, N = case.model, case.model.network.outputs
    if model.classes is not None:
        return "y[count++] = net_predict(x);"
    if model.target is not None and model.task == "multilabel":
        return f"int yes[{N}]; net_predict(x, yes); for (int k = 0; k < {N}; k++) y[count++] = yes[k];"
    if model.target is not None and model.target.flat:
        return "y[count++] = net_predict(x);"
    number = "double" if model.target is not None else kind
    return f"{number} v[{N}]; net_predict(x, v); for (int k = 0; k < {N}; k++) y[count++] = v[k];"
