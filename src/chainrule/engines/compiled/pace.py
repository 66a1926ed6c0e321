"""How training is cut into stretches: how many batches each has, and in how many threads it is made.

Threads that wait for each other are quicker where a batch is large and the cores are free. Where other programs run,
too, a thread that has lost its core lets all others wait, and several may take longer than one. So it is measured.
"""

from __future__ import annotations

__all__ = ["Pace"]

_STRETCH = 0.05  # seconds
_TRIAL = 0.01  # seconds of a stretch with another number of threads
_SOON, _SELDOM = 2, 64  # stretches between two trials: at first, and where trials change nothing


class Pace:
    """Plans stretches from how long those before took; results are the same bits whatever it plans.

    Now and then a short stretch is made with half or twice as many threads, and the quickest number goes on. A number
    that was quicker when it was last measured is tried at once, so that training soon gets out of the way of other
    programs.

    Args:
        most: how many threads there may be.

    Attributes:
        threads: how many the stretch at hand should be made in.

    >>> pace = Pace(most=1)
    >>> pace.note(threads=1, batches=pace.plan(limit=1000), seconds=0.001)
    >>> pace.plan(limit=1000)
    50
    """

    def __init__(self, most: int) -> None:
        self.threads = self._best = most
        self._counts = [most]
        while self._counts[-1] > 1:
            self._counts.append(self._counts[-1] // 2)
        self._seconds: dict[int, float] = {}  # of a batch, by number of threads, as last measured
        self._planned, self._next = 1, 1.0 / 64
        self._since, self._wait, self._fewer = 0, _SOON, True

    def plan(self, limit: int) -> int:
        """Give how many batches the next stretch has, at least 1 and at most ``limit``; sets ``threads``."""
        trial = self._trial()
        self.threads = self._best if trial is None else trial
        batches = int(self._next * (1 if trial is None else _TRIAL / _STRETCH))
        self._planned = max(1, min(batches, limit))
        return self._planned

    def note(self, threads: int, batches: int, seconds: float) -> None:
        """Note how long a stretch took and in how many threads it was made, which may be fewer than planned."""
        if batches < self._planned:
            return  # the end of an epoch: mostly the time that threads take to begin
        each = max(seconds, 1e-7) / batches
        self._next = min(_STRETCH / each, 64.0 * batches)
        self._seconds.pop(self.threads, None)  # no longer known, if fewer threads than planned did it
        self._seconds[threads] = each
        self._since += 1
        if self.threads == self._best:
            return
        self._since = 0
        if threads == self.threads and each < self._seconds.get(self._best, each):
            self._best, self._wait = threads, _SOON
        else:
            self._wait = min(2 * self._wait, _SELDOM)

    def _trial(self) -> int | None:
        """Give a number of threads to try now, or None."""
        now = self._seconds.get(self._best)
        if now is None or len(self._counts) == 1:
            return None
        quickest = min(self._counts, key=lambda count: self._seconds.get(count, now))
        if self._seconds.get(quickest, now) < now:
            return quickest
        if self._since < self._wait:
            return None
        self._fewer = not self._fewer
        at = self._counts.index(self._best)
        beside = self._counts[max(at - 1, 0) : at + 2]
        beside.remove(self._best)
        return beside[-1 if self._fewer else 0]
