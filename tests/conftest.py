"""What all tests share: no display, no network, the same examples on every run, where larger data lie; campaigns."""

from __future__ import annotations

import os
import socket
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parent.parent

os.environ["MPLBACKEND"] = "Agg"
os.environ["CHAINRULE_LANG"] = "en"  # on a Chinese desktop, too

# A red test must be red again on the next run. New examples: pytest --hypothesis-profile=explore
settings.register_profile("same", deadline=None, derandomize=True, max_examples=50)
settings.register_profile("explore", deadline=None, max_examples=500)
settings.load_profile("same")


@pytest.fixture(scope="session", autouse=True)
def _no_network() -> Iterator[None]:
    """Connections leave this machine in no test; a test that plays the server does so on the loopback."""
    connect = socket.socket.connect

    def connect_here(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in ("127.0.0.1", "::1", "localhost"):
            raise OSError(f"a test tried to connect to {address}")
        connect(self, address)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", connect_here)
        yield


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder that holds larger data sets in ``data``; tests that use it are skipped where there is none."""
    folder = Path(os.environ.get("CHAINRULE_SHARED", ROOT.parent / "shared"))
    if not (folder / "data").is_dir():
        pytest.skip(f"no larger data sets in {folder}; CHAINRULE_SHARED names another folder")
    return folder


@pytest.fixture(autouse=True)
def _no_formula_stays_registered() -> Iterator[None]:
    """Take out of the catalogue what a test put in, so that no test depends on those before it."""
    from chainrule.formulas import CATALOGUES

    before = [set(catalogue) for catalogue in CATALOGUES]
    yield
    for catalogue, names in zip(CATALOGUES, before, strict=True):
        for name in set(catalogue) - names:
            catalogue.unregister(name)


# Campaigns: what they counted, and how near the worst came.

Tally = Callable[..., None]


@pytest.fixture
def tally(record_property: Callable[[str, object], None]) -> Tally:
    """Count towards a line of the summary: ``tally(what, count, value, limit)``; the line tells the largest value."""

    def count(what: str, number: int = 1, value: float = 0.0, limit: float = 0.0) -> None:
        record_property("campaign", (what, int(number), float(value), float(limit)))

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
