"""What both kinds of Python file have: how they open, what labels and units they name, and the self-test."""

from __future__ import annotations

import shlex
import textwrap
from collections.abc import Iterable

import numpy as np

from chainrule._version import __version__
from chainrule.storage.exporting.functions import plain_text
from chainrule.storage.exporting.literals import WIDTH, nested, python_number, python_value
from chainrule.storage.exporting.plan import Plan
from chainrule.storage.exporting.samples import Sample
from chainrule.storage.exporting.wording import about_columns, purpose, results, summary

__all__ = ["arrange", "call_of", "opening", "rows_of", "self_test"]


def arrange(blocks: Iterable[list[str]]) -> str:
    r"""Put the blocks of a file together: two empty lines around a definition, one between constants.

    >>> arrange([["a = 1"], ["b = 2"], ["def f():", "    pass"]])
    'a = 1\n\nb = 2\n\n\ndef f():\n    pass\n'
    """
    text: list[str] = []
    defined = False
    for block in (block for block in blocks if block):
        defines = block[0].startswith(("def ", "if "))
        if text:
            text += ["", ""] if defines or defined else [""]
        text += block
        defined = defines
    return "\n".join(text) + "\n"


def opening(plan: Plan, needs: str, file: str) -> list[str]:
    r"""Write the text that the file begins with.

    >>> from chainrule import Network
    >>> from chainrule.storage.exporting.plan import make_plan
    >>> opening(make_plan(Network.from_sizes([4, 3]).init(), "net"), "NumPy only", "net.py")[0][3:]
    'net: a neural network.'
    """
    return [
        f'"""{plan.name}: {purpose(plan)}.',
        "",
        *textwrap.wrap(f"Written by chainrule {__version__}; needs {needs}. The network: {summary(plan)}.", WIDTH),
        *about_columns(plan),
        "",
        *(f"    {function + '(X)':<18}{what}, for each row of X" for function, what in results(plan)),
        "",
        f"`python {plain_text(shlex.quote(file))}` tests the file on a few rows.",
        '"""',
    ]


def call_of(step: object, argument: str) -> str:
    """Write the call of a layer's function, with those of its numbers that are not the usual ones.

    >>> from chainrule import Dense, Network, formulas
    >>> from chainrule.storage.exporting.plan import make_plan
    >>> network = Network([Dense(2, formulas.ACTIVATIONS.find("elu", alpha=a)) for a in (1.0, 0.5)], inputs=1)
    >>> [call_of(step, "Z") for step in make_plan(network.init(), "net").steps]
    ['elu(Z)', 'elu(Z, alpha=0.5)']
    """
    function, numbers = step.function, step.numbers  # type: ignore[attr-defined]
    if function is None:
        return argument
    own = [f"{name}={value!r}" for name, value in numbers.items() if value != function.numbers[name]]
    return f"{function.name}({', '.join([argument, *own])})"


def rows_of(plan: Plan) -> list[str]:
    """Write what makes a list of rows of whatever holds some; columns are found by their names where they have names.

    >>> from chainrule import Network
    >>> from chainrule.storage.exporting.plan import make_plan
    >>> rows_of(make_plan(Network.from_sizes([4, 3]).init(), "net"))[-1]
    '    return rows'
    """
    named = plan.encoder is not None
    cells, strange, frame, result = (
        (
            "cells in the order of COLUMNS",
            "(str, bytes)",
            'X.to_dict("records")',
            "[[row[name] for name in COLUMNS] if isinstance(row, dict) else row for row in rows]",
        )
        if named
        else ("numbers", "(str, bytes, dict)", "X.values.tolist()", "rows")
    )
    return [
        "def rows_of(X):",
        f'    """Give X, which may be a DataFrame, as a list of rows, {cells}."""',
        f'    X = {frame} if hasattr(X, "columns") else X',
        '    rows = list(X) if hasattr(X, "__iter__") else [X]',
        f'    if any(isinstance(row, {strange}) or not hasattr(row, "__len__") for row in rows):',
        '        raise ValueError("X must be a list of rows; write [row] for one")',
        f"    return {result}",
    ]


def self_test(sample: Sample, plan: Plan, compare: list[str]) -> list[list[str]]:
    """Write a few rows, what is expected of them, and what compares the two.

    ``compare`` sets ``off``, the largest difference, and ``good``.

    >>> from chainrule import Network
    >>> from chainrule.storage.exporting.plan import make_plan
    >>> from chainrule.storage.exporting.samples import draw_sample
    >>> plan = make_plan(Network.from_sizes([4, 3]).init(), "net")
    >>> self_test(draw_sample(plan), plan, ["off, good = 0, True"])[-1]
    ['if __name__ == "__main__":', '    raise SystemExit(0 if self_test() else 1)']
    """
    single = sample.expected.dtype == np.float32
    expected = sample.expected[:, 0] if sample.flat else sample.expected
    rows = [
        "# What the model gave for a few rows, when this file was written.",
        *nested("ROWS = ", sample.rows, python_value),
        *nested("EXPECTED = ", expected, lambda x: python_number(x, single)),
    ]
    test = [
        "def self_test():",
        f'    """Compare {sample.function}(ROWS) with EXPECTED; give whether they agree but for rounding."""',
        *(f"    {line}" for line in compare),
        "    print(f\"largest difference {off:.1e}: {'good' if good else 'WRONG'}\")",
        "    return good",
    ]
    return [rows, test, ['if __name__ == "__main__":', "    raise SystemExit(0 if self_test() else 1)"]]
