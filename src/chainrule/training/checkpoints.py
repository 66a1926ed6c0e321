"""Checkpoints: files from which `train` goes on bit for bit where it stopped."""

from __future__ import annotations

import math
import os
import time
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.errors import SaveError, UsageError
from chainrule.formulas.intervals import is_real
from chainrule.language import Message, recognized, tr
from chainrule.storage.checkpoint_file import check_checkpoint_place, write_checkpoint
from chainrule.storage.strict_json import plain
from chainrule.training.callbacks import EARLY_STOPPING, TIME_LIMIT, Callback, EarlyStopping, Info, TimeLimit
from chainrule.training.identity import Identity
from chainrule.training.standing import Standing, write_standing

__all__ = ["Checkpoint", "still_holds"]


class Checkpoint(Callback):
    """Keeps all that is needed to go on in a file, which ``train(…, resume=path)`` takes up bit for bit.

    It is written after every so many epochs, after so many minutes (within an epoch, too), when training ends, and when
    Ctrl-C or SIGTERM ends it. Each takes the place of the one before in one step, so that a whole one is always there.

    What cannot be written later on, such as for a full disk, is told by a warning, and training goes on.

    Args:
        path: of the file; its folder must exist.
        epochs: write after each so many epochs; None: not by epochs.
        minutes: write after so many minutes; None: not by the clock.
        about: plain data to keep in the file, for the program that reads it.

    Attributes:
        error: why the newest checkpoint could not be written, or None.

    Raises:
        UsageError: for a path, numbers or data that cannot be.
        SaveError: (as training begins) where no file can be written there.

    >>> from tempfile import TemporaryDirectory
    >>> from chainrule import EarlyStopping, Network, train
    >>> X, y, network = [[0.0], [1.0]], [0, 1], Network.from_sizes([1, 1], output="sigmoid")
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "run.checkpoint"
    ...     first = train(network, X, y, epochs=3, callbacks=Checkpoint(path))
    ...     whole = train(network, X, y, epochs=5, resume=path)
    >>> bool((whole.theta == train(network, X, y, epochs=5).theta).all())
    True
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        epochs: int | None = 1,
        minutes: float | None = None,
        *,
        about: Mapping[str, Any] | None = None,
    ) -> None:
        if not isinstance(path, (str, os.PathLike)):
            raise UsageError("path is {path!r}; expected a text or a Path, such as 'run.checkpoint'", path=path)
        if epochs is not None and (
            isinstance(epochs, bool) or not isinstance(epochs, (int, np.integer)) or not epochs >= 1
        ):
            raise UsageError(
                "Checkpoint: epochs is {epochs!r}; it must be a whole number of at least 1, or None", epochs=epochs
            )
        if minutes is not None and (not is_real(minutes) or not minutes > 0):
            raise UsageError(
                "Checkpoint: minutes is {minutes!r}; it must be a number above 0, or None", minutes=minutes
            )
        self.path, self.epochs, self.minutes = Path(path), None if epochs is None else int(epochs), minutes
        self.about = None if about is None else plain(about, "about")
        self.error: SaveError | UsageError | None = None
        self._next = math.inf

    def begin(self, info: Info) -> None:
        """See that the file could be written, and start the clock."""
        check_checkpoint_place(self.path)
        self.error = None
        self._wind()

    def _wind(self) -> None:
        self._next = math.inf if self.minutes is None else time.monotonic() + 60 * self.minutes

    @property
    def is_late(self) -> bool:
        """Whether the minutes are over."""
        return time.monotonic() >= self._next

    def epochs_left(self, done: int) -> int | float:
        """Give after how many more epochs one is to be written."""
        return math.inf if self.epochs is None else self.epochs - done % self.epochs

    def is_due(self, done: int) -> bool:
        """Whether one is to be written after so many epochs."""
        return self.is_late or (self.epochs is not None and done % self.epochs == 0)

    def write(self, standing: Standing, identity: Identity) -> None:
        """Write one; where that fails, warn.

        Args:
            standing: where training stands.
            identity: what training it is.
        """
        try:
            tensors, parts = write_standing(standing)
            parts |= {"settings": identity.settings, "fingerprint": identity.data, "about": self.about}
            write_checkpoint(self.path, tensors, parts, identity.engine)
            self.error = None
        except (SaveError, UsageError) as error:
            self.fail(error)
        self._wind()

    def fail(self, error: SaveError | UsageError) -> None:
        """Keep why none could be written, and warn: no training is lost for it."""
        self.error = error
        text = tr("no checkpoint was written: {error}. Training goes on; an older checkpoint is whole", error=error)
        warnings.warn(text, RuntimeWarning, stacklevel=1)

    def __repr__(self) -> str:
        return f"Checkpoint({str(self.path)!r}, epochs={self.epochs}, minutes={self.minutes})"


def still_holds(stopped: str, callbacks: Iterable[Any]) -> bool:
    """Whether what ended a training that is taken up again ends it still: more time or patience may be given by now."""
    reason = recognized(stopped, (TIME_LIMIT, EARLY_STOPPING))
    if not isinstance(reason, Message):
        return True
    if reason.key == TIME_LIMIT:
        return any(isinstance(each, TimeLimit) and each.is_over for each in callbacks)
    patience = reason.fields["patience"]
    if not str(patience).isdecimal():
        return True
    return not any(isinstance(each, EarlyStopping) and each.patience > int(patience) for each in callbacks)
