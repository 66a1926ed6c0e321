"""What a header of C answers: labels, values, probabilities; and the program that tests it."""

from __future__ import annotations

from chainrule.storage.exporting.c_names import Names
from chainrule.storage.exporting.dialects import c_number
from chainrule.storage.exporting.literals import filled, nested
from chainrule.storage.exporting.samples import Sample

__all__ = ["answers", "self_test"]


def answers(c: Names) -> list[list[str]]:
    """Write NAME_predict and, where there are probabilities, NAME_predict_proba."""
    plan, p, P = c.plan, c.p, c.P
    given = f"const {c.x} x[{P}_INPUTS]"
    outputs = [f"    {c.real} a[{P}_OUTPUTS];", f"    {p}_outputs(x, a);"]
    half = c.number(0.5)
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
        blocks = [[doc, f"static inline void {p}_predict({given}, int yes[{P}_OUTPUTS])", "{", *outputs, *body, "}"]]
    elif plan.kind == "values":
        blocks = [_values(c, given, outputs)]
    else:
        head = f"static inline void {p}_predict({given}, {c.real} y[{P}_OUTPUTS])"
        blocks = [["/* The outputs. */", head, "{", f"    {p}_outputs(x, y);", "}"]]
    if plan.probabilities is not None:
        blocks.append(_probabilities(c, given, outputs))
    return blocks


def _values(c: Names, given: str, outputs: list[str]) -> list[str]:
    plan, p, P = c.plan, c.p, c.P
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


def _probabilities(c: Names, given: str, outputs: list[str]) -> list[str]:
    plan, p, P, real = c.plan, c.p, c.P, c.real
    size = "2" if plan.probabilities == "pair" else f"{P}_OUTPUTS"
    head = f"static inline void {p}_predict_proba({given}, {real} p[{size}])"
    if plan.probabilities == "pair":
        doc = "/* The probability of each class: 1 - a and a of the one output a. */"
        body = [*outputs, f"    p[0] = {c.number(1)} - a[0];", "    p[1] = a[0];"]
    elif plan.probabilities == "shares":
        doc = "/* The probability of each class: the outputs, made to add up to 1. */"
        equal = f"{c.number(1)} / {c.number(plan.outputs)}"
        body = [
            *outputs,
            f"    {real} total = {c.number(0)};",
            f"    for (int k = 0; k < {P}_OUTPUTS; k++)",
            "        total += a[k];",
            f"    for (int k = 0; k < {P}_OUTPUTS; k++)",
            f"        p[k] = total > {c.number(0)} ? a[k] / total : {equal};",
        ]
    else:
        doc = f"/* The probability of each {'yes' if plan.kind == 'multilabel' else 'class'}. */"
        body = [f"    {p}_outputs(x, p);"]
    return [doc, head, "{", *body, "}"]


def self_test(c: Names, sample: Sample) -> list[list[str]]:
    """Write a program that compares a few rows with what the model gave for them."""
    p, P = c.p, c.P
    rows, columns = len(sample.rows), sample.expected.shape[1]
    answer = "double" if sample.function == "predict" and c.plan.kind == "values" else c.real
    write = c_number if answer == "double" else lambda x, _: c.number(x)
    given = nested(
        f"static const {c.x} {p}_rows[{rows}][{P}_INPUTS] = ",
        sample.rows,
        lambda x: c_number(x, c.single and not c.raw),
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
        *_tell(c),
        "    }",
        '    printf("largest difference %.1e: %s\\n", worst, good ? "good" : "WRONG");',
        "    return !good;",
        "}",
    ]
    opening = [f"#ifdef {P}_TEST", "#include <stdio.h>"]
    comment = ["/* What the model gave for a few rows, when this file was written. */"]
    return [opening, [*comment, *given, *expected], main, [f"#endif /* {P}_TEST */"]]


def _tell(c: Names) -> list[str]:
    """Print a row's label, where there are labels."""
    plan, p = c.plan, c.p
    if plan.kind != "classes" or plan.classes is None:
        return []
    how = {str: "%s", bool: "%d", int: "%lld", float: "%g"}[type(plan.classes[0])]
    return [f'        printf("row %d: {how}\\n", i, {p}_classes[{p}_predict({p}_rows[i])]);']
