"""A model as a header of C99: static functions, constant arrays, no allocation, nothing but math.h."""

from __future__ import annotations

import re
import textwrap

import numpy as np

from chainrule._version import __version__
from chainrule.data.encoded import NumberColumn
from chainrule.formulas import Array
from chainrule.storage.exporting.c_functions import c_function
from chainrule.storage.exporting.dialects import c_number
from chainrule.storage.exporting.functions import plain_text
from chainrule.storage.exporting.literals import WIDTH, filled, nested
from chainrule.storage.exporting.plan import DenseStep, NormStep, Plan, Step, identifier
from chainrule.storage.exporting.samples import Sample, draw_sample
from chainrule.storage.exporting.wording import about_columns, purpose, summary

__all__ = ["c_string", "write_c"]

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


def c_string(text: str) -> str:
    r"""Write a text as a string literal of C, in UTF-8; what is no plain character is written by its bytes.

    >>> print(c_string('a "b" \\ c?\n'))
    "a \"b\" \\ c\?\012"
    """
    parts = []
    for c in text:
        if c in '"\\?':
            parts.append(f"\\{c}")
        elif c.isprintable():
            parts.append(c)
        else:
            parts += [f"\\{byte:03o}" for byte in c.encode("utf-8", "surrogatepass")]
    return f'"{"".join(parts)}"'


