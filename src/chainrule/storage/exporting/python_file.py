"""A model as a Python file that needs nothing but Python: lists of floats and the standard library."""

from __future__ import annotations

from chainrule.formulas import Array
from chainrule.storage.exporting.encoding import encoder_blocks
from chainrule.storage.exporting.functions import python_function
from chainrule.storage.exporting.literals import is_large, nested, packed, python_number, python_value
from chainrule.storage.exporting.plan import DenseStep, NormStep, Plan, Step
from chainrule.storage.exporting.python_parts import arrange, call_of, opening, rows_of, self_test
from chainrule.storage.exporting.samples import draw_sample

__all__ = ["write_python"]

DENSE = '''def dense(W, b, a):
    """Give the weighted sums of a layer, W a + b."""
    return [sum(w * x for w, x in zip(row, a)) + bias for row, bias in zip(W, b)]'''.splitlines()

NORMALIZE = '''def normalize(a, gamma, beta, mean, deviation):
    """Give gamma (a - mean) / deviation + beta, number by number."""
    return [g * ((x - m) / d) + s for x, g, s, m, d in zip(a, gamma, beta, mean, deviation)]'''.splitlines()

UNPACK = '''def unpack(text, columns):
    """Give rows of numbers whose bytes, little-endian, stand in a text as base64."""
    data = base64.b64decode(text)
    numbers = struct.unpack(f"<{len(data) // SIZE}CODE", data)
    return [numbers[k : k + columns] for k in range(0, len(numbers), columns)]'''

ERFCX = '''def erfcx(x):
    """exp(x^2) erfc(x); far out by its series, since the first factor would overflow."""
    if x < 25:
        return math.exp(x * x) * math.erfc(x) if x > -26 else math.inf
    t = 0.5 / (x * x)
    return (1 - t * (1 - 3 * t * (1 - 5 * t))) / (x * math.sqrt(math.pi))'''

# What NumPy gives for every number, and Python's math only for some.
GUARDS = {
    "exp": '''def exp(x):
    """e to the power x; inf where no float holds it."""
    return math.exp(x) if not x > 709 else math.inf''',
    "expm1": '''def expm1(x):
    """e to the power x, less 1; inf where no float holds it."""
    return math.expm1(x) if not x > 709 else math.inf''',
    "sqrt": '''def sqrt(x):
    """The square root; NaN below 0."""
    return math.sqrt(x) if not x < 0 else math.nan''',
    "divide": '''def divide(x, y):
    """x / y; inf or NaN where y is 0."""
    if y != 0:
        return x / y
    return math.copysign(math.inf, x) * math.copysign(1, y) if x != 0 else math.nan''',
    "power": '''def power(x, y):
    """x to the power y; inf where no float holds it, NaN where there is none."""
    try:
        return math.pow(x, y)
    except OverflowError:
        return -math.inf if x < 0 and y % 2 == 1 else math.inf
    except ValueError:
        return math.inf if x == 0 else math.nan''',
}
LOGARITHM = '''def {name}(x):
    """The logarithm {what}; -inf at {end}, NaN below."""
    return math.{name}(x) if not x <= {end} else -math.inf if x == {end} else math.nan'''
LOGARITHMS = {
    "log": ("of x", 0),
    "log10": ("of x to base 10", 0),
    "log1p": ("of 1 + x", -1),
    "log2": ("of x to base 2", 0),
}


