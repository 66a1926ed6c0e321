"""Files are written whole or not at all, wherever the writing fails."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chainrule.errors import SaveError
from chainrule.storage import atomic_write

OLD, NEW = b"old" * 100, b"new" * 1000
STEPS = ("open", "write", "fsync", "close", "replace")
ERRNOS = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EACCES, errno.EROFS, errno.EFBIG)
posix = pytest.mark.skipif(os.name == "nt", reason="Windows has neither forks nor limits of this kind")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "file").write_bytes(OLD)
    return tmp_path / "file"


def check_alone(path: Path) -> None:
    assert [other.name for other in path.parent.iterdir()] == [path.name]


def fail_at(patch: pytest.MonkeyPatch, k: int, error: BaseException) -> list[str]:
    """Let the k-th of the system calls that write a file fail; give the list in which the calls are noted."""
    calls: list[str] = []

    def wrap(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            calls.append(name)
            if len(calls) == k + 1:
                if name == "close":
                    real(*args)
                raise error
            if name == "write":  # a few bytes at a time, as a slow device would
                return real(args[0], args[1][:1000])
            return real(*args, **kwargs)

        return call

    for name in STEPS:
        patch.setattr(os, name, wrap(name, getattr(os, name)))
    return calls


def test_file_is_written(tmp_path: Path) -> None:
    path = tmp_path / "file"
    assert atomic_write(str(path), NEW) == path
    assert path.read_bytes() == NEW
    check_alone(path)


@pytest.mark.parametrize("content", [b"", b"x", NEW])
def test_old_file_is_replaced(path: Path, content: bytes) -> None:
    atomic_write(path, content)
    assert path.read_bytes() == content
    check_alone(path)


def write_failing(path: Path, k: int, number: int) -> tuple[list[str], str]:
    """Write with the k-th call failing; give the calls that were made and what the error said, if there was one."""
    with pytest.MonkeyPatch.context() as patch:
        calls = fail_at(patch, k, OSError(number, os.strerror(number)))
        try:
            atomic_write(path, NEW)
        except SaveError as error:
            return calls, str(error)
    return calls, ""


@pytest.mark.parametrize("number", ERRNOS)
def test_failure_of_any_call_keeps_the_old_file(path: Path, number: int) -> None:
    for k in range(20):
        path.write_bytes(OLD)
        calls, message = write_failing(path, k, number)
        in_place = "replace" in calls[:-1]
        assert in_place != message.startswith(f"{path} could not be written: ")
        assert path.read_bytes() == (NEW if in_place else OLD)
        check_alone(path)
        if len(calls) <= k:
            break
    assert calls[:7] == ["open", "write", "write", "write", "fsync", "close", "replace"]
    assert len(calls) <= k


def test_full_disk_at_any_byte_keeps_the_old_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, room = os.write, 0

    def write(handle: int, data: memoryview) -> int:
        nonlocal room
        if room == 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written = real(handle, data[:room])
        room -= written
        return written

    monkeypatch.setattr(os, "write", write)
    for threshold in range(0, len(NEW), 47):
        room = threshold
        with pytest.raises(SaveError, match="no space left on the device; free some"):
            atomic_write(path, NEW)
        assert path.read_bytes() == OLD
        check_alone(path)
    room = len(NEW)
    atomic_write(path, NEW)
    assert path.read_bytes() == NEW


@pytest.mark.parametrize("k", range(7))
def test_interruption_keeps_the_old_file(path: Path, k: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        fail_at(patch, k, KeyboardInterrupt())
        with pytest.raises(KeyboardInterrupt):
            atomic_write(path, NEW)
    assert path.read_bytes() == OLD
    check_alone(path)


CRASH = """
import os, sys
from pathlib import Path
from chainrule.storage import atomic_write

path = Path(sys.argv[1])
new = b"new" * 1000
left = set()
for k in range(30):
    path.write_bytes(b"old" * 100)
    child = os.fork()
    if child == 0:
        count = 0
        def wrap(real):
            def call(*args, **kwargs):
                global count
                count += 1
                if count == k + 1:
                    os._exit(9)
                return real(*args, **kwargs)
            return call
        for name in ("open", "write", "fsync", "close", "replace", "chmod"):
            setattr(os, name, wrap(getattr(os, name)))
        atomic_write(path, new)
        os._exit(0)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert path.read_bytes() in (b"old" * 100, new), k
    left.update(other.name for other in path.parent.iterdir())
    if status == 0:
        break
assert status == 0 and k > 6, k
assert all(name == path.name or name.startswith(".chainrule-") for name in left), left
"""


@posix
def test_crash_at_any_call_leaves_the_old_file_or_the_new_one(path: Path) -> None:
    run_script(CRASH, path)


LIMIT = """
import resource, signal, sys
from pathlib import Path
from chainrule.errors import SaveError
from chainrule.storage import atomic_write

