"""The forward pass in C: a layer after the other, each in an array of its own."""

from __future__ import annotations

from chainrule.storage.exporting.c_names import Names
from chainrule.storage.exporting.plan import DenseStep, Step

__all__ = ["network"]


def network(c: Names) -> list[list[str]]:
    """Write the forward pass; in two functions where the code of a layer is wanted."""
    plan, p, P = c.plan, c.p, c.P
    front = [step for step in plan.steps if plan.code is not None and step.l <= plan.code]
    behind = [step for step in plan.steps if step not in front]
    first = f"const {c.x} x[{P}_INPUTS]"
    blocks = []
    if front:
        size = plan.sizes[plan.code or 0]
        head = f"static inline void {p}_transform({first}, {c.real} a{plan.code}[{size}])"
        blocks.append([f"/* The activations of layer {plan.code}. */", head, "{", *_passed(c, front, True), "}"])
    last = plan.steps[-1].l
    head = f"static inline void {p}_outputs({first}, {c.real} a{last}[{P}_OUTPUTS])"
    if front and not behind:
        body = [f"    {p}_transform(x, a{last});"]
    elif front:
        before = [
            f"    {c.real} a{plan.code}[{plan.sizes[plan.code or 0]}];",
            f"    {p}_transform(x, a{plan.code});",
        ]
        body = [*before, *_passed(c, behind, False)]
    else:
        body = _passed(c, behind, True)
    return [*blocks, ["/* What the last layer gives. */", head, "{", *body, "}"]]


def _passed(c: Names, steps: list[Step], from_x: bool) -> list[str]:
    """Write layers one after the other; the last one's array is there already."""
    p, last = c.p, steps[-1].l
    lines, source, declared = [], "x", {last}
    if not from_x:
        source = f"a{steps[0].l - 1}"
    elif c.raw:
        lines += [f"    {c.real} a0[{c.P}_INPUTS];", f"    {p}_encode(x, a0);"]
        source, declared = "a0", {last, 0}
    for step in steps:
        name = f"a{step.l}"
        if step.l not in declared:
            lines.append(f"    {c.real} {name}[{c.plan.sizes[step.l]}];")
            declared.add(step.l)
        lines += _layer(c, step, source, name)
        source = name
    return lines


def _layer(c: Names, step: Step, source: str, name: str) -> list[str]:
    p, l, N = c.p, step.l, c.plan.sizes[step.l]
    rowwise = step.function is not None and not step.function.program.elementwise
    sums = f"{'z' if isinstance(step, DenseStep) else 'y'}{l}" if rowwise else name
    lines = [f"    {c.real} {sums}[{N}];"] if rowwise else []
    loop = f"    for (int k = 0; k < {N}; k++)"
    if isinstance(step, DenseStep):
        b = "0" if step.b is None else f"{p}_b{l}"
        lines.append(f"    {p}_dense(&{p}_W{l}[0][0], {b}, {source}, {sums}, {N}, {step.W.shape[1]});")
    else:
        value = f"{p}_gamma{l}[k] * (({source}[k] - {p}_mean{l}[k]) / {p}_deviation{l}[k]) + {p}_beta{l}[k]"
        lines += [loop, f"        {sums}[k] = {value};"]
    if step.function is None:
        return lines
    numbers = "".join(f", {c.number(x)}" for x in step.numbers.values())
    if rowwise:
        return [*lines, f"    {p}_{step.function.name}({sums}, {name}, {N}{numbers});"]
    return [*lines, loop, f"        {name}[k] = {p}_{step.function.name}({name}[k]{numbers});"]
