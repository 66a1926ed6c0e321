"""Files that are written whole or not at all."""

from __future__ import annotations

import errno
import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path

from chainrule.errors import SaveError
from chainrule.language import Message, template

__all__ = ["atomic_write", "check_place"]

_NO_SPACE = template(
    "{path} could not be written: there is no space left on the device; free some, or save to another place"
)
_NO_RIGHTS = template(
    "{path} could not be written: the folder {folder} is not writable for you (on Windows: or another program holds the"
    " file open); save to another folder"
)
_NO_FOLDER = template("{path} could not be written: there is no folder {folder}; make it first, or save to another one")
_REASONS = {
    errno.ENOSPC: _NO_SPACE,
    errno.EDQUOT: _NO_SPACE,
    errno.EACCES: _NO_RIGHTS,
    errno.EPERM: _NO_RIGHTS,
    errno.EROFS: _NO_RIGHTS,
    errno.ENOENT: _NO_FOLDER,
    errno.ENOTDIR: _NO_FOLDER,
    errno.EISDIR: template("{path} could not be written: it is a folder; give the name of a file, such as one in it"),
    errno.ENAMETOOLONG: template(
        "{path} could not be written: the name is too long for this file system; give a shorter one"
    ),
    errno.EFBIG: template(
        "{path} could not be written: it is larger than this system allows files to be; save to another place"
    ),
    errno.EIO: template("{path} could not be written: the device reports an input/output error; save to another one"),
}
_OTHER = template("{path} could not be written: {reason}; save to another place, or under another name")


def atomic_write(path: str | os.PathLike[str], data: bytes) -> Path:
    """Write a file whole or not at all.

    The bytes go to a temporary file in the same folder, to the device (fsync), and then take the place of ``path`` in
    one step: whoever reads sees the old file or the new one, and so it is after a crash. A link is followed, and an
    old file's access rights stay.

    Args:
        path: where to; the folder must exist.
        data: the whole content.

    Returns:
        The path.

    Raises:
        SaveError: the file cannot be written: says path, reason and what to do. An old file is still there, untouched,
            and nothing is left behind.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     atomic_write(Path(folder) / "greeting.txt", b"hello").read_text(encoding="utf-8")
    'hello'
    """
    shown = Path(path)
    try:
        _replace(_target(shown), data)
    except (OSError, ValueError) as error:  # ValueError: a null character in the path
        raise _refused(shown, error) from error
    return shown


def check_place(path: str | os.PathLike[str]) -> None:
    """See that a file could be written, before the work is done that it is for; what is there stays as it is.

    Raises:
        SaveError: where it could not.

    >>> check_place("no/such/folder/run.checkpoint")
    Traceback (most recent call last):
      ...
    chainrule.errors.SaveError: no/such/folder/run.checkpoint could not be written: there is no folder ...
    """
    shown = Path(path)
    try:
        temporary = _beside(_target(shown))
        os.close(_open(temporary))
        temporary.unlink()
    except (OSError, ValueError) as error:
        raise _refused(shown, error) from error


def _refused(path: Path, error: OSError | ValueError) -> SaveError:
    number = error.errno if isinstance(error, OSError) else None
    reason = getattr(error, "strerror", None) or str(error)
    return SaveError(_REASONS.get(number or 0, _OTHER), path=str(path), folder=str(path.parent), reason=reason)


def _target(path: Path) -> Path:
    """Follow links, and refuse what is there and no ordinary file: a device would be replaced by a file."""
    target = Path(os.path.realpath(path))
    try:
        mode = target.stat().st_mode
    except FileNotFoundError:
        return target
    if stat.S_ISDIR(mode):
        raise OSError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, Message("it is a device or a pipe, not a file"))
    return target


def _beside(target: Path) -> Path:
    # A name of its own length: one made from the target's could be too long.
    return target.with_name(f".chainrule-{secrets.token_hex(8)}.tmp")


def _open(temporary: Path) -> int:
    # Not tempfile: its files are readable by their owner only, and stay so after the rename.
    return os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)


def _replace(target: Path, data: bytes) -> None:
    temporary = _beside(target)
    handle = _open(temporary)
    try:
        try:
            _keep_rights(target, temporary)
            _write(handle, data)
            os.fsync(handle)
        finally:
            os.close(handle)  # Windows renames no open file
        temporary.replace(target)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
    _sync_folder(target.parent)


def _write(handle: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(handle, left) :]


def _keep_rights(target: Path, temporary: Path) -> None:
    """Give the temporary file the rights of the file that it will replace, before anything is in it."""
    if os.name == "nt":  # a file that is read-only there can be neither replaced nor removed
        return
    with suppress(OSError):  # there is no old file, or its rights are not ours to give
        temporary.chmod(stat.S_IMODE(target.stat().st_mode))


def _sync_folder(folder: Path) -> None:
    """Make the new name durable, where the platform can.

    An error here is none of the file: it is whole and in its place, and a crash leaves the old one or this one.
    """
    if os.name == "nt":
        return
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
