"""The logs that `train` writes on the way, each from its option."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from chainrule.errors import UsageError

if TYPE_CHECKING:
    from chainrule.training import Callback

__all__ = ["make_logs"]


def make_logs(log: Path | None, tensorboard: Path | None, taken: Collection[str | Path]) -> list[Callback]:
    """Make the callbacks, and see that their files can be written, before any work is done.

    Args:
        log: a file whose name says its format.
        tensorboard: a folder for event files.
        taken: files that the command reads or writes otherwise.

    Raises:
        UsageError: for a name that says no format, or a file that is no log.
        SaveError: where the log cannot be written.
        MissingExtra: where tensorboardX is not installed.
    """
    from chainrule.cli.files import check_place
    from chainrule.training import CSVLog, JSONLines, TensorBoard

    made: list[Callback] = []
    if log is not None:
        kinds = {".jsonl": JSONLines, ".csv": CSVLog}
        kind = kinds.get(log.suffix.lower())
        if kind is None:
            raise UsageError(
                "{path} does not say in which format to write the log; let the name end in one of: {allowed}",
                path=log,
                allowed=", ".join(kinds),
            )
        if any(log.absolute() == Path(each).absolute() for each in taken):
            raise UsageError("{path} cannot hold both the log and something else; name two files", path=log)
        check_place(log, taken)
        callback = kind(log)
        callback.check()
        made.append(callback)
    if tensorboard is not None:
        made.append(TensorBoard(tensorboard))
    return made
