"""The lessons on descent: the table's figures, other settings, settings that cannot be, checks that can fail."""

from __future__ import annotations

import shlex
from typing import Any

import numpy as np
import pytest

from chainrule import lessons
from chainrule.errors import ChainruleError, UsageError
from chainrule.lessons.rendering import to_markdown
from chainrule.lessons.story import Hint, Say, Table

NAMES = ("descent-1d", "descent-2d", "linear-regression", "batch-sizes")


@pytest.fixture(scope="module")
def told() -> dict[str, lessons.Result]:
    return {name: lessons.run(name) for name in NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_all_checks_hold(told: dict[str, lessons.Result], name: str) -> None:
    assert told[name].checks
    assert [check.name for check in told[name].checks if not check.passed] == []


def test_figures(told: dict[str, lessons.Result]) -> None:
    values = {name: result.values for name, result in told.items()}
    np.testing.assert_allclose(values["descent-1d"]["path"], (0.2, 0.04, 0.008, 0.0016), atol=1e-15, rtol=0)
    path = values["descent-2d"]["path"]
    assert len(path) == 99
    np.testing.assert_allclose(path[:2], [(1.6, 2.4), (1.28, 1.92)], atol=1e-15, rtol=0)
    np.testing.assert_allclose(path[98], (5.09258994e-10, 7.63888491e-10), atol=5e-19, rtol=0)
    regression = values["linear-regression"]
    assert regression["updates"] == 4344
    np.testing.assert_allclose(regression["theta"], (0.13729871, 1.47677663), atol=5e-9, rtol=0)
    np.testing.assert_allclose(regression["closed_form"], (0.13725490, 1.47678019), atol=5e-9, rtol=0)
    assert values["batch-sizes"] == {"iterations": 10_000}


def test_series_hold_the_start(told: dict[str, lessons.Result]) -> None:
    one, two = told["descent-1d"], told["descent-2d"]
    assert one.series["path"] == [1.0, *one.values["path"]]
    assert two.series["path"] == [[2.0, 3.0], *two.values["path"]]
    assert len(told["linear-regression"].series["cost"]) == 4344
    paths = told["batch-sizes"].series
    assert {name: len(path) for name, path in paths.items()} == {
        "path_batch": 21,
        "path_mini_batch": 61,
        "path_stochastic": 361,
    }


def test_a_rate_too_small_and_one_too_large_are_said_so(told: dict[str, lessons.Result]) -> None:
    rates = [block for block in told["descent-1d"].blocks if isinstance(block, Table)][1]
    assert [row[0] for row in rates.rows] == [0.02, 0.4, 1.1]
    assert str(rates.rows[2][-1]).startswith("diverging")


@pytest.mark.parametrize(
    ("settings", "rates"),
    [
        ({"rate": 0.9}, [0.045, 0.9, 2.475]),
        ({"rate": 2, "small": 0.02, "large": 1.1}, [0.02, 1.1, 2.0]),
        ({"rate": 0.4, "small": 0.4, "large": 0.4}, [0.4]),
        ({"rate": 1e300}, [5e298, 1e300]),
    ],
)
def test_rates_stand_in_order_and_once(settings: dict[str, Any], rates: list[float]) -> None:
    result = lessons.run("descent-1d", **settings)
    table = [block for block in result.blocks if isinstance(block, Table)][1]
    np.testing.assert_allclose([row[0] for row in table.rows], rates)
    assert len(result.figure.axes) == len(rates)


@pytest.mark.parametrize("name", ["descent-1d", "descent-2d"])
def test_where_no_step_can_be_shown_nothing_is_checked(name: str) -> None:
    result = lessons.run(name, rate=1e200)
    assert result.values["path"] == []
    assert result.checks == []
    assert any(
        isinstance(block, Say) and "step 1 leads to where J has no finite value" in block.text
        for block in result.blocks
    )
    assert result.figure.axes


def test_leaving_the_domain_is_no_divergence() -> None:
    result = lessons.run("descent-1d", function="log(t)", rate=0.9, steps=50, small=0.1, large=1.5)
    rates = [block for block in result.blocks if isinstance(block, Table)][1]
    assert str(rates.rows[-1][-1]).startswith("left the domain of J: step 1")
    assert result.figure.axes[-1].get_title().endswith("0 steps, then out of the domain")


def test_a_python_function() -> None:
    def bowl(x: Any, y: Any) -> Any:
        return x**2 + y**2

    one = lessons.run("descent-1d", function=lambda t: t**2)
    assert one.values == lessons.run("descent-1d").values
    assert one.to_dict()["settings"]["function"] == "<lambda>"
    two = lessons.run("descent-2d", function=bowl, steps=3)
    assert two.to_dict()["settings"]["function"] == "bowl"
    assert two.to_dict()["settings"]["start"] == (2.0, 3.0)
    strange = lessons.run("descent-1d", function=lambda t: float(t) ** 2)
    np.testing.assert_allclose(strange.values["path"], one.values["path"], rtol=1e-6)
    for result in (one, two, strange):
        assert result.passed
        assert not result.as_told
        assert result.figure is not None
        assert "$$$$" not in to_markdown(result)


@pytest.mark.parametrize(
    ("name", "settings", "said"),
    [
        ("descent-1d", {"function": "theta**2 + phi"}, "one variable.*descent-2d"),
        ("descent-2d", {"function": "x**2"}, "two variables.*descent-1d"),
        ("descent-1d", {"function": "log(x)", "start": -1}, "start"),
        ("descent-2d", {"function": "sqrt(x) + y", "start": "-1,2"}, "start"),
    ],
)
def test_what_cannot_be_is_said_first(name: str, settings: dict[str, Any], said: str) -> None:
    blocks: list[Any] = []
    with pytest.raises(UsageError, match=said):
        lessons.run(name, listener=blocks.append, **settings)
    assert blocks == []


@pytest.mark.parametrize("name", NAMES)
def test_pictures(told: dict[str, lessons.Result], name: str) -> None:
    figure = told[name].figure
    assert figure is not None
    assert figure.axes


@pytest.mark.parametrize("name", ["descent-1d", "descent-2d"])
def test_animations(name: str, tmp_path: Any) -> None:
    film = lessons.run(name, steps=2).film
    assert film is not None
    assert film(tmp_path / "film.gif").read_bytes().startswith(b"GIF8")


@pytest.mark.parametrize("name", NAMES)
def test_what_to_try_next_works(told: dict[str, lessons.Result], name: str) -> None:
    hints = [block for block in told[name].blocks if isinstance(block, Hint)]
    assert 1 <= len(hints) <= 3
    for hint in hints:
        _, _, tried, *options = shlex.split(hint.command)
        given = {option.removeprefix("--"): value for option, value in zip(options[::2], options[1::2], strict=True)}
        result = lessons.run(tried, **given)
        assert [check.name for check in result.checks if not check.passed] == []
        assert all(check.expected is None for check in result.checks)


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("descent-1d", {"function": "x^4 - x", "start": -2, "rate": 0.01, "steps": 200, "optimizer": "adam"}),
        ("descent-1d", {"rate": 2.0, "steps": 500}),
        ("descent-1d", {"start": 0.0}),
        ("descent-1d", {"function": "log(t)", "rate": 0.9, "steps": 50}),
        ("descent-2d", {"function": "x*y", "start": (1, 1), "steps": 1, "rate": 30.0}),
        ("descent-2d", {"function": "(1-a)^2 + 5*(b-a^2)^2", "optimizer": "momentum", "rate": 0.01}),
        ("linear-regression", {"updates": 2, "start": (-3, 5)}),
        ("linear-regression", {"tolerance": 1e9}),
        ("batch-sizes", {"mini": 5, "epochs": 1, "examples": 10, "batch": 3}),
        ("batch-sizes", {"mini": 18, "seed": 7}),
        ("batch-sizes", {"mini": 1}),
    ],
)
def test_other_settings(name: str, settings: dict[str, Any]) -> None:
    result = lessons.run(name, **settings)
    assert [check.name for check in result.checks if not check.passed] == []
    assert result.figure is not None


