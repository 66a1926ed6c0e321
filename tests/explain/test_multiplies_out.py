"""Every line that is rendered multiplies out: what is printed, read back from text, LaTeX, Markdown and HTML."""

from __future__ import annotations

import os

import numpy as np
import pytest

from chainrule.explain import explain, render
from tests.explain import parsing
from tests.explain.cases import names_of, random_step

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
                checked = check(render(page, format))
            except AssertionError as error:
                raise AssertionError(f"seed {seed}, {asked} in {format}, {digits} digits: {error}") from None
            assert checked >= 1, (asked, format)
