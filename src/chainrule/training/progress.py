"""The progress bar: loss and accuracy while training runs."""

from __future__ import annotations

import time
from typing import Any, TextIO

from chainrule.history import short_name
from chainrule.language import tr
from chainrule.training.callbacks import Callback, Info, Snapshot

__all__ = ["Progress"]

_NOT_SHOWN = ("penalty", "rate", "seconds")
_PAUSE = 0.1
_WIDE = 110


class Progress(Callback):
    """A live bar on a terminal: epochs, loss, accuracy, time left. Where output is no terminal, a line now and then.

    Args:
        stream: where to write; standard error by default.
        every: where output is no terminal, seconds between lines.

    >>> Progress().every
    5.0
    """

    def __init__(self, stream: TextIO | None = None, every: float = 5.0) -> None:
        self.stream, self.every = stream, every
        self._console: Any = None
        self._bar: Any = None
        self._task: Any = None
        self._moved = self._told = 0.0
        self._latest = self._untold = ""

    def begin(self, info: Info) -> None:
        """Show the empty bar."""
        import sys

        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        self._console = Console(file=self.stream or sys.stderr)
        self._moved = self._told = time.monotonic()
        self._latest = self._untold = ""
        self._bar = None
        if self._console.is_terminal:
            columns = (
                TextColumn("{task.fields[epoch]}"),
                BarColumn(bar_width=20),
                TextColumn("{task.fields[values]}"),
                TimeRemainingColumn(elapsed_when_finished=True),
            )
            self._bar = Progress(*columns, console=self._console, refresh_per_second=10)
            self._task = self._bar.add_task(
                "", total=info.epochs * info.batches, epoch=_epoch(1, info.epochs), values=""
            )
            self._bar.start()

    def batch(self, info: Info) -> str | None:
        """Move the bar, at most ten times a second."""
        now = time.monotonic()
        if self._bar is not None and now - self._moved >= _PAUSE:
            self._moved = now
            self._move(info, self._latest or tr("loss {value:.4f}", value=info.loss))
        return None

    def epoch(self, info: Info) -> str | None:
        """Show the epoch's measurements."""
        shown = [name for name in info.values if name not in _NOT_SHOWN]
        held_out = [name for name in shown if name.startswith("validation_")]
        if self._bar is not None and self._console.width < _WIDE:
            shown = held_out or shown  # a usual terminal has no room for both
        self._latest = "  ".join(f"{short_name(name)} {info.values[name]:.4f}" for name in shown)
        if self._bar is not None:
            self._move(info, self._latest)
            return None
        self._untold = f"{_epoch(info.epoch, info.epochs)}  {self._latest}"
        if time.monotonic() - self._told >= self.every:
            self._tell()
        return None

    def end(self, info: Info) -> Snapshot | None:
        """Leave the bar as it stands; where output is no terminal, the last epoch is always told."""
        if self._bar is not None:
            self._bar.stop()
        elif self._untold:
            self._tell()
        return None

    def _tell(self) -> None:
        self._console.print(self._untold, highlight=False, markup=False, soft_wrap=True)
        self._told, self._untold = time.monotonic(), ""

    def _move(self, info: Info, values: str) -> None:
        done = (info.epoch - 1) * info.batches + info.batch
        self._bar.update(self._task, completed=done, epoch=_epoch(info.epoch, info.epochs), values=values)


def _epoch(epoch: int, epochs: int) -> str:
    return tr("epoch {epoch}/{epochs}", epoch=epoch, epochs=epochs)
