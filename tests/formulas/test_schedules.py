"""Schedules: hand-computed values, where they begin and end, and that they are shares of the optimizer's rate."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.errors import UsageError
from chainrule.formulas import SCHEDULES, Schedule

EPOCHS = 20.0
FALLING = ("constant", "step", "exponential", "inverse_scaling", "cosine")


def factor(name: str, e: float, E: float = EPOCHS, **parameters: float) -> float:
    schedule = SCHEDULES.find(name, **parameters)
    return schedule.bound(schedule.value)(e, E)


@pytest.mark.parametrize(
    ("name", "parameters", "values"),
    [
        ("constant", {}, {0: 1, 7.5: 1, 20: 1}),
        ("step", {}, {0: 1, 9.99: 1, 10: 0.5, 19.99: 0.5, 20: 0.25}),
        ("step", {"factor": 0.1, "every": 2.5}, {0: 1, 2.4: 1, 2.5: 0.1, 5: 0.01, 19.9: 1e-7}),
        ("exponential", {}, {0: 1, 1: 0.95, 2: 0.9025, 0.5: 0.9746794344808963}),
        ("exponential", {"factor": 0.5}, {3: 0.125, 10: 0.0009765625}),
        ("inverse_scaling", {}, {0: 1, 3: 0.5, 8: 1 / 3, 99: 0.1}),
        ("inverse_scaling", {"power": 1}, {0: 1, 1: 0.5, 3: 0.25}),
        ("cosine", {}, {0: 1, 5: (1 + math.sqrt(0.5)) / 2, 10: 0.5, 15: (1 - math.sqrt(0.5)) / 2, 20: 0, 25: 0}),
        ("cosine", {"floor": 0.2}, {0: 1, 10: 0.6, 20: 0.2}),
        ("warm_up", {}, {0: 0.01, 0.5: 0.505, 1: 1, 20: 1}),
        ("warm_up", {"epochs": 4, "start": 0.2}, {0: 0.2, 1: 0.4, 3: 0.8, 4: 1, 5: 1}),
        ("one_cycle", {}, {0: 0.04, 3: 0.52, 6: 1, 13: 0.500002, 20: 4e-6, 21: 4e-6}),
        ("one_cycle", {"peak": 0.5, "start": 0.1, "end": 0.2}, {0: 0.1, 5: 0.55, 10: 1, 15: 0.6, 20: 0.2}),
    ],
)
def test_hand_computed(name: str, parameters: dict[str, float], values: dict[float, float]) -> None:
    for e, expected in values.items():
        assert factor(name, e, **parameters) == pytest.approx(expected, rel=1e-13, abs=1e-16)


@pytest.mark.parametrize("schedule", SCHEDULES.values(), ids=str)
@given(e=st.floats(0, 100), E=st.floats(0.5, 100))
def test_factor_is_a_share_of_the_rate(schedule: Schedule, e: float, E: float) -> None:
    value = schedule.bound(schedule.value)(min(e, E), E)
    assert type(value) is float
    assert 0 <= value <= 1


@pytest.mark.parametrize("name", FALLING)
@given(first=st.floats(0, 20), second=st.floats(0, 20))
def test_never_rises(name: str, first: float, second: float) -> None:
    assert factor(name, min(first, second)) >= factor(name, max(first, second))


@pytest.mark.parametrize(("name", "top"), [("warm_up", 1.0), ("one_cycle", 0.3 * EPOCHS)])
@given(first=st.floats(0, 20), second=st.floats(0, 20))
def test_rises_to_the_top_and_no_further(name: str, top: float, first: float, second: float) -> None:
    first, second = sorted((first, second))
    if second <= top:
        assert factor(name, first) <= factor(name, second)
    if first >= top:
        assert factor(name, first) >= factor(name, second)


@pytest.mark.parametrize("schedule", SCHEDULES.values(), ids=str)
def test_smooth_ones_have_no_jump(schedule: Schedule) -> None:
    if schedule.name != "step":
        value = schedule.bound(schedule.value)
        steps = [abs(value(e / 1000 + 0.001, EPOCHS) - value(e / 1000, EPOCHS)) for e in range(20_000)]
        assert max(steps) < 0.002


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("step", {"every": 0}),
        ("step", {"factor": -1}),
        ("exponential", {"factor": 0}),
        ("cosine", {"floor": 1.5}),
        ("warm_up", {"epochs": 0}),
        ("warm_up", {"start": -0.1}),
        ("one_cycle", {"peak": 0}),
        ("one_cycle", {"peak": 1}),
        ("one_cycle", {"end": 2}),
    ],
)
def test_parameter_without_sense_is_refused(name: str, parameters: dict[str, float]) -> None:
    with pytest.raises(
        UsageError, match=f"{name}: {next(iter(parameters))} is .*; it must be a finite number with 0 <"
    ):
        SCHEDULES.find(name, **parameters)
