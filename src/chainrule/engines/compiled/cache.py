"""Compiled code on disk, so that a machine compiles a kind of network once.

A file bears the digest of everything that its contents depend on: what is compiled, this package's sources, LLVM's
version and the processor. Inside, a digest of the contents guards against damage. What cannot be read, is damaged or
does not belong to this user counts as not there; what cannot be written is not kept. Neither is ever an error.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import stat
import tempfile
from pathlib import Path

__all__ = ["digest", "folder", "keeps", "read", "write"]

_MARK = b"chainrule kernels 1\n"
_MOST = 256 * 2**20  # bytes that are kept; a network's code takes 20 to 300 kB


def folder() -> Path | None:
    """Give the folder that code is kept in: CHAINRULE_KERNELS, or one in the user's cache folder; None for none."""
    chosen = os.environ.get("CHAINRULE_KERNELS")
    if chosen is not None:
        return Path(os.path.expanduser(chosen)).absolute() if chosen else None  # noqa: PTH111 - Path's raises
    from platformdirs import user_cache_path

    place = user_cache_path("chainrule", appauthor=False) / "kernels"
    return place if place.is_absolute() else None  # "~/…" where nobody knows a home


def keeps() -> bool:
    """Say whether what is compiled will be there for the next program: the folder can be written, by nobody else."""
    place = folder()
    if place is None:
        return False
    with contextlib.suppress(OSError):
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
        return _is_own(place) and os.access(place, os.W_OK)
    return False


def digest(*parts: str) -> str:
    """Give the name of a file whose contents depend on these texts, and on this package's own.

    It is empty, and nothing is kept under it, where the package's sources cannot be read, such as in an archive.
    """
    try:
        text = "\0".join((*parts, _sources()))
    except OSError:
        return ""
    return hashlib.sha256(text.encode()).hexdigest()


@functools.cache
def _sources() -> str:
    """A digest of LLVM's version and of the modules that decide what is written, and where things lie."""
    import llvmlite.binding as llvm

    package = Path(__file__).parents[2]
    sha = hashlib.sha256(repr(llvm.llvm_version_info).encode())
    decisive = [package / f"{name}.py" for name in ("network", "layers", "sparse", "streams")]
    for path in [*decisive, *sorted(Path(__file__).parents[1].rglob("*.py"))]:
        sha.update(path.read_bytes())
    return sha.hexdigest()


def read(name: str) -> bytes | None:
    """Give what was kept under a name, if it is whole and this user's own."""
    place = folder()
    if place is None or not name:
        return None
    try:
        if not _is_own(place):
            return None
        with (place / name).open("rb") as file:
            if not _is_safe(os.fstat(file.fileno())):
                return None
            kept = file.read()
    except OSError:
        return None
    start = len(_MARK) + 32
    whole = kept.startswith(_MARK) and hashlib.sha256(name.encode() + kept[start:]).digest() == kept[len(_MARK) : start]
    return kept[start:] if whole else None


def write(name: str, contents: bytes) -> None:
    """Keep something under a name, whole or not at all."""
    place = folder()
    if place is None or not name:
        return
    kept = _MARK + hashlib.sha256(name.encode() + contents).digest() + contents
    with contextlib.suppress(OSError):
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not _is_own(place):
            return
        handle, temporary = tempfile.mkstemp(dir=place)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(kept)
            Path(temporary).replace(place / name)
            _remove_oldest(place)
        except OSError:
            with contextlib.suppress(OSError):
                Path(temporary).unlink()


def _remove_oldest(place: Path) -> None:
    """Keep the folder within its bounds; what was written long ago goes first, also what a killed process left."""
    facts = sorted((entry.stat().st_mtime, entry.stat().st_size, entry.path) for entry in os.scandir(place))
    excess = sum(size for _, size, _ in facts) - _MOST
    for _, size, path in facts:
        if excess <= 0:
            return
        Path(path).unlink(missing_ok=True)
        excess -= size


def _is_own(place: Path) -> bool:
    """Whether nobody else can put code into the folder (where the system can tell)."""
    return _is_safe(place.stat())


def _is_safe(facts: os.stat_result) -> bool:
    if not hasattr(os, "getuid"):
        return True
    return facts.st_uid == os.getuid() and not facts.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
