"""A model as a header of C99: static functions, constant arrays, no allocation, nothing but math.h."""

from __future__ import annotations

import shlex
import textwrap

import numpy as np

from chainrule._version import __version__
from chainrule.data.encoded import NumberColumn
from chainrule.formulas import Array
from chainrule.storage.exporting.c_answers import answers, self_test
from chainrule.storage.exporting.c_functions import c_function
from chainrule.storage.exporting.c_inputs import c_string, input_lines
from chainrule.storage.exporting.c_layers import network
from chainrule.storage.exporting.c_names import Names
from chainrule.storage.exporting.dialects import c_number
from chainrule.storage.exporting.functions import plain_text
from chainrule.storage.exporting.literals import WIDTH, nested
from chainrule.storage.exporting.plan import NormStep, Plan, Step
from chainrule.storage.exporting.samples import draw_sample
from chainrule.storage.exporting.wording import about_columns, purpose, summary

__all__ = ["write_c"]

ERFCX = """/* exp(x^2) erfc(x); far out by its series, since the first factor would overflow */
static inline double {p}_erfcx(double x)
{
    if (x < 25.0)
        return exp(x * x) * erfc(x);
    const double t = 0.5 / (x * x);
    return (1.0 - t * (1.0 - 3.0 * t * (1.0 - 5.0 * t))) / (x * 1.7724538509055159);
}"""


def write_c(plan: Plan, file: str) -> str:
    """Write the header.

    Args:
        plan: the model.
        file: the file's name, for its own text.

    >>> from chainrule import Network
    >>> from chainrule.storage.exporting.plan import make_plan
    >>> text = write_c(make_plan(Network.from_sizes([2, 3, 1]).init(), "net"), "net.h")
    >>> print(text[text.index("/* What the last layer") : text.index("/* The outputs")].rstrip())
    /* What the last layer gives. */
    static inline void net_outputs(const double x[NET_INPUTS], double a2[NET_OUTPUTS])
    {
        double a1[3];
        net_dense(&net_W1[0][0], net_b1, x, a1, 3, 2);
        for (int k = 0; k < 3; k++)
            a1[k] = net_relu(a1[k]);
        net_dense(&net_W2[0][0], net_b2, a1, a2, 1, 3);
    }
    """
    return _Header(plan, file).text()


