"""Every line that is rendered multiplies out: what is printed, read back from text, LaTeX, Markdown and HTML."""

from __future__ import annotations

import os

import numpy as np
import pytest
from tests.explain import parsing
from tests.explain.cases import names_of, random_step

from chainrule.explain import explain, render
from chainrule.explain.expressions import Number, Ref
from chainrule.explain.page import Equation

CASES = int(os.environ.get("CHAINRULE_CASES", "40"))


@pytest.mark.parametrize("seed", range(CASES))
def test_every_printed_line_multiplies_out(seed: int) -> None:
    rng = np.random.default_rng(seed)
    step = random_step(rng)
    for asked in names_of(step, rng, 1):
        notation, digits = str(rng.choice(["index", "rows"])), int(rng.choice([3, 4, 6, 8, 8, 8, 12]))
        page = explain(step, of=asked, depth=int(rng.integers(1, 6)), notation=notation, digits=digits, most=4)
        for format, check in (
            ("text", parsing.check_text),
            ("latex", parsing.check_latex),
            ("md", parsing.check_latex),
            ("html", parsing.check_html),
        ):
            try:
                checked = check(render(page, format), digits, 1e-9)
            except AssertionError as error:
                raise AssertionError(f"seed {seed}, {asked} in {format}, {digits} digits: {error}") from None
            lines = [block for block in page.blocks if isinstance(block, Equation) and block.forms]
            # "a = z" has no line with numbers but its result.
            stated = sum(not isinstance(line.numbers or line.forms[-1], Ref | Number) for line in lines)
            assert checked >= stated, (asked, format)
