"""Reading our files: what is opened, how much of it is read, and what is said of what is none of ours."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any, BinaryIO

from chainrule.data import foreign
from chainrule.errors import ChainruleError, ModelFileError, UsageError
from chainrule.storage.container import PREFIX, Form, Header, header_length, parse

__all__ = ["check_path", "read_file", "tame"]

MAX_QUOTED = 200  # characters


def check_path(path: object) -> None:
    """Refuse what is no path.

    Raises:
        UsageError: for it.
    """
    if not isinstance(path, (str, os.PathLike)):
        raise UsageError("path is {path!r}; expected a text or a Path, such as 'model.safetensors'", path=path)


def read_file(path: Path, form: Form) -> tuple[Header, bytes, bytes]:
    """Give a file's header as it was parsed, its bytes with their length before them, and the payload.

    The checksum is for the caller to verify.

    Raises:
        ModelFileError: for what is no such file, or one whose header and size contradict each other.
    """
    try:
        _check_ordinary(path, form)
        with path.open("rb") as file:
            return _read(file, os.fstat(file.fileno()).st_size, form)
    except (FileNotFoundError, NotADirectoryError):
        raise ModelFileError("there is no such file; check its name and its folder") from None
    except (OSError, ValueError) as error:  # ValueError: a null character in the path
        reason = getattr(error, "strerror", None) or str(error)
        raise ModelFileError("the file cannot be read: {reason}; check its access rights", reason=reason) from error


def _check_ordinary(path: Path, form: Form) -> None:
    """Refuse what is no file before it is opened: opening a pipe would wait for ever."""
    mode = path.stat().st_mode
    if stat.S_ISDIR(mode):
        raise ModelFileError("this is a folder; give the model file in it")
    if not stat.S_ISREG(mode):
        raise ModelFileError(form.device)


def _read(file: BinaryIO, size: int, form: Form) -> tuple[Header, bytes, bytes]:
    """Read header, then payload: neither before its size is known to be right."""
    if size == 0:
        raise ModelFileError("the file is empty; copy it again from where it came from, or train again")
    beginning = file.read(foreign.LOOK_AT)
    if len(beginning) <= PREFIX:
        raise ModelFileError(
            "the file has only {size} bytes: it is truncated, or no model; copy it again from where it came from",
            size=size,
        )
    prefix = beginning[:PREFIX]
    if not beginning.startswith(b"{", PREFIX):
        raise ModelFileError(form.foreign, kind=foreign.name_of(beginning))
    length = header_length(prefix, size)
    file.seek(PREFIX)
    text = file.read(length)
    header = parse(text, size, form)
    return header, prefix + text, file.read(header.payload)


def tame(value: Any) -> Any:
    """Shorten what an error quotes from a file, and spell out what would steer a terminal."""
    if isinstance(value, ChainruleError):
        return type(value)(value.key, **{name: tame(field) for name, field in value.fields.items()})
    if isinstance(value, str) and (len(value) > MAX_QUOTED or not value.isprintable()):
        return ascii(value[:MAX_QUOTED])[1:-1] + "…" * (len(value) > MAX_QUOTED)
    return value
