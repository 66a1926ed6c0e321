"""Downloads that arrive whole or not at all: time-out, size limit, SHA-256 check, atomic placement."""

from __future__ import annotations

import gzip
import hashlib
import os
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias, cast

from chainrule.errors import NetworkError, SaveError
from chainrule.language import Message, chained, template

__all__ = ["Progress", "Published", "download"]

# Called with the file's name, the bytes that have come, and the bytes that will (None where the server does not say).
Progress: TypeAlias = Callable[[str, int, "int | None"], None]

_CHUNK = 2**16
# gzip makes hardly anything larger; a server that sends more than this above the unpacked size sends something else.
_SLACK = 2**16


@dataclass(frozen=True)
class Published:
    """A file as it was published.

    Args:
        name: its name; servers hold it gzipped, as name.gz.
        size: bytes, unpacked.
        sha256: SHA-256 of the unpacked bytes: they stay the same however a mirror packs them.
    """

    name: str
    size: int
    sha256: str


def download(
    file: Published,
    folder: Path,
    mirrors: tuple[str, ...],
    *,
    progress: Progress | None = None,
    timeout: float = 20.0,
) -> Path:
    """Fetch a file from the first mirror that has it, check it, and put it into a folder, gzipped as it came.

    Args:
        file: what to fetch.
        folder: where to; made if it is not there.
        mirrors: base addresses, each ending in "/".
        progress: called after every piece.
        timeout: seconds without an answer after which a mirror is given up.

    Returns:
        The file's path.

    Raises:
        NetworkError: where no mirror gave the file; says for each why.
        SaveError: where the folder cannot be written to.
    """
    place = folder / f"{file.name}.gz"
    failures: list[str] = []
    for mirror in mirrors:
        url = f"{mirror}{file.name}.gz"
        with _temporary_file(folder, file.name) as (temporary, path):
            try:
                _receive(url, temporary, file, progress, timeout)
                _check(temporary, file)
            except _Failure as failure:
                failures.append(Message("{url}: {reason}", url=url, reason=failure.args[0]))
                continue
            _place(temporary, path, place)
            return place
    reasons = chained(template("{first}; {next}"), failures)
    raise NetworkError("{file} could not be downloaded ({reasons})", file=file.name, reasons=reasons, failures=failures)


class _Failure(Exception):
    """Why one mirror did not do; the next one is tried."""


@contextmanager
def _temporary_file(folder: Path, name: str) -> Iterator[tuple[BinaryIO, Path]]:
    """Open a temporary file in the folder itself; what is left of it at the end is removed."""
    import tempfile

    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle, text = tempfile.mkstemp(dir=folder, prefix=f"{name}.", suffix=".part")
    except OSError as error:
        raise _unwritable(folder, error) from error
    path = Path(text)
    try:
        with os.fdopen(handle, "w+b") as file:
            yield cast(BinaryIO, file), path
    finally:
        path.unlink(missing_ok=True)


def _place(temporary: BinaryIO, path: Path, place: Path) -> None:
    """Make the temporary file the real one, in one step."""
    try:
        temporary.flush()
        os.fsync(temporary.fileno())
        temporary.close()  # Windows renames no open file
        path.replace(place)
    except OSError as error:
        if not place.exists():  # another process may have been faster, and be reading it
            raise _unwritable(place.parent, error) from error


def _unwritable(folder: Path, error: OSError) -> SaveError:
    return SaveError(
        "the folder {folder} cannot be written to: {reason}; make room, or name another folder (--data-dir)",
        folder=folder,
        reason=error.strerror or str(error),
    )


def _receive(url: str, out: BinaryIO, file: Published, progress: Progress | None, timeout: float) -> None:
    """Write what a server sends; anything that goes wrong on the way is a failure of this mirror."""
    limit = file.size + _SLACK
    with _answer(url, timeout) as response:
        total = response.headers.get("Content-Length")
        expected = int(total) if total is not None and total.isdigit() else None
        received = 0
        while chunk := _piece(response):
            received += len(chunk)
            if received > limit:
                raise _Failure(Message("it sends more than {limit} bytes", limit=limit))
            try:
                out.write(chunk)
            except OSError as error:
                raise _unwritable(Path(out.name).parent, error) from error
            if progress is not None:
                progress(file.name, received, expected)
    if expected is not None and received != expected:
        raise _Failure(
            Message("it broke off after {received} of {expected} bytes", received=received, expected=expected)
        )


@contextmanager
def _answer(url: str, timeout: float) -> Iterator[Any]:
    import http.client
    import urllib.request

    request = urllib.request.Request(url, headers={"User-Agent": "chainrule"})
    try:
        response = urllib.request.urlopen(request, timeout=timeout)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise _Failure(_reason(error)) from error
    with response:
        yield response


def _piece(response: Any) -> bytes:
    import http.client

    try:
        return cast(bytes, response.read(_CHUNK))
    except (OSError, http.client.HTTPException) as error:
        raise _Failure(_reason(error)) from error


def _reason(error: Exception) -> str:
    """Say in a few words what went wrong; urllib wraps the reason."""
    inner = getattr(error, "reason", None)
    if isinstance(error, TimeoutError) or isinstance(inner, TimeoutError):
        return Message("no answer in time")
    code = getattr(error, "code", None)
    if code is not None:
        return Message("status {code} {reason}", code=code, reason=inner)
    return str(inner or error or type(error).__name__)


def _check(packed: BinaryIO, file: Published) -> None:
    """Compare the unpacked bytes with the published checksum; nothing beyond the published size is unpacked."""
    packed.flush()
    packed.seek(0)
    digest, size = hashlib.sha256(), 0
    try:
        with gzip.GzipFile(fileobj=packed, mode="rb") as stream:
            while size <= file.size and (chunk := stream.read(_CHUNK)):
                size += len(chunk)
                digest.update(chunk)
    except (EOFError, OSError, zlib.error) as error:
        raise _Failure(Message("what it sends is no gzip file")) from error
    if size != file.size or digest.hexdigest() != file.sha256:
        raise _Failure(Message("what it sends is not the published file (its SHA-256 differs)"))
