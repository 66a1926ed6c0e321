"""A model as a Python file that needs NumPy only."""

from __future__ import annotations

from collections.abc import Iterator

from chainrule.formulas import Array
from chainrule.storage.exporting.encoding import encoder_blocks
from chainrule.storage.exporting.functions import numpy_function
from chainrule.storage.exporting.literals import is_large, nested, packed, python_number, python_value
from chainrule.storage.exporting.plan import DenseStep, NormStep, Plan, Step
from chainrule.storage.exporting.python_parts import arrange, call_of, opening, rows_of, self_test
from chainrule.storage.exporting.samples import draw_sample

__all__ = ["write_numpy"]

ERFC = '''def erfc(x):
    """1 - erf(x) of each number, which NumPy lacks; as exact as the C library's."""
    return np.vectorize(math.erfc, otypes=[x.dtype])(x)'''.splitlines()

ERFCX = '''def erfcx(x):
    """exp(x^2) erfc(x) of each number; far out by its series, since the first factor would overflow."""
    near, far = np.minimum(x, 25.0), np.maximum(x, 25.0)
    t = 0.5 / (far * far)
    series = (1 - t * (1 - 3 * t * (1 - 5 * t))) / (far * math.sqrt(math.pi))
    return np.where(x < 25, np.exp(near * near) * erfc(near), series)'''.splitlines()

UNPACK = '''def unpack(text, *shape):
    """Give the array whose bytes, little-endian, stand in a text as base64."""
    return np.frombuffer(base64.b64decode(text), "<{type}").reshape(shape)'''


def write_numpy(plan: Plan, file: str) -> str:
    """Write the file.

    Args:
        plan: the model.
        file: the file's name, for its own text.

    >>> from chainrule import Network
    >>> from chainrule.storage.exporting.plan import make_plan
    >>> text = write_numpy(make_plan(Network.from_sizes([2, 3, 1]).init(), "net"), "net.py")
    >>> print(text[text.index("def outputs") : text.index("def predict")].rstrip())
    def outputs(X):
        \"\"\"Give the outputs of the network, shape (n, 1).\"\"\"
        A0 = as_rows(X)
        A1 = relu(A0 @ W1.T + b1)
        A2 = A1 @ W2.T + b2
        return A2
    """
    large = any(is_large(array) for _, array in _arrays(plan))
    weights = [_weights(plan, step) for step in plan.steps]
    sample = draw_sample(plan)
    compare = [
        f"got, expected = np.asarray({sample.function}(ROWS)), np.array(EXPECTED)",
        "off = np.max(np.abs(got - expected) / np.maximum(1, np.abs(expected)))",
        f"good = off <= {sample.within!r}",
    ]
    return arrange(
        [
            opening(plan, "NumPy only", file),
            _imports(plan, large),
            *([] if large else weights),
            *_constants(plan),
            *encoder_blocks(plan, arrays=True),
            *([ERFC] if plan.operations & {"erfc", "erfcx"} else []),
            *([ERFCX] if "erfcx" in plan.operations else []),
            *(numpy_function(function) for function in plan.functions),
            *([rows_of(plan)] if plan.encoder is not None else []),
            _as_rows(plan),
            *_network(plan),
            *_answers(plan),
            *([UNPACK.replace("{type}", "f4" if plan.single else "f8").splitlines(), *weights] if large else []),
            *self_test(sample, plan, compare),
        ]
    )


def _imports(plan: Plan, large: bool) -> list[str]:
    standard = ["import base64"] * large + ["import math"] * bool(plan.operations & {"erfc", "erfcx"})
    return [*standard, *([""] if standard else []), "import numpy as np"]


def _arrays(plan: Plan) -> Iterator[tuple[str, Array]]:
    for step in plan.steps:
        yield from _arrays_of(step)


def _arrays_of(step: Step) -> Iterator[tuple[str, Array]]:
    kinds = ("W", "b") if isinstance(step, DenseStep) else ("gamma", "beta", "mean", "var")
    for kind in kinds:
        if getattr(step, kind) is not None:
            yield f"{kind}{step.l}", getattr(step, kind)


def _weights(plan: Plan, step: Step) -> list[str]:
    """Write the arrays of a layer."""
    lines: list[str] = []
    for name, array in _arrays_of(step):
        if array.ndim == 0:
            lines.append(f"{name} = {python_number(float(array), plan.single)}  # one bias for the whole layer")
        elif is_large(array):
            shape = ", ".join(map(str, array.shape))
            lines += [f'{name} = unpack("""', *packed(array), f'""", {shape})']
        else:
            end = ", dtype=np.float32)" if plan.single else ")"
            lines += nested(f"{name} = np.array(", array, lambda x: python_number(x, plan.single), end=end)
    if isinstance(step, NormStep):
        lines.append(f"deviation{step.l} = np.sqrt(var{step.l} + {step.epsilon!r})")
    return lines


def _constants(plan: Plan) -> list[list[str]]:
    """Write the labels, or the unit of values."""
    if plan.kind == "classes":
        return [nested("CLASSES = np.array(", list(plan.classes or ()), python_value, end=")")]
    if plan.unit is not None:
        center, scale = plan.unit
        return [
            [
                "# Training brought the values to mean 0 and deviation 1; this is their own unit.",
                *nested("TARGET_CENTER = np.array(", center, repr, end=")"),
                *nested("TARGET_SCALE = np.array(", scale, repr, end=")"),
            ]
        ]
    return []


