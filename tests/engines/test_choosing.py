"""Which engine is taken, and why."""

from __future__ import annotations

import pytest

from chainrule.engines import ENGINES, ConstantRate, choose, reference, why


def test_little_work_is_not_worth_compiling() -> None:
    engine = choose("auto", 0.0123)
    assert engine is reference
    assert why("auto", 0.0123, engine) == "auto: it takes about 0.012 s, less than compiling"


def test_much_work_is() -> None:
    pytest.importorskip("llvmlite")
    engine = choose("auto", 12.3)
    assert engine.name == "compiled"
    assert why("auto", 12.3, engine) == ("auto: the reference engine would take about 12 s, for which compiling pays")


@pytest.mark.parametrize("name", ["reference", "compiled"])
def test_who_asks_for_an_engine_is_why(name: str) -> None:
    if name == "compiled":
        pytest.importorskip("llvmlite")
    assert why(name, 5.0, choose(name, 5.0)) == "asked for"


@pytest.mark.parametrize("name", ["auto", "compiled"])
def test_an_engine_that_cannot_run_is_why(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("llvmlite")
    monkeypatch.setattr("chainrule.engines.compiled.works", lambda: False)
    monkeypatch.setitem(ENGINES, "compiled", None)
    engine = choose(name, 5.0)
    assert engine is reference
    assert why(name, 5.0, engine) == "the compiled engine cannot run here"


def test_a_constant_rate_is_the_same_for_every_update() -> None:
    rate = ConstantRate(0.25)
    assert [rate(1), rate(10**9)] == [0.25, 0.25]