path = Path(sys.argv[1])
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))
try:
    atomic_write(path, b"x" * 20000)
except SaveError as error:
    assert "larger than this system allows" in str(error), error
else:
    raise AssertionError("there was no error")
"""


@posix
def test_limit_of_the_system_keeps_the_old_file(path: Path) -> None:
    run_script(LIMIT, path)
    assert path.read_bytes() == OLD
    check_alone(path)


FULL = """
import sys
from pathlib import Path
from chainrule.errors import SaveError
from chainrule.storage import atomic_write

path = Path(sys.argv[1])
atomic_write(path, b"old" * 1000)
for size in (64_000, 65_536, 100_000, 10_000_000):
    try:
        atomic_write(path, bytes(size))
    except SaveError as error:
        assert "no space left" in str(error), error
    else:
        raise AssertionError("there was no error")
    assert path.read_bytes() == b"old" * 1000
    assert [other.name for other in path.parent.iterdir()] == [path.name]
atomic_write(path, b"new")
assert path.read_bytes() == b"new"
"""


@pytest.mark.skipif(shutil.which("unshare") is None, reason="only Linux lends a small disk to everybody")
def test_full_disk_keeps_the_old_file(tmp_path: Path) -> None:
    mount = ["unshare", "-Urm", "sh", "-c", 'mount -t tmpfs -o size=64k none "$0" && exec "$@"', str(tmp_path)]
    if subprocess.run([*mount, "true"], capture_output=True).returncode != 0:
        pytest.skip("this machine does not let its users mount a small disk")
    run_script(FULL, tmp_path / "file", before=mount)


def run_script(script: str, path: Path, before: list[str] | None = None) -> None:
    run = subprocess.run(
        [*(before or []), sys.executable, "-c", script, str(path)], capture_output=True, encoding="utf-8"
    )
    assert run.returncode == 0, run.stderr


def test_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(SaveError, match=r"there is no folder .*missing; make it first"):
        atomic_write(tmp_path / "missing" / "file", NEW)


def test_folder_that_is_a_file(path: Path) -> None:
    with pytest.raises(SaveError, match="there is no folder"):
        atomic_write(path / "file", NEW)
    assert path.read_bytes() == OLD


def test_path_that_is_a_folder(tmp_path: Path) -> None:
    with pytest.raises(SaveError, match="it is a folder; give the name of a file"):
        atomic_write(tmp_path, NEW)
    assert not list(tmp_path.iterdir())


def test_unwritable_folder(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any) -> int:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", refuse)
        with pytest.raises(SaveError, match=r"folder .* is not writable .*; save to another folder") as caught:
            atomic_write(path, NEW)
    assert caught.value.fields["folder"] == str(path.parent)
    assert path.read_bytes() == OLD


@posix
@pytest.mark.skipif(getattr(os, "geteuid", lambda: 0)() == 0, reason="root may write everywhere")
def test_folder_without_the_right_to_write(path: Path) -> None:
    path.parent.chmod(0o500)
    try:
        with pytest.raises(SaveError, match="is not writable"):
            atomic_write(path, NEW)
        assert path.read_bytes() == OLD
    finally:
        path.parent.chmod(0o700)


@pytest.mark.parametrize("name", ["x" * 300, "a\0b"])
def test_name_that_cannot_be(tmp_path: Path, name: str) -> None:
    with pytest.raises(SaveError, match="could not be written"):
        atomic_write(tmp_path / name, NEW)
    assert not list(tmp_path.iterdir())


def test_longest_name(tmp_path: Path) -> None:
    path = tmp_path / ("x" * 200)
    atomic_write(path, NEW)
    assert path.read_bytes() == NEW


@posix
def test_device_is_not_replaced() -> None:
    with pytest.raises(SaveError, match="a device or a pipe"):
        atomic_write(os.devnull, NEW)
    assert stat.S_ISCHR(Path(os.devnull).stat().st_mode)


@posix
def test_link_is_followed(path: Path) -> None:
    link = path.with_name("link")
    link.symlink_to(path)
    atomic_write(link, NEW)
    assert link.is_symlink()
    assert path.read_bytes() == NEW


@posix
@pytest.mark.parametrize("rights", [0o600, 0o644, 0o444])
def test_access_rights_stay(path: Path, rights: int) -> None:
    path.chmod(rights)
    atomic_write(path, NEW)
    assert stat.S_IMODE(path.stat().st_mode) == rights


@posix
def test_new_file_has_the_usual_rights(path: Path) -> None:
    atomic_write(path.with_name("other"), NEW)
    assert stat.S_IMODE(path.with_name("other").stat().st_mode) == stat.S_IMODE(path.stat().st_mode)