def write_python(plan: Plan, file: str) -> str:
    """Write the file.

    Args:
        plan: the model.
        file: the file's name, for its own text.

    >>> from chainrule import Network
    >>> from chainrule.storage.exporting.plan import make_plan
    >>> text = write_python(make_plan(Network.from_sizes([2, 3, 1]).init(), "net"), "net.py")
    >>> print(text[text.index("def forward") : text.index("def outputs")].rstrip())
    def forward(a0):
        \"\"\"Give the outputs for one row of inputs.\"\"\"
        a1 = [relu(z) for z in dense(W1, b1, a0)]
        a2 = dense(W2, b2, a1)
        return a2
    """
    large = any(is_large(step.W) for step in plan.steps if isinstance(step, DenseStep))
    weights = [_weights(step) for step in plan.steps]
    sample = draw_sample(plan)
    pairs = (
        "pairs = list(zip(predict(ROWS), EXPECTED))"
        if sample.flat
        else f"pairs = [pair for rows in zip({sample.function}(ROWS), EXPECTED) for pair in zip(*rows)]"
    )
    compare = [
        pairs,
        "differences = [abs(got - wanted) / max(1.0, abs(wanted)) for got, wanted in pairs]",
        f"good, off = all(x <= {sample.within!r} for x in differences), max(differences)",
    ]
    return arrange(
        [
            opening(plan, "nothing but Python", file),
            _imports(plan, large),
            *([] if large else weights),
            *_constants(plan),
            *encoder_blocks(plan, arrays=False),
            *_helpers(plan),
            *(python_function(function) for function in plan.functions),
            *([DENSE] if any(isinstance(step, DenseStep) for step in plan.steps) else []),
            *([NORMALIZE] if any(isinstance(step, NormStep) for step in plan.steps) else []),
            rows_of(plan),
            _as_row(plan),
            *_network(plan),
            *_answers(plan),
            *([_unpack(plan), *weights] if large else []),
            *self_test(sample, plan, compare),
        ]
    )


def _unpack(plan: Plan) -> list[str]:
    size, code = ("4", "f") if plan.single else ("8", "d")
    return UNPACK.replace("SIZE", size).replace("CODE", code).splitlines()


def _helpers(plan: Plan) -> list[list[str]]:
    """Write the functions that stand for those of `math` where these would raise errors."""
    found = [text.splitlines() for op, text in GUARDS.items() if f"guarded {op}" in plan.operations]
    if "power" in plan.operations:
        found.append(GUARDS["power"].splitlines())
    for name, (what, end) in LOGARITHMS.items():
        if f"guarded {name}" in plan.operations:
            found.append(LOGARITHM.format(name=name, what=what, end=end).splitlines())
    return [*found, *([ERFCX.splitlines()] if "erfcx" in plan.operations else [])]


def _imports(plan: Plan, large: bool) -> list[str]:
    return ["import base64"] * large + ["import math"] + ["import struct"] * large


def _list(name: str, array: Array) -> list[str]:
    return nested(f"{name} = ", array, lambda x: python_number(x, single=False))


def _weights(step: Step) -> list[str]:
    """Write the numbers of a layer."""
    l = step.l
    if isinstance(step, NormStep):
        lists = [line for kind in ("gamma", "beta", "mean", "var") for line in _list(f"{kind}{l}", getattr(step, kind))]
        return [*lists, f"deviation{l} = [math.sqrt(v + {step.epsilon!r}) for v in var{l}]"]
    N, columns = step.W.shape
    W = [f'W{l} = unpack("""', *packed(step.W), f'""", {columns})'] if is_large(step.W) else _list(f"W{l}", step.W)
    if step.b is None:
        return [*W, f"b{l} = [0.0] * {N}  # no bias"]
    if step.shared:
        return [*W, f"b{l} = [{python_number(float(step.b), single=False)}] * {N}  # one bias for the whole layer"]
    return [*W, *_list(f"b{l}", step.b)]


def _constants(plan: Plan) -> list[list[str]]:
    """Write the labels, or the unit of values."""
    if plan.kind == "classes":
        return [nested("CLASSES = ", list(plan.classes or ()), python_value)]
    if plan.unit is not None:
        center, scale = plan.unit
        return [
            [
                "# Training brought the values to mean 0 and deviation 1; this is their own unit.",
                *_list("TARGET_CENTER", center),
                *_list("TARGET_SCALE", scale),
            ]
        ]
    return []


def _as_row(plan: Plan) -> list[str]:
    """Write what checks a row and, where there is an encoder, encodes it."""
    N = plan.sizes[0]
    size = [
        f"    if len(row) != {N}:",
        f'        raise ValueError(f"a row has {{len(row)}} numbers; expected are {N}")',
    ]
    finite = [
        "    if not all(map(math.isfinite, a0)):",
        '        raise ValueError("a row holds what is no finite number")',
    ]
    if plan.encoder is None:
        doc = f'    """Give a row as {N} number{"s" * (N != 1)}, all finite."""'
        return ["def as_inputs(row):", doc, *size, "    a0 = [float(x) for x in row]", *finite, "    return a0"]
    doc = '    """Give a raw row as inputs of the network, all finite."""'
    return [
        "def as_inputs(row):",
        doc,
        *(size if plan.numeric else []),
        "    a0 = encode(row)",
        *finite,
        "    return a0",
    ]