class _Header:
    """Writes the parts of a header, all with one prefix."""

    def __init__(self, plan: Plan, file: str) -> None:
        self.plan, self.file, self.c = plan, file, Names(plan)

    def text(self) -> str:
        plan, p = self.plan, self.c.p
        sample = draw_sample(plan, raw=self.c.raw)
        blocks = [
            self.opening(),
            [f"#ifndef {self.c.P}_H", f"#define {self.c.P}_H"],
            ["#include <math.h>"],
            self.sizes(),
            *self.labels(),
            *map(self.weights, plan.steps),
            *self.encoder(),
            *self.helpers(),
            *(c_function(function, p, self.c.single) for function in plan.functions),
            *network(self.c),
            *answers(self.c),
            *self_test(self.c, sample),
            [f"#endif /* {self.c.P}_H */"],
        ]
        return "\n\n".join("\n".join(block) for block in blocks) + "\n"

    def opening(self) -> list[str]:
        plan, p, P = self.plan, self.c.p, self.c.P
        sentences = textwrap.wrap(
            f"Written by chainrule {__version__}; C99, math.h only, no allocation. The network: {summary(plan)}.",
            WIDTH - 3,
        )
        if plan.encoder is None or self.c.raw:
            columns = about_columns(plan)
        else:
            how = ", computed in double" * self.c.single
            columns = [
                f"Raw columns are not encoded here; x holds the network's inputs{how}:",
                "",
                *(f"    {line}" for line in input_lines(plan.encoder.columns)),
                "",
            ]
        calls = [f"{call}{what}" for call, what in self.calls()]
        test = [f"Compiled as a program with -D{P}_TEST it tests itself:", ""]
        command = f"    cc -std=c99 -O2 -x c -D{P}_TEST {plain_text(shlex.quote(self.file))} -o {p}_test -lm"
        missing = " NaN stands for a missing number." if self.c.raw else ""
        body = [*sentences, *columns, f"Numbers must be finite, or any answer may come.{missing}", "", *calls, ""]
        body += [*test, command]
        lines = [f" * {line}".rstrip() for line in body]
        return [f"/* {plain_text(self.file)}: {purpose(plan)}.", " *", *lines, " */"]

    def calls(self) -> list[tuple[str, str]]:
        """Say how each function is called."""
        plan, p = self.plan, self.c.p
        found = []
        if plan.kind == "classes":
            found.append((f"    int k = {p}_predict(x);", f" the likeliest class; its label is {p}_classes[k]"))
        elif plan.kind == "multilabel":
            found.append((f"    {p}_predict(x, yes);", " 1 for yes and 0 for no, for each question"))
        elif plan.flat:
            found.append((f"    double y = {p}_predict(x);", " the value"))
        else:
            found.append((f"    {p}_predict(x, y);", " the values"))
        if plan.probabilities is not None:
            found.append((f"    {p}_predict_proba(x, p);", " the probabilities"))
        if plan.code is not None:
            found.append((f"    {p}_transform(x, code);", f" the activations of layer {plan.code}"))
        if plan.kind != "outputs":
            found.append((f"    {p}_outputs(x, a);", " what the last layer gives, as it is"))
        width = max(len(call) for call, _ in found) + 1
        return [(f"{call:<{width}}", what) for call, what in found]

    def sizes(self) -> list[str]:
        """Define the numbers of inputs, outputs and classes."""
        plan = self.plan
        found = {"INPUTS": plan.sizes[0], "OUTPUTS": plan.outputs}
        if plan.kind == "classes":
            found["CLASSES"] = len(plan.classes or ())
        return [f"#define {self.c.P}_{name} {size}" for name, size in found.items()]

    def labels(self) -> list[list[str]]:
        plan, p = self.plan, self.c.p
        if plan.kind != "classes" or plan.classes is None:
            return []
        kind = {str: "char *const", bool: "int", int: "long long", float: "double"}[type(plan.classes[0])]
        texts = [_label(label) for label in plan.classes]
        head = f"static const {kind} {p}_classes[{self.c.P}_CLASSES] = "
        return [nested(head, texts, str, "{}", ";")]

    def constant(self, name: str, array: Array) -> list[str]:
        sizes = "".join(f"[{n}]" for n in array.shape)
        head, single = f"static const {self.c.real} {self.c.p}_{name}{sizes} = ", self.c.single
        return nested(head, array, lambda x: c_number(x, single), "{}", ";")

    def weights(self, step: Step) -> list[str]:
        l = step.l
        if isinstance(step, NormStep):
            arrays = {kind: getattr(step, kind) for kind in ("gamma", "beta", "mean")}
            # Computed here as the model computes it.
            arrays["deviation"] = np.sqrt(step.var + step.epsilon)
            return [line for kind, array in arrays.items() for line in self.constant(f"{kind}{l}", array)]
        lines = self.constant(f"W{l}", step.W)
        if step.b is None:
            return lines
        if step.shared:
            return [*lines, *self.constant(f"b{l}", np.full(len(step.W), step.b))]
        return [*lines, *self.constant(f"b{l}", step.b)]

    def encoder(self) -> list[list[str]]:
        plan, p, N = self.plan, self.c.p, f"{self.c.P}_INPUTS"
        if not self.c.raw or plan.encoder is None:
            return []
        columns = [column for column in plan.encoder.columns if isinstance(column, NumberColumn)]
        tables = {
            "fill": [c_number(c.fill, False) for c in columns],
            "center": [c_number(c.center, False) for c in columns],
            "scale": [c_number(c.scale, False) if c.scale else "INFINITY" for c in columns],
        }
        lines = ["/* A raw column x becomes (x - center) / scale, with fill where x is missing (NaN). */"]
        for name, texts in tables.items():
            lines += nested(f"static const double {p}_{name}[{N}] = ", texts, str, "{}", ";")
        value = f"(known - {p}_center[k]) / {p}_scale[k]"
        function = [
            f"static inline void {p}_encode(const double x[{N}], {self.c.real} a0[{N}])",
            "{",
            f"    for (int k = 0; k < {N}; k++) {{",
            f"        const double known = isnan(x[k]) ? {p}_fill[k] : x[k];",
            f"        a0[k] = {f'(float)({value})' if self.c.single else value};",
            "    }",
            "}",
        ]
        return [lines, function]

    def helpers(self) -> list[list[str]]:
        """Write what layers and functions are made of: min, max, weighted sums."""
        p, real, ops = self.c.p, self.c.real, self.plan.operations
        found = []
        for name, sign, needed in (("max", "<", {"maximum", "max"}), ("min", ">", {"minimum", "min"})):
            if ops & needed:
                found.append(
                    [
                        f"static inline {real} {p}_{name}({real} x, {real} y)",
                        "{",
                        f"    return x {sign} y ? y : x;",
                        "}",
                    ]
                )
        if "erfcx" in ops:
            found.append(ERFCX.replace("{p}", p).splitlines())
        # One function with and without biases: a test for null costs nothing beside the sums.
        found.append(
            [
                "/* Weighted sums of a layer: a = W x + b, where there are biases b. */",
                f"static inline void {p}_dense(const {real} *W, const {real} *b, const {real} x[], {real} a[],",
                f"{' ' * len(f'static inline void {p}_dense(')}int rows, int columns)",
                "{",
                "    for (int i = 0; i < rows; i++) {",
                f"        {real} z = {self.c.number(0)};",
                "        for (int j = 0; j < columns; j++)",
                "            z += W[i * columns + j] * x[j];",
                "        a[i] = b ? z + b[i] : z;",
                "    }",
                "}",
            ]
        )
        return found


def _label(label: object) -> str:
    """Write a label: a text, a truth value as 1 or 0, or a number."""
    if isinstance(label, str):
        return c_string(label)
    if isinstance(label, bool):
        return str(int(label))
    if isinstance(label, int):
        # The most negative number has no literal of its own.
        return f"({label + 1}LL - 1)" if label == -(2**63) else f"{label}LL"
    return c_number(float(label), single=False)  # type: ignore[arg-type]
