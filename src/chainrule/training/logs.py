"""Logs: what each epoch measured, in a text file, as lines of JSON or as CSV.

A log is the history on disk. As training begins, the file is written anew from the history that training goes on from,
whole or not at all; then each epoch adds a line. So a training that goes on, after a crash too, leaves the same file
as one that was never interrupted: no epoch is missing, and none is there twice.
"""

from __future__ import annotations

import csv
import io
import json
import math
import os
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, TextIO

from chainrule._version import __version__
from chainrule.errors import SaveError, UsageError
from chainrule.history import History
from chainrule.language import tr
from chainrule.storage.atomic import atomic_write
from chainrule.training.callbacks import Callback, Info

__all__ = ["CSVLog", "JSONLines", "warn_lost"]


class _Log(Callback):
    """A file with a head, a line for each epoch, and perhaps a last line."""

    _begins: ClassVar[bytes]  # what a file of this kind begins with, by which an older log is told from another file

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.lost: OSError | None = None
        self._file: TextIO | None = None

    def check(self) -> None:
        """See that nothing but an older log would be replaced.

        Raises:
            UsageError: where the file is there already and is no such log.
            SaveError: where it cannot be looked into.
        """
        try:
            with self.path.open("rb") as file:
                head = file.read(len(self._begins))
        except FileNotFoundError:
            return
        except OSError as error:
            raise SaveError(
                "{path} cannot be used: {reason}; name another file, in a folder that is yours",
                path=str(self.path),
                reason=error.strerror or error,
            ) from error
        if head and head != self._begins:
            raise UsageError(
                "{path} is there already and is no log of a training; name another file, or remove it first",
                path=str(self.path),
            )

    def begin(self, info: Info) -> None:
        """Write what is known already: the head, and the epochs that training goes on from."""
        self.check()
        self._close()
        self.lost = None
        self._start(info)
        atomic_write(self.path, self._whole(info.history).encode())
        self._file = self.path.open("a", encoding="utf-8", newline="")

    def epoch(self, info: Info) -> None:
        """Add a line."""
        self._add(self._line(info.history.epochs, info.values))

    def end(self, info: Info) -> None:
        """Add the last line; where lines were lost, write the whole file once more."""
        self._add(self._last(info.history))
        self._close()
        if self.lost is not None and self._file is None:
            self._mend(info.history)

    def _add(self, text: str) -> None:
        """Write and flush. No training is lost for its log: an error is kept, and told as a warning."""
        if self._file is None or self.lost is not None or not text:
            return
        try:
            self._file.write(text)
            self._file.flush()
        except OSError as error:
            self.lost = error
            warn_lost(self.path, error)

    def _mend(self, history: History) -> None:
        try:
            atomic_write(self.path, (self._whole(history) + self._last(history)).encode())
        except SaveError:
            return  # it was told before
        self.lost = None

    def _close(self) -> None:
        if self._file is not None:
            try:
                self._file.close()
            except OSError as error:  # what a full disk did not take in is not taken in now
                self.lost = self.lost or error
            self._file = None

    def _whole(self, history: History) -> str:
        lines = []
        for k in range(history.epochs):
            lines.append(self._line(k + 1, {name: series[k] for name, series in history.series.items()}))
        return self._head() + "".join(lines)

    def _start(self, info: Info) -> None:
        """Remember what the head needs."""

    def _head(self) -> str:
        raise NotImplementedError

    def _line(self, epoch: int, values: Mapping[str, float]) -> str:
        raise NotImplementedError

    def _last(self, history: History) -> str:
        return ""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.path)!r})"


class JSONLines(_Log):
    """Writes a log of one JSON object a line, which pandas reads with ``pandas.read_json(path, lines=True)``.

    The first line has ``"kind": "run"`` and says what is trained: network, settings, engine, versions. Then comes a
    line of ``"kind": "epoch"`` for each epoch, with its number in the history and all that it measured, flushed at
    once. The last, of ``"kind": "end"``, says why training ended. A number that is NaN or infinite is null, as strict
    readers of JSON want it.

    A training that goes on from an earlier one writes the earlier epochs, too. Where the disk does not take a line,
    training goes on: ``lost`` holds the error, a warning tells it, and the file is written anew at the end.

    Args:
        path: where to; an older log is replaced, another file never.

    Raises:
        UsageError: (as training begins) where the file is there already and is no such log.
        SaveError: (as training begins) where it cannot be written.

    >>> import json, tempfile
    >>> from chainrule import Network, train
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "run.jsonl"
    ...     model = train(Network.from_sizes([1, 1]), [[0.0], [1.0]], [0.0, 1.0], epochs=2, callbacks=JSONLines(path))
    ...     lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    >>> [line["kind"] for line in lines], lines[1]["epoch"], lines[-1]["stopped"]
    (['run', 'epoch', 'epoch', 'end'], 1, 'all 2 epochs done')
    """

    _begins = b'{"kind": "run"'

    def _start(self, info: Info) -> None:
        model, history = info.model, info.history
        self._facts: dict[str, Any] = {
            "network": model.network.describe(),
            "parameters": model.network.parameter_count,
            "dtype": model.dtype.name,
            "settings": model.settings,
            "engine": history.engine,
            "engine_reason": history.engine_reason,
            "epochs_before": history.epochs,
            "epochs_planned": info.epochs,
            "chainrule": __version__,
        }

    def _head(self) -> str:
        return _json("run", self._facts)

    def _line(self, epoch: int, values: Mapping[str, float]) -> str:
        return _json("epoch", {"epoch": epoch, **values})

    def _last(self, history: History) -> str:
        return _json("end", {"epochs": history.epochs, "updates": history.updates, "stopped": history.stopped or None})


class CSVLog(_Log):
    """Writes a log as CSV: a column for the epoch's number and one for each series, a line for each epoch.

    What an epoch did not measure is an empty cell; what is not finite is nan or inf. All else is as with `JSONLines`.

    Args:
        path: where to; an older log is replaced, another file never.

    Raises:
        UsageError: (as training begins) where the file is there already and is no such log.
        SaveError: (as training begins) where it cannot be written.

    >>> import tempfile
    >>> from chainrule import Network, train
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "run.csv"
    ...     model = train(Network.from_sizes([1, 1]), [[0.0], [1.0]], [0.0, 1.0], epochs=2, callbacks=CSVLog(path))
    ...     path.read_text(encoding="utf-8").splitlines()[0]
    'epoch,loss,rmse,rate,seconds'
    """

    _begins = b"epoch,loss,"

    def _start(self, info: Info) -> None:
        self._columns = tuple(dict.fromkeys((*info.series, *info.history.series)))

    def _head(self) -> str:
        return _csv(("epoch", *self._columns))

    def _line(self, epoch: int, values: Mapping[str, float]) -> str:
        return _csv((epoch, *(repr(float(values[name])) if name in values else "" for name in self._columns)))


def _json(kind: str, facts: Mapping[str, Any]) -> str:
    return json.dumps({"kind": kind, **_plain(facts)}, allow_nan=False) + "\n"


def _plain(value: Any) -> Any:
    """Give plain data in which what is not finite is None: JSON has no word for it."""
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    if hasattr(value, "item"):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _csv(cells: tuple[Any, ...]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue()


def warn_lost(path: Path, error: OSError) -> None:
    """Warn that a log could not be written: no training is lost for it."""
    text = tr("{path} could not be written: {reason}; training goes on", path=path, reason=error.strerror)
    warnings.warn(text, RuntimeWarning, stacklevel=3)
