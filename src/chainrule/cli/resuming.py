"""`chainrule train --checkpoint FILE` and `--resume FILE`: the command itself is kept in the checkpoint."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from chainrule.language import tr

if TYPE_CHECKING:
    from chainrule.training import Checkpoint

__all__ = ["Keeping", "check_given", "take_stored"]

_COMMAND = "train"
# What may be another thing when training goes on; `train` itself looks at the numbers among them, and at the data.
_FREE = (
    "data",
    "data_dir",
    "epochs",
    "patience",
    "time_limit",
    "threads",
    "out",
    "plot",
    "engine",
    "log",
    "tensorboard",
)
_NOT_KEPT = ("as_json", "verbose", "resume", "checkpoint")


@dataclass(frozen=True)
class Keeping:
    """Where checkpoints go, and what they are gone on from.

    Args:
        path: of the checkpoint, or None.
        epochs: write one after each so many epochs.
        minutes: write one after so many minutes.
        resume: the checkpoint to go on from, or None.
    """

    path: Path | None
    epochs: int | None
    minutes: float | None
    resume: Path | None

    @property
    def place(self) -> Path | None:
        """Where checkpoints go: where none is named, one that is gone on from is kept up to date."""
        return self.path or self.resume

    def checkpoint(self, context: typer.Context) -> Checkpoint | None:
        """Make the callback.

        Raises:
            UsageError: for intervals without a file.
        """
        from chainrule.errors import UsageError
        from chainrule.training import Checkpoint

        if self.place is None:
            if self.epochs is not None or self.minutes is not None:
                raise UsageError("--checkpoint-epochs and --checkpoint-minutes need a file: --checkpoint FILE")
            return None
        epochs = 1 if self.epochs is None and self.minutes is None else self.epochs
        return Checkpoint(self.place, epochs, self.minutes, about={_COMMAND: _command(context)})


def _command(context: typer.Context) -> dict[str, Any]:
    """Give the options of a command line as plain data."""
    return {
        name: str(value) if isinstance(value, Path) else value
        for name, value in context.params.items()
        if name not in _NOT_KEPT
    }


def _stored(path: Path) -> dict[str, Any]:
    from chainrule.errors import UsageError
    from chainrule.storage.checkpoint_file import read_checkpoint

    about = read_checkpoint(path).parts["about"]
    command = about.get(_COMMAND) if isinstance(about, dict) else None
    if not isinstance(command, dict):
        raise UsageError(
            "{path} was written by a Python program, not by `chainrule train`; go on with train(…, resume=…) there",
            path=path,
        )
    return command


def take_stored(context: typer.Context, path: Path | None) -> Path | None:
    """Let what is not said on the command line be what it was when the checkpoint was written."""
    if path is not None and not context.resilient_parsing:
        known = {each.name for each in context.command.params}
        context.default_map = {
            name: value for name, value in _stored(path).items() if name in known and value is not None
        }
    return path


def check_given(context: typer.Context, path: Path) -> None:
    """Refuse options that are given again, and differently.

    Raises:
        UsageError: names the option, what it was, and what it is.
    """
    from chainrule.errors import UsageError

    stored, given = _stored(path), _command(context)
    for each in context.command.params:
        name = each.name or ""
        if name not in stored or name in _FREE or name.startswith("checkpoint"):
            continue
        if given[name] != stored[name]:
            raise UsageError(
                "{path} is a checkpoint of `chainrule train` with {option} {was}, now it is {now}; give the same, leave"
                " it out, or train from the beginning, without --resume",
                path=path,
                option=max(each.opts, key=len),
                was=tr("not given") if stored[name] is None else stored[name],
                now=tr("not given") if given[name] is None else given[name],
            )