def _as_rows(plan: Plan) -> list[str]:
    """Write what checks the rows and, where there is an encoder, encodes them."""
    N, kind = plan.sizes[0], "np.float32" if plan.single else "np.float64"
    lines = ["def as_rows(X):"]
    if plan.encoder is None:
        lines += [
            f'    """Give X as a matrix of shape (n, {N}), all of it finite."""',
            f"    X = np.asarray(X, dtype={kind})",
        ]
        encoded = "X"
    elif plan.numeric:
        lines += [
            '    """Give rows of raw numbers, an array, lists or dictionaries, as inputs of the network."""',
            "    if not isinstance(X, np.ndarray):",
            "        X = [[np.nan if is_missing(x) else x for x in row] for row in rows_of(X)]",
            "    X = np.asarray(X, dtype=np.float64)",
        ]
        encoded = f"encode(X).astype({kind})" if plan.single else "encode(X)"
    else:
        lines += [
            '    """Give raw rows, lists of cells or dictionaries, as inputs of the network."""',
            f"    X = np.array([encode(row) for row in rows_of(X)], dtype={kind}).reshape(-1, {N})",
        ]
        encoded = "X"
    if plan.encoder is None or plan.numeric:
        number = f"{N} number{'s' * (N != 1)}"
        lines += [
            f"    X = X.reshape(0, {N}) if X.shape == (0,) else X  # an empty list has no columns",
            f"    if X.ndim != 2 or X.shape[1] != {N}:",
            f'        raise ValueError(f"X has shape {{X.shape}}; expected a list of rows of {number}, [row] for one")',
        ]
    finite = "not np.isfinite(X).all()" if not plan.numeric else "np.isinf(X).any()"
    return [
        *lines,
        f"    if {finite}:",
        '        raise ValueError("X holds what is no finite number")',
        f"    return {encoded}",
    ]


def _network(plan: Plan) -> list[list[str]]:
    """Write the forward pass; in two functions where the code of a layer is wanted."""
    last = plan.steps[-1].l
    front = [step for step in plan.steps if plan.code is not None and step.l <= plan.code]
    behind = [step for step in plan.steps if step not in front]
    blocks = []
    if front:
        lines = [line for step in front for line in _step(step)]
        doc = f'    """Give the activations of layer {plan.code}, shape (n, {plan.sizes[plan.code or 0]})."""'
        blocks.append(["def transform(X):", doc, "    A0 = as_rows(X)", *lines, f"    return A{plan.code}"])
    start = f"    A{plan.code} = transform(X)" if front else "    A0 = as_rows(X)"
    lines = [line for step in behind for line in _step(step)]
    doc = f'    """Give the outputs of the network, shape (n, {plan.outputs})."""'
    return [*blocks, ["def outputs(X):", doc, start, *lines, f"    return A{last}"]]


def _step(step: Step) -> list[str]:
    l = step.l
    if isinstance(step, DenseStep):
        Z = f"A{l - 1} @ W{l}.T" + ("" if step.b is None else f" + b{l}")
        return [f"    A{l} = {call_of(step, Z)}"]
    Z = f"gamma{l} * ((A{l} - mean{l}) / deviation{l}) + beta{l}"
    return [f"    A{l} = {call_of(step, Z)}"]


def _answers(plan: Plan) -> list[list[str]]:
    """Write `predict` and, where there are probabilities, `predict_proba`."""
    one = plan.outputs == 1
    if plan.kind == "classes":
        what = '    """Give the label of the likeliest class for each row."""'
        chosen = "(outputs(X)[:, 0] >= 0.5).astype(int)" if one else "np.argmax(outputs(X), axis=1)"
        body = [what, f"    return CLASSES[{chosen}]"]
    elif plan.kind == "multilabel":
        answers = "(outputs(X) >= 0.5).astype(int)" + "[:, 0]" * plan.flat
        body = ['    """Give 1 for yes and 0 for no, for each row and question."""', f"    return {answers}"]
    elif plan.kind == "values":
        values = "outputs(X).astype(np.float64)" if plan.single else "outputs(X)"
        values = values if plan.unit is None else f"({values} * TARGET_SCALE + TARGET_CENTER)"
        body = ['    """Give the predicted values, in their own unit."""', f"    return {values}{'[:, 0]' * plan.flat}"]
    else:
        body = ['    """Give the outputs for each row."""', "    return outputs(X)"]
    blocks = [["def predict(X):", *body]]
    if plan.probabilities is not None:
        blocks.append(["def predict_proba(X):", *_probabilities(plan)])
    return blocks


def _probabilities(plan: Plan) -> list[str]:
    order = ", in the order of CLASSES" if plan.kind == "classes" else ""
    if plan.probabilities == "pair":
        return [
            f'    """Give the probability of each class{order}: 1 - a and a."""',
            "    A = outputs(X)",
            "    return np.concatenate([1 - A, A], axis=1)",
        ]
    if plan.probabilities == "shares":
        return [
            f'    """Give the probability of each class{order}: the outputs, made to add up to 1."""',
            "    A = outputs(X)",
            "    total = A.sum(axis=1, keepdims=True)",
            "    return np.where(total > 0, A / np.where(total > 0, total, 1), 1 / A.shape[1])",
        ]
    each = "yes" if plan.kind == "multilabel" else "class"
    return [f'    """Give the probability of each {each}{order}."""', "    return outputs(X)"]