def test_iterations_count_a_batch_that_is_not_full() -> None:
    assert lessons.run("batch-sizes", examples=1797, batch=100, epochs=1).values["iterations"] == 18


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("descent-1d", {"rate": 0}),
        ("descent-1d", {"rate": "nan"}),
        ("descent-1d", {"rate": -1}),
        ("descent-1d", {"steps": 0}),
        ("descent-1d", {"steps": 1.5}),
        ("descent-1d", {"optimizer": "adan"}),
        ("descent-1d", {"function": "__import__('os')"}),
        ("descent-1d", {"function": "x + y"}),
        ("descent-1d", {"function": "5"}),
        ("descent-1d", {"function": "log(x)", "start": -1}),
        ("descent-2d", {"function": "x**2"}),
        ("descent-2d", {"start": 1}),
        ("descent-2d", {"start": "1,2,3"}),
        ("descent-2d", {"function": "sqrt(x) + y", "start": "-1,2"}),
        ("linear-regression", {"tolerance": 0}),
        ("linear-regression", {"start": "a"}),
        ("batch-sizes", {"mini": 0}),
        ("batch-sizes", {"mini": 19}),
        ("batch-sizes", {"seed": -1}),
        ("batch-sizes", {"batch": 0}),
        ("batch-sizes", {"size": 3}),
    ],
)
def test_settings_that_cannot_be(name: str, settings: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        lessons.run(name, **settings)


def test_a_rate_too_large_for_the_line_is_an_error_that_says_so() -> None:
    with pytest.raises(ChainruleError, match=r"learning rate 0\.02 is too large"):
        lessons.run("linear-regression", rate=0.02)


def test_checks_can_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    """A slip in the optimizer shows in every lesson that descends with it."""
    from chainrule.formulas import OPTIMIZERS

    monkeypatch.setitem(vars(OPTIMIZERS["sgd"]), "value", lambda theta, g, state, t, rate: (-1.01 * rate * g, ()))
    for name in ("descent-1d", "descent-2d", "linear-regression"):
        assert not lessons.run(name).passed
