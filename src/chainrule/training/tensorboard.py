"""Event files for TensorBoard, in the format that tensorboardX writes."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from chainrule.errors import MissingExtra, SaveError
from chainrule.training.callbacks import Callback, Info
from chainrule.training.logs import warn_lost

__all__ = ["TensorBoard"]


class _Library(NamedTuple):
    """What tensorboardX brings: a file of records, and the messages in them."""

    RecordWriter: Callable[[str], Any]
    Event: Callable[..., Any]
    SessionLog: Any
    scalar: Callable[[str, float], Any]
    histogram: Callable[..., Any]


class TensorBoard(Callback):
    """Writes each series of the history as a scalar for TensorBoard, with the epoch as the step.

    Look at it with ``tensorboard --logdir FOLDER``; each epoch is there as soon as it is done. A training that goes on
    writes another event file into the same folder and says in it from which epoch on it counts, so that TensorBoard
    draws no epoch twice. Where the disk does not take an epoch, training goes on: ``lost`` holds the error, and a
    warning tells it.

    Args:
        folder: where event files go; it is made where there is none.
        histograms: whether to write how the numbers of each W[l] and b[l] are spread as well.

    Raises:
        MissingExtra: where tensorboardX is not installed.
        SaveError: (as training begins) where the folder cannot be written to.

    >>> import tempfile
    >>> from chainrule import Network, train
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     board = TensorBoard(folder)
    ...     model = train(Network.from_sizes([1, 1]), [[0.0], [1.0]], [0.0, 1.0], epochs=2, callbacks=board)
    ...     len(list(Path(folder).glob("events.out.tfevents.*")))
    1
    """

    def __init__(self, folder: str | os.PathLike[str], *, histograms: bool = False) -> None:
        self.folder, self.histograms = Path(folder), histograms
        self.lost: OSError | None = None
        self._library = _library()
        self._file: Any = None

    def begin(self, info: Info) -> None:
        """Begin an event file."""
        self.end(info)
        self.lost = None
        first, library = info.history.epochs + 1, self._library
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._file = library.RecordWriter(str(self._place()))
            self._write(first, file_version="brain.Event:2")
            # What older files in the folder say of this epoch and later ones counts no longer.
            self._write(first, session_log=library.SessionLog(status=library.SessionLog.START))
            self._file.flush()
        except OSError as error:
            self._file = None
            raise SaveError(
                "the folder {folder} cannot be written to: {reason}; name another folder",
                folder=str(self.folder),
                reason=error.strerror or error,
            ) from error

    def epoch(self, info: Info) -> None:
        """Write the epoch's measurements."""
        if self.lost is not None:
            return
        step, library = info.history.epochs, self._library
        try:
            for name, value in info.values.items():
                self._write(step, summary=library.scalar(name, value))
            if self.histograms:
                model = info.model
                for name in model:
                    self._write(step, summary=library.histogram(name, model[name].reshape(-1), bins=64))
            self._file.flush()
        except OSError as error:
            self.lost = error
            warn_lost(self.folder, error)

    def end(self, info: Info) -> None:
        """Close the event file."""
        if self._file is not None:
            try:
                self._file.close()
            except OSError as error:  # what a full disk did not take in is not taken in now
                self.lost = self.lost or error
            self._file = None

    def _place(self) -> Path:
        """Name a new event file: readers take them in the order of their names, and two may be of one second."""
        number = len(list(self.folder.glob("events.out.tfevents.*")))
        return self.folder / f"events.out.tfevents.{int(time.time()):010d}.{socket.gethostname()}.{number}"

    def _write(self, step: int, **content: Any) -> None:
        event = self._library.Event(wall_time=time.time(), step=step, **content)
        self._file.write(event.SerializeToString())

    def __repr__(self) -> str:
        return f"TensorBoard({str(self.folder)!r})"


def _library() -> _Library:
    """Give what tensorboardX brings: without its writer, which keeps a thread and a queue for what is here one call."""
    try:
        from tensorboardX import RecordWriter
        from tensorboardX.proto.event_pb2 import Event, SessionLog
        from tensorboardX.summary import histogram, scalar
    except ImportError as error:
        raise MissingExtra.of("writing event files for TensorBoard", "tensorboardX", extra="tensorboard") from error
    return _Library(RecordWriter, Event, SessionLog, scalar, histogram)
