"""What the campaigns share: how large they are, and lines that say what was counted and how near the worst came."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from statistics import median
from typing import Any

import pytest

Tally = Callable[..., None]


@pytest.fixture
def tally(record_property: Callable[[str, object], None]) -> Tally:
    """Count towards a line of the summary: ``tally(what, count, value, limit)``; the line tells the largest value."""

    def count(what: str, number: int = 1, value: float = 0.0, limit: float = 0.0) -> None:
        record_property("campaign", (what, number, value, limit))

    return count


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say what was counted; with tests in several processes, too, since properties travel with the reports."""
    counted: dict[str, list[tuple[int, float, float]]] = defaultdict(list)
    for report in (report for reports in terminalreporter.stats.values() for report in reports):
        if getattr(report, "when", "") == "call":
            for name, value in report.user_properties:
                if name == "campaign":
                    what, number, *figures = value
                    counted[what].append((number, *figures))
    if counted:
        terminalreporter.section("campaign")
    for what, entries in sorted(counted.items()):
        line, limit = f"{what}: {sum(number for number, _, _ in entries):,}", entries[0][2]
        if limit:
            values = [value for _, value, _ in entries]
            line += f", worst {max(values):.3g} of {limit:g}, median {median(values):.3g}"
        terminalreporter.write_line(line)
