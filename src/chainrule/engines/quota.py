"""How much of the processor a container lets this process have: the quotas of its control groups, on Linux."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path

__all__ = ["cpu_quota", "read_quota"]

_MANY = 1_000_000.0  # cores: no limit


@functools.cache
def cpu_quota() -> float:
    """Give how many cores' worth of time the process may use, read once; a large number where nothing limits it.

    >>> cpu_quota() > 0
    True
    """
    return read_quota(Path("/proc/self/cgroup"), Path("/sys/fs/cgroup"))


def read_quota(groups: Path, root: Path) -> float:
    """Give the lowest quota of a process's control groups and of all that hold them.

    Args:
        groups: the file that lists the process's groups, such as /proc/self/cgroup.
        root: where the groups' files are, such as /sys/fs/cgroup.

    >>> read_quota(Path("no such file"), Path("no such folder"))
    1000000.0
    """
    try:
        lines = groups.read_text().splitlines()
    except (OSError, UnicodeDecodeError):
        return _MANY
    found = [_MANY]
    for line in lines:
        _, kinds, path = [*line.split(":", 2), "", ""][:3]
        if not kinds:  # version 2: one tree for everything
            found += [_read(folder / "cpu.max") for folder in _upwards(root, path)]
        elif "cpu" in kinds.split(","):
            for name in ("cpu", kinds):
                found += [_read_old(folder) for folder in _upwards(root / name, path)]
    return min(found)


def _upwards(root: Path, path: str) -> Iterator[Path]:
    """Give a group's folder and all above it; in a container only the uppermost may be there."""
    parts = [part for part in path.split("/") if part not in ("", "..")]
    for count in range(len(parts), -1, -1):
        yield root.joinpath(*parts[:count])


def _read(file: Path) -> float:
    """Read ``cpu.max``: microseconds of processor time and of real time, or "max"."""
    try:
        quota, period = file.read_text().split()
        return float(quota) / float(period) if quota != "max" else _MANY
    except (OSError, ValueError, ZeroDivisionError):
        return _MANY


def _read_old(folder: Path) -> float:
    """Read the two files of version 1; a quota of -1 is none."""
    try:
        quota, period = (float((folder / f"cpu.cfs_{name}_us").read_text()) for name in ("quota", "period"))
        return quota / period if quota > 0 else _MANY
    except (OSError, ValueError, ZeroDivisionError):
        return _MANY