class _Header:
    """Writes the parts of a header, all with one prefix."""

    def __init__(self, plan: Plan, file: str) -> None:
        self.plan, self.file = plan, file
        # Only plain letters: not every compiler takes others in names.
        self.p = identifier(re.sub(r"[^A-Za-z0-9_]+", "_", plan.name).strip("_")).rstrip("_")
        self.P = self.p.upper()
        self.single = plan.single
        self.real = "float" if plan.single else "double"
        # Raw numbers are scaled in double, whatever the network computes in.
        self.raw = plan.numeric
        self.x = "double" if self.raw else self.real

    def number(self, x: float) -> str:
        return c_number(float(x), self.single)

    def text(self) -> str:
        plan, p = self.plan, self.p
        sample = draw_sample(plan, raw=self.raw)
        blocks = [
            self.opening(),
            [f"#ifndef {self.P}_H", f"#define {self.P}_H"],
            ["#include <math.h>"],
            [f"#define {self.P}_INPUTS {plan.sizes[0]}", f"#define {self.P}_OUTPUTS {plan.outputs}"],
            *self.labels(),
            *map(self.weights, plan.steps),
            *self.encoder(),
            *self.helpers(),
            *(c_function(function, p, self.single) for function in plan.functions),
            *self.network(),
            *self.answers(),
            *self.self_test(sample),
            [f"#endif /* {self.P}_H */"],
        ]
        return "\n\n".join("\n".join(block) for block in blocks) + "\n"

    def opening(self) -> list[str]:
        plan, p, P = self.plan, self.p, self.P
        sentences = textwrap.wrap(
            f"Written by chainrule {__version__}; C99, math.h only, no allocation. The network: {summary(plan)}.",
            WIDTH - 3,
        )
        columns = about_columns(plan, raw=self.raw)
        if plan.encoder is not None and not self.raw:
            columns = [
                "Raw columns are not encoded here; x holds the network's inputs: numbers scaled, a 1 for",
                "each category.",
                *(piece for line in columns for piece in textwrap.wrap(line, WIDTH - 3)),
            ]
        calls = [f"{call}{what}" for call, what in self.calls()]
        test = [f"Compiled as a program with -D{P}_TEST it tests itself:", ""]
        command = f"    cc -std=c99 -O2 -x c -D{P}_TEST {plain_text(self.file)} -o {p}_test -lm"
        missing = " NaN stands for a missing number." if self.raw else ""
        body = [*sentences, *columns, f"Numbers must be finite, or any answer may come.{missing}", "", *calls, ""]
        body += [*test, command]
        lines = [f" * {line}".rstrip() for line in body]
        return [f"/* {plain_text(self.file)}: {purpose(plan)}.", " *", *lines, " */"]

    def calls(self) -> list[tuple[str, str]]:
        """Say how each function is called."""
        plan, p = self.plan, self.p
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

    def labels(self) -> list[list[str]]:
        plan, p = self.plan, self.p
        if plan.kind != "classes" or plan.classes is None:
            return []
        kind = {str: "char *const", bool: "int", int: "long long", float: "double"}[type(plan.classes[0])]
        texts = [_label(label) for label in plan.classes]
        head = f"static const {kind} {p}_classes[{self.P}_CLASSES] = "
        return [[f"#define {self.P}_CLASSES {len(texts)}"], nested(head, texts, str, "{}", ";")]

    def constant(self, name: str, array: Array) -> list[str]:
        sizes = "".join(f"[{n}]" for n in array.shape)
        return nested(f"static const {self.real} {self.p}_{name}{sizes} = ", array, self.number, "{}", ";")

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
        plan, p, N = self.plan, self.p, f"{self.P}_INPUTS"
        if not self.raw or plan.encoder is None:
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
        value = f"((isnan(x[k]) ? {p}_fill[k] : x[k]) - {p}_center[k]) / {p}_scale[k]"
        cast = f"(float)({value})" if self.single else value
        function = [
            f"static inline void {p}_encode(const double x[{N}], {self.real} a0[{N}])",
            "{",
            f"    for (int k = 0; k < {N}; k++)",
            f"        a0[k] = {cast};",
            "}",
        ]
        return [lines, function]

    def helpers(self) -> list[list[str]]:
        """Write what layers and functions are made of: min, max, weighted sums."""
        p, real, ops = self.p, self.real, self.plan.operations
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
                f"        {real} z = {self.number(0)};",
                "        for (int j = 0; j < columns; j++)",
                "            z += W[i * columns + j] * x[j];",
                "        a[i] = b ? z + b[i] : z;",
                "    }",
                "}",
            ]
        )
        return found

    def network(self) -> list[list[str]]:
        """Write the forward pass; in two functions where the code of a layer is wanted."""
        plan, p, P = self.plan, self.p, self.P
        front = [step for step in plan.steps if plan.code is not None and step.l <= plan.code]
        behind = [step for step in plan.steps if step not in front]
        first = f"const {self.x} x[{P}_INPUTS]"
        blocks = []
        if front:
            size = plan.sizes[plan.code or 0]
            head = f"static inline void {p}_transform({first}, {self.real} a{plan.code}[{size}])"
            blocks.append([f"/* The activations of layer {plan.code}. */", head, "{", *self.passed(front, True), "}"])
        last = plan.steps[-1].l
        head = f"static inline void {p}_outputs({first}, {self.real} a{last}[{P}_OUTPUTS])"
        if front and not behind:
            body = [f"    {p}_transform(x, a{last});"]
        elif front:
            before = [
                f"    {self.real} a{plan.code}[{plan.sizes[plan.code or 0]}];",
                f"    {p}_transform(x, a{plan.code});",
            ]
            body = [*before, *self.passed(behind, False)]
        else:
            body = self.passed(behind, True)
        return [*blocks, ["/* What the last layer gives. */", head, "{", *body, "}"]]

    def passed(self, steps: list[Step], from_x: bool) -> list[str]:
        """Write layers one after the other; the last one's array is there already."""
        p, last = self.p, steps[-1].l
        lines, source, declared = [], "x", {last}
        if not from_x:
            source = f"a{steps[0].l if isinstance(steps[0], NormStep) else steps[0].l - 1}"
            declared.add(steps[0].l - 1 if isinstance(steps[0], DenseStep) else steps[0].l)
        elif self.raw:
            lines += [f"    {self.real} a0[{self.P}_INPUTS];", f"    {p}_encode(x, a0);"]
            source, declared = "a0", {last, 0}
        for step in steps:
            name = f"a{step.l}"
            if step.l not in declared:
                lines.append(f"    {self.real} {name}[{self.plan.sizes[step.l]}];")
                declared.add(step.l)
            lines += self.layer(step, source, name)
            source = name
        return lines

    def layer(self, step: Step, source: str, name: str) -> list[str]:
        p, l, N = self.p, step.l, self.plan.sizes[step.l]
        rowwise = step.function is not None and not step.function.program.elementwise
        sums = f"{'z' if isinstance(step, DenseStep) else 'y'}{l}" if rowwise else name
        lines = [f"    {self.real} {sums}[{N}];"] if rowwise else []
        loop = f"    for (int k = 0; k < {N}; k++)"
        if isinstance(step, DenseStep):
            b = "0" if step.b is None else f"{p}_b{l}"
            lines.append(f"    {p}_dense(&{p}_W{l}[0][0], {b}, {source}, {sums}, {N}, {step.W.shape[1]});")
        else:
            value = f"{p}_gamma{l}[k] * (({source}[k] - {p}_mean{l}[k]) / {p}_deviation{l}[k]) + {p}_beta{l}[k]"
            lines += [loop, f"        {sums}[k] = {value};"]
        if step.function is None:
            return lines
        numbers = "".join(f", {self.number(x)}" for x in step.numbers.values())
        if rowwise:
            return [*lines, f"    {p}_{step.function.name}({sums}, {name}, {N}{numbers});"]
        return [*lines, loop, f"        {name}[k] = {p}_{step.function.name}({name}[k]{numbers});"]

    def answers(self) -> list[list[str]]:
        plan, p, P = self.plan, self.p, self.P
        given = f"const {self.x} x[{P}_INPUTS]"
        outputs = [f"    {self.real} a[{P}_OUTPUTS];", f"    {p}_outputs(x, a);"]
        half = self.number(0.5)
        if plan.kind == "classes":
            largest = [
                "    int best = 0;",
                f"    for (int k = 1; k < {P}_OUTPUTS; k++)",
                "        if (a[k] > a[best])",
                "            best = k;",
                "    return best;",
            ]
            body = [f"    return a[0] >= {half};"] if plan.outputs == 1 else largest
            doc = "/* The number of the likeliest class. */"
            blocks = [[doc, f"static inline int {p}_predict({given})", "{", *outputs, *body, "}"]]
        elif plan.kind == "multilabel":
            body = [f"    for (int k = 0; k < {P}_OUTPUTS; k++)", f"        yes[k] = a[k] >= {half};"]
            doc = "/* 1 for yes and 0 for no, for each question. */"
            blocks = [
                [doc, f"static inline void {p}_predict({given}, int yes[{P}_OUTPUTS])", "{", *outputs, *body, "}"]
            ]
        elif plan.kind == "values":
            blocks = [self.values(given, outputs)]
        else:
            head = f"static inline void {p}_predict({given}, {self.real} y[{P}_OUTPUTS])"
            blocks = [["/* The outputs. */", head, "{", f"    {p}_outputs(x, y);", "}"]]
        if plan.probabilities is not None:
            blocks.append(self.probabilities(given, outputs))
        return blocks

    def values(self, given: str, outputs: list[str]) -> list[str]:
        plan, p, P = self.plan, self.p, self.P
        if plan.flat:
            value = "a[0]"
            if plan.unit is not None:
                center, scale = (c_number(float(part[0]), False) for part in plan.unit)
                value = f"a[0] * {scale} + {center}"
            doc = "/* The predicted value, in its own unit. */"
            return [doc, f"static inline double {p}_predict({given})", "{", *outputs, f"    return {value};", "}"]
        lines = list(outputs)
        value = "a[k]"
        if plan.unit is not None:
            for name, part in zip(("center", "scale"), plan.unit, strict=True):
                texts = [c_number(float(x), False) for x in part]
                lines += filled(f"    static const double {name}[{P}_OUTPUTS] = {{", texts, "};", " " * 8)
            value = "a[k] * scale[k] + center[k]"
        lines += [f"    for (int k = 0; k < {P}_OUTPUTS; k++)", f"        y[k] = {value};"]
        head = f"static inline void {p}_predict({given}, double y[{P}_OUTPUTS])"
        return ["/* The predicted values, in their own unit. */", head, "{", *lines, "}"]

    def probabilities(self, given: str, outputs: list[str]) -> list[str]:
        plan, p, P, real = self.plan, self.p, self.P, self.real
        size = "2" if plan.probabilities == "pair" else f"{P}_OUTPUTS"
        head = f"static inline void {p}_predict_proba({given}, {real} p[{size}])"
        if plan.probabilities == "pair":
            doc = "/* The probability of each class: 1 - a and a of the one output a. */"
            body = [*outputs, f"    p[0] = {self.number(1)} - a[0];", "    p[1] = a[0];"]
        elif plan.probabilities == "shares":
            doc = "/* The probability of each class: the outputs, made to add up to 1. */"
            equal = f"{self.number(1)} / {self.number(plan.outputs)}"
            body = [
                *outputs,
                f"    {real} total = {self.number(0)};",
                f"    for (int k = 0; k < {P}_OUTPUTS; k++)",
                "        total += a[k];",
                f"    for (int k = 0; k < {P}_OUTPUTS; k++)",
                f"        p[k] = total > {self.number(0)} ? a[k] / total : {equal};",
            ]
        else:
            doc = f"/* The probability of each {'yes' if plan.kind == 'multilabel' else 'class'}. */"
            body = [f"    {p}_outputs(x, p);"]
        return [doc, head, "{", *body, "}"]

    def self_test(self, sample: Sample) -> list[list[str]]:
        """Write a program that compares a few rows with what the model gave for them."""
        p, P = self.p, self.P
        rows, columns = len(sample.rows), sample.expected.shape[1]
        answer = "double" if sample.function == "predict" and self.plan.kind == "values" else self.real
        write = c_number if answer == "double" else lambda x, _: self.number(x)
        given = nested(
            f"static const {self.x} {p}_rows[{rows}][{P}_INPUTS] = ",
            sample.rows,
            lambda x: c_number(x, self.single and not self.raw),
            "{}",
            ";",
        )
        expected = nested(
            f"static const {answer} {p}_expected[{rows}][{columns}] = ",
            sample.expected.tolist() if answer == "double" else sample.expected,
            lambda x: write(x, False),
            "{}",
            ";",
        )
        call = f"a[0] = {p}_predict({p}_rows[i]);" if sample.flat else f"{p}_{sample.function}({p}_rows[i], a);"
        main = [
            "int main(void)",
            "{",
            "    double worst = 0.0;",
            "    int good = 1;",
            f"    for (int i = 0; i < {rows}; i++) {{",
            f"        {answer} a[{columns}];",
            f"        {call}",
            f"        for (int k = 0; k < {columns}; k++) {{",
            f"            const double wanted = (double){p}_expected[i][k];",
            "            const double off = fabs((double)a[k] - wanted) / fmax(1.0, fabs(wanted));",
            "            worst = fmax(worst, off);",
            f"            good = good && off <= {sample.within!r};",
            "        }",
            *self.tell(),
            "    }",
            '    printf("largest difference %.1e: %s\\n", worst, good ? "good" : "WRONG");',
            "    return !good;",
            "}",
        ]
        opening = [f"#ifdef {P}_TEST", "#include <stdio.h>"]
        comment = ["/* What the model gave for a few rows, when this file was written. */"]
        return [opening, [*comment, *given, *expected], main, [f"#endif /* {P}_TEST */"]]

    def tell(self) -> list[str]:
        """Print a row's label, where there are labels."""
        plan, p = self.plan, self.p
        if plan.kind != "classes" or plan.classes is None:
            return []
        how = {str: "%s", bool: "%d", int: "%lld", float: "%g"}[type(plan.classes[0])]
        return [f'        printf("row %d: {how}\\n", i, {p}_classes[{p}_predict({p}_rows[i])]);']


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