def _network(plan: Plan) -> list[list[str]]:
    """Write the forward pass; in two functions where the code of a layer is wanted."""
    front = [step for step in plan.steps if plan.code is not None and step.l <= plan.code]
    behind = [step for step in plan.steps if step not in front]
    blocks: list[list[str]] = []
    if front:
        doc = '    """Give the code of one row of inputs."""'
        blocks.append(["def encode_inputs(a0):", doc, *map(_step, front), f"    return a{plan.code}"])
        doc = f'    """Give the activations of layer {plan.code} for each row."""'
        blocks.append(["def transform(X):", doc, "    return [encode_inputs(as_inputs(row)) for row in rows_of(X)]"])
    start = [f"    a{plan.code} = encode_inputs(a0)"] if front else []
    doc = '    """Give the outputs for one row of inputs."""'
    last = f"    return a{plan.steps[-1].l}"
    blocks.append(["def forward(a0):", doc, *start, *map(_step, behind), last])
    doc = '    """Give the outputs for each row."""'
    return [*blocks, ["def outputs(X):", doc, "    return [forward(as_inputs(row)) for row in rows_of(X)]"]]


def _step(step: Step) -> str:
    l = step.l
    if isinstance(step, DenseStep):
        z = f"dense(W{l}, b{l}, a{l - 1})"
    else:
        z = f"normalize(a{l}, gamma{l}, beta{l}, mean{l}, deviation{l})"
    if step.function is not None:
        elementwise = step.function.program.elementwise
        z = f"[{call_of(step, 'z')} for z in {z}]" if elementwise else call_of(step, z)
    return f"    a{l} = {z}"


def _answers(plan: Plan) -> list[list[str]]:
    """Write `predict` and, where there are probabilities, `predict_proba`."""
    one = plan.outputs == 1
    if plan.kind == "classes":
        what = '    """Give the label of the likeliest class for each row."""'
        body = (
            "[CLASSES[int(a[0] >= 0.5)] for a in outputs(X)]"
            if one
            else "[CLASSES[a.index(max(a))] for a in outputs(X)]"
        )
    elif plan.kind == "multilabel":
        what = '    """Give 1 for yes and 0 for no, for each row and question."""'
        body = (
            "[int(a[0] >= 0.5) for a in outputs(X)]"
            if plan.flat
            else "[[int(x >= 0.5) for x in a] for a in outputs(X)]"
        )
    elif plan.kind == "values":
        what = '    """Give the predicted values, in their own unit."""'
        body = _values(plan)
    else:
        what, body = '    """Give the outputs for each row."""', "outputs(X)"
    blocks = [["def predict(X):", what, f"    return {body}"]]
    if plan.probabilities is not None:
        blocks.append(["def predict_proba(X):", *_probabilities(plan)])
    return blocks


def _values(plan: Plan) -> str:
    if plan.unit is None:
        return "[a[0] for a in outputs(X)]" if plan.flat else "outputs(X)"
    if plan.flat:
        return "[a[0] * TARGET_SCALE[0] + TARGET_CENTER[0] for a in outputs(X)]"
    return "[[x * s + c for x, s, c in zip(a, TARGET_SCALE, TARGET_CENTER)] for a in outputs(X)]"


def _probabilities(plan: Plan) -> list[str]:
    order = ", in the order of CLASSES" if plan.kind == "classes" else ""
    if plan.probabilities == "pair":
        doc = f'    """Give the probability of each class{order}: 1 - a and a."""'
        return [doc, "    return [[1 - a[0], a[0]] for a in outputs(X)]"]
    if plan.probabilities == "shares":
        return [
            f'    """Give the probability of each class{order}: the outputs, made to add up to 1."""',
            "    totals = [(a, sum(a)) for a in outputs(X)]",
            "    return [[x / total if total > 0 else 1 / len(a) for x in a] for a, total in totals]",
        ]
    each = "yes" if plan.kind == "multilabel" else "class"
    return [f'    """Give the probability of each {each}{order}."""', "    return outputs(X)"]
