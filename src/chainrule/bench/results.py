"""What was measured: times, their medians and spreads, and ratios of contenders that took turns."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from chainrule.bench import contenders
from chainrule.bench.contenders import Contender, Way
from chainrule.bench.peak import Peak
from chainrule.bench.workloads import Workload

__all__ = ["Comparison", "Measured", "duration", "span"]


@dataclass(frozen=True)
class Measured:
    """One contender's runs of one workload.

    Args:
        way: how it ran: the fastest way of those that were tried.
        seconds: what each round took.
        scores: "loss" and "accuracy", or "difference", of each round.
        loading: seconds to load the library.
        first: seconds of the first run, which compiles and warms up; it does not count.
        tried: the seconds of one run of each way, by what tells it from the others.
        versions: of the library and what it runs on.
        note: what it did otherwise than the workload says.
        failed: why there are no times, if there are none.

    >>> Measured(Way("jax", threads=1), seconds=(0.3, 0.1, 0.2)).median
    0.2
    """

    way: Way
    seconds: tuple[float, ...] = ()
    scores: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    loading: float = 0.0
    first: float = 0.0
    tried: Mapping[str, float] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    note: str = ""
    failed: str = ""

    @property
    def contender(self) -> Contender:
        """Who ran."""
        return contenders.find(self.way.contender)

    @property
    def median(self) -> float:
        """The median of the seconds."""
        return statistics.median(self.seconds)

    def score(self, name: str) -> float | None:
        """Give the median of a score over the rounds, None where there is none of that name."""
        return statistics.median(self.scores[name]) if name in self.scores else None

    def to_dict(self) -> dict[str, Any]:
        """Give plain data."""
        return {
            "contender": self.way.contender,
            "way": str(self.way.text),
            "seconds": list(self.seconds),
            "median": self.median if self.seconds else None,
            "scores": {name: list(values) for name, values in self.scores.items()},
            "loading": self.loading,
            "first": self.first,
            "tried": dict(self.tried),
            "versions": dict(self.versions),
            "note": str(self.note),
            "failed": self.failed,
        }


@dataclass(frozen=True)
class Comparison:
    """What all contenders came to in one workload.

    Args:
        workload: what was done.
        data: with which data.
        measured: by whom; the first one that ran is the measure of the others.
        absent: libraries that are not installed.
        peak: what this machine can do.

    >>> from chainrule.bench.workloads import WORKLOADS
    >>> peak = Peak(single=100.0, single_all=200.0, double=50.0, double_all=100.0, cores=2, by="fma")
    >>> ours, theirs = Measured(Way("compiled"), (1.0, 2.0)), Measured(Way("jax"), (3.0, 6.5))
    >>> Comparison(WORKLOADS["2-2-2"], "one example", (ours, theirs), (), peak).ratio(theirs)[1:]
    (3.0, 3.25)
    """

    workload: Workload
    data: str
    measured: tuple[Measured, ...]
    absent: tuple[Contender, ...]
    peak: Peak

    @property
    def ran(self) -> tuple[Measured, ...]:
        """Those that have times."""
        return tuple(each for each in self.measured if each.seconds)

    @property
    def base(self) -> Measured | None:
        """The one whose time is 1: the fastest engine of this package that there is."""
        return next(iter(self.ran), None)

    def ratio(self, measured: Measured) -> tuple[float, float, float]:
        """Say how many times as long as the base a contender took.

        Returns:
            The ratio of the medians, and the smallest and the largest one of the rounds.
        """
        assert self.base is not None
        rounds = [theirs / ours for theirs, ours in zip(measured.seconds, self.base.seconds, strict=True)]
        return measured.median / self.base.median, min(rounds), max(rounds)

    def limit(self, threads: int) -> float:
        """Give the seconds that the arithmetic takes at the peak of one core or of all."""
        single = self.workload.dtype == "float32"
        return self.workload.operations / (1e9 * self.peak.gigaflops(single=single, all_cores=threads > 1))

    def share(self, measured: Measured) -> float:
        """Give the share of the peak of all cores that a contender reached."""
        return self.limit(self.peak.cores) / measured.median

    def to_dict(self) -> dict[str, Any]:
        """Give plain data."""
        rows = [each.to_dict() for each in self.measured]
        for row, each in zip(rows, self.measured, strict=True):
            if each.seconds:
                ratio, low, high = self.ratio(each)
                row |= {"ratio": ratio, "ratio_low": low, "ratio_high": high, "share_of_peak": self.share(each)}
        return {
            "workload": self.workload.to_dict(),
            "data": str(self.data),
            "operations": self.workload.operations,
            "limit_one_core": self.limit(1),
            "limit_all_cores": self.limit(self.peak.cores),
            "measured": rows,
            "absent": [contender.name for contender in self.absent],
        }


def duration(seconds: float) -> str:
    """Write a time with three digits.

    >>> duration(1.25), duration(0.0183), duration(4.1e-6)
    ('1.25 s', '18.3 ms', '4.10 µs')
    """
    size, unit = _unit(seconds)
    return f"{_three(seconds / size)} {unit}"


def span(seconds: Sequence[float]) -> str:
    """Write the smallest and the largest of several times, in the unit of their median.

    >>> span([0.0183, 0.02, 1.05])
    '18.3–1050'
    """
    size, _ = _unit(statistics.median(seconds))
    return "–".join(_three(value / size) for value in (min(seconds), max(seconds)))


def _unit(seconds: float) -> tuple[float, str]:
    units = ((1.0, "s"), (1e-3, "ms"))
    return next((unit for unit in units if seconds >= 0.9995 * unit[0]), (1e-6, "µs"))


def _three(value: float) -> str:
    return f"{value:.{2 if value < 9.995 else 1 if value < 99.95 else 0}f}"
